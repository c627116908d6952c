/* Private to sql's front half: reads our own statements and clauses token by token.
 *
 * Words are given in lower case, several in one text: reader_take(reader, "if not exists").
 * Errors: "syntax error at or near …: expected …" with the place. */
#ifndef FIRN_SQL_READER_INT_H
#define FIRN_SQL_READER_INT_H

#include "sql/lexer.h"

typedef struct TokenReader {
    Slice text;
    const Token *tokens;    /* TOKEN_END is the last */
    const uint32_t *closes; /* of each opening parenthesis: the token that closes it, or the last */
    uint32_t at;
    Arena *arena; /* names and strings */
} TokenReader;

typedef struct QualifiedName {
    Slice namespace_name; /* empty: not written */
    Slice name;
    int32_t position_byte;
} QualifiedName;

static inline Token reader_token(const TokenReader *reader)
{
    return reader->tokens[reader->at];
}

static inline int32_t reader_position(const TokenReader *reader)
{
    return (int32_t)reader->tokens[reader->at].begin;
}

static inline bool reader_is_at_end(const TokenReader *reader)
{
    return reader_token(reader).kind == TOKEN_END;
}

/* The next token; stays at the end. */
static inline void reader_skip(TokenReader *reader)
{
    if (!reader_is_at_end(reader))
        reader->at++;
}

bool reader_sees(const TokenReader *reader, const char *words);
bool reader_sees_punctuation(const TokenReader *reader, char punctuation);
bool reader_take(TokenReader *reader, const char *words); /* all of them or none */
bool reader_take_punctuation(TokenReader *reader, char punctuation);

Status reader_fail(const TokenReader *reader, const char *expected, Error *error);

CHECKED Status reader_expect(TokenReader *reader, const char *words, Error *error);
CHECKED Status reader_expect_punctuation(TokenReader *reader, char punctuation, Error *error);
CHECKED Status reader_expect_end(const TokenReader *reader, Error *error);

/* `what` completes "expected …". */
CHECKED Status reader_name(TokenReader *reader, const char *what, Slice *out, Error *error);
CHECKED Status reader_string(TokenReader *reader, const char *what, Slice *out, Error *error);
CHECKED Status reader_name_or_string(TokenReader *reader, const char *what, Slice *out,
                                     Error *error);
CHECKED Status reader_table_name(TokenReader *reader, QualifiedName *out, Error *error);

/* Moves behind a (qualified) name without reading it; false where none stands here. */
bool reader_skip_table_name(TokenReader *reader);

/* From an opening parenthesis to behind the one that closes it, or to the end. In constant time:
 * texts may nest as they like. */
void reader_skip_parentheses(TokenReader *reader);

/* The reader's `closes`. */
CHECKED Status reader_match_parentheses(TokenReader *reader, uint32_t token_count, Arena *arena,
                                        Error *error);

#endif
