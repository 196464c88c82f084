#include "mixer/jitter.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "mixer/lateness.h"
#include "mixer/prefetch.h"

/* Design.
 *
 * Place. Packets lie in a ring of slots indexed by sequence number; their payload in a circular
 * pool filled in order of arrival. A slot remembers where in the endless octet count it wrote, so
 * an overwritten payload is recognised by arithmetic and nothing is ever freed.
 *
 * Time. lateness.c knows the least transit lately, `base`. A position n on the time line played now
 * has the delay D = now - base - n.
 *
 * What a tick needs. Frames and packets need not meet: with g the greatest common divisor of packet
 * and frame and x = (packet boundary - n) mod g, the packet that is needed earliest after its
 * arrival has the margin D - x - (frame - g). A packet is in time when its lateness is below that
 * margin. For 20 ms packets and frames that meet (x = 0), margin = D, somewhere between 0 and 20 ms
 * as the phases fall: no delay beyond the wait for the tick. Nothing between is of use: cutting
 * frames across packets only makes a part of each packet wait for the next one. So the right
 * positions come in steps of g, and the best is the last whose margin is at least the target.
 *
 * Target. The lateness that nearly all packets keep (lateness.c).
 *
 * Change of delay. Three ways, by how little is heard: a spurt starts where it should (free); sound
 * is shortened or lengthened by the caller as jitter_advice_rt tells (WSOLA in plc.c, whole frames
 * in silence); and an underrun: while nothing is there, the time line stands (WAIT) and the ear
 * gets concealment. When packets come again, the position is chosen between "where we stood"
 * (everything is played, the delay has grown) and "where time is" (the late ones are dropped, the
 * delay is as before): the latest position that gives the target its margin. One straggler is
 * dropped; a worse network is believed.
 *
 * Rejected: a fixed number of packets as target (20 ms steps even on a LAN); time line that always
 * advances (each step of the path's delay costs a hole of its size); deciding on arrival (a late
 * packet may still be overtaken by the decision to wait).
 */

enum {
	SLOT_MASK = JITTER_SLOTS - 1,
	JUMP_US = 1000000, /* transit that jumps so far is a new time line */
	HOLD_MS_MAX = 100, /* nothing came for so long: a pause, the next packet is a spurt */
	LATE_RUN_MAX = 8,  /* so many late in a row: the path has changed beyond the cap */
	SHORTEN_SLACK_US =
		2000, /* hysteresis above one step, at most; and at most twice the target */
	LENGTHEN_SLACK_US = 2000, /* hysteresis below the target */
	POOL_SLACK_MS = 400,
	PAST_NUMBERS = 48, /* how far jitter_past_rt looks */
	PREFETCH_BINS = 16 /* of the lateness: most packets fall into the first */
};

static_assert((JITTER_SLOTS & SLOT_MASK) == 0, "ring index is a mask");

struct slot {
	int64_t seq; /* extended; -1: empty */
	int64_t ts;
	uint32_t pool_at; /* endless octet count of the payload's first octet, its low half */
	uint32_t duration;
	uint16_t len;
	uint8_t tag, told;
	uint8_t flat; /* the octet, with is_flat */
	bool is_sliceable : 1, is_flat : 1, has_marker : 1, was_played : 1;
};

static_assert(sizeof(struct slot) <= 32, "two in a cache line");

enum phase {
	FRESH, /* nothing heard of this time line yet */
	PAUSE, /* between spurts */
	PLAY
};

struct jitter {
	struct jitter_params params;
	enum phase phase;
	uint32_t ssrc;
	bool has_ssrc;
	bool has_stood; /* the position went back while nothing was there */
	bool was_skip;  /* the newest packet was no sound */
	bool is_lost_whole;
	bool was_flat;    /* the newest packet: nothing was put into the pool */
	int32_t slack_us; /* of this tick */

	int64_t n;                 /* next unit to play */
	int64_t got_at;            /* where the last get began, or its packet */
	int64_t seq_next;          /* first packet that may hold n */
	int64_t seq_high, ts_high; /* newest packet */
	int64_t transit_high;      /* and its transit */
	uint32_t duration;         /* of a packet, lately */
	uint32_t step;             /* gcd(duration, pull) */
	uint32_t pull;             /* frame in clock units */
	uint32_t edge;             /* units still to be concealed after a jump */
	uint32_t held;             /* units that the time line stood, since the last piece */
	uint32_t late_run;
	uint64_t now_us;
	uint32_t ahead;
	uint64_t pool_head; /* endless count */
	struct jitter_stats stats;

