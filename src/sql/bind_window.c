/* Window functions: OVER, WINDOW, frames. */
#include "sql/binder_int.h"

/* frameOptions of PostgreSQL's WindowDef. */
enum FrameOption {
    FRAME_OPTION_NONDEFAULT = 0x1,
    FRAME_OPTION_ROWS = 0x4,
    FRAME_OPTION_GROUPS = 0x8,
    FRAME_OPTION_START_UNBOUNDED_PRECEDING = 0x20,
    FRAME_OPTION_END_UNBOUNDED_FOLLOWING = 0x100,
    FRAME_OPTION_START_CURRENT_ROW = 0x200,
    FRAME_OPTION_END_CURRENT_ROW = 0x400,
    FRAME_OPTION_START_OFFSET_PRECEDING = 0x800,
    FRAME_OPTION_END_OFFSET_PRECEDING = 0x1000,
    FRAME_OPTION_START_OFFSET_FOLLOWING = 0x2000,
    FRAME_OPTION_END_OFFSET_FOLLOWING = 0x4000,
    FRAME_OPTION_EXCLUDE_CURRENT_ROW = 0x8000,
    FRAME_OPTION_EXCLUDE_GROUP = 0x10000,
    FRAME_OPTION_EXCLUDE_TIES = 0x20000,
};

static FrameBound frame_start(int64_t options)
{
    if (options & FRAME_OPTION_START_OFFSET_PRECEDING)
        return FRAME_OFFSET_PRECEDING;
    if (options & FRAME_OPTION_START_OFFSET_FOLLOWING)
        return FRAME_OFFSET_FOLLOWING;
    if (options & FRAME_OPTION_START_CURRENT_ROW)
        return FRAME_CURRENT_ROW;
    return options & FRAME_OPTION_START_UNBOUNDED_PRECEDING ? FRAME_UNBOUNDED_PRECEDING
                                                            : FRAME_UNBOUNDED_FOLLOWING;
}

static FrameBound frame_end(int64_t options)
{
    if (options & FRAME_OPTION_END_OFFSET_PRECEDING)
        return FRAME_OFFSET_PRECEDING;
    if (options & FRAME_OPTION_END_OFFSET_FOLLOWING)
        return FRAME_OFFSET_FOLLOWING;
    if (options & FRAME_OPTION_END_CURRENT_ROW)
        return FRAME_CURRENT_ROW;
    return options & FRAME_OPTION_END_UNBOUNDED_FOLLOWING ? FRAME_UNBOUNDED_FOLLOWING
                                                          : FRAME_UNBOUNDED_PRECEDING;
}

/* What RANGE adds to the ORDER BY column. */
static bool range_type(Type order, Type *out)
{
    *out = type_plain(order);
    switch (order.kind) {
    case TYPE_SMALLINT:
    case TYPE_INTEGER:
    case TYPE_BIGINT:
    case TYPE_DECIMAL:
        return true;
    case TYPE_REAL:
    case TYPE_DOUBLE:
        *out = TYPE(DOUBLE);
        return true;
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMPTZ:
        *out = TYPE(INTERVAL);
        return true;
    default:
        return false;
    }
}

static Status offset_type(const WindowDefinition *window, int32_t position, Type *out, Error *error)
{
    *out = TYPE(BIGINT);
    if (window->mode != FRAME_RANGE)
        return OK;
    if (window->order_count != 1)
        return error_set_at(error, position, STATUS_WINDOWING_ERROR,
                            "RANGE with offset PRECEDING/FOLLOWING requires exactly one ORDER BY "
                            "column");
    Type order = window->order[0].value->type;
    if (range_type(order, out))
        return OK;
    char name[TYPE_NAME_BYTES_MAX];
    type_postgres_name(type_plain(order), name);
    return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                        "RANGE with offset PRECEDING/FOLLOWING is not supported for column type "
                        "%s",
                        name);
}

static Status bind_offset(Binder *binder, Scope *scope, const WindowDefinition *window,
                          const Node *node, Bound **out, Error *error)
{
    static const char *const MODES[] = {"RANGE", "ROWS", "GROUPS"};
    if (node == NULL)
        return OK;
    Type type;
    TRY(bind_expression_in(binder, scope, CLAUSE_WINDOW_FRAME, node, out, error));
    TRY(offset_type(window, (*out)->position_byte, &type, error));
    if (bound_reads_columns(*out))
        return error_set_at(error, (*out)->position_byte, STATUS_INVALID_COLUMN_REFERENCE,
                            "argument of %s must not contain variables", MODES[window->mode]);
    return coerce_to(binder, *out, type, MODES[window->mode], out, error);
}

