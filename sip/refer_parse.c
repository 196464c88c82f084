/* What a REFER says: Refer-To in the forms that phones send, Referred-By, and whether somebody
 * wants to hear how it goes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sip/build.h"
#include "sip/cursor.h"
#include "sip/refer_priv.h"

/* Fields that a URI may add to a request of ours (RFC 3261 19.1.5 warns of the others); Replaces
 * and Join are looked at by themselves. */
static const char *const may_embed[] = {"Subject",        "Priority",     "Accept-Contact",
					"Reject-Contact", "User-to-User", "Request-Disposition",
					"In-Reply-To"};

static int copy(struct slice s, char **ret_text)
{
	char *text = slice_dup(slice_present(s) ? s : SLICE(""));

	if (!text)
		return -ENOMEM;
	free(*ret_text);
	*ret_text = text;
	return 0;
}

/* Embedded fields
 * -----------------------------------------------------------------------------------------------
 */

static bool is_escaped_still(struct slice value)
{
	return slice_find(value, ';') == value.len && slice_find(value, '%') < value.len;
}

/* Unescaped once; and once more where a proxy or phone escaped what was escaped already, which
 * shows in a Replaces without a bare ';'. Line breaks would make fields of their own: refused. */
static int unescape(struct slice value, bool may_be_twice, char **ret_text)
{
	char text[SIP_REFER_HEADERS_MAX], again[SIP_REFER_HEADERS_MAX];
	size_t len = 0;
	int err = sip_unescape(value, text, sizeof(text), &len);

	if (!err && may_be_twice && is_escaped_still(slice_make(text, len))) {
		err = sip_unescape(slice_make(text, len), again, sizeof(again), &len);
		memcpy(text, again, sizeof(text));
	}
	if (err)
		return err == -ERANGE ? ERR_LIMIT : err;
	if (slice_find(slice_make(text, len), '\r') < len ||
	    slice_find(slice_make(text, len), '\n') < len)
		return ERR_SIP_HEADER_SYNTAX;
	return copy(slice_make(text, len), ret_text);
}

static bool may_pass(struct slice name)
{
	for (size_t i = 0; i < ARRAY_LEN(may_embed); i++) {
		if (slice_iis(name, may_embed[i]))
			return true;
	}
	return slice_istarts(name, SLICE("X-")) && name.len > 2;
}

static bool is_token(struct slice name)
{
	struct cursor c = cursor_of(name);

	(void)cursor_span(&c, CHAR_TOKEN);
	return name.len > 0 && cursor_done(&c);
}

static int add_field(struct sip_refer *refer, struct slice name, struct slice value,
		     struct buf *lines)
{
	char *text = NULL;
	int err;

	if (slice_iis(name, "Replaces"))
		return refer->replaces ? ERR_SIP_HEADER_REPEATED
				       : unescape(value, true, &refer->replaces);
	if (slice_iis(name, "Join"))
		return refer->join ? ERR_SIP_HEADER_REPEATED : unescape(value, true, &refer->join);
	if (!may_pass(name) || !is_token(name))
		return 0; /* also "body", and what would say who we are */
	err = unescape(value, false, &text);
	if (!err)
		buf_addf(lines, SLICE_FMT ": %s\r\n", SLICE_ARG(name), text);
	free(text);
	return err;
}

static int read_fields(struct sip_refer *refer, struct slice fields)
{
	struct buf lines = BUF_INIT;
	int err = fields.len < SIP_REFER_HEADERS_MAX ? 0 : ERR_LIMIT;

	while (!err && fields.len > 0) {
		size_t end = slice_find(fields, '&');
		struct slice field = slice_first(fields, end);
		size_t equals = slice_find(field, '=');

		err = add_field(refer, slice_first(field, equals), slice_from(field, equals + 1),
				&lines);
		fields = slice_from(fields, end + 1);
	}
	if (!err)
		err = buf_err(&lines);
	if (!err && lines.len > 0)
		err = copy(buf_slice(&lines), &refer->headers);
	buf_done(&lines);
	return err;
}

