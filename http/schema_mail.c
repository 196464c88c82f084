/* http/schema_mail.c -- the tables of mailboxes. */
#include "focus/mailbox.h"
#include "http/schema.h"

#define MAIL_KINDS "voice, text, fax, pager or multimedia."

static const struct field mail_create[] = {
	{"kind", FIELD_STRING, 0, 0, 0, NULL, MAIL_KINDS " text when missing."},
	{"from", FIELD_STRING, 0, 0, STORE_URI_MAX, NULL, "SIP or tel URI of who left it."},
	{"from_name", FIELD_STRING, 0, 0, STORE_TEXT_MAX, NULL, "Its name."},
	{"subject", FIELD_STRING, 0, 0, STORE_TEXT_MAX, NULL, "Told to phones with the message."},
	{"text", FIELD_STRING, 0, 0, MAIL_TEXT_MAX, NULL, "What it says."},
	{"urgent", FIELD_BOOL, 0, 0, 0, NULL, "Phones count urgent ones apart."},
	{0},
};

static const struct field mail_change[] = {
	{"read", FIELD_BOOL, 0, 0, 0, NULL, "Read: old. Not read: new."},
	{"urgent", FIELD_BOOL, 0, 0, 0, NULL, "Phones count urgent ones apart."},
	{0},
};

static const struct field mail[] = {
	{"id", FIELD_STRING, 0, 0, 0, NULL, "Name of the message."},
	{"mailbox", FIELD_STRING, 0, 0, 0, NULL, "The user or the room it waits for."},
	{"kind", FIELD_STRING, 0, 0, 0, NULL, MAIL_KINDS},
	{"from", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL, "URI of who left it."},
	{"from_name", FIELD_STRING, 0, 0, 0, NULL, "Its name; may be empty."},
	{"subject", FIELD_STRING, 0, 0, 0, NULL, "May be empty."},
	{"text", FIELD_STRING, 0, 0, 0, NULL, "May be empty."},
	{"recording_id", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL,
	 "The recording that it is; null: none."},
	{"length_ms", FIELD_INTEGER, 0, 0, 0, NULL, "Of sound; 0 without any."},
	{"received_at", FIELD_TIME, 0, 0, 0, NULL, "When it came."},
	{"urgent", FIELD_BOOL, 0, 0, 0, NULL, "Phones count urgent ones apart."},
	{"read", FIELD_BOOL, 0, 0, 0, NULL, "Read: old. Not read: new."},
	{0},
};

static const struct field mail_list[] = {
	{"messages", FIELD_LIST, 0, 0, 0, "Mail", "Oldest first."},
	FIELD_NEXT,
	{0},
};

static const struct field mail_counts[] = {
	{"new", FIELD_INTEGER, 0, 0, 0, NULL, "Not read, urgent ones included."},
	{"old", FIELD_INTEGER, 0, 0, 0, NULL, "Read, urgent ones included."},
	{"new_urgent", FIELD_INTEGER, 0, 0, 0, NULL, "Not read and urgent."},
	{"old_urgent", FIELD_INTEGER, 0, 0, 0, NULL, "Read and urgent."},
	{0},
};

static const struct field mailbox[] = {
	{"name", FIELD_STRING, 0, 0, 0, NULL, "Of the user or the room."},
	{"messages", FIELD_OBJECT, 0, 0, 0, "MailCounts", "All together."},
	{"voice", FIELD_OBJECT, 0, 0, 0, "MailCounts", "Of this kind."},
	{"text", FIELD_OBJECT, 0, 0, 0, "MailCounts", "Of this kind."},
	{"fax", FIELD_OBJECT, 0, 0, 0, "MailCounts", "Of this kind."},
	{"pager", FIELD_OBJECT, 0, 0, 0, "MailCounts", "Of this kind."},
	{"multimedia", FIELD_OBJECT, 0, 0, 0, "MailCounts", "Of this kind."},
	{0},
};

static const struct field mailbox_list[] = {
	{"mailboxes", FIELD_LIST, 0, 0, 0, "Mailbox", "Those that hold messages, by name."},
	FIELD_NEXT,
	{0},
};

const struct schema SCHEMA_MAIL_CREATE = {"MailCreate", "A message to be left.", mail_create, 1};
const struct schema SCHEMA_MAIL_CHANGE = {"MailChange", "What of a message changes.", mail_change,
					  1};

const struct schema schemas_mail[SCHEMAS_MAIL] = {
	{"Mail", "A message that waits for somebody.", mail, 0},
	{"MailList", "A page of messages.", mail_list, 0},
	{"MailCounts", "How many messages.", mail_counts, 0},
	{"Mailbox", "What waits for a user or a room.", mailbox, 0},
	{"MailboxList", "A page of mailboxes.", mailbox_list, 0},
};
