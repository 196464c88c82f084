/* focus/registrar.c -- check, plan, apply, answer: nothing is changed before all of it is known to
 * be good, so that a refused request leaves no trace (RFC 3261 10.3, step 7). */
#include "focus/registrar.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/log.h"
#include "focus/admission.h"
#include "focus/focus_priv.h"
#include "focus/fork_priv.h"
#include "focus/gate.h"
#include "focus/own_keys.h"
#include "focus/status.h"
#include "focus/text.h"
#include "focus/watched.h"
#include "sip/sips.h"

enum { MS_PER_S = 1000, SECONDS_MAX = INT32_MAX };
#define REGISTRAR_ITEMS "binding" /* in the store */

/* One Contact, as it is asked for. */
struct wish {
	struct sip_addr contact;
	struct slice instance; /* "urn:uuid:...", absent: none */
	uint32_t reg_id;
	uint32_t expires_s;
	uint16_t q_thousandths;
};

/* What the whole request says. */
struct asked {
	struct focus *focus;
	struct sip_stx *tx;
	const struct sip_msg *request;
	struct aor *aor;
	struct slice call_id;
	uint32_t cseq;
	struct buf path;
	bool is_direct; /* one Via: the phone itself is at the other end of the path */
	bool has_outbound;
	bool may_dial_out;
	struct sip_flow back; /* the path on which the phone is met */
	struct registrar_plan *plan;
};

static int refuse(struct registrar_plan *plan, uint16_t status, const char *reason)
{
	plan->status = status;
	plan->reason = reason;
	return -EINVAL;
}

static bool registrar_is(const struct focus *focus, const char *mode)
{
	return !strcmp(focus->config->sip_registrar, mode);
}

void registrar_forget(struct focus *focus, struct slice user, const char *cause)
{
	struct aor *aor;

	/* The address of record goes with its last binding. */
	while ((aor = location_find(focus->location, user)) && location_next(aor, NULL))
		location_remove(focus->location, location_next(aor, NULL), cause);
}

bool registrar_knows(const struct focus *focus, struct slice user)
{
	return registrar_is(focus, "users") && users_find_alias(focus->users, user);
}

struct slice registrar_name(const struct focus *focus, struct slice user)
{
	const struct user *known = users_find_alias(focus->users, user);
	struct user_view view;

	if (!known)
		return user;
	user_view(known, &view);
	return view.name;
}

/* Reading ------------------------------------------------------------------------------------- */

/* delta-seconds; a malformed one counts as 3600 (RFC 3261 10.2.1.1, 20.19). */
static uint32_t seconds_of(struct slice text)
{
	uint64_t seconds = 3600;

	if (slice_u64(text, UINT64_MAX, &seconds) == -ERANGE)
		return SECONDS_MAX;
	return seconds > SECONDS_MAX ? SECONDS_MAX : (uint32_t)seconds;
}

static uint32_t expires_of(const struct asked *asked, struct slice params)
{
	struct slice text = sip_msg_value(asked->request, SIP_H_EXPIRES), own;

	if (sip_param(params, "expires", &own))
		return seconds_of(own);
	if (slice_present(text))
		return seconds_of(text);
	return (uint32_t)asked->focus->config->registrar_expires_s;
}

/* "<urn:uuid:...>" without the brackets (RFC 5626 4.1). */
static struct slice instance_of(struct slice params)
{
	struct slice text;

	if (!sip_param(params, "+sip.instance", &text) || text.len < 3 || text.p[0] != '<' ||
	    text.p[text.len - 1] != '>')
		return SLICE_NONE;
	return slice_make(text.p + 1, text.len - 2);
}

