#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static void dial_in(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct fake_leg *leg = world_leg(world, phone_participant(alice, "lobby"));

	CHECK_STR("the room by its user part, and isfocus", alice->contact,
		  "<sip:lobby@" WORLD_SERVER ">;isfocus");
	CHECK("agreed",
	      alice->agreed.is_active && alice->agreed.is_sending && alice->agreed.is_receiving);
	CHECK_INT("our port", addr_port(&alice->agreed.remote_rtp), addr_port(&leg->local));
	CHECK_INT("their port", addr_port(&leg->params.remote_rtp), alice->port);
	CHECK("in the room, with sound",
	      leg->room && leg->params.is_sending && leg->params.is_receiving);
	world_end(world, "dial_in");
}

static void without_an_offer(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_phone(world, "alice");
	struct fake_leg *leg;

	alice->offers_nothing = true;
	phone_dial(alice, "conf-factory");
	world_run(world, 1000);
	CHECK("established", alice->is_established);
	leg = fake_media_leg_at(world->media, addr_port(&alice->agreed.remote_rtp));
	if (CHECK("answered in the ACK", leg != NULL))
		CHECK_INT(NULL, addr_port(&leg->params.remote_rtp), alice->port);
	world_end(world, "without_an_offer");
}

struct refusal {
	const char *name, *config, *uri;
	uint16_t status;
	const char *text, *headers;
	enum focus_reject reject;
};

static void check_refused(struct world *world, struct phone *phone, const struct refusal *row)
{
	uint64_t seq = focus_event_seq(world->focus);

	phone_dial(phone, row->uri);
	world_run(world, 1000);
	CHECK_INT(row->name, phone->final_status, row->status);
	CHECK_STR(row->name, phone->end_text, row->text);
	CHECK_STR(row->name, phone->end_headers, row->headers);
	CHECK_INT(row->name, focus_stats(world->focus)->rejected[row->reject], 1);
	CHECK_INT(row->name, focus_event_seq(world->focus), seq);
}

static void refused(void)
{
	static const struct refusal rows[] = {
		{"no room", "rooms.autocreate=false", "lobby", 404, "Conference Not Found", "",
		 FOCUS_REJECT_ROOM_UNKNOWN},
		{"bad name", NULL, "a%20b", 404, "Not A Conference Name", "",
		 FOCUS_REJECT_ROOM_NAME},
		{"too many rooms", "rooms.max=1", "lobby", 503, "Service Unavailable",
		 "30\n399 10.0.0.1 \"no more rooms can be made\"\n", FOCUS_REJECT_ROOM_LIMIT},
		{"locked", NULL, "locked", 486, "Conference Is Locked", "",
		 FOCUS_REJECT_ROOM_LOCKED},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(&(struct world_options){.config = rows[i].config});
		struct phone *alice = world_phone(world, "alice");
		struct room *room;

		CHECK_INT(NULL,
			  focus_room_create(world->focus, SLICE("locked"),
					    &(struct room_settings){.is_locked = true}, &room),
			  0);
		check_refused(world, alice, &rows[i]);
		world_end(world, rows[i].name);
	}
}

static void full(void)
{
	static const struct refusal row = {
		"full", NULL, "lobby", 486, "Conference Is Full", "", FOCUS_REJECT_ROOM_FULL};
	struct world *world = world_new(
		&(struct world_options){.config = "rooms.participants_max=1"});
	struct phone *alice = world_join(world, "alice", "lobby"), *bob = world_phone(world, "bob");

	check_refused(world, bob, &row);
	phone_hang_up(alice);
	world_run(world, 1000);
	phone_dial(bob, "lobby");
	world_run(world, 1000);
	CHECK("there is room again", bob->is_established);
	world_end(world, "full");
}

