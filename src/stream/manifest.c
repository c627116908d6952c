/* The manifest: a version on disk. Integers are little-endian; numbers without a width are varints.
 *
 *     0   8  "FIRNSTRM"
 *     8   4  CRC32C of everything behind
 *     12  4  format, 1
 *     16  8  expired: rows committed at or before this are gone for good, µs
 *     24  ..  table id
 *             schemas: number, each sized (schema_encode)
 *             files, in order of id: number, each:
 *                 id, owner, schema version, u64 window's begin, u64 window's end, bytes, rows,
 *                 first sequence, last sequence, u64 lowest commit time, u64 highest commit time,
 *                 sized path, sized deleted places (cold/position_set.h)
 *             indexes, of one window from old to new: number, each:
 *                 u64 window's begin, u64 window's end, sized path
 * Nothing follows. Paths of files are relative to the table's folder, those of indexes to the one
 * of its state (stream.h). */
#include "base/cursor.h"
#include "base/hash.h"
#include "cold/position_set.h"
#include "stream/stream_int.h"

static const char manifest_magic[8] = "FIRNSTRM";

enum {
    MANIFEST_FORMAT = 1,
    MANIFEST_CRC_AT = 8,
    MANIFEST_CHECKED_FROM = 12,
    SCHEMAS_MAX = 1 << 16,
    INDEXES_MAX = 1 << 20,
};

/* ---- writing ---- */

static void put_window(Buffer *out, StreamWindow window)
{
    buffer_put_u64(out, (uint64_t)window.begin_us);
    buffer_put_u64(out, (uint64_t)window.end_us);
}

static void put_file(Buffer *out, const StreamFile *file)
{
    buffer_put_varint(out, file->id);
    buffer_put_varint(out, file->owner);
    buffer_put_varint(out, file->schema_version);
    put_window(out, file->window);
    buffer_put_varint(out, file->bytes);
    buffer_put_varint(out, file->rows);
    buffer_put_varint(out, file->first_seq);
    buffer_put_varint(out, file->last_seq);
    buffer_put_u64(out, (uint64_t)file->first_updated_us);
    buffer_put_u64(out, (uint64_t)file->last_updated_us);
    buffer_put_sized(out, slice_of_text(file->path));
    buffer_put_sized(out, file->deleted);
}

static void put_schemas(Buffer *out, const StreamVersion *version)
{
    Buffer encoded;
    buffer_open(&encoded, 0);
    buffer_put_varint(out, version->schema_count);
    for (size_t i = 0; i < version->schema_count; i++) {
        buffer_clear(&encoded);
        schema_encode(&encoded, version->schemas[i]);
        out->failed |= encoded.failed;
        buffer_put_sized(out, buffer_slice(&encoded));
    }
    buffer_close(&encoded);
}

static Status encode(const StreamVersion *version, uint64_t table_id, Buffer *out, Error *error)
{
    buffer_put(out, manifest_magic, sizeof manifest_magic);
    buffer_put_u32(out, 0);
    buffer_put_u32(out, MANIFEST_FORMAT);
    buffer_put_u64(out, (uint64_t)version->expired_us);
    buffer_put_varint(out, table_id);
    put_schemas(out, version);
    buffer_put_varint(out, version->file_count);
    for (size_t i = 0; i < version->file_count; i++)
        put_file(out, version->files[i]);
    buffer_put_varint(out, version->index_count);
    for (size_t i = 0; i < version->index_count; i++) {
        put_window(out, version->indexes[i]->window);
        buffer_put_sized(out, slice_of_text(version->indexes[i]->path));
    }
    TRY(buffer_status(out, error));
    Slice checked = slice_part(buffer_slice(out), MANIFEST_CHECKED_FROM, SIZE_MAX);
    buffer_set_u32(out, MANIFEST_CRC_AT, crc32c(0, checked));
    return OK;
}

static Status write_file(const StreamContext *context, const Path *path, Slice bytes, Error *error)
{
    File *file;
    TRY(FAULT(context->env, flush_mid_metadata, error));
    TRY(file_open(context->env, path->text, FILE_WRITE | FILE_CREATE | FILE_EXCLUSIVE, &file,
                  error));
    Status status = file_write_at(file, 0, bytes, error);
    if (status == OK && !BROKEN(skip_data_sync))
        status = file_sync(file, error);
    KEEP_FIRST(file_close(file, LATER_ERROR(error)));
    return status;
}

static void remove_quietly(const StreamContext *context, const Path *path)
{
    Error ignored;
    Status status = env_remove(context->env, path->text, &ignored);
    (void)status; /* what stays is an orphan: the sweep removes it */
}

/* The name is new for ever, and nobody looks for it before the log names it: so it is written in
 * place. */
