#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
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

static void remove_database(const char *path)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char name[128];

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		(void)unlink(name);
	}
}

/* The database is taken away: what would have to be kept is refused, what runs goes on. */
static void store_lost(void)
{
	char path[64], keys[96];
	struct site *site;
	struct answer answer;

	(void)snprintf(path, sizeof(path), "/tmp/hearth-unit-http-%d.db", (int)getpid());
	(void)snprintf(keys, sizeof(keys), "store.path=%s", path);
	site = site_new(keys);
	CHECK_INT("before", site_status(site, "POST", "/api/v1/rooms", NULL, "{\"id\":\"a\"}"),
		  201);
	remove_database(path);
	CHECK_INT("in its way", mkdir(path, 0700), 0);
	for (unsigned turns = 0; turns < SITE_TURNS_MAX && !store_health(site->store); turns++) {
		struct store_room room = {.id = "probe"};

		(void)store_room_put_post(site->store, &room);
		site_turn(site);
	}
	answer = site_ask(site, "POST", "/api/v1/rooms", NULL, "{\"id\":\"b\"}");
	CHECK_INT("refused", answer.status, 503);
	CHECK_STR("refused", answer_text(&answer, "type"), "/problems/store-failed");
	answer_done(&answer);
	CHECK_INT("change refused",
		  site_status(site, "PATCH", "/api/v1/rooms/a", NULL, "{\"locked\":true}"), 503);
	answer = site_ask(site, "GET", "/readyz", NULL, NULL);
	CHECK_INT("not ready", answer.status, 503);
	CHECK_STR("not ready", answer_text(&answer, "reasons.0"), "store_failing");
	answer_done(&answer);
	CHECK("calls go on", site_dial(site, "anna", "lobby")[0] != '\0');
	CHECK_INT("rooms of calls can be changed",
		  site_status(site, "PATCH", "/api/v1/rooms/lobby", NULL, "{\"locked\":true}"),
		  200);
	(void)rmdir(path); /* so that the store can finish */
	site_free(site);
	remove_database(path);
}

void suite_health(void)
{
	CHECK_SUITE("health");
	CHECK_TEST(alive);
	CHECK_TEST(ready);
	CHECK_TEST(store_lost);
}
