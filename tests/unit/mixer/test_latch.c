/* tests/unit/mixer/test_latch.c -- the rules of latch.h as rows: who sends what when. */
#include "mixer/latch.h"

#include "tests/support/check.h"

enum { STEPS_MAX = 12 };

static struct addr source(char who)
{
	struct addr addr = {0};

	if (who >= 'a')
		(void)addr_parse(SLICE("198.51.100.7:4000"), &addr);
	else if (who != '-') /* '-': an address that is not set */
		(void)addr_parse(SLICE("192.0.2.1:4000"), &addr);
	addr_set_port(&addr, (uint16_t)(4000 + who));
	return addr;
}

struct step {
	uint32_t at_ms;
	char who; /* one address per letter, small ones at another host; 0 ends the row */
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
	{"nobody from elsewhere follows a source that is silent",
	 'S',
	 true,
	 {{0, 'S', 1, 1, Y},
	  {600, 'x', 9, 1, NO},
	  {620, 'x', 9, 2, NO},
	  {640, 'x', 9, 3, NO},
	  {60000, 'x', 9, 4, NO},
	  {60020, 'x', 9, 5, NO},
	  {60040, 'x', 9, 6, NO}},
	 'S',
	 6},
	{"nor one that was learnt itself",
	 'S',
	 true,
	 {{0, 'X', 1, 1, TRY},
	  {20, 'X', 1, 2, TRY},
	  {40, 'X', 1, 3, NEW},
	  {600, 'x', 9, 1, NO},
	  {620, 'x', 9, 2, NO},
	  {640, 'x', 9, 3, NO},
	  {660, 'X', 1, 4, Y}},
	 'X',
	 3},
	{"who goes on with the stream may come from another network",
	 'S',
	 true,
	 {{0, 'S', 7, 1, Y},
	  {480, 'x', 7, 2, NO},
	  {500, 'x', 7, 3, TRY},
	  {520, 'x', 7, 4, TRY},
	  {540, 'x', 7, 5, NEW}},
	 'x',
	 1},
	{"the first source takes the leg back from who followed it",
	 '-',
	 true,
	 {{0, 'X', 1, 1, TRY},
	  {20, 'X', 1, 2, TRY},
	  {40, 'X', 1, 3, NEW},
	  {600, 'Z', 9, 1, TRY},
	  {620, 'Z', 9, 2, TRY},
	  {640, 'Z', 9, 3, NEW},
	  {650, 'X', 1, 4, TRY},
	  {660, 'Z', 9, 4, Y},
	  {670, 'X', 1, 5, TRY},
	  {690, 'X', 1, 6, NEW},
	  {700, 'Z', 9, 5, NO},
	  {720, 'Z', 9, 6, NO}},
	 'X',
	 2},
	{"who came before the signalled address does not",
	 'S',
	 true,
	 {{0, 'X', 1, 1, TRY},
	  {20, 'X', 1, 2, TRY},
	  {40, 'X', 1, 3, NEW},
	  {60, 'S', 2, 4, TRY},
	  {80, 'S', 2, 5, TRY},
	  {100, 'S', 2, 6, NEW},
	  {105, 'X', 1, 4, NO},
	  {125, 'X', 1, 5, NO},
	  {145, 'X', 1, 6, NO}},
	 'S',
	 3},
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

/* A peer that only listens is silent for ever: nobody gets what it hears. */
static void a_peer_that_listens_is_not_followed(void)
{
	static const struct step speaks[STEPS_MAX] = {{0, 'S', 1, 1, Y}};
	static const struct step guesses[STEPS_MAX] = {{9000, 'X', 9, 1, NO},
						       {9020, 'X', 9, 2, NO},
						       {9040, 'X', 9, 3, NO},
						       {9060, 'X', 1, 4, NO}};
	static const struct step after[STEPS_MAX] = {
		{9100, 'X', 1, 5, TRY}, {9120, 'X', 1, 6, TRY}, {9140, 'X', 1, 7, NEW}};
	struct addr s = source('S');
	struct latch latch;

	latch_init(&latch);
	(void)latch_set_rt(&latch, &s, true);
	run_steps(&latch, "speaks", speaks);
	latch.is_silent_peer = true;
	run_steps(&latch, "guesses", guesses);
	CHECK("still there", addr_eq(latch_remote(&latch), &s));
	latch.is_silent_peer = false;
	run_steps(&latch, "after", after);
}

/* Whoever knows the port and nothing else: a million guesses of SSRC and sequence number, from many
 * addresses, in runs as the rules ask for, while the peer pauses for seconds. */
static void no_guess_takes_a_leg(void)
{
	struct addr s = source('S');
	struct latch latch;
	uint32_t taken = 0;

	latch_init(&latch);
	(void)latch_set_rt(&latch, &s, true);
	for (uint32_t i = 0; i < 1000000; i++) {
		struct addr from = source((char)('a' + i / 5 % 16));
		uint32_t ssrc = 1 + i / 5 * 2654435761u; /* never the peer's, which is even */
		struct latch_packet guess = {&from, ssrc | 1, (uint16_t)i};
		struct latch_packet speech = {&s, 0x12345678, (uint16_t)(i / 1000)};
		enum latch_verdict verdict;

		if (i % 100000 == 0)
			(void)latch_packet_rt(&latch, &speech, i * 20000ull);
		verdict = latch_packet_rt(&latch, &guess, i * 20000ull);
		taken += verdict == LATCH_ACCEPT || verdict == LATCH_LEARNT;
	}
	CHECK_INT("none of them", taken, 0);
	CHECK("still there", addr_eq(latch_remote(&latch), &s));
	CHECK_INT("all counted", latch.rejected, 1000000);
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
	CHECK_TEST(a_peer_that_listens_is_not_followed);
	CHECK_TEST(no_guess_takes_a_leg);
	CHECK_TEST(a_flood_of_newcomers);
}
