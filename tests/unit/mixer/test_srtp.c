/* tests/unit/mixer/test_srtp.c -- SRTP against known answers, against the RFCs written down anew
 * (srtp_ref.h), and against liars.
 */
#include "mixer/srtp.h"

#include <errno.h>
#include <string.h>

#include "base/random.h"
#include "mixer/rt_trap.h"
#include "tests/support/check.h"
#include "tests/support/srtp_ref.h"

static const enum media_suite suites[] = {
	MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80,
	MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32,
	MEDIA_SUITE_AEAD_AES_128_GCM,
	MEDIA_SUITE_AEAD_AES_256_GCM,
};

static struct random random_source;

static struct media_keys keys_of(enum media_suite suite, uint8_t seed)
{
	struct media_keys keys = {.suite = suite};

	for (uint32_t i = 0; i < sizeof(keys.key); i++)
		keys.key[i] = (uint8_t)(seed + 37 * i);
	return keys;
}

static struct crypt *make(enum media_suite suite, uint8_t seed, bool is_sending)
{
	struct media_keys keys = keys_of(suite, seed);
	struct crypt *crypt = NULL;

	CHECK_INT("made", crypt_new(&keys, is_sending, &crypt), 0);
	return crypt;
}

/* An RTP packet, sometimes with contributors and an extension. */
static size_t packet_make(uint16_t seq, uint32_t ssrc, uint8_t *out)
{
	uint32_t csrcs = random_below(&random_source, 4), len = random_below(&random_source, 200);
	bool has_ext = random_below(&random_source, 2);
	size_t at = 12;

	memset(out, 0, 12);
	out[0] = (uint8_t)(0x80 | csrcs | (has_ext ? 0x10 : 0));
	out[1] = 111;
	out[2] = (uint8_t)(seq >> 8);
	out[3] = (uint8_t)seq;
	for (int i = 0; i < 4; i++)
		out[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
	memset(out + at, 0x33, 4 * csrcs);
	at += 4 * csrcs;
	if (has_ext) {
		memcpy(out + at, "\xbe\xde\x00\x01\x10\xff\x00\x00", 8);
		at += 8;
	}
	random_bytes(&random_source, out + at, len);
	return at + len;
}

/* Its master key and salt are those of RFC 3711 B.3, so session keys that were derived wrongly
 * would show. */
static void known_answer(void)
{
	static const uint8_t master[] = {0xe1, 0xf9, 0x7a, 0x0d, 0x3e, 0x01, 0x8b, 0xe0,
					 0xd6, 0x4f, 0xa3, 0x2c, 0x06, 0xde, 0x41, 0x39,
					 0x0e, 0xc6, 0x75, 0xad, 0x49, 0x8a, 0xfe, 0xeb,
					 0xb6, 0x96, 0x0b, 0x3a, 0xab, 0xe6};
	static const uint8_t want[] = {0x80, 0x0f, 0x12, 0x34, 0xde, 0xca, 0xfb, 0xad, 0xca, 0xfe,
				       0xba, 0xbe, 0x4e, 0x55, 0xdc, 0x4c, 0xe7, 0x99, 0x78, 0xd8,
				       0x8c, 0xa4, 0xd2, 0x15, 0x94, 0x9d, 0x24, 0x02, 0xb7, 0x8d,
				       0x6a, 0xcc, 0x99, 0xea, 0x17, 0x9b, 0x8d, 0xbb};
	struct media_keys keys = {.suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80};
	uint8_t packet[64] = {0x80, 0x0f, 0x12, 0x34, 0xde, 0xca,
			      0xfb, 0xad, 0xca, 0xfe, 0xba, 0xbe};
	struct crypt *crypt = NULL;

	memcpy(keys.key, master, sizeof(master));
	memset(packet + 12, 0xab, 16);
	CHECK_INT(NULL, crypt_new(&keys, true, &crypt), 0);
	CHECK_INT("length", crypt_protect_rt(crypt, packet, 28), sizeof(want));
	CHECK("octets", memcmp(packet, want, sizeof(want)) == 0);
	crypt_free(crypt);
}

/* Octet for octet, both ways, while the sequence number goes round twice, and without memory made.
 */
static void agrees_with_the_reference(void)
{
	for (size_t n = 0; n < ARRAY_LEN(suites); n++) {
		struct media_keys keys = keys_of(suites[n], 5);
		struct crypt *sender = make(suites[n], 5, true),
			     *receiver = make(suites[n], 5, false);
		uint32_t wrong = 0;

		for (uint32_t i = 65000; i < 65000 + 2 * 65536 && wrong == 0; i += 1 + i % 50) {
			uint8_t plain[512], ours[512], theirs[512];
			size_t len = packet_make((uint16_t)i, 0xcafe0001, plain), their_len;
			int got, opened;

			memcpy(ours, plain, len);
			memcpy(theirs, plain, len);
			their_len = srtp_ref_protect(&keys, i, theirs, len);
			rt_trap_enter();
			got = crypt_protect_rt(sender, ours, len);
			rt_trap_leave();
			wrong += got != (int)their_len || memcmp(ours, theirs, their_len) != 0;
			rt_trap_enter();
			opened = crypt_unprotect_rt(receiver, theirs, their_len);
			rt_trap_leave();
			wrong += opened != (int)len || memcmp(theirs, plain, len) != 0;
			wrong += srtp_ref_unprotect(&keys, i, ours, their_len) != len ||
				 memcmp(ours, plain, len) != 0;
		}
		CHECK_INT("RTP", wrong, 0);
		for (uint32_t i = 1; i <= 20; i++) {
			uint8_t plain[128] = {0x80, 200, 0, 6, 0xca, 0xfe, 0, 1}, ours[128],
				theirs[128];
			size_t their_len;
			int got, opened;

			random_bytes(&random_source, plain + 8, 20);
			memcpy(ours, plain, 28);
			memcpy(theirs, plain, 28);
			their_len = srtp_ref_protect_rtcp(&keys, i, theirs, 28);
			rt_trap_enter();
			got = crypt_protect_rtcp_rt(sender, ours, 28);
			rt_trap_leave();
			wrong += got != (int)their_len || memcmp(ours, theirs, their_len) != 0;
			rt_trap_enter();
			opened = crypt_unprotect_rtcp_rt(receiver, theirs, their_len);
			rt_trap_leave();
			wrong += opened != 28 || memcmp(theirs, plain, 28) != 0;
			wrong += srtp_ref_unprotect_rtcp(&keys, ours, their_len) != 28 ||
				 memcmp(ours, plain, 28) != 0;
		}
		CHECK_INT("RTCP", wrong, 0);
		crypt_free(sender);
		crypt_free(receiver);
	}
}

static void liars_are_found(void)
{
	for (size_t n = 0; n < ARRAY_LEN(suites); n++) {
		struct crypt *sender = make(suites[n], 5, true),
			     *receiver = make(suites[n], 5, false);
		struct crypt *other = make(suites[n], 6, false);
		uint8_t good[512], bad[512];
		size_t len = packet_make(1, 7, good);
		int protected_len = crypt_protect_rt(sender, good, len), accepted = 0;

		for (int bit = 0; bit < protected_len * 8; bit++) {
			memcpy(bad, good, (size_t)protected_len);
			bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
			accepted += crypt_unprotect_rt(receiver, bad, (size_t)protected_len) >= 0;
		}
		for (int cut = 0; cut < protected_len; cut++) {
			memcpy(bad, good, (size_t)protected_len);
			accepted += crypt_unprotect_rt(receiver, bad, (size_t)cut) >= 0;
		}
		CHECK_INT("no changed bit, no cut", accepted, 0);
		memcpy(bad, good, (size_t)protected_len);
		CHECK_INT("another key", crypt_unprotect_rt(other, bad, (size_t)protected_len),
			  -EBADMSG);
		memcpy(bad, good, (size_t)protected_len);
		CHECK_INT("the true one", crypt_unprotect_rt(receiver, bad, (size_t)protected_len),
			  len);
		memcpy(bad, good, (size_t)protected_len);
		CHECK_INT("but once", crypt_unprotect_rt(receiver, bad, (size_t)protected_len),
			  -EALREADY);
		crypt_free(sender);
		crypt_free(receiver);
		crypt_free(other);
	}
}

/* What the peer sends: its packet number `index`, from the reference. */
static int hear(struct crypt *receiver, uint64_t index, uint32_t ssrc)
{
	struct media_keys keys = keys_of(suites[0], 5);
	uint8_t packet[512];
	size_t len = packet_make((uint16_t)index, ssrc, packet);
	int got;

	len = srtp_ref_protect(&keys, index, packet, len);
	rt_trap_enter();
	got = crypt_unprotect_rt(receiver, packet, len);
	rt_trap_leave();
	return got < 0 ? got : 0;
}

/* Out of order within the window, doubled, and too old. */
static void window_of_replays(void)
{
	static const struct {
		uint64_t index;
		int want;
	} cases[] = {{100, 0},         {102, 0},          {101, 0},
		     {101, -EALREADY}, {164, 0},          {101, -EALREADY},
		     {103, 0},         {100, -EALREADY},  {228, 0},
		     {164, -EALREADY}, {165, 0},          {228, -EALREADY},
		     {99, -EALREADY},  {104, 0},          {65536 + 300, -EBADMSG},
		     {30000, 0},       {60000, 0},        {65536 + 3, 0},
		     {65535, 0},       {65535, -EALREADY}};
	struct crypt *receiver = make(suites[0], 5, false);

	for (size_t n = 0; n < ARRAY_LEN(cases); n++)
		CHECK_INT("window", hear(receiver, cases[n].index, 7), cases[n].want);
	crypt_free(receiver);
}

static void window_of_reports(void)
{
	static const struct {
		uint32_t index;
		int want;
	} cases[] = {{5, 0}, {5, -EALREADY}, {3, 0}, {200, 0}, {4, -EALREADY}, {199, 0}};

	for (size_t s = 0; s < ARRAY_LEN(suites); s++) {
		struct media_keys keys = keys_of(suites[s], 5);
		struct crypt *receiver = make(suites[s], 5, false);

		for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
			uint8_t packet[128] = {0x80, 200, 0, 6, 0xca, 0xfe, 0, 1};
			size_t len = srtp_ref_protect_rtcp(&keys, cases[n].index, packet, 28);
			int got = crypt_unprotect_rtcp_rt(receiver, packet, len);

			CHECK_INT("window", got < 0 ? got : 0, cases[n].want);
		}
		crypt_free(receiver);
	}
}

