/* Shell: everything one run of the program holds, and what it does with statements, commands and
 * files.
 *
 * Functions that do something return an exit code (options.h) and have told what was wrong.
 *
 * Threading: one thread; SIGINT only sets a flag. Ownership: options outlive the shell. */
#ifndef FIRN_CLI_SHELL_H
#define FIRN_CLI_SHELL_H

#include "cli/complaint.h"
#include "cli/printer.h"
#include "cli/progress.h"
#include "cli/script.h"
#include "cli/session.h"

enum { SHELL_INCLUDE_DEPTH_MAX = 16 };

typedef struct Shell {
    const Options *options;
    Session session;
    Printer out;
    Printer err;
    Progress progress;
    OutputFormat format;
    StatementPlace place; /* of what runs now */
    bool has_timing;
    bool is_interactive;
    bool wants_quit;
    int include_depth;
} Shell;

CHECKED Status shell_open(Shell *shell, Env *env, const Options *options, Error *error);
void shell_close(Shell *shell);

/* Logs in and does what the options say. */
int shell_run(Shell *shell);

/* ---- for the commands ---- */

/* Runs statements and shows what they give. */
int shell_run_sql(Shell *shell, Slice sql, bool has_parameter);
int shell_run_file(Shell *shell, const char *path);

/* What shows one result, in place of the table. */
typedef Status ShellView(Shell *shell, Arena *arena, const ResponseResult *result, Error *error);

/* The same, with a view of its own where the format is a table. */
int shell_run_view(Shell *shell, Slice sql, ShellView *view);

/* Tells an error; returns the exit code it means. */
int shell_fail(Shell *shell, const Error *error);

#endif
