/* Accepting. A listener that the system refuses a descriptor to would be ready again at once, for
 * ever: it pauses instead. */
#include "base/assert.h"
#include "net/net_int.h"

static const int64_t ACCEPT_RETRY_NS = 100000000;

static void on_ready(uv_poll_t *handle, int status, int events);

Status listener_open(Listener *listener, Loop *loop, const char *address, Error *error)
{
    *listener = (Listener){.loop = loop};
    TRY(socket_listen(loop->env, address, LISTEN_BACKLOG, &listener->socket, error));
    int descriptor = socket_descriptor(listener->socket);
    int result = uv_poll_init(&loop->uv, &listener->poll, descriptor);
    if (result != 0) {
        socket_close(listener->socket);
        return error_set_errno(error, -result, "watch a socket", address);
    }
    listener->poll.data = listener;
    listener->is_open = true;
    return OK;
}

Status listener_start(Listener *listener, Error *error)
{
    int result = uv_poll_start(&listener->poll, UV_READABLE, on_ready);
    return result == 0 ? OK : error_set_errno(error, -result, "watch a socket", "");
}

void listener_stop(Listener *listener)
{
    if (!listener->is_open)
        return;
    listener->is_open = false;
    timer_wheel_cancel(&listener->retry);
    uv_close((uv_handle_t *)&listener->poll, NULL);
    socket_close(listener->socket);
}

static void pause_accepting(Listener *listener)
{
    Loop *loop = listener->loop;
    counter_add(&loop->counters.accept_failures, 1);
    (void)uv_poll_stop(&listener->poll);
    timer_wheel_set(&loop->wheel, &listener->retry, loop->now_ns + ACCEPT_RETRY_NS);
}

void listener_retry(Listener *listener)
{
    Error error;
    if (listener->is_open && listener_start(listener, &error) != OK)
        pause_accepting(listener);
}

static void on_ready(uv_poll_t *handle, int status, int events)
{
    Listener *listener = handle->data;
    Loop *loop = listener->loop;
    (void)events;
    loop_touch_clock(loop);
    if (status < 0) {
        pause_accepting(listener);
        return;
    }
    for (int i = 0; i < ACCEPTS_PER_TURN_MAX && listener->is_open; i++) {
        Socket *socket = NULL;
        Error error;
        if (socket_accept(listener->socket, &socket, &error) != OK) {
            pause_accepting(listener);
            return;
        }
        if (socket == NULL)
            return;
        if (connection_open(loop, socket, &door_protocol) == NULL) {
            pause_accepting(listener);
            return;
        }
    }
}
