#include "sip/uri.h"

#include <errno.h>

#include "base/err.h"
#include "sip/cursor.h"
#include "sip/msg.h" /* SIP_MSG_PARAMS_MAX */

static int hex_value(int ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch |= 0x20;
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* After a '%': takes two hex digits. The octet, or -1. */
static int take_escape(struct cursor *c)
{
	int high = hex_value(cursor_take(c));
	int low = hex_value(cursor_take(c));

	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Only visible characters, and every '%' begins a whole escape: who reads a parsed URI need not
 * look again. */
static bool is_uri_text(struct slice text)
{
	struct cursor c = cursor_of(text);

	while (!cursor_done(&c)) {
		int ch = cursor_take(&c);

		if (!char_is(ch, CHAR_URI) || (ch == '%' && take_escape(&c) < 0))
			return false;
	}
	return true;
}

static int parse_user(struct slice text, struct sip_uri *uri)
{
	struct cursor c = cursor_of(text);

	uri->user = cursor_until(&c, ':');
	if (cursor_skip(&c, ':'))
		uri->password = cursor_rest(&c);
	return uri->user.len && is_uri_text(text) ? 0 : ERR_SIP_URI_SYNTAX;
}

static int parse_v6(struct cursor *c, struct sip_uri *uri)
{
	bool has_colon = false;
	struct cursor mark = *c;

	while (char_is(cursor_peek(c), CHAR_HEX) || cursor_peek(c) == ':' || cursor_peek(c) == '.')
		has_colon |= cursor_take(c) == ':';
	uri->host = cursor_since(c, mark);
	uri->is_host_v6 = true;
	return has_colon && cursor_skip(c, ']') ? 0 : ERR_SIP_URI_SYNTAX;
}

static int parse_port(struct cursor *c, uint16_t *ret_port)
{
	uint32_t port;

	if (slice_u32(cursor_span(c, CHAR_DIGIT), UINT16_MAX, &port) || port == 0)
		return ERR_SIP_URI_SYNTAX;
	*ret_port = (uint16_t)port;
	return 0;
}

static int parse_hostport(struct cursor *c, struct sip_uri *uri)
{
	if (cursor_skip(c, '[')) {
		if (parse_v6(c, uri))
			return ERR_SIP_URI_SYNTAX;
	} else {
		uri->host = cursor_span(c, CHAR_HOST);
	}
	if (uri->host.len == 0)
		return ERR_SIP_URI_SYNTAX;
	return cursor_skip(c, ':') ? parse_port(c, &uri->port) : 0;
}

static int parse_tail(struct cursor *c, struct sip_uri *uri)
{
	if (!is_uri_text(cursor_rest(c)))
		return ERR_SIP_URI_SYNTAX;
	if (cursor_skip(c, ';'))
		uri->params = cursor_until(c, '?');
	if (cursor_skip(c, '?')) {
		uri->headers = cursor_rest(c);
		return 0;
	}
	return cursor_done(c) ? 0 : ERR_SIP_URI_SYNTAX;
}

/* RFC 3261 25.1: SIP-URI. An '@' can stand only behind the user part, which itself may hold ';' and
 * '?' (RFC 4475 3.1.1.2, 3.1.1.9): so it is looked for first. */
static int parse_sip(struct cursor *c, struct sip_uri *uri)
{
	struct slice rest = cursor_rest(c);
	size_t at = slice_find(rest, '@');
	int err;

	if (at < rest.len) {
		err = parse_user(slice_first(rest, at), uri);
		if (err)
			return err;
		cursor_advance(c, at + 1);
	}
	err = parse_hostport(c, uri);
	return err ? err : parse_tail(c, uri);
}

/* RFC 3966 3: the number, then parameters. */
static int parse_tel(struct cursor *c, struct sip_uri *uri)
{
	uri->user = cursor_until(c, ';');
	if (uri->user.len == 0 || !is_uri_text(uri->user) || !is_uri_text(cursor_rest(c)))
		return ERR_SIP_URI_SYNTAX;
	if (cursor_skip(c, ';'))
		uri->params = cursor_rest(c);
	return 0;
}

static enum sip_scheme scheme_of(struct slice name)
{
	if (slice_iis(name, "sip"))
		return SIP_SCHEME_SIP;
	if (slice_iis(name, "sips"))
		return SIP_SCHEME_SIPS;
	return slice_iis(name, "tel") ? SIP_SCHEME_TEL : SIP_SCHEME_OTHER;
}

int sip_uri_parse(struct slice text, struct sip_uri *ret_uri)
{
	struct sip_uri uri = {.text = text};
	struct cursor c = cursor_of(text);
	struct slice scheme;
	int err;

	if (!char_is(cursor_peek(&c), CHAR_ALPHA))
		return ERR_SIP_URI_SYNTAX;
	scheme = cursor_span(&c, CHAR_SCHEME);
	if (!cursor_skip(&c, ':'))
		return ERR_SIP_URI_SYNTAX;
	uri.scheme = scheme_of(scheme);
	if (uri.scheme == SIP_SCHEME_OTHER)
		err = is_uri_text(cursor_rest(&c)) && !cursor_done(&c) ? 0 : ERR_SIP_URI_SYNTAX;
	else
		err = uri.scheme == SIP_SCHEME_TEL ? parse_tel(&c, &uri) : parse_sip(&c, &uri);
	if (err == 0)
		*ret_uri = uri;
	return err;
}

/* Takes the next "name=value" off a list with `separator`. */
static bool next_pair(struct cursor *c, char separator, struct slice *ret_name,
		      struct slice *ret_value)
{
	struct cursor pair;

	while (cursor_skip(c, separator))
		;
	if (cursor_done(c))
		return false;
	pair = cursor_of(cursor_until(c, separator));
	*ret_name = cursor_until(&pair, '=');
	cursor_skip(&pair, '=');
	*ret_value = cursor_rest(&pair);
	return true;
}

static bool find_pair(struct slice list, char separator, const char *name, struct slice *ret_value)
{
	struct cursor c = cursor_of(list);
	struct slice found, value;

	for (int i = 0; i < SIP_MSG_PARAMS_MAX && next_pair(&c, separator, &found, &value); i++) {
		if (slice_iis(found, name)) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

struct slice sip_uri_without_headers(struct slice text)
{
	struct sip_uri uri;

	if (sip_uri_parse(text, &uri) || !slice_present(uri.headers))
		return text;
	return slice_first(text, slice_offset(text, uri.headers) - 1);
}

bool sip_uri_param(const struct sip_uri *uri, const char *name, struct slice *ret_value)
{
	return find_pair(uri->params, ';', name, ret_value);
}

bool sip_uri_header(const struct sip_uri *uri, const char *name, struct slice *ret_value)
{
	return find_pair(uri->headers, '&', name, ret_value);
}

/* One character for comparison. RFC 3261 19.1.4: a character outside of the reserved set equals its
 * escape; an escaped reserved one stays apart from the plain one (bit 8). */
static int next_compared(struct cursor *c)
{
	int ch = cursor_take(c);

	if (ch != '%')
		return ch;
	ch = take_escape(c);
	return ch > 0 && strchr(";/?:@&=+$,", ch) ? ch | 0x100 : ch;
}

static int fold_case(int ch)
{
	return ch >= 'A' && ch <= 'Z' ? ch + ('a' - 'A') : ch;
}

static bool text_eq(struct slice a, struct slice b, bool is_any_case)
{
	struct cursor ca = cursor_of(a), cb = cursor_of(b);

	while (!cursor_done(&ca) && !cursor_done(&cb)) {
		int x = next_compared(&ca), y = next_compared(&cb);

		if (is_any_case ? fold_case(x) != fold_case(y) : x != y)
			return false;
	}
	return cursor_done(&ca) && cursor_done(&cb);
}

enum presence { ABSENT, DIFFERENT, EQUAL };

/* Whether a list has a pair of that name, and one with that value. (A name should occur once; when
 * it does not, any of its values will do: a URI equals itself.) */
static enum presence look_up(struct slice list, char separator, struct slice name,
			     struct slice value)
{
	struct cursor c = cursor_of(list);
	enum presence found = ABSENT;
	struct slice other_name, other;

	for (int i = 0; i < SIP_MSG_PARAMS_MAX && next_pair(&c, separator, &other_name, &other);
	     i++) {
		if (!text_eq(other_name, name, true))
			continue;
		if (text_eq(other, value, separator == ';')) /* values of headers: case matters */
			return EQUAL;
		found = DIFFERENT;
	}
	return found;
}

/* RFC 3261 19.1.4: these differ from being absent, even with their default value. */
static bool must_be_in_both(struct slice name)
{
	return slice_iis(name, "user") || slice_iis(name, "ttl") || slice_iis(name, "method") ||
	       slice_iis(name, "maddr") || slice_iis(name, "transport");
}

/* Every parameter of `a` that must be in `b` is, and those in both are equal. */
static bool params_agree(struct slice a, struct slice b)
{
	struct cursor c = cursor_of(a);
	struct slice name, value;

	for (int i = 0; i < SIP_MSG_PARAMS_MAX && next_pair(&c, ';', &name, &value); i++) {
		enum presence other = look_up(b, ';', name, value);

		if (other == DIFFERENT || (other == ABSENT && must_be_in_both(name)))
			return false;
	}
	return true;
}

/* Every pair of `a` is in `b`. */
static bool all_in(struct slice a, struct slice b, char separator)
{
	struct cursor c = cursor_of(a);
	struct slice name, value;

	for (int i = 0; i < SIP_MSG_PARAMS_MAX && next_pair(&c, separator, &name, &value); i++) {
		if (look_up(b, separator, name, value) != EQUAL)
			return false;
	}
	return true;
}

/* Next character of a telephone number without visual separators (RFC 3966 3 and 5.2.1). */
static int next_tel_char(struct cursor *c)
{
	int ch;

	do
		ch = cursor_take(c);
	while (ch == '-' || ch == '.' || ch == '(' || ch == ')');
	return fold_case(ch);
}

static bool tel_eq(const struct sip_uri *a, const struct sip_uri *b)
{
	struct cursor ca = cursor_of(a->user), cb = cursor_of(b->user);
	int x, y;

	do {
		x = next_tel_char(&ca);
		y = next_tel_char(&cb);
		if (x != y)
			return false;
	} while (x != CURSOR_END);
	/* RFC 3966 4: the parameters must be the same, in any order. */
	return all_in(a->params, b->params, ';') && all_in(b->params, a->params, ';');
}

bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b)
{
	if (a->scheme != b->scheme)
		return false;
	if (a->scheme == SIP_SCHEME_OTHER)
		return slice_eq(a->text, b->text);
	if (a->scheme == SIP_SCHEME_TEL)
		return tel_eq(a, b);
	return slice_present(a->user) == slice_present(b->user) &&
	       slice_present(a->password) == slice_present(b->password) &&
	       text_eq(a->user, b->user, false) && text_eq(a->password, b->password, false) &&
	       slice_ieq(a->host, b->host) && a->port == b->port &&
	       params_agree(a->params, b->params) && params_agree(b->params, a->params) &&
	       all_in(a->headers, b->headers, '&') && all_in(b->headers, a->headers, '&');
}

int sip_unescape(struct slice text, char *out, size_t cap, size_t *ret_len)
{
	struct cursor c = cursor_of(text);
	size_t len = 0;

	while (!cursor_done(&c)) {
		int ch = cursor_take(&c);

		if (ch == '%')
			ch = take_escape(&c);
		if (ch <= 0) /* broken, or a NUL that would cut the text short */
			return ERR_SIP_URI_SYNTAX;
		if (len + 1 >= cap)
			return -ERANGE;
		out[len++] = (char)ch;
	}
	if (cap == 0)
		return -ERANGE;
	out[len] = '\0';
	*ret_len = len;
	return 0;
}

static bool is_unreserved(int ch)
{
	return char_is(ch, CHAR_ALPHA | CHAR_DIGIT) || (ch > 0 && strchr("-_.!~*'()", ch));
}

void sip_escape(struct buf *buf, struct slice text, const char *keep)
{
	struct cursor c = cursor_of(text);

	while (!cursor_done(&c)) {
		int ch = cursor_take(&c);

		if (is_unreserved(ch) || (ch > 0 && keep && strchr(keep, ch)))
			buf_addc(buf, (char)ch);
		else
			buf_addf(buf, "%%%02X", (unsigned)ch);
	}
}
