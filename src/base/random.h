/* base/random.h -- random numbers, handed in: the kernel's for the server, seeded for tests.
 *
 * The system source is fit for tags, branches, SSRCs and tokens (getrandom, buffered). The seeded
 * source replays exactly. Thread: one owner per struct random.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
	uint64_t state[4]; /* private: seeded generator */
	int is_seeded;     /* private */
	uint8_t pool[256]; /* private: kernel octets not used yet */
	uint32_t pool_left; /* private */
};

void random_init_system(struct random *random);
void random_init_seeded(struct random *random, uint64_t seed);

void random_bytes(struct random *random, void *out, size_t len);
uint32_t random_u32(struct random *random);
uint64_t random_u64(struct random *random);
uint32_t random_below(struct random *random, uint32_t bound); /* 0 .. bound-1, unbiased; bound >= 1 */

/* `chars` characters of [a-z2-7] (5 bits each) and a NUL into out[chars + 1]. Returns out. */
char *random_token(struct random *random, char *out, size_t chars);

#endif
