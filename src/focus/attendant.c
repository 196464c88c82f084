/* focus/attendant.c */
#include "focus/attendant.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "base/prefix.h"
#include "focus/ban.h"
#include "focus/focus_priv.h"
#include "focus/gate.h"
#include "focus/lockout.h"
#include "focus/pin.h"
#include "focus/room_priv.h"
#include "focus/say.h"
#include "focus/schedule.h"
#include "focus/spoken_name.h"
#include "focus/status.h"
#include "focus/text.h"
#include "focus/waiting.h"

enum state { ASK_ROOM, ASK_PIN, CHECK_PIN, GREET, ASK_NAME, TAKE_NAME, SAVE_NAME, SAY_GOODBYE };

enum { GREETING_PAUSE_MS = 400 };

struct attendant {
	struct participant *participant;
	enum state state;
	char language[ATTENDANT_LANGUAGE_MAX + 1];
	char room_id[ROOM_ID_MAX + 1]; /* "": not known yet */
	char digits[ATTENDANT_DIGITS_MAX + 1];
	size_t digit_count;
	uint32_t wrong;
	bool was_silent;                    /* the prompt was said once more */
	bool was_named;                     /* asked for its name, and heard */
	bool was_touched;                   /* a key was pressed: somebody is there */
	char greeting[SOUNDS_ITEM_MAX + 1]; /* "": none, or it was said */
	struct sounds *greeting_sounds;     /* owned; while a list has their paths; NULL */
	enum participant_role role;         /* as which it will come in */
	handle play;
	struct timer digit_timer, call_timer;
};

/* Numbers ------------------------------------------------------------------------------------ */

struct slice attendant_number_of(struct slice row)
{
	row = slice_first(row, slice_find(row, ';'));
	return slice_trim(slice_first(row, slice_find(row, '=')));
}

/* "language[:room]", which may be missing. */
static struct slice meaning_of(struct slice row)
{
	row = slice_first(row, slice_find(row, ';'));
	return slice_from(row, MIN_OF(slice_find(row, '=') + 1, row.len));
}

static struct slice greeting_of(struct slice row)
{
	static const struct slice name = {"greeting=", 9};
	struct slice param = slice_trim(slice_from(row, slice_find(row, ';') + 1));

	return slice_starts(param, name) ? slice_trim(slice_from(param, name.len)) : SLICE("");
}

static struct slice without_plus(struct slice number)
{
	return number.len && number.p[0] == '+' ? slice_from(number, 1) : number;
}

bool attendant_number_find(const char *numbers, struct slice number,
			   struct attendant_number *ret_number)
{
	struct slice list = slice_of(numbers), item;

	while (text_list_next(&list, &item)) {
		struct slice rest = meaning_of(item);
		size_t colon = slice_find(rest, ':');

		if (!slice_eq(without_plus(attendant_number_of(item)), without_plus(number)))
			continue;
		*ret_number = (struct attendant_number){.language = ""};
		slice_cstr(slice_trim(slice_first(rest, colon)), ret_number->language,
			   sizeof(ret_number->language));
		slice_cstr(slice_trim(slice_from(rest, MIN_OF(colon + 1, rest.len))),
			   ret_number->room, sizeof(ret_number->room));
		slice_cstr(greeting_of(item), ret_number->greeting, sizeof(ret_number->greeting));
		return true;
	}
	return false;
}

static bool is_inside(const struct room *room, struct slice uri)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &room->participants) {
		const struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		if (slice_iis(uri, p->uri))
			return true;
	}
	return false;
}

bool attendant_has_pin(const struct room *room)
{
	return room->settings.pin[0] || room->settings.moderator_pin[0];
}

