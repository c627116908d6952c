/* Sockets of the simulated Env: pairs of bounded streams, found by the address that somebody
 * listens on. Bytes arrive after the link's latency; reads and writes take less than they could, as
 * a real network has them do. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/simulation_int.h"

enum {
    ADDRESS_BYTES = 64,
    PORT_FIRST = 40000,
    BACKLOG_MAX = 1024,
    SEGMENTS_MAX = 1024,
};

/* What one write put on its way. */
typedef struct Segment {
    int64_t arrives_ns;
    size_t size;
} Segment;

/* One direction: a ring of bytes, and when they arrive. */
typedef struct Stream {
    size_t first;
    size_t size;
    size_t first_segment;
    size_t segment_count;
    bool is_ended; /* nothing will be written any more */
    Segment segments[SEGMENTS_MAX];
    uint8_t bytes[SIMULATION_SOCKET_BUFFER_BYTES];
} Stream;

typedef struct Connection {
    size_t references;
    bool is_broken;
    char server[ADDRESS_BYTES]; /* as the client named it */
    char client[ADDRESS_BYTES];
    Stream streams[2]; /* [0] is written by the client */
} Connection;

struct SimulatedSocket {
    Socket base;
    SimulatedSocket *next;
    uint64_t run;
    Connection *connection; /* NULL: it listens */
    int side;               /* 0: the client */
    char address[ADDRESS_BYTES];
    Connection *waiting[BACKLOG_MAX];
    size_t waiting_count;
    size_t backlog;
};

static const SocketOperations simulated_socket_operations;

static Simulation *simulation_of_socket(const SimulatedSocket *socket)
{
    return simulation_of(socket->base.env);
}

static SimulatedSocket *make_socket(Simulation *simulation, Connection *connection, int side)
{
    SimulatedSocket *socket = simulation_allocate(sizeof *socket);
    socket->base = (Socket){&simulation->env, &simulated_socket_operations};
    socket->run = simulation->current == NULL ? 0 : simulation->runs;
    socket->connection = connection;
    socket->side = side;
    if (connection != NULL)
        connection->references++;
    socket->next = simulation->sockets;
    simulation->sockets = socket;
    return socket;
}

static void release_connection(Connection *connection)
{
    if (--connection->references == 0)
        simulation_free(connection);
}

/* ---- addresses and links ---- */

static const char *port_of(const char *address)
{
    const char *colon = strrchr(address, ':');
    return colon == NULL ? "" : colon + 1;
}

static bool is_any_host(const char *address)
{
    return address[0] == ':' || strncmp(address, "0.0.0.0:", 8) == 0 ||
           strncmp(address, "[::]:", 5) == 0;
}

static bool listens_on(const SimulatedSocket *socket, const char *address)
{
    if (socket->connection != NULL)
        return false;
    if (is_any_host(socket->address))
        return strcmp(port_of(socket->address), port_of(address)) == 0;
    return strcmp(socket->address, address) == 0;
}

static SimulationLink link_of(const Simulation *simulation, const char *address)
{
    for (size_t i = 0; i < simulation->link_count; i++) {
        if (strcmp(simulation->links[i].address, address) == 0)
            return simulation->links[i].link;
    }
    return SIMULATION_LINK_UP;
}

static LinkState *take_link(Simulation *simulation, const char *address)
{
    for (size_t i = 0; i < simulation->link_count; i++) {
        if (strcmp(simulation->links[i].address, address) == 0)
            return &simulation->links[i];
    }
    ASSERT(simulation->link_count < LINKS_MAX && strlen(address) < ADDRESS_BYTES);
    LinkState *link = &simulation->links[simulation->link_count++];
    (void)snprintf(link->address, sizeof link->address, "%s", address);
    return link;
}

void simulation_set_link(Simulation *simulation, const char *address, SimulationLink link)
{
    take_link(simulation, address)->link = link;
    for (SimulatedSocket *socket = simulation->sockets; socket != NULL; socket = socket->next) {
        Connection *connection = socket->connection;
        if (connection == NULL || strcmp(connection->server, address) != 0)
            continue;
        connection->is_broken = connection->is_broken || link == SIMULATION_LINK_CUT;
        simulation_wake(simulation, connection, true);
    }
}

/* ---- streams ---- */

/* Copies into or out of the ring, in the two parts that its end makes. */
static void copy_in(Stream *stream, size_t at, const uint8_t *data, size_t size)
{
    size_t place = at % sizeof stream->bytes;
    size_t first = size < sizeof stream->bytes - place ? size : sizeof stream->bytes - place;
    memcpy(stream->bytes + place, data, first);
    memcpy(stream->bytes, data + first, size - first);
}

