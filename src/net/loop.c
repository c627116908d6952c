/* A loop's life: LOOP_RUNNING → LOOP_DRAINING (net_stop) → LOOP_CUTTING (its deadline) →
 * LOOP_CLOSING when no connection and no exchange is left, from any of the two before.
 *
 * Everything that is queued for sending during a turn is sent at its end, in uv's prepare phase:
 * before the next wait, after timers, tasks and sockets were served. */
#include "base/assert.h"
#include "net/http_int.h"

static _Thread_local const Loop *current_loop;

bool loop_is_current(const Loop *loop)
{
    return current_loop == loop;
}

uint32_t loop_number(const Loop *loop)
{
    return loop->number;
}

int64_t loop_now_ns(const Loop *loop)
{
    return loop->now_ns;
}

void loop_touch_clock(Loop *loop)
{
    loop->now_ns = env_monotonic_ns(loop->env);
}

/* ---- tasks ---- */

/* `posting` keeps the loop's thread from closing `wake` between the push and the wake-up. */
void loop_post(Loop *loop, LoopTask *task)
{
    atomic_fetch_add(&loop->posting, 1);
    LoopTask *newest = atomic_load_explicit(&loop->posted, memory_order_relaxed);
    do {
        task->next = newest;
    } while (!atomic_compare_exchange_weak_explicit(&loop->posted, &newest, task,
                                                    memory_order_release, memory_order_relaxed));
    if (newest == NULL && !atomic_load(&loop->is_deaf))
        ASSERT(uv_async_send(&loop->wake) == 0);
    atomic_fetch_sub(&loop->posting, 1);
}

