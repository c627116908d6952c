/* Subscriptions of a WebSocket. Initial rows come from a thread of their own, which waits for a
 * client that reads slowly; changes come from live's threads, which wait for nobody. */
#include "api/result.h"
#include "api/socket_int.h"
#include "base/json.h"

/* ---- references ---- */

ApiSubscription *client_subscription_clone(ApiSubscription *subscription)
{
    uint32_t before = atomic_fetch_add_explicit(&subscription->references, 1, memory_order_relaxed);
    ASSERT(before > 0);
    return subscription;
}

void client_subscription_release(ApiSubscription *subscription)
{
    uint32_t before = atomic_fetch_sub_explicit(&subscription->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before > 1)
        return;
    ASSERT(subscription->live == NULL && !subscription->is_listed);
    arena_close(&subscription->arena);
    socket_release(subscription->socket);
    memory_free(subscription);
}

/* ---- the list; on the loop ---- */

static ApiSubscription *find(ApiSocket *socket, Slice id)
{
    for (ApiSubscription *at = socket->subscriptions; at != NULL; at = at->after) {
        if (slice_equal_text(id, at->id))
            return at;
    }
    return NULL;
}

static void list(ApiSubscription *subscription)
{
    ApiSocket *socket = subscription->socket;
    mutex_lock(&socket->mutex);
    subscription->after = socket->subscriptions;
    if (subscription->after != NULL)
        subscription->after->before = subscription;
    socket->subscriptions = subscription;
    subscription->is_listed = true;
    socket->subscription_count++;
    mutex_unlock(&socket->mutex);
    atomic_store(&socket->client.subscriptions, socket->subscription_count);
    atomic_fetch_add(&socket->api->subscriptions, 1);
}

/* Gives the list's reference up. */
static void unlist(ApiSubscription *subscription)
{
    ApiSocket *socket = subscription->socket;
    mutex_lock(&socket->mutex);
    bool was_listed = subscription->is_listed;
    if (was_listed) {
        if (subscription->before != NULL)
            subscription->before->after = subscription->after;
        else
            socket->subscriptions = subscription->after;
        if (subscription->after != NULL)
            subscription->after->before = subscription->before;
        subscription->is_listed = false;
        socket->subscription_count--;
    }
    mutex_unlock(&socket->mutex);
    if (!was_listed)
        return;
    atomic_store(&socket->client.subscriptions, socket->subscription_count);
    atomic_fetch_sub(&socket->api->subscriptions, 1);
    client_subscription_release(subscription);
}

/* ---- letting go of the live query ---- */

static void run_cleanup(DatabaseTask *task)
{
    ApiSubscription *subscription =
        (ApiSubscription *)(void *)((uint8_t *)task - offsetof(ApiSubscription, cleanup));
    live_unsubscribe(subscription->cleaned);
    live_subscription_release(subscription->cleaned);
    subscription->cleaned = NULL;
    client_subscription_release(subscription); /* the live query's reference */
}

/* Where it has ended, for whatever reason, and nobody is inside of it. Live's lock may be held for
 * long by others: a loop gives the work away if it can. */
static void settle(ApiSubscription *subscription, bool on_loop)
{
    ApiSocket *socket = subscription->socket;
    Error error;
    mutex_lock(&socket->mutex);
    bool ends = !subscription->is_running && subscription->live != NULL &&
                (subscription->is_muted || subscription->is_over);
    if (ends) {
        subscription->cleaned = subscription->live;
        subscription->live = NULL;
    }
    mutex_unlock(&socket->mutex);
    if (!ends)
        return;
    subscription->cleanup.run = run_cleanup;
    if (!on_loop || database_submit(socket->api->database, THREADS_STATEMENTS,
                                    &subscription->cleanup, &error) != OK)
        run_cleanup(&subscription->cleanup);
}

bool client_subscription_finish(ApiSubscription *subscription)
{
    ApiSocket *socket = subscription->socket;
    unlist(subscription);
    settle(subscription, true);
    return socket->subscriptions == NULL;
}

/* ---- messages ---- */

