/* focus/incoming.c -- calls that come to us: dial-in to a room, to a name, to the factory, and
 * OPTIONS.
 *
 * Decide first, reserve second, publish last: nothing that others have seen must be undone when the
 * mixer or the description says no. */
#include <assert.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/admission.h"
#include "focus/attendant.h"
#include "focus/ban.h"
#include "focus/callback.h"
#include "focus/calls_priv.h"
#include "focus/chat.h"
#include "focus/focus_priv.h"
#include "focus/gate.h"
#include "focus/join.h"
#include "focus/modes.h"
#include "focus/numbers.h"
#include "focus/participant_priv.h"
#include "focus/refer_in.h"
#include "focus/refocus.h"
#include "focus/registrar.h"
#include "focus/room_priv.h"
#include "focus/seats.h"
#include "focus/status.h"
#include "focus/text.h"
#include "sip/multipart.h"
#include "sip/resource_list.h"
#include "sip/sips.h"

/* What somebody dialled wrong (or tries out) is no fault of the server's: info. The rest can be
 * mended here: warn. */
static enum log_level rejected_level(enum focus_reject reason)
{
	switch (reason) {
	case FOCUS_REJECT_ROOM_UNKNOWN:
	case FOCUS_REJECT_ROOM_NAME:
	case FOCUS_REJECT_ROOM_LOCKED:
	case FOCUS_REJECT_DRAINING:
		return LOG_INFO;
	default:
		return LOG_WARN;
	}
}

/* The room that was dialled; absent when the name cannot be one, or is the factory's. */
static struct slice dialled_room(const struct focus *focus, struct slice request_uri,
				 char room_id[ROOM_ID_MAX + 1])
{
	struct sip_uri uri;
	struct slice room;
	size_t len;

	if (sip_uri_parse(request_uri, &uri) ||
	    sip_unescape(uri.user, room_id, ROOM_ID_MAX + 1, &len))
		return SLICE_NONE;
	room = slice_make(room_id, len);
	if (!room_id_is_valid(room) || text_list_has(focus->config->focus_factory_users, room))
		return SLICE_NONE;
	return room;
}

static void log_rejected(const struct focus *focus, const struct sip_call *call,
			 const struct sip_msg *request, const struct status_row *row)
{
	char room_id[ROOM_ID_MAX + 1];

	LOG(rejected_level(row->reject), "call.rejected",
	    LOG_SLICE("room", dialled_room(focus, request->request_uri, room_id)),
	    LOG_SLICE("call_id", sip_call_id(call)), LOG_SLICE("from", sip_call_remote_uri(call)),
	    LOG_SLICE("request_uri", request->request_uri), LOG_INT("status", row->status),
	    LOG_STR("reason", focus_reject_name(row->reject)));
}

static void reject(struct focus *focus, struct sip_call *call, const struct sip_msg *request,
		   int err)
{
	const struct status_row *row = status_find(err);
	struct buf headers = BUF_INIT;

	focus->stats.rejected[row->reject]++;
	status_headers(row, focus->host, &headers);
	log_rejected(focus, call, request, row);
	(void)sip_call_reject(call, &(struct sip_reply){.status = row->status,
							.reason = row->reason,
							.headers = headers.p});
	buf_done(&headers);
}

/* The Contact has no isfocus: it names another factory, not yet a conference (RFC 4579 3.2, 4). */
static void redirect_header(const struct focus *focus, struct buf *out)
{
	buf_addf(out, "Contact: <%s>\r\n", focus->config->focus_central_factory);
}

/* To a conference that lives elsewhere now: this Contact is one (RFC 3911 8.1). */
void incoming_send_to(struct focus *focus, struct sip_call *call, struct slice uri)
{
	struct buf headers = BUF_INIT;

	(void)focus;
	buf_addf(&headers, "Contact: <" SLICE_FMT ">;isfocus\r\n", SLICE_ARG(uri));
	LOG(LOG_INFO, "call.redirected", LOG_SLICE("call_id", sip_call_id(call)),
	    LOG_SLICE("from", sip_call_remote_uri(call)), LOG_SLICE("to", uri));
	(void)sip_call_reject(call, &(struct sip_reply){.status = 302, .headers = headers.p});
	buf_done(&headers);
}

