/* focus/menu.c */
#include "focus/menu.h"

#include <errno.h>
#include <string.h>

#include "focus/action.h"
#include "focus/focus_priv.h"
#include "focus/room_priv.h"
#include "focus/say.h"
#include "focus/text.h"

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

static const struct action *match_in(const char *rows, struct slice pressed, bool *is_open)
{
	struct slice table = slice_of(rows), item, keys, name;

	while (text_list_next(&table, &item)) {
		item_split(item, &keys, &name);
		if (slice_eq(keys, pressed))
			return action_find(name);
		*is_open |= slice_starts(keys, pressed);
	}
	return NULL;
}

/* What the keys mean so far: an action, NULL with *ret_is_open when more keys may make one. Rows
 * for moderators lie over those for all. */
static const struct action *match(const struct participant *p, bool *ret_is_open)
{
	const struct config *config = p->focus->config;
	struct slice pressed = slice_make(p->keys, p->key_count);
	const struct action *action = NULL;

	*ret_is_open = false;
	if (p->role == PARTICIPANT_MODERATOR)
		action = match_in(config->dialin_moderator_menu, pressed, ret_is_open);
	return action ? action : match_in(config->dialin_menu, pressed, ret_is_open);
}

/* Speaking the table ------------------------------------------------------------------------- */

static void help_row(struct prompt_list *list, struct slice keys, const struct action *action)
{
	prompt_add(list, PROMPT_PRESS);
	prompt_add_keys(list, keys);
	prompt_add(list, action->help);
	prompt_add_pause(list, 200);
}

static void help_rows(const struct participant *p, const char *rows, const char *over,
		      struct prompt_list *list)
{
	struct slice table = slice_of(rows), item, keys, name;
	bool is_moderator = p->role == PARTICIPANT_MODERATOR;

	while (text_list_next(&table, &item)) {
		const struct action *action;
		bool is_open = false;

		item_split(item, &keys, &name);
		action = action_find(name);
		if (action && (is_moderator || !action->is_for_moderators) &&
		    !match_in(over, keys, &is_open))
			help_row(list, keys, action);
	}
}

void menu_help(struct participant *p)
{
	const struct config *config = p->focus->config;
	const char *own = p->role == PARTICIPANT_MODERATOR ? config->dialin_moderator_menu : "";
	struct prompt_list list;

	prompt_begin(&list, p->focus->prompts, participant_language(p));
	if (!prompt_is_spoken(&list, PROMPT_TO_HELP)) { /* a row of tones would tell nothing */
		say_prompt(p, PROMPT_TO_HELP);
		return;
	}
	help_rows(p, own, "", &list);
	help_rows(p, config->dialin_menu, own, &list);
	say_stop(p->focus, &p->play);
	(void)say_to_leg(p, &list, false, &p->play);
}

/* Pressing ----------------------------------------------------------------------------------- */

static void carry_out(struct participant *p, const struct action *action)
{
	struct focus *focus = p->focus;

	if (action->is_for_moderators && p->role != PARTICIPANT_MODERATOR) {
		say_prompt(p, PROMPT_TONE_ERROR);
		return;
	}
	focus_acting(focus, p->id);
	(void)focus_action(focus, p->room, p, slice_of(action->name)); /* it may be gone now */
	focus_acting(focus, "");
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
		say_prompt(p, PROMPT_TONE_ERROR);
}
