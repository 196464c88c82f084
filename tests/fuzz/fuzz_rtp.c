/* tests/fuzz/fuzz_rtp.c -- datagrams into everything that looks at RTP on a worker.
 *
 * Input: records of one octet of time (4 ms units), one of length, and so many octets of datagram.
 * What parses is written again and must parse to the same; then it goes through the source's
 * judgement into the receiving chain and the digit receiver, and a frame is pulled whenever 20 ms
 * have passed.
 */
#include <stdlib.h>
#include <string.h>

#include "mixer/codec.h"
#include "mixer/dtmf.h"
#include "mixer/intake.h"
#include "mixer/rtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool held)
{
	if (!held)
		abort();
}

static void fixed_point(const struct rtp_packet *packet)
{
	uint8_t out[2 * UINT8_MAX]; /* datagrams are at most UINT8_MAX */
	struct rtp_packet again;
	int len = rtp_write(packet, out, sizeof(out));

	require(len >= RTP_HEADER_LEN);
	memcpy(out + len, packet->payload, packet->payload_len);
	require(rtp_parse(out, (size_t)len + packet->payload_len, &again) == 0);
	require(again.seq == packet->seq && again.ts == packet->ts && again.ssrc == packet->ssrc &&
		again.payload_type == packet->payload_type &&
		again.has_marker == packet->has_marker && again.csrc_count == packet->csrc_count &&
		again.payload_len == packet->payload_len && again.ext_len == packet->ext_len);
	require(memcmp(again.csrc, packet->csrc, 4u * packet->csrc_count) == 0);
	require(memcmp(again.payload, packet->payload, packet->payload_len) == 0);
}

struct leg {
	struct intake *intake;
	struct rtp_source source;
	struct dtmf dtmf;
	uint64_t now_us, tick_us;
};

static void take(struct leg *leg, const struct rtp_packet *packet)
{
	struct dtmf_digit digits[2];
	uint8_t level, len;
	bool voice;
	int told;

	(void)rtp_ext_level(packet, 1, &level, &voice);
	for (uint8_t id = 1; id <= 14; id++)
		(void)rtp_ext_find(packet, id, &len);
	if (rtp_source_update_rt(&leg->source, packet, leg->now_us) == RTP_DROP)
		return;
	if (packet->payload_type == 101) {
		told = dtmf_put_rt(&leg->dtmf, packet, leg->now_us, digits);
		require(told <= 2);
		intake_skip_rt(leg->intake, packet, leg->now_us);
	} else {
		(void)intake_put_rt(leg->intake, packet,
				    packet->payload_type == 8 ? MEDIA_CODEC_PCMA : MEDIA_CODEC_PCMU,
				    leg->now_us);
	}
}

static void pull(struct leg *leg)
{
	while (leg->tick_us + 20000 <= leg->now_us) {
		struct intake_frame frame;
		struct dtmf_digit digit;

		leg->tick_us += 20000;
		frame = intake_get_rt(leg->intake, leg->tick_us);
		require(frame.samples == 160 && frame.pcm != NULL && frame.level <= 127);
		require(frame.payload == NULL || frame.payload_len == 160);
		(void)dtmf_tick_rt(&leg->dtmf, leg->tick_us, &digit);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct intake_params params = {.codec = MEDIA_CODEC_PCMU, .pull_ms = 20};
	struct leg leg = {0};

	params.is_whole = size & 1;
	require(intake_new(&params, &leg.intake) == 0);
	rtp_source_init(&leg.source, 8000);
	dtmf_init(&leg.dtmf, 8000);
	while (size >= 2) {
		size_t len = data[1] < size - 2 ? data[1] : size - 2;
		struct rtp_packet packet;

		leg.now_us += data[0] * 4000u;
		pull(&leg);
		if (rtp_parse(data + 2, len, &packet) == 0) {
			fixed_point(&packet);
			take(&leg, &packet);
		}
		data += 2 + len;
		size -= 2 + len;
	}
	leg.now_us += 500000;
	pull(&leg);
	(void)rtp_source_report_rt(&leg.source);
	intake_free(leg.intake);
	return 0;
}
