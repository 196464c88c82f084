/* tests/unit/sip/test_offer_extras.c -- levels, comfort noise and reduced RTCP by offer and answer.
 */
#include <string.h>

#include "base/attr.h"
#include "sip/offer.h"
#include "tests/support/check.h"

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
#define AVP HEAD "m=audio 4000 RTP/AVP 0\r\n"
#define AVP_CN HEAD "m=audio 4000 RTP/AVP 0 13\r\n"
#define SSRC "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
#define CSRC "urn:ietf:params:rtp-hdrext:csrc-audio-level"

static struct offer *make_with(bool has_noise, bool has_extras)
{
	struct offer_local local = {
		.codecs = {{1, "PCMU", 8000, 1, 0, NULL}},
		.codec_count = 1,
		.ptime_ms = 20,
		.direction = SDP_SENDRECV,
		.has_noise = has_noise,
		.has_extras = has_extras,
	};
	struct offer *offer = NULL;

	(void)addr_parse(SLICE("192.0.2.1:5000"), &local.rtp);
	CHECK_INT(NULL, offer_new(&local, 7, &offer), 0);
	return offer;
}

static struct offer *make(bool has_noise)
{
	return make_with(has_noise, false);
}

static bool has(struct buf *text, const char *line)
{
	buf_addc(text, '\0');
	text->len--;
	return strstr(text->p, line) != NULL;
}

