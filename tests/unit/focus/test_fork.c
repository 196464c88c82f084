/* Forking to Contacts (RFC 3261 16.6, 16.7), flows, forwards and what the next target is told. */
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/fork_priv.h"
#include "focus/participant_priv.h"
#include "focus/registrar.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static char invites[8192]; /* Request-URI, History-Info and Diversion of each INVITE sent */
static char hops[256];     /* user of the Request-URI and Max-Forwards of each */

static void on_sent(void *arg, const struct sip_flow *flow, struct slice data)
{
	const struct sip_header *h = NULL;
	struct sip_msg msg;
	size_t used = strlen(invites);

	(void)arg;
	(void)flow;
	if (sip_msg_parse(data.p, data.len, &msg) || !msg.is_request ||
	    msg.method != SIP_METHOD_INVITE)
		return;
	snprintf(hops + strlen(hops), sizeof(hops) - strlen(hops), SLICE_FMT " " SLICE_FMT "; ",
		 SLICE_ARG(slice_from(
			 slice_first(msg.request_uri, slice_find(msg.request_uri, '@')), 4)),
		 SLICE_ARG(sip_msg_value(&msg, SIP_H_MAX_FORWARDS)));
	used += (size_t)snprintf(invites + used, sizeof(invites) - used, SLICE_FMT "\n",
				 SLICE_ARG(msg.request_uri));
	used += (size_t)snprintf(invites + used, sizeof(invites) - used, "H " SLICE_FMT "\n",
				 SLICE_ARG(sip_msg_value(&msg, SIP_H_HISTORY_INFO)));
	while ((h = sip_msg_next(&msg, SIP_H_DIVERSION, h)) != NULL)
		used += (size_t)snprintf(invites + used, sizeof(invites) - used,
					 "D " SLICE_FMT "\n", SLICE_ARG(sip_header_value(&msg, h)));
}

static struct world *new_world(const char *config)
{
	struct world *world = world_new(&(struct world_options){.config = config});
	struct room *room = NULL;

	CHECK_INT(
		"room",
		focus_room_create(world->focus, SLICE("lobby"), &(struct room_settings){0}, &room),
		0);
	invites[0] = hops[0] = '\0';
	simnet_tap(world->net, on_sent, NULL);
	(void)world_events(world, NULL);
	return world;
}

static void end_world(struct world *world, const char *row)
{
	struct aor *aor;

	while ((aor = location_next_aor(world->focus->location, SLICE_NONE)) != NULL)
		location_remove(world->focus->location, location_next(aor, NULL), "deleted");
	world_end(world, row);
}

struct bind {
	const char *contact, *path, *instance;
	uint16_t q_thousandths;
	uint32_t reg_id;
	const char *flow; /* "10.0.0.2:5060" */
	enum sip_proto proto;
	uint64_t connection;
};

static void bind_user(struct world *world, const char *user, const struct bind *from)
{
	struct sip_flow flow = {.proto = from->proto, .connection = from->connection};
	struct binding *b = NULL;

	if (from->flow)
		CHECK_INT("flow", addr_parse(slice_of(from->flow), &flow.remote), 0);
	CHECK_INT("binding",
		  binding_new(
			  world->focus->location,
			  &(struct binding_make){
				  .contact = slice_of(from->contact),
				  .path = slice_of(from->path),
				  .instance = slice_of(from->instance),
				  .q_thousandths = from->q_thousandths ? from->q_thousandths : 1000,
				  .reg_id = from->reg_id,
				  .expires_s = 3600,
				  .flow = from->flow ? &flow : NULL,
			  },
			  &b),
		  0);
	CHECK_INT("bound",
		  location_apply(world->focus->location, slice_of(user),
				 &(struct location_step){.fresh = b}, 1),
		  0);
}

static struct phone *contact(struct world *world, const char *name, uint16_t q_thousandths)
{
	char uri[64];

	snprintf(uri, sizeof(uri), "sip:%s@" WORLD_PHONES, name);
	bind_user(world, "bob", &(struct bind){.contact = uri, .q_thousandths = q_thousandths});
	return world_phone(world, name);
}

static struct participant *dial(struct world *world, const char *uri)
{
	struct participant *p = NULL;

	CHECK_INT(uri,
		  focus_invite(world->focus, world_room(world, "lobby"),
			       &(struct focus_invite){.uri = slice_of(uri)}, &p),
		  0);
	return p;
}

/* "b1=answered b2=cancelled" */
static const char *attempts_of(const struct participant *p)
{
	static char text[1024];
	struct fork_attempt_view view;
	struct sip_uri uri;
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; participant_attempt(p, i, &view); i++) {
		CHECK_INT("URI", sip_uri_parse(view.uri, &uri), 0);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s" SLICE_FMT "=%s:%u",
					 used ? " " : "", SLICE_ARG(uri.user),
					 fork_state_name(view.state), view.status);
	}
	return text;
}

