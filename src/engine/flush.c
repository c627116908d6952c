/* Flush: sealed memtables, oldest first, become data files (design/engine.md §5).
 *
 * Happy path: seal → write files from the memtable, key index beside → cold lock, check that the
 * memtable is still current → its marks become deletes, the next cold version is prepared → commit
 * record, synced in every mode → installed at the hand-out point: notes become marks of newer
 * memtables, the memtable (or one owner's rows in it) goes → metadata linked, log released.
 *
 * Failure before the commit record: the files are removed or left to the sweep, the memtable stays,
 * the job tries again. After it only the log decides: if its write fails the log is poisoned and
 * recovery finds out. */
#include <stdlib.h>

#include "engine/flush_int.h"

enum {
    OWNER_FLUSH_SEALED_MAX = 4, /* with so many sealed memtables one owner's flush becomes whole */
    NOTES_STEP = 1000,
};

/* ---- which records ---- */

static const SealedEntry *entry_of(const Flush *flush)
{
    return super_version_sealed(flush->version, flush->memtable->rows);
}

static bool is_wanted(const Flush *flush, const SealedEntry *entry, OwnerId owner)
{
    if (flush->owner != 0 && owner != flush->owner)
        return false;
    if (BROKEN(recheck) && entry == NULL)
        return true;
    return !owner_is_without(entry->without, entry->without_count, owner);
}

static Status owner_range(OwnerId owner, Buffer *from, Buffer *to, Error *error)
{
    if (owner == 0)
        return OK;
    key_put_owner(from, owner);
    key_put_owner(to, owner);
    TRY(buffer_status(from, error));
    TRY(buffer_status(to, error));
    if (!key_after_prefix(to))
        buffer_clear(to);
    return OK;
}

static void collect(Flush *flush, Slice from, Slice to)
{
    const SealedEntry *entry = entry_of(flush);
    MemtableIterator iterator;
    memtable_iterate(flush->memtable->rows, UINT64_MAX, from, to, false, &iterator);
    for (;;) {
        const RecordHeader *record = memtable_next(&iterator);
        if (record == NULL)
            return;
        if (record->kind == RECORD_PUT && record->updated_us > flush->expired_us &&
            is_wanted(flush, entry, record->owner))
            flush->records[flush->record_count++] = record;
    }
}

static Status collect_records(Flush *flush, Error *error)
{
    Buffer from;
    Buffer to;
    MemtableUsage usage;
    memtable_usage(flush->memtable->rows, &usage);
    flush->records = memory_allocate_zeroed((size_t)usage.keys + 1, sizeof(RecordHeader *));
    if (flush->records == NULL)
        return error_out_of_memory(error);
    buffer_open(&from, 0);
    buffer_open(&to, 0);
    Status status = owner_range(flush->owner, &from, &to, error);
    if (status == OK)
        collect(flush, buffer_slice(&from), buffer_slice(&to));
    buffer_close(&from);
    buffer_close(&to);
    return status;
}

/* ---- files ---- */

Status flush_report(const Flush *flush, size_t done, Error *error)
{
    const SettleRequest *request = flush->request;
    if (request->progress == NULL)
        return OK;
    double part = flush->record_count == 0 ? 1 : (double)done / (double)flush->record_count;
    return request->progress(request->context, part * 0.9, error);
}

/* Keys begin with the owner, so each owner's records stand together. */
static Status write_files(Flush *flush, Error *error)
{
    Arena arena;
    RowBlockView *blocks;
    size_t block_count;
    Schema *schema = memtable_schema(flush->memtable->rows);
    Status status = OK;
    arena_open(&arena, 0);
    GO(memtable_blocks(flush->memtable->rows, &arena, &blocks, &block_count, error));
    for (size_t from = 0; from < flush->record_count;) {
        OwnerId owner = flush->records[from]->owner;
        size_t to = from + 1;
        while (to < flush->record_count && flush->records[to]->owner == owner)
            to++;
        GO(new_files_write(&flush->files, schema, owner, flush->records + from, to - from, blocks,
                           block_count, error));
        if (from == 0)
            GO(FAULT(flush->engine->env, flush_mid_write, error));
        GO(flush_report(flush, to, error));
        env_yield(flush->engine->env, "data file written");
        from = to;
    }
    GO(new_files_finish(&flush->files, error));
done:
    arena_close(&arena);
    return status;
}

