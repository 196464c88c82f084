/* tests/unit/focus/test_ban.c */
#include "focus/ban.h"

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static void banned_is_kept_out(void)
{
	struct world *world = world_new(&(struct world_options){.rooms = "team"});
	struct room *room = world_room(world, "team");
	struct phone *eve = world_join(world, "eve", "team"),
		     *alice = world_join(world, "alice", "team");
	struct participant *p = phone_participant(eve, "team"), *called;
	struct ban *ban, *again;

	focus_acting(world->focus, "api");
	CHECK_INT("ban", focus_ban(world->focus, room, slice_of(p->uri), &ban), 0);
	focus_acting(world->focus, "");
	world_run(world, 500);
	CHECK("rung off", eve->has_ended && !alice->has_ended);
	CHECK_STR("told", eve->end_text, "SIP;cause=403;text=\"Banned from the conference\"");
	CHECK_INT("twice is one",
		  focus_ban(world->focus, room, SLICE("sips:eve@10.0.0.2;transport=tcp"), &again),
		  0);
	CHECK("the same", ban == again);
	eve = world_phone(world, "eve");
	phone_dial(eve, "team");
	world_run(world, 500);
	CHECK_INT("refused", eve->final_status, 403);
	CHECK_INT("counted", focus_stats(world->focus)->rejected[FOCUS_REJECT_BANNED], 1);
	CHECK_INT("others are in", world_roster(world, "team"), 1);
	eve->manner = PHONE_ANSWERS;
	CHECK_INT("whom we call may come",
		  focus_invite(world->focus, room,
			       &(struct focus_invite){.uri = SLICE("sip:eve@10.0.0.2")}, &called),
		  0);
	world_run(world, 2000);
	CHECK_INT("in", world_roster(world, "team"), 2);
	focus_unban(world->focus, room, ban);
	CHECK("lifted", !focus_ban_next(room, NULL) && world->store.item_count == 0);
	world_end(world, "banned");
}

/* Nobody is asked for a PIN to be told afterwards that it would not have helped. */
static void nor_asked_for_a_pin(void)
{
	struct world *world = world_new(&(struct world_options){.rooms = "team"});
	struct room *room = world_room(world, "team");
	struct room_settings settings = room->settings;
	struct phone *eve = world_phone(world, "eve");
	struct ban *ban;

	CHECK_INT("ban", focus_ban(world->focus, room, SLICE("sip:eve@10.0.0.2"), &ban), 0);
	CHECK_INT("pin", focus_pin_hash(world->focus, SLICE("4711"), settings.pin), 0);
	CHECK_INT("set", focus_room_set(world->focus, room, &settings), 0);
	phone_dial(eve, "team");
	world_run(world, 500);
	CHECK_INT("refused", eve->final_status, 403);
	world_end(world, "nor_asked");
}

static void whom(void)
{
	static const struct {
		const char *uri;
		int err;
		const char *other;
		bool holds;
	} rows[] = {
		{"sip:eve@example.org", 0, "sip:eve@EXAMPLE.org:5070;x=y", true},
		{"sip:eve@example.org", 0, "sip:Eve@example.org", false},
		{"sip:%65ve@example.org", 0, "sip:eve@example.org", true},
		{"sip:eve@example.org", 0, "sip:eve@example.com", false},
		{"sip:example.org", ERR_BAD_TARGET, NULL, false},
		{"sip:anonymous@anonymous.invalid", ERR_BAD_TARGET, NULL, false},
		{"eve", ERR_BAD_TARGET, NULL, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(&(struct world_options){.rooms = "team"});
		struct room *room = world_room(world, "team");
		struct ban *ban;

		CHECK_INT(rows[i].uri, focus_ban(world->focus, room, slice_of(rows[i].uri), &ban),
			  rows[i].err);
		if (rows[i].other)
			CHECK_INT(rows[i].other, ban_holds(room, rows[i].other), rows[i].holds);
		world_end(world, rows[i].uri);
	}
}

static void as_many_as_may_be(void)
{
	struct world *world = world_new(&(struct world_options){.rooms = "team"});
	struct room *room = world_room(world, "team");
	char uri[64];
	struct ban *ban;

	for (int i = 0; i < BANS_MAX; i++) {
		(void)snprintf(uri, sizeof(uri), "sip:u%d@example.org", i);
		CHECK_INT("ban", focus_ban(world->focus, room, slice_of(uri), &ban), 0);
	}
	CHECK_INT("one more", focus_ban(world->focus, room, SLICE("sip:x@example.org"), &ban),
		  ERR_LIMIT);
	CHECK_INT("known", focus_ban(world->focus, room, SLICE("sip:u0@example.org"), &ban), 0);
	world_end(world, "many");
}

void suite_ban(void)
{
	CHECK_SUITE("ban");
	CHECK_TEST(banned_is_kept_out);
	CHECK_TEST(nor_asked_for_a_pin);
	CHECK_TEST(whom);
	CHECK_TEST(as_many_as_may_be);
}
