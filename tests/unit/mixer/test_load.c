/* tests/unit/mixer/test_load.c -- how busy a worker is: measured, and reckoned on. */
#include "mixer/load.h"

#include "tests/support/check.h"

static const uint64_t second_ns = 1000000000;

/* Each second the worker was awake for so long; what it is believed to have to do then. */
static void measured(void)
{
	static const struct {
		const char *name;
		uint32_t busy_ms[4], legs, want_us;
	} cases[] = {
		{"nothing to do", {0, 0, 0, 0}, 0, 0},
		{"a steady quarter", {250, 250, 250, 250}, 700, 250000},
		{"it grows, and is followed by halves", {0, 0, 400, 400}, 700, 300000},
		{"without legs it is forgotten at once", {800, 800, 800, 0}, 0, 0},
		{"more than there is", {1000, 1000, 1000, 1000}, 3000, 1000000},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct load load = {0};
		uint64_t busy_ns = 7000, now_ns = 5 * second_ns;

		load_measure(&load, now_ns, busy_ns, cases[i].legs);
		CHECK_INT("one measurement tells nothing", load.busy_us, 0);
		for (int k = 0; k < 4; k++) {
			now_ns += second_ns;
			busy_ns += cases[i].busy_ms[k] * 1000000ull;
			load_measure(&load, now_ns, busy_ns, cases[i].legs);
		}
		CHECK_INT(cases[i].name, load.busy_us, cases[i].want_us);
		CHECK_INT(cases[i].name, load.legs, cases[i].legs);
		load_measure(&load, now_ns, busy_ns + second_ns, 1);
		CHECK_INT("no time has passed", load.busy_us, cases[i].want_us);
	}
}

static void reckoned(void)
{
	static const struct {
		const char *name;
		struct load load;
		uint32_t legs, leg_us, want_us;
	} cases[] = {
		{"never measured: by legs", {0}, 10, 350, 3500},
		{"as measured", {1, 1, 200000, 500}, 500, 400, 200000},
		{"some came", {1, 1, 200000, 500}, 600, 400, 240000},
		{"some went", {1, 1, 200000, 500}, 400, 400, 160000},
		{"all went", {1, 1, 200000, 500}, 0, 1000, 0},
		{"few, but dear", {1, 1, 600000, 20}, 20, 30000, 600000},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_INT(cases[i].name,
			  load_reckon(&cases[i].load, cases[i].legs, cases[i].leg_us),
			  cases[i].want_us);
	CHECK_INT("nothing is known", load_leg_us(0, 0), LOAD_LEG_US);
	CHECK_INT("a virtual clock", load_leg_us(0, 100), LOAD_LEG_US);
	CHECK_INT("on average", load_leg_us(300000, 1000), 300);
	CHECK_INT("not nothing", load_leg_us(1000, 1000), LOAD_LEG_US_MIN);
	CHECK_INT("not everything", load_leg_us(1000000, 1), LOAD_LEG_US_MAX);
}

void suite_load(void)
{
	CHECK_SUITE("load");
	CHECK_TEST(measured);
	CHECK_TEST(reckoned);
}
