#include "cli/json_walk.h"

static Status fail(Error *error)
{
    return error_set(error, STATUS_INVALID_JSON_TEXT, "the server's answer is not JSON");
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static void skip_space(JsonWalk *walk)
{
    while (walk->at < walk->text.size && is_space(walk->text.data[walk->at]))
        walk->at++;
}

static int peek(const JsonWalk *walk)
{
    return walk->at < walk->text.size ? walk->text.data[walk->at] : -1;
}

static bool begin(JsonWalk *walk, Slice text, uint8_t open, uint8_t close)
{
    *walk = (JsonWalk){.text = text, .close = close};
    skip_space(walk);
    if (peek(walk) != open)
        return false;
    walk->at++;
    return true;
}

bool json_walk_array(JsonWalk *walk, Slice text)
{
    return begin(walk, text, '[', ']');
}

bool json_walk_object(JsonWalk *walk, Slice text)
{
    return begin(walk, text, '{', '}');
}

/* Behind the closing quote; false where there is none. */
static bool skip_string(JsonWalk *walk)
{
    for (walk->at++; walk->at < walk->text.size; walk->at++) {
        uint8_t c = walk->text.data[walk->at];
        if (c == '\\') {
            walk->at++;
        } else if (c == '"') {
            walk->at++;
            return true;
        }
    }
    return false;
}

/* Over brackets until their depth is back; over a word or number until what ends it. */
static bool skip_value(JsonWalk *walk)
{
    size_t depth = 0;
    size_t begin_at = walk->at;
    while (walk->at < walk->text.size) {
        int c = peek(walk);
        if (c == '"') {
            if (!skip_string(walk))
                return false;
        } else if (c == '[' || c == '{') {
            depth++;
            walk->at++;
        } else if (c == ']' || c == '}') {
            if (depth == 0)
                return walk->at > begin_at;
            depth--;
            walk->at++;
        } else if (depth == 0 && (c == ',' || is_space((uint8_t)c))) {
            return walk->at > begin_at;
        } else {
            walk->at++;
            continue;
        }
        if (depth == 0)
            return true;
    }
    return depth == 0 && walk->at > begin_at;
}

static Status read_key(JsonWalk *walk, Slice *key, Error *error)
{
    skip_space(walk);
    size_t begin_at = walk->at;
    if (peek(walk) != '"' || !skip_string(walk))
        return fail(error);
    *key = slice_part(walk->text, begin_at + 1, walk->at - begin_at - 2);
    skip_space(walk);
    if (peek(walk) != ':')
        return fail(error);
    walk->at++;
    return OK;
}

Status json_walk_next(JsonWalk *walk, bool *has, Slice *key, Slice *value, Error *error)
{
    skip_space(walk);
    *has = peek(walk) != walk->close;
    *key = SLICE_EMPTY;
    if (!*has)
        return OK;
    if (walk->has_begun) {
        if (peek(walk) != ',')
            return fail(error);
        walk->at++;
    }
    walk->has_begun = true;
    if (walk->close == '}')
        TRY(read_key(walk, key, error));
    skip_space(walk);
    size_t begin_at = walk->at;
    if (!skip_value(walk))
        return fail(error);
    *value = slice_part(walk->text, begin_at, walk->at - begin_at);
    return OK;
}

Status json_walk_member(Slice object, const char *key, Slice *value, Error *error)
{
    JsonWalk walk;
    *value = SLICE_EMPTY;
    if (!json_walk_object(&walk, object))
        return OK;
    for (;;) {
        bool has;
        Slice name;
        Slice found;
        TRY(json_walk_next(&walk, &has, &name, &found, error));
        if (!has)
            return OK;
        if (slice_equal_text(name, key)) {
            *value = found;
            return OK;
        }
    }
}
