/* The logger: levels, the rate of each event, and what was lost. Lines are made in logger_line.c
 * and leave by logger_output.c. */
#include "base/logger_int.h"

#include "base/assert.h"
#include "base/hash.h"

enum { EVENT_NAME_BYTES_MAX = 64 };

typedef struct EventRate {
    uint64_t hash; /* of its name and level */
    char name[EVENT_NAME_BYTES_MAX];
    LogLevel level;
    int64_t window_start_ns;
    uint32_t lines;      /* written in this window */
    uint64_t suppressed; /* and not yet told */
} EventRate;

struct Logger {
    Env *env;
    _Atomic int level;
    _Atomic int format;
    _Atomic uint64_t dropped;
    Mutex lock; /* of everything below */
    uint64_t dropped_told;
    LogOutput output;
    LogLine line;
    size_t rate_count;
    size_t next_swept;
    EventRate rates[LOG_EVENTS_MAX];
};

Status logger_create(Env *env, const LoggerOptions *options, Logger **out, Error *error)
{
    Logger *logger = MEMORY_NEW(Logger);
    if (logger == NULL)
        return error_out_of_memory(error);
    logger->env = env;
    atomic_store(&logger->level, (int)options->level);
    atomic_store(&logger->format, (int)options->format);
    mutex_open(&logger->lock, env, "logger");
    Status status = OK;
    GO(log_output_open(&logger->output, env, options, error));
    GO(log_line_open(&logger->line, error));
    *out = logger;
    return OK;
done:
    mutex_close(&logger->lock);
    memory_free(logger);
    return status;
}

void logger_set_level(Logger *logger, LogLevel level)
{
    atomic_store_explicit(&logger->level, (int)level, memory_order_relaxed);
}

void logger_set_format(Logger *logger, LogFormat format)
{
    atomic_store_explicit(&logger->format, (int)format, memory_order_relaxed);
}

bool logger_is_enabled(const Logger *logger, LogLevel level)
{
    return logger != NULL &&
           (int)level >= atomic_load_explicit(&logger->level, memory_order_relaxed);
}

uint64_t logger_dropped(const Logger *logger)
{
    return atomic_load_explicit(&logger->dropped, memory_order_relaxed);
}

/* ---- writing a line, with the lock held ---- */

static void write_line(Logger *logger, LogLevel level, const char *event, const char *message,
                       const LogField *fields, size_t count)
{
    LogFormat format = (LogFormat)atomic_load_explicit(&logger->format, memory_order_relaxed);
    log_line_begin(&logger->line, format, env_wall_us(logger->env), level, event, message);
    for (size_t i = 0; i < count; i++)
        log_line_add(&logger->line, &fields[i]);
    if (!log_output_write(&logger->output, log_line_end(&logger->line)))
        atomic_fetch_add_explicit(&logger->dropped, 1, memory_order_relaxed);
}

static void tell_dropped(Logger *logger)
{
    uint64_t dropped = logger_dropped(logger);
    if (dropped == logger->dropped_told)
        return;
    LogField lines = LOG_UNSIGNED("lines", dropped - logger->dropped_told);
    write_line(logger, LOG_LEVEL_WARN, "log_dropped", "the log's output did not take every line",
               &lines, 1);
    if (logger_dropped(logger) == dropped)
        logger->dropped_told = dropped;
    else /* this one is not worth telling */
        atomic_store_explicit(&logger->dropped, dropped, memory_order_relaxed);
}

static void tell_suppressed(Logger *logger, EventRate *rate)
{
    if (rate->suppressed == 0)
        return;
    LogField fields[] = {LOG_TEXT("of", rate->name), LOG_UNSIGNED("suppressed", rate->suppressed)};
    rate->suppressed = 0;
    write_line(logger, rate->level, "log_suppressed", "an event came too often", fields, 2);
}

/* ---- the rate of events ---- */

static uint64_t hash_event(LogLevel level, const char *event)
{
    return hash_64_seeded(slice_of_text(event), (uint64_t)level);
}

static EventRate *oldest_rate(Logger *logger)
{
    EventRate *oldest = &logger->rates[0];
    for (size_t i = 1; i < logger->rate_count; i++) {
        if (logger->rates[i].window_start_ns < oldest->window_start_ns)
            oldest = &logger->rates[i];
    }
    return oldest;
}

static EventRate *rate_of(Logger *logger, LogLevel level, const char *event, int64_t now_ns)
{
    uint64_t hash = hash_event(level, event);
    for (size_t i = 0; i < logger->rate_count; i++) {
        if (logger->rates[i].hash == hash)
            return &logger->rates[i];
    }
    EventRate *rate;
    if (logger->rate_count < LOG_EVENTS_MAX) {
        rate = &logger->rates[logger->rate_count++];
    } else {
        rate = oldest_rate(logger);
        tell_suppressed(logger, rate);
    }
    *rate = (EventRate){.hash = hash, .level = level, .window_start_ns = now_ns};
    Slice name = slice_part(slice_of_text(event), 0, sizeof rate->name - 1);
    memcpy(rate->name, name.data, name.size);
    return rate;
}

/* False where the event is suppressed; else *untold lines were before this one. */
static bool admit(Logger *logger, LogLevel level, const char *event, int64_t now_ns,
                  uint64_t *untold)
{
    *untold = 0;
    if (level == LOG_LEVEL_DEBUG)
        return true;
    EventRate *rate = rate_of(logger, level, event, now_ns);
    if (now_ns - rate->window_start_ns >= LOG_WINDOW_NS) {
        rate->window_start_ns = now_ns;
        rate->lines = 0;
    }
    if (rate->lines >= LOG_BURST) {
        rate->suppressed++;
        return false;
    }
    rate->lines++;
    *untold = rate->suppressed;
    rate->suppressed = 0;
    return true;
}

/* An event that never comes again still has its suppressed lines told: by the lines of others. */
static void sweep_one(Logger *logger, int64_t now_ns)
{
    if (logger->rate_count == 0)
        return;
    logger->next_swept = (logger->next_swept + 1) % logger->rate_count;
    EventRate *rate = &logger->rates[logger->next_swept];
    if (now_ns - rate->window_start_ns >= LOG_WINDOW_NS)
        tell_suppressed(logger, rate);
}

void logger_write(Logger *logger, LogLevel level, const char *event, const char *message,
                  const LogField *fields, size_t count)
{
    enum { FIELDS_MAX = 32 };
    LogField all[FIELDS_MAX + 1];
    if (!logger_is_enabled(logger, level))
        return;
    ASSERT(count <= FIELDS_MAX);
    mutex_lock(&logger->lock);
    int64_t now_ns = env_monotonic_ns(logger->env);
    uint64_t untold;
    if (admit(logger, level, event, now_ns, &untold)) {
        tell_dropped(logger);
        if (count > 0)
            memcpy(all, fields, count * sizeof *fields);
        if (untold > 0)
            all[count++] = LOG_UNSIGNED("suppressed", untold);
        write_line(logger, level, event, message, all, count);
        sweep_one(logger, now_ns);
    }
    mutex_unlock(&logger->lock);
}

void logger_destroy(Logger *logger)
{
    if (logger == NULL)
        return;
    mutex_lock(&logger->lock);
    for (size_t i = 0; i < logger->rate_count; i++)
        tell_suppressed(logger, &logger->rates[i]);
    tell_dropped(logger);
    mutex_unlock(&logger->lock);
    mutex_close(&logger->lock);
    log_line_close(&logger->line);
    memory_free(logger);
}
