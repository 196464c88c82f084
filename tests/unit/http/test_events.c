#include <stdio.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "http/events.h"
#include "http/server.h"
#include "tests/support/check.h"
#include "tests/unit/http/site.h"

#define STREAM "/api/v1/events"

static void make_room(struct site *site, const char *id)
{
	char body[128];

	(void)snprintf(body, sizeof(body), "{\"id\":\"%s\"}", id);
	CHECK_INT(id, site_status(site, "POST", "/api/v1/rooms", NULL, body), 201);
}

/* The next event is `name` with number `id` about `room`; "" stands for none. */
static void expect(const char *row, struct client *client, const char *name, const char *id,
		   const char *room)
{
	struct stream_event event = {0};
	const char *text;

	if (!CHECK(row, stream_next(client, &event)))
		return;
	CHECK_STR(row, event.name, name);
	CHECK_STR(row, event.id, id);
	text = json_string_value(json_object_get(event.data, "room_id"));
	CHECK_STR(row, text ? text : "", room);
	stream_event_done(&event);
}

static void live(void)
{
	struct site *site = site_new(NULL);
	struct client client;
	struct stream_event event;

	make_room(site, "before");
	CHECK_INT(NULL, stream_open(site, STREAM, NULL, &client), 200);
	CHECK_STR("greeting", stream_block(&client), "retry: 2000\n");
	make_room(site, "lobby");
	CHECK("created", stream_next(&client, &event));
	CHECK_STR("name", event.name, "room.created");
	CHECK_STR("id", event.id, "2");
	CHECK_INT("seq", json_integer_value(json_object_get(event.data, "seq")), 2);
	CHECK_STR("type", json_string_value(json_object_get(event.data, "type")), "room.created");
	CHECK_STR("room",
		  json_string_value(json_object_get(json_object_get(event.data, "room"), "id")),
		  "lobby");
	CHECK("no participant", !json_object_get(event.data, "participant"));
	stream_event_done(&event);
	(void)site_status(site, "PATCH", "/api/v1/rooms/lobby", NULL, "{\"locked\":true}");
	expect("changed", &client, "room.changed", "3", "lobby");
	(void)site_status(site, "DELETE", "/api/v1/rooms/lobby", NULL, NULL);
	expect("closed", &client, "room.closed", "4", "lobby");
	client_close(&client);
	site_free(site);
}

/* The message has gone by the time its events are written. */
static void mailboxes(void)
{
	static const char *const names[] = {"mailbox.message_added", "mailbox.message_changed",
					    "mailbox.message_removed"};
	struct site *site = site_new(NULL);
	struct stream_event event;
	struct client client;
	struct answer answer;
	char path[96];

	make_room(site, "lobby");
	CHECK_INT(NULL, stream_open(site, STREAM, NULL, &client), 200);
	CHECK_STR("greeting", stream_block(&client), "retry: 2000\n");
	answer = site_ask(site, "POST", "/api/v1/mailboxes/lobby/messages", NULL,
			  "{\"subject\":\"hi\",\"text\":\"call me\",\"from\":\"sip:a@b\"}");
	CHECK_INT("left", answer.status, 201);
	(void)snprintf(path, sizeof(path), "/api/v1/mailboxes/lobby/messages/%s",
		       answer_text(&answer, "id"));
	answer_done(&answer);
	CHECK_INT("read", site_status(site, "PATCH", path, NULL, "{\"read\":true}"), 200);
	CHECK_INT("deleted", site_status(site, "DELETE", path, NULL, NULL), 204);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const json_t *mail;

		if (!CHECK(names[i], stream_next(&client, &event)))
			break;
		mail = json_object_get(event.data, "mail");
		CHECK_STR("name", event.name, names[i]);
		CHECK_STR(names[i], json_string_value(json_object_get(mail, "mailbox")), "lobby");
		CHECK_STR(names[i], json_string_value(json_object_get(mail, "subject")), "hi");
		CHECK_STR(names[i], json_string_value(json_object_get(mail, "text")), "call me");
		CHECK_STR(names[i], json_string_value(json_object_get(mail, "from")), "sip:a@b");
		CHECK(names[i], json_is_true(json_object_get(mail, "read")) == (i > 0));
		CHECK("no room", !json_object_get(event.data, "room_id"));
		stream_event_done(&event);
	}
	client_close(&client);
	site_free(site);
}

