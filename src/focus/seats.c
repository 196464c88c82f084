/* focus/seats.c */
#include "focus/seats.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "base/secret.h"
#include "focus/ban.h"
#include "focus/focus_priv.h"
#include "focus/modes.h"
#include "focus/participant_priv.h"
#include "focus/recording.h"
#include "focus/room_priv.h"
#include "focus/seat_settings.h"
#include "focus/text.h"

enum {
	SEATS_GAIN_CDB_MAX = 6000,
	SEATS_HIDE_MS = 10000 /* the bridge is rung off about when the last has come over it */
};

#define RECORDING_STOPPED " recording=stopped"

/* Flags of a line, each at its place in the struct. */
struct flag {
	const char *word;
	size_t at;
};
static const struct flag seat_flags[] = {
	{"moderator", offsetof(struct seat, is_moderator)},
	{"host", offsetof(struct seat, is_host)},
	{"anonymous", offsetof(struct seat, is_anonymous)},
	{"admitted", offsetof(struct seat, is_admitted)},
	{"self-muted", offsetof(struct seat, is_self_muted)},
	{"hand", offsetof(struct seat, is_hand_raised)},
	{"dial-in", offsetof(struct seat, is_dial_in)},
	{"muted", offsetof(struct seat, control.is_muted)},
	{"deaf", offsetof(struct seat, control.is_deaf)},
};

/* What somebody has otherwise than the room; with "no-" in front: has not. */
static const struct {
	const char *word;
	uint8_t sound; /* of ROOM_SOUND_LEG */
} seat_sounds[] = {
	{"denoise", ROOM_SOUND_DENOISE},
	{"auto-level", ROOM_SOUND_LEVEL},
	{"inband-dtmf", ROOM_SOUND_DIGITS},
};

/* Writing --------------------------------------------------------------------------------------
 */

static void write_flags(struct buf *out, const struct flag *flags, size_t count, const void *of)
{
	for (size_t i = 0; i < count; i++)
		if (*(const bool *)((const char *)of + flags[i].at))
			buf_addf(out, " %s", flags[i].word);
}

static void write_text(struct buf *out, const char *name, const char *text)
{
	if (!text[0])
		return;
	buf_addf(out, " %s=", name);
	sip_escape(out, slice_of(text), "");
}

/* A list may be empty, and is written then: nobody. */
static void write_groups(const struct seat *seat, struct buf *out)
{
	if (!seat->has_groups)
		return;
	buf_adds(out, " speaks=");
	sip_escape(out, slice_of(seat->speaks), "");
	buf_adds(out, " hears=");
	sip_escape(out, slice_of(seat->hears), "");
	buf_adds(out, " hears-not=");
	sip_escape(out, slice_of(seat->hears_not), "");
}

static void write_sound(const struct participant_control *control, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(seat_sounds); i++)
		if (control->sound_set & seat_sounds[i].sound)
			buf_addf(out, " %s%s", control->sound & seat_sounds[i].sound ? "" : "no-",
				 seat_sounds[i].word);
}

static void write_gain(struct buf *out, const char *name, double gain_db)
{
	if (gain_db != 0)
		buf_addf(out, " %s=%d", name, (int)(gain_db * 100));
}

static void write_bans(const struct room *room, struct buf *out)
{
	struct ban_view view;

	for (struct ban *ban = NULL; (ban = focus_ban_next((struct room *)room, ban));) {
		ban_view(ban, &view);
		buf_adds(out, "ban ");
		sip_escape(out, view.uri, "");
		buf_addc(out, '\n');
	}
}

void seats_write_room(const struct room *room, struct buf *out)
{
	static const char *const kinds[] = {
		[ROOM_RECORD_MIX] = " recording=mix", [ROOM_RECORD_TRACKS] = " recording=tracks"};
	enum room_record kind = recording_kind(room);

	buf_adds(out, "room");
	seat_settings_write(room, out);
	if (kind != ROOM_RECORD_OFF)
		buf_adds(out, kinds[kind]);
	else if (room->is_recording_declined)
		buf_adds(out, RECORDING_STOPPED);
	buf_addc(out, '\n');
	write_bans(room, out);
}

