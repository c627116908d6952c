/* Live queries: the initial rows of a subscription, and the hand-over to its changes (live.h). */
#include "database/database_int.h"
#include "database/initial_rows.h"

_Static_assert(SUBSCRIBE_SEQ == LIVE_COLUMN_SEQ && SUBSCRIBE_UPDATED == LIVE_COLUMN_UPDATED &&
                   SUBSCRIBE_USER == LIVE_COLUMN_USER,
               "the binder and the live room name the system columns alike");

typedef struct Subscribing {
    Database *database;
    DatabaseSession *session;
    const SubscribeRequest *request;
    SubscribeOptions options;
    Plan *plan;
    const BoundSubscribe *bound;
    Arena arena;
    Value *values;
    uint32_t value_count;
    LiveSubscription *subscription;
    bool is_told; /* `subscribed`: there is no second beginning */
} Subscribing;

/* ---- options ---- */

static int64_t first_given(int64_t a, int64_t b)
{
    return a >= 0 ? a : b;
}

/* The message's over the text's. */
static SubscribeOptions options_of(const SubscribeRequest *request, const Plan *plan)
{
    const SubscribeOptions *own = &request->options;
    const SubscribeOptions *written = &plan->subscribe_options;
    return (SubscribeOptions){
        .last_rows = first_given(own->last_rows, written->last_rows),
        .batch_size = first_given(own->batch_size, written->batch_size),
        .from_seq = first_given(own->from_seq, written->from_seq),
        .until_seq = first_given(own->until_seq, written->until_seq),
        .from_time_us = own->from_time_us != -1 ? own->from_time_us : written->from_time_us,
        .until_time_us = own->until_time_us != -1 ? own->until_time_us : written->until_time_us,
        .pull = own->pull || written->pull};
}

static Status check_options(Subscribing *subscribing, Error *error)
{
    SubscribeOptions *options = &subscribing->options;
    if (options->batch_size < 0)
        options->batch_size = SUBSCRIBE_BATCH_ROWS_DEFAULT;
    if (options->batch_size == 0 || options->batch_size > SUBSCRIBE_BATCH_ROWS_MAX)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "batch_size must be between 1 and %d", SUBSCRIBE_BATCH_ROWS_MAX);
    if (options->last_rows > INITIAL_LAST_ROWS_MAX)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "last_rows must be at most %d",
                         INITIAL_LAST_ROWS_MAX);
    bool by_time = options->from_time_us != -1 || options->until_time_us != -1;
    if (by_time && !subscribing->bound->has_updated)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "from_time and until_time are not supported on stream tables");
    return OK;
}

/* ---- registering ---- */

static OwnerId owner_of(const Subscribing *subscribing)
{
    const BoundReference *reference = subscribing->bound->reference;
    bool has_owners = reference->table->kind != TABLE_SHARED;
    return has_owners ? subscribing->session->session.principal.acting_as : 0;
}

static Status register_live(Subscribing *subscribing, Error *error)
{
    const BoundSubscribe *bound = subscribing->bound;
    const Session *session = &subscribing->session->session;
    LiveRequest request = {.schema = bound->reference->schema,
                           .all_users = bound->reference->all_users,
                           .owner = owner_of(subscribing),
                           .filter = bound->filter,
                           .parameters = subscribing->values,
                           .parameter_count = subscribing->value_count,
                           .now_us = env_wall_us(subscribing->database->env),
                           .current_user = session->principal.acting_name,
                           .columns = bound->columns,
                           .column_count = bound->column_count,
                           .json_flags = session->json_flags,
                           .user_id = session->principal.user_id,
                           .user_name = session->principal.name,
                           .connection_id = slice_of_text(session->id),
                           .client_address = slice_of_text(session->client_address),
                           .sql = subscribing->plan->sql,
                           .sink = subscribing->request->sink.live};
    return live_subscribe(subscribing->database->live, &request, &subscribing->subscription, error);
}

/* ---- going live ---- */

static Status tell_subscribed(Subscribing *subscribing, uint64_t seq, Error *error)
{
    const BoundSubscribe *bound = subscribing->bound;
    const SubscriberSink *sink = &subscribing->request->sink;
    const Schema *schema = bound->reference->schema;
    bool *is_key = ARENA_ARRAY(&subscribing->arena, bool, bound->column_count);
    if (is_key == NULL)
        return arena_error(&subscribing->arena, error);
    subscribing->is_told = true;
    for (uint32_t i = 0; i < bound->column_count; i++)
        is_key[i] = bound->columns[i] < schema->column_count &&
                    schema->columns[bound->columns[i]].key_position >= 0;
    return sink->subscribed(sink->context, subscribing->subscription, bound->initial->columns,
                            is_key, bound->column_count, seq, error);
}

