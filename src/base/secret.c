/* base/secret.c */
#include "base/secret.h"

bool secret_is_same(struct slice given, struct slice secret)
{
	/* Volatile: a compiler that sees the outcome decided may not leave the rest out. */
	volatile unsigned differs = given.len != secret.len;

	for (size_t i = 0, at = 0; i < given.len && secret.len > 0; i++) {
		differs |= (unsigned)((unsigned char)given.p[i] ^ (unsigned char)secret.p[at]);
		at = at + 1 == secret.len ? 0 : at + 1;
	}
	return differs == 0;
}
