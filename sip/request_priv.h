/* sip/request_priv.h -- requests written from a dialog, or from what will be one. Private to sip/.
 */
#ifndef SIP_REQUEST_PRIV_H
#define SIP_REQUEST_PRIV_H

#include "base/list.h"
#include "sip/dialog.h"
#include "sip/request.h"
#include "sip/sender.h"

/* Our Contact in requests and answers outside a call's own. */
struct ua_contact {
	const char *user, *params; /* "" for none */
	bool is_sips;
};
/* host[:port] by which the peer at the other end of `flow` reaches us; by TLS for `is_sips`.
 * *ret_host is ours or `text`. ERR_SIP_NO_ROUTE: no listener of that kind. */
int ua_host(const struct sip_ua *ua, const struct sip_flow *flow, bool is_sips,
	    const char **ret_host, char text[ADDR_TEXT_MAX]);
int ua_add_contact(const struct sip_ua *ua, const struct sip_flow *flow,
		   const struct ua_contact *contact, struct buf *buf);

/* A request in `dialog`, which is borrowed until on_reply or cancel. */
struct ua_request {
	struct sip_dialog *dialog;
	struct sip_flow *flow; /* last path to the peer; borrowed likewise, kept up to date */
	bool is_on_flow;
	const char *method, *headers, *content_type;
	struct slice body;
	const struct ua_contact *contact; /* copied; NULL: none */
	uint32_t timeout_ms;
	void (*on_reply)(void *arg, const struct sip_msg *response, int err);
	void *arg;
};
/* CSeq is the next of the dialog; ret_request may be NULL. */
int ua_request_new(struct sip_ua *ua, const struct ua_request *params,
		   struct sip_request **ret_request);

/* A dialog without a remote tag for a first request (8.1.1): fresh Call-ID (unless given), tag and
 * CSeq, From, To and Route from what the application says. */
struct ua_start {
	struct slice target, to, from, route, call_id;
	uint32_t cseq;
};
int ua_start_new(struct sip_ua *ua, const struct ua_start *from, struct sip_dialog **ret_dialog);
/* Its Contact must be sips:, for its target is, or its first hop (RFC 3261 8.1.1.8). */
bool ua_is_sips_start(const struct sip_dialog *start);

/* Asks where the dialog's next request goes (sip_ua_set_locate), over which flow, and whether over
 * that alone. -ENOMEM, ERR_LIMIT. */
int ua_locate(struct sip_ua *ua, struct sip_dialog *dialog, struct sip_flow *flow,
	      bool *is_on_flow);

void ua_requests_free(struct sip_ua *ua);

#endif
