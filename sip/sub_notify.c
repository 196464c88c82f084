/* NOTIFY: one at a time, the newest news only, no more often than the subscriber wants.
 *
 * Everything that may make one due calls sub_pump_soon; pump() looks at what is due and at whether
 * it may go out. A refresh and the end do not wait for the throttle (RFC 6446 4, 5.3). */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/cursor.h"
#include "sip/sub_priv.h"

void sub_pump_soon(struct sip_sub *sub)
{
	if (!sub->is_filling && !sub->notify)
		timer_start(sub->ua->wheel, &sub->soon, 0);
}

/* News
 * -------------------------------------------------------------------------------------------------
 */

void sub_news_done(struct sub_news *news)
{
	free(news->content_type);
	buf_done(&news->body);
	*news = (struct sub_news){0};
}

static int news_set(struct sub_news *news, enum sip_sub_state state, const char *content_type,
		    struct slice body)
{
	struct sub_news fresh = {.is_there = true, .state = state};

	if (body.len > SIP_SUB_BODY_MAX)
		return ERR_LIMIT;
	if (content_type)
		fresh.content_type = slice_dup(slice_of(content_type));
	if (content_type)
		buf_addslice(&fresh.body, body);
	if ((content_type && !fresh.content_type) || buf_err(&fresh.body)) {
		sub_news_done(&fresh);
		return -ENOMEM;
	}
	sub_news_done(news);
	*news = fresh;
	return 0;
}

int sip_sub_notify(struct sip_sub *sub, enum sip_sub_state state, const char *content_type,
		   struct slice body)
{
	int err;

	/* The last NOTIFY may still be filled, by on_refresh. */
	if (sub->is_over || sub->is_last_sent || (sub->is_ending && !sub->is_filling))
		return ERR_STATE;
	err = news_set(&sub->news, state, content_type, body);
	if (err)
		return err;
	sub->state = state;
	sub_pump_soon(sub);
	return 0;
}

void sip_sub_changed(struct sip_sub *sub)
{
	if (sub->is_over || sub->is_ending)
		return;
	sub->wants_change = true;
	sub_pump_soon(sub);
}

void sip_sub_end(struct sip_sub *sub, const struct sip_sub_end *end)
{
	if (sub->is_over || sub->is_ending)
		return;
	sub->is_ending = true;
	sub->retry_after_s = end->retry_after_s;
	slice_cstr(slice_of(end->reason), sub->reason, sizeof(sub->reason));
	if (end->content_type) {
		sub->wants_all = false; /* this is the last word */
		(void)news_set(&sub->news, sub->state, end->content_type, end->body);
	}
	sub_pump_soon(sub);
}

/* Over
 * -------------------------------------------------------------------------------------------------
 */

static void over(struct sip_sub *sub, const char *reason)
{
	sub->is_over = true;
	if (reason)
		slice_cstr(slice_of(reason), sub->reason, sizeof(sub->reason));
	if (sub->handlers.on_ended)
		sub->handlers.on_ended(sub->arg, sub, sub->reason);
	sub_free(sub);
}

static bool is_put_off(const struct sip_msg *response, uint32_t *ret_s)
{
	struct slice value = response ? sip_msg_value(response, SIP_H_RETRY_AFTER) : SLICE_NONE;
	struct cursor c = cursor_of(value);
	struct slice digits = cursor_span(&c, CHAR_DIGIT);

	if (slice_u32(digits, UINT32_MAX, ret_s))
		return false;
	*ret_s = MIN_OF(*ret_s, (uint32_t)SIP_SUB_RETRY_MAX_S);
	return true;
}

