#include "focus/groups.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

/* "a b c"; NULL: not given. Borrowed from the text. */
static bool names_of(const char *text, struct group_names *ret_names)
{
	*ret_names = (struct group_names){0};
	while (text && *text) {
		size_t len = strcspn(text, " ");

		ret_names->names[ret_names->count++] = (struct slice){text, len};
		text += len + (text[len] != '\0');
	}
	return text != NULL;
}

static struct groups_wish wish_of(const char *speaks, const char *hears, const char *hears_not)
{
	struct groups_wish wish = {0};

	wish.has_speaks = names_of(speaks, &wish.speaks);
	wish.has_hears = names_of(hears, &wish.hears);
	wish.has_hears_not = names_of(hears_not, &wish.hears_not);
	return wish;
}

static int set(struct world *world, struct participant *p, const char *speaks, const char *hears,
	       const char *hears_not)
{
	struct groups_wish wish = wish_of(speaks, hears, hears_not);

	return focus_participant_set_groups(world->focus, p, &wish);
}

/* What the mixer is told. */
static const struct {
	const char *name, *speaks, *hears, *hears_not;
	int err;
	struct media_leg_control want;
	const char *shown;
} rows[] = {
	{"nothing", NULL, NULL, NULL, 0, {.groups = {1, 1, 0}}, "main|main|"},
	{"a coach", "coach", NULL, NULL, 0, {.groups = {2, 1, 0}}, "coach|main|"},
	{"and what it hears", NULL, "main fr", NULL, 0, {.groups = {2, 5, 0}}, "coach|main fr|"},
	{"a neighbour",
	 "main desk",
	 "main",
	 "desk",
	 0,
	 {.groups = {3, 1, 2}},
	 "main desk|main|desk"},
	{"only listens", "", "main", "", 0, {.is_muted = true, .groups = {0, 1, 0}}, "|main|"},
	{"only speaks", "main", "", "", 0, {.is_deaf = true, .groups = {1, 0, 0}}, "main||"},
	{"every group", "*", "*", "", 0, {.groups = {0xffff, 0xffff, 0}}, "*|*|"},
	{"a name too long",
	 "123456789-123456789-123456789-123",
	 NULL,
	 NULL,
	 ERR_GROUP_NAME,
	 {.groups = {0xffff, 0xffff, 0}},
	 "*|*|"},
	{"a name of other signs",
	 "a/b",
	 NULL,
	 NULL,
	 ERR_GROUP_NAME,
	 {.groups = {0xffff, 0xffff, 0}},
	 "*|*|"},
	{"not to hear anybody",
	 NULL,
	 NULL,
	 "*",
	 ERR_GROUP_NAME,
	 {.groups = {0xffff, 0xffff, 0}},
	 "*|*|"},
	{"back", "main", "main", "", 0, {.groups = {1, 1, 0}}, "main|main|"},
};

static void names_become_bits(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct participant *p = phone_participant(alice, "lobby");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct media_leg_control *got = &world_leg(world, p)->control;
		struct participant_view view;
		char shown[200];

		CHECK_INT(rows[i].name,
			  set(world, p, rows[i].speaks, rows[i].hears, rows[i].hears_not),
			  rows[i].err);
		CHECK_INT(rows[i].name, got->groups.speaks, rows[i].want.groups.speaks);
		CHECK_INT(rows[i].name, got->groups.hears, rows[i].want.groups.hears);
		CHECK_INT(rows[i].name, got->groups.hears_not, rows[i].want.groups.hears_not);
		CHECK_INT(rows[i].name, got->is_muted, rows[i].want.is_muted);
		CHECK_INT(rows[i].name, got->is_deaf, rows[i].want.is_deaf);
		participant_view(p, &view);
		(void)snprintf(shown, sizeof(shown), SLICE_FMT "|" SLICE_FMT "|" SLICE_FMT,
			       SLICE_ARG(view.groups.speaks), SLICE_ARG(view.groups.hears),
			       SLICE_ARG(view.groups.hears_not));
		CHECK_STR(rows[i].name, shown, rows[i].shown);
	}
	(void)world_events(world, NULL);
	CHECK_INT("the same again", set(world, p, "main", NULL, NULL), 0);
	CHECK_STR("is no news", world_events(world, NULL), "");
	CHECK_INT("something else", set(world, p, "x", NULL, NULL), 0);
	CHECK_STR("is", world_events(world, NULL), "participant.changed lobby alice connected\n");
	world_end(world, "names_become_bits");
}

