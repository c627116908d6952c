/* Frames over a socket pair: whole, in pieces, with descriptors, from a hostile side; and the
 * regions that come with them. */
#include <fcntl.h>

#include "tests/unit/worker/harness.h"
#include "worker/region.h"

typedef struct Pair {
    Channel server; /* takes no descriptors */
    Channel worker;
} Pair;

static void pair_open(Pair *pair, size_t body_bytes_max)
{
    int sockets[2];
    assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets));
    channel_open(&pair->server, env_real(), sockets[0], false, body_bytes_max);
    channel_open(&pair->worker, env_real(), sockets[1], true, body_bytes_max);
}

static void pair_close(Pair *pair)
{
    channel_close(&pair->server);
    channel_close(&pair->worker);
}

static int64_t soon(int64_t milliseconds)
{
    return env_monotonic_ns(env_real()) + milliseconds * 1000000;
}

static int open_descriptors(void)
{
    int count = 0;
    for (int i = 0; i < 1024; i++)
        count += fcntl(i, F_GETFD) >= 0;
    return count;
}

static void frames_come_whole(void **state)
{
    (void)state;
    Pair pair;
    Frame frame;
    Error error;
    pair_open(&pair, 1 << 20);
    assert_false(channel_is_readable(&pair.worker));
    assert_int_equal(OK,
                     channel_send(&pair.server, 7, 99, SLICE("body"), NULL, 0, INT64_MAX, &error));
    assert_int_equal(OK,
                     channel_send(&pair.server, 8, 100, SLICE_EMPTY, NULL, 0, INT64_MAX, &error));
    assert_true(channel_is_readable(&pair.worker));
    assert_int_equal(OK, channel_receive(&pair.worker, INT64_MAX, &frame, &error));
    assert_int_equal(7, frame.kind);
    assert_int_equal(99, frame.statement);
    assert_true(slice_equal_text(frame.body, "body"));
    assert_int_equal(OK, channel_receive(&pair.worker, INT64_MAX, &frame, &error));
    assert_int_equal(8, frame.kind);
    assert_int_equal(0, frame.body.size);
    assert_int_equal(STATUS_QUERY_CANCELED, channel_receive(&pair.worker, soon(5), &frame, &error));
    channel_close(&pair.server);
    assert_int_equal(STATUS_CONNECTION_FAILURE,
                     channel_receive(&pair.worker, INT64_MAX, &frame, &error));
    pair_close(&pair);
}

static void write_pieces(void *argument)
{
    Pair *pair = argument;
    const uint8_t bytes[] = {3, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 'c'};
    for (size_t i = 0; i < sizeof bytes; i++) {
        assert_int_equal(1, write(pair->server.descriptor, bytes + i, 1));
        env_sleep_ns(env_real(), 200000);
    }
}

static void frames_come_in_pieces(void **state)
{
    (void)state;
    Pair pair;
    Frame frame;
    Error error;
    Thread *thread;
    pair_open(&pair, 100);
    assert_int_equal(
        OK, thread_start(env_real(), "pieces", 1 << 16, write_pieces, &pair, &thread, &error));
    assert_int_equal(OK, channel_receive(&pair.worker, INT64_MAX, &frame, &error));
    assert_true(slice_equal_text(frame.body, "abc"));
    thread_join(thread);
    pair_close(&pair);
}

static void send_large(void *argument)
{
    Pair *pair = argument;
    uint8_t *body = calloc(1, 8 << 20);
    Error error;
    assert_int_equal(
        OK, channel_send(&pair->server, 1, 2, slice_of(body, 8 << 20), NULL, 0, INT64_MAX, &error));
    free(body);
}

static void large_frames_wait_for_their_reader(void **state)
{
    (void)state;
    Pair pair;
    Frame frame;
    Error error;
    Thread *thread;
    pair_open(&pair, 16 << 20);
    uint8_t *body = calloc(1, 8 << 20);
    assert_int_equal(
        STATUS_QUERY_CANCELED,
        channel_send(&pair.server, 1, 2, slice_of(body, 8 << 20), NULL, 0, soon(20), &error));
    free(body);
    pair_close(&pair);
    pair_open(&pair, 16 << 20);
    assert_int_equal(
        OK, thread_start(env_real(), "large", 1 << 16, send_large, &pair, &thread, &error));
    assert_int_equal(OK, channel_receive(&pair.worker, INT64_MAX, &frame, &error));
    assert_int_equal(8 << 20, frame.body.size);
    thread_join(thread);
    assert_int_equal(OK, channel_send(&pair.server, 1, 3, SLICE("x"), NULL, 0, INT64_MAX, &error));
    assert_int_equal(OK, channel_receive(&pair.worker, INT64_MAX, &frame, &error));
    assert_true(pair.worker.body.capacity <= CHANNEL_KEPT_BYTES_MAX);
    pair_close(&pair);
}

