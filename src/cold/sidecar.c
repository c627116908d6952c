/* Sidecars: the committed deletes of the files that one commit touched, for our own opening.
 *
 *     0   8  "FIRNDELS"
 *     8   4  version, 1
 *     12  4  CRC32C of the index
 *     16  8  file sequence
 *     24  8  bytes of sets
 *     32  8  bytes of index
 *     40  8  file sequence of the sidecar that this index adds to, 0: none, it is whole
 *     48  12 zero
 *     60  4  CRC32C of bytes 0–59
 *     64     sets (position_set.c), one behind the other
 *     ..     index: varint number of data files; for each, by id: id (varint, less the id before),
 *            file sequence of the sidecar that has its set, offset in that, bytes, positions (all
 *            varints), CRC32C of the set
 *            varint number of delete files; for each: path (varint length, bytes), varint number of
 *            data files it is about, their ids (varints, less the id before)
 * Nothing follows. Integers are little-endian. */
#include "base/assert.h"
#include "base/cursor.h"
#include "base/hash.h"
#include "cold/deletes_int.h"

#define SIDECAR_MAGIC "FIRNDELS"

enum { SIDECAR_VERSION = 1, SIDECAR_HEADER_BYTES = 64, SIDECAR_INDEX_BYTES_MAX = 256 << 20 };

static Status damaged(const char *path, const char *what, Error *error)
{
    (void)error_set(error, STATUS_DATA_CORRUPTED, "a table's list of deleted rows is damaged");
    return error_wrap(error, "%s: %s", path, what);
}

/* ---- writing ---- */

static uint64_t put_sets(Buffer *out, SidecarIndex *index)
{
    size_t begin = out->size;
    for (size_t i = 0; i < index->set_count; i++) {
        DeleteSet *set = index->sets[i].set;
        if (set->sidecar != index->file_sequence)
            continue;
        set->offset = out->size;
        buffer_put_slice(out, delete_set_slice(set));
    }
    return out->size - begin;
}

static void put_index(Buffer *out, const SidecarIndex *index)
{
    uint64_t before = 0;
    buffer_put_varint(out, index->set_count);
    for (size_t i = 0; i < index->set_count; i++) {
        const SidecarSet *entry = &index->sets[i];
        ASSERT(i == 0 || entry->file_id > before);
        buffer_put_varint(out, entry->file_id - before);
        buffer_put_varint(out, entry->set->sidecar);
        buffer_put_varint(out, entry->set->offset);
        buffer_put_varint(out, entry->set->size);
        buffer_put_varint(out, entry->set->count);
        buffer_put_u32(out, entry->set->crc);
        before = entry->file_id;
    }
    buffer_put_varint(out, index->delete_file_count);
    for (size_t i = 0; i < index->delete_file_count; i++) {
        const SidecarDeleteFile *file = &index->delete_files[i];
        buffer_put_sized(out, file->path);
        buffer_put_varint(out, file->cover_count);
        for (size_t c = 0; c < file->cover_count; c++)
            buffer_put_varint(out, file->covers[c] - (c == 0 ? 0 : file->covers[c - 1]));
    }
}

Status sidecar_put(Buffer *out, SidecarIndex *index, Error *error)
{
    ASSERT(out->size == 0);
    buffer_put_zeros(out, SIDECAR_HEADER_BYTES);
    uint64_t set_bytes = put_sets(out, index);
    size_t begin = out->size;
    put_index(out, index);
    TRY(buffer_status(out, error));
    index->index_bytes = out->size - begin;
    memcpy(out->data, SIDECAR_MAGIC, 8);
    buffer_set_u32(out, 8, SIDECAR_VERSION);
    buffer_set_u32(out, 12, crc32c(0, slice_of(out->data + begin, out->size - begin)));
    buffer_set_u64(out, 16, index->file_sequence);
    buffer_set_u64(out, 24, set_bytes);
    buffer_set_u64(out, 32, index->index_bytes);
    buffer_set_u64(out, 40, index->previous);
    buffer_set_u32(out, 60, crc32c(0, slice_of(out->data, 60)));
    return OK;
}

/* ---- reading ---- */

typedef struct SidecarHeader {
    uint32_t index_crc;
    uint64_t file_sequence;
    uint64_t set_bytes;
    uint64_t index_bytes;
    uint64_t previous;
} SidecarHeader;

static Status read_header(FileCache *cache, const char *path, SidecarHeader *out, Error *error)
{
    uint8_t bytes[SIDECAR_HEADER_BYTES];
    size_t got;
    TRY(file_cache_read(cache, path, 0, bytes, sizeof bytes, &got, error));
    Cursor cursor = cursor_of(slice_of(bytes, sizeof bytes));
    Slice magic = cursor_bytes(&cursor, 8);
    uint32_t version = cursor_u32(&cursor);
    out->index_crc = cursor_u32(&cursor);
    out->file_sequence = cursor_u64(&cursor);
    out->set_bytes = cursor_u64(&cursor);
    out->index_bytes = cursor_u64(&cursor);
    out->previous = cursor_u64(&cursor);
    cursor_skip(&cursor, 12);
    uint32_t crc = cursor_u32(&cursor);
    if (got != sizeof bytes || !slice_equal_text(magic, SIDECAR_MAGIC))
        return damaged(path, "it does not begin as one", error);
    if (crc != crc32c(0, slice_of(bytes, 60)))
        return damaged(path, "the header's checksum is wrong", error);
    if (version != SIDECAR_VERSION) {
        (void)error_set_format(error, "a table's list of deleted rows", version, SIDECAR_VERSION);
        return error_wrap(error, "%s", path);
    }
    if (out->set_bytes > SIDECAR_BYTES_MAX || out->index_bytes > SIDECAR_INDEX_BYTES_MAX)
        return damaged(path, "the header's sizes are absurd", error);
    return OK;
}

