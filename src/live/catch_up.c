/* From where a subscription begins to where the fan-out is: by reading the log, on its own thread
 * and for it alone, and then over to the fan-out in one step (README.md says why nothing is missed
 * and nothing comes twice). */
#include "live/live_int.h"

typedef struct CatchUp {
    LiveSubscription *subscription;
    LiveSlice slice;
    LiveSource *source;
    bool ended; /* by whoever: there is nothing more to do */
} CatchUp;

/* ---- seeking ---- */

static Status not_found(uint64_t seq, Error *error)
{
    return error_set(error, STATUS_NOT_FOUND,
                     "changes after %llu are not in the log, or there is no such transaction",
                     (unsigned long long)seq);
}

/* The source stands at the first frame with a sequence >= seq. Sequences between two frames were
 * given out without a frame, and nothing happened there; but before a ceiling they may have been
 * lost by a crash, after a client had heard of them: a start of the server begins with one. */
static Status check_boundary(LiveSource *source, uint64_t seq, Error *error)
{
    const LogFrame *frame;
    TRY(source_peek(source, &frame, error));
    if (frame == NULL)
        return OK;
    if (frame->seq > seq)
        return frame->kind == FRAME_CEILING ? not_found(seq, error) : OK;
    if ((frame->flags & LOG_FRAME_COMMIT) == 0)
        return not_found(seq, error);
    source_take(source);
    return OK;
}

Status live_seek(LiveSubscription *subscription, uint64_t from_seq, Error *error)
{
    Live *live = subscription->live;
    uint64_t visible = engine_visible(live->engine);
    LiveSource source;
    LogPosition position;
    ASSERT(!subscription->sought);
    if (from_seq > visible)
        return not_found(from_seq, error);
    TRY(log_find(live->log, from_seq, &position, error));
    TRY(source_of_log(live->log, position, &source, error));
    source_extend(&source, visible);
    Status status = check_boundary(&source, from_seq, error);
    if (status != OK) {
        source_close(&source);
        return status;
    }
    subscription->source = source;
    subscription->sought = true;
    return OK;
}

/* ---- one transaction ---- */

static void end(CatchUp *work, bool is_locked, LiveEnding ending, const char *detail)
{
    work->ended = true;
    if (is_locked)
        subscription_end(work->subscription, ending, detail);
    else
        subscription_end_unlocked(work->subscription, ending, detail);
}

/* What a client missed comes as fast as a disk reads, which is no reason to call him slow: while
 * his queue is not short he is waited for, as long as he takes anything. */
static void wait_for_client(CatchUp *work)
{
    LiveSubscription *subscription = work->subscription;
    Env *env = subscription->live->env;
    uint64_t before = UINT64_MAX;
    int64_t deadline_ns = 0;
    while (!live_subscription_is_ended(subscription)) {
        uint64_t bytes = subscription_queued(subscription);
        if (bytes <= LIVE_CATCH_UP_QUEUE_BYTES)
            return;
        int64_t now_ns = env_monotonic_ns(env);
        if (bytes < before)
            deadline_ns = now_ns + CATCH_UP_PATIENCE_NS;
        if (now_ns >= deadline_ns) {
            end(work, false, LIVE_END_SLOW, "");
            return;
        }
        before = bytes;
        env_sleep_ns(env, CATCH_UP_PAUSE_NS);
    }
}

static void deliver(CatchUp *work, bool is_locked, bool more)
{
    LiveSubscription *subscription = work->subscription;
    LiveEnding ending;
    LiveTaken taken = LIVE_TAKEN;
    if (!is_locked)
        wait_for_client(work);
    mutex_lock(&subscription->mutex);
    work->ended = atomic_load(&subscription->state) == LIVE_STATE_ENDED;
    if (!work->ended)
        taken = deliver_matches(&work->slice, subscription, more);
    mutex_unlock(&subscription->mutex);
    if (taken_ends(taken, &ending))
        end(work, is_locked, ending, "");
}

static Status match_change(CatchUp *work, bool is_locked, LiveRowChange *row, Error *error)
{
    LiveSlice *slice = &work->slice;
    LiveSubscription *subscription = work->subscription;
    const LiveImage *image;
    LiveOperation operation;
    bool is_any;
    TRY(slice_image(slice, row, subscription->schema, &image, error));
    if (subscription->uses_owner_name)
        TRY(slice_owner_name(slice, row, error));
    Status status = match_row(slice, subscription, row, image, &operation, &is_any, error);
    if (status == STATUS_OUT_OF_MEMORY)
        return status;
    if (status != OK) { /* the rows are its user's to see, and so is the reason */
        end(work, is_locked, LIVE_END_FILTER, error->message);
        return OK;
    }
    return is_any ? match_add(slice, subscription, row, image, operation, error) : OK;
}

