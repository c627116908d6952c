/* From a snapshot to what follows it: nothing is missed and nothing comes twice, wherever in
 * between somebody writes, however long it takes, and wherever a client begins again. */
#include "base/breakage.h"
#include "tests/unit/live/client.h"

static TestRow row_of(int64_t id, int64_t room)
{
    return (TestRow){.id = id, .room = room, .name = "x"};
}

/* Registered, pinned, and what is written before and after each. */
static bool is_told_what_came_after_the_pin(void)
{
    Machine machine = {0};
    Client client, other;
    Error error;
    machine_open(&machine);
    client_open(&client, &machine);
    client_open(&other, &machine);
    LiveRequest of_other = client_request(&other, machine.shared);
    (void)client_start(&other, &of_other);
    LiveRequest request = client_request(&client, machine.shared);
    (void)machine_put(&machine, machine.shared, 0, row_of(1, 1));
    client_subscribe(&client, &request);
    (void)machine_put(&machine, machine.shared, 0, row_of(2, 1));
    Pin *pin = machine_pin(&machine, machine.shared);
    uint64_t seq = machine_put(&machine, machine.shared, 0, row_of(3, 1));
    client_wait(&other, has_commit, seq); /* whoever was registered has been told */
    assert_ok(live_go(client.subscription, pin_seq(pin), &error), &error);
    pin_release(pin);
    uint64_t later = machine_put(&machine, machine.shared, 0, row_of(4, 1));
    client_wait(&client, has_commit, later);
    assert_int_equal(client.heard[client.heard_count - 1].seq, later);
    bool told = client.heard_count == 2 && client.heard[0].seq == seq;
    client_close(&client);
    client_close(&other);
    machine_close(&machine);
    return told;
}

static void what_comes_between_pin_and_live_is_told_once(void **state)
{
    (void)state;
    assert_true(is_told_what_came_after_the_pin());
}

#ifdef FIRN_FAULTS
/* The canary: a subscription that pins before it is registered. */
static void a_broken_handover_is_noticed(void **state)
{
    (void)state;
    breakage_set(BREAKAGE_handover);
    bool told = is_told_what_came_after_the_pin();
    breakage_set(BREAKAGE_NONE);
    assert_false(told);
}
#endif

static void an_empty_log_can_be_subscribed_to(void **state)
{
    Machine machine = {0};
    Client client;
    (void)state;
    machine_open(&machine);
    client_open(&client, &machine);
    LiveRequest request = client_request(&client, machine.shared);
    uint64_t seq = client_start(&client, &request);
    assert_int_equal(client.live_seq, seq);
    client_close(&client);
    machine_close(&machine);
}

/* ---- one transaction in several parts ---- */

static void fill(TestWrite *writes, size_t count, int64_t room)
{
    for (size_t i = 0; i < count; i++)
        writes[i] = (TestWrite){.row = {.id = (int64_t)i, .room = room, .name = "a name"}};
}

static void check_parts(const Client *client, uint64_t seq, size_t count)
{
    size_t heard = 0;
    assert_true(client->batch_count > 1);
    for (size_t i = 0; i < client->batch_count; i++) {
        assert_int_equal(client->batches[i].commit, seq);
        assert_true(client->batches[i].more == (i + 1 < client->batch_count));
        heard += client->batches[i].count;
    }
    assert_int_equal(heard, count);
}

