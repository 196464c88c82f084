/* http/schema.c -- the tables, but for those that have a file of their own, and the list of all. */
#include "http/schema.h"

#include <string.h>

#include "base/attr.h"

enum {
	ALIASES_MAX = 16,
	PASSWORD_MAX = 255,
	TEXT_MAX = 127,
	URI_MAX = 255,
	NAME_MAX_CHARS = 64,
};

static const struct field action[] = {
	{"action", FIELD_STRING, FIELD_REQUIRED, 1, TEXT_MAX, NULL,
	 "lock, mute_all, record, admit, admit_all, roll_call, end; of a participant also help, "
	 "count, "
	 "mute, hand."},
	{0},
};

static const struct field ban_create[] = {
	{"uri", FIELD_STRING, FIELD_REQUIRED, 1, URI_MAX, NULL, "Whom to keep out."},
	{0},
};

static const struct field ban[] = {
	{"id", FIELD_STRING, 0, 0, 0, NULL, "Name of the ban."},
	{"uri", FIELD_STRING, 0, 0, 0, NULL, "Who is kept out: its user and host count."},
	{"by", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL, "Whose word it was, as in events."},
	{"created_at", FIELD_TIME, 0, 0, 0, NULL, "Since when."},
	{0},
};

static const struct field ban_list[] = {
	{"bans", FIELD_LIST, 0, 0, 0, "Ban", "Oldest first."},
	FIELD_NEXT,
	{0},
};

static const struct field registration[] = {
	{"id", FIELD_STRING, 0, 0, 0, NULL, "Unique in the server's life."},
	{"user", FIELD_STRING, 0, 0, 0, NULL, "User part of the address of record, or a number."},
	{"contact", FIELD_STRING, 0, 0, 0, NULL, "Contact URI."},
	{"q", FIELD_NUMBER, 0, 0, 1, NULL, "Preference: the highest is called first."},
	{"transport", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL,
	 "Calls go back on the path that it came by; null: by its Contact or path."},
	{"path", FIELD_STRING, 0, 0, 0, NULL, "Proxies on the way (RFC 3327); may be empty."},
	{"instance", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL,
	 "Which phone it is (+sip.instance)."},
	{"reg_id", FIELD_INTEGER, FIELD_NULLABLE, 0, 0, NULL, "Which of its flows (RFC 5626)."},
	{"user_agent", FIELD_STRING, 0, 0, 0, NULL, "May be empty."},
	{"updated_at", FIELD_TIME, 0, 0, 0, NULL, "When it was last refreshed."},
	{"expires_at", FIELD_TIME, 0, 0, 0, NULL, "When it ends by itself."},
	{0},
};

static const struct field trunk[] = {
	{"aor", FIELD_STRING, 0, 0, 0, NULL, "Our address of record there."},
	{"state", FIELD_STRING, 0, 0, 0, NULL, "registering, registered or failed."},
	{"outbound", FIELD_BOOL, 0, 0, 0, NULL,
	 "Its calls come over the connection that we opened and keep (RFC 5626)."},
	{"status", FIELD_INTEGER, FIELD_NULLABLE, 0, 0, NULL,
	 "The last SIP status; null before one, or when nobody answered."},
	{"reason", FIELD_STRING, 0, 0, 0, NULL, "Why it failed; may be empty."},
	{"service_route", FIELD_STRING, 0, 0, 0, NULL,
	 "The route that its registrar gave us (RFC 3608); may be empty."},
	{"expires_at", FIELD_TIME, FIELD_NULLABLE, 0, 0, NULL,
	 "When it would end without a refresh; null when not registered."},
	{"next_try_at", FIELD_TIME, FIELD_NULLABLE, 0, 0, NULL,
	 "The next REGISTER; null while one is under way."},
	{0},
};

static const struct field trunk_list[] = {
	{"trunks", FIELD_LIST, 0, 0, 0, "Trunk", "In the order of sip.register."},
	{0},
};

static const struct field registration_list[] = {
	{"registrations", FIELD_LIST, 0, 0, 0, "Registration", "In the order of the users' names."},
	FIELD_NEXT,
	{0},
};

