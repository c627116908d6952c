#include "execute/execute.h"

#include "execute/execute_int.h"
#include "sql/parse.h"

/* ---- life ---- */

Status executor_create(Env *env, Engine *engine, Catalog *catalog, Jobs *jobs, QueryPool *pool,
                       const ExecutorHooks *hooks, const ExecutorOptions *options, Executor **out,
                       Error *error)
{
    Executor *executor = MEMORY_NEW(Executor);
    if (executor == NULL)
        return error_out_of_memory(error);
    executor->env = env;
    executor->engine = engine;
    executor->catalog = catalog;
    executor->jobs = jobs;
    executor->pool = pool;
    executor->hooks = *hooks;
    executor->options = *options;
    mutex_open(&executor->mutex, env, "executor");
    *out = executor;
    return OK;
}

void executor_destroy(Executor *executor)
{
    if (executor == NULL)
        return;
    ASSERT(executor->running == NULL);
    mutex_close(&executor->mutex);
    memory_free(executor);
}

void executor_set_options(Executor *executor, const ExecutorOptions *options)
{
    mutex_lock(&executor->mutex);
    executor->options = *options;
    mutex_unlock(&executor->mutex);
}

void executor_statistics(Executor *executor, ExecutorStatistics *out)
{
    *out = (ExecutorStatistics){.statements = atomic_load(&executor->statements),
                                .failed = atomic_load(&executor->failed),
                                .quick = atomic_load(&executor->quick),
                                .short_reads = atomic_load(&executor->short_reads),
                                .engine_reads = atomic_load(&executor->engine_reads)};
}

/* ---- one run ---- */

/* These take as long as they take. */
static bool has_time_limit(StatementKind kind)
{
    switch (kind) {
    case STATEMENT_FLUSH_TABLE:
    case STATEMENT_FLUSH_ALL:
    case STATEMENT_COMPACT_TABLE:
    case STATEMENT_COMPACT_ALL:
    case STATEMENT_SUBSCRIBE:
        return false;
    default:
        return true;
    }
}

void run_open(Executor *executor, Session *session, Plan *plan, const Value *parameters,
              uint32_t parameter_count, const ResultSink *sink, ResultSummary *summary, Run *out)
{
    *out = (Run){.executor = executor,
                 .session = session,
                 .plan = plan,
                 .parameters = parameters,
                 .parameter_count = parameter_count,
                 .sink = sink,
                 .summary = summary,
                 .who = session->principal,
                 .now_us = env_wall_us(executor->env)};
    *summary = (ResultSummary){0};
    arena_open(&out->arena, 0);
    buffer_open(&out->row_scratch, 0);
    buffer_open(&out->key_scratch, 0);
    mutex_lock(&executor->mutex);
    out->options = executor->options;
    mutex_unlock(&executor->mutex);
    out->deadline_ns = INT64_MAX;
    if (out->options.statement_timeout_ns > 0 && has_time_limit(plan->kind))
        out->deadline_ns = env_monotonic_ns(executor->env) + out->options.statement_timeout_ns;
}

void run_close(Run *run)
{
    buffer_close(&run->row_scratch);
    buffer_close(&run->key_scratch);
    arena_close(&run->arena);
}

Status check_parameters(const Run *run, Error *error)
{
    const Plan *plan = run->plan;
    if (run->parameter_count == plan->parameter_count)
        return OK;
    if (run->parameter_count < plan->parameter_count)
        return error_set(error, STATUS_UNDEFINED_PARAMETER,
                         "the statement has %u parameters, %u were given", plan->parameter_count,
                         run->parameter_count);
    return error_set(error, STATUS_UNDEFINED_PARAMETER,
                     "%u parameters were given, the statement has %u", run->parameter_count,
                     plan->parameter_count);
}

static Status run_select(Run *run, Error *error)
{
    const BoundSelect *select = run->plan->as.select;
    const ResultSink *sink = run->sink;
    uint64_t rows;
    TRY(sink->columns(sink->context, select->columns, select->column_count, error));
    run->summary->has_rows = true;
    TRY(select_any(run, select, sink, &rows, error));
    run->summary->row_count = rows;
    set_tag(run, "SELECT %llu", (unsigned long long)rows);
    return OK;
}

