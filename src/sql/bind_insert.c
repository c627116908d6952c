/* INSERT. */
#include "sql/dml_int.h"
#include "sql/lower.h"

typedef struct Insert {
    Binder *binder;
    const Node *node;
    Target target;
    Relation *row; /* the proposed row, as RETURNING sees it */
    BoundInsert *out;
} Insert;

/* ---- columns ---- */

static Status all_columns(Insert *insert, Error *error)
{
    const Schema *schema = insert->target.schema;
    BoundInsert *out = insert->out;
    out->columns = ARENA_ARRAY(insert->binder->kept, uint32_t, schema->column_count);
    if (out->columns == NULL)
        return arena_error(insert->binder->kept, error);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        if (!schema->columns[i].hidden)
            out->columns[out->column_count++] = i;
    }
    return OK;
}

static Status named_columns(Insert *insert, const Node *list, Error *error)
{
    BoundInsert *out = insert->out;
    out->columns = ARENA_ARRAY(insert->binder->kept, uint32_t, node_count(list));
    if (out->columns == NULL)
        return arena_error(insert->binder->kept, error);
    for (uint32_t i = 0; i < node_count(list); i++) {
        const Node *item = node_item(list, i);
        Slice name = node_text(item, "name");
        uint32_t column;
        TRY(target_column(&insert->target, name, node_location(item), &column, error));
        for (uint32_t j = 0; j < out->column_count; j++) {
            if (out->columns[j] == column)
                return error_set_at(error, node_location(item), STATUS_DUPLICATE_COLUMN,
                                    "column \"%.*s\" specified more than once",
                                    SLICE_ARGUMENTS(name));
        }
        out->columns[out->column_count++] = column;
    }
    return OK;
}

static Status bind_columns(Insert *insert, Error *error)
{
    const Node *list = node_field(insert->node, "cols");
    return node_count(list) == 0 ? all_columns(insert, error) : named_columns(insert, list, error);
}

/* Where the source's expression for a column stands. */
static int32_t expression_position(const Insert *insert, const Node *select, uint32_t column)
{
    const Node *row = node_item(node_field(select, "valuesLists"), 0);
    const Node *targets = node_field(select, "targetList");
    if (row != NULL && column < node_count(row))
        return node_begin(node_item(row, column));
    if (column < node_count(targets))
        return node_begin(node_field(node_item(targets, column), "val"));
    return insert->target.position;
}

/* Too few values are fine where no columns were named: the others get their defaults. */
static Status check_width(Insert *insert, const Node *select, uint32_t width, Error *error)
{
    const Node *columns = node_field(insert->node, "cols");
    uint32_t wanted = insert->out->column_count;
    if (width > wanted)
        return error_set_at(error, expression_position(insert, select, wanted), STATUS_SYNTAX_ERROR,
                            "INSERT has more expressions than target columns");
    if (width < wanted && node_count(columns) > 0)
        return error_set_at(error, node_location(node_item(columns, width)), STATUS_SYNTAX_ERROR,
                            "INSERT has more target columns than expressions");
    insert->out->column_count = width;
    return OK;
}

static Status bind_defaults(Insert *insert, Error *error)
{
    const Schema *schema = insert->target.schema;
    BoundInsert *out = insert->out;
    out->defaults = ARENA_ARRAY(insert->binder->kept, const Expression *, schema->column_count);
    if (out->defaults == NULL)
        return arena_error(insert->binder->kept, error);
    for (uint32_t i = 0; insert->target.table->defaults != NULL && i < schema->column_count; i++)
        out->defaults[i] = insert->target.table->defaults[i];
    for (uint32_t i = 0; i < out->column_count; i++)
        out->defaults[out->columns[i]] = NULL; /* a value is given */
    return OK;
}

/* ---- VALUES ---- */

static Status bind_value(Insert *insert, Scope *scope, const Node *node, uint32_t place,
                         Bound **out, Error *error)
{
    const Column *column = &insert->target.schema->columns[insert->out->columns[place]];
    Bound *bound;
    *out = NULL;
    if (node_is(node, "SetToDefault"))
        return OK;
    TRY(bind_expression(insert->binder, scope, node, &bound, error));
    return coerce_assignment(insert->binder, bound, column->type, column->name, out, error);
}

/* NULL in *out: the engine has to compute it. */
static Status lower_value(Insert *insert, const Bound *bound, uint32_t place,
                          const Expression **out, Error *error)
{
    if (bound == NULL)
        return default_expression(insert->binder, &insert->target, insert->out->columns[place], out,
                                  error);
    return lower_expression(insert->binder->kept, bound, NULL, out, NULL, error);
}

