/* sip/dialog_ref.h -- how one request names a dialog of another: Replaces (RFC 3891 6.1), Join (RFC
 * 3911 7.1), Target-Dialog (RFC 4538 7).
 *
 * All three give the tags from the receiver's point of view: to-tag (local-tag in Target-Dialog)
 * is the tag that the receiver gave, from-tag (remote-tag) its peer's. A peer of RFC 2543 has no
 * tag, written as from-tag=0 (RFC 3891 3). Pure; slices borrow from the text that was parsed.
 * Looking up the call is sip_ua_find_call in sip/ua.h. Thread: any.
 */
#ifndef SIP_DIALOG_REF_H
#define SIP_DIALOG_REF_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"

struct sip_dialog_ref {
	struct slice call_id, to_tag, from_tag;
	bool is_early_only; /* Replaces: not once the call is answered */
};

/* The value of one header field. Exactly one of each tag is asked for (RFC 3891 6.1, RFC 3911
 * 7.1). ERR_SIP_HEADER_SYNTAX. */
int sip_dialog_ref_parse(struct slice value, struct sip_dialog_ref *ret);

/* Appends "call-id;to-tag=...;from-tag=...[;early-only]"; escaped for the headers part of a URI
 * (RFC 3261 19.1.1), as in Refer-To: <sip:b@host?Replaces=...>. */
void sip_dialog_ref_print(struct buf *buf, const struct sip_dialog_ref *ref, bool is_escaped);

#endif
