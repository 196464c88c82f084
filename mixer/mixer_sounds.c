/* mixer/mixer_sounds.c -- plays and recordings of src/media.h: control's side.
 *
 * An object here lives from its start to the return of what the worker had, a recording also until
 * its file is complete. */
#include "mixer/mixer_sounds.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "mixer/codec.h"
#include "mixer/kernel.h"
#include "mixer/mixer_priv.h"
#include "mixer/parts.h"
#include "mixer/play.h"

enum { SOUNDS_MAX = 16384 };

struct mixer_sound {
	struct list node; /* in mixer_sounds.all */
	struct mixer *mixer;
	handle handle;
	uint64_t tag;
	bool is_take;
	struct play *play; /* one of both, while it is at a worker */
	struct take *take;
};

struct mixer_sounds {
	struct files *files;
	struct loop_watch watch;
	struct handle_table *by_handle;
	struct list all;
};

static void tell(struct mixer *mixer, const struct media_event *event)
{
	if (mixer->params.on_event)
		mixer->params.on_event(mixer->params.arg, event);
}

static void sound_forget(struct mixer_sound *sound)
{
	list_remove(&sound->node);
	(void)handle_drop(sound->mixer->sounds->by_handle, sound->handle);
	if (sound->play)
		list_remove(&sound->play->sound.node);
	if (sound->take)
		list_remove(&sound->take->sound.node);
	play_free(sound->play);
	take_free(sound->take);
	free(sound);
}

/* Files -------------------------------------------------------------------------------------- */

static void recording_done(struct mixer *mixer, const struct files_event *done)
{
	struct mixer_sound *sound = handle_find(mixer->sounds->by_handle, (handle)done->tag);
	struct media_event event = {.kind = MEDIA_RECORD_ENDED,
				    .err = done->err,
				    .length_ms = done->recorded_ms,
				    .octets = done->octets,
				    .lost_ms = done->lost_ms};

	if (!sound)
		return; /* it never began */
	if (done->is_failing) {
		(void)mixer_record_stop(mixer, sound->handle);
		return;
	}
	event.object = sound->handle;
	event.tag = sound->tag;
	sound_forget(sound);
	tell(mixer, &event);
}

void mixer_sounds_poll(struct mixer *mixer)
{
	struct files_event done;

	while (files_take(mixer->sounds->files, &done))
		recording_done(mixer, &done);
}

static void on_files_ready(void *arg, unsigned events)
{
	struct mixer *mixer = arg;

	(void)events;
	files_fd_ack(mixer->sounds->files);
	mixer_sounds_poll(mixer);
}

/* Life --------------------------------------------------------------------------------------- */

int mixer_sounds_new(struct mixer *mixer)
{
	struct mixer_sounds *sounds = calloc(1, sizeof(*sounds));
	int err;

	if (!sounds)
		return -ENOMEM;
	mixer->sounds = sounds;
	list_init(&sounds->all);
	err = handle_table_new(SOUNDS_MAX, &sounds->by_handle);
	if (err == 0)
		err = files_new(&sounds->files);
	if (err || !mixer->params.loop)
		return err;
	sounds->watch = (struct loop_watch){
		.fd = files_fd(sounds->files), .on_ready = on_files_ready, .arg = mixer};
	return loop_watch_add(mixer->params.loop, &sounds->watch, LOOP_READ);
}

void mixer_sounds_free(struct mixer *mixer)
{
	struct mixer_sounds *sounds = mixer->sounds;
	struct list *it, *tmp;

	if (!sounds)
		return;
	if (mixer->params.loop && sounds->watch.on_ready)
		loop_watch_remove(mixer->params.loop, &sounds->watch);
	LIST_FOREACH (it, tmp, &sounds->all)
		sound_forget(LIST_ENTRY(it, struct mixer_sound, node));
	files_free(sounds->files);
	handle_table_free(sounds->by_handle);
	free(sounds);
	mixer->sounds = NULL;
}

