/* UPDATE and DELETE. */
#include "sql/dml_int.h"
#include "sql/lower.h"
#include "sql/short.h"

typedef struct Change {
    Binder *binder;
    const Node *node;
    bool is_update;
    Target target;
    Relation *relation; /* the target in the finding query */
    BoundQuery *query;  /* it */
    Scope scope;
    AssignmentList assignments;
    BoundChange *out;
} Change;

/* ---- FROM and WHERE ---- */

static const Node *sources(const Change *change)
{
    return node_field(change->node, change->is_update ? "fromClause" : "usingClause");
}

/* The target stands first in FROM, whatever else does, and is the first that is read: its rows'
 * places are asked for by that. */
static Status bind_sources(Change *change, Error *error)
{
    const Node *list = sources(change);
    Binder *binder = change->binder;
    ScopeItem *item;
    TRY(relation_of_table(binder, 0, change->target.table, NULL, change->target.position,
                          &change->relation, error));
    change->relation->alias = change->target.alias;
    TRY(bind_with(binder, NULL, node_field(change->node, "withClause"), change->query,
                  &change->scope.common, error));
    TRY(bind_from_clause(binder, &change->scope, list, error));
    TRY(scope_item_of(binder, change->relation, &item, error));
    TRY(scope_check_names(&change->scope, &item, 1, error));
    TRY(scope_add(binder, &change->scope, item, error));
    BoundQuery *query = change->query;
    FromItem **from = ARENA_ARRAY(binder->arena, FromItem *, query->from_count + 1);
    FromItem *leaf = ARENA_NEW(binder->arena, FromItem);
    if (from == NULL || leaf == NULL)
        return arena_error(binder->arena, error);
    leaf->relation = change->relation;
    from[0] = leaf;
    for (uint32_t i = 0; i < query->from_count; i++)
        from[i + 1] = query->from[i];
    query->from = from;
    query->from_count++;
    return OK;
}

static Status bind_where(Change *change, Error *error)
{
    const Node *where = node_field(change->node, "whereClause");
    BoundChange *out = change->out;
    out->where_is_local = change->query->from_count == 1;
    if (where == NULL)
        return OK;
    Bound *bound;
    TRY(bind_expression_in(change->binder, &change->scope, CLAUSE_WHERE, where, &bound, error));
    TRY(coerce_boolean(change->binder, bound, "WHERE", &bound, error));
    change->query->where = bound;
    if (!out->where_is_local)
        return OK;
    TRY(lower_expression(change->binder->kept, bound, change->relation, &out->where, NULL, error));
    out->where_is_local = out->where != NULL;
    return OK;
}

/* ---- what the finding query gives ---- */

static Status add_column(Change *change, uint32_t column, Slice name, Error *error)
{
    Bound *value;
    TRY(bound_column(change->binder, change->relation, column, change->target.position, &value,
                     error));
    return query_add_target(change->binder, change->query, name, value, error);
}

/* Every column, _seq, and where the row lies. */
static Status add_whole_row(Change *change, Error *error)
{
    const Schema *schema = change->target.schema;
    Relation *relation = change->relation;
    for (uint32_t i = 0; i < schema->column_count; i++)
        TRY(add_column(change, i, schema->columns[i].name, error));
    for (uint32_t i = schema->column_count; i < relation->column_count; i++) {
        const RelationColumn *column = &relation->columns[i];
        if (column->is_system && column->system == SYSTEM_SEQ)
            TRY(add_column(change, i, column->name, error));
    }
    TRY(relation_add_location(change->binder, relation, error));
    TRY(add_column(change, relation->column_count - 2, SLICE("_file"), error));
    return add_column(change, relation->column_count - 1, SLICE("_position"), error);
}

/* What the row evaluator cannot compute is computed where the row is found. */
static Status settle_assignment(Change *change, const Assignment *item, ColumnAssignment *out,
                                Error *error)
{
    *out =
        (ColumnAssignment){.column = item->column, .value = item->fallback, .computed_column = -1};
    if (item->value == NULL)
        return OK;
    TRY(lower_expression(change->binder->kept, item->value, change->relation, &out->value, NULL,
                         error));
    if (out->value != NULL)
        return OK;
    out->computed_column = (int32_t)change->query->target_count;
    return query_add_target(change->binder, change->query,
                            change->target.schema->columns[item->column].name, item->value, error);
}

static Status settle_assignments(Change *change, bool *all_local, Error *error)
{
    BoundChange *out = change->out;
    out->set_count = change->assignments.count;
    out->set = ARENA_ARRAY(change->binder->kept, ColumnAssignment, out->set_count);
    if (out->set == NULL)
        return arena_error(change->binder->kept, error);
    for (uint32_t i = 0; i < out->set_count; i++) {
        TRY(settle_assignment(change, &change->assignments.items[i], &out->set[i], error));
        *all_local = *all_local && out->set[i].value != NULL;
    }
    return OK;
}

static Status make_find(Change *change, Error *error)
{
    Binder *binder = change->binder;
    BoundQuery *query = change->query;
    bool all_local = true;
    TRY(add_whole_row(change, error));
    TRY(settle_assignments(change, &all_local, error));
    query->visible_count = query->target_count;
    TRY(query_settle_columns(binder, query, error));
    TRY(statement_make_select(binder, query, &change->out->find, error));
    change->out->find->short_read = NULL; /* a change's own says it */
    TRY(statement_keep_references(binder, change->out->find, error));
    change->out->target = change->out->find->references[change->relation->reference];
    if (!change->out->where_is_local || !all_local)
        return OK;
    return short_read_of_change(binder, change->relation, query->where, &change->out->short_read,
                                error);
}

/* ---- the statement ---- */

static Status bind_change(Statement *statement, const Node *node, BoundChange **out, Error *error)
{
    Change change = {
        .binder = &statement->binder, .node = node, .is_update = node_is(node, "UpdateStmt")};
    change.out = ARENA_NEW(change.binder->kept, BoundChange);
    if (change.out == NULL)
        return arena_error(change.binder->kept, error);
    TRY(target_find(change.binder, node_field(node, "relation"),
                    change.is_update ? "UPDATE" : "DELETE", &change.target, error));
    TRY(query_new(change.binder, NULL, QUERY_SELECT, &change.query, error));
    change.scope = (Scope){.query = change.query};
    TRY(bind_sources(&change, error));
    if (change.is_update)
        TRY(bind_assignments(change.binder, &change.scope, &change.target,
                             node_field(node, "targetList"), &change.assignments, error));
    TRY(bind_where(&change, error));
    TRY(bind_returning(change.binder, &change.scope, change.relation,
                       node_field(node, "returningList"), &change.out->returning, error));
    TRY(statement_check_parameters(change.binder->context, error));
    TRY(make_find(&change, error));
    *out = change.out;
    return OK;
}

Status bind_change_statement(BindContext *context, const Node *node, BoundChange **out,
                             Error *error)
{
    Statement statement;
    statement_open(&statement, context);
    Status status = bind_change(&statement, node, out, error);
    statement_close(&statement);
    return status;
}
