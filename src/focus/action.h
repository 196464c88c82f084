/* focus/action.h -- what a conference does at a word: of somebody in it, by keys (focus/menu.h), or
 * of the API. Both go through here, and the events that follow say whose word it was (`by`).
 * Thread: control.
 */
#ifndef FOCUS_ACTION_H
#define FOCUS_ACTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "focus/prompts.h"

struct focus;
struct participant;
struct room;

struct action {
	const char *name;       /* in dialin.menu and in the API */
	bool is_for_moderators; /* by keys; the API may do all */
	bool is_of_one;         /* of a participant: its own mute, something said to it */
	enum prompt help;       /* "to raise your hand" */
	void (*run)(struct room *room, struct participant *participant); /* see focus_action */
};

const struct action *action_find(struct slice name); /* NULL: unknown */
const struct action *action_at(size_t index);        /* NULL at the end */

/* Does it. `participant` NULL: nobody in particular, what is said is said to the whole room. Room
 * and participant may be gone when this returns. -EINVAL (no such action), ERR_STATE (an action of
 * one, and nobody is named, or one who is not in the mix). */
int focus_action(struct focus *focus, struct room *room, struct participant *participant,
		 struct slice name);

#endif
