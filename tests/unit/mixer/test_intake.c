/* tests/unit/mixer/test_intake.c -- the whole receiving chain of a leg on virtual time. */
#include "mixer/intake.h"

#include <errno.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "mixer/codec.h"
#include "tests/support/check.h"
#include "tests/support/path.h"

enum { FRAME = 160 };

static struct intake *intake_make(enum media_codec codec, bool is_whole)
{
	struct intake_params params = {.codec = codec, .pull_ms = 20, .is_whole = is_whole};
	struct intake *intake = NULL;

	CHECK_INT(NULL, intake_new(&params, &intake), 0);
	return intake;
}

typedef int16_t signal_fn(uint64_t sample);

static int16_t tone413(uint64_t i)
{
	return (int16_t)lrint(8000 * sin(2 * M_PI * 413 * (double)(i % 8000) / 8000));
}

static int16_t hum(uint64_t i) /* 60 Hz noise floor at -60 dBov */
{
	return (int16_t)lrint(30 * sin(2 * M_PI * 60 * (double)(i % 8000) / 8000));
}

static int16_t click(uint64_t i) /* in a frame that begins and ends with silence */
{
	return i % FRAME == 100 ? 4000 : 0;
}

static int16_t silence(uint64_t i)
{
	(void)i;
	return 0;
}

static void octets_of(enum media_codec id, signal_fn *signal, uint64_t from, uint8_t octets[FRAME])
{
	int16_t pcm[FRAME];

	for (uint32_t i = 0; i < FRAME; i++)
		pcm[i] = signal(from + i);
	(void)codec_find(id)->encode_rt(NULL, pcm, FRAME, octets, FRAME);
}

static void put(struct intake *intake, enum media_codec id, signal_fn *signal, uint64_t number,
		uint64_t at_us)
{
	uint8_t octets[FRAME];
	struct rtp_packet packet = {.seq = (uint16_t)number,
				    .ts = (uint32_t)(number * FRAME),
				    .ssrc = 1,
				    .payload = octets,
				    .payload_len = FRAME};

	octets_of(id, signal, number * FRAME, octets);
	CHECK("taken", intake_put_rt(intake, &packet, id, at_us) != JITTER_OVERFLOW);
}

static void params_are_checked(void)
{
	struct intake_params params = {.codec = MEDIA_CODEC_NONE, .pull_ms = 20};
	struct intake *intake = NULL;

	CHECK_INT("no codec", intake_new(&params, &intake), ERR_MEDIA_CODEC);
	params.codec = MEDIA_CODEC_PCMU;
	params.pull_ms = 7;
	CHECK_INT("odd frame", intake_new(&params, &intake), -EINVAL);
	CHECK("untouched", intake == NULL);
	CHECK("NULL", intake_free(NULL) == NULL);
}

static void one_talker_passes_bit_exact(void)
{
	static const enum media_codec ids[] = {MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA};

	for (size_t k = 0; k < ARRAY_LEN(ids); k++) {
		struct intake *intake = intake_make(ids[k], false);
		uint32_t exact = 0, wrong = 0;

		for (uint64_t i = 0; i < 100; i++) {
			struct intake_frame frame;
			uint8_t octets[FRAME];
			int16_t pcm[FRAME];

			put(intake, ids[k], tone413, i, i * 20000);
			frame = intake_get_rt(intake, i * 20000 + 9000);
			CHECK_INT(NULL, frame.samples, FRAME);
			octets_of(ids[k], tone413, i * FRAME, octets);
			(void)codec_find(ids[k])->decode_rt(NULL, octets, FRAME, pcm, FRAME);
			wrong += memcmp(frame.pcm, pcm, sizeof(pcm)) != 0;
			exact += frame.payload && frame.payload_len == FRAME &&
				 frame.codec == ids[k] && !memcmp(frame.payload, octets, FRAME);
			CHECK_INT("level", frame.level, 15);
			CHECK("talks after 40 ms", frame.is_talking == (i >= 1));
			CHECK("real", !frame.is_concealed && !frame.is_silent);
		}
		CHECK_INT("pcm", wrong, 0);
		CHECK_INT("octets", exact, 100);
		intake_free(intake);
	}
}

