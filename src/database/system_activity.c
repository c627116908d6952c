/* What goes on: system.jobs, live_queries, connections, queries. Everybody sees his own. */
#include "database/system_int.h"

/* ---- jobs ---- */

/* One user's flush is his, whoever asked for it; else it is whose who asked. */
static OwnerId user_of_job(const JobRow *job)
{
    return job->owner != 0 ? job->owner : job->submitter;
}

static Status put_job(SystemRows *rows, const JobRow *job, Error *error)
{
    row_words(rows, job->id);
    row_words(rows, job_type_name(job->type));
    row_words(rows, job_state_name(job->state));
    row_words(rows, job->namespace_name);
    row_words(rows, job->table_name);
    row_text_or_null(rows, system_user_name(rows, user_of_job(job)));
    row_words(rows, job->parameters[0] == '\0' ? "{}" : job->parameters);
    row_words(rows, flush_trigger_name(job->trigger));
    row_unsigned(rows, job->rows);
    row_unsigned(rows, job->bytes);
    row_unsigned(rows, job->files);
    row_real(rows, job->progress);
    row_words(rows, job->message);
    row_words(rows, job->error);
    row_integer(rows, job->attempts);
    row_time_or_null(rows, job->created_us);
    row_time_or_null(rows, job->started_us);
    row_time_or_null(rows, job->finished_us);
    row_time_or_null(rows, job->heartbeat_us);
    return row_end(rows, error);
}

Status system_rows_jobs(SystemRows *rows, Error *error)
{
    JobRow *jobs;
    size_t count;
    TRY(jobs_list(rows->sources->jobs, rows->arena, &jobs, &count, error));
    for (size_t i = 0; i < count; i++) {
        if (system_sees_user(rows, user_of_job(&jobs[i])))
            TRY(put_job(rows, &jobs[i], error));
    }
    return OK;
}

/* ---- live queries ---- */

Status system_rows_live_queries(SystemRows *rows, Error *error)
{
    LiveInformation *list;
    size_t count;
    TRY(live_list(rows->sources->live, !rows->sees_all, rows->who->user_id, rows->arena, &list,
                  &count, error));
    for (size_t i = 0; i < count; i++) {
        const LiveInformation *live = &list[i];
        if (!system_sees_user(rows, live->user_id))
            continue;
        row_words(rows, live->live_id);
        row_text_or_null(rows, live->connection_id);
        row_text_or_null(rows, live->user_name);
        row_text(rows, live->namespace_name);
        row_text(rows, live->table_name);
        row_text(rows, live->sql);
        row_words(rows, live_filter_kind_name(live->filter_kind));
        row_words(rows, live_state_name(live->state));
        row_unsigned(rows, live->last_seq);
        row_unsigned(rows, live->changes_sent);
        row_unsigned(rows, live->queued_bytes);
        row_integer(rows, live->lag_ms);
        row_text_or_null(rows, live->client_address);
        row_time_or_null(rows, live->created_us);
        TRY(row_end(rows, error));
    }
    return OK;
}

/* ---- connections ---- */

static const char *door_of(const char *protocol)
{
    return strcmp(protocol, "websocket") == 0 ? "ws" : protocol;
}

static Status put_connection(void *context, const ConnectionInformation *connection, Error *error)
{
    SystemRows *rows = context;
    if (!system_sees_user(rows, connection->user_id))
        return OK;
    row_words(rows, connection->connection_id);
    row_words(rows, door_of(connection->protocol));
    row_text_or_null(rows, connection->user_name);
    row_text_or_null(rows, connection->client_address);
    row_unsigned(rows, connection->requests);
    row_integer(rows, connection->subscriptions);
    row_time_or_null(rows, connection->connected_us);
    return row_end(rows, error);
}

Status system_rows_connections(SystemRows *rows, Error *error)
{
    const SystemSources *sources = rows->sources;
    if (sources->visit_connections == NULL)
        return OK;
    return sources->visit_connections(sources->connections_context, put_connection, rows, error);
}

/* ---- queries ---- */

Status system_rows_queries(SystemRows *rows, Error *error)
{
    RunningStatement *running;
    size_t count;
    TRY(executor_running(rows->sources->executor, rows->arena, &running, &count, error));
    for (size_t i = 0; i < count; i++) {
        if (!system_sees_user(rows, running[i].user_id))
            continue;
        row_words(rows, running[i].query_id);
        row_words(rows, running[i].connection_id);
        row_words(rows, running[i].user_name);
        row_words(rows, running[i].sql);
        row_words(rows, running[i].state);
        row_words(rows, running[i].executor);
        row_time_or_null(rows, running[i].started_us);
        row_unsigned(rows, running[i].rows);
        row_unsigned(rows, running[i].bytes);
        TRY(row_end(rows, error));
    }
    return OK;
}
