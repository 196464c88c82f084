#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static struct room *make_room(struct world *world)
{
	struct room *room = NULL;

	CHECK_INT(
		NULL,
		focus_room_create(world->focus, SLICE("lobby"), &(struct room_settings){0}, &room),
		0);
	(void)world_events(world, NULL);
	return room;
}

static int call(struct world *world, const char *uri, struct participant **ret_participant)
{
	return focus_invite(world->focus, world_room(world, "lobby"),
			    &(struct focus_invite){.uri = slice_of(uri)}, ret_participant);
}

static struct participant *must_call(struct world *world, const char *uri)
{
	struct participant *p = NULL;

	CHECK_INT(uri, call(world, uri, &p), 0);
	return p;
}

static void answered(void)
{
	struct world *world = world_new(NULL);
	struct phone *bob = world_phone(world, "bob");
	struct participant_view view;
	struct participant *p = NULL;

	make_room(world);
	bob->answer_ms = 3000;
	CHECK_INT(NULL,
		  focus_invite(world->focus, world_room(world, "lobby"),
			       &(struct focus_invite){.uri = SLICE("sip:bob@" WORLD_PHONES),
						      .display_name = SLICE("Robert"),
						      .is_muted = true},
			       &p),
		  0);
	participant_view(p, &view);
	CHECK_INT(NULL, view.state, PARTICIPANT_DIALING_OUT);
	CHECK_SLICE(NULL, view.uri, "sip:bob@" WORLD_PHONES);
	CHECK_SLICE(NULL, view.display_name, "Robert");
	CHECK(NULL, view.is_outgoing && view.control.is_muted && view.call_id.len > 0);
	CHECK_INT("outside while it rings", world_leg(world, p)->room, 0);
	CHECK("muted from the start", world_leg(world, p)->control.is_muted);
	world_run(world, 1000);
	participant_view(p, &view);
	CHECK_INT(NULL, view.state, PARTICIPANT_ALERTING);
	CHECK_STR("isfocus in the INVITE", bob->contact, "<sip:lobby@" WORLD_SERVER ">;isfocus");
	world_run(world, 3000);
	participant_view(p, &view);
	CHECK_INT(NULL, view.state, PARTICIPANT_CONNECTED);
	CHECK("in the room", world_leg(world, p)->room != 0);
	CHECK("the phone is established", bob->is_established && bob->exchanges == 1);
	CHECK_INT("its address", addr_port(&world_leg(world, p)->params.remote_rtp), bob->port);
	phone_hang_up(bob);
	world_run(world, 1000);
	CHECK_STR(NULL, world_events(world, NULL),
		  "participant.created lobby bob dialing-out\n"
		  "participant.changed lobby bob alerting\n"
		  "participant.joined lobby bob connected\n"
		  "participant.left lobby bob disconnected bye\n");
	CHECK("record", fake_store_last(&world->store)->is_outgoing);
	CHECK_INT(NULL, focus_stats(world->focus)->dial_outs, 1);
	CHECK_INT(NULL, focus_stats(world->focus)->dial_outs_failed, 0);
	world_end(world, "answered");
}

static void refused(void)
{
	static const struct {
		uint16_t status;
		const char *left;
	} rows[] = {
		{486, "participant.left lobby bob disconnected busy 486\n"},
		{600, "participant.left lobby bob disconnected busy 600\n"},
		{603, "participant.left lobby bob disconnected declined 603\n"},
		{404, "participant.left lobby bob disconnected not_found 404\n"},
		{480, "participant.left lobby bob disconnected unavailable 480\n"},
		{488, "participant.left lobby bob disconnected not_acceptable 488\n"},
		{401, "participant.left lobby bob disconnected unauthorized 401\n"},
		{500, "participant.left lobby bob disconnected failed 500\n"},
		{302, "participant.left lobby bob disconnected redirected 302\n"}, /* to nowhere */
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(NULL);
		struct phone *bob = world_phone(world, "bob");

		bob->manner = PHONE_REJECTS;
		bob->status = rows[i].status;
		make_room(world);
		must_call(world, "sip:bob@" WORLD_PHONES);
		world_run(world, 2000);
		CHECK_STR(rows[i].left, world_events(world, "participant.left"), rows[i].left);
		CHECK_INT(rows[i].left, focus_stats(world->focus)->dial_outs_failed, 1);
		if (CHECK_INT(rows[i].left, world->store.record_count, 1))
			CHECK_INT(rows[i].left, fake_store_last(&world->store)->status,
				  rows[i].status);
		CHECK("a room by API stays", world_room(world, "lobby") != NULL);
		world_end(world, rows[i].left);
	}
}

