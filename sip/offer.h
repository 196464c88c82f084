/* sip/offer.h -- offer/answer (RFC 3264, RFC 6337) as a pure state machine for one audio stream.
 *
 * It knows what we can do (struct offer_local), reads offers and answers, writes offers and
 * answers, and tells what was agreed. No socket, no time, no SIP: text in, text out. Video and
 * other m-lines are declined with port 0; m-lines keep their number and order for the life of the
 * session (RFC 3264 8). Thread: control; one owner.
 *
 * State (RFC 3264 4): STABLE -> (we offer) LOCAL_OFFER -> STABLE, or -> (they offer)
 * REMOTE_OFFER -> STABLE. A rejected or failed exchange returns to what was agreed before.
 */
#ifndef SIP_OFFER_H
#define SIP_OFFER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "sip/offer_extras.h"
#include "sip/sdes.h"
#include "sip/sdp.h"

enum { OFFER_CODECS_MAX = 16 };

struct offer_codec {
	int id; /* the caller's number (enum media_codec); telephone-event is not listed here */
	const char *name; /* rtpmap name; static text */
	uint32_t clock_hz;
	uint8_t channels;
	int static_pt;    /* 0..95 static payload type, or -1: dynamic, numbered from 96 */
	const char *fmtp; /* NULL: none; static text */
};

/* Whether sound is encrypted, keys by a=crypto (RFC 4568). */
enum offer_srtp {
	OFFER_SRTP_OFF,      /* RTP/SAVP is not acceptable; a=crypto is not looked at */
	OFFER_SRTP_ACCEPTED, /* what they offer is taken: RTP/SAVP, and RTP/AVP with a=crypto */
	OFFER_SRTP_OFFERED,  /* and we offer it: a=crypto beneath RTP/AVP, as phones do */
	OFFER_SRTP_REQUIRED  /* we offer RTP/SAVP; what comes without a key is refused */
};

struct offer_local {
	struct addr rtp;                             /* goes into c= and m= */
	struct offer_codec codecs[OFFER_CODECS_MAX]; /* in our order of preference */
	uint8_t codec_count;
	bool has_telephone_event;     /* events 0-16 at each clock rate in use */
	bool has_rtcp_mux;            /* offer it and accept it */
	bool has_noise;               /* accept comfort noise (RFC 3389) */
	bool has_extras;              /* a first offer has all that offer_extras.h knows */
	uint16_t ptime_ms;            /* what we like to receive and send, 20 */
	enum sdp_direction direction; /* what we want: normally SDP_SENDRECV */
	enum offer_srtp srtp;
	uint8_t srtp_keys[SDES_SUITE_COUNT][SDES_KEY_MAX]; /* ours, random, for the call's life */
};

/* What both sides agreed on, from our side's view. */
struct offer_agreed {
	bool is_active;                      /* false: the audio line was declined */
	struct addr remote_rtp, remote_rtcp; /* remote_rtp port 0 or unset: send nothing */
	struct {
		int id;
		uint8_t payload_type;
	} receive[OFFER_CODECS_MAX]; /* what may arrive */
	uint8_t receive_count;
	int send_id; /* codec we send; -1 none */
	uint8_t send_pt;
	uint8_t dtmf_pt_receive, dtmf_pt_send; /* 255: none */
	uint32_t dtmf_clock_hz;                /* of these, 0: none */
	struct slice send_fmtp;                /* what they want of the codec that we send */
	uint16_t ptime_ms; /* of packets that we send: their ptime within maxptime, or ours */
	bool is_sending, is_receiving; /* direction, our view; hold and c=0.0.0.0 included */
	bool has_rtcp_mux;
	bool has_voip_metrics; /* they asked for RTCP XR (RFC 3611 5.1) */
	struct offer_extras extras;
	bool is_encrypted;
	struct sdes keys_send, keys_receive; /* is_encrypted: ours and theirs */
	bool is_held; /* the peer put us on hold: sendonly, inactive or c=0.0.0.0 */
};

enum offer_state { OFFER_STABLE, OFFER_LOCAL, OFFER_REMOTE };

struct offer;

/* `session_id` goes into o=. What we can do may change between exchanges, and before an answer is
 * written (offer_set_local; ERR_STATE while an offer of ours is open). At least one codec. */
int offer_new(const struct offer_local *local, uint64_t session_id, struct offer **ret_offer);
/* A copy before the first exchange is complete (an INVITE that several callees answer). ERR_STATE
 * after it, -ENOMEM. */
int offer_clone(const struct offer *offer, struct offer **ret_offer);
struct offer *offer_free(struct offer *offer);
int offer_set_local(struct offer *offer, const struct offer_local *local);
enum offer_state offer_state(const struct offer *offer);

/* We offer: writes the description, state LOCAL. ERR_STATE outside STABLE. */
int offer_write(struct offer *offer, struct buf *ret_text);
/* Their answer to our offer. ERR_SDP_SYNTAX, ERR_SDP_MISMATCH (state is STABLE again, agreed as
 * before). */
int offer_read_answer(struct offer *offer, struct slice text);

/* They offer: state REMOTE. ERR_STATE outside STABLE (glare or overlap: 491 / 500, RFC 6337 2.2),
 * ERR_SDP_SYNTAX, ERR_SDP_NO_MEDIA (nothing to answer with: 488), state unchanged then. An offer
 * that asks for no media at all (no m-line, or port 0 in each) is answered in kind: not is_active.
 */
int offer_read(struct offer *offer, struct slice text);
/* Our answer: writes it, state STABLE, agreed updated. ERR_STATE; ERR_SDP_NO_MEDIA when
 * offer_set_local took away what was acceptable, state unchanged then. */
int offer_write_answer(struct offer *offer, struct buf *ret_text);

/* The next description that we write has a version in o= that is higher by one even when it says
 * the same: the session is another one for the peer (RFC 3911 8.2). */
void offer_renew(struct offer *offer);

/* Our offer was refused, or we refuse theirs: back to what was agreed. */
void offer_rollback(struct offer *offer);

/* NULL before the first exchange is complete. Borrowed until the next call. */
const struct offer_agreed *offer_agreed(const struct offer *offer);

#endif
