/* Value: one SQL value of any type, and what PostgreSQL says about comparing, reading and writing
 * it as text.
 *
 * Threading: plain values. Ownership: bytes, vectors and arrays point at memory of whoever made the
 * value (a row, an arena, a statement's text). A NULL has its type's kind and is_null. */
#ifndef FIRN_TYPES_VALUE_H
#define FIRN_TYPES_VALUE_H

#include "base/arena.h"
#include "base/cursor.h"
#include "types/type.h"

typedef __int128 Int128;

typedef struct Interval {
    int32_t months;
    int32_t days;
    int64_t micros;
} Interval;

typedef struct ArrayValue ArrayValue;

typedef struct Value {
    uint8_t kind; /* TypeKind */
    bool is_null;
    uint8_t scale; /* DECIMAL: digits behind the point, 0–38; each value has its own */
    union {
        bool boolean;
        int64_t integer; /* SMALLINT … BIGINT, DATE, TIME, TIMESTAMP, TIMESTAMPTZ */
        double real;     /* REAL (rounded to float), DOUBLE */
        Int128 decimal;  /* unscaled */
        Slice bytes;     /* TEXT, VARCHAR, CHAR, BYTEA, JSON, JSONB, UNKNOWN (the literal) */
        uint8_t uuid[16];
        Interval interval;
        struct {
            const float *elements; /* 4-byte aligned */
            uint32_t count;
        } vector;
        const ArrayValue *array; /* ARRAY and RECORD */
    } as;
} Value;

struct ArrayValue {
    uint32_t count;
    const Value *elements; /* of one kind in an ARRAY, each its own in a RECORD */
};

/* Infinities of DATE and of the timestamps, as DuckDB and PostgreSQL have them at the ends. */
#define TIMESTAMP_INFINITY       INT64_MAX
#define TIMESTAMP_MINUS_INFINITY (-INT64_MAX)
#define DATE_INFINITY            INT32_MAX
#define DATE_MINUS_INFINITY      (-INT32_MAX)

static inline Value value_null(TypeKind kind)
{
    return (Value){.kind = (uint8_t)kind, .is_null = true};
}

static inline Value value_boolean(bool b)
{
    return (Value){.kind = TYPE_BOOLEAN, .as.boolean = b};
}

static inline Value value_integer(TypeKind kind, int64_t n)
{
    return (Value){.kind = (uint8_t)kind, .as.integer = n};
}

static inline Value value_double(double x)
{
    return (Value){.kind = TYPE_DOUBLE, .as.real = x};
}

static inline Value value_decimal(Int128 unscaled, unsigned scale)
{
    return (Value){.kind = TYPE_DECIMAL, .scale = (uint8_t)scale, .as.decimal = unscaled};
}

static inline Value value_bytes(TypeKind kind, Slice s)
{
    return (Value){.kind = (uint8_t)kind, .as.bytes = s};
}

static inline Value value_text(Slice s)
{
    return value_bytes(TYPE_TEXT, s);
}

/* One element of a vector, also where the row that it lies in is not aligned. */
static inline float vector_element(const Value *vector, uint32_t index)
{
    float x;
    memcpy(&x, (const uint8_t *)vector->as.vector.elements + index * sizeof x, sizeof x);
    return x;
}

/* Order of two values of comparable kinds (equal kinds; any two numbers; any two texts; DATE and
 * the timestamps), neither NULL: <0, 0, >0. NaN is above everything and equal to itself, -0 equals
 * +0, text by bytes, CHAR without trailing blanks, arrays and records element by element with NULL
 * last. Vectors, JSON and JSONB compare by bytes (needed for DISTINCT, not offered as operators).
 */
int value_compare(const Value *a, const Value *b);

/* May two kinds be compared with value_compare? */
bool value_kinds_compare(TypeKind a, TypeKind b);

/* Equal, with NULL equal to NULL (IS NOT DISTINCT FROM). */
bool value_is_same(const Value *a, const Value *b);

/* A deep copy into the arena. */
CHECKED Status value_clone(Arena *arena, const Value *value, Value *out, Error *error);

/* Bytes a value takes beyond its struct; for accounting. */
size_t value_heap_size(const Value *value);

/* ---- text form (PostgreSQL's input and output, DateStyle ISO, TimeZone UTC) ---- */

/* Reads PostgreSQL's input syntax for the type, applies its modifiers (22001, 22003), and sets
 * INVALID_TEXT_REPRESENTATION, INVALID_DATETIME_FORMAT or the range codes with PostgreSQL's texts.
 * The result points into `text` or into the arena. */
CHECKED Status value_from_text(Arena *arena, Type type, Slice text, Value *out, Error *error);

/* The same with a clock: what 'now', 'today', 'tomorrow' and 'yesterday' mean. value_from_text has
 * none and refuses them with FEATURE_NOT_SUPPORTED. */
#define VALUE_NO_CLOCK INT64_MIN
CHECKED Status value_from_text_at(Arena *arena, Type type, Slice text, int64_t now_us, Value *out,
                                  Error *error);

/* PostgreSQL's output form; nothing for NULL (callers write what their format has). CHAR(n) is
 * padded by the type's length. */
void value_put_text(Buffer *out, Type type, const Value *value);

/* ---- JSON form (spec/protocols.md, section 1) ---- */

enum JsonFlags { JSON_BIGINT_AS_STRING = 1 };

/* null, true, numbers exact, DECIMAL a string, timestamps ISO 8601 with offset, BYTEA base64,
 * vectors and arrays as arrays, JSON and JSONB as themselves, NaN and infinities as strings. */
void value_put_json(Buffer *out, Type type, const Value *value, unsigned flags);

/* From a JSON value's text (a string already unescaped) to the type, leniently as clients send
 * parameters: numbers for number columns, strings for everything through value_from_text, arrays
 * for vectors. `json` is the raw JSON text. */
CHECKED Status value_from_json(Arena *arena, Type type, Slice json, Value *out, Error *error);

/* ---- casts ---- */

enum CastContext {
    CAST_IMPLICIT,   /* the binder made it */
    CAST_ASSIGNMENT, /* into a column: VARCHAR(n) too long is 22001 unless the rest is blanks */
    CAST_EXPLICIT,   /* written by the user: VARCHAR(n) cuts */
};

/* Does PostgreSQL have this cast, in a context as free as this one? (Text to anything is explicit,
 * anything to text an assignment, an untyped literal goes to every type.) */
bool type_can_cast(Type from, Type to, enum CastContext context);

/* To the type with its modifiers, as PostgreSQL casts; CANNOT_COERCE where there is no such cast.
 * NULL stays NULL. */
CHECKED Status value_cast(Arena *arena, const Value *value, Type from, Type to,
                          enum CastContext context, Value *out, Error *error);

/* The same with a clock, for text to dates and times (value_from_text_at). */
CHECKED Status value_cast_at(Arena *arena, const Value *value, Type from, Type to,
                             enum CastContext context, int64_t now_us, Value *out, Error *error);

/* ---- binary form: self-delimiting, for parameters between processes and catalog records ---- */

/* Arrays and records nest at most this deep; a decoder refuses more. */
enum { VALUE_DEPTH_MAX = 32 };

void value_encode(Buffer *out, const Value *value);
size_t value_encoded_size(const Value *value);

/* Bytes point into the cursor's memory; arrays and vectors are built in the arena. DATA_CORRUPTED
 * for anything malformed. */
CHECKED Status value_decode(Arena *arena, Cursor *cursor, Value *out, Error *error);

/* Would value_decode accept what stands next? Allocates nothing; skips it where it is well formed.
 */
bool value_check(Cursor *cursor);

#endif
