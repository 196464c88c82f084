/* tests/support/fake_media.c */
#include "tests/support/fake_media.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"

enum { FAKE_HANDLES_MAX = 20000, FAKE_PORT_FIRST = 20000, FAKE_RECORDS_MAX = 32 };

struct fake_room {
	struct media_room_policy policy;
	uint32_t legs; /* in it, closing ones included */
};

struct fake_record {
	handle handle; /* 0: free */
	handle leg;    /* 0: of a room */
	bool is_stopped;
};

struct fake_media {
	struct wheel *wheel;
	uint32_t close_delay_ms;
	media_event_fn *on_event;
	void *arg;
	struct handle_table *rooms, *legs, *plays;
	struct list all_legs, all_plays;
	uint32_t ports_max, misuses;
	uint16_t port_next;
	struct fake_record records[FAKE_RECORDS_MAX];
	handle record_last; /* that was given */
	uint64_t record_ms;
	bool is_record_paused;
	struct {
		int err;
		uint32_t skip, times, calls;
	} ops[FAKE_OP_COUNT];
};

static int fake_call(struct fake_media *media, enum fake_op op)
{
	media->ops[op].calls++;
	if (media->ops[op].skip) {
		media->ops[op].skip--;
		return 0;
	}
	if (!media->ops[op].times)
		return 0;
	media->ops[op].times--;
	return media->ops[op].err;
}

static int misuse(struct fake_media *media)
{
	media->misuses++;
	return ERR_STALE;
}

/* Sounds that end --------------------------------------------------------------------------- */

static void play_gone(void *arg)
{
	struct fake_play *play = arg;
	struct fake_media *media = play->media;
	struct media_event event = {.kind = MEDIA_PLAY_ENDED,
				    .object = play->self,
				    .tag = play->play.tag,
				    .length_ms = play->position_ms,
				    .err = play->err};

	timer_stop(media->wheel, &play->ending);
	list_remove(&play->node);
	(void)handle_drop(media->plays, play->self);
	free(play);
	if (media->on_event)
		media->on_event(media->arg, &event);
}

/* What is played to a leg, or in a room, ends with it. */
static void plays_end(struct fake_media *media, handle leg, handle room)
{
	struct fake_play *play;

	while ((play = fake_media_play(media, leg, room)) != NULL)
		play_gone(play);
}

/* Rooms -------------------------------------------------------------------------------------- */

static int room_open(void *ctx, handle *ret_room)
{
	struct fake_media *media = ctx;
	struct fake_room *room;
	int err = fake_call(media, FAKE_ROOM_OPEN);

	if (err)
		return err;
	room = calloc(1, sizeof(*room));
	if (!room)
		return -ENOMEM;
	err = handle_take(media->rooms, room, ret_room);
	if (err)
		free(room);
	return err;
}

static int room_close(void *ctx, handle id)
{
	struct fake_media *media = ctx;
	struct fake_room *room = handle_find(media->rooms, id);

	if (!room)
		return misuse(media);
	if (room->legs)
		media->misuses++;
	plays_end(media, 0, id);
	(void)handle_drop(media->rooms, id);
	free(room);
	return 0;
}

static int room_set(void *ctx, handle id, const struct media_room_policy *policy)
{
	struct fake_media *media = ctx;
	struct fake_room *room = handle_find(media->rooms, id);

	if (!room)
		return misuse(media);
	if (policy->loudest > MEDIA_LOUDEST_MAX || policy->gate_dbov > MEDIA_LEVEL_SILENT)
		return -EINVAL;
	room->policy = *policy;
	return 0;
}

/* Legs --------------------------------------------------------------------------------------- */

static void leg_leave_room(struct fake_leg *leg)
{
	struct fake_room *room = handle_find(leg->media->rooms, leg->room);

	if (room)
		room->legs--;
	leg->room = 0;
}

