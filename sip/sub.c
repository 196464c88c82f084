/* The notifier's side of a subscription: accepting, refreshing, ending (RFC 6665 4.2). What goes
 * out is in sub_notify.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/sips.h"
#include "sip/sub_priv.h"

/* Checks
 * -----------------------------------------------------------------------------------------------
 */

static bool type_fits(struct slice range, struct slice type)
{
	size_t slash = slice_find(range, '/');

	if (slice_is(range, "*/*") || slice_ieq(range, type))
		return true;
	return slice_is(slice_from(range, slash + 1), "*") &&
	       slice_ieq(slice_first(range, slash + 1),
			 slice_first(type, slice_find(type, '/') + 1));
}

static bool any_fits(struct slice range, const char *types)
{
	struct slice rest = slice_of(types);

	while (rest.len > 0) {
		size_t end = slice_find(rest, ',');

		if (type_fits(range, slice_trim(slice_first(rest, end))))
			return true;
		rest = slice_from(rest, end + 1);
	}
	return false;
}

/* Without Accept it is the package's default type, which is ours (RFC 6665 4.1.2.1). */
static bool is_accepted(const struct sip_msg *request, const char *types)
{
	struct sip_list_walk walk = {0};
	bool has_accept = false;
	struct slice element;

	while (types && sip_list_next(request, SIP_H_ACCEPT, &walk, &element)) {
		has_accept = true;
		if (any_fits(slice_trim(slice_first(element, slice_find(element, ';'))), types))
			return true;
	}
	return !has_accept;
}

/* An Expires that is no number counts as none. */
static uint32_t wanted_expires_s(const struct sip_sub *sub, const struct sip_msg *request)
{
	struct slice value = sip_msg_value(request, SIP_H_EXPIRES);
	uint64_t seconds = sub->expires_default_s;

	if (slice_present(value) && slice_u64(value, UINT64_MAX, &seconds) == -ERANGE)
		seconds = sub->expires_max_s;
	return (uint32_t)MIN_OF(seconds, (uint64_t)sub->expires_max_s);
}

static int refuse_brief(const struct sip_sub *sub, struct sip_stx *tx)
{
	char line[48];

	(void)snprintf(line, sizeof(line), "Min-Expires: %u\r\n", sub->expires_min_s);
	(void)ua_reply(tx, 423, line);
	return ERR_STATE;
}

static bool is_brief(const struct sip_sub *sub, uint32_t expires_s)
{
	return expires_s > 0 && expires_s < sub->expires_min_s && expires_s < SUB_423_BELOW_S;
}

/* Answers
 * ---------------------------------------------------------------------------------------------- */

static int answer(struct sip_sub *sub, struct sip_stx *tx, const struct sip_reply *reply,
		  uint32_t expires_s)
{
	struct buf headers = BUF_INIT;
	int err = ua_add_contact(
		sub->ua, sip_stx_flow(tx),
		&(struct ua_contact){sub->contact_user, sub->contact_params, sub->is_sips},
		&headers);

	if (!sub->is_implicit)
		sip_build_header(&headers, "Expires", "%u", expires_s);
	ua_add_capabilities(sub->ua, &headers);
	if (!err)
		err = buf_err(&headers);
	if (!err)
		err = sip_stx_respond(tx, &(struct sip_stx_response){
						  .reply = reply, .headers = buf_slice(&headers)});
	buf_done(&headers);
	return err;
}

/* From now on it lives for `expires_s`, and the whole state goes out. */
static void renew(struct sip_sub *sub, uint32_t expires_s)
{
	uint64_t ms = (uint64_t)expires_s * 1000;

	sub->expires_at_ms = wheel_now_ms(sub->ua->wheel) + ms;
	sub->wants_all = true;
	if (expires_s == 0) {
		timer_stop(sub->ua->wheel, &sub->expiry);
		sip_sub_end(sub, &(struct sip_sub_end){.reason = "timeout"});
	} else {
		timer_start(sub->ua->wheel, &sub->expiry, ms);
	}
	sub_pump_soon(sub);
}

void sub_refreshed(struct sip_sub *sub, struct sip_stx *tx, const struct sip_msg *request)
{
	uint32_t expires_s = wanted_expires_s(sub, request);
	struct sip_event event;

	sub->is_implicit = false; /* a SUBSCRIBE is told how long */
	if (sub->is_over || sub->is_ending) {
		(void)ua_reply(tx, 481, NULL);
	} else if (!is_accepted(request, sub->accept)) {
		(void)ua_reply(tx, 406, NULL);
	} else if (is_brief(sub, expires_s)) {
		(void)refuse_brief(sub, tx);
	} else if (answer(sub, tx, &(struct sip_reply){.status = 200}, expires_s)) {
		(void)ua_reply(tx, 500, NULL);
	} else {
		(void)sip_dialog_refresh(sub->usage.dialog, request);
		if (sip_event_parse(sip_msg_value(request, SIP_H_EVENT), &event) == 0)
			sub->event = event; /* the rates may have changed */
		sub->flow = *sip_stx_flow(tx);
		renew(sub, expires_s);
	}
}

