#include "worker/protocol.h"

#include <stdio.h>

#include "base/assert.h"
#include "worker/protocol_int.h"

Status protocol_violation(Error *error, const char *what)
{
    return error_set(error, STATUS_PROTOCOL_VIOLATION, "a message between server and worker: %s",
                     what);
}

Status decode_end(const Cursor *cursor, const char *what, Error *error)
{
    return cursor_is_done(cursor) ? OK : protocol_violation(error, what);
}

Status decode_array(Arena *arena, Cursor *cursor, uint32_t count_max, size_t bytes_min,
                    size_t item_bytes, uint32_t *count, void **out, Error *error)
{
    uint32_t n = cursor_u32(cursor);
    if (cursor->failed || n > count_max || n > cursor_rest(cursor) / bytes_min)
        return protocol_violation(error, "a count is too large");
    void *items = arena_allocate_zeroed(arena, n == 0 ? 1 : n, item_bytes);
    if (items == NULL)
        return arena_error(arena, error);
    *count = n;
    *out = items;
    return OK;
}

/* ---- SETUP ---- */

void setup_encode(Buffer *out, const WorkerSetup *setup)
{
    buffer_put_u32(out, PROTOCOL_VERSION);
    buffer_put_u32(out, setup->threads);
    buffer_put_u64(out, setup->memory_bytes_max);
    buffer_put_u64(out, setup->data_bytes_max);
    buffer_put_u64(out, setup->spill_bytes_max);
    buffer_put_sized(out, setup->spill_folder);
    buffer_put_u32(out, setup->folder_count);
    for (uint32_t i = 0; i < setup->folder_count; i++)
        buffer_put_sized(out, setup->folders[i]);
}

static bool is_path(Slice s)
{
    return s.size > 0 && s.size < PATH_BYTES_MAX && s.data[0] == '/' && slice_is_utf8_text(s);
}

Status setup_decode(Arena *arena, Slice bytes, WorkerSetup *out, Error *error)
{
    Cursor cursor = cursor_of(bytes);
    if (cursor_u32(&cursor) != PROTOCOL_VERSION)
        return protocol_violation(error, "the worker is of another version than the server");
    WorkerSetup setup = {.threads = cursor_u32(&cursor)};
    setup.memory_bytes_max = cursor_u64(&cursor);
    setup.data_bytes_max = cursor_u64(&cursor);
    setup.spill_bytes_max = cursor_u64(&cursor);
    setup.spill_folder = cursor_sized(&cursor);
    void *folders = NULL;
    TRY(decode_array(arena, &cursor, SETUP_FOLDERS_MAX, 1, sizeof(Slice), &setup.folder_count,
                     &folders, error));
    bool good = is_path(setup.spill_folder);
    for (uint32_t i = 0; i < setup.folder_count; i++) {
        ((Slice *)folders)[i] = cursor_sized(&cursor);
        good = good && is_path(((Slice *)folders)[i]);
    }
    setup.folders = folders;
    if (!good)
        return protocol_violation(error, "a folder is no absolute path");
    TRY(decode_end(&cursor, "SETUP", error));
    *out = setup;
    return OK;
}

/* ---- REGIONS, BITMAP, FORGET ---- */

void regions_encode(Buffer *out, const RegionAnnouncement *regions, uint32_t count)
{
    ASSERT(count <= DESCRIPTORS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        buffer_put_u64(out, regions[i].id);
        buffer_put_u64(out, regions[i].size);
    }
}

Status regions_decode(Slice bytes, RegionAnnouncement out[DESCRIPTORS_MAX], uint32_t *count,
                      Error *error)
{
    Cursor cursor = cursor_of(bytes);
    uint32_t n = 0;
    while (n < DESCRIPTORS_MAX && cursor_rest(&cursor) > 0) {
        out[n].id = cursor_u64(&cursor);
        out[n++].size = cursor_u64(&cursor);
    }
    TRY(decode_end(&cursor, "REGIONS", error));
    *count = n;
    return OK;
}

void bitmap_encode(Buffer *out, const BitmapMessage *bitmap)
{
    buffer_put_u64(out, bitmap->id);
    buffer_put_u64(out, bitmap->row_count);
    buffer_put_sized(out, bitmap->roaring);
}

Status bitmap_decode(Slice bytes, BitmapMessage *out, Error *error)
{
    Cursor cursor = cursor_of(bytes);
    BitmapMessage bitmap = {.id = cursor_u64(&cursor)};
    bitmap.row_count = cursor_u64(&cursor);
    bitmap.roaring = cursor_sized(&cursor);
    TRY(decode_end(&cursor, "BITMAP", error));
    if (bitmap.id == 0)
        return protocol_violation(error, "a bitmap without an id");
    *out = bitmap;
    return OK;
}

static void put_ids(Buffer *out, const uint64_t *ids, uint32_t count)
{
    buffer_put_u32(out, count);
    for (uint32_t i = 0; i < count; i++)
        buffer_put_u64(out, ids[i]);
}

