/* Loop: a thread that waits for its sockets, and the way for other threads to give it work.
 *
 * Threading: loop_post from any thread; everything else on the loop's own thread unless it says
 * otherwise. Ownership: loops belong to a Net and live until net_stop has returned.
 * Errors: none. */
#ifndef FIRN_NET_LOOP_H
#define FIRN_NET_LOOP_H

#include "base/env.h"

typedef struct Loop Loop;
typedef struct LoopTask LoopTask;

/* Something to do on a loop's thread; embedded in what it is about. */
struct LoopTask {
    LoopTask *next;
    void (*run)(LoopTask *task); /* the task is the caller's again when this is called */
};

/* Runs the task on the loop's thread, in the order of posting for each posting thread. The loop is
 * woken only by the first task of a batch. Never fails; a task may be posted again only after its
 * run was called. */
void loop_post(Loop *loop, LoopTask *task);

/* Is this the loop's own thread? Any thread. */
bool loop_is_current(const Loop *loop);

uint32_t loop_number(const Loop *loop); /* 0 and up; any thread */

/* env_monotonic_ns at the beginning of what is being handled now. */
int64_t loop_now_ns(const Loop *loop);

#endif
