/* focus/waiting.h -- who has arrived at a room and is not in it yet, and what comes and goes there.
 *
 * A guest waits, with music, for the moderator (wait_for_moderator) or until somebody admits it
 * (lobby); its state is "pending" meanwhile (RFC 4575 5.7.3). Moderators never wait. Here are also
 * the tones and words at coming and going, and the end of a room that its moderators have left.
 * Thread: control.
 */
#ifndef FOCUS_WAITING_H
#define FOCUS_WAITING_H

#include "focus/participant_priv.h"

/* A published participant whose call is established: into the mix, or to wait. */
void waiting_come_in(struct participant *participant);

/* It has got into the mix. */
void waiting_on_joined(struct participant *participant);

/* Tells it by voice how many others there are. */
void waiting_tell_count(struct participant *participant);

/* Says to it, or (NULL) to the room, who is there. */
void waiting_roll_call(struct room *room, struct participant *participant);

/* It is about to leave the roster; it is still in its room. */
void waiting_on_leaving(struct participant *participant);

/* The prompt or music of one that waits, or that has just come in, has ended. */
void waiting_on_said(struct participant *participant, handle play);

/* It has become a moderator, or a guest again. */
void waiting_on_role(struct participant *participant);

/* Settings of the room have changed: who waits for nothing any more comes in. */
void waiting_review(struct room *room);

/* Lets in one that waits, whatever it waits for. ERR_STATE when it does not,
 * or has something to do first (enum participant_ask). */
int waiting_admit(struct participant *participant);

#endif
