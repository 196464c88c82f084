/* focus/groups.c */
#include "focus/groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"

#define MAIN "main"
#define EVERY "*"
#define EVERY_SET UINT16_MAX

const struct media_groups groups_default = {.speaks = 1, .hears = 1};

static bool name_is_valid(struct slice name)
{
	if (name.len < 1 || name.len > GROUP_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.p[i];
		bool is_alnum = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
				(c >= '0' && c <= '9');

		if (!is_alnum && c != '.' && c != '_' && c != '-')
			return false;
	}
	return true;
}

/* Groups that are named; "*" names none. */
static uint16_t named(uint16_t set)
{
	return set == EVERY_SET ? 0 : set;
}

static uint16_t all_named(const struct media_groups *sets)
{
	return named(sets->speaks) | named(sets->hears) | named(sets->hears_not);
}

/* Groups that anybody but `without` names, and `main`. */
static uint16_t in_use(const struct room *room, const struct participant *without)
{
	uint16_t used = 1;

	for (const struct list *it = room->participants.next; it != &room->participants;
	     it = it->next) {
		const struct participant *p = LIST_ENTRY(it, const struct participant, in_room);

		if (p != without)
			used |= all_named(&p->groups);
	}
	return used;
}

static int name_find(struct groups *groups, uint16_t *used, struct slice name, uint16_t *set)
{
	for (int i = 0; i < GROUPS_MAX; i++) {
		if ((*used >> i & 1) && slice_is(name, groups->names[i])) {
			*set |= (uint16_t)(1u << i);
			return 0;
		}
	}
	for (int i = 0; i < GROUPS_MAX; i++) {
		if (*used >> i & 1)
			continue;
		slice_cstr(name, groups->names[i], sizeof(groups->names[i]));
		*used |= (uint16_t)(1u << i);
		*set |= (uint16_t)(1u << i);
		return 0;
	}
	return ERR_GROUPS_FULL;
}

static int set_of(struct groups *groups, uint16_t *used, const struct group_names *names,
		  uint16_t *ret_set)
{
	uint16_t set = 0;

	for (uint8_t i = 0; i < names->count; i++) {
		int err = 0;

		if (slice_is(names->names[i], EVERY))
			set = EVERY_SET;
		else if (!name_is_valid(names->names[i]))
			err = ERR_GROUP_NAME;
		else
			err = name_find(groups, used, names->names[i], &set);
		if (err)
			return err;
	}
	*ret_set = set;
	return 0;
}

/* Who hears nobody needs no audience of its own. */
static bool is_same_audience(const struct media_groups *a, const struct media_groups *b)
{
	return !b->hears || (a->hears == b->hears && a->hears_not == b->hears_not);
}

static void audience_count(struct media_groups *seen, uint32_t *count,
			   const struct media_groups *sets)
{
	for (uint32_t i = 0; i < *count; i++)
		if (is_same_audience(&seen[i], sets))
			return;
	if (*count < MEDIA_AUDIENCES_MAX)
		seen[*count] = *sets;
	++*count;
}

/* How many audiences there would be if `p` had these. */
static uint32_t audiences(const struct room *room, const struct participant *p,
			  const struct media_groups *sets)
{
	struct media_groups seen[MEDIA_AUDIENCES_MAX] = {groups_default};
	uint32_t count = 1;

	for (const struct list *it = room->participants.next;
	     it != &room->participants && count <= MEDIA_AUDIENCES_MAX; it = it->next) {
		const struct participant *other = LIST_ENTRY(it, const struct participant, in_room);

		if (other != p)
			audience_count(seen, &count, &other->groups);
	}
	if (count <= MEDIA_AUDIENCES_MAX)
		audience_count(seen, &count, sets);
	return count;
}

int groups_fit(const struct room *room, const struct participant *p, const struct groups_wish *wish,
	       struct groups_fit *ret_fit)
{
	struct groups_fit fit = {.sets = groups_default};
	uint16_t used = in_use(room, p);
	int err = 0;

	if (room->groups)
		fit.names = *room->groups;
	else
		strcpy(fit.names.names[0], MAIN);
	if (p && p->room == room)
		fit.sets = p->groups;
	if (wish->has_speaks)
		fit.sets.speaks = 0;
	if (wish->has_hears)
		fit.sets.hears = 0;
	if (wish->has_hears_not)
		fit.sets.hears_not = 0;
	used |= all_named(&fit.sets);
	if (wish->has_speaks)
		err = set_of(&fit.names, &used, &wish->speaks, &fit.sets.speaks);
	if (!err && wish->has_hears)
		err = set_of(&fit.names, &used, &wish->hears, &fit.sets.hears);
	if (!err && wish->has_hears_not)
		err = set_of(&fit.names, &used, &wish->hears_not, &fit.sets.hears_not);
	if (!err && wish->has_hears_not && fit.sets.hears_not == EVERY_SET)
		err = ERR_GROUP_NAME;
	if (!err && audiences(room, p, &fit.sets) > MEDIA_AUDIENCES_MAX)
		err = ERR_GROUPS_FULL;
	if (!err)
		*ret_fit = fit;
	return err;
}

