#include <errno.h>

#include "base/attr.h"
#include "focus/factory.h"
#include "focus/focus_priv.h"
#include "focus/recording.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static void profiles(void)
{
	static const struct {
		const char *name, *text, *user;
		struct factory_profile want;
		const char *bad;
	} rows[] = {
		{"none", "", "board", {0}, NULL},
		{"another's", "party max=4", "board", {0}, NULL},
		{"all words",
		 "party max=4, board max=10 grace=60 end tones offer record pin=2468 "
		 "codecs=opus+PCMA",
		 "board",
		 {10, 60, true, true, true, true, true, SLICE("2468"), SLICE("opus+PCMA")},
		 NULL},
		{"no words", "board", "board", {0}, NULL},
		{"spaces",
		 " board   max=3  end ",
		 "board",
		 {.participants_max = 3, .ends_with_host = true},
		 NULL},
		{"grace of nothing", "board grace=0", "board", {.has_grace = true}, NULL},
		{"no PIN", "board pin=", "board", {0}, "pin="},
		{"unknown word", "board size=3", "board", {0}, "size=3"},
		{"no number", "board max=x", "board", {0}, "max=x"},
		{"too many", "board max=1000000", "board", {0}, "max=1000000"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct factory_profile profile = {0};
		struct slice bad = SLICE_NONE;
		int err = factory_profile(rows[i].text, slice_of(rows[i].user), &profile, &bad);

		CHECK_INT(rows[i].name, err, rows[i].bad ? -EINVAL : 0);
		CHECK_SLICE(rows[i].name, bad.p ? bad : SLICE(""), rows[i].bad ? rows[i].bad : "");
		CHECK_INT(rows[i].name, profile.participants_max, rows[i].want.participants_max);
		CHECK_INT(rows[i].name, profile.grace_s, rows[i].want.grace_s);
		CHECK_INT(rows[i].name, profile.has_grace, rows[i].want.has_grace);
		CHECK_INT(rows[i].name, profile.ends_with_host, rows[i].want.ends_with_host);
		CHECK_INT(rows[i].name, profile.has_tones, rows[i].want.has_tones);
		CHECK_INT(rows[i].name, profile.needs_offer, rows[i].want.needs_offer);
		CHECK_INT(rows[i].name, profile.is_recorded, rows[i].want.is_recorded);
		CHECK_INT(rows[i].name, slice_eq(profile.pin, rows[i].want.pin), true);
		CHECK_INT(rows[i].name, slice_eq(profile.codecs, rows[i].want.codecs), true);
	}
}

static void conferences(void)
{
	struct world *world = world_new(
		&(struct world_options){.config = "focus.factory_users=board,party\n"
						  "focus.factory_profiles=board max=2 grace=5 end\n"
						  "rooms.moderator_grace_s=1"});
	struct phone *anna = world_join(world, "anna", "board"), *bert, *carl;
	struct room *room = focus_room_next(world->focus, SLICE_NONE);
	char id[ROOM_ID_MAX + 1];

	slice_cstr(slice_of(room->id), id, sizeof(id));
	bert = world_join(world, "bert", id);
	carl = world_phone(world, "carl");
	phone_dial(carl, id);
	world_run(world, 500);
	CHECK_INT("full", carl->final_status, 486);
	phone_hang_up(anna);
	world_run(world, 5000);
	CHECK("it ends with its host", bert->has_ended && !world_room(world, id));
	phone_dial(carl, "party");
	world_run(world, 500);
	room = focus_room_next(world->focus, SLICE_NONE);
	CHECK("another factory, without a profile",
	      room && !room->settings.ends_with_moderator && !room->settings.participants_max);
	world_end(world, "conferences");
}

static void offer_is_needed(void)
{
	struct world *world = world_new(&(struct world_options){
		.config = "focus.factory_users=board\nfocus.factory_profiles=board offer"});
	struct phone *anna = world_phone(world, "anna");

	anna->offers_nothing = true;
	phone_dial(anna, "board");
	world_run(world, 500);
	CHECK_INT(NULL, anna->final_status, 488);
	world_end(world, "offer_is_needed");
}

/* Who calls in is asked, who was sent by somebody in it is not. */
static void has_a_pin(void)
{
	struct world *world = world_new(&(struct world_options){
		.config = "focus.factory_users=board\nfocus.factory_profiles=board pin=2468"});
	struct phone *anna = world_join(world, "anna", "board"), *bert, *carl;
	struct room *room = focus_room_next(world->focus, SLICE_NONE);

	CHECK_INT("the host is in", world_roster(world, room->id), 1);
	carl = world_join(world, "carl", room->id);
	CHECK_INT("carl is asked first", world_roster(world, room->id), 1);
	bert = world_phone(world, "bert");
	bert->dial_headers = "Referred-By: <sip:anna@10.0.0.2:5060>\r\n";
	phone_dial(bert, room->id);
	world_run(world, 500);
	CHECK_INT("bert is not", world_roster(world, room->id), 2);
	CHECK("all are answered", anna->call && bert->call && carl->call);
	world_end(world, "has_a_pin");
}

static void has_codecs(void)
{
	struct world *world = world_new(
		&(struct world_options){.config = "focus.factory_users=board\n"
						  "focus.factory_profiles=board codecs=PCMU+GSM"});
	struct phone *anna = world_join(world, "anna", "board"), *bert;
	struct participant *p;

	bert = world_phone(world, "bert");
	bert->has_only_pcma = true;
	phone_dial(bert, focus_room_next(world->focus, SLICE_NONE)->id);
	world_run(world, 500);
	CHECK_INT("anna prefers PCMA, and gets PCMU", anna->agreed.send_id, MEDIA_CODEC_PCMU);
	CHECK_INT("bert has nothing in common", bert->final_status, 488);
	bert->has_only_pcma = false;
	CHECK_INT("who is called, too",
		  focus_invite(world->focus, focus_room_next(world->focus, SLICE_NONE),
			       &(struct focus_invite){.uri = SLICE("sip:bert@" WORLD_PHONES)}, &p),
		  0);
	world_run(world, 500);
	CHECK_INT(NULL, bert->agreed.send_id, MEDIA_CODEC_PCMU);
	world_end(world, "has_codecs");
}

static void is_recorded(void)
{
	struct world *world = world_new(&(struct world_options){
		.config = "focus.factory_users=board\nfocus.factory_profiles=board record"});
	struct room *room;

	world_join(world, "anna", "board");
	room = focus_room_next(world->focus, SLICE_NONE);
	CHECK("from the first on", room->recording != NULL);
	recording_toggle(room);
	world_join(world, "bert", room->id);
	CHECK("stopped is stopped", room->recording == NULL);
	world_end(world, "is_recorded");
}

void suite_factory(void)
{
	CHECK_SUITE("factory");
	CHECK_TEST(profiles);
	CHECK_TEST(conferences);
	CHECK_TEST(offer_is_needed);
	CHECK_TEST(has_a_pin);
	CHECK_TEST(has_codecs);
	CHECK_TEST(is_recorded);
}
