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

enum { CODECS_LIST_MAX = 95 };

/* A list of codecs, separated by commas or plus signs, as "opus,G722,L16/16000": names as above, in
 * its order. -EINVAL: *ret_bad is no codec of ours, or stands there twice. */
int codecs_list_read(struct slice list, char ret_list[CODECS_LIST_MAX + 1], struct slice *ret_bad);

/* Appends the codecs of a list ("opus, G722, L16/16000") in its order; unknown ones are skipped. */
void codecs_add_list(struct offer_local *local, struct slice list);

/* What the peer's a=fmtp says of the Opus that it wants (RFC 7587 6.1). What it does not name, or
 * says wrongly, is as we like. */
struct media_opus codecs_opus_of(struct slice fmtp);

#endif
