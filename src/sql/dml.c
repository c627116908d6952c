#include "sql/dml_int.h"

#include "sql/guess.h"
#include "sql/lower.h"
#include "sql/write.h"

/* ---- the target ---- */

Status target_find(Binder *binder, const Node *range, const char *verb, Target *out, Error *error)
{
    const SystemTable *system;
    int32_t position = node_location(range);
    TRY(bind_table_name(binder->context, range, &out->table, &system, error));
    if (system != NULL)
        return error_set_at(error, position, STATUS_INSUFFICIENT_PRIVILEGE,
                            "system tables are read-only");
    if (out->table->kind == TABLE_STREAM && strcmp(verb, "INSERT") != 0)
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "%s not supported on stream tables", verb);
    const Node *alias = node_field(range, "alias");
    out->schema = out->table->schema;
    out->alias = alias != NULL ? node_text(alias, "aliasname") : out->table->name;
    out->position = position;
    return OK;
}

Status target_reference(Binder *binder, const Target *target, BoundReference *out, Error *error)
{
    Relation *unused;
    uint32_t before = binder->reference_count;
    TRY(relation_of_table(binder, 0, target->table, NULL, target->position, &unused, error));
    *out = binder->references[before];
    binder->reference_count = before;
    return OK;
}

Status target_row(Binder *binder, const Target *target, Relation **out, Error *error)
{
    Relation *row;
    uint32_t before = binder->reference_count;
    TRY(relation_of_table(binder, 0, target->table, NULL, target->position, &row, error));
    binder->reference_count = before;
    row->kind = RELATION_ROW;
    row->alias = target->alias;
    *out = row;
    return OK;
}

static Status error_system_column(const Target *target, Slice name, int32_t position, Error *error)
{
    error_set_at(error, position, STATUS_SYNTAX_ERROR, "cannot assign to system column \"%.*s\"",
                 SLICE_ARGUMENTS(name));
    error_set_detail(error, "The server sets it when a row of \"%.*s\" is committed.",
                     SLICE_ARGUMENTS(target->table->name));
    return error->status;
}

Status target_column(const Target *target, Slice name, int32_t position, uint32_t *out,
                     Error *error)
{
    int32_t column = schema_find(target->schema, name);
    bool is_hidden = column >= 0 && target->schema->columns[column].hidden;
    if (is_hidden || (name.size > 0 && name.data[0] == '_' && column < 0))
        return error_system_column(target, name, position, error);
    if (column >= 0) {
        *out = (uint32_t)column;
        return OK;
    }
    NameGuess guess;
    error_set_at(error, position, STATUS_UNDEFINED_COLUMN,
                 "column \"%.*s\" of relation \"%.*s\" does not exist", SLICE_ARGUMENTS(name),
                 SLICE_ARGUMENTS(target->table->name));
    guess_open(&guess, name);
    for (uint32_t i = 0; i < target->schema->column_count; i++) {
        if (!target->schema->columns[i].hidden)
            guess_offer(&guess, target->schema->columns[i].name);
    }
    guess_hint(&guess, error);
    return error->status;
}

/* ---- defaults ---- */

Status null_expression(Binder *binder, Type type, const Expression **out, Error *error)
{
    Expression *expression = ARENA_NEW(binder->kept, Expression);
    if (expression == NULL)
        return arena_error(binder->kept, error);
    expression->kind = EXPRESSION_CONSTANT;
    expression->type = type;
    expression->position_byte = -1;
    expression->constant = value_null((TypeKind)type.kind);
    *out = expression;
    return OK;
}

Status default_expression(Binder *binder, const Target *target, uint32_t column,
                          const Expression **out, Error *error)
{
    *out = target->table->defaults == NULL ? NULL : target->table->defaults[column];
    return *out != NULL ? OK
                        : null_expression(binder, target->schema->columns[column].type, out, error);
}

Status refuse_not_local(const Bound *bound, const char *why, const char *where, Error *error)
{
    return error_set_at(error, bound->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                        "%s in %s is not supported", why, where);
}

/* ---- SET ---- */

/* (a, b) = (SELECT x, y): the subquery once for each column, showing that one. */
static Status pick_column(Binder *binder, Scope *scope, const Node *select, uint32_t wanted,
                          uint32_t count, Bound **out, Error *error)
{
    BoundQuery *query;
    int32_t position = scope->query == NULL ? -1 : node_location(select);
    TRY(bind_query(binder, scope, scope->common, select, false, &query, error));
    if (query->column_count != count)
        return error_set_at(error, position, STATUS_SYNTAX_ERROR,
                            "number of columns does not match number of values");
    return subquery_of_column(binder, query, wanted, position, out, error);
}