static void silence_is_told(void)
{
	static const enum media_codec ids[] = {MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA};

	for (size_t k = 0; k < ARRAY_LEN(ids); k++) {
		struct intake *intake = intake_make(ids[k], false);
		struct intake_frame frame = intake_get_rt(intake, 0);

		CHECK("before the first packet",
		      frame.is_silent && frame.pcm && frame.level == 127);
		for (uint64_t i = 0; i < 10; i++) {
			put(intake, ids[k], silence, i, i * 20000);
			frame = intake_get_rt(intake, i * 20000 + 9000);
			CHECK("digital silence", frame.is_silent && frame.pcm[80] == 0);
			CHECK("not passed on", frame.payload == NULL);
		}
		intake_free(intake);
	}
}

static void a_lost_packet_is_concealed(void)
{
	struct intake *intake = intake_make(MEDIA_CODEC_PCMU, false);
	uint32_t concealed = 0, blended = 0;

	for (uint64_t i = 0; i < 100; i++) {
		struct intake_frame frame;

		if (i != 50)
			put(intake, MEDIA_CODEC_PCMU, tone413, i, i * 20000);
		frame = intake_get_rt(intake, i * 20000 + 9000);
		concealed += frame.is_concealed;
		blended += i > 50 && frame.payload == NULL;
		CHECK_NEAR("level goes on", frame.level, 15, 1);
		CHECK("concealed sound is no octets", !frame.is_concealed || !frame.payload);
	}
	CHECK_INT("one frame", concealed, 1);
	CHECK_INT("one cross-fade", blended, 1);
	CHECK_INT(NULL, intake_stats_rt(intake).concealed_ms, 20);
	CHECK_INT(NULL, intake_stats_rt(intake).jitter.lost, 1);
	intake_free(intake);
}

/* A tone in any codec, by an encoder that goes on. */
struct talker {
	const struct codec *codec;
	void *encoder;
	uint16_t seq;
	uint32_t ts, at;
};

static struct talker talker_make(enum media_codec id, const struct media_opus *opus)
{
	struct talker talker = {.codec = codec_find(id)};

	if (talker.codec->encoder_size) {
		talker.encoder = calloc(1, talker.codec->encoder_size());
		talker.codec->encoder_init(talker.encoder, opus);
	}
	return talker;
}

/* Its next 20 ms; is_lost: encoded, but it does not arrive. */
static void say(struct talker *talker, struct intake *intake, uint64_t now_us, bool is_lost)
{
	uint32_t samples = codec_samples(talker->codec, 20);
	uint8_t octets[CODEC_FRAME_OCTETS_MAX];
	int16_t pcm[960];
	struct rtp_packet packet = {
		.seq = talker->seq++, .ts = talker->ts, .ssrc = 1, .payload = octets};

	for (uint32_t i = 0; i < samples; i++, talker->at++)
		pcm[i] = (int16_t)lrint(
			8000 * sin(2 * M_PI * 413 * talker->at / talker->codec->sample_hz));
	packet.payload_len = (uint16_t)talker->codec->encode_rt(talker->encoder, pcm, samples,
								octets, sizeof(octets));
	talker->ts += talker->codec->clock_hz / 50;
	if (!is_lost)
		CHECK_INT("taken", intake_put_rt(intake, &packet, talker->codec->id, now_us),
			  JITTER_STORED);
}

/* Opus, then G.711, then G.722, and back: each is heard within a few frames, at its rate. */
static void a_stream_may_change_its_codec(void)
{
	static const enum media_codec ids[] = {MEDIA_CODEC_OPUS, MEDIA_CODEC_PCMU, MEDIA_CODEC_G722,
					       MEDIA_CODEC_PCMA, MEDIA_CODEC_OPUS};
	struct intake_params params = {.codec = MEDIA_CODEC_OPUS,
				       .others = 1u << MEDIA_CODEC_G722 | 1u << MEDIA_CODEC_PCMU |
						 1u << MEDIA_CODEC_PCMA,
				       .pull_ms = 20};
	struct rtp_packet gsm = {.payload = (const uint8_t[33]){0xd0}, .payload_len = 33};
	struct intake *intake = NULL;
	uint64_t now_us = 0;
	uint16_t seq = 0;

	CHECK_INT(NULL, intake_new(&params, &intake), 0);
	for (size_t k = 0; k < ARRAY_LEN(ids); k++) {
		struct talker talker = talker_make(ids[k], NULL);
		uint32_t loud = 0;

		talker.seq = seq;
		for (int i = 0; i < 30; i++, now_us += 20000) {
			struct intake_frame frame;

			say(&talker, intake, now_us, false);
			frame = intake_get_rt(intake, now_us + 5000);
			CHECK_INT("rate", frame.sample_hz, talker.codec->sample_hz);
			CHECK_INT("length", frame.samples, codec_samples(talker.codec, 20));
			loud += i >= 5 && frame.level < 20;
		}
		CHECK_INT(talker.codec->name, loud, 25);
		seq = talker.seq;
		free(talker.encoder);
	}
	CHECK_INT("what there is no decoder for",
		  intake_put_rt(intake, &gsm, MEDIA_CODEC_GSM, now_us), JITTER_OVERFLOW);
	intake_free(intake);
}

