/* tests/unit/mixer/test_dtmf.c */
#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "base/random.h"
#include "mixer/dtmf.h"
#include "tests/support/check.h"

struct got {
	char text[64];
	uint32_t count;
	uint16_t last_ms;
};

static void note(struct got *got, const struct dtmf_digit *digit)
{
	if (got->count + 1 < sizeof(got->text))
		got->text[got->count++] = digit->digit;
	got->text[got->count] = 0;
	got->last_ms = digit->duration_ms;
}

static int put(struct dtmf *dtmf, struct got *got, int event, uint32_t ts, uint32_t duration,
	       bool is_end, uint64_t at_ms)
{
	uint8_t payload[4] = {(uint8_t)event, (uint8_t)((is_end ? 0x80 : 0) | 10),
			      (uint8_t)(duration >> 8), (uint8_t)duration};
	struct rtp_packet packet = {.ts = ts, .ssrc = 5, .payload = payload, .payload_len = 4};
	struct dtmf_digit digits[2];
	int told = dtmf_put_rt(dtmf, &packet, at_ms * 1000, digits);

	for (int i = 0; i < told; i++)
		note(got, &digits[i]);
	return told;
}

static void tick(struct dtmf *dtmf, struct got *got, uint64_t at_ms)
{
	struct dtmf_digit digit;

	if (dtmf_tick_rt(dtmf, at_ms * 1000, &digit))
		note(got, &digit);
}

static void a_digit_is_told_once_at_its_end(void)
{
	struct dtmf dtmf;
	struct got got = {0};

	dtmf_init(&dtmf, 8000);
	for (uint32_t i = 1; i <= 5; i++)
		CHECK_INT("runs", put(&dtmf, &got, 5, 1000, i * 160, false, i * 20), 0);
	CHECK("mutes", dtmf_is_muting_rt(&dtmf, 110000));
	CHECK_INT("end", put(&dtmf, &got, 5, 1000, 960, true, 120), 1);
	CHECK_INT("end repeated", put(&dtmf, &got, 5, 1000, 960, true, 121), 0);
	CHECK_INT("end repeated", put(&dtmf, &got, 5, 1000, 960, true, 140), 0);
	CHECK_INT("a straggler from the middle", put(&dtmf, &got, 5, 1000, 320, false, 141), 0);
	tick(&dtmf, &got, 5000);
	CHECK_STR(NULL, got.text, "5");
	CHECK_INT(NULL, got.last_ms, 120);
	CHECK("tail muted", dtmf_is_muting_rt(&dtmf, 150000));
	CHECK("then not", !dtmf_is_muting_rt(&dtmf, 161000));
}

static void same_digit_twice(void)
{
	struct dtmf dtmf;
	struct got got = {0};

	dtmf_init(&dtmf, 8000);
	(void)put(&dtmf, &got, 1, 1000, 800, true, 100);
	(void)put(&dtmf, &got, 1, 3000, 800, true, 350);
	CHECK_STR(NULL, got.text, "11");
}

static void end_is_lost(void)
{
	struct dtmf dtmf;
	struct got got = {0};

	dtmf_init(&dtmf, 8000);
	(void)put(&dtmf, &got, 11, 1000, 160, false, 20);
	(void)put(&dtmf, &got, 11, 1000, 320, false, 40);
	tick(&dtmf, &got, 239);
	CHECK_STR("not yet", got.text, "");
	tick(&dtmf, &got, 240);
	CHECK_STR("by time", got.text, "#");
	CHECK_INT(NULL, got.last_ms, 40);
	CHECK_INT("the end comes after all", put(&dtmf, &got, 11, 1000, 480, true, 300), 0);
	/* End lost, and the next digit starts before time is up. */
	(void)put(&dtmf, &got, 2, 9000, 160, false, 1000);
	CHECK_INT(NULL, put(&dtmf, &got, 3, 11000, 160, false, 1100), 1);
	CHECK_INT(NULL, put(&dtmf, &got, 3, 11000, 320, true, 1120), 1);
	CHECK_STR(NULL, got.text, "#23");
}

static void end_and_next_in_one_packet(void)
{
	struct dtmf dtmf;
	struct got got = {0};

	dtmf_init(&dtmf, 8000);
	(void)put(&dtmf, &got, 2, 9000, 160, false, 1000);
	CHECK_INT("both", put(&dtmf, &got, 3, 11000, 320, true, 1120), 2);
	CHECK_STR(NULL, got.text, "23");
}

