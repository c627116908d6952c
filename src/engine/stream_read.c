/* Rows of STREAM tables in their window files, as a pin or a writer at the head sees them: not
 * deleted there, not marked in memory, not expired. */
#include <endian.h>

#include "base/hash.h"
#include "engine/engine_int.h"

StreamContext stream_context_of(const EngineTable *table)
{
    const Engine *engine = table->engine;
    return (StreamContext){engine->env, engine->file_cache, table->folder, table->stream_state,
                           table->id};
}

/* ---- one key ---- */

static Status take_record(const SuperVersion *version, const StreamFile *file, uint32_t place,
                          const RecordHeader *record, Arena *arena, RowFound *out, Error *error)
{
    Schema *own = stream_version_schema(version->stream, file->schema_version);
    *out = (RowFound){.seq = record->seq, .updated_us = record->updated_us};
    out->location = (RowLocation){.place = ROW_IN_FILE,
                                  .file_id = file->id,
                                  .position = place,
                                  .is_confirmed = true,
                                  .seq = record->seq};
    return record_row_in(record, own, version->schema, arena, &out->row, error);
}

Status stream_find(EngineTable *table, const SuperVersion *version, Slice key, Horizon horizon,
                   bool want_row, Arena *arena, RowFound *out, bool *found, Error *error)
{
    StreamContext context = stream_context_of(table);
    StreamPlace places[STREAM_CANDIDATES_MAX];
    size_t count;
    (void)want_row; /* it was read to compare the key */
    *found = false;
    TRY(stream_version_find(version->stream, hash_64(key), places, &count, error));
    for (size_t i = 0; i < count; i++) {
        const StreamFile *file = stream_version_find_file(version->stream, places[i].file_id);
        const RecordHeader *record;
        if (file->last_updated_us <= horizon.expired_us ||
            version_is_marked(version, file->id, places[i].place, horizon.seq))
            continue;
        env_yield(table->engine->env, "old row read from a file");
        TRY(stream_read(&context, file, places[i].place, arena, &record, error));
        if (record->updated_us <= horizon.expired_us || !slice_equal(record_key(record), key))
            continue;
        TRY(take_record(version, file, places[i].place, record, arena, out, error));
        *found = true;
        return OK;
    }
    return OK;
}

/* ---- ranges ---- */

/* Keys begin with their owner: could one of this owner lie in [from, to)? */
static bool owner_is_in_range(OwnerId owner, Slice from, Slice to)
{
    uint32_t big = htobe32(owner);
    Slice prefix = slice_of(&big, sizeof big);
    bool ends_before = slice_compare(prefix, slice_part(from, 0, sizeof big)) < 0;
    bool begins_behind = to.size > 0 && slice_compare(prefix, to) >= 0;
    return !ends_before && !begins_behind;
}

static bool may_be_seen(const StreamFile *file, int64_t expired_us, OwnerId owner, Slice from,
                        Slice to)
{
    return file->last_updated_us > expired_us && (owner == 0 || file->owner == owner) &&
           owner_is_in_range(file->owner, from, to);
}

bool stream_has_range(const SuperVersion *version, int64_t expired_us, Slice from, Slice to)
{
    size_t count = stream_version_file_count(version->stream);
    for (size_t i = 0; i < count; i++) {
        if (may_be_seen(stream_version_file(version->stream, i), expired_us, 0, from, to))
            return true;
    }
    return false;
}

/* ---- all rows ---- */

typedef struct WindowWalk {
    const SuperVersion *version;
    Horizon horizon;
    OwnerId owner;
    Slice from;
    Slice to;
    bool has_marks;
    Schema *schema; /* of the files at hand */
    WindowVisitor visit;
    void *context;
} WindowWalk;

static bool has_marks(const SuperVersion *version)
{
    for (size_t i = 0; i <= version->sealed_count; i++) {
        if (marks_count(memtable_marks(version->pinned[i].memtable)) > 0)
            return true;
    }
    return false;
}

static bool is_seen(const WindowWalk *walk, const StreamFile *file, uint32_t place,
                    const RecordHeader *record)
{
    Slice key = record_key(record);
    return record->updated_us > walk->horizon.expired_us && slice_compare(key, walk->from) >= 0 &&
           (walk->to.size == 0 || slice_compare(key, walk->to) < 0) &&
           !stream_version_is_deleted(file, place) &&
           !(walk->has_marks &&
             version_is_marked(walk->version, file->id, place, walk->horizon.seq));
}

static Status visit_record(void *context, const StreamFile *file, uint32_t place,
                           const RecordHeader *record, Error *error)
{
    const WindowWalk *walk = context;
    if (!is_seen(walk, file, place, record))
        return OK;
    return walk->visit(walk->context, walk->schema, record, error);
}

