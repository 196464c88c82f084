/* tests/unit/focus/test_move.c -- from room to room, to and fro. */
#include <arpa/inet.h>
#include <string.h>

#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static struct room *make(struct world *world, const char *id, uint32_t participants_max)
{
	struct room *room = NULL;

	CHECK_INT(id,
		  focus_room_create(world->focus, slice_of(id),
				    &(struct room_settings){.participants_max = participants_max},
				    &room),
		  0);
	return room;
}

/* Contact of the last INVITE that the focus sent. */
static char contact[128];

static void on_sent(void *arg, const struct sip_flow *flow, struct slice data)
{
	static struct sip_msg msg;
	bool is_ours = ntohl(flow->local.in.sin_addr.s_addr) == 0x0a000001;

	(void)arg;
	if (is_ours && slice_starts(data, SLICE("INVITE ")) &&
	    !sip_msg_parse(data.p, data.len, &msg))
		slice_cstr(sip_msg_value(&msg, SIP_H_CONTACT), contact, sizeof(contact));
}

static void to_a_breakout_room_and_back(void)
{
	struct world *world = world_new(NULL);
	struct room *lobby = make(world, "lobby", 0), *table = make(world, "table", 0);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct phone *bert = world_join(world, "bert", "lobby");
	struct participant *p = phone_participant(alice, "lobby");
	uint32_t exchanges = alice->exchanges;
	char id[PARTICIPANT_ID_MAX + 1];
	handle bus;

	simnet_tap(world->net, on_sent, NULL);
	memcpy(id, p->id, sizeof(id));
	CHECK_INT("muted",
		  focus_participant_set(world->focus, p,
					&(struct participant_control){.is_muted = true}),
		  0);
	bus = world_leg(world, p)->room;
	(void)world_events(world, NULL);
	CHECK_INT("there", focus_participant_move(world->focus, p, table), 0);
	CHECK_STR("told", world_events(world, NULL),
		  "participant.left lobby alice connected moved\n"
		  "participant.joined table alice connected moved\n");
	CHECK("another bus", world_leg(world, p)->room != bus && world_leg(world, p)->room != 0);
	CHECK("still muted", world_leg(world, p)->control.is_muted);
	CHECK("the same one", focus_participant_find(world->focus, table, slice_of(id)) == p);
	CHECK("not here", !focus_participant_find(world->focus, lobby, slice_of(id)));
	CHECK_INT("one left", world_roster(world, "lobby"), 1);
	world_run(world, 1000);
	CHECK_INT("one re-INVITE", alice->exchanges, exchanges + 1);
	CHECK_STR("a new Contact", contact, "<sip:table@" WORLD_SERVER ">;isfocus");
	CHECK_INT("and back", focus_participant_move(world->focus, p, lobby), 0);
	CHECK("the old bus", world_leg(world, p)->room == bus);
	world_run(world, 1000);
	CHECK_STR("the old Contact", contact, "<sip:lobby@" WORLD_SERVER ">;isfocus");
	CHECK_INT("nobody at the table", world_roster(world, "table"), 0);
	phone_hang_up(alice);
	phone_hang_up(bert);
	world_run(world, 1000);
	CHECK_INT("one record each", world->store.record_count, 2);
	world_end(world, "to_a_breakout_room_and_back");
}

/* A room that was made by a call ends when the last is moved out of it. */
static void the_last_to_be_moved_ends_a_room(void)
{
	struct world *world = world_new(NULL);
	struct room *table = make(world, "table", 0);
	struct phone *alice = world_join(world, "alice", "adhoc");
	struct participant *p = phone_participant(alice, "adhoc");

	(void)world_events(world, NULL);
	CHECK_INT("moved", focus_participant_move(world->focus, p, table), 0);
	CHECK_STR("told", world_events(world, NULL),
		  "participant.left adhoc alice connected moved\n"
		  "room.closed adhoc empty\n"
		  "participant.joined table alice connected moved\n");
	world_run(world, 1000);
	CHECK("the call goes on", alice->is_established && !alice->has_ended);
	world_end(world, "the_last_to_be_moved_ends_a_room");
}

