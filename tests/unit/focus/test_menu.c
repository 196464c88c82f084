/* tests/unit/focus/test_menu.c */
#include "focus/menu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "focus/focus_priv.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static struct fake_leg *leg_of(struct phone *phone)
{
	return world_leg(phone->world, phone_participant(phone, "team"));
}

static void press(struct phone *phone, const char *digits)
{
	for (; *digits; digits++)
		fake_media_tell(leg_of(phone),
				(struct media_event){.kind = MEDIA_LEG_DTMF, .digit = *digits});
	world_run(phone->world, 100);
}

static struct world *world_with_team(const char *config)
{
	struct world *world = world_new(&(struct world_options){.config = config});
	struct room_settings settings = {.is_locked = false};
	struct room *room;

	CHECK_INT("room", focus_room_create(world->focus, SLICE("team"), &settings, &room), 0);
	return world;
}

static void guests_mute_themselves_and_raise_hands(void)
{
	struct world *world = world_with_team(NULL);
	struct phone *alice = world_join(world, "alice", "team");
	struct participant *p = phone_participant(alice, "team");
	struct participant_control control = p->control;

	press(alice, "*6");
	CHECK("muted", p->is_self_muted && leg_of(alice)->control.is_muted);
	CHECK("not by others", !p->control.is_muted);
	press(alice, "*6");
	CHECK("and back", !p->is_self_muted && !leg_of(alice)->control.is_muted);
	control.is_muted = true;
	CHECK_INT("by the API", focus_participant_set(world->focus, p, &control), 0);
	press(alice, "*6*6");
	CHECK("own keys do not undo it", leg_of(alice)->control.is_muted);
	press(alice, "*1");
	CHECK("hand", p->is_hand_raised);
	CHECK("something is said to it",
	      fake_media_play(world->media, leg_of(alice)->self, 0) != NULL);
	world_end(world, "guests");
}

static void moderators_run_the_room(void)
{
	struct world *world = world_with_team(NULL);
	struct phone *boss = world_join(world, "boss", "team"),
		     *alice = world_join(world, "alice", "team");
	struct room *room = world_room(world, "team");

	press(boss, "*2");
	CHECK("guests may not", !room->settings.is_locked);
	phone_participant(boss, "team")->role = PARTICIPANT_MODERATOR;
	press(boss, "*2");
	CHECK("locked", room->settings.is_locked);
	press(boss, "*5");
	CHECK("guests are muted", leg_of(alice)->control.is_muted);
	CHECK("moderators are not", !leg_of(boss)->control.is_muted);
	press(boss, "*5");
	CHECK("and back", !leg_of(alice)->control.is_muted);
	press(boss, "*2*8");
	world_run(world, 500);
	CHECK("the end", !world_room(world, "team") && alice->has_ended && boss->has_ended);
	CHECK("told", strstr(alice->end_text, "Conference ended") != NULL);
	world_end(world, "moderators");
}

static void admit_all(void)
{
	struct world *world = world_with_team(NULL);
	struct phone *boss = world_join(world, "boss", "team"), *alice;
	struct room *room = world_room(world, "team");
	struct room_settings settings = room->settings;

	phone_participant(boss, "team")->role = PARTICIPANT_MODERATOR;
	settings.is_lobby = true;
	CHECK_INT("set", focus_room_set(world->focus, room, &settings), 0);
	alice = world_phone(world, "alice");
	phone_dial(alice, "team");
	world_run(world, 500);
	CHECK_INT("waits", phone_participant(alice, "team")->state, PARTICIPANT_PENDING);
	press(alice, "*7");
	CHECK_INT("not by its own keys", phone_participant(alice, "team")->state,
		  PARTICIPANT_PENDING);
	press(boss, "*7");
	CHECK_INT("in", phone_participant(alice, "team")->state, PARTICIPANT_CONNECTED);
	world_end(world, "admit_all");
}

