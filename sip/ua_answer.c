/* The answers that need no policy, in the order of RFC 3261 8.2: is it well-formed, may its method
 * be used, is it for a dialog, did it come on two paths, what does it require, what is in its body.
 * What passes goes to its call, or up to the application. */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/multipart.h"
#include "sip/sips.h"
#include "sip/ua_priv.h"

/* Methods are compared octet by octet (7.1), option tags in any case (7.3.1). */
bool ua_in_list(const char *list, struct slice token, ua_same_fn *is_same)
{
	struct slice rest = slice_of(list);

	while (rest.len > 0) {
		size_t end = slice_find(rest, ',');

		if (is_same(slice_trim(slice_first(rest, end)), token))
			return true;
		rest = slice_from(rest, end + 1);
	}
	return false;
}

static bool has_to_tag(const struct sip_msg *msg)
{
	return slice_present(sip_msg_tag(msg, SIP_H_TO));
}

/* 8.2.1: a method that we know but do not serve is 405, one that we do not know 501. */
static bool method_is_served(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *request)
{
	if (ua_in_list(ua->allow, request->method_text, slice_eq))
		return true;
	(void)ua_reply(tx, request->method == SIP_METHOD_OTHER ? 501 : 405, NULL);
	return false;
}

/* 8.2.2.3: 420 names every option that we do not have. */
static bool requirements_are_met(struct sip_ua *ua, struct sip_stx *tx,
				 const struct sip_msg *request)
{
	struct buf unsupported = BUF_INIT;
	struct sip_list_walk walk = {0};
	struct slice option;

	while (sip_list_next(request, SIP_H_REQUIRE, &walk, &option)) {
		if (ua_in_list(ua->supported, option, slice_ieq))
			continue;
		buf_adds(&unsupported, unsupported.len == 0 ? "Unsupported: " : ", ");
		buf_addslice(&unsupported, option);
	}
	if (unsupported.len == 0)
		return true;
	buf_adds(&unsupported, "\r\n");
	(void)ua_reply(tx, buf_err(&unsupported) ? 500 : 420,
		       buf_err(&unsupported) ? NULL : unsupported.p);
	buf_done(&unsupported);
	return false;
}

static bool description_is_sound(struct sip_stx *tx, struct slice text)
{
	uint32_t line = 0;
	struct sdp *sdp;
	int err = sdp_parse(text, &sdp, &line);

	if (err == -ENOMEM)
		(void)ua_reply(tx, 500, NULL);
	else if (err)
		(void)ua_reply_text(tx, 400, "Malformed session description", NULL);
	else
		sdp_free(sdp);
	return err == 0;
}

/* 8.2.3, RFC 5621 3.1. Session descriptions are all that INVITE, UPDATE and PRACK may carry, alone
 * or beside parts that need not be handled. */
static bool body_is_understood(struct sip_stx *tx, const struct sip_msg *request)
{
	struct slice session;
	struct sip_part part;

	if (sip_part_of_msg(request, &part)) {
		(void)ua_reply_text(tx, 400, "Missing or malformed Content-Type", NULL);
		return false;
	}
	if (part.is_encoded && part.body.len > 0 && !part.is_optional) {
		(void)ua_reply(tx, 415, "Accept-Encoding: identity\r\n");
		return false;
	}
	switch (sip_part_check_session(&part)) {
	case 0:
		break;
	case ERR_STATE:
		(void)ua_reply(tx, 415, "Accept: application/sdp, multipart/mixed\r\n");
		return false;
	case ERR_LIMIT:
		(void)ua_reply_text(tx, 413, "Too many body parts", NULL);
		return false;
	default:
		(void)ua_reply_text(tx, 400, "Malformed multipart body", NULL);
		return false;
	}
	session = sip_part_session(&part);
	return session.len == 0 || description_is_sound(tx, session);
}

/* RFC 3261 20.1, RFC 4475 3.3.15: an Accept without session descriptions, or with nothing in it,
 * leaves nothing to answer with. */
static bool answer_is_accepted(struct sip_stx *tx, const struct sip_msg *request)
{
	struct sip_list_walk walk = {0};
	struct slice element, type;

	while (sip_list_next(request, SIP_H_ACCEPT, &walk, &element)) {
		type = slice_trim(slice_first(element, slice_find(element, ';')));
		if (slice_iis(type, "application/sdp") || slice_iis(type, "application/*") ||
		    slice_is(type, "*/*"))
			return true;
	}
	if (!slice_present(sip_msg_value(request, SIP_H_ACCEPT)))
		return true; /* 20.1: session descriptions are the default */
	(void)ua_reply(tx, 406, NULL);
	return false;
}

