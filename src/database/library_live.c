/* The library's live queries: rows and changes as values. */
#include "base/json.h"
#include "database/library_int.h"

struct firn_subscription {
    Database *database;
    DatabaseSession session; /* as it subscribed */
    LiveSubscription *live;
    firn_listener listener;
    void *context;
    Type *types; /* of the columns, in the arena */
    uint32_t column_count;
    Arena arena;
    Arena event_arena; /* of one event; the sink is called by one thread at a time */
};

static void tell(firn_subscription *subscription, const firn_event *event)
{
    subscription->listener(subscription->context, event);
}

/* ---- initial rows: they come as JSON, as clients get them ---- */

static Status take_columns(void *context, LiveSubscription *live, const ResultColumn *columns,
                           const bool *is_key, uint32_t count, uint64_t snapshot_seq, Error *error)
{
    firn_subscription *subscription = context;
    (void)live;
    (void)is_key;
    (void)snapshot_seq;
    subscription->types = ARENA_ARRAY(&subscription->arena, Type, count);
    if (subscription->types == NULL)
        return arena_error(&subscription->arena, error);
    for (uint32_t i = 0; i < count; i++)
        subscription->types[i] = columns[i].type;
    subscription->column_count = count;
    return OK;
}

static Status tell_row(firn_subscription *subscription, const JsonValue *row, Error *error)
{
    Arena *arena = &subscription->event_arena;
    firn_value *values = ARENA_ARRAY(arena, firn_value, row->count);
    if (values == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < row->count; i++) {
        Type type = subscription->types[i];
        Value value;
        TRY(value_from_json(arena, type, row->children[i].raw, &value, error));
        TRY(library_from_value(arena, type, &value, &values[i], error));
    }
    firn_event event = {.kind = FIRN_EVENT_ROW, .row = values, .columns = row->count};
    tell(subscription, &event);
    return OK;
}

static Status take_rows(void *context, Slice json, uint64_t count, bool more, Error *error)
{
    firn_subscription *subscription = context;
    Buffer text;
    JsonValue *rows;
    Arena arena;
    Status status = OK;
    (void)count;
    (void)more;
    arena_open(&arena, 0);
    buffer_open(&text, 0);
    buffer_put_u8(&text, '[');
    buffer_put_slice(&text, json);
    buffer_put_u8(&text, ']');
    GO(buffer_status(&text, error));
    GO(json_read(&arena, buffer_slice(&text), 64, &rows, error));
    for (uint32_t i = 0; i < rows->count; i++) {
        arena_reset(&subscription->event_arena);
        GO(tell_row(subscription, &rows->children[i], error));
    }
done:
    buffer_close(&text);
    arena_close(&arena);
    return status;
}

/* ---- changes ---- */

static firn_event_kind kind_of(LiveOperation operation)
{
    switch (operation) {
    case LIVE_INSERT:
        return FIRN_EVENT_INSERT;
    case LIVE_UPDATE:
        return FIRN_EVENT_UPDATE;
    case LIVE_DELETE:
        return FIRN_EVENT_DELETE;
    case LIVE_LEAVE:
        return FIRN_EVENT_LEAVE;
    }
    UNREACHABLE();
}

static Status values_of(firn_subscription *subscription, const LiveBatch *batch,
                        const LiveChange *change, bool is_old, const firn_value **out, Error *error)
{
    Arena *arena = &subscription->event_arena;
    uint32_t count = live_column_count(batch->subscription);
    firn_value *values = ARENA_ARRAY(arena, firn_value, count);
    if (values == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < count; i++) {
        Type type;
        Value value;
        TRY(live_change_value(batch, change, is_old, i, arena, &type, &value, error));
        TRY(library_from_value(arena, type, &value, &values[i], error));
    }
    *out = values;
    return OK;
}

