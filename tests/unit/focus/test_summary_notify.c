/* The event package `message-summary` (RFC 3842). */
#include <stdio.h>

#include "base/attr.h"
#include "focus/focus_priv.h"
#include "focus/mailbox.h"
#include "focus/summary_doc.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"
#include "tests/support/watcher.h"

static struct world *world_with_anna(const char *config)
{
	char text[128];
	struct world *world;
	struct user *user;

	(void)snprintf(text, sizeof(text), "sip.registrar=users\n%s", config);
	world = world_new(&(struct world_options){.config = text, .rooms = "hall"});
	CHECK_INT("anna",
		  users_create(
			  world->focus->users, SLICE("anna"),
			  &(struct user_settings){.password = SLICE("secret"), .is_enabled = true},
			  &user),
		  0);
	return world;
}

static struct mail *leave(struct world *world, const char *mailbox, const char *subject)
{
	struct mail *mail = NULL;

	CHECK_INT(subject,
		  focus_mail_add(world->focus, slice_of(mailbox),
				 &(struct mail_make){.kind = MAIL_VOICE,
						     .from = SLICE("sip:bert@example.org"),
						     .subject = slice_of(subject)},
				 &mail),
		  0);
	return mail;
}

static struct watcher watcher_of(const char *user)
{
	return (struct watcher){
		.event = "message-summary", .accept = SUMMARY_CONTENT_TYPE, .from = user};
}

/* Counts first, headers of what is new with each change (seeds S5). */
static void life(void)
{
	struct world *world = world_with_anna("");
	struct watcher phone = watcher_of("anna");
	struct mail *mail = leave(world, "anna", "before");

	watcher_subscribe(world, &phone, "sip:anna@" WORLD_SERVER, NULL);
	CHECK_STR("type", phone.type, SUMMARY_CONTENT_TYPE);
	CHECK("counts", watcher_tells(&phone, "Messages-Waiting: yes\r\n"
					      "Message-Account: sip:anna@10.0.0.1\r\n"
					      "Voice-Message: 1/0 (0/0)\r\n"));
	CHECK("no headers yet", !watcher_tells(&phone, "Subject:"));
	world_run(world, 2000);
	(void)leave(world, "anna", "one");
	(void)leave(world, "anna", "two");
	world_run(world, 2000);
	CHECK_INT("both in one", phone.notifies, 2);
	CHECK("three", watcher_tells(&phone, "Voice-Message: 3/0 (0/0)\r\n\r\nTo: <sip:anna@"));
	CHECK("new ones", watcher_tells(&phone, "Subject: one\r\n") &&
				  watcher_tells(&phone, "Subject: two\r\n") &&
				  !watcher_tells(&phone, "Subject: before"));
	focus_mail_set(world->focus, mail, true, true);
	world_run(world, 2000);
	CHECK("read", watcher_tells(&phone, "Voice-Message: 2/1 (0/1)\r\n") &&
			      !watcher_tells(&phone, "Subject:"));
	mailbox_forget(world->focus, SLICE("anna"));
	world_run(world, 2000);
	CHECK("nothing waits", watcher_tells(&phone, "Messages-Waiting: no\r\n"));
	sip_watch_refresh(phone.watch);
	world_run(world, 200);
	CHECK_INT("refreshed", phone.notifies, 5);
	watcher_end(world, &phone);
	world_end(world, "life");
}

/* Many at once: the latest headers, all counted. */
static void many(void)
{
	struct world *world = world_with_anna("");
	struct watcher phone = watcher_of("anna");

	watcher_subscribe(world, &phone, "sip:anna@" WORLD_SERVER, NULL);
	for (int i = 0; i < 50; i++) {
		char subject[24];

		(void)snprintf(subject, sizeof(subject), "number %d", i);
		(void)leave(world, "anna", subject);
	}
	world_run(world, 2000);
	CHECK("all", watcher_tells(&phone, "Voice-Message: 50/0 (0/0)"));
	CHECK_INT("the latest", watcher_count(&phone, "Subject:"), 20);
	CHECK("up to the last", watcher_tells(&phone, "Subject: number 49\r\n") &&
					!watcher_tells(&phone, "Subject: number 29\r\n"));
	watcher_end(world, &phone);
	world_end(world, "many");
}

static void who_may(void)
{
	static const struct {
		const char *name, *config, *from, *uri;
		uint16_t refused;
	} rows[] = {
		{"herself", "", "anna", "sip:anna@" WORLD_SERVER, 0},
		{"another", "", "bert", "sip:anna@" WORLD_SERVER, 403},
		{"a room, from outside", "", "anna", "sip:hall@" WORLD_SERVER, 403},
		{"a room, from inside", "", "guest", "sip:hall@" WORLD_SERVER, 0},
		{"all", "mailboxes.readers=all", "bert", "sip:anna@" WORLD_SERVER, 0},
		{"off", "mailboxes.readers=off", "anna", "sip:anna@" WORLD_SERVER, 403},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_with_anna(rows[i].config);
		struct watcher phone = watcher_of(rows[i].from);

		world_join(world, "guest", "hall");
		watcher_subscribe(world, &phone, rows[i].uri, NULL);
		CHECK_INT(rows[i].name, phone.refused, rows[i].refused);
		CHECK_INT(rows[i].name, phone.notifies, rows[i].refused ? 0 : 1);
		watcher_end(world, &phone);
		world_end(world, rows[i].name);
	}
}

void suite_summary_notify(void)
{
	CHECK_SUITE("summary_notify");
	CHECK_TEST(life);
	CHECK_TEST(many);
	CHECK_TEST(who_may);
}
