#include "live/live.h"

#include "live/live_int.h"

static const MetricDefinition definitions[] = {LIVE_METRICS(METRIC_DEFINITION)};

/* ---- opening and closing ---- */

Status live_open(Env *env, const LiveOptions *options, Logger *logger, Metrics *metrics, Live **out,
                 Error *error)
{
    ASSERT(options->slice_bytes_max > 0);
    Live *live = MEMORY_NEW(Live);
    if (live == NULL)
        return error_out_of_memory(error);
    live->env = env;
    live->logger = logger;
    live->options = *options;
    if (live->options.frames.make == NULL)
        live->options.frames = live_plain_frames;
    live->closed = true;
    live->random = random_of(env_random_u64(env));
    mutex_open(&live->mutex, env, "live");
    mutex_open(&live->queue_mutex, env, "live queue");
    condition_open(&live->handed_out, env);
    Status status = OK;
    live->queue = memory_allocate_zeroed(QUEUE_CHUNKS_MAX, sizeof(QueuedChunk));
    if (live->queue == NULL)
        GO(error_out_of_memory(error));
    GO(metrics_register_all(metrics, definitions, METRIC_COUNT(definitions),
                            METRIC_FIELDS(&live->metrics, definitions), error));
    *out = live;
    return OK;
done:
    live_close(live);
    return status;
}

void live_close(Live *live)
{
    if (live == NULL)
        return;
    ASSERT(live->fan_out_thread == NULL && live->oldest == NULL && live->keepers == NULL);
    memory_free(live->queue);
    condition_close(&live->handed_out);
    mutex_close(&live->queue_mutex);
    mutex_close(&live->mutex);
    memory_free(live);
}

typedef struct FanOutThread {
    Live *live;
    LiveSlice slice;
} FanOutThread;

static void run_fan_out(void *context)
{
    FanOutThread *thread = context;
    feed_run(&thread->slice);
    slice_close(&thread->slice);
    memory_free(thread);
}

static Status start_fan_out(Live *live, Error *error)
{
    FanOutThread *thread = MEMORY_NEW(FanOutThread);
    if (thread == NULL)
        return error_out_of_memory(error);
    Status status = slice_open(live, &thread->slice, error);
    if (status == OK) {
        status = thread_start(live->env, "live fan-out", FAN_OUT_STACK_BYTES, run_fan_out, thread,
                              &live->fan_out_thread, error);
        if (status != OK)
            slice_close(&thread->slice);
    }
    if (status != OK)
        memory_free(thread);
    return status;
}

/* Until the first group is handed out the log is known to be needed from its newest frames on. */
Status live_start(Live *live, Engine *engine, Catalog *catalog, Error *error)
{
    LogPosition position;
    live->engine = engine;
    live->catalog = catalog;
    live->log = engine_log(engine);
    TRY(log_find(live->log, engine_visible(engine), &position, error));
    LogPosition none = 0;
    (void)atomic_compare_exchange_strong(&live->handed_out_from, &none, position);
    live->reached_seq = 0;
    live->stopping = false;
    TRY(start_fan_out(live, error));
    mutex_lock(&live->mutex);
    live->closed = false;
    mutex_unlock(&live->mutex);
    return OK;
}

void live_stop(Live *live)
{
    mutex_lock(&live->mutex);
    live->closed = true;
    mutex_unlock(&live->mutex);
    live_end_all(live, LIVE_END_SHUTDOWN);
    mutex_lock(&live->queue_mutex);
    live->stopping = true;
    condition_signal(&live->handed_out);
    mutex_unlock(&live->queue_mutex);
    if (live->fan_out_thread != NULL)
        thread_join(live->fan_out_thread);
    live->fan_out_thread = NULL;
}

/* ---- the list ---- */

static uint64_t last_seq(Live *live, const LiveSubscription *subscription)
{
    uint64_t sent = atomic_load(&subscription->sent_seq);
    bool is_live = atomic_load(&subscription->state) == LIVE_STATE_LIVE;
    return is_live && live->reached_seq > sent ? live->reached_seq : sent;
}

static int64_t lag_ms(Live *live, const LiveSubscription *subscription, int64_t fan_out_lag_ns)
{
    int64_t sent_us = atomic_load(&subscription->sent_us);
    switch ((LiveState)atomic_load(&subscription->state)) {
    case LIVE_STATE_LIVE:
        return fan_out_lag_ns / 1000000;
    case LIVE_STATE_STARTING:
    case LIVE_STATE_CATCHING_UP: {
        int64_t since_us = sent_us != 0 ? sent_us : subscription->created_us;
        int64_t lag_us = env_wall_us(live->env) - since_us;
        return lag_us < 0 ? 0 : lag_us / 1000;
    }
    case LIVE_STATE_ENDED:
        break;
    }
    return 0;
}

