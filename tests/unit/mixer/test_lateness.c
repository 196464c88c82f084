/* tests/unit/mixer/test_lateness.c */
#include "mixer/lateness.h"

#include "base/attr.h"
#include "base/random.h"
#include "tests/support/check.h"

enum { MAX_US = 160000, HOPELESS_US = 200000, PACKET_US = 20000 };

struct line {
	struct lateness lateness;
	struct random random;
	uint64_t now_us;
	int64_t offset_us; /* of the sender's clock and path */
};

static void begin(struct line *line, uint64_t seed)
{
	lateness_init(&line->lateness, MAX_US, HOPELESS_US);
	random_init_seeded(&line->random, seed);
	line->now_us = 1000000;
	line->offset_us = -777777;
	lateness_start_rt(&line->lateness, line->offset_us, line->now_us);
}

/* `seconds` of packets that are late by up to jitter_us. */
static void feed(struct line *line, uint32_t seconds, uint32_t jitter_us)
{
	for (uint32_t i = 0; i < seconds * 50; i++) {
		uint32_t late = jitter_us ? random_below(&line->random, jitter_us) : 0;

		lateness_add_rt(&line->lateness, line->offset_us + late, line->now_us + late,
				PACKET_US);
		line->now_us += PACKET_US;
	}
}

static void target_is_the_quantile(void)
{
	static const uint32_t jitters[] = {0, 800, 5000, 20000, 40000, 80000, 120000};

	for (size_t i = 0; i < ARRAY_LEN(jitters); i++) {
		struct line line;

		begin(&line, i + 1);
		feed(&line, 30, jitters[i]);
		CHECK("base", line.lateness.base_us >= line.offset_us &&
				      line.lateness.base_us <= line.offset_us + jitters[i] / 20);
		CHECK_NEAR("target", line.lateness.target_us, jitters[i] * 0.98 + 800,
			   1000 + jitters[i] / 12);
		CHECK("no more than the latest needed",
		      line.lateness.target_us <= jitters[i] + LATENESS_GUARD_US);
	}
}

/* Nobody knows a network after the first packets. */
static void a_new_stream_has_the_whole_bin(void)
{
	struct line line;

	begin(&line, 1);
	feed(&line, 1, 0);
	CHECK("at first", line.lateness.target_us >= LATENESS_BIN_US);
	feed(&line, 1, 0);
	CHECK_INT("when it is known", line.lateness.target_us, LATENESS_GUARD_US);
}

static void bounds(void)
{
	struct line line;

	begin(&line, 1);
	feed(&line, 20, 195000);
	CHECK_INT("most", line.lateness.target_us, MAX_US);
	begin(&line, 1);
	feed(&line, 20, 0);
	CHECK_INT("least", line.lateness.target_us, LATENESS_GUARD_US);
	for (int i = 0; i < 100; i++) { /* half of all packets are hopeless: they say nothing */
		lateness_add_rt(&line.lateness, line.offset_us + HOPELESS_US + 1, line.now_us,
				PACKET_US);
		feed(&line, 1, 0);
	}
	CHECK("hopeless", line.lateness.target_us <= 2000);
}

static void one_straggler_is_not_believed(void)
{
	struct line line;

	begin(&line, 1);
	feed(&line, 10, 0);
	lateness_add_rt(&line.lateness, line.offset_us + 90000, line.now_us, PACKET_US);
	CHECK("one", line.lateness.target_us <= 2000);
	for (int i = 0; i < 4; i++)
		lateness_add_rt(&line.lateness, line.offset_us + 90000, line.now_us, PACKET_US);
	CHECK("five are", line.lateness.target_us >= 90000);
}

static void forgets_within_seconds(void)
{
	struct line line;

	begin(&line, 1);
	feed(&line, 60, 100000);
	CHECK("bad", line.lateness.target_us > 90000);
	feed(&line, 12, 0);
	CHECK("forgotten", line.lateness.target_us <= 3000);
}

