/* focus/fork.c -- attempts are called, and what comes next when one of them ends.
 *
 * One hop at a time: expand it into attempts (fork_hops.c), call those of the highest q, wait. A
 * hop that is over leads to the hop its rule names, else to the best Contact of a 3xx that was not
 * called yet, else the fork has failed. Nothing is told from inside fork_new: what is due then
 * waits for a timer. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/log.h"
#include "focus/focus_priv.h"
#include "focus/fork_priv.h"
#include "focus/registrar.h"
#include "sip/sips.h"

static const struct sip_call_handlers attempt_handlers, loser_handlers;

static bool run(struct fork *fork);

const char *fork_why_name(enum fork_why why)
{
	static const char *const names[FORK_WHY_COUNT] = {
		"direct",
		"forward_unconditional",
		"forward_busy",
		"forward_no_answer",
		"forward_unreachable",
		"redirect",
	};

	assert(why < FORK_WHY_COUNT);
	return names[why];
}

const char *fork_state_name(enum fork_state state)
{
	static const char *const names[FORK_STATE_COUNT] = {
		"waiting", "calling", "ringing", "answered", "failed", "cancelled", "looped",
	};

	assert(state < FORK_STATE_COUNT);
	return names[state];
}

/* Calling ------------------------------------------------------------------------------------- */

static struct fork_attempt *free_attempt(struct fork_attempt *a)
{
	if (!a)
		return NULL;
	if (a->call) {
		sip_call_bind(a->call, &loser_handlers, NULL);
		sip_call_hangup(a->call, NULL);
	}
	free(a->uri);
	free(a->route);
	free(a->instance);
	free(a);
	return NULL;
}

struct sip_call *fork_lead(const struct fork *fork)
{
	for (uint8_t i = 0; i < fork->attempt_count; i++)
		if (fork->attempts[i]->call)
			return fork->attempts[i]->call;
	return NULL;
}

static uint32_t live_count(const struct fork *fork)
{
	uint32_t count = 0;

	for (uint8_t i = 0; i < fork->attempt_count; i++)
		count += fork->attempts[i]->call != NULL;
	return count;
}

/* The scheme of whoever calls is kept (RFC 5630 5.3). */
static struct slice target_of(const struct fork_attempt *a, struct buf *text)
{
	if (!a->is_secure)
		return slice_of(a->uri);
	buf_addf(text, "sip:%s", a->uri + sizeof("sips:") - 1);
	return buf_slice(text);
}

static int call(struct fork *fork, struct fork_attempt *a)
{
	char to[FORWARD_URI_MAX + 3];
	struct buf headers = BUF_INIT, target = BUF_INIT;
	struct sip_call_invite invite = {
		.target = target_of(a, &target),
		.is_secure = a->is_secure,
		.route = a->route ? slice_of(a->route) : SLICE_NONE,
		.flow = a->has_flow ? &a->flow : NULL,
		.hops_used = fork->hops_used,
		.handlers = &attempt_handlers,
		.arg = a,
	};
	int err;

	/* The To of a redirected request is that of the first (RFC 3261 8.1.3.4). */
	snprintf(to, sizeof(to), "<%s>", fork->hops[0].uri);
	invite.to = slice_of(to);
	fork_history(fork, a, &headers);
	invite.headers = headers.len ? headers.p : NULL;
	a->started_wall_ms = clock_wall_ms(&fork->focus->clock);
	err = buf_err(&headers);
	if (!err)
		err = buf_err(&target);
	if (!err)
		err = fork->handlers->call(fork->arg, &invite, &a->call);
	buf_done(&headers);
	buf_done(&target);
	if (!err) {
		fork_set_state(a, FORK_CALLING, 0);
		return 0;
	}
	a->call = NULL;
	a->end_by = SIP_END_TRANSPORT;
	fork_set_state(a, FORK_FAILED, 503);
	fork->start_err = err;
	return err;
}

/* Another flow of the same phone is under way, or was the better choice. */
static bool is_spare(const struct fork *fork, const struct fork_attempt *of)
{
	for (uint8_t i = 0; i < fork->attempt_count && of->instance; i++) {
		const struct fork_attempt *a = fork->attempts[i];

		if (a != of && a->call && a->hop == of->hop && a->instance &&
		    !strcmp(a->instance, of->instance))
			return true;
	}
	return false;
}

