#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/refocus.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

/* Alice and Bob in a two-party call, made by us. */
struct talk {
	struct world *world;
	struct phone *alice, *bob, *carol;
};

static struct talk talk_new(const char *config)
{
	struct talk talk = {.world = world_new(&(struct world_options){.config = config})};
	struct call *call = NULL;

	talk.alice = world_phone(talk.world, "alice");
	talk.bob = world_phone(talk.world, "bob");
	talk.carol = world_phone(talk.world, "carol");
	CHECK_INT("call",
		  focus_call_create(talk.world->focus,
				    &(struct focus_call){.from = SLICE("sip:alice@" WORLD_PHONES),
							 SLICE("sip:bob@" WORLD_PHONES)},
				    &call),
		  0);
	world_run(talk.world, 1000);
	CHECK("they talk", talk.alice->is_established && talk.bob->is_established);
	(void)world_events(talk.world, NULL);
	return talk;
}

static struct room *only_room(struct world *world)
{
	CHECK_INT("one room", focus_room_count(world->focus), 1);
	return focus_room_next(world->focus, SLICE_NONE);
}

/* Every message between Hearth and the phones: "INVITE carol>hearth Contact...". */
struct ladder {
	struct buf text;
};

/* The phone: From of its own requests, To of ours. */
static char who(const struct sip_msg *msg, bool is_ours)
{
	struct sip_addr phone;

	if (sip_addr_parse(sip_msg_value(msg, is_ours == msg->is_request ? SIP_H_TO : SIP_H_FROM),
			   &phone) ||
	    !phone.uri.user.len)
		return '?';
	return phone.uri.user.p[0];
}

static uint32_t sdp_version(struct slice body)
{
	size_t at = slice_find(body, 'o');
	struct slice line = slice_from(body, at);
	uint32_t version = 0;

	/* o=- <id> <version> IN IP4 ... */
	for (int i = 0; i < 2; i++)
		line = slice_from(line, slice_find(line, ' ') + 1);
	(void)slice_u32(slice_first(line, slice_find(line, ' ')), UINT32_MAX, &version);
	return version;
}

static void on_sent(void *arg, const struct sip_flow *flow, struct slice data)
{
	static struct sip_msg msg;
	struct ladder *ladder = arg;
	bool is_ours = ntohl(flow->local.in.sin_addr.s_addr) == 0x0a000001;
	struct slice contact;

	if (sip_msg_parse(data.p, data.len, &msg) || (!msg.is_request && msg.status == 100))
		return;
	buf_addf(&ladder->text, "%s ", is_ours ? ">" : "<");
	if (msg.is_request)
		buf_addslice(&ladder->text, slice_first(data, slice_find(data, ' ')));
	else
		buf_addf(&ladder->text, "%u", msg.status);
	contact = sip_msg_value(&msg, SIP_H_CONTACT);
	if (is_ours && slice_present(contact))
		buf_addf(&ladder->text, "%s",
			 slice_find(contact, ';') < contact.len ? " isfocus" : " plain");
	if (is_ours && msg.is_request && msg.body.len)
		buf_addf(&ladder->text, " v%u", sdp_version(msg.body));
	buf_addf(&ladder->text, " %c\n", who(&msg, is_ours));
}

/* S1, header by header where it matters (RFC 3911 8.2): 180 with the mixer's Contact, re-INVITEs
 * with isfocus, a version of the description that is one higher, the same port; and 200 to the
 * joiner after both. */
