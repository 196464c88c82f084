/* Any octets as the values that events and transfers are made of: Refer-To with Referred-By
 * (divided by a NUL), sipfrag, Event, Subscription-State. What a Refer-To embeds cannot make a line
 * of its own, and what is read from it reads the same when it is written again. */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "sip/refer.h"
#include "sip/subscription.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_one_line(const char *text)
{
	assert(!text || !strpbrk(text, "\r\n"));
}

/* Complete lines "Name: value\r\n" and nothing else. */
static void is_lines(const char *text)
{
	while (text && *text) {
		const char *end = strpbrk(text, "\r\n");

		assert(end && end[0] == '\r' && end[1] == '\n');
		assert(memchr(text, ':', (size_t)(end - text)));
		text = end + 2;
	}
}

static int parse(struct slice refer_to, struct slice referred_by, struct sip_refer *ret_refer)
{
	struct buf text = BUF_INIT;
	struct sip_msg msg;
	int err;

	buf_adds(&text, "REFER sip:a@b SIP/2.0\r\nRefer-To: ");
	buf_addslice(&text, refer_to);
	if (referred_by.len > 0) {
		buf_adds(&text, "\r\nReferred-By: ");
		buf_addslice(&text, referred_by);
	}
	buf_adds(&text, "\r\n\r\n");
	err = sip_msg_parse(text.p, text.len, &msg);
	if (!err)
		err = sip_refer_parse(&msg, ret_refer);
	buf_done(&text);
	return err;
}

static void refer(struct slice text)
{
	size_t cut = slice_find(text, '\0');
	struct sip_refer refer = {0}, again = {0};
	struct buf target = BUF_INIT;

	if (parse(slice_first(text, cut), slice_from(text, cut + 1), &refer))
		return;
	assert(refer.target && refer.display);
	is_one_line(refer.target);
	is_one_line(refer.replaces);
	is_one_line(refer.join);
	is_one_line(refer.referred_by);
	is_lines(refer.headers);
	buf_addf(&target, "<%s>", refer.target);
	assert(parse(buf_slice(&target), SLICE_NONE, &again) == 0);
	assert(strcmp(again.target, refer.target) == 0);
	assert(!again.replaces && !again.join && !again.headers);
	buf_done(&target);
	sip_refer_done(&refer);
	sip_refer_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make((const char *)data, size), reason;
	struct sip_sub_status status;
	struct sip_event event;
	uint16_t code;

	refer(text);
	if (sip_sipfrag_parse(text, &code, &reason) == 0) {
		assert(code >= 100 && code <= 699);
		assert(!reason.len ||
		       (reason.p >= text.p && reason.p + reason.len <= text.p + size));
	}
	if (sip_event_parse(text, &event) == 0)
		assert(*event.package && strlen(event.package) < SIP_EVENT_MAX);
	if (sip_sub_status_parse(text, &status) == 0)
		assert(status.state <= SIP_SUB_TERMINATED);
	return 0;
}