#define FORWARD_FIELDS(flags)                                                                      \
	{"unconditional",                                                                          \
	 FIELD_STRING,                                                                             \
	 flags,                                                                                    \
	 0,                                                                                        \
	 URI_MAX,                                                                                  \
	 NULL,                                                                                     \
	 "Where every call goes; null: nowhere."},                                                 \
		{"busy", FIELD_STRING, flags, 0, URI_MAX, NULL, "After 486 or 600."},              \
		{"no_answer",                                                                      \
		 FIELD_STRING,                                                                     \
		 flags,                                                                            \
		 0,                                                                                \
		 URI_MAX,                                                                          \
		 NULL,                                                                             \
		 "After no_answer_s, 408, 480 or 487."},                                           \
		{"unreachable",                                                                    \
		 FIELD_STRING,                                                                     \
		 flags,                                                                            \
		 0,                                                                                \
		 URI_MAX,                                                                          \
		 NULL,                                                                             \
		 "Nobody registered, 404, 503 or no way there."},                                  \
	{                                                                                          \
		"no_answer_s", FIELD_INTEGER, 0, 1, 600, NULL, "How long it rings before."         \
	}

static const struct field forward[] = {
	{"user", FIELD_STRING, 0, 0, 0, NULL, "Whose calls: a user part, or a number."},
	FORWARD_FIELDS(FIELD_NULLABLE),
	{0},
};

static const struct field forward_change[] = {FORWARD_FIELDS(FIELD_NULLABLE), {0}};

static const struct field call_record[] = {
	{"id", FIELD_INTEGER, 0, 1, 0, NULL, "Grows with time."},
	{"room_id", FIELD_STRING, 0, 0, 0, NULL, "The room."},
	{"participant_id", FIELD_STRING, 0, 0, 0, NULL, "The participant."},
	{"uri", FIELD_STRING, 0, 0, 0, NULL, "The peer's address."},
	{"display_name", FIELD_STRING, 0, 0, 0, NULL, "May be empty."},
	{"call_id", FIELD_STRING, 0, 0, 0, NULL, "Call-ID of its SIP call."},
	{"direction", FIELD_STRING, 0, 0, 0, NULL, "incoming or outgoing."},
	{"started_at", FIELD_TIME, 0, 0, 0, NULL, "INVITE received or sent."},
	{"answered_at", FIELD_TIME, FIELD_NULLABLE, 0, 0, NULL, "Null: never."},
	{"ended_at", FIELD_TIME, FIELD_NULLABLE, 0, 0, NULL, "When it was gone."},
	{"duration_ms", FIELD_INTEGER, 0, 0, 0, NULL, "From answer to end; 0 when never answered."},
	{"status", FIELD_INTEGER, 0, 0, 0, NULL, "SIP status of the INVITE."},
	{"cause", FIELD_STRING, 0, 0, 0, NULL, "bye, kicked, room_closed, timeout ..."},
	{"rx_packets", FIELD_INTEGER, 0, 0, 0, NULL, "RTP packets received."},
	{"rx_lost", FIELD_INTEGER, 0, 0, 0, NULL, "RTP packets that never came."},
	{"tx_packets", FIELD_INTEGER, 0, 0, 0, NULL, "RTP packets sent."},
	{"jitter_ms", FIELD_NUMBER, 0, 0, 0, NULL, "Interarrival jitter at the end."},
	{"mos", FIELD_NUMBER, FIELD_NULLABLE, 1, 5, NULL, "Estimated mean opinion score."},
	{0},
};

static const struct field call_record_list[] = {
	{"call_records", FIELD_LIST, 0, 0, 0, "CallRecord", "Newest first."},
	{"next", FIELD_INTEGER, FIELD_NULLABLE, 0, 0, NULL,
	 "Give it as `before` to read on; null on the last page."},
	{0},
};