/* Calls all of the highest q that wait. True when something is under way. */
static bool call_group(struct fork *fork)
{
	while (!live_count(fork)) {
		uint16_t q = 0;
		bool is_any = false;

		for (uint8_t i = 0; i < fork->attempt_count; i++) {
			const struct fork_attempt *a = fork->attempts[i];

			if (a->hop != fork->hop || a->state != FORK_WAITING)
				continue;
			is_any = true;
			if (a->q_thousandths > q)
				q = a->q_thousandths;
		}
		if (!is_any)
			return false;
		for (uint8_t i = 0; i < fork->attempt_count; i++) {
			struct fork_attempt *a = fork->attempts[i];

			if (a->hop == fork->hop && a->state == FORK_WAITING &&
			    a->q_thousandths == q && !is_spare(fork, a))
				(void)call(fork, a);
		}
	}
	return true;
}

static void drop_losers(struct fork *fork, const struct sip_reply *reason)
{
	for (uint8_t i = 0; i < fork->attempt_count; i++) {
		struct fork_attempt *a = fork->attempts[i];

		if (a->state == FORK_WAITING)
			fork_set_state(a, FORK_CANCELLED, 0);
		if (!a->call)
			continue;
		sip_call_bind(a->call, &loser_handlers, NULL);
		sip_call_hangup(a->call, reason);
		a->call = NULL;
		fork_set_state(a, FORK_CANCELLED, 487);
	}
}

/* What comes next ----------------------------------------------------------------------------- */

/* RFC 3261 16.7, step 6: a 6xx, else the lowest class; and of these what says most. */
static int rank(const struct fork_attempt *a)
{
	uint16_t status = a->status;

	if (a->end_by == SIP_END_TRANSPORT || status == 503)
		return 7;
	if (status >= 600)
		return 0;
	if (status == 486)
		return 1;
	if (status == 401 || status == 407 || status == 415 || status == 420 || status == 484)
		return 2;
	if (status >= 400 && status < 500 && a->end_by != SIP_END_TIMEOUT)
		return 3;
	if (status >= 400 && status < 500)
		return 4;
	return status >= 500 ? 6 : 5;
}

static const struct fork_attempt *best_of(const struct fork *fork, uint8_t hop)
{
	const struct fork_attempt *best = NULL;

	for (uint8_t i = 0; i < fork->attempt_count; i++) {
		const struct fork_attempt *a = fork->attempts[i];

		if (a->hop == hop && a->state == FORK_FAILED && (!best || rank(a) < rank(best)))
			best = a;
	}
	return best;
}

static void drop_hops(struct fork *fork)
{
	for (uint8_t i = 0; i < fork->hop_count; i++)
		fork->hops[i].is_called = true;
}

/* The hop has no attempt left: what is the outcome, and does a rule know better? */
static void hop_over(struct fork *fork)
{
	struct fork_hop *hop = &fork->hops[fork->hop];
	const struct fork_attempt *best = best_of(fork, fork->hop);
	enum forward_cause cause;
	uint8_t at = fork->hop;

	timer_stop(fork->focus->wheel, &fork->no_answer);
	fork->hop = FORK_NONE;
	if (hop->is_timed_out)
		fork_set_end(fork, SIP_END_TIMEOUT, 408, "no answer");
	else if (best)
		fork_set_end(fork, best->end_by, best->status, sip_reason_phrase(best->status));
	else
		fork_set_end(fork, SIP_END_LOCAL, 480,
			     hop->warning ? "no such way by TLS" : "not registered");
	if (!best && !hop->is_timed_out)
		fork->end_warning = hop->warning;
	hop->status = fork->end_status;
	cause = best || hop->is_timed_out
			? forward_cause_of(fork->end_status, fork->end_by == SIP_END_TRANSPORT)
			: FORWARD_UNREACHABLE;
	if (fork->end_by == SIP_END_TIMEOUT)
		cause = FORWARD_NO_ANSWER;
	if (fork_has_rule(hop, cause)) {
		drop_hops(fork);
		fork_forward(fork, at, cause);
	} else if (fork->end_status >= 600 || fork->end_by == SIP_END_TIMEOUT) {
		drop_hops(fork); /* a 6xx is for all; a ring that nobody takes ends the search */
	}
}

static uint8_t next_hop(const struct fork *fork)
{
	uint8_t best = FORK_NONE;

	for (uint8_t i = 0; i < fork->hop_count; i++) {
		const struct fork_hop *hop = &fork->hops[i];

		if (!hop->is_called &&
		    (best == FORK_NONE || hop->q_thousandths > fork->hops[best].q_thousandths))
			best = i;
	}
	return best;
}

