/* mixer/srtp.h -- protection of RTP and RTCP by libsrtp2: SRTP (RFC 3711) with AES-CM and HMAC-SHA1
 * (4.1, 4.2) or AEAD AES-GCM (RFC 7714). Where keys come from is no matter of this part.
 *
 * A crypt is one master key in one direction, with a libsrtp2 session of its own for each SSRC, a
 * *stream*: roll-over counter and replay windows (3.3). Wrong or replayed packets change nothing.
 *
 * Memory: streams are made in crypt_new, before their SSRC is known (crypt_cipher.h), so *_rt
 * functions make none and take no lock. A crypt that receives begins with CRYPT_STREAMS_NEW of
 * them. The first authentic packet of an SSRC takes one; when none is left, the crypt is worn, and
 * control makes more (crypt_new_like, crypt_refill_rt). What is not authentic takes nothing.
 * Threads: crypt_new, crypt_new_like, crypt_free on control, *_rt on the leg's worker.
 */
#ifndef MIXER_SRTP_H
#define MIXER_SRTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/list.h"
#include "media.h"

enum {
	CRYPT_OVERHEAD_MAX = 16 + 4, /* octets that protection adds at most */
	CRYPT_STREAMS_NEW = 2, /* of a crypt that receives: one to begin with, one to follow */
	CRYPT_STREAMS_MAX = 6  /* the ones that were silent longest go first */
};

struct crypt;

/* -EINVAL: suite NONE or unknown. -ENOMEM. -ENOTSUP: libsrtp2 or OpenSSL fail their self-tests. The
 * key is copied. One that sends has one stream. */
int crypt_new(const struct media_keys *keys, bool is_sending, struct crypt **ret_crypt);
struct crypt *crypt_free(struct crypt *crypt); /* wipes its keys */

/* Another one of the same key, whose streams are for crypt_refill_rt: a worker may have `crypt`
 * meanwhile. Errors of crypt_new. */
int crypt_new_like(const struct crypt *crypt, struct crypt **ret_crypt);

bool media_keys_eq(const struct media_keys *a, const struct media_keys *b);

/* In place; the packet is `len` octets of plain RTP (RTCP) with room for CRYPT_OVERHEAD_MAX more.
 * Returns the new length. -EINVAL: no such packet. -EKEYEXPIRED: 2^48 (2^31) packets were sent with
 * this key (RFC 3711 9.2), or this one was sent before. -ENOBUFS: a second SSRC. */
int crypt_protect_rt(struct crypt *crypt, uint8_t *packet, size_t len) NONBLOCKING;
int crypt_protect_rtcp_rt(struct crypt *crypt, uint8_t *packet, size_t len) NONBLOCKING;

/* In place. Returns the length of the plain packet. -EBADMSG: no such packet, or not authentic; its
 * content is undefined then. -EALREADY: a replay, or older than the window of 128 packets.
 * -ENOBUFS: a new SSRC, and the crypt is worn. */
int crypt_unprotect_rt(struct crypt *crypt, uint8_t *packet, size_t len) NONBLOCKING;
int crypt_unprotect_rtcp_rt(struct crypt *crypt, uint8_t *packet, size_t len) NONBLOCKING;

/* No stream is left for another SSRC. */
bool crypt_is_worn_rt(const struct crypt *crypt) NONBLOCKING;

/* `crypt` takes the streams of `fresh`, if it is worn, and fresh gets those that were silent
 * longest where there is no place. Fresh is for crypt_free then. */
void crypt_refill_rt(struct crypt *crypt, struct crypt *fresh) NONBLOCKING;

/* For the lists of whoever has it. */
struct crypt_links {
	struct list node;  /* the worker's, of what goes back */
	struct list owned; /* control's, of all */
};
struct crypt_links *crypt_links(struct crypt *crypt);
struct crypt *crypt_of_node(struct list *node);
struct crypt *crypt_of_owned(struct list *owned);

#endif
