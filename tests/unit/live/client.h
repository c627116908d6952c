/* A client of a live query: its sink, which remembers everything it was told, and its picture of
 * the table, which every change must fit into exactly. */
#ifndef FIRN_TESTS_UNIT_LIVE_CLIENT_H
#define FIRN_TESTS_UNIT_LIVE_CLIENT_H

#include "tests/unit/live/machine.h"

enum { IDS = 24, PLACES = (OWNERS + 1) * IDS };

#define WAIT_NS INT64_C(60000000000)

typedef struct Heard {
    uint64_t commit;
    uint64_t seq;
    LiveOperation operation;
    OwnerId owner;
    Slice row; /* copies */
    Slice old_row;
} Heard;

typedef struct HeardBatch {
    uint64_t commit;
    size_t count;
    bool more;
} HeardBatch;

/* What a client believes to be there, or what a snapshot says. */
typedef struct Picture {
    Slice rows[PLACES]; /* copies; NULL data: none */
} Picture;

typedef struct Client {
    Machine *machine;
    LiveSubscription *subscription;
    Schema *schema;
    Mutex mutex;
    Condition told;
    /* Under it. */
    Heard *heard;
    size_t heard_count;
    size_t heard_capacity;
    HeardBatch *batches;
    size_t batch_count;
    size_t batch_capacity;
    uint64_t commit; /* of the last whole batch */
    bool is_open;    /* more of one follows */
    bool is_live;
    uint64_t live_seq;
    bool is_ended;
    LiveEnding ending;
    char detail[128];
    bool broke_rules; /* called after the end, twice, or out of order */
    LiveTaken answer;
    size_t answer_after; /* so many batches are taken before */
    bool is_allowed;
    size_t queued;
    size_t queued_asked;
    size_t encode_bytes; /* 0: does not encode */
    uint64_t messages;
} Client;

static inline Slice slice_copy(Slice s)
{
    if (s.size == 0)
        return SLICE_EMPTY;
    void *copy = malloc(s.size);
    assert_non_null(copy);
    memcpy(copy, s.data, s.size);
    return slice_of(copy, s.size);
}

static inline void slice_free(Slice s)
{
    free((void *)(uintptr_t)s.data);
}

/* ---- the sink ---- */

static inline void client_hear(Client *client, const LiveBatch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const LiveChange *change = &batch->changes[i];
        if (client->heard_count == client->heard_capacity) {
            client->heard_capacity = client->heard_capacity * 2 + 16;
            client->heard = realloc(client->heard, client->heard_capacity * sizeof(Heard));
        }
        client->heard[client->heard_count++] =
            (Heard){batch->commit,           change->seq,
                    change->operation,       change->owner,
                    slice_copy(change->row), slice_copy(change->old_row)};
    }
    if (client->batch_count == client->batch_capacity) {
        client->batch_capacity = client->batch_capacity * 2 + 16;
        client->batches = realloc(client->batches, client->batch_capacity * sizeof(HeardBatch));
    }
    client->batches[client->batch_count++] = (HeardBatch){batch->commit, batch->count, batch->more};
}

static inline void client_encode(Client *client, const LiveBatch *batch)
{
    const LiveMessage *messages;
    size_t count;
    Error error;
    if (client->encode_bytes == 0)
        return;
    if (live_encode(batch, client->encode_bytes, &messages, &count, &error) == OK)
        client->messages += count;
}

static inline LiveTaken client_deliver(void *context, const LiveBatch *batch)
{
    Client *client = context;
    LiveTaken answer = LIVE_TAKEN;
    mutex_lock(&client->mutex);
    bool fits = client->is_open ? batch->commit == client->commit : batch->commit > client->commit;
    if (client->is_ended || !fits || (batch->count == 0 && !client->is_open))
        client->broke_rules = true;
    if (client->batch_count >= client->answer_after)
        answer = client->answer;
    if (answer == LIVE_TAKEN) {
        client_encode(client, batch);
        client_hear(client, batch);
        client->commit = batch->commit;
        client->is_open = batch->more;
    }
    condition_broadcast(&client->told);
    mutex_unlock(&client->mutex);
    return answer;
}

static inline void client_live(void *context, uint64_t seq)
{
    Client *client = context;
    mutex_lock(&client->mutex);
    if (client->is_ended || client->is_live || client->is_open || seq < client->commit)
        client->broke_rules = true;
    client->is_live = true;
    client->live_seq = seq;
    condition_broadcast(&client->told);
    mutex_unlock(&client->mutex);
}

static inline void client_ended(void *context, LiveEnding ending, const char *detail)
{
    Client *client = context;
    mutex_lock(&client->mutex);
    if (client->is_ended)
        client->broke_rules = true;
    client->is_ended = true;
    client->ending = ending;
    (void)snprintf(client->detail, sizeof client->detail, "%s", detail);
    condition_broadcast(&client->told);
    mutex_unlock(&client->mutex);
}

