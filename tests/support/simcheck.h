/* tests/support/simcheck.h -- watches a simulated network for what must hold on the wire, whatever
 * happens: every INVITE that a server took up gets final answers of one status only, and at least
 * one.
 *
 * Put on a simnet as its tap. Thread: one.
 */
#ifndef TESTS_SUPPORT_SIMCHECK_H
#define TESTS_SUPPORT_SIMCHECK_H

#include <stdio.h>

#include "base/buf.h"
#include "tests/support/simnet.h"

struct simcheck;

/* `trace`: each message is printed there as it is sent, or NULL. */
struct simcheck *simcheck_new(struct simnet *net, struct wheel *wheel, FILE *trace);
struct simcheck *simcheck_free(struct simcheck *check);

/* Empty when all INVITEs that were answered provisionally also have one final answer; else
 * sentences. Call it when all is over. */
const char *simcheck_faults(struct simcheck *check);
uint32_t simcheck_invites(const struct simcheck *check); /* INVITE server transactions seen */

#endif
