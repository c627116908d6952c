/* Frames: the bytes of log_int.h's table, and what is none. */
#include "tests/unit/log/machine.h"

static const Segment segment = {.id = 7};

static Buffer one_frame(const char *payload, LogPosition position)
{
    Buffer out;
    Slice parts[2] = {slice_of(payload, 2), slice_of(payload + 2, strlen(payload) - 2)};
    buffer_open(&out, 0);
    frame_put(&out, 5, LOG_FRAME_COMMIT, 0x1122334455667788, 0x99, parts, 2);
    assert_false(out.failed);
    frame_finish(out.data, &segment, position);
    return out;
}

static void a_frame_is_laid_out_as_its_table_says(void **state)
{
    static const uint8_t wanted[] = {
        5,    0,    0,    0,                            /* size */
        0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, /* sequence */
        0x99, 0,    0,    0,    0,    0,    0,    0,    /* transaction */
        5,    1,    0xf1, 0x17, 0,    0,    0,    0,    /* kind, flags, magic, zero */
        'h',  'e',  'l',  'l',  'o',  0,    0,    0,
    };
    (void)state;
    Buffer frame = one_frame("hello", 4096);
    assert_int_equal(40, frame.size);
    assert_int_equal(40, frame_bytes(5));
    assert_memory_equal(frame.data + 4, wanted, sizeof wanted);
    buffer_close(&frame);
}

static void a_frame_is_read_back(void **state)
{
    LogFrame got;
    (void)state;
    Buffer frame = one_frame("hello", 4096);
    assert_int_equal(FRAME_VALID, frame_check(buffer_slice(&frame), &segment, 4096, &got));
    assert_int_equal(4096, got.position);
    assert_int_equal(4136, got.end);
    assert_true(got.seq == 0x1122334455667788);
    assert_int_equal(0x99, got.transaction);
    assert_int_equal(5, got.kind);
    assert_int_equal(LOG_FRAME_COMMIT, got.flags);
    assert_slice(got.payload, "hello");
    buffer_close(&frame);
}

/* An old frame in a recycled file, or one that stands elsewhere, is never valid. */
static void a_frame_belongs_to_its_place(void **state)
{
    LogFrame got;
    Segment other = {.id = 8};
    Segment salted = {.id = 7, .salt = 1};
    (void)state;
    Buffer frame = one_frame("hello", 4096);
    Slice bytes = buffer_slice(&frame);
    assert_int_equal(FRAME_BAD, frame_check(bytes, &other, 4096, &got));
    assert_int_equal(FRAME_BAD, frame_check(bytes, &salted, 4096, &got));
    assert_int_equal(FRAME_BAD, frame_check(bytes, &segment, 4104, &got));
    buffer_close(&frame);
}

static void every_flipped_bit_is_noticed(void **state)
{
    LogFrame got;
    (void)state;
    Buffer frame = one_frame("hello", 4096);
    for (size_t bit = 0; bit < (FRAME_HEADER_BYTES + 5) * 8; bit++) {
        frame.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(FRAME_VALID, frame_check(buffer_slice(&frame), &segment, 4096, &got));
        frame.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(FRAME_VALID, frame_check(buffer_slice(&frame), &segment, 4096, &got));
    buffer_close(&frame);
}

static void a_cut_frame_is_bad_and_zeros_are_none(void **state)
{
    static const uint8_t zeros[64];
    LogFrame got;
    (void)state;
    Buffer frame = one_frame("hello", 4096);
    for (size_t size = 1; size < frame.size; size++) {
        Slice part = slice_part(buffer_slice(&frame), 0, size);
        FrameCheck check = frame_check(part, &segment, 4096, &got);
        assert_int_equal(FRAME_BAD, check);
    }
    for (size_t size = 0; size <= sizeof zeros; size++)
        assert_int_equal(FRAME_NONE, frame_check(slice_of(zeros, size), &segment, 0, &got));
    buffer_close(&frame);
}

static void a_size_beyond_the_limit_is_not_followed(void **state)
{
    static const uint32_t sizes[] = {UINT32_MAX, LOG_FRAME_BYTES_MAX + 1, LOG_FRAME_BYTES_MAX, 9};
    LogFrame got;
    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        Buffer frame = one_frame("hello", 4096);
        memcpy(frame.data + 4, &sizes[i], sizeof sizes[i]);
        assert_int_equal(FRAME_BAD, frame_check(buffer_slice(&frame), &segment, 4096, &got));
        buffer_close(&frame);
    }
}