/* Packets that turn out to be false take no stream from true ones. */
static void false_packets_take_nothing(void)
{
	struct crypt *receiver = make(suites[0], 5, false);
	uint8_t packet[512];

	CHECK_INT("heard", hear(receiver, 10, 1), 0);
	for (uint32_t ssrc = 100; ssrc < 200; ssrc++) {
		size_t len = packet_make(10, ssrc, packet);

		CHECK_INT("false", crypt_unprotect_rt(receiver, packet, len), -EBADMSG);
	}
	CHECK("one is left", !crypt_is_worn_rt(receiver));
	CHECK_INT("still known", hear(receiver, 10, 1), -EALREADY);
	CHECK_INT("the next", hear(receiver, 10, 2), 0);
	CHECK("none is left", crypt_is_worn_rt(receiver));
	CHECK_INT("one too many", hear(receiver, 10, 3), -ENOBUFS);
	CHECK_INT("the others go on", hear(receiver, 11, 1), 0);
	crypt_free(receiver);
}

static void refill(struct crypt *receiver)
{
	struct crypt *fresh = NULL;

	CHECK_INT("made", crypt_new_like(receiver, &fresh), 0);
	rt_trap_enter();
	crypt_refill_rt(receiver, fresh);
	rt_trap_leave();
	crypt_free(fresh);
}

