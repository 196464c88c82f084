/* tests/support/focus_world.c */
#include "tests/support/focus_world.h"

#include <assert.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/log.h"
#include "focus/focus_priv.h"
#include "focus/fork.h"
#include "focus/participant_priv.h"
#include "focus/registrar.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"

enum { WORLD_CLOSE_DELAY_MS = 20, WORLD_PORT_FIRST = 40000 };

static void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "world: %s: %s\n", what, err_text(err));
	abort();
}

/* Events ------------------------------------------------------------------------------------- */

static struct slice user_of(struct slice uri_text)
{
	struct sip_uri uri;

	return sip_uri_parse(uri_text, &uri) || !uri.user.len ? SLICE("-") : uri.user;
}

static void on_event(void *arg, const struct focus_event *event)
{
	struct world *world = arg;

	if (event->seq != world->seq + 1)
		world->seq_errors++;
	world->seq = event->seq;
	buf_addf(&world->events, "%s " SLICE_FMT, focus_event_name(event->kind),
		 SLICE_ARG(event->call ? SLICE("-") : event->room->id));
	if (event->call)
		buf_addf(&world->events, " %s", call_state_name(event->call->state));
	if (event->participant)
		buf_addf(&world->events, " " SLICE_FMT " %s",
			 SLICE_ARG(user_of(event->participant->uri)),
			 participant_state_name(event->participant->state));
	if (event->attempt)
		buf_addf(&world->events, " " SLICE_FMT " %s",
			 SLICE_ARG(user_of(event->attempt->uri)),
			 fork_state_name(event->attempt->state));
	if (event->registration)
		buf_addf(&world->events, SLICE_FMT " " SLICE_FMT,
			 SLICE_ARG(event->registration->user),
			 SLICE_ARG(event->registration->contact));
	if (event->kind == FOCUS_PARTICIPANT_TALKING)
		buf_adds(&world->events, event->participant->media.is_talking ? " on" : " off");
	if (event->cause)
		buf_addf(&world->events, " %s", event->cause);
	if (event->status)
		buf_addf(&world->events, " %u", event->status);
	if (event->digit)
		buf_addf(&world->events, " %c %u", event->digit, event->duration_ms);
	if (event->by)
		buf_addf(&world->events, " by %s", event->by);
	buf_addc(&world->events, '\n');
}

const char *world_events(struct world *world, const char *prefix)
{
	static char text[8192];
	struct slice rest = buf_slice(&world->events);
	size_t used = 0;

	while (rest.len) {
		struct slice line = slice_first(rest, slice_find(rest, '\n') + 1);

		rest = slice_from(rest, line.len);
		if (prefix && !slice_starts(line, slice_of(prefix)))
			continue;
		assert(used + line.len < sizeof(text));
		memcpy(text + used, line.p, line.len);
		used += line.len;
	}
	text[used] = '\0';
	buf_clear(&world->events);
	return text;
}

/* World -------------------------------------------------------------------------------------- */

static void phones_on_invite(void *arg, struct sip_call *call, const struct sip_msg *request);

static void configure(struct world *world, const char *lines)
{
	struct slice rest = slice_of(lines);
	struct buf errors = BUF_INIT;
	char line[512];

	must(config_new(&world->config), "config_new");
	must(config_set(world->config, "sip.listen=udp:" WORLD_SERVER, &errors), "sip.listen");
	must(config_set(world->config, "prompts.cache=", &errors), "prompts.cache");
	/* Nothing is heard to its end by itself: who is rung off is rung off at once. */
	must(config_set(world->config, "prompts.farewell_s=0", &errors), "prompts.farewell");
	/* All phones have one address. */
	must(config_set(world->config, "sip.rate_unlimited=10.0.0.2", &errors), "sip.rate");
	while (rest.len) {
		struct slice one = slice_first(rest, slice_find(rest, '\n'));

		rest = slice_from(rest, one.len + 1);
		must(config_set(world->config, slice_cstr(one, line, sizeof(line)), &errors), line);
	}
	buf_done(&errors);
}

