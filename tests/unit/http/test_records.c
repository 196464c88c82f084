#include <stdio.h>

#include "tests/support/check.h"
#include "tests/unit/http/site.h"

#define RECORDS "/api/v1/call-records"

static void hang_up(struct site *site, unsigned phone)
{
	sip_call_hangup(site->phones[phone].call, NULL);
	site_pass(site, 500);
}

static void records(void)
{
	struct site *site = site_new(NULL);
	struct answer answer;
	char path[128];

	answer = site_ask(site, "GET", RECORDS, NULL, NULL);
	CHECK_INT("empty", answer.status, 200);
	CHECK_INT("empty", json_array_size(answer_member(&answer, "call_records")), 0);
	CHECK("empty", json_is_null(answer_member(&answer, "next")));
	answer_done(&answer);
	(void)site_dial(site, "anna", "lobby");
	(void)site_dial(site, "bert", "office");
	hang_up(site, 0);
	hang_up(site, 1);
	answer = site_ask(site, "GET", RECORDS, NULL, NULL);
	CHECK_INT("two", json_array_size(answer_member(&answer, "call_records")), 2);
	CHECK_STR("newest first", answer_text(&answer, "call_records.0.room_id"), "office");
	CHECK_STR("uri", answer_text(&answer, "call_records.1.uri"), "sip:anna@10.0.0.2");
	CHECK_STR("cause", answer_text(&answer, "call_records.1.cause"), "bye");
	CHECK_STR("direction", answer_text(&answer, "call_records.1.direction"), "incoming");
	CHECK_INT("status", json_integer_value(answer_member(&answer, "call_records.1.status")),
		  200);
	CHECK("duration",
	      json_integer_value(answer_member(&answer, "call_records.1.duration_ms")) > 0);
	answer_done(&answer);
	answer = site_ask(site, "GET", RECORDS "?limit=1", NULL, NULL);
	CHECK_INT("a page", json_array_size(answer_member(&answer, "call_records")), 1);
	(void)snprintf(path, sizeof(path), RECORDS "?limit=1&before=%lld",
		       (long long)json_integer_value(answer_member(&answer, "next")));
	answer_done(&answer);
	answer = site_ask(site, "GET", path, NULL, NULL);
	CHECK_STR("the next", answer_text(&answer, "call_records.0.room_id"), "lobby");
	CHECK("the last", json_is_null(answer_member(&answer, "next")));
	answer_done(&answer);
	answer = site_ask(site, "GET", RECORDS "?room=lobby", NULL, NULL);
	CHECK_INT("of one room", json_array_size(answer_member(&answer, "call_records")), 1);
	answer_done(&answer);
	CHECK_INT("limit", site_status(site, "GET", RECORDS "?limit=251", NULL, NULL), 400);
	CHECK_INT("before", site_status(site, "GET", RECORDS "?before=x", NULL, NULL), 400);
	site_free(site);
}

/* The client leaves while the store is asked; the server ends while it is. */
static void gone(void)
{
	struct site *site = site_new(NULL);
	struct client client = client_open(site);

	client_send(&client, SLICE("GET " RECORDS " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	client_close(&client);
	site_turn(site);
	site_turn(site);
	CHECK_INT("others go on", site_status(site, "GET", RECORDS, NULL, NULL), 200);
	client = client_open(site);
	client_send(&client, SLICE("GET " RECORDS " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	site_free(site);
	client_close(&client);
}

/* A store that does not answer is given up; its answer, when it comes after all, is dropped. */
static void hanging_store(void)
{
	struct site *site = site_new_store_polled();
	struct client client = client_open(site);
	struct answer answer;

	client_send(&client, SLICE("GET " RECORDS " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	for (int i = 0; i < 5; i++)
		site_turn(site);
	site_pass(site, 10001);
	answer = client_answer(&client, false);
	CHECK_INT("given up", answer.status, 503);
	CHECK_STR("given up", answer_text(&answer, "type"), "/problems/store-failed");
	answer_done(&answer);
	store_poll(site->store);
	CHECK_INT("others go on", site_status(site, "GET", "/healthz", NULL, NULL), 200);
	client_close(&client);
	site_free(site);
}

static void too_many_readers(void)
{
	struct site *site = site_new_store_polled();
	struct client clients[STORE_READS_MAX + 1];
	struct answer answer;

	for (int i = 0; i <= STORE_READS_MAX; i++) {
		clients[i] = client_open(site);
		client_send(&clients[i],
			    SLICE("GET " RECORDS " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
		site_turn(site);
	}
	answer = client_answer(&clients[STORE_READS_MAX], false);
	CHECK_INT("one too many", answer.status, 503);
	CHECK_STR("one too many", answer_text(&answer, "type"), "/problems/overloaded");
	CHECK("one too many", slice_present(answer_field(&answer, "Retry-After")));
	answer_done(&answer);
	for (int i = 0; i <= STORE_READS_MAX; i++)
		client_close(&clients[i]);
	site_free(site); /* with 64 questions unanswered */
}

void suite_records(void)
{
	CHECK_SUITE("records");
	CHECK_TEST(records);
	CHECK_TEST(gone);
	CHECK_TEST(hanging_store);
	CHECK_TEST(too_many_readers);
}
