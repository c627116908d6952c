/* What flush and compaction have in common: files in flight, the cold commit, superseded notes. */
#include "engine/engine_int.h"

/* ---- files in flight ---- */

void in_flight_add(Engine *engine, InFlight *entry, uint64_t table_id, uint64_t file_sequence)
{
    entry->table_id = table_id;
    entry->file_sequence = file_sequence;
    mutex_lock(&engine->root);
    entry->next = engine->in_flight;
    engine->in_flight = entry;
    mutex_unlock(&engine->root);
}

void in_flight_remove(Engine *engine, InFlight *entry)
{
    mutex_lock(&engine->root);
    InFlight **at = &engine->in_flight;
    while (*at != entry) {
        ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = entry->next;
    mutex_unlock(&engine->root);
}

bool in_flight_has(Engine *engine, uint64_t table_id, uint64_t file_sequence)
{
    bool found = false;
    mutex_lock(&engine->root);
    for (const InFlight *entry = engine->in_flight; entry != NULL; entry = entry->next)
        found |= entry->table_id == table_id && entry->file_sequence == file_sequence;
    mutex_unlock(&engine->root);
    return found;
}

/* ---- superseded notes ---- */

Status superseded_reserve(TableMemtable *memtable, size_t from, size_t upto, Error *error)
{
    const TableMemtable *last = NULL;
    for (size_t i = from; i < upto; i++) {
        TableMemtable *newer = memtable->superseded[i].newer;
        if (newer == last)
            continue;
        TRY(marks_reserve(memtable_marks(newer->rows), upto - from + newer->notes_on_it, error));
        last = newer;
    }
    return OK;
}

void superseded_to_marks(TableMemtable *memtable, OwnerId owner, size_t from, size_t upto)
{
    if (BROKEN(tail))
        return;
    for (size_t i = from; i < upto; i++) {
        const Superseded *note = &memtable->superseded[i];
        uint64_t settled = atomic_load(&note->record->settled);
        bool is_ours = owner == 0 || note->record->owner == owner;
        if (!is_ours || settled == 0)
            continue;
        uint64_t number = (settled >> 32) - 1;
        ASSERT(number < memtable->settled_file_count);
        Mark mark = {memtable->settled_files[number], note->seq, (uint32_t)settled,
                     note->record->owner};
        marks_add(memtable_marks(note->newer->rows), &mark);
    }
}

/* ---- the cold commit ---- */

static Status append_cold_record(EngineTable *table, const ColdRecord *record, Buffer *payload,
                                 Install *install, BeforeAppend before, void *context, Error *error)
{
    Engine *engine = table->engine;
    Slice part = buffer_slice(payload);
    if (before != NULL)
        TRY(before(context, error));
    TRY(cold_state_reserve(&table->appended, error));
    TRY(sequencer_reserve(engine, 1, part.size, true, error));
    sequencer_prepare(engine, 1);
    uint64_t seq = sequencer_next(engine);
    install->seq = seq;
    install->position = log_append(engine->log, FRAME_COLD, LOG_FRAME_COMMIT, seq, 0, &part, 1);
    if (!BROKEN(cold_sync))
        log_require_sync(engine->log);
    engine_add_install(engine, install);
    ASSERT(record->metadata_path.size < sizeof table->appended.metadata_path);
    memcpy(table->appended.metadata_path, record->metadata_path.data, record->metadata_path.size);
    table->appended.metadata_path[record->metadata_path.size] = '\0';
    if (record->kind == COLD_RECORD_FLUSH)
        cold_state_flush(&table->appended, record->owner, record->hi);
    return OK;
}

Status cold_commit(EngineTable *table, const ColdRecord *record, Install *install,
                   BeforeAppend before, void *context, bool *appended, Error *error)
{
    Engine *engine = table->engine;
    Buffer payload;
    buffer_open(&payload, 0);
    cold_record_put(&payload, record);
    Status status = buffer_status(&payload, error);
    if (status == OK) {
        mutex_lock(&engine->sequencer);
        status = append_cold_record(table, record, &payload, install, before, context, error);
        mutex_unlock(&engine->sequencer);
    }
    buffer_close(&payload);
    TRY(status);
    *appended = true;
    log_notify(engine->log);
    TRY(engine_wait_install(engine, install, error));
    atomic_fetch_add(&engine->snapshots_committed, 1);
    return OK;
}

/* ---- what the log is still needed for ---- */

LogPosition table_first_position(const EngineTable *table)
{
    const SuperVersion *version = table->current;
    LogPosition first = version->active->first_position;
    for (size_t i = 0; i < version->sealed_count; i++) {
        if (version->sealed[i].memtable->first_position < first)
            first = version->sealed[i].memtable->first_position;
    }
    return first;
}

void engine_release_log(Engine *engine)
{
    mutex_lock(&engine->sequencer);
    LogPosition oldest = engine->replaying_from;
    mutex_lock(&engine->root);
    for (size_t i = 0; i < TABLE_BUCKETS; i++) {
        for (EngineTable *table = engine->tables[i]; table != NULL; table = table->next_in_bucket) {
            LogPosition first = table_first_position(table);
            bool counts = !BROKEN(release_per_table) || table->id % 2 == 0;
            if (first < oldest && counts)
                oldest = first;
        }
    }
    mutex_unlock(&engine->root);
    engine->oldest_unsettled = oldest;
    LogPosition end = log_appended(engine->log);
    atomic_store(&engine->unflushed_bytes, oldest == UINT64_MAX ? 0 : end - oldest);
    mutex_unlock(&engine->sequencer);
    LogPosition needed = atomic_load(&engine->checkpoint_replay_from);
    log_release(engine->log, oldest < needed ? oldest : needed);
}
