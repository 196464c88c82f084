/* mixer/bus.c */
#include "mixer/bus.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mixer/kernel.h"
#include "mixer/level.h"
#include "mixer/play.h"
#include "mixer/prefetch.h"

static void audience_init(struct bus_audience *audience, const struct media_groups *groups)
{
	*audience = (struct bus_audience){.hears = groups->hears, .hears_not = groups->hears_not};
	for (uint8_t rate = 0; rate < LEG_RATES; rate++)
		limiter_init(&audience->limiters[rate], leg_rate_hz(rate));
}

static void early_begin(struct bus *bus)
{
	bus->early_ticks = bus->early_frames = 0;
	bus->early_us = INT32_MAX;
}

void bus_init(struct bus *bus, bool is_lounge, void *owner)
{
	memset(bus, 0, sizeof(*bus));
	list_init(&bus->node);
	list_init(&bus->legs);
	list_init(&bus->own);
	list_init(&bus->sounds);
	list_init(&bus->left);
	bus->phase = BUS_PHASE_NONE;
	bus->is_lounge = is_lounge;
	bus->owner = owner;
	early_begin(bus);
	ramp_init(&bus->duck, KERNEL_GAIN_UNITY_Q14);
	bus->duck_q14 = bus->room_duck_q14 = KERNEL_GAIN_UNITY_Q14;
	bus->audience_count = 1;
	audience_init(&bus->audiences[0], &(struct media_groups){.hears = 1});
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

/* A frame in `codec` at the end of `payload`; state and frame_ms are those of a kit. */
static void encode(const struct codec *codec, const struct kit *kit, const int16_t *pcm,
		   struct bus_encoded *out)
{
	uint32_t samples = codec_samples(codec, LEG_TICK_MS);
	void *state = kit ? kit->encoder : NULL;
	uint32_t step;

	out->chunk.payload = out->payload;
	out->chunk.frame_count = 0;
	if (codec->send_step_ms) {
		out->chunk.len = (uint16_t)codec->encode_rt(state, pcm, samples, out->payload,
							    LEG_CHUNK_OCTETS_MAX);
		return;
	}
	step = codec_samples(codec, kit->shape.frame_ms);
	out->chunk.len = 0;
	for (uint32_t at = 0; at < samples; at += step) {
		size_t len = codec->encode_rt(state, pcm + at, step, out->payload + out->chunk.len,
					      CODEC_JOINED_OCTETS_MAX);

		out->chunk.frame_len[out->chunk.frame_count++] = (uint16_t)len;
		out->chunk.len = (uint16_t)(out->chunk.len + len);
	}
}

void bus_scratch_init(struct bus_scratch *scratch)
{
	memset(scratch, 0, sizeof(*scratch));
	for (int id = 0; id < MEDIA_CODEC_COUNT; id++) {
		const struct codec *codec = codec_find((enum media_codec)id);

		if (!codec || codec->encoder_size)
			continue;
		encode(codec, NULL, scratch->pcm, &scratch->silence[id]);
		scratch->silence[id].chunk.level = MEDIA_LEVEL_SILENT;
	}
}

/* Audiences --------------------------------------------------------------------------------- */

static bool audience_hears(const struct bus_audience *audience, uint16_t speaks)
{
	return (audience->hears & speaks) && !(audience->hears_not & speaks);
}

/* The leg's own sound is part of what its audience hears. */
static bool hears_itself(const struct leg *leg)
{
	return leg->is_summed && leg->audience != LEG_AUDIENCE_NONE &&
	       audience_hears(&leg->bus->audiences[leg->audience], leg->control.groups.speaks);
}

static bool audience_is_free(const struct bus *bus, uint8_t i)
{
	return i > 0 && bus->audiences[i].leg_count == 0 && bus->audiences[i].rates_wanted == 0;
}

/* The one that hears these groups, made if need be; LEG_AUDIENCE_NONE when all are in use. */
static uint8_t audience_find(struct bus *bus, const struct media_groups *groups)
{
	uint8_t free_at = LEG_AUDIENCE_NONE, at = LEG_AUDIENCE_NONE;

	for (uint8_t i = 0; i < BUS_AUDIENCES_MAX && at == LEG_AUDIENCE_NONE; i++) {
		const struct bus_audience *audience = &bus->audiences[i];

		if (audience_is_free(bus, i))
			free_at = MIN_OF(free_at, i);
		else if (audience->hears == groups->hears &&
			 audience->hears_not == groups->hears_not)
			at = i;
	}
	if (at != LEG_AUDIENCE_NONE || free_at == LEG_AUDIENCE_NONE)
		return at;
	audience_init(&bus->audiences[free_at], groups);
	bus->audience_count = MAX_OF(bus->audience_count, (uint8_t)(free_at + 1));
	return free_at;
}

static void audiences_trim(struct bus *bus)
{
	for (uint8_t i = 1; i < bus->audience_count; i++)
		if (audience_is_free(bus, i))
			bus->audiences[i] = (struct bus_audience){0}; /* hears nobody */
	while (bus->audience_count > 1 && audience_is_free(bus, bus->audience_count - 1))
		bus->audience_count--;
}

void bus_unwant_rt(struct bus *bus)
{
	for (uint8_t i = 0; i < bus->audience_count; i++)
		bus->audiences[i].rates_wanted = 0;
	if (bus->audience_count > 1)
		audiences_trim(bus);
}

void bus_want_rt(struct bus *bus, uint16_t hears, uint16_t hears_not, uint8_t rates)
{
	const struct media_groups groups = {.hears = hears, .hears_not = hears_not};
	uint8_t at = audience_find(bus, &groups);

	if (at == LEG_AUDIENCE_NONE)
		return;
	bus->audiences[at].rates_wanted |= rates;
	bus->audiences[at].rates |= rates;
}

/* Leaves the leg without one when all are in use. */
static void audience_join(struct bus *bus, struct leg *leg)
{
	uint8_t at = audience_find(bus, &leg->control.groups);

	if (at == LEG_AUDIENCE_NONE) {
		bus->outsiders++;
		return;
	}
	leg->audience = at;
	bus->audiences[at].leg_count++;
	bus->audiences[at].rates |= (uint8_t)(1u << leg->send_rate);
}

static void audience_leave(struct bus *bus, struct leg *leg)
{
	struct bus_audience *audience;

	if (leg->audience == LEG_AUDIENCE_NONE) {
		bus->outsiders--;
		return;
	}
	audience = &bus->audiences[leg->audience];
	assert(audience->leg_count > 0);
	audience->leg_count--;
	leg->audience = LEG_AUDIENCE_NONE;
	audiences_trim(bus);
}

/* Once there is place again. */
static void outsiders_join(struct bus *bus)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &bus->legs) {
		struct leg *leg = LIST_ENTRY(it, struct leg, node);

		if (leg->audience != LEG_AUDIENCE_NONE)
			continue;
		bus->outsiders--;
		audience_join(bus, leg);
	}
}

