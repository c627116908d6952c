/* Table references of a statement, made ready for the engine: one pin for all tables; files pruned
 * by owner, by statistics and by key; deletes and marks as bitmaps; the blocks of the memtables,
 * narrowed to one owner's or one key range's records where that is known.
 *
 * A system table is a hot table of its own: its rows are packed into a piece of shared memory. */
#include <stdlib.h>

#include "execute/execute_int.h"

/* Ids of regions made for one statement: above every row store's. */
#define ONE_OFF_REGION_ID_FIRST ((uint64_t)1 << 62)

enum {
    SYSTEM_ROWS_BYTES_MAX = 256 << 20,
    OFFSETS_MAX = 1 << 20, /* more records than this are scanned and filtered by the worker */
};

/* ---- pruning terms as values ---- */

typedef struct Term {
    uint32_t column;
    CompareOperator comparison;
    Value value;
} Term;

typedef struct Terms {
    Term *terms;
    uint32_t count;
    bool never; /* a term compares with NULL: no row can match */
} Terms;

static Status evaluate_terms(Run *run, const BoundReference *reference, Terms *out, Error *error)
{
    EvaluationContext context = evaluation_of(run, &run->arena);
    *out = (Terms){.terms = ARENA_ARRAY(&run->arena, Term, reference->pruning_count)};
    if (out->terms == NULL)
        return arena_error(&run->arena, error);
    for (uint32_t i = 0; i < reference->pruning_count; i++) {
        const PruningTerm *term = &reference->pruning[i];
        Value value;
        TRY(expression_evaluate(term->value, &context, &value, error));
        out->never |= value.is_null;
        if (!value.is_null)
            out->terms[out->count++] = (Term){term->column, term->comparison, value};
    }
    return OK;
}

/* ---- files ---- */

static const ColumnStatistics *statistics_of(const DataFile *file, uint32_t field_id)
{
    for (uint32_t i = 0; i < file->statistics_count; i++) {
        if (file->statistics[i].field_id == field_id)
            return &file->statistics[i];
    }
    return NULL;
}

/* Could a value within the bounds satisfy the comparison? */
static bool may_match(const Term *term, const ColumnStatistics *statistics)
{
    int low = value_compare(&statistics->lower, &term->value);
    int high = value_compare(&statistics->upper, &term->value);
    switch (term->comparison) {
    case COMPARE_EQUAL:
        return low <= 0 && high >= 0;
    case COMPARE_NOT_EQUAL:
        return low != 0 || high != 0;
    case COMPARE_LESS:
        return low < 0;
    case COMPARE_LESS_OR_EQUAL:
        return low <= 0;
    case COMPARE_GREATER:
        return high > 0;
    case COMPARE_GREATER_OR_EQUAL:
        return high >= 0;
    }
    UNREACHABLE();
}

static bool term_excludes(const Schema *schema, const DataFile *file, const Term *term)
{
    const Column *column = &schema->columns[term->column];
    const ColumnStatistics *statistics = statistics_of(file, column->field_id);
    if (statistics == NULL)
        return false; /* written before the column was there: the default decides */
    if (statistics->null_count == statistics->value_count)
        return true; /* nothing but NULLs */
    if (!statistics->has_bounds)
        return false;
    /* NaN is above every bound that a file can give. */
    if (statistics->may_have_nan && term->comparison >= COMPARE_GREATER)
        return false;
    return !may_match(term, statistics);
}

static bool is_pruned(const Schema *schema, const DataFile *file, const Terms *terms, bool by_owner,
                      OwnerId owner)
{
    if (by_owner && file->owner != owner)
        return true;
    for (uint32_t i = 0; i < terms->count; i++) {
        if (term_excludes(schema, file, &terms->terms[i]))
            return true;
    }
    return terms->never;
}

static Status add_file(Run *run, EngineTable *table, const ColdVersion *cold, size_t number,
                       const FileMarks *marks, QueryFile *out, Error *error)
{
    const DataFile *file = cold_version_file(cold, number);
    Path path;
    uint64_t deletes_id = 0;
    TRY(engine_table_path(table, file->path, &path, error));
    out->path = arena_text(&run->arena, slice_of_text(path.text));
    if (out->path == NULL)
        return arena_error(&run->arena, error);
    out->file_id = file->id;
    out->row_count = file->row_count;
    out->deletes = cold_version_deletes(cold, number, &deletes_id);
    out->deletes_id = out->deletes.size > 0 ? deletes_id : 0;
    if (marks != NULL)
        out->marks = marks->bitmap;
    return OK;
}

