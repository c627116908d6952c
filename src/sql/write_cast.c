/* Casts. Where DuckDB's own is PostgreSQL's it is used; the others are functions of ours that run
 * types/value.h's cast (src/worker/cast_functions.c). */
#include "sql/writer_int.h"

#include <stdio.h>

enum { EXACT_DOUBLE_DIGITS = 15 };

static Status write_wrapped(Writer *writer, const char *before, const Bound *child,
                            const char *after, Error *error)
{
    put(writer, before);
    TRY(write_expression(writer, child, error));
    put(writer, after);
    return OK;
}

/* pg_cast_<from>_<to>(x) */
static Status write_function(Writer *writer, const char *from, const char *to, const Bound *child,
                             Error *error)
{
    put_format(writer, "pg_cast_%s_%s(", from, to);
    TRY(write_open_value(writer, child, error));
    put(writer, ")");
    return OK;
}

static const char *short_name(uint8_t kind)
{
    static const char *const NAMES[TYPE_KIND_COUNT] = {
        [TYPE_BOOLEAN] = "bool",
        [TYPE_SMALLINT] = "int2",
        [TYPE_INTEGER] = "int4",
        [TYPE_BIGINT] = "int8",
        [TYPE_REAL] = "float4",
        [TYPE_DOUBLE] = "float8",
        [TYPE_DECIMAL] = "numeric",
        [TYPE_TEXT] = "text",
        [TYPE_VARCHAR] = "text",
        [TYPE_CHAR] = "text",
        [TYPE_BYTEA] = "bytea",
        [TYPE_DATE] = "date",
        [TYPE_TIME] = "time",
        [TYPE_TIMESTAMP] = "timestamp",
        [TYPE_TIMESTAMPTZ] = "timestamptz",
        [TYPE_INTERVAL] = "interval",
        [TYPE_UUID] = "uuid",
        [TYPE_JSON] = "json",
        [TYPE_JSONB] = "jsonb",
        [TYPE_VECTOR] = "vector",
    };
    return NAMES[kind];
}

/* ---- to text ---- */

Status write_text_of(Writer *writer, const Bound *child, Error *error)
{
    switch (child->type.kind) {
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
    case TYPE_JSON:
    case TYPE_JSONB:
        return write_expression(writer, child, error);
    case TYPE_DECIMAL:
        return write_open_value(writer, child, error);
    case TYPE_BOOLEAN:
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_BIGINT:
    case TYPE_UUID:
        return write_wrapped(writer, "CAST(", child, " AS VARCHAR)", error);
    case TYPE_RECORD:
        if (child->kind == BOUND_ROW)
            return write_row_text(writer, child, error);
        return error_unwritable(child, error, "the text of a row here");
    default:
        return write_wrapped(writer, "pg_text(", child, ")", error);
    }
}

/* Characters beyond the length: an explicit cast cuts them, an assignment minds. */
static Status write_text(Writer *writer, const Bound *cast, Error *error)
{
    const Bound *child = cast->children[0];
    bool is_char = cast->type.kind == TYPE_CHAR;
    bool has_length = cast->type.a > 0;
    const char *trim = is_char ? "rtrim(" : "";
    put(writer, trim);
    if (has_length)
        put(writer, cast->cast_context == CAST_EXPLICIT ? "left(" : "pg_fit_text(");
    TRY(write_text_of(writer, child, error));
    if (has_length)
        put_format(writer, ", %d)", (int)cast->type.a);
    if (is_char)
        put(writer, ", ' ')");
    return OK;
}

/* ---- to numbers ---- */

static const char *integer_name(uint8_t kind)
{
    return kind == TYPE_SMALLINT ? "SMALLINT" : kind == TYPE_INTEGER ? "INTEGER" : "BIGINT";
}

static Status write_integer(Writer *writer, const Bound *cast, Error *error)
{
    const Bound *child = cast->children[0];
    if (bound_is_open_number(child)) {
        put(writer, "CAST(CAST(fn_numeric_round(");
        TRY(write_expression(writer, child, error));
        put_format(writer, ") AS DECIMAL(38,0)) AS %s)", integer_name(cast->type.kind));
        return OK;
    }
    if (type_is_text(child->type) || child->type.kind == TYPE_JSONB)
        return write_function(writer, short_name(child->type.kind), short_name(cast->type.kind),
                              child, error);
    put(writer, "CAST(");
    TRY(write_expression(writer, child, error));
    put_format(writer, " AS %s)", integer_name(cast->type.kind));
    return OK;
}

/* DuckDB's way from DECIMAL to DOUBLE is exact for numbers that a double holds; the text's is
 * always. */
static Status write_float(Writer *writer, const Bound *cast, Error *error)
{
    const Bound *child = cast->children[0];
    const char *name = cast->type.kind == TYPE_REAL ? "FLOAT" : "DOUBLE";
    if (type_is_text(child->type) || child->type.kind == TYPE_JSONB)
        return write_function(writer, short_name(child->type.kind), short_name(cast->type.kind),
                              child, error);
    bool by_text = child->type.kind == TYPE_DECIMAL &&
                   (child->scale == SCALE_VARIES || child->precision > EXACT_DOUBLE_DIGITS ||
                    cast->type.kind == TYPE_REAL);
    put(writer, "CAST(");
    TRY(by_text ? write_open_value(writer, child, error) : write_expression(writer, child, error));
    put_format(writer, " AS %s)", name);
    return OK;
}

