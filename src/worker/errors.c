#include "worker/errors.h"

#include <ctype.h>
#include <stdio.h>

#include "base/buffer.h"

/* What becomes of the text. */
typedef enum Rewrite {
    KEEP,         /* as DuckDB has it, without its kind */
    FIXED,        /* the rule's text */
    INPUT_SYNTAX, /* invalid input syntax for type T: "X"; a number too large is out of range */
    DATE_SYNTAX,  /* the same; the rule's text is the type, digits in order are out of range */
    FIELD_RANGE,  /* date/time field value out of range: "X" */
    CAST_RANGE,   /* T out of range, T being the last word */
    OVERFLOW,     /* T out of range, T being the word behind "of" */
} Rewrite;

typedef struct ErrorRule {
    const char *kind;     /* "Conversion" of "Conversion Error: …"; NULL: any */
    const char *contains; /* NULL: anything */
    Status status;
    Rewrite rewrite;
    const char *text;
} ErrorRule;

/* The first rule that fits decides: facts measured on DuckDB 1.5.6, states as PostgreSQL 15 has
 * them. */
static const ErrorRule rules[] = {
    {"Parser", "Duplicate CTE name", STATUS_DUPLICATE_ALIAS, KEEP, NULL},
    {"Parser", "window", STATUS_UNDEFINED_OBJECT, KEEP, NULL},
    {"Parser", NULL, STATUS_SYNTAX_ERROR, KEEP, NULL},
    {"Syntax", "escape string", STATUS_INVALID_ESCAPE_SEQUENCE, FIXED, "invalid escape string"},
    {"Syntax", NULL, STATUS_SYNTAX_ERROR, KEEP, NULL},
    {"Catalog", "Table with name", STATUS_UNDEFINED_TABLE, KEEP, NULL},
    {"Catalog", "Function with name", STATUS_UNDEFINED_FUNCTION, KEEP, NULL},
    {"Catalog", "Type with name", STATUS_UNDEFINED_OBJECT, KEEP, NULL},
    {"Catalog", "chema", STATUS_INVALID_SCHEMA_NAME, KEEP, NULL},
    {"Catalog", NULL, STATUS_UNDEFINED_OBJECT, KEEP, NULL},
    {"Binder", "Referenced table", STATUS_UNDEFINED_TABLE, KEEP, NULL},
    {"Binder", "Referenced column", STATUS_UNDEFINED_COLUMN, KEEP, NULL},
    {"Binder", "does not have a column", STATUS_UNDEFINED_COLUMN, KEEP, NULL},
    {"Binder", "Ambiguous", STATUS_AMBIGUOUS_COLUMN, KEEP, NULL},
    {"Binder", "Duplicate alias", STATUS_DUPLICATE_ALIAS, KEEP, NULL},
    {"Binder", "GROUP BY clause", STATUS_GROUPING_ERROR, KEEP, NULL},
    {"Binder", "cannot contain aggregates", STATUS_GROUPING_ERROR, KEEP, NULL},
    {"Binder", "nested", STATUS_GROUPING_ERROR, KEEP, NULL},
    {"Binder", "cannot contain window", STATUS_WINDOWING_ERROR, KEEP, NULL},
    {"Binder", "No function matches", STATUS_UNDEFINED_FUNCTION, KEEP, NULL},
    {"Binder", "Could not choose a best candidate", STATUS_UNDEFINED_FUNCTION, KEEP, NULL},
    {"Binder", "Cannot compare", STATUS_UNDEFINED_FUNCTION, KEEP, NULL},
    {"Binder", "term out of range", STATUS_INVALID_COLUMN_REFERENCE, KEEP, NULL},
    {"Binder", "number of result columns", STATUS_SYNTAX_ERROR, KEEP, NULL},
    {"Binder", "Subquery returns", STATUS_SYNTAX_ERROR, FIXED,
     "subquery must return only one column"},
    {"Binder", "LIMIT/OFFSET cannot be negative", STATUS_INVALID_ROW_COUNT_IN_LIMIT, FIXED,
     "LIMIT must not be negative"},
    {"Binder", "Circular reference", STATUS_UNDEFINED_TABLE, KEEP, NULL},
    {"Binder", "same size", STATUS_DATA_EXCEPTION, FIXED, "vectors are of different dimensions"},
    {"Binder", "explicit cast", STATUS_DATATYPE_MISMATCH, KEEP, NULL},
    {"Binder", NULL, STATUS_DATATYPE_MISMATCH, KEEP, NULL},
    {"Mismatch Type", NULL, STATUS_DATATYPE_MISMATCH, KEEP, NULL},
    {"Conversion", "Could not convert string", STATUS_INVALID_TEXT_REPRESENTATION, INPUT_SYNTAX,
     NULL},
    {"Conversion", "invalid date field format", STATUS_INVALID_DATETIME_FORMAT, DATE_SYNTAX,
     "date"},
    {"Conversion", "invalid timestamp field format", STATUS_INVALID_DATETIME_FORMAT, DATE_SYNTAX,
     "timestamp"},
    {"Conversion", "time field value out of range", STATUS_INVALID_DATETIME_FORMAT, DATE_SYNTAX,
     "time"},
    {"Conversion", "field value out of range", STATUS_DATETIME_FIELD_OVERFLOW, FIELD_RANGE, NULL},
    {"Conversion", "Date out of range", STATUS_DATETIME_FIELD_OVERFLOW, FIXED,
     "date field value out of range"},
    {"Conversion", "timestamp range", STATUS_DATETIME_FIELD_OVERFLOW, FIXED,
     "timestamp out of range"},
    {"Conversion", "extract specifier", STATUS_INVALID_PARAMETER_VALUE, KEEP, NULL},
    {"Conversion", "out of range", STATUS_NUMERIC_VALUE_OUT_OF_RANGE, CAST_RANGE, NULL},
    {"Conversion", "Could not cast value", STATUS_NUMERIC_VALUE_OUT_OF_RANGE, FIXED,
     "numeric field overflow"},
    {"Conversion", "ailed to cast decimal", STATUS_NUMERIC_VALUE_OUT_OF_RANGE, FIXED,
     "numeric field overflow"},
    {"Conversion", "Cannot cast list", STATUS_DATA_EXCEPTION, FIXED,
     "vectors are of different dimensions"},
    {"Conversion", "Malformed JSON", STATUS_INVALID_TEXT_REPRESENTATION, FIXED,
     "invalid input syntax for type json"},
    {"Conversion", "Unimplemented type for cast", STATUS_CANNOT_COERCE, KEEP, NULL},
    {"Conversion", "as base64", STATUS_INVALID_PARAMETER_VALUE, FIXED,
     "invalid base64 end sequence"},
    {"Conversion", NULL, STATUS_INVALID_TEXT_REPRESENTATION, KEEP, NULL},
    {"Out of Range", "logarithm of zero", STATUS_INVALID_ARGUMENT_FOR_LOGARITHM, KEEP, NULL},
    {"Out of Range", "logarithm of a negative", STATUS_INVALID_ARGUMENT_FOR_LOGARITHM, KEEP, NULL},
    {"Out of Range", "square root", STATUS_INVALID_ARGUMENT_FOR_POWER, KEEP, NULL},
    {"Out of Range", "Date out of range", STATUS_DATETIME_FIELD_OVERFLOW, FIXED,
     "date out of range"},
    {"Out of Range", "imestamp", STATUS_DATETIME_FIELD_OVERFLOW, FIXED, "timestamp out of range"},
    {"Out of Range", "interval", STATUS_DATETIME_FIELD_OVERFLOW, FIXED, "interval out of range"},
    {"Out of Range", "Overflow in ", STATUS_NUMERIC_VALUE_OUT_OF_RANGE, OVERFLOW, NULL},
    {"Out of Range", "string of size", STATUS_PROGRAM_LIMIT_EXCEEDED, FIXED,
     "requested length too large"},
    {"Out of Range", NULL, STATUS_NUMERIC_VALUE_OUT_OF_RANGE, KEEP, NULL},
    {"Invalid Input", "More than one row", STATUS_CARDINALITY_VIOLATION, FIXED,
     "more than one row returned by a subquery used as an expression"},
    {"Invalid Input", "Malformed JSON", STATUS_INVALID_TEXT_REPRESENTATION, FIXED,
     "invalid input syntax for type json"},
    {"Invalid Input", "ntile", STATUS_INVALID_ARGUMENT_FOR_NTILE, FIXED,
     "argument of ntile must be greater than zero"},
    {"Invalid Input", "format specifier", STATUS_INVALID_DATETIME_FORMAT, KEEP, NULL},
    {"Invalid Input", "parameters", STATUS_UNDEFINED_PARAMETER, KEEP, NULL},
    {"Invalid Input", "missing ", STATUS_INVALID_REGULAR_EXPRESSION, KEEP, NULL},
    {"Invalid Input", "repetition", STATUS_INVALID_REGULAR_EXPRESSION, KEEP, NULL},
    {"Invalid Input", "escape", STATUS_INVALID_REGULAR_EXPRESSION, KEEP, NULL},
    {"Invalid Input", NULL, STATUS_INVALID_PARAMETER_VALUE, KEEP, NULL},
    {"Not implemented", "TimeZone", STATUS_INVALID_PARAMETER_VALUE, KEEP, NULL},
    {"Not implemented", NULL, STATUS_FEATURE_NOT_SUPPORTED, KEEP, NULL},
    {"INTERRUPT", NULL, STATUS_QUERY_CANCELED, FIXED, "canceling statement"},
    {"Out of Memory", "max_temp_directory_size", STATUS_DISK_FULL, FIXED,
     "the statement needs more space for its intermediate results than it may have"},
    {"Out of Memory", NULL, STATUS_OUT_OF_MEMORY, FIXED,
     "the statement needs more memory than a worker may have"},
    {"Permission", NULL, STATUS_INSUFFICIENT_PRIVILEGE, FIXED, "permission denied"},
    {"IO", "No space left", STATUS_DISK_FULL, FIXED, "no space left on device"},
    {"IO", NULL, STATUS_IO_ERROR, FIXED, "could not read or write a data file"},
    {"Serialization", NULL, STATUS_DATA_CORRUPTED, FIXED, "a data file is damaged"},
};