static void write_seat(const struct seat *seat, struct buf *out)
{
	buf_addf(out, "seat %s", seat->token);
	write_text(out, "uri", seat->uri);
	write_text(out, "name", seat->display_name);
	write_text(out, "language", seat->language);
	write_text(out, "coaches", seat->coaches);
	write_flags(out, seat_flags, ARRAY_LEN(seat_flags), seat);
	write_gain(out, "gain", seat->control.gain_db);
	write_gain(out, "volume", seat->control.volume_db);
	write_sound(&seat->control, out);
	write_groups(seat, out);
	buf_addc(out, '\n');
}

/* What is longer than can be taken stays as everybody has it. */
static void copy_groups(const struct participant *p, struct seat *seat)
{
	struct groups_texts texts = groups_texts(p);

	if (!p->group_texts || texts.speaks.len > STORE_URI_MAX ||
	    texts.hears.len > STORE_URI_MAX || texts.hears_not.len > STORE_URI_MAX)
		return;
	seat->has_groups = true;
	slice_cstr(texts.speaks, seat->speaks, sizeof(seat->speaks));
	slice_cstr(texts.hears, seat->hears, sizeof(seat->hears));
	slice_cstr(texts.hears_not, seat->hears_not, sizeof(seat->hears_not));
}

static const char *token_of(struct participant *p)
{
	if (!p->seat_token[0])
		random_token(p->focus->random, p->seat_token, SEAT_TOKEN_CHARS);
	return p->seat_token;
}

/* Ids are ours alone: it is named by its seat, which may still be awaited here. */
static const char *token_of_coached(const struct participant *p)
{
	struct participant *coached = p->coaches[0] ? focus_participant_find(p->focus, p->room,
									     slice_of(p->coaches))
						    : NULL;

	return coached ? token_of(coached) : p->coaches_on;
}

void seats_write(struct participant *p, struct buf *out)
{
	struct seat seat = {
		.is_moderator = p->role == PARTICIPANT_MODERATOR,
		.is_host = p->is_host,
		.is_anonymous = p->is_anonymous,
		.is_admitted = p->is_admitted || p->connected_wall_ms,
		.is_self_muted = p->is_self_muted,
		.is_hand_raised = p->is_hand_raised,
		.is_dial_in = p->is_dial_in,
		.control = p->control,
	};

	memcpy(seat.token, token_of(p), sizeof(seat.token));
	memcpy(seat.coaches, token_of_coached(p), sizeof(seat.coaches));
	memcpy(seat.uri, p->uri, sizeof(seat.uri));
	memcpy(seat.display_name, p->display_name, sizeof(seat.display_name));
	memcpy(seat.language, p->language, sizeof(seat.language));
	copy_groups(p, &seat);
	write_seat(&seat, out);
}

void seats_write_awaited(struct room *room, struct buf *out)
{
	for (struct seat *seat = NULL; (seat = seats_next(room, seat));) {
		if (seat->is_handed_on || out->len > SEATS_BODY_MAX)
			continue;
		write_seat(seat, out);
		seat->is_handed_on = true;
	}
}

void seats_keep(struct room *room)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &room->seats)
		LIST_ENTRY(it, struct seat, in_room)->is_handed_on = false;
}

static void write_left(const char *token, struct buf *out)
{
	buf_addf(out, "left %s\n", token);
}

void seats_write_left(const struct participant *p, struct buf *out)
{
	if (p->seat_token[0])
		write_left(p->seat_token, out);
}