static const struct field sip_message[] = {
	{"at", FIELD_TIME, 0, 0, 0, NULL, "When it passed."},
	{"at_us", FIELD_INTEGER, 0, 0, 0, NULL, "The same in microseconds since 1970."},
	{"direction", FIELD_STRING, 0, 0, 0, NULL, "in: the peer sent it; out: we did."},
	{"transport", FIELD_STRING, 0, 0, 0, NULL, "UDP, TCP, TLS, WS or WSS."},
	{"local", FIELD_STRING, 0, 0, 0, NULL, "Our address and port."},
	{"remote", FIELD_STRING, 0, 0, 0, NULL, "The peer's address and port."},
	{"summary", FIELD_STRING, 0, 0, 0, NULL, "Method, or status and reason."},
	{"cseq", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL, "Its CSeq."},
	{"error", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL,
	 "Why it could not be sent; null: it was."},
	{"text", FIELD_STRING, 0, 0, 0, NULL,
	 "All of it; secrets (credentials, keys, digits) are painted over."},
	{0},
};

static const struct field trace[] = {
	{"call_id", FIELD_STRING, 0, 0, 0, NULL, "Call-ID of the SIP call."},
	{"messages", FIELD_LIST, 0, 0, 0, "SipMessage", "Oldest first; the latest of the call."},
	{0},
};

static const struct field trace_call[] = {
	{"call_id", FIELD_STRING, 0, 0, 0, NULL, "Call-ID of the SIP call."},
	{"messages", FIELD_INTEGER, 0, 0, 0, NULL, "How many are kept."},
	{"first", FIELD_STRING, 0, 0, 0, NULL, "Start line of the oldest that is kept."},
	{"last", FIELD_STRING, 0, 0, 0, NULL, "Start line of the latest."},
	{"remote", FIELD_STRING, 0, 0, 0, NULL, "The peer of the oldest."},
	{"began_at", FIELD_TIME, 0, 0, 0, NULL, "When the oldest passed."},
	{"last_at", FIELD_TIME, 0, 0, 0, NULL, "When the latest passed."},
	{0},
};

static const struct field trace_list[] = {
	{"calls", FIELD_LIST, 0, 0, 0, "TraceCall", "The one with the latest message first."},
	{0},
};

static const struct field message_send[] = {
	{"text", FIELD_STRING, FIELD_REQUIRED, 1, 4000, NULL, "What is said; plain text."},
	{"from", FIELD_STRING, 0, 1, 64, NULL, "Name of who says it, shown to phones."},
	{0},
};

static const struct field message_sent[] = {
	{"sent", FIELD_INTEGER, 0, 0, 0, NULL, "Participants that it was sent to."},
	{0},
};

static const struct field migrate[] = {
	{"to", FIELD_STRING, FIELD_REQUIRED, 1, 255, NULL,
	 "SIP URI of a conference factory, or of a conference, elsewhere."},
	{0},
};

static const struct field migration[] = {
	{"state", FIELD_STRING, 0, 0, 0, NULL, "dialling, moving, done or failed."},
	{"to", FIELD_STRING, 0, 0, 0, NULL, "Whom we called."},
	{"uri", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL,
	 "The conference there; newcomers are sent to it."},
	{"moved", FIELD_INTEGER, 0, 0, 0, NULL, "Participants that have arrived there."},
	{"pending", FIELD_INTEGER, 0, 0, 0, NULL, "Participants that were asked to go."},
	{"carried", FIELD_INTEGER, 0, 0, 0, NULL,
	 "Participants that stay here and are carried over a bridge."},
	{0},
};

static const struct field call_create[] = {
	{"from", FIELD_STRING, FIELD_REQUIRED, 1, 255, NULL,
	 "Who is called first: sip:, sips: or tel: URI."},
	{"to", FIELD_STRING, FIELD_REQUIRED, 1, 255, NULL,
	 "Who is called once the first has answered."},
	{"late_offer", FIELD_BOOL, 0, 0, 0, NULL,
	 "Call `from` on hold and `to` without a description, and answer what it offers."},
	{"confirm", FIELD_BOOL, 0, 0, 0, NULL,
	 "The first presses 1 before the second is called, else it is rung off: no answering "
	 "machine."},
	{0},
};

