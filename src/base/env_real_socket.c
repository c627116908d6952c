/* TCP sockets of the real Env: never blocking, close-on-exec, without Nagle's delay. */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/env_int.h"
#include "base/memory.h"

typedef struct RealSocket {
    Socket base;
    int descriptor;
} RealSocket;

static const SocketOperations real_socket_operations;

static Status take_descriptor(Env *env, int descriptor, Socket **out, Error *error)
{
    RealSocket *s = MEMORY_NEW(RealSocket);
    if (s == NULL) {
        (void)close(descriptor);
        return error_out_of_memory(error);
    }
    *s = (RealSocket){{env, &real_socket_operations}, descriptor};
    *out = &s->base;
    return OK;
}

/* "HOST:PORT" or "[V6]:PORT" into its parts. */
static Status split_address(const char *address, char *host, size_t host_size, char *port,
                            size_t port_size, Error *error)
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL || colon[1] == '\0')
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE,
                         "\"%s\" is not an address: write HOST:PORT", address);
    size_t size = (size_t)(colon - address);
    if (size >= 2 && address[0] == '[' && address[size - 1] == ']') {
        address++;
        size -= 2;
    }
    if (size + 1 > host_size || strlen(colon + 1) + 1 > port_size)
        return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "the address is too long");
    memcpy(host, address, size);
    host[size] = '\0';
    (void)snprintf(port, port_size, "%s", colon + 1);
    return OK;
}

static Status resolve(const char *address, bool to_listen, struct addrinfo **out, Error *error)
{
    char host[256];
    char port[32];
    TRY(split_address(address, host, sizeof host, port, sizeof port, error));
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    hints.ai_flags = AI_NUMERICSERV | (to_listen ? AI_PASSIVE : 0);
    int result = getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, out);
    if (result != 0)
        return error_set(error, STATUS_CONNECTION_FAILURE, "could not resolve \"%s\": %s", address,
                         gai_strerror(result));
    return OK;
}

static void set_option(int descriptor, int level, int name)
{
    int on = 1;
    (void)setsockopt(descriptor, level, name, &on, sizeof on);
}

Status real_socket_listen(Env *env, const char *address, int backlog, Socket **out, Error *error)
{
    struct addrinfo *found = NULL;
    int descriptor = -1;
    Status status = OK;
    GO(resolve(address, true, &found, error));
    descriptor = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        GO(error_set_errno(error, errno, "make a socket", address));
    set_option(descriptor, SOL_SOCKET, SO_REUSEADDR);
    set_option(descriptor, SOL_SOCKET, SO_REUSEPORT);
    if (bind(descriptor, found->ai_addr, found->ai_addrlen) != 0 || listen(descriptor, backlog))
        GO(error_set_errno(error, errno, "listen on the address", address));
    status = take_descriptor(env, descriptor, out, error);
    descriptor = -1;
done:
    if (descriptor >= 0)
        (void)close(descriptor);
    if (found != NULL)
        freeaddrinfo(found);
    return status;
}

/* What a client may cause on accept is no error of ours: it is gone already. */
static bool is_gone_already(int number)
{
    return number == EAGAIN || number == ECONNABORTED || number == EPROTO || number == EINTR ||
           number == EPERM;
}

static Status real_accept(Socket *listener, Socket **out, Error *error)
{
    *out = NULL;
    int own = socket_descriptor(listener);
    int descriptor = accept4(own, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0)
        return is_gone_already(errno) ? OK : error_set_errno(error, errno, "accept", "");
    set_option(descriptor, IPPROTO_TCP, TCP_NODELAY);
    return take_descriptor(listener->env, descriptor, out, error);
}

static bool wait_descriptor(Env *env, int descriptor, short events, int64_t deadline_ns)
{
    for (;;) {
        struct pollfd waiting = {.fd = descriptor, .events = events};
        int timeout_ms = -1;
        if (deadline_ns != INT64_MAX) {
            int64_t left_ms = (deadline_ns - env_monotonic_ns(env) + 999999) / 1000000;
            timeout_ms = left_ms < 0 ? 0 : left_ms > 1000000 ? 1000000 : (int)left_ms;
        }
        int result = poll(&waiting, 1, timeout_ms);
        if (result > 0)
            return true;
        if (result == 0 && timeout_ms < 1000000)
            return false;
    }
}

static Status finish_connect(Env *env, int descriptor, const char *address, int64_t deadline_ns,
                             Error *error)
{
    int number = 0;
    socklen_t size = sizeof number;
    if (!wait_descriptor(env, descriptor, POLLOUT, deadline_ns))
        number = ETIMEDOUT;
    else if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &size) != 0)
        number = errno;
    if (number == 0)
        return OK;
    char buffer[128];
    return error_set(error, STATUS_CONNECTION_FAILURE, "could not connect to %s: %s", address,
                     strerror_r(number, buffer, sizeof buffer));
}

