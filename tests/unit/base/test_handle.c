#include "base/handle.h"

#include "base/err.h"
#include "base/random.h"
#include "tests/support/check.h"

static int objects[64];

static void life(void)
{
	struct handle_table *table = NULL;
	handle a = 0, b = 0, again = 0;

	CHECK_INT(NULL, handle_table_new(2, &table), 0);
	CHECK("0 is no handle", handle_find(table, 0) == NULL);
	CHECK_INT("0 is no handle", handle_drop(table, 0), ERR_STALE);
	CHECK_INT(NULL, handle_take(table, &objects[0], &a), 0);
	CHECK_INT(NULL, handle_take(table, &objects[1], &b), 0);
	CHECK("never 0", a != 0 && b != 0);
	CHECK_INT("full", handle_take(table, &objects[2], &again), ERR_LIMIT);
	CHECK_INT("untouched", again, 0);
	CHECK("found",
	      handle_find(table, a) == &objects[0] && handle_find(table, b) == &objects[1]);
	CHECK_INT(NULL, handle_count(table), 2);
	CHECK_INT(NULL, handle_drop(table, a), 0);
	CHECK("gone", handle_find(table, a) == NULL);
	CHECK_INT("twice", handle_drop(table, a), ERR_STALE);
	CHECK_INT(NULL, handle_take(table, &objects[2], &again), 0);
	CHECK_INT("the slot serves again", handle_slot(again), handle_slot(a));
	CHECK("stale though the slot lives", handle_find(table, a) == NULL);
	CHECK_INT("stale though the slot lives", handle_drop(table, a), ERR_STALE);
	CHECK("new one", handle_find(table, again) == &objects[2]);
	CHECK(NULL, handle_table_free(table) == NULL);
	CHECK(NULL, handle_table_free(NULL) == NULL);
}

static void made_up_handles(void)
{
	struct handle_table *table = NULL;
	handle h = 0;

	CHECK_INT(NULL, handle_table_new(4, &table), 0);
	CHECK_INT(NULL, handle_take(table, &objects[0], &h), 0);
	CHECK("other generation", handle_find(table, h + (UINT64_C(1) << 32)) == NULL);
	CHECK("slot never used", handle_find(table, h + 1) == NULL);
	CHECK("slot beyond the table", handle_find(table, h + 4) == NULL);
	CHECK("all ones", handle_find(table, UINT64_MAX) == NULL);
	CHECK_INT("all ones", handle_drop(table, UINT64_MAX), ERR_STALE);
	handle_table_free(table);
}

/* Against an array of what should live. */
static void random_operations(void)
{
	enum { MAX = 32 };
	struct handle_table *table = NULL;
	struct random random;
	handle live[MAX] = {0}, dead = 0;
	uint32_t count = 0;

	random_init_seeded(&random, 11);
	CHECK_INT(NULL, handle_table_new(MAX, &table), 0);
	for (int step = 0; step < 20000; step++) {
		uint32_t i = random_below(&random, MAX);

		if (live[i]) {
			CHECK(NULL, handle_find(table, live[i]) == &objects[i]);
			CHECK_INT(NULL, handle_drop(table, live[i]), 0);
			dead = live[i];
			live[i] = 0;
			count--;
		} else {
			CHECK_INT(NULL, handle_take(table, &objects[i], &live[i]), 0);
			CHECK(NULL, handle_slot(live[i]) < MAX);
			count++;
		}
		if (!CHECK(NULL, handle_find(table, dead) == NULL) ||
		    !CHECK_INT(NULL, handle_count(table), count))
			break;
	}
	handle_table_free(table);
}

void suite_handle(void)
{
	CHECK_SUITE("handle");
	CHECK_TEST(life);
	CHECK_TEST(made_up_handles);
	CHECK_TEST(random_operations);
}