void seats_write_handed_on(const struct room *room, struct slice request_uri, struct buf *out)
{
	const struct seat *seat = seats_find(room, request_uri);

	if (seat && seat->is_handed_on)
		buf_addf(out, ";" SEATS_PARAM "=%s", seat->token);
}

void seats_note(struct participant *p, const struct sip_msg *message)
{
	struct sip_list_walk walk = {0};
	struct slice item;

	p->takes_seats = false;
	while (sip_list_next(message, SIP_H_RECV_INFO, &walk, &item))
		if (slice_is(slice_trim(slice_first(item, slice_find(item, ';'))), SEATS_PACKAGE))
			p->takes_seats = true;
}

/* Reading --------------------------------------------------------------------------------------
 */

/* What one INFO brings, before any of it counts. */
struct brought {
	struct list seats;
	uint32_t count;
	struct room_settings settings;
	bool has_settings;
	enum room_record recording; /* what runs there */
	bool is_recording_declined; /* it was stopped there */
};

static bool read_flag(struct slice word, const struct flag *flags, size_t count, void *of)
{
	for (size_t i = 0; i < count; i++)
		if (slice_is(word, flags[i].word)) {
			*(bool *)((char *)of + flags[i].at) = true;
			return true;
		}
	return false;
}

/* "name=<escaped>": false when it is another word; an error when it does not fit. */
static bool read_text(struct slice word, const char *name, char *out, size_t cap, int *ret_err)
{
	size_t equals = slice_find(word, '='), len;
	char text[STORE_URI_MAX + 1];

	if (!slice_is(slice_first(word, equals), name) || equals == word.len)
		return false;
	*ret_err = sip_unescape(slice_from(word, equals + 1), text, sizeof(text), &len);
	if (!*ret_err)
		text_utf8(slice_make(text, len), out, cap);
	return true;
}

static bool read_gain(struct slice word, const char *name, double *gain_db, int *ret_err)
{
	size_t equals = slice_find(word, '=');
	struct slice number = slice_from(word, equals + 1);
	bool is_negative = number.len && number.p[0] == '-';
	uint32_t cdb = 0;

	if (!slice_is(slice_first(word, equals), name))
		return false;
	*ret_err = slice_u32(slice_from(number, is_negative), SEATS_GAIN_CDB_MAX, &cdb);
	if (!*ret_err && !is_negative && cdb > SEATS_GAIN_CDB_MAX / 2)
		*ret_err = -ERANGE;
	if (!*ret_err)
		*gain_db = (is_negative ? -1.0 : 1.0) * cdb / 100;
	return true;
}

static bool read_groups(struct slice word, struct seat *seat, int *ret_err)
{
	bool is_read = read_text(word, "speaks", seat->speaks, sizeof(seat->speaks), ret_err) ||
		       read_text(word, "hears", seat->hears, sizeof(seat->hears), ret_err) ||
		       read_text(word, "hears-not", seat->hears_not, sizeof(seat->hears_not),
				 ret_err);

	seat->has_groups |= is_read;
	return is_read;
}

static bool read_sound(struct slice word, struct participant_control *control)
{
	bool is_off = slice_starts(word, SLICE("no-"));

	for (size_t i = 0; i < ARRAY_LEN(seat_sounds); i++) {
		uint8_t sound = seat_sounds[i].sound;

		if (!slice_is(slice_from(word, is_off ? 3 : 0), seat_sounds[i].word))
			continue;
		control->sound_set |= sound;
		control->sound = (uint8_t)(is_off ? control->sound & ~sound
						  : control->sound | sound);
		return true;
	}
	return false;
}