/* 4.2.2: no answer, or a refusal that does not say when to come back, ends the subscription. */
static void on_reply(void *arg, const struct sip_msg *response, int err)
{
	struct sip_sub *sub = arg;
	uint32_t wait_s;

	(void)err;
	sub->notify = NULL;
	if (response && response->status < 300) {
		(void)sip_dialog_refresh(sub->usage.dialog, response);
		if (sub->is_last_sent)
			over(sub, NULL);
		else
			sub_pump_soon(sub);
		return;
	}
	if (sub->is_last_sent) {
		over(sub, NULL); /* it ends all the same */
	} else if (response && response->status != 481 && is_put_off(response, &wait_s)) {
		sub->wants_all = true;
		sub->hold_until_ms = wheel_now_ms(sub->ua->wheel) + (uint64_t)wait_s * 1000;
		sub_pump_soon(sub);
	} else {
		over(sub, "failed");
	}
}

/* Sending
 * ---------------------------------------------------------------------------------------------- */

static uint32_t interval_ms(const struct sip_sub *sub)
{
	return MAX_OF(sub->interval_min_ms, sub->event.max_rate_ms);
}

/* ";max-rate=0.2": in notifications a second, three places (RFC 6446 9.1). */
static void add_rate(struct buf *value, const char *name, uint32_t ms)
{
	uint32_t thousandths = ms ? (1000000 + ms / 2) / ms : 0;

	if (ms)
		buf_addf(value, ";%s=%u.%03u", name, thousandths / 1000, thousandths % 1000);
}

/* What was asked for is told as it is in force (RFC 6446 5.3, 6.3, 7.3). */
static void add_rates(const struct sip_sub *sub, struct buf *value)
{
	const struct sip_event *event = &sub->event;

	if (event->max_rate_ms)
		add_rate(value, "max-rate", interval_ms(sub));
	if (event->min_rate_ms)
		add_rate(value, "min-rate",
			 MAX_OF(event->min_rate_ms, (uint32_t)SUB_HEARTBEAT_MIN_MS));
	add_rate(value, "adaptive-min-rate", event->adaptive_ms);
}

static void add_state(const struct sip_sub *sub, struct buf *headers)
{
	struct buf value = BUF_INIT;

	if (sub->is_ending) {
		buf_addf(&value, "terminated;reason=%s", sub->reason);
		if (sub->retry_after_s)
			buf_addf(&value, ";retry-after=%u", sub->retry_after_s);
	} else {
		buf_addf(&value, "%s;expires=%u",
			 sub->state == SIP_SUB_PENDING ? "pending" : "active",
			 sip_sub_expires_s(sub));
		add_rates(sub, &value);
	}
	sip_build_header(headers, "Subscription-State", SLICE_FMT, SLICE_ARG(buf_slice(&value)));
	if (buf_err(&value))
		headers->err = buf_err(&value);
	buf_done(&value);
}

static int send_notify(struct sip_sub *sub)
{
	struct ua_contact contact = {sub->contact_user, sub->contact_params, sub->is_sips};
	struct buf headers = BUF_INIT;
	int err;

	if (sub->is_id_optional || !*sub->event.id)
		sip_build_header(&headers, "Event", "%s", sub->event.package);
	else
		sip_build_header(&headers, "Event", "%s;id=%s", sub->event.package, sub->event.id);
	add_state(sub, &headers);
	err = buf_err(&headers);
	if (!err)
		err = ua_request_new(sub->ua,
				     &(struct ua_request){
					     .dialog = sub->usage.dialog,
					     .flow = &sub->flow,
					     .method = "NOTIFY",
					     .headers = headers.p,
					     .content_type = sub->news.content_type,
					     .body = buf_slice(&sub->news.body),
					     .contact = &contact,
					     .on_reply = on_reply,
					     .arg = sub,
				     },
				     &sub->notify);
	buf_done(&headers);
	return err;
}

/* RFC 6446 7.3: timeout = count / (rate^2 * period), `count` being the NOTIFYs of the last period:
 * the more there were, the longer the next may be away. The period is ten of the intervals. */