/* Streams ----------------------------------------------------------------------------------- */

static void stream_join(struct bus *bus, struct leg *leg)
{
	uint8_t free_at = LEG_STREAM_NONE;

	for (uint8_t i = 0; i < BUS_STREAMS_MAX; i++) {
		const struct leg *lead = bus->leads[i];

		if (!lead)
			free_at = MIN_OF(free_at, i);
		else if (lead->audience == leg->audience &&
			 lead->kit->shape.send == leg->kit->shape.send &&
			 lead->kit->shape.frame_ms == leg->kit->shape.frame_ms &&
			 media_opus_eq(&lead->kit->shape.opus, &leg->kit->shape.opus)) {
			leg->stream = i;
			return;
		}
	}
	if (free_at == LEG_STREAM_NONE)
		return;
	bus->leads[free_at] = leg;
	leg->stream = free_at;
}

static void encoder_copy(const struct leg *from, struct leg *to)
{
	assert(from->kit->encoder_octets == to->kit->encoder_octets);
	memcpy(to->kit->encoder, from->kit->encoder, from->kit->encoder_octets);
}

/* Between ticks: encoders stand where the last packets ended. */
static void stream_leave(struct bus *bus, struct leg *leg)
{
	uint8_t stream = leg->stream;
	struct list *it, *tmp;

	if (stream == LEG_STREAM_NONE)
		return;
	leg->stream = LEG_STREAM_NONE;
	if (bus->leads[stream] != leg) {
		encoder_copy(bus->leads[stream], leg);
		return;
	}
	bus->leads[stream] = NULL;
	LIST_FOREACH (it, tmp, &bus->legs) {
		struct leg *next = LIST_ENTRY(it, struct leg, node);

		if (next->stream != stream)
			continue;
		encoder_copy(leg, next);
		bus->leads[stream] = next;
		return;
	}
}

