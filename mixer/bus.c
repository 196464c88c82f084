/* mixer/bus.c */
#include "mixer/bus.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mixer/kernel.h"
#include "mixer/level.h"

void bus_init(struct bus *bus, bool is_lounge, void *owner)
{
	memset(bus, 0, sizeof(*bus));
	list_init(&bus->node);
	list_init(&bus->legs);
	bus->phase = BUS_PHASE_NONE;
	bus->is_lounge = is_lounge;
	bus->owner = owner;
	limiter_init(&bus->limiter, LEG_SAMPLE_HZ);
}

int bus_new(void *owner, struct bus **ret_bus)
{
	struct bus *bus = malloc(sizeof(*bus));

	if (!bus)
		return -ENOMEM;
	bus_init(bus, false, owner);
	*ret_bus = bus;
	return 0;
}

struct bus *bus_free(struct bus *bus)
{
	assert(!bus || bus->leg_count == 0);
	free(bus);
	return NULL;
}

void bus_scratch_init(struct bus_scratch *scratch)
{
	memset(scratch, 0, sizeof(*scratch));
	for (int id = 0; id < MEDIA_CODEC_COUNT; id++) {
		const struct codec *codec = codec_find((enum media_codec)id);
		struct leg_chunk *chunk = &scratch->silence[id].chunk;

		if (!codec)
			continue;
		chunk->len = (uint16_t)codec->encode_rt(NULL, scratch->pcm, LEG_SAMPLES,
							scratch->silence[id].payload,
							LEG_CHUNK_OCTETS_MAX);
		chunk->payload = scratch->silence[id].payload;
		chunk->level = MEDIA_LEVEL_SILENT;
	}
}

void bus_add_rt(struct bus *bus, struct leg *leg)
{
	assert(leg->bus == NULL);
	list_append(&bus->legs, &leg->node);
	leg->bus = bus;
	bus->leg_count++;
}

void bus_remove_rt(struct bus *bus, struct leg *leg)
{
	assert(leg->bus == bus && bus->leg_count > 0);
	list_remove(&leg->node);
	leg->bus = NULL;
	bus->leg_count--;
}

/* Gathering --------------------------------------------------------------------------------- */

static void scratch_begin(struct bus_scratch *scratch)
{
	memset(scratch->sum, 0, sizeof(scratch->sum));
	scratch->talkers = 0;
	scratch->lone = NULL;
	scratch->csrc_count = 0;
	scratch->has_mix = false;
	for (int id = 0; id < MEDIA_CODEC_COUNT; id++)
		scratch->shared[id].is_made = false;
}

static void sum_add(struct bus_scratch *scratch, const struct leg *leg)
{
	kernel_best()->add_rt(scratch->sum, leg->pcm, LEG_SAMPLES);
	scratch->lone = scratch->talkers++ == 0 ? leg : NULL;
	if (scratch->csrc_count < ARRAY_LEN(scratch->csrc))
		scratch->csrc[scratch->csrc_count++] = leg->source.ssrc;
}

/* See prefetch.h. Each leg comes by once for every step, so that an address is there when the next
 * step follows it. */
static void look_ahead(const struct list *legs, const struct list *it)
{
	for (uint32_t ahead = 0; ahead <= LEG_AHEAD && it != legs; ahead++, it = it->next)
		leg_prefetch_rt(LIST_ENTRY(it, struct leg, node), ahead);
}

void bus_gather_rt(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env,
		   uint32_t skipped)
{
	struct list *it, *tmp;

	scratch_begin(scratch);
	LIST_FOREACH (it, tmp, &bus->legs) {
		struct leg *leg = LIST_ENTRY(it, struct leg, node);

		look_ahead(&bus->legs, it);
		leg_receive_rt(leg, env);
		if (skipped)
			leg_skip_rt(leg, env, skipped);
		leg_pull_rt(leg, env, !bus->is_lounge);
		if (leg->is_summed)
			sum_add(scratch, leg);
	}
}

/* Delivering -------------------------------------------------------------------------------- */

static void mix_make(struct bus *bus, struct bus_scratch *scratch)
{
	if (scratch->has_mix)
		return;
	limiter_rt(&bus->limiter, scratch->sum, scratch->mix, LEG_SAMPLES);
	scratch->mix_level = scratch->talkers ? level_pcm(scratch->mix, LEG_SAMPLES)
					      : MEDIA_LEVEL_SILENT;
	scratch->has_mix = true;
}

static bool hears_nothing(const struct bus_scratch *scratch, const struct leg *leg)
{
	return leg->control.is_deaf || scratch->talkers == 0 || scratch->lone == leg;
}

