/* CREATE TABLE. */
#include "sql/define_int.h"

enum {
    KEY_COLUMNS_MAX = 32, /* of one key, as PostgreSQL's indexes have it */
    CHECKS_MAX = 256,
};

/* A table while its parts come together. */
typedef struct TableDefinition {
    BoundCreateTable *table;
    const Node *elements;
    ColumnDefinition *definitions; /* one for each column */
    Column *columns;               /* the same as table->columns, side by side for the binder */
    const Node *primary;           /* the constraint that made the key; NULL: none */
} TableDefinition;

/* ---- what PostgreSQL has and Firn has not ---- */

static Status refuse_table_parts(Front *front, const Node *node, Error *error)
{
    static const struct {
        const char *field;
        const char *feature;
    } parts[] = {
        {"inhRelations", "INHERITS and PARTITION OF"},
        {"partspec", "PARTITION BY"},
        {"partbound", "PARTITION OF"},
        {"ofTypename", "CREATE TABLE OF a type"},
        {"tablespacename", "TABLESPACE"},
        {"accessMethod", "USING of a table"},
        {"options", "WITH in this place"},
    };
    const Node *relation = node_field(node, "relation");
    int32_t position = reader_position(&front->reader);
    Slice persistence = node_text(relation, "relpersistence");
    if (slice_equal_text(persistence, "t"))
        return fail_unsupported(position, "CREATE TEMPORARY TABLE", error);
    if (slice_equal_text(persistence, "u"))
        return fail_unsupported(position, "CREATE UNLOGGED TABLE", error);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (node_field(node, parts[i].field) != NULL)
            return fail_unsupported(node_location(relation), parts[i].feature, error);
    }
    if (!slice_equal_text(node_text(node, "oncommit"), "ONCOMMIT_NOOP"))
        return fail_unsupported(node_location(relation), "ON COMMIT", error);
    return OK;
}

/* ---- names ---- */

static Status check_name(Slice name, const char *what, int32_t position, Error *error)
{
    Status status = object_name_check(name, what, error);
    if (status != OK)
        error->position_byte = position;
    return status;
}

/* The namespace a new table goes to; it must be there. */
static Status find_target(Front *front, const QualifiedName *name, Slice *out, Error *error)
{
    Slice written = name->namespace_name;
    Slice wanted = written.size > 0 ? written : front->namespace_name;
    const CatalogNamespace *found;
    if (wanted.size == 0)
        return error_set_at(error, name->position_byte, STATUS_INVALID_SCHEMA_NAME,
                            "no namespace: write ns.%.*s or USE ns", SLICE_ARGUMENTS(name->name));
    if (namespace_is_system(wanted))
        return error_set_at(error, name->position_byte, STATUS_INSUFFICIENT_PRIVILEGE,
                            "system tables are read-only");
    TRY(front_find_namespace(front, wanted, name->position_byte, &found, error));
    *out = found->name;
    return OK;
}

static Status name_table(Front *front, const Node *node, BoundCreateTable *table, Error *error)
{
    QualifiedName name;
    TRY(front_range_name(node_field(node, "relation"), &name, error));
    TRY(find_target(front, &name, &table->namespace_name, error));
    TRY(check_name(name.name, "table", name.position_byte, error));
    TRY(arena_clone(&front->plan->arena, name.name, &table->name, error));
    table->if_not_exists = node_boolean(node, "if_not_exists");
    if (catalog_find_table(front->plan->snapshot, table->namespace_name, table->name) == NULL)
        return OK;
    table->exists_already = table->if_not_exists;
    if (table->exists_already)
        return OK;
    return error_set_at(error, name.position_byte, STATUS_DUPLICATE_TABLE,
                        "relation \"%.*s\" already exists", SLICE_ARGUMENTS(table->name));
}

/* ---- options ---- */

static Status set_options(Front *front, int32_t position, BoundCreateTable *table, Error *error)
{
    TableOptionSet *set = &front->table_options;
    table->kind = front->has_table_kind ? front->table_kind : TABLE_SHARED;
    if (table->kind == TABLE_STREAM && !(set->set & OPTION_TTL)) {
        (void)error_set_at(error, position, STATUS_INVALID_TABLE_DEFINITION,
                           "a STREAM table needs a TTL");
        error_set_hint(error, "Write TTL 1h behind the columns, say: up to 31d.");
        return error->status;
    }
    TRY(table_options_check(set, table->kind, front->plan->snapshot, error));
    table->options = set->options;
    table->access = set->access;
    table->storage = set->storage;
    return OK;
}

/* ---- columns ---- */

