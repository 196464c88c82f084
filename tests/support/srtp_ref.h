/* tests/support/srtp_ref.h -- SRTP written down from RFC 3711 and RFC 7714, straight on OpenSSL:
 * the yardstick for what libsrtp2 makes with our ciphers (mixer/srtp.h).
 *
 * It keeps nothing: each call derives the session keys and is told the index (RTP: roll-over
 * counter and sequence number, 48 bits; RTCP: 31 bits), so it has no counters of its own to be
 * wrong about. It looks at nothing but the tag: no replay window. Slow.
 */
#ifndef TESTS_SUPPORT_SRTP_REF_H
#define TESTS_SUPPORT_SRTP_REF_H

#include <stddef.h>
#include <stdint.h>

#include "media.h"

/* In place, with room for 20 octets more. Returns the new length. */
size_t srtp_ref_protect(const struct media_keys *keys, uint64_t index, uint8_t *packet, size_t len);
size_t srtp_ref_protect_rtcp(const struct media_keys *keys, uint32_t index, uint8_t *packet,
			     size_t len);

/* In place. Returns the length of the plain packet, 0: not authentic. */
size_t srtp_ref_unprotect(const struct media_keys *keys, uint64_t index, uint8_t *packet,
			  size_t len);
size_t srtp_ref_unprotect_rtcp(const struct media_keys *keys, uint8_t *packet, size_t len);

#endif
