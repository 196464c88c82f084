#include "sip/guard.h"

#include <errno.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/prefix.h"

enum {
	TOKEN = 1000,   /* buckets count in thousandths */
	SPARE_LOOK = 8, /* of those unheard for longest, so many are looked at for one not locked */
	LOCK_SHIFT_MAX = 16
};

struct bucket {
	uint64_t tokens; /* thousandths */
	uint64_t at_ms;
};

struct peer {
	struct hash_node node;
	struct list order; /* guard->peers, unheard for longest first */
	struct prefix prefix;
	struct bucket buckets[SIP_GUARD_CLASSES];
	uint64_t failed_ms, locked_until_ms, told_ms;
	uint32_t failures, locks, suppressed;
	bool is_locked, has_told;
};

enum action { ALLOW, DENY, DROP };

struct rule {
	struct prefix prefix;
	enum action action;
};

struct rule_list {
	struct rule *rules;
	uint32_t count;
};

/* What of struct sip_guard_rules has been read. */
struct policy {
	struct rule_list acl, trusted, unlimited;
	char *names;                  /* TLS names, each with a NUL, an empty one at the end */
	char *scanners;               /* the comma list */
	struct sip_guard_rules plain; /* the numbers; its texts are not ours */
};

struct sip_guard {
	struct clock clock;
	struct sip_net net;
	uint32_t peers_max;
	sip_guard_fn *on_refused;
	void *arg;
	struct policy policy;
	struct hash *by_prefix;
	struct list peers;
	struct bucket all;
	struct sip_guard_stats stats;
};

static bool peer_is(const struct hash_node *node, const void *key)
{
	return prefix_eq(&CONTAINER_OF(node, const struct peer, node)->prefix, key);
}

const char *sip_guard_cause_name(enum sip_guard_cause cause)
{
	static const char *const names[SIP_GUARD_CAUSES] = {
		[SIP_GUARD_DENIED] = "denied",     [SIP_GUARD_DROPPED] = "dropped",
		[SIP_GUARD_SCANNER] = "scanner",   [SIP_GUARD_RATE] = "rate",
		[SIP_GUARD_OVERLOAD] = "overload", [SIP_GUARD_WRONG_AUTH] = "wrong_credentials",
		[SIP_GUARD_LOCKED] = "locked",
	};

	return names[cause];
}

/* Rules
 * -------------------------------------------------------------------------------------------------
 */

static void policy_done(struct policy *policy)
{
	free(policy->acl.rules);
	free(policy->trusted.rules);
	free(policy->unlimited.rules);
	free(policy->names);
	free(policy->scanners);
	*policy = (struct policy){0};
}

static bool next_item(struct slice *rest, struct slice *ret_item)
{
	while (rest->len > 0) {
		size_t comma = slice_find(*rest, ',');

		*ret_item = slice_trim(slice_first(*rest, comma));
		*rest = slice_from(*rest, comma + 1);
		if (ret_item->len > 0)
			return true;
	}
	return false;
}

