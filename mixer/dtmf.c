#include "mixer/dtmf.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/attr.h"

/* Design. The identity of a digit is its timestamp (RFC 4733 2.3.1: all packets of an event carry
 * that of its start). So repeats and reordering need no sequence numbers: a packet either belongs
 * to the active digit, to one told already, or starts a new one. A digit is told once, when it
 * ends.
 *
 * Segments (2.5.1.3): an event longer than 0xFFFF units goes on under a new timestamp, exactly
 * where the earlier segment ended at 0xFFFF. Such a packet joins the active digit. */

enum {
	EVENT_LEN = 4,
	EVENT_DIGITS = 16,
	SEGMENT_FULL = 0xffff,
	STALE_S = 2 /* no network delivers so late; further back, the sender has a new clock */
};

static const char digits[EVENT_DIGITS + 1] = "0123456789*#ABCD";

void dtmf_init(struct dtmf *dtmf, uint32_t clock_hz)
{
	assert(clock_hz >= 1000);
	*dtmf = (struct dtmf){.clock_hz = clock_hz};
}

static uint16_t duration_ms(const struct dtmf *dtmf)
{
	uint64_t ms = ((uint64_t)dtmf->joined + dtmf->duration) * 1000 / dtmf->clock_hz;

	return (uint16_t)(ms > UINT16_MAX ? UINT16_MAX : ms);
}

static bool was_told(const struct dtmf *dtmf, uint32_t ts)
{
	for (uint8_t i = 0; i < dtmf->recent_count; i++)
		if (dtmf->recent_ts[i] == ts)
			return true;
	return false;
}

static void remember(struct dtmf *dtmf, uint32_t ts)
{
	dtmf->recent_ts[dtmf->recent_at] = ts;
	dtmf->recent_at = (dtmf->recent_at + 1) % DTMF_RECENT;
	if (dtmf->recent_count < DTMF_RECENT)
		dtmf->recent_count++;
}

static struct dtmf_digit finish(struct dtmf *dtmf, uint64_t now_us)
{
	dtmf->is_active = false;
	dtmf->mute_until_us = now_us + DTMF_MUTE_TAIL_MS * 1000;
	remember(dtmf, dtmf->ts);
	return (struct dtmf_digit){.digit = digits[dtmf->event], .duration_ms = duration_ms(dtmf)};
}

static void start(struct dtmf *dtmf, uint8_t event, uint32_t ts)
{
	dtmf->is_active = true;
	dtmf->event = event;
	dtmf->ts = ts;
	dtmf->joined = 0;
	dtmf->duration = 0;
}

static bool is_next_segment(const struct dtmf *dtmf, uint8_t event, uint32_t ts)
{
	return dtmf->is_active && dtmf->event == event && dtmf->duration > SEGMENT_FULL / 2 &&
	       ts == dtmf->ts + SEGMENT_FULL;
}

/* Older than what is active, by timestamp: a straggler of a digit that we missed otherwise or
 * forgot. Telling it now would put digits in the wrong order. */
static bool is_stale(const struct dtmf *dtmf, uint32_t ts)
{
	uint32_t newest = dtmf->ts;

	return (dtmf->is_active || dtmf->recent_count) && rtp_ts_diff(ts, newest) < 0 &&
	       rtp_ts_diff(ts, newest) > -(int64_t)dtmf->clock_hz * STALE_S;
}

int dtmf_put_rt(struct dtmf *dtmf, const struct rtp_packet *packet, uint64_t arrival_us,
		struct dtmf_digit ret_digits[2])
{
	const uint8_t *p = packet->payload;
	uint32_t duration;
	int told = 0;

	if (packet->payload_len < EVENT_LEN)
		return -EBADMSG;
	if (p[0] >= EVENT_DIGITS)
		return -ENOTSUP;
	if (packet->ssrc != dtmf->ssrc) { /* another sender: its timestamps mean nothing to us */
		if (dtmf->is_active)
			ret_digits[told++] = finish(dtmf, arrival_us);
		dtmf->ssrc = packet->ssrc;
		dtmf->recent_count = 0;
	}
	if (was_told(dtmf, packet->ts) || is_stale(dtmf, packet->ts))
		return told;

	if (is_next_segment(dtmf, p[0], packet->ts)) {
		remember(dtmf, dtmf->ts);
		dtmf->joined += SEGMENT_FULL;
		dtmf->ts = packet->ts;
		dtmf->duration = 0;
	} else if (!dtmf->is_active || dtmf->ts != packet->ts) {
		if (dtmf->is_active)
			ret_digits[told++] = finish(dtmf, arrival_us);
		start(dtmf, p[0], packet->ts);
	}
	duration = (uint32_t)(p[2] << 8 | p[3]);
	dtmf->duration = MAX_OF(dtmf->duration, duration);
	dtmf->last_us = arrival_us;
	if (p[1] & 0x80) {
		assert(told < 2);
		ret_digits[told++] = finish(dtmf, arrival_us);
	}
	return told;
}

bool dtmf_tick_rt(struct dtmf *dtmf, uint64_t now_us, struct dtmf_digit *ret_digit)
{
	if (!dtmf->is_active || now_us < dtmf->last_us + DTMF_LOST_END_MS * 1000)
		return false;
	*ret_digit = finish(dtmf, now_us);
	return true;
}

bool dtmf_is_muting_rt(const struct dtmf *dtmf, uint64_t now_us)
{
	return dtmf->is_active || now_us < dtmf->mute_until_us;
}