static void mixed_locally(void)
{
	struct talk talk = talk_new(NULL);
	struct ladder ladder = {BUF_INIT};
	struct room_view view;
	char want[128];
	uint16_t port = addr_port(&talk.bob->agreed.remote_rtp);

	simnet_tap(talk.world->net, on_sent, &ladder);
	phone_dial_naming(talk.carol, "bob", "Join", talk.alice);
	world_run(talk.world, 1000);
	simnet_tap(talk.world->net, NULL, NULL);
	CHECK_STR("the ladder", buf_slice(&ladder.text).p,
		  "< INVITE c\n"
		  "> INVITE isfocus v2 a\n"
		  "> INVITE isfocus v2 b\n"
		  "> 180 isfocus c\n"
		  "< 200 a\n"
		  "< 200 b\n"
		  "> ACK a\n"
		  "> ACK b\n"
		  "> 200 isfocus c\n"
		  "< ACK c\n");
	buf_done(&ladder.text);
	CHECK("carol is in", talk.carol->is_established);
	CHECK_INT("she heard it ring", talk.carol->rings, 1);
	room_view(only_room(talk.world), &view);
	CHECK_INT("all three", view.participants, 3);
	snprintf(want, sizeof(want), "<sip:" SLICE_FMT "@" WORLD_SERVER ">;isfocus",
		 SLICE_ARG(view.id));
	CHECK_STR("Contact is the conference", talk.carol->contact, want);
	CHECK("the others know", sip_call_is_remote_focus(talk.alice->call) &&
					 sip_call_is_remote_focus(talk.bob->call));
	CHECK_INT("the port stays", addr_port(&talk.bob->agreed.remote_rtp), port);
	CHECK_STR("events", world_events(talk.world, "call."),
		  "call.ended - connected conference\n");
	phone_hang_up(talk.bob);
	world_run(talk.world, 1000);
	CHECK("nobody else leaves", talk.alice->call && talk.carol->call);
	world_end(talk.world, "mixed_locally");
}

/* A Join that names either dialog leads to the same conference. */
static void either_leg(void)
{
	struct talk talk = talk_new(NULL);
	struct phone *dave = world_phone(talk.world, "dave");

	phone_dial_naming(talk.carol, "whoever", "Join", talk.bob);
	world_run(talk.world, 1000);
	phone_dial_naming(dave, "whoever", "Join", talk.carol);
	world_run(talk.world, 1000);
	CHECK("both are in", talk.carol->is_established && dave->is_established);
	CHECK_INT("four", only_room(talk.world)->participant_count, 4);
	world_end(talk.world, "either_leg");
}

static void silent_party(void)
{
	struct talk talk = talk_new(NULL);

	/* Both parties' answers are lost: the joiner does not wait for ever. */
	simnode_set_down(talk.world->phones_node, false);
	phone_dial_naming(talk.carol, "bob", "Join", talk.alice);
	world_run(talk.world, 2);
	simnet_set_loss(talk.world->net, 100, 0);
	world_run(talk.world, REFOCUS_WAIT_MS / 2);
	CHECK("she waits", !talk.carol->is_established);
	simnet_set_loss(talk.world->net, 0, 0);
	world_run(talk.world, 5000);
	CHECK("she is in", talk.carol->is_established);
	world_end(talk.world, "silent_party");
}

static void gives_up_waiting(void)
{
	struct talk talk = talk_new(NULL);

	phone_dial_naming(talk.carol, "bob", "Join", talk.alice);
	world_run(talk.world, 2);
	phone_hang_up(talk.carol);
	world_run(talk.world, 3000);
	CHECK("cancelled", talk.carol->has_ended && !talk.carol->is_established);
	CHECK("the others stay", talk.alice->call && talk.bob->call);
	CHECK_INT("in a conference of two", only_room(talk.world)->participant_count, 2);
	world_end(talk.world, "gives_up_waiting");
}

