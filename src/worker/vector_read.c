#include "base/json.h"
#include "worker/vector.h"

/* ---- elements by DuckDB's type ---- */

#define READ_INTEGER(name, c_type)                                                               \
    static Status name(const VectorReader *reader, idx_t index, Arena *arena, Value *out,        \
                       Error *error)                                                             \
    {                                                                                            \
        (void)arena;                                                                             \
        (void)error;                                                                             \
        *out =                                                                                   \
            value_integer(reader->natural.kind, (int64_t)((const c_type *)reader->data)[index]); \
        return OK;                                                                               \
    }

READ_INTEGER(read_int8, int8_t)
READ_INTEGER(read_int16, int16_t)
READ_INTEGER(read_int32, int32_t)
READ_INTEGER(read_int64, int64_t)
READ_INTEGER(read_uint8, uint8_t)
READ_INTEGER(read_uint16, uint16_t)
READ_INTEGER(read_uint32, uint32_t)

static Status read_boolean(const VectorReader *reader, idx_t index, Arena *arena, Value *out,
                           Error *error)
{
    (void)arena;
    (void)error;
    *out = value_boolean(((const bool *)reader->data)[index]);
    return OK;
}

static Status read_float(const VectorReader *reader, idx_t index, Arena *arena, Value *out,
                         Error *error)
{
    (void)arena;
    (void)error;
    *out = (Value){.kind = TYPE_REAL, .as.real = (double)((const float *)reader->data)[index]};
    return OK;
}

static Status read_double(const VectorReader *reader, idx_t index, Arena *arena, Value *out,
                          Error *error)
{
    (void)arena;
    (void)error;
    *out = value_double(((const double *)reader->data)[index]);
    return OK;
}

static Status read_decimal(const VectorReader *reader, idx_t index, Arena *arena, Value *out,
                           Error *error)
{
    (void)arena;
    (void)error;
    Int128 number = 0;
    switch (reader->stored_kind) {
    case DUCKDB_TYPE_SMALLINT:
        number = ((const int16_t *)reader->data)[index];
        break;
    case DUCKDB_TYPE_INTEGER:
        number = ((const int32_t *)reader->data)[index];
        break;
    case DUCKDB_TYPE_BIGINT:
        number = ((const int64_t *)reader->data)[index];
        break;
    case DUCKDB_TYPE_UBIGINT:
        number = ((const uint64_t *)reader->data)[index];
        break;
    default:
        number = int128_of(((const duckdb_hugeint *)reader->data)[index]);
    }
    *out = value_decimal(number, (unsigned)reader->natural.b);
    return OK;
}

/* A wide number where a BIGINT or smaller is wanted: sums, mostly. */
static Status read_wide_integer(const VectorReader *reader, idx_t index, Arena *arena, Value *out,
                                Error *error)
{
    Value number;
    TRY(read_decimal(reader, index, arena, &number, error));
    int64_t max = reader->wanted.kind == TYPE_SMALLINT  ? INT16_MAX
                  : reader->wanted.kind == TYPE_INTEGER ? INT32_MAX
                                                        : INT64_MAX;
    char name[TYPE_NAME_BYTES_MAX];
    if (number.as.decimal > max || number.as.decimal < -(Int128)max - 1) {
        type_postgres_name(reader->wanted, name);
        return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE, "%s out of range", name);
    }
    *out = value_integer((TypeKind)reader->wanted.kind, (int64_t)number.as.decimal);
    return OK;
}

static Status read_bytes(const VectorReader *reader, idx_t index, Arena *arena, Value *out,
                         Error *error)
{
    (void)arena;
    (void)error;
    const duckdb_string_t *string = (const duckdb_string_t *)reader->data + index;
    *out = value_bytes(reader->natural.kind, slice_of_string(string));
    return OK;
}

static Status read_uuid(const VectorReader *reader, idx_t index, Arena *arena, Value *out,
                        Error *error)
{
    (void)arena;
    (void)error;
    *out = (Value){.kind = TYPE_UUID};
    uuid_from_hugeint(((const duckdb_hugeint *)reader->data)[index], out->as.uuid);
    return OK;
}

static Status read_interval(const VectorReader *reader, idx_t index, Arena *arena, Value *out,
                            Error *error)
{
    (void)arena;
    (void)error;
    const duckdb_interval *interval = (const duckdb_interval *)reader->data + index;
    *out = (Value){.kind = TYPE_INTERVAL,
                   .as.interval = {interval->months, interval->days, interval->micros}};
    return OK;
}