static void start_hop(struct fork *fork, uint8_t at)
{
	struct fork_hop *hop = &fork->hops[at];
	uint32_t no_answer_s;
	int err;

	hop->is_called = true;
	fork->hop = at;
	err = fork_expand(fork, at);
	if (err) {
		fork->start_err = err;
	} else if (fork_has_rule(hop, FORWARD_UNCONDITIONAL)) {
		hop->status = 302;
		fork->hop = FORK_NONE;
		fork_forward(fork, at, FORWARD_UNCONDITIONAL);
	} else if (fork_has_rule(hop, FORWARD_NO_ANSWER)) {
		no_answer_s = hop->rule->no_answer_s ? hop->rule->no_answer_s : FORWARD_NO_ANSWER_S;
		timer_start(fork->focus->wheel, &fork->no_answer, (uint64_t)no_answer_s * 1000);
	}
}

static void finish(struct fork *fork)
{
	struct sip_call_end end = {
		.by = fork->end_by,
		.status = fork->end_status,
		.text = fork->end_text ? fork->end_text : "",
		.warning = fork->end_warning,
	};

	/* Of the attempt that ends it all, when it is that one's status that counts. */
	if (fork->message && fork->message->status == end.status)
		end.message = fork->message;

	fork->is_over = true;
	timer_stop(fork->focus->wheel, &fork->no_answer);
	fork->handlers->on_failed(fork->arg, &end);
}

/* Goes on until something is under way, or nothing is left. False: the fork has failed, and may be
 * gone. */
static bool run(struct fork *fork)
{
	while (!fork->is_over && !fork->is_cancelled) {
		uint8_t at;

		if (fork->hop != FORK_NONE) {
			if (call_group(fork))
				return true;
			hop_over(fork);
		}
		at = next_hop(fork);
		if (at == FORK_NONE)
			break;
		start_hop(fork, at);
	}
	if (fork->is_over || live_count(fork))
		return true;
	if (fork->is_started) {
		finish(fork);
		return false;
	}
	timer_start(fork->focus->wheel, &fork->soon, 0);
	return true;
}

static void on_soon(void *arg)
{
	finish(arg);
}

/* Its own time is up (FORWARD_NO_ANSWER): whoever rings still is left alone. */
static void on_no_answer(void *arg)
{
	struct fork *fork = arg;

	if (fork->is_over || fork->is_cancelled || fork->hop == FORK_NONE)
		return;
	fork->hops[fork->hop].is_timed_out = true;
	drop_losers(fork, NULL);
	if (run(fork))
		fork->handlers->on_moved(fork->arg);
}

/* What the calls tell ------------------------------------------------------------------------- */

static void on_progress(void *arg, struct sip_call *sip, const struct sip_msg *response)
{
	struct fork_attempt *a = arg;

	if (response->status >= 180 && a->state == FORK_CALLING)
		fork_set_state(a, FORK_RINGING, response->status);
	a->fork->handlers->on_progress(a->fork->arg, sip, response);
}

/* Early media of one among several would be heard over each other: the winner's is told when it
 * has won. */
static void on_media(void *arg, struct sip_call *sip, const struct offer_agreed *agreed)
{
	struct fork_attempt *a = arg;

	a->has_agreed = live_count(a->fork) > 1;
	a->agreed = *agreed;
	if (!a->has_agreed)
		a->fork->handlers->on_media(a->fork->arg, sip, agreed);
}

static void on_request(void *arg, struct sip_call *sip, struct sip_stx *tx,
		       const struct sip_msg *request)
{
	struct fork_attempt *a = arg;

	a->fork->handlers->on_request(a->fork->arg, sip, tx, request);
}

static void on_established(void *arg, struct sip_call *sip, const struct sip_msg *message)
{
	struct fork_attempt *a = arg;
	struct fork *fork = a->fork;
	const struct sip_reply reason = {
		.status = 487,
		.headers = "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n",
	};

	if (fork->is_cancelled)
		return; /* it is hung up already */
	a->call = NULL;
	fork_set_state(a, FORK_ANSWERED, 200);
	fork->is_over = true;
	timer_stop(fork->focus->wheel, &fork->no_answer);
	drop_losers(fork, &reason);
	fork->handlers->on_won(fork->arg, sip, a->has_agreed ? &a->agreed : NULL, message);
}

static void on_reinvite_failed(void *arg, struct sip_call *sip, uint16_t status)
{
	(void)arg;
	(void)sip;
	(void)status;
}

