/* What is handed out, on its way to the fan-out: a queue of groups in memory, and where that is
 * full the log itself. The committer puts a reference into a ring and goes on. */
#include "live/live_int.h"

/* ---- the committer's side ---- */

/* The group that was handed out is the last one written, and nothing else is by now: this is the
 * thread that writes. */
static uint64_t bytes_since(const Live *live, LogPosition from)
{
    LogStatistics statistics;
    log_statistics(live->log, &statistics);
    return statistics.written - from;
}

/* Under the queue's mutex. */
static void fall_behind(Live *live, LogPosition from)
{
    live->behind = true;
    live->behind_from = from;
    live->behind_since_ns = env_monotonic_ns(live->env);
    metric_add(live->metrics.times_behind, 1);
}

static void enqueue(Live *live, LogChunk *chunk, LogPosition from, uint64_t visible)
{
    uint64_t bytes = bytes_since(live, from);
    bool fits = live->queue_bytes + bytes <= live->options.queue_bytes_max &&
                live->queue_count < QUEUE_CHUNKS_MAX;
    if (!fits) {
        fall_behind(live, from);
        return;
    }
    size_t at = (live->queue_first + live->queue_count) % QUEUE_CHUNKS_MAX;
    live->queue[at] =
        (QueuedChunk){log_chunk_clone(chunk), bytes, visible, env_monotonic_ns(live->env)};
    live->queue_count++;
    live->queue_bytes += bytes;
    metric_set(live->metrics.queue_bytes, (int64_t)live->queue_bytes);
}

/* Who registers counts himself first and then looks where the log stands: he finds this group's
 * place or an earlier one, and if he is not counted here, his pin comes after this group. */
void live_handed_out(Live *live, LogChunk *chunk, uint64_t visible)
{
    LogFrame first;
    size_t at = 0;
    if (!log_chunk_next(chunk, &at, &first))
        return;
    atomic_store(&live->handed_out_from, first.position);
    if (atomic_load(&live->registered) == 0)
        return;
    mutex_lock(&live->queue_mutex);
    if (!live->stopping) {
        live->handed_out_seq = visible;
        if (!live->behind)
            enqueue(live, chunk, first.position, visible);
        condition_signal(&live->handed_out);
    }
    mutex_unlock(&live->queue_mutex);
}

int64_t feed_lag_ns(Live *live)
{
    int64_t since_ns = 0;
    mutex_lock(&live->queue_mutex);
    if (live->queue_count > 0)
        since_ns = live->queue[live->queue_first].handed_out_ns;
    else if (live->behind)
        since_ns = live->behind_since_ns;
    mutex_unlock(&live->queue_mutex);
    return since_ns == 0 ? 0 : env_monotonic_ns(live->env) - since_ns;
}

/* ---- the fan-out's side ---- */

/* Nothing may be lost in silence: who was to be told begins anew. Under live. */
static void end_who_is_live(Live *live, LiveEnding ending)
{
    LiveSubscription *next;
    for (LiveSubscription *subscription = live->oldest; subscription != NULL; subscription = next) {
        next = subscription->after;
        if (atomic_load(&subscription->state) == LIVE_STATE_LIVE)
            subscription_end(subscription, ending, "");
    }
}

/* Under live. The queue takes over from what is handed out next; the end of what was not read. */
static uint64_t leave_behind(Live *live)
{
    mutex_lock(&live->queue_mutex);
    uint64_t seq = live->handed_out_seq;
    live->behind = false;
    mutex_unlock(&live->queue_mutex);
    return seq;
}

/* Up to `seq` nobody will be told by the fan-out; behind the log: up to what is handed out. In one
 * step with ending those who are live: who goes live after it finds what is left out behind
 * reached_seq, and reads it himself. */
static void give_up(LiveSlice *slice, uint64_t seq, const Error *why)
{
    Live *live = slice->live;
    slice_end_transaction(slice);
    LOG_ERROR(live->logger, "live_fan_out_failed", "all subscriptions have to begin anew",
              LOG_ERROR_OF(why));
    mutex_lock(&live->mutex);
    end_who_is_live(live, ending_of(why->status));
    if (seq == 0)
        seq = leave_behind(live);
    if (live->reached_seq < seq)
        live->reached_seq = seq;
    mutex_unlock(&live->mutex);
}

