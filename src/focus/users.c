#include "focus/users.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "focus/room.h"
#include "focus/text.h"

/* A name by which a user is found: its own first, then the aliases. */
struct name {
	struct hash_node node;
	struct user *user;
	struct slice text; /* of user->row */
};

struct user {
	struct store_user row;
	uint64_t version;
	struct name names[1 + USER_ALIASES_MAX];
	uint32_t name_count;
};

struct users {
	struct store *store;
	struct clock clock;
	char realm[STORE_TEXT_MAX + 1];
	struct hash *by_name;
	struct user **list; /* in the order of their names */
	uint32_t count, cap;
	uint64_t version;
};

static bool name_is(const struct hash_node *node, const void *key)
{
	return slice_eq(CONTAINER_OF(node, const struct name, node)->text,
			*(const struct slice *)key);
}

int users_new(struct store *store, struct clock clock, struct users **ret_users)
{
	struct users *users = calloc(1, sizeof(*users));

	if (!users)
		return -ENOMEM;
	users->store = store;
	users->clock = clock;
	/* An ETag from before a restart must not match something else after it. */
	users->version = clock_wall_ms(&clock);
	if (hash_new(name_is, &users->by_name)) {
		free(users);
		return -ENOMEM;
	}
	*ret_users = users;
	return 0;
}

struct users *users_free(struct users *users)
{
	if (!users)
		return NULL;
	for (uint32_t i = 0; i < users->count; i++)
		free(users->list[i]);
	free(users->list);
	hash_free(users->by_name);
	free(users);
	return NULL;
}

/* Finding
 * -----------------------------------------------------------------------------------------------
 */

struct user *users_find_alias(const struct users *users, struct slice name)
{
	struct hash_node *node = hash_find(users->by_name, hash_slice(name), &name);

	return node ? CONTAINER_OF(node, struct name, node)->user : NULL;
}

struct user *users_find(const struct users *users, struct slice name)
{
	struct user *user = users_find_alias(users, name);

	return user && slice_is(name, user->row.name) ? user : NULL;
}

