/* Private to database: the library of include/firn/firn.h over database.h.
 *
 * What the library hands out is a `firn_` struct here; names of the public header are PostgreSQL's
 * style of C library, everything behind it is ours. */
#ifndef FIRN_DATABASE_LIBRARY_INT_H
#define FIRN_DATABASE_LIBRARY_INT_H

#include "database/database_int.h"
#include "firn/firn.h"

#define FIRN_EXPORTED __attribute__((visibility("default")))

struct firn_database {
    Database *database;
    Logger *logger;
};

struct firn_session {
    Database *database;
    DatabaseSession session;
};

typedef struct ResultRow {
    struct ResultRow *next;
    firn_value *values;
} ResultRow;

struct firn_result {
    Arena arena;
    uint32_t column_count;
    const char **names;
    const char **types;
    ResultRow *first;
    ResultRow *last;
    ResultRow *at; /* NULL: before the first */
    bool has_begun;
    uint64_t row_count;
    uint64_t seq;
};

enum { RESULT_BYTES_MAX = 1 << 30 };

/* ---- library_value.c ---- */

/* Fills in the caller's error, which may be NULL; its code. */
int library_error(const Error *error, const StatementPlace *place, firn_error *out);

/* In the arena: an array of them. */
CHECKED Status library_values(Arena *arena, const firn_value *values, size_t count, Value **out,
                              Error *error);
CHECKED Status library_from_value(Arena *arena, Type type, const Value *value, firn_value *out,
                                  Error *error);

/* ---- library_statement.c ---- */

/* A statement with its plan known or bound, on this thread. */
CHECKED Status library_run(firn_session *session, Slice sql, const Parameters *parameters,
                           const ResultSink *sink, ResultSummary *summary, Error *error);

/* Rows to a visitor, or into a result. */
typedef struct LibrarySink {
    firn_result *result; /* where rows are kept; NULL: they are not */
    firn_row_visitor visit;
    void *visit_context;
    Arena row_arena;
    const ResultColumn *columns;
    uint32_t column_count;
} LibrarySink;

ResultSink library_sink(LibrarySink *sink);
CHECKED Status library_result_open(firn_result **out, Error *error);

#endif