static void say(ApiSubscription *subscription, OutgoingKind kind, Buffer *json)
{
    socket_say(subscription->socket, subscription, kind, json);
    buffer_close(json);
}

static void put_reason(Buffer *json, const char *reason, const char *detail)
{
    buffer_put_text(json, ",\"reason\":");
    json_put_string(json, slice_of_text(reason));
    if (detail[0] != '\0') {
        buffer_put_text(json, ",\"detail\":");
        json_put_string(json, slice_of_text(detail));
    }
    buffer_put_u8(json, '}');
}

/* Marks it as over; false where it is already, or nobody listens any more. */
static bool begin_end(ApiSubscription *subscription)
{
    ApiSocket *socket = subscription->socket;
    mutex_lock(&socket->mutex);
    bool is_first = !subscription->is_over && !subscription->is_muted && !socket->is_closed;
    subscription->is_over = subscription->is_over || is_first;
    mutex_unlock(&socket->mutex);
    return is_first;
}

static void say_resync(ApiSubscription *subscription, const char *reason, const char *detail)
{
    Buffer json;
    if (!begin_end(subscription))
        return;
    buffer_open(&json, 0);
    put_message(&json, "resync", slice_of_text(subscription->id));
    put_reason(&json, reason, detail);
    say(subscription, OUTGOING_FINAL, &json);
}

static void say_failure(ApiSubscription *subscription, const Error *error)
{
    StatementPlace place = {.statement = 1};
    Buffer json;
    if (!begin_end(subscription))
        return;
    statement_place_at(subscription->sql.sql, error->position_byte, &place);
    buffer_open(&json, 0);
    put_error_message(&json, slice_of_text(subscription->id), error, &place);
    say(subscription, OUTGOING_FINAL, &json);
}

/* ---- initial rows; on the thread of database_subscribe ---- */

static Status canceled(Error *error)
{
    return error_set(error, STATUS_QUERY_CANCELED, "the subscription was ended");
}

static bool is_wanted(const ApiSubscription *subscription)
{
    return !subscription->is_muted && !subscription->is_over && !subscription->socket->is_closed;
}

/* ---- may it go on? Under live's locks, and by the thread that subscribes ---- */

static bool may_read_table(ApiSubscription *subscription, const Principal *who)
{
    static const ObjectKind kinds[] = {[TABLE_SHARED] = OBJECT_SHARED_TABLE,
                                       [TABLE_USER] = OBJECT_USER_TABLE,
                                       [TABLE_STREAM] = OBJECT_STREAM_TABLE};
    uint64_t table_id = atomic_load(&subscription->table_id);
    if (table_id == 0)
        return true; /* the guard was asked when it was bound, and is once more when it is known */
    CatalogSnapshot *snapshot =
        catalog_snapshot(database_catalog(subscription->socket->api->database));
    const CatalogTable *table = catalog_table_by_id(snapshot, table_id);
    bool allowed = true; /* that it is gone is another ending */
    if (table != NULL) {
        GuardedObject object = {.kind = kinds[table->kind], .access = table->access};
        allowed = guard_allows(who->role, ACTION_SUBSCRIBE, &object);
    }
    catalog_snapshot_release(snapshot);
    return allowed;
}

/* That his token has run out meanwhile is no reason: it was good when he subscribed. */
static bool is_allowed(void *context)
{
    ApiSubscription *subscription = context;
    DatabaseSession session;
    Error error;
    session_copy(&session, &subscription->watch);
    return database_session_refresh(subscription->socket->api->database, &session, &error) == OK &&
           may_read_table(subscription, &session.session.principal);
}

static Status take_subscribed(void *context, LiveSubscription *live, const ResultColumn *columns,
                              const bool *is_key, uint32_t count, uint64_t snapshot_seq,
                              Error *error)
{
    ApiSubscription *subscription = context;
    ApiSocket *socket = subscription->socket;
    Buffer json;
    mutex_lock(&socket->mutex);
    bool wanted = is_wanted(subscription);
    mutex_unlock(&socket->mutex);
    if (!wanted)
        return canceled(error);
    atomic_store(&subscription->table_id, live_subscription_table(live));
    if (!is_allowed(subscription)) /* before it was known which table it is about */
        return error_of(error, STATUS_INSUFFICIENT_PRIVILEGE);
    buffer_open(&json, 0);
    put_message(&json, "subscribed", slice_of_text(subscription->id));
    buffer_put_text(&json, ",\"columns\":");
    result_put_columns(&json, columns, is_key, count);
    buffer_put_format(&json, ",\"snapshot_seq\":%llu}", (unsigned long long)snapshot_seq);
    say(subscription, OUTGOING_ROWS, &json);
    return OK;
}

