/* Relations: what stands in FROM, with its columns. */
#include "sql/binder_int.h"

Status relation_new(Binder *binder, RelationKind kind, uint32_t depth, int32_t position,
                    Relation **out, Error *error)
{
    if (binder->relation_count >= BIND_RELATIONS_MAX)
        return error_set_at(error, position, STATUS_PROGRAM_LIMIT_EXCEEDED,
                            "more than %d tables and subqueries in one statement",
                            BIND_RELATIONS_MAX);
    Relation *relation = ARENA_NEW(binder->arena, Relation);
    if (relation == NULL)
        return arena_error(binder->arena, error);
    relation->kind = kind;
    relation->number = binder->relation_count++;
    relation->depth = depth;
    relation->position_byte = position;
    *out = relation;
    return OK;
}

/* ---- system columns ---- */

static const struct {
    const char *name;
    SystemColumn system;
    TypeKind kind;
} SYSTEM_COLUMNS[] = {
    {"_seq", SYSTEM_SEQ, TYPE_BIGINT},
    {"_updated", SYSTEM_UPDATED, TYPE_TIMESTAMPTZ},
    {"_deleted", SYSTEM_DELETED, TYPE_BOOLEAN},
    {"_user", SYSTEM_USER, TYPE_TEXT},
};

enum { SYSTEM_COLUMN_COUNT = sizeof SYSTEM_COLUMNS / sizeof SYSTEM_COLUMNS[0] };

static bool table_has_system_column(TableKind kind, SystemColumn column)
{
    switch (column) {
    case SYSTEM_SEQ:
        return true;
    case SYSTEM_UPDATED:
    case SYSTEM_DELETED:
        return kind != TABLE_STREAM;
    case SYSTEM_USER:
        return kind != TABLE_SHARED;
    }
    return false;
}

RelationColumn relation_column_of(const Column *column)
{
    RelationColumn made = {.name = column->name, .type = column->type, .hidden = column->hidden};
    if (column->type.kind == TYPE_DECIMAL) {
        /* A DECIMAL without a precision keeps each value's own scale. */
        made.scale = column->type.a > 0 ? (int16_t)column->type.b : SCALE_VARIES;
        made.precision = (uint8_t)(column->type.a > 0 ? column->type.a : DECIMAL_PRECISION_MAX);
    }
    return made;
}

static Status columns_of_schema(Binder *binder, const Schema *schema, bool with_system,
                                Relation *relation, Error *error)
{
    uint32_t count = schema->column_count;
    RelationColumn *columns =
        ARENA_ARRAY(binder->arena, RelationColumn, count + SYSTEM_COLUMN_COUNT);
    if (columns == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < count; i++)
        columns[i] = relation_column_of(&schema->columns[i]);
    for (size_t i = 0; with_system && i < SYSTEM_COLUMN_COUNT; i++) {
        if (!table_has_system_column(schema->kind, SYSTEM_COLUMNS[i].system))
            continue;
        columns[count++] = (RelationColumn){.name = slice_of_text(SYSTEM_COLUMNS[i].name),
                                            .type = TYPE_OF_KIND(SYSTEM_COLUMNS[i].kind),
                                            .hidden = true,
                                            .is_system = true,
                                            .system = SYSTEM_COLUMNS[i].system};
    }
    relation->columns = columns;
    relation->column_count = count;
    relation->schema = schema;
    return OK;
}

/* ---- tables ---- */

static const TableClause *clause_at(const BindContext *context, int32_t position)
{
    for (uint32_t i = 0; i < context->clause_count; i++) {
        if (context->clauses[i].table_byte == position)
            return &context->clauses[i];
    }
    return NULL;
}

static Status add_reference(Binder *binder, const CatalogTable *table, const SystemTable *system,
                            Schema *schema, int32_t position, Error *error)
{
    TRY(list_grow(binder->arena, (void **)&binder->references, binder->reference_count,
                  &binder->reference_capacity, sizeof(BoundReference), error));
    bool *columns = ARENA_ARRAY(binder->kept, bool, schema->column_count);
    if (columns == NULL)
        return arena_error(binder->kept, error);
    const TableClause *clause = clause_at(binder->context, position);
    Slice as_user = SLICE_EMPTY;
    if (clause != NULL)
        TRY(arena_clone(binder->kept, clause->as_user, &as_user, error));
    binder->references[binder->reference_count++] = (BoundReference){
        .table = table,
        .system = system,
        .schema = schema,
        .all_users = clause != NULL && clause->all_users,
        .as_user = as_user,
        .columns = columns,
        .position_byte = position,
    };
    return OK;
}

Status relation_of_table(Binder *binder, uint32_t depth, const CatalogTable *table,
                         const SystemTable *system, int32_t position, Relation **out, Error *error)
{
    Relation *relation;
    TRY(relation_new(binder, RELATION_TABLE, depth, position, &relation, error));
    Schema *schema = table != NULL ? table->schema : NULL;
    if (table == NULL) {
        TRY(system_table_schema(system, &schema, error));
        TRY(bind_hold_schema(binder->context, schema, error));
    }
    relation->table_name = table != NULL ? table->name : slice_of_text(system->name);
    relation->namespace_name = table != NULL ? table->namespace_name : SLICE("system");
    relation->alias = relation->table_name;
    relation->reference = binder->reference_count;
    TRY(columns_of_schema(binder, schema, table != NULL, relation, error));
    TRY(add_reference(binder, table, system, schema, position, error));
    *out = relation;
    return OK;
}

