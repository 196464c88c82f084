#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "config/table.h"
#include "tests/support/check.h"

static void texts(void)
{
	static const struct {
		const char *name, *text;
		int err;
		const char *complaint;
	} rows[] = {
		{"empty", "", 0, ""},
		{"groups",
		 "sip: { listen = \"udp:1.2.3.4:5\"; calls_max = 5; };\nlog: { level = \"warn\"; "
		 "};",
		 0, ""},
		{"equals sign for groups", "sip = { calls_max = 0x10 }", 0, ""},
		{"comments", "# one\n// two\n/* three */ sip: { calls_max = 5; };", 0, ""},
		{"unknown key", "sip:\n{\n  lisen = \"x\";\n};", ERR_CONFIG,
		 "f:3: sip.lisen: unknown key (did you mean sip.listen?)\n"},
		{"unknown group", "spi: { listen = \"x\"; };", ERR_CONFIG,
		 "f:1: spi.listen: unknown key (did you mean sip.listen?)\n"},
		{"no group", "\nlisten = \"x\";", ERR_CONFIG,
		 "f:2: listen: unknown key (did you mean sip.listen?)\n"},
		{"text for a number", "sip: { calls_max = \"5\"; };", ERR_CONFIG,
		 "f:1: sip.calls_max: must be a whole number\n"},
		{"number for a text", "sip: { listen = 5060; };", ERR_CONFIG,
		 "f:1: sip.listen: must be a text in quotes\n"},
		{"number for a truth", "rooms: { autocreate = 1; };", ERR_CONFIG,
		 "f:1: rooms.autocreate: must be true or false\n"},
		{"fraction", "sip: { calls_max = 1.5; };", ERR_CONFIG,
		 "f:1: sip.calls_max: is a list, a group or a fraction, which no key takes\n"},
		{"list", "sip: { listen = [\"a\", \"b\"]; };", ERR_CONFIG,
		 "f:1: sip.listen: is a list, a group or a fraction, which no key takes\n"},
		{"group in a group", "sip: { listen: { a = 1; }; };", ERR_CONFIG,
		 "f:1: sip.listen: is a list, a group or a fraction, which no key takes\n"},
		{"out of range", "media: { ptime_ms = 5; };", ERR_CONFIG,
		 "f:1: media.ptime_ms: 5 is out of range, allowed are 10 to 60 ms\n"},
		{"beyond 32 bits", "sip: { calls_max = 9999999999L; };", ERR_CONFIG,
		 "f:1: sip.calls_max: 9999999999 is out of range, allowed are 1 to 1000000 "
		 "calls\n"},
		{"control character", "sip: { domains = \"a\\nb\"; };", ERR_CONFIG,
		 "f:1: sip.domains: contains a control character\n"},
		{"two mistakes", "sip: { calls_max = 0;\n transport = 1; };", ERR_CONFIG,
		 "f:1: sip.calls_max: 0 is out of range, allowed are 1 to 1000000 calls\n"
		 "f:2: sip.transport: unknown key (hearthd --dump-config lists them all)\n"},
		{"syntax", "sip: {\n listen = ;\n};", ERR_CONFIG, "f:2: syntax error\n"},
		{"twice", "sip: { calls_max = 5;\ncalls_max = 6; };", ERR_CONFIG,
		 "f:2: duplicate setting name\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf errors = BUF_INIT;
		struct config *config = NULL;

		(void)config_new(&config);
		CHECK_INT(rows[i].name, config_load_text(config, "f", rows[i].text, &errors),
			  rows[i].err);
		CHECK_STR(rows[i].name, errors.p ? errors.p : "", rows[i].complaint);
		config_free(config);
		buf_done(&errors);
	}
}

static void what_is_valid_is_kept(void)
{
	struct buf errors = BUF_INIT;
	struct config *config = NULL;

	(void)config_new(&config);
	CHECK_INT(NULL,
		  config_load_text(config, "f",
				   "sip: { calls_max = 5; wrong = 1; };\nrooms: { max = 6; };",
				   &errors),
		  ERR_CONFIG);
	CHECK_INT(NULL, config->sip_calls_max, 5);
	CHECK_INT(NULL, config->rooms_max, 6);
	CHECK_STR(NULL, config_origin(config, &config_keys[CONFIG_KEY_rooms_max]), "f:2");
	config_free(config);
	buf_done(&errors);
}

static void files(void)
{
	char path[] = "/tmp/hearth-config-XXXXXX";
	int fd = mkstemp(path);
	struct buf errors = BUF_INIT, want = BUF_INIT;
	struct config *config = NULL;

	(void)config_new(&config);
	CHECK(NULL, dprintf(fd, "\nrooms: { max = 17; };\nlog: { lvl = 1; };\n") > 0);
	CHECK_INT(NULL, config_load(config, path, &errors), ERR_CONFIG);
	CHECK_INT(NULL, config->rooms_max, 17);
	buf_addf(&want, "%s:3: log.lvl: unknown key (did you mean log.level?)\n", path);
	CHECK_STR(NULL, errors.p, want.p);
	close(fd);
	unlink(path);

	buf_clear(&errors);
	buf_clear(&want);
	CHECK_INT("missing", config_load(config, path, &errors), -ENOENT);
	buf_addf(&want, "%s: cannot be read: %s\n", path, err_text(-ENOENT));
	CHECK_STR("missing", errors.p, want.p);
	config_free(config);
	buf_done(&errors);
	buf_done(&want);
}

void suite_load(void)
{
	CHECK_SUITE("load");
	CHECK_TEST(texts);
	CHECK_TEST(what_is_valid_is_kept);
	CHECK_TEST(files);
}
