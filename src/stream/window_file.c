/* A window file: the rows of one user that were committed within one window of time, all of one
 * schema version. Integers are little-endian.
 *
 *     0   64  head:
 *         0   8  "FIRNWIND"
 *         8   4  CRC32C of bytes 12–63
 *         12  4  format, 1
 *         16  8  table id
 *         24  4  owner
 *         28  4  schema version
 *         32  8  window's begin, µs
 *         40  8  window's end, µs
 *         48 16  zeros
 *     64  ..  sections, each:
 *         0   8  "FIRNSECT"
 *         8   4  CRC32C of bytes 12–63
 *         12  4  rows
 *         16  8  bytes of records
 *         24  8  lowest commit time, µs
 *         32  8  highest commit time, µs
 *         40 24  zeros
 *         64  ..  records (types/record.h), in key order, one after the other
 * What a later settle adds begins at the next multiple of 4096, with zeros before it: bytes that an
 * older version relies on share no page with bytes that are being written.
 *
 * In a record `replaced_by`, `older`, `settled` and the reserved bytes are zero; `reserved_word` is
 * the CRC32C of the whole record as it is with zero in its place. So one record can be read and
 * checked alone, which is what a look-up does.
 *
 * How long a file is says the version, not the file: what follows was never committed. */
#include "base/cursor.h"
#include "base/hash.h"
#include "cold/position_set.h"
#include "stream/stream_int.h"

static const char head_magic[8] = "FIRNWIND";
static const char section_magic[8] = "FIRNSECT";

enum {
    WINDOW_FORMAT = 1,
    HEAD_CRC_AT = 8,
    HEAD_CHECKED_FROM = 12,
    READ_STEP_BYTES = 1 << 20,
};

/* ---- what a version knows of a file ---- */

StreamFile *stream_file_clone(StreamFile *file)
{
    atomic_fetch_add(&file->references, 1);
    return file;
}

void stream_file_release(StreamFile *file)
{
    if (file == NULL || atomic_fetch_sub(&file->references, 1) != 1)
        return;
    memory_free((void *)(uintptr_t)file->deleted.data);
    memory_free(file);
}

bool stream_version_is_deleted(const StreamFile *file, uint32_t place)
{
    return file->deleted_count > 0 && position_set_has(file->deleted, place);
}

/* ---- writing ---- */

static void finish_head(Buffer *out, size_t begin)
{
    Slice head = slice_part(buffer_slice(out), begin, WINDOW_HEAD_BYTES);
    if (!out->failed)
        buffer_set_u32(out, begin + HEAD_CRC_AT,
                       crc32c(0, slice_part(head, HEAD_CHECKED_FROM, SIZE_MAX)));
}

void window_put_head(Buffer *out, uint64_t table_id, const StreamFile *file)
{
    size_t begin = out->size;
    buffer_put(out, head_magic, sizeof head_magic);
    buffer_put_u32(out, 0);
    buffer_put_u32(out, WINDOW_FORMAT);
    buffer_put_u64(out, table_id);
    buffer_put_u32(out, file->owner);
    buffer_put_u32(out, file->schema_version);
    buffer_put_u64(out, (uint64_t)file->window.begin_us);
    buffer_put_u64(out, (uint64_t)file->window.end_us);
    buffer_put_zeros(out, 16);
    finish_head(out, begin);
}

void section_begin(Section *section)
{
    buffer_clear(&section->bytes);
    buffer_put_zeros(&section->bytes, SECTION_HEAD_BYTES);
    section->rows = 0;
    section->first_updated_us = INT64_MAX;
    section->last_updated_us = INT64_MIN;
}

void section_add(Section *section, const RecordHeader *record)
{
    size_t size = record_whole_size(record);
    RecordHeader header = {.seq = record->seq,
                           .updated_us = record->updated_us,
                           .owner = record->owner,
                           .row_size = record->row_size,
                           .key_size = record->key_size,
                           .kind = RECORD_PUT};
    uint8_t *at = buffer_reserve(&section->bytes, size);
    if (at == NULL)
        return; /* the buffer says so */
    RecordHeader *written = record_write(at, &header, record_key(record), record_row(record));
    written->reserved_word = crc32c(0, slice_of(at, size));
    section->bytes.size += size;
    section->rows++;
    if (record->updated_us < section->first_updated_us)
        section->first_updated_us = record->updated_us;
    if (record->updated_us > section->last_updated_us)
        section->last_updated_us = record->updated_us;
}

