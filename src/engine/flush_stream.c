/* The steps of a flush that are different for STREAM tables: rows go into window files (stream/),
 * which a manifest names, which the commit record names. Rows that have expired are left out: no
 * pin that is opened from now on sees them. */
#include "engine/flush_int.h"

/* ---- writing ---- */

static Status owner_name(void *context, OwnerId owner, Arena *arena, Slice *out, Error *error)
{
    const Flush *flush = context;
    const EngineHooks *hooks = &flush->engine->hooks;
    return hooks->owner_name(hooks->context, owner, arena, out, error);
}

static Status report(void *context, size_t done, Error *error)
{
    return flush_report(context, done, error);
}

Status flush_stream_write(Flush *flush, Error *error)
{
    StreamContext context = stream_context_of(flush->table);
    TablePolicy policy;
    engine_table_policy(flush->table, &policy);
    StreamSettleOptions options = {.file_sequence = flush->files.file_sequence,
                                   .ttl_us = policy.ttl_us,
                                   .schema = memtable_schema(flush->memtable->rows),
                                   .owner_name = owner_name,
                                   .progress = report,
                                   .context = flush};
    if (flush->record_count == 0)
        return OK;
    return stream_settle_open(&context, flush->version->stream, &options, flush->records,
                              flush->record_count, &flush->settle, error);
}

/* ---- the next version ---- */

/* Under the cold lock. Only who holds the flush mutex changes files, and whoever else changed the
 * version (TRUNCATE) took the memtable out of it: so the files are still those that were added to.
 */
Status flush_stream_prepare(Flush *flush, Error *error)
{
    StreamContext context = stream_context_of(flush->table);
    StreamVersion *base = flush->version->stream;
    if (flush->settle == NULL && flush->delete_count == 0) {
        flush->stream = stream_version_clone(base);
        return OK;
    }
    StreamDeletes *deletes = memory_allocate_zeroed(flush->delete_count + 1, sizeof *deletes);
    if (deletes == NULL)
        return error_out_of_memory(error);
    for (size_t i = 0; i < flush->delete_count; i++)
        deletes[i] = (StreamDeletes){flush->deletes[i].file_id, flush->deletes[i].positions,
                                     flush->deletes[i].count};
    StreamChange change = {.settle = flush->settle,
                           .deletes = deletes,
                           .delete_count = flush->delete_count,
                           .evict_until_us = INT64_MIN,
                           .expired_us = table_expired_us(flush->table),
                           .sequence = engine_next_id(flush->engine)};
    Status status = stream_version_prepare(&context, base, &change, &flush->stream, error);
    memory_free(deletes);
    return status;
}

/* ---- where each record went ---- */

static void note_places(Flush *flush, size_t first)
{
    for (size_t i = 0; i < flush->record_count; i++) {
        RecordHeader *record = (RecordHeader *)(uintptr_t)flush->records[i];
        StreamSettled went = stream_settle_place(flush->settle, i);
        uint64_t settled = (uint64_t)(first + went.file + 1) << 32 | went.place;
        atomic_store_explicit(&record->settled, settled, memory_order_release);
    }
}

Status flush_stream_settle(Flush *flush, Error *error)
{
    TableMemtable *memtable = flush->memtable;
    size_t first = memtable->settled_file_count;
    size_t more = flush->settle == NULL ? 0 : stream_settle_file_count(flush->settle);
    if (more == 0)
        return OK;
    uint64_t *ids = memory_allocate((first + more) * sizeof(uint64_t));
    if (ids == NULL)
        return error_out_of_memory(error);
    mutex_lock(&flush->engine->sequencer);
    uint64_t *old = memtable->settled_files;
    if (first > 0)
        memcpy(ids, old, first * sizeof(uint64_t));
    for (size_t i = 0; i < more; i++)
        ids[first + i] = stream_settle_file(flush->settle, i)->id;
    memtable->settled_files = ids;
    memtable->settled_file_count = first + more;
    mutex_unlock(&flush->engine->sequencer);
    memory_free(old);
    note_places(flush, first);
    return OK;
}

/* ---- the result ---- */

void flush_stream_result(const Flush *flush, SettleResult *out)
{
    if (flush->settle == NULL)
        return;
    size_t count = stream_settle_file_count(flush->settle);
    const char *path = stream_settle_file(flush->settle, 0)->path;
    if (out->files == 0 && strlen(path) < sizeof out->first_path)
        memcpy(out->first_path, path, strlen(path) + 1);
    out->rows += flush->record_count;
    out->bytes += stream_settle_bytes(flush->settle);
    out->files += count;
    uint64_t lowest = UINT64_MAX;
    for (size_t i = 0; i < flush->record_count; i++)
        lowest = flush->records[i]->seq < lowest ? flush->records[i]->seq : lowest;
    if (out->first_seq == 0)
        out->first_seq = lowest;
}
