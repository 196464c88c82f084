/* tests/sim/sim_focus.c -- random conferences on a bad network, from a seed.
 *
 *   sim_focus [--from SEED] [--seeds N]   runs N seeds (1000) and stops at the first that fails
 *   sim_focus --seed SEED [--trace]       one seed; with its actions, events and messages on stdout
 *
 * Each seed draws a network (loss, duplication, delay and so reordering), rooms, and phones with
 * their manners, users with several Contacts and forward rules, circles included; then does some
 * dozens of random things at random times. Held throughout: events of a participant come in their
 * order, and an INVITE has one final answer. At rest: phones and focus agree on who is in a call
 * and who is on hold. At the end: rosters are empty and nothing is left, no leg, port, dialog,
 * transaction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "sip/request.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"
#include "tests/support/sim_args.h"

enum {
	SIM_PHONES = 10,
	SIM_USERS = 4,
	SIM_ACTIONS = 60,
	SIM_PARTIES_MAX = 2048, /* participants seen in one seed */
	SIM_INVITES_MAX = 8192, /* INVITE transactions seen in one seed */
	SIM_BRANCH_MAX = 96
};

/* What was seen of one participant. */
struct party {
	char id[PARTICIPANT_ID_MAX + 1];
	char room[ROOM_ID_MAX + 1];
	bool has_joined, has_left;
};

/* What was seen of one INVITE transaction on the wire. */
struct invite {
	char branch[SIM_BRANCH_MAX];
	bool was_received; /* somebody answered it, if only 100 */
	uint16_t final;
};

struct sim {
	uint64_t seed;
	bool is_loud;
	char row[32];
	struct world *world;
	struct random dice; /* of the script: its own, so that the network does not disturb it */
	struct party parties[SIM_PARTIES_MAX];
	uint32_t party_count, left_count;
	struct invite *invites; /* SIM_INVITES_MAX */
	uint32_t invite_count;
	char factory_room[ROOM_ID_MAX + 1]; /* the last one made */
	uint32_t dials;
};

static struct sim_args args = {.from = 1, .seeds = 1000};

static bool chance(struct sim *sim, uint32_t percent)
{
	return random_below(&sim->dice, 100) < percent;
}

static void say(struct sim *sim, const char *what, const char *who)
{
	if (sim->is_loud)
		printf("%8llu ms  %s %s\n",
		       (unsigned long long)clock_mono_ms(&sim->world->clock) - 1000, what, who);
}

/* Watching ----------------------------------------------------------------------------------- */

static struct party *party_find(struct sim *sim, struct slice id)
{
	for (uint32_t i = sim->party_count; i-- > 0;)
		if (slice_is(id, sim->parties[i].id))
			return &sim->parties[i];
	return NULL;
}

static bool is_moved(const struct focus_event *event)
{
	return event->kind == FOCUS_PARTICIPANT_JOINED && event->cause &&
	       slice_is(slice_of("moved"), event->cause);
}

static void watch_participant(struct sim *sim, const struct focus_event *event)
{
	struct party *party = party_find(sim, event->participant->id);

	if (event->kind == FOCUS_PARTICIPANT_CREATED) {
		CHECK(sim->row, !party && sim->party_count < SIM_PARTIES_MAX);
		party = &sim->parties[sim->party_count++];
		*party = (struct party){0};
		slice_cstr(event->participant->id, party->id, sizeof(party->id));
		slice_cstr(event->room->id, party->room, sizeof(party->room));
		return;
	}
	if (party && party->has_left && is_moved(event)) { /* into another room of ours */
		party->has_left = party->has_joined = false;
		slice_cstr(event->room->id, party->room, sizeof(party->room));
		sim->left_count--;
	}
	if (!CHECK(sim->row, party && !party->has_left))
		return;
	CHECK(sim->row, slice_is(event->room->id, party->room));
	if (event->kind == FOCUS_PARTICIPANT_JOINED) {
		CHECK(sim->row, !party->has_joined);
		party->has_joined = true;
	} else if (event->kind == FOCUS_PARTICIPANT_LEFT) {
		CHECK(sim->row, event->cause && event->cause[0]);
		party->has_left = true;
		sim->left_count++;
	}
}