/* DuckDB's names of types in messages, and PostgreSQL's. */
static const char *const type_names[][2] = {
    {"INT8", "smallint"},
    {"INT16", "smallint"},
    {"INT32", "integer"},
    {"INT64", "bigint"},
    {"INT128", "numeric"},
    {"UINT8", "smallint"},
    {"UINT16", "integer"},
    {"UINT32", "bigint"},
    {"UINT64", "bigint"},
    {"FLOAT", "real"},
    {"DOUBLE", "double precision"},
    {"BOOL", "boolean"},
    {"UUID", "uuid"},
    {"DECIMAL", "numeric"},
    {"VARCHAR", "text"},
    {"BLOB", "bytea"},
    {"DATE", "date"},
    {"TIMESTAMP", "timestamp"},
    {"TIME", "time"},
    {"INTERVAL", "interval"},
};

/* ---- looking at the text ---- */

static bool contains(Slice s, const char *part)
{
    return memmem(s.data, s.size, part, strlen(part)) != NULL;
}

/* PostgreSQL's name of the type whose name in DuckDB begins here. */
static const char *type_at(Slice s)
{
    size_t size = 0;
    while (size < s.size && isalnum(s.data[size]))
        size++;
    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++) {
        if (slice_equal_text(slice_of(s.data, size), type_names[i][0]))
            return type_names[i][1];
    }
    return "value";
}

