/* The door: which protocol a new connection speaks, told by its first bytes.
 *
 *     16                       TLS: not built yet, told by an alert
 *     00                       PostgreSQL start-up (its length's first byte): not built yet
 *     anything else            HTTP, which refuses what it is not
 * Both of the others get an answer in their own language, so that the user of a driver reads why.
 */
#include "base/assert.h"
#include "net/http_int.h"

enum {
    TLS_HANDSHAKE = 0x16,
    POSTGRES_HEADER_BYTES = 8, /* length and code, both 32 bits big-endian */
    POSTGRES_SSL_REQUEST = 80877103,
    POSTGRES_GSS_REQUEST = 80877104,
};

static void say_and_close(Connection *connection, Slice text)
{
    SharedFrame *frame = shared_frame_copy(text);
    if (frame != NULL)
        (void)connection_send(connection, frame);
    connection_close_gently(connection);
}

/* A fatal alert of TLS 1.2's record layer: handshake_failure. */
static size_t answer_tls(Connection *connection, size_t size)
{
    static const uint8_t alert[] = {0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28};
    say_and_close(connection, slice_of(alert, sizeof alert));
    return size;
}

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* "N" to the request for encryption, after which the client goes on without or leaves; an
 * ErrorResponse to everything else. */
static size_t answer_postgres(Connection *connection, const uint8_t *data, size_t size)
{
    static const char fields[] = "SFATAL\0VFATAL\0C0A000\0"
                                 "MThe PostgreSQL protocol is not built yet: use HTTP\0";
    if (size < POSTGRES_HEADER_BYTES)
        return 0;
    uint32_t code = read_u32(data + 4);
    if (read_u32(data) == POSTGRES_HEADER_BYTES &&
        (code == POSTGRES_SSL_REQUEST || code == POSTGRES_GSS_REQUEST)) {
        SharedFrame *frame = shared_frame_copy(SLICE("N"));
        if (frame == NULL)
            connection_abort(connection);
        else
            (void)connection_send(connection, frame);
        return POSTGRES_HEADER_BYTES;
    }
    uint8_t message[5 + sizeof fields];
    message[0] = 'E';
    message[1] = 0;
    message[2] = 0;
    message[3] = 0;
    message[4] = (uint8_t)(4 + sizeof fields);
    memcpy(message + 5, fields, sizeof fields);
    say_and_close(connection, slice_of(message, sizeof message));
    return size;
}

static size_t on_input(Connection *connection, uint8_t *data, size_t size)
{
    if (data[0] == TLS_HANDSHAKE)
        return answer_tls(connection, size);
    if (data[0] == 0)
        return answer_postgres(connection, data, size);
    if (!http_codec_attach(connection))
        connection_abort(connection);
    return 0;
}

static void do_nothing(Connection *connection)
{
    (void)connection;
}

const ConnectionProtocol door_protocol = {
    .name = "door",
    .on_input = on_input,
    .on_end = connection_abort,
    .on_output = do_nothing,
    .on_deadline = connection_abort,
    .on_stop = connection_abort,
    .on_closed = do_nothing,
};

void door_refuse(Connection *connection)
{
    Error error;
    if (connection->loop->refusals > REFUSALS_MAX) {
        connection_abort(connection);
        return;
    }
    (void)error_of(&error, STATUS_TOO_MANY_CONNECTIONS);
    SharedFrame *frame = http_refusal_frame(connection->loop->env, &error);
    if (frame != NULL)
        (void)connection_send(connection, frame);
    connection_close_gently(connection);
}
