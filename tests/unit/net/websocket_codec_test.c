/* The WebSocket codec: frames, fragments, texts, faults; whole, cut and byte by byte. */
#include "base/random.h"
#include "net/websocket_codec.h"
#include "tests/unit/base/test.h"

enum { MESSAGE_MAX = 100000 };

static const uint8_t MASK[4] = {0x37, 0xfa, 0x21, 0x3d};

/* A frame as a client sends it, with any first byte. */
static void put_frame(Buffer *out, uint8_t first, Slice payload)
{
    uint8_t header[WEBSOCKET_HEADER_BYTES_MAX];
    size_t size = payload.size <= WEBSOCKET_CONTROL_BYTES_MAX
                      ? websocket_put_masked_header(header, WEBSOCKET_PING, payload.size, MASK)
                      : websocket_put_masked_header(header, WEBSOCKET_TEXT, payload.size, MASK);
    header[0] = first;
    buffer_put(out, header, size);
    size_t at = out->size;
    buffer_put_slice(out, payload);
    websocket_mask(out->data + at, payload.size, MASK, 0);
}

/* What was read, as a line of text: "T:hello P: C1000:bye F1002". */
static void describe(Buffer *out, const WebSocketEvent *event)
{
    static const char letters[] = "-MPpCF";
    char letter = letters[event->kind];
    if (event->kind == WEBSOCKET_EVENT_MESSAGE)
        letter = event->is_text ? 'T' : 'B';
    buffer_put_format(out, "%s%c", out->size > 0 ? " " : "", letter);
    if (event->kind == WEBSOCKET_EVENT_CLOSE || event->kind == WEBSOCKET_EVENT_FAIL)
        buffer_put_format(out, "%u", event->code);
    if (event->kind == WEBSOCKET_EVENT_FAIL)
        return;
    buffer_put_text(out, ":");
    if (event->payload.size > 40)
        buffer_put_format(out, "<%zu>", event->payload.size);
    else
        buffer_put_slice(out, event->payload);
}

static void read_all(Slice input, size_t first, size_t step, Buffer *out)
{
    WebSocketReader reader;
    Error error;
    websocket_reader_open(&reader, true, MESSAGE_MAX);
    size_t size = first;
    for (size_t at = 0; at < input.size && !reader.has_failed; at += size, size = step) {
        if (size > input.size - at)
            size = input.size - at;
        uint8_t *piece = memory_clone(input.data + at, size);
        size_t used = 0;
        while (used < size && !reader.has_failed) {
            WebSocketEvent event;
            size_t taken;
            assert_ok(
                websocket_reader_next(&reader, piece + used, size - used, &taken, &event, &error),
                &error);
            used += taken;
            if (event.kind == WEBSOCKET_EVENT_NONE)
                assert_int_equal(used, size);
            else
                describe(out, &event);
        }
        memory_free(piece);
    }
    websocket_reader_close(&reader);
}

static void check(const Buffer *input, const char *wanted)
{
    Slice bytes = buffer_slice(input);
    size_t cuts = bytes.size < 300 ? bytes.size : 40;
    for (size_t first = 1; first <= cuts; first++) {
        for (size_t step = 1; step < 3; step++) {
            Buffer out;
            buffer_open(&out, 0);
            read_all(bytes, first, step == 1 ? bytes.size : (first * 7 % 13) + 1, &out);
            assert_slice(buffer_slice(&out), wanted);
            buffer_close(&out);
        }
    }
}

typedef struct Frame {
    uint8_t first;
    const char *payload;
} Frame;

static void check_frames(const Frame *frames, size_t count, const char *wanted)
{
    Buffer input;
    buffer_open(&input, 0);
    for (size_t i = 0; i < count; i++)
        put_frame(&input, frames[i].first, slice_of_text(frames[i].payload));
    check(&input, wanted);
    buffer_close(&input);
}

#define FRAMES(wanted, ...)                    \
    check_frames((const Frame[]){__VA_ARGS__}, \
                 sizeof((const Frame[]){__VA_ARGS__}) / sizeof(Frame), (wanted))

