/* The subscriber's side (RFC 6665 4.1): SUBSCRIBE, NOTIFY in, refresh, end; and what follows a
 * REFER (RFC 3515 2.4), which begins with another request and is never refreshed. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/sub_priv.h"

enum {
	WATCH_REFRESH_BEFORE_S = 60, /* or a quarter of the time, when that is less */
	WATCH_RETRY_MS = 10000       /* after a refresh that was refused, but not for good */
};

/* The end
 * ------------------------------------------------------------------------------------------------
 */

static void leave_dialogs(struct sip_watch *watch)
{
	if (watch->usage.dialog && watch->usage.dialog != watch->start) {
		ua_usage_leave(watch->ua, &watch->usage);
	} else if (watch->usage.dialog) {
		list_remove(&watch->usage.node);
		watch->usage.dialog = NULL;
	}
	if (watch->start)
		ua_dialog_remove(watch->ua, watch->start);
	watch->start = sip_dialog_free(watch->start);
}

static void free_watch(struct sip_watch *watch)
{
	struct wheel *wheel = watch->ua->wheel;

	timer_stop(wheel, &watch->soon);
	timer_stop(wheel, &watch->refresh);
	timer_stop(wheel, &watch->silence);
	timer_stop(wheel, &watch->expiry);
	sip_request_cancel(watch->request);
	leave_dialogs(watch);
	free(watch->headers);
	free(watch->accept);
	free(watch->event_text);
	free(watch->contact_user);
	list_remove(&watch->node);
	watch->ua->watch_count--;
	free(watch);
}

static void over(struct sip_watch *watch, const struct sip_watch_end *end)
{
	watch->is_over = true;
	if (watch->handlers.on_ended)
		watch->handlers.on_ended(watch->arg, watch, end);
	free_watch(watch);
}

struct sip_watch *sip_watch_drop(struct sip_watch *watch)
{
	if (watch && !watch->is_over)
		free_watch(watch);
	return NULL;
}

void watches_free(struct sip_ua *ua)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &ua->watches)
		free_watch(LIST_ENTRY(it, struct sip_watch, node));
}

/* Its dialog
 * ---------------------------------------------------------------------------------------------- */

/* From the first of a NOTIFY and a 2xx; `dialog` is taken. */
static int establish(struct sip_watch *watch, struct sip_dialog *dialog)
{
	int err;

	dialog->local_cseq = watch->start->local_cseq;
	list_remove(&watch->usage.node);
	watch->usage.dialog = NULL;
	ua_dialog_remove(watch->ua, watch->start);
	ua_dialog_add(watch->ua, dialog);
	err = ua_usage_join(&watch->usage, dialog);
	assert(err == 0); /* it is new */
	return err;
}

static bool is_established(const struct sip_watch *watch)
{
	return watch->usage.dialog != watch->start;
}

/* SUBSCRIBE
 * ---------------------------------------------------------------------------------------------- */

static void on_reply(void *arg, const struct sip_msg *response, int err);

static int add_headers(const struct sip_watch *watch, struct buf *headers)
{
	if (!watch->is_refer) {
		sip_build_header(headers, "Event", "%s", watch->event_text);
		sip_build_header(headers, "Expires", "%u", watch->is_ending ? 0 : watch->expires_s);
	}
	if (watch->accept)
		sip_build_header(headers, "Accept", "%s", watch->accept);
	if (*watch->ua->allow)
		sip_build_header(headers, "Allow", "%s", watch->ua->allow);
	if (*watch->ua->supported)
		sip_build_header(headers, "Supported", "%s", watch->ua->supported);
	if (watch->headers)
		buf_adds(headers, watch->headers);
	return buf_err(headers);
}

/* It goes up when the REFER must be sent once more: after a challenge, or overtaken (500). */
void watch_name_refer(struct sip_watch *watch)
{
	if (watch->is_refer && watch->request)
		(void)snprintf(watch->event.id, sizeof(watch->event.id), "%u",
			       sip_request_cseq(watch->request));
}