static void copy_out(const Stream *stream, size_t at, uint8_t *out, size_t size)
{
    size_t place = at % sizeof stream->bytes;
    size_t first = size < sizeof stream->bytes - place ? size : sizeof stream->bytes - place;
    memcpy(out, stream->bytes + place, first);
    memcpy(out + first, stream->bytes, size - first);
}

static void stream_put(Stream *stream, const uint8_t *data, size_t size, int64_t arrives_ns)
{
    copy_in(stream, stream->first + stream->size, data, size);
    stream->size += size;
    if (stream->segment_count == SEGMENTS_MAX) { /* the last one waits for its successor */
        Segment *last =
            &stream->segments[(stream->first_segment + SEGMENTS_MAX - 1) % SEGMENTS_MAX];
        *last = (Segment){arrives_ns, last->size + size};
        return;
    }
    size_t place = (stream->first_segment + stream->segment_count++) % SEGMENTS_MAX;
    stream->segments[place] = (Segment){arrives_ns, size};
}

static size_t stream_arrived(const Stream *stream, int64_t now_ns)
{
    size_t arrived = 0;
    for (size_t i = 0; i < stream->segment_count; i++) {
        const Segment *segment = &stream->segments[(stream->first_segment + i) % SEGMENTS_MAX];
        if (segment->arrives_ns > now_ns)
            break;
        arrived += segment->size;
    }
    return arrived;
}

/* When something that is on its way arrives; INT64_MAX where nothing is. */
static int64_t stream_next_arrival(const Stream *stream, int64_t now_ns)
{
    for (size_t i = 0; i < stream->segment_count; i++) {
        const Segment *segment = &stream->segments[(stream->first_segment + i) % SEGMENTS_MAX];
        if (segment->arrives_ns > now_ns)
            return segment->arrives_ns;
    }
    return INT64_MAX;
}

static void stream_take(Stream *stream, uint8_t *out, size_t size)
{
    copy_out(stream, stream->first, out, size);
    stream->first = (stream->first + size) % sizeof stream->bytes;
    stream->size -= size;
    while (size > 0) {
        Segment *segment = &stream->segments[stream->first_segment];
        size_t part = size < segment->size ? size : segment->size;
        segment->size -= part;
        size -= part;
        if (segment->size > 0)
            continue;
        stream->first_segment = (stream->first_segment + 1) % SEGMENTS_MAX;
        stream->segment_count--;
    }
}

static Stream *stream_in(const SimulatedSocket *socket)
{
    return &socket->connection->streams[1 - socket->side];
}

static Stream *stream_out(const SimulatedSocket *socket)
{
    return &socket->connection->streams[socket->side];
}

static bool is_held(const SimulatedSocket *socket)
{
    return link_of(simulation_of_socket(socket), socket->connection->server) ==
           SIMULATION_LINK_HELD;
}

/* Some of what is possible, at least one. */
static size_t some_of(Simulation *simulation, size_t size)
{
    if (size <= 1 || random_chance(&simulation->program_random, 3, 4))
        return size;
    return 1 + (size_t)random_below(&simulation->program_random, size);
}

/* ---- reading and writing ---- */

static SocketResult simulated_read(Socket *base, void *out, size_t size, size_t *got)
{
    SimulatedSocket *socket = (SimulatedSocket *)base;
    Simulation *simulation = simulation_of_socket(socket);
    simulation_step(simulation, "receive", socket->connection->server);
    Stream *stream = stream_in(socket);
    *got = 0;
    if (socket->connection->is_broken)
        return SOCKET_CLOSED;
    size_t arrived = is_held(socket) ? 0 : stream_arrived(stream, simulation->now_ns);
    if (arrived == 0)
        return stream->is_ended && stream->size == 0 && !is_held(socket) ? SOCKET_CLOSED
                                                                         : SOCKET_AGAIN;
    *got = size == 0 ? 0 : some_of(simulation, arrived < size ? arrived : size);
    stream_take(stream, out, *got);
    simulation_wake(simulation, socket->connection, true);
    return SOCKET_DONE;
}

static SocketResult simulated_write(Socket *base, const SocketPart *parts, size_t count,
                                    size_t *written)
{
    SimulatedSocket *socket = (SimulatedSocket *)base;
    Simulation *simulation = simulation_of_socket(socket);
    simulation_step(simulation, "send", socket->connection->server);
    Stream *stream = stream_out(socket);
    *written = 0;
    if (socket->connection->is_broken || stream->is_ended)
        return SOCKET_CLOSED;
    size_t room = sizeof stream->bytes - stream->size;
    if (room == 0)
        return SOCKET_AGAIN;
    room = some_of(simulation, room);
    int64_t arrives_ns = simulation->now_ns + simulation->options.socket_latency_ns;
    for (size_t i = 0; i < count && room > 0; i++) {
        size_t part = parts[i].size < room ? parts[i].size : room;
        if (part == 0)
            continue;
        stream_put(stream, parts[i].data, part, arrives_ns);
        *written += part;
        room -= part;
    }
    simulation_wake(simulation, socket->connection, true);
    return SOCKET_DONE;
}

