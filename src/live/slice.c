/* A transaction is looked at a slice at a time, so that one of any size takes bounded memory. */
#include "live/live_int.h"

Status slice_open(Live *live, LiveSlice *out, Error *error)
{
    *out = (LiveSlice){.live = live};
    TRY(encodings_create(&live->options.frames, &out->encodings, error));
    arena_open(&out->arena, 0);
    arena_open(&out->scratch, 0);
    buffer_open(&out->converted, 0);
    return OK;
}

static void forget_schemas(LiveSlice *slice)
{
    while (slice->schema_count > 0)
        schema_release(slice->schemas[--slice->schema_count]);
}

void slice_close(LiveSlice *slice)
{
    forget_schemas(slice);
    encodings_destroy(slice->encodings);
    buffer_close(&slice->converted);
    arena_close(&slice->scratch);
    arena_close(&slice->arena);
    memory_free(slice->rows);
    memory_free(slice->changes);
}

/* ---- collecting ---- */

static void begin(LiveSlice *slice)
{
    encodings_clear(slice->encodings);
    arena_reset(&slice->arena);
    arena_reset(&slice->scratch);
    slice->row_count = 0;
    slice->bytes = 0;
    slice->match_count = 0;
    slice->is_last = false;
}

void slice_end_transaction(LiveSlice *slice)
{
    slice->has_commit = false;
    slice->commit = 0;
}

static bool is_full(const LiveSlice *slice)
{
    return slice->row_count == SLICE_ROWS_MAX ||
           slice->bytes >= slice->live->options.slice_bytes_max;
}

static Status reserve_row(LiveSlice *slice, Error *error)
{
    if (slice->row_count < slice->row_capacity)
        return OK;
    size_t capacity = slice->row_capacity == 0 ? 64 : slice->row_capacity * 2;
    LiveRowChange *grown = memory_resize(slice->rows, capacity * sizeof(LiveRowChange));
    if (grown == NULL)
        return error_out_of_memory(error);
    slice->rows = grown;
    slice->row_capacity = capacity;
    return OK;
}

static Status keep_payload(LiveSlice *slice, RowChange *change, Error *error)
{
    TRY(arena_clone(&slice->arena, change->row, &change->row, error));
    TRY(arena_clone(&slice->arena, change->old_row, &change->old_row, error));
    change->key = SLICE_EMPTY; /* nobody asks for it: both rows have it */
    return OK;
}

static Status add_row(LiveSlice *slice, const LiveSource *source, const LogFrame *frame,
                      uint64_t table_id, Error *error)
{
    RowChange change;
    TRY(row_change_decode(frame, &change, error));
    slice->committed_us = change.updated_us;
    if (table_id != 0 && change.table_id != table_id)
        return OK;
    TRY(reserve_row(slice, error));
    if (source_is_fleeting(source))
        TRY(keep_payload(slice, &change, error));
    slice->bytes += change.row.size + change.old_row.size;
    slice->rows[slice->row_count++] = (LiveRowChange){.change = change};
    return OK;
}

/* A part of a transaction is delivered under the number that its end will have. */
static Status find_commit(LiveSlice *slice, LiveSource *source, Error *error)
{
    if (slice->has_commit)
        return OK;
    TRY(source_commit_seq(source, &slice->commit, error));
    slice->has_commit = true;
    return OK;
}

Status slice_collect(LiveSlice *slice, LiveSource *source, uint64_t table_id, Error *error)
{
    begin(slice);
    while (!slice->is_last && !is_full(slice)) {
        const LogFrame *frame;
        TRY(source_peek(source, &frame, error));
        if (frame == NULL)
            return error_set(error, STATUS_DATA_CORRUPTED, "a transaction has no end in the log");
        bool ends = (frame->flags & LOG_FRAME_COMMIT) != 0;
        uint64_t seq = frame->seq;
        if (frame->kind == FRAME_ROW)
            TRY(add_row(slice, source, frame, table_id, error));
        if (is_full(slice) && !ends)
            TRY(find_commit(slice, source, error));
        source_take(source);
        if (ends) {
            slice->commit = seq;
            slice->has_commit = true;
            slice->is_last = true;
        }
    }
    return OK;
}

/* ---- rows of other versions ---- */

static Schema *known_schema(const LiveSlice *slice, uint64_t table_id, uint32_t version)
{
    for (size_t i = 0; i < slice->schema_count; i++) {
        Schema *schema = slice->schemas[i];
        if (schema->table_id == table_id && schema->version == version)
            return schema;
    }
    return NULL;
}

