#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "focus/roster_doc.h"
#include "focus/roster_notify.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"
#include "tests/support/watcher.h"

/* Somebody who watches a room. */
struct roster_watcher {
	struct watcher base;
	uint32_t fulls, partials;
	uint32_t version;
};

static void on_body(struct watcher *base)
{
	struct roster_watcher *watcher = CONTAINER_OF(base, struct roster_watcher, base);
	uint32_t version = watcher_version(base);

	CHECK_INT("versions have no gap", version, watcher->version);
	watcher->version = version + 1;
	watcher->fulls += watcher_tells(base, "<users state=\"full\"");
	watcher->partials += watcher_tells(base, "<users state=\"partial\"");
}

static void subscribe(struct world *world, struct roster_watcher *watcher, const char *uri,
		      struct sip_call *call)
{
	watcher->base.event = "conference";
	watcher->base.accept = ROSTER_CONTENT_TYPE;
	watcher->base.on_body = on_body;
	watcher_subscribe(world, &watcher->base, uri, call);
}

static void unsubscribe(struct world *world, struct roster_watcher *watcher)
{
	watcher_end(world, &watcher->base);
}

static bool tells(const struct roster_watcher *watcher, const char *text)
{
	return watcher_tells(&watcher->base, text);
}

static void comes_and_goes(void)
{
	struct world *world = world_new(NULL);
	struct roster_watcher watcher = {0};
	struct phone *anna = world_join(world, "anna", "lobby"), *bert;

	subscribe(world, &watcher, "sip:lobby@" WORLD_SERVER, NULL);
	CHECK_INT("at once", watcher.base.notifies, 1);
	CHECK_INT("full", watcher.fulls, 1);
	CHECK("the conference", tells(&watcher, "entity=\"sip:lobby@10.0.0.1\" state=\"full\""));
	CHECK("anna", tells(&watcher, "<user entity=\"sip:anna@10.0.0.2"));
	CHECK("connected", tells(&watcher, "<status>connected</status>"));
	CHECK("count", tells(&watcher, "<user-count>1</user-count>"));
	CHECK_INT("gauge", focus_stats(world->focus)->subscriptions[PACKAGE_CONFERENCE], 1);
	world_run(world, 2000);
	bert = world_join(world, "bert", "lobby");
	world_run(world, 2000);
	CHECK_INT("then partial", watcher.partials, watcher.base.notifies - 1);
	CHECK("bert", tells(&watcher, "<user entity=\"sip:bert@10.0.0.2"));
	CHECK("not anna again", !tells(&watcher, "anna"));
	phone_hang_up(anna);
	world_run(world, 2000);
	CHECK("anna has left", tells(&watcher, "<user entity=\"sip:anna@10.0.0.2:5060\""
					       " state=\"deleted\">") ||
				       tells(&watcher, "<user entity=\"sip:anna@10.0.0.2\""
						       " state=\"deleted\">"));
	CHECK("by herself", tells(&watcher, "<disconnection-method>departed"));
	CHECK("one is left", tells(&watcher, "<user-count>1</user-count>"));
	phone_hang_up(bert);
	world_run(world, 2000);
	CHECK("the room has ended", watcher.base.has_ended);
	CHECK_STR("reason", watcher.base.reason, "noresource");
	CHECK("deleted", tells(&watcher, "state=\"deleted\" version="));
	buf_done(&watcher.base.body);
	world_end(world, "comes_and_goes");
}

static void throttled(void)
{
	struct world *world = world_new(
		&(struct world_options){.config = "focus.roster_interval_ms=5000"});
	struct roster_watcher watcher = {0};

	world_join(world, "anna", "lobby");
	subscribe(world, &watcher, "sip:lobby@" WORLD_SERVER, NULL);
	for (int i = 0; i < 5; i++) {
		char name[16];

		snprintf(name, sizeof(name), "p%d", i);
		world_join(world, name, "lobby");
	}
	CHECK_INT("none yet", watcher.base.notifies, 1);
	world_run(world, 5000);
	CHECK_INT("one for all", watcher.base.notifies, 2);
	for (int i = 0; i < 5; i++) {
		char entity[32];

		snprintf(entity, sizeof(entity), "sip:p%d@", i);
		CHECK(entity, tells(&watcher, entity));
	}
	unsubscribe(world, &watcher);
	world_end(world, "throttled");
}

