/* RUN: a statement with everything it stands on. */
#include "base/assert.h"
#include "worker/protocol_int.h"

enum ReferenceFlag {
    REFERENCE_HAS_OWNER = 1,
    REFERENCE_OWNER_COLUMN = 2,
    REFERENCE_LOCATION = 4,
    REFERENCE_ORDERED = 8,
    REFERENCE_FLAGS = 15,
};

/* ---- encoding ---- */

static void put_type(Buffer *out, Type type)
{
    buffer_put_u8(out, type.kind);
    buffer_put_u8(out, type.element);
    buffer_put_u32(out, (uint32_t)type.a);
    buffer_put_u32(out, (uint32_t)type.b);
}

static void put_block(Buffer *out, const WorkerBlock *block)
{
    buffer_put_u64(out, block->region_id);
    buffer_put_u64(out, block->offset);
    buffer_put_u64(out, block->published);
    buffer_put_u8(out, block->offsets != NULL);
    if (block->offsets == NULL)
        return;
    buffer_put_u32(out, block->offset_count);
    buffer_put(out, block->offsets, (size_t)block->offset_count * sizeof *block->offsets);
}

static void put_hot(Buffer *out, const WorkerHot *hot)
{
    schema_encode(out, hot->schema);
    buffer_put_u32(out, hot->without_count);
    for (uint32_t i = 0; i < hot->without_count; i++)
        buffer_put_u32(out, hot->without[i]);
    buffer_put_u32(out, hot->block_count);
    for (uint32_t i = 0; i < hot->block_count; i++)
        put_block(out, &hot->blocks[i]);
}

static uint8_t reference_flags(const WorkerReference *reference)
{
    unsigned flags = 0;
    flags |= reference->has_owner ? REFERENCE_HAS_OWNER : 0u;
    flags |= reference->with_owner_column ? REFERENCE_OWNER_COLUMN : 0u;
    flags |= reference->with_location ? REFERENCE_LOCATION : 0u;
    flags |= reference->is_ordered ? REFERENCE_ORDERED : 0u;
    return (uint8_t)flags;
}

static void put_reference(Buffer *out, const WorkerReference *reference)
{
    schema_encode(out, reference->schema);
    buffer_put_u64(out, reference->seq);
    buffer_put_u8(out, reference_flags(reference));
    buffer_put_u32(out, reference->owner);
    buffer_put_u32(out, reference->owner_name_count);
    for (uint32_t i = 0; i < reference->owner_name_count; i++) {
        buffer_put_u32(out, reference->owner_names[i].owner);
        buffer_put_sized(out, reference->owner_names[i].name);
    }
    buffer_put_u32(out, reference->column_count);
    for (uint32_t i = 0; i < reference->column_count; i++)
        buffer_put_u16(out, reference->columns[i]);
    buffer_put_u32(out, reference->file_count);
    for (uint32_t i = 0; i < reference->file_count; i++) {
        buffer_put_u64(out, reference->files[i].row_count);
        buffer_put_u64(out, reference->files[i].bitmap_id);
        buffer_put_sized(out, reference->files[i].marks);
    }
    buffer_put_u32(out, reference->hot_count);
    for (uint32_t i = 0; i < reference->hot_count; i++)
        put_hot(out, &reference->hot[i]);
}

static void put_lists(Buffer *out, const WorkerRequest *request)
{
    buffer_put_u32(out, request->alive_slot_count);
    for (uint32_t i = 0; i < request->alive_slot_count; i++) {
        buffer_put_u32(out, request->alive_slots[i].reference);
        buffer_put_u32(out, request->alive_slots[i].file);
    }
    buffer_put_u32(out, request->delete_count);
    for (uint32_t i = 0; i < request->delete_count; i++) {
        buffer_put_sized(out, request->deletes[i].path);
        buffer_put_sized(out, request->deletes[i].positions);
    }
}

