/* focus/fork_hops.c -- whom a fork calls: hops, as rules and redirections lead to them, and the
 * attempts that each hop expands into, as registrations and trunks have it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/log.h"
#include "focus/focus_priv.h"
#include "focus/fork_priv.h"
#include "focus/registrar.h"
#include "focus/trunks.h"
#include "sip/sips.h"

/* Attempts ------------------------------------------------------------------------------------ */

struct fork_attempt_view fork_attempt_view(const struct fork_attempt *a)
{
	return (struct fork_attempt_view){
		.uri = slice_of(a->uri),
		.target = slice_of(a->fork->hops[a->hop].uri),
		.why = (enum fork_why)a->fork->hops[a->hop].why,
		.state = (enum fork_state)a->state,
		.status = a->status,
		.started_wall_ms = a->started_wall_ms,
	};
}

void fork_set_state(struct fork_attempt *a, enum fork_state state, uint16_t status)
{
	struct fork_attempt_view view;

	a->state = (uint8_t)state;
	a->status = status;
	view = fork_attempt_view(a);
	a->fork->handlers->on_attempt(a->fork->arg, &view);
}

int fork_copy(struct slice text, char **ret_copy)
{
	*ret_copy = text.len ? slice_dup(text) : NULL;
	return text.len && !*ret_copy ? -ENOMEM : 0;
}

static int add_attempt(struct fork *fork, uint8_t hop_at, struct slice uri,
		       struct fork_attempt **ret_attempt)
{
	struct fork_attempt *a;
	int err;

	if (fork->attempt_count == FORK_ATTEMPTS_MAX)
		return ERR_LIMIT;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	err = fork_copy(uri, &a->uri);
	if (err) {
		free(a);
		return err;
	}
	a->fork = fork;
	a->hop = hop_at;
	a->q_thousandths = 1000;
	fork->attempts[fork->attempt_count++] = a;
	*ret_attempt = a;
	return 0;
}

static void next_index(struct fork_hop *hop, char out[FORK_INDEX_MAX + 1])
{
	char parent[FORK_INDEX_MAX +
		    1]; /* both hops stand in one table, and snprintf may not overlap */

	memcpy(parent, hop->index, sizeof(parent));
	snprintf(out, FORK_INDEX_MAX + 1, "%.*s.%u", FORK_INDEX_MAX - 4, parent, ++hop->children);
}

/* What was called by sips: goes to nothing less (RFC 5630 5.3). */
static bool keeps_sips(struct fork *fork, uint8_t hop_at, const struct sip_uri *uri)
{
	if (!fork->is_sips || uri->scheme == SIP_SCHEME_SIPS)
		return true;
	fork->hops[hop_at].warning = SIP_WARN_SIPS_NOT_ALLOWED;
	return false;
}

/* What sip_call_new takes: a number goes to the outbound proxy as user=phone (RFC 3261 19.1.6). */
static int add_plain(struct fork *fork, uint8_t hop_at, const struct sip_uri *uri)
{
	const char *proxy_text = fork->focus->config->sip_outbound_proxy;
	struct slice route = slice_of(proxy_text);
	char number[FORWARD_USER_MAX + 1];
	struct buf text = BUF_INIT;
	struct trunk_view trunk;
	struct fork_attempt *a;
	struct sip_uri proxy = {0};
	int err;

	if (!keeps_sips(fork, hop_at, uri))
		return 0;
	if (uri->scheme != SIP_SCHEME_TEL) {
		buf_addslice(&text, uri->text);
	} else if (proxy_text[0] && !sip_uri_parse(slice_of(proxy_text), &proxy)) {
		buf_addf(&text, "sip:" SLICE_FMT "@%s" SLICE_FMT "%s;user=phone",
			 SLICE_ARG(fork_number(uri, number)), proxy.is_host_v6 ? "[" : "",
			 SLICE_ARG(proxy.host), proxy.is_host_v6 ? "]" : "");
	}
	if (trunk_find(fork->focus, uri->scheme == SIP_SCHEME_TEL ? &proxy : uri, &trunk) &&
	    trunk.service_route.len)
		route = trunk.service_route;
	err = text.len ? add_attempt(fork, hop_at, buf_slice(&text), &a) : ERR_BAD_TARGET;
	if (!err) {
		err = fork_copy(route, &a->route);
		a->is_hop = true;
		memcpy(a->index, fork->hops[hop_at].index, sizeof(a->index));
	}
	buf_done(&text);
	return err;
}

