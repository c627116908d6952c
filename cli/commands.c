#include "cli/commands.h"

#include "base/version.h"
#include "cli/describe.h"
#include "cli/live.h"
#include "cli/text.h"

typedef struct Command {
    const char *name;
    const char *argument; /* for the help; "": it takes none */
    const char *help;
    bool needs_argument;
    int (*run)(Shell *shell, Slice argument);
} Command;

static void say(Shell *shell, const char *text)
{
    printer_text(&shell->out, text);
    printer_flush(&shell->out);
}

static int refuse(Shell *shell, const char *what, Slice argument)
{
    Error error;
    error_set(&error, STATUS_INVALID_PARAMETER_VALUE, "%s%.*s", what, SLICE_ARGUMENTS(argument));
    return shell_fail(shell, &error);
}

/* A statement from a text of ours and one of the user's; a semicolon at the end is passed over. */
static int run_with(Shell *shell, const char *before, Slice argument, ShellView *view)
{
    Buffer sql;
    Error error;
    int code;
    buffer_open(&sql, 0);
    buffer_put_text(&sql, before);
    buffer_put_slice(&sql, argument);
    if (buffer_status(&sql, &error) != OK)
        code = shell_fail(shell, &error);
    else
        code = shell_run_view(shell, buffer_slice(&sql), view);
    buffer_close(&sql);
    return code;
}

/* ---- the commands ---- */

static int run_tables(Shell *shell, Slice argument)
{
    if (slice_equal_text(argument, "*"))
        return run_with(shell, "SHOW TABLES", SLICE_EMPTY, NULL);
    if (argument.size == 0 && shell->session.namespace_name[0] != '\0')
        argument = slice_of_text(shell->session.namespace_name);
    return run_with(shell, argument.size > 0 ? "SHOW TABLES IN " : "SHOW TABLES", argument, NULL);
}

static int run_describe(Shell *shell, Slice argument)
{
    if (argument.size == 0)
        return run_tables(shell, argument);
    return run_with(shell, "DESCRIBE ", argument, describe_view);
}

static int run_live(Shell *shell, Slice argument)
{
    return live_run(shell, argument);
}

static int run_namespace(Shell *shell, Slice argument)
{
    Error error;
    const char *name = shell->session.namespace_name;
    if (argument.size > 0 && session_set_namespace(&shell->session, argument, &error) != OK)
        return shell_fail(shell, &error);
    if (argument.size > 0)
        return EXIT_DONE;
    printer_text(&shell->out, name[0] == '\0' ? "no namespace" : "namespace ");
    printer_clean(&shell->out, slice_of_text(name));
    say(shell, "\n");
    return EXIT_DONE;
}

static int run_timing(Shell *shell, Slice argument)
{
    if (argument.size == 0)
        shell->has_timing = !shell->has_timing;
    else if (slice_equal_text(argument, "on") || slice_equal_text(argument, "off"))
        shell->has_timing = slice_equal_text(argument, "on");
    else
        return refuse(shell, "timing is on or off, not ", argument);
    if (shell->is_interactive)
        say(shell, shell->has_timing ? "timing is on\n" : "timing is off\n");
    return EXIT_DONE;
}

static int run_format(Shell *shell, Slice argument)
{
    if (argument.size == 0) {
        printer_text(&shell->out, output_format_name(shell->format));
        say(shell, "\n");
    } else if (!output_format_from_name(argument, &shell->format)) {
        return refuse(shell, "the format is table, json or csv, not ", argument);
    }
    return EXIT_DONE;
}

static int run_include(Shell *shell, Slice argument)
{
    Error error;
    Path path;
    if (path_format(&path, &error, "%.*s", SLICE_ARGUMENTS(argument)) != OK)
        return shell_fail(shell, &error);
    return shell_run_file(shell, path.text);
}