static inline bool client_allowed(void *context)
{
    Client *client = context;
    mutex_lock(&client->mutex);
    bool allowed = client->is_allowed;
    mutex_unlock(&client->mutex);
    return allowed;
}

static inline size_t client_queued(void *context)
{
    Client *client = context;
    mutex_lock(&client->mutex);
    size_t queued = client->queued;
    client->queued_asked++;
    condition_broadcast(&client->told);
    mutex_unlock(&client->mutex);
    return queued;
}

/* ---- life ---- */

static inline void client_open(Client *client, Machine *machine)
{
    *client = (Client){.machine = machine, .is_allowed = true, .answer_after = SIZE_MAX};
    mutex_open(&client->mutex, machine->env, "client");
    condition_open(&client->told, machine->env);
}

static inline void client_close(Client *client)
{
    if (client->subscription != NULL) {
        live_unsubscribe(client->subscription);
        live_subscription_release(client->subscription);
    }
    assert_false(client->broke_rules);
    for (size_t i = 0; i < client->heard_count; i++) {
        slice_free(client->heard[i].row);
        slice_free(client->heard[i].old_row);
    }
    if (client->schema != NULL)
        schema_release(client->schema);
    free(client->heard);
    free(client->batches);
    condition_close(&client->told);
    mutex_close(&client->mutex);
}

/* Every column, everybody's rows; the rest is the test's to change. */
static inline LiveRequest client_request(Client *client, uint64_t table_id)
{
    static const uint32_t columns[] = {COLUMN_ID, COLUMN_ROOM, COLUMN_NAME, COLUMN_AMOUNT,
                                       COLUMN_CODE};
    if (client->schema == NULL)
        client->schema = machine_schema(client->machine, table_id);
    return (LiveRequest){
        .schema = client->schema,
        .all_users = true,
        .columns = columns,
        .column_count = COLUMNS,
        .user_id = client->machine->owners[0],
        .user_name = SLICE("user0"),
        .connection_id = SLICE("c-1"),
        .client_address = SLICE("127.0.0.1:9"),
        .sql = SLICE("SUBSCRIBE TO app.shared"),
        .sink = {client, client_deliver, client_live, client_ended, client_allowed, client_queued}};
}

static inline void client_subscribe(Client *client, const LiveRequest *request)
{
    Error error;
    assert_ok(live_subscribe(client->machine->live, request, &client->subscription, &error),
              &error);
}

static inline Pin *machine_pin(Machine *machine, uint64_t table_id)
{
    Error error;
    Pin *pin;
    EngineTable *table = engine_table(machine->engine, table_id);
    assert_non_null(table);
    assert_ok(pin_open(machine->engine, &table, 1, &pin, &error), &error);
    engine_table_release(table);
    return pin;
}

/* Subscribes and goes live with no initial rows read; the pin's sequence. */
static inline uint64_t client_start(Client *client, const LiveRequest *request)
{
    Error error;
    client_subscribe(client, request);
    Pin *pin = machine_pin(client->machine, request->schema->table_id);
    uint64_t seq = pin_seq(pin);
    pin_release(pin);
    assert_ok(live_go(client->subscription, seq, &error), &error);
    assert_true(client->is_live);
    return seq;
}

/* ---- waiting ---- */

typedef bool (*ClientCondition)(const Client *client, uint64_t number);

static inline bool has_commit(const Client *client, uint64_t seq)
{
    return client->is_ended || (client->commit >= seq && !client->is_open);
}

static inline bool has_ended(const Client *client, uint64_t ignored)
{
    (void)ignored;
    return client->is_ended;
}

static inline bool has_been_asked(const Client *client, uint64_t times)
{
    return client->is_ended || client->queued_asked >= times;
}

static inline void client_wait(Client *client, ClientCondition condition, uint64_t number)
{
    int64_t deadline_ns = env_monotonic_ns(client->machine->env) + WAIT_NS;
    mutex_lock(&client->mutex);
    while (!condition(client, number)) {
        if (!condition_wait_until(&client->told, &client->mutex, deadline_ns))
            fail_msg("a client was not told");
    }
    mutex_unlock(&client->mutex);
}

static inline void client_expect_ending(Client *client, LiveEnding ending)
{
    client_wait(client, has_ended, 0);
    assert_string_equal(live_ending_reason(client->ending), live_ending_reason(ending));
    assert_true(live_subscription_is_ended(client->subscription));
}

/* Waits until the fan-out is through with all that was written: by a change that all of the
 * table's whole subscribers get. */
