#include <ctype.h>
#include <stdio.h>

#include "base/attr.h"
#include "tests/support/check.h"
#include "tests/unit/http/site.h"

/* Whether the text has this very line. */
static bool has_line(const struct answer *answer, const char *line)
{
	struct slice rest = buf_slice(&answer->body);

	while (rest.len > 0) {
		struct slice one = slice_first(rest, slice_find(rest, '\n'));

		if (slice_is(one, line))
			return true;
		rest = slice_from(rest, one.len + 1);
	}
	return false;
}

static void figures(void)
{
	static const char *const lines[] = {
		"hearth_rooms 1",
		"hearth_participants 1",
		"hearth_participants_connected 1",
		"hearth_participants_joined_total 1",
		"hearth_rejected_total{reason=\"room_locked\"} 1",
		"hearth_sip_requests_received_total{method=\"INVITE\"} 2",
		"hearth_sip_responses_sent_by_status_total{status=\"200\"} 1",
		"hearth_http_requests_total{operation=\"createRoom\",status=\"201\"} 1",
		"hearth_http_requests_total{operation=\"createRoom\",status=\"422\"} 1",
		"hearth_http_requests_total{operation=\"none\",status=\"404\"} 1",
		"hearth_guard_refused_total{cause=\"rate\"} 0",
		"hearth_auth_challenges_total 0",
		"hearth_users 0",
		"hearth_store_healthy 1",
		"hearth_event_streams 0",
		"hearth_draining 0",
		"# TYPE hearth_rooms gauge",
		"# TYPE process_cpu_seconds_total counter",
	};
	struct site *site = site_new(NULL);
	struct answer answer;

	(void)site_status(site, "POST", "/api/v1/rooms", NULL, "{\"id\":\"lobby\"}");
	(void)site_status(site, "POST", "/api/v1/rooms", NULL, "{\"id\":\"a b\"}");
	(void)site_status(site, "GET", "/nothing", NULL, NULL);
	(void)site_dial(site, "anna", "lobby");
	(void)site_status(site, "PATCH", "/api/v1/rooms/lobby", NULL, "{\"locked\":true}");
	(void)site_dial(site, "bert", "lobby");
	answer = site_ask(site, "GET", "/metrics", NULL, NULL);
	CHECK_INT(NULL, answer.status, 200);
	CHECK_SLICE(NULL, answer_field(&answer, "Content-Type"),
		    "text/plain; version=0.0.4; charset=utf-8");
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		CHECK(lines[i], has_line(&answer, lines[i]));
	answer_done(&answer);
	site_free(site);
}

/* name{label="value",...} number */
static bool is_sample(struct slice line)
{
	size_t at = 0;

	while (at < line.len && (isalnum((unsigned char)line.p[at]) || line.p[at] == '_'))
		at++;
	if (at == 0)
		return false;
	if (at < line.len && line.p[at] == '{') {
		size_t end = slice_find(line, '}');

		if (end == line.len || line.p[end - 1] != '"')
			return false;
		at = end + 1;
	}
	return at + 1 < line.len && line.p[at] == ' ' &&
	       strspn(line.p + at + 1, "0123456789.e+-") >= line.len - at - 1;
}

/* Every line is a comment or a sample; every name has its HELP and TYPE right before its first
 * sample. */
static void format(void)
{
	struct site *site = site_new(NULL);
	struct answer answer = site_ask(site, "GET", "/metrics", NULL, NULL);
	struct slice rest = buf_slice(&answer.body);
	char name[128] = "";

	CHECK(NULL, rest.len > 0 && rest.p[rest.len - 1] == '\n');
	while (rest.len > 0) {
		struct slice line = slice_first(rest, slice_find(rest, '\n'));
		char text[256];

		rest = slice_from(rest, line.len + 1);
		(void)slice_cstr(line, text, sizeof(text));
		if (slice_starts(line, SLICE("# TYPE "))) {
			struct slice of = slice_from(line, 7);

			(void)slice_cstr(slice_first(of, slice_find(of, ' ')), name, sizeof(name));
		} else if (!slice_starts(line, SLICE("# HELP "))) {
			CHECK(text, is_sample(line));
			CHECK(text, slice_starts(line, slice_of(name)));
		}
	}
	answer_done(&answer);
	site_free(site);
}

void suite_metrics(void)
{
	CHECK_SUITE("metrics");
	CHECK_TEST(figures);
	CHECK_TEST(format);
}
