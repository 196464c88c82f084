/* mixer/level.h -- how loud a frame is, and whether somebody talks.
 *
 * Levels are -dBov as in RFC 6464: 0 is the level of a full-scale square wave, 127 digital silence.
 * Thread: pure functions any; a struct level_talk belongs to the leg's worker. Plain value.
 */
#ifndef MIXER_LEVEL_H
#define MIXER_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

/* Level of `samples` >= 1 of sound. */
uint8_t level_pcm(const int16_t *pcm, uint32_t samples);

/* Talk detector with hangover above an adaptive noise floor. */
struct level_talk {
	float floor_db;   /* noise floor, -dBov; falls at once, rises slowly */
	uint16_t loud_ms; /* loud in a row */
	uint16_t hang_ms; /* left of the hangover */
	bool is_talking;
};

void level_talk_init(struct level_talk *talk);

/* One frame. Returns is_talking. Starts after 40 ms of level above floor + 9 dB and louder than
 * -50 dBov (two frames: a click does not count), ends 400 ms after the last such frame. */
bool level_talk_rt(struct level_talk *talk, uint8_t level, uint16_t frame_ms);

#endif