static Status resume(Subscribing *subscribing, Error *error)
{
    uint64_t seq = (uint64_t)subscribing->options.from_seq;
    TRY(live_seek(subscribing->subscription, seq, error));
    TRY(tell_subscribed(subscribing, seq, error));
    return live_go(subscribing->subscription, seq, error);
}

static Status send_initial_rows(Subscribing *subscribing, Pin *pin, Error *error)
{
    Database *database = subscribing->database;
    Session *session = &subscribing->session->session;
    InitialRows rows;
    ResultSink sink;
    uint64_t count;
    initial_rows_open(&rows, subscribing->bound, &subscribing->options, session->json_flags,
                      &subscribing->request->sink, &sink);
    Status status = execute_select_at(database->executor, session, subscribing->plan,
                                      subscribing->bound->initial, pin, subscribing->values,
                                      subscribing->value_count, &sink, &count, error);
    if (status == OK)
        status = initial_rows_finish(&rows, error);
    initial_rows_close(&rows);
    return status;
}

static Status begin_anew(Subscribing *subscribing, Error *error)
{
    Engine *engine = subscribing->database->engine;
    EngineTable *table = engine_table(engine, subscribing->bound->reference->table->id);
    Pin *pin = NULL;
    Status status = OK;
    if (table == NULL)
        return error_of(error, STATUS_SCHEMA_CHANGED);
    GO(pin_open(engine, &table, 1, &pin, error));
    uint64_t seq = pin_seq(pin);
    GO(tell_subscribed(subscribing, seq, error));
    GO(send_initial_rows(subscribing, pin, error));
    pin_release(pin); /* before the changes, which may take long to come */
    pin = NULL;
    GO(live_go(subscribing->subscription, seq, error));
done:
    pin_release(pin);
    engine_table_release(table);
    return status;
}

/* ---- the whole ---- */

static Status prepare(Subscribing *subscribing, Error *error)
{
    Database *database = subscribing->database;
    const SubscribeRequest *request = subscribing->request;
    Configuration *configuration;
    TRY(find_plan(database, subscribing->session, without_semicolon(request->text),
                  &request->parameters, true, &subscribing->plan, error));
    if (subscribing->plan->kind != STATEMENT_SUBSCRIBE)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "only SELECT and SUBSCRIBE TO can be subscribed to");
    subscribing->bound = subscribing->plan->as.subscribe;
    TRY(execute_guard(database->executor, &subscribing->session->session, subscribing->plan,
                      error));
    configuration = database_configuration(database);
    Status status =
        read_parameters(&subscribing->arena, subscribing->plan, &request->parameters, configuration,
                        &subscribing->values, &subscribing->value_count, error);
    configuration_release(configuration);
    TRY(status);
    subscribing->options = options_of(request, subscribing->plan);
    return check_options(subscribing, error);
}

static Status subscribe_once(Subscribing *subscribing, Error *error)
{
    TRY(prepare(subscribing, error));
    TRY(register_live(subscribing, error));
    return subscribing->options.from_seq >= 0 ? resume(subscribing, error)
                                              : begin_anew(subscribing, error);
}

static void let_go(Subscribing *subscribing)
{
    if (subscribing->subscription != NULL)
        live_unsubscribe(subscribing->subscription);
    live_subscription_release(subscribing->subscription);
    subscribing->subscription = NULL;
    if (subscribing->plan != NULL)
        plan_release(subscribing->plan);
    subscribing->plan = NULL;
}

static Status subscribe(void *context, Error *error)
{
    Subscribing *subscribing = context;
    Status status = STATUS_SCHEMA_CHANGED;
    for (uint32_t i = 0; status == STATUS_SCHEMA_CHANGED && i < BIND_ATTEMPTS_MAX; i++) {
        let_go(subscribing);
        arena_reset(&subscribing->arena);
        status = subscribe_once(subscribing, error);
        if (status == STATUS_SCHEMA_CHANGED && subscribing->is_told)
            return error_set(error, STATUS_NOT_FOUND, "the table was altered: subscribe again");
    }
    return status;
}

Status database_subscribe(Database *database, DatabaseSession *session,
                          const SubscribeRequest *request, LiveSubscription **out, Error *error)
{
    Subscribing subscribing = {.database = database, .session = session, .request = request};
    *out = NULL;
    arena_open(&subscribing.arena, 0);
    Status status = on_pool_thread(database, THREADS_SUBSCRIPTIONS, subscribe, &subscribing, error);
    if (status == OK) {
        *out = subscribing.subscription;
        subscribing.subscription = NULL;
    }
    let_go(&subscribing);
    arena_close(&subscribing.arena);
    return status;
}
