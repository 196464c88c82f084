#include "sip/request.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/request_priv.h"
#include "sip/sips.h"
#include "sip/ua_priv.h"

enum { CALL_ID_CHARS = 26, TAG_CHARS = 12, CSEQ_START_MAX = 1000 };

struct sip_request {
	struct list node; /* ua->requests */
	struct sip_ua *ua;
	struct sip_sender sender;
	struct sip_dialog *dialog;
	struct sip_dialog *own; /* of a request that stands alone; else NULL */
	struct sip_flow *flow, own_flow;
	bool is_on_flow, has_contact, is_sips;
	bool is_done; /* on_reply runs */
	char *method, *headers, *content_type, *contact_user, *contact_params;
	struct buf credentials, body;
	uint32_t cseq, tries, overtaken;
	struct timer timeout;
	void (*on_reply)(void *arg, const struct sip_msg *response, int err);
	void *arg;
};

/* Contact
 * -----------------------------------------------------------------------------------------------
 */

/* The address that the peer talks to, where it is known; else the one that reaches it. Where a
 * sips: Contact is due on a path in the clear, that of TLS. */
static int local_of(const struct sip_ua *ua, const struct sip_flow *flow, bool is_sips,
		    struct addr *ret_local)
{
	bool is_elsewhere = is_sips && !sip_proto_is_secure(flow->proto);

	if (!is_elsewhere && addr_is_set(&flow->local) && !addr_is_any(&flow->local)) {
		*ret_local = flow->local;
		return 0;
	}
	return ua->net.ops->local_for(ua->net.ctx, is_elsewhere ? SIP_TLS : flow->proto,
				      &flow->remote, ret_local);
}

int ua_host(const struct sip_ua *ua, const struct sip_flow *flow, bool is_sips,
	    const char **ret_host, char text[ADDR_TEXT_MAX])
{
	struct addr local;
	int err;

	*ret_host = ua->public_host;
	if (ua->public_host)
		return 0;
	err = local_of(ua, flow, is_sips, &local);
	if (!err)
		*ret_host = addr_text(&local, text);
	return err;
}

int ua_add_contact(const struct sip_ua *ua, const struct sip_flow *flow,
		   const struct ua_contact *contact, struct buf *buf)
{
	char text[ADDR_TEXT_MAX], transport[32] = "";
	const char *host;
	int err = ua_host(ua, flow, contact->is_sips, &host, text);

	if (err)
		return err;
	if (flow->proto != SIP_UDP && !contact->is_sips)
		(void)snprintf(transport, sizeof(transport), ";transport=%s",
			       sip_proto_uri(flow->proto));
	sip_build_header(buf, "Contact", "<%s:%s%s%s%s>%s%s", contact->is_sips ? "sips" : "sip",
			 contact->user, *contact->user ? "@" : "", host, transport,
			 *contact->params ? ";" : "", contact->params);
	return buf_err(buf);
}

/* What becomes of it
 * ------------------------------------------------------------------------------------------------
 */

static void free_request(struct sip_request *request)
{
	sip_sender_done(&request->sender);
	timer_stop(request->ua->wheel, &request->timeout);
	request->ua->request_count--;
	list_remove(&request->node);
	sip_dialog_free(request->own);
	free(request->method);
	free(request->headers);
	free(request->content_type);
	free(request->contact_user);
	free(request->contact_params);
	buf_done(&request->credentials);
	buf_done(&request->body);
	free(request);
}

/* The one on_reply. The handler may not find the request any more, but may look at it. */
static void finish(struct sip_request *request, const struct sip_msg *response, int err)
{
	void (*on_reply)(void *, const struct sip_msg *, int) = request->on_reply;

	request->on_reply = NULL;
	request->is_done = true;
	sip_sender_done(&request->sender);
	timer_stop(request->ua->wheel, &request->timeout);
	if (on_reply)
		on_reply(request->arg, response, err);
	free_request(request);
}

static bool has_remote_tag(const struct sip_dialog *dialog)
{
	return dialog->remote_tag && *dialog->remote_tag;
}

