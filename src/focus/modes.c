/* focus/modes.c */
#include "focus/modes.h"

#include <stdio.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/focus_priv.h"
#include "focus/gate.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "focus/text.h"

static const char *const names[MODE_COUNT] = {
	[MODE_TALK] = "talk",
	[MODE_LISTEN] = "listen",
	[MODE_COACH] = "coach",
};

const char *mode_name(enum participant_mode mode)
{
	return names[mode];
}

bool mode_read(struct slice name, enum participant_mode *ret_mode)
{
	for (int i = 0; i < MODE_COUNT; i++)
		if (slice_is(name, names[i])) {
			*ret_mode = (enum participant_mode)i;
			return true;
		}
	return false;
}

/* Groups ---------------------------------------------------------------------------------------
 */

#define PREFIX "coach-"

struct coach_group {
	char name[GROUP_NAME_MAX + 1];
};

static struct coach_group group_of(const char *id)
{
	struct coach_group group;

	snprintf(group.name, sizeof(group.name), PREFIX "%s", id);
	return group;
}

static bool hears(const struct group_names *list, const char *name)
{
	for (uint8_t i = 0; i < list->count; i++)
		if (slice_is(list->names[i], name) || slice_is(list->names[i], "*"))
			return true;
	return false;
}

static int let_hear(struct participant *p, const char *name)
{
	struct groups_wish wish;

	groups_wish_of(p, &wish);
	if (hears(&wish.hears, name))
		return 0;
	if (wish.hears.count == GROUPS_MAX)
		return ERR_GROUPS_FULL;
	wish.hears.names[wish.hears.count++] = slice_of(name);
	return focus_participant_set_groups(p->focus, p, &wish);
}

static void let_not_hear(struct participant *p, const char *name)
{
	struct groups_wish wish;
	uint8_t count = 0;

	groups_wish_of(p, &wish);
	for (uint8_t i = 0; i < wish.hears.count; i++)
		if (!slice_is(wish.hears.names[i], name))
			wish.hears.names[count++] = wish.hears.names[i];
	wish.hears.count = count;
	/* Fewer groups always fit. */
	(void)focus_participant_set_groups(p->focus, p, &wish);
}

static int speak_to(struct participant *p, const char *speaks, const char *hears_what)
{
	struct groups_wish wish = {
		.has_speaks = true,
		.has_hears = true,
		.speaks = {.count = 1, .names = {slice_of(speaks)}},
		.hears = {.count = 1, .names = {slice_of(hears_what)}},
	};

	return focus_participant_set_groups(p->focus, p, &wish);
}

/* Modes ---------------------------------------------------------------------------------------- */

static bool has_coach(const struct room *room, const char *id)
{
	for (const struct list *it = room->participants.next; it != &room->participants;
	     it = it->next)
		if (slice_is(slice_of(id),
			     LIST_ENTRY(it, const struct participant, in_room)->coaches))
			return true;
	return false;
}

/* One of its coaches has let it go. */
static void let_go(struct room *room, const char *id)
{
	struct participant *coached = focus_participant_find(room->focus, room, slice_of(id));

	if (coached && !has_coach(room, id))
		let_not_hear(coached, group_of(id).name);
}

/* Whom it coaches ("": nobody) is known before its change of groups is told. */
static int speak_as(struct participant *p, const char *coaches, const char *speaks,
		    const char *hears_what)
{
	char before[PARTICIPANT_ID_MAX + 1];
	int err;

	memcpy(before, p->coaches, sizeof(before));
	slice_cstr(slice_of(coaches), p->coaches, sizeof(p->coaches));
	err = speak_to(p, speaks, hears_what);
	if (err)
		memcpy(p->coaches, before, sizeof(before));
	else if (before[0] && !slice_is(slice_of(before), coaches))
		let_go(p->room, before);
	return err;
}

static int coach(struct participant *p, struct participant *coached)
{
	struct coach_group group;
	int err;

	if (!coached || coached == p || coached->room != p->room)
		return ERR_STATE;
	group = group_of(coached->id);
	err = let_hear(coached, group.name);
	if (!err)
		err = speak_as(p, coached->id, group.name, "*");
	if (err && !has_coach(p->room, coached->id))
		let_not_hear(coached, group.name);
	return err;
}

void modes_resume(struct participant *p, struct participant *coached)
{
	char before[GROUP_NAME_MAX + 1];
	int err;

	slice_cstr(groups_texts(p).speaks, before, sizeof(before));
	if (!slice_starts(slice_of(before), SLICE(PREFIX)))
		return; /* it was given something else to do since */
	err = coach(p, coached);
	if (err)
		LOG(LOG_WARN, "participant.coaches_nobody", LOG_STR("room", p->room_id),
		    LOG_STR("participant", p->id), LOG_STR("error", err_text(err)));
	else
		let_not_hear(coached, before);
}

int focus_participant_set_mode(struct focus *focus, struct participant *p,
			       enum participant_mode mode, struct participant *coached)
{
	struct participant_control control = p->control;
	int err = 0;

	if (mode == MODE_COACH)
		err = coach(p, coached);
	else if (p->coaches[0] || p->coaches_on[0])
		err = speak_as(p, "", "main", "main");
	if (err)
		return err;
	p->coaches_on[0] = '\0';
	control.is_muted = mode == MODE_LISTEN;
	return focus_participant_set(focus, p, &control);
}

/* Who asks for one must have proved to be somebody, where anybody is asked for credentials. */
static bool may_choose(const struct focus *focus, struct slice name)
{
	const struct auth_identity *caller = gate_caller(focus);

	if (!text_list_has(focus->config->focus_join_choice, name))
		return false;
	return slice_is(slice_of(focus->config->sip_auth), "off") || caller->user ||
	       caller->is_trusted;
}

int modes_of_join(const struct focus *focus, const struct sip_msg *request,
		  enum participant_mode *ret_mode)
{
	enum participant_mode mode = MODE_TALK;
	struct sip_uri uri;
	struct slice name;

	(void)mode_read(slice_of(focus->config->focus_join_mode), &mode);
	if (request && !sip_uri_parse(request->request_uri, &uri) &&
	    sip_uri_param(&uri, MODES_PARAM, &name) &&
	    (!mode_read(name, &mode) || !may_choose(focus, name)))
		return ERR_NOT_ALLOWED;
	*ret_mode = mode;
	return 0;
}

void modes_on_left(struct room *room, struct participant *p)
{
	char id[PARTICIPANT_ID_MAX + 1];

	memcpy(id, p->coaches, sizeof(id));
	p->coaches[0] = '\0';
	if (id[0] && !room->is_ending)
		let_go(room, id);
}
