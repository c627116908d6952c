/* Which overload a call means: PostgreSQL's rules (its documentation, chapter 10), step by step. */
#include "sql/binder_int.h"

typedef struct Candidates {
    const CatalogueFunction *items[CATALOGUE_OVERLOADS_MAX];
    uint32_t count;
} Candidates;

/* What a call offers. */
typedef struct Call {
    Bound *const *arguments;
    uint32_t count;
} Call;

bool overload_takes(const CatalogueFunction *function, uint32_t count)
{
    if (function->flags & FUNCTION_VARIADIC)
        return count + 1 >= function->argument_count;
    return count == function->argument_count;
}

ArgumentType overload_argument(const CatalogueFunction *function, uint32_t i)
{
    if (i >= function->argument_count)
        i = function->argument_count - 1u;
    return function->arguments[i];
}

static bool argument_is(ArgumentType declared, Type given)
{
    return declared < ARGUMENT_ANY && declared == argument_type_of(given) &&
           given.kind != TYPE_UNKNOWN;
}

static TypeCategory argument_category(ArgumentType declared)
{
    return declared >= ARGUMENT_ANY ? CATEGORY_OTHER
                                    : type_category(argument_type_to_type(declared));
}

static bool argument_is_preferred(ArgumentType declared)
{
    return declared < ARGUMENT_ANY && type_is_preferred(argument_type_to_type(declared));
}

static const CatalogueFunction *find_exact(const Candidates *all, const Call *call)
{
    for (uint32_t c = 0; c < all->count; c++) {
        const CatalogueFunction *function = all->items[c];
        if (!overload_takes(function, call->count))
            continue;
        uint32_t i = 0;
        while (i < call->count &&
               argument_is(overload_argument(function, i), call->arguments[i]->type))
            i++;
        if (i == call->count)
            return function;
    }
    return NULL;
}

static void keep_acceptable(Candidates *all, const Call *call)
{
    uint32_t kept = 0;
    for (uint32_t c = 0; c < all->count; c++) {
        if (overload_takes(all->items[c], call->count) &&
            overload_accepts(all->items[c], call->arguments, call->count))
            all->items[kept++] = all->items[c];
    }
    all->count = kept;
}

/* Keeps those with the highest score. */
static void keep_best(Candidates *all, const Call *call,
                      uint32_t (*score)(const CatalogueFunction *, const Call *))
{
    uint32_t best = 0;
    uint32_t kept = 0;
    for (uint32_t c = 0; c < all->count; c++) {
        uint32_t points = score(all->items[c], call);
        if (points > best)
            kept = 0;
        if (points >= best) {
            best = points;
            all->items[kept++] = all->items[c];
        }
    }
    all->count = kept;
}

static uint32_t score_exact(const CatalogueFunction *function, const Call *call)
{
    uint32_t points = 0;
    for (uint32_t i = 0; i < call->count; i++)
        points += argument_is(overload_argument(function, i), call->arguments[i]->type);
    return points;
}

static uint32_t score_preferred(const CatalogueFunction *function, const Call *call)
{
    uint32_t points = 0;
    for (uint32_t i = 0; i < call->count; i++) {
        Type given = call->arguments[i]->type;
        ArgumentType declared = overload_argument(function, i);
        if (given.kind == TYPE_UNKNOWN)
            continue;
        points +=
            argument_is(declared, given) || (argument_is_preferred(declared) &&
                                             argument_category(declared) == type_category(given));
    }
    return points;
}

/* What category an unknown argument is taken for; false where the candidates disagree. */
static bool choose_category(const Candidates *all, uint32_t i, TypeCategory *category,
                            bool *has_preferred)
{
    bool conflict = false;
    for (uint32_t c = 0; c < all->count; c++) {
        ArgumentType declared = overload_argument(all->items[c], i);
        TypeCategory own = argument_category(declared);
        bool preferred = argument_is_preferred(declared);
        if (c == 0) {
            *category = own;
            *has_preferred = preferred;
        } else if (own == *category) {
            *has_preferred = *has_preferred || preferred;
        } else if (own == CATEGORY_TEXT) {
            *category = own;
            *has_preferred = preferred;
        } else {
            conflict = true;
        }
    }
    return !conflict || *category == CATEGORY_TEXT;
}

