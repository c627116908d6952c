/* Column references: a, t.a, ns.t.a, and a table's name as its whole row. */
#include "sql/binder_int.h"

typedef struct NamePath {
    Slice namespace_name;
    Slice table;
    Slice column;
} NamePath;

/* FROM f(…) AS x, where f gives values and not rows: x is the value. */
static bool gives_values(const ScopeItem *item)
{
    const Relation *relation = item->relation;
    return relation != NULL && relation->kind == RELATION_FUNCTION && item->column_count == 1 &&
           relation->function_count == 1 && !relation->with_ordinality;
}

static Status whole_row(Binder *binder, ScopeItem *item, int32_t position, Bound **out,
                        Error *error)
{
    if (gives_values(item))
        return scope_column_value(binder, &item->columns[0], position, out, error);
    uint32_t count = 0;
    for (uint32_t i = 0; i < item->column_count; i++)
        count += !item->columns[i].hidden;
    Bound *row;
    TRY(bound_new(binder, BOUND_ROW, TYPE(RECORD), position, count, &row, error));
    Slice *names = ARENA_ARRAY(binder->arena, Slice, count);
    if (names == NULL)
        return arena_error(binder->arena, error);
    uint32_t next = 0;
    for (uint32_t i = 0; i < item->column_count; i++) {
        if (item->columns[i].hidden)
            continue;
        names[next] = item->columns[i].name;
        TRY(scope_column_value(binder, &item->columns[i], position, &row->children[next++], error));
    }
    row->field_names = names;
    *out = row;
    return OK;
}

static bool is_system_column(const Bound *bound)
{
    return bound->kind == BOUND_COLUMN && bound->as.relation->columns[bound->index].is_system;
}

static Status bind_simple(Binder *binder, Scope *scope, Slice name, int32_t position, Bound **out,
                          Error *error)
{
    TRY(scope_find_column(binder, scope, name, position, out, error));
    if (*out != NULL && scope->excluded != NULL && !is_system_column(*out))
        return scope_error_ambiguous(name, position, error); /* the proposed row has one, too */
    if (*out != NULL)
        return OK;
    ScopeItem *item;
    TRY(scope_find_item(scope, SLICE_EMPTY, name, position, &item, error));
    if (item != NULL)
        return whole_row(binder, item, position, out, error);
    return scope_error_no_column(scope, SLICE_EMPTY, name, position, error);
}

/* excluded.a in ON CONFLICT DO UPDATE. */
static Status bind_excluded(Binder *binder, Scope *scope, Slice name, int32_t position, Bound **out,
                            Error *error)
{
    const Relation *excluded = scope->excluded;
    for (uint32_t i = 0; i < excluded->column_count; i++) {
        const RelationColumn *column = &excluded->columns[i];
        if (column->is_system || !slice_equal(column->name, name))
            continue;
        TRY(bound_new(binder, BOUND_EXCLUDED, column->type, position, 0, out, error));
        (*out)->index = i;
        (*out)->scale = column->scale;
        (*out)->precision = column->precision;
        return OK;
    }
    return scope_error_no_column(NULL, SLICE("excluded"), name, position, error);
}

static Status bind_qualified(Binder *binder, Scope *scope, const NamePath *path, int32_t position,
                             Bound **out, Error *error)
{
    ScopeItem *item;
    TRY(scope_find_item(scope, path->namespace_name, path->table, position, &item, error));
    if (item == NULL && scope->excluded != NULL && slice_equal_text(path->table, "excluded"))
        return bind_excluded(binder, scope, path->column, position, out, error);
    if (item == NULL)
        return scope_error_no_item(scope, path->table, position, error);
    TRY(scope_item_column(binder, item, path->column, position, out, error));
    if (*out != NULL)
        return OK;
    return scope_error_no_column(scope, path->table, path->column, position, error);
}

Status bind_column_reference(Binder *binder, Scope *scope, const Node *node, Bound **out,
                             Error *error)
{
    const Node *fields = node_field(node, "fields");
    int32_t position = node_location(node);
    uint32_t count = node_count(fields);
    if (count == 0 || node_is(node_item(fields, count - 1), "A_Star"))
        return error_set_at(error, position, STATUS_SYNTAX_ERROR,
                            "row expansion via \"*\" is not supported here");
    Slice last = node_string(node_item(fields, count - 1));
    if (count == 1)
        return bind_simple(binder, scope, last, position, out, error);
    NamePath path = {.table = node_string(node_item(fields, count - 2)), .column = last};
    if (count == 3)
        path.namespace_name = node_string(node_item(fields, 0));
    if (count > 3)
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "cross-database references are not implemented");
    return bind_qualified(binder, scope, &path, position, out, error);
}
