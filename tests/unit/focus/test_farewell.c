#include "focus/farewell.h"

#include <string.h>

#include "base/err.h"
#include "focus/ban.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

#define CONFIG "prompts.path=/nowhere\nprompts.farewell_s=5"
#define REASON "SIP;cause=403;text=\"Removed from the conference\""

static struct world *world_make(void)
{
	return world_new(&(struct world_options){.config = CONFIG});
}

static struct fake_play *heard_by(struct phone *phone)
{
	struct participant *p = phone_participant(phone, "lobby");

	return p ? fake_media_play(phone->world->media, p->leg.media, 0) : NULL;
}

static void kick(struct phone *phone)
{
	struct participant *p = phone_participant(phone, "lobby");

	focus_acting(phone->world->focus, "api");
	CHECK_INT(phone->user, focus_kick(phone->world->focus, p, "kicked"), 0);
	focus_acting(phone->world->focus, "");
}

/* Out of the mix at once, and rung off when it has heard why. */
static void hears_why(void)
{
	struct world *world = world_make();
	struct phone *alice = world_join(world, "alice", "lobby"),
		     *bob = world_join(world, "bob", "lobby");
	struct participant *p = phone_participant(alice, "lobby");
	const struct media_leg_control *control = &world_leg(world, p)->control;

	(void)world_events(world, NULL);
	CHECK("in the mix", p->is_in_mix && !control->is_muted && !control->is_deaf);
	kick(alice);
	CHECK_STR("told at once", world_events(world, NULL),
		  "participant.changed lobby alice disconnecting by api\n");
	CHECK("out of the mix", !p->is_in_mix && control->is_muted && control->is_deaf);
	CHECK("something is said", heard_by(alice) && !heard_by(bob));
	world_run(world, 3000);
	CHECK("not rung off yet", !alice->has_ended);
	CHECK_STR("nothing more to tell", world_events(world, NULL), "");
	fake_media_play_over(world->media, heard_by(alice));
	world_run(world, 100);
	CHECK("rung off", alice->has_ended);
	CHECK_STR("the reason stays", alice->end_text, REASON);
	CHECK_STR("and whose word it was", world_events(world, NULL),
		  "participant.left lobby alice disconnected kicked by api\n");
	CHECK("bob stays", !bob->has_ended && phone_participant(bob, "lobby"));
	world_end(world, "hears_why");
}

/* A word that does not end is no reason to keep the line. */
static void bounded(void)
{
	struct world *world = world_make();
	struct phone *alice = world_join(world, "alice", "lobby");

	kick(alice);
	world_run(world, 4900);
	CHECK("still told", !alice->has_ended);
	world_run(world, 200);
	CHECK("rung off", alice->has_ended);
	world_end(world, "bounded");
}

static void second_removal(struct phone *alice)
{
	kick(alice);
	kick(alice);
}

static void no_words(struct phone *alice)
{
	struct buf errors = BUF_INIT;

	CHECK_INT(NULL, config_set(alice->world->config, "prompts.farewell_s=0", &errors), 0);
	kick(alice);
	buf_done(&errors);
}

static void no_player(struct phone *alice)
{
	fake_media_fail(alice->world->media, FAKE_PLAY_START, ERR_QUEUE_FULL, 0, 1);
	kick(alice);
}

static void on_hold(struct phone *alice)
{
	CHECK("hold", phone_set_direction(alice, SDP_SENDONLY));
	world_run(alice->world, 100);
	kick(alice);
}

static void by_itself(struct phone *alice)
{
	struct participant *p = phone_participant(alice, "lobby");

	focus_acting(alice->world->focus, p->id);
	(void)focus_kick(alice->world->focus, p, "kicked");
	focus_acting(alice->world->focus, "");
}

static void other_cause(struct phone *alice)
{
	(void)focus_kick(alice->world->focus, phone_participant(alice, "lobby"), "moved");
}

static void room_closes(struct phone *alice)
{
	kick(alice);
	(void)focus_room_close(alice->world->focus, world_room(alice->world, "lobby"), "deleted");
}