static void a_group_header_is_only_a_whole_one(void **state)
{
    LogGroupHeader header = {11, 22, -33};
    LogGroupHeader got;
    LogFrame frame;
    Buffer bytes;
    (void)state;
    buffer_open(&bytes, 0);
    group_header_put(&bytes, &header);
    assert_int_equal(GROUP_FRAME_BYTES, bytes.size);
    frame_split(bytes.data, 0, &frame);
    assert_true(group_header_get(&frame, &got));
    assert_int_equal(11, got.durable);
    assert_int_equal(22, got.highest_seq);
    assert_int_equal(-33, got.wall_us);
    frame.payload.size--;
    assert_false(group_header_get(&frame, &got));
    frame.payload.size++;
    frame.kind = LOG_FRAME_KIND_MIN;
    assert_false(group_header_get(&frame, &got));
    buffer_close(&bytes);
}

static void segment_names_are_sequences(void **state)
{
    static const char *const wrong[] = {"",
                                        "0000000000000001.lo",
                                        "000000000000001.log",
                                        "00000000000000001.log",
                                        "000000000000000G.log",
                                        "00000000000000AB.log",
                                        "0000000000000001.LOG",
                                        "spare-1"};
    char name[SEGMENT_NAME_DIGITS + 5];
    uint64_t seq;
    (void)state;
    segment_name(0x123456789abcdef0, name);
    assert_string_equal("123456789abcdef0.log", name);
    assert_true(segment_name_parse(slice_of_text(name), &seq));
    assert_true(seq == 0x123456789abcdef0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(segment_name_parse(slice_of_text(wrong[i]), &seq));
}

/* ---- chunks ---- */

static void share_a_chunk(void *argument)
{
    LogGroup group;
    LogFrame frame;
    Error error;
    size_t at = 0;
    (void)argument;
    open_log(0);
    CHECK_OK(append("one", 1, &error), &error);
    CHECK_OK(append("two", 2, &error), &error);
    CHECK(log_pending_bytes(log_) > 0);
    log_take_group(log_, last_seq, &group);
    CHECK(log_pending_bytes(log_) == 0);
    LogChunk *chunk = log_chunk_clone(group.chunk);
    CHECK_OK(log_write_group(log_, &group, &error), &error);
    log_chunk_release(group.chunk);
    for (int i = 0; i < 3; i++) {
        CHECK(log_chunk_next(chunk, &at, &frame));
        CHECK(slice_equal_text(frame.payload, i == 0 ? "one" : "two"));
        CHECK(((frame.flags & LOG_FRAME_COMMIT) != 0) == (i != 1));
        CHECK(frame.seq == last_seq - 2 + (uint64_t)i);
    }
    CHECK(!log_chunk_next(chunk, &at, &frame));
    log_chunk_release(chunk);
    close_log();
}

static void a_chunk_gives_its_frames_without_headers(void **state)
{
    (void)state;
    run(share_a_chunk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_laid_out_as_its_table_says),
        cmocka_unit_test(a_frame_is_read_back),
        cmocka_unit_test(a_frame_belongs_to_its_place),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(a_cut_frame_is_bad_and_zeros_are_none),
        cmocka_unit_test(a_size_beyond_the_limit_is_not_followed),
        cmocka_unit_test(a_group_header_is_only_a_whole_one),
        cmocka_unit_test(segment_names_are_sequences),
        ON_A_MACHINE(a_chunk_gives_its_frames_without_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
