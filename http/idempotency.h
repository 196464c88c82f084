/* http/idempotency.h -- answers kept for POSTs that are sent again (Idempotency-Key).
 *
 * The same key at the same path with the same body gives the same answer, without the deed being
 * done twice; with another body it is refused. Keys are kept for IDEMPOTENCY_KEPT_MS, at most
 * IDEMPOTENCY_MAX of them: the oldest makes room. Thread: control.
 */
#ifndef HTTP_IDEMPOTENCY_H
#define HTTP_IDEMPOTENCY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum { IDEMPOTENCY_MAX = 1024, IDEMPOTENCY_KEY_MAX = 255, IDEMPOTENCY_KEPT_MS = 24 * 3600 * 1000 };

struct idempotency;

struct idempotency_answer {
	uint16_t status;
	const char *content_type; /* static text */
	char location[192], etag[64];
	struct buf body;
};

/* -ENOMEM. */
int idempotency_new(struct idempotency **ret_cache);
struct idempotency *idempotency_free(struct idempotency *cache);

/* A request that carries a key. */
struct idempotency_ask {
	struct slice path, key, body;
	uint64_t now_ms;
};

/* 0 with *ret_answer (borrowed, until the next put) or NULL when the key is new;
 * ERR_HTTP_KEY_REUSED. */
int idempotency_find(struct idempotency *cache, const struct idempotency_ask *ask,
		     const struct idempotency_answer **ret_answer);

/* Copies the answer, for a key that is new. -ENOMEM: nothing was kept. */
int idempotency_put(struct idempotency *cache, const struct idempotency_ask *ask,
		    const struct idempotency_answer *answer);

uint32_t idempotency_count(const struct idempotency *cache);

#endif
