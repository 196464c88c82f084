/* focus/say.c */
#include "focus/say.h"

#include "focus/focus_priv.h"

int16_t say_duck_cdb(const struct focus *focus)
{
	return (int16_t)(focus->config->prompts_duck_db * -100);
}

static int to_leg(struct participant *p, const struct prompt_list *list, struct media_play how,
		  handle *ret_play)
{
	const struct media *media = &p->focus->media;

	how.leg = p->leg.media;
	how.sounds = list->sounds;
	how.sound_count = list->count;
	how.tag = p->tag;
	return media->ops->play_start(media->ctx, &how, ret_play);
}

int say_to_leg(struct participant *p, const struct prompt_list *list, bool is_loop,
	       handle *ret_play)
{
	return to_leg(p, list,
		      (struct media_play){.is_loop = is_loop, .duck_cdb = say_duck_cdb(p->focus)},
		      ret_play);
}

void say_prompt(struct participant *p, enum prompt prompt)
{
	struct prompt_list list;

	prompt_begin(&list, p->focus->prompts, participant_language(p));
	prompt_add(&list, prompt);
	say_stop(p->focus, &p->play);
	(void)say_to_leg(p, &list, false, &p->play);
}

static void to_room(struct room *room, const struct prompt_list *list, int16_t duck_cdb)
{
	const struct media *media = &room->focus->media;
	handle play; /* ends by itself */

	if (!room->bus)
		return;
	(void)media->ops->play_start(media->ctx,
				     &(struct media_play){
					     .room = room->bus->room,
					     .sounds = list->sounds,
					     .sound_count = list->count,
					     .duck_cdb = duck_cdb,
				     },
				     &play);
}

void say_to_room(struct room *room, const struct prompt_list *list)
{
	to_room(room, list, say_duck_cdb(room->focus));
}

void say_prompt_to_room(struct room *room, enum prompt prompt)
{
	struct prompt_list list;

	prompt_begin(&list, room->focus->prompts, room->settings.language);
	prompt_add(&list, prompt);
	say_to_room(room, &list);
}

bool say_has_focus(const struct room *room)
{
	for (const struct list *it = room->participants.next; it != &room->participants;
	     it = it->next) {
		const struct participant *p = LIST_ENTRY(it, const struct participant, in_room);

		if (p->is_in_mix && p->is_remote_focus)
			return true;
	}
	return false;
}

void say_tone_to_room(struct room *room, enum prompt tone)
{
	struct prompt_list list;
	struct list *it, *tmp;
	handle play; /* ends by itself */

	prompt_begin(&list, room->focus->prompts, room->settings.language);
	prompt_add(&list, tone);
	if (!say_has_focus(room)) {
		to_room(room, &list, 0);
		return;
	}
	LIST_FOREACH (it, tmp, &room->participants) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		if (p->is_in_mix && !p->is_remote_focus)
			(void)to_leg(p, &list, (struct media_play){.is_loop = false}, &play);
	}
}

void say_stop(struct focus *focus, handle *play)
{
	if (*play)
		(void)focus->media.ops->play_stop(focus->media.ctx, *play);
	*play = 0;
}