void section_finish(Section *section)
{
    Buffer head;
    buffer_open(&head, 0);
    buffer_put(&head, section_magic, sizeof section_magic);
    buffer_put_u32(&head, 0);
    buffer_put_u32(&head, section->rows);
    buffer_put_u64(&head, section->bytes.size - SECTION_HEAD_BYTES);
    buffer_put_u64(&head, (uint64_t)section->first_updated_us);
    buffer_put_u64(&head, (uint64_t)section->last_updated_us);
    buffer_put_zeros(&head, 24);
    finish_head(&head, 0);
    if (head.failed)
        section->bytes.failed = true;
    else if (!section->bytes.failed)
        memcpy(section->bytes.data, head.data, SECTION_HEAD_BYTES);
    buffer_close(&head);
}

/* ---- reading ---- */

static Status damaged(const StreamFile *file, const char *what, Error *error)
{
    (void)error_set(error, STATUS_DATA_CORRUPTED, "a window file is damaged");
    return error_wrap(error, "%s: %s", file->path, what);
}

/* All of [offset, offset + size), which lies within what is committed. */
static Status read_at(const StreamContext *context, const StreamFile *file, uint64_t offset,
                      void *out, size_t size, Error *error)
{
    Path path;
    TRY(stream_absolute(context, file->path, &path, error));
    if (offset > file->bytes || size > file->bytes - offset)
        return damaged(file, "something reaches beyond its end", error);
    for (size_t done = 0; done < size;) {
        size_t step = size - done < READ_STEP_BYTES ? size - done : READ_STEP_BYTES;
        size_t got = 0;
        TRY(file_cache_read(context->cache, path.text, offset + done, (uint8_t *)out + done, step,
                            &got, error));
        if (got != step)
            return damaged(file, "it ends too early", error);
        done += step;
    }
    return OK;
}

static bool magic_is(Cursor *cursor, const char magic[8])
{
    Slice found = cursor_bytes(cursor, 8);
    return found.size == 8 && memcmp(found.data, magic, 8) == 0;
}

static bool crc_is_right(Slice head, Cursor *cursor)
{
    return cursor_u32(cursor) == crc32c(0, slice_part(head, HEAD_CHECKED_FROM, SIZE_MAX));
}

/* Is it the file that the version means? A file of another user under this name would be. */
static Status check_head(const StreamContext *context, const StreamFile *file, Error *error)
{
    uint8_t bytes[WINDOW_HEAD_BYTES];
    TRY(read_at(context, file, 0, bytes, sizeof bytes, error));
    Slice head = slice_of(bytes, sizeof bytes);
    Cursor cursor = cursor_of(head);
    if (!magic_is(&cursor, head_magic) || !crc_is_right(head, &cursor))
        return damaged(file, "its head is", error);
    uint32_t format = cursor_u32(&cursor);
    if (format != WINDOW_FORMAT) {
        (void)error_set_format(error, "a window file", format, WINDOW_FORMAT);
        return error_wrap(error, "%s", file->path);
    }
    bool same = cursor_u64(&cursor) == context->table_id;
    same &= cursor_u32(&cursor) == file->owner;
    same &= cursor_u32(&cursor) == file->schema_version;
    same &= (int64_t)cursor_u64(&cursor) == file->window.begin_us;
    same &= (int64_t)cursor_u64(&cursor) == file->window.end_us;
    return same ? OK : damaged(file, "it is another one", error);
}

/* The header is sound, and the record ends within `room`. */
static bool is_sound(const StreamFile *file, const RecordHeader *record, uint64_t room)
{
    return record->kind == RECORD_PUT && record->owner == file->owner && record->key_size > 0 &&
           record->key_size <= KEY_BYTES_MAX && record->row_size <= ROW_BYTES_MAX &&
           record_whole_size(record) <= room;
}

/* Checks the whole record and takes the checksum out of it. */
static bool is_whole(RecordHeader *record)
{
    uint32_t wanted = (uint32_t)record->reserved_word;
    record->reserved_word = 0;
    return crc32c(0, slice_of(record, record_whole_size(record))) == wanted;
}

