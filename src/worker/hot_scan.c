/* hot_scan(reference): the rows of a table that lie in shared memory, as of the statement's pin.
 *
 * The work is cut into pieces (a block, or a range of given offsets) that DuckDB's threads take one
 * after the other; each walks its piece's records, keeps those that are visible, and fills a chunk
 * when 2,048 have come together. DuckDB pushes no filter into a C function, so nothing else is
 * decided here. */
#include <stdio.h>

#include "base/assert.h"
#include "base/memory.h"
#include "worker/functions.h"
#include "worker/hot_int.h"

enum {
    PIECE_OFFSETS = 16 << 10, /* given offsets of one piece */
    SCAN_THREADS_MAX = 256,
};

/* Columns that come before those of the table. */
typedef enum FixedColumn {
    FIXED_SEQ,
    FIXED_UPDATED,
    FIXED_OWNER,
    FIXED_FILE,
    FIXED_LOCATION,
    FIXED_COUNT,
} FixedColumn;

typedef struct Piece {
    uint32_t part;
    uint32_t block;
    uint32_t offset_from; /* of given offsets */
    uint32_t offset_to;
} Piece;

/* Made at bind: everything but which columns are asked for. */
typedef struct HotBind {
    Statement *statement;
    StatementReference *reference;
    uint32_t column_count;
    FillPlan *plans; /* part by part, a plan for each column */
    Piece *pieces;
    size_t piece_count;
    uint64_t row_estimate;
} HotBind;

typedef struct HotScan {
    HotBind *bind;
    uint32_t projected_count;
    bool wants_locations;
    _Atomic size_t next; /* piece; or, of ordered records, item of the table */
    uint32_t projected[];
} HotScan;

typedef struct HotWorker {
    bool has_piece;
    Piece piece;
    uint64_t at; /* in the block, or in the offsets */
    HotBatch batch;
} HotWorker;

void function_error_text(const Error *failure, char out[FUNCTION_ERROR_BYTES])
{
    (void)snprintf(out, FUNCTION_ERROR_BYTES, "PG%s %s", status_sqlstate(failure->status),
                   failure->message);
}

StatementReference *function_reference(const FunctionContext *context, int64_t number)
{
    const Statement *statement = context->statement;
    if (statement == NULL || number < 0 || number >= statement->request->reference_count)
        return NULL;
    return &statement->references[number];
}

/* ---- bind ---- */

static void bind_destroy(void *data)
{
    HotBind *bind = data;
    memory_free(bind->plans);
    memory_free(bind->pieces);
    memory_free(bind);
}

static void fail_bind(duckdb_bind_info info, const Error *error)
{
    char text[FUNCTION_ERROR_BYTES];
    function_error_text(error, text);
    duckdb_bind_set_error(info, text);
}

static bool has_fixed(const WorkerReference *reference, FixedColumn column)
{
    if (column == FIXED_OWNER)
        return reference->with_owner_column;
    return column < FIXED_FILE || reference->with_location;
}

static Status add_column(duckdb_bind_info info, const char *name, duckdb_logical_type type,
                         Error *error)
{
    if (type == NULL)
        return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                         "a type that the engine does not have");
    duckdb_bind_add_result_column(info, name, type);
    duckdb_destroy_logical_type(&type);
    return OK;
}

static Status add_columns(duckdb_bind_info info, const WorkerReference *reference, Error *error)
{
    static const struct {
        const char *name;
        duckdb_type type;
    } fixed[FIXED_COUNT] = {
        [FIXED_SEQ] = {"_seq", DUCKDB_TYPE_BIGINT},
        [FIXED_UPDATED] = {"_updated", DUCKDB_TYPE_TIMESTAMP_TZ},
        [FIXED_OWNER] = {"_user", DUCKDB_TYPE_VARCHAR},
        [FIXED_FILE] = {"_file", DUCKDB_TYPE_UBIGINT},
        [FIXED_LOCATION] = {"_position", DUCKDB_TYPE_UBIGINT},
    };
    for (FixedColumn c = 0; c < FIXED_COUNT; c++) {
        if (has_fixed(reference, c))
            TRY(add_column(info, fixed[c].name, duckdb_create_logical_type(fixed[c].type), error));
    }
    for (uint32_t i = 0; i < reference->column_count; i++) {
        const Column *column = &reference->schema->columns[reference->columns[i]];
        char name[16];
        (void)snprintf(name, sizeof name, "c%u", column->field_id);
        TRY(add_column(info, name, vector_type(column->type), error));
    }
    return OK;
}

