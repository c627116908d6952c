#include "cli/http_client.c"
#include "cli/interrupt.c"
#include "cli/live_socket.c"

#include "base/random.h"
#include "tests/unit/base/test.h"

static void accepts_as_the_rfc_says(void **state)
{
    char accept[WEBSOCKET_ACCEPT_BYTES + 1];
    Error error;
    (void)state;
    assert_ok(live_socket_accept(SLICE("dGhlIHNhbXBsZSBub25jZQ=="), accept, &error), &error);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

/* RFC 6455, section 5.7: a masked "Hello". */
static void masks_as_the_rfc_says(void **state)
{
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    static const uint8_t wanted[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d,
                                     0x7f, 0x9f, 0x4d, 0x51, 0x58};
    Buffer frame;
    (void)state;
    buffer_open(&frame, 0);
    live_socket_put_frame(&frame, OPCODE_TEXT, SLICE("Hello"), mask);
    assert_true(slice_equal(buffer_slice(&frame), slice_of(wanted, sizeof wanted)));
    buffer_close(&frame);
}

static void reads_what_servers_send(void **state)
{
    static const size_t sizes[] = {0, 1, 125, 126, 65535, 65536, 100000};
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        Buffer frame;
        LiveFrame got;
        Error error;
        buffer_open(&frame, 0);
        buffer_put_u8(&frame, 0x81);
        buffer_put_u8(&frame, sizes[i] < 126 ? (uint8_t)sizes[i] : sizes[i] < 65536 ? 126 : 127);
        if (sizes[i] >= 65536)
            buffer_put_u64_big(&frame, sizes[i]);
        else if (sizes[i] >= 126)
            buffer_put_u16_big(&frame, (uint16_t)sizes[i]);
        buffer_put_zeros(&frame, sizes[i]);
        for (size_t size = 0; size < frame.size; size += 1 + size / 7) {
            assert_ok(live_socket_read_frame(slice_of(frame.data, size), &got, &error), &error);
            assert_int_equal(got.size, 0); /* more is needed */
        }
        assert_ok(live_socket_read_frame(buffer_slice(&frame), &got, &error), &error);
        assert_int_equal(got.size, frame.size);
        assert_int_equal(got.payload.size, sizes[i]);
        assert_true(got.is_last);
        buffer_close(&frame);
    }
}

static void refuses_broken_frames(void **state)
{
    static const uint8_t broken[][2] = {{0xc1, 0}, {0x83, 0},   {0x8b, 0}, {0x81, 0x80},
                                        {0x09, 0}, {0x89, 126}, {0x82, 0}};
    static const uint8_t huge[] = {0x81, 127, 0xff, 0, 0, 0, 0, 0, 0, 0};
    LiveFrame got;
    Error error;
    (void)state;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_status(live_socket_read_frame(slice_of(broken[i], 2), &got, &error),
                      STATUS_PROTOCOL_VIOLATION);
    assert_status(live_socket_read_frame(slice_of(huge, sizeof huge), &got, &error),
                  STATUS_PROGRAM_LIMIT_EXCEEDED);
}

static void stays_within_random_bytes(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    for (int round = 0; round < 100000; round++) {
        size_t size = random_below(&random, 16);
        uint8_t bytes[16];
        LiveFrame got;
        Error error;
        random_bytes(&random, bytes, size);
        uint8_t *exact = memory_clone(bytes, size);
        if (live_socket_read_frame(slice_of(exact, size), &got, &error) == OK)
            assert_true(got.size <= size);
        memory_free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_as_the_rfc_says), cmocka_unit_test(masks_as_the_rfc_says),
        cmocka_unit_test(reads_what_servers_send), cmocka_unit_test(refuses_broken_frames),
        cmocka_unit_test(stays_within_random_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