static void messages_and_fragments_are_read(void **state)
{
    (void)state;
    FRAMES("T:hello", {0x81, "hello"});
    FRAMES("T:", {0x81, ""});
    FRAMES("B:hello", {0x82, "hello"});
    FRAMES("T:hello T:world", {0x81, "hello"}, {0x81, "world"});
    FRAMES("T:hello", {0x01, "hel"}, {0x80, "lo"});
    FRAMES("T:hello", {0x01, ""}, {0x00, "hel"}, {0x00, ""}, {0x80, "lo"});
    FRAMES("T:", {0x01, ""}, {0x00, ""}, {0x80, ""});
    FRAMES("P:x T:hello p:y", {0x01, "hel"}, {0x89, "x"}, {0x80, "lo"}, {0x8a, "y"});
    FRAMES("P: p:", {0x89, ""}, {0x8a, ""});
    FRAMES("C1005:", {0x88, ""});
    FRAMES("C1000:", {0x88, "\003\350"});
    FRAMES("C1000:bye", {0x88, "\003\350bye"});
    FRAMES("C4999:", {0x88, "\023\207"});
    FRAMES("T:\303\244", {0x01, "\303"}, {0x80, "\244"});
}

static void broken_rules_have_their_codes(void **state)
{
    (void)state;
    FRAMES("F1002", {0xc1, "rsv1"});
    FRAMES("F1002", {0xa1, "rsv2"});
    FRAMES("F1002", {0x91, "rsv3"});
    FRAMES("T:a F1002", {0x81, "a"}, {0x83, "reserved"});
    FRAMES("F1002", {0x87, ""});
    FRAMES("F1002", {0x8b, ""});
    FRAMES("F1002", {0x8f, ""});
    FRAMES("F1002", {0x09, "fragmented ping"});
    FRAMES("F1002", {0x08, ""});
    FRAMES("F1002", {0x80, "continuation of nothing"});
    FRAMES("F1002", {0x00, ""});
    FRAMES("F1002", {0x01, "a"}, {0x81, "b"});
    FRAMES("F1002", {0x01, "a"}, {0x02, "b"});
    FRAMES("F1002", {0x88, "\003"});
    FRAMES("F1002", {0x88, "\003\347"}); /* 999 */
    FRAMES("F1002", {0x88, "\003\354"}); /* 1004 */
    FRAMES("F1002", {0x88, "\003\355"}); /* 1005 */
    FRAMES("F1002", {0x88, "\003\356"}); /* 1006 */
    FRAMES("F1002", {0x88, "\003\367"}); /* 1015 */
    FRAMES("F1002", {0x88, "\007\320"}); /* 2000 */
    FRAMES("F1002", {0x88, "\023\210"}); /* 5000 */
    FRAMES("F1007", {0x88, "\003\350\303"});
    FRAMES("F1007", {0x81, "\303"});
    FRAMES("F1007", {0x81, "a\377"});
    FRAMES("F1007", {0x01, "\303"}, {0x80, "x"});
    FRAMES("F1007", {0x01, "\303"}, {0x80, ""});
    FRAMES("F1007", {0x81, "\355\240\200"});
    FRAMES("F1007", {0x81, "\360\200\200\200"});
    FRAMES("F1007", {0x81, "\364\220\200\200"});
    FRAMES("F1007", {0x81, "\300\257"});
    FRAMES("B:\377", {0x82, "\377"});
}

/* A text that cannot become valid is refused before its frame ends. */
static void bad_text_is_refused_as_soon_as_it_is_seen(void **state)
{
    (void)state;
    uint8_t input[64];
    WebSocketReader reader;
    WebSocketEvent event;
    Error error;
    size_t used;
    websocket_reader_open(&reader, true, MESSAGE_MAX);
    size_t size = websocket_put_masked_header(input, WEBSOCKET_TEXT, 1000, MASK);
    memcpy(input + size, "abc\377", 4);
    websocket_mask(input + size, 4, MASK, 0);
    assert_ok(websocket_reader_next(&reader, input, size + 4, &used, &event, &error), &error);
    assert_int_equal(event.kind, WEBSOCKET_EVENT_FAIL);
    assert_int_equal(event.code, WEBSOCKET_BAD_TEXT);
    websocket_reader_close(&reader);
}

static void check_raw(const char *bytes, size_t size, const char *wanted)
{
    Buffer input;
    buffer_open(&input, 0);
    buffer_put(&input, bytes, size);
    check(&input, wanted);
    buffer_close(&input);
}

static void lengths_must_be_true_and_short(void **state)
{
    (void)state;
    check_raw("\x81\x05hello", 7, "F1002"); /* not masked */
    check_raw("\x81\xfe\x00\x7d"
              "mask",
              8, "F1002"); /* 125 in 2 bytes */
    check_raw("\x81\xff\0\0\0\0\0\0\xff\xff"
              "mask",
              14, "F1002"); /* 65535 in 8 bytes */
    check_raw("\x81\xff\x80\0\0\0\0\0\0\0"
              "mask",
              14, "F1002"); /* negative */
    check_raw("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff"
              "mask",
              14, "F1009");
    check_raw("\x89\xfe\x00\x7e"
              "mask",
              8, "F1002"); /* a long ping */
}

