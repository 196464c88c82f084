/* sip/request.h -- requests of ours outside a call: REGISTER, MESSAGE, OPTIONS, and what
 * subscriptions (sip/subscription.h) and transfers (sip/refer.h) are made of.
 *
 * A request is resolved, sent, and sent to the next target when one fails (RFC 3263 4.3); a
 * challenge is answered when there are credentials (RFC 3261 22.2, 22.3). Provisional answers are
 * absorbed; there is exactly one on_reply, never from inside a function of this header, unless it
 * was cancelled before. Ownership: the ua's until on_reply has returned or sip_request_cancel.
 * Thread: control.
 */
#ifndef SIP_REQUEST_H
#define SIP_REQUEST_H

#include "sip/ua.h"

enum {
	SIP_REQUESTS_MAX = 20000,  /* under way in one ua: ERR_LIMIT */
	SIP_REQUEST_TRIES_MAX = 4, /* challenges answered for one request: of proxies on the way,
				      of its target, and when a nonce was stale */
	SIP_REQUEST_OVERTAKEN_MAX = 2, /* sent anew because a later one in the dialog came first */
	SIP_CONTACT_MAX =
		256 /* octets of the user part or the parameters of a Contact: ERR_LIMIT */
};

struct sip_request;

struct sip_request_params {
	const char *method;  /* any but INVITE, ACK, CANCEL */
	struct slice target; /* Request-URI */
	struct slice to;     /* whole To value when it differs from <target>; absent: <target> */
	struct slice from;   /* "\"Room\" <sip:room@host>", without a tag */
	struct slice route;  /* outbound proxy URI; absent: none */
	const char *headers; /* complete lines, or NULL */
	const char *content_type; /* NULL: no body */
	struct slice body;
	bool has_contact; /* adds our Contact with this user part and these parameters */
	struct slice contact_user;
	const char *contact_params;  /* "isfocus", "expires=600", or NULL */
	const struct sip_flow *flow; /* goes over this path and no other, without a look-up (a
					Contact behind a NAT, RFC 5626 5.3); NULL: resolve */
	struct slice call_id;        /* of a series (REGISTER); absent: a fresh one */
	uint32_t cseq;               /* of a series, with call_id; 0: any */
	uint32_t timeout_ms;         /* to the final answer; 0: that of the transaction, 64*T1 */
	/* The final response, or NULL with ERR_SIP_TIMEOUT, ERR_SIP_TRANSPORT, ERR_SIP_NO_ROUTE or
	 * what else went wrong. NULL: nobody asks. */
	void (*on_reply)(void *arg, const struct sip_msg *response, int err);
	void *arg;
};

/* Everything is copied. *ret_request may be NULL when it is never cancelled.
 * ERR_SIP_URI_SYNTAX, ERR_BAD_TARGET (not sip: or sips:), ERR_LIMIT, -ENOMEM, -EINVAL (method). */
int sip_ua_request(struct sip_ua *ua, const struct sip_request_params *params,
		   struct sip_request **ret_request);

/* No on_reply any more; what is on the wire runs to its end. Accepts NULL; returns NULL. */
struct sip_request *sip_request_cancel(struct sip_request *request);

/* The CSeq that was used last: a series goes on above it. */
uint32_t sip_request_cseq(const struct sip_request *request);

/* The path of the last message: where the answer in on_reply came from. */
const struct sip_flow *sip_request_flow(const struct sip_request *request);

/* Challenges -----------------------------------------------------------------------------------
 */

struct sip_challenged {
	struct slice method, uri, body; /* of the request */
	struct slice from;              /* its From value */
	const struct sip_msg *response; /* 401 or 407; a 2xx: what it says of `given`; NULL: a later
					   request of the dialog in which `given` was good */
	struct slice given;             /* the lines of the try before; absent: none */
	uint32_t tries;                 /* challenges of this request answered before */
};

/* Adds complete lines (Authorization, Proxy-Authorization) for the same request. 0: it is sent
 * again with them, CSeq one higher; anything else: the response goes to who asked. After a 2xx they
 * take the place of `given` for later requests. */
typedef int sip_credentials_fn(void *arg, const struct sip_challenged *challenged,
			       struct buf *headers);
/* For all requests of this ua, those of calls included. NULL: challenges are not answered. */
void sip_ua_set_credentials(struct sip_ua *ua, sip_credentials_fn *credentials, void *arg);

/* Where a URI of ours leads ----------------------------------------------------------------------
 */

enum sip_whereabouts {
	SIP_NOT_OURS,
	SIP_LOCATED,  /* *ret_located is filled */
	SIP_IS_ABSENT /* ours, and nobody is there */
};
/* Borrowed until the locate function is called again, or returns to the loop. */
struct sip_located {
	struct slice uri, path;      /* Contact; name-addrs of its Path, absent: none */
	const struct sip_flow *flow; /* NULL: none */
};
typedef enum sip_whereabouts sip_locate_fn(void *arg, const struct sip_uri *uri,
					   struct sip_located *ret_located);
/* Asked before each request to a GRUU (RFC 5627): a phone that has one of ours may give it as its
 * Contact, and who sends to it there is its own home proxy (5.1). A phone that is not registered
 * any more is met on the last path of its dialog. NULL: no GRUU is ours. */
void sip_ua_set_locate(struct sip_ua *ua, sip_locate_fn *locate, void *arg);

/* Event packages -------------------------------------------------------------------------------
 */

/* Names for Allow-Events ("conference, refer"): a SUBSCRIBE or PUBLISH for another is answered 489
 * (RFC 6665 4.2.1.1) and never seen by the application. Copied. NULL or "": none. -ENOMEM. */
int sip_ua_set_packages(struct sip_ua *ua, const char *packages);
/* What INVITEs of ours say instead of all packages: with a long list they do not fit into a
 * datagram (RFC 3261 18.1.1). Copied. NULL or "": all. -ENOMEM. */
int sip_ua_set_packages_in_invites(struct sip_ua *ua, const char *packages);
bool sip_ua_has_package(const struct sip_ua *ua, struct slice name);

/* Names for Recv-Info: an INFO for another package is answered 469 (RFC 6086 4.2.2) and never seen
 * by the application; one without Info-Package is legacy use (RFC 6086 2) and is. Copied. NULL or
 * "": none. -ENOMEM. */
int sip_ua_set_info_packages(struct sip_ua *ua, const char *packages);

#endif
