/* tests/unit/focus/test_attendant.c -- callers of a dial-in number, by virtual time and fake sound.
 */
#include "focus/attendant.h"

#include <stdio.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/lockout.h"
#include "focus/room_priv.h"
#include "focus/spoken_name.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

#define CONFIG "dialin.numbers=8000=en,8001=fr:team\nprompts.path=/nowhere\nprompts.music="

static struct room *room_make_pins(struct world *world, const char *id, const char *pin,
				   const char *moderator_pin)
{
	struct room_settings settings = {.is_locked = false};
	struct room *room = NULL;

	if (pin)
		CHECK_INT("pin", pin_hash(&world->random, slice_of(pin), settings.pin), 0);
	if (moderator_pin)
		CHECK_INT("pin",
			  pin_hash(&world->random, slice_of(moderator_pin), settings.moderator_pin),
			  0);
	CHECK_INT("room", focus_room_create(world->focus, slice_of(id), &settings, &room), 0);
	return room;
}

static struct fake_leg *leg_of(struct phone *phone)
{
	return fake_media_leg_at(phone->world->media, addr_port(&phone->agreed.remote_rtp));
}

static struct phone *call(struct world *world, const char *user, const char *number)
{
	struct phone *phone = world_phone(world, user);

	phone_dial(phone, number);
	world_run(world, 500);
	CHECK(user, phone->is_established);
	return phone;
}

static void press(struct phone *phone, const char *digits)
{
	for (; *digits; digits++) {
		struct fake_leg *leg = leg_of(phone);

		if (!leg)
			return;
		fake_media_tell(leg,
				(struct media_event){.kind = MEDIA_LEG_DTMF, .digit = *digits});
		world_run(phone->world, 100);
	}
}

/* Whatever is said to it is heard to the end. */
static void hear(struct phone *phone)
{
	struct fake_leg *leg = leg_of(phone);
	struct fake_play *play = leg ? fake_media_play(phone->world->media, leg->self, 0) : NULL;

	if (CHECK("something is said", play != NULL))
		fake_media_play_over(phone->world->media, play);
	world_run(phone->world, 10);
}

static void asks_room_and_pin(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *alice;

	(void)room_make_pins(world, "4711", "1234", "98765");
	alice = call(world, "alice", "8000");
	CHECK_INT("in no room", world_roster(world, "4711"), 0);
	CHECK("in none of the mixer's either", leg_of(alice)->room == 0);
	hear(alice);
	press(alice, "4711#");
	hear(alice);
	press(alice, "1234#");
	CHECK_INT("in", world_roster(world, "4711"), 1);
	CHECK("heard", leg_of(alice)->room != 0);
	CHECK_INT("as a guest", phone_participant(alice, "4711")->role, PARTICIPANT_GUEST);
	CHECK("the conference's URI", strstr(alice->contact, "8000") != NULL);
	CHECK_STR("once", world_events(world, "participant."),
		  "participant.created 4711 alice dialing-in\nparticipant.joined 4711 alice "
		  "connected\n");
	world_end(world, "asks_room_and_pin");
}

static void moderator_pin_makes_a_moderator(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *alice;

	(void)room_make_pins(world, "team", "1234", "98765");
	alice = call(world, "alice", "8001");
	press(alice, "98765#");
	CHECK_INT("in", world_roster(world, "team"), 1);
	CHECK_INT("role", phone_participant(alice, "team")->role, PARTICIPANT_MODERATOR);
	CHECK_STR("language", phone_participant(alice, "team")->language, "fr");
	world_end(world, "moderator_pin");
}

/* What a caller asked for counts behind an attendant as well (RFC 3323, RFC 3325). */
static void privacy_is_kept(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *alice = world_phone(world, "alice");
	const struct participant *p;

	(void)room_make_pins(world, "team", "1234", NULL);
	alice->dial_headers = "Privacy: id\r\n";
	phone_dial(alice, "8001");
	world_run(world, 500);
	press(alice, "1234#");
	CHECK_INT("in", world_roster(world, "team"), 1);
	p = focus_participant_next(world_room(world, "team"), NULL);
	CHECK("without a name", p && p->is_anonymous);
	world_end(world, "privacy");
}

