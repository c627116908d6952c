/* Bulk load: rows of a body, gathered into transactions. */
#include <stdio.h>

#include "database/database_int.h"
#include "database/load_rows.h"

enum { LOAD_BATCH_ROWS_DEFAULT = 65536, LOAD_SPOOL_STEP = 256 << 10 };

typedef struct Load {
    Database *database;
    DatabaseSession *session;
    const LoadRequest *request;
    LoadResult *result;
    Buffer sql; /* the INSERT */
    LoadColumn *columns;
    uint32_t column_count; /* of the INSERT */
    bool has_owner;        /* a USER or STREAM table */
    bool has_user_column;  /* one more behind them: `_user` */
    uint64_t batch_rows;
    uint64_t batch_bytes_max;
    OwnerId owner; /* of the row that comes; 0: the session's */
    char owner_name[USER_NAME_BYTES_MAX + 1];
    Arena arena; /* of the load */

    Arena batch; /* of the rows below */
    Value *values;
    bool *given;
    OwnerId *owners;
    size_t row_count;
    size_t row_capacity;
} Load;

/* ---- the statement ---- */

static Status find_target(Load *load, const CatalogSnapshot *snapshot, const CatalogTable **out,
                          Error *error)
{
    const LoadRequest *request = load->request;
    GuardedObject object = {.kind = OBJECT_SHARED_TABLE};
    *out = catalog_find_table(snapshot, request->namespace_name, request->table_name);
    if (*out != NULL)
        return OK;
    TRY(guard_check(&load->session->session.principal, ACTION_INSERT, &object, error));
    if (namespace_is_system(request->namespace_name) && system_table_find(request->table_name))
        return error_set(error, STATUS_INSUFFICIENT_PRIVILEGE, "system tables are read-only");
    return error_set(error, STATUS_UNDEFINED_TABLE, "relation \"%.*s.%.*s\" does not exist",
                     SLICE_ARGUMENTS(slice_part(request->namespace_name, 0, 64)),
                     SLICE_ARGUMENTS(slice_part(request->table_name, 0, 64)));
}

static Status take_columns(Load *load, const Schema *schema, Error *error)
{
    load->columns = ARENA_ARRAY(&load->arena, LoadColumn, schema->column_count + 1);
    if (load->columns == NULL)
        return arena_error(&load->arena, error);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        LoadColumn *column = &load->columns[load->column_count];
        if (schema->columns[i].hidden)
            continue;
        TRY(arena_clone(&load->arena, schema->columns[i].name, &column->name, error));
        column->type = schema->columns[i].type;
        load->column_count++;
    }
    load->has_owner = schema_has_owner(schema);
    load->has_user_column = load->has_owner && load->request->as_user.size == 0;
    load->columns[load->column_count] = (LoadColumn){SLICE("_user"), TYPE(TEXT)};
    return OK;
}

static Status write_statement(Load *load, const CatalogTable *table, Error *error)
{
    Buffer *sql = &load->sql;
    buffer_put_format(sql, "INSERT INTO \"%.*s\".\"%.*s\" (",
                      SLICE_ARGUMENTS(table->namespace_name), SLICE_ARGUMENTS(table->name));
    for (uint32_t i = 0; i < load->column_count; i++)
        buffer_put_format(sql, "%s\"%.*s\"", i == 0 ? "" : ", ",
                          SLICE_ARGUMENTS(load->columns[i].name));
    buffer_put_text(sql, ") VALUES (");
    for (uint32_t i = 0; i < load->column_count; i++)
        buffer_put_format(sql, i == 0 ? "$%u" : ", $%u", i + 1);
    buffer_put_u8(sql, ')');
    return buffer_status(sql, error);
}

/* ---- whose rows ---- */

/* Acting for somebody else is asked about; oneself may be named. */
static Status set_owner(Load *load, Slice name, Error *error)
{
    const Principal *who = &load->session->session.principal;
    if (name.size > USER_NAME_BYTES_MAX)
        return error_set(error, STATUS_UNDEFINED_OBJECT, "the user does not exist");
    if (load->owner != 0 && slice_equal_text(name, load->owner_name))
        return OK;
    CatalogSnapshot *snapshot = catalog_snapshot(load->database->catalog);
    const CatalogUser *user = catalog_find_user(snapshot, name);
    GuardedObject object = {.other_role = user != NULL ? user->role : ROLE_USER};
    OwnerId id = user != NULL ? user->id : 0;
    catalog_snapshot_release(snapshot);
    if (id == 0 || id != who->user_id)
        TRY(guard_check(who, ACTION_ACT_AS, &object, error));
    if (id == 0)
        return error_set(error, STATUS_UNDEFINED_OBJECT, "user \"%.*s\" does not exist",
                         SLICE_ARGUMENTS(name));
    load->owner = id;
    memcpy(load->owner_name, name.data, name.size);
    load->owner_name[name.size] = '\0';
    return OK;
}