static bool may_be_called(const struct fork *fork, uint8_t from, const struct sip_uri *uri)
{
	if (!fork->hops[from].may_dial_out && fork_costs(fork->focus, uri)) {
		LOG(LOG_WARN, "call.redirection_refused", LOG_STR("from", fork->hops[from].uri),
		    LOG_SLICE("to", uri->text));
		return false;
	}
	if (uri->text.len > FORWARD_URI_MAX || fork_find_hop(fork, uri->text) != FORK_NONE)
		return false;
	/* RFC 5630 5.3: to nothing less, and for somebody else to nothing more. */
	if (sip_is_sips(uri->text) ? fork->is_carried && !fork->is_sips : fork->is_sips)
		return false;
	if (fork->own && fork_is_same_target(uri->text, slice_of(fork->own)))
		return false;
	if (uri->scheme == SIP_SCHEME_TEL)
		return fork->focus->config->sip_outbound_proxy[0] || fork_is_own(fork->focus, uri);
	return sip_uri_is_sip(uri) && uri->host.len;
}

/* Of a 3xx (RFC 3261 8.1.3.4). Equal q: as they came. */
static void add_redirections(struct fork *fork, uint8_t from, const struct sip_msg *response)
{
	struct sip_list_walk walk = {0};
	struct sip_addr contact;
	struct slice element;

	while (sip_list_next(response, SIP_H_CONTACT, &walk, &element)) {
		if (sip_addr_parse(element, &contact) || !may_be_called(fork, from, &contact.uri))
			continue;
		if (fork_add_hop(fork, &(struct fork_hop_make){
					       .uri = contact.uri.text,
					       .parent = from,
					       .why = FORK_REDIRECTED,
					       .q_thousandths = sip_q_thousandths(contact.params)}))
			break;
	}
}

/* The binding leads nowhere any more (RFC 5626 5.3, 6: 430 or a connection that broke). */
static void forget_flow(struct fork *fork, const struct fork_attempt *a)
{
	struct sip_uri uri;
	struct location_match match;

	if (!a->has_flow || (a->end_by != SIP_END_TRANSPORT && a->status != 430) ||
	    sip_uri_parse(slice_of(fork->hops[a->hop].uri), &uri) ||
	    location_match(fork->focus->location, &uri, &match) || !match.aor)
		return;
	for (struct binding *b = location_next(match.aor, NULL); b;
	     b = location_next(match.aor, b)) {
		if (b->has_flow && b->flow.connection && !strcmp(b->contact, a->uri) &&
		    b->flow.connection == a->flow.connection) {
			location_remove(fork->focus->location, b, "flow_failed");
			return;
		}
	}
}

/* The next flow of the same phone takes the place of the one that failed, whoever else rings. */
static void call_spare(struct fork *fork, const struct fork_attempt *of)
{
	if (!of->instance || of->state != FORK_FAILED ||
	    (of->end_by != SIP_END_TRANSPORT && of->status != 430))
		return;
	for (uint8_t i = 0; i < fork->attempt_count; i++) {
		struct fork_attempt *a = fork->attempts[i];

		if (a->hop == of->hop && a->state == FORK_WAITING && a->instance &&
		    a->q_thousandths == of->q_thousandths && !strcmp(a->instance, of->instance) &&
		    !call(fork, a))
			return;
	}
}

static void on_ended(void *arg, struct sip_call *sip, const struct sip_call_end *end)
{
	struct fork_attempt *a = arg;
	struct fork *fork = a->fork;

	(void)sip;
	a->call = NULL;
	a->end_by = end->by;
	fork->message = end->message;
	fork_set_state(a, fork->is_cancelled ? FORK_CANCELLED : FORK_FAILED, end->status);
	if (fork->is_cancelled) {
		fork_set_end(fork, end->by, end->status, "cancelled");
		if (run(fork))
			fork->message = NULL;
		return;
	}
	if (fork->handlers->on_refused(fork->arg, end->status))
		fork_set_state(a, FORK_WAITING, 0);
	if (end->message && end->status >= 300 && end->status < 400)
		add_redirections(fork, a->hop, end->message);
	forget_flow(fork, a);
	if (end->status >= 600)
		drop_losers(fork, NULL);
	else
		call_spare(fork, a);
	if (run(fork)) {
		fork->message = NULL;
		fork->handlers->on_moved(fork->arg);
	}
}

static const struct sip_call_handlers attempt_handlers = {
	.on_progress = on_progress,
	.on_established = on_established,
	.on_media = on_media,
	.on_early_media = on_media,
	.on_reinvite_failed = on_reinvite_failed,
	.on_request = on_request,
	.on_ended = on_ended,
};

