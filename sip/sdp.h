/* sip/sdp.h -- session descriptions: parser, printer and model.
 *
 * The model is owned and small: strings are copied into fixed fields or an arena of the
 * description; it outlives the message it came from. Ready for several m-lines, many codecs, v6,
 * hold, rtcp-mux. Source: RFC 8866 (and RFC 4566, 2327 as phones still write them), RFC 3264,
 * RFC 3605 (rtcp), RFC 5761 (rtcp-mux). Thread: any, one owner.
 */
#ifndef SIP_SDP_H
#define SIP_SDP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/slice.h"

enum {
	SDP_OCTETS_MAX = 32768,
	SDP_MEDIA_MAX = 16,      /* m-lines; more: ERR_SDP_TOO_LARGE */
	SDP_FORMATS_MAX = 64,    /* payload types of one m-line; more are ignored */
	SDP_ATTRIBUTES_MAX = 256 /* a-lines in all; more: ERR_SDP_TOO_LARGE */
};

enum sdp_direction { SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };

struct sdp_format {
	uint8_t payload_type;
	char name[24]; /* rtpmap encoding name as written; static types filled in; "" unknown */
	uint32_t clock_hz;
	uint8_t channels;
	struct slice fmtp; /* points into the description's own copy */
};

struct sdp_attribute {
	struct slice name, value; /* value absent for a flag */
};

struct sdp_media {
	struct slice kind;              /* "audio" */
	uint16_t port;                  /* 0: rejected or disabled (RFC 3264 6) */
	struct slice protocol;          /* "RTP/AVP" */
	struct slice formats_text;      /* as written, for m-lines that we echo */
	uint8_t format_count;           /* of formats, below */
	struct addr connection;         /* own c= or the session's; port 0. Unset for a host name */
	struct slice connection_host;   /* the text of the address */
	bool is_held_old_style;         /* c= is 0.0.0.0 or :: (RFC 2543 hold) */
	enum sdp_direction direction;   /* effective, own or session level */
	uint16_t ptime_ms, maxptime_ms; /* 0: not given */
	struct addr rtcp; /* a=rtcp with address, else connection; port 0 when not given */
	bool has_rtcp_mux;
	struct sdp_attribute *attributes; /* all a-lines of this m-line, in order */
	uint16_t attribute_count;
	struct sdp_format formats[SDP_FORMATS_MAX]; /* last: most are not touched */
};

struct sdp {
	struct slice origin_user, origin_address;
	uint64_t session_id, version;     /* o= */
	struct slice name;                /* s= */
	struct sdp_attribute *attributes; /* session level */
	uint16_t attribute_count;
	struct sdp_media *media;
	uint8_t media_count;
};

/* Owned copy. ERR_SDP_SYNTAX (*reterr_line: 1-based line; may be NULL), ERR_SDP_TOO_LARGE,
 * -ENOMEM. Takes what phones write: LF alone, blank and unknown lines, no o=, s= or t=. */
int sdp_parse(struct slice text, struct sdp **ret_sdp, uint32_t *reterr_line);
struct sdp *sdp_free(struct sdp *sdp);

/* A first look, before anything is parsed: where the first audio line says that its sound is sent
 * to, and with most phones comes from. A hint: false when there is none, when it is held, or when
 * ICE (RFC 8839) will choose another one. */
bool sdp_peek_rtp(struct slice text, struct addr *ret_rtp);

bool sdp_attribute(const struct sdp_attribute *attributes, uint16_t count, const char *name,
		   struct slice *ret_value);

/* Prints any parsed description back (fuzz: a fixed point). */
void sdp_print(struct buf *buf, const struct sdp *sdp);

#endif
