/* Any octets as a SIP message: parse, every view, check, answer, frame; what parses prints to a
 * form that parses and prints to itself. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/buf.h"
#include "sip/build.h"
#include "sip/msg.h"
#include "sip/stun.h"
#include "sip/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_lists(const struct sip_msg *msg)
{
	for (int id = 0; id < SIP_H_COUNT; id++) {
		struct sip_list_walk walk = {0};
		struct slice element;
		struct sip_addr addr;
		struct sip_via via;

		while (sip_list_next(msg, (enum sip_header_id)id, &walk, &element)) {
			assert(element.len > 0);
			if (sip_addr_parse(element, &addr) == 0) {
				(void)sip_addr_tag(&addr);
				(void)sip_uri_eq(&addr.uri, &addr.uri);
			}
			if (sip_via_parse(element, &via) == 0)
				assert(via.host.len > 0);
		}
	}
}

static void look(const struct sip_msg *msg)
{
	struct sip_via via;
	struct sip_cseq cseq;
	struct sip_content_type type;
	uint16_t status = 0;
	const char *why = NULL;

	look_at_lists(msg);
	(void)sip_msg_via(msg, &via);
	if (sip_msg_cseq(msg, &cseq) == 0)
		assert(cseq.number <= INT32_MAX);
	(void)sip_msg_content_type(msg, &type);
	(void)sip_msg_value_named(msg, "X-Any");
	if (sip_msg_check(msg, &status, &why))
		assert(status >= 400 && why);
	else
		assert(!msg->is_request || msg->method == SIP_METHOD_ACK ||
		       sip_msg_can_answer(msg));
}

/* A 400 must be possible for whatever can be answered, and be a message. */
static void answer(const struct sip_msg *msg)
{
	struct buf buf = BUF_INIT;
	static struct sip_msg parsed;

	if (!sip_msg_can_answer(msg))
		return;
	sip_build_response(
		&buf, &(struct sip_build_response){.request = msg, .status = 400, .to_tag = "t"});
	sip_build_end(&buf, NULL, SLICE_NONE);
	assert(buf_err(&buf) == 0);
	if (buf.len <= SIP_MSG_OCTETS_MAX) {
		int err = sip_msg_parse(buf.p, buf.len, &parsed);

		/* One line of many hops becomes many lines: that may be too many for us to read. */
		assert(err == 0 || parsed.header_count == SIP_MSG_HEADERS_MAX);
	}
	buf_done(&buf);
}

static void print_twice(const struct sip_msg *msg)
{
	struct buf first = BUF_INIT, second = BUF_INIT;
	static struct sip_msg again;
	size_t skip, len;

	sip_msg_print(&first, msg);
	assert(buf_err(&first) == 0);
	if (first.len <= SIP_MSG_OCTETS_MAX) {
		assert(sip_msg_parse(first.p, first.len, &again) == 0);
		assert(again.header_count > 0 && again.is_request == msg->is_request);
		sip_msg_print(&second, &again);
		assert(slice_eq(buf_slice(&first), buf_slice(&second)));
		assert(sip_msg_frame(first.p, first.len, &skip, &len) == 0);
		assert(skip == 0 && len == first.len);
	}
	buf_done(&first);
	buf_done(&second);
}

/* What is looked at before anything is parsed: a STUN request beside SIP, and the trace. Masks
 * change no length, and what was masked once stays as it is. */
static void look_at_octets(const uint8_t *data, size_t size)
{
	char *once = malloc(size + 1), *twice = malloc(size + 1);
	struct addr remote = {.in = {.sin_family = AF_INET}};
	struct buf answer_text = BUF_INIT;

	if (once && twice) {
		memcpy(once, data, size);
		sip_trace_mask(once, size);
		memcpy(twice, once, size);
		sip_trace_mask(twice, size);
		assert(memcmp(once, twice, size) == 0);
		assert(slice_eq(sip_trace_call_id(slice_make(once, size)),
				sip_trace_call_id(slice_make(twice, size))));
	}
	(void)sip_stun_answer(slice_make((const char *)data, size), &remote, &answer_text);
	buf_done(&answer_text);
	free(once);
	free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sip_msg msg;
	struct sip_msg *copy;
	size_t skip = 0, len = 0;

	if (sip_msg_frame((const char *)data, size, &skip, &len) == 0)
		assert(skip + len <= size && len > 0);
	assert(skip <= size);
	look_at_octets(data, size);
	if (sip_msg_parse((const char *)data, size, &msg) == 0)
		print_twice(&msg);
	look(&msg);
	answer(&msg);
	if (sip_msg_dup(&msg, &copy) == 0) {
		look(copy);
		assert(slice_eq(copy->text, msg.text));
		free(copy);
	}
	return 0;
}
