/* Waiting for the committer. The objects that threads wait on live as long as the engine and go
 * from hand to hand: so the committer can wake a thread after it let go of the lock that the thread
 * needs first, whatever that thread did meanwhile. */
#include "engine/engine_int.h"

void commit_waits_open(Engine *engine)
{
    mutex_open(&engine->commit_waits_mutex, engine->env, "commit waits");
}

void commit_waits_close(Engine *engine)
{
    while (engine->commit_waits != NULL) {
        CommitWait *wait = engine->commit_waits;
        engine->commit_waits = wait->next;
        condition_close(&wait->done);
        mutex_close(&wait->mutex);
        memory_free(wait);
    }
    mutex_close(&engine->commit_waits_mutex);
}

static void done(void *context, Status status, const CommitResult *result)
{
    CommitWait *wait = context;
    (void)result;
    mutex_lock(&wait->mutex);
    wait->status = status;
    wait->is_done = true;
    mutex_unlock(&wait->mutex);
    condition_signal(&wait->done);
}

static CommitWait *new_wait(Engine *engine)
{
    CommitWait *wait = MEMORY_NEW(CommitWait);
    if (wait == NULL)
        return NULL;
    mutex_open(&wait->mutex, engine->env, "commit");
    condition_open(&wait->done, engine->env);
    return wait;
}

CommitWait *commit_wait_take(Engine *engine)
{
    mutex_lock(&engine->commit_waits_mutex);
    CommitWait *wait = engine->commit_waits;
    if (wait != NULL)
        engine->commit_waits = wait->next;
    mutex_unlock(&engine->commit_waits_mutex);
    if (wait == NULL)
        wait = new_wait(engine);
    if (wait == NULL)
        return NULL;
    wait->waiter = (CommitWaiter){.callback = done, .context = wait};
    wait->is_done = false;
    return wait;
}

Status commit_wait_for(CommitWait *wait)
{
    mutex_lock(&wait->mutex);
    while (!wait->is_done)
        condition_wait(&wait->done, &wait->mutex);
    mutex_unlock(&wait->mutex);
    return wait->status;
}

void commit_wait_give(Engine *engine, CommitWait *wait)
{
    mutex_lock(&engine->commit_waits_mutex);
    wait->next = engine->commit_waits;
    engine->commit_waits = wait;
    mutex_unlock(&engine->commit_waits_mutex);
}