/* Whoever has a seat in a conference that has moved on since takes it along. */
static void send_after(struct focus *focus, struct sip_call *call, const struct sip_msg *request,
		       const struct room *room)
{
	struct buf uri = BUF_INIT;

	buf_addslice(&uri, migration_target(room));
	seats_write_handed_on(room, request->request_uri, &uri);
	incoming_send_to(focus, call, buf_slice(&uri));
	buf_done(&uri);
}

static void redirect(struct focus *focus, struct sip_call *call)
{
	struct buf headers = BUF_INIT;

	redirect_header(focus, &headers);
	LOG(LOG_INFO, "call.redirected", LOG_SLICE("call_id", sip_call_id(call)),
	    LOG_SLICE("from", sip_call_remote_uri(call)),
	    LOG_STR("to", focus->config->focus_central_factory));
	(void)sip_call_reject(call, &(struct sip_reply){.status = 302, .headers = headers.p});
	buf_done(&headers);
}

/* Privacy as the caller asked for it (RFC 3323 4.2, RFC 3325 9.3), or by its URI (RFC 3261
 * 8.1.1.3). */
static bool wants_privacy(const struct sip_msg *request, struct slice uri)
{
	struct slice list = sip_msg_value_named(request, "Privacy");
	struct sip_uri from;

	if (!sip_uri_parse(uri, &from) && slice_iis(from.host, "anonymous.invalid"))
		return true;
	while (list.len) {
		size_t end = slice_find(list, ';');
		struct slice item = slice_trim(slice_first(list, end));

		if (slice_iis(item, "id") || slice_iis(item, "user") || slice_iis(item, "header"))
			return true;
		list = slice_from(list, end + 1);
	}
	return false;
}

/* URI of Referred-By (RFC 3892); absent without one. */
static struct slice referred_by(const struct sip_msg *request)
{
	struct sip_addr addr;

	if (sip_msg_addr(request, SIP_H_REFERRED_BY, &addr))
		return SLICE_NONE;
	return addr.uri.text;
}

/* Who sent it here, and what others may know. */
static void note_request(struct participant *p, const struct sip_msg *request)
{
	struct slice by = referred_by(request);

	loops_note(p, request);
	p->is_anonymous = wants_privacy(request, slice_of(p->uri));
	if (slice_present(by))
		text_utf8(by, p->referred_by, sizeof(p->referred_by));
}

/* Ports and descriptions: all that can fail but the answer itself. `room` NULL: an attendant will
 * find out which. */
static int reserve(struct participant *p, struct room *room, struct sip_call *call)
{
	struct leg_place place = {.tag = p->tag, .is_outside = !room || room_has_wait(room)};
	struct offer_local local;
	int err;

	if (sip_call_peek_rtp(call, &place.peer_rtp))
		place.peer_signalling = sip_call_flow(call)->remote;
	place.is_secure = sip_proto_is_secure(sip_call_flow(call)->proto);
	err = leg_local_of_flow(sip_call_flow(call), &place.local);
	if (!err && room)
		err = room_bus(room, &place.bus);
	if (room)
		place.codecs = room->settings.codecs;
	if (!err)
		err = leg_open(&p->leg, &place);
	if (err)
		return err;
	p->call = call;
	sip_call_bind(call, &participant_handlers, p);
	participant_identify(p);
	if (room && ban_holds(room, p->uri))
		return ERR_BANNED;
	leg_offer_local(&p->leg, &local);
	if (room)
		err = sip_call_set_contact(call, slice_of(room->id), "isfocus");
	if (!err)
		err = sip_call_set_local(call, &local);
	return err;
}

/* Another focus is told whose sound comes with ours. */
static int accept_call(const struct participant *p, const struct room *room, struct sip_call *call)
{
	struct buf headers = BUF_INIT;
	int err;

	if (!p->is_remote_focus)
		return sip_call_accept(call, NULL);
	loops_write(room, &headers);
	err = buf_err(&headers);
	if (!err)
		err = sip_call_accept(call, &(struct sip_reply){.headers = headers.p});
	buf_done(&headers);
	return err;
}

