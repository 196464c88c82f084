/* sip/digest.h -- Digest authentication: what is said in the header fields, and what is computed.
 *
 * Pure functions; who may do what is decided elsewhere (sip/auth.h as a server, sip/keyring.h as a
 * client). Algorithms: MD5, SHA-256 and SHA-512-256 (RFC 8760), each also as -sess; qop auth and
 * auth-int (RFC 7616), and none as RFC 3261 22.4 keeps it for old peers. Quoted values are slices
 * of the message without their quotes and still escaped; they are hashed and echoed as they stand
 * (RFC 7616 3.4.1, unq). Thread: any.
 */
#ifndef SIP_DIGEST_H
#define SIP_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum digest_algorithm { DIGEST_MD5, DIGEST_SHA256, DIGEST_SHA512_256, DIGEST_ALGORITHMS };
enum digest_qop { DIGEST_QOP_NONE, DIGEST_QOP_AUTH, DIGEST_QOP_AUTH_INT };

enum {
	DIGEST_HEX_MAX = 65,    /* a hash in hex with its NUL */
	DIGEST_PARAMS_MAX = 32, /* parameters looked at: ERR_SIP_HEADER_SYNTAX beyond */
	DIGEST_VALUE_MAX = 1024 /* octets of one value: ERR_SIP_HEADER_SYNTAX beyond */
};

const char *digest_algorithm_name(enum digest_algorithm algorithm); /* "SHA-256" */

int digest_algorithm_parse(struct slice text,
			   enum digest_algorithm *ret_algorithm); /* without -sess; -EINVAL */

/* WWW-Authenticate and Proxy-Authenticate. */
struct digest_challenge {
	enum digest_algorithm algorithm;
	bool is_session;             /* "-sess" */
	bool has_auth, has_auth_int; /* neither: no qop was offered */
	bool is_stale;
	struct slice realm, nonce, opaque, domain; /* the last two may be absent */
};
/* ERR_SIP_HEADER_SYNTAX. ERR_AUTH_SCHEME: another scheme than Digest, or an algorithm or qop that
 * we do not know: pass over it, others may follow (RFC 8760 2.4). */
int digest_challenge_parse(struct slice value, struct digest_challenge *ret_challenge);
/* The whole value, without a line end. */
void digest_challenge_write(const struct digest_challenge *challenge, struct buf *buf);

/* Authorization and Proxy-Authorization. */
struct digest_credentials {
	enum digest_algorithm algorithm;
	bool is_session;
	enum digest_qop qop;
	uint32_t nc;          /* 0 without qop */
	struct slice nc_text; /* as it stood: it is hashed */
	struct slice username, realm, nonce, uri, response, cnonce, opaque;
	bool is_userhash; /* the name is hashed (RFC 7616 3.4.4): we offer no such thing */
};
/* Errors as above; ERR_SIP_HEADER_SYNTAX also when something is missing that the qop needs. */
int digest_credentials_parse(struct slice value, struct digest_credentials *ret_credentials);
void digest_credentials_write(const struct digest_credentials *credentials, struct buf *buf);

/* Authentication-Info and Proxy-Authentication-Info (RFC 7615, RFC 7616 3.5); each part may be
 * absent. */
struct digest_info {
	struct slice nextnonce, rspauth, cnonce, nc_text;
	enum digest_qop qop; /* NONE: not said, or not known */
};
/* ERR_SIP_HEADER_SYNTAX. */
int digest_info_parse(struct slice value, struct digest_info *ret_info);

/* H(user ":" realm ":" password) in lower case hex: what a server keeps in place of the password.
 * -ENOMEM, -ENOTSUP (the library refuses the hash, as MD5 under FIPS rules). */
int digest_ha1(enum digest_algorithm algorithm, struct slice user, struct slice realm,
	       struct slice password, char ret_hex[DIGEST_HEX_MAX]);

/* The response value that belongs to `credentials` (its own `response` is not looked at; RFC 7616
 * 3.4.1). `ha1` is that of digest_ha1, also for -sess; `body` counts with auth-int only. Errors of
 * digest_ha1. */
int digest_response(const struct digest_credentials *credentials, const char *ha1,
		    struct slice method, struct slice body, char ret_hex[DIGEST_HEX_MAX]);

/* Equal, in a time that depends on the lengths alone. Hex in either case. */
bool digest_is_same(struct slice given, const char *wanted);

/* A hash of `text` in hex, for tests and for who keeps no secret. Errors of digest_ha1. */
int digest_hash(enum digest_algorithm algorithm, struct slice text, char ret_hex[DIGEST_HEX_MAX]);

#endif