/* ---- batches ---- */

static Status write_batch_once(Load *load, ResultSummary *summary, Error *error)
{
    Database *database = load->database;
    Parameters none = {0};
    Plan *plan = NULL;
    ManyRows rows = {.parameters = load->values,
                     .given = load->given,
                     .owners = load->owners,
                     .count = load->row_count};
    TRY(find_plan(database, load->session, buffer_slice(&load->sql), &none, false, &plan, error));
    Status status = plan->parameter_count == load->column_count
                        ? execute_insert_many(database->executor, &load->session->session, plan,
                                              &rows, summary, error)
                        : error_of(error, STATUS_SCHEMA_CHANGED);
    plan_release(plan);
    return status;
}

static Status write_batch(Load *load, Error *error)
{
    ResultSummary summary;
    const LoadRequest *request = load->request;
    Status status = STATUS_SCHEMA_CHANGED;
    if (load->row_count == 0)
        return OK;
    for (uint32_t i = 0; status == STATUS_SCHEMA_CHANGED && i < BIND_ATTEMPTS_MAX; i++)
        status = write_batch_once(load, &summary, error);
    TRY(status);
    load->result->rows += summary.row_count;
    load->result->transactions++;
    load->result->seq = summary.seq;
    load->row_count = 0;
    load->row_capacity = 0;
    arena_reset(&load->batch);
    if (request->progress != NULL)
        return request->progress(request->context, load->result->rows, load->result->bytes, error);
    return OK;
}

/* Room for one more row; arrays grow by doubling, up to a batch. */
static Status make_room(Load *load, Error *error)
{
    size_t columns = load->column_count;
    if (load->row_count < load->row_capacity)
        return OK;
    size_t capacity = load->row_capacity == 0 ? 64 : load->row_capacity * 2;
    Value *values = ARENA_ARRAY(&load->batch, Value, capacity * columns);
    bool *given = ARENA_ARRAY(&load->batch, bool, capacity *columns);
    OwnerId *owners = ARENA_ARRAY(&load->batch, OwnerId, capacity);
    if (values == NULL || given == NULL || owners == NULL)
        return arena_error(&load->batch, error);
    if (load->row_count > 0) {
        memcpy(values, load->values, load->row_count * columns * sizeof(Value));
        memcpy(given, load->given, load->row_count * columns * sizeof(bool));
        memcpy(owners, load->owners, load->row_count * sizeof(OwnerId));
    }
    load->values = values;
    load->given = given;
    load->owners = owners;
    load->row_capacity = capacity;
    return OK;
}

static Status check_batch_size(const Load *load, Error *error)
{
    if (load->batch.used <= load->batch_bytes_max)
        return OK;
    error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
              "one transaction of the load needs more than %llu bytes",
              (unsigned long long)load->batch_bytes_max);
    error_set_hint(error, "load without ?atomic, or raise limits.transaction_bytes_max");
    return error->status;
}

static Status take_row(void *context, const LoadRow *row, Error *error)
{
    Load *load = context;
    const Value *user = &row->values[load->column_count];
    OwnerId owner = load->has_owner ? load->session->session.principal.user_id : 0;
    if (load->has_user_column && row->given[load->column_count] && !user->is_null) {
        TRY(set_owner(load, user->as.bytes, error));
        owner = load->owner;
    } else if (load->has_owner && load->request->as_user.size > 0) {
        owner = load->owner;
    }
    TRY(make_room(load, error));
    size_t first = load->row_count * load->column_count;
    for (uint32_t i = 0; i < load->column_count; i++) {
        load->given[first + i] = row->given[i];
        TRY(value_clone(&load->batch, &row->values[i], &load->values[first + i], error));
    }
    load->owners[load->row_count++] = owner;
    TRY(check_batch_size(load, error));
    if (load->row_count >= load->batch_rows ||
        (!load->request->is_atomic && load->batch.used > load->batch_bytes_max / 4))
        return write_batch(load, error);
    return OK;
}

/* ---- the body ---- */

static Status read_body(void *context, void *out, size_t size, size_t *got, Error *error)
{
    Load *load = context;
    TRY(load->request->read(load->request->context, out, size, got, error));
    load->result->bytes += *got;
    return OK;
}

