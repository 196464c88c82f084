/* tests/bench/sound.c -- what a listener hears of a bad network, on a virtual clock.
 *
 *   bench_sound [seconds [speech [seed]]]      speech: raw, 8 kHz, 16 bits, mono; - for none
 *
 * One talker sends through a path that loses and delays packets; the very receiving chain of the
 * mixer (mixer/intake.h) plays it at its ticks. Measured per row:
 *   glitch  share of 40 ms windows in which what is not the tone (413 Hz) is above -20 dB
 *   span    the same with SpanDSP's concealment and no time-scale (loss rows only)
 *   hole    the same with silence in place of what is lost
 *   click   bends per minute of sound that the tone itself has not: second differences above three
 *           times its own, once per 5 ms; of ours, SpanDSP's and holes
 *   delay   between a packet's earliest possible arrival and its play, p50 and p99
 * and what the chain says of itself. With speech, a second table for the losses: the distance
 * between the spectrum of what is heard and of what was said (dB, mean over the frames in which
 * they differ with holes), and the segmental signal-to-noise ratio there. The same seed gives the
 * same table.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spandsp/telephony.h>

#include <spandsp/plc.h>

#include "base/attr.h"
#include "base/random.h"
#include "mixer/codec.h"
#include "mixer/intake.h"
#include "tests/support/path.h"

enum {
	FRAME = 160,
	WINDOW = 320,
	SECONDS = 120,
	WARM_UP_S = 4,
	AMPLITUDE = 10000,
	SPEECH_MAX = 8000 * 600,
	CLICK_SAMPLES = 40
};

static const struct row {
	const char *name;
	struct path_params path;
	double glitch_max; /* of 100; the mark of shared measurements */
} rows[] = {
	{"clean", {0}, 0},
	{"loss 1 %", {.loss_pm = 10}, 0.7},
	{"loss 3 %", {.loss_pm = 30}, 1.0},
	{"loss 5 %", {.loss_pm = 50}, 1.3},
	{"loss 10 %", {.loss_pm = 100}, 2.3},
	{"loss 20 %", {.loss_pm = 200}, 10},
	{"loss 1 % bursty", {.loss_pm = 10, .burst = 3}, 3},
	{"loss 3 % bursty", {.loss_pm = 30, .burst = 3}, 6},
	{"loss 5 % bursty", {.loss_pm = 50, .burst = 3}, 10},
	{"loss 10 % bursty", {.loss_pm = 100, .burst = 3}, 15},
	{"loss 20 % bursty", {.loss_pm = 200, .burst = 3}, 25},
	{"jitter 20 ms", {.jitter_us = 20000}, 0.0},
	{"jitter 40 ms", {.jitter_us = 40000}, 0.3},
	{"jitter 80 ms", {.jitter_us = 80000}, 1.0},
	{"jitter 40 in order", {.jitter_us = 40000, .is_in_order = true}, 1.0},
	{"spikes 100 ms 1 %", {.spike_us = 100000, .spike_pm = 10, .is_in_order = true}, 3},
	{"drift +200 ppm", {.drift_ppm = 200}, 0.3},
	{"drift -200 ppm", {.drift_ppm = -200}, 0.3},
	{"40 ms + 5 % loss", {.jitter_us = 40000, .loss_pm = 50}, 3},
};

static uint64_t seed = 1;
static int16_t *speech; /* NULL: the tone */
static size_t speech_len;

static void signal_at(uint64_t from, int16_t pcm[FRAME])
{
	for (uint32_t i = 0; speech && i < FRAME; i++)
		pcm[i] = speech[(from + i) % speech_len];
	for (uint32_t i = 0; !speech && i < FRAME; i++)
		pcm[i] = (int16_t)lrint(AMPLITUDE *
					sin(2 * M_PI * 413 * (double)(from + i) / 8000));
}

static void clean_frame(uint64_t number, int16_t pcm[FRAME])
{
	signal_at(number * FRAME, pcm);
	for (uint32_t k = 0; k < FRAME; k++)
		pcm[k] = codec_ulaw_decode(codec_ulaw_encode(pcm[k]));
}

static bool is_glitched(const int16_t pcm[WINDOW])
{
	double c = 0, s = 0, total = 0, in_tone;

	for (uint32_t i = 0; i < WINDOW; i++) {
		double phase = 2 * M_PI * 413 * i / 8000;

		c += pcm[i] * cos(phase);
		s += pcm[i] * sin(phase);
		total += (double)pcm[i] * pcm[i];
	}
	in_tone = 2 * (c * c + s * s) / WINDOW;
	/* The fit over a window that holds no whole number of cycles is off by less than -40 dB. */
	return total - in_tone > 0.01 * total ||
	       total < 0.25 * WINDOW * AMPLITUDE * AMPLITUDE / 2.0;
}

struct ear {
	int16_t window[WINDOW];
	uint32_t have, ticks;
	uint64_t windows, glitches;
	int32_t last, before; /* samples */
	uint32_t deaf;        /* samples until another click counts */
	uint64_t clicks;
};