static uint32_t parties_in(const struct sim *sim, struct slice room)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < sim->party_count; i++)
		count += !sim->parties[i].has_left && slice_is(room, sim->parties[i].room);
	return count;
}

static void on_event(void *arg, const struct focus_event *event)
{
	struct sim *sim = arg;

	if (sim->is_loud)
		printf("%8llu ms    event %s " SLICE_FMT " " SLICE_FMT " %s\n",
		       (unsigned long long)clock_mono_ms(&sim->world->clock) - 1000,
		       focus_event_name(event->kind), SLICE_ARG(event->room->id),
		       SLICE_ARG(event->participant ? event->participant->uri : SLICE("")),
		       event->cause ? event->cause : "");
	if (event->participant && !event->call)
		watch_participant(sim, event);
	if (event->kind == FOCUS_ROOM_CREATED && event->room->origin == ROOM_BY_FACTORY)
		slice_cstr(event->room->id, sim->factory_room, sizeof(sim->factory_room));
	if (event->kind == FOCUS_ROOM_CLOSED)
		CHECK_INT(sim->row, parties_in(sim, event->room->id), 0);
	buf_clear(&sim->world->events); /* the world's own notes are not read here */
}

static struct invite *invite_of(struct sim *sim, struct slice branch)
{
	for (uint32_t i = sim->invite_count; i-- > 0;)
		if (slice_is(branch, sim->invites[i].branch))
			return &sim->invites[i];
	if (!CHECK(sim->row, sim->invite_count < SIM_INVITES_MAX && branch.len < SIM_BRANCH_MAX))
		return NULL;
	sim->invites[sim->invite_count] = (struct invite){0};
	slice_cstr(branch, sim->invites[sim->invite_count].branch, SIM_BRANCH_MAX);
	return &sim->invites[sim->invite_count++];
}

/* Every response to an INVITE as it leaves: a second, other final one is a mistake of the answerer.
 */
static void on_sent(void *arg, const struct sip_flow *flow, struct slice data)
{
	static struct sip_msg msg; /* 3 KB */
	struct sim *sim = arg;
	struct invite *invite;
	struct sip_via via;

	if (sim->is_loud)
		printf("%8llu ms      %u>%u " SLICE_FMT "\n",
		       (unsigned long long)clock_mono_ms(&sim->world->clock) - 1000,
		       ntohl(flow->local.in.sin_addr.s_addr) & 0xff,
		       ntohl(flow->remote.in.sin_addr.s_addr) & 0xff,
		       SLICE_ARG(slice_first(data, slice_find(data, '\r'))));
	if (!CHECK_INT(sim->row, sip_msg_parse(data.p, data.len, &msg), 0))
		return;
	if (msg.is_request || msg.method != SIP_METHOD_INVITE || sip_msg_via(&msg, &via))
		return;
	invite = invite_of(sim, via.branch);
	if (!invite)
		return;
	invite->was_received = true;
	if (msg.status < 200)
		return;
	CHECK(sim->row, !invite->final || invite->final == msg.status);
	invite->final = msg.status;
}

static void on_referred(void *arg, struct sip_referring *referring,
			const struct sip_refer_result *result)
{
	(void)arg;
	(void)referring;
	(void)result;
}

/* Actions ------------------------------------------------------------------------------------ */

static const char *const room_names[] = {"lobby", "annex", "board"};

/* Not the second lines, which go by themselves: they are at the odd places. */
static struct phone *any_phone(struct sim *sim)
{
	return sim->world->phones[2 * random_below(&sim->dice, SIM_PHONES)];
}

static struct room *any_room(struct sim *sim)
{
	uint32_t count = focus_room_count(sim->world->focus);

	return count ? sim->world->focus->rooms[random_below(&sim->dice, count)] : NULL;
}

static struct participant *any_participant(struct sim *sim)
{
	struct room *room = any_room(sim);
	struct participant *p = room ? focus_participant_next(room, NULL) : NULL;

	while (p && chance(sim, 50) && focus_participant_next(room, p))
		p = focus_participant_next(room, p);
	return p;
}