#define BOB "sip:bob@10.0.0.1"

static void first_answer_wins(void)
{
	struct world *world = new_world(NULL);
	struct phone *b1 = contact(world, "b1", 1000), *b2 = contact(world, "b2", 1000);
	struct phone *b3 = contact(world, "b3", 500);
	struct participant *p;

	b1->manner = PHONE_RINGS;
	b2->answer_ms = 2000;
	p = dial(world, BOB);
	world_run(world, 1000);
	CHECK("both ring", b1->calls == 1 && b2->calls == 1);
	CHECK_INT("one participant", world_roster(world, "lobby"), 1);
	CHECK_INT("alerting", p->state, PARTICIPANT_ALERTING);
	world_run(world, 3000);
	CHECK("b2 talks", b2->is_established && !b2->has_ended);
	CHECK_INT("b1 was cancelled", b1->final_status, 487);
	CHECK_STR("and told why", b1->end_text, "SIP;cause=200;text=\"Call completed elsewhere\"");
	CHECK_INT("the lower q was never called", b3->calls, 0);
	CHECK_STR("attempts", attempts_of(p), "b3=cancelled:0 b2=answered:200 b1=cancelled:487");
	CHECK_INT("one leg", fake_media_legs(world->media), 1);
	CHECK_INT("its media", addr_port(&world_leg(world, p)->params.remote_rtp), b2->port);
	CHECK_STR("events", world_events(world, "participant."),
		  "participant.created lobby bob dialing-out\n"
		  "participant.attempt lobby bob dialing-out b3 waiting\n"
		  "participant.attempt lobby bob dialing-out b2 calling\n"
		  "participant.attempt lobby bob dialing-out b1 calling\n"
		  "participant.attempt lobby bob dialing-out b2 ringing\n"
		  "participant.changed lobby bob alerting\n"
		  "participant.attempt lobby bob alerting b1 ringing\n"
		  "participant.attempt lobby bob alerting b2 answered\n"
		  "participant.attempt lobby bob alerting b3 cancelled\n"
		  "participant.attempt lobby bob alerting b1 cancelled\n"
		  "participant.joined lobby bob connected\n");
	end_world(world, "first");
}

/* Both answer before either can be cancelled: one talks, the other gets ACK and BYE. */
static void both_answer(void)
{
	struct world *world = new_world(NULL);
	struct phone *b1 = contact(world, "b1", 1000), *b2 = contact(world, "b2", 1000);
	struct participant *p;

	b1->answer_ms = b2->answer_ms = 1000;
	p = dial(world, BOB);
	world_run(world, 3000);
	CHECK("both were answered", b1->is_established && b2->is_established);
	CHECK("one talks", b1->has_ended != b2->has_ended);
	CHECK_INT("connected", p->state, PARTICIPANT_CONNECTED);
	CHECK_INT("to the one that talks", addr_port(&world_leg(world, p)->params.remote_rtp),
		  b1->has_ended ? b2->port : b1->port);
	end_world(world, "both");
}

static void by_q(void)
{
	struct world *world = new_world(NULL);
	struct phone *b1 = contact(world, "b1", 100), *b2 = contact(world, "b2", 900);
	struct participant *p;

	b2->manner = PHONE_REJECTS;
	b2->status = 486;
	p = dial(world, BOB);
	world_run(world, 2000);
	CHECK("the second talks", b1->is_established && b2->calls == 1);
	CHECK_STR("attempts", attempts_of(p), "b2=failed:486 b1=answered:200");
	CHECK_STR("History-Info", invites,
		  "sip:b2@" WORLD_PHONES "\n"
		  "H <sip:bob@10.0.0.1>;index=1, <sip:b2@" WORLD_PHONES ">;index=1.1;rc=1\n"
		  "sip:b1@" WORLD_PHONES "\n"
		  "H <sip:bob@10.0.0.1>;index=1, "
		  "<sip:b2@" WORLD_PHONES "?Reason=SIP%3Bcause%3D486>;index=1.1;rc=1, "
		  "<sip:b1@" WORLD_PHONES ">;index=1.2;rc=1\n");
	end_world(world, "by q");
}

