/* http/view.c -- one function per document. */
#include "http/view.h"

int view_level_dbov(uint8_t level)
{
	return level < MEDIA_LEVEL_SILENT ? -(int)level : -MEDIA_LEVEL_SILENT;
}

const char *view_direction(bool is_outgoing)
{
	return is_outgoing ? "outgoing" : "incoming";
}

void view_room(struct json *json, const char *key, const struct room_view *room)
{
	json_open(json, key, '{');
	json_str(json, "id", room->id);
	json_text(json, "uri", room->uri);
	json_text(json, "origin", room_origin_name(room->origin));
	json_bool(json, "locked", room->settings.is_locked);
	json_bool(json, "muted", room->settings.is_muted);
	json_uint(json, "max_participants", room->participants_max);
	json_uint(json, "participants", room->participants);
	json_time(json, "created_at", room->created_wall_ms);
	json_close(json, '}');
}

static double loss_of(uint64_t lost, uint64_t received)
{
	return lost ? (double)lost / (double)(lost + received) : 0;
}

static void add_mos(struct json *json, uint16_t mos_x100)
{
	if (mos_x100)
		json_real(json, "mos", mos_x100 / 100.0, 2);
	else
		json_null(json, "mos");
}

static void add_quality(struct json *json, const struct media_leg_stats *stats)
{
	json_open(json, "quality", '{');
	json_real(json, "loss", loss_of(stats->rx_lost + stats->rx_late, stats->rx_packets), 4);
	json_real(json, "remote_loss", stats->remote_loss_q8 / 256.0, 4);
	json_real(json, "jitter_ms", stats->rx_jitter_us / 1000.0, 2);
	json_uint(json, "delay_ms", stats->delay_ms);
	json_uint(json, "delay_ms_max", stats->delay_ms_max);
	if (stats->round_trip_us)
		json_real(json, "round_trip_ms", stats->round_trip_us / 1000.0, 2);
	else
		json_null(json, "round_trip_ms");
	add_mos(json, stats->mos_x100);
	json_int(json, "level_dbov", view_level_dbov(stats->level_in));
	json_int(json, "heard_level_dbov", view_level_dbov(stats->level_out));
	json_uint(json, "rx_packets", stats->rx_packets);
	json_uint(json, "rx_lost", stats->rx_lost);
	json_uint(json, "rx_late", stats->rx_late);
	json_uint(json, "rx_discarded", stats->rx_discarded);
	json_uint(json, "tx_packets", stats->tx_packets);
	json_uint(json, "concealed_ms", stats->concealed_ms);
	json_close(json, '}');
}

static void add_control(struct json *json, const struct participant_view *participant)
{
	const struct participant_control *control = &participant->control;

	json_bool(json, "muted", control->is_muted);
	json_bool(json, "room_muted", participant->is_room_muted);
	json_bool(json, "deaf", control->is_deaf);
	json_real(json, "gain_db", control->gain_db, 2);
	json_real(json, "volume_db", control->volume_db, 2);
}

void view_participant(struct json *json, const char *key,
		      const struct participant_view *participant)
{
	const char *codec = participant->codec;

	json_open(json, key, '{');
	json_str(json, "id", participant->id);
	json_str(json, "room_id", participant->room_id);
	json_str(json, "uri", participant->uri);
	json_str(json, "display_name",
		 participant->display_name.p ? participant->display_name : SLICE(""));
	json_text(json, "state", participant_state_name(participant->state));
	json_text(json, "direction", view_direction(participant->is_outgoing));
	add_control(json, participant);
	json_bool(json, "talking", participant->media.is_talking);
	json_int(json, "level_dbov", view_level_dbov(participant->media.level_in));
	json_text(json, "codec", codec && codec[0] ? codec : NULL);
	json_str(json, "call_id", participant->call_id.p ? participant->call_id : SLICE(""));
	json_bool(json, "remote_focus", participant->is_remote_focus);
	json_time(json, "created_at", participant->created_wall_ms);
	json_time(json, "connected_at", participant->connected_wall_ms);
	add_quality(json, &participant->media);
	json_close(json, '}');
}

void view_event(struct json *json, const struct focus_event *event)
{
	const struct participant_view *participant = event->participant;

	json_open(json, NULL, '{');
	json_uint(json, "seq", event->seq);
	json_text(json, "type", focus_event_name(event->kind));
	json_time(json, "time", event->wall_ms);
	json_str(json, "room_id", event->room->id);
	if (participant) {
		json_str(json, "participant_id", participant->id);
		view_participant(json, "participant", participant);
	} else {
		view_room(json, "room", event->room);
	}
	if (event->cause)
		json_text(json, "cause", event->cause);
	if (event->status)
		json_uint(json, "status", event->status);
	if (event->kind == FOCUS_DTMF) {
		json_str(json, "digit", slice_make(&event->digit, 1));
		json_uint(json, "duration_ms", event->duration_ms);
	}
	json_close(json, '}');
}

static uint64_t duration_ms(const struct store_call_record *record)
{
	if (!record->answered_wall_ms || record->ended_wall_ms < record->answered_wall_ms)
		return 0;
	return record->ended_wall_ms - record->answered_wall_ms;
}

void view_call_record(struct json *json, const struct store_call_record_row *row)
{
	const struct store_call_record *record = &row->record;

	json_open(json, NULL, '{');
	json_uint(json, "id", row->id);
	json_text(json, "room_id", record->room);
	json_text(json, "participant_id", record->participant);
	json_text(json, "uri", record->uri);
	json_text(json, "display_name", record->display_name);
	json_text(json, "call_id", record->call_id);
	json_text(json, "direction", view_direction(record->is_outgoing));
	json_time(json, "started_at", record->started_wall_ms);
	json_time(json, "answered_at", record->answered_wall_ms);
	json_time(json, "ended_at", record->ended_wall_ms);
	json_uint(json, "duration_ms", duration_ms(record));
	json_uint(json, "status", record->status);
	json_text(json, "cause", record->end_cause);
	json_uint(json, "rx_packets", record->rx_packets);
	json_uint(json, "rx_lost", record->rx_lost);
	json_uint(json, "tx_packets", record->tx_packets);
	json_real(json, "jitter_ms", record->jitter_us / 1000.0, 2);
	add_mos(json, record->mos_x100);
	json_close(json, '}');
}
