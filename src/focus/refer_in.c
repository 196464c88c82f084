/* focus/refer_in.c */
#include "focus/refer_in.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/admission.h"
#include "focus/ban.h"
#include "focus/calls_priv.h"
#include "focus/focus_priv.h"
#include "focus/gate.h"
#include "focus/join.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "focus/status.h"
#include "focus/text.h"
#include "sip/dialog_ref.h"
#include "sip/refer.h"
#include "sip/resource_list.h"

struct refer_in {
	struct list in_focus;
	struct focus *focus;
	struct sip_referral *referral;
	bool is_final;
};

/* A REFER that is being looked at. */
struct asked {
	struct focus *focus;
	struct room *room;
	struct participant *by; /* who sent it; NULL: nobody of the room */
	struct sip_stx *tx;
	const struct sip_msg *request;
	struct sip_refer refer;
};

/* Its progress --------------------------------------------------------------------------------- */

static void on_referral_ended(void *arg, struct sip_referral *referral)
{
	struct refer_in *refer = arg;

	(void)referral;
	refer->referral = NULL;
	list_remove(&refer->in_focus);
	if (refer->is_final)
		free(refer);
	else
		list_init(&refer->in_focus); /* nobody listens any more; the call goes on */
}

void refer_in_progress(struct refer_in *refer, uint16_t status)
{
	if (!refer || refer->is_final)
		return;
	refer->is_final = status >= 200;
	if (refer->referral)
		sip_refer_progress(refer->referral, status, NULL);
	else if (refer->is_final)
		free(refer);
}

void refer_in_abandon(struct focus *focus)
{
	while (!list_empty(&focus->refers)) {
		struct refer_in *refer = LIST_ENTRY(focus->refers.next, struct refer_in, in_focus);

		list_remove(&refer->in_focus);
		free(refer);
	}
}

static void refuse(const struct asked *asked, uint16_t status)
{
	(void)sip_stx_reply(asked->tx, &(struct sip_reply){.status = status});
}

/* 202, and the NOTIFY with 100. NULL: it has been answered otherwise. */
static struct refer_in *accept_it(const struct asked *asked)
{
	struct refer_in *refer = calloc(1, sizeof(*refer));
	struct sip_referral_params params = {
		.contact_user = slice_of(asked->room->id),
		.contact_params = "isfocus",
		.on_ended = on_referral_ended,
		.arg = refer,
	};

	if (!refer) {
		refuse(asked, 503);
		return NULL;
	}
	refer->focus = asked->focus;
	if (sip_refer_accept(asked->tx, asked->request, &asked->refer, &params, &refer->referral)) {
		free(refer);
		return NULL;
	}
	list_append(&asked->focus->refers, &refer->in_focus);
	return refer;
}

/* Removing --------------------------------------------------------------------------------------
 */

static bool is_user_of(struct slice a_text, struct slice b_text)
{
	struct sip_uri a, b;

	return !sip_uri_parse(a_text, &a) && !sip_uri_parse(b_text, &b) &&
	       slice_eq(a.user, b.user) && slice_ieq(a.host, b.host);
}

/* The whole URI first: two phones of one user may be there, or two users of one host. */
static struct participant *find_target(const struct room *room, struct slice uri)
{
	struct participant *found = NULL;
	struct sip_uri want, own;

	if (sip_uri_parse(uri, &want))
		return NULL;
	for (const struct list *it = room->participants.next; it != &room->participants;
	     it = it->next) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		if (!sip_uri_parse(slice_of(p->uri), &own) && sip_uri_eq(&want, &own))
			return p;
		if (!found && is_user_of(uri, slice_of(p->uri)))
			found = p;
	}
	return found;
}

static bool has_host(const struct room *room)
{
	for (const struct list *it = room->participants.next; it != &room->participants;
	     it = it->next)
		if (LIST_ENTRY(it, const struct participant, in_room)->is_host)
			return true;
	return false;
}

/* Everybody may remove oneself; others, who made the conference, or anybody where nobody did. */
static bool may_remove(const struct asked *asked, const struct participant *target)
{
	return asked->by == target || (asked->by && asked->by->is_host) || !has_host(asked->room);
}

