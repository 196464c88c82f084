#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "http/idempotency.h"
#include "tests/support/check.h"

static void put(struct idempotency *cache, const char *key, const char *body, uint64_t now_ms)
{
	struct idempotency_answer answer = {.status = 201, .location = "/x", .etag = "\"1\""};
	struct idempotency_ask ask = {SLICE("/rooms"), slice_of(key), slice_of(body), now_ms};

	buf_adds(&answer.body, key);
	CHECK_INT(key, idempotency_put(cache, &ask, &answer), 0);
	buf_done(&answer.body);
}

static void replay(void)
{
	static const struct {
		const char *name, *path, *key, *body;
		int want;
		bool is_known;
	} cases[] = {
		{"the same", "/rooms", "k1", "{}", 0, true},
		{"other body", "/rooms", "k1", "{ }", ERR_HTTP_KEY_REUSED, false},
		{"no body", "/rooms", "k1", "", ERR_HTTP_KEY_REUSED, false},
		{"other path", "/rooms/a/participants", "k1", "{}", 0, false},
		{"other key", "/rooms", "k2", "{}", 0, false},
		{"key in other case", "/rooms", "K1", "{}", 0, false},
	};
	struct idempotency *cache;

	CHECK_INT(NULL, idempotency_new(&cache), 0);
	put(cache, "k1", "{}", 1000);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct idempotency_answer *answer = NULL;
		struct idempotency_ask ask = {slice_of(cases[i].path), slice_of(cases[i].key),
					      slice_of(cases[i].body), 2000};
		int err = idempotency_find(cache, &ask, &answer);

		CHECK_INT(cases[i].name, err, cases[i].want);
		CHECK(cases[i].name, (answer != NULL) == cases[i].is_known);
		if (!answer)
			continue;
		CHECK_INT(cases[i].name, answer->status, 201);
		CHECK_STR(cases[i].name, answer->location, "/x");
		CHECK_SLICE(cases[i].name, buf_slice(&answer->body), "k1");
	}
	idempotency_free(cache);
}

static bool is_kept(struct idempotency *cache, const char *key, uint64_t now_ms)
{
	const struct idempotency_answer *answer = NULL;

	struct idempotency_ask ask = {SLICE("/rooms"), slice_of(key), SLICE("b"), now_ms};

	return !idempotency_find(cache, &ask, &answer) && answer;
}

static void bounds(void)
{
	struct idempotency *cache;
	char key[32];

	CHECK_INT(NULL, idempotency_new(&cache), 0);
	for (int i = 0; i < IDEMPOTENCY_MAX + 1; i++) {
		(void)snprintf(key, sizeof(key), "key-%d", i);
		put(cache, key, "b", (uint64_t)i);
	}
	CHECK_INT("full", idempotency_count(cache), IDEMPOTENCY_MAX);
	CHECK("the oldest made room", !is_kept(cache, "key-0", 2000));
	CHECK("the next is kept", is_kept(cache, "key-1", 2000));
	CHECK("the last is kept", is_kept(cache, key, 2000));
	CHECK("a day later", !is_kept(cache, "key-1", IDEMPOTENCY_KEPT_MS + 1));
	CHECK("one younger than a day", is_kept(cache, key, IDEMPOTENCY_KEPT_MS + 1));
	idempotency_free(cache);
}

void suite_idempotency(void)
{
	CHECK_SUITE("idempotency");
	CHECK_TEST(replay);
	CHECK_TEST(bounds);
}
