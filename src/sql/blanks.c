/* The blanks of CHAR(n). A value is kept without those at its end, and as TEXT it has none; but
 * what shows it, makes JSON of it or matches it with a pattern sees them, as in PostgreSQL. */
#include "sql/binder_int.h"

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return false;
}

static bool shows_blanks(const CatalogueFunction *function, uint32_t argument)
{
    static const char *const NAMES[] = {
        "concat",
        "concat_ws",
        "format",
        "json_agg",
        "json_build_array",
        "json_build_object",
        "json_object_agg",
        "jsonb_agg",
        "jsonb_build_array",
        "jsonb_build_object",
        "jsonb_object_agg",
        "octet_length",
        "row_to_json",
        "to_json",
        "to_jsonb",
    };
    if (function->kind == FUNCTION_OPERATOR) /* patterns: ~ and its kin */
        return argument == 0 && strchr(function->name, '~') != NULL;
    return is_one_of(function->name, NAMES, sizeof NAMES / sizeof NAMES[0]);
}

/* rpad(text of the value, n, ' ') */
static Status pad(Binder *binder, Bound **place, Error *error)
{
    static const ArgumentType ARGUMENTS[3] = {TYPE_TEXT, TYPE_INTEGER, TYPE_TEXT};
    const Bound *value = *place;
    int32_t position = value->position_byte;
    Bound *call;
    TRY(bound_new(binder, BOUND_CALL, TYPE(TEXT), position, 3, &call, error));
    call->as.function = catalogue_get("rpad", ARGUMENTS, 3);
    TRY(coerce_explicit(binder, *place, TYPE(TEXT), position, &call->children[0], error));
    TRY(bound_constant(binder, TYPE(INTEGER), value_integer(TYPE_INTEGER, value->type.a), position,
                       &call->children[1], error));
    TRY(bound_constant(binder, TYPE(TEXT), value_text(SLICE(" ")), position, &call->children[2],
                       error));
    bound_settle(call);
    *place = call;
    return OK;
}

static bool has_blanks(const Bound *bound)
{
    return bound->type.kind == TYPE_CHAR && bound->type.a > 0;
}

Status blanks_show(Binder *binder, const CatalogueFunction *function, uint32_t argument,
                   Bound **place, bool *padded, Error *error)
{
    Bound *value = *place;
    *padded = false;
    if (!shows_blanks(function, argument))
        return OK;
    if (has_blanks(value)) {
        *padded = true;
        return pad(binder, place, error);
    }
    for (uint32_t i = 0; value->kind == BOUND_ROW && i < value->child_count; i++) {
        if (has_blanks(value->children[i]))
            TRY(pad(binder, &value->children[i], error));
    }
    return OK;
}

Status blanks_refuse_array(Type element, int32_t position, Error *error)
{
    if (element.kind != TYPE_CHAR)
        return OK;
    return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                        "arrays of CHAR(n) are not supported: cast the elements to TEXT");
}
