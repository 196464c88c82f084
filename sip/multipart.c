#include "sip/multipart.h"

#include "base/err.h"
#include "sip/cursor.h"

/* Header fields of a body or part
 * ------------------------------------------------------------------------------------ */

static bool is_identity(struct slice encoding)
{
	return encoding.len == 0 || slice_iis(encoding, "identity") ||
	       slice_iis(encoding, "7bit") || slice_iis(encoding, "8bit") ||
	       slice_iis(encoding, "binary");
}

static void read_disposition(struct slice value, struct sip_part *part)
{
	struct slice params = slice_from(value, slice_find(value, ';')), handling;

	if (!slice_present(value))
		return;
	part->disposition = slice_trim(slice_first(value, slice_find(value, ';')));
	part->is_optional = sip_param(params, "handling", &handling) &&
			    slice_iis(handling, "optional");
}

static int read_type(struct slice value, struct sip_content_type *ret_type)
{
	struct cursor c = cursor_of(value);
	struct sip_content_type type = {.params = SLICE_NONE};

	type.type = cursor_span(&c, CHAR_TOKEN);
	cursor_lws(&c);
	if (!cursor_skip(&c, '/'))
		return ERR_SIP_HEADER_SYNTAX;
	cursor_lws(&c);
	type.subtype = cursor_span(&c, CHAR_TOKEN);
	if (type.type.len == 0 || type.subtype.len == 0)
		return ERR_SIP_HEADER_SYNTAX;
	(void)cursor_until(&c, ';');
	if (cursor_skip(&c, ';'))
		type.params = cursor_rest(&c);
	*ret_type = type;
	return 0;
}

static void read_id(struct slice value, struct sip_part *part)
{
	if (value.len > 2 && value.p[0] == '<')
		part->id = slice_part(value, 1, value.len - 2);
}

int sip_part_of_msg(const struct sip_msg *msg, struct sip_part *ret_part)
{
	struct sip_part part = {.body = msg->body};
	int err = 0;

	if (msg->body.len == 0)
		part.body = SLICE("");
	else
		err = sip_msg_content_type(msg, &part.type);
	if (err)
		return err;
	read_disposition(sip_msg_value(msg, SIP_H_CONTENT_DISPOSITION), &part);
	part.is_encoded = !is_identity(sip_msg_value(msg, SIP_H_CONTENT_ENCODING));
	read_id(sip_msg_value_named(msg, "Content-ID"), &part);
	*ret_part = part;
	return 0;
}

bool sip_part_is_multipart(const struct sip_part *part)
{
	return slice_iis(part->type.type, "multipart");
}

/* Parts
 * ---------------------------------------------------------------------------------------------- */

/* One line without its end; the last need not have one. False at the end. */
static bool take_line(struct cursor *c, struct slice *ret_line)
{
	if (cursor_done(c))
		return false;
	if (!cursor_line(c, ret_line)) {
		*ret_line = cursor_rest(c);
		cursor_advance(c, ret_line->len);
	}
	return true;
}

/* "--boundary", "--boundary--", white space behind it. */
static bool is_delimiter(struct slice line, struct slice boundary, bool *ret_is_last)
{
	struct slice tail = slice_from(line, 2 + boundary.len);

	if (line.len < 2 + boundary.len || !slice_starts(line, SLICE("--")) ||
	    !slice_starts(slice_from(line, 2), boundary))
		return false;
	*ret_is_last = slice_starts(tail, SLICE("--"));
	tail = slice_trim(slice_from(tail, *ret_is_last ? 2 : 0));
	return tail.len == 0;
}

int sip_multipart_start(const struct sip_part *whole, struct sip_multipart *ret_walk)
{
	struct cursor c = cursor_of(whole->body);
	struct slice boundary, line;
	bool is_last;

	if (!sip_param(whole->type.params, "boundary", &boundary) || boundary.len == 0 ||
	    boundary.len > SIP_BOUNDARY_MAX)
		return ERR_SIP_SYNTAX;
	while (take_line(&c, &line)) { /* what stands before the first is no part */
		if (is_delimiter(line, boundary, &is_last)) {
			*ret_walk = (struct sip_multipart){cursor_rest(&c), boundary, is_last};
			return 0;
		}
	}
	return ERR_SIP_SYNTAX;
}

