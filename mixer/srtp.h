/* mixer/srtp.h -- protection of RTP and RTCP: SRTP (RFC 3711) with AES-CM and HMAC-SHA1 (RFC 3711
 * 4.1, 4.2) or AEAD AES-GCM (RFC 7714). Where keys come from is no matter of this part.
 *
 * A crypt is one master key in one direction: session keys (4.3, derivation rate 0), roll-over
 * counter and replay window (3.3) of each SSRC that is heard. Wrong or replayed packets change
 * nothing.
 *
 * Memory: all made in crypt_new, so *_rt functions allocate nothing and take no lock. That is why
 * it stands on OpenSSL's ciphers and not on libsrtp2, which on Debian calls NSS and makes memory 5
 * (GCM) to 14 (AES-CM) times per packet; tests use libsrtp2 as the yardstick.
 * Threads: crypt_new/crypt_free on control, *_rt on the leg's worker.
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
	CRYPT_STREAMS_MAX = 4 /* SSRCs heard at a time; the one that was silent longest goes */
};

struct crypt;

/* -EINVAL: suite NONE or unknown. -ENOMEM. The key is copied. */
int crypt_new(const struct media_keys *keys, bool is_sending, struct crypt **ret_crypt);
struct crypt *crypt_free(struct crypt *crypt); /* wipes its keys */

bool media_keys_eq(const struct media_keys *a, const struct media_keys *b);

/* In place; the packet is `len` octets of plain RTP (RTCP) with room for CRYPT_OVERHEAD_MAX more.
 * Returns the new length. -EINVAL: no such packet. -EKEYEXPIRED: 2^48 (2^31) packets were sent with
 * this key (RFC 3711 9.2). */
int crypt_protect_rt(struct crypt *crypt, uint8_t *packet, size_t len) NONBLOCKING;
int crypt_protect_rtcp_rt(struct crypt *crypt, uint8_t *packet, size_t len) NONBLOCKING;

/* In place. Returns the length of the plain packet. -EBADMSG: no such packet, or not authentic; its
 * content is undefined then. -EALREADY: a replay, or older than the window of 64 packets. */
int crypt_unprotect_rt(struct crypt *crypt, uint8_t *packet, size_t len) NONBLOCKING;
int crypt_unprotect_rtcp_rt(struct crypt *crypt, uint8_t *packet, size_t len) NONBLOCKING;

/* For the lists of whoever has it. */
struct crypt_links {
	struct list node;  /* the worker's, of what goes back */
	struct list owned; /* control's, of all */
};
struct crypt_links *crypt_links(struct crypt *crypt);
struct crypt *crypt_of_node(struct list *node);
struct crypt *crypt_of_owned(struct list *owned);

#endif
