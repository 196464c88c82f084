/* focus/attendant.h -- who answers a dial-in number: asks for the conference and its PIN, and lets
 * in.
 *
 * A caller of a number in dialin.numbers, or of a room that has a PIN, is answered by an attendant.
 * So is whoever we call with PARTICIPANT_ASK_PIN, or call back to such a number (focus/callback.h).
 * Until it knows that a caller may come in, the participant is in no roster and no room, and no
 * room is made for it: a wrong number or PIN leaves nothing behind. '#' ends an entry (so does a
 * pause), '*' starts it over, any key cuts a prompt short. Three wrong entries, or two silences,
 * end the call with a goodbye; wrong PINs also count in lockout.h. A room with has_names asks for a
 * name last. A number may have a greeting of its own, which is heard before everything else.
 *
 * Thread: control. An attendant belongs to its participant (participant->attendant).
 */
#ifndef FOCUS_ATTENDANT_H
#define FOCUS_ATTENDANT_H

#include "focus/participant_priv.h"
#include "focus/prompts.h"
#include "focus/sounds.h"

enum {
	ATTENDANT_DIGITS_MAX = 32,  /* more are not kept */
	ATTENDANT_TRIES = 3,        /* wrong entries */
	ATTENDANT_FIRST_MS = 8000,  /* from the end of a prompt to the first digit */
	ATTENDANT_DIGIT_MS = 4000,  /* from digit to digit; then as if '#' were pressed */
	ATTENDANT_CALL_MS = 180000, /* in all */
	ATTENDANT_SAVE_MS = 2000,   /* for a name to get into its file */
	ATTENDANT_LANGUAGE_MAX = PROMPTS_NAME_MAX
};

struct attendant;

/* What a dialled number means: a row of dialin.numbers, "number[=language[:room]][;greeting=item]".
 */
struct attendant_number {
	char language[ATTENDANT_LANGUAGE_MAX + 1]; /* "": the default */
	char room[ROOM_ID_MAX + 1];                /* "": ask for it */
	char greeting[SOUNDS_ITEM_MAX + 1];        /* as in focus/sounds.h; "": none */
};
/* The number itself of such a row. */
struct slice attendant_number_of(struct slice row);
/* False when `number` is not in the list. A leading '+' is the same as none. */
bool attendant_number_find(const char *numbers, struct slice number,
			   struct attendant_number *ret_number);

/* Whether this room asks the caller whose request is being handled for a PIN or a name.
 * `referred_by` is the URI of who sent it here, or absent: people whom somebody inside has sent are
 * not asked (dialin.trust_referred), into a conference that a factory made. The owner of the room
 * is asked for a name alone. */
bool attendant_must_ask(const struct room *room, struct slice referred_by);

/* Whether there is a PIN to be asked for. */
bool attendant_has_pin(const struct room *room);

/* Takes over a participant that is reserved (leg open outside of any room, call bound) and not
 * answered yet. -ENOMEM. */
int attendant_new(struct participant *participant, const struct attendant_number *number);
/* Asks one whom we have called into its room, and who has answered, for a PIN of that room before
 * it comes in: it is in the roster, and waits (state pending). What keeps callers out (a lock, a
 * limit) does not keep it, for it was called. It may be on its way out when this returns. */
void attendant_take(struct participant *participant);
struct attendant *attendant_free(struct attendant *attendant); /* accepts NULL; returns NULL */

/* What happens to the participant while it has one. It may be without afterwards, or in a room. */
void attendant_on_established(struct attendant *attendant);
void attendant_on_digit(struct attendant *attendant, char digit);
void attendant_on_named(struct attendant *attendant); /* its name is in its file, or is not */
void attendant_on_said(struct attendant *attendant, handle play);

#endif
