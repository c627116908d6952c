/* Literals. */
#include "sql/binder_int.h"

/* Digits with a point or an exponent, or too many for an INTEGER: BIGINT where it fits, else
 * numeric. */
static Status bind_number(Binder *binder, Slice text, int32_t position, Bound **out, Error *error)
{
    int64_t integer;
    if (slice_to_int64(text, &integer)) {
        TypeKind kind = integer == (int32_t)integer ? TYPE_INTEGER : TYPE_BIGINT;
        return bound_constant(binder, TYPE_OF_KIND(kind), value_integer(kind, integer), position,
                              out, error);
    }
    Value value;
    Status status = value_from_text(binder->arena, TYPE(DECIMAL), text, &value, error);
    if (status == STATUS_NUMERIC_VALUE_OUT_OF_RANGE) {
        /* 1e300 is still good where a float is wanted. */
        TRY(bound_constant(binder, TYPE(UNKNOWN), value_bytes(TYPE_UNKNOWN, text), position, out,
                           error));
        (*out)->is_huge_number = true;
        return OK;
    }
    if (status != OK) {
        error->position_byte = position;
        return status;
    }
    return bound_constant(binder, TYPE(DECIMAL), value, position, out, error);
}

Status bind_constant(Binder *binder, const Node *node, Bound **out, Error *error)
{
    int32_t position = node_location(node);
    const Node *part;
    if (node_boolean(node, "isnull"))
        return bound_constant(binder, TYPE(UNKNOWN), value_null(TYPE_UNKNOWN), position, out,
                              error);
    if ((part = node_field(node, "ival")) != NULL)
        return bound_constant(binder, TYPE(INTEGER),
                              value_integer(TYPE_INTEGER, node_integer(part, "ival", 0)), position,
                              out, error);
    if ((part = node_field(node, "fval")) != NULL)
        return bind_number(binder, node_text(part, "fval"), position, out, error);
    if ((part = node_field(node, "boolval")) != NULL)
        return bound_boolean(binder, node_boolean(part, "boolval"), position, out, error);
    if ((part = node_field(node, "sval")) != NULL)
        return bound_constant(binder, TYPE(UNKNOWN),
                              value_bytes(TYPE_UNKNOWN, node_text(part, "sval")), position, out,
                              error);
    return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                        "bit strings are not supported");
}