static void leg_enter_room(struct fake_leg *leg, handle id)
{
	struct fake_room *room = handle_find(leg->media->rooms, id);

	leg_leave_room(leg);
	if (room) {
		room->legs++;
		leg->room = id;
	}
}

static void leg_gone(void *arg)
{
	struct fake_leg *leg = arg;
	struct fake_media *media = leg->media;
	struct media_event event = {
		.kind = MEDIA_LEG_CLOSED, .leg = leg->self, .tag = leg->tag, .stats = leg->stats};

	plays_end(media, leg->self, 0); /* whoever hears of it may close the leg meanwhile */
	timer_stop(media->wheel, &leg->closing);
	leg_leave_room(leg);
	list_remove(&leg->node);
	(void)handle_drop(media->legs, leg->self);
	free(leg);
	if (media->on_event)
		media->on_event(media->arg, &event);
}

static int leg_open(void *ctx, const struct media_leg_open *open, handle *ret_leg,
		    struct addr *ret_local)
{
	struct fake_media *media = ctx;
	struct fake_leg *leg;
	int err = fake_call(media, FAKE_LEG_OPEN);

	if (err)
		return err;
	if (open->room && !handle_find(media->rooms, open->room))
		return misuse(media);
	if (handle_count(media->legs) >= media->ports_max)
		return ERR_MEDIA_NO_PORTS;
	leg = calloc(1, sizeof(*leg));
	if (!leg)
		return -ENOMEM;
	err = handle_take(media->legs, leg, &leg->self);
	if (err) {
		free(leg);
		return ERR_MEDIA_NO_LEGS;
	}
	leg->media = media;
	leg->tag = open->tag;
	leg->local = open->local;
	media->port_next = media->port_next < 60000 ? media->port_next + 2 : FAKE_PORT_FIRST;
	addr_set_port(&leg->local, media->port_next);
	timer_init(&leg->closing, leg_gone, leg);
	list_append(&media->all_legs, &leg->node);
	leg_enter_room(leg, open->room);
	*ret_leg = leg->self;
	*ret_local = leg->local;
	return 0;
}

/* A leg that may be told something; a closing one may not. */
static struct fake_leg *leg_live(struct fake_media *media, handle id)
{
	struct fake_leg *leg = handle_find(media->legs, id);

	return leg && !leg->is_closing ? leg : NULL;
}

static int leg_set(void *ctx, handle id, const struct media_leg_params *params)
{
	struct fake_media *media = ctx;
	struct fake_leg *leg = leg_live(media, id);
	int err = fake_call(media, FAKE_LEG_SET);

	if (!leg)
		return misuse(media);
	if (err)
		return err;
	leg->params = *params;
	leg->has_params = true;
	return 0;
}

static int leg_control(void *ctx, handle id, const struct media_leg_control *control)
{
	struct fake_media *media = ctx;
	struct fake_leg *leg = leg_live(media, id);
	int err = fake_call(media, FAKE_LEG_CONTROL);

	if (!leg)
		return misuse(media);
	if (err)
		return err;
	leg->control = *control;
	return 0;
}

static int leg_digits(void *ctx, handle id, const char *digits, uint32_t count)
{
	struct fake_media *media = ctx;
	struct fake_leg *leg = leg_live(media, id);
	int err = fake_call(media, FAKE_LEG_DIGITS);
	size_t had;

	if (!leg || count == 0 || count > MEDIA_DIGITS_MAX)
		return misuse(media);
	if (err)
		return err;
	if (!leg->has_params || leg->params.dtmf_pt_send == MEDIA_PT_NONE)
		return ERR_STATE;
	had = strlen(leg->digits);
	if (had + count > sizeof(leg->digits) - 1)
		had = 0;
	memcpy(leg->digits + had, digits, count);
	leg->digits[had + count] = '\0';
	return 0;
}