/* Timestamps that DuckDB counts in other units. */
static Status read_timestamp(const VectorReader *reader, idx_t index, Arena *arena, Value *out,
                             Error *error)
{
    (void)arena;
    int64_t n = ((const int64_t *)reader->data)[index];
    bool is_finite = n != INT64_MAX && n != -INT64_MAX;
    int64_t factor = reader->duckdb_kind == DUCKDB_TYPE_TIMESTAMP_S    ? 1000000
                     : reader->duckdb_kind == DUCKDB_TYPE_TIMESTAMP_MS ? 1000
                                                                       : 1;
    if (is_finite && reader->duckdb_kind == DUCKDB_TYPE_TIMESTAMP_NS)
        n = n / 1000 - (n % 1000 < 0);
    else if (is_finite && __builtin_mul_overflow(n, factor, &n))
        return error_set(error, STATUS_DATETIME_FIELD_OVERFLOW, "timestamp out of range");
    *out = value_integer(TYPE_TIMESTAMP, n);
    return OK;
}

static Status read_enum(const VectorReader *reader, idx_t index, Arena *arena, Value *out,
                        Error *error)
{
    uint32_t number =
        reader->stored_kind == DUCKDB_TYPE_UTINYINT    ? ((const uint8_t *)reader->data)[index]
        : reader->stored_kind == DUCKDB_TYPE_USMALLINT ? ((const uint16_t *)reader->data)[index]
                                                       : ((const uint32_t *)reader->data)[index];
    char *text = duckdb_enum_dictionary_value(reader->logical, number);
    if (text == NULL)
        return error_out_of_memory(error);
    Slice copy = SLICE_EMPTY;
    Status status = arena_clone(arena, slice_of_text(text), &copy, error);
    duckdb_free(text);
    *out = value_text(copy);
    return status;
}

/* ---- elements made of others ---- */

static void list_range(const VectorReader *reader, idx_t index, idx_t *from, idx_t *count)
{
    if (reader->duckdb_kind == DUCKDB_TYPE_ARRAY) {
        *from = index * reader->array_size;
        *count = reader->array_size;
        return;
    }
    const duckdb_list_entry *entry = (const duckdb_list_entry *)reader->data + index;
    *from = entry->offset;
    *count = entry->length;
}

static Status read_list(const VectorReader *reader, idx_t index, Arena *arena, Value *out,
                        Error *error)
{
    idx_t from = 0;
    idx_t count = 0;
    list_range(reader, index, &from, &count);
    if (count > UINT32_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "an array is too large");
    ArrayValue *array = ARENA_NEW(arena, ArrayValue);
    Value *elements = ARENA_ARRAY(arena, Value, count);
    if (array == NULL || elements == NULL)
        return arena_error(arena, error);
    for (idx_t i = 0; i < count; i++)
        TRY(reader_get(&reader->children[0], from + i, arena, &elements[i], error));
    *array = (ArrayValue){.count = (uint32_t)count, .elements = elements};
    *out = (Value){.kind = TYPE_ARRAY, .as.array = array};
    return OK;
}

/* A list of floats as a vector, without a copy. */
static Status read_vector(const VectorReader *reader, idx_t index, Arena *arena, Value *out,
                          Error *error)
{
    (void)arena;
    idx_t from = 0;
    idx_t count = 0;
    list_range(reader, index, &from, &count);
    if (reader->wanted.a > 0 && count != (idx_t)reader->wanted.a)
        return error_set(error, STATUS_DATA_EXCEPTION, "expected %d dimensions, not %llu",
                         (int)reader->wanted.a, (unsigned long long)count);
    const VectorReader *child = &reader->children[0];
    for (idx_t i = from; i < from + count; i++) {
        if (reader_is_null(child, i))
            return error_set(error, STATUS_NULL_VALUE_NOT_ALLOWED, "a vector cannot hold NULL");
    }
    *out = (Value){.kind = TYPE_VECTOR,
                   .as.vector = {(const float *)child->data + from, (uint32_t)count}};
    return OK;
}

/* Maps and structs have no type of ours: they go as JSON text, and are asked for inside only (what
 * COPY says of a file it wrote). */
static Status put_json(const VectorReader *reader, idx_t index, Arena *arena, Buffer *out,
                       Error *error);

