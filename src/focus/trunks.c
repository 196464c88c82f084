/* focus/trunks.c */
#include "focus/trunks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/log.h"
#include "focus/focus_priv.h"
#include "focus/own_keys.h"
#include "focus/text.h"
#include "sip/cursor.h"
#include "sip/request.h"

enum {
	CALL_ID_CHARS = 26,
	MS_PER_S = 1000,
	SERVICE_ROUTE_MAX = 2048,
	FAILURES_MAX = 16,
	RETRY_AFTER_MAX_S = 86400,
	FLOW_TIMER_S = 120,
	FLOW_TIMER_MIN_S = 10, /* a shorter one is no reason to flood */
	FLOW_TIMER_MAX_S = 86400,
	FLOW_WATCH_MS = 2000
};

struct trunk {
	struct list node;
	struct focus *focus;
	char item[TRUNK_TEXT_MAX + 1]; /* as it stands in the list */
	char aor[TRUNK_TEXT_MAX + 1], registrar[TRUNK_TEXT_MAX + 1], proxy[TRUNK_TEXT_MAX + 1];
	char user[TRUNK_TEXT_MAX + 1], host[TRUNK_TEXT_MAX + 1];
	char call_id[CALL_ID_CHARS + 1];
	uint16_t port; /* 0: none given */
	uint32_t cseq, expires_s;
	bool is_leaving, was_too_brief, is_marked;
	bool may_keep_flow; /* by a stream, and nobody on the way has refused it (RFC 5626 6) */
	bool has_flow;      /* the registrar meets us on `flow` and nowhere else */
	struct sip_flow flow;
	struct timer watch; /* whether that lives */
	struct sip_request *request;
	struct timer timer; /* the next REGISTER */
	uint32_t failures;  /* in a row */
	enum trunk_state state;
	uint16_t status;
	char reason[TRUNK_TEXT_MAX + 1];
	char service_route[SERVICE_ROUTE_MAX + 1];
	uint64_t expires_wall_ms, next_try_wall_ms;
};

struct trunks {
	struct list list;
	bool is_drained;
	struct trunks_stats stats;
};

/* The list ------------------------------------------------------------------------------------ */

bool trunk_item_parse(struct slice item, struct trunk_item *ret_item)
{
	struct slice rest = item, aor = text_word_next(&rest), proxy = text_word_next(&rest);
	struct trunk_item parsed = {.proxy = proxy.len ? proxy : SLICE_NONE};
	struct sip_uri uri;

	if (item.len > TRUNK_TEXT_MAX || text_word_next(&rest).len ||
	    sip_uri_parse(aor, &parsed.aor) || !sip_uri_is_sip(&parsed.aor) ||
	    !parsed.aor.user.len || slice_present(parsed.aor.headers))
		return false;
	if (proxy.len && (sip_uri_parse(proxy, &uri) || !sip_uri_is_sip(&uri)))
		return false;
	*ret_item = parsed;
	return true;
}

const char *trunk_state_name(enum trunk_state state)
{
	static const char *const names[TRUNK_STATE_COUNT] = {"registering", "registered", "failed"};

	return names[state];
}

/* REGISTER ------------------------------------------------------------------------------------ */

static void send_register(struct trunk *trunk);

static void free_trunk(struct trunk *trunk)
{
	timer_stop(trunk->focus->wheel, &trunk->timer);
	timer_stop(trunk->focus->wheel, &trunk->watch);
	sip_request_cancel(trunk->request);
	list_remove(&trunk->node);
	free(trunk);
}

static void plan(struct trunk *trunk, uint32_t seconds)
{
	trunk->next_try_wall_ms = clock_wall_ms(&trunk->focus->clock) +
				  (uint64_t)seconds * MS_PER_S;
	timer_start(trunk->focus->wheel, &trunk->timer, (uint64_t)seconds * MS_PER_S);
}

/* RFC 5626 4.5: half of the time that doubles with each failure, and as much again by chance, so
 * that not all come back at once. */