/* What the candidates want an unknown argument to be. */
typedef struct Wanted {
    TypeCategory category;
    bool preferred;
} Wanted;

static bool suits(const CatalogueFunction *function, const Call *call, const Wanted *wanted)
{
    for (uint32_t i = 0; i < call->count; i++) {
        ArgumentType declared = overload_argument(function, i);
        if (call->arguments[i]->type.kind != TYPE_UNKNOWN)
            continue;
        if (argument_category(declared) != wanted[i].category ||
            (wanted[i].preferred && !argument_is_preferred(declared)))
            return false;
    }
    return true;
}

static void keep_by_unknowns(Candidates *all, const Call *call)
{
    Wanted wanted[CALL_ARGUMENTS_MAX];
    for (uint32_t i = 0; i < call->count; i++) {
        if (call->arguments[i]->type.kind == TYPE_UNKNOWN &&
            !choose_category(all, i, &wanted[i].category, &wanted[i].preferred))
            return;
    }
    Candidates rest = {.count = 0};
    for (uint32_t c = 0; c < all->count; c++) {
        if (suits(all->items[c], call, wanted))
            rest.items[rest.count++] = all->items[c];
    }
    /* PostgreSQL keeps the old list where nothing is left. */
    if (rest.count > 0)
        *all = rest;
}

/* The last rule: unknown arguments are taken for the one type that the known ones have. */
static void keep_by_known_type(Candidates *all, const Call *call)
{
    const Bound *known = NULL;
    for (uint32_t i = 0; i < call->count; i++) {
        const Bound *argument = call->arguments[i];
        if (argument->type.kind == TYPE_UNKNOWN)
            continue;
        if (known != NULL && argument_type_of(known->type) != argument_type_of(argument->type))
            return;
        known = argument;
    }
    if (known == NULL)
        return;
    Bound *alike[CALL_ARGUMENTS_MAX];
    for (uint32_t i = 0; i < call->count; i++)
        alike[i] = (Bound *)(uintptr_t)known;
    Candidates rest = *all;
    keep_acceptable(&rest, &(Call){alike, call->count});
    if (rest.count == 1)
        *all = rest;
}

/* Narrows down to one where the rules can. */
static void select_candidate(Candidates *all, const Call *call)
{
    keep_best(all, call, score_exact);
    if (all->count > 1)
        keep_best(all, call, score_preferred);
    bool has_unknown = false;
    for (uint32_t i = 0; i < call->count; i++)
        has_unknown = has_unknown || call->arguments[i]->type.kind == TYPE_UNKNOWN;
    if (all->count > 1 && has_unknown)
        keep_by_unknowns(all, call);
    if (all->count > 1 && has_unknown)
        keep_by_known_type(all, call);
}

/* ---- errors ---- */

enum { SIGNATURE_BYTES_MAX = 400 };

static void put_signature(char out[SIGNATURE_BYTES_MAX], const Call *call)
{
    size_t used = 0;
    out[0] = 0;
    for (uint32_t i = 0; i < call->count; i++) {
        char name[TYPE_NAME_BYTES_MAX];
        type_postgres_name(type_plain(call->arguments[i]->type), name);
        size_t size = strlen(name);
        if (used + size + 3 > SIGNATURE_BYTES_MAX)
            return;
        if (i > 0) {
            memcpy(out + used, ", ", 2);
            used += 2;
        }
        memcpy(out + used, name, size + 1);
        used += size;
    }
}

static Status error_function(Status status, Slice name, const Call *call, int32_t position,
                             Error *error)
{
    char signature[SIGNATURE_BYTES_MAX];
    put_signature(signature, call);
    if (catalogue_is_absent(name))
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "function %.*s is not supported yet", SLICE_ARGUMENTS(name));
    if (status == STATUS_AMBIGUOUS_FUNCTION) {
        error_set_at(error, position, status, "function %.*s(%s) is not unique",
                     SLICE_ARGUMENTS(name), signature);
        error_set_hint(error, "Could not choose a best candidate function. You might need to add "
                              "explicit type casts.");
    } else {
        error_set_at(error, position, status, "function %.*s(%s) does not exist",
                     SLICE_ARGUMENTS(name), signature);
        error_set_hint(error, "No function matches the given name and argument types. You might "
                              "need to add explicit type casts.");
    }
    return status;
}

