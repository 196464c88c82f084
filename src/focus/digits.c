#include "focus/digits.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"
#include "focus/room_priv.h"

enum { TONE_MS = 100, PAUSE_MS = 80, TONE_DBOV = 16 };

static const char signs[] = "123A456B789C*0#D"; /* as they lie on the keypad */

bool digits_note(struct digits_seen *seen, char digit, enum media_digit_via via, uint64_t now_ms)
{
	uint8_t way = (uint8_t)(1u << via);

	for (uint8_t i = 0; i < DIGITS_RECENT; i++) { /* the oldest first */
		struct digits_press *press = &seen->recent[(seen->at + i) % DIGITS_RECENT];

		if (press->digit != digit || (press->ways & way) ||
		    now_ms - press->ms > DIGITS_SAME_MS)
			continue;
		press->ways |= way;
		return false;
	}
	seen->recent[seen->at] = (struct digits_press){digit, way, now_ms};
	seen->at = (seen->at + 1) % DIGITS_RECENT;
	return true;
}

/* The same by tones (ITU-T Q.23), for a peer without telephone-event. */
static int tones_play(struct participant *p, const char *digits, uint32_t count)
{
	static const uint16_t low_hz[] = {697, 770, 852, 941};
	static const uint16_t high_hz[] = {1209, 1336, 1477, 1633};
	struct media_sound sounds[2 * MEDIA_DIGITS_MAX];
	struct media_play play = {.leg = p->leg.media, .sounds = sounds, .tag = p->tag};
	const struct media *media = &p->focus->media;
	handle played;

	for (uint32_t i = 0; i < count; i++) {
		size_t key = (size_t)(strchr(signs, digits[i]) - signs);

		sounds[play.sound_count++] = (struct media_sound){
			.kind = MEDIA_SOUND_TONE,
			.hz = {low_hz[key / 4], high_hz[key % 4]},
			.level_dbov = TONE_DBOV,
			.ms = TONE_MS};
		sounds[play.sound_count++] = (struct media_sound){.kind = MEDIA_SOUND_PAUSE,
								  .ms = PAUSE_MS};
	}
	return media->ops->play_start(media->ctx, &play, &played);
}

static int dial(struct participant *p, const char *digits, uint32_t count)
{
	const struct media *media = &p->focus->media;
	int err = media->ops->leg_digits(media->ctx, p->leg.media, digits, count);

	return err == ERR_STATE ? tones_play(p, digits, count) : err;
}

int digits_send(struct participant *p, struct slice digits)
{
	char text[MEDIA_DIGITS_MAX];

	if (digits.len == 0)
		return -EINVAL;
	if (digits.len > MEDIA_DIGITS_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < digits.len; i++) {
		char c = digits.p[i];

		text[i] = c >= 'a' && c <= 'd' ? (char)(c - 'a' + 'A') : c;
		if (!c || !strchr(signs, text[i]))
			return -EINVAL;
	}
	if (!p->is_in_mix || !leg_is_open(&p->leg) || p->leg.is_closing)
		return ERR_STATE;
	return dial(p, text, (uint32_t)digits.len);
}

void digits_pass_on(struct participant *from, char digit)
{
	struct list *it, *tmp;

	if (!from->room->settings.passes_dtmf)
		return;
	LIST_FOREACH (it, tmp, &from->room->participants) {
		struct participant *p = LIST_ENTRY(it, struct participant, in_room);

		/* A queue that is full loses it for one, as a lost packet would. */
		if (p != from && p->is_in_mix && !p->leg.is_closing)
			(void)dial(p, &digit, 1);
	}
}