/* Schemas of the files that may be seen, each once, is what `next` goes through: the lowest above
 * `after`, or 0. */
static uint32_t next_schema(const WindowWalk *walk, uint32_t after)
{
    uint32_t lowest = 0;
    const StreamVersion *stream = walk->version->stream;
    size_t count = stream_version_file_count(stream);
    for (size_t i = 0; i < count; i++) {
        const StreamFile *file = stream_version_file(stream, i);
        if (file->schema_version > after && (lowest == 0 || file->schema_version < lowest) &&
            may_be_seen(file, walk->horizon.expired_us, walk->owner, walk->from, walk->to))
            lowest = file->schema_version;
    }
    return lowest;
}

static Status walk_schema(const Pin *pin, size_t table, WindowWalk *walk, uint32_t schema_version,
                          Error *error)
{
    const StreamVersion *stream = walk->version->stream;
    StreamContext context = stream_context_of(pin->tables[table]);
    size_t count = stream_version_file_count(stream);
    walk->schema = stream_version_schema(stream, schema_version);
    for (size_t i = 0; i < count; i++) {
        const StreamFile *file = stream_version_file(stream, i);
        if (file->schema_version != schema_version ||
            !may_be_seen(file, walk->horizon.expired_us, walk->owner, walk->from, walk->to))
            continue;
        TRY(pin_check(pin, error));
        TRY(stream_scan(&context, file, visit_record, walk, error));
        env_yield(pin->engine->env, "window file read");
    }
    return OK;
}

static WindowWalk walk_of(const Pin *pin, size_t table, OwnerId owner)
{
    ASSERT(table < pin->count);
    return (WindowWalk){.version = pin->versions[table],
                        .horizon = {pin->seq, pin->expired_us[table]},
                        .owner = owner};
}

Status pin_visit_windows(const Pin *pin, size_t table, OwnerId owner, Slice from, Slice to,
                         WindowVisitor visit, void *context, Error *error)
{
    WindowWalk walk = walk_of(pin, table, owner);
    walk.from = from;
    walk.to = to;
    walk.visit = visit;
    walk.context = context;
    if (walk.version->stream == NULL)
        return OK;
    walk.has_marks = has_marks(walk.version);
    for (uint32_t next = next_schema(&walk, 0); next != 0; next = next_schema(&walk, next))
        TRY(walk_schema(pin, table, &walk, next, error));
    return OK;
}

uint64_t pin_window_bytes(const Pin *pin, size_t table, OwnerId owner, size_t *schemas)
{
    WindowWalk walk = walk_of(pin, table, owner);
    const StreamVersion *stream = walk.version->stream;
    uint64_t bytes = 0;
    *schemas = 0;
    if (stream == NULL)
        return 0;
    for (size_t i = 0; i < stream_version_file_count(stream); i++) {
        const StreamFile *file = stream_version_file(stream, i);
        if (may_be_seen(file, walk.horizon.expired_us, owner, SLICE_EMPTY, SLICE_EMPTY))
            bytes += file->bytes;
    }
    for (uint32_t next = next_schema(&walk, 0); next != 0; next = next_schema(&walk, next))
        (*schemas)++;
    return bytes;
}

/* ---- counting ---- */

static Status count_record(void *context, Schema *schema, const RecordHeader *record, Error *error)
{
    uint64_t *rows = context;
    (void)schema;
    (void)record;
    (void)error;
    (*rows)++;
    return OK;
}

/* Files of which every row but the deleted ones is seen are not read. */
Status stream_count(const Pin *pin, size_t table, OwnerId owner, TableCount *out, Error *error)
{
    WindowWalk walk = walk_of(pin, table, owner);
    StreamContext context = stream_context_of(pin->tables[table]);
    const StreamVersion *stream = walk.version->stream;
    walk.has_marks = has_marks(walk.version);
    walk.visit = count_record;
    walk.context = &out->cold_rows;
    for (size_t i = 0; i < stream_version_file_count(stream); i++) {
        const StreamFile *file = stream_version_file(stream, i);
        if (owner != 0 && file->owner != owner)
            continue;
        out->files++;
        out->cold_bytes += file->bytes;
        if (file->last_updated_us <= walk.horizon.expired_us)
            continue;
        if (!walk.has_marks && file->first_updated_us > walk.horizon.expired_us)
            out->cold_rows += file->rows - file->deleted_count;
        else
            TRY(stream_scan(&context, file, visit_record, &walk, error));
    }
    return OK;
}
