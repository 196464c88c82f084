#include "keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"

static void load(void)
{
	static const struct {
		const char *name, *text;
		mode_t mode;
		int err;
		uint32_t keys;
	} cases[] = {
		{"good", "peer us secret\n* us other\n", 0600, 0, 2},
		{"of a group", "peer us secret\n", 0640, 0, 1},
		{"of everybody", "peer us secret\n", 0644, ERR_AUTH_FILE, 1},
		{"no key", "peer us\n", 0600, ERR_AUTH_FILE, 1},
		{"empty", "", 0600, 0, 0},
	};
	struct sip_keyring *keyring;
	struct random random;

	random_init_seeded(&random, 1);
	CHECK_INT("keyring", sip_keyring_new(&random, &keyring), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char path[] = "/tmp/hearth-keys-XXXXXX";
		uint32_t line;
		int fd = mkstemp(path);

		CHECK_INT("before", sip_keyring_read(keyring, SLICE("old key stays"), &line), 0);
		CHECK("written", fd >= 0 && dprintf(fd, "%s", cases[i].text) >= 0 &&
					 fchmod(fd, cases[i].mode) == 0);
		CHECK_INT(cases[i].name, keys_load(keyring, path), cases[i].err);
		CHECK_INT(cases[i].name, sip_keyring_count(keyring), cases[i].keys);
		close(fd);
		(void)unlink(path);
		if (i == 0)
			CHECK_INT("gone", keys_load(keyring, path), ERR_AUTH_FILE);
	}
	CHECK_INT("a folder", keys_load(keyring, "/tmp"), ERR_AUTH_FILE);
	CHECK_INT("none", keys_load(keyring, ""), 0);
	CHECK_INT("empties it", sip_keyring_count(keyring), 0);
	sip_keyring_free(keyring);
}

void suite_keys(void)
{
	CHECK_SUITE("keys");
	CHECK_TEST(load);
}
