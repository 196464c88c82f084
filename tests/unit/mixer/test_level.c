/* tests/unit/mixer/test_level.c */
#include <math.h>

#include "mixer/level.h"
#include "tests/support/check.h"

static void level_of_known_signals(void)
{
	int16_t pcm[160];

	for (int i = 0; i < 160; i++)
		pcm[i] = i % 2 ? 32767 : -32767;
	CHECK_INT("full-scale square", level_pcm(pcm, 160), 0);
	for (int i = 0; i < 160; i++)
		pcm[i] = (int16_t)lrint(32767 * sin(2 * M_PI * i / 16));
	CHECK_INT("full-scale sine", level_pcm(pcm, 160), 3);
	for (int i = 0; i < 160; i++)
		pcm[i] = (int16_t)(i % 2 ? 3277 : -3277);
	CHECK_INT("20 dB below", level_pcm(pcm, 160), 20);
	for (int i = 0; i < 160; i++)
		pcm[i] = -32768;
	CHECK_INT("beyond", level_pcm(pcm, 160), 0);
	for (int i = 0; i < 160; i++)
		pcm[i] = 0;
	CHECK_INT("silence", level_pcm(pcm, 160), 127);
	pcm[80] = 1;
	CHECK_INT("one", level_pcm(pcm, 160), 112);
}

static int frames_until(struct level_talk *talk, uint8_t level, bool want)
{
	for (int i = 0; i < 1000; i++)
		if (level_talk_rt(talk, level, 20) == want)
			return i + 1;
	return -1;
}

static void talk_starts_and_ends(void)
{
	struct level_talk talk;

	level_talk_init(&talk);
	CHECK_INT("silence is no talk", frames_until(&talk, 127, true), -1);
	CHECK_INT("starts in two frames", frames_until(&talk, 20, true), 2);
	CHECK_INT("hangs on for 400 ms", frames_until(&talk, 127, false), 20);
	CHECK_INT("a click", level_talk_rt(&talk, 10, 20), false);
	CHECK_INT("a click", level_talk_rt(&talk, 127, 20), false);
	CHECK_INT("is no talk", frames_until(&talk, 127, true), -1);
	CHECK_INT("nor is a whisper at -55", frames_until(&talk, 55, true), -1);
}

static void talk_bridges_pauses(void)
{
	struct level_talk talk;
	int gaps = 0;

	level_talk_init(&talk);
	(void)frames_until(&talk, 20, true);
	for (int i = 0; i < 3000; i++) /* words of 200 ms, pauses of 300 ms, for a minute */
		gaps += !level_talk_rt(&talk, i % 25 < 10 ? 22 : 60, 20);
	CHECK_INT(NULL, gaps, 0);
}

static void talk_learns_the_noise(void)
{
	struct level_talk talk;
	int frames;

	level_talk_init(&talk);
	(void)frames_until(&talk, 45, true); /* a fan is switched on */
	frames = frames_until(&talk, 45, false);
	CHECK("within half a minute", frames > 0 && frames < 1500);
	CHECK_INT("speech over it", frames_until(&talk, 20, true), 2);
	CHECK("and ends", frames_until(&talk, 45, false) > 0);
	CHECK_INT("a quieter room is believed at once", frames_until(&talk, 70, true), -1);
	CHECK_INT(NULL, frames_until(&talk, 45, true), 2);
}

void suite_level(void)
{
	CHECK_SUITE("level");
	CHECK_TEST(level_of_known_signals);
	CHECK_TEST(talk_starts_and_ends);
	CHECK_TEST(talk_bridges_pauses);
	CHECK_TEST(talk_learns_the_noise);
}