static uint32_t wait_s(struct trunk *trunk, const struct sip_msg *response)
{
	uint32_t most = TRUNK_RETRY_S, after = 0;
	struct cursor text;

	for (uint32_t i = 1; i < trunk->failures && most < TRUNK_RETRY_MAX_S; i++)
		most *= 2;
	if (most > TRUNK_RETRY_MAX_S)
		most = TRUNK_RETRY_MAX_S;
	if (response) {
		text = cursor_of(sip_msg_value(response, SIP_H_RETRY_AFTER));
		(void)slice_u32(cursor_span(&text, CHAR_DIGIT), RETRY_AFTER_MAX_S, &after);
	}
	most = most / 2 + random_below(trunk->focus->random, most / 2 + 1);
	return after > most ? after : most;
}

static void let_flow_go(struct trunk *trunk)
{
	trunk->has_flow = false;
	timer_stop(trunk->focus->wheel, &trunk->watch);
}

static void failed(struct trunk *trunk, const struct sip_msg *response, int err)
{
	bool was_good = trunk->state == TRUNK_REGISTERED || trunk->failures == 0;
	uint32_t seconds;

	trunk->state = TRUNK_FAILED;
	let_flow_go(trunk);
	trunk->status = response ? response->status : 0;
	text_utf8(response ? response->reason : slice_of(err_text(err)), trunk->reason,
		  sizeof(trunk->reason));
	trunk->expires_wall_ms = 0;
	if (trunk->failures < FAILURES_MAX)
		trunk->failures++;
	seconds = wait_s(trunk, response);
	LOG(was_good ? LOG_WARN : LOG_INFO, "trunk.failed", LOG_STR("aor", trunk->aor),
	    LOG_INT("status", trunk->status), LOG_STR("reason", trunk->reason),
	    LOG_INT("next_try_s", seconds));
	plan(trunk, seconds);
}

/* The time of our Contact (10.3 step 8), of all that there are; else of Expires; else what we asked
 * for. 0: ours is not among them. */
static uint32_t granted(const struct trunk *trunk, const struct sip_msg *response)
{
	uint32_t expires_s = trunk->expires_s, own;
	struct sip_list_walk walk = {0};
	struct slice element, text;
	struct sip_addr contact;
	uint32_t least = 0;

	(void)slice_u32(sip_msg_value(response, SIP_H_EXPIRES), UINT32_MAX, &expires_s);
	while (sip_list_next(response, SIP_H_CONTACT, &walk, &element)) {
		if (sip_addr_parse(element, &contact) || !slice_is(contact.uri.user, trunk->user))
			continue;
		own = expires_s;
		if (sip_param(contact.params, "expires", &text))
			(void)slice_u32(text, UINT32_MAX, &own);
		if (own && (!least || own < least))
			least = own;
	}
	return least;
}

static void keep_service_route(struct trunk *trunk, const struct sip_msg *response)
{
	struct sip_list_walk walk = {0};
	struct slice element;
	size_t used = 0;

	trunk->service_route[0] = '\0';
	while (sip_list_next(response, SIP_H_SERVICE_ROUTE, &walk, &element)) {
		struct sip_addr hop;

		if (sip_addr_parse(element, &hop) || element.p[0] != '<' ||
		    used + element.len + 2 > SERVICE_ROUTE_MAX)
			continue;
		used += (size_t)snprintf(trunk->service_route + used, SERVICE_ROUTE_MAX + 1 - used,
					 "%s" SLICE_FMT, used ? ", " : "", SLICE_ARG(element));
	}
}

/* Pings come after 80 to 100 % of what the registrar says, or of two minutes (RFC 5626 4.4, 4.4.1).
 */
static uint32_t ping_ms(const struct trunk *trunk, const struct sip_msg *response)
{
	uint32_t timer_s = FLOW_TIMER_S, all_ms;

	(void)slice_u32(sip_msg_value(response, SIP_H_FLOW_TIMER), FLOW_TIMER_MAX_S, &timer_s);
	all_ms = (timer_s < FLOW_TIMER_MIN_S ? FLOW_TIMER_MIN_S : timer_s) * MS_PER_S;
	return all_ms - random_below(trunk->focus->random, all_ms / 5 + 1);
}

/* RFC 5626 4.2.1, 4.4: the registrar does outbound when it says so; then the flow is all there is.
 */