#define CALL_FIELDS                                                                                \
	{"id", FIELD_STRING, 0, 0, 0, NULL, "Name of the call."},                                  \
		{"from", FIELD_STRING, 0, 0, 0, NULL, "URI of the first party."},                  \
		{"to", FIELD_STRING, 0, 0, 0, NULL, "URI of the second party."},                   \
		{"state",                                                                          \
		 FIELD_STRING,                                                                     \
		 0,                                                                                \
		 0,                                                                                \
		 0,                                                                                \
		 NULL,                                                                             \
		 "dialling_from, dialling_to, ringing, connected or ending."},                     \
		{"room_id",                                                                        \
		 FIELD_STRING,                                                                     \
		 FIELD_NULLABLE,                                                                   \
		 0,                                                                                \
		 0,                                                                                \
		 NULL,                                                                             \
		 "The conference that it became."},                                                \
		{"created_at", FIELD_TIME, 0, 0, 0, NULL, "When it was begun."},                   \
	{                                                                                          \
		"connected_at", FIELD_TIME, FIELD_NULLABLE, 0, 0, NULL,                            \
			"When the second party answered."                                          \
	}

static const struct field call[] = {
	CALL_FIELDS,
	{"legs", FIELD_LIST, 0, 0, 0, "Participant", "The parties that are called or there."},
	{0},
};

static const struct field call_brief[] = {
	CALL_FIELDS,
	{0},
};

static const struct field call_list[] = {
	{"calls", FIELD_LIST, 0, 0, 0, "Call", "Oldest first."},
	FIELD_NEXT,
	{0},
};

static const struct field event[] = {
	{"seq", FIELD_INTEGER, 0, 1, 0, NULL,
	 "Sequence number, the same as the event's id; no gaps."},
	{"type", FIELD_STRING, 0, 0, 0, NULL, "The same as the event's name."},
	{"time", FIELD_TIME, 0, 0, 0, NULL, "When it happened."},
	{"room_id", FIELD_STRING, FIELD_OPTIONAL, 0, 0, NULL,
	 "The room it happened in; not with `call`."},
	{"call", FIELD_OBJECT, FIELD_OPTIONAL, 0, 0, "CallBrief",
	 "In call.* events: the call after it; in dtmf: the call it was pressed in."},
	{"participant_id", FIELD_STRING, FIELD_OPTIONAL, 0, 0, NULL, "Whom it is about."},
	{"room", FIELD_OBJECT, FIELD_OPTIONAL, 0, 0, "Room",
	 "In room.* events: the room after it."},
	{"participant", FIELD_OBJECT, FIELD_OPTIONAL, 0, 0, "Participant",
	 "In participant.* events and dtmf: the participant after it."},
	{"attempt", FIELD_OBJECT, FIELD_OPTIONAL, 0, 0, "Attempt",
	 "In participant.attempt: the target after it."},
	{"recording", FIELD_OBJECT, FIELD_OPTIONAL, 0, 0, "Recording",
	 "In recording.* events: the recording after it."},
	{"play", FIELD_OBJECT, FIELD_OPTIONAL, 0, 0, "Play",
	 "In play.* events: the play after it."},
	{"mail", FIELD_OBJECT, FIELD_OPTIONAL, 0, 0, "Mail",
	 "In mailbox.* events, which belong to no room: the message."},
	{"registration", FIELD_OBJECT, FIELD_OPTIONAL, 0, 0, "Registration",
	 "In registration.* events, which belong to no room."},
	{"cause", FIELD_STRING, FIELD_OPTIONAL, 0, 0, NULL,
	 "Why: bye, kicked, room_closed, busy ..."},
	{"by", FIELD_STRING, FIELD_OPTIONAL, 0, 0, NULL,
	 "Whose word it was: api, schedule, or the id of a participant who pressed keys; missing "
	 "when it came about by itself."},
	{"status", FIELD_INTEGER, FIELD_OPTIONAL, 0, 0, NULL,
	 "In participant.left: SIP status of a call that failed."},
	{"from", FIELD_STRING, FIELD_OPTIONAL, 0, 0, NULL, "In message: name of who said it."},
	{"content_type", FIELD_STRING, FIELD_OPTIONAL, 0, 0, NULL,
	 "In message: text/plain or message/cpim."},
	{"text", FIELD_STRING, FIELD_OPTIONAL, 0, 0, NULL, "In message: what was said."},
	{"digit", FIELD_STRING, FIELD_OPTIONAL, 0, 0, NULL, "In dtmf: 0-9 * # A-D."},
	{"duration_ms", FIELD_INTEGER, FIELD_OPTIONAL, 0, 0, NULL,
	 "In dtmf: how long it was pressed."},
	{0},
};

