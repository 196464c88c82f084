/* focus/info.h -- INFO within a call (RFC 6086, and as it was used before: RFC 2976): digits of
 * phones that send them in signalling.
 *
 * application/dtmf-relay ("Signal=5") and application/dtmf ("5") count like the digits of RFC 4733;
 * application/media_control+xml (RFC 5168) is taken and means nothing to sound; an INFO without a
 * body asks whether we are still there. Other bodies get 415. Of info packages there is one
 * (focus/seats.h); another is refused by the core (469). Thread: control.
 */
#ifndef FOCUS_INFO_H
#define FOCUS_INFO_H

#include "focus/participant_priv.h"

/* Answers it. The participant may be gone when this returns: its digit may have ended the room. */
void info_on_request(struct participant *participant, struct sip_stx *tx,
		     const struct sip_msg *request);

/* The digit in a body of that type, 0: none. *ret_ms: how long, 0 unknown. Pure, for tests. */
char info_digit(struct slice content_type, struct slice body, uint16_t *ret_ms);

#endif
