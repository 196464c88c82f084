/* focus/calls.h -- two-party calls through Hearth, before they are conferences (RFC 3725, RFC 3911
 * 8.2).
 *
 * A *call* is two legs on one mixer bus, with plain Contacts: nobody is told of a focus. It is
 * made by the API, which has us ring the first party and then the second. A Join, a Replaces, a
 * REFER or the API makes it a conference: the same bus becomes a room's, and both parties
 * learn the conference URI, with isfocus, by a re-INVITE; their sound is not interrupted. A call
 * ends when either party leaves it.
 *
 * Who was called first hears ringing from the mixer, as soon as the second party's phone rings and
 * until its sound comes. With `is_late_offer` we are the controller of RFC 3725: the first party is
 * called on hold, the second without a description; the offer in its reliable 180 (RFC 3262) is
 * answered in the PRACK, and the first learns by UPDATE (RFC 3311; Reason: SIP;cause=180) that
 * there will be sound. Thread: control.
 */
#ifndef FOCUS_CALLS_H
#define FOCUS_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { CALL_ID_MAX = 32 };

struct call;
struct focus;
struct participant;
struct room;

enum call_state {
	CALL_DIALLING_FROM, /* the first party is called */
	CALL_DIALLING_TO,   /* the first is there, the second is called */
	CALL_RINGING,       /* the second party's phone rings */
	CALL_CONNECTED,
	CALL_ENDING, /* one has left, the other is rung off */
	CALL_STATE_COUNT
};
const char *call_state_name(enum call_state state); /* "dialling_from" ... */

struct call_view {
	SLICES(texts, /* borrowed from the call */
	       id, from, to /* URIs */,
	       room_id /* the conference that it has become; absent while it is a call */);
	enum call_state state;
	uint64_t created_wall_ms, connected_wall_ms; /* 0: not yet */
	uint64_t version;                            /* ETag */
};
void call_view(const struct call *call, struct call_view *ret_view);

struct focus_call {
	struct slice from, to; /* sip:, sips: or tel: */
	bool is_late_offer;    /* the descriptions are theirs first */
};
/* Rings `from`, then `to`. Each sees the other as the caller. ERR_BAD_TARGET, ERR_LOOP (both are
 * the same), ERR_NOT_ALLOWED, ERR_DRAINING, media errors. Refusals that come later end the call:
 * call.ended with cause and status. */
int focus_call_create(struct focus *focus, const struct focus_call *make, struct call **ret_call);
/* Of a call just made: the first party presses 1 before the second is called (focus/confirm.h). */
void focus_call_confirm(struct call *call);
/* Whether this URI may be called at all. ERR_BAD_TARGET, ERR_NOT_ALLOWED, ERR_DRAINING. */
int focus_call_check(const struct focus *focus, struct slice uri);
struct call *focus_call_find(struct focus *focus, struct slice id);    /* borrowed; NULL unknown */
struct call *focus_call_next(struct focus *focus, struct call *after); /* NULL: the oldest */
/* Its parties, NULL where there is none yet or no more. */
struct participant *focus_call_from(const struct call *call);
struct participant *focus_call_to(const struct call *call);
/* Rings both off; call.ended follows. */
void focus_call_end(struct focus *focus, struct call *call, const char *cause);
/* Makes it a conference: call.ended (cause "conference"), room.created and both participants. The
 * call is gone when this returns 0. ERR_STATE when not both parties are connected, ERR_ROOM_LIMIT,
 * -ENOMEM. */
int focus_call_to_room(struct focus *focus, struct call *call, struct room **ret_room);

#endif
