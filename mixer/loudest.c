/* mixer/loudest.c */
#include "mixer/loudest.h"

#include <assert.h>

enum {
	TICK_MS = 20,
	DB = 64,              /* of loud_q6 */
	FALL_Q6 = DB * 2 / 5, /* in a tick: 20 dB a second */
	WAIT_MS_MAX = LOUDEST_WAIT_DB * 500,
	HOLDS_Q6 = 1 << 20 /* above every level */
};

static bool is_better(struct loudest_entry a, struct loudest_entry b)
{
	return a.rank > b.rank || (a.rank == b.rank && a.id < b.id);
}

void loudest_begin_rt(struct loudest *loudest, uint8_t max)
{
	assert(max > 0 && max <= LOUDEST_MAX);
	loudest->max = max;
	loudest->count = 0;
}

void loudest_offer_rt(struct loudest *loudest, struct loudest_entry entry)
{
	uint8_t at = loudest->count;

	if (at == loudest->max) {
		if (!is_better(entry, loudest->best[at - 1]))
			return;
		at--;
	} else {
		loudest->count++;
	}
	for (; at > 0 && is_better(entry, loudest->best[at - 1]); at--)
		loudest->best[at] = loudest->best[at - 1];
	loudest->best[at] = entry;
}

bool loudest_has_place_rt(const struct loudest *loudest, struct loudest_entry entry)
{
	if (loudest->count < loudest->max)
		return true;
	return entry.rank > 0 && !is_better(loudest->best[loudest->count - 1], entry);
}

static uint16_t more_ms(uint16_t ms, uint16_t most)
{
	return (uint16_t)(ms + TICK_MS < most ? ms + TICK_MS : most);
}

static uint32_t rank_of(const struct loudness *loudness)
{
	uint32_t rank = 1u + loudness->loud_q6;

	if (loudness->held_ms > 0)
		return rank +
		       (loudness->held_ms < LOUDEST_HOLD_MS ? HOLDS_Q6 : LOUDEST_EDGE_DB * DB);
	return rank + (uint32_t)loudness->waited_ms * DB / 500;
}

static void level_note(struct loudness *loudness, uint8_t level_dbov)
{
	uint16_t now_q6 = (uint16_t)((127 - (level_dbov & 127)) * DB);

	if (now_q6 >= loudness->loud_q6)
		loudness->loud_q6 = (uint16_t)((now_q6 + loudness->loud_q6) / 2);
	else if (loudness->loud_q6 - now_q6 > FALL_Q6)
		loudness->loud_q6 -= FALL_Q6;
	else
		loudness->loud_q6 = now_q6;
}

bool loudest_turn_rt(struct loudness *loudness, const struct loudest_turn *turn)
{
	struct loudest_entry entry = {loudness->rank, turn->id};
	bool is_heard = loudest_has_place_rt(turn->last, entry);

	if (!turn->is_speaking) {
		*loudness = (struct loudness){0};
		return false;
	}
	level_note(loudness, turn->level_dbov);
	loudness->held_ms = is_heard ? more_ms(loudness->held_ms, LOUDEST_HOLD_MS) : 0;
	loudness->waited_ms = is_heard ? 0 : more_ms(loudness->waited_ms, WAIT_MS_MAX);
	entry.rank = loudness->rank = rank_of(loudness);
	loudest_offer_rt(turn->next, entry);
	return is_heard;
}
