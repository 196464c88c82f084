#include "tests/support/check.h"
#include "tests/unit/http/site.h"

static void alive(void)
{
	struct site *site = site_new(NULL);
	struct answer answer = site_ask(site, "GET", "/healthz", NULL, NULL);

	CHECK_INT(NULL, answer.status, 200);
	CHECK_STR(NULL, answer_text(&answer, "status"), "alive");
	answer_done(&answer);
	site_free(site);
}

static void ready(void)
{
	struct site *site = site_new(NULL);
	struct answer answer = site_ask(site, "GET", "/readyz", NULL, NULL);

	CHECK_INT("ready", answer.status, 200);
	CHECK_STR("ready", answer_text(&answer, "status"), "ready");
	CHECK_INT("ready", json_array_size(answer_member(&answer, "reasons")), 0);
	answer_done(&answer);
	fake_media_set_ports(site->media, 0);
	answer = site_ask(site, "GET", "/readyz", NULL, NULL);
	CHECK_INT("no ports", answer.status, 503);
	CHECK_STR("no ports", answer_text(&answer, "reasons.0"), "no_media_ports");
	answer_done(&answer);
	focus_drain(site->focus, NULL, NULL);
	answer = site_ask(site, "GET", "/readyz", NULL, NULL);
	CHECK_INT("two reasons", answer.status, 503);
	CHECK_STR("two reasons", answer_text(&answer, "status"), "not_ready");
	CHECK_STR("two reasons", answer_text(&answer, "reasons.0"), "draining");
	CHECK_STR("two reasons", answer_text(&answer, "reasons.1"), "no_media_ports");
	answer_done(&answer);
	CHECK_INT("alive all the same", site_status(site, "GET", "/healthz", NULL, NULL), 200);
	site_free(site);
}

void suite_health(void)
{
	CHECK_SUITE("health");
	CHECK_TEST(alive);
	CHECK_TEST(ready);
}
