/* How subscriptions end before their clients want them to, and what is refused to begin with. */
#include "tests/unit/live/client.h"

static int open_machine(void **state)
{
    Machine *machine = calloc(1, sizeof(Machine));
    assert_non_null(machine);
    machine_open(machine);
    *state = machine;
    return 0;
}

static int close_machine(void **state)
{
    machine_close(*state);
    free(*state);
    return 0;
}

static TestRow row_of(int64_t id)
{
    return (TestRow){.id = id, .room = 3, .name = "x", .cents = 100};
}

static void start(Client *client, Machine *machine, uint64_t table_id)
{
    client_open(client, machine);
    LiveRequest request = client_request(client, table_id);
    (void)client_start(client, &request);
}

static uint64_t resyncs(Machine *machine)
{
    LiveStatistics statistics;
    live_statistics(machine->live, &statistics);
    return statistics.resyncs;
}

/* ---- by the client ---- */

static void a_slow_client_begins_anew_and_nobody_waits(void **state)
{
    Machine *machine = *state;
    Client slow, quick;
    uint64_t seq = 0;
    start(&slow, machine, machine->shared);
    start(&quick, machine, machine->shared);
    slow.answer = LIVE_TOO_SLOW;
    slow.answer_after = 2;
    for (int64_t i = 0; i < 10; i++)
        seq = machine_put(machine, machine->shared, 0, row_of(i));
    client_wait(&quick, has_commit, seq);
    client_expect_ending(&slow, LIVE_END_SLOW);
    assert_true(live_ending_is_resync(slow.ending));
    assert_int_equal(slow.batch_count, 2);
    assert_int_equal(quick.batch_count, 10);
    assert_int_equal(resyncs(machine), 1);
    client_close(&slow);
    client_close(&quick);
}

static void a_client_without_memory_begins_anew(void **state)
{
    Machine *machine = *state;
    Client client;
    start(&client, machine, machine->shared);
    client.answer = LIVE_NO_MEMORY;
    client.answer_after = 0;
    (void)machine_put(machine, machine->shared, 0, row_of(1));
    client_expect_ending(&client, LIVE_END_MEMORY);
    client_close(&client);
}

static void a_closed_client_is_not_told(void **state)
{
    Machine *machine = *state;
    Client client;
    LiveStatistics statistics;
    start(&client, machine, machine->shared);
    client.answer = LIVE_CLOSED;
    client.answer_after = 0;
    (void)machine_put(machine, machine->shared, 0, row_of(1));
    machine_settle(machine, machine->shared);
    assert_false(client.is_ended);
    assert_true(live_subscription_is_ended(client.subscription));
    live_statistics(machine->live, &statistics);
    assert_int_equal(statistics.subscriptions, 0);
    client_close(&client);
}

/* ---- by others ---- */

static void kill(Machine *machine, Client *client, bool only_of_user, OwnerId user, Status wanted)
{
    Error error;
    Slice id = slice_of_text(live_subscription_id(client->subscription));
    assert_status(wanted, live_kill(machine->live, id, only_of_user, user, &error));
}

static void a_live_query_is_killed_by_its_id(void **state)
{
    Machine *machine = *state;
    Client client, other;
    Error error;
    start(&client, machine, machine->shared);
    start(&other, machine, machine->shared);
    kill(machine, &client, true, machine->owners[1], STATUS_UNDEFINED_OBJECT);
    assert_false(client.is_ended);
    kill(machine, &client, true, machine->owners[0], OK);
    client_expect_ending(&client, LIVE_END_KILLED);
    kill(machine, &client, false, 0, STATUS_UNDEFINED_OBJECT);
    assert_status(STATUS_UNDEFINED_OBJECT,
                  live_kill(machine->live, SLICE("LQ-none"), false, 0, &error));
    kill(machine, &other, false, 0, OK);
    client_close(&client);
    client_close(&other);
}

static void one_that_has_not_begun_can_be_killed(void **state)
{
    Machine *machine = *state;
    Client client;
    Error error;
    client_open(&client, machine);
    LiveRequest request = client_request(&client, machine->shared);
    client_subscribe(&client, &request);
    kill(machine, &client, false, 0, OK);
    assert_status(STATUS_QUERY_CANCELED, live_go(client.subscription, 1, &error));
    assert_false(client.is_live);
    client_close(&client);
}