/* A new one
 * -------------------------------------------------------------------------------------------- */

static int copy_contact(struct sip_sub *sub, const struct sip_msg *request,
			const struct sip_sub_params *params)
{
	struct slice user = params->contact_user;
	struct sip_uri uri;

	sub->is_sips = sip_sips_is_asked(request);
	if (!slice_present(user) && sip_uri_parse(request->request_uri, &uri) == 0)
		user = uri.user;
	sub->contact_user = slice_dup(slice_present(user) ? user : SLICE(""));
	sub->contact_params = slice_dup(
		slice_of(params->contact_params ? params->contact_params : ""));
	if (params->content_type)
		sub->accept = slice_dup(slice_of(params->content_type));
	if (!sub->contact_user || !sub->contact_params || (params->content_type && !sub->accept))
		return -ENOMEM;
	return 0;
}

/* The dialog that the request came in, or a new one. */
static int join_dialog(struct sip_sub *sub, struct sip_stx *tx, const struct sip_msg *request)
{
	struct sip_dialog *dialog = sip_dialog_find(sub->ua->dialogs, request);
	int err;

	if (dialog) {
		(void)sip_dialog_refresh(dialog, request);
		return ua_usage_join(&sub->usage, dialog);
	}
	err = sip_dialog_new_uas(request, sip_stx_tag(tx), &dialog);
	if (err)
		return err;
	ua_dialog_add(sub->ua, dialog);
	return ua_usage_join(&sub->usage, dialog);
}

static int make(struct sip_stx *tx, const struct sip_msg *request,
		const struct sip_sub_params *params, const struct sip_event *event,
		struct sip_sub **ret_sub)
{
	struct sip_ua *ua = sip_tx_layer_arg(sip_stx_layer(tx));
	struct sip_sub *sub = ua->sub_count < SIP_SUBS_MAX ? calloc(1, sizeof(*sub)) : NULL;
	int err;

	if (!sub)
		return ua->sub_count < SIP_SUBS_MAX ? -ENOMEM : ERR_LIMIT;
	ua->sub_count++;
	list_append(&ua->subs, &sub->node);
	sub->ua = ua;
	sub->usage.kind = UA_USAGE_SUB;
	sub->flow = *sip_stx_flow(tx);
	sub->handlers = *params->handlers;
	sub->arg = params->arg;
	sub->state = params->state;
	sub->event = *event;
	sub->expires_min_s = params->expires_min_s ? params->expires_min_s : SUB_EXPIRES_MIN_S;
	sub->expires_default_s = params->expires_default_s ? params->expires_default_s
							   : SUB_EXPIRES_DEFAULT_S;
	sub->expires_max_s = params->expires_max_s ? params->expires_max_s : SUB_EXPIRES_MAX_S;
	sub->interval_min_ms = params->interval_min_ms;
	sub_timers_init(sub);
	err = copy_contact(sub, request, params);
	if (!err)
		err = join_dialog(sub, tx, request);
	if (err) {
		sub_free(sub);
		return err;
	}
	*ret_sub = sub;
	return 0;
}

static void refuse(struct sip_ua *ua, struct sip_stx *tx, int err)
{
	if (err == ERR_LIMIT)
		ua->stats.overload++;
	switch (err) {
	case ERR_LIMIT:
		(void)ua_reply(tx, 503, "Retry-After: 10\r\n");
		break;
	case ERR_SIP_HEADER_MISSING:
		(void)ua_reply(tx, 489, NULL);
		break;
	case ERR_SIP_HEADER_SYNTAX:
		(void)ua_reply_text(tx, 400, "Malformed Event", NULL);
		break;
	default:
		(void)ua_reply(tx, 500, NULL);
		break;
	}
}

static int check_request(struct sip_sub *sub, struct sip_stx *tx, const struct sip_msg *request)
{
	uint32_t expires_s = wanted_expires_s(sub, request);

	if (!is_accepted(request, sub->accept)) {
		(void)ua_reply(tx, 406, NULL);
		return ERR_STATE;
	}
	return is_brief(sub, expires_s) ? refuse_brief(sub, tx) : 0;
}