static void do_dial(struct sim *sim)
{
	struct phone *phone = any_phone(sim);
	const char *target = room_names[random_below(&sim->dice, ARRAY_LEN(room_names))];

	if (phone->call)
		return;
	if (chance(sim, 20))
		target = "conference-factory";
	else if (chance(sim, 30) && sim->factory_room[0])
		target = sim->factory_room;
	else if (chance(sim, 5))
		target = ".bad";
	phone->direction = chance(sim, 10) ? SDP_SENDONLY : SDP_SENDRECV;
	phone->offers_nothing = chance(sim, 10);
	phone->contact_params = chance(sim, 5) ? "isfocus" : NULL;
	say(sim, phone->user, target);
	phone_dial(phone, target);
	sim->dials++;
}

/* BYE, CANCEL or nothing yet to cancel, whatever it meets. */
static void do_hang_up(struct sim *sim)
{
	struct phone *phone = any_phone(sim);

	say(sim, phone->user, "hangs up");
	phone_hang_up(phone);
}

static void do_hold(struct sim *sim)
{
	static const enum sdp_direction directions[] = {SDP_SENDONLY, SDP_SENDRECV, SDP_INACTIVE,
							SDP_RECVONLY};
	struct phone *phone = any_phone(sim);

	if (!phone->call || sip_call_state(phone->call) != SIP_CALL_ESTABLISHED)
		return;
	say(sim, phone->user, "holds or resumes");
	(void)phone_set_direction(phone,
				  directions[random_below(&sim->dice, ARRAY_LEN(directions))]);
}

static void do_invite(struct sim *sim)
{
	struct phone *phone = any_phone(sim);
	struct room *room = any_room(sim);
	struct participant *p;
	char uri[64];

	if (!room)
		return;
	phone->manner = (enum phone_manner)random_below(&sim->dice, PHONE_REJECTS + 1);
	phone->answer_ms = random_below(&sim->dice, 4000);
	phone->status = chance(sim, 50) ? 486 : 302;
	phone->headers = phone->status == 302 ? "Contact: <sip:phone1@" WORLD_PHONES
						">, <sip:phone2@" WORLD_PHONES ">\r\n"
					      : NULL;
	if (chance(sim, 10)) /* another room of ours, or this very one by another name */
		snprintf(uri, sizeof(uri), "sip:%s@" WORLD_SERVER,
			 room_names[random_below(&sim->dice, ARRAY_LEN(room_names))]);
	else if (chance(sim, 40)) /* to all Contacts of a user */
		snprintf(uri, sizeof(uri), "sip:user%u@10.0.0.1",
			 random_below(&sim->dice, SIM_USERS));
	else
		snprintf(uri, sizeof(uri), "sip:%s@" WORLD_PHONES, phone->user);
	say(sim, "invite", uri);
	(void)focus_invite(sim->world->focus, room, &(struct focus_invite){.uri = slice_of(uri)},
			   &p);
}

/* Two phones, connected by us: a call, until somebody joins it. */
static void do_call(struct sim *sim)
{
	const struct phone *from = any_phone(sim);
	struct phone *to = any_phone(sim);
	struct focus_call make = {.is_late_offer = chance(sim, 40)};
	char uris[2][64];
	struct call *call;

	snprintf(uris[0], sizeof(uris[0]), "sip:%s@" WORLD_PHONES, from->user);
	snprintf(uris[1], sizeof(uris[1]), "sip:%s@" WORLD_PHONES, to->user);
	say(sim, "connect", uris[0]);
	make.from = slice_of(uris[0]);
	make.to = slice_of(uris[1]);
	if (!to->call && chance(sim, 50))
		to->manner = PHONE_RINGS_EARLY;
	to->answer_ms = random_below(&sim->dice, 4000);
	(void)focus_call_create(sim->world->focus, &make, &call);
}

static void do_call_to_room(struct sim *sim)
{
	struct call *call = focus_call_next(sim->world->focus, NULL);
	struct room *room;

	if (!call)
		return;
	say(sim, "make a conference of", focus_call_from(call) ? focus_call_from(call)->uri : "");
	if (chance(sim, 20))
		focus_call_end(sim->world->focus, call, "ended");
	else
		(void)focus_call_to_room(sim->world->focus, call, &room);
}