	struct lateness lateness; /* what each packet needs ends with its first bins */
	_Alignas(PREFETCH_LINE) struct slot slot[JITTER_SLOTS];
	uint8_t pool[];
};

void jitter_prefetch_rt(const struct jitter *j)
{
	prefetch_lines(j, offsetof(struct jitter, lateness.bin[PREFETCH_BINS]));
}

void jitter_prefetch_slot_rt(const struct jitter *j)
{
	prefetch_lines(&j->slot[j->seq_next & SLOT_MASK], sizeof(struct slot));
	prefetch_lines(&j->slot[(j->seq_high + 1) & SLOT_MASK], sizeof(struct slot));
	prefetch_lines(&j->lateness.bin[j->lateness.top], sizeof(j->lateness.bin[0]));
	if (!j->was_flat)
		prefetch_lines(j->pool + j->pool_head % j->params.pool_octets, j->pull);
}

/* Units ------------------------------------------------------------------------------------- */

static int64_t us_of(const struct jitter *j, int64_t units)
{
	return units * 1000000 / (int64_t)j->params.clock_hz;
}

static int64_t cap_us(const struct jitter *j)
{
	return (int64_t)j->params.delay_ms_max * 1000;
}

static uint32_t units_of_ms(const struct jitter *j, uint32_t ms)
{
	return j->params.clock_hz / 1000 * ms;
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

/* Life -------------------------------------------------------------------------------------- */

static void slots_clear(struct jitter *j)
{
	for (uint32_t i = 0; i < JITTER_SLOTS; i++)
		j->slot[i].seq = -1;
}

int jitter_new(const struct jitter_params *params, struct jitter **ret_jitter)
{
	struct jitter_params p = *params;
	struct jitter *j;
	size_t octets;

	p.delay_ms_max = p.delay_ms_max ? p.delay_ms_max : JITTER_DELAY_MS_DEFAULT;
	if (p.clock_hz < 8000 || p.clock_hz > 90000 || p.clock_hz % 1000 ||
	    (p.pull_ms != 10 && p.pull_ms != 20) || p.delay_ms_max > JITTER_DELAY_MS_LIMIT ||
	    p.delay_ms_max < 2 * p.pull_ms)
		return -EINVAL;
	p.pool_octets = p.pool_octets ? p.pool_octets : 8u * (p.delay_ms_max + POOL_SLACK_MS);
	if (p.pool_octets < 2 * JITTER_PACKET_OCTETS_MAX || p.pool_octets > 1u << 24)
		return -EINVAL;

	octets = sizeof(*j) + p.pool_octets;
	j = aligned_alloc(PREFETCH_LINE,
			  (octets + PREFETCH_LINE - 1) / PREFETCH_LINE * PREFETCH_LINE);
	if (!j)
		return -ENOMEM;
	memset(j, 0, sizeof(*j)); /* not the pool, of which most calls use little */
	j->params = p;
	j->pull = units_of_ms(j, p.pull_ms);
	lateness_init(&j->lateness, cap_us(j) - us_of(j, 2 * j->pull), cap_us(j));
	jitter_reset_rt(j);
	*ret_jitter = j;
	return 0;
}

struct jitter *jitter_free(struct jitter *jitter)
{
	free(jitter);
	return NULL;
}

void jitter_reset_rt(struct jitter *j)
{
	slots_clear(j);
	j->phase = FRESH;
	j->has_ssrc = false;
	j->held = 0;
	j->edge = 0;
	j->late_run = 0;
	j->was_skip = j->has_stood = false;
	j->duration = j->pull;
	j->step = j->pull;
	j->stats.delay_ms = 0;
}

void jitter_restart_rt(struct jitter *j, uint32_t clock_hz, bool is_lost_whole)
{
	assert(clock_hz >= 8000 && clock_hz <= 90000 && clock_hz % 1000 == 0);
	j->params.clock_hz = clock_hz;
	j->pull = units_of_ms(j, j->params.pull_ms);
	j->is_lost_whole = is_lost_whole;
	jitter_reset_rt(j);
}

/* In ---------------------------------------------------------------------------------------- */

static struct slot *slot_at(struct jitter *j, int64_t seq)
{
	return &j->slot[seq & SLOT_MASK];
}

static bool slot_holds(const struct jitter *j, const struct slot *slot, int64_t seq)
{
	return slot->seq == seq &&
	       (slot->len == 0 || slot->is_flat ||
		(uint32_t)j->pool_head - slot->pool_at <= j->params.pool_octets);
}

static void timeline_start(struct jitter *j, const struct jitter_packet *p)
{
	bool is_first = !j->has_ssrc;

	slots_clear(j);
	j->phase = FRESH;
	j->has_ssrc = true;
	j->ssrc = p->ssrc;
	/* Far from zero, so that what was sent before the first one we saw has a place, too. */
	j->seq_high = j->seq_next = ((int64_t)1 << 32) + p->seq;
	j->ts_high = ((int64_t)1 << 40) + p->ts;
	j->held = 0;
	j->late_run = 0;
	j->transit_high = (int64_t)p->arrival_us - us_of(j, j->ts_high);
	lateness_start_rt(&j->lateness, j->transit_high, p->arrival_us);
	if (!is_first)
		j->stats.resyncs++;
}

static bool is_far(const struct jitter *j, int64_t seq)
{
	int64_t ahead = seq - j->seq_high;

	return ahead >= JITTER_SLOTS || ahead <= -JITTER_SLOTS;
}

static bool is_new_timeline(const struct jitter *j, int64_t seq, int64_t transit)
{
	return is_far(j, seq) || transit - j->lateness.base_us > JUMP_US ||
	       transit - j->lateness.base_us < -JUMP_US;
}

static uint32_t pool_store(struct jitter *j, const uint8_t *payload, uint16_t len)
{
	uint32_t at = (uint32_t)(j->pool_head % j->params.pool_octets);
	uint64_t start;

	if (at + len > j->params.pool_octets) /* no wrap inside a payload */
		j->pool_head += j->params.pool_octets - at;
	start = j->pool_head;
	memcpy(j->pool + start % j->params.pool_octets, payload, len);
	j->pool_head += len;
	return (uint32_t)start;
}

static void slot_fill(struct jitter *j, int64_t seq, int64_t ts, const struct jitter_packet *p)
{
	struct slot *slot = slot_at(j, seq);

	*slot = (struct slot){.seq = seq,
			      .ts = ts,
			      .duration = p->duration,
			      .tag = p->tag,
			      .told = p->told,
			      .is_sliceable = p->is_sliceable,
			      .has_marker = p->has_marker};
	if (p->duration) {
		slot->len = p->payload_len;
		slot->is_flat = j->was_flat = p->is_flat;
		if (p->is_flat)
			slot->flat = p->payload[0];
		else
			slot->pool_at = pool_store(j, p->payload, p->payload_len);
		j->stats.packet_ms = p->duration / (j->params.clock_hz / 1000);
		if (p->duration != j->duration) {
			j->duration = p->duration;
			j->step = gcd(p->duration, j->pull);
		}
	}
}

/* A packet whose turn is over. Many in a row: the path became slower than the cap can bridge, or
 * by more than was believed yet; then the time line starts anew at the present delay. */
static enum jitter_put_result put_late(struct jitter *j, const struct jitter_packet *p)
{
	j->stats.late++;
	if (++j->late_run >= LATE_RUN_MAX)
		timeline_start(j, p);
	return JITTER_LATE;
}

enum jitter_put_result jitter_put_rt(struct jitter *j, const struct jitter_packet *p)
{
	int64_t seq, ts, transit;

	assert(p->duration == 0 || p->payload != NULL);
	if (p->duration && (p->payload_len == 0 || p->payload_len > JITTER_PACKET_OCTETS_MAX ||
			    p->duration > units_of_ms(j, 1000))) {
		j->stats.overflows++;
		return JITTER_OVERFLOW;
	}
	if (!j->has_ssrc || p->ssrc != j->ssrc)
		timeline_start(j, p);
	seq = j->seq_high + (int16_t)(uint16_t)(p->seq - (uint16_t)j->seq_high);
	ts = j->ts_high + (int32_t)(p->ts - (uint32_t)j->ts_high);
	transit = (int64_t)p->arrival_us - us_of(j, ts);
	if (slot_at(j, seq)->seq == seq) {
		j->stats.duplicates++;
		return JITTER_DUPLICATE;
	}
	/* Telephone-events all carry the start of their digit: no clock to be read from them. */
	if (p->duration && is_new_timeline(j, seq, transit)) {
		timeline_start(j, p);
		seq = j->seq_high;
		ts = j->ts_high;
		transit = j->lateness.base_us;
	}
	/* Nor may they stretch the numbers in hand beyond the ring: each tick looks through them.
	 */
	if (!p->duration && is_far(j, seq))
		return put_late(j, p);
	if (p->duration)
		lateness_add_rt(&j->lateness, transit, p->arrival_us,
				(uint32_t)us_of(j, p->duration));
	if (seq > j->seq_high || j->phase == FRESH)
		j->was_skip = p->duration == 0;
	if (j->phase == FRESH && seq < j->seq_next)
		j->seq_next = seq;
	if (seq < j->seq_next || (j->phase == PLAY && p->duration && ts + p->duration <= j->n))
		return put_late(j, p);
	if (seq - j->seq_next >= JITTER_SLOTS) {
		timeline_start(j, p);
		seq = j->seq_high;
		ts = j->ts_high;
		transit = j->lateness.base_us;
	}
	j->late_run = 0;
	slot_fill(j, seq, ts, p);
	if (seq > j->seq_high) {
		j->seq_high = seq;
		if (p->duration) {
			j->ts_high = ts;
			j->transit_high = transit;
		}
	}
	j->stats.stored++;
	return JITTER_STORED;
}

/* Out --------------------------------------------------------------------------------------- */

/* First packet with sound at or after seq_next, NULL: none. *ret_missing: numbers without packet
 * before it. Forgets slots whose payload is gone. */
static struct slot *first_sound(struct jitter *j, uint32_t *ret_missing)
{
	uint32_t missing = 0;

	for (int64_t seq = j->seq_next; seq <= j->seq_high; seq++) {
		struct slot *slot = slot_at(j, seq);

		if (!slot_holds(j, slot, seq)) {
			missing++;
		} else if (slot->duration &&
			   (j->phase != PLAY || slot->ts + slot->duration > j->n)) {
			*ret_missing = missing;
			return slot;
		}
	}
	return NULL;
}

static int64_t delay_us(const struct jitter *j, int64_t n)
{
	return (int64_t)j->now_us - j->lateness.base_us - us_of(j, n - j->ahead);
}

/* Distance up to the next packet boundary, modulo the common step, from what is played while n is
 * the next to be taken. */
static uint32_t misfit(const struct jitter *j, int64_t n)
{
	int64_t x = (j->ts_high - n + j->ahead) % (int64_t)j->step;

	return (uint32_t)(x < 0 ? x + j->step : x);
}

static int64_t margin_us(const struct jitter *j, int64_t n)
{
	return delay_us(j, n) - us_of(j, misfit(j, n) + j->pull - j->step);
}

static void note_delay(struct jitter *j)
{
	int64_t delay = delay_us(j, j->n + j->held);

	j->stats.delay_ms = delay > 0 ? (uint32_t)(delay / 1000) : 0;
	j->stats.delay_ms_max = MAX_OF(j->stats.delay_ms_max, j->stats.delay_ms);
	j->stats.target_ms = (uint32_t)(j->lateness.target_us / 1000);
}

static void start_at(struct jitter *j, int64_t n)
{
	j->phase = PLAY;
	j->n = n;
	j->held = j->edge = 0;
}

/* A spurt starts when its first packet has waited for the target; what came as a backlog (a stall
 * of the network during the pause) is cut so that the delay is right at once. */
static void spurt_try(struct jitter *j)
{
	uint32_t missing;
	struct slot *first = first_sound(j, &missing);
	int64_t slack, ahead;

	if (!first)
		return;
	/* Even the newest packet is later than we may ever wait: the path is another one now. */
	if (delay_us(j, j->ts_high) > cap_us(j))
		lateness_start_rt(&j->lateness, j->transit_high, j->now_us);
	slack = margin_us(j, first->ts) - j->lateness.target_us;
	if (slack < 0)
		return;
	ahead = slack / us_of(j, j->pull) * j->pull;
	start_at(j, MIN_OF(first->ts + ahead, MAX_OF(j->ts_high, first->ts)));
}

/* The cap is hard: what nobody squeezed out in time is jumped over, and the edge is concealed. */
static void cap_keep(struct jitter *j)
{
	int64_t over = delay_us(j, j->n + j->held) - cap_us(j), step_us = us_of(j, j->step);

	if (over <= 0)
		return;
	j->n += j->held + (over + step_us - 1) / step_us * j->step;
	j->held = 0;
	j->edge = j->pull;
}

void jitter_tick_rt(struct jitter *j, uint64_t now_us, uint32_t ahead)
{
	j->now_us = now_us;
	j->ahead = ahead;
	j->slack_us = INT32_MAX;
	if (j->phase != PLAY && j->has_ssrc)
		spurt_try(j);
	if (j->phase == PLAY) {
		cap_keep(j);
		note_delay(j);
		if (!j->held && !j->edge)
			j->slack_us = (int32_t)(margin_us(j, j->n) - j->lateness.target_us);
	}
}

static struct jitter_piece piece_of(enum jitter_kind kind, uint32_t duration)
{
	return (struct jitter_piece){.kind = kind, .duration = duration};
}

/* After standing still: the latest position between "stood" and "time" that leaves the target its
 * margin, and where frames meet packets if there is one. */
static void hold_end(struct jitter *j)
{
	int64_t stood = j->n, time = j->n + j->held;
	int64_t n = time - (j->step - misfit(j, time)) % j->step;
	int64_t best = stood;

	for (; n >= stood; n -= j->step) {
		best = n;
		if (margin_us(j, n) >= j->lateness.target_us)
			break;
	}
	if (delay_us(j, best) > cap_us(j))
		best = time;
	j->n = best;
	j->held = 0;
	j->has_stood = best < time;
}

static struct jitter_piece pause_begin(struct jitter *j, uint32_t want)
{
	j->phase = PAUSE;
	j->held = 0;
	return piece_of(JITTER_SILENCE, want);
}

static struct jitter_piece underrun(struct jitter *j, uint32_t want)
{
	if (j->was_skip || j->held + want > units_of_ms(j, HOLD_MS_MAX))
		return pause_begin(j, want);
	j->held += want;
	return piece_of(JITTER_WAIT, want);
}

static const uint8_t *payload_of(const struct jitter *j, const struct slot *slot)
{
	uint64_t at = j->pool_head - ((uint32_t)j->pool_head - slot->pool_at);

	return slot->is_flat ? &slot->flat : j->pool + at % j->params.pool_octets;
}

static struct jitter_piece take(struct jitter *j, struct slot *slot, uint32_t want)
{
	const uint8_t *payload = payload_of(j, slot);
	struct jitter_piece piece = {.kind = JITTER_PIECE,
				     .tag = slot->tag,
				     .told = slot->told,
				     .is_flat = slot->is_flat,
				     .has_stood = j->has_stood};
	uint32_t skip;

	j->has_stood = false;
	j->got_at = slot->ts;
	if (!slot->is_sliceable) {
		piece.payload = payload;
		piece.payload_len = slot->len;
		piece.duration = slot->duration;
		piece.ts = (uint32_t)slot->ts;
		j->n = slot->ts + slot->duration;
	} else {
		skip = (uint32_t)(j->n - slot->ts);
		piece.ts = (uint32_t)j->n;
		piece.duration = MIN_OF(want, slot->duration - skip);
		piece.payload = payload +
				(slot->is_flat ? 0 : (uint64_t)skip * slot->len / slot->duration);
		piece.payload_len = (uint16_t)((uint64_t)piece.duration * slot->len /
					       slot->duration);
		j->n += piece.duration;
	}
	slot->was_played = true;
	j->seq_next = slot->seq + (j->n >= slot->ts + slot->duration);
	return piece;
}

/* There is sound, but later than n. Numbers are missing: loss (or still on its way, then waiting is
 * right while the target asks for it). None missing, or
 * a marker (RFC 3551 4.1): the speaker paused. */
static struct jitter_piece gap(struct jitter *j, const struct slot *next, uint32_t missing,
			       uint32_t want)
{
	int64_t length = next->ts - j->n;
	struct jitter_piece piece;
	bool is_pause = missing == 0 || next->has_marker ||
			length > (int64_t)(missing + 1) * j->duration;

	if (is_pause) {
		j->stats.lost += missing;
		j->seq_next = next->seq;
		return pause_begin(j, want);
	}
	if (margin_us(j, j->n) < j->lateness.target_us - LENGTHEN_SLACK_US &&
	    j->held + want <= 2 * j->pull) {
		j->held += want;
		return piece_of(JITTER_WAIT, want);
	}
	j->held = 0;
	if (j->is_lost_whole)
		want = MAX_OF(want, j->duration);
	want = (uint32_t)MIN_OF((int64_t)want, length);
	j->got_at = j->n;
	j->n += want;
	piece = piece_of(JITTER_LOST, want);
	if (j->n >= next->ts) {
		j->stats.lost += missing;
		j->seq_next = next->seq;
		piece.payload = payload_of(j, next);
		piece.payload_len = next->is_flat ? 1 : next->len;
		piece.tag = next->tag;
		piece.told = next->told;
	}
	return piece;
}

static struct jitter_piece edge(struct jitter *j, uint32_t want)
{
	want = MIN_OF(want, j->edge);
	j->edge -= want;
	j->got_at = j->n;
	j->n += want;
	return piece_of(JITTER_LOST, want);
}

struct jitter_piece jitter_get_rt(struct jitter *j, uint32_t want)
{
	uint32_t missing = 0;
	struct jitter_piece piece;
	struct slot *slot;

	assert(want > 0);
	if (j->phase != PLAY)
		return piece_of(JITTER_SILENCE, want);
	if (j->edge)
		return edge(j, want);
	slot = first_sound(j, &missing);
	if (!slot)
		return underrun(j, want);
	if (j->held) {
		hold_end(j);
		slot = first_sound(j, &missing);
		if (!slot)
			return underrun(j, want);
	}
	if (slot->ts > j->n)
		return gap(j, slot, missing, want);
	j->stats.lost += missing;
	piece = take(j, slot, want);
	piece.is_torn = missing > 0 && !slot->has_marker;
	return piece;
}

void jitter_unget_rt(struct jitter *j, uint32_t units)
{
	if (j->phase != PLAY)
		return;
	j->n -= units;
	for (;;) {
		const struct slot *slot = slot_at(j, j->seq_next - 1);

		if (!slot_holds(j, slot, j->seq_next - 1) || !slot->was_played ||
		    slot->ts + slot->duration <= j->n)
			break;
		j->seq_next--;
	}
}

uint32_t jitter_past_rt(struct jitter *j, uint32_t units, struct jitter_piece *ret_pieces,
			uint32_t most)
{
	int64_t seq = j->seq_next - 1, from = j->got_at - units;
	uint32_t count = 0;

	for (uint32_t i = 0; j->phase == PLAY && i < PAST_NUMBERS && count < most; i++, seq--) {
		const struct slot *slot = slot_at(j, seq);

		if (!slot_holds(j, slot, seq) || !slot->duration || !slot->was_played ||
		    slot->is_sliceable || slot->ts + slot->duration > j->got_at)
			continue;
		if (slot->ts + slot->duration <= from)
			break;
		ret_pieces[count++] = (struct jitter_piece){.kind = JITTER_PIECE,
							    .payload = payload_of(j, slot),
							    .payload_len = slot->len,
							    .tag = slot->tag,
							    .told = slot->told,
							    .ts = (uint32_t)slot->ts,
							    .duration = slot->duration};
	}
	return count;
}

/* Units from n on that are there without a gap, up to `enough`. */
static uint32_t contiguous(struct jitter *j, uint32_t enough)
{
	int64_t end = j->n;

	for (int64_t seq = j->seq_next; seq <= j->seq_high && end - j->n < enough; seq++) {
		const struct slot *slot = slot_at(j, seq);

		if (!slot_holds(j, slot, seq) || (slot->duration && slot->ts > end))
			break;
		end = MAX_OF(end, slot->ts + slot->duration);
	}
	return (uint32_t)(end - j->n);
}

struct jitter_advice jitter_advice_rt(struct jitter *j)
{
	struct jitter_advice advice = {0};
	int64_t slack, step_us = us_of(j, j->step), need;
	uint32_t x, there;

	if (j->phase != PLAY || j->held || j->edge)
		return advice;
	slack = margin_us(j, j->n) - j->lateness.target_us;
	x = misfit(j, j->n);
	if (slack < 0) {
		need = -slack;
		advice.lengthen = (uint32_t)(j->step - x + (need - 1) / step_us * j->step);
		return advice;
	}
	slack -= MIN_OF(2 * j->lateness.target_us, (int64_t)SHORTEN_SLACK_US) +
		 j->lateness.target_us / 4;
	advice.shorten_max = x + (slack > 0 ? (uint32_t)(slack / step_us) * j->step : 0);
	if (advice.shorten_max) {
		there = contiguous(j, advice.shorten_max + j->pull);
		there -= MIN_OF(there, j->pull);
		advice.shorten_max = MIN_OF(advice.shorten_max, there);
	}
	advice.is_urgent = delay_us(j, j->n) > (int64_t)j->params.delay_ms_max * 1000;
	return advice;
}

int32_t jitter_slack_us_rt(const struct jitter *j)
{
	return j->slack_us;
}

struct jitter_stats jitter_stats_rt(const struct jitter *j)
{
	return j->stats;
}
