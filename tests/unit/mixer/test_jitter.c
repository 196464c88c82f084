/* tests/unit/mixer/test_jitter.c -- the buffer alone: pieces come out in order, once, in time.
 *
 * Octets carry their place on the time line, so that a piece proves where it came from. */
#include "mixer/jitter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "tests/support/check.h"
#include "tests/support/path.h"

enum { PULL_MS = 20, PULL = 160, TICKS_MAX = 60 * 50 * 10 };

static uint8_t octet_at(uint32_t ts)
{
	return (uint8_t)(ts * 2654435761u >> 24);
}

struct sender {
	uint32_t ssrc, ts_first;
	uint16_t seq_first;
	uint32_t ptime_ms;
	bool is_whole; /* unsliceable */
};

static enum jitter_put_result put(struct jitter *jitter, const struct sender *sender,
				  uint64_t number, uint64_t at_us)
{
	uint32_t units = sender->ptime_ms * 8;
	uint8_t octets[480];
	struct jitter_packet packet = {.payload = octets,
				       .payload_len = (uint16_t)units,
				       .tag = 1,
				       .is_sliceable = !sender->is_whole,
				       .seq = (uint16_t)(sender->seq_first + number),
				       .ts = (uint32_t)(sender->ts_first + number * units),
				       .ssrc = sender->ssrc,
				       .duration = units,
				       .arrival_us = at_us};

	for (uint32_t i = 0; i < units; i++)
		octets[i] = octet_at(packet.ts + i);
	return jitter_put_rt(jitter, &packet);
}

/* What came out. */
struct out {
	uint64_t units[4]; /* by kind */
	uint64_t wrong;    /* octets that are not what belongs there */
	uint64_t backward; /* pieces that were played already */
	uint32_t ts;       /* of the next unit, when known */
	bool has_ts;
	uint32_t delay_ms[TICKS_MAX];
	uint32_t ticks;
};

static void follow(struct out *out, const struct jitter_piece *piece)
{
	out->units[piece->kind] += piece->duration;
	if (piece->kind != JITTER_PIECE)
		return;
	out->backward += out->has_ts && (int32_t)(piece->ts - out->ts) < 0;
	for (uint32_t i = 0; i < piece->payload_len; i++)
		out->wrong += piece->payload[i] != octet_at(piece->ts + i);
	out->has_ts = true;
	out->ts = piece->ts + piece->duration;
}

/* One tick without time-scale. */
static void pull(struct jitter *jitter, struct out *out, uint64_t now_us)
{
	uint32_t have = 0;

	jitter_tick_rt(jitter, now_us, 0);
	while (have < PULL) {
		struct jitter_piece piece = jitter_get_rt(jitter, PULL - have);

		CHECK("some progress", piece.duration > 0 && piece.duration <= PULL - have);
		follow(out, &piece);
		have += piece.duration;
	}
	if (out->ticks < TICKS_MAX)
		out->delay_ms[out->ticks++] = jitter_stats_rt(jitter).delay_ms;
}

static struct jitter *jitter_make(void)
{
	struct jitter_params params = {.clock_hz = 8000, .pull_ms = PULL_MS};
	struct jitter *jitter = NULL;