/* Names of a set, borrowed from `groups`; NULL: of a room that has main alone. */
static void names_of(const struct groups *groups, uint16_t set, struct group_names *ret_names)
{
	*ret_names = (struct group_names){0};
	if (set == EVERY_SET)
		ret_names->names[ret_names->count++] = SLICE(EVERY);
	for (int i = 0; i < GROUPS_MAX && set != EVERY_SET; i++)
		if (set >> i & 1)
			ret_names->names[ret_names->count++] = groups ? slice_of(groups->names[i])
								      : SLICE(MAIN);
}

static void add_names(struct buf *out, const struct groups *groups, uint16_t set)
{
	struct group_names names;

	names_of(groups, set, &names);
	for (uint8_t i = 0; i < names.count; i++) {
		buf_adds(out, i ? " " : "");
		buf_addslice(out, names.names[i]);
	}
	buf_addc(out, '\0');
}

/* "speaks\0hears\0hears_not\0" */
static int texts_make(const struct groups_fit *fit, char **ret_texts)
{
	struct buf texts = BUF_INIT;
	int err;

	add_names(&texts, &fit->names, fit->sets.speaks);
	add_names(&texts, &fit->names, fit->sets.hears);
	add_names(&texts, &fit->names, fit->sets.hears_not);
	err = buf_err(&texts);
	if (err)
		buf_done(&texts);
	else
		*ret_texts = texts.p;
	return err;
}

static bool is_equal(const struct media_groups *a, const struct media_groups *b)
{
	return a->speaks == b->speaks && a->hears == b->hears && a->hears_not == b->hears_not;
}

int groups_take(struct room *room, struct participant *p, const struct groups_fit *fit)
{
	bool is_default = is_equal(&fit->sets, &groups_default);
	char *texts = NULL;
	int err = is_default ? 0 : texts_make(fit, &texts);

	if (err)
		return err;
	if (!is_default && !room->groups)
		room->groups = calloc(1, sizeof(*room->groups));
	if (!is_default && !room->groups) {
		free(texts);
		return -ENOMEM;
	}
	if (room->groups)
		memcpy(room->groups->names, fit->names.names, sizeof(fit->names.names));
	free(p->group_texts);
	p->group_texts = texts;
	p->groups = fit->sets;
	return 0;
}

int focus_participant_set_groups(struct focus *focus, struct participant *p,
				 const struct groups_wish *wish)
{
	struct groups_fit fit;
	int err = groups_fit(p->room, p, wish, &fit);

	if (err)
		return err;
	if (is_equal(&fit.sets, &p->groups))
		return 0;
	err = groups_take(p->room, p, &fit);
	if (err)
		return err;
	p->version = focus_version_next(focus);
	participant_apply_control(p);
	participant_tell(p, FOCUS_PARTICIPANT_CHANGED);
	return 0;
}

/* Names -------------------------------------------------------------------------------------- */

struct groups_texts groups_texts(const struct participant *p)
{
	const char *hears = p->group_texts ? p->group_texts + strlen(p->group_texts) + 1 : NULL;

	if (!hears)
		return (struct groups_texts){
			.speaks = SLICE(MAIN), .hears = SLICE(MAIN), .hears_not = SLICE("")};
	return (struct groups_texts){.speaks = slice_of(p->group_texts),
				     .hears = slice_of(hears),
				     .hears_not = slice_of(hears + strlen(hears) + 1)};
}

struct slice groups_of_room(const struct room *room)
{
	struct groups *groups = room->groups;
	uint16_t used;
	size_t at = 0;

	if (!groups)
		return SLICE(MAIN);
	used = in_use(room, NULL);
	for (int i = 0; i < GROUPS_MAX; i++) {
		if (!(used >> i & 1))
			continue;
		if (at)
			groups->text[at++] = ' ';
		slice_cstr(slice_of(groups->names[i]), groups->text + at,
			   sizeof(groups->text) - at);
		at += strlen(groups->names[i]);
	}
	return (struct slice){groups->text, at};
}

void groups_wish_of(const struct participant *p, struct groups_wish *ret_wish)
{
	*ret_wish = (struct groups_wish){
		.has_speaks = true, .has_hears = true, .has_hears_not = true};
	names_of(p->room->groups, p->groups.speaks, &ret_wish->speaks);
	names_of(p->room->groups, p->groups.hears, &ret_wish->hears);
	names_of(p->room->groups, p->groups.hears_not, &ret_wish->hears_not);
}
