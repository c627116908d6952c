#include "net/websocket_codec.h"

#include <openssl/evp.h>

#include "base/assert.h"
#include "net/ascii_int.h"

enum {
    LENGTH_IN_2_BYTES = 126,
    LENGTH_IN_8_BYTES = 127,
    KEY_BYTES = 24,            /* of Sec-WebSocket-Key: 16 bytes in base64 */
    MESSAGE_KEEP_BYTES = 4096, /* a larger buffer is freed after its message */
};

/* ---- UTF-8, byte by byte (RFC 3629, section 4) ---- */

static bool utf8_begin(Utf8State *state, uint8_t c)
{
    *state = (Utf8State){.low = 0x80, .high = 0xbf};
    if (c < 0x80)
        return true;
    if (c < 0xc2 || c > 0xf4)
        return false;
    state->missing = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    if (c == 0xe0)
        state->low = 0xa0;
    else if (c == 0xed)
        state->high = 0x9f;
    else if (c == 0xf0)
        state->low = 0x90;
    else if (c == 0xf4)
        state->high = 0x8f;
    return true;
}

bool utf8_feed(Utf8State *state, Slice bytes)
{
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t c = bytes.data[i];
        if (state->missing == 0) {
            if (c >= 0x80 && !utf8_begin(state, c))
                return false;
            continue;
        }
        if (c < state->low || c > state->high)
            return false;
        state->missing--;
        state->low = 0x80;
        state->high = 0xbf;
    }
    return true;
}

/* ---- reading ---- */

void websocket_reader_open(WebSocketReader *reader, bool expects_mask, size_t message_bytes_max)
{
    *reader =
        (WebSocketReader){.expects_mask = expects_mask, .message_bytes_max = message_bytes_max};
    buffer_open(&reader->message, 0);
}

void websocket_reader_close(WebSocketReader *reader)
{
    buffer_close(&reader->message);
}

void websocket_reader_trim(WebSocketReader *reader)
{
    if (reader->message.size == 0)
        buffer_close(&reader->message);
}

static void fail(WebSocketReader *reader, WebSocketEvent *event, uint16_t code, const char *why)
{
    reader->has_failed = true;
    *event =
        (WebSocketEvent){.kind = WEBSOCKET_EVENT_FAIL, .code = code, .payload = slice_of_text(why)};
}

static bool is_control(WebSocketOpcode opcode)
{
    return opcode >= WEBSOCKET_CLOSE;
}

/* Bytes of the header, as far as the first two tell. */
static size_t header_size_of(const uint8_t *header)
{
    unsigned length = header[1] & 0x7f;
    size_t size = length == LENGTH_IN_8_BYTES ? 10 : length == LENGTH_IN_2_BYTES ? 4 : 2;
    return header[1] & 0x80 ? size + 4 : size;
}

static uint64_t payload_size_of(const uint8_t *header)
{
    unsigned length = header[1] & 0x7f;
    size_t count = length == LENGTH_IN_8_BYTES ? 8 : length == LENGTH_IN_2_BYTES ? 2 : 0;
    if (count == 0)
        return length;
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++)
        size = size << 8 | header[2 + i];
    return size;
}

static const char *check_opcode(const WebSocketReader *reader, const uint8_t *header)
{
    WebSocketOpcode opcode = header[0] & 0x0f;
    bool in_message = reader->message_opcode != WEBSOCKET_CONTINUATION;
    if (header[0] & 0x70)
        return "a reserved bit is set";
    if (((header[1] & 0x80) != 0) != reader->expects_mask)
        return reader->expects_mask ? "a frame is not masked" : "a frame is masked";
    if ((opcode > WEBSOCKET_BINARY && opcode < WEBSOCKET_CLOSE) || opcode > WEBSOCKET_PONG)
        return "a reserved opcode";
    if (is_control(opcode))
        return header[0] & 0x80 ? NULL : "a control frame is fragmented";
    if (opcode == WEBSOCKET_CONTINUATION && !in_message)
        return "a continuation of no message";
    if (opcode != WEBSOCKET_CONTINUATION && in_message)
        return "a new message inside a fragmented one";
    return NULL;
}

static const char *check_size(const uint8_t *header, uint64_t size)
{
    unsigned length = header[1] & 0x7f;
    if (is_control(header[0] & 0x0f) && length > WEBSOCKET_CONTROL_BYTES_MAX)
        return "a control frame is too long";
    if (size >> 63 != 0)
        return "a frame's length is negative";
    if ((length == LENGTH_IN_2_BYTES && size < LENGTH_IN_2_BYTES) ||
        (length == LENGTH_IN_8_BYTES && size <= UINT16_MAX))
        return "a frame's length is not in its shortest form";
    return NULL;
}

