/* Functions of arrays. */
#include "sql/catalogue_int.h"

#define CALLED(NAME, RESULT, ARGUMENTS, SYMBOL, ENGINE, TEXT_)                        \
    ROW(FUNCTION_SCALAR, NAME, RESULT, ARGUMENTS, .symbol = SYMBOL, .engine = ENGINE, \
        .flags = FUNCTION_NULL_CALLED, .description = TEXT_)

#define COMPARED(NAME, RESULT, ARGUMENTS, SYMBOL, WRITER, ENGINE, TEXT_)              \
    ROW(FUNCTION_SCALAR, NAME, RESULT, ARGUMENTS, .symbol = SYMBOL, .engine = ENGINE, \
        .writer = WRITER, .flags = FUNCTION_NULL_CALLED, .description = TEXT_)

static const CatalogueFunction FUNCTIONS[] = {
    CALLED("array_append", COMPATIBLE_ARRAY, TAKES(COMPATIBLE_ARRAY, COMPATIBLE), "array_append",
           "list_append($1, $2)", "With an element at the end"),
    ROW(FUNCTION_SCALAR, "array_cat", COMPATIBLE_ARRAY, TAKES(COMPATIBLE_ARRAY, COMPATIBLE_ARRAY),
        .symbol = "array_concat", .writer = WRITE_ARRAY_CONCAT, .flags = FUNCTION_NULL_CALLED,
        .description = "One behind the other"),
    SCALAR("array_dims", TEXT, TAKES(ANY_ARRAY), "array_dims", "Bounds as text"),
    CALLED("array_fill", ANY_ARRAY, TAKES(ELEMENT, INT4S), NULL, "pg_array_fill($1, $2)",
           "An array of one value"),
    SCALAR("array_length", INT4, TAKES(ANY_ARRAY, INT4), "array_length", "Elements of a dimension"),
    SCALAR("array_lower", INT4, TAKES(ANY_ARRAY, INT4), "array_lower", "The first subscript"),
    SCALAR("array_ndims", INT4, TAKES(ANY_ARRAY), "array_ndims", "Dimensions"),
    COMPARED("array_position", INT4, TAKES(COMPATIBLE_ARRAY, COMPATIBLE), "array_position",
             WRITE_BY_ELEMENTS, NULL, "Where a value stands first"),
    COMPARED("array_position", INT4, TAKES(COMPATIBLE_ARRAY, COMPATIBLE, INT4), "array_position",
             WRITE_BY_ELEMENTS, NULL, "Where a value stands first, from a place"),
    COMPARED("array_positions", INT4S, TAKES(COMPATIBLE_ARRAY, COMPATIBLE), "array_positions",
             WRITE_BY_ELEMENTS, NULL, "Where a value stands"),
    CALLED("array_prepend", COMPATIBLE_ARRAY, TAKES(COMPATIBLE, COMPATIBLE_ARRAY), "array_prepend",
           "list_prepend($1, $2)", "With an element at the start"),
    COMPARED("array_remove", COMPATIBLE_ARRAY, TAKES(COMPATIBLE_ARRAY, COMPATIBLE), "array_remove",
             WRITE_ELEMENTS_CHANGED, "list_filter($1, lambda x: x IS DISTINCT FROM $2)",
             "Without a value"),
    COMPARED("array_replace", COMPATIBLE_ARRAY, TAKES(COMPATIBLE_ARRAY, COMPATIBLE, COMPATIBLE),
             "array_replace", WRITE_ELEMENTS_CHANGED,
             "list_transform($1, lambda x: CASE WHEN x IS NOT DISTINCT FROM $2 THEN $3 ELSE x END)",
             "With a value replaced"),
    CALLED("array_to_string", TEXT, TAKES(ANY_ARRAY, TEXT), "array_to_text", NULL,
           "Elements as text with a separator between"),
    CALLED("array_to_string", TEXT, TAKES(ANY_ARRAY, TEXT, TEXT), "array_to_text", NULL,
           "Elements as text with a separator between, NULLs shown"),
    SCALAR("array_upper", INT4, TAKES(ANY_ARRAY, INT4), "array_upper", "The last subscript"),
    SCALAR("cardinality", INT4, TAKES(ANY_ARRAY), "array_cardinality", "Elements"),
    ROW(FUNCTION_SCALAR, "num_nonnulls", INT4, TAKES(ANY), .symbol = "any_num_nonnulls",
        .flags = FUNCTION_NULL_CALLED | FUNCTION_VARIADIC, .description = "How many are not NULL"),
    ROW(FUNCTION_SCALAR, "num_nulls", INT4, TAKES(ANY), .symbol = "any_num_nulls",
        .flags = FUNCTION_NULL_CALLED | FUNCTION_VARIADIC, .description = "How many are NULL"),
    NATIVE("trim_array", ANY_ARRAY, TAKES(ANY_ARRAY, INT4), "array_trim", "pg_trim_array($1, $2)",
           "Without the last elements"),
};

const CatalogueFamily catalogue_arrays = {FUNCTIONS, sizeof FUNCTIONS / sizeof FUNCTIONS[0]};
