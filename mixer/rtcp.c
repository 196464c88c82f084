/* mixer/rtcp.c */
#include "mixer/rtcp.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum {
	TYPE_FIRST = 192, /* RFC 5761 4 */
	TYPE_LAST = 223,
	TYPE_SR = 200,
	TYPE_RR = 201,
	TYPE_SDES = 202,
	TYPE_BYE = 203,
	TYPE_XR = 207,
	XR_VOIP = 7, /* report block (RFC 3611 4.7) */
	XR_VOIP_WORDS = 8,
	XR_RX_CONFIG = 0xb1, /* enhanced concealment, adaptive buffer (4.7.6) */
	HEADER_OCTETS = 4,
	SENDER_OCTETS = 20,
	BLOCK_OCTETS = 24,
	SDES_CNAME = 1,
	LOST_MAX = 0x7fffff,
	LOST_MIN = -0x800000,
	ROUND_TRIP_MAX_S = 10
};

#define NTP_OFFSET_S 2208988800u /* 1900 to 1970 */
#define COMPENSATION 1.21828     /* e - 3/2 (6.3.1) */

static uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint8_t *put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
	return p + 4;
}

/* One packet of a compound, header checked, padding cut off. */
struct packet {
	uint8_t type, count;
	const uint8_t *body; /* behind the common header */
	size_t body_len;
};

/* Cuts the next packet off *data. Padding is allowed on the last packet only (6.4.1, A.2). */
static int packet_next(const uint8_t **data, size_t *len, struct packet *ret)
{
	const uint8_t *p = *data;
	size_t octets, padding = 0;

	if (*len < HEADER_OCTETS || p[0] >> 6 != 2)
		return -EINVAL;
	octets = ((size_t)p[2] << 8 | p[3]) * 4 + 4;
	if (octets > *len)
		return -EINVAL;
	if (p[0] & 0x20) {
		padding = p[octets - 1];
		if (octets != *len || padding == 0 || padding % 4 ||
		    padding > octets - HEADER_OCTETS)
			return -EINVAL;
	}
	ret->type = p[1];
	ret->count = p[0] & 0x1f;
	ret->body = p + HEADER_OCTETS;
	ret->body_len = octets - HEADER_OCTETS - padding;
	*data += octets;
	*len -= octets;
	return 0;
}

static void block_read(const uint8_t *p, struct rtcp_block *ret)
{
	int32_t lost = (int32_t)(get_u32(p + 4) & 0xffffff);

	ret->ssrc = get_u32(p);
	ret->fraction_q8 = p[4];
	ret->lost = lost > LOST_MAX ? lost - 0x1000000 : lost;
	ret->sequence = get_u32(p + 8);
	ret->jitter = get_u32(p + 12);
	ret->lsr = get_u32(p + 16);
	ret->dlsr = get_u32(p + 20);
}

static int report_read(const struct packet *packet, uint32_t our_ssrc, struct rtcp_report *report)
{
	size_t sender = packet->type == TYPE_SR ? SENDER_OCTETS : 0;
	const uint8_t *p = packet->body;

	if (packet->body_len < 4 + sender + (size_t)packet->count * BLOCK_OCTETS)
		return -EINVAL;
	if (sender) {
		report->has_sender = true;
		report->ntp = (uint64_t)get_u32(p + 4) << 32 | get_u32(p + 8);
		report->rtp_timestamp = get_u32(p + 12);
		report->sent_packets = get_u32(p + 16);
		report->sent_octets = get_u32(p + 20);
	}
	p += 4 + sender;
	for (uint8_t i = 0; i < packet->count; i++, p += BLOCK_OCTETS) {
		if (get_u32(p) != our_ssrc)
			continue;
		report->has_block = true;
		block_read(p, &report->block);
	}
	return 0;
}

/* Walks the chunks of an SDES only to see that they are well formed (6.5). */
static int sdes_check(const struct packet *packet)
{
	size_t at = 0;

	for (uint8_t chunk = 0; chunk < packet->count; chunk++) {
		size_t start = at;

		at += 4;
		for (;;) {
			if (at >= packet->body_len)
				return -EINVAL;
			if (packet->body[at] == 0)
				break;
			if (at + 2 > packet->body_len)
				return -EINVAL;
			at += 2u + packet->body[at + 1];
		}
		at = start + ((at - start) / 4 + 1) * 4; /* at least one zero, to the next word */
		if (at > packet->body_len)
			return -EINVAL;
	}
	return 0;
}

