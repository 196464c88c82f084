#include "focus/users.h"

#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"
#include "tests/support/fake_store.h"

struct fixture {
	struct clock_virtual time;
	struct store store;
	struct users *users;
};

static void begin(struct fixture *fx)
{
	memset(fx, 0, sizeof(*fx));
	fx->time.wall_ms_at_zero = 1700000000000;
	CHECK_INT("users", users_new(&fx->store, clock_virtual(&fx->time), &fx->users), 0);
	users_set_realm(fx->users, SLICE("example.com"));
}

static struct user_settings settings(const char *password)
{
	return (struct user_settings){.password = slice_of(password), .is_enabled = true};
}

static struct user *add(struct fixture *fx, const char *name, const char *aliases)
{
	struct user_settings s = settings("secret");
	struct user *user = NULL;

	s.aliases = slice_of(aliases);
	CHECK_INT(name, users_create(fx->users, slice_of(name), &s, &user), 0);
	return user;
}

static void create(void)
{
	static const struct {
		const char *name, *password, *aliases;
		int err;
	} cases[] = {
		{"alice", "x", NULL, ERR_USER_EXISTS}, /* there already */
		{"100", "x", NULL, ERR_USER_EXISTS},   /* as an alias */
		{"bob", "x", "100", ERR_USER_EXISTS},
		{"bob", "x", "alice", ERR_USER_EXISTS},
		{"bob", "x", "bob", ERR_USER_EXISTS},
		{"bob", "x", "7,7", ERR_USER_EXISTS},
		{"bob", "x", "a b", ERR_USER_ALIAS},
		{"bob", "x", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", ERR_USER_ALIAS},
		{"bob", "", NULL, ERR_USER_PASSWORD},
		{"bob", NULL, NULL, ERR_USER_PASSWORD},
		{"bob", "a\nb", NULL, ERR_USER_PASSWORD},
		{".bob", "x", NULL, ERR_USER_NAME},
		{"", "x", NULL, ERR_USER_NAME},
		{"bob@x", "x", NULL, ERR_USER_NAME},
		{"\"bob\"", "x", NULL, ERR_USER_NAME},
		{"bob", "x", " 200, 201 ,,+4930", 0},
	};
	struct fixture fx;
	struct user *user;
	struct user_view view;

	begin(&fx);
	add(&fx, "alice", "100");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct user_settings s = settings(cases[i].password);

		s.aliases = slice_of(cases[i].aliases);
		user = NULL;
		CHECK_INT(cases[i].name, users_create(fx.users, slice_of(cases[i].name), &s, &user),
			  cases[i].err);
		CHECK("untouched on failure", cases[i].err == 0 || user == NULL);
	}
	CHECK_INT("two", users_count(fx.users), 2);
	CHECK_INT("both are stored", fx.store.user_count, 2);
	user_view(user, &view);
	CHECK_SLICE("aliases in normal form", view.aliases, "200,201,+4930");
	CHECK_SLICE("realm", view.realm, "example.com");
	CHECK_INT("created", view.created_wall_ms, 1700000000000);
	users_free(fx.users);
}

/* HA1 by `printf 'alice:example.com:secret' | md5sum` and so on. */
static void secrets(void)
{
	struct slice realm = SLICE("example.com");
	struct user_settings s;
	struct fixture fx;
	struct user *user;

	begin(&fx);
	user = add(&fx, "alice", NULL);
	CHECK_STR("MD5", user_ha1(user, realm, DIGEST_MD5), "b1726872c344b6dc8365b774f8fd6412");
	CHECK_STR("SHA-256", user_ha1(user, realm, DIGEST_SHA256),
		  "ed8925b20f9a77b8f8f8d5f8e4467fe32b866f7208ab9e4b20595e9821a0fdee");
	CHECK_STR("SHA-512-256", user_ha1(user, realm, DIGEST_SHA512_256),
		  "9e413627514b03d0753229d450617d94a9b2a2a635222e49bad90404c29e97ad");
	CHECK("not for another realm", !user_ha1(user, SLICE("other"), DIGEST_MD5));
	CHECK("the password is nowhere",
	      !memmem(&fx.store.users[0], sizeof(fx.store.users[0]), "secret", 6));
	s = (struct user_settings){.is_enabled = false};
	CHECK_INT("disable", users_set(fx.users, user, &s), 0);
	CHECK("who is disabled has none", !user_ha1(user, realm, DIGEST_MD5));
	s = settings("new");
	CHECK_INT("a new password", users_set(fx.users, user, &s), 0);
	CHECK("is another",
	      strcmp(user_ha1(user, realm, DIGEST_MD5), "b1726872c344b6dc8365b774f8fd6412") != 0);
	users_set_realm(fx.users, SLICE("elsewhere"));
	CHECK("a new realm does not change it", user_ha1(user, realm, DIGEST_MD5) != NULL);
	users_free(fx.users);
}