static void forgets_by_time_not_by_packets(void)
{
	struct line line;

	begin(&line, 1);
	feed(&line, 60, 100000);
	for (uint32_t i = 0; i < 12 * 100; i++, line.now_us += 10000)
		lateness_add_rt(&line.lateness, line.offset_us, line.now_us, 10000);
	CHECK("10 ms packets", line.lateness.target_us <= 3000);
	feed(&line, 60, 100000);
	for (uint32_t i = 0; i < 12 * 100 / 6; i++, line.now_us += 60000)
		lateness_add_rt(&line.lateness, line.offset_us, line.now_us, 60000);
	CHECK("60 ms packets", line.lateness.target_us <= 3000);
}

/* A route that changes moves the base; the target keeps its place in absolute time. */
static void routes(void)
{
	struct line line;
	int64_t old_base;

	begin(&line, 1);
	feed(&line, 10, 10000);
	old_base = line.lateness.base_us;
	line.offset_us += 60000;
	feed(&line, 1, 10000);
	CHECK_INT("slower: base stays at first", line.lateness.base_us, old_base);
	CHECK("and the target has the difference", line.lateness.target_us > 60000);
	feed(&line, 5, 10000);
	CHECK("then is believed", line.lateness.base_us >= old_base + 59000);
	CHECK("at once with the right target", line.lateness.target_us < 14000);
	line.offset_us -= 60000;
	feed(&line, 1, 10000);
	CHECK("faster: base at once", line.lateness.base_us <= old_base + 1000);
	feed(&line, 15, 10000);
	CHECK("target in seconds", line.lateness.target_us < 14000);
}

static void drift(void)
{
	static const int ppms[] = {200, -200};

	for (size_t k = 0; k < ARRAY_LEN(ppms); k++) {
		struct line line;
		int64_t worst = 0, lag = 0;

		begin(&line, 1);
		for (int i = 0; i < 3600; i++) {
			feed(&line, 1, 0);
			line.offset_us += ppms[k];
			worst = MAX_OF(worst, line.lateness.target_us);
			lag = MAX_OF(lag, line.offset_us - line.lateness.base_us);
		}
		CHECK("target", worst <= 1600);
		CHECK("base follows", lag <= 1200);
	}
}

static void arrivals_out_of_order(void)
{
	struct line line;

	begin(&line, 1);
	feed(&line, 10, 10000);
	lateness_add_rt(&line.lateness, line.offset_us, line.now_us - 300000, PACKET_US);
	CHECK_INT("base", line.lateness.base_us, line.offset_us);
	feed(&line, 1, 10000);
	CHECK_INT("kept", line.lateness.base_us, line.offset_us);
}

static void after_a_pause_only_now_counts(void)
{
	struct line line;

	begin(&line, 1);
	feed(&line, 10, 0);
	line.now_us += 60000000;
	line.offset_us += 9000;
	feed(&line, 1, 0);
	CHECK_INT(NULL, line.lateness.base_us, line.offset_us);
}

static void anything(void)
{
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct line line;

		begin(&line, seed);
		for (int i = 0; i < 2000; i++) {
			int64_t transit = (int64_t)random_below(&line.random, 3000000) - 1500000;

			line.now_us += random_below(&line.random, 1000000);
			lateness_add_rt(&line.lateness, transit, line.now_us,
					random_below(&line.random, 1000000));
			if (!CHECK("bounds", line.lateness.target_us >= 1 &&
						     line.lateness.target_us <= MAX_US &&
						     line.lateness.base_us <= transit &&
						     line.lateness.total >= 0))
				return;
		}
	}
}

void suite_lateness(void)
{
	CHECK_SUITE("lateness");
	CHECK_TEST(target_is_the_quantile);
	CHECK_TEST(a_new_stream_has_the_whole_bin);
	CHECK_TEST(bounds);
	CHECK_TEST(one_straggler_is_not_believed);
	CHECK_TEST(forgets_within_seconds);
	CHECK_TEST(forgets_by_time_not_by_packets);
	CHECK_TEST(routes);
	CHECK_TEST(drift);
	CHECK_TEST(arrivals_out_of_order);
	CHECK_TEST(after_a_pause_only_now_counts);
	CHECK_TEST(anything);
}
