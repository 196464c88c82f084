/* focus/farewell.c */
#include "focus/farewell.h"

#include <string.h>

#include "focus/confirm.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/recording.h"
#include "focus/room_priv.h"
#include "focus/say.h"
#include "focus/waiting.h"

/* A phone plays what it has in its jitter buffer only until the BYE. */
enum { TAIL_MS = 300 };

static bool is_due(const struct participant *p)
{
	bool is_removed = !strcmp(p->cause, "kicked") || !strcmp(p->cause, "banned");
	bool is_by_itself = !strcmp(p->ended_by, p->id);

	return is_removed && !is_by_itself && p->focus->config->prompts_farewell_s > 0 && p->call &&
	       !p->room->call && !p->is_remote_focus && p->leg.params.is_sending;
}

static int say_why(struct participant *p)
{
	struct prompt_list list;

	prompt_begin(&list, p->focus->prompts, participant_language(p));
	prompt_add(&list, PROMPT_REMOVED);
	prompt_add_pause(&list, TAIL_MS);
	return say_to_leg(p, &list, false, &p->play);
}

/* As if it had left, but for its place in the roster. */
static void leave_mix(struct participant *p)
{
	recording_on_talking(p, false);
	p->is_talking = false;
	confirm_end(p);
	say_stop(p->focus, &p->play);
	waiting_on_leaving(p);
	participant_apply_control(p);
}

bool farewell_begin(struct participant *p)
{
	if (!is_due(p))
		return false;
	leave_mix(p);
	if (say_why(p))
		return false;
	p->is_parting = true;
	timer_start(p->focus->wheel, &p->farewell,
		    (uint64_t)p->focus->config->prompts_farewell_s * 1000);
	return true;
}

void farewell_forget(struct participant *p)
{
	timer_stop(p->focus->wheel, &p->farewell);
	p->is_parting = false;
}

void farewell_cut(struct participant *p)
{
	if (!p->is_parting)
		return;
	farewell_forget(p);
	participant_hang_up(p);
}

bool farewell_on_said(struct participant *p, handle play)
{
	if (!p->is_parting || play != p->play)
		return false;
	p->play = 0;
	farewell_cut(p);
	return true;
}

void farewell_on_timer(void *arg)
{
	farewell_cut(arg);
}
