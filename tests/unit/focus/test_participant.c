#include "focus/participant.h"

#include <errno.h>
#include <math.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static void joins_and_leaves(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_phone(world, "alice");
	struct participant_view view;
	struct participant *p;
	struct room *room;
	char id[PARTICIPANT_ID_MAX + 1];

	alice->display_name = "Alice Z";
	phone_dial(alice, "lobby");
	world_run(world, 500);
	room = world_room(world, "lobby");
	p = phone_participant(alice, "lobby");
	participant_view(p, &view);
	CHECK_INT(NULL, view.state, PARTICIPANT_CONNECTED);
	CHECK_SLICE(NULL, view.uri, "sip:alice@" WORLD_PHONES);
	CHECK_SLICE(NULL, view.display_name, "Alice Z");
	CHECK_SLICE(NULL, view.room_id, "lobby");
	CHECK_STR("their first, as we have both", view.codec, "PCMA");
	CHECK(NULL, !view.is_outgoing && !view.is_remote_focus && view.call_id.len > 0);
	CHECK(NULL, view.created_wall_ms > 0 && view.connected_wall_ms >= view.created_wall_ms);
	slice_cstr(view.id, id, sizeof(id));
	CHECK("found by its id", focus_participant_find(world->focus, room, slice_of(id)) == p);
	CHECK("not in another room", !focus_participant_find(world->focus, NULL, slice_of(id)));
	CHECK("not by another id", !focus_participant_find(world->focus, room, SLICE("x")));
	CHECK("the only one",
	      focus_participant_next(room, NULL) == p && !focus_participant_next(room, p));
	CHECK_INT(NULL, focus_stats(world->focus)->participants_connected, 1);
	world_leg(world, p)->stats = (struct media_leg_stats){.rx_packets = 100,
							      .rx_lost = 3,
							      .tx_packets = 90,
							      .rx_jitter_us = 1500,
							      .mos_x100 = 410};
	world_run(world, 60000);
	phone_hang_up(alice);
	world_run(world, 1000);
	CHECK_STR(NULL, world_events(world, NULL),
		  "room.created lobby\n"
		  "participant.created lobby alice dialing-in\n"
		  "participant.joined lobby alice connected\n"
		  "participant.left lobby alice disconnected bye\n"
		  "room.closed lobby empty\n");
	if (CHECK_INT("one record", world->store.record_count, 1)) {
		const struct store_call_record *record = fake_store_last(&world->store);

		CHECK_STR(NULL, record->room, "lobby");
		CHECK_STR(NULL, record->participant, id);
		CHECK_STR(NULL, record->uri, "sip:alice@" WORLD_PHONES);
		CHECK_STR(NULL, record->display_name, "Alice Z");
		CHECK_STR(NULL, record->end_cause, "bye");
		CHECK_INT(NULL, record->status, 200);
		CHECK_INT(NULL, record->is_outgoing, false);
		CHECK_INT("final statistics", record->rx_packets, 100);
		CHECK_INT(NULL, record->rx_lost, 3);
		CHECK_INT(NULL, record->tx_packets, 90);
		CHECK_INT(NULL, record->jitter_us, 1500);
		CHECK_INT(NULL, record->mos_x100, 410);
		CHECK_NEAR("length", record->ended_wall_ms - record->answered_wall_ms, 60000, 1000);
	}
	world_end(world, "joins_and_leaves");
}

static void record_waits_for_the_leg(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct participant *p = phone_participant(alice, "lobby");

	CHECK_INT(NULL, focus_kick(world->focus, p, "kicked"), 0);
	CHECK_INT("leg told to close", world_leg(world, p)->is_closing, true);
	CHECK_INT("no record yet", world->store.record_count, 0);
	world_run(world, 1000);
	CHECK_INT("now", world->store.record_count, 1);
	world_end(world, "record_waits_for_the_leg");
}

