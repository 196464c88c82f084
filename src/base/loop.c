/* base/loop.c -- one turn: wait, then descriptors, timers, deferred work.
 *
 * Every event of a wait is written into its watch, and the watch put into `pending`, before the
 * first callback runs. From there on the kernel's array is not looked at any more: a callback that
 * removes (and frees) another watch takes it out of `pending`, and nothing points to it.
 */
#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { LOOP_EVENTS_MAX = 256, LOOP_WAIT_MS_MAX = 3600 * 1000 };

struct loop {
	struct clock clock;
	struct wheel *wheel;
	int epoll_fd;
	struct loop_watch wake;
	struct list pending;  /* watches with events of this turn */
	struct list deferred; /* struct loop_defer */
	atomic_bool is_stopping;
};

static void on_wake(void *arg, unsigned events)
{
	struct loop *loop = arg;
	uint64_t count;
	ssize_t n = read(loop->wake.fd, &count, sizeof(count));

	(void)n; /* only its being there matters */
	(void)events;
}

int loop_new(struct clock clock, struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int err;

	if (!loop)
		return -ENOMEM;
	loop->clock = clock;
	loop->epoll_fd = loop->wake.fd = -1;
	loop->wake.on_ready = on_wake;
	loop->wake.arg = loop;
	list_init(&loop->pending);
	list_init(&loop->deferred);
	err = wheel_new(clock_mono_ms(&clock), &loop->wheel);
	if (err)
		goto fail;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->wake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (loop->epoll_fd < 0 || loop->wake.fd < 0) {
		err = -errno;
		goto fail;
	}
	err = loop_watch_add(loop, &loop->wake, LOOP_READ);
	if (err)
		goto fail;
	*ret_loop = loop;
	return 0;

fail:
	loop_free(loop);
	return err;
}

struct loop *loop_free(struct loop *loop)
{
	if (!loop)
		return NULL;
	wheel_free(loop->wheel);
	if (loop->wake.fd >= 0)
		close(loop->wake.fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	free(loop);
	return NULL;
}

struct wheel *loop_wheel(struct loop *loop)
{
	return loop->wheel;
}

const struct clock *loop_clock(const struct loop *loop)
{
	return &loop->clock;
}

static int control(struct loop *loop, int op, struct loop_watch *watch, unsigned events)
{
	struct epoll_event event = {.data.ptr = watch};

	if (events & LOOP_READ)
		event.events |= EPOLLIN;
	if (events & LOOP_WRITE)
		event.events |= EPOLLOUT;
	return epoll_ctl(loop->epoll_fd, op, watch->fd, &event) ? -errno : 0;
}

int loop_watch_add(struct loop *loop, struct loop_watch *watch, unsigned events)
{
	int err;

	assert(!watch->added);
	assert(watch->on_ready != NULL);
	err = control(loop, EPOLL_CTL_ADD, watch, events);
	if (err)
		return err;
	list_init(&watch->pending);
	watch->added = true;
	watch->events = events;
	return 0;
}

int loop_watch_set(struct loop *loop, struct loop_watch *watch, unsigned events)
{
	int err;

	assert(watch->added);
	if (watch->events == events)
		return 0;
	err = control(loop, EPOLL_CTL_MOD, watch, events);
	if (!err)
		watch->events = events;
	return err;
}

void loop_watch_remove(struct loop *loop, struct loop_watch *watch)
{
	if (!watch->added)
		return;
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	list_remove(&watch->pending);
	watch->added = false;
	watch->events = 0;
}

void loop_defer_post(struct loop *loop, struct loop_defer *defer)
{
	assert(defer->run != NULL);
	if (list_empty(&defer->node))
		list_append(&loop->deferred, &defer->node);
}

void loop_defer_cancel(struct loop *loop, struct loop_defer *defer)
{
	(void)loop;
	list_remove(&defer->node);
}

static int wait_ms(struct loop *loop, uint32_t max_wait_ms)
{
	uint64_t now_ms = clock_mono_ms(&loop->clock);
	uint64_t next_ms = wheel_next_ms(loop->wheel);
	uint64_t wait = max_wait_ms;

	if (!list_empty(&loop->deferred) || next_ms <= now_ms)
		return 0;
	if (wait > next_ms - now_ms)
		wait = next_ms - now_ms;
	return wait < LOOP_WAIT_MS_MAX ? (int)wait : LOOP_WAIT_MS_MAX;
}

/* Trouble is reported together with all that was asked for: the read or write that the owner does
 * then yields the error or the end, and a level-triggered descriptor does not spin. */
static unsigned events_of(const struct loop_watch *watch, uint32_t reported)
{
	unsigned events = 0;

	if (reported & EPOLLIN)
		events |= LOOP_READ;
	if (reported & EPOLLOUT)
		events |= LOOP_WRITE;
	if (reported & (EPOLLERR | EPOLLHUP))
		events |= LOOP_ERROR | watch->events;
	return events;
}

static int collect(struct loop *loop, uint32_t max_wait_ms)
{
	struct epoll_event ready[LOOP_EVENTS_MAX];
	int n = epoll_wait(loop->epoll_fd, ready, LOOP_EVENTS_MAX, wait_ms(loop, max_wait_ms));

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < n; i++) {
		struct loop_watch *watch = ready[i].data.ptr;

		watch->pending_events = events_of(watch, ready[i].events);
		list_append(&loop->pending, &watch->pending);
	}
	return 0;
}

