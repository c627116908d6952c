/* Statements: from a text to plans, run one after the other. */
#include "database/database_int.h"

/* ---- on a thread with a stack that the parser needs ---- */

typedef struct PoolCall {
    DatabaseTask task;
    PoolWork work;
    void *context;
    Error *error;
    Status status;
    Mutex mutex;
    Condition ended;
    bool is_ended;
} PoolCall;

static void run_call(DatabaseTask *task)
{
    PoolCall *call = (PoolCall *)(void *)task;
    Status status = call->work(call->context, call->error);
    mutex_lock(&call->mutex);
    call->status = status;
    call->is_ended = true;
    condition_signal(&call->ended);
    mutex_unlock(&call->mutex);
}

Status on_pool_thread(Database *database, DatabaseThreads threads, PoolWork work, void *context,
                      Error *error)
{
    if (thread_pool_is_current())
        return work(context, error);
    PoolCall call = {.task.run = run_call, .work = work, .context = context, .error = error};
    mutex_open(&call.mutex, database->env, "pool_call");
    condition_open(&call.ended, database->env);
    Status status = database_submit(database, threads, &call.task, error);
    if (status == OK) {
        mutex_lock(&call.mutex);
        while (!call.is_ended)
            condition_wait(&call.ended, &call.mutex);
        mutex_unlock(&call.mutex);
        status = call.status;
    }
    condition_close(&call.ended);
    mutex_close(&call.mutex);
    return status;
}

Status database_submit(Database *database, DatabaseThreads threads, DatabaseTask *task,
                       Error *error)
{
    TRY(check_open(database, error));
    return thread_pool_submit(database->threads[threads], task, error);
}

/* ---- places ---- */

void statement_place_at(Slice text, int64_t byte, StatementPlace *out)
{
    if (byte < 0 || (size_t)byte > text.size)
        return;
    out->has_position = true;
    out->byte = (uint32_t)byte;
    out->line = 1;
    out->column = 1;
    for (size_t i = 0; i < (size_t)byte; i++) {
        if (text.data[i] == '\n') {
            out->line++;
            out->column = 1;
        } else if ((text.data[i] & 0xc0) != 0x80) {
            out->column++;
        }
    }
}

/* ---- plans ---- */

static Status ask_guard(void *context, Action action, const GuardedObject *object, Error *error)
{
    const DatabaseSession *session = context;
    return guard_check(&session->session.principal, action, object, error);
}

static BindRequest bind_request(DatabaseSession *session, Slice sql, const Parameters *parameters,
                                const Configuration *configuration, CatalogSnapshot *snapshot)
{
    BindRequest request = {.sql = sql,
                           .snapshot = snapshot,
                           .namespace_name = slice_of_text(session->session.namespace_name),
                           .limits = {.bytes_max = configuration->limits_sql_bytes,
                                      .tokens_max = configuration->limits_sql_tokens,
                                      .parameters_max = configuration->limits_params},
                           .allow = ask_guard,
                           .allow_context = session};
    request.parameter_types = declared_types(parameters, &request.parameter_count);
    return request;
}

static Plan *find_kept(Database *database, DatabaseSession *session, Slice sql,
                       const Parameters *parameters, bool as_subscription,
                       const Configuration *configuration)
{
    CatalogSnapshot *snapshot = catalog_snapshot(database->catalog);
    BindRequest request = bind_request(session, sql, parameters, configuration, snapshot);
    request.as_subscription = as_subscription;
    Plan *plan = plan_cache_find(database->plans, &request);
    catalog_snapshot_release(snapshot);
    return plan;
}

typedef struct Binding {
    Database *database;
    BindRequest request;
    Plan *plan;
} Binding;

static Status bind(void *context, Error *error)
{
    Binding *binding = context;
    TRY(plan_bind(&binding->request, &binding->plan, error));
    plan_cache_put(binding->database->plans, &binding->request, binding->plan);
    return OK;
}