static void keep_flow(struct trunk *trunk, const struct sip_msg *response,
		      const struct sip_flow *flow)
{
	const struct sip_net *net = &trunk->focus->net;

	trunk->has_flow = trunk->may_keep_flow && flow->connection && net->ops &&
			  net->ops->is_open && sip_list_has(response, SIP_H_REQUIRE, "outbound");
	if (!trunk->has_flow) {
		let_flow_go(trunk);
		return;
	}
	trunk->flow = *flow;
	if (net->ops->keep)
		net->ops->keep(net->ctx, flow->connection, ping_ms(trunk, response));
	timer_start(trunk->focus->wheel, &trunk->watch, FLOW_WATCH_MS);
}

static void on_watch(void *arg)
{
	struct trunk *trunk = arg;
	const struct sip_net *net = &trunk->focus->net;

	if (net->ops->is_open(net->ctx, trunk->flow.connection)) {
		timer_start(trunk->focus->wheel, &trunk->watch, FLOW_WATCH_MS);
		return;
	}
	if (trunk->request) { /* which will find another, or fail */
		let_flow_go(trunk);
		return;
	}
	failed(trunk, NULL, ERR_SIP_TRANSPORT);
}

static void succeeded(struct trunk *trunk, const struct sip_msg *response)
{
	uint32_t seconds = granted(trunk, response), early;

	if (!seconds) { /* it says yes and has nothing of ours */
		failed(trunk, NULL, ERR_STATE);
		return;
	}
	if (trunk->state != TRUNK_REGISTERED)
		LOG(LOG_INFO, "trunk.registered", LOG_STR("aor", trunk->aor),
		    LOG_INT("expires_s", seconds));
	trunk->state = TRUNK_REGISTERED;
	trunk->status = response->status;
	trunk->reason[0] = '\0';
	trunk->failures = 0;
	trunk->was_too_brief = false;
	trunk->expires_wall_ms = clock_wall_ms(&trunk->focus->clock) + (uint64_t)seconds * MS_PER_S;
	keep_service_route(trunk, response);
	early = seconds / 2 < TRUNK_EARLY_S ? seconds / 2 : TRUNK_EARLY_S;
	plan(trunk, seconds - early > 0 ? seconds - early : 1);
}

/* 423 says what would not be too brief (10.2.8); twice is enough. */
static bool may_ask_longer(struct trunk *trunk, const struct sip_msg *response)
{
	uint32_t min_s;

	if (response->status != 423 || trunk->was_too_brief ||
	    slice_u32(sip_msg_value(response, SIP_H_MIN_EXPIRES), UINT32_MAX, &min_s) ||
	    min_s <= trunk->expires_s)
		return false;
	trunk->was_too_brief = true;
	trunk->expires_s = min_s;
	return true;
}

/* 439: a proxy on the way keeps no flows (RFC 5626 6, 11.6). */
static bool may_do_without(struct trunk *trunk, const struct sip_msg *response)
{
	if (response->status != 439 || !trunk->may_keep_flow)
		return false;
	trunk->may_keep_flow = false;
	return true;
}

static void on_reply(void *arg, const struct sip_msg *response, int err)
{
	struct trunk *trunk = arg;
	struct trunks_stats *stats = &trunk->focus->trunks->stats;
	bool is_good = response && response->status < 300;

	trunk->cseq = sip_request_cseq(trunk->request);
	if (is_good && !trunk->is_leaving)
		keep_flow(trunk, response, sip_request_flow(trunk->request));
	trunk->request = NULL;
	if (is_good)
		stats->registered++;
	else if (response)
		stats->refused++;
	else
		stats->unanswered++;
	if (trunk->is_leaving)
		free_trunk(trunk);
	else if (is_good)
		succeeded(trunk, response);
	else if (response && (may_ask_longer(trunk, response) || may_do_without(trunk, response)))
		send_register(trunk);
	else
		failed(trunk, response, err);
}

