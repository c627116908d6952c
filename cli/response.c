#include "cli/response.h"

#include "cli/json_walk.h"

/* Members of an object that are looked for, and what was found; data NULL: nothing, or null. */
typedef struct RawMember {
    const char *key;
    Slice value;
} RawMember;

/* All of them in one walk: a result's rows may be a gigabyte. */
static Status find_members(Slice object, RawMember *members, size_t count, Error *error)
{
    JsonWalk walk;
    bool has = json_walk_object(&walk, object);
    while (has) {
        Slice key;
        Slice value;
        TRY(json_walk_next(&walk, &has, &key, &value, error));
        for (size_t i = 0; has && i < count; i++) {
            if (slice_equal_text(key, members[i].key) && !slice_equal_text(value, "null"))
                members[i].value = value;
        }
    }
    return OK;
}

/* As a tree; NULL where there is nothing. */
static Status read_tree(Arena *arena, Slice raw, JsonValue **out, Error *error)
{
    *out = NULL;
    return raw.data == NULL ? OK : json_read(arena, raw, RESPONSE_DEPTH_MAX, out, error);
}

static Slice text_of(const JsonValue *value)
{
    return value != NULL && value->kind == JSON_STRING ? value->text : SLICE_EMPTY;
}

static int64_t integer_of(const JsonValue *value)
{
    return value != NULL && value->is_integer ? value->integer : 0;
}

void response_read_error(const JsonValue *value, ResponseError *out)
{
    const JsonValue *position = json_member(value, "position");
    out->code = json_member_text(value, "code", SLICE("INTERNAL"));
    out->sqlstate = json_member_text(value, "sqlstate", SLICE("XX000"));
    out->message = json_member_text(value, "message", SLICE("the server did not say why"));
    out->detail = json_member_text(value, "detail", SLICE_EMPTY);
    out->hint = json_member_text(value, "hint", SLICE_EMPTY);
    out->byte = json_member_integer(position, "byte", -1);
}

Status response_read(Arena *arena, Slice body, Response *out, Error *error)
{
    enum { STATE, TOOK, FAILURE, RESULTS, COUNT };
    RawMember members[COUNT] = {{"status", SLICE_EMPTY},
                                {"took", SLICE_EMPTY},
                                {"error", SLICE_EMPTY},
                                {"results", SLICE_EMPTY}};
    JsonValue *state;
    JsonValue *took;
    JsonValue *failure;
    *out = (Response){0};
    TRY(find_members(body, members, COUNT, error));
    TRY(read_tree(arena, members[STATE].value, &state, error));
    TRY(read_tree(arena, members[TOOK].value, &took, error));
    TRY(read_tree(arena, members[FAILURE].value, &failure, error));
    if (state == NULL || state->kind != JSON_STRING)
        return error_set(error, STATUS_INVALID_JSON_TEXT,
                         "the server's answer has no status: is this a Firn server?");
    if (took != NULL && took->kind == JSON_NUMBER)
        out->took_ms = json_number(took);
    out->results = members[RESULTS].value;
    out->is_error = !slice_equal_text(state->text, "success");
    if (out->is_error)
        response_read_error(failure, &out->error);
    return OK;
}

Status response_read_columns(Arena *arena, Slice raw, ResponseColumn **out, size_t *count,
                             Error *error)
{
    JsonValue *columns;
    TRY(read_tree(arena, raw, &columns, error));
    if (columns == NULL || columns->kind != JSON_ARRAY || columns->count > RESPONSE_COLUMNS_MAX)
        return error_set(error, STATUS_INVALID_JSON_TEXT, "the result's columns are no list");
    *out = ARENA_ARRAY(arena, ResponseColumn, columns->count);
    if (*out == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < columns->count; i++) {
        const JsonValue *column = &columns->children[i];
        (*out)[i].name = json_member_text(column, "name", SLICE("?"));
        (*out)[i].type = json_member_text(column, "type", SLICE_EMPTY);
        (*out)[i].is_key = json_member_boolean(column, "key", false);
    }
    *count = columns->count;
    return OK;
}

Status response_read_result(Arena *arena, Slice raw, ResponseResult *out, Error *error)
{
    enum { COLUMNS, ROWS, ROW_COUNT, MESSAGE, INFORMATION, DURABILITY, SEQ, NOTICES, COUNT };
    RawMember members[COUNT] = {{"columns", SLICE_EMPTY},     {"rows", SLICE_EMPTY},
                                {"row_count", SLICE_EMPTY},   {"message", SLICE_EMPTY},
                                {"information", SLICE_EMPTY}, {"durability", SLICE_EMPTY},
                                {"seq", SLICE_EMPTY},         {"notices", SLICE_EMPTY}};
    JsonValue *trees[COUNT] = {NULL};
    *out = (ResponseResult){0};
    TRY(find_members(raw, members, COUNT, error));
    for (size_t i = ROW_COUNT; i < COUNT; i++)
        TRY(read_tree(arena, members[i].value, &trees[i], error));
    if (members[COLUMNS].value.data != NULL)
        TRY(response_read_columns(arena, members[COLUMNS].value, &out->columns, &out->column_count,
                                  error));
    out->rows = members[ROWS].value;
    out->row_count = integer_of(trees[ROW_COUNT]);
    out->message = text_of(trees[MESSAGE]);
    out->information = text_of(trees[INFORMATION]);
    out->durability = text_of(trees[DURABILITY]);
    out->seq = integer_of(trees[SEQ]);
    out->notices = trees[NOTICES];
    return OK;
}
