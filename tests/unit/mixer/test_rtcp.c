/* tests/unit/mixer/test_rtcp.c */
#include "mixer/rtcp.h"

#include <errno.h>

#include "tests/support/check.h"

enum { OURS = 0x01020304, THEIRS = 0x0a0b0c0d };

/* A receiver report of THEIRS about OURS, and an SDES; the base of the rows below. */
static const uint8_t report[] = {
	0x81, 201,  0,    7,    0x0a, 0x0b, 0x0c, 0x0d, /* RR, one block */
	0x01, 0x02, 0x03, 0x04, 0x40, 0xff, 0xff, 0xfe, /* fraction 64, lost -2 */
	0x00, 0x01, 0x00, 0x05, 0x00, 0x00, 0x00, 0x50, /* sequence 65541, jitter 80 */
	0x11, 0x22, 0x33, 0x44, 0x00, 0x01, 0x80, 0x00, /* lsr, dlsr 1.5 s */
	0x81, 202,  0,    2,    0x0a, 0x0b, 0x0c, 0x0d, 1, 1, 'x', 0,
};

static void parse_reads_every_field(void)
{
	static const uint8_t sender[] = {
		0x80, 200, 0, 6,    0x0a, 0x0b, 0x0c, 0x0d, 0xe0, 1,    2,    3,
		0x80, 0,   0, 0,    0,    0,    0x10, 0,    0,    0,    0,    9,
		0,    0,   5, 0xa0, 0x81, 203,  0,    1,    0x0a, 0x0b, 0x0c, 0x0d,
	};
	struct rtcp_report got;

	CHECK_INT("RR", rtcp_parse_rt(report, sizeof(report), OURS, &got), 0);
	CHECK_INT("RR", got.ssrc, THEIRS);
	CHECK("RR", !got.has_sender && got.has_block && !got.has_bye);
	CHECK_INT("RR", got.block.ssrc, OURS);
	CHECK_INT("RR", got.block.fraction_q8, 64);
	CHECK_INT("RR", got.block.lost, -2);
	CHECK_INT("RR", got.block.sequence, 65541);
	CHECK_INT("RR", got.block.jitter, 80);
	CHECK_INT("RR", got.block.lsr, 0x11223344);
	CHECK_INT("RR", got.block.dlsr, 0x18000);

	CHECK_INT("SR", rtcp_parse_rt(sender, sizeof(sender), OURS, &got), 0);
	CHECK("SR", got.has_sender && !got.has_block && got.has_bye);
	CHECK_INT("SR", got.ntp >> 32, 0xe0010203);
	CHECK_INT("SR", (uint32_t)got.ntp, 0x80000000);
	CHECK_INT("SR", got.rtp_timestamp, 0x1000);
	CHECK_INT("SR", got.sent_packets, 9);
	CHECK_INT("SR", got.sent_octets, 0x5a0);

	CHECK_INT("block about somebody else",
		  rtcp_parse_rt(report, sizeof(report), OURS + 1, &got), 0);
	CHECK("block about somebody else", !got.has_block);
}