/* One packet in ten is lost: with copies in the next packets and without, the tone goes on. */
static void opus_fills_its_own_gaps(void)
{
	for (int has_fec = 0; has_fec < 2; has_fec++) {
		struct media_opus opus = {
			.has_fec = has_fec, .bitrate = 24000, .playback_hz = 16000};
		struct talker talker = talker_make(MEDIA_CODEC_OPUS, &opus);
		struct intake *intake = intake_make(MEDIA_CODEC_OPUS, false);
		uint32_t weak = 0, concealed = 0;

		for (uint64_t i = 0; i < 500; i++) {
			struct intake_frame frame;

			say(&talker, intake, i * 20000, i % 10 == 9);
			frame = intake_get_rt(intake, i * 20000 + 25000);
			weak += i > 20 && frame.level > 21;
			concealed += frame.is_concealed;
		}
		CHECK_INT("no hole", weak, 0);
		CHECK("told", concealed >= 45 && concealed <= 110);
		CHECK("each lost packet filled once",
		      intake_stats_rt(intake).concealed_ms >= 900 &&
			      intake_stats_rt(intake).concealed_ms <= 1200);
		CHECK("no delay piles up", intake_stats_rt(intake).jitter.delay_ms <= 60);
		free(talker.encoder);
		intake_free(intake);
	}
}

/* Packets of 10 to 120 ms, which no frame of ours meets. */
static void opus_packets_of_any_length(void)
{
	static const uint32_t frames[] = {1, 2, 3, 6};

	for (size_t k = 0; k < ARRAY_LEN(frames); k++) {
		const struct codec *codec = codec_find(MEDIA_CODEC_OPUS);
		struct intake *intake = intake_make(MEDIA_CODEC_OPUS, false);
		void *encoder = calloc(1, codec->encoder_size());
		uint32_t weak = 0, at = 0;

		codec->encoder_init(encoder, NULL);
		for (uint32_t i = 0; i < 300; i++) {
			struct intake_frame frame;

			if (i % frames[k] == 0) {
				uint8_t octets[CODEC_JOIN_MAX][400],
					joined[CODEC_PACKET_OCTETS_MAX];
				struct codec_payload parts[CODEC_JOIN_MAX];
				struct rtp_packet packet = {.seq = (uint16_t)(i / frames[k]),
							    .ts = i * 960,
							    .ssrc = 1,
							    .payload = joined};

				for (uint32_t f = 0; f < frames[k]; f++) {
					int16_t pcm[960];

					for (uint32_t n = 0; n < 960; n++, at++)
						pcm[n] = (int16_t)lrint(
							8000 * sin(2 * M_PI * 413 * at / 48000));
					parts[f].data = octets[f];
					parts[f].len = (uint16_t)codec->encode_rt(
						encoder, pcm, 960, octets[f], sizeof(octets[f]));
				}
				packet.payload_len = (uint16_t)codec->join_rt(
					parts, frames[k], joined, sizeof(joined));
				if (packet.payload_len > 0)
					(void)intake_put_rt(intake, &packet, MEDIA_CODEC_OPUS,
							    i * 20000);
			}
			frame = intake_get_rt(intake, i * 20000 + 3000);
			weak += i > 20 && frame.level > 21;
		}
		CHECK("heard throughout", weak <= 2 * frames[k]);
		free(encoder);
		intake_free(intake);
	}
}

static int16_t rumble(uint64_t i)
{
	return (int16_t)lrint(8000 * sin(2 * M_PI * 43.5 * (double)i / 8000));
}