static uint32_t adaptive_ms(const struct sip_sub *sub)
{
	uint64_t rate_ms = sub->event.adaptive_ms, period_ms = rate_ms * 10;
	uint64_t now_ms = wheel_now_ms(sub->ua->wheel);
	uint32_t kept = MIN_OF(sub->recent_count, (uint32_t)SUB_RECENT_MAX), count = 0;

	if (!rate_ms)
		return 0;
	for (uint32_t i = 0; i < kept; i++)
		count += now_ms - sub->recent_ms[i] < period_ms;
	if (sub->recent_count < 10) /* it begins as if the rate had been kept */
		count = MAX_OF(count, 10u);
	return (uint32_t)MIN_OF(rate_ms * count / 10, (uint64_t)SUB_INTERVAL_MAX_MS);
}

/* The longest interval in force; 0 none. */
static uint32_t longest_ms(const struct sip_sub *sub)
{
	uint32_t fixed = sub->event.min_rate_ms, adaptive = adaptive_ms(sub);

	return fixed && adaptive ? MIN_OF(fixed, adaptive) : fixed + adaptive;
}

static void set_heartbeat(struct sip_sub *sub)
{
	uint32_t ms = longest_ms(sub);

	timer_stop(sub->ua->wheel, &sub->heartbeat);
	if (ms > 0 && !sub->is_ending)
		timer_start(sub->ua->wheel, &sub->heartbeat,
			    MAX_OF(MAX_OF(ms, interval_ms(sub)), (uint32_t)SUB_HEARTBEAT_MIN_MS));
}

/* What could not even be written ends the subscription like one that had no answer. */
static void send_news(struct sip_sub *sub)
{
	if (sub->is_ending)
		sub->is_last_sent = true;
	if (send_notify(sub)) {
		over(sub, "failed");
		return;
	}
	sub->recent_ms[sub->recent_count++ % SUB_RECENT_MAX] = wheel_now_ms(sub->ua->wheel);
	sub->quiet_until_ms = wheel_now_ms(sub->ua->wheel) + interval_ms(sub);
	sub_news_done(&sub->news);
	set_heartbeat(sub);
}

static void fill(struct sip_sub *sub, void (*handler)(void *arg, struct sip_sub *sub))
{
	sub->is_filling = true;
	if (handler)
		handler(sub->arg, sub);
	sub->is_filling = false;
}

/* The whole state, and the last NOTIFY: at once. */
static void send_all(struct sip_sub *sub)
{
	if (sub->wants_all) {
		sub->wants_all = sub->wants_change = false;
		fill(sub, sub->handlers.on_refresh);
	}
	send_news(sub);
}

static void pump(struct sip_sub *sub)
{
	uint64_t now_ms = wheel_now_ms(sub->ua->wheel);

	if (sub->notify || sub->is_over)
		return;
	if (now_ms < sub->hold_until_ms) {
		timer_start(sub->ua->wheel, &sub->soon, sub->hold_until_ms - now_ms);
	} else if (sub->wants_all || sub->is_ending) {
		send_all(sub);
	} else if (!sub->wants_change && !sub->news.is_there) {
		return;
	} else if (now_ms < sub->quiet_until_ms) {
		timer_start(sub->ua->wheel, &sub->soon, sub->quiet_until_ms - now_ms);
	} else {
		if (sub->wants_change) {
			sub->wants_change = false;
			fill(sub, sub->handlers.on_change);
		}
		if (sub->news.is_there || sub->is_ending)
			send_news(sub);
	}
}

/* Timers
 * -----------------------------------------------------------------------------------------------
 */

static void on_soon(void *arg)
{
	pump(arg);
}

/* 4.2.1.4: the last NOTIFY says so, with what the application has to say. */
static void on_expiry(void *arg)
{
	struct sip_sub *sub = arg;

	if (sub->is_ending)
		return;
	sub->wants_all = true;
	sip_sub_end(sub, &(struct sip_sub_end){.reason = "timeout"});
}

static void on_heartbeat(void *arg)
{
	struct sip_sub *sub = arg;

	sub->wants_all = true;
	sub_pump_soon(sub);
}

void sub_timers_init(struct sip_sub *sub)
{
	timer_init(&sub->soon, on_soon, sub);
	timer_init(&sub->expiry, on_expiry, sub);
	timer_init(&sub->heartbeat, on_heartbeat, sub);
}