/* '*' starts over, a pause ends an entry, keys cut the prompt short. */
static void keys(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *alice;

	(void)room_make_pins(world, "12", NULL, NULL);
	alice = call(world, "alice", "8000");
	press(alice, "99");
	CHECK("the prompt is cut short", !fake_media_play(world->media, leg_of(alice)->self, 0));
	press(alice, "*12");
	CHECK_INT("not yet", world_roster(world, "12"), 0);
	world_run(world, ATTENDANT_DIGIT_MS);
	CHECK_INT("after a pause", world_roster(world, "12"), 1);
	world_end(world, "keys");
}

static void three_wrong_entries_end_it(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *eve;

	(void)room_make_pins(world, "4711", "1234", NULL);
	eve = call(world, "eve", "8000");
	press(eve, "555#");
	CHECK_INT("no room was made", focus_room_count(world->focus), 1);
	hear(eve);
	press(eve, "4711#");
	hear(eve);
	press(eve, "0000#");
	hear(eve);
	press(eve, "1111#");
	CHECK("says goodbye first", !eve->has_ended);
	hear(eve);
	world_run(world, 500);
	CHECK("rung off", eve->has_ended);
	CHECK_INT("counted", focus_stats(world->focus)->pins_wrong, 2);
	CHECK_INT("nobody came in", world_roster(world, "4711"), 0);
	CHECK_STR("and nothing was told", world_events(world, "participant."), "");
	world_end(world, "three_wrong");
}

/* Whoever guesses is shut out for a while, even with the right PIN; others are not. */
static void guessing_locks_out(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *eve, *alice;

	(void)room_make_pins(world, "team", "1234", NULL);
	eve = call(world, "eve", "8001");
	for (int i = 0; i < LOCKOUT_FREE; i++)
		press(eve, "0000#");
	hear(eve);
	world_run(world, 500);
	CHECK("rung off", eve->has_ended);
	eve = call(world, "eve", "8001");
	press(eve, "1234#");
	CHECK_INT("not with the right one either", world_roster(world, "team"), 0);
	alice = call(world, "alice", "8001");
	press(alice, "1234#");
	CHECK_INT("others may", world_roster(world, "team"), 1);
	hear(eve);
	world_run(world, LOCKOUT_FIRST_MS);
	eve = call(world, "eve", "8001");
	press(eve, "1234#");
	CHECK_INT("later", world_roster(world, "team"), 2);
	world_end(world, "guessing");
}

/* Many callers guess by turns: the room answers late, and still lets in who knows. */
static void many_guessers_make_a_room_slow(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *eve, *alice;
	char name[16];

	(void)room_make_pins(world, "team", "1234", NULL);
	for (int i = 0; i < LOCKOUT_ROOM_FREE; i++) {
		(void)snprintf(name, sizeof(name), "eve%d", i);
		eve = call(world, name, "8001");
		press(eve, "0000#");
		phone_hang_up(eve);
	}
	alice = call(world, "alice", "8001");
	press(alice, "1234#");
	CHECK_INT("not at once", world_roster(world, "team"), 0);
	world_run(world, LOCKOUT_DELAY_MS);
	CHECK_INT("but soon", world_roster(world, "team"), 1);
	world_end(world, "slow");
}

