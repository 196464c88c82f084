/* focus/waiting.c */
#include "focus/waiting.h"

#include <string.h>

#include "base/err.h"
#include "focus/alone.h"
#include "focus/focus_priv.h"
#include "focus/play.h"
#include "focus/recording.h"
#include "focus/room_priv.h"
#include "focus/say.h"
#include "focus/schedule.h"
#include "focus/spoken_name.h"

static bool is_moderator(const struct participant *p)
{
	return p->role == PARTICIPANT_MODERATOR;
}

/* Moderators in the mix. */
static uint32_t moderators(const struct room *room)
{
	uint32_t count = 0;
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &room->participants) {
		const struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		count += is_moderator(p) && p->is_in_mix;
	}
	return count;
}

static bool must_wait(const struct participant *p)
{
	const struct room_settings *settings = &p->room->settings;

	if (p->ask)
		return true;
	if (is_moderator(p) || p->is_admitted)
		return false;
	return settings->is_lobby || (settings->waits_for_moderator && !moderators(p->room));
}

static void play_music(struct participant *p)
{
	struct prompt_list list;

	if (p->is_remote_focus) /* it waits in silence: nobody there asked for our music */
		return;
	prompt_begin(&list, p->focus->prompts, participant_language(p));
	if (p->room->settings.waits_for_moderator && !moderators(p->room))
		prompt_add(&list, PROMPT_WAIT_LEADER);
	else
		prompt_add(&list, PROMPT_WAIT_LOBBY);
	prompt_add_music(&list);
	say_stop(p->focus, &p->play);
	(void)say_to_leg(p, &list, true, &p->play);
}

void waiting_come_in(struct participant *p)
{
	if (!must_wait(p)) {
		participant_step(p, PARTICIPANT_EV_ESTABLISHED);
		return;
	}
	p->has_waited = !p->is_remote_focus; /* it is not told where nobody asked for our voice */
	participant_step(p, PARTICIPANT_EV_WAIT);
	play_music(p);
	if (p->room->settings.is_lobby)
		say_tone_to_room(p->room, PROMPT_TONE_KNOCK);
}

int waiting_admit(struct participant *p)
{
	if (p->state != PARTICIPANT_PENDING || p->ask)
		return ERR_STATE;
	p->is_admitted = true;
	say_stop(p->focus, &p->play);
	participant_step(p, PARTICIPANT_EV_ADMIT);
	return 0;
}

void waiting_review(struct room *room)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &room->participants) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		if (p->state == PARTICIPANT_PENDING && !must_wait(p))
			(void)waiting_admit(p);
	}
}

/* How many are in the mix besides this one. */
static uint32_t others(const struct participant *p)
{
	uint32_t count = 0;
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &p->room->participants)
		count += LIST_ENTRY(it, struct participant, in_room)->is_in_mix &&
			 !LIST_ENTRY(it, struct participant, in_room)->is_bridge;
	return count ? count - 1 : 0;
}

/* "You are the only one", "there are five others". */
static void add_count(struct prompt_list *list, const struct participant *p)
{
	uint32_t count = others(p);

	if (count == 0) {
		prompt_add(list, PROMPT_ALONE);
		return;
	}
	prompt_add(list, PROMPT_THERE_ARE);
	prompt_add_number(list, count, NUMERALS_PARTICIPANTS);
	prompt_add(list, prompt_form(list, count, PROMPT_OTHER, PROMPT_OTHERS_FEW, PROMPT_OTHERS));
}

void waiting_tell_count(struct participant *p)
{
	struct prompt_list list;

	prompt_begin(&list, p->focus->prompts, participant_language(p));
	add_count(&list, p);
	say_stop(p->focus, &p->play);
	(void)say_to_leg(p, &list, false, &p->play);
}

/* What it hears when it comes in: that the waiting is over; how many there are, for it came by
 * phone and cannot see it; that a recording runs. */
static void greet(struct participant *p)
{
	struct prompt_list list;

	prompt_begin(&list, p->focus->prompts, participant_language(p));
	if (p->has_waited)
		prompt_add(&list,
			   p->room->settings.waits_for_moderator ? PROMPT_BEGINS : PROMPT_ENTERING);
	if (p->is_dial_in)
		add_count(&list, p);
	if (recording_is_announced(p->room) && !p->is_bridge)
		prompt_add(&list, PROMPT_RECORDING);
	if (!list.count)
		return;
	say_stop(p->focus, &p->play);
	(void)say_to_leg(p, &list, false, &p->play);
}

