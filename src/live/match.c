/* What a row change is for a subscription: the whole filter decides, on what was there and on what
 * is there now. */
#include "live/live_int.h"

bool subscription_covers(const LiveSubscription *subscription, const RowChange *change)
{
    if (change->table_id != subscription->schema->table_id)
        return false;
    return subscription->scope == LIVE_SCOPE_ALL || subscription->scope == change->owner;
}

static Status matches(LiveSlice *slice, const LiveSubscription *subscription,
                      const LiveRowChange *row, Slice image, bool *out, Error *error)
{
    EvaluationContext context = {.env = slice->live->env,
                                 .arena = &slice->scratch,
                                 .layout = &subscription->schema->layout,
                                 .row = image,
                                 .now_us = subscription->now_us,
                                 .current_user = subscription->current_user,
                                 .owner = row->owner_name};
    *out = true;
    if (subscription->filter == NULL)
        return OK;
    slice->evaluations++;
    Status status = expression_is_true(subscription->filter, &context, out, error);
    arena_reset(&slice->scratch);
    return status;
}

Status match_row(LiveSlice *slice, const LiveSubscription *subscription, const LiveRowChange *row,
                 const LiveImage *image, LiveOperation *out, bool *is_any, Error *error)
{
    const RowChange *change = &row->change;
    bool before = false;
    bool after = false;
    if (change->had_old)
        TRY(matches(slice, subscription, row, image->old_row, &before, error));
    if (change->kind == WRITE_PUT)
        TRY(matches(slice, subscription, row, image->row, &after, error));
    *is_any = before || after;
    if (before && after)
        *out = LIVE_UPDATE;
    else if (after)
        *out = LIVE_INSERT;
    else
        *out = change->kind == WRITE_DELETE ? LIVE_DELETE : LIVE_LEAVE;
    return OK;
}

Status match_add(LiveSlice *slice, LiveSubscription *subscription, LiveRowChange *row,
                 const LiveImage *image, LiveOperation operation, Error *error)
{
    LiveMatch *match = arena_allocate(&slice->arena, sizeof(LiveMatch));
    if (match == NULL)
        return arena_error(&slice->arena, error);
    *match = (LiveMatch){.row = row, .image = image, .operation = operation};
    match->number = (uint32_t)(row - slice->rows);
    if (subscription->last_match == NULL)
        subscription->first_match = match;
    else
        subscription->last_match->next = match;
    subscription->last_match = match;
    subscription->match_count++;
    slice->match_count++;
    return OK;
}

/* ---- delivering ---- */

static bool reserve_changes(LiveSlice *slice, size_t count)
{
    if (count <= slice->change_capacity)
        return true;
    size_t capacity = slice->change_capacity * 2 < count ? count : slice->change_capacity * 2;
    LiveChange *grown = memory_resize(slice->changes, capacity * sizeof(LiveChange));
    if (grown == NULL)
        return false;
    slice->changes = grown;
    slice->change_capacity = capacity;
    return true;
}

static void fill_change(const LiveMatch *match, LiveChange *out)
{
    const RowChange *change = &match->row->change;
    bool has_row = match->operation == LIVE_INSERT || match->operation == LIVE_UPDATE;
    *out = (LiveChange){.operation = match->operation,
                        .number = match->number,
                        .seq = change->seq,
                        .updated_us = change->updated_us,
                        .owner = change->owner,
                        .owner_name = match->row->owner_name};
    if (has_row)
        out->row = match->image->row;
    if (match->operation != LIVE_INSERT)
        out->old_row = match->image->old_row;
}

static void count_sent(Live *live, LiveSubscription *subscription, size_t changes)
{
    atomic_fetch_add(&subscription->changes_sent, changes);
    metric_add(live->metrics.changes_sent, (int64_t)changes);
    metric_add(live->metrics.batches_sent, 1);
}

LiveTaken deliver_matches(LiveSlice *slice, LiveSubscription *subscription, bool more)
{
    size_t count = 0;
    bool has_memory = reserve_changes(slice, subscription->match_count);
    for (LiveMatch *match = subscription->first_match; has_memory && match != NULL;
         match = match->next)
        fill_change(match, &slice->changes[count++]);
    subscription->first_match = NULL;
    subscription->last_match = NULL;
    subscription->match_count = 0;
    if (!has_memory)
        return LIVE_NO_MEMORY;
    LiveBatch batch = {.subscription = subscription,
                       .schema = subscription->schema,
                       .changes = slice->changes,
                       .count = count,
                       .commit = slice->commit,
                       .committed_us = slice->committed_us,
                       .more = more,
                       .encodings = slice->encodings};
    LiveTaken taken = subscription->sink.deliver(subscription->sink.context, &batch);
    if (taken == LIVE_TAKEN)
        count_sent(slice->live, subscription, count);
    return taken;
}