bool attendant_must_ask(const struct room *room, struct slice referred_by)
{
	bool is_owner = room_is_owned_by(room, gate_caller(room->focus)->user_name);

	if ((is_owner || !attendant_has_pin(room)) && !room->settings.has_names)
		return false;
	/* Anybody can write Referred-By. Of a conference that a factory made, only who was in it
	 * knows the name; other rooms are guessed. */
	return !(room->focus->config->dialin_trust_referred && room->origin == ROOM_BY_FACTORY &&
		 slice_present(referred_by) && is_inside(room, referred_by));
}

/* Saying ------------------------------------------------------------------------------------- */

static const char *language_of(const struct attendant *a)
{
	const struct room *room = focus_room_find(a->participant->focus, slice_of(a->room_id));

	return a->language[0] || !room ? a->language : room->settings.language;
}

/* What cannot be had is left out: the caller is served all the same. */
static void add_greeting(struct attendant *a, struct prompt_list *list)
{
	struct focus *focus = a->participant->focus;
	int err = sounds_new(focus->prompts, language_of(a), &a->greeting_sounds);

	if (!err)
		err = sounds_add(a->greeting_sounds, focus, slice_of(a->greeting));
	if (err) {
		LOG(LOG_WARN, "dialin.not_greeted", LOG_STR("participant", a->participant->id),
		    LOG_STR("greeting", a->greeting), LOG_STR("error", err_text(err)));
		return;
	}
	for (uint32_t i = 0; i < a->greeting_sounds->list.count; i++)
		list->sounds[list->count++] = a->greeting_sounds->list.sounds[i];
	prompt_add_pause(list, GREETING_PAUSE_MS);
}

/* The greeting first, if it has not been said: then the list is to be said before another begins.
 */
static void list_begin(struct attendant *a, struct prompt_list *list)
{
	prompt_begin(list, a->participant->focus->prompts, language_of(a));
	if (a->greeting[0])
		add_greeting(a, list);
	a->greeting[0] = '\0';
}

static void say(struct attendant *a, struct prompt_list *list)
{
	struct participant *p = a->participant;

	timer_stop(p->focus->wheel, &a->digit_timer);
	say_stop(p->focus, &a->play);
	/* What cannot be said is passed over: the timer goes on as if it had been. */
	if (say_to_leg(p, list, false, &a->play))
		timer_start(p->focus->wheel, &a->digit_timer, ATTENDANT_FIRST_MS);
	a->greeting_sounds = sounds_free(a->greeting_sounds);
}

static void say_goodbye(struct attendant *a, enum prompt why)
{
	struct prompt_list list;

	a->state = SAY_GOODBYE;
	list_begin(a, &list);
	if (why != PROMPT_GOODBYE)
		prompt_add(&list, why);
	prompt_add(&list, PROMPT_GOODBYE);
	say(a, &list);
}

/* Asks, after a word about what was wrong before (PROMPT_COUNT: nothing was). */
static void ask(struct attendant *a, enum state state, enum prompt first)
{
	struct prompt_list list;

	a->state = state;
	a->digit_count = 0;
	list_begin(a, &list);
	if (first != PROMPT_COUNT)
		prompt_add(&list, first);
	prompt_add_pause(&list, 200);
	prompt_add(&list, state == ASK_ROOM ? PROMPT_ASK_ROOM : PROMPT_ASK_PIN);
	say(a, &list);
}

/* Deciding ----------------------------------------------------------------------------------- */

/* The account of this caller; absent: it has no name of its own, and none. */
static struct slice caller_key(const struct attendant *a, char out[LOCKOUT_KEY_MAX + 1])
{
	const struct participant *p = a->participant;
	char from[ADDR_TEXT_MAX];

	if (p->is_anonymous || !p->call)
		return SLICE_NONE;
	(void)snprintf(out, LOCKOUT_KEY_MAX + 1, "%s %.150s",
		       addr_host_text(&sip_call_flow(p->call)->remote, from), p->uri);
	return slice_of(out);
}