static const struct field level[] = {
	{"id", FIELD_STRING, 0, 0, 0, NULL, "The participant."},
	{"level_dbov", FIELD_INTEGER, 0, -127, 0, NULL, "What it says, before mute."},
	{"talking", FIELD_BOOL, 0, 0, 0, NULL, "Speaks now."},
	{0},
};

static const struct field levels[] = {
	{"room_id", FIELD_STRING, 0, 0, 0, NULL, "The room that the client watches."},
	{"levels", FIELD_LIST, 0, 0, 0, "Level", "Who is not silent; all others are."},
	{0},
};

static const struct field server[] = {
	{"version", FIELD_STRING, 0, 0, 0, NULL, "Version of the program."},
	{"started_at", FIELD_TIME, 0, 0, 0, NULL,
	 "When it was started; event numbers begin anew with it."},
	{"sip_host", FIELD_STRING, 0, 0, 0, NULL, "host[:port] behind the @ of every room's URI."},
	{"factory_uris", FIELD_LIST, 0, 0, 0, NULL,
	 "URIs that make a fresh conference when called."},
	{"autocreate", FIELD_BOOL, 0, 0, 0, NULL,
	 "A call to a name that is no room makes that room."},
	{"dial_out", FIELD_BOOL, 0, 0, 0, NULL, "The API may call people."},
	{"draining", FIELD_BOOL, 0, 0, 0, NULL, "Shuts down: takes nobody new."},
	{"rooms", FIELD_INTEGER, 0, 0, 0, NULL, "Rooms now."},
	{"participants", FIELD_INTEGER, 0, 0, 0, NULL, "Participants now."},
	{"event_seq", FIELD_INTEGER, 0, 0, 0, NULL, "Number of the last event."},
	{0},
};

static const struct field health[] = {
	{"status", FIELD_STRING, 0, 0, 0, NULL, "alive."},
	{0},
};

static const struct field readiness[] = {
	{"status", FIELD_STRING, 0, 0, 0, NULL, "ready or not_ready."},
	{"reasons", FIELD_LIST, 0, 0, 0, NULL,
	 "Why not: draining, no_mixer, no_media_ports, store_failing, store_full."},
	{0},
};

#define USER_RIGHTS                                                                                \
	{"enabled", FIELD_BOOL, 0, 0, 0, NULL, "May prove to be itself at all."},                  \
		{"may_dial_out",                                                                   \
		 FIELD_BOOL,                                                                       \
		 0,                                                                                \
		 0,                                                                                \
		 0,                                                                                \
		 NULL,                                                                             \
		 "May be connected to others through this server."},                               \
		{"may_refer_out",                                                                  \
		 FIELD_BOOL,                                                                       \
		 0,                                                                                \
		 0,                                                                                \
		 0,                                                                                \
		 NULL,                                                                             \
		 "May have this server call others (REFER)."},                                     \
	{                                                                                          \
		"may_create_rooms", FIELD_BOOL, 0, 0, 0, NULL,                                     \
			"May make rooms by calling a free name or the factory."                    \
	}

static const struct field user_create[] = {
	{"name", FIELD_STRING, FIELD_REQUIRED, 1, NAME_MAX_CHARS, NULL,
	 "User part of its address: letters, digits and . _ ~ + -, not beginning with a dot."},
	{"password", FIELD_STRING, FIELD_REQUIRED, 1, PASSWORD_MAX, NULL,
	 "Kept as hashes only and never shown."},
	{"display_name", FIELD_STRING, FIELD_NULLABLE, 0, TEXT_MAX, NULL, "Shown in rosters."},
	{"aliases", FIELD_LIST, FIELD_NULLABLE, 0, ALIASES_MAX, NULL,
	 "Other user parts that it goes by, such as its number."},
	USER_RIGHTS,
	{0},
};

