/* Subscriptions: initial rows, their batches and options, changes, resuming. */
#include "tests/unit/database/opened.h"

typedef struct Client {
    char text[8192]; /* what came, in short */
    uint64_t live_seq;
    uint64_t last_commit;
    _Atomic bool is_changed;
} Client;

static void note(Client *client, const char *format, ...)
{
    size_t size = strlen(client->text);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(client->text + size, sizeof client->text - size, format, arguments);
    va_end(arguments);
}

static Status hear_subscribed(void *context, LiveSubscription *subscription,
                              const ResultColumn *columns, const bool *is_key, uint32_t count,
                              uint64_t snapshot_seq, Error *error)
{
    (void)subscription, (void)snapshot_seq, (void)error;
    for (uint32_t i = 0; i < count; i++)
        note(context, "%.*s%s ", SLICE_ARGUMENTS(columns[i].name), is_key[i] ? "*" : "");
    return OK;
}

static Status hear_rows(void *context, Slice json, uint64_t count, bool more, Error *error)
{
    (void)count, (void)error;
    note(context, "rows %.*s%s ", SLICE_ARGUMENTS(json), more ? " +" : ".");
    return OK;
}

static LiveTaken hear_changes(void *context, const LiveBatch *batch)
{
    Client *client = context;
    for (size_t i = 0; i < batch->count; i++)
        note(client, "%s ", live_operation_name(batch->changes[i].operation));
    client->last_commit = batch->commit;
    atomic_store(&client->is_changed, true);
    return LIVE_TAKEN;
}

static void hear_live(void *context, uint64_t seq)
{
    note(context, "live ");
    ((Client *)context)->live_seq = seq;
}

static void hear_end(void *context, LiveEnding ending, const char *detail)
{
    (void)detail;
    note(context, "ended: %s ", live_ending_reason(ending));
}

static bool always(void *context)
{
    (void)context;
    return true;
}

static SubscribeRequest request_of(Client *client, const char *sql)
{
    return (SubscribeRequest){.text = slice_of_text(sql),
                              .options = SUBSCRIBE_OPTIONS_NONE,
                              .sink = {.context = client,
                                       .subscribed = hear_subscribed,
                                       .rows = hear_rows,
                                       .live = {.context = client,
                                                .deliver = hear_changes,
                                                .live = hear_live,
                                                .ended = hear_end,
                                                .allowed = always}}};
}

static void subscribe_and_leave(Opened *opened, const SubscribeRequest *request)
{
    LiveSubscription *subscription;
    Error error;
    assert_ok(database_subscribe(opened->database, &opened->root, request, &subscription, &error),
              &error);
    live_unsubscribe(subscription);
    live_subscription_release(subscription);
}

static void make_rows(Opened *opened)
{
    expect(opened,
           "CREATE NAMESPACE app; CREATE TABLE app.t (id INT PRIMARY KEY, s TEXT);"
           "INSERT INTO app.t VALUES (3, 'c'); INSERT INTO app.t VALUES (1, 'a');"
           "INSERT INTO app.t VALUES (2, 'b'); INSERT INTO app.t VALUES (4, 'd')",
           "");
}

static void rows_come_in_batches_by_key(void **state)
{
    Opened *opened = *state;
    Client client = {.text = ""};
    SubscribeRequest request = request_of(&client, "SELECT s FROM app.t WHERE id <> 2");
    make_rows(opened);
    request.options.batch_size = 2;
    subscribe_and_leave(opened, &request);
    assert_string_equal(client.text, "s id* rows [\"a\",1],[\"c\",3] + rows [\"d\",4]. live ");
}

static void the_last_rows_are_the_newest(void **state)
{
    Opened *opened = *state;
    Client client = {.text = ""};
    SubscribeRequest request = request_of(&client, "SUBSCRIBE TO app.t");
    make_rows(opened);
    request.options.last_rows = 3; /* 1, 2 and 4 were written last */
    subscribe_and_leave(opened, &request);
    assert_string_equal(client.text, "id* s rows [1,\"a\"],[2,\"b\"],[4,\"d\"]. live ");
    memset(&client, 0, sizeof client);
    request.options.last_rows = 0;
    subscribe_and_leave(opened, &request);
    assert_string_equal(client.text, "id* s rows . live ");
}

static void options_of_the_text_and_of_the_message(void **state)
{
    Opened *opened = *state;
    Client client = {.text = ""};
    SubscribeRequest request =
        request_of(&client, "SUBSCRIBE TO app.t WHERE id > 1 OPTIONS (last_rows=1)");
    make_rows(opened);
    subscribe_and_leave(opened, &request);
    assert_string_equal(client.text, "id* s rows [4,\"d\"]. live ");
    memset(&client, 0, sizeof client);
    request.options.last_rows = 2;
    subscribe_and_leave(opened, &request);
    assert_string_equal(client.text, "id* s rows [2,\"b\"],[4,\"d\"]. live ");
}