static Status put_json_map(const VectorReader *reader, idx_t index, Arena *arena, Buffer *out,
                           Error *error)
{
    const duckdb_list_entry *entry = (const duckdb_list_entry *)reader->data + index;
    buffer_put_u8(out, '{');
    for (idx_t i = entry->offset; i < entry->offset + entry->length; i++) {
        if (i > entry->offset)
            buffer_put_u8(out, ',');
        Value key;
        TRY(reader_get(&reader->children[0], i, arena, &key, error));
        json_put_string(out, key.is_null ? SLICE_EMPTY : key.as.bytes);
        buffer_put_u8(out, ':');
        TRY(put_json(&reader->children[1], i, arena, out, error));
    }
    buffer_put_u8(out, '}');
    return OK;
}

/* The nesting is that of the type, which reader_open has bounded. */
static Status put_json(const VectorReader *reader, idx_t index, Arena *arena, Buffer *out,
                       Error *error)
{
    if (reader_is_null(reader, index)) {
        buffer_put_text(out, "null");
        return OK;
    }
    if (reader->duckdb_kind == DUCKDB_TYPE_MAP)
        return put_json_map(reader, index, arena, out, error);
    Value value;
    TRY(reader_get(reader, index, arena, &value, error));
    value_put_json(out, reader->wanted, &value, 0);
    return OK;
}

static Status read_map(const VectorReader *reader, idx_t index, Arena *arena, Value *out,
                       Error *error)
{
    Buffer text;
    buffer_open(&text, 0);
    Slice copy = SLICE_EMPTY;
    Status status = put_json_map(reader, index, arena, &text, error);
    if (status == OK)
        status = buffer_status(&text, error);
    if (status == OK)
        status = arena_clone(arena, buffer_slice(&text), &copy, error);
    buffer_close(&text);
    *out = value_bytes(TYPE_JSON, copy);
    return status;
}

/* ---- opening ---- */

typedef struct Natural {
    duckdb_type duckdb_kind;
    Type type;
    ReadElement read;
} Natural;

static const Natural naturals[] = {
    {DUCKDB_TYPE_BOOLEAN, {.kind = TYPE_BOOLEAN}, read_boolean},
    {DUCKDB_TYPE_TINYINT, {.kind = TYPE_SMALLINT}, read_int8},
    {DUCKDB_TYPE_SMALLINT, {.kind = TYPE_SMALLINT}, read_int16},
    {DUCKDB_TYPE_INTEGER, {.kind = TYPE_INTEGER}, read_int32},
    {DUCKDB_TYPE_BIGINT, {.kind = TYPE_BIGINT}, read_int64},
    {DUCKDB_TYPE_UTINYINT, {.kind = TYPE_SMALLINT}, read_uint8},
    {DUCKDB_TYPE_USMALLINT, {.kind = TYPE_INTEGER}, read_uint16},
    {DUCKDB_TYPE_UINTEGER, {.kind = TYPE_BIGINT}, read_uint32},
    {DUCKDB_TYPE_UBIGINT, {.kind = TYPE_DECIMAL, .a = 20}, read_decimal},
    {DUCKDB_TYPE_HUGEINT, {.kind = TYPE_DECIMAL}, read_decimal},
    {DUCKDB_TYPE_DECIMAL, {.kind = TYPE_DECIMAL}, read_decimal},
    {DUCKDB_TYPE_FLOAT, {.kind = TYPE_REAL}, read_float},
    {DUCKDB_TYPE_DOUBLE, {.kind = TYPE_DOUBLE}, read_double},
    {DUCKDB_TYPE_VARCHAR, {.kind = TYPE_TEXT}, read_bytes},
    {DUCKDB_TYPE_BLOB, {.kind = TYPE_BYTEA}, read_bytes},
    {DUCKDB_TYPE_DATE, {.kind = TYPE_DATE}, read_int32},
    {DUCKDB_TYPE_TIME, {.kind = TYPE_TIME}, read_int64},
    {DUCKDB_TYPE_TIMESTAMP, {.kind = TYPE_TIMESTAMP}, read_int64},
    {DUCKDB_TYPE_TIMESTAMP_S, {.kind = TYPE_TIMESTAMP}, read_timestamp},
    {DUCKDB_TYPE_TIMESTAMP_MS, {.kind = TYPE_TIMESTAMP}, read_timestamp},
    {DUCKDB_TYPE_TIMESTAMP_NS, {.kind = TYPE_TIMESTAMP}, read_timestamp},
    {DUCKDB_TYPE_TIMESTAMP_TZ, {.kind = TYPE_TIMESTAMPTZ}, read_int64},
    {DUCKDB_TYPE_INTERVAL, {.kind = TYPE_INTERVAL}, read_interval},
    {DUCKDB_TYPE_UUID, {.kind = TYPE_UUID}, read_uuid},
    {DUCKDB_TYPE_ENUM, {.kind = TYPE_TEXT}, read_enum},
    {DUCKDB_TYPE_LIST, {.kind = TYPE_ARRAY}, read_list},
    {DUCKDB_TYPE_ARRAY, {.kind = TYPE_ARRAY}, read_list},
    {DUCKDB_TYPE_MAP, {.kind = TYPE_JSON}, read_map},
    {DUCKDB_TYPE_SQLNULL, {.kind = TYPE_TEXT}, NULL}, /* every element is NULL */
};

