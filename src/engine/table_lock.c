/* The lock that statements hold on a table shared from bind to append and DDL holds exclusively.
 * Fair: who waits for exclusive holds back new sharers, so a busy table cannot starve an ALTER. */
#include "engine/engine_int.h"

void table_lock_open(TableLock *lock, Env *env)
{
    *lock = (TableLock){0};
    mutex_open(&lock->mutex, env, "table lock");
    condition_open(&lock->changed, env);
}

void table_lock_close(TableLock *lock)
{
    ASSERT(lock->shared == 0 && !lock->exclusive);
    condition_close(&lock->changed);
    mutex_close(&lock->mutex);
}

static Status refuse(Error *error)
{
    (void)error_set(error, STATUS_LOCK_NOT_AVAILABLE,
                    "the table is locked by another statement: gave up waiting");
    error_set_hint(error, "Try again, or raise statement.lock_timeout.");
    return error->status;
}

Status table_lock_shared(TableLock *lock, int64_t deadline_ns, Error *error)
{
    bool in_time = true;
    mutex_lock(&lock->mutex);
    while ((lock->exclusive || lock->exclusive_waiting > 0) && in_time)
        in_time = condition_wait_until(&lock->changed, &lock->mutex, deadline_ns);
    bool taken = !lock->exclusive && lock->exclusive_waiting == 0;
    lock->shared += taken;
    mutex_unlock(&lock->mutex);
    return taken ? OK : refuse(error);
}

bool table_lock_try_shared(TableLock *lock)
{
    mutex_lock(&lock->mutex);
    bool taken = !lock->exclusive && lock->exclusive_waiting == 0;
    lock->shared += taken;
    mutex_unlock(&lock->mutex);
    return taken;
}

Status table_lock_exclusive(TableLock *lock, int64_t deadline_ns, Error *error)
{
    bool in_time = true;
    mutex_lock(&lock->mutex);
    lock->exclusive_waiting++;
    while ((lock->exclusive || lock->shared > 0) && in_time)
        in_time = condition_wait_until(&lock->changed, &lock->mutex, deadline_ns);
    bool taken = !lock->exclusive && lock->shared == 0;
    lock->exclusive_waiting--;
    lock->exclusive |= taken;
    if (!taken)
        condition_broadcast(&lock->changed);
    mutex_unlock(&lock->mutex);
    return taken ? OK : refuse(error);
}

void table_unlock_shared(TableLock *lock)
{
    mutex_lock(&lock->mutex);
    ASSERT(lock->shared > 0);
    lock->shared--;
    bool wake = lock->shared == 0 && lock->exclusive_waiting > 0;
    mutex_unlock(&lock->mutex);
    if (wake)
        condition_broadcast(&lock->changed);
}

void table_unlock_exclusive(TableLock *lock)
{
    mutex_lock(&lock->mutex);
    ASSERT(lock->exclusive);
    lock->exclusive = false;
    mutex_unlock(&lock->mutex);
    condition_broadcast(&lock->changed);
}
