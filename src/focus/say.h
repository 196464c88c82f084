/* focus/say.h -- prompts to one participant or to a whole room. Thread: control. */
#ifndef FOCUS_SAY_H
#define FOCUS_SAY_H

#include "focus/participant_priv.h"
#include "focus/prompts.h"
#include "focus/room_priv.h"

/* By how much talkers are lowered while something is announced: prompts.duck_db, in media.h's terms. */
int16_t say_duck_cdb(const struct focus *focus);

/* *ret_play names it until MEDIA_PLAY_ENDED, or say_stop. Errors as media_ops.play_start. */
int say_to_leg(struct participant *participant, const struct prompt_list *list, bool is_loop,
	       handle *ret_play);
/* One prompt in place of whatever is being said to it; participant->play names it. */
void say_prompt(struct participant *participant, enum prompt prompt);
/* To everybody in the room, over who talks; ends by itself. What cannot be said is left out. */
void say_to_room(struct room *room, const struct prompt_list *list);
void say_prompt_to_room(struct room *room, enum prompt prompt);
/* Another conference is in the mix of this one: it gets no tones and no music, which its people
 * would take for its own, and which two foci would play at each other for ever. */
bool say_has_focus(const struct room *room);
/* A tone for everybody but other conferences. Nobody is lowered for it. */
void say_tone_to_room(struct room *room, enum prompt tone);
/* Ends it and forgets it. Harmless for 0 and for one that is over. */
void say_stop(struct focus *focus, handle *play);

#endif