/* A group is there as long as somebody names it, and one name is one bit for all. */
static void groups_come_and_go(void)
{
	struct world *world = world_new(NULL);
	struct participant *a = phone_participant(world_join(world, "alice", "lobby"), "lobby");
	struct phone *bert = world_join(world, "bert", "lobby");
	struct participant *b = phone_participant(bert, "lobby");
	struct room_view view;

	CHECK_INT("one", set(world, a, "fr", "main de", NULL), 0);
	CHECK_INT("the other", set(world, b, "de", "main fr", NULL), 0);
	CHECK_INT("one bit", a->groups.speaks, b->groups.hears & ~1);
	CHECK_INT("the other bit", b->groups.speaks, a->groups.hears & ~1);
	room_view(a->room, &view);
	CHECK_SLICE("all", view.groups, "main fr de");
	phone_hang_up(bert);
	world_run(world, 1000);
	CHECK_INT("still named", set(world, a, NULL, "main", NULL), 0);
	room_view(a->room, &view);
	CHECK_SLICE("without de", view.groups, "main fr");
	CHECK_INT("its place is taken", set(world, a, NULL, "main it", NULL), 0);
	room_view(a->room, &view);
	CHECK_SLICE("by it", view.groups, "main fr it");
	world_end(world, "groups_come_and_go");
}