static int read_wish(struct asked *asked, struct slice element, struct wish *ret_wish)
{
	struct registrar_plan *plan = asked->plan;
	struct wish wish = {0};
	struct slice reg_id;

	if (sip_addr_parse(element, &wish.contact))
		return refuse(plan, 400, "Malformed Contact");
	/* Any scheme may be registered (RFC 3261 10.2.1); a number must lead somewhere. */
	if (!sip_uri_is_sip(&wish.contact.uri) && asked->request->method != SIP_METHOD_REGISTER)
		return refuse(plan, 400, "Contact Is No SIP URI");
	if (wish.contact.uri.text.len > LOCATION_TEXT_MAX ||
	    wish.contact.params.len > LOCATION_TEXT_MAX)
		return refuse(plan, 400, "Contact Is Too Long");
	if (!asked->may_dial_out && wish.contact.uri.scheme != SIP_SCHEME_TEL &&
	    fork_costs(asked->focus, &wish.contact.uri))
		return refuse(plan, 403, "Contact Needs The Right To Dial Out");
	wish.instance = instance_of(wish.contact.params);
	wish.q_thousandths = sip_q_thousandths(wish.contact.params);
	wish.expires_s = expires_of(asked, wish.contact.params);
	if (sip_param(wish.contact.params, "reg-id", &reg_id) && slice_present(wish.instance))
		(void)slice_u32(reg_id, INT32_MAX, &wish.reg_id);
	*ret_wish = wish;
	return 0;
}

/* Flows (RFC 5626) ---------------------------------------------------------------------------- */

static uint32_t via_count(const struct sip_msg *request)
{
	struct sip_list_walk walk = {0};
	struct slice element;
	uint32_t count = 0;

	while (count < 2 && sip_list_next(request, SIP_H_VIA, &walk, &element))
		count++;
	return count;
}

/* The hop next to the phone wrote the last Path; `ob` in it says that it keeps the flow. */
static bool first_hop_keeps_flow(const struct sip_msg *request)
{
	struct sip_list_walk walk = {0};
	struct slice element, ignored;
	struct sip_addr hop;
	bool has_ob = false;

	while (sip_list_next(request, SIP_H_PATH, &walk, &element))
		has_ob = !sip_addr_parse(element, &hop) && sip_uri_param(&hop.uri, "ob", &ignored);
	return has_ob;
}

/* A reg-id counts when the phone does outbound and the flow can be kept (RFC 5626 6). */
static int judge_flow(struct asked *asked, struct wish *wish)
{
	if (!wish->reg_id)
		return 0;
	if (!asked->has_outbound) {
		wish->reg_id = 0;
		return 0;
	}
	if (!asked->is_direct && !first_hop_keeps_flow(asked->request))
		return refuse(asked->plan, 439, "First Hop Lacks Outbound Support");
	asked->plan->is_outbound = true;
	return 0;
}

/* Whether the Contact says where the datagram came from. A name may be that of anybody, a trunk of
 * ours included: only who could call there anyway is met there. */
static bool contact_is_source(const struct asked *asked, const struct sip_uri *contact)
{
	const struct addr *source = &asked->back.remote;
	struct addr addr;

	if (addr_parse_ip(contact->host, &addr))
		return asked->may_dial_out;
	addr_set_port(&addr, contact->port ? contact->port : 5060);
	return addr_eq(&addr, source);
}

/* The path that requests to this binding take; NULL: by Path or Contact. */
static const struct sip_flow *flow_of(const struct asked *asked, const struct wish *wish)
{
	if (!asked->is_direct || asked->path.len || !sip_uri_is_sip(&wish->contact.uri))
		return NULL;
	if (asked->back.proto == SIP_UDP && !wish->reg_id &&
	    contact_is_source(asked, &wish->contact.uri))
		return NULL;
	return &asked->back;
}

/* Requests go where answers go (RFC 3261 18.2.2, RFC 3581 4): to the host that it came from, and to
 * the port of Via unless rport was asked for. */
static struct sip_flow path_back(struct sip_stx *tx, const struct sip_msg *request)
{
	struct sip_flow flow = *sip_stx_flow(tx);
	struct sip_via via;

	if (flow.proto == SIP_UDP && !sip_msg_via(request, &via) && !via.has_rport)
		addr_set_port(&flow.remote, via.port ? via.port : 5060);
	return flow;
}

/* Time ---------------------------------------------------------------------------------------- */

/* A binding to a connection that keeps silent would outlive it: the phone comes back before. */
static uint32_t expires_max(const struct asked *asked, const struct wish *wish,
			    const struct sip_flow *flow)
{
	const struct config *config = asked->focus->config;
	uint32_t most = (uint32_t)config->registrar_expires_max_s;

	if (flow && flow->connection && !wish->reg_id && (uint64_t)config->sip_tcp_idle_s < most)
		most = (uint32_t)config->sip_tcp_idle_s;
	return most;
}