static void rights_that_are_gone_end_it(void **state)
{
    Machine *machine = *state;
    Client client, other;
    start(&client, machine, machine->shared);
    start(&other, machine, machine->shared);
    client.is_allowed = false;
    live_rights_changed(machine->live, machine->owners[1]); /* somebody else's */
    assert_false(client.is_ended);
    live_rights_changed(machine->live, machine->owners[0]);
    client_expect_ending(&client, LIVE_END_PERMISSION);
    other.is_allowed = false;
    live_rights_changed(machine->live, 0);
    client_expect_ending(&other, LIVE_END_PERMISSION);
    client_close(&client);
    client_close(&other);
}

static void a_stop_ends_them_all(void **state)
{
    Machine *machine = *state;
    Client client, late;
    Error error;
    LiveSubscription *subscription;
    start(&client, machine, machine->shared);
    client_open(&late, machine);
    LiveRequest request = client_request(&late, machine->shared);
    live_stop(machine->live);
    client_expect_ending(&client, LIVE_END_SHUTDOWN);
    assert_status(STATUS_SHUTTING_DOWN,
                  live_subscribe(machine->live, &request, &subscription, &error));
    client_close(&client);
    client_close(&late);
}

/* ---- by definitions ---- */

static void drop(Machine *machine, uint64_t table_id)
{
    Error error;
    Arena arena;
    DropCounts counts = {0};
    arena_open(&arena, 0);
    counts.table_ids = ARENA_ARRAY(&arena, uint64_t, 8);
    counts.folders = ARENA_ARRAY(&arena, const char *, 8);
    assert_ok(catalog_drop_table(machine->catalog, table_id, INT64_MAX, &arena, &counts, &error),
              &error);
    arena_close(&arena);
}

static void a_table_that_is_dropped_ends_it(void **state)
{
    Machine *machine = *state;
    Client live, late, other;
    LiveSubscription *subscription;
    Error error;
    start(&live, machine, machine->shared);
    start(&other, machine, machine->owned);
    client_open(&late, machine);
    LiveRequest request = client_request(&late, machine->shared);
    client_subscribe(&late, &request);
    uint64_t pinned = engine_visible(machine->engine);
    (void)machine_put(machine, machine->shared, 0, row_of(1));
    drop(machine, machine->shared);
    client_expect_ending(&live, LIVE_END_DROPPED);
    assert_false(live_ending_is_resync(live.ending));
    assert_status(STATUS_QUERY_CANCELED, live_go(late.subscription, pinned, &error));
    client_expect_ending(&late, LIVE_END_DROPPED);
    assert_status(STATUS_UNDEFINED_TABLE,
                  live_subscribe(machine->live, &request, &subscription, &error));
    assert_false(other.is_ended);
    client_close(&live);
    client_close(&late);
    client_close(&other);
}

static void a_drop_need_not_wait_for_the_fan_out(void **state)
{
    Machine *machine = *state;
    Client client;
    start(&client, machine, machine->shared);
    live_table_dropped(machine->live, machine->owned);
    assert_false(client.is_ended);
    live_table_dropped(machine->live, machine->shared);
    assert_true(client.is_ended);
    client_expect_ending(&client, LIVE_END_DROPPED);
    client_close(&client);
}

