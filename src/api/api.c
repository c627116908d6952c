#include "api/api_int.h"

/* ---- life ---- */

Status api_create(Env *env, Logger *logger, Api **out, Error *error)
{
    Api *api = MEMORY_NEW(Api);
    if (api == NULL)
        return error_out_of_memory(error);
    api->env = env;
    api->logger = logger;
    api->connection_seed = env_random_u64(env);
    mutex_open(&api->registry.mutex, env, "api_registry");
    Status status = rates_create(env, &api->rates, error);
    if (status != OK) {
        api_destroy(api);
        return status;
    }
    *out = api;
    return OK;
}

void api_destroy(Api *api)
{
    if (api == NULL)
        return;
    ASSERT(api->registry.first == NULL);
    token_caches_free(api);
    rates_destroy(api->rates);
    mutex_close(&api->registry.mutex);
    memory_free(api);
}

/* ---- the configuration ---- */

static void read_limits(Api *api, const Configuration *configuration)
{
    ApiLimits *limits = &api->limits;
    atomic_store(&limits->queue_bytes, configuration->ws_queue_bytes);
    atomic_store(&limits->message_bytes, configuration->ws_message_bytes);
    atomic_store(&limits->subscriptions, configuration->limits_subscriptions_per_connection);
    atomic_store(&limits->auth_timeout_ns, configuration->ws_auth_timeout_ns);
    atomic_store(&limits->params, configuration->limits_params);
    atomic_store(&limits->param_bytes, configuration->limits_param_bytes);
    atomic_store(&limits->load_bytes, configuration->limits_load_bytes);
    atomic_store(&limits->statement_timeout_ns, configuration->statement_timeout_ns);
    atomic_store(&limits->requests_per_second, configuration->limits_requests_per_second);
    atomic_store(&limits->statements_per_user, configuration->limits_statements_per_user);
}

/* What waits for a WebSocket is this room's to count, by subscription: the network's own limit is
 * above all of them. */
void api_net_limits(const Configuration *configuration, NetLimits *out)
{
    net_limits_default(out);
    out->connections_max = configuration->limits_connections;
    out->header_bytes_max = configuration->http_header_bytes;
    out->body_bytes_max = configuration->http_body_bytes;
    if (out->body_bytes_total_max < out->body_bytes_max)
        out->body_bytes_total_max = out->body_bytes_max;
    out->header_timeout_ns = configuration->http_header_timeout_ns;
    out->idle_timeout_ns = configuration->http_idle_timeout_ns;
    out->message_bytes_max = configuration->ws_message_bytes;
    out->messages_per_second = configuration->ws_messages_per_second;
    out->silence_timeout_ns = configuration->ws_silence_timeout_ns;
    out->output_bytes_max = SIZE_MAX / 2;
    out->cors_origins = configuration->http_cors_origins.items;
    out->cors_origin_count = configuration->http_cors_origins.count;
}

/* On a loop: whoever changed the configuration may hold locks that reading it takes. */
static void reconfigure(LoopTask *task)
{
    Api *api = (Api *)(void *)((uint8_t *)task - offsetof(Api, reconfigure));
    NetLimits limits;
    Error error;
    atomic_store(&api->reconfigure_posted, false);
    Configuration *configuration = database_configuration(api->database);
    read_limits(api, configuration);
    api_net_limits(configuration, &limits);
    if (net_configure(api->net, &limits, &error) != OK)
        LOG_ERROR(api->logger, "net_not_configured", "the network keeps its old limits",
                  LOG_ERROR_OF(&error));
    configuration_release(configuration);
}

static void configured(void *context)
{
    Api *api = context;
    if (api->net != NULL && !atomic_exchange(&api->reconfigure_posted, true))
        loop_post(net_loop(api->net, 0), &api->reconfigure);
}

/* ---- binding ---- */

DatabaseHooks api_database_hooks(Api *api)
{
    return (DatabaseHooks){
        .context = api,
        .visit_connections = clients_visit,
        .kill_connection = clients_kill,
        .rights_changed = clients_rights_changed,
        .configured = configured,
    };
}

Status api_bind(Api *api, Database *database, Error *error)
{
    static const MetricDefinition definitions[] = {API_METRICS(METRIC_DEFINITION)};
    TRY(metrics_register_all(database_metrics(database), definitions, METRIC_COUNT(definitions),
                             METRIC_FIELDS(&api->metrics, definitions), error));
    Configuration *configuration = database_configuration(database);
    read_limits(api, configuration);
    configuration_release(configuration);
    api->reconfigure.run = reconfigure;
    api->database = database;
    return OK;
}

void api_attach(Api *api, Net *net)
{
    api->net = net;
}

NetHandlers api_handlers(Api *api)
{
    return (NetHandlers){
        .context = api,
        .http_head = route_head,
        .http_request = route_request,
        .http_cancelled = route_cancelled,
        .websocket_message = socket_message,
        .websocket_drained = socket_drained,
        .websocket_refused = socket_refused,
        .websocket_timer = socket_timer,
        .websocket_stopping = socket_stopping,
        .websocket_closed = socket_closed,
    };
}

/* ---- frames of changes: one for all who get the same ---- */

static void *make_frame(void *context, Slice body)
{
    (void)context;
    return shared_frame_copy(body);
}

static void *clone_frame(void *frame)
{
    return shared_frame_clone(frame);
}

static void release_frame(void *frame)
{
    shared_frame_release(frame);
}

LiveFrameMaker api_frame_maker(void)
{
    return (LiveFrameMaker){.make = make_frame, .clone = clone_frame, .release = release_frame};
}

/* ---- metrics ---- */

void api_refresh_metrics(Api *api)
{
    ApiMetrics *metrics = &api->metrics;
    NetStatistics net;
    metric_set(metrics->subscriptions, atomic_load(&api->subscriptions));
    if (api->net == NULL)
        return;
    net_statistics(api->net, &net);
    metric_set(metrics->connections, (int64_t)net.connections);
    metric_set(metrics->websockets, (int64_t)net.websockets);
    metric_set(metrics->accepted, (int64_t)net.accepted);
    metric_set(metrics->refused, (int64_t)net.connections_refused);
    metric_set(metrics->accept_failures, (int64_t)net.accept_failures);
    metric_set(metrics->requests, (int64_t)net.requests);
    metric_set(metrics->requests_refused, (int64_t)net.requests_refused);
    metric_set(metrics->bytes_in, (int64_t)net.bytes_in);
    metric_set(metrics->bytes_out, (int64_t)net.bytes_out);
    metric_set(metrics->messages_in, (int64_t)net.messages_in);
    metric_set(metrics->messages_out, (int64_t)net.messages_out);
}