static void long_event_in_segments(void)
{
	struct dtmf dtmf;
	struct got got = {0};
	uint32_t ts = 0xfffff000; /* wraps on the way */

	dtmf_init(&dtmf, 8000);
	for (uint32_t d = 1600; d < 65535; d += 1600)
		(void)put(&dtmf, &got, 10, ts, d, false, d / 8);
	(void)put(&dtmf, &got, 10, ts, 65535, false, 8192);
	(void)put(&dtmf, &got, 10, ts + 65535, 1600, false, 8400);
	(void)put(&dtmf, &got, 10, ts, 65535, false, 8401); /* reordered */
	(void)put(&dtmf, &got, 10, ts + 65535, 3200, true, 8600);
	CHECK_STR(NULL, got.text, "*");
	CHECK_INT(NULL, got.last_ms, (65535 + 3200) / 8);
}

static void bad_packets(void)
{
	struct dtmf dtmf;
	struct dtmf_digit digits[2];
	struct got got = {0};
	struct rtp_packet packet = {.payload = (const uint8_t *)"\1\0\0", .payload_len = 3};

	dtmf_init(&dtmf, 8000);
	CHECK_INT("short", dtmf_put_rt(&dtmf, &packet, 0, digits), -EBADMSG);
	CHECK_INT("flash", put(&dtmf, &got, 16, 1000, 160, true, 0), -ENOTSUP);
	CHECK_INT("answer tone", put(&dtmf, &got, 32, 1000, 160, true, 0), -ENOTSUP);
	CHECK("no mute", !dtmf_is_muting_rt(&dtmf, 1000000));
}

static void new_sender(void)
{
	struct dtmf dtmf;
	struct dtmf_digit digits[2];
	struct got got = {0};
	struct rtp_packet packet = {
		.payload = (const uint8_t *)"\7\x8a\1\0", .payload_len = 4, .ssrc = 6, .ts = 1000};

	dtmf_init(&dtmf, 8000);
	(void)put(&dtmf, &got, 4, 1000, 160, true, 0);
	CHECK_INT("same timestamp, another sender", dtmf_put_rt(&dtmf, &packet, 50000, digits), 1);
	CHECK_INT(NULL, digits[0].digit, '7');
}

/* Any loss that leaves one packet per digit, any repetition, reordering within 60 ms: the text. */
static void any_network(void)
{
	static const char text[] = "0123456789*#ABCD1122";
	static const char events[] = "0123456789*#ABCD";

	for (uint64_t seed = 1; seed <= 300; seed++) {
		struct random random;
		struct dtmf dtmf;
		struct got got = {0};

		random_init_seeded(&random, seed);
		dtmf_init(&dtmf, 8000);
		for (uint32_t d = 0; d < sizeof(text) - 1; d++) {
			int event = (int)(strchr(events, text[d]) - events);
			uint64_t start = 1000 + d * 300;
			uint32_t order[9], sure = random_below(&random, 9);

			for (uint32_t i = 0; i < 9; i++)
				order[i] = i;
			for (uint32_t i = 0; i + 3 < 9; i++) { /* swaps of near neighbours */
				uint32_t k = i + random_below(&random, 3), t = order[i];

				order[i] = order[k];
				order[k] = t;
			}
			for (uint32_t i = 0; i < 9; i++) {
				bool is_end = order[i] >= 6;
				uint32_t length = is_end ? 960 : (order[i] + 1) * 160;

				tick(&dtmf, &got, start + i * 20);
				if (order[i] != sure && random_below(&random, 3) == 0)
					continue;
				(void)put(&dtmf, &got, event, d * 2400, length, is_end,
					  start + i * 20);
				if (random_below(&random, 4) == 0)
					(void)put(&dtmf, &got, event, d * 2400, length, is_end,
						  start + i * 20);
			}
		}
		tick(&dtmf, &got, 100000);
		if (!CHECK_STR("digits", got.text, text))
			return;
	}
}

void suite_dtmf(void)
{
	CHECK_SUITE("dtmf");
	CHECK_TEST(a_digit_is_told_once_at_its_end);
	CHECK_TEST(same_digit_twice);
	CHECK_TEST(end_is_lost);
	CHECK_TEST(end_and_next_in_one_packet);
	CHECK_TEST(long_event_in_segments);
	CHECK_TEST(bad_packets);
	CHECK_TEST(new_sender);
	CHECK_TEST(any_network);
}
