/* Reading what passes, good message or not: the Call-ID, and the secrets. One look at each line;
 * the parser is not asked, for what it refuses is what one wants to see. */
#include <string.h>

#include "sip/cursor.h"
#include "sip/trace.h"

enum { MASK = 'x' };

/* The field's value when the line is one of `name` or of its compact form. Nearly every line is
 * neither, which its first letter tells. */
static inline bool is_field(struct slice line, const char *name, const char *compact,
			    struct slice *ret_value)
{
	struct cursor c = cursor_of(line);
	struct slice field;
	size_t colon;
	int first;

	cursor_lws(&c);
	line = cursor_rest(&c);
	first = cursor_peek(&c) | ('a' ^ 'A');
	if (first != (*name | ('a' ^ 'A')) && first != (*compact | ('a' ^ 'A')))
		return false;
	colon = slice_find(line, ':');
	field = slice_trim(slice_first(line, colon));
	if (colon == line.len || (!slice_iis(field, name) && !slice_iis(field, compact)))
		return false;
	*ret_value = slice_trim(slice_from(line, colon + 1));
	return true;
}

struct slice sip_trace_call_id(struct slice text)
{
	struct cursor c = cursor_of(text);
	struct slice line, value;

	cursor_lws(&c); /* a keep-alive before it */
	while (cursor_line(&c, &line) && line.len > 0) {
		if (!char_is(line.p[0], CHAR_WS) && is_field(line, "Call-ID", "i", &value))
			return value;
	}
	return SLICE_NONE;
}

/* Secrets
 * --------------------------------------------------------------------------------------------- */

/* All the masks write through here: `part` lies in `text`. */
static void paint(char *text, struct slice whole, struct slice part)
{
	char *at = text + slice_offset(whole, part);

	for (size_t i = 0; i < part.len; i++) {
		if (at[i] != '\r' && at[i] != '\n')
			at[i] = MASK;
	}
}

/* Behind `key`, in any case, up to one of `ends`; absent when the key is not there. */
static struct slice value_behind(struct slice s, const char *key, const char *ends)
{
	size_t len = strlen(key), end = 0;

	for (size_t i = 0; i + len <= s.len; i++) {
		if (!slice_istarts(slice_from(s, i), slice_of(key)))
			continue;
		s = slice_from(s, i + len);
		while (end < s.len && !strchr(ends, s.p[end]))
			end++;
		return slice_first(s, end);
	}
	return SLICE_NONE;
}

/* Digest: the response, which a dictionary can be tried on. Other schemes: all of it. */
static void mask_credentials(char *text, struct slice whole, struct slice value)
{
	size_t scheme = slice_find(value, ' ');
	struct slice rest = slice_from(value, scheme);

	if (!slice_iis(slice_first(value, scheme), "Digest")) {
		paint(text, whole, rest);
		return;
	}
	while (rest.len > 0) {
		struct slice hit = value_behind(rest, "response=", ",");

		if (!slice_present(hit))
			return;
		paint(text, whole, hit);
		rest = slice_from(rest, slice_offset(rest, hit) + hit.len);
	}
}

/* With the lines that continue it (RFC 3261 7.3.1). */
static struct slice unfold(struct cursor *c, struct slice line)
{
	struct slice more;

	while ((cursor_peek(c) == ' ' || cursor_peek(c) == '\t') && cursor_line(c, &more))
		line = slice_join(line, more);
	return line;
}

/* What a body may have in it that is nobody's business. */
enum body { BODY_ANY, BODY_DIGITS, BODY_SEATS };

static enum body body_of(struct slice type)
{
	if (slice_istarts(type, SLICE("application/dtmf")))
		return BODY_DIGITS;
	return slice_istarts(type, SLICE("application/vnd.hearth.seats")) ? BODY_SEATS : BODY_ANY;
}

/* Header fields through the empty line. */
static void mask_fields(char *text, struct slice whole, struct cursor *c, enum body *ret_body)
{
	struct slice line, value;

	*ret_body = BODY_ANY;
	while (cursor_line(c, &line) && line.len > 0) {
		line = unfold(c, line);
		if (is_field(line, "Authorization", "Authorization", &value) ||
		    is_field(line, "Proxy-Authorization", "Proxy-Authorization", &value))
			mask_credentials(text, whole, value);
		else if (is_field(line, "Content-Type", "c", &value))
			*ret_body = body_of(value);
	}
}

/* A last line need not end. */
static bool next_line(struct cursor *c, struct slice *ret_line)
{
	if (cursor_line(c, ret_line))
		return true;
	*ret_line = cursor_rest(c);
	cursor_advance(c, ret_line->len);
	return ret_line->len > 0;
}

static void mask_body(char *text, struct slice whole, struct cursor *c)
{
	struct slice line;

	while (next_line(c, &line)) {
		struct slice hit = SLICE_NONE;

		if (slice_istarts(line, SLICE("a=crypto:")))
			hit = value_behind(line, "inline:", " |;\r");
		else if (slice_istarts(line, SLICE("a=ice-pwd:")))
			hit = value_behind(line, "a=ice-pwd:", "\r");
		if (slice_present(hit))
			paint(text, whole, hit);
	}
}

/* "Signal=5" and "Duration=160", or the digit alone: a PIN is made of those. */
static void mask_digits(char *text, struct slice whole, struct cursor *c)
{
	struct slice line;

	while (next_line(c, &line)) {
		size_t equals = slice_find(line, '=');

		if (equals == line.len)
			paint(text, whole, line);
		else if (slice_iis(slice_trim(slice_first(line, equals)), "Signal"))
			paint(text, whole, slice_from(line, equals + 1));
	}
}

/* A room that moves takes its PINs along as hashes, and few digits are soon tried. */
static void mask_pins(char *text, struct slice whole, struct cursor *c)
{
	struct slice line;

	while (next_line(c, &line)) {
		struct slice hit;

		for (; slice_present(hit = value_behind(line, "pin=", " \r"));
		     line = slice_from(line, slice_offset(line, hit) + hit.len))
			paint(text, whole, hit);
	}
}

void sip_trace_mask(char *text, size_t len)
{
	struct slice whole = slice_make(text, len);
	struct cursor c = cursor_of(whole);
	enum body body;

	mask_fields(text, whole, &c, &body);
	if (body == BODY_DIGITS)
		mask_digits(text, whole, &c);
	else if (body == BODY_SEATS)
		mask_pins(text, whole, &c);
	else
		mask_body(text, whole, &c);
}
