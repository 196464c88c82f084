/* Any octets as the value of a header field, read as every type that we know: an address, a Via, a
 * dialog that is named, an event, a state of a subscription, CSeq, a media type, a list,
 * parameters. What is read lies inside; what is printed of it reads the same, and prints the same
 * again. */
#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "sip/build.h"
#include "sip/dialog_ref.h"
#include "sip/msg.h"
#include "sip/refer.h"
#include "sip/subscription.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct slice text, struct slice part)
{
	if (slice_present(part))
		assert(part.p >= text.p && part.p + part.len <= text.p + text.len);
}

/* The slice may hold any octet. */
static void print_between(struct buf *buf, const char *before, struct slice s, const char *behind)
{
	buf_adds(buf, before);
	buf_addslice(buf, s);
	buf_adds(buf, behind);
}

static void print_params(struct buf *buf, struct slice params)
{
	if (params.len == 0)
		return;
	buf_addc(buf, ';');
	buf_addslice(buf, params);
}

/* Whether each type can be read; if so, its normal form. */
typedef bool print_fn(struct slice value, struct buf *buf);

static bool print_addr(struct slice value, struct buf *buf)
{
	struct sip_addr addr;

	if (sip_addr_parse(value, &addr) != 0)
		return false;
	inside(value, addr.display);
	inside(value, addr.uri.text);
	inside(value, addr.params);
	inside(value, sip_addr_tag(&addr));
	assert(sip_uri_eq(&addr.uri, &addr.uri) || addr.uri.scheme == SIP_SCHEME_OTHER);
	if (slice_present(addr.display)) { /* without quotes, a backslash is a backslash */
		bool is_quoted = addr.display.p > value.p && addr.display.p[-1] == '"';

		print_between(buf, is_quoted ? "\"" : "", addr.display, is_quoted ? "\" " : " ");
	}
	print_between(buf, "<", addr.uri.text, ">");
	print_params(buf, addr.params);
	return true;
}

static bool print_via(struct slice value, struct buf *buf)
{
	struct sip_via via;

	if (sip_via_parse(value, &via) != 0)
		return false;
	assert(via.host.len > 0);
	inside(value, via.transport);
	inside(value, via.host);
	inside(value, via.branch);
	inside(value, via.received);
	inside(value, via.maddr);
	inside(value, via.params);
	print_between(buf, "SIP/2.0/", via.transport, " ");
	print_between(buf, via.is_host_v6 ? "[" : "", via.host, via.is_host_v6 ? "]" : "");
	if (via.port)
		buf_addf(buf, ":%u", via.port);
	print_params(buf, via.params);
	return true;
}

static bool print_dialog_ref(struct slice value, struct buf *buf)
{
	struct sip_dialog_ref ref;

	if (sip_dialog_ref_parse(value, &ref) != 0)
		return false;
	inside(value, ref.call_id);
	inside(value, ref.to_tag);
	inside(value, ref.from_tag);
	sip_dialog_ref_print(buf, &ref, false);
	return true;
}

static bool print_event(struct slice value, struct buf *buf)
{
	struct sip_event event;

	if (sip_event_parse(value, &event) != 0)
		return false;
	buf_adds(buf, event.package);
	if (event.id[0])
		buf_addf(buf, ";id=%s", event.id);
	return true;
}

static bool print_sub_status(struct slice value, struct buf *buf)
{
	static const char *const states[] = {"pending", "active", "terminated"};
	struct sip_sub_status status;

	if (sip_sub_status_parse(value, &status) != 0)
		return false;
	inside(value, status.reason);
	buf_adds(buf, states[status.state]);
	if (status.has_expires)
		buf_addf(buf, ";expires=%u", status.expires_s);
	if (status.retry_after_s)
		buf_addf(buf, ";retry-after=%u", status.retry_after_s);
	if (slice_present(status.reason))
		print_between(buf, ";reason=", status.reason, "");
	return true;
}

static bool print_sipfrag(struct slice value, struct buf *buf)
{
	struct slice reason;
	uint16_t status;

	if (sip_sipfrag_parse(value, &status, &reason) != 0)
		return false;
	assert(status >= 100 && status < 700);
	inside(value, reason);
	buf_addf(buf, "SIP/2.0 %u ", status);
	buf_addslice(buf, reason);
	return true;
}

static bool print_params_of(struct slice value, struct buf *buf)
{
	struct slice rest = value, name, part;

	while (sip_param_next(&rest, &name, &part)) {
		inside(value, name);
		inside(value, part);
	}
	(void)buf;
	(void)sip_param(value, "tag", &part);
	return false;
}

static void print_twice(print_fn *print, struct slice value)
{
	struct buf first = BUF_INIT, second = BUF_INIT;

	if (print(value, &first)) {
		assert(buf_err(&first) == 0);
		assert(print(buf_slice(&first), &second));
		assert(slice_eq(buf_slice(&first), buf_slice(&second)));
	}
	buf_done(&first);
	buf_done(&second);
}

/* The fields that are read out of a message: once each in a request that is fine but for them. */
static void in_a_message(const char *name, struct slice value)
{
	static const char head[] =
		"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\n";
	static struct sip_msg msg;
	struct buf buf = BUF_INIT;
	struct sip_content_type type;
	struct sip_cseq cseq;
	uint16_t status;
	const char *why;

	buf_adds(&buf, head);
	sip_build_header_slice(&buf, name, value);
	sip_build_end(&buf, NULL, SLICE_NONE);
	if (sip_msg_parse(buf.p, buf.len, &msg) == 0) {
		if (sip_msg_cseq(&msg, &cseq) == 0)
			assert(cseq.number <= INT32_MAX && cseq.method_text.len > 0);
		if (sip_msg_content_type(&msg, &type) == 0)
			assert(type.type.len > 0 && type.subtype.len > 0);
		for (int id = 0; id < SIP_H_COUNT; id++) {
			struct sip_list_walk walk = {0};
			struct slice element;

			while (sip_list_next(&msg, (enum sip_header_id)id, &walk, &element))
				inside(msg.text, element);
		}
		(void)sip_msg_check(&msg, &status, &why);
	}
	buf_done(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static print_fn *const types[] = {print_addr,     print_via,        print_dialog_ref,
					  print_event,    print_sub_status, print_sipfrag,
					  print_params_of};
	static const char *const names[] = {
		"CSeq",     "Content-Type", "Accept",       "Contact",      "Session-Expires",
		"RAck",     "Reason",       "Supported",    "Max-Forwards", "Retry-After",
		"Refer-To", "Record-Route", "History-Info", "Timestamp"};
	struct slice value = slice_make((const char *)data, size);

	if (size > SIP_MSG_OCTETS_MAX / 2)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		print_twice(types[i], value);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		in_a_message(names[i], value);
	return 0;
}