/* Many calls at once from one place, each under another name, guess no faster than one. */
static void many_guess_at_once(void)
{
	enum { CALLS = 12 };
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *eves[CALLS], *eve;
	uint64_t before;
	char name[16];

	(void)room_make_pins(world, "team", "1234", NULL);
	for (int i = 0; i < LOCKOUT_ROOM_FREE + 5; i++) {
		(void)snprintf(name, sizeof(name), "eve%d", i);
		eve = call(world, name, "8001");
		press(eve, "0000#");
		world_run(world, LOCKOUT_DELAY_MAX_MS);
		phone_hang_up(eve);
	}
	for (int i = 0; i < CALLS; i++) {
		(void)snprintf(name, sizeof(name), "adam%d", i);
		eves[i] = call(world, name, "8001");
	}
	before = focus_stats(world->focus)->pins_wrong;
	for (int i = 0; i < CALLS; i++)
		press(eves[i], "0000#");
	world_run(world, 2 * LOCKOUT_DELAY_MAX_MS);
	CHECK_INT("one after the other", focus_stats(world->focus)->pins_wrong - before, 2);
	world_run(world, LOCKOUT_TURNS_MAX_MS);
	CHECK_INT("as many as a minute holds, some of them again",
		  focus_stats(world->focus)->pins_wrong - before <= 9, true);
	for (int i = 0; i < CALLS; i++)
		phone_hang_up(eves[i]);
	world_end(world, "many_at_once");
}

/* All who hide their name are not one caller: none of them shuts the others out. */
static void nobody_in_particular_is_not_locked_out(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *eve = world_phone(world, "eve"), *alice = world_phone(world, "alice");

	(void)room_make_pins(world, "team", "1234", NULL);
	eve->dial_headers = alice->dial_headers = "Privacy: id\r\n";
	phone_dial(eve, "8001");
	world_run(world, 500);
	for (int i = 0; i < LOCKOUT_FREE; i++)
		press(eve, "0000#");
	hear(eve);
	phone_dial(alice, "8001");
	world_run(world, 500);
	press(alice, "1234#");
	CHECK_INT("in", world_roster(world, "team"), 1);
	world_end(world, "nameless");
}

static void silence_is_asked_twice(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *alice = call(world, "alice", "8000");

	hear(alice);
	world_run(world, ATTENDANT_FIRST_MS);
	hear(alice);
	CHECK("asked again", !alice->has_ended);
	world_run(world, ATTENDANT_FIRST_MS);
	hear(alice);
	world_run(world, 500);
	CHECK("then goodbye", alice->has_ended);
	world_end(world, "silence");
}

static void no_sound_is_no_trap(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *alice;

	fake_media_fail(world->media, FAKE_PLAY_START, -12, 0, 1000);
	alice = call(world, "alice", "8000");
	world_run(world, 3 * ATTENDANT_FIRST_MS + 1000);
	CHECK("it ends by time", alice->has_ended);
	world_end(world, "no_sound");
}

static void locked_and_full_are_told(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct room *room = room_make_pins(world, "team", NULL, "98765");
	struct room_settings settings = room->settings;
	struct phone *alice, *boss;

	settings.is_locked = true;
	CHECK_INT("set", pin_hash(&world->random, SLICE("1234"), settings.pin), 0);
	CHECK_INT("lock", focus_room_set(world->focus, room, &settings), 0);
	alice = call(world, "alice", "8001");
	press(alice, "1234#");
	CHECK_INT("not in", world_roster(world, "team"), 0);
	hear(alice);
	world_run(world, 500);
	CHECK("goodbye", alice->has_ended);
	boss = call(world, "boss", "8001");
	press(boss, "98765#");
	CHECK_INT("a moderator comes in", world_roster(world, "team"), 1);
	CHECK_INT("counted", focus_stats(world->focus)->rejected[FOCUS_REJECT_ROOM_LOCKED], 1);
	world_end(world, "locked");
}

/* The room's own URI asks for the PIN too, also those who say that somebody inside has sent them.
 */
