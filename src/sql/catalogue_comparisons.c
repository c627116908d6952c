/* =, <>, <, <=, >, >=. */
#include "sql/catalogue_int.h"

#define COMPARE(NAME, A, B) \
    ROW(FUNCTION_OPERATOR, NAME, BOOL, TAKES(A, B), .flags = FUNCTION_COMPARISON),

/* The pairs PostgreSQL compares without a cast. */
#define ALL(NAME)                           \
    COMPARE(NAME, BOOL, BOOL)               \
    COMPARE(NAME, INT2, INT2)               \
    COMPARE(NAME, INT2, INT4)               \
    COMPARE(NAME, INT2, INT8)               \
    COMPARE(NAME, INT4, INT2)               \
    COMPARE(NAME, INT4, INT4)               \
    COMPARE(NAME, INT4, INT8)               \
    COMPARE(NAME, INT8, INT2)               \
    COMPARE(NAME, INT8, INT4)               \
    COMPARE(NAME, INT8, INT8)               \
    COMPARE(NAME, FLOAT4, FLOAT4)           \
    COMPARE(NAME, FLOAT4, FLOAT8)           \
    COMPARE(NAME, FLOAT8, FLOAT4)           \
    COMPARE(NAME, FLOAT8, FLOAT8)           \
    COMPARE(NAME, NUMERIC, NUMERIC)         \
    COMPARE(NAME, TEXT, TEXT)               \
    COMPARE(NAME, BPCHAR, BPCHAR)           \
    COMPARE(NAME, BYTEA, BYTEA)             \
    COMPARE(NAME, DATE, DATE)               \
    COMPARE(NAME, DATE, TIMESTAMP)          \
    COMPARE(NAME, DATE, TIMESTAMPTZ)        \
    COMPARE(NAME, TIMESTAMP, DATE)          \
    COMPARE(NAME, TIMESTAMP, TIMESTAMP)     \
    COMPARE(NAME, TIMESTAMP, TIMESTAMPTZ)   \
    COMPARE(NAME, TIMESTAMPTZ, DATE)        \
    COMPARE(NAME, TIMESTAMPTZ, TIMESTAMP)   \
    COMPARE(NAME, TIMESTAMPTZ, TIMESTAMPTZ) \
    COMPARE(NAME, TIME, TIME)               \
    COMPARE(NAME, INTERVAL, INTERVAL)       \
    COMPARE(NAME, UUID, UUID)               \
    COMPARE(NAME, ANY_ARRAY, ANY_ARRAY)

#define OF_JSON(NAME, SYMBOL) OPERATOR(NAME, BOOL, TAKES(JSONB, JSONB), SYMBOL, NULL, "Comparison"),

static const CatalogueFunction FUNCTIONS[] = {
    ALL("<") OF_JSON("<", "jsonb_less") ALL("<=") OF_JSON("<=", "jsonb_less_or_equal") ALL("<>")
        OF_JSON("<>", "jsonb_not_equal") ALL("=") OF_JSON("=", "jsonb_equal") ALL(">")
            OF_JSON(">", "jsonb_greater") ALL(">=") OF_JSON(">=", "jsonb_greater_or_equal")};

const CatalogueFamily catalogue_comparisons = {FUNCTIONS, sizeof FUNCTIONS / sizeof FUNCTIONS[0]};
