/* tests/support/simua.h -- user agents and raw SIP speakers on a simulated network, for tests.
 *
 * struct simworld holds virtual time, the network and what lives in it. A simua is a real sip_ua
 * that writes down what it is told ("invite media established ended:remote:0"); a simraw speaks SIP
 * by hand: it sends text and keeps what it gets. Thread: one.
 */
#ifndef TESTS_SUPPORT_SIMUA_H
#define TESTS_SUPPORT_SIMUA_H

#include "base/buf.h"
#include "base/clock.h"
#include "sip/resolver.h"
#include "sip/ua.h"
#include "tests/support/simnet.h"

struct simworld {
	struct clock_virtual time;
	struct wheel *wheel;
	struct random random;
	struct simnet *net;
};

void simworld_init(struct simworld *world, uint64_t seed); /* no loss, 5 ms each way */
void simworld_done(struct simworld *world);
void simworld_run(struct simworld *world, uint64_t ms);

/* User agents
 * ------------------------------------------------------------------------------------------------
 */

enum { SIMUA_CALLS_MAX = 64 }; /* live at once; an INVITE beyond gets 486 */

enum simua_mode { SIMUA_WAIT, SIMUA_RING, SIMUA_ACCEPT, SIMUA_REJECT, SIMUA_EARLY };

struct simua {
	struct simworld *world;
	struct simnode *node;
	struct sip_ua *ua;
	struct random random;
	enum simua_mode mode;  /* what it does with an INVITE */
	bool answers_requests; /* 200 to requests in and out of a dialog; else it keeps `request` */
	/* Sees requests other than INVITE first (call NULL: outside of calls); true: it answered.
	 */
	bool (*on_request)(struct simua *ua, struct sip_call *call, struct sip_stx *tx,
			   const struct sip_msg *request);
	void *arg; /* of a test, for on_request */
	struct sip_call *live[SIMUA_CALLS_MAX];
	struct sip_call *call; /* the last one that began and has not ended */
	struct sip_stx *request;
	struct offer_local local;
	struct buf log;  /* words with a space after each */
	char text[2048]; /* simua_log */
	uint32_t live_calls;
	struct offer_agreed agreed; /* of the last on_media */
};

struct simua_params {
	const char *address;
	const char *allow,
		*supported; /* NULL: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, MESSAGE; "timer" */
	uint32_t calls_max, transactions_max;
	uint32_t session_expires_s, min_se_s;
	enum sip_100rel rel;
	struct sip_resolver *resolver;
};

void simua_init(struct simua *ua, struct simworld *world, const struct simua_params *params);
void simua_done(struct simua *ua);
/* The words since the last time, without the last space. */
const char *simua_log(struct simua *ua);
/* Calls "sip:x@address" with an offer. */
int simua_call(struct simua *ua, const char *target);
/* With any parameter; from, local, handlers and arg are filled in when they are empty. */
int simua_call_with(struct simua *ua, struct sip_call_invite *invite);
void simua_hangup_all(struct simua *ua);
/* One audio stream with PCMU and PCMA. */
struct offer_local simua_offer(const struct addr *addr, enum sdp_direction direction);
/* 0 when no call, dialog, transaction is left in it; else what is there, for a message. */
uint32_t simua_leftover(const struct simua *ua);

/* Raw speakers
 * ---------------------------------------------------------------------------------------------------
 */

enum { SIMRAW_KEPT_MAX = 64 };

struct simraw {
	struct simworld *world;
	struct simnode *node;
	struct buf got[SIMRAW_KEPT_MAX]; /* in order; more are dropped */
	struct sip_flow flow;            /* of the last one */
	uint32_t count, read;
};

void simraw_init(struct simraw *raw, struct simworld *world, const char *address);
void simraw_done(struct simraw *raw);
/* "\n" in text becomes CRLF; "@SELF@" this node's address, "@PEER@" that of `to`. */
void simraw_send(struct simraw *raw, enum sip_proto proto, const struct addr *to, const char *text);
/* The next message that came, parsed; the text lives until simraw_done. False when there is none.
 */
bool simraw_next(struct simraw *raw, struct sip_msg *ret_msg);
/* Answers a request that it got (`request` of simraw_next): Via, From, To with this tag (NULL: as
 * it is), Call-ID and CSeq are copied; `rest` is the other lines, each with its end, an empty one
 * and the body. */
void simraw_answer(struct simraw *raw, const struct sip_msg *request, uint16_t status,
		   const char *tag, const char *rest);
/* The next that is a request (status 0) of the method, or a response to it; others are skipped. */
bool simraw_find(struct simraw *raw, enum sip_method method, uint16_t status,
		 struct sip_msg *ret_msg);
void simraw_forget(struct simraw *raw); /* all that came so far counts as read */

#endif
