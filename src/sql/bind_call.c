/* Function calls. */
#include "sql/binder_int.h"
#include "sql/fold.h"

static Status function_name(const Node *node, Slice *out, Error *error)
{
    const Node *names = node_field(node, "funcname");
    uint32_t count = node_count(names);
    *out = node_string(node_item(names, count - 1));
    bool is_ours = count == 1 ||
                   (count == 2 && slice_equal_text(node_string(node_item(names, 0)), "pg_catalog"));
    if (is_ours)
        return OK;
    return error_set_at(error, node_location(node), STATUS_UNDEFINED_FUNCTION,
                        "function %.*s.%.*s does not exist",
                        SLICE_ARGUMENTS(node_string(node_item(names, 0))), SLICE_ARGUMENTS(*out));
}

static bool is_known(Slice name)
{
    const CatalogueFunction *overloads[CATALOGUE_OVERLOADS_MAX];
    return catalogue_find(name, false, overloads) > 0;
}

/* What only aggregates take. */
static Status refuse_decorations(const Node *node, Slice name, Error *error)
{
    static const struct {
        const char *field;
        const char *what;
    } DECORATIONS[] = {
        {"agg_star", NULL},
        {"agg_distinct", "DISTINCT"},
        {"agg_within_group", "WITHIN GROUP"},
        {"agg_order", "ORDER BY"},
        {"agg_filter", "FILTER"},
    };
    int32_t position = node_location(node);
    for (size_t i = 0; i < sizeof DECORATIONS / sizeof DECORATIONS[0]; i++) {
        const Node *field = node_field(node, DECORATIONS[i].field);
        if (field == NULL)
            continue;
        if (DECORATIONS[i].what == NULL && !is_known(name))
            return error_set_at(error, position, STATUS_UNDEFINED_FUNCTION,
                                "function %.*s() does not exist", SLICE_ARGUMENTS(name));
        if (DECORATIONS[i].what == NULL)
            return error_set_at(error, position, STATUS_WRONG_OBJECT_TYPE,
                                "%.*s(*) specified, but %.*s is not an aggregate function",
                                SLICE_ARGUMENTS(name), SLICE_ARGUMENTS(name));
        return error_set_at(error, position, STATUS_WRONG_OBJECT_TYPE,
                            "%s specified, but %.*s is not an aggregate function",
                            DECORATIONS[i].what, SLICE_ARGUMENTS(name));
    }
    if (node_field(node, "over") != NULL)
        return error_set_at(error, position, STATUS_WRONG_OBJECT_TYPE,
                            "OVER specified, but %.*s is not a window function nor an aggregate "
                            "function",
                            SLICE_ARGUMENTS(name));
    return OK;
}

/* text('x'), date('2020-01-01'): a cast in a call's clothes. */
static bool is_cast_call(Slice name, Bound *const *arguments, uint32_t count, Type *type)
{
    TypeKind kind;
    if (count != 1 || !type_from_name(name, &kind))
        return false;
    *type = TYPE_OF_KIND(kind);
    return arguments[0]->type.kind == TYPE_UNKNOWN ||
           cast_find(arguments[0]->type, *type, CAST_EXPLICIT) != CAST_NONE;
}

static Status bind_type_of(Binder *binder, const Bound *argument, int32_t position, Bound **out,
                           Error *error)
{
    char *name = arena_allocate(binder->arena, TYPE_NAME_BYTES_MAX);
    if (name == NULL)
        return arena_error(binder->arena, error);
    type_postgres_name(type_plain(argument->type), name);
    return bound_constant(binder, TYPE(TEXT), value_text(slice_of_text(name)), position, out,
                          error);
}

static bool has_row(Bound *const *arguments, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (arguments[i]->type.kind == TYPE_RECORD)
            return true;
    }
    return false;
}

Status call_refuse_rows(Slice name, Bound *const *arguments, uint32_t count, int32_t position,
                        Error *error)
{
    if (!has_row(arguments, count))
        return OK;
    return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                        "a row as an argument of %.*s is not supported", SLICE_ARGUMENTS(name));
}

static bool is_path_call(Slice name)
{
    return slice_equal_text(name, "json_extract_path") ||
           slice_equal_text(name, "json_extract_path_text") ||
           slice_equal_text(name, "jsonb_extract_path") ||
           slice_equal_text(name, "jsonb_extract_path_text");
}

