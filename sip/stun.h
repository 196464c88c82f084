/* sip/stun.h -- the STUN server that stands on every SIP UDP port (RFC 5626 8, RFC 5389).
 *
 * A phone behind NAT keeps its way to us open with Binding Requests and learns from the answers
 * when its address changes (RFC 5626 4.4.2). Nothing else of STUN is spoken here. Pure; thread:
 * any.
 */
#ifndef SIP_STUN_H
#define SIP_STUN_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/slice.h"

enum { SIP_STUN_HEADER = 20, SIP_STUN_UNKNOWN_MAX = 16 /* attributes named in a 420 */ };

/* Whether a datagram is STUN and not SIP: by its first two bits, its cookie and its length (RFC
 * 5389 6, RFC 5626 8). */
bool sip_stun_is(struct slice datagram);

/* Answers a Binding Request from `remote`: success with XOR-MAPPED-ADDRESS, or error 420 that names
 * the attributes we must understand and do not; with a FINGERPRINT when the request has a good one.
 * False, and nothing is written: no Binding Request, or malformed. */
bool sip_stun_answer(struct slice datagram, const struct addr *remote, struct buf *out);

#endif
