/* Polymorphic arguments (anyelement, anycompatible …): which types they stand for in a call. */
#include "sql/binder_int.h"

/* The two families: one exact type for all, or one that all can become. */
typedef struct Family {
    Type element; /* TYPE_UNKNOWN: not settled */
    bool used;    /* does the entry have such arguments? */
    bool not_array;
    bool fits;
} Family;

static bool is_exact_family(ArgumentType declared)
{
    return declared == ARGUMENT_ELEMENT || declared == ARGUMENT_ANY_ARRAY ||
           declared == ARGUMENT_NOT_ARRAY;
}

static bool is_compatible_family(ArgumentType declared)
{
    return declared >= ARGUMENT_COMPATIBLE;
}

static bool is_array_argument(ArgumentType declared)
{
    return declared == ARGUMENT_ANY_ARRAY || declared == ARGUMENT_COMPATIBLE_ARRAY;
}

static bool refuses_arrays(ArgumentType declared)
{
    return declared == ARGUMENT_NOT_ARRAY || declared == ARGUMENT_COMPATIBLE_NOT_ARRAY;
}

/* The element type an argument speaks for: UNKNOWN says nothing. */
static bool element_of(ArgumentType declared, Type given, Type *out)
{
    if (given.kind == TYPE_UNKNOWN) {
        *out = given;
        return true;
    }
    if (!is_array_argument(declared)) {
        *out = type_plain(given);
        return true;
    }
    *out = type_plain(type_of_element(given));
    return given.kind == TYPE_ARRAY;
}

static void settle_exact(Family *family, Type element)
{
    if (element.kind == TYPE_UNKNOWN)
        return;
    if (family->element.kind == TYPE_UNKNOWN)
        family->element = element;
    else if (argument_type_of(family->element) != argument_type_of(element))
        family->fits = false;
}

static void collect(const CatalogueFunction *function, Bound *const *arguments, uint32_t count,
                    bool compatible, Family *family)
{
    Bound elements[CALL_ARGUMENTS_MAX];
    Bound *items[CALL_ARGUMENTS_MAX];
    uint32_t item_count = 0;
    *family = (Family){.element = TYPE(UNKNOWN), .fits = true};
    for (uint32_t i = 0; i < count && i < CALL_ARGUMENTS_MAX; i++) {
        ArgumentType declared = overload_argument(function, i);
        if (!(compatible ? is_compatible_family(declared) : is_exact_family(declared)))
            continue;
        Type element;
        family->used = true;
        family->not_array = family->not_array || refuses_arrays(declared);
        family->fits = element_of(declared, arguments[i]->type, &element) && family->fits;
        if (!compatible)
            settle_exact(family, element);
        elements[item_count] = (Bound){.type = element};
        items[item_count] = &elements[item_count];
        item_count++;
    }
    if (compatible && item_count > 0) {
        Error unseen;
        family->fits = family->fits &&
                       common_type(items, item_count, "argument", &family->element, &unseen) == OK;
    }
    if (family->not_array && family->element.kind == TYPE_ARRAY)
        family->fits = false;
}

static bool array_of(Type element, Type *out)
{
    if (element.kind == TYPE_ARRAY || element.kind == TYPE_RECORD || element.kind == TYPE_VECTOR)
        return false;
    *out = (Type){.kind = TYPE_ARRAY, .element = element.kind};
    return true;
}

/* The type an argument (or the result) has when the families are settled. */
static bool settled_type(ArgumentType declared, const Family *exact, const Family *compatible,
                         Type *out)
{
    const Family *family = is_compatible_family(declared) ? compatible : exact;
    if (declared < ARGUMENT_ANY) {
        *out = argument_type_to_type(declared);
        return true;
    }
    if (is_array_argument(declared))
        return array_of(family->element, out);
    *out = family->element;
    return family->element.kind != TYPE_UNKNOWN;
}

bool polymorphic_settle(const CatalogueFunction *function, Bound *const *arguments, uint32_t count,
                        Resolution *out)
{
    Family exact;
    Family compatible;
    collect(function, arguments, count, false, &exact);
    collect(function, arguments, count, true, &compatible);
    if (exact.used && (!exact.fits || exact.element.kind == TYPE_UNKNOWN))
        return false;
    if (compatible.used && !compatible.fits)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        ArgumentType declared = overload_argument(function, i);
        if (declared == ARGUMENT_ANY)
            out->arguments[i] = arguments[i]->type;
        else if (!settled_type(declared, &exact, &compatible, &out->arguments[i]))
            return false;
    }
    return settled_type(function->result, &exact, &compatible, &out->result);
}

bool overload_accepts(const CatalogueFunction *function, Bound *const *arguments, uint32_t count)
{
    Family exact;
    Family compatible;
    collect(function, arguments, count, false, &exact);
    collect(function, arguments, count, true, &compatible);
    if (!exact.fits || !compatible.fits)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        ArgumentType declared = overload_argument(function, i);
        if (declared < ARGUMENT_ANY &&
            !coerce_is_possible(arguments[i], argument_type_to_type(declared), CAST_IMPLICIT))
            return false;
    }
    return true;
}
