/* tests/unit/sip/test_offer_srtp.c -- which descriptions come to an encrypted call, and which not.
 */
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/offer.h"
#include "tests/support/check.h"

#define KEY "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define KEY2 "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
#define AVP HEAD "m=audio 4000 RTP/AVP 0\r\n"
#define SAVP HEAD "m=audio 4000 RTP/SAVP 0\r\n"
#define CRYPTO80 "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY "\r\n"
#define CRYPTO32 "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:" KEY2 "\r\n"
#define STRANGE "a=crypto:3 F8_128_HMAC_SHA1_80 inline:" KEY "\r\n"

static struct offer *make(enum offer_srtp srtp)
{
	struct offer_local local = {
		.codecs = {{1, "PCMU", 8000, 1, 0, NULL}},
		.codec_count = 1,
		.ptime_ms = 20,
		.direction = SDP_SENDRECV,
		.srtp = srtp,
	};
	struct offer *offer = NULL;

	(void)addr_parse(SLICE("192.0.2.1:5000"), &local.rtp);
	for (size_t i = 0; i < sizeof(local.srtp_keys); i++)
		((uint8_t *)local.srtp_keys)[i] = (uint8_t)(i * 7 + 1);
	CHECK_INT(NULL, offer_new(&local, 7, &offer), 0);
	return offer;
}

static void their_offers(void)
{
	static const struct {
		const char *row, *offer;
		enum offer_srtp srtp;
		int err;
		bool is_encrypted;
		const char *protocol, *crypto; /* in our answer */
	} cases[] = {
		{"off, plain", AVP, OFFER_SRTP_OFF, 0, false, "RTP/AVP 0", NULL},
		{"off, keys beneath AVP", AVP CRYPTO80, OFFER_SRTP_OFF, 0, false, "RTP/AVP 0",
		 NULL},
		{"off, SAVP", SAVP CRYPTO80, OFFER_SRTP_OFF, ERR_SDP_NO_MEDIA, false, NULL, NULL},
		{"accepted, plain", AVP, OFFER_SRTP_ACCEPTED, 0, false, "RTP/AVP 0", NULL},
		{"accepted, AVP with a key", AVP CRYPTO80, OFFER_SRTP_ACCEPTED, 0, true,
		 "RTP/AVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "},
		{"accepted, SAVP", SAVP CRYPTO80 CRYPTO32, OFFER_SRTP_ACCEPTED, 0, true,
		 "RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "},
		{"their order counts", SAVP CRYPTO32 CRYPTO80, OFFER_SRTP_ACCEPTED, 0, true,
		 "RTP/SAVP 0", "a=crypto:2 AES_CM_128_HMAC_SHA1_32 "},
		{"what we lack is passed over", SAVP STRANGE CRYPTO32, OFFER_SRTP_ACCEPTED, 0, true,
		 "RTP/SAVP 0", "a=crypto:2 AES_CM_128_HMAC_SHA1_32 "},
		{"SAVP without a key that we know", SAVP STRANGE, OFFER_SRTP_ACCEPTED,
		 ERR_SDP_NO_MEDIA, false, NULL, NULL},
		{"offered is accepted, too", AVP CRYPTO80, OFFER_SRTP_OFFERED, 0, true, "RTP/AVP 0",
		 "a=crypto:1 "},
		{"required, plain", AVP, OFFER_SRTP_REQUIRED, ERR_SDP_NO_MEDIA, false, NULL, NULL},
		{"required, AVP with a key", AVP CRYPTO80, OFFER_SRTP_REQUIRED, 0, true,
		 "RTP/AVP 0", "a=crypto:1 "},
		{"two lines, the plain one first", AVP "m=audio 4002 RTP/SAVP 0\r\n" CRYPTO80,
		 OFFER_SRTP_REQUIRED, 0, true, "m=audio 0 RTP/AVP 0", "a=crypto:1 "},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct offer *offer = make(cases[i].srtp);
		struct buf text = BUF_INIT;
		const struct offer_agreed *agreed;

		CHECK_INT(cases[i].row, offer_read(offer, slice_of(cases[i].offer)), cases[i].err);
		if (cases[i].err == 0) {
			CHECK_INT(cases[i].row, offer_write_answer(offer, &text), 0);
			buf_addc(&text, '\0');
			agreed = offer_agreed(offer);
			CHECK_INT(cases[i].row, agreed->is_encrypted, cases[i].is_encrypted);
			CHECK(cases[i].row, strstr(text.p, cases[i].protocol) != NULL);
			CHECK(cases[i].row, cases[i].crypto
						    ? strstr(text.p, cases[i].crypto) != NULL
						    : strstr(text.p, "a=crypto") == NULL);
			if (agreed->is_encrypted)
				CHECK(cases[i].row,
				      agreed->keys_send.suite == agreed->keys_receive.suite &&
					      memcmp(agreed->keys_send.key,
						     agreed->keys_receive.key, 30) != 0);
		}
		buf_done(&text);
		offer_free(offer);
	}
}