/* With a refill each time, SSRCs come without end; the last ones are remembered. */
static void streams_are_refilled(void)
{
	struct crypt *receiver = make(suites[0], 5, false);

	for (uint32_t ssrc = 1; ssrc <= 20; ssrc++) {
		CHECK_INT("heard", hear(receiver, 10, ssrc), 0);
		CHECK_INT("the first goes on", hear(receiver, 10 + ssrc, 1), 0);
		for (uint32_t i = 0; i < CRYPT_STREAMS_MAX - CRYPT_STREAMS_NEW && i < ssrc; i++)
			CHECK_INT("known", hear(receiver, 10, ssrc - i), -EALREADY);
		if (crypt_is_worn_rt(receiver))
			refill(receiver);
		refill(receiver); /* not needed: takes nothing away */
	}
	CHECK_INT("the first is never forgotten", hear(receiver, 30, 1), -EALREADY);
	crypt_free(receiver);
}

static void arguments(void)
{
	struct media_keys keys = keys_of(MEDIA_SUITE_NONE, 1);
	struct crypt *crypt = NULL;
	uint8_t short_one[4] = {0x80};

	CHECK_INT("none", crypt_new(&keys, true, &crypt), -EINVAL);
	keys.suite = MEDIA_SUITE_COUNT;
	CHECK_INT("unknown", crypt_new(&keys, true, &crypt), -EINVAL);
	CHECK("untouched", crypt == NULL && crypt_free(NULL) == NULL);
	crypt = make(suites[0], 1, true);
	CHECK_INT("no packet", crypt_protect_rt(crypt, short_one, sizeof(short_one)), -EINVAL);
	CHECK_INT("no packet", crypt_protect_rtcp_rt(crypt, short_one, sizeof(short_one)), -EINVAL);
	crypt_free(crypt);
}

