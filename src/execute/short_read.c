/* Reads that need no engine: expressions without a table, rows by key, ranges of the key that are
 * in memory, or short and in few files. */
#include <stdlib.h>

#include "execute/execute_int.h"

/* ---- one statement's short read ---- */

typedef struct Short {
    Run *run;
    const BoundSelect *select;
    const BoundReference *reference; /* NULL without a table */
    const ShortRead *read;
    EvaluationContext context;
    Arena scratch; /* of one row */
    RowSender sender;
    Value *values; /* of the projections */
    uint64_t limit;
    uint64_t offset;
    uint64_t skipped;
    EngineTable *table;
    Pin *pin;
    OwnerId owner;
} Short;

static Status open_short(Run *run, const BoundSelect *select, Short *out, Error *error)
{
    const ShortRead *read = select->short_read;
    *out = (Short){.run = run, .select = select, .read = read};
    out->values = ARENA_ARRAY(&run->arena, Value, select->column_count);
    if (out->values == NULL)
        return arena_error(&run->arena, error);
    TRY(evaluate_count(run, read->limit, STATUS_INVALID_ROW_COUNT_IN_LIMIT, "LIMIT", UINT64_MAX,
                       &out->limit, error));
    TRY(evaluate_count(run, read->offset, STATUS_INVALID_ROW_COUNT_IN_OFFSET, "OFFSET", 0,
                       &out->offset, error));
    arena_open(&out->scratch, 0);
    row_sender_open(run, select->columns, select->column_count, &out->sender);
    out->context = evaluation_of(run, &out->scratch);
    return OK;
}

static Status pin_table_of(Short *s, Error *error)
{
    Run *run = s->run;
    const BoundReference *reference = &s->select->references[s->read->reference];
    s->reference = reference;
    s->owner = owner_for(run, reference->table);
    s->table = engine_table(run->executor->engine, reference->table->id);
    if (s->table == NULL)
        return error_of(error, STATUS_SCHEMA_CHANGED);
    if (run->given_pin != NULL)
        s->pin = pin_clone(run->given_pin);
    else
        TRY(pin_open(run->executor->engine, &s->table, 1, &s->pin, error));
    if (pin_schema(s->pin, 0)->version != reference->schema->version)
        return error_of(error, STATUS_SCHEMA_CHANGED);
    s->context.layout = &reference->schema->layout;
    s->context.owner = run->who.acting_name;
    return OK;
}

static void close_short(Short *s)
{
    row_sender_close(&s->sender);
    arena_close(&s->scratch);
    pin_release(s->pin);
    engine_table_release(s->table);
}

/* ---- one row ---- */

static Status project(Short *s, Error *error)
{
    for (uint32_t i = 0; i < s->select->column_count; i++)
        TRY(expression_evaluate(s->read->projections[i], &s->context, &s->values[i], error));
    return row_sender_put(&s->sender, s->values, error);
}

static bool is_full(const Short *s)
{
    return s->sender.sent >= s->limit;
}

/* The row is in the context. */
static Status take_row(Short *s, Error *error)
{
    bool passes = true;
    if (s->read->filter != NULL)
        TRY(expression_is_true(s->read->filter, &s->context, &passes, error));
    if (!passes || is_full(s))
        return OK;
    if (s->skipped < s->offset) {
        s->skipped++;
        return OK;
    }
    return project(s, error);
}

static Status take_record(Short *s, const RecordHeader *record, Schema *own, Error *error)
{
    arena_reset(&s->scratch);
    TRY(record_row_in(record, own, s->reference->schema, &s->scratch, &s->context.row, error));
    s->context.seq = (int64_t)record->seq;
    s->context.updated_us = record->updated_us;
    return take_row(s, error);
}

/* ---- points ---- */

bool is_point_read(const BoundReference *reference, const ShortRead *read)
{
    return read->point_count > 0 ||
           (read->has_table && read->lower == NULL && read->upper == NULL &&
            read->key_value_count == reference->schema->key_count);
}

Status point_key(Run *run, const BoundReference *reference, const ShortRead *read, uint32_t point,
                 Buffer *key, bool *is_null, Error *error)
{
    const Expression **parts = read->point_count > 0 ? read->points[point] : read->key_values;
    uint32_t count = reference->schema->key_count;
    EvaluationContext context = evaluation_of(run, &run->arena);
    Value values[64];
    Value *all = count <= 64 ? values : ARENA_ARRAY(&run->arena, Value, count);
    if (all == NULL)
        return arena_error(&run->arena, error);
    *is_null = false;
    for (uint32_t i = 0; i < count; i++) {
        TRY(expression_evaluate(parts[i], &context, &all[i], error));
        *is_null |= all[i].is_null;
    }
    if (*is_null)
        return OK;
    return key_of_values(reference->schema, owner_for(run, reference->table), all, count, key,
                         error);
}