static int leg_move(void *ctx, handle id, handle room)
{
	struct fake_media *media = ctx;
	struct fake_leg *leg = leg_live(media, id);
	int err = fake_call(media, FAKE_LEG_MOVE);

	if (!leg || (room && !handle_find(media->rooms, room)))
		return misuse(media);
	if (err)
		return err;
	plays_end(media, id, 0);
	leg_enter_room(leg, room);
	return 0;
}

static int leg_close(void *ctx, handle id)
{
	struct fake_media *media = ctx;
	struct fake_leg *leg = leg_live(media, id);

	if (!leg)
		return misuse(media);
	leg->is_closing = true;
	timer_start(media->wheel, &leg->closing, media->close_delay_ms);
	return 0;
}

static int leg_stats(void *ctx, handle id, struct media_leg_stats *ret_stats)
{
	struct fake_media *media = ctx;
	struct fake_leg *leg = handle_find(media->legs, id);
	int err = fake_call(media, FAKE_LEG_STATS);

	if (!leg)
		return misuse(media);
	if (err)
		return err;
	*ret_stats = leg->stats;
	return 0;
}

/* Sounds ------------------------------------------------------------------------------------- */

static int play_start(void *ctx, const struct media_play *start, handle *ret_play)
{
	struct fake_media *media = ctx;
	struct fake_play *play;
	int err = fake_call(media, FAKE_PLAY_START);

	if (err)
		return err;
	if (!start->sound_count || !start->leg == !start->room)
		return misuse(media);
	if (start->leg ? !leg_live(media, start->leg) : !handle_find(media->rooms, start->room))
		return misuse(media);
	play = calloc(1, sizeof(*play));
	if (!play)
		return -ENOMEM;
	err = handle_take(media->plays, play, &play->self);
	if (err) {
		free(play);
		return err;
	}
	play->media = media;
	timer_init(&play->ending, play_gone, play);
	play->play = *start;
	play->play.sounds = NULL;
	play->position_ms = start->start_ms;
	play->sound_count = start->sound_count;
	for (uint32_t i = 0; i < start->sound_count && !play->first[0]; i++)
		if (start->sounds[i].kind == MEDIA_SOUND_FILE)
			slice_cstr(slice_of(start->sounds[i].path), play->first,
				   sizeof(play->first));
	list_append(&media->all_plays, &play->node);
	*ret_play = play->self;
	return 0;
}

/* Its end is told later, from the loop, as by the mixer. */
static int play_stop(void *ctx, handle id)
{
	struct fake_media *media = ctx;
	struct fake_play *play = handle_find(media->plays, id);

	if (!play || timer_running(&play->ending))
		return ERR_STALE;
	play->play.leg = play->play.room = 0; /* nobody hears it any more */
	timer_start(media->wheel, &play->ending, 0);
	return 0;
}

static int play_control(void *ctx, handle id, const struct media_play_control *control)
{
	struct fake_media *media = ctx;
	struct fake_play *play = handle_find(media->plays, id);

	if (!play)
		return ERR_STALE;
	play->control = *control;
	return 0;
}

static int play_seek(void *ctx, handle id, uint64_t ms)
{
	struct fake_media *media = ctx;
	struct fake_play *play = handle_find(media->plays, id);

	if (!play)
		return ERR_STALE;
	play->position_ms = ms;
	return 0;
}

static uint64_t play_position_ms(void *ctx, handle id)
{
	struct fake_media *media = ctx;
	const struct fake_play *play = handle_find(media->plays, id);

	return play ? play->position_ms : 0;
}

/* Recordings: one length for all, which the test sets; no file is made. */
static struct fake_record *record_find(struct fake_media *media, handle record)
{
	for (int i = 0; i < FAKE_RECORDS_MAX; i++)
		if (media->records[i].handle == record)
			return &media->records[i];
	return NULL;
}

