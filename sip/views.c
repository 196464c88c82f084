/* Typed views of header values: slices of the message, made when somebody asks. */
#include "base/err.h"
#include "sip/cursor.h"
#include "sip/msg.h"
#include "sip/names.h"

/* Takes one element of a comma-separated list; commas in quotes and angle brackets do not count.
 * What is opened and never closed reaches to the end: the element's own parser refuses it. */
static struct slice take_element(struct cursor *c)
{
	struct cursor mark = *c;
	struct slice quoted;

	for (;;) {
		int ch = cursor_peek(c);

		if (ch == CURSOR_END || ch == ',')
			return cursor_trim(cursor_since(c, mark));
		cursor_take(c);
		if (ch == '"' && !cursor_quoted(c, &quoted))
			cursor_advance(c, SIZE_MAX);
		if (ch == '<')
			cursor_until(c, '>');
	}
}

bool sip_list_next(const struct sip_msg *msg, enum sip_header_id id, struct sip_list_walk *walk,
		   struct slice *ret_element)
{
	for (;;) {
		struct cursor c = cursor_of(walk->rest);

		while (!cursor_done(&c)) {
			struct slice element = take_element(&c);

			cursor_skip(&c, ',');
			walk->rest = cursor_rest(&c);
			if (element.len) { /* ", ," is tolerated */
				*ret_element = element;
				return true;
			}
		}
		if (walk->is_started && !walk->header)
			return false;
		walk->header = sip_msg_next(msg, id, walk->header);
		walk->is_started = true;
		walk->rest = walk->header ? sip_header_value(msg, walk->header) : SLICE_NONE;
	}
}

bool sip_list_has(const struct sip_msg *msg, enum sip_header_id id, const char *token)
{
	struct sip_list_walk walk = {0};
	struct slice element;

	while (sip_list_next(msg, id, &walk, &element)) {
		if (slice_iis(element, token))
			return true;
	}
	return false;
}

/* The value behind a '=': quoted, a bracketed v6 address, or anything up to the next ';'. */
static struct slice take_value(struct cursor *c)
{
	struct slice value;

	cursor_lws(c);
	if (cursor_skip(c, '"')) {
		struct cursor mark = *c;

		if (!cursor_quoted(c, &value)) {
			cursor_advance(c, SIZE_MAX);
			value = cursor_since(c, mark);
		}
		cursor_until(c, ';');
		return value;
	}
	return cursor_trim(cursor_until(c, ';'));
}

bool sip_param_next(struct slice *params, struct slice *ret_name, struct slice *ret_value)
{
	struct cursor c = cursor_of(*params);
	struct cursor mark;

	for (;;) {
		cursor_lws(&c);
		if (!cursor_skip(&c, ';'))
			break;
	}
	if (cursor_done(&c))
		return false;
	mark = c;
	while (!cursor_done(&c) && cursor_peek(&c) != '=' && cursor_peek(&c) != ';')
		cursor_take(&c);
	*ret_name = cursor_trim(cursor_since(&c, mark));
	*ret_value = cursor_skip(&c, '=') ? take_value(&c) : slice_first(cursor_rest(&c), 0);
	*params = cursor_rest(&c);
	return true;
}

