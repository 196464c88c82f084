/* mixer/latch.h -- whose RTP is believed: symmetric RTP (RFC 4961) with protection against hijack.
 *
 * The *signalled* address is what SDP says. The *source* is where the stream that we play comes
 * from.
 * 1. Before there is a source: a packet from the signalled address is believed at once. Of anybody
 *    else only with is_symmetric, and only after LATCH_RUN consecutive packets (same address, same
 *    SSRC, sequence numbers one apart).
 * 2. While the source speaks, nobody else is believed but the signalled address, and the one that
 *    was the first source, after LATCH_RUN packets: what followed a stranger comes back when the
 *    peer itself speaks.
 * 3. When the source has been silent for LATCH_SILENT_MS, a newcomer may take over under rule 1 if
 *    it is at the IP address of the source or goes on with its SSRC, as a peer does whose NAT or
 *    network has changed. Whoever only knows or guesses our port has neither. The signalled address
 *    and the first source need their run then, too.
 * 4. While the peer has said that it sends nothing (is_silent_peer: held, or it only listens),
 *    nobody follows its source.
 * 5. Signalling that names another address (latch_set) forgets the source, unless it names the
 *    source itself.
 * Callers pass only packets that parse as RTP with an accepted payload type. Everything not
 * believed is counted in `rejected`, but for the run-up of a newcomer that came through. Thread:
 * the leg's worker. Plain value; pure, time is handed in.
 */
#ifndef MIXER_LATCH_H
#define MIXER_LATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/attr.h"

enum {
	LATCH_RUN = 3,         /* consecutive packets of a newcomer */
	LATCH_SILENT_MS = 500, /* silence of the source before anybody may follow it */
	LATCH_CANDIDATES = 4 /* newcomers watched at a time; a flood of one does not hide another */
};

enum latch_verdict {
	LATCH_ACCEPT,
	LATCH_LEARNT,    /* accept; the address to send to has changed */
	LATCH_PROBATION, /* not yet */
	LATCH_REJECT
};

struct latch_candidate {
	struct addr from; /* unset: slot is free */
	uint32_t ssrc;
	uint16_t seq;
	uint8_t run;
	uint64_t last_ns;
};

struct latch {
	struct addr signalled, source;
	uint32_t ssrc; /* of the last packet of the source */
	bool is_symmetric, has_source;
	bool is_silent_peer; /* the leg's */
	uint64_t source_ns;  /* last packet of the source */
	struct latch_candidate candidates[LATCH_CANDIDATES];
	uint64_t rejected;
	struct addr first; /* source since signalling named its address; unset: none yet */
};

void latch_init(struct latch *latch);

/* What signalling says, also when it says the same again. Returns whether the address to send to
 * changed. */
bool latch_set_rt(struct latch *latch, const struct addr *signalled, bool is_symmetric) NONBLOCKING;

struct latch_packet {
	const struct addr *from;
	uint32_t ssrc;
	uint16_t seq;
};

enum latch_verdict latch_packet_rt(struct latch *latch, const struct latch_packet *packet,
				   uint64_t now_ns) NONBLOCKING;

/* Where to send RTP: the source when we follow it, else the signalled address. */
static inline const struct addr *latch_remote(const struct latch *latch)
{
	return latch->has_source && latch->is_symmetric ? &latch->source : &latch->signalled;
}

#endif