/* Refer-To
 * ------------------------------------------------------------------------------------------------
 */

/* The URI without `method`, which says what to send, not where to. */
static int set_target(struct sip_refer *refer, const struct sip_uri *uri)
{
	struct slice params = uri->params, name, value, method;
	struct buf text = BUF_INIT;
	int err;

	refer->method = SIP_METHOD_INVITE;
	if (sip_uri_param(uri, "method", &method) && method.len > 0)
		refer->method = sip_method_parse(method);
	buf_addslice(&text, sip_uri_without_headers(uri->text));
	if (slice_present(params))
		text.len = slice_offset(uri->text, params) - 1; /* its ';' too */
	while (sip_param_next(&params, &name, &value)) {
		if (slice_iis(name, "isfocus"))
			refer->is_focus = true;
		if (slice_iis(name, "method") || name.len == 0)
			continue;
		buf_addf(&text, ";" SLICE_FMT, SLICE_ARG(name));
		if (value.len > 0)
			buf_addf(&text, "=" SLICE_FMT, SLICE_ARG(value));
	}
	err = buf_err(&text);
	if (!err)
		err = copy(buf_slice(&text), &refer->target);
	buf_done(&text);
	return err;
}

static int read_uri(struct sip_refer *refer, const struct sip_uri *uri)
{
	int err;

	switch (uri->scheme) {
	case SIP_SCHEME_SIP:
	case SIP_SCHEME_SIPS:
		err = set_target(refer, uri);
		return err ? err : read_fields(refer, uri->headers);
	case SIP_SCHEME_TEL:
		refer->method = SIP_METHOD_INVITE;
		return copy(uri->text, &refer->target);
	default:
		refer->is_list = slice_istarts(uri->text, SLICE("cid:"));
		refer->method = SIP_METHOD_INVITE;
		return refer->is_list ? copy(uri->text, &refer->target) : ERR_SIP_URI_SCHEME;
	}
}

/* One target only (RFC 3515 2.4.1). */
static bool has_several(struct slice value)
{
	bool is_quoted = false;
	int depth = 0;

	for (size_t i = 0; i < value.len; i++) {
		char ch = value.p[i];

		if (ch == '\\' && is_quoted)
			i++;
		else if (ch == '"')
			is_quoted = !is_quoted;
		else if (!is_quoted && (ch == '<' || ch == '>'))
			depth += ch == '<' ? 1 : -1;
		else if (!is_quoted && depth == 0 && ch == ',')
			return true;
	}
	return false;
}

/* Without angle brackets what follows is the URI's all the same: no phone that leaves them out
 * means parameters of the header field (RFC 3515 2.1 would have them in brackets). */
static int read_refer_to(struct sip_refer *refer, struct slice value)
{
	struct slice ignored;
	struct sip_addr addr;
	struct sip_uri uri;
	int err;

	if (slice_find(value, '<') == value.len) {
		err = sip_uri_parse(slice_trim(value), &uri);
		return err ? err : read_uri(refer, &uri);
	}
	if (has_several(value))
		return ERR_SIP_HEADER_REPEATED;
	err = sip_addr_parse(value, &addr);
	if (err)
		return err;
	refer->is_focus = sip_param(addr.params, "isfocus", &ignored);
	err = copy(addr.display, &refer->display);
	return err ? err : read_uri(refer, &addr.uri);
}

/* The whole
 * -----------------------------------------------------------------------------------------------
 */

static enum sip_refer_sub wanted_sub(const struct sip_msg *request)
{
	struct slice refer_sub = sip_msg_value(request, SIP_H_REFER_SUB);
	struct slice word = slice_trim(slice_first(refer_sub, slice_find(refer_sub, ';')));

