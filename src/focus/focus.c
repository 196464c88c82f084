/* focus/focus.c -- the wiring: what the focus is made of, and who is called by whom. */
#include "focus/focus.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/log.h"
#include "focus/announcer.h"
#include "focus/ban.h"
#include "focus/calls_priv.h"
#include "focus/focus_priv.h"
#include "focus/gate.h"
#include "focus/mailbox.h"
#include "focus/participant_priv.h"
#include "focus/play.h"
#include "focus/recording.h"
#include "focus/refer_in.h"
#include "focus/registrar.h"
#include "focus/room_priv.h"
#include "focus/schedule.h"
#include "focus/spoken_name.h"
#include "focus/text.h"
#include "focus/trunks.h"
#include "focus/watched.h"

static_assert((size_t)PACKAGE_COUNT <= ARRAY_LEN(((struct focus_stats *)0)->subscriptions),
	      "one gauge each");
static_assert((size_t)FOCUS_REJECT_COUNT <= ARRAY_LEN(((struct focus_stats *)0)->rejected),
	      "one counter each");

enum { TAGS_SPARE = 4096 }; /* legs of calls that have ended and still close */

uint64_t focus_version_next(struct focus *focus)
{
	return ++focus->version;
}

/* The first listener's address; a wildcard is replaced by the address of the default route. */
static void host_of_listener(struct focus *focus)
{
	struct slice list = slice_of(focus->config->sip_listen), first;
	char text[ADDR_TEXT_MAX];
	struct addr own, anybody;
	uint16_t port = 5060;

	(void)addr_parse(SLICE("127.0.0.1:5060"), &own);
	if (text_list_next(&list, &first))
		(void)addr_parse(slice_from(first, slice_find(first, ':') + 1), &own);
	port = addr_port(&own);
	(void)addr_parse(SLICE("192.0.2.1:5060"), &anybody);
	if (addr_is_any(&own) && addr_local_for(&anybody, &own))
		(void)addr_parse_ip(SLICE("127.0.0.1"), &own);
	if (port == 5060)
		snprintf(focus->host, sizeof(focus->host), "%s", addr_host_text(&own, text));
	else
		snprintf(focus->host, sizeof(focus->host), "%s:%u", addr_host_text(&own, text),
			 port);
}

/* The host of conference URIs: a name that phones can resolve is better than an address (SBCs map
 * conferences by it), and an address is better than none. */
static void host_refresh(struct focus *focus)
{
	struct slice list = slice_of(focus->config->sip_domains), first = SLICE_NONE;
	struct slice host = slice_of(focus->config->sip_public_host);

	(void)text_list_next(&list, &first);
	if (!host.len)
		host = first;
	if (host.len && host.len <= FOCUS_HOST_MAX)
		slice_cstr(host, focus->host, sizeof(focus->host));
	else
		host_of_listener(focus);
}

static int make_auth(struct focus *focus)
{
	int err = users_new(focus->store, focus->clock, &focus->users);

	if (!err)
		err = auth_new(&(struct auth_params){.clock = focus->clock,
						     .random = focus->random,
						     .config = focus->config,
						     .users = focus->users,
						     .net = focus->net},
			       &focus->auth);
	return err;
}

/* Behind a trunk a REFER may cost money, and whoever gets into a room may send one. */
static void warn_of_relay(const struct config *config)
{
	if (config->sip_outbound_proxy[0] && strcmp(config->sip_auth, "off") == 0 &&
	    (strcmp(config->focus_refer, "dialog") == 0 ||
	     strcmp(config->focus_refer, "open") == 0))
		LOG(LOG_WARN, "config.callers_can_dial_out", LOG_STR("key", "focus.refer"),
		    LOG_STR("value", config->focus_refer),
		    LOG_STR("hint", "who is in a conference can have us call through "
				    "sip.outbound_proxy by REFER: set it to rights or off"));
}

