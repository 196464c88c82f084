/* base/err.h -- one number space for errors: 0, negative errno, or a domain code of err.inc.
 *
 * Thread: any. Statuses of SIP and HTTP are chosen from these codes in one table each.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err {
#define ERR(name, value, text) ERR_##name = (value),
#include "base/err.inc"
#undef ERR
};

/* "ROOM_FULL", "EINVAL", or "UNKNOWN". Static text. */
const char *err_name(int err);

/* A sentence for people, without a full stop. Static text. */
const char *err_text(int err);

#endif
