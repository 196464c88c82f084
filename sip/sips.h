/* sip/sips.h -- what a sips: URI asks for (RFC 5630, and RFC 3261 as that mends it): TLS on every
 * hop, a Contact of the same scheme, and no change of the scheme on the way.
 *
 * Pure: of texts and messages. Thread: any.
 */
#ifndef SIP_SIPS_H
#define SIP_SIPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "sip/msg.h"

/* Warn-codes of a 480 (RFC 5630 9). */
enum { SIP_WARN_SIPS_NOT_ALLOWED = 380, SIP_WARN_SIPS_REQUIRED = 381 };

bool sip_is_sips(struct slice uri); /* by its scheme alone */

/* Whether our Contact in the dialog that this request makes must be sips: (RFC 3261 12.1.1):
 * because of the Request-URI, the top Record-Route, or the Contact where there is no such route. */
bool sip_sips_is_asked(const struct sip_msg *request);

/* A sips: Request-URI beside a Contact that is not (RFC 5630 5.3: 400). */
bool sip_sips_is_mixed(const struct sip_msg *request);

/* Adds name-addrs "<..>, <..>" with each sip: made sips:, for what goes to a sips: target (RFC 5630
 * 5.1.1). */
void sip_sips_route(struct slice routes, struct buf *out);

/* Adds "Warning: 380 agent "SIPS Not Allowed"", or that of 381. `agent`: host[:port]. */
void sip_sips_warning(uint16_t code, const char *agent, struct buf *out);

#endif
