/* focus/roster_notify.c -- what changed since, for each subscription.
 *
 * Every event of the focus has a number; a participant keeps that of the last one about it, a
 * subscription that of the last one it was told of. So a partial document is: whoever has a higher
 * number than the subscription, and those who left since. Nothing is queued per subscriber, and
 * subscribers that are told the same share the text. */
#include "focus/roster_notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/calls_priv.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "focus/roster_doc.h"
#include "focus/seats.h"
#include "focus/text.h"

enum { ENTITY_MAX = STORE_URI_MAX + PARTICIPANT_ID_MAX + 8 };

struct roster_sub {
	struct subscriber base;  /* seen: event that the last document told */
	char resume[ENTITY_MAX]; /* users behind this one were not told yet; "" none */
};

static struct room *room_of(const struct roster_sub *sub)
{
	return CONTAINER_OF(sub->base.topic, struct room, roster.topic);
}

/* One who has left. */
struct roster_gone {
	uint64_t seq, left_wall_ms;
	char entity[ENTITY_MAX], id[PARTICIPANT_ID_MAX + 1];
	char cause[PARTICIPANT_CAUSE_MAX + 1];
	bool is_outgoing;
};

/* Entries ------------------------------------------------------------------------------------- */

static struct slice entity_of(const struct participant *p, char out[ENTITY_MAX])
{
	if (p->is_anonymous)
		snprintf(out, ENTITY_MAX, "sip:anonymous-%s@anonymous.invalid", p->id);
	else
		snprintf(out, ENTITY_MAX, "%s", p->uri);
	return slice_of(out);
}

/* By whomever: the others do not hear it. */
static bool is_silenced(const struct participant *p)
{
	return p->control.is_muted || p->is_self_muted || participant_is_room_muted(p);
}

static struct slice status_of(const struct participant *p)
{
	if (p->state == PARTICIPANT_CONNECTED && is_silenced(p))
		return SLICE("muted-via-focus");
	return slice_of(participant_state_name((enum participant_state)p->state));
}

/* RFC 4575 5.7.5 */
static const char *disconnection_of(const char *cause)
{
	static const struct {
		const char *cause, *method;
	} table[] = {
		{"bye", "departed"},       {"kicked", "booted"},     {"replaced", "departed"},
		{"room_closed", "booted"}, {"busy", "busy"},         {"moved", "departed"},
		{"banned", "booted"},      {"time_limit", "booted"},
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (slice_is(slice_of(cause), table[i].cause))
			return table[i].method;
	return "failed";
}

static void write_endpoint(struct buf *out, const struct participant *p)
{
	char entity[ENTITY_MAX], unique[ENTITY_MAX + PARTICIPANT_ID_MAX + 8];
	bool is_muted = is_silenced(p);

	snprintf(unique, sizeof(unique), SLICE_FMT ";gr=%s", SLICE_ARG(entity_of(p, entity)),
		 p->id);
	roster_endpoint_write(
		out, &(struct roster_endpoint){
			     .entity = slice_of(unique),
			     .status = status_of(p),
			     .is_dialed_out = p->is_outgoing,
			     .is_sending = p->leg.params.is_receiving && !is_muted,
			     .is_receiving = p->leg.params.is_sending && !p->control.is_deaf,
			     .has_media = p->connected_wall_ms != 0,
			     .is_muted = is_muted,
			     .is_talking = p->is_talking,
			     .joined_wall_ms = p->connected_wall_ms,
			     .referred_by = slice_of(p->is_referrer_hidden ? "" : p->referred_by),
		     });
}

static void write_gone(struct buf *out, const struct roster_gone *gone)
{
	char unique[ENTITY_MAX + PARTICIPANT_ID_MAX + 8];

	snprintf(unique, sizeof(unique), "%s;gr=%s", gone->entity, gone->id);
	roster_user_open(out, &(struct roster_user){.entity = slice_of(gone->entity),
						    .state = ROSTER_DELETED});
	roster_endpoint_write(out, &(struct roster_endpoint){
					   .entity = slice_of(unique),
					   .is_deleted = true,
					   .status = SLICE("disconnected"),
					   .is_dialed_out = gone->is_outgoing,
					   .disconnection = disconnection_of(gone->cause),
					   .left_wall_ms = gone->left_wall_ms,
					   .reason = slice_of(gone->cause),
				   });
	roster_user_close(out);
}

/* Users --------------------------------------------------------------------------------------- */

static int by_entity(const void *a, const void *b)
{
	char one[ENTITY_MAX], two[ENTITY_MAX];
	const struct participant *p = *(struct participant *const *)a;
	const struct participant *q = *(struct participant *const *)b;

	if (!p->is_anonymous && !q->is_anonymous)
		return strcmp(p->uri, q->uri);
	return strcmp(entity_of(p, one).p, entity_of(q, two).p);
}

/* Those with the same entity stand together: one user with several endpoints. */
static struct participant **sorted(const struct room *room, uint32_t *ret_count)
{
	struct participant **all = calloc(room->participant_count + 1,
					  sizeof(struct participant *));
	uint32_t count = 0;

	if (!all)
		return NULL;
	for (const struct list *it = room->participants.next; it != &room->participants;
	     it = it->next) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		if (!seats_hide(p))
			all[count++] = p;
	}
	*ret_count = count;
	qsort(all, count, sizeof(struct participant *), by_entity);
	return all;
}