/* Each thing that the mixer may refuse, while a conference goes on beside it. */
static void media_fails(void)
{
	static const struct {
		struct refusal refusal;
		enum fake_op op;
		int err;
	} rows[] = {
		{{"no room", NULL, "new", 503, "Service Unavailable",
		  "30\n399 10.0.0.1 \"mixer holds as many rooms as it may\"\n", FOCUS_REJECT_MEDIA},
		 FAKE_ROOM_OPEN,
		 ERR_MEDIA_NO_ROOMS},
		{{"no room for the factory", NULL, "conf-factory", 503, "Service Unavailable",
		  "5\n399 10.0.0.1 \"the queue is full\"\n", FOCUS_REJECT_MEDIA},
		 FAKE_ROOM_OPEN,
		 ERR_QUEUE_FULL},
		{{"no port", NULL, "new", 503, "Service Unavailable",
		  "10\n399 10.0.0.1 \"no free media port\"\n", FOCUS_REJECT_NO_PORTS},
		 FAKE_LEG_OPEN,
		 ERR_MEDIA_NO_PORTS},
		{{"no port in a room that is", NULL, "lobby", 503, "Service Unavailable",
		  "10\n399 10.0.0.1 \"no free media port\"\n", FOCUS_REJECT_NO_PORTS},
		 FAKE_LEG_OPEN,
		 ERR_MEDIA_NO_PORTS},
		{{"no leg", NULL, "lobby", 503, "Service Unavailable",
		  "10\n399 10.0.0.1 \"mixer holds as many legs as it may\"\n",
		  FOCUS_REJECT_NO_LEGS},
		 FAKE_LEG_OPEN,
		 ERR_MEDIA_NO_LEGS},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(NULL);
		struct phone *alice = world_join(world, "alice", "lobby"),
			     *bob = world_phone(world, "bob");

		fake_media_fail(world->media, rows[i].op, rows[i].err, 0, 1);
		check_refused(world, bob, &rows[i].refusal);
		CHECK("the room that runs goes on", !alice->has_ended);
		CHECK_INT("one room", focus_room_count(world->focus), 1);
		phone_dial(bob, rows[i].refusal.uri);
		world_run(world, 1000);
		CHECK("the next try works", bob->is_established);
		world_end(world, rows[i].refusal.name);
	}
}

static void ports_exhausted(void)
{
	struct world *world = world_new(NULL);
	struct phone *phones[5];
	uint32_t in = 0;

	fake_media_set_ports(world->media, 3);
	for (size_t i = 0; i < ARRAY_LEN(phones); i++) {
		char user[32];

		snprintf(user, sizeof(user), "p%zu", i);
		phones[i] = world_phone(world, user);
		phone_dial(phones[i], "lobby");
	}
	world_run(world, 1000);
	for (size_t i = 0; i < ARRAY_LEN(phones); i++)
		in += phones[i]->is_established;
	CHECK_INT(NULL, in, 3);
	CHECK_INT(NULL, world_roster(world, "lobby"), 3);
	CHECK_INT(NULL, focus_stats(world->focus)->rejected[FOCUS_REJECT_NO_PORTS], 2);
	world_end(world, "ports_exhausted");
}

static void central(void)
{
	struct world *world = world_new(&(struct world_options){
		.config = "focus.central_factory=sip:factory@central.example",
	});
	struct phone *alice = world_phone(world, "alice");

	phone_dial(alice, "conference-factory");
	world_run(world, 1000);
	CHECK_INT(NULL, alice->final_status, 302);
	CHECK_STR(NULL, alice->end_headers, "<sip:factory@central.example>\n");
	CHECK_INT("nothing is made", focus_room_count(world->focus) + fake_media_legs(world->media),
		  0);
	world_end(world, "central");
}

static void another_focus(void)
{
	struct world *world = world_new(NULL);
	struct phone *mcu = world_phone(world, "mcu");
	struct participant_view view;

	mcu->contact_params = "isfocus";
	phone_dial(mcu, "lobby");
	world_run(world, 1000);
	participant_view(phone_participant(mcu, "lobby"), &view);
	CHECK("seen as what it is", view.is_remote_focus);
	world_end(world, "another_focus");
}

static void no_common_codec(void)
{
	struct world *world = world_new(&(struct world_options){.config = "media.codecs=PCMU"});
	struct phone *alice = world_phone(world, "alice");

	alice->has_only_pcma = true;
	phone_dial(alice, "lobby");
	world_run(world, 1000);
	CHECK_INT(NULL, alice->final_status, 488);
	CHECK_INT(NULL, world_roster(world, "lobby"), 0);
	CHECK_INT("room undone", focus_room_count(world->focus), 0);
	CHECK_STR("nobody was told", world_events(world, NULL), "");
	CHECK_INT("no record", world->store.record_count, 0);
	world_end(world, "no_common_codec");
}

