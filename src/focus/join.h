/* focus/join.h -- an INVITE that names another dialog: Join (RFC 3911) and Replaces (RFC 3891).
 *
 * Join adds the caller to the conference of that dialog; a two-party call becomes a conference by
 * it. Replaces gives the caller the place of the named party, who is rung off once the caller is
 * there. Who may is `focus.join`; by default whoever knows Call-ID and both tags, which only the
 * parties and those whom they told do (RFC 3911 6). Thread: control.
 */
#ifndef FOCUS_JOIN_H
#define FOCUS_JOIN_H

#include <stdbool.h>

#include "sip/ua.h"

struct focus;
struct participant;
struct room;

struct join {
	struct participant *target; /* NULL: nobody is named, or the Request-URI decides */
	bool is_replaces;
};

/* A dialog that we do not have is no mistake when the Request-URI is a conference that lives here:
 * a joiner that was redirected to it (302) repeats its Join (RFC 3911 8.1).
 * ERR_JOIN_UNKNOWN, ERR_JOIN_ENDED, ERR_JOIN_REFUSED, ERR_JOIN_ANSWERED, ERR_ROOM_LOCKED,
 * ERR_ROOM_FULL. */
int join_find(struct focus *focus, const struct sip_call *call, const struct sip_msg *request,
	      struct join *ret_join);

/* Whether the other end of `call`, which sent `request`, may meddle with the conversation in `room`
 * (RFC 3911 6): ERR_JOIN_REFUSED. */
int join_check_policy(const struct room *room, const struct sip_call *call,
		      const struct sip_msg *request);

/* The target is in a conference when this returns 0. ERR_JOIN_UNKNOWN when its call is not so far,
 * ERR_ROOM_LIMIT, -ENOMEM. */
int join_make_room(struct participant *target);

#endif