static Status tell_change(firn_subscription *subscription, const LiveBatch *batch,
                          const LiveChange *change, Error *error)
{
    firn_event event = {.kind = kind_of(change->operation),
                        .sequence = change->seq,
                        .commit = batch->commit,
                        .columns = live_column_count(batch->subscription)};
    if (change->row.size > 0)
        TRY(values_of(subscription, batch, change, false, &event.row, error));
    if (change->old_row.size > 0)
        TRY(values_of(subscription, batch, change, true, &event.old, error));
    tell(subscription, &event);
    return OK;
}

static LiveTaken deliver(void *context, const LiveBatch *batch)
{
    firn_subscription *subscription = context;
    Error error;
    for (size_t i = 0; i < batch->count; i++) {
        arena_reset(&subscription->event_arena);
        if (tell_change(subscription, batch, &batch->changes[i], &error) != OK)
            return LIVE_NO_MEMORY;
    }
    return LIVE_TAKEN;
}

static void gone_live(void *context, uint64_t seq)
{
    firn_event event = {.kind = FIRN_EVENT_LIVE, .sequence = seq};
    tell(context, &event);
}

static void ended(void *context, LiveEnding ending, const char *detail)
{
    firn_event event = {.kind =
                            live_ending_is_resync(ending) ? FIRN_EVENT_RESYNC : FIRN_EVENT_ENDED,
                        .reason = detail[0] != '\0' ? detail : live_ending_reason(ending)};
    tell(context, &event);
}

/* Does the user exist still, with the rights he had? */
static bool allowed(void *context)
{
    firn_subscription *subscription = context;
    Error ignored;
    return database_session_refresh(subscription->database, &subscription->session, &ignored) == OK;
}

/* ---- the calls ---- */

static void free_subscription(firn_subscription *subscription)
{
    arena_close(&subscription->event_arena);
    arena_close(&subscription->arena);
    memory_free(subscription);
}

static Status subscribe(firn_session *session, const char *sql, const firn_value *parameters,
                        size_t count, firn_subscription *subscription, Error *error)
{
    SubscribeRequest request = {.text = slice_of_text(sql),
                                .options = SUBSCRIBE_OPTIONS_NONE,
                                .sink = {.context = subscription,
                                         .subscribed = take_columns,
                                         .rows = take_rows,
                                         .live = {.context = subscription,
                                                  .deliver = deliver,
                                                  .live = gone_live,
                                                  .ended = ended,
                                                  .allowed = allowed}}};
    Value *values;
    Arena arena;
    arena_open(&arena, 0);
    Status status = library_values(&arena, parameters, count, &values, error);
    if (status == OK) {
        request.parameters = (Parameters){.values = values, .count = (uint32_t)count};
        status = database_subscribe(session->database, &session->session, &request,
                                    &subscription->live, error);
    }
    arena_close(&arena);
    return status;
}

FIRN_EXPORTED int firn_subscribe(firn_session *session, const char *sql,
                                 const firn_value *parameters, size_t count, firn_listener listener,
                                 void *context, firn_subscription **out, firn_error *error)
{
    Error failure;
    firn_subscription *subscription = MEMORY_NEW(firn_subscription);
    *out = NULL;
    if (subscription == NULL) {
        error_out_of_memory(&failure);
        return library_error(&failure, NULL, error);
    }
    subscription->database = session->database;
    subscription->session = session->session;
    subscription->listener = listener;
    subscription->context = context;
    arena_open(&subscription->arena, 0);
    arena_open(&subscription->event_arena, 0);
    if (subscribe(session, sql, parameters, count, subscription, &failure) != OK) {
        free_subscription(subscription);
        return library_error(&failure, NULL, error);
    }
    *out = subscription;
    return FIRN_OK;
}

FIRN_EXPORTED void firn_unsubscribe(firn_subscription *subscription)
{
    if (subscription == NULL)
        return;
    live_unsubscribe(subscription->live);
    live_subscription_release(subscription->live);
    free_subscription(subscription);
}
