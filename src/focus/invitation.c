/* focus/invitation.c -- calling somebody into a room (RFC 4579 5.2).
 *
 * The way to the one call that is answered, over Contacts, forwards and redirections, is a fork
 * (focus/fork.h). The participant and its media leg stay the same throughout. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/attendant.h"
#include "focus/focus_priv.h"
#include "focus/fork.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "focus/text.h"
#include "focus/trunks.h"

enum { FROM_MAX = ROOM_ID_MAX + ROOM_URI_MAX + 8 };

struct invitation {
	struct fork *fork; /* owned; NULL before it begins */
	char *from;        /* owned; NULL: the room */
	char *headers;     /* owned; of every INVITE, NULL none */
	bool is_on_hold, offers_nothing;
	char *replaces; /* owned; line of its own, dropped when a peer refuses it; NULL none */
};

struct invitation *invitation_free(struct invitation *invitation)
{
	if (!invitation)
		return NULL;
	fork_free(invitation->fork);
	free(invitation->from);
	free(invitation->headers);
	free(invitation->replaces);
	free(invitation);
	return NULL;
}

bool invitation_is_live(const struct invitation *invitation)
{
	return invitation && invitation->fork && !fork_is_over(invitation->fork);
}

bool invitation_hang_up(struct invitation *invitation, const struct sip_reply *reason)
{
	if (!invitation_is_live(invitation))
		return false;
	fork_cancel(invitation->fork, reason);
	return true;
}

bool participant_attempt(const struct participant *p, uint32_t at,
			 struct fork_attempt_view *ret_view)
{
	return p->invitation && p->invitation->fork &&
	       fork_attempt(p->invitation->fork, at, ret_view);
}

/* Targets ------------------------------------------------------------------------------------ */

static int check_target(const struct focus *focus, const char *room_id, struct slice text)
{
	struct sip_uri target;

	if (text.len > STORE_URI_MAX || sip_uri_parse(text, &target))
		return ERR_BAD_TARGET;
	if (target.scheme == SIP_SCHEME_TEL)
		return focus->config->sip_outbound_proxy[0] || fork_is_own(focus, &target)
			       ? 0
			       : ERR_BAD_TARGET;
	if (!sip_uri_is_sip(&target) || !target.host.len)
		return ERR_BAD_TARGET;
	return room_id && room_uri_is(focus, room_id, text) ? ERR_LOOP : 0;
}

/* What the fork asks and tells ---------------------------------------------------------------- */

/* The room; where we are registered we are who we are there, and the room is its display name. */
static const char *own_from(const struct participant *p, struct slice target, char out[FROM_MAX])
{
	char own[ROOM_URI_MAX + 1];
	struct trunk_view trunk;
	struct sip_uri uri;

	if (!sip_uri_parse(target, &uri) && trunk_find(p->focus, &uri, &trunk))
		snprintf(out, FROM_MAX, "\"%s\" <" SLICE_FMT ">", p->room_id, SLICE_ARG(trunk.aor));
	else
		snprintf(out, FROM_MAX, "<%s>", room_uri(p->focus, p->room_id, own));
	return out;
}

static int on_call(void *arg, struct sip_call_invite *invite, struct sip_call **ret_call)
{
	struct participant *p = arg;
	struct focus *focus = p->focus;
	struct invitation *invitation = p->invitation;
	char from[FROM_MAX];
	struct room *room = focus_room_find(focus, slice_of(p->room_id));
	struct buf headers = BUF_INIT;
	struct offer_local local;
	int err;

	invite->from = slice_of(invitation->from ? invitation->from
						 : own_from(p, invite->target, from));
	invite->contact_user = slice_of(p->is_plain ? p->id : p->room_id);
	/* The room of a two-party call that moves is in no table, and yet we are its focus. */
	invite->contact_params = p->is_plain || p->attendant ? NULL : "isfocus";
	invite->timeout_ms = (uint32_t)focus->config->focus_ring_s * 1000;
	leg_offer_local(&p->leg, &local);
	if (invitation->is_on_hold)
		local.direction = SDP_INACTIVE;
	invite->local = invitation->offers_nothing ? NULL : &local;
	if (room && !p->is_plain)
		loops_write(room, &headers);
	buf_adds(&headers, invitation->headers ? invitation->headers : "");
	buf_adds(&headers, invitation->replaces ? invitation->replaces : "");
	buf_adds(&headers, invite->headers ? invite->headers : "");
	invite->headers = headers.len ? headers.p : NULL;
	err = buf_err(&headers);
	if (!err)
		err = sip_call_new(focus->ua, invite, ret_call);
	/* What their offer is answered with. */
	if (!err && invitation->offers_nothing)
		(void)sip_call_set_local(*ret_call, &local);
	buf_done(&headers);
	return err;
}

