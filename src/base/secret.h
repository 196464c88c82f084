/* base/secret.h -- comparing what nobody may find out piece by piece: PINs, tokens, signatures,
 * keys.
 *
 * A comparison that stops at the first octet that differs tells, by its time, how many were right.
 * This one looks at every octet that was given. Whatever in the server is a secret is compared here
 * (tests/lint/secrets.py), and tests/unit/base/test_secret.c counts the instructions. Thread: any.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>

#include "base/slice.h"

/* Equal, in a time that depends on both lengths alone. Two empty ones are the same. */
bool secret_is_same(struct slice given, struct slice secret);

#endif
