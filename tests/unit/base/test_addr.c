#include "base/addr.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>

#include "base/attr.h"
#include "tests/support/check.h"

static struct addr addr_of(const char *text)
{
	struct addr addr = {0};

	if (addr_parse(slice_of(text), &addr))
		CHECK_INT(text, addr_parse_ip(slice_of(text), &addr), 0);
	return addr;
}

static void parse_ip(void)
{
	static const struct {
		const char *in, *want; /* want: addr_host_text, NULL when refused */
	} cases[] = {
		{"192.0.2.1", "192.0.2.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"2001:db8::1", "[2001:db8::1]"},
		{"[2001:DB8:0:0:0:0:0:1]", "[2001:db8::1]"},
		{"::", "[::]"},
		{"[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]"},
		{"fe80::1%1", "[fe80::1]"},
		{"", NULL},
		{"[]", NULL},
		{"[", NULL},
		{"]", NULL},
		{"[192.0.2.1]", NULL},
		{"[2001:db8::1", NULL},
		{"2001:db8::1]", NULL},
		{"[[::1]]", NULL},
		{"192.0.2", NULL},
		{"192.0.2.256", NULL},
		{"192.0.2.1.1", NULL},
		{"192.0.2.1 ", NULL},
		{"0300.0.2.1", NULL},
		{"192.0.2.1:5060", NULL},
		{"1:2:3:4:5:6:7:8:9", NULL},
		{"::1::", NULL},
		{":::", NULL},
		{"example.com", NULL},
		{"2001:db8::1%1", NULL},
		{"fe80::1%", NULL},
		{"fe80::1%0", NULL},
		{"fe80::1%no-such-if", NULL},
		{"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
		 NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr addr = {0};
		char out[ADDR_TEXT_MAX];
		int err = addr_parse_ip(slice_of(cases[i].in), &addr);

		CHECK_INT(cases[i].in, err, cases[i].want ? 0 : -EINVAL);
		CHECK_INT("untouched on failure", addr_is_set(&addr), cases[i].want != NULL);
		if (cases[i].want)
			CHECK_STR(cases[i].in, addr_host_text(&addr, out), cases[i].want);
		CHECK_INT(cases[i].in, addr_port(&addr), 0);
	}
}

static void parse_ip_octets(void)
{
	struct addr addr;

	CHECK_INT("absent", addr_parse_ip(SLICE_NONE, &addr), -EINVAL);
	CHECK_INT("NUL inside", addr_parse_ip(SLICE("192.0.2.1\0x"), &addr), -EINVAL);
	CHECK_INT("not terminated", addr_parse_ip(slice_make("192.0.2.12", 9), &addr), 0);
	CHECK_INT("not terminated", ntohl(addr.in.sin_addr.s_addr), 0xc0000201);
}

static void parse_with_port(void)
{
	static const struct {
		const char *in, *want; /* addr_text, NULL when refused */
	} cases[] = {
		{"192.0.2.1:5060", "192.0.2.1:5060"},
		{"192.0.2.1:0", "192.0.2.1:0"},
		{"192.0.2.1:65535", "192.0.2.1:65535"},
		{"[2001:db8::1]:5061", "[2001:db8::1]:5061"},
		{"[fe80::1%1]:5060", "[fe80::1%1]:5060"},
		{"[fe80::1%4294967295]:65535", "[fe80::1%4294967295]:65535"},
		{"192.0.2.1:65536", NULL},
		{"192.0.2.1:", NULL},
		{"192.0.2.1", NULL},
		{"192.0.2.1:+5", NULL},
		{"192.0.2.1:5060 ", NULL},
		{"[2001:db8::1]", NULL},
		{"[2001:db8::1]5061", NULL},
		{"[2001:db8::1:5061", NULL},
		{"2001:db8::1", NULL},
		{"[192.0.2.1]:5060", NULL},
		{":5060", NULL},
		{"", NULL},
		{"[", NULL},
		{"localhost:5060", NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr addr = {0};
		char out[ADDR_TEXT_MAX];
		int err = addr_parse(slice_of(cases[i].in), &addr);

		CHECK_INT(cases[i].in, err, cases[i].want ? 0 : -EINVAL);
		CHECK_INT("untouched on failure", addr_is_set(&addr), cases[i].want != NULL);
		if (cases[i].want)
			CHECK_STR(cases[i].in, addr_text(&addr, out), cases[i].want);
	}
}

static void zone_by_name(void)
{
	char name[IF_NAMESIZE], text[64];
	struct addr addr;

	if (!if_indextoname(1, name)) {
		CHECK_INT("no interface 1 here", errno, ENXIO);
		return;
	}
	(void)snprintf(text, sizeof(text), "fe80::1%%%s", name);
	CHECK_INT(text, addr_parse_ip(slice_of(text), &addr), 0);
	CHECK_INT(text, addr.in6.sin6_scope_id, 1);
}

static void predicates(void)
{
	static const struct {
		const char *in;
		bool is_any, is_loopback, is_v6;
	} cases[] = {
		{"0.0.0.0:1", true, false, false},
		{"127.0.0.1:1", false, true, false},
		{"127.255.255.254:1", false, true, false},
		{"128.0.0.1:1", false, false, false},
		{"[::]:1", true, false, true},
		{"[::1]:1", false, true, true},
		{"[::2]:1", false, false, true},
		{"[::ffff:127.0.0.1]:1", false, true, true},
		{"[::ffff:0.0.0.0]:1", true, false, true},
	};
	struct addr unset = {0};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr addr = addr_of(cases[i].in);

		CHECK_INT(cases[i].in, addr_is_any(&addr), cases[i].is_any);
		CHECK_INT(cases[i].in, addr_is_loopback(&addr), cases[i].is_loopback);
		CHECK_INT(cases[i].in, addr_is_v6(&addr), cases[i].is_v6);
		CHECK_INT(cases[i].in, addr_len(&addr),
			  cases[i].is_v6 ? sizeof(struct sockaddr_in6)
					 : sizeof(struct sockaddr_in));
	}
	CHECK("unset", !addr_is_set(&unset) && !addr_is_any(&unset) && !addr_is_loopback(&unset));
	CHECK_INT("unset", addr_len(&unset), 0);
	CHECK_INT("unset", addr_port(&unset), 0);
}

static void equality(void)
{
	static const struct {
		const char *a, *b;
		bool eq, eq_ip;
	} cases[] = {
		{"192.0.2.1:1", "192.0.2.1:1", true, true},
		{"192.0.2.1:1", "192.0.2.1:2", false, true},
		{"192.0.2.1:1", "192.0.2.2:1", false, false},
		{"192.0.2.1:1", "[::ffff:192.0.2.1]:1", true, true},
		{"192.0.2.1:1", "[::ffff:192.0.2.1]:2", false, true},
		{"[2001:db8::1]:1", "[2001:db8::1]:1", true, true},
		{"[2001:db8::1]:1", "[2001:db8::2]:1", false, false},
		{"[fe80::1%1]:1", "[fe80::1%2]:1", false, false},
		{"0.0.0.0:1", "[::]:1", false, false},
	};
	struct addr unset = {0}, other = {0}, any = addr_of("0.0.0.0:0");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr a = addr_of(cases[i].a), b = addr_of(cases[i].b);

		CHECK_INT(cases[i].b, addr_eq(&a, &b), cases[i].eq);
		CHECK_INT(cases[i].b, addr_eq(&b, &a), cases[i].eq);
		CHECK_INT(cases[i].b, addr_eq_ip(&a, &b), cases[i].eq_ip);
		if (cases[i].eq)
			CHECK(cases[i].b, addr_hash(&a) == addr_hash(&b));
	}
	CHECK("both unset", addr_eq(&unset, &other));
	CHECK("unset is not 0.0.0.0", !addr_eq(&unset, &any));
}

static void hash_tells_apart(void)
{
	struct addr a = addr_of("192.0.2.1:1"), b = addr_of("192.0.2.1:2");
	struct addr c = addr_of("192.0.2.2:1"), d = addr_of("[2001:db8::1]:1");

	CHECK("port", addr_hash(&a) != addr_hash(&b));
	CHECK("address", addr_hash(&a) != addr_hash(&c));
	CHECK("family", addr_hash(&a) != addr_hash(&d));
}

static void texts(void)
{
	static const struct {
		const char *in, *full, *ip, *host;
	} cases[] = {
		{"192.0.2.1:5060", "192.0.2.1:5060", "192.0.2.1", "192.0.2.1"},
		{"[2001:db8::1]:5060", "[2001:db8::1]:5060", "2001:db8::1", "[2001:db8::1]"},
		{"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
		 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
		 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		 "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]"},
	};
	struct addr unset = {0};
	char out[ADDR_TEXT_MAX];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct addr addr = addr_of(cases[i].in);

		CHECK_STR(cases[i].in, addr_text(&addr, out), cases[i].full);
		CHECK_STR(cases[i].in, addr_ip_text(&addr, out), cases[i].ip);
		CHECK_STR(cases[i].in, addr_host_text(&addr, out), cases[i].host);
	}
	CHECK_STR("unset", addr_text(&unset, out), "-");
	CHECK_STR("unset", addr_ip_text(&unset, out), "-");
	CHECK_STR("unset", addr_host_text(&unset, out), "-");
}

