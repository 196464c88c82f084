/* focus/admission.c */
#include "focus/admission.h"

#include "base/addr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/migrate.h"
#include "focus/room_priv.h"
#include "focus/schedule.h"
#include "focus/seats.h"
#include "focus/text.h"
#include "sip/uri.h"

bool admission_is_our_host(const struct focus *focus, struct slice host)
{
	return admission_host_is_ours(focus->config, host);
}

bool admission_host_is_ours(const struct config *config, struct slice host)
{
	struct slice public_host = slice_of(config->sip_public_host);
	struct addr literal;

	if (!slice_trim(slice_of(config->sip_domains)).len || !addr_parse_ip(host, &literal))
		return true;
	if (public_host.len && slice_ieq(text_host(public_host), host))
		return true;
	return text_list_ihas(config->sip_domains, host);
}

bool admission_is_factory_name(struct slice id)
{
	size_t prefix = sizeof(FOCUS_CONF_PREFIX) - 1;

	if (!slice_starts(id, SLICE(FOCUS_CONF_PREFIX)) || id.len != prefix + FOCUS_CONF_ID_CHARS)
		return false;
	for (size_t i = prefix; i < id.len; i++) /* the alphabet of random_token */
		if (!((id.p[i] >= 'a' && id.p[i] <= 'z') || (id.p[i] >= '2' && id.p[i] <= '7')))
			return false;
	return true;
}

static bool has_room_for_room(const struct focus *focus)
{
	return focus->room_count < (uint64_t)focus->config->rooms_max;
}

/* A lock does not keep moderators out, and the owner is one; hours are for all. */
static int check_caller(const struct room *room)
{
	bool is_owner = room_is_owned_by(room, room->focus->caller.user_name);

	if (is_owner && !schedule_is_open(room))
		return ERR_ROOM_NOT_OPEN;
	return room_check_entry(room, !is_owner);
}

static int decide_named(struct focus *focus, struct slice request_uri, struct admission *admission)
{
	struct slice id = slice_of(admission->room_id);

	if (!room_id_is_valid(id))
		return ERR_ROOM_NAME;
	admission->room = focus_room_find(focus, id);
	if (admission->room) {
		admission->kind = ADMISSION_JOIN;
		admission->seat = seats_find(admission->room, request_uri);
		return admission->seat ? 0 : check_caller(admission->room);
	}
	if (!focus->config->rooms_autocreate || admission_is_factory_name(id))
		return ERR_ROOM_UNKNOWN;
	admission->kind = ADMISSION_CREATE;
	return has_room_for_room(focus) ? 0 : ERR_ROOM_LIMIT;
}

static int decide_user(struct focus *focus, struct slice user, struct slice request_uri,
		       struct admission *admission)
{
	struct room *room = focus_room_find(focus, user);
	bool is_factory = text_list_has(focus->config->focus_factory_users, user);
	bool has_central = focus->config->focus_central_factory[0] != '\0';

	if (room && slice_present(migration_target(room))) {
		admission->kind = ADMISSION_MOVED;
		admission->room = room;
		return 0;
	}
	if (has_central && (is_factory || focus->drain.is_on)) {
		admission->kind = ADMISSION_REDIRECT;
		return 0;
	}
	if (focus->drain.is_on)
		return ERR_DRAINING;
	if (is_factory) {
		struct slice bad;

		admission->kind = ADMISSION_FACTORY;
		/* What cannot be read was refused by config_check. */
		(void)factory_profile(focus->config->focus_factory_profiles, user,
				      &admission->profile, &bad);
		return has_room_for_room(focus) ? 0 : ERR_ROOM_LIMIT;
	}
	if (user.len > ROOM_ID_MAX)
		return ERR_ROOM_NAME;
	slice_cstr(user, admission->room_id, sizeof(admission->room_id));
	return decide_named(focus, request_uri, admission);
}

int admission_decide(struct focus *focus, struct slice request_uri, struct admission *ret_admission)
{
	struct admission admission = {.kind = ADMISSION_JOIN};
	char user[STORE_URI_MAX + 1];
	struct sip_uri uri;
	size_t len;
	int err;

	err = sip_uri_parse(request_uri, &uri);
	if (err)
		return err;
	if (!admission_is_our_host(focus, uri.host))
		return ERR_DOMAIN;
	if (!uri.user.len)
		return ERR_ROOM_UNKNOWN;
	if (sip_unescape(uri.user, user, sizeof(user), &len))
		return ERR_ROOM_NAME;
	err = decide_user(focus, slice_make(user, len), request_uri, &admission);
	if (err)
		return err;
	*ret_admission = admission;
	return 0;
}

bool admission_is_factory(const struct focus *focus, struct slice text)
{
	char user[ROOM_ID_MAX + 1];
	struct sip_uri uri;
	size_t len;

	if (sip_uri_parse(text, &uri) || !admission_is_our_host(focus, uri.host))
		return false;
	return !uri.user.len ||
	       (!sip_unescape(uri.user, user, sizeof(user), &len) &&
		text_list_has(focus->config->focus_factory_users, slice_make(user, len)));
}

int admission_find_room(struct focus *focus, struct slice text, struct room **ret_room)
{
	char user[ROOM_ID_MAX + 1];
	struct sip_uri uri;
	struct room *room;
	size_t len;
	int err;

	err = sip_uri_parse(text, &uri);
	if (err)
		return err;
	if (!admission_is_our_host(focus, uri.host))
		return ERR_DOMAIN;
	if (sip_unescape(uri.user, user, sizeof(user), &len))
		return ERR_ROOM_UNKNOWN;
	room = focus_room_find(focus, slice_make(user, len));
	if (!room)
		return ERR_ROOM_UNKNOWN;
	*ret_room = room;
	return 0;
}

int admission_check_loop(struct focus *focus, const struct sip_call *call,
			 const struct sip_msg *request, const char *room_id)
{
	const struct room *room = focus_room_find(focus, slice_of(room_id));
	bool is_own = sip_call_is_remote_focus(call) &&
		      room_uri_is(focus, room_id, sip_call_remote_uri(call));

	return is_own || (room && loops_has(room, request)) ? ERR_LOOP : 0;
}