/* It hears something that nobody else does, or the room as nobody else does. */
static bool has_own_sound(const struct leg *leg)
{
	return leg->sound_count > 0 || leg->is_ducked;
}

/* Whether the leg hears what others hear, too. Its kit has an encoder. */
static void stream_choose(struct bus *bus, struct leg *leg)
{
	bool is_private = hears_itself(leg) || leg->audience == LEG_AUDIENCE_NONE ||
			  leg->control.is_deaf || has_own_sound(leg) ||
			  leg->control.gain_out_q14 != KERNEL_GAIN_UNITY_Q14;

	if (is_private) {
		leg->private_ms = LEG_PRIVATE_MS;
		stream_leave(bus, leg);
	} else if (leg->private_ms > 0) {
		leg->private_ms -= MIN_OF(leg->private_ms, (uint16_t)LEG_TICK_MS);
	} else if (leg->stream == LEG_STREAM_NONE && leg_can_send(leg)) {
		stream_join(bus, leg);
	}
}

struct kit *bus_fit_rt(struct leg *leg, struct kit *kit)
{
	if (leg->bus)
		stream_leave(leg->bus, leg);
	leg->private_ms = 0;
	return leg_fit_rt(leg, kit);
}

/* Members ----------------------------------------------------------------------------------- */

void bus_add_rt(struct bus *bus, struct leg *leg)
{
	assert(leg->bus == NULL && leg->stream == LEG_STREAM_NONE);
	list_append(&bus->legs, &leg->node);
	leg->bus = bus;
	bus->leg_count++;
	audience_join(bus, leg);
	bus->audiences[0].rates |= bus->take_rates;
	if (!leg->port)
		list_append(&bus->own, &leg->own_node);
}

void bus_remove_rt(struct bus *bus, struct leg *leg)
{
	assert(leg->bus == bus && bus->leg_count > 0);
	stream_leave(bus, leg);
	audience_leave(bus, leg);
	list_remove(&leg->node);
	leg->bus = NULL;
	leg->private_ms = 0;
	leg->resampled = 0;
	bus->leg_count--;
	list_remove(&leg->own_node);
}

void bus_control_rt(struct leg *leg, const struct leg_control *control)
{
	struct media_groups before = leg->control.groups, *now = &leg->control.groups;

	leg_control_rt(leg, control);
	if (!leg->bus || (before.hears == now->hears && before.hears_not == now->hears_not))
		return;
	stream_leave(leg->bus, leg);
	audience_leave(leg->bus, leg);
	audience_join(leg->bus, leg);
}

/* Gathering --------------------------------------------------------------------------------- */

static void hearing_begin(const struct bus_audience *audience, struct bus_hearing *hearing)
{
	hearing->rates = audience->rates;
	for (uint8_t rate = 0; rate < LEG_RATES; rate++) {
		struct bus_mix *mix = &hearing->mixes[rate];

		if (hearing->rates >> rate & 1)
			memset(mix->sum, 0, leg_rate_samples(rate) * sizeof(mix->sum[0]));
		mix->is_made = false;
	}
	hearing->talkers = 0;
	hearing->lone = NULL;
	hearing->exact.payload = NULL;
	hearing->csrc_count = 0;
	for (int id = 0; id < MEDIA_CODEC_COUNT; id++)
		hearing->shared[id].is_made = false;
}

static void scratch_begin(struct bus *bus, struct bus_scratch *scratch)
{
	if (bus->outsiders > 0)
		outsiders_join(bus);
	for (uint8_t i = 0; i < bus->audience_count; i++) {
		hearing_begin(&bus->audiences[i], &scratch->hearings[i]);
		bus->audiences[i].rates_next = 0;
	}
	for (int i = 0; i < BUS_STREAMS_MAX; i++)
		scratch->streams[i].is_made = false;
}

/* The tick's place in time ------------------------------------------------------------------ */

static void early_note(struct bus *bus, const struct leg *leg)
{
	int32_t slack_us = leg->is_talking ? intake_slack_us_rt(leg->intake) : INT32_MAX;

	if (slack_us == INT32_MAX)
		return;
	bus->early_us = MIN_OF(bus->early_us, slack_us);
	bus->early_frames += bus->early_frames < UINT8_MAX;
}

