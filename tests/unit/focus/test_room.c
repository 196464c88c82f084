#include "focus/room.h"

#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/participant_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static const struct room_settings plain;

static struct room *create(struct world *world, const char *id)
{
	struct room *room = NULL;

	CHECK_INT(id, focus_room_create(world->focus, slice_of(id), &plain, &room), 0);
	return room;
}

static void by_api(void)
{
	struct world *world = world_new(NULL);
	struct room_settings settings = {.is_locked = true, .participants_max = 7};
	struct room_view view;
	struct room *room, *other = NULL;

	CHECK_INT(NULL, focus_room_create(world->focus, SLICE("board"), &settings, &room), 0);
	room_view(room, &view);
	CHECK_SLICE(NULL, view.id, "board");
	CHECK_STR(NULL, view.uri, "sip:board@10.0.0.1");
	CHECK_INT(NULL, view.origin, ROOM_BY_API);
	CHECK_STR(NULL, room_origin_name(view.origin), "api");
	CHECK_INT(NULL, view.in_force.participants_max, 7);
	CHECK(NULL, view.in_force.is_locked && !view.in_force.is_muted);
	CHECK_INT(NULL, view.created_wall_ms, clock_wall_ms(&world->clock));
	CHECK_INT("again", focus_room_create(world->focus, SLICE("board"), &plain, &other),
		  ERR_ROOM_EXISTS);
	CHECK_INT("bad name", focus_room_create(world->focus, SLICE("a b"), &plain, &other),
		  ERR_ROOM_NAME);
	CHECK("untouched", other == NULL);
	CHECK_INT("an idle room costs the mixer nothing", fake_media_rooms(world->media), 0);
	world_run(world, 1000000);
	CHECK("it stays", world_room(world, "board") == room);
	CHECK_INT("stored", world->store.room_count, 1);
	CHECK_INT(NULL, focus_room_close(world->focus, room, "deleted"), 0);
	CHECK_INT("not stored any more", world->store.room_count, 0);
	CHECK_STR(NULL, world_events(world, NULL),
		  "room.created board\nroom.closed board deleted\n");
	world_end(world, "by_api");
}

static void fresh_names(void)
{
	struct world *world = world_new(NULL);
	struct room *a = NULL, *b = NULL;
	struct room_view view_a, view_b;

	CHECK_INT(NULL, focus_room_create(world->focus, SLICE_NONE, &plain, &a), 0);
	CHECK_INT(NULL, focus_room_create(world->focus, SLICE_NONE, &plain, &b), 0);
	room_view(a, &view_a);
	room_view(b, &view_b);
	CHECK(NULL, slice_starts(view_a.id, SLICE("conf-")) && room_id_is_valid(view_a.id));
	CHECK(NULL, !slice_eq(view_a.id, view_b.id));
	world_end(world, "fresh_names");
}

static void ordered(void)
{
	static const char *const made[] = {"m", "b", "z", "a", "bb", "B", "mm", "0"};
	static const char *const want[] = {"0", "B", "a", "b", "bb", "m", "mm", "z"};
	struct world *world = world_new(NULL);
	struct room *room = NULL;
	struct room_view view;

	for (size_t i = 0; i < ARRAY_LEN(made); i++)
		create(world, made[i]);
	CHECK_INT(NULL, focus_room_count(world->focus), ARRAY_LEN(made));
	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		room = focus_room_next(world->focus, i ? view.id : SLICE_NONE);
		if (!CHECK(want[i], room != NULL))
			break;
		room_view(room, &view);
		CHECK_SLICE(want[i], view.id, want[i]);
	}
	CHECK("end", focus_room_next(world->focus, SLICE("z")) == NULL);
	room_view(focus_room_next(world->focus, SLICE("c")), &view);
	CHECK_SLICE("after a name that is not there", view.id, "m");
	(void)focus_room_close(world->focus, world_room(world, "bb"), "deleted");
	room_view(focus_room_next(world->focus, SLICE("bb")), &view);
	CHECK_SLICE("after one that has gone", view.id, "m");
	CHECK("not found", !world_room(world, "bb") && !focus_room_find(world->focus, SLICE_NONE));
	world_end(world, "ordered");
}

static void many(void)
{
	struct world *world = world_new(NULL);
	struct room_view view;
	struct slice after = SLICE_NONE;
	uint32_t seen = 0;

	for (int i = 0; i < 500; i++) {
		char id[16];

		snprintf(id, sizeof(id), "r%03d", i * 7 % 500);
		create(world, id);
	}
	for (struct room *room; (room = focus_room_next(world->focus, after)); seen++) {
		room_view(room, &view);
		after = view.id;
	}
	CHECK_INT(NULL, seen, 500);
	buf_clear(&world->events);
	world_end(world, "many");
}

static void limit(void)
{
	struct world *world = world_new(&(struct world_options){.config = "rooms.max=2"});
	struct room *room = NULL;

	create(world, "a");
	create(world, "b");
	CHECK_INT(NULL, focus_room_create(world->focus, SLICE("c"), &plain, &room), ERR_ROOM_LIMIT);
	CHECK("untouched", room == NULL);
	world_end(world, "limit");
}