/* A period longer than a frame (23 ms), inserted to wait for late packets: the frame is played
 * later, and some of what was played before it once more. Both ways of giving back. */
static void slow_periods_are_lengthened_without_a_click(void)
{
	for (int is_whole = 0; is_whole < 2; is_whole++) {
		struct intake *intake = intake_make(MEDIA_CODEC_PCMU, is_whole);
		struct intake_stats stats;
		int16_t last = 0;
		int steepest = 0;

		for (uint64_t i = 0; i < 200; i++) {
			uint64_t late_us = i >= 50 && i % 8 == 0 ? 19000 : 0;
			struct intake_frame frame;

			put(intake, MEDIA_CODEC_PCMU, rumble, i, i * 20000 + late_us);
			frame = intake_get_rt(intake, i * 20000 + 19500);
			for (uint32_t n = 0; n < frame.samples; last = frame.pcm[n++])
				if (i > 10)
					steepest = MAX_OF(steepest, abs(frame.pcm[n] - last));
		}
		stats = intake_stats_rt(intake);
		CHECK("it was lengthened", stats.lengthened_ms > 0);
		CHECK("no click", steepest < 1000);
		intake_free(intake);
	}
}

static void codec_may_change(void)
{
	struct intake *intake = intake_make(MEDIA_CODEC_PCMU, false);
	struct rtp_packet packet = {.seq = 20,
				    .ts = 20 * FRAME,
				    .ssrc = 1,
				    .payload = (const uint8_t *)"x",
				    .payload_len = 1};

	for (uint64_t i = 0; i < 20; i++) {
		enum media_codec id = i < 10 ? MEDIA_CODEC_PCMU : MEDIA_CODEC_PCMA;
		struct intake_frame frame;

		put(intake, id, tone413, i, i * 20000);
		frame = intake_get_rt(intake, i * 20000 + 9000);
		CHECK_INT(NULL, frame.codec, id);
		CHECK_INT(NULL, frame.level, 15);
		CHECK(NULL, frame.payload != NULL);
	}
	CHECK_INT("unknown", intake_put_rt(intake, &packet, MEDIA_CODEC_NONE, 0), JITTER_OVERFLOW);
	packet.payload_len = 0;
	CHECK_INT("empty", intake_put_rt(intake, &packet, MEDIA_CODEC_PCMU, 0), JITTER_OVERFLOW);
	intake_free(intake);
}

/* Codecs that cannot be cut go through fifo; what is heard is the same. */
static void whole_packets_sound_the_same(void)
{
	static const uint32_t ptimes[] = {10, 20, 30, 60};

	for (size_t k = 0; k < ARRAY_LEN(ptimes); k++) {
		struct intake *sliced = intake_make(MEDIA_CODEC_PCMU, false);
		struct intake *whole = intake_make(MEDIA_CODEC_PCMU, true);
		uint32_t units = ptimes[k] * 8, sent = 0, wrong = 0, heard = 0;

		for (uint64_t tick = 0; tick < 200; tick++) {
			struct intake_frame a, b;

			for (; sent * ptimes[k] <= tick * 20; sent++) {
				uint8_t octets[480];
				struct rtp_packet packet = {.seq = (uint16_t)sent,
							    .ts = sent * units,
							    .payload = octets,
							    .payload_len = (uint16_t)units};

				for (uint32_t i = 0; i < units; i++)
					octets[i] = codec_ulaw_encode(tone413(sent * units + i));
				(void)intake_put_rt(sliced, &packet, MEDIA_CODEC_PCMU,
						    sent * ptimes[k] * 1000);
				(void)intake_put_rt(whole, &packet, MEDIA_CODEC_PCMU,
						    sent * ptimes[k] * 1000);
			}
			a = intake_get_rt(sliced, tick * 20000 + 9000);
			b = intake_get_rt(whole, tick * 20000 + 9000);
			wrong += memcmp(a.pcm, b.pcm, FRAME * sizeof(*a.pcm)) != 0;
			heard += !a.is_silent;
		}
		CHECK_INT("same", wrong, 0);
		CHECK("heard", heard > 190);
		intake_free(sliced);
		intake_free(whole);
	}
}

/* Silence after silence is left out of decoding (is_still), in whole packets never: nobody may hear
 * the difference, whatever comes before, between or behind. */
