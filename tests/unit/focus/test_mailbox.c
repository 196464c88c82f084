/* Mailboxes: what comes in, what is counted, what goes. */
#include "focus/mailbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/recording.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static void add_user(struct world *world, const char *name, const char *aliases)
{
	struct user *user;

	CHECK_INT(name,
		  users_create(world->focus->users, slice_of(name),
			       &(struct user_settings){.password = SLICE("secret"),
						       .aliases = slice_of(aliases),
						       .is_enabled = true},
			       &user),
		  0);
}

static struct mail *add(struct world *world, const char *mailbox, bool is_urgent)
{
	struct mail *mail = NULL;

	CHECK_INT(mailbox,
		  focus_mail_add(world->focus, slice_of(mailbox),
				 &(struct mail_make){.kind = MAIL_VOICE,
						     .from = SLICE("sip:bert@example.org"),
						     .from_name = SLICE("Bert"),
						     .subject = SLICE("line\r\nend"),
						     .text = SLICE("call me\nsoon"),
						     .is_urgent = is_urgent},
				 &mail),
		  0);
	return mail;
}

static struct mail_counts counts(struct world *world, const char *mailbox)
{
	struct mailbox_view view = {.seq = 0};

	CHECK_INT(mailbox, focus_mailbox_view(world->focus, slice_of(mailbox), &view), 0);
	return view.total;
}

static void check_counts(struct world *world, const char *name, struct mail_counts want)
{
	struct mail_counts is = counts(world, "anna");

	CHECK_INT(name, is.fresh, want.fresh);
	CHECK_INT(name, is.old, want.old);
	CHECK_INT(name, is.fresh_urgent, want.fresh_urgent);
	CHECK_INT(name, is.old_urgent, want.old_urgent);
}

static void comes_and_goes(void)
{
	struct world *world = world_new(NULL);
	struct mail *first, *second;
	struct mail_view view;

	add_user(world, "anna", "100");
	check_counts(world, "empty", (struct mail_counts){0});
	first = add(world, "100", false);
	mail_view(first, &view);
	CHECK_SLICE("by her name", view.mailbox, "anna");
	CHECK_SLICE("no line ends in headers", view.subject, "line??end");
	CHECK_SLICE("the text is as it was", view.text, "call me\nsoon");
	second = add(world, "anna", true);
	check_counts(world, "two", (struct mail_counts){2, 0, 1, 0});
	focus_mail_set(world->focus, second, true, true);
	check_counts(world, "read", (struct mail_counts){1, 1, 0, 1});
	CHECK_STR("events", world_events(world, "mailbox"),
		  "mailbox.message_added \nmailbox.message_added \n"
		  "mailbox.message_changed \n");
	focus_mail_set(world->focus, second, true, true);
	CHECK_STR("nothing new", world_events(world, "mailbox"), "");
	mail_view(first, &view);
	CHECK("found", focus_mail_find(world->focus, SLICE("100"), view.id) == first);
	focus_mail_delete(world->focus, first);
	focus_mail_delete(world->focus, second);
	CHECK("an empty one holds nothing", !focus_mailbox_next(world->focus, SLICE_NONE));
	check_counts(world, "and is there", (struct mail_counts){0});
	CHECK_INT("nothing stays stored", world->store.mail_count, 0);
	world_end(world, "comes_and_goes");
}

static void refusals(void)
{
	struct world *world = world_new(
		&(struct world_options){.config = "mailboxes.messages_max=1", .rooms = "hall"});
	static char text[MAIL_TEXT_MAX + 1];
	struct mailbox_view view;
	struct mail *mail;

	add_user(world, "anna", "");
	CHECK_INT("nobody's", focus_mailbox_view(world->focus, SLICE("nobody"), &view),
		  ERR_MAILBOX_UNKNOWN);
	CHECK_INT("nobody's",
		  focus_mail_add(world->focus, SLICE("nobody"), &(struct mail_make){0}, &mail),
		  ERR_MAILBOX_UNKNOWN);
	memset(text, 'x', sizeof(text));
	CHECK_INT("too long",
		  focus_mail_add(world->focus, SLICE("anna"),
				 &(struct mail_make){.text = slice_make(text, sizeof(text))},
				 &mail),
		  ERR_LIMIT);
	CHECK_INT("from nowhere",
		  focus_mail_add(world->focus, SLICE("anna"),
				 &(struct mail_make){.from = SLICE("bert")}, &mail),
		  ERR_SIP_URI_SYNTAX);
	add(world, "anna", false);
	CHECK_INT("full",
		  focus_mail_add(world->focus, SLICE("anna"), &(struct mail_make){0}, &mail),
		  ERR_MAILBOX_FULL);
	CHECK_INT("counted", focus_mailbox_stats(world->focus)->refused, 1);
	world->store.fail = ERR_QUEUE_FULL;
	CHECK_INT("not kept",
		  focus_mail_add(world->focus, SLICE("hall"), &(struct mail_make){0}, &mail),
		  ERR_QUEUE_FULL);
	CHECK("not there", !focus_mailbox_find(world->focus, SLICE("hall")));
	world->store.fail = 0;
	world_end(world, "refusals");
}

