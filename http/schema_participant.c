/* http/schema_participant.c -- the tables of participants: called in, changed, moved, shown. */
#include "focus/digits.h"
#include "focus/groups.h"
#include "focus/prompts.h"
#include "focus/room.h"
#include "http/schema.h"

enum {
	TEXT_MAX = 127,
	URI_MAX = 255,
	DIGITS_MAX = MEDIA_DIGITS_MAX,
	LANGUAGE_MAX = PROMPTS_NAME_MAX
};

static const struct field invite[] = {
	{"uri", FIELD_STRING, FIELD_REQUIRED, 1, URI_MAX, NULL,
	 "Whom to call: sip:, sips: or tel:."},
	{"display_name", FIELD_STRING, FIELD_NULLABLE, 0, TEXT_MAX, NULL,
	 "Shown in the roster until the called party tells its own."},
	{"muted", FIELD_BOOL, 0, 0, 0, NULL, "Muted from the start."},
	{"deaf", FIELD_BOOL, 0, 0, 0, NULL, "Deaf from the start."},
	{"confirm", FIELD_BOOL, 0, 0, 0, NULL,
	 "It waits (state pending) until it presses 1, and is rung off when it does not: no "
	 "answering machine."},
	{"ask", FIELD_STRING, 0, 1, TEXT_MAX, NULL,
	 "confirm: the same. pin: it types a PIN of the room first; the moderators' makes it one."},
	{"role", FIELD_STRING, 0, 1, TEXT_MAX, NULL, "guest or moderator."},
	{"language", FIELD_STRING, FIELD_NULLABLE, 1, LANGUAGE_MAX, NULL,
	 "What it is told things in; null: the room's."},
#define GROUP(member, name, help) {name, FIELD_LIST, 0, 0, GROUPS_MAX, NULL, help},
#include "http/participant.inc"
	{"mode", FIELD_STRING, 0, 1, TEXT_MAX, NULL,
	 "talk, listen (muted) or coach (hears all, is heard by one participant alone)."},
	{"coaches", FIELD_STRING, 0, 1, 16, NULL, "Of a coach: the id of who hears it."},
	{0},
};

