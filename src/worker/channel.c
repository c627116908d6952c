#include "worker/channel.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"

typedef union DescriptorSpace {
    struct cmsghdr header; /* for its alignment */
    char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)];
} DescriptorSpace;

void channel_open(Channel *channel, Env *env, int descriptor, bool takes_descriptors,
                  size_t body_bytes_max)
{
    *channel = (Channel){.env = env,
                         .descriptor = descriptor,
                         .takes_descriptors = takes_descriptors,
                         .body_bytes_max = body_bytes_max};
    buffer_open(&channel->body, 0);
}

void channel_close(Channel *channel)
{
    if (channel->descriptor >= 0)
        (void)close(channel->descriptor);
    buffer_close(&channel->body);
    channel->descriptor = -1;
}

void channel_interrupt(Channel *channel)
{
    (void)shutdown(channel->descriptor, SHUT_RDWR);
}

void frame_drop_descriptors(Frame *frame)
{
    for (uint32_t i = 0; i < frame->descriptor_count; i++)
        (void)close(frame->descriptors[i]);
    frame->descriptor_count = 0;
}

static Status set_closed(Error *error)
{
    return error_set(error, STATUS_CONNECTION_FAILURE, "the other side closed the connection");
}

static Status set_io_error(Error *error, const char *verb)
{
    if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
        return set_closed(error);
    return error_set_errno(error, errno, verb, "worker socket");
}

/* Milliseconds for poll, rounded up so that it never wakes before the deadline; -1: for ever. */
static int poll_timeout(Env *env, int64_t deadline_ns)
{
    if (deadline_ns == INT64_MAX)
        return -1;
    int64_t left = deadline_ns - env_monotonic_ns(env);
    if (left <= 0)
        return 0;
    int64_t milliseconds = left / 1000000 + 1;
    return milliseconds > 3600000 ? 3600000 : (int)milliseconds;
}

/* Waits for the socket; hour-long waits are simply begun again. */
static Status wait_for(Channel *channel, short events, int64_t deadline_ns, Error *error)
{
    for (;;) {
        struct pollfd item = {.fd = channel->descriptor, .events = events};
        int ready = poll(&item, 1, poll_timeout(channel->env, deadline_ns));
        if (ready > 0)
            return OK;
        if (ready < 0 && errno != EINTR)
            return set_io_error(error, "wait for");
        if (deadline_ns != INT64_MAX && env_monotonic_ns(channel->env) >= deadline_ns)
            return error_of(error, STATUS_QUERY_CANCELED);
    }
}

bool channel_is_readable(const Channel *channel)
{
    struct pollfd item = {.fd = channel->descriptor, .events = POLLIN};
    return poll(&item, 1, 0) > 0;
}

Status channel_wait(Channel *channel, int64_t deadline_ns, Error *error)
{
    return wait_for(channel, POLLIN, deadline_ns, error);
}

/* ---- sending ---- */

static void put_header(uint8_t out[FRAME_HEADER_BYTES], size_t size, uint8_t kind,
                       uint64_t statement, uint32_t descriptor_count)
{
    uint32_t size_little = htole32((uint32_t)size);
    uint64_t statement_little = htole64(statement);
    memset(out, 0, FRAME_HEADER_BYTES);
    memcpy(out, &size_little, sizeof size_little);
    out[4] = kind;
    out[5] = (uint8_t)descriptor_count;
    memcpy(out + 8, &statement_little, sizeof statement_little);
}

static void attach_descriptors(struct msghdr *message, DescriptorSpace *space,
                               const int *descriptors, uint32_t count)
{
    memset(space, 0, sizeof *space);
    message->msg_control = space->bytes;
    message->msg_controllen = CMSG_SPACE(sizeof(int) * count);
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(header), descriptors, sizeof(int) * count);
}

/* Moves the parts forward by what was sent; false when nothing is left. */
static bool skip_sent(struct msghdr *message, size_t sent)
{
    while (message->msg_iovlen > 0 && sent >= message->msg_iov->iov_len) {
        sent -= message->msg_iov->iov_len;
        message->msg_iov++;
        message->msg_iovlen--;
    }
    if (message->msg_iovlen == 0)
        return false;
    message->msg_iov->iov_base = (char *)message->msg_iov->iov_base + sent;
    message->msg_iov->iov_len -= sent;
    return true;
}

