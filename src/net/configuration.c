#include "base/assert.h"
#include "net/net_int.h"

static const int64_t SECOND_NS = 1000000000;

void net_limits_default(NetLimits *out)
{
    *out = (NetLimits){
        .connections_max = 25000,
        .header_bytes_max = 16 << 10,
        .body_bytes_max = 64 << 20,
        .body_bytes_total_max = 1 << 30,
        .header_timeout_ns = 10 * SECOND_NS,
        .idle_timeout_ns = 75 * SECOND_NS,
        .output_bytes_max = 8 << 20,
        .message_bytes_max = 1 << 20,
        .messages_per_second = 50,
        .silence_timeout_ns = 10 * SECOND_NS,
    };
}

static Status check_limits(const NetLimits *limits, Error *error)
{
    if (limits->header_bytes_max == 0 || limits->header_bytes_max > NET_HEADER_BYTES_CEILING)
        return error_set(error, STATUS_INVALID_CONFIGURATION,
                         "the header limit must be from 1 to %d bytes", NET_HEADER_BYTES_CEILING);
    if (limits->cors_origin_count > NET_CORS_ORIGINS_MAX)
        return error_set(error, STATUS_INVALID_CONFIGURATION, "more than %d CORS origins",
                         NET_CORS_ORIGINS_MAX);
    if (limits->header_timeout_ns <= 0 || limits->idle_timeout_ns <= 0 ||
        limits->silence_timeout_ns <= 0 || limits->connections_max == 0 ||
        limits->message_bytes_max == 0 || limits->output_bytes_max == 0)
        return error_set(error, STATUS_INVALID_CONFIGURATION,
                         "time-outs and limits of the network must be above zero");
    return OK;
}

Status net_configuration_create(const NetLimits *limits, NetConfiguration **out, Error *error)
{
    TRY(check_limits(limits, error));
    NetConfiguration *made = MEMORY_NEW(NetConfiguration);
    if (made == NULL)
        return error_out_of_memory(error);
    atomic_init(&made->references, 1);
    made->limits = *limits;
    made->limits.cors_origins = made->cors_origins;
    arena_open(&made->arena, 0);
    for (size_t i = 0; i < limits->cors_origin_count; i++) {
        Status status =
            arena_clone(&made->arena, limits->cors_origins[i], &made->cors_origins[i], error);
        if (status != OK) {
            net_configuration_release(made);
            return status;
        }
    }
    *out = made;
    return OK;
}

NetConfiguration *net_configuration_clone(NetConfiguration *configuration)
{
    atomic_fetch_add_explicit(&configuration->references, 1, memory_order_relaxed);
    return configuration;
}

void net_configuration_release(NetConfiguration *configuration)
{
    uint32_t before =
        atomic_fetch_sub_explicit(&configuration->references, 1, memory_order_acq_rel);
    ASSERT(before > 0);
    if (before > 1)
        return;
    arena_close(&configuration->arena);
    memory_free(configuration);
}

bool net_configuration_allows_origin(const NetConfiguration *configuration, Slice origin)
{
    for (size_t i = 0; i < configuration->limits.cors_origin_count; i++) {
        Slice allowed = configuration->cors_origins[i];
        if (slice_equal_text(allowed, "*") || slice_equal(allowed, origin))
            return true;
    }
    return false;
}