static const struct field participant_change[] = {
#define CONTROL(type, member, name, min, max, help, shown)                                         \
	{name, FIELD_##type, 0, min, max, NULL, help},
#define SOUND(bit, name, help)                                                                     \
	{name, FIELD_BOOL, FIELD_NULLABLE, 0, 0, NULL, help " Null: as in its room."},
#define GROUP(member, name, help) {name, FIELD_LIST, 0, 0, GROUPS_MAX, NULL, help},
#include "http/participant.inc"
	{"role", FIELD_STRING, 0, 1, TEXT_MAX, NULL, "guest or moderator."},
	{"language", FIELD_STRING, FIELD_NULLABLE, 1, LANGUAGE_MAX, NULL,
	 "What it is told things in; null: the room's."},
	{"admitted", FIELD_BOOL, 0, 0, 0, NULL,
	 "True lets in one that waits (state pending); it cannot be taken back."},
	{"mode", FIELD_STRING, 0, 1, TEXT_MAX, NULL,
	 "talk, listen (muted) or coach (hears all, is heard by one participant alone)."},
	{"coaches", FIELD_STRING, 0, 1, 16, NULL, "Of a coach: the id of who hears it."},
	{0},
};

static const struct field participant_move[] = {
	{"room", FIELD_STRING, FIELD_REQUIRED, 1, ROOM_ID_MAX, NULL, "Where it goes; must exist."},
	{0},
};

static const struct field dial[] = {
	{"digits", FIELD_STRING, FIELD_REQUIRED, 1, DIGITS_MAX, NULL, "0-9 * # A-D."},
	{0},
};

static const struct field participant[] = {
	{"id", FIELD_STRING, 0, 1, 16, NULL, "Unique in the server's life."},
	{"room_id", FIELD_STRING, 0, 1, ROOM_ID_MAX, NULL, "The room it is in."},
	{"uri", FIELD_STRING, 0, 0, 0, NULL, "The peer's address."},
	{"display_name", FIELD_STRING, 0, 0, 0, NULL, "May be empty."},
	{"state", FIELD_STRING, 0, 0, 0, NULL,
	 "dialing-in, dialing-out, alerting, pending (waits to be let in), connected, on-hold or "
	 "disconnecting (RFC 4575 5.7.3)."},
	{"role", FIELD_STRING, 0, 0, 0, NULL, "guest or moderator."},
	{"language", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL,
	 "What it is told things in; null: the room's."},
	{"direction", FIELD_STRING, 0, 0, 0, NULL,
	 "incoming: it called us; outgoing: we called it."},
#define CONTROL(type, member, name, min, max, help, shown)                                         \
	{name, FIELD_##type, 0, min, max, NULL, shown},
#define SOUND(bit, name, help) {name, FIELD_BOOL, 0, 0, 0, NULL, help},
#define GROUP(member, name, help) {name, FIELD_LIST, 0, 0, 0, NULL, help},
#include "http/participant.inc"
	{"room_muted", FIELD_BOOL, 0, 0, 0, NULL, "Muted because the room is."},
	{"flags", FIELD_LIST, 0, 0, 0, NULL,
	 "What its line suffers from: echo, one_way, clipping, low_level."},
	{"talking", FIELD_BOOL, 0, 0, 0, NULL, "Speaks now."},
	{"level_dbov", FIELD_INTEGER, 0, -127, 0, NULL,
	 "What it says, before mute. -127: silence."},
	{"codec", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL, "Null before it is agreed."},
	{"encrypted", FIELD_BOOL, 0, 0, 0, NULL, "Its sound goes by SRTP, both ways."},
	{"call_id", FIELD_STRING, 0, 0, 0, NULL, "Call-ID of its SIP call."},
	{"remote_focus", FIELD_BOOL, 0, 0, 0, NULL, "The peer is a conference itself (isfocus)."},
	{"coaches", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL,
	 "Id of the one participant who hears it; null: it is no coach."},
	{"bridge", FIELD_BOOL, 0, 0, 0, NULL,
	 "No person: the way to where the conference moves, or from where it came."},
	{"carries", FIELD_LIST, FIELD_OPTIONAL, 0, 0, "Carried",
	 "Of a bridge from another focus, not in events: who is heard over it and has not come."},
	{"host", FIELD_BOOL, 0, 0, 0, NULL, "Made the conference by calling a factory."},
	{"anonymous", FIELD_BOOL, 0, 0, 0, NULL,
	 "Asked for privacy: the roster that phones get does not say who it is."},
	{"referred_by", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL,
	 "URI of who sent it here (Referred-By)."},
	{"created_at", FIELD_TIME, 0, 0, 0, NULL, "When the call began."},
	{"connected_at", FIELD_TIME, FIELD_NULLABLE, 0, 0, NULL,
	 "When it was answered; null before."},
	{"quality", FIELD_OBJECT, 0, 0, 0, "Quality", "How its line does."},
	{"attempts", FIELD_LIST, FIELD_OPTIONAL, 0, 0, "Attempt",
	 "Whom we tried to reach, in order; not in events."},
	{0},
};

static const struct field carried[] = {
	{"uri", FIELD_STRING, 0, 0, 0, NULL, "Its address, as the other focus knows it."},
	{"display_name", FIELD_STRING, 0, 0, 0, NULL, "May be empty."},
	{"role", FIELD_STRING, 0, 0, 0, NULL, "guest or moderator."},
	{"muted", FIELD_BOOL, 0, 0, 0, NULL, "The others do not hear it."},
	{0},
};

static const struct field participant_list[] = {
	{"participants", FIELD_LIST, 0, 0, 0, "Participant", "In the order of joining."},
	FIELD_NEXT,
	{0},
};

static const struct field attempt[] = {
	{"uri", FIELD_STRING, 0, 0, 0, NULL, "What is called."},
	{"target", FIELD_STRING, 0, 0, 0, NULL,
	 "Whose Contact it is; the same when it is no Contact."},
	{"reason", FIELD_STRING, 0, 0, 0, NULL,
	 "direct, forward_unconditional, forward_busy, forward_no_answer, forward_unreachable or "
	 "redirect."},
	{"state", FIELD_STRING, 0, 0, 0, NULL,
	 "waiting, calling, ringing, answered, failed, cancelled or looped."},
	{"status", FIELD_INTEGER, FIELD_NULLABLE, 0, 0, NULL,
	 "The last SIP status; null before one."},
	{"started_at", FIELD_TIME, FIELD_NULLABLE, 0, 0, NULL, "When it was called."},
	{0},
};

static const struct field quality[] = {
	{"loss", FIELD_NUMBER, 0, 0, 1, NULL,
	 "Part of the packets sent to us that did not arrive or came too late."},
	{"remote_loss", FIELD_NUMBER, 0, 0, 1, NULL,
	 "Part of our packets that the peer last reported lost."},
	{"jitter_ms", FIELD_NUMBER, 0, 0, 0, NULL, "Interarrival jitter (RFC 3550 6.4.1)."},
	{"delay_ms", FIELD_INTEGER, 0, 0, 0, NULL, "Depth of the jitter buffer now."},
	{"delay_ms_max", FIELD_INTEGER, 0, 0, 0, NULL, "The deepest it has been."},
	{"round_trip_ms", FIELD_NUMBER, FIELD_NULLABLE, 0, 0, NULL,
	 "From RTCP; null when not known."},
	{"mos", FIELD_NUMBER, FIELD_NULLABLE, 1, 5, NULL,
	 "Estimated mean opinion score; null when not known."},
	{"level_dbov", FIELD_INTEGER, 0, -127, 0, NULL,
	 "What it says, before mute. -127: silence."},
	{"heard_level_dbov", FIELD_INTEGER, 0, -127, 0, NULL, "What it hears."},
	{"rx_packets", FIELD_INTEGER, 0, 0, 0, NULL, "RTP packets received."},
	{"rx_lost", FIELD_INTEGER, 0, 0, 0, NULL, "RTP packets that never came."},
	{"rx_late", FIELD_INTEGER, 0, 0, 0, NULL, "RTP packets that came after their turn."},
	{"rx_discarded", FIELD_INTEGER, 0, 0, 0, NULL,
	 "Packets that were malformed, repeated or not the peer's."},
	{"tx_packets", FIELD_INTEGER, 0, 0, 0, NULL, "RTP packets sent."},
	{"concealed_ms", FIELD_INTEGER, 0, 0, 0, NULL,
	 "Sound that had to be invented for lost packets."},
	{0},
};

const struct schema SCHEMA_INVITE = {"Invite", "Somebody to be called in.", invite, 1};
const struct schema SCHEMA_PARTICIPANT_CHANGE = {
	"ParticipantChange", "What of a participant changes.", participant_change, 1};
const struct schema SCHEMA_PARTICIPANT_MOVE = {"ParticipantMove", "Where a participant goes.",
					       participant_move, 1};
const struct schema SCHEMA_DIAL = {"Dial", "Digits for one participant.", dial, 1};

const struct schema schemas_participant[SCHEMAS_PARTICIPANT] = {
	{"Participant", "One party of a conference.", participant, 0},
	{"Quality", "How a line does.", quality, 0},
	{"ParticipantList", "A page of participants.", participant_list, 0},
	{"Attempt", "One target of a call that we make.", attempt, 0},
	{"Carried", "Somebody who is heard over a bridge.", carried, 0},
};
