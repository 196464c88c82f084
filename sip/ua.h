/* sip/ua.h -- the user agent core: what the focus sees of SIP.
 *
 * Below it: transactions (sip/tx.h, RFC 3261 17, RFC 6026), dialogs (sip/dialog.h, RFC 3261 12),
 * offer/answer (sip/offer.h, RFC 3264). The core answers by itself what needs no policy: malformed
 * requests (400, 416, 505; also Replaces and Join together, or in what is no INVITE), merged
 * requests (482), INVITE with Max-Forwards 0 (483), unknown
 * Require (420), methods not allowed or unknown (405, 501), bodies of other types (415), unknown
 * dialogs (481), session timers that are too short (422), UPDATE, overload (503), CANCEL (200 and
 * 487), glare (491, RFC 3261 14.2), session bodies that do not parse (400) or do not fit (488),
 * retransmission of 2xx until ACK; sips: in the clear (480, RFC 5630).
 *
 * A *call* is one INVITE session: transaction, then dialog, with its offer/answer. It is owned by
 * the ua; a pointer to it is valid from on_invite / sip_call_new until on_ended has returned.
 * Handlers are called on the control thread, from the loop; inside any handler every function of
 * this header may be called.
 */
#ifndef SIP_UA_H
#define SIP_UA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/wheel.h"
#include "sip/dialog_ref.h"
#include "sip/msg.h"
#include "sip/net.h"
#include "sip/offer.h"

struct sip_ua;
struct sip_call;
struct sip_stx;      /* a server transaction (sip/tx.h) that waits for its answer */
struct sip_resolver; /* sip/resolver.h */
struct sip_guard;    /* sip/guard.h */

/* An answer, or the extra parts of a request. All borrowed for the call. */
struct sip_reply {
	uint16_t status;
	const char *reason;       /* NULL: standard phrase */
	const char *headers;      /* complete lines "Name: value\r\n...", or NULL */
	const char *content_type; /* NULL: no body */
	struct slice body;
};

enum sip_call_end_by { SIP_END_LOCAL, SIP_END_REMOTE, SIP_END_TIMEOUT, SIP_END_TRANSPORT };

struct sip_call_end {
	enum sip_call_end_by by;
	uint16_t status;  /* final status of the INVITE when it was not a 2xx, else 0 */
	const char *text; /* reason phrase or cause, for people; never NULL */
	const struct sip_msg
		*message; /* the response or BYE that ended it; NULL for local ends and timeouts */
	uint16_t warning; /* of an application's own end: a warn-code of sip/sips.h; else 0 */
};

struct sip_call_handlers {
	/* UAC: a provisional response above 100. */
	void (*on_progress)(void *arg, struct sip_call *call, const struct sip_msg *response);
	/* UAC: 2xx received (and ACKed); UAS: ACK received. Once. `message` is that 2xx or ACK. */
	void (*on_established)(void *arg, struct sip_call *call, const struct sip_msg *message);
	/* An offer/answer exchange is complete (first or later, whoever began it). The first one
	 * comes before on_established: of a UAS with the 2xx (in the next turn of the loop, not
	 * inside sip_call_accept) or with the ACK that carries the answer, of a UAC with the 2xx.
	 */
	void (*on_media)(void *arg, struct sip_call *call, const struct offer_agreed *agreed);
	/* The same before the call is answered: early media (RFC 3960). Of a UAC for the callee
	 * that answered last when it rings at several; an exchange that was not reliable may still
	 * come out differently. on_media follows with the 2xx in any case. NULL: not told. */
	void (*on_early_media)(void *arg, struct sip_call *call, const struct offer_agreed *agreed);
	/* A re-INVITE or UPDATE that we sent was refused (the old agreement stands). */
	void (*on_reinvite_failed)(void *arg, struct sip_call *call, uint16_t status);
	/* A request in the dialog other than INVITE, ACK, BYE, CANCEL, PRACK, UPDATE: answer it
	 * with sip_stx_reply, now or within 64*T1 (sip/tx.h). NULL: 405 / 501. OPTIONS in a dialog
	 * comes here too. */
	void (*on_request)(void *arg, struct sip_call *call, struct sip_stx *tx,
			   const struct sip_msg *request);
	/* The last event. The call is gone when this returns. */
	void (*on_ended)(void *arg, struct sip_call *call, const struct sip_call_end *end);
};

struct sip_ua_handlers {
	/* A new INVITE outside any dialog, checked. The handler must (now or later) accept, reject
	 * or redirect; 100 Trying is sent when it returns without having answered. It should first
	 * call sip_call_bind. */
	void (*on_invite)(void *arg, struct sip_call *call, const struct sip_msg *request);
	/* Any other request outside a dialog whose method is in `allow`: answer with sip_stx_reply,
	 * now or within 64*T1 (sip/tx.h). */
	void (*on_request)(void *arg, struct sip_stx *tx, const struct sip_msg *request);
	void *arg;
};