static Status run_kind(Run *run, Error *error)
{
    switch (run->plan->kind) {
    case STATEMENT_SELECT:
        return run_select(run, error);
    case STATEMENT_INSERT:
        return run_insert(run, error);
    case STATEMENT_UPDATE:
    case STATEMENT_DELETE:
        return run_change(run, error);
    case STATEMENT_CREATE_NAMESPACE:
    case STATEMENT_DROP_NAMESPACE:
    case STATEMENT_CREATE_TABLE:
    case STATEMENT_ALTER_TABLE:
    case STATEMENT_DROP_TABLE:
    case STATEMENT_TRUNCATE:
    case STATEMENT_COMMENT:
    case STATEMENT_CREATE_STORAGE:
    case STATEMENT_ALTER_STORAGE:
    case STATEMENT_DROP_STORAGE:
        return run_definition(run, error);
    case STATEMENT_CREATE_USER:
    case STATEMENT_ALTER_USER:
    case STATEMENT_DROP_USER:
        return run_user(run, error);
    case STATEMENT_FLUSH_TABLE:
    case STATEMENT_FLUSH_ALL:
    case STATEMENT_COMPACT_TABLE:
    case STATEMENT_COMPACT_ALL:
        return run_maintenance(run, error);
    case STATEMENT_DESCRIBE:
        return run_describe(run, error);
    case STATEMENT_EXPLAIN:
        return run_explain(run, error);
    case STATEMENT_SUBSCRIBE:
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "a subscription needs a door that can push: connect by WebSocket");
    default:
        return run_session(run, error);
    }
}

/* EXPLAIN is guarded as what it explains: the plan's own action says nothing of its tables. */
static Status guard(Run *run, Error *error)
{
    Plan *plan = run->plan;
    if (plan->kind != STATEMENT_EXPLAIN)
        return check_plan(run, error);
    run->plan = plan->as.explained;
    Status status = check_plan(run, error);
    run->plan = plan;
    return status;
}

Status execute_plan(Executor *executor, Session *session, Plan *plan, const Value *parameters,
                    uint32_t parameter_count, const ResultSink *sink, ResultSummary *summary,
                    Error *error)
{
    Run run;
    Running running;
    run_open(executor, session, plan, parameters, parameter_count, sink, summary, &run);
    atomic_fetch_add(&executor->statements, 1);
    running_begin(&run, &running);
    Status status = guard(&run, error);
    if (status == OK)
        status = check_parameters(&run, error);
    if (status == OK)
        status = run_kind(&run, error);
    running_end(&run);
    run_close(&run);
    if (status != OK)
        atomic_fetch_add(&executor->failed, 1);
    return status;
}

Status execute_insert_many(Executor *executor, Session *session, Plan *plan, const ManyRows *rows,
                           ResultSummary *summary, Error *error)
{
    Run run;
    Running running;
    ASSERT(plan->kind == STATEMENT_INSERT && plan->as.insert->row_count == 1 &&
           plan->as.insert->returning.column_count == 0);
    run_open(executor, session, plan, NULL, plan->parameter_count, NULL, summary, &run);
    run.deadline_ns = INT64_MAX; /* loads take as long as they take */
    run.many = rows;
    atomic_fetch_add(&executor->statements, 1);
    running_begin(&run, &running);
    Status status = guard(&run, error);
    if (status == OK)
        status = run_kind(&run, error);
    running_end(&run);
    run_close(&run);
    if (status != OK)
        atomic_fetch_add(&executor->failed, 1);
    return status;
}

Status execute_select_at(Executor *executor, Session *session, Plan *plan, BoundSelect *select,
                         Pin *pin, const Value *parameters, uint32_t parameter_count,
                         const ResultSink *sink, uint64_t *row_count, Error *error)
{
    Run run;
    Running running;
    ResultSummary summary;
    run_open(executor, session, plan, parameters, parameter_count, sink, &summary, &run);
    running_begin(&run, &running);
    run.given_pin = pin;
    Status status = check_plan(&run, error);
    if (status == OK)
        status = select_any(&run, select, sink, row_count, error);
    running_end(&run);
    run_close(&run);
    return status;
}