static struct slice room_key(const struct attendant *a, char out[LOCKOUT_KEY_MAX + 1])
{
	(void)snprintf(out, LOCKOUT_KEY_MAX + 1, "room %s", a->room_id);
	return slice_of(out);
}

/* The room, as it is guessed at from where this caller is. */
static struct slice place_key(const struct attendant *a, char out[LOCKOUT_KEY_MAX + 1])
{
	struct prefix peer = prefix_of_peer(&sip_call_flow(a->participant->call)->remote);
	size_t used = (size_t)snprintf(out, LOCKOUT_KEY_MAX + 1, "turn %s ", a->room_id);

	for (size_t i = 0; i < sizeof(peer.octets); i++)
		used += (size_t)snprintf(out + used, LOCKOUT_KEY_MAX + 1 - used, "%02x",
					 peer.octets[i]);
	return slice_make(out, used);
}

static uint64_t now_ms(const struct attendant *a)
{
	return wheel_now_ms(a->participant->focus->wheel);
}

static bool is_locked_out(const struct attendant *a)
{
	char text[LOCKOUT_KEY_MAX + 1];
	struct slice key = caller_key(a, text);

	return slice_present(key) &&
	       lockout_wait_ms(a->participant->focus->lockout, key, now_ms(a)) > 0;
}

static void note_failure(const struct attendant *a)
{
	struct lockout *lockout = a->participant->focus->lockout;
	char text[LOCKOUT_KEY_MAX + 1];
	struct slice key = caller_key(a, text);

	a->participant->focus->stats.pins_wrong++;
	if (slice_present(key))
		lockout_failed(lockout, key, now_ms(a));
	lockout_failed(lockout, room_key(a, text), now_ms(a));
}

static void note_success(const struct attendant *a)
{
	char text[LOCKOUT_KEY_MAX + 1];
	struct slice key = caller_key(a, text);

	if (slice_present(key))
		lockout_passed(a->participant->focus->lockout, key);
}

static void wrong(struct attendant *a, enum state state, enum prompt what)
{
	if (++a->wrong >= ATTENDANT_TRIES) {
		LOG(LOG_WARN, "dialin.refused", LOG_STR("participant", a->participant->id),
		    LOG_STR("call_id", a->participant->call_id),
		    LOG_STR("from", a->participant->uri), LOG_STR("room", a->room_id),
		    LOG_STR("reason", what == PROMPT_PIN_INVALID ? "pin" : "room"));
		say_goodbye(a, what);
		return;
	}
	ask(a, state, what);
}

static enum prompt prompt_of(int err)
{
	return err == ERR_ROOM_LOCKED     ? PROMPT_LOCKED
	       : err == ERR_ROOM_NOT_OPEN ? PROMPT_NOT_STARTED
	       : err == ERR_BANNED        ? PROMPT_BANNED
					  : PROMPT_FULL;
}

static void refuse(struct attendant *a, int err)
{
	status_count(a->participant->focus, err);
	LOG(LOG_INFO, "dialin.turned_away", LOG_STR("participant", a->participant->id),
	    LOG_STR("call_id", a->participant->call_id), LOG_STR("from", a->participant->uri),
	    LOG_STR("room", a->room_id), LOG_STR("reason", err_text(err)));
	say_goodbye(a, prompt_of(err));
}

static int check_entry(const struct attendant *a, const struct room *room)
{
	bool is_moderator = a->role == PARTICIPANT_MODERATOR;

	if (!schedule_is_open(room))
		return ERR_ROOM_NOT_OPEN; /* for moderators, too */
	if (ban_holds(room, a->participant->uri))
		return ERR_BANNED;
	return room_check_entry(room, !is_moderator);
}

/* One that was called, and is in the room's roster already. */
static void let_in(struct attendant *a)
{
	struct participant *p = a->participant;

	say_stop(p->focus, &a->play);
	if (a->role == PARTICIPANT_MODERATOR)
		p->role = PARTICIPANT_MODERATOR;
	p->ask = PARTICIPANT_ASK_NOTHING;
	p->is_admitted = p->is_dial_in = true;
	p->attendant = attendant_free(a);
	participant_step(p, PARTICIPANT_EV_ADMIT);
}