void mixer_sound_returned(struct mixer *mixer, struct sound *returned)
{
	struct mixer_sound *sound = returned->owner;
	struct media_event event = {
		.kind = MEDIA_PLAY_ENDED, .object = sound->handle, .tag = sound->tag};

	if (sound->is_take) { /* its file is not complete yet: the files thread tells */
		sound->take = take_free(sound->take);
		return;
	}
	event.err = player_err(sound->play->player);
	event.length_ms = player_position_ms(sound->play->player);
	sound_forget(sound);
	tell(mixer, &event);
}

void mixer_sounds_catch_up(struct mixer_leg *leg)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &leg->sounds) {
		list_remove(it);
		sound_begin_rt(LIST_ENTRY(it, struct sound, node));
	}
}

void mixer_sounds_give_up(struct mixer_leg *leg)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &leg->sounds) {
		list_remove(it);
		mixer_sound_returned(leg->mixer, LIST_ENTRY(it, struct sound, node));
	}
}

/* Beginning ---------------------------------------------------------------------------------- */

/* Where it goes. *ret_at NULL: nowhere yet, the leg is between two workers and takes it along. */
static int place_find(struct mixer *mixer, handle leg, handle room, struct sound *sound,
		      struct mixer_worker **ret_at)
{
	struct mixer_leg *mixer_leg = leg ? handle_find(mixer->legs_by_handle, leg) : NULL;
	struct mixer_room *mixer_room = room ? handle_find(mixer->rooms_by_handle, room) : NULL;

	if (!leg == !room)
		return -EINVAL;
	if (mixer_room) {
		sound->bus = mixer_room->bus;
		*ret_at = mixer_room->at;
		return 0;
	}
	if (!mixer_leg || mixer_leg->is_closing)
		return ERR_STALE;
	sound->leg = mixer_leg->leg;
	*ret_at = mixer_leg->place == PLACE_WORKER ? mixer_leg->at : NULL;
	if (!*ret_at)
		list_append(&mixer_leg->sounds, &sound->node);
	return 0;
}

static int sound_post(struct mixer_sound *sound, handle leg, handle room)
{
	struct sound *at_worker = sound->is_take ? &sound->take->sound : &sound->play->sound;
	struct worker_command command = {.kind = WORKER_SOUND_ADD, .sound = at_worker};
	struct mixer_worker *at;
	int err = place_find(sound->mixer, leg, room, at_worker, &at);

	return err || !at ? err : mixer_post(at, &command);
}

static int sound_new(struct mixer *mixer, bool is_take, uint64_t tag,
		     struct mixer_sound **ret_sound)
{
	struct mixer_sound *sound = calloc(1, sizeof(*sound));
	int err;

	if (!sound)
		return -ENOMEM;
	sound->mixer = mixer;
	sound->is_take = is_take;
	sound->tag = tag;
	err = handle_take(mixer->sounds->by_handle, sound, &sound->handle);
	if (err) {
		free(sound);
		return err;
	}
	list_append(&mixer->sounds->all, &sound->node);
	*ret_sound = sound;
	return 0;
}

/* A play for one leg has the leg's rate; one for a room is wideband as soon as anybody is. */
static uint32_t play_rate_hz(const struct mixer *mixer, handle leg)
{
	const struct mixer_leg *mixer_leg = leg ? handle_find(mixer->legs_by_handle, leg) : NULL;

	if (mixer_leg)
		return codec_find(mixer_leg->shape.send)->sample_hz;
	return mixer->has_wideband ? 16000 : 8000;
}