Status find_plan(Database *database, DatabaseSession *session, Slice sql,
                 const Parameters *parameters, bool as_subscription, Plan **out, Error *error)
{
    TRY(check_open(database, error));
    TRY(database_session_refresh(database, session, error));
    Configuration *configuration = database_configuration(database);
    CatalogSnapshot *snapshot = catalog_snapshot(database->catalog);
    Binding binding = {.database = database,
                       .request = bind_request(session, sql, parameters, configuration, snapshot)};
    Status status = OK;
    binding.request.as_subscription = as_subscription;
    binding.plan = plan_cache_find(database->plans, &binding.request);
    if (binding.plan == NULL)
        status = on_pool_thread(database, THREADS_STATEMENTS, bind, &binding, error);
    *out = binding.plan;
    catalog_snapshot_release(snapshot);
    configuration_release(configuration);
    return status;
}

Status run_plan(Database *database, DatabaseSession *session, Plan *plan,
                const Parameters *parameters, Arena *arena, const ResultSink *sink,
                ResultSummary *summary, Error *error)
{
    Configuration *configuration = database_configuration(database);
    Value *values;
    uint32_t count;
    Status status = read_parameters(arena, plan, parameters, configuration, &values, &count, error);
    configuration_release(configuration);
    TRY(status);
    return execute_plan(database->executor, &session->session, plan, values, count, sink, summary,
                        error);
}

/* ---- one statement ---- */

typedef struct Execution {
    Database *database;
    DatabaseSession *session;
    const StatementRequest *request;
    const StatementSink *sink;
    StatementPlace *place;
    bool has_sent; /* columns of the statement that runs: it cannot be run again */
} Execution;

static Status forward_columns(void *context, const ResultColumn *columns, uint32_t count,
                              Error *error)
{
    Execution *execution = context;
    const ResultSink *rows = &execution->sink->rows;
    execution->has_sent = true;
    return rows->columns(rows->context, columns, count, error);
}

static Status forward_json(void *context, Slice json, uint64_t count, Error *error)
{
    const ResultSink *rows = &((Execution *)context)->sink->rows;
    return rows->json(rows->context, json, count, error);
}

static Status forward_row(void *context, const Value *values, uint32_t count, Error *error)
{
    const ResultSink *rows = &((Execution *)context)->sink->rows;
    return rows->row(rows->context, values, count, error);
}

static Status run_once(Execution *execution, Slice sql, Arena *arena, ResultSummary *summary,
                       Error *error)
{
    Database *database = execution->database;
    const Parameters *parameters = &execution->request->parameters;
    ResultSink sink = {.wants_json = execution->sink->rows.wants_json,
                       .columns = forward_columns,
                       .json = forward_json,
                       .row = forward_row,
                       .context = execution};
    Plan *plan = NULL;
    TRY(find_plan(database, execution->session, sql, parameters, false, &plan, error));
    Status status =
        run_plan(database, execution->session, plan, parameters, arena, &sink, summary, error);
    plan_release(plan);
    return status;
}

static void log_slow(Database *database, Slice sql, int64_t took_ns)
{
    Configuration *configuration = database_configuration(database);
    int64_t limit_ns = configuration->logging_slow_query_ns;
    configuration_release(configuration);
    if (limit_ns > 0 && took_ns >= limit_ns)
        LOG_WARN(database->logger, "slow_query", "a statement took long",
                 LOG_DOUBLE("took_ms", (double)took_ns / 1e6),
                 LOG_UNSIGNED("statement_bytes", sql.size));
}

static Status run_statement(Execution *execution, Slice sql, uint32_t number, Error *error)
{
    Database *database = execution->database;
    const StatementSink *sink = execution->sink;
    int64_t began_ns = env_monotonic_ns(database->env);
    ResultSummary summary = {0};
    Arena arena;
    Status status = STATUS_SCHEMA_CHANGED;
    if (sink->begin != NULL)
        TRY(sink->begin(sink->context, number, error));
    execution->has_sent = false;
    arena_open(&arena, 0);
    for (uint32_t i = 0; status == STATUS_SCHEMA_CHANGED && i < BIND_ATTEMPTS_MAX; i++) {
        if (execution->has_sent)
            break;
        arena_reset(&arena);
        status = run_once(execution, sql, &arena, &summary, error);
    }
    int64_t took_ns = env_monotonic_ns(database->env) - began_ns;
    if (status == OK && sink->end != NULL)
        status = sink->end(sink->context, number, &summary, took_ns, error);
    arena_close(&arena);
    log_slow(database, sql, took_ns);
    return status;
}

