/* Lexer: a statement's text as tokens, by PostgreSQL 15's rules, and durations like 60s as one
 * token (PostgreSQL's own scanner refuses a whole statement over them).
 *
 * The lexer decides where our clauses stand and where one statement ends; what PostgreSQL's grammar
 * reads is scanned once more by libpg_query. So it never fails: what is malformed becomes a token
 * of a kind of its own, and whoever wanted something there says what PostgreSQL says about it.
 *
 * Threading: a lexer is used by one thread. Ownership: tokens are places in the text, which the
 * caller keeps; values are in the caller's arena. Errors: of the values, with PostgreSQL's texts.
 */
#ifndef FIRN_SQL_LEXER_H
#define FIRN_SQL_LEXER_H

#include "base/arena.h"

typedef enum TokenKind {
    TOKEN_END,  /* at the text's end, size 0 */
    TOKEN_WORD, /* a key word or name without quotes */
    TOKEN_QUOTED,
    TOKEN_UNICODE_QUOTED, /* U&"…" */
    TOKEN_STRING,         /* '…' and N'…', with their continuations on following lines */
    TOKEN_ESCAPE_STRING,  /* E'…' */
    TOKEN_UNICODE_STRING, /* U&'…' */
    TOKEN_DOLLAR_STRING,
    TOKEN_BITS, /* B'…', X'…' */
    TOKEN_INTEGER,
    TOKEN_NUMBER,   /* with a point or an exponent */
    TOKEN_DURATION, /* 60s */
    TOKEN_PARAMETER,
    TOKEN_OPERATOR,
    TOKEN_PUNCTUATION, /* , ( ) [ ] . ; : and :: .. := */
    /* malformed */
    TOKEN_JUNK_NUMBER, /* digits with letters behind them: 64MB */
    TOKEN_JUNK_PARAMETER,
    TOKEN_EMPTY_QUOTED, /* "" */
    TOKEN_OPEN_STRING,  /* no end: up to the end of the text, and so for the following */
    TOKEN_OPEN_QUOTED,
    TOKEN_OPEN_DOLLAR,
    TOKEN_OPEN_BITS,
    TOKEN_OPEN_COMMENT,
    TOKEN_STRANGE, /* a byte that begins nothing */
} TokenKind;

typedef struct Token {
    uint32_t begin; /* byte offset in the text */
    uint32_t size;  /* bytes */
    uint8_t kind;   /* TokenKind */
} Token;

typedef struct Lexer {
    Slice text; /* less than 2 GiB */
    size_t at;
} Lexer;

void lexer_open(Lexer *lexer, Slice text);
Token lexer_next(Lexer *lexer);

static inline Slice token_text(Slice text, Token token)
{
    return slice_of(text.data + token.begin, token.size);
}

static inline bool token_is(Slice text, Token token, char punctuation)
{
    return token.size == 1 && text.data[token.begin] == (uint8_t)punctuation &&
           (token.kind == TOKEN_PUNCTUATION || token.kind == TOKEN_OPERATOR);
}

/* Is it this key word (lower case), not quoted? */
bool token_is_word(Slice text, Token token, const char *word);

static inline bool token_is_name(Token token)
{
    return token.kind == TOKEN_WORD || token.kind == TOKEN_QUOTED ||
           token.kind == TOKEN_UNICODE_QUOTED;
}

static inline bool token_is_string(Token token)
{
    return token.kind >= TOKEN_STRING && token.kind <= TOKEN_DOLLAR_STRING;
}

/* What a name or a string stands for: folded, without quotes, escapes resolved (`escape` is that of
 * U& forms, a backslash unless UESCAPE says otherwise). SYNTAX_ERROR, INVALID_ESCAPE_SEQUENCE or
 * CHARACTER_NOT_IN_REPERTOIRE. */
CHECKED Status token_value(Arena *arena, Slice text, Token token, uint8_t escape, Slice *out,
                           Error *error);

/* "syntax error at or near …" at this token, or what PostgreSQL's scanner says about a malformed
 * one. */
Status token_error(Slice text, Token token, Error *error);

/* All tokens of the text with TOKEN_END as the last. STATEMENT_TOO_COMPLEX beyond `count_max`. */
CHECKED Status tokens_read(Arena *arena, Slice text, uint32_t count_max, Token **out,
                           uint32_t *count, Error *error);

#endif