static Status bind_frame(Binder *binder, Scope *scope, const Node *node, WindowDefinition *window,
                         Error *error)
{
    int64_t options = node_integer(node, "frameOptions", 0);
    window->has_frame = options & FRAME_OPTION_NONDEFAULT;
    window->mode = options & FRAME_OPTION_ROWS     ? FRAME_ROWS
                   : options & FRAME_OPTION_GROUPS ? FRAME_GROUPS
                                                   : FRAME_RANGE;
    window->start = frame_start(options);
    window->end = frame_end(options);
    window->exclusion = options & FRAME_OPTION_EXCLUDE_CURRENT_ROW ? EXCLUDE_CURRENT_ROW
                        : options & FRAME_OPTION_EXCLUDE_GROUP     ? EXCLUDE_GROUP
                        : options & FRAME_OPTION_EXCLUDE_TIES      ? EXCLUDE_TIES
                                                                   : EXCLUDE_NOTHING;
    if (window->mode == FRAME_GROUPS && window->order_count == 0)
        return error_set_at(error, node_location(node), STATUS_WINDOWING_ERROR,
                            "GROUPS mode requires an ORDER BY clause");
    TRY(bind_offset(binder, scope, window, node_field(node, "startOffset"), &window->start_offset,
                    error));
    return bind_offset(binder, scope, window, node_field(node, "endOffset"), &window->end_offset,
                       error);
}

/* ---- definitions ---- */

static Status find_window(const Scope *scope, Slice name, int32_t position, WindowDefinition **out,
                          Error *error)
{
    const BoundQuery *query = scope->query;
    for (uint32_t i = 0; i < query->window_count; i++) {
        if (slice_equal(query->windows[i]->name, name)) {
            *out = query->windows[i];
            return OK;
        }
    }
    return error_set_at(error, position, STATUS_UNDEFINED_OBJECT, "window \"%.*s\" does not exist",
                        SLICE_ARGUMENTS(name));
}

static Status bind_partition(Binder *binder, Scope *scope, const Node *list,
                             WindowDefinition *window, Error *error)
{
    window->partition_count = node_count(list);
    window->partition = ARENA_ARRAY(binder->arena, Bound *, window->partition_count);
    if (window->partition == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < window->partition_count; i++) {
        TRY(bind_expression_in(binder, scope, CLAUSE_WINDOW, node_item(list, i),
                               &window->partition[i], error));
        TRY(coerce_unknown_to_text(binder, &window->partition[i], error));
        TRY(check_equality_operator(window->partition[i]->type, window->partition[i]->position_byte,
                                    error));
    }
    return OK;
}

static Status bind_window_order(Binder *binder, Scope *scope, const Node *list,
                                WindowDefinition *window, Error *error)
{
    window->order_count = node_count(list);
    window->order = ARENA_ARRAY(binder->arena, BoundOrder, window->order_count);
    if (window->order == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < window->order_count; i++) {
        const Node *sort = node_item(list, i);
        Bound *value;
        TRY(bind_expression_in(binder, scope, CLAUSE_WINDOW, node_field(sort, "node"), &value,
                               error));
        TRY(bind_sort_key(binder, sort, value, &window->order[i], error));
    }
    return OK;
}

/* WINDOW w2 AS (w ORDER BY x): what may be added to a named window. */
static Status inherit(const WindowDefinition *base, const Node *node, WindowDefinition *window,
                      Error *error)
{
    int32_t position = node_location(node);
    if (node_count(node_field(node, "partitionClause")) > 0)
        return error_set_at(error, position, STATUS_WINDOWING_ERROR,
                            "cannot override PARTITION BY clause of window \"%.*s\"",
                            SLICE_ARGUMENTS(base->name));
    if (node_count(node_field(node, "orderClause")) > 0 && base->order_count > 0)
        return error_set_at(error, position, STATUS_WINDOWING_ERROR,
                            "cannot override ORDER BY clause of window \"%.*s\"",
                            SLICE_ARGUMENTS(base->name));
    if (base->has_frame)
        return error_set_at(error, position, STATUS_WINDOWING_ERROR,
                            "cannot copy window \"%.*s\" because it has a frame clause",
                            SLICE_ARGUMENTS(base->name));
    window->partition = base->partition;
    window->partition_count = base->partition_count;
    if (base->order_count > 0) {
        window->order = base->order;
        window->order_count = base->order_count;
    }
    return OK;
}

Status bind_window_definition(Binder *binder, Scope *scope, const Node *node,
                              WindowDefinition **out, Error *error)
{
    WindowDefinition *window = ARENA_NEW(binder->arena, WindowDefinition);
    if (window == NULL)
        return arena_error(binder->arena, error);
    window->name = node_text(node, "name");
    TRY(bind_partition(binder, scope, node_field(node, "partitionClause"), window, error));
    TRY(bind_window_order(binder, scope, node_field(node, "orderClause"), window, error));
    Slice base_name = node_text(node, "refname");
    if (base_name.size > 0) {
        WindowDefinition *base;
        TRY(find_window(scope, base_name, node_location(node), &base, error));
        TRY(inherit(base, node, window, error));
    }
    TRY(bind_frame(binder, scope, node, window, error));
    *out = window;
    return OK;
}