static void find(void)
{
	struct fixture fx;
	struct user *alice, *bob;

	begin(&fx);
	bob = add(&fx, "bob", "200");
	alice = add(&fx, "alice", "100,101");
	CHECK("by name", users_find(fx.users, SLICE("alice")) == alice);
	CHECK("not by alias", !users_find(fx.users, SLICE("100")));
	CHECK("by alias", users_find_alias(fx.users, SLICE("101")) == alice);
	CHECK("or name", users_find_alias(fx.users, SLICE("bob")) == bob);
	CHECK("case matters", !users_find_alias(fx.users, SLICE("Bob")));
	CHECK("nobody", !users_find_alias(fx.users, SLICE_NONE));
	CHECK("called", user_is_called(alice, SLICE("100")) && !user_is_called(bob, SLICE("100")));
	CHECK("in order", users_next(fx.users, SLICE_NONE) == alice);
	CHECK("then", users_next(fx.users, SLICE("alice")) == bob);
	CHECK("from between", users_next(fx.users, SLICE("alicia")) == bob);
	CHECK("the end", !users_next(fx.users, SLICE("bob")));
	users_free(fx.users);
}

static void change(void)
{
	struct user_settings s = {.is_enabled = true,
				  .may_dial_out = true,
				  .may_refer_out = true,
				  .may_create_rooms = true,
				  .display_name = SLICE("Alice \xc3\x84"),
				  .aliases = SLICE("101,102")};
	struct user_view before, view;
	struct fixture fx;
	struct user *user;

	begin(&fx);
	add(&fx, "bob", "200");
	user = add(&fx, "alice", "100,101");
	user_view(user, &before);
	CHECK_INT("change", users_set(fx.users, user, &s), 0);
	user_view(user, &view);
	CHECK("the version moved", view.version > before.version);
	CHECK("flags", view.may_dial_out && view.may_refer_out && view.may_create_rooms);
	CHECK_SLICE("name", view.display_name, "Alice \xc3\x84");
	CHECK("an old alias is free", !users_find_alias(fx.users, SLICE("100")));
	CHECK("a kept one stays", users_find_alias(fx.users, SLICE("101")) == user);
	CHECK("a new one is there", users_find_alias(fx.users, SLICE("102")) == user);
	CHECK_STR("stored", fx.store.users[1].aliases, "101,102");
	s.aliases = SLICE("200");
	s.is_enabled = false;
	CHECK_INT("somebody else's", users_set(fx.users, user, &s), ERR_USER_EXISTS);
	user_view(user, &view);
	CHECK("nothing has changed", view.is_enabled);
	CHECK_SLICE("nor here", view.aliases, "101,102");
	fx.store.fail = ERR_QUEUE_FULL;
	s.aliases = SLICE("");
	CHECK_INT("the store is full", users_set(fx.users, user, &s), ERR_QUEUE_FULL);
	CHECK("nothing has changed", users_find_alias(fx.users, SLICE("102")) == user);
	CHECK_INT("nor can it be deleted", users_delete(fx.users, user), ERR_QUEUE_FULL);
	fx.store.fail = 0;
	CHECK_INT("none at all", users_set(fx.users, user, &s), 0);
	CHECK("gone", !users_find_alias(fx.users, SLICE("102")));
	CHECK_INT("delete", users_delete(fx.users, user), 0);
	CHECK("gone", !users_find(fx.users, SLICE("alice")));
	CHECK_INT("one is left", users_count(fx.users), 1);
	CHECK_INT("in the store too", fx.store.user_count, 1);
	CHECK("its name is free", add(&fx, "alice", "100") != NULL);
	users_free(fx.users);
}

static void restart(void)
{
	struct fixture fx;
	struct users *again;
	struct user *alice;

	begin(&fx);
	add(&fx, "bob", "200");
	add(&fx, "alice", "100");
	/* What somebody has written into the file by hand. */
	strcpy(fx.store.users[2].name, "carol");
	strcpy(fx.store.users[2].aliases, "100");
	strcpy(fx.store.users[3].name, "not a name");
	fx.store.user_count = 4;
	CHECK_INT("users", users_new(&fx.store, clock_virtual(&fx.time), &again), 0);
	CHECK_INT("load", users_load(again), 0);
	users_set_realm(again, SLICE("example.com"));
	CHECK_INT("what fits", users_count(again), 2);
	alice = users_find_alias(again, SLICE("100"));
	if (CHECK("is found", alice != NULL))
		CHECK("and proves itself",
		      user_ha1(alice, SLICE("example.com"), DIGEST_SHA256) != NULL);
	users_free(again);
	users_free(fx.users);
}

static void many(void)
{
	struct users *users;
	struct clock_virtual time = {0};
	struct user_settings s = settings("x");
	struct user *user;
	char name[16];
	int err = 0;

	CHECK_INT("users", users_new(NULL, clock_virtual(&time), &users), 0);
	users_set_realm(users, SLICE("r"));
	for (unsigned i = 0; i < 3000 && !err; i++) {
		snprintf(name, sizeof(name), "u%u", (i * 7919) % 3000);
		err = users_create(users, slice_of(name), &s, &user);
	}
	CHECK_INT("all of them", err, 0);
	user = NULL;
	for (unsigned i = 0; i < 3000; i++) {
		struct user_view view;
		struct user *next = users_next(users, user ? (user_view(user, &view), view.name)
							   : SLICE_NONE);

		if (!CHECK("each once", next != NULL && next != user))
			break;
		user = next;
	}
	users_free(users);
}

void suite_users(void)
{
	CHECK_SUITE("users");
	CHECK_TEST(create);
	CHECK_TEST(secrets);
	CHECK_TEST(find);
	CHECK_TEST(change);
	CHECK_TEST(restart);
	CHECK_TEST(many);
}
