/* focus/failure.h -- one line that tells an operator why a call failed, and where to look. Thread:
 * control. */
#ifndef FOCUS_FAILURE_H
#define FOCUS_FAILURE_H

#include <stdbool.h>

#include "sip/ua.h"

struct participant;

/* What to do about it, for people; NULL: no failure, but something that people do (busy, declined,
 * not answered, rung off). `was_connected`: it had been answered. Pure. */
const char *failure_help(const struct sip_call_end *end, bool was_connected);

/* Logs "call.failed" at warn when the end is a failure. */
void failure_log(const struct participant *p, const struct sip_call_end *end);

#endif
