#include "mixer/watch.h"

#include <math.h>
#include <string.h>

enum {
	LOUD_DBOV = 14,     /* what is softer in the mean has hardly a sample at full scale */
	FULL_SCALE = 32000, /* G.711 ends at 32124 and 32256 */
	RUN = 3,            /* samples in a row that are no crest */
	CLIP_UP = 10,       /* per clipped frame; one down per clean one of speech */
	CLIP_ON = 50,
	CLIP_MAX = 100,
	LOW_HYSTERESIS_DB = 4,
	HEARD_DBOV = 55, /* softer than that nobody's echo is sought */
	REPORT_PACKETS_MIN = 25
};

#define TALK_PART 0.01f /* of a frame in the mean: two seconds of speech */
#define FADE 0.995f     /* per tick: half of it in 2.8 s */
#define WEIGHT_MIN 120.0f
#define ECHO_ON 0.85f
#define ECHO_OFF 0.6f
#define DEVIATION_MIN_DB 3.0f

static void flag_set(struct watch *w, unsigned flag, bool is_on)
{
	w->flags = (uint8_t)(is_on ? w->flags | flag : w->flags & ~flag);
}

static bool is_clipped(const struct watch_tick *tick)
{
	uint32_t run = 0;

	for (uint32_t i = 0; i < tick->samples; i++) {
		run = tick->pcm[i] >= FULL_SCALE || tick->pcm[i] <= -FULL_SCALE ? run + 1 : 0;
		if (run == RUN)
			return true;
	}
	return false;
}

static void clipping_tick(struct watch *w, const struct watch_tick *tick)
{
	if (!tick->is_talking)
		return;
	if (tick->level_in <= LOUD_DBOV && is_clipped(tick))
		w->clipped = (uint8_t)MIN_OF(w->clipped + CLIP_UP, (int)CLIP_MAX);
	else
		w->clipped -= w->clipped > 0;
	if (w->clipped >= CLIP_ON)
		flag_set(w, MEDIA_FLAG_CLIPPING, true);
	else if (w->clipped == 0)
		flag_set(w, MEDIA_FLAG_CLIPPING, false);
}

static void low_tick(struct watch *w, const struct watch_tick *tick)
{
	float db = -(float)tick->level_in;

	if (!tick->is_talking || tick->level_in >= HEARD_DBOV)
		return;
	w->talk_db = w->talk_db == 0 ? db : w->talk_db + (db - w->talk_db) * TALK_PART;
	if (w->talk_db < -WATCH_LOW_DBOV)
		flag_set(w, MEDIA_FLAG_LOW_LEVEL, true);
	else if (w->talk_db > -WATCH_LOW_DBOV + LOW_HYSTERESIS_DB)
		flag_set(w, MEDIA_FLAG_LOW_LEVEL, false);
}

static float correlation(const struct watch *w, uint32_t lag)
{
	float n = w->weight;
	float vx = w->xx / n - w->x / n * (w->x / n);
	const struct watch_sum *then = &w->was[(w->at + WATCH_LAGS - lag) % WATCH_LAGS];
	float vy = then->yy / n - then->y / n * (then->y / n);
	float c = w->xy[lag] / n - w->x / n * (then->y / n);

	if (vx < DEVIATION_MIN_DB * DEVIATION_MIN_DB || vy < DEVIATION_MIN_DB * DEVIATION_MIN_DB ||
	    w->x > then->y) /* an echo is softer than what it repeats */
		return 0;
	return c / sqrtf(vx * vy);
}

static void echo_judge(struct watch *w)
{
	float best = 0;

	for (uint32_t lag = 0; lag < WATCH_LAGS; lag++)
		best = fmaxf(best, correlation(w, lag));
	if (best >= ECHO_ON)
		flag_set(w, MEDIA_FLAG_ECHO, true);
	else if (best < ECHO_OFF)
		flag_set(w, MEDIA_FLAG_ECHO, false);
}

static void echo_tick(struct watch *w, const struct watch_tick *tick)
{
	const struct watch_sum last = w->was[w->at];
	float x = -(float)tick->level_in, y = -(float)tick->level_out;

	w->at = (uint8_t)((w->at + 1) % WATCH_LAGS);
	w->was[w->at] = (struct watch_sum){last.y * FADE + y, last.yy * FADE + y * y};
	memmove(w->out + 1, w->out, sizeof(w->out) - 1);
	w->out[0] = tick->level_out;
	w->weight = w->weight * FADE + 1;
	w->x = w->x * FADE + x;
	w->xx = w->xx * FADE + x * x;
	for (uint32_t lag = 0; lag < WATCH_LAGS; lag++)
		w->xy[lag] = w->xy[lag] * FADE - x * (float)w->out[lag];
	if (w->at == 0 && w->weight >= WEIGHT_MIN)
		echo_judge(w);
}

void watch_tick_rt(struct watch *w, const struct watch_tick *tick)
{
	clipping_tick(w, tick);
	low_tick(w, tick);
	echo_tick(w, tick);
}

void watch_report_rt(struct watch *w, bool has_block, uint32_t sequence, uint64_t sent)
{
	if (sent < REPORT_PACKETS_MIN)
		return;
	if (has_block && sequence != w->deaf_sequence)
		w->deaf_reports = 0;
	else
		w->deaf_reports += w->deaf_reports < WATCH_DEAF_REPORTS;
	w->deaf_sequence = has_block ? sequence : w->deaf_sequence;
}

void watch_silence_rt(struct watch *w, uint64_t nothing_ms)
{
	flag_set(w, MEDIA_FLAG_ONE_WAY,
		 nothing_ms >= WATCH_NOTHING_MS || w->deaf_reports == WATCH_DEAF_REPORTS);
}
