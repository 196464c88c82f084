#include "sip/sips.h"

#include <assert.h>

bool sip_is_sips(struct slice uri)
{
	return slice_istarts(uri, SLICE("sips:"));
}

bool sip_sips_is_asked(const struct sip_msg *request)
{
	struct sip_list_walk walk = {0};
	struct slice element;
	struct sip_addr addr;

	if (sip_is_sips(request->request_uri))
		return true;
	if (sip_list_next(request, SIP_H_RECORD_ROUTE, &walk, &element))
		return !sip_addr_parse(element, &addr) && sip_is_sips(addr.uri.text);
	return !sip_msg_addr(request, SIP_H_CONTACT, &addr) && sip_is_sips(addr.uri.text);
}

bool sip_sips_is_mixed(const struct sip_msg *request)
{
	struct sip_addr contact;

	return sip_is_sips(request->request_uri) &&
	       !sip_msg_addr(request, SIP_H_CONTACT, &contact) && !sip_is_sips(contact.uri.text);
}

void sip_sips_route(struct slice routes, struct buf *out)
{
	struct slice plain = SLICE("sip:");

	while (routes.len > 0) {
		size_t uri = slice_find(routes, '<') + 1;

		buf_addslice(out, slice_first(routes, uri));
		routes = slice_from(routes, uri);
		if (!slice_istarts(routes, plain))
			continue;
		buf_adds(out, "sips:");
		routes = slice_from(routes, plain.len);
	}
}

void sip_sips_warning(uint16_t code, const char *agent, struct buf *out)
{
	assert(code == SIP_WARN_SIPS_NOT_ALLOWED || code == SIP_WARN_SIPS_REQUIRED);
	buf_addf(out, "Warning: %u %s \"%s\"\r\n", code, agent,
		 code == SIP_WARN_SIPS_REQUIRED ? "SIPS Required" : "SIPS Not Allowed");
}