int sip_sub_accept(struct sip_stx *tx, const struct sip_msg *request,
		   const struct sip_sub_params *params, struct sip_sub **ret_sub)
{
	struct sip_ua *ua = sip_tx_layer_arg(sip_stx_layer(tx));
	struct sip_event event;
	struct sip_sub *sub;
	uint32_t expires_s;
	int err;

	if (sip_stx_is_final(tx))
		return ERR_STATE;
	err = sip_event_parse(sip_msg_value(request, SIP_H_EVENT), &event);
	if (!err)
		err = make(tx, request, params, &event, &sub);
	if (err) {
		refuse(ua, tx, err);
		return err;
	}
	expires_s = wanted_expires_s(sub, request);
	err = check_request(sub, tx, request);
	if (!err) {
		err = answer(sub, tx,
			     &(struct sip_reply){.status = params->status ? params->status : 200,
						 .headers = params->headers},
			     expires_s);
		if (err)
			refuse(ua, tx, err);
	}
	if (err) {
		sub_free(sub);
		return err;
	}
	renew(sub, expires_s);
	*ret_sub = sub;
	return 0;
}

/* In the dialog of a call the id tells REFERs apart, also those that overtook each other; the one
 * that made its dialog needs none, and old phones know none (RFC 3515 2.4.6). */
static void name_refer(struct sip_sub *sub, const struct sip_msg *request)
{
	struct sip_addr to;
	struct sip_cseq cseq;

	sub->is_id_optional = sip_msg_addr(request, SIP_H_TO, &to) == 0 &&
			      !slice_present(sip_addr_tag(&to));
	if (sip_msg_cseq(request, &cseq) == 0)
		(void)snprintf(sub->event.id, sizeof(sub->event.id), "%u", cseq.number);
}

int sub_accept_refer(struct sip_stx *tx, const struct sip_msg *request,
		     const struct sip_sub_params *params, struct sip_sub **ret_sub)
{
	struct sip_ua *ua = sip_tx_layer_arg(sip_stx_layer(tx));
	struct sip_event event = {.package = "refer"};
	struct sip_sub *sub;
	int err;

	if (sip_stx_is_final(tx))
		return ERR_STATE;
	err = make(tx, request, params, &event, &sub);
	if (err) {
		refuse(ua, tx, err);
		return err;
	}
	sub->is_implicit = true;
	err = answer(sub, tx,
		     &(struct sip_reply){.status = params->status, .headers = params->headers},
		     params->expires_default_s);
	if (err) {
		refuse(ua, tx, err);
		sub_free(sub);
		return err;
	}
	name_refer(sub, request);
	renew(sub, params->expires_default_s);
	*ret_sub = sub;
	return 0;
}

/* The end
 * ------------------------------------------------------------------------------------------------
 */

void sub_free(struct sip_sub *sub)
{
	struct wheel *wheel = sub->ua->wheel;

	timer_stop(wheel, &sub->soon);
	timer_stop(wheel, &sub->expiry);
	timer_stop(wheel, &sub->heartbeat);
	sip_request_cancel(sub->notify);
	ua_usage_leave(sub->ua, &sub->usage);
	sub_news_done(&sub->news);
	free(sub->contact_user);
	free(sub->contact_params);
	free(sub->accept);
	list_remove(&sub->node);
	sub->ua->sub_count--;
	free(sub);
}

void subs_free(struct sip_ua *ua)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &ua->subs)
		sub_free(LIST_ENTRY(it, struct sip_sub, node));
}

/* Looking at it
 * ---------------------------------------------------------------------------------------------- */

void *sip_sub_arg(const struct sip_sub *sub)
{
	return sub->arg;
}

const struct sip_event *sip_sub_event(const struct sip_sub *sub)
{
	return &sub->event;
}

enum sip_sub_state sip_sub_state(const struct sip_sub *sub)
{
	return sub->is_ending || sub->is_over ? SIP_SUB_TERMINATED : sub->state;
}

uint32_t sip_sub_expires_s(const struct sip_sub *sub)
{
	uint64_t now_ms = wheel_now_ms(sub->ua->wheel);

	return sub->expires_at_ms > now_ms ? (uint32_t)((sub->expires_at_ms - now_ms) / 1000) : 0;
}

struct slice sip_sub_call_id(const struct sip_sub *sub)
{
	return slice_of(sub->usage.dialog->call_id);
}

struct slice sip_sub_remote(const struct sip_sub *sub)
{
	return slice_of(sub->usage.dialog->remote);
}

const struct sip_flow *sip_sub_flow(const struct sip_sub *sub)
{
	return &sub->flow;
}

struct sip_ua *sip_sub_ua(const struct sip_sub *sub)
{
	return sub->ua;
}
