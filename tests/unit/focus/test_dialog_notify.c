/* The event package `dialog` (RFC 4235), and what it has in common with the others. */
#include <stdio.h>

#include "base/attr.h"
#include "focus/dialog_doc.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/watched.h"
#include "sip/dialog_ref.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"
#include "tests/support/watcher.h"

static void check_version(struct watcher *watcher)
{
	CHECK_INT("versions have no gap", watcher_version(watcher), watcher->notifies - 1);
}

static struct watcher watcher_new(void)
{
	return (struct watcher){
		.event = "dialog", .accept = DIALOG_CONTENT_TYPE, .on_body = check_version};
}

static struct world *world_of_users(const char *config)
{
	struct world *world;
	struct buf text = BUF_INIT;

	buf_adds(&text, "sip.registrar=users\n");
	buf_adds(&text, config);
	world = world_new(&(struct world_options){.config = text.p});
	buf_done(&text);
	for (int i = 0; i < 2; i++) {
		struct user *user;

		CHECK_INT("user",
			  users_create(world->focus->users, slice_of(i ? "anna" : "bert"),
				       &(struct user_settings){.password = SLICE("secret"),
							       .is_enabled = true},
				       &user),
			  0);
	}
	return world;
}

static void of_a_room(void)
{
	struct world *world = world_new(NULL);
	struct watcher watcher = watcher_new();
	struct phone *anna = world_join(world, "anna", "lobby"), *bert;

	watcher_subscribe(world, &watcher, "sip:lobby@" WORLD_SERVER, NULL);
	CHECK_STR("type", watcher.type, DIALOG_CONTENT_TYPE);
	CHECK("full", watcher_tells(&watcher, "state=\"full\" entity=\"sip:lobby@10.0.0.1\""));
	CHECK("she called", watcher_tells(&watcher, "direction=\"recipient\""));
	CHECK("and is there", watcher_tells(&watcher, "<state>confirmed</state>"));
	CHECK("a focus", watcher_tells(&watcher, "<local><identity>sip:lobby@10.0.0.1</identity>"
						 "<target uri=\"sip:lobby@10.0.0.1\">"
						 "<param pname=\"isfocus\" pval=\"true\"/>"));
	CHECK("no tags", !watcher_tells(&watcher, "call-id"));
	bert = world_join(world, "bert", "lobby");
	world_run(world, 2000);
	CHECK("partial", watcher_tells(&watcher, "state=\"partial\""));
	CHECK_INT("bert alone", watcher_count(&watcher, "<dialog "), 1);
	CHECK("bert", watcher_tells(&watcher, "sip:bert@"));
	CHECK("hold", phone_set_direction(bert, SDP_SENDONLY));
	world_run(world, 2000);
	CHECK("on hold", watcher_tells(&watcher, "pname=\"+sip.rendering\" pval=\"no\""));
	phone_hang_up(anna);
	world_run(world, 2000);
	CHECK("anna's end", watcher_tells(&watcher, "<state event=\"remote-bye\">terminated"));
	CHECK_INT("and no more", watcher_count(&watcher, "<dialog "), 1);
	sip_watch_refresh(watcher.watch);
	world_run(world, 200);
	CHECK("full again", watcher_tells(&watcher, "state=\"full\""));
	CHECK_INT("who is left", watcher_count(&watcher, "<dialog "), 1);
	phone_hang_up(bert);
	world_run(world, 3000);
	CHECK_STR("the room has gone", watcher.reason, "noresource");
	CHECK_INT("nobody watches", world->focus->stats.subscriptions[PACKAGE_DIALOG], 0);
	CHECK_INT("nothing is watched", hash_count(world->focus->watched), 0);
	buf_done(&watcher.body);
	world_end(world, "of_a_room");
}

/* A mute changes nothing in the dialog: no NOTIFY. */
static void not_what_is_the_same(void)
{
	struct world *world = world_new(NULL);
	struct watcher watcher = watcher_new();
	struct phone *anna = world_join(world, "anna", "lobby");

	watcher_subscribe(world, &watcher, "sip:lobby@" WORLD_SERVER, NULL);
	CHECK_INT(NULL,
		  focus_participant_set(world->focus, phone_participant(anna, "lobby"),
					&(struct participant_control){.is_muted = true}),
		  0);
	world_run(world, 3000);
	CHECK_INT("the first alone", watcher.notifies, 1);
	watcher_end(world, &watcher);
	world_end(world, "not_what_is_the_same");
}

