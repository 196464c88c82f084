/* Numbers that call back: rung, refused unpaid, called; and who is not. */
#include "base/attr.h"
#include "base/err.h"
#include "focus/callback.h"
#include "focus/confirm.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/pin.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

#define CONFIG                                                                                     \
	"callback.numbers=9000=lobby;rings=2;status=603, 9001=sip:bob@" WORLD_PHONES ";rings=0\n"  \
	"callback.allow=sip:anna@" WORLD_PHONES ",+49\n"                                           \
	"callback.delay_s=5\ncallback.per_hour=2\nrooms.autocreate=false"

static struct phone *ring(struct world *world, const char *user, const char *number)
{
	struct phone *phone = world_phone(world, user);

	phone_dial(phone, number);
	return phone;
}

static void into_a_room(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *anna = ring(world, "anna", "9000");

	world_run(world, 9000);
	CHECK("rings twice, unanswered", anna->call && !anna->finals);
	world_run(world, 2000);
	CHECK_INT("refused", anna->final_status, 603);
	CHECK_INT("not called yet", anna->calls, 0);
	world_run(world, 5000);
	CHECK("called and in", anna->calls == 1 && anna->is_established);
	CHECK_INT("in the room", world_roster(world, "lobby"), 1);
	CHECK_INT("counted", focus_callback_stats(world->focus)->called, 1);
	phone_hang_up(anna);
	world_run(world, 1000);
	CHECK("the room ends with it", !world_room(world, "lobby"));
	world_end(world, "room");
}

static void to_a_second_party(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *bob = world_phone(world, "bob"), *anna = ring(world, "anna", "9001");

	world_run(world, 500);
	CHECK_INT("refused at once", anna->final_status, 486);
	world_run(world, 8000);
	CHECK("both talk", anna->is_established && bob->is_established);
	CHECK_INT("a call of two", focus_stats(world->focus)->calls, 1);
	world_end(world, "second party");
}

static void press(struct phone *phone, char digit)
{
	struct fake_leg *leg = fake_media_leg_at(phone->world->media,
						 addr_port(&phone->agreed.remote_rtp));

	if (CHECK("a leg", leg != NULL))
		fake_media_tell(leg, (struct media_event){.kind = MEDIA_LEG_DTMF, .digit = digit});
	world_run(phone->world, 1000);
}

/* An answering machine takes the call: nobody else is called, and nothing gets into a room. */
static void confirmed_by_a_key(void)
{
	struct world *world = world_new(
		&(struct world_options){.config = "callback.numbers=9000=lobby;rings=0;confirm, "
						  "9001=sip:bob@" WORLD_PHONES ";rings=0;confirm\n"
						  "callback.allow=@10.0.0.2\ncallback.delay_s=5"});
	struct phone *bob = world_phone(world, "bob"), *anna = ring(world, "anna", "9001");
	struct phone *carl, *machine;

	world_run(world, 8000);
	CHECK("anna is asked", anna->is_established && bob->calls == 0);
	press(anna, '5');
	CHECK_INT("not that key", bob->calls, 0);
	press(anna, '1');
	world_run(world, 2000);
	CHECK("both talk", bob->is_established && !anna->has_ended);
	phone_hang_up(anna);

	carl = ring(world, "carl", "9000");
	world_run(world, 8000);
	CHECK_INT("waits", phone_participant(carl, "lobby")->state, PARTICIPANT_PENDING);
	CHECK("hears what it is about",
	      fake_media_play(world->media,
			      world_leg(world, phone_participant(carl, "lobby"))->self, 0) != NULL);
	CHECK_INT("nobody else can let it in",
		  focus_admit(world->focus, phone_participant(carl, "lobby")), ERR_STATE);
	press(carl, '1');
	CHECK_INT("in", phone_participant(carl, "lobby")->state, PARTICIPANT_CONNECTED);

	machine = ring(world, "machine", "9000");
	world_run(world, 8000 + CONFIRM_TIMES * CONFIRM_WAIT_MS);
	CHECK("rung off", machine->has_ended);
	CHECK_INT("only carl", world_roster(world, "lobby"), 1);
	world_end(world, "confirmed");
}

static void press_all(struct phone *phone, const char *digits)
{
	for (; *digits; digits++)
		press(phone, *digits);
}