static uint32_t group_end(struct participant *const *all, uint32_t from, uint32_t count)
{
	uint32_t to = from + 1;

	while (to < count && by_entity(&all[from], &all[to]) == 0)
		to++;
	return to;
}

static void write_user(struct buf *out, struct participant *const *all, uint32_t from, uint32_t to)
{
	const struct participant *p = all[from];
	char entity[ENTITY_MAX];
	bool is_host = false;

	for (uint32_t i = from; i < to; i++)
		is_host |= all[i]->is_host || all[i]->role == PARTICIPANT_MODERATOR;
	roster_user_open(out, &(struct roster_user){
				      .entity = entity_of(p, entity),
				      .display_text = p->is_anonymous ? SLICE("Anonymous")
								      : slice_of(p->display_name),
				      .is_host = is_host,
				      .is_focus = p->is_remote_focus,
			      });
	for (uint32_t i = from; i < to; i++)
		write_endpoint(out, all[i]);
	roster_user_close(out);
}

/* What a document tells. */
struct span {
	uint64_t from;      /* changes behind this event; 0: everybody */
	const char *resume; /* and all users behind this one; NULL none */
	size_t max;         /* octets; 0: no limit */
};

static bool is_told(struct participant *const *all, uint32_t from, uint32_t to,
		    const struct span *span)
{
	char entity[ENTITY_MAX];

	if (!span->from && !span->resume)
		return true;
	if (span->resume && strcmp(entity_of(all[from], entity).p, span->resume) > 0)
		return true;
	for (uint32_t i = from; i < to; i++)
		if (span->from && all[i]->roster_seq > span->from)
			return true;
	return false;
}

static bool is_present(struct participant *const *all, uint32_t count, const char *entity)
{
	char other[ENTITY_MAX];

	for (uint32_t i = 0; i < count; i++)
		if (strcmp(entity_of(all[i], other).p, entity) == 0)
			return true;
	return false;
}

static const struct roster_gone *gone_at(const struct roster *roster, uint32_t at)
{
	return &roster->gone[at % ROSTER_GONE_MAX];
}

static bool is_gone_again(const struct roster *roster, uint32_t at)
{
	for (uint32_t i = at + 1; i < roster->gone_count; i++)
		if (strcmp(gone_at(roster, i)->entity, gone_at(roster, at)->entity) == 0)
			return true;
	return false;
}

/* Those who are shown, in the order of their entities. */
struct crowd {
	struct participant **all;
	uint32_t count;
};

static void write_all_gone(struct buf *out, const struct room *room, const struct crowd *crowd,
			   uint64_t from)
{
	const struct roster *roster = &room->roster;
	uint32_t oldest = roster->gone_count > ROSTER_GONE_MAX
				  ? roster->gone_count - ROSTER_GONE_MAX
				  : 0;

	for (uint32_t i = oldest; i < roster->gone_count; i++)
		if (gone_at(roster, i)->seq > from && !is_gone_again(roster, i) &&
		    !is_present(crowd->all, crowd->count, gone_at(roster, i)->entity))
			write_gone(out, gone_at(roster, i));
}

static void write_awaited_one(struct buf *out, struct room *room, const struct seat *seat,
			      const char *entity)
{
	struct participant *bridge = focus_participant_find(room->focus, room,
							    slice_of(seat->bridge));
	char unique[ENTITY_MAX + 16];

	snprintf(unique, sizeof(unique), "%s;gr=bridge", entity);
	roster_user_open(out,
			 &(struct roster_user){
				 .entity = slice_of(entity),
				 .display_text = seat->is_anonymous ? SLICE("Anonymous")
								    : slice_of(seat->display_name),
				 .is_host = seat->is_host || seat->is_moderator,
				 .behind = bridge ? slice_of(bridge->uri) : SLICE_NONE,
			 });
	roster_endpoint_write(out, &(struct roster_endpoint){
					   .entity = slice_of(unique),
					   .status = SLICE("connected"),
					   .is_muted = seat->control.is_muted,
				   });
	roster_user_close(out);
}