static Status match_slice(CatchUp *work, bool is_locked, Error *error)
{
    LiveSlice *slice = &work->slice;
    for (size_t i = 0; i < slice->row_count && !work->ended; i++) {
        LiveRowChange *row = &slice->rows[i];
        if (subscription_covers(work->subscription, &row->change))
            TRY(match_change(work, is_locked, row, error));
    }
    return OK;
}

static Status read_rows(CatchUp *work, bool is_locked, Error *error)
{
    LiveSlice *slice = &work->slice;
    bool is_open = false; /* a part was sent */
    do {
        TRY(slice_collect(slice, work->source, work->subscription->schema->table_id, error));
        TRY(match_slice(work, is_locked, error));
        bool has_any = work->subscription->match_count > 0;
        if (!work->ended && (has_any || (slice->is_last && is_open)))
            deliver(work, is_locked, !slice->is_last);
        is_open = is_open || has_any;
    } while (!slice->is_last && !work->ended);
    if (!work->ended)
        atomic_store(&work->subscription->sent_seq, slice->commit);
    atomic_store(&work->subscription->sent_us, slice->committed_us);
    slice_end_transaction(slice);
    live_count(slice->live, slice);
    return OK;
}

/* ---- definitions ---- */

/* By the head: visible passes the record a moment before the visible snapshot has it. */
static void check_altered(CatchUp *work, bool is_locked)
{
    Live *live = work->slice.live;
    CatalogSnapshot *snapshot = catalog_head(live->catalog);
    if (!is_locked)
        mutex_lock(&live->mutex);
    subscription_check(work->subscription, snapshot);
    if (!is_locked)
        mutex_unlock(&live->mutex);
    catalog_snapshot_release(snapshot);
    work->ended = live_subscription_is_ended(work->subscription);
}

static Status read_definition(CatchUp *work, bool is_locked, const LogFrame *frame, Error *error)
{
    uint64_t table_id = work->subscription->schema->table_id;
    uint64_t seq = frame->seq;
    DefinedChange *changes;
    size_t count;
    arena_reset(&work->slice.arena);
    TRY(definition_changes_decode(frame, &work->slice.arena, &changes, &count, error));
    source_take(work->source);
    for (size_t i = 0; i < count && !work->ended; i++) {
        if (changes[i].table_id != table_id)
            continue;
        if (changes[i].kind == TABLE_CHANGE_TRUNCATE)
            end(work, is_locked, LIVE_END_TRUNCATED, "");
        else if (changes[i].kind == TABLE_CHANGE_DROP)
            end(work, is_locked, LIVE_END_DROPPED, "");
        else
            check_altered(work, is_locked);
    }
    if (!work->ended)
        atomic_store(&work->subscription->sent_seq, seq);
    return OK;
}

/* ---- everything up to a sequence ---- */

/* Frames with a sequence up to what was delivered are skipped: it is a transaction's end. */
static Status read_up_to(CatchUp *work, uint64_t seq, bool is_locked, Error *error)
{
    LiveSubscription *subscription = work->subscription;
    source_extend(work->source, seq);
    while (!work->ended) {
        const LogFrame *frame;
        TRY(source_peek(work->source, &frame, error));
        if (frame == NULL)
            break;
        bool is_new = frame->seq > atomic_load(&subscription->sent_seq);
        if (is_new && frame->kind == FRAME_ROW)
            TRY(read_rows(work, is_locked, error));
        else if (is_new && frame->kind == FRAME_DEFINITION)
            TRY(read_definition(work, is_locked, frame, error));
        else
            source_take(work->source);
        work->ended = work->ended || live_subscription_is_ended(subscription);
    }
    if (!work->ended && atomic_load(&subscription->sent_seq) < seq)
        atomic_store(&subscription->sent_seq, seq);
    return OK;
}

/* ---- going live ---- */

/* Under live: from here on the fan-out tells it of what is behind sent_seq. */
static void switch_to_live(CatchUp *work)
{
    LiveSubscription *subscription = work->subscription;
    Live *live = subscription->live;
    CatalogSnapshot *snapshot = catalog_snapshot(live->catalog);
    subscription_check(subscription, snapshot);
    catalog_snapshot_release(snapshot);
    mutex_lock(&subscription->mutex);
    work->ended = atomic_load(&subscription->state) == LIVE_STATE_ENDED;
    if (!work->ended) {
        atomic_store(&subscription->state, LIVE_STATE_LIVE);
        subscription->sink.live(subscription->sink.context, atomic_load(&subscription->sent_seq));
    }
    mutex_unlock(&subscription->mutex);
    if (!work->ended) {
        keeper_release(live, subscription->keeper);
        subscription->keeper = NULL;
    }
}

