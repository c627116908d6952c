/* What the engine and the executor ask of the rooms above them.
 *
 *     checkpoint, upper part    u8   version, 1
 *                               then three parts, each a varint length and its bytes:
 *                               catalog (catalog/codec.c), jobs (jobs/row.c), tokens (token_book.h)
 *
 * The catalog is as of the moment the checkpoint begins. Jobs and tokens may be newer: each of
 * their records says all there is to say about one of them, so that applying it again is harmless.
 */
#include "base/cursor.h"
#include "database/checkpoint_parts.h"
#include "database/database_int.h"

enum { CHECKPOINT_VERSION = 1 };

/* ---- recovery and checkpoints ---- */

Status checkpoint_parts_get(Slice payload, CheckpointParts *out, Error *error)
{
    Cursor cursor = cursor_of(payload);
    uint8_t version = cursor_u8(&cursor);
    out->catalog = cursor_sized(&cursor);
    out->jobs = cursor_sized(&cursor);
    out->tokens = cursor_sized(&cursor);
    if (!cursor.failed && version != CHECKPOINT_VERSION)
        return error_set_format(error, "the checkpoint's part of catalog, jobs and tokens", version,
                                CHECKPOINT_VERSION);
    if (!cursor_is_done(&cursor))
        return error_set(error, STATUS_DATA_CORRUPTED, "the checkpoint is damaged");
    return OK;
}

static Status recover_checkpoint(void *context, Slice payload, Error *error)
{
    Database *database = context;
    CheckpointParts parts;
    TRY(checkpoint_parts_get(payload, &parts, error));
    catalog_bind(database->catalog, database->engine);
    TRY(catalog_recover_checkpoint(database->catalog, parts.catalog, error));
    TRY(jobs_recover_checkpoint(database->jobs, parts.jobs, error));
    return token_book_recover_checkpoint(database->tokens, parts.tokens, error);
}

static Status recover_record(void *context, uint8_t kind, uint64_t seq, Slice payload, Error *error)
{
    Database *database = context;
    (void)seq;
    switch (kind) {
    case FRAME_DEFINITION:
        catalog_bind(database->catalog, database->engine);
        return catalog_recover_record(database->catalog, payload, error);
    case FRAME_JOB:
        return jobs_recover_record(database->jobs, payload, error);
    case FRAME_TOKEN:
        return token_book_recover_record(database->tokens, payload, error);
    default:
        return error_set(error, STATUS_VERSION_NOT_SUPPORTED,
                         "the log has a record of the unknown kind %u", kind);
    }
}

static void *checkpoint_begin(void *context)
{
    Database *database = context;
    return catalog_head(database->catalog);
}

static void put_part(Buffer *out, Buffer *part)
{
    if (part->failed)
        out->failed = true;
    buffer_put_sized(out, buffer_slice(part));
    buffer_clear(part);
}

static Status checkpoint_finish(void *context, void *begun, Buffer *out, Error *error)
{
    Database *database = context;
    CatalogSnapshot *snapshot = begun;
    Buffer part;
    Status status = OK;
    buffer_open(&part, 0);
    buffer_put_u8(out, CHECKPOINT_VERSION);
    GO(catalog_snapshot_encode(snapshot, &part, error));
    put_part(out, &part);
    jobs_encode(database->jobs, &part);
    put_part(out, &part);
    token_book_encode(database->tokens, &part);
    put_part(out, &part);
    GO(buffer_status(out, error));
done:
    buffer_close(&part);
    catalog_snapshot_release(snapshot);
    return status;
}

/* ---- what the engine tells ---- */

static void flush_wanted(void *context, uint64_t table_id, FlushTrigger trigger)
{
    jobs_flush_wanted(((Database *)context)->jobs, table_id, trigger);
}

static void compaction_wanted(void *context, uint64_t table_id)
{
    jobs_compaction_wanted(((Database *)context)->jobs, table_id);
}

static void handed_out(void *context, LogChunk *chunk, uint64_t visible)
{
    live_handed_out(((Database *)context)->live, chunk, visible);
}

static Status owner_name(void *context, OwnerId owner, Arena *arena, Slice *out, Error *error)
{
    return catalog_owner_name(((Database *)context)->catalog, owner, arena, out, error);
}

static OwnerId owner_of(void *context, Slice name)
{
    return catalog_owner_of(((Database *)context)->catalog, name);
}

static void background_error(void *context, const char *what, uint64_t table_id, const Error *error)
{
    Database *database = context;
    LOG_ERROR(database->logger, "background_error", what, LOG_UNSIGNED("table_id", table_id),
              LOG_ERROR_OF(error));
}

