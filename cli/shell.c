#include "cli/shell.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/json_walk.h"
#include "cli/line_editor.h"
#include "cli/line_reader.h"
#include "cli/result.h"

Status shell_open(Shell *shell, Env *env, const Options *options, Error *error)
{
    *shell = (Shell){.options = options, .format = options->format};
    printer_open(&shell->out, stdout, options->no_color);
    printer_open(&shell->err, stderr, options->no_color);
    TRY(session_open(&shell->session, env, options, error));
    return progress_open(&shell->progress, &shell->session, &shell->err, error);
}

void shell_close(Shell *shell)
{
    progress_close(&shell->progress);
    session_close(&shell->session);
    printer_close(&shell->out);
    printer_close(&shell->err);
}

int shell_fail(Shell *shell, const Error *error)
{
    printer_flush(&shell->out);
    complaint_put_own(&shell->err, error, &shell->place);
    return session_is_lost(error->status) ? EXIT_NO_CONNECTION : EXIT_STATEMENT_FAILED;
}

/* ---- statements ---- */

/* USE is remembered here: the server's session ends with the request. */
static void follow_namespace(Shell *shell, Slice sql)
{
    Error error;
    if (!statement_begins_with(sql, "use") || sql.size < 4)
        return;
    Slice name = slice_trim(slice_part(sql, 4, sql.size));
    bool is_quoted = name.size >= 2 && name.data[0] == '"' && name.data[name.size - 1] == '"';
    if (is_quoted)
        name = slice_part(name, 1, name.size - 2);
    if (session_set_namespace(&shell->session, name, &error) != OK)
        return;
    for (char *at = shell->session.namespace_name; !is_quoted && *at != '\0'; at++) {
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at | 0x20);
    }
}

static Status show_results(Shell *shell, Arena *arena, const Response *response, ShellView *view,
                           Error *error)
{
    JsonWalk results;
    bool has = response->results.data != NULL && json_walk_array(&results, response->results);
    while (has) {
        Slice key;
        Slice raw;
        ResponseResult result;
        TRY(json_walk_next(&results, &has, &key, &raw, error));
        if (!has)
            break;
        TRY(response_read_result(arena, raw, &result, error));
        result_put_notices(&shell->err, &result);
        if (view != NULL && shell->format == FORMAT_TABLE && result.columns != NULL)
            TRY(view(shell, arena, &result, error));
        else
            TRY(result_put(&shell->out, arena, &result, shell->format, shell->options->is_verbose,
                           error));
    }
    return OK;
}

static void show_time(Shell *shell, const Response *response, int64_t total_ns)
{
    if (!shell->has_timing)
        return;
    printer_flush(&shell->out);
    buffer_put_format(&shell->err.buffer, "Time: %.3f ms (server %.3f ms)\n",
                      (double)total_ns / 1e6, response->took_ms);
    printer_flush(&shell->err);
}

static Status run(Shell *shell, Slice sql, bool has_parameter, ShellView *view, Arena *arena,
                  HttpReply *reply, Response *response, Error *error)
{
    int64_t begin_ns = env_monotonic_ns(shell->session.env);
    progress_begin(&shell->progress, sql);
    Status status =
        session_run(&shell->session, sql, has_parameter && shell->options->parameter_count > 0,
                    arena, reply, response, error);
    progress_end(&shell->progress);
    TRY(status);
    int64_t total_ns = env_monotonic_ns(shell->session.env) - begin_ns;
    TRY(show_results(shell, arena, response, view, error));
    show_time(shell, response, total_ns);
    return OK;
}

static int run_shown(Shell *shell, Slice sql, bool has_parameter, ShellView *view)
{
    Arena arena;
    HttpReply reply;
    Response response = {0};
    Error error;
    int code = EXIT_DONE;
    arena_open(&arena, SESSION_ARENA_BYTES_MAX);
    http_reply_open(&reply);
    printer_measure(&shell->out);
    if (shell->is_interactive)
        interrupt_clear();
    Status status = run(shell, sql, has_parameter, view, &arena, &reply, &response, &error);
    printer_flush(&shell->out);
    if (status != OK) {
        code = shell_fail(shell, &error);
    } else if (response.is_error) {
        complaint_put(&shell->err, &response.error, sql, &shell->place);
        code = EXIT_STATEMENT_FAILED;
    } else {
        follow_namespace(shell, sql);
    }
    if (shell->out.failed && code == EXIT_DONE) {
        error_set(&error, STATUS_IO_ERROR, "the output cannot be written");
        (void)shell_fail(shell, &error);
        code = EXIT_STATEMENT_FAILED;
    }
    http_reply_close(&reply);
    arena_close(&arena);
    return code;
}

int shell_run_sql(Shell *shell, Slice sql, bool has_parameter)
{
    return run_shown(shell, sql, has_parameter, NULL);
}

int shell_run_view(Shell *shell, Slice sql, ShellView *view)
{
    return run_shown(shell, sql, false, view);
}

