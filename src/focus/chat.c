/* focus/chat.c */
#include "focus/chat.h"

#include <errno.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/admission.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"

#define CHAT_PLAIN "text/plain"
#define CHAT_CPIM "message/cpim"

struct message {
	struct participant *sender; /* NULL: not in the room (the API) */
	struct slice from;          /* shown to phones; absent: nobody */
	const char *content_type;
	struct slice text;
};

static void on_reply(void *arg, struct sip_call *call, const struct sip_msg *response)
{
	struct participant *p = arg;

	(void)call;
	if (response &&
	    (response->status == 405 || response->status == 415 || response->status == 501))
		p->refuses_messages = true;
}

/* Who waits to be let in neither reads nor writes. */
static bool is_inside(const struct participant *p)
{
	return p->state == PARTICIPANT_CONNECTED || p->state == PARTICIPANT_ON_HOLD;
}

static bool takes_messages(const struct participant *p, const struct message *message)
{
	return p != message->sender && p->call && !p->refuses_messages && is_inside(p);
}

/* "Anna: text" */
static void write_body(const struct message *message, struct buf *out)
{
	if (slice_is(slice_of(message->content_type), CHAT_PLAIN) && message->from.len) {
		buf_addslice(out, message->from);
		buf_adds(out, ": ");
	}
	buf_addslice(out, message->text);
}

static uint32_t send_to_all(struct room *room, const struct message *message)
{
	struct buf body = BUF_INIT;
	struct list *it, *tmp;
	uint32_t count = 0;

	write_body(message, &body);
	LIST_FOREACH (it, tmp, &room->participants) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		if (takes_messages(p, message) && !buf_err(&body) &&
		    !sip_call_request(p->call, &(struct sip_call_request){
						       .method = "MESSAGE",
						       .content_type = message->content_type,
						       .body = buf_slice(&body),
						       .on_reply = on_reply,
						       .arg = p,
					       }))
			count++;
	}
	buf_done(&body);
	event_publish(room->focus, &(struct focus_news){
					   .kind = FOCUS_MESSAGE,
					   .room = room,
					   .participant = message->sender,
					   .from = message->from,
					   .content_type = message->content_type,
					   .text = message->text,
				   });
	return count;
}

static struct slice name_of(const struct participant *p)
{
	struct sip_uri uri;

	if (p->is_anonymous)
		return SLICE("Anonymous");
	if (p->display_name[0])
		return slice_of(p->display_name);
	return sip_uri_parse(slice_of(p->uri), &uri) || !uri.user.len ? slice_of(p->uri) : uri.user;
}

static void answer(struct sip_stx *tx, uint16_t status, const char *headers)
{
	(void)sip_stx_reply(tx, &(struct sip_reply){.status = status, .headers = headers});
}

/* NULL: neither of the two (415). A missing type is refused by the ua. */
static const char *type_of(const struct sip_msg *request)
{
	struct slice type = sip_msg_value(request, SIP_H_CONTENT_TYPE);

	type = slice_trim(slice_first(type, slice_find(type, ';')));
	if (slice_iis(type, CHAT_PLAIN))
		return CHAT_PLAIN;
	return slice_iis(type, CHAT_CPIM) ? CHAT_CPIM : NULL;
}

static bool is_too_fast(struct participant *sender)
{
	if (pace_take(&sender->messages, clock_mono_ms(&sender->focus->clock), CHAT_EVERY_MS,
		      CHAT_AT_ONCE))
		return false;
	sender->focus->stats.messages_refused++;
	return true;
}

static void relay(struct participant *sender, struct sip_stx *tx, const struct sip_msg *request)
{
	const char *type = type_of(request);
	struct message message = {
		.sender = sender,
		.from = name_of(sender),
		.content_type = type,
		.text = request->body,
	};

	if (!is_inside(sender))
		answer(tx, 403, NULL);
	else if (!request->body.len)
		answer(tx, 200, NULL);
	else if (!type)
		answer(tx, 415, "Accept: " CHAT_PLAIN ", " CHAT_CPIM "\r\n");
	else if (request->body.len > CHAT_TEXT_MAX)
		answer(tx, 413, NULL);
	else if (is_too_fast(sender))
		answer(tx, 503, "Retry-After: 1\r\n");
	else
		answer(tx, send_to_all(sender->room, &message) ? 202 : 200, NULL);
}

void chat_on_message_within(struct participant *sender, struct sip_stx *tx,
			    const struct sip_msg *request)
{
	if (!sender->room || sender->room->call)
		answer(tx, 405, NULL);
	else
		relay(sender, tx, request);
}

void chat_on_message(struct focus *focus, struct sip_stx *tx, const struct sip_msg *request)
{
	struct participant *sender;
	struct room *room;

	if (admission_find_room(focus, request->request_uri, &room)) {
		answer(tx, 404, NULL);
		return;
	}
	sender = participant_by_from(room, request);
	if (sender)
		relay(sender, tx, request);
	else
		answer(tx, 403, NULL); /* not in the conference */
}

int focus_room_say(struct focus *focus, struct room *room, struct slice from, struct slice text,
		   uint32_t *ret_count)
{
	const struct message message = {.from = from, .content_type = CHAT_PLAIN, .text = text};

	(void)focus;
	if (!text.len)
		return -EINVAL;
	if (text.len > CHAT_TEXT_MAX)
		return ERR_LIMIT;
	*ret_count = send_to_all(room, &message);
	return 0;
}