static int bye_read(const struct packet *packet, struct rtcp_report *report)
{
	if (packet->body_len < (size_t)packet->count * 4)
		return -EINVAL;
	for (uint8_t i = 0; i < packet->count; i++)
		if (get_u32(packet->body + (size_t)i * 4) == report->ssrc)
			report->has_bye = true;
	return 0;
}

static int packet_read(const struct packet *packet, uint32_t our_ssrc, struct rtcp_report *report)
{
	switch (packet->type) {
	case TYPE_SR:
	case TYPE_RR:
		return report_read(packet, our_ssrc, report);
	case TYPE_SDES:
		return sdes_check(packet);
	case TYPE_BYE:
		return bye_read(packet, report);
	default:
		return 0; /* APP, feedback, XR: not ours, and no fault (6.1) */
	}
}

int rtcp_parse_rt(const uint8_t *data, size_t len, uint32_t our_ssrc,
		  struct rtcp_report *ret_report)
{
	if (len < HEADER_OCTETS || (data[1] != TYPE_SR && data[1] != TYPE_RR) || data[0] & 0x20)
		return -EINVAL;
	return rtcp_parse_reduced_rt(data, len, our_ssrc, ret_report);
}

int rtcp_parse_reduced_rt(const uint8_t *data, size_t len, uint32_t our_ssrc,
			  struct rtcp_report *ret_report)
{
	struct rtcp_report report = {0};
	uint32_t packets = 0;

	if (len < HEADER_OCTETS + 4 || data[1] < TYPE_FIRST || data[1] > TYPE_LAST)
		return -EINVAL;
	report.ssrc = get_u32(data + HEADER_OCTETS);
	while (len > 0) {
		struct packet packet;
		int err = packet_next(&data, &len, &packet);

		if (err == 0 && ++packets > RTCP_PACKETS_MAX)
			err = -EINVAL;
		if (err == 0)
			err = packet_read(&packet, our_ssrc, &report);
		if (err)
			return err;
	}
	*ret_report = report;
	return 0;
}

/* Writes the common header; `end` is behind the packet's last octet. */
static void put_header(uint8_t *start, const uint8_t *end, uint8_t count, uint8_t type)
{
	size_t words = (size_t)(end - start) / 4 - 1;

	assert((end - start) % 4 == 0);
	start[0] = (uint8_t)(0x80 | count);
	start[1] = type;
	start[2] = (uint8_t)(words >> 8);
	start[3] = (uint8_t)words;
}

static uint8_t *put_block(uint8_t *p, const struct rtcp_block *block)
{
	int32_t lost = MAX_OF(LOST_MIN, MIN_OF(LOST_MAX, block->lost));

	p = put_u32(p, block->ssrc);
	p = put_u32(p, (uint32_t)block->fraction_q8 << 24 | ((uint32_t)lost & 0xffffff));
	p = put_u32(p, block->sequence);
	p = put_u32(p, block->jitter);
	p = put_u32(p, block->lsr);
	return put_u32(p, block->dlsr);
}

static uint8_t *put_report(uint8_t *start, const struct rtcp_build *build)
{
	uint8_t *p = put_u32(start + HEADER_OCTETS, build->ssrc);

	if (build->is_sender) {
		p = put_u32(p, (uint32_t)(build->ntp >> 32));
		p = put_u32(p, (uint32_t)build->ntp);
		p = put_u32(p, build->rtp_timestamp);
		p = put_u32(p, build->sent_packets);
		p = put_u32(p, build->sent_octets);
	}
	if (build->block)
		p = put_block(p, build->block);
	put_header(start, p, build->block != NULL, build->is_sender ? TYPE_SR : TYPE_RR);
	return p;
}

static uint8_t *put_sdes(uint8_t *start, const struct rtcp_build *build)
{
	uint8_t *p = put_u32(start + HEADER_OCTETS, build->ssrc);
	size_t len = strlen(build->cname);

	assert(len <= RTCP_CNAME_MAX);
	*p++ = SDES_CNAME;
	*p++ = (uint8_t)len;
	memcpy(p, build->cname, len);
	p += len;
	do
		*p++ = 0;
	while ((p - start) % 4);
	put_header(start, p, 1, TYPE_SDES);
	return p;
}