static int answer(struct participant *p, struct room *room, struct sip_call *call)
{
	int err = reserve(p, room, call);

	if (!err)
		err = accept_call(p, room, call);
	return err;
}

/* A factory room as its profile has it. */
static int apply_profile(struct room *room, const struct factory_profile *profile)
{
	struct slice bad; /* there is none: config_check has looked */

	room->settings.participants_max = profile->participants_max;
	room->settings.ends_with_moderator = profile->ends_with_host;
	room->settings.has_tones = profile->has_tones;
	room->settings.record = profile->is_recorded ? ROOM_RECORD_MIX : ROOM_RECORD_OFF;
	(void)codecs_list_read(profile->codecs, room->settings.codecs, &bad);
	if (profile->has_grace)
		room->grace_s = profile->grace_s;
	return profile->pin.len ? focus_pin_hash(room->focus, profile->pin, room->settings.pin) : 0;
}

static int make_room(struct focus *focus, const struct admission *admission, struct room **ret_room)
{
	char fresh[ROOM_ID_MAX + 1];
	struct room_make make = {.id = slice_of(admission->room_id), .origin = ROOM_BY_CALL};
	int err;

	if (!auth_may_create_rooms(&focus->caller))
		return ERR_NOT_ALLOWED;
	if (admission->kind == ADMISSION_FACTORY) {
		make.id = slice_of(focus_room_id_fresh(focus, fresh));
		make.origin = ROOM_BY_FACTORY;
	}
	err = room_new(focus, &make, ret_room);
	if (!err && admission->kind == ADMISSION_FACTORY)
		err = apply_profile(*ret_room, &admission->profile);
	if (!err && admission->kind == ADMISSION_FACTORY)
		slice_cstr(slice_of(focus->caller.user_name), (*ret_room)->settings.owner,
			   sizeof((*ret_room)->settings.owner));
	return err;
}

/* RFC 5366: an INVITE may bring those along who are to be called in. */
static int read_list(struct focus *focus, const struct sip_msg *request,
		     struct sip_resource_list *ret_list)
{
	int err = sip_resource_list_of(request, SLICE_NONE, ret_list);

	if (err == ERR_SIP_HEADER_MISSING)
		return 0; /* there is none */
	if (!err && !refer_in_may_call(focus)) {
		sip_resource_list_done(ret_list);
		return ERR_NOT_ALLOWED;
	}
	return err;
}

static void invite_list(struct participant *host, const struct sip_resource_list *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct sip_resource *entry = &list->entries[i];
		const struct invitation_start start = {
			.uri = slice_of(entry->uri),
			.display_name = slice_of(entry->display),
		};
		struct participant *p;
		int err = invitation_begin(host->room, &start, &p);

		if (err) {
			LOG(LOG_WARN, "participant.not_invited", LOG_STR("room", host->room_id),
			    LOG_STR("uri", entry->uri), LOG_STR("error", err_text(err)));
			continue;
		}
		/* Whoever is copied blindly is not told to the others (RFC 5364 4). */
		p->is_anonymous = entry->is_anonymous || entry->copy == SIP_COPY_BCC;
		participant_set_referrer(p, slice_of(host->uri));
	}
}

static int admit(struct focus *focus, struct sip_call *call, const struct sip_msg *request,
		 const struct admission *admission)
{
	struct participant *p = NULL;
	struct room *made = NULL, *room = admission->room;
	struct sip_resource_list list = {0};
	int err;

	err = read_list(focus, request, &list);
	if (!err && admission->profile.needs_offer && !request->body.len)
		err = ERR_SDP_NO_MEDIA;
	if (!err && !room) {
		err = make_room(focus, admission, &made);
		room = made;
	}
	if (!err)
		err = participant_new(focus, false, &p);
	if (!err)
		err = answer(p, room, call);
	if (err)
		goto fail;
	note_request(p, request);
	p->is_host = made && admission->kind == ADMISSION_FACTORY;
	if (p->is_host || room_is_owned_by(room, p->user_name))
		p->role = PARTICIPANT_MODERATOR;
	if (admission->seat)
		seats_take(room, p, admission->seat);
	if (made)
		room_publish(made);
	participant_publish(p, room);
	invite_list(p, &list);
	sip_resource_list_done(&list);
	return 0;

fail:
	sip_resource_list_done(&list);
	sip_call_bind(call, &participant_orphan_handlers, NULL);
	if (p)
		participant_discard(p);
	if (room && !room->participant_count)
		room_bus_drop(room);
	room_free(made);
	return err;
}

