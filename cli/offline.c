#include "cli/offline.h"

#include <stdio.h>

#include "check/check.h"

static const char usage[] =
    "firn check [--no-log] [--repair] DIR    verifies a data directory that no server has open\n"
    "firn dump log DIR                       the log, frame by frame\n"
    "firn dump manifest DIR [NS.TABLE]       what is committed of each table\n"
    "firn dump row DIR NS.TABLE KEY          one key in the log and in the key indexes\n"
    "\n"
    "--no-log   only the tables' files, found as outside readers find them\n"
    "--repair   removes what nothing names, and damaged key indexes (the server makes them again)\n"
    "Exit: 0 good, 2 wrong use, 3 a server has the directory, 4 damaged.\n";

static int refuse(void)
{
    (void)fputs(usage, stderr);
    return EXIT_WRONG_USE;
}

bool offline_is_command(const char *word)
{
    return strcmp(word, "check") == 0 || strcmp(word, "dump") == 0;
}

static int fail(const Error *error)
{
    (void)fprintf(stderr, "firn: %s", error->message);
    if (error->internal[0] != '\0')
        (void)fprintf(stderr, " (%s)", error->internal);
    (void)fprintf(stderr, "\n%s%s", error->hint, error->hint[0] == '\0' ? "" : "\n");
    switch (error->status) {
    case STATUS_DIRECTORY_LOCKED:
        return EXIT_LOCKED;
    case STATUS_INVALID_PARAMETER_VALUE:
    case STATUS_UNDEFINED_TABLE:
        return EXIT_WRONG_USE;
    default:
        return EXIT_DAMAGED;
    }
}

/* ---- firn check ---- */

static void say_finding(void *context, const CheckFinding *finding)
{
    (void)context;
    (void)printf("%s: %s: %s\n    %s%s\n", check_grade_name(finding->grade), finding->object,
                 finding->what, finding->is_repaired ? "repaired; " : "", finding->advice);
}

static void say_table(void *context, const char *name, uint64_t files, uint64_t rows)
{
    (void)context;
    (void)printf("table %s: %llu files, %llu rows alive in them\n", name, (unsigned long long)files,
                 (unsigned long long)rows);
}

static void say_summary(const CheckSummary *summary, bool without_log)
{
    if (!without_log)
        (void)printf("log: %llu segments, %llu frames, durable to position %llu, ends at %llu\n",
                     (unsigned long long)summary->segments, (unsigned long long)summary->frames,
                     (unsigned long long)summary->log_durable,
                     (unsigned long long)summary->log_end);
    (void)printf("%llu tables, %llu files, %llu bytes, %llu key indexes, %llu rows in files\n",
                 (unsigned long long)summary->tables, (unsigned long long)summary->files,
                 (unsigned long long)summary->bytes, (unsigned long long)summary->indexes,
                 (unsigned long long)summary->rows);
    (void)printf("%s: %llu damaged, %llu derived, %llu orphans, %llu notes\n",
                 check_is_good(summary) ? "good" : "DAMAGED",
                 (unsigned long long)summary->found[CHECK_DAMAGE],
                 (unsigned long long)summary->found[CHECK_DERIVED],
                 (unsigned long long)summary->found[CHECK_ORPHAN],
                 (unsigned long long)summary->found[CHECK_NOTE]);
}

static int run_check(int count, char **arguments)
{
    CheckOptions options = {.found = say_finding, .table = say_table};
    CheckSummary summary;
    Error error;
    for (int i = 2; i < count; i++) {
        if (strcmp(arguments[i], "--no-log") == 0)
            options.without_log = true;
        else if (strcmp(arguments[i], "--repair") == 0)
            options.repair = true;
        else if (arguments[i][0] == '-' || options.directory != NULL)
            return refuse();
        else
            options.directory = arguments[i];
    }
    if (options.directory == NULL || (options.without_log && options.repair))
        return refuse();
    if (check_directory(env_real(), &options, &summary, &error) != OK)
        return fail(&error);
    say_summary(&summary, options.without_log);
    return check_is_good(&summary) ? EXIT_DONE : EXIT_DAMAGED;
}

/* ---- firn dump ---- */

static void say_line(void *context, const char *text)
{
    (void)context;
    (void)puts(text);
}

static int run_dump(int count, char **arguments)
{
    const DumpSink sink = {.line = say_line};
    Env *env = env_real();
    Error error;
    Status status;
    const char *what = count > 2 ? arguments[2] : "";
    if (strcmp(what, "log") == 0 && count == 4)
        status = dump_log(env, arguments[3], &sink, &error);
    else if (strcmp(what, "manifest") == 0 && (count == 4 || count == 5))
        status = dump_manifest(env, arguments[3], count == 5 ? arguments[4] : NULL, &sink, &error);
    else if (strcmp(what, "row") == 0 && count == 6)
        status = dump_row(env, arguments[3], arguments[4], arguments[5], &sink, &error);
    else
        return refuse();
    return status == OK ? EXIT_DONE : fail(&error);
}

int offline_run(int count, char **arguments)
{
    int code = strcmp(arguments[1], "check") == 0 ? run_check(count, arguments)
                                                  : run_dump(count, arguments);
    if (fflush(stdout) == 0)
        return code;
    return code == EXIT_DONE ? EXIT_STATEMENT_FAILED : code;
}
