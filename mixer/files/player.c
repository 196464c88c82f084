/* mixer/files/player.c */
#include "mixer/files/player.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/ring.h"
#include "mixer/files/files_priv.h"
#include "mixer/files/reader.h"

enum {
	AHEAD_FRAMES = PLAYER_AHEAD_MS / FILES_FRAME_MS,
	SKIP_FRAMES = 500 /* dropped in one turn of the thread, which has others to serve */
};

/* What travels in the ring; the ring's sounds are as long as a frame of the rate is. */
struct frame {
	uint32_t run;     /* a seek begins a new one; frames of older runs are dropped */
	uint32_t is_last; /* nothing follows in this run; no samples */
	uint64_t position_ms;
	int16_t pcm[];
};

struct player {
	struct files_job job;
	uint32_t rate_hz, frame_samples;
	struct ring *ring;

	/* Control asks, the thread does. */
	_Atomic uint64_t seek_ms;
	_Atomic uint32_t run;
	_Atomic bool is_loop;

	/* The thread's. */
	struct media_sound *sounds;
	uint32_t sound_count, sound_at;
	bool is_filled; /* to the end of the run */
	uint32_t filled_run;
	uint64_t sound_frames; /* of the present sound, done so far (tones and pauses) */
	uint64_t position_ms;  /* of the next frame */
	uint64_t skip_ms;      /* still to be dropped after a seek */
	bool had_sound;        /* in this round of the loop: a loop of nothing ends */
	struct reader *reader; /* of the present sound, NULL: not open */
	struct frame *frame;

	/* The worker's. */
	struct frame *taken;
	bool has_begun, is_over;
	uint32_t over_run;

	_Atomic uint64_t read_ms;
	_Atomic uint32_t late_frames;
	_Atomic int err;
};

static size_t frame_size(const struct player *player)
{
	return sizeof(struct frame) + player->frame_samples * sizeof(int16_t);
}

/* The thread -------------------------------------------------------------------------------- */

static void sound_next(struct player *player)
{
	player->reader = reader_free(player->reader);
	player->sound_frames = 0;
	player->sound_at++;
	if (player->sound_at < player->sound_count || !atomic_load(&player->is_loop) ||
	    !player->had_sound)
		return;
	player->sound_at = 0;
	player->had_sound = false;
}

static void note_err(struct player *player, int err)
{
	int none = 0;

	(void)atomic_compare_exchange_strong(&player->err, &none, err);
}

static bool file_frame(struct player *player, const struct media_sound *sound, int16_t *pcm)
{
	uint32_t got;
	int err;

	if (!player->reader) {
		err = reader_new(sound->path, player->rate_hz, &player->reader);
		if (err) {
			note_err(player, err);
			return false;
		}
	}
	got = reader_read(player->reader, pcm, player->frame_samples);
	memset(pcm + got, 0, (player->frame_samples - got) * sizeof(*pcm));
	return got > 0;
}

/* A ramp at both ends, so that a tone does not click. */
static double tone_gain(const struct player *player, const struct media_sound *sound, uint64_t at)
{
	double ramp = player->rate_hz * PLAYER_RAMP_MS / 1000.0;
	double end = (double)sound->ms * player->rate_hz / 1000.0;

	return fmax(0, fmin(1, fmin((double)at / ramp, (end - (double)at) / ramp)));
}

static bool tone_frame(struct player *player, const struct media_sound *sound, int16_t *pcm)
{
	double full = 32767 * pow(10, -sound->level_dbov / 20.0);
	uint64_t at = player->sound_frames * player->frame_samples;

	if (player->sound_frames * FILES_FRAME_MS >= sound->ms)
		return false;
	for (uint32_t i = 0; i < player->frame_samples; i++, at++) {
		double sum = 0;

		for (uint32_t k = 0; k < ARRAY_LEN(sound->hz); k++)
			sum += sin(2 * M_PI * sound->hz[k] * (double)at / player->rate_hz);
		sum *= full * tone_gain(player, sound, at);
		pcm[i] = (int16_t)fmax(-32767, fmin(32767, sum));
	}
	player->sound_frames++;
	return true;
}

