/* focus/factory.h -- what makes conferences: factory URIs and the profile of each (RFC 4579 5.4).
 *
 * The users of `focus.factory_users` are factories; `focus.factory_profiles` says what conferences
 * of which are like. Thread: any; pure.
 */
#ifndef FOCUS_FACTORY_H
#define FOCUS_FACTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum { FACTORY_GRACE_S_MAX = 86400, FACTORY_PARTICIPANTS_MAX = 100000 };

struct factory_profile {
	uint32_t participants_max; /* 0: rooms.participants_max */
	uint32_t grace_s;
	bool has_grace;      /* else rooms.grace_s */
	bool ends_with_host; /* when who made it has left (and rooms.moderator_grace_s has passed)
			      */
	bool has_tones;
	bool needs_offer; /* an INVITE without a description is refused (488) */
	bool is_recorded; /* from when its first participant is there */
	/* Borrowed from `profiles`; absent: none, media.codecs. */
	struct slice pin;    /* of those who call, unless they were referred or invited */
	struct slice codecs; /* in the order of preference, '+' between them */
};

/* "board max=10 grace=60 end tones offer record pin=2468 codecs=opus+PCMA, party max=4": the
 * profile of `user`; all zero when there is none. -EINVAL when an entry cannot be read; *ret_bad is
 * the word then. */
int factory_profile(const char *profiles, struct slice user, struct factory_profile *ret_profile,
		    struct slice *ret_bad);

#endif
