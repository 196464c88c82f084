/* focus/room.c -- the life of rooms and their ordered table.
 *
 * The table is an array ordered by name: look-ups and pages of the API are a binary search, and the
 * memmove of an insertion is 80 KB at the default limit of 10,000 rooms, a few microseconds. */
#include "focus/room.h"
#include "focus/alone.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/ban.h"
#include "focus/calls_priv.h"
#include "focus/codecs.h"
#include "focus/focus_priv.h"
#include "focus/mailbox.h"
#include "focus/modes.h"
#include "focus/participant_priv.h"
#include "focus/pin.h"
#include "focus/play.h"
#include "focus/prompts.h"
#include "focus/recording.h"
#include "focus/room_priv.h"
#include "focus/schedule.h"
#include "focus/seats.h"
#include "focus/waiting.h"

enum { NOISE_GATE_OWN_DBOV = -60 };

static_assert((int)ROOM_ID_MAX <= (int)STORE_ID_MAX, "every room can be stored");
static_assert((int)ROOM_LOUDEST_MAX == (int)MEDIA_LOUDEST_MAX &&
		      (int)ROOM_CODECS_LIST_MAX == (int)CODECS_LIST_MAX &&
		      (int)ROOM_PIN_MIN == (int)PIN_MIN && (int)ROOM_PIN_MAX == (int)PIN_MAX &&
		      (int)ROOM_PIN_HASH_MAX == (int)PIN_HASH_MAX &&
		      (int)ROOM_LANGUAGE_MAX == (int)PROMPTS_NAME_MAX,
	      "what can be set of a room is what there is");

bool room_id_is_valid(struct slice id)
{
	if (id.len < 1 || id.len > ROOM_ID_MAX || id.p[0] == '.')
		return false;
	for (size_t i = 0; i < id.len; i++) {
		char c = id.p[i];
		bool is_alnum = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
				(c >= '0' && c <= '9');

		if (!is_alnum && (c == '\0' || !strchr("._~+-", c)))
			return false;
	}
	return true;
}

const char *room_origin_name(enum room_origin origin)
{
	static const char *const names[] = {
		[ROOM_BY_API] = "api",
		[ROOM_BY_CALL] = "call",
		[ROOM_BY_FACTORY] = "factory",
		[ROOM_BY_CONNECT] = "connect",
	};

	return names[origin];
}

char *room_uri(const struct focus *focus, const char *id, char out[ROOM_URI_MAX + 1])
{
	char *at = stpcpy(out, "sip:");
	size_t len = strnlen(id, ROOM_ID_MAX);

	memcpy(at, id, len); /* not by snprintf: a call asks for it five times */
	at[len] = '@';
	stpcpy(at + len + 1, focus->host);
	return out;
}

void focus_uri(const struct focus *focus, struct slice user, char ret_uri[ROOM_URI_MAX + 1])
{
	char id[ROOM_ID_MAX + 1];

	(void)room_uri(focus, slice_cstr(user, id, sizeof(id)), ret_uri);
}

bool room_uri_is(const struct focus *focus, const char *id, struct slice uri)
{
	char text[ROOM_URI_MAX + 1];
	struct sip_uri own, other;

	return !sip_uri_parse(slice_of(room_uri(focus, id, text)), &own) &&
	       !sip_uri_parse(uri, &other) && sip_uri_eq(&own, &other);
}

static uint32_t participants_max(const struct room *room)
{
	return room->settings.participants_max
		       ? room->settings.participants_max
		       : (uint32_t)room->focus->config->rooms_participants_max;
}

uint32_t room_people(const struct room *room)
{
	return room->participant_count - room->bridge_count;
}

static uint8_t loudest_of(const struct room *room)
{
	return room->settings.has_loudest ? room->settings.loudest
					  : (uint8_t)room->focus->config->rooms_loudest;
}

static int8_t noise_gate_of(const struct room *room)
{
	return room->settings.noise_gate_dbov ? room->settings.noise_gate_dbov
					      : (int8_t)room->focus->config->rooms_noise_gate_dbov;
}