static void a_room_has_so_many_groups(void)
{
	struct world *world = world_new(NULL);
	struct participant *a = phone_participant(world_join(world, "alice", "lobby"), "lobby");
	struct participant *b = phone_participant(world_join(world, "bert", "lobby"), "lobby");
	struct media_groups before;

	CHECK_INT("fifteen", set(world, a, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15", NULL, NULL), 0);
	before = b->groups;
	CHECK_INT("and one", set(world, b, "16", NULL, NULL), ERR_GROUPS_FULL);
	CHECK("unchanged", memcmp(&before, &b->groups, sizeof(before)) == 0);
	CHECK_INT("one of those", set(world, b, "15", NULL, NULL), 0);
	CHECK_INT("others in their place", set(world, a, "a b c d e f g h i j k l m n", NULL, NULL),
		  0);
	CHECK_INT("all sixteen", set(world, a, "main a b c d e f g h i j k l m n 15", NULL, NULL),
		  0);
	CHECK_INT("are every group", a->groups.speaks, 0xffff);
	world_end(world, "a_room_has_so_many_groups");
}

static void and_so_many_audiences(void)
{
	struct world *world = world_new(NULL);
	struct participant *p[MEDIA_AUDIENCES_MAX + 1];

	for (int i = 0; i <= MEDIA_AUDIENCES_MAX; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "p%d", i);
		p[i] = phone_participant(world_join(world, name, "lobby"), "lobby");
	}
	for (int i = 1; i < MEDIA_AUDIENCES_MAX; i++) {
		char hears[32];

		(void)snprintf(hears, sizeof(hears), "main%s%s%s%s", i & 1 ? " a" : "",
			       i & 2 ? " b" : "", i & 4 ? " c" : "", i & 8 ? " d" : "");
		CHECK_INT(hears, set(world, p[i], NULL, hears, NULL), 0);
	}
	CHECK_INT("no other", set(world, p[0], NULL, "a", NULL), ERR_GROUPS_FULL);
	CHECK_INT("one of them", set(world, p[0], NULL, "main a", NULL), 0);
	CHECK_INT("deaf needs none", set(world, p[MEDIA_AUDIENCES_MAX], NULL, "", NULL), 0);
	CHECK_INT("its own may change", set(world, p[3], NULL, "b", NULL), 0);
	world_end(world, "and_so_many_audiences");
}

/* Whom we call may have groups from the start. */
static void called_into_groups(void)
{
	struct world *world = world_new(NULL);
	struct phone *coach = world_phone(world, "coach");
	struct participant *p, *a = phone_participant(world_join(world, "alice", "lobby"), "lobby");
	struct groups_wish wish = wish_of("whisper", NULL, NULL);
	struct focus_invite invite = {.uri = SLICE("sip:coach@" WORLD_PHONES), .groups = &wish};
	struct focus_invite bad = invite;
	struct groups_wish bad_wish = wish_of("?", NULL, NULL);

	bad.groups = &bad_wish;
	coach->answer_ms = 10;
	CHECK_INT("bad", focus_invite(world->focus, a->room, &bad, &p), ERR_GROUP_NAME);
	CHECK_INT("good", focus_invite(world->focus, a->room, &invite, &p), 0);
	CHECK_INT("at once", p->groups.speaks, 2);
	world_run(world, 1000);
	CHECK_INT("in the mixer", world_leg(world, p)->control.groups.speaks, 2);
	CHECK_INT("hears as everybody", world_leg(world, p)->control.groups.hears, 1);
	world_end(world, "called_into_groups");
}

/* Room, configuration, and what the mixer is told, of the loudest and of the gate. */
static void a_room_says_who_is_heard_at_all(void)
{
	static const struct {
		const char *name;
		struct room_settings settings;
		uint8_t loudest, gate_dbov; /* of the mixer */
		int8_t shown_dbov;
	} cases[] = {
		{"as configured", {0}, 5, 50, -50},
		{"all", {.has_loudest = true}, 0, 50, -50},
		{"three", {.has_loudest = true, .loudest = 3}, 3, 50, -50},
		{"the mixer's own gate", {.noise_gate_dbov = -60}, 5, 0, -60},
		{"no gate", {.noise_gate_dbov = -127}, 5, 127, -127},
	};
	struct world *world = world_new(
		&(struct world_options){.config = "rooms.loudest=5\nrooms.noise_gate_dbov=-50\n"});
	struct participant *p = phone_participant(world_join(world, "alice", "lobby"), "lobby");

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct media_room_policy policy;
		struct room_view view;

		(void)focus_room_set(world->focus, p->room, &cases[i].settings);
		policy = fake_media_policy(world->media, p->room->bus->room);
		room_view(p->room, &view);
		CHECK_INT(cases[i].name, policy.loudest, cases[i].loudest);
		CHECK_INT(cases[i].name, policy.gate_dbov, cases[i].gate_dbov);
		CHECK_INT(cases[i].name, view.in_force.loudest, cases[i].loudest);
		CHECK_INT(cases[i].name, view.in_force.noise_gate_dbov, cases[i].shown_dbov);
	}
	(void)focus_room_set(world->focus, p->room, &(struct room_settings){0});
	world->config->rooms_loudest = 7;
	focus_reload(world->focus);
	CHECK_INT("reloaded", fake_media_policy(world->media, p->room->bus->room).loudest, 7);
	world_end(world, "a_room_says_who_is_heard_at_all");
}

void suite_groups(void)
{
	CHECK_SUITE("groups");
	CHECK_TEST(names_become_bits);
	CHECK_TEST(groups_come_and_go);
	CHECK_TEST(a_room_has_so_many_groups);
	CHECK_TEST(and_so_many_audiences);
	CHECK_TEST(called_into_groups);
	CHECK_TEST(a_room_says_who_is_heard_at_all);
}
