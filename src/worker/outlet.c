#include "worker/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/assert.h"

typedef struct HeldSlot {
    uint32_t size;
    uint64_t rows;
} HeldSlot;

void outlet_open(Outlet *outlet, Channel *channel, uint8_t *ring, uint64_t statement)
{
    *outlet = (Outlet){.channel = channel, .ring = ring, .statement = statement, .file = -1};
    buffer_open(&outlet->rows, 0);
    buffer_open(&outlet->held, 0);
    buffer_open(&outlet->held_slots, 0);
}

void outlet_close(Outlet *outlet)
{
    buffer_close(&outlet->rows);
    buffer_close(&outlet->held);
    buffer_close(&outlet->held_slots);
    if (outlet->file >= 0)
        (void)close(outlet->file);
    outlet->file = -1;
}

void outlet_hold(Outlet *outlet, const char *folder, uint64_t bytes_max)
{
    ASSERT(outlet->rows_sent == 0 && outlet->rows.size == 0);
    outlet->holds = true;
    outlet->folder = folder;
    outlet->held_bytes_max = bytes_max;
}

/* ---- slots ---- */

static Status take_frame(Outlet *outlet, const Frame *frame, Error *error)
{
    if (frame->statement != outlet->statement)
        return OK; /* about a statement that has ended */
    if (frame->kind == MESSAGE_STOP) {
        outlet->was_stopped = true;
        return OK;
    }
    Cursor cursor = cursor_of(frame->body);
    uint32_t slot = cursor_u32(&cursor);
    if (frame->kind != MESSAGE_SLOT_FREE || !cursor_is_done(&cursor) || slot >= SLOT_COUNT ||
        !outlet->is_taken[slot])
        return error_set(error, STATUS_PROTOCOL_VIOLATION, "an unexpected message in a statement");
    outlet->is_taken[slot] = false;
    return OK;
}

static Status receive_one(Outlet *outlet, Error *error)
{
    Frame frame;
    TRY(channel_receive(outlet->channel, INT64_MAX, &frame, error));
    frame_drop_descriptors(&frame);
    return take_frame(outlet, &frame, error);
}

static int free_slot(const Outlet *outlet)
{
    for (int i = 0; i < SLOT_COUNT; i++) {
        if (!outlet->is_taken[i])
            return i;
    }
    return -1;
}

/* Waits for a free slot, and hears what the server has said meanwhile. */
static Status wait_for_slot(Outlet *outlet, uint32_t *out, Error *error)
{
    while (channel_is_readable(outlet->channel) || free_slot(outlet) < 0) {
        TRY(receive_one(outlet, error));
        if (outlet->was_stopped)
            return OK;
    }
    *out = (uint32_t)free_slot(outlet);
    return OK;
}

static Status send_slot(Outlet *outlet, Slice bytes, uint64_t rows, Error *error)
{
    ASSERT(bytes.size > 0 && bytes.size <= SLOT_BYTES);
    uint32_t slot = 0;
    TRY(wait_for_slot(outlet, &slot, error));
    if (outlet->was_stopped)
        return OK;
    memcpy(outlet->ring + (size_t)slot * SLOT_BYTES, bytes.data, bytes.size);
    outlet->is_taken[slot] = true;
    SlotMessage message = {.slot = slot, .size = (uint32_t)bytes.size, .rows = rows};
    Buffer body;
    buffer_open(&body, 0);
    slot_encode(&body, &message);
    Status status = buffer_status(&body, error);
    if (status == OK)
        status = channel_send(outlet->channel, MESSAGE_SLOT, outlet->statement, buffer_slice(&body),
                              NULL, 0, INT64_MAX, error);
    buffer_close(&body);
    return status;
}

/* ---- holding ---- */