static void nobody_answers(void)
{
	static const struct {
		const char *name;
		enum phone_manner manner;
	} rows[] = {{"rings", PHONE_RINGS}, {"is silent", PHONE_IS_SILENT}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(
			&(struct world_options){.config = "focus.ring_s=20"});
		struct phone *bob = world_phone(world, "bob");

		bob->manner = rows[i].manner;
		make_room(world);
		must_call(world, "sip:bob@" WORLD_PHONES);
		world_run(world, 19000);
		CHECK_STR(rows[i].name, world_events(world, "participant.left"), "");
		world_run(world, 2000);
		CHECK_STR(rows[i].name, world_events(world, "participant.left"),
			  "participant.left lobby bob disconnected no_answer 487\n");
		CHECK(rows[i].name, bob->has_ended);
		CHECK_INT(rows[i].name, bob->final_status, 487);
		world_end(world, rows[i].name);
	}
}

static void nobody_there(void)
{
	struct world *world = world_new(NULL);

	make_room(world);
	must_call(world, "sip:bob@10.0.0.99");
	world_run(world, 40000);
	CHECK_STR(NULL, world_events(world, "participant.left"),
		  "participant.left lobby bob disconnected no_answer 408\n");
	world_end(world, "nobody_there");
}

static void cancelled(void)
{
	static const struct {
		const char *name;
		enum phone_manner manner;
		uint32_t after_ms, answer_ms;
	} rows[] = {
		{"before anything came", PHONE_RINGS, 0, 0},
		{"while it rings", PHONE_RINGS, 1000, 0},
		{"while it is silent", PHONE_IS_SILENT, 300, 0},
		{"crossing the 200", PHONE_ANSWERS, 1000, 1000},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(NULL);
		struct phone *bob = world_phone(world, "bob");
		struct participant *p;

		bob->manner = rows[i].manner;
		bob->answer_ms = rows[i].answer_ms;
		make_room(world);
		p = must_call(world, "sip:bob@" WORLD_PHONES);
		world_run(world, rows[i].after_ms);
		CHECK_INT(rows[i].name, focus_kick(world->focus, p, "kicked"), 0);
		world_run(world, 40000);
		CHECK_INT(rows[i].name, world_roster(world, "lobby"), 0);
		CHECK(rows[i].name, bob->has_ended);
		CHECK(rows[i].name,
		      slice_starts(slice_of(world_events(world, "participant.left")),
				   SLICE("participant.left lobby bob disconnected kicked")));
		world_end(world, rows[i].name);
	}
}

static void room_closes_while_it_rings(void)
{
	struct world *world = world_new(NULL);
	struct phone *bob = world_phone(world, "bob");

	bob->manner = PHONE_RINGS;
	make_room(world);
	must_call(world, "sip:bob@" WORLD_PHONES);
	world_run(world, 1000);
	(void)world_events(world, NULL);
	(void)focus_room_close(world->focus, world_room(world, "lobby"), "deleted");
	CHECK_STR(
		NULL, world_events(world, NULL),
		"participant.left lobby bob disconnected room_closed\nroom.closed lobby deleted\n");
	world_run(world, 1000);
	CHECK_INT("cancelled", bob->final_status, 487);
	world_end(world, "room_closes_while_it_rings");
}

/* Redirections --------------------------------------------------------------------------------- */

static struct phone *redirector(struct world *world, const char *user, const char *contacts)
{
	struct phone *phone = world_phone(world, user);

	phone->manner = PHONE_REJECTS;
	phone->status = 302;
	phone->headers = contacts;
	return phone;
}

