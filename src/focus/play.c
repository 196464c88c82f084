/* focus/play.c */
#include "focus/play.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/alone.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"
#include "focus/say.h"
#include "focus/sounds.h"

struct focus_play {
	struct list node; /* in focus->plays, oldest first */
	struct focus *focus;
	struct room *room;
	struct participant *participant; /* NULL: all of the room */
	char id[PLAY_ID_CHARS + 1], language[PROMPTS_NAME_MAX + 1];
	char *items; /* owned; a newline behind each */
	struct play_control control;
	bool is_ducking;
	uint64_t start_ms; /* of one that is queued: from there on */
	uint64_t created_wall_ms, version;
	handle media; /* 0: queued */
	int err;
};

/* Views -------------------------------------------------------------------------------------- */

const char *play_state_name(enum play_state state)
{
	static const char *const names[] = {
		[PLAY_QUEUED] = "queued", [PLAY_PLAYING] = "playing", [PLAY_PAUSED] = "paused"};

	return names[state];
}

static uint64_t position_ms(const struct focus_play *play)
{
	const struct media *media = &play->focus->media;

	return play->media ? media->ops->play_position_ms(media->ctx, play->media) : play->start_ms;
}

void play_view(const struct focus_play *play, struct play_view *ret_view)
{
	*ret_view = (struct play_view){
		.id = slice_of(play->id),
		.room_id = slice_of(play->room->id),
		.participant = slice_of(play->participant ? play->participant->id : ""),
		.items = slice_of(play->items),
		.language = slice_of(play->language),
		.state = !play->media              ? PLAY_QUEUED
			 : play->control.is_paused ? PLAY_PAUSED
						   : PLAY_PLAYING,
		.control = play->control,
		.is_ducking = play->is_ducking,
		.position_ms = position_ms(play),
		.created_wall_ms = play->created_wall_ms,
		.version = play->version,
		.err = play->err,
	};
}

static void tell(struct focus_play *play, enum focus_event_kind kind, const char *cause)
{
	struct play_view view;

	play->version = focus_version_next(play->focus);
	play_view(play, &view);
	event_publish_play(play->focus, kind, &view, cause);
}

/* Items -------------------------------------------------------------------------------------- */

int play_items_add(struct play_items *items, const struct focus *focus, struct slice item)
{
	struct sounds *sounds;
	int err;

	if (items->len + item.len + 1 > PLAY_TEXT_MAX)
		return ERR_LIMIT;
	err = sounds_new(focus->prompts, "", &sounds);
	if (err)
		return err;
	err = sounds_add(sounds, focus, item);
	sounds_free(sounds);
	if (err)
		return err;
	memcpy(items->text + items->len, item.p, item.len);
	items->len += item.len;
	items->text[items->len++] = '\n';
	items->text[items->len] = '\0';
	return 0;
}

/* What of it is there. A file that has gone since it was asked for is left out. */
static int sounds_of(struct focus_play *play, struct sounds **ret_sounds)
{
	struct slice rest = slice_of(play->items);
	int err = sounds_new(play->focus->prompts, play->language, ret_sounds);

	while (!err && rest.len) {
		size_t end = slice_find(rest, '\n');
		int item_err = sounds_add(*ret_sounds, play->focus, slice_first(rest, end));

		if (item_err && !play->err)
			play->err = item_err;
		rest = slice_from(rest, end + 1);
	}
	if (!err && !(*ret_sounds)->list.count) {
		*ret_sounds = sounds_free(*ret_sounds);
		return play->err ? play->err : ERR_SOUND_UNKNOWN;
	}
	return err;
}

/* Beginning ---------------------------------------------------------------------------------- */

static struct media_play_control control_of(const struct focus_play *play)
{
	return (struct media_play_control){.gain_cdb = (int16_t)(play->control.volume_db * 100),
					   .is_paused = play->control.is_paused,
					   .is_loop = play->control.is_loop};
}