static int add_rule(struct rule_list *list, struct slice prefix, enum action action)
{
	struct rule rule = {.action = action};
	struct rule *grown;

	if (list->count == SIP_GUARD_RULES_MAX)
		return ERR_LIMIT;
	if (prefix_parse(prefix, &rule.prefix))
		return -EINVAL;
	grown = realloc(list->rules, (list->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	list->rules = grown;
	list->rules[list->count++] = rule;
	return 0;
}

static int read_acl_item(struct policy *policy, struct slice item)
{
	static const struct {
		const char *word;
		enum action action;
	} words[] = {{"allow", ALLOW}, {"deny", DENY}, {"drop", DROP}};
	size_t colon = slice_find(item, ':');

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (slice_iis(slice_first(item, colon), words[i].word))
			return add_rule(&policy->acl, slice_from(item, colon + 1), words[i].action);
	}
	return -EINVAL;
}

static int read_trusted_item(struct policy *policy, struct slice item, struct buf *names)
{
	static const struct slice tls = {"tls:", 4};

	if (!slice_istarts(item, tls))
		return add_rule(&policy->trusted, item, ALLOW);
	if (item.len == tls.len)
		return -EINVAL;
	buf_addslice(names, slice_from(item, tls.len));
	buf_addc(names, '\0');
	return buf_err(names);
}

static int read_lists(struct policy *policy, const struct sip_guard_rules *rules,
		      struct slice *ret_item)
{
	struct slice rest = slice_of(rules->acl);
	struct buf names = BUF_INIT;
	int err = 0;

	while (!err && next_item(&rest, ret_item))
		err = read_acl_item(policy, *ret_item);
	rest = slice_of(err ? NULL : rules->trusted);
	while (!err && next_item(&rest, ret_item))
		err = read_trusted_item(policy, *ret_item, &names);
	rest = slice_of(err ? NULL : rules->unlimited);
	while (!err && next_item(&rest, ret_item))
		err = add_rule(&policy->unlimited, *ret_item, ALLOW);
	buf_addc(&names, '\0');
	if (!err)
		err = buf_err(&names);
	if (!err)
		policy->names = buf_take(&names);
	buf_done(&names);
	return err;
}

int sip_guard_set_rules(struct sip_guard *guard, const struct sip_guard_rules *rules,
			struct slice *ret_item)
{
	struct policy policy = {.plain = *rules};
	int err = read_lists(&policy, rules, ret_item);

	if (!err) {
		policy.scanners = slice_dup(slice_of(rules->scanners ? rules->scanners : ""));
		err = policy.scanners ? 0 : -ENOMEM;
	}
	if (err) {
		policy_done(&policy);
		return err;
	}
	if (!policy.plain.burst_s)
		policy.plain.burst_s = 1;
	policy_done(&guard->policy);
	guard->policy = policy;
	return 0;
}

static const struct rule *find_rule(const struct rule_list *list, const struct addr *addr)
{
	for (uint32_t i = 0; i < list->count; i++) {
		if (prefix_has(&list->rules[i].prefix, addr))
			return &list->rules[i];
	}
	return NULL;
}

static bool has_trusted_name(const struct sip_guard *guard, const struct sip_flow *flow)
{
	const char *name = guard->policy.names;

	if (!name || !guard->net.ops || !guard->net.ops->peer_has_name || !flow->connection)
		return false;
	for (; *name; name += strlen(name) + 1) {
		if (guard->net.ops->peer_has_name(guard->net.ctx, flow, slice_of(name)))
			return true;
	}
	return false;
}

bool sip_guard_is_trusted(const struct sip_guard *guard, const struct sip_flow *flow)
{
	return find_rule(&guard->policy.trusted, &flow->remote) || has_trusted_name(guard, flow);
}

/* Peers
 * -------------------------------------------------------------------------------------------------
 */

int sip_guard_new(const struct sip_guard_params *params, struct sip_guard **ret_guard)
{
	struct sip_guard *guard = calloc(1, sizeof(*guard));

	if (!guard)
		return -ENOMEM;
	guard->clock = params->clock;
	guard->net = params->net;
	guard->peers_max = params->peers_max ? params->peers_max : SIP_GUARD_PEERS_MAX;
	guard->on_refused = params->on_refused;
	guard->arg = params->arg;
	list_init(&guard->peers);
	if (hash_new(peer_is, &guard->by_prefix)) {
		free(guard);
		return -ENOMEM;
	}
	*ret_guard = guard;
	return 0;
}

static void forget(struct sip_guard *guard, struct peer *peer)
{
	hash_remove(guard->by_prefix, &peer->node);
	list_remove(&peer->order);
	guard->stats.peers--;
	guard->stats.locked -= peer->is_locked;
	free(peer);
}

struct sip_guard *sip_guard_free(struct sip_guard *guard)
{
	if (!guard)
		return NULL;
	while (!list_empty(&guard->peers))
		forget(guard, LIST_ENTRY(guard->peers.next, struct peer, order));
	hash_free(guard->by_prefix);
	policy_done(&guard->policy);
	free(guard);
	return NULL;
}

const struct sip_guard_stats *sip_guard_stats(const struct sip_guard *guard)
{
	return &guard->stats;
}

static uint64_t now_of(const struct sip_guard *guard)
{
	return clock_mono_ms(&guard->clock);
}

static struct peer *find(const struct sip_guard *guard, const struct sip_flow *flow)
{
	struct prefix prefix = prefix_of_peer(&flow->remote);
	struct hash_node *node = hash_find(guard->by_prefix, prefix_hash(&prefix), &prefix);

	return node ? CONTAINER_OF(node, struct peer, node) : NULL;
}

/* Of the few that were unheard for longest the first that is not locked. */
static void make_room(struct sip_guard *guard)
{
	struct peer *victim = LIST_ENTRY(guard->peers.next, struct peer, order);
	unsigned looked = 0;
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &guard->peers) {
		struct peer *peer = LIST_ENTRY(it, struct peer, order);

		if (looked++ == SPARE_LOOK)
			break;
		if (peer->locked_until_ms <= now_of(guard)) {
			victim = peer;
			break;
		}
	}
	guard->stats.forgotten++;
	forget(guard, victim);
}

