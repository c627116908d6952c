#include <stdio.h>

#include "base/assert.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "base/memory.h"
#include "log/log_int.h"

static const char segment_magic[8] = "FIRNLOG1";

enum { SEGMENT_HEADER_USED = 64, SEGMENT_HEADER_CHECKED_FROM = 12 };

Status segment_path(const Log *log, const char *name, Path *out, Error *error)
{
    return path_join(out, log->directory.text, name, error);
}

void segment_name(uint64_t seq, char out[SEGMENT_NAME_DIGITS + 5])
{
    (void)snprintf(out, SEGMENT_NAME_DIGITS + 5, "%016llx.log", (unsigned long long)seq);
}

bool segment_name_parse(Slice name, uint64_t *seq)
{
    if (name.size != SEGMENT_NAME_DIGITS + 4 ||
        !slice_equal(slice_part(name, SEGMENT_NAME_DIGITS, 4), SLICE(".log")))
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < SEGMENT_NAME_DIGITS; i++) {
        uint8_t c = name.data[i];
        bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && !(c >= 'a' && c <= 'f'))
            return false;
        value = value << 4 | (uint64_t)(is_digit ? c - '0' : c - 'a' + 10);
    }
    *seq = value;
    return true;
}

void segment_header_put(Buffer *out, const Segment *segment, int64_t wall_us)
{
    size_t begin = out->size;
    buffer_put(out, segment_magic, sizeof segment_magic);
    buffer_put_u32(out, 0);
    buffer_put_u32(out, SEGMENT_FORMAT);
    buffer_put_u64(out, segment->id);
    buffer_put_u64(out, segment->base);
    buffer_put_u64(out, segment->first_seq);
    buffer_put_u64(out, (uint64_t)wall_us);
    buffer_put_u64(out, segment->salt);
    buffer_put_zeros(out, LOG_SEGMENT_HEADER_BYTES - 56);
    if (out->failed)
        return;
    size_t checked = SEGMENT_HEADER_USED - SEGMENT_HEADER_CHECKED_FROM;
    const uint8_t *from = out->data + begin + SEGMENT_HEADER_CHECKED_FROM;
    buffer_set_u32(out, begin + 8, crc32c(0, slice_of(from, checked)));
}

static Status damaged_header(const Segment *segment, const char *what, Error *error)
{
    (void)error_set(error, STATUS_DATA_CORRUPTED, "log segment %s is damaged: %s", segment->name,
                    what);
    error_set_hint(error, "Nothing was changed. Restore the file, or run firn check.");
    return error->status;
}

static Status unknown_format(const Segment *segment, uint32_t format, Error *error)
{
    char what[SEGMENT_NAME_DIGITS + 24];
    (void)snprintf(what, sizeof what, "log segment %s", segment->name);
    return error_set_format(error, what, format, SEGMENT_FORMAT);
}

Status segment_header_read(const Log *log, Segment *segment, Error *error)
{
    uint8_t bytes[SEGMENT_HEADER_USED];
    File *file = NULL;
    Path path;
    size_t got;
    Status status = OK;
    GO(segment_path(log, segment->name, &path, error));
    GO(file_open(log->env, path.text, FILE_READ, &file, error));
    GO(file_size(file, &segment->file_bytes, error));
    GO(file_read_at(file, 0, bytes, sizeof bytes, &got, error));
    if (got < sizeof bytes || memcmp(bytes, segment_magic, sizeof segment_magic) != 0)
        GO(damaged_header(segment, "it has no header", error));
    Cursor cursor = cursor_of(slice_of(bytes + 8, sizeof bytes - 8));
    uint32_t crc = cursor_u32(&cursor);
    uint32_t format = cursor_u32(&cursor);
    size_t checked = SEGMENT_HEADER_USED - SEGMENT_HEADER_CHECKED_FROM;
    if (crc != crc32c(0, slice_of(bytes + SEGMENT_HEADER_CHECKED_FROM, checked)))
        GO(damaged_header(segment, "its header's checksum is wrong", error));
    if (format != SEGMENT_FORMAT)
        GO(unknown_format(segment, format, error));
    segment->id = cursor_u64(&cursor);
    segment->base = cursor_u64(&cursor);
    segment->first_seq = cursor_u64(&cursor);
    (void)cursor_u64(&cursor); /* the wall clock: for people */
    segment->salt = cursor_u64(&cursor);
    segment->end = segment->base;
done:
    if (file != NULL)
        KEEP_FIRST(file_close(file, LATER_ERROR(error)));
    return status;
}

