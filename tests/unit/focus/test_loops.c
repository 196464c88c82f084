#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/loops.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static struct participant *link_rooms(struct world *world, const char *from, const char *to)
{
	struct participant *p = NULL;
	char uri[64];

	snprintf(uri, sizeof(uri), "sip:%s@" WORLD_SERVER, to);
	CHECK_INT(uri,
		  focus_invite(world->focus, world_room(world, from),
			       &(struct focus_invite){.uri = slice_of(uri)}, &p),
		  0);
	world_run(world, 1000);
	return p;
}

static void make(struct world *world, const char *id)
{
	struct room *room;

	CHECK_INT(id,
		  focus_room_create(world->focus, slice_of(id), &(struct room_settings){0}, &room),
		  0);
}

/* Two may hear each other; what would close a ring is refused, at whatever distance. */
static void rings(void)
{
	struct world *world = world_new(NULL);

	make(world, "a");
	make(world, "b");
	make(world, "c");
	link_rooms(world, "a", "b");
	CHECK_INT("two are linked", world_roster(world, "b"), 1);
	(void)world_events(world, NULL);
	link_rooms(world, "b", "a");
	CHECK_STR("not once more", world_events(world, "participant.left"),
		  "participant.left b a disconnected loop 482\n");
	link_rooms(world, "b", "c");
	CHECK_INT("a chain is fine", world_roster(world, "c"), 1);
	link_rooms(world, "c", "a");
	CHECK_STR("a ring of three is not", world_events(world, "participant.left"),
		  "participant.left c a disconnected loop 482\n");
	CHECK_INT("a has one link", world_roster(world, "a"), 1);
	world_end(world, "rings");
}

/* Whoever answers tells what is behind it. */
static void answers(void)
{
	struct world *world = world_new(NULL);
	struct participant *p;

	make(world, "a");
	make(world, "b");
	make(world, "c");
	link_rooms(world, "b", "c");
	p = link_rooms(world, "a", "b");
	CHECK("b and c", strstr(p->loop_tokens, world_room(world, "b")->loop_token) &&
				 strstr(p->loop_tokens, world_room(world, "c")->loop_token));
	world_end(world, "answers");
}

static void foreign_text(void)
{
	static const struct {
		const char *name, *value, *kept;
	} rows[] = {
		{"none", NULL, ""},
		{"one", "abc234", "abc234"},
		{"several", "abc, def ,,ghi", "abc,def,ghi"},
		{"no token ends it", "abc, <evil>, def", "abc"},
		{"too long", "abcdefghijklmnop", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(NULL);
		struct phone *phone = world_phone(world, "bridge");
		struct participant *p;
		char line[128];

		snprintf(line, sizeof(line), "Hearth-Loop: %s\r\n", rows[i].value);
		phone->contact_params = "isfocus";
		phone->dial_headers = rows[i].value ? line : NULL;
		phone_dial(phone, "lobby");
		world_run(world, 500);
		p = phone_participant(phone, "lobby");
		CHECK_STR(rows[i].name, p ? p->loop_tokens : "gone", rows[i].kept);
		phone->dial_headers = NULL;
		world_end(world, rows[i].name);
	}
}

void suite_loops(void)
{
	CHECK_SUITE("loops");
	CHECK_TEST(rings);
	CHECK_TEST(answers);
	CHECK_TEST(foreign_text);
}