/* Two phones of one user are one user; when one goes the other stays. */
static void two_endpoints(void)
{
	struct world *world = world_new(NULL);
	struct roster_watcher watcher = {0};
	struct phone *desk = world_join(world, "anna", "lobby");

	world_join(world, "anna", "lobby");
	subscribe(world, &watcher, "sip:lobby@" WORLD_SERVER, NULL);
	CHECK("one user", tells(&watcher, "<user ") &&
				  !strstr(strstr(watcher.base.body.p, "<user ") + 1, "<user "));
	CHECK("two endpoints",
	      tells(&watcher, "<endpoint ") &&
		      strstr(strstr(watcher.base.body.p, "<endpoint ") + 1, "<endpoint "));
	world_run(world, 2000);
	phone_hang_up(desk);
	world_run(world, 2000);
	CHECK("not deleted", tells(&watcher, "<user ") && !tells(&watcher, "deleted"));
	CHECK("one endpoint",
	      tells(&watcher, "<endpoint ") &&
		      !strstr(strstr(watcher.base.body.p, "<endpoint ") + 1, "<endpoint "));
	unsubscribe(world, &watcher);
	world_end(world, "two_endpoints");
}

static void muted_and_talking(void)
{
	struct world *world = world_new(NULL);
	struct roster_watcher watcher = {0};
	struct phone *anna = world_join(world, "anna", "lobby");
	struct participant *p = phone_participant(anna, "lobby");
	uint32_t before;

	subscribe(world, &watcher, "sip:lobby@" WORLD_SERVER, NULL);
	world_run(world, 2000);
	CHECK_INT(NULL,
		  focus_participant_set(world->focus, p,
					&(struct participant_control){.is_muted = true}),
		  0);
	world_run(world, 2000);
	CHECK("muted", tells(&watcher, "<status>muted-via-focus</status>") &&
			       tells(&watcher, "<status>recvonly</status>") &&
			       tells(&watcher, "<h:muted>true</h:muted>"));
	before = watcher.base.notifies;
	fake_media_tell(world_leg(world, p),
			(struct media_event){.kind = MEDIA_LEG_TALKING, .is_on = true});
	world_run(world, 2000);
	CHECK_INT("talking waits", watcher.base.notifies, before);
	world_run(world, 4000);
	CHECK("talking", tells(&watcher, "<h:talking>true</h:talking>"));
	CHECK_INT(NULL,
		  focus_room_set(world->focus, world_room(world, "lobby"),
				 &(struct room_settings){.is_muted = true}),
		  0);
	world_run(world, 2000);
	CHECK_INT("everybody is another: full", watcher.fulls, 2);
	unsubscribe(world, &watcher);
	world_end(world, "muted_and_talking");
}

/* By one's own keys, and by the room to all but its moderators. */
static void muted_by_whom(void)
{
	struct world *world = world_new(NULL);
	struct roster_watcher watcher = {0};
	struct phone *anna = world_join(world, "anna", "lobby");
	struct participant *p = phone_participant(anna, "lobby");

	world_join(world, "bert", "lobby");
	subscribe(world, &watcher, "sip:lobby@" WORLD_SERVER, NULL);
	participant_set_self(p, true, false);
	world_run(world, 2000);
	CHECK("by herself", tells(&watcher, "<status>muted-via-focus</status>") &&
				    tells(&watcher, "<h:muted>true</h:muted>"));
	participant_set_self(p, false, false);
	p->role = PARTICIPANT_MODERATOR;
	CHECK_INT(NULL,
		  focus_room_set(world->focus, world_room(world, "lobby"),
				 &(struct room_settings){.are_guests_muted = true}),
		  0);
	world_run(world, 2000);
	CHECK_INT("bert, who is none", watcher_count(&watcher.base, "muted-via-focus"), 1);
	CHECK_INT("two are told of", watcher_count(&watcher.base, "<endpoint "), 2);
	unsubscribe(world, &watcher);
	world_end(world, "muted_by_whom");
}

/* More departures than are remembered: the whole roster is told. */
static void version_gap(void)
{
	struct world *world = world_new(
		&(struct world_options){.config = "focus.roster_interval_ms=600000"});
	struct roster_watcher watcher = {0};
	struct phone *phone = world_phone(world, "guest");

	world_join(world, "anna", "lobby");
	subscribe(world, &watcher, "sip:lobby@" WORLD_SERVER, NULL);
	for (int i = 0; i < ROSTER_GONE_MAX + 2; i++) {
		phone_dial(phone, "lobby");
		world_run(world, 200);
		phone_hang_up(phone);
		world_run(world, 200);
	}
	CHECK_INT("nothing told meanwhile", watcher.base.notifies, 1);
	world_run(world, 600000);
	CHECK_INT("full", watcher.fulls, 2);
	CHECK("anna alone",
	      tells(&watcher, "<user-count>1</user-count>") && !tells(&watcher, "guest"));
	unsubscribe(world, &watcher);
	world_end(world, "version_gap");
}

