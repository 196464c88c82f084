/* mixer/rt_trap.h -- proves that a worker's tick neither allocates nor locks.
 *
 * A worker marks its thread while it runs a tick. In builds with HEARTH_RT_TRAP (preset dev, never
 * with a sanitizer, which interposes the same symbols) malloc, free and their kin, mutexes,
 * condition variables, sleeping and opening of files abort the process with a message while the
 * mark is set. Without HEARTH_RT_TRAP the two calls cost nothing. Thread: the mark belongs to the
 * calling thread.
 */
#ifndef MIXER_RT_TRAP_H
#define MIXER_RT_TRAP_H

#include "base/attr.h"

#ifdef HEARTH_RT_TRAP
void rt_trap_enter(void) NONBLOCKING; /* nests */
void rt_trap_leave(void) NONBLOCKING;
#else
static inline void rt_trap_enter(void)
{
}

static inline void rt_trap_leave(void)
{
}
#endif

#endif
