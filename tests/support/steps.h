/* tests/support/steps.h -- how many machine instructions a function takes: no clock, no noise.
 * Thread: the test's; it forks. */
#ifndef TESTS_SUPPORT_STEPS_H
#define TESTS_SUPPORT_STEPS_H

/* Runs fn(arg) in a child, one instruction after the other (ptrace). -1 when that cannot be done.
 * What fn writes is the child's. ThreadSanitizer's own work differs from call to call: not to be
 * used there. */
long steps_of(void (*fn)(void *arg), void *arg);

#endif
