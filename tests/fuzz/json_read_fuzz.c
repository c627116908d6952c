/* The JSON reader against any bytes: it takes valid documents, says what is wrong with others, and
 * what it took can be written and read again to the same values. */
#include "base/assert.h"
#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    DEPTH_MAX = 40,
    ARENA_BYTES_MAX = 16 << 20,
};

/* Depth is at most DEPTH_MAX, which the reader has checked. */
static void write_value(JsonWriter *writer, const JsonValue *value)
{
    bool is_object = value->kind == JSON_OBJECT;
    if (value->kind == JSON_STRING)
        json_slice(writer, value->text);
    else if (is_object)
        json_open_object(writer);
    else if (value->kind == JSON_ARRAY)
        json_open_array(writer);
    else
        json_raw(writer, value->raw);
    if (value->kind == JSON_NUMBER)
        (void)json_number(value);
    for (uint32_t i = 0; i < value->count; i++) {
        if (is_object)
            json_key_slice(writer, value->children[i].key);
        write_value(writer, &value->children[i]);
    }
    if (is_object)
        json_close_object(writer);
    else if (value->kind == JSON_ARRAY)
        json_close_array(writer);
}

static void check_equal(const JsonValue *a, const JsonValue *b)
{
    ASSERT(a->kind == b->kind && a->count == b->count && slice_equal(a->key, b->key));
    ASSERT(slice_equal(a->text, b->text) && a->boolean == b->boolean);
    ASSERT(a->is_integer == b->is_integer && a->integer == b->integer);
    for (uint32_t i = 0; i < a->count; i++)
        check_equal(&a->children[i], &b->children[i]);
}

static void check_written(Arena *arena, const JsonValue *value)
{
    Buffer out;
    JsonWriter writer;
    JsonValue *again;
    Error error;
    buffer_open(&out, 0);
    json_begin(&writer, &out);
    write_value(&writer, value);
    Status status = json_read(arena, buffer_slice(&out), DEPTH_MAX, &again, &error);
    ASSERT(status == OK || status == STATUS_PROGRAM_LIMIT_EXCEEDED);
    if (status == OK)
        check_equal(value, again);
    buffer_close(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Arena arena;
    JsonValue *value;
    Error error;
    arena_open(&arena, ARENA_BYTES_MAX);
    Status status = json_read(&arena, slice_of(data, size), DEPTH_MAX, &value, &error);
    ASSERT(status == OK || error.status == status);
    if (status == OK)
        check_written(&arena, value);
    arena_close(&arena);
    return 0;
}