/* No row of it is in the log: whoever has a snapshot from before begins anew. */
static void a_table_that_is_truncated_is_to_be_read_anew(void **state)
{
    Machine *machine = *state;
    Client live, late, after;
    Error error;
    uint64_t before = machine_put(machine, machine->shared, 0, row_of(1));
    start(&live, machine, machine->shared);
    client_open(&late, machine);
    LiveRequest request = client_request(&late, machine->shared);
    client_subscribe(&late, &request);
    uint64_t pinned = engine_visible(machine->engine);
    client_open(&after, machine);
    request = client_request(&after, machine->shared);
    client_subscribe(&after, &request);
    assert_ok(catalog_truncate_table(machine->catalog, machine->shared, INT64_MAX, &error), &error);
    client_expect_ending(&live, LIVE_END_TRUNCATED);
    assert_status(STATUS_QUERY_CANCELED, live_go(late.subscription, pinned, &error));
    client_expect_ending(&late, LIVE_END_TRUNCATED);
    assert_ok(live_go(after.subscription, engine_visible(machine->engine), &error), &error);
    uint64_t seq = machine_put(machine, machine->shared, 0, row_of(1));
    client_wait(&after, has_commit, seq);
    assert_int_equal(after.heard[0].operation, LIVE_INSERT);
    client_close(&live);
    client_close(&late);
    client_close(&after);
    client_open(&late, machine);
    request = client_request(&late, machine->shared);
    client_subscribe(&late, &request);
    assert_ok(live_seek(late.subscription, before, &error), &error);
    assert_status(STATUS_QUERY_CANCELED, live_go(late.subscription, before, &error));
    client_expect_ending(&late, LIVE_END_TRUNCATED);
    client_close(&late);
}

static void edit(Machine *machine, const TableEdit *edit)
{
    Error error;
    assert_ok(catalog_edit_table(machine->catalog, edit, INT64_MAX, &error), &error);
}

static void add_column(Machine *machine)
{
    TableEdit add = {.kind = EDIT_ADD_COLUMN,
                     .table_id = machine->shared,
                     .added = {.name = SLICE("extra"),
                               .type = TYPE(BIGINT),
                               .key_position = -1,
                               .initial_default = value_null(TYPE_BIGINT)}};
    edit(machine, &add);
}

static void check_name(const Client *client, size_t at, const char *name)
{
    Value value;
    assert_true(client->heard_count > at);
    Slice row = client->heard[at].row;
    assert_true(row_check(&client->schema->layout, row));
    row_get(&client->schema->layout, row, COLUMN_NAME, &value);
    assert_slice(value.as.bytes, name);
}

/* Whoever subscribed before goes on in the columns he knows: added ones are not his, renamed ones
 * are. One that he uses and that goes ends it; one that he does not use does not. */
static void an_altered_table_goes_on_where_it_can(void **state)
{
    static const uint32_t few[] = {COLUMN_NAME};
    Machine *machine = *state;
    Client all, some, late, late_all;
    Error error;
    start(&all, machine, machine->shared);
    client_open(&late_all, machine);
    LiveRequest whole = client_request(&late_all, machine->shared);
    client_subscribe(&late_all, &whole);
    client_open(&some, machine);
    LiveRequest request = client_request(&some, machine->shared);
    request.columns = few;
    request.column_count = 1;
    (void)client_start(&some, &request);
    client_open(&late, machine);
    request = client_request(&late, machine->shared);
    request.columns = few;
    request.column_count = 1;
    client_subscribe(&late, &request);
    uint64_t pinned = engine_visible(machine->engine);
    (void)machine_put(machine, machine->shared, 0, row_of(1));
    add_column(machine);
    edit(machine, &(TableEdit){.kind = EDIT_RENAME_COLUMN,
                               .table_id = machine->shared,
                               .column = COLUMN_NAME,
                               .text = SLICE("title")});
    uint64_t seq = machine_put(machine, machine->shared, 0, row_of(2));
    client_wait(&all, has_commit, seq);
    check_name(&all, 1, "x");
    edit(
        machine,
        &(TableEdit){.kind = EDIT_DROP_COLUMN, .table_id = machine->shared, .column = COLUMN_ROOM});
    client_expect_ending(&all, LIVE_END_ALTERED);
    seq = machine_put(machine, machine->shared, 0, row_of(3));
    client_wait(&some, has_commit, seq);
    assert_false(some.is_ended);
    check_name(&some, 2, "x");
    assert_ok(live_go(late.subscription, pinned, &error), &error);
    assert_int_equal(late.heard_count, 3);
    check_name(&late, 2, "x");
    assert_status(STATUS_QUERY_CANCELED, live_go(late_all.subscription, pinned, &error));
    client_expect_ending(&late_all, LIVE_END_ALTERED);
    assert_int_equal(late_all.heard_count, 1); /* as soon as it meets an ALTER */
    client_close(&late_all);
    client_close(&all);
    client_close(&some);
    client_close(&late);
}

