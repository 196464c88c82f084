/* focus/packages.c -- event subscriptions that come to us (RFC 6665): which package, of what. */
#include "base/err.h"
#include "focus/admission.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"

static void refuse(struct sip_stx *tx, uint16_t status)
{
	(void)sip_stx_reply(tx, &(struct sip_reply){.status = status});
}

/* The ua lets nothing through but FOCUS_PACKAGES, and answers 489 itself. */
void packages_on_subscribe(struct focus *focus, struct sip_stx *tx, const struct sip_msg *request)
{
	struct room *room;

	if (admission_find_room(focus, request->request_uri, &room))
		refuse(tx, 404);
	else
		roster_subscribe(room, tx, request);
}

void packages_on_subscribe_within(struct participant *participant, struct sip_stx *tx,
				  const struct sip_msg *request)
{
	if (!participant->room || participant->room->call)
		refuse(tx, 481); /* it is no conference, or not any more */
	else
		roster_subscribe(participant->room, tx, request);
}