static bool has_room(const ApiSubscription *subscription)
{
    bool may_send =
        subscription->batch == 0 || !subscription->options.pull || subscription->nexts > 0;
    return may_send && subscription->queued[OUTGOING_ROWS] < SUBSCRIPTION_ROWS_BYTES;
}

/* A client that neither reads nor asks would keep the thread, and the snapshot. */
static Status wait_for_room(ApiSubscription *subscription, Error *error)
{
    ApiSocket *socket = subscription->socket;
    int64_t deadline_ns = env_monotonic_ns(socket->api->env) + API_PATIENCE_NS;
    bool in_time = true;
    mutex_lock(&socket->mutex);
    while (in_time && is_wanted(subscription) && !has_room(subscription))
        in_time = condition_wait_until(&socket->changed, &socket->mutex, deadline_ns);
    bool wanted = is_wanted(subscription);
    subscription->is_slow = wanted && !has_room(subscription);
    bool goes_on = wanted && !subscription->is_slow;
    if (goes_on && subscription->batch > 0 && subscription->nexts > 0)
        subscription->nexts--;
    mutex_unlock(&socket->mutex);
    return goes_on ? OK : canceled(error);
}

static Status take_rows(void *context, Slice rows, uint64_t count, bool more, Error *error)
{
    ApiSubscription *subscription = context;
    Buffer json;
    (void)count;
    TRY(wait_for_room(subscription, error));
    subscription->batch++;
    buffer_open(&json, 0);
    put_message(&json, "rows", slice_of_text(subscription->id));
    buffer_put_format(&json, ",\"batch\":%llu,\"rows\":[", (unsigned long long)subscription->batch);
    buffer_put_slice(&json, rows);
    buffer_put_text(&json, more ? "],\"more\":true}" : "],\"more\":false}");
    say(subscription, OUTGOING_ROWS, &json);
    return OK;
}

/* ---- changes; on live's threads, with its locks held: nothing here waits or calls it ---- */

/* The beginning of a frame whose rest is the shared body. */
static SharedFrame *head_of(const ApiSubscription *subscription, size_t body_size)
{
    uint8_t header[WEBSOCKET_HEADER_BYTES_MAX];
    Slice prefix = subscription->prefix;
    size_t size = websocket_put_header(header, WEBSOCKET_TEXT, prefix.size + body_size);
    SharedFrame *frame = shared_frame_create(size + prefix.size);
    if (frame == NULL)
        return NULL;
    memcpy(frame->data, header, size);
    memcpy(frame->data + size, prefix.data, prefix.size);
    return frame;
}

static size_t body_bytes_max(const ApiSubscription *subscription)
{
    uint64_t bytes = atomic_load(&subscription->socket->api->limits.message_bytes);
    return bytes > (uint64_t)2 * MESSAGE_ROOM_BYTES ? (size_t)bytes - MESSAGE_ROOM_BYTES
                                                    : MESSAGE_ROOM_BYTES;
}

/* The batch's messages in a list; NULL where there is no memory. */
static Outgoing *encode(ApiSubscription *subscription, const LiveBatch *batch, OutgoingKind kind,
                        size_t *size)
{
    const LiveMessage *messages;
    Outgoing *first = NULL;
    Outgoing **last = &first;
    size_t count;
    Error error;
    *size = 0;
    if (live_encode(batch, body_bytes_max(subscription), &messages, &count, &error) != OK)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        SharedFrame *head = head_of(subscription, messages[i].body_size);
        SharedFrame *body = shared_frame_clone(messages[i].frame);
        *last = outgoing_create(subscription, kind, head, body);
        if (*last == NULL) {
            outgoing_free(first);
            return NULL;
        }
        *size += (*last)->size;
        last = &(*last)->next;
    }
    return first;
}

