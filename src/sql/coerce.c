/* Coercion: making an expression another type, as PostgreSQL's parse_coerce does. */
#include "sql/binder_int.h"
#include "sql/fold.h"
#include "sql/literal.h"

bool coerce_is_possible(const Bound *bound, Type to, enum CastContext context)
{
    return cast_find(bound->type, to, context) != CAST_NONE;
}

static void name_type(Type type, char out[TYPE_NAME_BYTES_MAX])
{
    type_postgres_name(type_plain(type), out);
}

/* ---- what is still unknown ---- */

static Status settle_parameter(Binder *binder, Bound *bound, Type to, Error *error)
{
    Type *known = &binder->context->parameter_types[bound->index];
    if (known->kind == TYPE_UNKNOWN) {
        *known = type_plain(to);
    } else if (known->kind != to.kind || known->element != to.element) {
        char was[TYPE_NAME_BYTES_MAX];
        char wanted[TYPE_NAME_BYTES_MAX];
        name_type(*known, was);
        name_type(to, wanted);
        error_set_at(error, bound->position_byte, STATUS_DATATYPE_MISMATCH,
                     "inconsistent types deduced for parameter $%u", bound->index + 1);
        error_set_detail(error, "%s versus %s", was, wanted);
        return error->status;
    }
    bound->type = type_plain(to);
    bound_settle(bound);
    return OK;
}

/* Reads the literal: errors point at it. */
static Status read_literal(Binder *binder, const Bound *literal, Type to, Bound **out, Error *error)
{
    Type plain = type_plain(to);
    if (to.kind == TYPE_VECTOR)
        plain.a = to.a;
    Value value = value_null((TypeKind)to.kind);
    if (!literal->as.constant.is_null) {
        Slice text = literal->as.constant.as.bytes;
        Status status = value_from_text(binder->arena, plain, text, &value, error);
        if (status == STATUS_FEATURE_NOT_SUPPORTED) {
            TRY(literal_read_special(binder, literal, to, out, error));
            if (*out != NULL)
                return OK;
        }
        if (status != OK) {
            error->position_byte = literal->position_byte;
            return status;
        }
    }
    return bound_constant(binder, plain, value, literal->position_byte, out, error);
}

static Status coerce_unknown(Binder *binder, Bound *bound, Type to, Bound **out, Error *error)
{
    if (bound->kind == BOUND_PARAMETER) {
        TRY(settle_parameter(binder, bound, to, error));
        *out = bound;
        return OK;
    }
    ASSERT(bound->kind == BOUND_CONSTANT);
    if (bound->is_huge_number && to.kind != TYPE_REAL && to.kind != TYPE_DOUBLE)
        return error_set_at(error, bound->position_byte, STATUS_NUMERIC_VALUE_OUT_OF_RANGE,
                            "value overflows numeric format");
    return read_literal(binder, bound, to, out, error);
}

/* ---- casts ---- */

static Status cast_node(Binder *binder, Bound *bound, Type to, enum CastContext context,
                        int32_t position, Bound **out, Error *error)
{
    Bound *cast;
    TRY(bound_new(binder, BOUND_CAST, to, position, 1, &cast, error));
    cast->children[0] = bound;
    cast->cast_context = context;
    bound_settle(cast);
    *out = cast;
    return bound_fold(binder, out, error);
}

/* ARRAY[…] as an array of another type: its elements as that type. */
static Status coerce_elements(Binder *binder, Bound *array, Type to, enum CastContext context,
                              Bound **out, Error *error)
{
    for (uint32_t i = 0; i < array->child_count; i++)
        TRY(coerce(binder, array->children[i], type_of_element(to), context,
                   array->children[i]->position_byte, &array->children[i], error));
    array->type = type_plain(to);
    *out = array;
    return OK;
}

