/* ARRAY[…], subscripts and slices. Arrays have one dimension. */
#include "sql/binder_int.h"

static Status refuse_nested(const Bound *element, Error *error)
{
    if (element->type.kind == TYPE_ARRAY)
        return error_set_at(error, element->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                            "arrays of more than one dimension are not supported");
    if (element->type.kind == TYPE_RECORD || element->type.kind == TYPE_VECTOR)
        return error_set_at(error, element->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                            "arrays of rows or vectors are not supported");
    return blanks_refuse_array(element->type, element->position_byte, error);
}

static Status make_array(Binder *binder, Bound **elements, uint32_t count, Type element,
                         int32_t position, Bound **out, Error *error)
{
    Type type = {.kind = TYPE_ARRAY, .element = element.kind};
    TRY(bound_new(binder, BOUND_ARRAY, type, position, 0, out, error));
    (*out)->children = elements;
    (*out)->child_count = count;
    return OK;
}

Status bind_array(Binder *binder, Scope *scope, const Node *node, Bound **out, Error *error)
{
    Bound **elements;
    uint32_t count;
    Type type;
    int32_t position = node_location(node);
    TRY(bind_expressions(binder, scope, node_field(node, "elements"), &elements, &count, error));
    if (count == 0) {
        error_set_at(error, position, STATUS_INDETERMINATE_DATATYPE,
                     "cannot determine type of empty array");
        error_set_hint(error,
                       "Explicitly cast to the desired type, for example ARRAY[]::integer[].");
        return error->status;
    }
    for (uint32_t i = 0; i < count; i++)
        TRY(refuse_nested(elements[i], error));
    TRY(common_type(elements, count, "ARRAY", &type, error));
    TRY(coerce_all(binder, elements, count, &type, "ARRAY", error));
    return make_array(binder, elements, count, type, position, out, error);
}

Status bind_array_as(Binder *binder, Scope *scope, const Node *node, Type type, Bound **out,
                     Error *error)
{
    Bound **elements;
    uint32_t count;
    Type element = type_of_element(type);
    TRY(bind_expressions(binder, scope, node_field(node, "elements"), &elements, &count, error));
    for (uint32_t i = 0; i < count; i++) {
        TRY(refuse_nested(elements[i], error));
        TRY(coerce_explicit(binder, elements[i], element, elements[i]->position_byte, &elements[i],
                            error));
    }
    return make_array(binder, elements, count, element, node_location(node), out, error);
}

/* ---- subscripts ---- */

static Status bind_index(Binder *binder, Scope *scope, const Node *node, Bound **out, Error *error)
{
    *out = NULL;
    if (node == NULL)
        return OK;
    Bound *index;
    TRY(bind_expression(binder, scope, node, &index, error));
    if (!coerce_is_possible(index, TYPE(INTEGER), CAST_ASSIGNMENT) || type_is_text(index->type))
        return error_set_at(error, index->position_byte, STATUS_DATATYPE_MISMATCH,
                            "array subscript must have type integer");
    return coerce(binder, index, TYPE(INTEGER), CAST_ASSIGNMENT, index->position_byte, out, error);
}

static Status slice_of_array(Binder *binder, Scope *scope, Bound *array, const Node *node,
                             Bound **out, Error *error)
{
    Bound *bound;
    TRY(bound_new(binder, BOUND_SLICE, array->type, array->position_byte, 3, &bound, error));
    bound->children[0] = array;
    TRY(bind_index(binder, scope, node_field(node, "lidx"), &bound->children[1], error));
    TRY(bind_index(binder, scope, node_field(node, "uidx"), &bound->children[2], error));
    *out = bound;
    return OK;
}

static Status element_of_array(Binder *binder, Scope *scope, Bound *array, const Node *node,
                               Bound **out, Error *error)
{
    Bound *bound;
    TRY(bound_new(binder, BOUND_SUBSCRIPT, type_of_element(array->type), array->position_byte, 2,
                  &bound, error));
    bound->children[0] = array;
    TRY(bind_index(binder, scope, node_field(node, "uidx"), &bound->children[1], error));
    bound_settle(bound);
    *out = bound;
    return OK;
}

/* jsonb['a'] and jsonb[0] are jsonb -> 'a' and -> 0. */
static Status element_of_json(Binder *binder, Scope *scope, Bound *json, const Node *node,
                              Bound **out, Error *error)
{
    Bound *index;
    TRY(bind_expression(binder, scope, node_field(node, "uidx"), &index, error));
    return bind_operator(binder, SLICE("->"), json, index, json->position_byte, out, error);
}

static Status apply_subscript(Binder *binder, Scope *scope, Bound *base, const Node *node,
                              Bound **out, Error *error)
{
    bool is_slice = node_boolean(node, "is_slice");
    if (base->type.kind == TYPE_JSONB && !is_slice)
        return element_of_json(binder, scope, base, node, out, error);
    if (base->type.kind != TYPE_ARRAY) {
        char type[TYPE_NAME_BYTES_MAX];
        type_postgres_name(type_plain(base->type), type);
        return error_set_at(error, base->position_byte, STATUS_DATATYPE_MISMATCH,
                            "cannot subscript type %s because it does not support subscripting",
                            type);
    }
    if (base->kind == BOUND_SUBSCRIPT || base->kind == BOUND_SLICE)
        return error_set_at(error, base->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                            "subscripts of more than one dimension are not supported");
    return is_slice ? slice_of_array(binder, scope, base, node, out, error)
                    : element_of_array(binder, scope, base, node, out, error);
}

/* (row).field of a table's row. */
static Status apply_field(Bound *base, const Node *node, Bound **out, Error *error)
{
    Slice name = node_string(node);
    for (uint32_t i = 0; base->kind == BOUND_ROW && i < base->child_count; i++) {
        if (base->field_names != NULL && slice_equal(base->field_names[i], name)) {
            *out = base->children[i];
            return OK;
        }
    }
    char type[TYPE_NAME_BYTES_MAX];
    type_postgres_name(type_plain(base->type), type);
    if (base->kind == BOUND_ROW)
        return error_set_at(error, base->position_byte, STATUS_UNDEFINED_COLUMN,
                            "could not identify column \"%.*s\" in record data type",
                            SLICE_ARGUMENTS(name));
    return error_set_at(error, base->position_byte, STATUS_WRONG_OBJECT_TYPE,
                        "column notation .%.*s applied to type %s, which is not a composite type",
                        SLICE_ARGUMENTS(name), type);
}

Status bind_indirection(Binder *binder, Scope *scope, const Node *node, Bound **out, Error *error)
{
    const Node *steps = node_field(node, "indirection");
    TRY(bind_expression(binder, scope, node_field(node, "arg"), out, error));
    for (uint32_t i = 0; i < node_count(steps); i++) {
        const Node *step = node_item(steps, i);
        if (node_is(step, "A_Indices"))
            TRY(apply_subscript(binder, scope, *out, step, out, error));
        else if (node_is(step, "String"))
            TRY(apply_field(*out, step, out, error));
        else
            return error_set_at(error, node_location(node_field(node, "arg")),
                                STATUS_FEATURE_NOT_SUPPORTED,
                                "row expansion via \"*\" is not supported here");
    }
    return OK;
}