/* Where each record went: readers of notes and the sequencer follow it. */
static Status settle_records(Flush *flush, Error *error)
{
    TableMemtable *memtable = flush->memtable;
    size_t count = memtable->settled_file_count + flush->files.file_count;
    uint64_t *ids = memory_allocate((count + 1) * sizeof(uint64_t));
    if (ids == NULL)
        return error_out_of_memory(error);
    mutex_lock(&flush->engine->sequencer);
    uint64_t *old = memtable->settled_files;
    size_t first = memtable->settled_file_count;
    if (first > 0)
        memcpy(ids, old, first * sizeof(uint64_t));
    for (size_t i = 0; i < flush->files.file_count; i++)
        ids[first + i] = flush->files.files[i]->id;
    memtable->settled_files = ids;
    memtable->settled_file_count = count;
    mutex_unlock(&flush->engine->sequencer);
    memory_free(old);
    size_t at = 0;
    for (size_t i = 0; i < flush->files.file_count; i++) {
        uint64_t number = (uint64_t)(first + i + 1) << 32;
        for (uint64_t row = 0; row < flush->files.files[i]->row_count; row++, at++) {
            RecordHeader *record = (RecordHeader *)(uintptr_t)flush->records[at];
            atomic_store_explicit(&record->settled, number | row, memory_order_release);
        }
    }
    ASSERT(at == flush->record_count);
    return OK;
}

/* ---- deletes ---- */

static int compare_marks(const void *a, const void *b)
{
    const Mark *x = a;
    const Mark *y = b;
    if (x->file_id != y->file_id)
        return x->file_id < y->file_id ? -1 : 1;
    return x->position < y->position ? -1 : x->position > y->position;
}

/* A mark on a file that a compaction replaced has a twin on the output. */
static bool becomes_delete(const Flush *flush, const SealedEntry *entry, const ColdVersion *cold,
                           const Mark *mark)
{
    if (!is_wanted(flush, entry, mark->owner) && !BROKEN(user_marks))
        return false;
    const StreamVersion *stream = flush->version->stream;
    if (stream != NULL) {
        const StreamFile *file = stream_version_find_file(stream, mark->file_id);
        return file != NULL && !stream_version_is_deleted(file, mark->position);
    }
    size_t count = cold_version_file_count(cold);
    for (size_t i = 0; i < count; i++) {
        if (cold_version_file(cold, i)->id == mark->file_id)
            return !cold_version_is_deleted(cold, i, mark->position);
    }
    return false;
}

static Status take_marks(Flush *flush, Error *error)
{
    Marks *marks = memtable_marks(flush->memtable->rows);
    const SealedEntry *entry = entry_of(flush);
    size_t count = marks_count(marks);
    flush->marks = memory_allocate_zeroed(count + 1, sizeof(Mark));
    flush->positions = memory_allocate_zeroed(count + 1, sizeof(uint32_t));
    flush->deletes = memory_allocate_zeroed(count + 1, sizeof(ColdDeletes));
    if (flush->marks == NULL || flush->positions == NULL || flush->deletes == NULL)
        return error_out_of_memory(error);
    marks_copy(marks, 0, count, flush->marks);
    for (size_t i = 0; i < count; i++) {
        if (becomes_delete(flush, entry, flush->version->cold, &flush->marks[i]))
            flush->marks[flush->mark_count++] = flush->marks[i];
    }
    qsort(flush->marks, flush->mark_count, sizeof(Mark), compare_marks);
    for (size_t i = 0; i < flush->mark_count; i++) {
        bool is_new = i == 0 || flush->marks[i].file_id != flush->marks[i - 1].file_id;
        flush->positions[i] = flush->marks[i].position;
        if (is_new)
            flush->deletes[flush->delete_count++] =
                (ColdDeletes){flush->marks[i].file_id, &flush->positions[i], 0};
        flush->deletes[flush->delete_count - 1].count++;
    }
    return OK;
}

/* ---- the next versions ---- */

