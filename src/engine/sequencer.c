/* The sequencer: one short critical section, the only place that gives order. Everything is checked
 * and reserved first; from the first sequence on nothing can fail. */
#include <endian.h>

#include "engine/engine_int.h"

enum {
    CEILING_SEQUENCES = 1 << 20,
    CEILING_IDS = 1 << 16,
    CEILING_BYTES = 16,
};

uint64_t sequencer_next(Engine *engine)
{
    ASSERT(engine->head < engine->seq_ceiling);
    return ++engine->head;
}

/* Ids may run ahead of the ceiling while nothing can be logged (statements that fail, a full disk):
 * whatever makes one of them last is a record, and a ceiling goes before it. */
uint64_t engine_next_id(Engine *engine)
{
    return atomic_fetch_add(&engine->next_id, 1);
}

/* One frame more for a ceiling, and a seq for it. */
Status sequencer_reserve(Engine *engine, size_t frames, size_t bytes, bool for_commit, Error *error)
{
    if (atomic_load(&engine->poisoned))
        return error_of(error, STATUS_LOG_POISONED);
    return log_reserve(engine->log, frames + 1, bytes + CEILING_BYTES, for_commit, error);
}

static bool ceiling_is_due(Engine *engine, size_t sequences)
{
    uint64_t ids = atomic_load(&engine->next_id) + CEILING_IDS / 2;
    return engine->head + sequences + CEILING_SEQUENCES / 2 > engine->seq_ceiling ||
           ids > atomic_load(&engine->id_ceiling);
}

/* The record is in the same group as, or in one before, the first sequence above the old ceiling,
 * and its group is synced in every mode: no number above a durable ceiling is ever seen. */
void sequencer_prepare(Engine *engine, size_t sequences)
{
    if (!ceiling_is_due(engine, sequences))
        return;
    uint64_t seq = ++engine->head;
    uint64_t ids = atomic_load(&engine->next_id) + CEILING_IDS;
    engine->seq_ceiling = seq + sequences + CEILING_SEQUENCES;
    uint64_t payload[2] = {htole64(engine->seq_ceiling), htole64(ids)};
    Slice part = slice_of(payload, sizeof payload);
    (void)log_append(engine->log, FRAME_CEILING, LOG_FRAME_COMMIT, seq, 0, &part, 1);
    log_require_sync(engine->log);
    atomic_store(&engine->id_ceiling, ids);
}

Status engine_take_sequences(Engine *engine, uint64_t count, uint64_t *first, Error *error)
{
    mutex_lock(&engine->sequencer);
    Status status = sequencer_reserve(engine, 1, 0, false, error);
    if (status == OK) {
        sequencer_prepare(engine, (size_t)count);
        *first = engine->head + 1;
        engine->head += count;
    }
    mutex_unlock(&engine->sequencer);
    return status;
}

void sequencer_add_waiter(Engine *engine, CommitWaiter *waiter)
{
    waiter->next = NULL;
    waiter->appended_ns = env_monotonic_ns(engine->env);
    *engine->waiters_end = waiter;
    engine->waiters_end = &waiter->next;
}

/* ---- where the replaced rows stand now ---- */

static Status moved(Error *error)
{
    return error_set(error, STATUS_WOULD_BLOCK, "a compaction moved the row: look again");
}

/* A memtable that was flushed since: the row is in a file, which a compaction may have replaced. */
static Status follow_flush(const BatchTable *table, BatchOperation *op, Error *error)
{
    RowLocation *old = &op->operation.old;
    const SealedEntry *entry = super_version_sealed(table->version, old->memtable);
    const TableMemtable *memtable = entry == NULL ? table->version->active : entry->memtable;
    uint64_t settled = atomic_load(&old->record->settled);
    ASSERT(memtable->rows == old->memtable);
    if (settled == 0)
        return moved(error);
    uint64_t number = (settled >> 32) - 1;
    ASSERT(number < memtable->settled_file_count);
    old->place = ROW_IN_FILE;
    old->file_id = memtable->settled_files[number];
    old->position = (uint32_t)settled;
    return OK;
}

static Status resolve_memory(const BatchTable *table, BatchOperation *op, Error *error)
{
    const SuperVersion *current = table->table->current;
    const RowLocation *old = &op->operation.old;
    if (old->memtable == current->active->rows)
        return OK;
    const SealedEntry *entry = super_version_sealed(current, old->memtable);
    bool is_there = entry != NULL &&
                    !owner_is_without(entry->without, entry->without_count, op->operation.owner);
    if (is_there) {
        op->supersedes = entry->memtable;
        return OK;
    }
    return follow_flush(table, op, error);
}

