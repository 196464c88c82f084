/* focus/drain.c -- going down without cutting anybody off: nobody new, wait, then ring off. */
#include "focus/calls_priv.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/trunks.h"

#include "base/log.h"

enum { FAREWELL_MS = 100 };

static void on_timer(void *arg)
{
	struct focus *focus = arg;

	if (!list_empty(&focus->participants) && !focus->drain.is_stopping) {
		focus_stop(focus);
		return;
	}
	if (focus->drain.is_done)
		return;
	/* Who watches is told before we go, and the NOTIFYs have a moment to get out. */
	if (notifier_drain(focus, true)) {
		timer_start(focus->wheel, &focus->drain.timer, FAREWELL_MS);
		return;
	}
	focus->drain.is_done = true;
	LOG(LOG_INFO, "server.drained", LOG_INT("participants", focus->stats.participants));
	if (focus->drain.on_empty)
		focus->drain.on_empty(focus->drain.arg);
}

static void drain_arm(struct focus *focus, uint64_t delay_ms)
{
	if (!focus->drain.timer.on_fire)
		timer_init(&focus->drain.timer, on_timer, focus);
	/* Also with nobody there it fires from the loop: callers need not expect it inside
	 * focus_drain. */
	timer_start(focus->wheel, &focus->drain.timer,
		    list_empty(&focus->participants) ? 0 : delay_ms);
}

/* What goes on here goes on at the central factory, before nobody may be called any more. */
static void move_all(struct focus *focus)
{
	struct slice to = slice_of(focus->config->focus_central_factory);
	struct list *it, *tmp;
	int err = 0;

	if (!to.len || !focus->config->focus_drain_moves)
		return;
	for (uint32_t i = 0; i < focus->room_count; i++)
		if (focus->rooms[i]->participant_count)
			err |= focus_migrate(focus, focus->rooms[i], to);
	LIST_FOREACH (it, tmp, &focus->calls)
		err |= focus_migrate(focus, LIST_ENTRY(it, struct call, in_focus)->room, to);
	if (err)
		LOG(LOG_WARN, "drain.not_all_moved", LOG_STR("to", to.p));
}

void focus_drain(struct focus *focus, void (*on_empty)(void *arg), void *arg)
{
	if (focus->drain.is_on)
		return;
	move_all(focus);
	focus->drain.is_on = true;
	focus->drain.on_empty = on_empty;
	focus->drain.arg = arg;
	LOG(LOG_INFO, "server.draining", LOG_INT("participants", focus->stats.participants),
	    LOG_INT("wait_s", focus->config->focus_drain_s));
	trunks_drain(focus);
	(void)notifier_drain(focus, false);
	drain_arm(focus, (uint64_t)focus->config->focus_drain_s * 1000);
}

void focus_stop(struct focus *focus)
{
	struct list *it, *tmp;

	if (focus->drain.is_stopping)
		return;
	focus->drain.is_on = true;
	focus->drain.is_stopping = true;
	trunks_drain(focus);
	LIST_FOREACH (it, tmp, &focus->participants)
		participant_ring_off(LIST_ENTRY(it, struct participant, in_focus), "server_stopped",
				     PARTICIPANT_EV_KICK);
	drain_arm(focus, FOCUS_STOP_MS);
}

bool focus_is_draining(const struct focus *focus)
{
	return focus->drain.is_on;
}

void drain_check(struct focus *focus)
{
	if (focus->drain.is_on && list_empty(&focus->participants))
		drain_arm(focus, 0);
}

void drain_done(struct focus *focus)
{
	timer_stop(focus->wheel, &focus->drain.timer);
}