Status request_encode(Buffer *out, const WorkerRequest *request, Error *error)
{
    buffer_put_sized(out, request->sql);
    buffer_put_u8(out, (uint8_t)request->format);
    buffer_put_u8(out, request->holds);
    buffer_put_u32(out, request->json_flags);
    buffer_put_u32(out, request->threads);
    buffer_put_u64(out, request->rows_max);
    buffer_put_u64(out, (uint64_t)request->now_us);
    buffer_put_u32(out, request->parameter_count);
    for (uint32_t i = 0; i < request->parameter_count; i++)
        value_encode(out, &request->parameters[i]);
    buffer_put_u32(out, request->result_count);
    for (uint32_t i = 0; i < request->result_count; i++)
        put_type(out, request->result_types[i]);
    buffer_put_u32(out, request->lead_count);
    buffer_put_u32(out, request->reference_count);
    for (uint32_t i = 0; i < request->reference_count; i++)
        put_reference(out, &request->references[i]);
    put_lists(out, request);
    return buffer_status(out, error);
}

/* ---- decoding ---- */

static Status decode_type(Cursor *cursor, Type *out, Error *error)
{
    Type type = {.kind = cursor_u8(cursor)};
    type.element = cursor_u8(cursor);
    type.a = (int32_t)cursor_u32(cursor);
    type.b = (int32_t)cursor_u32(cursor);
    bool good = type.kind > TYPE_UNKNOWN && type.kind < TYPE_KIND_COUNT &&
                type.element < TYPE_KIND_COUNT && type.a >= 0 && type.b >= 0;
    if (type.kind == TYPE_DECIMAL)
        good = good && type.a <= DECIMAL_PRECISION_MAX && type.b <= DECIMAL_PRECISION_MAX;
    if (type.kind == TYPE_VECTOR)
        good = good && type.a >= 1 && type.a <= VECTOR_DIMENSION_MAX;
    if (!good || cursor->failed)
        return protocol_violation(error, "a type that there is not");
    *out = type;
    return OK;
}

static Status decode_offsets(Arena *arena, Cursor *cursor, WorkerBlock *block, Error *error)
{
    uint32_t count = cursor_u32(cursor);
    Slice bytes = cursor_bytes(cursor, (size_t)count * sizeof *block->offsets);
    if (cursor->failed)
        return protocol_violation(error, "offsets are missing");
    uint32_t *offsets = arena_allocate(arena, bytes.size + 1); /* their place here is not aligned */
    if (offsets == NULL)
        return arena_error(arena, error);
    if (bytes.size > 0)
        memcpy(offsets, bytes.data, bytes.size);
    block->offsets = offsets;
    block->offset_count = count;
    return OK;
}

static Status decode_blocks(Arena *arena, Cursor *cursor, WorkerHot *hot, Error *error)
{
    void *items = NULL;
    TRY(decode_array(arena, cursor, HOT_BLOCKS_MAX, 25, sizeof(WorkerBlock), &hot->block_count,
                     &items, error));
    WorkerBlock *blocks = items;
    for (uint32_t i = 0; i < hot->block_count; i++) {
        blocks[i].region_id = cursor_u64(cursor);
        blocks[i].offset = cursor_u64(cursor);
        blocks[i].published = cursor_u64(cursor);
        if (cursor_u8(cursor) != 0)
            TRY(decode_offsets(arena, cursor, &blocks[i], error));
        if (blocks[i].offset % 8 != 0)
            return protocol_violation(error, "a block is not aligned");
    }
    hot->blocks = blocks;
    return OK;
}

static Status decode_hot(Arena *arena, Cursor *cursor, WorkerHot *hot, Error *error)
{
    TRY(schema_decode(cursor, &hot->schema, error));
    void *items = NULL;
    TRY(decode_array(arena, cursor, REFERENCE_OWNERS_MAX, 4, sizeof(WorkerOwner),
                     &hot->without_count, &items, error));
    WorkerOwner *without = items;
    for (uint32_t i = 0; i < hot->without_count; i++) {
        without[i] = cursor_u32(cursor);
        if (i > 0 && without[i] <= without[i - 1])
            return protocol_violation(error, "owners are not in order");
    }
    hot->without = without;
    return decode_blocks(arena, cursor, hot, error);
}

static Status decode_owner_names(Arena *arena, Cursor *cursor, WorkerReference *reference,
                                 Error *error)
{
    void *items = NULL;
    TRY(decode_array(arena, cursor, REFERENCE_OWNERS_MAX, 5, sizeof(WorkerOwnerName),
                     &reference->owner_name_count, &items, error));
    WorkerOwnerName *names = items;
    for (uint32_t i = 0; i < reference->owner_name_count; i++) {
        names[i].owner = cursor_u32(cursor);
        names[i].name = cursor_sized(cursor);
        bool in_order = i == 0 || names[i].owner > names[i - 1].owner;
        if (!in_order || !slice_is_utf8_text(names[i].name))
            return protocol_violation(error, "owners' names are not in order");
    }
    reference->owner_names = names;
    return OK;
}

