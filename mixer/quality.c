/* mixer/quality.c */
#include "mixer/quality.h"

/* G.113 appendix I: G.711 with concealment, random loss. */
#define IE_G711 0.0
#define BPL_G711_PLC 25.1

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

static double loss_impairment(double loss_percent)
{
	return IE_G711 + (95.0 - IE_G711) * loss_percent / (loss_percent + BPL_G711_PLC);
}

uint16_t quality_mos_x100_rt(uint32_t delay_ms, uint32_t loss_q16)
{
	double loss_percent = (double)MIN_OF(loss_q16, 65536u) * 100.0 / 65536.0;
	double r = R_DEFAULT - delay_impairment((double)delay_ms) - loss_impairment(loss_percent);
	double mos;

	/* Below R = 6.5 the polynomial of annex B dips under 1. */
	if (r < 6.5)
		return QUALITY_MOS_X100_MIN;
	mos = 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6;
	return (uint16_t)(mos * 100.0 + 0.5);
}
