/* tests/unit/mixer/test_watch.c */
#include "mixer/watch.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "mixer/level.h"
#include "tests/support/check.h"

enum { FRAME = 160 };

static void tone(double amplitude, uint32_t at, int16_t out[FRAME])
{
	for (uint32_t i = 0; i < FRAME; i++)
		out[i] = (int16_t)fmin(
			32124, fmax(-32124, amplitude * sin(2 * M_PI * 413 * (at + i) / 8000.0)));
}

static void speak(struct watch *watch, uint32_t frames, double amplitude)
{
	int16_t pcm[FRAME];

	for (uint32_t k = 0; k < frames; k++) {
		tone(amplitude, k * FRAME, pcm);
		watch_tick_rt(watch, &(struct watch_tick){.pcm = pcm,
							  .samples = FRAME,
							  .level_in = level_pcm(pcm, FRAME),
							  .level_out = MEDIA_LEVEL_SILENT,
							  .is_talking = true});
	}
}

static void clipping(void)
{
	struct watch watch = {0};

	speak(&watch, 100, 31000);
	CHECK("loud is not clipped", !(watch.flags & MEDIA_FLAG_CLIPPING));
	speak(&watch, 2, 60000);
	CHECK("one shout", !(watch.flags & MEDIA_FLAG_CLIPPING));
	speak(&watch, 20, 60000);
	CHECK("again and again", watch.flags & MEDIA_FLAG_CLIPPING);
	speak(&watch, 50, 9000);
	CHECK("stays for a while", watch.flags & MEDIA_FLAG_CLIPPING);
	speak(&watch, 100, 9000);
	CHECK("over", !(watch.flags & MEDIA_FLAG_CLIPPING));
}

static void low_level(void)
{
	struct watch watch = {0};

	speak(&watch, 300, 3000);
	CHECK("as people talk", !(watch.flags & MEDIA_FLAG_LOW_LEVEL));
	speak(&watch, 600, 150);
	CHECK("far from the microphone", watch.flags & MEDIA_FLAG_LOW_LEVEL);
	speak(&watch, 600, 3000);
	CHECK("better", !(watch.flags & MEDIA_FLAG_LOW_LEVEL));
}

/* Levels of words that somebody speaks; -dBov. */
static uint8_t word(struct random *random, uint32_t tick)
{
	static uint8_t now = 30;

	if (tick % 6 == 0)
		now = (uint8_t)(15 + random_below(random, 45));
	return now;
}

static void echo(void)
{
	static const struct {
		const char *row;
		uint32_t lag;  /* ticks; 0: no echo */
		uint32_t loss; /* dB */
		bool want;
	} cases[] = {
		{"somebody else talks there", 0, 0, false},
		{"60 ms later, 12 dB softer", 3, 12, true},
		{"400 ms later, 25 dB softer", 20, 25, true},
		{"louder than what went out: no echo", 3, (uint32_t)-8, false},
	};

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		struct random ours, theirs;
		uint8_t past[32] = {0};
		struct watch watch = {0};
		int16_t pcm[FRAME] = {1};

		random_init_seeded(&ours, 4);
		random_init_seeded(&theirs, 5);
		for (uint32_t k = 0; k < 1000; k++) {
			uint8_t out = word(&ours, k), in;

			past[k % 32] = out;
			in = cases[n].lag ? (uint8_t)(past[(k - cases[n].lag) % 32] + cases[n].loss)
					  : (uint8_t)(20 + random_below(&theirs, 40));
			watch_tick_rt(&watch, &(struct watch_tick){.pcm = pcm,
								   .samples = FRAME,
								   .level_in = in,
								   .level_out = out});
		}
		CHECK(cases[n].row, !!(watch.flags & MEDIA_FLAG_ECHO) == cases[n].want);
	}
}

static void one_way(void)
{
	struct watch watch = {0};

	watch_report_rt(&watch, true, 100, 250);
	watch_report_rt(&watch, true, 350, 250);
	watch_silence_rt(&watch, 0);
	CHECK_INT("all is well", watch.flags, 0);
	watch_report_rt(&watch, true, 350, 250);
	watch_report_rt(&watch, true, 350, 3);
	watch_silence_rt(&watch, 0);
	CHECK_INT("once, and once while we hardly sent", watch.flags, 0);
	watch_report_rt(&watch, true, 350, 250);
	watch_silence_rt(&watch, 0);
	CHECK_INT("it stands still", watch.flags, MEDIA_FLAG_ONE_WAY);
	watch_report_rt(&watch, true, 600, 250);
	watch_silence_rt(&watch, 0);
	CHECK_INT("it came through", watch.flags, 0);
	watch_report_rt(&watch, false, 0, 250);
	watch_report_rt(&watch, false, 0, 250);
	watch_silence_rt(&watch, 0);
	CHECK_INT("it knows no stream of ours", watch.flags, MEDIA_FLAG_ONE_WAY);
	watch_report_rt(&watch, true, 700, 250);
	watch_silence_rt(&watch, WATCH_NOTHING_MS - 1);
	CHECK_INT("not long yet", watch.flags, 0);
	watch_silence_rt(&watch, WATCH_NOTHING_MS);
	CHECK_INT("nothing comes", watch.flags, MEDIA_FLAG_ONE_WAY);
}

void suite_watch(void)
{
	CHECK_SUITE("watch");
	CHECK_TEST(clipping);
	CHECK_TEST(low_level);
	CHECK_TEST(echo);
	CHECK_TEST(one_way);
}
