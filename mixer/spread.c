/* mixer/spread.c */
#include "mixer/spread.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "mixer/io.h"
#include "mixer/kernel.h"

struct spread {
	uint32_t offset_us;
	_Atomic uint32_t count;
	_Atomic(struct spread_seat *) seats[SPREAD_SEATS_MAX];
};

/* Control ----------------------------------------------------------------------------------- */

int spread_new(uint32_t offset_us, struct spread **ret_spread)
{
	struct spread *spread = calloc(1, sizeof(*spread));

	if (!spread)
		return -ENOMEM;
	spread->offset_us = offset_us;
	*ret_spread = spread;
	return 0;
}

struct spread *spread_free(struct spread *spread)
{
	if (!spread)
		return NULL;
	for (uint32_t i = 0; i < SPREAD_SEATS_MAX; i++)
		free(atomic_load(&spread->seats[i]));
	free(spread);
	return NULL;
}

int spread_seat_new(struct spread *spread, struct spread_seat **ret_seat)
{
	uint32_t count = atomic_load(&spread->count);
	struct spread_seat *seat;

	if (count == SPREAD_SEATS_MAX)
		return ERR_LIMIT;
	seat = calloc(1, sizeof(*seat));
	if (!seat)
		return -ENOMEM;
	list_init(&seat->node);
	seat->spread = spread;
	seat->index = (uint8_t)count;
	bus_scratch_init(&seat->scratch);
	atomic_store(&spread->seats[count], seat);
	atomic_store(&spread->count, count + 1);
	*ret_seat = seat;
	return 0;
}

/* Others may look at it already: it stays until all go, and has nothing to say. */
void spread_seat_undo(struct spread_seat *seat)
{
	seat->bus = NULL;
}

uint32_t spread_offset_us(const struct spread *spread)
{
	return spread->offset_us;
}

/* Writing ----------------------------------------------------------------------------------- */

static void sum_write(const struct bus_audience *audience, const struct bus_hearing *hearing,
		      struct spread_sum *out)
{
	out->of = (struct spread_want){audience->hears, audience->hears_not, hearing->rates};
	out->talkers = hearing->talkers;
	out->csrc_count = hearing->csrc_count;
	memcpy(out->csrc, hearing->csrc, hearing->csrc_count * sizeof(out->csrc[0]));
	memcpy(out->csrc_level, hearing->csrc_level, hearing->csrc_count);
	out->exact = hearing->exact;
	if (out->exact.payload) {
		memcpy(out->octets, hearing->exact.payload, hearing->exact.len);
		out->exact.payload = out->octets;
	}
	for (uint8_t rate = 0; rate < LEG_RATES; rate++)
		if (hearing->rates >> rate & 1)
			memcpy(out->sums[rate], hearing->mixes[rate].sum,
			       leg_rate_samples(rate) * sizeof(out->sums[rate][0]));
}

/* An audience to which nobody here said anything is left out: there is nothing to add. */
static void share_write(const struct spread_seat *seat, struct spread_share *share)
{
	const struct bus *bus = seat->bus;

	share->sum_count = share->want_count = 0;
	share->loudest = seat->scratch.loudest;
	share->duck_q14 = bus->duck_q14;
	for (uint8_t i = 0; i < bus->audience_count; i++) {
		const struct bus_audience *audience = &bus->audiences[i];
		uint8_t rates = audience->rates_next | (i == 0 ? bus->take_rates : 0);

		if (seat->scratch.hearings[i].talkers > 0)
			sum_write(audience, &seat->scratch.hearings[i],
				  &share->sums[share->sum_count++]);
		if (rates)
			share->wants[share->want_count++] = (struct spread_want){
				audience->hears, audience->hears_not, rates};
	}
}

void spread_gather_rt(struct spread_seat *seat, struct leg_env *env, uint64_t tick,
		      uint32_t skipped)
{
	struct spread_share *share = &seat->shares[tick % SPREAD_SHARES];

	assert(tick > 0 && !seat->is_gathered);
	bus_gather_rt(seat->bus, &seat->scratch, env, skipped);
	seat->tick = tick;
	seat->is_gathered = true;
	/* Whoever comes to read from here on sees 0; who is there already is seen by us. */
	atomic_store(&share->tick, 0);
	if (atomic_load(&share->readers) > 0)
		return;
	share_write(seat, share);
	atomic_store(&share->tick, tick);
}

/* Meeting ----------------------------------------------------------------------------------- */

/* How the sound of a share is added: as it is; fading in, where it was missed in the tick before;
 * or backwards and fading out, in place of the one of the tick behind it. */
enum how { HOW_WHOLE, HOW_FADE_IN, HOW_MIRRORED };

static int32_t scaled(int32_t sample, uint32_t part, uint32_t of)
{
	return (int32_t)((int64_t)sample * part / of);
}

/* Borrowed until the next call. */
static const int32_t *shaped(struct spread_seat *seat, const int32_t *sum, uint32_t samples,
			     enum how how)
{
	uint32_t fade_in = samples / SPREAD_FADE_IN_PART;
	int32_t *out = seat->scratch.minus;

	if (how == HOW_WHOLE)
		return sum;
	for (uint32_t i = 0; i < samples; i++)
		out[i] = how == HOW_MIRRORED ? scaled(sum[samples - 1 - i], samples - i, samples)
					     : scaled(sum[i], MIN_OF(i, fade_in), fade_in);
	return out;
}