Status relation_add_location(Binder *binder, Relation *relation, Error *error)
{
    static const char *const NAMES[] = {"_file", "_position"};
    uint32_t count = relation->column_count;
    RelationColumn *columns = ARENA_ARRAY(binder->arena, RelationColumn, count + 2);
    if (columns == NULL)
        return arena_error(binder->arena, error);
    for (uint32_t i = 0; i < count; i++)
        columns[i] = relation->columns[i];
    for (uint32_t i = 0; i < 2; i++)
        columns[count + i] = (RelationColumn){
            .type = TYPE(BIGINT), .hidden = true, .is_system = true, .location = NAMES[i]};
    relation->columns = columns;
    relation->column_count = count + 2;
    return OK;
}

/* ---- AS x (a, b) ---- */

Status relation_rename(Binder *binder, Relation *relation, const Node *alias, Error *error)
{
    if (alias == NULL)
        return OK;
    relation->alias = node_text(alias, "aliasname");
    relation->namespace_name = SLICE_EMPTY;
    const Node *names = node_field(alias, "colnames");
    uint32_t visible = 0;
    for (uint32_t i = 0; i < relation->column_count; i++)
        visible += !relation->columns[i].hidden;
    if (node_count(names) > visible)
        return error_set_at(error, relation->position_byte, STATUS_INVALID_COLUMN_REFERENCE,
                            "table \"%.*s\" has %u columns available but %u columns specified",
                            SLICE_ARGUMENTS(relation->alias), visible, node_count(names));
    if (node_count(names) == 0)
        return OK;
    RelationColumn *columns = ARENA_ARRAY(binder->arena, RelationColumn, relation->column_count);
    if (columns == NULL)
        return arena_error(binder->arena, error);
    uint32_t next = 0;
    for (uint32_t i = 0; i < relation->column_count; i++) {
        columns[i] = relation->columns[i];
        if (!columns[i].hidden && next < node_count(names))
            columns[i].name = node_string(node_item(names, next++));
    }
    relation->columns = columns;
    return OK;
}

/* ---- finding the table ---- */

static Status error_no_table(Slice namespace_name, Slice name, int32_t position, Error *error)
{
    bool qualified = namespace_name.size > 0;
    return error_set_at(error, position, STATUS_UNDEFINED_TABLE,
                        "relation \"%.*s%s%.*s\" does not exist", SLICE_ARGUMENTS(namespace_name),
                        qualified ? "." : "", SLICE_ARGUMENTS(name));
}

Status bind_allow_table(const BindContext *context, const CatalogTable *table, Error *error)
{
    if (context->allow_table == NULL)
        return OK;
    return context->allow_table(context->allow_context, table, error);
}

/* That a table is missing is told to who may touch some table of the namespace; to others it and
 * one they may not touch are the same. */
static Status allow_missing(const BindContext *context, Slice namespace_name, Error *error)
{
    static const CatalogTable closed = {.kind = TABLE_SHARED, .access = ACCESS_PRIVATE};
    const CatalogTable *const *tables;
    size_t count = catalog_tables(context->snapshot, &tables);
    Error refused;
    for (size_t i = 0; i < count; i++) {
        if (slice_equal(tables[i]->namespace_name, namespace_name) &&
            bind_allow_table(context, tables[i], &refused) == OK)
            return OK;
    }
    return bind_allow_table(context, &closed, error);
}

Status bind_table_name(BindContext *context, const Node *range, const CatalogTable **table,
                       const SystemTable **system, Error *error)
{
    Slice name = node_text(range, "relname");
    Slice written = node_text(range, "schemaname");
    Slice namespace_name = written.size > 0 ? written : context->namespace_name;
    int32_t position = node_location(range);
    *table = NULL;
    *system = NULL;
    if (node_text(range, "catalogname").size > 0)
        return error_set_at(error, position, STATUS_FEATURE_NOT_SUPPORTED,
                            "cross-database references are not implemented: \"%.*s\"",
                            SLICE_ARGUMENTS(node_text(range, "catalogname")));
    if (namespace_name.size == 0)
        return error_set_at(error, position, STATUS_INVALID_SCHEMA_NAME,
                            "no namespace: write ns.%.*s or USE ns", SLICE_ARGUMENTS(name));
    if (namespace_is_system(namespace_name))
        *system = system_table_find(name);
    else
        *table = catalog_find_table(context->snapshot, namespace_name, name);
    if (*table == NULL && *system == NULL) {
        if (!namespace_is_system(namespace_name))
            TRY(allow_missing(context, namespace_name, error));
        return error_no_table(written, name, position, error);
    }
    return *table == NULL ? OK : bind_allow_table(context, *table, error);
}
