/* Fan-out: each transaction to everybody who is live and whose rows it changed. */
#include "live/live_int.h"

/* What is matched now. */
typedef struct FanOut {
    LiveSlice *slice;
    Live *live;
    LiveRowChange *row;
    const LiveImage *image;
    LiveSubscription *touched; /* who got a match, or is to be ended */
} FanOut;

static void touch(FanOut *work, LiveSubscription *subscription)
{
    if (subscription->touched)
        return;
    subscription->touched = true;
    subscription->next_touched = work->touched;
    work->touched = subscription;
}

/* Ended when what is matched is delivered: until then lists are walked that it stands in. */
static void doom(FanOut *work, LiveSubscription *subscription, LiveEnding ending,
                 const char *detail)
{
    touch(work, subscription);
    subscription->doomed = true;
    subscription->doom = ending;
    subscription->doom_detail = detail;
}

/* Is it to be told of transactions that end with this sequence? */
static bool is_live_for(const LiveSubscription *subscription, uint64_t commit)
{
    return atomic_load(&subscription->state) == LIVE_STATE_LIVE &&
           atomic_load(&subscription->sent_seq) < commit && !subscription->doomed;
}

static void doom_group(FanOut *work, LiveGroup *group, const Error *error)
{
    LiveSubscription *subscription = group->first;
    for (; subscription != NULL; subscription = subscription->group_after) {
        if (is_live_for(subscription, work->slice->commit))
            doom(work, subscription, ending_of(error->status), "");
    }
    LOG_ERROR(work->live->logger, "live_fan_out_failed",
              "subscriptions to a table have to begin anew",
              LOG_UNSIGNED("table_id", group->table->id), LOG_ERROR_OF(error));
}

/* ---- matching ---- */

/* The error's text is the client's to see: his filter failed on rows that he may read. */
static void doom_by_error(FanOut *work, LiveSubscription *subscription, const Error *error)
{
    if (error->status == STATUS_OUT_OF_MEMORY) {
        doom(work, subscription, LIVE_END_MEMORY, "");
        return;
    }
    const char *detail = arena_text(&work->slice->arena, slice_of_text(error->message));
    doom(work, subscription, LIVE_END_FILTER, detail == NULL ? "" : detail);
}

static void visit_candidate(void *context, LiveSubscription *subscription)
{
    FanOut *work = context;
    LiveSlice *slice = work->slice;
    LiveOperation operation;
    bool is_any;
    Error error;
    if (subscription->stamp == work->live->next_stamp || !is_live_for(subscription, slice->commit))
        return;
    subscription->stamp = work->live->next_stamp;
    slice->candidates++;
    Status status =
        match_row(slice, subscription, work->row, work->image, &operation, &is_any, &error);
    if (status == OK && is_any) {
        status = match_add(slice, subscription, work->row, work->image, operation, &error);
        touch(work, subscription);
    }
    if (status != OK)
        doom_by_error(work, subscription, &error);
}

static Status match_group(FanOut *work, LiveGroup *group, Error *error)
{
    const RowChange *change = &work->row->change;
    LiveProbe probe = {.schema = group->schema, .owner = change->owner};
    TRY(slice_image(work->slice, work->row, group->schema, &work->image, error));
    if (group->owner_name_users > 0)
        TRY(slice_owner_name(work->slice, work->row, error));
    probe.owner_name = work->row->owner_name;
    work->live->next_stamp++;
    if (change->had_old) {
        probe.row = work->image->old_row;
        index_find(&group->index, &probe, visit_candidate, work);
    }
    if (change->kind == WRITE_PUT) {
        probe.row = work->image->row;
        index_find(&group->index, &probe, visit_candidate, work);
    }
    return OK;
}

static void match_change(FanOut *work, LiveRowChange *row)
{
    Error error;
    LiveTable *table = registry_table(work->live, row->change.table_id);
    if (table == NULL)
        return;
    work->row = row;
    metric_add(work->live->metrics.rows, 1);
    for (LiveGroup *group = table->groups; group != NULL; group = group->next) {
        if (match_group(work, group, &error) != OK)
            doom_group(work, group, &error);
    }
}

/* ---- delivering ---- */

static void set_open(Live *live, LiveSubscription *subscription)
{
    if (subscription->is_open)
        return;
    subscription->is_open = true;
    subscription->open_before = NULL;
    subscription->open_after = live->open;
    if (live->open != NULL)
        live->open->open_before = subscription;
    live->open = subscription;
}

static void set_closed(Live *live, LiveSubscription *subscription)
{
    subscription->is_open = false;
    if (subscription->open_before != NULL)
        subscription->open_before->open_after = subscription->open_after;
    else
        live->open = subscription->open_after;
    if (subscription->open_after != NULL)
        subscription->open_after->open_before = subscription->open_before;
}

