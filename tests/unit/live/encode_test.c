/* What clients read: the messages' JSON, that it is written once for all who get the same, and what
 * gives way where a message is full. */
#include "base/json.h"
#include "tests/unit/live/client.h"

/* A sink that keeps the messages of one batch as texts. */
enum { TEXTS_MAX = 64 };

typedef struct Reader {
    Client client;
    size_t bytes_max;
    const uint32_t *columns;
    uint32_t column_count;
    char *texts[TEXTS_MAX];
    const void *frames[TEXTS_MAX];
    size_t count;
    Status status;
} Reader;

static LiveTaken reader_deliver(void *context, const LiveBatch *batch)
{
    Reader *reader = context;
    const LiveMessage *messages;
    size_t count;
    Error error;
    mutex_lock(&reader->client.mutex);
    reader->status = live_encode(batch, reader->bytes_max, &messages, &count, &error);
    for (size_t i = 0; reader->status == OK && i < count && reader->count < TEXTS_MAX; i++) {
        Slice body = live_plain_frame_body(messages[i].frame);
        reader->frames[reader->count] = messages[i].frame;
        reader->texts[reader->count++] = strndup((const char *)body.data, body.size);
        assert_int_equal(body.size, messages[i].body_size);
        assert_true(body.size <= reader->bytes_max);
    }
    reader->client.commit = batch->commit;
    reader->client.is_open = batch->more;
    condition_broadcast(&reader->client.told);
    mutex_unlock(&reader->client.mutex);
    return LIVE_TAKEN;
}

static void reader_start(Reader *reader, Machine *machine, size_t bytes_max,
                         const uint32_t *columns, uint32_t count)
{
    *reader = (Reader){.bytes_max = bytes_max};
    client_open(&reader->client, machine);
    LiveRequest request = client_request(&reader->client, machine->shared);
    request.sink.context = reader; /* the client is its beginning */
    request.sink.deliver = reader_deliver;
    if (columns != NULL) {
        request.columns = columns;
        request.column_count = count;
    }
    (void)client_start(&reader->client, &request);
}

static void reader_stop(Reader *reader)
{
    client_close(&reader->client);
    for (size_t i = 0; i < reader->count; i++)
        free(reader->texts[i]);
}

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

/* ---- the bytes ---- */

/* `rest` follows the two sequences. */
static void expect_text(const Reader *reader, size_t at, uint64_t seq, const char *rest)
{
    char wanted[512];
    unsigned long long n = seq;
    assert_true(at < reader->count);
    (void)snprintf(wanted, sizeof wanted, ",\"commit\":%llu,\"changes\":[{\"seq\":%llu,%s", n, n,
                   rest);
    assert_string_equal(reader->texts[at], wanted);
}

static void changes_read_as_the_protocol_has_them(void **state)
{
    Machine *machine = *state;
    Reader reader;
    Buffer prefix;
    reader_start(&reader, machine, 1 << 20, NULL, 0);
    uint64_t first = machine_put(machine, machine->shared, 0, (TestRow){1, 2, "a\"b", 150, "xy"});
    uint64_t second = machine_put(machine, machine->shared, 0, (TestRow){1, 3, NULL, 0, NULL});
    uint64_t third = machine_delete(machine, machine->shared, 0, 1);
    client_wait(&reader.client, has_commit, third);
    expect_text(&reader, 0, first,
                "\"op\":\"insert\","
                "\"row\":[1,2,\"a\\\"b\",\"1.50\",\"xy    \"]}]}");
    expect_text(&reader, 1, second,
                "\"op\":\"update\","
                "\"row\":[1,3,null,\"0.00\",null],\"old\":[1,2,\"a\\\"b\",\"1.50\",\"xy    \"]}]}");
    expect_text(&reader, 2, third,
                "\"op\":\"delete\","
                "\"old\":[1,3,null,\"0.00\",null]}]}");
    buffer_open(&prefix, 0);
    live_put_prefix(&prefix, SLICE("a\"1"));
    assert_slice(buffer_slice(&prefix), "{\"type\":\"changes\",\"id\":\"a\\\"1\"");
    buffer_close(&prefix);
    reader_stop(&reader);
}