/* Words that are not known are of a newer Hearth, and left out. */
static int read_seat_word(struct slice word, struct seat *seat)
{
	int err = 0;

	if (read_flag(word, seat_flags, ARRAY_LEN(seat_flags), seat) ||
	    read_sound(word, &seat->control) ||
	    read_text(word, "uri", seat->uri, sizeof(seat->uri), &err) ||
	    read_text(word, "name", seat->display_name, sizeof(seat->display_name), &err) ||
	    read_text(word, "language", seat->language, sizeof(seat->language), &err) ||
	    read_text(word, "coaches", seat->coaches, sizeof(seat->coaches), &err) ||
	    read_gain(word, "gain", &seat->control.gain_db, &err) || read_groups(word, seat, &err))
		return err;
	(void)read_gain(word, "volume", &seat->control.volume_db, &err);
	return err;
}

static bool is_token(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!((text.p[i] >= 'a' && text.p[i] <= 'z') ||
		      (text.p[i] >= '2' && text.p[i] <= '7')))
			return false;
	return text.len == SEAT_TOKEN_CHARS;
}

static struct seat *find_token(const struct list *seats, struct slice token)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, seats) {
		struct seat *seat = LIST_ENTRY(it, struct seat, in_room);

		if (secret_is_same(token, slice_of(seat->token)))
			return seat;
	}
	return NULL;
}

static int read_seat(struct slice rest, struct brought *brought)
{
	struct slice token = text_word_next(&rest), word;
	struct seat *seat;
	int err = is_token(token) && !find_token(&brought->seats, token) ? 0 : -EINVAL;

	if (err)
		return err;
	seat = calloc(1, sizeof(*seat));
	if (!seat)
		return -ENOMEM;
	list_append(&brought->seats, &seat->in_room);
	brought->count++;
	slice_cstr(token, seat->token, sizeof(seat->token));
	while (!err && (word = text_word_next(&rest)).len)
		err = read_seat_word(word, seat);
	return err;
}

static int read_line(struct slice line, struct brought *brought)
{
	struct slice kind = text_word_next(&line), word;
	int err = 0;

	if (slice_is(kind, "seat"))
		return read_seat(line, brought);
	if (!slice_is(kind, "room"))
		return 0; /* "left" is for later; others are of a newer Hearth */
	brought->has_settings = true;
	while (!err && (word = text_word_next(&line)).len)
		if (slice_is(word, "recording=mix"))
			brought->recording = ROOM_RECORD_MIX;
		else if (slice_is(word, "recording=tracks"))
			brought->recording = ROOM_RECORD_TRACKS;
		else if (slice_is(word, &RECORDING_STOPPED[1]))
			brought->is_recording_declined = true;
		else
			err = seat_settings_read(word, &brought->settings);
	return err;
}

static bool line_next(struct slice *text, struct slice *ret_line)
{
	size_t end = slice_find(*text, '\n');

	if (!text->len)
		return false;
	*ret_line = slice_trim(slice_first(*text, end));
	*text = slice_from(*text, end + 1);
	return true;
}

static int read_body(struct slice body, struct brought *brought)
{
	struct slice line;
	int err = 0;

	while (!err && line_next(&body, &line))
		err = read_line(line, brought);
	return err;
}

/* Seats -----------------------------------------------------------------------------------------
 */

static void seat_free(struct room *room, struct seat *seat)
{
	list_remove(&seat->in_room);
	if (room)
		room->seat_count--;
	free(seat);
}

/* Nobody comes on it any more; where it was handed on to is told so. */
static void seat_drop(struct room *room, struct seat *seat)
{
	struct buf line = BUF_INIT;

	if (seat->is_handed_on) {
		write_left(seat->token, &line);
		migration_on_seats(room, buf_slice(&line));
		buf_done(&line);
	}
	seat_free(room, seat);
}

static void free_list(struct room *room, struct list *seats)
{
	while (!list_empty(seats))
		seat_free(room, LIST_ENTRY(seats->next, struct seat, in_room));
}

void seats_done(struct room *room)
{
	free_list(room, &room->seats);
}

struct seat *seats_next(const struct room *room, const struct seat *after)
{
	const struct list *it = after ? after->in_room.next : room->seats.next;