static Status prepare_cold(Flush *flush, Error *error)
{
    ColdVersion *base = flush->version->cold;
    if (flush->version->stream != NULL)
        TRY(flush_stream_prepare(flush, error));
    if ((flush->files.file_count == 0 && flush->delete_count == 0) ||
        flush->version->stream != NULL) {
        flush->cold = cold_version_clone(base); /* what was written here was deleted here */
        return OK;
    }
    EngineTable *table = flush->table;
    MemtableUsage usage;
    TablePolicy policy;
    memtable_usage(flush->memtable->rows, &usage);
    engine_table_policy(table, &policy);
    ColdChange change = {
        .operation = COLD_APPEND,
        .schema = flush->version->schema,
        .added = flush->files.files,
        .added_count = flush->files.file_count,
        .added_index = flush->files.index,
        .deletes = flush->deletes,
        .delete_count = flush->delete_count,
        .file_sequence = flush->files.file_sequence,
        .job_id = flush->request->job_id,
        .first_seq = usage.first_seq,
        .last_seq = flush->memtable->hi,
        .added_are_synced = true,
        .snapshots_max = flush->engine->options.snapshots_max,
        .snapshots_after_us = env_wall_us(flush->engine->env) - policy.snapshot_retention_us,
    };
    return cold_version_prepare(table->cold_table, base, &change, &flush->cold, error);
}

/* In order: the worker process looks owners up by halves. */
static void add_owner(const SealedEntry *entry, OwnerId owner, OwnerId *out)
{
    size_t n = 0;
    for (; n < entry->without_count && entry->without[n] < owner; n++)
        out[n] = entry->without[n];
    out[n] = owner;
    for (; n < entry->without_count; n++)
        out[n + 1] = entry->without[n];
}

/* The sealed entries without this memtable, or with one more owner out of it. */
static Status next_super_version(Flush *flush, Error *error)
{
    const SuperVersion *version = flush->version;
    size_t count = 0;
    OwnerId *without = NULL;
    SealedEntry *entries = memory_allocate_zeroed(version->sealed_count + 1, sizeof(SealedEntry));
    Status status = entries == NULL ? error_out_of_memory(error) : OK;
    for (size_t i = 0; status == OK && i < version->sealed_count; i++) {
        SealedEntry entry = version->sealed[i];
        if (entry.memtable == flush->memtable) {
            if (flush->owner == 0)
                continue;
            if (BROKEN(gone)) {
                entries[count++] = entry;
                continue;
            }
            without = memory_allocate_zeroed(entry.without_count + 1, sizeof(OwnerId));
            if (without == NULL) {
                status = error_out_of_memory(error);
                break;
            }
            add_owner(&entry, flush->owner, without);
            entry.without = without;
            entry.without_count++;
        }
        entries[count++] = entry;
    }
    if (status == OK)
        status = super_version_create(flush->table, version->schema, version->active, entries,
                                      count, flush->cold, flush->stream, &flush->next, error);
    memory_free(without);
    memory_free(entries);
    return status;
}

/* ---- the commit ---- */

/* Most notes become marks before, a few at a time; what comes while the record is on its way does
 * in the install. */
static Status pass_notes(Flush *flush, Error *error)
{
    TableMemtable *memtable = flush->memtable;
    Status status = OK;
    for (bool more = true; more && status == OK;) {
        mutex_lock(&flush->engine->sequencer);
        size_t upto = memtable->superseded_count;
        if (upto > flush->notes_done + NOTES_STEP)
            upto = flush->notes_done + NOTES_STEP;
        status = superseded_reserve(memtable, flush->notes_done, upto, error);
        if (status == OK)
            superseded_to_marks(memtable, flush->owner, flush->notes_done, upto);
        more = upto - flush->notes_done == NOTES_STEP;
        flush->notes_done = upto;
        mutex_unlock(&flush->engine->sequencer);
        env_yield(flush->engine->env, "notes passed");
    }
    return status;
}

static void install_flush(Install *install)
{
    Flush *flush = install->context;
    TableMemtable *memtable = flush->memtable;
    superseded_to_marks(memtable, flush->owner, flush->notes_done, memtable->superseded_count);
    ASSERT(flush->table->current == flush->version || BROKEN(cold_lock) || flush->next == NULL);
    if (flush->next == NULL)
        return; /* installed before, by a breakage */
    flush->old = table_install(flush->table, flush->next);
    flush->next = NULL;
}