static inline void machine_settle(Machine *machine, uint64_t table_id)
{
    Client probe;
    LiveRequest request;
    client_open(&probe, machine);
    request = client_request(&probe, table_id);
    (void)client_start(&probe, &request);
    OwnerId owner = table_id == machine->owned ? machine->owners[0] : 0;
    uint64_t seq = machine_put(machine, table_id, owner, (TestRow){.id = 1000000});
    client_wait(&probe, has_commit, seq);
    seq = machine_delete(machine, table_id, owner, 1000000);
    client_wait(&probe, has_commit, seq);
    client_close(&probe);
}

/* ---- pictures ---- */

static inline size_t place_of(const Machine *machine, const Schema *schema, OwnerId owner,
                              Slice row)
{
    Value id;
    size_t at = 0;
    row_get(&schema->layout, row, COLUMN_ID, &id);
    if (id.as.integer >= IDS)
        return SIZE_MAX; /* machine_settle's */
    while (owner != 0 && machine->owners[at] != owner)
        at++;
    return (owner == 0 ? OWNERS : at) * IDS + (size_t)id.as.integer;
}

static inline void picture_set(Picture *picture, size_t place, Slice row)
{
    slice_free(picture->rows[place]);
    picture->rows[place] = slice_copy(row);
}

static inline void picture_close(Picture *picture)
{
    for (size_t i = 0; i < PLACES; i++)
        slice_free(picture->rows[i]);
    *picture = (Picture){0};
}

/* Is the row one that the subscription is about? NULL filter: every one. */
static inline bool row_is_wanted(const LiveRequest *request, OwnerId owner, Slice name, Slice row)
{
    bool is_true;
    Error error;
    Arena arena;
    if (schema_has_owner(request->schema) && !request->all_users && request->owner != owner)
        return false;
    if (request->filter == NULL)
        return true;
    arena_open(&arena, 0);
    EvaluationContext context = {.env = env_real(),
                                 .arena = &arena,
                                 .layout = &request->schema->layout,
                                 .row = row,
                                 .parameters = request->parameters,
                                 .parameter_count = request->parameter_count,
                                 .now_us = request->now_us,
                                 .current_user = request->current_user,
                                 .owner = name};
    assert_ok(expression_is_true(request->filter, &context, &is_true, &error), &error);
    arena_close(&arena);
    return is_true;
}

/* What the pin shows of what the request is about, by looking up every key. */
static inline void picture_of_pin(Machine *machine, const Pin *pin, const LiveRequest *request,
                                  Picture *out)
{
    bool has_owner = schema_has_owner(request->schema);
    Buffer key;
    Arena arena;
    Error error;
    *out = (Picture){0};
    buffer_open(&key, 0);
    arena_open(&arena, 0);
    for (size_t i = 0; i < PLACES; i++) {
        RowFound found;
        bool is_there;
        if (has_owner == (i / IDS == OWNERS))
            continue;
        OwnerId owner = has_owner ? machine->owners[i / IDS] : 0;
        char name[16];
        (void)snprintf(name, sizeof name, "user%zu", i / IDS);
        test_key(request->schema, owner, (int64_t)(i % IDS), &key);
        assert_ok(pin_get(pin, 0, buffer_slice(&key), &arena, &found, &is_there, &error), &error);
        if (is_there && row_is_wanted(request, owner, slice_of_text(name), found.row))
            picture_set(out, i, found.row);
    }
    arena_close(&arena);
    buffer_close(&key);
}

/* Each change must fit what is there. */
static inline void picture_apply(const Machine *machine, const Schema *schema, Picture *picture,
                                 const Heard *heard)
{
    Slice any = heard->row.size > 0 ? heard->row : heard->old_row;
    size_t place = place_of(machine, schema, heard->owner, any);
    if (place == SIZE_MAX)
        return;
    Slice there = picture->rows[place];
    bool begins = heard->operation == LIVE_INSERT;
    if (begins != (there.data == NULL))
        fail_msg("an %s at %llu of a row that is %s", live_operation_name(heard->operation),
                 (unsigned long long)heard->seq, begins ? "there" : "not there");
    if (!begins)
        assert_true(slice_equal(there, heard->old_row));
    assert_true((heard->row.size > 0) == (begins || heard->operation == LIVE_UPDATE));
    picture_set(picture, place, heard->row);
}

static inline void assert_same_picture(const Picture *a, const Picture *b, uint64_t seq)
{
    for (size_t i = 0; i < PLACES; i++) {
        if (!slice_equal(a->rows[i], b->rows[i]))
            fail_msg("place %zu differs at %llu: %s and %s", i, (unsigned long long)seq,
                     a->rows[i].data == NULL ? "none" : "a row",
                     b->rows[i].data == NULL ? "none" : "a row");
    }
}

#endif
