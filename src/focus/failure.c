#include "focus/failure.h"

#include <stddef.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/log.h"
#include "focus/participant_priv.h"
#include "sip/msg.h"
#include "sip/sips.h"

/* Statuses that a party or its phone gives on purpose are no failures: 480, 486, 487, 600, 603. The
 * first row that holds the status is taken. */
static const struct {
	uint16_t low, high;
	const char *help;
} refusals[] = {
	{300, 399, "the peer sent the call elsewhere, and nobody there took it"},
	{401, 401, "the peer asks for credentials that were not given or not accepted"},
	{403, 403, "the peer does not let us call: it may know us by address, certificate or user"},
	{404, 404, "the peer knows nobody of that name"},
	{407, 407, "the proxy asks for credentials that were not given or not accepted"},
	{408, 408, "a proxy had no answer from the called party"},
	{410, 410, "the called party is gone for good"},
	{413, 416, "the peer cannot read what we sent"},
	{420, 421, "the peer lacks an extension, or we do"},
	{480, 480, NULL},
	{481, 481, "the peer knows nothing of this call: was it restarted?"},
	{482, 483, "the call goes round in circles between servers"},
	{484, 484, "the number is not complete"},
	{486, 487, NULL},
	{488, 488, "no codec or kind of media in common: compare media.codecs with the offer"},
	{494, 494, "the peer wants security mechanisms to be agreed"},
	{502, 502, "a gateway had a bad answer from behind it"},
	{503, 503, "the peer is overloaded, or every place that we know of it is down"},
	{504, 504, "a server behind the peer did not answer"},
	{513, 513, "the message was too large for the peer"},
	{400, 499, "the peer refused the request: its reason tells more"},
	{500, 599, "the peer has a fault: look at its log"},
	{600, 600, NULL},
	{603, 603, NULL},
	{604, 604, "nobody of that name anywhere"},
	{606, 606, "no codec or kind of media in common: compare media.codecs with the offer"},
	{607, 607, "the called party does not want this call"},
	{608, 608, "an intermediary does not let this call through"},
	{600, 699, "the peer refused the call everywhere"},
};

static const char *help_of_status(uint16_t status)
{
	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		if (status >= refusals[i].low && status <= refusals[i].high)
			return refusals[i].help;
	}
	return NULL;
}

static struct slice field_of(const struct sip_call_end *end, enum sip_header_id id)
{
	return end->message ? sip_msg_value(end->message, id) : SLICE_NONE;
}

/* RFC 5630 9: the scheme is what is wrong, not the party. */
static const char *help_of_warning(const struct sip_call_end *end)
{
	struct slice text = field_of(end, SIP_H_WARNING);
	uint32_t code = end->warning;

	if (slice_present(text))
		(void)slice_u32(slice_first(text, slice_find(text, ' ')), UINT16_MAX, &code);
	if (code == SIP_WARN_SIPS_NOT_ALLOWED)
		return "called by sips:, and reached by sip: only: register a sips: Contact, or "
		       "call by sip:";
	if (code == SIP_WARN_SIPS_REQUIRED)
		return "reached by sips: only: call by sips:, or give sip.listen a tls: address";
	return NULL;
}

const char *failure_help(const struct sip_call_end *end, bool was_connected)
{
	const char *help = was_connected ? NULL : help_of_warning(end);

	if (help)
		return help;
	if (end->by == SIP_END_TRANSPORT)
		return "the peer cannot be reached: its name, port, firewall or certificate";
	if (end->by == SIP_END_TIMEOUT && was_connected)
		return "the peer fell silent: it is gone, or its network is";
	if (end->by == SIP_END_TIMEOUT)
		return "nobody answered in time: is the peer up, do firewalls let its answers "
		       "through?";
	if (end->by == SIP_END_LOCAL && was_connected && end->text[0] && end->status == 0)
		return "the peer did not keep to the protocol: look at the messages";
	if (was_connected || end->by == SIP_END_LOCAL)
		return NULL;
	return help_of_status(end->status);
}

/* A ring without an answer is no failure: people are out. */
static bool rang_out(const struct participant *p, const struct sip_call_end *end)
{
	return p->is_outgoing && end->by == SIP_END_TIMEOUT && p->state == PARTICIPANT_ALERTING;
}

void failure_log(const struct participant *p, const struct sip_call_end *end)
{
	const char *help = failure_help(end, p->connected_wall_ms != 0);
	struct slice agent = field_of(end, SIP_H_SERVER);
	char path[sizeof(p->call_id) + 32] = "";

	if (!help || p->cause[0] || rang_out(p, end))
		return; /* p->cause: it was we who wanted its end */
	if (!slice_present(agent))
		agent = field_of(end, SIP_H_USER_AGENT);
	if (p->call_id[0]) /* else nobody was called at all */
		(void)snprintf(path, sizeof(path), "/api/v1/trace/%s/ladder", p->call_id);
	LOG(LOG_WARN, "call.failed", LOG_STR("room", p->room_id), LOG_STR("participant", p->id),
	    LOG_STR("call_id", p->call_id), LOG_STR("uri", p->uri),
	    LOG_STR("direction", p->is_outgoing ? "outgoing" : "incoming"),
	    LOG_INT("status", end->status), LOG_STR("reason", end->text),
	    LOG_SLICE("warning", field_of(end, SIP_H_WARNING)), LOG_SLICE("agent", agent),
	    LOG_STR("help", help), LOG_STR("look_at", path));
}
