/* focus/invitation.c -- calling somebody into a room (RFC 4579 5.2), redirections included.
 *
 * A call that is redirected goes on with the targets of the 3xx, best q first, one after the other
 * (RFC 3261 8.1.3.4): at most INVITATION_TARGETS_MAX in all, none twice, never the room itself. The
 * participant and its media leg stay the same throughout. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "focus/text.h"

enum { INVITATION_TARGETS_MAX = 6 }; /* the first and five redirections */

struct invitation {
	char *targets[INVITATION_TARGETS_MAX]; /* owned; the first `called` have been called */
	uint16_t q_thousandths[INVITATION_TARGETS_MAX];
	uint8_t count, called;
	char *from;     /* owned; NULL: the room */
	char *headers;  /* owned; of every INVITE, NULL none */
	char *replaces; /* owned; line of its own, dropped when a peer refuses it; NULL none */
};

struct invitation *invitation_free(struct invitation *invitation)
{
	if (!invitation)
		return NULL;
	for (uint8_t i = 0; i < invitation->count; i++)
		free(invitation->targets[i]);
	free(invitation->from);
	free(invitation->headers);
	free(invitation->replaces);
	free(invitation);
	return NULL;
}

/* Targets ------------------------------------------------------------------------------------ */

static int check_target(const struct focus *focus, const char *room_id, struct slice text)
{
	struct sip_uri target;

	if (text.len > STORE_URI_MAX || sip_uri_parse(text, &target))
		return ERR_BAD_TARGET;
	if (target.scheme == SIP_SCHEME_TEL)
		return focus->config->sip_outbound_proxy[0] ? 0 : ERR_BAD_TARGET;
	if ((target.scheme != SIP_SCHEME_SIP && target.scheme != SIP_SCHEME_SIPS) ||
	    !target.host.len)
		return ERR_BAD_TARGET;
	return room_id && room_uri_is(focus, room_id, text) ? ERR_LOOP : 0;
}

static bool has_target(const struct invitation *invitation, struct slice text)
{
	struct sip_uri a, b;

	if (sip_uri_parse(text, &a))
		return true; /* as good as tried */
	for (uint8_t i = 0; i < invitation->count; i++)
		if (!sip_uri_parse(slice_of(invitation->targets[i]), &b) && sip_uri_eq(&a, &b))
			return true;
	return false;
}

/* Keeps the targets that have not been called in the order of q; equals as they came. */
static int add_target(struct invitation *invitation, struct slice text, uint16_t q_thousandths)
{
	uint8_t at = invitation->count;
	char *copy;

	if (invitation->count == INVITATION_TARGETS_MAX)
		return ERR_LIMIT;
	copy = slice_dup(text);
	if (!copy)
		return -ENOMEM;
	while (at > invitation->called && invitation->q_thousandths[at - 1] < q_thousandths) {
		invitation->targets[at] = invitation->targets[at - 1];
		invitation->q_thousandths[at] = invitation->q_thousandths[at - 1];
		at--;
	}
	invitation->targets[at] = copy;
	invitation->q_thousandths[at] = q_thousandths;
	invitation->count++;
	return 0;
}

/* "0.7" to 700; 1000 when it is missing or not a qvalue (RFC 3261 25.1). */
static uint16_t q_of(struct slice params)
{
	uint16_t q = 0, weight = 1000;
	struct slice text;

	if (!sip_param(params, "q", &text) || !text.len || text.p[0] != '0')
		return 1000;
	for (size_t i = 2; i < text.len && i < 5 && text.p[i] >= '0' && text.p[i] <= '9'; i++)
		q += (uint16_t)((text.p[i] - '0') * (weight /= 10));
	return q;
}

static void add_contacts(struct participant *p, const struct sip_msg *response)
{
	struct sip_list_walk walk = {0};
	struct sip_addr contact;
	struct slice element;

	while (sip_list_next(response, SIP_H_CONTACT, &walk, &element)) {
		if (sip_addr_parse(element, &contact) ||
		    has_target(p->invitation, contact.uri.text))
			continue;
		if (check_target(p->focus, p->room_id, contact.uri.text))
			continue;
		if (add_target(p->invitation, contact.uri.text, q_of(contact.params)))
			break;
	}
}

/* Calling ------------------------------------------------------------------------------------ */

static enum sip_proto proto_of(const struct sip_uri *uri)
{
	enum sip_proto proto = uri->scheme == SIP_SCHEME_SIPS ? SIP_TLS : SIP_UDP;
	struct slice transport;

	if (sip_uri_param(uri, "transport", &transport))
		(void)sip_proto_parse(transport, &proto);
	if (uri->scheme == SIP_SCHEME_SIPS && proto == SIP_TCP)
		proto = SIP_TLS; /* as sip_resolve has it */
	return proto;
}

/* Our address toward the next hop, for the offer: known before the call has a path. A name is not
 * looked up here; for it the address of the default route stands (docs/focus.md). */
static int local_toward(const struct focus *focus, struct slice target, struct addr *ret_local)
{
	const char *proxy = focus->config->sip_outbound_proxy;
	struct addr remote, local;
	struct sip_uri uri;
	int err;

	if (sip_uri_parse(proxy[0] ? slice_of(proxy) : target, &uri))
		return ERR_BAD_TARGET;
	if (slice_iis(uri.host, "localhost"))
		uri.host = SLICE("127.0.0.1");
	if (addr_parse_ip(uri.host, &remote))
		(void)addr_parse_ip(SLICE("192.0.2.1"), &remote);
	addr_set_port(&remote, uri.port ? uri.port : 5060);
	if (focus->net.ops)
		err = focus->net.ops->local_for(focus->net.ctx, proto_of(&uri), &remote, &local);
	else
		err = addr_local_for(&remote, &local);
	if (err)
		return err;
	addr_set_port(&local, 0);
	*ret_local = local;
	return 0;
}