static Status add_column(Front *front, TableDefinition *definition, const Node *node, Error *error)
{
    BoundCreateTable *table = definition->table;
    uint32_t i = table->column_count;
    ColumnDefinition *written = &definition->definitions[i];
    Column *column = &definition->columns[i];
    TRY(column_define(front, table->name, node, column, written, error));
    for (uint32_t k = 0; k < i; k++) {
        if (slice_equal(definition->columns[k].name, column->name))
            return error_set_at(error, written->position_byte, STATUS_DUPLICATE_COLUMN,
                                "column \"%.*s\" specified more than once",
                                SLICE_ARGUMENTS(column->name));
    }
    table->column_count++;
    return OK;
}

static Status refuse_element(const Node *element, Error *error)
{
    if (node_is(element, "TableLikeClause"))
        return fail_unsupported(node_location(node_field(element, "relation")), "LIKE", error);
    if (node_is(element, "Constraint"))
        return constraint_refuse(element, error);
    return OK;
}

static Status define_columns(Front *front, TableDefinition *definition, Error *error)
{
    Arena *arena = &front->plan->arena;
    uint32_t count = node_count(definition->elements);
    definition->definitions = ARENA_ARRAY(front->scratch, ColumnDefinition, count);
    definition->columns = ARENA_ARRAY(arena, Column, count);
    if (definition->definitions == NULL)
        return arena_error(front->scratch, error);
    if (definition->columns == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < count; i++) {
        const Node *element = node_item(definition->elements, i);
        TRY(refuse_element(element, error));
        if (!node_is(element, "ColumnDef"))
            continue;
        if (definition->table->column_count >= COLUMNS_MAX)
            return error_set_at(error, node_location(element), STATUS_TOO_MANY_COLUMNS,
                                "tables can have at most %d columns", COLUMNS_MAX);
        TRY(add_column(front, definition, element, error));
    }
    if (definition->table->column_count == 0)
        return fail_unsupported(reader_position(&front->reader), "a table without columns", error);
    return OK;
}

/* ---- the key ---- */

static Status add_key_column(TableDefinition *definition, uint32_t i, int32_t position,
                             Error *error)
{
    BoundCreateTable *table = definition->table;
    Column *column = &definition->columns[i];
    char type[TYPE_NAME_BYTES_MAX];
    if (column->key_position >= 0)
        return error_set_at(error, position, STATUS_DUPLICATE_COLUMN,
                            "column \"%.*s\" appears twice in primary key constraint",
                            SLICE_ARGUMENTS(column->name));
    type_name(column->type, type);
    if (!type_is_keyable(column->type))
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "a key cannot have a column of type %s", type);
    if (definition->definitions[i].null_written)
        return error_set_at(error, position, STATUS_SYNTAX_ERROR,
                            "conflicting NULL/NOT NULL declarations for column \"%.*s\" of table "
                            "\"%.*s\"",
                            SLICE_ARGUMENTS(column->name), SLICE_ARGUMENTS(table->name));
    if (table->key_count >= KEY_COLUMNS_MAX)
        return error_set_at(error, position, STATUS_TOO_MANY_COLUMNS,
                            "cannot have more than %d columns in a key", KEY_COLUMNS_MAX);
    column->not_null = true;
    column->key_position = (int16_t)table->key_count;
    table->key_columns[table->key_count++] = i;
    return OK;
}

static Status take_key(TableDefinition *definition, const Node *constraint, Error *error)
{
    if (definition->primary != NULL)
        return error_set_at(error, node_location(constraint), STATUS_INVALID_TABLE_DEFINITION,
                            "multiple primary keys for table \"%.*s\" are not allowed",
                            SLICE_ARGUMENTS(definition->table->name));
    definition->primary = constraint;
    return OK;
}

/* PRIMARY KEY (a, b, …) */
static Status define_table_key(Front *front, TableDefinition *definition, const Node *constraint,
                               Error *error)
{
    const Node *keys = node_field(constraint, "keys");
    TRY(take_key(definition, constraint, error));
    for (uint32_t k = 0; k < node_count(keys); k++) {
        Slice name = node_string(node_item(keys, k));
        int32_t position = front_name_position(front, node_location(constraint), name);
        uint32_t i = 0;
        while (i < definition->table->column_count &&
               !slice_equal(definition->columns[i].name, name))
            i++;
        if (i == definition->table->column_count) {
            NameGuess guess;
            guess_open(&guess, name);
            for (uint32_t c = 0; c < i; c++)
                guess_offer(&guess, definition->columns[c].name);
            (void)error_set_at(error, position, STATUS_UNDEFINED_COLUMN,
                               "column \"%.*s\" named in key does not exist",
                               SLICE_ARGUMENTS(name));
            guess_hint(&guess, error);
            return error->status;
        }
        TRY(add_key_column(definition, i, position, error));
    }
    return OK;
}

