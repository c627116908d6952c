/* A connection's life: OPEN → ENDING (connection_close_gently: what is queued is sent) → LINGERING
 * (our side has ended, what comes is thrown away) → CLOSED; or CLOSED at once by connection_abort.
 * The protocol hears of the end when OPEN is left, and no more after that. */
#include "net/connection.h"

#include "base/assert.h"
#include "net/net_int.h"

static const int64_t LINGER_NS = 2000000000; /* for the peer to end its side */

static void on_ready(uv_poll_t *handle, int status, int events);

/* ---- references ---- */

Connection *connection_clone(Connection *connection)
{
    uint32_t before = atomic_fetch_add_explicit(&connection->references, 1, memory_order_relaxed);
    ASSERT(before > 0);
    return connection;
}

void connection_release(Connection *connection)
{
    uint32_t before = atomic_fetch_sub_explicit(&connection->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before == 1)
        memory_free(connection);
}

/* ---- what is asked of it ---- */

const ConnectionProtocol *connection_protocol(const Connection *connection)
{
    return connection->protocol;
}

void *connection_state(const Connection *connection)
{
    return connection->state;
}

void connection_set_protocol(Connection *connection, const ConnectionProtocol *protocol,
                             void *state)
{
    connection->protocol = protocol;
    connection->state = state;
}

bool connection_is_open(const Connection *connection)
{
    return connection->phase == CONNECTION_OPEN;
}

bool connection_peer_ended(const Connection *connection)
{
    return connection->peer_ended;
}

size_t connection_unused_input(const Connection *connection)
{
    return connection->input_size;
}

Loop *connection_loop(const Connection *connection)
{
    return connection->loop;
}

uint64_t connection_id(const Connection *connection)
{
    return connection->id;
}

void connection_peer(const Connection *connection, char out[CONNECTION_ADDRESS_BYTES])
{
    memcpy(out, connection->peer, CONNECTION_ADDRESS_BYTES);
}

/* ---- opening ---- */

static void link_connection(Connection *connection)
{
    Loop *loop = connection->loop;
    connection->next = loop->connections;
    if (loop->connections != NULL)
        loop->connections->previous = connection;
    loop->connections = connection;
    loop->connection_count++;
}

static void unlink_connection(Connection *connection)
{
    Loop *loop = connection->loop;
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        loop->connections = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
}

Connection *connection_open(Loop *loop, Socket *socket, const ConnectionProtocol *protocol)
{
    Connection *connection = MEMORY_NEW(Connection);
    if (connection == NULL ||
        uv_poll_init(&loop->uv, &connection->poll, socket_descriptor(socket)) != 0) {
        memory_free(connection);
        socket_close(socket);
        return NULL;
    }
    atomic_init(&connection->references, 1);
    connection->loop = loop;
    connection->socket = socket;
    connection->protocol = protocol;
    connection->poll.data = connection;
    connection->id = (uint64_t)loop->number << 48 | ++loop->next_connection;
    output_open(connection);
    link_connection(connection);
    socket_set_send_buffer(socket, loop->net->send_buffer_bytes);
    socket_peer_address(socket, connection->peer, sizeof connection->peer);
    uint32_t open = atomic_fetch_add(&loop->net->connections, 1) + 1;
    counter_add(&loop->counters.connections, 1);
    connection->is_refusal = open > loop->configuration->limits.connections_max;
    counter_add(
        connection->is_refusal ? &loop->counters.connections_refused : &loop->counters.accepted, 1);
    connection_set_deadline(connection,
                            loop->now_ns + loop->configuration->limits.header_timeout_ns);
    connection_update_events(connection);
    if (connection->is_refusal) {
        loop->refusals++;
        door_refuse(connection);
    }
    return connection;
}