	for (; it != &room->seats; it = it->next) {
		struct seat *seat = LIST_ENTRY((struct list *)it, struct seat, in_room);

		if (!seat->taken_by[0])
			return seat;
	}
	return NULL;
}

uint32_t seats_free(const struct room *room)
{
	uint32_t count = 0;

	for (struct seat *seat = NULL; (seat = seats_next(room, seat));)
		count++;
	return count;
}

bool seats_hide(const struct participant *p)
{
	if (!p->is_bridge || !p->room)
		return false;
	return p->is_outgoing || seats_next(p->room, NULL) ||
	       clock_mono_ms(&p->focus->clock) < p->room->seats_ms + SEATS_HIDE_MS;
}

/* Everybody is told in full: people behind the bridge have no number in the roster. */
static void tell(struct room *room)
{
	room->version = focus_version_next(room->focus);
	event_publish(room->focus, &(struct focus_news){.kind = FOCUS_ROOM_CHANGED, .room = room});
}

/* As long as a moderator is awaited the bridge speaks with a moderator's voice. */
static void set_role(struct participant *bridge)
{
	enum participant_role role = PARTICIPANT_GUEST;

	for (struct seat *seat = NULL; (seat = seats_next(bridge->room, seat));)
		if (seat->is_moderator)
			role = PARTICIPANT_MODERATOR;
	bridge->role = (uint8_t)role;
	participant_apply_control(bridge);
}

static void review_bridges(struct room *room)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &room->participants) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		if (p->is_bridge && !p->is_outgoing)
			set_role(p);
	}
}

/* A factory's limit stays the limit, and what it records is recorded. Whether what is recorded
 * elsewhere is recorded here is for recordings.moved to say. */
static void apply_settings(struct room *room, const struct room_settings *brought)
{
	struct room_settings settings = *brought;
	uint32_t max = room->settings.participants_max;

	if (max && (!settings.participants_max || settings.participants_max > max))
		settings.participants_max = max;
	if (!settings.record || !room->focus->config->recordings_moved)
		settings.record = room->settings.record;
	(void)focus_room_set(room->focus, room, &settings);
}

static void apply_ban(struct room *room, struct slice escaped)
{
	char uri[BAN_URI_MAX + 1];
	struct ban *ban;
	size_t len;

	if (!sip_unescape(escaped, uri, sizeof(uri), &len))
		(void)focus_ban(room->focus, room, slice_make(uri, len), &ban);
}

/* Those who left, and those who may not come: what cannot be read is left out. */
static void apply_rest(struct room *room, struct slice body, bool takes_bans)
{
	struct slice line;

	while (line_next(&body, &line)) {
		struct slice kind = text_word_next(&line);
		struct seat *seat = slice_is(kind, "left")
					    ? find_token(&room->seats, text_word_next(&line))
					    : NULL;

		if (seat && !seat->taken_by[0])
			seat_drop(room, seat);
		if (takes_bans && slice_is(kind, "ban"))
			apply_ban(room, text_word_next(&line));
	}
}

static void apply(struct participant *bridge, struct brought *brought, struct slice body)
{
	struct room *room = bridge->room;

	if (!bridge->is_bridge) {
		bridge->is_bridge = true;
		room->bridge_count++;
		/* Not the host any more, if it was: that one comes, or there is none. */
		bridge->brings_settings = bridge->is_host;
		bridge->is_host = false;
	}
	if (brought->has_settings && bridge->brings_settings)
		apply_settings(room, &brought->settings);
	if (bridge->brings_settings && brought->is_recording_declined)
		room->is_recording_declined = true;
	if (bridge->brings_settings && room->focus->config->recordings_moved)
		(void)recording_continue(room, brought->recording);
	while (!list_empty(&brought->seats)) {
		struct seat *seat = LIST_ENTRY(brought->seats.next, struct seat, in_room);

		slice_cstr(slice_of(bridge->id), seat->bridge, sizeof(seat->bridge));
		list_remove(&seat->in_room);
		list_append(&room->seats, &seat->in_room);
		room->seat_count++;
	}
	apply_rest(room, body, bridge->brings_settings);
	room->seats_ms = clock_mono_ms(&room->focus->clock);
	set_role(bridge);
	tell(room);
	migration_on_seats(room, SLICE(""));
	LOG(LOG_INFO, "room.seats", LOG_STR("room", room->id), LOG_STR("participant", bridge->id),
	    LOG_INT("brought", brought->count), LOG_INT("awaited", seats_free(room)));
}