static void remove_party(const struct asked *asked)
{
	struct participant *target = find_target(asked->room, slice_of(asked->refer.target));
	struct refer_in *refer;

	if (target && !may_remove(asked, target)) {
		refuse(asked, 403);
		return;
	}
	refer = accept_it(asked);
	if (!refer)
		return;
	refer_in_progress(refer, target ? 200 : 481);
	if (!target)
		return;
	LOG(LOG_INFO, "participant.removed_by_refer", LOG_STR("room", asked->room->id),
	    LOG_STR("participant", target->id), LOG_STR("by", asked->by ? asked->by->id : ""));
	participant_ring_off(target, "kicked", PARTICIPANT_EV_KICK);
}

/* Calling in ------------------------------------------------------------------------------------
 */

static int check(const struct asked *asked)
{
	int err = invitation_check(asked->focus, slice_of(asked->refer.target));

	if (!err && room_uri_is(asked->focus, asked->room->id, slice_of(asked->refer.target)))
		err = ERR_LOOP;
	if (!err)
		err = room_check_entry(asked->room, false);
	if (!err && asked->by)
		err = join_make_room(asked->by);
	return err;
}

/* Referred-By as it came, or who sent the REFER (RFC 3892 2.1) and does not hide, and what else the
 * Refer-To asks to be passed on. */
static void add_headers(const struct asked *asked, struct buf *out)
{
	struct sip_addr from;

	if (asked->refer.referred_by)
		buf_addf(out, "Referred-By: %s\r\n", asked->refer.referred_by);
	else if (!(asked->by && asked->by->is_anonymous) &&
		 !sip_addr_parse(sip_msg_value(asked->request, SIP_H_FROM), &from))
		buf_addf(out, "Referred-By: <" SLICE_FMT ">\r\n", SLICE_ARG(from.uri.text));
	if (asked->refer.join)
		buf_addf(out, "Join: %s\r\n", asked->refer.join);
	if (asked->refer.headers)
		buf_adds(out, asked->refer.headers);
}

/* Somebody who need not be called, being in a call through us already: the other end of it goes
 * into a conference of ours, leg and all. */
struct homing {
	struct participant *line;     /* whose call it is, the sender's */
	struct participant *replaced; /* whose place is taken: is rung off; NULL nobody */
	struct room *room;            /* where to */
};

/* Whose dialog with us the Replaces in Refer-To names (RFC 3891 3); NULL: none of ours. */
static struct participant *find_replaced(const struct asked *asked)
{
	struct sip_dialog_ref ref;
	struct sip_call *call;
	bool is_early;

	if (!asked->refer.replaces || sip_dialog_ref_parse(slice_of(asked->refer.replaces), &ref))
		return NULL;
	call = sip_ua_find_call(asked->focus->ua, &ref, &is_early);
	return call && !is_early ? participant_of_call(asked->focus, call) : NULL;
}

/* "Go to that conference", said to the other party of a call through us (Polycom and most desk
 * phones), and the conference is ours. Only by somebody who is in it: others' parties meet its lock
 * and its PIN, as callers do. With a Replaces that names somebody there (a transfer with
 * consultation, RFC 5589 7) that place is taken. */
static bool is_sent_home(const struct asked *asked, struct participant *replaced,
			 struct homing *ret_homing)
{
	struct room *room = NULL;

	if (!asked->room->call || asked->refer.join ||
	    admission_find_room(asked->focus, slice_of(asked->refer.target), &room) ||
	    slice_present(migration_target(room)) || !find_target(room, slice_of(asked->by->uri)))
		return false;
	*ret_homing = (struct homing){
		.line = asked->by,
		.replaced = replaced && replaced->room == room ? replaced : NULL,
		.room = room,
	};
	return true;
}

/* The same, said to the focus: "call that one in, in place of this call", and the call goes through
 * us (VoLTE, AudioCodes and snom with us as their server). The party's phone knows another dialog
 * than the one that is named, so its INVITE would find nothing to replace. */
static bool is_fetched(const struct asked *asked, struct participant *replaced,
		       struct homing *ret_homing)
{
	if (!replaced || !replaced->room->call || replaced->room == asked->room)
		return false;
	*ret_homing = (struct homing){.line = replaced, .replaced = replaced, .room = asked->room};
	return true;
}

static bool is_homing(const struct asked *asked, struct homing *ret_homing)
{
	struct participant *replaced = asked->by ? find_replaced(asked) : NULL;

	return asked->by && (is_fetched(asked, replaced, ret_homing) ||
			     is_sent_home(asked, replaced, ret_homing));
}

