#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/modes.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

/* A lobby with an agent, a customer, and a coach to be. */
struct desk {
	struct world *world;
	struct phone *phones[3];
	struct participant *agent, *customer, *coach;
};

static struct desk desk_new(void)
{
	static const char *const users[] = {"agent", "customer", "coach"};
	struct desk desk = {.world = world_new(NULL)};
	struct participant **all[] = {&desk.agent, &desk.customer, &desk.coach};

	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		desk.phones[i] = world_join(desk.world, users[i], "lobby");
		*all[i] = phone_participant(desk.phones[i], "lobby");
	}
	return desk;
}

static int set(struct desk *desk, enum participant_mode mode, struct participant *coached)
{
	return focus_participant_set_mode(desk->world->focus, desk->coach, mode, coached);
}

/* As media.h has it. */
static bool hears(struct desk *desk, const struct participant *one, const struct participant *other)
{
	const struct media_leg_control *ear = &world_leg(desk->world, one)->control;
	const struct media_leg_control *mouth = &world_leg(desk->world, other)->control;
	uint16_t speaks = mouth->groups.speaks ? mouth->groups.speaks : 1;
	uint16_t listens = ear->groups.hears ? ear->groups.hears : 1;

	return !mouth->is_muted && !ear->is_deaf && (speaks & listens) != 0 &&
	       !(speaks & ear->groups.hears_not);
}

static void who_hears_whom(void)
{
	static const struct {
		enum participant_mode mode;
		bool agent_hears, customer_hears;
	} rows[] = {
		{MODE_TALK, true, true},     {MODE_LISTEN, false, false}, {MODE_COACH, true, false},
		{MODE_LISTEN, false, false}, {MODE_COACH, true, false},   {MODE_TALK, true, true},
	};
	struct desk desk = desk_new();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *name = mode_name(rows[i].mode);

		CHECK_INT(name, set(&desk, rows[i].mode, desk.agent), 0);
		world_run(desk.world, 50);
		CHECK_INT(name, hears(&desk, desk.agent, desk.coach), rows[i].agent_hears);
		CHECK_INT(name, hears(&desk, desk.customer, desk.coach), rows[i].customer_hears);
		CHECK(name, hears(&desk, desk.coach, desk.agent) &&
				    hears(&desk, desk.coach, desk.customer));
		CHECK(name, hears(&desk, desk.agent, desk.customer) &&
				    hears(&desk, desk.customer, desk.agent));
		CHECK_STR(name, desk.coach->coaches,
			  rows[i].mode == MODE_COACH ? desk.agent->id : "");
	}
	world_end(desk.world, "who_hears_whom");
}

/* The group of a coach is there as long as there is a coach. */
static void group_goes(void)
{
	struct desk desk = desk_new();
	struct phone *second = world_join(desk.world, "second", "lobby");

	CHECK_INT(NULL, set(&desk, MODE_COACH, desk.agent), 0);
	CHECK_INT(NULL,
		  focus_participant_set_mode(desk.world->focus, phone_participant(second, "lobby"),
					     MODE_COACH, desk.agent),
		  0);
	CHECK("it is named", strstr(groups_of_room(desk.agent->room).p, "coach-"));
	phone_hang_up(desk.phones[2]);
	world_run(desk.world, 500);
	CHECK("the other still coaches",
	      hears(&desk, desk.agent, phone_participant(second, "lobby")));
	phone_hang_up(second);
	world_run(desk.world, 500);
	CHECK_SLICE("nobody coaches", groups_texts(desk.agent).hears, "main");
	world_end(desk.world, "group_goes");
}

static void another_is_coached(void)
{
	struct desk desk = desk_new();

	CHECK_INT(NULL, set(&desk, MODE_COACH, desk.agent), 0);
	CHECK_INT(NULL, set(&desk, MODE_COACH, desk.customer), 0);
	world_run(desk.world, 50);
	CHECK("the customer now", hears(&desk, desk.customer, desk.coach));
	CHECK("the agent not any more", !hears(&desk, desk.agent, desk.coach));
	CHECK_SLICE(NULL, groups_texts(desk.agent).hears, "main");
	phone_hang_up(desk.phones[1]);
	world_run(desk.world, 500);
	CHECK("nobody hears a coach whose pupil has left", !hears(&desk, desk.agent, desk.coach));
	world_end(desk.world, "another_is_coached");
}

static void nobody_to_coach(void)
{
	struct desk desk = desk_new();
	struct phone *other = world_join(desk.world, "other", "annex");

	CHECK_INT("nobody", set(&desk, MODE_COACH, NULL), ERR_STATE);
	CHECK_INT("oneself", set(&desk, MODE_COACH, desk.coach), ERR_STATE);
	CHECK_INT("in another room", set(&desk, MODE_COACH, phone_participant(other, "annex")),
		  ERR_STATE);
	CHECK("nothing has changed", hears(&desk, desk.customer, desk.coach));
	world_end(desk.world, "nobody_to_coach");
}

/* Who comes by Join, and asks how, or does not. */
static void by_join(void)
{
	static const struct {
		const char *config, *param;
		uint16_t want;
		bool named_hears, other_hears;
	} rows[] = {
		{"", "", 200, true, true},
		{"focus.join_mode=listen", "", 200, false, false},
		{"focus.join_mode=coach", "", 200, true, false},
		{"", ";join-mode=coach", 403, false, false},
		{"focus.join_choice=listen", ";join-mode=coach", 403, false, false},
		{"focus.join_choice=listen,coach", ";join-mode=coach", 200, true, false},
		{"focus.join_choice=listen,coach", ";join-mode=listen", 200, false, false},
		{"focus.join_choice=talk\nfocus.join_mode=listen", ";join-mode=talk", 200, true,
		 true},
		{"focus.join_choice=listen", ";join-mode=shout", 403, false, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct desk desk = {
			.world = world_new(&(struct world_options){.config = rows[i].config})};
		struct phone *joiner = world_phone(desk.world, "joiner");
		struct phone *named = world_join(desk.world, "named", "lobby");
		struct phone *other = world_join(desk.world, "other", "lobby");
		char row[96], uri[64];

		snprintf(row, sizeof(row), "%s%s", rows[i].config, rows[i].param);
		snprintf(uri, sizeof(uri), "sip:any@" WORLD_SERVER "%s", rows[i].param);
		phone_dial_naming(joiner, uri, "Join", named);
		world_run(desk.world, 1000);
		CHECK_INT(row, joiner->final_status, rows[i].want);
		if (rows[i].want == 200) {
			const struct participant *p = phone_participant(joiner, "lobby");

			CHECK_INT(row, hears(&desk, phone_participant(named, "lobby"), p),
				  rows[i].named_hears);
			CHECK_INT(row, hears(&desk, phone_participant(other, "lobby"), p),
				  rows[i].other_hears);
			CHECK(row, hears(&desk, p, phone_participant(named, "lobby")));
		}
		world_end(desk.world, row);
	}
}

void suite_modes(void)
{
	CHECK_SUITE("modes");
	CHECK_TEST(who_hears_whom);
	CHECK_TEST(group_goes);
	CHECK_TEST(another_is_coached);
	CHECK_TEST(nobody_to_coach);
	CHECK_TEST(by_join);
}
