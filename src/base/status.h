/* Status codes: one catalogue for every way a call can end.
 *
 * Each code has a name (what programs match on), an SQLSTATE (what PostgreSQL's clients match on),
 * an HTTP status (what the edge answers with) and a default text. Codes are never matched by their
 * text. Functions that can fail return Status and are CHECKED: the compiler refuses a caller who
 * drops one.
 *
 * Threading: constants only. Ownership: the texts are static. */
#ifndef FIRN_BASE_STATUS_H
#define FIRN_BASE_STATUS_H

#define CHECKED __attribute__((warn_unused_result))

/* X(name, SQLSTATE, HTTP status, default text) */
#define STATUS_CATALOGUE(X)                                                                    \
    X(OK, "00000", 200, "success")                                                             \
    /* the statement is wrong */                                                               \
    X(SYNTAX_ERROR, "42601", 400, "syntax error")                                              \
    X(UNDEFINED_COLUMN, "42703", 400, "column does not exist")                                 \
    X(UNDEFINED_TABLE, "42P01", 404, "relation does not exist")                                \
    X(UNDEFINED_FUNCTION, "42883", 400, "function does not exist")                             \
    X(UNDEFINED_OBJECT, "42704", 404, "object does not exist")                                 \
    X(UNDEFINED_PARAMETER, "42P02", 400, "there is no such parameter")                         \
    X(INVALID_SCHEMA_NAME, "3F000", 404, "namespace does not exist")                           \
    X(INVALID_CATALOG_NAME, "3D000", 404, "database does not exist")                           \
    X(DUPLICATE_TABLE, "42P07", 409, "relation already exists")                                \
    X(DUPLICATE_COLUMN, "42701", 400, "column specified more than once")                       \
    X(DUPLICATE_SCHEMA, "42P06", 409, "namespace already exists")                              \
    X(DUPLICATE_OBJECT, "42710", 409, "object already exists")                                 \
    X(DUPLICATE_ALIAS, "42712", 400, "name specified more than once")                          \
    X(AMBIGUOUS_COLUMN, "42702", 400, "column reference is ambiguous")                         \
    X(AMBIGUOUS_FUNCTION, "42725", 400, "function is not unique")                              \
    X(DATATYPE_MISMATCH, "42804", 400, "datatype mismatch")                                    \
    X(INDETERMINATE_DATATYPE, "42P18", 400, "could not determine data type")                   \
    X(CANNOT_COERCE, "42846", 400, "cannot cast type")                                         \
    X(GROUPING_ERROR, "42803", 400, "grouping error")                                          \
    X(WINDOWING_ERROR, "42P20", 400, "windowing error")                                        \
    X(WRONG_OBJECT_TYPE, "42809", 400, "wrong object type")                                    \
    X(INVALID_RECURSION, "42P19", 400, "invalid recursion")                                    \
    X(INVALID_COLUMN_REFERENCE, "42P10", 400, "invalid column reference")                      \
    X(INVALID_COLUMN_DEFINITION, "42611", 400, "invalid column definition")                    \
    X(INVALID_TABLE_DEFINITION, "42P16", 400, "invalid table definition")                      \
    X(INVALID_OBJECT_DEFINITION, "42P17", 400, "invalid object definition")                    \
    X(INVALID_NAME, "42602", 400, "invalid name")                                              \
    X(RESERVED_NAME, "42939", 400, "reserved name")                                            \
    X(NAME_TOO_LONG, "42622", 400, "name too long")                                            \
    X(FEATURE_NOT_SUPPORTED, "0A000", 400, "feature not supported")                            \
    X(DEPENDENT_OBJECTS_STILL_EXIST, "2BP01", 409, "dependent objects still exist")            \
    X(OBJECT_IN_USE, "55006", 409, "object in use")                                            \
    X(OBJECT_NOT_IN_PREREQUISITE_STATE, "55000", 409, "object not in prerequisite state")      \
    /* the data is wrong */                                                                    \
    X(UNIQUE_VIOLATION, "23505", 409, "duplicate key value violates unique constraint")        \
    X(NOT_NULL_VIOLATION, "23502", 400, "null value violates not-null constraint")             \
    X(CHECK_VIOLATION, "23514", 400, "new row violates check constraint")                      \
    X(CARDINALITY_VIOLATION, "21000", 400, "more than one row returned")                       \
    X(STRING_DATA_RIGHT_TRUNCATION, "22001", 400, "value too long")                            \
    X(NUMERIC_VALUE_OUT_OF_RANGE, "22003", 400, "numeric value out of range")                  \
    X(NULL_VALUE_NOT_ALLOWED, "22004", 400, "null value not allowed")                          \
    X(INVALID_DATETIME_FORMAT, "22007", 400, "invalid input syntax for type timestamp")        \
    X(DATETIME_FIELD_OVERFLOW, "22008", 400, "date/time field value out of range")             \
    X(INVALID_TIME_ZONE_DISPLACEMENT, "22009", 400, "time zone displacement out of range")     \
    X(SUBSTRING_ERROR, "22011", 400, "negative substring length not allowed")                  \
    X(DIVISION_BY_ZERO, "22012", 400, "division by zero")                                      \
    X(INVALID_ARGUMENT_FOR_NTILE, "22014", 400, "argument of ntile must be greater than zero") \
    X(INTERVAL_FIELD_OVERFLOW, "22015", 400, "interval field value out of range")              \
    X(INVALID_PARAMETER_VALUE, "22023", 400, "invalid parameter value")                        \
    X(INVALID_REGULAR_EXPRESSION, "2201B", 400, "invalid regular expression")                  \
    X(INVALID_ARGUMENT_FOR_LOGARITHM, "2201E", 400, "cannot take logarithm")                   \
    X(INVALID_ARGUMENT_FOR_POWER, "2201F", 400, "invalid argument for power function")         \
    X(INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "2201G", 400, "invalid argument for width_bucket")    \
    X(INVALID_ROW_COUNT_IN_LIMIT, "2201W", 400, "LIMIT must not be negative")                  \
    X(INVALID_ROW_COUNT_IN_OFFSET, "2201X", 400, "OFFSET must not be negative")                \
    X(INVALID_ESCAPE_SEQUENCE, "22025", 400, "invalid escape sequence")                        \
    X(INVALID_TEXT_REPRESENTATION, "22P02", 400, "invalid input syntax")                       \
    X(INVALID_BINARY_REPRESENTATION, "22P03", 400, "invalid binary representation")            \
    X(BAD_COPY_FILE_FORMAT, "22P04", 400, "bad file format")                                   \
    X(UNTRANSLATABLE_CHARACTER, "22P05", 400, "untranslatable character")                      \
    X(CHARACTER_NOT_IN_REPERTOIRE, "22021", 400, "invalid byte sequence for encoding UTF8")    \
    X(ARRAY_SUBSCRIPT_ERROR, "2202E", 400, "wrong number of array subscripts")                 \
    X(INVALID_JSON_TEXT, "22032", 400, "invalid JSON text")                                    \
    X(DATA_EXCEPTION, "22000", 400, "data exception")                                          \
    /* limits */                                                                               \
    X(PROGRAM_LIMIT_EXCEEDED, "54000", 400, "program limit exceeded")                          \
    X(STATEMENT_TOO_COMPLEX, "54001", 400, "statement too complex")                            \
    X(TOO_MANY_COLUMNS, "54011", 400, "too many columns")                                      \
    X(TOO_MANY_ARGUMENTS, "54023", 400, "too many arguments")                                  \
    X(PAYLOAD_TOO_LARGE, "54P01", 413, "request too large")                                    \
    X(TOO_MANY_REQUESTS, "53400", 429, "configured limit exceeded")                            \
    X(TOO_MANY_CONNECTIONS, "53300", 503, "too many connections")                              \
    X(DISK_FULL, "53100", 507, "no space left on device")                                      \
    X(OUT_OF_MEMORY, "53200", 503, "out of memory")                                            \
    X(STALLED, "53P01", 503, "writes are stalled")                                             \
    /* who asks */                                                                             \
    X(INSUFFICIENT_PRIVILEGE, "42501", 403, "permission denied")                               \
    X(INVALID_PASSWORD, "28P01", 401, "invalid user name or password")                         \
    X(INVALID_AUTHORIZATION, "28000", 401, "not authenticated")                                \
    /* together with others */                                                                 \
    X(SCHEMA_CHANGED, "40P02", 409, "the table's definition changed while the statement ran")  \
    X(WOULD_BLOCK, "40P03", 503, "the call would have to wait")                                \
    X(SERIALIZATION_FAILURE, "40001", 409, "could not serialize access")                       \
    X(DEADLOCK_DETECTED, "40P01", 409, "deadlock detected")                                    \
    X(LOCK_NOT_AVAILABLE, "55P03", 409, "lock not available")                                  \
    X(QUERY_CANCELED, "57014", 503, "canceling statement")                                     \
    X(SNAPSHOT_TOO_OLD, "72000", 409, "snapshot too old")                                      \
    X(ACTIVE_TRANSACTION, "25001", 409, "a transaction is already in progress")                \
    X(NO_ACTIVE_TRANSACTION, "25P01", 409, "there is no transaction in progress")              \
    X(IN_FAILED_TRANSACTION, "25P02", 409, "current transaction is aborted")                   \
    X(READ_ONLY_TRANSACTION, "25006", 400, "read-only transaction")                            \
    /* the server */                                                                           \
    X(SHUTTING_DOWN, "57P01", 503, "the server is shutting down")                              \
    X(STARTING_UP, "57P03", 503, "the server is starting up")                                  \
    X(LOG_POISONED, "58P01", 503, "the log refused a write: writes stop until a restart")      \
    X(IO_ERROR, "58030", 500, "input/output error")                                            \
    X(FILE_EXISTS, "58P02", 500, "file already exists")                                        \
    X(FILE_NOT_FOUND, "58P03", 500, "file not found")                                          \
    X(DATA_CORRUPTED, "XX001", 500, "data corrupted")                                          \
    X(DIRECTORY_LOCKED, "55P04", 500, "data directory is locked")                              \
    X(VERSION_NOT_SUPPORTED, "58P04", 500, "written by a newer version")                       \
    X(WORKER_FAILED, "58P05", 503, "the engine's worker process failed")                       \
    X(PROTOCOL_VIOLATION, "08P01", 400, "protocol violation")                                  \
    X(CONNECTION_FAILURE, "08006", 503, "connection failure")                                  \
    X(NOT_FOUND, "02F01", 404, "not found")                                                    \
    X(METHOD_NOT_ALLOWED, "08P02", 405, "method not allowed")                                  \
    X(UNSUPPORTED_MEDIA_TYPE, "08P03", 415, "unsupported media type")                          \
    X(HEADER_TOO_LARGE, "08P04", 431, "request header too large")                              \
    X(REQUEST_TIMEOUT, "08P05", 408, "request timeout")                                        \
    X(NOT_BUILT, "0A001", 501, "not built yet")                                                \
    X(INVALID_CONFIGURATION, "F0000", 500, "invalid configuration")                            \
    X(INTERNAL, "XX000", 500, "internal error")

typedef enum Status {
#define X(name, sqlstate, http, text) STATUS_##name,
    STATUS_CATALOGUE(X)
#undef X
        STATUS_COUNT
} Status;

#define OK STATUS_OK

const char *status_name(Status status);     /* "UNDEFINED_COLUMN" */
const char *status_sqlstate(Status status); /* "42703" */
int status_http(Status status);             /* 400 */
const char *status_text(Status status);     /* the default text */

/* The code of an SQLSTATE; STATUS_INTERNAL where the catalogue does not have it. */
Status status_from_sqlstate(const char *sqlstate);

/* Return at once what is not OK. */
#define TRY(call)                    \
    do {                             \
        Status try_status_ = (call); \
        if (try_status_ != OK)       \
            return try_status_;      \
    } while (0)

/* The one-exit form: keeps the code in `status` and leaves by `done:`. */
#define GO(call)          \
    do {                  \
        status = (call);  \
        if (status != OK) \
            goto done;    \
    } while (0)

/* Cleanup that keeps the first error. */
#define KEEP_FIRST(call)              \
    do {                              \
        Status keep_status_ = (call); \
        if (status == OK)             \
            status = keep_status_;    \
    } while (0)

#endif