/* Who is awaited from another focus is heard over the bridge to it (RFC 4575 5.6.5). */
static void write_awaited(struct buf *out, struct room *room, const struct crowd *crowd)
{
	uint32_t at = 0;

	for (struct seat *seat = NULL; (seat = seats_next(room, seat)); at++) {
		char entity[ENTITY_MAX];

		if (seat->is_anonymous)
			snprintf(entity, sizeof(entity),
				 "sip:anonymous-bridge-%u@anonymous.invalid", at);
		else
			snprintf(entity, sizeof(entity), "%s", seat->uri);
		if (!is_present(crowd->all, crowd->count, entity))
			write_awaited_one(out, room, seat, entity);
	}
}

/* The users of a document. Writes the entity of the last one to `ret_resume` when it was cut. */
static int write_users(struct buf *out, struct room *room, const struct span *span,
		       char ret_resume[ENTITY_MAX])
{
	struct crowd crowd;

	crowd.all = sorted(room, &crowd.count);
	if (!crowd.all)
		return -ENOMEM;
	ret_resume[0] = '\0';
	if (span->from)
		write_all_gone(out, room, &crowd, span->from);
	for (uint32_t at = 0, end; at < crowd.count && !ret_resume[0]; at = end) {
		end = group_end(crowd.all, at, crowd.count);
		if (!is_told(crowd.all, at, end, span))
			continue;
		write_user(out, crowd.all, at, end);
		if (span->max && out->len > span->max && end < crowd.count)
			(void)entity_of(crowd.all[at], ret_resume);
	}
	if (!span->from && !ret_resume[0])
		write_awaited(out, room, &crowd);
	free(crowd.all);
	return buf_err(out);
}

/* Documents ------------------------------------------------------------------------------------ */

/* A version gap of our own: more has happened than the room remembers (4.3). */
static bool has_missed(const struct roster_sub *sub)
{
	const struct roster *roster = &room_of(sub)->roster;

	return !sub->base.seen || roster->all_seq > sub->base.seen ||
	       (roster->gone_count > ROSTER_GONE_MAX &&
		gone_at(roster, roster->gone_count)->seq > sub->base.seen);
}

static uint32_t count_shown(const struct room *room)
{
	uint32_t count = room->participant_count + seats_free(room);

	for (const struct list *it = room->participants.next;
	     room->bridge_count && it != &room->participants; it = it->next)
		count -= seats_hide(LIST_ENTRY(it, const struct participant, in_room));
	return count;
}

static struct roster_head head_of(const struct roster_sub *sub, enum roster_state state,
				  char uri[ROOM_URI_MAX + 1])
{
	const struct room *room = room_of(sub);
	struct room_view view;

	room_view(room, &view);
	return (struct roster_head){
		.entity = slice_of(room_uri(room->focus, room->id, uri)),
		.state = state,
		.version = sub->base.version,
		.display_text = slice_of(room->id),
		.users_max = view.in_force.participants_max,
		.users = count_shown(room),
		.is_locked = room->settings.is_locked,
	};
}

/* The users from the cache when the last document told the same. */
static int users_of(const struct roster_sub *sub, const struct span *span, struct slice *ret_users)
{
	struct roster *roster = &room_of(sub)->roster;
	uint64_t now = room_of(sub)->focus->event_seq;
	char resume[ENTITY_MAX];
	int err;

	if (roster->cache.len && roster->cache_from == span->from && roster->cache_to == now) {
		*ret_users = buf_slice(&roster->cache);
		return 0;
	}
	buf_clear(&roster->cache);
	err = write_users(&roster->cache, room_of(sub), &(struct span){.from = span->from}, resume);
	if (err) {
		buf_done(&roster->cache);
		return err;
	}
	roster->cache_from = span->from;
	roster->cache_to = now;
	*ret_users = buf_slice(&roster->cache);
	return 0;
}

static int write_body(struct roster_sub *sub, struct buf *out, const struct span *span)
{
	char resume[ENTITY_MAX] = "";
	struct buf part = BUF_INIT;
	struct slice users;
	int err = 0;

	if (!span->resume) {
		err = users_of(sub, span, &users);
		if (err)
			return err;
	}
	if (span->resume || (sub->base.is_limited && users.len > ROSTER_DATAGRAM_MAX)) {
		err = write_users(&part, room_of(sub), span, resume);
		users = buf_slice(&part);
	}
	if (!err)
		buf_addslice(out, users);
	buf_done(&part);
	memcpy(sub->resume, resume, sizeof(sub->resume));
	return err;
}

