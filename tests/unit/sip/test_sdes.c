#include "sip/sdes.h"

#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"

#define KEY30 "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz" /* of RFC 4568 */

static void lines(void)
{
	static const struct {
		const char *row, *value;
		int err;
		enum sdes_suite suite;
		uint32_t tag;
	} cases[] = {
		{"plain", "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30, 0,
		 SDES_AES_CM_128_HMAC_SHA1_80, 1},
		{"lifetime", "2 AES_CM_128_HMAC_SHA1_32 inline:" KEY30 "|2^31", 0,
		 SDES_AES_CM_128_HMAC_SHA1_32, 2},
		{"any case, more room", "  7  aes_cm_128_hmac_sha1_80   INLINE:" KEY30 "  ", 0,
		 SDES_AES_CM_128_HMAC_SHA1_80, 7},
		{"window hint", "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 " WSH=128 -X=1", 0,
		 SDES_AES_CM_128_HMAC_SHA1_80, 1},
		{"GCM", "3 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==", 0,
		 SDES_AEAD_AES_128_GCM, 3},
		{"GCM without padding",
		 "3 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw", 0,
		 SDES_AEAD_AES_128_GCM, 3},
		{"with MKI", "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|2^20|1:4", -ENOTSUP, 0, 0},
		{"MKI alone", "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|1:4", -ENOTSUP, 0, 0},
		{"two keys", "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 ";inline:" KEY30, -ENOTSUP,
		 0, 0},
		{"unencrypted", "1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 " UNENCRYPTED_SRTP",
		 -ENOTSUP, 0, 0},
		{"another suite", "1 F8_128_HMAC_SHA1_80 inline:" KEY30, -ENOTSUP, 0, 0},
		{"another method", "1 AES_CM_128_HMAC_SHA1_80 outline:" KEY30, -ENOTSUP, 0, 0},
		{"key too short", "1 AES_CM_128_HMAC_SHA1_80 inline:WVNf", ERR_SDP_SYNTAX, 0, 0},
		{"key of another suite", "1 AEAD_AES_256_GCM inline:" KEY30, ERR_SDP_SYNTAX, 0, 0},
		{"no base 64",
		 "1 AES_CM_128_HMAC_SHA1_80 inline:!VNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
		 ERR_SDP_SYNTAX, 0, 0},
		{"no tag", "AES_CM_128_HMAC_SHA1_80 inline:" KEY30, ERR_SDP_SYNTAX, 0, 0},
		{"tag 0", "0 AES_CM_128_HMAC_SHA1_80 inline:" KEY30, ERR_SDP_SYNTAX, 0, 0},
		{"tag of ten digits", "1000000000 AES_CM_128_HMAC_SHA1_80 inline:" KEY30,
		 ERR_SDP_SYNTAX, 0, 0},
		{"nothing", "", ERR_SDP_SYNTAX, 0, 0},
		{"a tag", "1", ERR_SDP_SYNTAX, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sdes got = {.tag = 0};

		CHECK_INT(cases[i].row, sdes_parse(slice_of(cases[i].value), &got), cases[i].err);
		CHECK_INT(cases[i].row, got.tag, cases[i].tag);
		if (cases[i].err == 0)
			CHECK_INT(cases[i].row, got.suite, cases[i].suite);
	}
}

static void keys_are_read_right(void)
{
	struct sdes got;

	CHECK_INT(NULL, sdes_parse(SLICE("1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30), &got), 0);
	CHECK("as base64 -d has it", memcmp(got.key, "YS___semctl () {\t220;}\n}\nunles", 30) == 0);
}

static void printed_and_read_again(void)
{
	for (int suite = 0; suite < SDES_SUITE_COUNT; suite++) {
		struct sdes sdes = {.tag = 5, .suite = (enum sdes_suite)suite}, got;
		struct buf text = BUF_INIT;

		for (int i = 0; i < SDES_KEY_MAX; i++)
			sdes.key[i] = (uint8_t)(i * 91 + suite);
		sdes_print(&text, &sdes);
		CHECK_INT(NULL, sdes_parse(buf_slice(&text), &got), 0);
		CHECK(NULL, got.tag == 5 && got.suite == sdes.suite &&
				    memcmp(got.key, sdes.key, sdes_octets(sdes.suite)) == 0);
		CHECK("short enough", text.len <= SDES_TEXT_MAX);
		buf_done(&text);
	}
}

void suite_sdes(void)
{
	CHECK_SUITE("sdes");
	CHECK_TEST(lines);
	CHECK_TEST(keys_are_read_right);
	CHECK_TEST(printed_and_read_again);
}
