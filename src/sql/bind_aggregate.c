/* Aggregate calls. Each becomes an entry of the query whose rows it goes over (which need not be
 * the one it is written in), and a BOUND_RESULT where it stood. */
#include "sql/binder_int.h"

/* What the arguments of a call read. */
typedef struct Reads {
    uint32_t own_depth; /* of the query the call is written in */
    uint32_t depth;     /* the innermost query they read from */
    bool any;
    bool has_window;
    bool has_set;
    const BoundQuery *results_of[8]; /* queries whose aggregates stand in them */
    int32_t positions[8];            /* of those aggregates */
    uint32_t result_count;
} Reads;

static void note_depth(Reads *reads, uint32_t depth)
{
    if (depth > reads->own_depth)
        return; /* of a subquery inside the argument */
    if (!reads->any || depth > reads->depth)
        reads->depth = depth;
    reads->any = true;
}

static Status note_read(Bound **place, void *context, Error *error)
{
    (void)error;
    Reads *reads = context;
    const Bound *bound = *place;
    if (bound->kind == BOUND_COLUMN)
        note_depth(reads, bound->as.relation->depth);
    if (bound->kind == BOUND_RESULT) {
        note_depth(reads, bound->as.query->depth);
        if (reads->result_count < sizeof reads->results_of / sizeof reads->results_of[0]) {
            reads->positions[reads->result_count] = bound->position_byte;
            reads->results_of[reads->result_count++] = bound->as.query;
        }
    }
    if (bound->kind == BOUND_WINDOW)
        reads->has_window = true;
    if (bound->kind == BOUND_CALL && bound->as.function->kind == FUNCTION_SET)
        reads->has_set = true;
    return OK;
}

static Scope *scope_at(Scope *scope, uint32_t depth)
{
    while (scope->query->depth > depth && scope->parent != NULL)
        scope = scope->parent;
    return scope;
}

static Status check_reads(const Reads *reads, const BoundQuery *query, int32_t position,
                          Error *error)
{
    for (uint32_t i = 0; i < reads->result_count; i++) {
        if (reads->results_of[i] == query)
            return error_set_at(error, reads->positions[i], STATUS_GROUPING_ERROR,
                                "aggregate function calls cannot be nested");
    }
    if (reads->has_window)
        return error_set_at(error, position, STATUS_GROUPING_ERROR,
                            "aggregate function calls cannot contain window function calls");
    if (reads->has_set)
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "aggregate function calls cannot contain set-returning function "
                            "calls");
    return OK;
}

Status aggregate_add(Binder *binder, BoundQuery *query, Bound *node, Bound **out, Error *error)
{
    uint32_t index = 0;
    while (index < query->aggregates.count && !bound_equal(query->aggregates.items[index], node))
        index++;
    if (index == query->aggregates.count)
        TRY(bound_list_add(binder->arena, &query->aggregates, node, error));
    query->is_grouped = true;
    TRY(bound_new(binder, BOUND_RESULT, node->type, node->position_byte, 0, out, error));
    (*out)->as.query = query;
    (*out)->index = index;
    (*out)->scale = node->scale;
    (*out)->precision = node->precision;
    return OK;
}

/* Finds the query the aggregate belongs to, and puts it there. */
static Status place_aggregate(Binder *binder, Scope *scope, Bound *node, Bound **out, Error *error)
{
    Reads reads = {.own_depth = scope->query->depth, .depth = scope->query->depth};
    for (uint32_t i = 0; i < node->child_count; i++)
        TRY(bound_visit_all(&node->children[i], note_read, &reads, error));
    if (node->aggregate->filter != NULL)
        TRY(bound_visit_all(&node->aggregate->filter, note_read, &reads, error));
    for (uint32_t i = 0; i < node->aggregate->order_count; i++)
        TRY(bound_visit_all(&node->aggregate->order[i].value, note_read, &reads, error));
    Scope *at = scope_at(scope, reads.depth);
    TRY(check_reads(&reads, at->query, node->position_byte, error));
    TRY(clause_allows_aggregate(at->clause, node->position_byte, error));
    node->aggregate->query = at->query;
    return aggregate_add(binder, at->query, node, out, error);
}

