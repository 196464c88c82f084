/* http/auth.h -- who may ask.
 *
 * With http.token set, every route but the open ones wants "Authorization: Bearer <token>" (RFC
 * 6750 2.1). Without it the server listens on loopback only (config_check), and what is left to
 * fear is a page of another site in a browser on this machine: requests that such a page causes are
 * told by Origin, Sec-Fetch-Site, or (DNS rebinding) a Host that is a name of others. Thread: any.
 */
#ifndef HTTP_AUTH_H
#define HTTP_AUTH_H

#include "base/slice.h"

struct auth_request {
	struct slice authorization, host, origin,
		fetch_site; /* header values; absent when missing */
};

/* `token` "": none is asked; `domains`: sip.domains. 0, ERR_HTTP_UNAUTHORIZED, ERR_HTTP_ORIGIN. */
int auth_check(const char *token, const char *domains, const struct auth_request *request);

#endif