static void send_register(struct trunk *trunk)
{
	char headers[96], address[TRUNK_TEXT_MAX + 3], contact[96] = "";
	int err;

	timer_stop(trunk->focus->wheel, &trunk->timer);
	trunk->next_try_wall_ms = 0;
	if (trunk->state != TRUNK_REGISTERED)
		trunk->state = TRUNK_REGISTERING;
	snprintf(headers, sizeof(headers), "Expires: %u\r\nSupported: path%s\r\n",
		 trunk->is_leaving ? 0 : trunk->expires_s,
		 trunk->may_keep_flow ? ", outbound" : "");
	if (trunk->may_keep_flow) {
		own_keys_keep(trunk->focus); /* RFC 5626 4.1: the same after a restart */
		snprintf(contact, sizeof(contact), "+sip.instance=\"<%s>\";reg-id=1",
			 trunk->focus->keys.instance);
	}
	snprintf(address, sizeof(address), "<%s>", trunk->aor);
	err = sip_ua_request(trunk->focus->ua,
			     &(struct sip_request_params){
				     .method = "REGISTER",
				     .target = slice_of(trunk->registrar),
				     .to = slice_of(address),
				     .from = slice_of(address),
				     .route = trunk->proxy[0] ? slice_of(trunk->proxy) : SLICE_NONE,
				     .headers = headers,
				     .has_contact = true,
				     .contact_user = slice_of(trunk->user),
				     .contact_params = contact,
				     .call_id = slice_of(trunk->call_id),
				     .cseq = trunk->cseq + 1,
				     .on_reply = on_reply,
				     .arg = trunk,
			     },
			     &trunk->request);
	if (err && trunk->is_leaving)
		free_trunk(trunk);
	else if (err)
		failed(trunk, NULL, err);
}

static void on_timer(void *arg)
{
	send_register(arg);
}

/* Life ---------------------------------------------------------------------------------------- */

static void copy_part(struct slice part, char out[TRUNK_TEXT_MAX + 1])
{
	(void)slice_cstr(part, out, TRUNK_TEXT_MAX + 1);
}

/* The registrar is what the address of record has behind its user (10.2). */
static void set_registrar(struct trunk *trunk, const struct sip_uri *aor)
{
	size_t at = slice_find(aor->text, '@');

	snprintf(trunk->registrar, sizeof(trunk->registrar), "%s:" SLICE_FMT,
		 aor->scheme == SIP_SCHEME_SIPS ? "sips" : "sip",
		 SLICE_ARG(slice_from(aor->text, at + 1)));
}

/* Over UDP a flow would be kept by STUN of ours, which there is none of (RFC 5626 4.4.2). */
static bool goes_by_stream(const char *uri_text)
{
	enum sip_proto proto = SIP_UDP;
	struct slice transport;
	struct sip_uri uri;

	if (sip_uri_parse(slice_of(uri_text), &uri))
		return false;
	if (sip_uri_param(&uri, "transport", &transport))
		(void)sip_proto_parse(transport, &proto);
	return uri.scheme == SIP_SCHEME_SIPS || sip_proto_is_reliable(proto);
}

static struct trunk *add(struct focus *focus, struct slice item, const struct trunk_item *parsed)
{
	struct trunk *trunk = calloc(1, sizeof(*trunk));

	if (!trunk)
		return NULL;
	trunk->focus = focus;
	trunk->expires_s = (uint32_t)focus->config->sip_register_expires_s;
	copy_part(item, trunk->item);
	/* The parameters (a transport) are the registrar's: an address of record has none. */
	copy_part(slice_first(parsed->aor.text, slice_find(parsed->aor.text, ';')), trunk->aor);
	copy_part(parsed->proxy, trunk->proxy);
	copy_part(parsed->aor.user, trunk->user);
	copy_part(parsed->aor.host, trunk->host);
	trunk->port = parsed->aor.port;
	set_registrar(trunk, &parsed->aor);
	trunk->may_keep_flow = goes_by_stream(trunk->proxy[0] ? trunk->proxy : trunk->registrar);
	(void)random_token(focus->random, trunk->call_id, CALL_ID_CHARS);
	timer_init(&trunk->timer, on_timer, trunk);
	timer_init(&trunk->watch, on_watch, trunk);
	list_append(&focus->trunks->list, &trunk->node);
	return trunk;
}

/* What has never been registered just goes. */
static void leave(struct trunk *trunk)
{
	bool was_registered = trunk->state == TRUNK_REGISTERED;

	if (trunk->is_leaving)
		return;
	let_flow_go(trunk);
	trunk->request = sip_request_cancel(trunk->request);
	trunk->cseq += SIP_REQUEST_TRIES_MAX + 1; /* above those of the one that was cancelled */
	trunk->is_leaving = true;
	if (was_registered)
		send_register(trunk);
	else
		free_trunk(trunk);
}

static struct trunk *find_item(struct trunks *trunks, struct slice item)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &trunks->list) {
		struct trunk *trunk = LIST_ENTRY(it, struct trunk, node);