static void control(void)
{
	static const struct {
		const char *name;
		struct participant_control control;
		int err;
		struct media_leg_control want;
	} rows[] = {
		{"mute", {.is_muted = true}, 0, {.is_muted = true}},
		{"deaf", {.is_deaf = true}, 0, {.is_deaf = true}},
		{"gain", {.gain_db = -6.5}, 0, {.gain_in_cdb = -650}},
		{"volume", {.volume_db = 30}, 0, {.gain_out_cdb = 3000}},
		{"gain, too much", {.gain_db = 30.1}, -EINVAL, {.gain_out_cdb = 3000}},
		{"gain, too little", {.gain_db = -60.1}, -EINVAL, {.gain_out_cdb = 3000}},
		{"volume, not a number", {.volume_db = NAN}, -EINVAL, {.gain_out_cdb = 3000}},
		{"back", {0}, 0, {0}},
	};
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct participant *p = phone_participant(alice, "lobby");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct media_leg_control *got = &world_leg(world, p)->control;
		struct participant_view before, after;

		(void)world_events(world, NULL);
		participant_view(p, &before);
		CHECK_INT(rows[i].name, focus_participant_set(world->focus, p, &rows[i].control),
			  rows[i].err);
		participant_view(p, &after);
		CHECK_INT(rows[i].name, got->is_muted, rows[i].want.is_muted);
		CHECK_INT(rows[i].name, got->is_deaf, rows[i].want.is_deaf);
		CHECK_INT(rows[i].name, got->gain_in_cdb, rows[i].want.gain_in_cdb);
		CHECK_INT(rows[i].name, got->gain_out_cdb, rows[i].want.gain_out_cdb);
		CHECK_INT(rows[i].name, after.version != before.version, !rows[i].err);
		CHECK_STR(rows[i].name, world_events(world, NULL),
			  rows[i].err ? "" : "participant.changed lobby alice connected\n");
	}
	CHECK_INT("the same again",
		  focus_participant_set(world->focus, p, &(struct participant_control){0}), 0);
	CHECK_STR("is no news", world_events(world, NULL), "");
	world_end(world, "control");
}

static void kicked(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct participant *p = phone_participant(alice, "lobby");

	(void)world_events(world, NULL);
	CHECK_INT(NULL, focus_kick(world->focus, p, "kicked"), 0);
	CHECK_INT("twice is once", focus_kick(world->focus, p, "other"), 0);
	CHECK_STR(NULL, world_events(world, NULL),
		  "participant.changed lobby alice disconnecting\n");
	world_run(world, 1000);
	CHECK_STR(NULL, world_events(world, NULL),
		  "participant.left lobby alice disconnected kicked\nroom.closed lobby empty\n");
	CHECK("rung off", alice->has_ended);
	CHECK_STR(NULL, alice->end_text, "SIP;cause=403;text=\"Removed from the conference\"");
	CHECK_STR(NULL, fake_store_last(&world->store)->end_cause, "kicked");
	world_end(world, "kicked");
}

/* A phone that does not answer the BYE any more. */
static void kicked_but_dead(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");

	simnet_set_loss(world->net, 100, 0);
	CHECK_INT(NULL, focus_kick(world->focus, phone_participant(alice, "lobby"), "kicked"), 0);
	CHECK_INT("hears nothing from now on", fake_media_legs(world->media), 1);
	world_run(world, 1000);
	CHECK_INT("its port is free", fake_media_legs(world->media), 0);
	CHECK_INT("still in the roster", world_roster(world, "lobby"), 1);
	world_run(world, 40000);
	CHECK_INT("given up", world_roster(world, "lobby"), 0);
	CHECK_INT("no misuse", fake_media_misuses(world->media), 0);
	simnet_set_loss(world->net, 0, 0);
	world_end(world, "kicked_but_dead");
}

static void held(void)
{
	static const struct {
		const char *name;
		enum sdp_direction direction;
		enum participant_state state;
		bool is_sending, is_receiving;
	} rows[] = {
		{"hold with music", SDP_SENDONLY, PARTICIPANT_ON_HOLD, false, false},
		{"still", SDP_SENDONLY, PARTICIPANT_ON_HOLD, false, false},
		{"resume", SDP_SENDRECV, PARTICIPANT_CONNECTED, true, true},
		{"inactive", SDP_INACTIVE, PARTICIPANT_ON_HOLD, false, false},
		{"listens only", SDP_RECVONLY, PARTICIPANT_CONNECTED, true, false},
		{"back", SDP_SENDRECV, PARTICIPANT_CONNECTED, true, true},
	};
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct participant *p = phone_participant(alice, "lobby");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct participant_view view;

		CHECK(rows[i].name, phone_set_direction(alice, rows[i].direction));
		world_run(world, 1000);
		participant_view(p, &view);
		CHECK_INT(rows[i].name, view.state, rows[i].state);
		CHECK_INT(rows[i].name, world_leg(world, p)->params.is_sending, rows[i].is_sending);
		CHECK_INT(rows[i].name, world_leg(world, p)->params.is_receiving,
			  rows[i].is_receiving);
	}
	CHECK_STR(NULL, world_events(world, "participant.changed"),
		  "participant.changed lobby alice on-hold\n"
		  "participant.changed lobby alice connected\n"
		  "participant.changed lobby alice on-hold\n"
		  "participant.changed lobby alice connected\n");
	world_end(world, "held");
}

