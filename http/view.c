/* http/view.c -- one function per document. */
#include "http/view.h"

#include <stdio.h>

#include "base/err.h"

int view_level_dbov(uint8_t level)
{
	return level < MEDIA_LEVEL_SILENT ? -(int)level : -MEDIA_LEVEL_SILENT;
}

const char *view_direction(bool is_outgoing)
{
	return is_outgoing ? "outgoing" : "incoming";
}

static void add_migration(struct writer *json, const struct migration_view *migration)
{
	if (migration->state == MIGRATION_NONE)
		return;
	writer_open(json, "migration", '{');
	writer_text(json, "state", migration_state_name(migration->state));
	writer_str(json, "to", migration->to);
	writer_str(json, "uri", migration->uri);
	writer_uint(json, "moved", migration->moved);
	writer_uint(json, "pending", migration->pending);
	writer_uint(json, "carried", migration->carried);
	writer_close(json, '}');
}

const struct view_sound view_sounds[VIEW_SOUNDS] = {
#define SOUND(bit, name, help) {name, bit},
#include "http/participant.inc"
};

const char *const view_flags[MEDIA_FLAG_COUNT] = {"echo", "one_way", "clipping", "low_level"};

static void add_flags(struct writer *json, uint8_t flags)
{
	writer_open(json, "flags", '[');
	for (uint32_t i = 0; i < MEDIA_FLAG_COUNT; i++)
		if (flags >> i & 1)
			writer_text(json, NULL, view_flags[i]);
	writer_close(json, ']');
}

static void add_sounds(struct writer *json, uint8_t sound)
{
	for (size_t i = 0; i < VIEW_SOUNDS; i++)
		writer_bool(json, view_sounds[i].name, sound & view_sounds[i].bit);
}

static void add_groups(struct writer *json, const char *key, struct slice names)
{
	writer_open(json, key, '[');
	while (names.len > 0) {
		size_t len = slice_find(names, ' ');

		writer_str(json, NULL, slice_first(names, len));
		names = slice_from(names, MIN_OF(len + 1, names.len));
	}
	writer_close(json, ']');
}

static void add_setting(struct writer *json, const struct room_settings *settings,
			const struct room_setting *setting)
{
	bool is_text = room_setting_is_text(setting);
	const char *text = is_text ? room_setting_text(settings, setting) : NULL;
	int64_t number = is_text ? 0 : room_setting_number(settings, setting);
	struct slice word;
	char has[64];

	switch (setting->type) {
	case SETTING_FLAG:
		writer_bool(json, setting->name, number);
		break;
	case SETTING_WORD:
		(void)room_setting_word(setting, (unsigned)number, &word);
		writer_str(json, setting->name, word);
		break;
	case SETTING_COUNT:
	case SETTING_SECONDS:
	case SETTING_LEVEL:
	case SETTING_AMOUNT:
		if (number == room_setting_none(setting))
			writer_null(json, setting->name);
		else
			writer_int(json, setting->name, number);
		break;
	case SETTING_TIME:
		writer_time(json, setting->name, (uint64_t)number);
		break;
	case SETTING_CODECS:
		writer_list(json, setting->name, slice_of(text));
		break;
	case SETTING_LANGUAGE:
	case SETTING_USER:
		writer_text(json, setting->name, text[0] ? text : NULL);
		break;
	case SETTING_PIN:
		(void)snprintf(has, sizeof(has), "has_%s", setting->name);
		writer_bool(json, has, text[0] != '\0');
		break;
	}
}

static void add_room(struct writer *json, const struct room_view *room)
{
	const struct room_setting *setting;

	writer_str(json, "id", room->id);
	writer_text(json, "uri", room->uri);
	writer_text(json, "origin", room_origin_name(room->origin));
	for (size_t i = 0; (setting = room_setting_at(i)) != NULL; i++)
		add_setting(json, &room->in_force, setting);
	writer_bool(json, "recording", room->is_recording);
	writer_bool(json, "open", room->is_open);
	writer_time(json, "ends_at", room->ends_wall_ms);
	writer_uint(json, "bans", room->bans);
	add_groups(json, "groups", room->groups);
	writer_uint(json, "participants", room->participants);
	writer_time(json, "created_at", room->created_wall_ms);
	add_migration(json, &room->migration);
}

void view_room(struct writer *json, const char *key, const struct room_view *room)
{
	writer_open(json, key, '{');
	add_room(json, room);
	writer_close(json, '}');
}

void view_room_with(struct writer *json, const struct room_view *room,
		    const struct view_room_more *more)
{
	writer_open(json, NULL, '{');
	add_room(json, room);
	if (more->pin)
		writer_text(json, "pin", more->pin);
	if (more->moderator_pin)
		writer_text(json, "moderator_pin", more->moderator_pin);
	if (more->invitees)
		writer_list(json, "invitees", slice_of(more->invitees));
	writer_close(json, '}');
}

