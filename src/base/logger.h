/* Logger: what the server says about itself, one line for each event, as JSON or as text.
 *
 *     LOG_INFO(logger, "flush_completed", "flushed a table", LOG_TEXT("table", name),
 *              LOG_INTEGER("rows", rows));
 *     {"time":"2026-01-02T03:04:05.000006Z","level":"info","event":"flush_completed",
 *      "message":"flushed a table","table":"app.mails","rows":100}
 *
 * `event` is a fixed name that programs match on; `message` is for people. Values are escaped, and
 * cut where they are long: whatever a value holds, a line stays one line and valid UTF-8. Secrets
 * and users' rows do not belong into any of them; errors are logged with their internal text.
 *
 * One event may fill the log at its own expense only: beyond LOG_BURST lines in LOG_WINDOW_NS it is
 * suppressed, and its next line (or a "log_suppressed" line) says how many there were. Debug lines
 * are not limited.
 *
 * Threading: any thread. A line waits for its output at most LOG_OUTPUT_WAIT_NS and is then
 * dropped; while an output is stuck further lines are dropped at once, and counted. Ownership: the
 * logger owns its memory, never its output. Nothing is allocated after logger_create. A NULL logger
 * logs nothing. Errors: of logger_create only. */
#ifndef FIRN_BASE_LOGGER_H
#define FIRN_BASE_LOGGER_H

#include "base/env.h"

enum {
    LOG_LINE_BYTES_MAX = 8192,  /* fields that do not fit are left out, and "cut":true says so */
    LOG_VALUE_BYTES_MAX = 2048, /* a longer text is cut at a character, and ends in "…" */
    LOG_EVENTS_MAX = 128, /* events whose rate is watched at one time; above it the oldest goes */
    LOG_BURST = 50,
};
#define LOG_WINDOW_NS       INT64_C(5000000000)
#define LOG_OUTPUT_WAIT_NS  INT64_C(100000000)
#define LOG_OUTPUT_STUCK_NS INT64_C(1000000000)

typedef enum LogLevel { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR } LogLevel;
typedef enum LogFormat { LOG_FORMAT_JSON, LOG_FORMAT_TEXT } LogFormat;

/* Exactly one output: a callback, a File of the Env, or else a descriptor (2 is standard error). */
typedef struct LoggerOptions {
    LogLevel level;
    LogFormat format;
    /* One line with its newline; false where it could not be written. Called one at a time, under
     * the logger's lock: it must neither log nor wait. */
    bool (*write)(void *context, Slice line);
    void *write_context;
    File *file; /* written at its end */
    int descriptor;
} LoggerOptions;

typedef struct Logger Logger;

CHECKED Status logger_create(Env *env, const LoggerOptions *options, Logger **out, Error *error);
void logger_destroy(Logger *logger); /* says what is still suppressed; NULL is allowed */

void logger_set_level(Logger *logger, LogLevel level);
void logger_set_format(Logger *logger, LogFormat format);
bool logger_is_enabled(const Logger *logger, LogLevel level);

/* Lines that no output took, since the start. */
uint64_t logger_dropped(const Logger *logger);

/* "debug", "info", "warn", "error"; "json", "text". False where it is none of them. */
__attribute__((warn_unused_result)) bool log_level_of(Slice name, LogLevel *out);
__attribute__((warn_unused_result)) bool log_format_of(Slice name, LogFormat *out);

typedef struct LogField {
    enum {
        LOG_FIELD_NONE,
        LOG_FIELD_TEXT,
        LOG_FIELD_INTEGER,
        LOG_FIELD_UNSIGNED,
        LOG_FIELD_DOUBLE,
        LOG_FIELD_BOOLEAN,
        LOG_FIELD_ERROR,
    } kind;
    const char *name;
    union {
        Slice text;
        int64_t integer;
        uint64_t number;
        double real;
        bool boolean;
        const Error *error;
    } as;
} LogField;

#define LOG_TEXT(name, text)      LOG_SLICE((name), slice_of_text(text))
#define LOG_SLICE(name, slice)    ((LogField){LOG_FIELD_TEXT, (name), {.text = (slice)}})
#define LOG_INTEGER(name, value)  ((LogField){LOG_FIELD_INTEGER, (name), {.integer = (value)}})
#define LOG_UNSIGNED(name, value) ((LogField){LOG_FIELD_UNSIGNED, (name), {.number = (value)}})
#define LOG_DOUBLE(name, value)   ((LogField){LOG_FIELD_DOUBLE, (name), {.real = (value)}})
#define LOG_BOOLEAN(name, value)  ((LogField){LOG_FIELD_BOOLEAN, (name), {.boolean = (value)}})

/* Its status, message, detail and internal text, as "status", "error", "detail" and "internal". */
#define LOG_ERROR_OF(failure) ((LogField){LOG_FIELD_ERROR, "error", {.error = (failure)}})

void logger_write(Logger *logger, LogLevel level, const char *event, const char *message,
                  const LogField *fields, size_t count);

#define LOG_AT(logger, level, event, message, ...)                                              \
    do {                                                                                        \
        if (logger_is_enabled((logger), (level))) {                                             \
            const LogField log_fields_[] = {{LOG_FIELD_NONE, "", {.integer = 0}}, __VA_ARGS__}; \
            logger_write((logger), (level), (event), (message), log_fields_ + 1,                \
                         sizeof log_fields_ / sizeof log_fields_[0] - 1);                       \
        }                                                                                       \
    } while (0)

#define LOG_DEBUG(logger, ...) LOG_AT(logger, LOG_LEVEL_DEBUG, __VA_ARGS__, )
#define LOG_INFO(logger, ...)  LOG_AT(logger, LOG_LEVEL_INFO, __VA_ARGS__, )
#define LOG_WARN(logger, ...)  LOG_AT(logger, LOG_LEVEL_WARN, __VA_ARGS__, )
#define LOG_ERROR(logger, ...) LOG_AT(logger, LOG_LEVEL_ERROR, __VA_ARGS__, )

#endif
