/* focus/migrate.c */
#include "focus/migrate.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/calls_priv.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/recording.h"
#include "focus/room_priv.h"
#include "focus/seats.h"
#include "focus/text.h"
#include "sip/refer.h"

enum move_state {
	MOVE_PLANNED,
	MOVE_TOLD, /* the other focus is being told of it */
	MOVE_ASKED /* REFER is sent */
};

/* One party that is to go. */
struct move {
	struct list in_migration;
	struct migration *migration;
	enum move_state state;
	struct sip_referring *referring;
	char participant[PARTICIPANT_ID_MAX + 1];
};

/* One who came in between. */
struct waiting {
	struct list in_migration;
	struct migration *migration;
	struct sip_call *call;
	char named[PARTICIPANT_ID_MAX + 1];
};

struct migration {
	struct room *room;
	enum migration_state state;
	char to[STORE_URI_MAX + 1], uri[STORE_URI_MAX + 1];
	char bridge[PARTICIPANT_ID_MAX + 1];
	struct list moves, waiting;
	uint32_t moved, pending, carried, waiting_count;
	/* What the other focus is told (focus/seats.h): one INFO after the other. */
	bool is_room_told, is_telling, is_told_nothing;
	bool is_recorded_there, is_counted;
	enum room_record recorded; /* here, until it went on there */
	struct buf left;           /* lines of those who left before they moved */
};

const char *migration_state_name(enum migration_state state)
{
	static const char *const names[MIGRATION_STATE_COUNT] = {
		[MIGRATION_NONE] = "none",     [MIGRATION_DIALLING] = "dialling",
		[MIGRATION_MOVING] = "moving", [MIGRATION_DONE] = "done",
		[MIGRATION_FAILED] = "failed",
	};

	assert((unsigned)state < MIGRATION_STATE_COUNT);
	return names[state];
}

void migration_view(const struct room *room, struct migration_view *ret_view)
{
	const struct migration *m = room->migration;

	*ret_view = (struct migration_view){0};
	if (!m)
		return;
	*ret_view = (struct migration_view){
		.state = m->state,
		.to = slice_of(m->to),
		.uri = m->uri[0] ? slice_of(m->uri) : SLICE_NONE,
		.moved = m->moved,
		.pending = m->pending,
		.carried = m->carried,
	};
}

struct slice migration_target(const struct room *room)
{
	const struct migration *m = room->migration;

	return m && m->uri[0] ? slice_of(m->uri) : SLICE_NONE;
}

bool migration_has_bridge(const struct room *room, const struct participant *p)
{
	return room->migration && slice_is(slice_of(p->id), room->migration->bridge);
}

static void tell(struct migration *m)
{
	LOG(LOG_INFO, "room.migration", LOG_STR("room", m->room->id), LOG_STR("to", m->to),
	    LOG_STR("state", migration_state_name(m->state)), LOG_INT("moved", m->moved),
	    LOG_INT("pending", m->pending), LOG_INT("carried", m->carried));
	m->room->version = focus_version_next(m->room->focus);
	event_publish(m->room->focus, &(struct focus_news){
					      .kind = FOCUS_ROOM_MIGRATION,
					      .room = m->room,
					      .call = m->room->call,
					      .cause = migration_state_name(m->state),
				      });
}

/* Once, though latecomers follow when it was done. */
static void count(struct migration *m, uint64_t *counter)
{
	*counter += !m->is_counted;
	m->is_counted = true;
}

static struct participant *find(const struct migration *m, const char *id)
{
	return focus_participant_find(m->room->focus, m->room, slice_of(id));
}

/* Those who wait ------------------------------------------------------------------------------ */

static void waiting_free(struct waiting *waiting)
{
	list_remove(&waiting->in_migration);
	waiting->migration->waiting_count--;
	free(waiting);
}

static void waiting_on_ended(void *arg, struct sip_call *call, const struct sip_call_end *end)
{
	(void)call;
	(void)end;
	waiting_free(arg);
}

int migration_wait(struct room *room, struct sip_call *call, const struct participant *named)
{
	struct migration *m = room->migration;
	struct sip_call_handlers handlers = participant_orphan_handlers;
	struct waiting *waiting;

	assert(m);
	if (m->waiting_count == MIGRATE_WAITING_MAX)
		return ERR_LIMIT;
	waiting = calloc(1, sizeof(*waiting));
	if (!waiting)
		return -ENOMEM;
	waiting->migration = m;
	waiting->call = call;
	slice_cstr(slice_of(named->id), waiting->named, sizeof(waiting->named));
	list_append(&m->waiting, &waiting->in_migration);
	m->waiting_count++;
	handlers.on_ended = waiting_on_ended;
	sip_call_bind(call, &handlers, waiting);
	return 0;
}

