/* Compaction: files merged into fewer, dead rows left behind (design/engine.md §6).
 *
 * The merge reads the rows alive by the deletes committed when it began. Under the cold lock,
 * deletes committed since become deletes of the outputs, the memtables' marks on the inputs are
 * added (never moved: older pins need them) as marks on the outputs, and from the append of the
 * commit record on the sequencer marks both. So when the outputs show, nothing is missing on them.
 */
#include <stdlib.h>

#include "engine/compact_int.h"

enum { MARKS_STEP = 1000, MERGE_GROWS_BY_PART = 4 };

/* ---- where rows went ---- */

static int compare_inputs(const void *a, const void *b)
{
    uint64_t x = ((const CompactionInput *)a)->file_id;
    uint64_t y = ((const CompactionInput *)b)->file_id;
    return x < y ? -1 : x > y;
}

static CompactionInput *find_input(const Compaction *compaction, uint64_t file_id)
{
    CompactionInput wanted = {.file_id = file_id};
    if (compaction->input_count == 0)
        return NULL;
    return bsearch(&wanted, compaction->inputs, compaction->input_count, sizeof wanted,
                   compare_inputs);
}

bool compaction_moved(const Compaction *compaction, uint64_t file_id, uint32_t position,
                      uint64_t *new_file_id, uint32_t *new_position)
{
    const CompactionInput *input = find_input(compaction, file_id);
    if (input == NULL || position >= input->row_count || input->moved[position] == ROW_IS_DEAD)
        return false;
    *new_file_id = input->output_id;
    *new_position = input->moved[position];
    return true;
}

/* ---- beginning ---- */

static size_t number_of(const ColdVersion *cold, uint64_t file_id)
{
    size_t count = cold_version_file_count(cold);
    for (size_t i = 0; i < count; i++) {
        if (cold_version_file(cold, i)->id == file_id)
            return i;
    }
    return SIZE_MAX;
}

static Status add_input(Compaction *compaction, const DataFile *file, Error *error)
{
    CompactionInput *input = &compaction->inputs[compaction->input_count];
    size_t number = number_of(compaction->start->cold, file->id);
    input->file_id = file->id;
    input->row_count = file->row_count;
    input->deleted_before = cold_version_deleted_count(compaction->start->cold, number);
    input->moved = memory_allocate((size_t)(file->row_count + 1) * sizeof(uint32_t));
    if (input->moved == NULL)
        return error_out_of_memory(error);
    for (uint64_t row = 0; row < file->row_count; row++)
        input->moved[row] = ROW_IS_DEAD;
    compaction->input_count++;
    return OK;
}

static Status list_inputs(Compaction *compaction, Error *error)
{
    size_t count = 0;
    const CompactionPlan *plan = &compaction->plan;
    for (size_t g = 0; g < plan->group_count; g++)
        count += plan->groups[g].file_count;
    compaction->inputs = ARENA_ARRAY(&compaction->arena, CompactionInput, count);
    compaction->removed = ARENA_ARRAY(&compaction->arena, uint64_t, count);
    if (compaction->inputs == NULL || compaction->removed == NULL)
        return arena_error(&compaction->arena, error);
    for (size_t g = 0; g < plan->group_count; g++) {
        for (size_t i = 0; i < plan->groups[g].file_count; i++)
            TRY(add_input(compaction, plan->groups[g].files[i], error));
    }
    qsort(compaction->inputs, count, sizeof(CompactionInput), compare_inputs);
    for (size_t i = 0; i < count; i++)
        compaction->removed[i] = compaction->inputs[i].file_id;
    return OK;
}

/* ---- merging ---- */

static Status group_inputs(Compaction *compaction, const CompactionGroup *group,
                           DataFileInput **out, Error *error)
{
    Arena *arena = &compaction->arena;
    DataFileInput *inputs = ARENA_ARRAY(arena, DataFileInput, group->file_count);
    if (inputs == NULL)
        return arena_error(arena, error);
    for (size_t i = 0; i < group->file_count; i++) {
        const DataFile *file = group->files[i];
        uint64_t deletes_id;
        Path path;
        size_t number = number_of(compaction->start->cold, file->id);
        TRY(cold_absolute(compaction->table->cold_table, file->path, &path, error));
        inputs[i].path = arena_text(arena, slice_of_text(path.text));
        if (inputs[i].path == NULL)
            return arena_error(arena, error);
        inputs[i].file_id = file->id;
        inputs[i].row_count = file->row_count;
        inputs[i].dead = cold_version_deletes(compaction->start->cold, number, &deletes_id);
    }
    *out = inputs;
    return OK;
}

