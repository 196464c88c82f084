#include "focus/admission.h"

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

struct admission_case {
	const char *name, *uri;
	int err;
	enum admission_kind kind;
	const char *room;
};

static void decide_all(struct world *world, const struct admission_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct admission admission = {.kind = (enum admission_kind)99};
		int err = admission_decide(world->focus, slice_of(cases[i].uri), &admission);

		CHECK_INT(cases[i].name, err, cases[i].err);
		if (err) {
			CHECK_INT(cases[i].name, admission.kind, 99); /* untouched */
			continue;
		}
		CHECK_INT(cases[i].name, admission.kind, cases[i].kind);
		CHECK_STR(cases[i].name, admission.room_id, cases[i].room);
		CHECK_INT(cases[i].name, admission.room != NULL, admission.kind == ADMISSION_JOIN);
	}
}

static void add_room(struct world *world, const char *id, struct room_settings settings)
{
	struct room *room;

	CHECK_INT(id, focus_room_create(world->focus, slice_of(id), &settings, &room), 0);
}

static void names(void)
{
	static const struct admission_case cases[] = {
		{"a room that is", "sip:lobby@h", 0, ADMISSION_JOIN, "lobby"},
		{"escaped", "sip:l%6fbby@h", 0, ADMISSION_JOIN, "lobby"},
		{"by sips", "sips:lobby@h", 0, ADMISSION_JOIN, "lobby"},
		{"with parameters", "sip:lobby@h:5070;transport=tcp;isfocus", 0, ADMISSION_JOIN,
		 "lobby"},
		{"case matters", "sip:Lobby@h", 0, ADMISSION_CREATE, "Lobby"},
		{"a new name", "sip:a.b_c~d+e-f@h", 0, ADMISSION_CREATE, "a.b_c~d+e-f"},
		{"a number", "sip:+4930123@h", 0, ADMISSION_CREATE, "+4930123"},
		{"locked", "sip:locked@h", ERR_ROOM_LOCKED, 0, NULL},
		{"factory", "sip:conference-factory@h", 0, ADMISSION_FACTORY, ""},
		{"the other factory", "sip:conf-factory@h", 0, ADMISSION_FACTORY, ""},
		{"factory, other case", "sip:Conf-Factory@h", 0, ADMISSION_CREATE, "Conf-Factory"},
		{"a factory conference that is over", "sip:conf-abcdefgh2345@h", ERR_ROOM_UNKNOWN,
		 0, NULL},
		{"looks like one, too short", "sip:conf-abc@h", 0, ADMISSION_CREATE, "conf-abc"},
		{"looks like one, other letters", "sip:conf-ABCDEFGH2345@h", 0, ADMISSION_CREATE,
		 "conf-ABCDEFGH2345"},
		{"no user part", "sip:h", ERR_ROOM_UNKNOWN, 0, NULL},
		{"begins with a dot", "sip:.hidden@h", ERR_ROOM_NAME, 0, NULL},
		{"a space", "sip:a%20b@h", ERR_ROOM_NAME, 0, NULL},
		{"a NUL", "sip:a%00b@h", ERR_ROOM_NAME, 0, NULL},
		{"a slash", "sip:a/b@h", ERR_ROOM_NAME, 0, NULL},
		{"octets above 127", "sip:%c3%a4@h", ERR_ROOM_NAME, 0, NULL},
		{"64 characters",
		 "sip:0123456789012345678901234567890123456789012345678901234567890123@h", 0,
		 ADMISSION_CREATE,
		 "0123456789012345678901234567890123456789012345678901234567890123"},
		{"65 characters",
		 "sip:01234567890123456789012345678901234567890123456789012345678901234@h",
		 ERR_ROOM_NAME, 0, NULL},
		{"no URI", "lobby", ERR_SIP_URI_SYNTAX, 0, NULL},
	};
	struct world *world = world_new(NULL);

	add_room(world, "lobby", (struct room_settings){0});
	add_room(world, "locked", (struct room_settings){.is_locked = true});
	decide_all(world, cases, ARRAY_LEN(cases));
	world_free(world);
}

static void domains(void)
{
	static const struct admission_case cases[] = {
		{"ours", "sip:lobby@conf.example", 0, ADMISSION_CREATE, "lobby"},
		{"ours in capitals", "sip:lobby@CONF.Example", 0, ADMISSION_CREATE, "lobby"},
		{"our other one", "sip:lobby@b.example:5070", 0, ADMISSION_CREATE, "lobby"},
		{"public host", "sip:lobby@public.example", 0, ADMISSION_CREATE, "lobby"},
		{"v4 literal", "sip:lobby@192.0.2.77", 0, ADMISSION_CREATE, "lobby"},
		{"v6 literal", "sip:lobby@[2001:db8::7]", 0, ADMISSION_CREATE, "lobby"},
		{"foreign", "sip:lobby@other.example", ERR_DOMAIN, 0, NULL},
		{"below ours", "sip:lobby@x.conf.example", ERR_DOMAIN, 0, NULL},
		{"foreign factory", "sip:conf-factory@other.example", ERR_DOMAIN, 0, NULL},
	};
	struct world *world = world_new(&(struct world_options){
		.config =
			"sip.domains=conf.example, b.example\nsip.public_host=public.example:5070",
	});

	decide_all(world, cases, ARRAY_LEN(cases));
	world_free(world);
}

