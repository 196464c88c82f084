/* focus/schedule.h -- when a room opens and closes, how long a conference in it may last, and whom
 * it calls when it begins.
 *
 * Before room_settings.opens_wall_ms nobody comes in by calling (ERR_ROOM_NOT_OPEN: 480 with
 * Retry-After; a dial-in caller hears that the conference has not started yet). At that time, or
 * at once in a room without, the invitees are called all together, once in the room's life, also
 * when the server was down at the hour. At closes_wall_ms the room ends and is gone.
 *
 * duration_max_s counts from when the first has come into the mix until the room is empty again;
 * then everybody is rung off, and a room made by the API stays for the next conference. Those
 * inside are told five minutes and one minute before either end.
 *
 * Wall clock for hours, the wheel for durations; hours are looked at again every
 * SCHEDULE_LOOK_MS, so that a clock that was set is noticed. Thread: control.
 */
#ifndef FOCUS_SCHEDULE_H
#define FOCUS_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct focus;
struct room;

enum {
	SCHEDULE_LOOK_MS = 60 * 1000,
	SCHEDULE_GOODBYE_MS = 4000, /* from the last word to the end */
	SCHEDULE_INVITEES_MAX = 100,
	SCHEDULE_INVITEES_CHARS = 8191 /* of all URIs, a comma between them */
};

/* Comma list of URIs; "": nobody. ERR_LIMIT, ERR_BAD_TARGET, -ENOMEM. They are called when the room
 * begins, which may be at once. */
int focus_room_set_invitees(struct focus *focus, struct room *room, struct slice uris);
const char *focus_room_invitees(const struct room *room); /* "" none */

/* For the rest of the focus. */
bool schedule_is_open(const struct room *room);
uint64_t schedule_opens_in_s(const struct room *room);   /* 0: it is open */
uint64_t schedule_ends_wall_ms(const struct room *room); /* as things are; 0: no end is set */
void schedule_init(struct room *room);
void schedule_done(struct room *room);
void schedule_forget(struct room *room);    /* the room has ended: out of the store, too */
void schedule_review(struct room *room);    /* new settings, or just made or restored */
void schedule_on_joined(struct room *room); /* somebody is in the mix */
void schedule_on_empty(struct room *room);
/* Says that the conference ends, and ends the room when that is said; at once where nobody hears it
 * or prompts.farewell_s is 0: the room may be gone when this returns. */
void schedule_end(struct room *room, const char *cause);
int schedules_load(struct focus *focus); /* after the rooms */

#endif
