/* focus/users.h -- who may register, call out and make rooms: all of them in memory, each change
 * written through to the store.
 *
 * A user is known by its name (a user part) and by aliases; no two share any of these. Of the
 * password H(user:realm:password) is kept for each algorithm, never the password itself; so a user
 * belongs to the realm that was in force when the password was set. Reads cost a hash look-up and
 * never wait. Thread: control.
 */
#ifndef FOCUS_USERS_H
#define FOCUS_USERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "sip/digest.h"
#include "store/store.h"

enum {
	USERS_MAX = 100000,    /* ERR_USER_LIMIT */
	USER_ALIASES_MAX = 16, /* of one user: ERR_USER_ALIAS */
	USER_NAME_MAX = STORE_ID_MAX,
	USER_PASSWORD_MAX = 255
};

struct users;
struct user;

struct user_view {
	struct slice name, realm, display_name; /* borrowed from the user */
	struct slice aliases;                   /* comma list without spaces; may be empty */
	bool is_enabled, may_dial_out, may_refer_out, may_create_rooms;
	uint64_t created_wall_ms;
	uint64_t version; /* changes with every change: ETag */
};
void user_view(const struct user *user, struct user_view *ret_view);

/* What is said of a user. Absent texts: as they are. */
struct user_settings {
	struct slice password; /* hashed at once under the realm of users_realm */
	struct slice display_name;
	struct slice aliases; /* comma list */
	bool is_enabled, may_dial_out, may_refer_out, may_create_rooms;
};

/* `store` NULL: nothing is kept. -ENOMEM. */
int users_new(struct store *store, struct clock clock, struct users **ret_users);
struct users *users_free(struct users *users); /* accepts NULL; returns NULL */
/* Reads the stored ones; one that does not fit is logged and left out. Errors of the store. */
int users_load(struct users *users);

/* The realm of new passwords; copied. A user of another realm cannot prove itself: one line in the
 * log names how many there are. */
void users_set_realm(struct users *users, struct slice realm);
const char *users_realm(const struct users *users);

/* 1 to 64 of [A-Za-z0-9._~+-], not beginning with '.': as a room's name. */
bool user_name_is_valid(struct slice name);

/* ERR_USER_NAME, ERR_USER_EXISTS (also by an alias), ERR_USER_LIMIT, ERR_USER_ALIAS (no name, or
 * too many), ERR_USER_PASSWORD (missing, too long, or with control characters), ERR_QUEUE_FULL of
 * the store, -ENOMEM, -ENOTSUP (no hash; MD5 alone under FIPS rules is just left out). */
int users_create(struct users *users, struct slice name, const struct user_settings *settings,
		 struct user **ret_user);
/* The same errors; nothing has changed then. */
int users_set(struct users *users, struct user *user, const struct user_settings *settings);
int users_delete(struct users *users, struct user *user);

struct user *users_find(const struct users *users, struct slice name); /* NULL: unknown */
struct user *users_find_alias(const struct users *users, struct slice name_or_alias);
/* In the order of their names, after `after` (absent: the first). NULL at the end. */
struct user *users_next(const struct users *users, struct slice after);
uint32_t users_count(const struct users *users);

/* The user goes by this name: its own, or an alias. */
bool user_is_called(const struct user *user, struct slice name);
/* H(A1) for `realm`; NULL: disabled, of another realm, or none for this algorithm. */
const char *user_ha1(const struct user *user, struct slice realm, enum digest_algorithm algorithm);

#endif
