/* The JSON reader. Values are collected on a stack of their own (a Buffer) and moved to the arena
 * when their array or object closes, so that children end up contiguous and depth costs no thread
 * stack. */
#include "base/assert.h"
#include "base/json.h"

typedef struct OpenContainer {
    size_t first_child; /* number of its first value on the stack of values */
    size_t begin;       /* offset of its opening bracket */
    Slice key;
    JsonKind kind;
} OpenContainer;

typedef struct Reader {
    Arena *arena;
    Slice text;
    size_t at;
    uint32_t depth_max;
    Buffer values;     /* JsonValue, finished, waiting for their container */
    Buffer containers; /* OpenContainer */
    Slice key;         /* of the next value, where it is a member */
    Error *error;
} Reader;

static Status fail(Reader *reader, const char *what)
{
    return error_set(reader->error, STATUS_INVALID_JSON_TEXT, "invalid JSON at byte %zu: %s",
                     reader->at, what);
}

static void skip_space(Reader *reader)
{
    while (reader->at < reader->text.size) {
        uint8_t c = reader->text.data[reader->at];
        if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
            return;
        reader->at++;
    }
}

static int peek(const Reader *reader)
{
    return reader->at < reader->text.size ? reader->text.data[reader->at] : -1;
}

static size_t value_count(const Reader *reader)
{
    return reader->values.size / sizeof(JsonValue);
}

static size_t open_count(const Reader *reader)
{
    return reader->containers.size / sizeof(OpenContainer);
}

static OpenContainer *innermost(const Reader *reader)
{
    size_t count = open_count(reader);
    return count == 0 ? NULL : (OpenContainer *)(void *)reader->containers.data + count - 1;
}

static Status add_value(Reader *reader, const JsonValue *value)
{
    buffer_put(&reader->values, value, sizeof *value);
    reader->key = SLICE_EMPTY;
    return buffer_status(&reader->values, reader->error);
}

/* ---- strings ---- */

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int32_t read_unicode_escape(Reader *reader)
{
    int32_t code = 0;
    if (reader->text.size - reader->at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(reader->text.data[reader->at + (size_t)i]);
        if (digit < 0)
            return -1;
        code = code * 16 + digit;
    }
    reader->at += 4;
    return code;
}

static size_t put_utf8(uint8_t *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (uint8_t)(0xc0 | code >> 6);
        out[1] = (uint8_t)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (uint8_t)(0xe0 | code >> 12);
        out[1] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | code >> 18);
    out[1] = (uint8_t)(0x80 | (code >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (code >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (code & 0x3f));
    return 4;
}

/* Behind "\u": one code point, of two escapes where the first is a high surrogate. */
static Status read_code_point(Reader *reader, uint32_t *out)
{
    int32_t code = read_unicode_escape(reader);
    if (code <= 0)
        return fail(reader, code == 0 ? "\\u0000 cannot be stored" : "a bad \\u escape");
    if (code >= 0xd800 && code <= 0xdbff) {
        bool pair = reader->text.size - reader->at >= 2 && reader->text.data[reader->at] == '\\' &&
                    reader->text.data[reader->at + 1] == 'u';
        reader->at += pair ? 2 : 0;
        int32_t low = pair ? read_unicode_escape(reader) : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return fail(reader, "half of a surrogate pair");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code <= 0xdfff) {
        return fail(reader, "half of a surrogate pair");
    }
    *out = (uint32_t)code;
    return OK;
}

static Status read_escape(Reader *reader, uint8_t *out, size_t *size)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    int c = peek(reader);
    reader->at++;
    if (c == 'u') {
        uint32_t code = 0;
        TRY(read_code_point(reader, &code));
        *size = put_utf8(out, code);
        return OK;
    }
    const char *found = c > 0 ? strchr(letters, c) : NULL;
    if (found == NULL)
        return fail(reader, "a bad escape");
    out[0] = (uint8_t)meanings[found - letters];
    *size = 1;
    return OK;
}

/* An escape is never shorter than what it stands for, so `raw` bounds the result. */
static Status unescape(Reader *reader, size_t begin, size_t end, Slice *out)
{
    uint8_t *bytes = arena_allocate(reader->arena, end - begin);
    if (bytes == NULL)
        return arena_error(reader->arena, reader->error);
    size_t size = 0;
    reader->at = begin;
    while (reader->at < end) {
        uint8_t c = reader->text.data[reader->at++];
        size_t step = 1;
        bytes[size] = c;
        if (c == '\\')
            TRY(read_escape(reader, bytes + size, &step));
        size += step;
    }
    *out = slice_of(bytes, size);
    return OK;
}

