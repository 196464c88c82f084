/* tests/unit/mixer/test_digits.c */
#include "mixer/digits.h"

#include <string.h>

#include "mixer/dtmf.h"
#include "tests/support/check.h"

enum { CLOCK_HZ = 8000, TICK_UNITS = 160 };

static void signs(void)
{
	static const struct {
		char sign;
		int event;
	} rows[] = {{'0', 0},  {'9', 9},  {'*', 10}, {'#', 11}, {'A', 12}, {'d', 15},
		    {'E', -1}, {' ', -1}, {0, -1},   {'+', -1}, {'a', 12}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_INT(NULL, digits_event(rows[i].sign), rows[i].event);
}

/* One digit on the wire: RFC 4733 2.5.1. */
static void an_event_as_it_is_sent(void)
{
	struct digits digits = {0};
	struct digits_packet packet;
	uint32_t ts = 4000000000u, start = ts, packets = 0, ends = 0, before = 0;

	digits_push_rt(&digits, "7", 1);
	for (int tick = 0; tick < 20; tick++, ts += TICK_UNITS) {
		uint32_t duration;

		if (!digits_tick_rt(&digits, ts, CLOCK_HZ, &packet))
			continue;
		duration = (uint32_t)(packet.payload[2] << 8 | packet.payload[3]);
		CHECK_INT("event", packet.payload[0], 7);
		CHECK_INT("its start", packet.ts, start);
		CHECK("the first has the marker", packet.has_marker == (packets == 0));
		CHECK_INT("reserved bit", packet.payload[1] & 0x40, 0);
		CHECK("grows, then stands", duration > before || ends > 0);
		before = duration;
		ends += packet.payload[1] >> 7;
		packets++;
	}
	CHECK_INT("the end three times", ends, DIGITS_ENDS);
	CHECK_INT("packets", packets, DIGITS_MS / DIGITS_TICK_MS + DIGITS_ENDS - 1);
	CHECK_INT("100 ms", before, CLOCK_HZ / 1000 * DIGITS_MS);
	CHECK("over", digits_are_idle(&digits));
}

/* What our own receiver makes of them, with every second packet lost. */
static void many_arrive_in_order(void)
{
	static const char text[] = "0123456789*#ABCD00112";
	struct digits digits = {0};
	struct digits_packet packet;
	struct dtmf receiver;
	char heard[sizeof(text) + 4] = "";
	uint32_t count = 0, ts = 77, sent = 0, gap = 0, gap_least = UINT32_MAX;

	dtmf_init(&receiver, CLOCK_HZ);
	digits_push_rt(&digits, text, sizeof(text) - 1);
	for (uint64_t tick = 0; tick < 500; tick++, ts += TICK_UNITS) {
		struct dtmf_digit told[2];
		struct rtp_packet rtp = {.payload = packet.payload, .payload_len = DIGITS_OCTETS};
		int n = 0;

		if (digits_tick_rt(&digits, ts, CLOCK_HZ, &packet)) {
			if (packet.has_marker && sent > 0)
				gap_least = MIN_OF(gap_least, gap);
			gap = 0;
			rtp.ts = packet.ts;
			if (sent++ % 2)
				n = dtmf_put_rt(&receiver, &rtp, tick * 20000, told);
		} else {
			gap += DIGITS_TICK_MS;
			n = dtmf_tick_rt(&receiver, tick * 20000, told);
		}
		for (int i = 0; i < n && count < sizeof(heard) - 1; i++)
			heard[count++] = told[i].digit;
	}
	CHECK_STR("all, once, in order", heard, text);
	CHECK("sound between them", gap_least >= 60);
}

static void beyond_the_limit_they_are_left_out(void)
{
	struct digits digits = {0};
	char text[MEDIA_DIGITS_MAX + 5];

	memset(text, '5', sizeof(text));
	text[3] = 'x';
	digits_push_rt(&digits, text, 5);
	CHECK_INT("what is no digit, too", digits.count, 4);
	digits_push_rt(&digits, text + 4, sizeof(text) - 4);
	CHECK_INT("full", digits.count, MEDIA_DIGITS_MAX);
}

void suite_digits(void)
{
	CHECK_SUITE("digits");
	CHECK_TEST(signs);
	CHECK_TEST(an_event_as_it_is_sent);
	CHECK_TEST(many_arrive_in_order);
	CHECK_TEST(beyond_the_limit_they_are_left_out);
}