/* What is told of several refusals (RFC 3261 16.7, step 6). */
static void best_refusal(void)
{
	static const struct {
		const char *name;
		uint16_t first, second;
		const char *left;
	} rows[] = {
		{"busy says more than not found", 404, 486, "busy 486"},
		{"4xx before 5xx", 500, 404, "not_found 404"},
		{"503 last", 503, 500, "failed 500"},
		{"6xx is for all", 486, 603, "declined 603"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = new_world(NULL);
		struct phone *b1 = contact(world, "b1", 0), *b2 = contact(world, "b2", 0);
		char want[96];

		b1->manner = b2->manner = PHONE_REJECTS;
		b1->status = rows[i].first;
		b2->status = rows[i].second;
		(void)dial(world, BOB);
		world_run(world, 3000);
		snprintf(want, sizeof(want), "participant.left lobby bob disconnected %s\n",
			 rows[i].left);
		CHECK_STR(rows[i].name, world_events(world, "participant.left"), want);
		CHECK_INT(rows[i].name, fake_media_legs(world->media), 0);
		end_world(world, rows[i].name);
	}
}

static void declined_by_one(void)
{
	struct world *world = new_world(NULL);
	struct phone *b1 = contact(world, "b1", 0), *b2 = contact(world, "b2", 0);

	b1->manner = PHONE_RINGS;
	b2->manner = PHONE_REJECTS;
	b2->status = 603;
	(void)dial(world, BOB);
	world_run(world, 2000);
	CHECK_INT("the other is cancelled", b1->final_status, 487);
	CHECK_STR("left", world_events(world, "participant.left"),
		  "participant.left lobby bob disconnected declined 603\n");
	end_world(world, "declined");
}

static void one_refuses_while_another_rings(void)
{
	struct world *world = new_world(NULL);
	struct phone *b1 = contact(world, "b1", 0), *b2 = contact(world, "b2", 0);
	struct participant *p;

	b1->answer_ms = 3000;
	b2->manner = PHONE_REJECTS;
	b2->status = 486;
	p = dial(world, BOB);
	world_run(world, 2000);
	CHECK("still rings", p->state == PARTICIPANT_ALERTING && p->call);
	world_run(world, 2000);
	CHECK("talks", b1->is_established);
	end_world(world, "one refuses");
}

static void nobody_registered(void)
{
	struct world *world = new_world(NULL);
	struct forward_rule rule = {.targets = {[FORWARD_BUSY] = "sip:x@10.0.0.2"}};
	struct participant *p;

	CHECK_INT("a user with a rule", focus_forward_set(world->focus, SLICE("bob"), &rule), 0);
	p = dial(world, BOB);
	CHECK("published first", p->room && !p->call);
	world_run(world, 10);
	CHECK_STR("left", world_events(world, "participant.left"),
		  "participant.left lobby bob disconnected unavailable 480\n");
	end_world(world, "nobody");
}

static void given_up(void)
{
	struct world *world = new_world(NULL);
	struct phone *b1 = contact(world, "b1", 0), *b2 = contact(world, "b2", 0);
	struct participant *p;

	b1->manner = b2->manner = PHONE_RINGS;
	p = dial(world, BOB);
	world_run(world, 1000);
	CHECK_INT("kick", focus_kick(world->focus, p, "kicked"), 0);
	CHECK_INT("until both are over", p->state, PARTICIPANT_DISCONNECTING);
	world_run(world, 1000);
	CHECK("both are cancelled", b1->final_status == 487 && b2->final_status == 487);
	CHECK_INT("gone", world_roster(world, "lobby"), 0);
	p = dial(world, BOB);
	world_run(world, 1000);
	(void)focus_room_close(world->focus, world_room(world, "lobby"), "deleted");
	CHECK("the room ends at once", !world_room(world, "lobby"));
	world_run(world, 1000);
	CHECK("both again", b1->finals == 1 && b2->finals == 1 && !b1->call && !b2->call);
	end_world(world, "given up");
}

/* A path goes before the flow, the flow before the Contact. */
static void where_it_goes(void)
{
	struct world *world = new_world(NULL);
	struct phone *near = world_phone(world, "near"), *far = world_phone(world, "far");

	bind_user(world, "bob",
		  &(struct bind){.contact = "sip:near@192.168.7.7", .flow = WORLD_PHONES});
	bind_user(world, "eve",
		  &(struct bind){.contact = "sip:far@192.168.7.7",
				 .path = "<sip:" WORLD_PHONES ";lr>"});
	bind_user(world, "eve", &(struct bind){.contact = "mailto:eve@example.org"});
	(void)dial(world, BOB);
	(void)dial(world, "sip:eve@10.0.0.1");
	world_run(world, 2000);
	CHECK("over the flow", near->is_established);
	CHECK("through the path, and no mail", far->is_established);
	end_world(world, "where");
}

/* Request-URI and way of the last INVITE that went to the phones. */
static char last_way[256];

static void on_sent_way(void *arg, const struct sip_flow *flow, struct slice data)
{
	struct sip_msg msg;
	char text[ADDR_TEXT_MAX];

	(void)arg;
	if (strcmp(addr_text(&flow->remote, text), WORLD_PHONES) != 0 ||
	    sip_msg_parse(data.p, data.len, &msg) || !msg.is_request ||
	    msg.method != SIP_METHOD_INVITE)
		return;
	snprintf(last_way, sizeof(last_way), "%s " SLICE_FMT, sip_proto_via(flow->proto),
		 SLICE_ARG(msg.request_uri));
}

#define ANYHOW "sip.listen=udp:10.0.0.1:5060,tls:10.0.0.1:5060"
#define CLEAR "sip.listen=udp:10.0.0.1:5060"
#define NOT_ALLOWED "380 10.0.0.1 \"SIPS Not Allowed\"\n"
#define REQUIRED "381 10.0.0.1 \"SIPS Required\"\n"

static const struct {
	const char *name, *config, *scheme;
	struct bind bind;
	const char *forward; /* of who is not reached; NULL none */
	uint16_t status;     /* that the phone gives, 0: it answers */
	const char *headers;
	uint16_t final; /* that the caller gets */
	const char *told, *way;
} schemes[] = {
	{"sips: to sip:",
	 ANYHOW,
	 "sips",
	 {.contact = "sip:b@" WORLD_PHONES},
	 NULL,
	 0,
	 NULL,
	 480,
	 NOT_ALLOWED,
	 ""},
	{"sips: to sip:, be it over TLS",
	 ANYHOW,
	 "sips",
	 {.contact = "sip:b@x.invalid", .flow = WORLD_PHONES, .proto = SIP_TLS},
	 NULL,
	 0,
	 NULL,
	 480,
	 NOT_ALLOWED,
	 ""},
	{"sips: to sips:",
	 ANYHOW,
	 "sips",
	 {.contact = "sips:b@" WORLD_PHONES},
	 NULL,
	 0,
	 NULL,
	 200,
	 "",
	 "TLS sips:b@" WORLD_PHONES},
	{"sip: to sips:",
	 ANYHOW,
	 "sip",
	 {.contact = "sips:b@" WORLD_PHONES},
	 NULL,
	 0,
	 NULL,
	 200,
	 "",
	 "TLS sip:b@" WORLD_PHONES},
	{"sip: to sips: over its flow",
	 ANYHOW,
	 "sip",
	 {.contact = "sips:b@x.invalid", .flow = WORLD_PHONES, .proto = SIP_TLS},
	 NULL,
	 0,
	 NULL,
	 200,
	 "",
	 "TLS sip:b@x.invalid"},
	{"sip: to sips:, and we speak no TLS",
	 CLEAR,
	 "sip",
	 {.contact = "sips:b@" WORLD_PHONES},
	 NULL,
	 0,
	 NULL,
	 480,
	 REQUIRED,
	 ""},
	{"sips: to what is no phone",
	 ANYHOW,
	 "sips",
	 {.contact = "mailto:b@example.org"},
	 NULL,
	 0,
	 NULL,
	 480,
	 "",
	 ""},
	{"sips:, forwarded to sip:",
	 ANYHOW,
	 "sips",
	 {.contact = "mailto:b@example.org"},
	 "sip:b@" WORLD_PHONES,
	 0,
	 NULL,
	 480,
	 NOT_ALLOWED,
	 ""},
	{"sips:, sent on to sip:",
	 ANYHOW,
	 "sips",
	 {.contact = "sips:b@" WORLD_PHONES},
	 NULL,
	 302,
	 "Contact: <sip:c@" WORLD_PHONES ">\r\n",
	 302,
	 "",
	 "TLS sips:b@" WORLD_PHONES},
	{"sip:, sent on to sips:",
	 ANYHOW,
	 "sip",
	 {.contact = "sip:b@" WORLD_PHONES},
	 NULL,
	 302,
	 "Contact: <sips:c@" WORLD_PHONES ">\r\n",
	 302,
	 "",
	 "UDP sip:b@" WORLD_PHONES},
	{"what the phone says of it goes along",
	 ANYHOW,
	 "sip",
	 {.contact = "sip:b@" WORLD_PHONES},
	 NULL,
	 480,
	 "Warning: 381 10.0.0.2 \"SIPS Required\"\r\n",
	 480,
	 "381 10.0.0.2 \"SIPS Required\"\n",
	 "UDP sip:b@" WORLD_PHONES},
};

/* The scheme by which a user is called is kept, and what cannot be reached by it is told (RFC 5630
 * 5.3). */
static void by_sips(void)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		struct world *world = new_world(schemes[i].config);
		struct phone *anna = world_phone(world, "anna"), *bob = world_phone(world, "b");
		struct forward_rule rule = {0};
		char uri[64];

		(void)world_phone(world, "c");
		if (schemes[i].forward) {
			snprintf(rule.targets[FORWARD_UNREACHABLE], FORWARD_URI_MAX, "%s",
				 schemes[i].forward);
			CHECK_INT("rule", focus_forward_set(world->focus, SLICE("bob"), &rule), 0);
		}
		bind_user(world, "bob", &schemes[i].bind);
		bob->manner = schemes[i].status ? PHONE_REJECTS : PHONE_ANSWERS;
		bob->status = schemes[i].status;
		bob->headers = schemes[i].headers;
		simnet_speak_tls(world->net);
		simnet_tap(world->net, on_sent_way, NULL);
		last_way[0] = '\0';
		snprintf(uri, sizeof(uri), "%s:bob@" WORLD_SERVER, schemes[i].scheme);
		phone_dial(anna, uri);
		world_run(world, 5000);
		CHECK_INT(schemes[i].name, anna->final_status, schemes[i].final);
		CHECK_STR(schemes[i].name, anna->end_headers, schemes[i].told);
		CHECK_STR(schemes[i].name, last_way, schemes[i].way);
		end_world(world, schemes[i].name);
	}
}