/* Errors that are ours go to the log, with what clients are not shown. */
static void log_failure(Database *database, const Error *error)
{
    if (status_http(error->status) >= 500 || error->internal[0] != '\0')
        LOG_WARN(database->logger, "statement_failed", "a statement failed", LOG_ERROR_OF(error));
}

static Status run_text(void *context, Error *error)
{
    Execution *execution = context;
    Database *database = execution->database;
    Slice text = execution->request->text;
    const Parameters *parameters = &execution->request->parameters;
    Configuration *configuration = database_configuration(database);
    SqlLimits limits = {.bytes_max = configuration->limits_sql_bytes,
                        .tokens_max = configuration->limits_sql_tokens,
                        .parameters_max = configuration->limits_params};
    Slice *statements;
    uint32_t count;
    Slice sql = text;
    Arena arena;
    Status status = OK;
    configuration_release(configuration);
    arena_open(&arena, 0);
    execution->place->statement = 1;
    error->position_byte = -1;
    GO(statement_split(&arena, text, &limits, &statements, &count, error));
    if (count > 1 && (parameters->count > 0 || parameters->json != NULL)) {
        status = error_set(error, STATUS_SYNTAX_ERROR,
                           "parameters are for a single statement, this text has %u", count);
        goto done;
    }
    for (uint32_t i = 0; i < count; i++) {
        sql = statements[i];
        execution->place->statement = i + 1;
        GO(run_statement(execution, sql, i + 1, error));
    }
done:
    if (status != OK) {
        if (error->position_byte >= 0)
            statement_place_at(text, (sql.data - text.data) + error->position_byte,
                               execution->place);
        log_failure(database, error);
    }
    arena_close(&arena);
    return status;
}

Status database_execute(Database *database, DatabaseSession *session,
                        const StatementRequest *request, const StatementSink *sink,
                        StatementPlace *place, Error *error)
{
    Execution execution = {
        .database = database, .session = session, .request = request, .sink = sink, .place = place};
    *place = (StatementPlace){0};
    return on_pool_thread(database, THREADS_STATEMENTS, run_text, &execution, error);
}

void database_cancel(Database *database, const char *connection_id)
{
    executor_cancel_connection(database->executor, connection_id);
}

/* ---- without waiting ---- */

Slice without_semicolon(Slice text)
{
    text = slice_trim(text);
    while (text.size > 0 && text.data[text.size - 1] == ';')
        text = slice_trim(slice_part(text, 0, text.size - 1));
    return text;
}

Status database_execute_quick(Database *database, DatabaseSession *session,
                              const StatementRequest *request, Arena *arena, const ResultSink *sink,
                              ResultSummary *summary, QuickDone done, void *done_context,
                              bool *pending, Error *error)
{
    Configuration *configuration = database_configuration(database);
    Plan *plan = NULL;
    Value *values;
    uint32_t count;
    Status status = OK;
    *pending = false;
    GO(check_open(database, error));
    GO(database_session_refresh(database, session, error));
    plan = find_kept(database, session, without_semicolon(request->text), &request->parameters,
                     false, configuration);
    if (plan == NULL || !plan_is_quick(plan)) {
        status = error_of(error, STATUS_WOULD_BLOCK);
        goto done;
    }
    GO(read_parameters(arena, plan, &request->parameters, configuration, &values, &count, error));
    GO(execute_quick(database->executor, &session->session, plan, values, count, sink, summary,
                     done, done_context, pending, error));
done:
    if (plan != NULL)
        plan_release(plan);
    configuration_release(configuration);
    return status == STATUS_SCHEMA_CHANGED ? error_of(error, STATUS_WOULD_BLOCK) : status;
}
