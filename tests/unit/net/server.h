/* A server for the tests, with an application whose paths exercise every way to answer. */
#ifndef FIRN_TESTS_UNIT_NET_SERVER_H
#define FIRN_TESTS_UNIT_NET_SERVER_H

#include "net/net.h"
#include "tests/unit/net/client.h"

enum {
    SERVER_WORKERS = 4,
    SERVER_QUEUE_MAX = 4096,
};

/* The real Env with a clock that the test can move on. */
typedef struct ShiftedEnv {
    Env env;
    EnvOperations operations;
    _Atomic int64_t shift_ns;
} ShiftedEnv;

static ShiftedEnv shifted_env;

static inline int64_t shifted_monotonic_ns(Env *env)
{
    (void)env;
    return env_monotonic_ns(env_real()) + atomic_load(&shifted_env.shift_ns);
}

static inline Env *shifted(void)
{
    shifted_env.operations = *env_real()->operations;
    shifted_env.operations.monotonic_ns = shifted_monotonic_ns;
    shifted_env.env.operations = &shifted_env.operations;
    atomic_store(&shifted_env.shift_ns, 0);
    return &shifted_env.env;
}

static inline void shift_seconds(double seconds)
{
    atomic_fetch_add(&shifted_env.shift_ns, (int64_t)(seconds * 1e9));
}

typedef struct Server {
    Env *env;
    Net *net;
    char address[CONNECTION_ADDRESS_BYTES];
    NetHandlers handlers; /* the application's, but for what the test has set */
    NetOptions options;
    Mutex lock;
    Condition changed;
    HttpExchange *queue[SERVER_QUEUE_MAX]; /* for the workers */
    size_t queue_first;
    size_t queue_size;
    HttpExchange *held; /* of GET /hold */
    bool is_stopping;
    bool answers_when_cancelled;
    Thread *workers[SERVER_WORKERS];
    _Atomic int requests;
    _Atomic int cancelled;
    _Atomic int finished;
    _Atomic int write_failures;
    _Atomic int read_failures;
} Server;

/* ---- the application ---- */

static inline void answer_text(HttpExchange *exchange, int status, Slice body)
{
    http_answer(exchange,
                &(HttpAnswer){.status = status, .content_type = "text/plain", .body = body});
}

static inline int64_t parameter_of(HttpExchange *exchange, const char *name, int64_t fallback)
{
    int64_t value = fallback;
    Slice text = http_parameter(exchange, name);
    return text.data != NULL && slice_to_int64(text, &value) ? value : fallback;
}

/* Bytes whose place can be told: a letter for each 7 of them. */
static inline void fill_pattern(uint8_t *out, size_t size, uint64_t offset)
{
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)('a' + (offset + i) / 7 % 26);
}

static inline void answer_stream(Server *server, HttpExchange *exchange)
{
    int64_t size = parameter_of(exchange, "bytes", 100);
    int64_t piece = parameter_of(exchange, "piece", 1000);
    int64_t cut = parameter_of(exchange, "cut", INT64_MAX);
    int64_t patience_ms = parameter_of(exchange, "patience", 0);
    uint8_t *bytes = memory_allocate((size_t)piece);
    Error error;
    Status status = http_stream_begin(
        exchange, &(HttpAnswer){.status = 200, .content_type = "text/plain"}, &error);
    assert_int_equal(status, OK);
    if (patience_ms > 0)
        http_stream_set_deadline(exchange, env_monotonic_ns(env_real()) + patience_ms * 1000000);
    for (int64_t at = 0; at < size && at < cut && status == OK; at += piece) {
        size_t now = (size_t)(size - at < piece ? size - at : piece);
        fill_pattern(bytes, now, (uint64_t)at);
        status = http_stream_write(exchange, slice_of(bytes, now), &error);
    }
    if (status != OK)
        atomic_fetch_add(&server->write_failures, 1);
    memory_free(bytes);
    http_stream_end(exchange, status == OK && cut == INT64_MAX);
}

/* Counts a streamed body and answers its size, or its fault. */
static inline void answer_count(Server *server, HttpExchange *exchange)
{
    static const size_t STEP = 10000;
    uint8_t *bytes = memory_allocate(STEP);
    uint64_t total = 0;
    bool is_pattern = true;
    Error error;
    Status status;
    size_t got;
    while ((status = http_body_read(exchange, bytes, STEP, &got, &error)) == OK && got > 0) {
        for (size_t i = 0; i < got; i++)
            is_pattern = is_pattern && bytes[i] == (uint8_t)('a' + (total + i) / 7 % 26);
        total += got;
        if (http_parameter(exchange, "slow").data != NULL)
            env_sleep_ns(env_real(), 100000);
    }
    memory_free(bytes);
    if (status != OK) {
        atomic_fetch_add(&server->read_failures, 1);
        http_answer_error(exchange, &error);
        return;
    }
    char text[64];
    int size = snprintf(text, sizeof text, "%llu %s", (unsigned long long)total,
                        is_pattern ? "good" : "bad");
    answer_text(exchange, 200, slice_of(text, (size_t)size));
}

