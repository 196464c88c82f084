#include "mixer/level.h"

#include <assert.h>
#include <math.h>

#include "media.h"
#include "mixer/kernel.h"

/* Design. Level is the mean square against that of a full-scale square wave (RFC 6464 section 3).
 * The sum of squares of a frame fits 64 bits at any length; one logarithm per frame.
 *
 * The talk detector compares with a noise floor that falls at once to a quieter frame and rises by
 * RISE_DB per second, so that a fan that is switched on stops counting as speech after a while
 * while pauses between words keep the floor down during speech. */

enum {
	START_MS = 40,
	HANG_MS = 400,
	LOUDNESS_MIN_DBOV = -50, /* never talking below */
	FLOOR_MIN_DBOV = -80,    /* digital silence is no floor to compare with */
	FLOOR_MAX_DBOV = -30,    /* nobody is talked over for ever */
	ABOVE_FLOOR_DB = 9
};

#define RISE_DB_PER_MS 0.002f /* 2 dB per second */

uint8_t level_pcm(const int16_t *pcm, uint32_t samples)
{
	uint64_t energy;
	float db;

	assert(samples >= 1);
	energy = kernel_best()->energy_rt(pcm, samples);
	if (energy == 0)
		return MEDIA_LEVEL_SILENT;
	db = -10 * log10f((float)energy / ((float)samples * 32767.0f * 32767.0f));
	if (db <= 0)
		return 0;
	return db >= MEDIA_LEVEL_SILENT ? MEDIA_LEVEL_SILENT : (uint8_t)(db + 0.5f);
}

void level_talk_init(struct level_talk *talk)
{
	*talk = (struct level_talk){.floor_db = FLOOR_MIN_DBOV};
}

bool level_talk_rt(struct level_talk *talk, uint8_t level, uint16_t frame_ms)
{
	float db = -(float)level;
	bool is_loud = db > LOUDNESS_MIN_DBOV && db > talk->floor_db + ABOVE_FLOOR_DB;

	talk->floor_db += RISE_DB_PER_MS * frame_ms;
	if (db < talk->floor_db)
		talk->floor_db = db;
	talk->floor_db = fminf(fmaxf(talk->floor_db, FLOOR_MIN_DBOV), FLOOR_MAX_DBOV);

	if (is_loud) {
		talk->loud_ms = (uint16_t)(talk->loud_ms < START_MS ? talk->loud_ms + frame_ms
								    : START_MS);
		if (talk->loud_ms >= START_MS || talk->is_talking) {
			talk->is_talking = true;
			talk->hang_ms = HANG_MS;
		}
		return talk->is_talking;
	}
	talk->loud_ms = 0;
	talk->hang_ms = talk->hang_ms > frame_ms ? (uint16_t)(talk->hang_ms - frame_ms) : 0;
	if (talk->hang_ms == 0)
		talk->is_talking = false;
	return talk->is_talking;
}