static bool session_is_sound(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *request)
{
	return answer_is_accepted(tx, request) && body_is_understood(tx, request) &&
	       call_timer_is_sound(ua, tx, request);
}

struct slice ua_sdp(const struct sip_msg *msg)
{
	struct sip_part part;

	return sip_part_of_msg(msg, &part) ? SLICE_NONE : sip_part_session(&part);
}

/* 9.2: the CANCEL is answered with the tag of the INVITE's answers. */
static void on_cancel(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *cancel)
{
	struct sip_stx *invite = sip_stx_find_cancelled(ua->tx, cancel);
	struct sip_call *call = invite ? sip_stx_watcher(invite) : NULL;

	if (!invite) {
		(void)ua_reply(tx, 481, NULL);
		return;
	}
	sip_stx_set_tag(tx, sip_stx_tag(invite));
	(void)ua_reply(tx, 200, NULL);
	if (call && !sip_stx_is_final(invite))
		call_cancelled(call, cancel);
}

/* RFC 6665 4.2.1.1, RFC 3903 6: an event package that is missing or that nobody serves. */
static bool package_is_served(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *request)
{
	struct slice event = sip_msg_value(request, SIP_H_EVENT);
	struct buf headers = BUF_INIT;

	if (request->method != SIP_METHOD_SUBSCRIBE && request->method != SIP_METHOD_PUBLISH)
		return true;
	if (slice_present(event) &&
	    sip_ua_has_package(ua, slice_trim(slice_first(event, slice_find(event, ';')))))
		return true;
	if (ua->packages)
		sip_build_header(&headers, "Allow-Events", "%s", ua->packages);
	(void)ua_reply(tx, buf_err(&headers) ? 500 : 489, headers.p);
	buf_done(&headers);
	return false;
}

bool ua_info_is_served(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *request)
{
	struct slice package = sip_msg_value(request, SIP_H_INFO_PACKAGE);
	struct buf headers = BUF_INIT;

	if (request->method != SIP_METHOD_INFO || !slice_present(package))
		return true;
	package = slice_trim(slice_first(package, slice_find(package, ';')));
	if (ua_in_list(ua->info_packages, package, slice_eq))
		return true;
	sip_build_header(&headers, "Recv-Info", "%s", ua->info_packages ? ua->info_packages : "");
	(void)ua_reply(tx, buf_err(&headers) ? 500 : 469, headers.p);
	buf_done(&headers);
	return false;
}

/* What a dialog without a call may still carry: its subscriptions are served already. */
static void on_leftover_request(struct sip_ua *ua, struct sip_stx *tx,
				const struct sip_msg *request)
{
	bool is_ours = request->method == SIP_METHOD_SUBSCRIBE ||
		       request->method == SIP_METHOD_REFER ||
		       request->method == SIP_METHOD_MESSAGE ||
		       request->method == SIP_METHOD_OPTIONS;

	if (!is_ours)
		(void)ua_reply(tx, 481, NULL);
	else if (!ua->handlers.on_request)
		(void)ua_reply(tx, 405, NULL);
	else
		ua->handlers.on_request(ua->handlers.arg, tx, request);
}

static void on_dialog_request(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *request)
{
	struct sip_dialog *dialog = sip_dialog_find(ua->dialogs, request);
	struct sip_call *call = dialog ? dialog->owner : NULL;
	struct sip_cseq cseq;

	if (!dialog) {
		if (!ua_usage_first_notify(ua, tx, request))
			(void)ua_reply(tx, 481, NULL);
		return;
	}
	/* A PRACK that a later request overtook is still the one that its answer waits for. */
	if (sip_msg_cseq(request, &cseq) ||
	    (sip_dialog_check_cseq(dialog, cseq.number) &&
	     !(request->method == SIP_METHOD_PRACK && call && call_rel_waits_for(call, request)))) {
		(void)ua_reply_text(tx, 500, "CSeq is out of order", NULL);
		return;
	}
	if (!requirements_are_met(ua, tx, request) || ua_usage_request(dialog, tx, request) ||
	    ua_refer_subscribed(ua, tx, request) || !package_is_served(ua, tx, request))
		return; /* answered */
	if ((request->method == SIP_METHOD_INVITE || request->method == SIP_METHOD_UPDATE ||
	     request->method == SIP_METHOD_PRACK) &&
	    !session_is_sound(ua, tx, request))
		return;
	if (call && !call->is_over)
		call_on_request(call, dialog, tx, request);
	else
		on_leftover_request(ua, tx, request);
}

