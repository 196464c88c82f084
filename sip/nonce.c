/* Text: time (ms, 12 hex), number (16 hex), tag of the peer (16 hex), signature (32 hex). */
#include "sip/nonce.h"

#define ERR_STATE OPENSSL_ERR_STATE /* a name of base/err.h too */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#undef ERR_STATE

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/prefix.h"
#include "base/secret.h"

enum {
	KEY_OCTETS = 32,
	TIME_CHARS = 12,
	NUMBER_CHARS = 16,
	PEER_CHARS = 16,
	SIGNED_CHARS = TIME_CHARS + NUMBER_CHARS + PEER_CHARS,
	SIGNATURE_CHARS = 32,
	TEXT_CHARS = SIGNED_CHARS + SIGNATURE_CHARS,
	LIFE_MS = 300000,
	ENTRIES_MAX = 16384
};
_Static_assert((int)TEXT_CHARS < (int)NONCE_TEXT_MAX, "a nonce fits");

/* One that is in use. */
struct entry {
	struct hash_node node;
	struct list order; /* nonces->entries, oldest made last seen first */
	uint64_t number, made_ms;
	uint32_t highest;
	uint64_t seen; /* bit i: count highest - i was used */
};

struct nonces {
	struct clock clock;
	struct random *random;
	uint32_t life_ms, entries_max, count;
	uint8_t key[KEY_OCTETS];
	struct hash *by_number;
	struct list entries;
	uint64_t floor_ms; /* made at or before: not known any more */
	bool has_floor;
};

static bool entry_is(const struct hash_node *node, const void *key)
{
	return CONTAINER_OF(node, const struct entry, node)->number == *(const uint64_t *)key;
}

int nonces_new(const struct nonces_params *params, struct nonces **ret_nonces)
{
	struct nonces *nonces = calloc(1, sizeof(*nonces));

	if (!nonces)
		return -ENOMEM;
	nonces->clock = params->clock;
	nonces->random = params->random;
	nonces->life_ms = params->life_ms ? params->life_ms : LIFE_MS;
	nonces->entries_max = params->entries_max ? params->entries_max : ENTRIES_MAX;
	list_init(&nonces->entries);
	random_bytes(params->random, nonces->key, sizeof(nonces->key));
	if (hash_new(entry_is, &nonces->by_number)) {
		free(nonces);
		return -ENOMEM;
	}
	*ret_nonces = nonces;
	return 0;
}

static void forget(struct nonces *nonces, struct entry *entry)
{
	hash_remove(nonces->by_number, &entry->node);
	list_remove(&entry->order);
	nonces->count--;
	free(entry);
}

struct nonces *nonces_free(struct nonces *nonces)
{
	if (!nonces)
		return NULL;
	while (!list_empty(&nonces->entries))
		forget(nonces, LIST_ENTRY(nonces->entries.next, struct entry, order));
	hash_free(nonces->by_number);
	OPENSSL_cleanse(nonces->key, sizeof(nonces->key));
	free(nonces);
	return NULL;
}

static void hex(uint64_t n, unsigned chars, char *out)
{
	static const char digits[] = "0123456789abcdef";

	while (chars > 0) {
		out[--chars] = digits[n & 15];
		n >>= 4;
	}
}

static bool unhex(const char *text, unsigned chars, uint64_t *ret)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < chars; i++) {
		char c = text[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return false;
		n = n << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*ret = n;
	return true;
}

/* False when the library has no memory; such a nonce is never good. */
static bool sign(const struct nonces *nonces, const char *text, char ret_signature[SIGNATURE_CHARS])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (!HMAC(EVP_sha256(), nonces->key, KEY_OCTETS, (const unsigned char *)text, SIGNED_CHARS,
		  mac, &len) ||
	    len < SIGNATURE_CHARS / 2)
		return false;
	for (unsigned i = 0; i < SIGNATURE_CHARS / 2; i++)
		hex(mac[i], 2, ret_signature + (size_t)2 * i);
	return true;
}

/* Keyed with the process' hash key; the signature is what guards it. */
static uint64_t peer_tag(const struct addr *peer)
{
	struct prefix prefix = prefix_of_peer(peer);

	return prefix_hash(&prefix);
}