/* Whether the offer can be answered, asked before anything happens to the call that is joined. */
static int check_offer(const struct participant *p, const struct sip_msg *request)
{
	struct offer *offer = NULL;
	struct offer_local local;
	struct sip_part whole;
	int err;

	if (!request->body.len || sip_part_of_msg(request, &whole) ||
	    !slice_present(sip_part_session(&whole)))
		return 0;
	leg_offer_local(&p->leg, &local);
	err = offer_new(&local, 1, &offer);
	if (!err)
		err = offer_read(offer, sip_part_session(&whole));
	offer_free(offer);
	return err;
}

/* The seat of the one that it replaces, with what was set there (RFC 3891 3). */
static void take_seat(struct participant *p, const struct join *join)
{
	if (!join->is_replaces)
		return;
	p->control = join->target->control;
	slice_cstr(slice_of(join->target->id), p->replaces, sizeof(p->replaces));
}

/* RFC 3911 8.2: the joiner hears ringing until the parties know that they are in a conference. */
static void answer_when_known(struct participant *p)
{
	p->is_waiting = true;
	if (refocus_is_done(p->room)) {
		participant_answer_waiting(p);
		return;
	}
	(void)sip_call_progress(p->call, &(struct sip_reply){.status = 180});
	timer_start(p->focus->wheel, &p->waiting, REFOCUS_WAIT_MS);
}

/* Who cannot whisper (the room has no place for one more group) must not speak aloud. */
static void set_mode(struct participant *p, enum participant_mode mode, struct participant *named)
{
	int err = focus_participant_set_mode(p->focus, p, mode, named);

	if (!err)
		return;
	LOG(LOG_WARN, "call.cannot_coach", LOG_STR("room", p->room_id),
	    LOG_STR("participant", p->id), LOG_STR("error", err_text(err)));
	(void)focus_participant_set_mode(p->focus, p, MODE_LISTEN, NULL);
}

static int admit_join(struct focus *focus, struct sip_call *call, const struct sip_msg *request,
		      const struct join *join)
{
	struct room *room = join->target->room;
	enum participant_mode mode;
	struct participant *p;
	int err;

	err = participant_new(focus, false, &p);
	if (err)
		return err;
	err = modes_of_join(focus, request, &mode);
	if (!err)
		err = reserve(p, room, call);
	if (!err && request)
		err = check_offer(p, request);
	if (!err)
		err = join_make_room(join->target);
	if (err) {
		sip_call_bind(call, &participant_orphan_handlers, NULL);
		participant_discard(p);
		return err;
	}
	take_seat(p, join);
	if (request)
		note_request(p, request);
	participant_publish(p, room);
	if (!join->is_replaces)
		set_mode(p, mode, join->target);
	LOG(LOG_INFO, join->is_replaces ? "call.replaces" : "call.joins",
	    LOG_STR("room", p->room_id), LOG_STR("participant", p->id),
	    LOG_STR("call_id", p->call_id), LOG_STR("named", join->target->id));
	answer_when_known(p);
	return 0;
}

/* Where the number leads to one room, who is kept out of it is not asked for a PIN first. */
static bool is_banned_from(struct focus *focus, const char *id, const struct participant *p)
{
	const struct room *room = id[0] ? focus_room_find(focus, slice_of(id)) : NULL;

	return room && ban_holds(room, p->uri);
}

