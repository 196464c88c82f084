#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "tests/support/check.h"
#include "tests/unit/http/site.h"

#define ROOMS "/api/v1/rooms"

static void statuses(void)
{
	static const struct {
		const char *name, *method, *path, *fields, *body;
		int status;
	} cases[] = {
		{"nothing there", "GET", "/nothing", NULL, NULL, 404},
		{"broken escape", "GET", "/api/v1/rooms/%zz", NULL, NULL, 400},
		{"escaped NUL", "GET", "/api/v1/rooms/a%00", NULL, NULL, 400},
		{"method", "PUT", ROOMS, NULL, "{}", 405},
		{"made-up method", "BREW", ROOMS, NULL, NULL, 405},
		{"method on nothing", "PUT", "/nothing", NULL, NULL, 404},
		{"not acceptable", "GET", ROOMS, "Accept: text/html\r\n", NULL, 406},
		{"problem type acceptable too", "GET", ROOMS, "Accept: application/*\r\n", NULL,
		 200},
		{"form", "POST", ROOMS, "Content-Type: application/x-www-form-urlencoded\r\n",
		 "id=a", 415},
		{"text", "POST", ROOMS, "Content-Type: text/plain\r\n", "{}", 415},
		{"no body, no type", "POST", ROOMS, NULL, NULL, 201},
		{"body where none is read", "DELETE", "/api/v1/rooms/none", NULL, "{}", 404},
		{"key too long", "POST", ROOMS, "Idempotency-Key:  \r\n", "{}", 400},
		{"foreign page", "POST", ROOMS, "Origin: https://evil.example\r\n", "{}", 403},
		{"foreign page reads", "GET", ROOMS, "Sec-Fetch-Site: cross-site\r\n", NULL, 403},
		{"rebound name", "GET", ROOMS, "Host: evil.example\r\n", NULL, 403},
		{"link to the page from elsewhere", "GET", "/", "Sec-Fetch-Site: cross-site\r\n",
		 NULL, 200},
	};
	struct site *site = site_new(NULL);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer answer = site_ask(site, cases[i].method, cases[i].path,
						cases[i].fields, cases[i].body);

		CHECK_INT(cases[i].name, answer.status, cases[i].status);
		if (answer.status >= 400) {
			CHECK_SLICE(cases[i].name, answer_field(&answer, "Content-Type"),
				    "application/problem+json");
			CHECK_INT(cases[i].name,
				  json_integer_value(answer_member(&answer, "status")),
				  cases[i].status);
		}
		answer_done(&answer);
	}
	site_free(site);
}

static void methods(void)
{
	struct site *site = site_new(NULL);
	struct answer answer = site_ask(site, "PUT", ROOMS, NULL, "{}");

	CHECK_SLICE("405", answer_field(&answer, "Allow"), "GET, HEAD, POST, OPTIONS");
	answer_done(&answer);
	answer = site_ask(site, "OPTIONS", ROOMS "/lobby", NULL, NULL);
	CHECK_INT("OPTIONS", answer.status, 204);
	CHECK_SLICE("OPTIONS", answer_field(&answer, "Allow"), "GET, HEAD, PATCH, DELETE, OPTIONS");
	CHECK("no CORS", !slice_present(answer_field(&answer, "Access-Control-Allow-Origin")));
	answer_done(&answer);
	CHECK_INT("OPTIONS *", site_status(site, "OPTIONS", "*", NULL, NULL), 204);
	CHECK_INT("OPTIONS of nothing", site_status(site, "OPTIONS", "/nothing", NULL, NULL), 404);
	answer = site_ask(site, "HEAD", ROOMS, NULL, NULL);
	CHECK_INT("HEAD", answer.status, 200);
	CHECK("HEAD tells the length", slice_present(answer_field(&answer, "Content-Length")));
	answer_done(&answer);
	answer = site_ask(site, "HEAD", "/api/v1/events", NULL, NULL);
	CHECK_INT("HEAD of the stream ends", answer.status, 200);
	CHECK_SLICE("HEAD of the stream", answer_field(&answer, "Content-Type"),
		    "text/event-stream");
	answer_done(&answer);
	site_free(site);
}

static void security_fields(void)
{
	static const char *const paths[] = {ROOMS, "/", "/nothing", "/healthz"};
	struct site *site = site_new(NULL);

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct answer answer = site_ask(site, "GET", paths[i], NULL, NULL);

		CHECK_SLICE(paths[i], answer_field(&answer, "X-Content-Type-Options"), "nosniff");
		CHECK_SLICE(paths[i], answer_field(&answer, "Referrer-Policy"), "no-referrer");
		CHECK(paths[i], slice_starts(answer_field(&answer, "Content-Security-Policy"),
					     SLICE("default-src 'none'")));
		answer_done(&answer);
	}
	site_free(site);
}