/* Somebody names the dialog of another phone, which may be over meanwhile. */
static void do_join(struct sim *sim)
{
	struct phone *phone = any_phone(sim);
	const struct phone *other = any_phone(sim);
	const char *header = chance(sim, 50) ? "Join" : "Replaces";

	if (phone->call || !other->dialog[0])
		return;
	phone->direction = SDP_SENDRECV;
	phone->offers_nothing = chance(sim, 10);
	say(sim, phone->user, header);
	phone_dial_naming(phone, other->user, header, other);
	sim->dials++;
}

/* The dialog of another, who may be in a call through us or in a conference; or one that is none.
 */
static struct slice any_dialog(struct sim *sim)
{
	const struct phone *phone = any_phone(sim);

	return chance(sim, 70) && phone->dialog[0] ? slice_of(phone->dialog)
						   : SLICE("x@y;to-tag=1;from-tag=2");
}

/* Somebody in a call refers us to another phone or to a conference of ours, or has it removed. */
static void do_refer(struct sim *sim)
{
	struct phone *phone = any_phone(sim), *other = any_phone(sim);
	struct room *room = any_room(sim);
	struct sip_referring *referring;
	struct sip_refer_params params = {.on_done = on_referred};
	char uri[ROOM_URI_MAX + 1];

	if (!phone->call || sip_call_state(phone->call) != SIP_CALL_ESTABLISHED)
		return;
	snprintf(uri, sizeof(uri), "sip:%s@" WORLD_PHONES "%s", other->user,
		 chance(sim, 30) ? ";method=BYE" : "");
	if (room && chance(sim, 25))
		room_uri(sim->world->focus, room->id, uri);
	params.refer_to = slice_of(uri);
	params.no_sub = chance(sim, 20);
	if (chance(sim, 40))
		params.replaces = any_dialog(sim);
	other->replaces_refused = chance(sim, 50) ? 481 : 0;
	say(sim, phone->user, uri);
	(void)sip_call_refer(phone->call, &params, &referring);
}

/* To another focus, which a phone plays, or to our own factory; some go there, some do not. */
static void do_migrate(struct sim *sim)
{
	struct phone *other = any_phone(sim);
	struct room *room = any_room(sim);
	char uri[64];

	if (!room || other->call)
		return;
	for (uint32_t i = 0; i < sim->world->phone_count; i++) {
		sim->world->phones[i]->refer_status = chance(sim, 60)   ? 200
						      : chance(sim, 50) ? 486
									: 0;
		sim->world->phones[i]->refer_delay_ms = random_below(&sim->dice, 5000);
	}
	other->manner = chance(sim, 80) ? PHONE_ANSWERS : PHONE_REJECTS;
	other->status = 503;
	other->contact_params = chance(sim, 80) ? "isfocus" : NULL;
	other->info_status = chance(sim, 70) ? 200 : 403;
	if (chance(sim, 40)) /* from us to us: both sides of a move are ours */
		snprintf(uri, sizeof(uri), "sip:conference-factory@" WORLD_SERVER);
	else
		snprintf(uri, sizeof(uri), "sip:%s@" WORLD_PHONES, other->user);
	say(sim, "migrate to", uri);
	(void)focus_migrate(sim->world->focus, room, slice_of(uri));
}

/* Another focus, which a phone plays, brings people to a conference that it has made; they come
 * with their seats, twice, or not at all. */
static void do_bring(struct sim *sim)
{
	static const char *const tokens[] = {"aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"};
	struct phone *bridge = any_phone(sim);
	char body[160], uri[160];

	if (bridge->call)
		return;
	bridge->contact_params = "isfocus";
	say(sim, bridge->user, "brings people");
	phone_dial(bridge, "conference-factory");
	sim->dials++;
	world_run(sim->world, 1000);
	if (!bridge->call || sip_call_state(bridge->call) != SIP_CALL_ESTABLISHED)
		return;
	snprintf(body, sizeof(body), "room%s\nseat %s muted\nseat %s%s\n%s",
		 chance(sim, 50) ? " locked" : "", tokens[0], tokens[1],
		 chance(sim, 50) ? " moderator" : "",
		 chance(sim, 20) ? "left aaaaaaaaaaaaaaaa\n" : "");
	(void)sip_call_request(bridge->call,
			       &(struct sip_call_request){
				       .method = "INFO",
				       .headers = "Info-Package: " SEATS_PACKAGE "\r\n",
				       .content_type = SEATS_CONTENT_TYPE,
				       .body = slice_of(body),
			       });
	world_run(sim->world, random_below(&sim->dice, 500));
	for (int i = 0; i < 3; i++) {
		struct phone *phone = any_phone(sim);

		if (phone->call)
			continue;
		snprintf(uri, sizeof(uri), "sip:%s@" WORLD_SERVER ";" SEATS_PARAM "=%s",
			 sim->factory_room, tokens[random_below(&sim->dice, 2)]);
		phone_dial(phone, uri);
		sim->dials++;
	}
}