/* Answered by an attendant, in no room yet. */
static int attend(struct focus *focus, struct sip_call *call, const struct sip_msg *request,
		  const struct attendant_number *number)
{
	struct participant *p;
	int err = participant_new(focus, false, &p);

	if (err)
		return err;
	err = reserve(p, NULL, call);
	if (!err && is_banned_from(focus, number->room, p))
		err = ERR_BANNED;
	if (!err)
		note_request(p, request);
	if (!err)
		err = attendant_new(p, number);
	if (!err)
		err = sip_call_accept(call, NULL);
	if (!err) {
		LOG(LOG_INFO, "dialin.answered", LOG_STR("participant", p->id),
		    LOG_STR("call_id", p->call_id), LOG_STR("from", p->uri),
		    LOG_STR("room", number->room));
		return 0;
	}
	sip_call_bind(call, &participant_orphan_handlers, NULL);
	p->attendant = attendant_free(p->attendant);
	participant_discard(p);
	return err;
}

/* The number of an attendant was dialled. */
static bool is_attended(const struct focus *focus, struct slice request_uri,
			struct attendant_number *ret_number)
{
	char user[STORE_URI_MAX + 1];
	struct sip_uri uri;
	size_t len;

	return !focus->drain.is_on && !sip_uri_parse(request_uri, &uri) &&
	       admission_is_our_host(focus, uri.host) &&
	       !sip_unescape(uri.user, user, sizeof(user), &len) &&
	       attendant_number_find(focus->config->dialin_numbers, slice_make(user, len),
				     ret_number);
}

static int come_in(struct focus *focus, struct sip_call *call, const struct sip_msg *request,
		   const struct admission *admission)
{
	struct attendant_number number = {.language = ""};

	if (!admission->room || admission->seat ||
	    !attendant_must_ask(admission->room, referred_by(request)))
		return admit(focus, call, request, admission);
	slice_cstr(slice_of(admission->room->id), number.room, sizeof(number.room));
	return attend(focus, call, request, &number);
}

void incoming_join_anyway(struct focus *focus, struct sip_call *call, struct participant *named)
{
	const struct join join = {.target = named};
	const struct status_row *row;
	int err = named ? admit_join(focus, call, NULL, &join) : ERR_JOIN_ENDED;

	if (!err)
		return;
	row = status_find(err);
	focus->stats.rejected[row->reject]++;
	(void)sip_call_reject(call, &(struct sip_reply){.status = row->status});
}

/* With a central factory, a Join to a two-party call is not mixed here: the call goes there, and
 * the joiner is sent after it (RFC 3911 8.1). */
static bool is_for_central(const struct focus *focus, const struct join *join)
{
	const struct room *room = join->target->room;

	return room->call && !join->is_replaces && focus->config->focus_central_factory[0];
}

static int join_elsewhere(struct focus *focus, struct sip_call *call, const struct join *join)
{
	struct room *room = join->target->room;
	struct migration_view view;

	migration_view(room, &view);
	if (view.state != MIGRATION_DIALLING) {
		int err = focus_migrate(focus, room,
					slice_of(focus->config->focus_central_factory));

		if (err)
			return err;
	}
	return migration_wait(room, call, join->target);
}

static int join_dialog(struct focus *focus, struct sip_call *call, const struct sip_msg *request,
		       const struct join *join)
{
	struct slice moved_to = migration_target(join->target->room);

	if (slice_present(moved_to)) {
		incoming_send_to(focus, call, moved_to);
		return 0;
	}
	if (is_for_central(focus, join) && !join_elsewhere(focus, call, join))
		return 0;
	return admit_join(focus, call, request, join);
}

/* A user of ours, registered or not; a room of the same name goes first. */
static bool is_for_user(struct focus *focus, struct slice request_uri)
{
	char room_id[ROOM_ID_MAX + 1];

	return !focus->drain.is_on && registrar_presence(focus, request_uri) &&
	       !focus_room_find(focus, dialled_room(focus, request_uri, room_id));
}