static int compare_keys(const void *a, const void *b)
{
    return slice_compare(*(const Slice *)a, *(const Slice *)b);
}

static uint32_t drop_repeated(Slice *keys, uint32_t count)
{
    uint32_t kept = 0;
    qsort(keys, count, sizeof(Slice), compare_keys);
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || !slice_equal(keys[kept - 1], keys[i]))
            keys[kept++] = keys[i];
    }
    return kept;
}

/* The keys that are meant, in the key's order and each once: IN names them as it likes. */
static Status point_keys(Run *run, const BoundReference *reference, const ShortRead *read,
                         Slice **out, uint32_t *count, Error *error)
{
    uint32_t points = read->point_count > 0 ? read->point_count : 1;
    uint32_t found = 0;
    Slice *keys = ARENA_ARRAY(&run->arena, Slice, points);
    Buffer key;
    Status status = OK;
    if (keys == NULL)
        return arena_error(&run->arena, error);
    buffer_open(&key, 0);
    for (uint32_t i = 0; i < points; i++) {
        bool is_null;
        GO(point_key(run, reference, read, i, &key, &is_null, error));
        if (!is_null)
            GO(arena_clone(&run->arena, buffer_slice(&key), &keys[found++], error));
    }
    *out = keys;
    *count = found < 2 ? found : drop_repeated(keys, found);
done:
    buffer_close(&key);
    return status;
}

static Status read_key(Short *s, Slice key, bool quick, bool *done, Error *error)
{
    RowFound found;
    bool is_there;
    if (quick) {
        RowLocation location;
        bool may_be_cold;
        pin_find_hot(s->pin, 0, key, &location, &may_be_cold);
        *done = !may_be_cold;
        if (may_be_cold)
            return OK;
    }
    arena_reset(&s->scratch);
    TRY(pin_get(s->pin, 0, key, &s->scratch, &found, &is_there, error));
    if (!is_there)
        return OK;
    s->context.row = found.row;
    s->context.seq = (int64_t)found.seq;
    s->context.updated_us = found.updated_us;
    return take_row(s, error);
}

static Status read_points(Short *s, bool quick, bool *done, Error *error)
{
    Slice *keys;
    uint32_t count;
    TRY(point_keys(s->run, s->reference, s->read, &keys, &count, error));
    *done = !quick || count < 2; /* the second could be in a file when the first was sent already */
    for (uint32_t i = 0; i < count && *done; i++)
        TRY(read_key(s, keys[s->read->backward ? count - 1 - i : i], quick, done, error));
    return OK;
}

/* ---- ranges ---- */

typedef struct KeyRange {
    Slice from;
    Slice to; /* empty: no upper end */
    bool is_empty;
} KeyRange;

static Status prefix_of(Run *run, const BoundReference *reference, const ShortRead *read,
                        const Expression *next, Buffer *out, bool *is_null, Error *error)
{
    EvaluationContext context = evaluation_of(run, &run->arena);
    uint32_t count = read->key_value_count;
    Value *values = ARENA_ARRAY(&run->arena, Value, (size_t)count + 1);
    if (values == NULL)
        return arena_error(&run->arena, error);
    *is_null = false;
    for (uint32_t i = 0; i < count; i++) {
        TRY(expression_evaluate(read->key_values[i], &context, &values[i], error));
        *is_null |= values[i].is_null;
    }
    if (next != NULL) {
        TRY(expression_evaluate(next, &context, &values[count], error));
        *is_null |= values[count].is_null;
        count++;
    }
    if (*is_null)
        return OK;
    return key_of_values(reference->schema, owner_for(run, reference->table), values, count, out,
                         error);
}

/* The end of the keys that begin with the prefix; empty where nothing lies behind them. */
static Status end_of(Run *run, Buffer *prefix, Slice *out, Error *error)
{
    *out = SLICE_EMPTY;
    if (prefix->size == 0 || !key_after_prefix(prefix))
        return OK;
    return arena_clone(&run->arena, buffer_slice(prefix), out, error);
}

static Status lower_end(Run *run, const BoundReference *reference, const ShortRead *read,
                        Buffer *scratch, KeyRange *out, Error *error)
{
    TRY(prefix_of(run, reference, read, read->lower, scratch, &out->is_empty, error));
    if (out->is_empty)
        return OK;
    if (read->lower != NULL && !read->lower_inclusive) {
        TRY(end_of(run, scratch, &out->from, error));
        out->is_empty = out->from.size == 0;
        return OK;
    }
    return arena_clone(&run->arena, buffer_slice(scratch), &out->from, error);
}