/* The 200 never reaches the phone, nor any ACK us. */
static void never_acknowledged(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_phone(world, "alice");

	phone_dial(alice, "lobby");
	world_run(world, 1);
	simnet_set_loss(world->net, 100, 0);
	world_run(world, 70000); /* 64 T1 for the ACK, as much for the BYE */
	CHECK_STR(NULL, world_events(world, NULL),
		  "room.created lobby\n"
		  "participant.created lobby alice dialing-in\n"
		  "participant.left lobby alice disconnected timeout\n"
		  "room.closed lobby empty\n");
	simnet_set_loss(world->net, 0, 0);
	world_end(world, "never_acknowledged");
}

/* OPTIONS -------------------------------------------------------------------------------------- */

struct raw {
	struct simnode *node;
	char text[4096]; /* the last response */
	struct sip_msg msg;
	uint32_t count;
};

static void raw_on_message(void *arg, const struct sip_flow *flow, struct slice data)
{
	struct raw *raw = arg;

	(void)flow;
	slice_cstr(data, raw->text, sizeof(raw->text));
	CHECK_INT("parses", sip_msg_parse(raw->text, strlen(raw->text), &raw->msg), 0);
	raw->count++;
}

static void raw_options(struct world *world, struct raw *raw, const char *uri, const char *more)
{
	static int branch;
	struct buf text = BUF_INIT;

	if (!raw->node) {
		raw->node = simnode_new(world->net, "10.0.0.3:5060");
		simnode_net(raw->node).ops->listen(
			raw->node,
			&(struct sip_net_events){.on_message = raw_on_message, .arg = raw});
	}
	raw->count = 0;
	branch++;
	buf_addf(&text,
		 "OPTIONS %s SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.3:5060;branch=z9hG4bK%d\r\n"
		 "From: <sip:x@10.0.0.3>;tag=a\r\nTo: <%s>\r\nCall-ID: c%d\r\nCSeq: 1 OPTIONS\r\n"
		 "Max-Forwards: 70\r\n%sContent-Length: 0\r\n\r\n",
		 uri, branch, uri, branch, more);
	simnode_send(raw->node, SIP_UDP, simnode_addr(world->server_node), buf_slice(&text));
	buf_done(&text);
	world_run(world, 100);
}

static void options(void)
{
	static const struct {
		const char *name, *uri;
		uint16_t status;
		const char *contact;
	} rows[] = {
		{"a room", "sip:lobby@10.0.0.1", 200, "<sip:lobby@10.0.0.1>;isfocus"},
		{"a name that would be made", "sip:new@10.0.0.1", 200,
		 "<sip:new@10.0.0.1>;isfocus"},
		{"the factory", "sip:conf-factory@10.0.0.1", 200, NULL},
		{"the server", "sip:10.0.0.1", 200, NULL},
		{"locked", "sip:locked@10.0.0.1", 486, NULL},
		{"full", "sip:full@10.0.0.1", 486, NULL},
		{"no name", "sip:a%20b@10.0.0.1", 404, NULL},
		{"over", "sip:conf-abcdefgh2345@10.0.0.1", 404, NULL},
	};
	struct world *world = world_new(NULL);
	struct raw raw = {0};
	struct room *room;

	(void)focus_room_create(world->focus, SLICE("lobby"), &(struct room_settings){0}, &room);
	(void)focus_room_create(world->focus, SLICE("locked"),
				&(struct room_settings){.is_locked = true}, &room);
	(void)focus_room_create(world->focus, SLICE("full"),
				&(struct room_settings){.participants_max = 1}, &room);
	world_join(world, "alice", "full");
	(void)world_events(world, NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		raw_options(world, &raw, rows[i].uri, "");
		if (!CHECK_INT(rows[i].name, raw.count, 1))
			continue;
		CHECK_INT(rows[i].name, raw.msg.status, rows[i].status);
		CHECK_SLICE(rows[i].name, sip_msg_value(&raw.msg, SIP_H_CONTACT), rows[i].contact);
		if (rows[i].status != 200)
			continue;
		CHECK_SLICE(rows[i].name, sip_msg_value(&raw.msg, SIP_H_ALLOW), FOCUS_ALLOW);
		CHECK_SLICE(rows[i].name, sip_msg_value(&raw.msg, SIP_H_ACCEPT), "application/sdp");
		CHECK_SLICE(rows[i].name, sip_msg_value(&raw.msg, SIP_H_ACCEPT_LANGUAGE), "en");
		CHECK(rows[i].name, strstr(raw.text, "m=audio 0 RTP/AVP 96 9 0 8") != NULL);
	}
	CHECK_STR("it disturbs nothing", world_events(world, NULL), "");
	CHECK_INT(NULL, focus_room_count(world->focus), 3);
	world_end(world, "options");
}