/* "Anna has joined", or a tone. */
static void announce(const struct participant *p, enum prompt words, enum prompt tone)
{
	struct room *room = p->room;
	const char *name = spoken_name_path(p);
	struct prompt_list list;

	if (!name || !room->settings.has_names) {
		if (room->settings.has_tones)
			say_tone_to_room(room, tone);
		return;
	}
	prompt_begin(&list, room->focus->prompts, room->settings.language);
	if (room->settings.has_tones && !say_has_focus(room))
		prompt_add(&list, tone);
	prompt_add_file(&list, name);
	prompt_add(&list, words);
	say_to_room(room, &list);
}

/* Its name as it said it, its number, or that it has neither. */
static void add_name(struct prompt_list *list, const struct participant *p)
{
	const char *name = spoken_name_path(p);
	struct slice user = slice_of(p->uri);

	user = slice_from(user, slice_find(user, ':') + 1);
	user = slice_first(user, slice_find(user, '@'));
	if (user.len && user.p[0] == '+')
		user = slice_from(user, 1);
	if (name)
		prompt_add_file(list, name);
	else if (!p->is_anonymous && user.len >= 2 && strspn(user.p, "0123456789") == user.len)
		prompt_add_digits(list, user);
	else
		prompt_add(list, PROMPT_UNNAMED);
	prompt_add_pause(list, 300);
}

void waiting_roll_call(struct room *room, struct participant *p)
{
	struct prompt_list list;
	struct list *it, *tmp;

	prompt_begin(&list, room->focus->prompts,
		     p ? participant_language(p) : room->settings.language);
	prompt_add(&list, PROMPT_ROLL_CALL);
	LIST_FOREACH (it, tmp, &room->participants) {
		const struct participant *one = LIST_ENTRY(it, struct participant, in_room);

		if (one->is_in_mix && !one->is_bridge)
			add_name(&list, one);
	}
	if (!p) {
		say_to_room(room, &list);
		return;
	}
	if (recording_is_announced(p->room))
		prompt_add(&list, PROMPT_RECORDING);
	say_stop(p->focus, &p->play);
	(void)say_to_leg(p, &list, false, &p->play);
}

static void moderator_is_in(struct room *room)
{
	timer_stop(room->focus->wheel, &room->moderator_grace);
	waiting_review(room);
}

/* The last one has gone, or is a guest now. */
static void moderators_are_gone(struct room *room)
{
	/* Of a conference that moves they go first, perhaps. */
	if (moderators(room) || !room->settings.ends_with_moderator || room->is_ending ||
	    slice_present(migration_target(room)))
		return;
	say_prompt_to_room(room, PROMPT_LEADER_LEFT);
	timer_start(room->focus->wheel, &room->moderator_grace,
		    (uint64_t)room->focus->config->rooms_moderator_grace_s * 1000);
}

void waiting_on_role(struct participant *p)
{
	if (p->state == PARTICIPANT_PENDING && !must_wait(p))
		(void)waiting_admit(p);
	else if (p->is_in_mix && is_moderator(p))
		moderator_is_in(p->room);
	else if (p->is_in_mix)
		moderators_are_gone(p->room);
}

void waiting_on_joined(struct participant *p)
{
	struct room *room = p->room;

	p->is_in_mix = true;
	schedule_on_joined(room);
	recording_on_joined(p);
	greet(p);
	/* Who comes by a move was here all the time. */
	if (others(p) && !p->is_seated && !p->is_bridge)
		announce(p, PROMPT_HAS_JOINED, PROMPT_TONE_ENTRY);
	if (is_moderator(p))
		moderator_is_in(room);
	alone_review(room);
}

void waiting_on_leaving(struct participant *p)
{
	struct room *room = p->room;
	bool was_in_mix = p->is_in_mix;

	p->is_in_mix = false;
	p->play = p->music = 0; /* end with its leg */
	recording_track_end(p);
	plays_on_leaving(p);
	if (!was_in_mix || room->is_ending || room->call)
		return;
	if (!p->is_bridge && !slice_is(slice_of(p->cause), "moved"))
		announce(p, PROMPT_HAS_LEFT, PROMPT_TONE_EXIT);
	if (is_moderator(p))
		moderators_are_gone(room);
	alone_review(room);
}

void waiting_on_said(struct participant *p, handle play)
{
	if (play != p->play)
		return;
	p->play = 0;
	if (p->is_in_mix)
		alone_review(p->room);
}