	if (sip_list_has(request, SIP_H_REQUIRE, "explicitsub"))
		return SIP_REFER_EXPLICIT;
	if (sip_list_has(request, SIP_H_REQUIRE, "nosub") || slice_iis(word, "false"))
		return SIP_REFER_NO_SUB;
	return SIP_REFER_SUB;
}

static int read_referred_by(struct sip_refer *refer, const struct sip_msg *request)
{
	struct slice value = sip_msg_value(request, SIP_H_REFERRED_BY);
	struct sip_addr addr;
	int err;

	if (!slice_present(value))
		return 0;
	err = sip_addr_parse(value, &addr);
	if (!err)
		err = copy(value, &refer->referred_by);
	for (char *p = err ? NULL : refer->referred_by; p && *p; p++) {
		if (*p == '\r' || *p == '\n') /* it was folded */
			*p = ' ';
	}
	return err;
}

int sip_refer_parse(const struct sip_msg *request, struct sip_refer *ret_refer)
{
	struct slice value = sip_msg_value(request, SIP_H_REFER_TO);
	struct sip_refer refer = {.sub = wanted_sub(request)};
	struct sip_addr to;
	int err;

	if (!slice_present(value))
		return ERR_SIP_HEADER_MISSING;
	err = copy(SLICE(""), &refer.display);
	if (!err)
		err = read_refer_to(&refer, value);
	if (!err)
		err = read_referred_by(&refer, request);
	if (err) {
		sip_refer_done(&refer);
		return err;
	}
	refer.is_in_dialog = sip_msg_addr(request, SIP_H_TO, &to) == 0 &&
			     slice_present(sip_addr_tag(&to));
	*ret_refer = refer;
	return 0;
}

void sip_refer_done(struct sip_refer *refer)
{
	free(refer->target);
	free(refer->display);
	free(refer->replaces);
	free(refer->join);
	free(refer->headers);
	free(refer->referred_by);
	*refer = (struct sip_refer){0};
}

void sip_refer_refuse(struct sip_stx *tx, int err)
{
	switch (err) {
	case ERR_SIP_HEADER_MISSING:
		(void)ua_reply_text(tx, 400, "Missing Refer-To", NULL);
		break;
	case ERR_SIP_HEADER_REPEATED:
		(void)ua_reply_text(tx, 400, "More than one Refer-To", NULL);
		break;
	case ERR_SIP_HEADER_SYNTAX:
	case ERR_SIP_URI_SYNTAX:
		(void)ua_reply_text(tx, 400, "Malformed Refer-To or Referred-By", NULL);
		break;
	case ERR_SIP_URI_SCHEME:
		(void)ua_reply(tx, 416, NULL);
		break;
	case ERR_LIMIT:
		(void)ua_reply(tx, 513, NULL);
		break;
	default:
		(void)ua_reply(tx, 500, NULL);
		break;
	}
}

/* RFC 3420: a part of a message; after a REFER its status line at least (RFC 3515 2.4.5). */
int sip_sipfrag_parse(struct slice body, uint16_t *ret_status, struct slice *ret_reason)
{
	struct cursor c = cursor_of(body);
	struct slice digits;
	uint32_t status;

	cursor_lws(&c);
	if (!slice_istarts(cursor_rest(&c), SLICE("SIP/2.0")))
		return ERR_SIP_SYNTAX;
	cursor_advance(&c, 7);
	if (!char_is(cursor_peek(&c), CHAR_WS))
		return ERR_SIP_SYNTAX;
	cursor_lws(&c);
	digits = cursor_span(&c, CHAR_DIGIT);
	if (digits.len != 3 || slice_u32(digits, 699, &status) || status < 100)
		return ERR_SIP_SYNTAX;
	if (!cursor_done(&c) && !char_is(cursor_peek(&c), CHAR_WS))
		return ERR_SIP_SYNTAX;
	*ret_status = (uint16_t)status;
	*ret_reason = slice_trim(slice_first(cursor_rest(&c), slice_find(cursor_rest(&c), '\n')));
	return 0;
}
