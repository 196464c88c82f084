/* mixer/voip.h -- the VoIP metrics of a leg: RFC 3611 section 4.7, counted after its appendix A.2.
 *
 * A burst is a stretch in which less than VOIP_GMIN packets in a row arrived between two that were
 * missed; a gap is what lies between bursts. Thread: the leg's worker. Plain value.
 */
#ifndef MIXER_VOIP_H
#define MIXER_VOIP_H

#include <stdint.h>

#include "base/attr.h"

enum { VOIP_GMIN = 16, VOIP_UNKNOWN = 127 };

struct voip {
	uint64_t received, lost, discarded;    /* packets; discarded: came after their turn */
	uint32_t run;                          /* received in a row */
	uint32_t burst_lost;                   /* missed in the present burst */
	uint64_t c11, c13, c14, c22, c23, c33; /* transitions, as the RFC names them */
};

/* What the ear got of a stretch of packets, in any order: what was missed lies evenly in it. */
void voip_note_rt(struct voip *voip, uint32_t received, uint32_t lost,
		  uint32_t discarded) NONBLOCKING;

struct voip_report {
	uint8_t loss_q8, discard_q8, burst_density_q8, gap_density_q8;
	uint16_t burst_ms, gap_ms;
	uint16_t round_trip_ms, end_delay_ms;
	int8_t signal_dbm; /* VOIP_UNKNOWN */
	uint8_t r_factor;  /* 0 to 100, VOIP_UNKNOWN */
	uint8_t mos_lq_x10, mos_cq_x10;
	uint16_t delay_ms, delay_ms_max, delay_ms_cap; /* of the jitter buffer */
};

/* The figures that follow from the counts; packet_ms: sound in a packet. */
struct voip_report voip_report_rt(const struct voip *voip, uint32_t packet_ms) NONBLOCKING;

#endif