/* One transaction is never cut in two, and what follows initial rows is no fault of the client:
 * both may be larger than the queue, within a limit of their own. */
static bool has_room_for(const ApiSubscription *subscription, const LiveBatch *batch, size_t size)
{
    const size_t *queued = subscription->queued;
    size_t waiting = queued[OUTGOING_CHANGE];
    if (!subscription->is_live)
        return queued[OUTGOING_CATCH] + size <= SUBSCRIPTION_BURST_BYTES;
    if (waiting == 0 || subscription->commit == batch->commit)
        return waiting + size <= SUBSCRIPTION_BURST_BYTES;
    return waiting + size <= atomic_load(&subscription->socket->api->limits.queue_bytes);
}

static LiveTaken deliver(void *context, const LiveBatch *batch)
{
    ApiSubscription *subscription = context;
    ApiSocket *socket = subscription->socket;
    LiveTaken taken = LIVE_TAKEN;
    size_t size;
    OutgoingKind kind = subscription->is_live ? OUTGOING_CHANGE : OUTGOING_CATCH;
    Outgoing *messages = encode(subscription, batch, kind, &size);
    if (messages == NULL)
        return LIVE_NO_MEMORY;
    mutex_lock(&socket->mutex);
    if (!is_wanted(subscription))
        taken = LIVE_CLOSED;
    else if (!has_room_for(subscription, batch, size))
        taken = LIVE_TOO_SLOW;
    else
        socket_append(socket, messages);
    subscription->commit = batch->more ? batch->commit : 0;
    mutex_unlock(&socket->mutex);
    if (taken != LIVE_TAKEN)
        outgoing_free(messages);
    return taken;
}

static void take_live(void *context, uint64_t seq)
{
    ApiSubscription *subscription = context;
    ApiSocket *socket = subscription->socket;
    Buffer json;
    mutex_lock(&socket->mutex);
    bool wanted = is_wanted(subscription);
    subscription->is_live = true;
    mutex_unlock(&socket->mutex);
    if (!wanted)
        return;
    buffer_open(&json, 0);
    put_message(&json, "live", slice_of_text(subscription->id));
    buffer_put_format(&json, ",\"seq\":%llu}", (unsigned long long)seq);
    say(subscription, OUTGOING_ROWS, &json);
}

static void append_final(ApiSubscription *subscription, const Buffer *json, bool is_killed)
{
    ApiSocket *socket = subscription->socket;
    SharedFrame *frame = json->failed ? NULL : websocket_frame(WEBSOCKET_TEXT, buffer_slice(json));
    Outgoing *message = outgoing_create(subscription, OUTGOING_FINAL, frame, NULL);
    mutex_lock(&socket->mutex);
    bool is_open = message != NULL && !socket->is_closed;
    if (is_open) {
        message->is_killed = is_killed;
        socket_append(socket, message);
    } else if (message == NULL) {
        socket->is_broken = true; /* never silence: the whole connection ends */
        socket_wake(socket);
    }
    mutex_unlock(&socket->mutex);
    if (!is_open)
        outgoing_free(message);
}

static void take_ended(void *context, LiveEnding ending, const char *detail)
{
    ApiSubscription *subscription = context;
    Buffer json;
    if (!begin_end(subscription))
        return;
    buffer_open(&json, 0);
    put_message(&json, live_ending_is_resync(ending) ? "resync" : "unsubscribed",
                slice_of_text(subscription->id));
    put_reason(&json, live_ending_reason(ending), detail);
    append_final(subscription, &json, ending == LIVE_END_KILLED);
    buffer_close(&json);
}

static size_t count_queued(void *context)
{
    ApiSubscription *subscription = context;
    ApiSocket *socket = subscription->socket;
    size_t queued = 0;
    mutex_lock(&socket->mutex);
    for (size_t i = 0; i < OUTGOING_KIND_COUNT; i++)
        queued += subscription->queued[i];
    mutex_unlock(&socket->mutex);
    return queued;
}