/* The last parts have nothing for who watches room 1: he is told that it is the end. */
static void a_large_transaction_comes_in_parts(void **state)
{
    Machine machine = {.options = LIVE_OPTIONS_DEFAULT};
    Client all, some, late;
    TestWrite writes[40];
    Arena arena;
    Error error;
    (void)state;
    machine.options.slice_bytes_max = 200;
    machine_open(&machine);
    arena_open(&arena, 0);
    client_open(&all, &machine);
    client_open(&some, &machine);
    client_open(&late, &machine);
    LiveRequest request = client_request(&all, machine.shared);
    (void)client_start(&all, &request);
    request = client_request(&late, machine.shared);
    client_subscribe(&late, &request);
    uint64_t pinned = engine_visible(machine.engine);
    request = client_request(&some, machine.shared);
    request.filter =
        compare_node(&arena, COMPARE_EQUAL, column_node(&arena, request.schema, COLUMN_ROOM),
                     integer_node(&arena, 1));
    (void)client_start(&some, &request);
    fill(writes, 40, 2);
    for (size_t i = 0; i < 7; i++)
        writes[i].row.room = 1;
    uint64_t seq = machine_write(&machine, machine.shared, writes, 40);
    client_wait(&all, has_commit, seq);
    client_wait(&some, has_commit, seq);
    assert_ok(live_go(late.subscription, pinned, &error), &error);
    check_parts(&all, seq, 40);
    check_parts(&late, seq, 40);
    check_parts(&some, seq, 7);
    assert_int_equal(some.batches[some.batch_count - 1].count, 0);
    client_close(&all);
    client_close(&some);
    client_close(&late);
    arena_close(&arena);
    machine_close(&machine);
}

/* ---- beginning again ---- */

static Status seek(Machine *machine, uint64_t seq)
{
    Client client;
    Error error;
    client_open(&client, machine);
    LiveRequest request = client_request(&client, machine->shared);
    client_subscribe(&client, &request);
    Status status = live_seek(client.subscription, seq, &error);
    client_close(&client);
    return status;
}

static size_t heard_from(Machine *machine, uint64_t seq)
{
    Client client;
    Error error;
    client_open(&client, machine);
    LiveRequest request = client_request(&client, machine->shared);
    client_subscribe(&client, &request);
    assert_ok(live_seek(client.subscription, seq, &error), &error);
    assert_ok(live_go(client.subscription, seq, &error), &error);
    size_t heard = client.heard_count;
    client_close(&client);
    return heard;
}

static void a_client_goes_on_after_a_transaction_only(void **state)
{
    Machine machine = {0};
    TestWrite writes[5];
    (void)state;
    machine_open(&machine);
    fill(writes, 5, 1);
    uint64_t first = machine_write(&machine, machine.shared, writes, 5);
    uint64_t second = machine_write(&machine, machine.shared, writes, 5);
    assert_int_equal(heard_from(&machine, first), 5);
    assert_int_equal(heard_from(&machine, second), 0);
    assert_int_equal(heard_from(&machine, first - 5), 10);
    assert_status(STATUS_NOT_FOUND, seek(&machine, second - 2));
    assert_status(STATUS_NOT_FOUND, seek(&machine, engine_visible(machine.engine) + 1));
    assert_status(STATUS_NOT_FOUND, seek(&machine, UINT64_MAX));
    machine_close(&machine);
}

/* What a crash may have taken is above the last transaction and below the next start. */
static void a_client_goes_on_after_a_restart(void **state)
{
    Machine machine = {0};
    TestWrite writes[5];
    (void)state;
    machine_open(&machine);
    fill(writes, 5, 1);
    uint64_t first = machine_write(&machine, machine.shared, writes, 5);
    uint64_t second = machine_write(&machine, machine.shared, writes, 5);
    machine_stop(&machine);
    machine_start(&machine);
    assert_int_equal(heard_from(&machine, first), 5);
    assert_int_equal(heard_from(&machine, second), 0);
    assert_status(STATUS_NOT_FOUND, seek(&machine, second + 1));
    assert_int_equal(heard_from(&machine, engine_visible(machine.engine)), 0);
    (void)machine_write(&machine, machine.shared, writes, 5);
    assert_int_equal(heard_from(&machine, second), 5);
    assert_status(STATUS_NOT_FOUND, seek(&machine, second + 1));
    machine_close(&machine);
}

/* ---- what the log keeps ---- */

static void write_segments(Machine *machine)
{
    char name[4000];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    for (int64_t i = 0; i < 100; i++)
        (void)machine_put(machine, machine->shared, 0,
                          (TestRow){.id = i % 20, .room = i, .name = name});
}

static void forget_what_can_be(Machine *machine)
{
    Error error;
    machine_flush(machine, machine->shared, 0);
    assert_ok(engine_checkpoint(machine->engine, &error), &error);
    assert_ok(engine_expire_log(machine->engine, &error), &error);
}

