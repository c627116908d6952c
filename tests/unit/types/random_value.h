/* Random types, values and schemas for the room's randomised tests. Seeds come from SEED and are
 * printed, so that a failure can be run again. */
#ifndef FIRN_TESTS_UNIT_TYPES_RANDOM_VALUE_H
#define FIRN_TESTS_UNIT_TYPES_RANDOM_VALUE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/random.h"
#include "types/calendar_int.h"
#include "types/decimal_int.h"
#include "types/key.h"
#include "types/text_int.h"

static inline Random random_from_environment(void)
{
    const char *text = getenv("SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 10) : (uint64_t)time(NULL) * 1000003;
    printf("SEED=%llu\n", (unsigned long long)seed);
    return random_of(seed);
}

static const TypeKind storable_kinds[] = {
    TYPE_BOOLEAN,     TYPE_SMALLINT, TYPE_INTEGER, TYPE_BIGINT,  TYPE_REAL,
    TYPE_DOUBLE,      TYPE_DECIMAL,  TYPE_TEXT,    TYPE_VARCHAR, TYPE_CHAR,
    TYPE_BYTEA,       TYPE_DATE,     TYPE_TIME,    TYPE_UUID,    TYPE_TIMESTAMP,
    TYPE_TIMESTAMPTZ, TYPE_JSON,     TYPE_JSONB,   TYPE_VECTOR};
enum { KEYABLE_KINDS = 16 }; /* the first so many of them */

static inline Type random_type(Random *random, bool keyable)
{
    size_t count = keyable ? KEYABLE_KINDS : sizeof storable_kinds / sizeof storable_kinds[0];
    Type type = {.kind = (uint8_t)storable_kinds[random_below(random, count)]};
    if (type.kind == TYPE_DECIMAL) {
        type.a = 1 + (int32_t)random_below(random, 38);
        type.b = (int32_t)random_below(random, (uint64_t)type.a + 1);
    } else if (type.kind == TYPE_VECTOR) {
        type.a = 1 + (int32_t)random_below(random, 20);
    } else if (type.kind == TYPE_VARCHAR || type.kind == TYPE_CHAR) {
        type.a = (int32_t)random_below(random, 20) + (type.kind == TYPE_CHAR);
    }
    return type;
}

/* Small, extreme or any. */
static inline int64_t random_integer(Random *random, int64_t low, int64_t high)
{
    uint64_t span = (uint64_t)high - (uint64_t)low;
    switch (random_below(random, 4)) {
    case 0:
        return random_chance(random, 1, 2) ? low : high;
    case 1: {
        int64_t n = (int64_t)random_below(random, 7) - 3;
        return n < low ? low : n > high ? high : n;
    }
    default:
        return (int64_t)((uint64_t)low + (span == UINT64_MAX ? random_u64(random)
                                                             : random_below(random, span + 1)));
    }
}

static inline double random_double(Random *random)
{
    static const double special[] = {0.0,      -0.0,      1.0,   -1.0,   1.5,
                                     INFINITY, -INFINITY, 1e300, 1e-300, 4e-324};
    if (random_chance(random, 1, 20))
        return (double)NAN;
    if (random_chance(random, 1, 2))
        return special[random_below(random, sizeof special / sizeof special[0])];
    uint64_t bits = random_u64(random);
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline Int128 random_unscaled(Random *random, int precision)
{
    unsigned digits = (unsigned)random_below(random, (uint64_t)precision + 1);
    unsigned __int128 n = (unsigned __int128)random_u64(random) << 64 | random_u64(random);
    Int128 limit = decimal_power_of_10(digits);
    Int128 value = (Int128)(n % (unsigned __int128)limit);
    return random_chance(random, 1, 2) ? value : -value;
}

/* Bytes from a small alphabet with zeros, so that prefixes and escapes are frequent. */
static inline Slice random_bytes_slice(Random *random, Arena *arena, size_t max)
{
    static const uint8_t alphabet[] = {0, 0, 1, 2, 0xfe, 0xff, 'a', 'b'};
    size_t size = random_below(random, max + 1);
    uint8_t *bytes = arena_allocate(arena, size);
    ASSERT(bytes != NULL);
    for (size_t i = 0; i < size; i++)
        bytes[i] = alphabet[random_below(random, sizeof alphabet)];
    return slice_of(bytes, size);
}

static inline Slice random_text(Random *random, Arena *arena, size_t max)
{
    static const uint32_t alphabet[] = {'a', 'b', 'a', 1, ' ', 0x7f, 0xe9, 0x20ac, 0x1f600, '"'};
    size_t count = random_below(random, max + 1);
    uint8_t *bytes = arena_allocate(arena, count * 4);
    ASSERT(bytes != NULL);
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += text_encode(alphabet[random_below(random, 10)], bytes + size);
    return slice_of(bytes, size);
}

static inline Value random_vector(Random *random, Arena *arena, Type type)
{
    float *elements = arena_allocate(arena, (size_t)type.a * sizeof(float));
    ASSERT(elements != NULL);
    for (int32_t i = 0; i < type.a; i++)
        elements[i] = (float)random_integer(random, -1000, 1000) / 8;
    Value value = {.kind = TYPE_VECTOR};
    value.as.vector.elements = elements;
    value.as.vector.count = (uint32_t)type.a;
    return value;
}

static inline Slice random_characters(Random *random, Arena *arena, Type type)
{
    size_t max = type.a > 0 ? (size_t)type.a : 12;
    Slice s = random_text(random, arena, max);
    while (type.kind == TYPE_CHAR && s.size > 0 && s.data[s.size - 1] == ' ')
        s.size--;
    return s;
}

static inline Value random_value(Random *random, Arena *arena, Type type)
{
    TypeKind kind = (TypeKind)type.kind;
    Value value = {.kind = type.kind};
    switch (kind) {
    case TYPE_BOOLEAN:
        return value_boolean(random_chance(random, 1, 2));
    case TYPE_SMALLINT:
        return value_integer(kind, random_integer(random, INT16_MIN, INT16_MAX));
    case TYPE_INTEGER:
        return value_integer(kind, random_integer(random, INT32_MIN, INT32_MAX));
    case TYPE_DATE:
        return value_integer(kind, random_integer(random, DATE_MINUS_INFINITY, DATE_INFINITY));
    case TYPE_TIME:
        return value_integer(kind, random_integer(random, 0, MICROS_PER_DAY));
    case TYPE_BIGINT:
        return value_integer(kind, random_integer(random, INT64_MIN, INT64_MAX));
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return value_integer(kind,
                             random_integer(random, TIMESTAMP_MINUS_INFINITY, TIMESTAMP_INFINITY));
    case TYPE_REAL:
        value.as.real = (double)(float)random_double(random);
        return value;
    case TYPE_DOUBLE:
        return value_double(random_double(random));
    case TYPE_DECIMAL:
        return value_decimal(random_unscaled(random, type.a), (unsigned)type.b);
    case TYPE_BYTEA:
        return value_bytes(kind, random_bytes_slice(random, arena, 12));
    case TYPE_UUID:
        for (int i = 0; i < 16; i++)
            value.as.uuid[i] = (uint8_t)random_below(random, 3);
        return value;
    case TYPE_INTERVAL:
        value.as.interval = (Interval){(int32_t)random_integer(random, INT32_MIN, INT32_MAX),
                                       (int32_t)random_integer(random, INT32_MIN, INT32_MAX),
                                       random_integer(random, INT64_MIN, INT64_MAX)};
        return value;
    case TYPE_JSON:
        return value_bytes(kind, SLICE("{\"b\" : [1, 2.50]}"));
    case TYPE_JSONB:
        return value_bytes(kind, SLICE("{\"b\": [1, 2.50]}"));
    case TYPE_VECTOR:
        return random_vector(random, arena, type);
    default:
        return value_bytes(kind, random_characters(random, arena, type));
    }
}

/* A schema of `count` columns c0 …, the first `key_count` of them its key. */
static inline Schema *random_schema(Random *random, uint32_t count, uint32_t key_count,
                                    TableKind kind)
{
    Column columns[64] = {{.name = SLICE_EMPTY}};
    char names[64][16];
    ASSERT(count <= 64 && key_count <= count);
    for (uint32_t c = 0; c < count; c++) {
        (void)snprintf(names[c], sizeof names[c], "c%u", c);
        columns[c] = (Column){.name = slice_of_text(names[c]),
                              .type = random_type(random, c < key_count),
                              .field_id = c + 1,
                              .not_null = c < key_count,
                              .key_position = (int16_t)(c < key_count ? (int)c : -1)};
        columns[c].initial_default = value_null((TypeKind)columns[c].type.kind);
    }
    Schema *schema = NULL;
    Error error;
    Status status = schema_create(7, 1, kind, columns, count, count + 1, &schema, &error);
    ASSERT(status == OK);
    return schema;
}

#endif
