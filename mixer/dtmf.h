/* mixer/dtmf.h -- receiver of telephone-events (RFC 4733): every digit reported once.
 *
 * A digit is one event (RTP timestamp of its start). It is told when its end is known: the E bit,
 * or the start of another event, or silence of DTMF_LOST_END_MS. Whatever packets are lost,
 * repeated or reordered, no digit is told twice, and one packet of it is enough. Long events in
 * segments (RFC 4733 2.5.1.3) are joined into one digit. Thread: the leg's worker. Plain value.
 */
#ifndef MIXER_DTMF_H
#define MIXER_DTMF_H

#include <stdbool.h>
#include <stdint.h>

#include "mixer/rtp.h"

enum {
	DTMF_LOST_END_MS = 200, /* no packet for so long: the end was lost */
	DTMF_MUTE_TAIL_MS =
		40,     /* sound stays suppressed so long after the end: the tone's own tail */
	DTMF_RECENT = 4 /* events remembered against late repeats */
};

struct dtmf_digit {
	char digit; /* 0-9 * # A-D */
	uint16_t duration_ms;
};

struct dtmf {
	uint32_t clock_hz;
	bool is_active;
	uint8_t event;
	uint32_t ts, ssrc; /* identity of the active event */
	uint32_t joined;   /* clock units of earlier segments */
	uint32_t duration; /* longest seen of the present segment */
	uint64_t last_us;  /* arrival of its latest packet */
	uint64_t mute_until_us;
	uint32_t recent_ts[DTMF_RECENT]; /* told already */
	uint8_t recent_count, recent_at;
};

void dtmf_init(struct dtmf *dtmf, uint32_t clock_hz);

/* One packet of the telephone-event payload type. Returns the number of digits told (0..2) in
 * ret_digits; -EBADMSG: malformed; -ENOTSUP: an event that is no digit (tones, hook flash). */
int dtmf_put_rt(struct dtmf *dtmf, const struct rtp_packet *packet, uint64_t arrival_us,
		struct dtmf_digit ret_digits[2]);

/* Each tick: true when an event ended by time, told in *ret_digit. */
bool dtmf_tick_rt(struct dtmf *dtmf, uint64_t now_us, struct dtmf_digit *ret_digit);

/* The leg's sound of this tick belongs to a digit: do not let the room hear it. */
bool dtmf_is_muting_rt(const struct dtmf *dtmf, uint64_t now_us);

#endif
