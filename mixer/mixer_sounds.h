/* mixer/mixer_sounds.h -- plays and recordings, as media_ops has them, and their life in the mixer.
 *
 * Private to mixer*.c. Thread: control.
 */
#ifndef MIXER_MIXER_SOUNDS_H
#define MIXER_MIXER_SOUNDS_H

#include "media.h"

struct mixer;
struct sound;

/* Starts the files thread. -ENOMEM, errno of pthread_create and eventfd. */
int mixer_sounds_new(struct mixer *mixer);
/* Ends recordings whole, without events. Workers are stopped. Harmless when half-built. */
void mixer_sounds_free(struct mixer *mixer);
/* Tells which recordings are complete. */
void mixer_sounds_poll(struct mixer *mixer);
struct mixer_leg;
/* Control has the leg, on its way to a worker: what was started meanwhile begins there. */
void mixer_sounds_catch_up(struct mixer_leg *leg);
/* It will not arrive any more: they are over. */
void mixer_sounds_give_up(struct mixer_leg *leg);
/* A worker gave it back. */
void mixer_sound_returned(struct mixer *mixer, struct sound *sound);

/* media_ops. */
int mixer_play_start(void *ctx, const struct media_play *start, handle *ret_play);
int mixer_play_control(void *ctx, handle play, const struct media_play_control *control);
int mixer_play_seek(void *ctx, handle play, uint64_t ms);
uint64_t mixer_play_position_ms(void *ctx, handle play);
int mixer_play_stop(void *ctx, handle play);
int mixer_record_start(void *ctx, const struct media_record *start, handle *ret_record);
int mixer_record_pause(void *ctx, handle room, bool is_paused);
uint64_t mixer_record_length_ms(void *ctx, handle record);
int mixer_record_stop(void *ctx, handle record);

#endif
