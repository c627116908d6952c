/* Compose: a request as a worker understands it: its SQL with the holes filled, and what the
 * functions in that SQL look at. Private to query/.
 *
 * A hole becomes
 *     (SELECT … FROM read_parquet([files without dead rows], …)
 *      UNION ALL SELECT … FROM read_parquet([file], …) WHERE alive_<slot>(file_row_number)
 *      UNION ALL SELECT … FROM hot_scan(reference))
 * with only the parts that exist. The first files with dead rows of a statement each have a branch
 * and a slot of their own; where there are many, all of a reference share one branch and
 * alive_any(reference, file_index, file_row_number).
 *
 * Behind the barrier (`WHERE alive … OFFSET 0`) no expression of the statement meets a dead row.
 * DuckDB pushes predicates below alive(): without it they may, and fail on them.
 *
 * Threading: pure. Ownership: everything lives in the arena, or is borrowed from the request. */
#ifndef FIRN_QUERY_COMPOSE_H
#define FIRN_QUERY_COMPOSE_H

#include "query/talk_int.h"

typedef struct Composition {
    WorkerRequest request;
    KeepRequest keep;
    bool has_dead_rows; /* a file is read with alive() */
    uint64_t files;     /* given to DuckDB */
} Composition;

/* `prefix` comes before the text ("EXPLAIN "). */
CHECKED Status compose(Arena *arena, const QueryRequest *request, const char *prefix,
                       Composition *out, Error *error);

#endif
