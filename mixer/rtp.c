#include "mixer/rtp.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

/* Design. Every length is checked against what is left of the datagram before it is read; the
 * reader never looks at an octet twice. Stray packets are judged as RFC 3550 A.1 does, with one
 * difference: a source in probation is reported as such instead of being dropped, because the first
 * 20 ms of a call are worth hearing; what must not happen on a first packet (latching) is the
 * caller's to refuse. */

static uint16_t get_u16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put_u32(uint8_t *p, uint32_t v)
{
	put_u16(p, (uint16_t)(v >> 16));
	put_u16(p + 2, (uint16_t)v);
}

int rtp_parse(const uint8_t *data, size_t len, struct rtp_packet *ret_packet)
{
	struct rtp_packet packet = {0};
	size_t at = RTP_HEADER_LEN;

	if (len < RTP_HEADER_LEN || len > UINT16_MAX || data[0] >> 6 != 2)
		return -EBADMSG;
	packet.csrc_count = data[0] & 15;
	packet.has_marker = data[1] & 0x80;
	packet.payload_type = data[1] & 0x7f;
	packet.seq = get_u16(data + 2);
	packet.ts = get_u32(data + 4);
	packet.ssrc = get_u32(data + 8);

	if (len - at < 4u * packet.csrc_count)
		return -EBADMSG;
	for (uint8_t i = 0; i < packet.csrc_count; i++, at += 4)
		packet.csrc[i] = get_u32(data + at);

	if (data[0] & 0x10) {
		if (len - at < 4)
			return -EBADMSG;
		packet.ext_profile = get_u16(data + at);
		packet.ext_len = get_u16(data + at + 2) <= UINT16_MAX / 4
					 ? (uint16_t)(4u * get_u16(data + at + 2))
					 : UINT16_MAX;
		at += 4;
		if (len - at < packet.ext_len)
			return -EBADMSG;
		packet.ext = data + at;
		at += packet.ext_len;
	}

	if (data[0] & 0x20) {
		if (len == at || data[len - 1] == 0 || data[len - 1] > len - at)
			return -EBADMSG;
		len -= data[len - 1];
	}
	packet.payload = data + at;
	packet.payload_len = (uint16_t)(len - at);
	*ret_packet = packet;
	return 0;
}

bool rtp_is_rtcp(const uint8_t *data, size_t len)
{
	return len >= 4 && data[1] >= 192 && data[1] <= 223;
}

int rtp_write(const struct rtp_packet *packet, uint8_t *out, size_t cap)
{
	size_t ext_words = (packet->ext_len + 3u) / 4;
	size_t need = RTP_HEADER_LEN + 4u * packet->csrc_count +
		      (ext_words ? 4 + 4 * ext_words : 0);
	uint8_t *p = out + RTP_HEADER_LEN;

	assert(packet->csrc_count <= RTP_CSRC_MAX && packet->payload_type < 128);
	if (need > cap)
		return -ENOSPC;

	out[0] = (uint8_t)(0x80 | (ext_words ? 0x10 : 0) | packet->csrc_count);
	out[1] = (uint8_t)((packet->has_marker ? 0x80 : 0) | packet->payload_type);
	put_u16(out + 2, packet->seq);
	put_u32(out + 4, packet->ts);
	put_u32(out + 8, packet->ssrc);
	for (uint8_t i = 0; i < packet->csrc_count; i++, p += 4)
		put_u32(p, packet->csrc[i]);
	if (ext_words) {
		put_u16(p, packet->ext_profile);
		put_u16(p + 2, (uint16_t)ext_words);
		memset(p + 4, 0, 4 * ext_words);
		memcpy(p + 4, packet->ext, packet->ext_len);
	}
	return (int)need;
}

const uint8_t *rtp_ext_find(const struct rtp_packet *packet, uint8_t id, uint8_t *ret_len)
{
	const uint8_t *p = packet->ext;
	size_t left = packet->ext_len;

	assert(id >= 1 && id <= 14);
	if (!p || packet->ext_profile != RTP_EXT_ONE_BYTE)
		return NULL;
	while (left > 0) {
		uint8_t this_id = *p >> 4, this_len = (uint8_t)((*p & 15) + 1);

		p++, left--;
		if (this_id == 0) /* padding */
			continue;
		if (this_id == 15 || this_len > left) /* 15: stop (RFC 8285 4.2) */
			return NULL;
		if (this_id == id) {
			*ret_len = this_len;
			return p;
		}
		p += this_len, left -= this_len;
	}
	return NULL;
}

int rtp_ext_level(const struct rtp_packet *packet, uint8_t id, uint8_t *ret_level, bool *ret_voice)
{
	uint8_t len;
	const uint8_t *p = rtp_ext_find(packet, id, &len);

	if (!p)
		return -ENOENT;
	*ret_level = *p & 0x7f;
	*ret_voice = *p & 0x80;
	return 0;
}

int64_t rtp_seq_extend(int64_t reference, uint16_t seq)
{
	return reference + rtp_seq_diff(seq, (uint16_t)reference);
}

int64_t rtp_ts_extend(int64_t reference, uint32_t ts)
{
	return reference + rtp_ts_diff(ts, (uint32_t)reference);
}

/* Source ------------------------------------------------------------------------------------- */

