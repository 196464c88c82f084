/* mixer/cell.h -- the statistics of one leg, written by its worker, read by control at any time.
 *
 * A sequence lock: the count is odd while the writer is at it, and a reader that saw it odd or
 * changed tries again. The words themselves are atomics, so that a torn read is thrown away and not
 * undefined. The writer never waits.
 * Threads: one writer (whoever owns the leg), any readers.
 */
#ifndef MIXER_CELL_H
#define MIXER_CELL_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/attr.h"
#include "media.h"

enum { CELL_WORDS = (sizeof(struct media_leg_stats) + 7) / 8 };

struct cell {
	_Atomic uint32_t sequence;          /* private */
	_Atomic uint64_t words[CELL_WORDS]; /* private */
};

void cell_init(struct cell *cell);
void cell_write_rt(struct cell *cell, const struct media_leg_stats *stats) NONBLOCKING;
void cell_read(const struct cell *cell, struct media_leg_stats *ret_stats);

#endif