static void tokens(void)
{
	static const struct {
		const char *path;
		int bare, with;
	} cases[] = {
		{ROOMS, 401, 200},
		{"/metrics", 401, 200},
		{"/api/v1/server", 401, 200},
		{"/api/v1/call-records", 401, 200},
		{"/", 200, 200},
		{"/app.js", 200, 200},
		{"/healthz", 200, 200},
		{"/readyz", 200, 200},
		{"/openapi.json", 200, 200},
		{"/nothing", 404, 404},
	};
	struct site *site = site_new("http.token=secret-42");
	struct answer answer;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_INT(cases[i].path, site_status(site, "GET", cases[i].path, NULL, NULL),
			  cases[i].bare);
		CHECK_INT(cases[i].path,
			  site_status(site, "GET", cases[i].path,
				      "Authorization: Bearer secret-42\r\n", NULL),
			  cases[i].with);
	}
	answer = site_ask(site, "POST", ROOMS, "Authorization: Bearer wrong\r\n", "{\"id\":\"a\"}");
	CHECK_INT("wrong", answer.status, 401);
	CHECK_SLICE("wrong", answer_field(&answer, "WWW-Authenticate"), "Bearer realm=\"hearth\"");
	answer_done(&answer);
	CHECK_INT("nothing was made", focus_room_count(site->focus), 0);
	site_set(site, "http.token=other");
	http_reload(site->http);
	CHECK_INT("old after a reload",
		  site_status(site, "GET", ROOMS, "Authorization: Bearer secret-42\r\n", NULL),
		  401);
	CHECK_INT("new after a reload",
		  site_status(site, "GET", ROOMS, "Authorization: Bearer other\r\n", NULL), 200);
	site_free(site);
}

static void idempotency(void)
{
	struct site *site = site_new(NULL);
	struct answer first = site_ask(site, "POST", ROOMS, "Idempotency-Key: k-1\r\n", "{}");
	struct answer again = site_ask(site, "POST", ROOMS, "Idempotency-Key: k-1\r\n", "{}");

	CHECK_INT("first", first.status, 201);
	CHECK_INT("again", again.status, 201);
	CHECK("same body", slice_eq(buf_slice(&first.body), buf_slice(&again.body)));
	CHECK("same place",
	      slice_eq(answer_field(&first, "Location"), answer_field(&again, "Location")));
	CHECK("same tag", slice_eq(answer_field(&first, "ETag"), answer_field(&again, "ETag")));
	CHECK("not marked", !slice_present(answer_field(&first, "Idempotency-Replayed")));
	CHECK_SLICE("marked", answer_field(&again, "Idempotency-Replayed"), "true");
	CHECK_INT("one room", focus_room_count(site->focus), 1);
	answer_done(&first);
	answer_done(&again);
	CHECK_INT("other body",
		  site_status(site, "POST", ROOMS, "Idempotency-Key: k-1\r\n", "{\"locked\":true}"),
		  422);
	CHECK_INT("other key", site_status(site, "POST", ROOMS, "Idempotency-Key: k-2\r\n", "{}"),
		  201);
	CHECK_INT("failure is kept",
		  site_status(site, "POST", ROOMS, "Idempotency-Key: k-3\r\n", "{\"id\":\"a b\"}"),
		  422);
	again = site_ask(site, "POST", ROOMS, "Idempotency-Key: k-3\r\n", "{\"id\":\"a b\"}");
	CHECK_SLICE("failure again", answer_field(&again, "Content-Type"),
		    "application/problem+json");
	CHECK_SLICE("failure again", answer_field(&again, "Idempotency-Replayed"), "true");
	answer_done(&again);
	site_set(site, "rooms.max=2");
	CHECK_INT("503", site_status(site, "POST", ROOMS, "Idempotency-Key: k-4\r\n", "{}"), 503);
	site_set(site, "rooms.max=20");
	CHECK_INT("503 is not kept",
		  site_status(site, "POST", ROOMS, "Idempotency-Key: k-4\r\n", "{}"), 201);
	site_free(site);
}

static char *padded_body(size_t len)
{
	char *body = malloc(len + 1);

	if (!body)
		abort();
	memset(body, ' ', len);
	memcpy(body, "{\"id\":\"big\"}", 12);
	body[len] = '\0';
	return body;
}

