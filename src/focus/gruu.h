/* focus/gruu.h -- temporary GRUUs that nobody has to remember (RFC 5627, as its appendix A.2 has
 * it).
 *
 * An *epoch* is what a phone is as long as it registers with one Call-ID: a number made from the
 * user, the instance and that Call-ID. A token is an epoch and a salt, enciphered as one block, so
 * that two tokens of one phone look like those of two. Any number of them may be given out; all end
 * with the epoch (RFC 5627 3.2), and none sooner, for the key outlives a restart. Thread: any.
 */
#ifndef FOCUS_GRUU_H
#define FOCUS_GRUU_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum {
	GRUU_KEY_OCTETS = 32,
	GRUU_TOKEN_CHARS = 26, /* 128 bits by five */
	GRUU_KEY_TEXT = 2 * GRUU_KEY_OCTETS
};

struct gruu_key {
	uint8_t octets[GRUU_KEY_OCTETS];
};

/* To be kept, and back. False: no such text. */
void gruu_key_write(const struct gruu_key *key, char out[GRUU_KEY_TEXT + 1]);
bool gruu_key_read(struct slice text, struct gruu_key *ret_key);

/* 0 is none: the library failed. */
uint64_t gruu_epoch(const struct gruu_key *key, const char *user, const char *instance,
		    const char *call_id);
/* [a-z2-7]. -ENOMEM: the library failed. */
int gruu_token(const struct gruu_key *key, uint64_t epoch, uint64_t salt,
	       char out[GRUU_TOKEN_CHARS + 1]);
/* False: not of that form. What was made up by others gives an epoch that nobody has. */
bool gruu_token_epoch(const struct gruu_key *key, struct slice token, uint64_t *ret_epoch);

#endif