/* Its name goes at once: it is gone with the worker, however that ends. */
static Status open_file(Outlet *outlet, Error *error)
{
    if (outlet->file >= 0)
        return OK;
    Path path;
    TRY(path_join(&path, outlet->folder, "held-rows", error));
    int file = open(path.text, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (file < 0)
        return error_set_errno(error, errno, "make a file", path.text);
    (void)unlink(path.text);
    outlet->file = file;
    return OK;
}

static Status write_all(int file, uint64_t at, Slice bytes, Error *error)
{
    while (bytes.size > 0) {
        ssize_t n = pwrite(file, bytes.data, bytes.size, (off_t)at);
        if (n < 0 && errno != EINTR)
            return error_set_errno(error, errno, "write", "held rows");
        size_t done = n < 0 ? 0 : (size_t)n;
        at += done;
        bytes = slice_of(bytes.data + done, bytes.size - done);
    }
    return OK;
}

static Status move_to_file(Outlet *outlet, Error *error)
{
    TRY(open_file(outlet, error));
    TRY(write_all(outlet->file, outlet->file_bytes, buffer_slice(&outlet->held), error));
    outlet->file_bytes += outlet->held.size;
    buffer_clear(&outlet->held);
    return OK;
}

static Status hold_slot(Outlet *outlet, Slice bytes, uint64_t rows, Error *error)
{
    if (outlet->file_bytes + outlet->held.size + bytes.size > outlet->held_bytes_max)
        return error_set(error, STATUS_DISK_FULL, "the result is too large to be held back");
    if (outlet->held.size + bytes.size > HELD_MEMORY_BYTES_MAX)
        TRY(move_to_file(outlet, error));
    HeldSlot slot = {.size = (uint32_t)bytes.size, .rows = rows};
    buffer_put(&outlet->held_slots, &slot, sizeof slot);
    buffer_put_slice(&outlet->held, bytes);
    TRY(buffer_status(&outlet->held_slots, error));
    return buffer_status(&outlet->held, error);
}

static Status read_all(int file, uint64_t at, uint8_t *out, size_t size, Error *error)
{
    while (size > 0) {
        ssize_t n = pread(file, out, size, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set_errno(error, n == 0 ? EIO : errno, "read", "held rows");
        at += (size_t)n;
        out += n;
        size -= (size_t)n;
    }
    return OK;
}

/* What is held goes in the order in which it came: first the file, then memory. */
static Status send_held(Outlet *outlet, uint8_t *scratch, Error *error)
{
    uint64_t at = 0;
    for (size_t i = 0; i * sizeof(HeldSlot) < outlet->held_slots.size && !outlet->was_stopped;
         i++) {
        HeldSlot slot;
        memcpy(&slot, outlet->held_slots.data + i * sizeof slot, sizeof slot);
        const uint8_t *bytes = scratch;
        if (at < outlet->file_bytes)
            TRY(read_all(outlet->file, at, scratch, slot.size, error));
        else
            bytes = outlet->held.data + (at - outlet->file_bytes);
        TRY(send_slot(outlet, slice_of(bytes, slot.size), slot.rows, error));
        at += slot.size;
    }
    return OK;
}

static Status release_held(Outlet *outlet, Error *error)
{
    if (outlet->held_slots.size == 0)
        return OK;
    uint8_t *scratch = memory_allocate(SLOT_BYTES);
    if (scratch == NULL)
        return error_out_of_memory(error);
    Status status = send_held(outlet, scratch, error);
    memory_free(scratch);
    return status;
}

/* ---- rows ---- */

static Status put_slot(Outlet *outlet, Slice bytes, uint64_t rows, Error *error)
{
    outlet->rows_sent += rows;
    return outlet->holds ? hold_slot(outlet, bytes, rows, error)
                         : send_slot(outlet, bytes, rows, error);
}

/* The first `size` bytes with the rows that end in them; one row larger than a slot takes many. */
static Status put_bytes(Outlet *outlet, size_t size, uint64_t rows, Error *error)
{
    for (size_t at = 0; at < size && !outlet->was_stopped; at += SLOT_BYTES) {
        bool is_last = size - at <= SLOT_BYTES;
        size_t part = is_last ? size - at : SLOT_BYTES;
        TRY(put_slot(outlet, slice_of(outlet->rows.data + at, part), is_last ? rows : 0, error));
    }
    memmove(outlet->rows.data, outlet->rows.data + size, outlet->rows.size - size);
    outlet->rows.size -= size;
    return OK;
}

/* Slots end where rows do, as long as the rows are smaller. */
Status outlet_row(Outlet *outlet, Error *error)
{
    TRY(buffer_status(&outlet->rows, error));
    if (outlet->rows.size > SLOT_BYTES && outlet->whole_bytes > 0) {
        TRY(put_bytes(outlet, outlet->whole_bytes, outlet->whole_rows, error));
        outlet->whole_rows = 0;
    }
    outlet->whole_bytes = outlet->rows.size;
    outlet->whole_rows++;
    if (outlet->whole_bytes < SLOT_BYTES)
        return OK;
    TRY(put_bytes(outlet, outlet->whole_bytes, outlet->whole_rows, error));
    outlet->whole_bytes = 0;
    outlet->whole_rows = 0;
    return OK;
}

static Status send_done(Outlet *outlet, const WorkerDone *done, Error *error)
{
    Buffer body;
    buffer_open(&body, 0);
    done_encode(&body, done);
    Status status = buffer_status(&body, error);
    if (status == OK)
        status = channel_send(outlet->channel, MESSAGE_DONE, outlet->statement, buffer_slice(&body),
                              NULL, 0, INT64_MAX, error);
    buffer_close(&body);
    return status;
}

Status outlet_finish(Outlet *outlet, uint64_t hot_rows_read, Error *error)
{
    if (outlet->whole_bytes > DONE_BYTES_MAX) {
        TRY(put_bytes(outlet, outlet->whole_bytes, outlet->whole_rows, error));
        outlet->whole_bytes = 0;
        outlet->whole_rows = 0;
    }
    TRY(release_held(outlet, error));
    WorkerDone done = {.rows = outlet->rows_sent + outlet->whole_rows,
                       .hot_rows_read = hot_rows_read,
                       .last_rows = outlet->whole_rows,
                       .last = slice_of(outlet->rows.data, outlet->whole_bytes)};
    return send_done(outlet, &done, error);
}