static int judge_time(struct asked *asked, struct wish *wish, const struct sip_flow *flow)
{
	uint32_t least = (uint32_t)asked->focus->config->registrar_expires_min_s;
	uint32_t most = expires_max(asked, wish, flow);

	if (wish->expires_s && wish->expires_s < least) {
		asked->plan->is_too_brief = true;
		return refuse(asked->plan, 423, NULL);
	}
	if (wish->expires_s > most)
		wish->expires_s = most;
	return 0;
}

/* The plan ------------------------------------------------------------------------------------ */

/* The binding that this Contact speaks of: by instance and reg-id for a flow, by URI else. */
static struct binding *find_old(const struct asked *asked, const struct wish *wish)
{
	struct binding *b = asked->aor ? location_next(asked->aor, NULL) : NULL;
	struct sip_uri uri;

	for (; b; b = location_next(asked->aor, b)) {
		if (wish->reg_id && b->reg_id == wish->reg_id &&
		    slice_is(wish->instance, b->instance))
			return b;
		if (!wish->reg_id && !b->reg_id && !sip_uri_parse(slice_of(b->contact), &uri) &&
		    sip_uri_eq(&uri, &wish->contact.uri))
			return b;
	}
	return NULL;
}

/* RFC 3261 10.3, step 7: of the same Call-ID only what is newer counts. */
static bool is_stale(const struct asked *asked, const struct binding *old)
{
	return slice_is(asked->call_id, old->call_id) && asked->cseq <= old->cseq;
}

static int make_fresh(struct asked *asked, const struct wish *wish, const struct sip_flow *flow,
		      struct binding **ret_binding)
{
	struct slice params = wish->contact.params, name, value;
	struct buf kept = BUF_INIT;
	int err;

	while (sip_param_next(&params, &name, &value)) {
		if (slice_iis(name, "q") || slice_iis(name, "expires") ||
		    slice_iis(name, "pub-gruu") || slice_iis(name, "temp-gruu"))
			continue;
		buf_addf(&kept, ";" SLICE_FMT, SLICE_ARG(name));
		if (slice_present(value) && value.p > name.p && value.p[-1] == '"')
			buf_addf(&kept, "=\"" SLICE_FMT "\"", SLICE_ARG(value));
		else if (slice_present(value) && value.len)
			buf_addf(&kept, "=" SLICE_FMT, SLICE_ARG(value));
	}
	err = buf_err(&kept);
	if (!err)
		err = binding_new(
			asked->focus->location,
			&(struct binding_make){
				.contact = wish->contact.uri.text,
				.params = buf_slice(&kept),
				.path = buf_slice(&asked->path),
				.instance = wish->instance,
				.call_id = asked->call_id,
				.user_agent = sip_msg_value(asked->request, SIP_H_USER_AGENT),
				.reg_id = wish->reg_id,
				.cseq = asked->cseq,
				.expires_s = wish->expires_s,
				.q_thousandths = wish->q_thousandths,
				.flow = flow,
			},
			ret_binding);
	buf_done(&kept);
	return err ? refuse(asked->plan, err == ERR_LIMIT ? 400 : 500, NULL) : 0;
}

/* The same Contact twice in one request: the last one counts. */
static struct location_step *step_for(struct registrar_plan *plan, const struct wish *wish,
				      struct binding *old)
{
	struct sip_uri uri;

	for (uint32_t i = 0; i < plan->count; i++) {
		struct binding *fresh = plan->steps[i].fresh;
		bool is_same = old && plan->steps[i].old == old;

		if (fresh && wish->reg_id)
			is_same = is_same || (fresh->reg_id == wish->reg_id &&
					      slice_is(wish->instance, fresh->instance));
		else if (fresh && !fresh->reg_id)
			is_same = is_same || (!sip_uri_parse(slice_of(fresh->contact), &uri) &&
					      sip_uri_eq(&uri, &wish->contact.uri));
		if (!is_same)
			continue;
		plan->steps[i].fresh = binding_free(fresh);
		return &plan->steps[i];
	}
	plan->steps[plan->count] = (struct location_step){.old = old};
	return &plan->steps[plan->count++];
}

