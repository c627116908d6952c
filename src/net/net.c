#include "net/net.h"

#include "base/assert.h"
#include "net/http_int.h"

/* ---- opening ---- */

static Status check_options(const NetOptions *options, Error *error)
{
    if (options->address_count == 0 || options->address_count > NET_ADDRESSES_MAX)
        return error_set(error, STATUS_INVALID_CONFIGURATION, "from 1 to %d addresses are allowed",
                         NET_ADDRESSES_MAX);
    if (options->loops == 0 || options->loops > NET_LOOPS_MAX)
        return error_set(error, STATUS_INVALID_CONFIGURATION, "from 1 to %d loops are allowed",
                         NET_LOOPS_MAX);
    return OK;
}

/* The first loop's listener fixes the port that the others share. */
static Status listen_on(Net *net, Loop *loop, size_t number, const char *address, Error *error)
{
    Listener *listener = &loop->listeners[number];
    TRY(listener_open(listener, loop, loop->number == 0 ? address : net->addresses[number], error));
    if (loop->number == 0)
        socket_own_address(listener->socket, net->addresses[number], CONNECTION_ADDRESS_BYTES);
    return OK;
}

static Status open_loops(Net *net, const NetOptions *options, Error *error)
{
    for (uint32_t i = 0; i < options->loops; i++) {
        TRY(loop_open(&net->loops[i], net, i, error));
        net->loop_count++;
        for (size_t j = 0; j < options->address_count; j++)
            TRY(listen_on(net, &net->loops[i], j, options->addresses[j], error));
    }
    return OK;
}

static Net *create(Env *env, const NetOptions *options, const NetHandlers *handlers)
{
    Net *net = MEMORY_NEW(Net);
    if (net == NULL)
        return NULL;
    net->env = env;
    net->handlers = *handlers;
    net->address_count = options->address_count;
    net->send_buffer_bytes =
        options->send_buffer_bytes > 0 ? options->send_buffer_bytes : SEND_BUFFER_DEFAULT;
    mutex_open(&net->configure_lock, env, "net_configure");
    mutex_open(&net->stop_lock, env, "net_stop");
    condition_open(&net->loop_ended, env);
    net->loops = memory_allocate_zeroed(options->loops, sizeof(Loop));
    return net;
}

Status net_open(Env *env, const NetOptions *options, const NetHandlers *handlers, Net **out,
                Error *error)
{
    ASSERT(handlers->http_request != NULL);
    TRY(check_options(options, error));
    Net *net = create(env, options, handlers);
    if (net == NULL)
        return error_out_of_memory(error);
    Status status = OK;
    if (net->loops == NULL)
        GO(error_out_of_memory(error));
    GO(net_configuration_create(&options->limits, &net->configuration, error));
    GO(open_loops(net, options, error));
    *out = net;
    return OK;
done:
    net_close(net);
    return status;
}

Status net_start(Net *net, Error *error)
{
    ASSERT(net->loops_running == 0 && !net->is_stopped);
    for (uint32_t i = 0; i < net->loop_count; i++) {
        mutex_lock(&net->stop_lock);
        net->loops_running++;
        mutex_unlock(&net->stop_lock);
        Status status = loop_start(&net->loops[i], error);
        if (status != OK) {
            mutex_lock(&net->stop_lock);
            net->loops_running--;
            mutex_unlock(&net->stop_lock);
            return status;
        }
    }
    return OK;
}

/* ---- stopping ---- */

static void wait_for_loops(Net *net, int64_t deadline_ns)
{
    bool in_time = true;
    mutex_lock(&net->stop_lock);
    while (net->loops_running > 0 && in_time)
        in_time = condition_wait_until(&net->loop_ended, &net->stop_lock, deadline_ns);
    mutex_unlock(&net->stop_lock);
}

