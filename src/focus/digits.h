/* focus/digits.h -- digits of a participant: each told once, whatever ways it came; digits to one.
 *
 * A gateway may send a key as telephone-event (RFC 4733), as the tone itself and in INFO, all at
 * once. The same digit by another way within DIGITS_SAME_MS is the same press; by the same way it
 * is another one. Thread: control.
 */
#ifndef FOCUS_DIGITS_H
#define FOCUS_DIGITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pace.h"
#include "base/slice.h"
#include "media.h"

struct participant;

enum {
	DIGITS_RECENT = 8,
	DIGITS_SAME_MS =
		1000, /* between the first and the last way: jitter buffer and signalling */
	/* Told at once, and one more each so often: RFC 4733 2.5.1.1 has 20 a second at most. What
	 * comes faster is no dialling, and everybody who hears of digits would drown in it. */
	DIGITS_AT_ONCE = 64,
	DIGITS_EVERY_MS = 50
};

/* Presses of the last second. Plain value, all zero at first. */
struct digits_seen {
	struct digits_press {
		char digit;   /* 0: free */
		uint8_t ways; /* bits 1 << enum media_digit_via */
		uint64_t ms;  /* of the first way */
	} recent[DIGITS_RECENT];
	uint8_t at;
	struct pace pace;
};

/* True when this is a press that was not told yet; notes it. */
bool digits_note(struct digits_seen *seen, char digit, enum media_digit_via via, uint64_t now_ms);

/* Sends digits to a participant: as telephone-events where that was agreed on, else as tones in
 * what it hears. -EINVAL: none, or others than 0-9 * # A-D. ERR_LIMIT: more than MEDIA_DIGITS_MAX.
 * ERR_STATE: it is not connected. Media errors. */
int digits_send(struct participant *participant, struct slice digits);

/* A digit that a participant pressed goes to all others who are in the room, if the room says so.
 */
void digits_pass_on(struct participant *from, char digit);

#endif
