/* ALTER TABLE: one action at a time. What it leaves of the table's CHECKs is bound again, over the
 * columns as they will be: an expression goes by column number and type. */
#include "sql/define_int.h"

static const GuardedObject any_table = {.kind = OBJECT_SHARED_TABLE, .access = ACCESS_PUBLIC};

/* ---- the statement ---- */

Status alter_new(Front *front, const QualifiedName *name, bool missing_ok, BoundAlterTable **out,
                 Error *error)
{
    Arena *arena = &front->plan->arena;
    BoundAlterTable *alter = ARENA_NEW(arena, BoundAlterTable);
    if (alter == NULL)
        return arena_error(arena, error);
    front->plan->as.alter_table = alter;
    front_plan_is(front, STATEMENT_ALTER_TABLE, ACTION_ALTER_TABLE);
    TRY(front_allow(front, ACTION_ALTER_TABLE, any_table, error));
    *out = alter;
    Status status = front_find_user_table(front, name, &alter->table, error);
    if (status == STATUS_UNDEFINED_TABLE && missing_ok) {
        alter->table = NULL;
        alter->nothing_to_do = true;
        return arena_clone(arena, name->name, &alter->new_name, error);
    }
    if (status == OK) {
        alter->checks = alter->table->checks;
        alter->check_count = alter->table->check_count;
    }
    return status;
}

static Status alter_of_range(Front *front, const Node *node, BoundAlterTable **out, Error *error)
{
    QualifiedName name;
    TRY(front_range_name(node_field(node, "relation"), &name, error));
    return alter_new(front, &name, node_boolean(node, "missing_ok"), out, error);
}

/* Where the table's name stands: names of columns are looked for behind it. */
static int32_t place_of(const Node *node)
{
    return node_location(node_field(node, "relation"));
}

static Status find_column(Front *front, const Node *node, BoundAlterTable *alter, Slice name,
                          Error *error)
{
    int32_t column;
    TRY(front_find_column(front, alter->table, name, place_of(node), &column, error));
    alter->column = (uint32_t)column;
    return OK;
}

static Status fail_duplicate(Front *front, const Node *node, const BoundAlterTable *alter,
                             Slice name, Error *error)
{
    return error_set_at(error, front_name_position(front, place_of(node), name),
                        STATUS_DUPLICATE_COLUMN,
                        "column \"%.*s\" of relation \"%.*s\" already exists",
                        SLICE_ARGUMENTS(name), SLICE_ARGUMENTS(alter->table->name));
}

/* ---- CHECKs afterwards ---- */

Status columns_copy(Front *front, const CatalogTable *table, Column **out, Error *error)
{
    const Schema *schema = table->schema;
    Column *columns = ARENA_ARRAY(&front->plan->arena, Column, schema->column_count);
    if (columns == NULL)
        return arena_error(&front->plan->arena, error);
    memcpy(columns, schema->columns, schema->column_count * sizeof *columns);
    *out = columns;
    return OK;
}

/* All of them but those that read `dropped` (a column number; UINT32_MAX: none is dropped). */
static Status rebind_checks(Front *front, BoundAlterTable *alter, const Column *columns,
                            uint32_t column_count, uint32_t dropped, Error *error)
{
    const CatalogTable *table = alter->table;
    CatalogCheck *checks = ARENA_ARRAY(&front->plan->arena, CatalogCheck, table->check_count);
    if (checks == NULL)
        return arena_error(&front->plan->arena, error);
    alter->checks = checks;
    alter->check_count = 0;
    for (uint32_t i = 0; i < table->check_count; i++) {
        if (expression_reads_column(table->checks[i].expression, dropped))
            continue;
        TRY(check_rebind(front, table->name, columns, column_count, &table->checks[i],
                         &checks[alter->check_count], error));
        alter->check_count++;
    }
    return OK;
}

/* ---- ADD COLUMN ---- */

static Status refuse_added_constraints(const Node *column, Error *error)
{
    const Node *constraints = node_field(column, "constraints");
    for (uint32_t i = 0; i < node_count(constraints); i++) {
        const Node *constraint = node_item(constraints, i);
        Slice kind = node_text(constraint, "contype");
        if (slice_equal_text(kind, "CONSTR_PRIMARY"))
            return fail_unsupported(node_location(constraint), "ADD COLUMN with PRIMARY KEY",
                                    error);
        if (slice_equal_text(kind, "CONSTR_CHECK"))
            return fail_unsupported(node_location(constraint), "ADD COLUMN with CHECK", error);
    }
    return OK;
}