static const Natural *find_natural(duckdb_type kind)
{
    for (size_t i = 0; i < sizeof naturals / sizeof *naturals; i++) {
        if (naturals[i].duckdb_kind == kind)
            return &naturals[i];
    }
    return NULL;
}

/* DuckDB's JSON is text under another name. */
static bool is_json(duckdb_logical_type logical)
{
    char *alias = duckdb_logical_type_get_alias(logical);
    bool same = alias != NULL && strcmp(alias, "JSON") == 0;
    if (alias != NULL)
        duckdb_free(alias);
    return same;
}

static void refine(VectorReader *reader)
{
    if (reader->duckdb_kind == DUCKDB_TYPE_DECIMAL) {
        reader->natural.a = duckdb_decimal_width(reader->logical);
        reader->natural.b = duckdb_decimal_scale(reader->logical);
        reader->stored_kind = duckdb_decimal_internal_type(reader->logical);
    } else if (reader->duckdb_kind == DUCKDB_TYPE_ENUM) {
        reader->stored_kind = duckdb_enum_internal_type(reader->logical);
    } else if (reader->duckdb_kind == DUCKDB_TYPE_VARCHAR && is_json(reader->logical)) {
        reader->natural = TYPE(JSON);
    } else if (reader->read == read_decimal && type_is_integer(reader->wanted)) {
        reader->natural = reader->wanted;
        reader->read = read_wide_integer;
    }
}

enum { READER_DEPTH_MAX = 4 };

static Status open_at(VectorReader *reader, Arena *arena, duckdb_logical_type logical, Type wanted,
                      unsigned depth, Error *error);

static Status open_map(VectorReader *reader, Arena *arena, unsigned depth, Error *error)
{
    duckdb_logical_type value = duckdb_map_type_value_type(reader->logical);
    bool is_nested = duckdb_get_type_id(value) == DUCKDB_TYPE_MAP;
    TRY(open_at(&reader->children[1], arena, value, is_nested ? TYPE(JSON) : TYPE(TEXT), depth + 1,
                error));
    reader->child_count = 2;
    return open_at(&reader->children[0], arena, duckdb_map_type_key_type(reader->logical),
                   TYPE(TEXT), depth + 1, error);
}

static Status open_children(VectorReader *reader, Arena *arena, unsigned depth, Error *error)
{
    reader->children = ARENA_ARRAY(arena, VectorReader, 2);
    if (reader->children == NULL)
        return arena_error(arena, error);
    if (reader->duckdb_kind == DUCKDB_TYPE_MAP)
        return open_map(reader, arena, depth, error);
    bool is_array = reader->duckdb_kind == DUCKDB_TYPE_ARRAY;
    bool is_vector = reader->wanted.kind == TYPE_VECTOR;
    Type element = {.kind = is_vector ? (uint8_t)TYPE_REAL : reader->wanted.element};
    duckdb_logical_type child = is_array ? duckdb_array_type_child_type(reader->logical)
                                         : duckdb_list_type_child_type(reader->logical);
    TRY(open_at(&reader->children[0], arena, child, element, depth + 1, error));
    reader->child_count = 1;
    reader->array_size = is_array ? (uint32_t)duckdb_array_type_array_size(reader->logical) : 0;
    if (!is_vector) {
        reader->wanted.element = reader->children[0].wanted.kind;
        return OK;
    }
    reader->needs_cast = false;
    reader->read = read_vector;
    if (reader->children[0].duckdb_kind != DUCKDB_TYPE_FLOAT)
        return error_set(error, STATUS_DATATYPE_MISMATCH, "a vector is made of floats");
    return OK;
}