#define PHONE "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6"

/* Two flows of one phone: the later one; when it breaks, the other, at once (RFC 5626 5.3). */
static void flows(void)
{
	struct world *world = new_world(NULL);
	struct phone *bob = world_phone(world, "b1"), *desk = contact(world, "desk", 0);
	struct participant *p;

	desk->manner = PHONE_RINGS;
	bob->answer_ms = 500;
	bind_user(world, "bob",
		  &(struct bind){.contact = "sip:b1@192.168.7.7",
				 .instance = PHONE,
				 .reg_id = 1,
				 .flow = WORLD_PHONES});
	bind_user(world, "bob",
		  &(struct bind){.contact = "sip:b1@192.168.7.8",
				 .instance = PHONE,
				 .reg_id = 2,
				 .proto = SIP_TCP,
				 .flow = "10.0.0.77:5060"});
	p = dial(world, BOB);
	world_run(world, 50);
	CHECK_INT("the broken one is passed over while the desk rings", desk->calls, 1);
	world_run(world, 2000);
	CHECK("answered", bob->is_established && bob->calls == 1);
	CHECK_STR("attempts", attempts_of(p), "b1=failed:503 b1=answered:200 desk=cancelled:487");
	end_world(world, "flows");
}

/* Forwards --------------------------------------------------------------------------------------
 */

