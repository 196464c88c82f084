/* Messages out of a stream (RFC 3261 18.3): here only the end of the header section and
 * Content-Length are looked for; sip_msg_parse then sees one whole message. */
#include "base/err.h"
#include "sip/cursor.h"
#include "sip/msg.h"
#include "sip/names.h"

static struct cursor skip_line_ends(struct cursor c)
{
	while (cursor_peek(&c) == '\r' || cursor_peek(&c) == '\n') {
		struct cursor mark = c;

		/* A CR is taken with its LF only: the LF may still be on its way. */
		if (cursor_skip(&c, '\r') && !cursor_skip(&c, '\n'))
			return mark;
		cursor_skip(&c, '\n');
	}
	return c;
}

/* Content-Length of one line; *has_length and *octets change when the line is that field. */
static int read_length(struct slice line, bool *has_length, uint32_t *octets)
{
	struct cursor c = cursor_of(line);
	struct slice name = cursor_span(&c, CHAR_TOKEN);
	uint32_t value;

	if (sip_header_id_find(name) != SIP_H_CONTENT_LENGTH)
		return 0;
	cursor_lws(&c);
	if (!cursor_skip(&c, ':') || slice_u32(cursor_trim(cursor_rest(&c)), UINT32_MAX, &value))
		return ERR_SIP_SYNTAX;
	if (*has_length && value != *octets)
		return ERR_SIP_HEADER_REPEATED; /* where would the next message begin? */
	*has_length = true;
	*octets = value;
	return 0;
}

/* Reads the start line, and fields through the empty line. A folded line is joined as the parser
 * does. */
static int read_head(struct cursor *c, bool *has_length, uint32_t *octets)
{
	struct slice line, more;
	int err;

	if (!cursor_line(c, &line))
		return ERR_SIP_INCOMPLETE;
	for (;;) {
		if (!cursor_line(c, &line))
			return ERR_SIP_INCOMPLETE;
		if (line.len == 0)
			return 0;
		while (cursor_peek(c) == ' ' || cursor_peek(c) == '\t') {
			if (!cursor_line(c, &more))
				return ERR_SIP_INCOMPLETE;
			line = slice_join(line, more);
		}
		err = read_length(line, has_length, octets);
		if (err)
			return err;
	}
}

int sip_msg_frame(const char *data, size_t len, size_t *ret_skip, size_t *ret_len)
{
	struct cursor start = cursor_of(slice_make(data, len));
	struct cursor c = skip_line_ends(start);
	struct cursor mark = c;
	bool has_length = false;
	uint32_t octets = 0;
	size_t head;
	int err;

	*ret_skip = cursor_since(&c, start).len;
	*ret_len = 0;
	if (cursor_done(&c) || slice_is(cursor_rest(&c), "\r"))
		return ERR_SIP_INCOMPLETE;
	if (!char_is(cursor_peek(&c), CHAR_TOKEN))
		return ERR_SIP_SYNTAX;
	err = read_head(&c, &has_length, &octets);
	head = cursor_since(&c, mark).len;
	if (err == ERR_SIP_INCOMPLETE)
		return cursor_rest(&mark).len > SIP_MSG_OCTETS_MAX ? ERR_SIP_TOO_LARGE : err;
	if (err)
		return err;
	if (!has_length)
		return ERR_SIP_HEADER_MISSING;
	if (head > SIP_MSG_OCTETS_MAX || octets > SIP_MSG_OCTETS_MAX - head)
		return ERR_SIP_TOO_LARGE;
	*ret_len = head + octets;
	return cursor_rest(&c).len < octets ? ERR_SIP_INCOMPLETE : 0;
}