/* Where nobody is registered nobody is owed anything: whoever comes has a pin behind all that was
 * not queued for him, because he counts himself before he pins. */
static void fan_out_chunk(LiveSlice *slice, const QueuedChunk *queued)
{
    Live *live = slice->live;
    LiveSource source;
    Error error;
    source_of_chunk(queued->chunk, &source);
    if (atomic_load(&live->registered) > 0 && fan_out(slice, &source, &error) != OK)
        give_up(slice, queued->visible, &error);
    metric_observe(live->metrics.lag_seconds, env_monotonic_ns(live->env) - queued->handed_out_ns);
}

/* The same behind the queue. Registering takes the lock: nobody comes between the two. */
static bool leave_if_idle(Live *live)
{
    mutex_lock(&live->mutex);
    bool is_idle = atomic_load(&live->registered) == 0;
    if (is_idle)
        (void)leave_behind(live);
    mutex_unlock(&live->mutex);
    return is_idle;
}

/* Done where the log was read up to what is handed out: the queue takes over. */
static bool end_behind(Live *live, uint64_t read_up_to, uint64_t *handed_out_seq)
{
    mutex_lock(&live->queue_mutex);
    *handed_out_seq = live->handed_out_seq;
    bool done = live->stopping || *handed_out_seq == read_up_to;
    if (done)
        live->behind = false;
    mutex_unlock(&live->queue_mutex);
    return done;
}

static Status read_behind(LiveSlice *slice, LogPosition from, Error *error)
{
    Live *live = slice->live;
    LiveSource source;
    uint64_t read_up_to = 0;
    uint64_t seq;
    TRY(source_of_log(live->log, from, &source, error));
    Status status = OK;
    while (status == OK && !end_behind(live, read_up_to, &seq) && !leave_if_idle(live)) {
        source_extend(&source, seq);
        status = fan_out(slice, &source, error);
        read_up_to = seq;
    }
    source_close(&source);
    return status;
}

/* From the log, until all that was handed out is read; then from the queue again. */
static void catch_up(LiveSlice *slice, LogPosition from)
{
    Error error;
    if (read_behind(slice, from, &error) != OK)
        give_up(slice, 0, &error);
}

static bool take(Live *live, QueuedChunk *out, LogPosition *behind_from)
{
    mutex_lock(&live->queue_mutex);
    while (!live->stopping && live->queue_count == 0 && !live->behind)
        condition_wait(&live->handed_out, &live->queue_mutex);
    bool goes_on = !live->stopping;
    *out = (QueuedChunk){0};
    *behind_from = live->behind_from;
    if (goes_on && live->queue_count > 0)
        *out = live->queue[live->queue_first];
    mutex_unlock(&live->queue_mutex);
    return goes_on;
}

/* Only now, so that it counts as waiting until it was delivered. */
static void drop_first(Live *live)
{
    mutex_lock(&live->queue_mutex);
    ASSERT(live->queue_count > 0);
    QueuedChunk first = live->queue[live->queue_first];
    live->queue_first = (live->queue_first + 1) % QUEUE_CHUNKS_MAX;
    live->queue_count--;
    live->queue_bytes -= first.bytes;
    metric_set(live->metrics.queue_bytes, (int64_t)live->queue_bytes);
    mutex_unlock(&live->queue_mutex);
    log_chunk_release(first.chunk);
}

void feed_run(LiveSlice *slice)
{
    Live *live = slice->live;
    QueuedChunk queued;
    LogPosition behind_from;
    while (take(live, &queued, &behind_from)) {
        if (queued.chunk == NULL) {
            catch_up(slice, behind_from);
            continue;
        }
        fan_out_chunk(slice, &queued);
        drop_first(live);
    }
    while (live->queue_count > 0)
        drop_first(live);
}