static void unmap(void)
{
	struct addr mapped = addr_of("[::ffff:192.0.2.1]:5060"), plain = addr_of("[2001:db8::1]:7");
	struct addr got = addr_unmap(&mapped);
	char out[ADDR_TEXT_MAX];

	CHECK_STR("mapped", addr_text(&got, out), "192.0.2.1:5060");
	got = addr_unmap(&plain);
	CHECK_STR("unchanged", addr_text(&got, out), "[2001:db8::1]:7");
}

static void local_for(void)
{
	struct addr peer = addr_of("127.0.0.1:5060"), unset = {0}, local = {0};
	char out[ADDR_TEXT_MAX];

	CHECK_INT("unset", addr_local_for(&unset, &local), -EINVAL);
	CHECK("untouched", !addr_is_set(&local));
	CHECK_INT("loopback", addr_local_for(&peer, &local), 0);
	CHECK_STR("loopback", addr_text(&local, out), "127.0.0.1:0");
	addr_set_port(&peer, 0);
	CHECK_INT("without a port", addr_local_for(&peer, &local), 0);
	CHECK_STR("without a port", addr_text(&local, out), "127.0.0.1:0");
}

void suite_addr(void)
{
	CHECK_SUITE("addr");
	CHECK_TEST(parse_ip);
	CHECK_TEST(parse_ip_octets);
	CHECK_TEST(parse_with_port);
	CHECK_TEST(zone_by_name);
	CHECK_TEST(predicates);
	CHECK_TEST(equality);
	CHECK_TEST(hash_tells_apart);
	CHECK_TEST(texts);
	CHECK_TEST(unmap);
	CHECK_TEST(local_for);
}