static void set_rule(struct world *world, const char *user, enum forward_cause cause,
		     const char *target)
{
	struct forward_rule rule = {.no_answer_s = 5};

	slice_cstr(slice_of(target), rule.targets[cause], sizeof(rule.targets[cause]));
	CHECK_INT(user, focus_forward_set(world->focus, slice_of(user), &rule), 0);
}

static void forwards(void)
{
	static const struct {
		const char *name;
		enum forward_cause rule;
		bool is_registered;
		enum phone_manner manner;
		uint16_t status;
		bool is_forwarded;
		const char *diversion;
	} rows[] = {
		{"always", FORWARD_UNCONDITIONAL, true, PHONE_ANSWERS, 0, true, "unconditional"},
		{"busy 486", FORWARD_BUSY, true, PHONE_REJECTS, 486, true, "user-busy"},
		{"busy 600", FORWARD_BUSY, true, PHONE_REJECTS, 600, true, "user-busy"},
		{"declined is not busy", FORWARD_BUSY, true, PHONE_REJECTS, 603, false, NULL},
		{"no answer", FORWARD_NO_ANSWER, true, PHONE_RINGS, 0, true, "no-answer"},
		{"408", FORWARD_NO_ANSWER, true, PHONE_REJECTS, 408, true, "no-answer"},
		{"480", FORWARD_NO_ANSWER, true, PHONE_REJECTS, 480, true, "no-answer"},
		{"487", FORWARD_NO_ANSWER, true, PHONE_REJECTS, 487, true, "no-answer"},
		{"503", FORWARD_UNREACHABLE, true, PHONE_REJECTS, 503, true, "unavailable"},
		{"404", FORWARD_UNREACHABLE, true, PHONE_REJECTS, 404, true, "unavailable"},
		{"not registered", FORWARD_UNREACHABLE, false, PHONE_ANSWERS, 0, true,
		 "unavailable"},
		{"another rule's case", FORWARD_UNREACHABLE, true, PHONE_REJECTS, 486, false, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = new_world(NULL);
		struct phone *carol = world_phone(world, "carol"), *bob;
		char want[96];

		bob = rows[i].is_registered ? contact(world, "b1", 0) : world_phone(world, "b1");
		bob->manner = rows[i].manner;
		bob->status = rows[i].status;
		set_rule(world, "bob", rows[i].rule, "sip:carol@" WORLD_PHONES);
		(void)dial(world, BOB);
		world_run(world, 8000);
		CHECK_INT(rows[i].name, carol->is_established, rows[i].is_forwarded);
		CHECK_INT(rows[i].name, bob->calls,
			  rows[i].is_registered && rows[i].rule != FORWARD_UNCONDITIONAL);
		if (rows[i].rule == FORWARD_NO_ANSWER && rows[i].manner == PHONE_RINGS)
			CHECK_INT(rows[i].name, bob->final_status, 487);
		if (rows[i].diversion) {
			snprintf(want, sizeof(want), "D <" BOB ">;reason=%s;counter=1\n",
				 rows[i].diversion);
			CHECK(rows[i].name, strstr(invites, want) != NULL);
		}
		end_world(world, rows[i].name);
	}
}

static void told_to_the_next(void)
{
	struct world *world = new_world(NULL);
	struct phone *b1 = contact(world, "b1", 0), *dave = world_phone(world, "dave");
	struct participant *p;

	b1->manner = PHONE_REJECTS;
	b1->status = 486;
	set_rule(world, "bob", FORWARD_BUSY, "sip:carol@10.0.0.1");
	set_rule(world, "carol", FORWARD_UNCONDITIONAL, "sip:dave@" WORLD_PHONES);
	p = dial(world, BOB);
	world_run(world, 2000);
	CHECK("dave talks", dave->is_established);
	CHECK_STR("attempts", attempts_of(p), "b1=failed:486 dave=answered:200");
	CHECK_STR("the last INVITE", strstr(invites, "sip:dave"),
		  "sip:dave@" WORLD_PHONES "\n"
		  "H <sip:bob@10.0.0.1?Reason=SIP%3Bcause%3D486>;index=1, "
		  "<sip:b1@" WORLD_PHONES "?Reason=SIP%3Bcause%3D486>;index=1.1;rc=1, "
		  "<sip:carol@10.0.0.1?Reason=SIP%3Bcause%3D302>;index=1.2;mp=1, "
		  "<sip:dave@" WORLD_PHONES ">;index=1.2.1;mp=1.2\n"
		  "D <sip:carol@10.0.0.1>;reason=unconditional;counter=1\n"
		  "D <sip:bob@10.0.0.1>;reason=user-busy;counter=1\n");
	end_world(world, "told");
}

/* Of a call that is carried on: what its INVITE says of diversions, and ours behind it. */
static void what_came_goes_along(void)
{
	static const struct {
		const char *name, *headers, *told;
	} rows[] = {
		{"nothing", NULL,
		 "sip:b1@" WORLD_PHONES "\n"
		 "H <sip:bob@10.0.0.1:5060>;index=1, <sip:b1@" WORLD_PHONES ">;index=1.1;rc=1\n"},
		{"both",
		 "History-Info: "
		 "<sip:a@x>;index=1,<sip:b@x?Reason=SIP%3Bcause%3D486>;index=1.1;mp=1\r\n"
		 "History-Info: <sip:c@x>;index=1.2;mp=1\r\nDiversion: "
		 "<sip:b@x>;reason=user-busy\r\n"
		 "Diversion: <sip:a@x>;reason=no-answer\r\n",
		 "sip:b1@" WORLD_PHONES "\n"
		 "H <sip:a@x>;index=1, <sip:b@x?Reason=SIP%3Bcause%3D486>;index=1.1;mp=1, "
		 "<sip:c@x>;index=1.2;mp=1, <sip:bob@10.0.0.1:5060>;index=1.2.1, "
		 "<sip:b1@" WORLD_PHONES ">;index=1.2.1.1;rc=1.2.1\n"
		 "D <sip:b@x>;reason=user-busy\nD <sip:a@x>;reason=no-answer\n"},
		{"private", "Privacy: history\r\nHistory-Info: <sip:a@x>;index=1\r\n",
		 "sip:b1@" WORLD_PHONES "\n"
		 "H <sip:bob@10.0.0.1:5060>;index=1, <sip:b1@" WORLD_PHONES ">;index=1.1;rc=1\n"},
		{"what has no index is no entry", "History-Info: <sip:a@x>\r\nDiversion: ???\r\n",
		 "sip:b1@" WORLD_PHONES "\n"
		 "H <sip:bob@10.0.0.1:5060>;index=1, <sip:b1@" WORLD_PHONES ">;index=1.1;rc=1\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = new_world(NULL);
		struct phone *b1 = contact(world, "b1", 0), *alice = world_phone(world, "alice");

		alice->dial_headers = rows[i].headers;
		phone_dial(alice, "bob");
		world_run(world, 2000);
		CHECK(rows[i].name, b1->is_established);
		CHECK_STR(rows[i].name, strstr(invites, "sip:b1"), rows[i].told);
		end_world(world, rows[i].name);
	}
}

/* A call that goes through us has a hop less than it came with, so that rings end (RFC 7332); one
 * of ours begins anew. */
static void hops_of_what_is_carried_on(void)
{
	static const struct {
		const char *name, *want;
		uint8_t used;
	} rows[] = {
		{"fresh", "bob 70; b1 69; ", 0},
		{"far", "bob 10; b1 9; ", 60},
		{"the last", "bob 1; b1 0; ", 69},
		{"none left", "bob 0; ", 70},
	};
	struct world *world;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct phone *alice;

		world = new_world(NULL);
		(void)contact(world, "b1", 0);
		alice = world_phone(world, "alice");
		alice->dial_hops_used = rows[i].used;
		phone_dial(alice, "bob");
		world_run(world, 2000);
		CHECK_STR(rows[i].name, hops, rows[i].want);
		end_world(world, rows[i].name);
	}
	world = new_world(NULL);
	(void)contact(world, "b1", 0);
	(void)dial(world, BOB);
	world_run(world, 2000);
	CHECK_STR("ours", hops, "b1 70; ");
	end_world(world, "ours");
}

/* Where a call to a user would leave from: that toward the first hop of its Path. */
static void address_toward_a_path(void)
{
	struct world *world = new_world(NULL);
	struct addr local = {0};

	bind_user(world, "bob",
		  &(struct bind){.contact = "sip:bob@b.invalid",
				 .path = "<sip:" WORLD_PHONES ";lr>, <sip:next.invalid;lr>"});
	CHECK_INT("path", fork_local_toward(world->focus, SLICE("sip:bob@" WORLD_SERVER), &local),
		  0);
	CHECK("there is one", addr_is_set(&local));
	end_world(world, "path");
}

static void circles(void)
{
	static const struct {
		const char *name, *bob, *carol;
	} rows[] = {
		{"two", "sip:carol@10.0.0.1", "sip:bob@10.0.0.1"},
		{"itself", "sip:bob@10.0.0.1", NULL},
		{"the room that calls", "sip:lobby@10.0.0.1", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = new_world(NULL);
		struct fork_attempt_view view = {0};
		struct participant *p;

		set_rule(world, "bob", FORWARD_UNCONDITIONAL, rows[i].bob);
		if (rows[i].carol)
			set_rule(world, "carol", FORWARD_UNCONDITIONAL, rows[i].carol);
		p = dial(world, BOB);
		CHECK(rows[i].name, participant_attempt(p, 0, &view));
		CHECK_INT(rows[i].name, view.state, FORK_LOOPED);
		CHECK_SLICE(rows[i].name, view.uri, rows[i].carol ? rows[i].carol : rows[i].bob);
		world_run(world, 1000);
		CHECK_STR(rows[i].name, world_events(world, "participant.left"),
			  "participant.left lobby bob disconnected loop 482\n");
		CHECK_STR(rows[i].name, invites, "");
		end_world(world, rows[i].name);
	}
}

/* A user is called by any of its names; the Contacts are under its own. */
static void by_alias(void)
{
	const struct user_settings settings = {
		.password = SLICE("x"), .aliases = SLICE("+4930,bobby"), .is_enabled = true};
	struct world *world = new_world(NULL);
	struct phone *b1 = contact(world, "b1", 0);
	struct user *user = NULL;

	CHECK_INT("user", users_create(world->focus->users, SLICE("bob"), &settings, &user), 0);
	(void)dial(world, "sip:bobby@10.0.0.1");
	world_run(world, 2000);
	CHECK("answered", b1->is_established);
	CHECK_SLICE("name", registrar_name(world->focus, SLICE("+4930")), "bob");
	CHECK_SLICE("nobody's", registrar_name(world->focus, SLICE("eve")), "eve");
	end_world(world, "alias");
}

static void number(void)
{
	struct world *world = new_world("sip.outbound_proxy=sip:" WORLD_PHONES);
	struct phone *desk = world_phone(world, "desk"), *abroad = world_phone(world, "+4711");

	bind_user(world, "+49301234", &(struct bind){.contact = "sip:desk@" WORLD_PHONES});
	(void)dial(world, "tel:+49(30)12-34");
	(void)dial(world, "tel:+47-11");
	world_run(world, 2000);
	CHECK("a number of ours", desk->is_established);
	CHECK("another by the proxy", abroad->is_established);
	CHECK("as a user of it", strstr(invites, "sip:+4711@10.0.0.2;user=phone\n") != NULL);
	end_world(world, "number");
}

/* Whose phone sends us on has us call for money only with the right to dial out. */
static void redirected_to_where_it_costs(void)
{
	static const struct {
		const char *name, *callee, *contact;
		bool may_dial_out, is_called;
	} rows[] = {
		{"a number", "sip:bob@10.0.0.1", "<tel:+4711>", false, false},
		{"a number, with the right", "sip:bob@10.0.0.1", "<tel:+4711>", true, true},
		{"the proxy itself", "sip:bob@10.0.0.1", "<sip:+4711@" WORLD_PHONES ">", false,
		 false},
		{"the proxy, with the right", "sip:bob@10.0.0.1", "<sip:+4711@" WORLD_PHONES ">",
		 true, true},
		{"by the proxy", "tel:+4712", "<tel:+4711>", false, true},
		{"by its alias", "sip:bobby@10.0.0.1", "<tel:+4711>", true, true},
		{"by one who is no user", "sip:eve@10.0.0.1", "<tel:+4711>", true, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct user_settings settings = {.password = SLICE("x"),
						       .aliases = SLICE("bobby"),
						       .is_enabled = true,
						       .may_dial_out = rows[i].may_dial_out};
		struct world *world = new_world("sip.outbound_proxy=sip:" WORLD_PHONES);
		bool is_number = rows[i].callee[0] == 't';
		struct phone *desk = world_phone(world, is_number ? "+4712" : "desk");
		struct phone *abroad = world_phone(world, "+4711");
		char contact[64];
		struct user *user = NULL;

		snprintf(contact, sizeof(contact), "Contact: %s\r\n", rows[i].contact);
		desk->manner = PHONE_REJECTS;
		desk->status = 302;
		desk->headers = contact;
		CHECK_INT(rows[i].name,
			  users_create(world->focus->users, SLICE("bob"), &settings, &user), 0);
		bind_user(world, "bob", &(struct bind){.contact = "sip:desk@" WORLD_PHONES});
		bind_user(world, "eve", &(struct bind){.contact = "sip:desk@" WORLD_PHONES});
		(void)dial(world, rows[i].callee);
		world_run(world, 2000);
		CHECK_INT(rows[i].name, desk->calls, 1);
		CHECK_INT(rows[i].name, abroad->calls, rows[i].is_called);
		end_world(world, rows[i].name);
	}
}

static void rules_kept(void)
{
	struct world *world = new_world(NULL);
	struct forward_rule rule = {.targets = {"sip:a@x", "", "tel:+1", "sips:b@y"},
				    .no_answer_s = 7};
	const struct forward_rule *found;

	CHECK_INT("set", focus_forward_set(world->focus, SLICE("bob"), &rule), 0);
	CHECK_INT("stored", world->store.item_count, 1);
	CHECK_STR("as", world->store.items[0].value, "7\tsip:a@x\t\ttel:+1\tsips:b@y");
	focus_forward_remove(world->focus, SLICE("bob"));
	CHECK_INT("removed", world->store.item_count, 0);
	CHECK("gone", !focus_forward_find(world->focus, SLICE("bob")));
	CHECK_INT("again", focus_forward_set(world->focus, SLICE("bob"), &rule), 0);
	focus_forward_remove(world->focus, SLICE("nobody"));
	CHECK_INT("load", forwards_load(world->focus), 0);
	found = focus_forward_find(world->focus, SLICE("bob"));
	CHECK("the same", found && !memcmp(found, &rule, sizeof(rule)));
	snprintf(rule.targets[0], sizeof(rule.targets[0]), "http://x");
	CHECK_INT("no target", focus_forward_set(world->focus, SLICE("bob"), &rule),
		  ERR_BAD_TARGET);
	memset(&rule, 0, sizeof(rule));
	CHECK_INT("an empty rule is none", focus_forward_set(world->focus, SLICE("bob"), &rule), 0);
	CHECK("gone", !focus_forward_find(world->focus, SLICE("bob")));
	snprintf(rule.targets[0], sizeof(rule.targets[0]), "sip:x@y");
	CHECK_INT("no name", focus_forward_set(world->focus, SLICE(""), &rule), ERR_ROOM_NAME);
	end_world(world, "rules");
}

static void whose_uri(void)
{
	static const struct {
		const char *uri;
		bool is_ours;
	} rows[] = {
		{"sip:bob@10.0.0.1", true},
		{"sip:bob@10.0.0.1:5060", true},
		{"sip:bob@10.0.0.1:5061;transport=tls", true},
		{"sips:bob@10.0.0.1:5061", true},
		{"sip:bob@10.0.0.1:5070", false},
		{"sip:bob@10.0.0.2:5061", false},
		{"sip:bob@example.org", true},
		{"sip:bob@example.org:5061", true},
		{"sip:bob@example.org:5070", false},
		{"sip:bob@other.example", false},
	};
	struct world *world = world_new(
		&(struct world_options){.config = "sip.listen=udp:10.0.0.1:5060,tls:10.0.0.1:5061\n"
						  "sip.domains=example.org"});

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct sip_uri uri;

		CHECK_INT(rows[i].uri, sip_uri_parse(slice_of(rows[i].uri), &uri), 0);
		CHECK_INT(rows[i].uri, fork_is_own(world->focus, &uri), rows[i].is_ours);
	}
	world_end(world, "whose_uri");
}

void suite_fork(void);
void suite_fork(void)
{
	CHECK_SUITE("fork");
	CHECK_TEST(whose_uri);
	CHECK_TEST(first_answer_wins);
	CHECK_TEST(both_answer);
	CHECK_TEST(by_q);
	CHECK_TEST(best_refusal);
	CHECK_TEST(declined_by_one);
	CHECK_TEST(one_refuses_while_another_rings);
	CHECK_TEST(nobody_registered);
	CHECK_TEST(given_up);
	CHECK_TEST(where_it_goes);
	CHECK_TEST(by_sips);
	CHECK_TEST(flows);
	CHECK_TEST(forwards);
	CHECK_TEST(told_to_the_next);
	CHECK_TEST(what_came_goes_along);
	CHECK_TEST(hops_of_what_is_carried_on);
	CHECK_TEST(address_toward_a_path);
	CHECK_TEST(circles);
	CHECK_TEST(by_alias);
	CHECK_TEST(number);
	CHECK_TEST(redirected_to_where_it_costs);
	CHECK_TEST(rules_kept);
}