static bool pause_frame(struct player *player, const struct media_sound *sound, int16_t *pcm)
{
	if (player->sound_frames * FILES_FRAME_MS >= sound->ms)
		return false;
	memset(pcm, 0, player->frame_samples * sizeof(*pcm));
	player->sound_frames++;
	return true;
}

/* The next frame of the list. False at its end. */
static bool frame_make(struct player *player, int16_t *pcm)
{
	while (player->sound_at < player->sound_count) {
		const struct media_sound *sound = &player->sounds[player->sound_at];
		bool has_frame = sound->kind == MEDIA_SOUND_FILE ? file_frame(player, sound, pcm)
				 : sound->kind == MEDIA_SOUND_TONE
					 ? tone_frame(player, sound, pcm)
					 : pause_frame(player, sound, pcm);

		if (has_frame) {
			player->had_sound = true;
			return true;
		}
		sound_next(player);
	}
	return false;
}

static void run_begin(struct player *player, uint32_t run)
{
	player->filled_run = run;
	player->reader = reader_free(player->reader);
	player->sound_at = 0;
	player->sound_frames = 0;
	player->is_filled = false;
	player->had_sound = false;
	player->position_ms = 0;
	player->skip_ms = atomic_load(&player->seek_ms);
}

/* Frames are dropped up to the place that was asked for, so that a seek is exact in every kind of
 * sound and needs no format to support it. A far one takes several turns. */
static void fill(struct player *player)
{
	struct frame *frame = player->frame;
	uint32_t skipped = 0;

	while (!player->is_filled && ring_count(player->ring) < AHEAD_FRAMES) {
		bool has_sound = frame_make(player, frame->pcm);

		frame->run = player->filled_run;
		frame->is_last = !has_sound;
		frame->position_ms = player->position_ms;
		player->is_filled = !has_sound;
		player->position_ms += FILES_FRAME_MS;
		if (has_sound && player->position_ms <= player->skip_ms) {
			if (++skipped < SKIP_FRAMES)
				continue;
			files_hurry(player->job.files);
			return;
		}
		(void)ring_post_rt(player->ring, frame); /* there is room: only we post */
	}
}

static bool player_turn(struct files_job *job)
{
	struct player *player = (struct player *)job;
	uint32_t run = atomic_load(&player->run);

	if (atomic_load(&job->is_closed))
		return false;
	if (run != player->filled_run)
		run_begin(player, run);
	fill(player);
	return true;
}

static void player_free(struct files_job *job)
{
	struct player *player = (struct player *)job;

	reader_free(player->reader);
	for (uint32_t i = 0; i < player->sound_count; i++)
		free((char *)player->sounds[i].path);
	free(player->sounds);
	free(player->frame);
	free(player->taken);
	ring_free(player->ring);
	free(player);
}

/* Control ----------------------------------------------------------------------------------- */

static int params_check(const struct player_params *params)
{
	if (!files_is_rate(params->rate_hz) || params->sound_count == 0)
		return -EINVAL;
	if (params->sound_count > MEDIA_SOUNDS_MAX)
		return ERR_LIMIT;
	for (uint32_t i = 0; i < params->sound_count; i++) {
		const struct media_sound *sound = &params->sounds[i];

		if (sound->kind == MEDIA_SOUND_FILE && !sound->path)
			return -EINVAL;
		if (sound->kind == MEDIA_SOUND_FILE && strlen(sound->path) >= MEDIA_PATH_MAX)
			return ERR_LIMIT;
		if (sound->ms > MEDIA_SOUND_MS_MAX)
			return ERR_LIMIT;
	}
	return 0;
}

