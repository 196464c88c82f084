#include "mixer/loudest.h"

#include <string.h>

#include "base/random.h"
#include "tests/support/check.h"

enum { TALKERS_MAX = 50, TICKS_PER_S = 50 };

/* A room of its own: levels in, who is heard out. */
static struct {
	struct loudness talkers[TALKERS_MAX];
	struct loudest last;
	bool is_heard[TALKERS_MAX];
} room;

static void begin(uint8_t max)
{
	memset(&room, 0, sizeof(room));
	loudest_begin_rt(&room.last, max);
}

/* Level 127: does not speak. Returns how many are heard. */
static int tick(const uint8_t *levels, int count)
{
	struct loudest next;
	int heard = 0;

	loudest_begin_rt(&next, room.last.max);
	for (int i = 0; i < count; i++) {
		const struct loudest_turn turn = {.last = &room.last,
						  .next = &next,
						  .id = (uint32_t)i,
						  .level_dbov = levels[i],
						  .is_speaking = levels[i] < 127};

		room.is_heard[i] = loudest_turn_rt(&room.talkers[i], &turn);
		heard += room.is_heard[i];
	}
	room.last = next;
	return heard;
}

static int ticks(const uint8_t *levels, int count, int times)
{
	int heard = 0;

	for (int i = 0; i < times; i++)
		heard = tick(levels, count);
	return heard;
}

static void while_there_are_places_all_are_heard_at_once(void)
{
	static const uint8_t levels[][3] = {{30, 127, 127}, {30, 50, 127}, {30, 50, 58}};

	begin(3);
	for (int i = 0; i < 3; i++)
		CHECK_INT("with the first frame", tick(levels[i], 3), i + 1);
	CHECK_INT("and so it stays", ticks(levels[2], 3, 100), 3);
}

static void the_loudest_have_the_places(void)
{
	uint8_t levels[TALKERS_MAX];

	for (uint8_t max = 1; max <= LOUDEST_MAX; max = (uint8_t)(max * 2)) {
		begin(max);
		for (int i = 0; i < TALKERS_MAX; i++)
			levels[i] = (uint8_t)(10 + i);
		(void)tick(levels, TALKERS_MAX);
		CHECK_INT("at most so many", tick(levels, TALKERS_MAX), max);
		for (int i = 0; i < TALKERS_MAX; i++)
			CHECK_INT("the louder ones", room.is_heard[i], i < max);
	}
}

static void a_louder_one_comes_in(void)
{
	static const struct {
		const char *name;
		uint8_t level;      /* of the newcomer; the others have 40 */
		int ticks_at_least; /* until it is heard */
		int ticks_at_most;
	} rows[] = {
		{"much louder, when the hold is over", 20, 1, 28},
		{"a little louder, by waiting", 38, 50, 150},
		{"as loud, by waiting", 40, 125, 200},
		{"softer, by waiting longer", 44, 225, 300},
	};

	for (size_t n = 0; n < ARRAY_LEN(rows); n++) {
		uint8_t levels[4] = {40, 40, 40, 127};
		int at = 0;

		begin(3);
		(void)ticks(levels, 4, 50);
		levels[3] = rows[n].level;
		do
			CHECK("never more than three", tick(levels, 4) <= 3);
		while (!room.is_heard[3] && ++at < 1000);
		CHECK(rows[n].name,
		      at >= rows[n].ticks_at_least - 1 && at <= rows[n].ticks_at_most);
	}
}

/* Five who are as loud, three places, a minute: all are heard, and nobody for less than the hold.
 */
static void nobody_flaps_and_nobody_is_left_out(void)
{
	uint32_t heard_ticks[5] = {0}, changes = 0;
	int since[5] = {0};
	struct random random;

	random_init_seeded(&random, 7);
	begin(3);
	for (int t = 0; t < 60 * TICKS_PER_S; t++) {
		bool before[5];
		uint8_t levels[5];

		memcpy(before, room.is_heard, sizeof(before));
		for (int i = 0; i < 5; i++)
			levels[i] = (uint8_t)(30 + random_below(&random, 10));
		(void)tick(levels, 5);
		for (int i = 0; i < 5; i++) {
			heard_ticks[i] += room.is_heard[i];
			if (t < 5 || before[i] == room.is_heard[i])
				continue;
			changes++;
			if (before[i])
				CHECK("not for less than the hold",
				      (t - since[i]) * 20 >= LOUDEST_HOLD_MS);
			since[i] = t;
		}
	}
	for (int i = 0; i < 5; i++)
		CHECK("a fair share", heard_ticks[i] > 60 * TICKS_PER_S / 4);
	CHECK("in turns of seconds", changes < 3 * 60);
}

static void who_falls_silent_frees_the_place(void)
{
	uint8_t levels[3] = {20, 30, 40};

	begin(2);
	CHECK_INT("two", ticks(levels, 3, 30), 2);
	levels[0] = 127;
	(void)tick(levels, 3);
	CHECK_INT("two again", tick(levels, 3), 2);
	CHECK("the third", room.is_heard[2]);
	levels[0] = 20;
	(void)tick(levels, 3);
	CHECK("not before a tick is over", !room.is_heard[0]);
	CHECK_INT("still two", tick(levels, 3), 2);
}

/* What parts of a room have told, put together in any order, is what one would have found. */
static void parts_come_to_the_same(void)
{
	struct random random;

	random_init_seeded(&random, 3);
	for (int n = 0; n < 200; n++) {
		struct loudest all, parts[2], joined;

		loudest_begin_rt(&all, 5);
		loudest_begin_rt(&joined, 5);
		for (int i = 0; i < 2; i++)
			loudest_begin_rt(&parts[i], 5);
		for (uint32_t id = 0; id < 20; id++) {
			struct loudest_entry entry = {1 + random_below(&random, 8), id};

			loudest_offer_rt(&all, entry);
			loudest_offer_rt(&parts[random_below(&random, 2)], entry);
		}
		for (int i = 0; i < 2; i++)
			for (uint8_t k = 0; k < parts[(n + i) % 2].count; k++)
				loudest_offer_rt(&joined, parts[(n + i) % 2].best[k]);
		CHECK_INT("as many", joined.count, all.count);
		CHECK("the same", memcmp(joined.best, all.best, sizeof(all.best[0]) * 5) == 0);
	}
}

void suite_loudest(void)
{
	CHECK_SUITE("loudest");
	CHECK_TEST(while_there_are_places_all_are_heard_at_once);
	CHECK_TEST(the_loudest_have_the_places);
	CHECK_TEST(a_louder_one_comes_in);
	CHECK_TEST(nobody_flaps_and_nobody_is_left_out);
	CHECK_TEST(who_falls_silent_frees_the_place);
	CHECK_TEST(parts_come_to_the_same);
}
