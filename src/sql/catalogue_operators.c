/* Operators but those of comparison. */
#include "sql/catalogue_int.h"

#define WIDE(NAME, RESULT, A, B) \
    ROW(FUNCTION_OPERATOR, NAME, RESULT, TAKES(A, B), .flags = FUNCTION_WIDEN)
#define WIDE_INTEGERS(NAME)                                                                   \
    WIDE(NAME, INT4, INT2, INT4), WIDE(NAME, INT4, INT4, INT2), WIDE(NAME, INT8, INT2, INT8), \
        WIDE(NAME, INT8, INT8, INT2), WIDE(NAME, INT8, INT4, INT8), WIDE(NAME, INT8, INT8, INT4)
#define WIDE_FLOATS(NAME) WIDE(NAME, FLOAT8, FLOAT4, FLOAT8), WIDE(NAME, FLOAT8, FLOAT8, FLOAT4)
#define INTEGERS(NAME, VERB, ENGINE, TEXT_)                                   \
    OPERATOR(NAME, INT2, TAKES(INT2, INT2), "int2_" VERB, ENGINE, TEXT_),     \
        OPERATOR(NAME, INT4, TAKES(INT4, INT4), "int4_" VERB, ENGINE, TEXT_), \
        OPERATOR(NAME, INT8, TAKES(INT8, INT8), "int8_" VERB, ENGINE, TEXT_)
#define INTEGERS_BY(NAME, VERB, WRITER, TEXT_)                                        \
    ROW(FUNCTION_OPERATOR, NAME, INT2, TAKES(INT2, INT2), .symbol = "int2_" VERB,     \
        .writer = WRITER, .description = TEXT_),                                      \
        ROW(FUNCTION_OPERATOR, NAME, INT4, TAKES(INT4, INT4), .symbol = "int4_" VERB, \
            .writer = WRITER, .description = TEXT_),                                  \
        ROW(FUNCTION_OPERATOR, NAME, INT8, TAKES(INT8, INT8), .symbol = "int8_" VERB, \
            .writer = WRITER, .description = TEXT_)
#define FLOATS(NAME, VERB, TEXT_)                                               \
    OPERATOR(NAME, FLOAT4, TAKES(FLOAT4, FLOAT4), "float4_" VERB, NULL, TEXT_), \
        OPERATOR(NAME, FLOAT8, TAKES(FLOAT8, FLOAT8), "float8_" VERB, NULL, TEXT_)
#define NUMBERS(NAME, VERB, RULE, ENGINE, TEXT_)                                              \
    ROW(FUNCTION_OPERATOR, NAME, NUMERIC, TAKES(NUMERIC, NUMERIC), .symbol = "numeric_" VERB, \
        .scale = RULE, .engine = ENGINE, .flags = FUNCTION_NUMERIC_NATIVE, .description = TEXT_)
#define SWAPPED(NAME, RESULT, A, B) \
    ROW(FUNCTION_OPERATOR, NAME, RESULT, TAKES(A, B), .flags = FUNCTION_SWAPPED)
#define SHIFTS(NAME, VERB, TEXT_)                                           \
    OPERATOR(NAME, INT2, TAKES(INT2, INT4), "int2_" VERB, NULL, TEXT_),     \
        OPERATOR(NAME, INT4, TAKES(INT4, INT4), "int4_" VERB, NULL, TEXT_), \
        OPERATOR(NAME, INT8, TAKES(INT8, INT4), "int8_" VERB, NULL, TEXT_)
#define SIGN(NAME, VERB, ENGINE, TEXT_)                                                    \
    OPERATOR(NAME, INT2, TAKES(INT2), "int2_" VERB, ENGINE, TEXT_),                        \
        OPERATOR(NAME, INT4, TAKES(INT4), "int4_" VERB, ENGINE, TEXT_),                    \
        OPERATOR(NAME, INT8, TAKES(INT8), "int8_" VERB, ENGINE, TEXT_),                    \
        OPERATOR(NAME, FLOAT4, TAKES(FLOAT4), "float4_" VERB, ENGINE, TEXT_),              \
        OPERATOR(NAME, FLOAT8, TAKES(FLOAT8), "float8_" VERB, ENGINE, TEXT_),              \
        ROW(FUNCTION_OPERATOR, NAME, NUMERIC, TAKES(NUMERIC), .symbol = "numeric_" VERB,   \
            .scale = SCALE_RULE_FIRST, .engine = ENGINE, .flags = FUNCTION_NUMERIC_NATIVE, \
            .description = TEXT_)
