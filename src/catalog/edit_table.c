/* ALTER TABLE: a new version of a table's definition from the old one and one edit. */
#include "catalog/catalog_int.h"

typedef struct EditWork {
    Catalog *catalog;
    const TableEdit *edit;
    const CatalogTable *old;
    CatalogTable next;
    Arena arena;
    Column *columns;
    const Expression **defaults;
    uint32_t column_count;
    bool changes_schema;
} EditWork;

static Status copy_columns(EditWork *work, Error *error)
{
    const Schema *schema = work->old->schema;
    uint32_t count = schema->column_count;
    work->columns = ARENA_ARRAY(&work->arena, Column, count + 1);
    work->defaults = ARENA_ARRAY(&work->arena, const Expression *, count + 1);
    if (work->columns == NULL || work->defaults == NULL)
        return arena_error(&work->arena, error);
    for (uint32_t i = 0; i < count; i++) {
        work->columns[i] = schema->columns[i];
        work->defaults[i] = work->old->defaults[i];
    }
    work->column_count = count;
    return OK;
}

static Status check_column(const EditWork *work, Error *error)
{
    if (work->edit->column < work->column_count)
        return OK;
    return error_of(error, STATUS_UNDEFINED_COLUMN);
}

/* Last, also behind a hidden `_row`: CHECKs go by column number. */
static Status add_column(EditWork *work, Error *error)
{
    const TableEdit *edit = work->edit;
    uint32_t at = work->column_count;
    if (schema_find(work->old->schema, edit->added.name) >= 0)
        return error_set(error, STATUS_DUPLICATE_COLUMN, "column \"%.*s\" already exists",
                         SLICE_ARGUMENTS(edit->added.name));
    if (at >= COLUMNS_MAX)
        return error_set(error, STATUS_TOO_MANY_COLUMNS, "a table has at most %d columns",
                         COLUMNS_MAX);
    work->columns[at] = edit->added;
    work->columns[at].field_id = work->old->schema->next_field_id;
    work->columns[at].key_position = -1;
    work->defaults[at] = edit->default_value;
    work->column_count++;
    return OK;
}

static Status drop_column(EditWork *work, Error *error)
{
    uint32_t column = work->edit->column;
    const Column *dropped = &work->columns[column];
    if (dropped->key_position >= 0)
        return error_set(error, STATUS_INVALID_TABLE_DEFINITION,
                         "column \"%.*s\" is part of the primary key",
                         SLICE_ARGUMENTS(dropped->name));
    for (uint32_t i = column; i + 1 < work->column_count; i++) {
        work->columns[i] = work->columns[i + 1];
        work->defaults[i] = work->defaults[i + 1];
    }
    work->column_count--;
    return OK;
}

static Status rename_column(EditWork *work, Error *error)
{
    TRY(object_name_check(work->edit->text, "column", error));
    if (schema_find(work->old->schema, work->edit->text) >= 0)
        return error_set(error, STATUS_DUPLICATE_COLUMN, "column \"%.*s\" already exists",
                         SLICE_ARGUMENTS(work->edit->text));
    work->columns[work->edit->column].name = work->edit->text;
    return OK;
}

static Status change_type(EditWork *work, Error *error)
{
    Column *column = &work->columns[work->edit->column];
    if (!type_widens_to(column->type, work->edit->type)) {
        char from[TYPE_NAME_BYTES_MAX];
        char to[TYPE_NAME_BYTES_MAX];
        type_name(column->type, from);
        type_name(work->edit->type, to);
        (void)error_set(error, STATUS_CANNOT_COERCE, "column \"%.*s\" cannot become %s: it is %s",
                        SLICE_ARGUMENTS(column->name), to, from);
        error_set_hint(error, "Types only widen: INT to BIGINT, REAL to DOUBLE, DECIMAL and "
                              "VARCHAR to more digits or characters.");
        return error->status;
    }
    column->type = work->edit->type;
    column->initial_default.kind = column->type.kind;
    return OK;
}

