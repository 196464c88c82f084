/* focus/action.c */
#include "focus/action.h"

#include <errno.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/log.h"
#include "focus/focus_priv.h"
#include "focus/menu.h"
#include "focus/recording.h"
#include "focus/room_priv.h"
#include "focus/say.h"
#include "focus/schedule.h"
#include "focus/waiting.h"

static void do_help(struct room *room, struct participant *p)
{
	(void)room;
	menu_help(p);
}

static void do_count(struct room *room, struct participant *p)
{
	(void)room;
	waiting_tell_count(p);
}

static void do_mute(struct room *room, struct participant *p)
{
	(void)room;
	participant_set_self(p, !p->is_self_muted, p->is_hand_raised);
	say_prompt(p, p->is_self_muted ? PROMPT_MUTED : PROMPT_UNMUTED);
}

static void do_hand(struct room *room, struct participant *p)
{
	(void)room;
	participant_set_self(p, p->is_self_muted, !p->is_hand_raised);
	say_prompt(p, p->is_hand_raised ? PROMPT_HAND_UP : PROMPT_HAND_DOWN);
}

static void do_roll_call(struct room *room, struct participant *p)
{
	waiting_roll_call(room, p);
}

static void do_lock(struct room *room, struct participant *p)
{
	struct room_settings settings = room->settings;

	(void)p;
	settings.is_locked = !settings.is_locked;
	(void)focus_room_set(room->focus, room, &settings);
	say_prompt_to_room(room,
			   settings.is_locked ? PROMPT_ROOM_LOCKED_NOW : PROMPT_ROOM_UNLOCKED_NOW);
}

static void do_mute_all(struct room *room, struct participant *p)
{
	struct room_settings settings = room->settings;

	(void)p;
	settings.are_guests_muted = !settings.are_guests_muted;
	(void)focus_room_set(room->focus, room, &settings);
	say_prompt_to_room(room, settings.are_guests_muted ? PROMPT_ALL_MUTED : PROMPT_ALL_UNMUTED);
}

/* The one who has waited longest. */
static void do_admit(struct room *room, struct participant *p)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &room->participants)
		if (!waiting_admit(LIST_ENTRY(it, struct participant, in_room)))
			return;
	if (p)
		say_prompt(p, PROMPT_TONE_ERROR);
}

static void do_admit_all(struct room *room, struct participant *p)
{
	struct list *it, *tmp;

	(void)p;
	LIST_FOREACH (it, tmp, &room->participants)
		(void)waiting_admit(LIST_ENTRY(it, struct participant, in_room));
}

static void do_record(struct room *room, struct participant *p)
{
	(void)p;
	recording_toggle(room);
}

static void do_end(struct room *room, struct participant *p)
{
	(void)p;
	schedule_end(room, "ended_by_moderator");
}

static const struct action actions[] = {
	{"help", false, true, PROMPT_TO_HELP, do_help},
	{"count", false, true, PROMPT_TO_COUNT, do_count},
	{"mute", false, true, PROMPT_TO_MUTE, do_mute},
	{"hand", false, true, PROMPT_TO_HAND, do_hand},
	{"roll_call", false, false, PROMPT_TO_ROLL_CALL, do_roll_call},
	{"lock", true, false, PROMPT_TO_LOCK, do_lock},
	{"mute_all", true, false, PROMPT_TO_MUTE_ALL, do_mute_all},
	{"record", true, false, PROMPT_TO_RECORD, do_record},
	{"admit", true, false, PROMPT_TO_ADMIT, do_admit},
	{"admit_all", true, false, PROMPT_TO_ADMIT_ALL, do_admit_all},
	{"end", true, false, PROMPT_TO_END, do_end},
};

const struct action *action_at(size_t index)
{
	return index < ARRAY_LEN(actions) ? &actions[index] : NULL;
}

const struct action *action_find(struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (slice_is(name, actions[i].name))
			return &actions[i];
	return NULL;
}

int focus_action(struct focus *focus, struct room *room, struct participant *p, struct slice name)
{
	const struct action *action = action_find(name);

	if (!action)
		return -EINVAL;
	if ((action->is_of_one && !p) || (p && !p->is_in_mix))
		return ERR_STATE;
	LOG(LOG_INFO, "room.action", LOG_STR("room", room->id),
	    LOG_STR("participant", p ? p->id : ""), LOG_STR("action", action->name),
	    LOG_STR("by", focus->by));
	action->run(room, p);
	return 0;
}
