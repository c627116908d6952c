/* Window functions and their frames. */
#include "sql/writer_int.h"

static Status write_partition(Writer *writer, const WindowDefinition *window, Error *error)
{
    for (uint32_t i = 0; i < window->partition_count; i++) {
        put(writer, i == 0 ? "PARTITION BY " : ", ");
        TRY(write_key(writer, window->partition[i], error));
    }
    return OK;
}

static Status write_bound_of_frame(Writer *writer, FrameBound bound, const Bound *offset,
                                   Error *error)
{
    switch (bound) {
    case FRAME_UNBOUNDED_PRECEDING:
        put(writer, "UNBOUNDED PRECEDING");
        return OK;
    case FRAME_UNBOUNDED_FOLLOWING:
        put(writer, "UNBOUNDED FOLLOWING");
        return OK;
    case FRAME_CURRENT_ROW:
        put(writer, "CURRENT ROW");
        return OK;
    case FRAME_OFFSET_PRECEDING:
    case FRAME_OFFSET_FOLLOWING:
        TRY(write_expression(writer, offset, error));
        put(writer, bound == FRAME_OFFSET_PRECEDING ? " PRECEDING" : " FOLLOWING");
        return OK;
    }
    UNREACHABLE();
}

static Status check_frame(const WindowDefinition *window, Error *error)
{
    const Bound *offsets[2] = {window->start_offset, window->end_offset};
    for (int i = 0; i < 2; i++) {
        const Bound *offset = offsets[i];
        if (offset == NULL || offset->kind != BOUND_CONSTANT)
            continue;
        bool is_negative = type_is_integer(offset->type) && !offset->as.constant.is_null &&
                           offset->as.constant.as.integer < 0;
        if (is_negative)
            return error_set_at(error, offset->position_byte, STATUS_INVALID_PARAMETER_VALUE,
                                "frame %s offset must not be negative",
                                i == 0 ? "starting" : "ending");
    }
    bool by_key = window->mode == FRAME_RANGE && window->order_count == 1 &&
                  needs_key(window->order[0].value) && (offsets[0] != NULL || offsets[1] != NULL);
    if (by_key)
        return error_unwritable(window->order[0].value, error,
                                "RANGE with an offset over such numbers");
    return OK;
}

static Status write_frame(Writer *writer, const WindowDefinition *window, Error *error)
{
    static const char *const MODES[] = {"RANGE", "ROWS", "GROUPS"};
    static const char *const EXCLUSIONS[] = {"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP",
                                             " EXCLUDE TIES"};
    if (!window->has_frame)
        return OK;
    TRY(check_frame(window, error));
    put_format(writer, " %s BETWEEN ", MODES[window->mode]);
    TRY(write_bound_of_frame(writer, window->start, window->start_offset, error));
    put(writer, " AND ");
    TRY(write_bound_of_frame(writer, window->end, window->end_offset, error));
    put(writer, EXCLUSIONS[window->exclusion]);
    return OK;
}

static Status write_over(Writer *writer, const WindowDefinition *window, Error *error)
{
    put(writer, " OVER (");
    TRY(write_partition(writer, window, error));
    TRY(write_order(writer, window->order, window->order_count, error));
    TRY(write_frame(writer, window, error));
    put(writer, ")");
    return OK;
}

Status write_suffix(Writer *writer, const Bound *call, Error *error)
{
    const Bound *filter = call->aggregate != NULL ? call->aggregate->filter
                          : call->window != NULL  ? call->window->filter
                                                  : NULL;
    if (filter != NULL) {
        put(writer, " FILTER (WHERE ");
        TRY(write_condition(writer, filter, error));
        put(writer, ")");
    }
    return call->window != NULL ? write_over(writer, call->window->definition, error) : OK;
}

/* ---- functions ---- */

static Status write_arguments(Writer *writer, const Bound *call, Error *error)
{
    put_format(writer, "%s(", call->as.function->engine);
    for (uint32_t i = 0; i < call->child_count; i++) {
        const Bound *child = call->children[i];
        if (i > 0)
            put(writer, ", ");
        TRY(write_as(writer, child, child->type, i == 1 ? child->scale : call->scale,
                     call->precision, error));
    }
    put(writer, ")");
    return write_suffix(writer, call, error);
}

/* lag(x, n, default): the default in the form of x. */
static Status write_plain(Writer *writer, const Bound *call, Error *error)
{
    if (call->child_count > 2 && call->type.kind == TYPE_DECIMAL &&
        call->scale != call->children[2]->scale)
        return error_unwritable(call, error, "a default of another scale than the values");
    return write_arguments(writer, call, error);
}

static Status write_ntile(Writer *writer, const Bound *call, Error *error)
{
    put(writer, "CAST(");
    TRY(write_arguments(writer, call, error));
    put(writer, " AS INTEGER)");
    return OK;
}

/* DuckDB gives NULL for the row 0. */
static Status write_nth_value(Writer *writer, const Bound *call, Error *error)
{
    const Bound *number = call->children[1];
    if (number->kind != BOUND_CONSTANT)
        return error_unwritable(call, error, "nth_value with a number that is not a constant");
    if (!number->as.constant.is_null && number->as.constant.as.integer <= 0)
        return error_set_at(error, call->position_byte, STATUS_INVALID_PARAMETER_VALUE,
                            "argument of nth_value must be greater than zero");
    return write_arguments(writer, call, error);
}

Status write_window(Writer *writer, const Bound *call, Error *error)
{
    switch ((FunctionWriter)call->as.function->writer) {
    case WRITE_NTILE:
        return write_ntile(writer, call, error);
    case WRITE_NTH_VALUE:
        return write_nth_value(writer, call, error);
    case WRITE_WINDOW:
        return write_plain(writer, call, error);
    default:
        return write_aggregate(writer, call, error);
    }
}
