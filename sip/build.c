#include "sip/build.h"

#include <assert.h>
#include <errno.h>

#include "sip/cursor.h"

static void fail(struct buf *buf, int err)
{
	if (buf->err == 0)
		buf->err = err;
}

/* Adds a value: a fold (CRLF and white space) becomes one space; any other CR or LF would begin a
 * header field of its own, and is refused. */
static void add_value(struct buf *buf, struct slice value)
{
	struct cursor c = cursor_of(value);

	while (!cursor_done(&c)) {
		struct cursor mark = c;

		while (cursor_peek(&c) != '\r' && cursor_peek(&c) != '\n' && !cursor_done(&c))
			cursor_take(&c);
		buf_addslice(buf, cursor_since(&c, mark));
		if (cursor_done(&c))
			return;
		cursor_skip(&c, '\r');
		if (!cursor_skip(&c, '\n') || (cursor_peek(&c) != ' ' && cursor_peek(&c) != '\t')) {
			fail(buf, -EINVAL);
			return;
		}
		while (cursor_peek(&c) == ' ' || cursor_peek(&c) == '\t')
			cursor_take(&c);
		buf_addc(buf, ' ');
	}
}

static bool is_one_line(struct slice text)
{
	return slice_find(text, '\r') == text.len && slice_find(text, '\n') == text.len;
}

static void add_header(struct buf *buf, struct slice name, struct slice value)
{
	buf_addslice(buf, name);
	buf_add(buf, ": ", 2);
	add_value(buf, value);
	buf_add(buf, "\r\n", 2);
}

/* Header fields are all or nothing: a refused value leaves no half line behind. */
void sip_build_header_slice(struct buf *buf, const char *name, struct slice value)
{
	size_t before = buf->len;

	if (buf->err)
		return;
	add_header(buf, slice_of(name), value);
	if (buf->err == -EINVAL) {
		buf->len = before;
		buf->p[before] = '\0';
	}
}

void sip_build_header(struct buf *buf, const char *name, const char *fmt, ...)
{
	struct buf value = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&value, fmt, ap);
	va_end(ap);
	if (buf_err(&value))
		fail(buf, buf_err(&value));
	else
		sip_build_header_slice(buf, name, buf_slice(&value));
	buf_done(&value);
}

void sip_build_request(struct buf *buf, struct slice method, struct slice request_uri)
{
	assert(method.len > 0);

	if (!is_one_line(method) || !is_one_line(request_uri)) {
		fail(buf, -EINVAL);
		return;
	}
	buf_addslice(buf, method);
	buf_addc(buf, ' ');
	buf_addslice(buf, request_uri);
	buf_adds(buf, " SIP/2.0\r\n");
}

/* All hops, one a line, the top one as the transport filled it in (RFC 3261 18.2.1). */
static void copy_vias(struct buf *buf, const struct sip_msg *request, struct slice top_via)
{
	struct sip_list_walk walk = {0};
	struct slice element;
	bool is_top = true;

	while (sip_list_next(request, SIP_H_VIA, &walk, &element)) {
		sip_build_header_slice(buf, "Via",
				       is_top && slice_present(top_via) ? top_via : element);
		is_top = false;
	}
}

/* Also of a To that does not parse: its 400 deserves a tag like any other (RFC 3261 8.2.6.2). */
static bool has_tag(struct slice value)
{
	struct sip_addr addr;
	struct cursor c = cursor_of(value);

	if (sip_addr_parse(value, &addr) == 0)
		return slice_present(sip_addr_tag(&addr));
	while (!cursor_done(&c)) {
		cursor_until(&c, ';');
		cursor_skip(&c, ';');
		cursor_lws(&c);
		if (slice_istarts(cursor_rest(&c), SLICE("tag")))
			return true;
	}
	return false;
}