static void sizes_around_the_borders_are_read(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 124, 125, 126, 127, 65535, 65536, MESSAGE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        Buffer input;
        Buffer payload;
        Buffer wanted;
        buffer_open(&input, 0);
        buffer_open(&payload, 0);
        buffer_open(&wanted, 0);
        for (size_t j = 0; j < sizes[i]; j++)
            buffer_put_u8(&payload, (uint8_t)('a' + j % 26));
        put_frame(&input, 0x81, buffer_slice(&payload));
        if (sizes[i] > 40)
            buffer_put_format(&wanted, "T:<%zu>", sizes[i]);
        else
            buffer_put_format(&wanted, "T:%.*s", (int)payload.size, (const char *)payload.data);
        buffer_put_u8(&wanted, 0);
        check(&input, (const char *)wanted.data);
        buffer_close(&input);
        buffer_close(&payload);
        buffer_close(&wanted);
    }
}

static void a_message_may_not_grow_beyond_its_limit(void **state)
{
    (void)state;
    Buffer input;
    Buffer half;
    buffer_open(&input, 0);
    buffer_open(&half, 0);
    buffer_put_zeros(&half, MESSAGE_MAX / 2);
    put_frame(&input, 0x02, buffer_slice(&half));
    put_frame(&input, 0x80, buffer_slice(&half));
    put_frame(&input, 0x02, buffer_slice(&half));
    put_frame(&input, 0x00, buffer_slice(&half));
    put_frame(&input, 0x80, SLICE("x"));
    check(&input, "B:<100000> F1009");
    buffer_close(&input);
    buffer_close(&half);
}

static void servers_frames_are_read_by_clients(void **state)
{
    (void)state;
    uint8_t input[] = {0x81, 0x02, 'h', 'i', 0x81, 0x80, 0, 0, 0, 0};
    WebSocketReader reader;
    WebSocketEvent event;
    Error error;
    size_t used;
    websocket_reader_open(&reader, false, MESSAGE_MAX);
    assert_ok(websocket_reader_next(&reader, input, sizeof input, &used, &event, &error), &error);
    assert_slice(event.payload, "hi");
    assert_int_equal(used, 4);
    assert_ok(websocket_reader_next(&reader, input + 4, 6, &used, &event, &error), &error);
    assert_int_equal(event.code, WEBSOCKET_PROTOCOL_ERROR);
    websocket_reader_close(&reader);
}

static void headers_are_written_as_read(void **state)
{
    (void)state;
    uint8_t out[WEBSOCKET_HEADER_BYTES_MAX];
    assert_int_equal(websocket_put_header(out, WEBSOCKET_TEXT, 125), 2);
    assert_memory_equal(out, "\x81\x7d", 2);
    assert_int_equal(websocket_put_header(out, WEBSOCKET_BINARY, 126), 4);
    assert_memory_equal(out, "\x82\x7e\x00\x7e", 4);
    assert_int_equal(websocket_put_header(out, WEBSOCKET_TEXT, 65536), 10);
    assert_memory_equal(out, "\x81\x7f\0\0\0\0\0\1\0\0", 10);
    uint8_t close[WEBSOCKET_CONTROL_BYTES_MAX];
    assert_int_equal(websocket_put_close(close, 1001, SLICE("bye")), 5);
    assert_memory_equal(close, "\003\351bye", 5);
    char reason[201];
    memset(reason, 'a', sizeof reason);
    memcpy(reason + 121, "\342\202\254", 3); /* would be cut in two */
    assert_int_equal(websocket_put_close(close, 1000, slice_of(reason, 200)), 123);
    assert_int_equal(websocket_put_close(close, 1000, slice_of(reason, 124)), 123);
    assert_int_equal(close[122], 'a');
}

static void the_key_is_answered_as_the_rfc_does(void **state)
{
    (void)state;
    char accept[WEBSOCKET_ACCEPT_BYTES + 1];
    assert_true(websocket_accept_key(SLICE("dGhlIHNhbXBsZSBub25jZQ=="), accept));
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_false(websocket_accept_key(SLICE(""), accept));
    assert_false(websocket_accept_key(SLICE("dGhlIHNhbXBsZSBub25jZQ="), accept));
    assert_false(websocket_accept_key(SLICE("dGhlIHNhbXBsZSBub25jZ\nQ="), accept));
    assert_false(websocket_accept_key(SLICE("dGhlIHNhbXBsZSBub25jZQ==x"), accept));
    assert_false(websocket_accept_key(SLICE("dGhlIHNhbXBsZSBub25j!Q=="), accept));
}

