/* mixer/prefetch.h -- asks for memory that is needed in a moment.
 *
 * A large room's legs do not fit the second-level cache: each tick finds them cold, one line after
 * the other. The receive call of one leg takes long enough to fetch the state of the next, so the
 * passes of a bus ask ahead (bus.c). It is a hint: any address is allowed, nothing is changed.
 *
 * Threads: any.
 */
#ifndef MIXER_PREFETCH_H
#define MIXER_PREFETCH_H

#include <stddef.h>
#include <stdint.h>

enum { PREFETCH_LINE = 64 };

static inline void prefetch_lines(const void *start, size_t octets)
{
	const char *line = (const char *)((uintptr_t)start & ~(uintptr_t)(PREFETCH_LINE - 1));
	const char *end = (const char *)start + octets;

	for (; line < end; line += PREFETCH_LINE)
		__builtin_prefetch(line);
}

#endif
