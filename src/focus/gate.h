/* focus/gate.h -- every request that begins something comes through here: the caller is told who
 * may (focus/auth.h), and the rest of the focus learns who it is. Thread: control. */
#ifndef FOCUS_GATE_H
#define FOCUS_GATE_H

#include "focus/auth.h"
#include "focus/focus.h"

/* Handlers of the ua, in front of those of incoming.c. A REGISTER, REFER, MESSAGE ... that passes
 * is handed on like an OPTIONS. */
void gate_on_invite(void *arg, struct sip_call *call, const struct sip_msg *request);
void gate_on_request(void *arg, struct sip_stx *tx, const struct sip_msg *request);

/* The same question for a request that did not come through gate_on_request, such as a REFER inside
 * a dialog. True: it may, and gate_caller tells who it is. False: it has been answered. */
bool gate_pass(struct focus *focus, struct sip_stx *tx, const struct sip_msg *request,
	       enum auth_need need);

/* The caller of the INVITE that is being handled wants to be connected to somebody outside (a host
 * that is not ours; a tel: URI where there is an outbound proxy), and may. */
bool gate_is_dial_out(const struct focus *focus, struct slice request_uri);

/* Who sends the request that is being handled. Valid until the handler returns; a guest between
 * requests. */
const struct auth_identity *gate_caller(const struct focus *focus);

#endif