static Status clone_texts(const LiveSubscription *subscription, Arena *arena, LiveInformation *out,
                          Error *error)
{
    TRY(arena_clone(arena, subscription->connection_id, &out->connection_id, error));
    TRY(arena_clone(arena, subscription->user_name, &out->user_name, error));
    TRY(arena_clone(arena, subscription->client_address, &out->client_address, error));
    return arena_clone(arena, subscription->sql, &out->sql, error);
}

static Status clone_names(const CatalogSnapshot *snapshot, uint64_t table_id, Arena *arena,
                          LiveInformation *out, Error *error)
{
    const CatalogTable *table = catalog_table_by_id(snapshot, table_id);
    if (table == NULL)
        return OK; /* dropped a moment ago */
    TRY(arena_clone(arena, table->namespace_name, &out->namespace_name, error));
    return arena_clone(arena, table->name, &out->table_name, error);
}

static Status describe(Live *live, LiveSubscription *subscription, const CatalogSnapshot *snapshot,
                       int64_t fan_out_lag_ns, Arena *arena, LiveInformation *out, Error *error)
{
    *out = (LiveInformation){.user_id = subscription->user_id,
                             .filter_kind = subscription->filter_kind,
                             .state = (LiveState)atomic_load(&subscription->state),
                             .last_seq = last_seq(live, subscription),
                             .changes_sent = atomic_load(&subscription->changes_sent),
                             .queued_bytes = subscription_queued(subscription),
                             .lag_ms = lag_ms(live, subscription, fan_out_lag_ns),
                             .created_us = subscription->created_us};
    memcpy(out->live_id, subscription->id, LIVE_ID_BYTES);
    TRY(clone_texts(subscription, arena, out, error));
    return clone_names(snapshot, subscription->schema->table_id, arena, out, error);
}

/* Under live. */
static Status list(Live *live, bool only_of_user, OwnerId user_id, const CatalogSnapshot *snapshot,
                   Arena *arena, LiveInformation **out, size_t *count, Error *error)
{
    int64_t fan_out_lag_ns = feed_lag_ns(live);
    size_t found = 0;
    for (const LiveSubscription *s = live->oldest; s != NULL; s = s->after)
        found += !only_of_user || s->user_id == user_id;
    LiveInformation *rows = ARENA_ARRAY(arena, LiveInformation, found);
    if (rows == NULL)
        return arena_error(arena, error);
    *count = 0;
    for (LiveSubscription *s = live->oldest; s != NULL; s = s->after) {
        if (!only_of_user || s->user_id == user_id)
            TRY(describe(live, s, snapshot, fan_out_lag_ns, arena, &rows[(*count)++], error));
    }
    *out = rows;
    return OK;
}

Status live_list(Live *live, bool only_of_user, OwnerId user_id, Arena *arena,
                 LiveInformation **out, size_t *count, Error *error)
{
    CatalogSnapshot *snapshot = catalog_snapshot(live->catalog);
    mutex_lock(&live->mutex);
    Status status = list(live, only_of_user, user_id, snapshot, arena, out, count, error);
    mutex_unlock(&live->mutex);
    catalog_snapshot_release(snapshot);
    return status;
}

/* ---- statistics ---- */

void live_count(Live *live, LiveSlice *slice)
{
    uint64_t written;
    uint64_t shared;
    encodings_count(slice->encodings, &written, &shared);
    metric_add(live->metrics.encoded, (int64_t)written);
    metric_add(live->metrics.encoded_shared, (int64_t)shared);
    metric_add(live->metrics.evaluations, (int64_t)slice->evaluations);
    metric_add(live->metrics.candidates, (int64_t)slice->candidates);
    slice->evaluations = 0;
    slice->candidates = 0;
}

static uint64_t counted(const Metric *metric)
{
    return (uint64_t)metric_value(metric);
}

void live_statistics(Live *live, LiveStatistics *out)
{
    const LiveMetrics *metrics = &live->metrics;
    *out = (LiveStatistics){.subscriptions = atomic_load(&live->registered),
                            .rows = counted(metrics->rows),
                            .candidates = counted(metrics->candidates),
                            .evaluations = counted(metrics->evaluations),
                            .changes_sent = counted(metrics->changes_sent),
                            .batches_sent = counted(metrics->batches_sent),
                            .encoded = counted(metrics->encoded),
                            .encoded_shared = counted(metrics->encoded_shared),
                            .resyncs = counted(metrics->resyncs),
                            .caught_up = counted(metrics->caught_up),
                            .times_behind = counted(metrics->times_behind),
                            .queue_bytes = counted(metrics->queue_bytes)};
}