static void history_goes_but_not_under_who_reads_it(void **state)
{
    Machine machine = {.segment_bytes = 64 << 10, .feed_bytes_max = 1};
    Client client;
    Error error;
    (void)state;
    machine_open(&machine);
    uint64_t old = machine_put(&machine, machine.shared, 0, row_of(1, 1));
    client_open(&client, &machine);
    LiveRequest request = client_request(&client, machine.shared);
    client_subscribe(&client, &request);
    uint64_t pinned = engine_visible(machine.engine);
    write_segments(&machine);
    forget_what_can_be(&machine);
    assert_ok(live_go(client.subscription, pinned, &error), &error);
    assert_int_equal(client.heard_count, 100);
    client_close(&client);
    write_segments(&machine);
    forget_what_can_be(&machine);
    assert_status(STATUS_NOT_FOUND, seek(&machine, old));
    assert_int_equal(heard_from(&machine, engine_visible(machine.engine)), 0);
    machine_close(&machine);
}

/* ---- a client that reads slowly what he missed ---- */

typedef struct Going {
    Client *client;
    uint64_t seq;
    Status status;
} Going;

static void run_go(void *context)
{
    Going *going = context;
    Error error;
    going->status = live_go(going->client->subscription, going->seq, &error);
}

static bool has_batch(const Client *client, uint64_t count)
{
    return client->batch_count >= count;
}

static void who_catches_up_is_waited_for(void **state)
{
    Machine machine = {0};
    Client client;
    Thread *thread;
    Error error;
    (void)state;
    machine_open(&machine);
    client_open(&client, &machine);
    LiveRequest request = client_request(&client, machine.shared);
    client_subscribe(&client, &request);
    Going going = {.client = &client, .seq = engine_visible(machine.engine)};
    write_segments(&machine);
    client.queued = LIVE_CATCH_UP_QUEUE_BYTES + 1;
    assert_ok(thread_start(machine.env, "going", 4 << 20, run_go, &going, &thread, &error), &error);
    client_wait(&client, has_been_asked, 5);
    mutex_lock(&client.mutex);
    assert_int_equal(client.batch_count, 0);
    assert_false(client.is_ended);
    client.queued = 0;
    mutex_unlock(&client.mutex);
    client_wait(&client, has_batch, 100);
    thread_join(thread);
    assert_status(OK, going.status);
    client_close(&client);
    machine_close(&machine);
}

static void who_is_killed_while_he_is_waited_for_ends(void **state)
{
    Machine machine = {0};
    Client client;
    Thread *thread;
    Error error;
    (void)state;
    machine_open(&machine);
    client_open(&client, &machine);
    LiveRequest request = client_request(&client, machine.shared);
    client_subscribe(&client, &request);
    Going going = {.client = &client, .seq = engine_visible(machine.engine)};
    write_segments(&machine);
    client.queued = LIVE_CATCH_UP_QUEUE_BYTES + 1;
    assert_ok(thread_start(machine.env, "going", 4 << 20, run_go, &going, &thread, &error), &error);
    client_wait(&client, has_been_asked, 3);
    live_end_all(machine.live, LIVE_END_KILLED);
    thread_join(thread);
    assert_status(STATUS_QUERY_CANCELED, going.status);
    client_expect_ending(&client, LIVE_END_KILLED);
    assert_int_equal(client.batch_count, 0);
    client_close(&client);
    machine_close(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_between_pin_and_live_is_told_once),
#ifdef FIRN_FAULTS
        cmocka_unit_test(a_broken_handover_is_noticed),
#endif
        cmocka_unit_test(an_empty_log_can_be_subscribed_to),
        cmocka_unit_test(a_large_transaction_comes_in_parts),
        cmocka_unit_test(a_client_goes_on_after_a_transaction_only),
        cmocka_unit_test(a_client_goes_on_after_a_restart),
        cmocka_unit_test(history_goes_but_not_under_who_reads_it),
        cmocka_unit_test(who_catches_up_is_waited_for),
        cmocka_unit_test(who_is_killed_while_he_is_waited_for_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