/* ---- closing ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    Connection *connection = handle->data;
    Loop *loop = connection->loop;
    loop->connection_count--;
    connection_release(connection);
    loop_check_done(loop);
}

static void leave_open(Connection *connection)
{
    connection->protocol->on_closed(connection);
    connection->state = NULL;
}

static void drop_input(Connection *connection)
{
    memory_free(connection->input);
    connection->input = NULL;
    connection->input_size = 0;
    connection->input_capacity = 0;
}

static void close_socket(Connection *connection)
{
    Loop *loop = connection->loop;
    connection->phase = CONNECTION_CLOSED;
    timer_wheel_cancel(&connection->timer);
    connection_unlist(connection);
    unlink_connection(connection);
    uv_close((uv_handle_t *)&connection->poll, on_handle_closed);
    socket_close(connection->socket);
    connection->socket = NULL;
    output_close(connection);
    drop_input(connection);
    atomic_fetch_sub(&loop->net->connections, 1);
    counter_add(&loop->counters.connections, -1);
    if (connection->is_refusal)
        loop->refusals--;
}

void connection_abort(Connection *connection)
{
    if (connection->phase == CONNECTION_CLOSED)
        return;
    bool was_open = connection->phase == CONNECTION_OPEN;
    close_socket(connection);
    if (was_open)
        leave_open(connection);
}

/* A peer that takes some of what is queued is given time for the rest. */
void connection_extend_ending(Connection *connection)
{
    Loop *loop = connection->loop;
    connection_set_deadline(connection, loop->now_ns + loop->configuration->limits.idle_timeout_ns);
}

/* Everything queued is sent. */
void connection_finish_ending(Connection *connection)
{
    ASSERT(connection->phase == CONNECTION_ENDING && connection->output_bytes == 0);
    if (connection->peer_ended) {
        connection_abort(connection);
        return;
    }
    connection->phase = CONNECTION_LINGERING;
    socket_shutdown_write(connection->socket);
    connection_set_deadline(connection, connection->loop->now_ns + LINGER_NS);
    connection_update_events(connection);
}

void connection_close_gently(Connection *connection)
{
    if (connection->phase != CONNECTION_OPEN)
        return;
    connection->phase = CONNECTION_ENDING;
    connection->paused = 0; /* what comes is thrown away, so that the peer can go on to read */
    drop_input(connection);
    connection_extend_ending(connection);
    connection_update_events(connection);
    leave_open(connection);
    if (connection->phase == CONNECTION_ENDING)
        connection_list_for_flush(connection);
}

/* ---- deadlines ---- */

void connection_set_deadline(Connection *connection, int64_t deadline_ns)
{
    if (connection->phase != CONNECTION_CLOSED)
        timer_wheel_set(&connection->loop->wheel, &connection->timer, deadline_ns);
}

void connection_on_timer(Connection *connection)
{
    if (connection->phase == CONNECTION_OPEN)
        connection->protocol->on_deadline(connection);
    else
        connection_abort(connection);
}

/* ---- what is waited for ---- */

static uint8_t wanted_events(const Connection *connection)
{
    uint8_t events = connection->waits_for_write ? UV_WRITABLE : 0;
    if (connection->peer_ended)
        return events;
    if (connection->paused == 0)
        return events | UV_READABLE;
    return connection->was_told_end ? events : events | UV_DISCONNECT;
}

void connection_update_events(Connection *connection)
{
    uint8_t wanted = wanted_events(connection);
    if (connection->phase == CONNECTION_CLOSED || wanted == connection->events)
        return;
    connection->events = wanted;
    int result = wanted == 0 ? uv_poll_stop(&connection->poll)
                             : uv_poll_start(&connection->poll, wanted, on_ready);
    ASSERT(result == 0);
}

static void set_pause(Connection *connection, uint8_t reason, bool on)
{
    uint8_t before = connection->paused;
    connection->paused = on ? before | reason : (uint8_t)(before & ~reason);
    if (connection->paused != before)
        connection_update_events(connection);
}

void connection_pause(Connection *connection)
{
    set_pause(connection, PAUSE_PROTOCOL, true);
}

void connection_resume(Connection *connection)
{
    set_pause(connection, PAUSE_PROTOCOL, false);
}

void connection_pause_for_output(Connection *connection, bool on)
{
    set_pause(connection, PAUSE_OUTPUT, on);
}

/* ---- input ---- */

