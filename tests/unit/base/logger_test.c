#include "base/logger.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/random.h"
#include "tests/unit/base/test.h"

enum { DEPTH_MAX = 4 };

/* Collects lines; refuses them while `is_broken`. */
typedef struct Sink {
    Buffer lines;
    bool is_broken;
} Sink;

static bool sink_write(void *context, Slice line)
{
    Sink *sink = context;
    if (sink->is_broken)
        return false;
    buffer_put_slice(&sink->lines, line);
    return true;
}

/* An Env whose clocks stand where the test puts them. */
static int64_t clock_us;

static int64_t fixed_wall_us(Env *env)
{
    (void)env;
    return clock_us;
}

static int64_t fixed_monotonic_ns(Env *env)
{
    (void)env;
    return clock_us * 1000;
}

static Env *fixed_env(void)
{
    static EnvOperations operations;
    static Env env = {&operations};
    operations = *env_real()->operations;
    operations.wall_us = fixed_wall_us;
    operations.monotonic_ns = fixed_monotonic_ns;
    return &env;
}

static Sink sink;

static Logger *open_logger(LogFormat format)
{
    LoggerOptions options = {
        .level = LOG_LEVEL_INFO, .format = format, .write = sink_write, .write_context = &sink};
    Logger *logger;
    Error error;
    buffer_open(&sink.lines, 0);
    sink.is_broken = false;
    assert_ok(logger_create(fixed_env(), &options, &logger, &error), &error);
    return logger;
}

static void close_logger(Logger *logger)
{
    logger_destroy(logger);
    buffer_close(&sink.lines);
}

static size_t count_lines(Slice text, const char *part)
{
    size_t count = 0;
    while (text.size > 0) {
        size_t end = slice_find(text, '\n');
        assert_true(end < text.size);
        Slice line = slice_part(text, 0, end);
        count += memmem(line.data, line.size, part, strlen(part)) != NULL;
        text = slice_part(text, end + 1, text.size);
    }
    return count;
}

static void a_line_is_one_json_object(void **state)
{
    (void)state;
    clock_us = INT64_C(1767323045000006); /* date -d @1767323045 -u */
    Logger *logger = open_logger(LOG_FORMAT_JSON);
    Error failure;
    (void)error_set(&failure, STATUS_IO_ERROR, "could not sync");
    error_set_detail(&failure, "a detail");
    (void)error_wrap(&failure, "/secret/path");
    LOG_INFO(logger, "flush_completed", "flushed \"t\"", LOG_TEXT("table", "a\nb"),
             LOG_INTEGER("rows", -5), LOG_UNSIGNED("bytes", UINT64_MAX),
             LOG_DOUBLE("seconds", 0.25), LOG_BOOLEAN("whole", true), LOG_ERROR_OF(&failure));
    assert_slice(buffer_slice(&sink.lines),
                 "{\"time\":\"2026-01-02T03:04:05.000006Z\",\"level\":\"info\","
                 "\"event\":\"flush_completed\",\"message\":\"flushed \\\"t\\\"\","
                 "\"table\":\"a\\nb\",\"rows\":-5,\"bytes\":18446744073709551615,\"seconds\":0.25,"
                 "\"whole\":true,\"status\":\"IO_ERROR\",\"error\":\"could not sync\","
                 "\"detail\":\"a detail\",\"internal\":\"/secret/path\"}\n");
    close_logger(logger);
}

static void a_text_line_quotes_what_needs_it(void **state)
{
    (void)state;
    clock_us = -1; /* the last microsecond of 1969 */
    Logger *logger = open_logger(LOG_FORMAT_TEXT);
    LOG_WARN(logger, "e", "two words", LOG_TEXT("a", "plain"), LOG_TEXT("b", "two words"),
             LOG_TEXT("c", ""), LOG_TEXT("d", "x=\n"), LOG_TEXT("e", "\xff"), LOG_INTEGER("f", 1));
    LOG_ERROR(logger, "e", "a\nb");
    assert_slice(buffer_slice(&sink.lines),
                 "1969-12-31T23:59:59.999999Z warn  e: two words a=plain b=\"two words\" c=\"\" "
                 "d=\"x=\\n\" e=\"\xef\xbf\xbd\" f=1\n"
                 "1969-12-31T23:59:59.999999Z error e: \"a\\nb\"\n");
    close_logger(logger);
}