static void a_room_with_a_pin_asks(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *alice, *bob, *carol, *dave;

	(void)room_make_pins(world, "team", "1234", NULL);
	alice = call(world, "alice", "team");
	CHECK_INT("not in yet", world_roster(world, "team"), 0);
	press(alice, "1234#");
	CHECK_INT("in", world_roster(world, "team"), 1);
	bob = world_phone(world, "bob");
	bob->dial_headers = "Referred-By: <sip:alice@" WORLD_PHONES ">\r\n";
	phone_dial(bob, "team");
	world_run(world, 500);
	CHECK_INT("anybody can say so", world_roster(world, "team"), 1);
	world_room(world, "team")->origin = ROOM_BY_FACTORY;
	carol = world_phone(world, "carol");
	carol->dial_headers = "Referred-By: <sip:alice@" WORLD_PHONES ">\r\n";
	phone_dial(carol, "team");
	world_run(world, 500);
	CHECK_INT("sent by alice, to a name that others do not know", world_roster(world, "team"),
		  2);
	dave = world_phone(world, "dave");
	dave->dial_headers = "Referred-By: <sip:eve@" WORLD_PHONES ">\r\n";
	phone_dial(dave, "team");
	world_run(world, 500);
	CHECK_INT("sent by nobody we know", world_roster(world, "team"), 2);
	world_end(world, "room_with_pin");
}

/* The world's phones speak through a trusted peer, whose word is a proof; From is none. */
static void the_owner_is_not_asked(void)
{
#define ASSERTED(uri) "P-Asserted-Identity: <" uri ">\r\n"
	static const struct {
		const char *name, *user, *headers, *number;
		bool is_in;
	} rows[] = {
		{"the room's URI", "x", ASSERTED("sip:anna@example.com"), "team", true},
		{"a number of the room", "x", ASSERTED("sip:anna@example.com"), "8001", true},
		{"by an alias", "x", ASSERTED("sip:100@example.com"), "team", true},
		{"hidden", "x", ASSERTED("sip:anna@example.com") "Privacy: id\r\n", "team", true},
		{"by From alone", "anna", NULL, "team", false},
		{"by From alone, a number", "anna", NULL, "8001", false},
		{"another user", "anna", ASSERTED("sip:bert@example.com"), "team", false},
		{"another's anna", "anna", ASSERTED("sip:anna@10.0.0.2"), "8001", false},
	};
	struct user_settings user = {
		.password = SLICE("secret"), .aliases = SLICE("100"), .is_enabled = true};
	struct world *world = world_new(&(struct world_options){
		.config = CONFIG "\nsip.trusted=10.0.0.2\nsip.domains=example.com"});
	struct room *room = room_make_pins(world, "team", "1234", "98765");
	struct room_settings settings = room->settings;
	struct user *made;

	CHECK_INT("anna", users_create(world->focus->users, SLICE("anna"), &user, &made), 0);
	user.aliases = SLICE("");
	CHECK_INT("bert", users_create(world->focus->users, SLICE("bert"), &user, &made), 0);
	settings.is_lobby = settings.waits_for_moderator = true;
	slice_cstr(SLICE("anna"), settings.owner, sizeof(settings.owner));
	CHECK_INT("set", focus_room_set(world->focus, room, &settings), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct phone *phone = world_phone(world, rows[i].user);
		const struct participant *p;

		phone->dial_headers = rows[i].headers;
		phone_dial(phone, rows[i].number);
		world_run(world, 500);
		CHECK(rows[i].name, phone->is_established);
		p = focus_participant_next(room, NULL);
		if (CHECK_INT(rows[i].name, p != NULL, rows[i].is_in) && p) {
			CHECK_INT(rows[i].name, p->state, PARTICIPANT_CONNECTED);
			CHECK_INT(rows[i].name, p->role, PARTICIPANT_MODERATOR);
		}
		phone_hang_up(phone);
		world_run(world, 500);
	}
	CHECK_INT("no PIN was wrong", focus_stats(world->focus)->pins_wrong, 0);
	world_end(world, "owner");
#undef ASSERTED
}

/* As a moderator it comes in past a lock, and not before the hour; it says its name like all, and
 * a typed number leads in without a PIN. */