static void store_rooms(struct world *world, const char *ids)
{
	struct slice rest = slice_of(ids);

	while (rest.len) {
		struct slice id = slice_first(rest, slice_find(rest, ','));
		struct store_room *room = &world->store.rooms[world->store.room_count++];

		rest = slice_from(rest, id.len + 1);
		*room = (struct store_room){.created_wall_ms = 1000};
		slice_cstr(id, room->id, sizeof(room->id));
	}
}

static struct sip_ua *make_ua(struct world *world, struct simnode *node,
			      struct sip_ua_handlers handlers, struct sip_guard *guard)
{
	struct sip_ua *ua;

	must(sip_ua_new(
		     &(struct sip_ua_params){
			     .wheel = world->wheel,
			     .clock = world->clock,
			     .random = &world->random,
			     .net = simnode_net(node),
			     .handlers = handlers,
			     .guard = guard,
			     .allow = FOCUS_ALLOW,
			     .supported = FOCUS_SUPPORTED,
			     .product = "test",
			     .calls_max = 10000,
			     .transactions_max = 100000,
			     .rel = world->has_100rel ? SIP_100REL_SUPPORTED : SIP_100REL_OFF,
		     },
		     &ua),
	     "sip_ua_new");
	return ua;
}

struct world *world_new(const struct world_options *options)
{
	static const struct world_options plain;
	static int null_fd = -1;
	struct world *world = calloc(1, sizeof(*world));

	assert(world);
	options = options ? options : &plain;
	world->has_100rel = options->has_100rel;
	if (null_fd < 0)
		null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_setup(LOG_DEBUG, LOG_FORMAT_TEXT,
		  null_fd); /* written, so that the fields are looked at */
	world->time = (struct clock_virtual){.mono_ns = 1000000000,
					     .wall_ms_at_zero = 1700000000000};
	world->clock = clock_virtual(&world->time);
	random_init_seeded(&world->random, options->seed ? options->seed : 1);
	must(wheel_new(clock_mono_ms(&world->clock), &world->wheel), "wheel_new");
	configure(world, options->config);
	if (options->store)
		world->store = *options->store;
	store_rooms(world, options->rooms);
	must(fake_media_new(world->wheel, WORLD_CLOSE_DELAY_MS, &world->media), "fake_media_new");
	world->net = simnet_new(&(struct simnet_params){
		.wheel = world->wheel,
		.random = &world->random,
		.loss_percent = options->loss_percent,
		.duplicate_percent = options->duplicate_percent,
		.delay_min_ms = 1,
		.delay_max_ms = options->delay_max_ms ? options->delay_max_ms : 1,
	});
	world->server_node = simnode_new(world->net, WORLD_SERVER);
	world->phones_node = simnode_new(world->net, WORLD_PHONES);
	must(focus_new(
		     &(struct focus_params){
			     .wheel = world->wheel,
			     .clock = world->clock,
			     .random = &world->random,
			     .config = world->config,
			     .store = &world->store,
			     .net = simnode_net(world->server_node),
		     },
		     &world->focus),
	     "focus_new");
	world->server = make_ua(world, world->server_node, focus_ua_handlers(world->focus),
				auth_guard(focus_auth(world->focus)));
	world->phones_ua = make_ua(
		world, world->phones_node,
		(struct sip_ua_handlers){.on_invite = phones_on_invite, .arg = world}, NULL);
	fake_media_listen(world->media, focus_on_media_event, world->focus);
	must(focus_listen(world->focus, on_event, world), "focus_listen");
	must(focus_attach(world->focus, world->server, fake_media_ops(world->media)),
	     "focus_attach");
	return world;
}

void world_free(struct world *world)
{
	focus_free(world->focus);
	sip_ua_free(world->server);
	sip_ua_free(world->phones_ua);
	fake_media_free(world->media);
	simnet_free(world->net);
	for (uint32_t i = 0; i < world->phone_count; i++) {
		buf_done(&world->phones[i]->infos);
		free(world->phones[i]);
	}
	wheel_free(world->wheel);
	config_free(world->config);
	buf_done(&world->events);
	free(world);
}

