#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static int connect_call(struct world *world, const char *from, const char *to,
			struct call **ret_call)
{
	return focus_call_create(world->focus,
				 &(struct focus_call){.from = slice_of(from), .to = slice_of(to)},
				 ret_call);
}

static struct call *must_connect(struct world *world)
{
	struct call *call = NULL;

	CHECK_INT("create",
		  connect_call(world, "sip:alice@" WORLD_PHONES, "sip:bob@" WORLD_PHONES, &call),
		  0);
	return call;
}

static enum call_state state_of(const struct call *call)
{
	struct call_view view;

	call_view(call, &view);
	return view.state;
}

static void two_parties(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_phone(world, "alice"), *bob = world_phone(world, "bob");
	struct fake_leg *a, *b;
	struct call *call;

	bob->answer_ms = 2000;
	call = must_connect(world);
	CHECK_INT("the first is called", state_of(call), CALL_DIALLING_FROM);
	CHECK("the second not yet", focus_call_to(call) == NULL);
	world_run(world, 1000);
	CHECK("the first has answered", alice->is_established);
	CHECK_INT("the second rings", state_of(call), CALL_RINGING);
	CHECK("no focus is told of", !strstr(alice->contact, "isfocus"));
	world_run(world, 2000);
	CHECK_INT("connected", state_of(call), CALL_CONNECTED);
	CHECK("no focus for the second either", !strstr(bob->contact, "isfocus"));
	CHECK_SLICE("the second sees the first", sip_call_remote_uri(bob->call),
		    "sip:alice@" WORLD_PHONES);
	a = world_leg(world, focus_call_from(call));
	b = world_leg(world, focus_call_to(call));
	CHECK("on one bus", a->room && a->room == b->room);
	CHECK_INT("no room is to be seen", focus_room_count(world->focus), 0);
	CHECK_STR("events", world_events(world, NULL),
		  "call.created - dialling_from\n"
		  "call.changed - dialling_to\n"
		  "call.changed - ringing\n"
		  "call.changed - connected\n");
	phone_hang_up(bob);
	world_run(world, 1000);
	CHECK("the other is rung off", alice->has_ended);
	CHECK_STR("events", world_events(world, NULL),
		  "call.changed - ending\ncall.ended - ending bye\n");
	world_end(world, "two_parties");
}