/* Reads and writes at once: a streamed body comes back as a streamed answer. */
static inline void answer_copy(HttpExchange *exchange)
{
    uint8_t *bytes = memory_allocate(5000);
    Error error;
    size_t got;
    Status status = http_stream_begin(
        exchange, &(HttpAnswer){.status = 200, .content_type = "text/plain"}, &error);
    while (status == OK && (status = http_body_read(exchange, bytes, 5000, &got, &error)) == OK &&
           got > 0)
        status = http_stream_write(exchange, slice_of(bytes, got), &error);
    memory_free(bytes);
    http_stream_end(exchange, status == OK);
}

static inline void work(Server *server, HttpExchange *exchange)
{
    Slice path = http_request(exchange)->path;
    if (slice_equal_text(path, "/stream"))
        answer_stream(server, exchange);
    else if (slice_equal_text(path, "/count"))
        answer_count(server, exchange);
    else if (slice_equal_text(path, "/copy"))
        answer_copy(exchange);
    else
        answer_text(exchange, 200, http_request(exchange)->body);
}

static inline void run_worker(void *argument)
{
    Server *server = argument;
    for (;;) {
        mutex_lock(&server->lock);
        while (server->queue_size == 0 && !server->is_stopping)
            condition_wait(&server->changed, &server->lock);
        HttpExchange *exchange = NULL;
        if (server->queue_size > 0) {
            exchange = server->queue[server->queue_first];
            server->queue_first = (server->queue_first + 1) % SERVER_QUEUE_MAX;
            server->queue_size--;
        }
        mutex_unlock(&server->lock);
        if (exchange == NULL)
            return;
        work(server, exchange);
    }
}

static inline void give_to_worker(Server *server, HttpExchange *exchange)
{
    mutex_lock(&server->lock);
    assert_true(server->queue_size < SERVER_QUEUE_MAX);
    server->queue[(server->queue_first + server->queue_size++) % SERVER_QUEUE_MAX] = exchange;
    condition_signal(&server->changed);
    mutex_unlock(&server->lock);
}

static inline void hold(Server *server, HttpExchange *exchange)
{
    mutex_lock(&server->lock);
    server->held = exchange;
    condition_broadcast(&server->changed);
    mutex_unlock(&server->lock);
}

static inline HttpExchange *wait_for_held(Server *server)
{
    mutex_lock(&server->lock);
    while (server->held == NULL)
        condition_wait(&server->changed, &server->lock);
    HttpExchange *exchange = server->held;
    server->held = NULL;
    mutex_unlock(&server->lock);
    return exchange;
}

/* What the request looked like, as text. */
static inline void answer_information(HttpExchange *exchange)
{
    const HttpRequest *request = http_request(exchange);
    Buffer out;
    buffer_open(&out, 0);
    buffer_put_format(&out, "%s %.*s host=%.*s id=%.*s", http_method_name(request->method),
                      SLICE_ARGUMENTS(request->path), SLICE_ARGUMENTS(request->host),
                      SLICE_ARGUMENTS(request->request_id));
    for (size_t i = 0; i < request->parameter_count; i++)
        buffer_put_format(&out, " %.*s=%.*s", SLICE_ARGUMENTS(request->parameters[i].name),
                          SLICE_ARGUMENTS(request->parameters[i].value));
    answer_text(exchange, 200, buffer_slice(&out));
    buffer_close(&out);
}

static inline void answer_large(HttpExchange *exchange)
{
    size_t size = (size_t)parameter_of(exchange, "bytes", 1000);
    SharedFrame *frame = shared_frame_create(size);
    Error error;
    if (frame == NULL) {
        (void)error_out_of_memory(&error);
        http_answer_error(exchange, &error);
        return;
    }
    fill_pattern(frame->data, size, 0);
    HttpAnswer answer = {.status = 200, .content_type = "text/plain"};
    if (http_parameter(exchange, "copy").data != NULL)
        answer.body = slice_of(frame->data, size);
    else
        answer.frame = shared_frame_clone(frame);
    http_answer(exchange, &answer);
    shared_frame_release(frame);
}

