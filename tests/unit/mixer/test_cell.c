/* tests/unit/mixer/test_cell.c */
#include "mixer/cell.h"

#include <pthread.h>
#include <string.h>

#include "tests/support/check.h"

enum { WRITES = 20000 };

static void what_is_written_is_read(void)
{
	struct media_leg_stats in = {
		.rx_packets = 7, .level_in = 33, .mos_x100 = 440, .rx_last_ms = UINT64_MAX};
	struct media_leg_stats out;
	struct cell cell;

	cell_init(&cell);
	cell_read(&cell, &out);
	CHECK_INT("fresh", out.rx_packets, 0);
	cell_write_rt(&cell, &in);
	cell_read(&cell, &out);
	CHECK_INT("read", out.rx_packets, 7);
	CHECK_INT("read", out.level_in, 33);
	CHECK_INT("read", out.mos_x100, 440);
	CHECK("read", out.rx_last_ms == UINT64_MAX);
}

static void *writer(void *arg)
{
	for (uint64_t i = 1; i <= WRITES; i++) {
		struct media_leg_stats stats = {
			.rx_packets = i, .rx_octets = i * 3, .rx_last_ms = i * 7};

		cell_write_rt(arg, &stats);
	}
	return NULL;
}

/* First and last words always belong together, and never go back. */
static void no_torn_reads(void)
{
	struct cell cell;
	pthread_t thread;
	uint64_t last = 0;

	cell_init(&cell);
	if (!CHECK_INT("thread", pthread_create(&thread, NULL, writer, &cell), 0))
		return;
	while (last < WRITES) {
		struct media_leg_stats got;

		cell_read(&cell, &got);
		if (!CHECK("whole", got.rx_octets == got.rx_packets * 3 &&
					    got.rx_last_ms == got.rx_packets * 7) ||
		    !CHECK("forward", got.rx_packets >= last))
			break;
		last = got.rx_packets;
	}
	pthread_join(thread, NULL);
}

void suite_cell(void)
{
	CHECK_SUITE("cell");
	CHECK_TEST(what_is_written_is_read);
	CHECK_TEST(no_torn_reads);
}