static Schema *schema_of_table(const CatalogTable *table, uint32_t version)
{
    if (table->schema->version == version)
        return table->schema;
    for (uint32_t i = 0; i < table->old_schema_count; i++) {
        if (table->old_schemas[i]->version == version)
            return table->old_schemas[i];
    }
    return NULL;
}

static Status find_schema(LiveSlice *slice, const RowChange *change, Schema **out, Error *error)
{
    *out = known_schema(slice, change->table_id, change->schema_version);
    if (*out != NULL)
        return OK;
    CatalogSnapshot *snapshot = catalog_snapshot(slice->live->catalog);
    const CatalogTable *table = catalog_table_by_id(snapshot, change->table_id);
    Schema *found = table == NULL ? NULL : schema_of_table(table, change->schema_version);
    if (found != NULL) {
        if (slice->schema_count == SCHEMAS_MAX)
            forget_schemas(slice);
        *out = slice->schemas[slice->schema_count++] = schema_clone(found);
    }
    bool is_dropped = table == NULL;
    catalog_snapshot_release(snapshot);
    if (is_dropped)
        return error_of(error, STATUS_UNDEFINED_TABLE);
    if (found == NULL)
        return error_set(error, STATUS_DATA_CORRUPTED,
                         "a row of the log has a version of its table that nobody knows");
    return OK;
}

/* To an older version: a column that is gone since, or has another type, is used by nobody who was
 * bound with that version (subscription_survives), and reads as NULL. */
static Status convert_back(LiveSlice *slice, const Schema *from, Slice row, const Schema *to,
                           Error *error)
{
    Value *values = ARENA_ARRAY(&slice->arena, Value, to->column_count);
    if (values == NULL)
        return arena_error(&slice->arena, error);
    for (uint32_t c = 0; c < to->column_count; c++) {
        Type type = to->columns[c].type;
        int32_t source = schema_find_field(from, to->columns[c].field_id);
        values[c] = value_null((TypeKind)type.kind);
        if (source >= 0 && type_equal(from->columns[source].type, type))
            TRY(row_get_in(&from->layout, row, (uint32_t)source, &slice->arena, &values[c], error));
    }
    return row_encode(&to->layout, values, &slice->converted, error);
}

static Status convert(LiveSlice *slice, const Schema *from, Slice row, const Schema *to, Slice *out,
                      Error *error)
{
    buffer_clear(&slice->converted);
    if (from->version < to->version)
        TRY(row_convert(from, row, to, &slice->arena, &slice->converted, error));
    else
        TRY(convert_back(slice, from, row, to, error));
    return arena_clone(&slice->arena, buffer_slice(&slice->converted), out, error);
}

static Status row_in(LiveSlice *slice, const Schema *own, Slice row, const Schema *wanted,
                     Slice *out, Error *error)
{
    if (!row_check(&own->layout, row))
        return error_set(error, STATUS_DATA_CORRUPTED, "a row of the log is damaged");
    *out = row;
    return own->version == wanted->version ? OK : convert(slice, own, row, wanted, out, error);
}

Status slice_image(LiveSlice *slice, LiveRowChange *row, Schema *schema, const LiveImage **out,
                   Error *error)
{
    const RowChange *change = &row->change;
    for (LiveImage *image = row->images; image != NULL; image = image->next) {
        if (image->schema->version == schema->version) {
            *out = image;
            return OK;
        }
    }
    Schema *own = schema;
    if (change->schema_version != schema->version)
        TRY(find_schema(slice, change, &own, error));
    LiveImage *image = ARENA_NEW(&slice->arena, LiveImage);
    if (image == NULL)
        return arena_error(&slice->arena, error);
    image->schema = schema;
    if (change->kind == WRITE_PUT)
        TRY(row_in(slice, own, change->row, schema, &image->row, error));
    if (change->had_old)
        TRY(row_in(slice, own, change->old_row, schema, &image->old_row, error));
    image->next = row->images;
    row->images = image;
    *out = image;
    return OK;
}

Status slice_owner_name(LiveSlice *slice, LiveRowChange *row, Error *error)
{
    if (row->has_owner_name)
        return OK;
    TRY(catalog_owner_name(slice->live->catalog, row->change.owner, &slice->arena, &row->owner_name,
                           error));
    row->has_owner_name = true;
    return OK;
}