/* What stands behind the last occurrence of `mark`; empty where it does not occur. */
static Slice behind_last(Slice s, const char *mark)
{
    size_t size = strlen(mark);
    for (size_t at = s.size; at >= size; at--) {
        if (memcmp(s.data + at - size, mark, size) == 0)
            return slice_of(s.data + at, s.size - at);
    }
    return SLICE_EMPTY;
}

/* What stands between the first quote (' or ") and the last of its kind. */
static Slice quoted(Slice s)
{
    size_t begin = 0;
    while (begin < s.size && s.data[begin] != '\'' && s.data[begin] != '"')
        begin++;
    size_t end = s.size;
    while (end > begin + 1 && s.data[end - 1] != s.data[begin])
        end--;
    return end > begin + 1 ? slice_of(s.data + begin + 1, end - begin - 2) : SLICE_EMPTY;
}

static bool is_integer_text(Slice s)
{
    s = slice_trim(s);
    if (s.size > 0 && (s.data[0] == '-' || s.data[0] == '+'))
        s = slice_part(s, 1, s.size);
    for (size_t i = 0; i < s.size; i++) {
        if (!isdigit(s.data[i]))
            return false;
    }
    return s.size > 0;
}

/* 2020-13-45 and the like: written as a date, but there is no such day. */
static bool is_written_as_date(Slice s)
{
    size_t parts = 0;
    size_t digits = 0;
    for (size_t i = 0; i < s.size; i++) {
        if (isdigit(s.data[i]))
            digits++;
        else if (s.data[i] == '-' && digits > 0)
            parts++;
        else
            return parts == 2 && s.data[i] == ' ';
    }
    return parts == 2 && digits > 2;
}

