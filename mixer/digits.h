/* mixer/digits.h -- sender of telephone-events (RFC 4733): digits to one peer, one after the other.
 *
 * A digit is an event that grows by a tick with each packet (2.5.1.2), the first with the marker,
 * and whose last packet, with the E bit, is sent DIGITS_ENDS times (2.5.1.4). All packets of it
 * have the timestamp of its start. No sound is sent meanwhile; between two digits there is at least
 * DIGITS_GAP_MS of it. Thread: the leg's worker. Plain value.
 */
#ifndef MIXER_DIGITS_H
#define MIXER_DIGITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "media.h"

enum {
	DIGITS_ENDS = 3,
	DIGITS_MS = 100,    /* of each; receivers want 40 at least */
	DIGITS_GAP_MS = 80, /* behind the end of each */
	DIGITS_TICK_MS = 20,
	DIGITS_VOLUME_DBM0 = 10, /* "-10 dBm0" (2.3.4) */
	DIGITS_OCTETS = 4
};

struct digits {
	char queue[MEDIA_DIGITS_MAX];
	uint8_t count, at;   /* waiting, and where they begin */
	bool is_active;      /* an event is being sent */
	uint8_t event, ends; /* of it; ends: packets with the E bit so far */
	uint16_t ms, gap_ms; /* of it so far; still to pass before the next */
	uint32_t ts;         /* of its start */
};

struct digits_packet {
	bool has_marker;
	uint32_t ts;
	uint8_t payload[DIGITS_OCTETS];
};

/* 0-9 * # A-D (lower case too): its event, else -1 (3.2). */
int digits_event(char digit);

/* Takes those that fit; what is no digit is left out. */
void digits_push_rt(struct digits *digits, const char *text, uint32_t count) NONBLOCKING;

/* One tick: true when a packet is to be sent in place of sound. `ts` is the stream's now, clock_hz
 * that of telephone-event. */
bool digits_tick_rt(struct digits *digits, uint32_t ts, uint32_t clock_hz,
		    struct digits_packet *ret_packet) NONBLOCKING;

static inline bool digits_are_idle(const struct digits *digits)
{
	return !digits->is_active && digits->count == 0 && digits->gap_ms == 0;
}

#endif