static const struct field user_change[] = {
	{"password", FIELD_STRING, 0, 1, PASSWORD_MAX, NULL,
	 "Kept as hashes only and never shown."},
	{"display_name", FIELD_STRING, FIELD_NULLABLE, 0, TEXT_MAX, NULL, "Shown in rosters."},
	{"aliases", FIELD_LIST, FIELD_NULLABLE, 0, ALIASES_MAX, NULL,
	 "Other user parts that it goes by, in place of those it has."},
	USER_RIGHTS,
	{0},
};

static const struct field user[] = {
	{"name", FIELD_STRING, 0, 1, NAME_MAX_CHARS, NULL, "User part of its address."},
	{"realm", FIELD_STRING, 0, 0, 0, NULL, "The realm its password was hashed with."},
	{"display_name", FIELD_STRING, 0, 0, 0, NULL, "May be empty."},
	{"aliases", FIELD_LIST, 0, 0, 0, NULL, "Other user parts that it goes by."},
	USER_RIGHTS,
	{"created_at", FIELD_TIME, 0, 0, 0, NULL, "When it was made."},
	{0},
};

static const struct field user_list[] = {
	{"users", FIELD_LIST, 0, 0, 0, "User", "In the order of their names."},
	FIELD_NEXT,
	{0},
};

static const struct field problem[] = {
	{"type", FIELD_STRING, 0, 0, 0, NULL, "Reference to the kind of problem; stable."},
	{"title", FIELD_STRING, 0, 0, 0, NULL, "The kind in words."},
	{"status", FIELD_INTEGER, 0, 400, 599, NULL, "HTTP status."},
	{"detail", FIELD_STRING, FIELD_OPTIONAL, 0, 0, NULL, "What is wrong this time."},
	{"instance", FIELD_STRING, FIELD_OPTIONAL, 0, 0, NULL, "Path of the request."},
	{"field", FIELD_STRING, FIELD_OPTIONAL, 0, 0, NULL, "Field of the body that does not fit."},
	{"parameter", FIELD_STRING, FIELD_OPTIONAL, 0, 0, NULL,
	 "Parameter or header that does not fit."},
	{"line", FIELD_INTEGER, FIELD_OPTIONAL, 0, 0, NULL, "Where the body stops being JSON."},
	{"column", FIELD_INTEGER, FIELD_OPTIONAL, 0, 0, NULL, "Where the body stops being JSON."},
	{0},
};

static const struct field problem_kind[] = {
	{"type", FIELD_STRING, 0, 0, 0, NULL, "Reference to the kind of problem."},
	{"title", FIELD_STRING, 0, 0, 0, NULL, "The kind in words."},
	{"status", FIELD_INTEGER, 0, 400, 599, NULL, "HTTP status."},
	{0},
};

static const struct field problem_list[] = {
	{"problems", FIELD_LIST, 0, 0, 0, "ProblemKind", "Every kind of problem."},
	{0},
};

const struct schema SCHEMA_ACTION = {"Action", "What to do.", action, 1};
const struct schema SCHEMA_BAN_CREATE = {"BanCreate", "Somebody to be kept out.", ban_create, 1};
const struct schema SCHEMA_FORWARD_CHANGE = {"ForwardChange", "What of a forward changes.",
					     forward_change, 1};
const struct schema SCHEMA_CALL_CREATE = {"CallCreate", "Two parties to be connected.", call_create,
					  1};

const struct schema SCHEMA_USER_CREATE = {"UserCreate", "A user to be made.", user_create, 1};
const struct schema SCHEMA_USER_CHANGE = {"UserChange", "What of a user changes.", user_change, 1};
const struct schema SCHEMA_MIGRATE = {"Migrate", "Where a conference shall go.", migrate, 1};

const struct schema SCHEMA_MESSAGE_SEND = {"MessageSend", "Something said to a room.", message_send,
					   1};

