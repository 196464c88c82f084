/* mixer/latch.c */
#include "mixer/latch.h"

#include <string.h>

#define SILENT_NS ((uint64_t)LATCH_SILENT_MS * 1000000)

void latch_init(struct latch *latch)
{
	memset(latch, 0, sizeof(*latch));
}

static void candidates_drop(struct latch *latch)
{
	memset(latch->candidates, 0, sizeof(latch->candidates));
}

bool latch_set_rt(struct latch *latch, const struct addr *signalled, bool is_symmetric)
{
	struct addr before = *latch_remote(latch);
	bool is_same = addr_eq(&latch->signalled, signalled);

	latch->signalled = *signalled;
	latch->is_symmetric = is_symmetric;
	if (latch->has_source && !is_same && !addr_eq(&latch->source, signalled)) {
		latch->has_source = false;
		latch->first = (struct addr){0};
		candidates_drop(latch);
	}
	return !addr_eq(&before, latch_remote(latch));
}

static enum latch_verdict source_take(struct latch *latch, const struct latch_packet *packet,
				      uint64_t now_ns)
{
	struct addr before = *latch_remote(latch);

	if (!addr_is_set(&latch->first) || addr_eq(packet->from, &latch->signalled))
		latch->first = *packet->from; /* once the signalled one spoke, who was before it
					       * has no right any more */
	latch->source = *packet->from;
	latch->ssrc = packet->ssrc;
	latch->has_source = true;
	latch->source_ns = now_ns;
	candidates_drop(latch);
	return addr_eq(&before, latch_remote(latch)) ? LATCH_ACCEPT : LATCH_LEARNT;
}

/* The newcomer's slot, or else a free one, or the one that has waited longest. */
static struct latch_candidate *candidate_find(struct latch *latch, const struct addr *from)
{
	struct latch_candidate *oldest = &latch->candidates[0];

	for (uint32_t i = 0; i < LATCH_CANDIDATES; i++) {
		struct latch_candidate *candidate = &latch->candidates[i];

		if (addr_eq(&candidate->from, from))
			return candidate;
		if (oldest->run > 0 &&
		    (candidate->run == 0 || candidate->last_ns < oldest->last_ns))
			oldest = candidate;
	}
	latch->rejected += oldest->run; /* pushed out: it will not come through */
	memset(oldest, 0, sizeof(*oldest));
	return oldest;
}

static enum latch_verdict probation(struct latch *latch, const struct latch_packet *packet,
				    uint64_t now_ns)
{
	struct latch_candidate *candidate = candidate_find(latch, packet->from);
	bool goes_on = candidate->run > 0 && candidate->ssrc == packet->ssrc &&
		       (uint16_t)(candidate->seq + 1) == packet->seq &&
		       now_ns - candidate->last_ns < SILENT_NS;

	if (!goes_on) {
		latch->rejected += candidate->run;
		candidate->run = 0;
	}
	candidate->from = *packet->from;
	candidate->ssrc = packet->ssrc;
	candidate->seq = packet->seq;
	candidate->last_ns = now_ns;
	if (++candidate->run < LATCH_RUN)
		return LATCH_PROBATION;
	return source_take(latch, packet, now_ns);
}

/* Rules 2 to 4: whether somebody who is not the source may try to become it. */
static bool may_follow(const struct latch *latch, const struct latch_packet *packet,
		       uint64_t now_ns)
{
	if (addr_eq(packet->from, &latch->signalled))
		return true;
	if (!latch->is_symmetric)
		return false;
	if (!latch->has_source || addr_eq(packet->from, &latch->first))
		return true;
	return now_ns - latch->source_ns >= SILENT_NS && !latch->is_silent_peer &&
	       (packet->ssrc == latch->ssrc || addr_eq_ip(packet->from, &latch->source));
}

enum latch_verdict latch_packet_rt(struct latch *latch, const struct latch_packet *packet,
				   uint64_t now_ns)
{
	if (latch->has_source && addr_eq(packet->from, &latch->source)) {
		latch->source_ns = now_ns;
		latch->ssrc = packet->ssrc;
		return LATCH_ACCEPT;
	}
	if (!latch->has_source && addr_eq(packet->from, &latch->signalled))
		return source_take(latch, packet, now_ns);
	if (!may_follow(latch, packet, now_ns)) {
		latch->rejected++;
		return LATCH_REJECT;
	}
	return probation(latch, packet, now_ns);
}
