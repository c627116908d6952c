/* The library's calls on one table: statements made once, run by their kept plans. */
#include "database/library_int.h"

struct firn_table {
    firn_session *session; /* borrowed */
    uint64_t table_id;
    uint32_t column_count;
    uint32_t key_count;
    Arena arena; /* the texts below */
    Slice name;  /* "ns"."t" */
    Slice put;
    Slice get;
    Slice remove;
    Slice scan; /* SELECT … FROM …; WHERE and ORDER BY are added */
    Slice order;
    Slice first_key;
};

/* ---- texts ---- */

static void put_name(Buffer *out, Slice name)
{
    buffer_put_u8(out, '"'); /* names of the catalog have no quotes inside */
    buffer_put_slice(out, name);
    buffer_put_u8(out, '"');
}

static void put_columns(Buffer *out, const Schema *schema)
{
    for (uint32_t i = 0; i < schema->column_count; i++) {
        buffer_put_text(out, i == 0 ? "" : ", ");
        put_name(out, schema->columns[i].name);
    }
}

static void put_keys(Buffer *out, const Schema *schema)
{
    for (uint32_t i = 0; i < schema->key_count; i++) {
        buffer_put_text(out, i == 0 ? "" : ", ");
        put_name(out, schema->columns[schema->key_columns[i]].name);
    }
}

static void put_key_condition(Buffer *out, const Schema *schema)
{
    buffer_put_text(out, " WHERE ");
    for (uint32_t i = 0; i < schema->key_count; i++) {
        buffer_put_text(out, i == 0 ? "" : " AND ");
        put_name(out, schema->columns[schema->key_columns[i]].name);
        buffer_put_format(out, " = $%u", i + 1);
    }
}

/* What a put of an existing row sets: every column outside the key. */
static void put_assignments(Buffer *out, const Schema *schema)
{
    bool is_first = true;
    for (uint32_t i = 0; i < schema->column_count; i++) {
        if (schema->columns[i].key_position >= 0)
            continue;
        buffer_put_text(out, is_first ? " DO UPDATE SET " : ", ");
        put_name(out, schema->columns[i].name);
        buffer_put_text(out, " = excluded.");
        put_name(out, schema->columns[i].name);
        is_first = false;
    }
    if (is_first)
        buffer_put_text(out, " DO NOTHING");
}

static Status keep_text(firn_table *table, Buffer *text, Slice *out, Error *error)
{
    Status status = buffer_status(text, error);
    if (status == OK)
        status = arena_clone(&table->arena, buffer_slice(text), out, error);
    buffer_clear(text);
    return status;
}

static Status make_put(firn_table *table, const Schema *schema, Buffer *text, Error *error)
{
    buffer_put_text(text, "INSERT INTO ");
    buffer_put_slice(text, table->name);
    buffer_put_text(text, " (");
    put_columns(text, schema);
    buffer_put_text(text, ") VALUES (");
    for (uint32_t i = 0; i < schema->column_count; i++)
        buffer_put_format(text, i == 0 ? "$%u" : ", $%u", i + 1);
    buffer_put_text(text, ") ON CONFLICT (");
    put_keys(text, schema);
    buffer_put_u8(text, ')');
    put_assignments(text, schema);
    return keep_text(table, text, &table->put, error);
}

static Status make_texts(firn_table *table, const CatalogTable *catalog, Buffer *text, Error *error)
{
    const Schema *schema = catalog->schema;
    put_name(text, catalog->namespace_name);
    buffer_put_u8(text, '.');
    put_name(text, catalog->name);
    TRY(keep_text(table, text, &table->name, error));
    TRY(make_put(table, schema, text, error));
    buffer_put_text(text, "SELECT ");
    put_columns(text, schema);
    buffer_put_text(text, " FROM ");
    buffer_put_slice(text, table->name);
    TRY(keep_text(table, text, &table->scan, error));
    buffer_put_slice(text, table->scan);
    put_key_condition(text, schema);
    TRY(keep_text(table, text, &table->get, error));
    buffer_put_text(text, "DELETE FROM ");
    buffer_put_slice(text, table->name);
    put_key_condition(text, schema);
    TRY(keep_text(table, text, &table->remove, error));
    put_keys(text, schema);
    TRY(keep_text(table, text, &table->order, error));
    put_name(text, schema->columns[schema->key_columns[0]].name);
    return keep_text(table, text, &table->first_key, error);
}