static void do_kick(struct sim *sim)
{
	struct participant *p = any_participant(sim);

	if (!p)
		return;
	say(sim, "kick", p->uri);
	(void)focus_kick(sim->world->focus, p, "kicked");
}

static void do_close(struct sim *sim)
{
	struct room *room = any_room(sim);

	if (!room)
		return;
	say(sim, "close", room->id);
	(void)focus_room_close(sim->world->focus, room, "deleted");
}

static void do_room(struct sim *sim)
{
	struct room_settings settings = {
		.is_locked = chance(sim, 20),
		.is_muted = chance(sim, 20),
		.participants_max = chance(sim, 20) ? 2 : 0,
	};
	struct room *room = any_room(sim);

	if (!room || chance(sim, 50))
		(void)focus_room_create(sim->world->focus, SLICE("board"), &settings, &room);
	else
		(void)focus_room_set(sim->world->focus, room, &settings);
}

static void do_control(struct sim *sim)
{
	struct participant *p = any_participant(sim);

	if (p)
		(void)focus_participant_set(
			sim->world->focus, p,
			&(struct participant_control){.is_muted = chance(sim, 50),
						      .is_deaf = chance(sim, 50),
						      .gain_db = random_below(&sim->dice, 60) -
								 30.0});
}

static void do_media_event(struct sim *sim)
{
	struct participant *p = any_participant(sim);
	struct fake_leg *leg = p ? world_leg(sim->world, p) : NULL;

	if (!leg || leg->is_closing)
		return;
	switch (random_below(&sim->dice, 8)) {
	case 0:
		say(sim, "quiet", p->uri);
		fake_media_tell(leg, (struct media_event){.kind = MEDIA_LEG_QUIET});
		break;
	case 1:
		say(sim, "leg breaks", p->uri);
		fake_media_break(leg);
		break;
	case 2:
		fake_media_tell(leg, (struct media_event){.kind = MEDIA_LEG_DTMF, .digit = '5'});
		break;
	default:
		fake_media_tell(leg, (struct media_event){.kind = MEDIA_LEG_TALKING,
							  .is_on = chance(sim, 50)});
	}
}

static void do_media_failure(struct sim *sim)
{
	static const int errors[] = {ERR_QUEUE_FULL, ERR_QUEUE_FULL, ERR_MEDIA_NO_PORTS,
				     ERR_MEDIA_NO_ROOMS};

	fake_media_fail(sim->world->media, (enum fake_op)random_below(&sim->dice, FAKE_OP_COUNT),
			errors[random_below(&sim->dice, ARRAY_LEN(errors))],
			random_below(&sim->dice, 3), 1 + random_below(&sim->dice, 5));
}

static void act(struct sim *sim)
{
	static const struct {
		uint32_t weight;
		void (*run)(struct sim *sim);
	} actions[] = {
		{21, do_dial},         {13, do_hang_up}, {10, do_hold},        {9, do_invite},
		{7, do_call},          {8, do_join},     {2, do_call_to_room}, {4, do_kick},
		{2, do_close},         {4, do_room},     {4, do_control},      {5, do_media_event},
		{2, do_media_failure}, {4, do_refer},    {3, do_migrate},      {2, do_bring},
	};
	uint32_t at = random_below(&sim->dice, 100);

	for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
		if (at < actions[i].weight) {
			actions[i].run(sim);
			return;
		}
		at -= actions[i].weight;
	}
}

/* A seed -------------------------------------------------------------------------------------- */

