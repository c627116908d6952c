#include "cli/script.h"

#include "cli/options.h"

void script_open(Script *script, const ScriptHandlers *handlers)
{
    *script = (Script){.handlers = handlers, .line = 1};
    buffer_open(&script->text, SCRIPT_BYTES_MAX);
}

void script_close(Script *script)
{
    buffer_close(&script->text);
}

/* The line on which a byte of the text stands; must not go back. */
static uint64_t line_of(Script *script, size_t at)
{
    for (; script->counted < at; script->counted++)
        script->line += script->text.data[script->counted] == '\n';
    return script->line;
}

/* The text is used up, but its lines count on. */
static void begin_anew(Script *script)
{
    (void)line_of(script, script->text.size);
    buffer_clear(&script->text);
    script->splitter = (Splitter){0};
    script->counted = 0;
    script->in_transaction = false;
}

void script_drop(Script *script)
{
    begin_anew(script);
}

bool script_is_idle(const Script *script)
{
    return splitter_prompt(&script->splitter) == '=' && script->splitter.at == script->text.size;
}

char script_prompt(const Script *script)
{
    return splitter_prompt(&script->splitter);
}

/* ---- transactions ---- */

static bool is_letter(uint8_t c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* The statement's n-th word (from 0), empty where something else comes first: enough to know BEGIN
 * and COMMIT. */
static Slice word_at(Slice statement, uint32_t n)
{
    for (uint32_t i = 0;; i++) {
        size_t size = 0;
        statement = slice_trim(statement);
        while (size < statement.size && is_letter(statement.data[size]))
            size++;
        if (i == n)
            return slice_part(statement, 0, size);
        statement = slice_part(statement, size, statement.size);
    }
}

static bool has_word(Slice statement, uint32_t n, const char *word)
{
    return slice_equal_ignoring_case(word_at(statement, n), slice_of_text(word));
}

static bool begins_transaction(Slice statement)
{
    return has_word(statement, 0, "begin") ||
           (has_word(statement, 0, "start") && has_word(statement, 1, "transaction"));
}

/* ROLLBACK TO a savepoint ends none. */
static bool ends_transaction(Slice statement)
{
    if (has_word(statement, 0, "rollback"))
        return !has_word(statement, 1, "to") && !has_word(statement, 2, "to");
    return has_word(statement, 0, "commit") || has_word(statement, 0, "end") ||
           has_word(statement, 0, "abort");
}

/* ---- statements ---- */

static int send(Script *script, Slice sql, bool has_parameter, uint64_t line)
{
    return script->handlers->statement(script->handlers->context, sql, has_parameter, line);
}

static int take_statement(Script *script, Slice statement)
{
    size_t begin = (size_t)(statement.data - script->text.data);
    uint64_t line = line_of(script, begin);
    bool has_parameter = script->splitter.has_parameter;
    script->splitter.has_parameter = false;
    if (!script->in_transaction && begins_transaction(statement)) {
        script->in_transaction = true;
        script->group_begin = begin;
        script->group_line = line;
        script->group_has_parameter = has_parameter;
        return EXIT_DONE;
    }
    if (!script->in_transaction)
        return send(script, statement, has_parameter, line);
    script->group_has_parameter = script->group_has_parameter || has_parameter;
    if (!ends_transaction(statement))
        return EXIT_DONE;
    script->in_transaction = false;
    Slice group = slice_part(buffer_slice(&script->text), script->group_begin,
                             begin + statement.size - script->group_begin);
    return send(script, group, script->group_has_parameter, script->group_line);
}

static int run_complete(Script *script)
{
    Slice statement;
    while (splitter_next(&script->splitter, buffer_slice(&script->text), &statement)) {
        int code = take_statement(script, statement);
        if (code != EXIT_DONE) {
            begin_anew(script);
            return code;
        }
    }
    if (script_is_idle(script) && !script->in_transaction)
        begin_anew(script);
    return EXIT_DONE;
}

static int fail(Script *script, Status status, const char *message)
{
    Error error;
    error_set(&error, status, "%s", message);
    script->handlers->problem(script->handlers->context, &error,
                              script->in_transaction ? script->group_line : script->line);
    begin_anew(script);
    return EXIT_STATEMENT_FAILED;
}

static int check_text(Script *script)
{
    Error error;
    Status status = buffer_status(&script->text, &error);
    if (status == OK)
        return EXIT_DONE;
    return fail(script, status,
                script->text.is_full ? "a statement is too long" : "there is no memory left");
}

int script_feed(Script *script, Slice line)
{
    Slice trimmed = slice_trim(line);
    if (script_is_idle(script) && trimmed.size > 0 && trimmed.data[0] == '\\') {
        uint64_t number = line_of(script, script->text.size);
        buffer_put_u8(&script->text, '\n'); /* in its place: lines stay what they were */
        (void)run_complete(script);
        return script->handlers->command(script->handlers->context, trimmed, number);
    }
    buffer_put_slice(&script->text, line);
    buffer_put_u8(&script->text, '\n');
    int code = check_text(script);
    return code == EXIT_DONE ? run_complete(script) : code;
}

int script_end(Script *script)
{
    Slice statement;
    if (splitter_rest(&script->splitter, buffer_slice(&script->text), &statement)) {
        int code = take_statement(script, statement);
        if (code != EXIT_DONE)
            return code;
    }
    if (script->in_transaction)
        return fail(script, STATUS_ACTIVE_TRANSACTION,
                    "BEGIN without COMMIT or ROLLBACK: the transaction was not run");
    begin_anew(script);
    return EXIT_DONE;
}
