/* Identities and chance: everything here draws from the context's env. */
#include <stdatomic.h>

#include "types/calendar_int.h"
#include "types/function_int.h"

enum {
    SNOWFLAKE_NODE_BITS = 10,
    SNOWFLAKE_COUNTER_BITS = 12,
    SNOWFLAKE_TIME_BITS = 41,
    ULID_CHARACTERS = 26,
    RANDOM_BITS = 53, /* a double's mantissa */
};

#define SNOWFLAKE_EPOCH_MS 1577836800000LL /* 2020-01-01 */

static Status no_env(Error *error)
{
    return error_set(error, STATUS_FEATURE_NOT_SUPPORTED,
                     "neither time nor randomness is available here");
}

FUNCTION(random)
{
    if (context->env == NULL)
        return no_env(error);
    uint64_t bits = env_random_u64(context->env) >> (64 - RANDOM_BITS);
    *result = value_double((double)bits / (double)(1ULL << RANDOM_BITS));
    return OK;
}

/* ---- UUIDs (RFC 9562) ---- */

static Value uuid_value(const uint8_t bytes[16], uint8_t version)
{
    Value value = {.kind = TYPE_UUID};
    memcpy(value.as.uuid, bytes, 16);
    value.as.uuid[6] = (uint8_t)((bytes[6] & 0x0f) | version << 4);
    value.as.uuid[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    return value;
}

FUNCTION(gen_random_uuid)
{
    uint8_t bytes[16];
    if (context->env == NULL)
        return no_env(error);
    env_random(context->env, bytes, sizeof bytes);
    *result = uuid_value(bytes, 4);
    return OK;
}

/* 48 bits of milliseconds, big-endian, then randomness. */
static void put_time(uint8_t *out, Env *env)
{
    uint64_t ms = (uint64_t)(env_wall_us(env) / 1000);
    for (int i = 0; i < 6; i++)
        out[i] = (uint8_t)(ms >> (40 - 8 * i));
}

FUNCTION(uuid_v7)
{
    uint8_t bytes[16];
    if (context->env == NULL)
        return no_env(error);
    env_random(context->env, bytes, sizeof bytes);
    put_time(bytes, context->env);
    *result = uuid_value(bytes, 7);
    return OK;
}

/* 128 bits in Crockford's base 32, five at a time from the lowest up. */
FUNCTION(ulid)
{
    static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint8_t bytes[16];
    uint8_t *text;
    if (context->env == NULL)
        return no_env(error);
    env_random(context->env, bytes, sizeof bytes);
    put_time(bytes, context->env);
    TRY(text_room(context, ULID_CHARACTERS, &text, error));
    unsigned __int128 n = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        n = n << 8 | bytes[i];
    for (int i = ULID_CHARACTERS - 1; i >= 0; i--) {
        text[i] = (uint8_t)digits[n & 31];
        n >>= 5;
    }
    *result = value_text(slice_of(text, ULID_CHARACTERS));
    return OK;
}

/* ---- snowflakes: 41 bits of milliseconds since 2020, 10 of the node, 12 of a counter ---- */

/* Milliseconds and counter of the last one given out, in one word: when a millisecond's 4096 are
 * gone, or the clock goes back, the next ones are taken from the future. */
static _Atomic uint64_t last_snowflake;

static uint64_t next_snowflake(uint64_t now_ms)
{
    uint64_t last = atomic_load_explicit(&last_snowflake, memory_order_relaxed);
    uint64_t next;
    do {
        uint64_t now = now_ms << SNOWFLAKE_COUNTER_BITS;
        next = now > last ? now : last + 1;
    } while (!atomic_compare_exchange_weak_explicit(&last_snowflake, &last, next,
                                                    memory_order_relaxed, memory_order_relaxed));
    return next;
}

FUNCTION(snowflake_id)
{
    if (context->env == NULL)
        return no_env(error);
    int64_t now_ms = env_wall_us(context->env) / 1000 - SNOWFLAKE_EPOCH_MS;
    uint64_t next = next_snowflake(now_ms < 0 ? 0 : (uint64_t)now_ms);
    uint64_t ms = next >> SNOWFLAKE_COUNTER_BITS;
    uint64_t counter = next & ((1u << SNOWFLAKE_COUNTER_BITS) - 1);
    uint64_t node = context->node_id & ((1u << SNOWFLAKE_NODE_BITS) - 1);
    if (ms >> SNOWFLAKE_TIME_BITS != 0)
        return error_set(error, STATUS_NUMERIC_VALUE_OUT_OF_RANGE,
                         "the clock is beyond what snowflake_id can hold");
    uint64_t id = (ms << SNOWFLAKE_NODE_BITS | node) << SNOWFLAKE_COUNTER_BITS | counter;
    *result = value_integer(TYPE_BIGINT, (int64_t)id);
    return OK;
}
