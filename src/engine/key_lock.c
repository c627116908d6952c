/* Locks on keys, by hash: striped, so that statements on different keys rarely meet. A statement
 * takes its locks in order of hash, so no two can wait for each other. */
#include "base/hash.h"
#include "engine/engine_int.h"

void key_locks_open(KeyLocks *locks, Env *env)
{
    for (size_t i = 0; i < KEY_LOCK_STRIPES; i++) {
        locks->stripes[i] = (KeyLockStripe){0};
        mutex_open(&locks->stripes[i].mutex, env, "key lock");
        condition_open(&locks->stripes[i].released, env);
    }
}

void key_locks_close(KeyLocks *locks)
{
    for (size_t i = 0; i < KEY_LOCK_STRIPES; i++) {
        ASSERT(locks->stripes[i].held == NULL);
        condition_close(&locks->stripes[i].released);
        mutex_close(&locks->stripes[i].mutex);
    }
}

uint64_t key_lock_hash(uint64_t table_id, Slice key)
{
    return hash_64_seeded(key, table_id);
}

static KeyLockStripe *stripe_of(KeyLocks *locks, uint64_t hash)
{
    return &locks->stripes[hash % KEY_LOCK_STRIPES];
}

static bool is_held(const KeyLockStripe *stripe, uint64_t hash)
{
    for (const KeyLock *lock = stripe->held; lock != NULL; lock = lock->next) {
        if (lock->hash == hash)
            return true;
    }
    return false;
}

static void hold(KeyLockStripe *stripe, KeyLock *lock)
{
    lock->next = stripe->held;
    stripe->held = lock;
}

bool key_lock_try(KeyLocks *locks, KeyLock *lock)
{
    KeyLockStripe *stripe = stripe_of(locks, lock->hash);
    mutex_lock(&stripe->mutex);
    bool taken = !is_held(stripe, lock->hash);
    if (taken)
        hold(stripe, lock);
    mutex_unlock(&stripe->mutex);
    return taken;
}

Status key_lock_wait(KeyLocks *locks, KeyLock *lock, int64_t deadline_ns, Error *error)
{
    KeyLockStripe *stripe = stripe_of(locks, lock->hash);
    bool in_time = true;
    mutex_lock(&stripe->mutex);
    stripe->waiting++;
    while (is_held(stripe, lock->hash) && in_time)
        in_time = condition_wait_until(&stripe->released, &stripe->mutex, deadline_ns);
    stripe->waiting--;
    bool taken = !is_held(stripe, lock->hash);
    if (taken)
        hold(stripe, lock);
    mutex_unlock(&stripe->mutex);
    if (taken)
        return OK;
    (void)error_set(error, STATUS_LOCK_NOT_AVAILABLE,
                    "a row is locked by another statement: gave up waiting");
    error_set_hint(error, "Try again, or raise statement.lock_timeout.");
    return error->status;
}

void key_lock_release(KeyLocks *locks, KeyLock *lock)
{
    KeyLockStripe *stripe = stripe_of(locks, lock->hash);
    mutex_lock(&stripe->mutex);
    KeyLock **at = &stripe->held;
    while (*at != lock) {
        ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = lock->next;
    bool wake = stripe->waiting > 0;
    mutex_unlock(&stripe->mutex);
    if (wake)
        condition_broadcast(&stripe->released);
}