static Status note_moves(Compaction *compaction, const CompactionGroup *group,
                         const MergedRow *rows, const DataFile *output, Error *error)
{
    for (uint64_t row = 0; row < output->row_count; row++) {
        const MergedRow *from = &rows[row];
        if (from->input >= group->file_count)
            return error_set(error, STATUS_INTERNAL, "a merge names an input it was not given");
        CompactionInput *input = find_input(compaction, group->files[from->input]->id);
        if (from->position >= input->row_count || input->moved[from->position] != ROW_IS_DEAD)
            return error_set(error, STATUS_INTERNAL, "a merge names a row twice");
        input->moved[from->position] = (uint32_t)row;
        input->output_id = output->id;
    }
    return OK;
}

static Status merge_group(Compaction *compaction, const CompactionGroup *group, Error *error)
{
    DataFileInput *inputs = NULL;
    MergedRow *rows = NULL;
    bool written = false;
    Status status = OK;
    GO(group_inputs(compaction, group, &inputs, error));
    GO(new_files_merge(&compaction->files, compaction->start->schema, group->owner, inputs,
                       group->file_count, group->is_in_order, &rows, &written, error));
    if (written)
        GO(note_moves(compaction, group, rows,
                      compaction->files.files[compaction->files.file_count - 1], error));
done:
    memory_free(rows);
    return status;
}

/* Keys keep their hashes: the outputs' index is made from those of the inputs. */
static Status move_entries(Compaction *compaction, KeyIndex *index, Error *error)
{
    KeyIndexReader reader;
    Status status = OK;
    TRY(key_index_reader_open(index, &reader, error));
    for (;;) {
        KeyIndexEntry entry;
        bool has;
        uint64_t file_id;
        uint32_t position;
        GO(key_index_reader_next(&reader, &entry, &has, error));
        if (!has)
            break;
        file_id = data_file_id(key_index_file_sequence(index), entry.file_ordinal);
        if (!compaction_moved(compaction, file_id, entry.position, &file_id, &position))
            continue;
        KeyIndexEntry moved = {entry.hash, data_file_ordinal(file_id), position};
        GO(new_files_add_entry(&compaction->files, &moved, error));
    }
done:
    key_index_reader_close(&reader);
    return status;
}

static Status make_index_entries(Compaction *compaction, Error *error)
{
    const ColdVersion *cold = compaction->start->cold;
    uint64_t rows = 0;
    for (size_t i = 0; i < cold_version_index_count(cold); i++)
        TRY(move_entries(compaction, cold_version_index(cold, i), error));
    for (size_t i = 0; i < compaction->files.file_count; i++)
        rows += compaction->files.files[i]->row_count;
    if (compaction->files.entry_count != rows)
        return error_set(error, STATUS_DATA_CORRUPTED,
                         "key indexes have %zu entries for %llu rows of a compaction",
                         compaction->files.entry_count, (unsigned long long)rows);
    return OK;
}

static uint64_t group_rows(const CompactionGroup *group)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < group->file_count; i++)
        rows += group->files[i]->row_count;
    return rows;
}

/* The groups from this one on are not part of this compaction any more. */
static void drop_groups(Compaction *compaction, size_t from)
{
    CompactionPlan *plan = &compaction->plan;
    size_t kept = 0;
    for (size_t g = from; g < plan->group_count; g++) {
        for (size_t i = 0; i < plan->groups[g].file_count; i++) {
            CompactionInput *input = find_input(compaction, plan->groups[g].files[i]->id);
            memory_free(input->moved);
            input->moved = NULL;
        }
    }
    for (size_t i = 0; i < compaction->input_count; i++) {
        if (compaction->inputs[i].moved == NULL)
            continue;
        compaction->inputs[kept] = compaction->inputs[i];
        compaction->removed[kept++] = compaction->inputs[i].file_id;
    }
    compaction->input_count = kept;
    plan->group_count = from;
    plan->has_more = true;
}

/* A worker that needed more than it may have says so, or is gone. */
static bool wants_memory(Status status)
{
    return status == STATUS_OUT_OF_MEMORY || status == STATUS_WORKER_FAILED ||
           status == STATUS_DISK_FULL; /* which is also said of its intermediate results */
}

/* Half of what was too much. False where nothing is merged any more: then it is not the size. */
static bool take_less(EngineTable *table, const CompactionGroup *group)
{
    uint64_t rows = group_rows(group);
    if (group->file_count == 1)
        return false;
    atomic_store(&table->merge_rows, rows / 2); /* two files have two rows, at least */
    return true;
}