int focus_new(const struct focus_params *params, struct focus **ret_focus)
{
	struct focus *focus = calloc(1, sizeof(*focus));
	int err;

	if (!focus)
		return -ENOMEM;
	focus->wheel = params->wheel;
	focus->clock = params->clock;
	focus->random = params->random;
	focus->config = params->config;
	focus->store = params->store;
	focus->net = params->net;
	focus->trace = params->trace;
	focus->hep = params->hep;
	/* An ETag from before a restart must not match something else after it. */
	focus->version = clock_wall_ms(&focus->clock);
	focus->stats.rejected_count = FOCUS_REJECT_COUNT;
	list_init(&focus->participants);
	list_init(&focus->subscribers);
	list_init(&focus->refers);
	list_init(&focus->calls);
	recordings_init(focus);
	list_init(&focus->plays);
	list_init(&focus->names);
	err = hash_new(participant_has_id, &focus->by_id);
	if (!err)
		err = hash_new(calls_has_id, &focus->calls_by_id);
	if (!err)
		err = hash_new(watched_has_key, &focus->watched);
	if (!err)
		err = mailboxes_new(&focus->mailboxes);
	if (!err)
		err = forwards_new(&focus->forwards);
	if (!err)
		err = numbers_new(&focus->numbers);
	if (!err)
		err = callbacks_new(focus, &focus->callbacks);
	if (!err)
		err = trunks_new(focus, &focus->trunks);
	if (!err)
		err = location_new(
			&(struct location_params){
				.wheel = focus->wheel,
				.clock = focus->clock,
				.random = focus->random,
				.net = focus->net,
				.on_change = registrar_on_change,
				.arg = focus,
			},
			&focus->location);
	if (!err)
		err = handle_table_new((uint32_t)params->config->sip_calls_max + TAGS_SPARE,
				       &focus->tags);
	if (!err)
		err = make_auth(focus);
	if (!err)
		err = lockout_new(&focus->lockout);
	if (!err)
		err = announcer_load(focus);
	if (err) {
		focus_free(focus);
		return err;
	}
	host_refresh(focus);
	warn_of_relay(focus->config);
	*ret_focus = focus;
	return 0;
}

struct focus *focus_free(struct focus *focus)
{
	if (!focus)
		return NULL;
	drain_done(focus);
	plays_free(focus);
	while (!list_empty(&focus->participants))
		participant_abandon(
			LIST_ENTRY(focus->participants.next, struct participant, in_focus));
	notifier_abandon(focus);
	refer_in_abandon(focus);
	recordings_free(focus);
	spoken_names_free(focus);
	calls_abandon(focus);
	for (uint32_t i = 0; i < focus->room_count; i++)
		room_free(focus->rooms[i]);
	free(focus->rooms);
	location_free(focus->location);
	mailboxes_free(focus->mailboxes);
	auth_free(focus->auth);
	users_free(focus->users);
	forwards_free(focus->forwards);
	numbers_free(focus->numbers);
	callbacks_free(focus->callbacks);
	trunks_free(focus->trunks);
	hash_free(focus->by_id);
	hash_free(focus->calls_by_id);
	hash_free(focus->watched);
	handle_table_free(focus->tags);
	lockout_free(focus->lockout);
	announcer_free(focus);
	free(focus);
	return NULL;
}

struct sip_ua_handlers focus_ua_handlers(struct focus *focus)
{
	return (struct sip_ua_handlers){
		.on_invite = gate_on_invite,
		.on_request = gate_on_request,
		.arg = focus,
	};
}

void focus_on_media_event(void *arg, const struct media_event *event)
{
	struct focus *focus = arg;
	struct participant *p = handle_find(focus->tags, event->tag);

	if (event->kind == MEDIA_RECORD_ENDED) {
		if (!spoken_names_on_media_event(focus, event))
			recordings_on_media_event(focus, event);
		return;
	}
	if (event->kind == MEDIA_PLAY_ENDED && plays_on_media_event(focus, event))
		return;
	if (p && (event->kind == MEDIA_PLAY_ENDED || p->leg.media == event->leg))
		participant_on_media_event(p, event);
}

static void on_stored_room(void *arg, const struct store_room *stored)
{
	struct focus *focus = arg;
	struct room_make make = {
		.id = slice_of(stored->id),
		.origin = ROOM_BY_API,
		.settings = stored->settings,
		.created_wall_ms = stored->created_wall_ms,
		.has_begun = stored->has_begun,
	};
	struct room *room;
	int err = ERR_ROOM_NAME;

	if (room_id_is_valid(make.id))
		err = focus_room_find(focus, make.id) ? ERR_ROOM_EXISTS
						      : room_new(focus, &make, &room);
	if (err) {
		LOG(LOG_ERROR, "room.not_restored", LOG_STR("room", stored->id),
		    LOG_STR("error", err_text(err)));
		return;
	}
	room_put(room);
	schedule_review(room);
}