/* ---- subscribing ---- */

static SubscribeRequest request_of(ApiSubscription *subscription)
{
    const JsonValue *params = subscription->sql.params;
    return (SubscribeRequest){
        .text = subscription->sql.sql,
        .parameters = {.json = params, .count = params == NULL ? 0 : params->count},
        .options = subscription->options,
        .sink = {.context = subscription,
                 .subscribed = take_subscribed,
                 .rows = take_rows,
                 .live = {.context = subscription,
                          .deliver = deliver,
                          .live = take_live,
                          .ended = take_ended,
                          .allowed = is_allowed,
                          .queued = count_queued}},
    };
}

/* What a subscription that did not come about is told. */
static void tell_failure(ApiSubscription *subscription, const Error *error)
{
    if (subscription->is_slow)
        say_resync(subscription, live_ending_reason(LIVE_END_SLOW), "");
    else if (error->status == STATUS_NOT_FOUND)
        say_resync(subscription, live_ending_reason(LIVE_END_HISTORY), error->message);
    else
        say_failure(subscription, error);
}

static void run_subscribe(DatabaseTask *task)
{
    ApiSubscription *subscription =
        (ApiSubscription *)(void *)((uint8_t *)task - offsetof(ApiSubscription, task));
    ApiSocket *socket = subscription->socket;
    SubscribeRequest request = request_of(subscription);
    DatabaseSession session;
    LiveSubscription *live = NULL;
    Error error = {.position_byte = -1};
    session_copy(&session, &subscription->watch);
    mutex_lock(&socket->mutex);
    session.expires_us = socket->session.expires_us;
    bool wanted = is_wanted(subscription);
    mutex_unlock(&socket->mutex);
    Status status =
        wanted ? database_subscribe(socket->api->database, &session, &request, &live, &error)
               : canceled(&error);
    if (status != OK)
        tell_failure(subscription, &error);
    mutex_lock(&socket->mutex);
    subscription->is_running = false;
    subscription->live = live;
    mutex_unlock(&socket->mutex);
    settle(subscription, false);
    if (live == NULL) /* else its reference is the live query's now */
        client_subscription_release(subscription);
}

/* ---- what the client says; on the loop ---- */

static void set_namespace(Session *session, Slice name)
{
    if (name.size == 0)
        return;
    memcpy(session->namespace_name, name.data, name.size);
    session->namespace_name[name.size] = '\0';
}

static ApiSubscription *create(ApiSocket *socket, Slice id, Arena *arena)
{
    ApiSubscription *subscription = MEMORY_NEW(ApiSubscription);
    if (subscription == NULL) {
        arena_close(arena);
        return NULL;
    }
    atomic_init(&subscription->references, 1);
    subscription->socket = socket_clone(socket);
    subscription->arena = *arena;
    memcpy(subscription->id, id.data, id.size);
    session_copy(&subscription->watch, &socket->session);
    subscription->watch.expires_us = INT64_MAX;
    return subscription;
}

static Status make_prefix(ApiSubscription *subscription, Error *error)
{
    Buffer prefix;
    buffer_open(&prefix, MESSAGE_ROOM_BYTES);
    live_put_prefix(&prefix, slice_of_text(subscription->id));
    Status status = buffer_status(&prefix, error);
    if (status == OK)
        status =
            arena_clone(&subscription->arena, buffer_slice(&prefix), &subscription->prefix, error);
    buffer_close(&prefix);
    return status;
}

