/* tests/unit/mixer/test_latch.c -- the rules of latch.h as rows: who sends what when. */
#include "mixer/latch.h"

#include "tests/support/check.h"

enum { STEPS_MAX = 12 };

static struct addr source(char who)
{
	struct addr addr = {0};

	if (who != '-') /* '-': an address that is not set */
		(void)addr_parse(SLICE("192.0.2.1:4000"), &addr);
	addr_set_port(&addr, (uint16_t)(4000 + who));
	return addr;
}

struct step {
	uint32_t at_ms;
	char who; /* one address per letter; 0 ends the row */
	char ssrc;
	uint16_t seq;
	enum latch_verdict want;
};

#define Y LATCH_ACCEPT
#define NEW LATCH_LEARNT
#define TRY LATCH_PROBATION
#define NO LATCH_REJECT

static const struct {
	const char *row;
	char signalled;
	bool is_symmetric;
	struct step steps[STEPS_MAX];
	char want_remote;
	uint64_t want_rejected;
} rows[] = {
	{"the signalled address is believed at once",
	 'S',
	 true,
	 {{0, 'S', 1, 1, Y}, {20, 'S', 1, 2, Y}},
	 'S',
	 0},
	{"and without symmetric nobody else ever",
	 'S',
	 false,
	 {{0, 'X', 1, 1, NO},
	  {20, 'X', 1, 2, NO},
	  {40, 'X', 1, 3, NO},
	  {60, 'S', 1, 1, Y},
	  {9000, 'X', 1, 4, NO},
	  {9020, 'X', 1, 5, NO},
	  {9040, 'X', 1, 6, NO}},
	 'S',
	 6},
	{"a stranger needs a run of three",
	 'S',
	 true,
	 {{0, 'X', 1, 1, TRY}, {20, 'X', 1, 2, TRY}, {40, 'X', 1, 3, NEW}, {60, 'X', 1, 4, Y}},
	 'X',
	 0},
	{"the run wraps",
	 'S',
	 true,
	 {{0, 'X', 1, 65534, TRY}, {20, 'X', 1, 65535, TRY}, {40, 'X', 1, 0, NEW}},
	 'X',
	 0},
	{"no address was signalled",
	 '-',
	 true,
	 {{0, 'X', 1, 1, TRY}, {20, 'X', 1, 2, TRY}, {40, 'X', 1, 3, NEW}},
	 'X',
	 0},
	{"a gap breaks the run",
	 'S',
	 true,
	 {{0, 'X', 1, 1, TRY},
	  {20, 'X', 1, 2, TRY},
	  {40, 'X', 1, 4, TRY},
	  {60, 'X', 1, 5, TRY},
	  {80, 'X', 1, 6, NEW}},
	 'X',
	 2},
	{"another SSRC breaks the run",
	 'S',
	 true,
	 {{0, 'X', 1, 1, TRY}, {20, 'X', 1, 2, TRY}, {40, 'X', 2, 3, TRY}},
	 'S',
	 2},
	{"a guess repeated is no run",
	 'S',
	 true,
	 {{0, 'X', 1, 1, TRY}, {1, 'X', 1, 1, TRY}, {2, 'X', 1, 1, TRY}},
	 'S',
	 2},
	{"too slow is no run",
	 'S',
	 true,
	 {{0, 'X', 1, 1, TRY}, {500, 'X', 1, 2, TRY}, {1000, 'X', 1, 3, TRY}},
	 'S',
	 2},
	{"the signalled address wins during a run",
	 'S',
	 true,
	 {{0, 'X', 1, 1, TRY}, {20, 'X', 1, 2, TRY}, {30, 'S', 2, 1, Y}, {40, 'X', 1, 3, NO}},
	 'S',
	 1},
	{"two newcomers at a time do not hide each other",
	 'S',
	 true,
	 {{0, 'X', 1, 1, TRY},
	  {5, 'Z', 9, 7, TRY},
	  {20, 'X', 1, 2, TRY},
	  {25, 'Z', 9, 1, TRY},
	  {40, 'X', 1, 3, NEW},
	  {45, 'Z', 9, 2, NO}},
	 'X',
	 2},
	{"no takeover while the source speaks",
	 'S',
	 true,
	 {{0, 'S', 1, 1, Y},
	  {10, 'X', 1, 2, NO},
	  {15, 'X', 1, 3, NO},
	  {18, 'X', 1, 4, NO},
	  {499, 'X', 1, 5, NO},
	  {500, 'S', 1, 2, Y}},
	 'S',
	 4},
	{"a takeover after silence",
	 'S',
	 true,
	 {{0, 'S', 1, 1, Y},
	  {480, 'X', 3, 1, NO},
	  {500, 'X', 3, 2, TRY},
	  {520, 'X', 3, 3, TRY},
	  {540, 'X', 3, 4, NEW},
	  {560, 'S', 1, 2, TRY}},
	 'X',
	 1},
	{"the source comes back during the takeover",
	 'S',
	 true,
	 {{0, 'S', 1, 1, Y},
	  {600, 'X', 3, 1, TRY},
	  {610, 'S', 1, 9, Y},
	  {620, 'X', 3, 2, NO},
	  {640, 'X', 3, 3, NO}},
	 'S',
	 2},
	{"the signalled address comes back by a run, though a stranger speaks",
	 'S',
	 true,
	 {{0, 'X', 1, 1, TRY},
	  {20, 'X', 1, 2, TRY},
	  {40, 'X', 1, 3, NEW},
	  {60, 'S', 2, 4, TRY},
	  {65, 'X', 1, 4, Y},
	  {80, 'S', 2, 5, TRY},
	  {85, 'Z', 9, 6, NO},
	  {100, 'S', 2, 6, NEW},
	  {105, 'X', 1, 5, NO}},
	 'S',
	 2},
};

