/* tests/unit/focus/test_schedule.c -- hours and limits, by virtual time. */
#include "focus/schedule.h"

#include <string.h>

#include "base/err.h"
#include "focus/ban.h"
#include "focus/focus_priv.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };

#define CONFIG "dialin.numbers=8000=en:team\nprompts.path=/nowhere\nprompts.music="

static uint64_t wall(const struct world *world)
{
	return clock_wall_ms(&world->clock);
}

static struct room *make(struct world *world, struct room_settings settings, const char *invitees)
{
	struct room *room;

	CHECK_INT("room", focus_room_create(world->focus, SLICE("team"), &settings, &room), 0);
	if (invitees)
		CHECK_INT("invitees",
			  focus_room_set_invitees(world->focus, room, slice_of(invitees)), 0);
	return room;
}

static struct phone *dial(struct world *world, const char *user, const char *to)
{
	struct phone *phone = world_phone(world, user);

	phone_dial(phone, to);
	world_run(world, 500);
	return phone;
}

static void opens_at_its_hour(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *alice, *bob = world_phone(world, "bob"), *carol = world_phone(world, "carol");
	struct phone *dave;
	struct fake_leg *leg;

	(void)make(world, (struct room_settings){.opens_wall_ms = wall(world) + HOUR},
		   "sip:bob@10.0.0.2, sip:carol@10.0.0.2");
	bob->manner = carol->manner = PHONE_ANSWERS;
	alice = dial(world, "alice", "team");
	CHECK_INT("not yet", alice->final_status, 480);
	CHECK("when", strstr(alice->end_headers, "60") != NULL);
	dave = dial(world, "dave", "8000");
	CHECK("the attendant answers", dave->is_established);
	leg = fake_media_leg_at(world->media, addr_port(&dave->agreed.remote_rtp));
	if (CHECK("and says so", fake_media_play(world->media, leg->self, 0) != NULL))
		fake_media_play_over(world->media, fake_media_play(world->media, leg->self, 0));
	world_run(world, 500);
	CHECK("and rings off", dave->has_ended);
	CHECK_INT("counted", focus_stats(world->focus)->rejected[FOCUS_REJECT_ROOM_NOT_OPEN], 2);
	CHECK_INT("nobody is called yet", bob->calls, 0);
	(void)world_events(world, NULL);
	world_run(world, HOUR);
	CHECK_STR("opened", world_events(world, "room.changed"), "room.changed team opened\n");
	CHECK_INT("all at once", world_roster(world, "team"), 2);
	alice = dial(world, "ann", "team");
	CHECK("open", alice->is_established);
	phone_hang_up(bob);
	world_run(world, HOUR);
	CHECK_INT("called once only", bob->calls, 1);
	world_end(world, "opens");
}

static void closes_at_its_hour(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct room *room = make(
		world, (struct room_settings){.closes_wall_ms = wall(world) + HOUR}, NULL);
	struct phone *alice = dial(world, "alice", "team");

	CHECK_INT("end", schedule_ends_wall_ms(room), room->settings.closes_wall_ms);
	world_run(world, HOUR - 5 * MINUTE - 1000);
	CHECK("nothing is said before", fake_media_play(world->media, 0, room->bus->room) == NULL);
	world_run(world, 2000);
	CHECK("five minutes before the end", fake_media_play(world->media, 0, room->bus->room));
	fake_media_play_over(world->media, fake_media_play(world->media, 0, room->bus->room));
	world_run(world, 4 * MINUTE);
	CHECK("one minute before", fake_media_play(world->media, 0, room->bus->room));
	CHECK("still there", !alice->has_ended);
	world_run(world, MINUTE + SCHEDULE_GOODBYE_MS + 1000);
	CHECK("the end", alice->has_ended && !world_room(world, "team"));
	CHECK_STR("why", alice->end_text, "SIP;cause=410;text=\"Conference ended\"");
	CHECK_STR("told", world_events(world, "room.closed"),
		  "room.closed team schedule by schedule\n");
	CHECK_INT("gone from the store", world->store.room_count, 0);
	world_end(world, "closes");
}

