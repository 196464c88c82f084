/* How often one address may ask the API. */
#include "base/attr.h"
#include "base/hash.h"
#include "http/rate.h"
#include "tests/support/check.h"

static struct addr at(const char *text)
{
	struct addr addr = {0};

	(void)addr_parse_ip(slice_of(text), &addr);
	return addr;
}

/* Rows go on from each other. */
static void buckets(void)
{
	static const struct {
		const char *name, *peer;
		uint64_t at_ms;
		uint32_t asks, pass; /* of so many at once */
	} rows[] = {
		{"two seconds' worth at once", "192.0.2.1", 1000, 30, 20},
		{"another is not concerned", "192.0.2.2", 1000, 30, 20},
		{"half a second later", "192.0.2.1", 1500, 30, 5},
		{"never more than two seconds' worth", "192.0.2.1", 100000, 30, 20},
		{"a /64 is one peer", "2001:db8::1", 100000, 30, 20},
		{"a /64 is one peer", "2001:db8::2", 100000, 30, 0},
		{"v4 in v6 is v4", "::ffff:192.0.2.1", 100000, 1, 0},
	};
	static struct rates rates;

	hash_seed(1, 2);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr peer = at(rows[i].peer);
		uint32_t pass = 0;

		for (uint32_t n = 0; n < rows[i].asks; n++)
			pass += rates_take(&rates, &peer, rows[i].at_ms, 10) == 0;
		CHECK_INT(rows[i].name, pass, rows[i].pass);
	}
	CHECK_INT("counted", rates.refused, 10 + 10 + 25 + 10 + 10 + 30 + 1);
}

static void without_a_limit(void)
{
	struct addr peer = at("192.0.2.1");
	static struct rates rates;

	for (int i = 0; i < 1000; i++)
		CHECK_INT("0 is none", rates_take(&rates, &peer, 1, 0), 0);
}

/* More addresses than are remembered: each has its bucket, and the table does not grow. */
static void many(void)
{
	static struct rates rates;
	uint32_t pass = 0;

	for (uint32_t i = 0; i < 10 * RATE_PEERS; i++) {
		struct addr peer = at("10.0.0.1");

		peer.in.sin_addr.s_addr = 0x0a000000 + i * 7919;
		pass += rates_take(&rates, &peer, 1000 + i, 1) == 0;
	}
	CHECK_INT("all were new", pass, 10 * RATE_PEERS);
}

void suite_rate(void);
void suite_rate(void)
{
	CHECK_SUITE("rate");
	CHECK_TEST(buckets);
	CHECK_TEST(without_a_limit);
	CHECK_TEST(many);
}
