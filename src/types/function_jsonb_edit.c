/* JSONB changed: joined, cut, set, printed. Trees are edited in the arena and written again; keys
 * stay sorted and single. */
#include "types/function_int.h"
#include "types/json_int.h"

static Status parse(EvaluationContext *context, const Value *value, JsonValue **out, Error *error)
{
    return json_parse(context->arena, value->as.bytes, out, error);
}

static Status finish(EvaluationContext *context, const JsonValue *json, Value *result, Error *error)
{
    Buffer text;
    text_buffer_open(&text);
    json_put_normal(&text, json);
    return text_buffer_result(context, &text, TYPE_JSONB, result, error);
}

static bool is_scalar(const JsonValue *json)
{
    return json->kind != JSON_ARRAY && json->kind != JSON_OBJECT;
}

static Status refuse(const char *what, Error *error)
{
    return error_set(error, STATUS_INVALID_PARAMETER_VALUE, "%s", what);
}

/* Room for other children; what is copied into it is the caller's. */
static Status new_children(EvaluationContext *context, uint32_t count, JsonValue **out,
                           Error *error)
{
    *out = ARENA_ARRAY(context->arena, JsonValue, count);
    return *out == NULL ? arena_error(context->arena, error) : OK;
}

/* ---- || ---- */

/* Members of both; where a key is in both, the right one's. */
static Status merge(EvaluationContext *context, const JsonValue *a, const JsonValue *b,
                    JsonValue *out, Error *error)
{
    JsonValue *members;
    uint32_t count = 0;
    TRY(new_children(context, a->count + b->count, &members, error));
    for (uint32_t i = 0; i < a->count; i++) {
        if (json_find_member(b, a->children[i].key) == NULL)
            members[count++] = a->children[i];
    }
    for (uint32_t i = 0; i < b->count; i++)
        members[count++] = b->children[i];
    *out = (JsonValue){.kind = JSON_OBJECT, .count = count, .children = members};
    json_sort_members(out);
    return OK;
}

/* What is no array counts as one of itself. */
static Status append(EvaluationContext *context, const JsonValue *a, const JsonValue *b,
                     JsonValue *out, Error *error)
{
    const JsonValue *parts[] = {a, b};
    JsonValue *elements;
    uint32_t count = 0;
    uint32_t room = (a->kind == JSON_ARRAY ? a->count : 1) + (b->kind == JSON_ARRAY ? b->count : 1);
    TRY(new_children(context, room, &elements, error));
    for (int side = 0; side < 2; side++) {
        bool is_array = parts[side]->kind == JSON_ARRAY;
        for (uint32_t i = 0; i < (is_array ? parts[side]->count : 1); i++)
            elements[count++] = is_array ? parts[side]->children[i] : *parts[side];
    }
    *out = (JsonValue){.kind = JSON_ARRAY, .count = count, .children = elements};
    return OK;
}

FUNCTION(jsonb_concat)
{
    JsonValue *a;
    JsonValue *b;
    JsonValue out;
    TRY(parse(context, &arguments[0], &a, error));
    TRY(parse(context, &arguments[1], &b, error));
    if (a->kind == JSON_OBJECT && b->kind == JSON_OBJECT)
        TRY(merge(context, a, b, &out, error));
    else
        TRY(append(context, a, b, &out, error));
    return finish(context, &out, result, error);
}

/* ---- - ---- */

static bool is_named(const JsonValue *parent, const JsonValue *child, Slice name)
{
    if (parent->kind == JSON_OBJECT)
        return slice_equal(child->key, name);
    return child->kind == JSON_STRING && slice_equal(child->text, name);
}

static bool is_any_of(const JsonValue *parent, const JsonValue *child, const ArrayValue *names)
{
    for (uint32_t i = 0; i < names->count; i++) {
        if (!names->elements[i].is_null && is_named(parent, child, names->elements[i].as.bytes))
            return true;
    }
    return false;
}

static Status delete_names(EvaluationContext *context, const Value *arguments,
                           const ArrayValue *names, Value *result, Error *error)
{
    JsonValue *json;
    TRY(parse(context, &arguments[0], &json, error));
    if (is_scalar(json))
        return refuse("cannot delete from scalar", error);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < json->count; i++) {
        if (!is_any_of(json, &json->children[i], names))
            json->children[kept++] = json->children[i];
    }
    json->count = kept;
    return finish(context, json, result, error);
}

FUNCTION(jsonb_delete_key)
{
    const ArrayValue names = {1, &arguments[1]};
    return delete_names(context, arguments, &names, result, error);
}

FUNCTION(jsonb_delete_keys)
{
    return delete_names(context, arguments, arguments[1].as.array, result, error);
}

