/* The binary form of a schema:
 *     format         u8, 1
 *     kind           u8, TableKind
 *     table_id       u64
 *     version        u32
 *     next_field_id  u32
 *     columns        varint count, then each:
 *         name           varint size, bytes
 *         type           u8 kind, u8 element, i32 a, i32 b
 *         field_id       u32
 *         flags          u8: 1 NOT NULL, 2 hidden
 *         key_position   i16
 *         default_sql    varint size, bytes
 *         initial        value (value_binary.c)
 *         comment        varint size, bytes
 * Integers are little-endian. The list of key columns follows from the key positions. */
#include <stdatomic.h>

#include "base/assert.h"
#include "types/decimal_int.h"
#include "types/row.h"

enum {
    SCHEMA_FORMAT = 1,
    COLUMN_NOT_NULL = 1,
    COLUMN_HIDDEN = 2,
};

/* ---- building ---- */

static Status clone_column(Arena *arena, const Column *column, Column *out, Error *error)
{
    *out = *column;
    TRY(arena_clone(arena, column->name, &out->name, error));
    TRY(arena_clone(arena, column->default_sql, &out->default_sql, error));
    TRY(arena_clone(arena, column->comment, &out->comment, error));
    return value_clone(arena, &column->initial_default, &out->initial_default, error);
}

static Status clone_columns(Schema *schema, const Column *columns, Error *error)
{
    uint32_t count = schema->column_count;
    Column *copies = ARENA_ARRAY(&schema->arena, Column, count);
    Type *types = ARENA_ARRAY(&schema->arena, Type, count);
    if (copies == NULL || types == NULL)
        return arena_error(&schema->arena, error);
    for (uint32_t c = 0; c < count; c++) {
        TRY(clone_column(&schema->arena, &columns[c], &copies[c], error));
        types[c] = columns[c].type;
    }
    schema->columns = copies;
    return row_layout_open(&schema->arena, types, count, &schema->layout, error);
}

static Status bad_schema(Error *error, const char *what)
{
    return error_set(error, STATUS_INVALID_TABLE_DEFINITION, "invalid schema: %s", what);
}

/* Key positions are 0 … n - 1, each once, on columns whose types have an order. */
static Status collect_key(Schema *schema, Error *error)
{
    for (uint32_t c = 0; c < schema->column_count; c++)
        schema->key_count += schema->columns[c].key_position >= 0;
    if (schema->key_count == 0)
        return bad_schema(error, "no column is in the key");
    uint16_t *key = ARENA_ARRAY(&schema->arena, uint16_t, schema->key_count);
    bool *taken = ARENA_ARRAY(&schema->arena, bool, schema->key_count);
    if (key == NULL || taken == NULL)
        return arena_error(&schema->arena, error);
    for (uint32_t c = 0; c < schema->column_count; c++) {
        const Column *column = &schema->columns[c];
        if (column->key_position < 0)
            continue;
        uint32_t position = (uint32_t)column->key_position;
        if (position >= schema->key_count || taken[position])
            return bad_schema(error, "key positions are not 0, 1, 2 …");
        if (!type_is_keyable(column->type))
            return bad_schema(error, "a key column's type has no order");
        taken[position] = true;
        key[position] = (uint16_t)c;
    }
    schema->key_columns = key;
    return OK;
}

/* row_convert puts it into rows as it is, so it must have the column's scale or dimension. */
static bool initial_is_valid(const Column *column)
{
    const Value *value = &column->initial_default;
    if (value->is_null)
        return true;
    if (value->kind != column->type.kind)
        return false;
    if (value->kind == TYPE_DECIMAL)
        return value->scale == column->type.b &&
               decimal_digits(value->as.decimal) <= (unsigned)column->type.a;
    return value->kind != TYPE_VECTOR || value->as.vector.count == (uint32_t)column->type.a;
}

static Status check_column(const Schema *schema, uint32_t number, Error *error)
{
    const Column *column = &schema->columns[number];
    if (column->name.size == 0 || column->name.size > NAME_BYTES_MAX)
        return bad_schema(error, "a column's name is empty or too long");
    if (column->field_id == 0 || column->field_id >= schema->next_field_id)
        return bad_schema(error, "a field id is out of range");
    if (!initial_is_valid(column))
        return bad_schema(error, "an initial default does not have its column's type");
    for (uint32_t c = 0; c < number; c++) {
        if (schema->columns[c].field_id == column->field_id)
            return bad_schema(error, "a field id stands twice");
        if (slice_equal(schema->columns[c].name, column->name))
            return bad_schema(error, "a column's name stands twice");
    }
    return OK;
}

static Status fill(Schema *schema, const Column *columns, Error *error)
{
    TRY(clone_columns(schema, columns, error));
    for (uint32_t c = 0; c < schema->column_count; c++)
        TRY(check_column(schema, c, error));
    return collect_key(schema, error);
}

Status schema_create(uint64_t table_id, uint32_t version, TableKind kind, const Column *columns,
                     uint32_t column_count, uint32_t next_field_id, Schema **out, Error *error)
{
    if (column_count > COLUMNS_MAX)
        return error_set(error, STATUS_TOO_MANY_COLUMNS, "tables can have at most %d columns",
                         COLUMNS_MAX);
    Schema *schema = MEMORY_NEW(Schema);
    if (schema == NULL)
        return error_out_of_memory(error);
    schema->table_id = table_id;
    schema->version = version;
    schema->kind = kind;
    schema->column_count = column_count;
    schema->next_field_id = next_field_id;
    arena_open(&schema->arena, 0);
    schema->references = 1;
    Status status = fill(schema, columns, error);
    if (status != OK) {
        schema_release(schema);
        return status;
    }
    *out = schema;
    return OK;
}