static bool is_talking_state(const struct participant *p)
{
	return p->state == PARTICIPANT_CONNECTED || p->state == PARTICIPANT_ON_HOLD;
}

/* A phone that the focus knows is told apart by the port of its description. */
static struct participant *participant_of(const struct sim *sim, const struct phone *phone)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &sim->world->focus->participants) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_focus);
		struct fake_leg *leg = world_leg(sim->world, p);

		if (is_talking_state(p) && leg && !leg->is_closing &&
		    addr_port(&leg->local) == addr_port(&phone->agreed.remote_rtp))
			return p;
	}
	return NULL;
}

/* Two rooms of which one has called the other: both ends are here, and no phone hangs up. */
static bool is_focus_of_ours(const struct participant *p)
{
	struct slice target = p->call ? sip_call_remote_target(p->call) : SLICE_NONE;
	struct sip_uri uri;

	/* Not the URI that was called: a room that moved sends callers on to a phone. */
	if (!sip_uri_parse(target, &uri))
		return slice_is(uri.host, "10.0.0.1");
	return strstr(p->uri, "@10.0.0.1") != NULL && strstr(p->uri, "sip:user") == NULL;
}

static void kick_focuses(struct sim *sim)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &sim->world->focus->participants) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_focus);

		CHECK(sim->row, is_focus_of_ours(p));
		(void)focus_kick(sim->world->focus, p, "kicked");
	}
}

/* The network is whole and everything under way has had its time. */
static void check_at_rest(struct sim *sim)
{
	uint32_t phones_in = 0, participants_in = 0;
	struct list *it, *tmp;

	for (uint32_t i = 0; i < sim->world->phone_count; i++) {
		const struct phone *phone = sim->world->phones[i];
		struct participant *p;

		if (!phone->call || sip_call_state(phone->call) != SIP_CALL_ESTABLISHED)
			continue;
		phones_in++;
		p = participant_of(sim, phone);
		if (!CHECK(sim->row, p != NULL))
			continue;
		CHECK_INT(sim->row, p->state == PARTICIPANT_ON_HOLD,
			  phone->direction == SDP_SENDONLY || phone->direction == SDP_INACTIVE);
		CHECK_INT(sim->row, world_leg(sim->world, p)->room != 0, true);
	}
	LIST_FOREACH (it, tmp, &sim->world->focus->participants) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_focus);

		participants_in += is_talking_state(p) && !is_focus_of_ours(p);
	}
	CHECK_INT(sim->row, participants_in, phones_in);
}

static void check_finals(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->world->phone_count; i++) {
		const struct phone *phone = sim->world->phones[i];

		CHECK(sim->row, !phone->call);
		if (phone->has_ended)
			CHECK_INT(sim->row, phone->finals, 1);
	}
	for (uint32_t i = 0; i < sim->invite_count; i++)
		CHECK(sim->row, !sim->invites[i].was_received || sim->invites[i].final);
}

/* A user with one to four Contacts of any q, and perhaps a rule that leads to another user. */
static void make_user(struct sim *sim, const char *user)
{
	struct focus *focus = sim->world->focus;
	struct forward_rule rule = {.no_answer_s = 1 + random_below(&sim->dice, 12)};
	uint32_t contacts = 1 + random_below(&sim->dice, 4);

	for (uint32_t i = 0; i < contacts; i++) {
		struct location_step step = {0};
		char uri[64];

		snprintf(uri, sizeof(uri), "sip:%s@" WORLD_PHONES, any_phone(sim)->user);
		CHECK_INT(sim->row,
			  binding_new(
				  focus->location,
				  &(struct binding_make){
					  .contact = slice_of(uri),
					  .q_thousandths = (uint16_t)(500 *
								      random_below(&sim->dice, 3)),
					  .expires_s = 100000,
				  },
				  &step.fresh),
			  0);
		CHECK_INT(sim->row, location_apply(focus->location, slice_of(user), &step, 1), 0);
	}
	if (chance(sim, 50))
		snprintf(rule.targets[random_below(&sim->dice, FORWARD_CAUSE_COUNT)],
			 FORWARD_URI_MAX, "sip:user%u@10.0.0.1",
			 random_below(&sim->dice, SIM_USERS));
	CHECK_INT(sim->row, focus_forward_set(focus, slice_of(user), &rule), 0);
}

