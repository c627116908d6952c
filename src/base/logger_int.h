/* Private to base: what the logger's files share. */
#ifndef FIRN_BASE_LOGGER_INT_H
#define FIRN_BASE_LOGGER_INT_H

#include "base/logger.h"

/* Where lines go: logger_output.c. */
typedef struct LogOutput {
    Env *env;
    bool (*write)(void *context, Slice line);
    void *write_context;
    File *file;
    uint64_t file_offset;
    int descriptor;
    bool is_in_line;        /* a line was cut off half-way: end it before the next */
    int64_t stuck_until_ns; /* until then lines are dropped at once */
} LogOutput;

CHECKED Status log_output_open(LogOutput *output, Env *env, const LoggerOptions *options,
                               Error *error);

/* False where the line was dropped. */
bool log_output_write(LogOutput *output, Slice line);

/* One line being made: logger_line.c. */
typedef struct LogLine {
    Buffer out;       /* of LOG_LINE_BYTES_MAX, allocated once */
    LogFormat format; /* read when the line begins */
    bool is_cut;
    char value[LOG_VALUE_BYTES_MAX + 4]; /* a cut value and "…" */
} LogLine;

CHECKED Status log_line_open(LogLine *line, Error *error);
void log_line_close(LogLine *line);
void log_line_begin(LogLine *line, LogFormat format, int64_t wall_us, LogLevel level,
                    const char *event, const char *message);
void log_line_add(LogLine *line, const LogField *field);
Slice log_line_end(LogLine *line); /* lives until the next begin */

#endif