/* Keeps what the protocol left. False where there is no memory. */
static bool keep_input(Connection *connection, const uint8_t *data, size_t size)
{
    ASSERT(size <= CONNECTION_READ_BYTES);
    if (size == 0) {
        drop_input(connection);
        return true;
    }
    if (size > connection->input_capacity) {
        uint8_t *kept = memory_allocate(size);
        if (kept == NULL)
            return false;
        memcpy(kept, data, size);
        drop_input(connection);
        connection->input = kept;
        connection->input_capacity = (uint32_t)size;
    } else if (data != connection->input) {
        memmove(connection->input, data, size);
    }
    connection->input_size = (uint32_t)size;
    set_pause(connection, PAUSE_INPUT, size == CONNECTION_READ_BYTES);
    return true;
}

/* Gives bytes to the protocol until it uses no more of them. */
static void offer_input(Connection *connection, uint8_t *data, size_t size)
{
    size_t used = 0;
    connection->is_processing = true;
    for (size_t step = 1; step > 0 && used < size;) {
        const ConnectionProtocol *protocol = connection->protocol;
        step = protocol->on_input(connection, data + used, size - used);
        ASSERT(step <= size - used);
        used += step;
        if (connection->phase != CONNECTION_OPEN)
            break;
        if (connection->protocol != protocol)
            step = 1; /* the next one has not seen the rest yet */
    }
    connection->is_processing = false;
    if (connection->phase != CONNECTION_OPEN)
        return;
    if (!keep_input(connection, data + used, size - used))
        connection_abort(connection);
}

/* `input` is taken out while it is offered: a protocol that closes must not free it meanwhile. */
void connection_process_input(Connection *connection)
{
    if (connection->is_processing || connection->phase != CONNECTION_OPEN ||
        connection->input_size == 0)
        return;
    uint8_t *input = connection->input;
    size_t size = connection->input_size;
    connection->input = NULL;
    connection->input_size = 0;
    connection->input_capacity = 0;
    set_pause(connection, PAUSE_INPUT, false);
    offer_input(connection, input, size);
    memory_free(input);
}

/* The input has ended. What is still queued is sent: the peer may only have ended its side. */
static void end_input(Connection *connection)
{
    connection->peer_ended = true;
    connection_update_events(connection);
    if (connection->phase == CONNECTION_OPEN)
        connection->protocol->on_end(connection);
    else if (connection->phase == CONNECTION_LINGERING)
        connection_abort(connection);
}

/* The peer goes away while reading is paused: what it sent before is still to be read. */
static void notice_end(Connection *connection)
{
    connection->was_told_end = true;
    connection_update_events(connection);
    if (connection->phase == CONNECTION_OPEN)
        connection->protocol->on_end(connection);
}

/* Reads behind what was left unused, or into the loop's memory where nothing was. */
static SocketResult read_some(Connection *connection, uint8_t **data, size_t *size)
{
    Loop *loop = connection->loop;
    size_t kept = connection->input_size;
    size_t got = 0;
    SocketResult result =
        socket_read(connection->socket, loop->scratch + kept, CONNECTION_READ_BYTES - kept, &got);
    counter_add(&loop->counters.bytes_in, (int64_t)got);
    if (result == SOCKET_DONE && kept > 0)
        memcpy(loop->scratch, connection->input, kept);
    *data = loop->scratch;
    *size = kept + got;
    return result;
}

static void on_readable(Connection *connection)
{
    uint8_t *data;
    size_t size;
    SocketResult result = read_some(connection, &data, &size);
    if (result == SOCKET_AGAIN)
        return;
    if (result == SOCKET_CLOSED) {
        end_input(connection);
        return;
    }
    if (connection->phase != CONNECTION_OPEN)
        return; /* thrown away */
    drop_input(connection);
    offer_input(connection, data, size);
    if (connection->in_flush_list) {
        connection_unlist(connection);
        connection_flush(connection);
    }
}

static void on_ready(uv_poll_t *handle, int status, int events)
{
    Connection *connection = handle->data;
    loop_touch_clock(connection->loop);
    if (status < 0) {
        connection_abort(connection);
        return;
    }
    connection_clone(connection); /* whatever the protocol does, it is there until the end */
    if (events & UV_WRITABLE) {
        connection->waits_for_write = false;
        connection_flush(connection);
    }
    if ((events & UV_READABLE) && connection->phase != CONNECTION_CLOSED)
        on_readable(connection);
    else if ((events & UV_DISCONNECT) && connection->phase != CONNECTION_CLOSED)
        notice_end(connection);
    connection_release(connection);
}
