/* focus/chat.h -- text among those in a conference: MESSAGE in pager mode (RFC 3428, RFC 7701 for
 * what a chat room is).
 *
 * A message to the conference, in the dialog of a participant or outside any from one, goes to
 * every other participant in its dialog, and to the event stream; the API can send one too. Phones
 * see who said it in front of the text, because a MESSAGE in a dialog comes from the conference; a
 * message/cpim names its sender itself and is handed on as it is. A phone that answers 405, 415 or
 * 501 is spared the next ones. Thread: control.
 */
#ifndef FOCUS_CHAT_H
#define FOCUS_CHAT_H

#include "sip/ua.h"

enum {
	CHAT_TEXT_MAX = 4096, /* octets: 413 beyond, ERR_LIMIT */
	/* Of one participant at once, and one more each so often: each goes to all the others. 503
	 * with Retry-After beyond. */
	CHAT_AT_ONCE = 20,
	CHAT_EVERY_MS = 500
};

struct focus;
struct participant;
struct room;

void chat_on_message(struct focus *focus, struct sip_stx *tx, const struct sip_msg *request);
void chat_on_message_within(struct participant *sender, struct sip_stx *tx,
			    const struct sip_msg *request);

/* From the API: to everybody. `from` may be absent. Returns how many phones it went to. ERR_LIMIT,
 * -EINVAL (no text). */
int focus_room_say(struct focus *focus, struct room *room, struct slice from, struct slice text,
		   uint32_t *ret_count);

#endif
