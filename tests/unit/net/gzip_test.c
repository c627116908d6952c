/* gzip both ways, faults, bombs and failing memory; shared frames. */
#include "base/random.h"
#include "net/gzip.h"
#include "net/shared_frame.h"
#include "tests/unit/base/test.h"

static void pack(Slice data, size_t hint, size_t piece, Buffer *out)
{
    GzipWriter writer;
    Error error;
    assert_ok(gzip_writer_open(&writer, hint, &error), &error);
    for (size_t at = 0; at < data.size; at += piece)
        assert_ok(gzip_writer_put(&writer, slice_part(data, at, piece), false, out, &error),
                  &error);
    assert_ok(gzip_writer_put(&writer, SLICE_EMPTY, true, out, &error), &error);
    gzip_writer_close(&writer);
}

static Status unpack(Slice packed, size_t piece, Buffer *out, bool *done, Error *error)
{
    GzipReader reader;
    Status status = gzip_reader_open(&reader, error);
    for (size_t at = 0; at < packed.size && status == OK; at += piece) {
        Slice input = slice_part(packed, at, piece);
        for (size_t got = 100; status == OK && (input.size > 0 || got == 100);) {
            uint8_t bytes[100];
            status = gzip_reader_next(&reader, &input, bytes, sizeof bytes, &got, error);
            buffer_put(out, bytes, got);
        }
    }
    *done = reader.is_done;
    gzip_reader_close(&reader);
    return status;
}

static void texts_come_back(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    for (int round = 0; round < 60; round++) {
        Buffer data;
        Buffer packed;
        Buffer out;
        Error error;
        bool done = false;
        buffer_open(&data, 0);
        buffer_open(&packed, 0);
        buffer_open(&out, 0);
        for (uint64_t i = random_below(&random, 3000); i > 0; i--)
            buffer_put_format(&data, "{\"id\":%u}", (unsigned)random_below(&random, 1000));
        pack(buffer_slice(&data), random_chance(&random, 1, 2) ? 0 : data.size,
             1 + (size_t)random_below(&random, 9000), &packed);
        size_t piece = 1 + (size_t)random_below(&random, 500);
        assert_ok(unpack(buffer_slice(&packed), piece, &out, &done, &error), &error);
        assert_true(done && slice_equal(buffer_slice(&out), buffer_slice(&data)));
        buffer_close(&data);
        buffer_close(&packed);
        buffer_close(&out);
    }
}

static void each_piece_can_be_unpacked_at_once(void **state)
{
    (void)state;
    GzipWriter writer;
    Buffer packed;
    Buffer out;
    Error error;
    bool done = false;
    buffer_open(&packed, 0);
    buffer_open(&out, 0);
    assert_ok(gzip_writer_open(&writer, 0, &error), &error);
    assert_ok(gzip_writer_put(&writer, SLICE("hello"), false, &packed, &error), &error);
    assert_ok(unpack(buffer_slice(&packed), 1000, &out, &done, &error), &error);
    assert_slice(buffer_slice(&out), "hello");
    assert_false(done);
    gzip_writer_close(&writer);
    buffer_close(&packed);
    buffer_close(&out);
}

static void faults_are_refused(void **state)
{
    (void)state;
    Buffer packed;
    Buffer out;
    Error error;
    bool done;
    buffer_open(&packed, 0);
    buffer_open(&out, 0);
    assert_status(unpack(SLICE("not gzip at all"), 100, &out, &done, &error),
                  STATUS_PROTOCOL_VIOLATION);
    pack(SLICE("some text that is packed"), 0, 100, &packed);
    assert_ok(
        unpack(slice_part(buffer_slice(&packed), 0, packed.size - 4), 100, &out, &done, &error),
        &error);
    assert_false(done);
    packed.data[packed.size - 6] ^= 1;
    assert_status(unpack(buffer_slice(&packed), 100, &out, &done, &error),
                  STATUS_PROTOCOL_VIOLATION);
    packed.data[packed.size - 6] ^= 1;
    buffer_put_text(&packed, "x");
    assert_status(unpack(buffer_slice(&packed), 100, &out, &done, &error),
                  STATUS_PROTOCOL_VIOLATION);
    buffer_close(&packed);
    buffer_close(&out);
}

static void a_bomb_is_stopped_early(void **state)
{
    (void)state;
    Buffer zeros;
    Buffer packed;
    Buffer out;
    Error error;
    bool done;
    buffer_open(&zeros, 0);
    buffer_open(&packed, 0);
    buffer_open(&out, 0);
    buffer_put_zeros(&zeros, 50 << 20);
    pack(buffer_slice(&zeros), 0, 1 << 20, &packed);
    assert_true(packed.size < zeros.size / 200);
    assert_status(unpack(buffer_slice(&packed), 4096, &out, &done, &error),
                  STATUS_PAYLOAD_TOO_LARGE);
    assert_true(out.size < (4 << 20));
    buffer_close(&zeros);
    buffer_close(&packed);
    buffer_close(&out);
}

static void failing_memory_is_an_error(void **state)
{
    (void)state;
    Error error;
    for (int64_t n = 1; n < 3; n++) {
        GzipWriter writer;
        GzipReader reader;
        memory_fail_at(n, -1);
        assert_status(gzip_writer_open(&writer, 0, &error), STATUS_OUT_OF_MEMORY);
        memory_fail_at(1, -1);
        assert_status(gzip_reader_open(&reader, &error), STATUS_OUT_OF_MEMORY);
        memory_fail_at(0, 0);
        gzip_writer_close(&writer);
        gzip_reader_close(&reader);
    }
}

static void frames_are_shared_and_freed(void **state)
{
    (void)state;
    Buffer buffer;
    buffer_open(&buffer, 0);
    buffer_put_text(&buffer, "taken");
    SharedFrame *frame = shared_frame_take(&buffer);
    assert_slice(slice_of(frame->data, frame->size), "taken");
    assert_null(buffer.data);
    assert_ptr_equal(shared_frame_clone(frame), frame);
    shared_frame_release(frame);
    assert_slice(slice_of(frame->data, frame->size), "taken");
    shared_frame_release(frame);
    frame = shared_frame_copy(SLICE("copied"));
    assert_slice(slice_of(frame->data, frame->size), "copied");
    shared_frame_release(frame);
    shared_frame_release(NULL);
    memory_fail_at(1, -1);
    assert_null(shared_frame_copy(SLICE("x")));
    memory_fail_at(0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_come_back),
        cmocka_unit_test(each_piece_can_be_unpacked_at_once),
        cmocka_unit_test(faults_are_refused),
        cmocka_unit_test(a_bomb_is_stopped_early),
        cmocka_unit_test(failing_memory_is_an_error),
        cmocka_unit_test(frames_are_shared_and_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