static struct room_settings in_force(const struct room *room)
{
	struct room_settings settings = room->settings;

	settings.participants_max = participants_max(room);
	settings.has_loudest = true;
	settings.loudest = loudest_of(room);
	settings.noise_gate_dbov = noise_gate_of(room);
	return settings;
}

const struct room_settings *room_settings(const struct room *room)
{
	return &room->settings;
}

void room_view(const struct room *room, struct room_view *ret_view)
{
	*ret_view = (struct room_view){
		.id = slice_of(room->id),
		.origin = room->origin,
		.in_force = in_force(room),
		.participants = room_people(room),
		.is_recording = room->recording != NULL,
		.is_open = schedule_is_open(room),
		.ends_wall_ms = schedule_ends_wall_ms(room),
		.bans = room->ban_count,
		.groups = groups_of_room(room),
		.created_wall_ms = room->created_wall_ms,
		.version = room->version,
	};
	migration_view(room, &ret_view->migration);
	room_uri(room->focus, room->id, ret_view->uri);
}

/* Table -------------------------------------------------------------------------------------- */

/* Index of the first room whose name is not below `id`. */
static uint32_t table_at(const struct focus *focus, struct slice id)
{
	uint32_t low = 0, high = focus->room_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (slice_compare(slice_of(focus->rooms[middle]->id), id) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct room *focus_room_find(struct focus *focus, struct slice id)
{
	uint32_t at;

	if (!slice_present(id))
		return NULL;
	at = table_at(focus, id);
	if (at < focus->room_count && slice_is(id, focus->rooms[at]->id))
		return focus->rooms[at];
	return NULL;
}

struct room *focus_room_next(struct focus *focus, struct slice after)
{
	uint32_t at = 0;

	if (slice_present(after)) {
		at = table_at(focus, after);
		if (at < focus->room_count && slice_is(after, focus->rooms[at]->id))
			at++;
	}
	return at < focus->room_count ? focus->rooms[at] : NULL;
}

uint32_t focus_room_count(const struct focus *focus)
{
	return focus->room_count;
}

static int table_reserve(struct focus *focus)
{
	uint32_t cap = focus->room_cap ? focus->room_cap * 2 : 64;
	struct room **rooms;

	if (focus->room_count < focus->room_cap)
		return 0;
	rooms = realloc(focus->rooms, cap * sizeof(*rooms));
	if (!rooms)
		return -ENOMEM;
	focus->rooms = rooms;
	focus->room_cap = cap;
	return 0;
}

void room_put(struct room *room)
{
	struct focus *focus = room->focus;
	uint32_t at = table_at(focus, slice_of(room->id));

	assert(focus->room_count < focus->room_cap);
	memmove(focus->rooms + at + 1, focus->rooms + at,
		(focus->room_count - at) * sizeof(*focus->rooms));
	focus->rooms[at] = room;
	focus->stats.rooms = ++focus->room_count;
}

static void table_remove(struct room *room)
{
	struct focus *focus = room->focus;
	uint32_t at = table_at(focus, slice_of(room->id));

	assert(focus->rooms[at] == room);
	focus->stats.rooms = --focus->room_count;
	memmove(focus->rooms + at, focus->rooms + at + 1,
		(focus->room_count - at) * sizeof(*focus->rooms));
}

/* Store -------------------------------------------------------------------------------------- */

/* A store that fails costs the room its memory beyond a restart, not its life. */
void room_store(const struct room *room)
{
	struct store *store = room->focus->store;
	struct store_room row = {.settings = room->settings,
				 .created_wall_ms = room->created_wall_ms,
				 .has_begun = room->schedule.has_begun};
	int err;

	if (!store || room->origin != ROOM_BY_API)
		return;
	slice_cstr(slice_of(room->id), row.id, sizeof(row.id));
	err = store_room_put_post(store, &row);
	if (err)
		LOG(LOG_ERROR, "room.not_stored", LOG_STR("room", room->id),
		    LOG_STR("error", err_text(err)));
}

static void room_unstore(const struct room *room)
{
	struct store *store = room->focus->store;
	int err;

	if (!store || room->origin != ROOM_BY_API)
		return;
	err = store_room_delete_post(store, room->id);
	if (err)
		LOG(LOG_ERROR, "room.not_deleted", LOG_STR("room", room->id),
		    LOG_STR("error", err_text(err)));
}

/* Life --------------------------------------------------------------------------------------- */

static void room_on_grace_over(void *arg)
{
	room_end(arg, "empty");
}

int room_reserve(struct focus *focus)
{
	if (focus->room_count >= (uint64_t)focus->config->rooms_max)
		return ERR_ROOM_LIMIT;
	return table_reserve(focus);
}

static void room_on_moderator_gone(void *arg)
{
	room_end(arg, "moderator_left");
}

void focus_room_set_sound(const struct focus *focus, struct room_settings *settings)
{
	const struct config *config = focus->config;

	settings->has_denoise = config->rooms_denoise;
	settings->has_auto_level = config->rooms_auto_level;
	settings->has_inband_dtmf = config->rooms_inband_dtmf;
	settings->passes_dtmf = config->rooms_pass_dtmf;
	settings->has_music = config->rooms_music;
}

uint8_t room_sound(const struct room_settings *settings)
{
	return (uint8_t)((settings->has_denoise ? ROOM_SOUND_DENOISE : 0) |
			 (settings->has_auto_level ? ROOM_SOUND_LEVEL : 0) |
			 (settings->has_inband_dtmf ? ROOM_SOUND_DIGITS : 0));
}

int room_new(struct focus *focus, const struct room_make *make, struct room **ret_room)
{
	struct room *room;
	int err;

	assert(room_id_is_valid(make->id));
	err = room_reserve(focus);
	if (err)
		return err;
	room = calloc(1, sizeof(*room));
	if (!room)
		return -ENOMEM;
	room->focus = focus;
	slice_cstr(make->id, room->id, sizeof(room->id));
	room->origin = make->origin;
	room->settings = make->settings;
	if (make->origin != ROOM_BY_API)
		focus_room_set_sound(focus, &room->settings);
	random_token(focus->random, room->loop_token, LOOP_TOKEN_CHARS);
	room->grace_s = (uint32_t)focus->config->rooms_grace_s;
	room->created_wall_ms = make->created_wall_ms ? make->created_wall_ms
						      : clock_wall_ms(&focus->clock);
	room->version = focus_version_next(focus);
	list_init(&room->participants);
	list_init(&room->seats);
	list_init(&room->bans);
	roster_init(room);
	schedule_init(room);
	room->schedule.has_begun = make->has_begun;
	timer_init(&room->grace, room_on_grace_over, room);
	timer_init(&room->moderator_grace, room_on_moderator_gone, room);
	*ret_room = room;
	return 0;
}

struct room *room_free(struct room *room)
{
	if (!room)
		return NULL;
	assert(list_empty(&room->participants));
	roster_done(room);
	seats_done(room);
	schedule_done(room);
	bans_free(room);
	migration_free(room);
	timer_stop(room->focus->wheel, &room->grace);
	timer_stop(room->focus->wheel, &room->moderator_grace);
	recording_on_room_gone(room);
	plays_end(room, "room_closed");
	room_bus_drop(room);
	free(room->groups);
	free(room);
	return NULL;
}

static void room_tell(struct room *room, enum focus_event_kind kind, const char *cause)
{
	event_publish(room->focus,
		      &(struct focus_news){.kind = kind, .room = room, .cause = cause});
}

/* Nobody is in it: what comes next depends on who made it. The room may be gone afterwards. */
static void room_rest(struct room *room)
{
	struct focus *focus = room->focus;

	assert(room->participant_count == 0);
	plays_end(room, room->is_ending ? "room_closed" : "empty");
	recording_on_room_gone(room);
	room_bus_drop(room);
	schedule_on_empty(room);
	if (room->is_ending)
		return;
	/* Who is late for a room that has moved is still sent on, for a while. */
	if (slice_present(migration_target(room)) && !room->call && room->origin != ROOM_BY_API) {
		timer_start(focus->wheel, &room->grace, (uint64_t)room->grace_s * 1000);
		return;
	}
	if (room->origin == ROOM_BY_CALL || room->origin == ROOM_BY_CONNECT)
		room_end(room, "empty");
	else if (room->origin == ROOM_BY_FACTORY)
		timer_start(focus->wheel, &room->grace, (uint64_t)room->grace_s * 1000);
}

void room_publish(struct room *room)
{
	struct focus *focus = room->focus;

	room_put(room);
	focus->stats.rooms_created++;
	room_store(room);
	LOG(LOG_INFO, "room.created", LOG_STR("room", room->id),
	    LOG_STR("origin", room_origin_name(room->origin)));
	room_tell(room, FOCUS_ROOM_CREATED, NULL);
	schedule_review(room);
}

void room_changed(struct room *room, const char *cause)
{
	room->version = focus_version_next(room->focus);
	room_store(room);
	room_tell(room, FOCUS_ROOM_CHANGED, cause);
}

/* Who is being rung off needs no place any more: looked at only where there is no other. */
static bool is_full(const struct room *room)
{
	uint32_t people = room_people(room);

	if (people < participants_max(room))
		return false;
	for (const struct list *it = room->participants.next; it != &room->participants;
	     it = it->next) {
		const struct participant *p = LIST_ENTRY(it, const struct participant, in_room);

		people -= !p->is_bridge && p->state == PARTICIPANT_DISCONNECTING;
	}
	return people >= participants_max(room);
}

int room_check_entry(const struct room *room, bool is_incoming)
{
	if (is_incoming && !schedule_is_open(room))
		return ERR_ROOM_NOT_OPEN;
	if (is_incoming && room->settings.is_locked)
		return ERR_ROOM_LOCKED;
	if (is_full(room))
		return ERR_ROOM_FULL;
	return 0;
}

bool room_is_owned_by(const struct room *room, const char *user_name)
{
	return user_name[0] && strcmp(room->settings.owner, user_name) == 0;
}

bool room_has_wait(const struct room *room)
{
	return room->settings.is_lobby || room->settings.waits_for_moderator;
}

/* At -60 the mixer's own gate, which knows speech; every other threshold counts by itself. */
void room_policy_apply(const struct room *room)
{
	const struct media *media = &room->focus->media;
	int gate_dbov = noise_gate_of(room);
	struct media_room_policy policy = {
		.loudest = loudest_of(room),
		.gate_dbov = gate_dbov == NOISE_GATE_OWN_DBOV ? 0 : (uint8_t)-gate_dbov};

	if (room->bus)
		(void)media->ops->room_set(media->ctx, room->bus->room, &policy);
}

int room_bus(struct room *room, struct bus **ret_bus)
{
	bool is_new = !room->bus;
	int err = is_new ? bus_open(room->focus, &room->bus) : 0;

	if (err)
		return err;
	if (is_new)
		room_policy_apply(room);
	*ret_bus = room->bus;
	return 0;
}

void room_bus_drop(struct room *room)
{
	room->bus = bus_unref(room->bus);
}

void room_enter(struct room *room, struct participant *participant)
{
	timer_stop(room->focus->wheel, &room->grace);
	list_append(&room->participants, &participant->in_room);
	room->participant_count++;
	room->bridge_count += participant->is_bridge;
	room->focus->stats.participants++;
}

void room_leave(struct room *room, struct participant *participant)
{
	assert(room->participant_count > 0);
	list_remove(&participant->in_room);
	room->participant_count--;
	room->bridge_count -= participant->is_bridge;
	room->focus->stats.participants--;
	if (room->call)
		calls_on_left(room->call, participant);
	seats_on_left(room, participant);
	modes_on_left(room, participant);
	migration_on_left(room, participant);
	if (room->participant_count)
		return;
	room->is_recording_declined = false;
	room_rest(room);
}

void room_end(struct room *room, const char *cause)
{
	struct focus *focus = room->focus;

	timer_stop(focus->wheel, &room->grace);
	room->is_ending = true;
	while (!list_empty(&room->participants))
		participant_ring_off(
			LIST_ENTRY(room->participants.next, struct participant, in_room),
			"room_closed", PARTICIPANT_EV_DETACH);
	if (room->call) {
		calls_gone(room->call, cause);
		room_free(room);
		return;
	}
	table_remove(room);
	bans_forget(room);
	schedule_forget(room);
	room_unstore(room);
	LOG(LOG_INFO, "room.closed", LOG_STR("room", room->id), LOG_STR("cause", cause));
	room_tell(room, FOCUS_ROOM_CLOSED, cause);
	if (room->origin == ROOM_BY_API && !users_find_alias(focus->users, slice_of(room->id)))
		mailbox_forget(focus, slice_of(room->id));
	room_free(room);
}

/* Operations ---------------------------------------------------------------------------------- */

int focus_room_create(struct focus *focus, struct slice id, const struct room_settings *settings,
		      struct room **ret_room)
{
	char fresh[ROOM_ID_MAX + 1];
	struct room_make make = {.id = id, .origin = ROOM_BY_API, .settings = *settings};
	struct room *room;
	int err;

	if (focus->drain.is_on)
		return ERR_DRAINING;
	if (!slice_present(id))
		make.id = slice_of(focus_room_id_fresh(focus, fresh));
	if (!room_id_is_valid(make.id))
		return ERR_ROOM_NAME;
	if (focus_room_find(focus, make.id))
		return ERR_ROOM_EXISTS;
	err = room_new(focus, &make, &room);
	if (err)
		return err;
	room_publish(room);
	*ret_room = room;
	return 0;
}

char *focus_room_id_fresh(struct focus *focus, char out[ROOM_ID_MAX + 1])
{
	do {
		memcpy(out, FOCUS_CONF_PREFIX, sizeof(FOCUS_CONF_PREFIX));
		random_token(focus->random, out + sizeof(FOCUS_CONF_PREFIX) - 1,
			     FOCUS_CONF_ID_CHARS);
	} while (focus_room_find(focus, slice_of(out)));
	return out;
}

char *focus_room_number_fresh(struct focus *focus, char out[ROOM_NUMBER_DIGITS + 1])
{
	do
		focus_digits(focus, ROOM_NUMBER_DIGITS, out);
	while (out[0] == '0' || focus_room_find(focus, slice_of(out)));
	return out;
}

int focus_room_set(struct focus *focus, struct room *room, const struct room_settings *settings)
{
	bool is_leg_changed = room->settings.is_muted != settings->is_muted ||
			      room_sound(&room->settings) != room_sound(settings) ||
			      room->settings.are_guests_muted != settings->are_guests_muted;
	struct list *it, *tmp;

	if (room_settings_are_same(&room->settings, settings))
		return 0;
	if (room->settings.opens_wall_ms != settings->opens_wall_ms)
		room->schedule.has_begun = false; /* put off: it begins anew */
	room->settings = *settings;
	if (is_leg_changed) {
		LIST_FOREACH (it, tmp, &room->participants) {
			struct participant *p = LIST_ENTRY(it, struct participant, in_room);

			p->version = focus_version_next(focus);
			participant_apply_control(p);
		}
	}
	room_policy_apply(room);
	schedule_review(room);
	room_changed(room, NULL);
	waiting_review(room);
	alone_review(room);
	return 0;
}

int focus_room_close(struct focus *focus, struct room *room, const char *cause)
{
	(void)focus;
	room_end(room, cause);
	return 0;
}