int focus_attach(struct focus *focus, struct sip_ua *ua, struct media media)
{
	int err;

	focus->ua = ua;
	focus->media = media;
	err = users_load(focus->users);
	auth_reload(focus->auth);
	if (!err)
		err = sip_ua_set_packages(ua, FOCUS_PACKAGES);
	if (!err)
		err = sip_ua_set_packages_in_invites(ua, FOCUS_PACKAGES_IN_INVITES);
	if (!err)
		err = sip_ua_set_info_packages(ua, SEATS_PACKAGE);
	sip_ua_set_locate(ua, registrar_locate, focus);
	if (!err && focus->store)
		err = store_rooms_load(focus->store, on_stored_room, focus);
	spoken_names_sweep(focus);
	if (!err)
		err = bans_load(focus);
	if (!err)
		err = schedules_load(focus);
	if (!err)
		err = own_keys_load(focus);
	if (!err)
		err = registrar_load(focus);
	if (!err)
		err = forwards_load(focus);
	if (!err)
		err = recordings_load(focus);
	if (!err)
		err = mailboxes_load(focus);
	if (!err)
		err = numbers_load(focus);
	if (!err)
		trunks_reload(focus);
	return err;
}

void focus_acting(struct focus *focus, const char *by)
{
	slice_cstr(slice_of(by), focus->by, sizeof(focus->by));
}

/* What plays now has its own copies of the paths. */
void focus_reload(struct focus *focus)
{
	host_refresh(focus);
	warn_of_relay(focus->config);
	auth_reload(focus->auth);
	(void)announcer_load(focus);
	for (uint32_t i = 0; i < focus->room_count; i++)
		room_policy_apply(focus->rooms[i]);
	trunks_reload(focus);
}

const char *focus_reject_name(enum focus_reject reason)
{
	static const char *const names[FOCUS_REJECT_COUNT] = {
		[FOCUS_REJECT_ROOM_UNKNOWN] = "room_unknown",
		[FOCUS_REJECT_ROOM_FULL] = "room_full",
		[FOCUS_REJECT_ROOM_LOCKED] = "room_locked",
		[FOCUS_REJECT_ROOM_LIMIT] = "room_limit",
		[FOCUS_REJECT_ROOM_NAME] = "room_name",
		[FOCUS_REJECT_DOMAIN] = "domain",
		[FOCUS_REJECT_DRAINING] = "draining",
		[FOCUS_REJECT_NO_PORTS] = "no_ports",
		[FOCUS_REJECT_NO_LEGS] = "no_legs",
		[FOCUS_REJECT_MEDIA] = "media",
		[FOCUS_REJECT_ROOM_NOT_OPEN] = "room_not_open",
		[FOCUS_REJECT_BANNED] = "banned",
		[FOCUS_REJECT_LOOP] = "loop",
		[FOCUS_REJECT_JOIN] = "join",
		[FOCUS_REJECT_SIPS] = "sips",
		[FOCUS_REJECT_UNAUTHORIZED] = "unauthorized",
		[FOCUS_REJECT_FORBIDDEN] = "forbidden",
		[FOCUS_REJECT_INTERNAL] = "internal",
	};

	assert(reason < FOCUS_REJECT_COUNT);
	return names[reason];
}

const struct focus_stats *focus_stats(const struct focus *focus)
{
	return &focus->stats;
}

struct sip_ua *focus_ua(struct focus *focus)
{
	return focus->ua;
}

int focus_pin_hash(struct focus *focus, struct slice pin, char ret_hash[PIN_HASH_MAX + 1])
{
	return pin_hash(focus->random, pin, ret_hash);
}

char *focus_digits(struct focus *focus, size_t digits, char *out)
{
	for (size_t i = 0; i < digits; i++)
		out[i] = (char)('0' + random_below(focus->random, 10));
	out[digits] = '\0';
	return out;
}

bool focus_has_language(const struct focus *focus, struct slice language)
{
	return text_list_has(focus->config->prompts_languages, language);
}

struct media *focus_media(struct focus *focus)
{
	return &focus->media;
}

struct users *focus_users(struct focus *focus)
{
	return focus->users;
}

void focus_user_deleted(struct focus *focus, struct slice name)
{
	registrar_forget(focus, name, "user_deleted");
	watched_on_user_gone(focus, name);
	mailbox_forget(focus, name);
}

struct auth *focus_auth(struct focus *focus)
{
	return focus->auth;
}

struct store *focus_store(struct focus *focus)
{
	return focus->store;
}

const struct config *focus_config(const struct focus *focus)
{
	return focus->config;
}

const struct clock *focus_clock(const struct focus *focus)
{
	return &focus->clock;
}
