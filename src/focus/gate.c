#include "focus/gate.h"

#include <string.h>

#include "base/log.h"
#include "focus/admission.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/refer_in.h"
#include "focus/status.h"

/* A challenge is no refusal yet: most that are asked answer. */
static void log_refused(const struct sip_msg *request, const struct status_row *row)
{
	struct sip_addr from;

	if (sip_msg_addr(request, SIP_H_FROM, &from))
		from.uri.text = SLICE_NONE;
	LOG(row->status == 401 ? LOG_DEBUG : LOG_WARN, "request.refused",
	    LOG_SLICE("method", request->method_text), LOG_SLICE("from", from.uri.text),
	    LOG_SLICE("request_uri", request->request_uri), LOG_INT("status", row->status),
	    LOG_STR("reason", focus_reject_name(row->reject)));
}

static int check(struct focus *focus, const struct auth_question *question,
		 struct sip_reply *ret_reply, struct buf *headers)
{
	const struct status_row *row;
	int err = auth_decide(focus->auth, question, &focus->caller, headers);

	if (!err)
		return 0;
	row = status_find(err);
	focus->stats.rejected[row->reject]++;
	log_refused(question->request, row);
	status_headers(row, focus->host, headers);
	*ret_reply = (struct sip_reply){
		.status = row->status, .reason = row->reason, .headers = headers->p};
	return err;
}

/* We are no proxy: what is not for us goes on only for those who may dial out. */
static bool is_outside(const struct focus *focus, struct slice request_uri)
{
	struct sip_uri uri;

	if (!focus->config->focus_dial_out || focus->drain.is_on ||
	    sip_uri_parse(request_uri, &uri))
		return false;
	if (uri.scheme == SIP_SCHEME_TEL)
		return focus->config->sip_outbound_proxy[0] != '\0';
	return sip_uri_is_sip(&uri) && uri.user.len > 0 &&
	       !admission_host_is_ours(focus->config, uri.host);
}

/* Where nobody could have the right, nobody is asked: then it is 404 (admission.c). A trusted peer
 * would get its own call back: it knows the way itself. */
static enum auth_need need_of_call(const struct focus *focus, const struct sip_flow *flow,
				   const struct sip_msg *request)
{
	bool may_be = users_count(focus->users) > 0 &&
		      !sip_guard_is_trusted(auth_guard(focus->auth), flow);

	return may_be && is_outside(focus, request->request_uri) ? AUTH_DIAL_OUT : AUTH_CALL;
}

bool gate_is_dial_out(const struct focus *focus, struct slice request_uri)
{
	struct user_view view = {0};

	if (focus->caller.user)
		user_view(focus->caller.user, &view);
	return view.may_dial_out && is_outside(focus, request_uri);
}

static void forget_caller(struct focus *focus)
{
	focus->caller = (struct auth_identity){0};
}

void gate_on_invite(void *arg, struct sip_call *call, const struct sip_msg *request)
{
	struct focus *focus = arg;
	struct buf headers = BUF_INIT;
	struct sip_reply reply;
	const struct sip_flow *flow = sip_call_flow(call);
	struct auth_question question = {request, flow, need_of_call(focus, flow, request)};

	sip_call_bind(call, &participant_orphan_handlers, NULL);
	if (check(focus, &question, &reply, &headers)) {
		(void)sip_call_reject(call, &reply);
	} else {
		sip_call_note(call, buf_slice(&headers));
		incoming_on_invite(focus, call, request);
	}
	forget_caller(focus);
	buf_done(&headers);
}

bool gate_pass(struct focus *focus, struct sip_stx *tx, const struct sip_msg *request,
	       enum auth_need need)
{
	struct buf headers = BUF_INIT;
	struct sip_reply reply;
	struct auth_question question = {request, sip_stx_flow(tx), need};
	int err = check(focus, &question, &reply, &headers);

	if (err)
		(void)sip_stx_reply(tx, &reply);
	else
		sip_stx_note(tx, buf_slice(&headers));
	buf_done(&headers);
	return !err;
}

/* With sip.registrar = open anybody registers, with off the registrar refuses. */
static enum auth_need need_of(struct focus *focus, const struct sip_msg *request)
{
	switch (request->method) {
	case SIP_METHOD_REGISTER:
		return strcmp(focus->config->sip_registrar, "users") == 0 ? AUTH_REGISTER
									  : AUTH_SPEAK;
	case SIP_METHOD_REFER:
		return strcmp(focus->config->focus_refer, "open") == 0 ||
				       (strcmp(focus->config->focus_refer, "rights") != 0 &&
					refer_in_has_dialog(focus, request))
			       ? AUTH_SPEAK
			       : AUTH_REFER_OUT;
	case SIP_METHOD_OPTIONS:
		return AUTH_CALL;
	case SIP_METHOD_OTHER: /* ALLOCATE is the only one that is let through */
		return strcmp(focus->config->sip_registrar, "users") == 0 ? AUTH_ALLOCATE
									  : AUTH_SPEAK;
	default:
		return AUTH_SPEAK;
	}
}

void gate_on_request(void *arg, struct sip_stx *tx, const struct sip_msg *request)
{
	struct focus *focus = arg;

	if (gate_pass(focus, tx, request, need_of(focus, request)))
		incoming_on_request(focus, tx, request);
	forget_caller(focus);
}

const struct auth_identity *gate_caller(const struct focus *focus)
{
	return &focus->caller;
}
