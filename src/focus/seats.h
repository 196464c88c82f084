/* focus/seats.h -- what people take along when their conference moves to another Hearth
 * (focus/migrate.h): role, mutes, gains, name, and the room its settings.
 *
 * The focus that lets them go tells the other over the bridge between them, by INFO in its dialog
 * (RFC 6086, package SEATS_PACKAGE, announced by Recv-Info). The body is text, a line each:
 *
 *   room locked max_participants=10 pin=... closes_at=<UNIX time, ms> recording=mix
 *   ban sip%3Amallory%40example.org
 *   seat <token> uri=sip:anna%40example.org moderator muted gain=-300 hears=main%20fr ...
 *   seat <token> uri=... speaks=coach-ab3d hears=* coaches=<token of the one whom it coaches>
 *   left <token>
 *
 * What the words of a room are: focus/seat_settings.h. `recording`: it is recorded there now, and
 * is recorded on here if recordings.moved allows; the 200 says so (SEATS_RECORDED).
 * recording=stopped: somebody stopped it, so it does not begin by itself here either.
 *
 * A *seat* waits for one person, who brings its token as a parameter of the conference URI
 * (";seat=<token>", put there by REFER) and so is known without a PIN, lock and limit. A token is
 * random, good once, for this room alone, and only ever told to the one whose seat it is; a focus
 * that is no Hearth is told nothing. Seats are taken from a focus only (isfocus), which made the
 * conference by a factory or came through a trusted peer: it may do all that with the conference
 * anyway. Who is awaited is heard over the bridge, and stands in the roster behind it
 * (cascaded-focus, RFC 4575 5.6.5). Thread: control.
 */
#ifndef FOCUS_SEATS_H
#define FOCUS_SEATS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/list.h"
#include "focus/participant.h"
#include "focus/prompts.h"
#include "sip/ua.h"
#include "store/store.h"

#define SEATS_PACKAGE "hearth-seats"
#define SEATS_CONTENT_TYPE "application/vnd.hearth.seats"
#define SEATS_PARAM "seat"
#define SEATS_RECORDED "Hearth-Recorded" /* field of the 200 to the INFO */

enum {
	SEAT_TOKEN_CHARS = 16, /* 80 bits */
	SEATS_MAX = 10000,     /* of one room */
	SEATS_BODY_MAX = 900 /* octets of one INFO that we write, about: it fits into a datagram */
};

struct participant;
struct room;

struct seat {
	struct list in_room;
	char token[SEAT_TOKEN_CHARS + 1];
	char bridge[PARTICIPANT_ID_MAX + 1];   /* over which its person is heard meanwhile */
	char taken_by[PARTICIPANT_ID_MAX + 1]; /* who is coming in; "" nobody yet */
	char uri[STORE_URI_MAX + 1], display_name[STORE_TEXT_MAX + 1];
	char language[PROMPTS_NAME_MAX + 1];
	char coaches[SEAT_TOKEN_CHARS + 1]; /* token of whom it coaches; "" nobody */
	bool is_moderator, is_host, is_anonymous, is_admitted, is_self_muted, is_hand_raised,
		is_dial_in;
	bool is_handed_on; /* the conference moves again: the next focus awaits this one, too */
	struct participant_control control;
	bool has_groups; /* other than what everybody speaks to and hears (focus/groups.h) */
	char speaks[STORE_URI_MAX + 1], hears[STORE_URI_MAX + 1], hears_not[STORE_URI_MAX + 1];
};

/* The focus that lets go ------------------------------------------------------------------------
 */

/* Notes from its 2xx whether this peer takes seats. */
void seats_note(struct participant *participant, const struct sip_msg *message);
/* Whether the other focus said in its answer that the conference is recorded there. */
bool seats_are_recorded(const struct sip_msg *response);
void seats_write_room(const struct room *room, struct buf *out);
/* Gives the participant a token, if it has none, and writes its line. */
void seats_write(struct participant *participant, struct buf *out);
void seats_write_left(const struct participant *participant, struct buf *out);
/* A conference that came here and moves again before everybody has: the seats that nobody sits on
 * go along with their tokens. Lines of those that were not written yet, as many as one INFO holds.
 */
void seats_write_awaited(struct room *room, struct buf *out);
/* The parameter that makes the caller, who is late and is sent on, known there; or nothing. */
void seats_write_handed_on(const struct room *room, struct slice request_uri, struct buf *out);
/* The move came to nothing: they wait here again. */
void seats_keep(struct room *room);

/* The focus that takes in -----------------------------------------------------------------------
 */

/* Answers an INFO of the package: 200, 403, 400 (nothing of it counts), 413, 415, 481. */
void seats_on_info(struct participant *bridge, struct sip_stx *tx, const struct sip_msg *request);
/* The seat that a Request-URI names and nobody has taken; NULL. */
struct seat *seats_find(const struct room *room, struct slice request_uri);
/* Before it is published. */
void seats_take(struct room *room, struct participant *participant, struct seat *seat);
/* It has come in for good, or has left: a seat that it did not reach waits again. */
void seats_on_joined(struct participant *participant);
void seats_on_left(struct room *room, struct participant *participant);
/* Next one that nobody sits on, after `after` (NULL: the first); NULL at the end. */
struct seat *seats_next(const struct room *room, const struct seat *after);
/* How many of these there are. */
uint32_t seats_free(const struct room *room);
/* A bridge whose people are shown one by one is not shown itself. */
bool seats_hide(const struct participant *participant);
void seats_done(struct room *room);

#endif
