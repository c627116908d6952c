/* Text as parts of SQL: quoting, and format(). */
#include <stdlib.h>

#include "types/function_int.h"

/* Key words of PostgreSQL 15 that cannot be an identifier without quotes, in order. */
static const char *const key_words[] = {"all",
                                        "analyse",
                                        "analyze",
                                        "and",
                                        "any",
                                        "array",
                                        "as",
                                        "asc",
                                        "asymmetric",
                                        "authorization",
                                        "between",
                                        "bigint",
                                        "binary",
                                        "bit",
                                        "boolean",
                                        "both",
                                        "case",
                                        "cast",
                                        "char",
                                        "character",
                                        "check",
                                        "coalesce",
                                        "collate",
                                        "collation",
                                        "column",
                                        "concurrently",
                                        "constraint",
                                        "create",
                                        "cross",
                                        "current_catalog",
                                        "current_date",
                                        "current_role",
                                        "current_schema",
                                        "current_time",
                                        "current_timestamp",
                                        "current_user",
                                        "dec",
                                        "decimal",
                                        "default",
                                        "deferrable",
                                        "desc",
                                        "distinct",
                                        "do",
                                        "else",
                                        "end",
                                        "except",
                                        "exists",
                                        "extract",
                                        "false",
                                        "fetch",
                                        "float",
                                        "for",
                                        "foreign",
                                        "freeze",
                                        "from",
                                        "full",
                                        "grant",
                                        "greatest",
                                        "group",
                                        "grouping",
                                        "having",
                                        "ilike",
                                        "in",
                                        "initially",
                                        "inner",
                                        "inout",
                                        "int",
                                        "integer",
                                        "intersect",
                                        "interval",
                                        "into",
                                        "is",
                                        "isnull",
                                        "join",
                                        "lateral",
                                        "leading",
                                        "least",
                                        "left",
                                        "like",
                                        "limit",
                                        "localtime",
                                        "localtimestamp",
                                        "national",
                                        "natural",
                                        "nchar",
                                        "none",
                                        "normalize",
                                        "not",
                                        "notnull",
                                        "null",
                                        "nullif",
                                        "numeric",
                                        "offset",
                                        "on",
                                        "only",
                                        "or",
                                        "order",
                                        "out",
                                        "outer",
                                        "overlaps",
                                        "overlay",
                                        "placing",
                                        "position",
                                        "precision",
                                        "primary",
                                        "real",
                                        "references",
                                        "returning",
                                        "right",
                                        "row",
                                        "select",
                                        "session_user",
                                        "setof",
                                        "similar",
                                        "smallint",
                                        "some",
                                        "substring",
                                        "symmetric",
                                        "table",
                                        "tablesample",
                                        "then",
                                        "time",
                                        "timestamp",
                                        "to",
                                        "trailing",
                                        "treat",
                                        "trim",
                                        "true",
                                        "union",
                                        "unique",
                                        "user",
                                        "using",
                                        "values",
                                        "varchar",
                                        "variadic",
                                        "verbose",
                                        "when",
                                        "where",
                                        "window",
                                        "with",
                                        "xmlattributes",
                                        "xmlconcat",
                                        "xmlelement",
                                        "xmlexists",
                                        "xmlforest",
                                        "xmlnamespaces",
                                        "xmlparse",
                                        "xmlpi",
                                        "xmlroot",
                                        "xmlserialize",
                                        "xmltable"};

static int compare_word(const void *key, const void *word)
{
    const Slice *name = key;
    const char *const *other = word;
    return slice_compare(*name, slice_of_text(*other));
}

static bool is_key_word(Slice name)
{
    return bsearch(&name, key_words, sizeof key_words / sizeof *key_words, sizeof *key_words,
                   compare_word) != NULL;
}

static bool is_plain_identifier(Slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        uint8_t c = name.data[i];
        bool is_start = (c >= 'a' && c <= 'z') || c == '_';
        if (!is_start && (i == 0 || !text_is_digit(c)))
            return false;
    }
    return name.size > 0 && !is_key_word(name);
}

static void put_doubling(Buffer *out, Slice text, uint8_t quote, bool backslashes)
{
    buffer_put_u8(out, quote);
    for (size_t i = 0; i < text.size; i++) {
        uint8_t c = text.data[i];
        if (c == quote || (backslashes && c == '\\'))
            buffer_put_u8(out, c);
        buffer_put_u8(out, c);
    }
    buffer_put_u8(out, quote);
}