/* Edits of columns; `*schema` says whether rows are laid out or read differently from now on. */
static Status edit_columns(EditWork *work, Error *error)
{
    const TableEdit *edit = work->edit;
    work->changes_schema = true;
    switch (edit->kind) {
    case EDIT_ADD_COLUMN:
        return add_column(work, error);
    case EDIT_DROP_COLUMN:
        return drop_column(work, error);
    case EDIT_RENAME_COLUMN:
        return rename_column(work, error);
    case EDIT_COLUMN_TYPE:
        return change_type(work, error);
    case EDIT_SET_DEFAULT:
        work->defaults[edit->column] = edit->default_value;
        work->columns[edit->column].default_sql = edit->default_sql;
        return OK;
    case EDIT_SET_NOT_NULL:
    case EDIT_DROP_NOT_NULL:
        work->columns[edit->column].not_null = edit->kind == EDIT_SET_NOT_NULL;
        return OK;
    case EDIT_COLUMN_COMMENT:
        work->columns[edit->column].comment = edit->text;
        return OK;
    case EDIT_OPTIONS:
    case EDIT_RENAME_TABLE:
    case EDIT_COMMENT:
        break;
    }
    UNREACHABLE();
}

static Status rename_table(EditWork *work, Error *error)
{
    Slice name = work->edit->text;
    TRY(object_name_check(name, "table", error));
    if (catalog_find_table(work->catalog->head, work->old->namespace_name, name) != NULL)
        return error_set(error, STATUS_DUPLICATE_TABLE, "relation \"%.*s\" already exists",
                         SLICE_ARGUMENTS(name));
    work->next.name = name;
    return OK;
}

static Status edit(EditWork *work, Error *error)
{
    switch (work->edit->kind) {
    case EDIT_OPTIONS:
        work->next.options = work->edit->options;
        work->next.access = work->edit->access;
        return OK;
    case EDIT_RENAME_TABLE:
        return rename_table(work, error);
    case EDIT_COMMENT:
        work->next.comment = work->edit->text;
        return OK;
    default:
        TRY(copy_columns(work, error));
        if (work->edit->kind != EDIT_ADD_COLUMN)
            TRY(check_column(work, error));
        return edit_columns(work, error);
    }
}

/* The new version, with the old one remembered for reading the log back. */
static Status new_schema(EditWork *work, Error *error)
{
    const Schema *schema = work->old->schema;
    uint32_t next_field = schema->next_field_id + (work->edit->kind == EDIT_ADD_COLUMN);
    Schema **old = ARENA_ARRAY(&work->arena, Schema *, (size_t)work->old->old_schema_count + 1);
    if (old == NULL)
        return arena_error(&work->arena, error);
    for (uint32_t i = 0; i < work->old->old_schema_count; i++)
        old[i] = work->old->old_schemas[i];
    old[work->old->old_schema_count] = work->old->schema;
    work->next.old_schemas = old;
    work->next.old_schema_count = work->old->old_schema_count + 1;
    work->next.defaults = work->defaults;
    work->next.checks = work->edit->checks;
    work->next.check_count = work->edit->check_count;
    return schema_create(schema->table_id, schema->version + 1, schema->kind, work->columns,
                         work->column_count, next_field, &work->next.schema, error);
}

static Status log_edit(EditWork *work, int64_t deadline_ns, Error *error)
{
    Catalog *catalog = work->catalog;
    CatalogChange change = {.kind = CATALOG_TABLE, .as.table = work->next};
    TableDefinition definition;
    Path folder;
    TRY(catalog_table_definition(catalog, &work->next, &folder, &definition, error));
    TableChange table_change = {TABLE_CHANGE_ALTER, work->old->id, &definition};
    TRY(catalog_define_checked(catalog, &change, 1, &table_change, work->changes_schema ? 1 : 0,
                               deadline_ns, work->edit->check, work->edit->check_context, error));
    if (work->changes_schema)
        return OK;
    EngineTable *table = engine_table(catalog->engine, work->next.id);
    if (table != NULL)
        engine_table_set_policy(table, &definition.policy);
    engine_table_release(table);
    return OK;
}

static Status edit_table(EditWork *work, int64_t deadline_ns, Error *error)
{
    work->old = catalog_table_by_id(work->catalog->head, work->edit->table_id);
    if (work->old == NULL)
        return error_of(error, STATUS_UNDEFINED_TABLE);
    work->next = *work->old;
    work->next.altered_us = env_wall_us(work->catalog->env);
    TRY(edit(work, error));
    if (work->changes_schema)
        TRY(new_schema(work, error));
    Status status = log_edit(work, deadline_ns, error);
    if (work->changes_schema)
        schema_release(work->next.schema);
    return status;
}

Status catalog_edit_table(Catalog *catalog, const TableEdit *table_edit, int64_t deadline_ns,
                          Error *error)
{
    EditWork work = {.catalog = catalog, .edit = table_edit};
    arena_open(&work.arena, 0);
    mutex_lock(&catalog->define_mutex);
    Status status = edit_table(&work, deadline_ns, error);
    mutex_unlock(&catalog->define_mutex);
    arena_close(&work.arena);
    return status;
}
