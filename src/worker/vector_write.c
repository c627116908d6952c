#include <endian.h>

#include "base/assert.h"
#include "worker/vector.h"

static duckdb_type scalar_kind(TypeKind kind)
{
    switch (kind) {
    case TYPE_BOOLEAN:
        return DUCKDB_TYPE_BOOLEAN;
    case TYPE_SMALLINT:
        return DUCKDB_TYPE_SMALLINT;
    case TYPE_INTEGER:
        return DUCKDB_TYPE_INTEGER;
    case TYPE_BIGINT:
        return DUCKDB_TYPE_BIGINT;
    case TYPE_REAL:
        return DUCKDB_TYPE_FLOAT;
    case TYPE_DOUBLE:
        return DUCKDB_TYPE_DOUBLE;
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
    case TYPE_JSON:
    case TYPE_JSONB:
        return DUCKDB_TYPE_VARCHAR;
    case TYPE_BYTEA:
        return DUCKDB_TYPE_BLOB;
    case TYPE_DATE:
        return DUCKDB_TYPE_DATE;
    case TYPE_TIME:
        return DUCKDB_TYPE_TIME;
    case TYPE_TIMESTAMP:
        return DUCKDB_TYPE_TIMESTAMP;
    case TYPE_TIMESTAMPTZ:
        return DUCKDB_TYPE_TIMESTAMP_TZ;
    case TYPE_INTERVAL:
        return DUCKDB_TYPE_INTERVAL;
    case TYPE_UUID:
        return DUCKDB_TYPE_UUID;
    default:
        return DUCKDB_TYPE_INVALID;
    }
}

static duckdb_logical_type nested_type(Type type)
{
    Type element = {.kind = type.kind == TYPE_VECTOR ? (uint8_t)TYPE_REAL : type.element};
    if (element.kind == TYPE_DECIMAL) /* an array's elements each have their own scale */
        element = TYPE(TEXT);
    duckdb_logical_type child = vector_type(element);
    if (child == NULL)
        return NULL;
    duckdb_logical_type made = type.kind == TYPE_VECTOR
                                   ? duckdb_create_array_type(child, (idx_t)type.a)
                                   : duckdb_create_list_type(child);
    duckdb_destroy_logical_type(&child);
    return made;
}

duckdb_logical_type vector_type(Type type)
{
    if (type.kind == TYPE_DECIMAL)
        return duckdb_create_decimal_type(type.a > 0 ? (uint8_t)type.a : DECIMAL_PRECISION_MAX,
                                          (uint8_t)type.b);
    bool is_vector = type.kind == TYPE_VECTOR && type.a > 0;
    if (is_vector || (type.kind == TYPE_ARRAY && type.element != TYPE_ARRAY))
        return nested_type(type);
    duckdb_type kind = scalar_kind((TypeKind)type.kind);
    return kind == DUCKDB_TYPE_INVALID ? NULL : duckdb_create_logical_type(kind);
}

duckdb_hugeint uuid_to_hugeint(const uint8_t uuid[16])
{
    uint64_t upper;
    uint64_t lower;
    memcpy(&upper, uuid, sizeof upper);
    memcpy(&lower, uuid + 8, sizeof lower);
    return (duckdb_hugeint){.lower = be64toh(lower),
                            .upper = (int64_t)(be64toh(upper) ^ (1ull << 63))};
}

void uuid_from_hugeint(duckdb_hugeint number, uint8_t out[16])
{
    uint64_t upper = htobe64((uint64_t)number.upper ^ (1ull << 63));
    uint64_t lower = htobe64(number.lower);
    memcpy(out, &upper, sizeof upper);
    memcpy(out + 8, &lower, sizeof lower);
}

void vector_put_null(duckdb_vector vector, idx_t index)
{
    duckdb_vector_ensure_validity_writable(vector);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), index);
}

static Status put_decimal(void *data, idx_t index, Type type, const Value *value, Error *error)
{
    if (value->scale != type.b)
        return error_set(error, STATUS_INTERNAL, "a number has another scale than its column");
    int32_t precision = type.a > 0 ? type.a : DECIMAL_PRECISION_MAX;
    Int128 number = value->as.decimal;
    if (precision <= 4)
        ((int16_t *)data)[index] = (int16_t)number;
    else if (precision <= 9)
        ((int32_t *)data)[index] = (int32_t)number;
    else if (precision <= 18)
        ((int64_t *)data)[index] = (int64_t)number;
    else
        ((duckdb_hugeint *)data)[index] = hugeint_of(number);
    return OK;
}