static void add_binding(struct fork *fork, uint8_t hop_at, const struct binding *b)
{
	bool is_sips = sip_is_sips(slice_of(b->contact));
	struct fork_attempt *a;

	if (is_sips && !b->has_flow && !fork_tls_port(fork->focus)) {
		fork->hops[hop_at].warning = SIP_WARN_SIPS_REQUIRED;
		return;
	}
	if (add_attempt(fork, hop_at, slice_of(b->contact), &a))
		return; /* so many are enough */
	if (fork_copy(slice_of(b->path), &a->route) ||
	    fork_copy(slice_of(b->instance), &a->instance)) {
		fork_set_state(a, FORK_FAILED, 500);
		return;
	}
	a->is_secure = is_sips && !fork->is_sips;
	a->q_thousandths = b->q_thousandths;
	a->has_flow = b->has_flow && !b->path[0];
	a->flow = b->flow;
	next_index(&fork->hops[hop_at], a->index);
}

/* The latest registration first: of several flows of one phone that is the one to use. */
static void add_bindings(struct fork *fork, uint8_t hop_at, const struct location_match *match)
{
	struct binding *b = match->aor ? location_next(match->aor, NULL) : NULL;
	struct binding *all[FORK_ATTEMPTS_MAX];
	uint32_t count = 0;

	for (; b && count < ARRAY_LEN(all); b = location_next(match->aor, b))
		if (location_is_meant(match, b))
			all[count++] = b;
	if (location_lacks_sips(match))
		fork->hops[hop_at].warning = SIP_WARN_SIPS_NOT_ALLOWED;
	while (count > 0)
		add_binding(fork, hop_at, all[--count]);
}

/* Hops ---------------------------------------------------------------------------------------- */

bool fork_is_same_target(struct slice a, struct slice b)
{
	struct sip_uri x, y;

	return !sip_uri_parse(a, &x) && !sip_uri_parse(b, &y) && sip_uri_eq(&x, &y);
}

uint8_t fork_find_hop(const struct fork *fork, struct slice uri)
{
	for (uint8_t i = 0; i < fork->hop_count; i++)
		if (fork_is_same_target(uri, slice_of(fork->hops[i].uri)))
			return i;
	return FORK_NONE;
}

int fork_add_hop(struct fork *fork, const struct fork_hop_make *make)
{
	struct fork_hop *hop = &fork->hops[fork->hop_count];

	if (fork->hop_count == FORK_HOPS_MAX)
		return ERR_LIMIT;
	*hop = (struct fork_hop){.parent = make->parent,
				 .why = (uint8_t)make->why,
				 .q_thousandths = make->q_thousandths};
	if (fork_copy(make->uri, &hop->uri))
		return -ENOMEM;
	if (make->parent == FORK_NONE)
		snprintf(hop->index, sizeof(hop->index), "1");
	else
		next_index(&fork->hops[make->parent], hop->index);
	fork->hop_count++;
	return 0;
}

static void log_loop(const struct fork *fork, uint8_t from, struct slice to)
{
	struct buf chain = BUF_INIT;

	for (uint8_t at = from; at != FORK_NONE; at = fork->hops[at].parent)
		buf_addf(&chain, "%s <- ", fork->hops[at].uri);
	LOG(LOG_WARN, "forward.loop", LOG_SLICE("to", to), LOG_STR("from", chain.p));
	buf_done(&chain);
}

void fork_set_end(struct fork *fork, enum sip_call_end_by by, uint16_t status, const char *text)
{
	fork->end_by = by;
	fork->end_status = status;
	fork->end_warning = 0;
	fork->end_text = text;
}