static void redirected(void)
{
	struct world *world = world_new(NULL);
	struct phone *bob = redirector(world, "bob", "Contact: <sip:carol@" WORLD_PHONES ">\r\n");
	struct phone *carol = world_phone(world, "carol");
	struct participant *p;

	make_room(world);
	p = must_call(world, "sip:bob@" WORLD_PHONES);
	world_run(world, 2000);
	CHECK_INT(NULL, p->state, PARTICIPANT_CONNECTED);
	CHECK("carol talks", carol->is_established && bob->calls == 1);
	CHECK_STR("isfocus again", carol->contact, "<sip:lobby@" WORLD_SERVER ">;isfocus");
	CHECK_INT("one participant", world_roster(world, "lobby"), 1);
	CHECK_INT("one leg", fake_media_legs(world->media), 1);
	CHECK_INT("one dial-out", focus_stats(world->focus)->dial_outs, 1);
	world_end(world, "redirected");
}

static void redirected_by_preference(void)
{
	struct world *world = world_new(NULL);
	struct phone *busy = world_phone(world, "busy"), *good = world_phone(world, "good");
	struct phone *last = world_phone(world, "last");

	redirector(world, "bob",
		   "Contact: <sip:last@" WORLD_PHONES ">;q=0.1, <sip:good@" WORLD_PHONES
		   ">;q=0.55,\r\n"
		   " <sip:busy@" WORLD_PHONES ">;q=0.9\r\n");
	busy->manner = PHONE_REJECTS;
	busy->status = 486;
	make_room(world);
	must_call(world, "sip:bob@" WORLD_PHONES);
	world_run(world, 2000);
	CHECK_INT("best first", busy->calls, 1);
	CHECK("then the next", good->is_established);
	CHECK_INT("no further", last->calls, 0);
	world_end(world, "redirected_by_preference");
}

static void declined_everywhere(void)
{
	struct world *world = world_new(NULL);
	struct phone *first = world_phone(world, "first"), *second = world_phone(world, "second");

	redirector(world, "bob",
		   "Contact: <sip:first@" WORLD_PHONES ">, <sip:second@" WORLD_PHONES ">\r\n");
	first->manner = PHONE_REJECTS;
	first->status = 603;
	make_room(world);
	must_call(world, "sip:bob@" WORLD_PHONES);
	world_run(world, 2000);
	CHECK_INT("6xx is for all", second->calls, 0);
	CHECK_INT(NULL, world_roster(world, "lobby"), 0);
	world_end(world, "declined_everywhere");
}

static void redirected_in_a_circle(void)
{
	struct world *world = world_new(NULL);
	struct phone *bob = redirector(world, "bob", "Contact: <sip:carol@" WORLD_PHONES ">\r\n");
	struct phone *carol = redirector(world, "carol",
					 "Contact: <sip:bob@" WORLD_PHONES
					 ">, <sip:carol@" WORLD_PHONES
					 ">, <sip:lobby@10.0.0.1>, <mailto:x@y>, <tel:+1>, <<\r\n");

	make_room(world);
	must_call(world, "sip:bob@" WORLD_PHONES);
	world_run(world, 5000);
	CHECK_INT("once", bob->calls, 1);
	CHECK_INT("once", carol->calls, 1);
	CHECK_STR(NULL, world_events(world, "participant.left"),
		  "participant.left lobby bob disconnected redirected 302\n");
	world_end(world, "redirected_in_a_circle");
}

static void redirected_on_and_on(void)
{
	struct world *world = world_new(NULL);
	struct phone *phones[8];
	char headers[8][64], user[16];

	for (int i = 0; i < 8; i++) {
		snprintf(user, sizeof(user), "p%d", i);
		snprintf(headers[i], sizeof(headers[i]), "Contact: <sip:p%d@" WORLD_PHONES ">\r\n",
			 i + 1);
		phones[i] = redirector(world, user, headers[i]);
	}
	make_room(world);
	must_call(world, "sip:p0@" WORLD_PHONES);
	world_run(world, 10000);
	CHECK_INT("the fifth redirection", phones[5]->calls, 1);
	CHECK_INT("is the last", phones[6]->calls, 0);
	CHECK_INT(NULL, world_roster(world, "lobby"), 0);
	world_end(world, "redirected_on_and_on");
}