static void descriptors_go_to_who_takes_them(void **state)
{
    (void)state;
    Pair pair;
    Frame frame;
    Error error;
    pair_open(&pair, 100);
    int files[DESCRIPTORS_MAX];
    for (int i = 0; i < DESCRIPTORS_MAX; i++)
        files[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int before = open_descriptors();
    assert_int_equal(OK, channel_send(&pair.server, 1, 2, SLICE("x"), files, DESCRIPTORS_MAX,
                                      INT64_MAX, &error));
    assert_int_equal(OK, channel_receive(&pair.worker, INT64_MAX, &frame, &error));
    assert_int_equal(DESCRIPTORS_MAX, frame.descriptor_count);
    assert_true(fcntl(frame.descriptors[5], F_GETFD) & FD_CLOEXEC);
    frame_drop_descriptors(&frame);
    assert_int_equal(before, open_descriptors());
    /* the server drops whatever a worker sends it */
    assert_int_equal(OK, channel_send(&pair.worker, 1, 2, SLICE("x"), files, 3, INT64_MAX, &error));
    assert_int_equal(OK, channel_receive(&pair.server, INT64_MAX, &frame, &error));
    assert_int_equal(0, frame.descriptor_count);
    assert_int_equal(before, open_descriptors());
    for (int i = 0; i < DESCRIPTORS_MAX; i++)
        (void)close(files[i]);
    pair_close(&pair);
}

static void expect_no_frame(const uint8_t *bytes, size_t size)
{
    Pair pair;
    Frame frame;
    Error error;
    pair_open(&pair, 100);
    assert_int_equal((ssize_t)size, write(pair.worker.descriptor, bytes, size));
    assert_int_equal(STATUS_PROTOCOL_VIOLATION,
                     channel_receive(&pair.server, INT64_MAX, &frame, &error));
    pair_close(&pair);
}

static void hostile_bytes_are_no_frames(void **state)
{
    (void)state;
    const uint8_t too_large[16] = {101, 0, 0, 0, 1};
    const uint8_t enormous[16] = {0xff, 0xff, 0xff, 0xff, 1};
    const uint8_t reserved[16] = {0, 0, 0, 0, 1, 0, 1};
    expect_no_frame(too_large, 16);
    expect_no_frame(enormous, 16);
    expect_no_frame(reserved, 16);
    Pair pair;
    Frame frame;
    Error error;
    const uint8_t announced[16] = {0, 0, 0, 0, 1, 2}; /* descriptors that do not come */
    pair_open(&pair, 100);
    assert_int_equal(16, write(pair.server.descriptor, announced, 16));
    assert_int_equal(STATUS_PROTOCOL_VIOLATION,
                     channel_receive(&pair.worker, INT64_MAX, &frame, &error));
    pair_close(&pair);
    pair_open(&pair, 100);
    assert_int_equal(10, write(pair.server.descriptor, announced, 10)); /* and half a header */
    channel_close(&pair.server);
    assert_int_equal(STATUS_CONNECTION_FAILURE,
                     channel_receive(&pair.worker, INT64_MAX, &frame, &error));
    pair_close(&pair);
}

static void interrupt(void *argument)
{
    env_sleep_ns(env_real(), 10000000);
    channel_interrupt(argument);
}

static void an_interrupt_ends_a_wait(void **state)
{
    (void)state;
    Pair pair;
    Frame frame;
    Error error;
    Thread *thread;
    pair_open(&pair, 100);
    assert_int_equal(OK, thread_start(env_real(), "interrupt", 1 << 16, interrupt, &pair.server,
                                      &thread, &error));
    assert_int_equal(STATUS_CONNECTION_FAILURE,
                     channel_receive(&pair.server, INT64_MAX, &frame, &error));
    thread_join(thread);
    pair_close(&pair);
}

/* ---- regions ---- */

static void regions_are_mapped_once_and_forgotten(void **state)
{
    (void)state;
    RegionTable table = {.regions = {.count = 0}};
    TestRegion region;
    Error error;
    region_make(&region, 1, 8192);
    region.data[5000] = 42;
    for (uint64_t id = 50; id > 0; id--)
        assert_int_equal(OK, region_add(&table, id * 3, 8192, region.descriptor, &error));
    assert_int_equal(STATUS_PROTOCOL_VIOLATION,
                     region_add(&table, 9, 8192, region.descriptor, &error));
    assert_int_equal(STATUS_PROTOCOL_VIOLATION,
                     region_add(&table, 1000, 8193, region.descriptor, &error));
    assert_int_equal(STATUS_PROTOCOL_VIOLATION,
                     region_add(&table, 1000, 0, region.descriptor, &error));
    for (uint64_t id = 1; id <= 50; id++) {
        const Region *found = region_find(&table, id * 3);
        assert_non_null(found);
        assert_int_equal(42, found->data[5000]);
        assert_null(region_find(&table, id * 3 + 1));
    }
    assert_int_equal(OK, region_forget(&table, 9, &error));
    assert_null(region_find(&table, 9));
    assert_int_equal(STATUS_PROTOCOL_VIOLATION, region_forget(&table, 9, &error));
    for (int64_t n = 1; n <= 2; n++) {
        memory_fail_at(n, 1);
        Status status = region_add(&table, 5000 + (uint64_t)n, 8192, region.descriptor, &error);
        memory_fail_at(0, 0);
        assert_true(status == OK || status == STATUS_OUT_OF_MEMORY);
    }
    region_table_close(&table);
    region_end(&region);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_whole),
        cmocka_unit_test(frames_come_in_pieces),
        cmocka_unit_test(large_frames_wait_for_their_reader),
        cmocka_unit_test(descriptors_go_to_who_takes_them),
        cmocka_unit_test(hostile_bytes_are_no_frames),
        cmocka_unit_test(an_interrupt_ends_a_wait),
        cmocka_unit_test(regions_are_mapped_once_and_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