/* A breakage. */
static void swap_now(Flush *flush)
{
    mutex_lock(&flush->engine->sequencer);
    mutex_lock(&flush->engine->root);
    install_flush(&flush->install);
    mutex_unlock(&flush->engine->root);
    mutex_unlock(&flush->engine->sequencer);
}

static Status publish(Flush *flush, Error *error)
{
    uint32_t foreign = 0;
    if (flush->stream != NULL && flush->stream != flush->version->stream)
        stream_remove_manifest(flush->table, stream_version_manifest(flush->version->stream));
    if (flush->cold == flush->version->cold)
        return OK;
    TRY(FAULT(flush->engine->env, flush_after_install, error));
    Status status = cold_version_publish(flush->table->cold_table, flush->cold, &foreign, error);
    atomic_fetch_add(&flush->engine->foreign_metadata, foreign);
    return status;
}

static Status commit(Flush *flush, bool *appended, Error *error)
{
    ColdRecord record = {.table_id = flush->table->id,
                         .kind = COLD_RECORD_FLUSH,
                         .owner = flush->owner,
                         .hi = flush->memtable->hi};
    record.metadata_path =
        slice_of_text(flush->stream != NULL ? stream_version_manifest(flush->stream)
                                            : cold_version_metadata_path(flush->cold));
    flush->install = (Install){.run = install_flush, .context = flush};
    TRY(pass_notes(flush, error));
    if (BROKEN(swap_before_commit))
        swap_now(flush);
    TRY(FAULT(flush->engine->env, flush_before_commit, error));
    TRY(cold_commit(flush->table, &record, &flush->install, NULL, NULL, appended, error));
    return FAULT(flush->engine->env, flush_after_commit, error);
}

/* Is the memtable still there, with this owner's rows in it? (Its table may have been dropped or
 * truncated, meanwhile.) Under the cold lock. */
static bool is_still_current(Flush *flush)
{
    const SealedEntry *entry = super_version_sealed(flush->version, flush->memtable->rows);
    if (BROKEN(recheck))
        return true;
    if (entry == NULL || table_is_dropped(flush->table))
        return false;
    return flush->owner == 0 ||
           !owner_is_without(entry->without, entry->without_count, flush->owner);
}

static Status under_cold_lock(Flush *flush, bool *appended, bool *installed, Error *error)
{
    super_version_release(flush->version);
    flush->version = table_current(flush->table);
    if (!is_still_current(flush))
        return OK;
    TRY(take_marks(flush, error));
    TRY(prepare_cold(flush, error));
    TRY(next_super_version(flush, error));
    TRY(flush->stream != NULL ? flush_stream_settle(flush, error) : settle_records(flush, error));
    TRY(commit(flush, appended, error));
    *installed = true;
    Status status = publish(flush, error);
    if (status != OK) /* the rows are settled; outside readers see them with the next commit */
        flush->engine->hooks.background_error(flush->engine->hooks.context, "publish",
                                              flush->table->id, error);
    return OK;
}

/* ---- one memtable ---- */

static void close_flush(Flush *flush, bool appended)
{
    new_files_close(&flush->files, appended);
    super_version_release(flush->version);
    super_version_release(flush->next);
    super_version_release(flush->old);
    table_memtable_release(flush->memtable);
    if (flush->cold != NULL)
        cold_version_release(flush->cold);
    stream_settle_close(flush->settle, appended);
    stream_version_release(flush->stream);
    memory_free(flush->records);
    memory_free(flush->marks);
    memory_free(flush->positions);
    memory_free(flush->deletes);
}

static void add_result(const Flush *flush, SettleResult *out)
{
    for (size_t i = 0; i < flush->files.file_count; i++) {
        const DataFile *file = flush->files.files[i];
        if (out->files == 0) {
            size_t size = strlen(file->path);
            if (size < sizeof out->first_path)
                memcpy(out->first_path, file->path, size + 1);
        }
        out->rows += file->row_count;
        out->bytes += file->size_bytes;
        out->files++;
    }
    if (flush->stream != NULL)
        flush_stream_result(flush, out);
    else
        out->snapshot_id = cold_version_snapshot_id(flush->cold);
    if (out->first_seq == 0)
        out->first_seq = flush->files.file_count > 0 ? flush->files.files[0]->first_seq : 0;
    out->last_seq = flush->memtable->hi;
}