static Status add_column(Front *front, const Node *node, const Node *command,
                         BoundAlterTable *alter, Error *error)
{
    const Node *column = node_field(command, "def");
    const CatalogTable *table = alter->table;
    ColumnDefinition definition;
    alter->kind = ALTER_ADD_COLUMN;
    alter->if_exists = node_boolean(command, "missing_ok");
    if (schema_find(table->schema, node_text(column, "colname")) >= 0) {
        alter->nothing_to_do = alter->if_exists;
        return alter->if_exists
                   ? arena_clone(&front->plan->arena, node_text(column, "colname"),
                                 &alter->new_name, error)
                   : fail_duplicate(front, node, alter, node_text(column, "colname"), error);
    }
    if (table->schema->column_count >= COLUMNS_MAX)
        return error_set_at(error, node_location(column), STATUS_TOO_MANY_COLUMNS,
                            "tables can have at most %d columns", COLUMNS_MAX);
    TRY(refuse_added_constraints(column, error));
    TRY(column_define(front, table->name, column, &alter->added.column, &definition, error));
    TRY(column_bind_default(front, table->name, &definition, &alter->added.column,
                            &alter->added.default_value, error));
    if (alter->added.default_value != NULL && expression_is_volatile(alter->added.default_value))
        return fail_unsupported(node_location(definition.default_node),
                                "ADD COLUMN with a volatile DEFAULT", error);
    return OK;
}

/* ---- DROP COLUMN ---- */

static Status drop_column(Front *front, const Node *node, const Node *command,
                          BoundAlterTable *alter, Error *error)
{
    const Schema *schema = alter->table->schema;
    Slice name = node_text(command, "name");
    Column *columns;
    alter->kind = ALTER_DROP_COLUMN;
    alter->if_exists = node_boolean(command, "missing_ok");
    Status status = find_column(front, node, alter, name, error);
    if (status == STATUS_UNDEFINED_COLUMN && alter->if_exists) {
        alter->nothing_to_do = true;
        return arena_clone(&front->plan->arena, name, &alter->new_name, error);
    }
    if (status != OK)
        return status;
    if (schema->columns[alter->column].key_position >= 0)
        return error_set_at(
            error, front_name_position(front, place_of(node), name), STATUS_FEATURE_NOT_SUPPORTED,
            "column \"%.*s\" is part of the key and cannot be dropped", SLICE_ARGUMENTS(name));
    TRY(columns_copy(front, alter->table, &columns, error));
    uint32_t behind = schema->column_count - alter->column - 1;
    memmove(columns + alter->column, columns + alter->column + 1, behind * sizeof *columns);
    return rebind_checks(front, alter, columns, schema->column_count - 1, alter->column, error);
}

/* ---- ALTER COLUMN … TYPE ---- */

/* The default was bound to be assigned to the old type. */
static Status rebind_default(Front *front, BoundAlterTable *alter, Error *error)
{
    Column *column = &alter->added.column;
    if (column->default_sql.size == 0)
        return OK;
    BindContext context = front_context(front);
    const Node *expression;
    TRY(front_parse_expression(front, column->default_sql, &context.sql, &expression, error));
    Status status = bind_expression_in_table(&context, alter->table->name, NULL, 0, expression,
                                             EXPRESSION_OF_DEFAULT, column->type,
                                             &alter->added.default_value, error);
    if (status != OK) {
        error->position_byte = -1;
        return error_prefix(error, "the default of column \"%.*s\"", SLICE_ARGUMENTS(column->name));
    }
    return OK;
}

static Status check_widening(const Column *column, Type to, int32_t position, Error *error)
{
    char old_name[TYPE_NAME_BYTES_MAX];
    char new_name[TYPE_NAME_BYTES_MAX];
    if (type_widens_to(column->type, to))
        return OK;
    type_name(column->type, old_name);
    type_name(to, new_name);
    (void)error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                       "column \"%.*s\" cannot change from %s to %s", SLICE_ARGUMENTS(column->name),
                       old_name, new_name);
    error_set_hint(error, "Types only widen: INTEGER to BIGINT, REAL to DOUBLE, more digits of "
                          "DECIMAL, more characters of VARCHAR.");
    return error->status;
}

static Status alter_type(Front *front, const Node *node, const Node *command,
                         BoundAlterTable *alter, Error *error)
{
    const Node *definition = node_field(command, "def");
    const Node *type = node_field(definition, "typeName");
    Column *columns;
    alter->kind = ALTER_COLUMN_TYPE;
    TRY(find_column(front, node, alter, node_text(command, "name"), error));
    if (node_field(definition, "raw_default") != NULL)
        return fail_unsupported(node_location(node_field(definition, "raw_default")),
                                "ALTER COLUMN TYPE … USING", error);
    if (node_field(definition, "collClause") != NULL)
        return fail_unsupported(node_location(node_field(definition, "collClause")),
                                "ALTER COLUMN TYPE … COLLATE", error);
    TRY(column_type(front, type, &alter->type, error));
    const Column *old = &alter->table->schema->columns[alter->column];
    TRY(check_widening(old, alter->type, node_location(type), error));
    alter->nothing_to_do = type_equal(old->type, alter->type);
    alter->added.column = *old;
    alter->added.column.type = alter->type;
    TRY(columns_copy(front, alter->table, &columns, error));
    columns[alter->column].type = alter->type;
    TRY(rebind_default(front, alter, error));
    return rebind_checks(front, alter, columns, alter->table->schema->column_count, UINT32_MAX,
                         error);
}

