#include "database/initial_rows.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/memory.h"

/* ---- one row ---- */

static void put_value(Buffer *out, Type type, const Value *value, unsigned flags)
{
    size_t before = out->size;
    value_put_json(out, type, value, flags);
    if (out->failed || out->size - before <= INITIAL_VALUE_BYTES_MAX)
        return;
    out->size = before;
    buffer_put_format(out, "{\"large\":%zu}", value_heap_size(value));
}

static void put_row(InitialRows *rows, const Value *values)
{
    const BoundSubscribe *bound = rows->bound;
    buffer_clear(&rows->row);
    for (uint32_t i = 0; i < bound->column_count; i++) {
        buffer_put_u8(&rows->row, i == 0 ? '[' : ',');
        put_value(&rows->row, bound->initial->columns[i].type, &values[i], rows->json_flags);
    }
    buffer_put_u8(&rows->row, ']');
}

/* Do until_seq, from_time and until_time want it? */
static bool is_wanted(const InitialRows *rows, const Value *values)
{
    const SubscribeOptions *options = rows->options;
    const Value *system = values + rows->bound->column_count;
    if (options->until_seq >= 0 && system[0].as.integer > options->until_seq)
        return false;
    if (!rows->bound->has_updated)
        return true;
    if (options->from_time_us != -1 && system[1].as.integer < options->from_time_us)
        return false;
    return options->until_time_us == -1 || system[1].as.integer <= options->until_time_us;
}

/* ---- batches ---- */

static Status send_batch(InitialRows *rows, bool more, Error *error)
{
    const SubscriberSink *sink = rows->sink;
    TRY(buffer_status(&rows->batch, error));
    TRY(sink->rows(sink->context, buffer_slice(&rows->batch), rows->batch_rows, more, error));
    buffer_clear(&rows->batch);
    rows->batch_rows = 0;
    return OK;
}

/* A full batch leaves when the next row is there: only then is it known that more follows. */
static Status add_to_batch(InitialRows *rows, Slice json, Error *error)
{
    bool is_full = rows->batch_rows >= (uint64_t)rows->options->batch_size ||
                   rows->batch.size + json.size > INITIAL_BATCH_BYTES_MAX;
    if (rows->batch_rows > 0 && is_full)
        TRY(send_batch(rows, true, error));
    if (rows->batch_rows > 0)
        buffer_put_u8(&rows->batch, ',');
    buffer_put_slice(&rows->batch, json);
    rows->batch_rows++;
    return OK;
}

/* ---- the newest rows ---- */

static int newest_first(const void *a, const void *b)
{
    uint64_t x = ((const InitialRow *)a)->seq;
    uint64_t y = ((const InitialRow *)b)->seq;
    return x < y ? 1 : x > y ? -1 : 0;
}

static int by_arrival(const void *a, const void *b)
{
    uint64_t x = ((const InitialRow *)a)->arrival;
    uint64_t y = ((const InitialRow *)b)->arrival;
    return x < y ? -1 : x > y ? 1 : 0;
}

static void keep_newest(InitialRows *rows)
{
    size_t wanted = (size_t)rows->options->last_rows;
    if (rows->kept_count <= wanted)
        return;
    qsort(rows->kept, rows->kept_count, sizeof *rows->kept, newest_first);
    while (rows->kept_count > wanted)
        memory_free((void *)(uintptr_t)rows->kept[--rows->kept_count].json.data);
}

static Status keep(InitialRows *rows, uint64_t seq, Error *error)
{
    size_t capacity = (size_t)rows->options->last_rows * 2 + 1;
    if (rows->kept == NULL) {
        rows->kept = memory_allocate_zeroed(capacity, sizeof *rows->kept);
        if (rows->kept == NULL)
            return error_out_of_memory(error);
    }
    if (rows->kept_count == capacity)
        keep_newest(rows);
    void *copy = memory_clone(rows->row.data, rows->row.size);
    if (copy == NULL)
        return error_out_of_memory(error);
    rows->kept[rows->kept_count++] =
        (InitialRow){rows->arrivals++, seq, slice_of(copy, rows->row.size)};
    return OK;
}

/* ---- the sink ---- */

static Status take_columns(void *context, const ResultColumn *columns, uint32_t count, Error *error)
{
    InitialRows *rows = context;
    (void)columns;
    (void)error;
    ASSERT(count == rows->bound->column_count + 1 + rows->bound->has_updated);
    return OK;
}

static Status take_row(void *context, const Value *values, uint32_t count, Error *error)
{
    InitialRows *rows = context;
    (void)count;
    if (!is_wanted(rows, values) || rows->options->last_rows == 0)
        return OK;
    put_row(rows, values);
    TRY(buffer_status(&rows->row, error));
    if (rows->options->last_rows > 0)
        return keep(rows, (uint64_t)values[rows->bound->column_count].as.integer, error);
    return add_to_batch(rows, buffer_slice(&rows->row), error);
}

void initial_rows_open(InitialRows *rows, const BoundSubscribe *bound,
                       const SubscribeOptions *options, unsigned json_flags,
                       const SubscriberSink *sink, ResultSink *out)
{
    *rows =
        (InitialRows){.bound = bound, .options = options, .sink = sink, .json_flags = json_flags};
    buffer_open(&rows->row, 0);
    buffer_open(&rows->batch, 0);
    *out = (ResultSink){
        .wants_json = false, .columns = take_columns, .row = take_row, .context = rows};
}

Status initial_rows_finish(InitialRows *rows, Error *error)
{
    if (rows->kept_count > 0) {
        keep_newest(rows);
        qsort(rows->kept, rows->kept_count, sizeof *rows->kept, by_arrival);
        for (size_t i = 0; i < rows->kept_count; i++)
            TRY(add_to_batch(rows, rows->kept[i].json, error));
    }
    return send_batch(rows, false, error);
}

void initial_rows_close(InitialRows *rows)
{
    for (size_t i = 0; i < rows->kept_count; i++)
        memory_free((void *)(uintptr_t)rows->kept[i].json.data);
    memory_free(rows->kept);
    buffer_close(&rows->row);
    buffer_close(&rows->batch);
}
