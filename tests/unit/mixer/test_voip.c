/* tests/unit/mixer/test_voip.c */
#include "mixer/voip.h"
#include "tests/support/check.h"

static void nothing_missed(void)
{
	struct voip voip = {0};
	struct voip_report report;

	voip_note_rt(&voip, 500, 0, 0);
	report = voip_report_rt(&voip, 20);
	CHECK_INT("loss", report.loss_q8, 0);
	CHECK_INT("bursts", report.burst_ms, 0);
	CHECK_INT("one long gap", report.gap_ms, 10000);
	CHECK_INT("unknown", report.r_factor, VOIP_UNKNOWN);
}

/* One packet in twenty: never two within 16, so all of it is gap. */
static void single_losses_are_no_bursts(void)
{
	struct voip voip = {0};
	struct voip_report report;

	voip_note_rt(&voip, 100, 0, 0);
	for (int i = 0; i < 100; i++) {
		voip_note_rt(&voip, 0, 1, 0);
		voip_note_rt(&voip, 19, 0, 0);
	}
	report = voip_report_rt(&voip, 20);
	CHECK_NEAR("loss", report.loss_q8, 12, 1);
	CHECK_NEAR("density of the gap", report.gap_density_q8, 12, 1);
	CHECK_INT("discarded", report.discard_q8, 0);
}

/* Every ten seconds five packets in a row, then every other one of ten, come too late. */
static void bursts_are_measured(void)
{
	struct voip voip = {0};
	struct voip_report report;

	for (int i = 0; i < 20; i++) {
		voip_note_rt(&voip, 485, 0, 0);
		voip_note_rt(&voip, 0, 0, 5);
		for (int k = 0; k < 5; k++) {
			voip_note_rt(&voip, 1, 0, 0);
			voip_note_rt(&voip, 0, 0, 1);
		}
	}
	report = voip_report_rt(&voip, 20);
	CHECK_INT("loss", report.loss_q8, 0);
	CHECK_NEAR("discarded", report.discard_q8, 5, 1);
	CHECK_NEAR("two thirds of a burst are missing", report.burst_density_q8, 171, 20);
	CHECK_NEAR("its length", report.burst_ms, 300, 60);
	CHECK_NEAR("length of a gap", report.gap_ms, 9700, 500);
	CHECK_INT("nothing between", report.gap_density_q8, 0);
}

static void a_stretch_is_spread_evenly(void)
{
	struct voip voip = {0};

	voip_note_rt(&voip, 40, 1, 0);
	CHECK_INT("before and after", voip.run, 20);
	voip_note_rt(&voip, 0, 3, 0);
	CHECK_INT("three in a row", voip.c33, 2);
	CHECK_INT("all", voip.received + voip.lost, 44);
}

void suite_voip(void)
{
	CHECK_SUITE("voip");
	CHECK_TEST(nothing_missed);
	CHECK_TEST(single_losses_are_no_bursts);
	CHECK_TEST(bursts_are_measured);
	CHECK_TEST(a_stretch_is_spread_evenly);
}
