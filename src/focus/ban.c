/* focus/ban.c */
#include "focus/ban.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "focus/text.h"
#include "sip/uri.h"

#define ITEMS "ban"

struct ban {
	struct list node; /* in room->bans, oldest first */
	char id[BAN_ID_CHARS + 1], by[BAN_BY_MAX + 1];
	char uri[BAN_URI_MAX + 1]; /* as it was given */
	char key[BAN_URI_MAX + 1]; /* user@host, the host in small letters */
	uint64_t created_wall_ms;
};

void ban_view(const struct ban *ban, struct ban_view *ret_view)
{
	*ret_view = (struct ban_view){.id = slice_of(ban->id),
				      .uri = slice_of(ban->uri),
				      .by = ban->by,
				      .created_wall_ms = ban->created_wall_ms};
}

/* False: names nobody in particular. */
static bool key_of(struct slice text, char key[BAN_URI_MAX + 1])
{
	struct sip_uri uri;
	size_t len, host;

	if (sip_uri_parse(text, &uri) || !uri.user.len ||
	    slice_iis(uri.host, "anonymous.invalid") ||
	    uri.user.len + uri.host.len + 1 > BAN_URI_MAX ||
	    sip_unescape(uri.user, key, BAN_URI_MAX + 1, &len))
		return false;
	host = len + 1;
	key[len] = '@';
	slice_cstr(uri.host, key + host, BAN_URI_MAX + 1 - host);
	for (char *at = key + host; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return true;
}

static struct ban *find_key(const struct room *room, const char *key)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &room->bans)
		if (!strcmp(LIST_ENTRY(it, struct ban, node)->key, key))
			return LIST_ENTRY(it, struct ban, node);
	return NULL;
}

bool ban_holds(const struct room *room, const char *uri)
{
	char key[BAN_URI_MAX + 1];

	return !list_empty(&room->bans) && key_of(slice_of(uri), key) && find_key(room, key);
}

/* Store -------------------------------------------------------------------------------------- */

static bool is_kept(const struct room *room)
{
	return room->focus->store && room->origin == ROOM_BY_API;
}

static void store_put(const struct room *room, const struct ban *ban)
{
	char value[ROOM_ID_MAX + BAN_BY_MAX + BAN_URI_MAX + 32];

	if (!is_kept(room))
		return;
	(void)snprintf(value, sizeof(value), "%s %" PRIu64 " %s %s", room->id, ban->created_wall_ms,
		       ban->by[0] ? ban->by : "-", ban->uri);
	if (store_item_put_post(room->focus->store, ITEMS, ban->id, value))
		LOG(LOG_ERROR, "ban.not_stored", LOG_STR("room", room->id),
		    LOG_STR("uri", ban->uri));
}

static void on_stored(void *arg, const char *name, const char *value)
{
	struct focus *focus = arg;
	char room_id[ROOM_ID_MAX + 1], by[BAN_BY_MAX + 1];
	struct ban *ban = calloc(1, sizeof(*ban));
	struct room *room = NULL;

	if (!ban)
		return;
	if (sscanf(value, "%64s %" SCNu64 " %16s %255s", room_id, &ban->created_wall_ms, by,
		   ban->uri) == 4)
		room = focus_room_find(focus, slice_of(room_id));
	if (!room || !key_of(slice_of(ban->uri), ban->key)) {
		free(ban);
		return;
	}
	slice_cstr(slice_of(name), ban->id, sizeof(ban->id));
	slice_cstr(slice_of(strcmp(by, "-") ? by : ""), ban->by, sizeof(ban->by));
	list_append(&room->bans, &ban->node);
	room->ban_count++;
}

int bans_load(struct focus *focus)
{
	return focus->store ? store_items_load(focus->store, ITEMS, on_stored, focus) : 0;
}

/* Operations --------------------------------------------------------------------------------- */

static void ring_off(struct room *room, const char *key)
{
	char other[BAN_URI_MAX + 1];
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &room->participants) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		if (key_of(slice_of(p->uri), other) && !strcmp(other, key))
			participant_ring_off(p, "banned", PARTICIPANT_EV_KICK);
	}
}

int focus_ban(struct focus *focus, struct room *room, struct slice uri, struct ban **ret_ban)
{
	char key[BAN_URI_MAX + 1];
	struct ban *ban;

	if (!key_of(uri, key) || uri.len > BAN_URI_MAX)
		return ERR_BAD_TARGET;
	ban = find_key(room, key);
	if (!ban && room->ban_count == BANS_MAX)
		return ERR_LIMIT;
	if (!ban) {
		ban = calloc(1, sizeof(*ban));
		if (!ban)
			return -ENOMEM;
		random_token(focus->random, ban->id, BAN_ID_CHARS);
		slice_cstr(slice_of(focus->by), ban->by, sizeof(ban->by));
		text_utf8(uri, ban->uri, sizeof(ban->uri));
		slice_cstr(slice_of(key), ban->key, sizeof(ban->key));
		ban->created_wall_ms = clock_wall_ms(&focus->clock);
		list_append(&room->bans, &ban->node);
		room->ban_count++;
		store_put(room, ban);
		LOG(LOG_INFO, "room.banned", LOG_STR("room", room->id), LOG_STR("uri", ban->uri),
		    LOG_STR("by", ban->by));
	}
	*ret_ban = ban;
	ring_off(room, key);
	return 0;
}

struct ban *focus_ban_next(struct room *room, struct ban *after)
{
	struct list *next = after ? after->node.next : room->bans.next;

	return next == &room->bans ? NULL : LIST_ENTRY(next, struct ban, node);
}

struct ban *focus_ban_find(struct room *room, struct slice id)
{
	struct ban *ban = NULL;

	while ((ban = focus_ban_next(room, ban)))
		if (slice_is(id, ban->id))
			return ban;
	return NULL;
}

static void drop(struct room *room, struct ban *ban)
{
	list_remove(&ban->node);
	room->ban_count--;
	free(ban);
}

void focus_unban(struct focus *focus, struct room *room, struct ban *ban)
{
	if (is_kept(room))
		(void)store_item_delete_post(focus->store, ITEMS, ban->id);
	LOG(LOG_INFO, "room.unbanned", LOG_STR("room", room->id), LOG_STR("uri", ban->uri));
	drop(room, ban);
}

void bans_forget(struct room *room)
{
	while (!list_empty(&room->bans))
		focus_unban(room->focus, room, LIST_ENTRY(room->bans.next, struct ban, node));
}

void bans_free(struct room *room)
{
	while (!list_empty(&room->bans))
		drop(room, LIST_ENTRY(room->bans.next, struct ban, node));
}