/* Into the room; the attendant is gone when this returns, unless the room does not take it. */
static void come_in(struct attendant *a, struct room *room)
{
	struct participant *p = a->participant;
	struct bus *bus = NULL;
	int err = check_entry(a, room);

	if (!err)
		err = room_bus(room, &bus);
	if (err) {
		refuse(a, err);
		return;
	}
	say_stop(p->focus, &a->play);
	leg_set_bus(&p->leg, bus);
	(void)sip_call_set_contact(p->call, slice_of(room->id), "isfocus");
	p->role = (uint8_t)a->role;
	p->is_dial_in = true;
	slice_cstr(slice_of(a->language), p->language, sizeof(p->language));
	p->attendant = attendant_free(a);
	participant_publish(p, room);
	(void)sip_call_reinvite(p->call); /* tells the conference's URI (RFC 4579 5.1) */
	waiting_come_in(p);
}

/* Names -------------------------------------------------------------------------------------- */

static void ask_name(struct attendant *a)
{
	struct prompt_list list;

	a->state = ASK_NAME;
	list_begin(a, &list);
	prompt_add(&list, PROMPT_SAY_NAME);
	prompt_add(&list, PROMPT_TONE_SPEAK);
	say(a, &list);
}

static void enter_again(struct attendant *a)
{
	struct room *room = focus_room_find(a->participant->focus, slice_of(a->room_id));

	a->was_named = true;
	if (room)
		come_in(a, room);
	else
		say_goodbye(a, PROMPT_ROOM_INVALID);
}

/* The tone has been heard: what it says now is its name. */
static void take_name(struct attendant *a)
{
	struct wheel *wheel = a->participant->focus->wheel;
	int err = spoken_name_begin(a->participant);

	if (err) {
		LOG(LOG_ERROR, "dialin.name_not_kept", LOG_STR("participant", a->participant->id),
		    LOG_STR("error", err_text(err)));
		enter_again(a);
		return;
	}
	a->state = TAKE_NAME;
	timer_start(wheel, &a->digit_timer, NAME_LENGTH_MS);
}

static void save_name(struct attendant *a)
{
	a->state = SAVE_NAME;
	timer_start(a->participant->focus->wheel, &a->digit_timer, ATTENDANT_SAVE_MS);
	spoken_name_stop(a->participant);
}

void attendant_on_named(struct attendant *a)
{
	if (a->state == TAKE_NAME || a->state == SAVE_NAME)
		enter_again(a);
}

/* Nothing is to be asked: it is heard before it comes in. False: there is nothing to be heard. */
static bool greet(struct attendant *a)
{
	struct prompt_list list;

	if (!a->greeting[0])
		return false;
	list_begin(a, &list);
	if (!list.count)
		return false;
	a->state = GREET;
	say(a, &list);
	return true;
}

static void enter(struct attendant *a, struct room *room, enum participant_role role)
{
	int err;

	a->role = role;
	if (a->participant->room) {
		let_in(a);
		return;
	}
	slice_cstr(slice_of(room->id), a->room_id, sizeof(a->room_id));
	err = check_entry(a, room);
	if (err)
		refuse(a, err);
	else if (greet(a))
		return;
	else if (room->settings.has_names && !a->was_named)
		ask_name(a);
	else
		come_in(a, room);
}

static void greeted(struct attendant *a)
{
	struct room *room = focus_room_find(a->participant->focus, slice_of(a->room_id));

	if (room)
		enter(a, room, a->role);
	else
		say_goodbye(a, PROMPT_ROOM_INVALID);
}