static void put_identifier(Buffer *out, Slice name)
{
    if (is_plain_identifier(name))
        buffer_put_slice(out, name);
    else
        put_doubling(out, name, '"', false);
}

static void put_literal(Buffer *out, Slice text)
{
    if (slice_find(text, '\\') < text.size)
        buffer_put_u8(out, 'E');
    put_doubling(out, text, '\'', true);
}

FUNCTION(text_quote_ident)
{
    Buffer out;
    text_buffer_open(&out);
    put_identifier(&out, arguments[0].as.bytes);
    return text_buffer_result(context, &out, TYPE_TEXT, result, error);
}

FUNCTION(text_quote_literal)
{
    Buffer out;
    text_buffer_open(&out);
    put_literal(&out, arguments[0].as.bytes);
    return text_buffer_result(context, &out, TYPE_TEXT, result, error);
}

FUNCTION(text_quote_nullable)
{
    if (!arguments[0].is_null)
        return call_text_quote_literal(context, arguments, count, result, error);
    *result = value_text(SLICE("NULL"));
    return OK;
}

/* ---- format: %[position$][-][width]type ---- */

typedef struct Formatter {
    Slice format;
    size_t at;
    const Value *arguments;
    uint32_t count;
    uint32_t next; /* the argument that a specifier without position takes */
    Buffer *out;
    Error *error;
} Formatter;

typedef struct Specifier {
    int64_t position; /* 0: the next one */
    int64_t width;    /* characters */
    bool has_width_argument;
    int64_t width_position; /* 0: the next one */
    bool left;
} Specifier;

static Status bad_format(Formatter *formatter, const char *what)
{
    return error_set(formatter->error, STATUS_INVALID_PARAMETER_VALUE, "%s", what);
}

static Status unterminated(Formatter *formatter)
{
    Status status = bad_format(formatter, "unterminated format() type specifier");
    error_set_hint(formatter->error, "For a single \"%%\" use \"%%%%\".");
    return status;
}

static int peek(const Formatter *formatter)
{
    return formatter->at < formatter->format.size ? formatter->format.data[formatter->at] : -1;
}

/* Digits at this place; *found says whether there were any. */
static Status take_number(Formatter *formatter, int64_t *out, bool *found)
{
    *found = false;
    *out = 0;
    for (; peek(formatter) >= '0' && peek(formatter) <= '9'; formatter->at++) {
        *out = *out * 10 + (peek(formatter) - '0');
        if (*out > INT32_MAX)
            return error_set(formatter->error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE,
                             "number is out of range");
        *found = true;
    }
    return OK;
}

static Status check_position(Formatter *formatter, int64_t position)
{
    if (position != 0)
        return OK;
    return bad_format(formatter, "format specifies argument 0, but arguments are numbered from 1");
}

/* "*" or "*n$" behind the flags. */
static Status take_width_argument(Formatter *formatter, Specifier *out)
{
    bool found;
    formatter->at++;
    out->has_width_argument = true;
    TRY(take_number(formatter, &out->width_position, &found));
    if (!found)
        return OK;
    if (peek(formatter) < 0)
        return unterminated(formatter);
    if (peek(formatter) != '$')
        return bad_format(formatter, "width argument position must be ended by \"$\"");
    formatter->at++;
    return check_position(formatter, out->width_position);
}

static Status take_specifier(Formatter *formatter, Specifier *out)
{
    int64_t number;
    bool found;
    *out = (Specifier){0};
    TRY(take_number(formatter, &number, &found));
    if (found && peek(formatter) != '$') { /* a width after all */
        out->width = number;
        return peek(formatter) < 0 ? unterminated(formatter) : OK;
    }
    if (found) {
        formatter->at++;
        out->position = number;
        TRY(check_position(formatter, number));
    }
    for (; peek(formatter) == '-'; formatter->at++)
        out->left = true;
    if (peek(formatter) == '*')
        TRY(take_width_argument(formatter, out));
    else
        TRY(take_number(formatter, &out->width, &found));
    return peek(formatter) < 0 ? unterminated(formatter) : OK;
}

static Status take_argument(Formatter *formatter, int64_t position, const Value **out)
{
    if (position > 0)
        formatter->next = (uint32_t)position;
    if (formatter->next >= formatter->count)
        return bad_format(formatter, "too few arguments for format()");
    *out = &formatter->arguments[formatter->next++];
    return OK;
}