static Status upper_end(Run *run, const BoundReference *reference, const ShortRead *read,
                        Buffer *scratch, KeyRange *out, Error *error)
{
    TRY(prefix_of(run, reference, read, read->upper, scratch, &out->is_empty, error));
    if (out->is_empty)
        return OK;
    if (read->upper != NULL && !read->upper_inclusive)
        return arena_clone(&run->arena, buffer_slice(scratch), &out->to, error);
    return end_of(run, scratch, &out->to, error);
}

static Status range_of(Run *run, const BoundReference *reference, const ShortRead *read,
                       KeyRange *out, Error *error)
{
    Buffer scratch;
    *out = (KeyRange){0};
    buffer_open(&scratch, 0);
    Status status = lower_end(run, reference, read, &scratch, out, error);
    if (status == OK && !out->is_empty) {
        buffer_clear(&scratch);
        status = upper_end(run, reference, read, &scratch, out, error);
    }
    buffer_close(&scratch);
    if (out->to.size > 0 && slice_compare(out->from, out->to) >= 0)
        out->is_empty = true;
    return status;
}

static Status scan_hot(Short *s, const KeyRange *range, Error *error)
{
    HotScan *scan;
    TRY(hot_scan_open(s->pin, 0, range->from, range->to, s->read->backward, &scan, error));
    Status status = OK;
    while (status == OK && !is_full(s)) {
        const RecordHeader *record = hot_scan_next(scan);
        if (record == NULL)
            break;
        status = take_record(s, record, hot_scan_schema(scan), error);
        if (status == OK)
            status = check_cancelled(s->run, error);
    }
    hot_scan_close(scan);
    return status;
}

/* With a limit the first rows may be enough: up to the key at which it is reached no file may have
 * any. Looked at before a row is sent. */
static Status narrow_by_limit(Short *s, KeyRange *range, bool *hot_is_all, Error *error)
{
    uint64_t wanted = s->limit == UINT64_MAX ? UINT64_MAX : s->limit + s->offset;
    HotScan *scan;
    *hot_is_all = !pin_has_cold_range(s->pin, 0, range->from, range->to);
    if (*hot_is_all || wanted > SHORT_LIMIT_MAX || s->read->filter != NULL)
        return OK;
    TRY(hot_scan_open(s->pin, 0, range->from, range->to, s->read->backward, &scan, error));
    const RecordHeader *last = NULL;
    uint64_t seen = 0;
    while (seen < wanted && (last = hot_scan_next(scan)) != NULL)
        seen++;
    Status status = OK;
    if (seen == wanted && wanted > 0) {
        KeyRange first = *range;
        Slice *end = s->read->backward ? &first.from : &first.to;
        status = arena_clone(&s->run->arena, record_key(last), end, error);
        if (!s->read->backward)
            first.to.size++; /* the NUL behind a clone: the first key above */
        *hot_is_all = status == OK && !pin_has_cold_range(s->pin, 0, first.from, first.to);
    }
    hot_scan_close(scan);
    return status;
}

static void stand_on(Short *s, const RangeRow *row)
{
    arena_reset(&s->scratch);
    s->context.row = row->row;
    s->context.seq = (int64_t)row->seq;
    s->context.updated_us = row->updated_us;
}

/* Rows of files among them. All are found before one is sent. */
static Status read_with_files(Short *s, const KeyRange *range, bool *done, Error *error)
{
    bool is_limited = s->limit <= SHORT_LIMIT_MAX && s->offset <= SHORT_LIMIT_MAX;
    RangeRequest request = {.from = range->from,
                            .to = range->to,
                            .backward = s->read->backward,
                            .rows_max = UINT64_MAX};
    RangeRow *rows;
    size_t count;
    if (is_limited && s->read->filter == NULL)
        request.rows_max = s->limit + s->offset;
    TRY(pin_read_range(s->pin, 0, &request, &s->run->arena, &rows, &count, done, error));
    for (size_t i = 0; *done && i < count && !is_full(s); i++) {
        stand_on(s, &rows[i]);
        TRY(take_row(s, error));
        TRY(check_cancelled(s->run, error));
    }
    return OK;
}

/* A thread that must not wait reads memory only. */
static Status read_range(Short *s, bool quick, bool *done, Error *error)
{
    KeyRange range;
    TRY(range_of(s->run, s->reference, s->read, &range, error));
    if (range.is_empty || is_full(s))
        return OK;
    TRY(narrow_by_limit(s, &range, done, error));
    if (*done)
        return scan_hot(s, &range, error);
    return quick ? OK : read_with_files(s, &range, done, error);
}

/* ---- system tables: their rows are made for each statement ---- */

typedef struct SystemScan {
    Short *s;
    Buffer row;
} SystemScan;

static Status take_system_row(void *context, const Value *values, Error *error)
{
    SystemScan *scan = context;
    Short *s = scan->s;
    arena_reset(&s->scratch);
    buffer_clear(&scan->row);
    TRY(row_encode(s->context.layout, values, &scan->row, error));
    s->context.row = buffer_slice(&scan->row);
    return take_row(s, error);
}