void net_stop(Net *net, int64_t deadline_ns)
{
    if (net->is_stopped)
        return;
    net->is_stopped = true;
    atomic_store(&net->is_stopping, true);
    for (uint32_t i = 0; i < net->loop_count; i++) {
        if (net->loops[i].thread != NULL)
            loop_post(&net->loops[i], &net->loops[i].begin_draining);
    }
    wait_for_loops(net, deadline_ns);
    for (uint32_t i = 0; i < net->loop_count; i++) {
        if (net->loops[i].thread != NULL)
            loop_post(&net->loops[i], &net->loops[i].begin_cutting);
    }
    for (uint32_t i = 0; i < net->loop_count; i++) {
        if (net->loops[i].thread != NULL)
            thread_join(net->loops[i].thread);
        net->loops[i].thread = NULL;
    }
}

void net_close(Net *net)
{
    net_stop(net, 0);
    for (uint32_t i = 0; i < net->loop_count; i++)
        loop_close(&net->loops[i]);
    if (net->configuration != NULL)
        net_configuration_release(net->configuration);
    condition_close(&net->loop_ended);
    mutex_close(&net->stop_lock);
    mutex_close(&net->configure_lock);
    memory_free(net->loops);
    memory_free(net);
}

/* ---- while it runs ---- */

typedef struct ConfigureTask {
    LoopTask task;
    Loop *loop;
    NetConfiguration *configuration;
} ConfigureTask;

static void set_configuration(LoopTask *task)
{
    ConfigureTask *change = (ConfigureTask *)(void *)task;
    net_configuration_release(change->loop->configuration);
    change->loop->configuration = change->configuration;
    memory_free(change);
}

static ConfigureTask *make_change(Loop *loop, NetConfiguration *configuration)
{
    ConfigureTask *change = MEMORY_NEW(ConfigureTask);
    if (change != NULL)
        *change = (ConfigureTask){
            {.run = set_configuration}, loop, net_configuration_clone(configuration)};
    return change;
}

/* All tasks are made before the first is posted: either every loop changes, or none. */
Status net_configure(Net *net, const NetLimits *limits, Error *error)
{
    ConfigureTask *changes[NET_LOOPS_MAX] = {NULL};
    NetConfiguration *made = NULL;
    TRY(net_configuration_create(limits, &made, error));
    uint32_t count = 0;
    while (count < net->loop_count) {
        changes[count] = make_change(&net->loops[count], made);
        if (changes[count] == NULL)
            break;
        count++;
    }
    bool is_complete = count == net->loop_count;
    mutex_lock(&net->configure_lock);
    for (uint32_t i = 0; i < count; i++) {
        if (is_complete) {
            loop_post(&net->loops[i], &changes[i]->task);
        } else {
            net_configuration_release(changes[i]->configuration);
            memory_free(changes[i]);
        }
    }
    mutex_unlock(&net->configure_lock);
    net_configuration_release(made);
    return is_complete ? OK : error_out_of_memory(error);
}

void net_address(const Net *net, size_t number, char out[CONNECTION_ADDRESS_BYTES])
{
    ASSERT(number < net->address_count);
    memcpy(out, net->addresses[number], CONNECTION_ADDRESS_BYTES);
}

uint32_t net_loop_count(const Net *net)
{
    return net->loop_count;
}

Loop *net_loop(const Net *net, uint32_t number)
{
    ASSERT(number < net->loop_count);
    return &net->loops[number];
}

static uint64_t read_counter(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void net_statistics(Net *net, NetStatistics *out)
{
    *out = (NetStatistics){0};
    for (uint32_t i = 0; i < net->loop_count; i++) {
        const LoopCounters *counters = &net->loops[i].counters;
        out->connections += read_counter(&counters->connections);
        out->websockets += read_counter(&counters->websockets);
        out->accepted += read_counter(&counters->accepted);
        out->connections_refused += read_counter(&counters->connections_refused);
        out->accept_failures += read_counter(&counters->accept_failures);
        out->requests += read_counter(&counters->requests);
        out->requests_refused += read_counter(&counters->requests_refused);
        out->bytes_in += read_counter(&counters->bytes_in);
        out->bytes_out += read_counter(&counters->bytes_out);
        out->messages_in += read_counter(&counters->messages_in);
        out->messages_out += read_counter(&counters->messages_out);
    }
}
