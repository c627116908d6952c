/* Type names. */
#include "sql/binder_int.h"

enum { NUMERIC_SCALE_MAX = 1000 };

/* PostgreSQL has them, Firn does not: refused by name instead of "does not exist". */
static bool is_foreign_type(Slice name)
{
    static const char *const NAMES[] = {
        "aclitem",   "bit",      "box",          "cid",       "cidr",      "circle",   "cstring",
        "daterange", "inet",     "int4range",    "int8range", "jsonpath",  "line",     "lseg",
        "macaddr",   "macaddr8", "money",        "name",      "numrange",  "oid",      "oidvector",
        "path",      "pg_lsn",   "point",        "polygon",   "refcursor", "regclass", "regproc",
        "regtype",   "regrole",  "regnamespace", "timetz",    "tsquery",   "tsrange",  "tstzrange",
        "tsvector",  "varbit",   "xid",          "xid8",      "xml",
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (slice_equal_text(name, NAMES[i]))
            return true;
    }
    return false;
}

typedef struct Modifiers {
    int64_t values[2];
    uint32_t count;
} Modifiers;

static Status read_modifiers(const Node *type_name, Modifiers *out, Error *error)
{
    const Node *list = node_field(type_name, "typmods");
    int32_t position = node_location(type_name);
    out->count = node_count(list);
    if (out->count > 2)
        return error_set_at(error, position, STATUS_INVALID_PARAMETER_VALUE,
                            "invalid type modifier");
    for (uint32_t i = 0; i < out->count; i++) {
        const Node *value = node_field(node_item(list, i), "ival");
        if (value == NULL)
            return error_set_at(error, position, STATUS_SYNTAX_ERROR,
                                "type modifiers must be simple constants or identifiers");
        out->values[i] = node_integer(value, "ival", 0);
    }
    return OK;
}

static Status apply_number(Type *type, const Modifiers *modifiers, int32_t position, Error *error)
{
    int64_t precision = modifiers->values[0];
    int64_t scale = modifiers->count == 2 ? modifiers->values[1] : 0;
    if (precision < 1 || precision > NUMERIC_SCALE_MAX)
        return error_set_at(error, position, STATUS_INVALID_PARAMETER_VALUE,
                            "NUMERIC precision %lld must be between 1 and %d", (long long)precision,
                            NUMERIC_SCALE_MAX);
    if (precision > DECIMAL_PRECISION_MAX)
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "NUMERIC precision %lld is not supported: at most %d digits",
                            (long long)precision, DECIMAL_PRECISION_MAX);
    if (scale < 0 || scale > precision)
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "NUMERIC scale %lld is not supported: between 0 and the precision",
                            (long long)scale);
    type->a = (int32_t)precision;
    type->b = (int32_t)scale;
    return OK;
}

static Status apply_length(Type *type, const Modifiers *modifiers, int32_t position, Error *error)
{
    const char *short_name = type->kind == TYPE_CHAR ? "char" : "varchar";
    if (modifiers->values[0] < 1)
        return error_set_at(error, position, STATUS_INVALID_PARAMETER_VALUE,
                            "length for type %s must be at least 1", short_name);
    if (modifiers->values[0] > VARCHAR_LENGTH_MAX)
        return error_set_at(error, position, STATUS_INVALID_PARAMETER_VALUE,
                            "length for type %s cannot exceed %d", short_name, VARCHAR_LENGTH_MAX);
    type->a = (int32_t)modifiers->values[0];
    return OK;
}

static Status apply_dimension(Type *type, const Modifiers *modifiers, int32_t position,
                              Error *error)
{
    if (modifiers->values[0] < 1 || modifiers->values[0] > VECTOR_DIMENSION_MAX)
        return error_set_at(error, position, STATUS_INVALID_PARAMETER_VALUE,
                            "dimensions of a vector must be between 1 and %d",
                            VECTOR_DIMENSION_MAX);
    type->a = (int32_t)modifiers->values[0];
    return OK;
}

/* Microseconds are what we keep: timestamp(6) says nothing new. */
static Status apply_fraction(const Modifiers *modifiers, int32_t position, Error *error)
{
    if (modifiers->values[modifiers->count - 1] == 6)
        return OK;
    return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                        "a precision of times other than 6 is not supported");
}

static Status apply_modifiers(Type *type, const Modifiers *modifiers, int32_t position,
                              Error *error)
{
    switch (type->kind) {
    case TYPE_DECIMAL:
        return apply_number(type, modifiers, position, error);
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        if (modifiers->count == 1)
            return apply_length(type, modifiers, position, error);
        break;
    case TYPE_VECTOR:
        if (modifiers->count == 1)
            return apply_dimension(type, modifiers, position, error);
        break;
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
    case TYPE_INTERVAL:
        return apply_fraction(modifiers, position, error);
    default:
        break;
    }
    char name[TYPE_NAME_BYTES_MAX];
    type_postgres_name(type_plain(*type), name);
    return error_set_at(error, position, STATUS_SYNTAX_ERROR,
                        "type modifier is not allowed for type \"%s\"", name);
}

static Status find_kind(const Node *type_name, TypeKind *out, Error *error)
{
    const Node *names = node_field(type_name, "names");
    uint32_t count = node_count(names);
    int32_t position = node_location(type_name);
    Slice name = node_string(node_item(names, count - 1));
    bool is_ours = count == 1 ||
                   (count == 2 && slice_equal_text(node_string(node_item(names, 0)), "pg_catalog"));
    if (is_ours && type_from_name(name, out))
        return OK;
    if (is_ours && is_foreign_type(name))
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "type \"%.*s\" is not supported", SLICE_ARGUMENTS(name));
    return error_set_at(error, position, STATUS_UNDEFINED_OBJECT, "type \"%.*s\" does not exist",
                        SLICE_ARGUMENTS(name));
}

Status bind_plain_type_name(const Node *type_name, Type *out, Error *error)
{
    TypeKind kind;
    TRY(find_kind(type_name, &kind, error));
    *out = TYPE_OF_KIND(kind);
    return OK;
}

Status bind_type_name(BindContext *context, const Node *type_name, Type *out, Error *error)
{
    (void)context;
    TypeKind kind;
    Modifiers modifiers;
    int32_t position = node_location(type_name);
    if (node_boolean(type_name, "setof") || node_boolean(type_name, "pct_type"))
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "SETOF and %%TYPE are not supported");
    TRY(find_kind(type_name, &kind, error));
    TRY(read_modifiers(type_name, &modifiers, error));
    Type type = TYPE_OF_KIND(kind);
    if (modifiers.count > 0)
        TRY(apply_modifiers(&type, &modifiers, position, error));
    if (node_count(node_field(type_name, "arrayBounds")) > 0) {
        if (kind == TYPE_VECTOR)
            return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                                "arrays of vectors are not supported");
        type.element = type.kind;
        type.kind = TYPE_ARRAY;
    }
    *out = type;
    return OK;
}