/* A plus before a value: call_make leaves it out, so nobody computes it. */
#define SAME(TYPE_) \
    ROW(FUNCTION_OPERATOR, "+", TYPE_, TAKES(TYPE_), .engine = "$1", .description = "The same")
#define NEGATED(NAME) \
    ROW(FUNCTION_OPERATOR, NAME, BOOL, TAKES(TEXT, TEXT), .flags = FUNCTION_NEGATED)
#define PATTERN(NAME, SYMBOL, WRITER, TEXT_)                                                  \
    ROW(FUNCTION_OPERATOR, NAME, BOOL, TAKES(TEXT, TEXT), .symbol = SYMBOL, .writer = WRITER, \
        .description = TEXT_)
#define JSON_GET(NAME, RESULT_JSON, RESULT_JSONB, VERB, TEXT_)                                   \
    OPERATOR(NAME, RESULT_JSON, TAKES(JSON, INT4), "json_get_element" VERB, NULL, TEXT_),        \
        OPERATOR(NAME, RESULT_JSON, TAKES(JSON, TEXT), "json_get_field" VERB, NULL, TEXT_),      \
        OPERATOR(NAME, RESULT_JSONB, TAKES(JSONB, INT4), "jsonb_get_element" VERB, NULL, TEXT_), \
        OPERATOR(NAME, RESULT_JSONB, TAKES(JSONB, TEXT), "jsonb_get_field" VERB, NULL, TEXT_)
#define ELEMENTS(NAME, SYMBOL, TEXT_)                                                 \
    ROW(FUNCTION_OPERATOR, NAME, BOOL, TAKES(ANY_ARRAY, ANY_ARRAY), .symbol = SYMBOL, \
        .writer = WRITE_BY_ELEMENTS, .description = TEXT_)
#define DISTANCE(NAME, SYMBOL, TEXT_) \
    OPERATOR(NAME, FLOAT8, TAKES(VECTOR, VECTOR), SYMBOL, NULL, TEXT_)

