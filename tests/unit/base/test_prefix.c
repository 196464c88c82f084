#include "base/prefix.h"

#include <errno.h>

#include "base/attr.h"
#include "tests/support/check.h"

static void parse(void)
{
	static const struct {
		const char *text;
		int err, bits;
	} cases[] = {
		{"192.0.2.1", 0, 32},
		{"192.0.2.0/24", 0, 24},
		{"0.0.0.0/0", 0, 0},
		{"2001:db8::/32", 0, 32},
		{"[2001:db8::]/32", 0, 32},
		{"::/0", 0, 0},
		{"::1", 0, 128},
		{"::ffff:192.0.2.1", 0, 32},
		{"192.0.2.1/24", -EINVAL, 0}, /* which did he mean? */
		{"192.0.2.0/33", -EINVAL, 0},
		{"2001:db8::/129", -EINVAL, 0},
		{"192.0.2.0/", -EINVAL, 0},
		{"192.0.2.0/a", -EINVAL, 0},
		{"192.0.2.0/-1", -EINVAL, 0},
		{"/24", -EINVAL, 0},
		{"", -EINVAL, 0},
		{"pbx.example.com", -EINVAL, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct prefix prefix = {.bits = 77};

		CHECK_INT(cases[i].text, prefix_parse(slice_of(cases[i].text), &prefix),
			  cases[i].err);
		CHECK_INT(cases[i].text, prefix.bits, cases[i].err ? 77 : cases[i].bits);
	}
}

static void has(void)
{
	static const struct {
		const char *prefix, *addr;
		bool has;
	} cases[] = {
		{"192.0.2.0/24", "192.0.2.255", true},
		{"192.0.2.0/24", "192.0.3.0", false},
		{"192.0.2.0/23", "192.0.3.255", true},
		{"192.0.2.128/25", "192.0.2.127", false},
		{"192.0.2.128/25", "192.0.2.128", true},
		{"0.0.0.0/0", "203.0.113.9", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"::/0", "203.0.113.9", false},
		{"::/0", "2001:db8::1", true},
		{"192.0.2.0/24", "::ffff:192.0.2.7", true},
		{"2001:db8::/32", "2001:db8:ffff::1", true},
		{"2001:db8::/33", "2001:db8:8000::1", false},
		{"2001:db8::7", "2001:db8::8", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct prefix prefix = {0};
		struct addr addr;

		CHECK_INT(cases[i].prefix, prefix_parse(slice_of(cases[i].prefix), &prefix), 0);
		CHECK_INT(cases[i].addr, addr_parse_ip(slice_of(cases[i].addr), &addr), 0);
		CHECK_INT(cases[i].prefix, prefix_has(&prefix, &addr), cases[i].has);
	}
	CHECK("an unset address is in no prefix",
	      !prefix_has(&(struct prefix){.bits = 0}, &(struct addr){0}));
}

static struct prefix peer(const char *text)
{
	struct addr addr;

	CHECK_INT(text, addr_parse_ip(slice_of(text), &addr), 0);
	return prefix_of_peer(&addr);
}

static void peers(void)
{
	struct prefix a = peer("192.0.2.1"), b = peer("192.0.2.2"), c = peer("2001:db8::1"),
		      d = peer("2001:db8:0:0:ffff::2"), e = peer("2001:db8:0:1::1"),
		      f = peer("::ffff:192.0.2.1");

	CHECK("two v4 addresses are two peers", !prefix_eq(&a, &b));
	CHECK("one /64 is one peer", prefix_eq(&c, &d) && prefix_hash(&c) == prefix_hash(&d));
	CHECK("the next /64 is another", !prefix_eq(&c, &e));
	CHECK("a mapped address is the v4 one", prefix_eq(&a, &f));
}

void suite_prefix(void)
{
	CHECK_SUITE("prefix");
	CHECK_TEST(parse);
	CHECK_TEST(has);
	CHECK_TEST(peers);
}