static bool may_bring(const struct participant *p)
{
	return p->is_remote_focus &&
	       (p->is_host || p->is_trusted || (p->is_bridge && !p->is_outgoing));
}

static uint16_t serve(struct participant *p, const struct sip_msg *request)
{
	struct slice type = sip_msg_value(request, SIP_H_CONTENT_TYPE);
	struct brought brought = {.count = 0};
	int err;

	if (!p->room || p->room->call)
		return 481;
	if (!may_bring(p))
		return 403;
	if (!slice_iis(slice_trim(slice_first(type, slice_find(type, ';'))), SEATS_CONTENT_TYPE))
		return 415;
	list_init(&brought.seats);
	err = read_body(request->body, &brought);
	if (!err && p->room->seat_count + brought.count > SEATS_MAX)
		err = ERR_LIMIT;
	if (!err)
		apply(p, &brought, request->body);
	free_list(NULL, &brought.seats);
	return !err ? 200 : err == ERR_LIMIT ? 413 : err == -ENOMEM ? 500 : 400;
}

void seats_on_info(struct participant *p, struct sip_stx *tx, const struct sip_msg *request)
{
	uint16_t status = serve(p, request);
	const char *headers = NULL;

	if (status == 415)
		headers = "Accept: " SEATS_CONTENT_TYPE "\r\n";
	else if (status == 200 && p->room->recording)
		headers = SEATS_RECORDED ": yes\r\n";
	(void)sip_stx_reply(tx, &(struct sip_reply){.status = status, .headers = headers});
}

bool seats_are_recorded(const struct sip_msg *response)
{
	return slice_present(sip_msg_value_named(response, SEATS_RECORDED));
}

struct seat *seats_find(const struct room *room, struct slice request_uri)
{
	struct sip_uri uri;
	struct slice token;
	struct seat *seat;

	if (list_empty(&room->seats) || sip_uri_parse(request_uri, &uri) ||
	    !sip_uri_param(&uri, SEATS_PARAM, &token))
		return NULL;
	seat = find_token(&room->seats, token);
	return seat && !seat->taken_by[0] ? seat : NULL;
}

static struct group_names names_in(const char *text)
{
	struct group_names names = {0};
	struct slice rest = slice_of(text), word;

	while (names.count < GROUPS_MAX && (word = text_word_next(&rest)).len)
		names.names[names.count++] = word;
	return names;
}

/* Who hears whom stays as it was, or one is heard by nobody: a whisper must not become loud. */
static void take_groups(struct room *room, struct participant *p, const struct seat *seat)
{
	const struct groups_wish wish = {
		.has_speaks = true,
		.has_hears = true,
		.has_hears_not = true,
		.speaks = names_in(seat->speaks),
		.hears = names_in(seat->hears),
		.hears_not = names_in(seat->hears_not),
	};
	struct groups_fit fit;
	int err = groups_fit(room, p, &wish, &fit);

	if (!err)
		err = groups_take(room, p, &fit);
	if (!err)
		return;
	p->control.is_muted = true;
	LOG(LOG_WARN, "room.groups_not_taken", LOG_STR("room", room->id),
	    LOG_STR("participant", p->id), LOG_STR("error", err_text(err)));
}