static void the_owner_is_a_moderator(void)
{
	struct user_settings user = {.password = SLICE("secret"), .is_enabled = true};
	struct world *world = world_new(&(struct world_options){
		.config = CONFIG "\nsip.trusted=10.0.0.2\nsip.domains=example.com"});
	struct room *room = room_make_pins(world, "4711", "1234", NULL);
	struct room_settings settings = room->settings;
	struct phone *anna = world_phone(world, "x"), *eve = world_phone(world, "eve");
	struct user *made;

	anna->dial_headers = "P-Asserted-Identity: <sip:anna@example.com>\r\n";
	CHECK_INT("anna", users_create(world->focus->users, SLICE("anna"), &user, &made), 0);
	slice_cstr(SLICE("anna"), settings.owner, sizeof(settings.owner));
	settings.is_locked = true;
	CHECK_INT("lock", focus_room_set(world->focus, room, &settings), 0);
	phone_dial(eve, "4711");
	phone_dial(anna, "8000");
	world_run(world, 500);
	CHECK_INT("a guest is kept out", eve->final_status, 486);
	press(anna, "4711#");
	CHECK_INT("typed the number", world_roster(world, "4711"), 1);
	CHECK_INT("role", focus_participant_next(room, NULL)->role, PARTICIPANT_MODERATOR);
	phone_hang_up(anna);
	world_run(world, 500);
	phone_dial(anna, "4711");
	world_run(world, 500);
	CHECK_INT("dialled the URI", world_roster(world, "4711"), 1);
	phone_hang_up(anna);
	world_run(world, 500);
	settings.has_names = true;
	CHECK_INT("names", focus_room_set(world->focus, room, &settings), 0);
	phone_dial(anna, "4711");
	world_run(world, 500);
	CHECK_INT("is asked for its name", world_roster(world, "4711"), 0);
	phone_hang_up(anna);
	world_run(world, 500);
	settings.opens_wall_ms = clock_wall_ms(&world->clock) + 3600000;
	CHECK_INT("hours", focus_room_set(world->focus, room, &settings), 0);
	phone_dial(anna, "4711");
	world_run(world, 500);
	CHECK_INT("not before its hour", anna->final_status, 480);
	world_end(world, "owner is a moderator");
}

/* Who makes a conference by a factory, and is known, owns it. */
static void makers_own_their_conference(void)
{
	struct user_settings user = {.password = SLICE("secret"), .is_enabled = true};
	struct world *world = world_new(
		&(struct world_options){.config = "sip.trusted=10.0.0.2\nsip.domains=example.com\n"
						  "focus.factory_users=make"});
	struct phone *anna = world_phone(world, "x"), *guest = world_phone(world, "anna");
	const struct room *room;
	struct user *made;

	CHECK_INT("anna", users_create(world->focus->users, SLICE("anna"), &user, &made), 0);
	phone_dial(guest, "make");
	world_run(world, 500);
	room = focus_room_next(world->focus, SLICE_NONE);
	CHECK("From alone owns nothing", room && !room->settings.owner[0]);
	phone_hang_up(guest);
	world_run(world, 120000);
	CHECK("that one is gone", !focus_room_next(world->focus, SLICE_NONE));
	anna->dial_headers = "P-Asserted-Identity: <sip:anna@example.com>\r\n";
	phone_dial(anna, "make");
	world_run(world, 500);
	room = focus_room_next(world->focus, SLICE_NONE);
	CHECK("anna's", room && !strcmp(room->settings.owner, "anna"));
	world_end(world, "makers");
}

static struct participant *call_in(struct world *world, struct room *room, struct phone *phone)
{
	char uri[64];
	struct participant *p = NULL;