static int record_start(void *ctx, const struct media_record *record, handle *ret_record)
{
	struct fake_media *media = ctx;
	struct fake_record *place = record_find(media, 0);
	int err = fake_call(media, FAKE_RECORD_START);

	if (err)
		return err;
	if (!place || !handle_find(record->leg ? media->legs : media->rooms,
				   record->leg ? record->leg : record->room))
		return misuse(media);
	if (!record->leg)
		media->record_ms = 0;
	*place = (struct fake_record){.handle = ++media->record_last, .leg = record->leg};
	*ret_record = place->handle;
	return 0;
}

static int record_pause(void *ctx, handle room, bool is_paused)
{
	struct fake_media *media = ctx;

	if (!handle_find(media->rooms, room))
		return misuse(media);
	media->is_record_paused = is_paused;
	return 0;
}

static uint64_t record_length_ms(void *ctx, handle record)
{
	struct fake_media *media = ctx;

	return record && record_find(media, record) ? media->record_ms : 0;
}

static int record_stop(void *ctx, handle record)
{
	struct fake_media *media = ctx;
	struct fake_record *found = record ? record_find(media, record) : NULL;

	if (!found || found->is_stopped)
		return misuse(media);
	found->is_stopped = true;
	return 0;
}

static void totals(void *ctx, struct media_totals *ret_totals)
{
	struct fake_media *media = ctx;

	*ret_totals = (struct media_totals){
		.rooms = handle_count(media->rooms),
		.legs = handle_count(media->legs),
		.workers = 1,
		.ports_free = media->ports_max - handle_count(media->legs),
	};
}

/* For the test ------------------------------------------------------------------------------- */

int fake_media_new(struct wheel *wheel, uint32_t close_delay_ms, struct fake_media **ret_media)
{
	struct fake_media *media = calloc(1, sizeof(*media));

	if (!media)
		return -ENOMEM;
	media->wheel = wheel;
	media->close_delay_ms = close_delay_ms;
	media->ports_max = FAKE_HANDLES_MAX;
	media->port_next = FAKE_PORT_FIRST;
	list_init(&media->all_legs);
	list_init(&media->all_plays);
	if (handle_table_new(FAKE_HANDLES_MAX, &media->rooms) ||
	    handle_table_new(FAKE_HANDLES_MAX, &media->legs) ||
	    handle_table_new(FAKE_HANDLES_MAX, &media->plays)) {
		fake_media_free(media);
		return -ENOMEM;
	}
	*ret_media = media;
	return 0;
}

struct fake_media *fake_media_free(struct fake_media *media)
{
	if (!media)
		return NULL;
	media->on_event = NULL;
	while (!list_empty(&media->all_legs))
		leg_gone(LIST_ENTRY(media->all_legs.next, struct fake_leg, node));
	handle_table_free(
		media->rooms); /* rooms that were not closed are a leak, and ASan says so */
	handle_table_free(media->legs);
	while (!list_empty(&media->all_plays))
		play_gone(LIST_ENTRY(media->all_plays.next, struct fake_play, node));
	handle_table_free(media->plays);
	free(media);
	return NULL;
}

struct media fake_media_ops(struct fake_media *media)
{
	static const struct media_ops ops = {
		.room_open = room_open,
		.room_set = room_set,
		.room_close = room_close,
		.leg_open = leg_open,
		.leg_set = leg_set,
		.leg_control = leg_control,
		.leg_digits = leg_digits,
		.leg_move = leg_move,
		.leg_close = leg_close,
		.leg_stats = leg_stats,
		.play_start = play_start,
		.play_control = play_control,
		.play_seek = play_seek,
		.play_position_ms = play_position_ms,
		.play_stop = play_stop,
		.record_start = record_start,
		.record_pause = record_pause,
		.record_length_ms = record_length_ms,
		.record_stop = record_stop,
		.totals = totals,
	};

	return (struct media){&ops, media};
}

void fake_media_listen(struct fake_media *media, media_event_fn *on_event, void *arg)
{
	media->on_event = on_event;
	media->arg = arg;
}