static int check_homing(const struct asked *asked, const struct homing *homing,
			const struct participant *other)
{
	bool is_up = other && homing->line->room->call->state == CALL_CONNECTED;
	int err = is_up ? room_check_entry(homing->room, false) : ERR_JOIN_UNKNOWN;

	if (!err && homing->line != asked->by)
		err = join_check_policy(homing->line->room, asked->by->call, asked->request);
	if (!err && ban_holds(homing->room, other->uri))
		err = ERR_BANNED;
	return err;
}

static void move_other(const struct asked *asked, const struct homing *homing)
{
	struct call *call = homing->line->room->call;
	struct participant *other = focus_call_from(call) == homing->line ? focus_call_to(call)
									  : focus_call_from(call);
	int err = check_homing(asked, homing, other);
	struct refer_in *refer = NULL;
	struct room *left;

	if (err)
		status_refuse(asked->focus, asked->tx, err);
	else
		refer = accept_it(asked);
	if (!refer)
		return;
	/* The line hears nothing of a conference: it is about to hang up. */
	err = calls_become_room(call, &left);
	if (!err && homing->line != asked->by)
		err = join_make_room(asked->by); /* it may be another two-party call */
	participant_set_referrer(other, slice_of(asked->by->uri));
	if (!err)
		err = focus_participant_move(asked->focus, other,
					     homing->line == asked->by ? homing->room
								       : asked->by->room);
	refer_in_progress(refer, err ? status_find(err)->status : 200);
	if (!err && homing->replaced)
		participant_ring_off(homing->replaced, "replaced", PARTICIPANT_EV_KICK);
}

static void call_in(const struct asked *asked)
{
	struct buf headers = BUF_INIT, replaces = BUF_INIT;
	struct invitation_start start = {
		.uri = slice_of(asked->refer.target),
		.display_name = slice_of(asked->refer.display),
	};
	struct participant *p;
	struct refer_in *refer;
	struct homing homing;
	int err;

	if (is_homing(asked, &homing)) {
		move_other(asked, &homing);
		return;
	}
	err = check(asked);
	if (err) {
		status_refuse(asked->focus, asked->tx, err);
		return;
	}
	refer = accept_it(asked);
	if (!refer)
		return;
	add_headers(asked, &headers);
	if (asked->refer.replaces)
		buf_addf(&replaces, "Replaces: %s\r\n", asked->refer.replaces);
	start.headers = headers.p;
	start.replaces = replaces.p;
	err = buf_err(&headers) ? buf_err(&headers) : buf_err(&replaces);
	if (!err)
		err = invitation_begin(asked->room, &start, &p);
	buf_done(&headers);
	buf_done(&replaces);
	if (err) {
		refer_in_progress(refer, status_find(err)->status);
		return;
	}
	p->refer = refer;
	if (asked->by)
		participant_set_referrer(p, slice_of(asked->by->uri));
}

/* Several at once (RFC 5368): each is called, or removed, on its own; there is one answer for all.
 */
static void serve_entry(struct asked *asked, const struct sip_resource *entry)
{
	struct invitation_start start = {
		.uri = slice_of(entry->uri),
		.display_name = slice_of(entry->display),
	};
	struct participant *p;
	struct sip_uri uri;
	struct slice method;
	int err = sip_uri_parse(start.uri, &uri);

	if (!err && sip_uri_param(&uri, "method", &method) && slice_iis(method, "BYE")) {
		p = find_target(asked->room, start.uri);
		if (p && may_remove(asked, p))
			participant_ring_off(p, "kicked", PARTICIPANT_EV_KICK);
		return;
	}
	if (!err)
		err = invitation_begin(asked->room, &start, &p);
	if (err) {
		LOG(LOG_WARN, "participant.not_invited", LOG_STR("room", asked->room->id),
		    LOG_STR("uri", entry->uri), LOG_STR("error", err_text(err)));
		return;
	}
	p->is_anonymous = entry->is_anonymous || entry->copy == SIP_COPY_BCC;
	if (asked->by)
		participant_set_referrer(p, slice_of(asked->by->uri));
}

static void serve_list(struct asked *asked)
{
	struct slice cid = slice_of(asked->refer.target);
	struct sip_resource_list list = {0};
	struct refer_in *refer;
	int err;

	err = sip_resource_list_of(asked->request, slice_from(cid, slice_find(cid, ':') + 1),
				   &list);
	if (!err && asked->by)
		err = join_make_room(asked->by);
	if (err) {
		refuse(asked, err == ERR_LIMIT ? 513 : 400);
		sip_resource_list_done(&list);
		return;
	}
	refer = accept_it(asked);
	for (uint32_t i = 0; refer && i < list.count; i++)
		serve_entry(asked, &list.entries[i]);
	refer_in_progress(refer, 200);
	sip_resource_list_done(&list);
}