static int start(struct sip_request *request)
{
	bool is_on_flow = request->is_on_flow;
	int err = ua_locate(request->ua, request->dialog, request->flow, &is_on_flow);

	if (err)
		return err;
	request->cseq = ++request->dialog->local_cseq;
	return sip_sender_start(
		&request->sender,
		&(struct sip_sender_start){
			.method = slice_of(request->method),
			.hop = sip_dialog_hop(request->dialog),
			.target = slice_of(request->dialog->remote_target),
			.last = request->flow,
			.is_on_flow = is_on_flow,
			.is_new = !has_remote_tag(request->dialog) && request->credentials.len == 0,
		});
}

static bool answer_challenge(struct sip_request *request, const struct sip_msg *response)
{
	struct sip_ua *ua = request->ua;
	struct sip_challenged challenged = {
		.method = slice_of(request->method),
		.uri = sip_dialog_request_uri(request->dialog),
		.body = buf_slice(&request->body),
		.from = slice_of(request->dialog->local),
		.response = response,
		.given = buf_slice(&request->credentials),
		.tries = request->tries,
	};
	struct buf lines = BUF_INIT;

	if (!ua->credentials || request->tries == SIP_REQUEST_TRIES_MAX)
		return false;
	if (ua->credentials(ua->credentials_arg, &challenged, &lines) || buf_err(&lines)) {
		buf_done(&lines);
		return false;
	}
	buf_done(&request->credentials);
	request->credentials = lines;
	request->tries++;
	return start(request) == 0;
}

/* In a dialog that several use, a later request may arrive first; the earlier is then out of order,
 * and answered 500 (12.2.2). */
static bool send_overtaken(struct sip_request *request)
{
	if (request->own || request->cseq == request->dialog->local_cseq ||
	    request->overtaken == SIP_REQUEST_OVERTAKEN_MAX)
		return false;
	request->overtaken++;
	return start(request) == 0;
}

static void on_response(void *arg, const struct sip_msg *response)
{
	struct sip_request *request = arg;

	if (response->status < 200)
		return;
	if (response->status == 503 && sip_sender_next(&request->sender))
		return;
	if (response->status == 500 && send_overtaken(request))
		return;
	if ((response->status == 401 || response->status == 407) &&
	    answer_challenge(request, response))
		return;
	finish(request, response, 0);
}

static void on_failed(void *arg, int err)
{
	finish(arg, NULL, err);
}

static void on_gone(void *arg)
{
	finish(arg, NULL, ERR_SIP_TRANSPORT); /* not reached: it ends with its answer */
}

static void on_timeout(void *arg)
{
	finish(arg, NULL, ERR_SIP_TIMEOUT);
}

static int write_request(void *arg, const struct sip_flow *flow, struct buf *buf,
			 char branch[SIP_BRANCH_MAX])
{
	struct sip_request *request = arg;
	const struct sip_ua *ua = request->ua;
	struct slice method = slice_of(request->method);
	struct ua_contact contact = {request->contact_user, request->contact_params,
				     request->is_sips};
	int err;

	err = sip_tx_begin(
		ua->tx,
		&(struct sip_tx_request){*flow, method, sip_dialog_request_uri(request->dialog)},
		buf, branch);
	if (err)
		return err;
	sip_dialog_add_routes(request->dialog, buf);
	sip_dialog_add_fields(request->dialog, request->cseq, method, buf);
	if (request->has_contact)
		err = ua_add_contact(ua, flow, &contact, buf);
	if (err)
		return err;
	if (*ua->product)
		sip_build_header(buf, "User-Agent", "%s", ua->product);
	if (request->headers)
		buf_adds(buf, request->headers);
	buf_addslice(buf, buf_slice(&request->credentials));
	sip_build_end(buf, request->content_type, buf_slice(&request->body));
	return buf_err(buf);
}

static const struct sip_sender_ops sender_ops = {
	.write = write_request,
	.on_response = on_response,
	.on_failed = on_failed,
	.on_unsent = on_failed,
	.on_gone = on_gone,
};

/* Where it goes
 * ------------------------------------------------------------------------------------------------
 */

static bool is_gruu(const char *target, struct sip_uri *ret_uri)
{
	struct slice ignored;

	return strstr(target, ";gr") && !sip_uri_parse(slice_of(target), ret_uri) &&
	       sip_uri_param(ret_uri, "gr", &ignored);
}