static void refusals(void)
{
	static const struct {
		const char *name, *config, *header, *value;
		uint16_t status;
	} rows[] = {
		{"unknown dialog", NULL, "Join", "x@y;to-tag=1;from-tag=2", 481},
		{"unknown dialog to replace", NULL, "Replaces", "x@y;to-tag=1;from-tag=2", 481},
		{"malformed", NULL, "Join", "x@y;to-tag=1", 400},
		{"both", NULL, "Join: x@y;to-tag=1;from-tag=2\r\nReplaces",
		 "x@y;to-tag=1;from-tag=2", 400},
		{"twice", NULL, "Join: x@y;to-tag=1;from-tag=2\r\nJoin", "x@y;to-tag=1;from-tag=2",
		 400},
		{"not wished", "focus.join=off", "Join", NULL, 486},
		{"not to be replaced", "focus.join=off", "Replaces", NULL, 486},
		{"a stranger", "focus.join=parties", "Join", NULL, 486},
		{"referred by a party", "focus.join=parties",
		 "Referred-By: <sip:alice@" WORLD_PHONES ">\r\nJoin", NULL, 200},
		{"answered already", NULL, "Replaces", "early", 486},
		{"a codec in common", NULL, "Join", NULL, 200},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct talk talk = talk_new(rows[i].config);
		char line[1024];
		bool is_early = rows[i].value && !strcmp(rows[i].value, "early");

		snprintf(line, sizeof(line), "%s: %s%s\r\n", rows[i].header,
			 rows[i].value && !is_early ? rows[i].value : talk.alice->dialog,
			 is_early ? ";early-only" : "");
		talk.carol->dial_headers = line;
		phone_dial(talk.carol, "bob");
		world_run(talk.world, 1000);
		CHECK_INT(rows[i].name, talk.carol->final_status, rows[i].status);
		CHECK(rows[i].name, talk.alice->call && talk.bob->call);
		CHECK_INT(rows[i].name, focus_room_count(talk.world->focus),
			  rows[i].status == 200 ? 1 : 0);
		CHECK_INT(rows[i].name, talk.alice->exchanges, rows[i].status == 200 ? 2 : 1);
		talk.carol->dial_headers = NULL;
		world_end(talk.world, rows[i].name);
	}
}

static void ended_dialog(void)
{
	struct talk talk = talk_new(NULL);

	phone_hang_up(talk.alice);
	world_run(talk.world, 1000);
	phone_dial_naming(talk.carol, "bob", "Join", talk.alice);
	world_run(talk.world, 1000);
	CHECK_INT("RFC 3911 4: declined", talk.carol->final_status, 603);
	world_end(talk.world, "ended_dialog");
}

/* Nothing is done to the call when the joiner cannot be served. */
static void nothing_in_common(void)
{
	struct talk talk = talk_new("media.codecs=PCMU");

	talk.carol->has_only_pcma = true;
	phone_dial_naming(talk.carol, "bob", "Join", talk.alice);
	world_run(talk.world, 1000);
	CHECK_INT("488", talk.carol->final_status, 488);
	CHECK_INT("no port", 2, fake_media_legs(talk.world->media));
	CHECK_INT("still a call", talk.alice->exchanges, 1);
	fake_media_set_ports(talk.world->media, 2);
	talk.carol->has_only_pcma = false;
	phone_dial_naming(talk.carol, "bob", "Join", talk.alice);
	world_run(talk.world, 1000);
	CHECK_INT("no more ports", talk.carol->final_status, 503);
	CHECK_INT("still a call", talk.alice->exchanges, 1);
	world_end(talk.world, "nothing_in_common");
}

/* S2, *8: at the conference that a joiner was sent to, the Request-URI decides. */
static void request_uri_decides(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby"), *bob = world_phone(world, "bob");

	(void)alice;
	bob->dial_headers = "Join: 7@c.example.org;to-tag=xx;from-tag=yy\r\n";
	phone_dial(bob, "lobby");
	world_run(world, 1000);
	CHECK_INT("let in", bob->final_status, 200);
	CHECK_INT(NULL, world_roster(world, "lobby"), 2);
	bob->dial_headers = NULL;
	world_end(world, "request_uri_decides");
}