/* ---- rewriting ---- */

static Status set_input_syntax(Error *error, Slice line)
{
    Slice value = quoted(line);
    const char *type = type_at(behind_last(line, " to "));
    if (strcmp(type, "value") != 0 && is_integer_text(value) && strcmp(type, "boolean") != 0)
        return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE,
                         "value \"%.*s\" is out of range for type %s", SLICE_ARGUMENTS(value),
                         type);
    return error_set(error, STATUS_INVALID_TEXT_REPRESENTATION,
                     "invalid input syntax for type %s: \"%.*s\"", type, SLICE_ARGUMENTS(value));
}

static Status set_date_syntax(Error *error, const char *type, Slice line)
{
    Slice value = quoted(line);
    if (is_written_as_date(value))
        return error_set(error, STATUS_DATETIME_FIELD_OVERFLOW,
                         "date/time field value out of range: \"%.*s\"", SLICE_ARGUMENTS(value));
    return error_set(error, STATUS_INVALID_DATETIME_FORMAT,
                     "invalid input syntax for type %s: \"%.*s\"", type, SLICE_ARGUMENTS(value));
}

static Status set_by_rule(Error *error, const ErrorRule *rule, Slice line)
{
    Slice name =
        rule->rewrite == CAST_RANGE ? behind_last(line, "type ") : behind_last(line, " of ");
    switch (rule->rewrite) {
    case FIXED:
        return error_set(error, rule->status, "%s", rule->text);
    case INPUT_SYNTAX:
        return set_input_syntax(error, line);
    case DATE_SYNTAX:
        return set_date_syntax(error, rule->text, line);
    case FIELD_RANGE:
        return error_set(error, rule->status, "date/time field value out of range: \"%.*s\"",
                         SLICE_ARGUMENTS(quoted(line)));
    case CAST_RANGE:
    case OVERFLOW:
        return error_set(error, rule->status, "%s out of range", type_at(name));
    default:
        return error_set(error, rule->status, "%.*s", SLICE_ARGUMENTS(line));
    }
}

/* "PG22012 division by zero", from our own functions and macros. */
static bool set_by_state(Error *error, Slice text)
{
    if (text.size < 8 || memcmp(text.data, "PG", 2) != 0 || text.data[7] != ' ')
        return false;
    char state[6] = {0};
    memcpy(state, text.data + 2, 5);
    Status status = status_from_sqlstate(state);
    bool is_known = status != OK && (status != STATUS_INTERNAL || strcmp(state, "XX000") == 0);
    if (is_known)
        (void)error_set(error, status, "%.*s", SLICE_ARGUMENTS(slice_part(text, 8, text.size)));
    return is_known;
}