static Status read_subscribe(ApiSubscription *subscription, const JsonValue *message, Error *error)
{
    static const char *const others[] = {"type", "id", "options", NULL};
    ApiSocket *socket = subscription->socket;
    ApiLimits *limits = &socket->api->limits;
    SqlRequestLimits bounds = {atomic_load(&limits->params), atomic_load(&limits->param_bytes)};
    uint64_t subscriptions_max = atomic_load(&limits->subscriptions);
    TRY(sql_request_of(message, others, &bounds, &subscription->sql, error));
    TRY(subscribe_options_read(&subscription->arena, message, &subscription->options, error));
    TRY(make_prefix(subscription, error));
    set_namespace(&subscription->watch.session, subscription->sql.namespace_name);
    subscription->watch.session.json_flags = subscription->sql.json_flags;
    if (find(socket, slice_of_text(subscription->id)) != NULL)
        return error_set(error, STATUS_DUPLICATE_OBJECT,
                         "there is a subscription \"%s\" on this connection already",
                         subscription->id);
    if (socket->subscription_count >= subscriptions_max)
        return error_set(error, STATUS_TOO_MANY_REQUESTS,
                         "more than %llu subscriptions on one connection "
                         "(limits.subscriptions_per_connection)",
                         (unsigned long long)subscriptions_max);
    return OK;
}

static Status start(ApiSubscription *subscription, Error *error)
{
    subscription->is_running = true;
    subscription->task.run = run_subscribe;
    (void)client_subscription_clone(subscription); /* the task's */
    Status status = database_submit(subscription->socket->api->database, THREADS_SUBSCRIPTIONS,
                                    &subscription->task, error);
    if (status == OK)
        return OK;
    subscription->is_running = false;
    client_subscription_release(subscription);
    return status;
}

void client_subscribe(ApiSocket *socket, Slice id, const JsonValue *message, Arena *arena)
{
    ApiSubscription *subscription = create(socket, id, arena);
    Error error;
    if (subscription == NULL) {
        (void)error_out_of_memory(&error);
        socket_say_error(socket, SLICE_EMPTY, &error); /* its id went with the arena */
        return;
    }
    Status status = read_subscribe(subscription, message, &error);
    if (status == OK) {
        (void)client_subscription_clone(subscription); /* the list's */
        list(subscription);
        status = start(subscription, &error);
        if (status != OK)
            unlist(subscription);
    }
    if (status != OK)
        socket_say_error(socket, slice_of_text(subscription->id), &error);
    client_subscription_release(subscription);
}

static void say_unknown(ApiSocket *socket, Slice id)
{
    Error error;
    (void)error_set(&error, STATUS_UNDEFINED_OBJECT,
                    "there is no subscription \"%.*s\" on this connection", SLICE_ARGUMENTS(id));
    socket_say_error(socket, id, &error);
}

void client_next(ApiSocket *socket, Slice id)
{
    ApiSubscription *subscription = find(socket, id);
    if (subscription == NULL) {
        say_unknown(socket, id);
        return;
    }
    mutex_lock(&socket->mutex);
    if (subscription->nexts == 0)
        subscription->nexts = 1; /* one batch ahead, however often it is asked for */
    condition_broadcast(&socket->changed);
    mutex_unlock(&socket->mutex);
}

/* From here on nothing of it is queued any more; what is queued already comes before the answer. */
static void mute(ApiSubscription *subscription)
{
    ApiSocket *socket = subscription->socket;
    mutex_lock(&socket->mutex);
    subscription->is_muted = true;
    condition_broadcast(&socket->changed);
    mutex_unlock(&socket->mutex);
}

void client_unsubscribe(ApiSocket *socket, Slice id)
{
    ApiSubscription *subscription = find(socket, id);
    Buffer json;
    if (subscription == NULL) {
        say_unknown(socket, id);
        return;
    }
    mutex_lock(&socket->mutex);
    bool is_over = subscription->is_over;
    mutex_unlock(&socket->mutex);
    if (is_over)
        return; /* its last message is on its way */
    (void)client_subscription_clone(subscription);
    mute(subscription);
    unlist(subscription);
    settle(subscription, true);
    client_subscription_release(subscription);
    buffer_open(&json, 0);
    put_message(&json, "unsubscribed", id);
    put_reason(&json, "requested", "");
    socket_say(socket, NULL, OUTGOING_OWN, &json);
    buffer_close(&json);
}

void client_unsubscribe_all(ApiSocket *socket)
{
    while (socket->subscriptions != NULL) {
        ApiSubscription *subscription = client_subscription_clone(socket->subscriptions);
        mute(subscription);
        unlist(subscription);
        settle(subscription, true);
        client_subscription_release(subscription);
    }
}
