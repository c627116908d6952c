/* What DuckDB says of the columns of a file it wrote: JSON of
 *     {"\"name\"": {"column_size_bytes": "27", "num_values": "1000", "null_count": "0",
 *                   "min": "…", "max": "…", "has_nan": "false"}, …}
 * with a list's elements under "\"name\".\"element\"". */
#include "base/json.h"
#include "query/data_file_int.h"

enum {
    STATISTICS_DEPTH_MAX = 8,
    /* DuckDB cuts bounds of texts at 256 bytes, maybe within a character: longer ones are not used.
     */
    BOUND_BYTES_MAX = 128,
};

static uint64_t count_of(const JsonValue *column, const char *key)
{
    int64_t number = 0;
    bool is_number = slice_to_int64(json_member_text(column, key, SLICE_EMPTY), &number);
    return is_number && number > 0 ? (uint64_t)number : 0;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(Arena *arena, Slice text, Value *out)
{
    uint8_t *bytes = arena_allocate(arena, text.size / 2 + 1);
    if (bytes == NULL || text.size % 2 != 0)
        return false;
    for (size_t i = 0; i < text.size / 2; i++) {
        int high = hex_digit(text.data[2 * i]);
        int low = hex_digit(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    *out = value_bytes(TYPE_BYTEA, slice_of(bytes, text.size / 2));
    return true;
}

/* A bound that cannot be read is no bound: nothing is wrong without. */
static bool read_bound(Arena *arena, Type type, const JsonValue *column, const char *key,
                       Value *out)
{
    const JsonValue *member = json_member(column, key);
    if (member == NULL || member->kind != JSON_STRING)
        return false;
    bool is_bytes = type.kind == TYPE_BYTEA;
    bool can_be_long = is_bytes || type_is_variable(type);
    if (can_be_long && member->text.size > BOUND_BYTES_MAX * (is_bytes ? 2u : 1u))
        return false;
    if (is_bytes)
        return read_hex(arena, member->text, out);
    if (type_is_variable(type)) {
        *out = value_bytes((TypeKind)type.kind, member->text);
        return true;
    }
    Error ignored;
    return value_from_text(arena, type, member->text, out, &ignored) == OK && !out->is_null;
}

static const JsonValue *find_column(const JsonValue *all, Arena *arena, Slice name, bool is_list)
{
    Buffer key;
    buffer_open(&key, 0);
    sql_put_identifier(&key, name);
    if (is_list)
        buffer_put_text(&key, ".\"element\"");
    buffer_put_u8(&key, 0);
    const JsonValue *found = key.failed ? NULL : json_member(all, (const char *)key.data);
    (void)arena;
    buffer_close(&key);
    return found;
}

/* Vectors are known by their elements, which have no bounds worth having. */
static void read_column(Arena *arena, const JsonValue *all, Slice name, Type type,
                        uint32_t field_id, ColumnStatistics *out)
{
    bool is_list = type.kind == TYPE_VECTOR;
    const JsonValue *column = find_column(all, arena, name, is_list);
    *out = (ColumnStatistics){.field_id = field_id};
    out->lower.kind = is_list ? (uint8_t)TYPE_REAL : type.kind;
    out->upper.kind = out->lower.kind;
    out->value_count = count_of(column, "num_values");
    out->null_count = count_of(column, "null_count");
    out->size_bytes = count_of(column, "column_size_bytes");
    bool is_real = is_list || type.kind == TYPE_REAL || type.kind == TYPE_DOUBLE;
    out->may_have_nan =
        is_real && !slice_equal_text(json_member_text(column, "has_nan", SLICE_EMPTY), "false");
    if (is_list || column == NULL)
        return;
    Value lower;
    Value upper;
    out->has_bounds = read_bound(arena, type, column, "min", &lower) &&
                      read_bound(arena, type, column, "max", &upper);
    if (!out->has_bounds)
        return;
    out->lower = lower;
    out->upper = upper;
}

Status statistics_read(Arena *arena, const Schema *schema, bool with_owner, Slice json,
                       DataFileResult *out, Error *error)
{
    JsonValue *all = NULL;
    if (json_read(arena, json, STATISTICS_DEPTH_MAX, &all, error) != OK)
        return error_set(error, STATUS_WORKER_FAILED, "the engine did not say what it wrote");
    uint32_t count = schema->column_count + 2 + (with_owner ? 1 : 0);
    ColumnStatistics *columns = ARENA_ARRAY(arena, ColumnStatistics, count);
    if (columns == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < schema->column_count; i++)
        read_column(arena, all, schema->columns[i].name, schema->columns[i].type,
                    schema->columns[i].field_id, &columns[i]);
    ColumnStatistics *system = columns + schema->column_count;
    read_column(arena, all, SLICE("_seq"), TYPE(BIGINT), FIELD_ID_SEQ, &system[0]);
    read_column(arena, all, SLICE("_updated"), TYPE(TIMESTAMPTZ), FIELD_ID_UPDATED, &system[1]);
    if (with_owner)
        read_column(arena, all, SLICE("_user"), TYPE(TEXT), FIELD_ID_OWNER, &system[2]);
    out->statistics = columns;
    out->statistics_count = count;
    return OK;
}