static void start(struct sim *sim)
{
	struct world_options options = {.seed = sim->seed,
					.config = "rooms.grace_s=5\nfocus.ring_s=10\n"
						  "prompts.farewell_s=2"};

	random_init_seeded(&sim->dice, sim->seed * 2654435761u);
	options.rooms = chance(sim, 30) ? "lobby" : NULL;
	options.has_100rel = chance(sim, 50);
	if (chance(sim, 80)) {
		options.loss_percent = random_below(&sim->dice, 31);
		options.duplicate_percent = random_below(&sim->dice, 31);
		options.delay_max_ms = 1 + random_below(&sim->dice, 400);
	}
	sim->world = world_new(&options);
	CHECK_INT(sim->row, focus_listen(sim->world->focus, on_event, sim), 0);
	simnet_tap(sim->world->net, on_sent, sim);
	if (chance(sim, 50)) /* a focus among the phones takes what people bring */
		CHECK_INT(sim->row, sip_ua_set_info_packages(sim->world->phones_ua, SEATS_PACKAGE),
			  0);
	for (int i = 0; i < SIM_PHONES; i++) {
		char user[32];

		snprintf(user, sizeof(user), "phone%d", i);
		phone_add_line(world_phone(sim->world, user));
	}
	for (int i = 0; i < SIM_USERS; i++) {
		char user[32];

		snprintf(user, sizeof(user), "user%d", i);
		make_user(sim, user);
	}
}

static void wind_up(struct sim *sim)
{
	struct world *world = sim->world;

	for (int op = 0; op < FAKE_OP_COUNT; op++)
		fake_media_fail(world->media, (enum fake_op)op, 0, 0, 0);
	if (chance(sim, 30)) {
		say(sim, "drain", "");
		focus_drain(world->focus, world_on_empty, world);
		if (chance(sim, 50))
			focus_stop(world->focus);
	}
	simnet_set_loss(world->net, 0, 0);
	world_run(world, 150000);
	check_at_rest(sim);
	for (uint32_t i = 0; i < world->phone_count; i++)
		phone_hang_up(world->phones[i]);
	world_run(world, 150000);
	kick_focuses(sim);
	world_run(world, 1000);
	check_finals(sim);
	if (focus_is_draining(world->focus))
		CHECK(sim->row, world->is_empty_called);
	world_run(world, 10000);
	CHECK_INT(sim->row, sim->left_count, sim->party_count);
	/* Those of two-party calls are in no event, but each has its record. */
	CHECK_INT(sim->row, world->store.record_count,
		  focus_stats(world->focus)->participants_left);
	simnet_tap(world->net, NULL, NULL);
	focus_unlisten(world->focus, on_event, sim);
	world_end(world, sim->row);
}

static void run_seed(struct sim *sim, uint64_t seed)
{
	struct invite *invites = sim->invites;

	*sim = (struct sim){.seed = seed, .is_loud = args.has_trace, .invites = invites};
	snprintf(sim->row, sizeof(sim->row), "seed %llu", (unsigned long long)seed);
	start(sim);
	for (int i = 0; i < SIM_ACTIONS; i++) {
		act(sim);
		world_run(sim->world, random_below(&sim->dice, chance(sim, 20) ? 8000 : 300));
	}
	wind_up(sim);
}

static void seeds(void)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	if (sim)
		sim->invites = calloc(SIM_INVITES_MAX, sizeof(*sim->invites));
	if (!sim || !sim->invites)
		abort();
	for (uint64_t seed = args.from; seed < args.from + args.seeds; seed++) {
		unsigned failures = CU_get_number_of_failures();

		run_seed(sim, seed);
		if (CU_get_number_of_failures() != failures) {
			printf("replay: sim_focus --seed %llu --trace\n", (unsigned long long)seed);
			break;
		}
	}
	free(sim->invites);
	free(sim);
}

int main(int argc, char **argv)
{
	if (!sim_args_parse(&args, argc, argv))
		return 2;
	check_begin(1, argv);
	check_suite("sim_focus");
	check_test("seeds", seeds);
	return check_end();
}