/* A sample that does not go on where those before it went. */
static void ear_click(struct ear *ear, int16_t sample)
{
	static const double step = 2 * M_PI * 413 / 8000;
	int32_t bend = sample - 2 * ear->last + ear->before;

	ear->before = ear->last;
	ear->last = sample;
	ear->deaf -= ear->deaf > 0;
	if (ear->deaf > 0 || abs(bend) < 3 * AMPLITUDE * step * step)
		return;
	ear->clicks++;
	ear->deaf = CLICK_SAMPLES;
}

static void ear_hear(struct ear *ear, const int16_t *pcm)
{
	if (ear->ticks++ < WARM_UP_S * 50) {
		ear->before = pcm[FRAME - 2];
		ear->last = pcm[FRAME - 1];
		return;
	}
	for (uint32_t i = 0; i < FRAME; i++)
		ear_click(ear, pcm[i]);
	memcpy(ear->window + ear->have, pcm, FRAME * sizeof(*pcm));
	ear->have += FRAME;
	if (ear->have == WINDOW) {
		ear->windows++;
		ear->glitches += is_glitched(ear->window);
		ear->have = 0;
	}
}

static double ear_clicks(const struct ear *ear)
{
	return ear->windows ? 60.0 * 25 * (double)ear->clicks / (double)ear->windows : 0;
}

static double ear_percent(const struct ear *ear)
{
	return ear->windows ? 100.0 * (double)ear->glitches / (double)ear->windows : 0;
}

/* The same losses without a jitter buffer: with SpanDSP's concealment, or holes. */
static void others_run(const struct row *row, uint32_t seconds, struct ear *span, struct ear *hole)
{
	struct path path;
	plc_state_t plc;
	struct path_packet out;

	path_init(&path, &row->path, seed);
	plc_init(&plc);
	for (uint64_t i = 0; i < seconds * 50u; i++) {
		int16_t pcm[FRAME], filled[FRAME] = {0};
		bool is_there = path_send(&path, (struct path_packet){.number = i}, i * 20000);

		while (path_arrived(&path, UINT64_MAX, &out))
			;
		clean_frame(i, pcm);
		ear_hear(hole, is_there ? pcm : filled);
		if (is_there)
			(void)plc_rx(&plc, pcm, FRAME);
		else
			(void)plc_fillin(&plc, pcm, FRAME);
		ear_hear(span, pcm);
	}
}

static void put(struct intake *intake, const struct path_packet *arrived)
{
	const struct codec *codec = codec_find(MEDIA_CODEC_PCMU);
	int16_t pcm[FRAME];
	uint8_t octets[FRAME];
	struct rtp_packet packet = {.payload_type = 0,
				    .seq = (uint16_t)arrived->number,
				    .ts = (uint32_t)(arrived->number * FRAME),
				    .ssrc = 1,
				    .payload = octets,
				    .payload_len = FRAME};

	signal_at(arrived->number * FRAME, pcm);
	(void)codec->encode_rt(NULL, pcm, FRAME, octets, FRAME);
	(void)intake_put_rt(intake, &packet, MEDIA_CODEC_PCMU, arrived->at_us);
}

/* Speech ------------------------------------------------------------------------------------ */

enum { BANDS = 32, STEP = 80, SPAN = 160 };

struct verdict {
	double distance, noise_db;
	uint32_t frames;
};

/* Power in dB in bands of 125 Hz under a Hann window. */
static void spectrum(const int16_t pcm[SPAN], double db[BANDS])
{
	for (uint32_t b = 0; b < BANDS; b++) {
		double c = 0, s = 0, w = 2 * M_PI * (b + 0.5) * 125 / 8000;

		for (uint32_t i = 0; i < SPAN; i++) {
			double v = pcm[i] * (0.5 - 0.5 * cos(2 * M_PI * (i + 0.5) / SPAN));

			c += v * cos(w * i);
			s += v * sin(w * i);
		}
		db[b] = 10 * log10(c * c + s * s + 1e7); /* what is 50 dB below speech is nothing */
	}
}

static void judge(struct verdict *verdict, const int16_t *heard, const int16_t *said)
{
	double a[BANDS], b[BANDS], sum = 0, power = 0, noise = 1;

	for (uint32_t i = 0; i < FRAME; i++) {
		power += (double)said[i] * said[i];
		noise += (double)(heard[i] - said[i]) * (heard[i] - said[i]);
	}
	if (power < 1e4 * FRAME) /* a pause has nothing to lose */
		return;
	spectrum(heard, a);
	spectrum(said, b);
	for (uint32_t k = 0; k < BANDS; k++)
		sum += (a[k] - b[k]) * (a[k] - b[k]);
	verdict->distance += sqrt(sum / BANDS);
	verdict->noise_db += fmin(fmax(10 * log10(power / noise), -10), 35);
	verdict->frames++;
}

