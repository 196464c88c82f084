/* focus/loops.c */
#include "focus/loops.h"

#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "focus/text.h"

#define LOOP_HEADER "Hearth-Loop"

void loops_write(const struct room *room, struct buf *out)
{
	uint32_t count = 1;

	buf_addf(out, LOOP_HEADER ": %s", room->loop_token);
	for (const struct list *it = room->participants.next; it != &room->participants;
	     it = it->next) {
		const struct participant *p = LIST_ENTRY(it, const struct participant, in_room);
		struct slice tokens = slice_of(p->loop_tokens), token;

		while (count < LOOP_TOKENS_MAX && text_list_next(&tokens, &token)) {
			buf_addf(out, ", " SLICE_FMT, SLICE_ARG(token));
			count++;
		}
	}
	buf_adds(out, "\r\n");
}

bool loops_has(const struct room *room, const struct sip_msg *msg)
{
	struct slice tokens = sip_msg_value_named(msg, LOOP_HEADER), token;

	while (text_list_next(&tokens, &token))
		if (slice_is(token, room->loop_token))
			return true;
	return false;
}

/* Only what looks like tokens: it is written into messages of ours. */
static bool is_token(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!((text.p[i] >= 'a' && text.p[i] <= 'z') ||
		      (text.p[i] >= '0' && text.p[i] <= '9')))
			return false;
	return text.len > 0 && text.len <= LOOP_TOKEN_CHARS;
}

void loops_note(struct participant *p, const struct sip_msg *msg)
{
	struct slice tokens = sip_msg_value_named(msg, LOOP_HEADER), token;
	size_t used = 0;

	p->loop_tokens[0] = '\0';
	while (text_list_next(&tokens, &token)) {
		if (!is_token(token) || used + token.len + 2 > sizeof(p->loop_tokens))
			return;
		if (used)
			p->loop_tokens[used++] = ',';
		memcpy(p->loop_tokens + used, token.p, token.len);
		used += token.len;
		p->loop_tokens[used] = '\0';
	}
}
