#include "mixer/voip.h"

#define NEVER_LEFT 1.0 /* chance to leave a burst when none was ever seen to go on */

static void missed(struct voip *v)
{
	if (v->run >= VOIP_GMIN) {
		if (v->burst_lost == 1)
			v->c14++;
		else
			v->c13++;
		v->burst_lost = 1;
		v->c11 += v->run;
	} else {
		v->burst_lost++;
		if (v->run == 0)
			v->c33++;
		else {
			v->c23++;
			v->c22 += v->run - 1;
		}
	}
	v->run = 0;
}

void voip_note_rt(struct voip *v, uint32_t received, uint32_t lost, uint32_t discarded)
{
	uint32_t all = lost + discarded, left = received;

	v->received += received;
	v->lost += lost;
	v->discarded += discarded;
	for (uint32_t i = 0; i < all; i++) {
		uint32_t before = left / (all - i + 1);

		v->run += before;
		left -= before;
		missed(v);
	}
	v->run += left;
}

static uint8_t share_q8(double part, double whole)
{
	double q8 = whole > 0 ? 256 * part / whole : 0;

	return q8 >= 255 ? 255 : (uint8_t)q8;
}

static uint16_t ms16(double ms)
{
	return ms >= UINT16_MAX ? UINT16_MAX : (uint16_t)ms;
}

struct voip_report voip_report_rt(const struct voip *v, uint32_t packet_ms)
{
	double c31 = (double)v->c13, c32 = (double)v->c23, c33 = (double)v->c33;
	double c22 = (double)v->c22, c23 = (double)v->c23;
	double c11 = (double)v->c11 + v->run, c14 = (double)v->c14; /* the run goes on */
	double all = (double)(v->received + v->lost + v->discarded);
	double total = c11 + c14 + (double)v->c13 + c22 + c23 + c31 + c32 + c33;
	double p32 = c31 + c32 + c33 > 0 ? c32 / (c31 + c32 + c33) : 0;
	double p23 = c22 + c23 < 1 ? NEVER_LEFT : 1 - c22 / (c22 + c23);
	double gap_ms = (c11 + c14 + (double)v->c13) * packet_ms;
	struct voip_report report = {.signal_dbm = VOIP_UNKNOWN,
				     .r_factor = VOIP_UNKNOWN,
				     .mos_lq_x10 = VOIP_UNKNOWN,
				     .mos_cq_x10 = VOIP_UNKNOWN};

	report.loss_q8 = share_q8((double)v->lost, all);
	report.discard_q8 = share_q8((double)v->discarded, all);
	report.gap_density_q8 = share_q8(c14, c11 + c14);
	if (v->c13 == 0) { /* no burst so far */
		report.gap_ms = ms16(gap_ms);
		return report;
	}
	report.burst_density_q8 = share_q8(p23, p23 + p32);
	report.gap_ms = ms16(gap_ms / c31);
	report.burst_ms = ms16(total * packet_ms / c31 - gap_ms / c31);
	return report;
}