int32_t bus_slack_us_rt(struct bus *bus)
{
	int32_t slack_us = bus->early_frames >= BUS_EARLY_FRAMES ? bus->early_us : INT32_MAX;

	if (bus->is_lounge || ++bus->early_ticks < BUS_EARLY_TICKS)
		return INT32_MAX;
	early_begin(bus);
	return slack_us;
}

/* Gathering, part by part ------------------------------------------------------------------- */

/* What the leg says at a rate that is not its own; borrowed until the next call. */
static const int16_t *resampled(struct bus_scratch *scratch, struct leg *leg, uint8_t native,
				uint8_t rate)
{
	struct resample *resample = &leg->resample[rate > native ? rate - 1 : rate];
	int16_t *out = rate == leg->send_rate ? leg->kit->own : scratch->pcm;

	if (!(leg->resampled >> rate & 1) || resample->from_hz != leg_rate_hz(native) ||
	    resample->to_hz != leg_rate_hz(rate))
		resample_begin_rt(resample, leg_rate_hz(native), leg_rate_hz(rate));
	(void)resample_rt(resample, leg->pcm, leg->frame.samples, out);
	return out;
}

static void hearing_add(struct bus_hearing *hearing, const struct leg *leg)
{
	hearing->lone = hearing->talkers++ == 0 ? leg : NULL;
	hearing->exact.payload = NULL;
	if (hearing->lone && leg->is_exact)
		hearing->exact = (struct bus_exact){leg->frame.payload, leg->frame.payload_len,
						    leg->frame.codec, leg->frame.level};
	if (hearing->csrc_count == ARRAY_LEN(hearing->csrc))
		return;
	hearing->csrc_level[hearing->csrc_count] = leg->frame.level;
	hearing->csrc[hearing->csrc_count++] = leg->source.ssrc;
}

/* Which audiences hear the leg, bits, and at which rates any of them listens. */
static uint32_t hearers_of(const struct bus *bus, struct bus_scratch *scratch,
			   const struct leg *leg, uint8_t *ret_rates)
{
	uint32_t hearers = 0;

	*ret_rates = 0;
	for (uint8_t i = 0; i < bus->audience_count; i++) {
		if (!audience_hears(&bus->audiences[i], leg->control.groups.speaks))
			continue;
		hearers |= 1u << i;
		*ret_rates |= scratch->hearings[i].rates;
		hearing_add(&scratch->hearings[i], leg);
	}
	return hearers;
}

static void sum_add(struct bus *bus, struct bus_scratch *scratch, struct leg *leg)
{
	uint8_t native = leg_rate(leg->frame.sample_hz), brought = 0, rates;
	uint32_t hearers = hearers_of(bus, scratch, leg, &rates);

	leg->own = NULL;
	for (uint8_t rate = 0; rate < LEG_RATES; rate++) {
		const int16_t *pcm = leg->pcm;

		if (!(rates >> rate & 1))
			continue;
		if (rate != native) {
			pcm = resampled(scratch, leg, native, rate);
			brought |= (uint8_t)(1u << rate);
		}
		for (uint8_t i = 0; i < bus->audience_count; i++) {
			struct bus_hearing *hearing = &scratch->hearings[i];

			if (!(hearers >> i & 1) || !(hearing->rates >> rate & 1))
				continue;
			if (rate == leg->send_rate && i == leg->audience)
				leg->own = pcm;
			kernel_best()->add_rt(hearing->mixes[rate].sum, pcm,
					      leg_rate_samples(rate));
		}
	}
	leg->resampled = brought;
}

/* Whether one who speaks is among the loudest of the room. */
static bool is_let_through(const struct bus *bus, struct bus_scratch *scratch, struct leg *leg)
{
	const struct loudest_turn turn = {.last = &bus->loudest,
					  .next = &scratch->loudest,
					  .id = leg->tx_ssrc,
					  .level_dbov = leg->frame.level,
					  .is_speaking = leg->is_summed};

	return loudest_turn_rt(&leg->loudness, &turn);
}

/* Nobody will hear what it says in this tick. */
static bool has_no_place(const struct bus *bus, const struct leg *leg)
{
	const struct loudest_entry entry = {leg->loudness.rank, leg->tx_ssrc};

	return bus->loudest.max && !loudest_has_place_rt(&bus->loudest, entry);
}