static void one_ssrc_sends(void)
{
	struct crypt *sender = make(suites[0], 1, true);
	uint8_t packet[512];

	CHECK("first", crypt_protect_rt(sender, packet, packet_make(10, 7, packet)) > 0);
	CHECK_INT("a second", crypt_protect_rt(sender, packet, packet_make(10, 8, packet)),
		  -ENOBUFS);
	CHECK_INT("again", crypt_protect_rt(sender, packet, packet_make(10, 7, packet)),
		  -EKEYEXPIRED);
	CHECK("next", crypt_protect_rt(sender, packet, packet_make(11, 7, packet)) > 0);
	crypt_free(sender);
}

/* Nobody agreed on reports in the clear (UNENCRYPTED_SRTCP, RFC 4568 6.3.2). */
static void reports_in_the_clear_are_refused(void)
{
	struct crypt *receiver = make(suites[0], 5, false);
	struct media_keys keys = keys_of(suites[0], 5);
	uint8_t packet[128] = {0x80, 200, 0, 6, 0xca, 0xfe, 0, 1};
	size_t len = srtp_ref_protect_rtcp(&keys, 1, packet, 28);

	packet[28] &= 0x7f;
	CHECK_INT("E = 0", crypt_unprotect_rtcp_rt(receiver, packet, len), -EBADMSG);
	crypt_free(receiver);
}

void suite_srtp(void)
{
	random_init_seeded(&random_source, 3);
	CHECK_SUITE("srtp");
	CHECK_TEST(known_answer);
	CHECK_TEST(agrees_with_the_reference);
	CHECK_TEST(liars_are_found);
	CHECK_TEST(window_of_replays);
	CHECK_TEST(window_of_reports);
	CHECK_TEST(false_packets_take_nothing);
	CHECK_TEST(streams_are_refilled);
	CHECK_TEST(arguments);
	CHECK_TEST(one_ssrc_sends);
	CHECK_TEST(reports_in_the_clear_are_refused);
}
