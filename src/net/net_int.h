/* Private to net: what a Net, its loops and their connections are made of.
 *
 * Threading: everything of a Loop and a Connection belongs to the loop's thread, but for what is
 * atomic. Ownership: a Net owns its loops; a Loop owns its listeners, its connections (one
 * reference each) and the exchanges in its pool. */
#ifndef FIRN_NET_NET_INT_H
#define FIRN_NET_NET_INT_H

#include <uv.h>

#include "net/connection.h"
#include "net/net.h"
#include "net/timer_wheel.h"

enum {
    ACCEPTS_PER_TURN_MAX = 64,
    FLUSHES_PER_TURN_MAX = 256, /* then other sockets have their turn: a fan-out takes several */
    LISTEN_BACKLOG = 1024,
    REFUSALS_MAX = 256, /* connections over the limit that are still being told so */
    SEND_BUFFER_DEFAULT = 256 << 10,
    EXCHANGE_POOL_MAX = 64, /* of one loop, kept for the next requests */
};

/* A limits record as the loops use it: never changed, reference counted. */
typedef struct NetConfiguration {
    _Atomic uint32_t references;
    NetLimits limits;
    Slice cors_origins[NET_CORS_ORIGINS_MAX];
    Arena arena;
} NetConfiguration;

struct Net {
    Env *env;
    NetHandlers handlers;
    int send_buffer_bytes;
    Loop *loops;
    uint32_t loop_count;
    Mutex stop_lock; /* "net_stop": loops_running */
    Condition loop_ended;
    uint32_t loops_running;
    size_t address_count;
    char addresses[NET_ADDRESSES_MAX][CONNECTION_ADDRESS_BYTES];
    bool is_stopped;
    _Atomic bool is_stopping;
    _Atomic uint32_t connections; /* open on all loops */
    _Atomic uint64_t body_bytes;  /* of bodies being taken whole */
    Mutex configure_lock;         /* "net_configure": one change at a time */
    NetConfiguration *configuration;
};

typedef struct Listener {
    uv_poll_t poll;
    WheelTimer retry; /* set while accepting pauses for want of descriptors or memory */
    Loop *loop;
    Socket *socket;
    bool is_open;
} Listener;

/* Counted by the loop's thread, read by any. */
typedef struct LoopCounters {
    _Atomic uint64_t connections;
    _Atomic uint64_t websockets;
    _Atomic uint64_t accepted;
    _Atomic uint64_t connections_refused;
    _Atomic uint64_t accept_failures;
    _Atomic uint64_t requests;
    _Atomic uint64_t requests_refused;
    _Atomic uint64_t bytes_in;
    _Atomic uint64_t bytes_out;
    _Atomic uint64_t messages_in;
    _Atomic uint64_t messages_out;
} LoopCounters;

/* One thread writes each counter, so an addition needs no locked instruction. */
static inline void counter_add(_Atomic uint64_t *counter, int64_t n)
{
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + (uint64_t)n, memory_order_relaxed);
}

typedef enum LoopPhase {
    LOOP_RUNNING,
    LOOP_DRAINING, /* accepts nothing, waits for exchanges under way */
    LOOP_CUTTING,  /* the deadline passed: every connection was aborted */
    LOOP_CLOSING,  /* its handles are closing; the thread ends */
} LoopPhase;

struct Loop {
    Net *net;
    Env *env;
    uint32_t number;
    LoopPhase phase;
    Thread *thread;
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t tick;
    uv_prepare_t turn_end;
    uv_idle_t keep_turning;     /* active while output waits that one turn was too short for */
    _Atomic(LoopTask *) posted; /* newest first */
    _Atomic uint32_t posting;   /* threads inside loop_post */
    _Atomic bool is_deaf;       /* `wake` is closing: what is posted now runs in loop_close */
    int64_t now_ns;
    TimerWheel wheel;
    uint8_t *scratch; /* CONNECTION_READ_BYTES */
    NetConfiguration *configuration;
    Listener listeners[NET_ADDRESSES_MAX];
    Connection *connections;   /* all, doubly linked */
    uint32_t connection_count; /* until their handles are closed */
    uint32_t refusals;
    Connection *flush_first; /* with output for the end of the turn */
    Connection *flush_last;
    uint64_t next_connection;
    HttpExchange *free_exchanges;
    uint32_t free_exchange_count;
    uint32_t exchange_count; /* given to handlers and not back yet */
    uint64_t request_seed;   /* of the request ids made here */
    uint64_t next_request;
    LoopCounters counters;
    LoopTask begin_draining;
    LoopTask begin_cutting;
};

