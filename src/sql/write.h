/* Writing: a bound query as DuckDB's SQL.
 *
 * Everything DuckDB could take in two ways is said in one: every literal and parameter has its
 * type, every identifier is quoted or ours (t7 a relation, q2 a grouped query, w1 a name of WITH,
 * c0 … columns), every sort key says where NULLs go. Functions are the catalogue's templates, or
 * the row evaluator's own through the bridge, so that both executors mean the same. What cannot be
 * said exactly is 0A000.
 *
 * A number whose scale varies is text in PostgreSQL's form (bound.h); where values are compared,
 * grouped or sorted, pg_num_key gives bytes that sort as the numbers do.
 *
 * Threading: one thread. Ownership: the text lives in the plan's arena. */
#ifndef FIRN_SQL_WRITE_H
#define FIRN_SQL_WRITE_H

#include "sql/binder_int.h"

enum { WRITTEN_BYTES_MAX = 16 << 20 };

typedef struct WrittenQuery {
    QueryText text;
    bool uses_now;
    bool uses_user;
} WrittenQuery;

/* The statement's own query. Its columns come as ResultColumn.sent says; the columns read are
 * marked in the binder's references; every parameter of the statement is named. */
CHECKED Status write_statement(Binder *binder, const BoundQuery *query, WrittenQuery *out,
                               Error *error);

/* What the result columns of a query are, as the client and as the engine see them. */
CHECKED Status result_columns(Binder *binder, const BoundQuery *query, ResultColumn **out,
                              Error *error);
Type sent_type(Type type, int16_t scale);

#endif
