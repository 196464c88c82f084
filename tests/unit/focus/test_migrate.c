#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

#define CENTRAL "sip:central@" WORLD_PHONES

/* A lobby with anna and bert, and another focus that answers. */
struct move {
	struct world *world;
	struct phone *anna, *bert, *central;
};

static struct move move_new(const char *config)
{
	struct move move = {.world = world_new(&(struct world_options){.config = config})};

	move.central = world_phone(move.world, "central");
	move.central->contact_params = "isfocus";
	move.central->answer_ms = 300;
	move.anna = world_join(move.world, "anna", "lobby");
	move.bert = world_join(move.world, "bert", "lobby");
	return move;
}

static int begin(struct move *move)
{
	return focus_migrate(move->world->focus, world_room(move->world, "lobby"), SLICE(CENTRAL));
}

static struct migration_view view_of(struct move *move)
{
	struct migration_view view = {0};

	if (world_room(move->world, "lobby"))
		migration_view(world_room(move->world, "lobby"), &view);
	return view;
}

static void everybody_goes(void)
{
	struct move move = move_new(NULL);
	struct phone *late = world_phone(move.world, "late");

	move.anna->refer_delay_ms = 2000;
	CHECK_INT(NULL, begin(&move), 0);
	CHECK_INT("one at a time", begin(&move), ERR_STATE);
	CHECK_INT(NULL, view_of(&move).state, MIGRATION_DIALLING);
	world_run(move.world, 1000);
	CHECK_INT(NULL, view_of(&move).state, MIGRATION_MOVING);
	CHECK_STR("where to", move.bert->refer_to, CENTRAL);
	CHECK("bert has arrived and is rung off", move.bert->has_ended);
	CHECK("with a reason", strstr(move.bert->end_text, "cause=302"));
	CHECK("anna is not there yet, and loses nothing", move.anna->call != NULL);
	phone_dial(late, "lobby");
	world_run(move.world, 500);
	CHECK_INT("newcomers are sent on", late->final_status, 302);
	CHECK("to a conference", strstr(late->end_headers, "<" CENTRAL ">;isfocus"));
	world_run(move.world, 3000);
	CHECK("anna too", move.anna->has_ended);
	CHECK("the bridge has nothing to carry", move.central->has_ended);
	CHECK_INT(NULL, view_of(&move).state, MIGRATION_DONE);
	CHECK_INT(NULL, view_of(&move).moved, 2);
	phone_dial(late, "lobby");
	world_run(move.world, 500);
	CHECK_INT("the empty room still knows where it went", late->final_status, 302);
	CHECK_STR("events", world_events(move.world, "room.migration"),
		  "room.migration lobby dialling\n"
		  "room.migration lobby moving\n"
		  "room.migration lobby moving\n"
		  "room.migration lobby moving\n"
		  "room.migration lobby done\n");
	world_end(move.world, "everybody_goes");
}

/* Whatever a phone answers to the REFER, it is not cut off. */
static void carried(void)
{
	static const uint16_t statuses[] = {0, 404, 481, 486, 603};

	for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
		struct move move = move_new(NULL);
		char row[32];

		snprintf(row, sizeof(row), "REFER ends with %u", statuses[i]);
		move.bert->refer_status = statuses[i];
		CHECK_INT(row, begin(&move), 0);
		world_run(move.world, 3000);
		CHECK(row, move.anna->has_ended && move.bert->call && move.central->call);
		CHECK_INT(row, view_of(&move).carried, 1);
		CHECK_INT(row, view_of(&move).moved, 1);
		CHECK_INT(row, view_of(&move).state, MIGRATION_DONE);
		CHECK_INT("the bridge is no person", world_roster(move.world, "lobby"), 1);
		CHECK_INT("but on one bus with who stays",
			  world_room(move.world, "lobby")->participant_count, 2);
		phone_hang_up(move.bert);
		world_run(move.world, 1000);
		CHECK("then the bridge goes", move.central->has_ended);
		world_end(move.world, row);
	}
}

/* Its NOTIFYs are lost, or it says nothing: it stays where it is. */
static void says_nothing(void)
{
	struct move move = move_new(NULL);

	move.bert->refer_delay_ms = 2 * MIGRATE_REFER_MS;
	CHECK_INT(NULL, begin(&move), 0);
	world_run(move.world, MIGRATE_REFER_MS / 2);
	CHECK_INT("it is waited for", view_of(&move).pending, 1);
	world_run(move.world, MIGRATE_REFER_MS);
	CHECK_INT("but not for ever", view_of(&move).carried, 1);
	CHECK_INT(NULL, view_of(&move).state, MIGRATION_DONE);
	world_run(move.world, 2 * MIGRATE_REFER_MS);
	CHECK("a word that comes too late cuts nobody off", move.bert->call && move.central->call);
	world_end(move.world, "says_nothing");
}