Status stream_read(const StreamContext *context, const StreamFile *file, uint32_t place,
                   Arena *arena, const RecordHeader **out, Error *error)
{
    RecordHeader header;
    uint64_t offset = (uint64_t)place * 8;
    TRY(read_at(context, file, offset, &header, sizeof header, error));
    if (!is_sound(file, &header, file->bytes - offset))
        return damaged(file, "a place has no record", error);
    size_t size = record_whole_size(&header);
    RecordHeader *record = arena_allocate(arena, size);
    if (record == NULL)
        return arena_error(arena, error);
    TRY(read_at(context, file, offset, record, size, error));
    if (record->key_size != header.key_size || record->row_size != header.row_size ||
        !is_whole(record))
        return damaged(file, "a record's checksum is wrong", error);
    *out = record;
    return OK;
}

/* ---- scanning ---- */

typedef struct Scan {
    const StreamContext *context;
    const StreamFile *file;
    StreamVisitor visit;
    void *visit_context;
    uint8_t *records; /* of the section at hand */
    size_t capacity;
} Scan;

typedef struct SectionHead {
    uint32_t rows;
    uint64_t bytes;
} SectionHead;

static bool is_zero(Slice s)
{
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] != 0)
            return false;
    }
    return true;
}

/* *has is false where only zeros stand until the next page. */
static Status read_section_head(const Scan *scan, uint64_t offset, SectionHead *out, bool *has,
                                Error *error)
{
    uint8_t bytes[SECTION_HEAD_BYTES];
    TRY(read_at(scan->context, scan->file, offset, bytes, 8, error));
    *has = !is_zero(slice_of(bytes, 8));
    if (!*has)
        return OK;
    TRY(read_at(scan->context, scan->file, offset, bytes, sizeof bytes, error));
    Slice head = slice_of(bytes, sizeof bytes);
    Cursor cursor = cursor_of(head);
    if (!magic_is(&cursor, section_magic) || !crc_is_right(head, &cursor))
        return damaged(scan->file, "a section's head is", error);
    out->rows = cursor_u32(&cursor);
    out->bytes = cursor_u64(&cursor);
    if (out->bytes == 0 || out->bytes > scan->file->bytes - offset - SECTION_HEAD_BYTES)
        return damaged(scan->file, "a section reaches beyond its end", error);
    return OK;
}

static Status make_room(Scan *scan, size_t size, Error *error)
{
    if (size <= scan->capacity)
        return OK;
    memory_free(scan->records);
    scan->capacity = 0;
    scan->records = memory_allocate(size);
    if (scan->records == NULL)
        return error_out_of_memory(error);
    scan->capacity = size;
    return OK;
}

static Status visit_records(Scan *scan, uint64_t offset, const SectionHead *head, Error *error)
{
    uint32_t seen = 0;
    for (uint64_t at = 0; at < head->bytes; seen++) {
        RecordHeader *record = (RecordHeader *)(void *)(scan->records + at);
        uint64_t room = head->bytes - at;
        if (room < sizeof *record || !is_sound(scan->file, record, room) || !is_whole(record))
            return damaged(scan->file, "a record is", error);
        TRY(scan->visit(scan->visit_context, scan->file, (uint32_t)((offset + at) / 8), record,
                        error));
        at += record_whole_size(record);
    }
    return seen == head->rows ? OK : damaged(scan->file, "a section lacks records", error);
}

static Status scan_sections(Scan *scan, Error *error)
{
    const StreamFile *file = scan->file;
    uint64_t offset = WINDOW_HEAD_BYTES;
    while (offset < file->bytes) {
        SectionHead head;
        bool has;
        TRY(read_section_head(scan, offset, &head, &has, error));
        if (!has) {
            uint64_t into = offset % WINDOW_PAGE_BYTES;
            if (into == 0)
                return damaged(file, "a section is missing", error);
            offset += WINDOW_PAGE_BYTES - into;
            continue;
        }
        offset += SECTION_HEAD_BYTES;
        TRY(make_room(scan, (size_t)head.bytes, error));
        TRY(read_at(scan->context, file, offset, scan->records, (size_t)head.bytes, error));
        TRY(visit_records(scan, offset, &head, error));
        offset += head.bytes;
    }
    return OK;
}

Status stream_scan(const StreamContext *context, const StreamFile *file, StreamVisitor visit,
                   void *visit_context, Error *error)
{
    Scan scan = {.context = context, .file = file, .visit = visit, .visit_context = visit_context};
    Status status = check_head(context, file, error);
    if (status == OK)
        status = scan_sections(&scan, error);
    memory_free(scan.records);
    return status;
}