static void limits(void)
{
	static const struct admission_case cases[] = {
		{"what is there goes on", "sip:lobby@h", 0, ADMISSION_JOIN, "lobby"},
		{"a new name", "sip:new@h", ERR_ROOM_LIMIT, 0, NULL},
		{"factory", "sip:conf-factory@h", ERR_ROOM_LIMIT, 0, NULL},
		{"a bad name is that first", "sip:.new@h", ERR_ROOM_NAME, 0, NULL},
	};
	struct world *world = world_new(&(struct world_options){.config = "rooms.max=1"});

	add_room(world, "lobby", (struct room_settings){0});
	decide_all(world, cases, ARRAY_LEN(cases));
	world_free(world);
}

static void no_autocreate(void)
{
	static const struct admission_case cases[] = {
		{"there", "sip:lobby@h", 0, ADMISSION_JOIN, "lobby"},
		{"not there", "sip:new@h", ERR_ROOM_UNKNOWN, 0, NULL},
		{"factory", "sip:conf-factory@h", 0, ADMISSION_FACTORY, ""},
		{"other factory user", "sip:conference-factory@h", 0, ADMISSION_FACTORY, ""},
	};
	struct world *world = world_new(
		&(struct world_options){.config = "rooms.autocreate=false"});

	add_room(world, "lobby", (struct room_settings){0});
	decide_all(world, cases, ARRAY_LEN(cases));
	world_free(world);
}

static void no_factory(void)
{
	static const struct admission_case cases[] = {
		{"just a name", "sip:conf-factory@h", 0, ADMISSION_CREATE, "conf-factory"},
	};
	struct world *world = world_new(&(struct world_options){.config = "focus.factory_users="});

	decide_all(world, cases, ARRAY_LEN(cases));
	world_free(world);
}

static void central_factory(void)
{
	static const struct admission_case cases[] = {
		{"factory is elsewhere", "sip:conf-factory@h", 0, ADMISSION_REDIRECT, ""},
		{"names are here", "sip:lobby@h", 0, ADMISSION_CREATE, "lobby"},
	};
	static const struct admission_case draining[] = {
		{"factory", "sip:conf-factory@h", 0, ADMISSION_REDIRECT, ""},
		{"names", "sip:lobby@h", 0, ADMISSION_REDIRECT, ""},
	};
	struct world *world = world_new(&(struct world_options){
		.config = "focus.central_factory=sip:factory@central.example",
	});

	decide_all(world, cases, ARRAY_LEN(cases));
	focus_drain(world->focus, NULL, NULL);
	decide_all(world, draining, ARRAY_LEN(draining));
	world_free(world);
}

static void draining(void)
{
	static const struct admission_case cases[] = {
		{"a room that is", "sip:lobby@h", ERR_DRAINING, 0, NULL},
		{"a new name", "sip:new@h", ERR_DRAINING, 0, NULL},
		{"factory", "sip:conf-factory@h", ERR_DRAINING, 0, NULL},
	};
	struct world *world = world_new(NULL);
	struct room *room;

	add_room(world, "lobby", (struct room_settings){0});
	focus_drain(world->focus, NULL, NULL);
	decide_all(world, cases, ARRAY_LEN(cases));
	CHECK_INT("API",
		  focus_room_create(world->focus, SLICE("x"), &(struct room_settings){0}, &room),
		  ERR_DRAINING);
	world_free(world);
}

static void room_ids(void)
{
	static const struct {
		const char *id;
		bool is_valid;
	} rows[] = {
		{"a", true},    {"A.z_0~9+-", true}, {"", false},
		{".a", false},  {"a.", true},        {"a b", false},
		{"a@b", false}, {"a%41", false},     {"\xc3\xa4", false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_INT(rows[i].id, room_id_is_valid(slice_of(rows[i].id)), rows[i].is_valid);
	CHECK("a NUL inside", !room_id_is_valid(slice_make("a\0b", 3)));
}

void suite_admission(void)
{
	CHECK_SUITE("admission");
	CHECK_TEST(names);
	CHECK_TEST(domains);
	CHECK_TEST(limits);
	CHECK_TEST(no_autocreate);
	CHECK_TEST(no_factory);
	CHECK_TEST(central_factory);
	CHECK_TEST(draining);
	CHECK_TEST(room_ids);
}