static inline void on_request(void *context, HttpExchange *exchange)
{
    Server *server = context;
    Slice path = http_request(exchange)->path;
    atomic_fetch_add(&server->requests, 1);
    if (slice_equal_text(path, "/echo"))
        answer_text(exchange, 200, http_request(exchange)->body);
    else if (slice_equal_text(path, "/information"))
        answer_information(exchange);
    else if (slice_equal_text(path, "/large"))
        answer_large(exchange);
    else if (slice_equal_text(path, "/hold"))
        hold(server, exchange);
    else if (slice_equal_text(path, "/ws") && http_request(exchange)->wants_websocket)
        (void)websocket_accept(exchange, server);
    else if (slice_equal_text(path, "/later") || slice_equal_text(path, "/stream") ||
             slice_equal_text(path, "/count") || slice_equal_text(path, "/copy"))
        give_to_worker(server, exchange);
    else
        answer_text(exchange, 404, SLICE("nothing here"));
}

static inline void on_head(void *context, HttpExchange *exchange)
{
    Error error;
    Slice path = http_request(exchange)->path;
    (void)context;
    if (slice_equal_text(path, "/denied")) {
        (void)error_of(&error, STATUS_INVALID_AUTHORIZATION);
        http_answer_error(exchange, &error);
    } else if (slice_equal_text(path, "/count") || slice_equal_text(path, "/copy")) {
        uint64_t limit = (uint64_t)parameter_of(exchange, "limit", INT64_MAX);
        if (http_stream_body(exchange, limit, &error) != OK)
            http_answer_error(exchange, &error);
    }
}

static inline void on_cancelled(void *context, HttpExchange *exchange)
{
    Server *server = context;
    assert_true(http_is_cancelled(exchange));
    atomic_fetch_add(&server->cancelled, 1);
    if (server->answers_when_cancelled)
        answer_text(exchange, 503, SLICE("cancelled"));
}

static inline void on_finished(void *context, HttpExchange *exchange)
{
    Server *server = context;
    (void)exchange;
    atomic_fetch_add(&server->finished, 1);
}

/* ---- life ---- */

/* Defaults; the test changes handlers, options.limits and options.loops before server_start. */
static inline void server_open(Server *server, Env *env)
{
    memset(server, 0, sizeof *server);
    server->env = env;
    server->handlers = (NetHandlers){.context = server,
                                     .http_request = on_request,
                                     .http_head = on_head,
                                     .http_cancelled = on_cancelled,
                                     .http_finished = on_finished};
    server->options.loops = 2;
    net_limits_default(&server->options.limits);
    mutex_open(&server->lock, env, "test server");
    condition_open(&server->changed, env);
}

static inline void server_start(Server *server)
{
    static const char *const address = "127.0.0.1:0";
    Error error;
    server->options.addresses = &address;
    server->options.address_count = 1;
    for (int i = 0; i < SERVER_WORKERS; i++)
        assert_ok(thread_start(server->env, "worker", THREAD_STACK_BYTES_DEFAULT, run_worker,
                               server, &server->workers[i], &error),
                  &error);
    assert_ok(net_open(server->env, &server->options, &server->handlers, &server->net, &error),
              &error);
    assert_ok(net_start(server->net, &error), &error);
    net_address(server->net, 0, server->address);
}

static inline void server_stop_net(Server *server, double patience_seconds)
{
    int64_t now_ns = env_monotonic_ns(env_real());
    net_stop(server->net, now_ns + (int64_t)(patience_seconds * 1e9));
}

static inline void server_close(Server *server)
{
    server_stop_net(server, 0);
    mutex_lock(&server->lock);
    server->is_stopping = true;
    condition_broadcast(&server->changed);
    mutex_unlock(&server->lock);
    for (int i = 0; i < SERVER_WORKERS; i++)
        thread_join(server->workers[i]);
    net_close(server->net);
    condition_close(&server->changed);
    mutex_close(&server->lock);
}

/* Polls until the condition holds: for what another thread does, without a limit on speed. */
#define WAIT_UNTIL(condition)                                   \
    do {                                                        \
        for (int wait_ = 0; !(condition); wait_++) {            \
            if (wait_ > 20000)                                  \
                fail_msg("waited in vain for: %s", #condition); \
            env_sleep_ns(env_real(), 1000000);                  \
        }                                                       \
    } while (0)

static inline NetStatistics server_statistics(Server *server)
{
    NetStatistics statistics;
    net_statistics(server->net, &statistics);
    return statistics;
}

#endif
