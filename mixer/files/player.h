/* mixer/files/player.h -- a list of sound files, tones and pauses, played one after the other.
 *
 * The files thread keeps PLAYER_AHEAD_MS of it ready in a ring; a worker takes a frame per tick. A
 * prompt that is put together of recordings ("there are", "five", "callers") is one player with a
 * list of items; hold music is one that loops. A sound that cannot be read is passed over: the rest
 * is heard, and player_err tells the first failure.
 *
 * Threads: player_new, _seek, _set_loop and _close on control; player_read_rt on the worker that has it; the
 * read-outs anywhere.
 */
#ifndef MIXER_FILES_PLAYER_H
#define MIXER_FILES_PLAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "media.h"
#include "mixer/files/files.h"

enum {
	PLAYER_AHEAD_MS = 500,
	PLAYER_RAMP_MS = 5, /* a tone begins and ends softly */
	PLAYER_TONE_MS_MAX = 3600 * 1000
};

struct player_params {
	const struct media_sound *sounds;
	uint32_t sound_count;
	uint32_t rate_hz; /* of the frames: 8000, 16000 or 48000 */
	bool is_loop;     /* from the first item again, after the last */
	uint64_t start_ms;
};

struct player;

/* -ENOMEM, -EINVAL (rate, no sounds), ERR_LIMIT (MEDIA_SOUNDS_MAX, MEDIA_PATH_MAX,
 * MEDIA_SOUND_MS_MAX, jobs). */
int player_new(struct files *files, const struct player_params *params, struct player **ret_player);
/* No worker has it any more. The thread frees it. Accepts NULL. */
void player_close(struct player *player);

/* Counts when the last sound has been read, which is PLAYER_AHEAD_MS before it is heard. */
void player_set_loop(struct player *player, bool is_loop);

/* Goes on at `ms` from the beginning of the list; what is in the ring is dropped. */
void player_seek(struct player *player, uint64_t ms);

enum player_read {
	PLAYER_SOUND,
	PLAYER_LATE, /* nothing is ready yet: silence */
	PLAYER_OVER  /* nothing will come any more */
};
/* One frame of rate_hz / 50 samples; silence unless SOUND. */
enum player_read player_read_rt(struct player *player, int16_t *pcm) NONBLOCKING;

uint32_t player_rate_hz(const struct player *player);
uint64_t player_position_ms(const struct player *player); /* of what was read, from the beginning */
uint32_t player_late_frames(const struct player *player); /* once it had begun */
int player_err(const struct player *player);              /* 0, negative errno, ERR_FILE_FORMAT */

#endif
