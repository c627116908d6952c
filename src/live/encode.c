#include "live/encode.h"

#include "base/json.h"
#include "live/encoding_int.h"
#include "live/live_int.h"

/* A value whose JSON is longer is sent as its size, where a change would not fit otherwise; what is
 * as short as this always is sent. */
enum { VALUE_BYTES_MIN = 64 };

typedef struct Writer {
    const LiveBatch *batch;
    const LiveProjection *projection;
    Arena *arena;
    Buffer *out;
    size_t value_bytes_max;
} Writer;

const char *live_operation_name(LiveOperation operation)
{
    static const char *const names[] = {"insert", "update", "delete", "leave"};
    ASSERT(operation <= LIVE_LEAVE);
    return names[operation];
}

void live_put_prefix(Buffer *out, Slice id)
{
    buffer_put_text(out, "{\"type\":\"changes\",\"id\":");
    json_put_string(out, id);
}

/* ---- values ---- */

static void put_large(Buffer *out, size_t bytes)
{
    buffer_put_text(out, "{\"large\":");
    buffer_put_decimal(out, bytes);
    buffer_put_u8(out, '}');
}

/* Twice: JSON may be shorter than what it says, but not by more. */
static void put_value(Writer *writer, Type type, const Value *value, bool is_key)
{
    Buffer *out = writer->out;
    size_t begin = out->size;
    size_t bytes = value->is_null ? 0 : value_heap_size(value);
    bool may_shorten = !is_key && !value->is_null;
    if (may_shorten && bytes / 2 > writer->value_bytes_max) {
        put_large(out, bytes);
        return;
    }
    if (value->is_null)
        buffer_put_text(out, "null");
    else
        value_put_json(out, type, value, writer->projection->json_flags);
    if (may_shorten && !out->failed && out->size - begin > writer->value_bytes_max) {
        out->size = begin;
        put_large(out, bytes);
    }
}

static void system_value(const LiveChange *change, bool is_old, uint32_t column, Type *type,
                         Value *out)
{
    if (column == LIVE_COLUMN_SEQ) {
        *type = TYPE(BIGINT);
        *out = value_integer(TYPE_BIGINT, (int64_t)change->seq);
        out->is_null = is_old;
    } else if (column == LIVE_COLUMN_UPDATED) {
        *type = TYPE(TIMESTAMPTZ);
        *out = value_integer(TYPE_TIMESTAMPTZ, change->updated_us);
        out->is_null = is_old;
    } else {
        *type = TYPE(TEXT);
        *out = value_text(change->owner_name);
    }
}

uint32_t live_column_count(const LiveSubscription *subscription)
{
    return subscription->projection.count;
}

static Status column_value(const LiveBatch *batch, const LiveChange *change, bool is_old,
                           uint32_t column, Arena *arena, Type *type, Value *out, Error *error)
{
    const Schema *schema = batch->schema;
    if (column >= LIVE_COLUMN_SEQ) {
        system_value(change, is_old, column, type, out);
        return OK;
    }
    *type = schema->columns[column].type;
    return row_get_in(&schema->layout, is_old ? change->old_row : change->row, column, arena, out,
                      error);
}

Status live_change_value(const LiveBatch *batch, const LiveChange *change, bool is_old,
                         uint32_t column, Arena *arena, Type *type, Value *out, Error *error)
{
    const LiveProjection *projection = &batch->subscription->projection;
    ASSERT(column < projection->count);
    return column_value(batch, change, is_old, projection->columns[column], arena, type, out,
                        error);
}

static Status put_row(Writer *writer, const LiveChange *change, bool is_old, Error *error)
{
    const Schema *schema = writer->batch->schema;
    buffer_put_text(writer->out, is_old ? ",\"old\":[" : ",\"row\":[");
    for (uint32_t i = 0; i < writer->projection->count; i++) {
        uint32_t column = writer->projection->columns[i];
        bool is_whole = column >= LIVE_COLUMN_SEQ || schema->columns[column].key_position >= 0;
        Type type;
        Value value;
        if (i > 0)
            buffer_put_u8(writer->out, ',');
        TRY(column_value(writer->batch, change, is_old, column, writer->arena, &type, &value,
                         error));
        put_value(writer, type, &value, is_whole);
    }
    buffer_put_u8(writer->out, ']');
    return OK;
}

/* ---- changes ---- */

static Status put_change(Writer *writer, const LiveChange *change, Error *error)
{
    Buffer *out = writer->out;
    buffer_clear(out);
    buffer_put_text(out, "{\"seq\":");
    buffer_put_decimal(out, change->seq);
    buffer_put_text(out, ",\"op\":\"");
    buffer_put_text(out, live_operation_name(change->operation));
    buffer_put_u8(out, '"');
    if (change->row.size > 0)
        TRY(put_row(writer, change, false, error));
    if (change->old_row.size > 0)
        TRY(put_row(writer, change, true, error));
    buffer_put_u8(out, '}');
    return buffer_status(out, error);
}

