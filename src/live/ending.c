/* How subscriptions end before their clients want them to. */
#include "live/live_int.h"

static const struct {
    bool is_resync;
    const char *reason;
} endings[] = {
#define X(name, resync, text) {resync, text},
    LIVE_ENDINGS(X)
#undef X
};

const char *live_ending_reason(LiveEnding ending)
{
    ASSERT(ending < LIVE_END_COUNT);
    return endings[ending].reason;
}

bool live_ending_is_resync(LiveEnding ending)
{
    ASSERT(ending < LIVE_END_COUNT);
    return endings[ending].is_resync;
}

LiveEnding ending_of(Status status)
{
    switch (status) {
    case STATUS_OUT_OF_MEMORY:
        return LIVE_END_MEMORY;
    case STATUS_NOT_FOUND:
        return LIVE_END_HISTORY;
    case STATUS_UNDEFINED_TABLE:
        return LIVE_END_DROPPED;
    default:
        return LIVE_END_FAILED;
    }
}

bool taken_ends(LiveTaken taken, LiveEnding *out)
{
    switch (taken) {
    case LIVE_TAKEN:
        return false;
    case LIVE_TOO_SLOW:
        *out = LIVE_END_SLOW;
        return true;
    case LIVE_NO_MEMORY:
        *out = LIVE_END_MEMORY;
        return true;
    case LIVE_CLOSED:
        *out = LIVE_END_CLOSED;
        return true;
    }
    UNREACHABLE();
}

/* ---- one ---- */

static void count_ending(Live *live, LiveEnding ending)
{
    if (!live_ending_is_resync(ending))
        return;
    metric_add(live->metrics.resyncs, 1);
}

void subscription_end(LiveSubscription *subscription, LiveEnding ending, const char *detail)
{
    Live *live = subscription->live;
    mutex_lock(&subscription->mutex);
    bool was_ended = atomic_exchange(&subscription->state, LIVE_STATE_ENDED) == LIVE_STATE_ENDED;
    if (!was_ended && ending != LIVE_END_CLOSED)
        subscription->sink.ended(subscription->sink.context, ending, detail);
    mutex_unlock(&subscription->mutex);
    if (!was_ended)
        count_ending(live, ending);
    registry_remove(live, subscription);
}

void subscription_end_unlocked(LiveSubscription *subscription, LiveEnding ending,
                               const char *detail)
{
    mutex_lock(&subscription->live->mutex);
    subscription_end(subscription, ending, detail);
    mutex_unlock(&subscription->live->mutex);
}

/* Ends it if its user may not have the rows any more. Under live. */
static void check_rights(LiveSubscription *subscription)
{
    mutex_lock(&subscription->mutex);
    bool asks = atomic_load(&subscription->state) != LIVE_STATE_ENDED;
    bool allowed = !asks || subscription->sink.allowed(subscription->sink.context);
    mutex_unlock(&subscription->mutex);
    if (!allowed)
        subscription_end(subscription, LIVE_END_PERMISSION, "");
}

void subscription_check(LiveSubscription *subscription, const CatalogSnapshot *snapshot)
{
    const CatalogTable *table = catalog_table_by_id(snapshot, subscription->schema->table_id);
    if (table == NULL)
        subscription_end(subscription, LIVE_END_DROPPED, "");
    else if (!subscription_survives(subscription, table->schema))
        subscription_end(subscription, LIVE_END_ALTERED, "");
    else
        check_rights(subscription);
}

/* ---- from outside ---- */

void live_rights_changed(Live *live, OwnerId user_id)
{
    mutex_lock(&live->mutex);
    LiveSubscription *next;
    for (LiveSubscription *subscription = live->oldest; subscription != NULL; subscription = next) {
        next = subscription->after;
        if (user_id == 0 || subscription->user_id == user_id || subscription->owner == user_id)
            check_rights(subscription);
    }
    mutex_unlock(&live->mutex);
}

void live_table_dropped(Live *live, uint64_t table_id)
{
    mutex_lock(&live->mutex);
    LiveSubscription *next;
    for (LiveSubscription *subscription = live->oldest; subscription != NULL; subscription = next) {
        next = subscription->after;
        if (subscription->schema->table_id == table_id)
            subscription_end(subscription, LIVE_END_DROPPED, "");
    }
    mutex_unlock(&live->mutex);
}

Status live_kill(Live *live, Slice id, bool only_of_user, OwnerId user_id, Error *error)
{
    mutex_lock(&live->mutex);
    LiveSubscription *subscription = live->oldest;
    while (subscription != NULL && !slice_equal_text(id, subscription->id))
        subscription = subscription->after;
    bool found = subscription != NULL && (!only_of_user || subscription->user_id == user_id);
    if (found)
        subscription_end(subscription, LIVE_END_KILLED, "");
    mutex_unlock(&live->mutex);
    if (!found)
        return error_set(error, STATUS_UNDEFINED_OBJECT, "live query \"%.*s\" does not exist",
                         SLICE_ARGUMENTS(id));
    return OK;
}

void live_end_all(Live *live, LiveEnding ending)
{
    mutex_lock(&live->mutex);
    while (live->oldest != NULL)
        subscription_end(live->oldest, ending, "");
    mutex_unlock(&live->mutex);
}