static int dispatch_watches(struct loop *loop)
{
	int done = 0;

	while (!list_empty(&loop->pending)) {
		struct loop_watch *watch = LIST_ENTRY(loop->pending.next, struct loop_watch,
						      pending);
		/* An earlier callback may have lost interest for it. */
		unsigned events = watch->pending_events & (watch->events | LOOP_ERROR);

		list_remove(&watch->pending);
		if (!events)
			continue;
		done += watch != &loop->wake;
		watch->on_ready(watch->arg, events);
	}
	return done;
}

/* What is posted meanwhile waits for the next turn, which then does not sleep: work that posts
 * itself again cannot starve the descriptors. */
static int dispatch_deferred(struct loop *loop)
{
	struct list work;
	int done = 0;

	list_init(&work);
	list_move_all(&work, &loop->deferred);
	while (!list_empty(&work)) {
		struct loop_defer *defer = LIST_ENTRY(work.next, struct loop_defer, node);

		list_remove(&defer->node);
		defer->run(defer->arg);
		done++;
	}
	return done;
}

int loop_turn(struct loop *loop, uint32_t max_wait_ms)
{
	uint64_t now_ms;
	int done;
	int err = collect(loop, max_wait_ms);

	if (err)
		return err;
	/* Descriptors come before timers, so that an answer that has arrived beats its timeout;
	 * but a timer that a descriptor starts must count from now, not from before the sleep. */
	now_ms = clock_mono_ms(&loop->clock);
	wheel_set_now(loop->wheel, now_ms);
	done = dispatch_watches(loop);
	done += (int)wheel_advance(loop->wheel, now_ms);
	done += dispatch_deferred(loop);
	return done;
}

int loop_run(struct loop *loop)
{
	while (!atomic_exchange(&loop->is_stopping, false)) {
		int n = loop_turn(loop, LOOP_WAIT_MS_MAX);

		if (n < 0)
			return n;
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	atomic_store(&loop->is_stopping, true);
	loop_wake(loop);
}

void loop_wake(struct loop *loop)
{
	int saved_errno = errno; /* may be called from a signal handler */
	ssize_t n = write(loop->wake.fd, &(uint64_t){1}, sizeof(uint64_t));

	(void)n; /* EAGAIN: the count is at its end, so the loop is awake */
	errno = saved_errno;
}