static void silence_left_out_is_not_heard(void)
{
	static const enum media_codec ids[] = {MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA};
	enum { SPAN = 12, TICKS = 40 * SPAN };

	for (size_t k = 0; k < ARRAY_LEN(ids); k++) {
		struct intake *sliced = intake_make(ids[k], false);
		struct intake *whole = intake_make(ids[k], true);
		uint32_t wrong = 0, silent = 0;

		for (uint64_t i = 0; i < TICKS; i++) {
			uint32_t kind = (uint32_t)(i / SPAN) % 5; /* of a span of ticks */
			struct intake_frame a, b;

			if (kind < 4 || i % 3) { /* the fifth: silence with losses */
				signal_fn *signal = kind == 1                    ? tone413
						    : kind == 3 && i % SPAN == 6 ? click
										 : silence;
				put(sliced, ids[k], signal, i, i * 20000);
				put(whole, ids[k], signal, i, i * 20000);
			}
			a = intake_get_rt(sliced, i * 20000 + 9000);
			b = intake_get_rt(whole, i * 20000 + 9000);
			wrong += memcmp(a.pcm, b.pcm, FRAME * sizeof(*a.pcm)) != 0 ||
				 a.level != b.level || a.is_silent != b.is_silent ||
				 a.is_concealed != b.is_concealed || a.is_talking != b.is_talking ||
				 a.codec != b.codec;
			CHECK("no octets of silence", !a.is_silent || !a.payload);
			silent += a.is_silent;
		}
		CHECK_INT("same", wrong, 0);
		CHECK("was silent", silent > TICKS / 2);
		CHECK("and was not", silent < TICKS * 9 / 10);
		intake_free(sliced);
		intake_free(whole);
	}
}

/* Share of 40 ms windows, in 1/1000, in which what is not the tone is above -20 dB. */
struct ear {
	int16_t window[2 * FRAME];
	uint32_t have, windows, glitches;
};

static void hear(struct ear *ear, const int16_t *pcm)
{
	double c = 0, s = 0, total = 0;

	memcpy(ear->window + ear->have, pcm, FRAME * sizeof(*pcm));
	ear->have += FRAME;
	if (ear->have < 2 * FRAME)
		return;
	ear->have = 0;
	for (int i = 0; i < 2 * FRAME; i++) {
		c += ear->window[i] * cos(2 * M_PI * 413 * i / 8000);
		s += ear->window[i] * sin(2 * M_PI * 413 * i / 8000);
		total += (double)ear->window[i] * ear->window[i];
	}
	ear->windows++;
	ear->glitches += total - (c * c + s * s) / FRAME > 0.01 * total || total < 1e9;
}

struct result {
	uint32_t delay_ms_worst, delay_ms_end, glitches, windows;
	struct intake_stats stats;
};

static struct result run(signal_fn *signal, const struct path_params *params, uint32_t seconds,
			 uint32_t warm_up_s, bool is_whole)
{
	struct intake *intake = intake_make(MEDIA_CODEC_PCMU, is_whole);
	struct result result = {0};
	struct ear ear = {0};
	struct path path;
	struct path_packet arrived;
	uint64_t sent = 0;

	path_init(&path, params, 3);
	for (uint64_t tick = 0; tick < seconds * 50; tick++) {
		uint64_t now = tick * 20000 + 7000;
		struct intake_frame frame;

		for (; path_send_time(&path, sent * 20000) <= now; sent++)
			(void)path_send(&path, (struct path_packet){.number = sent},
					path_send_time(&path, sent * 20000));
		while (path_arrived(&path, now, &arrived))
			put(intake, MEDIA_CODEC_PCMU, signal, arrived.number, arrived.at_us);
		frame = intake_get_rt(intake, now);
		if (tick < warm_up_s * 50)
			continue;
		if (signal == tone413)
			hear(&ear, frame.pcm);
		result.delay_ms_end = intake_stats_rt(intake).jitter.delay_ms;
		result.delay_ms_worst = MAX_OF(result.delay_ms_worst, result.delay_ms_end);
	}
	result.stats = intake_stats_rt(intake);
	result.glitches = ear.glitches;
	result.windows = ear.windows;
	intake_free(intake);
	return result;
}

