/* The queue of frames that wait to be sent: a ring of references, and the writing of as many of
 * them at once as the system takes. */
#include "base/assert.h"
#include "net/net_int.h"

enum { WRITES_PER_FLUSH_MAX = 16 };

void output_open(Connection *connection)
{
    connection->frames = connection->inline_frames;
    connection->frame_capacity = INLINE_FRAMES;
}

static SharedFrame **slot_of(const Connection *connection, uint32_t number)
{
    uint32_t mask = connection->frame_capacity - 1;
    return &connection->frames[(connection->frame_first + number) & mask];
}

static void shrink(Connection *connection)
{
    ASSERT(connection->frame_count == 0 && connection->output_bytes == 0);
    if (connection->frames != connection->inline_frames)
        memory_free(connection->frames);
    connection->frame_first = 0;
    output_open(connection);
}

void output_close(Connection *connection)
{
    for (uint32_t i = 0; i < connection->frame_count; i++)
        shared_frame_release(*slot_of(connection, i));
    connection->frame_count = 0;
    connection->output_bytes = 0;
    shrink(connection);
}

static bool grow(Connection *connection)
{
    uint32_t capacity = connection->frame_capacity * 2;
    SharedFrame **frames = memory_allocate(capacity * sizeof *frames);
    if (frames == NULL)
        return false;
    for (uint32_t i = 0; i < connection->frame_count; i++)
        frames[i] = *slot_of(connection, i);
    if (connection->frames != connection->inline_frames)
        memory_free(connection->frames);
    connection->frames = frames;
    connection->frame_capacity = capacity;
    connection->frame_first = 0;
    return true;
}

/* ---- the list of connections that have something to send at the end of the turn ---- */

void connection_list_for_flush(Connection *connection)
{
    Loop *loop = connection->loop;
    if (connection->in_flush_list)
        return;
    connection->in_flush_list = true;
    connection->flush_next = NULL;
    connection->flush_previous = loop->flush_last;
    if (loop->flush_last != NULL)
        loop->flush_last->flush_next = connection;
    else
        loop->flush_first = connection;
    loop->flush_last = connection;
}

void connection_unlist(Connection *connection)
{
    Loop *loop = connection->loop;
    if (!connection->in_flush_list)
        return;
    connection->in_flush_list = false;
    if (connection->flush_previous != NULL)
        connection->flush_previous->flush_next = connection->flush_next;
    else
        loop->flush_first = connection->flush_next;
    if (connection->flush_next != NULL)
        connection->flush_next->flush_previous = connection->flush_previous;
    else
        loop->flush_last = connection->flush_previous;
}

/* ---- queueing ---- */

bool connection_send(Connection *connection, SharedFrame *frame)
{
    bool has_room = connection->frame_count < connection->frame_capacity;
    if (connection->phase != CONNECTION_OPEN) {
        shared_frame_release(frame);
        return false;
    }
    if (!has_room && !grow(connection)) {
        shared_frame_release(frame);
        connection_abort(connection); /* the stream of bytes would have a hole */
        return false;
    }
    *slot_of(connection, connection->frame_count) = frame;
    connection->frame_count++;
    connection->output_bytes += frame->size;
    if (!connection->waits_for_write)
        connection_list_for_flush(connection);
    if (connection->output_bytes > CONNECTION_OUTPUT_HIGH)
        connection_pause_for_output(connection, true);
    return true;
}

size_t connection_queued(const Connection *connection)
{
    return connection->output_bytes;
}

uint64_t connection_sent(const Connection *connection)
{
    return connection->sent;
}

/* ---- sending ---- */

static size_t gather(const Connection *connection, SocketPart *parts, size_t *bytes)
{
    size_t count = 0;
    *bytes = 0;
    for (uint32_t i = 0; i < connection->frame_count && count < SOCKET_PARTS_MAX; i++) {
        const SharedFrame *frame = *slot_of(connection, i);
        size_t offset = i == 0 ? connection->front_offset : 0;
        parts[count] = (SocketPart){frame->data + offset, frame->size - offset};
        *bytes += parts[count].size;
        count++;
    }
    return count;
}

static void forget_sent(Connection *connection, size_t written)
{
    connection->output_bytes -= written;
    connection->sent += written;
    counter_add(&connection->loop->counters.bytes_out, (int64_t)written);
    while (connection->frame_count > 0) {
        SharedFrame *frame = *slot_of(connection, 0);
        size_t left = frame->size - connection->front_offset;
        if (written < left) {
            connection->front_offset += written;
            return;
        }
        written -= left;
        connection->front_offset = 0;
        connection->frame_first = (connection->frame_first + 1) & (connection->frame_capacity - 1);
        connection->frame_count--;
        shared_frame_release(frame);
    }
    ASSERT(written == 0);
    shrink(connection);
}

/* One write; true where more may be tried at once. */
static bool write_some(Connection *connection, SocketResult *result)
{
    SocketPart parts[SOCKET_PARTS_MAX];
    size_t bytes;
    size_t written = 0;
    size_t count = gather(connection, parts, &bytes);
    *result = socket_write(connection->socket, parts, count, &written);
    if (*result == SOCKET_DONE)
        forget_sent(connection, written);
    connection->waits_for_write = *result == SOCKET_AGAIN || written < bytes;
    return *result == SOCKET_DONE && written == bytes;
}

/* The protocol may queue more in on_output: then the connection is listed again. */
static void after_flush(Connection *connection, uint64_t sent_before)
{
    if (connection->output_bytes > 0 && !connection->waits_for_write)
        connection_list_for_flush(connection);
    connection_update_events(connection);
    if (connection->phase == CONNECTION_ENDING && connection->output_bytes == 0) {
        connection_finish_ending(connection);
        return;
    }
    if (connection->sent == sent_before)
        return;
    if (connection->phase == CONNECTION_ENDING) {
        connection_extend_ending(connection);
        return;
    }
    if (connection->output_bytes < CONNECTION_OUTPUT_LOW)
        connection_pause_for_output(connection, false);
    connection->protocol->on_output(connection);
}

void connection_flush(Connection *connection)
{
    if (connection->phase > CONNECTION_ENDING || connection->waits_for_write ||
        connection->is_flushing)
        return;
    SocketResult result = SOCKET_DONE;
    uint64_t sent_before = connection->sent;
    bool goes_on = true;
    connection->is_flushing = true;
    for (int i = 0; i < WRITES_PER_FLUSH_MAX && goes_on && connection->frame_count > 0; i++)
        goes_on = write_some(connection, &result);
    connection->is_flushing = false;
    if (result == SOCKET_CLOSED)
        connection_abort(connection);
    else
        after_flush(connection, sent_before);
}