int mixer_play_start(void *ctx, const struct media_play *start, handle *ret_play)
{
	struct mixer *mixer = ctx;
	struct player_params params = {.sounds = start->sounds,
				       .sound_count = start->sound_count,
				       .rate_hz = play_rate_hz(mixer, start->leg),
				       .is_loop = start->is_loop,
				       .start_ms = start->start_ms};
	struct mixer_sound *sound;
	struct player *player = NULL;
	int err = sound_new(mixer, false, start->tag, &sound);

	if (err)
		return err;
	err = player_new(mixer->sounds->files, &params, &player);
	if (err == 0)
		err = play_new(player, &sound->play);
	if (err) {
		player_close(player);
		sound_forget(sound);
		return err;
	}
	sound->play->sound.owner = sound;
	atomic_init(&sound->play->gain_q14, kernel_gain_q14(start->gain_cdb));
	ramp_init(&sound->play->volume, kernel_gain_q14(start->gain_cdb));
	sound->play->duck_q14 = kernel_gain_q14(start->duck_cdb);
	err = sound_post(sound, start->leg, start->room);
	if (err) {
		sound_forget(sound);
		return err;
	}
	*ret_play = sound->handle;
	return 0;
}

int mixer_record_start(void *ctx, const struct media_record *start, handle *ret_record)
{
	struct mixer *mixer = ctx;
	struct recorder_params params = {
		.path = start->path, .format = start->format, .rate_hz = start->rate_hz};
	struct recorder *recorder;
	struct mixer_sound *sound;
	int err = sound_new(mixer, true, start->tag, &sound);

	if (err)
		return err;
	params.tag = sound->handle;
	err = recorder_new(mixer->sounds->files, &params, &recorder);
	if (err) {
		sound_forget(sound);
		return err;
	}
	err = take_new(recorder, start->rate_hz, &sound->take);
	if (err) {
		recorder_close(recorder);
	} else {
		sound->take->sound.owner = sound;
		sound->take->is_awaiting = start->is_aligned;
		sound->take->lead_frames = start->lead_ms / FILES_FRAME_MS;
	}
	if (err == 0)
		err = sound_post(sound, start->leg, start->room);
	if (err) {
		sound_forget(sound);
		return err;
	}
	*ret_record = sound->handle;
	return 0;
}

/* Wishes ------------------------------------------------------------------------------------- */

static struct mixer_sound *sound_find(struct mixer *mixer, handle h, bool is_take)
{
	struct mixer_sound *sound = handle_find(mixer->sounds->by_handle, h);

	return sound && sound->is_take == is_take && (sound->play || sound->take) ? sound : NULL;
}

int mixer_play_control(void *ctx, handle h, const struct media_play_control *control)
{
	struct mixer_sound *sound = sound_find(ctx, h, false);

	if (!sound)
		return ERR_STALE;
	atomic_store(&sound->play->gain_q14, kernel_gain_q14(control->gain_cdb));
	atomic_store(&sound->play->is_paused, control->is_paused);
	player_set_loop(sound->play->player, control->is_loop);
	return 0;
}

int mixer_play_seek(void *ctx, handle h, uint64_t ms)
{
	struct mixer_sound *sound = sound_find(ctx, h, false);

	if (!sound)
		return ERR_STALE;
	player_seek(sound->play->player, ms);
	return 0;
}

uint64_t mixer_play_position_ms(void *ctx, handle h)
{
	const struct mixer_sound *sound = sound_find(ctx, h, false);

	return sound ? player_position_ms(sound->play->player) : 0;
}

int mixer_play_stop(void *ctx, handle h)
{
	struct mixer_sound *sound = sound_find(ctx, h, false);

	if (!sound)
		return ERR_STALE;
	atomic_store(&sound->play->sound.must_end, true);
	return 0;
}

int mixer_record_pause(void *ctx, handle room, bool is_paused)
{
	struct mixer *mixer = ctx;
	struct mixer_room *mixer_room = handle_find(mixer->rooms_by_handle, room);

	if (!mixer_room)
		return ERR_STALE;
	parts_set_paused(mixer_room, is_paused);
	return 0;
}

uint64_t mixer_record_length_ms(void *ctx, handle h)
{
	const struct mixer_sound *sound = sound_find(ctx, h, true);

	return sound ? recorder_ms(sound->take->recorder) : 0;
}

int mixer_record_stop(void *ctx, handle h)
{
	struct mixer_sound *sound = sound_find(ctx, h, true);

	if (!sound)
		return ERR_STALE;
	atomic_store(&sound->take->sound.must_end, true);
	return 0;
}
