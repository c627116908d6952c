/* Types and literals. */
#include "sql/writer_int.h"

#include "base/json.h"

static const char *kind_name(uint8_t kind)
{
    switch ((TypeKind)kind) {
    case TYPE_BOOLEAN:
        return "BOOLEAN";
    case TYPE_SMALLINT:
        return "SMALLINT";
    case TYPE_INTEGER:
        return "INTEGER";
    case TYPE_BIGINT:
        return "BIGINT";
    case TYPE_REAL:
        return "FLOAT";
    case TYPE_DOUBLE:
        return "DOUBLE";
    case TYPE_BYTEA:
        return "BLOB";
    case TYPE_DATE:
        return "DATE";
    case TYPE_TIME:
        return "TIME";
    case TYPE_TIMESTAMP:
        return "TIMESTAMP";
    case TYPE_TIMESTAMPTZ:
        return "TIMESTAMPTZ";
    case TYPE_INTERVAL:
        return "INTERVAL";
    case TYPE_UUID:
        return "UUID";
    default: /* texts, JSON, numbers of varying scale, rows shown as text */
        return "VARCHAR";
    }
}

void put_type(Writer *writer, Type type, int16_t scale, uint8_t precision)
{
    switch (type.kind) {
    case TYPE_DECIMAL:
        if (scale == SCALE_VARIES)
            put(writer, "VARCHAR");
        else
            put_format(writer, "DECIMAL(%d,%d)", precision, scale);
        return;
    case TYPE_VECTOR:
        if (type.a > 0)
            put_format(writer, "FLOAT[%d]", (int)type.a);
        else
            put(writer, "FLOAT[]");
        return;
    case TYPE_ARRAY:
        put_format(writer, "%s[]", kind_name(type.element));
        return;
    default:
        put(writer, kind_name(type.kind));
    }
}

/* ---- literals ---- */

/* DuckDB reads years 1 to 9999 as we write them. */
static const int64_t MICROS_PER_DAY = 86400000000;
static const int64_t DAY_FIRST = -719162; /* 0001-01-01 */
static const int64_t DAY_LAST = 2932896;  /* 9999-12-31 */

static void put_value_text(Writer *writer, Type type, const Value *value)
{
    Buffer text;
    buffer_open(&text, 0);
    value_put_text(&text, type, value);
    if (text.failed)
        writer->out.failed = true;
    put_literal(writer, buffer_slice(&text));
    buffer_close(&text);
}

static void put_cast_text(Writer *writer, Type type, const Value *value)
{
    put(writer, "CAST(");
    put_value_text(writer, type, value);
    put(writer, " AS ");
    put_type(writer, type, 0, 0);
    put(writer, ")");
}

static void put_date(Writer *writer, const Value *value)
{
    int64_t day = value->as.integer;
    bool is_infinite = day == DATE_INFINITY || day == DATE_MINUS_INFINITY;
    if (is_infinite)
        put(writer, day > 0 ? "CAST('infinity' AS DATE)" : "CAST('-infinity' AS DATE)");
    else if (day >= DAY_FIRST && day <= DAY_LAST)
        put_cast_text(writer, TYPE(DATE), value);
    else
        put_format(writer, "(CAST('1970-01-01' AS DATE) + CAST(%lld AS INTEGER))", (long long)day);
}

static void put_timestamp(Writer *writer, Type type, const Value *value)
{
    int64_t micros = value->as.integer;
    const char *name = type.kind == TYPE_TIMESTAMP ? "TIMESTAMP" : "TIMESTAMPTZ";
    bool is_infinite = micros == TIMESTAMP_INFINITY || micros == TIMESTAMP_MINUS_INFINITY;
    if (is_infinite)
        put_format(writer, "CAST('%sinfinity' AS %s)", micros > 0 ? "" : "-", name);
    else if (micros >= DAY_FIRST * MICROS_PER_DAY && micros <= DAY_LAST * MICROS_PER_DAY)
        put_cast_text(writer, type, value);
    else
        put_format(writer, "CAST(make_timestamp(CAST(%lld AS BIGINT)) AS %s)", (long long)micros,
                   name);
}

static void put_integer(Writer *writer, Type type, const Value *value)
{
    if (value->as.integer == INT64_MIN)
        put(writer, "CAST('-9223372036854775808' AS BIGINT)");
    else
        put_format(writer, "CAST(%lld AS %s)", (long long)value->as.integer, kind_name(type.kind));
}

