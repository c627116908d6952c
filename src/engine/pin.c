/* Pins: super-versions of all tables of a statement and one visible sequence, taken in one step. */
#include "engine/engine_int.h"

static Status allocate_pin(Engine *engine, size_t count, Pin **out, Error *error)
{
    Pin *pin = MEMORY_NEW(Pin);
    if (pin == NULL)
        return error_out_of_memory(error);
    pin->references = 1;
    pin->engine = engine;
    pin->count = count;
    pin->tables = memory_allocate_zeroed(count + 1, sizeof(EngineTable *));
    pin->versions = memory_allocate_zeroed(count + 1, sizeof(SuperVersion *));
    pin->expired_us = memory_allocate_zeroed(count + 1, sizeof(int64_t));
    if (pin->tables == NULL || pin->versions == NULL || pin->expired_us == NULL) {
        memory_free(pin->tables);
        memory_free(pin->versions);
        memory_free(pin->expired_us);
        memory_free(pin);
        return error_out_of_memory(error);
    }
    *out = pin;
    return OK;
}

static void link_pin(Engine *engine, Pin *pin)
{
    pin->before = engine->newest_pin;
    if (engine->newest_pin != NULL)
        engine->newest_pin->after = pin;
    else
        engine->oldest_pin = pin;
    engine->newest_pin = pin;
    engine->pin_count++;
}

static void unlink_pin(Engine *engine, Pin *pin)
{
    if (pin->before != NULL)
        pin->before->after = pin->after;
    else
        engine->oldest_pin = pin->after;
    if (pin->after != NULL)
        pin->after->before = pin->before;
    else
        engine->newest_pin = pin->before;
    engine->pin_count--;
}

#ifdef FIRN_FAULTS
/* Wrong orders, for the tests that must notice. */
static void break_pin(Pin *pin, uint64_t seq_before)
{
    Engine *engine = pin->engine;
    if (BROKEN(pin_seq_first))
        pin->seq = seq_before;
    if (BROKEN(pin_sv_first)) {
        env_yield(engine->env, "broken pin");
        env_yield(engine->env, "broken pin");
        pin->seq = engine_visible(engine);
    }
    for (size_t i = 1; BROKEN(lazy_pin) && i < pin->count; i++) {
        env_yield(engine->env, "broken pin");
        super_version_release(pin->versions[i]);
        pin->versions[i] = table_current(pin->tables[i]);
    }
}

static uint64_t seq_before_pin(Engine *engine)
{
    uint64_t seq = engine_visible(engine);
    if (BROKEN(pin_seq_first)) {
        env_yield(engine->env, "broken pin");
        env_yield(engine->env, "broken pin");
    }
    return seq;
}
#endif

Status pin_open(Engine *engine, EngineTable *const *tables, size_t count, Pin **out, Error *error)
{
    Pin *pin;
    ASSERT(count <= ENGINE_TABLES_IN_STATEMENT_MAX);
    TRY(allocate_pin(engine, count, &pin, error));
    pin->opened_ns = env_monotonic_ns(engine->env);
#ifdef FIRN_FAULTS
    uint64_t seq_before = seq_before_pin(engine);
#endif
    mutex_lock(&engine->root);
    for (size_t i = 0; i < count; i++) {
        pin->tables[i] = table_clone(tables[i]);
        pin->versions[i] = super_version_clone(tables[i]->current);
    }
    pin->seq = atomic_load_explicit(&engine->visible, memory_order_relaxed);
    link_pin(engine, pin);
    mutex_unlock(&engine->root);
#ifdef FIRN_FAULTS
    break_pin(pin, seq_before);
#endif
    /* After the versions: what a flush that is installed left out had expired before. */
    for (size_t i = 0; i < count; i++)
        pin->expired_us[i] = table_expired_us(tables[i]);
    env_yield(engine->env, "pinned");
    *out = pin;
    return OK;
}

Pin *pin_clone(Pin *pin)
{
    atomic_fetch_add(&pin->references, 1);
    return pin;
}

void pin_release(Pin *pin)
{
    if (pin == NULL || atomic_fetch_sub(&pin->references, 1) != 1)
        return;
    Engine *engine = pin->engine;
    mutex_lock(&engine->root);
    unlink_pin(engine, pin);
    mutex_unlock(&engine->root);
    for (size_t i = 0; i < pin->count; i++) {
        super_version_release(pin->versions[i]);
        engine_table_release(pin->tables[i]);
    }
    memory_free(pin->tables);
    memory_free(pin->versions);
    memory_free(pin->expired_us);
    memory_free(pin);
}

uint64_t pin_seq(const Pin *pin)
{
    return pin->seq;
}

Status pin_check(const Pin *pin, Error *error)
{
    if (!atomic_load_explicit(&pin->cancelled, memory_order_relaxed))
        return OK;
    (void)error_of(error, STATUS_SNAPSHOT_TOO_OLD);
    error_set_hint(error, "The statement ran longer than snapshot.age_max, or held more than "
                          "snapshot.bytes_max while writers needed the memory.");
    return error->status;
}

Schema *pin_schema(const Pin *pin, size_t table)
{
    ASSERT(table < pin->count);
    return pin->versions[table]->schema;
}

ColdVersion *pin_cold(const Pin *pin, size_t table)
{
    ASSERT(table < pin->count);
    return pin->versions[table]->cold;
}

StreamVersion *pin_stream(const Pin *pin, size_t table)
{
    ASSERT(table < pin->count);
    return pin->versions[table]->stream;
}

int64_t pin_expired_us(const Pin *pin, size_t table)
{
    ASSERT(table < pin->count);
    return pin->expired_us[table];
}

size_t pin_memtables(const Pin *pin, size_t table, const PinnedMemtable **out)
{
    ASSERT(table < pin->count);
    *out = pin->versions[table]->pinned;
    return pin->versions[table]->sealed_count + 1;
}

EngineTable *pin_table(const Pin *pin, size_t table)
{
    ASSERT(table < pin->count);
    return pin->tables[table];
}

/* ---- age and memory ---- */

/* Bytes of memtables that only old super-versions hold: what pins cost. */
static uint64_t bytes_held(const Pin *pin)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < pin->count; i++) {
        const SuperVersion *version = pin->versions[i];
        if (version == pin->tables[i]->current)
            continue;
        for (size_t m = 0; m <= version->sealed_count; m++) {
            const Memtable *rows = version->pinned[m].memtable;
            const SuperVersion *current = pin->tables[i]->current;
            if (rows != current->active->rows && super_version_sealed(current, rows) == NULL)
                bytes += memtable_bytes(rows);
        }
    }
    return bytes;
}

static void cancel(Engine *engine, Pin *pin)
{
    if (!atomic_exchange(&pin->cancelled, true))
        engine->pins_cancelled++;
}

void pins_check(Engine *engine)
{
    int64_t oldest_ns = env_monotonic_ns(engine->env) - engine->options.snapshot_age_max_ns;
    mutex_lock(&engine->root);
    uint64_t held = 0;
    for (Pin *pin = engine->oldest_pin; pin != NULL; pin = pin->after) {
        if (pin->opened_ns < oldest_ns)
            cancel(engine, pin);
        else
            held += bytes_held(pin);
    }
    for (Pin *pin = engine->oldest_pin; pin != NULL; pin = pin->after) {
        if (held <= engine->options.snapshot_bytes_max)
            break;
        if (atomic_load(&pin->cancelled))
            continue;
        uint64_t bytes = bytes_held(pin);
        if (bytes > 0)
            cancel(engine, pin);
        held -= bytes;
    }
    mutex_unlock(&engine->root);
}
