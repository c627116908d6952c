/* Looking a key up: memtables newest first, then the files' key indexes. Several files can hold
 * dead copies of a key, and two keys can share a hash: every candidate is checked alive, and by its
 * stored key wherever the answer rests on it. */
#include "base/hash.h"
#include "engine/engine_int.h"

OwnerId key_owner_of(TableKind kind, Slice key)
{
    return kind == TABLE_SHARED ? 0 : key_owner(key);
}

static bool any_index_may_have(const ColdVersion *cold, uint64_t hash)
{
    size_t count = cold_version_index_count(cold);
    for (size_t i = 0; i < count; i++) {
        if (key_index_may_have(cold_version_index(cold, i), hash))
            return true;
    }
    return false;
}

Horizon horizon_at_head(EngineTable *table)
{
    return (Horizon){UINT64_MAX, table_expired_us(table)};
}

/* A version that has expired hides the older ones: they had expired when it was written, or it
 * replaced them. */
void version_find_hot(const SuperVersion *version, Slice key, OwnerId owner, Horizon horizon,
                      RowLocation *out, bool *may_be_cold)
{
    *out = (RowLocation){.place = ROW_NOWHERE};
    *may_be_cold = false;
    for (size_t i = 0; i <= version->sealed_count; i++) {
        const PinnedMemtable *pinned = &version->pinned[i];
        if (owner_is_without(pinned->without, pinned->without_count, owner))
            continue;
        const RecordHeader *record = memtable_get(pinned->memtable, key, horizon.seq);
        if (record == NULL)
            continue;
        out->seq = record->seq;
        if (record->kind == RECORD_PUT && record->updated_us > horizon.expired_us) {
            out->place = ROW_IN_MEMORY;
            out->record = record;
            out->memtable = pinned->memtable;
        }
        return;
    }
    uint64_t hash = hash_64(key);
    *may_be_cold = version->stream != NULL ? stream_version_may_have(version->stream, hash)
                                           : any_index_may_have(version->cold, hash);
}

/* ---- files ---- */

bool version_is_marked(const SuperVersion *version, uint64_t file_id, uint32_t position,
                       uint64_t seq)
{
    for (size_t i = 0; i <= version->sealed_count; i++) {
        if (marks_covers(memtable_marks(version->pinned[i].memtable), file_id, position, seq))
            return true;
    }
    return false;
}

/* Number of the file in the version, or SIZE_MAX: files are in order of id. */
static size_t file_number(const ColdVersion *cold, uint64_t file_id)
{
    size_t low = 0;
    size_t high = cold_version_file_count(cold);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (cold_version_file(cold, middle)->id < file_id)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < cold_version_file_count(cold) && cold_version_file(cold, low)->id == file_id;
    return found ? low : SIZE_MAX;
}

bool version_is_alive(const SuperVersion *version, uint64_t file_id, uint32_t position,
                      uint64_t seq)
{
    size_t number = file_number(version->cold, file_id);
    return number != SIZE_MAX && !cold_version_is_deleted(version->cold, number, position) &&
           !version_is_marked(version, file_id, position, seq);
}

typedef struct Candidate {
    uint64_t file_id;
    uint32_t position;
} Candidate;

enum { CANDIDATES_MAX = 256 };

static Status add_candidates(const SuperVersion *version, KeyIndex *index, uint64_t hash,
                             uint64_t seq, Candidate *out, size_t *count, Error *error)
{
    KeyIndexEntry entries[KEY_INDEX_CANDIDATES_MAX];
    size_t found;
    if (!key_index_may_have(index, hash))
        return OK;
    TRY(key_index_find(index, hash, entries, &found, error));
    for (size_t i = 0; i < found; i++) {
        uint64_t file_id = data_file_id(key_index_file_sequence(index), entries[i].file_ordinal);
        if (!version_is_alive(version, file_id, entries[i].position, seq))
            continue;
        if (*count == CANDIDATES_MAX)
            return error_set(error, STATUS_DATA_CORRUPTED, "too many rows share one key's hash");
        out[(*count)++] = (Candidate){file_id, entries[i].position};
    }
    return OK;
}

static Status find_candidates(const SuperVersion *version, uint64_t hash, uint64_t seq,
                              Candidate *out, size_t *count, Error *error)
{
    size_t indexes = cold_version_index_count(version->cold);
    *count = 0;
    for (size_t i = 0; i < indexes; i++)
        TRY(add_candidates(version, cold_version_index(version->cold, i), hash, seq, out, count,
                           error));
    return OK;
}

/* The row with its neighbours, which stay in the cache. */
static Status fetch_block(EngineTable *table, const SuperVersion *version, const DataFile *file,
                          const RowCacheKey *key, uint32_t block_rows, uint32_t position,
                          Arena *arena, FetchedRow *out, Error *error)
{
    Path path;
    DataFileIo *io = table->engine->io;
    uint32_t positions[CACHED_BLOCK_ROWS_MAX];
    uint64_t left = file->row_count - key->first;
    size_t count = left < block_rows ? (size_t)left : block_rows;
    for (size_t i = 0; i < count; i++)
        positions[i] = key->first + (uint32_t)i;
    TRY(cold_absolute(table->cold_table, file->path, &path, error));
    FetchedRow *rows = ARENA_ARRAY(arena, FetchedRow, count);
    if (rows == NULL)
        return arena_error(arena, error);
    TRY(io->fetch(io, path.text, version->schema, positions, count, arena, rows, error));
    row_cache_put(table->engine->row_cache, key, rows, count);
    *out = rows[position - key->first];
    return OK;
}