static bool is_constraint(const Node *node, const char *kind)
{
    return node_is(node, "Constraint") && slice_equal_text(node_text(node, "contype"), kind);
}

static Status define_key(Front *front, TableDefinition *definition, Error *error)
{
    BoundCreateTable *table = definition->table;
    table->key_columns = ARENA_ARRAY(&front->plan->arena, uint32_t, KEY_COLUMNS_MAX);
    if (table->key_columns == NULL)
        return arena_error(&front->plan->arena, error);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const ColumnDefinition *written = &definition->definitions[i];
        if (written->primary == NULL)
            continue;
        TRY(take_key(definition, written->primary, error));
        TRY(add_key_column(definition, i, written->position_byte, error));
    }
    for (uint32_t i = 0; i < node_count(definition->elements); i++) {
        const Node *element = node_item(definition->elements, i);
        if (is_constraint(element, "CONSTR_PRIMARY"))
            TRY(define_table_key(front, definition, element, error));
    }
    return OK;
}

/* ---- DEFAULT and CHECK, when all columns are known ---- */

static Status bind_defaults(Front *front, TableDefinition *definition, Error *error)
{
    BoundCreateTable *table = definition->table;
    table->columns = ARENA_ARRAY(&front->plan->arena, BoundColumn, table->column_count);
    if (table->columns == NULL)
        return arena_error(&front->plan->arena, error);
    for (uint32_t i = 0; i < table->column_count; i++) {
        BoundColumn *column = &table->columns[i];
        TRY(column_bind_default(front, table->name, &definition->definitions[i],
                                &definition->columns[i], &column->default_value, error));
        column->column = definition->columns[i];
    }
    return OK;
}

static uint32_t count_checks(const TableDefinition *definition)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < node_count(definition->elements); i++) {
        const Node *element = node_item(definition->elements, i);
        const Node *constraints = node_field(element, "constraints");
        count += is_constraint(element, "CONSTR_CHECK");
        for (uint32_t k = 0; k < node_count(constraints); k++)
            count += is_constraint(node_item(constraints, k), "CONSTR_CHECK");
    }
    return count;
}

static Status add_check(Front *front, TableDefinition *definition, const Node *node, Error *error)
{
    BoundCreateTable *table = definition->table;
    if (!is_constraint(node, "CONSTR_CHECK"))
        return OK;
    return check_define(front, table->name, definition->columns, table->column_count, node,
                        table->checks, &table->check_count, error);
}

static Status define_checks(Front *front, TableDefinition *definition, Error *error)
{
    BoundCreateTable *table = definition->table;
    uint32_t count = count_checks(definition);
    if (count > CHECKS_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "a table can have at most %d CHECK constraints", CHECKS_MAX);
    table->checks = ARENA_ARRAY(&front->plan->arena, CatalogCheck, count);
    if (table->checks == NULL)
        return arena_error(&front->plan->arena, error);
    for (uint32_t i = 0; i < node_count(definition->elements); i++) {
        const Node *element = node_item(definition->elements, i);
        const Node *constraints = node_field(element, "constraints");
        TRY(add_check(front, definition, element, error));
        for (uint32_t k = 0; k < node_count(constraints); k++)
            TRY(add_check(front, definition, node_item(constraints, k), error));
    }
    checks_sort(table->checks, table->check_count);
    return OK;
}

Status define_create_table(Front *front, const Node *node, Error *error)
{
    GuardedObject any = {.kind = OBJECT_SHARED_TABLE, .access = ACCESS_PUBLIC};
    BoundCreateTable *table = ARENA_NEW(&front->plan->arena, BoundCreateTable);
    if (table == NULL)
        return arena_error(&front->plan->arena, error);
    front->plan->as.create_table = table;
    front_plan_is(front, STATEMENT_CREATE_TABLE, ACTION_CREATE_TABLE);
    TRY(front_allow(front, ACTION_CREATE_TABLE, any, error));
    TRY(refuse_table_parts(front, node, error));
    TRY(name_table(front, node, table, error));
    if (table->exists_already)
        return OK;
    int32_t position = node_location(node_field(node, "relation"));
    TableDefinition definition = {.table = table, .elements = node_field(node, "tableElts")};
    TRY(set_options(front, position, table, error));
    TRY(define_columns(front, &definition, error));
    TRY(define_key(front, &definition, error));
    TRY(bind_defaults(front, &definition, error));
    return define_checks(front, &definition, error);
}
