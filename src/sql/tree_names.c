#include <stdio.h>

#include "base/assert.h"
#include "sql/lexer.h"
#include "sql/tree_int.h"
#include "types/row.h"

enum {
    MARK = 1, /* the byte before the number */
    MARK_DIGITS = 5,
    MARKED_MAX = 99999,
    MARK_JSON_BYTES = 6, /* \u0001 */
};

/* ---- into the text ---- */

typedef struct Marker {
    Arena *arena;
    char *sql;
    Slice text; /* the same, unchanged */
    MarkedNames *marked;
    bool checked; /* for the mark's byte */
} Marker;

/* Could a literal of the text make the mark's byte? Then it would be taken for a name. */
static bool may_hold_mark(Slice text)
{
    Lexer lexer;
    if (slice_find(text, MARK) < text.size)
        return true;
    lexer_open(&lexer, text);
    for (Token token = lexer_next(&lexer); token.kind != TOKEN_END; token = lexer_next(&lexer)) {
        bool escapes = token.kind == TOKEN_ESCAPE_STRING || token.kind == TOKEN_UNICODE_STRING ||
                       token.kind == TOKEN_UNICODE_QUOTED;
        Slice written = token_text(text, token);
        if (escapes && slice_find(written, '1') < written.size)
            return true;
    }
    return false;
}

static Status mark_name(Marker *marker, Token token, Slice name, Error *error)
{
    MarkedNames *marked = marker->marked;
    if (marked->count == MARKED_MAX || (!marker->checked && may_hold_mark(marker->text)))
        return error_set_at(error, (int32_t)token.begin, STATUS_NAME_TOO_LONG,
                            "a name of %d bytes cannot stand in this statement", NAME_BYTES_MAX);
    marker->checked = true;
    uint32_t count = marked->count;
    if ((count & (count - 1)) == 0) { /* full at each power of two */
        Slice *larger = ARENA_ARRAY(marker->arena, Slice, count == 0 ? 1 : (size_t)count * 2);
        if (larger == NULL)
            return arena_error(marker->arena, error);
        if (count > 0)
            memcpy(larger, marked->names, count * sizeof *larger);
        marked->names = larger;
    }
    char mark[16];
    int size = snprintf(mark, sizeof mark, "\"%c%0*u\"", MARK, MARK_DIGITS, count);
    ASSERT(size > 0 && (size_t)size < sizeof mark && (uint32_t)size <= token.size);
    memset(marker->sql + token.begin, ' ', token.size);
    memcpy(marker->sql + token.begin, mark, (size_t)size);
    marked->names[marked->count++] = name;
    return OK;
}

static Status look_at(Marker *marker, Token token, Error *error)
{
    Slice name;
    if (token.size < NAME_BYTES_MAX || !token_is_name(token))
        return OK;
    TRY(token_value(marker->arena, marker->text, token, '\\', &name, error));
    if (name.size > NAME_BYTES_MAX)
        return error_set_at(error, (int32_t)token.begin, STATUS_NAME_TOO_LONG,
                            "name \"%.*s\" has %zu bytes (maximum %d)", SLICE_ARGUMENTS(name),
                            name.size, NAME_BYTES_MAX);
    return name.size == NAME_BYTES_MAX ? mark_name(marker, token, name, error) : OK;
}

Status tree_mark_names(Arena *arena, char *sql, size_t size, MarkedNames *out, Error *error)
{
    Marker marker = {.arena = arena, .sql = sql, .marked = out};
    Lexer lexer;
    *out = (MarkedNames){0};
    if (size < NAME_BYTES_MAX)
        return OK;
    TRY(arena_clone(arena, slice_of(sql, size), &marker.text, error));
    lexer_open(&lexer, marker.text);
    for (Token token = lexer_next(&lexer); token.kind != TOKEN_END; token = lexer_next(&lexer))
        TRY(look_at(&marker, token, error));
    return OK;
}

/* ---- out of the tree ---- */

static bool read_mark(const char *at, uint32_t *number)
{
    if (strncmp(at, "\\u0001", MARK_JSON_BYTES) != 0)
        return false;
    *number = 0;
    for (int i = 0; i < MARK_DIGITS; i++) {
        char c = at[MARK_JSON_BYTES + i];
        if (c < '0' || c > '9')
            return false;
        *number = *number * 10 + (uint32_t)(c - '0');
    }
    return true;
}

Status tree_unmark_names(Arena *arena, const char *json, const MarkedNames *marked, Slice *out,
                         Error *error)
{
    Buffer text;
    Buffer name;
    Status status = OK;
    buffer_open(&text, 0);
    buffer_open(&name, 0);
    for (const char *at = json; *at != '\0';) {
        uint32_t number;
        if (*at != '\\' || !read_mark(at, &number) || number >= marked->count) {
            size_t size = *at == '\\' && at[1] != '\0' ? 2 : 1;
            buffer_put(&text, at, size);
            at += size;
            continue;
        }
        buffer_clear(&name);
        json_put_string(&name, marked->names[number]);
        GO(buffer_status(&name, error));
        buffer_put_slice(&text, slice_part(buffer_slice(&name), 1, name.size - 2));
        at += MARK_JSON_BYTES + MARK_DIGITS;
    }
    GO(buffer_status(&text, error));
    GO(arena_clone(arena, buffer_slice(&text), out, error));
done:
    buffer_close(&text);
    buffer_close(&name);
    return status;
}