void world_run(struct world *world, uint64_t ms)
{
	uint64_t end_ms = clock_mono_ms(&world->clock) + ms;

	while (clock_mono_ms(&world->clock) < end_ms) {
		uint64_t next_ms = wheel_next_ms(world->wheel);

		if (next_ms <= clock_mono_ms(&world->clock))
			next_ms = clock_mono_ms(&world->clock) + 1;
		if (next_ms > end_ms)
			next_ms = end_ms;
		world->time.mono_ns = next_ms * 1000000;
		wheel_advance(world->wheel, next_ms);
	}
}

void world_on_empty(void *arg)
{
	((struct world *)arg)->is_empty_called = true;
}

struct room *world_room(struct world *world, const char *id)
{
	return focus_room_find(world->focus, slice_of(id));
}

uint32_t world_roster(struct world *world, const char *id)
{
	struct room *room = world_room(world, id);
	struct room_view view;

	if (!room)
		return 0;
	room_view(room, &view);
	return view.participants;
}

static void check_ua(const char *row, const char *who, const struct sip_ua *ua)
{
	const struct sip_ua_stats *stats = sip_ua_stats(ua);
	char name[256];

	snprintf(name, sizeof(name), "%s: %s", row, who);
	CHECK_INT(name, stats->calls, 0);
	CHECK_INT(name, stats->dialogs, 0);
	CHECK_INT(name, stats->client_transactions, 0);
	CHECK_INT(name, stats->server_transactions, 0);
}

void world_end(struct world *world, const char *row)
{
	const struct focus_stats *stats = focus_stats(world->focus);
	struct room *room;

	for (uint32_t i = 0; i < world->phone_count; i++)
		phone_hang_up(world->phones[i]);
	/* Two times 64 T1: a BYE that nobody answers after a 200 that nobody acknowledged. */
	world_run(world, 200000);
	for (room = focus_room_next(world->focus, SLICE_NONE); room;
	     room = focus_room_next(world->focus, SLICE_NONE))
		(void)focus_room_close(world->focus, room, "deleted");
	world_run(world, 100000);
	CHECK_INT(row, stats->participants, 0);
	CHECK_INT(row, stats->participants_connected, 0);
	CHECK_INT(row, stats->rooms, 0);
	CHECK(row, list_empty(&world->focus->calls));
	CHECK_INT(row, hash_count(world->focus->calls_by_id), 0);
	CHECK(row, list_empty(&world->focus->participants));
	CHECK_INT(row, hash_count(world->focus->by_id), 0);
	CHECK_INT(row, handle_count(world->focus->tags), 0);
	CHECK_INT(row, fake_media_legs(world->media), 0);
	CHECK_INT(row, fake_media_rooms(world->media), 0);
	CHECK_INT(row, fake_media_misuses(world->media), 0);
	CHECK_INT(row, world->seq_errors, 0);
	check_ua(row, "server", world->server);
	check_ua(row, "phones", world->phones_ua);
	world_free(world);
}

/* Phones ------------------------------------------------------------------------------------- */

static struct offer_local phone_local(const struct phone *phone)
{
	struct offer_local local = {
		.codecs = {{MEDIA_CODEC_PCMA, "PCMA", 8000, 1, 8, NULL},
			   {MEDIA_CODEC_PCMU, "PCMU", 8000, 1, 0, NULL}},
		.codec_count = phone->has_only_pcma ? 1 : 2,
		.has_telephone_event = true,
		.ptime_ms = 20,
		.direction = phone->direction,
	};

	must(addr_parse(phone->has_no_address ? SLICE("0.0.0.0:1") : SLICE(WORLD_PHONES),
			&local.rtp),
	     WORLD_PHONES);
	addr_set_port(&local.rtp, phone->port);
	return local;
}

static void keep_contact(struct phone *phone, const struct sip_msg *message)
{
	slice_cstr(sip_msg_value(message, SIP_H_CONTACT), phone->contact, sizeof(phone->contact));
}

