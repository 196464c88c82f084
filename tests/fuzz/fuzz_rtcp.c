/* tests/fuzz/fuzz_rtcp.c -- hostile compounds: nothing is read outside them, and what is believed
 * holds together. The first four octets are our own SSRC. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mixer/rtcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read can be written and reads the same again. */
static void round_trip(const struct rtcp_report *report, uint32_t our_ssrc)
{
	struct rtcp_build build = {.ssrc = report->ssrc,
				   .is_sender = report->has_sender,
				   .ntp = report->ntp,
				   .rtp_timestamp = report->rtp_timestamp,
				   .sent_packets = report->sent_packets,
				   .sent_octets = report->sent_octets,
				   .block = report->has_block ? &report->block : NULL,
				   .cname = "fuzz",
				   .is_bye = report->has_bye};
	uint8_t out[RTCP_BUILD_MAX];
	struct rtcp_report again;
	size_t len = rtcp_build_rt(&build, out);
	int err = rtcp_parse_rt(out, len, our_ssrc, &again);

	assert(err == 0 && again.ssrc == report->ssrc && again.has_bye == report->has_bye);
	assert(again.has_block == report->has_block && again.has_sender == report->has_sender);
	if (report->has_block) {
		assert(again.block.lost == report->block.lost);
		assert(again.block.sequence == report->block.sequence);
		(void)rtcp_round_trip_us(&again.block, report->ntp);
	}
	(void)err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rtcp_report report;
	uint32_t our_ssrc = 0;

	if (size < 4)
		return 0;
	memcpy(&our_ssrc, data, 4);
	if (rtcp_parse_rt(data + 4, size - 4, our_ssrc, &report) == 0)
		round_trip(&report, our_ssrc);
	return 0;
}