/* Out of the list first: what happens to the call does not come back here. */
static struct sip_call *waiting_take(struct migration *m, char named[PARTICIPANT_ID_MAX + 1])
{
	struct waiting *waiting = LIST_ENTRY(m->waiting.next, struct waiting, in_migration);
	struct sip_call *call = waiting->call;

	memcpy(named, waiting->named, sizeof(waiting->named));
	sip_call_bind(call, &participant_orphan_handlers, NULL);
	waiting_free(waiting);
	return call;
}

static void send_waiting_on(struct migration *m)
{
	char named[PARTICIPANT_ID_MAX + 1];

	while (!list_empty(&m->waiting))
		incoming_send_to(m->room->focus, waiting_take(m, named), slice_of(m->uri));
}

/* As if there had been no other focus: they are mixed here. */
static void take_waiting_in(struct migration *m)
{
	struct focus *focus = m->room->focus;
	char named[PARTICIPANT_ID_MAX + 1];

	while (!list_empty(&m->waiting)) {
		struct sip_call *call = waiting_take(m, named);

		incoming_join_anyway(focus, call, find(m, named));
	}
}

/* Moving -------------------------------------------------------------------------------------- */

static void move_free(struct move *move)
{
	sip_referring_drop(move->referring);
	list_remove(&move->in_migration);
	free(move);
}

/* Who is carried is heard there: one recording is enough. It ends here by itself when nobody is
 * left. */
static void stop_recording(struct migration *m)
{
	if (!m->is_recorded_there || !m->room->recording)
		return;
	m->recorded = recording_kind(m->room);
	(void)focus_recording_stop(m->room->recording);
}

/* Nobody but the bridge is left: it has nothing to carry. */
static void check_over(struct migration *m)
{
	struct participant *bridge = find(m, m->bridge);

	if (m->state == MIGRATION_MOVING && !m->pending) {
		m->state = MIGRATION_DONE;
		count(m, &m->room->focus->stats.moves_done);
		stop_recording(m);
		tell(m);
	}
	if (m->state == MIGRATION_DONE && bridge && m->room->participant_count == 1)
		participant_ring_off(bridge, "moved", PARTICIPANT_EV_KICK);
}

static void on_done(void *arg, struct sip_referring *referring,
		    const struct sip_refer_result *result)
{
	struct move *move = arg;
	struct migration *m = move->migration;
	struct participant *p = find(m, move->participant);
	bool has_arrived = result->status >= 200 && result->status < 300;

	(void)referring;
	move->referring = NULL;
	move_free(move);
	m->pending--;
	m->room->focus->stats.participants_moved += has_arrived;
	if (has_arrived)
		m->moved++;
	else if (p)
		m->carried++;
	tell(m);
	/* BYE only now: whoever did not arrive has lost nothing. */
	if (p && has_arrived)
		participant_ring_off(p, "moved", PARTICIPANT_EV_KICK);
	check_over(m);
}

/* Where: the conference, and what makes this one known there. */
static void write_target(const struct migration *m, const struct participant *p, struct buf *out)
{
	buf_adds(out, m->uri);
	if (!m->is_told_nothing && p->seat_token[0])
		buf_addf(out, ";" SEATS_PARAM "=%s", p->seat_token);
}

static int refer(struct move *move, struct participant *p)
{
	struct migration *m = move->migration;
	char own[ROOM_URI_MAX + 1], by[ROOM_URI_MAX + 3];
	struct buf target = BUF_INIT;
	struct sip_refer_params params = {
		.timeout_ms = MIGRATE_REFER_MS,
		.on_done = on_done,
		.arg = move,
	};
	int err;

	write_target(m, p, &target);
	snprintf(by, sizeof(by), "<%s>", room_uri(m->room->focus, m->room->id, own));
	params.refer_to = buf_slice(&target);
	params.referred_by = slice_of(by);
	err = buf_err(&target);
	if (!err)
		err = sip_call_refer(p->call, &params, &move->referring);
	buf_done(&target);
	return err;
}

static bool can_go(const struct participant *p)
{
	return p->call && !p->is_remote_focus &&
	       (p->state == PARTICIPANT_CONNECTED || p->state == PARTICIPANT_ON_HOLD ||
		p->state == PARTICIPANT_PENDING);
}