static int plan_one(struct asked *asked, struct slice element)
{
	struct registrar_plan *plan = asked->plan;
	const struct sip_flow *flow;
	struct location_step *step;
	struct binding *old;
	struct wish wish;
	int err = read_wish(asked, element, &wish);

	if (!err)
		err = judge_flow(asked, &wish);
	if (err)
		return err;
	flow = flow_of(asked, &wish);
	err = judge_time(asked, &wish, flow);
	if (err)
		return err;
	old = find_old(asked, &wish);
	if (old && is_stale(asked, old))
		return refuse(plan, 500, "CSeq Is Out Of Order");
	if (!old && !wish.expires_s && !plan->count)
		return 0; /* not there, and not to be: nothing to do */
	if (plan->count == REGISTRAR_CONTACTS_MAX)
		return refuse(plan, 400, "Too Many Contacts");
	step = step_for(plan, &wish, old);
	return wish.expires_s ? make_fresh(asked, &wish, flow, &step->fresh) : 0;
}

/* "*": everything goes, and only with Expires: 0 (RFC 3261 10.2.2, 10.3 step 6). */
static int plan_all(struct asked *asked)
{
	struct registrar_plan *plan = asked->plan;
	struct slice expires = sip_msg_value(asked->request, SIP_H_EXPIRES);
	struct binding *b = asked->aor ? location_next(asked->aor, NULL) : NULL;

	if (!slice_present(expires) || seconds_of(expires))
		return refuse(plan, 400, "Contact * Without Expires: 0");
	for (; b; b = location_next(asked->aor, b)) {
		if (is_stale(asked, b))
			return refuse(plan, 500, "CSeq Is Out Of Order");
		if (plan->count == REGISTRAR_CONTACTS_MAX)
			return refuse(plan, 500, NULL);
		plan->steps[plan->count++] = (struct location_step){.old = b};
	}
	return 0;
}

/* RFC 5630 5.2: a sips: Contact is bound only where the Request-URI, all other Contacts and the
 * whole Path are sips:, too. */
static int judge_schemes(struct asked *asked)
{
	bool has_sips = false, is_pure = sip_is_sips(asked->request->request_uri);
	static const enum sip_header_id fields[] = {SIP_H_CONTACT, SIP_H_PATH};
	struct slice element;
	struct sip_addr addr;

	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		struct sip_list_walk walk = {0};

		while (sip_list_next(asked->request, fields[i], &walk, &element)) {
			bool is_sips = !sip_addr_parse(element, &addr) &&
				       sip_is_sips(addr.uri.text);

			has_sips = has_sips || (is_sips && fields[i] == SIP_H_CONTACT);
			is_pure = is_pure && is_sips;
		}
	}
	return has_sips && !is_pure ? refuse(asked->plan, 400, "Not Everything Is SIPS") : 0;
}

static int plan_each(struct asked *asked)
{
	struct sip_list_walk walk = {0};
	uint32_t count = 0, stars = 0;
	struct slice element;
	int err = judge_schemes(asked);

	while (!err && sip_list_next(asked->request, SIP_H_CONTACT, &walk, &element)) {
		count++;
		stars += slice_is(slice_trim(element), "*");
	}
	if (stars)
		return count == 1 ? plan_all(asked)
				  : refuse(asked->plan, 400, "Contact * Is Not Alone");
	walk = (struct sip_list_walk){0};
	while (!err && sip_list_next(asked->request, SIP_H_CONTACT, &walk, &element))
		err = plan_one(asked, element);
	return err;
}

/* What the address of record would hold, and the server. */
static int judge_count(const struct asked *asked)
{
	const struct config *config = asked->focus->config;
	uint32_t after = asked->aor ? asked->aor->binding_count : 0, added = 0;

	for (uint32_t i = 0; i < asked->plan->count; i++) {
		const struct location_step *step = &asked->plan->steps[i];

		added += step->fresh && !step->old;
		after -= !step->fresh && step->old;
	}
	if (added && after + added > (uint64_t)config->registrar_contacts_max)
		return refuse(asked->plan, 403, "Too Many Contacts");
	if (added && location_count(asked->focus->location) + (uint64_t)added >
			     (uint64_t)config->registrar_max)
		return refuse(asked->plan, 503, NULL);
	return 0;
}

