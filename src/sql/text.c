/* What is done to a text before anything else: its limits, and where its statements end. */
#include "sql/front_int.h"

const SqlLimits sql_limits_default = {.bytes_max = SQL_BYTES_MAX_DEFAULT,
                                      .tokens_max = SQL_TOKENS_MAX_DEFAULT,
                                      .parameters_max = SQL_PARAMETERS_MAX_DEFAULT};

SqlLimits sql_limits_filled(const SqlLimits *limits)
{
    SqlLimits filled = sql_limits_default;
    if (limits->bytes_max != 0)
        filled.bytes_max = limits->bytes_max;
    if (limits->tokens_max != 0)
        filled.tokens_max = limits->tokens_max;
    if (limits->parameters_max != 0)
        filled.parameters_max = limits->parameters_max;
    return filled;
}

/* PostgreSQL names the first bytes that cannot be right. */
static Status fail_encoding(Slice text, Error *error)
{
    size_t at = 0;
    size_t size = 1;
    while (at < text.size && slice_is_utf8_text(slice_of(text.data + at, size))) {
        at += size;
        for (size = 1; at + size < text.size && (text.data[at + size] & 0xc0) == 0x80; size++)
            continue;
    }
    return error_set_at(error, (int32_t)at, STATUS_CHARACTER_NOT_IN_REPERTOIRE,
                        "invalid byte sequence for encoding \"UTF8\": 0x%02x", text.data[at]);
}

Status sql_text_check(Slice text, const SqlLimits *limits, Error *error)
{
    if (text.size > limits->bytes_max)
        return error_set(error, STATUS_PROGRAM_LIMIT_EXCEEDED,
                         "SQL query too long: %zu bytes (maximum %zu bytes)", text.size,
                         limits->bytes_max);
    return slice_is_utf8_text(text) ? OK : fail_encoding(text, error);
}

typedef struct Splitter {
    Slice text;
    Buffer *statements; /* Slice */
    size_t begin;       /* of the statement's first token */
    size_t end;         /* of its last */
    uint32_t tokens;
} Splitter;

static void end_statement(Splitter *splitter)
{
    if (splitter->tokens > 0) {
        Slice statement =
            slice_part(splitter->text, splitter->begin, splitter->end - splitter->begin);
        buffer_put(splitter->statements, &statement, sizeof statement);
    }
    splitter->tokens = 0;
}

static Status split(Splitter *splitter, uint32_t tokens_max, Error *error)
{
    Lexer lexer;
    int64_t depth = 0;
    lexer_open(&lexer, splitter->text);
    for (Token token = lexer_next(&lexer); token.kind != TOKEN_END; token = lexer_next(&lexer)) {
        if (token_is(splitter->text, token, ';') && depth <= 0) {
            end_statement(splitter);
            depth = 0;
            continue;
        }
        if (splitter->tokens++ == 0)
            splitter->begin = token.begin;
        splitter->end = (size_t)token.begin + token.size;
        if (splitter->tokens > tokens_max)
            return error_set_at(error, (int32_t)splitter->begin, STATUS_STATEMENT_TOO_COMPLEX,
                                "the statement has more than %u tokens", tokens_max);
        depth += token_is(splitter->text, token, '(');
        depth -= token_is(splitter->text, token, ')');
    }
    end_statement(splitter);
    return OK;
}

Status statement_split(Arena *arena, Slice text, const SqlLimits *limits, Slice **out,
                       uint32_t *count, Error *error)
{
    SqlLimits filled = sql_limits_filled(limits);
    TRY(sql_text_check(text, &filled, error));
    Buffer statements;
    Status status = OK;
    buffer_open(&statements, 0);
    Splitter splitter = {.text = text, .statements = &statements};
    GO(split(&splitter, filled.tokens_max, error));
    GO(buffer_status(&statements, error));
    Slice copy;
    GO(arena_clone(arena, buffer_slice(&statements), &copy, error));
    *out = (Slice *)(void *)copy.data;
    *count = (uint32_t)(copy.size / sizeof(Slice));
done:
    buffer_close(&statements);
    return status;
}