	(void)snprintf(uri, sizeof(uri), "sip:%s@%s", phone->user, WORLD_PHONES);
	CHECK_INT("called",
		  focus_invite(
			  world->focus, room,
			  &(struct focus_invite){.uri = slice_of(uri), .ask = PARTICIPANT_ASK_PIN},
			  &p),
		  0);
	world_run(world, 500);
	CHECK(phone->user, phone->is_established);
	return p;
}

/* Who was called shows by a PIN that it is who was meant; in spite of a lock, for it was called. */
static void whom_we_call_types_a_pin(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct room *room = room_make_pins(world, "team", "1234", "98765");
	struct room_settings settings = room->settings;
	struct phone *anna = world_phone(world, "anna"), *boss = world_phone(world, "boss");
	struct phone *eve = world_phone(world, "eve"), *leaver = world_phone(world, "leaver");
	struct participant *p;
	const char *told;

	settings.is_locked = settings.has_names = true;
	CHECK_INT("lock", focus_room_set(world->focus, room, &settings), 0);
	p = call_in(world, room, anna);
	CHECK_INT("waits", p->state, PARTICIPANT_PENDING);
	CHECK_INT("nobody else can let it in", focus_admit(world->focus, p), ERR_STATE);
	focus_participant_set_role(world->focus, p, PARTICIPANT_MODERATOR);
	CHECK_INT("nor make it a moderator who comes in", p->state, PARTICIPANT_PENDING);
	focus_participant_set_role(world->focus, p, PARTICIPANT_GUEST);
	hear(anna);
	press(anna, "0000#");
	CHECK_INT("a wrong one", p->state, PARTICIPANT_PENDING);
	press(anna, "1234#");
	CHECK_INT("in", p->state, PARTICIPANT_CONNECTED);
	CHECK_INT("as a guest", p->role, PARTICIPANT_GUEST);
	p = call_in(world, room, boss);
	press(boss, "98765#");
	CHECK_INT("role", p->role, PARTICIPANT_MODERATOR);
	(void)call_in(world, room, eve);
	press(eve, "0000#1111#2222#");
	hear(eve);
	world_run(world, 500);
	CHECK("rung off", eve->has_ended);
	(void)call_in(world, room, leaver);
	press(leaver, "12");
	phone_hang_up(leaver);
	world_run(world, 500);
	CHECK_INT("two are in", world_roster(world, "team"), 2);
	told = world_events(world, "");
	CHECK("why eve has left", strstr(told, "eve disconnected refused") != NULL);
	CHECK("no digit of a PIN is told", !strstr(told, "dtmf"));
	p = call_in(world, room, leaver);
	CHECK_INT("the room goes with one that is asked",
		  focus_room_close(world->focus, room, "room_closed"), 0);
	world_run(world, 500);
	CHECK("rung off", leaver->has_ended);
	world_end(world, "called types");
}

/* Two questions without an answer, and goodbye: no answering machine gets in. */
static void a_machine_types_no_pin(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct room *room = room_make_pins(world, "team", "1234", NULL);
	struct phone *machine = world_phone(world, "machine");
	struct phone *anna = world_phone(world, "anna");
	struct participant *p;

	(void)call_in(world, room, machine);
	for (int i = 0; i < 2; i++) {
		hear(machine);
		CHECK("not yet", !machine->has_ended);
		world_run(world, ATTENDANT_FIRST_MS);
	}
	hear(machine);
	world_run(world, 500);
	CHECK("rung off", machine->has_ended);
	CHECK("why", strstr(world_events(world, "participant.left"), "not_confirmed") != NULL);
	CHECK_INT("nobody was in", world_roster(world, "team"), 0);

	room = room_make_pins(world, "open", NULL, NULL);
	p = call_in(world, room, anna);
	press(anna, "5");
	CHECK_INT("without a PIN it is a key", p->state, PARTICIPANT_PENDING);
	press(anna, "1");
	CHECK_INT("in", p->state, PARTICIPANT_CONNECTED);
	world_end(world, "machine");
}

