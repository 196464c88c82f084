/* mixer/cell.c -- orders instead of fences (H. Boehm, "Can seqlocks get along with programming
 * language memory models?", 2012): thread sanitizers understand these, and on x86 they are free. */
#include "mixer/cell.h"

#include <string.h>

void cell_init(struct cell *cell)
{
	atomic_init(&cell->sequence, 0);
	for (uint32_t i = 0; i < CELL_WORDS; i++)
		atomic_init(&cell->words[i], 0);
}

void cell_write_rt(struct cell *cell, const struct media_leg_stats *stats)
{
	uint32_t sequence = atomic_load_explicit(&cell->sequence, memory_order_relaxed);
	uint64_t words[CELL_WORDS] = {0};

	memcpy(words, stats, sizeof(*stats));
	atomic_store_explicit(&cell->sequence, sequence + 1, memory_order_relaxed);
	/* Release: whoever sees a new word also sees the odd count before it. */
	for (uint32_t i = 0; i < CELL_WORDS; i++)
		atomic_store_explicit(&cell->words[i], words[i], memory_order_release);
	atomic_store_explicit(&cell->sequence, sequence + 2, memory_order_release);
}

void cell_read(const struct cell *cell, struct media_leg_stats *ret_stats)
{
	uint64_t words[CELL_WORDS];
	uint32_t before, after;

	do {
		before = atomic_load_explicit(&cell->sequence, memory_order_acquire);
		for (uint32_t i = 0; i < CELL_WORDS; i++)
			words[i] = atomic_load_explicit(&cell->words[i], memory_order_acquire);
		after = atomic_load_explicit(&cell->sequence, memory_order_relaxed);
	} while (before != after || before & 1);
	memcpy(ret_stats, words, sizeof(*ret_stats));
}