/* ---- paths ---- */

static const Slice *folder_at(Slice s, const Slice *folders, uint32_t folder_count)
{
    for (uint32_t i = 0; i < folder_count; i++) {
        if (folders[i].size > 1 && slice_starts_with(s, folders[i]))
            return &folders[i];
    }
    return NULL;
}

static bool ends_path(uint8_t c)
{
    return c == '"' || c == '\'' || c == ' ' || c == ',' || c == ')' || c == ']' || c < 0x20;
}

/* Puts dots for every path that begins with a folder. */
static void hide_paths(char *text, const Slice *folders, uint32_t folder_count)
{
    size_t size = strlen(text);
    size_t to = 0;
    for (size_t from = 0; from < size;) {
        if (folder_at(slice_of(text + from, size - from), folders, folder_count) == NULL) {
            text[to++] = text[from++];
            continue;
        }
        size_t begin = from;
        while (from < size && !ends_path((uint8_t)text[from]))
            from++;
        for (size_t dots = 0; dots < 3 && begin + dots < from; dots++)
            text[to++] = '.';
    }
    text[to] = '\0';
}

/* ---- all together ---- */

/* The kind before " Error: " and the first line behind it. */
static void split(Slice text, Slice *kind, Slice *line)
{
    static const char mark[] = " Error: ";
    const uint8_t *at = text.size == 0 ? NULL : memmem(text.data, text.size, mark, sizeof mark - 1);
    size_t size = at == NULL ? 0 : (size_t)(at - text.data);
    bool is_kind = at != NULL && size <= 32;
    *kind = is_kind ? slice_of(text.data, size) : SLICE_EMPTY;
    *line = is_kind ? slice_part(text, size + sizeof mark - 1, text.size) : text;
}

/* Without the lines in which DuckDB shows where in our SQL it was. */
static Slice without_picture(Slice text)
{
    static const char mark[] = "\n\nLINE ";
    const uint8_t *at = text.size == 0 ? NULL : memmem(text.data, text.size, mark, sizeof mark - 1);
    return at == NULL ? text : slice_of(text.data, (size_t)(at - text.data));
}

static const ErrorRule *find_rule(Slice kind, Slice line)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (slice_equal_text(kind, rules[i].kind) &&
            (rules[i].contains == NULL || contains(line, rules[i].contains)))
            return &rules[i];
    }
    return NULL;
}

/* A statement that fails while it is started is told as the misuse of its handle, with the true
 * reason in a second line. */
static Slice without_complaint(Slice text)
{
    static const char complaint[] = "Invalid Input Error: Attempting to execute an unsuccessful";
    static const char mark[] = "\nError: ";
    if (!slice_starts_with(text, slice_of_text(complaint)))
        return text;
    const uint8_t *at = memmem(text.data, text.size, mark, sizeof mark - 1);
    return at == NULL ? text
                      : slice_part(text, (size_t)(at - text.data) + sizeof mark - 1, text.size);
}

Status duckdb_error_set(Error *error, const char *text, const Slice *folders, uint32_t folder_count)
{
    Slice kind;
    Slice line;
    split(without_complaint(slice_of_text(text == NULL ? "" : text)), &kind, &line);
    line = slice_trim(line);
    Slice own = without_picture(line);
    line = slice_part(line, 0, slice_find(line, '\n'));
    const ErrorRule *rule = find_rule(kind, line);
    if (!set_by_state(error, own)) {
        if (rule != NULL)
            (void)set_by_rule(error, rule, line);
        else
            (void)error_set(error, STATUS_INTERNAL, "the engine failed");
    }
    hide_paths(error->message, folders, folder_count);
    (void)snprintf(error->internal, sizeof error->internal, "%s", text == NULL ? "" : text);
    return error->status;
}