static void in_the_dialog(void)
{
	struct world *world = world_new(NULL);
	struct roster_watcher watcher = {0};
	struct phone *anna = world_join(world, "anna", "lobby");

	world_join(world, "bert", "lobby");
	subscribe(world, &watcher, "sip:lobby@" WORLD_SERVER, anna->call);
	CHECK_INT("told", watcher.fulls, 1);
	phone_hang_up(anna);
	world_run(world, 2000);
	CHECK("it outlives the call (RFC 5057)",
	      !watcher.base.has_ended && tells(&watcher, "sip:anna@"));
	unsubscribe(world, &watcher);
	world_end(world, "in_the_dialog");
}

static void refused(void)
{
	static const struct {
		const char *name, *config, *uri;
		uint16_t status;
	} rows[] = {
		{"no such room", NULL, "sip:nowhere@" WORLD_SERVER, 404},
		{"a factory", NULL, "sip:conf-factory@" WORLD_SERVER, 404},
		{"off", "focus.roster=off", "sip:lobby@" WORLD_SERVER, 403},
		{"a stranger", "focus.roster=participants", "sip:lobby@" WORLD_SERVER, 403},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(&(struct world_options){.config = rows[i].config});
		struct roster_watcher watcher = {0};

		world_join(world, "anna", "lobby");
		subscribe(world, &watcher, rows[i].uri, NULL);
		CHECK_INT(rows[i].name, watcher.base.refused, rows[i].status);
		CHECK_INT(rows[i].name,
			  focus_stats(world->focus)->subscriptions[PACKAGE_CONFERENCE], 0);
		buf_done(&watcher.base.body);
		world_end(world, rows[i].name);
	}
}

static void anonymous(void)
{
	struct world *world = world_new(NULL);
	struct roster_watcher watcher = {0};
	struct phone *anna = world_phone(world, "anna");

	anna->dial_headers = "Privacy: id\r\nReferred-By: <sip:boss@example.org>\r\n";
	phone_dial(anna, "lobby");
	world_run(world, 500);
	subscribe(world, &watcher, "sip:lobby@" WORLD_SERVER, NULL);
	CHECK("her name is not told", !tells(&watcher, "anna"));
	CHECK("that somebody is there",
	      tells(&watcher, "<user entity=\"sip:anonymous-") && tells(&watcher, ">Anonymous<"));
	CHECK("who referred her", tells(&watcher, "<by>sip:boss@example.org</by>"));
	unsubscribe(world, &watcher);
	world_end(world, "anonymous");
}

/* Nor is she told as the one who sent another, also when she has left. */
static void anonymous_referrer(void)
{
	struct world *world = world_new(NULL);
	struct roster_watcher watcher = {0};
	struct phone *anna = world_phone(world, "anna"), *bert = world_phone(world, "bert");

	anna->dial_headers = "Privacy: id\r\n";
	phone_dial(anna, "lobby");
	world_run(world, 500);
	bert->dial_headers = "Referred-By: <sip:anna@" WORLD_PHONES ">\r\n";
	phone_dial(bert, "lobby");
	world_run(world, 500);
	phone_hang_up(anna);
	world_run(world, 500);
	subscribe(world, &watcher, "sip:lobby@" WORLD_SERVER, NULL);
	CHECK("bert is there", tells(&watcher, "sip:bert@"));
	CHECK("not by whom", !tells(&watcher, "anna") && !tells(&watcher, "<referred>"));
	CHECK("the server knows", strstr(phone_participant(bert, "lobby")->referred_by, "anna"));
	unsubscribe(world, &watcher);
	world_end(world, "anonymous_referrer");
}