/* The name that the others saw goes before what the phone says of itself. */
void seats_take(struct room *room, struct participant *p, struct seat *seat)
{
	slice_cstr(slice_of(p->id), seat->taken_by, sizeof(seat->taken_by));
	memcpy(p->came_on, seat->token, sizeof(p->came_on));
	memcpy(p->coaches_on, seat->coaches, sizeof(p->coaches_on));
	p->is_seated = true;
	p->control = seat->control;
	p->role = seat->is_moderator ? PARTICIPANT_MODERATOR : PARTICIPANT_GUEST;
	p->is_host = seat->is_host;
	p->is_admitted = seat->is_admitted;
	p->is_self_muted = seat->is_self_muted;
	p->is_hand_raised = seat->is_hand_raised;
	p->is_dial_in = seat->is_dial_in;
	memcpy(p->language, seat->language, sizeof(p->language));
	p->is_anonymous = p->is_anonymous || seat->is_anonymous;
	if (seat->has_groups)
		take_groups(room, p, seat);
	if (!seat->display_name[0])
		return;
	memcpy(p->shown_name, seat->display_name, sizeof(p->shown_name));
	memcpy(p->display_name, seat->display_name, sizeof(p->display_name));
}

bool participant_awaited(const struct participant *p, uint32_t at,
			 struct participant_awaited *ret_awaited)
{
	struct seat *seat = NULL;

	if (!p->room || !p->is_bridge || p->is_outgoing)
		return false;
	while ((seat = seats_next(p->room, seat)))
		if (slice_is(slice_of(p->id), seat->bridge) && at-- == 0)
			break;
	if (!seat)
		return false;
	*ret_awaited = (struct participant_awaited){
		.uri = slice_of(seat->uri),
		.display_name = slice_of(seat->display_name),
		.role = seat->is_moderator ? PARTICIPANT_MODERATOR : PARTICIPANT_GUEST,
		.is_muted = seat->control.is_muted,
	};
	return true;
}

static struct seat *seat_of(struct room *room, const struct participant *p)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &room->seats) {
		struct seat *seat = LIST_ENTRY(it, struct seat, in_room);

		if (slice_is(slice_of(p->id), seat->taken_by))
			return seat;
	}
	return NULL;
}

/* Whom the bridge carried is gone with it. */
static void drop_behind(struct room *room, const struct participant *bridge)
{
	uint32_t before = room->seat_count;
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &room->seats) {
		struct seat *seat = LIST_ENTRY(it, struct seat, in_room);

		if (slice_is(slice_of(bridge->id), seat->bridge))
			seat_drop(room, seat);
	}
	if (before != room->seat_count && !room->is_ending)
		tell(room);
}

static void resume_coaching(struct participant *coach, struct participant *coached)
{
	if (!coach->coaches_on[0] || strcmp(coach->coaches_on, coached->came_on) != 0)
		return;
	coach->coaches_on[0] = '\0';
	modes_resume(coach, coached);
}

/* Coach and coached come one after the other, in either order. */
static void review_coaches(struct participant *p)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &p->room->participants) {
		struct participant *other = LIST_ENTRY(it, struct participant, in_room);

		if (other == p || !other->is_seated || !other->connected_wall_ms)
			continue;
		resume_coaching(p, other);
		resume_coaching(other, p);
	}
}

void seats_on_joined(struct participant *p)
{
	struct room *room = p->room;
	struct seat *seat = p->is_seated ? seat_of(room, p) : NULL;

	if (!seat)
		return;
	seat_drop(room, seat);
	room->seats_ms = clock_mono_ms(&room->focus->clock);
	review_bridges(room);
	review_coaches(p);
	tell(room);
}

void seats_on_left(struct room *room, struct participant *p)
{
	struct seat *seat = p->is_seated ? seat_of(room, p) : NULL;

	if (seat)
		seat->taken_by[0] = '\0';
	if (p->is_bridge && !p->is_outgoing)
		drop_behind(room, p);
}
