/* focus/alone.c */
#include "focus/alone.h"

#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/play.h"
#include "focus/room_priv.h"
#include "focus/say.h"

static void music_stop(struct participant *p)
{
	if (p->music && p->music == p->play) /* else something else is said to it */
		say_stop(p->focus, &p->play);
	p->music = 0;
}

/* The one in the mix; NULL: nobody, or several. A bridge stands for people elsewhere. */
static struct participant *find_alone(struct room *room)
{
	struct participant *alone = NULL;
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &room->participants) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		if (!p->is_in_mix)
			continue;
		if (alone || p->is_bridge)
			return NULL;
		alone = p;
	}
	return alone;
}

void alone_review(struct room *room)
{
	bool is_wanted = room->settings.has_music && !room->is_ending && !room->call &&
			 !focus_play_next(room, NULL);
	struct participant *alone = is_wanted ? find_alone(room) : NULL;
	struct prompt_list list;
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &room->participants) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		if (p != alone)
			music_stop(p);
	}
	if (!alone || alone->play || alone->is_remote_focus)
		return;
	prompt_begin(&list, room->focus->prompts, participant_language(alone));
	prompt_add_music(&list);
	(void)say_to_leg(alone, &list, true, &alone->play);
	alone->music = alone->play;
}
