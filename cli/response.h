/* What POST /v1/sql answers (spec: protocols.md, section 1), taken apart.
 *
 * Threading: one thread. Ownership: everything lives in the arena or points into the body.
 * Errors: INVALID_JSON_TEXT where the answer is not what the protocol says. */
#ifndef FIRN_CLI_RESPONSE_H
#define FIRN_CLI_RESPONSE_H

#include "base/json.h"

enum {
    RESPONSE_DEPTH_MAX = 500, /* of values in rows */
    RESPONSE_COLUMNS_MAX = 10000,
};

typedef struct ResponseColumn {
    Slice name;
    Slice type;
    bool is_key; /* said of live queries only */
} ResponseColumn;

/* One statement's result. */
typedef struct ResponseResult {
    ResponseColumn *columns; /* NULL where it returns no rows */
    size_t column_count;
    Slice rows; /* raw JSON: an array of arrays */
    int64_t row_count;
    Slice message;            /* PostgreSQL's command tag */
    Slice information;        /* more than the tag, where there is more */
    const JsonValue *notices; /* an array of texts, or NULL */
    Slice durability;         /* of a write, where the server says it; empty otherwise */
    int64_t seq;              /* likewise; 0 otherwise */
} ResponseResult;

typedef struct ResponseError {
    Slice code;
    Slice sqlstate;
    Slice message;
    Slice detail;
    Slice hint;
    int64_t byte; /* where in the statements' text; -1: not said */
} ResponseError;

typedef struct Response {
    Slice results; /* raw JSON: an array; empty where there is none */
    bool is_error;
    ResponseError error;
    double took_ms;
} Response;

CHECKED Status response_read(Arena *arena, Slice body, Response *out, Error *error);

/* An `error` object; NULL gives an error that says so. */
void response_read_error(const JsonValue *value, ResponseError *out);

CHECKED Status response_read_columns(Arena *arena, Slice raw, ResponseColumn **out, size_t *count,
                                     Error *error);

/* One element of `results`. */
CHECKED Status response_read_result(Arena *arena, Slice raw, ResponseResult *out, Error *error);

#endif