/* Whatever its type, by way of its text. */
static Status read_width(Formatter *formatter, const Value *value, int64_t *out)
{
    Buffer text;
    Value width = value_integer(TYPE_INTEGER, 0);
    Status status = OK;
    text_buffer_open(&text);
    value_put_text(&text, type_of_value(value), value);
    status = buffer_status(&text, formatter->error);
    if (status == OK && !value->is_null)
        status =
            value_from_text(NULL, TYPE(INTEGER), buffer_slice(&text), &width, formatter->error);
    buffer_close(&text);
    *out = width.as.integer;
    return status;
}

static Status resolve_width(Formatter *formatter, Specifier *specifier)
{
    const Value *value;
    if (specifier->has_width_argument) {
        TRY(take_argument(formatter, specifier->width_position, &value));
        TRY(read_width(formatter, value, &specifier->width));
    }
    if (specifier->width < 0) {
        specifier->left = true;
        specifier->width = -specifier->width;
    }
    if (specifier->width > TEXT_RESULT_BYTES_MAX)
        return error_set(formatter->error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "requested length too large");
    return OK;
}

/* Moves what stands from `begin` on to the right, or puts blanks behind it. */
static void align(Buffer *out, size_t begin, const Specifier *specifier)
{
    if (out->failed)
        return;
    size_t size = out->size - begin;
    size_t length = text_length(slice_of(out->data + begin, size));
    if (length >= (size_t)specifier->width)
        return;
    size_t blanks = (size_t)specifier->width - length;
    if (buffer_reserve(out, blanks) == NULL)
        return;
    uint8_t *at = out->data + begin;
    if (specifier->left) {
        memset(at + size, ' ', blanks);
    } else {
        memmove(at + blanks, at, size);
        memset(at, ' ', blanks);
    }
    out->size += blanks;
}

static Status put_argument(Formatter *formatter, const Value *value, uint8_t kind)
{
    Buffer text;
    Status status = OK;
    if (value->is_null && kind == 'I')
        return error_set(formatter->error, STATUS_NULL_VALUE_NOT_ALLOWED,
                         "null values cannot be formatted as an SQL identifier");
    if (value->is_null)
        buffer_put_text(formatter->out, kind == 'L' ? "NULL" : "");
    if (value->is_null)
        return OK;
    text_buffer_open(&text);
    value_put_text(&text, type_of_value(value), value);
    if (kind == 'I')
        put_identifier(formatter->out, buffer_slice(&text));
    else if (kind == 'L')
        put_literal(formatter->out, buffer_slice(&text));
    else
        buffer_put_slice(formatter->out, buffer_slice(&text));
    status = buffer_status(&text, formatter->error);
    buffer_close(&text);
    return status;
}

static Status put_specified(Formatter *formatter)
{
    Specifier specifier;
    const Value *value;
    TRY(take_specifier(formatter, &specifier));
    uint8_t kind = (uint8_t)peek(formatter);
    if (kind != 's' && kind != 'I' && kind != 'L') {
        size_t size = text_step(formatter->format, formatter->at);
        Status status = error_set(formatter->error, STATUS_INVALID_PARAMETER_VALUE,
                                  "unrecognized format() type specifier \"%.*s\"", (int)size,
                                  (const char *)formatter->format.data + formatter->at);
        error_set_hint(formatter->error, "For a single \"%%\" use \"%%%%\".");
        return status;
    }
    formatter->at++;
    TRY(resolve_width(formatter, &specifier));
    TRY(take_argument(formatter, specifier.position, &value));
    size_t begin = formatter->out->size;
    TRY(put_argument(formatter, value, kind));
    align(formatter->out, begin, &specifier);
    return OK;
}

static Status put_format(Formatter *formatter)
{
    while (peek(formatter) >= 0) {
        int c = peek(formatter);
        formatter->at++;
        if (c != '%') {
            buffer_put_u8(formatter->out, (uint8_t)c);
        } else if (peek(formatter) < 0) {
            return unterminated(formatter);
        } else if (peek(formatter) == '%') {
            buffer_put_u8(formatter->out, '%');
            formatter->at++;
        } else {
            TRY(put_specified(formatter));
        }
    }
    return OK;
}

FUNCTION(text_format)
{
    if (arguments[0].is_null)
        return OK;
    Buffer out;
    text_buffer_open(&out);
    Formatter formatter = {.format = arguments[0].as.bytes,
                           .arguments = arguments,
                           .count = count,
                           .next = 1,
                           .out = &out,
                           .error = error};
    Status status = put_format(&formatter);
    if (status != OK) {
        buffer_close(&out);
        return status;
    }
    return text_buffer_result(context, &out, TYPE_TEXT, result, error);
}
