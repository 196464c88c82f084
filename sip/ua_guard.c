/* What is asked before anything new begins. Dialogs that live, and the end of an INVITE that we
 * know, go past the guard: a flood must not starve a call. */
#include "sip/build.h"
#include "sip/guard.h"
#include "sip/ua_priv.h"

static bool belongs_to_something(struct sip_ua *ua, const struct sip_msg *request)
{
	if (request->method == SIP_METHOD_CANCEL)
		return sip_stx_find_cancelled(ua->tx, request) != NULL;
	return sip_dialog_find(ua->dialogs, request) != NULL;
}

uint16_t ua_may_begin(void *arg, const struct sip_flow *flow, const struct sip_msg *request,
		      struct buf *headers)
{
	struct sip_ua *ua = arg;
	uint32_t retry_s = 0;

	if (belongs_to_something(ua, request))
		return 0;
	ua->stats.new_in++;
	if (!ua->guard)
		return 0;
	switch (sip_guard_ask(ua->guard, flow, request, &retry_s)) {
	case SIP_GUARD_DENY:
		return 403;
	case SIP_GUARD_SILENCE:
		return SIP_TX_SILENCE;
	case SIP_GUARD_REFUSE:
		sip_build_header(headers, "Retry-After", "%u", retry_s);
		return 503;
	case SIP_GUARD_PASS:
		break;
	}
	return 0;
}

/* Who is refused for its own rate is no sign of overload. */
void ua_overload(void *arg, struct sip_overload *ret_overload)
{
	struct sip_ua *ua = arg;
	uint64_t refused = ua->stats.overload;

	if (ua->guard)
		refused += sip_guard_stats(ua->guard)->refused[SIP_GUARD_OVERLOAD];
	ret_overload->loss_percent = sip_overload_measure(&ua->overload, ua->stats.new_in, refused,
							  wheel_now_ms(ua->wheel));
	ret_overload->validity_ms = ret_overload->loss_percent ? SIP_OVERLOAD_OURS_MS : 0;
	ret_overload->seq_ms = clock_wall_ms(&ua->clock);
}
