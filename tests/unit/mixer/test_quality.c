/* tests/unit/mixer/test_quality.c */
#include "mixer/quality.h"
#include "tests/support/check.h"

/* Values by hand from G.107: R = 93.2 - Id - Ie,eff. */
static void mos_table(void)
{
	static const struct {
		const char *row;
		uint32_t delay_ms, loss_q16;
		int mos_x100, tolerance;
	} cases[] = {
		{"no delay, no loss", 0, 0, 441, 1},
		{"100 ms", 100, 0, 436, 2},
		{"400 ms is past the knee", 400, 0, 312, 8},
		{"1 % loss with concealment", 0, 655, 433, 3},
		{"10 % loss", 0, 6554, 343, 8},
		{"half is lost", 0, 32768, 161, 2},
		{"all is lost", 0, 65536, 100, 35},
		{"more than all", 0, 1u << 30, 100, 35},
		{"nobody waits so long", 5000, 65536, 100, 0},
		{"the largest delay", UINT32_MAX, 0, 100, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_NEAR(
			cases[i].row,
			quality_mos_x100_rt(MEDIA_CODEC_PCMU, cases[i].delay_ms, cases[i].loss_q16),
			cases[i].mos_x100, cases[i].tolerance);
}

static void codecs_differ(void)
{
	uint16_t g711 = quality_mos_x100_rt(MEDIA_CODEC_PCMA, 50, 0);

	CHECK_NEAR("G.726", quality_mos_x100_rt(MEDIA_CODEC_G726_32, 50, 0), 424, 6);
	CHECK_NEAR("GSM", quality_mos_x100_rt(MEDIA_CODEC_GSM, 50, 0), 373, 8);
	CHECK("GSM minds loss more", quality_mos_x100_rt(MEDIA_CODEC_GSM, 50, 3277) <
					     quality_mos_x100_rt(MEDIA_CODEC_GSM, 50, 0) - 60);
	CHECK_INT("Opus on this scale", quality_mos_x100_rt(MEDIA_CODEC_OPUS, 50, 0), g711);
}

static void worse_is_never_better(void)
{
	uint16_t last = QUALITY_MOS_X100_MAX;

	for (uint32_t loss = 0; loss <= 65536; loss += 64) {
		uint16_t mos = quality_mos_x100_rt(MEDIA_CODEC_PCMU, 50, loss);

		if (!CHECK("loss", mos <= last && mos >= QUALITY_MOS_X100_MIN))
			return;
		last = mos;
	}
	last = QUALITY_MOS_X100_MAX;
	for (uint32_t delay = 0; delay < 2000; delay++) {
		uint16_t mos = quality_mos_x100_rt(MEDIA_CODEC_PCMU, delay, 0);

		if (!CHECK("delay", mos <= last && mos >= QUALITY_MOS_X100_MIN))
			return;
		last = mos;
	}
}

void suite_quality(void)
{
	CHECK_SUITE("quality");
	CHECK_TEST(mos_table);
	CHECK_TEST(worse_is_never_better);
	CHECK_TEST(codecs_differ);
}