Status bind_window_clause(Binder *binder, Scope *scope, const Node *list, Error *error)
{
    BoundQuery *query = scope->query;
    for (uint32_t i = 0; i < node_count(list); i++) {
        const Node *node = node_item(list, i);
        Slice name = node_text(node, "name");
        WindowDefinition *window;
        for (uint32_t w = 0; w < query->window_count; w++) {
            if (slice_equal(query->windows[w]->name, name))
                return error_set_at(error, node_location(node), STATUS_WINDOWING_ERROR,
                                    "window \"%.*s\" is already defined", SLICE_ARGUMENTS(name));
        }
        TRY(bind_window_definition(binder, scope, node, &window, error));
        TRY(list_grow(binder->arena, (void **)&query->windows, query->window_count,
                      &query->window_capacity, sizeof window, error));
        query->windows[query->window_count++] = window;
    }
    return OK;
}

/* ---- calls ---- */

static Status find_window_inside(Bound **place, void *context, Error *error)
{
    const int32_t *position = context;
    if ((*place)->kind != BOUND_WINDOW)
        return OK;
    return error_set_at(error, *position, STATUS_WINDOWING_ERROR,
                        "window function calls cannot be nested");
}

static Status bind_over(Binder *binder, Scope *scope, const Node *over, WindowDefinition **out,
                        Error *error)
{
    Slice name = node_text(over, "name");
    if (name.size > 0)
        return find_window(scope, name, node_location(over), out, error);
    return bind_window_definition(binder, scope, over, out, error);
}

static Status refuse_in_window(const Node *node, Error *error)
{
    int32_t position = node_location(node);
    if (node_boolean(node, "agg_distinct"))
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "DISTINCT is not implemented for window functions");
    if (node_boolean(node, "agg_within_group"))
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "OVER is not supported for ordered-set aggregates");
    if (node_count(node_field(node, "agg_order")) > 0)
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "aggregate ORDER BY is not implemented for window functions");
    return OK;
}

static Status make_window(Binder *binder, Scope *scope, const Node *node, const Bound *call,
                          Bound **out, Error *error)
{
    BoundWindow *window = ARENA_NEW(binder->arena, BoundWindow);
    if (window == NULL)
        return arena_error(binder->arena, error);
    window->is_aggregate = call->as.function->kind == FUNCTION_AGGREGATE;
    window->is_star = node_boolean(node, "agg_star");
    if (node_field(node, "agg_filter") != NULL && !window->is_aggregate)
        return error_set_at(error, call->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                            "FILTER is not implemented for non-aggregate window functions");
    TRY(bind_filter(binder, scope, node, &window->filter, error));
    TRY(bind_over(binder, scope, node_field(node, "over"), &window->definition, error));
    TRY(bound_new(binder, BOUND_WINDOW, call->type, call->position_byte, 0, out, error));
    (*out)->as.function = call->as.function;
    (*out)->children = call->children;
    (*out)->child_count = call->child_count;
    (*out)->window = window;
    bound_settle(*out);
    scope->query->has_windows = true;
    return OK;
}

Status bind_window_call(Binder *binder, Scope *scope, const Node *node, Slice name, Bound **out,
                        Error *error)
{
    Bound **arguments;
    uint32_t count;
    Resolution resolution;
    int32_t position = node_location(node);
    TRY(bind_expressions(binder, scope, node_field(node, "args"), &arguments, &count, error));
    for (uint32_t i = 0; i < count; i++)
        TRY(bound_visit_all(&arguments[i], find_window_inside, &position, error));
    TRY(refuse_in_window(node, error));
    if (node_boolean(node, "agg_star") && !slice_equal_text(name, "count"))
        return error_set_at(error, position, STATUS_UNDEFINED_FUNCTION,
                            "function %.*s() does not exist", SLICE_ARGUMENTS(name));
    TRY(resolve_function(name, arguments, count, position, &resolution, error));
    if (resolution.function->kind == FUNCTION_ORDERED_SET)
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "OVER is not supported for ordered-set aggregate %.*s",
                            SLICE_ARGUMENTS(name));
    TRY(clause_allows_window(scope->clause, position, error));
    Bound *call;
    TRY(call_refuse_rows(name, arguments, count, position, error));
    TRY(call_make(binder, &resolution, arguments, count, position, &call, error));
    return make_window(binder, scope, node, call, out, error);
}
