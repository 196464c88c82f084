/* focus/loops.h -- conferences that are dialled into each other (RFC 4579 has no word on it).
 *
 * Two are fine: they hear each other. A third call that closes a ring would make everybody hear
 * oneself: it gets 482. Each conference has a token, made at random; our calls from a conference,
 * and our answers to a focus, carry `Hearth-Loop: <own>, <those of the foci in it>`, and a call
 * that brings a conference its own token is refused. A focus of another make says nothing; then
 * only the nearest loop is seen (its Contact has isfocus and its From is this conference). What a
 * peer was told is what was so when the two were linked: a ring that is closed out of two
 * chains, both of which grew later, is not seen. Thread: control.
 */
#ifndef FOCUS_LOOPS_H
#define FOCUS_LOOPS_H

#include <stdbool.h>

#include "base/buf.h"
#include "sip/msg.h"

struct participant;
struct room;

enum { LOOP_TOKEN_CHARS = 12, LOOP_TOKENS_MAX = 16, LOOP_TEXT_MAX = LOOP_TOKENS_MAX * 16 };

/* Adds the line, tokens LOOP_TOKENS_MAX at most. */
void loops_write(const struct room *room, struct buf *out);
/* The message comes, by whatever way, from this conference. */
bool loops_has(const struct room *room, const struct sip_msg *msg);
/* Keeps what a peer says of itself. */
void loops_note(struct participant *participant, const struct sip_msg *msg);

#endif
