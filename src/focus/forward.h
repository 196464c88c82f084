/* focus/forward.h -- where calls to somebody go instead: rules by user or number.
 *
 * A rule belongs to a user part of our domain, or to a number (tel:). It has up to four targets,
 * for always, for busy (486, 600), for no answer (its own time, 408, 480, 487) and for unreachable
 * (nobody registered, 404, 503, transport failed). Who calls (focus/fork.h) applies them. Rules are
 * kept in the store. Thread: control.
 */
#ifndef FOCUS_FORWARD_H
#define FOCUS_FORWARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

struct focus;
struct forwards;

enum {
	FORWARD_URI_MAX = 255,
	FORWARD_USER_MAX = 128,
	FORWARD_RULES_MAX = 100000, /* ERR_LIMIT beyond */
	FORWARD_NO_ANSWER_S = 20    /* when a rule does not say */
};

enum forward_cause {
	FORWARD_UNCONDITIONAL,
	FORWARD_BUSY,
	FORWARD_NO_ANSWER,
	FORWARD_UNREACHABLE,
	FORWARD_CAUSE_COUNT
};
const char *forward_cause_name(enum forward_cause cause); /* "unconditional", "no_answer" ... */

struct forward_rule {
	char targets[FORWARD_CAUSE_COUNT][FORWARD_URI_MAX + 1]; /* "": none */
	uint32_t no_answer_s;                                   /* 0: FORWARD_NO_ANSWER_S */
};

int forwards_new(struct forwards **ret_forwards); /* -ENOMEM */
struct forwards *forwards_free(struct forwards *forwards);
/* From the store, once. */
int forwards_load(struct focus *focus);

/* NULL when there is none. Borrowed until the next change. */
const struct forward_rule *focus_forward_find(const struct focus *focus, struct slice user);
/* ERR_BAD_TARGET (a target that is no sip:, sips: or tel: URI), ERR_ROOM_NAME (no such user part
 * can be), ERR_LIMIT, -ENOMEM. A rule without targets is none. */
int focus_forward_set(struct focus *focus, struct slice user, const struct forward_rule *rule);
void focus_forward_remove(struct focus *focus, struct slice user); /* harmless when there is none */

/* Which rule a failed call falls under: FORWARD_CAUSE_COUNT for none. */
enum forward_cause forward_cause_of(uint16_t status, bool is_transport);

#endif
