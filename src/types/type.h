/* Types: what a value can be, with PostgreSQL's names and meaning (spec/sql.md, section 4).
 *
 * Threading: plain values and constants. Ownership: none. */
#ifndef FIRN_TYPES_TYPE_H
#define FIRN_TYPES_TYPE_H

#include "base/buffer.h"
#include "base/error.h"

/* Stored in files, the log and the catalog: numbers are never reused or moved. */
typedef enum TypeKind {
    TYPE_UNKNOWN = 0, /* an untyped literal or NULL, before the binder decided */
    TYPE_BOOLEAN = 1,
    TYPE_SMALLINT = 2,
    TYPE_INTEGER = 3,
    TYPE_BIGINT = 4,
    TYPE_REAL = 5,
    TYPE_DOUBLE = 6,
    TYPE_DECIMAL = 7, /* a: precision 1–38, 0 where an expression leaves it open; b: scale */
    TYPE_TEXT = 8,
    TYPE_VARCHAR = 9, /* a: characters at most, 0: any number */
    TYPE_CHAR = 10,   /* a: characters; kept without trailing blanks, shown padded */
    TYPE_BYTEA = 11,
    TYPE_DATE = 12,        /* days since 1970-01-01 */
    TYPE_TIME = 13,        /* microseconds since midnight */
    TYPE_TIMESTAMP = 14,   /* microseconds since 1970-01-01 00:00, no zone */
    TYPE_TIMESTAMPTZ = 15, /* microseconds since 1970-01-01 00:00 UTC */
    TYPE_INTERVAL = 16,    /* expressions only, not columns yet */
    TYPE_UUID = 17,
    TYPE_JSON = 18,   /* the text as it came */
    TYPE_JSONB = 19,  /* normalised text: keys by length, then bytes, last of equal keys wins */
    TYPE_VECTOR = 20, /* a: dimension 1–16000; float32 */
    TYPE_ARRAY = 21,  /* element: the kind of its elements; results and system tables */
    TYPE_RECORD = 22, /* row constructors inside expressions */
    TYPE_VOID = 23,
    TYPE_KIND_COUNT
} TypeKind;

enum {
    DECIMAL_PRECISION_MAX = 38,
    VECTOR_DIMENSION_MAX = 16000,
    VARCHAR_LENGTH_MAX = 10485760,
};

typedef struct Type {
    uint8_t kind;    /* TypeKind */
    uint8_t element; /* TypeKind of an ARRAY's elements, else 0 */
    int32_t a;       /* precision, length or dimension; 0 where there is none */
    int32_t b;       /* scale */
} Type;

#define TYPE(k)          ((Type){.kind = TYPE_##k})
#define TYPE_OF_KIND(k)  ((Type){.kind = (uint8_t)(k)})
#define TYPE_ARRAY_OF(k) ((Type){.kind = TYPE_ARRAY, .element = TYPE_##k})

static inline bool type_equal(Type x, Type y)
{
    return x.kind == y.kind && x.element == y.element && x.a == y.a && x.b == y.b;
}

static inline bool type_is_integer(Type type)
{
    return type.kind >= TYPE_SMALLINT && type.kind <= TYPE_BIGINT;
}

static inline bool type_is_number(Type type)
{
    return type.kind >= TYPE_SMALLINT && type.kind <= TYPE_DECIMAL;
}

static inline bool type_is_text(Type type)
{
    return type.kind >= TYPE_TEXT && type.kind <= TYPE_CHAR;
}

/* The type of an ARRAY's elements; an array's modifiers are its elements'. */
static inline Type type_of_element(Type type)
{
    return (Type){.kind = type.element, .a = type.a, .b = type.b};
}

/* Does a value of it lie in the part of a row that varies in length? */
static inline bool type_is_variable(Type type)
{
    return type_is_text(type) || type.kind == TYPE_BYTEA || type.kind == TYPE_JSON ||
           type.kind == TYPE_JSONB || type.kind == TYPE_ARRAY;
}

/* May a column of it be part of a key? All but vectors, JSON, arrays (and no INTERVAL). */
bool type_is_keyable(Type type);

/* Are kind, element and modifiers such as a type can have? For types read from outside. */
bool type_is_valid(Type type);

/* Can a table have a column of it today? */
bool type_is_storable(Type type);

/* What Firn calls it in results and DESCRIBE: "BIGINT", "DECIMAL(10,2)", "VARCHAR(3)", "TEXT[]",
 * "VECTOR(384)". At most TYPE_NAME_BYTES_MAX with the NUL. */
enum { TYPE_NAME_BYTES_MAX = 40 };
void type_name(Type type, char out[TYPE_NAME_BYTES_MAX]);

/* What PostgreSQL calls it in messages: "bigint", "numeric", "character varying", "text[]". */
void type_postgres_name(Type type, char out[TYPE_NAME_BYTES_MAX]);

/* From a lower-case name as PostgreSQL's parser gives it ("int4", "varchar", "timestamptz",
 * "float8", "bool", "bpchar", "embedding", "vector", …); false where there is none. Modifiers are
 * the caller's to set. */
bool type_from_name(Slice name, TypeKind *out);

/* May a column change from one to the other without rewriting (ALTER … TYPE)? Keys stay equal and
 * old files stay readable. */
bool type_widens_to(Type from, Type to);

#endif