/* Called back from a dial-in number: asked for what that asks for, in no room meanwhile. */
static void from_a_dial_in_number(void)
{
	struct world *world = world_new(
		&(struct world_options){.config = "dialin.numbers=8000=fr, 8001=en:team\n"
						  "callback.numbers=9000=8000;rings=0, 9001=8001;"
						  "rings=0, 9002=8002;rings=0\n"
						  "callback.allow=@10.0.0.2\ncallback.delay_s=5\n"
						  "prompts.path=/nowhere"});
	struct room_settings settings = {.is_locked = false};
	struct room *room = NULL;
	struct phone *anna, *bert, *machine, *busy;

	CHECK_INT("pin", pin_hash(&world->random, SLICE("1234"), settings.pin), 0);
	CHECK_INT("room", focus_room_create(world->focus, SLICE("4711"), &settings, &room), 0);
	CHECK_INT("room", focus_room_create(world->focus, SLICE("team"), &settings, &room), 0);
	anna = ring(world, "anna", "9000");
	world_run(world, 8000);
	CHECK("called", anna->is_established);
	CHECK_INT("in no room", focus_stats(world->focus)->participants, 0);
	press_all(anna, "4711#1234#");
	CHECK_INT("in", world_roster(world, "4711"), 1);
	CHECK("outgoing", phone_participant(anna, "4711")->is_outgoing);
	CHECK_INT("connected", phone_participant(anna, "4711")->state, PARTICIPANT_CONNECTED);
	CHECK_STR("language", phone_participant(anna, "4711")->language, "fr");

	bert = ring(world, "bert", "9001");
	world_run(world, 8000);
	CHECK_INT("waits", phone_participant(bert, "team")->state, PARTICIPANT_PENDING);
	press_all(bert, "1234#");
	CHECK_INT("in", phone_participant(bert, "team")->state, PARTICIPANT_CONNECTED);

	machine = ring(world, "machine", "9000");
	busy = ring(world, "busy", "9000");
	busy->manner = PHONE_REJECTS;
	busy->status = 486;
	world_run(world, 8000);
	CHECK("machine answers", machine->is_established);
	world_run(world, 300000);
	CHECK("rung off", machine->has_ended);
	CHECK_INT("nobody but those two", focus_stats(world->focus)->participants, 2);
	world_end(world, "dial-in number");
}

static void rung_off(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *anna = ring(world, "anna", "9000");

	world_run(world, 3000);
	phone_hang_up(anna);
	world_run(world, 1000);
	CHECK_INT("cancelled", anna->final_status, 487);
	world_run(world, 6000);
	CHECK("called all the same", anna->calls == 1 && anna->is_established);
	world_end(world, "rung off");
}

static void never(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *eve = ring(world, "eve", "9000"), *anna = NULL;

	world_run(world, 1000);
	CHECK_INT("not allowed", eve->final_status, 403);
	anna = world_phone(world, "anna");
	for (int i = 0; i < 3; i++) {
		phone_dial(anna, "9001");
		world_run(world, 500);
		CHECK_INT("refused like every call", anna->final_status, 486);
		world_run(world, 20000);
		phone_hang_up(anna);
		world_run(world, 1000);
	}
	CHECK_INT("twice an hour", anna->calls, 2);
	CHECK_INT("the third and eve", focus_callback_stats(world->focus)->refused, 2);
	world_run(world, 3600000);
	phone_dial(anna, "9001");
	world_run(world, 7000);
	CHECK_INT("the next hour", anna->calls, 3);
	world_end(world, "never");
}

static void stopped_meanwhile(void)
{
	struct world *world = world_new(&(struct world_options){.config = CONFIG});
	struct phone *anna = ring(world, "anna", "9000");

	world_run(world, 1000);
	focus_drain(world->focus, NULL, NULL);
	world_run(world, 20000);
	CHECK_INT("refused", anna->final_status, 603);
	CHECK_INT("nobody is called by a server that goes", anna->calls, 0);
	world_end(world, "stopped");
}

static void rules(void)
{
	static const struct {
		const char *list, *user, *target;
		uint32_t rings;
		uint16_t status;
	} rows[] = {
		{"", "1", NULL, 0, 0},
		{"1=a", "1", "a", 2, 486},
		{" 2 = b ;rings=0;status=480, 1=a", "2", "b", 0, 480},
		{"1=sip:x@y;status=99;rings=99", "1", "sip:x@y", 2, 486},
		{"1=", "1", NULL, 0, 0},
		{"1", "1", NULL, 0, 0},
		{"1=a", "", NULL, 0, 0},
		{"1=a", "2", NULL, 0, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct callback_rule rule = {0};
		bool found = callback_find(slice_of(rows[i].list), slice_of(rows[i].user), &rule);

		CHECK_INT(rows[i].list, found, rows[i].target != NULL);
		CHECK_STR(rows[i].list, rule.target, rows[i].target ? rows[i].target : "");
		CHECK_INT(rows[i].list, rule.rings, rows[i].rings);
		CHECK_INT(rows[i].list, rule.status, rows[i].status);
	}
}

void suite_callback(void);
void suite_callback(void)
{
	CHECK_SUITE("callback");
	CHECK_TEST(into_a_room);
	CHECK_TEST(to_a_second_party);
	CHECK_TEST(confirmed_by_a_key);
	CHECK_TEST(from_a_dial_in_number);
	CHECK_TEST(rung_off);
	CHECK_TEST(never);
	CHECK_TEST(stopped_meanwhile);
	CHECK_TEST(rules);
}
