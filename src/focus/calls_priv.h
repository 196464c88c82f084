/* focus/calls_priv.h -- the inside of a two-party call, for src/focus and its tests only.
 *
 * Its room is a room that is in no table: nobody can dial it and no room event tells of it, until
 * the call becomes a conference. */
#ifndef FOCUS_CALLS_PRIV_H
#define FOCUS_CALLS_PRIV_H

#include "base/hash.h"
#include "base/list.h"
#include "focus/calls.h"
#include "focus/event.h"
#include "focus/room_priv.h"
#include "store/store.h"

struct call {
	struct focus *focus;
	struct list in_focus; /* in order of making */
	struct hash_node by_id;
	char id[CALL_ID_MAX + 1];
	char from_uri[STORE_URI_MAX + 1], to_uri[STORE_URI_MAX + 1];
	enum call_state state;
	bool is_late_offer;
	bool is_first_on_hold;         /* the first party has only been called on hold so far */
	bool has_sound;                /* of the second party came */
	struct room *room;             /* room->call is this */
	struct participant *from, *to; /* NULL: not yet, or has left */
	uint64_t created_wall_ms, connected_wall_ms, version;
	char cause[32]; /* of the first who left; "" while both are there */
	uint16_t status;
};

extern hash_match_fn *const calls_has_id; /* key: struct slice */

/* A call that a phone makes to a user of ours: a room for it, in which nobody is yet. `calls_place`
 * then puts the caller into it and calls the user; a failure leaves the caller to be discarded. */
int calls_new(struct focus *focus, const struct focus_call *make, struct call **ret_call);
int calls_place(struct call *call, struct participant *caller, const struct sip_msg *request);
void calls_discard(struct call *call); /* nobody is in it, nobody knows of it */

/* Becomes a conference, as by focus_call_to_room, but the parties' phones are not told of it. */
int calls_become_room(struct call *call, struct room **ret_room);

/* What the participants tell; each may end the call. */
void calls_on_joined(struct call *call, struct participant *participant);
void calls_on_changed(struct call *call, struct participant *participant);
void calls_on_media(struct call *call, struct participant *participant);
/* Its sound has come, or has come back. */
void calls_on_active(struct call *call, struct participant *participant);
/* It refused what we offered in the dialog. */
void calls_on_refused(struct call *call, struct participant *participant);
void calls_on_left(struct call *call, struct participant *participant);

/* Its room ends: tells call.ended and frees it. */
void calls_gone(struct call *call, const char *cause);
/* For focus_free: nobody is told. */
void calls_abandon(struct focus *focus);

#endif
