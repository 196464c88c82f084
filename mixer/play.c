/* mixer/play.c */
#include "mixer/play.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mixer/bus.h"
#include "mixer/kernel.h"

/* Control ----------------------------------------------------------------------------------- */

static void sound_init(struct sound *sound, bool is_take)
{
	list_init(&sound->node);
	sound->is_take = is_take;
}

int play_new(struct player *player, struct play **ret_play)
{
	struct play *play = calloc(1, sizeof(*play));

	if (!play)
		return -ENOMEM;
	sound_init(&play->sound, false);
	play->player = player;
	play->native = leg_rate(player_rate_hz(player));
	atomic_init(&play->gain_q14, KERNEL_GAIN_UNITY_Q14);
	ramp_init(&play->volume, KERNEL_GAIN_UNITY_Q14);
	play->duck_q14 = KERNEL_GAIN_UNITY_Q14;
	*ret_play = play;
	return 0;
}

int take_new(struct recorder *recorder, uint32_t rate_hz, struct take **ret_take)
{
	struct take *take = calloc(1, sizeof(*take));

	if (!take)
		return -ENOMEM;
	sound_init(&take->sound, true);
	take->recorder = recorder;
	take->rate = leg_rate(rate_hz);
	take->from = LEG_RATES;
	*ret_take = take;
	return 0;
}

struct play *play_free(struct play *play)
{
	if (!play)
		return NULL;
	player_close(play->player);
	free(play);
	return NULL;
}

struct take *take_free(struct take *take)
{
	if (!take)
		return NULL;
	recorder_close(take->recorder);
	free(take);
	return NULL;
}

/* The worker -------------------------------------------------------------------------------- */

void sound_begin_rt(struct sound *sound)
{
	if (sound->leg) {
		list_append(&sound->leg->sounds, &sound->node);
		sound->leg->sound_count++;
	} else {
		list_append(&sound->bus->sounds, &sound->node);
		if (sound->is_take)
			sound->bus->take_rates |= (uint8_t)(1u << ((struct take *)sound)->rate);
	}
}

static void take_rates_renew(struct bus *bus)
{
	struct list *it, *tmp;

	bus->take_rates = 0;
	LIST_FOREACH (it, tmp, &bus->sounds) {
		const struct sound *sound = LIST_ENTRY(it, struct sound, node);

		if (sound->is_take)
			bus->take_rates |= (uint8_t)(1u << ((const struct take *)sound)->rate);
	}
}

void sound_end_rt(struct sound *sound, struct list *ended)
{
	list_remove(&sound->node);
	if (sound->leg)
		sound->leg->sound_count--;
	else
		take_rates_renew(sound->bus);
	list_append(ended, &sound->node);
}

void sounds_end_rt(struct list *sounds, struct list *ended)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, sounds)
		sound_end_rt(LIST_ENTRY(it, struct sound, node), ended);
}

static bool is_set(const _Atomic bool *wish)
{
	return atomic_load_explicit(wish, memory_order_relaxed);
}

bool play_pull_rt(struct play *play)
{
	bool must_end = is_set(&play->sound.must_end),
	     must_fade = must_end || is_set(&play->is_paused);
	int16_t *pcm = play->pcm[play->native];

	play->is_heard = false;
	play->is_ducking = !must_fade;
	play->was_made = play->made;
	play->made = 0;
	if (must_fade && (!play->has_begun || play->volume.to_q14 == 0))
		return !must_end;
	switch (player_read_rt(play->player, pcm)) {
	case PLAYER_OVER:
		return false;
	case PLAYER_LATE:
		return !must_end;
	case PLAYER_SOUND:
		break;
	}
	ramp_step_rt(&play->volume,
		     must_fade ? 0 : atomic_load_explicit(&play->gain_q14, memory_order_relaxed),
		     RAMP_FADE_MS);
	if (!ramp_is_flat(&play->volume))
		ramp_pcm_rt(&play->volume, pcm, pcm, leg_rate_samples(play->native));
	play->is_heard = play->has_begun = true;
	play->made = (uint8_t)(1u << play->native);
	return true;
}

