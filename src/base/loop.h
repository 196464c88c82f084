/* base/loop.h -- the event loop of the control thread: one epoll descriptor, one timer wheel.
 *
 * Thread: all calls on the thread that runs the loop, but loop_stop and loop_wake, which any thread
 * or signal handler may call. Watches and timers are fields of the caller's objects.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/wheel.h"

struct loop;

/* LOOP_ERROR (error or hang-up) need not be asked for; it comes together with whatever was asked
 * for, so that an owner who just reads or writes finds out. */
enum loop_event { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_ERROR = 4 };

struct loop_watch {
	int fd;
	void (*on_ready)(void *arg, unsigned events); /* set of enum loop_event */
	void *arg;
	bool added;              /* private */
	unsigned events;         /* private */
	struct list pending;     /* private */
	unsigned pending_events; /* private */
};

/* Work that runs once, at the end of the current turn, before the loop sleeps again. */
struct loop_defer {
	struct list node; /* private */
	void (*run)(void *arg);
	void *arg;
};

/* -ENOMEM, or negative errno of epoll_create1/eventfd. */
int loop_new(struct clock clock, struct loop **ret_loop);
struct loop *loop_free(struct loop *loop);

struct wheel *loop_wheel(struct loop *loop); /* borrowed */
const struct clock *loop_clock(const struct loop *loop);

/* Level-triggered. `watch` with fd, on_ready and arg filled is borrowed until loop_watch_remove.
 * Removing any watch inside on_ready is allowed; a removed watch is not called again. */
int loop_watch_add(struct loop *loop, struct loop_watch *watch, unsigned events);
int loop_watch_set(struct loop *loop, struct loop_watch *watch, unsigned events);
void loop_watch_remove(struct loop *loop, struct loop_watch *watch);

void loop_defer_post(struct loop *loop, struct loop_defer *defer); /* twice before it ran = once */
void loop_defer_cancel(struct loop *loop, struct loop_defer *defer);

/* One turn: waits at most max_wait_ms (and not past the next timer), then dispatches descriptors,
 * timers, deferred work. Returns the number of things done or negative errno. */
int loop_turn(struct loop *loop, uint32_t max_wait_ms);

int loop_run(struct loop *loop); /* turns until loop_stop */
void loop_stop(struct loop *loop);
void loop_wake(struct loop *loop);

#endif