enum { SIP_MIN_SE_S = 90 };

/* Reliable provisional answers (RFC 3262). Ours are reliable when the caller requires it, or can do
 * it and they carry a description, or always with REQUIRED; who cannot do it is refused then (421),
 * and our INVITE requires it. */
enum sip_100rel { SIP_100REL_OFF, SIP_100REL_SUPPORTED, SIP_100REL_REQUIRED };

enum { SIP_UDP_OCTETS = 1300 }; /* RFC 3261 18.1.1, where the path's MTU is not known */

struct sip_ua_params {
	struct wheel *wheel;
	struct clock clock;
	struct random *random;
	struct sip_net net;
	struct sip_resolver *resolver; /* NULL: IP literals only */
	struct sip_ua_handlers handlers;
	const char *allow;                    /* "INVITE, ACK, BYE, CANCEL, OPTIONS" */
	const char *supported;                /* "timer, replaces"; "" for none */
	const char *product;                  /* Server and User-Agent */
	uint32_t t1_ms, t2_ms, t4_ms;         /* 500, 4000, 5000 (RFC 3261 17); 0: those */
	uint32_t calls_max, transactions_max; /* beyond: 503 with Retry-After */
	enum sip_100rel rel;                  /* adds 100rel to `supported`; `allow` needs PRACK */
	/* Session timers (RFC 4028), where `supported` has "timer": how long a session lives
	 * without a refresh (0: we ask for none, but do our part when the peer does), and the least
	 * that we accept (SIP_MIN_SE_S at least; a shorter one is answered 422). */
	uint32_t session_expires_s, min_se_s;
	struct sip_guard *guard; /* asked before anything new begins; NULL: nobody is asked */
	/* A request that is longer goes by TCP in place of UDP, and by UDP only when nobody takes
	 * it there (RFC 3261 18.1.1). 0: SIP_UDP_OCTETS. */
	uint32_t udp_octets_max;
	struct slice public_host; /* host[:port] for Contact and Via in place of our address;
				     absent: the address */
	/* Our requests say that we can leave some out when the peer asks for it (RFC 7339). Peers
	 * that say so are told our wish in any case. */
	bool has_overload_control;
};

/* Takes copies of the parameter's strings; wheel, random, net and resolver are borrowed until
 * sip_ua_free. -ENOMEM. */
int sip_ua_new(const struct sip_ua_params *params, struct sip_ua **ret_ua);
/* Frees what still lives, without a message and without on_ended. Accepts NULL; returns NULL. Not
 * to be called inside a handler. */
struct sip_ua *sip_ua_free(struct sip_ua *ua);

/* Incoming INVITE ------------------------------------------------------------------------------ */

/* Handlers for this call from now on. `arg` stays the caller's. */
void sip_call_bind(struct sip_call *call, const struct sip_call_handlers *handlers, void *arg);
void *sip_call_arg(const struct sip_call *call);

/* The Contact of this call from now on: "<sip:user@host:port;transport=tcp>;params", where the
 * transport is left out for UDP. Both are copied; `user` is written as it is (escape it where a URI
 * needs it); `params` such as "isfocus", or NULL. Default: the user part of the Request-URI.
 * ERR_LIMIT (256 octets each). */
int sip_call_set_contact(struct sip_call *call, struct slice user, const char *params);

/* What our side offers and answers with: media address, codecs, direction. Copied. Needed before
 * accept and before an offer can be read. */
int sip_call_set_local(struct sip_call *call, const struct offer_local *local);

/* 180, 181, 182, 183 (without a body). Behind a reliable one it waits for that one's PRACK.
 * ERR_STATE after a final response; ERR_LIMIT (4 wait). */
int sip_call_progress(struct sip_call *call, const struct sip_reply *reply);
/* The same with the answer to their offer, on_early_media follows in the next turn; or, when they
 * made none and can do 100rel, with our offer, whose answer comes in the PRACK. The 2xx repeats the
 * answer or, where all was reliable, has none. ERR_STATE also: no local description; no offer of
 * theirs and no 100rel. ERR_SDP_NO_MEDIA, ERR_SDP_SYNTAX as sip_call_accept. */
int sip_call_progress_media(struct sip_call *call, const struct sip_reply *reply);
/* 200 with the answer to their offer, or with our offer when they made none (their answer comes in
 * the ACK). `reply` may be NULL; status, content_type and body in it are ignored. A 200
 * that must wait for the PRACK of an answer with a description (RFC 3262 3) is sent then; the state
 * is INCOMING until it is. ERR_SDP_NO_MEDIA,
 * ERR_SDP_SYNTAX: nothing was sent, reject it. ERR_STATE. */
