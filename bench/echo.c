/* echo: answers every POST with its own body, on src/net alone: what a request costs before any
 * SQL. With a second argument the answer comes from another thread.
 *
 *     make build/release/library/net.a build/release/library/base.a
 *     gcc -O2 -std=c17 -D_GNU_SOURCE -Isrc -o build/release/echo bench/echo.c \
 *         build/release/library/net.a build/release/library/base.a -luv -lcrypto -lz -lxxhash -lm
 *     build/release/echo 127.0.0.1:7799 & build/release/load -a 127.0.0.1:7799 -u / -c 16 -P $! */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net/net.h"

enum { QUEUE_MAX = 65536 };

static Mutex lock;
static Condition changed;
static HttpExchange *queue[QUEUE_MAX];
static size_t queue_first;
static size_t queue_size;
static bool hops;

static void answer(HttpExchange *exchange)
{
    HttpAnswer echo = {
        .status = 200, .content_type = "application/json", .body = http_request(exchange)->body};
    http_answer(exchange, &echo);
}

static void on_request(void *context, HttpExchange *exchange)
{
    (void)context;
    if (!hops) {
        answer(exchange);
        return;
    }
    mutex_lock(&lock);
    queue[(queue_first + queue_size++) % QUEUE_MAX] = exchange;
    if (queue_size == 1)
        condition_signal(&changed);
    mutex_unlock(&lock);
}

static void run_worker(void *argument)
{
    (void)argument;
    for (;;) {
        mutex_lock(&lock);
        while (queue_size == 0)
            condition_wait(&changed, &lock);
        HttpExchange *exchange = queue[queue_first];
        queue_first = (queue_first + 1) % QUEUE_MAX;
        queue_size--;
        mutex_unlock(&lock);
        answer(exchange);
    }
}

int main(int count, char **arguments)
{
    Env *env = env_real();
    Error error;
    Net *net;
    Thread *worker;
    NetHandlers handlers = {.http_request = on_request};
    const char *address = count > 1 ? arguments[1] : "127.0.0.1:7799";
    NetOptions options = {.addresses = &address, .address_count = 1, .loops = 1};
    net_limits_default(&options.limits);
    hops = count > 2;
    mutex_open(&lock, env, "echo");
    condition_open(&changed, env);
    if (thread_start(env, "echo", THREAD_STACK_BYTES_DEFAULT, run_worker, NULL, &worker, &error) ||
        net_open(env, &options, &handlers, &net, &error) || net_start(net, &error)) {
        fprintf(stderr, "echo: %s\n", error.message);
        return 1;
    }
    for (;;)
        pause();
}
