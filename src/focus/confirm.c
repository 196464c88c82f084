/* focus/confirm.c */
#include "focus/confirm.h"

#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "focus/say.h"

static void ask(struct participant *p)
{
	p->confirm.asked++;
	say_prompt(p, PROMPT_CONFIRM);
	timer_start(p->focus->wheel, &p->confirm.timer, CONFIRM_WAIT_MS);
}

void confirm_begin(struct participant *p)
{
	participant_step(p, PARTICIPANT_EV_WAIT);
	ask(p);
}

void confirm_on_timer(void *arg)
{
	struct participant *p = arg;

	if (p->confirm.asked < CONFIRM_TIMES)
		ask(p);
	else
		participant_ring_off(p, "not_confirmed", PARTICIPANT_EV_KICK);
}

void confirm_on_digit(struct participant *p, char digit)
{
	if (digit != '1')
		return;
	confirm_end(p);
	p->ask = PARTICIPANT_ASK_NOTHING;
	p->is_admitted = true;
	say_stop(p->focus, &p->play);
	participant_step(p, PARTICIPANT_EV_ADMIT);
}

void confirm_end(struct participant *p)
{
	timer_stop(p->focus->wheel, &p->confirm.timer);
}
