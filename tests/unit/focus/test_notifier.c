/* What all event packages of the focus have in common. */
#include <errno.h>

#include "base/attr.h"
#include "focus/focus_priv.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"
#include "tests/support/watcher.h"

static void refused(void)
{
	static const struct {
		const char *name, *config, *event, *accept, *uri;
		uint16_t status;
	} rows[] = {
		{"nobody's dialogs", "", "dialog", NULL, "sip:nobody@" WORLD_SERVER, 404},
		{"nobody's presence", "", "presence", NULL, "sip:nobody@" WORLD_SERVER, 404},
		{"off", "focus.watch=off", "dialog", NULL, "sip:lobby@" WORLD_SERVER, 403},
		{"a guest", "focus.watch=users", "presence", NULL, "sip:lobby@" WORLD_SERVER, 403},
		{"another type", "", "presence", "application/xpidf+xml", "sip:lobby@" WORLD_SERVER,
		 406},
		{"another type of dialogs", "", "dialog", "application/pidf+xml",
		 "sip:lobby@" WORLD_SERVER, 406},
		{"another package", "", "reg", NULL, "sip:lobby@" WORLD_SERVER, 489},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(
			&(struct world_options){.config = rows[i].config, .rooms = "lobby"});
		struct watcher watcher = {.event = rows[i].event, .accept = rows[i].accept};

		watcher_subscribe(world, &watcher, rows[i].uri, NULL);
		CHECK_INT(rows[i].name, watcher.refused, rows[i].status);
		CHECK_INT(rows[i].name, hash_count(world->focus->watched), 0);
		buf_done(&watcher.body);
		world_end(world, rows[i].name);
	}
}

/* Whoever is in the conference is no stranger to it. */
static void insiders(void)
{
	struct world *world = world_new(
		&(struct world_options){.config = "focus.watch=users\nfocus.roster=participants"});
	struct phone *anna = world_join(world, "anna", "lobby");
	static const char *const events[] = {"conference", "dialog", "presence"};

	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		struct watcher watcher = {.event = events[i]};

		watcher_subscribe(world, &watcher, "", anna->call);
		CHECK(events[i], watcher.notifies == 1 && watcher.body.len);
		CHECK_INT(events[i], world->focus->stats.subscriptions[i], 1);
		watcher_end(world, &watcher);
		CHECK_INT(events[i], world->focus->stats.subscriptions[i], 0);
	}
	world_end(world, "insiders");
}