static LoopTask *take_posted(Loop *loop)
{
    LoopTask *newest = atomic_exchange_explicit(&loop->posted, NULL, memory_order_acquire);
    LoopTask *oldest = NULL;
    while (newest != NULL) {
        LoopTask *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static void run_posted(Loop *loop)
{
    loop_touch_clock(loop);
    for (LoopTask *task = take_posted(loop); task != NULL;) {
        LoopTask *next = task->next;
        task->run(task);
        task = next;
    }
}

static void on_wake(uv_async_t *handle)
{
    run_posted(handle->data);
}

/* ---- turns ---- */

static void on_nothing(uv_idle_t *handle)
{
    (void)handle;
}

static void on_turn_end(uv_prepare_t *handle)
{
    Loop *loop = handle->data;
    for (int i = 0; i < FLUSHES_PER_TURN_MAX && loop->flush_first != NULL; i++) {
        Connection *connection = loop->flush_first;
        connection_unlist(connection);
        connection_flush(connection);
    }
    if (loop->flush_first != NULL)
        (void)uv_idle_start(&loop->keep_turning, on_nothing);
    else
        (void)uv_idle_stop(&loop->keep_turning);
}

static Listener *listener_of_timer(Loop *loop, WheelTimer *timer)
{
    for (size_t i = 0; i < loop->net->address_count; i++) {
        if (&loop->listeners[i].retry == timer)
            return &loop->listeners[i];
    }
    return NULL;
}

static void fire_timer(void *context, WheelTimer *timer)
{
    Listener *listener = listener_of_timer(context, timer);
    if (listener != NULL)
        listener_retry(listener);
    else
        connection_on_timer((Connection *)(void *)((uint8_t *)timer - offsetof(Connection, timer)));
}

static void on_tick(uv_timer_t *handle)
{
    Loop *loop = handle->data;
    loop_touch_clock(loop);
    timer_wheel_advance(&loop->wheel, loop->now_ns, fire_timer, loop);
}

/* ---- stopping ---- */

static void close_handles(Loop *loop)
{
    loop->phase = LOOP_CLOSING;
    atomic_store(&loop->is_deaf, true);
    while (atomic_load(&loop->posting) > 0)
        env_sleep_ns(loop->env, 1000);
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->tick, NULL);
    uv_close((uv_handle_t *)&loop->turn_end, NULL);
    uv_close((uv_handle_t *)&loop->keep_turning, NULL);
}

void loop_check_done(Loop *loop)
{
    bool is_stopping = loop->phase == LOOP_DRAINING || loop->phase == LOOP_CUTTING;
    if (is_stopping && loop->connection_count == 0 && loop->exchange_count == 0)
        close_handles(loop);
}

/* Protocols may close a connection at once, which takes it out of the list. */
static void for_each_connection(Loop *loop, void (*visit)(Connection *connection))
{
    Connection *next = NULL;
    for (Connection *connection = loop->connections; connection != NULL; connection = next) {
        next = connection->next;
        visit(connection);
    }
}

static void stop_connection(Connection *connection)
{
    if (connection_is_open(connection))
        connection->protocol->on_stop(connection);
}

static Loop *loop_of(LoopTask *task, size_t offset)
{
    return (Loop *)(void *)((uint8_t *)task - offset);
}

static void begin_draining(LoopTask *task)
{
    Loop *loop = loop_of(task, offsetof(Loop, begin_draining));
    ASSERT(loop->phase == LOOP_RUNNING);
    loop->phase = LOOP_DRAINING;
    for (size_t i = 0; i < loop->net->address_count; i++)
        listener_stop(&loop->listeners[i]);
    for_each_connection(loop, stop_connection);
    loop_check_done(loop);
}

static void begin_cutting(LoopTask *task)
{
    Loop *loop = loop_of(task, offsetof(Loop, begin_cutting));
    if (loop->phase != LOOP_DRAINING)
        return; /* it was done in time */
    loop->phase = LOOP_CUTTING;
    for_each_connection(loop, connection_abort);
    loop_check_done(loop);
}

/* ---- life ---- */

static void open_handle(Loop *loop, void *handle)
{
    ((uv_handle_t *)handle)->data = loop;
}

static Status open_handles(Loop *loop, Error *error)
{
    int result = uv_async_init(&loop->uv, &loop->wake, on_wake);
    if (result != 0)
        return error_set_errno(error, -result, "make a wake-up descriptor", "");
    (void)uv_timer_init(&loop->uv, &loop->tick);
    (void)uv_prepare_init(&loop->uv, &loop->turn_end);
    (void)uv_idle_init(&loop->uv, &loop->keep_turning);
    open_handle(loop, &loop->wake);
    open_handle(loop, &loop->tick);
    open_handle(loop, &loop->turn_end);
    open_handle(loop, &loop->keep_turning);
    (void)uv_prepare_start(&loop->turn_end, on_turn_end);
    (void)uv_timer_start(&loop->tick, on_tick, TIMER_WHEEL_TICK_MS, TIMER_WHEEL_TICK_MS);
    return OK;
}

Status loop_open(Loop *loop, Net *net, uint32_t number, Error *error)
{
    *loop = (Loop){.net = net, .env = net->env, .number = number};
    loop->begin_draining.run = begin_draining;
    loop->begin_cutting.run = begin_cutting;
    loop->request_seed = env_random_u64(net->env);
    loop->scratch = memory_allocate(CONNECTION_READ_BYTES);
    if (loop->scratch == NULL)
        return error_out_of_memory(error);
    loop_touch_clock(loop);
    timer_wheel_open(&loop->wheel, loop->now_ns);
    int result = uv_loop_init(&loop->uv);
    if (result != 0) {
        memory_free(loop->scratch);
        return error_set_errno(error, -result, "make an event loop", "");
    }
    Status status = open_handles(loop, error);
    if (status != OK) {
        ASSERT(uv_loop_close(&loop->uv) == 0);
        memory_free(loop->scratch);
        return status;
    }
    loop->configuration = net_configuration_clone(net->configuration);
    return OK;
}

/* What a loop that never ran still has open is closed by one turn of it; what was posted too late
 * finds its connections closed. */
void loop_close(Loop *loop)
{
    current_loop = loop;
    if (loop->phase != LOOP_CLOSING) {
        for (size_t i = 0; i < loop->net->address_count; i++)
            listener_stop(&loop->listeners[i]);
        close_handles(loop);
        ASSERT(uv_run(&loop->uv, UV_RUN_DEFAULT) == 0);
    }
    run_posted(loop);
    current_loop = NULL;
    ASSERT(loop->connection_count == 0 && loop->exchange_count == 0);
    ASSERT(uv_loop_close(&loop->uv) == 0);
    http_exchange_pool_free(loop);
    net_configuration_release(loop->configuration);
    memory_free(loop->scratch);
}

static void run_loop(void *argument)
{
    Loop *loop = argument;
    current_loop = loop;
    ASSERT(uv_run(&loop->uv, UV_RUN_DEFAULT) == 0);
    ASSERT(loop->phase == LOOP_CLOSING);
    current_loop = NULL;
    mutex_lock(&loop->net->stop_lock);
    loop->net->loops_running--;
    condition_signal(&loop->net->loop_ended);
    mutex_unlock(&loop->net->stop_lock);
}

Status loop_start(Loop *loop, Error *error)
{
    for (size_t i = 0; i < loop->net->address_count; i++)
        TRY(listener_start(&loop->listeners[i], error));
    return thread_start(loop->env, "firn-net", THREAD_STACK_BYTES_DEFAULT, run_loop, loop,
                        &loop->thread, error);
}