static void deliver(FanOut *work, LiveSubscription *subscription, bool more)
{
    LiveEnding ending;
    mutex_lock(&subscription->mutex);
    LiveTaken taken = deliver_matches(work->slice, subscription, more);
    mutex_unlock(&subscription->mutex);
    if (taken_ends(taken, &ending)) {
        subscription_end(subscription, ending, "");
        return;
    }
    if (more) {
        set_open(work->live, subscription);
        return;
    }
    if (subscription->is_open)
        set_closed(work->live, subscription);
    atomic_store(&subscription->sent_seq, work->slice->commit);
}

static void end_doomed(LiveSubscription *subscription)
{
    subscription->first_match = NULL;
    subscription->last_match = NULL;
    subscription->match_count = 0;
    subscription_end(subscription, subscription->doom, subscription->doom_detail);
}

/* What was matched so far goes out; matches point into the slice, which ends. */
static void deliver_touched(FanOut *work, bool more)
{
    while (work->touched != NULL) {
        LiveSubscription *subscription = work->touched;
        work->touched = subscription->next_touched;
        subscription->touched = false;
        if (subscription->doomed)
            end_doomed(subscription);
        else
            deliver(work, subscription, more);
    }
    work->slice->match_count = 0;
}

/* Who was told that more follows, and has nothing in the last slice. */
static void finish_open(FanOut *work)
{
    while (work->live->open != NULL)
        deliver(work, work->live->open, false);
}

static void fan_out_slice(LiveSlice *slice)
{
    Live *live = slice->live;
    FanOut work = {.slice = slice, .live = live};
    mutex_lock(&live->mutex);
    live->reached_seq = slice->commit;
    for (size_t i = 0; i < slice->row_count; i++) {
        match_change(&work, &slice->rows[i]);
        if (slice->match_count >= MATCHES_MAX && i + 1 < slice->row_count)
            deliver_touched(&work, true);
    }
    deliver_touched(&work, !slice->is_last);
    if (slice->is_last)
        finish_open(&work);
    mutex_unlock(&live->mutex);
    live_count(live, slice);
}

static Status fan_out_rows(LiveSlice *slice, LiveSource *source, Error *error)
{
    do {
        TRY(slice_collect(slice, source, 0, error));
        fan_out_slice(slice);
    } while (!slice->is_last);
    slice_end_transaction(slice);
    return OK;
}

/* ---- definitions ---- */

/* `next` is taken first: a check may end it, and with the last one goes the group. */
static void check_group(LiveGroup *group, uint64_t seq, TableChangeKind kind,
                        const CatalogSnapshot *snapshot)
{
    LiveSubscription *next;
    for (LiveSubscription *subscription = group->first; subscription != NULL; subscription = next) {
        next = subscription->group_after;
        if (!is_live_for(subscription, seq))
            continue;
        if (kind == TABLE_CHANGE_TRUNCATE)
            subscription_end(subscription, LIVE_END_TRUNCATED, "");
        else if (kind == TABLE_CHANGE_DROP)
            subscription_end(subscription, LIVE_END_DROPPED, "");
        else
            subscription_check(subscription, snapshot);
    }
}

static void check_table(Live *live, const DefinedChange *change, uint64_t seq,
                        const CatalogSnapshot *snapshot)
{
    LiveTable *table = registry_table(live, change->table_id);
    LiveGroup *group = table == NULL ? NULL : table->groups;
    while (group != NULL) {
        LiveGroup *next = group->next;
        check_group(group, seq, change->kind, snapshot);
        group = next;
    }
}

static Status fan_out_definition(LiveSlice *slice, LiveSource *source, const LogFrame *frame,
                                 Error *error)
{
    Live *live = slice->live;
    DefinedChange *changes;
    size_t count;
    arena_reset(&slice->arena);
    TRY(definition_changes_decode(frame, &slice->arena, &changes, &count, error));
    CatalogSnapshot *snapshot = catalog_snapshot(live->catalog);
    mutex_lock(&live->mutex);
    live->reached_seq = frame->seq;
    for (size_t i = 0; i < count; i++)
        check_table(live, &changes[i], frame->seq, snapshot);
    mutex_unlock(&live->mutex);
    catalog_snapshot_release(snapshot);
    source_take(source);
    return OK;
}

/* ---- everything in order ---- */

static void pass(Live *live, LiveSource *source, const LogFrame *frame)
{
    mutex_lock(&live->mutex);
    live->reached_seq = frame->seq;
    mutex_unlock(&live->mutex);
    source_take(source);
}

Status fan_out(LiveSlice *slice, LiveSource *source, Error *error)
{
    for (;;) {
        const LogFrame *frame;
        TRY(source_peek(source, &frame, error));
        if (frame == NULL)
            return OK;
        if (frame->kind == FRAME_ROW)
            TRY(fan_out_rows(slice, source, error));
        else if (frame->kind == FRAME_DEFINITION)
            TRY(fan_out_definition(slice, source, frame, error));
        else
            pass(slice->live, source, frame);
    }
}