int sip_call_accept(struct sip_call *call, const struct sip_reply *reply);
/* 3xx to 6xx. on_ended follows (LOCAL) once the transaction has done its work. ERR_STATE. */
int sip_call_reject(struct sip_call *call, const struct sip_reply *reply);

/* Outgoing INVITE ------------------------------------------------------------------------------ */

struct sip_call_invite {
	struct slice target; /* Request-URI and To */
	struct slice to;     /* whole To value when it differs from <target>; absent: <target> */
	struct slice from;   /* "\"Room\" <sip:room@host>", without a tag */
	struct slice contact_user;
	const char *contact_params;  /* "isfocus" or NULL */
	struct slice route;          /* URI of an outbound proxy, or name-addrs "<..>, <..>" in the
					order of the hops (RFC 3327 5.5); absent: none */
	const struct sip_flow *flow; /* copied; requests of this call that have no Route go over
					this path and no other (RFC 5626 5.3); NULL: resolve */
	const char *headers;         /* more lines, or NULL */
	const struct offer_local
		*local;      /* copied; NULL: INVITE without an offer, set before the 2xx comes */
	uint32_t timeout_ms; /* to a final response; then CANCEL. 0: 180 s */
	/* A sip: target that is reached by sips: what has no Route goes by TLS (RFC 5630 5.3). */
	bool is_secure;
	/* Of a call that carries on another: so many of the SIP_HOPS of Max-Forwards are used up
	 * (RFC 7332 3: a loop through several of us must end). */
	uint8_t hops_used;
	const struct sip_call_handlers *handlers;
	void *arg;
};
/* A sips: target makes sip: routes sips: (RFC 5630 5.1.1); it, or such a first hop, makes our
 * Contact sips:. Sends (or begins to resolve) at once; failures that follow come by on_ended, never from inside
 * this call. ERR_SIP_URI_SYNTAX, ERR_BAD_TARGET, ERR_LIMIT, -ENOMEM. */
int sip_call_new(struct sip_ua *ua, const struct sip_call_invite *invite,
		 struct sip_call **ret_call);

/* Both ----------------------------------------------------------------------------------------- */

/* Ends the call in whatever state it is: reject (status of `reason` or 480), CANCEL (and BYE should
 * a 2xx cross it, RFC 3261 9.1, 15), BYE. `reason` may be NULL: its status and headers go out where
 * the message has room for them. on_ended follows, later. Repeated calls are harmless. */
void sip_call_hangup(struct sip_call *call, const struct sip_reply *reason);

/* Re-INVITE with the present local description and Contact (RFC 3261 14.1). While another exchange
 * is under way it waits its turn; 491 is retried as 14.1 says. ERR_STATE before it is established.
 */
int sip_call_reinvite(struct sip_call *call);
/* Before it: the description counts as new (offer_renew). */
void sip_call_renew(struct sip_call *call);

/* UPDATE (RFC 3311), also before the answer once an exchange was complete and reliable: refreshes
 * target and session timer; with an offer also the description, by the present local one. Waits its
 * turn like sip_call_reinvite. Where the peer does not allow UPDATE a re-INVITE goes out instead,
 * if there is an offer. ERR_STATE; -ENOMEM. */
struct sip_call_update {
	bool has_offer;
	const char *headers; /* more lines, or NULL: "Reason: SIP;cause=180\r\n" */
};
int sip_call_update(struct sip_call *call, const struct sip_call_update *update);

/* The session timer that runs (RFC 4028), 0 when none does; and whether we refresh it. */
uint32_t sip_call_session_expires_s(const struct sip_call *call, bool *ret_is_refresher);

/* A request in the dialog. on_reply is called once with the final response, or with NULL
 * (timeout or transport failure), unless the call ended before. */
typedef void sip_reply_fn(void *arg, struct sip_call *call, const struct sip_msg *response);
struct sip_call_request {
	const char *method;
	const char *headers, *content_type;
	struct slice body;
	sip_reply_fn *on_reply;
	void *arg;
};
int sip_call_request(struct sip_call *call, const struct sip_call_request *request);

enum sip_call_state {
	SIP_CALL_CALLING,
	SIP_CALL_RINGING,
	SIP_CALL_INCOMING,
	SIP_CALL_ACCEPTED,
	SIP_CALL_ESTABLISHED,
	SIP_CALL_ENDING
};
enum sip_call_state sip_call_state(const struct sip_call *call);
bool sip_call_is_outgoing(const struct sip_call *call);
struct slice sip_call_id(const struct sip_call *call);
struct slice sip_call_remote_uri(const struct sip_call *call); /* AOR of the peer: From or To URI */
struct slice
sip_call_remote_display(const struct sip_call *call); /* unescaped UTF-8; empty when none */
struct slice sip_call_remote_target(
	const struct sip_call *call); /* peer's Contact URI, absent before it is known */