/* Calls the first target that can be called. The error of the last one that cannot. */
static int call_next(struct participant *p, const char *room_id)
{
	struct focus *focus = p->focus;
	struct invitation *invitation = p->invitation;
	const char *proxy = focus->config->sip_outbound_proxy;
	char own[ROOM_URI_MAX + 1], from[ROOM_URI_MAX + 3], to[STORE_URI_MAX + 3];
	struct buf headers = BUF_INIT;
	struct offer_local local;
	struct sip_call_invite invite = {
		.contact_user = slice_of(p->is_plain ? p->id : room_id),
		.contact_params = p->is_plain ? NULL : "isfocus",
		.route = proxy[0] ? slice_of(proxy) : SLICE_NONE,
		.local = &local,
		.timeout_ms = (uint32_t)focus->config->focus_ring_s * 1000,
		.handlers = &participant_handlers,
		.arg = p,
	};
	int err = ERR_BAD_TARGET;

	/* The To of a redirected request is that of the first (RFC 3261 8.1.3.4). */
	snprintf(to, sizeof(to), "<%s>", invitation->targets[0]);
	snprintf(from, sizeof(from), "<%s>", room_uri(focus, room_id, own));
	invite.to = slice_of(to);
	invite.from = slice_of(invitation->from ? invitation->from : from);
	buf_adds(&headers, invitation->headers ? invitation->headers : "");
	buf_adds(&headers, invitation->replaces ? invitation->replaces : "");
	invite.headers = headers.len ? headers.p : NULL;
	leg_offer_local(&p->leg, &local);
	while (err && invitation->called < invitation->count) {
		invite.target = slice_of(invitation->targets[invitation->called++]);
		err = sip_call_new(focus->ua, &invite, &p->call);
	}
	buf_done(&headers);
	return err;
}

/* A phone that does not know Replaces, or no dialog of that name, is called once more without it
 * (RFC 3891 3, 5). */
static bool refuses_replaces(struct invitation *invitation, uint16_t status)
{
	if (!invitation->replaces || (status != 420 && status != 481 && status != 501))
		return false;
	free(invitation->replaces);
	invitation->replaces = NULL;
	invitation->called--;
	return true;
}

bool invitation_next(struct participant *p, const struct sip_call_end *end)
{
	bool is_ours = p->is_outgoing && p->room && !p->connected_wall_ms && !p->cause[0];

	if (!is_ours || end->by == SIP_END_TIMEOUT || end->status >= 600)
		return false;
	if (end->message && end->status >= 300 && end->status < 400)
		add_contacts(p, end->message);
	(void)refuses_replaces(p->invitation, end->status);
	if (call_next(p, p->room_id))
		return false;
	participant_identify(p);
	LOG(LOG_INFO, "participant.redirected", LOG_STR("room", p->room_id),
	    LOG_STR("participant", p->id), LOG_STR("call_id", p->call_id),
	    LOG_INT("status", end->status),
	    LOG_STR("to", p->invitation->targets[p->invitation->called - 1]));
	return true;
}

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
	err = copy_text(start->from, &invitation->from);
	if (!err)
		err = copy_text(start->headers, &invitation->headers);
	if (!err)
		err = copy_text(start->replaces, &invitation->replaces);
	if (!err)
		err = add_target(invitation, start->uri, 1000);
	if (err) {
		invitation_free(invitation);
		return err;
	}
	*ret_invitation = invitation;
	return 0;
}

/* Ports, the offer, and the INVITE. */
static int reserve(struct participant *p, struct room *room, const struct invitation_start *start)
{
	struct leg_place place = {.is_outside = true, .tag = p->tag};
	int err;

	p->is_plain = start->is_plain;
	err = invitation_new(start, &p->invitation);
	if (!err)
		err = local_toward(p->focus, start->uri, &place.local);
	if (!err)
		err = room_bus(room, &place.bus);
	if (!err)
		err = leg_open(&p->leg, &place);
	if (!err)
		err = call_next(p, room->id);
	return err;
}

int invitation_begin(struct room *room, const struct invitation_start *start,
		     struct participant **ret_participant)
{
	struct focus *focus = room->focus;
	struct participant *p = NULL;
	int err;

	err = check_invite(focus, room->id, start->uri);
	if (!err)
		err = room_check_entry(room, false);
	if (!err)
		err = participant_new(focus, true, &p);
	if (!err)
		err = reserve(p, room, start);
	if (err)
		goto fail;
	text_utf8(start->display_name, p->display_name, sizeof(p->display_name));
	p->control.is_muted = start->is_muted;
	p->control.is_deaf = start->is_deaf;
	participant_identify(p);
	focus->stats.dial_outs++;
	participant_publish(p, room);
	*ret_participant = p;
	return 0;

fail:
	if (p)
		participant_discard(p);
	if (!room->participant_count)
		room_bus_drop(room);
	return err;
}

int focus_invite(struct focus *focus, struct room *room, const struct focus_invite *invite,
		 struct participant **ret_participant)
{
	const struct invitation_start start = {
		.uri = invite->uri,
		.display_name = invite->display_name,
		.is_muted = invite->is_muted,
		.is_deaf = invite->is_deaf,
	};

	assert(room->focus == focus);
	return invitation_begin(room, &start, ret_participant);
}
