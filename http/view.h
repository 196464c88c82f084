/* http/view.h -- rooms, participants and events as JSON. The fields are those of http/schema.c.
 * Thread: control. */
#ifndef HTTP_VIEW_H
#define HTTP_VIEW_H

#include "focus/ban.h"
#include "focus/focus.h"
#include "focus/fork.h"
#include "focus/mailbox.h"
#include "focus/play.h"
#include "focus/recording.h"
#include "focus/registrar.h"
#include "http/writer.h"

/* Members of enum room_sound by their names. */
enum { VIEW_SOUNDS = 3 };
extern const struct view_sound {
	const char *name;
	uint8_t bit;
} view_sounds[VIEW_SOUNDS];

extern const char *const view_flags[MEDIA_FLAG_COUNT]; /* by enum media_leg_flag */

void view_room(struct writer *json, const char *key, const struct room_view *room);
/* The same with what only the answer to one who asks for this room has; each may be NULL. */
struct view_room_more {
	const char *pin, *moderator_pin; /* just made */
	const char *invitees;            /* comma list */
};
void view_room_with(struct writer *json, const struct room_view *room,
		    const struct view_room_more *more);
void view_participant(struct writer *json, const char *key,
		      const struct participant_view *participant);
void view_attempt(struct writer *json, const char *key, const struct fork_attempt_view *attempt);
void view_registration(struct writer *json, const char *key,
		       const struct registration_view *registration);
void view_call(struct writer *json, const char *key, const struct call *call);
void view_call_brief(struct writer *json, const char *key, const struct call_view *call);
void view_recording(struct writer *json, const char *key, const struct recording_view *recording);
void view_play(struct writer *json, const char *key, const struct play_view *play);
void view_ban(struct writer *json, const char *key, const struct ban *ban);
void view_mail(struct writer *json, const char *key, const struct mail_view *mail);
void view_event(struct writer *json, const struct focus_event *event);
void view_call_record(struct writer *json, const struct store_call_record_row *row);

/* -dBov of the mixer (127: silence) as the API has it: -127 to 0. */
int view_level_dbov(uint8_t level);
const char *view_direction(bool is_outgoing); /* "outgoing", "incoming" */

#endif
