/* Making a call from a resolved overload. */
#include "sql/binder_int.h"
#include "sql/fold.h"

static bool comparison_of(Slice name, CompareOperator *out)
{
    static const struct {
        const char *name;
        CompareOperator operation;
    } NAMES[] = {
        {"=", COMPARE_EQUAL},          {"<>", COMPARE_NOT_EQUAL}, {"<", COMPARE_LESS},
        {"<=", COMPARE_LESS_OR_EQUAL}, {">", COMPARE_GREATER},    {">=", COMPARE_GREATER_OR_EQUAL},
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        if (slice_equal_text(name, NAMES[i].name)) {
            *out = NAMES[i].operation;
            return true;
        }
    }
    return false;
}

/* int + bigint is bigint + bigint with a cast: one implementation for each width. */
static Status widen(Binder *binder, const CatalogueFunction **function, Bound **arguments,
                    uint32_t count, Error *error)
{
    ArgumentType wide[FUNCTION_ARGUMENTS_MAX];
    Type result = argument_type_to_type((*function)->result);
    for (uint32_t i = 0; i < count; i++) {
        wide[i] = (*function)->result;
        TRY(coerce(binder, arguments[i], result, CAST_IMPLICIT, arguments[i]->position_byte,
                   &arguments[i], error));
    }
    *function = catalogue_get((*function)->name, wide, count);
    return OK;
}

/* interval + date is date + interval. */
static void swap(const CatalogueFunction **function, Bound **arguments)
{
    Bound *first = arguments[0];
    arguments[0] = arguments[1];
    arguments[1] = first;
    ArgumentType turned[2] = {(*function)->arguments[1], (*function)->arguments[0]};
    *function = catalogue_get((*function)->name, turned, 2);
}

/* 'a' || 1 is 'a' || text of 1. */
static Status join_text(Binder *binder, const CatalogueFunction **function, Bound **arguments,
                        Error *error)
{
    static const ArgumentType TEXTS[2] = {TYPE_TEXT, TYPE_TEXT};
    for (uint32_t i = 0; i < 2; i++) {
        TRY(call_refuse_rows(SLICE("||"), &arguments[i], 1, arguments[i]->position_byte, error));
        TRY(coerce_explicit(binder, arguments[i], TYPE(TEXT), arguments[i]->position_byte,
                            &arguments[i], error));
    }
    *function = catalogue_get("||", TEXTS, 2);
    return OK;
}

/* The entries that say another one's meaning become that one. */
static Status normalize(Binder *binder, const CatalogueFunction **function, Bound **arguments,
                        uint32_t count, Error *error)
{
    if ((*function)->flags & FUNCTION_SWAPPED)
        swap(function, arguments);
    if ((*function)->flags & FUNCTION_WIDEN)
        return widen(binder, function, arguments, count, error);
    if ((*function)->flags & FUNCTION_JOINS_TEXT)
        return join_text(binder, function, arguments, error);
    if ((*function)->flags & FUNCTION_NEGATED)
        *function = catalogue_get((*function)->name + 1, (*function)->arguments, count);
    return OK;
}

static Status coerce_arguments(Binder *binder, const Resolution *resolution, Bound **arguments,
                               uint32_t count, Error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        Type wanted = resolution->arguments[i];
        bool padded;
        TRY(blanks_show(binder, resolution->function, i, &arguments[i], &padded, error));
        if (padded)
            continue;
        if (wanted.kind == TYPE_UNKNOWN)
            wanted = TYPE(TEXT);
        TRY(coerce(binder, arguments[i], wanted, CAST_IMPLICIT, arguments[i]->position_byte,
                   &arguments[i], error));
    }
    return OK;
}

static bool is_plus(const CatalogueFunction *function, uint32_t count)
{
    return count == 1 && function->kind == FUNCTION_OPERATOR && strcmp(function->name, "+") == 0;
}

Status call_make(Binder *binder, const Resolution *resolution, Bound **arguments, uint32_t count,
                 int32_t position, Bound **out, Error *error)
{
    const CatalogueFunction *function = resolution->function;
    CompareOperator operation;
    bool negated = function->flags & FUNCTION_NEGATED;
    TRY(coerce_arguments(binder, resolution, arguments, count, error));
    if ((function->flags & FUNCTION_COMPARISON) &&
        comparison_of(slice_of_text(function->name), &operation))
        return bound_compare(binder, operation, arguments[0], arguments[1], position, out, error);
    if (is_plus(function, count)) {
        *out = arguments[0];
        return OK;
    }
    TRY(normalize(binder, &function, arguments, count, error));
    Bound *call;
    TRY(bound_new(binder, BOUND_CALL, resolution->result, position, count, &call, error));
    call->as.function = function;
    for (uint32_t i = 0; i < count; i++)
        call->children[i] = arguments[i];
    bound_settle(call);
    *out = call;
    return negated ? bound_unary(binder, BOUND_NOT, TYPE(BOOLEAN), call, position, out, error) : OK;
}

/* PostgreSQL's other spellings. */
static Slice operator_name(Slice name)
{
    return slice_equal_text(name, "!=") ? SLICE("<>") : name;
}

Status bind_operator(Binder *binder, Slice name, Bound *left, Bound *right, int32_t position,
                     Bound **out, Error *error)
{
    Resolution resolution;
    TRY(resolve_operator(operator_name(name), left, right, position, &resolution, error));
    Bound *arguments[2] = {left, right};
    uint32_t count = left == NULL ? 1 : 2;
    TRY(call_make(binder, &resolution, left == NULL ? &arguments[1] : arguments, count, position,
                  out, error));
    return bound_fold(binder, out, error);
}
