#include "net/timer_wheel.h"

#include <stddef.h>

#include "base/assert.h"

static const int64_t TICK_NS = (int64_t)TIMER_WHEEL_TICK_MS * 1000000;

static void list_open(TimerLink *list)
{
    list->previous = list;
    list->next = list;
}

static void list_unlink(TimerLink *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    link->previous = NULL;
    link->next = NULL;
}

static void list_append(TimerLink *list, TimerLink *link)
{
    link->previous = list->previous;
    link->next = list;
    list->previous->next = link;
    list->previous = link;
}

/* Moves all of `from`, which is empty then, to `to`. */
static void list_take(TimerLink *to, TimerLink *from)
{
    list_open(to);
    if (from->next == from)
        return;
    *to = *from;
    to->next->previous = to;
    to->previous->next = to;
    list_open(from);
}

void timer_wheel_open(TimerWheel *wheel, int64_t now_ns)
{
    ASSERT(now_ns >= 0);
    wheel->tick = now_ns / TICK_NS;
    for (size_t i = 0; i < TIMER_WHEEL_SLOTS; i++)
        list_open(&wheel->slots[i]);
}

bool timer_wheel_is_set(const WheelTimer *timer)
{
    return timer->link.next != NULL;
}

void timer_wheel_cancel(WheelTimer *timer)
{
    if (timer_wheel_is_set(timer))
        list_unlink(&timer->link);
}

static int64_t tick_of(const TimerWheel *wheel, int64_t deadline_ns)
{
    int64_t tick = deadline_ns / TICK_NS + (deadline_ns % TICK_NS > 0);
    if (tick <= wheel->tick)
        return wheel->tick + 1;
    int64_t furthest = wheel->tick + TIMER_WHEEL_SLOTS - 1;
    return tick < furthest ? tick : furthest;
}

void timer_wheel_set(TimerWheel *wheel, WheelTimer *timer, int64_t deadline_ns)
{
    int64_t tick = tick_of(wheel, deadline_ns);
    timer->deadline_ns = deadline_ns;
    if (timer_wheel_is_set(timer) && timer->tick <= tick)
        return; /* looked at again when that slot comes round */
    timer_wheel_cancel(timer);
    timer->tick = tick;
    list_append(&wheel->slots[tick % TIMER_WHEEL_SLOTS], &timer->link);
}

static void fire_slot(TimerWheel *wheel, int64_t now_ns,
                      void (*fire)(void *context, WheelTimer *timer), void *context)
{
    TimerLink due;
    list_take(&due, &wheel->slots[wheel->tick % TIMER_WHEEL_SLOTS]);
    while (due.next != &due) {
        WheelTimer *timer = (WheelTimer *)(void *)due.next;
        list_unlink(&timer->link);
        if (timer->deadline_ns <= now_ns)
            fire(context, timer);
        else
            timer_wheel_set(wheel, timer, timer->deadline_ns);
    }
}

void timer_wheel_advance(TimerWheel *wheel, int64_t now_ns,
                         void (*fire)(void *context, WheelTimer *timer), void *context)
{
    int64_t now_tick = now_ns / TICK_NS;
    if (now_tick - wheel->tick > TIMER_WHEEL_SLOTS)
        wheel->tick = now_tick - TIMER_WHEEL_SLOTS; /* a long sleep: one turn meets every slot */
    while (wheel->tick < now_tick) {
        wheel->tick++;
        fire_slot(wheel, now_ns, fire, context);
    }
}