static int send_request(struct sip_watch *watch, const char *method)
{
	struct ua_contact contact = {watch->contact_user, "", watch->is_sips};
	struct buf headers = BUF_INIT;
	int err = add_headers(watch, &headers);

	if (!err)
		err = ua_request_new(watch->ua,
				     &(struct ua_request){
					     .dialog = watch->usage.dialog,
					     .flow = &watch->flow,
					     .method = method,
					     .headers = headers.p,
					     .contact = &contact,
					     .on_reply = on_reply,
					     .arg = watch,
				     },
				     &watch->request);
	buf_done(&headers);
	return err;
}

static void subscribe(struct sip_watch *watch)
{
	int err;

	watch->wants_refresh = false;
	err = send_request(watch, "SUBSCRIBE");
	if (err)
		over(watch, &(struct sip_watch_end){.err = err});
}

/* Timer N: a NOTIFY follows each SUBSCRIBE (4.1.2.4). */
static void expect_notify(struct sip_watch *watch)
{
	if (!timer_running(&watch->silence))
		timer_start(watch->ua->wheel, &watch->silence,
			    64 * (uint64_t)sip_tx_t1_ms(watch->ua->tx));
}

/* The notifier's last word may take a while after the time is up. */
static void plan(struct sip_watch *watch, uint32_t expires_s)
{
	uint64_t ms = (uint64_t)expires_s * 1000;
	uint64_t before_ms = MIN_OF(ms / 4, (uint64_t)WATCH_REFRESH_BEFORE_S * 1000);

	if (watch->is_ending)
		return;
	timer_start(watch->ua->wheel, &watch->expiry,
		    ms + 64 * (uint64_t)sip_tx_t1_ms(watch->ua->tx));
	if (!watch->is_refer)
		timer_start(watch->ua->wheel, &watch->refresh, ms - before_ms);
}

static void on_success(struct sip_watch *watch, const struct sip_msg *response)
{
	struct sip_dialog *dialog;
	uint32_t expires_s;

	if (!is_established(watch) && sip_dialog_fork(watch->start, response, &dialog) == 0)
		(void)establish(watch, dialog);
	else
		(void)sip_dialog_refresh(watch->usage.dialog, response);
	if (slice_u32(sip_msg_value(response, SIP_H_EXPIRES), UINT32_MAX, &expires_s) == 0 &&
	    !watch->is_refer)
		plan(watch, MIN_OF(expires_s, watch->expires_s));
	else if (!watch->is_refer)
		plan(watch, watch->expires_s);
	if (watch->handlers.on_accepted)
		watch->handlers.on_accepted(watch->arg, watch, response);
}

/* 423 (4.1.2.1) says what would not be too brief. */
static bool may_try_longer(struct sip_watch *watch, const struct sip_msg *response)
{
	uint32_t min_s;

	if (response->status != 423 || watch->was_too_brief || watch->is_ending ||
	    slice_u32(sip_msg_value(response, SIP_H_MIN_EXPIRES), UINT32_MAX, &min_s) ||
	    min_s <= watch->expires_s)
		return false;
	watch->was_too_brief = true;
	watch->expires_s = min_s;
	return true;
}

/* 4.1.2.2: these say that there is no subscription any more; after others it lasts until it
 * expires. */
static bool ends_it(const struct sip_watch *watch, const struct sip_msg *response)
{
	static const uint16_t fatal[] = {404, 405, 410, 416, 480, 481, 482,
					 483, 484, 485, 489, 501, 604};

	if (!watch->has_notify || (watch->is_ending && !watch->wants_refresh))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(fatal); i++) {
		if (response->status == fatal[i])
			return true;
	}
	return false;
}

