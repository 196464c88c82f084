#include "banner.h"

#include "tests/support/check.h"

static struct addr addr(const char *text)
{
	struct addr addr = {.sa = {0}};

	if (addr_parse(slice_of(text), &addr))
		(void)addr_parse_ip(slice_of(text), &addr);
	return addr;
}

static void addresses(void)
{
	static const struct {
		const char *listen, *public_host, *http, *routed, *sip, *page;
	} rows[] = {
		{"udp:0.0.0.0:5060,tcp:0.0.0.0:5060", "", "127.0.0.1:8080", "192.0.2.7",
		 "192.0.2.7", "127.0.0.1:8080"},
		{"tcp:0.0.0.0:5060,udp:0.0.0.0:5070", "", "0.0.0.0:80", "192.0.2.7",
		 "192.0.2.7:5070", "192.0.2.7"},
		{"udp:127.0.0.1:5060", "", "[::1]:8080", "192.0.2.7", "127.0.0.1", "[::1]:8080"},
		{"tcp:127.0.0.1:5060", "", "127.0.0.1:8080", "192.0.2.7", "127.0.0.1;transport=tcp",
		 "127.0.0.1:8080"},
		{"udp:[::]:5060", "", "127.0.0.1:8080", "2001:db8::7", "[2001:db8::7]",
		 "127.0.0.1:8080"},
		{"udp:0.0.0.0:5060", "pbx.example.com", "127.0.0.1:8080", "192.0.2.7",
		 "pbx.example.com", "127.0.0.1:8080"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct addr http = addr(rows[i].http), routed = addr(rows[i].routed);
		struct buf text = BUF_INIT, want = BUF_INIT, set = BUF_INIT;
		struct config *config = NULL;

		(void)config_new(&config);
		buf_addf(&set, "sip.listen=%s", rows[i].listen);
		CHECK_INT(rows[i].listen, config_set(config, set.p, &want), 0);
		buf_clear(&set);
		buf_addf(&set, "sip.public_host=%s", rows[i].public_host);
		CHECK_INT(rows[i].listen, config_set(config, set.p, &want), 0);
		buf_addf(&want,
			 "  Call a room        sip:lobby@%s\n"
			 "  New conference     sip:conference-factory@%s\n"
			 "  Look and control   http://%s/\n",
			 rows[i].sip, rows[i].sip, rows[i].page);
		banner_text(config, &http, &routed, &text);
		CHECK_STR(rows[i].listen, text.p, want.p);
		config_free(config);
		buf_done(&set);
		buf_done(&text);
		buf_done(&want);
	}
}

static void no_factory(void)
{
	struct addr http = addr("127.0.0.1:1"), routed = addr("192.0.2.7");
	struct buf text = BUF_INIT;
	struct config *config = NULL;

	(void)config_new(&config);
	CHECK_INT(NULL, config_set(config, "focus.factory_users=", &text), 0);
	banner_text(config, &http, &routed, &text);
	CHECK_STR(NULL, text.p,
		  "  Call a room        sip:lobby@192.0.2.7\n"
		  "  Look and control   http://127.0.0.1:1/\n");
	config_free(config);
	buf_done(&text);
}

static void routed_is_never_the_wildcard(void)
{
	struct addr routed = banner_routed();

	CHECK(NULL, addr_is_set(&routed));
	CHECK(NULL, !addr_is_any(&routed));
}

void suite_banner(void)
{
	CHECK_SUITE("banner");
	CHECK_TEST(addresses);
	CHECK_TEST(no_factory);
	CHECK_TEST(routed_is_never_the_wildcard);
}
