#include <string.h>

#include "base/err.h"
#include "config/table.h"
#include "tests/support/check.h"

static void every_default_fits_its_row(void)
{
	struct config *config = NULL;

	CHECK_INT(NULL, config_new(&config), 0);
	for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = &config_keys[i];
		struct config_value value = {
			.kind = key->kind, .str = key->def_str, .num = key->def_int};
		struct buf errors = BUF_INIT;

		CHECK_INT(key->name, config_key_set(config, key, &value, "test", &errors), 0);
		CHECK_STR(key->name, errors.p ? errors.p : "", "");
		CHECK(key->name, strlen(key->help) > 10);
		CHECK(key->name, strchr(key->name, '.') != NULL);
		buf_done(&errors);
	}
	config_free(config);
}

static void keys_of_a_group_stand_together(void)
{
	for (size_t i = 1; i < CONFIG_KEY_COUNT; i++) {
		struct slice name = slice_of(config_keys[i].name);
		size_t len = slice_find(name, '.') + 1;
		bool is_first = strncmp(config_keys[i - 1].name, name.p, len) != 0;

		for (size_t j = 0; is_first && j < i; j++)
			CHECK(name.p, strncmp(config_keys[j].name, name.p, len) != 0);
	}
	CHECK(NULL, CONFIG_KEY_COUNT > 30);
}

static void names_are_found_or_suggested(void)
{
	static const struct {
		const char *name, *suggestion;
	} rows[] = {
		{"sip.lisen", "sip.listen"},
		{"sip.listn", "sip.listen"},
		{"spi.listen", "sip.listen"},
		{"listen", "sip.listen"},
		{"rooms.autocreat", "rooms.autocreate"},
		{"room.autocreate", "rooms.autocreate"},
		{"focus.autocreate", "rooms.autocreate"},
		{"media.port", "media.ports"},
		{"log.levle", "log.level"},
		{"nothing.like.it", NULL},
		{"", NULL},
		{"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		 NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct config_key *near = config_key_suggest(slice_of(rows[i].name));

		CHECK(rows[i].name, config_key_find(slice_of(rows[i].name)) == NULL);
		CHECK_STR(rows[i].name, near ? near->name : NULL, rows[i].suggestion);
	}
	CHECK_STR(NULL, config_key_find(SLICE("log.level"))->name, "log.level");
}

static void assignments(void)
{
	static const struct {
		const char *text;
		int err;
		const char *complaint;
	} rows[] = {
		{"sip.listen=udp:127.0.0.1:5070", 0, ""},
		{"http.token=a=b", 0, ""},
		{"sip.tcp_idle_s=5", 0, ""},
		{"rooms.autocreate=off", 0, ""},
		{"rooms.autocreate=TRUE", 0, ""},
		{"sip.listen=", ERR_CONFIG, "-o: sip.listen: must not be empty\n"},
		{"sip.listen", ERR_CONFIG, "-o: sip.listen: must be key=value\n"},
		{"sip.lisen=x", ERR_CONFIG,
		 "-o: sip.lisen: unknown key (did you mean sip.listen?)\n"},
		{"what=x", ERR_CONFIG,
		 "-o: what: unknown key (hearthd --dump-config lists them all)\n"},
		{"sip.tcp_idle_s=4", ERR_CONFIG,
		 "-o: sip.tcp_idle_s: 4 is out of range, allowed are 5 to 86400 s\n"},
		{"sip.tcp_idle_s=-7", ERR_CONFIG,
		 "-o: sip.tcp_idle_s: -7 is out of range, allowed are 5 to 86400 s\n"},
		{"sip.tcp_idle_s=1x", ERR_CONFIG, "-o: sip.tcp_idle_s: must be a whole number\n"},
		{"sip.tcp_idle_s=99999999999999999999", ERR_CONFIG,
		 "-o: sip.tcp_idle_s: must be a whole number\n"},
		{"rooms.autocreate=maybe", ERR_CONFIG,
		 "-o: rooms.autocreate: must be true or false\n"},
		{"media.ports=1", ERR_CONFIG,
		 "-o: media.ports: has 1 characters, allowed are 3 to 16\n"},
		{"sip.domains=a\tb", ERR_CONFIG, "-o: sip.domains: contains a control character\n"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf errors = BUF_INIT;
		struct config *config = NULL;

		(void)config_new(&config);
		CHECK_INT(rows[i].text, config_set(config, rows[i].text, &errors), rows[i].err);
		CHECK_STR(rows[i].text, errors.p ? errors.p : "", rows[i].complaint);
		config_free(config);
		buf_done(&errors);
	}
}

static void assignments_reach_their_field(void)
{
	struct buf errors = BUF_INIT;
	struct config *config = NULL;

	(void)config_new(&config);
	CHECK_INT(NULL, config->rooms_autocreate, true);
	CHECK_INT(NULL, config_set(config, "rooms.autocreate=no", &errors), 0);
	CHECK_INT(NULL, config_set(config, "sip.calls_max=12", &errors), 0);
	CHECK_INT(NULL, config_set(config, "http.token=a=b", &errors), 0);
	CHECK_INT(NULL, config_set(config, "http.token=0=x", &errors), 0);
	CHECK_INT(NULL, config->rooms_autocreate, false);
	CHECK_INT(NULL, config->sip_calls_max, 12);
	CHECK_STR(NULL, config->http_token, "0=x");
	CHECK_STR(NULL, config_origin(config, &config_keys[CONFIG_KEY_http_token]), "-o");
	CHECK_STR(NULL, config_origin(config, &config_keys[CONFIG_KEY_sip_listen]), "default");
	config_free(config);
	buf_done(&errors);
}

static void reload_takes_what_it_may(void)
{
	struct buf notes = BUF_INIT;
	struct config *running = NULL, *fresh = NULL;

	(void)config_new(&running);
	(void)config_new(&fresh);
	CHECK_INT(NULL, config_reload(running, fresh, &notes), 0);
	CHECK_INT("nothing changed", notes.len, 0);

	(void)config_set(fresh, "log.level=debug", &notes);
	(void)config_set(fresh, "rooms.max=7", &notes);
	(void)config_set(fresh, "rooms.autocreate=0", &notes);
	(void)config_set(fresh, "mixer.workers=3", &notes);
	(void)config_set(fresh, "store.path=/x", &notes);
	CHECK_INT(NULL, config_reload(running, fresh, &notes), 0);
	CHECK_STR(NULL, running->log_level, "debug");
	CHECK_INT(NULL, running->rooms_max, 7);
	CHECK_INT(NULL, running->rooms_autocreate, false);
	CHECK_INT("needs a restart", running->mixer_workers, 0);
	CHECK_STR("needs a restart", running->store_path, "./hearth.db");
	CHECK_STR(NULL, notes.p,
		  "-o: mixer.workers has changed; it takes effect after a restart\n"
		  "-o: store.path has changed; it takes effect after a restart\n");
	config_free(running);
	config_free(fresh);
	buf_done(&notes);
}

static void free_accepts_null(void)
{
	CHECK(NULL, config_free(NULL) == NULL);
}

void suite_table(void)
{
	CHECK_SUITE("table");
	CHECK_TEST(every_default_fits_its_row);
	CHECK_TEST(keys_of_a_group_stand_together);
	CHECK_TEST(names_are_found_or_suggested);
	CHECK_TEST(assignments);
	CHECK_TEST(assignments_reach_their_field);
	CHECK_TEST(reload_takes_what_it_may);
	CHECK_TEST(free_accepts_null);
}
