/* tests/unit/mixer/test_rtp.c */
#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "mixer/rtp.h"
#include "tests/support/check.h"

static void parse_table(void)
{
	static const struct {
		const char *name;
		const char *data;
		size_t len;
		int err;
		uint16_t payload_len;
		uint8_t csrc_count;
		uint16_t ext_len;
	} cases[] = {
		{"empty", "", 0, -EBADMSG, 0, 0, 0},
		{"eleven octets", "\x80\0\0\1\0\0\0\2\0\0\0", 11, -EBADMSG, 0, 0, 0},
		{"header only", "\x80\0\0\1\0\0\0\2\0\0\0\3", 12, 0, 0, 0, 0},
		{"one octet", "\x80\0\0\1\0\0\0\2\0\0\0\3x", 13, 0, 1, 0, 0},
		{"version 1", "\x40\0\0\1\0\0\0\2\0\0\0\3x", 13, -EBADMSG, 0, 0, 0},
		{"version 3", "\xc0\0\0\1\0\0\0\2\0\0\0\3x", 13, -EBADMSG, 0, 0, 0},
		{"one csrc", "\x81\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4x", 17, 0, 1, 1, 0},
		{"csrc cut", "\x81\0\0\1\0\0\0\2\0\0\0\3\0\0\0", 15, -EBADMSG, 0, 0, 0},
		{"fifteen csrc, none there", "\x8f\0\0\1\0\0\0\2\0\0\0\3", 12, -EBADMSG, 0, 0, 0},
		{"extension", "\x90\0\0\1\0\0\0\2\0\0\0\3\xbe\xde\0\1\x10\5\0\0x", 21, 0, 1, 0, 4},
		{"empty extension", "\x90\0\0\1\0\0\0\2\0\0\0\3\xbe\xde\0\0x", 17, 0, 1, 0, 0},
		{"extension head cut", "\x90\0\0\1\0\0\0\2\0\0\0\3\xbe\xde\0", 15, -EBADMSG, 0, 0,
		 0},
		{"extension cut", "\x90\0\0\1\0\0\0\2\0\0\0\3\xbe\xde\0\2\x10\5\0\0", 20, -EBADMSG,
		 0, 0, 0},
		{"extension of 65535 words", "\x90\0\0\1\0\0\0\2\0\0\0\3\xbe\xde\xff\xff\x10", 17,
		 -EBADMSG, 0, 0, 0},
		{"padding", "\xa0\0\0\1\0\0\0\2\0\0\0\3xy\0\2", 16, 0, 2, 0, 0},
		{"padding only", "\xa0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4", 16, 0, 0, 0, 0},
		{"padding zero", "\xa0\0\0\1\0\0\0\2\0\0\0\3xy\0\0", 16, -EBADMSG, 0, 0, 0},
		{"padding into header", "\xa0\0\0\1\0\0\0\2\0\0\0\3xy\0\5", 16, -EBADMSG, 0, 0, 0},
		{"padding without octets", "\xa0\0\0\1\0\0\0\2\0\0\0\3", 12, -EBADMSG, 0, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rtp_packet packet = {.seq = 4711};
		int err = rtp_parse((const uint8_t *)cases[i].data, cases[i].len, &packet);

		CHECK_INT(cases[i].name, err, cases[i].err);
		if (err) {
			CHECK_INT(cases[i].name, packet.seq, 4711); /* untouched */
			continue;
		}
		CHECK_INT(cases[i].name, packet.seq, 1);
		CHECK_INT(cases[i].name, packet.ts, 2);
		CHECK_INT(cases[i].name, packet.ssrc, 3);
		CHECK_INT(cases[i].name, packet.payload_len, cases[i].payload_len);
		CHECK_INT(cases[i].name, packet.csrc_count, cases[i].csrc_count);
		CHECK_INT(cases[i].name, packet.ext_len, cases[i].ext_len);
	}
}

static void parse_too_long(void)
{
	static uint8_t data[UINT16_MAX + 1] = {0x80};
	struct rtp_packet packet;

	CHECK_INT("65535", rtp_parse(data, UINT16_MAX, &packet), 0);
	CHECK_INT("65536", rtp_parse(data, UINT16_MAX + 1, &packet), -EBADMSG);
}

static void write_and_read_back(void)
{
	static const uint8_t ext[] = {0x10, 0x85};
	struct rtp_packet in = {.has_marker = true,
				.payload_type = 101,
				.seq = 0xfffe,
				.ts = 0x80000001,
				.ssrc = 0xdeadbeef,
				.csrc_count = 2,
				.csrc = {7, 8},
				.ext_profile = RTP_EXT_ONE_BYTE,
				.ext = ext,
				.ext_len = sizeof(ext)};
	struct rtp_packet out;
	uint8_t data[64], level;
	bool voice;
	int len = rtp_write(&in, data, sizeof(data));

	CHECK_INT(NULL, len, 12 + 8 + 4 + 4);
	CHECK_INT("no room", rtp_write(&in, data, (size_t)len - 1), -ENOSPC);
	CHECK_INT(NULL, rtp_parse(data, (size_t)len, &out), 0);
	CHECK(NULL, out.has_marker);
	CHECK_INT(NULL, out.payload_type, 101);
	CHECK_INT(NULL, out.seq, 0xfffe);
	CHECK_INT(NULL, out.ts, 0x80000001);
	CHECK_INT(NULL, out.ssrc, 0xdeadbeef);
	CHECK_INT(NULL, out.csrc_count, 2);
	CHECK_INT(NULL, out.csrc[1], 8);
	CHECK_INT(NULL, rtp_ext_level(&out, 1, &level, &voice), 0);
	CHECK_INT(NULL, level, 5);
	CHECK(NULL, voice);
	CHECK_INT("other id", rtp_ext_level(&out, 2, &level, &voice), -ENOENT);
}

static void extension_elements(void)
{
	static const struct {
		const char *name;
		uint16_t profile;
		const char *ext;
		uint16_t len;
		uint8_t id;
		int found; /* its first octet, -1: none */
	} cases[] = {
		{"first", 0xbede, "\x10\x41\0\0", 4, 1, 0x41},
		{"after padding", 0xbede, "\0\0\x30\x42", 4, 3, 0x42},
		{"second", 0xbede, "\x11\1\2\x20\x43\0\0\0", 8, 2, 0x43},
		{"absent", 0xbede, "\x10\x41\0\0", 4, 2, -1},
		{"runs over the end", 0xbede, "\x1f\1\2\3", 4, 1, -1},
		{"after id 15 nothing counts", 0xbede, "\xf0\0\x10\x41", 4, 1, -1},
		{"two-byte form", 0x1000, "\x10\x41\0\0", 4, 1, -1},
		{"head at the very end", 0xbede, "\0\0\0\x10", 4, 1, -1},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rtp_packet packet = {.ext_profile = cases[i].profile,
					    .ext = (const uint8_t *)cases[i].ext,
					    .ext_len = cases[i].len};
		uint8_t len = 0;
		const uint8_t *p = rtp_ext_find(&packet, cases[i].id, &len);

		CHECK_INT(cases[i].name, p ? *p : -1, cases[i].found);
	}
}

static void rtcp_is_told_apart(void)
{
	CHECK("SR", rtp_is_rtcp((const uint8_t *)"\x80\xc8\0\6", 4));
	CHECK("APP", rtp_is_rtcp((const uint8_t *)"\x80\xcc\0\6", 4));
	CHECK("PCMU", !rtp_is_rtcp((const uint8_t *)"\x80\0\0\6", 4));
	CHECK("PCMU with marker", !rtp_is_rtcp((const uint8_t *)"\x80\x80\0\6", 4));
	CHECK("payload type 96 with marker", !rtp_is_rtcp((const uint8_t *)"\x80\xe0\0\6", 4));
	CHECK("short", !rtp_is_rtcp((const uint8_t *)"\x80\xc8\0", 3));
}

static void circles(void)
{
	CHECK_INT(NULL, rtp_seq_diff(2, 65535), 3);
	CHECK_INT(NULL, rtp_seq_diff(65535, 2), -3);
	CHECK_INT(NULL, rtp_ts_diff(5, 0xfffffff0), 21);
	CHECK_INT(NULL, rtp_seq_extend(65535, 3), 65539);
	CHECK_INT(NULL, rtp_seq_extend(65539, 65530), 65530);
	CHECK_INT(NULL, rtp_seq_extend(65536 * 7 + 10, 65530), 65536 * 7 - 6);
	CHECK_INT(NULL, rtp_ts_extend((int64_t)1 << 32, 0xfffffff6), ((int64_t)1 << 32) - 10);
}

/* Source ------------------------------------------------------------------------------------- */

static enum rtp_verdict give(struct rtp_source *source, uint16_t seq, uint64_t at_us)
{
	struct rtp_packet packet = {.seq = seq, .ts = (uint32_t)seq * 160, .ssrc = 9};

	return rtp_source_update_rt(source, &packet, at_us);
}

static void source_probation(void)
{
	struct rtp_source source;

	rtp_source_init(&source, 8000);
	CHECK_INT("first", give(&source, 10, 0), RTP_PROBATION_RUNS);
	CHECK_INT("not in order", give(&source, 12, 0), RTP_PROBATION_RUNS);
	CHECK_INT("in order", give(&source, 13, 0), RTP_ACCEPT);
	CHECK_INT("loss", give(&source, 20, 0), RTP_ACCEPT);
	CHECK_INT("reordered", give(&source, 15, 0), RTP_ACCEPT);
	CHECK_INT("stray", give(&source, 30000, 0), RTP_DROP);
	CHECK_INT("next", give(&source, 21, 0), RTP_ACCEPT);
	CHECK_INT("stray again", give(&source, 40000, 0), RTP_DROP);
	CHECK_INT("and its follower", give(&source, 40001, 0), RTP_RESTART);
}

static void source_loss(void)
{
	struct rtp_source source;
	struct rtp_report report;

	rtp_source_init(&source, 8000);
	for (uint32_t i = 65000; i < 65000 + 1000; i++)
		if (i % 10 != 5)
			(void)give(&source, (uint16_t)i, i * 20000);
	CHECK_INT(NULL, rtp_source_lost(&source), 100);
	report = rtp_source_report_rt(&source);
	CHECK_INT(NULL, report.lost, 100);
	CHECK_INT(NULL, report.fraction_lost_q8, 25);
	CHECK_INT(NULL, report.highest_seq, 65999);
	CHECK_INT(NULL, report.ssrc, 9);
	(void)give(&source, (uint16_t)66000, 66000 * 20000ull);
	report = rtp_source_report_rt(&source);
	CHECK_INT("next interval has no loss", report.fraction_lost_q8, 0);
	CHECK_INT(NULL, report.lost, 100);
	/* A restart keeps what was lost before it. */
	(void)give(&source, 30000, 0);
	CHECK_INT(NULL, give(&source, 30001, 0), RTP_RESTART);
	CHECK_INT(NULL, rtp_source_lost(&source), 100);
}

static void source_duplicates_make_negative_loss(void)
{
	struct rtp_source source;
	struct rtp_report report;

	rtp_source_init(&source, 8000);
	for (uint16_t i = 0; i < 10; i++) {
		(void)give(&source, i, i * 20000u);
		if (i > 2)
			(void)give(&source, i, i * 20000u);
	}
	report = rtp_source_report_rt(&source);
	CHECK(NULL, report.lost < 0);
	CHECK_INT(NULL, report.fraction_lost_q8, 0);
	CHECK_INT(NULL, rtp_source_lost(&source), 0);
}

static void source_jitter_of_a8(void)
{
	struct rtp_source source;

	rtp_source_init(&source, 8000);
	for (uint16_t i = 0; i < 200; i++)
		(void)give(&source, i, i * 20000u);
	CHECK_INT("steady", rtp_source_jitter_us(&source), 0);
	/* Alternating by 10 ms: |D| is 10 ms each time, so J tends to 10 ms. */
	for (uint16_t i = 200; i < 600; i++)
		(void)give(&source, i, i * 20000u + (i % 2) * 10000);
	CHECK_NEAR("alternating", rtp_source_jitter_us(&source), 10000, 200);
	/* A timestamp jump is no jitter. */
	struct rtp_packet jump = {.seq = 600, .ts = 900000000, .ssrc = 9};
	(void)rtp_source_update_rt(&source, &jump, 600 * 20000u);
	CHECK_NEAR("jump", rtp_source_jitter_us(&source), 10000, 700);
}

static void source_new_ssrc(void)
{
	struct rtp_source source;
	struct rtp_packet packet = {.seq = 5, .ts = 0, .ssrc = 77};

	rtp_source_init(&source, 8000);
	(void)give(&source, 1, 0);
	(void)give(&source, 2, 0);
	CHECK_INT(NULL, rtp_source_update_rt(&source, &packet, 0), RTP_PROBATION_RUNS);
	CHECK_INT(NULL, source.ssrc, 77);
	packet.seq = 6;
	CHECK_INT(NULL, rtp_source_update_rt(&source, &packet, 0), RTP_ACCEPT);
}

void suite_rtp(void)
{
	CHECK_SUITE("rtp");
	CHECK_TEST(parse_table);
	CHECK_TEST(parse_too_long);
	CHECK_TEST(write_and_read_back);
	CHECK_TEST(extension_elements);
	CHECK_TEST(rtcp_is_told_apart);
	CHECK_TEST(circles);
	CHECK_TEST(source_probation);
	CHECK_TEST(source_loss);
	CHECK_TEST(source_duplicates_make_negative_loss);
	CHECK_TEST(source_jitter_of_a8);
	CHECK_TEST(source_new_ssrc);
}