/* All three ways to play one loss pattern; judged where a packet or the one before it was lost. */
static void speech_run(const struct row *row, uint32_t seconds)
{
	struct intake_params params = {.codec = MEDIA_CODEC_PCMU, .pull_ms = 20};
	struct verdict verdicts[3] = {0};
	struct intake *intake;
	struct path path;
	struct path_packet arrived;
	plc_state_t span;
	bool was_there = true;

	if (intake_new(&params, &intake))
		abort();
	path_init(&path, &row->path, seed);
	plc_init(&span);
	for (uint64_t i = 0; i < seconds * 50u; i++) {
		int16_t said[FRAME], other[FRAME], nothing[FRAME] = {0};
		bool is_there = path_send(&path, (struct path_packet){.number = i}, i * 20000);
		struct intake_frame frame;

		while (path_arrived(&path, i * 20000 + 7000, &arrived))
			put(intake, &arrived);
		frame = intake_get_rt(intake, i * 20000 + 7000);
		clean_frame(i, said);
		memcpy(other, said, sizeof(other));
		if (is_there)
			(void)plc_rx(&span, other, FRAME);
		else
			(void)plc_fillin(&span, other, FRAME);
		if (!is_there || !was_there) {
			judge(&verdicts[0], frame.pcm, said);
			judge(&verdicts[1], other, said);
			judge(&verdicts[2], is_there ? said : nothing, said);
		}
		was_there = is_there;
	}
	printf("%-20s", row->name);
	for (int k = 0; k < 3; k++)
		printf("  %6.2f %6.2f", verdicts[k].distance / verdicts[k].frames,
		       verdicts[k].noise_db / verdicts[k].frames);
	printf("\n");
	intake_free(intake);
}

static void speech_table(const char *path, uint32_t seconds)
{
	FILE *file = fopen(path, "rb");

	speech = malloc(SPEECH_MAX * sizeof(*speech));
	speech_len = file && speech ? fread(speech, sizeof(*speech), SPEECH_MAX, file) : 0;
	if (speech_len < FRAME) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(1);
	}
	(void)fclose(file);
	printf("\nspeech: distance dB, signal to noise dB\n%-20s  %-13s  %-13s  %-13s\n", "path",
	       "hearth", "spandsp", "hole");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].path.loss_pm && !rows[i].path.jitter_us)
			speech_run(&rows[i], seconds);
	free(speech);
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void run(const struct row *row, uint32_t seconds)
{
	struct intake_params params = {.codec = MEDIA_CODEC_PCMU, .pull_ms = 20};
	uint64_t ticks = seconds * 50u, sent = 0;
	uint32_t *delays = calloc(ticks, sizeof(*delays)), count = 0;
	struct ear ear = {0}, span = {0}, hole = {0};
	struct intake *intake;
	struct intake_stats stats;
	struct path path;
	struct path_packet arrived;

	if (!delays || intake_new(&params, &intake))
		abort();
	path_init(&path, &row->path, seed);
	for (uint64_t tick = 1; tick <= ticks; tick++) {
		uint64_t now = tick * 20000 + 7000; /* a phase like any other */

		for (; path_send_time(&path, sent * 20000) <= now; sent++)
			(void)path_send(&path, (struct path_packet){.number = sent},
					path_send_time(&path, sent * 20000));
		while (path_arrived(&path, now, &arrived))
			put(intake, &arrived);
		ear_hear(&ear, intake_get_rt(intake, now).pcm);
		if (tick > WARM_UP_S * 50)
			delays[count++] = intake_stats_rt(intake).jitter.delay_ms;
	}
	qsort(delays, count, sizeof(*delays), compare_u32);
	stats = intake_stats_rt(intake);
	if (row->path.loss_pm && !row->path.jitter_us)
		others_run(row, seconds, &span, &hole);
	printf("%-20s %6.2f %6.2f %6.2f %6.2f  %6.1f %6.1f %6.1f  %4u %4u  %5u %5u %6u %6u %6u\n",
	       row->name, ear_percent(&ear), row->glitch_max, ear_percent(&span),
	       ear_percent(&hole), ear_clicks(&ear), ear_clicks(&span), ear_clicks(&hole),
	       delays[count / 2], delays[count * 99 / 100], (unsigned)stats.jitter.lost,
	       (unsigned)stats.jitter.late, (unsigned)stats.concealed_ms,
	       (unsigned)stats.shortened_ms, (unsigned)stats.lengthened_ms);
	intake_free(intake);
	free(delays);
}

int main(int argc, char **argv)
{
	uint32_t seconds = argc > 1 ? (uint32_t)atoi(argv[1]) : SECONDS;

	seed = argc > 3 ? strtoull(argv[3], NULL, 10) : seed;
	printf("%-20s %6s %6s %6s %6s  %6s %6s %6s  %4s %4s  %5s %5s %6s %6s %6s\n", "path",
	       "glitch", "mark", "span", "hole", "click", "span", "hole", "p50", "p99", "lost",
	       "late", "cncl", "short", "longer");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		run(&rows[i], seconds);
	if (argc > 2 && strcmp(argv[2], "-") != 0)
		speech_table(argv[2], seconds);
	return 0;
}