static void body_limit(void)
{
	struct site *site = site_new("http.body_max=1024");
	char *fits = padded_body(1024), *over = padded_body(1025);
	struct answer answer = site_ask(site, "POST", ROOMS, NULL, over);

	CHECK_INT("one too many", answer.status, 413);
	CHECK_SLICE("the line is closed", answer_field(&answer, "Connection"), "close");
	CHECK_INT("nothing was made", focus_room_count(site->focus), 0);
	answer_done(&answer);
	answer = site_ask(site, "PATCH", ROOMS "/a", NULL, over);
	CHECK_INT("PATCH too", answer.status, 413);
	answer_done(&answer);
	CHECK_INT("just fits", site_status(site, "POST", ROOMS, NULL, fits), 201);
	free(fits);
	free(over);
	site_free(site);
}

static void chunks(void)
{
	const char *head = "POST " ROOMS " HTTP/1.1\r\nHost: localhost\r\n"
			   "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
	struct site *site = site_new("http.body_max=1024");
	struct client client = client_open(site);
	struct answer answer;
	char chunk[1100];

	client_send(&client, slice_of(head));
	client_send(&client, SLICE("8\r\n{\"id\":\"a\r\n3\r\nb\"}\r\n0\r\n\r\n"));
	answer = client_answer(&client, false);
	CHECK_INT("joined", answer.status, 201);
	CHECK_STR("joined", answer_text(&answer, "id"), "ab");
	answer_done(&answer);
	client_send(&client, slice_of(head));
	(void)snprintf(chunk, sizeof(chunk), "401\r\n%01025d\r\n0\r\n\r\n", 0);
	client_send(&client, slice_of(chunk));
	answer = client_answer(&client, false);
	CHECK_INT("too large without saying so", answer.status, 413);
	answer_done(&answer);
	client_close(&client);
	client = client_open(site);
	client_send(&client, slice_of(head));
	for (int i = 0; i < 40 && !client.is_closed; i++) {
		(void)snprintf(chunk, sizeof(chunk), "400\r\n%01024d\r\n", 0);
		client_send(&client, slice_of(chunk));
	}
	answer = client_answer(&client, false);
	CHECK_INT("without end: the line is cut", answer.status, 0);
	CHECK("without end", client.is_closed);
	answer_done(&answer);
	client_close(&client);
	site_free(site);
}

/* Several requests on one line, refused ones among them: the body of a refused request is
 * swallowed. */
static void persistent_line(void)
{
	const char *requests =
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
		"PUT " ROOMS " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nGET "
		"POST " ROOMS " HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
		"Content-Length: 2\r\n\r\n{}"
		"POST " ROOMS " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
		"Content-Length: 10\r\n\r\n{\"id\":\"a\"}"
		"DELETE " ROOMS "/a HTTP/1.1\r\nHost: localhost\r\n\r\n"
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	static const int want[] = {200, 405, 415, 201, 204, 200, 0};
	struct site *site = site_new(NULL);
	struct client client = client_open(site);

	client_send(&client, slice_of(requests));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		struct answer answer = client_answer(&client, false);

		CHECK_INT("in order", answer.status, want[i]);
		answer_done(&answer);
	}
	client_close(&client);
	site_free(site);
}

/* Octet by octet, and lines that are left half way: nothing is disturbed. */
static void slow_and_broken_lines(void)
{
	static const char request[] = "GET " ROOMS " HTTP/1.1\r\nHost: localhost\r\n\r\n";
	static const char *const broken[] = {
		"",
		"G",
		"GET",
		"\r\n\r\n",
		"GET / HTTP/9.9\r\n\r\n",
		"GET  HTTP/1.1\r\n\r\n",
		"\x16\x03\x01\x02",
		"POST " ROOMS " HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{",
		"GET / HTTP/1.1\r\nHost: a\r\nX:",
		"OPTIONS sip:a@b SIP/2.0\r\n\r\n",
	};
	struct site *site = site_new(NULL);
	struct client client = client_open(site);
	struct answer answer;

	for (size_t i = 0; i < sizeof(request) - 1; i++)
		client_send(&client, slice_make(request + i, 1));
	answer = client_answer(&client, false);
	CHECK_INT("octet by octet", answer.status, 200);
	answer_done(&answer);
	client_close(&client);
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		client = client_open(site);
		client_send(&client, slice_of(broken[i]));
		client_close(&client);
		site_turn(site);
		CHECK_INT(broken[i], site_status(site, "GET", "/healthz", NULL, NULL), 200);
	}
	site_free(site);
}

static void long_lines(void)
{
	struct site *site = site_new(NULL);
	struct client client = client_open(site);
	struct buf request = BUF_INIT;
	struct answer answer;

	buf_adds(&request, "GET /");
	for (int i = 0; i < 40000; i++)
		buf_addc(&request, 'a');
	buf_adds(&request, " HTTP/1.1\r\nHost: localhost\r\n\r\n");
	client_send(&client, buf_slice(&request));
	answer = client_answer(&client, false);
	CHECK("a path of 40,000 octets", answer.status == 414 || answer.status == 431);
	answer_done(&answer);
	client_close(&client);
	buf_done(&request);
	CHECK_INT("others go on", site_status(site, "GET", "/healthz", NULL, NULL), 200);
	site_free(site);
}