/* The elements are values of the type as they are, or are cast to it one by one. */
static bool is_same(Type natural, Type wanted)
{
    bool both_text = type_is_text(natural) || natural.kind == TYPE_JSON;
    bool takes_text = type_is_text(wanted) || wanted.kind == TYPE_JSON || wanted.kind == TYPE_JSONB;
    if (both_text && takes_text)
        return true;
    if (natural.kind == TYPE_DECIMAL && wanted.kind == TYPE_DECIMAL)
        return wanted.a == 0 || (natural.b == wanted.b && natural.a > 0 && natural.a <= wanted.a);
    return natural.kind == wanted.kind;
}

static Status refuse(const VectorReader *reader, Error *error)
{
    char name[TYPE_NAME_BYTES_MAX];
    type_postgres_name(reader->wanted, name);
    return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                     "the engine's result cannot be sent as %s", name);
}

static Status open_at(VectorReader *reader, Arena *arena, duckdb_logical_type logical, Type wanted,
                      unsigned depth, Error *error)
{
    *reader = (VectorReader){.logical = logical, .wanted = wanted};
    reader->duckdb_kind = duckdb_get_type_id(logical);
    reader->stored_kind = reader->duckdb_kind;
    const Natural *natural = find_natural(reader->duckdb_kind);
    if (natural == NULL || depth > READER_DEPTH_MAX)
        return refuse(reader, error);
    reader->natural = natural->type;
    reader->read = natural->read;
    refine(reader);
    if (wanted.kind == TYPE_UNKNOWN)
        reader->wanted = reader->natural;
    reader->needs_cast = !is_same(reader->natural, reader->wanted);
    bool is_nested = natural->type.kind == TYPE_ARRAY;
    bool takes_nested = reader->wanted.kind == TYPE_ARRAY || reader->wanted.kind == TYPE_VECTOR;
    if (is_nested != takes_nested && reader->duckdb_kind != DUCKDB_TYPE_SQLNULL)
        return refuse(reader, error);
    if (is_nested || natural->duckdb_kind == DUCKDB_TYPE_MAP)
        return open_children(reader, arena, depth, error);
    return OK;
}

Status reader_open(VectorReader *reader, Arena *arena, duckdb_logical_type logical, Type wanted,
                   Error *error)
{
    Status status = open_at(reader, arena, logical, wanted, 0, error);
    if (status != OK)
        reader_close(reader);
    return status;
}

/* A child whose opening failed was counted by nobody: its logical type is its own to give back. */
void reader_close(VectorReader *reader)
{
    for (uint32_t i = 0; i < 2 && reader->children != NULL; i++)
        reader_close(&reader->children[i]);
    if (reader->logical != NULL)
        duckdb_destroy_logical_type(&reader->logical);
    reader->children = NULL;
}

void reader_point(VectorReader *reader, duckdb_vector vector)
{
    reader->data = duckdb_vector_get_data(vector);
    reader->validity = duckdb_vector_get_validity(vector);
    if (reader->child_count == 0)
        return;
    if (reader->duckdb_kind == DUCKDB_TYPE_ARRAY) {
        reader_point(&reader->children[0], duckdb_array_vector_get_child(vector));
        return;
    }
    duckdb_vector child = duckdb_list_vector_get_child(vector);
    if (reader->duckdb_kind == DUCKDB_TYPE_LIST) {
        reader_point(&reader->children[0], child);
        return;
    }
    for (uint32_t i = 0; i < reader->child_count; i++) /* a map is a list of structs */
        reader_point(&reader->children[i], duckdb_struct_vector_get_child(child, i));
}

/* ---- reading ---- */

Status reader_get(const VectorReader *reader, idx_t index, Arena *arena, Value *out, Error *error)
{
    if (reader->read == NULL || reader_is_null(reader, index)) {
        *out = value_null((TypeKind)reader->wanted.kind);
        return OK;
    }
    if (!reader->needs_cast) {
        TRY(reader->read(reader, index, arena, out, error));
        out->kind = reader->wanted.kind;
        return OK;
    }
    Value value;
    TRY(reader->read(reader, index, arena, &value, error));
    return value_cast(arena, &value, reader->natural, reader->wanted, CAST_EXPLICIT, out, error);
}