static void read_header(struct slice line, struct sip_part *part)
{
	size_t colon = slice_find(line, ':');
	struct slice name = slice_trim(slice_first(line, colon));
	struct slice value = slice_trim(slice_from(line, colon + 1));
	struct sip_content_type type;

	if (slice_iis(name, "Content-Type") || slice_iis(name, "c")) {
		if (read_type(value, &type) == 0)
			part->type = type;
	} else if (slice_iis(name, "Content-Disposition")) {
		read_disposition(value, part);
	} else if (slice_iis(name, "Content-Encoding") || slice_iis(name, "e") ||
		   slice_iis(name, "Content-Transfer-Encoding")) {
		part->is_encoded |= !is_identity(value);
	} else if (slice_iis(name, "Content-ID")) {
		read_id(value, part);
	}
}

/* A line that begins with white space belongs to the one before it. */
static bool is_folded(const struct cursor *c)
{
	int ch = cursor_peek(c);

	return ch == ' ' || ch == '\t';
}

static void read_headers(struct cursor *c, struct sip_part *part)
{
	struct slice line, more;

	for (int i = 0; take_line(c, &line) && line.len > 0;) {
		while (is_folded(c) && take_line(c, &more))
			line = slice_join(line, more);
		if (i++ < SIP_PART_HEADERS_MAX)
			read_header(line, part);
	}
}

/* The line end before a delimiter belongs to the delimiter (RFC 2046 5.1.1). */
static struct slice without_line_end(struct slice body)
{
	if (body.len > 0 && body.p[body.len - 1] == '\n')
		body.len--;
	if (body.len > 0 && body.p[body.len - 1] == '\r')
		body.len--;
	return body;
}

bool sip_multipart_next(struct sip_multipart *walk, struct sip_part *ret_part)
{
	struct cursor c = cursor_of(walk->rest), start, end;
	struct sip_part part = {.type = {SLICE("text"), SLICE("plain"), SLICE_NONE}};
	bool is_found = false;
	struct slice line;

	if (walk->is_over || cursor_done(&c))
		return false;
	read_headers(&c, &part);
	start = end = c;
	while (!is_found && take_line(&c, &line)) {
		is_found = is_delimiter(line, walk->boundary, &walk->is_over);
		if (!is_found)
			end = c;
	}
	part.body = cursor_since(&end, start);
	if (is_found)
		part.body = without_line_end(part.body);
	walk->rest = cursor_rest(&c);
	walk->is_over |= !is_found;
	*ret_part = part;
	return true;
}

/* Session descriptions
 * ------------------------------------------------------------------------------- */

struct search {
	uint32_t parts, depth;
	struct slice session; /* the first that was found */
};

static bool is_session(const struct sip_part *part)
{
	return sip_content_is(&part->type, "application/sdp") && !part->is_encoded &&
	       part->body.len > 0 && !slice_iis(part->disposition, "early-session");
}

/* Nesting is bounded by SIP_PARTS_DEPTH_MAX. */
static int search(const struct sip_part *part, struct search *s);

static int search_parts(const struct sip_part *whole, struct search *s)
{
	bool is_choice = sip_content_is(&whole->type, "multipart/alternative");
	bool is_one_good = false;
	struct sip_multipart walk;
	struct sip_part part;
	int err = sip_multipart_start(whole, &walk), worst = 0;

	if (err)
		return err;
	if (++s->depth > SIP_PARTS_DEPTH_MAX)
		return ERR_LIMIT;
	while (sip_multipart_next(&walk, &part)) {
		if (++s->parts > SIP_PARTS_MAX)
			return ERR_LIMIT;
		err = search(&part, s);
		if (err && err != ERR_STATE)
			return err;
		is_one_good |= err == 0;
		worst = err ? err : worst;
	}
	s->depth--;
	return is_choice && is_one_good ? 0 : worst;
}

static int search(const struct sip_part *part, struct search *s)
{
	int err = 0;

	if (part->body.len == 0)
		return 0;
	if (sip_part_is_multipart(part) && !part->is_encoded) {
		err = search_parts(part, s);
	} else if (is_session(part)) {
		if (!slice_present(s->session))
			s->session = part->body;
	} else if (!slice_iis(part->disposition, "recipient-list")) {
		err = ERR_STATE; /* a list of recipients beside it is the focus' (RFC 5366 4) */
	}
	return part->is_optional && err != ERR_LIMIT ? 0 : err;
}

struct slice sip_part_session(const struct sip_part *whole)
{
	struct search s = {.session = SLICE_NONE};

	(void)search(whole, &s);
	return s.session;
}

int sip_part_check_session(const struct sip_part *whole)
{
	struct search s = {.session = SLICE_NONE};

	return search(whole, &s);
}
