#include "sql/catalogue_int.h"

#include "base/assert.h"

static const CatalogueFamily *const FAMILIES[] = {
    &catalogue_aggregates, &catalogue_arrays,    &catalogue_comparisons, &catalogue_json,
    &catalogue_numbers,    &catalogue_operators, &catalogue_session,     &catalogue_sets,
    &catalogue_texts,      &catalogue_times,     &catalogue_vectors,     &catalogue_windows,
};

enum { FAMILY_COUNT = sizeof FAMILIES / sizeof FAMILIES[0] };

/* The first row of the name, or count. */
static size_t find_first(const CatalogueFamily *family, Slice name)
{
    size_t low = 0;
    size_t high = family->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slice_compare(slice_of_text(family->functions[middle].name), name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t catalogue_find(Slice name, bool operators,
                        const CatalogueFunction *out[CATALOGUE_OVERLOADS_MAX])
{
    uint32_t count = 0;
    for (size_t f = 0; f < FAMILY_COUNT; f++) {
        const CatalogueFamily *family = FAMILIES[f];
        for (size_t i = find_first(family, name); i < family->count; i++) {
            const CatalogueFunction *function = &family->functions[i];
            if (!slice_equal_text(name, function->name))
                break;
            bool wanted = (function->kind == FUNCTION_OPERATOR) == operators &&
                          !(function->flags & FUNCTION_HIDDEN);
            ASSERT(count < CATALOGUE_OVERLOADS_MAX);
            if (wanted)
                out[count++] = function;
        }
    }
    return count;
}

static bool takes_exactly(const CatalogueFunction *function, const ArgumentType *arguments,
                          uint32_t count)
{
    return function->argument_count == count &&
           (count == 0 || memcmp(function->arguments, arguments, count) == 0);
}

const CatalogueFunction *catalogue_get(const char *name, const ArgumentType *arguments,
                                       uint32_t count)
{
    for (size_t f = 0; f < FAMILY_COUNT; f++) {
        const CatalogueFamily *family = FAMILIES[f];
        for (size_t i = find_first(family, slice_of_text(name)); i < family->count; i++) {
            const CatalogueFunction *function = &family->functions[i];
            if (strcmp(function->name, name) != 0)
                break;
            if (takes_exactly(function, arguments, count))
                return function;
        }
    }
    UNREACHABLE();
}

const CatalogueFunction *catalogue_next(size_t *position)
{
    size_t at = (*position)++;
    for (size_t f = 0; f < FAMILY_COUNT; f++) {
        if (at < FAMILIES[f]->count)
            return &FAMILIES[f]->functions[at];
        at -= FAMILIES[f]->count;
    }
    return NULL;
}

ArgumentType argument_type_of(Type type)
{
    return type.kind == TYPE_ARRAY ? (ArgumentType)(type.element | ARGUMENT_ARRAY)
                                   : (ArgumentType)type.kind;
}

Type argument_type_to_type(ArgumentType argument)
{
    if (argument & ARGUMENT_ARRAY)
        return (Type){.kind = TYPE_ARRAY, .element = (uint8_t)(argument & ~ARGUMENT_ARRAY)};
    return (Type){.kind = argument};
}

void argument_type_name(ArgumentType argument, char out[TYPE_NAME_BYTES_MAX])
{
    static const char *const POLYMORPHIC[] = {
        "any",
        "anyelement",
        "anyarray",
        "anynonarray",
        "anycompatible",
        "anycompatiblearray",
        "anycompatiblenonarray",
    };
    if (argument < ARGUMENT_ANY) {
        type_postgres_name(argument_type_to_type(argument), out);
        return;
    }
    const char *name = POLYMORPHIC[argument - ARGUMENT_ANY];
    memcpy(out, name, strlen(name) + 1);
}