static void groups_go_along_by_name(void)
{
	struct world *world = world_new(NULL);
	struct room *lobby = make(world, "lobby", 0), *table = make(world, "table", 0);
	struct participant *p = phone_participant(world_join(world, "alice", "lobby"), "lobby");
	struct participant *q = phone_participant(world_join(world, "bert", "table"), "table");
	struct groups_wish fr = {.has_speaks = true, .speaks = {1, {SLICE("fr")}}};
	struct groups_wish both = {.has_hears = true, .hears = {2, {SLICE("de"), SLICE("fr")}}};
	struct participant_view view;

	CHECK_INT("fr", focus_participant_set_groups(world->focus, p, &fr), 0);
	CHECK_INT("de fr", focus_participant_set_groups(world->focus, q, &both), 0);
	CHECK_INT("one bit here", p->groups.speaks, 2);
	CHECK_INT("moved", focus_participant_move(world->focus, p, table), 0);
	CHECK_INT("another there", p->groups.speaks, 4);
	CHECK_INT("the mixer knows", world_leg(world, p)->control.groups.speaks, 4);
	participant_view(p, &view);
	CHECK_SLICE("the same name", view.groups.speaks, "fr");
	CHECK_INT("and back", focus_participant_move(world->focus, p, lobby), 0);
	CHECK_INT("as before", p->groups.speaks, 2);
	world_end(world, "groups_go_along_by_name");
}

static void who_cannot_be_moved(void)
{
	struct world *world = world_new(NULL);
	struct room *lobby = make(world, "lobby", 0), *full = make(world, "full", 1);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct phone *carl = world_phone(world, "carl");
	struct participant *p = phone_participant(alice, "lobby"), *ringing;
	struct focus_invite invite = {.uri = SLICE("sip:carl@" WORLD_PHONES)};

	(void)world_join(world, "bert", "full");
	carl->manner = PHONE_RINGS;
	CHECK_INT("called", focus_invite(world->focus, lobby, &invite, &ringing), 0);
	world_run(world, 200);
	(void)world_events(world, NULL);
	CHECK_INT("full", focus_participant_move(world->focus, p, full), ERR_ROOM_FULL);
	CHECK_INT("not answered yet", focus_participant_move(world->focus, ringing, full),
		  ERR_STATE);
	CHECK_INT("to where it is", focus_participant_move(world->focus, p, lobby), 0);
	CHECK_STR("nothing happened", world_events(world, NULL), "");
	fake_media_fail(world->media, FAKE_ROOM_OPEN, ERR_MEDIA_NO_ROOMS, 0, 1);
	CHECK_INT("no bus", focus_participant_move(world->focus, p, make(world, "other", 0)),
		  ERR_MEDIA_NO_ROOMS);
	CHECK("it stayed", p->room == lobby && world_roster(world, "lobby") == 2);
	world_end(world, "who_cannot_be_moved");
}

/* The mixer's queue is full for a while: the leg goes where it was last told to, and no room is
 * closed while the mixer has the leg in it. */
static void a_move_that_has_to_wait(void)
{
	struct world *world = world_new(NULL);
	struct room *one = make(world, "one", 0), *two = make(world, "two", 0);
	struct phone *alice = world_join(world, "alice", "adhoc");
	struct participant *p = phone_participant(alice, "adhoc");

	fake_media_fail(world->media, FAKE_LEG_MOVE, ERR_QUEUE_FULL, 0, 3);
	CHECK_INT("one", focus_participant_move(world->focus, p, one), 0);
	CHECK_INT("two", focus_participant_move(world->focus, p, two), 0);
	CHECK_INT("not yet", fake_media_rooms(world->media), 2);
	world_run(world, 1000);
	CHECK_INT("there", world_leg(world, p)->room, two->bus->room);
	CHECK_INT("the others are closed", fake_media_rooms(world->media), 1);
	CHECK_INT("no misuse", fake_media_misuses(world->media), 0);
	world_end(world, "a_move_that_has_to_wait");
}

void suite_move(void)
{
	CHECK_SUITE("move");
	CHECK_TEST(to_a_breakout_room_and_back);
	CHECK_TEST(the_last_to_be_moved_ends_a_room);
	CHECK_TEST(groups_go_along_by_name);
	CHECK_TEST(who_cannot_be_moved);
	CHECK_TEST(a_move_that_has_to_wait);
}