/* ---- DEFAULT and NOT NULL ---- */

static Status alter_default(Front *front, const Node *node, const Node *command,
                            BoundAlterTable *alter, Error *error)
{
    const Node *expression = node_field(command, "def");
    TRY(find_column(front, node, alter, node_text(command, "name"), error));
    alter->added.column = alter->table->schema->columns[alter->column];
    alter->added.column.default_sql = SLICE_EMPTY;
    alter->kind = expression == NULL ? ALTER_DROP_DEFAULT : ALTER_SET_DEFAULT;
    if (expression == NULL)
        return OK;
    ColumnDefinition definition = {.default_node = expression};
    TokenReader reader = front->reader;
    while (!reader_is_at_end(&reader) && !reader_take(&reader, "set default"))
        reader_skip(&reader);
    definition.default_begin = (uint32_t)reader_position(&reader);
    definition.default_end = front_expression_end(front, reader.at, INT32_MAX);
    return column_bind_default(front, alter->table->name, &definition, &alter->added.column,
                               &alter->added.default_value, error);
}

static Status alter_not_null(Front *front, const Node *node, const Node *command,
                             BoundAlterTable *alter, bool wanted, Error *error)
{
    Slice name = node_text(command, "name");
    alter->kind = wanted ? ALTER_SET_NOT_NULL : ALTER_DROP_NOT_NULL;
    TRY(find_column(front, node, alter, name, error));
    const Column *column = &alter->table->schema->columns[alter->column];
    alter->nothing_to_do = column->not_null == wanted;
    if (!wanted && column->key_position >= 0)
        return error_set_at(error, front_name_position(front, place_of(node), name),
                            STATUS_INVALID_TABLE_DEFINITION, "column \"%.*s\" is in a primary key",
                            SLICE_ARGUMENTS(name));
    return OK;
}

/* ---- which action ---- */

static Status refuse_action(Front *front, const Node *command, Slice subtype, Error *error)
{
    static const char *const refused[][2] = {
        {"AT_DropConstraint", "ALTER TABLE … DROP CONSTRAINT"},
        {"AT_ChangeOwner", "ALTER TABLE … OWNER TO"},
        {"AT_ResetRelOptions", "ALTER TABLE … RESET"},
        {"AT_AddIdentity", "ALTER COLUMN … ADD GENERATED"},
        {"AT_EnableRowSecurity", "ROW LEVEL SECURITY"},
        {"AT_DisableRowSecurity", "ROW LEVEL SECURITY"},
        {"AT_ValidateConstraint", "ALTER TABLE … VALIDATE CONSTRAINT"},
    };
    int32_t position = reader_position(&front->reader);
    if (slice_equal_text(subtype, "AT_AddConstraint")) {
        TRY(constraint_refuse(node_field(command, "def"), error));
        return fail_unsupported(position, "ALTER TABLE … ADD CONSTRAINT", error);
    }
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        if (slice_equal_text(subtype, refused[i][0]))
            return fail_unsupported(position, refused[i][1], error);
    }
    return fail_unsupported(position, "this action of ALTER TABLE", error);
}

static Status define_action(Front *front, const Node *node, const Node *command,
                            BoundAlterTable *alter, Error *error)
{
    Slice subtype = node_text(command, "subtype");
    if (slice_equal_text(subtype, "AT_AddColumn"))
        return add_column(front, node, command, alter, error);
    if (slice_equal_text(subtype, "AT_DropColumn"))
        return drop_column(front, node, command, alter, error);
    if (slice_equal_text(subtype, "AT_AlterColumnType"))
        return alter_type(front, node, command, alter, error);
    if (slice_equal_text(subtype, "AT_ColumnDefault"))
        return alter_default(front, node, command, alter, error);
    if (slice_equal_text(subtype, "AT_SetNotNull"))
        return alter_not_null(front, node, command, alter, true, error);
    if (slice_equal_text(subtype, "AT_DropNotNull"))
        return alter_not_null(front, node, command, alter, false, error);
    return refuse_action(front, command, subtype, error);
}

Status define_alter_table(Front *front, const Node *node, Error *error)
{
    const Node *commands = node_field(node, "cmds");
    BoundAlterTable *alter = NULL;
    if (!slice_equal_text(node_text(node, "objtype"), "OBJECT_TABLE"))
        return front_unsupported_statement(front, error);
    TRY(alter_of_range(front, node, &alter, error));
    if (node_count(commands) != 1)
        return fail_unsupported(reader_position(&front->reader), "ALTER TABLE with several actions",
                                error);
    if (alter->table == NULL)
        return OK;
    return define_action(front, node, node_item(commands, 0), alter, error);
}
