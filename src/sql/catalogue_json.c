/* Functions of JSON. */
#include "sql/catalogue_int.h"

#define BUILD(NAME, RESULT, SYMBOL, WRITER, TEXT_)                                     \
    ROW(FUNCTION_SCALAR, NAME, RESULT, TAKES(ANY), .symbol = SYMBOL, .writer = WRITER, \
        .flags = FUNCTION_NULL_CALLED | FUNCTION_VARIADIC, .description = TEXT_)

static const CatalogueFunction FUNCTIONS[] = {
    SCALAR("json_array_length", INT4, TAKES(JSON), "json_array_length", "Elements of an array"),
    BUILD("json_build_array", JSON, "json_build_array", WRITE_JSON_ARRAY, "An array of values"),
    BUILD("json_build_object", JSON, "json_build_object", WRITE_JSON_OBJECT,
          "An object of keys and values"),
    SCALAR("json_strip_nulls", JSON, TAKES(JSON), "json_strip_nulls", "Without null fields"),
    SCALAR("json_typeof", TEXT, TAKES(JSON), "json_typeof", "Kind of the value"),
    SCALAR("jsonb_array_length", INT4, TAKES(JSONB), "jsonb_array_length", "Elements of an array"),
    BUILD("jsonb_build_array", JSONB, "jsonb_build_array", WRITE_JSON_ARRAY, "An array of values"),
    BUILD("jsonb_build_object", JSONB, "jsonb_build_object", WRITE_JSON_OBJECT,
          "An object of keys and values"),
    SCALAR("jsonb_insert", JSONB, TAKES(JSONB, TEXTS, JSONB), "jsonb_insert",
           "With a value put in"),
    SCALAR("jsonb_insert", JSONB, TAKES(JSONB, TEXTS, JSONB, BOOL), "jsonb_insert",
           "With a value put in"),
    SCALAR("jsonb_pretty", TEXT, TAKES(JSONB), "jsonb_pretty", "Indented text"),
    SCALAR("jsonb_set", JSONB, TAKES(JSONB, TEXTS, JSONB), "jsonb_set", "With a value replaced"),
    SCALAR("jsonb_set", JSONB, TAKES(JSONB, TEXTS, JSONB, BOOL), "jsonb_set",
           "With a value replaced"),
    SCALAR("jsonb_strip_nulls", JSONB, TAKES(JSONB), "jsonb_strip_nulls", "Without null fields"),
    SCALAR("jsonb_typeof", TEXT, TAKES(JSONB), "jsonb_typeof", "Kind of the value"),
    ROW(FUNCTION_SCALAR, "row_to_json", JSON, TAKES(RECORD), .description = "A row as an object"),
    ROW(FUNCTION_SCALAR, "to_json", JSON, TAKES(ELEMENT), .symbol = "any_to_json",
        .writer = WRITE_TO_JSON, .description = "Any value as JSON"),
    ROW(FUNCTION_SCALAR, "to_jsonb", JSONB, TAKES(ELEMENT), .symbol = "any_to_jsonb",
        .writer = WRITE_TO_JSON, .description = "Any value as JSON"),
};

const CatalogueFamily catalogue_json = {FUNCTIONS, sizeof FUNCTIONS / sizeof FUNCTIONS[0]};