Status coerce(Binder *binder, Bound *bound, Type to, enum CastContext context, int32_t position,
              Bound **out, Error *error)
{
    if (bound->type.kind == TYPE_UNKNOWN)
        return coerce_unknown(binder, bound, to, out, error);
    CastMethod method = cast_find(bound->type, to, context);
    ASSERT(method != CAST_NONE);
    if (method == CAST_SAME) {
        *out = bound;
        return OK;
    }
    if (bound->kind == BOUND_ARRAY && to.kind == TYPE_ARRAY)
        return coerce_elements(binder, bound, to, context, out, error);
    Type plain = type_plain(to);
    if (to.kind == TYPE_VECTOR)
        plain.a = to.a;
    return cast_node(binder, bound, plain, context, position, out, error);
}

static bool has_modifiers(Type type)
{
    return type.a != 0 || type.b != 0;
}

static Status error_no_cast(Type from, Type to, int32_t position, Error *error)
{
    char from_name[TYPE_NAME_BYTES_MAX];
    char to_name[TYPE_NAME_BYTES_MAX];
    name_type(from, from_name);
    name_type(to, to_name);
    return error_set_at(error, position, STATUS_CANNOT_COERCE, "cannot cast type %s to %s",
                        from_name, to_name);
}

Status coerce_explicit(Binder *binder, Bound *bound, Type to, int32_t position, Bound **out,
                       Error *error)
{
    if (!coerce_is_possible(bound, to, CAST_EXPLICIT))
        return error_no_cast(bound->type, to, position, error);
    if (bound->type.kind == TYPE_RECORD && !type_is_text(to))
        return error_no_cast(bound->type, to, position, error);
    Bound *plain = bound;
    if (bound->type.kind == TYPE_UNKNOWN || !has_modifiers(to))
        TRY(coerce(binder, bound, to, CAST_EXPLICIT, position, &plain, error));
    bool same = plain->type.kind == to.kind && plain->type.a == to.a && plain->type.b == to.b;
    if (!has_modifiers(to) || to.kind == TYPE_VECTOR || (same && plain->kind != BOUND_CONSTANT)) {
        *out = plain;
        return OK;
    }
    return cast_node(binder, plain, to, CAST_EXPLICIT, position, out, error);
}

Status coerce_assignment(Binder *binder, Bound *bound, Type to, Slice column, Bound **out,
                         Error *error)
{
    if (!coerce_is_possible(bound, to, CAST_ASSIGNMENT) || bound->type.kind == TYPE_RECORD) {
        char wanted[TYPE_NAME_BYTES_MAX];
        char has[TYPE_NAME_BYTES_MAX];
        name_type(to, wanted);
        name_type(bound->type, has);
        error_set_at(error, bound_begin(bound), STATUS_DATATYPE_MISMATCH,
                     "column \"%.*s\" is of type %s but expression is of type %s",
                     SLICE_ARGUMENTS(column), wanted, has);
        error_set_hint(error, "You will need to rewrite or cast the expression.");
        return error->status;
    }
    Bound *plain = bound;
    if (bound->type.kind == TYPE_UNKNOWN || !has_modifiers(to))
        TRY(coerce(binder, bound, to, CAST_ASSIGNMENT, bound->position_byte, &plain, error));
    if (!has_modifiers(to) || type_equal(plain->type, to)) {
        *out = plain;
        return OK;
    }
    return cast_node(binder, plain, to, CAST_ASSIGNMENT, bound->position_byte, out, error);
}

Status coerce_to(Binder *binder, Bound *bound, Type to, const char *what, Bound **out, Error *error)
{
    if (coerce_is_possible(bound, to, CAST_IMPLICIT) ||
        (to.kind == TYPE_BIGINT && coerce_is_possible(bound, to, CAST_ASSIGNMENT) &&
         !type_is_text(bound->type)))
        return coerce(binder, bound, to, CAST_ASSIGNMENT, bound->position_byte, out, error);
    char wanted[TYPE_NAME_BYTES_MAX];
    char has[TYPE_NAME_BYTES_MAX];
    name_type(to, wanted);
    name_type(bound->type, has);
    return error_set_at(error, bound_begin(bound), STATUS_DATATYPE_MISMATCH,
                        "argument of %s must be type %s, not type %s", what, wanted, has);
}