static const FileMarks *marks_of(const FileMarks *marks, size_t count, uint64_t file_id)
{
    for (size_t i = 0; i < count; i++) {
        if (marks[i].file_id == file_id)
            return &marks[i];
    }
    return NULL;
}

static Status fill_files(Run *run, OpenReferences *open, size_t table, const Terms *terms,
                         QueryReference *out, Error *error)
{
    const ColdVersion *cold = pin_cold(open->pin, table);
    size_t all = cold_version_file_count(cold);
    FileMarks *marks = NULL;
    size_t mark_count = 0;
    QueryFile *files = ARENA_ARRAY(&run->arena, QueryFile, all);
    if (files == NULL)
        return arena_error(&run->arena, error);
    open->files_considered += all;
    if (all > 0)
        TRY(pin_all_marks(open->pin, table, &run->arena, &marks, &mark_count, error));
    for (size_t i = 0; i < all; i++) {
        const DataFile *file = cold_version_file(cold, i);
        if (is_pruned(out->schema, file, terms, out->has_owner, out->owner)) {
            open->files_pruned++;
            continue;
        }
        TRY(add_file(run, open->tables[table], cold, i, marks_of(marks, mark_count, file->id),
                     &files[out->file_count], error));
        out->file_count++;
    }
    out->files = files;
    return OK;
}

/* ---- hot records ---- */

static const Term *term_on(const Terms *terms, uint32_t column, CompareOperator comparison)
{
    for (uint32_t i = 0; i < terms->count; i++) {
        if (terms->terms[i].column == column && terms->terms[i].comparison == comparison)
            return &terms->terms[i];
    }
    return NULL;
}

/* The range of keys that owner and equalities on the key's leading columns leave; *narrow is false
 * where they leave everything. A value of another kind than the column's is left out: its encoding
 * could differ. */
static Status key_range(Run *run, const Schema *schema, const Terms *terms, bool by_owner,
                        OwnerId owner, Slice *from, Slice *to, bool *narrow, Error *error)
{
    Value values[16];
    uint32_t count = 0;
    Buffer prefix;
    for (; count < schema->key_count && count < 16; count++) {
        uint32_t column = schema->key_columns[count];
        const Term *term = term_on(terms, column, COMPARE_EQUAL);
        if (term == NULL || term->value.kind != schema->columns[column].type.kind)
            break;
        values[count] = term->value;
    }
    bool owns = schema_has_owner(schema);
    *narrow = (owns && by_owner) || (!owns && count > 0);
    if (!*narrow)
        return OK;
    buffer_open(&prefix, 0);
    Status status = OK;
    GO(key_of_values(schema, owner, values, count, &prefix, error));
    GO(arena_clone(&run->arena, buffer_slice(&prefix), from, error));
    *to = SLICE_EMPTY;
    if (key_after_prefix(&prefix))
        GO(arena_clone(&run->arena, buffer_slice(&prefix), to, error));
done:
    buffer_close(&prefix);
    return status;
}

static void fill_block(const RowBlockView *view, QueryBlock *out)
{
    *out = (QueryBlock){.region_id = view->block.region_id,
                        .descriptor = view->block.descriptor,
                        .region_size = view->block.region_size,
                        .region_offset = view->block.region_offset,
                        .published = view->published};
}

typedef struct OffsetWork {
    const RowBlockView *views;
    size_t count;
    uint32_t **offsets; /* by block */
    size_t *used;
    size_t *capacity;
    size_t total;
} OffsetWork;

static size_t block_of(const OffsetWork *work, const RecordHeader *record)
{
    const uint8_t *at = (const uint8_t *)record;
    for (size_t i = 0; i < work->count; i++) {
        const RowBlockView *view = &work->views[i];
        if (at >= view->block.data && at < view->block.data + view->published)
            return i;
    }
    return SIZE_MAX; /* published after the views were taken, so not visible at the pin */
}