static Status send_all(Channel *channel, struct msghdr *message, int64_t deadline_ns, Error *error)
{
    for (;;) {
        ssize_t sent = sendmsg(channel->descriptor, message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            return set_io_error(error, "send to");
        if (sent < 0) {
            TRY(wait_for(channel, POLLOUT, deadline_ns, error));
            continue;
        }
        message->msg_control = NULL; /* descriptors went with the first byte */
        message->msg_controllen = 0;
        if (!skip_sent(message, (size_t)sent))
            return OK;
    }
}

Status channel_send(Channel *channel, uint8_t kind, uint64_t statement, Slice body,
                    const int *descriptors, uint32_t descriptor_count, int64_t deadline_ns,
                    Error *error)
{
    ASSERT(descriptor_count <= DESCRIPTORS_MAX);
    if (body.size > UINT32_MAX)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "a message of %zu bytes", body.size);
    uint8_t header[FRAME_HEADER_BYTES];
    put_header(header, body.size, kind, statement, descriptor_count);
    struct iovec parts[2] = {{header, sizeof header}, {(void *)(uintptr_t)body.data, body.size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = body.size > 0 ? 2 : 1};
    DescriptorSpace space;
    if (descriptor_count > 0)
        attach_descriptors(&message, &space, descriptors, descriptor_count);
    return send_all(channel, &message, deadline_ns, error);
}

/* ---- receiving ---- */

/* Adds the descriptors of one control message; false where there are more than may be. */
static bool collect_descriptors(Frame *frame, struct cmsghdr *header)
{
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
        return true;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    bool fits = frame->descriptor_count + count <= DESCRIPTORS_MAX;
    for (size_t i = 0; i < count; i++) {
        int descriptor;
        memcpy(&descriptor, CMSG_DATA(header) + i * sizeof descriptor, sizeof descriptor);
        if (fits)
            frame->descriptors[frame->descriptor_count++] = descriptor;
        else
            (void)close(descriptor);
    }
    return fits;
}

/* One recvmsg; *got is 0 where it would have to wait. */
static Status receive_some(Channel *channel, uint8_t *at, size_t size, Frame *frame, size_t *got,
                           Error *error)
{
    DescriptorSpace space;
    struct iovec part = {at, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (channel->takes_descriptors) {
        message.msg_control = space.bytes;
        message.msg_controllen = sizeof space.bytes;
    }
    ssize_t n = recvmsg(channel->descriptor, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    *got = 0;
    if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
        return OK;
    if (n < 0)
        return set_io_error(error, "receive from");
    bool fits = true;
    for (struct cmsghdr *header = channel->takes_descriptors ? CMSG_FIRSTHDR(&message) : NULL;
         header != NULL; header = CMSG_NXTHDR(&message, header))
        fits = collect_descriptors(frame, header) && fits;
    if (!fits || (channel->takes_descriptors && (message.msg_flags & MSG_CTRUNC) != 0))
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "too many descriptors");
    if (n == 0)
        return set_closed(error);
    *got = (size_t)n;
    return OK;
}

static Status receive_all(Channel *channel, uint8_t *at, size_t size, int64_t deadline_ns,
                          Frame *frame, Error *error)
{
    while (size > 0) {
        size_t got = 0;
        TRY(receive_some(channel, at, size, frame, &got, error));
        if (got == 0)
            TRY(wait_for(channel, POLLIN, deadline_ns, error));
        at += got;
        size -= got;
    }
    return OK;
}

/* Memory for the body; what a large one took is not kept for small ones. */
static Status make_room(Channel *channel, size_t size, uint8_t **out, Error *error)
{
    if (channel->body.capacity > CHANNEL_KEPT_BYTES_MAX && size <= CHANNEL_KEPT_BYTES_MAX)
        buffer_close(&channel->body);
    buffer_clear(&channel->body);
    *out = buffer_reserve(&channel->body, size == 0 ? 1 : size);
    if (*out == NULL)
        return error_out_of_memory(error);
    channel->body.size = size;
    return OK;
}

static Status receive_body(Channel *channel, const uint8_t header[FRAME_HEADER_BYTES],
                           int64_t deadline_ns, Frame *frame, Error *error)
{
    uint32_t size;
    uint64_t statement;
    memcpy(&size, header, sizeof size);
    memcpy(&statement, header + 8, sizeof statement);
    size = le32toh(size);
    if (size > channel->body_bytes_max || header[6] != 0 || header[7] != 0)
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "this is no frame");
    frame->kind = header[4];
    frame->statement = le64toh(statement);
    uint8_t *at = NULL;
    TRY(make_room(channel, size, &at, error));
    TRY(receive_all(channel, at, size, deadline_ns, frame, error));
    frame->body = buffer_slice(&channel->body);
    uint32_t announced = channel->takes_descriptors ? header[5] : 0;
    if (frame->descriptor_count != announced)
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "descriptors are missing");
    return OK;
}

Status channel_receive(Channel *channel, int64_t deadline_ns, Frame *out, Error *error)
{
    Frame frame = {.kind = 0};
    uint8_t header[FRAME_HEADER_BYTES];
    Status status = receive_all(channel, header, sizeof header, deadline_ns, &frame, error);
    if (status == OK)
        status = receive_body(channel, header, deadline_ns, &frame, error);
    if (status == OK)
        *out = frame;
    else
        frame_drop_descriptors(&frame);
    return status;
}