static void joins_on_hold(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_phone(world, "alice");
	struct participant_view view;

	alice->direction = SDP_SENDONLY;
	phone_dial(alice, "lobby");
	world_run(world, 1000);
	participant_view(phone_participant(alice, "lobby"), &view);
	CHECK_INT(NULL, view.state, PARTICIPANT_ON_HOLD);
	CHECK_STR(NULL, world_events(world, "participant."),
		  "participant.created lobby alice dialing-in\n"
		  "participant.joined lobby alice connected\n"
		  "participant.changed lobby alice on-hold\n");
	world_end(world, "joins_on_hold");
}

/* c=0.0.0.0, as phones of RFC 2543 hold. */
static void held_the_old_way(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct participant *p = phone_participant(alice, "lobby");

	alice->has_no_address = true;
	CHECK(NULL, phone_set_direction(alice, SDP_SENDRECV));
	world_run(world, 1000);
	CHECK_INT(NULL, p->state, PARTICIPANT_ON_HOLD);
	CHECK("no sound either way",
	      !world_leg(world, p)->params.is_sending && !world_leg(world, p)->params.is_receiving);
	alice->has_no_address = false;
	CHECK(NULL, phone_set_direction(alice, SDP_SENDRECV));
	world_run(world, 1000);
	CHECK_INT(NULL, p->state, PARTICIPANT_CONNECTED);
	CHECK("sound again",
	      world_leg(world, p)->params.is_sending && world_leg(world, p)->params.is_receiving);
	world_end(world, "held_the_old_way");
}

static void talking(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct participant *p = phone_participant(alice, "lobby");
	struct participant_view view;

	(void)world_events(world, NULL);
	fake_media_tell(world_leg(world, p),
			(struct media_event){.kind = MEDIA_LEG_TALKING, .is_on = true});
	fake_media_tell(world_leg(world, p),
			(struct media_event){.kind = MEDIA_LEG_TALKING, .is_on = true});
	participant_view(p, &view);
	CHECK("seen", view.media.is_talking);
	fake_media_tell(world_leg(world, p),
			(struct media_event){.kind = MEDIA_LEG_TALKING, .is_on = false});
	CHECK_STR("only changes", world_events(world, NULL),
		  "participant.talking lobby alice connected on\n"
		  "participant.talking lobby alice connected off\n");
	world_end(world, "talking");
}

static void digits(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct participant *p = phone_participant(alice, "lobby");

	(void)world_events(world, NULL);
	fake_media_tell(
		world_leg(world, p),
		(struct media_event){.kind = MEDIA_LEG_DTMF, .digit = '7', .duration_ms = 120});
	CHECK_STR(NULL, world_events(world, NULL), "dtmf lobby alice connected 7 120\n");
	CHECK_INT(NULL, focus_stats(world->focus)->dtmf_digits, 1);
	world_end(world, "digits");
}

static void quiet(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct participant *p = phone_participant(alice, "lobby");

	fake_media_tell(world_leg(world, p), (struct media_event){.kind = MEDIA_LEG_QUIET});
	world_run(world, 1000);
	CHECK_STR(NULL, world_events(world, "participant.left"),
		  "participant.left lobby alice disconnected no_media\n");
	CHECK_STR(NULL, alice->end_text, "SIP;cause=408;text=\"No media received\"");
	world_end(world, "quiet");
}