enum { SEQ_MOD = 1 << 16, NO_BAD_SEQ = SEQ_MOD + 1 };

void rtp_source_init(struct rtp_source *source, uint32_t clock_hz)
{
	assert(clock_hz > 0);
	*source = (struct rtp_source){
		.clock_hz = clock_hz, .bad_seq = NO_BAD_SEQ, .transit = INT64_MIN};
}

void rtp_source_clock_rt(struct rtp_source *source, uint32_t clock_hz)
{
	if (source->clock_hz == clock_hz)
		return;
	assert(clock_hz > 0);
	source->clock_hz = clock_hz;
	source->transit = INT64_MIN;
	source->jitter_q4 = 0;
}

static void source_restart(struct rtp_source *source, uint16_t seq)
{
	if (source->is_started)
		source->lost_carried = rtp_source_lost(source);
	source->is_started = true;
	source->base_seq = seq;
	source->max_seq = seq;
	source->bad_seq = NO_BAD_SEQ;
	source->cycles = 0;
	source->received = 0;
	source->received_prior = 0;
	source->expected_prior = 0;
	source->transit = INT64_MIN;
}

/* A.1: where the number lies decides. */
static enum rtp_verdict source_judge(struct rtp_source *source, uint16_t seq)
{
	uint16_t ahead = (uint16_t)(seq - source->max_seq);

	if (source->probation) {
		if (ahead != 1) { /* starts counting anew */
			source_restart(source, seq);
			source->probation = RTP_PROBATION - 1;
			return RTP_PROBATION_RUNS;
		}
		source->max_seq = seq;
		source->cycles += seq == 0 ? SEQ_MOD : 0;
		return --source->probation ? RTP_PROBATION_RUNS : RTP_ACCEPT;
	}
	if (ahead < RTP_DROPOUT_MAX) {
		source->cycles += seq < source->max_seq ? SEQ_MOD : 0;
		source->max_seq = seq;
		return RTP_ACCEPT;
	}
	if (ahead > SEQ_MOD - RTP_MISORDER_MAX)
		return RTP_ACCEPT;    /* duplicate or reordered */
	if (seq == source->bad_seq) { /* two strays in a row: the peer restarted */
		source_restart(source, seq);
		return RTP_RESTART;
	}
	source->bad_seq = (seq + 1u) & (SEQ_MOD - 1);
	return RTP_DROP;
}

/* A.8. The difference of two transits fits, whatever the offset of the clocks. */
static void source_jitter(struct rtp_source *source, uint32_t ts, uint64_t arrival_us)
{
	uint32_t arrival = (uint32_t)(arrival_us / 1000000 * source->clock_hz +
				      arrival_us % 1000000 * source->clock_hz / 1000000);
	uint32_t transit = arrival - ts;
	int64_t d;

	if (source->transit != INT64_MIN) {
		d = (int32_t)(transit - (uint32_t)source->transit);
		d = d < 0 ? -d : d;
		if (d < source->clock_hz) /* a timestamp jump is no jitter */
			source->jitter_q4 += (uint32_t)d - ((source->jitter_q4 + 8) >> 4);
	}
	source->transit = transit;
}

enum rtp_verdict rtp_source_update_rt(struct rtp_source *source, const struct rtp_packet *packet,
				      uint64_t arrival_us)
{
	enum rtp_verdict verdict;

	if (!source->is_started || packet->ssrc != source->ssrc) {
		source_restart(source, packet->seq);
		source->ssrc = packet->ssrc;
		source->jitter_q4 = 0;
		source->probation = RTP_PROBATION - 1;
		verdict = RTP_PROBATION_RUNS;
	} else {
		verdict = source_judge(source, packet->seq);
	}
	if (verdict == RTP_DROP)
		return verdict;
	source->received++;
	source_jitter(source, packet->ts, arrival_us);
	return verdict;
}

static uint32_t source_expected(const struct rtp_source *source)
{
	return source->is_started ? source->cycles + source->max_seq - source->base_seq + 1 : 0;
}

struct rtp_report rtp_source_report_rt(struct rtp_source *source)
{
	uint32_t expected = source_expected(source);
	int64_t lost = (int64_t)expected - source->received;
	uint32_t expected_now = expected - source->expected_prior;
	int64_t lost_now = (int64_t)expected_now - (source->received - source->received_prior);
	struct rtp_report report = {
		.ssrc = source->ssrc,
		.lost = (int32_t)(lost > 0x7fffff    ? 0x7fffff
				  : lost < -0x800000 ? -0x800000
						     : lost),
		.highest_seq = source->cycles + source->max_seq,
		.jitter = source->jitter_q4 >> 4,
	};

	if (expected_now && lost_now > 0)
		report.fraction_lost_q8 = (uint8_t)(lost_now * 256 / expected_now > 255
							    ? 255
							    : lost_now * 256 / expected_now);
	source->expected_prior = expected;
	source->received_prior = source->received;
	return report;
}

uint64_t rtp_source_lost(const struct rtp_source *source)
{
	uint32_t expected = source_expected(source);

	return source->lost_carried +
	       (expected > source->received ? expected - source->received : 0);
}

uint32_t rtp_source_jitter_us(const struct rtp_source *source)
{
	return (uint32_t)((uint64_t)source->jitter_q4 * 1000000 / 16 / source->clock_hz);
}