const int16_t *play_pcm_rt(struct play *play, uint8_t rate)
{
	struct resample *resample = &play->resample[rate];

	if (!play->is_heard)
		return NULL;
	if (play->made >> rate & 1)
		return play->pcm[rate];
	if (!(play->was_made >> rate & 1))
		resample_begin_rt(resample, leg_rate_hz(play->native), leg_rate_hz(rate));
	(void)resample_rt(resample, play->pcm[play->native], leg_rate_samples(play->native),
			  play->pcm[rate]);
	play->made |= (uint8_t)(1u << rate);
	return play->pcm[rate];
}

static int16_t clamp16(int32_t sample)
{
	return (int16_t)(sample > INT16_MAX ? INT16_MAX : sample < INT16_MIN ? INT16_MIN : sample);
}

int32_t plays_duck_q14_rt(struct list *plays)
{
	int32_t duck_q14 = KERNEL_GAIN_UNITY_Q14;
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, plays) {
		const struct sound *sound = LIST_ENTRY(it, struct sound, node);
		const struct play *play = (const struct play *)sound;

		if (!sound->is_take && play->is_ducking)
			duck_q14 = MIN_OF(duck_q14, play->duck_q14);
	}
	return duck_q14;
}

void duck_step_rt(struct ramp *duck, int32_t target_q14)
{
	ramp_step_rt(duck, target_q14, target_q14 < duck->to_q14 ? RAMP_DUCK_MS : RAMP_RECOVER_MS);
}

bool plays_add_rt(struct leg *leg, int16_t *pcm)
{
	uint32_t samples = leg_rate_samples(leg->send_rate);
	struct list *it, *tmp;
	bool is_changed;

	duck_step_rt(&leg->duck, plays_duck_q14_rt(&leg->sounds));
	is_changed = leg->is_ducked = !ramp_is_flat(&leg->duck);
	if (is_changed)
		ramp_pcm_rt(&leg->duck, pcm, pcm, samples);
	LIST_FOREACH (it, tmp, &leg->sounds) {
		struct sound *sound = LIST_ENTRY(it, struct sound, node);
		struct play *play = (struct play *)sound;
		const int16_t *own = sound->is_take ? NULL : play_pcm_rt(play, leg->send_rate);

		if (!own)
			continue;
		is_changed = true;
		for (uint32_t i = 0; i < samples; i++)
			pcm[i] = clamp16(pcm[i] + own[i]);
	}
	return is_changed;
}

void take_write_rt(struct take *take, const int16_t *pcm, uint8_t rate)
{
	if (!pcm || rate == take->rate) {
		take->from = LEG_RATES;
		recorder_write_rt(take->recorder, pcm);
		return;
	}
	if (take->from != rate)
		resample_begin_rt(&take->resample, leg_rate_hz(rate), leg_rate_hz(take->rate));
	take->from = rate;
	(void)resample_rt(&take->resample, pcm, leg_rate_samples(rate), take->pcm);
	recorder_write_rt(take->recorder, take->pcm);
}

void takes_skip_rt(struct list *sounds, uint32_t frames)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, sounds) {
		struct sound *sound = LIST_ENTRY(it, struct sound, node);

		/* What is awaiting has not begun. */
		if (!sound->is_take || ((struct take *)sound)->is_awaiting)
			continue;
		for (uint32_t i = 0; i < frames; i++)
			take_write_rt((struct take *)sound, NULL, LEG_RATES);
	}
}

void take_align_rt(struct take *take, const struct bus *bus)
{
	uint64_t frames = take->lead_frames;
	struct list *it, *tmp;

	if (!take->is_awaiting)
		return;
	take->is_awaiting = false;
	LIST_FOREACH (it, tmp, &bus->sounds) {
		const struct sound *sound = LIST_ENTRY(it, struct sound, node);

		if (sound->is_take)
			frames = recorder_ms(((const struct take *)sound)->recorder) / LEG_TICK_MS;
	}
	recorder_lead_rt(take->recorder, frames);
}
