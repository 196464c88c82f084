/* sip/resource_list.h -- lists of recipients in a body: application/resource-lists+xml (RFC 4826 3)
 * with copyControl (RFC 5364), as INVITE to a focus (RFC 5366) and REFER with several targets (RFC
 * 5368) carry them.
 *
 * Read by libxml2, kept short: no document type, no entities of its own, no network, UTF-8 only,
 * limits on octets, depth and entries. Lists inside lists are taken as one flat list (RFC
 * 5363 5.2), a URI that comes twice counts once. What would have to be fetched (external,
 * entry-ref) is refused. Ownership: everything is copied. Thread: one at a time.
 */
#ifndef SIP_RESOURCE_LIST_H
#define SIP_RESOURCE_LIST_H

#include "sip/msg.h"

enum {
	SIP_RESOURCES_MAX = 128,              /* entries: ERR_LIMIT */
	SIP_RESOURCE_LIST_OCTETS_MAX = 65535, /* of the document: ERR_LIMIT */
	SIP_RESOURCE_LIST_DEPTH_MAX = 16      /* elements inside elements: ERR_LIMIT */
};

#define SIP_RESOURCE_LIST_TYPE "application/resource-lists+xml"

enum sip_copy { SIP_COPY_NONE, SIP_COPY_TO, SIP_COPY_CC, SIP_COPY_BCC };

struct sip_resource {
	char *uri;     /* sip:, sips: or tel:, checked */
	char *display; /* "" for none */
	enum sip_copy copy;
	bool is_anonymous;
};

struct sip_resource_list {
	struct sip_resource *entries;
	uint32_t count;
};

/* ERR_SIP_LIST_SYNTAX (not well-formed, no resource list, an entry without a usable URI, something
 * that would have to be fetched), ERR_LIMIT, -ENOMEM. An empty list is fine. */
int sip_resource_list_parse(struct slice xml, struct sip_resource_list *ret_list);
/* Of a message: the body, or the part of it with that Content-ID (without brackets; absent: the
 * first of that type). ERR_SIP_HEADER_MISSING: there is none; and as above. */
int sip_resource_list_of(const struct sip_msg *msg, struct slice content_id,
			 struct sip_resource_list *ret_list);
/* Accepts one that is all zero. */
void sip_resource_list_done(struct sip_resource_list *list);

#endif
