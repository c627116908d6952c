/* WebSocket frames of any bytes, to the server's and to the client's reader. The first byte says
 * how they are cut. The same events must come however that is, texts must be UTF-8 and messages
 * within their limit, and what is read behind a fault is nobody's. */
#include "base/assert.h"
#include "net/websocket_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGE_MAX = 5000 };

static void check_event(const WebSocketEvent *event)
{
    Utf8State utf8 = {0};
    if (event->kind == WEBSOCKET_EVENT_MESSAGE) {
        ASSERT(event->payload.size <= MESSAGE_MAX);
        ASSERT(!event->is_text || (utf8_feed(&utf8, event->payload) && utf8.missing == 0));
    } else if (event->kind == WEBSOCKET_EVENT_CLOSE) {
        ASSERT(event->code >= 1000 && event->code <= 4999);
        ASSERT(utf8_feed(&utf8, event->payload) && utf8.missing == 0);
    } else if (event->kind == WEBSOCKET_EVENT_FAIL) {
        ASSERT(event->code == WEBSOCKET_PROTOCOL_ERROR || event->code == WEBSOCKET_BAD_TEXT ||
               event->code == WEBSOCKET_TOO_BIG);
    } else {
        ASSERT(event->payload.size <= WEBSOCKET_CONTROL_BYTES_MAX);
    }
}

/* All events as bytes: kind, code, size and payload. */
static void record(Buffer *out, const WebSocketEvent *event)
{
    check_event(event);
    buffer_put_u8(out, (uint8_t)event->kind);
    buffer_put_u8(out, event->is_text);
    buffer_put_u16(out, event->code);
    buffer_put_sized(out, event->payload);
}

static void read_all(Slice input, bool expects_mask, size_t step, Buffer *out)
{
    WebSocketReader reader;
    Error error;
    websocket_reader_open(&reader, expects_mask, MESSAGE_MAX);
    for (size_t at = 0; at < input.size && !reader.has_failed; at += step) {
        Slice part = slice_part(input, at, step);
        uint8_t *piece = memory_clone(part.data, part.size);
        ASSERT(piece != NULL);
        for (size_t used = 0; used < part.size && !reader.has_failed;) {
            WebSocketEvent event;
            size_t taken;
            Status status = websocket_reader_next(&reader, piece + used, part.size - used, &taken,
                                                  &event, &error);
            ASSERT(status == OK && taken <= part.size - used);
            used += taken;
            if (event.kind != WEBSOCKET_EVENT_NONE)
                record(out, &event);
            else
                ASSERT(used == part.size);
        }
        memory_free(piece);
    }
    websocket_reader_close(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 20000)
        return 0;
    Slice input = slice_of(data + 1, size - 1);
    for (int expects_mask = 0; expects_mask < 2; expects_mask++) {
        Buffer whole;
        Buffer pieces;
        buffer_open(&whole, 0);
        buffer_open(&pieces, 0);
        read_all(input, expects_mask, input.size, &whole);
        read_all(input, expects_mask, 1 + data[0] % 40, &pieces);
        ASSERT(slice_equal(buffer_slice(&whole), buffer_slice(&pieces)));
        buffer_close(&whole);
        buffer_close(&pieces);
    }
    return 0;
}