static Status connect_one(Env *env, const struct addrinfo *to, const char *address,
                          int64_t deadline_ns, Socket **out, Error *error)
{
    int descriptor = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return error_set_errno(error, errno, "make a socket", address);
    Status status = OK;
    int result = connect(descriptor, to->ai_addr, to->ai_addrlen);
    if (result != 0 && errno != EINPROGRESS) {
        char buffer[128];
        status = error_set(error, STATUS_CONNECTION_FAILURE, "could not connect to %s: %s", address,
                           strerror_r(errno, buffer, sizeof buffer));
    } else if (result != 0) {
        status = finish_connect(env, descriptor, address, deadline_ns, error);
    }
    if (status != OK) {
        (void)close(descriptor);
        return status;
    }
    set_option(descriptor, IPPROTO_TCP, TCP_NODELAY);
    return take_descriptor(env, descriptor, out, error);
}

Status real_socket_connect(Env *env, const char *address, int64_t timeout_ns, Socket **out,
                           Error *error)
{
    struct addrinfo *found;
    int64_t deadline_ns = env_monotonic_ns(env) + timeout_ns;
    TRY(resolve(address, false, &found, error));
    Status status = OK;
    for (const struct addrinfo *to = found; to != NULL; to = to->ai_next) {
        status = connect_one(env, to, address, deadline_ns, out, error);
        if (status == OK)
            break;
    }
    freeaddrinfo(found);
    return status;
}

static void real_close(Socket *base)
{
    RealSocket *s = (RealSocket *)base;
    (void)close(s->descriptor); /* what was written is the kernel's; nothing to be told */
    memory_free(s);
}

static SocketResult result_of_errno(int number)
{
    return number == EAGAIN || number == EINTR ? SOCKET_AGAIN : SOCKET_CLOSED;
}

static SocketResult real_read(Socket *base, void *out, size_t size, size_t *got)
{
    ssize_t n = recv(((RealSocket *)base)->descriptor, out, size, 0);
    *got = n > 0 ? (size_t)n : 0;
    if (n > 0)
        return SOCKET_DONE;
    return n == 0 ? SOCKET_CLOSED : result_of_errno(errno);
}

static SocketResult real_write(Socket *base, const SocketPart *parts, size_t count, size_t *written)
{
    struct iovec vectors[SOCKET_PARTS_MAX];
    for (size_t i = 0; i < count; i++)
        vectors[i] = (struct iovec){(void *)(uintptr_t)parts[i].data, parts[i].size};
    struct msghdr message = {.msg_iov = vectors, .msg_iovlen = count};
    ssize_t n = sendmsg(((RealSocket *)base)->descriptor, &message, MSG_NOSIGNAL);
    *written = n > 0 ? (size_t)n : 0;
    return n >= 0 ? SOCKET_DONE : result_of_errno(errno);
}

static bool real_wait(Socket *base, bool for_write, int64_t deadline_ns)
{
    int descriptor = ((RealSocket *)base)->descriptor;
    return wait_descriptor(base->env, descriptor, for_write ? POLLOUT : POLLIN, deadline_ns);
}

static void real_shutdown_write(Socket *base)
{
    (void)shutdown(((RealSocket *)base)->descriptor, SHUT_WR); /* the peer may be gone already */
}

static void real_set_send_buffer(Socket *base, int size_bytes)
{
    int descriptor = ((RealSocket *)base)->descriptor;
    (void)setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size_bytes, sizeof size_bytes);
}

static int real_descriptor(const Socket *base)
{
    return ((const RealSocket *)base)->descriptor;
}

static void real_address(const Socket *base, bool of_peer, char *out, size_t size)
{
    struct sockaddr_storage address;
    socklen_t address_size = sizeof address;
    char host[64];
    char port[16];
    int descriptor = ((const RealSocket *)base)->descriptor;
    int result = of_peer ? getpeername(descriptor, (struct sockaddr *)&address, &address_size)
                         : getsockname(descriptor, (struct sockaddr *)&address, &address_size);
    if (result == 0)
        result = getnameinfo((struct sockaddr *)&address, address_size, host, sizeof host, port,
                             sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    if (result != 0)
        (void)snprintf(out, size, "unknown");
    else if (address.ss_family == AF_INET6)
        (void)snprintf(out, size, "[%s]:%s", host, port);
    else
        (void)snprintf(out, size, "%s:%s", host, port);
}

static const SocketOperations real_socket_operations = {
    .accept = real_accept,
    .close = real_close,
    .read = real_read,
    .write = real_write,
    .wait = real_wait,
    .shutdown_write = real_shutdown_write,
    .set_send_buffer = real_set_send_buffer,
    .descriptor = real_descriptor,
    .address = real_address,
};