bool sip_param(struct slice params, const char *name, struct slice *ret_value)
{
	struct slice found, value;

	for (int i = 0; i < SIP_MSG_PARAMS_MAX && sip_param_next(&params, &found, &value); i++) {
		if (slice_iis(found, name)) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

uint16_t sip_q_thousandths(struct slice params)
{
	uint16_t q = 0, weight = 1000;
	struct slice text;

	if (!sip_param(params, "q", &text) || !text.len || text.p[0] != '0')
		return 1000;
	for (size_t i = 2; i < text.len && i < 5 && text.p[i] >= '0' && text.p[i] <= '9'; i++)
		q += (uint16_t)((text.p[i] - '0') * (weight /= 10));
	return q;
}

/* Via ------------------------------------------------------------------------------------------ */

/* A token with white space around it. */
static struct slice take_word(struct cursor *c)
{
	struct slice word;

	cursor_lws(c);
	word = cursor_span(c, CHAR_TOKEN);
	cursor_lws(c);
	return word;
}

/* "[2001:db8::1]" or "2001:db8::1": RFC 5118 4.5 wants both read. */
static struct slice strip_brackets(struct slice host)
{
	struct cursor c = cursor_of(host);
	struct slice inner;

	if (!cursor_skip(&c, '['))
		return host;
	inner = cursor_until(&c, ']');
	return cursor_skip(&c, ']') && cursor_done(&c) ? inner : host;
}

static void via_param(struct slice name, struct slice value, struct sip_via *via)
{
	uint32_t port;

	if (slice_iis(name, "branch")) {
		via->branch = value;
	} else if (slice_iis(name, "received")) {
		via->received = strip_brackets(value);
	} else if (slice_iis(name, "maddr")) {
		via->maddr = strip_brackets(value);
	} else if (slice_iis(name, "rport")) {
		via->has_rport = true;
		if (slice_u32(value, UINT16_MAX, &port) == 0)
			via->rport = (uint16_t)port;
	}
}

static int via_host(struct cursor *c, struct sip_via *via)
{
	if (cursor_skip(c, '[')) {
		via->host = cursor_until(c, ']');
		via->is_host_v6 = true;
		if (!cursor_skip(c, ']') || slice_find(via->host, ':') == via->host.len)
			return ERR_SIP_HEADER_SYNTAX;
	} else {
		via->host = cursor_span(c, CHAR_HOST);
	}
	if (via->host.len == 0)
		return ERR_SIP_HEADER_SYNTAX;
	cursor_lws(c);
	if (cursor_skip(c, ':')) {
		uint32_t port;

		cursor_lws(c);
		if (slice_u32(cursor_span(c, CHAR_DIGIT), UINT16_MAX, &port) || port == 0)
			return ERR_SIP_HEADER_SYNTAX;
		via->port = (uint16_t)port;
		cursor_lws(c);
	}
	return 0;
}

/* RFC 3261 20.42; white space may stand around every separator (RFC 4475 3.1.1.1). The version is
 * not looked at: the answer to a request of another version (505) goes where its Via says. */
int sip_via_parse(struct slice element, struct sip_via *ret_via)
{
	struct sip_via via = {.text = element};
	struct cursor c = cursor_of(element);
	struct slice rest, name, value;

	if (!slice_iis(take_word(&c), "SIP") || !cursor_skip(&c, '/') || take_word(&c).len == 0 ||
	    !cursor_skip(&c, '/'))
		return ERR_SIP_HEADER_SYNTAX;
	cursor_lws(&c);
	via.transport = cursor_span(&c, CHAR_TOKEN);
	if (via.transport.len == 0 || !char_is(cursor_peek(&c), CHAR_WS))
		return ERR_SIP_HEADER_SYNTAX;
	cursor_lws(&c);
	if (via_host(&c, &via))
		return ERR_SIP_HEADER_SYNTAX;
	if (cursor_skip(&c, ';'))
		via.params = rest = cursor_rest(&c);
	else if (!cursor_done(&c))
		return ERR_SIP_HEADER_SYNTAX;
	else
		rest = SLICE_NONE;
	for (int i = 0; i < SIP_MSG_PARAMS_MAX && sip_param_next(&rest, &name, &value); i++)
		via_param(name, value, &via);
	*ret_via = via;
	return 0;
}

int sip_msg_via(const struct sip_msg *msg, struct sip_via *ret_via)
{
	struct sip_list_walk walk = {0};
	struct slice element;

	if (!sip_list_next(msg, SIP_H_VIA, &walk, &element))
		return ERR_SIP_HEADER_MISSING;
	return sip_via_parse(element, ret_via);
}

/* name-addr and addr-spec ---------------------------------------------------------------------- */

/* "<uri>": the cursor stands behind the '<'. */
static int bracketed_uri(struct cursor *c, struct sip_addr *addr)
{
	struct slice text = cursor_until(c, '>');

	addr->has_brackets = true;
	if (!cursor_skip(c, '>'))
		return ERR_SIP_HEADER_SYNTAX;
	return sip_uri_parse(text, &addr->uri) ? ERR_SIP_URI_SYNTAX : 0;
}

/* A display name without quotes: the grammar says tokens; phones write dots, '@' and UTF-8 too. A
 * comma, a quote or a control character is refused (RFC 4475 3.1.2.15). */
static bool is_plain_display(struct slice text)
{
	struct cursor c = cursor_of(text);

	while (!cursor_done(&c)) {
		int ch = cursor_take(&c);

		if (ch == ',' || ch == '"' || ch == 0x7f || (ch < 0x20 && !char_is(ch, CHAR_WS)))
			return false;
	}
	return true;
}

static int addr_spec(struct slice element, struct sip_addr *addr)
{
	struct cursor c = cursor_of(element);
	/* RFC 3261 20.10: without brackets what follows ';' belongs to the header field, and the
	 * URI may hold no '?' and no ','. */
	struct slice text = cursor_trim(cursor_until(&c, ';'));

	if (slice_find(text, '?') < text.len || slice_find(text, ',') < text.len)
		return ERR_SIP_HEADER_SYNTAX;
	if (sip_uri_parse(text, &addr->uri))
		return ERR_SIP_URI_SYNTAX;
	if (cursor_skip(&c, ';'))
		addr->params = cursor_rest(&c);
	return 0;
}

static int name_addr(struct cursor *c, struct sip_addr *addr)
{
	int err = bracketed_uri(c, addr);

	if (err)
		return err;
	cursor_lws(c);
	if (cursor_skip(c, ';'))
		addr->params = cursor_rest(c);
	else if (!cursor_done(c))
		return ERR_SIP_HEADER_SYNTAX;
	return 0;
}

int sip_addr_parse(struct slice element, struct sip_addr *ret_addr)
{
	struct sip_addr addr = {.text = element};
	struct cursor c = cursor_of(element);
	int err;

	cursor_lws(&c);
	if (cursor_skip(&c, '"')) {
		if (!cursor_quoted(&c, &addr.display))
			return ERR_SIP_HEADER_SYNTAX;
		cursor_lws(&c);
		err = cursor_skip(&c, '<') ? name_addr(&c, &addr) : ERR_SIP_HEADER_SYNTAX;
	} else if (slice_find(element, '<') < element.len) {
		struct slice display = cursor_trim(cursor_until(&c, '<'));

		if (display.len)
			addr.display = display;
		cursor_skip(&c, '<');
		err = is_plain_display(display) ? name_addr(&c, &addr) : ERR_SIP_HEADER_SYNTAX;
	} else {
		err = addr_spec(element, &addr);
	}
	if (err == 0)
		*ret_addr = addr;
	return err;
}

int sip_msg_addr(const struct sip_msg *msg, enum sip_header_id id, struct sip_addr *ret_addr)
{
	struct sip_list_walk walk = {0};
	struct slice element;

	if (!(sip_header_flags(id) & HEADER_L)) {
		element = sip_msg_value(msg, id);
		return slice_present(element) ? sip_addr_parse(element, ret_addr)
					      : ERR_SIP_HEADER_MISSING;
	}
	if (!sip_list_next(msg, id, &walk, &element))
		return ERR_SIP_HEADER_MISSING;
	return sip_addr_parse(element, ret_addr);
}

struct slice sip_addr_tag(const struct sip_addr *addr)
{
	struct slice tag;

	return sip_param(addr->params, "tag", &tag) && tag.len ? tag : SLICE_NONE;
}

struct slice sip_msg_tag(const struct sip_msg *msg, enum sip_header_id id)
{
	struct cursor c = cursor_of(sip_msg_value(msg, id)), bracket;
	struct slice ignored, tag;

	cursor_lws(&c);
	if (cursor_skip(&c, '"') && !cursor_quoted(&c, &ignored))
		return SLICE_NONE;
	bracket = c;
	cursor_until(&bracket, '<');
	if (cursor_skip(&bracket, '<')) {
		c = bracket;
		cursor_until(&c, '>');
	}
	cursor_until(&c, ';');
	return sip_param(cursor_rest(&c), "tag", &tag) && tag.len ? tag : SLICE_NONE;
}

/* CSeq, Content-Type --------------------------------------------------------------------------- */

int sip_msg_cseq(const struct sip_msg *msg, struct sip_cseq *ret_cseq)
{
	struct slice value = sip_msg_value(msg, SIP_H_CSEQ);
	struct cursor c = cursor_of(value);
	struct sip_cseq cseq;

	if (!slice_present(value))
		return ERR_SIP_HEADER_MISSING;
	if (slice_u32(cursor_span(&c, CHAR_DIGIT), INT32_MAX, &cseq.number) ||
	    !char_is(cursor_peek(&c), CHAR_WS))
		return ERR_SIP_HEADER_SYNTAX;
	cursor_lws(&c);
	cseq.method_text = cursor_span(&c, CHAR_TOKEN);
	if (cseq.method_text.len == 0 || !cursor_done(&c))
		return ERR_SIP_HEADER_SYNTAX;
	cseq.method = sip_method_parse(cseq.method_text);
	*ret_cseq = cseq;
	return 0;
}

int sip_msg_content_type(const struct sip_msg *msg, struct sip_content_type *ret_type)
{
	struct slice value = sip_msg_value(msg, SIP_H_CONTENT_TYPE);
	struct cursor c = cursor_of(value);
	struct sip_content_type type = {.params = SLICE_NONE};

	if (!slice_present(value))
		return ERR_SIP_HEADER_MISSING;
	type.type = cursor_span(&c, CHAR_TOKEN);
	cursor_lws(&c);
	if (!cursor_skip(&c, '/'))
		return ERR_SIP_HEADER_SYNTAX;
	cursor_lws(&c);
	type.subtype = cursor_span(&c, CHAR_TOKEN);
	if (type.type.len == 0 || type.subtype.len == 0)
		return ERR_SIP_HEADER_SYNTAX;
	cursor_lws(&c);
	if (cursor_skip(&c, ';'))
		type.params = cursor_rest(&c);
	else if (!cursor_done(&c))
		return ERR_SIP_HEADER_SYNTAX;
	*ret_type = type;
	return 0;
}

bool sip_content_is(const struct sip_content_type *type, const char *type_slash_subtype)
{
	struct cursor c = cursor_of(slice_of(type_slash_subtype));
	struct slice major = cursor_until(&c, '/');

	cursor_skip(&c, '/');
	return slice_ieq(type->type, major) && slice_ieq(type->subtype, cursor_rest(&c));
}
