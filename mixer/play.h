/* mixer/play.h -- a player on a leg or in a room, and a recorder that listens there (a *take*), as
 * the worker sees them.
 *
 * Control makes one, hands it over by a single command, and gets it back by a single event; in
 * between it only sets the atomic wishes. So nothing that control sends can arrive after the object
 * has gone.
 *
 * A play of a room is a talker that nobody's mix-minus leaves out; who talks is ducked meanwhile when
 * it says so. A play of a leg is added to what that leg alone hears, which is ducked in the same way.
 * A play that is stopped or paused fades out first (ramp.h). A take of a room writes the mix of all, at its
 * own rate; one of a leg what the room hears of it. Ended ones wait in leg_env.ended for their way
 * back.
 *
 * Shape:   mono int16_t, frames of LEG_TICK_MS.
 * Threads: *_new, *_free and the wishes on control; *_rt on the worker that has it.
 */
#ifndef MIXER_PLAY_H
#define MIXER_PLAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "mixer/files/player.h"
#include "mixer/files/recorder.h"
#include "mixer/leg.h"
#include "mixer/ramp.h"

struct bus;

/* What play and take have in common: their place on a leg or bus, and the way back. */
struct sound {
	struct list node; /* in the leg's or bus' list, or in leg_env.ended */
	bool is_take;
	struct leg *leg; /* one of both */
	struct bus *bus;
	_Atomic bool must_end; /* control's wish */
	void *owner;           /* control's */
};

struct play {
	struct sound sound; /* first */
	struct player *player;
	_Atomic bool is_paused;
	_Atomic int32_t gain_q14;
	struct ramp volume;     /* on its way to gain_q14, or to nothing in a pause and at its end */
	int32_t duck_q14;       /* on who talks meanwhile */
	uint8_t native;         /* rate of the player */
	bool is_ducking;        /* it plays, whether or not there is a frame in this tick */
	bool is_heard;          /* there is a frame in this tick */
	bool has_begun;         /* there was one */
	uint8_t made, was_made; /* rates, bits: in this tick and the last */
	struct resample resample[LEG_RATES];
	int16_t pcm[LEG_RATES][LEG_SAMPLES_MAX];
};

struct take {
	struct sound sound; /* first */
	struct recorder *recorder;
	uint8_t rate;
	uint8_t from;         /* rate that was resampled in the last tick, LEG_RATES none */
	bool is_awaiting;     /* of a leg: its first frame is to stand where the room's recording is
				 then */
	uint64_t lead_frames; /* where that is for want of a recording of the room on this worker */
	struct resample resample;
	int16_t pcm[LEG_SAMPLES_MAX];
};

/* They take over the player or recorder when they succeed. -ENOMEM. */
int play_new(struct player *player, struct play **ret_play);
int take_new(struct recorder *recorder, uint32_t rate_hz, struct take **ret_take);
/* Closes the player or recorder as well. Accept NULL; return NULL. */
struct play *play_free(struct play *play);
struct take *take_free(struct take *take);

/* Puts it where it says (sound.leg or sound.bus). */
void sound_begin_rt(struct sound *sound) NONBLOCKING;
/* Takes it off its leg or bus, into `ended`. */
void sound_end_rt(struct sound *sound, struct list *ended) NONBLOCKING;
void sounds_end_rt(struct list *sounds, struct list *ended) NONBLOCKING;

/* The frame of this tick. False: it is over, or must end. */
bool play_pull_rt(struct play *play) NONBLOCKING;
/* That frame at a rate, after gain; NULL while there is none. */
const int16_t *play_pcm_rt(struct play *play, uint8_t rate) NONBLOCKING;

/* The gain that the plays of a list want on who talks: the least of all. */
int32_t plays_duck_q14_rt(struct list *plays) NONBLOCKING;

/* Once a tick: down fast, up slowly. */
void duck_step_rt(struct ramp *duck, int32_t target_q14) NONBLOCKING;

/* All plays of a leg, added to what it hears, which is ducked first. Returns false when nothing of
 * it was changed. */
bool plays_add_rt(struct leg *leg, int16_t *pcm) NONBLOCKING;

/* The worker missed `frames` ticks: silence in their place, so that recordings stay aligned. */
void takes_skip_rt(struct list *sounds, uint32_t frames) NONBLOCKING;

/* Where the first frame of a take of a leg stands, when it is awaiting: behind as much silence as
 * the recording of `bus` is long by now. */
void take_align_rt(struct take *take, const struct bus *bus) NONBLOCKING;

/* Writes a frame of sound at a rate (take->rate: as it is); NULL: silence. */
void take_write_rt(struct take *take, const int16_t *pcm, uint8_t rate) NONBLOCKING;

#endif
