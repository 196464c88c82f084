#include <stdio.h>

#include "base/attr.h"
#include "tests/support/check.h"
#include "tests/unit/http/site.h"

#define CALLS "/api/v1/calls"
#define TWO "{\"from\": \"sip:anna@10.0.0.2\", \"to\": \"sip:bert@10.0.0.2\"}"

static void connected(void)
{
	struct site *site = site_new(NULL);
	struct answer answer = site_ask(site, "POST", CALLS, NULL, TWO);
	char path[128], room[160];

	CHECK_INT("accepted", answer.status, 202);
	CHECK_STR("state", answer_text(&answer, "state"), "dialling_from");
	CHECK_INT("one leg", json_array_size(answer_member(&answer, "legs")), 1);
	CHECK("not connected yet", json_is_null(answer_member(&answer, "connected_at")));
	(void)snprintf(path, sizeof(path), CALLS "/%s", answer_text(&answer, "id"));
	CHECK_SLICE("Location", answer_field(&answer, "Location"), path);
	answer_done(&answer);
	site_pass(site, 2000);
	answer = site_ask(site, "GET", path, NULL, NULL);
	CHECK_STR("connected", answer_text(&answer, "state"), "connected");
	CHECK_INT("two legs", json_array_size(answer_member(&answer, "legs")), 2);
	CHECK_STR("who", answer_text(&answer, "legs.1.uri"), "sip:bert@10.0.0.2");
	answer_done(&answer);
	answer = site_ask(site, "GET", CALLS, NULL, NULL);
	CHECK_STR("listed", answer_text(&answer, "calls.0.to"), "sip:bert@10.0.0.2");
	answer_done(&answer);
	(void)snprintf(room, sizeof(room), "%s/room", path);
	answer = site_ask(site, "POST", room, NULL, NULL);
	CHECK_INT("made a conference", answer.status, 201);
	CHECK_STR("origin", answer_text(&answer, "origin"), "connect");
	CHECK_INT("of two", json_integer_value(answer_member(&answer, "participants")), 2);
	answer_done(&answer);
	CHECK_INT("no call any more", site_status(site, "GET", path, NULL, NULL), 404);
	site_free(site);
}

static void ended(void)
{
	struct site *site = site_new(NULL);
	struct answer answer = site_ask(site, "POST", CALLS, NULL, TWO);
	struct stream_event event;
	struct client stream;
	char path[128], room[160];

	(void)snprintf(path, sizeof(path), CALLS "/%s", answer_text(&answer, "id"));
	(void)snprintf(room, sizeof(room), "%s/room", path);
	answer_done(&answer);
	CHECK_INT("too early", site_status(site, "POST", room, NULL, NULL), 409);
	CHECK_INT("changed meanwhile",
		  site_status(site, "DELETE", path, "If-Match: \"no\"\r\n", NULL), 412);
	CHECK_INT("stream", stream_open(site, "/api/v1/events", NULL, &stream), 200);
	(void)stream_block(&stream);
	CHECK_INT("ended", site_status(site, "DELETE", path, NULL, NULL), 204);
	site_pass(site, 2000);
	if (CHECK("an event", stream_next(&stream, &event))) {
		CHECK_STR("name", event.name, "call.changed");
		CHECK_STR("state",
			  json_string_value(
				  json_object_get(json_object_get(event.data, "call"), "state")),
			  "ending");
		CHECK("no room", !json_object_get(event.data, "room_id"));
		stream_event_done(&event);
	}
	if (CHECK("another", stream_next(&stream, &event))) {
		CHECK_STR("name", event.name, "call.ended");
		CHECK_STR("cause", json_string_value(json_object_get(event.data, "cause")),
			  "ended");
		stream_event_done(&event);
	}
	client_close(&stream);
	CHECK_INT("gone", site_status(site, "GET", path, NULL, NULL), 404);
	CHECK_INT("gone", site_status(site, "DELETE", path, NULL, NULL), 404);
	CHECK_INT("gone", site_status(site, "POST", room, NULL, NULL), 404);
	site_free(site);
}

static void refused(void)
{
	static const struct {
		const char *name, *body, *field;
		int status;
	} rows[] = {
		{"from", "{\"from\": \"anna\", \"to\": \"sip:bert@10.0.0.2\"}", "from", 422},
		{"to", "{\"from\": \"sip:anna@10.0.0.2\", \"to\": \"mailto:x\"}", "to", 422},
		{"same", "{\"from\": \"sip:a@10.0.0.2\", \"to\": \"sip:a@10.0.0.2\"}", "to", 422},
		{"missing", "{\"from\": \"sip:a@10.0.0.2\"}", "to", 422},
	};
	struct site *site = site_new(NULL);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct answer answer = site_ask(site, "POST", CALLS, NULL, rows[i].body);

		CHECK_INT(rows[i].name, answer.status, rows[i].status);
		CHECK_STR(rows[i].name, answer_text(&answer, "field"), rows[i].field);
		answer_done(&answer);
	}
	CHECK_INT("unknown page", site_status(site, "GET", CALLS "?after=none", NULL, NULL), 400);
	site_set(site, "focus.dial_out=false");
	CHECK_INT("not allowed", site_status(site, "POST", CALLS, NULL, TWO), 403);
	site_free(site);
}

void suite_calls(void)
{
	CHECK_SUITE("calls");
	CHECK_TEST(connected);
	CHECK_TEST(ended);
	CHECK_TEST(refused);
}
