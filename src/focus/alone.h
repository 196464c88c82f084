/* focus/alone.h -- music for whoever is alone in a room that is set to it (room setting `music`).
 *
 * It is played to that one's leg, in no recording and to no other focus (isfocus): that one's people
 * would take it for their own, and two foci would play at each other for ever. It gives way to what
 * is said to that participant and to what the API plays to the room, and ends when somebody else
 * comes. Thread: control.
 */
#ifndef FOCUS_ALONE_H
#define FOCUS_ALONE_H

struct room;

/* Who is in the mix, what is said there, or a setting has changed: begins or ends it. */
void alone_review(struct room *room);

#endif