static Status add_offset(Run *run, OffsetWork *work, const RecordHeader *record, Error *error)
{
    size_t i = block_of(work, record);
    if (i == SIZE_MAX)
        return OK;
    if (work->used[i] == work->capacity[i]) {
        size_t capacity = work->capacity[i] == 0 ? 64 : work->capacity[i] * 2;
        uint32_t *grown = ARENA_ARRAY(&run->arena, uint32_t, capacity);
        if (grown == NULL)
            return arena_error(&run->arena, error);
        if (work->used[i] > 0)
            memcpy(grown, work->offsets[i], work->used[i] * sizeof(uint32_t));
        work->offsets[i] = grown;
        work->capacity[i] = capacity;
    }
    work->offsets[i][work->used[i]++] =
        (uint32_t)((const uint8_t *)record - work->views[i].block.data);
    work->total++;
    return OK;
}

static int compare_offsets(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The records of a key range, by block. *fits is false where there are too many: then all records
 * are read and filtered. */
static Status narrow_blocks(Run *run, const PinnedMemtable *pinned, uint64_t seq,
                            const HotRange *range, OffsetWork *work, bool *fits, Error *error)
{
    MemtableIterator iterator;
    memtable_iterate(pinned->memtable, seq, range->from, range->to, false, &iterator);
    for (;;) {
        const RecordHeader *record = memtable_next(&iterator);
        if (record == NULL)
            break;
        if (record->kind != RECORD_PUT || record->updated_us <= range->expired_us)
            continue;
        *fits = work->total < OFFSETS_MAX;
        if (!*fits)
            return OK;
        TRY(add_offset(run, work, record, error));
    }
    for (size_t i = 0; i < work->count; i++) {
        if (work->used[i] > 1)
            qsort(work->offsets[i], work->used[i], sizeof(uint32_t), compare_offsets);
    }
    return OK;
}

static Status open_offset_work(Run *run, const RowBlockView *views, size_t count, OffsetWork *out,
                               Error *error)
{
    *out = (OffsetWork){.views = views,
                        .count = count,
                        .offsets = ARENA_ARRAY(&run->arena, uint32_t *, count),
                        .used = ARENA_ARRAY(&run->arena, size_t, count),
                        .capacity = ARENA_ARRAY(&run->arena, size_t, count)};
    if (out->offsets == NULL || out->used == NULL || out->capacity == NULL)
        return arena_error(&run->arena, error);
    return OK;
}

static Status fill_hot(Run *run, OpenReferences *open, const PinnedMemtable *pinned, uint64_t seq,
                       const HotRange *range, QueryHot *out, Error *error)
{
    RowBlockView *views;
    size_t count;
    OffsetWork work = {0};
    bool fits = range->narrow;
    TRY(memtable_blocks(pinned->memtable, &run->arena, &views, &count, error));
    QueryBlock *blocks = ARENA_ARRAY(&run->arena, QueryBlock, count);
    if (blocks == NULL)
        return arena_error(&run->arena, error);
    if (range->narrow) {
        TRY(open_offset_work(run, views, count, &work, error));
        TRY(narrow_blocks(run, pinned, seq, range, &work, &fits, error));
    }
    *out = (QueryHot){.schema = memtable_schema(pinned->memtable),
                      .blocks = blocks,
                      .without = pinned->without,
                      .without_count = pinned->without_count};
    for (size_t i = 0; i < count; i++) {
        if (fits && work.used[i] == 0)
            continue;
        QueryBlock *block = &blocks[out->block_count];
        bool left = true;
        fill_block(&views[i], block);
        if (fits) {
            block->offsets = work.offsets[i];
            block->offset_count = work.used[i];
        } else if (range->expired_us != INT64_MIN) {
            TRY(reference_without_expired(run, &views[i], range->expired_us, block, &left, error));
        }
        out->block_count += left;
    }
    MemtableUsage usage;
    memtable_usage(pinned->memtable, &usage);
    open->hot_rows_offered += fits ? work.total : usage.versions;
    return OK;
}

static Status fill_memtables(Run *run, OpenReferences *open, size_t table, const Terms *terms,
                             QueryReference *out, Error *error)
{
    const PinnedMemtable *pinned;
    size_t count = pin_memtables(open->pin, table, &pinned);
    HotRange range = {.expired_us = pin_expired_us(open->pin, table)};
    size_t hot_max = count + reference_window_schemas(open, table, out);
    QueryHot *hot = ARENA_ARRAY(&run->arena, QueryHot, hot_max);
    if (hot == NULL)
        return arena_error(&run->arena, error);
    out->hot = hot;
    if (terms->never)
        return OK;
    TRY(key_range(run, out->schema, terms, out->has_owner, out->owner, &range.from, &range.to,
                  &range.narrow, error));
    for (size_t i = 0; i < count; i++) {
        QueryHot *next = &hot[out->hot_count];
        TRY(fill_hot(run, open, &pinned[i], out->seq, &range, next, error));
        out->hot_count += next->block_count > 0;
    }
    return reference_add_windows(run, open, table, &range, hot, hot_max, out, error);
}

/* ---- owners' names, for `_user` ---- */

static Status fill_owner_names(Run *run, QueryReference *out, Error *error)
{
    const CatalogUser *const *users;
    size_t count = catalog_users(run->plan->snapshot, &users);
    QueryOwnerName *names = ARENA_ARRAY(&run->arena, QueryOwnerName, count);
    if (names == NULL)
        return arena_error(&run->arena, error);
    for (size_t i = 0; i < count; i++) {
        if (out->has_owner && users[i]->id != out->owner)
            continue;
        names[out->owner_name_count++] = (QueryOwnerName){users[i]->id, users[i]->name};
    }
    out->owner_names = names;
    return OK;
}

/* ---- system tables ---- */

typedef struct SystemRows {
    Run *run;
    const Schema *schema;
    Buffer records; /* whole records, one after the other */
    Buffer row;
    uint64_t count;
} SystemRows;

static Status add_system_row(void *context, const Value *values, Error *error)
{
    SystemRows *rows = context;
    buffer_clear(&rows->row);
    TRY(row_encode(&rows->schema->layout, values, &rows->row, error));
    Slice row = buffer_slice(&rows->row);
    Slice key = slice_of(&rows->count, sizeof rows->count); /* nobody looks at it */
    size_t size = record_size(key.size, row.size);
    RecordHeader header = {.seq = 1,
                           .kind = RECORD_PUT,
                           .key_size = (uint16_t)key.size,
                           .row_size = (uint32_t)row.size};
    uint8_t *at = buffer_reserve(&rows->records, size);
    TRY(buffer_status(&rows->records, error));
    record_write(at, &header, key, row);
    rows->records.size += size;
    rows->count++;
    return OK;
}

uint64_t one_off_region_id(void)
{
    static _Atomic uint64_t next = ONE_OFF_REGION_ID_FIRST;
    return atomic_fetch_add(&next, 1);
}

static Status share_rows(Run *run, OpenReferences *open, const SystemRows *rows,
                         QueryReference *out, Error *error)
{
    QueryBlock *block = ARENA_NEW(&run->arena, QueryBlock);
    QueryHot *hot = ARENA_NEW(&run->arena, QueryHot);
    if (block == NULL || hot == NULL)
        return arena_error(&run->arena, error);
    if (rows->records.size == 0)
        return OK;
    SharedMemory *region = &open->regions[open->region_count];
    size_t size = (rows->records.size + 4095) & ~(size_t)4095;
    TRY(shared_memory_open(run->executor->env, "system rows", size, region, error));
    open->region_count++;
    memcpy(region->data, rows->records.data, rows->records.size);
    *block = (QueryBlock){.region_id = one_off_region_id(),
                          .descriptor = region->descriptor,
                          .region_size = region->size,
                          .published = rows->records.size};
    *hot = (QueryHot){.schema = out->schema, .blocks = block, .block_count = 1};
    out->hot = hot;
    out->hot_count = 1;
    open->hot_rows_offered += rows->count;
    return OK;
}

static Status fill_system(Run *run, OpenReferences *open, const BoundReference *reference,
                          QueryReference *out, Error *error)
{
    SystemRows rows = {.run = run, .schema = reference->schema};
    SystemRowSink sink = {add_system_row, &rows};
    const ExecutorHooks *hooks = &run->executor->hooks;
    buffer_open(&rows.records, SYSTEM_ROWS_BYTES_MAX);
    buffer_open(&rows.row, 0);
    Status status =
        hooks->system_rows(hooks->context, reference->system, &run->who, &run->arena, &sink, error);
    if (status == OK)
        status = share_rows(run, open, &rows, out, error);
    buffer_close(&rows.records);
    buffer_close(&rows.row);
    out->seq = 1;
    return status;
}

/* ---- all references ---- */

static Status open_tables(Run *run, const BoundSelect *select, OpenReferences *out, Error *error)
{
    Executor *executor = run->executor;
    out->tables = ARENA_ARRAY(&run->arena, EngineTable *, select->reference_count);
    if (out->tables == NULL)
        return arena_error(&run->arena, error);
    for (uint32_t i = 0; i < select->reference_count; i++) {
        const CatalogTable *table = select->references[i].table;
        if (table == NULL)
            continue;
        if (out->table_count == ENGINE_TABLES_IN_STATEMENT_MAX)
            return error_set(error, STATUS_STATEMENT_TOO_COMPLEX,
                             "a statement reads more than %d tables",
                             ENGINE_TABLES_IN_STATEMENT_MAX);
        EngineTable *opened = engine_table(executor->engine, table->id);
        if (opened == NULL) /* dropped since it was bound */
            return error_of(error, STATUS_SCHEMA_CHANGED);
        out->tables[out->table_count++] = opened;
    }
    return OK;
}

/* The statement was bound to schemas that the pin must have too. */
static Status check_schemas(const BoundSelect *select, const OpenReferences *open, Error *error)
{
    size_t table = 0;
    for (uint32_t i = 0; i < select->reference_count; i++) {
        const BoundReference *reference = &select->references[i];
        if (reference->table == NULL)
            continue;
        if (pin_schema(open->pin, table++)->version != reference->schema->version)
            return error_of(error, STATUS_SCHEMA_CHANGED);
    }
    return OK;
}

static Status fill_table(Run *run, OpenReferences *open, const BoundReference *reference,
                         size_t table, QueryReference *out, Error *error)
{
    Terms terms;
    bool owns = schema_has_owner(reference->schema);
    out->seq = pin_seq(open->pin);
    out->has_owner = owns && !reference->all_users;
    out->owner = out->has_owner ? owner_for(run, reference->table) : 0;
    out->with_owner_column = owns && reference->uses_owner;
    TRY(evaluate_terms(run, reference, &terms, error));
    TRY(fill_files(run, open, table, &terms, out, error));
    TRY(fill_memtables(run, open, table, &terms, out, error));
    return out->with_owner_column ? fill_owner_names(run, out, error) : OK;
}

static Status fill_references(Run *run, const BoundSelect *select, bool with_location,
                              OpenReferences *open, Error *error)
{
    size_t table = 0;
    for (uint32_t i = 0; i < select->reference_count; i++) {
        const BoundReference *reference = &select->references[i];
        QueryReference *out = &open->references[i];
        out->schema = reference->schema;
        out->columns = reference->columns;
        /* The row's place is asked of the table that is changed: always the first reference. */
        out->with_location = with_location && i == 0;
        open->reference_count++;
        if (reference->system != NULL)
            TRY(fill_system(run, open, reference, out, error));
        else
            TRY(fill_table(run, open, reference, table++, out, error));
    }
    return OK;
}

Status references_open(Run *run, const BoundSelect *select, bool with_location, OpenReferences *out,
                       Error *error)
{
    Status status = OK;
    *out = (OpenReferences){0};
    out->references = ARENA_ARRAY(&run->arena, QueryReference, select->reference_count);
    out->regions = ARENA_ARRAY(&run->arena, SharedMemory, select->reference_count);
    if (out->references == NULL || out->regions == NULL)
        return arena_error(&run->arena, error);
    GO(open_tables(run, select, out, error));
    if (run->given_pin != NULL)
        out->pin = pin_clone(run->given_pin);
    else
        GO(pin_open(run->executor->engine, out->tables, out->table_count, &out->pin, error));
    GO(check_schemas(select, out, error));
    GO(fill_references(run, select, with_location, out, error));
    return OK;
done:
    references_close(run, out);
    return status;
}

void references_close(Run *run, OpenReferences *references)
{
    pin_release(references->pin);
    for (size_t i = 0; i < references->table_count; i++)
        engine_table_release(references->tables[i]);
    for (size_t i = 0; i < references->region_count; i++)
        shared_memory_close(run->executor->env, &references->regions[i]);
    *references = (OpenReferences){0};
}
