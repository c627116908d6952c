/* IN lists, and comparisons with ANY or ALL of an array. */
#include "sql/binder_int.h"

static bool is_any(const Node *node)
{
    return slice_equal_text(node_text(node, "kind"), "AEXPR_OP_ANY");
}

static Slice operator_of(const Node *node)
{
    const Node *names = node_field(node, "name");
    return node_string(node_item(names, node_count(names) - 1));
}

/* ---- IN (…) ---- */

/* PostgreSQL gives the constants of a list one type, the left side's view included. */
static Status unify_list(Binder *binder, const Bound *left, Bound **items, uint32_t count,
                         Error *error)
{
    Bound **fixed = ARENA_ARRAY(binder->arena, Bound *, count + 1);
    if (fixed == NULL)
        return arena_error(binder->arena, error);
    uint32_t fixed_count = 0;
    fixed[fixed_count++] = (Bound *)(uintptr_t)left;
    for (uint32_t i = 0; i < count; i++) {
        if (!bound_reads_columns(items[i]))
            fixed[fixed_count++] = items[i];
    }
    Type type;
    TRY(common_type(fixed, fixed_count, NULL, &type, error));
    if (fixed_count < 3 || type.kind == TYPE_UNKNOWN || type.kind == TYPE_RECORD)
        return OK;
    for (uint32_t i = 0; i < count; i++) {
        if (!bound_reads_columns(items[i]))
            TRY(coerce(binder, items[i], type, CAST_IMPLICIT, items[i]->position_byte, &items[i],
                       error));
    }
    return OK;
}

static bool same_types(Type a, Type b)
{
    return a.kind == b.kind && a.element == b.element;
}

/* One IN node, where all comparisons see the left side as the same type; *out NULL otherwise. */
static Status make_in(Binder *binder, Bound *left, Bound **items, uint32_t count, bool negated,
                      int32_t position, Bound **out, Error *error)
{
    Resolution resolution;
    Type before = TYPE(VOID);
    Type left_type = TYPE(VOID);
    *out = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || !same_types(items[i]->type, before)) {
            before = items[i]->type;
            TRY(resolve_operator(SLICE("="), left, items[i], position, &resolution, error));
            if (!(resolution.function->flags & FUNCTION_COMPARISON))
                return OK;
            if (i > 0 && !same_types(resolution.arguments[0], left_type))
                return OK;
            left_type = resolution.arguments[0];
        }
        TRY(coerce(binder, items[i], resolution.arguments[1], CAST_IMPLICIT,
                   items[i]->position_byte, &items[i], error));
    }
    Bound *bound;
    TRY(bound_new(binder, BOUND_IN, TYPE(BOOLEAN), position, count + 1, &bound, error));
    TRY(coerce(binder, left, left_type, CAST_IMPLICIT, left->position_byte, &bound->children[0],
               error));
    for (uint32_t i = 0; i < count; i++)
        bound->children[i + 1] = items[i];
    bound->negated = negated;
    *out = bound;
    return OK;
}

static Status one_comparison(Binder *binder, const Bound *left, Bound *item, bool negated,
                             int32_t position, Bound **out, Error *error)
{
    Bound *copy;
    Slice name = negated ? SLICE("<>") : SLICE("=");
    TRY(bound_clone(binder, left, &copy, error));
    if (copy->kind == BOUND_ROW && item->kind == BOUND_ROW)
        return bind_row_comparison(binder, name, copy, item, position, out, error);
    return bind_operator(binder, name, copy, item, position, out, error);
}

static Status make_chain(Binder *binder, const Bound *left, Bound **items, uint32_t count,
                         bool negated, int32_t position, Bound **out, Error *error)
{
    if (count == 1)
        return one_comparison(binder, left, items[0], negated, position, out, error);
    Bound *chain;
    TRY(bound_new(binder, negated ? BOUND_AND : BOUND_OR, TYPE(BOOLEAN), position, count, &chain,
                  error));
    for (uint32_t i = 0; i < count; i++)
        TRY(one_comparison(binder, left, items[i], negated, position, &chain->children[i], error));
    *out = chain;
    return OK;
}