/* The value of one column of (a, b) = …; NULL node for DEFAULT. */
static Status bind_multiple(Binder *binder, Scope *scope, const Node *reference, bool *is_default,
                            Bound **out, Error *error)
{
    const Node *source = node_field(reference, "source");
    uint32_t column = (uint32_t)node_integer(reference, "colno", 1) - 1;
    uint32_t count = (uint32_t)node_integer(reference, "ncolumns", 1);
    if (node_is(source, "SubLink"))
        return pick_column(binder, scope, node_field(source, "subselect"), column, count, out,
                           error);
    if (!node_is(source, "RowExpr"))
        return error_set_at(error, node_location(source), STATUS_FEATURE_NOT_SUPPORTED,
                            "source for a multiple-column UPDATE item must be a sub-SELECT or "
                            "ROW() expression");
    const Node *arguments = node_field(source, "args");
    if (node_count(arguments) != count)
        return error_set_at(error, node_location(source), STATUS_SYNTAX_ERROR,
                            "number of columns does not match number of values");
    const Node *value = node_item(arguments, column);
    *is_default = node_is(value, "SetToDefault");
    return *is_default ? OK : bind_expression(binder, scope, value, out, error);
}

static Status bind_assignment(Binder *binder, Scope *scope, const Target *target, const Node *item,
                              Assignment *out, Error *error)
{
    Slice name = node_text(item, "name");
    int32_t position = node_location(item);
    const Node *value = node_field(item, "val");
    bool is_default = node_is(value, "SetToDefault");
    Bound *bound = NULL;
    TRY(target_column(target, name, position, &out->column, error));
    if (node_count(node_field(item, "indirection")) > 0)
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "assigning to part of a column is not supported");
    if (node_is(value, "MultiAssignRef"))
        TRY(bind_multiple(binder, scope, value, &is_default, &bound, error));
    else if (!is_default)
        TRY(bind_expression(binder, scope, value, &bound, error));
    if (is_default)
        return default_expression(binder, target, out->column, &out->fallback, error);
    return coerce_assignment(binder, bound, target->schema->columns[out->column].type, name,
                             &out->value, error);
}

Status bind_assignments(Binder *binder, Scope *scope, const Target *target, const Node *list,
                        AssignmentList *out, Error *error)
{
    scope->clause = CLAUSE_UPDATE_SET;
    out->count = node_count(list);
    out->items = ARENA_ARRAY(binder->arena, Assignment, out->count);
    if (out->items == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < out->count; i++) {
        TRY(bind_assignment(binder, scope, target, node_item(list, i), &out->items[i], error));
        for (uint32_t j = 0; j < i; j++) {
            if (out->items[j].column == out->items[i].column)
                return error_set_at(
                    error, node_location(node_item(list, i)), STATUS_SYNTAX_ERROR,
                    "multiple assignments to same column \"%.*s\"",
                    SLICE_ARGUMENTS(target->schema->columns[out->items[i].column].name));
        }
    }
    return OK;
}

/* ---- RETURNING ---- */

Status bind_returning(Binder *binder, const Scope *scope, const Relation *row, const Node *list,
                      Returning *out, Error *error)
{
    BoundQuery *query;
    if (node_count(list) == 0)
        return OK;
    TRY(query_new(binder, NULL, QUERY_SELECT, &query, error));
    Scope own = *scope;
    own.query = query;
    own.clause = CLAUSE_RETURNING;
    own.excluded = NULL;
    TRY(bind_targets(binder, &own, list, error));
    query->visible_count = query->target_count;
    for (uint32_t i = 0; i < query->target_count; i++)
        TRY(coerce_unknown_to_text(binder, &query->targets[i].value, error));
    TRY(query_settle_columns(binder, query, error));
    TRY(result_columns(binder, query, &out->columns, error));
    out->column_count = query->column_count;
    out->projections = ARENA_ARRAY(binder->kept, const Expression *, query->column_count);
    if (out->projections == NULL)
        return arena_error(binder->kept, error);
    for (uint32_t i = 0; i < query->column_count; i++) {
        const char *why;
        const Bound *value = query->targets[i].value;
        TRY(lower_expression(binder->kept, value, row, &out->projections[i], &why, error));
        if (out->projections[i] == NULL)
            return refuse_not_local(value, why, "RETURNING", error);
    }
    return OK;
}