static int media_start(struct focus_play *play)
{
	const struct media *media = &play->focus->media;
	struct media_play_control control = control_of(play);
	struct sounds *sounds;
	int err = sounds_of(play, &sounds);

	if (err)
		return err;
	err = media->ops->play_start(
		media->ctx,
		&(struct media_play){
			.leg = play->participant ? play->participant->leg.media : 0,
			.room = play->participant ? 0 : play->room->bus->room,
			.sounds = sounds->list.sounds,
			.sound_count = sounds->list.count,
			.is_loop = play->control.is_loop,
			.gain_cdb = control.gain_cdb,
			.duck_cdb = play->is_ducking ? say_duck_cdb(play->focus) : 0,
			.start_ms = play->start_ms,
		},
		&play->media);
	sounds_free(sounds);
	if (!err && control.is_paused)
		(void)media->ops->play_control(media->ctx, play->media, &control);
	return err;
}

static bool is_same_target(const struct focus_play *a, const struct focus_play *b)
{
	return a->room == b->room && a->participant == b->participant;
}

static bool must_queue(const struct focus_play *play)
{
	for (const struct list *it = play->focus->plays.next; it != &play->node; it = it->next)
		if (is_same_target(LIST_ENTRY(it, const struct focus_play, node), play))
			return true;
	return false;
}

static void forget(struct focus_play *play)
{
	list_remove(&play->node);
	play->focus->play_count--;
	free(play->items);
	free(play);
}

/* In a room that nobody is in nothing is heard: the mixer ends what is played there. */
static bool is_heard(const struct room *room)
{
	for (const struct list *it = room->participants.next; it != &room->participants;
	     it = it->next)
		if (LIST_ENTRY(it, const struct participant, in_room)->is_in_mix)
			return true;
	return false;
}

static int check(const struct play_start *start)
{
	const struct participant *p = start->participant;
	uint32_t count = 0;

	if (!start->items->len)
		return ERR_PLAY_ITEM;
	if (p && !p->is_in_mix)
		return ERR_STATE;
	if (!p && (!start->room->bus || !is_heard(start->room)))
		return ERR_ROOM_EMPTY;
	if (start->language.len && !focus_has_language(start->room->focus, start->language))
		return -EINVAL;
	for (struct focus_play *it = focus_play_next(start->room, NULL); it;
	     it = focus_play_next(start->room, it))
		count++;
	return count >= PLAYS_ROOM_MAX || start->room->focus->play_count >= PLAYS_MAX ? ERR_LIMIT
										      : 0;
}

static struct focus_play *play_make(struct focus *focus, const struct play_start *start)
{
	struct focus_play *play = calloc(1, sizeof(*play));
	const char *language = start->participant ? participant_language(start->participant)
						  : start->room->settings.language;

	if (!play)
		return NULL;
	play->items = slice_dup(slice_make(start->items->text, start->items->len));
	if (!play->items) {
		free(play);
		return NULL;
	}
	play->focus = focus;
	play->room = start->room;
	play->participant = start->participant;
	play->control = start->control;
	play->is_ducking = start->is_ducking;
	play->start_ms = start->position_ms;
	play->created_wall_ms = clock_wall_ms(&focus->clock);
	random_token(focus->random, play->id, PLAY_ID_CHARS);
	slice_cstr(start->language.len ? start->language : slice_of(language), play->language,
		   sizeof(play->language));
	list_append(&focus->plays, &play->node);
	focus->play_count++;
	return play;
}

static void log_started(const struct focus_play *play)
{
	LOG(LOG_INFO, "play.started", LOG_STR("room", play->room->id), LOG_STR("play", play->id),
	    LOG_STR("participant", play->participant ? play->participant->id : ""));
}

int focus_play_start(struct focus *focus, const struct play_start *start,
		     struct focus_play **ret_play)
{
	struct focus_play *play;
	int err = check(start);

	if (err)
		return err;
	play = play_make(focus, start);
	if (!play)
		return -ENOMEM;
	if (start->is_queued && must_queue(play)) {
		tell(play, FOCUS_PLAY_QUEUED, NULL);
		*ret_play = play;
		return 0;
	}
	err = media_start(play);
	if (err) {
		forget(play);
		return err;
	}
	log_started(play);
	tell(play, FOCUS_PLAY_STARTED, NULL);
	alone_review(play->room);
	*ret_play = play;
	return 0;
}

