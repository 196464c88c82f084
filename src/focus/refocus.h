/* focus/refocus.h -- telling those who are in a call that a focus has taken it over (RFC 4579 5.3,
 * RFC 3911 8.2).
 *
 * Each party gets a re-INVITE whose Contact is the conference URI with isfocus; ports and codecs
 * stay, so that no sound is lost. A caller that waits to come in is answered once all of them have
 * answered, or after REFOCUS_WAIT_MS. Thread: control.
 */
#ifndef FOCUS_REFOCUS_H
#define FOCUS_REFOCUS_H

#include <stdbool.h>

struct participant;
struct room;

enum { REFOCUS_WAIT_MS = 2000 };

/* Sends the re-INVITEs, or the one of this participant. */
void refocus_room(struct room *room);
void refocus_participant(struct participant *participant);
/* An exchange of this party is over, well or not, or it has left. */
void refocus_over(struct participant *participant);
/* Nobody in the room still owes an answer. */
bool refocus_is_done(const struct room *room);

#endif
