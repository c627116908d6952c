/* FROM: tables, subqueries, names of WITH; functions and joins have files of their own. */
#include "sql/binder_int.h"

static Status names_of_one(Binder *binder, Relation *relation, FromNames *names, Error *error)
{
    names->items = ARENA_ARRAY(binder->arena, ScopeItem *, 1);
    if (names->items == NULL)
        return arena_error(binder->arena, error);
    names->count = 1;
    return scope_item_of(binder, relation, &names->items[0], error);
}

static Status leaf(Binder *binder, Relation *relation, FromItem **out, Error *error)
{
    FromItem *item = ARENA_NEW(binder->arena, FromItem);
    if (item == NULL)
        return arena_error(binder->arena, error);
    item->relation = relation;
    *out = item;
    return OK;
}

/* ---- tables and names of WITH ---- */

static CommonTable *find_common(const Scope *scope, Slice name)
{
    for (const CommonScope *common = scope->common; common != NULL; common = common->outer) {
        if (slice_equal(common->table->name, name))
            return common->table;
    }
    return NULL;
}

static Status relation_of_common(Binder *binder, Scope *scope, CommonTable *table, int32_t position,
                                 Relation **out, Error *error)
{
    Relation *relation;
    TRY(relation_new(binder, RELATION_COMMON, scope->query->depth, position, &relation, error));
    relation->common = table;
    relation->alias = table->name;
    relation->columns = table->columns;
    relation->column_count = table->column_count;
    table->uses++;
    *out = relation;
    return OK;
}

static Status bind_table(Binder *binder, Scope *scope, const Node *node, Relation **out,
                         Error *error)
{
    int32_t position = node_location(node);
    CommonTable *common = NULL;
    if (node_text(node, "schemaname").size == 0)
        common = find_common(scope, node_text(node, "relname"));
    if (common != NULL) {
        TRY(relation_of_common(binder, scope, common, position, out, error));
    } else {
        const CatalogTable *table;
        const SystemTable *system;
        TRY(bind_table_name(binder->context, node, &table, &system, error));
        TRY(relation_of_table(binder, scope->query->depth, table, system, position, out, error));
    }
    return relation_rename(binder, *out, node_field(node, "alias"), error);
}

/* ---- subqueries ---- */

static Status bind_subselect(Binder *binder, Scope *scope, const Node *node, Relation **out,
                             Error *error)
{
    const Node *alias = node_field(node, "alias");
    const Node *select = node_field(node, "subquery");
    if (alias == NULL) {
        bool values = node_count(node_field(select, "valuesLists")) > 0;
        error_set(error, STATUS_SYNTAX_ERROR,
                  values ? "VALUES in FROM must have an alias"
                         : "subquery in FROM must have an alias");
        error_set_hint(error, values ? "For example, FROM (VALUES ...) [AS] foo."
                                     : "For example, FROM (SELECT ...) [AS] foo.");
        return error->status;
    }
    BoundQuery *query;
    bool before = scope->lateral_active;
    scope->lateral_active = node_boolean(node, "lateral");
    Status status = bind_query(binder, scope, scope->common, select, false, &query, error);
    scope->lateral_active = before;
    TRY(status);
    TRY(relation_new(binder, RELATION_QUERY, scope->query->depth, -1, out, error));
    (*out)->query = query;
    (*out)->columns = query->columns;
    (*out)->column_count = query->column_count;
    (*out)->lateral = node_boolean(node, "lateral");
    return relation_rename(binder, *out, alias, error);
}

/* ---- the clause ---- */

static Status bind_relation(Binder *binder, Scope *scope, const Node *node, Relation **out,
                            Error *error)
{
    if (node_is(node, "RangeVar"))
        return bind_table(binder, scope, node, out, error);
    if (node_is(node, "RangeSubselect"))
        return bind_subselect(binder, scope, node, out, error);
    if (node_is(node, "RangeFunction"))
        return bind_function_reference(binder, scope, node, out, error);
    if (node_is(node, "RangeTableSample"))
        return error_set_at(error, node_location(node), STATUS_FEATURE_NOT_SUPPORTED,
                            "TABLESAMPLE is not supported");
    return error_set_at(error, node_location(node), STATUS_FEATURE_NOT_SUPPORTED,
                        "%.*s in FROM is not supported", SLICE_ARGUMENTS(node_kind(node)));
}

Status bind_from_item(Binder *binder, Scope *scope, const Node *node, FromItem **out,
                      FromNames *names, Error *error)
{
    TRY(binder_down(binder, node_location(node), error));
    if (node_is(node, "JoinExpr")) {
        TRY(bind_join(binder, scope, node, out, names, error));
    } else {
        Relation *relation;
        TRY(bind_relation(binder, scope, node, &relation, error));
        TRY(names_of_one(binder, relation, names, error));
        TRY(leaf(binder, relation, out, error));
    }
    binder_up(binder);
    return OK;
}

Status bind_from_clause(Binder *binder, Scope *scope, const Node *list, Error *error)
{
    BoundQuery *query = scope->query;
    query->from_count = node_count(list);
    query->from = ARENA_ARRAY(binder->arena, FromItem *, query->from_count);
    if (query->from == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < query->from_count; i++) {
        FromNames names;
        TRY(bind_from_item(binder, scope, node_item(list, i), &query->from[i], &names, error));
        TRY(scope_check_names(scope, names.items, names.count, error));
        for (uint32_t n = 0; n < names.count; n++) {
            names.items[n]->lateral_only = true;
            names.items[n]->lateral_ok = true;
            TRY(scope_add(binder, scope, names.items[n], error));
        }
    }
    for (uint32_t i = 0; i < scope->item_count; i++)
        scope->items[i]->lateral_only = false;
    return OK;
}