/* What is stored is there after a restart. */
static void restarted(void)
{
	struct world *world = world_new(NULL);
	struct world *again;
	struct mail_view view;
	struct mail *mail;

	add_user(world, "anna", "");
	mail = add(world, "anna", true);
	focus_mail_set(world->focus, mail, true, true);
	again = world_new(NULL);
	CHECK_INT(NULL, store_mail_put_post(&again->store, &world->store.mails[0].row), 0);
	slice_cstr(slice_of(world->store.mails[0].text), again->store.mails[0].text,
		   sizeof(again->store.mails[0].text));
	CHECK_INT("load", mailboxes_load(again->focus), 0);
	check_counts(again, "as before", (struct mail_counts){0, 1, 0, 1});
	mail_view(focus_mail_next(focus_mailbox_find(again->focus, SLICE("anna")), NULL), &view);
	CHECK_SLICE("from", view.from, "sip:bert@example.org");
	CHECK_SLICE("text", view.text, "call me\nsoon");
	CHECK_INT("kind", view.kind, MAIL_VOICE);
	world_end(again, "restarted");
	world_end(world, "restarted");
}

/* It goes with whom it is of; with a user of the same name it stays. */
static void deleted(void)
{
	struct world *world = world_new(&(struct world_options){.rooms = "hall,anna"});

	add_user(world, "anna", "");
	add(world, "hall", false);
	add(world, "anna", false);
	CHECK_INT(NULL, focus_room_close(world->focus, world_room(world, "hall"), "deleted"), 0);
	CHECK_INT(NULL, focus_room_close(world->focus, world_room(world, "anna"), "deleted"), 0);
	CHECK("the room's has gone", !focus_mailbox_find(world->focus, SLICE("hall")));
	CHECK("the user's not", focus_mailbox_find(world->focus, SLICE("anna")) != NULL);
	CHECK_INT(NULL,
		  users_delete(world->focus->users, users_find(world->focus->users, SLICE("anna"))),
		  0);
	focus_user_deleted(world->focus, SLICE("anna"));
	CHECK("now it has", !focus_mailbox_next(world->focus, SLICE_NONE));
	CHECK_INT("none", focus_mailbox_stats(world->focus)->mails, 0);
	world_end(world, "deleted");
}

/* A recording of a room that stays is a message for it. */
static void recordings(void)
{
	char dir[] = "/tmp/hearth-mailbox-XXXXXX", config[96];
	struct recording *recording = NULL;
	struct mailbox *mailbox;
	struct mail_view view;
	struct world *world;

	CHECK("dir", mkdtemp(dir) != NULL);
	(void)snprintf(config, sizeof(config), "recordings.path=%s", dir);
	world = world_new(&(struct world_options){.config = config, .rooms = "hall"});
	for (int i = 0; i < 2; i++) {
		const char *room = i ? "passing" : "hall";

		world_join(world, "anna", room);
		CHECK_INT(
			room,
			focus_recording_start(world->focus, world_room(world, room),
					      &(struct recording_start){.format = MEDIA_RECORD_WAV},
					      &recording),
			0);
		fake_media_record_length(world->media, 4000);
		CHECK_INT(room, focus_recording_stop(recording), 0);
		fake_media_record_over(world->media, 0);
	}
	CHECK("not of a room that passes", !focus_mailbox_find(world->focus, SLICE("passing")));
	mailbox = focus_mailbox_find(world->focus, SLICE("hall"));
	if (CHECK("of one that stays", mailbox != NULL)) {
		mail_view(focus_mail_next(mailbox, NULL), &view);
		CHECK_SLICE("subject", view.subject, "Recording of hall");
		CHECK_INT("kind", view.kind, MAIL_VOICE);
		CHECK_INT("length", view.length_ms, 4000);
		recording = focus_recording_find(world->focus, view.recording);
		CHECK("leads there", recording != NULL);
		CHECK_INT("deleted", focus_recording_delete(recording), 0);
	}
	CHECK("and goes with it", !focus_mailbox_find(world->focus, SLICE("hall")));
	CHECK_INT("deleted", focus_recording_delete(focus_recording_next(world->focus, NULL)), 0);
	world_end(world, "recordings");
	CHECK_INT("nothing left", rmdir(dir), 0);
}

void suite_mailbox(void)
{
	CHECK_SUITE("mailbox");
	CHECK_TEST(comes_and_goes);
	CHECK_TEST(refusals);
	CHECK_TEST(restarted);
	CHECK_TEST(deleted);
	CHECK_TEST(recordings);
}