static Status bind_row(Insert *insert, Scope *scope, const Node *list, const Expression **row,
                       bool *is_local, Error *error)
{
    for (uint32_t i = 0; i < node_count(list); i++) {
        Bound *bound;
        TRY(bind_value(insert, scope, node_item(list, i), i, &bound, error));
        TRY(lower_value(insert, bound, i, &row[i], error));
        *is_local = *is_local && row[i] != NULL;
    }
    return OK;
}

static Status bind_rows(Insert *insert, const Node *lists, bool *is_local, Error *error)
{
    BoundQuery *query;
    BoundInsert *out = insert->out;
    TRY(query_new(insert->binder, NULL, QUERY_VALUES_LIST, &query, error));
    Scope scope = {.query = query, .clause = CLAUSE_VALUES};
    out->row_count = node_count(lists);
    out->rows = ARENA_ARRAY(insert->binder->kept, const Expression **, out->row_count);
    if (out->rows == NULL)
        return arena_error(insert->binder->kept, error);
    TRY(check_width(insert, node_field(insert->node, "selectStmt"), node_count(node_item(lists, 0)),
                    error));
    for (uint32_t r = 0; r < out->row_count; r++) {
        const Node *list = node_item(lists, r);
        if (node_count(list) != out->column_count)
            return error_set_at(error, node_begin(node_item(list, 0)), STATUS_SYNTAX_ERROR,
                                "VALUES lists must all be the same length");
        out->rows[r] = ARENA_ARRAY(insert->binder->kept, const Expression *, out->column_count);
        if (out->rows[r] == NULL)
            return arena_error(insert->binder->kept, error);
        TRY(bind_row(insert, &scope, list, out->rows[r], is_local, error));
    }
    return OK;
}

/* ---- a query ---- */

/* The query's columns, assigned to the table's. */
static Status coerce_outputs(Insert *insert, BoundQuery **query, Error *error)
{
    BoundQuery *outer;
    Relation *relation;
    Binder *binder = insert->binder;
    TRY(query_wrap(binder, *query, &outer, &relation, error));
    for (uint32_t i = 0; i < (*query)->column_count; i++) {
        const Column *column = &insert->target.schema->columns[insert->out->columns[i]];
        Bound *value;
        TRY(bound_column(binder, relation, i, insert->target.position, &value, error));
        TRY(coerce_assignment(binder, value, column->type, column->name, &value, error));
        TRY(query_add_target(binder, outer, column->name, value, error));
    }
    outer->visible_count = outer->target_count;
    *query = outer;
    return query_settle_columns(binder, outer, error);
}

/* Untyped literals become the columns' types, not text. */
static Status settle_unknown(Insert *insert, BoundQuery *query, Error *error)
{
    for (uint32_t i = 0; i < query->column_count && i < insert->out->column_count; i++) {
        const Column *column = &insert->target.schema->columns[insert->out->columns[i]];
        bool is_select = query->kind == QUERY_SELECT;
        if (query->columns[i].type.kind != TYPE_UNKNOWN)
            continue;
        for (uint32_t r = 0; r < (is_select ? 1 : query->row_count); r++) {
            Bound **place = is_select ? &query->targets[i].value : &query->rows[r][i];
            if ((*place)->type.kind == TYPE_UNKNOWN)
                TRY(coerce(insert->binder, *place, column->type, CAST_ASSIGNMENT,
                           (*place)->position_byte, place, error));
        }
    }
    if (query->kind == QUERY_SELECT)
        return query_settle_columns(insert->binder, query, error);
    return query->kind == QUERY_VALUES_LIST ? values_settle_columns(insert->binder, query, error)
                                            : OK;
}

/* What a WITH before INSERT defines belongs to the query around the source. */
static Status bind_source(Insert *insert, const Node *select, Error *error)
{
    BoundQuery *query;
    BoundQuery with;
    CommonScope *common = NULL;
    memset(&with, 0, sizeof with);
    insert->out->row_count = 0;
    insert->out->rows = NULL;
    TRY(bind_with(insert->binder, NULL, node_field(insert->node, "withClause"), &with, &common,
                  error));
    TRY(bind_query(insert->binder, NULL, common, select, true, &query, error));
    TRY(check_width(insert, select, query->column_count, error));
    TRY(settle_unknown(insert, query, error));
    TRY(coerce_outputs(insert, &query, error));
    query->common = with.common;
    query->common_count = with.common_count;
    query->is_recursive = with.is_recursive;
    TRY(statement_make_select(insert->binder, query, &insert->out->query, error));
    return statement_keep_references(insert->binder, insert->out->query, error);
}

