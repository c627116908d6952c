/* Statements about the session and about what runs: USE, SET, SHOW, ALTER SYSTEM, KILL. */
#include <stdio.h>

#include "execute/execute_int.h"
#include "sql/parse.h"
#include "sql/results.h"

static void set_namespace(Session *session, Slice name)
{
    ASSERT(name.size <= NAMESPACE_BYTES_MAX);
    if (name.size > 0)
        memcpy(session->namespace_name, name.data, name.size);
    session->namespace_name[name.size] = '\0';
}

static Status use_namespace(Run *run, Error *error)
{
    Slice name = run->plan->as.drop->namespace_name;
    if (name.size == 0) {
        set_namespace(run->session, slice_of_text(run->session->initial_namespace));
        return OK;
    }
    if (catalog_find_namespace(run->plan->snapshot, name) == NULL && !namespace_is_system(name))
        return error_set(error, STATUS_INVALID_SCHEMA_NAME, "namespace \"%.*s\" does not exist",
                         SLICE_ARGUMENTS(name));
    set_namespace(run->session, name);
    return OK;
}

/* ---- SHOW and SET of one setting ---- */

static Status setting_value(Run *run, const BoundSetting *bound, Slice *out, Error *error)
{
    const ExecutorHooks *hooks = &run->executor->hooks;
    if (slice_equal_text(bound->name, "search_path")) {
        *out = slice_of_text(run->session->namespace_name);
        return OK;
    }
    return hooks->show_setting(hooks->context, bound->name, &run->arena, out, error);
}

static Status show_setting(Run *run, Error *error)
{
    const BoundSetting *bound = run->plan->as.setting;
    const ResultSink *sink = run->sink;
    RowSender sender;
    Slice text;
    Status status = OK;
    TRY(setting_value(run, bound, &text, error));
    TRY(sink->columns(sink->context, &bound->shown, 1, error));
    row_sender_open(run, &bound->shown, 1, &sender);
    Value value = value_text(text);
    GO(row_sender_put(&sender, &value, error));
    GO(row_sender_flush(&sender, error));
    run->summary->has_rows = true;
    run->summary->row_count = 1;
done:
    row_sender_close(&sender);
    return status;
}

/* What PostgreSQL's clients set without asking, and what has one value here. */
static Status set_setting(Run *run, Error *error)
{
    static const struct {
        const char *name;
        const char *only;
    } known[] = {{"timezone", "UTC"},           {"client_encoding", "UTF8"},
                 {"datestyle", "ISO, MDY"},     {"extra_float_digits", NULL},
                 {"application_name", NULL},    {"standard_conforming_strings", "on"},
                 {"client_min_messages", NULL}, {"intervalstyle", "postgres"}};
    const BoundSetting *bound = run->plan->as.setting;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!slice_equal_ignoring_case(bound->name, slice_of_text(known[i].name)))
            continue;
        bool fits = bound->is_reset || known[i].only == NULL ||
                    slice_equal_ignoring_case(bound->value, slice_of_text(known[i].only));
        if (fits)
            return OK;
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED, "%s can only be '%s'", known[i].name,
                         known[i].only);
    }
    return error_set(error, STATUS_UNDEFINED_OBJECT,
                     "unrecognized configuration parameter \"%.*s\"", SLICE_ARGUMENTS(bound->name));
}

static Status alter_system(Run *run, Error *error)
{
    const BoundSetting *bound = run->plan->as.setting;
    const ExecutorHooks *hooks = &run->executor->hooks;
    return hooks->alter_system(hooks->context, bound->name, bound->value, bound->is_reset, error);
}

/* ---- KILL ---- */

static Status no_such_job(Slice id, Error *error)
{
    return error_set(error, STATUS_UNDEFINED_OBJECT, "job \"%.*s\" does not exist",
                     SLICE_ARGUMENTS(id));
}

static Status kill_job(Run *run, Slice id, Error *error)
{
    char text[JOB_ID_BYTES];
    JobRow row;
    GuardedObject none = {.kind = OBJECT_NONE};
    if (id.size >= sizeof text)
        return no_such_job(id, error);
    if (id.size > 0)
        memcpy(text, id.data, id.size);
    text[id.size] = '\0';
    TRY(jobs_get(run->executor->jobs, text, &row, error));
    bool is_own = row.submitter != 0 && row.submitter == run->who.user_id;
    if (!is_own && !guard_allows(run->who.role, ACTION_KILL_ALL, &none))
        return no_such_job(id, error);
    return jobs_cancel(run->executor->jobs, text, error);
}

static Status kill(Run *run, Error *error)
{
    Slice id = run->plan->as.kill_id;
    const ExecutorHooks *hooks = &run->executor->hooks;
    switch (run->plan->kind) {
    case STATEMENT_KILL_JOB:
        return kill_job(run, id, error);
    case STATEMENT_KILL_QUERY:
        return executor_kill(run->executor, id, &run->who, error);
    case STATEMENT_KILL_LIVE_QUERY:
        return hooks->kill_live_query(hooks->context, id, &run->who, error);
    default:
        return hooks->kill_connection(hooks->context, id, &run->who, error);
    }
}

/* ---- STORAGE CHECK ---- */

static Status check_storage(Run *run, Error *error)
{
    const BoundStorage *bound = run->plan->as.storage;
    const ResultSink *sink = run->sink;
    const CatalogStorage *storage = catalog_find_storage(run->plan->snapshot, bound->id);
    uint32_t count;
    const ResultColumn *columns = statement_result_columns(run->plan, &count);
    uint64_t free_bytes = 0;
    Path path;
    Error failure;
    RowSender sender;
    if (storage == NULL && !slice_equal_text(bound->id, "local"))
        return error_set(error, STATUS_UNDEFINED_OBJECT, "storage \"%.*s\" does not exist",
                         SLICE_ARGUMENTS(bound->id));
    TRY(catalog_storage_path(run->executor->catalog, bound->id, &path, error));
    Status checked = env_make_durable_directories(run->executor->env, path.text, &failure);
    if (checked == OK)
        checked = env_free_space(run->executor->env, path.text, &free_bytes, &failure);
    TRY(sink->columns(sink->context, columns, count, error));
    row_sender_open(run, columns, count, &sender);
    Value values[CHECK_STORAGE_COLUMN_COUNT];
    values[CHECK_STORAGE_ID] = value_text(bound->id);
    values[CHECK_STORAGE_STATUS] =
        value_text(checked == OK ? SLICE("ok") : slice_of_text(failure.message));
    values[CHECK_STORAGE_FREE_BYTES] =
        checked == OK ? value_integer(TYPE_BIGINT, (int64_t)free_bytes) : value_null(TYPE_BIGINT);
    Status status = row_sender_put(&sender, values, error);
    if (status == OK)
        status = row_sender_flush(&sender, error);
    row_sender_close(&sender);
    run->summary->has_rows = true;
    run->summary->row_count = 1;
    return status;
}

Status run_session(Run *run, Error *error)
{
    set_tag(run, "%s", statement_name(run->plan->kind));
    switch (run->plan->kind) {
    case STATEMENT_USE:
        return use_namespace(run, error);
    case STATEMENT_SET:
        return set_setting(run, error);
    case STATEMENT_SHOW_SETTING:
        return show_setting(run, error);
    case STATEMENT_ALTER_SYSTEM:
        return alter_system(run, error);
    case STATEMENT_CHECK_STORAGE:
        return check_storage(run, error);
    case STATEMENT_BEGIN:
    case STATEMENT_COMMIT:
    case STATEMENT_ROLLBACK:
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "transactions over several statements are not built yet");
    default:
        return kill(run, error);
    }
}
