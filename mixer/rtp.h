/* mixer/rtp.h -- RTP headers and the receiver's view of one source.
 *
 * Parsing and writing are pure: no allocation, no state. Views borrow from the datagram.
 * Sources: RFC 3550 5.1 (header), 5.3.1 (extension), A.1 (validation), A.3 (loss), A.8 (jitter);
 *          RFC 8285 4.2 (one-byte extension form); RFC 6464 (audio level).
 * Thread:  parse and write any; a struct rtp_source belongs to the worker of its leg.
 */
#ifndef MIXER_RTP_H
#define MIXER_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RTP_HEADER_LEN = 12,    /* without CSRCs and extension */
	RTP_CSRC_MAX = 15,      /* four bits of CC */
	RTP_DROPOUT_MAX = 3000, /* A.1: a jump forward of less is loss */
	RTP_MISORDER_MAX = 100, /* A.1: a jump back of less is reordering */
	RTP_PROBATION = 2,      /* A.1: consecutive packets before a source counts */
	RTP_EXT_ONE_BYTE = 0xbede
};

struct rtp_packet {
	bool has_marker;
	uint8_t payload_type; /* 0..127 */
	uint16_t seq;
	uint32_t ts;
	uint32_t ssrc;
	uint8_t csrc_count;
	uint32_t csrc[RTP_CSRC_MAX];
	uint16_t ext_profile;   /* 0 and ext NULL: no extension */
	const uint8_t *ext;     /* borrowed: the words after profile and length */
	uint16_t ext_len;       /* octets */
	const uint8_t *payload; /* borrowed, padding removed */
	uint16_t payload_len;
};

/* Reads one datagram. 0; -EBADMSG: not RTP version 2, shorter than it says, wrong padding,
 * or longer than 65535 octets. */
int rtp_parse(const uint8_t *data, size_t len, struct rtp_packet *ret_packet);

/* True when a datagram of a port with rtcp-mux is RTCP: second octet 192..223 (RFC 5761 4). */
bool rtp_is_rtcp(const uint8_t *data, size_t len);

/* Writes the fixed header, CSRCs and, with ext_len > 0, the extension (padded to whole words) to
 * out. Payload fields are ignored. Returns the header's length, or -ENOSPC. */
int rtp_write(const struct rtp_packet *packet, uint8_t *out, size_t cap);

/* One element of a one-byte form extension (RFC 8285 4.2). Borrowed; NULL when absent or when the
 * extension is malformed or of another form. id 1..14. */
const uint8_t *rtp_ext_find(const struct rtp_packet *packet, uint8_t id, uint8_t *ret_len);

/* Audio level of RFC 6464: 0..127 -dBov. 0, or -ENOENT. */
int rtp_ext_level(const struct rtp_packet *packet, uint8_t id, uint8_t *ret_level, bool *ret_voice);

/* Distance from b to a on the circle: positive when a is newer. */
static inline int32_t rtp_seq_diff(uint16_t a, uint16_t b)
{
	return (int16_t)(uint16_t)(a - b);
}

static inline int64_t rtp_ts_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

/* The 64-bit value nearest to `reference` whose low bits are seq or ts. */
int64_t rtp_seq_extend(int64_t reference, uint16_t seq);
int64_t rtp_ts_extend(int64_t reference, uint32_t ts);

enum rtp_verdict {
	RTP_ACCEPT,         /* use it */
	RTP_PROBATION_RUNS, /* plausible, source not valid yet: may be played, must not latch */
	RTP_RESTART,        /* accepted, the sequence started anew: the peer restarted or jumped */
	RTP_DROP            /* a stray: far off in sequence */
};

/* Receiver state of one SSRC. Plain value, fields written by rtp_source_* only. */
struct rtp_source {
	uint32_t ssrc;
	uint32_t clock_hz;
	uint16_t max_seq;
	uint32_t cycles; /* 65536 per wrap */
	uint32_t base_seq;
	uint32_t bad_seq;   /* last stray + 1, or above 65535: none */
	uint32_t probation; /* packets still owed */
	uint32_t received;  /* since base_seq, duplicates included (A.3) */
	uint32_t expected_prior, received_prior;
	uint64_t lost_carried; /* lost before the last restart */
	int64_t transit;       /* last packet's, clock units; INT64_MIN: none */
	uint32_t jitter_q4;    /* A.8, clock units times 16 */
	bool is_started;
};

void rtp_source_init(struct rtp_source *source, uint32_t clock_hz);

/* Packets from here on count in this clock (another codec, RFC 7160): jitter starts anew. */
void rtp_source_clock_rt(struct rtp_source *source, uint32_t clock_hz);

/* Takes one parsed packet. A new SSRC starts the source anew and gives RTP_PROBATION_RUNS (the
 * caller decides beforehand whether it wants the new SSRC at all). arrival_us: monotonic. */
enum rtp_verdict rtp_source_update_rt(struct rtp_source *source, const struct rtp_packet *packet,
				      uint64_t arrival_us);

struct rtp_report { /* of RFC 3550 6.4.1 */
	uint32_t ssrc;
	uint8_t fraction_lost_q8;
	int32_t lost;         /* cumulative, 24 bits signed */
	uint32_t highest_seq; /* extended */
	uint32_t jitter;      /* clock units */
};

/* The report block's figures; starts the next reporting interval. */
struct rtp_report rtp_source_report_rt(struct rtp_source *source);

/* Cumulative loss since the first packet, never below 0. */
uint64_t rtp_source_lost(const struct rtp_source *source);

uint32_t rtp_source_jitter_us(const struct rtp_source *source);

#endif
