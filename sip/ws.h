/* sip/ws.h -- the server side of one WebSocket that carries SIP (RFC 6455, RFC 7118).
 *
 * Octets in, messages up, octets out: no socket and no clock here, so that the fuzzer and the tests
 * see what the transport sees. First the upgrade: GET with subprotocol "sip" (RFC 7118 4.1),
 * answered with 101, or with a refusal (400, 403, 405, 426, 431). Then frames, by wslay: every text
 * or binary message is one SIP message (5), fragments are joined, pings are answered, a close is
 * answered with a close, what breaks RFC 6455 ends with close code 1002, 1007, 1008 or 1009.
 * A message of CRLFs is a keep-alive in the manner of RFC 5626 4.4.1: two get one back.
 * Limits: the head of the upgrade, the octets and the fragments of a message.
 * Thread: one owner.
 */
#ifndef SIP_WS_H
#define SIP_WS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum {
	SIP_WS_HEAD_MAX = 8192,     /* octets of the upgrade request: 431 beyond */
	SIP_WS_FRAGMENTS_MAX = 1024 /* frames of one message: close code 1009 beyond */
};

struct sip_ws;

struct sip_ws_params {
	/* Comma list of what may stand in Origin ("https://phone.example.com"); borrowed. Absent or
	 * empty: any page. A client without Origin is no browser, and is let in. */
	struct slice origins;
	/* `data` is borrowed for the call. sip_ws_send may be called from inside. */
	void (*on_message)(void *arg, struct slice data);
	void *arg;
};

/* -ENOMEM. */
int sip_ws_new(const struct sip_ws_params *params, struct sip_ws **ret_ws);
/* Accepts NULL; returns NULL. Not from inside on_message. */
struct sip_ws *sip_ws_free(struct sip_ws *ws);

/* Takes what it can off `in` and adds to `out` what must be sent. 0, or why it is over, once `out`
 * is written: -ECONNRESET (the peer closed), ERR_SIP_SYNTAX, ERR_SIP_TOO_LARGE, -EACCES (Origin),
 * -ENOMEM. Not from inside on_message. */
int sip_ws_take(struct sip_ws *ws, struct buf *in, struct buf *out);

bool sip_ws_is_open(const struct sip_ws *ws);        /* the upgrade is done, no close went out */
bool sip_ws_is_partial(const struct sip_ws *ws);     /* a message has begun and is not whole */
uint64_t sip_ws_keepalives(const struct sip_ws *ws); /* pings of the peer, both kinds */

/* One message, as text when it is UTF-8, else as binary. ERR_STATE when it is not open; -ENOMEM. */
int sip_ws_send(struct sip_ws *ws, struct slice data, struct buf *out);
int sip_ws_ping(struct sip_ws *ws, struct buf *out);
/* Says goodbye (RFC 6455 7.1.2); 1001: going away. Nothing when it is not open. */
void sip_ws_close(struct sip_ws *ws, uint16_t code, struct buf *out);

/* What the upgrade's head (through its empty line) is answered with. 0: the answer is the 101. */
int sip_ws_upgrade(struct slice head, struct slice origins, struct buf *out);

#endif
