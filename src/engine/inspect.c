/* Follows recover.c step by step, up to where that begins to write. */
#include "engine/inspect.h"

#include "base/cursor.h"
#include "engine/engine_int.h"

typedef struct Inspecting {
    Env *env;
    const char *directory;
    const InspectVisitor *visitor;
    EngineInspection *out;
    Arena arena; /* of one frame */
    Log *log;
} Inspecting;

static Status damaged(const char *what, Error *error)
{
    return error_set(error, STATUS_DATA_CORRUPTED, "%s", what);
}

/* ---- tables ---- */

static InspectedTable *find_table(const EngineInspection *inspection, uint64_t id)
{
    InspectedTable *tables = (InspectedTable *)(void *)inspection->tables.data;
    for (size_t i = inspection->tables.size / sizeof *tables; i > 0; i--) {
        if (tables[i - 1].id == id)
            return &tables[i - 1];
    }
    return NULL;
}

const InspectedTable *engine_inspection_find(const EngineInspection *inspection, uint64_t table_id)
{
    return find_table(inspection, table_id);
}

/* The table, made where it is not known yet; NULL where there is no memory. */
static InspectedTable *put_table(EngineInspection *inspection, uint64_t id)
{
    InspectedTable *known = find_table(inspection, id);
    if (known != NULL)
        return known;
    InspectedTable fresh = {.id = id};
    buffer_put(&inspection->tables, &fresh, sizeof fresh);
    return inspection->tables.failed ? NULL : find_table(inspection, id);
}

static void remove_table(EngineInspection *inspection, uint64_t id)
{
    InspectedTable *table = find_table(inspection, id);
    if (table == NULL)
        return;
    inspection->tables.size -= sizeof *table;
    *table = *(const InspectedTable *)(void *)(inspection->tables.data + inspection->tables.size);
}

static Status set_metadata(InspectedTable *table, Slice path, Error *error)
{
    if (path.size >= sizeof table->metadata_path)
        return damaged("a record names a metadata file of an impossible length", error);
    if (path.size > 0)
        memcpy(table->metadata_path, path.data, path.size);
    table->metadata_path[path.size] = '\0';
    return OK;
}

static Status read_table(EngineInspection *inspection, Cursor *cursor, Error *error)
{
    uint64_t id = cursor_varint(cursor);
    uint64_t hi = cursor_varint(cursor);
    Slice path = cursor_sized(cursor);
    uint64_t owners = cursor_varint(cursor);
    if (cursor->failed || owners > cursor_rest(cursor))
        return damaged("the catalog's checkpoint is damaged", error);
    for (uint64_t i = 0; i < owners; i++) {
        (void)cursor_varint(cursor);
        (void)cursor_varint(cursor);
    }
    InspectedTable *table = put_table(inspection, id);
    if (table == NULL)
        return error_out_of_memory(error);
    table->hi = hi;
    table->owners = (uint32_t)owners;
    return set_metadata(table, path, error);
}

static Status read_tables(EngineInspection *inspection, Slice tables, Error *error)
{
    Cursor cursor = cursor_of(tables);
    uint64_t count = cursor_varint(&cursor);
    for (uint64_t i = 0; i < count && !cursor.failed; i++)
        TRY(read_table(inspection, &cursor, error));
    return cursor_is_done(&cursor) ? OK : damaged("the catalog's checkpoint is damaged", error);
}

/* ---- the checkpoint ---- */

static Status find_newest(Inspecting *inspecting, Path *path, Error *error)
{
    Path folder;
    FileInformation information;
    DirectoryEntry *entries;
    size_t count;
    EngineInspection *out = inspecting->out;
    TRY(path_join(&folder, inspecting->directory, "catalog", error));
    TRY(env_stat(inspecting->env, folder.text, &information, error));
    if (!information.exists)
        return OK;
    TRY(env_list(inspecting->env, folder.text, &inspecting->arena, &entries, &count, error));
    for (size_t i = 0; i < count; i++) { /* in order: the newest comes last */
        if (!checkpoint_name_parse(entries[i].name, &out->checkpoint_number))
            continue;
        out->has_checkpoint = true;
        TRY(path_join(path, folder.text, (const char *)entries[i].name.data, error));
    }
    return OK;
}

