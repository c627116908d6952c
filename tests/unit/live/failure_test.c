/* Memory that ends, a log that cannot be read, a fan-out that falls behind and finds itself alone:
 * whoever was not told of a change was told that he has to begin anew. */
#include "live/live_int.h"
#include "tests/unit/live/client.h"

static TestRow row_of(int64_t id)
{
    return (TestRow){.id = id, .room = 3, .name = "x", .cents = 100};
}

enum { ROWS = 150 };

/* More than the fan-out has room for from the start. */
static uint64_t put_many(Machine *machine)
{
    static const char name[] = "a name that is long enough for many of them to need one more chunk "
                               "of whatever memory the fan-out keeps for the next transaction";
    TestWrite writes[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        writes[i] = (TestWrite){.row = {.id = (int64_t)i, .room = 3, .name = name}};
    return machine_write(machine, machine->shared, writes, ROWS);
}

static LiveRequest room_request(Client *client, Machine *machine, Arena *arena, int64_t room)
{
    LiveRequest request = client_request(client, machine->shared);
    request.filter =
        compare_node(arena, COMPARE_EQUAL, column_node(arena, request.schema, COLUMN_ROOM),
                     integer_node(arena, room));
    return request;
}

/* ---- subscribing, seeking, going live ---- */

static void each_allocation_of_subscribing_may_fail(void **state)
{
    Machine machine = {0};
    Arena arena;
    LiveStatistics statistics;
    Status status = STATUS_OUT_OF_MEMORY;
    int64_t n = 0;
    (void)state;
    machine_open(&machine);
    arena_open(&arena, 0);
    while (status == STATUS_OUT_OF_MEMORY) {
        Client client;
        Error error;
        client_open(&client, &machine);
        LiveRequest request = room_request(&client, &machine, &arena, 3);
        memory_fail_at(++n, 1);
        status = live_subscribe(machine.live, &request, &client.subscription, &error);
        memory_fail_at(0, 0);
        live_statistics(machine.live, &statistics);
        assert_int_equal(statistics.subscriptions, status == OK);
        client_close(&client);
    }
    assert_status(OK, status);
    assert_true(n > 5);
    print_message("%lld allocations\n", (long long)n - 1);
    arena_close(&arena);
    machine_close(&machine);
}

static Status seek_and_go(Client *client, uint64_t seq, int64_t n, Error *error)
{
    memory_fail_at(n, 1);
    Status status = live_seek(client->subscription, seq, error);
    if (status == OK)
        status = live_go(client->subscription, seq, error);
    memory_fail_at(0, 0);
    return status;
}

/* A failure that the rows of one alone concern ends him without being one of live_go. */
static void each_allocation_of_catching_up_may_fail(void **state)
{
    Machine machine = {.options = LIVE_OPTIONS_DEFAULT};
    Arena arena;
    bool is_done = false;
    int64_t n = 0;
    (void)state;
    machine.options.slice_bytes_max = 100;
    machine_open(&machine);
    arena_open(&arena, 0);
    uint64_t seq = machine_put(&machine, machine.shared, 0, row_of(0));
    for (int64_t i = 1; i < 6; i++)
        (void)machine_put(&machine, machine.shared, 0, row_of(i));
    while (!is_done) {
        Client client;
        Error error;
        client_open(&client, &machine);
        LiveRequest request = room_request(&client, &machine, &arena, 3);
        client_subscribe(&client, &request);
        Status status = seek_and_go(&client, seq, ++n, &error);
        if (status == OK)
            assert_int_equal(client.heard_count, 5);
        else if (client.is_ended)
            assert_int_equal(client.ending, LIVE_END_MEMORY);
        else
            assert_status(STATUS_OUT_OF_MEMORY, status); /* of live_seek: as it was */
        client_close(&client);
        is_done = status == OK;
    }
    assert_true(n > 5);
    print_message("%lld allocations\n", (long long)n - 1);
    arena_close(&arena);
    machine_close(&machine);
}

/* ---- the fan-out ---- */

/* Holds the fan-out still in a delivery, so that what comes next is known. */
typedef struct Gate {
    Client client;
    bool holds;
    bool is_held;
} Gate;

static LiveTaken gate_deliver(void *context, const LiveBatch *batch)
{
    Gate *gate = context;
    mutex_lock(&gate->client.mutex);
    gate->is_held = gate->holds;
    condition_broadcast(&gate->client.told);
    while (gate->holds)
        condition_wait(&gate->client.told, &gate->client.mutex);
    gate->client.commit = batch->commit;
    mutex_unlock(&gate->client.mutex);
    return LIVE_TAKEN;
}

static void gate_open(Gate *gate, Machine *machine)
{
    *gate = (Gate){0};
    client_open(&gate->client, machine);
    LiveRequest request = client_request(&gate->client, machine->owned);
    request.sink.context = gate;
    request.sink.deliver = gate_deliver;
    request.sink.ended = client_ended;
    request.sink.live = client_live;
    request.sink.allowed = client_allowed;
    request.sink.queued = NULL;
    _Static_assert(offsetof(Gate, client) == 0, "the other functions take the client");
    (void)client_start(&gate->client, &request);
}

static void gate_close_fan_out(Gate *gate, Machine *machine)
{
    gate->holds = true;
    (void)machine_put(machine, machine->owned, machine->owners[0], row_of(1));
    mutex_lock(&gate->client.mutex);
    while (!gate->is_held)
        condition_wait(&gate->client.told, &gate->client.mutex);
    mutex_unlock(&gate->client.mutex);
}

static void gate_let_go(Gate *gate)
{
    mutex_lock(&gate->client.mutex);
    gate->holds = false;
    gate->is_held = false;
    condition_broadcast(&gate->client.told);
    mutex_unlock(&gate->client.mutex);
}

/* Nobody else allocates while the fan-out is let go. Whoever is still live was told everything. */
static bool fail_fan_out(Machine *machine, Arena *arena, int64_t n)
{
    Gate gate;
    Client all, some;
    gate_open(&gate, machine);
    client_open(&all, machine);
    client_open(&some, machine);
    all.encode_bytes = 4096;
    some.encode_bytes = 4096;
    LiveRequest request = client_request(&all, machine->shared);
    (void)client_start(&all, &request);
    request = room_request(&some, machine, arena, 3);
    (void)client_start(&some, &request);
    gate_close_fan_out(&gate, machine);
    (void)put_many(machine);
    uint64_t seq = put_many(machine);
    memory_fail_at(n, 1);
    gate_let_go(&gate);
    client_wait(&all, has_commit, seq);
    client_wait(&some, has_commit, seq);
    bool was_enough = memory_allocations() < n;
    memory_fail_at(0, 0);
    if (all.is_ended)
        assert_int_equal(all.ending, LIVE_END_MEMORY);
    else
        assert_int_equal(all.heard_count, 2 * ROWS);
    if (some.is_ended)
        assert_int_equal(some.ending, LIVE_END_MEMORY);
    else
        assert_int_equal(some.heard_count, 2 * ROWS);
    client_close(&all);
    client_close(&some);
    client_close(&gate.client);
    machine_settle(machine, machine->shared); /* the next ones are told again */
    return was_enough;
}

static void fail_every(LiveOptions options)
{
    int64_t n = 0;
    bool was_enough = false;
    while (!was_enough) {
        Machine machine = {.options = options};
        Arena arena;
        machine_open(&machine);
        arena_open(&arena, 0);
        was_enough = fail_fan_out(&machine, &arena, ++n);
        arena_close(&arena);
        machine_close(&machine);
    }
    assert_true(n > 3);
    print_message("%lld allocations\n", (long long)n - 1);
}

static void each_allocation_of_the_fan_out_may_fail(void **state)
{
    (void)state;
    fail_every(LIVE_OPTIONS_DEFAULT);
}

static void each_allocation_of_reading_the_log_back_may_fail(void **state)
{
    LiveOptions options = LIVE_OPTIONS_DEFAULT;
    (void)state;
    options.queue_bytes_max = 1;
    fail_every(options);
}

/* ---- gaps that the fan-out could make ---- */

/* The fan-out gives up in the middle of a group, while somebody is on his way: what he was not told
 * of he reads himself. */
static void who_goes_live_behind_a_failure_misses_nothing(void **state)
{
    Client late;
    Error error;
    (void)state;
    for (int64_t n = 1; n < 8; n++) {
        Machine machine = {0};
        Gate gate;
        machine_open(&machine);
        gate_open(&gate, &machine);
        client_open(&late, &machine);
        LiveRequest request = client_request(&late, machine.shared);
        client_subscribe(&late, &request);
        gate_close_fan_out(&gate, &machine);
        uint64_t pinned = engine_visible(machine.engine); /* the fan-out has begun all of it */
        uint64_t seq = put_many(&machine);
        memory_fail_at(n, 1);
        gate_let_go(&gate);
        while (feed_lag_ns(machine.live) != 0)
            env_sleep_ns(machine.env, 1000000);
        memory_fail_at(0, 0);
        assert_ok(live_go(late.subscription, pinned, &error), &error);
        assert_int_equal(late.heard_count, ROWS);
        assert_int_equal(late.heard[ROWS - 1].seq, seq);
        seq = machine_put(&machine, machine.shared, 0, row_of(2));
        client_wait(&late, has_commit, seq);
        assert_int_equal(late.heard_count, ROWS + 1);
        client_close(&late);
        client_close(&gate.client);
        machine_close(&machine);
    }
}

typedef struct Visitor {
    Machine *machine;
    _Atomic bool stopping;
} Visitor;

static void run_writes(void *context)
{
    Visitor *visitor = context;
    for (int64_t i = 0; !atomic_load(&visitor->stopping); i++)
        (void)machine_put(visitor->machine, visitor->machine->shared, 0, row_of(i % 5));
}

/* Clients come and go alone while the fan-out reads the log: between "nobody is there" and "then
 * all is skipped" nobody may come. Each must hear of every sequence of one writer. */
static void who_comes_to_an_idle_fan_out_misses_nothing(void **state)
{
    Machine machine = {.options = LIVE_OPTIONS_DEFAULT};
    Visitor visitor = {.machine = &machine};
    Thread *thread;
    Error error;
    (void)state;
    machine.options.queue_bytes_max = 1;
    machine_open(&machine);
    assert_ok(thread_start(machine.env, "writer", 4 << 20, run_writes, &visitor, &thread, &error),
              &error);
    for (int i = 0; i < 300; i++) {
        Client client;
        client_open(&client, &machine);
        LiveRequest request = client_request(&client, machine.shared);
        uint64_t seq = client_start(&client, &request);
        client_wait(&client, has_commit, seq + 5);
        live_unsubscribe(client.subscription);
        assert_false(client.is_ended);
        for (size_t h = 0; h < client.heard_count; h++)
            assert_int_equal(client.heard[h].seq, seq + 1 + h);
        client_close(&client);
    }
    atomic_store(&visitor.stopping, true);
    thread_join(thread);
    machine_close(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_of_subscribing_may_fail),
        cmocka_unit_test(each_allocation_of_catching_up_may_fail),
        cmocka_unit_test(each_allocation_of_the_fan_out_may_fail),
        cmocka_unit_test(each_allocation_of_reading_the_log_back_may_fail),
        cmocka_unit_test(who_goes_live_behind_a_failure_misses_nothing),
        cmocka_unit_test(who_comes_to_an_idle_fan_out_misses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
