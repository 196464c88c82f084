/* mixer/load.c */
#include "mixer/load.h"

#include "base/attr.h"

void load_measure(struct load *load, uint64_t now_ns, uint64_t busy_ns, uint32_t legs)
{
	uint64_t past_us = (now_ns - load->at_ns) / 1000;
	uint32_t busy_us;

	if (now_ns <= load->at_ns || past_us == 0)
		return;
	if (load->at_ns) {
		busy_us = (uint32_t)((busy_ns - load->busy_ns) / 1000 * LOAD_CORE_US / past_us);
		load->busy_us = load->legs ? (load->busy_us + busy_us) / 2 : busy_us;
		load->legs = legs;
	}
	load->at_ns = now_ns;
	load->busy_ns = busy_ns;
}

uint32_t load_reckon(const struct load *load, uint32_t legs, uint32_t leg_us)
{
	int64_t us = load->busy_us + ((int64_t)legs - load->legs) * leg_us;

	return (uint32_t)MIN_OF(MAX_OF(us, (int64_t)0), (int64_t)UINT32_MAX);
}

uint32_t load_leg_us(uint64_t busy_us, uint32_t legs)
{
	uint64_t each = legs ? busy_us / legs : 0;

	if (each == 0)
		return LOAD_LEG_US;
	return (uint32_t)MIN_OF(MAX_OF(each, (uint64_t)LOAD_LEG_US_MIN), (uint64_t)LOAD_LEG_US_MAX);
}
