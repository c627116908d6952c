/* Entry points: from a statement's node to its plan. */
#include "sql/lower.h"
#include "sql/short.h"
#include "sql/statement_int.h"
#include "sql/write.h"

enum { SCRATCH_BYTES_MAX = 256 << 20 };

void statement_open(Statement *statement, BindContext *context)
{
    arena_open(&statement->scratch, SCRATCH_BYTES_MAX);
    binder_open(&statement->binder, context, &statement->scratch);
}

void statement_close(Statement *statement)
{
    arena_close(&statement->scratch);
}

Status statement_check_parameters(const BindContext *context, Error *error)
{
    for (uint32_t i = 0; i < context->parameter_count; i++) {
        if (context->parameter_types[i].kind == TYPE_UNKNOWN)
            return error_set(error, STATUS_INDETERMINATE_DATATYPE,
                             "could not determine data type of parameter $%u", i + 1);
    }
    return OK;
}

/* ---- SELECT ---- */

static Status find_volatile(Bound **place, void *context, Error *error)
{
    (void)error;
    bool *is_volatile = context;
    *is_volatile = *is_volatile || bound_is_volatile(*place);
    return OK;
}

Status statement_make_select(Binder *binder, BoundQuery *query, BoundSelect **out, Error *error)
{
    BoundSelect *select = ARENA_NEW(binder->kept, BoundSelect);
    WrittenQuery written;
    if (select == NULL)
        return arena_error(binder->kept, error);
    TRY(result_columns(binder, query, &select->columns, error));
    select->column_count = query->column_count;
    TRY(write_statement(binder, query, &written, error));
    select->text = written.text;
    select->uses_now = written.uses_now;
    select->uses_user = written.uses_user;
    TRY(pruning_find(binder, query, error));
    TRY(query_visit(query, find_volatile, &select->is_volatile, error));
    select->is_count_of_table = query_counts_table(query);
    TRY(short_read_find(binder, query, &select->short_read, error));
    *out = select;
    return OK;
}

/* The binder's array is in the plan's arena only from here on. */
Status statement_keep_references(Binder *binder, BoundSelect *select, Error *error)
{
    select->references = ARENA_ARRAY(binder->kept, BoundReference, binder->reference_count);
    if (select->references == NULL)
        return arena_error(binder->kept, error);
    for (uint32_t i = 0; i < binder->reference_count; i++)
        select->references[i] = binder->references[i];
    select->reference_count = binder->reference_count;
    return OK;
}

static Status bind_select(Statement *statement, const Node *node, BoundSelect **out, Error *error)
{
    Binder *binder = &statement->binder;
    BoundQuery *query;
    BoundSelect *select;
    TRY(bind_query(binder, NULL, NULL, node, false, &query, error));
    TRY(statement_check_parameters(binder->context, error));
    TRY(statement_make_select(binder, query, &select, error));
    TRY(statement_keep_references(binder, select, error));
    *out = select;
    return OK;
}

Status bind_select_statement(BindContext *context, const Node *node, BoundSelect **out,
                             Error *error)
{
    Statement statement;
    statement_open(&statement, context);
    Status status = bind_select(&statement, node, out, error);
    statement_close(&statement);
    return status;
}

/* ---- CHECK and DEFAULT ---- */

typedef struct TableExpression {
    Slice name;
    const Column *columns;
    uint32_t column_count;
    ExpressionUse use;
    Type type;
} TableExpression;

static Status relation_of_columns(Binder *binder, const TableExpression *table, Relation **out,
                                  Error *error)
{
    Relation *relation;
    TRY(relation_new(binder, RELATION_ROW, 0, -1, &relation, error));
    relation->alias = relation->table_name = table->name;
    relation->columns = ARENA_ARRAY(binder->arena, RelationColumn, table->column_count);
    if (relation->columns == NULL)
        return arena_error(binder->arena, error);
    relation->column_count = table->column_count;
    for (uint32_t i = 0; i < table->column_count; i++)
        relation->columns[i] = relation_column_of(&table->columns[i]);
    *out = relation;
    return OK;
}

static Status settle_use(Binder *binder, const TableExpression *table, Bound **bound, Error *error)
{
    if (table->use == EXPRESSION_OF_CHECK)
        return coerce_boolean(binder, *bound, "CHECK", bound, error);
    return coerce_assignment(binder, *bound, table->type, table->name, bound, error);
}

static Status refuse_parameters(const BindContext *context, const TableExpression *table,
                                Error *error)
{
    if (context->parameter_count == 0)
        return OK;
    return error_set(error, STATUS_UNDEFINED_PARAMETER, "there is no parameter $1%s",
                     table->use == EXPRESSION_OF_CHECK ? " in a check constraint"
                                                       : " in a default");
}

static Status bind_table_expression(Statement *statement, const TableExpression *table,
                                    const Node *node, const Expression **out, Error *error)
{
    Binder *binder = &statement->binder;
    BoundQuery *query;
    Relation *relation = NULL;
    Bound *bound;
    const char *why;
    TRY(query_new(binder, NULL, QUERY_SELECT, &query, error));
    bool is_check = table->use == EXPRESSION_OF_CHECK;
    Scope scope = {.query = query, .clause = is_check ? CLAUSE_CHECK : CLAUSE_DEFAULT};
    if (is_check) {
        ScopeItem *item;
        TRY(relation_of_columns(binder, table, &relation, error));
        TRY(scope_item_of(binder, relation, &item, error));
        TRY(scope_add(binder, &scope, item, error));
    }
    TRY(bind_expression(binder, &scope, node, &bound, error));
    TRY(refuse_parameters(binder->context, table, error));
    TRY(settle_use(binder, table, &bound, error));
    TRY(lower_expression(binder->kept, bound, relation, out, &why, error));
    if (*out == NULL)
        return error_set_at(error, bound->position_byte, STATUS_FEATURE_NOT_SUPPORTED,
                            "%s in %s is not supported", why,
                            is_check ? "a check constraint" : "a default");
    return OK;
}

Status bind_expression_in_table(BindContext *context, Slice name, const Column *columns,
                                uint32_t column_count, const Node *expression, ExpressionUse use,
                                Type type, const Expression **out, Error *error)
{
    Statement statement;
    TableExpression table = {
        .name = name, .columns = columns, .column_count = column_count, .use = use, .type = type};
    statement_open(&statement, context);
    Status status = bind_table_expression(&statement, &table, expression, out, error);
    statement_close(&statement);
    return status;
}