static void a_filters_column_that_goes_ends_it(void **state)
{
    static const uint32_t few[] = {COLUMN_NAME};
    Machine *machine = *state;
    Client client, late;
    Error error;
    Arena arena;
    arena_open(&arena, 0);
    client_open(&client, machine);
    client_open(&late, machine);
    LiveRequest request = client_request(&client, machine->shared);
    request.columns = few;
    request.column_count = 1;
    request.filter =
        compare_node(&arena, COMPARE_EQUAL, column_node(&arena, request.schema, COLUMN_ROOM),
                     integer_node(&arena, 3));
    (void)client_start(&client, &request);
    request.sink.context = &late;
    client_subscribe(&late, &request);
    uint64_t pinned = engine_visible(machine->engine);
    edit(
        machine,
        &(TableEdit){.kind = EDIT_DROP_COLUMN, .table_id = machine->shared, .column = COLUMN_ROOM});
    client_expect_ending(&client, LIVE_END_ALTERED);
    assert_status(STATUS_QUERY_CANCELED, live_go(late.subscription, pinned, &error));
    client_expect_ending(&late, LIVE_END_ALTERED);
    client_close(&client);
    client_close(&late);
    arena_close(&arena);
}

/* ---- by its filter ---- */

static Expression *dividing_filter(Arena *arena, const Schema *schema)
{
    Expression *quotient = call_node(arena, "int8_divide", TYPE(BIGINT), integer_node(arena, 10),
                                     column_node(arena, schema, COLUMN_ID));
    return compare_node(arena, COMPARE_GREATER, quotient, integer_node(arena, 3));
}

static void a_filter_that_fails_says_why(void **state)
{
    Machine *machine = *state;
    Client live, late, other;
    Error error;
    Arena arena;
    arena_open(&arena, 0);
    client_open(&live, machine);
    client_open(&late, machine);
    start(&other, machine, machine->shared);
    LiveRequest request = client_request(&live, machine->shared);
    request.filter = dividing_filter(&arena, request.schema);
    (void)client_start(&live, &request);
    request.sink.context = &late;
    client_subscribe(&late, &request);
    uint64_t pinned = engine_visible(machine->engine);
    (void)machine_put(machine, machine->shared, 0, row_of(1));
    uint64_t seq = machine_put(machine, machine->shared, 0, row_of(0));
    client_wait(&other, has_commit, seq);
    client_expect_ending(&live, LIVE_END_FILTER);
    assert_string_equal(live.detail, "division by zero");
    assert_int_equal(live.heard_count, 1);
    assert_status(STATUS_QUERY_CANCELED, live_go(late.subscription, pinned, &error));
    client_expect_ending(&late, LIVE_END_FILTER);
    assert_string_equal(late.detail, "division by zero");
    assert_false(other.is_ended);
    client_close(&live);
    client_close(&late);
    client_close(&other);
    arena_close(&arena);
}

/* ---- refused to begin with ---- */

static void expect_refusal(Machine *machine, const LiveRequest *request, Status wanted)
{
    LiveSubscription *subscription;
    LiveStatistics statistics;
    Error error;
    assert_status(wanted, live_subscribe(machine->live, request, &subscription, &error));
    live_statistics(machine->live, &statistics);
    assert_int_equal(statistics.subscriptions, 0);
}

static void what_cannot_be_followed_is_refused(void **state)
{
    Machine *machine = *state;
    Client client;
    Arena arena;
    arena_open(&arena, 0);
    client_open(&client, machine);
    LiveRequest request = client_request(&client, machine->shared);
    Expression *moment = node_of(&arena, EXPRESSION_SYSTEM, TYPE(BIGINT), 0);
    moment->index = SYSTEM_SEQ;
    request.filter = compare_node(&arena, COMPARE_GREATER, moment, integer_node(&arena, 3));
    expect_refusal(machine, &request, STATUS_FEATURE_NOT_SUPPORTED);
    Expression *call = dividing_filter(&arena, request.schema);
    call->children[0]->is_volatile = true;
    request.filter = call;
    expect_refusal(machine, &request, STATUS_FEATURE_NOT_SUPPORTED);
    request.filter = NULL;
    client.is_allowed = false;
    expect_refusal(machine, &request, STATUS_INSUFFICIENT_PRIVILEGE);
    client.is_allowed = true;
    add_column(machine);
    expect_refusal(machine, &request, STATUS_SCHEMA_CHANGED);
    client_close(&client);
    arena_close(&arena);
}