static Status flush_memtable(EngineTable *table, TableMemtable *memtable, OwnerId owner,
                             const SettleRequest *request, SettleResult *out, Error *error)
{
    Flush flush = {.table = table, .engine = table->engine, .request = request, .owner = owner};
    bool appended = false;
    bool installed = false;
    Status status = OK;
    flush.memtable = table_memtable_clone(memtable);
    flush.version = table_current(table);
    flush.expired_us = table_expired_us(table);
    if (!is_still_current(&flush))
        goto done;
    GO(FAULT(table->engine->env, flush_before_write, error));
    GO(new_files_open(table, &flush.files, error));
    GO(collect_records(&flush, error));
    GO(table->kind == TABLE_STREAM ? flush_stream_write(&flush, error)
                                   : write_files(&flush, error));
    if (!BROKEN(cold_lock))
        mutex_lock(&table->cold_lock);
    status = under_cold_lock(&flush, &appended, &installed, error);
    if (!BROKEN(cold_lock))
        mutex_unlock(&table->cold_lock);
    if (installed)
        add_result(&flush, out);
done:
    close_flush(&flush, appended);
    return status;
}

/* ---- the whole ---- */

static bool has_rows_of(const TableMemtable *memtable, OwnerId owner)
{
    Buffer from;
    Buffer to;
    Error ignored;
    MemtableIterator iterator;
    bool has = true; /* where that cannot be told, flushing is right too */
    buffer_open(&from, 0);
    buffer_open(&to, 0);
    if (owner_range(owner, &from, &to, &ignored) == OK) {
        memtable_iterate(memtable->rows, UINT64_MAX, buffer_slice(&from), buffer_slice(&to), false,
                         &iterator);
        has = memtable_next(&iterator) != NULL;
    }
    buffer_close(&from);
    buffer_close(&to);
    return has;
}

/* Seals what is needed; with many sealed memtables one owner's flush becomes everybody's, or their
 * number would grow with every such flush. */
static Status seal_for(EngineTable *table, OwnerId *owner, Error *error)
{
    SuperVersion *version = table_current(table);
    if (*owner != 0 && version->sealed_count >= OWNER_FLUSH_SEALED_MAX)
        *owner = 0;
    bool seals = *owner == 0 || has_rows_of(version->active, *owner);
    super_version_release(version);
    if (!seals)
        return OK;
    TRY(table_seal(table, error));
    return FAULT(table->engine->env, flush_rotate_memtable, error);
}

static Status flush_sealed(EngineTable *table, OwnerId owner, const SettleRequest *request,
                           SettleResult *out, Error *error)
{
    SuperVersion *version = table_current(table);
    Status status = OK;
    for (size_t i = version->sealed_count; i > 0 && status == OK; i--) {
        size_t at = BROKEN(order) ? version->sealed_count - i : i - 1;
        const SealedEntry *entry = &version->sealed[at];
        if (owner != 0 && owner_is_without(entry->without, entry->without_count, owner))
            continue;
        status = flush_memtable(table, entry->memtable, owner, request, out, error);
    }
    super_version_release(version);
    return status;
}

/* Whoever held the mutex before may have handed a commit record to a log that failed: only recovery
 * decides about its files, and window files of STREAM tables are written to again. */
static Status refuse_poisoned(const Engine *engine, Error *error)
{
    return atomic_load(&engine->poisoned) ? error_of(error, STATUS_LOG_POISONED) : OK;
}

Status engine_flush(Engine *engine, EngineTable *table, const SettleRequest *request,
                    SettleResult *out, Error *error)
{
    OwnerId owner = request->owner;
    *out = (SettleResult){.snapshot_id = -1};
    ASSERT(owner == 0 || table->kind == TABLE_USER);
    mutex_lock(&table->flush_mutex);
    Status status = refuse_poisoned(engine, error);
    if (status == OK)
        status = seal_for(table, &owner, error);
    if (status == OK)
        status = flush_sealed(table, owner, request, out, error);
    mutex_unlock(&table->flush_mutex);
    TRY(status);
    TRY(checkpoint_if_due(engine, error));
    engine_release_log(engine);
    TRY(FAULT(engine->env, flush_after_release, error));
    if (engine_wants_compaction(table))
        engine->hooks.compaction_wanted(engine->hooks.context, table->id);
    return OK;
}
