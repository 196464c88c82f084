#include "focus/event.h"

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static void count(void *arg, const struct focus_event *event)
{
	(void)event;
	++*(uint32_t *)arg;
}

static void listeners(void)
{
	struct world *world = world_new(NULL);
	uint32_t counts[FOCUS_LISTENERS_MAX] = {0};
	struct room *room;

	/* The world itself is the first. */
	for (int i = 0; i < FOCUS_LISTENERS_MAX - 1; i++)
		CHECK_INT(NULL, focus_listen(world->focus, count, &counts[i]), 0);
	CHECK_INT("one too many", focus_listen(world->focus, count, &counts[7]), ERR_LIMIT);
	(void)focus_room_create(world->focus, SLICE("a"), &(struct room_settings){0}, &room);
	focus_unlisten(world->focus, count, &counts[3]);
	focus_unlisten(world->focus, count, &counts[7]); /* was none */
	(void)focus_room_close(world->focus, room, "deleted");
	for (int i = 0; i < FOCUS_LISTENERS_MAX - 1; i++)
		CHECK_INT(NULL, counts[i], i == 3 ? 1 : 2);
	CHECK_INT("its place is free", focus_listen(world->focus, count, &counts[7]), 0);
	CHECK_INT(NULL, focus_event_seq(world->focus), 2);
	for (int i = 0; i < FOCUS_LISTENERS_MAX; i++)
		focus_unlisten(world->focus, count, &counts[i]);
	world_end(world, "listeners");
}

static void names(void)
{
	for (int i = 0; i < FOCUS_EVENT_KIND_COUNT; i++)
		CHECK(NULL, focus_event_name((enum focus_event_kind)i) != NULL);
	CHECK_STR(NULL, focus_event_name(FOCUS_ROOM_CREATED), "room.created");
	CHECK_STR(NULL, focus_event_name(FOCUS_PARTICIPANT_JOINED), "participant.joined");
	CHECK_STR(NULL, focus_event_name(FOCUS_DTMF), "dtmf");
}

void suite_event(void)
{
	CHECK_SUITE("event");
	CHECK_TEST(listeners);
	CHECK_TEST(names);
}
