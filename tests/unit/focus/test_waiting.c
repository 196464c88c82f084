/* tests/unit/focus/test_waiting.c */
#include "focus/waiting.h"

#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

#define CONFIG                                                                                     \
	"dialin.numbers=8000=en:team\nprompts.path=/"                                              \
	"nowhere\nprompts.music=\nrooms.moderator_grace_s=10"

static struct world *world_with(struct room_settings settings)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct room *room;

	CHECK_INT("pin", pin_hash(&world->random, SLICE("1234"), settings.pin), 0);
	CHECK_INT("pin", pin_hash(&world->random, SLICE("9876"), settings.moderator_pin), 0);
	CHECK_INT("room", focus_room_create(world->focus, SLICE("team"), &settings, &room), 0);
	return world;
}

static struct fake_leg *leg_of(struct phone *phone)
{
	return fake_media_leg_at(phone->world->media, addr_port(&phone->agreed.remote_rtp));
}

static struct phone *come(struct world *world, const char *user, const char *pin)
{
	struct phone *phone = world_phone(world, user);

	phone_dial(phone, "8000");
	world_run(world, 500);
	for (const char *digit = pin; *digit; digit++)
		fake_media_tell(leg_of(phone),
				(struct media_event){.kind = MEDIA_LEG_DTMF, .digit = *digit});
	fake_media_tell(leg_of(phone), (struct media_event){.kind = MEDIA_LEG_DTMF, .digit = '#'});
	world_run(world, 500);
	return phone;
}

static int state(struct phone *phone)
{
	struct participant *p = phone_participant(phone, "team");

	return p ? p->state : -1;
}

static void guests_wait_for_the_moderator(void)
{
	struct world *world = world_with((struct room_settings){.waits_for_moderator = true});
	struct phone *alice = come(world, "alice", "1234"), *bob = come(world, "bob", "1234"),
		     *boss;

	CHECK_INT("waits", state(alice), PARTICIPANT_PENDING);
	CHECK_INT("waits", state(bob), PARTICIPANT_PENDING);
	CHECK("hears nobody", leg_of(alice)->room == 0);
	CHECK("but music", fake_media_play(world->media, leg_of(alice)->self, 0) != NULL);
	CHECK("that goes on", fake_media_play(world->media, leg_of(alice)->self, 0)->play.is_loop);
	boss = come(world, "boss", "9876");
	CHECK_INT("moderator", state(boss), PARTICIPANT_CONNECTED);
	CHECK_INT("comes in", state(alice), PARTICIPANT_CONNECTED);
	CHECK_INT("comes in", state(bob), PARTICIPANT_CONNECTED);
	CHECK("all together", leg_of(alice)->room && leg_of(alice)->room == leg_of(boss)->room);
	world_end(world, "wait_for_moderator");
}

static void lobby_admits_one_by_one(void)
{
	struct world *world = world_with(
		(struct room_settings){.is_lobby = true, .has_tones = true});
	struct phone *boss = come(world, "boss", "9876"), *alice = come(world, "alice", "1234");
	struct phone *bob = come(world, "bob", "1234");
	struct room *room = world_room(world, "team");

	CHECK_INT("moderator", state(boss), PARTICIPANT_CONNECTED);
	CHECK("a knock is heard in the room",
	      fake_media_play(world->media, 0, room->bus->room) != NULL);
	CHECK_INT("waits", state(alice), PARTICIPANT_PENDING);
	CHECK_INT("admit", focus_admit(world->focus, phone_participant(alice, "team")), 0);
	CHECK_INT("in", state(alice), PARTICIPANT_CONNECTED);
	CHECK_INT("the other still waits", state(bob), PARTICIPANT_PENDING);
	CHECK_INT("twice", focus_admit(world->focus, phone_participant(alice, "team")), ERR_STATE);
	world_end(world, "lobby");
}

static void dial_in(struct phone *phone, bool is_admitted)
{
	phone_dial(phone, "open");
	world_run(phone->world, 500);
	CHECK_INT(phone->user, phone_participant(phone, "open")->state, PARTICIPANT_PENDING);
	if (is_admitted)
		CHECK_INT(phone->user,
			  focus_admit(phone->world->focus, phone_participant(phone, "open")), 0);
}

