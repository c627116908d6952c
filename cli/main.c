/* `firn`: the shell of Firn. */
#include <locale.h>
#include <stdio.h>

#include "base/version.h"
#include "cli/interrupt.h"
#include "cli/offline.h"
#include "cli/shell.h"

static int run(const Options *options)
{
    static Shell shell; /* large, and there is one */
    Error error;
    int code = EXIT_WRONG_USE;
    if (shell_open(&shell, env_real(), options, &error) == OK)
        code = shell_run(&shell);
    else
        (void)shell_fail(&shell, &error);
    shell_close(&shell);
    return code;
}

static int not_built(const char *name)
{
    (void)fprintf(stderr, "firn: \"%s\" is not built into this version\n", name);
    return EXIT_WRONG_USE;
}

int main(int count, char **arguments)
{
    static Options options;
    Error error;
    (void)setlocale(LC_CTYPE, "C.UTF-8"); /* what wcwidth and libedit know characters by */
    if (count > 1 && offline_is_command(arguments[1]))
        return offline_run(count, arguments);
    if (command_line_read(count, arguments, &options, &error) != OK) {
        (void)fprintf(stderr, "firn: %s\n\"firn --help\" shows how it is used\n", error.message);
        return EXIT_WRONG_USE;
    }
    interrupt_catch();
    switch (options.mode) {
    case RUN_HELP:
        return fputs(command_line_usage, stdout) < 0 || fflush(stdout) != 0;
    case RUN_VERSION:
        return printf("%s\n", version_text()) < 0 || fflush(stdout) != 0;
    case RUN_NOT_BUILT:
        return not_built(options.text);
    default:
        return run(&options);
    }
}
