/* tests/unit/focus/test_alone.c */
#include "focus/alone.h"

#include <string.h>

#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/play.h"
#include "focus/room_priv.h"
#include "focus/say.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

#define CONFIG "prompts.path=/nowhere\nprompts.music=/etc/hostname\nrooms.music=true"

static struct fake_play *heard_by(struct phone *phone)
{
	struct participant *p = phone_participant(phone, "team");

	return p ? fake_media_play(phone->world->media, p->leg.media, 0) : NULL;
}

/* What the fake keeps of it is its first file. */
static bool is_music(struct phone *phone)
{
	struct fake_play *play = heard_by(phone);

	return play && play->play.is_loop && !strcmp(play->first, "/etc/hostname");
}

static struct world *world_make(void)
{
	return world_new(&(struct world_options){.config = CONFIG});
}

static void until_the_second_comes(void)
{
	struct world *world = world_make();
	struct phone *alice = world_join(world, "alice", "team"), *bob;

	CHECK("alone", is_music(alice));
	bob = world_join(world, "bob", "team");
	world_run(world, 50);
	CHECK("not alone", !heard_by(alice) && !heard_by(bob));
	phone_hang_up(alice);
	world_run(world, 50);
	CHECK("the other is alone", is_music(bob));
	world_end(world, "until_the_second_comes");
}

static void gives_way_to_words(void)
{
	struct world *world = world_make();
	struct phone *alice = world_join(world, "alice", "team");
	struct participant *p = phone_participant(alice, "team");
	struct phone *bob;

	say_prompt(p, PROMPT_MUTED);
	world_run(world, 50);
	CHECK("words", heard_by(alice) && !is_music(alice));
	fake_media_play_over(world->media, heard_by(alice));
	CHECK("music again", is_music(alice));
	say_prompt(p, PROMPT_MUTED);
	bob = world_join(world, "bob", "team");
	world_run(world, 50);
	CHECK("who comes does not cut them off", heard_by(alice) && !is_music(alice));
	fake_media_play_over(world->media, heard_by(alice));
	CHECK("and no music then", !heard_by(alice));
	(void)bob;
	world_end(world, "gives_way_to_words");
}

static void gives_way_to_plays(void)
{
	static const struct play_items tone = {"tone:440\n", 9};
	struct world *world = world_make();
	struct phone *alice = world_join(world, "alice", "team");
	struct focus_play *play;

	CHECK_INT("play",
		  focus_play_start(
			  world->focus,
			  &(struct play_start){.room = world_room(world, "team"), .items = &tone},
			  &play),
		  0);
	world_run(world, 50);
	CHECK("no music", !heard_by(alice));
	focus_play_stop(play);
	CHECK("music again", is_music(alice));
	world_end(world, "gives_way_to_plays");
}

static void by_the_setting(void)
{
	struct world *world = world_make();
	struct phone *alice = world_join(world, "alice", "team");
	struct room_settings settings = world_room(world, "team")->settings;

	CHECK("new rooms have it", settings.has_music);
	settings.has_music = false;
	CHECK_INT("off", focus_room_set(world->focus, world_room(world, "team"), &settings), 0);
	world_run(world, 50);
	CHECK("silence", !heard_by(alice));
	settings.has_music = true;
	CHECK_INT("on", focus_room_set(world->focus, world_room(world, "team"), &settings), 0);
	CHECK("music", is_music(alice));
	world_end(world, "by_the_setting");
}

static void none_for_another_focus(void)
{
	struct world *world = world_make();
	struct phone *ring = world_phone(world, "ring");

	ring->contact_params = "isfocus";
	phone_dial(ring, "team");
	world_run(world, 500);
	CHECK_INT("is in", world_roster(world, "team"), 1);
	CHECK("hears nothing", !heard_by(ring));
	world_end(world, "none_for_another_focus");
}

void suite_alone(void)
{
	CHECK_SUITE("alone");
	CHECK_TEST(until_the_second_comes);
	CHECK_TEST(gives_way_to_words);
	CHECK_TEST(gives_way_to_plays);
	CHECK_TEST(by_the_setting);
	CHECK_TEST(none_for_another_focus);
}