static void our_offers(void)
{
	static const struct {
		const char *row, *answer;
		enum offer_srtp srtp;
		int err;
		bool is_encrypted;
	} cases[] = {
		{"taken under our tag", AVP "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:" KEY "\r\n",
		 OFFER_SRTP_OFFERED, 0, true},
		{"not taken", AVP, OFFER_SRTP_OFFERED, 0, false},
		{"not taken, but required", SAVP, OFFER_SRTP_REQUIRED, ERR_SDP_MISMATCH, false},
		{"taken, required", SAVP "a=crypto:4 AES_CM_128_HMAC_SHA1_32 inline:" KEY "\r\n",
		 OFFER_SRTP_REQUIRED, 0, true},
		{"a suite under another's tag",
		 SAVP "a=crypto:3 AES_CM_128_HMAC_SHA1_32 inline:" KEY "\r\n", OFFER_SRTP_REQUIRED,
		 ERR_SDP_MISMATCH, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct offer *offer = make(cases[i].srtp);
		struct buf text = BUF_INIT;

		CHECK_INT(cases[i].row, offer_write(offer, &text), 0);
		buf_addc(&text, '\0');
		CHECK(cases[i].row,
		      strstr(text.p, cases[i].srtp == OFFER_SRTP_REQUIRED ? "RTP/SAVP 0"
									  : "RTP/AVP 0") != NULL);
		CHECK("four lines", strstr(text.p, "a=crypto:1 AEAD_AES_256_GCM ") &&
					    strstr(text.p, "a=crypto:4 AES_CM_128_HMAC_SHA1_32 "));
		CHECK_INT(cases[i].row, offer_read_answer(offer, slice_of(cases[i].answer)),
			  cases[i].err);
		if (cases[i].err == 0)
			CHECK_INT(cases[i].row, offer_agreed(offer)->is_encrypted,
				  cases[i].is_encrypted);
		buf_done(&text);
		offer_free(offer);
	}
}

/* A new key of theirs in a re-INVITE, ours stays; and our own re-INVITE stays encrypted. */
static void new_keys(void)
{
	struct offer *offer = make(OFFER_SRTP_ACCEPTED);
	struct buf text = BUF_INIT;
	struct sdes ours, theirs;

	CHECK_INT(NULL, offer_read(offer, SLICE(SAVP CRYPTO80)), 0);
	CHECK_INT(NULL, offer_write_answer(offer, &text), 0);
	ours = offer_agreed(offer)->keys_send;
	theirs = offer_agreed(offer)->keys_receive;
	CHECK_INT(NULL,
		  offer_read(offer,
			     SLICE(SAVP "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY2 "\r\n")),
		  0);
	CHECK_INT(NULL, offer_write_answer(offer, &text), 0);
	CHECK("ours", memcmp(&ours, &offer_agreed(offer)->keys_send, sizeof(ours)) == 0);
	CHECK("theirs", memcmp(&theirs, &offer_agreed(offer)->keys_receive, sizeof(theirs)) != 0);
	buf_done(&text);
	text = (struct buf)BUF_INIT;
	CHECK_INT("we offer", offer_write(offer, &text), 0);
	buf_addc(&text, '\0');
	CHECK("encrypted", strstr(text.p, "RTP/SAVP 0") &&
				   strstr(text.p, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "));
	CHECK_INT("answered", offer_read_answer(offer, SLICE(SAVP CRYPTO80)), 0);
	CHECK("their first key again",
	      memcmp(theirs.key, offer_agreed(offer)->keys_receive.key, 30) == 0);
	buf_done(&text);
	offer_free(offer);
}

/* RTCP XR is promised to who asks for it (RFC 3611 5). */
static void voip_metrics(void)
{
	static const struct {
		const char *row, *lines;
		bool is_wanted;
	} cases[] = {
		{"not asked for", AVP, false},
		{"asked for", AVP "a=rtcp-xr:rcvr-rtt=all voip-metrics\r\n", true},
		{"other blocks", AVP "a=rtcp-xr:pkt-loss-rle stat-summary=loss\r\n", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct offer *offer = make(OFFER_SRTP_OFF);
		struct buf text = BUF_INIT;

		CHECK_INT(cases[i].row, offer_read(offer, slice_of(cases[i].lines)), 0);
		CHECK_INT(cases[i].row, offer_write_answer(offer, &text), 0);
		buf_addc(&text, '\0');
		CHECK_INT(cases[i].row, offer_agreed(offer)->has_voip_metrics, cases[i].is_wanted);
		CHECK_INT(cases[i].row, strstr(text.p, "a=rtcp-xr:voip-metrics\r\n") != NULL,
			  cases[i].is_wanted);
		buf_done(&text);
		offer_free(offer);
	}
}

void suite_offer_srtp(void)
{
	CHECK_SUITE("offer_srtp");
	CHECK_TEST(their_offers);
	CHECK_TEST(our_offers);
	CHECK_TEST(new_keys);
	CHECK_TEST(voip_metrics);
}
