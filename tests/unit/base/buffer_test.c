#include "base/buffer.h"

#include "tests/unit/base/test.h"

static void integers_have_their_bytes(void **state)
{
    (void)state;
    static const uint8_t wanted[] = {0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f, 0x0e, 0x0d,
                                     0x0c, 0x0b, 0x0a, 0x09, 0x08, 0x02, 0x03, 0x04, 0x05, 0x06,
                                     0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};
    Buffer out;
    buffer_open(&out, 0);
    buffer_put_u8(&out, 0x01);
    buffer_put_u16(&out, 0x0203);
    buffer_put_u32(&out, 0x04050607);
    buffer_put_u64(&out, UINT64_C(0x08090a0b0c0d0e0f));
    buffer_put_u16_big(&out, 0x0203);
    buffer_put_u32_big(&out, 0x04050607);
    buffer_put_u64_big(&out, UINT64_C(0x08090a0b0c0d0e0f));
    assert_int_equal(out.size, sizeof wanted);
    assert_memory_equal(out.data, wanted, sizeof wanted);
    buffer_set_u32(&out, 3, 0x11121314);
    buffer_set_u64(&out, 7, 1);
    assert_memory_equal(out.data + 3, "\x14\x13\x12\x11\x01\0\0\0\0\0\0\0", 12);
    buffer_close(&out);
}

static void varints_are_leb128(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        size_t size;
        const char *bytes;
    } cases[] = {{0, 1, "\0"},
                 {127, 1, "\x7f"},
                 {128, 2, "\x80\x01"},
                 {300, 2, "\xac\x02"},
                 {UINT64_MAX, 10, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Buffer out;
        buffer_open(&out, 0);
        buffer_put_varint(&out, cases[i].value);
        assert_int_equal(out.size, cases[i].size);
        assert_memory_equal(out.data, cases[i].bytes, cases[i].size);
        buffer_close(&out);
    }
}

static void texts_and_decimals(void **state)
{
    (void)state;
    Buffer out;
    buffer_open(&out, 0);
    buffer_put_text(&out, "a");
    buffer_put_format(&out, "%d-%s", 5, "b");
    buffer_put_slice(&out, SLICE("c"));
    buffer_put_slice(&out, SLICE_EMPTY);
    buffer_put_sized(&out, SLICE("xy"));
    buffer_put_zeros(&out, 2);
    buffer_put_zeros(&out, 0);
    buffer_put_decimal(&out, 0);
    buffer_put_decimal(&out, UINT64_MAX);
    static const char wanted[] = "a5-bc\2xy\0\0"
                                 "018446744073709551615";
    assert_int_equal(out.size, sizeof wanted - 1);
    assert_memory_equal(out.data, wanted, out.size);
    buffer_close(&out);
}

/* Everything up to the limit fits, to the byte; the first that does not fails the buffer for good.
 */
static void the_limit_is_exact(void **state)
{
    (void)state;
    for (size_t limit = 1; limit < 600; limit += 7) {
        Buffer out;
        Error error;
        buffer_open(&out, limit);
        for (size_t i = 0; i < limit; i++)
            buffer_put_u8(&out, 'x');
        assert_ok(buffer_status(&out, &error), &error);
        assert_int_equal(out.size, limit);
        buffer_put_u8(&out, 'y');
        assert_status(buffer_status(&out, &error), STATUS_PROGRAM_LIMIT_EXCEEDED);
        buffer_clear(&out);
        buffer_put_format(&out, "%*s", (int)limit, ""); /* printf's NUL does not count */
        assert_ok(buffer_status(&out, &error), &error);
        buffer_clear(&out);
        buffer_put_format(&out, "%*s", (int)limit + 1, "");
        assert_status(buffer_status(&out, &error), STATUS_PROGRAM_LIMIT_EXCEEDED);
        assert_int_equal(out.size, 0);
        buffer_close(&out);
    }
}

static void a_failed_buffer_stays_failed(void **state)
{
    (void)state;
    Buffer out;
    Error error;
    buffer_open(&out, 10);
    buffer_put_text(&out, "1234567");
    buffer_put_text(&out, "8901");
    buffer_put_text(&out, "x"); /* would fit, but something is missing before it */
    assert_slice(buffer_slice(&out), "1234567");
    assert_null(buffer_reserve(&out, 1));
    buffer_set_u32(&out, 0, 0);
    assert_slice(buffer_slice(&out), "1234567");
    buffer_clear(&out);
    assert_ok(buffer_status(&out, &error), &error);
    assert_null(buffer_reserve(&out, SIZE_MAX));
    assert_status(buffer_status(&out, &error), STATUS_PROGRAM_LIMIT_EXCEEDED);
    buffer_close(&out);

    buffer_open(&out, 0);
    buffer_put_u8(&out, 1);
    assert_null(buffer_reserve(&out, SIZE_MAX - 1));
    assert_status(buffer_status(&out, &error), STATUS_PROGRAM_LIMIT_EXCEEDED);
    buffer_close(&out);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    Buffer out;
    Error error;
    buffer_open(&out, 1 << 20);
    buffer_put_text(&out, "kept");
    memory_fail_at(1, 1);
    buffer_put_zeros(&out, 5000);
    memory_fail_at(0, 0);
    assert_status(buffer_status(&out, &error), STATUS_OUT_OF_MEMORY);
    assert_slice(buffer_slice(&out), "kept");
    buffer_close(&out);
}

static void bytes_can_be_taken(void **state)
{
    (void)state;
    Buffer out;
    buffer_open(&out, 100);
    buffer_put_text(&out, "taken");
    Slice taken = buffer_take(&out);
    assert_slice(taken, "taken");
    assert_int_equal(out.size, 0);
    assert_int_equal(out.limit, 100);
    buffer_put_text(&out, "anew");
    assert_slice(taken, "taken");
    memory_free((void *)(uintptr_t)taken.data);
    buffer_close(&out);
    buffer_close(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_have_their_bytes),    cmocka_unit_test(varints_are_leb128),
        cmocka_unit_test(texts_and_decimals),           cmocka_unit_test(the_limit_is_exact),
        cmocka_unit_test(a_failed_buffer_stays_failed), cmocka_unit_test(memory_may_run_out),
        cmocka_unit_test(bytes_can_be_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
