/* Who is registered, by table and by the version of its schema that they were bound with. */
#include "live/live_int.h"

static LiveTable **table_link(Live *live, uint64_t table_id)
{
    LiveTable **at = &live->tables[table_id % TABLE_BUCKETS];
    while (*at != NULL && (*at)->id != table_id)
        at = &(*at)->next_in_bucket;
    return at;
}

LiveTable *registry_table(Live *live, uint64_t table_id)
{
    return *table_link(live, table_id);
}

/* ---- tables and groups ---- */

static Status table_for(Live *live, uint64_t table_id, LiveTable **out, Error *error)
{
    LiveTable **link = table_link(live, table_id);
    if (*link == NULL) {
        LiveTable *table = MEMORY_NEW(LiveTable);
        if (table == NULL)
            return error_out_of_memory(error);
        table->id = table_id;
        *link = table;
    }
    *out = *link;
    return OK;
}

static void remove_table_if_empty(Live *live, LiveTable *table)
{
    if (table->groups != NULL)
        return;
    *table_link(live, table->id) = table->next_in_bucket;
    memory_free(table);
}

static Status group_for(LiveTable *table, Schema *schema, LiveGroup **out, Error *error)
{
    LiveGroup *group = table->groups;
    while (group != NULL && group->schema->version != schema->version)
        group = group->next;
    if (group == NULL) {
        group = MEMORY_NEW(LiveGroup);
        if (group == NULL)
            return error_out_of_memory(error);
        group->table = table;
        group->schema = schema_clone(schema);
        group->next = table->groups;
        table->groups = group;
    }
    *out = group;
    return OK;
}

static void remove_group_if_empty(Live *live, LiveGroup *group)
{
    LiveTable *table = group->table;
    if (group->count > 0)
        return;
    LiveGroup **at = &table->groups;
    while (*at != group)
        at = &(*at)->next;
    *at = group->next;
    index_close(&group->index);
    schema_release(group->schema);
    memory_free(group);
    remove_table_if_empty(live, table);
}

/* ---- lists ---- */

static void link_to_all(Live *live, LiveSubscription *subscription)
{
    subscription->after = NULL;
    subscription->before = live->newest;
    if (live->newest != NULL)
        live->newest->after = subscription;
    else
        live->oldest = subscription;
    live->newest = subscription;
}

static void unlink_from_all(Live *live, LiveSubscription *subscription)
{
    if (subscription->before != NULL)
        subscription->before->after = subscription->after;
    else
        live->oldest = subscription->after;
    if (subscription->after != NULL)
        subscription->after->before = subscription->before;
    else
        live->newest = subscription->before;
}

static void link_to_group(LiveGroup *group, LiveSubscription *subscription)
{
    subscription->group = group;
    subscription->group_before = NULL;
    subscription->group_after = group->first;
    if (group->first != NULL)
        group->first->group_before = subscription;
    group->first = subscription;
    group->count++;
    group->owner_name_users += subscription->uses_owner_name;
}

static void unlink_from_group(LiveSubscription *subscription)
{
    LiveGroup *group = subscription->group;
    if (subscription->group_before != NULL)
        subscription->group_before->group_after = subscription->group_after;
    else
        group->first = subscription->group_after;
    if (subscription->group_after != NULL)
        subscription->group_after->group_before = subscription->group_before;
    group->count--;
    group->owner_name_users -= subscription->uses_owner_name;
    subscription->group = NULL;
}

static void unlink_from_open(Live *live, LiveSubscription *subscription)
{
    if (!subscription->is_open)
        return;
    if (subscription->open_before != NULL)
        subscription->open_before->open_after = subscription->open_after;
    else
        live->open = subscription->open_after;
    if (subscription->open_after != NULL)
        subscription->open_after->open_before = subscription->open_before;
    subscription->is_open = false;
}

/* ---- adding and removing ---- */

static Status add_to_group(Live *live, LiveSubscription *subscription, Error *error)
{
    LiveTable *table;
    LiveGroup *group;
    TRY(table_for(live, subscription->schema->table_id, &table, error));
    Status status = group_for(table, subscription->schema, &group, error);
    if (status != OK) {
        remove_table_if_empty(live, table);
        return status;
    }
    status = index_add(&group->index, &live->random, group->schema, subscription->scope,
                       subscription->keys, subscription->key_count, subscription,
                       subscription->nodes, error);
    if (status == OK)
        link_to_group(group, subscription);
    else
        remove_group_if_empty(live, group);
    return status;
}

static void count_registered(Live *live, bool adds)
{
    if (adds)
        (void)atomic_fetch_add(&live->registered, 1);
    else
        (void)atomic_fetch_sub(&live->registered, 1);
    metric_add(live->metrics.subscriptions, adds ? 1 : -1);
}

/* Where a feed keeps nothing, the last group's segment may be gone a moment before the next group
 * is handed out. What is visible by now no pin of his will lack. */
static Status keep_log(Live *live, LiveSubscription *subscription, Error *error)
{
    subscription->from = atomic_load(&live->handed_out_from);
    Status status = keeper_take(live, subscription->from, &subscription->keeper, error);
    if (status != STATUS_NOT_FOUND)
        return status;
    TRY(log_find(live->log, engine_visible(live->engine) + 1, &subscription->from, error));
    return keeper_take(live, subscription->from, &subscription->keeper, error);
}

/* Counted first: from then on the hook queues what it is given. Where the log has to be read from
 * is asked after that: all that stands before was handed out already, so any later pin sees it. */
Status registry_add(Live *live, LiveSubscription *subscription, Error *error)
{
    Status status = OK;
    if (live->closed)
        return error_of(error, STATUS_SHUTTING_DOWN);
    if (atomic_load(&live->registered) >= live->options.subscriptions_max)
        return error_set(error, STATUS_TOO_MANY_REQUESTS, "there are too many subscriptions (%u)",
                         live->options.subscriptions_max);
    count_registered(live, true);
    GO(keep_log(live, subscription, error));
    GO(add_to_group(live, subscription, error));
    link_to_all(live, subscription);
    subscription->registered = true;
    (void)live_subscription_clone(subscription);
    return OK;
done:
    keeper_release(live, subscription->keeper);
    subscription->keeper = NULL;
    count_registered(live, false);
    return status;
}

void registry_remove(Live *live, LiveSubscription *subscription)
{
    if (!subscription->registered)
        return;
    LiveGroup *group = subscription->group;
    subscription->registered = false;
    index_remove(&group->index, subscription->nodes, subscription->key_count, subscription->scope);
    unlink_from_open(live, subscription);
    unlink_from_group(subscription);
    unlink_from_all(live, subscription);
    remove_group_if_empty(live, group);
    keeper_release(live, subscription->keeper);
    subscription->keeper = NULL;
    count_registered(live, false);
    live_subscription_release(subscription);
}
