#include "base/cursor.h"

#include "base/buffer.h"
#include "base/random.h"
#include "tests/unit/base/test.h"

static void write_all(Buffer *out)
{
    buffer_put_u8(out, 0x01);
    buffer_put_u16(out, 0x0203);
    buffer_put_u32(out, 0x04050607);
    buffer_put_u64(out, UINT64_C(0x08090a0b0c0d0e0f));
    buffer_put_u16_big(out, 0x0203);
    buffer_put_u32_big(out, 0x04050607);
    buffer_put_u64_big(out, UINT64_C(0x08090a0b0c0d0e0f));
    buffer_put_varint(out, UINT64_MAX);
    buffer_put_varint(out, 300);
    buffer_put_text(out, "abc");
    buffer_put_sized(out, SLICE("sized"));
    buffer_put_text(out, "skip");
}

/* True where everything was there and right; whatever was not there was zero or empty. */
static bool read_all(Cursor *cursor)
{
    uint64_t numbers[] = {
        cursor_u8(cursor),      cursor_u16(cursor),     cursor_u32(cursor),
        cursor_u64(cursor),     cursor_u16_big(cursor), cursor_u32_big(cursor),
        cursor_u64_big(cursor), cursor_varint(cursor),  cursor_varint(cursor),
    };
    static const uint64_t wanted[] = {1,
                                      0x0203,
                                      0x04050607,
                                      UINT64_C(0x08090a0b0c0d0e0f),
                                      0x0203,
                                      0x04050607,
                                      UINT64_C(0x08090a0b0c0d0e0f),
                                      UINT64_MAX,
                                      300};
    Slice bytes = cursor_bytes(cursor, 3);
    Slice sized = cursor_sized(cursor);
    cursor_skip(cursor, 4);
    bool right = true;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        assert_true(numbers[i] == wanted[i] || numbers[i] == 0);
        right = right && numbers[i] == wanted[i];
    }
    assert_true(bytes.size == 0 || slice_equal_text(bytes, "abc"));
    assert_true(sized.size == 0 || slice_equal_text(sized, "sized"));
    return right && bytes.size == 3 && sized.size == 5;
}

/* In memory of exactly that size, so that ASan sees a read behind the end. */
static void every_truncation_fails_cleanly(void **state)
{
    (void)state;
    Buffer whole;
    buffer_open(&whole, 0);
    write_all(&whole);
    for (size_t size = 0; size <= whole.size; size++) {
        uint8_t *bytes = malloc(size == 0 ? 1 : size);
        assert_non_null(bytes);
        memcpy(bytes, whole.data, size);
        Cursor cursor = cursor_of(slice_of(bytes, size));
        bool right = read_all(&cursor);
        assert_int_equal(cursor_is_done(&cursor), size == whole.size);
        assert_int_equal(cursor.failed, size < whole.size);
        assert_true(right || size < whole.size);
        free(bytes);
    }
    buffer_close(&whole);
}

static void a_failed_cursor_stays_failed(void **state)
{
    (void)state;
    Cursor cursor = cursor_of(SLICE("abc"));
    assert_int_equal(cursor_u64(&cursor), 0);
    assert_true(cursor.failed);
    assert_int_equal(cursor_u8(&cursor), 0); /* though a byte would be there */
    assert_int_equal(cursor_rest(&cursor), 0);
    assert_int_equal(cursor_bytes(&cursor, 0).size, 0);
    assert_int_equal(cursor_varint(&cursor), 0);
    assert_false(cursor_is_done(&cursor));
}

static void what_follows_is_seen(void **state)
{
    (void)state;
    Cursor cursor = cursor_of(SLICE("ab"));
    assert_int_equal(cursor_u8(&cursor), 'a');
    assert_false(cursor_is_done(&cursor));
    assert_int_equal(cursor_rest(&cursor), 1);
    assert_int_equal(cursor_u8(&cursor), 'b');
    assert_true(cursor_is_done(&cursor));
    Cursor empty = cursor_of(SLICE_EMPTY);
    assert_true(cursor_is_done(&empty));
}

static void varints_have_one_form(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        const char *bytes;
    } bad[] = {
        {1, "\x80"},                                          /* not ended */
        {2, "\x80\x00"},                                      /* overlong */
        {3, "\xff\x80\x00"},                                  /* overlong */
        {10, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"},     /* 65 bits */
        {11, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"}, /* 11 bytes */
        {10, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81"},     /* goes on */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        Cursor cursor = cursor_of(slice_of(bad[i].bytes, bad[i].size));
        assert_int_equal(cursor_varint(&cursor), 0);
        assert_true(cursor.failed);
    }
    Random random = random_of(test_seed());
    for (int i = 0; i < 10000; i++) {
        uint64_t value = random_u64(&random) >> random_below(&random, 64);
        Buffer out;
        buffer_open(&out, 0);
        buffer_put_varint(&out, value);
        Cursor cursor = cursor_of(buffer_slice(&out));
        assert_true(cursor_varint(&cursor) == value && cursor_is_done(&cursor));
        buffer_close(&out);
    }
}

static void hostile_lengths_are_refused(void **state)
{
    (void)state;
    Buffer out;
    buffer_open(&out, 0);
    buffer_put_varint(&out, UINT64_MAX);
    buffer_put_text(&out, "short");
    Cursor cursor = cursor_of(buffer_slice(&out));
    assert_int_equal(cursor_sized(&cursor).size, 0);
    assert_true(cursor.failed);
    cursor = cursor_of(buffer_slice(&out));
    cursor_skip(&cursor, SIZE_MAX);
    assert_true(cursor.failed);
    cursor = cursor_of(buffer_slice(&out));
    assert_int_equal(cursor_bytes(&cursor, SIZE_MAX).size, 0);
    assert_true(cursor.failed);
    buffer_close(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_truncation_fails_cleanly),
        cmocka_unit_test(a_failed_cursor_stays_failed),
        cmocka_unit_test(what_follows_is_seen),
        cmocka_unit_test(varints_have_one_form),
        cmocka_unit_test(hostile_lengths_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