static int read_path(struct asked *asked)
{
	struct sip_list_walk walk = {0};
	struct slice element;
	struct sip_addr hop;

	while (sip_list_next(asked->request, SIP_H_PATH, &walk, &element)) {
		if (sip_addr_parse(element, &hop) || !hop.has_brackets)
			return refuse(asked->plan, 400, "Malformed Path");
		buf_addf(&asked->path, "%s<" SLICE_FMT ">", asked->path.len ? ", " : "",
			 SLICE_ARG(hop.uri.text));
	}
	if (asked->path.len > LOCATION_TEXT_MAX)
		return refuse(asked->plan, 400, "Path Is Too Long");
	return buf_err(&asked->path) ? refuse(asked->plan, 500, NULL) : 0;
}

static bool caller_may_dial_out(const struct focus *focus)
{
	const struct auth_identity *caller = gate_caller(focus);
	struct user_view view = {0};

	if (caller->user)
		user_view(caller->user, &view);
	return caller->is_trusted || view.may_dial_out;
}

int registrar_plan(struct focus *focus, struct aor *aor, struct sip_stx *tx,
		   const struct sip_msg *request, struct registrar_plan *ret_plan)
{
	struct asked asked = {
		.focus = focus,
		.tx = tx,
		.request = request,
		.aor = aor,
		.call_id = sip_msg_value(request, SIP_H_CALL_ID),
		.is_direct = via_count(request) == 1,
		.has_outbound = sip_list_has(request, SIP_H_SUPPORTED, "outbound"),
		.may_dial_out = caller_may_dial_out(focus),
		.back = path_back(tx, request),
		.plan = ret_plan,
	};
	struct sip_cseq cseq;
	int err;

	*ret_plan = (struct registrar_plan){0};
	if (sip_msg_cseq(request, &cseq))
		return refuse(ret_plan, 400, "Malformed CSeq");
	asked.cseq = cseq.number;
	err = read_path(&asked);
	if (!err)
		err = plan_each(&asked);
	if (!err)
		err = judge_count(&asked);
	buf_done(&asked.path);
	if (err)
		registrar_plan_done(ret_plan);
	return err;
}

void registrar_plan_done(struct registrar_plan *plan)
{
	for (uint32_t i = 0; i < plan->count; i++)
		if (plan->steps[i].fresh && !plan->steps[i].fresh->aor)
			plan->steps[i].fresh = binding_free(plan->steps[i].fresh);
	plan->count = 0;
}

/* Answering ----------------------------------------------------------------------------------- */

/* The host of a GRUU: behind sips: with the port where we take TLS. */
static const char *gruu_host(const struct focus *focus, const struct binding *b,
			     char text[FOCUS_HOST_MAX + 8])
{
	struct slice host = slice_of(focus->host);
	uint16_t port = fork_tls_port(focus);
	size_t end;

	if (!sip_is_sips(slice_of(b->contact)) || !port)
		return focus->host;
	if (host.p[0] == '[')
		end = slice_find(host, ']') + 1;
	else
		end = slice_find(host, ':');
	if (port == 5061)
		snprintf(text, FOCUS_HOST_MAX + 8, SLICE_FMT, SLICE_ARG(slice_first(host, end)));
	else
		snprintf(text, FOCUS_HOST_MAX + 8, SLICE_FMT ":%u",
			 SLICE_ARG(slice_first(host, end)), port);
	return text;
}

static void add_gruus(struct focus *focus, struct binding *b, struct buf *out)
{
	char text[FOCUS_HOST_MAX + 8];
	const char *host = gruu_host(focus, b, text);
	size_t before;

	own_keys_keep(focus); /* GRUUs are to be good after a restart (RFC 5627 3.2) */
	buf_adds(out, ";pub-gruu=\"");
	location_pub_gruu(b, host, out);
	buf_adds(out, "\"");
	before = out->len;
	buf_adds(out, ";temp-gruu=\"");
	if (location_temp_gruu(b, host, out)) {
		out->len = before; /* one is enough to be called by */
		out->p[before] = '\0';
		return;
	}
	buf_adds(out, "\"");
}