static Status read_string(Reader *reader, Slice *out)
{
    size_t begin = ++reader->at;
    bool has_escapes = false;
    for (;; reader->at++) {
        int c = peek(reader);
        if (c < 0)
            return fail(reader, "a string does not end");
        if (c == '"')
            break;
        if (c < 0x20)
            return fail(reader, "a control character in a string");
        if (c == '\\') {
            has_escapes = true;
            reader->at++;
        }
    }
    size_t end = reader->at;
    *out = slice_of(reader->text.data + begin, end - begin);
    if (!slice_is_utf8_text(*out))
        return fail(reader, "a string that is not UTF-8");
    if (has_escapes)
        TRY(unescape(reader, begin, end, out));
    reader->at = end + 1;
    return OK;
}

/* ---- numbers and words ---- */

static size_t skip_digits(Reader *reader)
{
    size_t begin = reader->at;
    while (peek(reader) >= '0' && peek(reader) <= '9')
        reader->at++;
    return reader->at - begin;
}

static Status read_number(Reader *reader)
{
    size_t begin = reader->at;
    bool whole = true;
    if (peek(reader) == '-')
        reader->at++;
    size_t first = reader->at;
    size_t digits = skip_digits(reader);
    if (digits == 0 || (digits > 1 && reader->text.data[first] == '0'))
        return fail(reader, "a malformed number");
    if (peek(reader) == '.') {
        reader->at++;
        whole = false;
        if (skip_digits(reader) == 0)
            return fail(reader, "a malformed number");
    }
    if (peek(reader) == 'e' || peek(reader) == 'E') {
        reader->at++;
        whole = false;
        if (peek(reader) == '+' || peek(reader) == '-')
            reader->at++;
        if (skip_digits(reader) == 0)
            return fail(reader, "a malformed number");
    }
    Slice text = slice_of(reader->text.data + begin, reader->at - begin);
    JsonValue value = {.kind = JSON_NUMBER, .text = text, .raw = text, .key = reader->key};
    value.is_integer = whole && slice_to_int64(text, &value.integer);
    return add_value(reader, &value);
}

static Status read_word(Reader *reader)
{
    static const struct {
        const char *word;
        JsonKind kind;
        bool boolean;
    } words[] = {
        {"null", JSON_NULL, false}, {"true", JSON_BOOLEAN, true}, {"false", JSON_BOOLEAN, false}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        Slice word = slice_of_text(words[i].word);
        Slice raw = slice_part(reader->text, reader->at, word.size);
        if (!slice_equal(raw, word))
            continue;
        reader->at += word.size;
        JsonValue value = {
            .kind = words[i].kind, .boolean = words[i].boolean, .raw = raw, .key = reader->key};
        return add_value(reader, &value);
    }
    return fail(reader, peek(reader) < 0 ? "it ends too early" : "an unexpected character");
}

/* ---- containers ---- */

static Status open_container(Reader *reader, JsonKind kind)
{
    if (open_count(reader) >= reader->depth_max)
        return error_set(reader->error, STATUS_STATEMENT_TOO_COMPLEX,
                         "JSON nests deeper than %u levels", reader->depth_max);
    OpenContainer container = {value_count(reader), reader->at, reader->key, kind};
    buffer_put(&reader->containers, &container, sizeof container);
    reader->key = SLICE_EMPTY;
    reader->at++;
    return buffer_status(&reader->containers, reader->error);
}

static Status close_container(Reader *reader)
{
    OpenContainer container = *innermost(reader);
    reader->at++;
    size_t count = value_count(reader) - container.first_child;
    size_t bytes = count * sizeof(JsonValue);
    JsonValue *children = NULL;
    if (count > 0) {
        children = arena_allocate(reader->arena, bytes);
        if (children == NULL)
            return arena_error(reader->arena, reader->error);
        memcpy(children, reader->values.data + container.first_child * sizeof(JsonValue), bytes);
    }
    reader->values.size -= bytes;
    reader->containers.size -= sizeof container;
    JsonValue value = {.kind = container.kind,
                       .key = container.key,
                       .count = (uint32_t)count,
                       .children = children};
    value.raw = slice_of(reader->text.data + container.begin, reader->at - container.begin);
    return add_value(reader, &value);
}

