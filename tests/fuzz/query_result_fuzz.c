/* What the server reads from a worker: the ends of statements, and rows cut out of bytes that come
 * in pieces. The first byte says which. */
#include "query/talk_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Status look_at_rows(void *context, const RowLayout *layout, const Slice *rows,
                           const int64_t *lead, size_t count, Error *error)
{
    Arena *arena = context;
    for (size_t i = 0; i < count; i++) {
        for (uint32_t c = 0; c < layout->column_count; c++) {
            Value value;
            TRY(row_get_in(layout, rows[i], c, arena, &value, error));
        }
        if (lead[i] == INT64_MIN)
            return error_set(error, STATUS_NOT_FOUND, "enough");
    }
    return OK;
}

static void read_rows(Arena *arena, Slice bytes, size_t piece)
{
    static const Type types[] = {{.kind = TYPE_BIGINT},
                                 {.kind = TYPE_TEXT},
                                 {.kind = TYPE_DECIMAL, .a = 20, .b = 2},
                                 {.kind = TYPE_VECTOR, .a = 3},
                                 {.kind = TYPE_ARRAY, .element = TYPE_TEXT}};
    static RowStream stream;
    RowLayout layout;
    Error error;
    if (row_layout_open(arena, types, 5, &layout, &error) != OK)
        return;
    row_stream_open(&stream, &layout, 1, (RowSink){look_at_rows, arena});
    Status status = OK;
    for (size_t at = 0; status == OK && at < bytes.size; at += piece)
        status = row_stream_bytes(&stream, slice_part(bytes, at, piece), 0, &error);
    if (status == OK)
        status = row_stream_end(&stream, &error);
    row_stream_close(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    Slice bytes = slice_of(data + 2, size - 2);
    Arena arena;
    Error error;
    Error said;
    SlotMessage slot;
    WorkerDone done;
    Status ignored = OK;
    arena_open(&arena, 64 << 20);
    switch (data[0] % 4) {
    case 0:
        read_rows(&arena, bytes, data[1] + 1u);
        break;
    case 1:
        ignored = slot_decode(bytes, &slot, &error);
        break;
    case 2:
        ignored = done_decode(bytes, &done, &error);
        break;
    default:
        ignored = failure_decode(bytes, &said, &error);
    }
    (void)ignored;
    arena_close(&arena);
    return 0;
}