static Status plan_part(FillPlan *plans, const WorkerReference *reference, const WorkerHot *hot,
                        Error *error)
{
    static const Fill fixed[FIXED_COUNT] = {fill_seq, fill_updated, fill_owner, fill_file,
                                            fill_location};
    for (FixedColumn c = 0; c < FIXED_COUNT; c++) {
        if (has_fixed(reference, c))
            *plans++ = (FillPlan){.fill = fixed[c], .reference = reference};
    }
    for (uint32_t i = 0; i < reference->column_count; i++)
        TRY(fill_plan_column(plans++, hot->schema,
                             &reference->schema->columns[reference->columns[i]], error));
    return OK;
}

static Status plan_columns(HotBind *bind, const WorkerReference *reference, Error *error)
{
    for (FixedColumn c = 0; c < FIXED_COUNT; c++)
        bind->column_count += has_fixed(reference, c);
    bind->column_count += reference->column_count;
    size_t count = (size_t)bind->column_count * reference->hot_count;
    bind->plans = memory_allocate_zeroed(count + 1, sizeof *bind->plans);
    if (bind->plans == NULL)
        return error_out_of_memory(error);
    for (uint32_t i = 0; i < reference->hot_count; i++)
        TRY(plan_part(bind->plans + (size_t)i * bind->column_count, reference, &reference->hot[i],
                      error));
    return OK;
}

/* ---- pieces ---- */

/* Bytes a record of the schema takes, more or less. */
static uint64_t usual_record_bytes(const Schema *schema)
{
    return sizeof(RecordHeader) + 16 + schema->layout.fixed_size + schema->column_count * 4;
}

static void cut_block(HotBind *bind, uint32_t part, uint32_t number, const HotBlock *block,
                      const Schema *schema)
{
    Piece piece = {.part = part, .block = number};
    if (block->offsets == NULL) {
        bind->row_estimate += block->published / usual_record_bytes(schema);
        bind->pieces[bind->piece_count++] = piece;
        return;
    }
    bind->row_estimate += block->offset_count;
    for (uint32_t from = 0; from < block->offset_count; from += PIECE_OFFSETS) {
        uint32_t rest = block->offset_count - from;
        piece.offset_from = from;
        piece.offset_to = from + (rest < PIECE_OFFSETS ? rest : PIECE_OFFSETS);
        bind->pieces[bind->piece_count++] = piece;
    }
}

static Status cut_pieces(HotBind *bind, Error *error)
{
    const WorkerReference *reference = bind->reference->source;
    size_t count = 1;
    for (uint32_t i = 0; i < reference->hot_count; i++) {
        const HotPart *part = &bind->reference->hot[i];
        for (uint32_t k = 0; k < part->source->block_count; k++)
            count += 1 + part->blocks[k].offset_count / PIECE_OFFSETS;
    }
    bind->pieces = memory_allocate_zeroed(count, sizeof *bind->pieces);
    if (bind->pieces == NULL)
        return error_out_of_memory(error);
    for (uint32_t i = 0; i < reference->hot_count; i++) {
        const HotPart *part = &bind->reference->hot[i];
        for (uint32_t k = 0; k < part->source->block_count; k++)
            cut_block(bind, i, k, &part->blocks[k], part->source->schema);
    }
    ASSERT(bind->piece_count <= count);
    return OK;
}

static Status make_bind(duckdb_bind_info info, const FunctionContext *context, int64_t number,
                        HotBind *bind, Error *error)
{
    bind->statement = context->statement;
    bind->reference = function_reference(context, number);
    if (bind->reference == NULL)
        return error_set(error, STATUS_INTERNAL, "a reference that the statement does not have");
    TRY(add_columns(info, bind->reference->source, error));
    TRY(plan_columns(bind, bind->reference->source, error));
    if (!bind->reference->source->is_ordered)
        return cut_pieces(bind, error);
    bind->row_estimate = bind->statement->table_count;
    return OK;
}

static int64_t integer_parameter(duckdb_bind_info info, idx_t index)
{
    duckdb_value value = duckdb_bind_get_parameter(info, index);
    int64_t number = duckdb_get_int64(value);
    duckdb_destroy_value(&value);
    return number;
}

static void hot_bind(duckdb_bind_info info)
{
    const FunctionContext *context = duckdb_bind_get_extra_info(info);
    Error error;
    HotBind *bind = MEMORY_NEW(HotBind);
    if (bind == NULL) {
        (void)error_out_of_memory(&error);
        fail_bind(info, &error);
        return;
    }
    if (make_bind(info, context, integer_parameter(info, 0), bind, &error) != OK) {
        fail_bind(info, &error);
        bind_destroy(bind);
        return;
    }
    duckdb_bind_set_cardinality(info, bind->row_estimate, bind->reference->source->is_ordered);
    duckdb_bind_set_bind_data(info, bind, bind_destroy);
}

