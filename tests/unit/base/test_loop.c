#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/attr.h"
#include "tests/support/check.h"

enum { PEERS_MAX = 600 };

/* A socket pair whose near end is watched; what happens is written down in `story`. */
struct peer {
	char name;
	int far;
	struct loop_watch watch;
	struct peer *to_remove; /* in its callback */
	struct peer *to_free;   /* in its callback: itself or another */
	unsigned calls, events;
};

static struct clock_virtual v;
static struct loop *loop;
static char story[64];

static void tell(char c)
{
	size_t len = strlen(story);

	if (len + 1 < sizeof(story))
		story[len] = c;
}

static void peer_close(struct peer *peer)
{
	loop_watch_remove(loop, &peer->watch);
	close(peer->watch.fd);
	close(peer->far);
}

static void peer_free(struct peer *peer)
{
	if (peer->to_free)
		peer->to_free->to_free = NULL; /* of a pair the first frees the second */
	peer_close(peer);
	free(peer);
}

static void on_ready(void *arg, unsigned events)
{
	struct peer *peer = arg;
	char octet;

	tell(peer->name);
	peer->calls++;
	peer->events = events;
	if (events & LOOP_READ)
		(void)!read(peer->watch.fd, &octet, 1);
	if (peer->to_remove)
		loop_watch_remove(loop, &peer->to_remove->watch);
	if (peer->to_free)
		peer_free(peer->to_free);
}