static Status take_image(Inspecting *inspecting, const CheckpointImage *image, Error *error)
{
    EngineInspection *out = inspecting->out;
    out->position = image->position;
    out->replay_from = image->replay_from;
    out->seq_ceiling = image->seq_ceiling;
    out->id_ceiling = image->id_ceiling;
    TRY(read_tables(out, image->tables, error));
    return inspecting->visitor->checkpoint(inspecting->visitor->context, image->upper, error);
}

static Status read_checkpoint(Inspecting *inspecting, Error *error)
{
    Path path;
    TRY(find_newest(inspecting, &path, error));
    if (!inspecting->out->has_checkpoint)
        return OK;
    CheckpointImage image = {0};
    buffer_open(&image.bytes, 0);
    Status status =
        env_read_file(inspecting->env, path.text, CHECKPOINT_BYTES_MAX, &image.bytes, error);
    if (status == OK)
        status = checkpoint_decode(&image, error);
    if (status == OK)
        status = take_image(inspecting, &image, error);
    checkpoint_close(&image);
    return status == OK ? OK : error_wrap(error, "%s", path.text);
}

/* ---- the log ---- */

static Status take_cold(EngineInspection *inspection, InspectedFrame *frame, Error *error)
{
    ColdRecord record;
    TRY(cold_record_get(frame->frame->payload, &record, error));
    frame->cold.table_id = record.table_id;
    frame->cold.owner = record.owner;
    frame->cold.hi = record.hi;
    frame->cold.metadata_path = record.metadata_path;
    frame->cold.is_compaction = record.kind == COLD_RECORD_COMPACTION;
    if (!frame->is_applied)
        return OK;
    InspectedTable *table = find_table(inspection, record.table_id);
    if (table == NULL)
        return damaged("a cold commit of the log is of a table that nobody made", error);
    if (record.kind == COLD_RECORD_FLUSH && record.owner == 0 && record.hi > table->hi)
        table->hi = record.hi;
    if (record.kind == COLD_RECORD_FLUSH && record.owner != 0)
        table->owners++;
    return set_metadata(table, record.metadata_path, error);
}

static Status apply_change(EngineInspection *inspection, const DefinitionChange *change,
                           uint64_t seq, Error *error)
{
    if (change->kind == TABLE_CHANGE_DROP) {
        remove_table(inspection, change->table_id);
        return OK;
    }
    InspectedTable *table = change->kind == TABLE_CHANGE_CREATE
                                ? put_table(inspection, change->table_id)
                                : find_table(inspection, change->table_id);
    if (table == NULL)
        return change->kind == TABLE_CHANGE_CREATE
                   ? error_out_of_memory(error)
                   : damaged("a definition of the log is of a table that nobody made", error);
    if (change->kind != TABLE_CHANGE_ALTER && seq > table->hi)
        table->hi = seq;
    return change->metadata_path.size == 0 ? OK : set_metadata(table, change->metadata_path, error);
}

static Status take_definition(Inspecting *inspecting, InspectedFrame *frame, Error *error)
{
    DefinitionChange *changes;
    DefinedChange *defined;
    size_t count;
    TRY(definition_get(frame->frame->payload, &inspecting->arena, &changes, &count, &frame->upper,
                       error));
    TRY(definition_changes_decode(frame->frame, &inspecting->arena, &defined,
                                  &frame->definition.count, error));
    frame->definition.changes = defined;
    for (size_t i = 0; frame->is_applied && i < count; i++)
        TRY(apply_change(inspecting->out, &changes[i], frame->frame->seq, error));
    return OK;
}

