#include "api/result.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/json.h"

void result_writer_open(ResultWriter *writer, size_t limit)
{
    *writer = (ResultWriter){.limit = limit};
    buffer_open(&writer->out, 0);
    buffer_put_zeros(&writer->out, RESULT_HEAD_BYTES);
    writer->statement_start = writer->out.size;
}

void result_writer_close(ResultWriter *writer)
{
    buffer_close(&writer->out);
}

Slice result_content(const ResultWriter *writer)
{
    return slice_part(buffer_slice(&writer->out), RESULT_HEAD_BYTES, writer->out.size);
}

void result_sent(ResultWriter *writer)
{
    writer->out.size = RESULT_HEAD_BYTES;
    writer->statement_start = RESULT_HEAD_BYTES;
}

void result_drop(ResultWriter *writer)
{
    if (!writer->out.failed)
        writer->out.size = writer->statement_start;
    writer->has_columns = false;
    writer->has_rows = false;
    writer->is_within_row = false;
}

void result_begin(ResultWriter *writer)
{
    writer->statement_start = writer->out.size;
    writer->has_columns = false;
    writer->has_rows = false;
    writer->is_within_row = false;
}

/* ---- columns and rows ---- */

void result_put_columns(Buffer *out, const ResultColumn *columns, const bool *is_key,
                        uint32_t count)
{
    char type[TYPE_NAME_BYTES_MAX];
    buffer_put_u8(out, '[');
    for (uint32_t i = 0; i < count; i++) {
        type_name(columns[i].type, type);
        buffer_put_text(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        json_put_string(out, columns[i].name);
        buffer_put_text(out, ",\"type\":");
        json_put_string(out, slice_of_text(type));
        buffer_put_text(out, is_key != NULL && is_key[i] ? ",\"key\":true}" : "}");
    }
    buffer_put_u8(out, ']');
}

static void open_result(ResultWriter *writer)
{
    buffer_put_text(&writer->out, writer->results > 0 ? ",{" : "{");
}

static Status check_size(ResultWriter *writer, Error *error)
{
    TRY(buffer_status(&writer->out, error));
    if (writer->out.size <= writer->limit)
        return OK;
    if (writer->overflow != NULL)
        return writer->overflow(writer, error);
    return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED, "the result is larger than %zu bytes",
                     writer->limit);
}

static Status take_columns(void *context, const ResultColumn *columns, uint32_t count, Error *error)
{
    ResultWriter *writer = context;
    ASSERT(!writer->has_columns);
    open_result(writer);
    buffer_put_text(&writer->out, "\"columns\":");
    result_put_columns(&writer->out, columns, NULL, count);
    buffer_put_text(&writer->out, ",\"rows\":[");
    writer->has_columns = true;
    return check_size(writer, error);
}

/* A piece holds whole rows, or a part of one that is larger than the engine's slots (which counts
 * where it ends). The engine's pieces bring the comma in front of their rows along, others do not.
 */
static Status take_rows(void *context, Slice rows, uint64_t count, Error *error)
{
    ResultWriter *writer = context;
    ASSERT(writer->has_columns);
    if (rows.size == 0)
        return OK;
    if (writer->has_rows && !writer->is_within_row && rows.data[0] != ',')
        buffer_put_u8(&writer->out, ',');
    writer->has_rows = true;
    writer->is_within_row = count == 0;
    buffer_put_slice(&writer->out, rows);
    return check_size(writer, error);
}

/* ---- the end of a statement ---- */

static void put_notices(Buffer *out, const ResultSummary *summary)
{
    bool has_any = false;
    buffer_put_text(out, ",\"notices\":[");
    for (uint32_t i = 0; i < summary->notice_count && i < NOTICES_MAX; i++) {
        if (has_any)
            buffer_put_u8(out, ',');
        json_put_string(out, slice_of_text(summary->notices[i]));
        has_any = true;
    }
    buffer_put_u8(out, ']');
}

/* What there is to know about the write, for who wants to read it back elsewhere. */
static void put_write(Buffer *out, const ResultSummary *summary)
{
    if (summary->durability == NULL)
        return;
    if (summary->seq > 0) {
        buffer_put_text(out, ",\"seq\":");
        buffer_put_decimal(out, summary->seq);
    }
    buffer_put_text(out, ",\"durability\":");
    json_put_string(out, slice_of_text(summary->durability));
}

static void end_result(ResultWriter *writer)
{
    writer->results++;
    writer->statement_start = writer->out.size;
    writer->has_columns = false;
}

Status result_end(ResultWriter *writer, const ResultSummary *summary, Error *error)
{
    Buffer *out = &writer->out;
    if (writer->has_columns)
        buffer_put_text(out, "],");
    else
        open_result(writer);
    buffer_put_text(out, "\"row_count\":");
    buffer_put_decimal(out, summary->row_count);
    buffer_put_text(out, ",\"message\":");
    json_put_string(out, slice_of_text(summary->tag));
    if (summary->message[0] != '\0') {
        buffer_put_text(out, ",\"information\":");
        json_put_string(out, slice_of_text(summary->message));
    }
    put_write(out, summary);
    put_notices(out, summary);
    buffer_put_u8(out, '}');
    end_result(writer);
    return check_size(writer, error);
}

void result_put_subscription(ResultWriter *writer, Slice url, Slice sql)
{
    Buffer *out = &writer->out;
    result_drop(writer);
    open_result(writer);
    buffer_put_text(out, "\"message\":\"connect by WebSocket\",\"subscription\":{\"ws_url\":");
    json_put_string(out, url);
    buffer_put_text(out, ",\"sql\":");
    json_put_string(out, sql);
    buffer_put_text(out, ",\"options\":{}}}");
    end_result(writer);
}

/* ---- as a sink ---- */

static Status sink_begin(void *context, uint32_t number, Error *error)
{
    (void)number;
    (void)error;
    result_begin(context);
    return OK;
}

static Status sink_end(void *context, uint32_t number, const ResultSummary *summary,
                       int64_t took_ns, Error *error)
{
    (void)number;
    (void)took_ns;
    return result_end(context, summary, error);
}

StatementSink result_writer_sink(ResultWriter *writer)
{
    return (StatementSink){
        .rows = {.wants_json = true, .columns = take_columns, .json = take_rows, .context = writer},
        .begin = sink_begin,
        .end = sink_end,
        .context = writer,
    };
}

/* ---- the whole ---- */

/* Written from its end to the front, so that nothing has to be moved. */
Status result_finish(ResultWriter *writer, int64_t took_ns, Slice *out, Error *error)
{
    char head[RESULT_HEAD_BYTES];
    int64_t took_us = took_ns < 0 ? 0 : took_ns / 1000;
    buffer_put_text(&writer->out, "]}\n");
    TRY(buffer_status(&writer->out, error));
    int size =
        snprintf(head, sizeof head, "{\"status\":\"success\",\"took\":%lld.%03d,\"results\":[",
                 (long long)(took_us / 1000), (int)(took_us % 1000));
    ASSERT(size > 0 && size < RESULT_HEAD_BYTES);
    size_t from = RESULT_HEAD_BYTES - (size_t)size;
    memcpy(writer->out.data + from, head, (size_t)size);
    *out = slice_part(buffer_slice(&writer->out), from, writer->out.size);
    return OK;
}