bool refer_in_may_call(const struct focus *focus)
{
	const struct auth_identity *caller = gate_caller(focus);
	struct slice policy = slice_of(focus->config->focus_refer);
	struct user_view view;

	if (slice_is(policy, "off"))
		return false;
	if (!slice_is(policy, "rights") || caller->is_trusted)
		return true;
	if (!caller->user)
		return false;
	user_view(caller->user, &view);
	return view.may_refer_out;
}

/* Who and where ---------------------------------------------------------------------------------
 */

static void serve(struct asked *asked)
{
	int err = sip_refer_parse(asked->request, &asked->refer);

	focus_acting(asked->focus, asked->by ? asked->by->id : "");
	if (err)
		sip_refer_refuse(asked->tx, err);
	else if (asked->refer.is_list)
		serve_list(asked);
	else if (asked->refer.method == SIP_METHOD_BYE)
		remove_party(asked);
	else if (asked->refer.method == SIP_METHOD_INVITE)
		call_in(asked);
	else
		refuse(asked, 501); /* of another method, RFC 3515 2.4.2 */
	focus_acting(asked->focus, "");
	sip_refer_done(&asked->refer);
}

static struct participant *find_sender(const struct list *all, const struct sip_msg *request,
				       bool is_in_focus)
{
	struct participant *found = NULL;
	struct sip_addr from;

	if (sip_addr_parse(sip_msg_value(request, SIP_H_FROM), &from))
		return NULL;
	for (const struct list *it = all->next; it != all; it = it->next) {
		struct participant *p = is_in_focus ? LIST_ENTRY(it, struct participant, in_focus)
						    : LIST_ENTRY(it, struct participant, in_room);

		if (p->room && is_user_of(from.uri.text, slice_of(p->uri)) &&
		    (!found || p->is_host))
			found = p;
	}
	return found;
}

static struct participant *named_dialog(struct focus *focus, const struct sip_msg *request)
{
	struct slice value = sip_msg_value_named(request, "Target-Dialog");
	struct sip_dialog_ref ref;
	struct sip_call *call;
	bool is_early;

	if (!slice_present(value) || sip_dialog_ref_parse(value, &ref))
		return NULL;
	call = sip_ua_find_call(focus->ua, &ref, &is_early);
	return call && !is_early ? participant_of_call(focus, call) : NULL;
}

bool refer_in_has_dialog(struct focus *focus, const struct sip_msg *request)
{
	return named_dialog(focus, request) != NULL;
}

/* To the conference itself; to a factory or the server: the conference that the sender is in. */
static int find_room(struct asked *asked)
{
	struct focus *focus = asked->focus;
	struct participant *named = named_dialog(focus, asked->request);
	int err = admission_find_room(focus, asked->request->request_uri, &asked->room);

	if (!err) {
		asked->by = named && named->room == asked->room
				    ? named
				    : find_sender(&asked->room->participants, asked->request,
						  false);
		return 0;
	}
	if (err != ERR_ROOM_UNKNOWN || !admission_is_factory(focus, asked->request->request_uri))
		return err;
	asked->by = named ? named : find_sender(&focus->participants, asked->request, true);
	if (!asked->by)
		return ERR_ROOM_UNKNOWN;
	asked->room = asked->by->room;
	return 0;
}

void refer_in_request(struct focus *focus, struct sip_stx *tx, const struct sip_msg *request)
{
	struct asked asked = {.focus = focus, .tx = tx, .request = request};
	int err = find_room(&asked);

	if (slice_is(slice_of(focus->config->focus_refer), "off"))
		refuse(&asked, 403);
	else if (err)
		status_refuse(focus, tx, err);
	else
		serve(&asked);
}

void refer_in_within(struct participant *referrer, struct sip_stx *tx,
		     const struct sip_msg *request)
{
	struct focus *focus = referrer->focus;
	struct slice policy = slice_of(focus->config->focus_refer);
	struct asked asked = {
		.focus = focus,
		.room = referrer->room,
		.by = referrer,
		.tx = tx,
		.request = request,
	};

	if (!referrer->room)
		refuse(&asked, 481);
	else if (slice_is(policy, "off"))
		refuse(&asked, 403);
	else if (!slice_is(policy, "rights") || gate_pass(focus, tx, request, AUTH_REFER_OUT))
		serve(&asked);
}