static void there_is_an_end_to_how_many(void **state)
{
    Machine machine = {.options = LIVE_OPTIONS_DEFAULT};
    Client one, two, three;
    LiveSubscription *subscription;
    Error error;
    (void)state;
    machine.options.subscriptions_max = 2;
    machine_open(&machine);
    start(&one, &machine, machine.shared);
    start(&two, &machine, machine.owned);
    client_open(&three, &machine);
    LiveRequest request = client_request(&three, machine.shared);
    assert_status(STATUS_TOO_MANY_REQUESTS,
                  live_subscribe(machine.live, &request, &subscription, &error));
    client_close(&one);
    (void)client_start(&three, &request);
    client_close(&two);
    client_close(&three);
    machine_close(&machine);
}

/* ---- the list ---- */

static void the_list_says_what_there_is(void **state)
{
    Machine *machine = *state;
    Client one, two;
    LiveInformation *rows;
    size_t count;
    Error error;
    Arena arena;
    arena_open(&arena, 0);
    start(&one, machine, machine->shared);
    one.queued = 77;
    client_open(&two, machine);
    LiveRequest request = client_request(&two, machine->owned);
    request.user_id = machine->owners[1];
    client_subscribe(&two, &request);
    uint64_t seq = machine_put(machine, machine->shared, 0, row_of(1));
    client_wait(&one, has_commit, seq);
    machine_settle(machine, machine->shared);
    assert_ok(live_list(machine->live, false, 0, &arena, &rows, &count, &error), &error);
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].live_id, live_subscription_id(one.subscription));
    assert_slice(rows[0].namespace_name, "app");
    assert_slice(rows[0].table_name, "shared");
    assert_slice(rows[0].sql, "SUBSCRIBE TO app.shared");
    assert_string_equal(live_filter_kind_name(rows[0].filter_kind), "none");
    assert_string_equal(live_state_name(rows[0].state), "live");
    assert_true(rows[0].last_seq >= seq);
    assert_int_equal(rows[0].changes_sent, 3); /* and two of machine_settle */
    assert_int_equal(rows[0].queued_bytes, 77);
    assert_string_equal(live_state_name(rows[1].state), "starting");
    assert_ok(live_list(machine->live, true, machine->owners[1], &arena, &rows, &count, &error),
              &error);
    assert_int_equal(count, 1);
    assert_slice(rows[0].table_name, "owned");
    client_close(&one);
    client_close(&two);
    arena_close(&arena);
}

#define WITH_MACHINE(test) cmocka_unit_test_setup_teardown(test, open_machine, close_machine)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MACHINE(a_slow_client_begins_anew_and_nobody_waits),
        WITH_MACHINE(a_client_without_memory_begins_anew),
        WITH_MACHINE(a_closed_client_is_not_told),
        WITH_MACHINE(a_live_query_is_killed_by_its_id),
        WITH_MACHINE(one_that_has_not_begun_can_be_killed),
        WITH_MACHINE(rights_that_are_gone_end_it),
        WITH_MACHINE(a_stop_ends_them_all),
        WITH_MACHINE(a_table_that_is_dropped_ends_it),
        WITH_MACHINE(a_drop_need_not_wait_for_the_fan_out),
        WITH_MACHINE(a_table_that_is_truncated_is_to_be_read_anew),
        WITH_MACHINE(an_altered_table_goes_on_where_it_can),
        WITH_MACHINE(a_filters_column_that_goes_ends_it),
        WITH_MACHINE(a_filter_that_fails_says_why),
        WITH_MACHINE(what_cannot_be_followed_is_refused),
        cmocka_unit_test(there_is_an_end_to_how_many),
        WITH_MACHINE(the_list_says_what_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
