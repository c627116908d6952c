#include "query/sql_text.h"

#include "base/assert.h"
#include "cold/data_file.h"
#include "worker/protocol.h"

static void put_quoted(Buffer *out, Slice text, uint8_t quote)
{
    buffer_put_u8(out, quote);
    while (text.size > 0) {
        size_t part = slice_find(text, quote);
        buffer_put(out, text.data, part);
        if (part < text.size) {
            buffer_put_u8(out, quote);
            buffer_put_u8(out, quote);
            part++;
        }
        text = slice_part(text, part, text.size);
    }
    buffer_put_u8(out, quote);
}

void sql_put_literal(Buffer *out, Slice text)
{
    put_quoted(out, text, '\'');
}

void sql_put_identifier(Buffer *out, Slice name)
{
    put_quoted(out, name, '"');
}

/* ---- types ---- */

static const char *simple_type(TypeKind kind)
{
    switch (kind) {
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
        return "TIMESTAMP WITH TIME ZONE";
    case TYPE_INTERVAL:
        return "INTERVAL";
    case TYPE_UUID:
        return "UUID";
    default:
        return "VARCHAR";
    }
}

void sql_put_type(Buffer *out, Type type)
{
    if (type.kind == TYPE_DECIMAL)
        buffer_put_format(out, "DECIMAL(%d,%d)", type.a > 0 ? type.a : DECIMAL_PRECISION_MAX,
                          type.b);
    else if (type.kind == TYPE_VECTOR)
        buffer_put_format(out, "FLOAT[%d]", type.a);
    else if (type.kind == TYPE_ARRAY)
        buffer_put_format(out, "%s[]", simple_type((TypeKind)type.element));
    else
        buffer_put_text(out, simple_type((TypeKind)type.kind));
}

void sql_put_stored_type(Buffer *out, Type type)
{
    if (type.kind == TYPE_SMALLINT) /* Iceberg has no integer below 32 bits */
        buffer_put_text(out, "INTEGER");
    else if (type.kind ==
             TYPE_VECTOR) /* a list: COPY takes no field ids for the elements of an ARRAY */
        buffer_put_text(out, "FLOAT[]");
    else
        sql_put_type(out, type);
}

/* ---- reading files ---- */

/* DuckDB reads the default's text into the column's type. */
static void put_default(Buffer *out, const Column *column)
{
    const Value *value = &column->initial_default;
    if (value->is_null || value->kind == TYPE_UNKNOWN) {
        buffer_put_text(out, "NULL");
        return;
    }
    Buffer text;
    buffer_open(&text, 0);
    if (column->type.kind == TYPE_BYTEA)
        for (size_t i = 0; i < value->as.bytes.size; i++)
            buffer_put_format(&text, "\\x%02X", value->as.bytes.data[i]);
    else
        value_put_text(&text, column->type, value);
    sql_put_literal(out, buffer_slice(&text));
    out->failed |= text.failed;
    buffer_close(&text);
}

static void put_field(Buffer *out, uint32_t field_id, const char *type, bool is_first)
{
    buffer_put_format(out, "%s%u: {name: 'c%u', type: '%s', default_value: NULL}",
                      is_first ? "" : ", ", field_id, field_id, type);
}

/* Types have no quotes. A SMALLINT is read as what it was widened from and to: the reader casts. */
static void put_column_field(Buffer *out, const Column *column)
{
    buffer_put_format(out, ", %u: {name: 'c%u', type: '", column->field_id, column->field_id);
    if (column->type.kind == TYPE_VECTOR)
        sql_put_stored_type(out, column->type);
    else
        sql_put_type(out, column->type);
    buffer_put_text(out, "', default_value: ");
    put_default(out, column);
    buffer_put_u8(out, '}');
}

static void put_paths(Buffer *out, const char *const *paths, size_t count, bool for_all_threads)
{
    buffer_put_u8(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buffer_put_u8(out, ',');
        sql_put_literal(out, slice_of_text(paths[i]));
    }
    if (count == 1 && for_all_threads)
        buffer_put_text(out, ",getvariable('" WORKER_NO_ROWS_VARIABLE "')");
    buffer_put_u8(out, ']');
}

void sql_put_read_parquet(Buffer *out, const char *const *paths, size_t path_count,
                          const Schema *schema, const uint16_t *columns, uint32_t column_count,
                          bool with_owner, bool for_all_threads)
{
    buffer_put_text(out, "read_parquet(");
    put_paths(out, paths, path_count, for_all_threads);
    buffer_put_text(out, ", schema = MAP {");
    put_field(out, FIELD_ID_SEQ, "BIGINT", true);
    put_field(out, FIELD_ID_UPDATED, "TIMESTAMP WITH TIME ZONE", false);
    if (with_owner)
        put_field(out, FIELD_ID_OWNER, "VARCHAR", false);
    for (uint32_t i = 0; i < column_count; i++)
        put_column_field(out, &schema->columns[columns[i]]);
    buffer_put_text(out, "})");
}

void sql_put_file_column(Buffer *out, const Column *column)
{
    buffer_put_format(out, "c%u", column->field_id);
    if (column->type.kind != TYPE_VECTOR)
        return;
    buffer_put_text(out, "::");
    sql_put_type(out, column->type);
}
