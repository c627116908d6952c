/* Which casts there are, and in which contexts: PostgreSQL's pg_cast for our types. */
#include "sql/binder_int.h"

typedef struct CastEntry {
    uint8_t from;
    uint8_t to;
    uint8_t context; /* the narrowest that allows it */
} CastEntry;

#define IMPLICIT(f, t)                    \
    {                                     \
        TYPE_##f, TYPE_##t, CAST_IMPLICIT \
    }
#define ASSIGNMENT(f, t)                    \
    {                                       \
        TYPE_##f, TYPE_##t, CAST_ASSIGNMENT \
    }
#define EXPLICIT(f, t)                    \
    {                                     \
        TYPE_##f, TYPE_##t, CAST_EXPLICIT \
    }

static const CastEntry CASTS[] = {
    IMPLICIT(SMALLINT, INTEGER),
    IMPLICIT(SMALLINT, BIGINT),
    IMPLICIT(SMALLINT, REAL),
    IMPLICIT(SMALLINT, DOUBLE),
    IMPLICIT(SMALLINT, DECIMAL),
    ASSIGNMENT(INTEGER, SMALLINT),
    IMPLICIT(INTEGER, BIGINT),
    IMPLICIT(INTEGER, REAL),
    IMPLICIT(INTEGER, DOUBLE),
    IMPLICIT(INTEGER, DECIMAL),
    EXPLICIT(INTEGER, BOOLEAN),
    ASSIGNMENT(BIGINT, SMALLINT),
    ASSIGNMENT(BIGINT, INTEGER),
    IMPLICIT(BIGINT, REAL),
    IMPLICIT(BIGINT, DOUBLE),
    IMPLICIT(BIGINT, DECIMAL),
    ASSIGNMENT(REAL, SMALLINT),
    ASSIGNMENT(REAL, INTEGER),
    ASSIGNMENT(REAL, BIGINT),
    IMPLICIT(REAL, DOUBLE),
    ASSIGNMENT(REAL, DECIMAL),
    ASSIGNMENT(DOUBLE, SMALLINT),
    ASSIGNMENT(DOUBLE, INTEGER),
    ASSIGNMENT(DOUBLE, BIGINT),
    ASSIGNMENT(DOUBLE, REAL),
    ASSIGNMENT(DOUBLE, DECIMAL),
    ASSIGNMENT(DECIMAL, SMALLINT),
    ASSIGNMENT(DECIMAL, INTEGER),
    ASSIGNMENT(DECIMAL, BIGINT),
    IMPLICIT(DECIMAL, REAL),
    IMPLICIT(DECIMAL, DOUBLE),
    EXPLICIT(BOOLEAN, INTEGER),
    IMPLICIT(TEXT, VARCHAR),
    IMPLICIT(TEXT, CHAR),
    IMPLICIT(VARCHAR, TEXT),
    IMPLICIT(VARCHAR, CHAR),
    IMPLICIT(CHAR, TEXT),
    IMPLICIT(CHAR, VARCHAR),
    IMPLICIT(DATE, TIMESTAMP),
    IMPLICIT(DATE, TIMESTAMPTZ),
    IMPLICIT(TIME, INTERVAL),
    ASSIGNMENT(TIMESTAMP, DATE),
    ASSIGNMENT(TIMESTAMP, TIME),
    IMPLICIT(TIMESTAMP, TIMESTAMPTZ),
    ASSIGNMENT(TIMESTAMPTZ, DATE),
    ASSIGNMENT(TIMESTAMPTZ, TIME),
    ASSIGNMENT(TIMESTAMPTZ, TIMESTAMP),
    ASSIGNMENT(INTERVAL, TIME),
    ASSIGNMENT(JSON, JSONB),
    ASSIGNMENT(JSONB, JSON),
    EXPLICIT(JSONB, BOOLEAN),
    EXPLICIT(JSONB, SMALLINT),
    EXPLICIT(JSONB, INTEGER),
    EXPLICIT(JSONB, BIGINT),
    EXPLICIT(JSONB, REAL),
    EXPLICIT(JSONB, DOUBLE),
    EXPLICIT(JSONB, DECIMAL),
};

static CastMethod cast_by_table(uint8_t from, uint8_t to, enum CastContext context)
{
    for (size_t i = 0; i < sizeof CASTS / sizeof CASTS[0]; i++) {
        const CastEntry *entry = &CASTS[i];
        if (entry->from == from && entry->to == to)
            return (int)entry->context <= (int)context ? CAST_CALL : CAST_NONE;
    }
    return CAST_NONE;
}

static bool is_in_table(uint8_t from, uint8_t to)
{
    return cast_by_table(from, to, CAST_EXPLICIT) == CAST_CALL;
}

/* Arrays of numbers as vectors: what clients without a vector type write. */
static bool is_vector_source(Type from)
{
    Type element = type_of_element(from);
    return from.kind == TYPE_ARRAY && type_is_number(element);
}

static CastMethod cast_between_arrays(Type from, Type to, enum CastContext context)
{
    Type from_element = type_plain(type_of_element(from));
    Type to_element = type_plain(type_of_element(to));
    CastMethod method = cast_find(from_element, to_element, context);
    return method == CAST_SAME || method == CAST_NONE ? method : CAST_CALL;
}

/* Everything has a text form: to text by assignment, from text where it is written. */
static CastMethod cast_by_text(Type from, Type to, enum CastContext context)
{
    bool is_value = from.kind != TYPE_VOID && to.kind != TYPE_VOID && to.kind != TYPE_RECORD;
    if (!is_value)
        return CAST_NONE;
    if (type_is_text(to) && context >= CAST_ASSIGNMENT)
        return CAST_BY_TEXT;
    if (type_is_text(from) && context == CAST_EXPLICIT)
        return CAST_BY_TEXT;
    return CAST_NONE;
}

CastMethod cast_find(Type from, Type to, enum CastContext context)
{
    if (from.kind == to.kind && from.element == to.element)
        return CAST_SAME;
    if (from.kind == TYPE_UNKNOWN)
        return CAST_BY_TEXT;
    if (from.kind == TYPE_ARRAY && to.kind == TYPE_ARRAY)
        return cast_between_arrays(from, to, context);
    if (to.kind == TYPE_VECTOR && is_vector_source(from))
        return CAST_CALL;
    if (is_in_table(from.kind, to.kind))
        return cast_by_table(from.kind, to.kind, context);
    return cast_by_text(from, to, context);
}

TypeCategory type_category(Type type)
{
    switch (type.kind) {
    case TYPE_UNKNOWN:
        return CATEGORY_UNKNOWN;
    case TYPE_BOOLEAN:
        return CATEGORY_BOOLEAN;
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_BIGINT:
    case TYPE_REAL:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
        return CATEGORY_NUMBER;
    case TYPE_TEXT:
    case TYPE_VARCHAR:
    case TYPE_CHAR:
        return CATEGORY_TEXT;
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        return CATEGORY_TIME;
    case TYPE_INTERVAL:
        return CATEGORY_SPAN;
    case TYPE_ARRAY:
        return CATEGORY_ARRAY;
    default:
        return CATEGORY_OTHER;
    }
}

bool type_is_preferred(Type type)
{
    return type.kind == TYPE_BOOLEAN || type.kind == TYPE_DOUBLE || type.kind == TYPE_TEXT ||
           type.kind == TYPE_TIMESTAMPTZ || type.kind == TYPE_INTERVAL;
}

Type type_plain(Type type)
{
    return (Type){.kind = type.kind, .element = type.element};
}