/* From the user's side: who is called is the recipient. */
static void of_a_user(void)
{
	struct world *world = world_of_users("");
	struct watcher watcher = watcher_new();
	struct phone *anna;

	watcher_subscribe(world, &watcher, "sip:anna@" WORLD_SERVER, NULL);
	CHECK("nothing yet", watcher_tells(&watcher, "state=\"full\""));
	CHECK_INT("none", watcher_count(&watcher, "<dialog "), 0);
	anna = world_join(world, "anna", "lobby");
	world_run(world, 2000);
	CHECK("she called", watcher_tells(&watcher, "direction=\"initiator\""));
	CHECK("a conference", watcher_tells(&watcher, "<remote><identity>sip:lobby@10.0.0.1<"));
	phone_hang_up(anna);
	world_run(world, 2000);
	CHECK("she hung up", watcher_tells(&watcher, "event=\"local-bye\""));
	CHECK_INT("deleted",
		  users_delete(world->focus->users, users_find(world->focus->users, SLICE("anna"))),
		  0);
	focus_user_deleted(world->focus, SLICE("anna"));
	world_run(world, 2000);
	CHECK_STR("gone", watcher.reason, "noresource");
	buf_done(&watcher.body);
	world_end(world, "of_a_user");
}

/* Each party of a two-party call is watched by its name, the call from inside. */
static void of_a_call(void)
{
	struct world *world = world_of_users("focus.dialog_tags=true\n");
	struct watcher user = watcher_new(), inside = watcher_new();
	struct phone *anna = world_phone(world, "anna"), *bert = world_phone(world, "bert");
	struct call *call;
	struct room *room;

	bert->answer_ms = 1500;
	watcher_subscribe(world, &user, "sip:bert@" WORLD_SERVER, NULL);
	CHECK_INT("create",
		  focus_call_create(world->focus,
				    &(struct focus_call){.from = SLICE("sip:anna@" WORLD_PHONES),
							 SLICE("sip:bert@" WORLD_PHONES)},
				    &call),
		  0);
	world_run(world, 1200);
	CHECK("it rings", watcher_tells(&user, "<state>early</state>"));
	CHECK("he is called", watcher_tells(&user, "direction=\"recipient\""));
	CHECK("by anna", watcher_tells(&user, "<remote><identity>sip:anna@" WORLD_PHONES "<"));
	world_run(world, 2000);
	CHECK("connected", watcher_tells(&user, "<state>confirmed</state>"));
	CHECK("with tags", watcher_tells(&user, "call-id=\"") &&
				   watcher_tells(&user, "local-tag=\"") &&
				   watcher_tells(&user, "remote-tag=\""));
	watcher_subscribe(world, &inside, "sip:x@" WORLD_SERVER, anna->call);
	CHECK_INT("both", watcher_count(&inside, "<dialog "), 2);
	CHECK_INT("it becomes a conference", focus_call_to_room(world->focus, call, &room), 0);
	world_run(world, 3000);
	CHECK_STR("the call has gone", inside.reason, "noresource");
	CHECK("he is in a conference", watcher_tells(&user, "<remote><identity>sip:conf-"));
	phone_hang_up(bert);
	world_run(world, 2000);
	buf_done(&inside.body);
	watcher_end(world, &user);
	world_end(world, "of_a_call");
}

