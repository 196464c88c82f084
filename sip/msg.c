/* How it works: one pass over the lines. Each header field becomes 16 octets of offsets; nothing is
 * copied and nothing is looked into but Content-Length and, for a response, CSeq. A malformed line
 * does not stop the pass: its error is kept, and the good fields let the transport answer 400 with
 * the Via, From, To, Call-ID and CSeq of the request (RFC 3261 8.2.6.2). */
#include "sip/msg.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/cursor.h"
#include "sip/names.h"

static_assert(SIP_H_COUNT < 256, "name_slots holds octets");
static_assert(sizeof(struct sip_header) == 16, "the index is meant to stay small");

/* The first error is the one that counts. */
static void note_error(struct sip_msg *msg, int err)
{
	if (msg->error == 0)
		msg->error = err;
}

static void parse_status_line(struct slice rest, struct sip_msg *msg)
{
	struct cursor c = cursor_of(rest);
	struct slice digits = cursor_span(&c, CHAR_DIGIT);
	uint32_t status;

	if (digits.len != 3 || slice_u32(digits, 699, &status) || status < 100) {
		note_error(msg, ERR_SIP_SYNTAX);
		return;
	}
	/* "SIP/2.0 100" without the space before an empty phrase is seen too. */
	if (!cursor_done(&c) && !cursor_skip(&c, ' '))
		note_error(msg, ERR_SIP_SYNTAX);
	msg->status = (uint16_t)status;
	msg->reason = cursor_rest(&c);
}

/* "SIP/2.0", "SIP/7.0" (ERR_SIP_VERSION), or something else. */
static int check_version(struct slice text)
{
	struct cursor c = cursor_of(text);

	if (slice_iis(text, "SIP/2.0"))
		return 0;
	if (!slice_istarts(text, SLICE("SIP/")))
		return ERR_SIP_SYNTAX;
	cursor_advance(&c, 4);
	if (cursor_span(&c, CHAR_DIGIT).len == 0 || !cursor_skip(&c, '.') ||
	    cursor_span(&c, CHAR_DIGIT).len == 0 || !cursor_done(&c))
		return ERR_SIP_SYNTAX;
	return ERR_SIP_VERSION;
}

/* "METHOD SP Request-URI SP SIP-Version". With wrong spacing the method is kept all the same, so
 * that the sender can be told (RFC 4475 3.1.2.8 to 3.1.2.10). */
static void parse_request_line(struct slice line, struct sip_msg *msg)
{
	struct cursor c = cursor_of(line);
	struct slice rest;
	size_t last_space;

	msg->is_request = true;
	msg->method_text = cursor_span(&c, CHAR_TOKEN);
	if (msg->method_text.len == 0 || !cursor_skip(&c, ' ')) {
		note_error(msg, ERR_SIP_SYNTAX);
		msg->method_text = SLICE_NONE; /* not a request by any reading */
		return;
	}
	msg->method = sip_method_parse(msg->method_text);
	rest = cursor_rest(&c);
	last_space = slice_find_last(rest, ' ');
	msg->request_uri = slice_first(rest, last_space);
	note_error(msg, check_version(slice_from(rest, last_space + 1)));
	if (msg->request_uri.len == 0 || slice_find(msg->request_uri, ' ') < msg->request_uri.len ||
	    slice_find(msg->request_uri, '\t') < msg->request_uri.len)
		note_error(msg, ERR_SIP_SYNTAX);
}

static void parse_start_line(struct slice line, struct sip_msg *msg)
{
	if (memchr(line.p, '\r', line.len))
		note_error(msg, ERR_SIP_SYNTAX);
	if (slice_istarts(line, SLICE("SIP/2.0 ")))
		parse_status_line(slice_from(line, 8), msg);
	else
		parse_request_line(line, msg);
}

/* One field, folds inside. */
static int index_field(struct slice field, struct sip_msg *msg)
{
	struct cursor c = cursor_of(field);
	struct slice name = cursor_span(&c, CHAR_TOKEN);
	struct sip_header *h = &msg->headers[msg->header_count];
	struct slice value;

	cursor_lws(&c); /* "To :" is right (RFC 3261 7.3.1) */
	if (name.len == 0 || name.len > UINT16_MAX || !cursor_skip(&c, ':'))
		return ERR_SIP_SYNTAX;
	value = cursor_trim(cursor_rest(&c));
	h->name_at = (uint32_t)slice_offset(msg->text, name);
	h->name_len = (uint16_t)name.len;
	h->value_at = (uint32_t)slice_offset(msg->text, value);
	h->value_len = (uint32_t)value.len;
	h->id = (uint16_t)sip_header_id_find(name);
	msg->header_count++;
	if (msg->first[h->id] == 0)
		msg->first[h->id] = msg->header_count;
	else if (msg->repeated == 0 && (sip_header_flags(h->id) & HEADER_S))
		msg->repeated = h->id;
	return 0;
}

