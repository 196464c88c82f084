/* Referring: a REFER of ours, and what the other side says about how it goes (RFC 3515 2.4). */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/refer_priv.h"

struct sip_referring {
	struct list node; /* ua->referrings */
	struct sip_ua *ua;
	struct sip_watch *watch; /* NULL: over */
	struct timer timeout; /* to the final status; afterwards, to the end of the subscription */
	bool is_done;         /* on_done was called, nobody is told any more */
	uint16_t status;
	void (*on_progress)(void *arg, struct sip_referring *referring, uint16_t status,
			    struct slice reason);
	void (*on_done)(void *arg, struct sip_referring *referring,
			const struct sip_refer_result *result);
	void *arg;
};

static void free_referring(struct sip_referring *referring)
{
	timer_stop(referring->ua->wheel, &referring->timeout);
	sip_watch_drop(referring->watch);
	list_remove(&referring->node);
	referring->ua->referring_count--;
	free(referring);
}

void referrings_free(struct sip_ua *ua)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &ua->referrings)
		free_referring(LIST_ENTRY(it, struct sip_referring, node));
}

static void done(struct sip_referring *referring, const struct sip_refer_result *result)
{
	if (referring->is_done)
		return;
	referring->is_done = true;
	if (referring->on_done)
		referring->on_done(referring->arg, referring, result);
}

static void done_and_free(struct sip_referring *referring, const struct sip_refer_result *result)
{
	done(referring, result);
	free_referring(referring);
}

/* What the other side says
 * --------------------------------------------------------------------------------------- */

static bool is_sipfrag(const struct sip_msg *notify)
{
	struct sip_content_type type;

	return sip_msg_content_type(notify, &type) == 0 && sip_content_is(&type, "message/sipfrag");
}

/* After the final status the subscription ends by itself; it is waited for, but not for ever. */
static void take_final(struct sip_referring *referring)
{
	timer_start(referring->ua->wheel, &referring->timeout,
		    64 * (uint64_t)sip_tx_t1_ms(referring->ua->tx));
	done(referring, &(struct sip_refer_result){.status = referring->status});
}

static void on_notify(void *arg, struct sip_watch *watch, const struct sip_sub_status *status,
		      const struct sip_msg *notify)
{
	struct sip_referring *referring = arg;
	struct slice reason;
	uint16_t code;

	(void)watch;
	if (status->state == SIP_SUB_TERMINATED)
		referring->watch = NULL; /* on_ended follows */
	if (referring->is_done || !is_sipfrag(notify) ||
	    sip_sipfrag_parse(notify->body, &code, &reason))
		return;
	referring->status = code;
	if (referring->on_progress)
		referring->on_progress(referring->arg, referring, code, reason);
	if (code >= 200 && !referring->is_done)
		take_final(referring);
}

/* RFC 4488 4: the other side says that it makes no subscription. */
static void on_accepted(void *arg, struct sip_watch *watch, const struct sip_msg *response)
{
	struct sip_referring *referring = arg;
	struct slice value = sip_msg_value(response, SIP_H_REFER_SUB);
	struct slice word = slice_trim(slice_first(value, slice_find(value, ';')));

	(void)watch;
	if (referring->watch && slice_iis(word, "false"))
		done_and_free(referring, &(struct sip_refer_result){0});
}

static void on_ended(void *arg, struct sip_watch *watch, const struct sip_watch_end *end)
{
	struct sip_referring *referring = arg;

	(void)watch;
	referring->watch = NULL;
	done_and_free(referring, &(struct sip_refer_result){
					 .status = referring->status >= 200 ? referring->status : 0,
					 .refused = end->status,
					 .err = end->err,
				 });
}

static const struct sip_watch_handlers watch_handlers = {
	.on_accepted = on_accepted,
	.on_notify = on_notify,
	.on_ended = on_ended,
};

static void on_timeout(void *arg)
{
	done_and_free(arg, &(struct sip_refer_result){.err = ERR_SIP_TIMEOUT});
}

/* Sending one
 * --------------------------------------------------------------------------------------------- */

static int write_headers(const struct sip_refer_params *params, struct buf *lines)
{
	struct buf to = BUF_INIT;
	struct sip_uri uri;
	int err = sip_uri_parse(params->refer_to, &uri);

	if (err)
		return err;
	buf_addslice(&to, params->refer_to);
	if (slice_present(params->replaces)) {
		buf_adds(&to, slice_present(uri.headers) ? "&Replaces=" : "?Replaces=");
		sip_escape(&to, params->replaces, "");
	}
	sip_build_header(lines, "Refer-To", "<" SLICE_FMT ">", SLICE_ARG(buf_slice(&to)));
	err = buf_err(&to);
	buf_done(&to);
	if (slice_present(params->referred_by))
		sip_build_header_slice(lines, "Referred-By", params->referred_by);
	if (params->no_sub)
		sip_build_header(lines, "Refer-Sub", "false");
	if (params->headers)
		buf_adds(lines, params->headers);
	return err ? err : buf_err(lines);
}

static int make(struct sip_ua *ua, const struct sip_refer_params *params,
		struct sip_referring **ret_referring)
{
	struct sip_referring *referring;

	if (ua->referring_count >= SIP_REFERRALS_MAX)
		return ERR_LIMIT;
	referring = calloc(1, sizeof(*referring));
	if (!referring)
		return -ENOMEM;
	ua->referring_count++;
	list_append(&ua->referrings, &referring->node);
	referring->ua = ua;
	referring->on_progress = params->on_progress;
	referring->on_done = params->on_done;
	referring->arg = params->arg;
	timer_init(&referring->timeout, on_timeout, referring);
	*ret_referring = referring;
	return 0;
}

static int refer(struct sip_ua *ua, struct sip_call *call, const struct sip_refer_params *params,
		 struct sip_referring **ret_referring)
{
	struct sip_referring *referring;
	struct buf lines = BUF_INIT;
	int err;

	err = write_headers(params, &lines);
	if (!err)
		err = make(ua, params, &referring);
	if (err) {
		buf_done(&lines);
		return err;
	}
	err = watch_new_refer(ua,
			      &(struct sip_watch_params){
				      .event = "refer",
				      .target = params->target,
				      .to = params->to,
				      .from = params->from,
				      .route = params->route,
				      .contact_user = params->contact_user,
				      .headers = lines.p,
				      .call = call,
				      .handlers = &watch_handlers,
				      .arg = referring,
			      },
			      &referring->watch);
	buf_done(&lines);
	if (err) {
		free_referring(referring);
		return err;
	}
	if (params->timeout_ms)
		timer_start(ua->wheel, &referring->timeout, params->timeout_ms);
	*ret_referring = referring;
	return 0;
}

int sip_call_refer(struct sip_call *call, const struct sip_refer_params *params,
		   struct sip_referring **ret_referring)
{
	if (call->state != SIP_CALL_ESTABLISHED)
		return ERR_STATE;
	return refer(call->ua, call, params, ret_referring);
}

int sip_ua_refer(struct sip_ua *ua, const struct sip_refer_params *params,
		 struct sip_referring **ret_referring)
{
	return refer(ua, NULL, params, ret_referring);
}

struct sip_referring *sip_referring_drop(struct sip_referring *referring)
{
	if (referring && !referring->is_done) {
		referring->is_done =
			true; /* its memory goes later: a handler of it may be on the stack */
		timer_start(referring->ua->wheel, &referring->timeout, 0);
	}
	return NULL;
}