static Status decode_ids(Arena *arena, Cursor *cursor, uint32_t count_max, uint32_t *count,
                         const uint64_t **out, Error *error)
{
    void *ids = NULL;
    TRY(decode_array(arena, cursor, count_max, sizeof(uint64_t), sizeof(uint64_t), count, &ids,
                     error));
    for (uint32_t i = 0; i < *count; i++)
        ((uint64_t *)ids)[i] = cursor_u64(cursor);
    *out = ids;
    return OK;
}

void forget_encode(Buffer *out, const ForgetMessage *forget)
{
    put_ids(out, forget->regions, forget->region_count);
    put_ids(out, forget->bitmaps, forget->bitmap_count);
}

Status forget_decode(Arena *arena, Slice bytes, ForgetMessage *out, Error *error)
{
    Cursor cursor = cursor_of(bytes);
    ForgetMessage forget = {.region_count = 0};
    TRY(decode_ids(arena, &cursor, UINT16_MAX, &forget.region_count, &forget.regions, error));
    TRY(decode_ids(arena, &cursor, UINT16_MAX, &forget.bitmap_count, &forget.bitmaps, error));
    TRY(decode_end(&cursor, "FORGET", error));
    *out = forget;
    return OK;
}

/* ---- SLOT, DONE, FAILED ---- */

void slot_encode(Buffer *out, const SlotMessage *slot)
{
    buffer_put_u32(out, slot->slot);
    buffer_put_u32(out, slot->size);
    buffer_put_u64(out, slot->rows);
}

Status slot_decode(Slice bytes, SlotMessage *out, Error *error)
{
    Cursor cursor = cursor_of(bytes);
    SlotMessage slot = {.slot = cursor_u32(&cursor)};
    slot.size = cursor_u32(&cursor);
    slot.rows = cursor_u64(&cursor);
    TRY(decode_end(&cursor, "SLOT", error));
    if (slot.slot >= SLOT_COUNT || slot.size > SLOT_BYTES || slot.rows > slot.size)
        return protocol_violation(error, "a slot that there is not");
    *out = slot;
    return OK;
}

void done_encode(Buffer *out, const WorkerDone *done)
{
    buffer_put_u64(out, done->rows);
    buffer_put_u64(out, done->hot_rows_read);
    buffer_put_u64(out, done->last_rows);
    buffer_put_sized(out, done->last);
}

Status done_decode(Slice bytes, WorkerDone *out, Error *error)
{
    Cursor cursor = cursor_of(bytes);
    WorkerDone done = {.rows = cursor_u64(&cursor)};
    done.hot_rows_read = cursor_u64(&cursor);
    done.last_rows = cursor_u64(&cursor);
    done.last = cursor_sized(&cursor);
    TRY(decode_end(&cursor, "DONE", error));
    if (done.last.size > DONE_BYTES_MAX || done.last_rows > done.last.size)
        return protocol_violation(error, "too much comes with the end of a statement");
    *out = done;
    return OK;
}

void failure_encode(Buffer *out, const Error *failure)
{
    buffer_put(out, status_sqlstate(failure->status), 5);
    buffer_put_u32(out, (uint32_t)failure->position_byte);
    buffer_put_sized(out, slice_of_text(failure->message));
    buffer_put_sized(out, slice_of_text(failure->detail));
    buffer_put_sized(out, slice_of_text(failure->hint));
    buffer_put_sized(out, slice_of_text(failure->internal));
}

/* What a worker may say of a statement. Anything else (that the log is poisoned, say) is not its to
 * know and becomes INTERNAL. */
static Status failure_status(Slice sqlstate)
{
    static const char *const classes[] = {"21",    "22",    "2B",    "42",    "0A",
                                          "3F",    "53",    "54",    "57014", "58030",
                                          "58P02", "58P03", "XX001", "08P01"};
    char text[6] = {0};
    memcpy(text, sqlstate.data, 5);
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (slice_starts_with(sqlstate, slice_of_text(classes[i])))
            return status_from_sqlstate(text);
    return STATUS_INTERNAL;
}

static void copy_text(Slice from, char *to, size_t capacity)
{
    size_t size = from.size < capacity - 1 ? from.size : capacity - 1;
    while (size > 0 && !slice_is_utf8_text(slice_of(from.data, size)))
        size--;
    if (size > 0)
        memcpy(to, from.data, size);
    to[size] = '\0';
}

Status failure_decode(Slice bytes, Error *out, Error *error)
{
    Cursor cursor = cursor_of(bytes);
    Slice sqlstate = cursor_bytes(&cursor, 5);
    int32_t position = (int32_t)cursor_u32(&cursor);
    Slice texts[4];
    for (int i = 0; i < 4; i++)
        texts[i] = cursor_sized(&cursor);
    TRY(decode_end(&cursor, "FAILED", error));
    error_clear(out);
    out->status = failure_status(sqlstate);
    out->position_byte = position < -1 ? -1 : position;
    copy_text(texts[0], out->message, sizeof out->message);
    copy_text(texts[1], out->detail, sizeof out->detail);
    copy_text(texts[2], out->hint, sizeof out->hint);
    copy_text(texts[3], out->internal, sizeof out->internal);
    return OK;
}
