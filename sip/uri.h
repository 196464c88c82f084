/* sip/uri.h -- SIP, SIPS and tel URIs as slices of the text they were parsed from.
 *
 * Source: RFC 3261 19.1 and 25.1, RFC 3966 (tel). No allocation; the view lives as long as the
 * text. Thread: any.
 */
#ifndef SIP_URI_H
#define SIP_URI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum sip_scheme { SIP_SCHEME_OTHER, SIP_SCHEME_SIP, SIP_SCHEME_SIPS, SIP_SCHEME_TEL };

struct sip_uri {
	struct slice text; /* the whole URI */
	enum sip_scheme scheme;
	struct slice user;     /* still escaped; absent when there is none. tel: the number */
	struct slice password; /* absent when there is none */
	struct slice host;     /* a v6 literal without its brackets */
	bool is_host_v6;
	uint16_t port;        /* 0: none given */
	struct slice params;  /* "transport=tcp;lr", without the first ';' */
	struct slice headers; /* "Replaces=...&Subject=x", without the '?' */
};

/* The whole slice must be one URI. ERR_SIP_URI_SYNTAX. Unknown schemes parse as SIP_SCHEME_OTHER.
 * Every '%' in a parsed URI begins a whole escape. */
int sip_uri_parse(struct slice text, struct sip_uri *ret_uri);

/* URI parameter by name (any case). False when missing; a parameter without value gives an
 * empty, present slice. The value is still escaped. */
bool sip_uri_param(const struct sip_uri *uri, const char *name, struct slice *ret_value);
bool sip_uri_header(const struct sip_uri *uri, const char *name, struct slice *ret_value);

/* `text` up to its header fields, which no Request-URI may have (RFC 3261 19.1.1); as it is when it
 * has none or is no URI. A '?' in the user part is no such mark. */
struct slice sip_uri_without_headers(struct slice text);

static inline bool sip_uri_is_sip(const struct sip_uri *uri) /* sip: or sips: */
{
	return uri->scheme == SIP_SCHEME_SIP || uri->scheme == SIP_SCHEME_SIPS;
}

/* Equality of RFC 3261 19.1.4, with escapes resolved. */
bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b);

/* Resolves %HH escapes into out (NUL terminated, at most cap - 1 octets, -ERANGE beyond;
 * ERR_SIP_URI_SYNTAX on a broken escape or an escaped NUL). *ret_len without the NUL. */
int sip_unescape(struct slice text, char *out, size_t cap, size_t *ret_len);

/* Adds `text` with everything but unreserved and `keep` characters escaped. */
void sip_escape(struct buf *buf, struct slice text, const char *keep);

#endif