/* One more than are begun: what log_expire took away may come back. */
static Status grow_segments(Log *log, Error *error)
{
    if (log->segment_count + SEGMENTS_READY < log->segment_capacity)
        return OK;
    size_t capacity = log->segment_capacity == 0 ? 16 : log->segment_capacity * 2;
    Segment **segments = memory_resize(log->segments, capacity * sizeof(Segment *));
    if (segments == NULL)
        return error_out_of_memory(error);
    log->segments = segments;
    log->segment_capacity = capacity;
    return OK;
}

Status segments_reserve(Log *log, Error *error)
{
    mutex_lock(&log->mutex);
    Status status = grow_segments(log, error);
    while (status == OK && log->segments_ready_count < SEGMENTS_READY) {
        Segment *ready = MEMORY_NEW(Segment);
        if (ready == NULL)
            status = error_out_of_memory(error);
        else
            log->segments_ready[log->segments_ready_count++] = ready;
    }
    mutex_unlock(&log->mutex);
    return status;
}

void segments_add(Log *log, const Segment *segment)
{
    mutex_lock(&log->mutex);
    ASSERT(log->segments_ready_count > 0 && log->segment_count < log->segment_capacity);
    Segment *added = log->segments_ready[--log->segments_ready_count];
    *added = *segment;
    log->segments[log->segment_count++] = added;
    log->current = added;
    mutex_unlock(&log->mutex);
}

static Status write_segment(Log *log, const Segment *segment, Slice content, Error *error)
{
    Buffer *header = &log->scratch;
    buffer_clear(header);
    segment_header_put(header, segment, env_wall_us(log->env));
    ASSERT(!header->failed); /* its memory was reserved at open */
    TRY(file_write_at(segment->file, 0, buffer_slice(header), error));
    if (content.size > 0)
        TRY(file_write_at(segment->file, LOG_SEGMENT_HEADER_BYTES, content, error));
    return file_sync(segment->file, error);
}

/* Header and content are durable before the name is: a file named *.log always has a valid header,
 * so that a damaged one is never taken for one that was being made. */
Status segment_make(Log *log, const Spare *spare, Slice content, Segment *segment, Error *error)
{
    Path from;
    Path to;
    Status status = OK;
    ASSERT(segment->file == NULL);
    ASSERT(spare->file_bytes >= LOG_SEGMENT_HEADER_BYTES + content.size + SEAL_FRAME_BYTES);
    ASSERT(log->current == NULL || segment->first_seq > log->current->first_seq); /* a new name */
    segment->file_bytes = spare->file_bytes;
    segment->end = segment->base + content.size;
    segment_name(segment->first_seq, segment->name);
    spare_path(log, spare->number, &from);
    GO(FAULT(log->env, log_segment_create, error));
    GO(segment_path(log, segment->name, &to, error));
    GO(file_open(log->env, from.text, FILE_READ | FILE_WRITE, &segment->file, error));
    GO(write_segment(log, segment, content, error));
    GO(env_rename(log->env, from.text, to.text, error));
    GO(FAULT(log->env, log_directory_sync, error));
    if (!BROKEN(skip_directory_sync))
        GO(env_sync_directory(log->env, log->directory.text, error));
done:
    if (status != OK)
        KEEP_FIRST(segment_close(segment, LATER_ERROR(error)));
    return status;
}

Status segment_close(Segment *segment, Error *error)
{
    File *file = segment->file;
    segment->file = NULL;
    return file_close(file, error);
}

size_t segment_find(const Log *log, LogPosition position)
{
    size_t i = log->segment_count;
    while (i > 0 && log->segments[i - 1]->base > position)
        i--;
    return i == 0 ? log->segment_count : i - 1;
}
