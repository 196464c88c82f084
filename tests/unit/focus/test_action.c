/* tests/unit/focus/test_action.c */
#include "focus/action.h"

#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static struct world *world_with_team(struct room_settings settings)
{
	struct world *world = world_new(NULL);
	struct room *room;

	CHECK_INT("room", focus_room_create(world->focus, SLICE("team"), &settings, &room), 0);
	return world;
}

static int act(struct phone *phone, const char *name)
{
	struct world *world = phone->world;

	return focus_action(world->focus, world_room(world, "team"),
			    phone_participant(phone, "team"), slice_of(name));
}

/* The API asks for what keys would do, whatever the role. */
static void without_keys(void)
{
	struct world *world = world_with_team((struct room_settings){.is_locked = false});
	struct phone *alice = world_join(world, "alice", "team");
	struct room *room = world_room(world, "team");
	struct participant *p = phone_participant(alice, "team");

	CHECK_INT("hand", act(alice, "hand"), 0);
	CHECK("raised", p->is_hand_raised);
	CHECK_INT("mute", act(alice, "mute"), 0);
	CHECK("muted", p->is_self_muted && !p->control.is_muted);
	CHECK_INT("lock", focus_action(world->focus, room, NULL, SLICE("lock")), 0);
	CHECK("locked", room->settings.is_locked);
	CHECK_INT("of one", focus_action(world->focus, room, NULL, SLICE("mute")), ERR_STATE);
	CHECK_INT("unknown", focus_action(world->focus, room, NULL, SLICE("dance")), -EINVAL);
	CHECK_INT("end", act(alice, "end"), 0);
	world_run(world, 500);
	CHECK("over", !world_room(world, "team") && alice->has_ended);
	world_end(world, "without_keys");
}

/* All hear it before; who ended it is told when it ends. Who leaves meanwhile changes nothing, nor
 * do settings. */
static void ends_with_a_word(void)
{
	struct world *world = world_new(&(struct world_options){.config = "prompts.path=/nowhere\n"
									  "prompts.farewell_s=5"});
	struct room_settings settings = {.is_locked = false};
	struct phone *alice, *bob;
	struct participant *p;
	struct room *room;
	char want[128];

	CHECK_INT(NULL, focus_room_create(world->focus, SLICE("team"), &settings, &room), 0);
	alice = world_join(world, "alice", "team");
	bob = world_join(world, "bob", "team");
	p = phone_participant(alice, "team");
	focus_acting(world->focus, p->id);
	CHECK_INT("end", act(alice, "end"), 0);
	CHECK_INT("twice is once", act(alice, "end"), 0);
	focus_acting(world->focus, "");
	CHECK("all hear it", fake_media_play(world->media, 0, room->bus->room) != NULL);
	CHECK_INT("once", fake_media_plays(world->media), 1);
	(void)snprintf(want, sizeof(want), "room.closed team ended_by_moderator by %s\n", p->id);
	phone_hang_up(alice);
	settings.is_locked = true;
	CHECK_INT(NULL, focus_room_set(world->focus, room, &settings), 0);
	world_run(world, 3900);
	CHECK("not yet", world_room(world, "team") && !bob->has_ended);
	world_run(world, 200);
	CHECK("over", !world_room(world, "team") && bob->has_ended);
	CHECK_STR("whose word", world_events(world, "room.closed"), want);
	world_end(world, "ends_with_a_word");
}

static void admits_the_first_who_waits(void)
{
	struct world *world = world_with_team((struct room_settings){.is_lobby = true});
	struct phone *alice = world_phone(world, "alice"), *bob = world_phone(world, "bob");
	struct room *room = world_room(world, "team");

	phone_dial(alice, "team");
	world_run(world, 500);
	phone_dial(bob, "team");
	world_run(world, 500);
	CHECK_INT("not in the mix", act(alice, "hand"), ERR_STATE);
	CHECK_INT("admit", focus_action(world->focus, room, NULL, SLICE("admit")), 0);
	CHECK_INT("in", phone_participant(alice, "team")->state, PARTICIPANT_CONNECTED);
	CHECK_INT("waits", phone_participant(bob, "team")->state, PARTICIPANT_PENDING);
	CHECK_INT("admit", focus_action(world->focus, room, NULL, SLICE("admit")), 0);
	CHECK_INT("in", phone_participant(bob, "team")->state, PARTICIPANT_CONNECTED);
	world_end(world, "admits");
}

/* Every event says whose word it was; what comes about by itself is nobody's. */
static void events_say_who(void)
{
	struct world *world = world_with_team((struct room_settings){.is_locked = false});
	struct phone *alice = world_join(world, "alice", "team");
	struct participant *p = phone_participant(alice, "team");
	char want[128];

	(void)world_events(world, NULL);
	for (const char *digit = "*1"; *digit; digit++)
		fake_media_tell(world_leg(world, p),
				(struct media_event){.kind = MEDIA_LEG_DTMF, .digit = *digit});
	(void)snprintf(want, sizeof(want), "participant.changed team alice connected by %s\n",
		       p->id);
	CHECK_STR("keys", world_events(world, "participant.changed"), want);
	focus_acting(world->focus, "api");
	CHECK_INT("kick", focus_kick(world->focus, p, "kicked"), 0);
	focus_acting(world->focus, "");
	world_run(world, 500);
	CHECK_STR("the end, too, which comes later", world_events(world, "participant.left"),
		  "participant.left team alice disconnected kicked by api\n");
	alice = world_join(world, "anna", "team");
	phone_hang_up(alice);
	world_run(world, 500);
	CHECK("nobody's", !strstr(world_events(world, NULL), " by "));
	world_end(world, "events_say_who");
}

static void roles_change(void)
{
	struct world *world = world_with_team(
		(struct room_settings){.waits_for_moderator = true, .ends_with_moderator = true});
	struct phone *alice = world_phone(world, "alice"), *bob = world_phone(world, "bob");
	struct participant *p;

	phone_dial(alice, "team");
	phone_dial(bob, "team");
	world_run(world, 500);
	p = phone_participant(alice, "team");
	CHECK_INT("waits", p->state, PARTICIPANT_PENDING);
	focus_participant_set_role(world->focus, p, PARTICIPANT_MODERATOR);
	CHECK_INT("a moderator does not", p->state, PARTICIPANT_CONNECTED);
	CHECK_INT("nor do the others now", phone_participant(bob, "team")->state,
		  PARTICIPANT_CONNECTED);
	focus_participant_set_role(world->focus, p, PARTICIPANT_GUEST);
	world_run(world, 61000);
	CHECK("without moderators it ends", alice->has_ended && bob->has_ended);
	world_end(world, "roles");
}

static void languages(void)
{
	struct world *world = world_with_team((struct room_settings){.language = "fr"});
	struct phone *alice = world_join(world, "alice", "team");
	struct participant *p = phone_participant(alice, "team");

	CHECK_STR("the room's", participant_language(p), "fr");
	CHECK_INT("own", focus_participant_set_language(world->focus, p, SLICE("es")), 0);
	CHECK_STR("own", participant_language(p), "es");
	CHECK_INT("unknown", focus_participant_set_language(world->focus, p, SLICE("xx")), -EINVAL);
	world_end(world, "languages");
}

void suite_action(void)
{
	CHECK_SUITE("action");
	CHECK_TEST(without_keys);
	CHECK_TEST(ends_with_a_word);
	CHECK_TEST(admits_the_first_who_waits);
	CHECK_TEST(events_say_who);
	CHECK_TEST(roles_change);
	CHECK_TEST(languages);
}
