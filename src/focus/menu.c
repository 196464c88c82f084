/* focus/menu.c */
#include "focus/menu.h"

#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "base/log.h"
#include "focus/focus_priv.h"
#include "focus/recording.h"
#include "focus/room_priv.h"
#include "focus/say.h"
#include "focus/text.h"
#include "focus/waiting.h"

static void say(struct participant *p, enum prompt prompt)
{
	struct prompt_list list;

	prompt_begin(&list, p->focus->prompts, p->language);
	prompt_add(&list, prompt);
	say_stop(p->focus, &p->play);
	(void)say_to_leg(p, &list, false, &p->play);
}

static void do_help(struct participant *p)
{
	say(p, p->role == PARTICIPANT_MODERATOR ? PROMPT_HELP_MODERATOR : PROMPT_HELP_GUEST);
}

static void do_count(struct participant *p)
{
	waiting_tell_count(p);
}

static void do_mute(struct participant *p)
{
	participant_set_self(p, !p->is_self_muted, p->is_hand_raised);
	say(p, p->is_self_muted ? PROMPT_MUTED : PROMPT_UNMUTED);
}

static void do_hand(struct participant *p)
{
	participant_set_self(p, p->is_self_muted, !p->is_hand_raised);
	say(p, p->is_hand_raised ? PROMPT_TONE_ENTRY : PROMPT_TONE_EXIT);
}

static void do_lock(struct participant *p)
{
	struct room_settings settings = p->room->settings;

	settings.is_locked = !settings.is_locked;
	(void)focus_room_set(p->focus, p->room, &settings);
	say_prompt_to_room(p->room,
			   settings.is_locked ? PROMPT_ROOM_LOCKED_NOW : PROMPT_ROOM_UNLOCKED_NOW);
}

static void do_mute_all(struct participant *p)
{
	struct room_settings settings = p->room->settings;

	settings.are_guests_muted = !settings.are_guests_muted;
	(void)focus_room_set(p->focus, p->room, &settings);
	say_prompt_to_room(p->room,
			   settings.are_guests_muted ? PROMPT_ALL_MUTED : PROMPT_ALL_UNMUTED);
}

static void do_admit_all(struct participant *p)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &p->room->participants)
		(void)waiting_admit(LIST_ENTRY(it, struct participant, in_room));
}

static void do_record(struct participant *p)
{
	recording_toggle(p->room);
}

static void do_end(struct participant *p)
{
	(void)focus_room_close(p->focus, p->room, "ended_by_moderator");
}

static const struct action {
	const char *name;
	bool is_for_moderators;
	void (*run)(struct participant *p);
} actions[] = {
	{"help", false, do_help},    {"count", false, do_count},
	{"mute", false, do_mute},    {"hand", false, do_hand},
	{"lock", true, do_lock},     {"mute_all", true, do_mute_all},
	{"record", true, do_record}, {"admit_all", true, do_admit_all},
	{"end", true, do_end},
};

static const struct action *action_find(struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (slice_is(name, actions[i].name))
			return &actions[i];
	return NULL;
}

static void item_split(struct slice item, struct slice *ret_keys, struct slice *ret_name)
{
	size_t equals = slice_find(item, '=');

	*ret_keys = slice_trim(slice_first(item, equals));
	*ret_name = slice_trim(slice_from(item, MIN_OF(equals + 1, item.len)));
}

static bool are_keys(struct slice keys)
{
	if (keys.len < 2 || keys.len > PARTICIPANT_KEYS_MAX || keys.p[0] != '*')
		return false;
	for (size_t i = 1; i < keys.len; i++)
		if (!strchr("0123456789#*", keys.p[i]))
			return false;
	return true;
}

int menu_check(struct slice table, struct slice *reterr_item)
{
	struct slice item, keys, name;

	while (text_list_next(&table, &item)) {
		item_split(item, &keys, &name);
		if (are_keys(keys) && action_find(name))
			continue;
		if (reterr_item)
			*reterr_item = item;
		return -EINVAL;
	}
	return 0;
}

/* What the keys mean so far: an action, NULL with *ret_is_open when more keys may make one. */
static const struct action *match(const struct participant *p, bool *ret_is_open)
{
	struct slice table = slice_of(p->focus->config->dialin_menu), item, keys, name;
	struct slice pressed = slice_make(p->keys, p->key_count);

	*ret_is_open = false;
	while (text_list_next(&table, &item)) {
		item_split(item, &keys, &name);
		if (slice_eq(keys, pressed))
			return action_find(name);
		*ret_is_open |= slice_starts(keys, pressed);
	}
	return NULL;
}

static void carry_out(struct participant *p, const struct action *action)
{
	if (action->is_for_moderators && p->role != PARTICIPANT_MODERATOR) {
		say(p, PROMPT_TONE_ERROR);
		return;
	}
	LOG(LOG_INFO, "participant.keys", LOG_STR("room", p->room_id),
	    LOG_STR("participant", p->id), LOG_STR("action", action->name));
	action->run(p); /* it may be gone afterwards */
}

void menu_on_digit(struct participant *p, char digit)
{
	uint64_t now_ms = wheel_now_ms(p->focus->wheel);
	const struct action *action;
	bool is_open;

	if (p->key_count > 0 && now_ms > p->key_ms + MENU_WAIT_MS)
		p->key_count = 0;
	if (p->key_count == 0 && digit != '*')
		return;
	p->key_ms = now_ms;
	p->keys[p->key_count++] = digit;
	action = match(p, &is_open);
	if (!action && is_open && p->key_count < PARTICIPANT_KEYS_MAX)
		return;
	p->key_count = 0;
	if (action)
		carry_out(p, action);
	else if (p->focus->config->dialin_menu[0])
		say(p, PROMPT_TONE_ERROR);
}