/* What is in force is told (RFC 6446 5.3, 6.3, 7.3). */
static void rates(void)
{
	static const struct {
		const char *event, *state;
	} rows[] = {
		{"presence", "active;expires=3599"},
		{"presence;max-rate=0.1", "active;expires=3599;max-rate=0.100"},
		{"presence;max-rate=9", "active;expires=3599;max-rate=0.200"},
		{"presence;min-rate=0.004;adaptive-min-rate=0.02",
		 "active;expires=3599;min-rate=0.004;adaptive-min-rate=0.020"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(&(struct world_options){.rooms = "lobby"});
		struct watcher watcher = {.event = rows[i].event};

		watcher_subscribe(world, &watcher, "sip:lobby@" WORLD_SERVER, NULL);
		CHECK_STR(rows[i].event, watcher.state, rows[i].state);
		watcher_end(world, &watcher);
		world_end(world, rows[i].event);
	}
}

/* Several packages of one thing: each ends by itself, the last takes the rest along. */
static void together(void)
{
	struct world *world = world_new(&(struct world_options){.rooms = "lobby"});
	struct watcher dialogs = {.event = "dialog"}, presence = {.event = "presence"},
		       more = {.event = "presence"};

	watcher_subscribe(world, &dialogs, "sip:lobby@" WORLD_SERVER, NULL);
	watcher_subscribe(world, &presence, "sip:lobby@" WORLD_SERVER, NULL);
	watcher_subscribe(world, &more, "sip:lobby@" WORLD_SERVER, NULL);
	CHECK_INT("one thing", hash_count(world->focus->watched), 1);
	watcher_end(world, &dialogs);
	CHECK_INT("still", hash_count(world->focus->watched), 1);
	CHECK_INT(NULL, focus_room_close(world->focus, world_room(world, "lobby"), "deleted"), 0);
	CHECK_INT("nothing", hash_count(world->focus->watched), 0);
	world_run(world, 1000);
	CHECK("both are told", presence.has_ended && more.has_ended);
	buf_done(&presence.body);
	buf_done(&more.body);
	world_end(world, "together");
}

/* Who goes down sends subscribers elsewhere (RFC 6665 4.1.3). */
static void draining(void)
{
	struct world *world = world_new(&(struct world_options){.rooms = "lobby,hall"});
	struct watcher presence = {.event = "presence"}, late = {.event = "presence"},
		       roster = {.event = "conference"}, another = {.event = "conference"};
	struct phone *anna = world_join(world, "anna", "lobby");

	watcher_subscribe(world, &presence, "sip:lobby@" WORLD_SERVER, NULL);
	watcher_subscribe(world, &roster, "sip:lobby@" WORLD_SERVER, NULL);
	focus_drain(world->focus, world_on_empty, world);
	world_run(world, 1000);
	CHECK_STR("elsewhere", presence.reason, "deactivated");
	CHECK("who is there is still told", !roster.has_ended);
	watcher_subscribe(world, &late, "sip:lobby@" WORLD_SERVER, NULL);
	CHECK_INT("nobody new", late.refused, 503);
	watcher_subscribe(world, &another, "sip:lobby@" WORLD_SERVER, NULL);
	CHECK("but to the roster of who is there", another.notifies == 1);
	phone_hang_up(anna);
	world_run(world, 2000);
	CHECK_STR("at last", roster.reason, "deactivated");
	CHECK("told before it is over", roster.has_ended && world->is_empty_called);
	buf_done(&presence.body);
	buf_done(&roster.body);
	buf_done(&another.body);
	world_end(world, "draining");
}

static const struct package *sound;
static bool is_broken;

static int write_or_fail(struct subscriber *subscriber, bool is_full, struct buf *out)
{
	return is_broken ? -ENOMEM : sound->write(subscriber, is_full, out);
}

/* A document that cannot be written ends the subscription, which may come back (RFC 6665 4.1.3):
 * at once, and at a change. */
static void not_to_be_written(void)
{
	for (int at_change = 0; at_change < 2; at_change++) {
		const char *row = at_change ? "a change" : "the first";
		struct world *world = world_new(NULL);
		struct watcher watcher = {.event = "conference"}, again = {.event = "conference"};
		struct phone *anna = world_join(world, "anna", "lobby");
		struct topic *topic = &world_room(world, "lobby")->roster.topic;
		struct package package = *topic->package;

		sound = topic->package;
		package.write = write_or_fail;
		topic->package = &package;
		is_broken = !at_change;
		watcher_subscribe(world, &watcher, "sip:lobby@" WORLD_SERVER, NULL);
		is_broken = true;
		world_join(world, "bert", "lobby");
		world_run(world, 3000);
		CHECK(row, watcher.has_ended);
		CHECK_STR(row, watcher.reason, "probation");
		CHECK_INT(row, watcher.retry_after_s, NOTIFIER_PROBATION_S);
		CHECK_INT(row, world->focus->stats.subscriptions[PACKAGE_CONFERENCE], 0);
		is_broken = false;
		watcher_subscribe(world, &again, "sip:lobby@" WORLD_SERVER, NULL);
		CHECK("it comes back", watcher_tells(&again, "state=\"full\"") &&
					       watcher_tells(&again, "sip:bert@"));
		watcher_end(world, &again);
		buf_done(&watcher.body);
		topic->package = sound;
		CHECK("the call goes on", anna->call != NULL);
		world_end(world, row);
	}
}

void suite_notifier(void)
{
	CHECK_SUITE("notifier");
	CHECK_TEST(refused);
	CHECK_TEST(insiders);
	CHECK_TEST(rates);
	CHECK_TEST(together);
	CHECK_TEST(draining);
	CHECK_TEST(not_to_be_written);
}