static void participants(void)
{
	struct site *site = site_new(NULL);
	struct media_event digit = {.kind = MEDIA_LEG_DTMF, .digit = '7', .duration_ms = 120};
	struct client client;
	struct stream_event event;
	const char *anna;

	make_room(site, "lobby");
	(void)stream_open(site, STREAM, NULL, &client);
	(void)stream_block(&client);
	anna = site_dial(site, "anna", "lobby");
	expect("comes", &client, "participant.created", "2", "lobby");
	do { /* state changes on the way in */
		CHECK("joins", stream_next(&client, &event));
		CHECK_STR("whom", json_string_value(json_object_get(event.data, "participant_id")),
			  anna);
		stream_event_done(&event);
	} while (strcmp(event.name, "participant.joined") != 0 && event.name[0]);
	fake_media_tell(site_leg(site, "lobby", anna), digit);
	CHECK("digit", stream_next(&client, &event));
	CHECK_STR("digit", event.name, "dtmf");
	CHECK_STR("digit", json_string_value(json_object_get(event.data, "digit")), "7");
	CHECK_INT("digit", json_integer_value(json_object_get(event.data, "duration_ms")), 120);
	CHECK_STR("digit", json_string_value(json_object_get(event.data, "participant_id")), anna);
	stream_event_done(&event);
	sip_call_hangup(site->phones[0].call, NULL);
	site_pass(site, 200);
	do {
		CHECK("leaves", stream_next(&client, &event));
		if (strcmp(event.name, "participant.left") == 0)
			CHECK_STR("why", json_string_value(json_object_get(event.data, "cause")),
				  "bye");
		stream_event_done(&event);
	} while (strcmp(event.name, "participant.left") != 0 && event.name[0]);
	client_close(&client);
	site_free(site);
}