typedef enum ConnectionPhase {
    CONNECTION_OPEN,
    CONNECTION_ENDING,    /* sends what is queued, then ends its side */
    CONNECTION_LINGERING, /* throws away what still comes */
    CONNECTION_CLOSED,
} ConnectionPhase;

enum PauseReason {
    PAUSE_PROTOCOL = 1,
    PAUSE_OUTPUT = 2, /* too much waits to be sent */
    PAUSE_INPUT = 4,  /* too much waits to be used */
};

enum { INLINE_FRAMES = 2 };

struct Connection {
    uv_poll_t poll;
    WheelTimer timer;
    Loop *loop;
    Socket *socket;
    const ConnectionProtocol *protocol;
    void *state;
    uint64_t id;
    Connection *previous; /* of the loop's */
    Connection *next;
    Connection *flush_previous; /* of those with output */
    Connection *flush_next;
    _Atomic uint32_t references;
    uint8_t phase;  /* ConnectionPhase */
    uint8_t paused; /* PauseReasons */
    uint8_t events; /* what is waited for now, uv's bits */
    bool waits_for_write;
    bool is_processing; /* on_input is running */
    bool is_flushing;
    bool peer_ended;
    bool was_told_end; /* on_end was called */
    bool in_flush_list;
    bool is_refusal; /* over the limit, and not counted as a connection */
    uint8_t *input;  /* left unused by the protocol; NULL where nothing is */
    uint32_t input_size;
    uint32_t input_capacity;
    uint32_t frame_first; /* index in `frames` */
    uint32_t frame_count;
    uint32_t frame_capacity; /* a power of two */
    SharedFrame **frames;    /* a ring; inline_frames while it is small */
    SharedFrame *inline_frames[INLINE_FRAMES];
    size_t front_offset; /* bytes of the first frame that are sent */
    size_t output_bytes;
    uint64_t sent;
    char peer[CONNECTION_ADDRESS_BYTES]; /* asked for once: every request wants it */
};

/* ---- loop.c ---- */

CHECKED Status loop_open(Loop *loop, Net *net, uint32_t number, Error *error);
void loop_close(Loop *loop); /* after its thread has ended, or where it never ran */
CHECKED Status loop_start(Loop *loop, Error *error);
void loop_touch_clock(Loop *loop);

/* Called where a connection or an exchange has gone: a stopping loop may be done. */
void loop_check_done(Loop *loop);

/* ---- listener.c ---- */

CHECKED Status listener_open(Listener *listener, Loop *loop, const char *address, Error *error);
CHECKED Status listener_start(Listener *listener, Error *error);
void listener_stop(Listener *listener);
void listener_retry(Listener *listener);

/* ---- connection.c ---- */

/* Makes a connection of an accepted socket, which is taken in any case, and gives it to `protocol`.
 * NULL where there is no memory. */
Connection *connection_open(Loop *loop, Socket *socket, const ConnectionProtocol *protocol);
void connection_on_timer(Connection *connection);
void connection_list_for_flush(Connection *connection);
void connection_unlist(Connection *connection);
void connection_update_events(Connection *connection);
void connection_extend_ending(Connection *connection);
void connection_finish_ending(Connection *connection);
void connection_pause_for_output(Connection *connection, bool on);

/* ---- connection_output.c ---- */

void output_open(Connection *connection);
void output_close(Connection *connection);

/* ---- configuration.c ---- */

CHECKED Status net_configuration_create(const NetLimits *limits, NetConfiguration **out,
                                        Error *error);
NetConfiguration *net_configuration_clone(NetConfiguration *configuration);
void net_configuration_release(NetConfiguration *configuration);

/* Is this Origin allowed? */
bool net_configuration_allows_origin(const NetConfiguration *configuration, Slice origin);

/* ---- door.c: what speaks on a new connection ---- */

extern const ConnectionProtocol door_protocol;

/* Tells a client that comes over the limit so, and closes. */
void door_refuse(Connection *connection);

/* ---- http_codec.c ---- */

/* Makes the connection HTTP's; false where there is no memory, and it was aborted. */
bool http_codec_attach(Connection *connection);

#endif