void view_ban(struct writer *json, const char *key, const struct ban *ban)
{
	struct ban_view view;

	ban_view(ban, &view);
	writer_open(json, key, '{');
	writer_str(json, "id", view.id);
	writer_str(json, "uri", view.uri);
	writer_text(json, "by", view.by[0] ? view.by : NULL);
	writer_time(json, "created_at", view.created_wall_ms);
	writer_close(json, '}');
}

static double loss_of(uint64_t lost, uint64_t received)
{
	return lost ? (double)lost / (double)(lost + received) : 0;
}

static void add_mos(struct writer *json, uint16_t mos_x100)
{
	if (mos_x100)
		writer_real(json, "mos", mos_x100 / 100.0, 2);
	else
		writer_null(json, "mos");
}

static void add_quality(struct writer *json, const struct media_leg_stats *stats)
{
	writer_open(json, "quality", '{');
	writer_real(json, "loss", loss_of(stats->rx_lost + stats->rx_late, stats->rx_packets), 4);
	writer_real(json, "remote_loss", stats->remote_loss_q8 / 256.0, 4);
	writer_real(json, "jitter_ms", stats->rx_jitter_us / 1000.0, 2);
	writer_uint(json, "delay_ms", stats->delay_ms);
	writer_uint(json, "delay_ms_max", stats->delay_ms_max);
	if (stats->round_trip_us)
		writer_real(json, "round_trip_ms", stats->round_trip_us / 1000.0, 2);
	else
		writer_null(json, "round_trip_ms");
	add_mos(json, stats->mos_x100);
	writer_int(json, "level_dbov", view_level_dbov(stats->level_in));
	writer_int(json, "heard_level_dbov", view_level_dbov(stats->level_out));
	writer_uint(json, "rx_packets", stats->rx_packets);
	writer_uint(json, "rx_lost", stats->rx_lost);
	writer_uint(json, "rx_late", stats->rx_late);
	writer_uint(json, "rx_discarded", stats->rx_discarded);
	writer_uint(json, "tx_packets", stats->tx_packets);
	writer_uint(json, "concealed_ms", stats->concealed_ms);
	writer_close(json, '}');
}

static void add_control(struct writer *json, const struct participant_view *participant)
{
#define SHOW_BOOL(name, member) writer_bool(json, name, participant->member);
#define SHOW_NUMBER(name, member) writer_real(json, name, participant->member, 2);
#define CONTROL(type, member, name, min, max, help, shown) SHOW_##type(name, member)
#define GROUP(member, name, help) add_groups(json, name, participant->groups.member);
#include "http/participant.inc"
	add_sounds(json, participant->sound);
	writer_bool(json, "room_muted", participant->is_room_muted);
}

void view_attempt(struct writer *json, const char *key, const struct fork_attempt_view *attempt)
{
	writer_open(json, key, '{');
	writer_str(json, "uri", attempt->uri);
	writer_str(json, "target", attempt->target);
	writer_text(json, "reason", fork_why_name(attempt->why));
	writer_text(json, "state", fork_state_name(attempt->state));
	writer_some_uint(json, "status", attempt->status);
	writer_time(json, "started_at", attempt->started_wall_ms);
	writer_close(json, '}');
}

void view_registration(struct writer *json, const char *key,
		       const struct registration_view *registration)
{
	writer_open(json, key, '{');
	writer_str(json, "id", registration->id);
	writer_str(json, "user", registration->user);
	writer_str(json, "contact", registration->contact);
	writer_real(json, "q", registration->q_thousandths / 1000.0, 3);
	writer_text(json, "transport", registration->transport);
	writer_str(json, "path", registration->path);
	writer_str(json, "instance", registration->instance);
	writer_some_uint(json, "reg_id", registration->reg_id);
	writer_str(json, "user_agent", registration->user_agent);
	writer_time(json, "updated_at", registration->updated_wall_ms);
	writer_time(json, "expires_at", registration->expires_wall_ms);
	writer_close(json, '}');
}

static void add_attempts(struct writer *json, const struct participant *participant)
{
	struct fork_attempt_view attempt;

	writer_open(json, "attempts", '[');
	for (uint32_t i = 0; participant_attempt(participant, i, &attempt); i++)
		view_attempt(json, NULL, &attempt);
	writer_close(json, ']');
}