static Status error_operator(Status status, Slice name, const Call *call, int32_t position,
                             Error *error)
{
    char left[TYPE_NAME_BYTES_MAX] = "";
    char right[TYPE_NAME_BYTES_MAX];
    type_postgres_name(type_plain(call->arguments[call->count - 1]->type), right);
    if (call->count == 2)
        type_postgres_name(type_plain(call->arguments[0]->type), left);
    bool ambiguous = status == STATUS_AMBIGUOUS_FUNCTION;
    error_set_at(error, position, status, "operator %s: %s%s%.*s %s",
                 ambiguous ? "is not unique" : "does not exist", left, call->count == 2 ? " " : "",
                 SLICE_ARGUMENTS(name), right);
    error_set_hint(error, ambiguous ? "Could not choose a best candidate operator. You might need "
                                      "to add explicit type casts."
                                    : "No operator matches the given name and argument types. You "
                                      "might need to add explicit type casts.");
    return status;
}

/* ---- the two kinds of calls ---- */

static Status settle(const CatalogueFunction *function, const Call *call, int32_t position,
                     Resolution *out, Error *error)
{
    out->function = function;
    if (polymorphic_settle(function, call->arguments, call->count, out))
        return OK;
    return error_set_at(error, position, STATUS_DATATYPE_MISMATCH,
                        "could not determine polymorphic type because input has type unknown");
}

Status resolve_function(Slice name, Bound *const *arguments, uint32_t count, int32_t position,
                        Resolution *out, Error *error)
{
    Call call = {arguments, count};
    if (count > CALL_ARGUMENTS_MAX)
        return error_set_at(error, position, STATUS_TOO_MANY_ARGUMENTS,
                            "cannot pass more than %d arguments to a function", CALL_ARGUMENTS_MAX);
    Candidates all;
    all.count = catalogue_find(name, false, all.items);
    const CatalogueFunction *exact = find_exact(&all, &call);
    if (exact != NULL)
        return settle(exact, &call, position, out, error);
    keep_acceptable(&all, &call);
    if (all.count > 1)
        select_candidate(&all, &call);
    if (all.count == 0)
        return error_function(STATUS_UNDEFINED_FUNCTION, name, &call, position, error);
    if (all.count > 1)
        return error_function(STATUS_AMBIGUOUS_FUNCTION, name, &call, position, error);
    return settle(all.items[0], &call, position, out, error);
}

/* An unknown side is first taken for the other's type. */
static const CatalogueFunction *find_exact_operator(const Candidates *all, const Call *call)
{
    Bound *const *arguments = call->arguments;
    Bound *alike[2] = {arguments[0], arguments[call->count - 1]};
    if (call->count == 2 && alike[0]->type.kind == TYPE_UNKNOWN)
        alike[0] = alike[1];
    else if (call->count == 2 && alike[1]->type.kind == TYPE_UNKNOWN)
        alike[1] = alike[0];
    return find_exact(all, &(Call){alike, call->count});
}

Status resolve_operator(Slice name, Bound *left, Bound *right, int32_t position, Resolution *out,
                        Error *error)
{
    Bound *arguments[2] = {left, right};
    Call call = {left == NULL ? &arguments[1] : arguments, left == NULL ? 1 : 2};
    Candidates all;
    all.count = catalogue_find(name, true, all.items);
    const CatalogueFunction *exact = find_exact_operator(&all, &call);
    if (exact != NULL)
        return settle(exact, &call, position, out, error);
    keep_acceptable(&all, &call);
    if (all.count > 1)
        select_candidate(&all, &call);
    if (all.count == 0)
        return error_operator(STATUS_UNDEFINED_FUNCTION, name, &call, position, error);
    if (all.count > 1)
        return error_operator(STATUS_AMBIGUOUS_FUNCTION, name, &call, position, error);
    return settle(all.items[0], &call, position, out, error);
}