void registrar_add_contacts(struct focus *focus, struct aor *aor, bool with_gruu, struct buf *out)
{
	uint64_t now_ms = wheel_now_ms(focus->wheel);

	for (struct binding *b = location_next(aor, NULL); b; b = location_next(aor, b)) {
		uint64_t left_ms = b->expires_ms > now_ms ? b->expires_ms - now_ms : 0;

		buf_addf(out, "Contact: <%s>%s;expires=%u", b->contact, b->params,
			 (unsigned)((left_ms + MS_PER_S - 1) / MS_PER_S));
		if (b->q_thousandths < 1000)
			buf_addf(out, ";q=0.%03u", b->q_thousandths);
		if (with_gruu && b->instance[0])
			add_gruus(focus, b, out);
		buf_adds(out, "\r\n");
	}
}

static void add_path(const struct sip_msg *request, struct buf *out)
{
	const struct sip_header *header = NULL;

	while ((header = sip_msg_next(request, SIP_H_PATH, header)) != NULL)
		buf_addf(out, "Path: " SLICE_FMT "\r\n",
			 SLICE_ARG(sip_header_value(request, header)));
}

static void add_date(const struct focus *focus, struct buf *out)
{
	time_t now_s = (time_t)(clock_wall_ms(&focus->clock) / MS_PER_S);
	char text[64];
	struct tm tm;

	if (gmtime_r(&now_s, &tm) && strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm))
		buf_addf(out, "Date: %s\r\n", text);
}

static void reply_done(struct focus *focus, struct sip_stx *tx, const struct sip_msg *request,
		       struct slice user, bool is_outbound)
{
	struct aor *aor = location_find(focus->location, user);
	struct buf headers = BUF_INIT;

	if (aor)
		registrar_add_contacts(focus, aor, sip_list_has(request, SIP_H_SUPPORTED, "gruu"),
				       &headers);
	add_path(request, &headers);
	if (is_outbound) {
		buf_adds(&headers, "Require: outbound\r\n");
		if (focus->config->registrar_flow_timer_s)
			buf_addf(&headers, "Flow-Timer: %u\r\n",
				 (unsigned)focus->config->registrar_flow_timer_s);
	}
	add_date(focus, &headers);
	(void)sip_stx_reply(tx, &(struct sip_reply){
					.status = buf_err(&headers) ? 500 : 200,
					.headers = buf_err(&headers) ? NULL : headers.p,
				});
	buf_done(&headers);
}

static void reply_refused(struct focus *focus, struct sip_stx *tx, const struct sip_msg *request,
			  const struct registrar_plan *plan)
{
	struct buf headers = BUF_INIT;

	if (plan->is_too_brief)
		buf_addf(&headers, "Min-Expires: %u\r\n",
			 (unsigned)focus->config->registrar_expires_min_s);
	if (plan->status == 503)
		buf_adds(&headers, "Retry-After: 30\r\n");
	focus->stats.registrations_refused++;
	LOG(LOG_INFO, "registration.refused", LOG_SLICE("to", sip_msg_value(request, SIP_H_TO)),
	    LOG_INT("status", plan->status), LOG_STR("reason", plan->reason ? plan->reason : ""));
	(void)sip_stx_reply(tx, &(struct sip_reply){.status = plan->status,
						    .reason = plan->reason,
						    .headers = headers.p});
	buf_done(&headers);
}

/* Whose bindings these are (RFC 3261 10.3, steps 1 and 3 to 5). */
static int decide_aor(struct focus *focus, const struct sip_msg *request,
		      char user[LOCATION_USER_MAX + 1], struct registrar_plan *plan)
{
	struct sip_uri registrar;
	struct sip_addr to;
	struct slice name;
	size_t len;

	if (sip_uri_parse(request->request_uri, &registrar) || sip_msg_addr(request, SIP_H_TO, &to))
		return refuse(plan, 400, "Malformed To");
	if (to.uri.scheme == SIP_SCHEME_OTHER)
		return refuse(plan, 400, "To Is No SIP URI");
	if (!admission_is_our_host(focus, registrar.host) ||
	    !admission_is_our_host(focus, to.uri.host))
		return refuse(plan, 404, "Not Our Domain");
	if (!to.uri.user.len || sip_unescape(to.uri.user, user, LOCATION_USER_MAX + 1, &len))
		return refuse(plan, 404, "No Such User");
	if (registrar_is(focus, "users") && !registrar_knows(focus, slice_of(user)))
		return refuse(plan, 404, "No Such User");
	name = registrar_name(focus, slice_of(user));
	if (name.p != user)
		slice_cstr(name, user, LOCATION_USER_MAX + 1);
	return 0;
}

