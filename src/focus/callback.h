/* focus/callback.h -- numbers that call back: whoever rings one is refused unpaid and then called.
 *
 * callback.numbers says which user parts do that and where their callers are led: to a room, to a
 * dial-in number, whose attendant asks for conference and PIN, or to a second party. The caller
 * hears ringing (180) for so many rings, then the refusal; ringing off before is as good. After
 * callback.delay_s we call the address of its From (or what a trusted peer or its password says it
 * is), and only one that callback.allow lets through, so often an hour at most: else anybody could
 * have us ring anybody. Thread: control.
 */
#ifndef FOCUS_CALLBACK_H
#define FOCUS_CALLBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "sip/ua.h"

struct focus;
struct callbacks;

enum {
	CALLBACKS_MAX = 1000,         /* rung and not called yet; a further caller gets 486 */
	CALLBACK_HISTORY_MAX = 10000, /* of the last hour; full: nobody is called back */
	CALLBACK_RING_MS = 5000,      /* one ring, with its silence */
	CALLBACK_TARGET_MAX = 255
};

struct callback_rule {
	/* Room name, a number of dialin.numbers, or URI of the second party. */
	char target[CALLBACK_TARGET_MAX + 1];
	uint32_t rings;
	uint16_t status;   /* of the refusal */
	bool must_confirm; /* presses 1 before it is led on (focus/confirm.h) */
};
/* The rule for a user part in "9000=lobby;rings=3;status=603, 9001=sip:bob@example.org;confirm".
 * False: it calls nobody back. -- also what config_check accepts: callback_check. */
bool callback_find(struct slice list, struct slice user, struct callback_rule *ret_rule);

int callbacks_new(struct focus *focus, struct callbacks **ret_callbacks); /* -ENOMEM */
struct callbacks *callbacks_free(struct callbacks *callbacks);

/* True: the call is answered here, now or later. */
bool callback_on_invite(struct focus *focus, struct sip_call *call, const struct sip_msg *request);

struct callback_stats {
	uint64_t rung, called, refused; /* refused: not allowed, too often, or too many */
};
const struct callback_stats *focus_callback_stats(const struct focus *focus);

#endif