/* Whoever need not, cannot or shall not hear it is rung off at once. */
static void at_once(void)
{
	static const struct {
		const char *name;
		void (*act)(struct phone *alice);
		bool is_focus;
	} rows[] = {
		{"removed twice", second_removal, false},
		{"prompts.farewell_s=0", no_words, false},
		{"the mixer plays nothing", no_player, false},
		{"on hold", on_hold, false},
		{"removes itself", by_itself, false},
		{"goes elsewhere", other_cause, false},
		{"the room closes meanwhile", room_closes, false},
		{"another focus", kick, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_make();
		struct phone *alice = world_phone(world, "alice");

		alice->contact_params = rows[i].is_focus ? "isfocus" : NULL;
		phone_dial(alice, "lobby");
		world_run(world, 500);
		rows[i].act(alice);
		world_run(world, 100);
		CHECK(rows[i].name, alice->has_ended);
		CHECK_INT(rows[i].name, fake_media_plays(world->media), 0);
		world_end(world, rows[i].name);
	}
}

static void hangs_up_meanwhile(void)
{
	struct world *world = world_make();
	struct phone *alice = world_join(world, "alice", "lobby");

	kick(alice);
	world_run(world, 1000);
	phone_hang_up(alice);
	world_run(world, 100);
	CHECK_INT("gone", world_roster(world, "lobby"), 0);
	CHECK_INT("no leg", fake_media_legs(world->media), 0);
	world_end(world, "hangs_up_meanwhile");
}

/* Who waits hears it in place of the music; who is banned hears it, too. */
static void who_waits(void)
{
	struct world *world = world_make();
	struct room_settings settings = {.is_lobby = true};
	struct phone *alice = world_phone(world, "alice");
	struct fake_play *music;
	struct room *room;
	struct ban *ban;

	CHECK_INT(NULL, focus_room_create(world->focus, SLICE("lobby"), &settings, &room), 0);
	phone_dial(alice, "lobby");
	world_run(world, 500);
	music = heard_by(alice);
	CHECK("music", music && music->play.is_loop);
	CHECK_INT(NULL, focus_ban(world->focus, room, SLICE("sip:alice@10.0.0.2"), &ban), 0);
	world_run(world, 1000);
	CHECK("the word", !alice->has_ended && heard_by(alice) && !heard_by(alice)->play.is_loop);
	fake_media_play_over(world->media, heard_by(alice));
	world_run(world, 100);
	CHECK("rung off", alice->has_ended);
	world_end(world, "who_waits");
}

/* Its place is free at once. */
static void place_is_free(void)
{
	struct world *world = world_make();
	struct room_settings settings = {.participants_max = 1};
	struct phone *alice, *bob = world_phone(world, "bob");
	struct room *room;

	CHECK_INT(NULL, focus_room_create(world->focus, SLICE("lobby"), &settings, &room), 0);
	alice = world_join(world, "alice", "lobby");
	phone_dial(bob, "lobby");
	world_run(world, 500);
	CHECK_INT("full", bob->final_status, 486);
	kick(alice);
	bob = world_phone(world, "bert");
	phone_dial(bob, "lobby");
	world_run(world, 500);
	CHECK("one goes while the next comes", bob->final_status == 200 && !alice->has_ended);
	world_end(world, "place_is_free");
}

/* The server goes while somebody is being told. */
static void in_the_middle(void)
{
	struct world *world = world_make();
	struct phone *alice = world_join(world, "alice", "lobby");

	kick(alice);
	world_run(world, 100);
	CHECK("is being told", heard_by(alice) != NULL);
	world_free(world);
}

void suite_farewell(void);
void suite_farewell(void)
{
	CHECK_SUITE("farewell");
	CHECK_TEST(hears_why);
	CHECK_TEST(bounded);
	CHECK_TEST(at_once);
	CHECK_TEST(hangs_up_meanwhile);
	CHECK_TEST(who_waits);
	CHECK_TEST(place_is_free);
	CHECK_TEST(in_the_middle);
}
