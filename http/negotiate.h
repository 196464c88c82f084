/* http/negotiate.h -- media types of requests: Accept and Content-Type (RFC 9110 12.5.1, 8.3).
 * Thread: any. */
#ifndef HTTP_NEGOTIATE_H
#define HTTP_NEGOTIATE_H

#include <stdbool.h>

#include "base/slice.h"

/* Whether `accept` (absent: anything) takes `type`, "application/json" with or without parameters.
 * The most specific range that fits decides; q=0 refuses. Ranges that do not parse are skipped. */
bool negotiate_accepts(struct slice accept, struct slice type);

/* application/json or application/merge-patch+json, in any case, with any parameters. */
bool negotiate_is_json(struct slice content_type);

#endif
