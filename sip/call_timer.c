/* Session timers (RFC 4028): a session that nobody refreshes ends, in both roles.
 *
 * Each 2xx to INVITE or UPDATE says anew how long the session lives and who refreshes it. Who does
 * sends an UPDATE without an offer where the peer allows it, else a re-INVITE, after half of the
 * time (10); a third of it, at most 32 s, before the end whoever still waits says BYE. */
#include <errno.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/build.h"
#include "sip/ua_priv.h"

enum {
	EXPIRY_MARGIN_S = 32,      /* (10) */
	REFRESH_RETRY_S_MIN = 5,   /* after a refusal */
	SESSION_S_MAX = 7 * 86400, /* longer is as good as none, and kept within a timer */
	RETRIES_MAX = 4            /* of one request after 422 */
};

/* The clock
 * ---------------------------------------------------------------------------------------------
 */

static void on_refresh(void *arg)
{
	call_refresh(arg);
}

static void on_expiry(void *arg)
{
	struct sip_call *call = arg;

	if (call->state != SIP_CALL_ESTABLISHED)
		return;
	(void)call_keep_headers(
		call, &(struct sip_reply){.headers = "Reason: SIP ;cause=408 ;text=\"Session "
						     "timer expired\"\r\n"});
	call_set_end(call, SIP_END_TIMEOUT, 0, SLICE("session timer expired"));
	call_send_bye(call, call->dialog);
}

void call_timer_init(struct sip_call *call)
{
	timer_init(&call->session.refresh, on_refresh, call);
	timer_init(&call->session.expiry, on_expiry, call);
}

void call_timer_stop(struct sip_call *call)
{
	timer_stop(call->ua->wheel, &call->session.refresh);
	timer_stop(call->ua->wheel, &call->session.expiry);
}

static void restart(struct sip_call *call)
{
	struct call_session *session = &call->session;
	uint64_t life_ms = session->interval_s * (uint64_t)1000;
	uint64_t margin_ms = life_ms / 3;

	call_timer_stop(call);
	if (session->interval_s == 0)
		return;
	if (margin_ms > EXPIRY_MARGIN_S * 1000)
		margin_ms = EXPIRY_MARGIN_S * 1000;
	timer_start(call->ua->wheel, &session->expiry, life_ms - margin_ms);
	if (session->is_refresher)
		timer_start(call->ua->wheel, &session->refresh, life_ms / 2);
}

void call_refresh_again(struct sip_call *call)
{
	uint64_t delay_ms = call->session.interval_s * (uint64_t)1000 / 8;

	if (call->session.interval_s == 0 || !call->session.is_refresher)
		return;
	if (delay_ms < REFRESH_RETRY_S_MIN * 1000)
		delay_ms = REFRESH_RETRY_S_MIN * 1000;
	timer_start(call->ua->wheel, &call->session.refresh, delay_ms);
}

/* Header fields
 * -----------------------------------------------------------------------------------------
 */

/* delta-seconds, perhaps with parameters; a number beyond what we can hold is a very long time. */
static bool read_seconds(struct slice value, uint32_t *ret_s)
{
	struct slice number = slice_trim(slice_first(value, slice_find(value, ';')));
	int err = slice_u32(number, SESSION_S_MAX, ret_s);

	if (err == -ERANGE)
		*ret_s = SESSION_S_MAX;
	return err == 0 || err == -ERANGE;
}

static enum call_refresher refresher_of(struct slice value)
{
	struct slice who;

	if (!sip_param(slice_from(value, slice_find(value, ';') + 1), "refresher", &who))
		return CALL_REFRESHER_NONE;
	if (slice_iis(who, "uac"))
		return CALL_REFRESHER_UAC;
	return slice_iis(who, "uas") ? CALL_REFRESHER_UAS : CALL_REFRESHER_NONE;
}

static bool is_known(const struct sip_ua *ua)
{
	return ua_supports(ua, "timer");
}

/* As a server (9)
 * ---------------------------------------------------------------------------------------
 */

bool call_timer_is_sound(struct sip_ua *ua, struct sip_stx *tx, const struct sip_msg *request)
{
	struct slice expires = sip_msg_value(request, SIP_H_SESSION_EXPIRES);
	struct slice min = sip_msg_value(request, SIP_H_MIN_SE);
	uint32_t expires_s = 0, min_s = 0;
	char header[32];

	if (!is_known(ua))
		return true;
	if ((slice_present(expires) && !read_seconds(expires, &expires_s)) ||
	    (slice_present(min) && !read_seconds(min, &min_s))) {
		(void)ua_reply_text(tx, 400, "Malformed Session-Expires or Min-SE", NULL);
		return false;
	}
	if (!slice_present(expires) || expires_s >= ua->min_se_s ||
	    !sip_list_has(request, SIP_H_SUPPORTED, "timer"))
		return true;
	(void)snprintf(header, sizeof(header), "Min-SE: %u\r\n", (unsigned)ua->min_se_s);
	(void)ua_reply(tx, 422, header);
	return false;
}