static Status decode_sets(Cursor *cursor, Arena *arena, SidecarIndex *out, Error *error)
{
    enum { SET_BYTES_MIN = 9 };
    uint64_t count = cursor_varint(cursor);
    if (count > cursor_rest(cursor) / SET_BYTES_MIN)
        cursor->failed = true;
    out->set_count = cursor->failed ? 0 : (size_t)count;
    out->sets = ARENA_ARRAY(arena, SidecarSet, out->set_count);
    if (out->sets == NULL)
        return arena_error(arena, error);
    uint64_t id = 0;
    for (size_t i = 0; i < out->set_count; i++) {
        SidecarSet *set = &out->sets[i];
        uint64_t step = cursor_varint(cursor);
        if ((i > 0 && step == 0) || step > UINT64_MAX - id)
            cursor->failed = true;
        id += step;
        set->file_id = id;
        set->sidecar = cursor_varint(cursor);
        set->offset = cursor_varint(cursor);
        set->size = cursor_varint(cursor);
        set->count = cursor_varint(cursor);
        set->crc = cursor_u32(cursor);
    }
    return OK;
}

static Status decode_covers(Cursor *cursor, Arena *arena, SidecarDeleteFile *out, Error *error)
{
    uint64_t count = cursor_varint(cursor);
    if (count > cursor_rest(cursor))
        cursor->failed = true;
    out->cover_count = cursor->failed ? 0 : (size_t)count;
    uint64_t *covers = ARENA_ARRAY(arena, uint64_t, out->cover_count);
    if (covers == NULL)
        return arena_error(arena, error);
    uint64_t id = 0;
    for (size_t i = 0; i < out->cover_count; i++) {
        uint64_t step = cursor_varint(cursor);
        if ((i > 0 && step == 0) || step > UINT64_MAX - id)
            cursor->failed = true;
        covers[i] = id += step;
    }
    out->covers = covers;
    return OK;
}

static Status decode_delete_files(Cursor *cursor, Arena *arena, SidecarIndex *out, Error *error)
{
    uint64_t count = cursor_varint(cursor);
    if (count > cursor_rest(cursor))
        cursor->failed = true;
    out->delete_file_count = cursor->failed ? 0 : (size_t)count;
    out->delete_files = ARENA_ARRAY(arena, SidecarDeleteFile, out->delete_file_count);
    if (out->delete_files == NULL)
        return arena_error(arena, error);
    for (size_t i = 0; i < out->delete_file_count; i++) {
        SidecarDeleteFile *file = &out->delete_files[i];
        TRY(arena_clone(arena, cursor_sized(cursor), &file->path, error));
        TRY(decode_covers(cursor, arena, file, error));
    }
    return OK;
}

static Status decode_index(Slice bytes, const char *path, Arena *arena, SidecarIndex *out,
                           Error *error)
{
    Cursor cursor = cursor_of(bytes);
    TRY(decode_sets(&cursor, arena, out, error));
    TRY(decode_delete_files(&cursor, arena, out, error));
    return cursor_is_done(&cursor) ? OK : damaged(path, "its index is malformed", error);
}

Status sidecar_read_index(FileCache *cache, const char *path, Arena *arena, SidecarIndex *out,
                          Error *error)
{
    SidecarHeader header;
    size_t got;
    TRY(read_header(cache, path, &header, error));
    size_t size = (size_t)header.index_bytes;
    uint8_t *bytes = arena_allocate(arena, size + 1);
    if (bytes == NULL)
        return arena_error(arena, error);
    /* One byte more than there should be: nothing follows. */
    TRY(file_cache_read(cache, path, SIDECAR_HEADER_BYTES + header.set_bytes, bytes, size + 1, &got,
                        error));
    Slice index = slice_of(bytes, size);
    if (got != size || crc32c(0, index) != header.index_crc)
        return damaged(path, "the index's checksum is wrong", error);
    *out = (SidecarIndex){.file_sequence = header.file_sequence,
                          .previous = header.previous,
                          .index_bytes = header.index_bytes};
    return decode_index(index, path, arena, out, error);
}

static Status check_set(const char *path, const SidecarSet *at, Slice bytes, uint64_t row_count,
                        Error *error)
{
    uint64_t count;
    if (crc32c(0, bytes) != at->crc)
        return damaged(path, "a set's checksum is wrong", error);
    if (!position_set_check(bytes, row_count, &count) || count != at->count)
        return damaged(path, "a set is malformed", error);
    return OK;
}

Status sidecar_read_set(FileCache *cache, const char *path, const SidecarSet *at,
                        uint64_t row_count, DeleteSet **out, Error *error)
{
    if (at->size == 0 || at->size > SIDECAR_BYTES_MAX || at->offset > SIDECAR_BYTES_MAX)
        return damaged(path, "a set lies outside", error);
    size_t got;
    size_t size = (size_t)at->size;
    uint8_t *bytes = memory_allocate(size);
    if (bytes == NULL)
        return error_out_of_memory(error);
    Status status = OK;
    GO(file_cache_read(cache, path, at->offset, bytes, size, &got, error));
    if (got != size)
        GO(damaged(path, "it ends too early", error));
    GO(check_set(path, at, slice_of(bytes, size), row_count, error));
    GO(delete_set_create(slice_of(bytes, size), at->count, out, error));
    (*out)->sidecar = at->sidecar;
    (*out)->offset = at->offset;
done:
    memory_free(bytes);
    return status;
}
