/* What tokens stand for: names folded, quotes and escapes resolved; and what is wrong with the
 * malformed ones. PostgreSQL 15 is the reference, texts included. */
#include <stdio.h>

#include "base/assert.h"
#include "sql/lexer_int.h"

/* A token's text being resolved into `out`, which is as large as the token: nothing grows. */
typedef struct Resolver {
    Slice text;
    size_t at;
    size_t end;
    uint8_t *out;
    size_t size;
    Token token;
    Error *error;
} Resolver;

bool token_is_word(Slice text, Token token, const char *word)
{
    return token.kind == TOKEN_WORD &&
           slice_equal_ignoring_case(token_text(text, token), slice_of_text(word));
}

static int next_byte(const Resolver *resolver)
{
    return resolver->at < resolver->end ? resolver->text.data[resolver->at] : -1;
}

static void put_byte(Resolver *resolver, uint32_t byte)
{
    ASSERT(resolver->size < resolver->token.size);
    resolver->out[resolver->size++] = (uint8_t)byte;
}

static void put_code_point(Resolver *resolver, uint32_t c)
{
    if (c < 0x80) {
        put_byte(resolver, c);
        return;
    }
    if (c < 0x800) {
        put_byte(resolver, 0xc0 | c >> 6);
    } else if (c < 0x10000) {
        put_byte(resolver, 0xe0 | c >> 12);
        put_byte(resolver, 0x80 | (c >> 6 & 0x3f));
    } else {
        put_byte(resolver, 0xf0 | c >> 18);
        put_byte(resolver, 0x80 | (c >> 12 & 0x3f));
        put_byte(resolver, 0x80 | (c >> 6 & 0x3f));
    }
    put_byte(resolver, 0x80 | (c & 0x3f));
}

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* `least` to `most` hex digits; false where there are fewer. */
static bool read_hex(Resolver *resolver, unsigned least, unsigned most, uint32_t *out)
{
    uint32_t value = 0;
    unsigned count = 0;
    for (; count < most; count++) {
        int digit = hex_digit(next_byte(resolver));
        if (digit < 0)
            break;
        value = value * 16 + (uint32_t)digit;
        resolver->at++;
    }
    *out = value;
    return count >= least;
}

static Status fail_at(Resolver *resolver, size_t at, const char *what)
{
    return error_set_at(resolver->error, (int32_t)at, STATUS_SYNTAX_ERROR, "%s", what);
}

static Status fail_encoding(Resolver *resolver, uint32_t byte)
{
    return error_set_at(resolver->error, (int32_t)resolver->token.begin,
                        STATUS_CHARACTER_NOT_IN_REPERTOIRE,
                        "invalid byte sequence for encoding \"UTF8\": 0x%02x", byte);
}

/* ---- Unicode escapes: \uXXXX and \UXXXXXXXX of E'', \XXXX and \+XXXXXX of U&'' ---- */

typedef struct UnicodeForm {
    bool is_escape_string;
    uint8_t escape;
} UnicodeForm;

/* One escape behind its escape byte, as digits; `begin` is where the escape began. */
static Status read_code(Resolver *resolver, const UnicodeForm *form, size_t begin, uint32_t *out)
{
    unsigned digits = 4;
    int c = next_byte(resolver);
    if (form->is_escape_string) {
        digits = c == 'U' ? 8 : 4;
        resolver->at++;
    } else if (c == '+') {
        digits = 6;
        resolver->at++;
    }
    if (!read_hex(resolver, digits, digits, out))
        return fail_at(resolver, begin, "invalid Unicode escape");
    if (*out == 0 || *out > 0x10ffff)
        return fail_at(resolver, begin, "invalid Unicode escape value");
    return OK;
}

static bool is_code_here(const Resolver *resolver, const UnicodeForm *form)
{
    if (next_byte(resolver) != form->escape || resolver->at + 1 >= resolver->end)
        return false;
    int c = resolver->text.data[resolver->at + 1];
    return form->is_escape_string ? c == 'u' || c == 'U' : c != form->escape;
}