/* Has the fan-out begun nothing that the subscription was not told of? */
static bool has_met(const LiveSubscription *subscription)
{
    return subscription->live->reached_seq <= atomic_load(&subscription->sent_seq);
}

static bool switch_if_met(CatchUp *work)
{
    Live *live = work->subscription->live;
    mutex_lock(&live->mutex);
    bool met = has_met(work->subscription);
    if (met)
        switch_to_live(work);
    mutex_unlock(&live->mutex);
    return met;
}

/* The fan-out goes on while the log is read, so the two would meet by chance only: the last piece
 * is read while it stands still. */
static Status finish_locked(CatchUp *work, Error *error)
{
    Live *live = work->subscription->live;
    mutex_lock(&live->mutex);
    Status status = OK;
    if (!has_met(work->subscription))
        status = read_up_to(work, live->reached_seq, true, error);
    if (status == OK && !work->ended)
        switch_to_live(work);
    mutex_unlock(&live->mutex);
    return status;
}

static uint64_t bytes_left(const CatchUp *work)
{
    LogStatistics statistics;
    log_statistics(work->subscription->live->log, &statistics);
    return statistics.written - work->source->position;
}

/* As long as it is far behind and comes nearer. */
static Status read_until_near(CatchUp *work, Error *error)
{
    Live *live = work->subscription->live;
    LogPosition before;
    do {
        before = work->source->position;
        TRY(read_up_to(work, engine_visible(live->engine), false, error));
    } while (!work->ended && work->source->position != before &&
             bytes_left(work) > CATCH_UP_LOCKED_BYTES);
    return OK;
}

static Status read_log(CatchUp *work, Error *error)
{
    LiveSubscription *subscription = work->subscription;
    Live *live = subscription->live;
    metric_add(live->metrics.caught_up, 1);
    if (!subscription->sought)
        TRY(source_of_log(live->log, subscription->from, &subscription->source, error));
    subscription->sought = true;
    work->source = &subscription->source;
    TRY(slice_open(live, &work->slice, error));
    Status status = read_until_near(work, error);
    if (status == OK && !work->ended)
        status = finish_locked(work, error);
    slice_close(&work->slice);
    return status;
}

static void close_source(LiveSubscription *subscription)
{
    if (subscription->sought)
        source_close(&subscription->source);
    subscription->sought = false;
}

static bool begin(LiveSubscription *subscription, uint64_t seq)
{
    mutex_lock(&subscription->mutex);
    bool is_there = atomic_load(&subscription->state) == LIVE_STATE_STARTING;
    if (is_there) {
        atomic_store(&subscription->sent_seq, seq);
        atomic_store(&subscription->state, LIVE_STATE_CATCHING_UP);
    }
    mutex_unlock(&subscription->mutex);
    return is_there;
}

#ifdef FIRN_FAULTS
/* A breakage: registered only now, and nobody asks what happened since the pin. */
static Status go_broken(CatchUp *work, Error *error)
{
    Live *live = work->subscription->live;
    mutex_lock(&live->mutex);
    Status status = registry_add(live, work->subscription, error);
    if (status == OK)
        switch_to_live(work);
    mutex_unlock(&live->mutex);
    return status;
}
#endif

/* What live_seek found has to be read in any case: the fan-out tells of what came after the
 * registration only. */
static Status go(CatchUp *work, Error *error)
{
#ifdef FIRN_FAULTS
    if (BROKEN(handover) && !work->subscription->sought)
        return go_broken(work, error);
#endif
    if (!work->subscription->sought && switch_if_met(work))
        return OK;
    return read_log(work, error);
}

Status live_go(LiveSubscription *subscription, uint64_t seq, Error *error)
{
    CatchUp work = {.subscription = subscription};
    if (!begin(subscription, seq))
        return error_of(error, STATUS_QUERY_CANCELED);
    Status status = go(&work, error);
    close_source(subscription);
    if (status != OK) {
        LOG_ERROR(subscription->live->logger, "live_catch_up_failed",
                  "a subscription has to begin anew", LOG_ERROR_OF(error));
        subscription_end_unlocked(subscription, ending_of(status), "");
        return status;
    }
    return work.ended ? error_of(error, STATUS_QUERY_CANCELED) : OK;
}