void registrar_on_register(struct focus *focus, struct sip_stx *tx, const struct sip_msg *request)
{
	char user[LOCATION_USER_MAX + 1] = "";
	struct registrar_plan plan = {0};
	int err;

	if (registrar_is(focus, "off"))
		err = refuse(&plan, 403, "Registration Is Switched Off");
	else
		err = decide_aor(focus, request, user, &plan);
	if (!err)
		err = registrar_plan(focus, location_find(focus->location, slice_of(user)), tx,
				     request, &plan);
	if (!err && plan.count &&
	    location_apply(focus->location, slice_of(user), plan.steps, plan.count)) {
		registrar_plan_done(&plan);
		err = refuse(&plan, 500, NULL);
	}
	if (err)
		reply_refused(focus, tx, request, &plan);
	else
		reply_done(focus, tx, request, slice_of(user), plan.is_outbound);
}

/* What becomes of it -------------------------------------------------------------------------- */

/* A connection does not outlive a restart, and what was bound to it neither. */
static bool is_kept(const struct binding *b)
{
	return !b->has_flow || b->flow.proto == SIP_UDP;
}

static void store_change(struct focus *focus, enum location_change change, const struct binding *b)
{
	struct buf text = BUF_INIT;
	int err = 0;

	if (!focus->store || !is_kept(b))
		return;
	if (change == LOCATION_REMOVED) {
		err = store_item_delete_post(focus->store, REGISTRAR_ITEMS, b->id);
	} else {
		binding_write(b, &text);
		err = buf_err(&text);
		if (!err)
			err = store_item_put_post(focus->store, REGISTRAR_ITEMS, b->id, text.p);
	}
	buf_done(&text);
	if (err)
		LOG(LOG_ERROR, "registration.not_stored", LOG_STR("user", b->aor->user),
		    LOG_STR("error", err_text(err)));
}

void registrar_on_change(void *arg, enum location_change change, const struct binding *b,
			 const char *cause)
{
	static const char *const names[] = {
		[LOCATION_ADDED] = "registration.added",
		[LOCATION_REFRESHED] = "registration.refreshed",
		[LOCATION_REMOVED] = "registration.removed",
	};
	struct registration_view view;
	struct focus *focus = arg;

	store_change(focus, change, b);
	LOG(change == LOCATION_REFRESHED ? LOG_DEBUG : LOG_INFO, names[change],
	    LOG_STR("user", b->aor->user), LOG_STR("contact", b->contact),
	    cause ? LOG_STR("cause", cause) : LOG_END);
	if (change == LOCATION_REFRESHED)
		return;
	watched_on_registration(focus, slice_of(b->aor->user));
	registration_view(b, &view);
	event_publish_registration(focus,
				   change == LOCATION_ADDED ? FOCUS_REGISTRATION_ADDED
							    : FOCUS_REGISTRATION_REMOVED,
				   &view, cause);
}

void registration_view(const struct binding *b, struct registration_view *ret_view)
{
	*ret_view = (struct registration_view){
		.id = slice_of(b->id),
		.user = slice_of(b->aor->user),
		.contact = slice_of(b->contact),
		.user_agent = slice_of(b->user_agent),
		.path = slice_of(b->path),
		.instance = b->instance[0] ? slice_of(b->instance) : SLICE_NONE,
		.transport = b->has_flow ? sip_proto_param(b->flow.proto) : NULL,
		.reg_id = b->reg_id,
		.q_thousandths = b->q_thousandths,
		.expires_wall_ms = b->expires_wall_ms,
		.updated_wall_ms = b->updated_wall_ms,
	};
}

struct binding *focus_registration_next(struct focus *focus, const struct binding *after)
{
	struct binding *next = after ? location_next(after->aor, after) : NULL;
	struct aor *aor;