static const CatalogueFunction FUNCTIONS[] = {
    NEGATED("!~"),
    NEGATED("!~*"),
    NEGATED("!~~"),
    NEGATED("!~~*"),
    INTEGERS("#", "bit_xor", NULL, "Exclusive or of bits"),
    OPERATOR("#-", JSONB, TAKES(JSONB, TEXTS), "jsonb_delete_path", NULL, "Without what is there"),
    OPERATOR("#>", JSON, TAKES(JSON, TEXTS), "json_get_path", NULL, "What stands at a path"),
    OPERATOR("#>", JSONB, TAKES(JSONB, TEXTS), "jsonb_get_path", NULL, "What stands at a path"),
    OPERATOR("#>>", TEXT, TAKES(JSON, TEXTS), "json_get_path_text", NULL,
             "What stands at a path, as text"),
    OPERATOR("#>>", TEXT, TAKES(JSONB, TEXTS), "jsonb_get_path_text", NULL,
             "What stands at a path, as text"),
    INTEGERS_BY("%", "modulo", WRITE_MODULO, "Remainder"),
    NUMBERS("%", "modulo", SCALE_RULE_MAX, NULL, "Remainder"),
    INTEGERS("&", "bit_and", NULL, "And of bits"),
    ELEMENTS("&&", "array_overlaps", "Do they share an element?"),
    INTEGERS("*", "multiply", "($1 * $2)", "Product"),
    FLOATS("*", "multiply", "Product"),
    NUMBERS("*", "multiply", SCALE_RULE_SUM, "($1 * $2)", "Product"),
    OPERATOR("*", INTERVAL, TAKES(INTERVAL, FLOAT8), "interval_multiply", NULL, "Product"),
    SWAPPED("*", INTERVAL, FLOAT8, INTERVAL),
    WIDE_INTEGERS("*"),
    WIDE_FLOATS("*"),
    SAME(INT2),
    SAME(INT4),
    SAME(INT8),
    SAME(FLOAT4),
    SAME(FLOAT8),
    SAME(NUMERIC),
    INTEGERS("+", "add", "($1 + $2)", "Sum"),
    FLOATS("+", "add", "Sum"),
    NUMBERS("+", "add", SCALE_RULE_MAX, "($1 + $2)", "Sum"),
    OPERATOR("+", DATE, TAKES(DATE, INT4), "date_add_days", NULL, "So many days later"),
    OPERATOR("+", TIMESTAMP, TAKES(DATE, INTERVAL), "date_add_interval", NULL, "Later"),
    OPERATOR("+", TIMESTAMP, TAKES(DATE, TIME), "date_add_time", NULL, "Date and time"),
    OPERATOR("+", INTERVAL, TAKES(INTERVAL, INTERVAL), "interval_add", NULL, "Sum"),
    OPERATOR("+", TIME, TAKES(TIME, INTERVAL), "time_add_interval", NULL, "Later"),
    OPERATOR("+", TIMESTAMP, TAKES(TIMESTAMP, INTERVAL), "timestamp_add_interval", NULL, "Later"),
    OPERATOR("+", TIMESTAMPTZ, TAKES(TIMESTAMPTZ, INTERVAL), "timestamptz_add_interval", NULL,
             "Later"),
    SWAPPED("+", DATE, INT4, DATE),
    SWAPPED("+", TIMESTAMP, INTERVAL, DATE),
    SWAPPED("+", TIMESTAMP, TIME, DATE),
    SWAPPED("+", TIME, INTERVAL, TIME),
    SWAPPED("+", TIMESTAMP, INTERVAL, TIMESTAMP),
    SWAPPED("+", TIMESTAMPTZ, INTERVAL, TIMESTAMPTZ),
    WIDE_INTEGERS("+"),
    WIDE_FLOATS("+"),
    SIGN("-", "negate", "(-$1)", "The negative"),
    OPERATOR("-", INTERVAL, TAKES(INTERVAL), "interval_negate", NULL, "The negative"),
    INTEGERS("-", "subtract", "($1 - $2)", "Difference"),
    FLOATS("-", "subtract", "Difference"),
    NUMBERS("-", "subtract", SCALE_RULE_MAX, "($1 - $2)", "Difference"),
    OPERATOR("-", INT4, TAKES(DATE, DATE), "date_subtract", NULL, "Days between"),
    OPERATOR("-", DATE, TAKES(DATE, INT4), "date_subtract_days", NULL, "So many days earlier"),
    OPERATOR("-", TIMESTAMP, TAKES(DATE, INTERVAL), "date_subtract_interval", NULL, "Earlier"),
    OPERATOR("-", INTERVAL, TAKES(INTERVAL, INTERVAL), "interval_subtract", NULL, "Difference"),
    OPERATOR("-", TIME, TAKES(TIME, INTERVAL), "time_subtract_interval", NULL, "Earlier"),
    OPERATOR("-", INTERVAL, TAKES(TIME, TIME), "time_subtract", NULL, "Time between"),
    OPERATOR("-", TIMESTAMP, TAKES(TIMESTAMP, INTERVAL), "timestamp_subtract_interval", NULL,
             "Earlier"),
    OPERATOR("-", INTERVAL, TAKES(TIMESTAMP, TIMESTAMP), "timestamp_subtract", NULL,
             "Time between"),
    OPERATOR("-", TIMESTAMPTZ, TAKES(TIMESTAMPTZ, INTERVAL), "timestamptz_subtract_interval", NULL,
             "Earlier"),
    OPERATOR("-", INTERVAL, TAKES(TIMESTAMPTZ, TIMESTAMPTZ), "timestamptz_subtract", NULL,
             "Time between"),
    OPERATOR("-", JSONB, TAKES(JSONB, INT4), "jsonb_delete_index", NULL, "Without an element"),
    OPERATOR("-", JSONB, TAKES(JSONB, TEXT), "jsonb_delete_key", NULL, "Without a key"),
    OPERATOR("-", JSONB, TAKES(JSONB, TEXTS), "jsonb_delete_keys", NULL, "Without keys"),
    WIDE_INTEGERS("-"),
    WIDE_FLOATS("-"),
    JSON_GET("->", JSON, JSONB, "", "A field or an element"),
    JSON_GET("->>", TEXT, TEXT, "_text", "A field or an element as text"),
    INTEGERS_BY("/", "divide", WRITE_DIVIDE, "Quotient, cut towards zero"),
    FLOATS("/", "divide", "Quotient"),
    NUMBERS("/", "divide", SCALE_RULE_OPEN, NULL, "Quotient"),
    OPERATOR("/", INTERVAL, TAKES(INTERVAL, FLOAT8), "interval_divide", NULL, "Quotient"),
    WIDE_INTEGERS("/"),
    WIDE_FLOATS("/"),
    DISTANCE("<#>", "vector_negative_inner_product", "Negative inner product"),
    DISTANCE("<+>", "vector_l1_distance", "Sum of the differences"),
    DISTANCE("<->", "vector_l2_distance", "Straight distance"),
    SHIFTS("<<", "shift_left", "Bits moved up"),
    DISTANCE("<=>", "vector_cosine_distance", "1 - cosine of the angle"),
    ELEMENTS("<@", "array_contained", "Is it contained?"),
    OPERATOR("<@", BOOL, TAKES(JSONB, JSONB), "jsonb_contained", NULL, "Is it contained?"),
    SHIFTS(">>", "shift_right", "Bits moved down"),
    OPERATOR("?", BOOL, TAKES(JSONB, TEXT), "jsonb_exists", NULL, "Is there such a key?"),
    OPERATOR("?&", BOOL, TAKES(JSONB, TEXTS), "jsonb_exists_all", NULL,
             "Are there all these keys?"),
    OPERATOR("?|", BOOL, TAKES(JSONB, TEXTS), "jsonb_exists_any", NULL,
             "Is there one of these keys?"),
    SIGN("@", "abs", NULL, "Absolute value"),
    ELEMENTS("@>", "array_contains", "Does it contain the other?"),
    OPERATOR("@>", BOOL, TAKES(JSONB, JSONB), "jsonb_contains", NULL, "Does it contain the other?"),
    OPERATOR("^", FLOAT8, TAKES(FLOAT8, FLOAT8), "float8_power", NULL, "Power"),
    NUMBERS("^", "power", SCALE_RULE_OPEN, NULL, "Power"),
    OPERATOR("^@", BOOL, TAKES(TEXT, TEXT), "text_starts_with", "starts_with($1, $2)",
             "Does it begin so?"),
    INTEGERS("|", "bit_or", NULL, "Or of bits"),
    OPERATOR("|/", FLOAT8, TAKES(FLOAT8), "float8_sqrt", NULL, "Square root"),
    OPERATOR("||", TEXT, TAKES(TEXT, TEXT), "text_concat", "($1 || $2)", "One behind the other"),
    ROW(FUNCTION_OPERATOR, "||", TEXT, TAKES(TEXT, NOT_ARRAY), .flags = FUNCTION_JOINS_TEXT),
    ROW(FUNCTION_OPERATOR, "||", TEXT, TAKES(NOT_ARRAY, TEXT), .flags = FUNCTION_JOINS_TEXT),
    OPERATOR("||", BYTEA, TAKES(BYTEA, BYTEA), "bytea_concat", "($1 || $2)",
             "One behind the other"),
    OPERATOR("||", JSONB, TAKES(JSONB, JSONB), "jsonb_concat", NULL, "Both in one"),
    ROW(FUNCTION_OPERATOR, "||", COMPATIBLE_ARRAY, TAKES(COMPATIBLE_ARRAY, COMPATIBLE_ARRAY),
        .symbol = "array_concat", .writer = WRITE_ARRAY_CONCAT, .flags = FUNCTION_NULL_CALLED,
        .description = "One behind the other"),
    ROW(FUNCTION_OPERATOR, "||", COMPATIBLE_ARRAY, TAKES(COMPATIBLE_ARRAY, COMPATIBLE),
        .symbol = "array_append", .engine = "list_append($1, $2)", .flags = FUNCTION_NULL_CALLED,
        .description = "With an element at the end"),
    ROW(FUNCTION_OPERATOR, "||", COMPATIBLE_ARRAY, TAKES(COMPATIBLE, COMPATIBLE_ARRAY),
        .symbol = "array_prepend", .engine = "list_prepend($1, $2)", .flags = FUNCTION_NULL_CALLED,
        .description = "With an element at the start"),
    OPERATOR("||/", FLOAT8, TAKES(FLOAT8), "float8_cbrt", NULL, "Cube root"),
    OPERATOR("~", INT2, TAKES(INT2), "int2_bit_not", NULL, "Bits turned"),
    OPERATOR("~", INT4, TAKES(INT4), "int4_bit_not", NULL, "Bits turned"),
    OPERATOR("~", INT8, TAKES(INT8), "int8_bit_not", NULL, "Bits turned"),
    PATTERN("~", NULL, WRITE_REGEX_MATCH, "Does a regular expression match?"),
    PATTERN("~*", NULL, WRITE_REGEX_MATCH, "… in any case of letters"),
    PATTERN("~~", "text_like", WRITE_LIKE, "LIKE"),
    OPERATOR("~~", BOOL, TAKES(BYTEA, BYTEA), "bytea_like", NULL, "LIKE"),
    PATTERN("~~*", "text_ilike", WRITE_PLAIN, "ILIKE"),
};

const CatalogueFamily catalogue_operators = {FUNCTIONS, sizeof FUNCTIONS / sizeof FUNCTIONS[0]};