static Status spool(Load *load, const char *path, Error *error)
{
    File *file;
    uint64_t offset = 0;
    size_t got = 1;
    uint8_t *piece = memory_allocate(LOAD_SPOOL_STEP);
    if (piece == NULL)
        return error_out_of_memory(error);
    Status status = file_open(load->database->env, path,
                              FILE_READ | FILE_WRITE | FILE_CREATE | FILE_PRIVATE, &file, error);
    if (status != OK) {
        memory_free(piece);
        return status;
    }
    while (got > 0) {
        GO(read_body(load, piece, LOAD_SPOOL_STEP, &got, error));
        if (got > 0)
            GO(file_write_at(file, offset, slice_of(piece, got), error));
        offset += got;
    }
done:
    KEEP_FIRST(file_close(file, LATER_ERROR(error)));
    memory_free(piece);
    return status;
}

static Status load_spooled(Load *load, const LoadTarget *target, Error *error)
{
    Database *database = load->database;
    QueryHandle handle = {0};
    Path path;
    char name[64];
    int size = snprintf(name, sizeof name, "tmp/load/%016llx.parquet",
                        (unsigned long long)env_random_u64(database->env));
    ASSERT(size > 0 && (size_t)size < sizeof name);
    TRY(path_join(&path, database->directory.text, name, error));
    Status status = spool(load, path.text, error);
    if (status == OK)
        status = load_parquet(target, database->pool, path.text, &handle, error);
    KEEP_FIRST(env_remove(database->env, path.text, LATER_ERROR(error)));
    return status;
}

static Status read_rows(Load *load, Error *error)
{
    LoadTarget target = {.columns = load->columns,
                         .column_count = load->column_count + load->has_user_column,
                         .now_us = env_wall_us(load->database->env),
                         .visit = take_row,
                         .context = load};
    LoadSource source = {read_body, load};
    switch (load->request->format) {
    case LOAD_NDJSON:
        return load_ndjson(&target, &source, error);
    case LOAD_CSV:
        return load_csv(&target, &source, error);
    case LOAD_PARQUET:
        return load_spooled(load, &target, error);
    }
    UNREACHABLE();
}

/* ---- the whole ---- */

static Status prepare(Load *load, Error *error)
{
    Database *database = load->database;
    Configuration *configuration = database_configuration(database);
    CatalogSnapshot *snapshot = catalog_snapshot(database->catalog);
    const LoadRequest *request = load->request;
    const CatalogTable *table;
    Parameters none = {0};
    Plan *plan = NULL;
    Status status = OK;
    load->batch_bytes_max = configuration->limits_transaction_bytes;
    load->batch_rows = request->batch_rows > 0 ? request->batch_rows : LOAD_BATCH_ROWS_DEFAULT;
    if (request->is_atomic)
        load->batch_rows = UINT64_MAX;
    GO(database_session_refresh(database, load->session, error));
    GO(find_target(load, snapshot, &table, error));
    GO(take_columns(load, table->schema, error));
    GO(write_statement(load, table, error));
    GO(find_plan(database, load->session, buffer_slice(&load->sql), &none, false, &plan, error));
    GO(execute_guard(database->executor, &load->session->session, plan, error));
    if (request->as_user.size > 0 && !load->has_owner) {
        status = error_set(error, STATUS_WRONG_OBJECT_TYPE,
                           "the rows of a shared table belong to no user");
        goto done;
    }
    if (request->as_user.size > 0)
        GO(set_owner(load, request->as_user, error));
done:
    if (plan != NULL)
        plan_release(plan);
    catalog_snapshot_release(snapshot);
    configuration_release(configuration);
    return status;
}

static Status load_rows(void *context, Error *error)
{
    Load *load = context;
    TRY(prepare(load, error));
    TRY(read_rows(load, error));
    return write_batch(load, error);
}

Status database_load(Database *database, DatabaseSession *session, const LoadRequest *request,
                     LoadResult *out, Error *error)
{
    Load load = {.database = database, .session = session, .request = request, .result = out};
    *out = (LoadResult){0};
    buffer_open(&load.sql, 0);
    arena_open(&load.arena, 0);
    arena_open(&load.batch, 0);
    Status status = on_pool_thread(database, THREADS_SUBSCRIPTIONS, load_rows, &load, error);
    buffer_close(&load.sql);
    arena_close(&load.batch);
    arena_close(&load.arena);
    return status;
}
