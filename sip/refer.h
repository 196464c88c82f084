/* sip/refer.h -- transfer by REFER, both sides: reading one, accepting it and telling how it goes,
 * sending one and hearing how it goes.
 *
 * Sources: RFC 3515; RFC 4488 (no subscription), RFC 7614 (nosub, explicitsub), RFC 7647 (in and
 * outside dialogs), RFC 3892 (Referred-By), RFC 3420 (message/sipfrag), RFC 5368 (a list of
 * targets). The subscription that a REFER makes is one of sip/subscription.h: it may share the
 * dialog of a call, and outlives it.
 * Ownership: a handle is the ua's and is gone when its last handler has returned. Handlers are
 * called from the loop, never from inside a function of this header. Thread: control.
 */
#ifndef SIP_REFER_H
#define SIP_REFER_H

#include "sip/ua.h"

enum {
	SIP_REFER_HEADERS_MAX = 4096, /* octets of header fields embedded in Refer-To: ERR_LIMIT */
	SIP_REFERRALS_MAX = 4096,     /* under way in one ua, each side: 503, ERR_LIMIT */
	SIP_REFER_WATCHERS_MAX = 4,   /* subscriptions to one of them (RFC 7614): 503 beyond */
	SIP_REFER_REASON_MAX = 64     /* octets of a reason phrase with its NUL; cut */
};

/* What a REFER says -----------------------------------------------------------------------------
 */

enum sip_refer_sub {
	SIP_REFER_SUB,      /* a subscription comes with it (RFC 3515) */
	SIP_REFER_NO_SUB,   /* Refer-Sub: false or Require: nosub */
	SIP_REFER_EXPLICIT, /* Require: explicitsub: the referrer subscribes by itself */
};

struct sip_refer {
	char *target;           /* URI without the method parameter and embedded fields */
	char *display;          /* its display name, "" for none */
	enum sip_method method; /* method parameter; INVITE when there is none */
	char *replaces, *join;  /* values of embedded fields, unescaped; NULL: none */
	char *headers;          /* other embedded fields that may be passed on, as complete lines;
				   NULL: none */
	char *referred_by;      /* whole value (RFC 3892); NULL: none */
	bool is_focus;          /* the target says isfocus */
	bool is_list;           /* target is cid:..., the Content-ID of a resource list in the body
				   (RFC 5368) */
	bool is_in_dialog;
	enum sip_refer_sub sub;
};

/* Everything is copied; sip_refer_done frees it, also of a struct that is all zero. Refer-To is
 * read with and without angle brackets, and embedded fields that are escaped twice or not at all.
 * ERR_SIP_HEADER_MISSING, ERR_SIP_HEADER_REPEATED (several targets), ERR_SIP_HEADER_SYNTAX,
 * ERR_SIP_URI_SYNTAX, ERR_SIP_URI_SCHEME (not sip, sips, tel or cid), ERR_LIMIT, -ENOMEM. */
int sip_refer_parse(const struct sip_msg *request, struct sip_refer *ret_refer);
void sip_refer_done(struct sip_refer *refer);
/* The answer that an error of sip_refer_parse deserves: 400, 416, 513, 500. */
void sip_refer_refuse(struct sip_stx *tx, int err);

/* Being referred -------------------------------------------------------------------------------
 */

struct sip_referral;

struct sip_referral_params {
	struct slice contact_user; /* absent: that of the Request-URI */
	const char *contact_params;
	const char *headers; /* more lines of the 2xx, or NULL */
	/* The last event: the final status was told, or nobody wants to hear it any more and there
	 * was one. May be NULL. */
	void (*on_ended)(void *arg, struct sip_referral *referral);
	void *arg;
};

/* Answers the REFER with 202 (200 where no subscription comes with it) and says "100 Trying" in a
 * NOTIFY. From a handler of the ua or of a call. Nonzero: it was refused, and has been answered
 * (500, 503), or tx is over (ERR_STATE). */
int sip_refer_accept(struct sip_stx *tx, const struct sip_msg *request,
		     const struct sip_refer *refer, const struct sip_referral_params *params,
		     struct sip_referral **ret_referral);

/* How it goes: the status that the referred request got. `reason` NULL: the standard phrase. One of
 * 200 or more is the last, and must come once; what comes after it is ignored. */
void sip_refer_progress(struct sip_referral *referral, uint16_t status, const char *reason);
/* As long as true, progress is heard by somebody. */
bool sip_referral_is_watched(const struct sip_referral *referral);

/* Referring ------------------------------------------------------------------------------------
 */

struct sip_referring;

struct sip_refer_result {
	uint16_t status;  /* final, of the referred request; 0: never told (no subscription, or it
			     ended before) */
	uint16_t refused; /* status of the REFER itself when it was refused, else 0 */
	int err;          /* ERR_SIP_TIMEOUT, ERR_SIP_TRANSPORT ..., else 0 */
};

struct sip_refer_params {
	struct slice refer_to;    /* URI; embedded fields escaped */
	struct slice replaces;    /* a Replaces value to embed, not escaped; absent: none */
	struct slice referred_by; /* whole value, "<sip:room@host>"; absent: none */
	const char *headers;      /* more lines, or NULL */
	bool no_sub;         /* Refer-Sub: false; a peer that does not know RFC 4488 tells us how
				it goes all the same */
	uint32_t timeout_ms; /* to the final status; 0: as long as the subscription lasts */
	/* Outside a dialog only: */
	struct slice target;                        /* Request-URI */
	struct slice to, from, route, contact_user; /* as in sip_request_params */
	/* Each NOTIFY with a status, the final one included. May be NULL. */
	void (*on_progress)(void *arg, struct sip_referring *referring, uint16_t status,
			    struct slice reason);
	/* The last event. */
	void (*on_done)(void *arg, struct sip_referring *referring,
			const struct sip_refer_result *result);
	void *arg;
};

/* In the dialog of an established call: "go there". ERR_STATE, ERR_SIP_URI_SYNTAX, ERR_LIMIT,
 * -ENOMEM. */
int sip_call_refer(struct sip_call *call, const struct sip_refer_params *params,
		   struct sip_referring **ret_referring);
int sip_ua_refer(struct sip_ua *ua, const struct sip_refer_params *params,
		 struct sip_referring **ret_referring);
/* No event any more. Accepts NULL; returns NULL. */
struct sip_referring *sip_referring_drop(struct sip_referring *referring);

/* message/sipfrag (RFC 3420) -------------------------------------------------------------------
 */

/* The status line at its start. The reason is borrowed. ERR_SIP_SYNTAX. */
int sip_sipfrag_parse(struct slice body, uint16_t *ret_status, struct slice *ret_reason);

#endif