	CHECK_INT(NULL, jitter_new(&params, &jitter), 0);
	return jitter;
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static uint32_t percentile(struct out *out, uint32_t percent)
{
	qsort(out->delay_ms, out->ticks, sizeof(out->delay_ms[0]), compare_u32);
	return out->delay_ms[(uint64_t)(out->ticks - 1) * percent / 100];
}

static struct out *run(struct jitter *jitter, const struct sender *sender,
		       const struct path_params *params, uint32_t seconds, uint32_t phase_us,
		       uint64_t seed)
{
	struct out *out = calloc(1, sizeof(*out));
	struct path path;
	struct path_packet arrived;
	uint64_t sent = 0, step_us = sender->ptime_ms * 1000;

	path_init(&path, params, seed);
	for (uint64_t tick = 0; tick < seconds * 50; tick++) {
		uint64_t now = 1000000 + tick * 20000 + phase_us;

		for (; 1000000 + path_send_time(&path, sent * step_us) <= now; sent++)
			(void)path_send(&path, (struct path_packet){.number = sent},
					1000000 + path_send_time(&path, sent * step_us));
		while (path_arrived(&path, now, &arrived))
			(void)put(jitter, sender, arrived.number, arrived.at_us);
		pull(jitter, out, now);
	}
	return out;
}

/* Tests ------------------------------------------------------------------------------------- */

static void params_are_checked(void)
{
	static const struct {
		const char *name;
		struct jitter_params params;
		int err;
	} cases[] = {
		{"G.711", {8000, 20, 200, 0}, 0},
		{"defaults", {8000, 10, 0, 0}, 0},
		{"Opus", {48000, 20, 500, 0}, 0},
		{"clock too slow", {4000, 20, 200, 0}, -EINVAL},
		{"clock too fast", {100000, 20, 200, 0}, -EINVAL},
		{"odd frame", {8000, 15, 200, 0}, -EINVAL},
		{"cap too high", {8000, 20, JITTER_DELAY_MS_LIMIT + 1, 0}, -EINVAL},
		{"cap below two frames", {8000, 20, 39, 0}, -EINVAL},
		{"pool too small", {8000, 20, 200, 100}, -EINVAL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct jitter *jitter = NULL;

		CHECK_INT(cases[i].name, jitter_new(&cases[i].params, &jitter), cases[i].err);
		jitter_free(jitter);
	}
	CHECK("NULL", jitter_free(NULL) == NULL);
}

/* The heart of it: on a steady network nothing is added but the wait for the tick. */
static void steady_network_at_every_phase(void)
{
	static const struct sender sender = {
		.ssrc = 1, .ts_first = 5000, .seq_first = 65500, .ptime_ms = 20};
	static const struct path_params steady = {0}, lan = {.jitter_us = 900};
	const struct path_params *const paths[] = {&steady, &lan};

	for (size_t k = 0; k < ARRAY_LEN(paths); k++) {
		uint64_t sum = 0;

		for (uint32_t phase = 0; phase < 20; phase++) {
			struct jitter *jitter = jitter_make();
			struct out *out = run(jitter, &sender, paths[k], 20, phase * 1000 + 450, 7);

			CHECK_INT("every octet right", out->wrong, 0);
			CHECK_INT("in order", out->backward, 0);
			CHECK_INT("nothing lost", out->units[JITTER_LOST], 0);
			CHECK("at most one wait", out->units[JITTER_WAIT] <= PULL);
			CHECK("p99", percentile(out, 99) <= 22);
			sum += percentile(out, 50);
			free(out);
			jitter_free(jitter);
		}
		CHECK("p50 over phases", sum <= 12 * 20);
	}
}

static void every_ptime(void)
{
	static const uint32_t ptimes[] = {10, 20, 30, 40, 60};

	for (size_t i = 0; i < ARRAY_LEN(ptimes); i++) {
		struct sender sender = {
			.ssrc = 1, .ts_first = 0xffffff00, .seq_first = 3, .ptime_ms = ptimes[i]};
		struct path_params steady = {0};
		struct jitter *jitter = jitter_make();
		struct out *out = run(jitter, &sender, &steady, 20, 3000, 1);

		CHECK_INT("right", out->wrong, 0);
		CHECK_INT("lost", out->units[JITTER_LOST], 0);
		CHECK("waits", out->units[JITTER_WAIT] <= PULL);
		CHECK("all of it", out->units[JITTER_PIECE] >= 20 * 8000 - 800);
		/* Beside the tick, a frame that ends inside a packet cannot be played earlier. */
		CHECK("delay", percentile(out, 99) <= 22 + 10);
		free(out);
		jitter_free(jitter);
	}
}

static void networks(void)
{
	static const struct network {
		const char *name;
		struct path_params path;
		uint32_t p99_max;    /* ms */
		uint32_t missed_max; /* lost or waited, of 1000 units */
		uint32_t missed_min;
	} cases[] = {
		{"loss 5 %", {.loss_pm = 50}, 22, 60, 40},
		{"reorder by one", {.jitter_us = 25000}, 50, 8, 0},
		{"40 ms jitter", {.jitter_us = 40000}, 65, 10, 0},
		{"80 ms jitter, overtaking", {.jitter_us = 80000}, 110, 20, 0},
		{"80 ms jitter, in order", {.jitter_us = 80000, .is_in_order = true}, 110, 20, 0},
		{"far away", {.delay_us = 300000, .jitter_us = 10000}, 35, 8, 0},
		{"duplicates", {.duplicate_pm = 300}, 22, 0, 0},
		{"beyond the cap", {.jitter_us = 400000}, 200, 900, 100},
		{"all at once",
		 {.jitter_us = 60000,
		  .loss_pm = 50,
		  .duplicate_pm = 50,
		  .burst = 2,
		  .drift_ppm = 100},
		 105,
		 90,
		 40},
	};
	static const struct sender sender = {
		.ssrc = 9, .ts_first = 1, .seq_first = 64000, .ptime_ms = 20};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (uint64_t seed = 1; seed <= 5; seed++) {
			struct jitter *jitter = jitter_make();
			struct out *out = run(jitter, &sender, &cases[i].path, 60, 7000, seed);
			uint64_t all = 0,
				 missed = out->units[JITTER_LOST] + out->units[JITTER_WAIT];

			for (int k = 0; k < 4; k++)
				all += out->units[k];
			CHECK_INT("a frame per tick", all, 60 * 8000);
			CHECK_INT("right", out->wrong, 0);
			CHECK_INT("in order", out->backward, 0);
			CHECK("not too much missed", missed * 1000 <= all * cases[i].missed_max);
			CHECK("the network did its part",
			      missed * 1000 >= all * cases[i].missed_min);
			if (!CHECK(cases[i].name, percentile(out, 99) <= cases[i].p99_max))
				CHECK_INT(cases[i].name, percentile(out, 99), 0);
			CHECK("cap", jitter_stats_rt(jitter).delay_ms_max <= 200);
			free(out);
			jitter_free(jitter);
		}
}

static void duplicates_and_late_are_counted(void)
{
	static const struct sender sender = {.ssrc = 1, .ptime_ms = 20};
	struct jitter *jitter = jitter_make();
	struct out *out = calloc(1, sizeof(*out));

	for (uint64_t i = 0; i < 50; i++) {
		if (i != 30)
			CHECK_INT(NULL, put(jitter, &sender, i, i * 20000), JITTER_STORED);
		CHECK_INT(NULL, put(jitter, &sender, i == 30 ? 29 : i, i * 20000),
			  JITTER_DUPLICATE);
		pull(jitter, out, i * 20000 + 5000);
	}
	CHECK_INT("late", put(jitter, &sender, 30, 50 * 20000), JITTER_LATE);
	CHECK_INT(NULL, jitter_stats_rt(jitter).duplicates, 50);
	CHECK_INT(NULL, jitter_stats_rt(jitter).late, 1);
	CHECK_INT(NULL, jitter_stats_rt(jitter).lost, 1);
	CHECK_INT(NULL, jitter_stats_rt(jitter).stored, 49);
	CHECK_INT("concealed", out->units[JITTER_WAIT] + out->units[JITTER_LOST], PULL);
	CHECK_INT(NULL, out->wrong, 0);
	free(out);
	jitter_free(jitter);
}

/* Plays `count` packets on a steady network and returns the next tick's time. */
static uint64_t play(struct jitter *jitter, struct out *out, const struct sender *sender,
		     uint64_t from, uint64_t count, uint64_t start_us)
{
	for (uint64_t i = 0; i < count; i++) {
		(void)put(jitter, sender, from + i, start_us + i * 20000);
		pull(jitter, out, start_us + i * 20000 + 5000);
	}
	return start_us + count * 20000;
}

static void new_ssrc_and_timestamp_jumps(void)
{
	static const struct {
		const char *name;
		struct sender next;
	} cases[] = {
		{"new SSRC", {.ssrc = 2, .ts_first = 777777, .seq_first = 100, .ptime_ms = 20}},
		{"timestamp ahead",
		 {.ssrc = 1, .ts_first = 8000 * 60, .seq_first = 100, .ptime_ms = 20}},
		{"timestamp back",
		 {.ssrc = 1, .ts_first = 0x90000000, .seq_first = 100, .ptime_ms = 20}},
		{"sequence ahead",
		 {.ssrc = 1, .ts_first = 16000, .seq_first = 2000, .ptime_ms = 20}},
		{"sequence back",
		 {.ssrc = 1, .ts_first = 16000, .seq_first = 60000, .ptime_ms = 20}},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static const struct sender first = {.ssrc = 1, .ptime_ms = 20};
		struct jitter *jitter = jitter_make();
		struct out *out = calloc(1, sizeof(*out));
		uint64_t now = play(jitter, out, &first, 0, 100, 0), before;

		before = out->units[JITTER_PIECE];
		out->has_ts = false;
		(void)play(jitter, out, &cases[i].next, 0, 100, now);
		CHECK_INT(cases[i].name, out->wrong, 0);
		CHECK(cases[i].name, out->units[JITTER_PIECE] - before >= 97 * PULL);
		CHECK_INT(cases[i].name, jitter_stats_rt(jitter).resyncs, 1);
		CHECK(cases[i].name, jitter_stats_rt(jitter).delay_ms <= 25);
		free(out);
		jitter_free(jitter);
	}
}

static void spurts(void)
{
	static const struct sender sender = {.ssrc = 1, .ptime_ms = 20};
	struct jitter *jitter = jitter_make();
	struct out *out = calloc(1, sizeof(*out));
	uint64_t number = 0;

	/* 1 s of sound, 1 s of nothing; timestamps go on, sequence numbers do not (RFC 3551 4.1).
	 */
	for (uint64_t tick = 0; tick < 1000; tick++) {
		if (tick / 50 % 2 == 0) {
			struct sender spurt = sender;

			spurt.ts_first = (uint32_t)((tick - number) * 160);
			(void)put(jitter, &spurt, number++, tick * 20000);
		}
		pull(jitter, out, tick * 20000 + 5000);
	}
	CHECK_INT("right", out->wrong, 0);
	CHECK_INT("every unit of every spurt", out->units[JITTER_PIECE], 500 * PULL);
	CHECK_INT("no loss", jitter_stats_rt(jitter).lost, 0);
	CHECK_INT(NULL, out->units[JITTER_LOST], 0);
	CHECK("a short tail is concealed", out->units[JITTER_WAIT] <= 10 * 5 * PULL);
	CHECK("the rest is silence", out->units[JITTER_SILENCE] >= 10 * 45 * PULL);
	free(out);
	jitter_free(jitter);
}

static void events_are_no_loss(void)
{
	static const struct sender sender = {.ssrc = 1, .ptime_ms = 20};
	struct jitter *jitter = jitter_make();
	struct out *out = calloc(1, sizeof(*out));
	struct jitter_packet event = {.ssrc = 1};
	uint64_t now = play(jitter, out, &sender, 0, 50, 0);

	for (uint16_t i = 0; i < 10; i++, now += 20000) { /* a digit of 200 ms, one timestamp */
		event.seq = (uint16_t)(50 + i);
		event.ts = 50 * 160;
		event.arrival_us = now;
		CHECK_INT(NULL, jitter_put_rt(jitter, &event), JITTER_STORED);
		pull(jitter, out, now + 5000);
	}
	CHECK_INT("no concealment of a pause that was told", out->units[JITTER_WAIT], 0);
	(void)play(jitter, out, &sender, 60, 50, now);
	CHECK_INT("right", out->wrong, 0);
	CHECK_INT("all sound", out->units[JITTER_PIECE], 100 * PULL);
	CHECK_INT("none lost", jitter_stats_rt(jitter).lost, 0);
	free(out);
	jitter_free(jitter);
}

/* The network stops for `stall_ms`, then all that was sent meanwhile comes at once. */
static void stalls(void)
{
	static const uint32_t stalls_ms[] = {60, 120, 500, 1500, 4000};

	for (size_t i = 0; i < ARRAY_LEN(stalls_ms); i++) {
		static const struct sender sender = {.ssrc = 1, .ptime_ms = 20};
		struct jitter *jitter = jitter_make();
		struct out *out = calloc(1, sizeof(*out));
		uint64_t now = play(jitter, out, &sender, 0, 100, 0), stall = stalls_ms[i] / 20,
			 before;

		for (uint64_t k = 0; k < stall; k++)
			pull(jitter, out, now + k * 20000 + 5000);
		for (uint64_t k = 0; k < stall; k++)
			(void)put(jitter, &sender, 100 + k, now + stall * 20000 - 1);
		before = out->units[JITTER_PIECE];
		(void)play(jitter, out, &sender, 100 + stall, 100, now + stall * 20000);
		CHECK("plays on at once", out->units[JITTER_PIECE] - before >= 97 * PULL);
		CHECK("within the cap", jitter_stats_rt(jitter).delay_ms_max <= 200);
		free(out);
		jitter_free(jitter);
	}
}

/* The path's delay changes for good. */
static void routes(void)
{
	static const struct {
		const char *name;
		int64_t step_us;
	} cases[] = {{"50 ms more", 50000},   {"150 ms more", 150000}, {"400 ms more", 400000},
		     {"900 ms more", 900000}, {"3 s more", 3000000},   {"80 ms less", -80000}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		static const struct sender sender = {.ssrc = 1, .ptime_ms = 20};
		struct jitter *jitter = jitter_make();
		struct out *out = calloc(1, sizeof(*out));
		uint64_t next = 0, before = 0;

		for (uint64_t tick = 0; tick < 1000; tick++) {
			uint64_t now = 5000000 + tick * 20000;

			if (tick == 500)
				before = out->units[JITTER_PIECE];
			while (next < 1000) {
				int64_t at = 4990000 + (int64_t)next * 20000 +
					     (next >= 250 ? cases[i].step_us : 0);

				if (at > (int64_t)now)
					break;
				(void)put(jitter, &sender, next++, (uint64_t)at);
			}
			pull(jitter, out, now);
		}
		CHECK(cases[i].name, out->units[JITTER_PIECE] - before >= 495 * PULL);
		CHECK(cases[i].name, jitter_stats_rt(jitter).delay_ms <= 200);
		free(out);
		jitter_free(jitter);
	}
}

static void whole_packets(void)
{
	static const struct sender sender = {.ssrc = 1, .ptime_ms = 60, .is_whole = true};
	struct jitter *jitter = jitter_make();
	uint32_t ahead = 0, pieces = 0;

	for (uint64_t tick = 0; tick < 300; tick++) {
		if (tick % 3 == 0)
			(void)put(jitter, &sender, tick / 3, tick * 20000);
		jitter_tick_rt(jitter, tick * 20000 + 5000, ahead);
		while (ahead < PULL) {
			struct jitter_piece piece = jitter_get_rt(jitter, PULL - ahead);

			CHECK("whole or nothing",
			      piece.kind != JITTER_PIECE ||
				      (piece.duration == 480 && piece.payload_len == 480));
			pieces += piece.kind == JITTER_PIECE;
			ahead += piece.duration;
		}
		ahead -= PULL;
		CHECK("delay counts what is ahead", jitter_stats_rt(jitter).delay_ms <= 5);
	}
	CHECK_INT(NULL, pieces, 100);
	jitter_free(jitter);
}

static void advice_and_unget(void)
{
	static const struct sender sender = {.ssrc = 1, .ptime_ms = 20};
	struct jitter *jitter = jitter_make();
	struct out *out = calloc(1, sizeof(*out));
	uint64_t now = play(jitter, out, &sender, 0, 50, 0);
	struct jitter_advice advice;
	struct jitter_piece piece;
	uint32_t again;

	/* The path gets 60 ms faster: once that is believed, so much is too much. */
	for (uint64_t i = 50; i < 53; i++)
		(void)put(jitter, &sender, i, now + (i - 50) * 100);
	now = play(jitter, out, &sender, 53, 1000, now);
	(void)put(jitter, &sender, 1053, now);
	jitter_tick_rt(jitter, now + 5000, 0);
	advice = jitter_advice_rt(jitter);
	CHECK_INT("three frames may go", advice.shorten_max, 3 * PULL);
	CHECK_INT(NULL, advice.lengthen, 0);
	CHECK("no hurry", !advice.is_urgent);
	for (int k = 0; k < 2; k++) {
		piece = jitter_get_rt(jitter, PULL);
		follow(out, &piece);
	}
	jitter_unget_rt(jitter, 200); /* more than one packet */
	out->ts -= 200;
	again = out->ts;
	for (int k = 0; k < 4; k++) {
		piece = jitter_get_rt(jitter, 100);
		CHECK_INT(NULL, piece.kind, JITTER_PIECE);
		CHECK_INT(NULL, piece.ts, out->ts);
		follow(out, &piece);
	}
	CHECK("went on", out->ts - again >= 300);
	CHECK_INT("the same octets again", out->wrong, 0);
	free(out);
	jitter_free(jitter);
}

static void refuses_what_it_cannot_hold(void)
{
	static const struct sender sender = {.ssrc = 1, .ptime_ms = 20};
	struct jitter *jitter = jitter_make();
	uint8_t octets[JITTER_PACKET_OCTETS_MAX + 1] = {0};
	struct jitter_packet packet = {
		.payload = octets, .payload_len = sizeof(octets), .duration = 160};

	CHECK_INT("too large", jitter_put_rt(jitter, &packet), JITTER_OVERFLOW);
	packet.payload_len = 0;
	CHECK_INT("empty", jitter_put_rt(jitter, &packet), JITTER_OVERFLOW);
	packet.payload_len = 160;
	packet.duration = 8001;
	CHECK_INT("longer than a second", jitter_put_rt(jitter, &packet), JITTER_OVERFLOW);
	CHECK_INT(NULL, jitter_stats_rt(jitter).overflows, 3);
	/* Nobody pulls: slots and pool are reused, nothing breaks, and it plays when asked. */
	for (uint64_t i = 0; i < 1000; i++)
		(void)put(jitter, &sender, i, i * 20000);
	for (uint64_t i = 1000, pieces = 0; i < 1020; i++) {
		(void)put(jitter, &sender, i, i * 20000);
		jitter_tick_rt(jitter, i * 20000 + 5000, 0);
		pieces += jitter_get_rt(jitter, PULL).kind == JITTER_PIECE;
		if (i == 1019)
			CHECK("plays", pieces >= 18);
	}
	CHECK("delay", jitter_stats_rt(jitter).delay_ms <= 200);
	jitter_free(jitter);
}

/* Whatever comes, every get makes progress, pieces lie inside what was put, and counts only grow.
 */
/* An event (no sound) whose number is far off must not stretch what each tick looks through, nor be
 * counted as loss; many of them in a row are the new truth. */
static void far_events_change_nothing(void)
{
	static const int jumps[] = {-30000, 30000, -JITTER_SLOTS, JITTER_SLOTS};

	for (size_t i = 0; i < ARRAY_LEN(jumps); i++) {
		struct sender sender = {.ssrc = 1, .ptime_ms = 20, .seq_first = 40000};
		struct jitter_packet event = {
			.ssrc = 1, .seq = (uint16_t)(40000 + jumps[i]), .arrival_us = 1000};
		struct jitter *jitter = jitter_make();
		struct out *out = calloc(1, sizeof(*out));

		CHECK_INT("sound", put(jitter, &sender, 0, 1000), JITTER_STORED);
		CHECK_INT("event", jitter_put_rt(jitter, &event), JITTER_LATE);
		for (uint64_t n = 1; n < 20; n++) {
			pull(jitter, out, n * 20000);
			CHECK_INT("sound", put(jitter, &sender, n, n * 20000 + 1000),
				  JITTER_STORED);
		}
		CHECK_INT("lost", jitter_stats_rt(jitter).lost, 0);
		CHECK_INT("one time line", jitter_stats_rt(jitter).resyncs, 0);
		CHECK("is played", out->units[JITTER_PIECE] > 0);
		free(out);
		jitter_free(jitter);
	}
}

static void anything(void)
{
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct random random;
		struct jitter *jitter = jitter_make();
		uint8_t octets[480] = {0};
		uint64_t now = 0;

		random_init_seeded(&random, seed);
		for (int i = 0; i < 500; i++) {
			struct jitter_packet packet = {
				.payload = octets,
				.payload_len = (uint16_t)(1 + random_below(&random, 480)),
				.seq = (uint16_t)(i + (int)random_below(&random, 8) - 4),
				.ts = (uint32_t)(i * 160),
				.is_sliceable = random_below(&random, 8) != 0,
				.ssrc = random_below(&random, 100) == 0,
				.arrival_us = now};

			packet.duration = packet.payload_len;
			if (random_below(&random, 10) == 0)
				packet.seq = (uint16_t)random_u32(&random);
			if (random_below(&random, 10) == 0)
				packet.ts = random_u32(&random);
			if (random_below(&random, 20) == 0)
				packet.duration = 0;
			(void)jitter_put_rt(jitter, &packet);
			now += random_below(&random, 40000);
			jitter_tick_rt(jitter, now, 0);
			(void)jitter_advice_rt(jitter);
			for (uint32_t have = 0; have < PULL;) {
				struct jitter_piece piece = jitter_get_rt(jitter, PULL - have);

				if (!CHECK("progress", piece.duration > 0))
					return;
				CHECK("length",
				      piece.kind != JITTER_PIECE ||
					      (piece.payload_len >= 1 && piece.payload_len <= 480));
				have += piece.duration;
			}
			if (random_below(&random, 50) == 0)
				jitter_reset_rt(jitter);
		}
		CHECK("cap", jitter_stats_rt(jitter).target_ms <= 200);
		jitter_free(jitter);
	}
}

/* What a decoder missed: packets played before the present piece, without those that were lost. */
static void the_past_is_known(void)
{
	struct jitter_params params = {.clock_hz = 8000, .pull_ms = PULL_MS};
	struct sender sender = {.ssrc = 1, .ptime_ms = 20, .is_whole = true};
	struct jitter_piece past[4];
	struct jitter *jitter;

	CHECK_INT("made", jitter_new(&params, &jitter), 0);
	CHECK_INT("nothing yet", jitter_past_rt(jitter, 80 * 8, past, 4), 0);
	for (uint64_t i = 0; i < 12; i++) {
		struct jitter_piece piece;
		uint32_t count;

		if (i != 9)
			(void)put(jitter, &sender, i, i * 20000);
		jitter_tick_rt(jitter, i * 20000 + 5000, 0);
		piece = jitter_get_rt(jitter, PULL);
		if (piece.kind != JITTER_PIECE)
			continue;
		count = jitter_past_rt(jitter, 80 * 8, past, 4);
		if (i < 9)
			CHECK_INT("as much as there is", count, i < 4 ? i : 4);
		for (uint32_t k = 0; k < count; k++) {
			CHECK("before it, latest first",
			      past[k].ts < (k ? past[k - 1].ts : piece.ts));
			CHECK_INT("its own payload", past[k].payload[0], octet_at(past[k].ts));
			CHECK("not the lost one", past[k].ts != 9 * PULL);
		}
	}
	CHECK_INT("not longer than asked for", jitter_past_rt(jitter, 2 * PULL + 1, past, 4), 2);
	CHECK_INT("nor more", jitter_past_rt(jitter, 80 * 8, past, 2), 2);
	jitter_reset_rt(jitter);
	CHECK_INT("forgotten", jitter_past_rt(jitter, 80 * 8, past, 4), 0);
	jitter_free(jitter);
}

void suite_jitter(void)
{
	CHECK_SUITE("jitter");
	CHECK_TEST(params_are_checked);
	CHECK_TEST(steady_network_at_every_phase);
	CHECK_TEST(every_ptime);
	CHECK_TEST(networks);
	CHECK_TEST(duplicates_and_late_are_counted);
	CHECK_TEST(new_ssrc_and_timestamp_jumps);
	CHECK_TEST(spurts);
	CHECK_TEST(events_are_no_loss);
	CHECK_TEST(stalls);
	CHECK_TEST(routes);
	CHECK_TEST(whole_packets);
	CHECK_TEST(advice_and_unget);
	CHECK_TEST(refuses_what_it_cannot_hold);
	CHECK_TEST(far_events_change_nothing);
	CHECK_TEST(anything);
	CHECK_TEST(the_past_is_known);
}
