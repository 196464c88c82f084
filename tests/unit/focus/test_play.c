/* tests/unit/focus/test_play.c */
#include "focus/play.h"

#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static const struct play_items TONE = {"tone:440\n", 9};

static int begin(struct world *world, struct play_start start, struct focus_play **ret_play)
{
	start.room = start.room ? start.room : world_room(world, "team");
	start.items = start.items ? start.items : &TONE;
	return focus_play_start(world->focus, &start, ret_play);
}

static struct focus_play *play(struct world *world, struct play_start start)
{
	struct focus_play *play = NULL;

	CHECK_INT("start", begin(world, start, &play), 0);
	return play;
}

static struct fake_play *heard(struct world *world)
{
	return fake_media_play(world->media, 0, world_room(world, "team")->bus->room);
}

static struct play_view view_of(const struct focus_play *play)
{
	struct play_view view;

	play_view(play, &view);
	return view;
}

static void from_start_to_end(void)
{
	struct world *world = world_new(&(struct world_options){.config = "prompts.duck_db=15"});
	struct focus_play *it;
	struct play_view view;

	(void)world_join(world, "alice", "team");
	(void)world_events(world, NULL);
	it = play(world, (struct play_start){.is_ducking = true,
					     .position_ms = 300,
					     .control = {.volume_db = -6.5, .is_loop = true}});
	if (!CHECK("heard", heard(world) != NULL))
		return;
	CHECK_INT("gain", heard(world)->play.gain_cdb, -650);
	CHECK_INT("duck", heard(world)->play.duck_cdb, -1500);
	CHECK_INT("from", heard(world)->play.start_ms, 300);
	CHECK("loop", heard(world)->play.is_loop);
	CHECK_STR("told", world_events(world, "play"), "play.started team\n");
	focus_play_set(it, &(struct play_control){.is_paused = true, .volume_db = 3});
	CHECK("paused", heard(world)->control.is_paused && !heard(world)->control.is_loop);
	CHECK_INT("louder", heard(world)->control.gain_cdb, 300);
	CHECK_INT("state", view_of(it).state, PLAY_PAUSED);
	focus_play_seek(it, 700);
	view = view_of(it);
	CHECK_INT("place", view.position_ms, 700);
	CHECK_SLICE("items", view.items, "tone:440\n");
	CHECK("found", focus_play_find(world_room(world, "team"), view.id) == it);
	CHECK_STR("told", world_events(world, "play"), "play.changed team\nplay.changed team\n");
	fake_media_play_over(world->media, heard(world));
	CHECK_STR("told", world_events(world, "play"), "play.ended team finished\n");
	CHECK("forgotten", !focus_play_next(world_room(world, "team"), NULL));
	world_end(world, "from_start_to_end");
}

static void one_after_the_other(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "team");
	struct participant *p = phone_participant(alice, "team");
	struct focus_play *first, *second, *third, *to_alice;

	first = play(world, (struct play_start){.is_queued = true});
	second = play(world, (struct play_start){.is_queued = true, .position_ms = 40});
	third = play(world, (struct play_start){.is_queued = true});
	to_alice = play(world, (struct play_start){.is_queued = true, .participant = p});
	CHECK_INT("the first begins", view_of(first).state, PLAY_PLAYING);
	CHECK_INT("the next waits", view_of(second).state, PLAY_QUEUED);
	CHECK_INT("another ear", view_of(to_alice).state, PLAY_PLAYING);
	CHECK_INT("two sound", fake_media_plays(world->media), 2);
	(void)world_events(world, NULL);
	fake_media_play_over(world->media, heard(world));
	CHECK_STR("told", world_events(world, "play"),
		  "play.ended team finished\nplay.started team\n");
	CHECK_INT("from where it was asked for", heard(world)->play.start_ms, 40);
	focus_play_stop(second);
	CHECK_STR("told", world_events(world, "play"),
		  "play.ended team stopped\nplay.started team\n");
	CHECK_INT("the third", view_of(third).state, PLAY_PLAYING);
	focus_play_stop(third);
	world_run(world, 10);
	CHECK_INT("alice hears hers", fake_media_plays(world->media), 1);
	world_end(world, "one_after_the_other");
}

/* The mixer refuses the second when its turn comes: the third does not wait for ever. */
static void one_that_cannot_begin_makes_way(void)
{
	struct world *world = world_new(NULL);

	(void)world_join(world, "alice", "team");
	(void)play(world, (struct play_start){.is_queued = true});
	(void)play(world, (struct play_start){.is_queued = true});
	(void)play(world, (struct play_start){.is_queued = true});
	(void)world_events(world, NULL);
	fake_media_fail(world->media, FAKE_PLAY_START, ERR_QUEUE_FULL, 0, 1);
	fake_media_play_over(world->media, heard(world));
	CHECK_STR("told", world_events(world, "play"),
		  "play.ended team finished\nplay.ended team failed\nplay.started team\n");
	heard(world)->err = ERR_FILE_FORMAT;
	fake_media_play_over(world->media, heard(world));
	CHECK_STR("nothing of it was heard", world_events(world, "play"),
		  "play.ended team failed\n");
	world_end(world, "one_that_cannot_begin_makes_way");
}