static void restored(void)
{
	struct world *world = world_new(&(struct world_options){.rooms = "lobby,a b,board,lobby"});
	struct room_view view;

	CHECK_INT("the bad and the double one are left out", focus_room_count(world->focus), 2);
	room_view(world_room(world, "board"), &view);
	CHECK_INT(NULL, view.origin, ROOM_BY_API);
	CHECK_INT(NULL, view.created_wall_ms, 1000);
	CHECK_STR("nothing has happened", world_events(world, NULL), "");
	CHECK_INT("nor is it written again", world->store.puts, 0);
	world_end(world, "restored");
}

static void settings(void)
{
	struct world *world = world_new(NULL);
	struct room *room = create(world, "lobby");
	struct room_settings want = {.is_locked = true};
	struct room_view before, after;

	room_view(room, &before);
	CHECK_INT(NULL, focus_room_set(world->focus, room, &plain), 0);
	room_view(room, &after);
	CHECK_INT("no change, no version", after.version, before.version);
	CHECK_INT(NULL, focus_room_set(world->focus, room, &want), 0);
	room_view(room, &after);
	CHECK("new version", after.version != before.version);
	CHECK("locked", after.in_force.is_locked);
	CHECK("stored", world->store.rooms[0].settings.is_locked);
	CHECK_STR(NULL, world_events(world, NULL), "room.created lobby\nroom.changed lobby\n");
	world_end(world, "settings");
}

static void store_fails(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice;

	world->store.fail = ERR_QUEUE_FULL;
	create(world, "lobby");
	alice = world_join(world, "alice", "lobby");
	CHECK_INT("calls go on", world_roster(world, "lobby"), 1);
	phone_hang_up(alice);
	world_run(world, 1000);
	CHECK_INT(NULL, world_roster(world, "lobby"), 0);
	CHECK_INT(NULL, focus_room_close(world->focus, world_room(world, "lobby"), "deleted"), 0);
	world_end(world, "store_fails");
}

static void by_call(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct phone *bob = world_join(world, "bob", "lobby");
	struct room_view view;

	room_view(world_room(world, "lobby"), &view);
	CHECK_INT(NULL, view.origin, ROOM_BY_CALL);
	CHECK_INT(NULL, view.participants, 2);
	CHECK_INT("one bus", fake_media_rooms(world->media), 1);
	phone_hang_up(alice);
	world_run(world, 1000);
	CHECK("one is left", world_room(world, "lobby") != NULL);
	phone_hang_up(bob);
	world_run(world, 1000);
	CHECK("the last ends it", world_room(world, "lobby") == NULL);
	CHECK_INT("never stored", world->store.puts + world->store.deletes, 0);
	CHECK_STR(NULL, world_events(world, "room."),
		  "room.created lobby\nroom.closed lobby empty\n");
	world_end(world, "by_call");
}

/* The name of the room that the factory made for this phone. */
static const char *factory_room(const struct phone *phone)
{
	static char id[ROOM_ID_MAX + 1];
	struct sip_addr contact;

	if (CHECK("a Contact", !sip_addr_parse(slice_of(phone->contact), &contact)))
		slice_cstr(contact.uri.user, id, sizeof(id));
	return id;
}

static void factory_grace(void)
{
	struct world *world = world_new(&(struct world_options){.config = "rooms.grace_s=30"});
	struct phone *alice = world_join(world, "alice", "conference-factory"), *bob;
	const char *id = factory_room(alice);
	struct room_view view;

	CHECK(id, slice_starts(slice_of(id), SLICE("conf-")) && strlen(id) == 17);
	room_view(world_room(world, id), &view);
	CHECK_INT(NULL, view.origin, ROOM_BY_FACTORY);
	world_run(world, 100000);
	CHECK("one alone keeps it for any time", world_room(world, id) != NULL);
	phone_hang_up(alice);
	world_run(world, 29000);
	CHECK("not yet", world_room(world, id) != NULL);
	bob = world_join(world, "bob", id);
	world_run(world, 60000);
	CHECK("somebody came in time", world_room(world, id) != NULL);
	phone_hang_up(bob);
	world_run(world, 29900);
	CHECK("a grace of its own", world_room(world, id) != NULL);
	world_run(world, 1000);
	CHECK("over", world_room(world, id) == NULL);
	phone_dial(alice, id);
	world_run(world, 1000);
	CHECK_INT("a late call does not make it again", alice->final_status, 404);
	world_end(world, "factory_grace");
}

static void two_factories(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "conf-factory");
	char first[ROOM_ID_MAX + 1];
	struct phone *bob;

	snprintf(first, sizeof(first), "%s", factory_room(alice));
	bob = world_join(world, "bob", "conf-factory");
	CHECK("each call a conference", !slice_is(slice_of(first), factory_room(bob)));
	CHECK_INT(NULL, focus_room_count(world->focus), 2);
	world_end(world, "two_factories");
}