/* Kicked first, redirected a moment later: nobody else is called. */
static void kicked_before_the_redirection(void)
{
	struct world *world = world_new(&(struct world_options){.delay_max_ms = 100});
	struct phone *bob = redirector(world, "bob", "Contact: <sip:carol@" WORLD_PHONES ">\r\n");
	struct phone *carol = world_phone(world, "carol");
	struct participant *p;

	make_room(world);
	p = must_call(world, "sip:bob@" WORLD_PHONES);
	while (!bob->calls)
		world_run(world, 1);
	(void)focus_kick(world->focus, p, "kicked");
	world_run(world, 5000);
	CHECK_INT("not called", carol->calls, 0);
	CHECK_INT(NULL, world_roster(world, "lobby"), 0);
	world_end(world, "kicked_before_the_redirection");
}

/* Refusals of our own ---------------------------------------------------------------------------
 */

static void targets(void)
{
	static const struct {
		const char *uri;
		int err;
	} rows[] = {
		{"bob", ERR_BAD_TARGET},
		{"", ERR_BAD_TARGET},
		{"http://x/", ERR_BAD_TARGET},
		{"mailto:x@y", ERR_BAD_TARGET},
		{"tel:+4930123", ERR_BAD_TARGET}, /* without an outbound proxy */
		{"sip:a b@10.0.0.2", ERR_BAD_TARGET},
		{"sip:x@10.0.0.2\r\nX: y", ERR_BAD_TARGET},
		{"sip:lobby@10.0.0.1", ERR_LOOP},
		{"SIP:lobby@10.0.0.1", ERR_LOOP},
		{"sip:l%6fbby@10.0.0.1", ERR_LOOP},
	};
	struct world *world = world_new(NULL);

	make_room(world);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct participant *p = NULL;

		CHECK_INT(rows[i].uri, call(world, rows[i].uri, &p), rows[i].err);
		CHECK(rows[i].uri, p == NULL);
	}
	CHECK_STR("nobody was told", world_events(world, NULL), "");
	CHECK_INT(NULL, fake_media_rooms(world->media), 0);
	world_end(world, "targets");
}

static void not_allowed(void)
{
	struct world *world = world_new(&(struct world_options){.config = "focus.dial_out=false"});
	struct participant *p = NULL;

	make_room(world);
	CHECK_INT(NULL, call(world, "sip:bob@" WORLD_PHONES, &p), ERR_NOT_ALLOWED);
	world_end(world, "not_allowed");
}

static void full_and_locked(void)
{
	struct world *world = world_new(NULL);
	struct room *room = make_room(world);
	struct participant *p = NULL;

	world_phone(world, "bob");
	(void)focus_room_set(world->focus, room,
			     &(struct room_settings){.is_locked = true, .participants_max = 1});
	CHECK_INT("the lock is for callers", call(world, "sip:bob@" WORLD_PHONES, &p), 0);
	CHECK_INT("full", call(world, "sip:carol@" WORLD_PHONES, &p), ERR_ROOM_FULL);
	focus_drain(world->focus, NULL, NULL);
	CHECK_INT("draining", call(world, "sip:carol@" WORLD_PHONES, &p), ERR_DRAINING);
	world_end(world, "full_and_locked");
}

static void media_fails(void)
{
	static const struct {
		const char *name;
		enum fake_op op;
		int err;
	} rows[] = {
		{"no room", FAKE_ROOM_OPEN, ERR_MEDIA_NO_ROOMS},
		{"queue full", FAKE_ROOM_OPEN, ERR_QUEUE_FULL},
		{"no leg", FAKE_LEG_OPEN, ERR_MEDIA_NO_LEGS},
		{"no port", FAKE_LEG_OPEN, ERR_MEDIA_NO_PORTS},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(NULL);
		struct phone *bob = world_phone(world, "bob");
		struct participant *p = NULL;

		make_room(world);
		fake_media_fail(world->media, rows[i].op, rows[i].err, 0, 1);
		CHECK_INT(rows[i].name, call(world, "sip:bob@" WORLD_PHONES, &p), rows[i].err);
		world_run(world, 100);
		CHECK_STR(rows[i].name, world_events(world, NULL), "");
		CHECK_INT(rows[i].name, bob->calls, 0);
		CHECK_INT(rows[i].name,
			  fake_media_rooms(world->media) + fake_media_legs(world->media), 0);
		CHECK_INT(rows[i].name, call(world, "sip:bob@" WORLD_PHONES, &p), 0);
		world_end(world, rows[i].name);
	}
}