static void on_reply(void *arg, const struct sip_msg *response, int err)
{
	struct sip_watch *watch = arg;

	watch_name_refer(watch);
	watch->request = NULL;
	if (!response) {
		over(watch, &(struct sip_watch_end){.err = err});
	} else if (response->status < 300) {
		if (watch->wants_refresh)
			timer_start(watch->ua->wheel, &watch->soon, 0);
		on_success(watch, response); /* at last: it may be dropped there */
	} else if (may_try_longer(watch, response)) {
		subscribe(watch);
	} else if (ends_it(watch, response)) {
		over(watch, &(struct sip_watch_end){.status = response->status});
	} else if (watch->wants_refresh) {
		timer_start(watch->ua->wheel, &watch->soon, 0);
	} else { /* it lasts until it expires */
		timer_start(watch->ua->wheel, &watch->refresh, WATCH_RETRY_MS);
	}
}

/* NOTIFY
 * --------------------------------------------------------------------------------------------------
 */

static void take_state(struct sip_watch *watch, const struct sip_sub_status *status,
		       const struct sip_msg *notify)
{
	watch->has_notify = true;
	if (!watch->is_ending) /* then only the last one counts */
		timer_stop(watch->ua->wheel, &watch->silence);
	if (status->has_expires && status->state != SIP_SUB_TERMINATED)
		plan(watch, watch->is_refer ? status->expires_s
					    : MIN_OF(status->expires_s, watch->expires_s));
	if (watch->handlers.on_notify)
		watch->handlers.on_notify(watch->arg, watch, status, notify);
}

static int join_from_notify(struct sip_watch *watch, const struct sip_msg *notify)
{
	struct sip_dialog *dialog;
	int err = sip_dialog_new_uas(notify, watch->start->local_tag, &dialog);

	return err ? err : establish(watch, dialog);
}

void watch_notified(struct sip_watch *watch, struct sip_stx *tx, const struct sip_msg *notify)
{
	struct slice value = sip_msg_value(notify, SIP_H_SUBSCRIPTION_STATE);
	struct sip_sub_status status;

	if (watch->is_over) {
		(void)ua_reply(tx, 481, NULL);
		return;
	}
	if (!slice_present(value) || sip_sub_status_parse(value, &status)) {
		(void)ua_reply_text(tx, 400, "Missing or malformed Subscription-State", NULL);
		return;
	}
	if (!is_established(watch) && join_from_notify(watch, notify)) {
		(void)ua_reply(tx, 500, NULL);
		return;
	}
	(void)sip_dialog_refresh(watch->usage.dialog, notify);
	watch->flow = *sip_stx_flow(tx);
	(void)ua_reply(tx, 200, NULL);
	watch->is_over = status.state == SIP_SUB_TERMINATED; /* it cannot be dropped meanwhile */
	take_state(watch, &status, notify);
	if (status.state == SIP_SUB_TERMINATED)
		over(watch, &(struct sip_watch_end){.reason = status.reason,
						    .retry_after_s = status.retry_after_s});
}

/* Timers
 * -------------------------------------------------------------------------------------------------
 */

static void on_soon(void *arg)
{
	struct sip_watch *watch = arg;

	if (!watch->request)
		subscribe(watch);
}

static void on_refresh(void *arg)
{
	struct sip_watch *watch = arg;

	sip_watch_refresh(watch);
}

static void on_silence(void *arg)
{
	over(arg, &(struct sip_watch_end){.err = ERR_SIP_TIMEOUT});
}

/* Who is asked
 * ------------------------------------------------------------------------------------------- */

/* One SUBSCRIBE at a time; what is asked meanwhile follows. */
static void ask_again(struct sip_watch *watch)
{
	watch->wants_refresh = true;
	expect_notify(watch);
	if (!watch->request)
		timer_start(watch->ua->wheel, &watch->soon, 0);
}

void sip_watch_refresh(struct sip_watch *watch)
{
	if (!watch->is_over && !watch->is_ending && !watch->is_refer)
		ask_again(watch);
}

