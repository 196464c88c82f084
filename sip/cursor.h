/* sip/cursor.h -- the one way in which sip/ reads text: a position that cannot leave its slice.
 *
 * Every parser of this folder walks with a cursor; pointers into messages are moved here and
 * nowhere else. Reading past the end gives CURSOR_END, never an octet. A cursor is a plain value:
 * copying it marks a position. Character classes are those of RFC 3261 25.1, where noted wider.
 * Thread: any.
 */
#ifndef SIP_CURSOR_H
#define SIP_CURSOR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/slice.h"

enum { CURSOR_END = -1 };

enum char_class {
	CHAR_WS = 1,    /* SP HTAB CR LF: LWS, folds included */
	CHAR_TOKEN = 2, /* token */
	CHAR_DIGIT = 4,
	CHAR_HEX = 8,
	CHAR_SCHEME = 16, /* ALPHA DIGIT + - . */
	CHAR_HOST = 32,   /* ALPHA DIGIT - . and _, which is seen in names of internal hosts */
	CHAR_URI = 64,    /* visible, but < > and ": what a URI may hold, wider than the grammar */
	CHAR_ALPHA = 128
};

extern const uint8_t sip_char_class[256];

struct cursor {
	const char *at, *end;
};

static inline struct cursor cursor_of(struct slice s)
{
	/* An absent slice reads as an empty one; "" keeps `at` non-NULL for what is cut from it. */
	return s.p ? (struct cursor){s.p, s.p + s.len} : (struct cursor){"", ""};
}

static inline bool cursor_done(const struct cursor *c)
{
	return c->at >= c->end;
}

static inline int cursor_peek(const struct cursor *c)
{
	return c->at < c->end ? (unsigned char)*c->at : CURSOR_END;
}

/* Takes one octet; CURSOR_END at the end. */
static inline int cursor_take(struct cursor *c)
{
	return c->at < c->end ? (unsigned char)*c->at++ : CURSOR_END;
}

/* Takes `ch` when it is next. */
static inline bool cursor_skip(struct cursor *c, char ch)
{
	if (c->at >= c->end || *c->at != ch)
		return false;
	c->at++;
	return true;
}

static inline struct slice cursor_rest(const struct cursor *c)
{
	return slice_make(c->at, (size_t)(c->end - c->at));
}

/* What was read since `mark`, an earlier copy of the same cursor. */
static inline struct slice cursor_since(const struct cursor *c, struct cursor mark)
{
	return slice_make(mark.at, (size_t)(c->at - mark.at));
}

static inline bool char_is(int ch, unsigned classes)
{
	return ch >= 0 && (sip_char_class[(unsigned char)ch] & classes) != 0;
}

/* Takes the longest run of octets of the classes; may be empty. */
static inline struct slice cursor_span(struct cursor *c, unsigned classes)
{
	struct cursor mark = *c;

	while (c->at < c->end && (sip_char_class[(unsigned char)*c->at] & classes) != 0)
		c->at++;
	return cursor_since(c, mark);
}

static inline void cursor_lws(struct cursor *c)
{
	while (c->at < c->end && (sip_char_class[(unsigned char)*c->at] & CHAR_WS) != 0)
		c->at++;
}

/* Moves on by `len`, at most to the end. */
static inline void cursor_advance(struct cursor *c, size_t len)
{
	size_t left = (size_t)(c->end - c->at);

	c->at += len < left ? len : left;
}

/* Takes everything before `ch`, or everything when it does not occur. */
static inline struct slice cursor_until(struct cursor *c, char ch)
{
	struct slice rest = cursor_rest(c);
	const char *hit = rest.len ? memchr(rest.p, ch, rest.len) : NULL;

	if (hit)
		rest.len = (size_t)(hit - rest.p);
	c->at += rest.len;
	return rest;
}

/* Takes one line, which ends in LF; *ret_line is without the LF and a CR before it. False, and
 * nothing is taken, when no LF is left. */
bool cursor_line(struct cursor *c, struct slice *ret_line);

/* After an opening quote: takes through the closing one (RFC 3261 25.1 quoted-string, backslash
 * escapes). *ret_text is what stands between. False when there is no closing quote. */
bool cursor_quoted(struct cursor *c, struct slice *ret_text);

/* White space cut from both ends. Inline: it runs for every header field and parameter. */
static inline struct slice cursor_trim(struct slice s)
{
	while (s.len && (sip_char_class[(unsigned char)s.p[0]] & CHAR_WS) != 0) {
		s.p++;
		s.len--;
	}
	while (s.len && (sip_char_class[(unsigned char)s.p[s.len - 1]] & CHAR_WS) != 0)
		s.len--;
	return s;
}

/* Where `inner`, a part of `outer`, begins. */
static inline size_t slice_offset(struct slice outer, struct slice inner)
{
	return (size_t)(inner.p - outer.p);
}

/* `len` octets of `s` from `at`, clamped to it. */
static inline struct slice slice_part(struct slice s, size_t at, size_t len)
{
	if (at > s.len)
		at = s.len;
	return slice_make(s.p + at, len < s.len - at ? len : s.len - at);
}

/* Offset of the last `ch`, or s.len when it does not occur. */
static inline size_t slice_find_last(struct slice s, char ch)
{
	const char *hit = s.len ? memrchr(s.p, ch, s.len) : NULL;

	return hit ? (size_t)(hit - s.p) : s.len;
}

/* The smallest slice that holds both; `last` does not begin before `first`. */
static inline struct slice slice_join(struct slice first, struct slice last)
{
	return slice_make(first.p, (size_t)(last.p - first.p) + last.len);
}

#endif
