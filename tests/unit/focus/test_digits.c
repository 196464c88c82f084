/* tests/unit/focus/test_digits.c */
#include "focus/digits.h"

#include <errno.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

enum { EVENT = MEDIA_DIGIT_EVENT, TONE = MEDIA_DIGIT_IN_BAND, INFO = MEDIA_DIGIT_INFO };

static void a_press_is_told_once(void)
{
	static const struct {
		const char *row;
		struct {
			char digit;
			int via;
			uint64_t ms;
		} came[8];
		const char *want;
	} rows[] = {
		{"one way", {{'1', EVENT, 0}, {'1', EVENT, 150}, {'2', EVENT, 300}}, "112"},
		{"tone and event", {{'5', TONE, 60}, {'5', EVENT, 100}}, "5"},
		{"event and tone", {{'5', EVENT, 60}, {'5', TONE, 200}}, "5"},
		{"all three", {{'5', EVENT, 0}, {'5', INFO, 20}, {'5', TONE, 200}}, "5"},
		{"twice by two ways",
		 {{'5', EVENT, 0}, {'5', EVENT, 160}, {'5', TONE, 200}, {'5', TONE, 360}},
		 "55"},
		{"twice, crossing",
		 {{'5', EVENT, 0}, {'5', TONE, 90}, {'5', EVENT, 160}, {'5', TONE, 250}},
		 "55"},
		{"different ones, crossing",
		 {{'5', EVENT, 0}, {'6', EVENT, 160}, {'5', TONE, 200}, {'6', TONE, 360}},
		 "56"},
		{"by another way, much later", {{'5', EVENT, 0}, {'5', TONE, 1500}}, "55"},
		{"INFO alone", {{'#', INFO, 0}, {'#', INFO, 10}}, "##"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct digits_seen seen = {0};
		char told[9] = "";
		size_t count = 0;

		for (size_t k = 0; k < 8 && rows[i].came[k].digit; k++)
			if (digits_note(&seen, rows[i].came[k].digit,
					(enum media_digit_via)rows[i].came[k].via,
					5000 + rows[i].came[k].ms))
				told[count++] = rows[i].came[k].digit;
		CHECK_STR(rows[i].row, told, rows[i].want);
	}
}

static struct fake_leg *leg_in(struct phone *phone)
{
	return world_leg(phone->world, phone_participant(phone, "lobby"));
}

static void digits_go_to_a_participant(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct participant *p = phone_participant(alice, "lobby");
	struct fake_leg *leg = leg_in(alice);

	leg->params.dtmf_pt_send = 101;
	CHECK_INT("sent", digits_send(p, SLICE("12#d")), 0);
	CHECK_STR("as they are", leg->digits, "12#D");
	CHECK("no tone", fake_media_play(world->media, leg->self, 0) == NULL);
	CHECK_INT("none", digits_send(p, SLICE("")), -EINVAL);
	CHECK_INT("others", digits_send(p, SLICE("1+2")), -EINVAL);
	CHECK_INT("too many", digits_send(p, SLICE("123456789012345678901234567890123")),
		  ERR_LIMIT);
	leg->params.dtmf_pt_send = MEDIA_PT_NONE;
	CHECK_INT("no telephone-event", digits_send(p, SLICE("7")), 0);
	CHECK("a tone", fake_media_play(world->media, leg->self, 0) != NULL);
	world_end(world, "digits");
}

/* A stream of digits that nobody dials is not told digit by digit. */
static void a_flood_is_cut(void)
{
	struct world *world = world_new(NULL);
	struct phone *anna = world_join(world, "anna", "lobby");
	struct fake_leg *leg = leg_in(anna);

	for (int i = 0; i < 1000; i++)
		fake_media_tell(leg, (struct media_event){.kind = MEDIA_LEG_DTMF,
							  .via = MEDIA_DIGIT_EVENT,
							  .digit = (char)('0' + i % 10)});
	CHECK_INT("told", focus_stats(world->focus)->dtmf_digits, DIGITS_AT_ONCE);
	CHECK_INT("counted", focus_stats(world->focus)->dtmf_dropped, 1000 - DIGITS_AT_ONCE);
	world_run(world, 20 * DIGITS_EVERY_MS);
	for (int i = 0; i < 30; i++)
		fake_media_tell(leg, (struct media_event){.kind = MEDIA_LEG_DTMF,
							  .via = MEDIA_DIGIT_EVENT,
							  .digit = (char)('0' + i % 10)});
	CHECK_INT("twenty a second", focus_stats(world->focus)->dtmf_digits, DIGITS_AT_ONCE + 20);
	world_end(world, "a_flood_is_cut");
}

static void digits_are_passed_on_by_option(void)
{
	struct world *world = world_new(&(struct world_options){.config = "rooms.pass_dtmf=true"});
	struct phone *alice = world_join(world, "alice", "lobby");
	struct phone *bob = world_join(world, "bob", "lobby");
	struct room *room = world_room(world, "lobby");
	struct room_settings settings = *room_settings(room);

	leg_in(alice)->params.dtmf_pt_send = leg_in(bob)->params.dtmf_pt_send = 101;
	fake_media_tell(leg_in(alice), (struct media_event){.kind = MEDIA_LEG_DTMF, .digit = '4'});
	fake_media_tell(leg_in(alice), (struct media_event){.kind = MEDIA_LEG_DTMF,
							    .digit = '4',
							    .via = MEDIA_DIGIT_IN_BAND});
	CHECK_STR("the other hears it, once", leg_in(bob)->digits, "4");
	CHECK_STR("who pressed it does not", leg_in(alice)->digits, "");
	CHECK_INT("counted once", focus_stats(world->focus)->dtmf_digits, 1);
	settings.passes_dtmf = false;
	CHECK_INT("off", focus_room_set(world->focus, room, &settings), 0);
	fake_media_tell(leg_in(alice), (struct media_event){.kind = MEDIA_LEG_DTMF, .digit = '5'});
	CHECK_STR("not now", leg_in(bob)->digits, "4");
	world_end(world, "passed on");
}

void suite_digits(void)
{
	CHECK_SUITE("digits");
	CHECK_TEST(a_press_is_told_once);
	CHECK_TEST(digits_go_to_a_participant);
	CHECK_TEST(a_flood_is_cut);
	CHECK_TEST(digits_are_passed_on_by_option);
}