static void dates_are_those_of_the_calendar(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *date;
    } cases[] = {{0, "1970-01-01T"},          {951782400, "2000-02-29T"},
                 {951868800, "2000-03-01T"},  {4107542400, "2100-03-01T"},
                 {4107456000, "2100-02-28T"}, {1709164800, "2024-02-29T"},
                 {1735603200, "2024-12-31T"}, {-2208988800, "1900-01-01T"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        clock_us = cases[i].seconds * 1000000;
        Logger *logger = open_logger(LOG_FORMAT_TEXT);
        LOG_INFO(logger, "e", "m");
        assert_slice(slice_part(buffer_slice(&sink.lines), 0, 11), cases[i].date);
        close_logger(logger);
    }
}

static void levels_are_kept(void **state)
{
    (void)state;
    Logger *logger = open_logger(LOG_FORMAT_TEXT);
    LOG_DEBUG(logger, "e", "m");
    assert_int_equal(sink.lines.size, 0);
    logger_set_level(logger, LOG_LEVEL_ERROR);
    LOG_WARN(logger, "e", "m");
    assert_int_equal(sink.lines.size, 0);
    logger_set_level(logger, LOG_LEVEL_DEBUG);
    LOG_DEBUG(logger, "e", "m");
    assert_int_equal(count_lines(buffer_slice(&sink.lines), "debug"), 1);
    LOG_INFO(NULL, "e", "m"); /* nobody listens */
    close_logger(logger);

    LogLevel level;
    LogFormat format;
    assert_true(log_level_of(SLICE("warn"), &level) && level == LOG_LEVEL_WARN);
    assert_false(log_level_of(SLICE("WARN"), &level));
    assert_true(log_format_of(SLICE("text"), &format) && format == LOG_FORMAT_TEXT);
    assert_false(log_format_of(SLICE("xml"), &format));
}

/* Whatever bytes the values hold, each line is one valid JSON document of bounded size. */
static void every_line_is_valid(void **state)
{
    (void)state;
    Random random = random_of(test_seed());
    Logger *logger = open_logger(LOG_FORMAT_JSON);
    logger_set_level(logger, LOG_LEVEL_DEBUG);
    static char bytes[3 * LOG_VALUE_BYTES_MAX];
    Arena arena;
    Error error;
    JsonValue *value;
    arena_open(&arena, 0);
    for (int i = 0; i < 2000; i++) {
        random_bytes(&random, bytes, sizeof bytes);
        if (random_chance(&random, 1, 2))
            memset(bytes, (int)random_below(&random, 256), sizeof bytes);
        Slice a = slice_of(bytes, random_below(&random, sizeof bytes));
        Slice b = slice_of(bytes, random_below(&random, sizeof bytes));
        buffer_clear(&sink.lines);
        LOG_DEBUG(logger, "e", "m", LOG_SLICE("a", a), LOG_SLICE("b", b), LOG_SLICE("c", b),
                  LOG_INTEGER("last", 7));
        assert_true(sink.lines.size <= LOG_LINE_BYTES_MAX);
        assert_int_equal(count_lines(buffer_slice(&sink.lines), ""), 1);
        assert_ok(json_read(&arena, buffer_slice(&sink.lines), DEPTH_MAX, &value, &error), &error);
        bool is_whole = json_member(value, "a") != NULL && json_member(value, "b") != NULL &&
                        json_member(value, "c") != NULL && json_member(value, "last") != NULL;
        assert_int_equal(!is_whole, json_member_boolean(value, "cut", false));
        arena_reset(&arena);
    }
    arena_close(&arena);
    close_logger(logger);
}

static void a_long_value_is_cut_at_a_character(void **state)
{
    (void)state;
    Logger *logger = open_logger(LOG_FORMAT_TEXT);
    char text[LOG_VALUE_BYTES_MAX + 2];
    memset(text, 'x', sizeof text);
    memcpy(text + LOG_VALUE_BYTES_MAX - 1, "é", 2); /* its second byte does not fit */
    LOG_INFO(logger, "e", "m", LOG_SLICE("a", slice_of(text, sizeof text)));
    Slice line = slice_trim(buffer_slice(&sink.lines));
    assert_slice(slice_part(line, line.size - 4, 4), "x…");
    assert_true(slice_is_utf8_text(line));
    close_logger(logger);
}