/* ---- opening ---- */

static Status find_table(firn_session *session, const CatalogSnapshot *snapshot, const char *name,
                         const CatalogTable **out, Error *error)
{
    Slice whole = slice_of_text(name);
    size_t dot = slice_find(whole, '.');
    Slice namespace_name = slice_part(whole, 0, dot);
    Slice table_name = slice_part(whole, dot + 1, whole.size);
    GuardedObject object = {.kind = OBJECT_SHARED_TABLE};
    *out = catalog_find_table(snapshot, namespace_name, table_name);
    if (*out == NULL) {
        TRY(guard_check(&session->session.session.principal, ACTION_SELECT, &object, error));
        return error_set(error, STATUS_UNDEFINED_TABLE, "relation \"%s\" does not exist", name);
    }
    if ((*out)->schema->columns[(*out)->schema->key_columns[0]].hidden)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "table \"%s\" has no primary key: use SQL", name);
    return OK;
}

static Status open_table(firn_session *session, const char *name, firn_table *table, Error *error)
{
    Database *database = session->database;
    CatalogSnapshot *snapshot = catalog_snapshot(database->catalog);
    const CatalogTable *catalog;
    Plan *plan = NULL;
    Buffer text;
    Status status = OK;
    Parameters none = {0};
    buffer_open(&text, 0);
    GO(find_table(session, snapshot, name, &catalog, error));
    table->session = session;
    table->table_id = catalog->id;
    table->column_count = catalog->schema->column_count;
    table->key_count = catalog->schema->key_count;
    GO(make_texts(table, catalog, &text, error));
    GO(find_plan(database, &session->session, table->get, &none, false, &plan, error));
    GO(execute_guard(database->executor, &session->session.session, plan, error));
done:
    if (plan != NULL)
        plan_release(plan);
    buffer_close(&text);
    catalog_snapshot_release(snapshot);
    return status;
}

FIRN_EXPORTED int firn_table_open(firn_session *session, const char *name, firn_table **out,
                                  firn_error *error)
{
    Error failure;
    firn_table *table = MEMORY_NEW(firn_table);
    *out = NULL;
    if (table == NULL) {
        error_out_of_memory(&failure);
        return library_error(&failure, NULL, error);
    }
    arena_open(&table->arena, 0);
    if (open_table(session, name, table, &failure) != OK) {
        firn_table_close(table);
        return library_error(&failure, NULL, error);
    }
    *out = table;
    return FIRN_OK;
}

FIRN_EXPORTED void firn_table_close(firn_table *table)
{
    if (table == NULL)
        return;
    arena_close(&table->arena);
    memory_free(table);
}

/* ---- rows ---- */

static Status check_count(size_t given, size_t wanted, const char *what, Error *error)
{
    if (given == wanted)
        return OK;
    return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "%zu values for a %s of %zu columns",
                     given, what, wanted);
}

static Status run_text(firn_table *table, Slice sql, const firn_value *values, size_t count,
                       LibrarySink *into, ResultSummary *summary, Error *error)
{
    ResultSink sink = library_sink(into);
    Arena arena;
    Value *converted;
    Status status = OK;
    arena_open(&arena, 0);
    arena_open(&into->row_arena, 0);
    GO(library_values(&arena, values, count, &converted, error));
    Parameters parameters = {.values = converted, .count = (uint32_t)count};
    GO(library_run(table->session, sql, &parameters, &sink, summary, error));
done:
    arena_close(&into->row_arena);
    arena_close(&arena);
    return status;
}