static void policy_begin(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env)
{
	uint8_t max = atomic_load_explicit(&bus->loudest_max, memory_order_relaxed);

	env->catch_up_left = LEG_CATCH_UP_MAX;
	env->gate_dbov = atomic_load_explicit(&bus->gate_dbov, memory_order_relaxed);
	if (max != bus->loudest.max) /* nobody has a place yet */
		bus->loudest = (struct loudest){.max = max};
	if (max)
		loudest_begin_rt(&scratch->loudest, max);
}

static bool takes_are_paused(const struct bus *bus)
{
	return atomic_load_explicit(&bus->are_takes_paused, memory_order_relaxed);
}

static bool must_end(const struct sound *sound)
{
	return atomic_load_explicit(&sound->must_end, memory_order_relaxed);
}

static void leg_take(const struct bus *bus, const struct leg *leg, struct take *take)
{
	if (takes_are_paused(bus))
		return;
	take_align_rt(take, bus);
	take_write_rt(take, leg->is_summed ? leg->pcm : NULL, leg_rate(leg->frame.sample_hz));
}

/* What is played to this leg alone, and what is recorded of it. */
static void leg_sounds(const struct bus *bus, struct leg *leg, struct leg_env *env)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &leg->sounds) {
		struct sound *sound = LIST_ENTRY(it, struct sound, node);

		if (sound->is_take)
			leg_take(bus, leg, (struct take *)sound);
		if (sound->is_take ? must_end(sound) : !play_pull_rt((struct play *)sound))
			sound_end_rt(sound, &env->ended);
	}
}

static void play_add(struct bus_hearing *hearing, struct play *play)
{
	for (uint8_t rate = 0; rate < LEG_RATES; rate++)
		if (hearing->rates >> rate & 1)
			kernel_best()->add_rt(hearing->mixes[rate].sum, play_pcm_rt(play, rate),
					      leg_rate_samples(rate));
	hearing->talkers++;
	hearing->lone = NULL;
	hearing->exact.payload = NULL;
}

/* Who talks goes down under the plays of the room, and comes up again after them. A room that is
 * spread has the wishes of the tick before, which all its parts know. */
static void duck(struct bus *bus, struct bus_scratch *scratch)
{
	bus->duck_q14 = plays_duck_q14_rt(&bus->sounds);
	if (!bus->seat)
		bus->room_duck_q14 = bus->duck_q14;
	duck_step_rt(&bus->duck, bus->room_duck_q14);
	if (ramp_is_flat(&bus->duck))
		return;
	for (uint8_t i = 0; i < bus->audience_count; i++) {
		struct bus_hearing *hearing = &scratch->hearings[i];

		hearing->exact.payload = NULL;
		for (uint8_t rate = 0; rate < LEG_RATES && hearing->talkers > 0; rate++)
			if (hearing->rates >> rate & 1)
				ramp_sum_rt(&bus->duck, hearing->mixes[rate].sum,
					    leg_rate_samples(rate));
	}
}

/* What is played to the room speaks like one more talker that nobody is. */
static void room_plays(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &bus->sounds) {
		struct sound *sound = LIST_ENTRY(it, struct sound, node);

		if (!sound->is_take && !play_pull_rt((struct play *)sound))
			sound_end_rt(sound, &env->ended);
	}
	duck(bus, scratch);
	LIST_FOREACH (it, tmp, &bus->sounds) {
		struct sound *sound = LIST_ENTRY(it, struct sound, node);
		struct play *play = (struct play *)sound;

		if (!sound->is_take && play->is_heard)
			for (uint8_t i = 0; i < bus->audience_count; i++)
				play_add(&scratch->hearings[i], play);
	}
}

static bool has_plays(const struct bus *bus)
{
	return !list_empty(&bus->sounds) || !ramp_is_flat(&bus->duck) ||
	       bus->room_duck_q14 != KERNEL_GAIN_UNITY_Q14;
}

/* The leg behind `it`, of the next bus where this one ends; NULL behind the last. */
static const struct list *leg_behind(const struct list *buses, const struct bus **bus,
				     const struct list *it)
{
	it = it->next;
	if (it != &(*bus)->legs)
		return it;
	if (!buses || (*bus)->node.next == buses)
		return NULL;
	*bus = LIST_ENTRY((*bus)->node.next, struct bus, node);
	return (*bus)->legs.next;
}