Status bind_in_list(Binder *binder, Scope *scope, const Node *node, Bound **out, Error *error)
{
    Bound *left;
    Bound **items;
    uint32_t count;
    int32_t position = node_location(node);
    bool negated = slice_equal_text(operator_of(node), "<>");
    TRY(bind_expression(binder, scope, node_field(node, "lexpr"), &left, error));
    TRY(bind_expressions(binder, scope, node_field(node, "rexpr"), &items, &count, error));
    if (left->kind == BOUND_ROW)
        return make_chain(binder, left, items, count, negated, position, out, error);
    TRY(unify_list(binder, left, items, count, error));
    TRY(make_in(binder, left, items, count, negated, position, out, error));
    if (*out != NULL)
        return OK;
    return make_chain(binder, left, items, count, negated, position, out, error);
}

/* ---- op ANY (array) ---- */

static Status operand(Binder *binder, uint32_t number, const Bound *like, Bound **out, Error *error)
{
    TRY(bound_new(binder, BOUND_OPERAND, like->type, like->position_byte, 0, out, error));
    (*out)->index = number;
    (*out)->scale = like->scale;
    (*out)->precision = like->precision;
    return OK;
}

Status make_test(Binder *binder, const Resolution *resolution, const Bound *left,
                 const Bound *right, int32_t position, Bound **out, Error *error)
{
    Bound *operands[2];
    TRY(operand(binder, 0, left, &operands[0], error));
    TRY(operand(binder, 1, right, &operands[1], error));
    return call_make(binder, resolution, operands, 2, position, out, error);
}

static Status element_type(const Bound *array, int32_t position, Type *out, Error *error)
{
    if (array->type.kind == TYPE_UNKNOWN) {
        *out = TYPE(UNKNOWN);
        return OK;
    }
    if (array->type.kind != TYPE_ARRAY)
        return error_set_at(error, position, STATUS_WRONG_OBJECT_TYPE,
                            "op ANY/ALL (array) requires array on right side");
    *out = type_plain(type_of_element(array->type));
    return OK;
}

/* x = ANY (ARRAY[a, b]) is x IN (a, b). */
static bool is_in_list(const Node *node, const Bound *array)
{
    Slice name = operator_of(node);
    bool in = is_any(node) && slice_equal_text(name, "=");
    bool not_in = !is_any(node) && slice_equal_text(name, "<>");
    return (in || not_in) && array->kind == BOUND_ARRAY && array->child_count > 0;
}

Status bind_quantified_array(Binder *binder, Scope *scope, const Node *node, Bound **out,
                             Error *error)
{
    Bound *left;
    Bound *array;
    Type element;
    int32_t position = node_location(node);
    TRY(bind_expression(binder, scope, node_field(node, "lexpr"), &left, error));
    TRY(bind_expression(binder, scope, node_field(node, "rexpr"), &array, error));
    TRY(element_type(array, position, &element, error));
    if (is_in_list(node, array)) {
        TRY(make_in(binder, left, array->children, array->child_count, !is_any(node), position, out,
                    error));
        if (*out != NULL)
            return OK;
    }
    Resolution resolution;
    Bound like = {.type = element, .position_byte = array->position_byte};
    TRY(resolve_operator(operator_of(node), left, &like, position, &resolution, error));
    if (resolution.result.kind != TYPE_BOOLEAN)
        return error_set_at(error, position, STATUS_WRONG_OBJECT_TYPE,
                            "op ANY/ALL (array) requires operator to yield boolean");
    Bound *bound;
    TRY(bound_new(binder, BOUND_QUANTIFIED, TYPE(BOOLEAN), position, 2, &bound, error));
    TRY(coerce(binder, left, resolution.arguments[0], CAST_IMPLICIT, left->position_byte,
               &bound->children[0], error));
    Type wanted = {.kind = TYPE_ARRAY, .element = resolution.arguments[1].kind};
    TRY(coerce(binder, array, wanted, CAST_IMPLICIT, array->position_byte, &bound->children[1],
               error));
    /* Numbers inside arrays keep their own scales. */
    like.type = resolution.arguments[1];
    like.scale = SCALE_VARIES;
    TRY(make_test(binder, &resolution, bound->children[0], &like, position, &bound->as.test,
                  error));
    bound->is_all = !is_any(node);
    *out = bound;
    return OK;
}