static bool is_ringing(const struct fork *fork)
{
	struct fork_attempt_view view;

	for (uint32_t i = 0; fork_attempt(fork, i, &view); i++)
		if (view.state == FORK_RINGING)
			return true;
	return false;
}

static void on_attempt(void *arg, const struct fork_attempt_view *attempt)
{
	struct participant *p = arg;

	if (p->room && !fork_is_plain(p->invitation->fork))
		event_publish(p->focus, &(struct focus_news){.kind = FOCUS_PARTICIPANT_ATTEMPT,
							     .room = p->room,
							     .participant = p,
							     .attempt = attempt});
}

/* What happened before anybody knew of the participant. */
static void tell_attempts(struct participant *p)
{
	struct fork_attempt_view attempt;

	for (uint32_t i = 0; participant_attempt(p, i, &attempt); i++)
		on_attempt(p, &attempt);
}

/* Another target is called, or one of several has given up. */
static void on_moved(void *arg)
{
	struct participant *p = arg;

	p->call = fork_lead(p->invitation->fork);
	if (!p->call || !p->room || p->cause[0])
		return;
	participant_identify(p);
	LOG(LOG_INFO, "participant.redirected", LOG_STR("room", p->room_id),
	    LOG_STR("participant", p->id), LOG_STR("call_id", p->call_id));
	if (is_ringing(p->invitation->fork))
		participant_tell(p, FOCUS_PARTICIPANT_CHANGED);
	else
		participant_step(p, PARTICIPANT_EV_REDIRECTED);
}

static void on_progress(void *arg, struct sip_call *call, const struct sip_msg *response)
{
	participant_handlers.on_progress(arg, call, response);
}

static void on_media(void *arg, struct sip_call *call, const struct offer_agreed *agreed)
{
	participant_handlers.on_media(arg, call, agreed);
}

static void on_request(void *arg, struct sip_call *call, struct sip_stx *tx,
		       const struct sip_msg *request)
{
	participant_handlers.on_request(arg, call, tx, request);
}

static void on_won(void *arg, struct sip_call *call, const struct offer_agreed *agreed,
		   const struct sip_msg *message)
{
	struct participant *p = arg;

	p->call = call;
	sip_call_bind(call, &participant_handlers, p);
	if (agreed)
		participant_handlers.on_media(p, call, agreed);
	participant_handlers.on_established(p, call, message);
}

/* A phone that does not know Replaces, or no dialog of that name, is called once more without it
 * (RFC 3891 3, 5). */
static bool on_refused(void *arg, uint16_t status)
{
	struct invitation *invitation = ((struct participant *)arg)->invitation;

	if (!invitation->replaces || (status != 420 && status != 481 && status != 501))
		return false;
	free(invitation->replaces);
	invitation->replaces = NULL;
	return true;
}

static void on_failed(void *arg, const struct sip_call_end *end)
{
	struct participant *p = arg;

	p->call = NULL;
	participant_ended(p, end);
}

static const struct fork_handlers fork_handlers = {
	.call = on_call,
	.on_attempt = on_attempt,
	.on_moved = on_moved,
	.on_progress = on_progress,
	.on_media = on_media,
	.on_request = on_request,
	.on_won = on_won,
	.on_refused = on_refused,
	.on_failed = on_failed,
};

/* Calling ------------------------------------------------------------------------------------ */

static int check_invite(const struct focus *focus, const char *room_id, struct slice uri)
{
	if (focus->drain.is_on)
		return ERR_DRAINING;
	if (!focus->config->focus_dial_out)
		return ERR_NOT_ALLOWED;
	return check_target(focus, room_id, uri);
}

int invitation_check(const struct focus *focus, struct slice uri)
{
	return check_invite(focus, NULL, uri);
}

static int copy_text(const char *text, char **ret_copy)
{
	*ret_copy = text ? slice_dup(slice_of(text)) : NULL;
	return text && !*ret_copy ? -ENOMEM : 0;
}

static int invitation_new(const struct invitation_start *start, struct invitation **ret_invitation)
{
	struct invitation *invitation = calloc(1, sizeof(*invitation));
	int err;

	if (!invitation)
		return -ENOMEM;
	invitation->is_on_hold = start->is_on_hold;
	invitation->offers_nothing = start->offers_nothing;
	err = copy_text(start->from, &invitation->from);
	if (!err)
		err = copy_text(start->headers, &invitation->headers);
	if (!err)
		err = copy_text(start->replaces, &invitation->replaces);
	if (err) {
		invitation_free(invitation);
		return err;
	}
	*ret_invitation = invitation;
	return 0;
}