static uint8_t *put_u16(uint8_t *p, uint16_t v)
{
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)v;
	return p;
}

/* One report block of VoIP metrics (RFC 3611 2, 4.7). */
static uint8_t *put_voip(uint8_t *start, const struct rtcp_build *build)
{
	const struct voip_report *voip = build->voip;
	uint8_t *p = put_u32(start + HEADER_OCTETS, build->ssrc);

	p = put_u32(p, (uint32_t)XR_VOIP << 24 | XR_VOIP_WORDS);
	p = put_u32(p, build->block->ssrc);
	*p++ = voip->loss_q8;
	*p++ = voip->discard_q8;
	*p++ = voip->burst_density_q8;
	*p++ = voip->gap_density_q8;
	p = put_u16(p, voip->burst_ms);
	p = put_u16(p, voip->gap_ms);
	p = put_u16(p, voip->round_trip_ms);
	p = put_u16(p, voip->end_delay_ms);
	*p++ = (uint8_t)voip->signal_dbm;
	*p++ = VOIP_UNKNOWN; /* noise */
	*p++ = VOIP_UNKNOWN; /* echo return loss */
	*p++ = VOIP_GMIN;
	*p++ = voip->r_factor;
	*p++ = VOIP_UNKNOWN; /* of a network behind us */
	*p++ = voip->mos_lq_x10;
	*p++ = voip->mos_cq_x10;
	*p++ = XR_RX_CONFIG;
	*p++ = 0;
	p = put_u16(p, voip->delay_ms);
	p = put_u16(p, voip->delay_ms_max);
	p = put_u16(p, voip->delay_ms_cap);
	put_header(start, p, 0, TYPE_XR);
	return p;
}

static uint8_t *put_bye(uint8_t *start, const struct rtcp_build *build)
{
	uint8_t *p = put_u32(start + HEADER_OCTETS, build->ssrc);

	put_header(start, p, 1, TYPE_BYE);
	return p;
}

size_t rtcp_build_rt(const struct rtcp_build *build, uint8_t out[RTCP_BUILD_MAX])
{
	/* SR with one block 52, SDES 8 + 2 + CNAME + 1 rounded up, XR 44, BYE 8. */
	_Static_assert(52 + ((8 + 2 + RTCP_CNAME_MAX + 1 + 3) & ~3) + 44 + 8 <= RTCP_BUILD_MAX,
		       "RTCP_BUILD_MAX");
	uint8_t *p = put_report(out, build);

	p = put_sdes(p, build);
	if (build->voip && build->block)
		p = put_voip(p, build);
	if (build->is_bye)
		p = put_bye(p, build);
	return (size_t)(p - out);
}

uint64_t rtcp_interval_ns_rt(struct random *random, bool is_first)
{
	double base_ms = is_first ? RTCP_INTERVAL_MS / 2.0 : RTCP_INTERVAL_MS;
	double spread = 0.5 + random_below(random, 65536) / 65536.0;

	return (uint64_t)(base_ms * spread / COMPENSATION * 1e6);
}

uint64_t rtcp_ntp(uint64_t wall_ns)
{
	uint64_t seconds = wall_ns / 1000000000 + NTP_OFFSET_S;
	uint64_t fraction = ((wall_ns % 1000000000) << 32) / 1000000000;

	return seconds << 32 | fraction;
}

uint32_t rtcp_round_trip_us(const struct rtcp_block *block, uint64_t ntp_arrival)
{
	uint32_t round_trip_q16;

	if (block->lsr == 0)
		return 0;
	round_trip_q16 = (uint32_t)(ntp_arrival >> 16) - block->lsr - block->dlsr;
	if (round_trip_q16 > (uint32_t)ROUND_TRIP_MAX_S << 16)
		return 0;
	/* A round trip below the resolution is still known: at least one microsecond. */
	return (uint32_t)MAX_OF((uint64_t)1, (uint64_t)round_trip_q16 * 1000000 >> 16);
}
