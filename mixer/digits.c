#include "mixer/digits.h"

#include <assert.h>
#include <string.h>

enum { E_BIT = 0x80, DURATION_MAX = 0xffff };

int digits_event(char digit)
{
	static const char signs[] = "0123456789*#ABCD";
	const char *at;

	if (digit >= 'a' && digit <= 'd')
		digit = (char)(digit - 'a' + 'A');
	at = digit ? strchr(signs, digit) : NULL;
	return at ? (int)(at - signs) : -1;
}

void digits_push_rt(struct digits *digits, const char *text, uint32_t count)
{
	for (uint32_t i = 0; i < count && digits->count < MEDIA_DIGITS_MAX; i++) {
		if (digits_event(text[i]) < 0)
			continue;
		digits->queue[(digits->at + digits->count++) % MEDIA_DIGITS_MAX] = text[i];
	}
}

static void begin(struct digits *digits, uint32_t ts)
{
	digits->event = (uint8_t)digits_event(digits->queue[digits->at]);
	digits->at = (uint8_t)((digits->at + 1) % MEDIA_DIGITS_MAX);
	digits->count--;
	digits->is_active = true;
	digits->ends = 0;
	digits->ms = 0;
	digits->ts = ts;
}

bool digits_tick_rt(struct digits *digits, uint32_t ts, uint32_t clock_hz,
		    struct digits_packet *ret_packet)
{
	uint32_t duration;

	if (!digits->is_active) {
		digits->gap_ms -= MIN_OF(digits->gap_ms, (uint16_t)DIGITS_TICK_MS);
		if (digits->gap_ms > 0 || digits->count == 0)
			return false;
		begin(digits, ts);
	}
	*ret_packet = (struct digits_packet){.has_marker = digits->ms == 0, .ts = digits->ts};
	digits->ms = MIN_OF((uint16_t)(digits->ms + DIGITS_TICK_MS), (uint16_t)DIGITS_MS);
	duration = MIN_OF(clock_hz / 1000 * digits->ms, (uint32_t)DURATION_MAX);
	digits->ends += digits->ms == DIGITS_MS;
	ret_packet->payload[0] = digits->event;
	ret_packet->payload[1] = (uint8_t)((digits->ends ? E_BIT : 0) | DIGITS_VOLUME_DBM0);
	ret_packet->payload[2] = (uint8_t)(duration >> 8);
	ret_packet->payload[3] = (uint8_t)duration;
	if (digits->ends == DIGITS_ENDS) {
		digits->is_active = false;
		digits->gap_ms = DIGITS_GAP_MS;
	}
	return true;
}