Schema *schema_clone(Schema *schema)
{
    uint32_t before = atomic_fetch_add_explicit(&schema->references, 1, memory_order_relaxed);
    ASSERT(before > 0 && before < UINT32_MAX);
    return schema;
}

void schema_release(Schema *schema)
{
    if (schema == NULL)
        return;
    uint32_t before = atomic_fetch_sub_explicit(&schema->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before > 1)
        return;
    arena_close(&schema->arena);
    memory_free(schema);
}

int32_t schema_find(const Schema *schema, Slice name)
{
    for (uint32_t c = 0; c < schema->column_count; c++) {
        if (slice_equal(schema->columns[c].name, name))
            return (int32_t)c;
    }
    return -1;
}

int32_t schema_find_field(const Schema *schema, uint32_t field_id)
{
    for (uint32_t c = 0; c < schema->column_count; c++) {
        if (schema->columns[c].field_id == field_id)
            return (int32_t)c;
    }
    return -1;
}

/* ---- binary form ---- */

static void put_column(Buffer *out, const Column *column)
{
    buffer_put_sized(out, column->name);
    buffer_put_u8(out, column->type.kind);
    buffer_put_u8(out, column->type.element);
    buffer_put_u32(out, (uint32_t)column->type.a);
    buffer_put_u32(out, (uint32_t)column->type.b);
    buffer_put_u32(out, column->field_id);
    buffer_put_u8(out, (uint8_t)((column->not_null ? COLUMN_NOT_NULL : 0) |
                                 (column->hidden ? COLUMN_HIDDEN : 0)));
    buffer_put_u16(out, (uint16_t)column->key_position);
    buffer_put_sized(out, column->default_sql);
    value_encode(out, &column->initial_default);
    buffer_put_sized(out, column->comment);
}

void schema_encode(Buffer *out, const Schema *schema)
{
    buffer_put_u8(out, SCHEMA_FORMAT);
    buffer_put_u8(out, (uint8_t)schema->kind);
    buffer_put_u64(out, schema->table_id);
    buffer_put_u32(out, schema->version);
    buffer_put_u32(out, schema->next_field_id);
    buffer_put_varint(out, schema->column_count);
    for (uint32_t c = 0; c < schema->column_count; c++)
        put_column(out, &schema->columns[c]);
}

static Status damaged(Error *error)
{
    return error_set(error, STATUS_DATA_CORRUPTED, "malformed schema");
}

static Status get_column(Arena *arena, Cursor *cursor, Column *out, Error *error)
{
    out->name = cursor_sized(cursor);
    out->type.kind = cursor_u8(cursor);
    out->type.element = cursor_u8(cursor);
    out->type.a = (int32_t)cursor_u32(cursor);
    out->type.b = (int32_t)cursor_u32(cursor);
    out->field_id = cursor_u32(cursor);
    uint8_t flags = cursor_u8(cursor);
    out->not_null = flags & COLUMN_NOT_NULL;
    out->hidden = flags & COLUMN_HIDDEN;
    out->key_position = (int16_t)cursor_u16(cursor);
    out->default_sql = cursor_sized(cursor);
    TRY(value_decode(arena, cursor, &out->initial_default, error));
    out->comment = cursor_sized(cursor);
    if (cursor->failed || !type_is_valid(out->type) || flags > (COLUMN_NOT_NULL | COLUMN_HIDDEN))
        return damaged(error);
    return OK;
}

static Status get_schema(Arena *arena, Cursor *cursor, Schema **out, Error *error)
{
    uint8_t format = cursor_u8(cursor);
    if (!cursor->failed && format > SCHEMA_FORMAT)
        return error_set_format(error, "a table's schema", format, SCHEMA_FORMAT);
    uint8_t kind = cursor_u8(cursor);
    uint64_t table_id = cursor_u64(cursor);
    uint32_t version = cursor_u32(cursor);
    uint32_t next_field_id = cursor_u32(cursor);
    uint64_t count = cursor_varint(cursor);
    bool good = format == SCHEMA_FORMAT && kind >= TABLE_SHARED && kind <= TABLE_STREAM;
    if (cursor->failed || !good || count > COLUMNS_MAX)
        return damaged(error);
    Column *columns = ARENA_ARRAY(arena, Column, (size_t)count);
    if (columns == NULL)
        return arena_error(arena, error);
    for (uint64_t c = 0; c < count; c++)
        TRY(get_column(arena, cursor, &columns[c], error));
    Status status = schema_create(table_id, version, (TableKind)kind, columns, (uint32_t)count,
                                  next_field_id, out, error);
    return status == OK || status == STATUS_OUT_OF_MEMORY ? status : damaged(error);
}

Status schema_decode(Cursor *cursor, Schema **out, Error *error)
{
    Arena arena;
    arena_open(&arena, 0);
    Status status = get_schema(&arena, cursor, out, error);
    arena_close(&arena);
    return status;
}
