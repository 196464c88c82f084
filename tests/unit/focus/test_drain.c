#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static void empty(void)
{
	struct world *world = world_new(NULL);

	focus_drain(world->focus, world_on_empty, world);
	CHECK("never from inside", !world->is_empty_called);
	CHECK(NULL, focus_is_draining(world->focus));
	world_run(world, 10);
	CHECK("at once", world->is_empty_called);
	world_end(world, "empty");
}

static void waits_for_the_last(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct phone *bob = world_phone(world, "bob");

	focus_drain(world->focus, world_on_empty, world);
	focus_drain(world->focus, NULL, NULL); /* the first counts */
	phone_dial(bob, "lobby");
	world_run(world, 600000);
	CHECK("goes on", !alice->has_ended && !world->is_empty_called);
	CHECK_INT("nobody new", bob->final_status, 503);
	CHECK("when to come back", slice_starts(slice_of(bob->end_headers), SLICE("60\n")));
	phone_hang_up(alice);
	world_run(world, 1000);
	CHECK("empty", world->is_empty_called);
	world_end(world, "waits_for_the_last");
}

static void time_is_up(void)
{
	struct world *world = world_new(&(struct world_options){.config = "focus.drain_s=100"});
	struct phone *alice = world_join(world, "alice", "lobby");

	focus_drain(world->focus, world_on_empty, world);
	world_run(world, 99000);
	CHECK("not yet", !alice->has_ended);
	world_run(world, 2000);
	CHECK("rung off", alice->has_ended);
	CHECK_STR(NULL, alice->end_text, "SIP;cause=503;text=\"Server is shutting down\"");
	CHECK("and empty", world->is_empty_called);
	CHECK_STR(NULL, fake_store_last(&world->store)->end_cause, "server_stopped");
	world_end(world, "time_is_up");
}

static void no_time_at_all(void)
{
	struct world *world = world_new(&(struct world_options){.config = "focus.drain_s=0"});
	struct phone *alice = world_join(world, "alice", "lobby");

	focus_drain(world->focus, world_on_empty, world);
	world_run(world, 1000);
	CHECK(NULL, alice->has_ended && world->is_empty_called);
	world_end(world, "no_time_at_all");
}

static void stopped(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct phone *bob = world_join(world, "bob", "conf-factory");

	focus_drain(world->focus, world_on_empty, world);
	focus_stop(world->focus);
	focus_stop(world->focus);
	world_run(world, 1000);
	CHECK(NULL, alice->has_ended && bob->has_ended && world->is_empty_called);
	world_end(world, "stopped");
}

/* Phones that do not answer the BYE do not keep us. */
static void stopped_among_the_dead(void)
{
	struct world *world = world_new(NULL);

	world_join(world, "alice", "lobby");
	simnet_set_loss(world->net, 100, 0);
	focus_drain(world->focus, world_on_empty, world);
	focus_stop(world->focus);
	world_run(world, FOCUS_STOP_MS - 100);
	CHECK("tries", !world->is_empty_called);
	world_run(world, 200);
	CHECK("gives up", world->is_empty_called);
	world->is_empty_called = false;
	world_run(world, 60000);
	CHECK("told once", !world->is_empty_called);
	simnet_set_loss(world->net, 0, 0);
	world_end(world, "stopped_among_the_dead");
}

static void stored_rooms_stay_stored(void)
{
	struct world *world = world_new(&(struct world_options){.rooms = "lobby"});

	world_join(world, "alice", "lobby");
	focus_stop(world->focus);
	world_run(world, 10000);
	CHECK_INT(NULL, world->store.room_count, 1);
	CHECK_INT(NULL, world->store.deletes, 0);
	world_free(world);
}

static void redirects(void)
{
	struct world *world = world_new(&(struct world_options){
		.config = "focus.central_factory=sip:factory@central.example",
	});
	struct phone *alice = world_phone(world, "alice");

	focus_drain(world->focus, NULL, NULL);
	phone_dial(alice, "lobby");
	world_run(world, 1000);
	CHECK_INT(NULL, alice->final_status, 302);
	CHECK_STR(NULL, alice->end_headers, "<sip:factory@central.example>\n");
	world_end(world, "redirects");
}

void suite_drain(void)
{
	CHECK_SUITE("drain");
	CHECK_TEST(empty);
	CHECK_TEST(waits_for_the_last);
	CHECK_TEST(time_is_up);
	CHECK_TEST(no_time_at_all);
	CHECK_TEST(stopped);
	CHECK_TEST(stopped_among_the_dead);
	CHECK_TEST(stored_rooms_stay_stored);
	CHECK_TEST(redirects);
}