/* One octet of the good compound changed, or its length: RFC 3550 A.2. */
static void parse_refuses(void)
{
	static const struct {
		const char *row;
		size_t at;
		uint8_t value;
		size_t len;
		int err;
	} cases[] = {
		{"as it is", 0, 0x81, sizeof(report), 0},
		{"empty", 0, 0x81, 0, -EINVAL},
		{"one word", 0, 0x81, 4, -EINVAL},
		{"version 1", 0, 0x41, sizeof(report), -EINVAL},
		{"version 1 inside", 32, 0x41, sizeof(report), -EINVAL},
		{"padding in the first packet", 0, 0xa1, sizeof(report), -EINVAL},
		{"first is SDES", 1, 202, sizeof(report), -EINVAL},
		{"first is RTP", 1, 0, sizeof(report), -EINVAL},
		{"length too long", 3, 8, sizeof(report), -EINVAL},
		{"length too short for the block", 3, 6, sizeof(report), -EINVAL},
		{"last length too long", 35, 3, sizeof(report), -EINVAL},
		{"two blocks in the room of one", 0, 0x82, sizeof(report), -EINVAL},
		{"a cut word at the end", 0, 0x81, sizeof(report) - 2, -EINVAL},
		{"SDES item longer than the packet", 41, 200, sizeof(report), -EINVAL},
		{"SDES without its end", 43, 1, sizeof(report), -EINVAL},
		{"two SDES chunks announced", 32, 0x82, sizeof(report), -EINVAL},
		{"BYE of nobody", 33, 203, sizeof(report), 0},
		{"unknown type", 33, 210, sizeof(report), 0},
		{"padding of zero octets in the last", 32, 0xa1, sizeof(report), -EINVAL},
		{"report alone", 0, 0x81, 32, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t data[sizeof(report)];
		struct rtcp_report got = {.ssrc = 77};

		memcpy(data, report, sizeof(report));
		data[cases[i].at] = cases[i].value;
		CHECK_INT(cases[i].row, rtcp_parse_rt(data, cases[i].len, OURS, &got),
			  cases[i].err);
		if (cases[i].err)
			CHECK_INT(cases[i].row, got.ssrc, 77);
	}
}

/* RFC 5506: what is no compound is read when that was agreed on. */
static void reduced_packets(void)
{
	static const uint8_t feedback[] = {0x81, 205, 0, 3, 0, 0, 0, 9, 0, 0, 0, 7, 1, 2, 3, 4};
	static const uint8_t bye[] = {0x81, 203, 0, 1, 0, 0, 0, 9};
	static const uint8_t rtp[] = {0x80, 0, 0, 1, 0, 0, 0, 9};
	struct rtcp_report got = {0};

	CHECK_INT("compound", rtcp_parse_reduced_rt(report, sizeof(report), OURS, &got), 0);
	CHECK_INT("feedback alone", rtcp_parse_reduced_rt(feedback, sizeof(feedback), OURS, &got),
		  0);
	CHECK_INT("whose", got.ssrc, 9);
	CHECK_INT("not without agreement", rtcp_parse_rt(feedback, sizeof(feedback), OURS, &got),
		  -EINVAL);
	CHECK_INT("goodbye alone", rtcp_parse_reduced_rt(bye, sizeof(bye), OURS, &got), 0);
	CHECK("goodbye", got.has_bye);
	CHECK_INT("no RTCP at all", rtcp_parse_reduced_rt(rtp, sizeof(rtp), OURS, &got), -EINVAL);
	CHECK_INT("cut", rtcp_parse_reduced_rt(feedback, 12, OURS, &got), -EINVAL);
}

static void padding_of_the_last_is_cut(void)
{
	uint8_t data[] = {0x80, 201, 0, 1, 0, 0, 0, 5, 0xa1, 203, 0, 2, 0, 0, 0, 5, 0, 0, 0, 4};
	struct rtcp_report got;

	CHECK_INT("good", rtcp_parse_rt(data, sizeof(data), OURS, &got), 0);
	CHECK("good", got.has_bye);
	data[sizeof(data) - 1] = 3;
	CHECK_INT("not whole words", rtcp_parse_rt(data, sizeof(data), OURS, &got), -EINVAL);
	data[sizeof(data) - 1] = 12;
	CHECK_INT("longer than the packet", rtcp_parse_rt(data, sizeof(data), OURS, &got), -EINVAL);
}

static void too_many_packets(void)
{
	uint8_t data[(RTCP_PACKETS_MAX + 1) * 8];
	struct rtcp_report got;

	for (size_t i = 0; i < sizeof(data); i += 8)
		memcpy(data + i, (const uint8_t[]){0x80, 201, 0, 1, 0, 0, 0, 5}, 8);
	CHECK_INT("at the limit", rtcp_parse_rt(data, sizeof(data) - 8, OURS, &got), 0);
	CHECK_INT("past it", rtcp_parse_rt(data, sizeof(data), OURS, &got), -EINVAL);
}

static void build_parses_again(void)
{
	static const struct {
		const char *row, *cname;
		bool is_sender, has_block, is_bye;
		int32_t lost, want_lost;
	} cases[] = {
		{"RR alone", "a", false, false, false, 0, 0},
		{"RR with block", "ab", false, true, false, 17, 17},
		{"SR with block", "abc", true, true, false, -17, -17},
		{"SR with all", "abcd", true, true, true, 0x7fffffff, 0x7fffff},
		{"longest name", "0123456789012345678901234567890", true, true, true, -0x7fffffff,
		 -0x800000},
		{"no name", "", false, false, true, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rtcp_block block = {.ssrc = OURS,
					   .fraction_q8 = 200,
					   .lost = cases[i].lost,
					   .sequence = 70000,
					   .jitter = 3,
					   .lsr = 4,
					   .dlsr = 5};
		struct rtcp_build build = {.ssrc = THEIRS,
					   .is_sender = cases[i].is_sender,
					   .ntp = 0x1122334455667788,
					   .rtp_timestamp = 6,
					   .sent_packets = 7,
					   .sent_octets = 8,
					   .block = cases[i].has_block ? &block : NULL,
					   .cname = cases[i].cname,
					   .is_bye = cases[i].is_bye};
		uint8_t out[RTCP_BUILD_MAX];
		size_t len = rtcp_build_rt(&build, out);
		struct rtcp_report got;

		CHECK(cases[i].row, len <= RTCP_BUILD_MAX && len % 4 == 0);
		CHECK_INT(cases[i].row, rtcp_parse_rt(out, len, OURS, &got), 0);
		CHECK_INT(cases[i].row, got.ssrc, THEIRS);
		CHECK_INT(cases[i].row, got.has_sender, cases[i].is_sender);
		CHECK_INT(cases[i].row, got.has_block, cases[i].has_block);
		CHECK_INT(cases[i].row, got.has_bye, cases[i].is_bye);
		if (got.has_sender)
			CHECK_INT(cases[i].row, got.ntp, 0x1122334455667788);
		if (got.has_block) {
			CHECK_INT(cases[i].row, got.block.lost, cases[i].want_lost);
			CHECK_INT(cases[i].row, got.block.sequence, 70000);
			CHECK_INT(cases[i].row, got.block.dlsr, 5);
		}
	}
}

static void interval_stays_in_its_range(void)
{
	struct random random;
	double sum_ms = 0;

	random_init_seeded(&random, 3);
	for (int i = 0; i < 1000; i++) {
		double ms = (double)rtcp_interval_ns_rt(&random, false) / 1e6;
		double first_ms = (double)rtcp_interval_ns_rt(&random, true) / 1e6;

		if (!CHECK("later", ms >= 2051 && ms <= 6157) ||
		    !CHECK("first", first_ms >= 1025 && first_ms <= 3079))
			return;
		sum_ms += ms;
	}
	CHECK_NEAR("mean", sum_ms / 1000, 5000 / 1.21828, 100);
}

static void ntp_and_round_trip(void)
{
	static const struct {
		const char *row;
		uint32_t arrival_q16, lsr, dlsr, want_us;
	} cases[] = {
		{"the example of RFC 3550 6.4.1", 0xb7108000, 0xb7052000, 0x00054000, 6125000},
		{"no SR was seen", 0x10000, 0, 0, 0},
		{"less than nothing", 0x10000, 0x10001, 0, 0},
		{"more than ten seconds", 0x200000, 1, 0, 0},
		{"too short to measure", 0x10000, 0x10000, 0, 1},
		{"around the wrap", 0x8000, 0xffff8000, 0x8000, 500000},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rtcp_block block = {.lsr = cases[i].lsr, .dlsr = cases[i].dlsr};

		CHECK_INT(cases[i].row,
			  rtcp_round_trip_us(&block, (uint64_t)cases[i].arrival_q16 << 16),
			  cases[i].want_us);
	}
	CHECK_INT("1970", rtcp_ntp(0), 2208988800ull << 32);
	CHECK_INT("half a second", (uint32_t)rtcp_ntp(500000000), 0x80000000);
}

void suite_rtcp(void)
{
	CHECK_SUITE("rtcp");
	CHECK_TEST(parse_reads_every_field);
	CHECK_TEST(parse_refuses);
	CHECK_TEST(reduced_packets);
	CHECK_TEST(padding_of_the_last_is_cut);
	CHECK_TEST(too_many_packets);
	CHECK_TEST(build_parses_again);
	CHECK_TEST(interval_stays_in_its_range);
	CHECK_TEST(ntp_and_round_trip);
}