/* A name is recorded last, and heard when its caller comes and goes; then the file goes. */
static void names_are_recorded(void)
{
	struct world *world = world_new(
		&(struct world_options){.config = CONFIG "\nrecordings.path=/tmp/hearth-names"});
	struct room *room = room_make_pins(world, "team", "1234", NULL);
	struct room_settings settings = room->settings;
	struct phone *alice, *bob, *carol;
	struct fake_play *play;

	settings.has_names = true;
	CHECK_INT("set", focus_room_set(world->focus, room, &settings), 0);
	alice = call(world, "alice", "8001");
	press(alice, "1234#");
	CHECK_INT("not in yet", world_roster(world, "team"), 0);
	hear(alice);
	press(alice, "#");
	fake_media_record_length(world->media, 900);
	CHECK("recorded", fake_media_track_over(world->media, leg_of(alice)->self, 0));
	CHECK_INT("in", world_roster(world, "team"), 1);
	CHECK("named", spoken_name_path(phone_participant(alice, "team")) != NULL);

	bob = call(world, "bob", "team");
	press(bob, "1234#");
	hear(bob);
	world_run(world, NAME_LENGTH_MS);
	fake_media_record_length(world->media, 100);
	CHECK("recorded", fake_media_track_over(world->media, leg_of(bob)->self, 0));
	CHECK_INT("in", world_roster(world, "team"), 2);
	CHECK("said nothing", !spoken_name_path(phone_participant(bob, "team")));

	carol = call(world, "carol", "8001");
	press(carol, "1234##");
	world_run(world, NAME_LENGTH_MS + ATTENDANT_SAVE_MS + 100);
	CHECK_INT("in, though the file is late", world_roster(world, "team"), 3);
	fake_media_record_length(world->media, 900);
	CHECK("recorded", fake_media_track_over(world->media, leg_of(carol)->self, 0));
	phone_hang_up(alice);
	world_run(world, 500);
	play = fake_media_play(world->media, 0, room->bus->room);
	CHECK("heard once more", play && strstr(play->first, "/names/"));
	world_run(world, NAME_KEEP_MS);
	world_end(world, "names");
}

static void a_name_that_cannot_be_recorded(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct room *room = room_make_pins(world, "team", NULL, NULL);
	struct room_settings settings = room->settings;
	struct phone *alice;

	settings.has_names = true;
	CHECK_INT("set", focus_room_set(world->focus, room, &settings), 0);
	fake_media_fail(world->media, FAKE_RECORD_START, -28, 0, 1);
	alice = call(world, "alice", "team");
	hear(alice);
	CHECK_INT("comes in without", world_roster(world, "team"), 1);
	world_end(world, "no name");
}

static void hanging_up_and_stopping_leave_nothing(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *alice = call(world, "alice", "8000");

	(void)call(world, "bob", "8000");
	press(alice, "12");
	phone_hang_up(alice);
	world_run(world, 500);
	focus_drain(world->focus, world_on_empty, world);
	focus_stop(world->focus);
	world_run(world, 1000);
	CHECK("empty", world->is_empty_called);
	world_end(world, "hanging_up");
}

/* A number says its own words first: before it asks, and before it lets in where there is nothing
 * to ask. Any key goes on. What cannot be played keeps nobody out. */