static void quiet_is_allowed(void)
{
	struct world *world = world_new(&(struct world_options){.config = "media.quiet_s=0"});
	struct phone *alice = world_join(world, "alice", "lobby");
	struct participant *p = phone_participant(alice, "lobby");

	fake_media_tell(world_leg(world, p), (struct media_event){.kind = MEDIA_LEG_QUIET});
	fake_media_tell(world_leg(world, p), (struct media_event){.kind = MEDIA_LEG_ACTIVE});
	fake_media_tell(world_leg(world, p), (struct media_event){.kind = MEDIA_LEG_LATCHED});
	world_run(world, 1000);
	CHECK_INT(NULL, world_roster(world, "lobby"), 1);
	world_end(world, "quiet_is_allowed");
}

static void leg_breaks(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");

	fake_media_break(world_leg(world, phone_participant(alice, "lobby")));
	world_run(world, 1000);
	CHECK_STR(NULL, world_events(world, "participant.left"),
		  "participant.left lobby alice disconnected media_failed\n");
	CHECK("rung off", alice->has_ended);
	world_end(world, "leg_breaks");
}

static void leg_refuses(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_phone(world, "alice");

	fake_media_fail(world->media, FAKE_LEG_SET, ERR_MEDIA_CODEC, 0, 1);
	phone_dial(alice, "lobby");
	world_run(world, 2000);
	CHECK("rung off", alice->has_ended);
	CHECK_STR(NULL, world_events(world, "participant.left"),
		  "participant.left lobby alice disconnected media_failed\n");
	world_end(world, "leg_refuses");
}

/* What the mixer says of a leg that has a new owner, or none, goes nowhere. */
static void stale_events(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct participant *p = phone_participant(alice, "lobby");
	struct media_event event = {
		.kind = MEDIA_LEG_QUIET, .leg = p->leg.media, .tag = p->tag + 1};

	focus_on_media_event(world->focus, &event);
	event = (struct media_event){
		.kind = MEDIA_LEG_QUIET, .leg = p->leg.media + 1, .tag = p->tag};
	focus_on_media_event(world->focus, &event);
	CHECK_INT("not it", p->state, PARTICIPANT_CONNECTED);
	(void)world_events(world, NULL);
	(void)focus_kick(world->focus, p, "kicked");
	fake_media_tell(world_leg(world, p),
			(struct media_event){.kind = MEDIA_LEG_DTMF, .digit = '1'});
	CHECK_STR("crossed the end", world_events(world, "dtmf"), "");
	world_end(world, "stale_events");
}

/* Freed in the middle of everything: no call, leg or timer may reach back. */
static void freed_while_busy(void)
{
	struct world *world = world_new(NULL);
	struct phone *bob = world_phone(world, "bob");
	struct participant *p;

	world_join(world, "alice", "lobby");
	bob->manner = PHONE_RINGS;
	CHECK_INT(NULL,
		  focus_invite(world->focus, world_room(world, "lobby"),
			       &(struct focus_invite){.uri = SLICE("sip:bob@" WORLD_PHONES)}, &p),
		  0);
	world_run(world, 500);
	world->focus = focus_free(world->focus);
	fake_media_listen(world->media, NULL, NULL);
	CHECK_INT("records are written", world->store.record_count, 2);
	CHECK_STR(NULL, fake_store_last(&world->store)->end_cause, "server_stopped");
	world_run(world, 1000);
	CHECK_INT("ports are free", fake_media_legs(world->media), 0);
	CHECK_INT("rooms too", fake_media_rooms(world->media), 0);
	world_free(world);
}

void suite_participant(void)
{
	CHECK_SUITE("participant");
	CHECK_TEST(joins_and_leaves);
	CHECK_TEST(record_waits_for_the_leg);
	CHECK_TEST(control);
	CHECK_TEST(kicked);
	CHECK_TEST(kicked_but_dead);
	CHECK_TEST(held);
	CHECK_TEST(joins_on_hold);
	CHECK_TEST(held_the_old_way);
	CHECK_TEST(talking);
	CHECK_TEST(digits);
	CHECK_TEST(quiet);
	CHECK_TEST(quiet_is_allowed);
	CHECK_TEST(leg_breaks);
	CHECK_TEST(leg_refuses);
	CHECK_TEST(stale_events);
	CHECK_TEST(freed_while_busy);
}