static void listen_only(void)
{
	struct talk talk = talk_new("focus.join_mode=listen");
	struct participant *p;
	struct room *room;

	phone_dial_naming(talk.carol, "bob", "Join", talk.alice);
	world_run(talk.world, 1000);
	room = only_room(talk.world);
	p = phone_participant(talk.carol, room->id);
	CHECK("muted", world_leg(talk.world, p)->control.is_muted);
	CHECK("not the others",
	      !world_leg(talk.world, phone_participant(talk.bob, room->id))->control.is_muted);
	world_end(talk.world, "listen_only");
}

static void replaces(void)
{
	struct talk talk = talk_new(NULL);

	phone_dial_naming(talk.carol, "bob", "Replaces", talk.bob);
	world_run(talk.world, 1000);
	CHECK("carol is there", talk.carol->is_established);
	CHECK("bob is rung off", talk.bob->has_ended);
	CHECK("with a reason", strstr(talk.bob->end_text, "cause=200"));
	CHECK("alice is not", talk.alice->call != NULL);
	CHECK_INT("two", only_room(talk.world)->participant_count, 2);
	CHECK("who left",
	      strstr(world_events(talk.world, "participant.left"), "bob disconnected replaced"));
	world_end(talk.world, "replaces");
}

static void replaces_in_a_full_room(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby"), *bob = world_phone(world, "bob");
	struct participant_control control = {.is_muted = true};

	CHECK_INT(NULL,
		  focus_room_set(world->focus, world_room(world, "lobby"),
				 &(struct room_settings){.is_locked = true, .participants_max = 1}),
		  0);
	CHECK_INT(NULL,
		  focus_participant_set(world->focus, phone_participant(alice, "lobby"), &control),
		  0);
	phone_dial_naming(bob, "lobby", "Join", alice);
	world_run(world, 1000);
	CHECK_INT("nobody joins", bob->final_status, 486);
	phone_dial_naming(bob, "lobby", "Replaces", alice);
	world_run(world, 1000);
	CHECK("a seat may change hands", bob->is_established && alice->has_ended);
	CHECK_INT("the room lives", world_roster(world, "lobby"), 1);
	CHECK("and mute goes with the seat",
	      world_leg(world, phone_participant(bob, "lobby"))->control.is_muted);
	world_end(world, "replaces_in_a_full_room");
}

/* RFC 5630 5.1.1.3: what was made by sips: is joined and taken over by sips: alone. */
static void of_a_sips_dialog(void)
{
	static const char *const fields[] = {"Join", "Replaces"};

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		struct world *world = world_new(NULL);
		struct phone *anna, *bob;

		simnet_speak_tls(world->net);
		anna = world_join(world, "anna", "sips:lobby@" WORLD_SERVER);
		bob = world_phone(world, "bob");
		phone_dial_naming(bob, "sip:lobby@" WORLD_SERVER, fields[i], anna);
		world_run(world, 1000);
		CHECK_INT(fields[i], bob->final_status, 480);
		CHECK_STR(fields[i], bob->end_headers, "381 10.0.0.1 \"SIPS Required\"\n");
		CHECK(fields[i], !anna->has_ended);
		phone_dial_naming(bob, "sips:lobby@" WORLD_SERVER, fields[i], anna);
		world_run(world, 1000);
		CHECK_INT(fields[i], bob->final_status, 200);
		world_end(world, fields[i]);
	}
}

void suite_join(void)
{
	CHECK_SUITE("join");
	CHECK_TEST(mixed_locally);
	CHECK_TEST(either_leg);
	CHECK_TEST(silent_party);
	CHECK_TEST(gives_up_waiting);
	CHECK_TEST(refusals);
	CHECK_TEST(ended_dialog);
	CHECK_TEST(nothing_in_common);
	CHECK_TEST(request_uri_decides);
	CHECK_TEST(of_a_sips_dialog);
	CHECK_TEST(listen_only);
	CHECK_TEST(replaces);
	CHECK_TEST(replaces_in_a_full_room);
}