Status manifest_write(const StreamContext *context, StreamVersion *version, uint64_t sequence,
                      Error *error)
{
    Buffer bytes;
    Path relative;
    Path path;
    Status status = OK;
    buffer_open(&bytes, STREAM_MANIFEST_BYTES_MAX);
    GO(path_format(&relative, error, "%016llx.manifest", (unsigned long long)sequence));
    GO(encode(version, context->table_id, &bytes, error));
    GO(env_make_durable_directories(context->env, context->state, error));
    GO(stream_absolute(context, relative.text, &path, error));
    status = write_file(context, &path, buffer_slice(&bytes), error);
    if (status == OK)
        status = env_sync_directory(context->env, context->state, error);
    if (status == OK)
        status = FAULT(context->env, flush_after_metadata_sync, error);
    if (status != OK)
        remove_quietly(context, &path);
    else
        memcpy(version->manifest, relative.text, strlen(relative.text) + 1);
done:
    buffer_close(&bytes);
    return status;
}

/* ---- reading ---- */

static Status damaged(const char *what, Error *error)
{
    (void)error_set(error, STATUS_DATA_CORRUPTED, "a stream's manifest is damaged");
    return error_wrap(error, "%s", what);
}

static StreamWindow get_window(Cursor *cursor)
{
    int64_t begin = (int64_t)cursor_u64(cursor);
    return (StreamWindow){begin, (int64_t)cursor_u64(cursor)};
}

/* Inside the folder, and not to be mistaken for anything else. */
static bool path_is_good(Slice path)
{
    if (path.size == 0 || path.size >= STREAM_PATH_BYTES_MAX || path.data[0] == '/')
        return false;
    for (size_t i = 0; i < path.size; i++) {
        bool begins = i == 0 || path.data[i - 1] == '/';
        if (path.data[i] == '\0' || (begins && (path.data[i] == '.' || path.data[i] == '/')))
            return false;
    }
    return true;
}

static Status read_schemas(Cursor *cursor, StreamVersion *version, uint64_t count, Error *error)
{
    for (uint64_t i = 0; i < count; i++) {
        Cursor encoded = cursor_of(cursor_sized(cursor));
        TRY(schema_decode(&encoded, &version->schemas[version->schema_count], error));
        version->schema_count++;
    }
    return cursor->failed ? damaged("schemas", error) : OK;
}

static Status read_file(Cursor *cursor, StreamVersion *version, Error *error)
{
    StreamFile *file = MEMORY_NEW(StreamFile);
    if (file == NULL)
        return error_out_of_memory(error);
    file->references = 1;
    file->id = cursor_varint(cursor);
    file->owner = (OwnerId)cursor_varint(cursor);
    file->schema_version = (uint32_t)cursor_varint(cursor);
    file->window = get_window(cursor);
    file->bytes = cursor_varint(cursor);
    file->rows = cursor_varint(cursor);
    file->first_seq = cursor_varint(cursor);
    file->last_seq = cursor_varint(cursor);
    file->first_updated_us = (int64_t)cursor_u64(cursor);
    file->last_updated_us = (int64_t)cursor_u64(cursor);
    Slice path = cursor_sized(cursor);
    Slice deleted = cursor_sized(cursor);
    bool good = !cursor->failed && path_is_good(path) && file->bytes >= WINDOW_HEAD_BYTES &&
                position_set_check(deleted, (uint64_t)UINT32_MAX + 1, &file->deleted_count) &&
                stream_version_schema(version, file->schema_version) != NULL;
    if (version->file_count > 0 && file->id <= version->files[version->file_count - 1]->id)
        good = false;
    if (good)
        memcpy(file->path, path.data, path.size);
    uint8_t *copy = good && deleted.size > 0 ? memory_clone(deleted.data, deleted.size) : NULL;
    if (!good || (deleted.size > 0 && copy == NULL)) {
        stream_file_release(file);
        return good ? error_out_of_memory(error) : damaged("a file", error);
    }
    file->deleted = slice_of(copy, copy == NULL ? 0 : deleted.size);
    version->files[version->file_count++] = file;
    return OK;
}

typedef struct Opening {
    const StreamContext *context;
    StreamVersion *version;
    void (*told)(void *told_context, const Error *why);
    void *told_context;
} Opening;