Status coerce_boolean(Binder *binder, Bound *bound, const char *what, Bound **out, Error *error)
{
    return coerce_to(binder, bound, TYPE(BOOLEAN), what, out, error);
}

Status coerce_unknown_to_text(Binder *binder, Bound **place, Error *error)
{
    if ((*place)->type.kind != TYPE_UNKNOWN)
        return OK;
    return coerce(binder, *place, TYPE(TEXT), CAST_IMPLICIT, (*place)->position_byte, place, error);
}

/* ---- one type for several expressions ---- */

static Status error_no_common_type(const char *what, Type a, Type b, int32_t position, Error *error)
{
    char a_name[TYPE_NAME_BYTES_MAX];
    char b_name[TYPE_NAME_BYTES_MAX];
    name_type(a, a_name);
    name_type(b, b_name);
    return error_set_at(error, position, STATUS_DATATYPE_MISMATCH,
                        "%s types %s and %s cannot be matched", what, a_name, b_name);
}

static bool types_are_equal(Type a, Type b)
{
    return a.kind == b.kind && a.element == b.element;
}

/* Should the next candidate take the place of the one so far? */
static bool is_better(Type candidate, const Bound *next)
{
    return !type_is_preferred(candidate) &&
           coerce_is_possible(&(Bound){.type = candidate}, next->type, CAST_IMPLICIT) &&
           !coerce_is_possible(next, candidate, CAST_IMPLICIT);
}

Status common_type(Bound *const *items, uint32_t count, const char *what, Type *out, Error *error)
{
    Type type = count == 0 ? TYPE(UNKNOWN) : type_plain(items[0]->type);
    for (uint32_t i = 1; i < count; i++) {
        const Bound *next = items[i];
        if (next->type.kind == TYPE_UNKNOWN || types_are_equal(next->type, type))
            continue;
        if (type.kind == TYPE_UNKNOWN) {
            type = type_plain(next->type);
        } else if (type_category(next->type) != type_category(type)) {
            if (what == NULL) {
                *out = TYPE(UNKNOWN);
                return OK;
            }
            return error_no_common_type(what, type, next->type, next->position_byte, error);
        } else if (is_better(type, next)) {
            type = type_plain(next->type);
        }
    }
    *out = type.kind == TYPE_UNKNOWN && what != NULL ? TYPE(TEXT) : type;
    return OK;
}

/* Modifiers stay where all agree; a CHAR that is padded to two widths has no one form. */
static Status shared_modifiers(Bound *const *items, uint32_t count, Type *type, Error *error)
{
    Type shared = *type;
    bool first = true;
    for (uint32_t i = 0; i < count; i++) {
        if (bound_is_null_constant(items[i]))
            continue;
        if (first)
            shared = items[i]->type;
        first = false;
        if (type_equal(items[i]->type, shared))
            continue;
        if (type->kind == TYPE_CHAR)
            return error_set_at(error, items[i]->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                                "CHAR values of several lengths in one column are not supported");
        return OK;
    }
    *type = shared;
    return OK;
}

Status coerce_all(Binder *binder, Bound **items, uint32_t count, Type *type, const char *what,
                  Error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!coerce_is_possible(items[i], *type, CAST_IMPLICIT)) {
            char from[TYPE_NAME_BYTES_MAX];
            char to[TYPE_NAME_BYTES_MAX];
            name_type(items[i]->type, from);
            name_type(*type, to);
            return error_set_at(error, items[i]->position_byte, STATUS_CANNOT_COERCE,
                                "%s could not convert type %s to %s", what, from, to);
        }
        TRY(coerce(binder, items[i], *type, CAST_IMPLICIT, items[i]->position_byte, &items[i],
                   error));
    }
    return shared_modifiers(items, count, type, error);
}