/* The header is whole. False where the event says what is wrong with it. */
static bool begin_payload(WebSocketReader *reader, WebSocketEvent *event)
{
    const uint8_t *header = reader->header;
    uint64_t size = payload_size_of(header);
    const char *why = check_opcode(reader, header);
    if (why == NULL)
        why = check_size(header, size);
    if (why != NULL) {
        fail(reader, event, WEBSOCKET_PROTOCOL_ERROR, why);
        return false;
    }
    reader->opcode = header[0] & 0x0f;
    if (!is_control(reader->opcode) && size > reader->message_bytes_max - reader->message.size) {
        fail(reader, event, WEBSOCKET_TOO_BIG, "the message is too big");
        return false;
    }
    reader->is_last = (header[0] & 0x80) != 0;
    reader->payload_size = size;
    reader->payload_read = 0;
    reader->in_payload = true;
    if (reader->expects_mask)
        memcpy(reader->mask, header + reader->header_size - 4, 4);
    if (reader->opcode == WEBSOCKET_TEXT || reader->opcode == WEBSOCKET_BINARY)
        reader->message_opcode = reader->opcode;
    return true;
}

/* Takes header bytes one by one; true when the header is whole. */
static bool read_header(WebSocketReader *reader, const uint8_t *data, size_t size, size_t *used)
{
    while (*used < size) {
        reader->header[reader->header_size++] = data[(*used)++];
        if (reader->header_size >= 2 && reader->header_size == header_size_of(reader->header))
            return true;
    }
    return false;
}