/* A two-party call (focus/calls.h): our Contact names the user, without isfocus. */
static int connect_user(struct focus *focus, struct sip_call *call, const struct sip_msg *request)
{
	struct participant *p;
	struct call *made;
	struct slice from;
	struct sip_uri to;
	int err;

	err = sip_uri_parse(request->request_uri, &to);
	if (!err && sip_sips_is_mixed(request))
		err = ERR_SIPS_MIXED;
	if (!err)
		err = participant_new(focus, false, &p);
	if (err)
		return err;
	/* Onward, too, it is who was vouched for, or nobody in particular (RFC 3323). */
	from = focus->caller.uri[0] ? slice_of(focus->caller.uri) : sip_call_remote_uri(call);
	err = calls_new(focus, &(struct focus_call){.from = from, .to = request->request_uri},
			&made);
	if (!err) {
		err = reserve(p, made->room, call);
		if (!err)
			err = check_offer(p, request);
		if (!err)
			err = sip_call_set_contact(call, to.user, NULL);
		if (err)
			calls_discard(made);
	}
	if (err) {
		sip_call_bind(call, &participant_orphan_handlers, NULL);
		participant_discard(p);
		return err;
	}
	p->is_plain = true;
	note_request(p, request);
	err = calls_place(made, p, request);
	if (err) {
		p->reject_status = status_find(err)->status;
		focus_call_end(focus, made, "failed");
	}
	return 0;
}

void incoming_on_invite(void *arg, struct sip_call *call, const struct sip_msg *request)
{
	struct focus *focus = arg;
	struct attendant_number number;
	struct admission admission;
	struct join join;
	int err;

	sip_call_bind(call, &participant_orphan_handlers, NULL);
	err = join_find(focus, call, request, &join);
	if (!err && join.target) {
		err = join_dialog(focus, call, request, &join);
		if (err)
			reject(focus, call, request, err);
		return;
	}
	if (!err && is_attended(focus, request->request_uri, &number)) {
		err = attend(focus, call, request, &number);
		if (err)
			reject(focus, call, request, err);
		return;
	}
	if (!err && callback_on_invite(focus, call, request))
		return;
	if (!err && (is_for_user(focus, request->request_uri) ||
		     gate_is_dial_out(focus, request->request_uri))) {
		err = connect_user(focus, call, request);
		if (err)
			reject(focus, call, request, err);
		return;
	}
	if (!err)
		err = admission_decide(focus, request->request_uri, &admission);
	if (!err && admission.kind == ADMISSION_REDIRECT) {
		redirect(focus, call);
		return;
	}
	if (!err && admission.kind == ADMISSION_MOVED) {
		send_after(focus, call, request, admission.room);
		return;
	}
	if (!err)
		err = admission_check_loop(focus, call, request, admission.room_id);
	if (!err)
		err = come_in(focus, call, request, &admission);
	if (err)
		reject(focus, call, request, err);
}

/* OPTIONS ------------------------------------------------------------------------------------- */

/* A missing Accept means application/sdp (RFC 3261 20.1). */
static bool accepts_sdp(const struct sip_msg *request)
{
	struct sip_list_walk walk = {0};
	struct slice item;

	if (!slice_present(sip_msg_value(request, SIP_H_ACCEPT)))
		return true;
	while (sip_list_next(request, SIP_H_ACCEPT, &walk, &item)) {
		struct slice range = slice_trim(slice_first(item, slice_find(item, ';')));

		if (slice_iis(range, "application/sdp") || slice_iis(range, "application/*") ||
		    slice_is(range, "*/*"))
			return true;
	}
	return false;
}

static void capability_body(const struct focus *focus, const char *codecs,
			    const struct sip_flow *flow, struct buf *out)
{
	struct offer_local local;
	struct offer *offer = NULL;
	struct addr addr;

	if (leg_local_of_flow(flow, &addr))
		return;
	leg_offer_capability(focus->config, codecs, &addr, &local);
	if (!offer_new(&local, 1, &offer) && offer_write(offer, out))
		buf_clear(out);
	offer_free(offer);
}