/* What stood there before has no sequence any more. */
static void system_columns_can_be_sent(void **state)
{
    static const uint32_t columns[] = {LIVE_COLUMN_SEQ, COLUMN_ID};
    Machine *machine = *state;
    Reader reader;
    char wanted[256];
    reader_start(&reader, machine, 1 << 20, columns, 2);
    (void)machine_put(machine, machine->shared, 0, (TestRow){.id = 7});
    uint64_t seq = machine_put(machine, machine->shared, 0, (TestRow){.id = 7, .room = 1});
    client_wait(&reader.client, has_commit, seq);
    (void)snprintf(wanted, sizeof wanted, "\"row\":[%llu,7],\"old\":[null,7]",
                   (unsigned long long)seq);
    assert_non_null(strstr(reader.texts[1], wanted));
    reader_stop(&reader);
}

/* ---- sharing ---- */

static void the_same_is_written_once(void **state)
{
    enum { READERS = 50 };
    static const uint32_t few[] = {COLUMN_ID};
    Machine *machine = *state;
    Reader *readers = calloc(READERS, sizeof(Reader));
    Reader other;
    LiveStatistics statistics;
    assert_non_null(readers);
    for (size_t i = 0; i < READERS; i++)
        reader_start(&readers[i], machine, 1 << 20, NULL, 0);
    reader_start(&other, machine, 1 << 20, few, 1);
    uint64_t seq = machine_put(machine, machine->shared, 0, (TestRow){.id = 1});
    for (size_t i = 0; i < READERS; i++)
        client_wait(&readers[i].client, has_commit, seq);
    client_wait(&other.client, has_commit, seq);
    machine_settle(machine, machine->owned); /* by then it is counted */
    for (size_t i = 1; i < READERS; i++) {
        assert_ptr_equal(readers[i].frames[0], readers[0].frames[0]);
        assert_string_equal(readers[i].texts[0], readers[0].texts[0]);
    }
    assert_ptr_not_equal(other.frames[0], readers[0].frames[0]);
    assert_non_null(strstr(other.texts[0], "\"row\":[1]}"));
    live_statistics(machine->live, &statistics);
    assert_int_equal(statistics.encoded, 2);
    assert_int_equal(statistics.encoded_shared, READERS - 1);
    for (size_t i = 0; i < READERS; i++)
        reader_stop(&readers[i]);
    reader_stop(&other);
    free(readers);
}

/* ---- full messages ---- */

static void a_transaction_takes_several_messages(void **state)
{
    enum { ROWS = 20 };
    Machine *machine = *state;
    Reader reader;
    TestWrite writes[ROWS] = {{0}};
    size_t changes = 0;
    for (int64_t i = 0; i < ROWS; i++)
        writes[i].row = (TestRow){.id = i, .name = "a name"};
    reader_start(&reader, machine, 300, NULL, 0);
    uint64_t seq = machine_write(machine, machine->shared, writes, ROWS);
    client_wait(&reader.client, has_commit, seq);
    assert_true(reader.count > 3);
    for (size_t i = 0; i < reader.count; i++) {
        const char *text = reader.texts[i];
        bool more = strstr(text, "],\"more\":true}") != NULL;
        assert_true(more == (i + 1 < reader.count));
        for (const char *at = text; (at = strstr(at, "\"op\"")) != NULL; at++)
            changes++;
    }
    assert_int_equal(changes, ROWS);
    reader_stop(&reader);
}

static void a_large_value_gives_way_to_its_size(void **state)
{
    Machine *machine = *state;
    Reader reader;
    char name[3000];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    reader_start(&reader, machine, 1000, NULL, 0);
    uint64_t seq = machine_put(machine, machine->shared, 0, (TestRow){.id = 1, .name = name});
    client_wait(&reader.client, has_commit, seq);
    assert_non_null(strstr(reader.texts[0], "\"row\":[1,0,{\"large\":2999},\"0.00\",null]"));
    reader_stop(&reader);
}

static void a_message_too_small_for_anything_is_an_error(void **state)
{
    Machine *machine = *state;
    Reader reader;
    reader_start(&reader, machine, 80, NULL, 0);
    uint64_t seq = machine_put(machine, machine->shared, 0, (TestRow){.id = 1, .name = "n"});
    client_wait(&reader.client, has_commit, seq);
    assert_status(STATUS_PROGRAM_LIMIT_EXCEEDED, reader.status);
    assert_int_equal(reader.count, 0);
    reader_stop(&reader);
}

#define WITH_MACHINE(test) cmocka_unit_test_setup_teardown(test, open_machine, close_machine)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_MACHINE(changes_read_as_the_protocol_has_them),
        WITH_MACHINE(system_columns_can_be_sent),
        WITH_MACHINE(the_same_is_written_once),
        WITH_MACHINE(a_transaction_takes_several_messages),
        WITH_MACHINE(a_large_value_gives_way_to_its_size),
        WITH_MACHINE(a_message_too_small_for_anything_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
