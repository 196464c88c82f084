/* sip/offer_extras.h -- what an audio line may have besides its codecs, and both must say: audio
 * levels in RTP, comfort noise, reduced-size RTCP.
 *
 * We take them when the peer offers them, and keep them in later offers of ours. A first offer of
 * ours has them by option, for few peers know them and all have to carry them.
 *
 * Source: RFC 8285 5 and 6 (a=extmap, directions), RFC 6464 4 and RFC 6465 4 (the URNs), RFC 3389 5
 * (CN, payload type 13), RFC 5506 5 (a=rtcp-rsize). Thread: any; pure.
 */
#ifndef SIP_OFFER_EXTRAS_H
#define SIP_OFFER_EXTRAS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct sdp_media;

enum { OFFER_NOISE_PT = 13 };

struct offer_extras {
	uint8_t level_id; /* of the peer's own level in its packets (RFC 6464); 0: none */
	uint8_t mix_id;   /* of contributors' levels in ours (RFC 6465); 0: none */
	bool has_noise;   /* CN at 8000 Hz, either way (RFC 3389) */
	bool has_reduced; /* RTCP packets that are not compound (RFC 5506) */
};

/* What their audio line says that we could do. Of several numbers for one thing the first counts;
 * numbers outside 1..14 (the one-byte form) and directions that are no use to us are passed over.
 */
struct offer_extras offer_extras_read(const struct sdp_media *media);

/* Of a first offer of ours, numbered by us. */
struct offer_extras offer_extras_ours(bool has_noise);

/* What both say: same numbers, same things. */
struct offer_extras offer_extras_common(const struct offer_extras *a, const struct offer_extras *b);

/* Their attributes, in our view of the directions. The number of CN in m= is the caller's. */
void offer_extras_write(struct buf *buf, const struct offer_extras *extras);

#endif