static Status take_ceiling(EngineInspection *inspection, InspectedFrame *frame, Error *error)
{
    Cursor cursor = cursor_of(frame->frame->payload);
    frame->ceiling.seq = cursor_u64(&cursor);
    frame->ceiling.id = cursor_u64(&cursor);
    if (!cursor_is_done(&cursor))
        return damaged("a ceiling record of the log is damaged", error);
    if (frame->ceiling.seq > inspection->seq_ceiling)
        inspection->seq_ceiling = frame->ceiling.seq;
    if (frame->ceiling.id > inspection->id_ceiling)
        inspection->id_ceiling = frame->ceiling.id;
    return OK;
}

static Status take_frame(Inspecting *inspecting, InspectedFrame *frame, Error *error)
{
    switch (frame->frame->kind) {
    case FRAME_ROW:
        return row_change_decode(frame->frame, &frame->row, error);
    case FRAME_COLD:
        return take_cold(inspecting->out, frame, error);
    case FRAME_DEFINITION:
        return take_definition(inspecting, frame, error);
    case FRAME_CEILING:
        return take_ceiling(inspecting->out, frame, error);
    default:
        frame->upper = frame->frame->payload;
        return frame->frame->kind >= FRAME_UPPER
                   ? OK
                   : error_set(error, STATUS_VERSION_NOT_SUPPORTED,
                               "the log has a record of a kind (%u) that this version does not "
                               "know",
                               frame->frame->kind);
    }
}

static Status visit_frame(void *context, const LogFrame *log_frame, Error *error)
{
    Inspecting *inspecting = context;
    InspectedFrame frame = {.frame = log_frame};
    frame.is_applied = log_frame->position >= inspecting->out->position;
    arena_reset(&inspecting->arena);
    Status status = take_frame(inspecting, &frame, error);
    if (status == OK)
        status = inspecting->visitor->frame(inspecting->visitor->context, &frame, error);
    return status == OK
               ? OK
               : error_wrap(error, "log position %llu", (unsigned long long)log_frame->position);
}

static const LogOptions options = {.segment_bytes = 64 << 20};

/* Frames that recovery does not read any more. */
static Status check_feed(Inspecting *inspecting, const char *path, Error *error)
{
    EngineInspection *out = inspecting->out;
    LogRecovery ignored;
    Log *log;
    if (out->log.first >= out->replay_from)
        return OK;
    Status status =
        log_open(inspecting->env, path, &options, out->log.first, &log, &ignored, &out->feed_error);
    if (status == STATUS_OUT_OF_MEMORY)
        return error_out_of_memory(error);
    out->feed_is_damaged = status != OK;
    if (status == OK)
        log_close(log);
    return OK;
}

static Status read_log(Inspecting *inspecting, Error *error)
{
    EngineInspection *out = inspecting->out;
    Path path;
    TRY(path_join(&path, inspecting->directory, "log", error));
    TRY(log_open(inspecting->env, path.text, &options, out->replay_from, &inspecting->log,
                 &out->log, error));
    if (!out->has_checkpoint && !out->log.found_any)
        return damaged("there is neither a log nor a checkpoint", error);
    if (out->position > out->log.end)
        return damaged("the log ends before the checkpoint: its newest segments are missing",
                       error);
    TRY(log_replay(inspecting->log, out->replay_from, visit_frame, inspecting, error));
    return check_feed(inspecting, path.text, error);
}

Status engine_inspect(Env *env, const char *directory, const InspectVisitor *visitor,
                      EngineInspection *out, Error *error)
{
    Inspecting inspecting = {.env = env, .directory = directory, .visitor = visitor, .out = out};
    *out = (EngineInspection){0};
    buffer_open(&out->tables, 0);
    arena_open(&inspecting.arena, 0);
    Status status = read_checkpoint(&inspecting, error);
    if (status == OK)
        status = read_log(&inspecting, error);
    if (inspecting.log != NULL)
        log_close(inspecting.log);
    arena_close(&inspecting.arena);
    return status;
}

void engine_inspection_close(EngineInspection *inspection)
{
    buffer_close(&inspection->tables);
}
