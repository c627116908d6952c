#include "types/type.h"

#include <stdio.h>

#include "base/assert.h"

typedef struct TypeNames {
    const char *firn;
    const char *postgres;
} TypeNames;

static const TypeNames names[TYPE_KIND_COUNT] = {
    [TYPE_UNKNOWN] = {"UNKNOWN", "unknown"},
    [TYPE_BOOLEAN] = {"BOOLEAN", "boolean"},
    [TYPE_SMALLINT] = {"SMALLINT", "smallint"},
    [TYPE_INTEGER] = {"INTEGER", "integer"},
    [TYPE_BIGINT] = {"BIGINT", "bigint"},
    [TYPE_REAL] = {"REAL", "real"},
    [TYPE_DOUBLE] = {"DOUBLE", "double precision"},
    [TYPE_DECIMAL] = {"DECIMAL", "numeric"},
    [TYPE_TEXT] = {"TEXT", "text"},
    [TYPE_VARCHAR] = {"VARCHAR", "character varying"},
    [TYPE_CHAR] = {"CHAR", "character"},
    [TYPE_BYTEA] = {"BYTEA", "bytea"},
    [TYPE_DATE] = {"DATE", "date"},
    [TYPE_TIME] = {"TIME", "time without time zone"},
    [TYPE_TIMESTAMP] = {"TIMESTAMP", "timestamp without time zone"},
    [TYPE_TIMESTAMPTZ] = {"TIMESTAMPTZ", "timestamp with time zone"},
    [TYPE_INTERVAL] = {"INTERVAL", "interval"},
    [TYPE_UUID] = {"UUID", "uuid"},
    [TYPE_JSON] = {"JSON", "json"},
    [TYPE_JSONB] = {"JSONB", "jsonb"},
    [TYPE_VECTOR] = {"VECTOR", "vector"},
    [TYPE_ARRAY] = {"ARRAY", "anyarray"},
    [TYPE_RECORD] = {"RECORD", "record"},
    [TYPE_VOID] = {"VOID", "void"},
};

/* Aliases beside the names above in lower case; the parser writes most of them itself. */
static const struct {
    const char *name;
    TypeKind kind;
} aliases[] = {
    {"bool", TYPE_BOOLEAN},     {"int2", TYPE_SMALLINT},   {"int", TYPE_INTEGER},
    {"int4", TYPE_INTEGER},     {"int8", TYPE_BIGINT},     {"float4", TYPE_REAL},
    {"float8", TYPE_DOUBLE},    {"float", TYPE_DOUBLE},    {"double precision", TYPE_DOUBLE},
    {"numeric", TYPE_DECIMAL},  {"dec", TYPE_DECIMAL},     {"character varying", TYPE_VARCHAR},
    {"bpchar", TYPE_CHAR},      {"character", TYPE_CHAR},  {"name", TYPE_TEXT},
    {"embedding", TYPE_VECTOR}, {"unknown", TYPE_UNKNOWN}, {"record", TYPE_RECORD},
    {"void", TYPE_VOID},
};

/* Kinds whose lower-case Firn name is a type's name in SQL too. */
static bool is_named_in_sql(TypeKind kind)
{
    return kind != TYPE_UNKNOWN && kind != TYPE_ARRAY && kind != TYPE_RECORD && kind != TYPE_VOID;
}

/* Is `name` the name of the table above in lower case? */
static bool is_lowered(Slice name, const char *upper)
{
    if (name.size != strlen(upper))
        return false;
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] != (upper[i] | 0x20))
            return false;
    }
    return true;
}

bool type_is_keyable(Type type)
{
    switch ((TypeKind)type.kind) {
    case TYPE_BOOLEAN:
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_BIGINT:
    case TYPE_REAL:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
    case TYPE_BYTEA:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_UUID:
        return true;
    default:
        return false;
    }
}

