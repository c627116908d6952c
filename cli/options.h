/* The command line of `firn`.
 *
 * Threading: one thread (getopt keeps its place in variables of its own). Ownership: texts point
 * into the arguments. Errors: INVALID_PARAMETER_VALUE: wrong use, exit code 2. */
#ifndef FIRN_CLI_OPTIONS_H
#define FIRN_CLI_OPTIONS_H

#include "base/error.h"

enum {
    OPTION_PARAMETERS_MAX = 1024,

    /* What the program ends with. */
    EXIT_DONE = 0,
    EXIT_STATEMENT_FAILED = 1,
    EXIT_WRONG_USE = 2,
    EXIT_NO_CONNECTION = 3,
};

typedef enum OutputFormat {
    FORMAT_TABLE,
    FORMAT_JSON,
    FORMAT_CSV,
} OutputFormat;

bool output_format_from_name(Slice name, OutputFormat *out);
const char *output_format_name(OutputFormat format);

typedef enum RunMode {
    RUN_INPUT,   /* standard input: a shell where it is a terminal */
    RUN_COMMAND, /* -c */
    RUN_FILE,    /* -f */
    RUN_VERSION,
    RUN_HELP,
    RUN_NOT_BUILT, /* top, bench */
} RunMode;

typedef struct Options {
    RunMode mode;
    const char *host;
    uint16_t port;
    const char *user;
    const char *namespace_name; /* NULL: none */
    const char *text;           /* of -c, -f; the name of what is not built */
    OutputFormat format;
    const char *parameters[OPTION_PARAMETERS_MAX];
    size_t parameter_count;
    bool no_color;
    bool is_verbose;
    bool reads_input; /* "-": standard input is no shell, even on a terminal */
} Options;

CHECKED Status command_line_read(int count, char **arguments, Options *out, Error *error);

/* How to call it, several lines. */
extern const char command_line_usage[];

#endif