static Status decode_columns(Arena *arena, Cursor *cursor, WorkerReference *reference, Error *error)
{
    void *items = NULL;
    TRY(decode_array(arena, cursor, COLUMNS_MAX, 2, sizeof(uint16_t), &reference->column_count,
                     &items, error));
    uint16_t *columns = items;
    for (uint32_t i = 0; i < reference->column_count; i++) {
        columns[i] = cursor_u16(cursor);
        if (columns[i] >= reference->schema->column_count)
            return protocol_violation(error, "a column that the table has not");
    }
    reference->columns = columns;
    return OK;
}

static Status decode_files(Arena *arena, Cursor *cursor, WorkerReference *reference, Error *error)
{
    void *items = NULL;
    TRY(decode_array(arena, cursor, REFERENCE_FILES_MAX, 17, sizeof(WorkerFile),
                     &reference->file_count, &items, error));
    WorkerFile *files = items;
    for (uint32_t i = 0; i < reference->file_count; i++) {
        files[i].row_count = cursor_u64(cursor);
        files[i].bitmap_id = cursor_u64(cursor);
        files[i].marks = cursor_sized(cursor);
    }
    reference->files = files;
    return OK;
}

static Status decode_hots(Arena *arena, Cursor *cursor, WorkerReference *reference, Error *error)
{
    uint32_t count = 0;
    void *items = NULL;
    TRY(decode_array(arena, cursor, REFERENCE_HOT_MAX, 8, sizeof(WorkerHot), &count, &items,
                     error));
    reference->hot = items;
    for (uint32_t i = 0; i < count; i++) {
        reference->hot_count = i + 1; /* so that its schema is released whatever follows */
        TRY(decode_hot(arena, cursor, &((WorkerHot *)items)[i], error));
    }
    return OK;
}

static Status decode_reference(Arena *arena, Cursor *cursor, WorkerReference *reference,
                               Error *error)
{
    TRY(schema_decode(cursor, &reference->schema, error));
    reference->seq = cursor_u64(cursor);
    unsigned flags = cursor_u8(cursor);
    if (flags > REFERENCE_FLAGS)
        return protocol_violation(error, "a flag that there is not");
    reference->has_owner = (flags & REFERENCE_HAS_OWNER) != 0;
    reference->with_owner_column = (flags & REFERENCE_OWNER_COLUMN) != 0;
    reference->with_location = (flags & REFERENCE_LOCATION) != 0;
    reference->is_ordered = (flags & REFERENCE_ORDERED) != 0;
    reference->owner = cursor_u32(cursor);
    TRY(decode_owner_names(arena, cursor, reference, error));
    TRY(decode_columns(arena, cursor, reference, error));
    TRY(decode_files(arena, cursor, reference, error));
    TRY(decode_hots(arena, cursor, reference, error));
    bool is_table_read = reference->is_ordered && reference->hot_count != 1;
    return is_table_read ? protocol_violation(error, "ordered records need one part") : OK;
}

static Status decode_parameters(Arena *arena, Cursor *cursor, WorkerRequest *request, Error *error)
{
    void *items = NULL;
    TRY(decode_array(arena, cursor, REQUEST_PARAMETERS_MAX, 2, sizeof(Value),
                     &request->parameter_count, &items, error));
    for (uint32_t i = 0; i < request->parameter_count; i++)
        TRY(value_decode(arena, cursor, &((Value *)items)[i], error));
    request->parameters = items;
    return OK;
}

/* Does a value of it lie in Value.as.integer? */
static bool is_integral(Type type)
{
    return type_is_integer(type) || (type.kind >= TYPE_DATE && type.kind <= TYPE_TIMESTAMPTZ);
}