void fake_media_fail(struct fake_media *media, enum fake_op op, int err, uint32_t skip,
		     uint32_t times)
{
	media->ops[op].err = err;
	media->ops[op].skip = skip;
	media->ops[op].times = times;
}

void fake_media_set_ports(struct fake_media *media, uint32_t max)
{
	media->ports_max = max;
}

struct fake_leg *fake_media_leg(struct fake_media *media, handle leg)
{
	return handle_find(media->legs, leg);
}

struct fake_leg *fake_media_leg_at(struct fake_media *media, uint16_t port)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &media->all_legs) {
		struct fake_leg *leg = LIST_ENTRY(it, struct fake_leg, node);

		if (addr_port(&leg->local) == port)
			return leg;
	}
	return NULL;
}

void fake_media_tell(struct fake_leg *leg, struct media_event event)
{
	event.leg = leg->self;
	event.tag = leg->tag;
	leg->media->on_event(leg->media->arg, &event);
}

void fake_media_break(struct fake_leg *leg)
{
	leg_gone(leg);
}

struct fake_play *fake_media_play(struct fake_media *media, handle leg, handle room)
{
	struct fake_play *found = NULL;
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &media->all_plays) {
		struct fake_play *play = LIST_ENTRY(it, struct fake_play, node);

		if (leg ? play->play.leg == leg : play->play.room == room)
			found = play;
	}
	return found;
}

void fake_media_play_over(struct fake_media *media, struct fake_play *play)
{
	(void)media;
	play_gone(play);
}

uint32_t fake_media_plays(const struct fake_media *media)
{
	return handle_count(media->plays);
}

void fake_media_record_length(struct fake_media *media, uint64_t ms)
{
	media->record_ms = ms;
}

bool fake_media_record_is_paused(const struct fake_media *media)
{
	return media->is_record_paused;
}

static void record_over(struct fake_media *media, struct fake_record *record, int err)
{
	struct media_event event = {.kind = MEDIA_RECORD_ENDED,
				    .object = record->handle,
				    .err = err,
				    .length_ms = media->record_ms,
				    .octets = 44 + media->record_ms * 16};

	record->handle = 0;
	media->on_event(media->arg, &event);
}

void fake_media_record_over(struct fake_media *media, int err)
{
	for (int i = 0; i < FAKE_RECORDS_MAX; i++) {
		if (media->records[i].handle && !media->records[i].leg) {
			record_over(media, &media->records[i], err);
			return;
		}
	}
}

bool fake_media_track_over(struct fake_media *media, handle leg, int err)
{
	for (int i = 0; i < FAKE_RECORDS_MAX; i++) {
		if (media->records[i].handle && media->records[i].leg == leg) {
			record_over(media, &media->records[i], err);
			return true;
		}
	}
	return false;
}

void fake_media_tracks_over(struct fake_media *media)
{
	for (int i = 0; i < FAKE_RECORDS_MAX; i++)
		if (media->records[i].handle && media->records[i].is_stopped)
			record_over(media, &media->records[i], 0);
}

uint32_t fake_media_tracks(const struct fake_media *media, bool is_stopped)
{
	uint32_t count = 0;

	for (int i = 0; i < FAKE_RECORDS_MAX; i++)
		count += media->records[i].handle && media->records[i].leg &&
			 media->records[i].is_stopped == is_stopped;
	return count;
}

uint32_t fake_media_rooms(const struct fake_media *media)
{
	return handle_count(media->rooms);
}

uint32_t fake_media_legs(const struct fake_media *media)
{
	return handle_count(media->legs);
}

uint32_t fake_media_misuses(const struct fake_media *media)
{
	return media->misuses;
}

uint32_t fake_media_calls(const struct fake_media *media, enum fake_op op)
{
	return media->ops[op].calls;
}

struct media_room_policy fake_media_policy(const struct fake_media *media, handle room)
{
	const struct fake_room *fake = handle_find(media->rooms, room);

	return fake ? fake->policy : (struct media_room_policy){0};
}
