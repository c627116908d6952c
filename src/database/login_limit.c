#include "database/login_limit.h"

#include "base/hash.h"
#include "base/memory.h"

#define MINUTE_NS INT64_C(60000000000)

typedef struct Failures {
    uint64_t address; /* its hash */
    int64_t since_ns;
    uint32_t count;
} Failures;

struct LoginLimit {
    Env *env;
    Mutex mutex; /* a leaf */
    Failures slots[LOGIN_LIMIT_SLOTS];
};

Status login_limit_open(Env *env, LoginLimit **out, Error *error)
{
    LoginLimit *limit = MEMORY_NEW(LoginLimit);
    if (limit == NULL)
        return error_out_of_memory(error);
    limit->env = env;
    mutex_open(&limit->mutex, env, "login_limit");
    *out = limit;
    return OK;
}

void login_limit_close(LoginLimit *limit)
{
    if (limit == NULL)
        return;
    mutex_close(&limit->mutex);
    memory_free(limit);
}

/* Without the port. */
static uint64_t address_hash(Slice address)
{
    size_t size = address.size;
    while (size > 0 && address.data[size - 1] != ':')
        size--;
    return hash_64(slice_part(address, 0, size > 0 ? size - 1 : address.size));
}

static bool is_over(const Failures *failures, int64_t now_ns)
{
    return now_ns - failures->since_ns >= MINUTE_NS;
}

Status login_limit_check(LoginLimit *limit, Slice address, uint32_t failures_max, Error *error)
{
    uint64_t hash = address_hash(address);
    int64_t now_ns = env_monotonic_ns(limit->env);
    if (failures_max == 0)
        return OK;
    mutex_lock(&limit->mutex);
    Failures failures = limit->slots[hash % LOGIN_LIMIT_SLOTS];
    mutex_unlock(&limit->mutex);
    if (failures.address != hash || failures.count < failures_max || is_over(&failures, now_ns))
        return OK;
    error_set(error, STATUS_TOO_MANY_REQUESTS, "too many failed logins from this address");
    error_set_hint(error, "try again in %lld seconds",
                   (long long)((failures.since_ns + MINUTE_NS - now_ns) / 1000000000 + 1));
    return error->status;
}

void login_limit_failed(LoginLimit *limit, Slice address, uint32_t failures_max)
{
    uint64_t hash = address_hash(address);
    int64_t now_ns = env_monotonic_ns(limit->env);
    mutex_lock(&limit->mutex);
    Failures *failures = &limit->slots[hash % LOGIN_LIMIT_SLOTS];
    bool refuses = failures->count >= failures_max && !is_over(failures, now_ns);
    if (is_over(failures, now_ns) || (failures->address != hash && !refuses))
        *failures = (Failures){.address = hash, .since_ns = now_ns};
    if (failures->address == hash)
        failures->count++;
    mutex_unlock(&limit->mutex);
}