/* Reads fields through the empty line. */
static void index_fields(struct cursor *c, struct sip_msg *msg)
{
	struct slice line, more;

	for (;;) {
		bool has_lone_cr;

		if (!cursor_line(c, &line)) {
			note_error(msg, ERR_SIP_SYNTAX); /* no empty line: cut off */
			return;
		}
		if (line.len == 0)
			return;
		has_lone_cr = memchr(line.p, '\r', line.len) != NULL;
		while (cursor_peek(c) == ' ' || cursor_peek(c) == '\t') {
			if (!cursor_line(c, &more))
				break; /* the next round ends it */
			has_lone_cr |= memchr(more.p, '\r', more.len) != NULL;
			line = slice_join(line, more);
		}
		if (msg->header_count == SIP_MSG_HEADERS_MAX) {
			note_error(msg, ERR_SIP_TOO_MANY_HEADERS);
			return;
		}
		/* Some parsers end a line at a lone CR: what one hop takes for a value is
		 * a header field to the next. */
		note_error(msg, has_lone_cr ? ERR_SIP_SYNTAX : index_field(line, msg));
	}
}

/* The body, and where the message ends (RFC 3261 18.3: octets behind it are dropped). */
static void find_body(struct slice rest, struct sip_msg *msg)
{
	struct slice length = sip_msg_value(msg, SIP_H_CONTENT_LENGTH);
	uint32_t octets = (uint32_t)rest.len;

	if (slice_present(length)) {
		int err = slice_u32(length, UINT32_MAX, &octets);

		if (err == -ERANGE)
			octets = UINT32_MAX;
		else if (err)
			note_error(msg, ERR_SIP_HEADER_SYNTAX);
	}
	if (octets > rest.len) {
		note_error(msg, ERR_SIP_BODY_SHORT);
		octets = (uint32_t)rest.len;
	}
	rest = slice_first(rest, octets);
	if (rest.len)
		msg->body = rest;
	msg->text = slice_join(msg->text, rest);
}

static void parse_all(struct slice all, struct sip_msg *msg)
{
	struct cursor c = cursor_of(all);
	struct slice line;

	while (cursor_peek(&c) == '\r' || cursor_peek(&c) == '\n') /* RFC 3261 7.5 */
		cursor_take(&c);
	msg->text = cursor_rest(&c);
	if (!cursor_line(&c, &line)) {
		note_error(msg, ERR_SIP_SYNTAX);
		return;
	}
	parse_start_line(line, msg);
	if (msg->error && msg->method_text.len == 0)
		return; /* nothing that could be answered */
	index_fields(&c, msg);
	if (msg->error != ERR_SIP_TOO_MANY_HEADERS)
		find_body(cursor_rest(&c), msg);
	if (!msg->is_request) {
		struct sip_cseq cseq;

		if (sip_msg_cseq(msg, &cseq) == 0) {
			msg->method = cseq.method;
			msg->method_text = cseq.method_text;
		}
	}
}

int sip_msg_parse(const char *data, size_t len, struct sip_msg *msg)
{
	assert(data != NULL && msg != NULL);

	memset(msg, 0, offsetof(struct sip_msg, headers));
	if (len > SIP_MSG_OCTETS_MAX)
		note_error(msg, ERR_SIP_TOO_LARGE);
	else
		parse_all(slice_make(data, len), msg);
	return msg->error;
}

struct slice sip_header_name(const struct sip_msg *msg, const struct sip_header *h)
{
	return slice_part(msg->text, h->name_at, h->name_len);
}

struct slice sip_header_value(const struct sip_msg *msg, const struct sip_header *h)
{
	return slice_part(msg->text, h->value_at, h->value_len);
}

struct slice sip_msg_value(const struct sip_msg *msg, enum sip_header_id id)
{
	const struct sip_header *h = sip_msg_next(msg, id, NULL);

	return h ? sip_header_value(msg, h) : SLICE_NONE;
}

const struct sip_header *sip_msg_next(const struct sip_msg *msg, enum sip_header_id id,
				      const struct sip_header *prev)
{
	size_t i;

	assert(id < SIP_H_COUNT);

	if (!prev)
		return msg->first[id] ? &msg->headers[msg->first[id] - 1] : NULL;
	for (i = (size_t)(prev - msg->headers) + 1; i < msg->header_count; i++) {
		if (msg->headers[i].id == id)
			return &msg->headers[i];
	}
	return NULL;
}

struct slice sip_msg_value_named(const struct sip_msg *msg, const char *name)
{
	enum sip_header_id id = sip_header_id_find(slice_of(name));
	const struct sip_header *h = NULL;

	while ((h = sip_msg_next(msg, id, h)) != NULL) {
		if (id != SIP_H_OTHER || slice_iis(sip_header_name(msg, h), name))
			return sip_header_value(msg, h);
	}
	return SLICE_NONE;
}

static struct slice rebase(struct slice part, struct slice from, const char *to)
{
	return part.p ? slice_make(to + slice_offset(from, part), part.len) : part;
}

int sip_msg_dup(const struct sip_msg *msg, struct sip_msg **ret_copy)
{
	size_t head = offsetof(struct sip_msg, headers) +
		      msg->header_count * sizeof(struct sip_header);
	struct sip_msg *copy = malloc(head + msg->text.len);
	char *text;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, msg, head);
	text = (char *)copy + head;
	if (msg->text.len)
		memcpy(text, msg->text.p, msg->text.len);
	copy->text = slice_make(text, msg->text.len);
	copy->method_text = rebase(msg->method_text, msg->text, text);
	copy->request_uri = rebase(msg->request_uri, msg->text, text);
	copy->reason = rebase(msg->reason, msg->text, text);
	copy->body = rebase(msg->body, msg->text, text);
	*ret_copy = copy;
	return 0;
}