static int write_document(struct subscriber *subscriber, bool is_full, struct buf *out)
{
	struct roster_sub *sub = CONTAINER_OF(subscriber, struct roster_sub, base);
	char uri[ROOM_URI_MAX + 1], resume[ENTITY_MAX];
	enum roster_state state = is_full || has_missed(sub) ? ROSTER_FULL : ROSTER_PARTIAL;
	struct roster_head head = head_of(sub, state, uri);
	struct span span = {
		.from = state == ROSTER_FULL ? 0 : subscriber->seen,
		.max = subscriber->is_limited ? ROSTER_DATAGRAM_MAX : 0,
	};
	int err;

	memcpy(resume, sub->resume, sizeof(resume));
	if (state == ROSTER_PARTIAL && resume[0])
		span.resume = resume;
	roster_head_write(out, &head);
	err = write_body(sub, out, &span);
	roster_tail_write(out, &head);
	subscriber->seen = room_of(sub)->focus->event_seq;
	return err;
}

static void write_end(struct subscriber *subscriber, struct buf *out)
{
	const struct roster_sub *sub = CONTAINER_OF(subscriber, struct roster_sub, base);
	char uri[ROOM_URI_MAX + 1];
	struct roster_head head = head_of(sub, ROSTER_DELETED, uri);

	roster_head_write(out, &head);
}

/* What did not fit into the datagram follows. */
static void on_told(struct subscriber *subscriber)
{
	if (CONTAINER_OF(subscriber, struct roster_sub, base)->resume[0])
		sip_sub_changed(subscriber->sub);
}

static const struct package package = {
	.kind = PACKAGE_CONFERENCE,
	.content_type = ROSTER_CONTENT_TYPE,
	.contact_params = "isfocus",
	.subscriber_size = sizeof(struct roster_sub),
	.write = write_document,
	.write_end = write_end,
	.on_told = on_told,
};

/* News ------------------------------------------------------------------------------------------
 */

static void remember_gone(struct room *room, const struct participant *p, uint64_t seq)
{
	struct roster *roster = &room->roster;
	struct roster_gone *gone;
	char entity[ENTITY_MAX];

	if (!roster->gone)
		roster->gone = calloc(ROSTER_GONE_MAX, sizeof(*roster->gone));
	if (!roster->gone) {
		roster->all_seq = seq; /* what cannot be remembered is told in full */
		return;
	}
	gone = &roster->gone[roster->gone_count++ % ROSTER_GONE_MAX];
	*gone = (struct roster_gone){
		.seq = seq,
		.left_wall_ms = p->ended_wall_ms,
		.is_outgoing = p->is_outgoing,
	};
	(void)entity_of(p, gone->entity);
	slice_cstr(slice_of(p->id), gone->id, sizeof(gone->id));
	slice_cstr(slice_of(p->cause), gone->cause, sizeof(gone->cause));
	/* Another endpoint of the same user stays: its user is told anew, without this one. */
	for (const struct list *it = room->participants.next; it != &room->participants;
	     it = it->next) {
		struct participant *other = LIST_ENTRY(it, struct participant, in_room);
		char name[ENTITY_MAX];

		if (other != p && slice_is(entity_of(other, name), entity_of(p, entity).p))
			other->roster_seq = seq;
	}
}

static void tell_all(struct room *room)
{
	timer_stop(room->focus->wheel, &room->roster.talk);
	topic_changed(&room->roster.topic);
}

static void on_talk(void *arg)
{
	tell_all(arg);
}

void roster_on_news(struct focus *focus, const struct focus_news *news, uint64_t seq)
{
	struct room *room = news->room;
	struct participant *p = news->participant;

	if (room->call || news->kind == FOCUS_DTMF || news->kind == FOCUS_MESSAGE ||
	    news->kind == FOCUS_ROOM_CLOSED || news->kind == FOCUS_ROOM_MIGRATION)
		return;
	if (p)
		p->roster_seq = seq;
	else
		room->roster.all_seq = seq;
	if (news->kind == FOCUS_PARTICIPANT_LEFT && room->roster.topic.count && !seats_hide(p))
		remember_gone(room, p, seq);
	if (!room->roster.topic.count)
		return;
	if (news->kind != FOCUS_PARTICIPANT_TALKING) {
		tell_all(room);
		return;
	}
	/* Who talks changes all the time: it comes with the next change, or after a while. */
	if (focus->config->focus_roster_talking_s && !timer_running(&room->roster.talk))
		timer_start(focus->wheel, &room->roster.talk,
			    (uint64_t)focus->config->focus_roster_talking_s * 1000);
}

/* Life ------------------------------------------------------------------------------------------
 */

void roster_init(struct room *room)
{
	topic_init(&room->roster.topic, room->focus, &package);
	timer_init(&room->roster.talk, on_talk, room);
}

static void roster_free(struct room *room)
{
	timer_stop(room->focus->wheel, &room->roster.talk);
	free(room->roster.gone);
	room->roster.gone = NULL;
	buf_done(&room->roster.cache);
}

void roster_done(struct room *room)
{
	topic_end(&room->roster.topic, "noresource");
	roster_free(room);
}