static void ask_to_go(struct move *move)
{
	struct migration *m = move->migration;
	struct participant *p = find(m, move->participant);

	move->state = MOVE_ASKED;
	if (p && can_go(p) && !refer(move, p))
		return;
	move_free(move);
	m->pending--;
	if (p && p->state != PARTICIPANT_DISCONNECTING)
		m->carried++;
	tell(m);
}

static void ask_all(struct migration *m, enum move_state state)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &m->moves) {
		struct move *move = LIST_ENTRY(it, struct move, in_migration);

		if (move->state == state)
			ask_to_go(move);
	}
}

/* What goes first ----------------------------------------------------------------------------- */

/* As many as one INFO holds. */
static void write_seats(struct migration *m, struct buf *body)
{
	struct list *it, *tmp;

	if (!m->is_room_told)
		seats_write_room(m->room, body);
	LIST_FOREACH (it, tmp, &m->moves) {
		struct move *move = LIST_ENTRY(it, struct move, in_migration);
		struct participant *p = find(m, move->participant);

		if (move->state != MOVE_PLANNED || body->len > SEATS_BODY_MAX)
			continue;
		move->state = MOVE_TOLD;
		if (p)
			seats_write(p, body);
	}
	seats_write_awaited(m->room, body);
	buf_addslice(body, buf_slice(&m->left));
	buf_clear(&m->left);
}

static void send_on(struct migration *m);

static void on_told(void *arg, struct sip_call *call, const struct sip_msg *response)
{
	struct participant *bridge = arg;
	struct migration *m = bridge->room ? bridge->room->migration : NULL;
	bool is_taken = response && response->status < 300;

	(void)call;
	if (!m || !migration_has_bridge(m->room, bridge))
		return;
	m->is_telling = false;
	if (!is_taken) {
		m->is_told_nothing = true;
		LOG(LOG_WARN, "room.seats_not_taken", LOG_STR("room", m->room->id),
		    LOG_STR("to", m->to), LOG_INT("status", response ? response->status : 0));
	}
	m->is_room_told = true;
	m->is_recorded_there |= is_taken && seats_are_recorded(response);
	ask_all(m, MOVE_TOLD);
	send_on(m);
	check_over(m);
}

/* The next INFO, if there is anything to tell; REFER follows its answer. To a focus that takes no
 * seats everybody goes as a newcomer. */
static void send_on(struct migration *m)
{
	struct participant *bridge = find(m, m->bridge);
	struct sip_call_request info = {
		.method = "INFO",
		.headers = "Info-Package: " SEATS_PACKAGE "\r\n"
			   "Content-Disposition: Info-Package\r\n",
		.content_type = SEATS_CONTENT_TYPE,
		.on_reply = on_told,
		.arg = bridge,
	};
	struct buf body = BUF_INIT;
	int err = 0;

	if (m->is_telling || !m->uri[0])
		return;
	if (!m->is_told_nothing && bridge && bridge->call) {
		write_seats(m, &body);
		info.body = buf_slice(&body);
		err = buf_err(&body);
		if (!err && info.body.len)
			err = sip_call_request(bridge->call, &info);
		m->is_telling = !err && info.body.len;
		m->is_told_nothing = err != 0;
		buf_done(&body);
	}
	if (m->is_told_nothing) {
		ask_all(m, MOVE_TOLD);
		ask_all(m, MOVE_PLANNED);
	}
}

/* Another focus is not asked: it is no party, and would take a whole conference along. Who rings
 * is asked when it has answered. */
static void plan(struct migration *m, struct participant *p)
{
	struct move *move = can_go(p) ? calloc(1, sizeof(*move)) : NULL;

	if (!move) {
		m->carried++;
		return;
	}
	move->migration = m;
	slice_cstr(slice_of(p->id), move->participant, sizeof(move->participant));
	list_append(&m->moves, &move->in_migration);
	m->pending++;
}

/* Who still has to show that it is the right one shows it here, and goes then. */
static bool is_there(const struct participant *p)
{
	return p->state != PARTICIPANT_DISCONNECTING &&
	       (p->connected_wall_ms || (p->state == PARTICIPANT_PENDING && !p->ask));
}

static void move_everybody(struct migration *m)
{
	struct list *it, *tmp;

	m->state = MIGRATION_MOVING;
	LIST_FOREACH (it, tmp, &m->room->participants) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		if (!migration_has_bridge(m->room, p) && is_there(p))
			plan(m, p);
	}
	send_waiting_on(m);
	tell(m);
	send_on(m);
	check_over(m);
}