static void ends_with_who_hears_it(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "team"),
		     *bob = world_join(world, "bob", "team");
	struct room *other = NULL;

	CHECK_INT(
		"another room",
		focus_room_create(world->focus, SLICE("other"), &(struct room_settings){0}, &other),
		0);
	(void)play(world, (struct play_start){.participant = phone_participant(alice, "team")});
	(void)play(world, (struct play_start){.participant = phone_participant(bob, "team")});
	(void)play(world, (struct play_start){.control = {.is_loop = true}});
	(void)world_events(world, NULL);
	CHECK_INT("moved",
		  focus_participant_move(world->focus, phone_participant(alice, "team"), other), 0);
	CHECK_STR("told", world_events(world, "play"), "play.ended team left\n");
	phone_hang_up(bob);
	world_run(world, 500);
	CHECK_STR("the last", world_events(world, "play"),
		  "play.ended team left\nplay.ended team empty\n");
	(void)play(world, (struct play_start){.room = other});
	(void)focus_room_close(world->focus, other, "deleted");
	CHECK_STR("told", world_events(world, "play"),
		  "play.started other\nplay.ended other room_closed\n");
	world_end(world, "ends_with_who_hears_it");
}

static void refusals_leave_nothing(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice, *bob;
	struct participant *invited;
	struct focus_play *it;
	struct room *empty = NULL;
	static const struct play_items none = {"", 0};

	CHECK_INT(
		"room",
		focus_room_create(world->focus, SLICE("empty"), &(struct room_settings){0}, &empty),
		0);
	CHECK_INT("nobody", begin(world, (struct play_start){.room = empty}, &it), ERR_ROOM_EMPTY);
	alice = world_join(world, "alice", "team");
	CHECK_INT("no items", begin(world, (struct play_start){.items = &none}, &it),
		  ERR_PLAY_ITEM);
	CHECK_INT("language", begin(world, (struct play_start){.language = SLICE("xx")}, &it),
		  -EINVAL);
	fake_media_fail(world->media, FAKE_PLAY_START, ERR_QUEUE_FULL, 0, 1);
	CHECK_INT("mixer", begin(world, (struct play_start){.items = NULL}, &it), ERR_QUEUE_FULL);
	bob = world_phone(world, "bob");
	bob->manner = PHONE_RINGS;
	CHECK_INT("invite",
		  focus_invite(world->focus, world_room(world, "team"),
			       &(struct focus_invite){.uri = SLICE("sip:bob@" WORLD_PHONES)},
			       &invited),
		  0);
	world_run(world, 100);
	CHECK_INT("not there yet",
		  begin(world, (struct play_start){.participant = phone_participant(bob, "team")},
			&it),
		  ERR_STATE);
	CHECK("none", !focus_play_next(world_room(world, "team"), NULL));
	for (int i = 0; i < PLAYS_ROOM_MAX; i++)
		(void)play(world, (struct play_start){.is_queued = true});
	CHECK_INT("too many", begin(world, (struct play_start){.is_queued = true}, &it), ERR_LIMIT);
	(void)alice;
	world_end(world, "refusals_leave_nothing");
}

static void items_add_up(void)
{
	struct world *world = world_new(NULL);
	struct play_items items = {.len = 0};
	int added = 0;

	CHECK_INT("one", play_items_add(&items, world->focus, SLICE("pause:100")), 0);
	CHECK_INT("bad", play_items_add(&items, world->focus, SLICE("noise")), ERR_PLAY_ITEM);
	CHECK_INT("none", play_items_add(&items, world->focus, SLICE("prompt:x")),
		  ERR_SOUND_UNKNOWN);
	CHECK_STR("list", items.text, "pause:100\n");
	while (added < PLAY_TEXT_MAX &&
	       !play_items_add(&items, world->focus, SLICE("tone:1000+2000:3600000:-100")))
		added++;
	CHECK("full", added < PLAY_TEXT_MAX && items.len <= PLAY_TEXT_MAX);
	world_end(world, "items_add_up");
}

void suite_play(void)
{
	CHECK_SUITE("play");
	CHECK_TEST(from_start_to_end);
	CHECK_TEST(one_after_the_other);
	CHECK_TEST(one_that_cannot_begin_makes_way);
	CHECK_TEST(ends_with_who_hears_it);
	CHECK_TEST(refusals_leave_nothing);
	CHECK_TEST(items_add_up);
}