uint8_t bus_hear_rt(struct bus *bus, struct bus_scratch *scratch, struct leg *leg,
		    int16_t out[LEG_SAMPLES])
{
	uint8_t level;

	if (hears_nothing(scratch, leg)) {
		memset(out, 0, LEG_SAMPLES * sizeof(out[0]));
		return MEDIA_LEVEL_SILENT;
	}
	if (leg->is_summed) {
		kernel_best()->minus_rt(scratch->sum, leg->pcm, scratch->minus, LEG_SAMPLES);
		limiter_rt(&leg->limiter, scratch->minus, out, LEG_SAMPLES);
		level = level_pcm(out, LEG_SAMPLES);
	} else {
		mix_make(bus, scratch);
		memcpy(out, scratch->mix, sizeof(scratch->mix));
		level = scratch->mix_level;
	}
	if (leg->control.gain_out_q14 == KERNEL_GAIN_UNITY_Q14)
		return level;
	kernel_best()->gain_rt(out, leg->control.gain_out_q14, LEG_SAMPLES);
	return level_pcm(out, LEG_SAMPLES);
}

/* The frame that all silent listeners of a codec hear. */
static const struct leg_chunk *shared_make(struct bus *bus, struct bus_scratch *scratch,
					   const struct codec *codec)
{
	struct leg_chunk *chunk = &scratch->shared[codec->id].chunk;
	uint8_t *payload = scratch->shared[codec->id].payload;
	const struct leg *lone = scratch->lone;

	if (scratch->shared[codec->id].is_made)
		return chunk;
	if (lone && lone->is_exact && lone->frame.codec == codec->id &&
	    limiter_is_idle(&bus->limiter)) {
		chunk->payload = lone->frame.payload;
		chunk->len = lone->frame.payload_len;
		chunk->level = lone->frame.level;
	} else {
		mix_make(bus, scratch);
		chunk->len = (uint16_t)codec->encode_rt(NULL, scratch->mix, LEG_SAMPLES, payload,
							LEG_CHUNK_OCTETS_MAX);
		chunk->payload = payload;
		chunk->level = scratch->mix_level;
	}
	chunk->csrc = scratch->csrc;
	chunk->csrc_count = MIN_OF(scratch->csrc_count, (uint8_t)RTP_CSRC_MAX);
	scratch->shared[codec->id].is_made = true;
	return chunk;
}

/* Contributors without the listener itself. */
static uint8_t csrc_without(const struct bus_scratch *scratch, const struct leg *leg,
			    uint32_t out[RTP_CSRC_MAX])
{
	bool is_left_out = !leg->is_summed;
	uint8_t count = 0;

	for (uint8_t i = 0; i < scratch->csrc_count && count < RTP_CSRC_MAX; i++) {
		if (!is_left_out && scratch->csrc[i] == leg->source.ssrc)
			is_left_out = true; /* once: another peer may have the same SSRC */
		else
			out[count++] = scratch->csrc[i];
	}
	return count;
}

static void send_private(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env,
			 struct leg *leg)
{
	const struct codec *codec = leg->send_codec;
	uint32_t csrc[RTP_CSRC_MAX];
	struct leg_chunk chunk = {.payload = scratch->payload, .csrc = csrc};

	chunk.level = bus_hear_rt(bus, scratch, leg, scratch->pcm);
	chunk.len = (uint16_t)codec->encode_rt(NULL, scratch->pcm, LEG_SAMPLES, scratch->payload,
					       LEG_CHUNK_OCTETS_MAX);
	chunk.csrc_count = csrc_without(scratch, leg, csrc);
	leg_send_rt(leg, env, &chunk);
}

static void deliver(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env,
		    struct leg *leg)
{
	if (!leg_can_send(leg))
		leg_send_rt(leg, env, NULL);
	else if (hears_nothing(scratch, leg))
		leg_send_rt(leg, env, &scratch->silence[leg->send_codec->id].chunk);
	else if (leg->is_summed || leg->control.gain_out_q14 != KERNEL_GAIN_UNITY_Q14)
		send_private(bus, scratch, env, leg);
	else
		leg_send_rt(leg, env, shared_make(bus, scratch, leg->send_codec));
}

void bus_deliver_rt(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &bus->legs) {
		struct leg *leg = LIST_ENTRY(it, struct leg, node);

		if (tmp != &bus->legs && tmp->next != &bus->legs)
			leg_prefetch_rt(LIST_ENTRY(tmp->next, struct leg, node), LEG_AHEAD);
		deliver(bus, scratch, env, leg);
		leg_finish_rt(leg, env);
	}
	if (!scratch->has_mix && !limiter_is_idle(&bus->limiter))
		mix_make(bus, scratch); /* nobody asked, but its gain recovers with time */
}

void bus_tick_rt(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env,
		 uint32_t skipped)
{
	bus_gather_rt(bus, scratch, env, skipped);
	bus_deliver_rt(bus, scratch, env);
	io_flush_rt(env->io);
}