static bool is_plain_values(const Node *select)
{
    return node_count(node_field(select, "valuesLists")) > 0 &&
           node_field(select, "sortClause") == NULL && node_field(select, "limitCount") == NULL &&
           node_field(select, "limitOffset") == NULL && node_field(select, "withClause") == NULL;
}

/* VALUES of row-local expressions are the executor's; with a subquery among them they are a query.
 */
static Status bind_values_or_query(Insert *insert, const Node *select, Error *error)
{
    bool is_local = true;
    if (!is_plain_values(select) || node_field(insert->node, "withClause") != NULL)
        return bind_source(insert, select, error);
    TRY(bind_rows(insert, node_field(select, "valuesLists"), &is_local, error));
    return is_local ? OK : bind_source(insert, select, error);
}

static Status bind_default_values(Insert *insert, Error *error)
{
    BoundInsert *out = insert->out;
    out->column_count = 0;
    out->row_count = 1;
    out->rows = ARENA_ARRAY(insert->binder->kept, const Expression **, 1);
    if (out->rows == NULL)
        return arena_error(insert->binder->kept, error);
    out->rows[0] = ARENA_ARRAY(insert->binder->kept, const Expression *, 0);
    return out->rows[0] != NULL ? OK : arena_error(insert->binder->kept, error);
}

/* ---- ON CONFLICT ---- */

static Status error_no_constraint(const Node *infer, Error *error)
{
    return error_set_at(error, node_location(infer), STATUS_INVALID_COLUMN_REFERENCE,
                        "there is no unique or exclusion constraint matching the ON CONFLICT "
                        "specification");
}

static bool is_key_column(const Schema *schema, uint32_t column)
{
    return schema->columns[column].key_position >= 0 && !schema->columns[column].hidden;
}

/* ON CONSTRAINT t_pkey: the name that errors give the primary key. */
static bool is_key_constraint(const Insert *insert, Slice name)
{
    static const char ending[] = "_pkey";
    Slice table = insert->target.table->name;
    const Schema *schema = insert->target.schema;
    bool has_key = schema->key_count > 0 && is_key_column(schema, schema->key_columns[0]);
    return has_key && name.size == table.size + sizeof ending - 1 &&
           slice_equal(slice_part(name, 0, table.size), table) &&
           slice_equal_text(slice_part(name, table.size, name.size), ending);
}

/* The columns named must be the primary key's, in any order. */
static Status check_infer(const Insert *insert, const Node *infer, Error *error)
{
    const Node *elements = node_field(infer, "indexElems");
    const Schema *schema = insert->target.schema;
    Slice constraint = node_text(infer, "conname");
    if (constraint.size > 0 && is_key_constraint(insert, constraint))
        return OK;
    if (constraint.size > 0)
        return error_set_at(error, node_location(infer), STATUS_UNDEFINED_OBJECT,
                            "constraint \"%.*s\" for table \"%.*s\" does not exist",
                            SLICE_ARGUMENTS(constraint),
                            SLICE_ARGUMENTS(insert->target.table->name));
    if (node_field(infer, "whereClause") != NULL)
        return error_no_constraint(infer, error);
    uint32_t found = 0;
    for (uint32_t i = 0; i < node_count(elements); i++) {
        const Node *element = node_item(elements, i);
        Slice name = node_text(element, "name");
        uint32_t column;
        if (name.size == 0)
            return error_no_constraint(infer, error); /* an expression */
        TRY(target_column(&insert->target, name, node_location(infer), &column, error));
        if (!is_key_column(schema, column))
            return error_no_constraint(infer, error);
        found++;
    }
    return found == schema->key_count ? OK : error_no_constraint(infer, error);
}

static Status lower_conflict(Insert *insert, const AssignmentList *list, Error *error)
{
    BoundInsert *out = insert->out;
    out->conflict_set = ARENA_ARRAY(insert->binder->kept, ColumnAssignment, list->count);
    if (out->conflict_set == NULL)
        return arena_error(insert->binder->kept, error);
    for (uint32_t i = 0; i < list->count; i++) {
        const Assignment *item = &list->items[i];
        ColumnAssignment *set = &out->conflict_set[i];
        const char *why = NULL;
        *set = (ColumnAssignment){
            .column = item->column, .value = item->fallback, .computed_column = -1};
        if (item->value != NULL)
            TRY(lower_expression(insert->binder->kept, item->value, insert->row, &set->value, &why,
                                 error));
        if (set->value == NULL)
            return refuse_not_local(item->value, why, "ON CONFLICT DO UPDATE", error);
    }
    out->conflict_set_count = list->count;
    return OK;
}