/* What is merged already is not thrown away for the group that is too large. */
static Status merge_groups(Compaction *compaction, Error *refusal, Error *error)
{
    CompactionPlan *plan = &compaction->plan;
    const SettleRequest *request = compaction->request;
    for (size_t g = 0; g < plan->group_count; g++) {
        Status status = merge_group(compaction, &plan->groups[g], error);
        if (status != OK && wants_memory(status) &&
            take_less(compaction->table, &plan->groups[g])) {
            *refusal = *error;
            drop_groups(compaction, g);
        } else {
            TRY(status);
        }
        env_yield(compaction->engine->env, "merged");
        if (request->progress != NULL)
            TRY(request->progress(request->context,
                                  0.9 * (double)(g + 1) / (double)(plan->group_count + 1), error));
    }
    return OK;
}

static Status merge_all(Compaction *compaction, Error *refusal, Error *error)
{
    TRY(merge_groups(compaction, refusal, error));
    if (compaction->plan.group_count == 0)
        return OK;
    TRY(make_index_entries(compaction, error));
    return new_files_finish(&compaction->files, error);
}

/* ---- what happened meanwhile ---- */

static bool inputs_are_current(const Compaction *compaction)
{
    if (BROKEN(compact_recheck))
        return true;
    for (size_t i = 0; i < compaction->input_count; i++) {
        if (cold_version_find_file(compaction->version->cold, compaction->inputs[i].file_id) ==
            NULL)
            return false;
    }
    return true;
}