/* From and To of the 2xx (as UAC) or the ACK (as UAS): ours is From's there, theirs From's here. */
static void keep_dialog(struct phone *phone, const struct sip_msg *message, bool is_uac)
{
	struct sip_addr from, to;
	struct slice ours, theirs;

	must(sip_addr_parse(sip_msg_value(message, SIP_H_FROM), &from), "From");
	must(sip_addr_parse(sip_msg_value(message, SIP_H_TO), &to), "To");
	(void)sip_param(from.params, "tag", is_uac ? &ours : &theirs);
	(void)sip_param(to.params, "tag", is_uac ? &theirs : &ours);
	snprintf(phone->target_dialog, sizeof(phone->target_dialog),
		 SLICE_FMT ";local-tag=" SLICE_FMT ";remote-tag=" SLICE_FMT,
		 SLICE_ARG(sip_msg_value(message, SIP_H_CALL_ID)), SLICE_ARG(theirs),
		 SLICE_ARG(ours));
	snprintf(phone->dialog, sizeof(phone->dialog),
		 SLICE_FMT ";to-tag=" SLICE_FMT ";from-tag=" SLICE_FMT,
		 SLICE_ARG(sip_msg_value(message, SIP_H_CALL_ID)), SLICE_ARG(theirs),
		 SLICE_ARG(ours));
}

/* The other line has come to where it was sent, or has not: that is told to who sent it. */
static void phone_has_gone(struct phone *phone, uint16_t status)
{
	struct phone *first = phone->first;

	phone->first = NULL;
	if (first && first->referral)
		sip_refer_progress(first->referral, status, NULL);
}

static void phone_on_established(void *arg, struct sip_call *call, const struct sip_msg *message)
{
	struct phone *phone = arg;

	phone->is_established = true;
	phone->final_status = 200;
	phone->finals++;
	keep_dialog(phone, message, sip_call_is_outgoing(call));
	if (sip_call_is_outgoing(call))
		keep_contact(phone, message);
	phone_has_gone(phone, 200);
}

static void phone_on_media(void *arg, struct sip_call *call, const struct offer_agreed *agreed)
{
	struct phone *phone = arg;

	(void)call;
	phone->agreed = *agreed;
	phone->exchanges++;
}

static void phone_on_early_media(void *arg, struct sip_call *call,
				 const struct offer_agreed *agreed)
{
	(void)call;
	(void)agreed;
	((struct phone *)arg)->early_exchanges++;
}

static void phone_on_ended(void *arg, struct sip_call *call, const struct sip_call_end *end)
{
	static const enum sip_header_id kept[] = {SIP_H_RETRY_AFTER, SIP_H_WARNING, SIP_H_CONTACT};
	struct phone *phone = arg;
	struct buf headers = BUF_INIT;

	(void)call;
	timer_stop(phone->world->wheel, &phone->timer);
	phone->call = NULL;
	phone->has_ended = true;
	phone->end_by = end->by;
	if (!phone->is_established) {
		phone->final_status = end->status;
		phone->finals++;
		phone_has_gone(phone, end->status ? end->status : 408);
	}
	slice_cstr(slice_of(end->text), phone->end_text, sizeof(phone->end_text));
	if (end->message && slice_present(sip_msg_value(end->message, SIP_H_REASON)))
		slice_cstr(sip_msg_value(end->message, SIP_H_REASON), phone->end_text,
			   sizeof(phone->end_text));
	for (size_t i = 0; end->message && i < ARRAY_LEN(kept); i++)
		if (slice_present(sip_msg_value(end->message, kept[i])))
			buf_addf(&headers, SLICE_FMT "\n",
				 SLICE_ARG(sip_msg_value(end->message, kept[i])));
	slice_cstr(buf_slice(&headers), phone->end_headers, sizeof(phone->end_headers));
	buf_done(&headers);
}

static void phone_on_progress(void *arg, struct sip_call *call, const struct sip_msg *response)
{
	struct phone *phone = arg;

	(void)call;
	phone->rings++;
	keep_contact(phone, response);
}

/* What was agreed before stands (RFC 3261 14.1). */
static void phone_on_reinvite_failed(void *arg, struct sip_call *call, uint16_t status)
{
	struct phone *phone = arg;
	struct offer_local local;

	(void)status;
	phone->direction = phone->direction_before;
	local = phone_local(phone);
	(void)sip_call_set_local(call, &local);
}

static void phone_refer_over(void *arg)
{
	struct phone *phone = arg;

	if (!phone->referral)
		return;
	/* Not to a focus that another phone plays: it takes one call. */
	if (phone->second && !phone->second->call && strstr(phone->refer_to, "@10.0.0.1")) {
		phone->second->first = phone;
		phone_dial(phone->second, phone->refer_to);
		return;
	}
	sip_refer_progress(phone->referral, phone->refer_status, NULL);
}