static void closed(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");
	struct phone *bob = world_join(world, "bob", "lobby");

	(void)world_events(world, NULL);
	CHECK_INT(NULL, focus_room_close(world->focus, world_room(world, "lobby"), "deleted"), 0);
	CHECK_STR("all of it at once", world_events(world, NULL),
		  "participant.left lobby alice disconnected room_closed\n"
		  "participant.left lobby bob disconnected room_closed\n"
		  "room.closed lobby deleted\n");
	CHECK("gone", world_room(world, "lobby") == NULL);
	/* The name is free at once, while the old calls still end. */
	create(world, "lobby");
	world_run(world, 1000);
	CHECK("rung off", alice->has_ended && bob->has_ended);
	CHECK_INT(NULL, alice->end_by, SIP_END_REMOTE);
	CHECK_STR("Reason", alice->end_text, "SIP;cause=410;text=\"Conference ended\"");
	CHECK_INT(NULL, world->store.record_count, 2);
	CHECK_STR(NULL, fake_store_last(&world->store)->end_cause, "room_closed");
	world_end(world, "closed");
}

/* A room by call in which everybody is called off at once must not end twice. */
static void closed_with_the_last(void)
{
	struct world *world = world_new(NULL);

	world_join(world, "alice", "lobby");
	CHECK_INT(NULL, focus_room_close(world->focus, world_room(world, "lobby"), "deleted"), 0);
	CHECK_STR(NULL, world_events(world, "room.closed"), "room.closed lobby deleted\n");
	world_end(world, "closed_with_the_last");
}

/* A kept room holds nothing of the mixer while nobody is in it, however it became empty. */
static void idle_is_free(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice;

	create(world, "lobby");
	alice = world_join(world, "alice", "lobby");
	CHECK_INT(NULL, fake_media_rooms(world->media), 1);
	phone_hang_up(alice);
	world_run(world, 1000);
	CHECK_INT("left", fake_media_rooms(world->media), 0);
	fake_media_fail(world->media, FAKE_LEG_OPEN, ERR_MEDIA_NO_PORTS, 0, 1);
	phone_dial(alice, "lobby");
	world_run(world, 1000);
	CHECK_INT("could not come in", alice->final_status, 503);
	CHECK_INT("not held for nobody", fake_media_rooms(world->media), 0);
	phone_dial(alice, "lobby");
	world_run(world, 1000);
	CHECK("and again", alice->is_established && fake_media_rooms(world->media) == 1);
	world_end(world, "idle_is_free");
}

/* Back before the mixer has closed the leg of the one who left: a bus of its own, no confusion. */
static void refilled_at_once(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice, *bob;

	create(world, "lobby");
	alice = world_join(world, "alice", "lobby");
	bob = world_phone(world, "bob");
	phone_hang_up(alice);
	world_run(world, 3);
	CHECK_INT("alice has left", world_roster(world, "lobby"), 0);
	CHECK_INT("her leg still closes", fake_media_legs(world->media), 1);
	phone_dial(bob, "lobby");
	world_run(world, 4);
	CHECK_INT("the old bus and the new", fake_media_rooms(world->media), 2);
	world_run(world, 1000);
	CHECK_INT("the new one", fake_media_rooms(world->media), 1);
	CHECK("has bob", bob->is_established);
	world_end(world, "refilled_at_once");
}

static void muted(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby"), *bob;
	struct room *room = world_room(world, "lobby");
	struct participant *p = phone_participant(alice, "lobby");
	struct participant_view before, after;

	participant_view(p, &before);
	CHECK_INT(NULL,
		  focus_room_set(world->focus, room, &(struct room_settings){.is_muted = true}), 0);
	participant_view(p, &after);
	CHECK("all are muted", world_leg(world, p)->control.is_muted);
	CHECK("but not by themselves", !after.control.is_muted && after.is_room_muted);
	CHECK("the view has changed", after.version != before.version);
	bob = world_join(world, "bob", "lobby");
	CHECK("who comes later too",
	      world_leg(world, phone_participant(bob, "lobby"))->control.is_muted);
	CHECK_INT(NULL,
		  focus_participant_set(world->focus, p,
					&(struct participant_control){.is_muted = true}),
		  0);
	CHECK_INT(NULL, focus_room_set(world->focus, room, &plain), 0);
	CHECK("own mute stays", world_leg(world, p)->control.is_muted);
	CHECK("the others speak",
	      !world_leg(world, phone_participant(bob, "lobby"))->control.is_muted);
	world_end(world, "muted");
}

void suite_room(void)
{
	CHECK_SUITE("room");
	CHECK_TEST(by_api);
	CHECK_TEST(fresh_names);
	CHECK_TEST(ordered);
	CHECK_TEST(many);
	CHECK_TEST(limit);
	CHECK_TEST(restored);
	CHECK_TEST(settings);
	CHECK_TEST(store_fails);
	CHECK_TEST(by_call);
	CHECK_TEST(factory_grace);
	CHECK_TEST(two_factories);
	CHECK_TEST(closed);
	CHECK_TEST(closed_with_the_last);
	CHECK_TEST(idle_is_free);
	CHECK_TEST(refilled_at_once);
	CHECK_TEST(muted);
}