static int sounds_copy(struct player *player, const struct player_params *params)
{
	player->sounds = calloc(params->sound_count, sizeof(*player->sounds));
	if (!player->sounds)
		return -ENOMEM;
	for (uint32_t i = 0; i < params->sound_count; i++) {
		struct media_sound *sound = &player->sounds[i];

		*sound = params->sounds[i];
		sound->path = NULL;
		player->sound_count = i + 1;
		if (sound->kind != MEDIA_SOUND_FILE)
			continue;
		sound->path = strdup(params->sounds[i].path);
		if (!sound->path)
			return -ENOMEM;
	}
	return 0;
}

int player_new(struct files *files, const struct player_params *params, struct player **ret_player)
{
	struct player *player;
	int err = params_check(params);

	if (err)
		return err;
	player = calloc(1, sizeof(*player));
	if (!player)
		return -ENOMEM;
	player->job.turn = player_turn;
	player->job.free = player_free;
	player->rate_hz = params->rate_hz;
	player->frame_samples = params->rate_hz / 1000 * FILES_FRAME_MS;
	atomic_init(&player->is_loop, params->is_loop);
	atomic_init(&player->seek_ms, params->start_ms);
	run_begin(player, 0);
	err = -ENOMEM;
	player->frame = malloc(frame_size(player));
	player->taken = malloc(frame_size(player));
	if (!player->frame || !player->taken)
		goto fail;
	err = ring_new(AHEAD_FRAMES, (uint32_t)frame_size(player), RING_WAKE_NONE, &player->ring);
	if (err == 0)
		err = sounds_copy(player, params);
	if (err == 0)
		err = files_add(files, &player->job);
	if (err)
		goto fail;
	*ret_player = player;
	return 0;
fail:
	player_free(&player->job);
	return err;
}

void player_close(struct player *player)
{
	if (player)
		atomic_store(&player->job.is_closed, true);
}

void player_set_loop(struct player *player, bool is_loop)
{
	atomic_store(&player->is_loop, is_loop);
}

void player_seek(struct player *player, uint64_t ms)
{
	atomic_store(&player->seek_ms, ms);
	atomic_fetch_add(&player->run, 1); /* after the place: the thread reads it first */
	files_hurry(player->job.files);
}

/* The worker -------------------------------------------------------------------------------- */

/* The next frame of the present run. False when there is none yet. */
static bool frame_take(struct player *player, uint32_t run)
{
	while (ring_take_rt(player->ring, player->taken))
		if (player->taken->run == run)
			return true;
	return false;
}

enum player_read player_read_rt(struct player *player, int16_t *pcm)
{
	uint32_t run = atomic_load_explicit(&player->run, memory_order_acquire);
	size_t octets = player->frame_samples * sizeof(*pcm);

	if (player->is_over && player->over_run != run)
		player->is_over = player->has_begun = false; /* played again from elsewhere */
	if (!player->is_over && frame_take(player, run)) {
		if (!player->taken->is_last) {
			player->has_begun = true;
			memcpy(pcm, player->taken->pcm, octets);
			atomic_store_explicit(&player->read_ms,
					      player->taken->position_ms + FILES_FRAME_MS,
					      memory_order_relaxed);
			return PLAYER_SOUND;
		}
		player->is_over = true;
		player->over_run = run;
	}
	memset(pcm, 0, octets);
	if (player->is_over)
		return PLAYER_OVER;
	if (player->has_begun)
		atomic_fetch_add_explicit(&player->late_frames, 1, memory_order_relaxed);
	return PLAYER_LATE;
}

uint32_t player_rate_hz(const struct player *player)
{
	return player->rate_hz;
}

uint64_t player_position_ms(const struct player *player)
{
	return atomic_load_explicit(&player->read_ms, memory_order_relaxed);
}

uint32_t player_late_frames(const struct player *player)
{
	return atomic_load_explicit(&player->late_frames, memory_order_relaxed);
}

int player_err(const struct player *player)
{
	return atomic_load(&player->err);
}