/* Indexes are derived from the rows: one that cannot be read is made again. */
static Status read_index(Opening *opening, Cursor *cursor, Error *error)
{
    StreamVersion *version = opening->version;
    char path[STREAM_PATH_BYTES_MAX] = "";
    StreamIndex *index;
    StreamWindow window = get_window(cursor);
    Slice name = cursor_sized(cursor);
    if (cursor->failed || !path_is_good(name))
        return damaged("an index", error);
    memcpy(path, name.data, name.size);
    Status status = stream_index_open(opening->context, window, path, &index, error);
    if (status == STATUS_DATA_CORRUPTED || status == STATUS_FILE_NOT_FOUND) {
        if (opening->told != NULL)
            opening->told(opening->told_context, error);
        TRY(stream_index_rebuild(opening->context, version, window, path, error));
        status = stream_index_open(opening->context, window, path, &index, error);
    }
    TRY(status);
    version->indexes[version->index_count++] = index;
    return OK;
}

/* A file may be longer than it is said to be, never shorter. */
static Status check_files(const Opening *opening, Error *error)
{
    const StreamVersion *version = opening->version;
    for (size_t i = 0; i < version->file_count; i++) {
        const StreamFile *file = version->files[i];
        FileInformation information;
        Path path;
        TRY(stream_absolute(opening->context, file->path, &path, error));
        TRY(env_stat(opening->context->env, path.text, &information, error));
        if (information.exists && information.size >= file->bytes)
            continue;
        (void)error_set(error, STATUS_DATA_CORRUPTED, "a window file is missing or cut short");
        error_set_hint(error, "Nothing was changed. Restore the table's folder in streams/.");
        return error_wrap(error, "%s", file->path);
    }
    return OK;
}

static Status read_all(Opening *opening, Cursor *cursor, Error *error)
{
    uint64_t schemas = cursor_varint(cursor);
    if (cursor->failed || schemas > SCHEMAS_MAX || schemas > cursor_rest(cursor))
        return damaged("schemas", error);
    StreamVersion *version;
    TRY(version_create(STREAM_FILES_MAX < cursor_rest(cursor) ? STREAM_FILES_MAX
                                                              : cursor_rest(cursor),
                       cursor_rest(cursor) / 16, schemas, &version, error));
    opening->version = version;
    TRY(read_schemas(cursor, version, schemas, error));
    uint64_t files = cursor_varint(cursor);
    if (cursor->failed || files > STREAM_FILES_MAX || files > cursor_rest(cursor))
        return damaged("files", error);
    for (uint64_t i = 0; i < files; i++)
        TRY(read_file(cursor, version, error));
    TRY(check_files(opening, error));
    uint64_t indexes = cursor_varint(cursor);
    if (cursor->failed || indexes > INDEXES_MAX || indexes > cursor_rest(cursor) / 16)
        return damaged("indexes", error);
    for (uint64_t i = 0; i < indexes; i++)
        TRY(read_index(opening, cursor, error));
    return cursor_is_done(cursor) ? OK : damaged("its end", error);
}

static Status decode(Opening *opening, Slice bytes, Error *error)
{
    Cursor cursor = cursor_of(bytes);
    Slice magic = cursor_bytes(&cursor, sizeof manifest_magic);
    uint32_t crc = cursor_u32(&cursor);
    if (cursor.failed || memcmp(magic.data, manifest_magic, sizeof manifest_magic) != 0 ||
        crc != crc32c(0, slice_part(bytes, MANIFEST_CHECKED_FROM, SIZE_MAX)))
        return damaged("its checksum is wrong", error);
    uint32_t format = cursor_u32(&cursor);
    if (format != MANIFEST_FORMAT)
        return error_set_format(error, "a stream's manifest", format, MANIFEST_FORMAT);
    int64_t expired_us = (int64_t)cursor_u64(&cursor);
    if (cursor_varint(&cursor) != opening->context->table_id)
        return damaged("it is another table's", error);
    TRY(read_all(opening, &cursor, error));
    opening->version->expired_us = expired_us;
    return OK;
}

Status stream_version_open(const StreamContext *context, const char *manifest,
                           void (*told)(void *told_context, const Error *why), void *told_context,
                           StreamVersion **out, Error *error)
{
    Opening opening = {.context = context, .told = told, .told_context = told_context};
    Buffer bytes;
    Path path;
    Slice name = slice_of_text(manifest);
    Status status = OK;
    buffer_open(&bytes, 0);
    if (!path_is_good(name)) {
        status = damaged("its name", error);
        goto done;
    }
    GO(stream_absolute(context, manifest, &path, error));
    GO(env_read_file(context->env, path.text, STREAM_MANIFEST_BYTES_MAX, &bytes, error));
    GO(decode(&opening, buffer_slice(&bytes), error));
    memcpy(opening.version->manifest, name.data, name.size);
    *out = opening.version;
    opening.version = NULL;
done:
    stream_version_release(opening.version);
    buffer_close(&bytes);
    if (status != OK)
        (void)error_wrap(error, "%s", manifest);
    return status;
}