static Status decode_result_types(Arena *arena, Cursor *cursor, WorkerRequest *request,
                                  Error *error)
{
    void *items = NULL;
    TRY(decode_array(arena, cursor, REQUEST_RESULTS_MAX, 10, sizeof(Type), &request->result_count,
                     &items, error));
    for (uint32_t i = 0; i < request->result_count; i++)
        TRY(decode_type(cursor, &((Type *)items)[i], error));
    request->result_types = items;
    request->lead_count = cursor_u32(cursor);
    bool good = request->lead_count <= REQUEST_LEAD_MAX &&
                request->lead_count <= request->result_count &&
                (request->lead_count == 0 || request->format == FORMAT_ROWS);
    for (uint32_t i = 0; good && i < request->lead_count; i++)
        good = is_integral(request->result_types[i]);
    return good ? OK : protocol_violation(error, "leading columns that there are not");
}

static Status decode_references(Arena *arena, Cursor *cursor, WorkerRequest *request, Error *error)
{
    uint32_t count = 0;
    void *items = NULL;
    TRY(decode_array(arena, cursor, REQUEST_REFERENCES_MAX, 16, sizeof(WorkerReference), &count,
                     &items, error));
    request->references = items;
    for (uint32_t i = 0; i < count; i++) {
        request->reference_count = i + 1;
        TRY(decode_reference(arena, cursor, &((WorkerReference *)items)[i], error));
    }
    return OK;
}

static Status decode_alive_slots(Cursor *cursor, WorkerRequest *request, Error *error)
{
    request->alive_slot_count = cursor_u32(cursor);
    if (request->alive_slot_count > ALIVE_SLOTS_MAX)
        return protocol_violation(error, "too many files with a slot of their own");
    for (uint32_t i = 0; i < request->alive_slot_count; i++) {
        AliveSlot slot = {.reference = cursor_u32(cursor)};
        slot.file = cursor_u32(cursor);
        if (slot.reference >= request->reference_count ||
            slot.file >= request->references[slot.reference].file_count)
            return protocol_violation(error, "a slot for a file that there is not");
        request->alive_slots[i] = slot;
    }
    return OK;
}

static Status decode_deletes(Arena *arena, Cursor *cursor, WorkerRequest *request, Error *error)
{
    void *items = NULL;
    TRY(decode_array(arena, cursor, DELETE_LISTS_MAX, 2, sizeof(DeleteList), &request->delete_count,
                     &items, error));
    DeleteList *lists = items;
    for (uint32_t i = 0; i < request->delete_count; i++) {
        lists[i].path = cursor_sized(cursor);
        lists[i].positions = cursor_sized(cursor);
        if (!slice_is_utf8_text(lists[i].path))
            return protocol_violation(error, "a path is no text");
    }
    request->deletes = lists;
    return OK;
}

static Status decode_all(Arena *arena, Cursor *cursor, WorkerRequest *request, Error *error)
{
    request->sql = cursor_sized(cursor);
    unsigned format = cursor_u8(cursor);
    if (format != FORMAT_ROWS && format != FORMAT_JSON)
        return protocol_violation(error, "a format that there is not");
    request->format = (WorkerFormat)format;
    request->holds = cursor_u8(cursor) != 0;
    request->json_flags = cursor_u32(cursor);
    request->threads = cursor_u32(cursor);
    request->rows_max = cursor_u64(cursor);
    request->now_us = (int64_t)cursor_u64(cursor);
    TRY(decode_parameters(arena, cursor, request, error));
    TRY(decode_result_types(arena, cursor, request, error));
    TRY(decode_references(arena, cursor, request, error));
    TRY(decode_alive_slots(cursor, request, error));
    TRY(decode_deletes(arena, cursor, request, error));
    return decode_end(cursor, "RUN", error);
}

Status request_decode(Arena *arena, Slice bytes, WorkerRequest *out, Error *error)
{
    Cursor cursor = cursor_of(bytes);
    WorkerRequest request = {.format = FORMAT_ROWS};
    Status status = decode_all(arena, &cursor, &request, error);
    if (status == OK)
        *out = request;
    else
        request_close(&request);
    return status;
}

static void release(Schema *schema)
{
    if (schema != NULL)
        schema_release(schema);
}

void request_close(WorkerRequest *request)
{
    for (uint32_t i = 0; i < request->reference_count; i++) {
        const WorkerReference *reference = &request->references[i];
        release(reference->schema);
        for (uint32_t k = 0; k < reference->hot_count; k++)
            release(reference->hot[k].schema);
    }
    request->reference_count = 0;
}