static void replay(void)
{
	static const struct {
		const char *name, *path, *fields;
		const char *first_event, *first_id;
	} cases[] = {
		{"from the first", STREAM, "Last-Event-ID: 0\r\n", "room.created", "1"},
		{"from the middle", STREAM, "Last-Event-ID: 2\r\n", "room.created", "3"},
		{"parameter", STREAM "?last_event_id=2", NULL, "room.created", "3"},
		{"header before parameter", STREAM "?last_event_id=0", "Last-Event-ID: 2\r\n",
		 "room.created", "3"},
		{"all seen", STREAM, "Last-Event-ID: 3\r\n", "room.created", "4"},
		{"not seen yet: of another life", STREAM, "Last-Event-ID: 9\r\n", "stream.reset",
		 "3"},
		{"nothing said: from now on", STREAM, NULL, "room.created", "4"},
		{"filtered", STREAM "?room=c", "Last-Event-ID: 0\r\n", "room.created", "3"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct site *site = site_new(NULL);
		struct client client;
		struct stream_event event = {0};

		make_room(site, "a");
		make_room(site, "b");
		make_room(site, "c");
		CHECK_INT(cases[i].name, stream_open(site, cases[i].path, cases[i].fields, &client),
			  200);
		(void)stream_block(&client);
		make_room(site, "d");
		CHECK(cases[i].name, stream_next(&client, &event));
		CHECK_STR(cases[i].name, event.name, cases[i].first_event);
		CHECK_STR(cases[i].name, event.id, cases[i].first_id);
		stream_event_done(&event);
		client_close(&client);
		site_free(site);
	}
}

static void gap(void)
{
	struct site *site = site_new("http.events_kept=16");
	struct client client;
	char id[16];

	for (int i = 0; i < 20; i++) {
		(void)snprintf(id, sizeof(id), "r%d", i);
		make_room(site, id);
	}
	(void)stream_open(site, STREAM, "Last-Event-ID: 4\r\n", &client);
	(void)stream_block(&client);
	expect("the oldest kept is 5", &client, "room.created", "5", "r4");
	client_close(&client);
	(void)stream_open(site, STREAM, "Last-Event-ID: 3\r\n", &client);
	(void)stream_block(&client);
	expect("one too old", &client, "stream.reset", "20", "");
	make_room(site, "next");
	expect("goes on from now", &client, "room.created", "21", "next");
	client_close(&client);
	CHECK_INT("counted", events_stats(site->http->events)->resets, 1);
	site_free(site);
}

static void filter(void)
{
	struct site *site = site_new(NULL);
	struct client client;

	(void)stream_open(site, STREAM "?room=b", NULL, &client);
	(void)stream_block(&client);
	make_room(site, "a");
	make_room(site, "b");
	make_room(site, "bb");
	(void)site_status(site, "DELETE", "/api/v1/rooms/b", NULL, NULL);
	expect("only b", &client, "room.created", "2", "b");
	expect("only b", &client, "room.closed", "4", "b");
	client_close(&client);
	site_free(site);
}

static void bad_requests(void)
{
	static const struct {
		const char *path, *fields;
	} cases[] = {
		{STREAM, "Last-Event-ID: x\r\n"},
		{STREAM, "Last-Event-ID: -1\r\n"},
		{STREAM, "Last-Event-ID: 99999999999999999999\r\n"},
		{STREAM "?last_event_id=1.5", NULL},
		{STREAM "?room=%", NULL},
		{STREAM
		 "?room=0123456789012345678901234567890123456789012345678901234567890123456789",
		 NULL},
	};
	struct site *site = site_new(NULL);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_INT(cases[i].fields ? cases[i].fields : cases[i].path,
			  site_status(site, "GET", cases[i].path, cases[i].fields, NULL), 400);
	CHECK_INT("no stream was left", events_stats(site->http->events)->clients, 0);
	site_free(site);
}

static void heartbeat(void)
{
	struct site *site = site_new(NULL);
	struct client client;

	(void)stream_open(site, STREAM, NULL, &client);
	(void)stream_block(&client);
	site_turn(site);
	site_pass(site, EVENTS_HEARTBEAT_MS);
	CHECK_STR("comment", stream_block(&client), ": still here\n");
	/* Who has gone is noticed at a heartbeat, at the latest at the second. */
	client_close(&client);
	for (int i = 0; i < 3; i++) {
		site_pass(site, EVENTS_HEARTBEAT_MS);
		site_turn(site);
	}
	CHECK_INT("let go", events_stats(site->http->events)->clients, 0);
	site_free(site);
}

/* A client that reads nothing: its cursor falls out of the ring, and it is cut off. */
static void slow_client(void)
{
	struct site *site = site_new("http.events_kept=16");
	struct client slow, quick;
	struct room_settings settings = {0};
	struct room *room;
	int turns = 0;

	make_room(site, "a");
	(void)stream_open(site, STREAM, NULL, &slow);
	(void)stream_open(site, STREAM, NULL, &quick);
	(void)stream_block(&quick);
	room = focus_room_find(site->focus, SLICE("a"));
	for (; turns < 100000 && events_stats(site->http->events)->cut_slow == 0; turns++) {
		struct stream_event event = {0};

		for (int i = 0; i < 8; i++) {
			settings.is_locked = !settings.is_locked;
			(void)focus_room_set(site->focus, room, &settings);
		}
		for (int i = 0; i < 8; i++) {
			CHECK("the quick one gets all", stream_next(&quick, &event));
			stream_event_done(&event);
		}
	}
	CHECK_INT("cut off", events_stats(site->http->events)->cut_slow, 1);
	site_turn(site);
	site_turn(site);
	CHECK_INT("one left", events_stats(site->http->events)->clients, 1);
	client_close(&slow);
	client_close(&quick);
	site_free(site);
}

/* The same when little happens: something waits, and nothing is read for long. */
static void stalled_client(void)
{
	struct site *site = site_new("http.events_kept=1000000");
	struct room_settings settings = {0};
	struct client client;
	struct room *room;
	uint64_t sent = 0, before = 1;

	make_room(site, "a");
	(void)stream_open(site, STREAM, NULL, &client);
	room = focus_room_find(site->focus, SLICE("a"));
	while (sent != before) { /* until the line takes no more */
		before = sent;
		for (int i = 0; i < 2000; i++) {
			settings.is_locked = !settings.is_locked;
			(void)focus_room_set(site->focus, room, &settings);
		}
		for (int i = 0; i < 50; i++)
			(void)loop_turn(site->loop, 0);
		sent = events_stats(site->http->events)->sent;
	}
	site_pass(site, EVENTS_STALL_MS - 1000);
	CHECK_INT("in time yet", events_stats(site->http->events)->cut_slow, 0);
	site_pass(site, EVENTS_HEARTBEAT_MS + 1000);
	CHECK_INT("cut off", events_stats(site->http->events)->cut_slow, 1);
	site_turn(site);
	CHECK_INT("let go", events_stats(site->http->events)->clients, 0);
	client_close(&client);
	site_free(site);
}

static void stream_limit(void)
{
	struct site *site = site_new("http.connections_max=8"); /* 6 of them for streams */
	struct client clients[6], another;
	struct answer answer;

	for (int i = 0; i < 6; i++)
		CHECK_INT("opens", stream_open(site, STREAM, NULL, &clients[i]), 200);
	answer = site_ask(site, "GET", STREAM, NULL, NULL);
	CHECK_INT("one too many", answer.status, 503);
	CHECK_STR("one too many", answer_text(&answer, "type"), "/problems/too-many-streams");
	answer_done(&answer);
	CHECK_INT("requests go on", site_status(site, "GET", "/healthz", NULL, NULL), 200);
	client_close(&clients[0]);
	site_pass(site, 3 * EVENTS_HEARTBEAT_MS);
	CHECK_INT("room again", stream_open(site, STREAM, NULL, &another), 200);
	client_close(&another);
	for (int i = 1; i < 6; i++)
		client_close(&clients[i]);
	site_free(site);
}

static void new_token(void)
{
	struct site *site = site_new("http.token=one");
	struct client client;

	CHECK_INT("no token", stream_open(site, STREAM, NULL, &client), 401);
	client_close(&client);
	(void)stream_open(site, STREAM, "Authorization: Bearer one\r\n", &client);
	(void)stream_block(&client);
	http_reload(site->http);
	site_turn(site);
	CHECK("the same token",
	      !client.is_closed && events_stats(site->http->events)->clients == 1);
	site_set(site, "http.token=two");
	http_reload(site->http);
	CHECK_STR("another: the stream ends", stream_block(&client), "");
	CHECK_INT("another", events_stats(site->http->events)->clients, 0);
	client_close(&client);
	site_free(site);
}

static void levels(void)
{
	struct site *site = site_new(NULL);
	struct client client;
	struct fake_leg *leg;
	const char *anna = site_dial(site, "anna", "lobby");

	leg = site_leg(site, "lobby", anna);
	leg->stats.level_in = MEDIA_LEVEL_SILENT;
	(void)stream_open(site, STREAM "?levels=lobby", NULL, &client);
	(void)stream_block(&client);
	site_turn(site);
	site_pass(site, EVENTS_LEVELS_MS + 1);
	CHECK_STR("first, though silent", stream_block(&client),
		  "event: levels\ndata: {\"room_id\":\"lobby\",\"levels\":[]}\n");
	site_turn(site);
	site_pass(site, 4 * EVENTS_LEVELS_MS); /* silence goes on: nothing is sent */
	leg->stats.level_in = 30;
	site_pass(site, EVENTS_LEVELS_MS);
	CHECK("sounds",
	      strstr(stream_block(&client), "\"level_dbov\":-30,\"talking\":false") != NULL);
	leg->stats.level_in = MEDIA_LEVEL_SILENT;
	site_turn(site);
	site_pass(site, EVENTS_LEVELS_MS);
	CHECK_STR("silent again, told once", stream_block(&client),
		  "event: levels\ndata: {\"room_id\":\"lobby\",\"levels\":[]}\n");
	make_room(site, "other");
	expect("other rooms' events come too", &client, "room.created", "4", "other");
	client_close(&client);
	site_free(site);
}

static void levels_limit(void)
{
	struct site *site = site_new(NULL);
	struct client clients[EVENTS_LEVELS_ROOMS_MAX + 1];
	char path[64];

	for (int i = 0; i <= EVENTS_LEVELS_ROOMS_MAX; i++) {
		(void)snprintf(path, sizeof(path), STREAM "?levels=r%d", i);
		CHECK_INT(path, stream_open(site, path, NULL, &clients[i]), 200);
	}
	CHECK_INT("one without", events_stats(site->http->events)->levels_refused, 1);
	for (int i = 0; i <= EVENTS_LEVELS_ROOMS_MAX; i++)
		client_close(&clients[i]);
	site_free(site);
}

/* The server ends while streams are open and idle: nothing leaks, and the clients see the end. */
static void end_of_server(void)
{
	struct site *site = site_new(NULL);
	struct client client;

	(void)stream_open(site, STREAM, NULL, &client);
	(void)stream_block(&client);
	site_turn(site);
	site_free(site);
	CHECK_INT("closed", recv(client.fd, &(char){0}, 1, MSG_WAITALL) > 0, 0);
	client_close(&client);
}

void suite_events(void)
{
	CHECK_SUITE("events");
	CHECK_TEST(live);
	CHECK_TEST(mailboxes);
	CHECK_TEST(participants);
	CHECK_TEST(replay);
	CHECK_TEST(gap);
	CHECK_TEST(filter);
	CHECK_TEST(bad_requests);
	CHECK_TEST(heartbeat);
	CHECK_TEST(slow_client);
	CHECK_TEST(stalled_client);
	CHECK_TEST(stream_limit);
	CHECK_TEST(new_token);
	CHECK_TEST(levels);
	CHECK_TEST(levels_limit);
	CHECK_TEST(end_of_server);
}
