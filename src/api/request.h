/* Request: the JSON that asks for statements: POST /v1/sql, and `query` and `subscribe` over a
 * WebSocket.
 *
 *     {"sql": text, "params": [values], "namespace": text, "bigint": "string" | "number"}
 *
 * An unknown field is refused with the nearest name: a misspelt "params" must not be a statement
 * without them.
 *
 * Threading: pure functions. Ownership: everything lives in the arena or points into the text.
 * Errors: INVALID_JSON_TEXT, INVALID_PARAMETER_VALUE (naming the field), TOO_MANY_ARGUMENTS,
 * PROGRAM_LIMIT_EXCEEDED. */
#ifndef FIRN_API_REQUEST_H
#define FIRN_API_REQUEST_H

#include "base/json.h"
#include "sql/plan.h"

typedef struct SqlRequest {
    Slice sql;
    const JsonValue *params; /* an array; NULL: none */
    Slice namespace_name;    /* data NULL: not said */
    unsigned json_flags;
} SqlRequest;

typedef struct SqlRequestLimits {
    uint64_t params_max;
    uint64_t param_bytes_max;
} SqlRequestLimits;

CHECKED Status sql_request_read(Arena *arena, Slice text, const SqlRequestLimits *limits,
                                SqlRequest *out, Error *error);

/* The fields of a message that are a statement's; `others` (NULL at the end) may stand beside
 * them. */
CHECKED Status sql_request_of(const JsonValue *object, const char *const *others,
                              const SqlRequestLimits *limits, SqlRequest *out, Error *error);

/* The member `options` of a subscription: last_rows, batch_size, from_seq, until_seq, from_time,
 * until_time (timestamps as SQL reads them), pull. Where there is none, everything stays -1. */
CHECKED Status subscribe_options_read(Arena *arena, const JsonValue *object, SubscribeOptions *out,
                                      Error *error);

/* A member that must be a text; data NULL where it is missing or null. */
CHECKED Status request_text(const JsonValue *object, const char *name, Slice *out, Error *error);

/* Refuses members that are not among the names (NULL at the end). */
CHECKED Status request_check_fields(const JsonValue *object, const char *const *names,
                                    Error *error);

#endif
