/* CASE, simple and searched. */
#include "sql/binder_int.h"

/* CASE x WHEN v: the comparison x = v. */
static Status bind_when(Binder *binder, Scope *scope, const Bound *subject, const Node *when,
                        Bound **out, Error *error)
{
    Bound *condition;
    TRY(bind_expression(binder, scope, node_field(when, "expr"), &condition, error));
    if (subject != NULL) {
        Bound *copy;
        TRY(bound_clone(binder, subject, &copy, error));
        TRY(bind_operator(binder, SLICE("="), copy, condition, node_location(when), &condition,
                          error));
    }
    return coerce_boolean(binder, condition, "CASE/WHEN", out, error);
}

/* The results in PostgreSQL's order for choosing a type: ELSE first. */
static Status unify_results(Binder *binder, Bound **results, uint32_t count, Type *type,
                            Error *error)
{
    TRY(common_type(results, count, "CASE", type, error));
    return coerce_all(binder, results, count, type, "CASE", error);
}

static Status bind_else(Binder *binder, Scope *scope, const Node *node, Bound **out, Error *error)
{
    const Node *result = node_field(node, "defresult");
    if (result != NULL)
        return bind_expression(binder, scope, result, out, error);
    return bound_constant(binder, TYPE(UNKNOWN), value_null(TYPE_UNKNOWN), node_location(node), out,
                          error);
}

Status bind_case(Binder *binder, Scope *scope, const Node *node, Bound **out, Error *error)
{
    const Node *branches = node_field(node, "args");
    uint32_t count = node_count(branches);
    Bound *subject = NULL;
    Bound **results = ARENA_ARRAY(binder->arena, Bound *, count + 1);
    if (results == NULL)
        return arena_error(binder->arena, error);
    if (node_field(node, "arg") != NULL) {
        TRY(bind_expression(binder, scope, node_field(node, "arg"), &subject, error));
        TRY(coerce_unknown_to_text(binder, &subject, error));
    }
    Bound *bound;
    TRY(bound_new(binder, BOUND_CASE, TYPE(UNKNOWN), node_location(node), 2 * count + 1, &bound,
                  error));
    for (uint32_t i = 0; i < count; i++) {
        const Node *when = node_item(branches, i);
        TRY(bind_when(binder, scope, subject, when, &bound->children[2 * i], error));
        TRY(bind_expression(binder, scope, node_field(when, "result"), &results[i + 1], error));
    }
    TRY(bind_else(binder, scope, node, &results[0], error));
    TRY(unify_results(binder, results, count + 1, &bound->type, error));
    bound->children[2 * count] = results[0];
    for (uint32_t i = 0; i < count; i++)
        bound->children[2 * i + 1] = results[i + 1];
    bound_settle(bound);
    *out = bound;
    return OK;
}