/* A room has codecs of its own, and an order of them; who is in keeps what it came with. */
static void codecs_of_a_room(void)
{
	struct world *world = world_new(NULL);
	struct room_settings settings = {.codecs = "PCMA,PCMU"};
	struct media_leg_params *params;
	struct phone *alice;
	struct raw raw = {0};
	struct room *room;

	CHECK_INT(NULL, focus_room_create(world->focus, SLICE("lobby"), &settings, &room), 0);
	raw_options(world, &raw, "sip:lobby@" WORLD_SERVER, "");
	CHECK("asked", strstr(raw.text, "m=audio 0 RTP/AVP 8 0 101\r\n") != NULL);
	alice = world_phone(world, "alice");
	alice->offers_nothing = true;
	phone_dial(alice, "lobby");
	world_run(world, 1000);
	params = &world_leg(world, phone_participant(alice, "lobby"))->params;
	CHECK_INT("two", params->receive_count, 2);
	CHECK_INT("first", params->receive[0].codec, MEDIA_CODEC_PCMA);
	settings = (struct room_settings){.codecs = "opus"};
	CHECK_INT(NULL, focus_room_set(world->focus, room, &settings), 0);
	raw_options(world, &raw, "sip:lobby@" WORLD_SERVER, "");
	CHECK("asked", strstr(raw.text, "m=audio 0 RTP/AVP 96 97\r\n") != NULL);
	CHECK_STR("as it came", phone_participant(alice, "lobby")->leg.codecs, "PCMA,PCMU");
	world_end(world, "codecs_of_a_room");
}

static void options_accept(void)
{
	static const struct {
		const char *accept;
		bool has_body;
	} rows[] = {
		{"", true},
		{"Accept: application/sdp\r\n", true},
		{"Accept: text/plain, application/*;q=0.5\r\n", true},
		{"Accept: */*\r\n", true},
		{"Accept: text/plain\r\n", false},
		{"Accept: \r\n", false},
	};
	struct world *world = world_new(NULL);
	struct raw raw = {0};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		raw_options(world, &raw, "sip:lobby@10.0.0.1", rows[i].accept);
		CHECK_INT(rows[i].accept, raw.msg.status, 200);
		CHECK_INT(rows[i].accept, raw.msg.body.len > 0, rows[i].has_body);
	}
	world_end(world, "options_accept");
}

static void options_draining(void)
{
	static const char *const configs[] = {NULL, "focus.central_factory=sip:f@c.example"};
	static const uint16_t want[] = {503, 302};

	for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
		struct world *world = world_new(&(struct world_options){.config = configs[i]});
		struct raw raw = {0};

		focus_drain(world->focus, NULL, NULL);
		raw_options(world, &raw, "sip:lobby@10.0.0.1", "");
		CHECK_INT(NULL, raw.msg.status, want[i]);
		world_end(world, "options_draining");
	}
}

static void on_options_reply(void *arg, struct sip_call *call, const struct sip_msg *response)
{
	(void)call;
	*(uint16_t *)arg = response ? response->status : 0;
}

static void options_in_a_call(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");
	uint16_t status = 0;

	(void)world_events(world, NULL);
	CHECK_INT(NULL,
		  sip_call_request(alice->call,
				   &(struct sip_call_request){.method = "OPTIONS",
							      .on_reply = on_options_reply,
							      .arg = &status}),
		  0);
	world_run(world, 1000);
	CHECK_INT("still here", status, 200);
	CHECK_STR("and nothing else", world_events(world, NULL), "");
	world_end(world, "options_in_a_call");
}

void suite_incoming(void)
{
	CHECK_SUITE("incoming");
	CHECK_TEST(dial_in);
	CHECK_TEST(without_an_offer);
	CHECK_TEST(refused);
	CHECK_TEST(full);
	CHECK_TEST(media_fails);
	CHECK_TEST(ports_exhausted);
	CHECK_TEST(central);
	CHECK_TEST(another_focus);
	CHECK_TEST(no_common_codec);
	CHECK_TEST(never_acknowledged);
	CHECK_TEST(options);
	CHECK_TEST(codecs_of_a_room);
	CHECK_TEST(options_accept);
	CHECK_TEST(options_draining);
	CHECK_TEST(options_in_a_call);
}