/* Modifiers of a kind within their limits; kinds without modifiers have none. */
static bool modifiers_are_valid(TypeKind kind, int32_t a, int32_t b)
{
    if (kind == TYPE_DECIMAL)
        return a >= 0 && a <= DECIMAL_PRECISION_MAX && b >= 0 && b <= a;
    int32_t limit = kind == TYPE_VARCHAR || kind == TYPE_CHAR ? VARCHAR_LENGTH_MAX
                    : kind == TYPE_VECTOR                     ? VECTOR_DIMENSION_MAX
                                                              : 0;
    return a >= 0 && a <= limit && b == 0;
}

bool type_is_valid(Type type)
{
    if (type.kind >= TYPE_KIND_COUNT || type.element >= TYPE_KIND_COUNT)
        return false;
    if (type.kind != TYPE_ARRAY)
        return type.element == 0 && modifiers_are_valid((TypeKind)type.kind, type.a, type.b);
    bool element_is_scalar = type.element != TYPE_ARRAY && type.element != TYPE_RECORD &&
                             type.element != TYPE_VOID && type.element != TYPE_UNKNOWN;
    return element_is_scalar && modifiers_are_valid((TypeKind)type.element, type.a, type.b);
}

bool type_is_storable(Type type)
{
    return type_is_keyable(type) || type.kind == TYPE_JSON || type.kind == TYPE_JSONB ||
           type.kind == TYPE_VECTOR;
}

static void put_name(Type type, char out[TYPE_NAME_BYTES_MAX], const char *suffix)
{
    ASSERT(type.kind < TYPE_KIND_COUNT);
    const char *name = names[type.kind].firn;
    if (type.kind == TYPE_DECIMAL && type.a > 0)
        (void)snprintf(out, TYPE_NAME_BYTES_MAX, "%s(%d,%d)%s", name, type.a, type.b, suffix);
    else if (type.kind != TYPE_DECIMAL && type.a > 0)
        (void)snprintf(out, TYPE_NAME_BYTES_MAX, "%s(%d)%s", name, type.a, suffix);
    else
        (void)snprintf(out, TYPE_NAME_BYTES_MAX, "%s%s", name, suffix);
}

void type_name(Type type, char out[TYPE_NAME_BYTES_MAX])
{
    if (type.kind == TYPE_ARRAY)
        put_name(type_of_element(type), out, "[]");
    else
        put_name(type, out, "");
}

void type_postgres_name(Type type, char out[TYPE_NAME_BYTES_MAX])
{
    ASSERT(type.kind < TYPE_KIND_COUNT && type.element < TYPE_KIND_COUNT);
    bool is_array = type.kind == TYPE_ARRAY;
    const char *name = names[is_array ? type.element : type.kind].postgres;
    (void)snprintf(out, TYPE_NAME_BYTES_MAX, "%s%s", name, is_array ? "[]" : "");
}

bool type_from_name(Slice name, TypeKind *out)
{
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (slice_equal_text(name, aliases[i].name)) {
            *out = aliases[i].kind;
            return true;
        }
    }
    for (int kind = 0; kind < TYPE_KIND_COUNT; kind++) {
        if (is_named_in_sql((TypeKind)kind) && is_lowered(name, names[kind].firn)) {
            *out = (TypeKind)kind;
            return true;
        }
    }
    return false;
}

/* A limit in characters, where 0 is none. */
static bool length_widens_to(int32_t from, int32_t to)
{
    return to == 0 || (from != 0 && from <= to);
}

bool type_widens_to(Type from, Type to)
{
    if (type_equal(from, to))
        return true;
    if (type_is_integer(from) && type_is_integer(to))
        return from.kind < to.kind;
    switch ((TypeKind)from.kind) {
    case TYPE_REAL:
        return to.kind == TYPE_DOUBLE;
    case TYPE_DECIMAL:
        return to.kind == TYPE_DECIMAL && from.b == to.b && from.a > 0 && from.a <= to.a;
    case TYPE_TEXT:
        return to.kind == TYPE_VARCHAR && to.a == 0;
    case TYPE_VARCHAR:
        return to.kind == TYPE_TEXT || (to.kind == TYPE_VARCHAR && length_widens_to(from.a, to.a));
    case TYPE_CHAR:
        return to.kind == TYPE_TEXT || (to.kind == TYPE_CHAR && from.a > 0 && from.a <= to.a);
    default:
        return false;
    }
}