static void remove_child(JsonValue *json, uint32_t i)
{
    memmove(&json->children[i], &json->children[i + 1],
            (json->count - i - 1) * sizeof *json->children);
    json->count--;
}

FUNCTION(jsonb_delete_index)
{
    JsonValue *json;
    TRY(parse(context, &arguments[0], &json, error));
    if (is_scalar(json))
        return refuse("cannot delete from scalar", error);
    if (json->kind == JSON_OBJECT)
        return refuse("cannot delete from object using integer index", error);
    const JsonValue *element = json_find_element(json, arguments[1].as.integer);
    if (element != NULL)
        remove_child(json, (uint32_t)(element - json->children));
    return finish(context, json, result, error);
}

/* ---- paths ---- */

enum PathAction {
    PATH_DELETE = 1,
    PATH_REPLACE = 2,
    PATH_CREATE = 4, /* replaces too */
    PATH_INSERT_BEFORE = 8,
    PATH_INSERT_AFTER = 16,
    PATH_INSERT = PATH_INSERT_BEFORE | PATH_INSERT_AFTER,
};

typedef struct PathEdit {
    EvaluationContext *context;
    const ArrayValue *path;
    enum PathAction action;
    const JsonValue *value; /* not with PATH_DELETE */
    Error *error;
} PathEdit;

static Status edit(PathEdit *path, JsonValue *json, uint32_t level);

/* Puts the value in at `at`, under the key where there is one. */
static Status add_child(PathEdit *path, JsonValue *json, uint32_t at, Slice key)
{
    JsonValue *children;
    TRY(new_children(path->context, json->count + 1, &children, path->error));
    if (at > 0)
        memcpy(children, json->children, at * sizeof *children);
    if (at < json->count)
        memcpy(children + at + 1, json->children + at, (json->count - at) * sizeof *children);
    children[at] = *path->value;
    children[at].key = key;
    json->children = children;
    json->count++;
    return OK;
}

static void replace_child(const PathEdit *path, JsonValue *child)
{
    Slice key = child->key;
    *child = *path->value;
    child->key = key;
}

static Status edit_object(PathEdit *path, JsonValue *json, uint32_t level)
{
    Slice key = path->path->elements[level].as.bytes;
    bool is_last = level + 1 == path->path->count;
    const JsonValue *found = json_find_member(json, key);
    if (found == NULL) {
        if (!is_last || !(path->action & (PATH_CREATE | PATH_INSERT)))
            return OK;
        TRY(add_child(path, json, json->count, key));
        json_sort_members(json);
        return OK;
    }
    JsonValue *child = &json->children[found - json->children];
    if (!is_last)
        return edit(path, child, level + 1);
    if (path->action & PATH_INSERT) {
        Status status = refuse("cannot replace existing key", path->error);
        error_set_hint(path->error, "Try using the function jsonb_set to replace key value.");
        return status;
    }
    if (path->action == PATH_DELETE)
        remove_child(json, (uint32_t)(child - json->children));
    else
        replace_child(path, child);
    return OK;
}

static Status read_index(PathEdit *path, uint32_t level, int64_t *out)
{
    Slice text = path->path->elements[level].as.bytes;
    if (slice_to_int64(slice_trim(text), out) && *out >= INT32_MIN && *out <= INT32_MAX)
        return OK;
    return error_set(path->error, STATUS_INVALID_TEXT_REPRESENTATION,
                     "path element at position %u is not an integer: \"%.*s\"", level + 1,
                     SLICE_ARGUMENTS(text));
}

static Status edit_element(PathEdit *path, JsonValue *json, uint32_t index)
{
    switch (path->action) {
    case PATH_DELETE:
        remove_child(json, index);
        return OK;
    case PATH_INSERT_BEFORE:
        return add_child(path, json, index, SLICE_EMPTY);
    case PATH_INSERT_AFTER:
        return add_child(path, json, index + 1, SLICE_EMPTY);
    default:
        replace_child(path, &json->children[index]);
        return OK;
    }
}

/* Beyond the ends a new value comes first or last. */
static Status edit_array(PathEdit *path, JsonValue *json, uint32_t level)
{
    int64_t index;
    bool is_last = level + 1 == path->path->count;
    TRY(read_index(path, level, &index));
    bool is_before = index < 0 && -index > json->count;
    if (index < 0)
        index += json->count;
    if (!is_before && index < json->count)
        return is_last ? edit_element(path, json, (uint32_t)index)
                       : edit(path, &json->children[index], level + 1);
    if (!is_last || !(path->action & (PATH_CREATE | PATH_INSERT)))
        return OK;
    return add_child(path, json, is_before ? 0 : json->count, SLICE_EMPTY);
}

