/* base/wheel.h -- hierarchical timer wheel: start, stop and fire at constant cost.
 *
 * Resolution 1 ms. A timer fires in the first wheel_advance() whose time is at or past its due
 * time, never before; timers due at the same millisecond fire in the order in which they were
 * started, those of a delay that was told to wheel_expect behind the others. Memory: the timer is a
 * field of the caller's object; the wheel allocates nothing per timer. Thread: one owner.
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct wheel;

enum { WHEEL_QUEUES_MAX = 4 };

struct timer {
	struct list node; /* private; empty while it does not run */
	uint64_t due_ms;  /* private */
	void (*on_fire)(void *arg);
	void *arg;
};

/* -ENOMEM. */
int wheel_new(uint64_t now_ms, struct wheel **ret_wheel);
struct wheel *wheel_free(struct wheel *wheel); /* pending timers never fire */

/* The time of the running or last advance: one "now" for everything that happens in one turn. */
uint64_t wheel_now_ms(const struct wheel *wheel);

/* Fires everything due up to now_ms (which does not go back). Returns the number fired.
 * on_fire may start and stop any timer, itself included, and free the object that holds it. */
uint32_t wheel_advance(struct wheel *wheel, uint64_t now_ms);

/* Many timers will be started with this delay: from now on they wait in a queue of their own, where
 * they cost least. A delay of 0, one that is known, and more than WHEEL_QUEUES_MAX are ignored. */
void wheel_expect(struct wheel *wheel, uint64_t delay_ms);

/* Moves wheel_now_ms forward without firing: for the loop, whose descriptors are served after a
 * sleep and before the timers. Earlier times are ignored. */
void wheel_set_now(struct wheel *wheel, uint64_t now_ms);

/* A time at or before which wheel_advance must next be called; UINT64_MAX when nothing runs.
 * May be early (a cascade), never late. */
uint64_t wheel_next_ms(const struct wheel *wheel);

uint32_t wheel_count(const struct wheel *wheel);

void timer_init(struct timer *timer, void (*on_fire)(void *arg), void *arg);

/* Starts or restarts; fires delay_ms from wheel_now_ms(). A delay of 0 fires at the next advance.
 */
void timer_start(struct wheel *wheel, struct timer *timer, uint64_t delay_ms);

/* Harmless when it does not run. */
void timer_stop(struct wheel *wheel, struct timer *timer);

static inline bool timer_running(const struct timer *timer)
{
	return !list_empty(&timer->node);
}

#endif
