/* focus/codecs.h -- the mixer's codecs as session descriptions and media.codecs name them.
 *
 * Source: RFC 3551 section 6 (names, clocks, static types), RFC 7587 (Opus). Thread: control.
 */
#ifndef FOCUS_CODECS_H
#define FOCUS_CODECS_H

#include "base/slice.h"
#include "media.h"
#include "sip/offer.h"

/* "G722"; "" for none. */
const char *codecs_name(enum media_codec codec);

/* Appends the codecs of a list ("opus, G722, L16/16000") in its order; unknown ones are skipped. */
void codecs_add_list(struct offer_local *local, struct slice list);

/* What the peer's a=fmtp says of the Opus that it wants (RFC 7587 6.1). What it does not name, or
 * says wrongly, is as we like. */
struct media_opus codecs_opus_of(struct slice fmtp);

#endif
