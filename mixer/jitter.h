/* mixer/jitter.h -- adaptive jitter buffer of one RTP stream.
 *
 * Packets go in as they arrive, still encoded; the tick takes out pieces of the time line, in
 * order. It adds no delay of its own on a steady network (a packet leaves at the first tick after
 * it came), learns how late packets come, and holds just enough to play all but the last few per
 * cent of them, never more than delay_ms_max.
 *
 * Units:  time line in RTP clock units; times in microseconds of the monotonic clock.
 * Memory: all made in jitter_new. Threads: _new/_free on control, *_rt on the leg's worker.
 * mixer/intake.h wraps it with decoding, concealment and time-scale; the mixer uses that.
 */
#ifndef MIXER_JITTER_H
#define MIXER_JITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	JITTER_SLOTS = 128, /* packets held at most (power of two) */
	JITTER_DELAY_MS_DEFAULT = 200,
	JITTER_DELAY_MS_LIMIT = 1000, /* of delay_ms_max */
	JITTER_PACKET_OCTETS_MAX = 1500
};

struct jitter_params {
	uint32_t clock_hz;     /* of the stream, 8000 .. 90000 */
	uint16_t pull_ms;      /* length of the tick's frame: 10 or 20 */
	uint16_t delay_ms_max; /* hard cap; 0: default */
	uint32_t pool_octets;  /* payload memory; 0: 8 octets per ms for delay_ms_max + 400 ms */
};

struct jitter_packet {
	const uint8_t *payload; /* borrowed for the call, copied */
	uint16_t payload_len;   /* 1 .. JITTER_PACKET_OCTETS_MAX */
	uint8_t tag;            /* given back with the piece: enum media_codec */
	uint8_t told;           /* the same */
	bool is_sliceable;      /* may be cut at octets (struct codec) */
	bool is_flat; /* sliceable, and the same octet throughout: only that one is kept */
	bool has_marker;
	uint16_t seq;
	uint32_t ts;
	uint32_t ssrc;
	uint32_t duration; /* clock units; 0: not sound (telephone-event): the number is used up,
			    * nothing is missing */
	uint64_t arrival_us;
};

enum jitter_put_result {
	JITTER_STORED,
	JITTER_DUPLICATE,
	JITTER_LATE,    /* its turn was over */
	JITTER_OVERFLOW /* too large, or too far ahead */
};

enum jitter_kind {
	JITTER_PIECE,  /* payload to decode */
	JITTER_LOST,   /* sound is missing here and time goes on: conceal `duration` */
	JITTER_WAIT,   /* nothing is there yet, time line stands still: conceal `duration` */
	JITTER_SILENCE /* pause of the speaker (DTX, hold, end of the spurt), or nothing yet */
};

struct jitter_piece {
	enum jitter_kind kind;
	const uint8_t *payload; /* PIECE: borrowed until the next put or get; LOST: the packet right
				 * behind what is missing (it may hold a copy), or NULL */
	bool is_flat;           /* PIECE: payload is one octet, to be repeated payload_len times */
	uint16_t payload_len;
	uint8_t tag, told; /* of its packet */
	uint32_t ts;       /* PIECE: RTP timestamp of its first unit */
	uint32_t duration; /* clock units; for unsliceable payload may exceed what was wanted */
	bool has_stood;    /* PIECE after WAIT: the delay has grown, time line and clock parted */
	bool is_torn;      /* PIECE: packets right before it are missing, and it begins no spurt */
};

/* What the depth is and should be, for who can stretch or squeeze sound. Clock units. */
struct jitter_advice {
	uint32_t shorten_max; /* so much may be cut out of the time line now, and is there; 0: none
			       */
	uint32_t lengthen;    /* so much should be inserted, 0: none */
	bool is_urgent; /* close to the cap: cut even where it can be heard, or the buffer will */
};

struct jitter_stats {
	uint64_t stored, lost, late, duplicates, overflows, resyncs; /* lost: packets given up */
	uint32_t delay_ms;     /* of what is played now, against the fastest packets */
	uint32_t delay_ms_max; /* largest so far */
	uint32_t target_ms;
	uint32_t packet_ms; /* sound in a packet, lately */
};

struct jitter;

/* -EINVAL: params out of range. -ENOMEM. */
int jitter_new(const struct jitter_params *params, struct jitter **ret_jitter);
struct jitter *jitter_free(struct jitter *jitter);

/* Forgets packets and position; keeps counters and what was learnt of the network. */
void jitter_reset_rt(struct jitter *jitter);

/* The stream goes on in another codec: forgets as jitter_reset_rt does, and counts in units of
 * clock_hz from now on. is_lost_whole: losses come by packets, even when they are longer than what
 * was wanted (for decoders that conceal, and find copies in the next packet). */
void jitter_restart_rt(struct jitter *jitter, uint32_t clock_hz, bool is_lost_whole);

/* A put and the gets of a tick follow soon: asks for what they look at first, and once that has
 * come, for the place of the next packet (prefetch.h). */
void jitter_prefetch_rt(const struct jitter *jitter);
void jitter_prefetch_slot_rt(const struct jitter *jitter);

enum jitter_put_result jitter_put_rt(struct jitter *jitter, const struct jitter_packet *packet);

/* Opens the tick at now_us: decides whether a spurt may start. Once per frame, before the gets.
 * `ahead`: units that the caller took earlier and has not played yet. */
void jitter_tick_rt(struct jitter *jitter, uint64_t now_us, uint32_t ahead);

/* The next part of the time line, at most `want` units (except unsliceable packets). Call until
 * the frame is full. Every result carries a duration of at least 1. */
struct jitter_piece jitter_get_rt(struct jitter *jitter, uint32_t want);

/* Gives back the last `units` of what the gets of this tick took: the time line steps back. Only
 * sliceable pieces, and only as much as the last run of pieces held. */
void jitter_unget_rt(struct jitter *jitter, uint32_t units);

/* Packets that were played whole and end where the last get began, or before: at most `most` of
 * them, not much longer than `units` in all, the latest first. Returns how many. Borrowed as a
 * piece is. What a decoder needs that was not run for a while. */
uint32_t jitter_past_rt(struct jitter *jitter, uint32_t units, struct jitter_piece *ret_pieces,
			uint32_t most);

/* Of the present tick, before the first get. */
struct jitter_advice jitter_advice_rt(struct jitter *jitter);

/* By how much earlier the present tick could have come, and every packet would still have been
 * there in time with the target's margin; INT32_MAX: nothing is being played. */
int32_t jitter_slack_us_rt(const struct jitter *jitter);

struct jitter_stats jitter_stats_rt(const struct jitter *jitter);

#endif