/* Lines beyond http.connections_max wait until one is free. */
static void connection_limit(void)
{
	struct site *site = site_new("http.connections_max=4");
	struct client idle[4], waiting;
	struct answer answer;

	for (size_t i = 0; i < ARRAY_LEN(idle); i++) {
		idle[i] = client_open(site);
		site_turn(site);
	}
	waiting = client_open(site);
	client_send(&waiting, SLICE("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	for (int i = 0; i < 20; i++)
		site_turn(site);
	CHECK_INT("waits", recv(waiting.fd, &(char){0}, 1, MSG_DONTWAIT | MSG_PEEK), -1);
	client_close(&idle[0]);
	answer = client_answer(&waiting, false);
	CHECK_INT("its turn", answer.status, 200);
	answer_done(&answer);
	client_close(&waiting);
	for (size_t i = 1; i < ARRAY_LEN(idle); i++)
		client_close(&idle[i]);
	site_free(site);
}

static void stop_accepting(void)
{
	struct site *site = site_new(NULL);
	struct client client = client_open(site);
	struct answer answer;

	site_turn(site);
	site_turn(site);
	http_stop_accepting(site->http);
	http_stop_accepting(site->http); /* twice is harmless */
	client_send(&client, SLICE("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"));
	answer = client_answer(&client, false);
	CHECK_INT("an open line goes on", answer.status, 200);
	answer_done(&answer);
	client_close(&client);
	site_free(site);
}

static void bad_start(void)
{
	static const struct {
		const char *name, *listen;
		int err;
	} cases[] = {
		{"no address", "nonsense", -EINVAL},
		{"no port", "127.0.0.1", -EINVAL},
		{"not ours", "203.0.113.1:43001", -EADDRNOTAVAIL},
	};
	struct site *site = site_new(NULL);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct config config = *site->config;
		struct http *http = NULL;
		const char *text = NULL;

		config.http_listen = cases[i].listen;
		CHECK_INT(cases[i].name, http_new(site->loop, site->focus, &config, &http, &text),
			  cases[i].err);
		CHECK(cases[i].name, http == NULL);
		CHECK("the error's own text says it", text == NULL);
	}
	CHECK_INT("the first goes on", site_status(site, "GET", "/healthz", NULL, NULL), 200);
	site_free(site);
}

/* As many as come at once are two seconds' worth; whoever asks for its health is not bound. */
static void rate(void)
{
	struct site *site = site_new(NULL);
	struct answer answer;

	for (int i = 0; i < 300; i++)
		CHECK_INT("loopback is not bound",
			  site_status(site, "GET", "/api/v1/rooms", NULL, NULL), 200);
	site_set(site, "http.rate_unlimited=192.0.2.0/24");
	site_set(site, "http.rate=5");
	for (int i = 0; i < 10; i++)
		CHECK_INT("burst", site_status(site, "GET", "/api/v1/rooms", NULL, NULL), 200);
	answer = site_ask(site, "GET", "/api/v1/rooms", NULL, NULL);
	CHECK_INT("one more", answer.status, 429);
	CHECK_SLICE("when", answer_field(&answer, "Retry-After"), "1");
	CHECK_STR("what", answer_text(&answer, "type"), "/problems/too-many-requests");
	answer_done(&answer);
	CHECK_INT("health", site_status(site, "GET", "/healthz", NULL, NULL), 200);
	site_pass(site, 1000);
	for (int i = 0; i < 5; i++)
		CHECK_INT("a second later", site_status(site, "GET", "/api/v1/rooms", NULL, NULL),
			  200);
	CHECK_INT("and one more", site_status(site, "GET", "/api/v1/rooms", NULL, NULL), 429);
	site_set(site, "http.rate=0");
	CHECK_INT("no limit", site_status(site, "GET", "/api/v1/rooms", NULL, NULL), 200);
	site_free(site);
}

void suite_request(void)
{
	CHECK_SUITE("request");
	CHECK_TEST(statuses);
	CHECK_TEST(methods);
	CHECK_TEST(security_fields);
	CHECK_TEST(tokens);
	CHECK_TEST(idempotency);
	CHECK_TEST(body_limit);
	CHECK_TEST(chunks);
	CHECK_TEST(persistent_line);
	CHECK_TEST(slow_and_broken_lines);
	CHECK_TEST(long_lines);
	CHECK_TEST(connection_limit);
	CHECK_TEST(rate);
	CHECK_TEST(stop_accepting);
	CHECK_TEST(bad_start);
}