/* ---- ORDER BY, FILTER ---- */

static Status bind_order(Binder *binder, Scope *scope, const Node *list, BoundAggregate *out,
                         Error *error)
{
    out->order_count = node_count(list);
    out->order = ARENA_ARRAY(binder->arena, BoundOrder, out->order_count);
    if (out->order == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < out->order_count; i++) {
        const Node *sort = node_item(list, i);
        Bound *value;
        TRY(bind_expression(binder, scope, node_field(sort, "node"), &value, error));
        TRY(bind_sort_key(binder, sort, value, &out->order[i], error));
    }
    return OK;
}

Status bind_filter(Binder *binder, Scope *scope, const Node *node, Bound **out, Error *error)
{
    const Node *filter = node_field(node, "agg_filter");
    *out = NULL;
    if (filter == NULL)
        return OK;
    TRY(bind_expression_in(binder, scope, CLAUSE_FILTER, filter, out, error));
    return coerce_boolean(binder, *out, "FILTER", out, error);
}

/* DISTINCT sorts by the arguments; other orders cannot be kept. */
static Status check_distinct_order(const Bound *node, Error *error)
{
    const BoundAggregate *aggregate = node->aggregate;
    for (uint32_t i = 0; aggregate->distinct && i < aggregate->order_count; i++) {
        bool found = false;
        for (uint32_t c = 0; c < node->child_count; c++)
            found = found || bound_equal(node->children[c], aggregate->order[i].value);
        if (!found)
            return error_set_at(error, aggregate->order[i].value->position_byte,
                                STATUS_INVALID_COLUMN_REFERENCE,
                                "in an aggregate with DISTINCT, ORDER BY expressions must appear "
                                "in argument list");
    }
    return OK;
}

Status check_equality_operator(Type type, int32_t position, Error *error)
{
    if (type.kind != TYPE_JSON)
        return OK;
    return error_set_at(error, position, STATUS_UNDEFINED_FUNCTION,
                        "could not identify an equality operator for type json");
}

/* ---- the call ---- */

typedef struct AggregateCall {
    const Node *node;
    Slice name;
    Bound **arguments; /* with those of WITHIN GROUP at the end */
    uint32_t count;
    BoundAggregate *aggregate;
} AggregateCall;

static Status collect_arguments(Binder *binder, Scope *scope, AggregateCall *call, Error *error)
{
    Bound **direct;
    uint32_t direct_count;
    BoundAggregate *aggregate = call->aggregate;
    TRY(bind_expressions(binder, scope, node_field(call->node, "args"), &direct, &direct_count,
                         error));
    TRY(bind_order(binder, scope, node_field(call->node, "agg_order"), aggregate, error));
    uint32_t ordered = aggregate->within_group ? aggregate->order_count : 0;
    call->count = direct_count + ordered;
    call->arguments = ARENA_ARRAY(binder->arena, Bound *, call->count);
    if (call->arguments == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < direct_count; i++)
        call->arguments[i] = direct[i];
    for (uint32_t i = 0; i < ordered; i++)
        call->arguments[direct_count + i] = aggregate->order[i].value;
    return OK;
}

static Status check_star(const AggregateCall *call, int32_t position, Error *error)
{
    if (!call->aggregate->is_star || slice_equal_text(call->name, "count"))
        return OK;
    return error_set_at(error, position, STATUS_UNDEFINED_FUNCTION,
                        "function %.*s() does not exist", SLICE_ARGUMENTS(call->name));
}

static Status check_within_group(const AggregateCall *call, const CatalogueFunction *function,
                                 int32_t position, Error *error)
{
    bool is_ordered_set = function->kind == FUNCTION_ORDERED_SET;
    if (is_ordered_set == call->aggregate->within_group)
        return OK;
    if (is_ordered_set)
        return error_set_at(error, position, STATUS_WRONG_OBJECT_TYPE,
                            "WITHIN GROUP is required for ordered-set aggregate %.*s",
                            SLICE_ARGUMENTS(call->name));
    return error_set_at(error, position, STATUS_WRONG_OBJECT_TYPE,
                        "%.*s is not an ordered-set aggregate, so it cannot have WITHIN GROUP",
                        SLICE_ARGUMENTS(call->name));
}

