/* focus/confirm.h -- who was called says by a key that it is a person, and wants to come in.
 *
 * An answering machine that takes a call must not speak into a conference, nor cost the second
 * party's call. Whoever is called with PARTICIPANT_ASK_KEY waits (state pending), hears what it is
 * about, and comes in when it presses 1. It is asked CONFIRM_TIMES times, then rung off. Thread:
 * control.
 */
#ifndef FOCUS_CONFIRM_H
#define FOCUS_CONFIRM_H

struct participant;

enum { CONFIRM_TIMES = 3, CONFIRM_WAIT_MS = 8000 /* from one asking to the next */ };

void confirm_begin(struct participant *participant); /* it has answered */
/* It may be gone when this returns. */
void confirm_on_digit(struct participant *participant, char digit);
void confirm_end(struct participant *participant); /* it leaves; harmless at any time */

/* The timer of participant->confirm. */
void confirm_on_timer(void *participant);

#endif
