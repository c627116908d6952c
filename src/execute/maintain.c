/* STORAGE FLUSH and COMPACT: as jobs, waited for unless the statement says ASYNC. */
#include <stdio.h>

#include "execute/execute_int.h"
#include "sql/parse.h"
#include "sql/results.h"

static Value optional_integer(bool is_set, int64_t value)
{
    return is_set ? value_integer(TYPE_BIGINT, value) : value_null(TYPE_BIGINT);
}

static Status send_status(RowSender *sender, const CatalogTable *table, const JobRow *job,
                          const char *status_text, Error *error)
{
    bool ran = job != NULL;
    Value values[MAINTENANCE_COLUMN_COUNT];
    values[MAINTENANCE_NAMESPACE] = value_text(table->namespace_name);
    values[MAINTENANCE_TABLE] = value_text(table->name);
    values[MAINTENANCE_ROWS] = value_integer(TYPE_BIGINT, ran ? (int64_t)job->rows : 0);
    values[MAINTENANCE_BYTES] = value_integer(TYPE_BIGINT, ran ? (int64_t)job->bytes : 0);
    values[MAINTENANCE_FILES] = value_integer(TYPE_BIGINT, ran ? (int64_t)job->files : 0);
    values[MAINTENANCE_SNAPSHOT] =
        optional_integer(ran && job->snapshot_id >= 0, ran ? job->snapshot_id : 0);
    values[MAINTENANCE_STATUS] = value_text(slice_of_text(status_text));
    return row_sender_put(sender, values, error);
}

static bool is_flush(const Plan *plan)
{
    return plan->kind == STATEMENT_FLUSH_TABLE || plan->kind == STATEMENT_FLUSH_ALL;
}

/* Whose rows: of the user named, the caller's own where he may flush no more, else everybody's. */
static Status flush_owner(Run *run, const CatalogTable *table, OwnerId *out, Error *error)
{
    const BoundMaintenance *bound = run->plan->as.maintenance;
    GuardedObject object = object_of_table(table);
    *out = 0;
    if (table->kind != TABLE_USER)
        return OK;
    if (bound->for_user.size > 0) {
        const CatalogUser *user = catalog_find_user(run->plan->snapshot, bound->for_user);
        if (user == NULL)
            return error_set(error, STATUS_UNDEFINED_OBJECT, "user \"%.*s\" does not exist",
                             SLICE_ARGUMENTS(bound->for_user));
        *out = user->id;
        return OK;
    }
    if (!guard_allows(run->who.role, ACTION_FLUSH, &object))
        *out = run->who.acting_as;
    return OK;
}

static bool has_something_to_do(const Run *run, const CatalogTable *table)
{
    TableStatistics statistics;
    EngineTable *opened = engine_table(run->executor->engine, table->id);
    if (opened == NULL)
        return false;
    engine_table_statistics(opened, &statistics);
    engine_table_release(opened);
    return !is_flush(run->plan) || statistics.active_rows > 0 || statistics.sealed_memtables > 0;
}

static Status submit(Run *run, const CatalogTable *table, char id[JOB_ID_BYTES], Error *error)
{
    JobRequest request = {.type = is_flush(run->plan) ? JOB_FLUSH : JOB_COMPACT,
                          .table_id = table->id,
                          .submitter = run->who.user_id,
                          .trigger = TRIGGER_COMMAND,
                          .everything = !is_flush(run->plan)};
    if (is_flush(run->plan))
        TRY(flush_owner(run, table, &request.owner, error));
    return jobs_submit(run->executor->jobs, &request, id, error);
}

static Status job_failed(const JobRow *job, Error *error)
{
    Status code = job->state == JOB_CANCELLED ? STATUS_QUERY_CANCELED : STATUS_IO_ERROR;
    (void)error_set(error, code, "job %s %s: %s", job->id, job_state_name(job->state),
                    job->error[0] != '\0' ? job->error : job->message);
    error_set_hint(error, "Rows that were not settled stay in the log and in memory.");
    return error->status;
}

static Status run_table(Run *run, const CatalogTable *table, RowSender *sender, Error *error)
{
    char id[JOB_ID_BYTES];
    JobRow job;
    bool is_async = run->plan->as.maintenance->is_async;
    if (table->kind == TABLE_STREAM && !is_flush(run->plan))
        return is_async ? OK : send_status(sender, table, NULL, "skipped: stream", error);
    if (!has_something_to_do(run, table))
        return is_async ? OK : send_status(sender, table, NULL, "nothing to do", error);
    TRY(submit(run, table, id, error));
    if (run->plan->as.maintenance->is_async) {
        Value value = value_text(slice_of_text(id));
        return row_sender_put(sender, &value, error);
    }
    TRY(jobs_wait(run->executor->jobs, id, INT64_MAX, &job, error));
    if (job.state != JOB_COMPLETED)
        return job_failed(&job, error);
    bool did = job.rows > 0 || job.files > 0 || job.snapshot_id >= 0;
    const char *done = is_flush(run->plan) ? "flushed" : "compacted";
    return send_status(sender, table, &job, did ? done : "nothing to do", error);
}

static Status run_all(Run *run, RowSender *sender, Error *error)
{
    const BoundMaintenance *bound = run->plan->as.maintenance;
    const CatalogTable *const *tables;
    size_t count = catalog_tables(run->plan->snapshot, &tables);
    for (size_t i = 0; i < count; i++) {
        bool is_in = bound->namespace_name.size == 0 ||
                     slice_equal(bound->namespace_name, tables[i]->namespace_name);
        if (!is_in)
            continue;
        if (tables[i]->kind != TABLE_STREAM)
            TRY(run_table(run, tables[i], sender, error));
        else if (!bound->is_async)
            TRY(send_status(sender, tables[i], NULL, "skipped: stream", error));
    }
    return OK;
}

Status run_maintenance(Run *run, Error *error)
{
    const ResultSink *sink = run->sink;
    const BoundMaintenance *bound = run->plan->as.maintenance;
    RowSender sender;
    uint32_t count;
    const ResultColumn *columns = statement_result_columns(run->plan, &count);
    Status status = OK;
    TRY(sink->columns(sink->context, columns, count, error));
    row_sender_open(run, columns, count, &sender);
    GO(bound->table != NULL ? run_table(run, bound->table, &sender, error)
                            : run_all(run, &sender, error));
    GO(row_sender_flush(&sender, error));
    run->summary->has_rows = true;
    run->summary->row_count = sender.sent;
    set_tag(run, "%s", statement_name(run->plan->kind));
done:
    row_sender_close(&sender);
    return status;
}