static void run_steps(struct latch *latch, const char *row, const struct step *steps)
{
	for (int k = 0; k < STEPS_MAX && steps[k].who; k++) {
		struct addr from = source(steps[k].who);
		struct latch_packet packet = {&from, (uint32_t)steps[k].ssrc, steps[k].seq};

		if (!CHECK_INT(row, latch_packet_rt(latch, &packet, steps[k].at_ms * 1000000ull),
			       steps[k].want))
			CHECK_INT("at step", k, -1);
	}
}

static void rules(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr signalled = source(rows[i].signalled);
		struct addr want = source(rows[i].want_remote);
		struct latch latch;

		latch_init(&latch);
		(void)latch_set_rt(&latch, &signalled, rows[i].is_symmetric);
		run_steps(&latch, rows[i].row, rows[i].steps);
		CHECK(rows[i].row, addr_eq(latch_remote(&latch), &want));
		CHECK_INT(rows[i].row, latch.rejected, rows[i].want_rejected);
	}
}

static void signalling_moves_the_peer(void)
{
	static const struct step learn[STEPS_MAX] = {
		{0, 'X', 1, 1, TRY}, {20, 'X', 1, 2, TRY}, {40, 'X', 1, 3, NEW}};
	static const struct step after[STEPS_MAX] = {{60, 'X', 1, 4, TRY}, {61, 'T', 5, 1, Y}};
	struct addr s = source('S'), t = source('T'), x = source('X');
	struct latch latch;

	latch_init(&latch);
	CHECK("first", latch_set_rt(&latch, &s, true));
	run_steps(&latch, "learn", learn);
	CHECK("the same again keeps the latch", !latch_set_rt(&latch, &s, true));
	CHECK("the same again keeps the latch", addr_eq(latch_remote(&latch), &x));
	CHECK("the source itself keeps it too", !latch_set_rt(&latch, &x, true));
	CHECK("the source itself keeps it too", latch.has_source);
	CHECK("another address ends it", latch_set_rt(&latch, &t, true));
	CHECK("another address ends it", addr_eq(latch_remote(&latch), &t));
	run_steps(&latch, "after", after);
}

/* More newcomers than are watched: the one that waited longest is forgotten, and counted. */
static void a_flood_of_newcomers(void)
{
	struct addr s = source('S');
	struct latch latch;

	latch_init(&latch);
	(void)latch_set_rt(&latch, &s, true);
	for (uint16_t i = 0; i < 1000; i++) {
		struct addr from = source((char)('a' + i % 16));
		struct latch_packet packet = {&from, i, i};

		if (!CHECK_INT("nobody", latch_packet_rt(&latch, &packet, i * 1000ull), TRY))
			return;
	}
	CHECK_INT("all but those still watched", latch.rejected, 1000 - LATCH_CANDIDATES);
	CHECK("nothing learnt", !latch.has_source);
}

void suite_latch(void)
{
	CHECK_SUITE("latch");
	CHECK_TEST(rules);
	CHECK_TEST(signalling_moves_the_peer);
	CHECK_TEST(a_flood_of_newcomers);
}