static Status write_open_number(Writer *writer, const Bound *child, Error *error)
{
    if (child->type.kind == TYPE_DECIMAL)
        return write_open_value(writer, child, error);
    return write_function(writer, short_name(child->type.kind), "numeric", child, error);
}

static Status write_number(Writer *writer, const Bound *cast, Error *error)
{
    const Bound *child = cast->children[0];
    bool is_exact = type_is_integer(child->type) ||
                    (child->type.kind == TYPE_DECIMAL && child->scale != SCALE_VARIES);
    if (cast->scale == SCALE_VARIES)
        return write_open_number(writer, child, error);
    put(writer, "CAST(");
    if (is_exact) {
        TRY(write_expression(writer, child, error));
    } else {
        put(writer, "fn_numeric_round_to(");
        TRY(write_open_number(writer, child, error));
        put_format(writer, ", CAST(%d AS INTEGER))", cast->scale);
    }
    put_format(writer, " AS DECIMAL(%d,%d))", cast->precision, cast->scale);
    return OK;
}

/* ---- arrays ---- */

static Status write_elements(Writer *writer, const Bound *cast, Error *error)
{
    const Bound *child = cast->children[0];
    char name[16];
    Bound operand = {.kind = BOUND_OPERAND,
                     .type = type_plain(type_of_element(child->type)),
                     .scale = SCALE_VARIES,
                     .precision = DECIMAL_PRECISION_MAX};
    Bound *children[1] = {&operand};
    Bound element = {.kind = BOUND_CAST,
                     .type = type_of_element(cast->type),
                     .cast_context = cast->cast_context,
                     .position_byte = cast->position_byte,
                     .child_count = 1,
                     .children = children};
    bound_settle(&element);
    snprintf(name, sizeof name, "x%u", writer->lambda_count++);
    const char *before = writer->operands[0];
    const Bound *value_before = writer->operand_values[0];
    put(writer, "list_transform(");
    TRY(write_expression(writer, child, error));
    put_format(writer, ", lambda %s: ", name);
    writer->operands[0] = name;
    writer->operand_values[0] = NULL;
    TRY(write_open_value(writer, &element, error));
    writer->operands[0] = before;
    writer->operand_values[0] = value_before;
    put(writer, ")");
    return OK;
}

static Status write_array(Writer *writer, const Bound *cast, Error *error)
{
    const Bound *child = cast->children[0];
    if (child->type.kind == TYPE_ARRAY)
        return write_elements(writer, cast, error);
    put_format(writer, "pg_cast_text_%ss(", short_name(cast->type.element));
    TRY(write_expression(writer, child, error));
    put(writer, ")");
    return OK;
}

static Status write_vector(Writer *writer, const Bound *cast, Error *error)
{
    const Bound *child = cast->children[0];
    bool from_text = type_is_text(child->type);
    put(writer, "CAST(");
    if (from_text)
        TRY(write_function(writer, "text", "vector", child, error));
    else
        TRY(write_expression(writer, child, error));
    put(writer, " AS ");
    put_type(writer, cast->type, 0, 0);
    put(writer, ")");
    return OK;
}

/* ---- the rest ---- */

static bool is_native_time(uint8_t from, uint8_t to)
{
    switch (from) {
    case TYPE_DATE:
        return to == TYPE_TIMESTAMP || to == TYPE_TIMESTAMPTZ;
    case TYPE_TIMESTAMP:
        return to == TYPE_TIMESTAMPTZ || to == TYPE_DATE || to == TYPE_TIME;
    case TYPE_TIMESTAMPTZ:
        return to == TYPE_TIMESTAMP || to == TYPE_DATE;
    default:
        return false;
    }
}

static Status write_other(Writer *writer, const Bound *cast, Error *error)
{
    const Bound *child = cast->children[0];
    uint8_t from = child->type.kind;
    uint8_t to = cast->type.kind;
    bool is_native = is_native_time(from, to) || from == to ||
                     (to == TYPE_BOOLEAN && type_is_integer(child->type));
    if (from == TYPE_JSONB && to == TYPE_JSON)
        return write_expression(writer, child, error);
    if (from == TYPE_TIMESTAMP && to == TYPE_TIME)
        return write_wrapped(writer, "pg_time_of(", child, ")", error);
    if (!is_native)
        return write_function(writer, short_name(from), short_name(to), child, error);
    put(writer, "CAST(");
    TRY(write_expression(writer, child, error));
    put(writer, " AS ");
    put_type(writer, cast->type, 0, 0);
    put(writer, ")");
    return OK;
}

Status write_cast(Writer *writer, const Bound *cast, Error *error)
{
    switch (cast->type.kind) {
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        return write_text(writer, cast, error);
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_BIGINT:
        return write_integer(writer, cast, error);
    case TYPE_REAL:
    case TYPE_DOUBLE:
        return write_float(writer, cast, error);
    case TYPE_DECIMAL:
        return write_number(writer, cast, error);
    case TYPE_ARRAY:
        return write_array(writer, cast, error);
    case TYPE_VECTOR:
        return write_vector(writer, cast, error);
    default:
        return write_other(writer, cast, error);
    }
}
