/* focus/info.c */
#include "focus/info.h"

#include <string.h>

#include "focus/focus_priv.h"
#include "focus/seats.h"

#define ACCEPTED "application/dtmf-relay, application/dtmf, application/media_control+xml"

static struct slice media_type(struct slice content_type)
{
	return slice_trim(slice_first(content_type, slice_find(content_type, ';')));
}

/* A sign, or its event number (10 is '*', 11 is '#', 12 to 15 are A to D), as some phones write it.
 */
static char digit_of(struct slice text)
{
	static const char signs[] = "0123456789*#ABCD";
	uint32_t number;

	text = slice_trim(text);
	if (text.len == 1) {
		char sign = text.p[0];

		if (sign >= 'a' && sign <= 'd')
			sign = (char)(sign - 'a' + 'A');
		return sign && strchr(signs, sign) ? sign : '\0';
	}
	if (slice_u32(text, sizeof(signs) - 2, &number))
		return '\0';
	return signs[number];
}

/* The value of "Name=value" in a body of lines; absent when it is not there. */
static struct slice line_value(struct slice body, const char *name)
{
	while (body.len) {
		size_t end = slice_find(body, '\n');
		struct slice line = slice_first(body, end);
		size_t equals = slice_find(line, '=');

		if (equals < line.len && slice_iis(slice_trim(slice_first(line, equals)), name))
			return slice_trim(slice_from(line, equals + 1));
		body = slice_from(body, MIN_OF(end + 1, body.len));
	}
	return SLICE_NONE;
}

char info_digit(struct slice content_type, struct slice body, uint16_t *ret_ms)
{
	struct slice type = media_type(content_type), signal = line_value(body, "Signal");
	uint32_t ms;

	*ret_ms = 0;
	if (!slice_iis(type, "application/dtmf-relay") && !slice_iis(type, "application/dtmf"))
		return '\0';
	if (!slice_u32(line_value(body, "Duration"), UINT16_MAX, &ms))
		*ret_ms = (uint16_t)ms;
	return digit_of(slice_present(signal) ? signal : body);
}

void info_on_request(struct participant *p, struct sip_stx *tx, const struct sip_msg *request)
{
	struct slice type = media_type(sip_msg_value(request, SIP_H_CONTENT_TYPE));
	struct media_event event = {.kind = MEDIA_LEG_DTMF, .via = MEDIA_DIGIT_INFO};
	bool is_known = !request->body.len || slice_iis(type, "application/media_control+xml");

	/* The core lets no package through but ours. */
	if (slice_present(sip_msg_value(request, SIP_H_INFO_PACKAGE))) {
		seats_on_info(p, tx, request);
		return;
	}
	event.digit = info_digit(type, request->body, &event.duration_ms);
	(void)sip_stx_reply(tx,
			    event.digit || is_known
				    ? &(struct sip_reply){.status = 200}
				    : &(struct sip_reply){.status = 415,
							  .headers = "Accept: " ACCEPTED "\r\n"});
	if (event.digit)
		participant_on_media_event(p, &event);
}
