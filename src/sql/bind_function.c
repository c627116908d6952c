/* Functions in FROM. */
#include "sql/binder_int.h"

static Status refuse_definitions(const Node *node, Error *error)
{
    if (node_count(node_field(node, "coldeflist")) > 0)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "column definition lists (AS x(a int)) are not supported");
    return OK;
}

/* The calls of FROM f(…) or ROWS FROM (f(…), g(…)); unnest(a, b) is two. */
static Status collect_calls(Binder *binder, Scope *scope, const Node *node, Relation *relation,
                            const Node **first_call, Error *error)
{
    const Node *functions = node_field(node, "functions");
    const Node *call = node_item(node_item(functions, 0), 0);
    const Node *arguments = node_field(call, "args");
    const Node *names = node_field(call, "funcname");
    bool is_unnest =
        node_count(functions) == 1 && node_count(arguments) > 1 &&
        slice_equal_text(node_string(node_item(names, node_count(names) - 1)), "unnest");
    uint32_t count = is_unnest ? node_count(arguments) : node_count(functions);
    relation->functions = ARENA_ARRAY(binder->arena, Bound *, count);
    if (relation->functions == NULL)
        return arena_error(binder->arena, error);
    relation->function_count = count;
    *first_call = call;
    for (uint32_t i = 0; i < count; i++) {
        if (is_unnest)
            TRY(bind_unnest(binder, scope, node_item(arguments, i), &relation->functions[i],
                            error));
        else
            TRY(bind_expression_in(binder, scope, CLAUSE_FROM_FUNCTION,
                                   node_item(node_item(functions, i), 0), &relation->functions[i],
                                   error));
    }
    return OK;
}

Status bind_unnest(Binder *binder, Scope *scope, const Node *node, Bound **out, Error *error)
{
    Bound *array;
    Resolution resolution;
    TRY(bind_expression_in(binder, scope, CLAUSE_FROM_FUNCTION, node, &array, error));
    TRY(resolve_function(SLICE("unnest"), &array, 1, array->position_byte, &resolution, error));
    return call_make(binder, &resolution, &array, 1, array->position_byte, out, error);
}

static RelationColumn column_of(Slice name, const Bound *function)
{
    return (RelationColumn){.name = name,
                            .type = function->type,
                            .scale = function->scale,
                            .precision = function->precision};
}

/* PostgreSQL's name of a function's one column, which an alias of the table does not change; or
 * nothing. */
static Slice output_name(const Bound *call)
{
    bool is_elements =
        call->kind == BOUND_CALL && strstr(call->as.function->name, "_array_elements") != NULL;
    return is_elements ? SLICE("value") : SLICE_EMPTY;
}

/* The columns a call gives: one, or those of a function that gives rows. */
static uint32_t add_columns(const Bound *call, Slice name, RelationColumn *columns)
{
    const SetColumn *fixed = NULL;
    uint32_t count = 0;
    if (call->kind == BOUND_CALL)
        count = catalogue_set_columns(call->as.function, &fixed);
    for (uint32_t i = 0; i < count; i++)
        columns[i] = (RelationColumn){.name = slice_of_text(fixed[i].name),
                                      .type = argument_type_to_type(fixed[i].type)};
    if (count == 0)
        columns[count++] = column_of(output_name(call).size > 0 ? output_name(call) : name, call);
    return count;
}

static Status settle_columns(Binder *binder, Relation *relation, const Node *alias,
                             const Node *first_call, Error *error)
{
    uint32_t most = relation->function_count * SET_COLUMNS_MAX + 1;
    relation->columns = ARENA_ARRAY(binder->arena, RelationColumn, most);
    if (relation->columns == NULL)
        return arena_error(binder->arena, error);
    Slice alias_name = node_text(alias, "aliasname");
    relation->alias = alias_name.size > 0 ? alias_name : target_name(first_call);
    for (uint32_t i = 0; i < relation->function_count; i++) {
        const Bound *call = relation->functions[i];
        Slice own = call->kind == BOUND_CALL ? slice_of_text(call->as.function->name)
                                             : target_name(first_call);
        bool takes_alias = alias_name.size > 0 && relation->function_count == 1;
        relation->column_count += add_columns(call, takes_alias ? alias_name : own,
                                              &relation->columns[relation->column_count]);
    }
    if (relation->with_ordinality)
        relation->columns[relation->column_count++] =
            (RelationColumn){.name = SLICE("ordinality"), .type = TYPE(BIGINT)};
    return OK;
}

static bool is_vector_search(const Node *node)
{
    const Node *call = node_item(node_item(node_field(node, "functions"), 0), 0);
    const Node *names = node_field(call, "funcname");
    return slice_equal_text(node_string(node_item(names, node_count(names) - 1)), "vector_search");
}

Status bind_function_reference(Binder *binder, Scope *scope, const Node *node, Relation **out,
                               Error *error)
{
    const Node *alias = node_field(node, "alias");
    const Node *first_call;
    Relation *relation;
    TRY(refuse_definitions(node, error));
    if (is_vector_search(node))
        return bind_vector_search(binder, scope, node, out, error);
    TRY(relation_new(binder, RELATION_FUNCTION, scope->query->depth,
                     node_location(node_item(node_item(node_field(node, "functions"), 0), 0)),
                     &relation, error));
    relation->with_ordinality = node_boolean(node, "ordinality");
    relation->lateral = true;
    bool before = scope->lateral_active;
    scope->lateral_active = true;
    Status status = collect_calls(binder, scope, node, relation, &first_call, error);
    scope->lateral_active = before;
    TRY(status);
    for (uint32_t i = 0; i < relation->function_count; i++)
        TRY(coerce_unknown_to_text(binder, &relation->functions[i], error));
    TRY(settle_columns(binder, relation, alias, first_call, error));
    *out = relation;
    return alias == NULL ? OK : relation_rename(binder, relation, alias, error);
}