/* Index of the first user whose name is above `name` (or not below it). */
static uint32_t place_of(const struct users *users, struct slice name, bool is_above)
{
	uint32_t low = 0, high = users->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = slice_compare(slice_of(users->list[middle]->row.name), name);

		if (order < 0 || (is_above && order == 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct user *users_next(const struct users *users, struct slice after)
{
	uint32_t at = slice_present(after) ? place_of(users, after, true) : 0;

	return at < users->count ? users->list[at] : NULL;
}

uint32_t users_count(const struct users *users)
{
	return users->count;
}

void user_view(const struct user *user, struct user_view *ret_view)
{
	*ret_view = (struct user_view){
		.name = slice_of(user->row.name),
		.realm = slice_of(user->row.realm),
		.display_name = slice_of(user->row.display_name),
		.aliases = slice_of(user->row.aliases),
		.is_enabled = user->row.is_enabled,
		.may_dial_out = user->row.may_dial_out,
		.may_refer_out = user->row.may_refer_out,
		.may_create_rooms = user->row.may_create_rooms,
		.created_wall_ms = user->row.created_wall_ms,
		.version = user->version,
	};
}

bool user_is_called(const struct user *user, struct slice name)
{
	for (uint32_t i = 0; i < user->name_count; i++) {
		if (slice_eq(user->names[i].text, name))
			return true;
	}
	return false;
}

static char *ha1_field(struct store_user *row, enum digest_algorithm algorithm)
{
	switch (algorithm) {
	case DIGEST_MD5:
		return row->ha1_md5;
	case DIGEST_SHA256:
		return row->ha1_sha256;
	default:
		return row->ha1_sha512_256;
	}
}

const char *user_ha1(const struct user *user, struct slice realm, enum digest_algorithm algorithm)
{
	struct store_user *row = (struct store_user *)&user->row;
	const char *ha1 = ha1_field(row, algorithm);

	return user->row.is_enabled && ha1[0] && slice_is(realm, user->row.realm) ? ha1 : NULL;
}

/* Checking
 * ---------------------------------------------------------------------------------------------- */

bool user_name_is_valid(struct slice name)
{
	return room_id_is_valid(name);
}

static int set_password(const struct users *users, struct slice password, struct store_user *row)
{
	char hex[DIGEST_HEX_MAX];

	if (password.len == 0 || password.len > USER_PASSWORD_MAX)
		return ERR_USER_PASSWORD;
	for (size_t i = 0; i < password.len; i++) {
		if ((unsigned char)password.p[i] < ' ' || password.p[i] == 0x7f)
			return ERR_USER_PASSWORD;
	}
	slice_cstr(slice_of(users->realm), row->realm, sizeof(row->realm));
	for (int i = 0; i < DIGEST_ALGORITHMS; i++) {
		enum digest_algorithm algorithm = (enum digest_algorithm)i;
		int err = digest_ha1(algorithm, slice_of(row->name), slice_of(users->realm),
				     password, hex);

		if (err && (err != -ENOTSUP || algorithm != DIGEST_MD5))
			return err;
		slice_cstr(err ? SLICE("") : slice_of(hex), ha1_field(row, algorithm),
			   STORE_HA1_MAX + 1);
	}
	return 0;
}

/* Normal form: no spaces, no empty items, nothing twice. */
static int set_aliases(const struct users *users, const struct user *user, struct slice list,
		       struct store_user *row)
{
	char text[STORE_ALIASES_MAX + 1] = "";
	struct slice item;
	uint32_t count = 0;
	size_t len = 0;

	while (text_list_next(&list, &item)) {
		const struct user *other = users_find_alias(users, item);

		if (!user_name_is_valid(item) || ++count > USER_ALIASES_MAX)
			return ERR_USER_ALIAS;
		if ((other && other != user) || slice_is(item, row->name) ||
		    text_list_has(text, item))
			return ERR_USER_EXISTS;
		if (len + 1 + item.len >= sizeof(text))
			return ERR_USER_ALIAS;
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s" SLICE_FMT,
					len ? "," : "", SLICE_ARG(item));
	}
	memcpy(row->aliases, text, sizeof(text));
	return 0;
}

static int apply(const struct users *users, const struct user *user,
		 const struct user_settings *settings, struct store_user *row)
{
	int err = 0;

	if (slice_present(settings->password))
		err = set_password(users, settings->password, row);
	if (!err && slice_present(settings->aliases))
		err = set_aliases(users, user, settings->aliases, row);
	if (slice_present(settings->display_name))
		text_utf8(settings->display_name, row->display_name, sizeof(row->display_name));
	row->is_enabled = settings->is_enabled;
	row->may_dial_out = settings->may_dial_out;
	row->may_refer_out = settings->may_refer_out;
	row->may_create_rooms = settings->may_create_rooms;
	return err;
}

/* Changing
 * -----------------------------------------------------------------------------------------------
 */

static void unlink_names(struct users *users, struct user *user)
{
	for (uint32_t i = 0; i < user->name_count; i++)
		hash_remove(users->by_name, &user->names[i].node);
	user->name_count = 0;
}

static void link_name(struct users *users, struct user *user, struct slice text)
{
	struct name *name = &user->names[user->name_count++];

	*name = (struct name){.user = user, .text = text};
	hash_add(users->by_name, &name->node, hash_slice(text));
}

static void link_names(struct users *users, struct user *user)
{
	struct slice list = slice_of(user->row.aliases), item;

	link_name(users, user, slice_of(user->row.name));
	while (user->name_count < ARRAY_LEN(user->names) && text_list_next(&list, &item))
		link_name(users, user, item);
}

static int grow(struct users *users)
{
	uint32_t cap = users->cap ? users->cap * 2 : 64;
	struct user **list;

	if (users->count < users->cap)
		return 0;
	list = realloc(users->list, cap * sizeof(struct user *));
	if (!list)
		return -ENOMEM;
	users->list = list;
	users->cap = cap;
	return 0;
}

/* There is room for it, and its names are free. */
static void insert(struct users *users, struct user *user)
{
	uint32_t at = place_of(users, slice_of(user->row.name), false);

	memmove(&users->list[at + 1], &users->list[at],
		(users->count - at) * sizeof(struct user *));
	users->list[at] = user;
	users->count++;
	user->version = ++users->version;
	link_names(users, user);
}

int users_create(struct users *users, struct slice name, const struct user_settings *settings,
		 struct user **ret_user)
{
	struct user *user;
	int err = grow(users);

	if (!user_name_is_valid(name))
		return ERR_USER_NAME;
	if (users_find_alias(users, name))
		return ERR_USER_EXISTS;
	if (users->count == USERS_MAX)
		return ERR_USER_LIMIT;
	if (!slice_present(settings->password))
		return ERR_USER_PASSWORD;
	user = err ? NULL : calloc(1, sizeof(*user));
	if (!user)
		return -ENOMEM;
	slice_cstr(name, user->row.name, sizeof(user->row.name));
	user->row.created_wall_ms = clock_wall_ms(&users->clock);
	err = apply(users, user, settings, &user->row);
	if (!err && users->store)
		err = store_user_put_post(users->store, &user->row);
	if (err) {
		free(user);
		return err;
	}
	insert(users, user);
	*ret_user = user;
	return 0;
}

int users_set(struct users *users, struct user *user, const struct user_settings *settings)
{
	struct store_user row = user->row;
	int err = apply(users, user, settings, &row);

	if (!err && users->store)
		err = store_user_put_post(users->store, &row);
	if (err)
		return err;
	unlink_names(users, user);
	user->row = row;
	user->version = ++users->version;
	link_names(users, user);
	return 0;
}

int users_delete(struct users *users, struct user *user)
{
	uint32_t at = place_of(users, slice_of(user->row.name), false);
	int err = users->store ? store_user_delete_post(users->store, user->row.name) : 0;

	if (err)
		return err;
	unlink_names(users, user);
	users->count--;
	memmove(&users->list[at], &users->list[at + 1],
		(users->count - at) * sizeof(struct user *));
	free(user);
	return 0;
}

/* Stored ones
 * ------------------------------------------------------------------------------------------- */

static int restore(struct users *users, const struct store_user *row)
{
	struct slice list = slice_of(row->aliases), item;
	struct user *user;
	int err = grow(users);

	if (!user_name_is_valid(slice_of(row->name)))
		return ERR_USER_NAME;
	if (users_find_alias(users, slice_of(row->name)))
		return ERR_USER_EXISTS;
	while (text_list_next(&list, &item)) {
		if (users_find_alias(users, item))
			return ERR_USER_EXISTS;
	}
	if (users->count == USERS_MAX)
		return ERR_USER_LIMIT;
	user = err ? NULL : calloc(1, sizeof(*user));
	if (!user)
		return -ENOMEM;
	user->row = *row;
	insert(users, user);
	return 0;
}

static void on_stored(void *arg, const struct store_user *row)
{
	int err = restore(arg, row);

	if (err)
		LOG(LOG_ERROR, "user.not_restored", LOG_STR("user", row->name),
		    LOG_STR("error", err_text(err)));
}

int users_load(struct users *users)
{
	return users->store ? store_users_load(users->store, on_stored, users) : 0;
}

void users_set_realm(struct users *users, struct slice realm)
{
	uint32_t foreign = 0;

	slice_cstr(realm, users->realm, sizeof(users->realm));
	for (uint32_t i = 0; i < users->count; i++)
		foreign += strcmp(users->list[i]->row.realm, users->realm) != 0;
	if (foreign > 0)
		LOG(LOG_WARN, "users.of_another_realm", LOG_INT("users", foreign),
		    LOG_STR("realm", users->realm),
		    LOG_STR("help", "set their passwords anew, or sip.realm as it was"));
}

const char *users_realm(const struct users *users)
{
	return users->realm;
}
