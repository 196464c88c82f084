/* mixer/rtcp.h -- RTCP on the wire: reports, source description, goodbye (RFC 3550 section 6).
 *
 * Parsing takes whole compound packets only (A.2); anything else is -EINVAL and for the caller to
 * count. Building writes SR or RR, SDES with CNAME, XR and BYE on request, in this order (6.1).
 * Functions here are pure: no socket, no clock. Thread: any.
 */
#ifndef MIXER_RTCP_H
#define MIXER_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/random.h"
#include "mixer/voip.h"

enum {
	RTCP_CNAME_MAX = 31,    /* characters of a CNAME that we send */
	RTCP_BUILD_MAX = 192,   /* octets that rtcp_build_rt writes at most */
	RTCP_PACKETS_MAX = 32,  /* packets in one compound; more is malformed to us */
	RTCP_INTERVAL_MS = 5000 /* Tmin (6.2); two members never come near the bandwidth limit */
};

/* One report block (6.4.1), host byte order. */
struct rtcp_block {
	uint32_t ssrc;       /* about whom */
	uint8_t fraction_q8; /* lost since the last report, in 1/256 */
	int32_t lost;        /* cumulative, 24 bits signed on the wire, clamped */
	uint32_t sequence;   /* extended highest sequence number received */
	uint32_t jitter;     /* in RTP timestamp units */
	uint32_t lsr;        /* middle 32 bits of the NTP time of the last SR, 0 none */
	uint32_t dlsr;       /* since that SR, in 1/65536 s */
};

/* What one compound packet tells a session with one peer. */
struct rtcp_report {
	uint32_t ssrc;   /* of the first packet: who reports */
	bool has_sender; /* SR: the next four fields are set */
	uint64_t ntp;    /* seconds since 1900 in the upper 32 bits */
	uint32_t rtp_timestamp;
	uint32_t sent_packets, sent_octets;
	bool has_block; /* somebody reports about our_ssrc */
	struct rtcp_block block;
	bool has_bye; /* goodbye of the source that reports */
};

/* A.2: version 2 throughout, first an SR or RR without padding, lengths that add up to `len`;
 * contents that fit their length. Types that we do not know are skipped. -EINVAL. */
int rtcp_parse_rt(const uint8_t *data, size_t len, uint32_t our_ssrc,
		  struct rtcp_report *ret_report) NONBLOCKING;

/* The same for a peer with whom reduced-size RTCP was agreed on (RFC 5506 3): the packet may begin with any
 * type. */
int rtcp_parse_reduced_rt(const uint8_t *data, size_t len, uint32_t our_ssrc,
			  struct rtcp_report *ret_report) NONBLOCKING;

struct rtcp_build {
	uint32_t ssrc;  /* ours */
	bool is_sender; /* sent RTP since the last report: SR, else RR */
	uint64_t ntp;
	uint32_t rtp_timestamp;
	uint32_t sent_packets, sent_octets;
	const struct rtcp_block *block; /* NULL: nobody to report about */
	const struct voip_report *voip; /* XR (RFC 3611) about `block`'s source; NULL: none */
	const char *cname;              /* at most RTCP_CNAME_MAX characters */
	bool is_bye;
};

/* Writes one compound packet; returns its length, at most RTCP_BUILD_MAX. */
size_t rtcp_build_rt(const struct rtcp_build *build, uint8_t out[RTCP_BUILD_MAX]) NONBLOCKING;

/* Time to the next report in nanoseconds: RTCP_INTERVAL_MS (half of it for the first) times a
 * random 0.5 to 1.5, divided by e - 3/2 (6.3.1). */
uint64_t rtcp_interval_ns_rt(struct random *random, bool is_first) NONBLOCKING;

/* NTP timestamp of a wall time in nanoseconds since 1970 (RFC 3550 section 4). */
uint64_t rtcp_ntp(uint64_t wall_ns);

/* Round trip in microseconds by 6.4.1 (arrival - LSR - DLSR); 0 when it cannot be told or the
 * block is not plausible (negative or above ten seconds). `ntp_arrival`: when the block came. */
uint32_t rtcp_round_trip_us(const struct rtcp_block *block, uint64_t ntp_arrival);

#endif