static void a_number_greets(void)
{
	static const struct {
		const char *name, *greeting, *room;
		bool has_greeting, is_key;
	} rows[] = {
		{"asks then", "tone:440:500", "", true, false},
		{"lets in then", "tone:440:500", ":open", true, false},
		{"a key goes on", "tone:440:500", ":open", true, true},
		{"no such file", "file:nothing.wav", ":open", false, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char config[256];
		struct room_settings settings = {.is_locked = false};
		struct world *world;
		struct fake_play *play;
		struct phone *anna;
		struct room *room;

		(void)snprintf(config, sizeof(config),
			       "prompts.path=/nowhere\ndialin.numbers=8000=en%s;greeting=%s",
			       rows[i].room, rows[i].greeting);
		world = world_new(&(struct world_options){.config = config});
		CHECK_INT(rows[i].name,
			  focus_room_create(world->focus, SLICE("open"), &settings, &room), 0);
		anna = call(world, "anna", "8000");
		CHECK(rows[i].name, anna->is_established);
		play = fake_media_play(world->media, leg_of(anna)->self, 0);
		if (!rows[i].has_greeting) {
			CHECK_INT(rows[i].name, world_roster(world, "open"), 1);
			world_end(world, rows[i].name);
			continue;
		}
		/* The greeting and a pause; and, if it asks, a pause and the question. */
		CHECK_INT(rows[i].name, play ? play->sound_count : 0, rows[i].room[0] ? 2 : 4);
		CHECK_INT(rows[i].name, world_roster(world, "open"), 0);
		if (rows[i].is_key)
			press(anna, "1");
		else if (play)
			fake_media_play_over(world->media, play);
		world_run(world, 500);
		CHECK_INT(rows[i].name, world_roster(world, "open"), rows[i].room[0] ? 1 : 0);
		world_end(world, rows[i].name);
	}
}

static void numbers_table(void)
{
	static const struct {
		const char *numbers, *dialled;
		bool is_found;
		const char *language, *room, *greeting;
	} rows[] = {
		{"8000", "8000", true, "", "", ""},
		{"8000", "800", false, "", "", ""},
		{"+49305=de:lobby", "49305", true, "de", "lobby", ""},
		{"49305 = de : lobby", "+49305", true, "de", "lobby", ""},
		{"1=en,2=:b", "2", true, "", "b", ""},
		{"1;greeting=music,2=en;greeting=file:a.wav", "2", true, "en", "", "file:a.wav"},
		{"1;greeting=music,2=en", "1", true, "", "", "music"},
		{"1 = en:lobby ; greeting= file:a.wav ", "1", true, "en", "lobby", "file:a.wav"},
		{"", "", false, "", "", ""},
	};
	struct attendant_number number;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool is_found = attendant_number_find(rows[i].numbers, slice_of(rows[i].dialled),
						      &number);

		if (!CHECK_INT(rows[i].numbers, is_found, rows[i].is_found) || !is_found)
			continue;
		CHECK_STR(rows[i].numbers, number.language, rows[i].language);
		CHECK_STR(rows[i].numbers, number.room, rows[i].room);
		CHECK_STR(rows[i].numbers, number.greeting, rows[i].greeting);
	}
}

void suite_attendant(void)
{
	CHECK_SUITE("attendant");
	CHECK_TEST(asks_room_and_pin);
	CHECK_TEST(moderator_pin_makes_a_moderator);
	CHECK_TEST(privacy_is_kept);
	CHECK_TEST(keys);
	CHECK_TEST(three_wrong_entries_end_it);
	CHECK_TEST(guessing_locks_out);
	CHECK_TEST(many_guessers_make_a_room_slow);
	CHECK_TEST(many_guess_at_once);
	CHECK_TEST(nobody_in_particular_is_not_locked_out);
	CHECK_TEST(silence_is_asked_twice);
	CHECK_TEST(no_sound_is_no_trap);
	CHECK_TEST(locked_and_full_are_told);
	CHECK_TEST(a_room_with_a_pin_asks);
	CHECK_TEST(the_owner_is_not_asked);
	CHECK_TEST(the_owner_is_a_moderator);
	CHECK_TEST(makers_own_their_conference);
	CHECK_TEST(whom_we_call_types_a_pin);
	CHECK_TEST(a_machine_types_no_pin);
	CHECK_TEST(names_are_recorded);
	CHECK_TEST(a_number_greets);
	CHECK_TEST(a_name_that_cannot_be_recorded);
	CHECK_TEST(hanging_up_and_stopping_leave_nothing);
	CHECK_TEST(numbers_table);
}