static void copy_to(struct buf *buf, const struct sip_msg *request, const char *to_tag)
{
	struct slice value = sip_msg_value(request, SIP_H_TO);

	if (!slice_present(value))
		return;
	if (!to_tag || has_tag(value)) {
		sip_build_header_slice(buf, "To", value);
		return;
	}
	buf_adds(buf, "To: ");
	add_value(buf, value);
	buf_addf(buf, ";tag=%s\r\n", to_tag);
}

static void copy_header(struct buf *buf, const struct sip_msg *request, enum sip_header_id id)
{
	struct slice value = sip_msg_value(request, id);

	if (slice_present(value))
		sip_build_header_slice(buf, sip_header_id_name(id), value);
}

void sip_build_response(struct buf *buf, const struct sip_build_response *response)
{
	const char *reason = response->reason ? response->reason
					      : sip_reason_phrase(response->status);

	assert(response->status >= 100 && response->status <= 699);

	if (!is_one_line(slice_of(reason))) {
		fail(buf, -EINVAL);
		return;
	}
	buf_addf(buf, "SIP/2.0 %u %s\r\n", response->status, reason);
	copy_vias(buf, response->request, response->top_via);
	copy_header(buf, response->request, SIP_H_FROM);
	copy_to(buf, response->request, response->to_tag);
	copy_header(buf, response->request, SIP_H_CALL_ID);
	copy_header(buf, response->request, SIP_H_CSEQ);
	if (response->status == 100)
		copy_header(buf, response->request, SIP_H_TIMESTAMP);
}

void sip_build_end(struct buf *buf, const char *content_type, struct slice body)
{
	if (content_type)
		sip_build_header_slice(buf, "Content-Type", slice_of(content_type));
	buf_addf(buf, "Content-Length: %zu\r\n\r\n", body.len);
	buf_addslice(buf, body);
}

/* Octets of the UTF-8 sequence at the cursor, 0 when it is none (RFC 3629 4). */
static size_t utf8_length(struct cursor c)
{
	int first = cursor_take(&c);
	int second = cursor_peek(&c);
	size_t len = first < 0x80                    ? 1
		     : first >= 0xc2 && first < 0xe0 ? 2
		     : first >= 0xe0 && first < 0xf0 ? 3
		     : first >= 0xf0 && first < 0xf5 ? 4
						     : 0;

	if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) ||
	    (first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90))
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((cursor_take(&c) & ~0x3f) != 0x80)
			return 0;
	}
	return len;
}

void sip_build_quoted(struct buf *buf, struct slice text)
{
	struct cursor c = cursor_of(text);

	buf_addc(buf, '"');
	while (!cursor_done(&c)) {
		struct cursor mark = c;
		int ch = cursor_peek(&c);
		size_t len = utf8_length(c);

		cursor_advance(&c, len ? len : 1);
		if (len == 0)
			buf_addc(buf, '?');
		else if (ch < 0x20 || ch == 0x7f)
			buf_addc(buf, ' ');
		else if (ch == '"' || ch == '\\')
			buf_addf(buf, "\\%c", ch);
		else
			buf_addslice(buf, cursor_since(&c, mark));
	}
	buf_addc(buf, '"');
}

void sip_msg_print(struct buf *buf, const struct sip_msg *msg)
{
	if (msg->is_request)
		sip_build_request(buf, msg->method_text, msg->request_uri);
	else
		buf_addf(buf, "SIP/2.0 %u ", msg->status);
	if (!msg->is_request) {
		buf_addslice(buf, msg->reason);
		buf_adds(buf, "\r\n");
	}
	for (size_t i = 0; i < msg->header_count; i++) {
		const struct sip_header *h = &msg->headers[i];
		struct slice name = h->id ? slice_of(sip_header_id_name(h->id))
					  : sip_header_name(msg, h);

		if (h->id != SIP_H_CONTENT_LENGTH)
			add_header(buf, name, sip_header_value(msg, h));
	}
	sip_build_end(buf, NULL, msg->body);
}