static uint64_t full(const struct sip_guard *guard, uint32_t per_second)
{
	return (uint64_t)per_second * guard->policy.plain.burst_s * TOKEN;
}

/* NULL when out of memory: then it has no limit, as calls go before limits. */
static struct peer *peer_of(struct sip_guard *guard, const struct sip_flow *flow)
{
	struct peer *peer = find(guard, flow);

	if (peer) {
		list_remove(&peer->order);
		list_append(&guard->peers, &peer->order);
		return peer;
	}
	if (guard->stats.peers >= guard->peers_max)
		make_room(guard);
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return NULL;
	peer->prefix = prefix_of_peer(&flow->remote);
	for (int i = 0; i < SIP_GUARD_CLASSES; i++)
		peer->buckets[i] = (struct bucket){full(guard, guard->policy.plain.per_second[i]),
						   now_of(guard)};
	hash_add(guard->by_prefix, &peer->node, prefix_hash(&peer->prefix));
	list_append(&guard->peers, &peer->order);
	guard->stats.peers++;
	return peer;
}

/* Takes one token. False: none is left, and the next comes in *ret_wait_ms. */
static bool take(const struct sip_guard *guard, struct bucket *bucket, uint32_t per_second,
		 uint64_t *ret_wait_ms)
{
	uint64_t now_ms = now_of(guard), elapsed_ms = now_ms - bucket->at_ms;
	uint64_t most = full(guard, per_second);

	if (per_second == 0)
		return true;
	/* One token is TOKEN thousandths, and per_second of them take 1,000 ms. */
	if (elapsed_ms > most / per_second)
		bucket->tokens = most;
	else
		bucket->tokens = MIN_OF(bucket->tokens + elapsed_ms * per_second, most);
	bucket->at_ms = now_ms;
	if (bucket->tokens < TOKEN) {
		*ret_wait_ms = (TOKEN - bucket->tokens + per_second - 1) / per_second;
		return false;
	}
	bucket->tokens -= TOKEN;
	return true;
}

/* Asking
 * ------------------------------------------------------------------------------------------------
 */

static void tell(struct sip_guard *guard, struct peer *peer, struct sip_guard_event *event)
{
	uint64_t now_ms = now_of(guard);

	guard->stats.refused[event->cause]++;
	if (!guard->on_refused)
		return;
	/* Each wrong password is told: that is what fail2ban counts. */
	if (peer && event->cause < SIP_GUARD_WRONG_AUTH) {
		if (peer->has_told && now_ms - peer->told_ms < SIP_GUARD_TELL_MS) {
			peer->suppressed++;
			return;
		}
		event->suppressed = peer->suppressed;
		peer->suppressed = 0;
		peer->told_ms = now_ms;
		peer->has_told = true;
	}
	guard->on_refused(guard->arg, event);
}

static bool contains(struct slice text, struct slice part)
{
	for (; text.len >= part.len; text = slice_from(text, 1)) {
		if (slice_istarts(text, part))
			return true;
		if (text.len == 0)
			break;
	}
	return false;
}

/* The tools that search the net for numbers to call at others' cost. Their names change, but few
 * who run them change these: the User-Agent, and the caller 100@1.1.1.1 of SIPVicious. */
static bool is_scanner(const struct sip_guard *guard, const struct sip_msg *request)
{
	struct slice rest = slice_of(guard->policy.scanners), item, agent;
	struct sip_addr from;

	if (rest.len == 0)
		return false;
	agent = sip_msg_value(request, SIP_H_USER_AGENT);
	while (agent.len > 0 && next_item(&rest, &item)) {
		if (contains(agent, item))
			return true;
	}
	return sip_msg_addr(request, SIP_H_FROM, &from) == 0 &&
	       (slice_is(from.uri.host, "1.1.1.1") || slice_iis(from.display, "sipvicious"));
}

static enum sip_guard_class class_of(const struct sip_msg *request)
{
	if (request->method == SIP_METHOD_INVITE)
		return SIP_GUARD_INVITE;
	return request->method == SIP_METHOD_REGISTER ? SIP_GUARD_REGISTER : SIP_GUARD_OTHER;
}