/* ---- rows ---- */

typedef struct RowSides {
    Bound *left;
    Bound *right;
} RowSides;

static Status compare_column(Binder *binder, Slice name, const RowSides *rows, uint32_t i,
                             int32_t position, Bound **out, Error *error)
{
    Bound *left;
    Bound *right;
    TRY(bound_clone(binder, rows->left->children[i], &left, error));
    TRY(bound_clone(binder, rows->right->children[i], &right, error));
    return bind_operator(binder, name, left, right, position, out, error);
}

static Status row_equality(Binder *binder, Slice name, const RowSides *rows, int32_t position,
                           Bound **out, Error *error)
{
    bool equal = slice_equal_text(name, "=");
    Bound *chain;
    TRY(bound_new(binder, equal ? BOUND_AND : BOUND_OR, TYPE(BOOLEAN), position,
                  rows->left->child_count, &chain, error));
    for (uint32_t i = 0; i < chain->child_count; i++)
        TRY(compare_column(binder, name, rows, i, position, &chain->children[i], error));
    *out = chain;
    return OK;
}

/* (a, b) < (c, d): the first pair that differs decides, and NULL where it cannot be compared:
 * CASE WHEN a <> c THEN a < c WHEN a = c THEN b < d ELSE NULL END. */
static Status row_order(Binder *binder, Slice name, const RowSides *rows, uint32_t from,
                        int32_t position, Bound **out, Error *error)
{
    TRY(binder_down(binder, position, error));
    bool strict_only = from + 1 < rows->left->child_count;
    if (!strict_only) {
        TRY(compare_column(binder, name, rows, from, position, out, error));
        binder_up(binder);
        return OK;
    }
    Slice strict = name.data[0] == '<' ? SLICE("<") : SLICE(">");
    Bound *choice;
    TRY(bound_new(binder, BOUND_CASE, TYPE(BOOLEAN), position, 5, &choice, error));
    TRY(compare_column(binder, SLICE("<>"), rows, from, position, &choice->children[0], error));
    TRY(compare_column(binder, strict, rows, from, position, &choice->children[1], error));
    TRY(compare_column(binder, SLICE("="), rows, from, position, &choice->children[2], error));
    TRY(row_order(binder, name, rows, from + 1, position, &choice->children[3], error));
    TRY(bound_constant(binder, TYPE(BOOLEAN), value_null(TYPE_BOOLEAN), position,
                       &choice->children[4], error));
    *out = choice;
    binder_up(binder);
    return OK;
}

Status bind_row_comparison(Binder *binder, Slice name, Bound *left, Bound *right, int32_t position,
                           Bound **out, Error *error)
{
    if (slice_equal_text(name, "!="))
        name = SLICE("<>");
    bool is_equality = slice_equal_text(name, "=") || slice_equal_text(name, "<>");
    bool is_order = slice_equal_text(name, "<") || slice_equal_text(name, "<=") ||
                    slice_equal_text(name, ">") || slice_equal_text(name, ">=");
    if (left->child_count != right->child_count)
        return error_set_at(error, position, STATUS_SYNTAX_ERROR,
                            "unequal number of entries in row expressions");
    if (left->child_count == 0)
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "cannot compare rows of zero length");
    if (!is_equality && !is_order)
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "could not determine interpretation of row comparison operator "
                            "%.*s",
                            SLICE_ARGUMENTS(name));
    RowSides rows = {left, right};
    if (left->child_count == 1)
        return compare_column(binder, name, &rows, 0, position, out, error);
    if (is_equality)
        return row_equality(binder, name, &rows, position, out, error);
    return row_order(binder, name, &rows, 0, position, out, error);
}