static void large_values_are_named_by_their_size(void **state)
{
    Opened *opened = *state;
    Client client = {.text = ""};
    SubscribeRequest request = request_of(&client, "SELECT * FROM app.t WHERE id = 9");
    make_rows(opened);
    expect(opened, "INSERT INTO app.t VALUES (9, repeat('x', 300000))", "");
    subscribe_and_leave(opened, &request);
    assert_string_equal(client.text, "id* s rows [9,{\"large\":300000}]. live ");
}

/* From the commit that was heard last: what came after, and no rows. */
static void a_subscription_is_resumed(void **state)
{
    Opened *opened = *state;
    Client client = {.text = ""};
    LiveSubscription *subscription;
    Error error;
    SubscribeRequest request = request_of(&client, "SELECT id FROM app.t");
    make_rows(opened);
    assert_ok(database_subscribe(opened->database, &opened->root, &request, &subscription, &error),
              &error);
    expect(opened, "INSERT INTO app.t VALUES (5, 'e')", "");
    for (int i = 0; i < 1000 && !atomic_load(&client.is_changed); i++)
        env_sleep_ns(env_real(), 5000000);
    live_unsubscribe(subscription);
    live_subscription_release(subscription);
    uint64_t seen = client.last_commit;
    assert_true(seen > client.live_seq);
    expect(opened, "UPDATE app.t SET s = 'f' WHERE id = 5; DELETE FROM app.t WHERE id = 1", "");
    memset(&client, 0, sizeof client);
    request.options.from_seq = (int64_t)seen;
    subscribe_and_leave(opened, &request);
    assert_string_equal(client.text, "id* update delete live ");
    request.options.from_seq = INT64_C(1) << 60;
    assert_status(
        database_subscribe(opened->database, &opened->root, &request, &subscription, &error),
        STATUS_NOT_FOUND);
    assert_null(subscription);
}

static void what_cannot_be_followed_is_named(void **state)
{
    Opened *opened = *state;
    static const struct {
        const char *sql;
        Status status;
        const char *text;
    } cases[] = {
        {"SELECT count(*) FROM app.t", STATUS_FEATURE_NOT_SUPPORTED, "aggregates"},
        {"SELECT id FROM app.t ORDER BY id", STATUS_FEATURE_NOT_SUPPORTED, "ORDER BY"},
        {"SELECT * FROM system.jobs", STATUS_FEATURE_NOT_SUPPORTED,
         "system tables cannot be subscribed to"},
        {"INSERT INTO app.t VALUES (1, 'x')", STATUS_FEATURE_NOT_SUPPORTED,
         "anything but a SELECT"},
        {"SELECT * FROM app.missing", STATUS_UNDEFINED_TABLE, "app.missing"},
    };
    Client client = {.text = ""};
    LiveSubscription *subscription;
    Error error;
    make_rows(opened);
    for (size_t i = 0; i < COUNT(cases); i++) {
        SubscribeRequest request = request_of(&client, cases[i].sql);
        assert_status(
            database_subscribe(opened->database, &opened->root, &request, &subscription, &error),
            cases[i].status);
        assert_contains(error.message, cases[i].text);
        assert_null(subscription);
    }
    SubscribeRequest request = request_of(&client, "SELECT * FROM app.t");
    request.options.batch_size = 0;
    assert_status(
        database_subscribe(opened->database, &opened->root, &request, &subscription, &error),
        STATUS_INVALID_PARAMETER_VALUE);
    assert_string_equal(client.text, "");
}

static void a_private_table_is_not_watched_by_users(void **state)
{
    Opened *opened = *state;
    Client client = {.text = ""};
    DatabaseSession ann;
    LiveSubscription *subscription;
    Error error;
    SubscribeRequest request = request_of(&client, "SELECT * FROM app.t");
    make_rows(opened);
    expect(opened, "CREATE USER 'ann' WITH PASSWORD 'x' ROLE user", "");
    assert_ok(database_session_as(opened->database, SLICE("ann"), &ann, &error), &error);
    assert_status(database_subscribe(opened->database, &ann, &request, &subscription, &error),
                  STATUS_INSUFFICIENT_PRIVILEGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_come_in_batches_by_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_rows_are_the_newest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(options_of_the_text_and_of_the_message, set_up, tear_down),
        cmocka_unit_test_setup_teardown(large_values_are_named_by_their_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_subscription_is_resumed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_followed_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_private_table_is_not_watched_by_users, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
