/* tests/unit/focus/test_lockout.c */
#include "focus/lockout.h"

#include <stdio.h>

#include "base/err.h"
#include "tests/support/check.h"

static void grows_and_ends(void)
{
	struct slice eve = SLICE("sip:eve@example.com"), bob = SLICE("sip:bob@example.com");
	struct lockout *lockout;
	uint64_t now = 1000;

	CHECK_INT("new", lockout_new(&lockout), 0);
	for (int i = 0; i < LOCKOUT_FREE - 1; i++) {
		lockout_failed(lockout, eve, now);
		CHECK_INT("free", lockout_wait_ms(lockout, eve, now), 0);
	}
	lockout_failed(lockout, eve, now);
	CHECK_INT("first pause", lockout_wait_ms(lockout, eve, now), LOCKOUT_FIRST_MS);
	CHECK_INT("nobody else", lockout_wait_ms(lockout, bob, now), 0);
	now += LOCKOUT_FIRST_MS;
	CHECK_INT("over", lockout_wait_ms(lockout, eve, now), 0);
	lockout_failed(lockout, eve, now);
	CHECK_INT("twice as long", lockout_wait_ms(lockout, eve, now), 2 * LOCKOUT_FIRST_MS);
	for (int i = 0; i < 100; i++)
		lockout_failed(lockout, eve, now);
	CHECK_INT("no longer than this", lockout_wait_ms(lockout, eve, now), LOCKOUT_MAX_MS);
	lockout_passed(lockout, eve);
	CHECK_INT("forgiven", lockout_wait_ms(lockout, eve, now), 0);
	lockout_free(lockout);
}

/* A flood of callers drops the oldest memory, not the one that was just made. */
static void memory_is_bounded(void)
{
	struct lockout *lockout;
	char key[32];

	CHECK_INT("new", lockout_new(&lockout), 0);
	for (int i = 0; i < LOCKOUT_ENTRIES_MAX + 10; i++) {
		(void)snprintf(key, sizeof(key), "caller %d", i);
		for (int k = 0; k < LOCKOUT_FREE; k++)
			lockout_failed(lockout, slice_of(key), 1);
	}
	CHECK("the last is known", lockout_wait_ms(lockout, slice_of(key), 1) > 0);
	CHECK_INT("the first is not", lockout_wait_ms(lockout, SLICE("caller 0"), 1), 0);
	lockout_failed(lockout, SLICE("later"), (uint64_t)LOCKOUT_KEEP_MS + 2);
	CHECK_INT("old ones go", lockout_wait_ms(lockout, slice_of(key), 1), 0);
	lockout_free(lockout);
}

static void long_keys_are_cut(void)
{
	char a[300], b[300];
	struct lockout *lockout;

	(void)snprintf(a, sizeof(a), "%0250d", 1);
	(void)snprintf(b, sizeof(b), "%0250d", 2);
	CHECK_INT("new", lockout_new(&lockout), 0);
	for (int k = 0; k < LOCKOUT_FREE; k++)
		lockout_failed(lockout, slice_of(a), 1);
	CHECK("found again", lockout_wait_ms(lockout, slice_of(a), 1) > 0);
	CHECK("as is what begins alike", lockout_wait_ms(lockout, slice_of(b), 1) > 0);
	lockout_free(lockout);
}

static void delays_of_a_room(void)
{
	struct lockout *lockout;
	uint64_t want = LOCKOUT_DELAY_MS;

	CHECK_INT("new", lockout_new(&lockout), 0);
	for (int i = 0; i < LOCKOUT_ROOM_FREE; i++) {
		CHECK_INT("none yet", lockout_delay_ms(lockout, SLICE("room a")), 0);
		lockout_failed(lockout, SLICE("room a"), 1000);
	}
	for (int i = 0; i < 8; i++) {
		CHECK_INT("doubles", lockout_delay_ms(lockout, SLICE("room a")),
			  want < LOCKOUT_DELAY_MAX_MS ? want : LOCKOUT_DELAY_MAX_MS);
		lockout_failed(lockout, SLICE("room a"), 1000);
		want *= 2;
	}
	CHECK_INT("of this room", lockout_delay_ms(lockout, SLICE("room b")), 0);
	lockout_free(lockout);
}

/* One after the other from one place, each place for itself, and nobody for ever. */
static void turns(void)
{
	struct slice here = SLICE("room a, here"), there = SLICE("room a, there");
	uint64_t now = 1000, delay;
	struct lockout *lockout;

	CHECK_INT("new", lockout_new(&lockout), 0);
	for (uint64_t i = 1; i <= 7; i++) {
		delay = 8000;
		CHECK_INT("taken", lockout_turn_ms(lockout, here, now, &delay), 0);
		CHECK_INT("behind those before", delay, i * 8000);
	}
	delay = 8000;
	CHECK_INT("too long", lockout_turn_ms(lockout, here, now, &delay), ERR_LIMIT);
	CHECK_INT("elsewhere", lockout_turn_ms(lockout, there, now, &delay), 0);
	CHECK_INT("nobody before", delay, 8000);
	now += 8000;
	CHECK_INT("one is through", lockout_turn_ms(lockout, here, now, &delay), 0);
	CHECK_INT("in its place", delay, 56000);
	now += 100000;
	delay = 500;
	CHECK_INT("all are", lockout_turn_ms(lockout, here, now, &delay), 0);
	CHECK_INT("at once", delay, 500);
	CHECK_INT("no failure of its own", lockout_delay_ms(lockout, here), 0);
	lockout_free(lockout);
}

void suite_lockout(void)
{
	CHECK_SUITE("lockout");
	CHECK_TEST(grows_and_ends);
	CHECK_TEST(memory_is_bounded);
	CHECK_TEST(long_keys_are_cut);
	CHECK_TEST(delays_of_a_room);
	CHECK_TEST(turns);
}