/* The circle is shown where it closes, and ends the search (S13: 482). */
static void close_circle(struct fork *fork, uint8_t from, struct slice target)
{
	struct fork_attempt *a;

	log_loop(fork, from, target);
	if (!add_attempt(fork, from, target, &a)) {
		next_index(&fork->hops[from], a->index);
		fork_set_state(a, FORK_LOOPED, 482);
	}
	fork_set_end(fork, SIP_END_LOCAL, 482, "forward rules lead round in a circle");
	for (uint8_t i = 0; i < fork->hop_count; i++)
		fork->hops[i].is_called = true;
}

void fork_forward(struct fork *fork, uint8_t from, enum forward_cause cause)
{
	static const enum fork_why whys[FORWARD_CAUSE_COUNT] = {FORK_UNCONDITIONAL, FORK_BUSY,
								FORK_NO_ANSWER, FORK_UNREACHABLE};
	struct slice target = slice_of(fork->hops[from].rule->targets[cause]);
	int err;

	if (fork_find_hop(fork, target) != FORK_NONE ||
	    (fork->own && fork_is_same_target(target, slice_of(fork->own)))) {
		close_circle(fork, from, target);
		return;
	}
	err = fork_add_hop(fork,
			   &(struct fork_hop_make){.uri = target,
						   .parent = from,
						   .why = whys[cause],
						   .q_thousandths = UINT16_MAX}); /* the next */
	LOG(LOG_INFO, "call.forwarded", LOG_STR("from", fork->hops[from].uri),
	    LOG_SLICE("to", target), LOG_STR("cause", forward_cause_name(cause)),
	    err ? LOG_STR("error", err_text(err)) : LOG_END);
}

static bool user_may_dial_out(const struct focus *focus, struct slice name)
{
	const struct user *user = users_find_alias(focus->users, name);
	struct user_view view = {0};

	if (user)
		user_view(user, &view);
	return view.may_dial_out;
}

static int keep_rule(struct fork *fork, struct fork_hop *hop, struct slice user)
{
	const struct forward_rule *rule = focus_forward_find(fork->focus, user);

	if (!rule)
		return 0;
	hop->rule = malloc(sizeof(*hop->rule));
	if (!hop->rule)
		return -ENOMEM;
	*hop->rule = *rule;
	return 0;
}

bool fork_has_rule(const struct fork_hop *hop, enum forward_cause cause)
{
	return hop->rule && cause < FORWARD_CAUSE_COUNT && hop->rule->targets[cause][0];
}

/* A name that is no user's may be a room's, here or where we are not asked: it is called as it is.
 */
static int expand_own(struct fork *fork, uint8_t at, const struct sip_uri *uri)
{
	struct focus *focus = fork->focus;
	struct fork_hop *hop = &fork->hops[at];
	char number[FORWARD_USER_MAX + 1];
	struct location_match match = {0};
	int err;

	if (uri->scheme == SIP_SCHEME_TEL) {
		match.user = fork_number(uri, number);
		match.aor = location_find(focus->location, match.user);
	} else if (location_match(focus->location, uri, &match)) {
		return add_plain(fork, at, uri);
	}
	match.is_sips = match.is_sips || fork->is_sips;
	match.user = registrar_name(focus, match.user);
	hop->may_dial_out = user_may_dial_out(focus, match.user);
	if (!match.aor && !match.is_gruu)
		match.aor = location_find(focus->location, match.user);
	err = keep_rule(fork, hop, match.user);
	if (err || fork_has_rule(hop, FORWARD_UNCONDITIONAL))
		return err;
	add_bindings(fork, at, &match);
	if (match.aor || match.is_gruu || hop->rule || registrar_knows(focus, match.user))
		return 0;
	return add_plain(fork, at, uri);
}

int fork_expand(struct fork *fork, uint8_t at)
{
	struct sip_uri uri;
	int err = sip_uri_parse(slice_of(fork->hops[at].uri), &uri);

	if (err)
		return ERR_BAD_TARGET;
	if (fork_is_own(fork->focus, &uri))
		return expand_own(fork, at, &uri);
	fork->hops[at].may_dial_out = fork_costs(fork->focus, &uri); /* as it does already */
	return add_plain(fork, at, &uri);
}
