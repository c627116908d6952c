#include "types/value.h"

#include <math.h>

#include "base/assert.h"
#include "types/calendar_int.h"
#include "types/decimal_int.h"

/* ---- order ---- */

static int order_of(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_doubles(double a, double b)
{
    if (isnan(a) || isnan(b))
        return (isnan(a) != 0) - (isnan(b) != 0);
    return a < b ? -1 : a > b;
}

static bool is_float(const Value *value)
{
    return value->kind == TYPE_REAL || value->kind == TYPE_DOUBLE;
}

static double as_double(const Value *value)
{
    if (is_float(value))
        return value->as.real;
    if (value->kind == TYPE_DECIMAL)
        return decimal_to_double(decimal_of(value));
    return (double)value->as.integer;
}

static Decimal as_decimal(const Value *value)
{
    return value->kind == TYPE_DECIMAL ? decimal_of(value) : (Decimal){value->as.integer, 0};
}

static int compare_numbers(const Value *a, const Value *b)
{
    if (is_float(a) || is_float(b))
        return compare_doubles(as_double(a), as_double(b));
    if (a->kind != TYPE_DECIMAL && b->kind != TYPE_DECIMAL)
        return order_of(a->as.integer, b->as.integer);
    return decimal_compare(as_decimal(a), as_decimal(b));
}

static Slice without_blanks(const Value *value)
{
    Slice s = value->as.bytes;
    while (value->kind == TYPE_CHAR && s.size > 0 && s.data[s.size - 1] == ' ')
        s.size--;
    return s;
}

/* Microseconds of a DATE or timestamp, wide enough for every date. */
static Int128 as_instant(const Value *value)
{
    if (value->kind != TYPE_DATE)
        return value->as.integer;
    if (value->as.integer == DATE_INFINITY)
        return TIMESTAMP_INFINITY;
    if (value->as.integer == DATE_MINUS_INFINITY)
        return TIMESTAMP_MINUS_INFINITY;
    return (Int128)value->as.integer * MICROS_PER_DAY;
}

/* A date beyond the last timestamp is still before infinity. */
static int compare_instants(const Value *a, const Value *b)
{
    if (a->kind == b->kind || (a->kind != TYPE_DATE && b->kind != TYPE_DATE))
        return order_of(a->as.integer, b->as.integer);
    Int128 x = as_instant(a);
    Int128 y = as_instant(b);
    if (x == TIMESTAMP_INFINITY || y == TIMESTAMP_INFINITY)
        return (x == TIMESTAMP_INFINITY) - (y == TIMESTAMP_INFINITY);
    return x < y ? -1 : x > y;
}

/* A month counts 30 days, a day 24 hours, as PostgreSQL has it. */
static Int128 interval_span(Interval interval)
{
    Int128 days = (Int128)interval.months * 30 + interval.days;
    return days * MICROS_PER_DAY + interval.micros;
}

static int compare_intervals(Interval a, Interval b)
{
    Int128 x = interval_span(a);
    Int128 y = interval_span(b);
    return x < y ? -1 : x > y;
}

static int compare_vectors(const Value *a, const Value *b)
{
    return slice_compare(slice_of(a->as.vector.elements, a->as.vector.count * sizeof(float)),
                         slice_of(b->as.vector.elements, b->as.vector.count * sizeof(float)));
}

static int compare_arrays(const ArrayValue *a, const ArrayValue *b)
{
    uint32_t shorter = a->count < b->count ? a->count : b->count;
    for (uint32_t i = 0; i < shorter; i++) {
        const Value *x = &a->elements[i];
        const Value *y = &b->elements[i];
        int order =
            x->is_null || y->is_null ? (int)x->is_null - (int)y->is_null : value_compare(x, y);
        if (order != 0)
            return order;
    }
    return order_of(a->count, b->count);
}

int value_compare(const Value *a, const Value *b)
{
    switch ((TypeKind)a->kind) {
    case TYPE_BOOLEAN:
        return (int)a->as.boolean - (int)b->as.boolean;
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_BIGINT:
    case TYPE_REAL:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
        return compare_numbers(a, b);
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
    case TYPE_UNKNOWN:
    case TYPE_BYTEA:
    case TYPE_JSON:
    case TYPE_JSONB:
        return slice_compare(without_blanks(a), without_blanks(b));
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return compare_instants(a, b);
    case TYPE_TIME:
        return order_of(a->as.integer, b->as.integer);
    case TYPE_INTERVAL:
        return compare_intervals(a->as.interval, b->as.interval);
    case TYPE_UUID:
        return memcmp(a->as.uuid, b->as.uuid, sizeof a->as.uuid);
    case TYPE_VECTOR:
        return compare_vectors(a, b);
    case TYPE_ARRAY:
    case TYPE_RECORD:
        return compare_arrays(a->as.array, b->as.array);
    case TYPE_VOID:
    case TYPE_KIND_COUNT:
        break;
    }
    return 0;
}

/* Kinds of one family compare with one another; 0: only with themselves. */
static int family_of(TypeKind kind)
{
    switch (kind) {
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_BIGINT:
    case TYPE_REAL:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
        return 1;
    case TYPE_UNKNOWN:
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        return 2;
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return 3;
    default:
        return 0;
    }
}

bool value_kinds_compare(TypeKind a, TypeKind b)
{
    return a == b || (family_of(a) != 0 && family_of(a) == family_of(b));
}

bool value_is_same(const Value *a, const Value *b)
{
    if (a->is_null || b->is_null)
        return a->is_null && b->is_null;
    return value_compare(a, b) == 0;
}

/* ---- copies ---- */

static bool has_bytes(const Value *value)
{
    return type_is_variable(TYPE_OF_KIND(value->kind)) ? value->kind != TYPE_ARRAY
                                                       : value->kind == TYPE_UNKNOWN;
}

static bool has_elements(const Value *value)
{
    return value->kind == TYPE_ARRAY || value->kind == TYPE_RECORD;
}

static Status clone_vector(Arena *arena, const Value *value, Value *out, Error *error)
{
    size_t size = value->as.vector.count * sizeof(float);
    float *elements = arena_allocate(arena, size);
    if (elements == NULL)
        return arena_error(arena, error);
    if (size > 0)
        memcpy(elements, value->as.vector.elements, size);
    out->as.vector.elements = elements;
    return OK;
}

static Status clone_array(Arena *arena, const ArrayValue *array, const ArrayValue **out,
                          Error *error)
{
    ArrayValue *copy = ARENA_NEW(arena, ArrayValue);
    Value *elements = ARENA_ARRAY(arena, Value, array->count);
    if (copy == NULL || elements == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < array->count; i++)
        TRY(value_clone(arena, &array->elements[i], &elements[i], error));
    *copy = (ArrayValue){array->count, elements};
    *out = copy;
    return OK;
}

Status value_clone(Arena *arena, const Value *value, Value *out, Error *error)
{
    Value copy = *value;
    if (value->is_null)
        copy = value_null((TypeKind)value->kind);
    else if (has_bytes(value))
        TRY(arena_clone(arena, value->as.bytes, &copy.as.bytes, error));
    else if (value->kind == TYPE_VECTOR)
        TRY(clone_vector(arena, value, &copy, error));
    else if (has_elements(value))
        TRY(clone_array(arena, value->as.array, &copy.as.array, error));
    *out = copy;
    return OK;
}

size_t value_heap_size(const Value *value)
{
    if (value->is_null)
        return 0;
    if (has_bytes(value))
        return value->as.bytes.size;
    if (value->kind == TYPE_VECTOR)
        return value->as.vector.count * sizeof(float);
    if (!has_elements(value))
        return 0;
    size_t size = sizeof(ArrayValue) + value->as.array->count * sizeof(Value);
    for (uint32_t i = 0; i < value->as.array->count; i++)
        size += value_heap_size(&value->as.array->elements[i]);
    return size;
}
