#include "sip/dialog_ref.h"

#include "base/err.h"
#include "sip/msg.h"

/* callid = word ["@" word] (RFC 3261 25.1): no white space, comma or semicolon, at most one '@'. */
static bool is_call_id(struct slice s)
{
	struct slice host = slice_from(s, slice_find(s, '@') + 1);

	if (s.len == 0 || s.p[0] == '@' || slice_find(host, '@') < host.len)
		return false;
	if (slice_find(s, '@') + 1 == s.len)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.p[i] <= ' ' || s.p[i] == ',' || s.p[i] == ';' || s.p[i] == 127)
			return false;
	}
	return true;
}

/* The field that a parameter sets, or NULL for one that says nothing to us. */
static struct slice *tag_of(struct sip_dialog_ref *ref, struct slice name)
{
	if (slice_iis(name, "to-tag") || slice_iis(name, "local-tag"))
		return &ref->to_tag;
	if (slice_iis(name, "from-tag") || slice_iis(name, "remote-tag"))
		return &ref->from_tag;
	return NULL;
}

int sip_dialog_ref_parse(struct slice value, struct sip_dialog_ref *ret)
{
	size_t end = slice_find(value, ';');
	struct slice params = slice_from(value, end + 1), name, text;
	struct sip_dialog_ref ref = {.call_id = slice_trim(slice_first(value, end))};

	if (!is_call_id(ref.call_id))
		return ERR_SIP_HEADER_SYNTAX;
	for (int i = 0; i < SIP_MSG_PARAMS_MAX && sip_param_next(&params, &name, &text); i++) {
		struct slice *tag = tag_of(&ref, name);

		if (tag && (slice_present(*tag) || text.len == 0))
			return ERR_SIP_HEADER_SYNTAX;
		if (tag)
			*tag = text;
		else if (slice_iis(name, "early-only"))
			ref.is_early_only = true;
	}
	if (!slice_present(ref.to_tag) || !slice_present(ref.from_tag))
		return ERR_SIP_HEADER_SYNTAX;
	*ret = ref;
	return 0;
}

/* unreserved and hnv-unreserved (25.1) stay as they are. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-_.!~*'()[]/?:+$", c));
}

static void add(struct buf *buf, struct slice text, bool is_escaped)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!is_escaped || is_plain(text.p[i]))
			buf_addc(buf, text.p[i]);
		else
			buf_addf(buf, "%%%02X", (unsigned)(unsigned char)text.p[i]);
	}
}

static void add_param(struct buf *buf, struct slice name, struct slice value, bool is_escaped)
{
	add(buf, SLICE(";"), is_escaped);
	add(buf, name, is_escaped);
	if (!slice_present(value))
		return;
	add(buf, SLICE("="), is_escaped);
	add(buf, value.len > 0 ? value : SLICE("0"), is_escaped);
}

void sip_dialog_ref_print(struct buf *buf, const struct sip_dialog_ref *ref, bool is_escaped)
{
	add(buf, ref->call_id, is_escaped);
	add_param(buf, SLICE("to-tag"), ref->to_tag, is_escaped);
	add_param(buf, SLICE("from-tag"), ref->from_tag, is_escaped);
	if (ref->is_early_only)
		add_param(buf, SLICE("early-only"), SLICE_NONE, is_escaped);
}
