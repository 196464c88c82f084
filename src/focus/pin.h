/* focus/pin.h -- PINs are kept as salted hashes (PBKDF2 with HMAC-SHA-256, RFC 8018 5.2) and
 * compared in constant time. Four digits cannot be made safe by hashing alone; lockout.h limits the
 * guesses. Thread: any.
 */
#ifndef FOCUS_PIN_H
#define FOCUS_PIN_H

#include <stdbool.h>

#include "base/random.h"
#include "base/slice.h"

enum { PIN_MIN = 3, PIN_MAX = 16, PIN_HASH_MAX = 127 };

bool pin_is_valid(struct slice pin); /* PIN_MIN to PIN_MAX digits */

/* Writes "pbkdf2$<rounds>$<salt>$<hash>". -EINVAL (no PIN), -EIO (OpenSSL will not). */
int pin_hash(struct random *random, struct slice pin, char ret_hash[PIN_HASH_MAX + 1]);

/* As pin_hash writes it: one that comes from elsewhere must not cost us time without end. */
bool pin_hash_is_sound(struct slice hash);

/* False for an empty or damaged hash as well. */
bool pin_matches(const char *hash, struct slice pin);

#endif
