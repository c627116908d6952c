/* Subscriptions: a SELECT of one table that can be followed row by row. */
#include "sql/lower.h"
#include "sql/statement_int.h"

typedef struct Subscription {
    Binder *binder;
    BoundQuery *query;
    Relation *relation;
    BoundSubscribe *out;
} Subscription;

static Status refuse(const char *what, Error *error)
{
    return error_set(error, STATUS_FEATURE_NOT_SUPPORTED, "%s in a live query is not supported",
                     what);
}

/* Names the first part that rows cannot be followed through. */
static Status check_shape(const BoundQuery *query, Error *error)
{
    if (query->kind != QUERY_SELECT)
        return refuse("VALUES and set operations", error);
    if (query->common_count > 0)
        return refuse("WITH", error);
    if (query->is_grouped)
        return refuse("grouping and aggregates", error);
    if (query->has_windows)
        return refuse("a window function", error);
    if (query->has_sets)
        return refuse("a set-returning function", error);
    if (query->distinct != DISTINCT_NONE)
        return refuse("DISTINCT", error);
    if (query->order_count > 0)
        return refuse("ORDER BY", error);
    if (query->offset != NULL)
        return refuse("OFFSET", error);
    bool one_table = query->from_count == 1 && query->from[0]->relation != NULL &&
                     query->from[0]->relation->kind == RELATION_TABLE;
    return one_table ? OK : refuse("anything but one table in FROM", error);
}

static Status check_table(const Subscription *subscription, Error *error)
{
    const Relation *relation = subscription->relation;
    const BoundReference *reference = &subscription->binder->references[relation->reference];
    if (reference->system != NULL)
        return error_set_at(error, relation->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                            "system tables cannot be subscribed to");
    return OK;
}

/* ---- columns ---- */

static Status column_number(const Bound *value, uint32_t *out, Error *error)
{
    if (value->kind != BOUND_COLUMN)
        return error_set_at(error, value->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                            "an expression in the select list of a live query is not supported");
    const RelationColumn *column = &value->as.relation->columns[value->index];
    *out = value->index;
    if (!column->is_system)
        return OK;
    switch (column->system) {
    case SYSTEM_SEQ:
        *out = SUBSCRIBE_SEQ;
        return OK;
    case SYSTEM_UPDATED:
        *out = SUBSCRIBE_UPDATED;
        return OK;
    case SYSTEM_USER:
        *out = SUBSCRIBE_USER;
        return OK;
    case SYSTEM_DELETED:
        break;
    }
    return error_set_at(error, value->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                        "_deleted in a live query is not supported");
}

static bool has_column(const BoundSubscribe *out, uint32_t column)
{
    for (uint32_t i = 0; i < out->column_count; i++) {
        if (out->columns[i] == column)
            return true;
    }
    return false;
}

static Status add_key_column(Subscription *subscription, uint32_t column, Error *error)
{
    BoundQuery *query = subscription->query;
    BoundSubscribe *out = subscription->out;
    Bound *value;
    if (has_column(out, column))
        return OK;
    TRY(bound_column(subscription->binder, subscription->relation, column, -1, &value, error));
    TRY(query_add_target(subscription->binder, query, subscription->relation->columns[column].name,
                         value, error));
    query->visible_count = query->target_count;
    out->columns[out->column_count++] = column;
    return OK;
}

/* A system column at the end, where the relation has it. */
static Status add_system_column(Subscription *subscription, SystemColumn system, bool *has,
                                Error *error)
{
    BoundQuery *query = subscription->query;
    Relation *relation = subscription->relation;
    Bound *value;
    uint32_t i = 0;
    while (i < relation->column_count &&
           !(relation->columns[i].is_system && relation->columns[i].system == system))
        i++;
    *has = i < relation->column_count;
    if (!*has)
        return OK;
    TRY(bound_column(subscription->binder, relation, i, -1, &value, error));
    TRY(query_add_target(subscription->binder, query, relation->columns[i].name, value, error));
    query->visible_count = query->target_count;
    return OK;
}

/* What the client named, then the key's columns that it did not, then what initial rows are chosen
 * by. */
