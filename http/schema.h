/* http/schema.h -- the documents of the API, each field once.
 *
 * Bodies that we read are checked against these tables (http/document.h), bodies that we write are
 * described by them, and /openapi.json is made from them. Thread: any, all constant.
 */
#ifndef HTTP_SCHEMA_H
#define HTTP_SCHEMA_H

#include <stddef.h>

enum field_type {
	FIELD_STRING, /* min, max: characters */
	FIELD_BOOL,
	FIELD_INTEGER, /* min, max: value */
	FIELD_NUMBER,
	FIELD_TIME,   /* RFC 3339 text */
	FIELD_OBJECT, /* of schema `of` */
	FIELD_LIST /* of schema `of`, or of strings; in documents that we read of strings only, at
		      most `max` of them */
};

enum field_flag {
	FIELD_REQUIRED =
		1, /* in documents that we read: must be there; all others are always written */
	FIELD_NULLABLE = 2,
	FIELD_OPTIONAL = 4 /* in documents that we write: may be missing */
};

struct field {
	const char *name;
	enum field_type type;
	unsigned flags;
	double min, max; /* both 0: unbounded */
	const char *of;
	const char *help;
};

/* The last of each page of a list (http/paging.h). */
#define FIELD_NEXT                                                                                 \
	{                                                                                          \
		"next", FIELD_STRING, FIELD_NULLABLE, 0, 0, NULL,                                  \
			"Give it as `after` to read on; null on the last page."                    \
	}

struct schema {
	const char *name;
	const char *help;
	const struct field *fields; /* ends with a NULL name */
	int is_input;               /* a document that we read */
};

/* What is written, by files: schema_room.c, schema_participant.c, schema_mail.c, and schema_sound.c
 * (recordings, plays, sounds). */
enum { SCHEMAS_ROOM = 2, SCHEMAS_PARTICIPANT = 5, SCHEMAS_MAIL = 5, SCHEMAS_SOUND = 11 };
extern const struct schema schemas_room[SCHEMAS_ROOM];
extern const struct schema schemas_participant[SCHEMAS_PARTICIPANT];
extern const struct schema schemas_mail[SCHEMAS_MAIL];
extern const struct schema schemas_sound[SCHEMAS_SOUND];

extern const struct schema SCHEMA_ROOM_CREATE, SCHEMA_ROOM_CHANGE, SCHEMA_INVITE,
	SCHEMA_PARTICIPANT_CHANGE, SCHEMA_PARTICIPANT_MOVE, SCHEMA_RECORDING_START,
	SCHEMA_RECORDING_CHANGE, SCHEMA_CALL_CREATE, SCHEMA_MIGRATE, SCHEMA_MESSAGE_SEND,
	SCHEMA_USER_CREATE, SCHEMA_USER_CHANGE, SCHEMA_FORWARD_CHANGE, SCHEMA_ACTION,
	SCHEMA_BAN_CREATE, SCHEMA_MAIL_CREATE, SCHEMA_MAIL_CHANGE, SCHEMA_DIAL,
	SCHEMA_PLAY_START, SCHEMA_PLAY_CHANGE;

/* Every schema in the order of the description; NULL at the end. */
const struct schema *schema_at(size_t index);
const struct schema *schema_find(const char *name); /* NULL: unknown */
const struct field *schema_field(const struct schema *schema, const char *name);

#endif