static Status put_vector(duckdb_vector vector, idx_t index, Type type, const Value *value,
                         Error *error)
{
    uint32_t size = (uint32_t)type.a;
    if (value->as.vector.count != size)
        return error_set(error, STATUS_DATA_EXCEPTION, "expected %u dimensions, not %u", size,
                         value->as.vector.count);
    float *data = duckdb_vector_get_data(duckdb_array_vector_get_child(vector));
    memcpy(data + index * size, value->as.vector.elements, size * sizeof *data);
    return OK;
}

/* Elements without a fixed scale go as text. */
static Status put_element(duckdb_vector child, idx_t index, Type element, const Value *value,
                          Error *error)
{
    if (element.kind != TYPE_DECIMAL || value->is_null)
        return vector_put(child, index, element.kind == TYPE_DECIMAL ? TYPE(TEXT) : element, value,
                          error);
    Buffer text;
    buffer_open(&text, 0);
    value_put_text(&text, element, value);
    Status status = buffer_status(&text, error);
    if (status == OK)
        duckdb_vector_assign_string_element_len(child, index, (const char *)text.data, text.size);
    buffer_close(&text);
    return status;
}

static Status put_array(duckdb_vector vector, idx_t index, Type type, const Value *value,
                        Error *error)
{
    const ArrayValue *array = value->as.array;
    idx_t from = duckdb_list_vector_get_size(vector);
    if (duckdb_list_vector_reserve(vector, from + array->count) != DuckDBSuccess ||
        duckdb_list_vector_set_size(vector, from + array->count) != DuckDBSuccess)
        return error_out_of_memory(error);
    duckdb_vector child = duckdb_list_vector_get_child(vector);
    Type element = {.kind = type.element};
    for (uint32_t i = 0; i < array->count; i++)
        TRY(put_element(child, from + i, element, &array->elements[i], error));
    duckdb_list_entry *entries = duckdb_vector_get_data(vector);
    entries[index] = (duckdb_list_entry){.offset = from, .length = array->count};
    return OK;
}

static void put_interval(void *data, idx_t index, Interval interval)
{
    ((duckdb_interval *)data)[index] = (duckdb_interval){
        .months = interval.months, .days = interval.days, .micros = interval.micros};
}

/* What takes a fixed number of bytes. */
static void put_fixed(void *data, idx_t index, Type type, const Value *value)
{
    switch ((TypeKind)type.kind) {
    case TYPE_BOOLEAN:
        ((bool *)data)[index] = value->as.boolean;
        return;
    case TYPE_SMALLINT:
        ((int16_t *)data)[index] = (int16_t)value->as.integer;
        return;
    case TYPE_INTEGER:
    case TYPE_DATE:
        ((int32_t *)data)[index] = (int32_t)value->as.integer;
        return;
    case TYPE_REAL:
        ((float *)data)[index] = (float)value->as.real;
        return;
    case TYPE_DOUBLE:
        ((double *)data)[index] = value->as.real;
        return;
    case TYPE_UUID:
        ((duckdb_hugeint *)data)[index] = uuid_to_hugeint(value->as.uuid);
        return;
    case TYPE_INTERVAL:
        put_interval(data, index, value->as.interval);
        return;
    default:
        ((int64_t *)data)[index] = value->as.integer;
    }
}

static bool is_text_like(Type type)
{
    return type_is_text(type) || type.kind == TYPE_JSON || type.kind == TYPE_JSONB ||
           type.kind == TYPE_BYTEA;
}

Status vector_put(duckdb_vector vector, idx_t index, Type type, const Value *value, Error *error)
{
    void *data = duckdb_vector_get_data(vector);
    if (value->is_null) {
        vector_put_null(vector, index);
        if (type.kind == TYPE_ARRAY)
            ((duckdb_list_entry *)data)[index] = (duckdb_list_entry){.offset = 0, .length = 0};
        return OK;
    }
    if (is_text_like(type)) {
        Slice bytes = value->as.bytes;
        duckdb_unsafe_vector_assign_string_element_len(vector, index, (const char *)bytes.data,
                                                       bytes.size);
        return OK;
    }
    if (type.kind == TYPE_DECIMAL)
        return put_decimal(data, index, type, value, error);
    if (type.kind == TYPE_VECTOR)
        return put_vector(vector, index, type, value, error);
    if (type.kind == TYPE_ARRAY)
        return put_array(vector, index, type, value, error);
    put_fixed(data, index, type, value);
    return OK;
}