/* The escape byte has been read; a first surrogate needs its second right behind it. */
static Status resolve_unicode(Resolver *resolver, const UnicodeForm *form)
{
    size_t begin = resolver->at - 1;
    uint32_t code;
    TRY(read_code(resolver, form, begin, &code));
    if (code >= 0xdc00 && code < 0xe000)
        return fail_at(resolver, begin, "invalid Unicode surrogate pair");
    if (code >= 0xd800 && code < 0xdc00) {
        uint32_t second = 0;
        size_t second_begin = resolver->at;
        if (is_code_here(resolver, form)) {
            resolver->at++;
            TRY(read_code(resolver, form, second_begin, &second));
        }
        if (second < 0xdc00 || second >= 0xe000)
            return fail_at(resolver, second_begin, "invalid Unicode surrogate pair");
        code = 0x10000 + ((code & 0x3ff) << 10) + (second & 0x3ff);
    }
    put_code_point(resolver, code);
    return OK;
}

/* ---- backslashes of E'' ---- */

static int plain_escape(int c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

static uint32_t read_octal(Resolver *resolver)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 3; i++) {
        int c = next_byte(resolver);
        if (c < '0' || c > '7')
            break;
        value = value * 8 + (uint32_t)(c - '0');
        resolver->at++;
    }
    return value & 0xff;
}

static Status resolve_backslash(Resolver *resolver)
{
    static const UnicodeForm form = {.is_escape_string = true, .escape = '\\'};
    int c = next_byte(resolver);
    uint32_t byte;
    if (c == 'u' || c == 'U')
        return resolve_unicode(resolver, &form);
    if (c >= '0' && c <= '7') {
        byte = read_octal(resolver);
    } else {
        resolver->at++;
        byte = (uint32_t)plain_escape(c);
        if (c == 'x' && hex_digit(next_byte(resolver)) >= 0)
            (void)read_hex(resolver, 1, 2, &byte);
    }
    if (byte == 0)
        return fail_encoding(resolver, 0);
    put_byte(resolver, byte);
    return OK;
}

/* ---- whole tokens ---- */

/* In U& forms: the escape byte has been read. */
static Status resolve_unicode_escape(Resolver *resolver, uint8_t escape)
{
    UnicodeForm form = {.is_escape_string = false, .escape = escape};
    if (next_byte(resolver) != escape)
        return resolve_unicode(resolver, &form);
    resolver->at++;
    put_byte(resolver, escape);
    return OK;
}

/* From behind the opening quote up to the closing one of the last part. */
static Status resolve_quoted(Resolver *resolver, int quote, int backslash, int escape)
{
    for (int c = next_byte(resolver); c >= 0; c = next_byte(resolver)) {
        resolver->at++;
        if (c == backslash) {
            TRY(resolve_backslash(resolver));
        } else if (c == escape) {
            TRY(resolve_unicode_escape(resolver, (uint8_t)escape));
        } else if (c != quote) {
            put_byte(resolver, (uint32_t)c);
        } else if (next_byte(resolver) == quote) {
            resolver->at++;
            put_byte(resolver, (uint32_t)quote);
        } else {
            resolver->at = lexer_skip_to_continuation(resolver->text, resolver->at);
        }
    }
    return OK;
}

static void fold(Resolver *resolver)
{
    for (int c = next_byte(resolver); c >= 0; c = next_byte(resolver)) {
        put_byte(resolver, (uint32_t)(c >= 'A' && c <= 'Z' ? c + 32 : c));
        resolver->at++;
    }
}

static void cut_dollars(Resolver *resolver)
{
    Slice whole = token_text(resolver->text, resolver->token);
    size_t delimiter = slice_find(slice_part(whole, 1, SIZE_MAX), '$') + 2;
    Slice inside = slice_part(whole, delimiter, whole.size - 2 * delimiter);
    if (inside.size > 0)
        memcpy(resolver->out, inside.data, inside.size);
    resolver->size = inside.size;
}