/* See prefetch.h. Each leg comes by once for every step, so that an address is there when the next
 * step follows it. In small rooms legs of the next rooms are as near. */
static void look_ahead(const struct list *buses, const struct bus *bus, const struct list *it)
{
	for (uint32_t ahead = 0; ahead <= LEG_AHEAD && it; ahead++) {
		leg_prefetch_rt(LIST_ENTRY(it, struct leg, node), ahead);
		it = leg_behind(buses, &bus, it);
	}
}

/* The second next bus: the next one is in reach of look_ahead already. */
static void buses_look_ahead(const struct list *buses, const struct bus *bus)
{
	const struct list *it = bus->node.next;

	if (buses && it != buses && it->next != buses)
		prefetch_lines(LIST_ENTRY(it->next, struct bus, node), BUS_PREFETCH);
}

static void skip(const struct bus *bus, struct leg *leg, struct leg_env *env, uint32_t skipped)
{
	leg_skip_rt(leg, env, skipped);
	if (leg->sound_count > 0 && !takes_are_paused(bus))
		takes_skip_rt(&leg->sounds, skipped);
}

/* In the lounge nobody is decoded but who is recorded there. */
static bool has_take(const struct leg *leg)
{
	struct list *it, *tmp;

	if (leg->sound_count > 0)
		LIST_FOREACH (it, tmp, &leg->sounds)
			if (LIST_ENTRY(it, struct sound, node)->is_take)
				return true;
	return false;
}

void bus_gather_rt(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env,
		   uint32_t skipped)
{
	struct list *it, *tmp;

	buses_look_ahead(env->buses, bus);
	scratch_begin(bus, scratch);
	policy_begin(bus, scratch, env);
	if (skipped && bus->take_rates && !takes_are_paused(bus))
		takes_skip_rt(&bus->sounds, skipped);
	LIST_FOREACH (it, tmp, &bus->legs) {
		struct leg *leg = LIST_ENTRY(it, struct leg, node);

		look_ahead(env->buses, bus, it);
		leg_receive_rt(leg, env);
		if (skipped)
			skip(bus, leg, env, skipped);
		leg->has_no_place = has_no_place(bus, leg);
		leg_pull_rt(leg, env, !bus->is_lounge || has_take(leg));
		if (bus->loudest.max)
			leg->is_summed = is_let_through(bus, scratch, leg);
		if (leg->is_summed && !bus->is_lounge) {
			sum_add(bus, scratch, leg);
			early_note(bus, leg);
		} else {
			leg->resampled = 0;
		}
		if (leg->sound_count > 0)
			leg_sounds(bus, leg, env);
		leg->is_summed &= !bus->is_lounge;
		if (leg->has_encoder)
			stream_choose(bus, leg);
		if (leg_can_send(leg) && leg->audience != LEG_AUDIENCE_NONE)
			bus->audiences[leg->audience].rates_next |= (uint8_t)(1u << leg->send_rate);
	}
	if (bus->loudest.max && !bus->seat) /* else when all parts have met */
		bus->loudest = scratch->loudest;
	if (has_plays(bus))
		room_plays(bus, scratch, env);
	for (uint8_t i = 0; i < bus->audience_count; i++)
		bus->audiences[i].rates = bus->audiences[i].rates_next |
					  bus->audiences[i].rates_wanted;
	bus->audiences[0].rates |= bus->take_rates;
}

/* Delivering -------------------------------------------------------------------------------- */

static const struct bus_mix *mix_make(struct bus *bus, struct bus_scratch *scratch,
				      uint8_t audience, uint8_t rate)
{
	struct bus_hearing *hearing = &scratch->hearings[audience];
	struct bus_mix *mix = &hearing->mixes[rate];
	uint32_t samples = leg_rate_samples(rate);

	if (mix->is_made)
		return mix;
	mix->is_made = true;
	if (!(hearing->rates >> rate & 1)) { /* the first tick of a new rate */
		memset(mix->sum, 0, samples * sizeof(mix->sum[0]));
		memset(mix->pcm, 0, samples * sizeof(mix->pcm[0]));
		mix->level = MEDIA_LEVEL_SILENT;
		return mix;
	}
	limiter_rt(&bus->audiences[audience].limiters[rate], mix->sum, mix->pcm, samples);
	mix->level = hearing->talkers ? level_pcm(mix->pcm, samples) : MEDIA_LEVEL_SILENT;
	return mix;
}

