/* focus/farewell.h -- a word to whom somebody has removed, before we ring off.
 *
 * Who is removed or banned is out of the mix at once, and that is told at once (state
 * disconnecting, RFC 4575 5.7.3). It alone hears that it was removed, and is rung off when that has
 * been said, prompts.farewell_s later at the latest. Rung off without a word are: who is on hold,
 * another focus, a party of a two-party call, who removes itself, and who is removed twice. Thread:
 * control.
 */
#ifndef FOCUS_FAREWELL_H
#define FOCUS_FAREWELL_H

#include <stdbool.h>

#include "base/handle.h"

struct participant;

/* Its state is disconnecting already, its cause is known. False: there is nothing to be said, ring
 * it off. */
bool farewell_begin(struct participant *participant);
/* MEDIA_PLAY_ENDED. True: that was the word, and it has been rung off. */
bool farewell_on_said(struct participant *participant, handle play);
/* It is rung off now if a word was in the way. */
void farewell_cut(struct participant *participant);
/* Its call is over. Harmless at any time. */
void farewell_forget(struct participant *participant);

/* The timer of participant->farewell. */
void farewell_on_timer(void *participant);

#endif