static Status settle_columns(Subscription *subscription, Error *error)
{
    BoundQuery *query = subscription->query;
    BoundSubscribe *out = subscription->out;
    const Schema *schema = subscription->relation->schema;
    out->columns =
        ARENA_ARRAY(subscription->binder->kept, uint32_t, query->visible_count + schema->key_count);
    if (out->columns == NULL)
        return arena_error(subscription->binder->kept, error);
    for (uint32_t i = 0; i < query->visible_count; i++)
        TRY(column_number(query->targets[i].value, &out->columns[out->column_count++], error));
    out->written_count = out->column_count;
    for (uint32_t k = 0; k < schema->key_count; k++)
        TRY(add_key_column(subscription, schema->key_columns[k], error));
    bool has_seq;
    TRY(add_system_column(subscription, SYSTEM_SEQ, &has_seq, error));
    ASSERT(has_seq);
    TRY(add_system_column(subscription, SYSTEM_UPDATED, &out->has_updated, error));
    return query_settle_columns(subscription->binder, query, error);
}

/* ---- filter, order, limit ---- */

static Status settle_filter(Subscription *subscription, Error *error)
{
    const Bound *where = subscription->query->where;
    const char *why;
    if (where == NULL)
        return OK;
    TRY(lower_expression(subscription->binder->kept, where, subscription->relation,
                         &subscription->out->filter, &why, error));
    if (subscription->out->filter != NULL)
        return OK;
    return error_set_at(error, where->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                        "%s in the WHERE of a live query is not supported", why);
}

static Status settle_limit(Subscription *subscription, Error *error)
{
    const Bound *limit = subscription->query->limit;
    subscription->out->limit = -1;
    if (limit == NULL)
        return OK;
    if (limit->kind != BOUND_CONSTANT)
        return refuse("a LIMIT that is not a constant", error);
    subscription->out->limit = limit->as.constant.as.integer;
    return OK;
}

/* The initial rows come in the order of the key. */
static Status settle_order(Subscription *subscription, Error *error)
{
    BoundQuery *query = subscription->query;
    const Schema *schema = subscription->relation->schema;
    query->order = ARENA_ARRAY(subscription->binder->arena, BoundOrder, schema->key_count);
    if (query->order == NULL)
        return arena_error(subscription->binder->arena, error);
    for (uint32_t k = 0; k < schema->key_count; k++) {
        for (uint32_t i = 0; i < subscription->out->column_count; i++) {
            const Bound *value = query->targets[i].value;
            if (value->index == schema->key_columns[k] &&
                subscription->out->columns[i] == value->index) {
                query->order[query->order_count++] = (BoundOrder){.target = i};
                break;
            }
        }
    }
    return OK;
}

/* ---- the statement ---- */

static Status bind_subscription(Statement *statement, const Node *node, BoundSubscribe **out,
                                Error *error)
{
    Subscription subscription = {.binder = &statement->binder};
    Binder *binder = subscription.binder;
    subscription.out = ARENA_NEW(binder->kept, BoundSubscribe);
    if (subscription.out == NULL)
        return arena_error(binder->kept, error);
    TRY(bind_query(binder, NULL, NULL, node, false, &subscription.query, error));
    TRY(check_shape(subscription.query, error));
    subscription.relation = subscription.query->from[0]->relation;
    TRY(check_table(&subscription, error));
    TRY(settle_filter(&subscription, error));
    TRY(settle_columns(&subscription, error));
    TRY(settle_order(&subscription, error));
    TRY(settle_limit(&subscription, error));
    TRY(statement_check_parameters(binder->context, error));
    TRY(statement_make_select(binder, subscription.query, &subscription.out->initial, error));
    TRY(statement_keep_references(binder, subscription.out->initial, error));
    subscription.out->reference = &subscription.out->initial->references[0];
    *out = subscription.out;
    return OK;
}

Status bind_subscribe_statement(BindContext *context, const Node *node, BoundSubscribe **out,
                                Error *error)
{
    Statement statement;
    statement_open(&statement, context);
    Status status = bind_subscription(&statement, node, out, error);
    statement_close(&statement);
    return status;
}
