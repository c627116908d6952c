/* The rules of PostgreSQL 15's scan.l, by hand: flex would bring its own buffers and its own idea
 * of errors. Each function reads one form from its first byte and returns the offset behind it. */
#include "base/assert.h"
#include "sql/lexer_int.h"

typedef struct Scan {
    Slice text;
    size_t at;
} Scan;

static int byte_at(const Scan *scan, size_t at)
{
    return at < scan->text.size ? scan->text.data[at] : -1;
}

static bool is_space(int c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_word_start(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool is_word_part(int c)
{
    return is_word_start(c) || is_digit(c) || c == '$';
}

static bool is_operator_byte(int c)
{
    return c > 0 && strchr("~!@#^&|`?+-*/%<>=", c) != NULL;
}

static int lower(int c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static size_t skip_word(const Scan *scan, size_t at)
{
    while (is_word_part(byte_at(scan, at)))
        at++;
    return at;
}

static size_t skip_digits(const Scan *scan, size_t at)
{
    while (is_digit(byte_at(scan, at)))
        at++;
    return at;
}

/* ---- space and comments ---- */

static size_t skip_line_comment(const Scan *scan, size_t at)
{
    int c = byte_at(scan, at);
    while (c >= 0 && c != '\n' && c != '\r')
        c = byte_at(scan, ++at);
    return at;
}

/* Comments nest. True and the offset behind it, or false where it has no end. */
static bool skip_comment(const Scan *scan, size_t *at)
{
    size_t depth = 0;
    for (size_t i = *at; i + 1 < scan->text.size; i++) {
        const uint8_t *pair = scan->text.data + i;
        if (pair[0] == '/' && pair[1] == '*') {
            depth++;
            i++;
        } else if (pair[0] == '*' && pair[1] == '/') {
            depth--;
            i++;
        }
        if (depth == 0) {
            *at = i + 1;
            return true;
        }
    }
    return false;
}

static bool starts_comment(const Scan *scan, size_t at)
{
    return byte_at(scan, at) == '/' && byte_at(scan, at + 1) == '*';
}

static bool starts_line_comment(const Scan *scan, size_t at)
{
    return byte_at(scan, at) == '-' && byte_at(scan, at + 1) == '-';
}

/* False where a comment without an end begins at scan->at. */
static bool skip_blank(Scan *scan)
{
    for (;;) {
        if (is_space(byte_at(scan, scan->at)))
            scan->at++;
        else if (starts_line_comment(scan, scan->at))
            scan->at = skip_line_comment(scan, scan->at);
        else if (!starts_comment(scan, scan->at))
            return true;
        else if (!skip_comment(scan, &scan->at))
            return false;
    }
}

/* ---- quoted forms ---- */

/* From behind the opening quote to behind the closing one; doubled quotes stand for themselves, but
 * not in bit strings. False where there is no end. */
static bool skip_quoted(const Scan *scan, size_t *at, int quote, TokenKind kind)
{
    size_t i = *at;
    for (int c = byte_at(scan, i); c >= 0; c = byte_at(scan, i)) {
        if (kind == TOKEN_ESCAPE_STRING && c == '\\') {
            i += 2;
            continue;
        }
        i++;
        if (c != quote)
            continue;
        if (byte_at(scan, i) != quote || kind == TOKEN_BITS) {
            *at = i;
            return true;
        }
        i++;
    }
    return false;
}

/* A literal goes on where only white space with a line end (and -- comments) lies between its
 * closing quote and the next one. */
size_t lexer_skip_to_continuation(Slice text, size_t at)
{
    Scan scan = {text, at};
    bool new_line = false;
    size_t i = at;
    for (int c = byte_at(&scan, i); c >= 0; c = byte_at(&scan, i)) {
        if (is_space(c)) {
            new_line |= c == '\n' || c == '\r';
            i++;
        } else if (starts_line_comment(&scan, i)) {
            i = skip_line_comment(&scan, i);
        } else {
            break;
        }
    }
    return new_line && byte_at(&scan, i) == '\'' ? i + 1 : at;
}

static TokenKind read_string(Scan *scan, size_t prefix, TokenKind kind)
{
    size_t at = scan->at + prefix + 1;
    for (;;) {
        if (!skip_quoted(scan, &at, '\'', kind)) {
            scan->at = scan->text.size;
            return kind == TOKEN_BITS ? TOKEN_OPEN_BITS : TOKEN_OPEN_STRING;
        }
        size_t next = lexer_skip_to_continuation(scan->text, at);
        if (next == at)
            break;
        at = next;
    }
    scan->at = at;
    return kind;
}

static TokenKind read_quoted(Scan *scan, size_t prefix, TokenKind kind)
{
    size_t inside = scan->at + prefix + 1;
    size_t at = inside;
    if (!skip_quoted(scan, &at, '"', kind)) {
        scan->at = scan->text.size;
        return TOKEN_OPEN_QUOTED;
    }
    scan->at = at;
    return at == inside + 1 ? TOKEN_EMPTY_QUOTED : kind;
}

/* $$…$$ or $tag$…$tag$; TOKEN_END where no delimiter stands here. */
static TokenKind read_dollar(Scan *scan)
{
    size_t at = scan->at + 1;
    if (is_word_start(byte_at(scan, at))) {
        do
            at++;
        while (byte_at(scan, at) != '$' && is_word_part(byte_at(scan, at)));
    }
    if (byte_at(scan, at) != '$')
        return TOKEN_END;
    at++;
    Slice delimiter = slice_part(scan->text, scan->at, at - scan->at);
    while (at < scan->text.size) {
        at += slice_find(slice_part(scan->text, at, SIZE_MAX), '$');
        if (slice_equal(slice_part(scan->text, at, delimiter.size), delimiter)) {
            scan->at = at + delimiter.size;
            return TOKEN_DOLLAR_STRING;
        }
        at++;
    }
    scan->at = scan->text.size;
    return TOKEN_OPEN_DOLLAR;
}

/* ---- numbers ---- */

static bool is_duration_unit(Slice unit)
{
    static const char *const units[] = {"ms", "s", "m", "h", "d"};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (slice_equal_ignoring_case(unit, slice_of_text(units[i])))
            return true;
    }
    return false;
}

/* Behind a number's digits nothing of a word may follow, but for the unit of a duration. */
static TokenKind end_number(Scan *scan, size_t at, TokenKind kind)
{
    scan->at = at;
    if (!is_word_start(byte_at(scan, at)))
        return kind;
    scan->at = skip_word(scan, at);
    Slice rest = slice_part(scan->text, at, scan->at - at);
    return kind == TOKEN_INTEGER && is_duration_unit(rest) ? TOKEN_DURATION : TOKEN_JUNK_NUMBER;
}

static TokenKind read_number(Scan *scan)
{
    TokenKind kind = TOKEN_INTEGER;
    size_t at = skip_digits(scan, scan->at);
    if (byte_at(scan, at) == '.' && byte_at(scan, at + 1) != '.') {
        kind = TOKEN_NUMBER;
        at = skip_digits(scan, at + 1);
    }
    if (lower(byte_at(scan, at)) == 'e') {
        int sign = byte_at(scan, at + 1);
        size_t digits = at + (sign == '+' || sign == '-' ? 2 : 1);
        if (is_digit(byte_at(scan, digits))) {
            kind = TOKEN_NUMBER;
            at = skip_digits(scan, digits);
        } else if (digits == at + 2) {
            scan->at = digits;
            return TOKEN_JUNK_NUMBER;
        }
    }
    return end_number(scan, at, kind);
}

static TokenKind read_parameter(Scan *scan)
{
    scan->at = skip_digits(scan, scan->at + 1);
    if (!is_word_start(byte_at(scan, scan->at)))
        return TOKEN_PARAMETER;
    scan->at = skip_word(scan, scan->at);
    return TOKEN_JUNK_PARAMETER;
}

/* ---- operators and punctuation ---- */

/* An operator of several bytes ends with + or - only where it has one of these bytes too. */
static bool may_end_with_sign(const Scan *scan, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (strchr("~!@#^&|`?%", scan->text.data[i]) != NULL)
            return true;
    }
    return false;
}

static TokenKind read_operator(Scan *scan)
{
    size_t from = scan->at;
    size_t at = from;
    while (is_operator_byte(byte_at(scan, at)) && !starts_comment(scan, at) &&
           !starts_line_comment(scan, at))
        at++;
    while (at > from + 1 && (scan->text.data[at - 1] == '+' || scan->text.data[at - 1] == '-') &&
           !may_end_with_sign(scan, from, at - 1))
        at--;
    scan->at = at;
    return TOKEN_OPERATOR;
}

static TokenKind read_punctuation(Scan *scan)
{
    int c = byte_at(scan, scan->at);
    int next = byte_at(scan, scan->at + 1);
    bool pair = (c == ':' && (next == ':' || next == '=')) || (c == '.' && next == '.');
    scan->at += pair ? 2 : 1;
    return strchr(",()[].;:", c) != NULL && c != 0 ? TOKEN_PUNCTUATION : TOKEN_STRANGE;
}

/* ---- words ---- */

static TokenKind read_word(Scan *scan)
{
    int c = lower(byte_at(scan, scan->at));
    int next = byte_at(scan, scan->at + 1);
    if (next == '\'' && (c == 'e' || c == 'n' || c == 'b' || c == 'x')) {
        TokenKind kind = c == 'e' ? TOKEN_ESCAPE_STRING : c == 'n' ? TOKEN_STRING : TOKEN_BITS;
        return read_string(scan, 1, kind);
    }
    if (c == 'u' && next == '&') {
        int quote = byte_at(scan, scan->at + 2);
        if (quote == '\'')
            return read_string(scan, 2, TOKEN_UNICODE_STRING);
        if (quote == '"')
            return read_quoted(scan, 2, TOKEN_UNICODE_QUOTED);
    }
    scan->at = skip_word(scan, scan->at);
    return TOKEN_WORD;
}

static TokenKind read_after_dollar(Scan *scan)
{
    if (is_digit(byte_at(scan, scan->at + 1)))
        return read_parameter(scan);
    TokenKind kind = read_dollar(scan);
    if (kind != TOKEN_END)
        return kind;
    scan->at++;
    return TOKEN_STRANGE;
}

static TokenKind read_token(Scan *scan)
{
    int c = byte_at(scan, scan->at);
    if (is_word_start(c))
        return read_word(scan);
    if (is_digit(c) || (c == '.' && is_digit(byte_at(scan, scan->at + 1))))
        return read_number(scan);
    if (c == '\'')
        return read_string(scan, 0, TOKEN_STRING);
    if (c == '"')
        return read_quoted(scan, 0, TOKEN_QUOTED);
    if (c == '$')
        return read_after_dollar(scan);
    if (is_operator_byte(c))
        return read_operator(scan);
    return read_punctuation(scan);
}

void lexer_open(Lexer *lexer, Slice text)
{
    ASSERT(text.size < INT32_MAX);
    *lexer = (Lexer){.text = text};
}

static Token token_from(size_t begin, size_t end, TokenKind kind)
{
    return (Token){
        .begin = (uint32_t)begin, .size = (uint32_t)(end - begin), .kind = (uint8_t)kind};
}

Token lexer_next(Lexer *lexer)
{
    Scan scan = {lexer->text, lexer->at};
    bool whole = skip_blank(&scan);
    size_t begin = scan.at;
    TokenKind kind = TOKEN_END;
    if (!whole) {
        scan.at = scan.text.size;
        kind = TOKEN_OPEN_COMMENT;
    } else if (begin < scan.text.size) {
        kind = read_token(&scan);
    }
    lexer->at = scan.at;
    return token_from(begin, scan.at, kind);
}

Status tokens_read(Arena *arena, Slice text, uint32_t count_max, Token **out, uint32_t *count,
                   Error *error)
{
    Lexer lexer;
    uint32_t capacity = 64;
    uint32_t used = 0;
    Token *tokens = ARENA_ARRAY(arena, Token, capacity);
    if (tokens == NULL)
        return arena_error(arena, error);
    lexer_open(&lexer, text);
    do {
        if (used > count_max)
            return error_set(error, STATUS_STATEMENT_TOO_COMPLEX,
                             "the statement has more than %u tokens", count_max);
        if (used == capacity) {
            Token *larger = ARENA_ARRAY(arena, Token, (size_t)capacity * 2);
            if (larger == NULL)
                return arena_error(arena, error);
            memcpy(larger, tokens, used * sizeof *tokens);
            tokens = larger;
            capacity *= 2;
        }
        tokens[used++] = lexer_next(&lexer);
    } while (tokens[used - 1].kind != TOKEN_END);
    *out = tokens;
    *count = used;
    return OK;
}