static void loser_message(void *arg, struct sip_call *sip, const struct sip_msg *message)
{
	(void)arg;
	(void)sip;
	(void)message;
}

static void loser_media(void *arg, struct sip_call *sip, const struct offer_agreed *agreed)
{
	(void)arg;
	(void)sip;
	(void)agreed;
}

static void loser_ended(void *arg, struct sip_call *sip, const struct sip_call_end *end)
{
	(void)arg;
	(void)sip;
	(void)end;
}

static const struct sip_call_handlers loser_handlers = {
	.on_progress = loser_message,
	.on_established = loser_message,
	.on_media = loser_media,
	.on_ended = loser_ended,
};

/* Life ---------------------------------------------------------------------------------------- */

/* Whether the only thing that was tried could not even begin: then nobody need wait for it. */
static bool failed_at_once(const struct fork *fork)
{
	return fork->start_err && !live_count(fork) && fork->hop_count == 1;
}

/* One more than what has come; who says nothing has used none. */
static uint8_t hops_used(const struct sip_msg *request)
{
	struct slice value = sip_msg_value(request, SIP_H_MAX_FORWARDS);
	uint32_t left = SIP_HOPS;

	(void)slice_u32(value, SIP_HOPS, &left);
	return (uint8_t)(SIP_HOPS - left + (left > 0));
}

int fork_new(const struct fork_params *params, struct fork **ret_fork)
{
	struct fork *fork = calloc(1, sizeof(*fork));
	int err;

	if (!fork)
		return -ENOMEM;
	fork->focus = params->focus;
	fork->handlers = params->handlers;
	fork->arg = params->arg;
	fork->hop = FORK_NONE;
	fork->is_sips = sip_is_sips(params->target);
	fork->is_carried = params->request != NULL;
	timer_init(&fork->no_answer, on_no_answer, fork);
	timer_init(&fork->soon, on_soon, fork);
	err = params->target.len > FORWARD_URI_MAX ? ERR_BAD_TARGET
						   : fork_copy(params->own, &fork->own);
	if (!err)
		err = fork_add_hop(fork, &(struct fork_hop_make){.uri = params->target,
								 .parent = FORK_NONE,
								 .why = FORK_DIRECT});
	if (!err && params->request) {
		fork->hops_used = hops_used(params->request);
		fork_history_came(fork, params->request);
	}
	if (err)
		goto fail;
	(void)run(fork);
	err = fork->start_err;
	if (failed_at_once(fork))
		goto fail;
	fork->is_started = true;
	*ret_fork = fork;
	return 0;

fail:
	fork_free(fork);
	return err;
}

struct fork *fork_free(struct fork *fork)
{
	if (!fork)
		return NULL;
	timer_stop(fork->focus->wheel, &fork->no_answer);
	timer_stop(fork->focus->wheel, &fork->soon);
	buf_done(&fork->came_history);
	buf_done(&fork->came_diversions);
	for (uint8_t i = 0; i < fork->attempt_count; i++)
		free_attempt(fork->attempts[i]);
	for (uint8_t i = 0; i < fork->hop_count; i++) {
		free(fork->hops[i].uri);
		free(fork->hops[i].rule);
	}
	free(fork->own);
	free(fork);
	return NULL;
}

void fork_cancel(struct fork *fork, const struct sip_reply *reason)
{
	if (fork->is_over || fork->is_cancelled)
		return;
	fork->is_cancelled = true;
	timer_stop(fork->focus->wheel, &fork->no_answer);
	fork_set_end(fork, SIP_END_LOCAL, 487, "cancelled");
	for (uint8_t i = 0; i < fork->attempt_count; i++) {
		struct fork_attempt *a = fork->attempts[i];

		if (a->state == FORK_WAITING)
			fork_set_state(a, FORK_CANCELLED, 0);
		if (a->call)
			sip_call_hangup(a->call, reason);
	}
	if (!live_count(fork))
		timer_start(fork->focus->wheel, &fork->soon, 0);
}

bool fork_is_plain(const struct fork *fork)
{
	return fork->hop_count == 1 && fork->attempt_count == 1 && fork->attempts[0]->is_hop;
}

bool fork_is_over(const struct fork *fork)
{
	return fork->is_over;
}

bool fork_attempt(const struct fork *fork, uint32_t at, struct fork_attempt_view *ret_view)
{
	if (at >= fork->attempt_count)
		return false;
	*ret_view = fork_attempt_view(fork->attempts[at]);
	return true;
}