/* ---- what the script calls ---- */

static int on_statement(void *context, Slice sql, bool has_parameter, uint64_t line)
{
    Shell *shell = context;
    shell->place.line = line;
    return shell_run_sql(shell, sql, has_parameter);
}

static int on_command(void *context, Slice text, uint64_t line)
{
    Shell *shell = context;
    shell->place.line = line;
    return command_run(shell, text);
}

static void on_problem(void *context, const Error *error, uint64_t line)
{
    Shell *shell = context;
    shell->place.line = line;
    (void)shell_fail(shell, error);
}

static ScriptHandlers handlers_of(Shell *shell)
{
    return (ScriptHandlers){shell, on_statement, on_command, on_problem};
}

/* ---- where statements come from ---- */

static int run_text(Shell *shell, const char *text)
{
    ScriptHandlers handlers = handlers_of(shell);
    Script script;
    Slice rest = slice_of_text(text);
    int code = EXIT_DONE;
    script_open(&script, &handlers);
    while (rest.size > 0 && code == EXIT_DONE && !shell->wants_quit) {
        size_t end = slice_find(rest, '\n');
        code = script_feed(&script, slice_part(rest, 0, end));
        rest = slice_part(rest, end + 1, rest.size);
    }
    if (code == EXIT_DONE && !shell->wants_quit)
        code = script_end(&script);
    script_close(&script);
    return code;
}

static int run_reader(Shell *shell, LineReader *reader)
{
    ScriptHandlers handlers = handlers_of(shell);
    Script script;
    int code = EXIT_DONE;
    script_open(&script, &handlers);
    while (code == EXIT_DONE && !shell->wants_quit) {
        Slice line;
        bool has;
        Error error;
        if (line_reader_next(reader, &line, &has, &error) != OK) {
            code = shell_fail(shell, &error);
        } else if (!has) {
            code = script_end(&script);
            break;
        } else {
            code = script_feed(&script, line);
        }
    }
    script_close(&script);
    return code;
}

static int run_descriptor(Shell *shell, int descriptor, const char *name)
{
    LineReader reader;
    StatementPlace before = shell->place;
    shell->place = (StatementPlace){.name = name, .line = 1};
    line_reader_open(&reader, descriptor);
    int code = run_reader(shell, &reader);
    line_reader_close(&reader);
    shell->place = before;
    return code;
}

int shell_run_file(Shell *shell, const char *path)
{
    Error error;
    if (shell->include_depth == SHELL_INCLUDE_DEPTH_MAX) {
        error_set(&error, STATUS_STATEMENT_TOO_COMPLEX, "files include each other too deeply");
        return shell_fail(shell, &error);
    }
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        error_set(&error, STATUS_FILE_NOT_FOUND, "%s cannot be opened", path);
        return shell_fail(shell, &error);
    }
    shell->include_depth++;
    int code = run_descriptor(shell, descriptor, path);
    shell->include_depth--;
    (void)close(descriptor);
    return code;
}

/* A shell goes on after what failed; Ctrl-C drops what is begun. */
static int run_shell(Shell *shell)
{
    ScriptHandlers handlers = handlers_of(shell);
    Script script;
    LineEditor editor;
    Slice line;
    LineResult result = LINE_END;
    shell->is_interactive = true;
    if (!line_editor_open(&editor))
        return run_descriptor(shell, STDIN_FILENO, NULL);
    command_greet(shell);
    script_open(&script, &handlers);
    while (!shell->wants_quit) {
        char prompt = script_prompt(&script);
        bool has_place = shell->session.namespace_name[0] != '\0';
        interrupt_clear();
        result = line_editor_read(&editor, has_place ? shell->session.namespace_name : "firn",
                                  script.in_transaction && prompt == '=' ? '+' : prompt, &line);
        if (result == LINE_END)
            break;
        if (result == LINE_CANCELLED)
            script_drop(&script);
        else
            (void)script_feed(&script, line);
    }
    if (!shell->wants_quit && !script_is_idle(&script))
        (void)script_end(&script);
    script_close(&script);
    line_editor_close(&editor);
    return EXIT_DONE;
}

static int run_input(Shell *shell)
{
    bool is_shell = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && !shell->options->reads_input;
    return is_shell ? run_shell(shell) : run_descriptor(shell, STDIN_FILENO, NULL);
}

int shell_run(Shell *shell)
{
    Error error;
    if (session_log_in(&shell->session, &error) != OK) {
        (void)shell_fail(shell, &error);
        return EXIT_NO_CONNECTION;
    }
    switch (shell->options->mode) {
    case RUN_COMMAND:
        return run_text(shell, shell->options->text);
    case RUN_FILE:
        if (strcmp(shell->options->text, "-") == 0)
            return run_descriptor(shell, STDIN_FILENO, NULL);
        return shell_run_file(shell, shell->options->text);
    default:
        return run_input(shell);
    }
}