static void peer_open(struct peer *peer, char name, unsigned events)
{
	int fds[2];

	CHECK_INT(NULL, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	*peer = (struct peer){.name = name, .far = fds[1]};
	peer->watch = (struct loop_watch){.fd = fds[0], .on_ready = on_ready, .arg = peer};
	CHECK_INT(NULL, loop_watch_add(loop, &peer->watch, events), 0);
}

static void poke(struct peer *peer)
{
	CHECK_INT(NULL, write(peer->far, "x", 1), 1);
}

static void begin(void)
{
	v = (struct clock_virtual){.mono_ns = 5000000000};
	memset(story, 0, sizeof(story));
	CHECK_INT(NULL, loop_new(clock_virtual(&v), &loop), 0);
}

static void end(void)
{
	CHECK(NULL, loop_free(loop) == NULL);
}

static void move_ms(uint64_t ms)
{
	v.mono_ns += ms * 1000000;
}

static void reads_and_writes(void)
{
	struct peer a;

	begin();
	peer_open(&a, 'a', LOOP_READ);
	CHECK_INT("nothing to do", loop_turn(loop, 0), 0);
	poke(&a);
	poke(&a);
	CHECK_INT("readable", loop_turn(loop, 0), 1);
	CHECK_INT("readable", a.events, LOOP_READ);
	CHECK_INT("level-triggered", loop_turn(loop, 0), 1);
	CHECK_INT("drained", loop_turn(loop, 0), 0);
	CHECK_INT(NULL, loop_watch_set(loop, &a.watch, LOOP_READ | LOOP_WRITE), 0);
	CHECK_INT("writable", loop_turn(loop, 0), 1);
	CHECK_INT("writable", a.events, LOOP_WRITE);
	CHECK_INT(NULL, loop_watch_set(loop, &a.watch, 0), 0);
	poke(&a);
	CHECK_INT("interested in nothing", loop_turn(loop, 0), 0);
	CHECK_INT(NULL, loop_watch_set(loop, &a.watch, LOOP_READ), 0);
	CHECK_INT("again", loop_turn(loop, 0), 1);
	peer_close(&a);
	end();
}

static void bad_descriptor(void)
{
	struct loop_watch watch = {.fd = 100000, .on_ready = on_ready};

	begin();
	CHECK_INT(NULL, loop_watch_add(loop, &watch, LOOP_READ), -EBADF);
	CHECK("not added", !watch.added);
	loop_watch_remove(loop, &watch);
	end();
	CHECK(NULL, loop_free(NULL) == NULL);
}

static void hang_up_comes_with_what_was_asked(void)
{
	struct peer a, b;

	begin();
	peer_open(&a, 'a', LOOP_READ);
	peer_open(&b, 'b', 0);
	shutdown(a.far, SHUT_RDWR);
	shutdown(b.far, SHUT_RDWR);
	CHECK_INT(NULL, loop_turn(loop, 0), 2);
	CHECK_INT("asked for reading", a.events, LOOP_READ | LOOP_ERROR);
	CHECK_INT("asked for nothing", b.events, LOOP_ERROR);
	peer_close(&a);
	peer_close(&b);
	end();
}

/* Of a pipe without writers the kernel says nothing but EPOLLHUP. */
static void hang_up_of_a_pipe(void)
{
	struct peer a = {.name = 'a'};
	int fds[2];

	begin();
	CHECK_INT(NULL, pipe(fds), 0);
	a.watch = (struct loop_watch){.fd = fds[0], .on_ready = on_ready, .arg = &a};
	CHECK_INT(NULL, loop_watch_add(loop, &a.watch, LOOP_READ), 0);
	close(fds[1]);
	CHECK_INT(NULL, loop_turn(loop, 0), 1);
	CHECK_INT("a reader finds out", a.events, LOOP_READ | LOOP_ERROR);
	loop_watch_remove(loop, &a.watch);
	close(fds[0]);
	end();
}

static void removal_while_pending(void)
{
	struct peer a, b;

	begin();
	peer_open(&a, 'a', LOOP_READ);
	peer_open(&b, 'b', LOOP_READ);
	a.to_remove = &b;
	b.to_remove = &a;
	poke(&a);
	poke(&b);
	CHECK_INT("the first removes the second", loop_turn(loop, 0), 1);
	CHECK_INT(NULL, a.calls + b.calls, 1);
	CHECK_INT("stays removed", loop_turn(loop, 0), 0);
	loop_watch_remove(loop, &b.watch);
	loop_watch_remove(loop, &a.watch);
	a.to_remove = b.to_remove = NULL;
	CHECK_INT("may be added again", loop_watch_add(loop, &b.watch, LOOP_READ), 0);
	poke(&b);
	CHECK_INT("may be added again", loop_turn(loop, 0), 1);
	peer_close(&a);
	peer_close(&b);
	end();
}

/* The second is pending when the first loses interest for it. */
static void *quiet_arg[2];

static void on_ready_quiet(void *arg, unsigned events)
{
	(void)events;
	tell('q');
	for (int i = 0; i < 2; i++) {
		if (quiet_arg[i] != arg)
			(void)loop_watch_set(loop, &((struct peer *)quiet_arg[i])->watch, 0);
	}
}

static void interest_lost_while_pending(void)
{
	struct peer a, b;

	begin();
	peer_open(&a, 'a', LOOP_READ);
	peer_open(&b, 'b', LOOP_READ);
	a.watch.on_ready = b.watch.on_ready = on_ready_quiet;
	quiet_arg[0] = &a;
	quiet_arg[1] = &b;
	poke(&a);
	poke(&b);
	CHECK_INT(NULL, loop_turn(loop, 0), 1);
	CHECK_STR(NULL, story, "q");
	peer_close(&a);
	peer_close(&b);
	end();
}

static void callback_frees_its_watch(void)
{
	begin();
	for (int i = 0; i < 10; i++) {
		struct peer *peer = calloc(1, sizeof(*peer));

		peer_open(peer, 'f', LOOP_READ);
		peer->to_free = peer;
		poke(peer);
	}
	CHECK_INT(NULL, loop_turn(loop, 0), 10); /* AddressSanitizer looks on */
	CHECK_INT(NULL, loop_turn(loop, 0), 0);
	end();
}

/* Each frees the other: who comes second must not be called, nor looked at. */
static void callback_frees_a_pending_watch(void)
{
	struct peer *a = calloc(1, sizeof(*a)), *b = calloc(1, sizeof(*b));

	begin();
	peer_open(a, 'a', LOOP_READ);
	peer_open(b, 'b', LOOP_READ);
	a->to_free = b;
	b->to_free = a;
	poke(a);
	poke(b);
	CHECK_INT(NULL, loop_turn(loop, 0), 1);
	CHECK_INT("one was called", strlen(story), 1);
	peer_free(story[0] == 'a' ? a : b);
	end();
}

static void on_ready_remove_all(void *arg, unsigned events)
{
	struct peer *peers = arg;

	(void)events;
	tell('!');
	for (int i = 0; i < PEERS_MAX; i++)
		loop_watch_remove(loop, &peers[i].watch);
}

static void more_than_one_wait_takes(void)
{
	struct peer *peers = calloc(PEERS_MAX, sizeof(*peers));
	unsigned calls = 0;

	begin();
	for (int i = 0; i < PEERS_MAX; i++) {
		peer_open(&peers[i], '.', LOOP_READ);
		poke(&peers[i]);
	}
	for (int turn = 0; turn < PEERS_MAX && calls < PEERS_MAX; turn++)
		calls += (unsigned)loop_turn(loop, 0);
	CHECK_INT("everybody gets a turn", calls, PEERS_MAX);
	for (int i = 0; i < PEERS_MAX; i++) {
		CHECK_INT("once", peers[i].calls, 1);
		peers[i].watch.on_ready = on_ready_remove_all;
		peers[i].watch.arg = peers;
		poke(&peers[i]);
	}
	memset(story, 0, sizeof(story));
	CHECK_INT("the first removes all", loop_turn(loop, 0), 1);
	CHECK_INT("the first removes all", loop_turn(loop, 0), 0);
	CHECK_STR("the first removes all", story, "!");
	for (int i = 0; i < PEERS_MAX; i++)
		peer_close(&peers[i]);
	free(peers);
	end();
}

static void on_timer(void *arg)
{
	tell(*(const char *)arg);
}

static void timers_follow_the_clock(void)
{
	struct timer timer;
	char name = 't';

	begin();
	timer_init(&timer, on_timer, &name);
	timer_start(loop_wheel(loop), &timer, 100);
	CHECK_INT(NULL, loop_turn(loop, 0), 0);
	move_ms(99);
	CHECK_INT("not yet", loop_turn(loop, 0), 0);
	move_ms(1);
	CHECK_INT("due: does not sleep", loop_turn(loop, UINT32_MAX), 1);
	CHECK_STR(NULL, story, "t");
	CHECK_INT(NULL, clock_mono_ms(loop_clock(loop)), 5100);
	end();
}

static struct timer started_late;

static void on_ready_start(void *arg, unsigned events)
{
	char octet;

	(void)events;
	(void)!read(((struct loop_watch *)arg)->fd, &octet, 1);
	tell('r');
	timer_start(loop_wheel(loop), &started_late, 100);
}

static void descriptors_before_timers(void)
{
	struct timer due;
	struct peer a;
	char due_name = 'd', late_name = 'l';

	begin();
	peer_open(&a, 'a', LOOP_READ);
	a.watch.on_ready = on_ready_start;
	a.watch.arg = &a.watch;
	timer_init(&due, on_timer, &due_name);
	timer_init(&started_late, on_timer, &late_name);
	timer_start(loop_wheel(loop), &due, 50);
	poke(&a);
	move_ms(1000); /* a long sleep */
	CHECK_INT(NULL, loop_turn(loop, 0), 2);
	CHECK_STR(NULL, story, "rd");
	move_ms(99);
	CHECK_INT("counts from the waking, not from before", loop_turn(loop, 0), 0);
	move_ms(1);
	CHECK_INT("counts from the waking, not from before", loop_turn(loop, 0), 1);
	CHECK_STR(NULL, story, "rdl");
	peer_close(&a);
	end();
}

struct deferred {
	struct loop_defer defer;
	char name;
	struct deferred *to_post, *to_cancel;
};

static void on_defer(void *arg)
{
	struct deferred *d = arg;

	tell(d->name);
	if (d->to_post)
		loop_defer_post(loop, &d->to_post->defer);
	if (d->to_cancel)
		loop_defer_cancel(loop, &d->to_cancel->defer);
}

static struct deferred deferred_of(char name)
{
	return (struct deferred){.name = name, .defer.run = on_defer};
}

static void deferred_work(void)
{
	struct deferred a = deferred_of('a'), b = deferred_of('b'), c = deferred_of('c');

	a.defer.arg = &a;
	b.defer.arg = &b;
	c.defer.arg = &c;
	begin();
	loop_defer_post(loop, &a.defer);
	loop_defer_post(loop, &b.defer);
	loop_defer_post(loop, &a.defer);
	CHECK_INT("twice is once; does not sleep", loop_turn(loop, UINT32_MAX), 2);
	CHECK_STR(NULL, story, "ab");
	CHECK_INT("ran", loop_turn(loop, 0), 0);
	loop_defer_post(loop, &a.defer);
	loop_defer_cancel(loop, &a.defer);
	loop_defer_cancel(loop, &c.defer); /* was never posted */
	CHECK_INT("cancelled", loop_turn(loop, 0), 0);
	a.to_post = &a; /* itself: must not run for ever */
	a.to_cancel = &b;
	loop_defer_post(loop, &a.defer);
	loop_defer_post(loop, &b.defer);
	CHECK_INT("cancelled in the same turn", loop_turn(loop, 0), 1);
	a.to_post = &c;
	CHECK_INT("posted again: next turn, without sleep", loop_turn(loop, UINT32_MAX), 1);
	CHECK_INT("posted by another", loop_turn(loop, UINT32_MAX), 1);
	CHECK_STR(NULL, story, "abaac");
	end();
}

static void on_defer_stop(void *arg)
{
	tell('s');
	loop_stop(arg);
}

static void run_and_stop(void)
{
	struct loop_defer defer = {.run = on_defer_stop};

	begin();
	defer.arg = loop;
	loop_defer_post(loop, &defer);
	CHECK_INT("from inside", loop_run(loop), 0);
	CHECK_STR(NULL, story, "s");
	loop_stop(loop);
	CHECK_INT("stopped before it runs", loop_run(loop), 0);
	loop_defer_post(loop, &defer);
	CHECK_INT("runs again", loop_run(loop), 0);
	CHECK_STR(NULL, story, "ss");
	end();
}

static void *stop_it(void *arg)
{
	loop_wake(arg);
	loop_stop(arg);
	return NULL;
}

/* loop_run without timers and descriptors would sleep for an hour. */
static void stop_from_a_thread(void)
{
	pthread_t thread;

	begin();
	CHECK_INT(NULL, pthread_create(&thread, NULL, stop_it, loop), 0);
	CHECK_INT(NULL, loop_run(loop), 0);
	CHECK_INT(NULL, pthread_join(thread, NULL), 0);
	end();
}

static void on_signal(int signo)
{
	(void)signo;
	loop_stop(loop);
}

static void stop_from_a_signal(void)
{
	struct sigaction action = {.sa_handler = on_signal}, before;

	begin();
	CHECK_INT(NULL, sigaction(SIGUSR1, &action, &before), 0);
	CHECK_INT(NULL, raise(SIGUSR1), 0);
	CHECK_INT(NULL, loop_run(loop), 0);
	CHECK_INT(NULL, sigaction(SIGUSR1, &before, NULL), 0);
	end();
}

static void wake_ends_the_wait(void)
{
	begin();
	for (int i = 0; i < 3; i++)
		loop_wake(loop);
	CHECK_INT("does not sleep; nothing was done", loop_turn(loop, UINT32_MAX), 0);
	CHECK_INT("and only once", loop_turn(loop, 0), 0);
	end();
}

void suite_loop(void)
{
	CHECK_SUITE("loop");
	CHECK_TEST(reads_and_writes);
	CHECK_TEST(bad_descriptor);
	CHECK_TEST(hang_up_comes_with_what_was_asked);
	CHECK_TEST(hang_up_of_a_pipe);
	CHECK_TEST(removal_while_pending);
	CHECK_TEST(interest_lost_while_pending);
	CHECK_TEST(callback_frees_its_watch);
	CHECK_TEST(callback_frees_a_pending_watch);
	CHECK_TEST(more_than_one_wait_takes);
	CHECK_TEST(timers_follow_the_clock);
	CHECK_TEST(descriptors_before_timers);
	CHECK_TEST(deferred_work);
	CHECK_TEST(run_and_stop);
	CHECK_TEST(stop_from_a_thread);
	CHECK_TEST(stop_from_a_signal);
	CHECK_TEST(wake_ends_the_wait);
}