/* Of a bridge: who is heard over it, until they come. */
static void add_awaited(struct writer *json, const struct participant_view *participant)
{
	struct participant_awaited awaited;

	if (!participant->of || !participant->is_bridge)
		return;
	writer_open(json, "carries", '[');
	for (uint32_t i = 0; participant_awaited(participant->of, i, &awaited); i++) {
		writer_open(json, NULL, '{');
		writer_str(json, "uri", awaited.uri);
		writer_str(json, "display_name", awaited.display_name);
		writer_text(json, "role", participant_role_name(awaited.role));
		writer_bool(json, "muted", awaited.is_muted);
		writer_close(json, '}');
	}
	writer_close(json, ']');
}

void view_participant(struct writer *json, const char *key,
		      const struct participant_view *participant)
{
	const char *codec = participant->codec;

	writer_open(json, key, '{');
	writer_str(json, "id", participant->id);
	writer_str(json, "room_id", participant->room_id);
	writer_str(json, "uri", participant->uri);
	writer_str(json, "display_name",
		   participant->display_name.p ? participant->display_name : SLICE(""));
	writer_text(json, "state", participant_state_name(participant->state));
	writer_text(json, "role", participant_role_name(participant->role));
	writer_some(json, "language", participant->language);
	writer_text(json, "direction", view_direction(participant->is_outgoing));
	add_control(json, participant);
	add_flags(json, participant->flags);
	writer_bool(json, "talking", participant->media.is_talking);
	writer_int(json, "level_dbov", view_level_dbov(participant->media.level_in));
	writer_text(json, "codec", codec && codec[0] ? codec : NULL);
	writer_bool(json, "encrypted", participant->is_encrypted);
	writer_str(json, "call_id", participant->call_id.p ? participant->call_id : SLICE(""));
	writer_bool(json, "remote_focus", participant->is_remote_focus);
	writer_some(json, "coaches", participant->coaches);
	writer_bool(json, "bridge", participant->is_bridge);
	add_awaited(json, participant);
	writer_bool(json, "host", participant->is_host);
	writer_bool(json, "anonymous", participant->is_anonymous);
	writer_some(json, "referred_by", participant->referred_by);
	writer_time(json, "created_at", participant->created_wall_ms);
	writer_time(json, "connected_at", participant->connected_wall_ms);
	add_quality(json, &participant->media);
	if (participant->of)
		add_attempts(json, participant->of);
	writer_close(json, '}');
}

static void add_call(struct writer *json, const struct call_view *call)
{
	writer_str(json, "id", call->id);
	writer_str(json, "from", call->from);
	writer_str(json, "to", call->to);
	writer_text(json, "state", call_state_name(call->state));
	writer_str(json, "room_id", call->room_id);
	writer_time(json, "created_at", call->created_wall_ms);
	writer_time(json, "connected_at", call->connected_wall_ms);
}

void view_call_brief(struct writer *json, const char *key, const struct call_view *call)
{
	writer_open(json, key, '{');
	add_call(json, call);
	writer_close(json, '}');
}

static void add_leg(struct writer *json, const struct participant *participant)
{
	struct participant_view view;

	if (!participant)
		return;
	participant_view(participant, &view);
	view_participant(json, NULL, &view);
}

void view_call(struct writer *json, const char *key, const struct call *call)
{
	struct call_view view;

	call_view(call, &view);
	writer_open(json, key, '{');
	add_call(json, &view);
	writer_open(json, "legs", '[');
	add_leg(json, focus_call_from(call));
	add_leg(json, focus_call_to(call));
	writer_close(json, ']');
	writer_close(json, '}');
}

static void add_subject(struct writer *json, const struct focus_event *event)
{
	const struct participant_view *participant = event->participant;

	if (event->recording) {
		writer_str(json, "room_id", event->room->id);
		view_recording(json, "recording", event->recording);
		return;
	}
	if (event->play) {
		writer_str(json, "room_id", event->room->id);
		if (event->play->participant.len)
			writer_str(json, "participant_id", event->play->participant);
		view_play(json, "play", event->play);
		return;
	}
	if (event->mail) {
		view_mail(json, "mail", event->mail);
		return;
	}
	if (event->registration) {
		view_registration(json, "registration", event->registration);
		return;
	}
	if (event->call)
		view_call_brief(json, "call", event->call);
	else
		writer_str(json, "room_id", event->room->id);
	if (participant) {
		writer_str(json, "participant_id", participant->id);
		view_participant(json, "participant", participant);
	} else if (!event->call) {
		view_room(json, "room", event->room);
	}
}

void view_recording(struct writer *json, const char *key, const struct recording_view *recording)
{
	writer_open(json, key, '{');
	writer_str(json, "id", recording->id);
	writer_str(json, "room_id", recording->room_id);
	writer_text(json, "format", recording_format_name(recording->format));
	writer_text(json, "state", recording_state_name(recording->state));
	writer_time(json, "started_at", recording->started_wall_ms);
	writer_uint(json, "length_ms", recording->length_ms);
	writer_uint(json, "octets", recording->octets);
	writer_uint(json, "lost_ms", recording->lost_ms);
	writer_text(json, "error", recording->err ? err_text(recording->err) : NULL);
	writer_uint(json, "tracks", recording->tracks);
	writer_close(json, '}');
}