bool sip_call_is_sips(const struct sip_call *call); /* our Contact in it is sips: (sip/sips.h) */
bool sip_call_is_remote_focus(
	const struct sip_call *call); /* isfocus in the peer's Contact (RFC 4579 5.2) */
const struct sip_flow *sip_call_flow(
	const struct sip_call *call); /* last path; its local address is ours toward the peer */
/* An incoming call that has not been accepted: where its offer wants sound (sdp_peek_rtp). A hint.
 */
bool sip_call_peek_rtp(const struct sip_call *call, struct addr *ret_rtp);

/* Dialogs named by others ------------------------------------------------------------------------
 *
 * Replaces (RFC 3891), Join (RFC 3911) and Target-Dialog (RFC 4538). Whether one is honoured is the
 * application's policy; the core has answered 400 to an INVITE whose Replaces or Join is malformed
 * or that has both. Read it with sip_dialog_ref_parse(sip_msg_value(request, SIP_H_REPLACES), ..).
 */

/* The call that has this dialog, early or confirmed; borrowed. NULL: none, or it is over. */
struct sip_call *sip_ua_find_call(struct sip_ua *ua, const struct sip_dialog_ref *ref,
				  bool *ret_is_early);
/* True when a call with that dialog ended lately (the last SIP_UA_ENDED_MAX of 64*T1). */
bool sip_ua_is_ended(struct sip_ua *ua, const struct sip_dialog_ref *ref);
enum { SIP_UA_ENDED_MAX = 1024 };

/* What RFC 3891 3 says of a Replaces: 0 with *ret_call, or the status to refuse with: 481 (no such
 * dialog, or an early one that the other side began), 486 (answered, but early-only was asked for),
 * 603 (it is over). A match still in ENDING state counts as over. */
uint16_t sip_ua_check_replaces(struct sip_ua *ua, const struct sip_dialog_ref *ref,
			       struct sip_call **ret_call);
/* The same for Join (RFC 3911 4): 0, 481 or 603. */
uint16_t sip_ua_check_join(struct sip_ua *ua, const struct sip_dialog_ref *ref,
			   struct sip_call **ret_call);

/* Who will receive the request that names this call's dialog. */
enum sip_ref_receiver {
	SIP_REF_TO_PEER, /* the other party of the call: its tag is the to-tag */
	SIP_REF_TO_US
};
/* Appends the value of a Replaces, Join header (or, escaped, of a Refer-To URI's headers part) for
 * this call. ERR_STATE while it has no dialog, or several early ones. */
int sip_call_print_ref(const struct sip_call *call, enum sip_ref_receiver receiver, bool is_escaped,
		       struct buf *buf);

/* Server transactions -------------------------------------------------------------------------- */

/* Sends a response; a final one ends the app's hold on `tx`. */
int sip_stx_reply(struct sip_stx *tx, const struct sip_reply *reply);
const struct sip_flow *sip_stx_flow(const struct sip_stx *tx);
/* Complete lines that its 2xx will have, whoever writes that; of a call: that of its first INVITE.
 * Without memory they are left out. */
void sip_stx_note(struct sip_stx *tx, struct slice lines);
void sip_call_note(struct sip_call *call, struct slice lines);

/* Counters ---------------------------------------------------------------------------------------
 */

struct sip_ua_stats {
	uint64_t requests_in[SIP_METHOD_COUNT], requests_out[SIP_METHOD_COUNT];
	uint64_t responses_in[7], responses_out[7]; /* by class, index 1..6 */
	uint64_t status_out[700];                   /* responses sent by status */
	uint64_t malformed;       /* dropped or answered 4xx because they did not parse */
	uint64_t stray_responses; /* matched no transaction */
	uint64_t retransmits_in, retransmits_out;
	uint64_t transport_failures;
	uint64_t overload;      /* 503 because of a limit */
	uint64_t new_in;        /* requests that would begin something */
	uint64_t rspauth_wrong; /* 2xx of who does not know our secret (Authentication-Info) */
	uint64_t left_out;      /* requests of ours not sent, as the peer asked (RFC 7339) */
	uint32_t calls, client_transactions, server_transactions, dialogs; /* live now */
};
const struct sip_ua_stats *sip_ua_stats(const struct sip_ua *ua); /* borrowed, always current */
/* Of the network below; all 0 when it keeps none. */
struct sip_net_stats sip_ua_net_stats(const struct sip_ua *ua);

#endif
