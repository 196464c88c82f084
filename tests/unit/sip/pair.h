/* tests/unit/sip/pair.h -- two user agents that call one another, alone in their world: what tests
 * of calls and subscriptions begin and end with. Thread: one. */
#ifndef TESTS_UNIT_SIP_PAIR_H
#define TESTS_UNIT_SIP_PAIR_H

#include "tests/support/simua.h"

struct pair {
	struct simworld world;
	struct simua a, b; /* at 10.0.0.1:5060 and 10.0.0.2:5060 */
};

/* Of these two each may be NULL; their address is set here. */
void pair_init(struct pair *pair, const struct simua_params *a, const struct simua_params *b);
/* Two minutes later nothing is left of any call, dialog, transaction and timer; checked. */
void pair_done(struct pair *pair);
/* All hang up first. */
void pair_end(struct pair *pair);

/* a calls `target`, which is b (NULL: "sip:b@10.0.0.2"), and b accepts; checked. */
void pair_call(struct pair *pair, const char *target);
/* What each was told since the last time. */
void pair_expect(struct pair *pair, const char *row, const char *want_a, const char *want_b);

/* How many requests of this method it has sent. */
uint64_t pair_requests(const struct simua *ua, enum sip_method method);

#endif