char *nonces_make(struct nonces *nonces, const struct addr *peer, char ret_text[NONCE_TEXT_MAX])
{
	char *at = ret_text;

	memset(ret_text, '0', TEXT_CHARS);
	ret_text[TEXT_CHARS] = '\0';
	hex(clock_mono_ms(&nonces->clock), TIME_CHARS, at);
	hex(random_u64(nonces->random), NUMBER_CHARS, at + TIME_CHARS);
	hex(peer_tag(peer), PEER_CHARS, at + TIME_CHARS + NUMBER_CHARS);
	(void)sign(nonces, ret_text, at + SIGNED_CHARS);
	return ret_text;
}

struct parts {
	uint64_t made_ms, number, peer;
};

static bool take_apart(struct slice text, struct parts *ret_parts)
{
	return text.len == TEXT_CHARS && unhex(text.p, TIME_CHARS, &ret_parts->made_ms) &&
	       unhex(text.p + TIME_CHARS, NUMBER_CHARS, &ret_parts->number) &&
	       unhex(text.p + TIME_CHARS + NUMBER_CHARS, PEER_CHARS, &ret_parts->peer);
}

static struct entry *find(const struct nonces *nonces, uint64_t number)
{
	struct hash_node *node = hash_find(nonces->by_number, hash_bytes(&number, sizeof(number)),
					   &number);

	return node ? CONTAINER_OF(node, struct entry, node) : NULL;
}

enum nonce_state nonces_check(const struct nonces *nonces, const struct addr *peer,
			      struct slice text)
{
	char signature[SIGNATURE_CHARS];
	struct parts parts;

	if (!take_apart(text, &parts) || !sign(nonces, text.p, signature))
		return NONCE_FOREIGN;
	if (!secret_is_same(slice_from(text, SIGNED_CHARS), slice_make(signature, SIGNATURE_CHARS)))
		return NONCE_FOREIGN;
	if (clock_mono_ms(&nonces->clock) - parts.made_ms >= nonces->life_ms ||
	    parts.peer != peer_tag(peer))
		return NONCE_STALE;
	if (nonces->has_floor && parts.made_ms <= nonces->floor_ms && !find(nonces, parts.number))
		return NONCE_STALE;
	return NONCE_GOOD;
}

bool nonces_is_old(const struct nonces *nonces, struct slice text)
{
	struct parts parts;

	return take_apart(text, &parts) &&
	       clock_mono_ms(&nonces->clock) - parts.made_ms > nonces->life_ms / 2;
}

static void drop_old(struct nonces *nonces)
{
	uint64_t now_ms = clock_mono_ms(&nonces->clock);

	while (!list_empty(&nonces->entries)) {
		struct entry *entry = LIST_ENTRY(nonces->entries.next, struct entry, order);
		bool is_over = now_ms - entry->made_ms >= nonces->life_ms;

		if (!is_over && nonces->count < nonces->entries_max)
			return;
		if (!is_over) {
			nonces->floor_ms = MAX_OF(nonces->floor_ms, entry->made_ms);
			nonces->has_floor = true;
		}
		forget(nonces, entry);
	}
}

/* The first use of a nonce. Out of memory: not accepted, since it could not be told again. */
static bool remember(struct nonces *nonces, const struct parts *parts, uint32_t nc)
{
	struct entry *entry;

	if (nonces->has_floor && parts->made_ms <= nonces->floor_ms)
		return false;
	drop_old(nonces);
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return false;
	entry->number = parts->number;
	entry->made_ms = parts->made_ms;
	entry->highest = nc;
	entry->seen = 1;
	hash_add(nonces->by_number, &entry->node, hash_bytes(&entry->number, sizeof(uint64_t)));
	list_append(&nonces->entries, &entry->order);
	nonces->count++;
	return true;
}

bool nonces_use(struct nonces *nonces, struct slice text, uint32_t nc)
{
	struct parts parts;
	struct entry *entry;
	uint32_t below;

	if (!take_apart(text, &parts))
		return false;
	entry = find(nonces, parts.number);
	if (!entry)
		return remember(nonces, &parts, nc);
	if (nc == 0)
		return false;
	if (nc > entry->highest) {
		uint32_t above = nc - entry->highest;

		entry->seen = above < NONCE_WINDOW ? entry->seen << above | 1 : 1;
		entry->highest = nc;
		return true;
	}
	below = entry->highest - nc;
	if (below >= NONCE_WINDOW || entry->seen & UINT64_C(1) << below)
		return false;
	entry->seen |= UINT64_C(1) << below;
	return true;
}

uint32_t nonces_count(const struct nonces *nonces)
{
	return nonces->count;
}
