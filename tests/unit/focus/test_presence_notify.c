/* The event package `presence` (RFC 3856) of users and rooms. */
#include "base/attr.h"
#include "focus/focus_priv.h"
#include "focus/pidf.h"
#include "focus/registrar.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"
#include "tests/support/watcher.h"

static struct watcher watcher_new(void)
{
	return (struct watcher){.event = "presence", .accept = PIDF_CONTENT_TYPE};
}

static void register_phone(struct world *world, const char *user)
{
	struct binding *b = NULL;

	CHECK_INT("binding",
		  binding_new(world->focus->location,
			      &(struct binding_make){.contact = SLICE("sip:x@" WORLD_PHONES),
						     .expires_s = 60},
			      &b),
		  0);
	CHECK_INT("bound",
		  location_apply(world->focus->location, slice_of(user),
				 &(struct location_step){.fresh = b}, 1),
		  0);
}

static void of_a_user(void)
{
	struct world *world = world_new(&(struct world_options){.config = "sip.registrar=users"});
	struct watcher watcher = watcher_new();
	struct phone *anna;
	struct user *user;

	CHECK_INT("user",
		  users_create(world->focus->users, SLICE("anna"),
			       &(struct user_settings){.password = SLICE("secret"),
						       .aliases = SLICE("100"),
						       .is_enabled = true},
			       &user),
		  0);
	watcher_subscribe(world, &watcher, "sip:100@" WORLD_SERVER, NULL);
	CHECK_STR("type", watcher.type, PIDF_CONTENT_TYPE);
	CHECK("closed, by her name", watcher_tells(&watcher, "entity=\"sip:anna@10.0.0.1\"") &&
					     watcher_tells(&watcher, "<basic>closed</basic>"));
	world_run(world, 6000);
	register_phone(world, "anna");
	world_run(world, 200);
	CHECK("open", watcher_tells(&watcher, "<basic>open</basic>") &&
			      !watcher_tells(&watcher, "rpid:on-the-phone"));
	CHECK("not where her phone is", !watcher_tells(&watcher, WORLD_PHONES));
	anna = world_join(world, "anna", "lobby");
	CHECK_INT("not at once", watcher.notifies, 2);
	world_run(world, 5000);
	CHECK("in a call", watcher_tells(&watcher, "<rpid:on-the-phone/>") &&
				   watcher_tells(&watcher, "<note>In a call</note>"));
	phone_hang_up(anna);
	world_run(world, 6000);
	CHECK("not any more", watcher_tells(&watcher, "<basic>open</basic>") &&
				      !watcher_tells(&watcher, "on-the-phone"));
	CHECK_INT("four states", watcher.notifies, 4);
	world_run(world, 60000);
	CHECK("her phone has gone", watcher_tells(&watcher, "<basic>closed</basic>"));
	CHECK_INT("five", watcher.notifies, 5);
	watcher_end(world, &watcher);
	world_end(world, "of_a_user");
}

static void of_a_room(void)
{
	struct world *world = world_new(
		&(struct world_options){.config = "rooms.participants_max=2", .rooms = "lobby"});
	struct watcher watcher = watcher_new();
	struct phone *anna, *bert;

	watcher_subscribe(world, &watcher, "sip:lobby@" WORLD_SERVER, NULL);
	CHECK("open", watcher_tells(&watcher, "<basic>open</basic>") &&
			      watcher_tells(&watcher, "<note>0 of 2 participants</note>"));
	world_run(world, 5000);
	anna = world_join(world, "anna", "lobby");
	world_run(world, 5000);
	CHECK("in use", watcher_tells(&watcher, "<basic>open</basic>") &&
				watcher_tells(&watcher, "<rpid:on-the-phone/>") &&
				watcher_tells(&watcher, "<note>In use, 1 of 2 participants<"));
	bert = world_join(world, "bert", "lobby");
	world_run(world, 5000);
	CHECK("full", watcher_tells(&watcher, "<basic>closed</basic>") &&
			      watcher_tells(&watcher, "<rpid:busy/>") &&
			      watcher_tells(&watcher, "<note>Full, 2 of 2 participants<"));
	phone_hang_up(anna);
	phone_hang_up(bert);
	CHECK_INT(NULL,
		  focus_room_set(world->focus, world_room(world, "lobby"),
				 &(struct room_settings){.is_locked = true}),
		  0);
	world_run(world, 6000);
	CHECK("locked", watcher_tells(&watcher, "<basic>closed</basic>") &&
				watcher_tells(&watcher, "<note>Locked, 0 of 2 participants<"));
	CHECK_INT(NULL, focus_room_close(world->focus, world_room(world, "lobby"), "deleted"), 0);
	world_run(world, 1000);
	CHECK_STR("gone", watcher.reason, "noresource");
	buf_done(&watcher.body);
	world_end(world, "of_a_room");
}

void suite_presence_notify(void)
{
	CHECK_SUITE("presence_notify");
	CHECK_TEST(of_a_user);
	CHECK_TEST(of_a_room);
}