static void room_known(struct attendant *a, enum prompt first)
{
	struct room *room = focus_room_find(a->participant->focus, slice_of(a->room_id));

	if (!room)
		wrong(a, ASK_ROOM, PROMPT_ROOM_INVALID);
	else if (!a->participant->room && !schedule_is_open(room))
		refuse(a, ERR_ROOM_NOT_OPEN);
	else if (room_is_owned_by(room, a->participant->user_name))
		enter(a, room, PARTICIPANT_MODERATOR);
	else if (attendant_has_pin(room))
		ask(a, ASK_PIN, first);
	else
		enter(a, room, PARTICIPANT_GUEST);
}

static void room_entered(struct attendant *a)
{
	struct room *room = focus_room_find(a->participant->focus, slice_of(a->digits));

	if (!room) {
		wrong(a, ASK_ROOM, PROMPT_ROOM_INVALID);
		return;
	}
	slice_cstr(slice_of(room->id), a->room_id, sizeof(a->room_id));
	room_known(a, PROMPT_COUNT);
}

static void pin_check(struct attendant *a)
{
	struct room *room = focus_room_find(a->participant->focus, slice_of(a->room_id));
	struct slice pin = slice_make(a->digits, a->digit_count);
	bool is_moderator, is_guest;

	if (!room || is_locked_out(a)) {
		say_goodbye(a, PROMPT_PIN_INVALID);
		return;
	}
	/* Both are computed, whatever the first says: time tells nothing. */
	is_moderator = pin_matches(room->settings.moderator_pin, pin);
	is_guest = pin_matches(room->settings.pin, pin);
	if (is_moderator || is_guest) {
		note_success(a);
		enter(a, room, is_moderator ? PARTICIPANT_MODERATOR : PARTICIPANT_GUEST);
		return;
	}
	note_failure(a);
	wrong(a, ASK_PIN, PROMPT_PIN_INVALID);
}

/* Callers through a trusted peer are not from one place, though they come from one address. */
static bool must_take_turns(const struct attendant *a)
{
	return a->participant->call && !a->participant->is_trusted;
}

/* Where much was guessed, right and wrong are told late. */
static void pin_entered(struct attendant *a)
{
	struct focus *focus = a->participant->focus;
	char text[LOCKOUT_KEY_MAX + 1];
	uint64_t delay_ms = lockout_delay_ms(focus->lockout, room_key(a, text));

	if (!delay_ms) {
		pin_check(a);
		return;
	}
	if (must_take_turns(a) &&
	    lockout_turn_ms(focus->lockout, place_key(a, text), now_ms(a), &delay_ms)) {
		say_goodbye(a, PROMPT_PIN_INVALID);
		return;
	}
	a->state = CHECK_PIN;
	timer_start(focus->wheel, &a->digit_timer, delay_ms);
}

static void submit(struct attendant *a)
{
	timer_stop(a->participant->focus->wheel, &a->digit_timer);
	a->digits[a->digit_count] = '\0';
	if (a->state == ASK_ROOM)
		room_entered(a);
	else
		pin_entered(a);
}

/* An answering machine presses nothing. */
static void hang_up(struct attendant *a)
{
	bool is_machine = a->participant->is_outgoing && !a->was_touched;

	participant_ring_off(a->participant, is_machine ? "not_confirmed" : "refused",
			     PARTICIPANT_EV_KICK);
}

static void on_digit_timer(void *arg)
{
	struct attendant *a = arg;

	if (a->state == SAY_GOODBYE) {
		hang_up(a);
	} else if (a->state == CHECK_PIN) {
		pin_check(a);
	} else if (a->state == GREET) {
		greeted(a);
	} else if (a->state == ASK_NAME) {
		take_name(a);
	} else if (a->state == TAKE_NAME) {
		save_name(a);
	} else if (a->state == SAVE_NAME) {
		enter_again(a);
	} else if (a->digit_count) {
		submit(a);
	} else if (!a->was_silent) {
		a->was_silent = true;
		ask(a, a->state, PROMPT_COUNT);
	} else {
		say_goodbye(a, PROMPT_GOODBYE);
	}
}