static enum sip_guard_verdict ask_rates(struct sip_guard *guard, struct peer *peer,
					struct sip_guard_event *event, uint32_t *ret_retry_s)
{
	const struct sip_guard_rules *plain = &guard->policy.plain;
	enum sip_guard_class which = class_of(event->request);
	uint64_t wait_ms = 0;

	if (!peer || find_rule(&guard->policy.unlimited, &event->flow->remote))
		return SIP_GUARD_PASS;
	if (!take(guard, &peer->buckets[which], plain->per_second[which], &wait_ms))
		event->cause = SIP_GUARD_RATE;
	else if (!take(guard, &guard->all, plain->per_second_in_all, &wait_ms))
		event->cause = SIP_GUARD_OVERLOAD;
	else
		return SIP_GUARD_PASS;
	tell(guard, peer, event);
	*ret_retry_s = (uint32_t)((wait_ms + 999) / 1000);
	return SIP_GUARD_REFUSE;
}

enum sip_guard_verdict sip_guard_ask(struct sip_guard *guard, const struct sip_flow *flow,
				     const struct sip_msg *request, uint32_t *ret_retry_s)
{
	const struct rule *rule = find_rule(&guard->policy.acl, &flow->remote);
	struct sip_guard_event event = {.flow = flow, .request = request};
	struct peer *peer;

	guard->stats.asked++;
	if (sip_guard_is_trusted(guard, flow))
		return SIP_GUARD_PASS;
	peer = peer_of(guard, flow);
	if (rule && rule->action != ALLOW) {
		event.cause = rule->action == DENY ? SIP_GUARD_DENIED : SIP_GUARD_DROPPED;
		tell(guard, peer, &event);
		return rule->action == DENY ? SIP_GUARD_DENY : SIP_GUARD_SILENCE;
	}
	if (guard->policy.scanners && is_scanner(guard, request)) {
		event.cause = SIP_GUARD_SCANNER;
		tell(guard, peer, &event);
		return SIP_GUARD_SILENCE;
	}
	return ask_rates(guard, peer, &event, ret_retry_s);
}

/* Wrong credentials
 * --------------------------------------------------------------------------------------------- */

static void lock(struct sip_guard *guard, struct peer *peer)
{
	const struct sip_guard_rules *plain = &guard->policy.plain;
	uint64_t length_s = (uint64_t)plain->lock_s << MIN_OF(peer->locks, LOCK_SHIFT_MAX);

	peer->locked_until_ms = now_of(guard) + MIN_OF(length_s, plain->lock_s_max) * 1000;
	peer->locks++;
	peer->failures = 0;
	guard->stats.locked += !peer->is_locked;
	peer->is_locked = true;
}

void sip_guard_failed(struct sip_guard *guard, const struct sip_flow *flow,
		      const struct sip_msg *request)
{
	struct sip_guard_event event = {SIP_GUARD_WRONG_AUTH, flow, request, 0};
	struct peer *peer = peer_of(guard, flow);
	uint32_t failures_max = guard->policy.plain.failures_max;

	tell(guard, peer, &event);
	if (!peer || !failures_max)
		return;
	if (now_of(guard) - peer->failed_ms >= SIP_GUARD_FORGET_MS &&
	    peer->locked_until_ms + SIP_GUARD_FORGET_MS <= now_of(guard))
		peer->failures = peer->locks = 0;
	peer->failed_ms = now_of(guard);
	if (++peer->failures < failures_max)
		return;
	lock(guard, peer);
	event.cause = SIP_GUARD_LOCKED;
	tell(guard, peer, &event);
}

static void unlock(struct sip_guard *guard, struct peer *peer)
{
	guard->stats.locked -= peer->is_locked;
	peer->is_locked = false;
}

void sip_guard_succeeded(struct sip_guard *guard, const struct sip_flow *flow)
{
	struct peer *peer = find(guard, flow);

	if (!peer)
		return;
	unlock(guard, peer);
	peer->failures = peer->locks = 0;
	peer->locked_until_ms = 0;
}

uint32_t sip_guard_locked_s(const struct sip_guard *guard, const struct sip_flow *flow)
{
	const struct peer *peer = find(guard, flow);
	uint64_t now_ms = now_of(guard);

	if (!peer || peer->locked_until_ms <= now_ms)
		return 0;
	return (uint32_t)((peer->locked_until_ms - now_ms + 999) / 1000);
}