/* Whatever goes wrong, at whatever moment: nobody and nothing is left. */
static void failures(void)
{
	static const struct {
		const char *name;
		enum phone_manner alice, bob;
		uint16_t status;
		const char *last; /* event */
	} rows[] = {
		{"the first is busy", PHONE_REJECTS, PHONE_ANSWERS, 486,
		 "call.ended - dialling_from busy 486\n"},
		{"the second declines", PHONE_ANSWERS, PHONE_REJECTS, 603,
		 "call.ended - ending declined 603\n"},
		{"the first does not answer", PHONE_RINGS, PHONE_ANSWERS, 0,
		 "call.ended - dialling_from no_answer 487\n"},
		{"the second does not answer", PHONE_ANSWERS, PHONE_RINGS, 0,
		 "call.ended - ending no_answer 487\n"},
		{"the second is not there", PHONE_ANSWERS, PHONE_IS_SILENT, 0,
		 "call.ended - ending no_answer 487\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(NULL);
		struct phone *alice = world_phone(world, "alice"), *bob = world_phone(world, "bob");

		alice->manner = rows[i].alice;
		bob->manner = rows[i].bob;
		alice->status = bob->status = rows[i].status;
		must_connect(world);
		world_run(world, 150000);
		CHECK_STR(rows[i].name, world_events(world, "call.ended"), rows[i].last);
		CHECK(rows[i].name, !alice->call && !bob->call);
		CHECK(rows[i].name, focus_call_next(world->focus, NULL) == NULL);
		world_end(world, rows[i].name);
	}
}

static void hung_up_in_the_middle(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_phone(world, "alice"), *bob = world_phone(world, "bob");

	bob->manner = PHONE_RINGS;
	must_connect(world);
	world_run(world, 1000);
	phone_hang_up(alice);
	world_run(world, 1000);
	CHECK("the second's phone stops", bob->has_ended && !bob->is_established);
	CHECK_STR(NULL, world_events(world, "call.ended"), "call.ended - ending bye\n");
	world_end(world, "hung_up_in_the_middle");
}

static void ended_by_the_api(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_phone(world, "alice"), *bob = world_phone(world, "bob");
	struct call *call = must_connect(world);

	world_run(world, 1000);
	focus_call_end(world->focus, call, "ended");
	focus_call_end(world->focus, call, "ended");
	CHECK_INT("both are rung off", state_of(call), CALL_ENDING);
	world_run(world, 1000);
	CHECK("both have ended", alice->has_ended && bob->has_ended);
	CHECK_STR(NULL, world_events(world, "call.ended"), "call.ended - ending ended\n");
	world_end(world, "ended_by_the_api");
}

static void refused(void)
{
	static const struct {
		const char *name, *config, *from, *to;
		int err;
	} rows[] = {
		{"no URI", NULL, "alice", "sip:bob@" WORLD_PHONES, ERR_BAD_TARGET},
		{"second is no URI", NULL, "sip:alice@" WORLD_PHONES, "http://bob", ERR_BAD_TARGET},
		{"oneself", NULL, "sip:bob@" WORLD_PHONES, "sip:bob@" WORLD_PHONES, ERR_LOOP},
		{"not allowed", "focus.dial_out=false", "sip:alice@" WORLD_PHONES,
		 "sip:bob@" WORLD_PHONES, ERR_NOT_ALLOWED},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(&(struct world_options){.config = rows[i].config});
		struct call *call = NULL;

		CHECK_INT(rows[i].name, connect_call(world, rows[i].from, rows[i].to, &call),
			  rows[i].err);
		CHECK(rows[i].name, focus_call_next(world->focus, NULL) == NULL);
		CHECK_STR(rows[i].name, world_events(world, NULL), "");
		world_end(world, rows[i].name);
	}
}

static void no_ports(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_phone(world, "alice");
	struct call *call = NULL;

	world_phone(world, "bob");
	fake_media_set_ports(world->media, 0);
	CHECK_INT("for the first",
		  connect_call(world, "sip:alice@" WORLD_PHONES, "sip:bob@" WORLD_PHONES, &call),
		  ERR_MEDIA_NO_PORTS);
	fake_media_set_ports(world->media, 1);
	must_connect(world);
	world_run(world, 1000);
	CHECK("for the second: the first is rung off", alice->has_ended);
	CHECK_STR(NULL, world_events(world, "call.ended"), "call.ended - ending failed\n");
	world_end(world, "no_ports");
}

static void becomes_a_conference(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_phone(world, "alice"), *bob = world_phone(world, "bob");
	struct call *call = must_connect(world);
	struct room *room = NULL;
	struct room_view view;
	char want[128];
	uint16_t port;

	CHECK_INT("not before they talk", focus_call_to_room(world->focus, call, &room), ERR_STATE);
	world_run(world, 1000);
	port = addr_port(&alice->agreed.remote_rtp);
	(void)world_events(world, NULL);
	if (!CHECK_INT(NULL, focus_call_to_room(world->focus, call, &room), 0))
		return;
	room_view(room, &view);
	CHECK_INT("both are in it", view.participants, 2);
	CHECK_STR("origin", room_origin_name(view.origin), "connect");
	CHECK("no call any more", focus_call_next(world->focus, NULL) == NULL);
	world_run(world, 1000);
	CHECK_INT("one more exchange each", alice->exchanges + bob->exchanges, 4);
	CHECK_INT("the port stays", addr_port(&alice->agreed.remote_rtp), port);
	snprintf(want, sizeof(want), "sip:" SLICE_FMT "@" WORLD_SERVER, SLICE_ARG(view.id));
	CHECK_SLICE("they know the conference", sip_call_remote_target(alice->call), want);
	CHECK("and that it is one",
	      sip_call_is_remote_focus(alice->call) && sip_call_is_remote_focus(bob->call));
	CHECK("events",
	      strstr(world_events(world, NULL), "call.ended - connected conference\nroom.created"));
	phone_hang_up(bob);
	world_run(world, 1000);
	CHECK("one may leave", alice->call != NULL);
	world_end(world, "becomes_a_conference");
}

/* Bob is a user of ours, at his phone. */
static struct world *world_of_bob(struct phone **ret_bob)
{
	struct world *world = world_new(&(struct world_options){.config = "sip.registrar=open"});
	struct location_step step = {0};

	*ret_bob = world_phone(world, "bob");
	CHECK_INT(NULL,
		  binding_new(world->focus->location,
			      &(struct binding_make){.contact = SLICE("sip:bob@" WORLD_PHONES),
						     .params = SLICE(""),
						     .path = SLICE(""),
						     .instance = SLICE(""),
						     .call_id = SLICE("c"),
						     .user_agent = SLICE(""),
						     .cseq = 1,
						     .expires_s = 3600,
						     .q_thousandths = 1000},
			      &step.fresh),
		  0);
	CHECK_INT(NULL, location_apply(world->focus->location, SLICE("bob"), &step, 1), 0);
	(void)world_events(world, NULL);
	return world;
}

/* S1 as the owner drew it: Alice calls Bob through us, Carol joins, a conference it is. */
static void to_a_user(void)
{
	struct phone *bob, *alice, *carol;
	struct world *world = world_of_bob(&bob);

	alice = world_phone(world, "alice");
	carol = world_phone(world, "carol");
	bob->answer_ms = 2000;
	phone_dial(alice, "bob");
	world_run(world, 1000);
	CHECK_INT("it rings, as Bob's phone does", alice->rings, 1);
	CHECK("nobody has answered", !alice->is_established && bob->call);
	world_run(world, 2000);
	CHECK("answered", alice->is_established && bob->is_established);
	CHECK_STR("no focus", alice->contact, "<sip:bob@" WORLD_SERVER ">");
	CHECK_SLICE("Bob sees Alice", sip_call_remote_uri(bob->call), "sip:alice@" WORLD_PHONES);
	CHECK_INT("no room is to be seen", focus_room_count(world->focus), 0);
	CHECK_STR("events", world_events(world, "call."),
		  "call.created - dialling_to\n"
		  "call.changed - ringing\n"
		  "call.changed - connected\n");
	phone_dial_naming(carol, "bob", "Join", alice);
	world_run(world, 1000);
	CHECK("carol is in", carol->is_established);
	CHECK_INT("all three", focus_room_next(world->focus, SLICE_NONE)->participant_count, 3);
	CHECK("all know",
	      sip_call_is_remote_focus(alice->call) && sip_call_is_remote_focus(bob->call));
	world_end(world, "to_a_user");
}

static void to_a_user_who(void)
{
	static const struct {
		const char *name;
		enum phone_manner manner;
		uint16_t status, want;
	} rows[] = {
		{"is busy", PHONE_REJECTS, 486, 486},
		{"declines", PHONE_REJECTS, 603, 603},
		{"does not answer", PHONE_RINGS, 0, 487},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct phone *bob, *alice;
		struct world *world = world_of_bob(&bob);

		alice = world_phone(world, "alice");
		bob->manner = rows[i].manner;
		bob->status = rows[i].status;
		phone_dial(alice, "bob");
		world_run(world, 100000);
		CHECK_INT(rows[i].name, alice->final_status, rows[i].want);
		CHECK(rows[i].name, focus_call_next(world->focus, NULL) == NULL);
		world_end(world, rows[i].name);
	}
}

static void caller_gives_up(void)
{
	struct phone *bob, *alice;
	struct world *world = world_of_bob(&bob);

	alice = world_phone(world, "alice");
	bob->manner = PHONE_RINGS;
	phone_dial(alice, "bob");
	world_run(world, 1000);
	phone_hang_up(alice);
	world_run(world, 1000);
	CHECK("Bob's phone stops", bob->has_ended && !bob->is_established);
	world_end(world, "caller_gives_up");
}

static void nothing_in_common_with_a_caller(void)
{
	struct phone *bob, *alice;
	struct world *world = world_of_bob(&bob);
	struct buf errors = BUF_INIT;

	CHECK_INT(NULL, config_set(world->config, "media.codecs=PCMU", &errors), 0);
	buf_done(&errors);
	alice = world_phone(world, "alice");
	alice->has_only_pcma = true;
	phone_dial(alice, "bob");
	world_run(world, 1000);
	CHECK_INT("488", alice->final_status, 488);
	CHECK_INT("Bob is not disturbed", bob->calls, 0);
	world_end(world, "nothing_in_common_with_a_caller");
}

/* What Alice hears while Bob's phone rings: a tone, until his sound comes or he is there. */
static void ringback(void)
{
	static const struct {
		const char *name;
		enum phone_manner bob;
		bool has_sound;
	} rows[] = {
		{"he answers", PHONE_ANSWERS, false},
		{"he plays something before", PHONE_RINGS_EARLY, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(NULL);
		struct phone *alice = world_phone(world, "alice"), *bob = world_phone(world, "bob");
		struct call *call;
		handle leg;

		bob->manner = rows[i].bob;
		bob->answer_ms = 3000;
		call = must_connect(world);
		world_run(world, 1000);
		leg = focus_call_from(call)->leg.media;
		CHECK(rows[i].name, alice->is_established && !bob->is_established);
		CHECK("rings", fake_media_play(world->media, leg, 0) != NULL);
		if (rows[i].has_sound) {
			struct fake_leg *his = world_leg(world, focus_call_to(call));

			CHECK("his leg is in the mix", his->room && his->has_params);
			fake_media_tell(his, (struct media_event){.kind = MEDIA_LEG_ACTIVE});
			world_run(world, 100);
			CHECK("his own sound", !fake_media_play(world->media, leg, 0));
		}
		world_run(world, 3000);
		CHECK_INT(rows[i].name, state_of(call), CALL_CONNECTED);
		CHECK("quiet", !fake_media_play(world->media, leg, 0));
		world_end(world, rows[i].name);
	}
}

/* Third-party call control: the descriptions are theirs (RFC 3725 4.4, RFC 3262, RFC 3311). */
static void late_offer(void)
{
	static const struct {
		const char *name;
		enum phone_manner bob;
		bool has_100rel;
	} rows[] = {
		{"offer in the reliable 180", PHONE_RINGS_EARLY, true},
		{"offer in the 200", PHONE_ANSWERS, true},
		{"offer in the 200, no 100rel", PHONE_ANSWERS, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(
			&(struct world_options){.has_100rel = rows[i].has_100rel});
		struct phone *alice = world_phone(world, "alice"), *bob = world_phone(world, "bob");
		struct call *call;

		bob->manner = rows[i].bob;
		bob->answer_ms = 3000;
		CHECK_INT(rows[i].name,
			  focus_call_create(
				  world->focus,
				  &(struct focus_call){.from = SLICE("sip:alice@" WORLD_PHONES),
						       .to = SLICE("sip:bob@" WORLD_PHONES),
						       .is_late_offer = true},
				  &call),
			  0);
		world_run(world, 1000);
		CHECK_INT("Bob rings", state_of(call), CALL_RINGING);
		CHECK_INT("Alice was on hold, and is not any more", alice->exchanges, 2);
		CHECK("she hears ringing",
		      fake_media_play(world->media, focus_call_from(call)->leg.media, 0) != NULL);
		CHECK_INT(rows[i].name, alice->agreed.is_receiving, true);
		CHECK_INT("his offer is answered", bob->early_exchanges > 0,
			  rows[i].bob == PHONE_RINGS_EARLY);
		world_run(world, 3000);
		CHECK_INT(rows[i].name, state_of(call), CALL_CONNECTED);
		CHECK("both ways", alice->agreed.is_sending && alice->agreed.is_receiving &&
					   bob->agreed.is_sending && bob->agreed.is_receiving);
		CHECK_INT("she is told once", alice->exchanges, 2);
		CHECK_INT("no focus", strstr(alice->contact, "isfocus") != NULL, false);
		world_end(world, rows[i].name);
	}
}

/* Each way to fail, with descriptions that are theirs. */
static void late_offer_fails(void)
{
	static const struct {
		const char *name;
		enum phone_manner alice, bob;
		uint16_t status;
		const char *last; /* event */
	} rows[] = {
		{"the first is busy", PHONE_REJECTS, PHONE_ANSWERS, 486,
		 "call.ended - dialling_from busy 486\n"},
		{"the second declines", PHONE_ANSWERS, PHONE_REJECTS, 603,
		 "call.ended - ending declined 603\n"},
		{"the second rings for ever", PHONE_ANSWERS, PHONE_RINGS, 0,
		 "call.ended - ending no_answer 487\n"},
		{"the second is silent", PHONE_ANSWERS, PHONE_IS_SILENT, 0,
		 "call.ended - ending no_answer 487\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(&(struct world_options){.has_100rel = true});
		struct phone *alice = world_phone(world, "alice"), *bob = world_phone(world, "bob");
		struct call *call;

		alice->manner = rows[i].alice;
		bob->manner = rows[i].bob;
		alice->status = bob->status = rows[i].status;
		(void)focus_call_create(
			world->focus,
			&(struct focus_call){.from = SLICE("sip:alice@" WORLD_PHONES),
					     .to = SLICE("sip:bob@" WORLD_PHONES),
					     .is_late_offer = true},
			&call);
		world_run(world, 150000);
		CHECK_STR(rows[i].name, world_events(world, "call.ended"), rows[i].last);
		CHECK(rows[i].name, !alice->call && !bob->call);
		world_end(world, rows[i].name);
	}
}

void suite_calls(void)
{
	CHECK_SUITE("calls");
	CHECK_TEST(two_parties);
	CHECK_TEST(failures);
	CHECK_TEST(hung_up_in_the_middle);
	CHECK_TEST(ended_by_the_api);
	CHECK_TEST(refused);
	CHECK_TEST(no_ports);
	CHECK_TEST(becomes_a_conference);
	CHECK_TEST(to_a_user);
	CHECK_TEST(to_a_user_who);
	CHECK_TEST(caller_gives_up);
	CHECK_TEST(nothing_in_common_with_a_caller);
	CHECK_TEST(ringback);
	CHECK_TEST(late_offer);
	CHECK_TEST(late_offer_fails);
}