static Status read_key(Reader *reader)
{
    skip_space(reader);
    if (peek(reader) != '"')
        return fail(reader, "a member's name must be a string");
    TRY(read_string(reader, &reader->key));
    skip_space(reader);
    if (peek(reader) != ':')
        return fail(reader, "a colon is missing");
    reader->at++;
    return OK;
}

static bool is_closing(const Reader *reader, JsonKind kind)
{
    return peek(reader) == (kind == JSON_ARRAY ? ']' : '}');
}

/* Behind a value: closes what ends here and stops before the next value, or at the end. */
static Status after_value(Reader *reader, bool *done)
{
    for (;;) {
        const OpenContainer *container = innermost(reader);
        skip_space(reader);
        *done = container == NULL;
        if (*done)
            return OK;
        JsonKind kind = container->kind;
        if (is_closing(reader, kind)) {
            TRY(close_container(reader));
            continue;
        }
        if (peek(reader) != ',')
            return fail(reader, "a comma or a closing bracket is missing");
        reader->at++;
        return kind == JSON_OBJECT ? read_key(reader) : OK;
    }
}

/* One value or the opening of a container; *opened where its first value follows. */
static Status read_value(Reader *reader, bool *opened)
{
    *opened = false;
    skip_space(reader);
    int c = peek(reader);
    if (c == '"') {
        JsonValue value = {.kind = JSON_STRING, .key = reader->key};
        size_t begin = reader->at;
        TRY(read_string(reader, &value.text));
        value.raw = slice_of(reader->text.data + begin, reader->at - begin);
        return add_value(reader, &value);
    }
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(reader);
    if (c != '{' && c != '[')
        return read_word(reader);
    JsonKind kind = c == '[' ? JSON_ARRAY : JSON_OBJECT;
    TRY(open_container(reader, kind));
    skip_space(reader);
    if (is_closing(reader, kind))
        return close_container(reader);
    *opened = true;
    return kind == JSON_OBJECT ? read_key(reader) : OK;
}

static Status read_document(Reader *reader)
{
    for (bool done = false; !done;) {
        bool opened;
        TRY(read_value(reader, &opened));
        if (!opened)
            TRY(after_value(reader, &done));
    }
    if (reader->at != reader->text.size)
        return fail(reader, "something follows the value");
    ASSERT(value_count(reader) == 1);
    return OK;
}

Status json_read(Arena *arena, Slice text, uint32_t depth_max, JsonValue **out, Error *error)
{
    Reader reader = {.arena = arena, .text = text, .depth_max = depth_max, .error = error};
    buffer_open(&reader.values, arena->limit);
    buffer_open(&reader.containers, arena->limit);
    Status status = OK;
    GO(read_document(&reader));
    JsonValue *root = ARENA_NEW(arena, JsonValue);
    if (root == NULL)
        GO(arena_error(arena, error));
    memcpy(root, reader.values.data, sizeof *root);
    *out = root;
done:
    buffer_close(&reader.values);
    buffer_close(&reader.containers);
    return status;
}

const JsonValue *json_member(const JsonValue *object, const char *key)
{
    if (object == NULL || object->kind != JSON_OBJECT)
        return NULL;
    for (uint32_t i = object->count; i > 0; i--) {
        if (slice_equal_text(object->children[i - 1].key, key))
            return &object->children[i - 1];
    }
    return NULL;
}

Slice json_member_text(const JsonValue *object, const char *key, Slice fallback)
{
    const JsonValue *member = json_member(object, key);
    return member != NULL && member->kind == JSON_STRING ? member->text : fallback;
}

int64_t json_member_integer(const JsonValue *object, const char *key, int64_t fallback)
{
    const JsonValue *member = json_member(object, key);
    return member != NULL && member->kind == JSON_NUMBER && member->is_integer ? member->integer
                                                                               : fallback;
}

bool json_member_boolean(const JsonValue *object, const char *key, bool fallback)
{
    const JsonValue *member = json_member(object, key);
    return member != NULL && member->kind == JSON_BOOLEAN ? member->boolean : fallback;
}

double json_number(const JsonValue *number)
{
    double value;
    ASSERT(number->kind == JSON_NUMBER && slice_to_double(number->text, &value));
    return value;
}