static void on_call_timer(void *arg)
{
	hang_up(arg);
}

/* What happens ------------------------------------------------------------------------------- */

void attendant_on_established(struct attendant *a)
{
	struct focus *focus = a->participant->focus;

	timer_start(focus->wheel, &a->call_timer, ATTENDANT_CALL_MS);
	if (participant_sound(a->participant)) /* digits as tones, for one */
		participant_apply_control(a->participant);
	if (is_locked_out(a))
		say_goodbye(a, PROMPT_PIN_INVALID);
	else if (a->room_id[0])
		room_known(a, PROMPT_COUNT);
	else
		ask(a, ASK_ROOM, PROMPT_COUNT);
}

void attendant_on_digit(struct attendant *a, char digit)
{
	struct focus *focus = a->participant->focus;

	if (a->state == SAY_GOODBYE || a->state == SAVE_NAME || a->state == CHECK_PIN)
		return;
	a->was_touched = true;
	say_stop(focus, &a->play);
	if (a->state == GREET) {
		greeted(a);
		return;
	}
	if (a->state == ASK_NAME || a->state == TAKE_NAME) {
		a->state == ASK_NAME ? take_name(a) : save_name(a);
		return;
	}
	if (digit == '#') {
		if (a->digit_count)
			submit(a);
		return;
	}
	timer_start(focus->wheel, &a->digit_timer, ATTENDANT_DIGIT_MS);
	if (digit == '*') {
		a->digit_count = 0;
		return;
	}
	if (a->digit_count < ATTENDANT_DIGITS_MAX)
		a->digits[a->digit_count++] = digit;
}

void attendant_on_said(struct attendant *a, handle play)
{
	if (play != a->play)
		return;
	a->play = 0;
	if (a->state == SAY_GOODBYE)
		hang_up(a);
	else if (a->state == GREET)
		greeted(a);
	else if (a->state == ASK_NAME)
		take_name(a);
	else if (!a->digit_count)
		timer_start(a->participant->focus->wheel, &a->digit_timer, ATTENDANT_FIRST_MS);
}

/* Life --------------------------------------------------------------------------------------- */

int attendant_new(struct participant *participant, const struct attendant_number *number)
{
	struct attendant *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->participant = participant;
	slice_cstr(slice_of(number->language), a->language, sizeof(a->language));
	slice_cstr(slice_of(number->room), a->room_id, sizeof(a->room_id));
	slice_cstr(slice_of(number->greeting), a->greeting, sizeof(a->greeting));
	timer_init(&a->digit_timer, on_digit_timer, a);
	timer_init(&a->call_timer, on_call_timer, a);
	participant->attendant = a;
	return 0;
}

void attendant_take(struct participant *p)
{
	struct attendant_number number = {.language = ""};
	int err;

	slice_cstr(slice_of(p->language), number.language, sizeof(number.language));
	slice_cstr(slice_of(p->room->id), number.room, sizeof(number.room));
	err = attendant_new(p, &number);
	if (err) {
		LOG(LOG_ERROR, "dialin.not_asked", LOG_STR("participant", p->id),
		    LOG_STR("error", err_text(err)));
		participant_ring_off(p, "failed", PARTICIPANT_EV_KICK);
		return;
	}
	participant_step(p, PARTICIPANT_EV_WAIT);
	attendant_on_established(p->attendant);
}

struct attendant *attendant_free(struct attendant *a)
{
	struct focus *focus;

	if (!a)
		return NULL;
	focus = a->participant->focus;
	timer_stop(focus->wheel, &a->digit_timer);
	timer_stop(focus->wheel, &a->call_timer);
	say_stop(focus, &a->play);
	sounds_free(a->greeting_sounds);
	free(a);
	return NULL;
}
