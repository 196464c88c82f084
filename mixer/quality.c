/* mixer/quality.c */
#include "mixer/quality.h"

/* G.113 appendix I. Robustness is that of G.711 with concealment, random loss: ours works behind
 * the decoder, whichever it is. */
#define BPL_CONCEALED 25.1
#define BPL_GSM 10.0

/* G.107 B.4 with all defaults. */
#define R_DEFAULT 93.2

/* The usual two-line fit of Id: flat to the knee at 177.3 ms, steep behind it. */
static double delay_impairment(double delay_ms)
{
	double id = 0.024 * delay_ms;

	if (delay_ms > 177.3)
		id += 0.11 * (delay_ms - 177.3);
	return id;
}

static double codec_impairment(enum media_codec codec)
{
	return codec == MEDIA_CODEC_GSM ? 20 : codec == MEDIA_CODEC_G726_32 ? 7 : 0;
}

static double loss_impairment(enum media_codec codec, double loss_percent)
{
	double ie = codec_impairment(codec);
	double bpl = codec == MEDIA_CODEC_GSM ? BPL_GSM : BPL_CONCEALED;

	return ie + (95.0 - ie) * loss_percent / (loss_percent + bpl);
}

static double r_of(enum media_codec codec, uint32_t delay_ms, uint32_t loss_q16)
{
	double loss_percent = (double)MIN_OF(loss_q16, 65536u) * 100.0 / 65536.0;

	return R_DEFAULT - delay_impairment((double)delay_ms) -
	       loss_impairment(codec, loss_percent);
}

uint8_t quality_r_rt(enum media_codec codec, uint32_t delay_ms, uint32_t loss_q16)
{
	double r = r_of(codec, delay_ms, loss_q16);

	return r > 0 ? (uint8_t)(r + 0.5) : 0;
}

uint16_t quality_mos_x100_rt(enum media_codec codec, uint32_t delay_ms, uint32_t loss_q16)
{
	double r = r_of(codec, delay_ms, loss_q16), mos;

	/* Below R = 6.5 the polynomial of annex B dips under 1. */
	if (r < 6.5)
		return QUALITY_MOS_X100_MIN;
	mos = 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6;
	return (uint16_t)(mos * 100.0 + 0.5);
}