/* Ending ------------------------------------------------------------------------------------- */

static void end(struct focus_play *play, const char *cause)
{
	LOG(LOG_INFO, "play.ended", LOG_STR("room", play->room->id), LOG_STR("play", play->id),
	    LOG_STR("cause", cause), LOG_STR("error", play->err ? err_text(play->err) : ""));
	tell(play, FOCUS_PLAY_ENDED, cause);
	forget(play);
}

/* Those whose turn has come. One that cannot begin ends, which makes way for the next. */
static void queue_go_on(struct focus *focus)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &focus->plays) {
		struct focus_play *play = LIST_ENTRY(it, struct focus_play, node);
		int err;

		if (play->media || must_queue(play))
			continue;
		err = media_start(play);
		if (err) {
			play->err = play->err ? play->err : err;
			end(play, "failed");
			continue;
		}
		log_started(play);
		tell(play, FOCUS_PLAY_STARTED, NULL);
	}
}

/* The view of its end has the place that it came to; the mixer's event finds nothing any more. */
static void cut(struct focus_play *play, const char *cause)
{
	const struct media *media = &play->focus->media;

	play->start_ms = position_ms(play);
	if (play->media)
		(void)media->ops->play_stop(media->ctx, play->media);
	play->media = 0;
	end(play, cause);
}

void focus_play_stop(struct focus_play *play)
{
	struct focus *focus = play->focus;
	struct room *room = play->room;

	cut(play, "stopped");
	queue_go_on(focus);
	alone_review(room);
}

bool plays_on_media_event(struct focus *focus, const struct media_event *event)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &focus->plays) {
		struct focus_play *play = LIST_ENTRY(it, struct focus_play, node);
		struct room *room = play->room;

		if (play->media != event->object)
			continue;
		play->media = 0;
		play->start_ms = event->length_ms;
		play->err = event->err ? event->err : play->err;
		end(play, play->err && !event->length_ms ? "failed"
			  : is_heard(play->room)         ? "finished"
							 : "empty");
		queue_go_on(focus);
		alone_review(room);
		return true;
	}
	return false;
}

static void end_those(struct room *room, const struct participant *p, const char *cause)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &room->focus->plays) {
		struct focus_play *play = LIST_ENTRY(it, struct focus_play, node);

		if (play->room == room && (!p || play->participant == p))
			cut(play, cause);
	}
}

void plays_on_leaving(const struct participant *p)
{
	end_those(p->room, p, "left");
}

void plays_end(struct room *room, const char *cause)
{
	end_those(room, NULL, cause);
}

void plays_free(struct focus *focus)
{
	while (!list_empty(&focus->plays))
		forget(LIST_ENTRY(focus->plays.next, struct focus_play, node));
}

/* Looking and changing ----------------------------------------------------------------------- */

struct focus_play *focus_play_next(struct room *room, struct focus_play *after)
{
	struct list *it = after ? after->node.next : room->focus->plays.next;

	for (; it != &room->focus->plays; it = it->next) {
		struct focus_play *play = LIST_ENTRY(it, struct focus_play, node);

		if (play->room == room)
			return play;
	}
	return NULL;
}

struct focus_play *focus_play_find(struct room *room, struct slice id)
{
	struct focus_play *play = focus_play_next(room, NULL);

	while (play && !slice_is(id, play->id))
		play = focus_play_next(room, play);
	return play;
}

void focus_play_set(struct focus_play *play, const struct play_control *control)
{
	const struct media *media = &play->focus->media;
	struct media_play_control at_mixer;

	play->control = *control;
	at_mixer = control_of(play);
	if (play->media)
		(void)media->ops->play_control(media->ctx, play->media, &at_mixer);
	tell(play, FOCUS_PLAY_CHANGED, NULL);
}

void focus_play_seek(struct focus_play *play, uint64_t ms)
{
	const struct media *media = &play->focus->media;

	if (play->media)
		(void)media->ops->play_seek(media->ctx, play->media, ms);
	else
		play->start_ms = ms;
	tell(play, FOCUS_PLAY_CHANGED, NULL);
}