static Status edit(PathEdit *path, JsonValue *json, uint32_t level)
{
    if (path->path->elements[level].is_null)
        return error_set(path->error, STATUS_NULL_VALUE_NOT_ALLOWED,
                         "path element at position %u is null", level + 1);
    if (json->kind == JSON_OBJECT)
        return edit_object(path, json, level);
    return json->kind == JSON_ARRAY ? edit_array(path, json, level) : OK;
}

static Status edit_path(EvaluationContext *context, const Value *arguments, const JsonValue *value,
                        enum PathAction action, Value *result, Error *error)
{
    JsonValue *json;
    PathEdit path = {context, arguments[1].as.array, action, value, error};
    TRY(parse(context, &arguments[0], &json, error));
    if (is_scalar(json))
        return refuse(action == PATH_DELETE ? "cannot delete path in scalar"
                                            : "cannot set path in scalar",
                      error);
    bool nothing_to_find = json->count == 0 && !(action & (PATH_CREATE | PATH_INSERT));
    if (path.path->count > 0 && !nothing_to_find)
        TRY(edit(&path, json, 0));
    return finish(context, json, result, error);
}

FUNCTION(jsonb_delete_path)
{
    return edit_path(context, arguments, NULL, PATH_DELETE, result, error);
}

FUNCTION(jsonb_set)
{
    JsonValue *value;
    bool create = count < 4 || arguments[3].as.boolean;
    TRY(parse(context, &arguments[2], &value, error));
    return edit_path(context, arguments, value, create ? PATH_CREATE : PATH_REPLACE, result, error);
}

FUNCTION(jsonb_insert)
{
    JsonValue *value;
    bool after = count > 3 && arguments[3].as.boolean;
    TRY(parse(context, &arguments[2], &value, error));
    return edit_path(context, arguments, value, after ? PATH_INSERT_AFTER : PATH_INSERT_BEFORE,
                     result, error);
}

/* ---- strip_nulls, pretty ---- */

/* Members that are null go; elements that are stay. */
static void strip_nulls(JsonValue *json)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < json->count; i++) {
        if (json->kind == JSON_OBJECT && json->children[i].kind == JSON_NULL)
            continue;
        strip_nulls(&json->children[i]);
        json->children[kept++] = json->children[i];
    }
    json->count = kept;
}

FUNCTION(jsonb_strip_nulls)
{
    JsonValue *json;
    TRY(parse(context, &arguments[0], &json, error));
    strip_nulls(json);
    return finish(context, json, result, error);
}

/* Without blanks; scalars as they were written. */
static void put_compact(Buffer *out, const JsonValue *json)
{
    if (is_scalar(json)) {
        if (json->kind == JSON_STRING)
            json_put_string(out, json->text);
        else
            buffer_put_slice(out, json->raw);
        return;
    }
    buffer_put_u8(out, json->kind == JSON_OBJECT ? '{' : '[');
    for (uint32_t i = 0; i < json->count; i++) {
        buffer_put_text(out, i > 0 ? "," : "");
        if (json->kind == JSON_OBJECT) {
            json_put_string(out, json->children[i].key);
            buffer_put_u8(out, ':');
        }
        put_compact(out, &json->children[i]);
    }
    buffer_put_u8(out, json->kind == JSON_OBJECT ? '}' : ']');
}

FUNCTION(json_strip_nulls)
{
    JsonValue *json;
    Buffer text;
    TRY(parse(context, &arguments[0], &json, error));
    strip_nulls(json);
    text_buffer_open(&text);
    put_compact(&text, json);
    return text_buffer_result(context, &text, TYPE_JSON, result, error);
}

static void put_line(Buffer *out, uint32_t level)
{
    buffer_put_u8(out, '\n');
    for (uint32_t i = 0; i < level; i++)
        buffer_put_text(out, "    ");
}

static void put_pretty(Buffer *out, const JsonValue *json, uint32_t level)
{
    if (is_scalar(json)) {
        json_put_normal(out, json);
        return;
    }
    buffer_put_u8(out, json->kind == JSON_OBJECT ? '{' : '[');
    for (uint32_t i = 0; i < json->count; i++) {
        buffer_put_text(out, i > 0 ? "," : "");
        put_line(out, level + 1);
        if (json->kind == JSON_OBJECT) {
            json_put_string(out, json->children[i].key);
            buffer_put_text(out, ": ");
        }
        put_pretty(out, &json->children[i], level + 1);
    }
    put_line(out, level);
    buffer_put_u8(out, json->kind == JSON_OBJECT ? '}' : ']');
}

FUNCTION(jsonb_pretty)
{
    JsonValue *json;
    Buffer text;
    TRY(parse(context, &arguments[0], &json, error));
    text_buffer_open(&text);
    put_pretty(&text, json, 0);
    return text_buffer_result(context, &text, TYPE_TEXT, result, error);
}