static bool is_ready(const SimulatedSocket *socket, bool for_write)
{
    const Connection *connection = socket->connection;
    if (connection == NULL)
        return socket->waiting_count > 0;
    if (connection->is_broken)
        return true;
    const Stream *out = stream_out(socket);
    if (for_write)
        return out->is_ended || out->size < sizeof out->bytes;
    const Stream *in = stream_in(socket);
    if (is_held(socket))
        return false;
    return (in->is_ended && in->size == 0) ||
           stream_arrived(in, simulation_of_socket(socket)->now_ns) > 0;
}

static bool simulated_socket_wait(Socket *base, bool for_write, int64_t deadline_ns)
{
    SimulatedSocket *socket = (SimulatedSocket *)base;
    Simulation *simulation = simulation_of_socket(socket);
    const Connection *connection = socket->connection;
    const void *channel = connection == NULL ? (const void *)socket : (const void *)connection;
    simulation_step(simulation, "poll", socket->address);
    while (!is_ready(socket, for_write)) {
        if (simulation->now_ns >= deadline_ns)
            return false;
        int64_t until_ns = deadline_ns;
        if (connection != NULL && !for_write && !is_held(socket)) {
            int64_t arrival_ns = stream_next_arrival(stream_in(socket), simulation->now_ns);
            until_ns = arrival_ns < until_ns ? arrival_ns : until_ns;
        }
        (void)simulation_wait(simulation, channel, until_ns, "poll", socket->address);
    }
    return true;
}

static void simulated_shutdown_write(Socket *base)
{
    SimulatedSocket *socket = (SimulatedSocket *)base;
    stream_out(socket)->is_ended = true;
    simulation_wake(simulation_of_socket(socket), socket->connection, true);
    simulation_step(simulation_of_socket(socket), "shut down", socket->connection->server);
}

/* ---- connecting ---- */

Status simulated_socket_listen(Env *env, const char *address, int backlog, Socket **out,
                               Error *error)
{
    Simulation *simulation = simulation_of(env);
    if (strlen(address) >= ADDRESS_BYTES || port_of(address)[0] == '\0')
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "\"%s\" is not an address: write HOST:PORT", address);
    SimulatedSocket *socket = make_socket(simulation, NULL, 1);
    size_t host = strlen(address) - strlen(port_of(address));
    if (strcmp(port_of(address), "0") == 0)
        (void)snprintf(socket->address, sizeof socket->address, "%.*s%d", (int)host, address,
                       PORT_FIRST + simulation->next_port++);
    else
        (void)snprintf(socket->address, sizeof socket->address, "%s", address);
    socket->backlog = backlog < 1 ? 1 : backlog > BACKLOG_MAX ? BACKLOG_MAX : (size_t)backlog;
    simulation_step(simulation, "listen", socket->address);
    *out = &socket->base;
    return OK;
}

/* Somebody who listens there and has room; one of them by chance. *refused where nobody listens. */
static SimulatedSocket *find_listener(Simulation *simulation, const char *address, bool *refused)
{
    SimulatedSocket *found = NULL;
    uint64_t count = 0;
    *refused = true;
    for (SimulatedSocket *socket = simulation->sockets; socket != NULL; socket = socket->next) {
        if (!listens_on(socket, address))
            continue;
        *refused = false;
        if (socket->waiting_count < socket->backlog &&
            random_chance(&simulation->program_random, 1, ++count))
            found = socket;
    }
    return found;
}

static SimulatedSocket *connect_to(Simulation *simulation, SimulatedSocket *listener,
                                   const char *address)
{
    Connection *connection = simulation_allocate(sizeof *connection);
    (void)snprintf(connection->server, sizeof connection->server, "%s", address);
    (void)snprintf(connection->client, sizeof connection->client, "127.0.0.1:%d",
                   PORT_FIRST + simulation->next_port++);
    SimulatedSocket *socket = make_socket(simulation, connection, 0);
    connection->references++; /* of the listener's list */
    listener->waiting[listener->waiting_count++] = connection;
    simulation_wake(simulation, listener, true);
    return socket;
}

static Status refuse(const char *address, const char *why, Error *error)
{
    return error_set(error, STATUS_CONNECTION_FAILURE, "could not connect to %s: %s", address, why);
}

