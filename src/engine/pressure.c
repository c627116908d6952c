/* Back-pressure: writers are slowed above the soft limits and wait at the hard ones, before they
 * hold any lock, at most as long as the statement allows. Readers never wait here. */
#include "engine/engine_int.h"

enum {
    SLOWDOWN_NS = 1000 * 1000,
    STALL_CHECK_NS = 20 * 1000 * 1000,
};

static uint64_t percent_of(uint64_t value, uint32_t percent)
{
    return value / 100 * percent;
}

static size_t sealed_count(EngineTable *table)
{
    if (table == NULL)
        return 0;
    mutex_lock(&table->engine->root);
    size_t count = table->current->sealed_count;
    mutex_unlock(&table->engine->root);
    return count;
}

/* What is over the limits given, or NULL. */
static const char *reason_over(Engine *engine, EngineTable *table, uint32_t percent,
                               uint32_t sealed_max)
{
    if (atomic_load_explicit(&engine->memory_bytes, memory_order_relaxed) >=
        percent_of(engine->options.memory_bytes_max, percent))
        return "memory";
    if (atomic_load_explicit(&engine->unflushed_bytes, memory_order_relaxed) >=
        percent_of(engine->options.log_bytes_max, percent))
        return "log size";
    if (sealed_count(table) >= sealed_max)
        return "sealed memtables";
    return NULL;
}

static const char *hard_reason(Engine *engine, EngineTable *table)
{
    return reason_over(engine, table, engine->options.stall_hard_percent,
                       engine->options.sealed_hard);
}

static const char *soft_reason(Engine *engine, EngineTable *table)
{
    return reason_over(engine, table, engine->options.stall_soft_percent,
                       engine->options.sealed_soft);
}

bool pressure_is_clear(Engine *engine, EngineTable *table)
{
    return soft_reason(engine, table) == NULL;
}

static Status stalled(const char *reason, Error *error)
{
    (void)error_set(error, STATUS_STALLED, "writes are stalled: %s", reason);
    error_set_hint(error,
                   "Nothing was written. Flushes are behind; see system.jobs and SHOW STATS.");
    return error->status;
}

static Status wait_below_hard(Engine *engine, EngineTable *table, int64_t deadline_ns, Error *error)
{
    const char *reason = hard_reason(engine, table);
    if (reason == NULL)
        return OK;
    int64_t begin_ns = env_monotonic_ns(engine->env);
    atomic_fetch_add(&engine->stalls, 1);
    mutex_lock(&engine->pressure_mutex);
    engine->stalled_writers++;
    bool in_time = true;
    while (reason != NULL && in_time && !atomic_load(&engine->poisoned)) {
        atomic_store(&engine->stall_reason, reason);
        int64_t until = env_monotonic_ns(engine->env) + STALL_CHECK_NS;
        (void)condition_wait_until(&engine->pressure_changed, &engine->pressure_mutex,
                                   until < deadline_ns ? until : deadline_ns);
        mutex_unlock(&engine->pressure_mutex);
        pressure_memory_check(engine);
        reason = hard_reason(engine, table);
        mutex_lock(&engine->pressure_mutex);
        in_time = env_monotonic_ns(engine->env) < deadline_ns;
    }
    engine->stalled_writers--;
    if (engine->stalled_writers == 0)
        atomic_store(&engine->stall_reason, "");
    mutex_unlock(&engine->pressure_mutex);
    atomic_fetch_add(&engine->stall_ns, (uint64_t)(env_monotonic_ns(engine->env) - begin_ns));
    return reason == NULL || atomic_load(&engine->poisoned) ? OK : stalled(reason, error);
}

Status pressure_admit(Engine *engine, EngineTable *table, int64_t deadline_ns, Error *error)
{
    if (soft_reason(engine, table) == NULL)
        return OK;
    atomic_fetch_add(&engine->slowdowns, 1);
    env_sleep_ns(engine->env, SLOWDOWN_NS);
    return wait_below_hard(engine, table, deadline_ns, error);
}

void pressure_relieved(Engine *engine)
{
    atomic_store(&engine->relief_wanted, false);
    mutex_lock(&engine->pressure_mutex);
    condition_broadcast(&engine->pressure_changed);
    mutex_unlock(&engine->pressure_mutex);
}

/* ---- asking for flushes ---- */

/* Bytes a flush of the table would free. Under root. */
static uint64_t table_bytes(const EngineTable *table)
{
    const SuperVersion *version = table->current;
    uint64_t bytes = 0;
    for (size_t i = 0; i <= version->sealed_count; i++)
        bytes += memtable_bytes(version->pinned[i].memtable);
    return bytes;
}

static uint64_t largest_table(Engine *engine)
{
    uint64_t largest = 0;
    uint64_t id = 0;
    mutex_lock(&engine->root);
    for (size_t i = 0; i < TABLE_BUCKETS; i++) {
        for (EngineTable *table = engine->tables[i]; table != NULL; table = table->next_in_bucket) {
            uint64_t bytes = table_bytes(table);
            if (bytes <= largest)
                continue;
            largest = bytes;
            id = table->id;
        }
    }
    mutex_unlock(&engine->root);
    return id;
}

/* The table that keeps the oldest part of the log. Under the sequencer. */
static uint64_t table_pinning_log(Engine *engine)
{
    LogPosition oldest = UINT64_MAX;
    uint64_t id = 0;
    for (size_t i = 0; i < TABLE_BUCKETS; i++) {
        for (EngineTable *table = engine->tables[i]; table != NULL; table = table->next_in_bucket) {
            LogPosition first = table_first_position(table);
            if (first >= oldest)
                continue;
            oldest = first;
            id = table->id;
        }
    }
    return id;
}

/* Half of the memory asks for relief, so that a flush has time before writers are slowed. */
void pressure_memory_check(Engine *engine)
{
    if (engine->options.seals_only_by_command)
        return;
    uint64_t memory = atomic_load_explicit(&engine->memory_bytes, memory_order_relaxed);
    uint64_t unflushed = atomic_load_explicit(&engine->unflushed_bytes, memory_order_relaxed);
    bool memory_high = memory >= engine->options.memory_bytes_max / 2;
    bool log_high = unflushed >= engine->options.log_bytes_max / 2;
    if ((!memory_high && !log_high) || atomic_exchange(&engine->relief_wanted, true))
        return;
    uint64_t id;
    if (memory_high) {
        id = largest_table(engine);
    } else {
        mutex_lock(&engine->sequencer);
        mutex_lock(&engine->root);
        id = table_pinning_log(engine);
        mutex_unlock(&engine->root);
        mutex_unlock(&engine->sequencer);
    }
    if (id != 0)
        engine->hooks.flush_wanted(engine->hooks.context, id,
                                   memory_high ? TRIGGER_MEMORY : TRIGGER_LOG);
}