static Status bind_conflict_where(Insert *insert, Scope *scope, const Node *where, Error *error)
{
    Bound *bound;
    const char *why;
    if (where == NULL)
        return OK;
    TRY(bind_expression_in(insert->binder, scope, CLAUSE_WHERE, where, &bound, error));
    TRY(coerce_boolean(insert->binder, bound, "WHERE", &bound, error));
    TRY(lower_expression(insert->binder->kept, bound, insert->row, &insert->out->conflict_where,
                         &why, error));
    return insert->out->conflict_where != NULL
               ? OK
               : refuse_not_local(bound, why, "ON CONFLICT DO UPDATE", error);
}

static Status bind_conflict_update(Insert *insert, Scope *scope, const Node *clause, Error *error)
{
    AssignmentList list;
    Scope own = *scope;
    own.excluded = insert->row;
    if (node_field(clause, "infer") == NULL) {
        error_set_at(error, node_location(clause), STATUS_SYNTAX_ERROR,
                     "ON CONFLICT DO UPDATE requires inference specification or constraint name");
        error_set_hint(error, "For example, ON CONFLICT (column_name).");
        return error->status;
    }
    insert->out->conflict = CONFLICT_UPDATE;
    TRY(bind_assignments(insert->binder, &own, &insert->target, node_field(clause, "targetList"),
                         &list, error));
    TRY(lower_conflict(insert, &list, error));
    return bind_conflict_where(insert, &own, node_field(clause, "whereClause"), error);
}

static Status bind_conflict(Insert *insert, Scope *scope, Error *error)
{
    const Node *clause = node_field(insert->node, "onConflictClause");
    if (clause == NULL)
        return OK;
    const Node *infer = node_field(clause, "infer");
    if (infer != NULL)
        TRY(check_infer(insert, infer, error));
    if (slice_equal_text(node_text(clause, "action"), "ONCONFLICT_UPDATE"))
        return bind_conflict_update(insert, scope, clause, error);
    insert->out->conflict = CONFLICT_NOTHING;
    return OK;
}

/* ---- the statement ---- */

static Status refuse_parts(const Node *node, Error *error)
{
    Slice override = node_text(node, "override");
    if (override.size > 0 && !slice_equal_text(override, "OVERRIDING_NOT_SET"))
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "OVERRIDING SYSTEM VALUE and USER VALUE are not supported");
    return OK;
}

static Status scope_of_row(Insert *insert, Scope *scope, Error *error)
{
    ScopeItem *item;
    BoundQuery *query;
    TRY(target_row(insert->binder, &insert->target, &insert->row, error));
    TRY(scope_item_of(insert->binder, insert->row, &item, error));
    TRY(query_new(insert->binder, NULL, QUERY_SELECT, &query, error));
    *scope = (Scope){.query = query};
    return scope_add(insert->binder, scope, item, error);
}

static Status bind_insert(Statement *statement, const Node *node, BoundInsert **out, Error *error)
{
    Insert insert = {.binder = &statement->binder, .node = node};
    Scope scope;
    insert.out = ARENA_NEW(insert.binder->kept, BoundInsert);
    if (insert.out == NULL)
        return arena_error(insert.binder->kept, error);
    TRY(refuse_parts(node, error));
    TRY(target_find(insert.binder, node_field(node, "relation"), "INSERT", &insert.target, error));
    TRY(target_reference(insert.binder, &insert.target, &insert.out->target, error));
    TRY(bind_columns(&insert, error));
    const Node *select = node_field(node, "selectStmt");
    TRY(select == NULL ? bind_default_values(&insert, error)
                       : bind_values_or_query(&insert, select, error));
    TRY(bind_defaults(&insert, error));
    TRY(scope_of_row(&insert, &scope, error));
    TRY(bind_conflict(&insert, &scope, error));
    TRY(bind_returning(insert.binder, &scope, insert.row, node_field(node, "returningList"),
                       &insert.out->returning, error));
    TRY(statement_check_parameters(insert.binder->context, error));
    insert.out->is_single_row_fast = insert.out->row_count == 1 && insert.out->query == NULL;
    *out = insert.out;
    return OK;
}

Status bind_insert_statement(BindContext *context, const Node *node, BoundInsert **out,
                             Error *error)
{
    Statement statement;
    statement_open(&statement, context);
    Status status = bind_insert(&statement, node, out, error);
    statement_close(&statement);
    return status;
}