/* Another conference gets no music and no tones (seeds S13); those who are here do. */
static void nothing_for_another_focus(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *boss = world_phone(world, "boss"), *mcu = world_phone(world, "mcu");
	struct phone *alice = world_phone(world, "alice");
	struct room *room;

	CHECK_INT("room",
		  focus_room_create(world->focus, SLICE("open"),
				    &(struct room_settings){.is_lobby = true, .has_tones = true},
				    &room),
		  0);
	dial_in(boss, true);
	mcu->contact_params = "isfocus";
	dial_in(mcu, false);
	CHECK("it waits in silence", !fake_media_play(world->media, leg_of(mcu)->self, 0));
	CHECK_INT("admit", focus_admit(world->focus, phone_participant(mcu, "open")), 0);
	for (int i = 0; i < 8; i++) { /* what is played so far ends */
		struct fake_play *play = fake_media_play(world->media, 0, room->bus->room);

		if (!play)
			play = fake_media_play(world->media, leg_of(boss)->self, 0);
		if (play)
			fake_media_play_over(world->media, play);
	}
	dial_in(alice, false);
	CHECK("a knock, not for all", !fake_media_play(world->media, 0, room->bus->room));
	CHECK("who is here hears it", fake_media_play(world->media, leg_of(boss)->self, 0) != NULL);
	CHECK("the other focus does not", !fake_media_play(world->media, leg_of(mcu)->self, 0));
	CHECK("alice has her music", fake_media_play(world->media, leg_of(alice)->self, 0) != NULL);
	world_end(world, "nothing_for_another_focus");
}

static void opening_the_lobby_admits_all(void)
{
	struct world *world = world_with((struct room_settings){.is_lobby = true});
	struct phone *alice = come(world, "alice", "1234");
	struct room *room = world_room(world, "team");
	struct room_settings settings = room->settings;

	settings.is_lobby = false;
	CHECK_INT("set", focus_room_set(world->focus, room, &settings), 0);
	CHECK_INT("in", state(alice), PARTICIPANT_CONNECTED);
	world_end(world, "open_lobby");
}

static void ends_after_its_moderators(void)
{
	struct world *world = world_with((struct room_settings){.ends_with_moderator = true});
	struct phone *boss = come(world, "boss", "9876"), *alice = come(world, "alice", "1234");

	phone_hang_up(boss);
	world_run(world, 9000);
	CHECK_INT("grace", state(alice), PARTICIPANT_CONNECTED);
	boss = come(world, "boss", "9876");
	world_run(world, 20000);
	CHECK_INT("came back", state(alice), PARTICIPANT_CONNECTED);
	phone_hang_up(boss);
	world_run(world, 11000);
	CHECK("over", alice->has_ended && !world_room(world, "team"));
	world_end(world, "ends_with_moderator");
}

static void who_waits_may_leave_and_be_kicked(void)
{
	struct world *world = world_with((struct room_settings){.waits_for_moderator = true});
	struct phone *alice = come(world, "alice", "1234"), *bob = come(world, "bob", "1234");

	phone_hang_up(alice);
	world_run(world, 500);
	CHECK_INT("gone", state(alice), -1);
	CHECK_INT("kick", focus_kick(world->focus, phone_participant(bob, "team"), "kicked"), 0);
	world_run(world, 500);
	CHECK("rung off", bob->has_ended);
	CHECK_INT("no music is left", fake_media_plays(world->media), 0);
	world_end(world, "leave_while_waiting");
}

/* A room that waits holds those who dial its URI as well; whom it calls itself it does not. */
static void without_an_attendant(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct room_settings settings = {.is_lobby = true};
	struct phone *alice = world_phone(world, "alice");
	struct room *room;

	CHECK_INT("room", focus_room_create(world->focus, SLICE("team"), &settings, &room), 0);
	phone_dial(alice, "team");
	world_run(world, 500);
	CHECK_INT("waits", state(alice), PARTICIPANT_PENDING);
	world_end(world, "without_an_attendant");
}

void suite_waiting(void)
{
	CHECK_SUITE("waiting");
	CHECK_TEST(guests_wait_for_the_moderator);
	CHECK_TEST(lobby_admits_one_by_one);
	CHECK_TEST(nothing_for_another_focus);
	CHECK_TEST(opening_the_lobby_admits_all);
	CHECK_TEST(ends_after_its_moderators);
	CHECK_TEST(who_waits_may_leave_and_be_kicked);
	CHECK_TEST(without_an_attendant);
}