static bool hears_nothing(const struct bus_scratch *scratch, const struct leg *leg)
{
	const struct bus_hearing *hearing;

	if (leg->control.is_deaf || leg->audience == LEG_AUDIENCE_NONE)
		return true;
	hearing = &scratch->hearings[leg->audience];
	return hearing->talkers == 0 || hearing->lone == leg;
}

/* What the leg said, lowered as the sum was. */
static const int16_t *own_as_summed(const struct bus *bus, struct bus_scratch *scratch,
				    const struct leg *leg)
{
	if (ramp_is_flat(&bus->duck))
		return leg->own;
	ramp_pcm_rt(&bus->duck, leg->own, scratch->own, leg_rate_samples(leg->send_rate));
	return scratch->own;
}

/* What the leg hears of the room. */
static uint8_t hear_room(struct bus *bus, struct bus_scratch *scratch, struct leg *leg,
			 int16_t *out)
{
	uint32_t samples = leg_rate_samples(leg->send_rate);
	const struct bus_mix *mix;
	uint8_t level;

	if (hears_nothing(scratch, leg)) {
		memset(out, 0, samples * sizeof(out[0]));
		return MEDIA_LEVEL_SILENT;
	}
	if (leg->is_summed && leg->own) {
		const int16_t *own = own_as_summed(bus, scratch, leg);

		mix = &scratch->hearings[leg->audience].mixes[leg->send_rate];
		if (!limiter_is_idle(&leg->limiter) ||
		    kernel_best()->minus_clamp_rt(mix->sum, own, out, samples) > 0) {
			kernel_best()->minus_rt(mix->sum, own, scratch->minus, samples);
			limiter_rt(&leg->limiter, scratch->minus, out, samples);
		}
		level = level_pcm(out, samples);
	} else {
		mix = mix_make(bus, scratch, leg->audience, leg->send_rate);
		memcpy(out, mix->pcm, samples * sizeof(out[0]));
		level = mix->level;
	}
	if (leg->control.gain_out_q14 == KERNEL_GAIN_UNITY_Q14)
		return level;
	kernel_best()->gain_rt(out, leg->control.gain_out_q14, samples);
	return level_pcm(out, samples);
}

uint8_t bus_hear_rt(struct bus *bus, struct bus_scratch *scratch, struct leg *leg, int16_t *out)
{
	uint8_t level = hear_room(bus, scratch, leg, out);

	if (!has_own_sound(leg) || !plays_add_rt(leg, out))
		return level;
	return level_pcm(out, leg_rate_samples(leg->send_rate));
}

static void list_contributors(const struct bus_hearing *hearing, struct leg_chunk *chunk)
{
	chunk->csrc = hearing->csrc;
	chunk->csrc_level = hearing->csrc_level;
	chunk->csrc_count = MIN_OF(hearing->csrc_count, (uint8_t)RTP_CSRC_MAX);
}

/* The frame that all silent listeners of a stateless codec in an audience hear. */
static const struct leg_chunk *shared_make(struct bus *bus, struct bus_scratch *scratch,
					   uint8_t audience, const struct codec *codec)
{
	struct bus_hearing *hearing = &scratch->hearings[audience];
	struct bus_encoded *shared = &hearing->shared[codec->id];
	uint8_t rate = leg_rate(codec->sample_hz);
	const struct bus_exact *exact = &hearing->exact;

	if (shared->is_made)
		return &shared->chunk;
	if (exact->payload && exact->codec == codec->id &&
	    limiter_is_idle(&bus->audiences[audience].limiters[rate])) {
		shared->chunk.payload = exact->payload;
		shared->chunk.len = exact->len;
		shared->chunk.level = exact->level;
	} else {
		const struct bus_mix *mix = mix_make(bus, scratch, audience, rate);

		encode(codec, NULL, mix->pcm, shared);
		shared->chunk.level = mix->level;
	}
	list_contributors(hearing, &shared->chunk);
	shared->is_made = true;
	return &shared->chunk;
}

