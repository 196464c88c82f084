/* focus/admission.h -- who may come in, and where to: the decision, without any effect.
 *
 * INVITE and OPTIONS ask the same question, and so get the same answer (RFC 3261 11.2). Thread:
 * control.
 */
#ifndef FOCUS_ADMISSION_H
#define FOCUS_ADMISSION_H

#include "focus/factory.h"
#include "focus/focus.h"

enum admission_kind {
	ADMISSION_JOIN,     /* room */
	ADMISSION_CREATE,   /* a new room of the name room_id */
	ADMISSION_FACTORY,  /* a new room of a fresh name (RFC 4579 5.4) */
	ADMISSION_REDIRECT, /* to focus.central_factory */
	ADMISSION_MOVED     /* room has moved: migration_target */
};

struct admission {
	enum admission_kind kind;
	struct room *room;              /* JOIN: borrowed */
	char room_id[ROOM_ID_MAX + 1];  /* JOIN and CREATE */
	struct factory_profile profile; /* FACTORY */
	struct seat *seat; /* JOIN: kept for this caller by a move; borrowed; else NULL */
};

/* In this order: ERR_SIP_URI_SYNTAX, ERR_DOMAIN, ERR_ROOM_UNKNOWN (no user part), a factory that is
 * elsewhere, ERR_DRAINING, ERR_ROOM_LIMIT (factory), ERR_ROOM_NAME, ERR_ROOM_LOCKED, ERR_ROOM_FULL,
 * ERR_ROOM_UNKNOWN (not made on call), ERR_ROOM_LIMIT. */
int admission_decide(struct focus *focus, struct slice request_uri,
		     struct admission *ret_admission);

/* The conference that lives at this URI. ERR_SIP_URI_SYNTAX, ERR_DOMAIN, ERR_ROOM_UNKNOWN. */
int admission_find_room(struct focus *focus, struct slice uri, struct room **ret_room);

/* A factory, or the server itself (no user part), at a host of ours. */
bool admission_is_factory(const struct focus *focus, struct slice uri);

/* ERR_LOOP when the caller is the room itself: a focus whose address is the room's URI. */
int admission_check_loop(struct focus *focus, const struct sip_call *call,
			 const struct sip_msg *request, const char *room_id);

/* True for a name that only our factory gives: such a conference is not made again by a late call.
 */
bool admission_is_factory_name(struct slice id);

/* Host of a Request-URI is ours: an IP literal, sip.public_host, one of sip.domains, or any when
 * there are none. */
bool admission_host_is_ours(const struct config *config, struct slice host);
bool admission_is_our_host(const struct focus *focus, struct slice host);

#endif