static void an_event_that_comes_too_often_is_suppressed(void **state)
{
    (void)state;
    clock_us = 0;
    Logger *logger = open_logger(LOG_FORMAT_JSON);
    for (int i = 0; i < LOG_BURST + 7; i++)
        LOG_INFO(logger, "often", "m");
    LOG_INFO(logger, "other", "m"); /* is not touched by it */
    assert_int_equal(count_lines(buffer_slice(&sink.lines), "often"), LOG_BURST);
    assert_int_equal(count_lines(buffer_slice(&sink.lines), "other"), 1);

    clock_us += LOG_WINDOW_NS / 1000;
    buffer_clear(&sink.lines);
    LOG_INFO(logger, "often", "m");
    LOG_INFO(logger, "often", "m");
    assert_int_equal(count_lines(buffer_slice(&sink.lines), "\"suppressed\":7"), 1);
    assert_int_equal(count_lines(buffer_slice(&sink.lines), "often"), 2);
    close_logger(logger);
}

static void what_was_suppressed_is_told_by_others_and_at_the_end(void **state)
{
    (void)state;
    clock_us = 0;
    Logger *logger = open_logger(LOG_FORMAT_JSON);
    for (int i = 0; i < LOG_BURST + 1; i++)
        LOG_ERROR(logger, "first", "m");
    clock_us += LOG_WINDOW_NS / 1000;
    for (int i = 0; i < LOG_BURST + 2; i++)
        LOG_ERROR(logger, "second", "m");
    assert_int_equal(count_lines(buffer_slice(&sink.lines), "\"of\":\"first\",\"suppressed\":1"),
                     1);
    logger_destroy(logger);
    assert_int_equal(count_lines(buffer_slice(&sink.lines), "\"of\":\"second\",\"suppressed\":2"),
                     1);
    buffer_close(&sink.lines);
}

/* More events than are watched: none is lost, and what was suppressed of one that goes is told. */
static void more_events_than_are_watched(void **state)
{
    (void)state;
    clock_us = 0;
    Logger *logger = open_logger(LOG_FORMAT_JSON);
    for (int i = 0; i < LOG_BURST + 3; i++)
        LOG_INFO(logger, "first", "m");
    clock_us += 1;
    for (int i = 0; i < LOG_EVENTS_MAX; i++) {
        char event[32];
        (void)snprintf(event, sizeof event, "event_%03d", i);
        LOG_INFO(logger, event, "m");
    }
    assert_int_equal(count_lines(buffer_slice(&sink.lines), "event_"), LOG_EVENTS_MAX);
    assert_int_equal(count_lines(buffer_slice(&sink.lines), "\"of\":\"first\",\"suppressed\":3"),
                     1);
    close_logger(logger);
}

static void lines_that_are_not_taken_are_counted_and_told(void **state)
{
    (void)state;
    Logger *logger = open_logger(LOG_FORMAT_JSON);
    sink.is_broken = true;
    for (int i = 0; i < 5; i++)
        LOG_INFO(logger, "lost", "m");
    assert_int_equal(logger_dropped(logger), 5);
    sink.is_broken = false;
    LOG_INFO(logger, "next", "m");
    LOG_INFO(logger, "next", "m");
    assert_int_equal(count_lines(buffer_slice(&sink.lines), "\"log_dropped\""), 1);
    assert_int_equal(count_lines(buffer_slice(&sink.lines), "\"lines\":5"), 1);
    assert_int_equal(count_lines(buffer_slice(&sink.lines), "next"), 2);
    close_logger(logger);
}

static Logger *open_descriptor_logger(int descriptor)
{
    LoggerOptions options = {.level = LOG_LEVEL_DEBUG, .descriptor = descriptor};
    Logger *logger;
    Error error;
    assert_ok(logger_create(env_real(), &options, &logger, &error), &error);
    return logger;
}

/* Lines are longer than what a pipe takes at once, so that some are cut off half-way: the next one
 * still begins on a line of its own. */
static void assert_lines_begin_once(Slice text)
{
    static const char beginning[] = "{\"time\"";
    while (text.size > 0) {
        size_t end = slice_find(text, '\n');
        Slice line = slice_part(text, 1, end);
        assert_null(memmem(line.data, line.size, beginning, sizeof beginning - 1));
        text = slice_part(text, end + 1, text.size);
    }
}