/* The same for a codec with a memory: silence goes through it as well. */
static const struct leg_chunk *stream_make(struct bus *bus, struct bus_scratch *scratch,
					   uint8_t stream)
{
	struct bus_encoded *out = &scratch->streams[stream];
	const struct leg *lead = bus->leads[stream];
	const struct codec *codec = codec_find(lead->kit->shape.send);
	const struct bus_mix *mix;

	if (out->is_made)
		return &out->chunk;
	mix = mix_make(bus, scratch, lead->audience, leg_rate(codec->sample_hz));
	encode(codec, lead->kit, mix->pcm, out);
	out->chunk.level = mix->level;
	list_contributors(&scratch->hearings[lead->audience], &out->chunk);
	out->is_made = true;
	return &out->chunk;
}

/* Contributors without the listener itself. */
static uint8_t csrc_without(const struct bus_hearing *hearing, const struct leg *leg,
			    uint32_t out[RTP_CSRC_MAX], uint8_t level[RTP_CSRC_MAX])
{
	bool is_left_out = !hears_itself(leg);
	uint8_t count = 0;

	for (uint8_t i = 0; i < hearing->csrc_count && count < RTP_CSRC_MAX; i++) {
		if (!is_left_out && hearing->csrc[i] == leg->source.ssrc) {
			is_left_out = true; /* once: another peer may have the same SSRC */
			continue;
		}
		level[count] = hearing->csrc_level[i];
		out[count++] = hearing->csrc[i];
	}
	return count;
}

static void send_private(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env,
			 struct leg *leg)
{
	struct bus_encoded *out = &scratch->private;
	uint32_t csrc[RTP_CSRC_MAX];
	uint8_t level[RTP_CSRC_MAX];

	out->chunk.level = bus_hear_rt(bus, scratch, leg, scratch->pcm);
	encode(leg->send_codec, leg->kit, scratch->pcm, out);
	out->chunk.csrc = csrc;
	out->chunk.csrc_level = level;
	out->chunk.csrc_count = hears_nothing(scratch, leg)
					? 0
					: csrc_without(&scratch->hearings[leg->audience], leg, csrc,
						       level);
	leg_send_rt(leg, env, &out->chunk);
}

static void deliver(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env,
		    struct leg *leg)
{
	bool is_plain = !hears_itself(leg) && !has_own_sound(leg) &&
			leg->control.gain_out_q14 == KERNEL_GAIN_UNITY_Q14;

	if (!leg_can_send(leg))
		leg_send_rt(leg, env, NULL);
	else if (leg->stream != LEG_STREAM_NONE)
		leg_send_rt(leg, env, stream_make(bus, scratch, leg->stream));
	else if (leg->has_encoder)
		send_private(bus, scratch, env, leg);
	else if (hears_nothing(scratch, leg) && !has_own_sound(leg))
		leg_send_rt(leg, env, &scratch->silence[leg->send_codec->id].chunk);
	else if (is_plain)
		leg_send_rt(leg, env, shared_make(bus, scratch, leg->audience, leg->send_codec));
	else
		send_private(bus, scratch, env, leg);
}

/* A gain falls and recovers with what is said, whether or not somebody asked for the mix: so the
 * parts of a room that is spread have the same gain. */
static void limiters_recover(struct bus *bus, struct bus_scratch *scratch, uint8_t audience)
{
	for (uint8_t rate = 0; rate < LEG_RATES; rate++) {
		struct limiter *limiter = &bus->audiences[audience].limiters[rate];

		if (limiter_is_idle(limiter) && scratch->hearings[audience].talkers < 2)
			continue;
		if (scratch->hearings[audience].rates >> rate & 1)
			(void)mix_make(bus, scratch, audience, rate);
		else
			limiter_init(limiter, leg_rate_hz(rate));
	}
}

/* What group 0 is told, into the recordings of the room. */
static void room_takes(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &bus->sounds) {
		struct sound *sound = LIST_ENTRY(it, struct sound, node);
		struct take *take = (struct take *)sound;

		if (!sound->is_take)
			continue;
		if (!takes_are_paused(bus))
			take_write_rt(take, mix_make(bus, scratch, 0, take->rate)->pcm, take->rate);
		if (must_end(sound))
			sound_end_rt(sound, &env->ended);
	}
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
	if (bus->take_rates)
		room_takes(bus, scratch, env);
	for (uint8_t i = 0; i < bus->audience_count; i++)
		limiters_recover(bus, scratch, i);
}

void bus_tick_rt(struct bus *bus, struct bus_scratch *scratch, struct leg_env *env,
		 uint32_t skipped)
{
	bus_gather_rt(bus, scratch, env, skipped);
	bus_deliver_rt(bus, scratch, env);
}