void call_timer_asked(struct sip_call *call, const struct sip_msg *request)
{
	struct slice expires = sip_msg_value(request, SIP_H_SESSION_EXPIRES);
	struct call_session_ask ask = {0};

	ask.is_supported = sip_list_has(request, SIP_H_SUPPORTED, "timer") ||
			   sip_list_has(request, SIP_H_REQUIRE, "timer");
	if (slice_present(expires) && read_seconds(expires, &ask.expires_s))
		ask.refresher = refresher_of(expires);
	if (ask.expires_s < SIP_MIN_SE_S) /* inserted by a proxy that does not know better */
		ask.expires_s = 0;
	(void)read_seconds(sip_msg_value(request, SIP_H_MIN_SE), &ask.min_s);
	call->session_ask = ask;
}

/* Their wish, cut down to ours, but never below what they can bear. */
static uint32_t choose_interval(const struct sip_ua *ua, const struct call_session_ask *ask)
{
	uint32_t ours = ua->session_expires_s;
	uint32_t floor = ask->min_s > SIP_MIN_SE_S ? ask->min_s : SIP_MIN_SE_S;

	if (floor < ua->min_se_s)
		floor = ua->min_se_s;
	if (ask->expires_s == 0)
		return ours == 0 ? 0 : ours > floor ? ours : floor;
	if (ours == 0 || ours >= ask->expires_s)
		return ask->expires_s;
	return ours > floor ? ours : floor > ask->expires_s ? ask->expires_s : floor;
}

/* Table 2 in section 9. A caller that knows the extension refreshes unless it wants us to. */
static bool we_refresh(const struct call_session_ask *ask)
{
	return !ask->is_supported || ask->refresher == CALL_REFRESHER_UAS;
}

void call_timer_answer(struct sip_call *call, struct buf *headers)
{
	const struct call_session_ask *ask = &call->session_ask;
	struct call_session *session = &call->session;

	if (!is_known(call->ua))
		return;
	session->interval_s = choose_interval(call->ua, ask);
	session->is_refresher = we_refresh(ask);
	restart(call);
	if (session->interval_s == 0)
		return;
	if (ask->is_supported)
		sip_build_header(headers, "Require", "timer");
	sip_build_header(headers, "Session-Expires", "%u;refresher=%s",
			 (unsigned)session->interval_s, session->is_refresher ? "uas" : "uac");
}

/* As a client (7)
 * ---------------------------------------------------------------------------------------
 */

/* The first request leaves the choice of the refresher to the peer; later ones keep it (7.4). */
void call_timer_add(const struct sip_call *call, struct buf *buf)
{
	const struct call_session *session = &call->session;
	bool is_running = call->state == SIP_CALL_ESTABLISHED && session->interval_s > 0;
	uint32_t min_s = session->min_s > call->ua->min_se_s ? session->min_s : call->ua->min_se_s;
	uint32_t expires_s = is_running ? session->interval_s : call->ua->session_expires_s;

	if (!is_known(call->ua) || expires_s == 0)
		return;
	if (expires_s < min_s)
		expires_s = min_s;
	sip_build_header(buf, "Session-Expires", "%u%s", (unsigned)expires_s,
			 !is_running             ? ""
			 : session->is_refresher ? ";refresher=uac"
						 : ";refresher=uas");
	if (min_s > SIP_MIN_SE_S)
		sip_build_header(buf, "Min-SE", "%u", (unsigned)min_s);
}

void call_timer_answered(struct sip_call *call, const struct sip_msg *response)
{
	struct slice expires = sip_msg_value(response, SIP_H_SESSION_EXPIRES);
	struct call_session *session = &call->session;
	uint32_t interval_s = 0;

	if (!is_known(call->ua))
		return;
	session->retries = 0;
	if (!slice_present(expires) || !read_seconds(expires, &interval_s) || interval_s == 0) {
		session->interval_s = 0; /* no session timer (7.2) */
	} else {
		session->interval_s = interval_s < SIP_MIN_SE_S ? SIP_MIN_SE_S : interval_s;
		session->is_refresher = refresher_of(expires) != CALL_REFRESHER_UAS;
	}
	restart(call);
}

bool call_timer_too_small(struct call_tx *tx, const struct sip_msg *response)
{
	struct call_session *session = &tx->call->session;
	uint32_t min_s;

	if (response->status != 422 || session->retries == RETRIES_MAX ||
	    !read_seconds(sip_msg_value(response, SIP_H_MIN_SE), &min_s) || min_s <= session->min_s)
		return false;
	session->retries++;
	session->min_s = min_s;
	if (session->interval_s && session->interval_s < min_s)
		session->interval_s = min_s;
	return call_tx_again(tx) == 0;
}

uint32_t sip_call_session_expires_s(const struct sip_call *call, bool *ret_is_refresher)
{
	*ret_is_refresher = call->session.is_refresher;
	return call->session.interval_s;
}