/* Keys of several digits, rubbish, and what is left half-way. */
static void entries(void)
{
	struct world *world = world_with_team("dialin.menu=*61=hand,*6#=mute");
	struct phone *alice = world_join(world, "alice", "team");
	struct participant *p = phone_participant(alice, "team");

	press(alice, "*6");
	CHECK("not yet", !p->is_hand_raised);
	press(alice, "1");
	CHECK("now", p->is_hand_raised);
	press(alice, "*6");
	world_run(world, MENU_WAIT_MS + 1000);
	press(alice, "#");
	CHECK("forgotten", !p->is_self_muted);
	press(alice, "123*9*6#");
	CHECK("after rubbish", p->is_self_muted);
	CHECK_INT("every digit is told", focus_stats(world->focus)->dtmf_digits, 14);
	world_end(world, "entries");
}

/* Moderators have a table of their own over that of all. */
static void two_tables(void)
{
	struct world *world = world_with_team(
		"dialin.menu=*1=hand,*2=lock\ndialin.moderator_menu=*1=lock,*11=mute_all");
	struct phone *alice = world_join(world, "alice", "team");
	struct participant *p = phone_participant(alice, "team");
	struct room *room = world_room(world, "team");

	press(alice, "*1");
	CHECK("a guest's", p->is_hand_raised && !room->settings.is_locked);
	p->role = PARTICIPANT_MODERATOR;
	press(alice, "*1");
	CHECK("a moderator's", p->is_hand_raised && room->settings.is_locked);
	press(alice, "*2");
	CHECK("and that of all", !room->settings.is_locked);
	world_end(world, "two_tables");
}

static void help_speaks_the_table(void)
{
	static const struct {
		bool is_moderator;
		uint32_t sounds; /* a row: press, star, the digit, what for, a pause */
	} rows[] = {{false, 2 * 5}, {true, 3 * 5}};
	char root[] = "/tmp/hearth-help-XXXXXX", command[512], config[256];
	struct world *world;

	CHECK("dir", mkdtemp(root) != NULL);
	(void)snprintf(command, sizeof(command),
		       "mkdir -p %s/en/digits && cd %s/en && touch vm-press.wav hearth-to-help.wav "
		       "hearth-to-hand.wav hearth-to-lock.wav digits/star.wav digits/0.wav "
		       "digits/1.wav digits/2.wav",
		       root, root);
	CHECK_INT("files", system(command), 0);
	(void)snprintf(config, sizeof(config),
		       "prompts.path=%s\ndialin.menu=*0=help,*1=hand,*2=lock\n"
		       "dialin.moderator_menu=*1=hand",
		       root);
	world = world_with_team(config);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct phone *alice = world_join(world, rows[i].is_moderator ? "boss" : "alice",
						 "team");
		struct participant *p = phone_participant(alice, "team");
		struct fake_play *play;

		p->role = rows[i].is_moderator ? PARTICIPANT_MODERATOR : PARTICIPANT_GUEST;
		press(alice, "*0");
		play = fake_media_play(world->media, leg_of(alice)->self, 0);
		if (CHECK("is said", play != NULL))
			CHECK_INT("as long as it is", play->sound_count, rows[i].sounds);
	}
	world_end(world, "help");
	(void)snprintf(command, sizeof(command), "rm -r %s", root);
	CHECK_INT("removed", system(command), 0);
}

static void tables(void)
{
	static const struct {
		const char *table;
		int err;
		const char *item;
	} rows[] = {
		{"", 0, NULL},
		{"*0=help, *12=hand", 0, NULL},
		{"*0=help,6=mute", -EINVAL, "6=mute"},
		{"*=mute", -EINVAL, "*=mute"},
		{"*6=dance", -EINVAL, "*6=dance"},
		{"*6", -EINVAL, "*6"},
		{"*1234567=mute", -EINVAL, "*1234567=mute"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct slice item = SLICE_NONE;

		CHECK_INT(rows[i].table, menu_check(slice_of(rows[i].table), &item), rows[i].err);
		if (rows[i].err)
			CHECK_SLICE(rows[i].table, item, rows[i].item);
	}
}

void suite_menu(void)
{
	CHECK_SUITE("menu");
	CHECK_TEST(guests_mute_themselves_and_raise_hands);
	CHECK_TEST(moderators_run_the_room);
	CHECK_TEST(admit_all);
	CHECK_TEST(entries);
	CHECK_TEST(two_tables);
	CHECK_TEST(help_speaks_the_table);
	CHECK_TEST(tables);
}