static Status read_system(Short *s, const BoundReference *reference, Error *error)
{
    Run *run = s->run;
    const ExecutorHooks *hooks = &run->executor->hooks;
    SystemScan scan = {.s = s};
    SystemRowSink sink = {take_system_row, &scan};
    s->context.layout = &reference->schema->layout;
    buffer_open(&scan.row, 0);
    Status status =
        hooks->system_rows(hooks->context, reference->system, &run->who, &run->arena, &sink, error);
    buffer_close(&scan.row);
    return status;
}

/* ---- the whole ---- */

static Status read_all(Short *s, bool quick, bool *done, Error *error)
{
    if (!s->read->has_table)
        return take_row(s, error);
    const BoundReference *reference = &s->select->references[s->read->reference];
    if (reference->system != NULL)
        return read_system(s, reference, error);
    TRY(pin_table_of(s, error));
    if (is_point_read(s->reference, s->read))
        return read_points(s, quick, done, error);
    return read_range(s, quick, done, error);
}

/* Columns go out first only where the answer will be ours: *done false must leave nothing sent, so
 * rows are gathered and columns are the caller's to send before it flushes. */
Status read_short(Run *run, const BoundSelect *select, bool quick, uint64_t *rows, bool *done,
                  Error *error)
{
    Short s;
    *done = true;
    *rows = 0;
    TRY(open_short(run, select, &s, error));
    Status status = read_all(&s, quick, done, error);
    if (status == OK && *done)
        status = row_sender_flush(&s.sender, error);
    *rows = s.sender.sent;
    if (status == OK && *done)
        atomic_fetch_add(&run->executor->short_reads, 1);
    close_short(&s);
    return status;
}

/* ---- finding rows to change ---- */

static Status visit_hot_keys(Short *s, const KeyRange *range, FoundKeyVisitor visit, void *context,
                             Error *error)
{
    HotScan *scan;
    TRY(hot_scan_open(s->pin, 0, range->from, range->to, false, &scan, error));
    Status status = OK;
    for (;;) {
        bool passes = true;
        const RecordHeader *record = hot_scan_next(scan);
        if (record == NULL)
            break;
        arena_reset(&s->scratch);
        GO(record_row_in(record, hot_scan_schema(scan), s->reference->schema, &s->scratch,
                         &s->context.row, error));
        s->context.seq = (int64_t)record->seq;
        s->context.updated_us = record->updated_us;
        if (s->read->filter != NULL)
            GO(expression_is_true(s->read->filter, &s->context, &passes, error));
        if (passes)
            GO(visit(context, record_key(record), error));
        GO(check_cancelled(s->run, error));
    }
done:
    hot_scan_close(scan);
    return status;
}

static Status visit_keys_with_files(Short *s, const KeyRange *range, FoundKeyVisitor visit,
                                    void *context, bool *done, Error *error)
{
    RangeRequest request = {.from = range->from, .to = range->to, .rows_max = UINT64_MAX};
    RangeRow *rows;
    size_t count;
    TRY(pin_read_range(s->pin, 0, &request, &s->run->arena, &rows, &count, done, error));
    for (size_t i = 0; *done && i < count; i++) {
        bool passes = true;
        stand_on(s, &rows[i]);
        if (s->read->filter != NULL)
            TRY(expression_is_true(s->read->filter, &s->context, &passes, error));
        if (passes)
            TRY(visit(context, rows[i].key, error));
    }
    return OK;
}

static Status visit_points(Run *run, const BoundReference *reference, const ShortRead *read,
                           FoundKeyVisitor visit, void *context, Error *error)
{
    Slice *keys;
    uint32_t count;
    TRY(point_keys(run, reference, read, &keys, &count, error));
    for (uint32_t i = 0; i < count; i++)
        TRY(visit(context, keys[i], error));
    return OK;
}

Status find_keys_short(Run *run, const BoundReference *reference, const ShortRead *read,
                       FoundKeyVisitor visit, void *context, bool *done, Error *error)
{
    BoundReference one = *reference;
    BoundSelect select = {
        .references = &one, .reference_count = 1, .short_read = (ShortRead *)(uintptr_t)read};
    Short s;
    KeyRange range;
    *done = true;
    if (is_point_read(reference, read))
        return visit_points(run, reference, read, visit, context, error);
    TRY(open_short(run, &select, &s, error));
    Status status = OK;
    GO(pin_table_of(&s, error));
    GO(range_of(run, reference, read, &range, error));
    if (range.is_empty)
        goto done;
    if (!pin_has_cold_range(s.pin, 0, range.from, range.to))
        GO(visit_hot_keys(&s, &range, visit, context, error));
    else
        GO(visit_keys_with_files(&s, &range, visit, context, done, error));
done:
    close_short(&s);
    return status;
}