static void phone_on_referral_ended(void *arg, struct sip_referral *referral)
{
	struct phone *phone = arg;

	(void)referral;
	phone->referral = NULL;
}

/* Without a second line it says how it went without calling anybody: what is tested is the other
 * side. */
static void phone_on_request(void *arg, struct sip_call *call, struct sip_stx *tx,
			     const struct sip_msg *request)
{
	struct phone *phone = arg;
	struct sip_refer refer;

	(void)call;
	if (request->method == SIP_METHOD_MESSAGE && phone->message_status) {
		slice_cstr(request->body, phone->message, sizeof(phone->message));
		phone->messages++;
		(void)sip_stx_reply(tx, &(struct sip_reply){.status = phone->message_status});
		return;
	}
	if (request->method == SIP_METHOD_INFO && phone->info_status) {
		buf_addslice(&phone->infos, request->body);
		(void)sip_stx_reply(tx, &(struct sip_reply){.status = phone->info_status,
							    .headers = phone->info_headers});
		return;
	}
	if (request->method != SIP_METHOD_REFER || !phone->refer_status ||
	    sip_refer_parse(request, &refer)) {
		(void)sip_stx_reply(tx, &(struct sip_reply){.status = 405});
		return;
	}
	snprintf(phone->refer_to, sizeof(phone->refer_to), "%s", refer.target);
	if (!sip_refer_accept(tx, request, &refer,
			      &(struct sip_referral_params){.on_ended = phone_on_referral_ended,
							    .arg = phone},
			      &phone->referral))
		timer_start(phone->world->wheel, &phone->refer_timer, phone->refer_delay_ms);
	sip_refer_done(&refer);
}

static const struct sip_call_handlers phone_handlers = {
	.on_request = phone_on_request,
	.on_progress = phone_on_progress,
	.on_established = phone_on_established,
	.on_media = phone_on_media,
	.on_early_media = phone_on_early_media,
	.on_reinvite_failed = phone_on_reinvite_failed,
	.on_ended = phone_on_ended,
};

static void phone_answer(void *arg)
{
	struct phone *phone = arg;

	if (phone->call && sip_call_state(phone->call) == SIP_CALL_INCOMING)
		must(sip_call_accept(phone->call, NULL), "accept");
}

static struct phone *phone_find(struct world *world, struct slice user)
{
	for (uint32_t i = 0; i < world->phone_count; i++)
		if (slice_is(user, world->phones[i]->user))
			return world->phones[i];
	return NULL;
}

static void phone_forget(struct phone *phone)
{
	phone->is_established = phone->has_ended = false;
	phone->final_status = 0;
	phone->finals = 0;
	phone->end_text[0] = phone->end_headers[0] = '\0';
}

static void phones_on_invite(void *arg, struct sip_call *call, const struct sip_msg *request)
{
	struct world *world = arg;
	struct phone *phone = phone_find(world, user_of(request->request_uri));
	struct offer_local local;

	if (!phone || phone->call) {
		(void)sip_call_reject(call, &(struct sip_reply){.status = phone ? 486 : 404});
		return;
	}
	phone->calls++;
	if (phone->replaces_refused && slice_present(sip_msg_value(request, SIP_H_REPLACES))) {
		(void)sip_call_reject(call, &(struct sip_reply){.status = phone->replaces_refused});
		return;
	}
	slice_cstr(sip_msg_value(request, SIP_H_REPLACES), phone->replaces,
		   sizeof(phone->replaces));
	phone_forget(phone);
	phone->call = call;
	keep_contact(phone, request);
	local = phone_local(phone);
	sip_call_bind(call, &phone_handlers, phone);
	must(sip_call_set_contact(call, slice_of(phone->user), phone->contact_params), "contact");
	must(sip_call_set_local(call, &local), "local");
	if (phone->manner == PHONE_REJECTS)
		must(sip_call_reject(call, &(struct sip_reply){.status = phone->status,
							       .headers = phone->headers}),
		     "reject");
	else if (phone->manner != PHONE_IS_SILENT &&
		 (phone->manner != PHONE_RINGS_EARLY ||
		  sip_call_progress_media(call, &(struct sip_reply){.status = 180})))
		must(sip_call_progress(call, &(struct sip_reply){.status = 180}), "ring");
	if (phone->manner == PHONE_ANSWERS || phone->manner == PHONE_RINGS_EARLY)
		timer_start(world->wheel, &phone->timer, phone->answer_ms);
}