/* Everybody stays where they are, and the door is open again. */
static void step_back(struct migration *m)
{
	struct participant *bridge = find(m, m->bridge);

	if (m->state == MIGRATION_FAILED)
		return;
	m->state = MIGRATION_FAILED;
	count(m, &m->room->focus->stats.moves_failed);
	m->uri[0] = '\0';
	seats_keep(m->room);
	(void)recording_continue(m->room, m->recorded);
	while (!list_empty(&m->moves))
		move_free(LIST_ENTRY(m->moves.next, struct move, in_migration));
	m->pending = 0;
	tell(m);
	if (bridge)
		participant_ring_off(bridge, "moved", PARTICIPANT_EV_KICK);
	take_waiting_in(m);
}

/* What the participants tell --------------------------------------------------------------------
 */

/* Was on its way in when the move began. */
static void follow(struct migration *m, struct participant *p)
{
	m->state = MIGRATION_MOVING;
	plan(m, p);
	tell(m);
	send_on(m);
	check_over(m);
}

void migration_on_joined(struct participant *p)
{
	struct room *room = p->room;
	struct migration *m = room->migration;

	if (!m)
		return;
	if (!migration_has_bridge(room, p)) {
		if (m->state == MIGRATION_MOVING || (m->state == MIGRATION_DONE && m->bridge[0]))
			follow(m, p);
		return;
	}
	text_utf8(sip_call_remote_target(p->call), m->uri, sizeof(m->uri));
	m->is_told_nothing = !p->takes_seats;
	if (p->is_remote_focus && m->uri[0])
		move_everybody(m);
	else
		step_back(m); /* an answer, but from no conference */
}

void migration_on_parting(struct participant *p)
{
	struct room *room = p->room;
	struct migration *m = room ? room->migration : NULL;

	if (!m || !migration_has_bridge(room, p) || slice_is(slice_of(p->cause), "moved") ||
	    room->participant_count == 1 || room->is_ending || room->focus->drain.is_stopping)
		return;
	m->bridge[0] = '\0';
	step_back(m);
}

void migration_on_left(struct room *room, struct participant *p)
{
	struct migration *m = room->migration;

	if (!m)
		return;
	if (!migration_has_bridge(room, p)) {
		if (!m->is_told_nothing && !slice_is(slice_of(p->cause), "moved"))
			seats_write_left(p, &m->left);
		send_on(m);
		check_over(m);
		return;
	}
	m->bridge[0] = '\0';
	if (room->participant_count && !room->is_ending)
		step_back(m);
}

void migration_on_seats(struct room *room, struct slice line)
{
	struct migration *m = room->migration;

	if (!m || !m->uri[0])
		return;
	buf_addslice(&m->left, line);
	send_on(m);
}

/* Life ----------------------------------------------------------------------------------------- */

void migration_free(struct room *room)
{
	struct migration *m = room->migration;
	char named[PARTICIPANT_ID_MAX + 1];

	if (!m)
		return;
	while (!list_empty(&m->moves))
		move_free(LIST_ENTRY(m->moves.next, struct move, in_migration));
	while (!list_empty(&m->waiting))
		sip_call_hangup(waiting_take(m, named), &(struct sip_reply){.status = 480});
	room->migration = NULL;
	buf_done(&m->left);
	free(m);
}

static bool is_under_way(const struct room *room)
{
	return room->migration &&
	       (room->migration->state == MIGRATION_DIALLING ||
		room->migration->state == MIGRATION_MOVING || room->migration->bridge[0]);
}

int focus_migrate(struct focus *focus, struct room *room, struct slice to)
{
	const struct invitation_start start = {.uri = to, .is_bridge = true};
	struct participant *bridge;
	struct migration *m;
	int err;

	assert(room->focus == focus);
	if (is_under_way(room))
		return ERR_STATE;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->room = room;
	m->state = MIGRATION_DIALLING;
	list_init(&m->moves);
	list_init(&m->waiting);
	text_utf8(to, m->to, sizeof(m->to));
	err = invitation_begin(room, &start, &bridge);
	if (err) {
		free(m);
		return err;
	}
	migration_free(room);
	seats_keep(room);
	room->migration = m;
	slice_cstr(slice_of(bridge->id), m->bridge, sizeof(m->bridge));
	tell(m);
	return 0;
}
