/* focus/ban.h -- who may not come into a room any more, for the room's life.
 *
 * A ban is by user and host of the caller's URI (what was proven of it before what it says; without
 * scheme, port and parameters). It holds for who calls, not for whom we call, and whatever PIN is
 * known. Rooms made by the API keep theirs over a restart. Thread: control.
 */
#ifndef FOCUS_BAN_H
#define FOCUS_BAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { BANS_MAX = 1000, BAN_ID_CHARS = 10, BAN_BY_MAX = 16, BAN_URI_MAX = 255 };

struct ban;
struct focus;
struct participant;
struct room;

struct ban_view {
	struct slice id, uri; /* borrowed */
	const char *by;       /* "api" or a participant's id */
	uint64_t created_wall_ms;
};
void ban_view(const struct ban *ban, struct ban_view *ret_view);

/* Keeps `uri` out and rings off who is in the room under it. Banned already: gives that ban.
 * ERR_BAD_TARGET (no user and host, or nobody in particular: RFC 3323 4.1.1.3), ERR_LIMIT
 * (BANS_MAX), -ENOMEM. */
int focus_ban(struct focus *focus, struct room *room, struct slice uri, struct ban **ret_ban);
struct ban *focus_ban_find(struct room *room, struct slice id); /* NULL: unknown */
struct ban *focus_ban_next(struct room *room,
			   struct ban *after); /* oldest first; NULL: the first */
void focus_unban(struct focus *focus, struct room *room, struct ban *ban);

/* For the rest of the focus. */
bool ban_holds(const struct room *room, const char *uri);
int bans_load(struct focus *focus);  /* after the rooms */
void bans_forget(struct room *room); /* the room has ended: out of the store, too */
void bans_free(struct room *room);

#endif