FIRN_EXPORTED int firn_put(firn_table *table, const firn_value *row, size_t columns,
                           firn_error *error)
{
    Error failure;
    LibrarySink sink = {0};
    ResultSummary summary;
    Status status = check_count(columns, table->column_count, "row", &failure);
    if (status == OK)
        status = run_text(table, table->put, row, columns, &sink, &summary, &failure);
    return status == OK ? FIRN_OK : library_error(&failure, NULL, error);
}

static Status cast_rows(Arena *arena, const Plan *plan, const Configuration *configuration,
                        const Value *values, size_t columns, size_t rows, Value **out, Error *error)
{
    *out = ARENA_ARRAY(arena, Value, columns * rows);
    if (*out == NULL)
        return arena_error(arena, error);
    for (size_t r = 0; r < rows; r++) {
        Parameters parameters = {.values = values + r * columns, .count = (uint32_t)columns};
        Value *row;
        uint32_t count;
        TRY(read_parameters(arena, plan, &parameters, configuration, &row, &count, error));
        memcpy(*out + r * columns, row, columns * sizeof(Value));
    }
    return OK;
}

static Status put_rows_once(firn_table *table, const Value *values, size_t columns, size_t rows,
                            Arena *arena, Error *error)
{
    Database *database = table->session->database;
    DatabaseSession *session = &table->session->session;
    Configuration *configuration = database_configuration(database);
    Parameters none = {0};
    ResultSummary summary;
    Plan *plan = NULL;
    ManyRows many = {.count = rows};
    Value *cast;
    Status status = OK;
    GO(find_plan(database, session, table->put, &none, false, &plan, error));
    GO(cast_rows(arena, plan, configuration, values, columns, rows, &cast, error));
    many.parameters = cast;
    GO(execute_insert_many(database->executor, &session->session, plan, &many, &summary, error));
done:
    if (plan != NULL)
        plan_release(plan);
    configuration_release(configuration);
    return status;
}

static Status put_rows(firn_table *table, const firn_value *values, size_t columns, size_t rows,
                       Error *error)
{
    Arena arena;
    Value *converted;
    arena_open(&arena, 0);
    Status status = library_values(&arena, values, columns * rows, &converted, error);
    if (status == OK)
        status = STATUS_SCHEMA_CHANGED;
    for (uint32_t i = 0; status == STATUS_SCHEMA_CHANGED && i < BIND_ATTEMPTS_MAX; i++)
        status = put_rows_once(table, converted, columns, rows, &arena, error);
    arena_close(&arena);
    return status;
}

FIRN_EXPORTED int firn_put_batch(firn_table *table, const firn_value *values, size_t columns,
                                 size_t rows, firn_error *error)
{
    Error failure;
    if (rows == 0)
        return FIRN_OK;
    Status status = check_count(columns, table->column_count, "row", &failure);
    if (status == OK)
        status = put_rows(table, values, columns, rows, &failure);
    return status == OK ? FIRN_OK : library_error(&failure, NULL, error);
}

FIRN_EXPORTED int firn_get(firn_table *table, const firn_value *key, size_t columns,
                           firn_result **out, firn_error *error)
{
    Error failure;
    LibrarySink sink = {0};
    ResultSummary summary;
    *out = NULL;
    Status status = check_count(columns, table->key_count, "key", &failure);
    if (status == OK)
        status = library_result_open(&sink.result, &failure);
    if (status == OK)
        status = run_text(table, table->get, key, columns, &sink, &summary, &failure);
    if (status == OK && summary.row_count > 0) {
        sink.result->row_count = summary.row_count;
        *out = sink.result;
        return firn_next(sink.result) ? FIRN_OK : (int)STATUS_INTERNAL;
    }
    firn_result_close(sink.result);
    return status == OK ? FIRN_OK : library_error(&failure, NULL, error);
}

FIRN_EXPORTED int firn_delete(firn_table *table, const firn_value *key, size_t columns,
                              bool *existed, firn_error *error)
{
    Error failure;
    LibrarySink sink = {0};
    ResultSummary summary;
    Status status = check_count(columns, table->key_count, "key", &failure);
    if (status == OK)
        status = run_text(table, table->remove, key, columns, &sink, &summary, &failure);
    if (status != OK)
        return library_error(&failure, NULL, error);
    if (existed != NULL)
        *existed = summary.row_count > 0;
    return FIRN_OK;
}