/* A call that has gone through too many hands is a loop of forwarding rules in a circle: a focus
 * passes calls on, so it stops them as a proxy would. Other requests end here, and there an
 * endpoint does not mind (RFC 4475 3.3.11). */
static bool has_hops_left(const struct sip_msg *request)
{
	uint32_t hops = 70;

	(void)slice_u32(sip_msg_value(request, SIP_H_MAX_FORWARDS), 255, &hops);
	return request->method != SIP_METHOD_INVITE || hops > 0;
}

static bool makes_dialog(enum sip_method method)
{
	return method == SIP_METHOD_INVITE || method == SIP_METHOD_SUBSCRIBE ||
	       method == SIP_METHOD_REFER;
}

/* RFC 5630 5.1.2: what is asked for by sips: and has come in the clear, or needs a Contact that
 * nobody of ours listens for. */
static bool sips_is_kept(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *request)
{
	const struct sip_flow *flow = sip_stx_flow(tx);
	struct buf headers = BUF_INIT;
	char text[ADDR_TEXT_MAX];
	const char *host;

	if (sip_proto_is_secure(flow->proto))
		return true;
	if (!sip_is_sips(request->request_uri) &&
	    (!makes_dialog(request->method) || !sip_sips_is_asked(request) ||
	     !ua->net.ops->local_for(ua->net.ctx, SIP_TLS, &flow->remote, &(struct addr){0})))
		return true;
	if (!ua_host(ua, flow, false, &host, text))
		sip_sips_warning(SIP_WARN_SIPS_NOT_ALLOWED, host, &headers);
	(void)ua_reply(tx, 480, headers.p);
	buf_done(&headers);
	return false;
}

static bool needs_dialog(enum sip_method method)
{
	return method == SIP_METHOD_BYE || method == SIP_METHOD_PRACK ||
	       method == SIP_METHOD_UPDATE || method == SIP_METHOD_INFO ||
	       method == SIP_METHOD_NOTIFY;
}

static void on_new_request(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *request)
{
	if (!ua_refs_are_sound(tx, request)) {
		return; /* answered */
	} else if (needs_dialog(request->method)) {
		(void)ua_reply(tx, 481, NULL);
	} else if (!has_hops_left(request)) {
		(void)ua_reply(tx, 483, NULL);
	} else if (sip_stx_is_merged(tx)) {
		(void)ua_reply(tx, 482, NULL);
	} else if (!sips_is_kept(ua, tx, request) || !requirements_are_met(ua, tx, request)) {
		return; /* answered */
	} else if (request->method == SIP_METHOD_INVITE) {
		if (call_rel_is_sound(ua, tx, request) && session_is_sound(ua, tx, request))
			call_invited(ua, tx, request);
	} else if (ua_refer_subscribed(ua, tx, request) || !package_is_served(ua, tx, request)) {
		return; /* answered */
	} else if (ua->handlers.on_request) {
		ua->handlers.on_request(ua->handlers.arg, tx, request);
	} else {
		(void)ua_reply(tx, 405, NULL);
	}
}

void ua_on_request(void *arg, struct sip_stx *tx, const struct sip_msg *request)
{
	struct sip_ua *ua = arg;
	const char *text = NULL;
	uint16_t status = 400;

	if (sip_msg_check(request, &status, &text)) {
		ua->stats.malformed++;
		(void)ua_reply_text(tx, status, text, NULL);
	} else if (!method_is_served(ua, tx, request)) {
		return; /* answered */
	} else if (request->method == SIP_METHOD_CANCEL) {
		on_cancel(ua, tx, request);
	} else if (has_to_tag(request)) {
		on_dialog_request(ua, tx, request);
	} else {
		on_new_request(ua, tx, request);
	}
}

/* An ACK is never answered. */
void ua_on_ack(void *arg, const struct sip_flow *flow, const struct sip_msg *ack)
{
	struct sip_dialog *dialog;
	struct sip_ua *ua = arg;
	const char *text;
	uint16_t status;

	(void)flow;
	if (sip_msg_check(ack, &status, &text)) {
		ua->stats.malformed++;
		return;
	}
	dialog = sip_dialog_find(ua->dialogs, ack);
	if (dialog && dialog->owner)
		call_on_ack(dialog->owner, ack);
}
