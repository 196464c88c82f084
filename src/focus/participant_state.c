/* focus/participant_state.c -- the state machine of a party: one row per (state, event). */
#include <assert.h>

#include "focus/participant_priv.h"

#define IN PARTICIPANT_DIALING_IN
#define OUT PARTICIPANT_DIALING_OUT
#define ALERT PARTICIPANT_ALERTING
#define PEND PARTICIPANT_PENDING
#define CONN PARTICIPANT_CONNECTED
#define HOLD PARTICIPANT_ON_HOLD
#define DISC PARTICIPANT_DISCONNECTING
#define GONE PARTICIPANT_DISCONNECTED
#define EV(event) [PARTICIPANT_EV_##event]
#define JOIN PARTICIPANT_DO_JOIN
#define TELL PARTICIPANT_DO_TELL
#define PART PARTICIPANT_DO_PART
#define HANG PARTICIPANT_DO_HANG_UP
#define LEAVE PARTICIPANT_DO_LEAVE

/* Rows that do nothing are written out: a missing one would be a state of 0. */
static const struct participant_row table[PARTICIPANT_STATE_COUNT][PARTICIPANT_EV_COUNT] =
	{
		[PARTICIPANT_DIALING_IN] =
			{
				EV(PROGRESS) = {IN, 0},
				EV(REDIRECTED) = {IN, 0},
				EV(ESTABLISHED) = {CONN, JOIN},
				EV(WAIT) = {PEND, TELL},
				EV(ADMIT) = {IN, 0},
				EV(HELD) = {IN, 0},
				EV(RESUMED) = {IN, 0},
				EV(KICK) = {DISC, HANG | TELL},
				EV(DETACH) = {GONE, HANG | LEAVE},
				EV(ENDED) = {GONE, LEAVE},
			},
		[PARTICIPANT_DIALING_OUT] =
			{
				EV(PROGRESS) = {ALERT, TELL},
				EV(REDIRECTED) = {OUT, TELL},
				EV(ESTABLISHED) = {CONN, JOIN},
				EV(WAIT) = {PEND, TELL},
				EV(ADMIT) = {OUT, 0},
				EV(HELD) = {OUT, 0},
				EV(RESUMED) = {OUT, 0},
				EV(KICK) = {DISC, HANG | TELL},
				EV(DETACH) = {GONE, HANG | LEAVE},
				EV(ENDED) = {GONE, LEAVE},
			},
		[PARTICIPANT_ALERTING] =
			{
				EV(PROGRESS) = {ALERT, 0},
				EV(REDIRECTED) = {OUT, TELL},
				EV(ESTABLISHED) = {CONN, JOIN},
				EV(WAIT) = {PEND, TELL},
				EV(ADMIT) = {ALERT, 0},
				EV(HELD) = {ALERT, 0},
				EV(RESUMED) = {ALERT, 0},
				EV(KICK) = {DISC, HANG | TELL},
				EV(DETACH) = {GONE, HANG | LEAVE},
				EV(ENDED) = {GONE, LEAVE},
			},
		[PARTICIPANT_PENDING] =
			{
				EV(PROGRESS) = {PEND, 0},
				EV(REDIRECTED) = {PEND, 0},
				EV(ESTABLISHED) = {PEND, 0},
				EV(WAIT) = {PEND, 0},
				EV(ADMIT) = {CONN, JOIN},
				EV(HELD) = {PEND, 0},
				EV(RESUMED) = {PEND, 0},
				EV(KICK) = {DISC, PART | TELL},
				EV(DETACH) = {GONE, HANG | LEAVE},
				EV(ENDED) = {GONE, LEAVE},
			},
		[PARTICIPANT_CONNECTED] =
			{
				EV(PROGRESS) = {CONN, 0},
				EV(REDIRECTED) = {CONN, 0},
				EV(ESTABLISHED) = {CONN, 0},
				EV(WAIT) = {CONN, 0},
				EV(ADMIT) = {CONN, 0},
				EV(HELD) = {HOLD, TELL},
				EV(RESUMED) = {CONN, 0},
				EV(KICK) = {DISC, PART | TELL},
				EV(DETACH) = {GONE, HANG | LEAVE},
				EV(ENDED) = {GONE, LEAVE},
			},
		[PARTICIPANT_ON_HOLD] =
			{
				EV(PROGRESS) = {HOLD, 0},
				EV(REDIRECTED) = {HOLD, 0},
				EV(ESTABLISHED) = {HOLD, 0},
				EV(WAIT) = {HOLD, 0},
				EV(ADMIT) = {HOLD, 0},
				EV(HELD) = {HOLD, 0},
				EV(RESUMED) = {CONN, TELL},
				EV(KICK) = {DISC, HANG | TELL},
				EV(DETACH) = {GONE, HANG | LEAVE},
				EV(ENDED) = {GONE, LEAVE},
			},
		[PARTICIPANT_DISCONNECTING] =
			{
				EV(PROGRESS) = {DISC, 0},
				EV(REDIRECTED) = {DISC, 0},
				/* A 2xx that crossed our CANCEL: the stack ACKs it and sends BYE
				   (RFC 3261 9.1). */
				EV(ESTABLISHED) = {DISC, 0},
				EV(WAIT) = {DISC, 0},
				EV(ADMIT) = {DISC, 0},
				EV(HELD) = {DISC, 0},
				EV(RESUMED) = {DISC, 0},
				EV(KICK) = {DISC, 0},
				EV(DETACH) = {GONE, LEAVE},
				EV(ENDED) = {GONE, LEAVE},
			},
		[PARTICIPANT_DISCONNECTED] =
			{
				EV(PROGRESS) = {GONE, 0},
				EV(REDIRECTED) = {GONE, 0},
				EV(ESTABLISHED) = {GONE, 0},
				EV(WAIT) = {GONE, 0},
				EV(ADMIT) = {GONE, 0},
				EV(HELD) = {GONE, 0},
				EV(RESUMED) = {GONE, 0},
				EV(KICK) = {GONE, 0},
				EV(DETACH) = {GONE, 0},
				EV(ENDED) = {GONE, 0},
			},
};

const struct participant_row *participant_row(unsigned state, enum participant_event event)
{
	assert(state < PARTICIPANT_STATE_COUNT && event < PARTICIPANT_EV_COUNT);
	return &table[state][event];
}

const char *participant_state_name(enum participant_state state)
{
	static const char *const names[PARTICIPANT_STATE_COUNT] = {
		[PARTICIPANT_DIALING_IN] = "dialing-in",
		[PARTICIPANT_DIALING_OUT] = "dialing-out",
		[PARTICIPANT_ALERTING] = "alerting",
		[PARTICIPANT_PENDING] = "pending",
		[PARTICIPANT_CONNECTED] = "connected",
		[PARTICIPANT_ON_HOLD] = "on-hold",
		[PARTICIPANT_DISCONNECTING] = "disconnecting",
		[PARTICIPANT_DISCONNECTED] = "disconnected",
	};

	assert((unsigned)state < PARTICIPANT_STATE_COUNT);
	return names[state];
}

const char *participant_role_name(enum participant_role role)
{
	return role == PARTICIPANT_MODERATOR ? "moderator" : "guest";
}