void sip_watch_end(struct sip_watch *watch)
{
	if (watch->is_over || watch->is_ending)
		return;
	watch->is_ending = true;
	timer_stop(watch->ua->wheel, &watch->refresh);
	timer_stop(watch->ua->wheel, &watch->silence); /* begins anew */
	ask_again(watch);
}

static int copy_text(const char *text, char **ret_copy)
{
	if (!text)
		return 0;
	*ret_copy = slice_dup(slice_of(text));
	return *ret_copy ? 0 : -ENOMEM;
}

static int copy_params(struct sip_watch *watch, const struct sip_watch_params *params)
{
	int err = sip_event_parse(slice_of(params->event), &watch->event);

	watch->handlers = *params->handlers;
	watch->arg = params->arg;
	watch->is_ending = params->is_fetch;
	watch->expires_s = params->expires_s ? params->expires_s : SUB_EXPIRES_DEFAULT_S;
	watch->contact_user = slice_dup(slice_present(params->contact_user) ? params->contact_user
									    : SLICE(""));
	if (!err)
		err = copy_text(params->event, &watch->event_text);
	if (!err)
		err = copy_text(params->accept, &watch->accept);
	if (!err)
		err = copy_text(params->headers, &watch->headers);
	return err || watch->contact_user ? err : -ENOMEM;
}

/* In the dialog of a call, or in one that begins. */
static int find_dialog(struct sip_watch *watch, const struct sip_watch_params *params)
{
	struct sip_call *call = params->call;
	int err;

	if (call) {
		if (call->is_over || !call->dialog || call->state == SIP_CALL_ENDING)
			return ERR_STATE;
		watch->flow = call->flow;
		watch->is_sips = call->is_sips;
		return ua_usage_join(&watch->usage, call->dialog);
	}
	err = ua_start_new(watch->ua,
			   &(struct ua_start){.target = params->target,
					      .to = params->to,
					      .from = params->from,
					      .route = params->route},
			   &watch->start);
	if (err)
		return err;
	watch->is_sips = ua_is_sips_start(watch->start);
	ua_dialog_add(watch->ua, watch->start);
	return ua_usage_join(&watch->usage, watch->start);
}

static int make(struct sip_ua *ua, const struct sip_watch_params *params, const char *method,
		struct sip_watch **ret_watch)
{
	struct sip_watch *watch = ua->watch_count < SIP_WATCHES_MAX ? calloc(1, sizeof(*watch))
								    : NULL;
	int err;

	if (!watch)
		return ua->watch_count < SIP_WATCHES_MAX ? -ENOMEM : ERR_LIMIT;
	ua->watch_count++;
	list_append(&ua->watches, &watch->node);
	watch->ua = ua;
	watch->usage.kind = UA_USAGE_WATCH;
	watch->is_refer = watch->is_id_optional = slice_is(slice_of(method), "REFER");
	timer_init(&watch->soon, on_soon, watch);
	timer_init(&watch->refresh, on_refresh, watch);
	timer_init(&watch->silence, on_silence, watch);
	timer_init(&watch->expiry, on_silence, watch);
	err = copy_params(watch, params);
	if (!err)
		err = find_dialog(watch, params);
	if (!err)
		err = send_request(watch, method);
	if (err) {
		free_watch(watch);
		return err;
	}
	expect_notify(watch);
	if (watch->is_refer) /* until a NOTIFY says how long */
		plan(watch, SUB_EXPIRES_DEFAULT_S);
	*ret_watch = watch;
	return 0;
}

int sip_watch_new(struct sip_ua *ua, const struct sip_watch_params *params,
		  struct sip_watch **ret_watch)
{
	return make(ua, params, "SUBSCRIBE", ret_watch);
}

int watch_new_refer(struct sip_ua *ua, const struct sip_watch_params *params,
		    struct sip_watch **ret_watch)
{
	return make(ua, params, "REFER", ret_watch);
}

void *sip_watch_arg(const struct sip_watch *watch)
{
	return watch->arg;
}