/* Blocks go through an arena of their own: a statement may look at many rows. */
Status version_fetch_row(EngineTable *table, const SuperVersion *version, const DataFile *file,
                         uint32_t position, Arena *arena, FetchedRow *out, bool *was_cached,
                         Error *error)
{
    RowCache *cache = table->engine->row_cache;
    uint32_t block_rows = row_cache_block_rows(cache, file->row_count, file->size_bytes);
    RowCacheKey key = {table->id, file->id, position & ~(block_rows - 1), version->schema->version};
    Arena scratch;
    ASSERT(position < file->row_count);
    *was_cached = row_cache_get(cache, &key, position, arena, out);
    if (*was_cached)
        return OK;
    arena_open(&scratch, 0);
    FetchedRow fetched;
    Status status =
        fetch_block(table, version, file, &key, block_rows, position, &scratch, &fetched, error);
    if (status == OK) {
        *out = fetched;
        status = arena_clone(arena, fetched.row, &out->row, error);
    }
    arena_close(&scratch);
    return status;
}

Status version_fetch(EngineTable *table, const SuperVersion *version, uint64_t file_id,
                     uint32_t position, Arena *arena, RowFound *out, Error *error)
{
    FetchedRow fetched;
    bool was_cached;
    const DataFile *file = cold_version_find_file(version->cold, file_id);
    ASSERT(file != NULL);
    TRY(version_fetch_row(table, version, file, position, arena, &fetched, &was_cached, error));
    *out = (RowFound){.row = fetched.row, .seq = fetched.seq, .updated_us = fetched.updated_us};
    out->location = (RowLocation){
        .place = ROW_IN_FILE, .file_id = file_id, .position = position, .seq = fetched.seq};
    return OK;
}

/* Is the stored row really of this key? */
static Status has_key(const SuperVersion *version, OwnerId owner, Slice row, Slice key, bool *same,
                      Error *error)
{
    Buffer stored;
    buffer_open(&stored, 0);
    Status status = key_of_row(version->schema, owner, row, &stored, error);
    *same = status == OK && slice_equal(buffer_slice(&stored), key);
    buffer_close(&stored);
    return status;
}

static Status find_in_files(EngineTable *table, const SuperVersion *version, Slice key,
                            OwnerId owner, uint64_t seq, bool want_row, Arena *arena, RowFound *out,
                            bool *found, Error *error)
{
    Candidate candidates[CANDIDATES_MAX];
    size_t count;
    *found = false;
    TRY(find_candidates(version, hash_64(key), seq, candidates, &count, error));
    if (count == 1 && !want_row) {
        *out = (RowFound){.location = {.place = ROW_IN_FILE,
                                       .file_id = candidates[0].file_id,
                                       .position = candidates[0].position}};
        *found = true;
        return OK;
    }
    for (size_t i = 0; i < count && !*found; i++) {
        env_yield(table->engine->env, "old row read from a file");
        TRY(version_fetch(table, version, candidates[i].file_id, candidates[i].position, arena, out,
                          error));
        TRY(has_key(version, owner, out->row, key, found, error));
    }
    if (*found)
        out->location.is_confirmed = true;
    return OK;
}

Status record_row_in(const RecordHeader *record, Schema *own, Schema *wanted, Arena *arena,
                     Slice *out, Error *error)
{
    if (own->version == wanted->version) {
        *out = record_row(record);
        return OK;
    }
    Buffer converted;
    buffer_open(&converted, 0);
    Status status = row_convert(own, record_row(record), wanted, arena, &converted, error);
    if (status == OK)
        status = arena_clone(arena, buffer_slice(&converted), out, error);
    buffer_close(&converted);
    return status;
}

Status version_find(EngineTable *table, const SuperVersion *version, Slice key, OwnerId owner,
                    Horizon horizon, bool want_row, Arena *arena, RowFound *out, bool *found,
                    Error *error)
{
    RowLocation location;
    bool may_be_cold;
    *found = false;
    *out = (RowFound){0};
    version_find_hot(version, key, owner, horizon, &location, &may_be_cold);
    if (location.place == ROW_IN_MEMORY) {
        out->location = location;
        out->seq = location.seq;
        out->updated_us = location.record->updated_us;
        *found = true;
        return record_row_in(location.record, memtable_schema(location.memtable), version->schema,
                             arena, &out->row, error);
    }
    out->location = location;
    if (!may_be_cold)
        return OK;
    if (version->stream != NULL)
        return stream_find(table, version, key, horizon, want_row, arena, out, found, error);
    return find_in_files(table, version, key, owner, horizon.seq, want_row, arena, out, found,
                         error);
}

/* ---- for pins ---- */

void pin_find_hot(const Pin *pin, size_t table, Slice key, RowLocation *out, bool *may_be_cold)
{
    OwnerId owner = key_owner_of(pin->tables[table]->kind, key);
    Horizon horizon = {pin->seq, pin->expired_us[table]};
    version_find_hot(pin->versions[table], key, owner, horizon, out, may_be_cold);
}

Status pin_get(const Pin *pin, size_t table, Slice key, Arena *arena, RowFound *out, bool *found,
               Error *error)
{
    OwnerId owner = key_owner_of(pin->tables[table]->kind, key);
    TRY(pin_check(pin, error));
    Horizon horizon = {pin->seq, pin->expired_us[table]};
    return version_find(pin->tables[table], pin->versions[table], key, owner, horizon, true, arena,
                        out, found, error);
}
