/* focus/groups.h -- who hears whom in a room, by names.
 *
 * A participant speaks to groups and hears groups; it hears another one that speaks to a group which
 * it hears, unless that one also speaks to a group in `hears_not` (media_groups has the same in
 * bits). At first everybody speaks to `main` and hears `main`. "*" stands for every group, those to
 * come included. A list may be empty: who speaks to nobody only listens, who hears nobody is deaf.
 *
 * A group is there as long as a participant names it; names are a room's own. A room has at most
 * GROUPS_MAX groups, and its participants at most MEDIA_AUDIENCES_MAX different choices of what to
 * hear. Thread: control.
 */
#ifndef FOCUS_GROUPS_H
#define FOCUS_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "media.h"

struct focus;
struct participant;
struct room;

enum { GROUPS_MAX = MEDIA_GROUPS_MAX, GROUP_NAME_MAX = 32 };

struct group_names {
	uint8_t count;
	struct slice names[GROUPS_MAX];
};

/* Lists that are not given stay as they are. */
struct groups_wish {
	bool has_speaks, has_hears, has_hears_not;
	struct group_names speaks, hears, hears_not;
};

/* Everything or nothing. ERR_GROUP_NAME: 1 to GROUP_NAME_MAX of [A-Za-z0-9._-], or "*", which
 * hears_not may not have. ERR_GROUPS_FULL. -ENOMEM. */
int focus_participant_set_groups(struct focus *focus, struct participant *participant,
				 const struct groups_wish *wish);

/* For the rest of the focus -------------------------------------------------------------------- */

/* Of a room: its names, by bit of media_groups. */
struct groups {
	char names[GROUPS_MAX][GROUP_NAME_MAX + 1];
	char text[GROUPS_MAX * (GROUP_NAME_MAX + 1)]; /* groups_of_room */
};

extern const struct media_groups groups_default;

/* What the wish comes to for somebody who is in this room, or not yet in it (then lists that are not
 * given are the default). Changes nothing. Errors as above. */
struct groups_fit {
	struct groups names;
	struct media_groups sets;
};
int groups_fit(const struct room *room, const struct participant *participant,
	       const struct groups_wish *wish, struct groups_fit *ret_fit);
/* Carries it out; tells nobody. -ENOMEM, then nothing has changed. */
int groups_take(struct room *room, struct participant *participant, const struct groups_fit *fit);

/* The same as texts, one space between two names; borrowed from the participant. */
struct groups_texts {
	SLICES(texts, speaks, hears, hears_not);
};
struct groups_texts groups_texts(const struct participant *participant);
/* All that are in use in the room, until the next call; borrowed from it. */
struct slice groups_of_room(const struct room *room);
/* What it has, as a wish in another room; borrowed from its room. */
void groups_wish_of(const struct participant *participant, struct groups_wish *ret_wish);

#endif