	if (next)
		return next;
	aor = location_next_aor(focus->location, after ? slice_of(after->aor->user) : SLICE_NONE);
	return aor ? location_next(aor, NULL) : NULL;
}

struct binding *focus_registration_find(struct focus *focus, struct slice id)
{
	return location_find_id(focus->location, id);
}

void focus_registration_remove(struct focus *focus, struct binding *b)
{
	location_remove(focus->location, b, "deleted");
}

const struct location_stats *focus_registration_stats(const struct focus *focus)
{
	return location_stats(focus->location);
}

uint32_t focus_registration_count(const struct focus *focus)
{
	return location_count(focus->location);
}

uint32_t focus_registered_users(const struct focus *focus)
{
	return location_aor_count(focus->location);
}

static void on_stored(void *arg, const char *name, const char *value)
{
	struct focus *focus = arg;

	if (location_restore(focus->location, slice_of(name), slice_of(value)))
		LOG(LOG_DEBUG, "registration.not_restored", LOG_STR("id", name));
}

int registrar_load(struct focus *focus)
{
	return focus->store ? store_items_load(focus->store, REGISTRAR_ITEMS, on_stored, focus) : 0;
}

/* Who is meant: 0 with *ret_match filled, whether he is there or not. */
static int match_own(struct focus *focus, struct slice request_uri,
		     struct location_match *ret_match)
{
	struct sip_uri uri;

	*ret_match = (struct location_match){0};
	if (sip_uri_parse(request_uri, &uri))
		return ERR_SIP_URI_SYNTAX;
	if (uri.scheme == SIP_SCHEME_TEL) {
		ret_match->user = fork_number(&uri, ret_match->user_text);
		ret_match->aor = location_find(focus->location, ret_match->user);
		return 0;
	}
	if (!admission_is_our_host(focus, uri.host))
		return ERR_DOMAIN;
	return location_match(focus->location, &uri, ret_match);
}

bool registrar_find_user(struct focus *focus, struct slice request_uri, char *ret_name, size_t cap)
{
	struct location_match match;

	if (!registrar_presence(focus, request_uri) || match_own(focus, request_uri, &match))
		return false;
	slice_cstr(registrar_name(focus, match.user), ret_name, cap);
	return true;
}

bool registrar_lacks_sips(struct focus *focus, struct slice request_uri)
{
	struct location_match match;

	if (match_own(focus, request_uri, &match))
		return false;
	if (!match.aor && !match.is_gruu)
		match.aor = location_find(focus->location, registrar_name(focus, match.user));
	return location_lacks_sips(&match);
}

uint16_t registrar_presence(struct focus *focus, struct slice request_uri)
{
	struct location_match match;
	struct slice name;

	if (match_own(focus, request_uri, &match))
		return 0;
	name = registrar_name(focus, match.user);
	if (!match.aor && !match.is_gruu)
		match.aor = location_find(focus->location, name);
	for (struct binding *b = match.aor ? location_next(match.aor, NULL) : NULL; b;
	     b = location_next(match.aor, b))
		if (location_is_meant(&match, b))
			return 200;
	return match.aor || match.is_gruu || registrar_knows(focus, match.user) ||
			       focus_forward_find(focus, name)
		       ? 480
		       : 0;
}

enum sip_whereabouts registrar_locate(void *arg, const struct sip_uri *uri,
				      struct sip_located *ret_located)
{
	struct focus *focus = arg;
	const struct binding *best = NULL;
	struct location_match match;

	if (!fork_is_own(focus, uri))
		return SIP_NOT_OURS;
	if (location_match(focus->location, uri, &match) || !match.aor)
		return SIP_IS_ABSENT;
	for (struct binding *b = location_next(match.aor, NULL); b; b = location_next(match.aor, b))
		if (location_is_meant(&match, b) &&
		    (!best || b->updated_wall_ms >= best->updated_wall_ms))
			best = b;
	if (!best)
		return SIP_IS_ABSENT;
	*ret_located = (struct sip_located){
		.uri = slice_of(best->contact),
		.path = best->path[0] ? slice_of(best->path) : SLICE_NONE,
		.flow = best->has_flow && !best->path[0] ? &best->flow : NULL,
	};
	return SIP_LOCATED;
}