static int compare_positions(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Deletes committed on an input since the merge began, as positions of its output. */
static Status late_deletes_of(Compaction *compaction, const CompactionInput *input,
                              uint32_t *positions, size_t *count)
{
    const ColdVersion *cold = compaction->version->cold;
    size_t number = number_of(cold, input->file_id);
    if (BROKEN(compact_deletes) ||
        cold_version_deleted_count(cold, number) == input->deleted_before)
        return OK;
    for (uint64_t row = 0; row < input->row_count; row++) {
        if (input->moved[row] != ROW_IS_DEAD &&
            cold_version_is_deleted(cold, number, (uint32_t)row))
            positions[(*count)++] = input->moved[row];
    }
    return OK;
}

static uint64_t late_delete_count(const Compaction *compaction)
{
    if (BROKEN(compact_deletes))
        return 0;
    const ColdVersion *cold = compaction->version->cold;
    uint64_t count = 0;
    for (size_t i = 0; i < compaction->input_count; i++) {
        const CompactionInput *input = &compaction->inputs[i];
        count += cold_version_deleted_count(cold, number_of(cold, input->file_id)) -
                 input->deleted_before;
    }
    return count;
}

static Status late_deletes(Compaction *compaction, Error *error)
{
    Arena *arena = &compaction->arena;
    size_t count = 0;
    uint32_t *positions = ARENA_ARRAY(arena, uint32_t, late_delete_count(compaction));
    compaction->deletes = ARENA_ARRAY(arena, ColdDeletes, compaction->files.file_count);
    if (positions == NULL || compaction->deletes == NULL)
        return arena_error(arena, error);
    for (size_t f = 0; f < compaction->files.file_count; f++) {
        uint64_t output = compaction->files.files[f]->id;
        size_t first = count;
        for (size_t i = 0; i < compaction->input_count; i++) {
            if (compaction->inputs[i].output_id == output)
                TRY(late_deletes_of(compaction, &compaction->inputs[i], positions, &count));
        }
        if (count == first)
            continue;
        qsort(positions + first, count - first, sizeof(uint32_t), compare_positions);
        compaction->deletes[compaction->delete_count++] =
            (ColdDeletes){output, positions + first, count - first};
    }
    return OK;
}

/* ---- marks ---- */

/* Adds twins for the marks numbered [from, upto) of a memtable. Under the sequencer, because only
 * there is room made and kept. */
static Status twin_marks(Compaction *compaction, TableMemtable *memtable, size_t from, size_t upto,
                         Error *error)
{
    Marks *marks = memtable_marks(memtable->rows);
    Mark step[MARKS_STEP];
    ASSERT(upto - from <= MARKS_STEP);
    if (BROKEN(compact_marks))
        return OK;
    TRY(marks_reserve(marks, upto - from + memtable->notes_on_it, error));
    marks_copy(marks, from, upto - from, step);
    for (size_t i = 0; i < upto - from; i++) {
        Mark twin = step[i];
        if (compaction_moved(compaction, step[i].file_id, step[i].position, &twin.file_id,
                             &twin.position))
            marks_add(marks, &twin);
    }
    return OK;
}

static TableMemtable *memtable_number(const SuperVersion *version, size_t i)
{
    return i == 0 ? version->active : version->sealed[i - 1].memtable;
}

/* Twins come at the end of the list and are passed over quickly: they are on no input. */
static Status twin_step(Compaction *compaction, size_t number, bool *more, Error *error)
{
    TableMemtable *memtable = memtable_number(compaction->version, number);
    size_t from = compaction->marks_done[number];
    size_t upto = marks_count(memtable_marks(memtable->rows));
    *more = upto - from > MARKS_STEP;
    if (*more)
        upto = from + MARKS_STEP;
    TRY(twin_marks(compaction, memtable, from, upto, error));
    compaction->marks_done[number] = upto;
    return OK;
}

static Status twin_most_marks(Compaction *compaction, Error *error)
{
    const SuperVersion *version = compaction->version;
    compaction->marks_done = ARENA_ARRAY(&compaction->arena, size_t, version->sealed_count + 1);
    if (compaction->marks_done == NULL)
        return arena_error(&compaction->arena, error);
    for (size_t i = 0; i <= version->sealed_count; i++) {
        for (bool more = true; more;) {
            mutex_lock(&compaction->engine->sequencer);
            Status status = twin_step(compaction, i, &more, error);
            mutex_unlock(&compaction->engine->sequencer);
            env_yield(compaction->engine->env, "marks twinned");
            TRY(status);
        }
    }
    return OK;
}

/* Under the sequencer, just before the record is appended: the last twins; from here on the
 * sequencer makes them. */
static Status before_append(void *context, Error *error)
{
    Compaction *compaction = context;
    for (size_t i = 0; i <= compaction->version->sealed_count; i++) {
        for (bool more = true; more;)
            TRY(twin_step(compaction, i, &more, error));
    }
    compaction->table->pending_compaction = compaction;
    return OK;
}

/* ---- the commit ---- */

static Status prepare_cold(Compaction *compaction, Error *error)
{
    EngineTable *table = compaction->table;
    TablePolicy policy;
    engine_table_policy(table, &policy);
    ColdChange change = {
        .operation = COLD_REPLACE,
        .schema = compaction->version->schema,
        .added = compaction->files.files,
        .added_count = compaction->files.file_count,
        .added_index = compaction->files.index,
        .removed = compaction->removed,
        .removed_count = compaction->input_count,
        .deletes = compaction->deletes,
        .delete_count = compaction->delete_count,
        .file_sequence = compaction->files.file_sequence,
        .job_id = compaction->request->job_id,
        .added_are_synced = true,
        .snapshots_max = compaction->engine->options.snapshots_max,
        .snapshots_after_us = env_wall_us(compaction->engine->env) - policy.snapshot_retention_us,
    };
    TRY(cold_version_prepare(table->cold_table, compaction->version->cold, &change,
                             &compaction->cold, error));
    const SuperVersion *version = compaction->version;
    return super_version_create(table, version->schema, version->active, version->sealed,
                                version->sealed_count, compaction->cold, version->stream,
                                &compaction->next, error);
}

static void install_compaction(Install *install)
{
    Compaction *compaction = install->context;
    EngineTable *table = compaction->table;
    ASSERT(table->current == compaction->version || BROKEN(cold_lock));
    compaction->old = table_install(table, compaction->next);
    compaction->next = NULL;
    table->pending_compaction = NULL;
    table->compaction_wanted = false;
}

static void forget_pending(Compaction *compaction)
{
    mutex_lock(&compaction->engine->sequencer);
    if (compaction->table->pending_compaction == compaction)
        compaction->table->pending_compaction = NULL;
    mutex_unlock(&compaction->engine->sequencer);
}

static Status publish(Compaction *compaction, Error *error)
{
    uint32_t foreign = 0;
    Status status =
        cold_version_publish(compaction->table->cold_table, compaction->cold, &foreign, error);
    atomic_fetch_add(&compaction->engine->foreign_metadata, foreign);
    return status;
}

static Status under_cold_lock(Compaction *compaction, bool *appended, bool *installed, Error *error)
{
    compaction->version = table_current(compaction->table);
    if (!inputs_are_current(compaction) || table_is_dropped(compaction->table) ||
        compaction->version->schema->version != compaction->start->schema->version)
        return OK;
    TRY(late_deletes(compaction, error));
    TRY(prepare_cold(compaction, error));
    TRY(twin_most_marks(compaction, error));
    TRY(FAULT(compaction->engine->env, compaction_commit, error));
    ColdRecord record = {.table_id = compaction->table->id, .kind = COLD_RECORD_COMPACTION};
    record.metadata_path = slice_of_text(cold_version_metadata_path(compaction->cold));
    compaction->install = (Install){.run = install_compaction, .context = compaction};
    Status status = cold_commit(compaction->table, &record, &compaction->install, before_append,
                                compaction, appended, error);
    if (status != OK) {
        forget_pending(compaction);
        return status;
    }
    *installed = true;
    if (publish(compaction, error) != OK) /* the next commit links it */
        compaction->engine->hooks.background_error(compaction->engine->hooks.context, "publish",
                                                   compaction->table->id, error);
    return OK;
}

static void close_compaction(Compaction *compaction, bool appended)
{
    new_files_close(&compaction->files, appended);
    for (size_t i = 0; i < compaction->input_count; i++)
        memory_free(compaction->inputs[i].moved);
    super_version_release(compaction->start);
    super_version_release(compaction->version);
    super_version_release(compaction->next);
    super_version_release(compaction->old);
    if (compaction->cold != NULL)
        cold_version_release(compaction->cold);
    arena_close(&compaction->arena);
}

static void take_result(const Compaction *compaction, SettleResult *out)
{
    for (size_t i = 0; i < compaction->files.file_count; i++) {
        out->rows += compaction->files.files[i]->row_count;
        out->bytes += compaction->files.files[i]->size_bytes;
        out->files++;
    }
    out->files_removed += compaction->input_count;
    out->snapshot_id = cold_version_snapshot_id(compaction->cold);
}

static Status compact_once(EngineTable *table, const SettleRequest *request,
                           const CompactionWish *wish, SettleResult *out, bool *done,
                           Error *refusal, Error *error)
{
    Compaction compaction = {.table = table, .engine = table->engine, .request = request};
    bool appended = false;
    bool installed = false;
    Status status = OK;
    arena_open(&compaction.arena, 0);
    compaction.start = table_current(table);
    *done = true;
    GO(compaction_pick(compaction.start->cold, wish, &compaction.arena, &compaction.plan, error));
    if (compaction.plan.group_count == 0)
        goto done;
    GO(list_inputs(&compaction, error));
    GO(new_files_open(table, &compaction.files, error));
    GO(merge_all(&compaction, refusal, error));
    *done = !compaction.plan.has_more;
    if (compaction.plan.group_count == 0)
        goto done;
    if (!BROKEN(cold_lock))
        mutex_lock(&table->cold_lock);
    status = under_cold_lock(&compaction, &appended, &installed, error);
    if (!BROKEN(cold_lock))
        mutex_unlock(&table->cold_lock);
    if (installed)
        take_result(&compaction, out);
    *done |= !installed;
done:
    close_compaction(&compaction, appended);
    return status;
}

uint64_t table_merge_rows(EngineTable *table)
{
    uint64_t rows = atomic_load(&table->merge_rows);
    return rows == 0 ? COMPACTION_ROWS_MAX : rows;
}

void table_merge_more(EngineTable *table, uint32_t part)
{
    uint64_t rows = table_merge_rows(table);
    rows += rows / part + 1;
    atomic_store(&table->merge_rows, rows < COMPACTION_ROWS_MAX ? rows : 0);
}

/* Where not even the smallest merge found its memory, that is told; else what was done is. */
Status engine_compact(Engine *engine, EngineTable *table, const SettleRequest *request,
                      bool everything, SettleResult *out, Error *error)
{
    CompactionWish wish = {.owner = request->owner, .everything = everything};
    Error refusal;
    bool done = false;
    error_clear(&refusal);
    *out = (SettleResult){.snapshot_id = -1};
    if (table->kind == TABLE_STREAM)
        return OK;
    wish.before = engine_next_id(engine);
    while (!done) {
        engine_table_policy(table, &wish.policy);
        wish.rows_max = table_merge_rows(table);
        TRY(compact_once(table, request, &wish, out, &done, &refusal, error));
    }
    table_merge_more(table, MERGE_GROWS_BY_PART);
    if (refusal.status != OK && out->files_removed == 0) {
        *error = refusal;
        return refusal.status;
    }
    return checkpoint_if_due(engine, error);
}
