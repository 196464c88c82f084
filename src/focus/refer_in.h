/* focus/refer_in.h -- REFER that comes to the focus: call somebody in, or remove somebody (RFC 4579
 * 5.5, 5.6, 5.11; RFC 3515).
 *
 * It comes in the dialog of a participant, outside any to the conference URI, or outside any to a
 * factory: then the conference is the one that the sender is in. A two-party call becomes a
 * conference by it. Refer-To with Replaces: our INVITE carries it on unchanged, so that the other
 * party lets go of its call with the sender; a phone that refuses it (420, 481, 501) is called
 * without. Who is in a two-party call through us is not called: its leg goes into the conference
 * (RFC 5589 7: transfer with consultation, with a Replaces that names that call, or the sender's
 * place in the conference). Each step is told by NOTIFY with message/sipfrag, unless the sender
 * asked for none. Who may: `focus.refer`. Thread: control.
 */
#ifndef FOCUS_REFER_IN_H
#define FOCUS_REFER_IN_H

#include <stdbool.h>
#include <stdint.h>

#include "sip/ua.h"

struct focus;
struct participant;
struct refer_in; /* a REFER under way: lives until its last NOTIFY */

void refer_in_request(struct focus *focus, struct sip_stx *tx, const struct sip_msg *request);
void refer_in_within(struct participant *referrer, struct sip_stx *tx,
		     const struct sip_msg *request);

/* How the call that it asked for goes; accepts NULL. A final status lets go of it. */
void refer_in_progress(struct refer_in *refer, uint16_t status);

/* A REFER outside a dialog shows that its sender is in a call with us (Target-Dialog, RFC 4538). */
bool refer_in_has_dialog(struct focus *focus, const struct sip_msg *request);

/* Whether the caller that is being handled (gate_caller) may have us call others: an INVITE that
 * brings a list of them (RFC 5366). */
bool refer_in_may_call(const struct focus *focus);

/* For focus_free. */
void refer_in_abandon(struct focus *focus);

#endif
