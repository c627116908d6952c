#include "worker/parameter.h"

#include "base/memory.h"

static Status make_value(const Value *value, duckdb_value *out, Error *error);

/* The digits a number has: DuckDB wants to know how wide a DECIMAL is. */
static uint8_t decimal_width(const Value *value)
{
    unsigned __int128 rest = value->as.decimal < 0 ? -(unsigned __int128)value->as.decimal
                                                   : (unsigned __int128)value->as.decimal;
    uint8_t digits = 1;
    while (rest >= 10) {
        rest /= 10;
        digits++;
    }
    return digits > value->scale ? digits : value->scale;
}

static Status make_decimal(const Value *value, duckdb_value *out, Error *error)
{
    uint8_t width = decimal_width(value);
    if (width > DECIMAL_PRECISION_MAX)
        return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow");
    *out = duckdb_create_decimal((duckdb_decimal){
        .width = width, .scale = value->scale, .value = hugeint_of(value->as.decimal)});
    return OK;
}

static duckdb_value make_uuid(const uint8_t uuid[16])
{
    uint64_t upper = 0;
    uint64_t lower = 0;
    for (int i = 0; i < 8; i++) {
        upper = upper << 8 | uuid[i];
        lower = lower << 8 | uuid[8 + i];
    }
    return duckdb_create_uuid((duckdb_uhugeint){.lower = lower, .upper = upper});
}

static void destroy_values(duckdb_value *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i] != NULL)
            duckdb_destroy_value(&values[i]);
    }
    memory_free(values);
}

/* An array of DuckDB's values becomes one: a LIST of the elements' type, or an ARRAY of floats. */
static Status join_values(Type element, duckdb_value *values, size_t count, bool is_vector,
                          duckdb_value *out, Error *error)
{
    duckdb_logical_type type = vector_type(element);
    if (type == NULL)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED, "a parameter of this type");
    *out = is_vector ? duckdb_create_array_value(type, values, count)
                     : duckdb_create_list_value(type, values, count);
    duckdb_destroy_logical_type(&type);
    return *out == NULL ? error_out_of_memory(error) : OK;
}

/* Elements without a scale of their own go as text, empty arrays as arrays of text: the SQL casts
 * them. */
static Type element_type(const ArrayValue *array)
{
    Type type = {.kind = array->count == 0 ? (uint8_t)TYPE_TEXT : array->elements[0].kind};
    if (type.kind == TYPE_DECIMAL)
        type =
            (Type){.kind = TYPE_DECIMAL, .a = DECIMAL_PRECISION_MAX, .b = array->elements[0].scale};
    return type;
}

static Status make_array(const ArrayValue *array, duckdb_value *out, Error *error)
{
    duckdb_value *values = memory_allocate_zeroed(array->count + 1u, sizeof *values);
    if (values == NULL)
        return error_out_of_memory(error);
    Status status = OK;
    for (uint32_t i = 0; i < array->count && status == OK; i++) {
        const Value *element = &array->elements[i];
        status = element->kind == TYPE_ARRAY || element->kind == TYPE_RECORD
                     ? error_set(error, STATUS_FEATURE_NOT_SUPPORTED, "an array of arrays")
                     : make_value(element, &values[i], error);
    }
    if (status == OK)
        status = join_values(element_type(array), values, array->count, false, out, error);
    destroy_values(values, array->count);
    return status;
}

static Status make_vector(const Value *value, duckdb_value *out, Error *error)
{
    uint32_t count = value->as.vector.count;
    duckdb_value *values = memory_allocate_zeroed(count + 1u, sizeof *values);
    if (values == NULL)
        return error_out_of_memory(error);
    for (uint32_t i = 0; i < count; i++)
        values[i] = duckdb_create_float(value->as.vector.elements[i]);
    Status status = join_values(TYPE(REAL), values, count, true, out, error);
    destroy_values(values, count);
    return status;
}

static Status make_text(Slice text, duckdb_value *out, Error *error)
{
    if (!slice_is_utf8_text(text)) /* DuckDB would throw through this frame */
        return error_of(error, STATUS_CHARACTER_NOT_IN_REPERTOIRE);
    *out = duckdb_create_varchar_length(text.size == 0 ? "" : (const char *)text.data, text.size);
    return OK;
}

static Status make_value(const Value *value, duckdb_value *out, Error *error)
{
    if (value->is_null) {
        *out = duckdb_create_null_value();
        return OK;
    }
    switch ((TypeKind)value->kind) {
    case TYPE_BOOLEAN:
        *out = duckdb_create_bool(value->as.boolean);
        return OK;
    case TYPE_SMALLINT:
        *out = duckdb_create_int16((int16_t)value->as.integer);
        return OK;
    case TYPE_INTEGER:
        *out = duckdb_create_int32((int32_t)value->as.integer);
        return OK;
    case TYPE_BIGINT:
        *out = duckdb_create_int64(value->as.integer);
        return OK;
    case TYPE_REAL:
        *out = duckdb_create_float((float)value->as.real);
        return OK;
    case TYPE_DOUBLE:
        *out = duckdb_create_double(value->as.real);
        return OK;
    case TYPE_DECIMAL:
        return make_decimal(value, out, error);
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
    case TYPE_JSON:
    case TYPE_JSONB:
    case TYPE_UNKNOWN:
        return make_text(value->as.bytes, out, error);
    case TYPE_BYTEA:
        *out = duckdb_create_blob(value->as.bytes.data, value->as.bytes.size);
        return OK;
    case TYPE_DATE:
        *out = duckdb_create_date((duckdb_date){.days = (int32_t)value->as.integer});
        return OK;
    case TYPE_TIME:
        *out = duckdb_create_time((duckdb_time){.micros = value->as.integer});
        return OK;
    case TYPE_TIMESTAMP:
        *out = duckdb_create_timestamp((duckdb_timestamp){.micros = value->as.integer});
        return OK;
    case TYPE_TIMESTAMPTZ:
        *out = duckdb_create_timestamp_tz((duckdb_timestamp){.micros = value->as.integer});
        return OK;
    case TYPE_INTERVAL:
        *out = duckdb_create_interval((duckdb_interval){.months = value->as.interval.months,
                                                        .days = value->as.interval.days,
                                                        .micros = value->as.interval.micros});
        return OK;
    case TYPE_UUID:
        *out = make_uuid(value->as.uuid);
        return OK;
    case TYPE_VECTOR:
        return make_vector(value, out, error);
    case TYPE_ARRAY:
        return make_array(value->as.array, out, error);
    default:
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED, "a parameter of this type");
    }
}

Status parameter_bind(duckdb_prepared_statement statement, uint32_t index, const Value *value,
                      Error *error)
{
    duckdb_value made = NULL;
    TRY(make_value(value, &made, error));
    duckdb_state state = duckdb_bind_value(statement, index + 1, made);
    duckdb_destroy_value(&made);
    return state == DuckDBSuccess ? OK
                                  : error_set(error, STATUS_UNDEFINED_PARAMETER,
                                              "there is no parameter $%u", index + 1);
}