static bool is_sendable_code(uint16_t code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static void end_close(WebSocketReader *reader, WebSocketEvent *event)
{
    Slice payload = slice_of(reader->control, reader->control_size);
    *event = (WebSocketEvent){.kind = WEBSOCKET_EVENT_CLOSE, .code = WEBSOCKET_NO_CODE};
    if (payload.size == 0)
        return;
    if (payload.size == 1) {
        fail(reader, event, WEBSOCKET_PROTOCOL_ERROR, "half a close code");
        return;
    }
    uint16_t code = (uint16_t)(payload.data[0] << 8 | payload.data[1]);
    Slice reason = slice_part(payload, 2, payload.size);
    Utf8State utf8 = {0};
    if (!is_sendable_code(code))
        fail(reader, event, WEBSOCKET_PROTOCOL_ERROR, "a close code that may not be sent");
    else if (!utf8_feed(&utf8, reason) || utf8.missing > 0)
        fail(reader, event, WEBSOCKET_BAD_TEXT, "the reason is not UTF-8");
    else
        *event = (WebSocketEvent){.kind = WEBSOCKET_EVENT_CLOSE, .code = code, .payload = reason};
}

static void end_control(WebSocketReader *reader, WebSocketEvent *event)
{
    if (reader->opcode == WEBSOCKET_CLOSE) {
        end_close(reader, event);
        return;
    }
    event->kind = reader->opcode == WEBSOCKET_PING ? WEBSOCKET_EVENT_PING : WEBSOCKET_EVENT_PONG;
    event->payload = slice_of(reader->control, reader->control_size);
}

/* A piece of a data frame's payload, unmasked. It stays in the input where it is the whole
 * message. */
static Status take_data(WebSocketReader *reader, Slice piece, bool ends, WebSocketEvent *event,
                        Error *error)
{
    bool is_text = reader->message_opcode == WEBSOCKET_TEXT;
    bool ends_message = ends && reader->is_last;
    if (is_text &&
        (!utf8_feed(&reader->utf8, piece) || (ends_message && reader->utf8.missing > 0))) {
        fail(reader, event, WEBSOCKET_BAD_TEXT, "the text is not UTF-8");
        return OK;
    }
    Slice message = piece;
    if (reader->message.size > 0 || !ends_message) {
        buffer_put_slice(&reader->message, piece);
        TRY(buffer_status(&reader->message, error));
        message = buffer_slice(&reader->message);
    }
    if (!ends_message)
        return OK;
    *event =
        (WebSocketEvent){.kind = WEBSOCKET_EVENT_MESSAGE, .is_text = is_text, .payload = message};
    reader->message_opcode = WEBSOCKET_CONTINUATION;
    reader->message.size = 0; /* the bytes stay until the next call */
    return OK;
}

static Status take_payload(WebSocketReader *reader, uint8_t *data, size_t size, size_t *used,
                           WebSocketEvent *event, Error *error)
{
    uint64_t left = reader->payload_size - reader->payload_read;
    size_t taken = size - *used < left ? size - *used : (size_t)left;
    uint8_t *at = data + *used;
    if (reader->expects_mask)
        websocket_mask(at, taken, reader->mask, reader->payload_read);
    *used += taken;
    reader->payload_read += taken;
    bool ends = reader->payload_read == reader->payload_size;
    if (ends) {
        reader->in_payload = false;
        reader->header_size = 0;
    }
    if (!is_control(reader->opcode))
        return take_data(reader, slice_of(at, taken), ends, event, error);
    ASSERT(reader->control_size + taken <= WEBSOCKET_CONTROL_BYTES_MAX);
    if (taken > 0)
        memcpy(reader->control + reader->control_size, at, taken);
    reader->control_size = (uint8_t)(reader->control_size + taken);
    if (ends)
        end_control(reader, event);
    return OK;
}

Status websocket_reader_next(WebSocketReader *reader, uint8_t *data, size_t size, size_t *used,
                             WebSocketEvent *event, Error *error)
{
    ASSERT(!reader->has_failed);
    *used = 0;
    *event = (WebSocketEvent){.kind = WEBSOCKET_EVENT_NONE};
    if (reader->message.size == 0 && reader->message.capacity > MESSAGE_KEEP_BYTES)
        buffer_close(&reader->message);
    while (event->kind == WEBSOCKET_EVENT_NONE) {
        if (!reader->in_payload) {
            if (!read_header(reader, data, size, used) || !begin_payload(reader, event))
                return OK;
            reader->control_size = 0;
        }
        bool waits = *used == size && reader->payload_size > reader->payload_read;
        if (waits)
            return OK;
        TRY(take_payload(reader, data, size, used, event, error));
    }
    return OK;
}

/* ---- writing ---- */

size_t websocket_put_header(uint8_t out[WEBSOCKET_HEADER_BYTES_MAX], WebSocketOpcode opcode,
                            uint64_t payload_size)
{
    ASSERT(!is_control(opcode) || payload_size <= WEBSOCKET_CONTROL_BYTES_MAX);
    out[0] = (uint8_t)(0x80 | opcode);
    size_t count = payload_size < LENGTH_IN_2_BYTES ? 0 : payload_size <= UINT16_MAX ? 2 : 8;
    if (count == 0) {
        out[1] = (uint8_t)payload_size;
        return 2;
    }
    out[1] = count == 2 ? LENGTH_IN_2_BYTES : LENGTH_IN_8_BYTES;
    for (size_t i = 0; i < count; i++)
        out[2 + i] = (uint8_t)(payload_size >> (8 * (count - 1 - i)));
    return 2 + count;
}

size_t websocket_put_masked_header(uint8_t out[WEBSOCKET_HEADER_BYTES_MAX], WebSocketOpcode opcode,
                                   uint64_t payload_size, const uint8_t mask[4])
{
    size_t size = websocket_put_header(out, opcode, payload_size);
    out[1] |= 0x80;
    memcpy(out + size, mask, 4);
    return size + 4;
}

void websocket_mask(uint8_t *data, size_t size, const uint8_t mask[4], uint64_t offset)
{
    uint8_t turned[8];
    for (size_t i = 0; i < sizeof turned; i++)
        turned[i] = mask[(offset + i) & 3];
    uint64_t word;
    memcpy(&word, turned, sizeof word);
    size_t at = 0;
    for (; at + sizeof word <= size; at += sizeof word) {
        uint64_t bytes;
        memcpy(&bytes, data + at, sizeof bytes);
        bytes ^= word;
        memcpy(data + at, &bytes, sizeof bytes);
    }
    for (; at < size; at++)
        data[at] ^= turned[at & 7];
}

/* A reason that is too long is cut at a character's border. */
size_t websocket_put_close(uint8_t out[WEBSOCKET_CONTROL_BYTES_MAX], uint16_t code, Slice reason)
{
    ASSERT(is_sendable_code(code));
    size_t size = reason.size;
    if (size > WEBSOCKET_CONTROL_BYTES_MAX - 2)
        size = WEBSOCKET_CONTROL_BYTES_MAX - 2;
    while (size > 0 && size < reason.size && (reason.data[size] & 0xc0) == 0x80)
        size--;
    out[0] = (uint8_t)(code >> 8);
    out[1] = (uint8_t)code;
    if (size > 0)
        memcpy(out + 2, reason.data, size);
    return 2 + size;
}

/* 22 letters of base64 and "==", as RFC 6455 wants the 16 random bytes. */
static bool is_key(Slice key)
{
    if (key.size != KEY_BYTES || key.data[22] != '=' || key.data[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        uint8_t c = key.data[i];
        if (!ascii_is_letter(c) && !ascii_is_digit(c) && c != '+' && c != '/')
            return false;
    }
    return true;
}

bool websocket_accept_key(Slice key, char out[WEBSOCKET_ACCEPT_BYTES + 1])
{
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t text[KEY_BYTES + sizeof magic - 1];
    uint8_t digest[20];
    if (!is_key(key))
        return false;
    memcpy(text, key.data, KEY_BYTES);
    memcpy(text + KEY_BYTES, magic, sizeof magic - 1);
    if (EVP_Digest(text, sizeof text, digest, NULL, EVP_sha1(), NULL) != 1)
        return false;
    return EVP_EncodeBlock((unsigned char *)out, digest, sizeof digest) == WEBSOCKET_ACCEPT_BYTES;
}