/* ---- init ---- */

/* Does a projected column want the places of the records? */
static bool is_location(const HotBind *bind, uint32_t column)
{
    return bind->reference->source->hot_count > 0 && bind->plans[column].fill == fill_location;
}

static void hot_init(duckdb_init_info info)
{
    HotBind *bind = duckdb_init_get_bind_data(info);
    idx_t count = duckdb_init_get_column_count(info);
    HotScan *scan = memory_allocate_zeroed(1, sizeof *scan + count * sizeof scan->projected[0]);
    if (scan == NULL) {
        duckdb_init_set_error(info, "PG53200 out of memory");
        return;
    }
    scan->bind = bind;
    scan->projected_count = (uint32_t)count;
    for (uint32_t i = 0; i < count; i++) {
        scan->projected[i] = (uint32_t)duckdb_init_get_column_index(info, i);
        ASSERT(scan->projected[i] < bind->column_count);
        scan->wants_locations |= is_location(bind, scan->projected[i]);
    }
    size_t threads = bind->reference->source->is_ordered ? 1 : bind->piece_count;
    threads = threads < SCAN_THREADS_MAX ? threads : SCAN_THREADS_MAX;
    duckdb_init_set_max_threads(info, threads == 0 ? 1 : threads);
    duckdb_init_set_init_data(info, scan, memory_free);
}

static void hot_worker_init(duckdb_init_info info)
{
    HotWorker *worker = MEMORY_NEW(HotWorker);
    if (worker == NULL) {
        duckdb_init_set_error(info, "PG53200 out of memory");
        return;
    }
    duckdb_init_set_init_data(info, worker, memory_free);
}

/* ---- walking records ---- */

/* The record at that place, or NULL where there is no whole one. */
static const RecordHeader *record_at(const HotBlock *block, uint64_t offset, uint64_t *size)
{
    if (offset % 8 != 0 || offset > block->published ||
        block->published - offset < sizeof(RecordHeader))
        return NULL;
    const RecordHeader *record = (const RecordHeader *)(const void *)(block->data + offset);
    *size = record_whole_size(record);
    return *size <= block->published - offset ? record : NULL;
}

static bool is_without(const WorkerHot *hot, WorkerOwner owner)
{
    uint32_t low = 0;
    uint32_t high = hot->without_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (hot->without[middle] < owner)
            low = middle + 1;
        else
            high = middle;
    }
    return low < hot->without_count && hot->without[low] == owner;
}

static bool is_wanted(const WorkerReference *reference, const WorkerHot *hot,
                      const RecordHeader *record)
{
    if (!record_is_visible(record, reference->seq))
        return false;
    if (reference->has_owner && record->owner != reference->owner)
        return false;
    return hot->without_count == 0 || !is_without(hot, record->owner);
}

static void take_record(HotBatch *batch, const Schema *schema, const RecordHeader *record,
                        uint64_t location)
{
    Slice row = record_row(record);
    if (row.size < schema->layout.fixed_size) {
        batch->is_damaged = true;
        return;
    }
    batch->rows[batch->count] = row.data;
    batch->sizes[batch->count] = (uint32_t)row.size;
    batch->records[batch->count] = record;
    batch->locations[batch->count] = location;
    batch->count++;
}

/* Walks on in the piece until it ends or the batch is full; false at its end. */
static bool walk_block(HotWorker *worker, const WorkerReference *reference, const HotPart *part,
                       const HotBlock *block)
{
    HotBatch *batch = &worker->batch;
    while (worker->at < block->published && batch->count < HOT_BATCH_ROWS && !batch->is_damaged) {
        uint64_t size = 0;
        const RecordHeader *record = record_at(block, worker->at, &size);
        batch->is_damaged = record == NULL;
        if (record != NULL && is_wanted(reference, part->source, record))
            take_record(batch, part->source->schema, record, block->location + worker->at / 8);
        worker->at += size;
    }
    return worker->at < block->published;
}

static bool walk_offsets(HotWorker *worker, const WorkerReference *reference, const HotPart *part,
                         const HotBlock *block)
{
    HotBatch *batch = &worker->batch;
    uint64_t end = worker->piece.offset_to;
    while (worker->at < end && batch->count < HOT_BATCH_ROWS && !batch->is_damaged) {
        uint64_t size = 0;
        uint32_t offset = block->offsets[worker->at++];
        const RecordHeader *record = record_at(block, offset, &size);
        batch->is_damaged = record == NULL;
        if (record != NULL && is_wanted(reference, part->source, record))
            take_record(batch, part->source->schema, record, block->location + offset / 8);
    }
    return worker->at < end;
}