/* The other focus does not take us: nobody notices. */
static void refused(void)
{
	static const struct {
		const char *name;
		enum phone_manner manner;
		uint16_t status;
		const char *contact_params;
	} rows[] = {
		{"busy", PHONE_REJECTS, 486, "isfocus"},
		{"unknown", PHONE_REJECTS, 404, "isfocus"},
		{"silent", PHONE_IS_SILENT, 0, "isfocus"},
		{"no conference", PHONE_ANSWERS, 0, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct move move = move_new(NULL);
		struct phone *late = world_phone(move.world, "late");

		move.central->manner = rows[i].manner;
		move.central->status = rows[i].status;
		move.central->contact_params = rows[i].contact_params;
		CHECK_INT(rows[i].name, begin(&move), 0);
		world_run(move.world, 150000);
		CHECK_INT(rows[i].name, view_of(&move).state, MIGRATION_FAILED);
		CHECK(rows[i].name, move.anna->call && move.bert->call && !move.central->call);
		CHECK_INT(rows[i].name, world_roster(move.world, "lobby"), 2);
		phone_dial(late, "lobby");
		world_run(move.world, 1000);
		CHECK_INT("the door is open", late->final_status, 200);
		CHECK_INT("again", begin(&move), 0);
		world_end(move.world, rows[i].name);
	}
}

static void bridge_breaks(void)
{
	struct move move = move_new(NULL);

	move.anna->refer_delay_ms = 20000;
	move.bert->refer_status = 0;
	CHECK_INT(NULL, begin(&move), 0);
	world_run(move.world, 1000);
	phone_hang_up(move.central);
	world_run(move.world, 1000);
	CHECK_INT(NULL, view_of(&move).state, MIGRATION_FAILED);
	CHECK("who is here stays", move.anna->call && move.bert->call);
	world_run(move.world, 30000);
	CHECK("a late 200 cuts nobody off", move.anna->call != NULL);
	world_end(move.world, "bridge_breaks");
}

/* The other focus is gone without a word. That its BYE is never answered keeps nobody waiting. */
static void bridge_falls_silent(void)
{
	struct move move = move_new("media.quiet_s=60");
	struct phone *late = world_phone(move.world, "late");
	struct participant *bridge;

	move.bert->refer_status = 0;
	CHECK_INT(NULL, begin(&move), 0);
	world_run(move.world, 3000);
	CHECK_INT("bert is carried", view_of(&move).carried, 1);
	bridge = phone_participant(move.central, "lobby");
	fake_media_tell(world_leg(move.world, bridge),
			(struct media_event){.kind = MEDIA_LEG_QUIET});
	CHECK_INT("at once", view_of(&move).state, MIGRATION_FAILED);
	CHECK_INT("once", bridge->state, PARTICIPANT_DISCONNECTING);
	phone_dial(late, "lobby");
	world_run(move.world, 500);
	CHECK_INT("the door is open", late->final_status, 200);
	CHECK("bert is here", move.bert->call != NULL);
	world_end(move.world, "bridge_falls_silent");
}

static void party_leaves_meanwhile(void)
{
	struct move move = move_new(NULL);

	move.anna->refer_delay_ms = 5000;
	CHECK_INT(NULL, begin(&move), 0);
	world_run(move.world, 1000);
	phone_hang_up(move.anna);
	world_run(move.world, 60000);
	CHECK("the bridge goes", move.central->has_ended);
	world_end(move.world, "party_leaves_meanwhile");
}

/* Whom we called, and who has to press a key first, is not taken for the one that is wanted because
 * the conference moves. It goes when it has shown that it is. */
static void who_is_asked_goes_later(void)
{
	struct move move = move_new(NULL);
	struct phone *carl = world_phone(move.world, "carl");
	struct participant *p;

	CHECK_INT("invite",
		  focus_invite(move.world->focus, world_room(move.world, "lobby"),
			       &(struct focus_invite){.uri = SLICE("sip:carl@" WORLD_PHONES),
						      .ask = PARTICIPANT_ASK_KEY},
			       &p),
		  0);
	world_run(move.world, 500);
	CHECK_INT("is asked", p->state, PARTICIPANT_PENDING);
	CHECK_INT(NULL, begin(&move), 0);
	world_run(move.world, 3000);
	CHECK("the others have gone", move.anna->has_ended && move.bert->has_ended);
	CHECK("carl is still asked", carl->call && !carl->refer_to[0]);
	CHECK("over the way back", move.central->call);
	fake_media_tell(world_leg(move.world, p),
			(struct media_event){.kind = MEDIA_LEG_DTMF, .digit = '1'});
	world_run(move.world, 3000);
	CHECK("now he goes", carl->has_ended && carl->refer_to[0] && move.central->has_ended);
	CHECK_INT(NULL, view_of(&move).moved, 3);
	world_end(move.world, "who_is_asked_goes_later");
}

static void room_closes_meanwhile(void)
{
	struct move move = move_new(NULL);

	move.anna->refer_delay_ms = 5000;
	CHECK_INT(NULL, begin(&move), 0);
	world_run(move.world, 1000);
	CHECK_INT(NULL,
		  focus_room_close(move.world->focus, world_room(move.world, "lobby"), "deleted"),
		  0);
	world_run(move.world, 10000);
	CHECK("all are rung off", !move.anna->call && !move.bert->call && !move.central->call);
	world_end(move.world, "room_closes_meanwhile");
}

/* S2: Hearth as B. The joiner gets 302 to the conference, the parties REFER, BYE at 200. */
static struct move call_new(void)
{
	struct move move = {.world = world_new(&(struct world_options){
				    .config = "focus.central_factory=" CENTRAL})};
	struct call *call;

	move.central = world_phone(move.world, "central");
	move.central->contact_params = "isfocus";
	move.central->answer_ms = 300;
	move.anna = world_phone(move.world, "anna");
	move.bert = world_phone(move.world, "bert");
	CHECK_INT(NULL,
		  focus_call_create(move.world->focus,
				    &(struct focus_call){.from = SLICE("sip:anna@" WORLD_PHONES),
							 SLICE("sip:bert@" WORLD_PHONES)},
				    &call),
		  0);
	world_run(move.world, 1000);
	CHECK("they talk", move.anna->is_established && move.bert->is_established);
	return move;
}

static void join_moved_to_central(void)
{
	struct move move = call_new();
	struct phone *carl = world_phone(move.world, "carl");

	phone_dial_naming(carl, "bert", "Join", move.anna);
	world_run(move.world, 3000);
	CHECK("we call as a focus", strstr(move.central->contact, "isfocus"));
	CHECK_INT("302", carl->final_status, 302);
	CHECK("to the conference", strstr(carl->end_headers, "<" CENTRAL ">;isfocus"));
	CHECK_STR("anna is sent there", move.anna->refer_to, CENTRAL);
	CHECK_STR("bert is sent there", move.bert->refer_to, CENTRAL);
	CHECK("and both are rung off", move.anna->has_ended && move.bert->has_ended);
	CHECK("no focus here", !strstr(move.anna->contact, "isfocus"));
	CHECK_INT("nothing is mixed here", move.anna->exchanges, 1);
	CHECK("the bridge too", move.central->has_ended);
	CHECK_STR("events", world_events(move.world, "call.ended"),
		  "call.ended - connected moved\n");
	world_end(move.world, "join_moved_to_central");
}

/* The central factory is not there: the Join is mixed here after all. */
static void join_falls_back(void)
{
	struct move move = call_new();
	struct phone *carl = world_phone(move.world, "carl");

	move.central->manner = PHONE_REJECTS;
	move.central->status = 503;
	phone_dial_naming(carl, "bert", "Join", move.anna);
	world_run(move.world, 5000);
	CHECK_INT("taken in", carl->final_status, 200);
	CHECK("all three", move.anna->call && move.bert->call);
	CHECK_INT("one conference", focus_room_count(move.world->focus), 1);
	world_end(move.world, "join_falls_back");
}

static void joiner_gives_up(void)
{
	struct move move = call_new();
	struct phone *carl = world_phone(move.world, "carl");

	move.central->answer_ms = 3000;
	phone_dial_naming(carl, "bert", "Join", move.anna);
	world_run(move.world, 500);
	phone_hang_up(carl);
	world_run(move.world, 10000);
	CHECK_INT("487", carl->final_status, 487);
	world_end(move.world, "joiner_gives_up");
}

static void drain_moves(void)
{
	struct move move = move_new("focus.central_factory=" CENTRAL);

	focus_drain(move.world->focus, world_on_empty, move.world);
	world_run(move.world, 5000);
	CHECK("everybody has gone there", move.anna->has_ended && move.bert->has_ended);
	CHECK("drained", move.world->is_empty_called);
	world_end(move.world, "drain_moves");
}

void suite_migrate(void)
{
	CHECK_SUITE("migrate");
	CHECK_TEST(everybody_goes);
	CHECK_TEST(carried);
	CHECK_TEST(says_nothing);
	CHECK_TEST(refused);
	CHECK_TEST(bridge_breaks);
	CHECK_TEST(bridge_falls_silent);
	CHECK_TEST(party_leaves_meanwhile);
	CHECK_TEST(who_is_asked_goes_later);
	CHECK_TEST(room_closes_meanwhile);
	CHECK_TEST(join_moved_to_central);
	CHECK_TEST(join_falls_back);
	CHECK_TEST(joiner_gives_up);
	CHECK_TEST(drain_moves);
}