/* Over UDP a document ends where a datagram would; the rest follows in partial ones. */
static void large(void)
{
	enum { PEOPLE = 300 };
	struct world *world = world_new(NULL);
	struct roster_watcher watcher = {0};
	struct room *room = NULL;
	struct buf seen = BUF_INIT;

	CHECK_INT(NULL,
		  focus_room_create(world->focus, SLICE("hall"), &(struct room_settings){0}, &room),
		  0);
	for (int i = 0; i < PEOPLE; i++) {
		char uri[64];
		struct participant *p;

		snprintf(uri, sizeof(uri), "sip:person%04d@10.0.0.9", i);
		CHECK_INT(uri,
			  focus_invite(world->focus, room,
				       &(struct focus_invite){.uri = slice_of(uri)}, &p),
			  0);
	}
	subscribe(world, &watcher, "sip:hall@" WORLD_SERVER, NULL);
	for (int i = 0; i < 10; i++) {
		CHECK("fits", watcher.base.body.len < 60000);
		buf_addslice(&seen, buf_slice(&watcher.base.body));
		world_run(world, 1000);
	}
	CHECK_INT("one full", watcher.fulls, 1);
	CHECK("and more", watcher.partials >= 1);
	for (int i = 0; i < PEOPLE; i++) {
		char user[32];

		snprintf(user, sizeof(user), "person%04d@", i);
		CHECK(user, strstr(seen.p, user));
	}
	buf_done(&seen);
	CHECK_INT(NULL, focus_room_close(world->focus, room, "deleted"), 0);
	world_run(world, 1000);
	buf_done(&watcher.base.body);
	world_end(world, "large");
}

/* Who comes by a move is in the roster once, before and after; the bridge is not. */
static void behind_a_bridge(void)
{
	struct world *world = world_new(NULL);
	struct roster_watcher watcher = {0};
	struct phone *bridge = world_phone(world, "old"), *anna = world_phone(world, "anna");
	struct room *room;
	char uri[128];

	bridge->contact_params = "isfocus";
	phone_dial(bridge, "conference-factory");
	world_run(world, 500);
	room = focus_room_next(world->focus, SLICE_NONE);
	CHECK_INT(NULL,
		  sip_call_request(bridge->call,
				   &(struct sip_call_request){
					   .method = "INFO",
					   .headers = "Info-Package: " SEATS_PACKAGE "\r\n",
					   .content_type = SEATS_CONTENT_TYPE,
					   .body = SLICE("seat abcdefghijklmnop name=Anna "
							 "uri=sip%3Aanna%4010.0.0.2%3A5060\n"
							 "seat ponmlkjihgfedcba anonymous "
							 "uri=sip%3Acarl%4010.0.0.2%3A5060\n"),
				   }),
		  0);
	world_run(world, 200);
	snprintf(uri, sizeof(uri), "sip:%s@" WORLD_SERVER, room->id);
	subscribe(world, &watcher, uri, NULL);
	CHECK("anna", tells(&watcher, "<user entity=\"sip:anna@10.0.0.2:5060\" state=\"full\">"
				      "<display-text>Anna</display-text>"));
	CHECK("behind the bridge",
	      tells(&watcher, "<cascaded-focus>sip:old@10.0.0.2:5060</cascaded-focus>"));
	CHECK("carl is not told", !tells(&watcher, "carl"));
	CHECK_INT("two users, no bridge", watcher_count(&watcher.base, "<user entity"), 2);
	CHECK("count", tells(&watcher, "<user-count>2</user-count>"));
	strcat(uri, ";seat=abcdefghijklmnop");
	phone_dial(anna, uri);
	world_run(world, 2000);
	CHECK_INT("still two", watcher_count(&watcher.base, "<user entity"), 2);
	CHECK_INT("anna once", watcher_count(&watcher.base, "<user entity=\"sip:anna@"), 1);
	CHECK_INT("and one behind the bridge", watcher_count(&watcher.base, "<cascaded-focus>"), 1);
	phone_hang_up(bridge);
	world_run(world, 2000);
	CHECK_INT("who was behind it is gone", watcher_count(&watcher.base, "<user entity"), 1);
	CHECK("count", tells(&watcher, "<user-count>1</user-count>"));
	unsubscribe(world, &watcher);
	world_end(world, "behind_a_bridge");
}

void suite_roster_notify(void)
{
	CHECK_SUITE("roster_notify");
	CHECK_TEST(comes_and_goes);
	CHECK_TEST(throttled);
	CHECK_TEST(two_endpoints);
	CHECK_TEST(muted_and_talking);
	CHECK_TEST(muted_by_whom);
	CHECK_TEST(version_gap);
	CHECK_TEST(in_the_dialog);
	CHECK_TEST(refused);
	CHECK_TEST(anonymous);
	CHECK_TEST(anonymous_referrer);
	CHECK_TEST(large);
	CHECK_TEST(behind_a_bridge);
}