/* Nobody reads the pipe: logging goes on, and when somebody reads, whole lines come out. */
static void a_full_pipe_stops_nobody(void **state)
{
    (void)state;
    enum { LINES = 200, READ_BYTES = 1 << 20 };
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    Logger *logger = open_descriptor_logger(ends[1]);
    char value[LOG_VALUE_BYTES_MAX];
    memset(value, 'v', sizeof value);
    Slice v = slice_of(value, sizeof value);
    LOG_DEBUG(logger, "short", "m"); /* so that the pipe is full in the midst of a line */
    for (int i = 0; i < LINES; i++)
        LOG_DEBUG(logger, "e", "m", LOG_SLICE("v", v), LOG_SLICE("w", v), LOG_SLICE("x", v));
    assert_true(logger_dropped(logger) > 0);

    char *read_bytes = malloc(READ_BYTES);
    assert_non_null(read_bytes);
    ssize_t first = read(ends[0], read_bytes, READ_BYTES);
    assert_true(first > 0);
    LOG_DEBUG(logger, "last", "m");
    logger_destroy(logger);
    assert_int_equal(close(ends[1]), 0);
    size_t size = (size_t)first;
    for (ssize_t n = 1; n > 0; size += (size_t)n) {
        n = read(ends[0], read_bytes + size, READ_BYTES - size);
        assert_true(n >= 0);
    }
    Slice text = slice_of(read_bytes, size);
    assert_int_equal(count_lines(text, "\"last\""), 1);
    assert_int_equal(count_lines(text, "\"log_dropped\""), 1);
    assert_lines_begin_once(text);
    free(read_bytes);
    assert_int_equal(close(ends[0]), 0);
}

enum { THREADS = 4, LINES_EACH = 500 };

static void log_many(void *argument)
{
    for (int i = 0; i < LINES_EACH; i++)
        LOG_DEBUG((Logger *)argument, "many", "m", LOG_INTEGER("i", i));
}

static void threads_write_whole_lines_to_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/logger_test_XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, "before\n", 7), 7);
    assert_int_equal(close(descriptor), 0);

    Error error;
    File *file;
    assert_ok(file_open(env_real(), path, FILE_WRITE, &file, &error), &error);
    LoggerOptions options = {.level = LOG_LEVEL_DEBUG, .file = file};
    Logger *logger;
    assert_ok(logger_create(env_real(), &options, &logger, &error), &error);
    Thread *threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_ok(thread_start(env_real(), "logs", THREAD_STACK_BYTES_DEFAULT, log_many, logger,
                               &threads[i], &error),
                  &error);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    logger_destroy(logger);
    assert_ok(file_close(file, &error), &error);

    Buffer text;
    buffer_open(&text, 0);
    assert_ok(env_read_file(env_real(), path, 1 << 24, &text, &error), &error);
    assert_int_equal(count_lines(buffer_slice(&text), "\"event\":\"many\""), THREADS * LINES_EACH);
    assert_int_equal(count_lines(buffer_slice(&text), ""), THREADS * LINES_EACH + 1);
    buffer_close(&text);
    assert_int_equal(unlink(path), 0);
}

static void no_memory_no_logger(void **state)
{
    (void)state;
    LoggerOptions options = {.write = sink_write, .write_context = &sink};
    for (int n = 1; n <= 2; n++) {
        Logger *logger;
        Error error;
        memory_fail_at(n, 1);
        Status status = logger_create(env_real(), &options, &logger, &error);
        memory_fail_at(0, 0);
        assert_status(status, STATUS_OUT_OF_MEMORY);
    }
    Logger *logger = open_logger(LOG_FORMAT_JSON);
    assert_true(buffer_reserve(&sink.lines, 4096) != NULL);
    memory_fail_at(1, -1);
    LOG_INFO(logger, "e", "m", LOG_DOUBLE("x", 0.1)); /* needs none */
    memory_fail_at(0, 0);
    assert_int_equal(count_lines(buffer_slice(&sink.lines), "\"x\":0.1"), 1);
    close_logger(logger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_one_json_object),
        cmocka_unit_test(a_text_line_quotes_what_needs_it),
        cmocka_unit_test(dates_are_those_of_the_calendar),
        cmocka_unit_test(levels_are_kept),
        cmocka_unit_test(every_line_is_valid),
        cmocka_unit_test(a_long_value_is_cut_at_a_character),
        cmocka_unit_test(an_event_that_comes_too_often_is_suppressed),
        cmocka_unit_test(what_was_suppressed_is_told_by_others_and_at_the_end),
        cmocka_unit_test(more_events_than_are_watched),
        cmocka_unit_test(lines_that_are_not_taken_are_counted_and_told),
        cmocka_unit_test(a_full_pipe_stops_nobody),
        cmocka_unit_test(threads_write_whole_lines_to_a_file),
        cmocka_unit_test(no_memory_no_logger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