/* json_extract_path(j, 'a', 'b') is j #> ARRAY['a', 'b']. */
static Status bind_path_call(Binder *binder, Slice name, Bound **arguments, uint32_t count,
                             int32_t position, Bound **out, Error *error)
{
    Bound *path;
    bool binary = slice_starts_with(name, SLICE("jsonb"));
    bool as_text = name.data[name.size - 1] == 't';
    TRY(bound_new(binder, BOUND_ARRAY, TYPE_ARRAY_OF(TEXT), position, count - 1, &path, error));
    for (uint32_t i = 1; i < count; i++)
        TRY(coerce_to(binder, arguments[i], TYPE(TEXT), "json_extract_path", &path->children[i - 1],
                      error));
    TRY(coerce_to(binder, arguments[0], binary ? TYPE(JSONB) : TYPE(JSON), "json_extract_path",
                  &arguments[0], error));
    return bind_operator(binder, as_text ? SLICE("#>>") : SLICE("#>"), arguments[0], path, position,
                         out, error);
}

static Status bind_scalar_call(Binder *binder, Scope *scope, const Node *node, Slice name,
                               Bound **arguments, uint32_t count, Bound **out, Error *error)
{
    Resolution resolution;
    Type type;
    int32_t position = node_location(node);
    bool is_row_to_json = count == 1 && arguments[0]->kind == BOUND_ROW &&
                          (slice_equal_text(name, "row_to_json") ||
                           slice_equal_text(name, "to_json") || slice_equal_text(name, "to_jsonb"));
    TRY(refuse_decorations(node, name, error));
    if (is_row_to_json)
        return bind_row_to_json(binder, name, arguments[0], position, out, error);
    if (is_path_call(name) && count > 1)
        return bind_path_call(binder, name, arguments, count, position, out, error);
    Status status = resolve_function(name, arguments, count, position, &resolution, error);
    if (status == STATUS_UNDEFINED_FUNCTION && is_cast_call(name, arguments, count, &type))
        return coerce_explicit(binder, arguments[0], type, position, out, error);
    TRY(status);
    if (slice_equal_text(name, "pg_typeof"))
        return bind_type_of(binder, arguments[0], position, out, error);
    TRY(call_refuse_rows(name, arguments, count, position, error));
    if (resolution.function->kind == FUNCTION_SET)
        TRY(clause_allows_set(scope->clause, position, error));
    if (resolution.function->kind == FUNCTION_SET && scope->clause != CLAUSE_FROM_FUNCTION)
        scope->query->has_sets = true;
    return call_make(binder, &resolution, arguments, count, position, out, error);
}

static FunctionKind kind_of_name(Slice name)
{
    const CatalogueFunction *overloads[CATALOGUE_OVERLOADS_MAX];
    uint32_t count = catalogue_find(name, false, overloads);
    return count == 0 ? FUNCTION_SCALAR : (FunctionKind)overloads[0]->kind;
}

Status bind_call(Binder *binder, Scope *scope, const Node *node, Bound **out, Error *error)
{
    Slice name;
    Bound **arguments;
    uint32_t count;
    int32_t position = node_location(node);
    TRY(function_name(node, &name, error));
    if (node_boolean(node, "func_variadic"))
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "VARIADIC arrays as arguments are not supported");
    FunctionKind kind = kind_of_name(name);
    bool is_aggregate = kind == FUNCTION_AGGREGATE || kind == FUNCTION_ORDERED_SET;
    if (is_aggregate && node_field(node, "over") == NULL)
        return bind_aggregate_call(binder, scope, node, out, error);
    if (kind == FUNCTION_WINDOW && node_field(node, "over") == NULL)
        return error_set_at(error, position, STATUS_WRONG_OBJECT_TYPE,
                            "window function %.*s requires an OVER clause", SLICE_ARGUMENTS(name));
    if (is_aggregate || kind == FUNCTION_WINDOW)
        return bind_window_call(binder, scope, node, name, out, error);
    TRY(bind_expressions(binder, scope, node_field(node, "args"), &arguments, &count, error));
    return bind_scalar_call(binder, scope, node, name, arguments, count, out, error);
}