Status simulated_socket_connect(Env *env, const char *address, int64_t timeout_ns, Socket **out,
                                Error *error)
{
    enum { RETRY_NS = 1000000 };
    Simulation *simulation = simulation_of(env);
    if (strlen(address) >= ADDRESS_BYTES || port_of(address)[0] == '\0')
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "\"%s\" is not an address: write HOST:PORT", address);
    Operation operation = operation_begin(simulation, SIMULATION_CONNECT, address, error);
    if (operation.fault != OK)
        return operation_end(&operation, operation.fault);
    int64_t deadline_ns = simulation->now_ns + timeout_ns;
    simulation_sleep(simulation, simulation->options.socket_latency_ns, "connect", address);
    for (;;) {
        SimulationLink link = link_of(simulation, address);
        bool refused;
        SimulatedSocket *listener = find_listener(simulation, address, &refused);
        if (link == SIMULATION_LINK_CUT || (link == SIMULATION_LINK_UP && refused))
            return operation_end(&operation, refuse(address, "Connection refused", error));
        if (link == SIMULATION_LINK_UP && listener != NULL) {
            *out = &connect_to(simulation, listener, address)->base;
            return operation_end(&operation, OK);
        }
        if (simulation->now_ns >= deadline_ns)
            return operation_end(&operation, refuse(address, "Connection timed out", error));
        simulation_sleep(simulation, RETRY_NS, "connect", address);
    }
}

static Status simulated_accept(Socket *base, Socket **out, Error *error)
{
    (void)error;
    SimulatedSocket *listener = (SimulatedSocket *)base;
    Simulation *simulation = simulation_of_socket(listener);
    simulation_step(simulation, "accept", listener->address);
    *out = NULL;
    if (listener->waiting_count == 0)
        return OK;
    Connection *connection = listener->waiting[0];
    listener->waiting_count--;
    memmove(listener->waiting, listener->waiting + 1,
            listener->waiting_count * sizeof(Connection *));
    SimulatedSocket *socket = make_socket(simulation, connection, 1);
    release_connection(connection);
    *out = &socket->base;
    return OK;
}

static void break_connection(Simulation *simulation, Connection *connection)
{
    connection->is_broken = true;
    simulation_wake(simulation, connection, true);
}

/* Closing with bytes unread resets the connection, as TCP does. */
static void leave_connection(Simulation *simulation, SimulatedSocket *socket)
{
    Connection *connection = socket->connection;
    stream_out(socket)->is_ended = true;
    if (stream_in(socket)->size > 0)
        connection->is_broken = true;
    stream_in(socket)->is_ended = true; /* the other side's writes fail from now on */
    simulation_wake(simulation, connection, true);
    release_connection(connection);
}

static void free_socket(Simulation *simulation, SimulatedSocket *socket)
{
    SimulatedSocket **at = &simulation->sockets;
    while (*at != socket)
        at = &(*at)->next;
    *at = socket->next;
    if (socket->connection != NULL)
        leave_connection(simulation, socket);
    for (size_t i = 0; i < socket->waiting_count; i++) {
        break_connection(simulation, socket->waiting[i]);
        release_connection(socket->waiting[i]);
    }
    simulation_free(socket);
}

static void simulated_close(Socket *base)
{
    SimulatedSocket *socket = (SimulatedSocket *)base;
    Simulation *simulation = simulation_of_socket(socket);
    free_socket(simulation, socket);
    simulation_step(simulation, "close", "");
}

size_t simulated_sockets_of_run(const Simulation *simulation)
{
    size_t count = 0;
    for (const SimulatedSocket *socket = simulation->sockets; socket != NULL; socket = socket->next)
        count += socket->run == simulation->runs;
    return count;
}

void simulated_sockets_close(Simulation *simulation)
{
    while (simulation->sockets != NULL)
        free_socket(simulation, simulation->sockets);
}

static int simulated_descriptor(const Socket *base)
{
    (void)base;
    return -1;
}

static void simulated_address(const Socket *base, bool of_peer, char *out, size_t size)
{
    const SimulatedSocket *socket = (const SimulatedSocket *)base;
    const char *address = socket->address;
    if (socket->connection != NULL)
        address = (socket->side == 0) == of_peer ? socket->connection->server
                                                 : socket->connection->client;
    (void)snprintf(out, size, "%s", address);
}

static const SocketOperations simulated_socket_operations = {
    .accept = simulated_accept,
    .close = simulated_close,
    .read = simulated_read,
    .write = simulated_write,
    .wait = simulated_socket_wait,
    .shutdown_write = simulated_shutdown_write,
    .descriptor = simulated_descriptor,
    .address = simulated_address,
};