static int run_connection(Shell *shell, Slice argument)
{
    const Session *session = &shell->session;
    const char *user = shell->options->user;
    (void)argument;
    printer_text(&shell->out, user[0] == '\0' ? "anonymous" : "user ");
    printer_clean(&shell->out, slice_of_text(user));
    if (user[0] != '\0' && session->role[0] != '\0') {
        printer_text(&shell->out, ", role ");
        printer_clean(&shell->out, slice_of_text(session->role));
    }
    printer_text(&shell->out, ", at ");
    printer_clean(&shell->out, slice_of_text(session->http.address));
    if (session->namespace_name[0] != '\0') {
        printer_text(&shell->out, ", namespace ");
        printer_clean(&shell->out, slice_of_text(session->namespace_name));
    }
    printer_text(&shell->out, session->http.socket == NULL ? ", not connected now" : "");
    say(shell, "\n");
    return EXIT_DONE;
}

static int run_quit(Shell *shell, Slice argument)
{
    (void)argument;
    shell->wants_quit = true;
    return EXIT_DONE;
}

static int run_help(Shell *shell, Slice argument);

static const Command commands[] = {
    {"?", "", "this list", false, run_help},
    {"q", "", "leave (also Ctrl-D)", false, run_quit},
    {"d", "[TABLE]", "a table's columns and properties; all tables", false, run_describe},
    {"dt", "[NAMESPACE|*]", "tables", false, run_tables},
    {"live", "SELECT ...", "rows, then changes as they come; Ctrl-C ends it", true, run_live},
    {"n", "[NAMESPACE]", "where names without a namespace are looked up", false, run_namespace},
    {"format", "[table|json|csv]", "how results are shown", false, run_format},
    {"timing", "[on|off]", "how long statements take", false, run_timing},
    {"i", "FILE", "run what stands in a file", true, run_include},
    {"conninfo", "", "who is connected where", false, run_connection},
};

enum { COMMAND_COUNT = sizeof commands / sizeof commands[0], HELP_COLUMN = 28 };

static int run_help(Shell *shell, Slice argument)
{
    (void)argument;
    printer_text(&shell->out, "A statement ends with a semicolon and may take many lines; Ctrl-C "
                              "drops or cancels it.\nFrom BEGIN to COMMIT statements are held back "
                              "and sent together.\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        size_t before = shell->out.buffer.size;
        buffer_put_format(&shell->out.buffer, "  \\%s %s", commands[i].name, commands[i].argument);
        size_t width = shell->out.buffer.size - before;
        text_put_spaces(&shell->out.buffer, width < HELP_COLUMN ? HELP_COLUMN - width : 1);
        printer_text(&shell->out, commands[i].help);
        printer_text(&shell->out, "\n");
    }
    printer_flush(&shell->out);
    return EXIT_DONE;
}

int command_run(Shell *shell, Slice text)
{
    size_t end = 0;
    while (end < text.size && text.data[end] > ' ')
        end++;
    Slice name = slice_part(text, 1, end - 1);
    Slice argument = slice_trim(slice_part(text, end, text.size));
    while (argument.size > 0 && argument.data[argument.size - 1] == ';')
        argument = slice_trim(slice_part(argument, 0, argument.size - 1));
    if (name.size > 0 && name.data[name.size - 1] == ';')
        name.size--;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (!slice_equal_text(name, commands[i].name))
            continue;
        if (commands[i].needs_argument && argument.size == 0)
            return refuse(shell, "this command needs more: ", slice_of_text(commands[i].argument));
        if (commands[i].argument[0] == '\0' && argument.size > 0)
            return refuse(shell, "this command takes nothing: ", argument);
        return commands[i].run(shell, argument);
    }
    return refuse(shell, "there is no such command (\\? lists them): ", text);
}

void command_greet(Shell *shell)
{
    printer_text(&shell->out, "firn ");
    printer_text(&shell->out, version_number());
    printer_text(&shell->out, ": ");
    (void)run_connection(shell, SLICE_EMPTY);
    say(shell, "\\? shows what there is, \\q leaves.\n");
}