int ua_locate(struct sip_ua *ua, struct sip_dialog *dialog, struct sip_flow *flow, bool *is_on_flow)
{
	enum sip_whereabouts whereabouts = SIP_NOT_OURS;
	struct sip_located found = {0};
	struct sip_uri uri;

	if (ua->locate && is_gruu(dialog->remote_target, &uri))
		whereabouts = ua->locate(ua->locate_arg, &uri, &found);
	if (dialog->route_count == 0 && whereabouts == SIP_LOCATED && found.flow)
		*flow = *found.flow;
	if (dialog->route_count == 0 && addr_is_set(&flow->remote) &&
	    (found.flow || whereabouts == SIP_IS_ABSENT))
		*is_on_flow = true;
	return sip_dialog_locate(dialog, found.uri, found.path);
}

void sip_ua_set_locate(struct sip_ua *ua, sip_locate_fn *locate, void *arg)
{
	ua->locate = locate;
	ua->locate_arg = arg;
}

/* Making one
 * ------------------------------------------------------------------------------------------------
 */

static int copy_text(const char *text, char **ret_copy)
{
	if (!text)
		return 0;
	*ret_copy = slice_dup(slice_of(text));
	return *ret_copy ? 0 : -ENOMEM;
}

static int copy_contact(struct sip_request *request, const struct ua_contact *contact)
{
	int err;

	if (!contact)
		return 0;
	request->has_contact = true;
	request->is_sips = contact->is_sips;
	err = copy_text(contact->user, &request->contact_user);
	return err ? err : copy_text(contact->params, &request->contact_params);
}

static int copy_parts(struct sip_request *request, const struct ua_request *params)
{
	int err = copy_text(params->method, &request->method);

	if (!err)
		err = copy_text(params->headers, &request->headers);
	if (!err)
		err = copy_text(params->content_type, &request->content_type);
	if (!err)
		err = copy_contact(request, params->contact);
	if (params->body.len > 0)
		buf_addslice(&request->body, params->body);
	return err ? err : buf_err(&request->body);
}

/* `own` is taken, also when it fails. */
static int make(struct sip_ua *ua, const struct ua_request *params, struct sip_dialog *own,
		struct sip_request **ret_request)
{
	struct sip_request *request;
	int err;

	request = ua->request_count < SIP_REQUESTS_MAX ? calloc(1, sizeof(*request)) : NULL;
	if (!request) {
		sip_dialog_free(own);
		return ua->request_count < SIP_REQUESTS_MAX ? -ENOMEM : ERR_LIMIT;
	}
	ua->request_count++;
	request->ua = ua;
	request->own = own;
	request->dialog = own ? own : params->dialog;
	request->own_flow = own && params->flow ? *params->flow : (struct sip_flow){0};
	request->flow = own ? &request->own_flow : params->flow;
	request->is_on_flow = params->is_on_flow;
	request->on_reply = params->on_reply;
	request->arg = params->arg;
	timer_init(&request->timeout, on_timeout, request);
	sip_sender_init(&request->sender, ua, &sender_ops, request);
	list_append(&ua->requests, &request->node);
	err = copy_parts(request, params);
	if (!err)
		err = start(request);
	if (err) {
		free_request(request);
		return err;
	}
	if (params->timeout_ms)
		timer_start(ua->wheel, &request->timeout, params->timeout_ms);
	if (ret_request)
		*ret_request = request;
	return 0;
}

int ua_request_new(struct sip_ua *ua, const struct ua_request *params,
		   struct sip_request **ret_request)
{
	return make(ua, params, NULL, ret_request);
}

/* An outbound proxy is a loose router, also when its URI forgets to say so. */
static int write_route(struct slice route, struct buf *out)
{
	struct slice ignored;
	struct sip_uri uri;

	if (slice_starts(route, SLICE("<"))) {
		buf_addslice(out, route);
		return buf_err(out);
	}
	if (sip_uri_parse(route, &uri))
		return ERR_SIP_URI_SYNTAX;
	buf_addf(out, "<" SLICE_FMT "%s>", SLICE_ARG(route),
		 sip_uri_param(&uri, "lr", &ignored) ? "" : ";lr");
	return buf_err(out);
}

static int add_route(const struct ua_start *from, struct buf *ret_text)
{
	struct buf route = BUF_INIT;
	int err;

	if (!slice_present(from->route))
		return 0;
	if (!sip_is_sips(from->target))
		return write_route(from->route, ret_text);
	err = write_route(from->route, &route);
	sip_sips_route(buf_slice(&route), ret_text);
	buf_done(&route);
	return err ? err : buf_err(ret_text);
}