/* In at most so many bytes: the largest values give way first. */
static Status put_fitting_change(Writer *writer, const LiveChange *change, size_t bytes_max,
                                 Error *error)
{
    writer->value_bytes_max = bytes_max;
    for (;;) {
        TRY(put_change(writer, change, error));
        if (writer->out->size <= bytes_max)
            return OK;
        if (writer->value_bytes_max < VALUE_BYTES_MIN)
            return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                             "a change does not fit into a message of %zu bytes", bytes_max);
        writer->value_bytes_max /= 2;
    }
}

/* ---- bodies ---- */

enum {
    BODY_BEGIN_BYTES_MAX = 48, /* ,"commit":18446744073709551615,"changes":[ */
    BODY_END_BYTES_MAX = 16,   /* ],"more":true} */
};

typedef struct Bodies {
    EncodingWork *work;
    uint64_t commit;
    size_t bytes_max;
    bool is_empty;
} Bodies;

static void begin_body(Bodies *bodies)
{
    Buffer *body = &bodies->work->body;
    buffer_clear(body);
    buffer_put_text(body, ",\"commit\":");
    buffer_put_decimal(body, bodies->commit);
    buffer_put_text(body, ",\"changes\":[");
    bodies->is_empty = true;
}

static Status end_body(Bodies *bodies, bool more, Error *error)
{
    Buffer *body = &bodies->work->body;
    buffer_put_text(body, more ? "],\"more\":true}" : "]}");
    TRY(buffer_status(body, error));
    return encoding_add_message(bodies->work, buffer_slice(body), error);
}

static Status add_to_body(Bodies *bodies, Slice change, Error *error)
{
    Buffer *body = &bodies->work->body;
    size_t size = body->size + 1 + change.size + BODY_END_BYTES_MAX;
    if (!bodies->is_empty && size > bodies->bytes_max) {
        TRY(end_body(bodies, true, error));
        begin_body(bodies);
    }
    if (!bodies->is_empty)
        buffer_put_u8(body, ',');
    buffer_put_slice(body, change);
    bodies->is_empty = false;
    return OK;
}

static Status write_messages(EncodingWork *work, const LiveBatch *batch, size_t body_bytes_max,
                             Error *error)
{
    size_t around = BODY_BEGIN_BYTES_MAX + BODY_END_BYTES_MAX;
    Bodies bodies = {.work = work, .commit = batch->commit, .bytes_max = body_bytes_max};
    Writer writer = {.batch = batch,
                     .projection = &batch->subscription->projection,
                     .arena = work->arena,
                     .out = &work->change};
    if (body_bytes_max <= around)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "a message of %zu bytes holds no change", body_bytes_max);
    begin_body(&bodies);
    for (size_t i = 0; i < batch->count; i++) {
        TRY(put_fitting_change(&writer, &batch->changes[i], body_bytes_max - around, error));
        TRY(add_to_body(&bodies, buffer_slice(writer.out), error));
    }
    return end_body(&bodies, batch->more, error);
}

/* ---- shared ---- */

/* All that the bytes depend on. */
static void put_key(const LiveBatch *batch, size_t body_bytes_max, Buffer *out)
{
    const LiveProjection *projection = &batch->subscription->projection;
    buffer_clear(out);
    buffer_put_u64(out, body_bytes_max);
    buffer_put_u64(out, batch->schema->table_id);
    buffer_put_u32(out, batch->schema->version);
    buffer_put_u32(out, projection->json_flags);
    buffer_put_u8(out, batch->more);
    buffer_put_u32(out, projection->count);
    buffer_put(out, projection->columns, projection->count * sizeof(uint32_t));
    for (size_t i = 0; i < batch->count; i++) {
        buffer_put_u32(out, batch->changes[i].number);
        buffer_put_u8(out, (uint8_t)batch->changes[i].operation);
    }
}

Status live_encode(const LiveBatch *batch, size_t body_bytes_max, const LiveMessage **messages,
                   size_t *count, Error *error)
{
    EncodingWork *work = encodings_work(batch->encodings);
    put_key(batch, body_bytes_max, &work->key);
    TRY(buffer_status(&work->key, error));
    if (!encodings_find(batch->encodings, messages, count)) {
        Status status = write_messages(work, batch, body_bytes_max, error);
        if (status == OK)
            status = encodings_keep(batch->encodings, messages, count, error);
        if (status != OK) {
            encodings_drop(batch->encodings);
            return status;
        }
    }
    return OK;
}
