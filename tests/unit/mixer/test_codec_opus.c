/* tests/unit/mixer/test_codec_opus.c -- what other people's Opus brings: stereo, pauses (RFC 7587).
 */
#include <math.h>
#include <opus/opus.h>
#include <stdlib.h>

#include "base/attr.h"
#include "mixer/codec.h"
#include "mixer/intake.h"
#include "tests/support/check.h"

enum { RATE_HZ = 48000, FRAME = 960, PULL_US = 20000 };

static struct intake *intake_make(void)
{
	struct intake_params params = {.codec = MEDIA_CODEC_OPUS, .pull_ms = 20};
	struct intake *intake = NULL;

	CHECK_INT(NULL, intake_new(&params, &intake), 0);
	return intake;
}

static int16_t tone(double amplitude, uint32_t at)
{
	return (int16_t)lrint(amplitude * sin(2 * M_PI * 413 * at / RATE_HZ));
}

/* A stereo packet is heard as the mean of both sides. */
static void stereo_is_heard_in_mono(void)
{
	static const struct {
		const char *name;
		double left, right;
		int level; /* -dBov */
	} rows[] = {{"both sides", 8000, 8000, 15},
		    {"left alone", 8000, 0, 21},
		    {"right alone", 0, 8000, 21},
		    {"half as loud on the left", 4000, 8000, 18}};

	for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
		int error = OPUS_OK;
		OpusEncoder *encoder = opus_encoder_create(RATE_HZ, 2, OPUS_APPLICATION_AUDIO,
							   &error);
		struct intake *intake = intake_make();
		struct intake_frame frame = {0};

		CHECK_INT(rows[k].name, error, OPUS_OK);
		for (uint32_t i = 0; i < 50; i++) {
			uint8_t octets[1000];
			int16_t pcm[2 * FRAME];
			struct rtp_packet packet = {
				.seq = (uint16_t)i, .ts = i * FRAME, .ssrc = 1, .payload = octets};

			for (uint32_t n = 0; n < FRAME; n++) {
				pcm[2 * n] = tone(rows[k].left, i * FRAME + n);
				pcm[2 * n + 1] = tone(rows[k].right, i * FRAME + n);
			}
			packet.payload_len = (uint16_t)opus_encode(encoder, pcm, FRAME, octets,
								   sizeof(octets));
			CHECK_INT("two channels", opus_packet_get_nb_channels(octets), 2);
			CHECK_INT(rows[k].name,
				  intake_put_rt(intake, &packet, MEDIA_CODEC_OPUS, i * PULL_US),
				  JITTER_STORED);
			frame = intake_get_rt(intake, i * PULL_US + 5000);
		}
		CHECK_NEAR(rows[k].name, frame.level, rows[k].level, 1);
		opus_encoder_destroy(encoder);
		intake_free(intake);
	}
}

/* 800 ms of tone (it takes a longer one for noise), two seconds of silence, tone again, from an
 * encoder that rests in silence (DTX). Frames of rest may be sent, of an octet or two, or not be
 * sent at all. */
static void a_talker_rests(bool is_rest_sent)
{
	struct media_opus opus = {.has_dtx = true};
	const struct codec *codec = codec_find(MEDIA_CODEC_OPUS);
	void *encoder = calloc(1, codec->encoder_size());
	struct intake *intake = intake_make();
	uint32_t sent = 0, weak = 0, loud = 0;
	uint16_t seq = 0;

	codec->encoder_init(encoder, &opus);
	for (uint32_t i = 0; i < 190; i++) {
		static const uint8_t rest[] = {
			0x78}; /* 20 ms, and nothing in it (RFC 6716 3.2.1) */
		bool is_tone = i < 40 || i >= 150;
		uint8_t octets[CODEC_FRAME_OCTETS_MAX];
		int16_t pcm[FRAME];
		struct rtp_packet packet = {.ts = i * FRAME, .ssrc = 1, .payload = octets};
		struct intake_frame frame;

		for (uint32_t n = 0; n < FRAME; n++)
			pcm[n] = is_tone ? tone(8000, i * FRAME + n) : 0;
		packet.payload_len = (uint16_t)codec->encode_rt(encoder, pcm, FRAME, octets,
								sizeof(octets));
		sent += !is_tone && packet.payload_len > 0;
		if (packet.payload_len == 0 && is_rest_sent) {
			packet.payload = rest;
			packet.payload_len = sizeof(rest);
		}
		if (packet.payload_len > 0) {
			packet.seq = seq++;
			CHECK_INT("taken",
				  intake_put_rt(intake, &packet, MEDIA_CODEC_OPUS, i * PULL_US),
				  JITTER_STORED);
		}
		frame = intake_get_rt(intake, i * PULL_US + 5000);
		weak += ((i > 10 && i < 40) || i > 160) && frame.level > 20;
		loud += i > 60 && i < 150 && frame.level < 50;
	}
	CHECK("most of the silence costs no packet", sent < 40);
	CHECK_INT("the tone is whole, before and after", weak, 0);
	CHECK_INT("silence between", loud, 0);
	CHECK_INT("nothing was lost", intake_stats_rt(intake).jitter.lost, 0);
	CHECK("no delay piles up", intake_stats_rt(intake).jitter.delay_ms <= 40);
	free(encoder);
	intake_free(intake);
}

static void dtx_without_packets(void)
{
	a_talker_rests(false);
}

static void dtx_with_empty_packets(void)
{
	a_talker_rests(true);
}

void suite_codec_opus(void)
{
	CHECK_SUITE("codec_opus");
	CHECK_TEST(stereo_is_heard_in_mono);
	CHECK_TEST(dtx_without_packets);
	CHECK_TEST(dtx_with_empty_packets);
}