static void their_offers(void)
{
	static const struct {
		const char *row, *offer;
		struct offer_extras want;
		const char *line; /* in our answer; NULL: no extmap there */
	} cases[] = {
		{"nothing", AVP, {0}, NULL},
		{"their level",
		 AVP "a=extmap:1 " SSRC " vad=on\r\n",
		 {.level_id = 1},
		 "a=extmap:1/recvonly " SSRC "\r\n"},
		{"their level, told as theirs",
		 AVP "a=extmap:3/sendonly " SSRC "\r\n",
		 {.level_id = 3},
		 "a=extmap:3/recvonly " SSRC "\r\n"},
		{"they would receive it only", AVP "a=extmap:3/recvonly " SSRC "\r\n", {0}, NULL},
		{"ours",
		 AVP "a=extmap:14/recvonly " CSRC "\r\n",
		 {.mix_id = 14},
		 "a=extmap:14/sendonly " CSRC "\r\n"},
		{"both",
		 AVP "a=extmap:1 " SSRC "\r\na=extmap:2 " CSRC "\r\n",
		 {.level_id = 1, .mix_id = 2},
		 "a=extmap:2/sendonly " CSRC "\r\n"},
		{"one number for both",
		 AVP "a=extmap:1 " SSRC "\r\na=extmap:1 " CSRC "\r\n",
		 {0},
		 NULL},
		{"two-byte form only", AVP "a=extmap:15 " SSRC "\r\n", {0}, NULL},
		{"zero", AVP "a=extmap:0 " SSRC "\r\n", {0}, NULL},
		{"no number", AVP "a=extmap:x " SSRC "\r\na=extmap:\r\na=extmap:1\r\n", {0}, NULL},
		{"another thing",
		 AVP "a=extmap:1 urn:ietf:params:rtp-hdrext:toffset\r\n",
		 {0},
		 NULL},
		{"noise", AVP_CN, {.has_noise = true}, NULL},
		{"noise by name", AVP_CN "a=rtpmap:13 CN/8000\r\n", {.has_noise = true}, NULL},
		{"13 is another thing", AVP_CN "a=rtpmap:13 X/8000\r\n", {0}, NULL},
		{"reduced size", AVP "a=rtcp-mux\r\na=rtcp-rsize\r\n", {.has_reduced = true}, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct offer *offer = make(true);
		struct buf text = BUF_INIT;
		const struct offer_extras *got, *want = &cases[i].want;

		CHECK_INT(cases[i].row, offer_read(offer, slice_of(cases[i].offer)), 0);
		CHECK_INT(cases[i].row, offer_write_answer(offer, &text), 0);
		got = &offer_agreed(offer)->extras;
		CHECK_INT(cases[i].row, got->level_id, want->level_id);
		CHECK_INT(cases[i].row, got->mix_id, want->mix_id);
		CHECK_INT(cases[i].row, got->has_noise, want->has_noise);
		CHECK_INT(cases[i].row, got->has_reduced, want->has_reduced);
		CHECK(cases[i].row, has(&text, cases[i].line ? cases[i].line : "a=extmap") ==
					    (cases[i].line != NULL));
		CHECK(cases[i].row, has(&text, "RTP/AVP 0 13\r\n") == want->has_noise);
		CHECK(cases[i].row, has(&text, "a=rtpmap:13 CN/8000\r\n") == want->has_noise);
		CHECK(cases[i].row, has(&text, "a=rtcp-rsize\r\n") == want->has_reduced);
		buf_done(&text);
		offer_free(offer);
	}
}

/* A later offer of ours keeps what there was; their answer may take it back. */
static void later_offers(void)
{
	struct offer *offer = make(true);
	struct buf text = BUF_INIT;

	CHECK_INT("first", offer_write(offer, &text), 0);
	CHECK("ours has none", !has(&text, "extmap") && !has(&text, "CN/8000"));
	CHECK_INT("answer with what was not offered",
		  offer_read_answer(offer, SLICE(AVP_CN "a=extmap:1 " SSRC "\r\n")), 0);
	CHECK_INT("not taken", offer_agreed(offer)->extras.level_id, 0);
	CHECK("not taken", !offer_agreed(offer)->extras.has_noise);
	buf_clear(&text);
	CHECK_INT("theirs", offer_read(offer, SLICE(AVP_CN "a=extmap:5 " SSRC "\r\n")), 0);
	CHECK_INT("answered", offer_write_answer(offer, &text), 0);
	buf_clear(&text);
	CHECK_INT("ours again", offer_write(offer, &text), 0);
	CHECK("kept", has(&text, "a=extmap:5/recvonly " SSRC "\r\n"));
	CHECK("kept", has(&text, "RTP/AVP 0 13\r\n"));
	CHECK_INT("they take one back",
		  offer_read_answer(offer, SLICE(AVP "a=extmap:5/sendonly " SSRC "\r\n")), 0);
	CHECK_INT("level stays", offer_agreed(offer)->extras.level_id, 5);
	CHECK("no noise", !offer_agreed(offer)->extras.has_noise);
	buf_done(&text);
	offer_free(offer);
}

/* A first offer of ours that has them: their answer takes which it likes. */
static void our_offers(void)
{
	static const struct {
		const char *row, *answer;
		bool has_noise; /* in our offer */
		struct offer_extras want;
	} cases[] = {
		{"nobody knows them", AVP, true, {0}},
		{"their level", AVP "a=extmap:1/sendonly " SSRC "\r\n", true, {.level_id = 1}},
		{"under another number", AVP "a=extmap:7/sendonly " SSRC "\r\n", true, {0}},
		{"all",
		 AVP_CN "a=extmap:1/sendonly " SSRC "\r\na=extmap:2/recvonly " CSRC
			"\r\na=rtcp-rsize\r\n",
		 true,
		 {.level_id = 1, .mix_id = 2, .has_noise = true, .has_reduced = true}},
		{"noise that was not offered", AVP_CN, false, {0}},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct offer *offer = make_with(cases[i].has_noise, true);
		const struct offer_extras *got, *want = &cases[i].want;
		struct buf text = BUF_INIT;

		CHECK_INT(cases[i].row, offer_write(offer, &text), 0);
		CHECK(cases[i].row, has(&text, "a=extmap:1/recvonly " SSRC "\r\n"));
		CHECK(cases[i].row, has(&text, "a=extmap:2/sendonly " CSRC "\r\n"));
		CHECK(cases[i].row, has(&text, "a=rtcp-rsize\r\n"));
		CHECK(cases[i].row, has(&text, "RTP/AVP 0 13\r\n") == cases[i].has_noise);
		CHECK_INT(cases[i].row, offer_read_answer(offer, slice_of(cases[i].answer)), 0);
		got = &offer_agreed(offer)->extras;
		CHECK_INT(cases[i].row, got->level_id, want->level_id);
		CHECK_INT(cases[i].row, got->mix_id, want->mix_id);
		CHECK_INT(cases[i].row, got->has_noise, want->has_noise);
		CHECK_INT(cases[i].row, got->has_reduced, want->has_reduced);
		buf_done(&text);
		offer_free(offer);
	}
}

static void noise_by_option(void)
{
	struct offer *offer = make(false);
	struct buf text = BUF_INIT;

	CHECK_INT("theirs", offer_read(offer, SLICE(AVP_CN)), 0);
	CHECK_INT("answered", offer_write_answer(offer, &text), 0);
	CHECK("not wanted", has(&text, "RTP/AVP 0\r\n") && !has(&text, "CN/8000"));
	CHECK("not wanted", !offer_agreed(offer)->extras.has_noise);
	buf_done(&text);
	offer_free(offer);
}

void suite_offer_extras(void)
{
	CHECK_SUITE("offer_extras");
	CHECK_TEST(their_offers);
	CHECK_TEST(later_offers);
	CHECK_TEST(our_offers);
	CHECK_TEST(noise_by_option);
}