/* The limit is that of a conference: an empty room has all its time again. */
static void limit(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct room *room = make(world, (struct room_settings){.duration_max_s = 600}, NULL);
	struct room_settings settings = room->settings;
	struct phone *alice;

	CHECK_INT("nobody is in: no end", schedule_ends_wall_ms(room), 0);
	world_run(world, HOUR);
	alice = dial(world, "alice", "team");
	CHECK("an end", schedule_ends_wall_ms(room) > wall(world) + 9 * MINUTE);
	world_run(world, 9 * MINUTE);
	settings.duration_max_s = 1200;
	CHECK_INT("longer", focus_room_set(world->focus, room, &settings), 0);
	world_run(world, 5 * MINUTE);
	CHECK("goes on", !alice->has_ended);
	world_run(world, 7 * MINUTE);
	CHECK("over", alice->has_ended);
	CHECK_STR("why", alice->end_text, "SIP;cause=410;text=\"Conference time is over\"");
	CHECK("the room stays", world_room(world, "team") != NULL);
	alice = dial(world, "anna", "team");
	world_run(world, 10 * MINUTE);
	CHECK("the next has its own time", alice->is_established && !alice->has_ended);
	world_end(world, "limit");
}

/* A room made by a call ends with its limit, by the configured default. */
static void limit_by_default(void)
{
	struct world *world = world_new(
		&(struct world_options){.config = CONFIG "\nrooms.max_duration_s=60"});
	struct phone *alice = dial(world, "alice", "free");

	world_run(world, 70 * 1000);
	CHECK("over", alice->has_ended && !world_room(world, "free"));
	CHECK_STR("told", world_events(world, "room.closed"),
		  "room.closed free time_limit by schedule\n");
	world_end(world, "default");
}

/* After a restart the hour is still known, and who was called is not called again. */
static void invitees(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *bob = world_phone(world, "bob");
	struct room *room;
	struct room_settings settings;

	bob->manner = PHONE_ANSWERS;
	room = make(world, (struct room_settings){.is_locked = true}, "sip:bob@10.0.0.2");
	world_run(world, 2000);
	CHECK_INT("at once, without an hour, though it is locked", bob->calls, 1);
	CHECK("stored that it has begun", world->store.rooms[0].has_begun);
	CHECK_STR("and whom", world->store.items[0].value, "sip:bob@10.0.0.2");
	settings = room->settings;
	settings.opens_wall_ms = wall(world) + HOUR;
	CHECK_INT("once more", focus_room_set(world->focus, room, &settings), 0);
	CHECK("put off", !world->store.rooms[0].has_begun);
	CHECK_INT("no URI", focus_room_set_invitees(world->focus, room, SLICE("bob")),
		  ERR_BAD_TARGET);
	CHECK_INT("nobody", focus_room_set_invitees(world->focus, room, SLICE("")), 0);
	CHECK_INT("out of the store", world->store.item_count, 0);
	world_end(world, "invitees");
}

/* The hour comes while the server is down. */
static void restart(void)
{
	static struct store left; /* static: it is large */
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct room_settings settings = {.opens_wall_ms = wall(world) - 1,
					 .closes_wall_ms = wall(world) + HOUR,
					 .duration_max_s = 7200,
					 .language = "es",
					 .has_names = true};
	struct phone *bob;
	struct room *room = make(world, settings, "sip:bob@10.0.0.2");
	struct ban *ban;

	CHECK_INT("ban", focus_ban(world->focus, room, SLICE("sip:eve@10.0.0.2"), &ban), 0);
	left = world->store;
	world_free(world);

	world = world_new(&(struct world_options){.config = CONFIG, .store = &left});
	room = world_room(world, "team");
	bob = world_phone(world, "bob");
	bob->manner = PHONE_ANSWERS;
	world_run(world, 2000);
	CHECK_INT("called when it is up again", bob->calls, 1);
	CHECK("all as it was", room->settings.closes_wall_ms == settings.closes_wall_ms &&
				       room->settings.duration_max_s == 7200 &&
				       room->settings.has_names &&
				       slice_is(SLICE("es"), room->settings.language));
	CHECK("banned still", ban_holds(room, "sip:eve@10.0.0.2"));
	left = world->store;
	world_free(world);

	world = world_new(&(struct world_options){.config = CONFIG, .store = &left});
	bob = world_phone(world, "bob");
	bob->manner = PHONE_ANSWERS;
	world_run(world, 2000);
	CHECK_INT("once", bob->calls, 0);
	world_run(world, HOUR + SCHEDULE_GOODBYE_MS);
	CHECK("closes", !world_room(world, "team"));
	world_end(world, "restart");
}

void suite_schedule(void)
{
	CHECK_SUITE("schedule");
	CHECK_TEST(opens_at_its_hour);
	CHECK_TEST(closes_at_its_hour);
	CHECK_TEST(limit);
	CHECK_TEST(limit_by_default);
	CHECK_TEST(invitees);
	CHECK_TEST(restart);
}