		if (!trunk->is_leaving && slice_is(item, trunk->item))
			return trunk;
	}
	return NULL;
}

void trunks_reload(struct focus *focus)
{
	struct slice rest = slice_of(focus->config->sip_register), item;
	struct trunks *trunks = focus->trunks;
	struct trunk_item parsed;
	struct list *it, *tmp;
	struct trunk *trunk;
	uint32_t count = 0;

	if (trunks->is_drained || !focus->ua)
		return;
	LIST_FOREACH (it, tmp, &trunks->list)
		LIST_ENTRY(it, struct trunk, node)->is_marked = false;
	while (text_list_next(&rest, &item) && count++ < TRUNKS_MAX) {
		trunk = find_item(trunks, item);
		if (!trunk && trunk_item_parse(item, &parsed)) {
			trunk = add(focus, item, &parsed);
			if (trunk) /* from the loop: the transports may not be ready yet */
				timer_start(focus->wheel, &trunk->timer, 0);
		}
		if (trunk)
			trunk->is_marked = true;
	}
	LIST_FOREACH (it, tmp, &trunks->list) {
		trunk = LIST_ENTRY(it, struct trunk, node);
		if (!trunk->is_marked)
			leave(trunk);
	}
}

void trunks_drain(struct focus *focus)
{
	struct list *it, *tmp;

	focus->trunks->is_drained = true;
	LIST_FOREACH (it, tmp, &focus->trunks->list)
		leave(LIST_ENTRY(it, struct trunk, node));
}

int trunks_new(struct focus *focus, struct trunks **ret_trunks)
{
	struct trunks *trunks = calloc(1, sizeof(*trunks));

	(void)focus;
	if (!trunks)
		return -ENOMEM;
	list_init(&trunks->list);
	*ret_trunks = trunks;
	return 0;
}

struct trunks *trunks_free(struct trunks *trunks)
{
	struct list *it, *tmp;

	if (!trunks)
		return NULL;
	LIST_FOREACH (it, tmp, &trunks->list)
		free_trunk(LIST_ENTRY(it, struct trunk, node));
	free(trunks);
	return NULL;
}

/* What others see ----------------------------------------------------------------------------- */

static void view_of(const struct trunk *trunk, struct trunk_view *ret_view)
{
	*ret_view = (struct trunk_view){
		.aor = slice_of(trunk->aor),
		.service_route = slice_of(trunk->service_route),
		.state = trunk->state,
		.has_flow = trunk->has_flow,
		.status = trunk->status,
		.reason = trunk->reason,
		.expires_wall_ms = trunk->expires_wall_ms,
		.next_try_wall_ms = trunk->next_try_wall_ms,
	};
}

bool focus_trunk(const struct focus *focus, uint32_t index, struct trunk_view *ret_view)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &focus->trunks->list) {
		const struct trunk *trunk = LIST_ENTRY(it, struct trunk, node);

		if (!trunk->is_leaving && index-- == 0) {
			view_of(trunk, ret_view);
			return true;
		}
	}
	return false;
}

bool trunk_find(const struct focus *focus, const struct sip_uri *target,
		struct trunk_view *ret_view)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &focus->trunks->list) {
		const struct trunk *trunk = LIST_ENTRY(it, struct trunk, node);

		if (trunk->state == TRUNK_REGISTERED && !trunk->is_leaving &&
		    slice_ieq(target->host, slice_of(trunk->host)) && target->port == trunk->port) {
			view_of(trunk, ret_view);
			return true;
		}
	}
	return false;
}

bool trunks_place(const struct focus *focus, uint32_t at, struct sip_uri *ret_uri)
{
	const struct list *it, *list = &focus->trunks->list;

	for (it = list->next; it != list; it = it->next) {
		const struct trunk *trunk = LIST_ENTRY(it, const struct trunk, node);
		const char *texts[] = {trunk->aor, trunk->proxy};

		for (size_t i = 0; i < ARRAY_LEN(texts); i++)
			if (!sip_uri_parse(slice_of(texts[i]), ret_uri) && at-- == 0)
				return true;
	}
	return false;
}

const struct trunks_stats *focus_trunks_stats(const struct focus *focus)
{
	return &focus->trunks->stats;
}
