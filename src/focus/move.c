/* focus/move.c -- from one room of this server into another: breakout rooms, to and fro.
 *
 * All that can fail comes first. The leg changes buses without being asked anything: no sound is
 * lost but that of the tick in between, and the peer's dialog goes on. */
#include "base/err.h"
#include "base/log.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/recording.h"
#include "focus/refocus.h"
#include "focus/room_priv.h"
#include "focus/waiting.h"

static bool is_migrating(const struct room *room)
{
	struct migration_view migration;

	migration_view(room, &migration);
	return migration.state == MIGRATION_DIALLING || migration.state == MIGRATION_MOVING ||
	       slice_present(migration_target(room));
}

static int check(const struct participant *p, const struct room *room)
{
	if ((p->state != PARTICIPANT_CONNECTED && p->state != PARTICIPANT_ON_HOLD) || p->is_bridge)
		return ERR_STATE;
	if (p->room->call || room->call || room->is_ending || is_migrating(p->room) ||
	    is_migrating(room))
		return ERR_STATE;
	return room_check_entry(room, false);
}

/* The room may be gone afterwards. */
static void leave(struct participant *p, struct room *room)
{
	recording_on_talking(p, false);
	waiting_on_leaving(p);
	event_publish(p->focus, &(struct focus_news){.kind = FOCUS_PARTICIPANT_LEFT,
						     .room = room,
						     .participant = p,
						     .cause = "moved"});
	room_leave(room, p);
}

static void enter(struct participant *p, struct room *room)
{
	p->room = room;
	slice_cstr(slice_of(room->id), p->room_id, sizeof(p->room_id));
	p->version = focus_version_next(p->focus);
	p->key_count = 0;
	p->is_hand_raised = false; /* that was for the moderator there */
	room_enter(room, p);
	participant_apply_control(p);
	leg_go(&p->leg, room->bus);
	refocus_participant(p);
	event_publish(p->focus, &(struct focus_news){.kind = FOCUS_PARTICIPANT_JOINED,
						     .room = room,
						     .participant = p,
						     .cause = "moved"});
	waiting_on_joined(p);
	recording_on_talking(p, p->is_talking);
}

int focus_participant_move(struct focus *focus, struct participant *p, struct room *room)
{
	const struct media_groups groups = p->groups;
	struct room *from = p->room;
	struct groups_wish wish;
	struct groups_fit fit;
	struct bus *bus;
	int err;

	if (from == room)
		return 0;
	err = check(p, room);
	if (err)
		return err;
	groups_wish_of(p, &wish);
	err = groups_fit(room, p, &wish, &fit);
	if (err)
		return err;
	err = room_bus(room, &bus);
	if (!err)
		err = groups_take(room, p, &fit);
	if (err) {
		if (!room->participant_count)
			room_bus_drop(room);
		return err;
	}
	LOG(LOG_INFO, "participant.moved", LOG_STR("room", from->id), LOG_STR("participant", p->id),
	    LOG_STR("call_id", p->call_id), LOG_STR("to", room->id));
	p->groups = groups; /* until it has left: bits of the old room */
	leave(p, from);
	p->groups = fit.sets;
	enter(p, room);
	(void)focus;
	return 0;
}