static void the_marks_of_the_tone_measure(void)
{
	static const struct {
		const char *name;
		struct path_params path;
		uint32_t glitches_pm_max, delay_ms_max;
	} cases[] = {
		{"clean", {0}, 0, 22},
		{"1 % loss", {.loss_pm = 10}, 7, 22},
		{"5 % loss", {.loss_pm = 50}, 13, 22},
		{"10 % loss", {.loss_pm = 100}, 23, 30},
		{"20 ms jitter", {.jitter_us = 20000}, 0, 60},
		{"40 ms jitter", {.jitter_us = 40000}, 3, 80},
		{"80 ms jitter", {.jitter_us = 80000}, 10, 120},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (int whole = 0; whole < 2; whole++) {
			struct result result = run(tone413, &cases[i].path, 60, 4, whole);

			CHECK(cases[i].name, result.windows > 1000);
			CHECK(cases[i].name,
			      result.glitches * 1000 <= cases[i].glitches_pm_max * result.windows);
			CHECK(cases[i].name, result.delay_ms_worst <= cases[i].delay_ms_max);
		}
}

/* An hour at 200 ppm is 720 ms of difference. */
static void drift_for_an_hour(void)
{
	static const int32_t ppms[] = {200, -200};
	static signal_fn *const signals[] = {tone413, hum};

	for (size_t i = 0; i < ARRAY_LEN(ppms); i++)
		for (size_t k = 0; k < ARRAY_LEN(signals); k++) {
			struct path_params path = {.drift_ppm = ppms[i]};
			struct result result = run(signals[k], &path, 3600, 2, false);
			int64_t made_up = (int64_t)result.stats.shortened_ms -
					  (int64_t)result.stats.lengthened_ms;

			/* A tone can only be cut by whole periods, so up to 58 samples may stay
			 * over; in a pause of speech they go. */
			CHECK("no growth", result.delay_ms_worst <= (k == 0 ? 33 : 26));
			CHECK_NEAR("all of it by time-scale", made_up, ppms[i] * 3.6, 30);
			CHECK_INT("no click", result.glitches, 0);
			CHECK_INT("nothing invented", result.stats.concealed_ms, 0);
		}
}

static void shrinks_after_a_bad_minute(void)
{
	static signal_fn *const signals[] = {tone413, hum, silence};

	for (size_t k = 0; k < ARRAY_LEN(signals); k++) {
		struct intake *intake = intake_make(MEDIA_CODEC_PCMU, false);
		struct path_params params = {.jitter_us = 100000};
		struct path path;
		struct path_packet arrived;
		uint32_t worst = 0, at_10_s = 0, at_15_s = 0;

		path_init(&path, &params, 5);
		for (uint64_t tick = 0; tick < 80 * 50; tick++) {
			if (tick == 60 * 50)
				path.params.jitter_us = 0;
			(void)path_send(&path, (struct path_packet){.number = tick}, tick * 20000);
			while (path_arrived(&path, tick * 20000 + 7000, &arrived))
				put(intake, MEDIA_CODEC_PCMU, signals[k], arrived.number,
				    arrived.at_us);
			(void)intake_get_rt(intake, tick * 20000 + 7000);
			worst = MAX_OF(worst, intake_stats_rt(intake).jitter.delay_ms);
			if (tick == 70 * 50)
				at_10_s = intake_stats_rt(intake).jitter.delay_ms;
			if (tick == 75 * 50)
				at_15_s = intake_stats_rt(intake).jitter.delay_ms;
		}
		CHECK("it was bad", worst >= 90 && worst <= 140);
		CHECK("half way", at_10_s < 80);
		CHECK("back", at_15_s <= 35);
		intake_free(intake);
	}
}

static void digits_leave_no_mark(void)
{
	struct intake *intake = intake_make(MEDIA_CODEC_PCMU, false);

	for (uint64_t i = 0; i < 100; i++) {
		struct rtp_packet event = {.seq = (uint16_t)i, .ts = 40 * FRAME, .ssrc = 1};
		struct intake_frame frame;

		if (i >= 40 && i < 50)
			intake_skip_rt(intake, &event, i * 20000);
		else
			put(intake, MEDIA_CODEC_PCMU, tone413, i, i * 20000);
		frame = intake_get_rt(intake, i * 20000 + 7000);
		CHECK("nothing invented", !frame.is_concealed || i == 40);
		if (i > 50)
			CHECK("goes on", frame.payload != NULL);
	}
	CHECK_INT(NULL, intake_stats_rt(intake).jitter.lost, 0);
	intake_free(intake);
}

/* A burst so long that it was taken for a pause: what comes after it begins in the middle of the
 * sound, and fades in. The beginning of a spurt does not. */
static void sound_after_a_long_burst_fades_in(void)
{
	static const bool begins[] = {false, true};

	for (size_t k = 0; k < ARRAY_LEN(begins); k++) {
		struct intake *intake = intake_make(MEDIA_CODEC_PCMU, false);
		int32_t last = 0, before = 0, bend = 0;
		uint64_t first = 0;

		for (uint64_t i = 0; i < 100; i++) {
			struct intake_frame frame;
			uint8_t octets[FRAME];
			struct rtp_packet packet = {.seq = (uint16_t)i,
						    .ts = (uint32_t)(i * FRAME),
						    .ssrc = 1,
						    .has_marker = begins[k] && i == 60,
						    .payload = octets,
						    .payload_len = FRAME};

			octets_of(MEDIA_CODEC_PCMU, tone413, i * FRAME + 5, octets); /* no zero */
			if (i < 50 || i >= 60)
				(void)intake_put_rt(intake, &packet, MEDIA_CODEC_PCMU, i * 20000);
			frame = intake_get_rt(intake, i * 20000 + 7000);
			if (i > 55 && !frame.is_silent && !first)
				first = i;
			for (uint32_t n = 0; i >= 59 && n < FRAME; n++) {
				int32_t now = frame.pcm[n];

				bend = MAX_OF(bend, abs(now - 2 * last + before));
				before = last;
				last = now;
			}
		}
		CHECK_INT("it is heard again", first, 60);
		if (begins[k])
			CHECK("a word begins as it was said", bend > 3000);
		else
			CHECK("no click", bend < 2500);
		intake_free(intake);
	}
}

static void reset_forgets_the_stream(void)
{
	struct intake *intake = intake_make(MEDIA_CODEC_PCMU, false);

	for (uint64_t i = 0; i < 10; i++) {
		put(intake, MEDIA_CODEC_PCMU, tone413, i, i * 20000);
		(void)intake_get_rt(intake, i * 20000 + 7000);
	}
	put(intake, MEDIA_CODEC_PCMU, tone413, 10, 200000);
	intake_reset_rt(intake);
	CHECK("silent", intake_get_rt(intake, 207000).is_silent);
	CHECK("counters stay", intake_stats_rt(intake).jitter.stored == 11);
	intake_free(intake);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define HAS_MALLINFO /* sanitizers bring another allocator */
#endif

#ifdef HAS_MALLINFO
static void memory_is_small(void)
{
	size_t before = mallinfo2().uordblks, after;
	struct intake *intake = intake_make(MEDIA_CODEC_PCMU, false);

	after = mallinfo2().uordblks;
	CHECK("there is something", after > before + 4096);
	CHECK("at most 20 KiB", after - before <= 20 * 1024);
	intake_free(intake);
}
#endif

void suite_intake(void)
{
	CHECK_SUITE("intake");
	CHECK_TEST(params_are_checked);
	CHECK_TEST(one_talker_passes_bit_exact);
	CHECK_TEST(silence_is_told);
	CHECK_TEST(a_lost_packet_is_concealed);
	CHECK_TEST(slow_periods_are_lengthened_without_a_click);
	CHECK_TEST(codec_may_change);
	CHECK_TEST(a_stream_may_change_its_codec);
	CHECK_TEST(opus_fills_its_own_gaps);
	CHECK_TEST(opus_packets_of_any_length);
	CHECK_TEST(whole_packets_sound_the_same);
	CHECK_TEST(silence_left_out_is_not_heard);
	CHECK_TEST(the_marks_of_the_tone_measure);
	CHECK_TEST(drift_for_an_hour);
	CHECK_TEST(shrinks_after_a_bad_minute);
	CHECK_TEST(digits_leave_no_mark);
	CHECK_TEST(sound_after_a_long_burst_fades_in);
	CHECK_TEST(reset_forgets_the_stream);
#ifdef HAS_MALLINFO
	CHECK_TEST(memory_is_small);
#endif
}