static int check_target(struct slice target)
{
	struct sip_uri uri;

	if (sip_uri_parse(target, &uri))
		return ERR_SIP_URI_SYNTAX;
	return sip_uri_is_sip(&uri) ? 0 : ERR_BAD_TARGET;
}

int ua_start_new(struct sip_ua *ua, const struct ua_start *from, struct sip_dialog **ret_dialog)
{
	char call_id[CALL_ID_CHARS + 1], tag[TAG_CHARS + 1];
	struct slice target = sip_uri_without_headers(from->target);
	struct buf to = BUF_INIT, route = BUF_INIT;
	int err = check_target(from->target);

	buf_addf(&to, "<" SLICE_FMT ">", SLICE_ARG(target));
	if (!err)
		err = add_route(from, &route);
	if (!err)
		err = buf_err(&to);
	(void)random_token(ua->random, call_id, CALL_ID_CHARS);
	(void)random_token(ua->random, tag, TAG_CHARS);
	if (!err)
		err = sip_dialog_new_uac(
			&(struct sip_dialog_start){
				.call_id = slice_present(from->call_id) ? from->call_id
									: slice_of(call_id),
				.local_tag = slice_of(tag),
				.from = from->from,
				.to = slice_present(from->to) ? from->to : buf_slice(&to),
				.target = target,
				.route = route.len > 0 ? buf_slice(&route) : SLICE_NONE,
				.cseq = from->cseq ? from->cseq - 1
						   : random_below(ua->random, CSEQ_START_MAX),
			},
			ret_dialog);
	buf_done(&to);
	buf_done(&route);
	return err;
}

bool ua_is_sips_start(const struct sip_dialog *start)
{
	return sip_is_sips(slice_of(start->remote_target)) || sip_is_sips(sip_dialog_hop(start));
}

/* INVITE has a machine of its own, and ACK and CANCEL belong to it. */
static int check_params(const struct sip_request_params *params)
{
	enum sip_method method = sip_method_parse(slice_of(params->method));

	if (method == SIP_METHOD_INVITE || method == SIP_METHOD_ACK || method == SIP_METHOD_CANCEL)
		return -EINVAL;
	if (params->contact_user.len >= SIP_CONTACT_MAX ||
	    slice_of(params->contact_params).len >= SIP_CONTACT_MAX)
		return ERR_LIMIT;
	return 0;
}

int sip_ua_request(struct sip_ua *ua, const struct sip_request_params *params,
		   struct sip_request **ret_request)
{
	struct sip_flow flow = params->flow ? *params->flow : (struct sip_flow){0};
	char user[SIP_CONTACT_MAX];
	struct sip_dialog *own;
	struct ua_contact contact = {
		.user = slice_cstr(params->contact_user, user, sizeof(user)),
		.params = params->contact_params ? params->contact_params : "",
	};
	int err = check_params(params);

	if (!err)
		err = ua_start_new(ua,
				   &(struct ua_start){params->target, params->to, params->from,
						      params->route, params->call_id, params->cseq},
				   &own);
	if (err)
		return err;
	contact.is_sips = ua_is_sips_start(own);
	return make(ua,
		    &(struct ua_request){
			    .flow = &flow,
			    .is_on_flow = params->flow != NULL,
			    .method = params->method,
			    .headers = params->headers,
			    .content_type = params->content_type,
			    .body = params->body,
			    .contact = params->has_contact ? &contact : NULL,
			    .timeout_ms = params->timeout_ms,
			    .on_reply = params->on_reply,
			    .arg = params->arg,
		    },
		    own, ret_request);
}

struct sip_request *sip_request_cancel(struct sip_request *request)
{
	if (request && !request->is_done)
		free_request(request);
	return NULL;
}

uint32_t sip_request_cseq(const struct sip_request *request)
{
	return request->cseq;
}

const struct sip_flow *sip_request_flow(const struct sip_request *request)
{
	return request->flow;
}

void ua_requests_free(struct sip_ua *ua)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &ua->requests)
		free_request(LIST_ENTRY(it, struct sip_request, node));
}

void sip_ua_set_credentials(struct sip_ua *ua, sip_credentials_fn *credentials, void *arg)
{
	ua->credentials = credentials;
	ua->credentials_arg = arg;
}
