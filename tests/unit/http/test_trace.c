/* The SIP messages of a call by the API: lists, texts and ladders. */
#include <stdio.h>

#include "base/attr.h"
#include "tests/support/check.h"
#include "tests/unit/http/site.h"

#define TRACE "/api/v1/trace"

static void of_a_participant(void)
{
	struct site *site = site_new(NULL);
	const char *id = site_dial(site, "anna", "room1");
	struct answer answer;
	char path[256], call_id[128];
	const json_t *messages;

	(void)snprintf(path, sizeof(path), "/api/v1/rooms/room1/participants/%s/sip", id);
	answer = site_ask(site, "GET", path, NULL, NULL);
	CHECK_INT("status", answer.status, 200);
	messages = answer_member(&answer, "messages");
	CHECK_INT("INVITE, 200, ACK", json_array_size(messages), 3);
	CHECK_STR("in", answer_text(&answer, "messages.0.direction"), "in");
	CHECK_STR("INVITE", answer_text(&answer, "messages.0.summary"), "INVITE (sdp)");
	CHECK("cseq", strstr(answer_text(&answer, "messages.0.cseq"), " INVITE") != NULL);
	CHECK_STR("remote", answer_text(&answer, "messages.0.remote"), "10.0.0.2:5060");
	CHECK_STR("local", answer_text(&answer, "messages.0.local"), "10.0.0.1:5060");
	CHECK_STR("transport", answer_text(&answer, "messages.0.transport"), "UDP");
	CHECK("text",
	      strncmp(answer_text(&answer, "messages.0.text"), "INVITE sip:room1@", 17) == 0);
	CHECK_STR("out", answer_text(&answer, "messages.1.direction"), "out");
	CHECK_STR("200", answer_text(&answer, "messages.1.summary"), "200 OK (sdp)");
	CHECK("no error", json_is_null(answer_member(&answer, "messages.1.error")));
	CHECK_STR("ACK", answer_text(&answer, "messages.2.summary"), "ACK");
	(void)snprintf(call_id, sizeof(call_id), "%s", answer_text(&answer, "call_id"));
	answer_done(&answer);

	/* It is there when the call is over, and found in the list. */
	(void)snprintf(path, sizeof(path), "/api/v1/rooms/room1/participants/%s", id);
	CHECK_INT("rung off", site_status(site, "DELETE", path, NULL, NULL), 204);
	site_pass(site, 1000);
	(void)snprintf(path, sizeof(path), "/api/v1/rooms/room1/participants/%s/sip", id);
	CHECK_INT("gone", site_status(site, "GET", path, NULL, NULL), 404);
	(void)snprintf(path, sizeof(path), TRACE "/%s", call_id);
	answer = site_ask(site, "GET", path, NULL, NULL);
	CHECK_INT("with BYE and its answer", json_array_size(answer_member(&answer, "messages")),
		  5);
	answer_done(&answer);
	answer = site_ask(site, "GET", TRACE, NULL, NULL);
	CHECK_STR("listed", answer_text(&answer, "calls.0.call_id"), call_id);
	CHECK_STR("last", answer_text(&answer, "calls.0.last"), "SIP/2.0 200 OK");
	CHECK_INT("count", json_integer_value(answer_member(&answer, "calls.0.messages")), 5);
	answer_done(&answer);
	site_free(site);
}

static void ladder(void)
{
	static const char *const arrows[] = {
		"hearth                               10.0.0.2:5060\n",
		" UDP         |<----------- INVITE (sdp) -------------|\n",
		" UDP         |------------ 200 OK (sdp) ------------>|\n",
		" UDP         |<---------------- ACK -----------------|\n",
	};
	struct site *site = site_new(NULL);
	const char *id = site_dial(site, "anna", "room1");
	struct answer answer;
	char path[256];

	(void)snprintf(path, sizeof(path), "/api/v1/rooms/room1/participants/%s/sip/ladder", id);
	answer = site_ask(site, "GET", path, NULL, NULL);
	CHECK_INT("status", answer.status, 200);
	CHECK_SLICE("type", answer_field(&answer, "Content-Type"), "text/plain; charset=utf-8");
	CHECK("Call-ID", slice_starts(buf_slice(&answer.body), SLICE("Call-ID: ")));
	for (size_t i = 0; i < ARRAY_LEN(arrows); i++)
		CHECK(arrows[i], memmem(buf_slice(&answer.body).p, buf_slice(&answer.body).len,
					arrows[i], strlen(arrows[i])) != NULL);
	answer_done(&answer);
	site_free(site);
}

/* A call that fails leaves its trace, by which one finds out why. */
static void of_a_call_that_failed(void)
{
	struct site *site = site_new(NULL);
	struct answer answer;
	char path[256];

	CHECK_INT("room", site_status(site, "POST", "/api/v1/rooms", NULL, "{\"id\": \"r\"}"), 201);
	CHECK_INT("call",
		  site_status(site, "POST", "/api/v1/rooms/r/participants", NULL,
			      "{\"uri\": \"sip:busy@10.0.0.2\"}"),
		  202);
	site_pass(site, 1000);
	answer = site_ask(site, "GET", TRACE "?limit=1", NULL, NULL);
	CHECK_INT("one", json_array_size(answer_member(&answer, "calls")), 1);
	(void)snprintf(path, sizeof(path), TRACE "/%s", answer_text(&answer, "calls.0.call_id"));
	answer_done(&answer);
	answer = site_ask(site, "GET", path, NULL, NULL);
	CHECK_STR("our INVITE", answer_text(&answer, "messages.0.direction"), "out");
	CHECK_STR("ends with our ACK of the 486", answer_text(&answer, "messages.2.summary"),
		  "ACK");
	answer_done(&answer);
	CHECK_INT("limit", site_status(site, "GET", TRACE "?limit=0", NULL, NULL), 400);
	CHECK_INT("unknown", site_status(site, "GET", TRACE "/nobody%40nowhere", NULL, NULL), 404);
	CHECK_INT("unknown", site_status(site, "GET", TRACE "/nobody/ladder", NULL, NULL), 404);
	CHECK_INT("no such participant",
		  site_status(site, "GET", "/api/v1/rooms/r/participants/x/sip/ladder", NULL, NULL),
		  404);
	site_free(site);
}

void suite_trace(void);
void suite_trace(void)
{
	CHECK_SUITE("trace");
	CHECK_TEST(of_a_participant);
	CHECK_TEST(ladder);
	CHECK_TEST(of_a_call_that_failed);
}