static bool has_file(const SuperVersion *version, uint64_t file_id)
{
    if (version->stream != NULL)
        return stream_version_find_file(version->stream, file_id) != NULL;
    return cold_version_find_file(version->cold, file_id) != NULL;
}

static Status resolve(const BatchTable *table, BatchOperation *op, Error *error)
{
    op->supersedes = NULL;
    if (op->operation.old.place == ROW_IN_MEMORY)
        TRY(resolve_memory(table, op, error));
    if (op->operation.old.place == ROW_IN_FILE &&
        !has_file(table->table->current, op->operation.old.file_id))
        return moved(error);
    return OK;
}

static Status check_tables(const BatchTable *tables, size_t count, Error *error)
{
    if (BROKEN(schema_check))
        return OK;
    for (size_t i = 0; i < count; i++) {
        const EngineTable *table = tables[i].table;
        if (table->dropped || table->schema_version != tables[i].schema_version)
            return error_of(error, STATUS_SCHEMA_CHANGED);
    }
    return OK;
}

/* ---- reserving ---- */

static Status reserve_superseded(TableMemtable *memtable, size_t more, Error *error)
{
    size_t wanted = memtable->superseded_count + more;
    if (wanted <= memtable->superseded_capacity)
        return OK;
    size_t capacity = memtable->superseded_capacity * 2;
    if (capacity < wanted)
        capacity = wanted + 16;
    Superseded *list = memory_resize(memtable->superseded, capacity * sizeof(Superseded));
    if (list == NULL)
        return error_out_of_memory(error);
    memtable->superseded = list;
    memtable->superseded_capacity = capacity;
    return OK;
}

typedef struct Needs {
    size_t rows;
    size_t bytes;
    size_t bytes_largest;
    size_t marks;
    size_t notes;
} Needs;

static Status count_needs(size_t table, BatchOperation *operations, size_t count, Needs *needs,
                          Error *error)
{
    *needs = (Needs){0};
    for (size_t i = 0; i < count; i++) {
        const BatchOperation *op = &operations[i];
        if (op->operation.table != table)
            continue;
        size_t size = record_size(op->operation.key.size, op->operation.row.size);
        needs->rows++;
        needs->bytes += size;
        needs->bytes_largest = size > needs->bytes_largest ? size : needs->bytes_largest;
        /* Two: one more on the output of a compaction that is being committed. */
        needs->marks += op->operation.old.place == ROW_IN_FILE ? 2 : 0;
        needs->notes += op->supersedes != NULL;
        if (op->supersedes != NULL)
            TRY(reserve_superseded(op->supersedes, count, error));
    }
    return OK;
}

static Status reserve_tables(const BatchTable *tables, size_t table_count,
                             BatchOperation *operations, size_t count, Error *error)
{
    for (size_t i = 0; i < table_count; i++) {
        Needs needs;
        TableMemtable *active = tables[i].table->current->active;
        TRY(count_needs(i, operations, count, &needs, error));
        if (needs.rows == 0)
            continue;
        TRY(memtable_reserve(active->rows, needs.rows, needs.bytes, needs.bytes_largest, error));
        size_t marks = needs.marks + needs.notes + active->notes_on_it;
        if (marks > 0)
            TRY(marks_reserve(memtable_marks(active->rows), marks, error));
    }
    return OK;
}

static Status check_and_reserve(Engine *engine, BatchTable *tables, size_t table_count,
                                BatchOperation *operations, size_t count, Error *error)
{
    size_t bytes = 0;
    TRY(check_tables(tables, table_count, error));
    for (size_t i = 0; i < count; i++) {
        if (!BROKEN(resolve))
            TRY(resolve(&tables[operations[i].operation.table], &operations[i], error));
        bytes += sizeof(uint64_t) + operations[i].body.size;
    }
    TRY(reserve_tables(tables, table_count, operations, count, error));
    return sequencer_reserve(engine, count, bytes, false, error);
}

/* ---- applying ---- */

static void mark_file(const EngineTable *table, TableMemtable *active, const BatchOperation *op,
                      uint64_t seq)
{
    const RowLocation *old = &op->operation.old;
    Mark mark = {old->file_id, seq, old->position, op->operation.owner};
    marks_add(memtable_marks(active->rows), &mark);
    if (table->pending_compaction != NULL && !BROKEN(compact_pending) &&
        compaction_moved(table->pending_compaction, old->file_id, old->position, &mark.file_id,
                         &mark.position))
        marks_add(memtable_marks(active->rows), &mark);
}