/* Puts the coerced arguments where they belong: WITHIN GROUP's back into the order. */
static Status spread_arguments(Binder *binder, const AggregateCall *call, Bound *made, Bound **out,
                               Error *error)
{
    BoundAggregate *aggregate = call->aggregate;
    uint32_t ordered = aggregate->within_group ? aggregate->order_count : 0;
    uint32_t direct = made->child_count - ordered;
    for (uint32_t i = 0; i < ordered; i++)
        aggregate->order[i].value = made->children[direct + i];
    TRY(bound_new(binder, BOUND_AGGREGATE, made->type, made->position_byte, 0, out, error));
    (*out)->as.function = made->as.function;
    (*out)->aggregate = aggregate;
    (*out)->children = made->children;
    (*out)->child_count = made->child_count;
    bound_settle(*out);
    (*out)->child_count = direct;
    return OK;
}

static Status check_arguments(const AggregateCall *call, const Bound *node, Error *error)
{
    bool counts_rows =
        slice_equal_text(call->name, "count") || slice_equal_text(call->name, "json_agg");
    if (!counts_rows)
        TRY(call_refuse_rows(call->name, call->arguments, call->count, node->position_byte, error));
    if (slice_equal_text(call->name, "array_agg"))
        TRY(blanks_refuse_array(node->children[0]->type, node->position_byte, error));
    for (uint32_t i = 0; call->aggregate->distinct && i < node->child_count; i++)
        TRY(check_equality_operator(node->children[i]->type, node->position_byte, error));
    return check_distinct_order(node, error);
}

static Status resolve_aggregate(Binder *binder, AggregateCall *call, int32_t position, Bound **out,
                                Error *error)
{
    Resolution resolution;
    TRY(check_star(call, position, error));
    TRY(resolve_function(call->name, call->arguments, call->count, position, &resolution, error));
    TRY(check_within_group(call, resolution.function, position, error));
    Bound *made;
    TRY(call_make(binder, &resolution, call->arguments, call->count, position, &made, error));
    TRY(spread_arguments(binder, call, made, out, error));
    return check_arguments(call, *out, error);
}

Status bind_aggregate_call(Binder *binder, Scope *scope, const Node *node, Bound **out,
                           Error *error)
{
    BoundAggregate *aggregate = ARENA_NEW(binder->arena, BoundAggregate);
    if (aggregate == NULL)
        return arena_error(binder->arena, error);
    aggregate->is_star = node_boolean(node, "agg_star");
    aggregate->distinct = node_boolean(node, "agg_distinct");
    aggregate->within_group = node_boolean(node, "agg_within_group");
    const Node *names = node_field(node, "funcname");
    AggregateCall call = {.node = node,
                          .name = node_string(node_item(names, node_count(names) - 1)),
                          .aggregate = aggregate};
    Bound *made;
    TRY(collect_arguments(binder, scope, &call, error));
    TRY(bind_filter(binder, scope, node, &aggregate->filter, error));
    TRY(resolve_aggregate(binder, &call, node_location(node), &made, error));
    return place_aggregate(binder, scope, made, out, error);
}

/* ---- GROUPING(…) ---- */

Status bind_grouping_call(Binder *binder, Scope *scope, const Node *node, Bound **out, Error *error)
{
    Bound *grouping;
    int32_t position = node_location(node);
    TRY(clause_allows_aggregate(scope->clause, position, error));
    TRY(bound_new(binder, BOUND_GROUPING, TYPE(INTEGER), position, 0, &grouping, error));
    TRY(bind_expressions(binder, scope, node_field(node, "args"), &grouping->children,
                         &grouping->child_count, error));
    if (grouping->child_count > 31)
        return error_set_at(error, position, STATUS_TOO_MANY_ARGUMENTS,
                            "GROUPING must have fewer than 32 arguments");
    return aggregate_add(binder, scope->query, grouping, out, error);
}
