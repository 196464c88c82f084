/* sip/offer_priv.h -- the inside of offer/answer: offer.c decides, offer_text.c writes.
 *
 * A plan says what one description holds for our audio stream: which m-line, and the payload types
 * of each codec in both directions. It is made from their offer (then both directions have their
 * numbers) or for our own (send_pt is filled in from their answer).
 */
#ifndef SIP_OFFER_PRIV_H
#define SIP_OFFER_PRIV_H

#include "sip/offer.h"

enum {
	OFFER_EVENTS_MAX = 4, /* telephone-event at so many clock rates */
	OFFER_NO_PT = 255,
	OFFER_NO_LINE = -1,
	OFFER_ID_EVENT = -1, /* in the memory of payload types */
	OFFER_PTS_MAX = OFFER_CODECS_MAX + OFFER_EVENTS_MAX
};

struct offer_plan_codec {
	uint8_t index; /* in local.codecs */
	uint8_t receive_pt, send_pt;
};

struct offer_plan_event {
	uint32_t clock_hz;
	uint8_t receive_pt, send_pt;
};

struct offer_plan {
	int line; /* OFFER_NO_LINE: no audio */
	struct offer_plan_codec codecs[OFFER_CODECS_MAX];
	uint8_t codec_count;
	struct offer_plan_event events[OFFER_EVENTS_MAX];
	uint8_t event_count;
	struct sdes ours[SDES_SUITE_COUNT]; /* a=crypto lines of ours */
	uint8_t ours_count;
	struct sdes theirs; /* the line of theirs that goes with ours[0]; tag 0: in the clear */
	struct offer_extras extras;
};

/* Payload types keep their meaning for the session (RFC 3264 8.3.2). */
struct offer_pt {
	int id; /* codec id or OFFER_ID_EVENT */
	uint32_t clock_hz;
	uint8_t payload_type;
};

struct offer {
	struct offer_local local;
	bool is_renewed; /* the next text counts as another one */
	uint64_t session_id, version;
	enum offer_state state;
	struct sdp *remote;     /* theirs of the last complete exchange; NULL before the first */
	struct sdp *pending;    /* REMOTE: their offer */
	struct offer_plan sent; /* LOCAL: our offer */
	uint8_t sent_lines;     /* LOCAL: number of m-lines in it */
	int line;               /* m-line of the audio stream, for the life of the session */
	struct offer_pt pts[OFFER_PTS_MAX];
	uint8_t pt_count;
	struct buf last; /* the last description we sent, from the o= address on */
	struct offer_agreed agreed;
	bool has_agreed;
};

/* What a description of ours says. `lines`: the m-lines it has besides the audio line of the plan,
 * echoed with port 0; NULL for none. */
struct offer_text {
	const struct sdp *lines;
	uint8_t line_count; /* all m-lines, the audio line included */
	const struct offer_plan *plan;
	struct slice protocol; /* of the audio line */
	enum sdp_direction direction;
	uint16_t ptime_ms;
	bool has_rtcp_mux;
	bool has_voip_metrics;
	struct slice
		mid; /* of the audio line in the peer's BUNDLE group (RFC 8843); absent: none */
};

/* Appends the description; the version in o= goes up when the text differs from the last one (RFC
 * 3264 8). -ENOMEM, nothing has changed then. */
int offer_text_write(struct offer *offer, const struct offer_text *text, struct buf *ret_text);

#endif
