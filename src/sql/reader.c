#include "base/assert.h"
#include "sql/reader_int.h"

/* The next of the words in `words`, which is moved behind it; empty at the end. */
static Slice next_word(const char **words)
{
    while (**words == ' ')
        (*words)++;
    const char *begin = *words;
    while (**words != '\0' && **words != ' ')
        (*words)++;
    return slice_of(begin, (size_t)(*words - begin));
}

/* How many tokens the words take, 0 where others stand here. */
static uint32_t match(const TokenReader *reader, const char *words)
{
    uint32_t count = 0;
    for (Slice word = next_word(&words); word.size > 0; word = next_word(&words)) {
        Token token = reader->tokens[reader->at + count];
        if (token.kind != TOKEN_WORD ||
            !slice_equal_ignoring_case(token_text(reader->text, token), word))
            return 0;
        count++;
    }
    ASSERT(count > 0);
    return count;
}

bool reader_sees(const TokenReader *reader, const char *words)
{
    return match(reader, words) > 0;
}

bool reader_take(TokenReader *reader, const char *words)
{
    uint32_t count = match(reader, words);
    reader->at += count;
    return count > 0;
}

bool reader_sees_punctuation(const TokenReader *reader, char punctuation)
{
    return token_is(reader->text, reader_token(reader), punctuation);
}

bool reader_take_punctuation(TokenReader *reader, char punctuation)
{
    if (!reader_sees_punctuation(reader, punctuation))
        return false;
    reader->at++;
    return true;
}

Status reader_fail(const TokenReader *reader, const char *expected, Error *error)
{
    Token token = reader_token(reader);
    Status status = token_error(reader->text, token, error);
    if (token.kind >= TOKEN_JUNK_NUMBER)
        return status; /* what is malformed is reason enough */
    size_t size = strlen(error->message);
    if (size + strlen(expected) + sizeof ": expected " <= sizeof error->message) {
        memcpy(error->message + size, ": expected ", sizeof ": expected ");
        memcpy(error->message + size + sizeof ": expected " - 1, expected, strlen(expected) + 1);
    }
    return status;
}

/* Words as they are shown: in upper case. */
static Status fail_for_words(const TokenReader *reader, const char *words, Error *error)
{
    char shown[64];
    size_t size = 0;
    for (; size < sizeof shown - 1 && words[size] != '\0'; size++)
        shown[size] =
            (char)(words[size] >= 'a' && words[size] <= 'z' ? words[size] - 32 : words[size]);
    shown[size] = '\0';
    return reader_fail(reader, shown, error);
}

Status reader_expect(TokenReader *reader, const char *words, Error *error)
{
    return reader_take(reader, words) ? OK : fail_for_words(reader, words, error);
}

Status reader_expect_punctuation(TokenReader *reader, char punctuation, Error *error)
{
    char expected[] = {'"', punctuation, '"', '\0'};
    return reader_take_punctuation(reader, punctuation) ? OK : reader_fail(reader, expected, error);
}

Status reader_expect_end(const TokenReader *reader, Error *error)
{
    return reader_is_at_end(reader) ? OK : reader_fail(reader, "the end of the statement", error);
}

/* ---- names and strings ---- */

/* UESCAPE 'c' behind a U& form. */
static Status take_escape(TokenReader *reader, uint8_t *escape, Error *error)
{
    if (!reader_take(reader, "uescape"))
        return OK;
    Token token = reader_token(reader);
    Slice value;
    if (token.kind != TOKEN_STRING)
        return reader_fail(reader, "a string with the escape character", error);
    TRY(token_value(reader->arena, reader->text, token, '\\', &value, error));
    if (value.size != 1 || strchr("0123456789abcdefABCDEF+'\" \t\n\r\f", value.data[0]) != NULL)
        return error_set_at(error, (int32_t)token.begin, STATUS_SYNTAX_ERROR,
                            "invalid Unicode escape character");
    *escape = value.data[0];
    reader_skip(reader);
    return OK;
}

static Status take_value(TokenReader *reader, Slice *out, Error *error)
{
    Token token = reader_token(reader);
    uint8_t escape = '\\';
    reader_skip(reader);
    if (token.kind == TOKEN_UNICODE_QUOTED || token.kind == TOKEN_UNICODE_STRING)
        TRY(take_escape(reader, &escape, error));
    return token_value(reader->arena, reader->text, token, escape, out, error);
}

Status reader_name(TokenReader *reader, const char *what, Slice *out, Error *error)
{
    if (!token_is_name(reader_token(reader)))
        return reader_fail(reader, what, error);
    return take_value(reader, out, error);
}

Status reader_string(TokenReader *reader, const char *what, Slice *out, Error *error)
{
    if (!token_is_string(reader_token(reader)))
        return reader_fail(reader, what, error);
    return take_value(reader, out, error);
}

Status reader_name_or_string(TokenReader *reader, const char *what, Slice *out, Error *error)
{
    if (token_is_string(reader_token(reader)))
        return take_value(reader, out, error);
    return reader_name(reader, what, out, error);
}

Status reader_table_name(TokenReader *reader, QualifiedName *out, Error *error)
{
    QualifiedName name = {.position_byte = reader_position(reader)};
    TRY(reader_name(reader, "a table's name", &name.name, error));
    if (reader_take_punctuation(reader, '.')) {
        name.namespace_name = name.name;
        TRY(reader_name(reader, "a table's name", &name.name, error));
    }
    *out = name;
    return OK;
}

bool reader_skip_table_name(TokenReader *reader)
{
    if (!token_is_name(reader_token(reader)))
        return false;
    reader_skip(reader);
    while (reader_take_punctuation(reader, '.'))
        reader_skip(reader);
    return true;
}

void reader_skip_parentheses(TokenReader *reader)
{
    ASSERT(reader_sees_punctuation(reader, '('));
    reader->at = reader->closes[reader->at];
    reader_skip(reader);
}

/* While one is open, its entry leads to the one around it. */
Status reader_match_parentheses(TokenReader *reader, uint32_t token_count, Arena *arena,
                                Error *error)
{
    const uint32_t none = UINT32_MAX;
    uint32_t *closes = ARENA_ARRAY(arena, uint32_t, token_count);
    uint32_t open = none;
    if (closes == NULL)
        return arena_error(arena, error);
    for (uint32_t i = 0; i < token_count; i++) {
        if (token_is(reader->text, reader->tokens[i], '(')) {
            closes[i] = open;
            open = i;
        } else if (open != none && token_is(reader->text, reader->tokens[i], ')')) {
            uint32_t around = closes[open];
            closes[open] = i;
            open = around;
        }
    }
    while (open != none) {
        uint32_t around = closes[open];
        closes[open] = token_count - 1;
        open = around;
    }
    reader->closes = closes;
    return OK;
}