/* The row that stood there, if it is not in the memtable that takes the new one. */
static void replace_old(const EngineTable *table, TableMemtable *active, const BatchOperation *op,
                        uint64_t seq)
{
    const RowLocation *old = &op->operation.old;
    if (op->supersedes != NULL) {
        RecordHeader *record = (RecordHeader *)(uintptr_t)old->record;
        TableMemtable *sealed = op->supersedes;
        atomic_store_explicit(&record->replaced_by, seq, memory_order_release);
        sealed->superseded[sealed->superseded_count++] = (Superseded){record, seq, active};
        active->notes_on_it++;
    } else if (old->place == ROW_IN_FILE) {
        mark_file(table, active, op, seq);
    }
}

static void apply(Engine *engine, const EngineTable *table, const BatchOperation *op, uint64_t seq,
                  int64_t updated_us, LogPosition position)
{
    TableMemtable *active = table->current->active;
    RecordHeader header = {.seq = seq, .updated_us = updated_us, .owner = op->operation.owner};
    header.kind = op->operation.kind == WRITE_PUT ? RECORD_PUT : RECORD_DELETE;
    header.key_size = (uint16_t)op->operation.key.size;
    header.row_size = (uint32_t)op->operation.row.size;
    (void)memtable_put(active->rows, &header, op->operation.key, op->operation.row);
    replace_old(table, active, op, seq);
    active->hi = seq;
    active->operations++;
    if (position < active->first_position)
        active->first_position = position;
    if (position < engine->oldest_unsettled)
        engine->oldest_unsettled = position;
    if (active->first_put_ns == 0)
        active->first_put_ns = env_monotonic_ns(engine->env);
}

static void append_and_apply(Engine *engine, const BatchTable *tables, BatchOperation *operations,
                             size_t count, CommitResult *result)
{
    LogPosition position = log_appended(engine->log);
    uint64_t transaction = count > 1 ? ++engine->next_transaction : 0;
    result->updated_us = env_wall_us(engine->env);
    uint64_t wall = htole64((uint64_t)result->updated_us);
    for (size_t i = 0; i < count; i++) {
        const BatchOperation *op = &operations[i];
        const EngineTable *table = tables[op->operation.table].table;
        uint8_t flags = i + 1 == count ? LOG_FRAME_COMMIT : 0;
        uint64_t seq = sequencer_next(engine);
        Slice parts[2] = {slice_of(&wall, sizeof wall), op->body};
        (void)log_append(engine->log, FRAME_ROW, flags, seq, transaction, parts, 2);
        apply(engine, table, op, seq, result->updated_us, position);
        if (i == 0)
            result->first_seq = seq;
        result->last_seq = seq;
    }
}

/* ---- triggers ---- */

/* A memtable may have become smaller, too: marks let go of a map that they have outgrown. The sum
 * wraps and comes out right. */
static void count_memory(Engine *engine, TableMemtable *memtable)
{
    uint64_t bytes = memtable_bytes(memtable->rows);
    atomic_fetch_add(&engine->memory_bytes, bytes - memtable->bytes_counted);
    memtable->bytes_counted = bytes;
}

void sequencer_check_triggers(Engine *engine, EngineTable *table)
{
    TableMemtable *active = table->current->active;
    count_memory(engine, active);
    if (active->flush_wanted || engine->options.seals_only_by_command)
        return;
    bool by_rows = active->operations >= (uint64_t)table->policy.flush_rows;
    bool by_bytes = memtable_filled_bytes(active->rows) >= (uint64_t)table->policy.flush_bytes;
    if (!by_rows && !by_bytes)
        return;
    active->flush_wanted = true;
    engine->hooks.flush_wanted(engine->hooks.context, table->id,
                               by_rows ? TRIGGER_ROWS : TRIGGER_BYTES);
}

Status sequence_operations(Engine *engine, BatchTable *tables, size_t table_count,
                           BatchOperation *operations, size_t count, CommitWaiter *waiter,
                           Error *error)
{
    ASSERT(count > 0);
    mutex_lock(&engine->sequencer);
    Status status = check_and_reserve(engine, tables, table_count, operations, count, error);
    if (status == OK) {
        sequencer_prepare(engine, count);
        append_and_apply(engine, tables, operations, count, &waiter->result);
        waiter->seq = waiter->result.last_seq;
        if (!BROKEN(ack_early))
            sequencer_add_waiter(engine, waiter);
        for (size_t i = 0; i < table_count; i++)
            sequencer_check_triggers(engine, tables[i].table);
    }
    mutex_unlock(&engine->sequencer);
    if (status == OK) {
        if (BROKEN(ack_early))
            waiter->callback(waiter->context, OK, &waiter->result);
        log_notify(engine->log);
        pressure_memory_check(engine);
    }
    return status;
}