EngineHooks engine_hooks(Database *database)
{
    return (EngineHooks){.context = database,
                         .recover_checkpoint = recover_checkpoint,
                         .recover_record = recover_record,
                         .checkpoint_begin = checkpoint_begin,
                         .checkpoint_finish = checkpoint_finish,
                         .flush_wanted = flush_wanted,
                         .compaction_wanted = compaction_wanted,
                         .handed_out = handed_out,
                         .owner_name = owner_name,
                         .owner_of = owner_of,
                         .background_error = background_error};
}

/* ---- what the executor asks ---- */

static Status rows_of_system_table(void *context, const SystemTable *table, const Principal *who,
                                   Arena *arena, const SystemRowSink *sink, Error *error)
{
    Database *database = context;
    Configuration *configuration = database_configuration(database);
    SystemSources sources = {.env = database->env,
                             .engine = database->engine,
                             .catalog = database->catalog,
                             .jobs = database->jobs,
                             .pool = database->pool,
                             .executor = database->executor,
                             .live = database->live,
                             .metrics = database_metrics(database),
                             .configuration = configuration,
                             .visit_connections = database->hooks.visit_connections,
                             .connections_context = database->hooks.context};
    Status status = system_rows(&sources, table, who, arena, sink, error);
    configuration_release(configuration);
    return status;
}

/* Whose may he end? Only his own, or everybody's. */
static bool kills_only_own(const Principal *who)
{
    GuardedObject none = {.kind = OBJECT_NONE};
    return !guard_allows(who->role, ACTION_KILL_ALL, &none);
}

static Status kill_live_query(void *context, Slice id, const Principal *who, Error *error)
{
    Database *database = context;
    return live_kill(database->live, id, kills_only_own(who), who->user_id, error);
}

static Status kill_connection(void *context, Slice id, const Principal *who, Error *error)
{
    Database *database = context;
    const DatabaseHooks *hooks = &database->hooks;
    if (hooks->kill_connection == NULL)
        return error_set(error, STATUS_UNDEFINED_OBJECT, "connection \"%.*s\" does not exist",
                         SLICE_ARGUMENTS(id));
    return hooks->kill_connection(hooks->context, id, kills_only_own(who), who->user_id, error);
}

static Status hook_alter_system(void *context, Slice name, Slice value, bool reset, Error *error)
{
    return alter_system(context, name, value, reset, error);
}

static Status show_setting(void *context, Slice name, Arena *arena, Slice *out, Error *error)
{
    static const struct {
        const char *name;
        const char *value;
    } of_postgresql[] = {{"server_version", "15.0"},
                         {"server_encoding", "UTF8"},
                         {"client_encoding", "UTF8"},
                         {"timezone", "UTC"},
                         {"datestyle", "ISO, MDY"},
                         {"intervalstyle", "postgres"},
                         {"standard_conforming_strings", "on"},
                         {"integer_datetimes", "on"},
                         {"transaction_isolation", "read committed"},
                         {"max_identifier_length", "64"}};
    Database *database = context;
    Slice value;
    for (size_t i = 0; i < sizeof of_postgresql / sizeof of_postgresql[0]; i++) {
        if (slice_equal_ignoring_case(name, slice_of_text(of_postgresql[i].name))) {
            *out = slice_of_text(of_postgresql[i].value);
            return OK;
        }
    }
    Configuration *configuration = database_configuration(database);
    Status status =
        configuration_get(configuration, name, &value)
            ? arena_clone(arena, value, out, error)
            : error_set(error, STATUS_UNDEFINED_OBJECT,
                        "unrecognized configuration parameter \"%.*s\"", SLICE_ARGUMENTS(name));
    configuration_release(configuration);
    return status;
}

static void rights_changed(void *context, OwnerId user_id)
{
    Database *database = context;
    const DatabaseHooks *hooks = &database->hooks;
    live_rights_changed(database->live, user_id);
    if (user_id == ROOT_USER_ID)
        forget_root_password(database);
    if (hooks->rights_changed != NULL)
        hooks->rights_changed(hooks->context, user_id);
}

static void table_dropped(void *context, uint64_t table_id)
{
    Database *database = context;
    jobs_cancel_table(database->jobs, table_id);
    live_table_dropped(database->live, table_id);
}

ExecutorHooks executor_hooks(Database *database)
{
    return (ExecutorHooks){.context = database,
                           .system_rows = rows_of_system_table,
                           .kill_live_query = kill_live_query,
                           .kill_connection = kill_connection,
                           .alter_system = hook_alter_system,
                           .show_setting = show_setting,
                           .rights_changed = rights_changed,
                           .table_dropped = table_dropped};
}