static void exact_add(const struct spread_sum *sum, bool is_lone, struct bus_hearing *hearing)
{
	hearing->exact = is_lone ? sum->exact : (struct bus_exact){0};
	if (!hearing->exact.payload)
		return;
	memcpy(hearing->octets, sum->octets, sum->exact.len);
	hearing->exact.payload = hearing->octets;
}

static void sum_add(struct spread_seat *seat, const struct spread_sum *sum, enum how how,
		    struct bus_hearing *hearing)
{
	exact_add(sum, how == HOW_WHOLE && hearing->talkers == 0 && sum->talkers == 1, hearing);
	hearing->talkers += sum->talkers;
	hearing->lone = NULL;
	for (uint8_t i = 0; i < sum->csrc_count && hearing->csrc_count < ARRAY_LEN(hearing->csrc);
	     i++) {
		hearing->csrc_level[hearing->csrc_count] = sum->csrc_level[i];
		hearing->csrc[hearing->csrc_count++] = sum->csrc[i];
	}
	for (uint8_t rate = 0; rate < LEG_RATES; rate++) {
		uint32_t samples = leg_rate_samples(rate);

		if (hearing->rates >> rate & sum->of.rates >> rate & 1)
			kernel_best()->add_sum_rt(hearing->mixes[rate].sum,
						  shaped(seat, sum->sums[rate], samples, how),
						  samples);
	}
}

static void share_add(struct spread_seat *seat, const struct spread_share *share, enum how how)
{
	struct bus *bus = seat->bus;

	for (uint8_t k = 0; k < share->sum_count; k++) {
		const struct spread_sum *sum = &share->sums[k];

		for (uint8_t i = 0; i < bus->audience_count; i++)
			if (bus->audiences[i].hears == sum->of.hears &&
			    bus->audiences[i].hears_not == sum->of.hears_not)
				sum_add(seat, sum, how, &seat->scratch.hearings[i]);
	}
	if (bus->loudest.max && share->loudest.max == bus->loudest.max)
		for (uint8_t i = 0; i < share->loudest.count; i++)
			loudest_offer_rt(&seat->scratch.loudest, share->loudest.best[i]);
}

static void wants_note(struct spread_seat *seat, const struct spread_share *share, uint32_t other)
{
	seat->others[other].duck_q14 = share->duck_q14;
	seat->others[other].count = share->want_count;
	memcpy(seat->others[other].wants, share->wants,
	       share->want_count * sizeof(share->wants[0]));
}

/* False: what `from` said in that tick is not there. */
static bool share_read(struct spread_seat *seat, struct spread_seat *from, uint64_t tick,
		       enum how how)
{
	struct spread_share *share = &from->shares[tick % SPREAD_SHARES];
	bool is_there;

	atomic_fetch_add(&share->readers, 1);
	is_there = atomic_load(&share->tick) == tick;
	if (is_there)
		share_add(seat, share, how);
	if (is_there && how != HOW_MIRRORED)
		wants_note(seat, share, from->index);
	atomic_fetch_sub(&share->readers, 1);
	return is_there;
}

static void other_meet(struct spread_seat *seat, struct spread_seat *from)
{
	bool was_seen = seat->others[from->index].is_seen;
	bool was_in_time = seat->others[from->index].is_in_time;
	bool is_there = share_read(seat, from, seat->tick,
				   was_seen && !was_in_time ? HOW_FADE_IN : HOW_WHOLE);

	seat->others[from->index].is_in_time = is_there;
	if (is_there)
		seat->others[from->index].is_seen = true;
	if (is_there || !was_seen)
		return;
	if (was_in_time)
		(void)share_read(seat, from, seat->tick - 1, HOW_MIRRORED);
	seat->missed += seat->bus->leg_count > 0;
}

bool spread_is_complete_rt(const struct spread_seat *seat, bool is_for_all)
{
	const struct spread *spread = seat->spread;
	uint32_t count = atomic_load(&spread->count);

	for (uint32_t i = 0; i < count; i++) {
		const struct spread_seat *from = atomic_load(&spread->seats[i]);

		if (from != seat && (is_for_all || seat->others[i].is_in_time) &&
		    atomic_load(&from->shares[seat->tick % SPREAD_SHARES].tick) != seat->tick)
			return false;
	}
	return true;
}

void spread_meet_rt(struct spread_seat *seat)
{
	struct spread *spread = seat->spread;
	uint32_t count = atomic_load(&spread->count);

	assert(seat->is_gathered);
	for (uint32_t i = 0; i < count; i++) {
		struct spread_seat *from = atomic_load(&spread->seats[i]);

		if (from != seat)
			other_meet(seat, from);
	}
	if (seat->bus->loudest.max)
		seat->bus->loudest = seat->scratch.loudest;
	seat->bus->room_duck_q14 = seat->bus->duck_q14;
	for (uint32_t i = 0; i < count; i++)
		if (seat->others[i].is_seen)
			seat->bus->room_duck_q14 = MIN_OF(seat->bus->room_duck_q14,
							  seat->others[i].duck_q14);
}

void spread_deliver_rt(struct spread_seat *seat, struct leg_env *env)
{
	struct bus *bus = seat->bus;

	bus_deliver_rt(bus, &seat->scratch, env);
	bus_unwant_rt(bus);
	for (uint32_t i = 0; i < SPREAD_SEATS_MAX; i++)
		for (uint8_t k = 0; k < seat->others[i].count; k++) {
			const struct spread_want *want = &seat->others[i].wants[k];

			bus_want_rt(bus, want->hears, want->hears_not, want->rates);
		}
	seat->is_gathered = false;
	io_flush_rt(env->io);
}
