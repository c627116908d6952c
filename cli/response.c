#include "cli/response.h"

#include "cli/json_walk.h"

static Status read_raw(Arena *arena, Slice raw, JsonValue **out, Error *error)
{
    return json_read(arena, raw, RESPONSE_DEPTH_MAX, out, error);
}

/* A member as a tree; NULL where it is missing or null. */
static Status read_member(Arena *arena, Slice object, const char *key, JsonValue **out,
                          Error *error)
{
    Slice raw;
    *out = NULL;
    TRY(json_walk_member(object, key, &raw, error));
    if (raw.data == NULL)
        return OK;
    TRY(read_raw(arena, raw, out, error));
    if ((*out)->kind == JSON_NULL)
        *out = NULL;
    return OK;
}

static void read_error(const JsonValue *value, ResponseError *out)
{
    const JsonValue *position = json_member(value, "position");
    out->code = json_member_text(value, "code", SLICE("INTERNAL"));
    out->sqlstate = json_member_text(value, "sqlstate", SLICE("XX000"));
    out->message = json_member_text(value, "message", SLICE("the server did not say why"));
    out->detail = json_member_text(value, "detail", SLICE_EMPTY);
    out->hint = json_member_text(value, "hint", SLICE_EMPTY);
    out->statement = json_member_integer(value, "statement", 0);
    out->has_position = position != NULL && position->kind == JSON_OBJECT;
    out->line = json_member_integer(position, "line", 1);
    out->column = json_member_integer(position, "column", 1);
}

Status response_read(Arena *arena, Slice body, Response *out, Error *error)
{
    JsonValue *status;
    JsonValue *took;
    JsonValue *failure;
    *out = (Response){0};
    TRY(read_member(arena, body, "status", &status, error));
    TRY(read_member(arena, body, "took", &took, error));
    TRY(read_member(arena, body, "error", &failure, error));
    TRY(json_walk_member(body, "results", &out->results, error));
    if (status == NULL || status->kind != JSON_STRING)
        return error_set(error, STATUS_INVALID_JSON_TEXT,
                         "the server's answer has no status: is this a Firn server?");
    if (took != NULL && took->kind == JSON_NUMBER)
        out->took_ms = json_number(took);
    out->is_error = !slice_equal_text(status->text, "success");
    if (out->is_error)
        read_error(failure, &out->error);
    return OK;
}

static Status read_columns(Arena *arena, const JsonValue *columns, ResponseResult *out,
                           Error *error)
{
    if (columns->kind != JSON_ARRAY || columns->count > RESPONSE_COLUMNS_MAX)
        return error_set(error, STATUS_INVALID_JSON_TEXT, "the result's columns are no list");
    out->column_count = columns->count;
    out->columns = ARENA_ARRAY(arena, ResponseColumn, columns->count);
    if (out->columns == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < columns->count; i++) {
        const JsonValue *column = &columns->children[i];
        out->columns[i].name = json_member_text(column, "name", SLICE("?"));
        out->columns[i].type = json_member_text(column, "type", SLICE_EMPTY);
    }
    return OK;
}

Status response_read_result(Arena *arena, Slice raw, ResponseResult *out, Error *error)
{
    JsonValue *columns;
    JsonValue *value;
    *out = (ResponseResult){0};
    TRY(read_member(arena, raw, "columns", &columns, error));
    if (columns != NULL)
        TRY(read_columns(arena, columns, out, error));
    TRY(json_walk_member(raw, "rows", &out->rows, error));
    TRY(read_member(arena, raw, "row_count", &value, error));
    out->row_count = value != NULL && value->is_integer ? value->integer : 0;
    TRY(read_member(arena, raw, "message", &value, error));
    out->message = value != NULL && value->kind == JSON_STRING ? value->text : SLICE_EMPTY;
    TRY(read_member(arena, raw, "durability", &value, error));
    out->durability = value != NULL && value->kind == JSON_STRING ? value->text : SLICE_EMPTY;
    TRY(read_member(arena, raw, "seq", &value, error));
    out->seq = value != NULL && value->is_integer ? value->integer : 0;
    TRY(read_member(arena, raw, "notices", &value, error));
    out->notices = value != NULL && value->kind == JSON_ARRAY ? value : NULL;
    return OK;
}
