/* Functions that give sets. A template gives the set as a list. */
#include "sql/catalogue_int.h"

#define SET(NAME, RESULT, ARGUMENTS, ENGINE, TEXT_)                                        \
    ROW(FUNCTION_SET, NAME, RESULT, ARGUMENTS, .writer = WRITE_LIST_SET, .engine = ENGINE, \
        .description = TEXT_)
#define SERIES(RESULT, TEXT_, ...)                                                           \
    ROW(FUNCTION_SET, "generate_series", RESULT, TAKES(__VA_ARGS__), .writer = WRITE_SERIES, \
        .description = TEXT_)

static const CatalogueFunction FUNCTIONS[] = {
    SERIES(INT4, "Numbers from … to …", INT4, INT4),
    SERIES(INT4, "Numbers from … to … by steps", INT4, INT4, INT4),
    SERIES(INT8, "Numbers from … to …", INT8, INT8),
    SERIES(INT8, "Numbers from … to … by steps", INT8, INT8, INT8),
    SERIES(TIMESTAMP, "Times from … to … by steps", TIMESTAMP, TIMESTAMP, INTERVAL),
    SERIES(TIMESTAMPTZ, "Times from … to … by steps", TIMESTAMPTZ, TIMESTAMPTZ, INTERVAL),
    SET("generate_subscripts", INT4, TAKES(ANY_ARRAY, INT4),
        "CASE WHEN $2 = 1 THEN CAST(range(1, len($1) + 1) AS INTEGER[]) END",
        "Subscripts of an array"),
    SET("json_array_elements", JSON, TAKES(JSON), "pg_json_elements($1)", "Elements of an array"),
    SET("json_array_elements_text", TEXT, TAKES(JSON), "pg_json_elements_text($1)",
        "Elements of an array as text"),
    SET("json_each", RECORD, TAKES(JSON), "pg_json_values($1)", "Keys and values of an object"),
    SET("json_each_text", RECORD, TAKES(JSON), "pg_json_texts($1)",
        "Keys and values of an object as text"),
    SET("json_object_keys", TEXT, TAKES(JSON), "pg_json_keys($1)", "Keys of an object"),
    SET("jsonb_array_elements", JSONB, TAKES(JSONB), "pg_json_elements($1)",
        "Elements of an array"),
    SET("jsonb_array_elements_text", TEXT, TAKES(JSONB), "pg_json_elements_text($1)",
        "Elements of an array as text"),
    SET("jsonb_each", RECORD, TAKES(JSONB), "pg_json_values($1)", "Keys and values of an object"),
    SET("jsonb_each_text", RECORD, TAKES(JSONB), "pg_json_texts($1)",
        "Keys and values of an object as text"),
    SET("jsonb_object_keys", TEXT, TAKES(JSONB), "pg_json_keys($1)", "Keys of an object"),
    ROW(FUNCTION_SET, "regexp_split_to_table", TEXT, TAKES(TEXT, TEXT), .writer = WRITE_REGEX_SPLIT,
        .description = "Parts between matches"),
    ROW(FUNCTION_SET, "string_to_table", TEXT, TAKES(TEXT, TEXT), .writer = WRITE_LIST_SET,
        .engine = "fn_text_to_array($1, $2)", .flags = FUNCTION_NULL_CALLED,
        .description = "Parts between separators"),
    ROW(FUNCTION_SET, "string_to_table", TEXT, TAKES(TEXT, TEXT, TEXT), .writer = WRITE_LIST_SET,
        .engine = "fn_text_to_array($1, $2, $3)", .flags = FUNCTION_NULL_CALLED,
        .description = "Parts between separators"),
    SET("unnest", ELEMENT, TAKES(ANY_ARRAY), "$1", "Elements of an array"),
};

const CatalogueFamily catalogue_sets = {FUNCTIONS, sizeof FUNCTIONS / sizeof FUNCTIONS[0]};

uint32_t catalogue_set_columns(const CatalogueFunction *function, const SetColumn **out)
{
    static const SetColumn OF_JSON[] = {{"key", TEXT}, {"value", JSON}};
    static const SetColumn OF_JSONB[] = {{"key", TEXT}, {"value", JSONB}};
    static const SetColumn OF_TEXT[] = {{"key", TEXT}, {"value", TEXT}};
    if (function->kind != FUNCTION_SET || function->result != RECORD)
        return 0;
    bool is_text = strstr(function->name, "_text") != NULL;
    *out = is_text ? OF_TEXT : function->arguments[0] == JSON ? OF_JSON : OF_JSONB;
    return 2;
}
