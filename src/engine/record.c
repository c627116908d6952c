/* The payloads of the engine's frames in the log. Integers are varints unless a width is given.
 *
 *     FRAME_ROW         u64 wall clock µs of the commit
 *                       table id, schema version, u8 flags (1: delete, 2: an old row stood there),
 *                       owner, sized key, sized row (put), sized old row (where one stood)
 *     FRAME_COLD        u8 format (1), u8 kind, table id, owner, hi, sized metadata path
 *     FRAME_DEFINITION  u8 format (1), number of changes, each: u8 kind, table id, sized metadata
 *                       path; then the upper payload to the end
 *     FRAME_CEILING     u64 highest sequence, u64 highest id */
#include "engine/engine_int.h"

enum {
    ROW_FLAG_DELETE = 1,
    ROW_FLAG_HAD_OLD = 2,
    RECORD_FORMAT = 1,
    DEFINITION_CHANGES_MAX = 100000,
};

static Status damaged(const char *what, Error *error)
{
    return error_set(error, STATUS_DATA_CORRUPTED, "a %s record of the log is damaged", what);
}

void row_body_put(Buffer *out, uint64_t table_id, uint32_t schema_version,
                  const WriteOperation *operation)
{
    uint8_t flags = operation->kind == WRITE_DELETE ? ROW_FLAG_DELETE : 0;
    if (operation->had_old)
        flags |= ROW_FLAG_HAD_OLD;
    buffer_put_varint(out, table_id);
    buffer_put_varint(out, schema_version);
    buffer_put_u8(out, flags);
    buffer_put_varint(out, operation->owner);
    buffer_put_sized(out, operation->key);
    if (operation->kind == WRITE_PUT)
        buffer_put_sized(out, operation->row);
    if (operation->had_old)
        buffer_put_sized(out, operation->old_row);
}

Status row_change_decode(const LogFrame *frame, RowChange *out, Error *error)
{
    Cursor cursor = cursor_of(frame->payload);
    RowChange change = {.seq = frame->seq, .transaction = frame->transaction};
    change.ends_transaction = (frame->flags & LOG_FRAME_COMMIT) != 0;
    change.updated_us = (int64_t)cursor_u64(&cursor);
    change.table_id = cursor_varint(&cursor);
    change.schema_version = (uint32_t)cursor_varint(&cursor);
    uint8_t flags = cursor_u8(&cursor);
    change.kind = flags & ROW_FLAG_DELETE ? WRITE_DELETE : WRITE_PUT;
    change.had_old = (flags & ROW_FLAG_HAD_OLD) != 0;
    change.owner = (OwnerId)cursor_varint(&cursor);
    change.key = cursor_sized(&cursor);
    if (change.kind == WRITE_PUT)
        change.row = cursor_sized(&cursor);
    if (change.had_old)
        change.old_row = cursor_sized(&cursor);
    if (frame->kind != FRAME_ROW || !cursor_is_done(&cursor) || change.key.size > KEY_BYTES_MAX)
        return damaged("row", error);
    *out = change;
    return OK;
}

void cold_record_put(Buffer *out, const ColdRecord *record)
{
    buffer_put_u8(out, RECORD_FORMAT);
    buffer_put_u8(out, record->kind);
    buffer_put_varint(out, record->table_id);
    buffer_put_varint(out, record->owner);
    buffer_put_varint(out, record->hi);
    buffer_put_sized(out, record->metadata_path);
}

Status cold_record_get(Slice payload, ColdRecord *out, Error *error)
{
    Cursor cursor = cursor_of(payload);
    uint8_t format = cursor_u8(&cursor);
    if (!cursor.failed && format != RECORD_FORMAT)
        return error_set_format(error, "a cold commit record", format, RECORD_FORMAT);
    ColdRecord record = {.kind = cursor_u8(&cursor)};
    record.table_id = cursor_varint(&cursor);
    record.owner = (OwnerId)cursor_varint(&cursor);
    record.hi = cursor_varint(&cursor);
    record.metadata_path = cursor_sized(&cursor);
    if (!cursor_is_done(&cursor))
        return damaged("cold commit", error);
    *out = record;
    return OK;
}

void definition_put(Buffer *out, const DefinitionChange *changes, size_t count, Slice payload)
{
    buffer_put_u8(out, RECORD_FORMAT);
    buffer_put_varint(out, count);
    for (size_t i = 0; i < count; i++) {
        buffer_put_u8(out, changes[i].kind);
        buffer_put_varint(out, changes[i].table_id);
        buffer_put_sized(out, changes[i].metadata_path);
    }
    buffer_put_slice(out, payload);
}

Status definition_get(Slice record, Arena *arena, DefinitionChange **changes, size_t *count,
                      Slice *payload, Error *error)
{
    Cursor cursor = cursor_of(record);
    uint8_t format = cursor_u8(&cursor);
    if (!cursor.failed && format != RECORD_FORMAT)
        return error_set_format(error, "a definition record", format, RECORD_FORMAT);
    uint64_t n = cursor_varint(&cursor);
    if (cursor.failed || n > DEFINITION_CHANGES_MAX)
        return damaged("definition", error);
    DefinitionChange *list = ARENA_ARRAY(arena, DefinitionChange, n);
    if (list == NULL)
        return arena_error(arena, error);
    for (uint64_t i = 0; i < n; i++) {
        list[i].kind = cursor_u8(&cursor);
        list[i].table_id = cursor_varint(&cursor);
        list[i].metadata_path = cursor_sized(&cursor);
        if (list[i].kind > TABLE_CHANGE_ALTER)
            return damaged("definition", error);
    }
    if (cursor.failed)
        return damaged("definition", error);
    *changes = list;
    *count = (size_t)n;
    *payload = cursor_bytes(&cursor, cursor_rest(&cursor));
    return OK;
}

Status definition_changes_decode(const LogFrame *frame, Arena *arena, DefinedChange **out,
                                 size_t *count, Error *error)
{
    DefinitionChange *changes;
    Slice payload;
    size_t n;
    if (frame->kind != FRAME_DEFINITION)
        return damaged("definition", error);
    TRY(definition_get(frame->payload, arena, &changes, &n, &payload, error));
    DefinedChange *list = ARENA_ARRAY(arena, DefinedChange, n);
    if (list == NULL)
        return arena_error(arena, error);
    for (size_t i = 0; i < n; i++)
        list[i] = (DefinedChange){(TableChangeKind)changes[i].kind, changes[i].table_id};
    *out = list;
    *count = n;
    return OK;
}

const char *flush_trigger_name(FlushTrigger trigger)
{
    static const char *const names[] = {"rows", "interval", "bytes", "memory",
                                        "log",  "command",  "start"};
    ASSERT(trigger <= TRIGGER_START);
    return names[trigger];
}
