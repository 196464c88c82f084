/* tests/unit/mixer/test_srtp.c -- SRTP against known answers, against libsrtp2, and against liars.
 */
#include "mixer/srtp.h"

#include <errno.h>
#include <srtp2/srtp.h>
#include <string.h>

#include "base/random.h"
#include "tests/support/check.h"

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

/* The packet that libsrtp's own driver checks; its master key and salt are those of RFC 3711 B.3,
 * so session keys that were derived wrongly would show. */
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

static srtp_t reference(enum media_suite suite, struct media_keys *keys, bool is_sending)
{
	srtp_policy_t policy = {.key = keys->key, .window_size = 128};
	srtp_t session = NULL;

	policy.ssrc.type = is_sending ? ssrc_any_outbound : ssrc_any_inbound;
	switch (suite) {
	case MEDIA_SUITE_AEAD_AES_128_GCM:
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
		break;
	case MEDIA_SUITE_AEAD_AES_256_GCM:
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtp);
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy.rtcp);
		break;
	case MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32:
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy.rtp);
		srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
		break;
	default:
		srtp_crypto_policy_set_rtp_default(&policy.rtp);
		srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
	}
	CHECK_INT("libsrtp2", srtp_create(&session, &policy), srtp_err_status_ok);
	return session;
}

/* Octet for octet, both ways, while the sequence number goes round twice. */
static void speaks_with_libsrtp(void)
{
	CHECK_INT(NULL, srtp_init(), 0);
	for (size_t n = 0; n < ARRAY_LEN(suites); n++) {
		struct media_keys keys = keys_of(suites[n], 5);
		struct crypt *sender = make(suites[n], 5, true),
			     *receiver = make(suites[n], 5, false);
		srtp_t their_sender = reference(suites[n], &keys, true);
		srtp_t their_receiver = reference(suites[n], &keys, false);
		uint32_t wrong = 0;

		for (uint32_t i = 65000; i < 65000 + 2 * 65536 && wrong == 0; i += 1 + i % 50) {
			uint8_t plain[512], ours[512], theirs[512];
			size_t len = packet_make((uint16_t)i, 0xcafe0001, plain);
			int their_len = (int)len, got;

			memcpy(ours, plain, len);
			memcpy(theirs, plain, len);
			wrong += srtp_protect(their_sender, theirs, &their_len) !=
				 srtp_err_status_ok;
			got = crypt_protect_rt(sender, ours, len);
			wrong += got != their_len || memcmp(ours, theirs, (size_t)their_len) != 0;
			wrong += crypt_unprotect_rt(receiver, theirs, (size_t)their_len) !=
					 (int)len ||
				 memcmp(theirs, plain, len) != 0;
			wrong += srtp_unprotect(their_receiver, ours, &got) != srtp_err_status_ok ||
				 memcmp(ours, plain, len) != 0;
		}
		CHECK_INT("RTP", wrong, 0);
		for (uint32_t i = 0; i < 20; i++) {
			uint8_t plain[128] = {0x80, 200, 0, 6, 0xca, 0xfe, 0, 1}, ours[128],
				theirs[128];
			int their_len = 28, got;

			random_bytes(&random_source, plain + 8, 20);
			memcpy(ours, plain, 28);
			memcpy(theirs, plain, 28);
			wrong += srtp_protect_rtcp(their_sender, theirs, &their_len) !=
				 srtp_err_status_ok;
			got = crypt_protect_rtcp_rt(sender, ours, 28);
			wrong += got != their_len || memcmp(ours, theirs, (size_t)their_len) != 0;
			wrong += crypt_unprotect_rtcp_rt(receiver, theirs, (size_t)their_len) !=
					 28 ||
				 memcmp(theirs, plain, 28) != 0;
			wrong += srtp_unprotect_rtcp(their_receiver, ours, &got) !=
				 srtp_err_status_ok;
		}
		CHECK_INT("RTCP", wrong, 0);
		(void)srtp_dealloc(their_sender);
		(void)srtp_dealloc(their_receiver);
		crypt_free(sender);
		crypt_free(receiver);
	}
	(void)srtp_shutdown();
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

/* Out of order within the window, doubled, and too old. */
static void window_of_replays(void)
{
	static const struct {
		uint16_t seq;
		int want;
	} cases[] = {{100, 0}, {102, 0},         {101, 0}, {101, -EALREADY},
		     {164, 0}, {101, -EALREADY}, {103, 0}, {100, -EALREADY},
		     {228, 0}, {164, -EALREADY}, {165, 0}, {228, -EALREADY}};
	struct crypt *receiver = make(suites[0], 5, false);

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		struct crypt *sender = make(suites[0], 5, true);
		uint8_t packet[512];
		size_t len = packet_make(cases[n].seq, 7, packet);
		int got = crypt_unprotect_rt(receiver, packet,
					     (size_t)crypt_protect_rt(sender, packet, len));

		CHECK_INT("window", got < 0 ? got : 0, cases[n].want);
		crypt_free(sender);
	}
	crypt_free(receiver);
}

/* Packets that turn out to be false take no place from true ones. */
static void streams_are_kept(void)
{
	struct crypt *sender = make(suites[0], 5, true), *receiver = make(suites[0], 5, false);
	uint8_t packet[512];
	size_t len;
	int got;

	for (uint32_t ssrc = 1; ssrc <= CRYPT_STREAMS_MAX; ssrc++) {
		len = packet_make(10, ssrc, packet);
		got = crypt_protect_rt(sender, packet, len);
		CHECK_INT("heard", crypt_unprotect_rt(receiver, packet, (size_t)got), len);
	}
	for (uint32_t ssrc = 100; ssrc < 200; ssrc++) {
		len = packet_make(10, ssrc, packet);
		CHECK("false", crypt_unprotect_rt(receiver, packet, len) < 0);
	}
	len = packet_make(10, 1, packet);
	(void)crypt_free(sender);
	sender = make(suites[0], 5, true);
	got = crypt_protect_rt(sender, packet, len);
	CHECK_INT("still known", crypt_unprotect_rt(receiver, packet, (size_t)got), -EALREADY);
	crypt_free(sender);
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

void suite_srtp(void)
{
	random_init_seeded(&random_source, 3);
	CHECK_SUITE("srtp");
	CHECK_TEST(known_answer);
	CHECK_TEST(speaks_with_libsrtp);
	CHECK_TEST(liars_are_found);
	CHECK_TEST(window_of_replays);
	CHECK_TEST(streams_are_kept);
	CHECK_TEST(arguments);
}