/* The next piece of the scan; false where all are taken. */
static bool take_piece(HotScan *scan, HotWorker *worker)
{
    size_t next = atomic_fetch_add_explicit(&scan->next, 1, memory_order_relaxed);
    if (next >= scan->bind->piece_count)
        return false;
    worker->piece = scan->bind->pieces[next];
    worker->at = worker->piece.offset_from;
    worker->has_piece = true;
    return true;
}

/* Fills the batch with records of one part: those of another wait for the next batch. */
static void collect_pieces(HotScan *scan, HotWorker *worker)
{
    HotBatch *batch = &worker->batch;
    while (batch->count < HOT_BATCH_ROWS && !batch->is_damaged) {
        if (!worker->has_piece && !take_piece(scan, worker))
            return;
        if (batch->count > 0 && worker->piece.part != batch->part)
            return;
        batch->part = worker->piece.part;
        const HotPart *part = &scan->bind->reference->hot[batch->part];
        const HotBlock *block = &part->blocks[worker->piece.block];
        const WorkerReference *reference = scan->bind->reference->source;
        worker->has_piece = block->offsets == NULL ? walk_block(worker, reference, part, block)
                                                   : walk_offsets(worker, reference, part, block);
    }
}

/* Ordered records: exactly those of the table, in its order. */
static void collect_ordered(HotScan *scan, HotWorker *worker)
{
    const Statement *statement = scan->bind->statement;
    const HotPart *part = &scan->bind->reference->hot[0];
    HotBatch *batch = &worker->batch;
    size_t next = atomic_load_explicit(&scan->next, memory_order_relaxed);
    while (next < statement->table_count && batch->count < HOT_BATCH_ROWS && !batch->is_damaged) {
        uint64_t item = statement->table[next++];
        uint32_t number = (uint32_t)(item >> 32);
        uint32_t offset = (uint32_t)item;
        uint64_t size = 0;
        const HotBlock *block = number < part->source->block_count ? &part->blocks[number] : NULL;
        const RecordHeader *record = block == NULL ? NULL : record_at(block, offset, &size);
        batch->is_damaged = record == NULL || record->kind != RECORD_PUT;
        if (!batch->is_damaged)
            take_record(batch, part->source->schema, record, block->location + offset / 8);
    }
    batch->part = 0;
    atomic_store_explicit(&scan->next, next, memory_order_relaxed);
}

/* ---- scanning ---- */

static void fill_chunk(const HotScan *scan, HotBatch *batch, duckdb_data_chunk chunk)
{
    const FillPlan *plans = scan->bind->plans + (size_t)batch->part * scan->bind->column_count;
    for (uint32_t i = 0; i < scan->projected_count && batch->count > 0; i++) {
        const FillPlan *plan = &plans[scan->projected[i]];
        plan->fill(plan, batch, duckdb_data_chunk_get_vector(chunk, i));
    }
    duckdb_data_chunk_set_size(chunk, batch->count);
}

static void hot_function(duckdb_function_info info, duckdb_data_chunk chunk)
{
    HotScan *scan = duckdb_function_get_init_data(info);
    HotWorker *worker = duckdb_function_get_local_init_data(info);
    worker->batch.count = 0;
    if (scan->bind->reference->source->is_ordered)
        collect_ordered(scan, worker);
    else
        collect_pieces(scan, worker);
    if (!worker->batch.is_damaged)
        fill_chunk(scan, &worker->batch, chunk);
    if (worker->batch.is_damaged) {
        duckdb_function_set_error(info, "PGXX001 a row in memory is damaged");
        duckdb_data_chunk_set_size(chunk, 0);
        return;
    }
    atomic_fetch_add_explicit(&scan->bind->statement->hot_rows_read, worker->batch.count,
                              memory_order_relaxed);
}

Status hot_scan_register(duckdb_connection connection, FunctionContext *context, Error *error)
{
    duckdb_table_function function = duckdb_create_table_function();
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_table_function_set_name(function, "hot_scan");
    duckdb_table_function_add_parameter(function, number);
    duckdb_table_function_set_extra_info(function, context, NULL);
    duckdb_table_function_set_bind(function, hot_bind);
    duckdb_table_function_set_init(function, hot_init);
    duckdb_table_function_set_local_init(function, hot_worker_init);
    duckdb_table_function_set_function(function, hot_function);
    duckdb_table_function_supports_projection_pushdown(function, true);
    duckdb_state state = duckdb_register_table_function(connection, function);
    duckdb_destroy_logical_type(&number);
    duckdb_destroy_table_function(&function);
    return state == DuckDBSuccess ? OK : error_set(error, STATUS_INTERNAL, "hot_scan was refused");
}