static void cannot_enter(void)
{
	struct world *world = world_new(NULL);
	struct phone *bob = world_phone(world, "bob");

	make_room(world);
	fake_media_fail(world->media, FAKE_LEG_MOVE, ERR_STALE, 0, 1);
	must_call(world, "sip:bob@" WORLD_PHONES);
	world_run(world, 2000);
	CHECK("rung off", bob->has_ended);
	CHECK_STR(NULL, world_events(world, "participant.left"),
		  "participant.left lobby bob disconnected media_failed\n");
	world_end(world, "cannot_enter");
}

static void by_name(void)
{
	struct world *world = world_new(&(struct world_options){
		.config = "sip.outbound_proxy=sip:" WORLD_PHONES ";lr",
	});
	struct phone *bob = world_phone(world, "bob");

	make_room(world);
	must_call(world, "sip:bob@somewhere.example");
	world_run(world, 2000);
	CHECK("through the proxy", bob->is_established);
	world_end(world, "by_name");
}

/* A room calls another room of ours: allowed, and seen as what it is. */
static void another_room(void)
{
	struct world *world = world_new(NULL);
	struct participant_view view;
	struct participant *p;

	make_room(world);
	p = must_call(world, "sip:annex@" WORLD_SERVER);
	world_run(world, 2000);
	participant_view(p, &view);
	CHECK_INT(NULL, view.state, PARTICIPANT_CONNECTED);
	CHECK("a focus", view.is_remote_focus);
	CHECK_INT("the other end", world_roster(world, "annex"), 1);
	participant_view(focus_participant_next(world_room(world, "annex"), NULL), &view);
	CHECK("sees one too", view.is_remote_focus);
	CHECK_SLICE(NULL, view.uri, "sip:lobby@10.0.0.1");
	(void)focus_kick(world->focus, p, "kicked");
	world_run(world, 1000);
	CHECK("its room is gone", world_room(world, "annex") == NULL);
	world_end(world, "another_room");
}

/* By a name for the same room that the check of the target cannot know. */
static void itself(void)
{
	struct world *world = world_new(NULL);

	make_room(world);
	must_call(world, "sip:lobby@" WORLD_SERVER);
	world_run(world, 2000);
	CHECK_STR(NULL, world_events(world, "participant.left"),
		  "participant.left lobby lobby disconnected loop 482\n");
	CHECK_INT(NULL, focus_stats(world->focus)->rejected[FOCUS_REJECT_LOOP], 1);
	world_end(world, "itself");
}

void suite_invitation(void)
{
	CHECK_SUITE("invitation");
	CHECK_TEST(answered);
	CHECK_TEST(refused);
	CHECK_TEST(nobody_answers);
	CHECK_TEST(nobody_there);
	CHECK_TEST(cancelled);
	CHECK_TEST(room_closes_while_it_rings);
	CHECK_TEST(redirected);
	CHECK_TEST(redirected_by_preference);
	CHECK_TEST(declined_everywhere);
	CHECK_TEST(redirected_in_a_circle);
	CHECK_TEST(redirected_on_and_on);
	CHECK_TEST(kicked_before_the_redirection);
	CHECK_TEST(targets);
	CHECK_TEST(not_allowed);
	CHECK_TEST(full_and_locked);
	CHECK_TEST(media_fails);
	CHECK_TEST(cannot_enter);
	CHECK_TEST(by_name);
	CHECK_TEST(another_room);
	CHECK_TEST(itself);
}