struct phone *world_phone(struct world *world, const char *user)
{
	struct phone *phone = calloc(1, sizeof(*phone));

	assert(phone && world->phone_count < WORLD_PHONES_MAX);
	phone->world = world;
	phone->port = (uint16_t)(WORLD_PORT_FIRST + 2 * world->phone_count);
	phone->direction = SDP_SENDRECV;
	slice_cstr(slice_of(user), phone->user, sizeof(phone->user));
	timer_init(&phone->timer, phone_answer, phone);
	timer_init(&phone->refer_timer, phone_refer_over, phone);
	phone->message_status = 200;
	phone->refer_status = 200;
	phone->refer_delay_ms = 200;
	world->phones[world->phone_count++] = phone;
	return phone;
}

void phone_dial(struct phone *phone, const char *uri)
{
	char target[128], from[128];
	struct offer_local local = phone_local(phone);
	struct sip_call_invite invite = {
		.contact_user = slice_of(phone->user),
		.contact_params = phone->contact_params,
		.headers = phone->dial_headers,
		.hops_used = phone->dial_hops_used,
		.local = phone->offers_nothing ? NULL : &local,
		.handlers = &phone_handlers,
		.arg = phone,
	};

	assert(!phone->call);
	phone_forget(phone);
	if (strchr(uri, ':'))
		snprintf(target, sizeof(target), "%s", uri);
	else
		snprintf(target, sizeof(target), "sip:%s@" WORLD_SERVER, uri);
	snprintf(from, sizeof(from), "%s%s%s<sip:%s@" WORLD_PHONES ">",
		 phone->display_name ? "\"" : "", phone->display_name ? phone->display_name : "",
		 phone->display_name ? "\" " : "", phone->user);
	invite.target = slice_of(target);
	invite.from = slice_of(from);
	must(sip_call_new(phone->world->phones_ua, &invite, &phone->call), "dial");
	if (phone->offers_nothing)
		must(sip_call_set_local(phone->call, &local), "local");
}

void phone_dial_naming(struct phone *phone, const char *uri, const char *header,
		       const struct phone *other)
{
	char line[1024];

	snprintf(line, sizeof(line), "%s: %s\r\n", header, other->dialog);
	phone->dial_headers = line;
	phone_dial(phone, uri);
	phone->dial_headers = NULL;
}

void phone_add_line(struct phone *phone)
{
	phone->second = world_phone(phone->world, phone->user);
}

void phone_hang_up(struct phone *phone)
{
	if (phone->call)
		sip_call_hangup(phone->call, NULL);
}

bool phone_set_direction(struct phone *phone, enum sdp_direction direction)
{
	enum sdp_direction old = phone->direction;
	struct offer_local local;

	phone->direction_before = old;
	phone->direction = direction;
	local = phone_local(phone);
	if (!sip_call_set_local(phone->call, &local) && !sip_call_reinvite(phone->call))
		return true;
	phone->direction = old;
	return false;
}

struct phone *world_join(struct world *world, const char *user, const char *uri)
{
	struct phone *phone = world_phone(world, user);

	phone_dial(phone, uri);
	world_run(world, 500);
	CHECK(user, phone->is_established);
	return phone;
}

struct participant *phone_participant(struct phone *phone, const char *id)
{
	struct room *room = world_room(phone->world, id);
	struct participant *p = room ? focus_participant_next(room, NULL) : NULL;
	struct participant_view view;

	for (; p; p = focus_participant_next(room, p)) {
		participant_view(p, &view);
		if (slice_is(user_of(view.uri), phone->user))
			return p;
	}
	return NULL;
}

struct fake_leg *world_leg(struct world *world, const struct participant *participant)
{
	return fake_media_leg(world->media, participant->leg.media);
}