static void masking_is_its_own_inverse(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    for (int round = 0; round < 2000; round++) {
        uint8_t bytes[67];
        uint8_t naive[67];
        uint8_t mask[4];
        size_t size = (size_t)random_below(&random, sizeof bytes + 1);
        uint64_t offset = random_below(&random, 100);
        random_bytes(&random, bytes, sizeof bytes);
        random_bytes(&random, mask, sizeof mask);
        for (size_t i = 0; i < sizeof naive; i++)
            naive[i] = i < size ? (uint8_t)(bytes[i] ^ mask[(offset + i) % 4]) : bytes[i];
        websocket_mask(bytes, size, mask, offset);
        assert_memory_equal(bytes, naive, sizeof bytes);
    }
}

/* In pieces it says what slice_is_utf8_text says of the whole. */
static void utf8_in_pieces_is_utf8_as_a_whole(void **state)
{
    (void)state;
    static const char *const pieces[] = {"a",
                                         "\303\244",
                                         "\342\202\254",
                                         "\360\237\230\200",
                                         "\355\237\277",
                                         "\356\200\200",
                                         "\364\217\277\277",
                                         "\303",
                                         "\200",
                                         "\355\240",
                                         "\300\200",
                                         "\364\220",
                                         "\377",
                                         "\360\220\200"};
    Random random = random_of(test_seed());
    int valid = 0;
    for (int round = 0; round < 50000; round++) {
        uint8_t text[64];
        size_t size = 0;
        for (uint64_t i = random_below(&random, 6); i > 0; i--) {
            uint64_t kinds = random_chance(&random, 1, 3) ? 14 : 7;
            const char *piece = pieces[random_below(&random, kinds)];
            memcpy(text + size, piece, strlen(piece));
            size += strlen(piece);
        }
        Utf8State utf8 = {0};
        bool good = true;
        for (size_t at = 0; at < size && good;) {
            size_t step = 1 + (size_t)random_below(&random, 3);
            good = utf8_feed(&utf8, slice_part(slice_of(text, size), at, step));
            at += step;
        }
        good = good && utf8.missing == 0;
        assert_int_equal(good, slice_is_utf8_text(slice_of(text, size)));
        valid += good;
    }
    assert_in_range(valid, 10000, 49000);
}

/* Any bytes: no fault of memory, and the same however they are cut. */
static void random_frames_are_read_alike_in_pieces(void **state)
{
    (void)state;
    static const uint8_t firsts[] = {0x81, 0x01, 0x00, 0x80, 0x82, 0x02, 0x89, 0x8a, 0x88, 0xc1};
    Random random = random_of(test_seed());
    for (int round = 0; round < 3000; round++) {
        Buffer input;
        Buffer whole;
        Buffer cut;
        buffer_open(&input, 0);
        buffer_open(&whole, 0);
        buffer_open(&cut, 0);
        for (uint64_t i = random_below(&random, 12); i > 0; i--) {
            uint8_t payload[200];
            size_t size = (size_t)random_below(&random, random_chance(&random, 1, 4) ? 200 : 20);
            memset(payload, 'x', size);
            put_frame(&input, firsts[random_below(&random, sizeof firsts)],
                      slice_of(payload, size));
        }
        if (input.size > 0 && random_chance(&random, 1, 3))
            input.data[random_below(&random, input.size)] ^=
                (uint8_t)(1 << random_below(&random, 8));
        read_all(buffer_slice(&input), input.size + 1, 1, &whole);
        read_all(buffer_slice(&input), 1, 1 + (size_t)random_below(&random, 50), &cut);
        assert_true(slice_equal(buffer_slice(&whole), buffer_slice(&cut)));
        buffer_close(&input);
        buffer_close(&whole);
        buffer_close(&cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_and_fragments_are_read),
        cmocka_unit_test(broken_rules_have_their_codes),
        cmocka_unit_test(bad_text_is_refused_as_soon_as_it_is_seen),
        cmocka_unit_test(lengths_must_be_true_and_short),
        cmocka_unit_test(sizes_around_the_borders_are_read),
        cmocka_unit_test(a_message_may_not_grow_beyond_its_limit),
        cmocka_unit_test(servers_frames_are_read_by_clients),
        cmocka_unit_test(headers_are_written_as_read),
        cmocka_unit_test(the_key_is_answered_as_the_rfc_does),
        cmocka_unit_test(masking_is_its_own_inverse),
        cmocka_unit_test(utf8_in_pieces_is_utf8_as_a_whole),
        cmocka_unit_test(random_frames_are_read_alike_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