static void how_it_ends(void)
{
	static const struct {
		const char *name;
		enum phone_manner manner;
		uint16_t status;
		const char *event;
	} rows[] = {
		{"busy", PHONE_REJECTS, 486, "<state event=\"rejected\" code=\"486\">terminated"},
		{"no answer", PHONE_RINGS, 0, "<state event=\"timeout\""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_of_users("focus.ring_s=5\n");
		struct watcher watcher = watcher_new();
		struct phone *bert = world_phone(world, "bert");
		struct room *room;
		struct participant *p;

		bert->manner = rows[i].manner;
		bert->status = rows[i].status;
		CHECK_INT(NULL,
			  focus_room_create(world->focus, SLICE("hall"), &(struct room_settings){0},
					    &room),
			  0);
		watcher_subscribe(world, &watcher, "sip:bert@" WORLD_SERVER, NULL);
		CHECK_INT(
			rows[i].name,
			focus_invite(world->focus, room,
				     &(struct focus_invite){.uri = SLICE("sip:bert@" WORLD_PHONES)},
				     &p),
			0);
		world_run(world, 10000);
		CHECK(rows[i].name, watcher_tells(&watcher, rows[i].event));
		watcher_end(world, &watcher);
		world_end(world, rows[i].name);
	}
}

/* More ends than are remembered: all that is left is told. */
static void more_than_remembered(void)
{
	struct world *world = world_new(
		&(struct world_options){.config = "focus.roster_interval_ms=600000"});
	struct watcher watcher = watcher_new();
	struct phone *phone = world_phone(world, "guest");

	world_join(world, "anna", "lobby");
	watcher_subscribe(world, &watcher, "sip:lobby@" WORLD_SERVER, NULL);
	for (int i = 0; i < WATCHED_GONE_MAX + 2; i++) {
		phone_dial(phone, "lobby");
		world_run(world, 200);
		phone_hang_up(phone);
		world_run(world, 200);
	}
	CHECK_INT("nothing told meanwhile", watcher.notifies, 1);
	world_run(world, 600000);
	CHECK("full", watcher_tells(&watcher, "state=\"full\""));
	CHECK_INT("anna alone", watcher_count(&watcher, "<dialog "), 1);
	watcher_end(world, &watcher);
	world_end(world, "more_than_remembered");
}

static void anonymous(void)
{
	struct world *world = world_new(NULL);
	struct watcher watcher = watcher_new();
	struct phone *anna = world_phone(world, "anna");

	anna->dial_headers = "Privacy: id\r\n";
	phone_dial(anna, "lobby");
	world_run(world, 500);
	watcher_subscribe(world, &watcher, "sip:lobby@" WORLD_SERVER, NULL);
	CHECK("not who she is", !watcher_tells(&watcher, "anna"));
	CHECK("that she is", watcher_tells(&watcher, "sip:anonymous@anonymous.invalid"));
	watcher_end(world, &watcher);
	world_end(world, "anonymous");
}

/* 3.2: of one dialog, by what names it; the watcher of a user has the user's view of the tags. */
static void of_one_dialog(void)
{
	static const struct {
		const char *name, *event; /* %s: Call-ID, our tag, anna's tag */
		bool is_user;
		uint16_t refused;
		uint32_t dialogs;
		bool has_tags;
	} rows[] = {
		{"all three", "dialog;call-id=\"%s\";to-tag=%s;from-tag=%s", false, 0, 1, true},
		{"not quoted", "dialog;call-id=%s;to-tag=%s;from-tag=%s", false, 0, 1, true},
		{"in any order", "dialog;include-session-description;call-id=\"%s\";to-tag=%s",
		 false, 0, 1, false},
		{"other tags", "dialog;call-id=\"%s\";to-tag=%sx;from-tag=%s", false, 0, 0, false},
		{"from our side, of a user", "dialog;call-id=\"%s\";to-tag=%s;from-tag=%s", true, 0,
		 0, false},
		{"from its side", "dialog;call-id=\"%s\";from-tag=%s;to-tag=%s", true, 0, 1, true},
		{"tags alone", "dialog;x=\"%s\";to-tag=%s;from-tag=%s", false, 400, 0, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_of_users("");
		struct watcher watcher = watcher_new();
		struct phone *anna = world_join(world, "anna", "lobby"), *bert;
		struct sip_dialog_ref ref;
		char event[512], parts[3][128];

		(void)world_join(world, "dora", "lobby");
		CHECK_INT(NULL, sip_dialog_ref_parse(slice_of(anna->dialog), &ref), 0);
		slice_cstr(ref.call_id, parts[0], sizeof(parts[0]));
		slice_cstr(ref.to_tag, parts[1], sizeof(parts[1]));
		slice_cstr(ref.from_tag, parts[2], sizeof(parts[2]));
		snprintf(event, sizeof(event), rows[i].event, parts[0], parts[1], parts[2]);
		watcher.event = event;
		watcher_subscribe(world, &watcher,
				  rows[i].is_user ? "sip:anna@" WORLD_SERVER
						  : "sip:lobby@" WORLD_SERVER,
				  NULL);
		CHECK_INT(rows[i].name, watcher.refused, rows[i].refused);
		CHECK_INT(rows[i].name, watcher_count(&watcher, "<dialog "), rows[i].dialogs);
		CHECK(rows[i].name, watcher_tells(&watcher, "call-id=") == rows[i].has_tags);
		CHECK(rows[i].name, !watcher_tells(&watcher, "session-description"));
		bert = world_join(world, "bert", "lobby");
		phone_hang_up(bert);
		world_run(world, 3000);
		CHECK_INT("of nobody else", watcher.notifies, !rows[i].refused);
		phone_hang_up(anna);
		world_run(world, 1000);
		if (rows[i].dialogs)
			CHECK(rows[i].name, watcher_tells(&watcher, "-bye\">terminated"));
		if (rows[i].refused)
			buf_done(&watcher.body);
		else
			watcher_end(world, &watcher);
		world_end(world, rows[i].name);
	}
}

void suite_dialog_notify(void)
{
	CHECK_SUITE("dialog_notify");
	CHECK_TEST(of_a_room);
	CHECK_TEST(not_what_is_the_same);
	CHECK_TEST(of_a_user);
	CHECK_TEST(of_a_call);
	CHECK_TEST(how_it_ends);
	CHECK_TEST(more_than_remembered);
	CHECK_TEST(anonymous);
	CHECK_TEST(of_one_dialog);
}
