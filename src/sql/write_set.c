/* Functions that give sets: as lists that are unnested. */
#include "sql/writer_int.h"

Status write_set_argument(Writer *writer, const Bound *call, uint32_t i, Error *error)
{
    const Bound *child = call->children[i];
    bool is_step = i == 2 && type_is_integer(child->type);
    if (!is_step)
        return write_expression(writer, child, error);
    if (child->kind == BOUND_CONSTANT && !child->as.constant.is_null &&
        child->as.constant.as.integer == 0)
        return error_set_at(error, call->position_byte, STATUS_INVALID_PARAMETER_VALUE,
                            "step size cannot equal zero");
    if (child->kind == BOUND_CONSTANT)
        return write_expression(writer, child, error);
    put(writer, "pg_step(");
    TRY(write_expression(writer, child, error));
    put(writer, ")");
    return OK;
}

static Status write_series_list(Writer *writer, const Bound *call, Error *error)
{
    bool is_number = type_is_integer(call->type);
    put(writer, is_number ? "CAST(generate_series(" : "generate_series(");
    for (uint32_t i = 0; i < call->child_count; i++) {
        put(writer, i == 0 ? "" : ", ");
        TRY(write_set_argument(writer, call, i, error));
    }
    put(writer, ")");
    if (is_number) {
        put(writer, " AS ");
        put_type(writer, (Type){.kind = TYPE_ARRAY, .element = call->type.kind}, 0, 0);
        put(writer, ")");
    }
    return OK;
}

Status write_set_list(Writer *writer, const Bound *call, Error *error)
{
    switch ((FunctionWriter)call->as.function->writer) {
    case WRITE_SERIES:
        return write_series_list(writer, call, error);
    case WRITE_REGEX_SPLIT:
        return write_regex_call(writer, call, error);
    default:
        return write_list_template(writer, call, error);
    }
}

/* In a select list. */
Status write_set_call(Writer *writer, const Bound *call, Error *error)
{
    const SetColumn *fixed;
    if (catalogue_set_columns(call->as.function, &fixed) > 0)
        return error_unwritable(call, error, "a function that gives rows in a select list");
    put(writer, "unnest(");
    TRY(write_set_list(writer, call, error));
    put(writer, ")");
    return OK;
}