static const struct schema written[] = {
	{"Ban", "Somebody who may not come in.", ban, 0},
	{"BanList", "A page of bans.", ban_list, 0},
	{"SipMessage", "A SIP message as it passed.", sip_message, 0},
	{"Trace", "The SIP messages of a call.", trace, 0},
	{"TraceCall", "A call of which SIP messages are kept.", trace_call, 0},
	{"TraceList", "Calls of which SIP messages are kept.", trace_list, 0},
	{"CallRecord", "A call that has ended.", call_record, 0},
	{"CallRecordList", "A page of call records.", call_record_list, 0},
	{"MessageSent", "How many it went to.", message_sent, 0},
	{"Migration", "How a move goes.", migration, 0},
	{"Call", "Two parties, connected by us.", call, 0},
	{"Registration", "Where a user is: one Contact.", registration, 0},
	{"RegistrationList", "A page of registrations.", registration_list, 0},
	{"Trunk", "A registration of ours at another registrar.", trunk, 0},
	{"TrunkList", "All of them.", trunk_list, 0},
	{"Forward", "Where calls to somebody go instead.", forward, 0},
	{"CallBrief", "A call without its parties.", call_brief, 0},
	{"CallList", "A page of calls.", call_list, 0},
	{"Event", "The data of one event of the stream.", event, 0},
	{"Levels", "The data of a levels event.", levels, 0},
	{"Level", "How loud somebody is.", level, 0},
	{"Server", "What to know before dialling.", server, 0},
	{"Health", "That it lives.", health, 0},
	{"Readiness", "Whether new calls are welcome.", readiness, 0},
	{"User", "Who may register and call out.", user, 0},
	{"UserList", "A page of users.", user_list, 0},
	{"Problem", "An error (RFC 9457).", problem, 0},
	{"ProblemKind", "A kind of error.", problem_kind, 0},
	{"ProblemList", "Every kind of error.", problem_list, 0},
};

static const struct schema *const read_schemas[] = {
	&SCHEMA_MAIL_CREATE,      &SCHEMA_MAIL_CHANGE,     &SCHEMA_ROOM_CREATE,
	&SCHEMA_ROOM_CHANGE,      &SCHEMA_INVITE,          &SCHEMA_PARTICIPANT_CHANGE,
	&SCHEMA_PARTICIPANT_MOVE, &SCHEMA_RECORDING_START, &SCHEMA_RECORDING_CHANGE,
	&SCHEMA_CALL_CREATE,      &SCHEMA_MIGRATE,         &SCHEMA_MESSAGE_SEND,
	&SCHEMA_USER_CREATE,      &SCHEMA_USER_CHANGE,     &SCHEMA_FORWARD_CHANGE,
	&SCHEMA_ACTION,           &SCHEMA_BAN_CREATE,      &SCHEMA_DIAL,
	&SCHEMA_PLAY_START,       &SCHEMA_PLAY_CHANGE};

/* One part a file. */
static const struct {
	const struct schema *schemas;
	size_t count;
} parts[] = {
	{written, ARRAY_LEN(written)},
	{schemas_room, SCHEMAS_ROOM},
	{schemas_participant, SCHEMAS_PARTICIPANT},
	{schemas_mail, SCHEMAS_MAIL},
	{schemas_sound, SCHEMAS_SOUND},
};

const struct schema *schema_at(size_t index)
{
	if (index < ARRAY_LEN(read_schemas))
		return read_schemas[index];
	index -= ARRAY_LEN(read_schemas);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (index < parts[i].count)
			return &parts[i].schemas[index];
		index -= parts[i].count;
	}
	return NULL;
}

const struct schema *schema_find(const char *name)
{
	const struct schema *schema;

	for (size_t i = 0; (schema = schema_at(i)) != NULL; i++) {
		if (strcmp(schema->name, name) == 0)
			return schema;
	}
	return NULL;
}

const struct field *schema_field(const struct schema *schema, const char *name)
{
	for (const struct field *field = schema->fields; field->name; field++) {
		if (strcmp(field->name, name) == 0)
			return field;
	}
	return NULL;
}