/* The first hop at least goes over TLS (RFC 3261 26.2.2; transport=tls as many still write it). */
static bool is_secure_target(struct slice target)
{
	struct sip_uri uri;
	struct slice transport;

	if (sip_uri_parse(target, &uri))
		return false;
	return uri.scheme == SIP_SCHEME_SIPS ||
	       (sip_uri_param(&uri, "transport", &transport) && slice_iis(transport, "tls"));
}

/* Ports, the offer, and the INVITE. `room` NULL: none yet; p->room_id says who calls. */
static int reserve(struct participant *p, struct room *room, const struct invitation_start *start)
{
	struct leg_place place = {.is_outside = true, .tag = p->tag};
	char own[ROOM_URI_MAX + 1];
	int err;

	p->is_plain = start->is_plain;
	text_utf8(start->uri, p->uri, sizeof(p->uri));
	place.is_secure = is_secure_target(start->uri);
	if (room)
		place.codecs = room->settings.codecs;
	err = invitation_new(start, &p->invitation);
	if (!err)
		err = fork_local_toward(p->focus, start->uri, &place.local);
	if (!err && room)
		err = room_bus(room, &place.bus);
	if (!err)
		err = leg_open(&p->leg, &place);
	if (!err)
		err = fork_new(
			&(struct fork_params){
				.focus = p->focus,
				.target = start->uri,
				.own = slice_of(room_uri(p->focus, p->room_id, own)),
				.request = start->request,
				.handlers = &fork_handlers,
				.arg = p,
			},
			&p->invitation->fork);
	if (!err)
		p->call = fork_lead(p->invitation->fork);
	return err;
}

int invitation_begin(struct room *room, const struct invitation_start *start,
		     struct participant **ret_participant)
{
	struct focus *focus = room->focus;
	struct participant *p = NULL;
	struct groups_fit groups;
	int err;

	err = check_invite(focus, room->id, start->uri);
	if (!err && !start->is_bridge)
		err = room_check_entry(room, false);
	if (!err && start->groups)
		err = groups_fit(room, NULL, start->groups, &groups);
	if (!err)
		err = participant_new(focus, true, &p);
	if (!err) {
		slice_cstr(slice_of(room->id), p->room_id, sizeof(p->room_id));
		err = reserve(p, room, start);
	}
	if (!err && start->groups)
		err = groups_take(room, p, &groups);
	if (err)
		goto fail;
	text_utf8(start->display_name, p->display_name, sizeof(p->display_name));
	p->control.is_muted = start->is_muted;
	p->control.is_deaf = start->is_deaf;
	p->is_bridge = start->is_bridge;
	p->role = (uint8_t)start->role;
	slice_cstr(start->language, p->language, sizeof(p->language));
	p->ask = (uint8_t)start->ask;
	if (p->call)
		participant_identify(p);
	focus->stats.dial_outs++;
	participant_publish(p, room);
	tell_attempts(p);
	*ret_participant = p;
	return 0;

fail:
	if (p)
		participant_discard(p);
	if (!room->participant_count)
		room_bus_drop(room);
	return err;
}

int invitation_from_number(struct focus *focus, struct slice uri, struct slice number,
			   const struct attendant_number *row)
{
	const struct invitation_start start = {.uri = uri};
	struct participant *p;
	int err = check_invite(focus, NULL, uri);

	if (!err)
		err = participant_new(focus, true, &p);
	if (err)
		return err;
	slice_cstr(number, p->room_id, sizeof(p->room_id));
	err = attendant_new(p, row);
	if (!err)
		err = reserve(p, NULL, &start);
	if (err) {
		participant_discard(p);
		return err;
	}
	if (p->call)
		participant_identify(p);
	focus->stats.dial_outs++;
	LOG(LOG_INFO, "dialin.calls", LOG_STR("participant", p->id), LOG_STR("call_id", p->call_id),
	    LOG_STR("uri", p->uri), LOG_SLICE("number", number));
	return 0;
}

int focus_invite(struct focus *focus, struct room *room, const struct focus_invite *invite,
		 struct participant **ret_participant)
{
	const struct invitation_start start = {
		.uri = invite->uri,
		.display_name = invite->display_name,
		.is_muted = invite->is_muted,
		.is_deaf = invite->is_deaf,
		.role = invite->role,
		.language = invite->language,
		.ask = invite->ask,
		.groups = invite->groups,
	};

	assert(room->focus == focus);
	if (invite->language.len && !focus_has_language(focus, invite->language))
		return -EINVAL;
	return invitation_begin(room, &start, ret_participant);
}