static Status resolve(Resolver *resolver, uint8_t escape)
{
    switch (resolver->token.kind) {
    case TOKEN_WORD:
        fold(resolver);
        return OK;
    case TOKEN_DOLLAR_STRING:
        cut_dollars(resolver);
        return OK;
    case TOKEN_QUOTED:
        resolver->at += 1;
        return resolve_quoted(resolver, '"', -1, -1);
    case TOKEN_UNICODE_QUOTED:
        resolver->at += 3;
        return resolve_quoted(resolver, '"', -1, escape);
    case TOKEN_STRING: /* N'…' or '…' */
        resolver->at += next_byte(resolver) == '\'' ? 1 : 2;
        return resolve_quoted(resolver, '\'', -1, -1);
    case TOKEN_ESCAPE_STRING:
        resolver->at += 2;
        return resolve_quoted(resolver, '\'', '\\', -1);
    case TOKEN_UNICODE_STRING:
        resolver->at += 3;
        return resolve_quoted(resolver, '\'', -1, escape);
    default:
        return token_error(resolver->text, resolver->token, resolver->error);
    }
}

Status token_value(Arena *arena, Slice text, Token token, uint8_t escape, Slice *out, Error *error)
{
    Resolver resolver = {.text = text,
                         .at = token.begin,
                         .end = (size_t)token.begin + token.size,
                         .token = token,
                         .error = error};
    resolver.out = arena_allocate(arena, token.size);
    if (resolver.out == NULL)
        return arena_error(arena, error);
    TRY(resolve(&resolver, escape));
    Slice value = slice_of(resolver.out, resolver.size);
    if (!slice_is_utf8_text(value))
        return error_set_at(error, (int32_t)token.begin, STATUS_CHARACTER_NOT_IN_REPERTOIRE,
                            "invalid byte sequence for encoding \"UTF8\" in a literal");
    *out = value;
    return OK;
}

/* ---- errors ---- */

/* PostgreSQL's scanner stops at the first byte that cannot belong to the number. */
static size_t junk_size(Slice text, Token token)
{
    Slice whole = token_text(text, token);
    size_t size = whole.data[0] == '$' ? 1 : 0;
    while (size < whole.size && strchr("0123456789.", whole.data[size]) != NULL)
        size++;
    size++;
    while (size < whole.size && (whole.data[size] & 0xc0) == 0x80)
        size++;
    return size < whole.size ? size : whole.size;
}

static const char *malformed_text(Slice text, Token token)
{
    switch (token.kind) {
    case TOKEN_JUNK_NUMBER:
    case TOKEN_DURATION:
        return "trailing junk after numeric literal";
    case TOKEN_JUNK_PARAMETER:
        return "trailing junk after parameter";
    case TOKEN_EMPTY_QUOTED:
        return "zero-length delimited identifier";
    case TOKEN_OPEN_STRING:
        return "unterminated quoted string";
    case TOKEN_OPEN_QUOTED:
        return "unterminated quoted identifier";
    case TOKEN_OPEN_DOLLAR:
        return "unterminated dollar-quoted string";
    case TOKEN_OPEN_BITS:
        return (text.data[token.begin] | 0x20) == 'x' ? "unterminated hexadecimal string literal"
                                                      : "unterminated bit string literal";
    case TOKEN_OPEN_COMMENT:
        return "unterminated /* comment";
    default:
        return "syntax error";
    }
}

Status token_error(Slice text, Token token, Error *error)
{
    if (token.kind == TOKEN_END)
        return error_set_at(error, (int32_t)token.begin, STATUS_SYNTAX_ERROR,
                            "syntax error at end of input");
    Slice near = token_text(text, token);
    if (token.kind == TOKEN_JUNK_NUMBER || token.kind == TOKEN_JUNK_PARAMETER ||
        token.kind == TOKEN_DURATION)
        near = slice_part(near, 0, junk_size(text, token));
    return error_set_at(error, (int32_t)token.begin, STATUS_SYNTAX_ERROR, "%s at or near \"%.*s\"",
                        malformed_text(text, token), SLICE_ARGUMENTS(near));
}
