/* focus/packages.c -- event subscriptions that come to us (RFC 6665): which package, of what, and
 * who may.
 *
 * A room goes before a user of the same name, as for calls. In the dialog of a participant the
 * thing is its conference, or its two-party call. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "focus/admission.h"
#include "focus/calls_priv.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/registrar.h"
#include "focus/room_priv.h"
#include "focus/status.h"
#include "focus/watched.h"

/* What a SUBSCRIBE is about. */
struct aim {
	enum watched_kind kind;
	struct room *room; /* of WATCHED_ROOM */
	char name[WATCHED_NAME_MAX + 1];
	bool is_inside; /* sent in the dialog of somebody who is in it */
};

static void refuse(struct sip_stx *tx, uint16_t status)
{
	(void)sip_stx_reply(tx, &(struct sip_reply){.status = status});
}

/* Who may: conferences --------------------------------------------------------------------------
 */

static bool may_see_roster(const struct aim *aim, const struct sip_msg *request)
{
	struct slice who = slice_of(aim->room->focus->config->focus_roster);

	return slice_is(who, "all") ||
	       (slice_is(who, "participants") &&
		(aim->is_inside || participant_by_from(aim->room, request)));
}

/* Calls and presence: those whom we know, if not all. */
static bool may_watch(const struct focus *focus, const struct aim *aim)
{
	struct slice who = slice_of(focus->config->focus_watch);

	return slice_is(who, "all") ||
	       (slice_is(who, "users") &&
		(aim->is_inside || focus->caller.user || focus->caller.is_trusted));
}

/* Mailboxes: whose it is; of a room, who is in it. Without sip.auth a user is who says so. */
static bool may_read_mailbox(struct focus *focus, const struct aim *aim,
			     const struct sip_msg *request)
{
	struct slice who = slice_of(focus->config->mailboxes_readers);
	char name[WATCHED_NAME_MAX + 1];
	struct sip_addr from;
	struct user_view view;

	if (!slice_is(who, "owner"))
		return slice_is(who, "all");
	if (aim->is_inside)
		return true;
	if (aim->kind == WATCHED_ROOM)
		return participant_by_from(aim->room, request);
	if (focus->caller.user) {
		user_view(focus->caller.user, &view);
		return slice_is(view.name, aim->name);
	}
	return !sip_addr_parse(sip_msg_value(request, SIP_H_FROM), &from) &&
	       registrar_find_user(focus, from.uri.text, name, sizeof(name)) &&
	       slice_is(slice_of(name), aim->name);
}

/* Topics ----------------------------------------------------------------------------------------
 */

static void watch(struct focus *focus, const struct aim *aim, enum package_kind kind,
		  struct sip_stx *tx, const struct sip_msg *request)
{
	bool may = kind == PACKAGE_MESSAGE_SUMMARY ? may_read_mailbox(focus, aim, request)
						   : may_watch(focus, aim);
	struct watched *watched;

	if (!may) {
		refuse(tx, 403);
		return;
	}
	watched = watched_open(focus, aim->kind, slice_of(aim->name));
	if (!watched)
		status_refuse(focus, tx, -ENOMEM);
	else
		topic_subscribe(kind == PACKAGE_DIALOG     ? &watched->dialog
				: kind == PACKAGE_PRESENCE ? &watched->presence
							   : &watched->summary,
				tx, request, slice_of(aim->name));
}

/* PACKAGE_COUNT: none of ours. What is malformed stands for any: sip_sub_accept says so. */
static enum package_kind kind_of(const struct sip_msg *request)
{
	struct sip_event event;

	if (sip_event_parse(sip_msg_value(request, SIP_H_EVENT), &event))
		return PACKAGE_CONFERENCE;
	for (enum package_kind kind = 0; kind < PACKAGE_COUNT; kind++)
		if (strcmp(package_name(kind), event.package) == 0)
			return kind;
	return PACKAGE_COUNT;
}

static void subscribe(struct focus *focus, const struct aim *aim, struct sip_stx *tx,
		      const struct sip_msg *request)
{
	enum package_kind kind = kind_of(request);

	switch (kind) {
	case PACKAGE_CONFERENCE:
		if (aim->kind != WATCHED_ROOM)
			refuse(tx, aim->is_inside ? 481 : 404); /* it is no conference */
		else if (!may_see_roster(aim, request))
			refuse(tx, 403);
		else
			topic_subscribe(&aim->room->roster.topic, tx, request,
					slice_of(aim->room->id));
		break;
	case PACKAGE_DIALOG:
	case PACKAGE_PRESENCE:
	case PACKAGE_MESSAGE_SUMMARY:
		watch(focus, aim, kind, tx, request);
		break;
	default:
		refuse(tx, 489);
		break;
	}
}

/* Things ----------------------------------------------------------------------------------------
 */

static int find_aim(struct focus *focus, struct slice uri, struct aim *ret_aim)
{
	int err = admission_find_room(focus, uri, &ret_aim->room);

	if (!err) {
		ret_aim->kind = WATCHED_ROOM;
		slice_cstr(slice_of(ret_aim->room->id), ret_aim->name, sizeof(ret_aim->name));
		return 0;
	}
	ret_aim->kind = WATCHED_USER;
	return registrar_find_user(focus, uri, ret_aim->name, sizeof(ret_aim->name)) ? 0 : err;
}

/* The ua lets nothing through but FOCUS_PACKAGES, and answers 489 itself. */
void packages_on_subscribe(struct focus *focus, struct sip_stx *tx, const struct sip_msg *request)
{
	struct aim aim = {0};
	int err = find_aim(focus, request->request_uri, &aim);

	/* Who is in a conference that goes on may still see who else is. */
	if (focus->drain.is_on &&
	    (err || aim.kind != WATCHED_ROOM || kind_of(request) != PACKAGE_CONFERENCE ||
	     !aim.room->participant_count))
		status_refuse(focus, tx, ERR_DRAINING);
	else if (err)
		refuse(tx, 404);
	else
		subscribe(focus, &aim, tx, request);
}

void packages_on_subscribe_within(struct participant *participant, struct sip_stx *tx,
				  const struct sip_msg *request)
{
	struct room *room = participant->room;
	struct aim aim = {.kind = WATCHED_ROOM, .room = room, .is_inside = true};

	if (!room) {
		refuse(tx, 481); /* not any more */
		return;
	}
	if (room->call)
		aim.kind = WATCHED_CALL;
	slice_cstr(slice_of(room->call ? room->call->id : room->id), aim.name, sizeof(aim.name));
	subscribe(participant->focus, &aim, tx, request);
}