static void reply_capabilities(struct focus *focus, struct sip_stx *tx,
			       const struct sip_msg *request, const struct admission *admission)
{
	struct buf headers = BUF_INIT, body = BUF_INIT;
	bool is_room = admission && admission->room_id[0];
	const struct room *room = admission ? admission->room : NULL;

	/* Allow and Supported are added by the stack. */
	buf_adds(&headers, "Accept: application/sdp\r\n"
			   "Accept-Encoding: identity\r\n"
			   "Accept-Language: en\r\n");
	if (is_room)
		buf_addf(&headers, "Contact: <sip:%s@%s>;isfocus\r\n", admission->room_id,
			 focus->host);
	if (accepts_sdp(request))
		capability_body(focus, room ? room->settings.codecs : NULL, sip_stx_flow(tx),
				&body);
	(void)sip_stx_reply(tx, &(struct sip_reply){
					.status = 200,
					.headers = headers.p,
					.content_type = body.len ? "application/sdp" : NULL,
					.body = buf_slice(&body),
				});
	buf_done(&headers);
	buf_done(&body);
}

static void reply_moved(struct sip_stx *tx, struct slice uri)
{
	struct buf headers = BUF_INIT;

	buf_addf(&headers, "Contact: <" SLICE_FMT ">;isfocus\r\n", SLICE_ARG(uri));
	(void)sip_stx_reply(tx, &(struct sip_reply){.status = 302, .headers = headers.p});
	buf_done(&headers);
}

static void reply_redirect(struct focus *focus, struct sip_stx *tx)
{
	struct buf headers = BUF_INIT;

	redirect_header(focus, &headers);
	(void)sip_stx_reply(tx, &(struct sip_reply){.status = 302, .headers = headers.p});
	buf_done(&headers);
}

/* The server itself, asked without a user part (RFC 3261 11), whatever its rooms do. */
static bool is_about_server(const struct focus *focus, struct slice request_uri)
{
	struct sip_uri uri;

	return !sip_uri_parse(request_uri, &uri) && !uri.user.len &&
	       admission_is_our_host(focus, uri.host) && !focus->drain.is_on;
}

/* A user of ours who is no room: reachable or not (RFC 3261 11.2). */
static bool reply_of_user(struct focus *focus, struct sip_stx *tx, const struct sip_msg *request)
{
	char room_id[ROOM_ID_MAX + 1];
	uint16_t status;

	if (focus->drain.is_on ||
	    focus_room_find(focus, dialled_room(focus, request->request_uri, room_id)))
		return false;
	status = registrar_presence(focus, request->request_uri);
	if (status == 200)
		reply_capabilities(focus, tx, request, NULL);
	else if (registrar_lacks_sips(focus, request->request_uri))
		status_refuse(focus, tx, ERR_SIPS_NOT_ALLOWED);
	else if (status)
		(void)sip_stx_reply(tx, &(struct sip_reply){.status = status});
	return status != 0;
}

void incoming_on_request(void *arg, struct sip_stx *tx, const struct sip_msg *request)
{
	struct focus *focus = arg;
	struct admission admission;
	int err;

	if (request->method == SIP_METHOD_REGISTER) {
		registrar_on_register(focus, tx, request);
		return;
	}
	if (slice_is(request->method_text, "ALLOCATE")) {
		numbers_on_allocate(focus, tx, request);
		return;
	}
	if (request->method == SIP_METHOD_REFER) {
		refer_in_request(focus, tx, request);
		return;
	}
	if (request->method == SIP_METHOD_MESSAGE) {
		chat_on_message(focus, tx, request);
		return;
	}
	if (request->method == SIP_METHOD_SUBSCRIBE) {
		packages_on_subscribe(focus, tx, request);
		return;
	}
	if (request->method != SIP_METHOD_OPTIONS) {
		(void)sip_stx_reply(tx, &(struct sip_reply){.status = 405});
		return;
	}
	if (is_about_server(focus, request->request_uri)) {
		reply_capabilities(focus, tx, request, NULL);
		return;
	}
	if (reply_of_user(focus, tx, request))
		return;
	err = admission_decide(focus, request->request_uri, &admission);
	if (err)
		status_refuse(focus, tx, err);
	else if (admission.kind == ADMISSION_REDIRECT)
		reply_redirect(focus, tx);
	else if (admission.kind == ADMISSION_MOVED)
		reply_moved(tx, migration_target(admission.room));
	else
		reply_capabilities(focus, tx, request, &admission);
}