static void put_real(Writer *writer, Type type, const Value *value)
{
    put(writer, "CAST('");
    if (type.kind == TYPE_REAL)
        put_float(&writer->out, (float)value->as.real);
    else
        put_double(&writer->out, value->as.real);
    put_format(writer, "' AS %s)", kind_name(type.kind));
}

static void put_bytes(Writer *writer, Slice bytes)
{
    static const char DIGITS[] = "0123456789abcdef";
    put(writer, "unhex('");
    for (size_t i = 0; i < bytes.size; i++) {
        buffer_put_u8(&writer->out, (uint8_t)DIGITS[bytes.data[i] >> 4]);
        buffer_put_u8(&writer->out, (uint8_t)DIGITS[bytes.data[i] & 15]);
    }
    put(writer, "')");
}

static void put_interval(Writer *writer, const Interval *interval)
{
    put_format(writer,
               "(to_months(CAST(%ld AS INTEGER)) + to_days(CAST(%ld AS INTEGER)) + "
               "to_microseconds(CAST('%lld' AS BIGINT)))",
               (long)interval->months, (long)interval->days, (long long)interval->micros);
}

static void put_vector(Writer *writer, Type type, const Value *value)
{
    put(writer, "CAST([");
    for (uint32_t i = 0; i < value->as.vector.count; i++) {
        put(writer, i == 0 ? "'" : ",'");
        put_float(&writer->out, value->as.vector.elements[i]);
        put(writer, "'");
    }
    put(writer, "] AS ");
    put_type(writer, type, 0, 0);
    put(writer, ")");
}

static void put_text_value(Writer *writer, Type type, const Value *value)
{
    put(writer, "CAST(");
    if (type.kind == TYPE_DECIMAL)
        put_value_text(writer, type, value);
    else
        put_literal(writer, value->as.bytes);
    put(writer, " AS VARCHAR)");
}

static void put_null(Writer *writer, const Bound *bound)
{
    put(writer, "CAST(NULL AS ");
    put_type(writer, bound->type, bound->scale, bound->precision);
    put(writer, ")");
}

static Status write_value(Writer *writer, Type type, const Value *value, Error *error);

static Status write_array(Writer *writer, Type type, const Value *value, Error *error)
{
    Type element = type_of_element(type);
    const ArrayValue *array = value->as.array;
    put(writer, "CAST([");
    for (uint32_t i = 0; i < array->count; i++) {
        if (i > 0)
            put(writer, ", ");
        if (array->elements[i].is_null)
            put(writer, "NULL");
        else
            TRY(write_value(writer, element, &array->elements[i], error));
    }
    put(writer, "] AS ");
    put_type(writer, type, 0, 0);
    put(writer, ")");
    return OK;
}

/* Numbers come here as elements of arrays only, where they are text. */
static Status write_value(Writer *writer, Type type, const Value *value, Error *error)
{
    switch ((TypeKind)type.kind) {
    case TYPE_BOOLEAN:
        put(writer, value->as.boolean ? "true" : "false");
        return OK;
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_BIGINT:
        put_integer(writer, type, value);
        return OK;
    case TYPE_REAL:
    case TYPE_DOUBLE:
        put_real(writer, type, value);
        return OK;
    case TYPE_BYTEA:
        put_bytes(writer, value->as.bytes);
        return OK;
    case TYPE_DATE:
        put_date(writer, value);
        return OK;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        put_timestamp(writer, type, value);
        return OK;
    case TYPE_TIME:
    case TYPE_UUID:
        put_cast_text(writer, type, value);
        return OK;
    case TYPE_INTERVAL:
        put_interval(writer, &value->as.interval);
        return OK;
    case TYPE_VECTOR:
        put_vector(writer, type, value);
        return OK;
    case TYPE_ARRAY:
        return write_array(writer, type, value, error);
    default:
        put_text_value(writer, type, value);
        return OK;
    }
}

Status write_constant(Writer *writer, const Bound *bound, Error *error)
{
    const Value *value = &bound->as.constant;
    if (value->is_null) {
        put_null(writer, bound);
        return OK;
    }
    if (bound->type.kind != TYPE_DECIMAL || bound->scale == SCALE_VARIES)
        return write_value(writer, bound->type, value, error);
    put(writer, "CAST(");
    put_value_text(writer, TYPE(DECIMAL), value);
    put_format(writer, " AS DECIMAL(%d,%d))", bound->precision, bound->scale);
    return OK;
}
