/* The values of Event and Subscription-State. */
#include "base/err.h"
#include "sip/cursor.h"
#include "sip/sub_priv.h"

static int copy_token(struct slice s, char out[SIP_EVENT_MAX])
{
	struct cursor c = cursor_of(s);

	(void)cursor_span(&c, CHAR_TOKEN);
	if (s.len == 0 || !cursor_done(&c))
		return ERR_SIP_HEADER_SYNTAX;
	if (s.len >= SIP_EVENT_MAX)
		return ERR_LIMIT;
	slice_cstr(s, out, SIP_EVENT_MAX);
	return 0;
}

/* "0.05" notifications a second as the milliseconds between two (RFC 6446 9.1): digits, and up to
 * ten more behind a point. 0 a second, or less than one an hour: an hour. */
static int parse_rate(struct slice text, uint32_t *ret_ms)
{
	struct cursor c = cursor_of(text);
	struct slice whole = cursor_span(&c, CHAR_DIGIT), part = SLICE("");
	double rate = 0, unit = 0.1;

	if (cursor_skip(&c, '.')) {
		part = cursor_span(&c, CHAR_DIGIT);
		if (part.len == 0 || part.len > 10)
			return ERR_SIP_HEADER_SYNTAX;
	}
	if (whole.len == 0 || whole.len > 9 || !cursor_done(&c))
		return ERR_SIP_HEADER_SYNTAX;
	for (size_t i = 0; i < whole.len; i++)
		rate = rate * 10 + (whole.p[i] - '0');
	for (size_t i = 0; i < part.len; i++, unit /= 10)
		rate += (part.p[i] - '0') * unit;
	if (rate * SUB_INTERVAL_MAX_MS < 1000.0)
		*ret_ms = SUB_INTERVAL_MAX_MS;
	else
		*ret_ms = rate > 1000 ? 1 : (uint32_t)(1000.0 / rate);
	return 0;
}

int sip_event_parse(struct slice value, struct sip_event *ret_event)
{
	struct sip_event event = {0};
	struct slice params, text;
	size_t end;
	int err;

	if (!slice_present(value))
		return ERR_SIP_HEADER_MISSING;
	end = slice_find(value, ';');
	params = slice_from(value, end + 1);
	err = copy_token(slice_trim(slice_first(value, end)), event.package);
	if (!err && sip_param(params, "id", &text))
		err = copy_token(text, event.id);
	if (!err && sip_param(params, "max-rate", &text))
		err = parse_rate(text, &event.max_rate_ms);
	if (!err && sip_param(params, "min-rate", &text))
		err = parse_rate(text, &event.min_rate_ms);
	if (!err && sip_param(params, "adaptive-min-rate", &text))
		err = parse_rate(text, &event.adaptive_ms);
	if (!err)
		*ret_event = event;
	return err;
}

int sip_sub_status_parse(struct slice value, struct sip_sub_status *ret_status)
{
	struct sip_sub_status status = {.state = SIP_SUB_ACTIVE};
	size_t end = slice_find(value, ';');
	struct slice params = slice_from(value, end + 1), text;
	struct slice word = slice_trim(slice_first(value, end));
	struct cursor c = cursor_of(word);

	(void)cursor_span(&c, CHAR_TOKEN);
	if (word.len == 0 || !cursor_done(&c))
		return ERR_SIP_HEADER_SYNTAX;
	if (slice_iis(word, "pending"))
		status.state = SIP_SUB_PENDING;
	else if (slice_iis(word, "terminated"))
		status.state = SIP_SUB_TERMINATED;
	if (sip_param(params, "expires", &text)) {
		if (slice_u32(text, UINT32_MAX, &status.expires_s))
			return ERR_SIP_HEADER_SYNTAX;
		status.has_expires = true;
	}
	if (sip_param(params, "retry-after", &text) &&
	    slice_u32(text, UINT32_MAX, &status.retry_after_s))
		return ERR_SIP_HEADER_SYNTAX;
	if (sip_param(params, "reason", &text))
		status.reason = text;
	*ret_status = status;
	return 0;
}