/* ---- ranges ---- */

static Status make_scan(const firn_table *table, const firn_value *from, const firn_value *to,
                        uint64_t limit, firn_value *bounds, size_t *count, Buffer *text,
                        Error *error)
{
    *count = 0;
    buffer_put_slice(text, table->scan);
    if (from != NULL) {
        bounds[(*count)++] = *from;
        buffer_put_format(text, " WHERE %.*s >= $1", SLICE_ARGUMENTS(table->first_key));
    }
    if (to != NULL) {
        bounds[(*count)++] = *to;
        buffer_put_format(text, "%s%.*s < $%zu", from == NULL ? " WHERE " : " AND ",
                          SLICE_ARGUMENTS(table->first_key), *count);
    }
    buffer_put_text(text, " ORDER BY ");
    buffer_put_slice(text, table->order);
    if (limit > 0)
        buffer_put_format(text, " LIMIT %llu", (unsigned long long)limit);
    return buffer_status(text, error);
}

FIRN_EXPORTED int firn_scan(firn_table *table, const firn_value *from, const firn_value *to,
                            uint64_t limit, firn_row_visitor visit, void *context,
                            firn_error *error)
{
    Error failure;
    LibrarySink sink = {.visit = visit, .visit_context = context};
    ResultSummary summary;
    firn_value bounds[2];
    size_t count;
    Buffer text;
    buffer_open(&text, 0);
    Status status = make_scan(table, from, to, limit, bounds, &count, &text, &failure);
    if (status == OK)
        status = run_text(table, buffer_slice(&text), bounds, count, &sink, &summary, &failure);
    buffer_close(&text);
    return status == OK ? FIRN_OK : library_error(&failure, NULL, error);
}

/* ---- settling and looking ---- */

static int run_operation(firn_table *table, const char *verb, firn_error *error)
{
    Error failure;
    LibrarySink sink = {0};
    ResultSummary summary;
    Buffer text;
    buffer_open(&text, 0);
    buffer_put_format(&text, "STORAGE %s TABLE %.*s", verb, SLICE_ARGUMENTS(table->name));
    Status status = buffer_status(&text, &failure);
    if (status == OK)
        status = run_text(table, buffer_slice(&text), NULL, 0, &sink, &summary, &failure);
    buffer_close(&text);
    return status == OK ? FIRN_OK : library_error(&failure, NULL, error);
}

FIRN_EXPORTED int firn_flush(firn_table *table, firn_error *error)
{
    return run_operation(table, "FLUSH", error);
}

FIRN_EXPORTED int firn_compact(firn_table *table, firn_error *error)
{
    return run_operation(table, "COMPACT", error);
}

static Status count_rows(firn_table *table, TableCount *out, Error *error)
{
    Engine *engine = table->session->database->engine;
    EngineTable *engine_handle = engine_table(engine, table->table_id);
    Pin *pin;
    if (engine_handle == NULL)
        return error_of(error, STATUS_UNDEFINED_TABLE);
    Schema *schema = engine_table_schema(engine_handle);
    OwnerId owner =
        schema_has_owner(schema) ? table->session->session.session.principal.acting_as : 0;
    Status status = pin_open(engine, &engine_handle, 1, &pin, error);
    if (status == OK) {
        status = pin_count(pin, 0, owner, out, error);
        pin_release(pin);
    }
    schema_release(schema);
    engine_table_release(engine_handle);
    return status;
}

FIRN_EXPORTED int firn_stats(firn_table *table, firn_table_stats *out, firn_error *error)
{
    Error failure;
    TableCount count = {0};
    if (count_rows(table, &count, &failure) != OK)
        return library_error(&failure, NULL, error);
    *out = (firn_table_stats){.hot_rows = count.hot_rows,
                              .cold_rows = count.cold_rows,
                              .hot_bytes = count.hot_bytes,
                              .cold_bytes = count.cold_bytes,
                              .files = count.files};
    return FIRN_OK;
}
