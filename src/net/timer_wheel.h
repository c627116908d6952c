/* TimerWheel: many coarse timeouts of one loop, each set and moved in constant time.
 *
 * A timer that is only ever moved later, like the idle timeout of a busy connection, costs one
 * store: it is linked anew when its old place in the wheel comes round. A timer fires at most one
 * tick late and never early.
 *
 * Threading: one thread. Ownership: timers are embedded in their owner, who cancels them before it
 * goes. Errors: none. */
#ifndef FIRN_NET_TIMER_WHEEL_H
#define FIRN_NET_TIMER_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    TIMER_WHEEL_TICK_MS = 100,
    TIMER_WHEEL_SLOTS = 1024, /* one turn: 102 s; what is later is looked at once a turn */
};

typedef struct TimerLink TimerLink;

struct TimerLink {
    TimerLink *previous;
    TimerLink *next;
};

/* All zero: not set. */
typedef struct WheelTimer {
    TimerLink link;
    int64_t deadline_ns;
    int64_t tick; /* of the slot it is linked in */
} WheelTimer;

typedef struct TimerWheel {
    int64_t tick; /* everything up to it has fired */
    TimerLink slots[TIMER_WHEEL_SLOTS];
} TimerWheel;

void timer_wheel_open(TimerWheel *wheel, int64_t now_ns);

/* Sets the timer, or moves it. */
void timer_wheel_set(TimerWheel *wheel, WheelTimer *timer, int64_t deadline_ns);
void timer_wheel_cancel(WheelTimer *timer);
bool timer_wheel_is_set(const WheelTimer *timer);

/* Fires everything whose deadline has passed; `fire` may set and cancel any timer. */
void timer_wheel_advance(TimerWheel *wheel, int64_t now_ns,
                         void (*fire)(void *context, WheelTimer *timer), void *context);

#endif