static void add_items(struct writer *json, struct slice items)
{
	writer_open(json, "items", '[');
	while (items.len) {
		size_t end = slice_find(items, '\n');

		writer_str(json, NULL, slice_first(items, end));
		items = slice_from(items, end + 1);
	}
	writer_close(json, ']');
}

void view_play(struct writer *json, const char *key, const struct play_view *play)
{
	writer_open(json, key, '{');
	writer_str(json, "id", play->id);
	writer_str(json, "room_id", play->room_id);
	writer_str(json, "participant_id", play->participant.len ? play->participant : SLICE_NONE);
	writer_text(json, "state", play_state_name(play->state));
	add_items(json, play->items);
	writer_bool(json, "loop", play->control.is_loop);
	writer_bool(json, "duck", play->is_ducking);
	writer_real(json, "volume_db", play->control.volume_db, 2);
	writer_uint(json, "position_ms", play->position_ms);
	writer_str(json, "language", play->language.len ? play->language : SLICE_NONE);
	writer_time(json, "created_at", play->created_wall_ms);
	writer_text(json, "error", play->err ? err_text(play->err) : NULL);
	writer_close(json, '}');
}

void view_mail(struct writer *json, const char *key, const struct mail_view *mail)
{
	writer_open(json, key, '{');
	writer_str(json, "id", mail->id);
	writer_str(json, "mailbox", mail->mailbox);
	writer_text(json, "kind", mail_kind_name(mail->kind));
	writer_some(json, "from", mail->from);
	writer_str(json, "from_name", mail->from_name);
	writer_str(json, "subject", mail->subject);
	writer_str(json, "text", mail->text);
	writer_some(json, "recording_id", mail->recording);
	writer_uint(json, "length_ms", mail->length_ms);
	writer_time(json, "received_at", mail->received_wall_ms);
	writer_bool(json, "urgent", mail->is_urgent);
	writer_bool(json, "read", mail->is_read);
	writer_close(json, '}');
}

void view_event(struct writer *json, const struct focus_event *event)
{

	writer_open(json, NULL, '{');
	writer_uint(json, "seq", event->seq);
	writer_text(json, "type", focus_event_name(event->kind));
	writer_time(json, "time", event->wall_ms);
	add_subject(json, event);
	if (event->attempt)
		view_attempt(json, "attempt", event->attempt);
	if (event->cause)
		writer_text(json, "cause", event->cause);
	if (event->by)
		writer_text(json, "by", event->by);
	if (event->status)
		writer_uint(json, "status", event->status);
	if (event->kind == FOCUS_MESSAGE) {
		writer_str(json, "from", event->from.len ? event->from : SLICE(""));
		writer_text(json, "content_type", event->content_type);
		writer_str(json, "text", event->text);
	}
	if (event->kind == FOCUS_DTMF) {
		writer_str(json, "digit", slice_make(&event->digit, 1));
		writer_uint(json, "duration_ms", event->duration_ms);
	}
	writer_close(json, '}');
}

static uint64_t duration_ms(const struct store_call_record *record)
{
	if (!record->answered_wall_ms || record->ended_wall_ms < record->answered_wall_ms)
		return 0;
	return record->ended_wall_ms - record->answered_wall_ms;
}

void view_call_record(struct writer *json, const struct store_call_record_row *row)
{
	const struct store_call_record *record = &row->record;

	writer_open(json, NULL, '{');
	writer_uint(json, "id", row->id);
	writer_text(json, "room_id", record->room);
	writer_text(json, "participant_id", record->participant);
	writer_text(json, "uri", record->uri);
	writer_text(json, "display_name", record->display_name);
	writer_text(json, "call_id", record->call_id);
	writer_text(json, "direction", view_direction(record->is_outgoing));
	writer_time(json, "started_at", record->started_wall_ms);
	writer_time(json, "answered_at", record->answered_wall_ms);
	writer_time(json, "ended_at", record->ended_wall_ms);
	writer_uint(json, "duration_ms", duration_ms(record));
	writer_uint(json, "status", record->status);
	writer_text(json, "cause", record->end_cause);
	writer_uint(json, "rx_packets", record->rx_packets);
	writer_uint(json, "rx_lost", record->rx_lost);
	writer_uint(json, "tx_packets", record->tx_packets);
	writer_real(json, "jitter_ms", record->jitter_us / 1000.0, 2);
	add_mos(json, record->mos_x100);
	writer_close(json, '}');
}
