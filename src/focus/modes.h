/* focus/modes.h -- how somebody takes part: talking, listening, or coaching one of the others.
 *
 *   talk     hears and is heard like everybody ("barge in", RFC 3911 1)
 *   listen   hears all, is muted
 *   coach    hears all, and is heard by one participant alone
 *
 * A coach speaks to a group of its own (focus/groups.h), "coach-<id of the coached>", which the
 * coached one hears as well until its last coach has left. Who joins a call by Join (RFC 3911) gets
 * `focus.join_mode`, or asks for a mode of `focus.join_choice` by the parameter MODES_PARAM of the
 * Request-URI; whom it coaches is the party whose dialog it names. Thread: control.
 */
#ifndef FOCUS_MODES_H
#define FOCUS_MODES_H

#include <stdbool.h>

#include "base/slice.h"
#include "sip/msg.h"

struct focus;
struct participant;
struct room;

#define MODES_PARAM "join-mode"

enum participant_mode { MODE_TALK, MODE_LISTEN, MODE_COACH, MODE_COUNT };
const char *mode_name(enum participant_mode mode); /* "talk" ... */
bool mode_read(struct slice name, enum participant_mode *ret_mode);

/* `coached` is needed for MODE_COACH only. ERR_STATE: it is nobody else of this room.
 * ERR_GROUPS_FULL, -ENOMEM: nothing has changed. */
int focus_participant_set_mode(struct focus *focus, struct participant *participant,
			       enum participant_mode mode, struct participant *coached);

/* The mode in which a Join comes in. ERR_NOT_ALLOWED: it asks for one that it may not have. */
int modes_of_join(const struct focus *focus, const struct sip_msg *request,
		  enum participant_mode *ret_mode);
/* `coach` coached `coached` where both came from (focus/seats.h): so it does here, in a group that
 * is named after the other's id here. */
void modes_resume(struct participant *coach, struct participant *coached);
/* It has left the room. */
void modes_on_left(struct room *room, struct participant *participant);

#endif
