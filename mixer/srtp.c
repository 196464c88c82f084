/* mixer/srtp.c */
#include "mixer/srtp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OPENSSL_SUPPRESS_DEPRECATED /* SHA1_*: EVP's HMAC makes memory for every packet */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

enum {
	HEADER = 12,      /* of RTP, fixed part */
	RTCP_HEADER = 8,  /* what stays in the clear */
	SALT_OCTETS = 14, /* of AES-CM; GCM has 12, which stand in front */
	AUTH_OCTETS = 20,
	RTCP_TAG_OCTETS = 10, /* with HMAC, for both suites (RFC 4568 6.2.2) */
	GCM_TAG_OCTETS = 16,
	GCM_IV_OCTETS = 12,
	INDEX_OCTETS = 4,
	WINDOW = 64,
	SHA1_BLOCK = 64
};

#define RTP_INDEX_MAX ((uint64_t)1 << 48)
#define RTCP_INDEX_MAX 0x7fffffffu
#define RTCP_IS_ENCRYPTED 0x80000000u

enum label { LABEL_RTP = 0, LABEL_RTCP = 3 }; /* cipher key; auth key and salt follow */

/* Session keys of RTP or of RTCP. */
struct session {
	EVP_CIPHER_CTX *cipher;
	SHA_CTX inner, outer; /* HMAC with its key already in */
	uint8_t salt[SALT_OCTETS];
};

/* Which numbers were seen: bit i stands for newest - i. */
struct window {
	uint64_t newest, seen;
	bool is_started;
};

struct stream {
	uint32_t ssrc;
	bool is_used;
	uint64_t used; /* count of the crypt at its last packet */
	struct window rtp, rtcp;
};

struct crypt {
	struct crypt_links links;
	enum media_suite suite;
	bool is_gcm, is_sending;
	uint8_t tag_octets; /* of RTP */
	struct session rtp, rtcp;
	uint64_t count;
	uint32_t rtcp_index;
	struct stream streams[CRYPT_STREAMS_MAX];
};

struct crypt_links *crypt_links(struct crypt *crypt)
{
	return &crypt->links;
}

struct crypt *crypt_of_node(struct list *node)
{
	return LIST_ENTRY(node, struct crypt, links.node);
}

struct crypt *crypt_of_owned(struct list *owned)
{
	return LIST_ENTRY(owned, struct crypt, links.owned);
}

bool media_keys_eq(const struct media_keys *a, const struct media_keys *b)
{
	return a->suite == b->suite &&
	       CRYPTO_memcmp(a->key, b->key, media_suite_octets(a->suite)) == 0;
}

/* Keys -------------------------------------------------------------------------------------- */

/* RFC 3711 4.3.1 and 4.3.3: AES in counter mode over zeros, from salt xor label. A salt of 12
 * octets has two zeros behind it (RFC 7714 11). */
static int derive(const struct media_keys *keys, uint8_t label, uint8_t *out, int octets)
{
	static const uint8_t zeros[48];
	uint8_t key_octets = media_suite_key_octets(keys->suite), iv[16] = {0};
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = 0;
	bool is_done;

	if (!ctx)
		return -ENOMEM;
	memcpy(iv, keys->key + key_octets, media_suite_octets(keys->suite) - key_octets);
	iv[7] ^= label;
	is_done = EVP_EncryptInit_ex(ctx, key_octets == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr(),
				     NULL, keys->key, iv) == 1 &&
		  EVP_EncryptUpdate(ctx, out, &len, zeros, octets) == 1 && len == octets;
	EVP_CIPHER_CTX_free(ctx);
	return is_done ? 0 : -ENOMEM;
}

static void hmac_key(struct session *session, const uint8_t key[AUTH_OCTETS])
{
	uint8_t block[SHA1_BLOCK];

	for (int i = 0; i < SHA1_BLOCK; i++)
		block[i] = (uint8_t)((i < AUTH_OCTETS ? key[i] : 0) ^ 0x36);
	SHA1_Init(&session->inner);
	SHA1_Update(&session->inner, block, sizeof(block));
	for (int i = 0; i < SHA1_BLOCK; i++)
		block[i] ^= 0x36 ^ 0x5c;
	SHA1_Init(&session->outer);
	SHA1_Update(&session->outer, block, sizeof(block));
	OPENSSL_cleanse(block, sizeof(block));
}

static const EVP_CIPHER *cipher_of(enum media_suite suite)
{
	if (suite == MEDIA_SUITE_AEAD_AES_128_GCM)
		return EVP_aes_128_gcm();
	return suite == MEDIA_SUITE_AEAD_AES_256_GCM ? EVP_aes_256_gcm() : EVP_aes_128_ctr();
}

static int session_make(const struct crypt *crypt, const struct media_keys *keys, uint8_t label,
			struct session *session)
{
	uint8_t key[32], auth[AUTH_OCTETS], iv[16] = {0};
	/* Counter mode decrypts by encrypting. */
	int direction = crypt->is_gcm && !crypt->is_sending ? 0 : 1;
	int err = derive(keys, label, key, media_suite_key_octets(keys->suite));

	if (err == 0)
		err = derive(keys, label + 1, auth, sizeof(auth));
	if (err == 0)
		err = derive(keys, label + 2, session->salt, crypt->is_gcm ? 12 : SALT_OCTETS);
	session->cipher = EVP_CIPHER_CTX_new();
	if (err == 0 &&
	    (!session->cipher || EVP_CipherInit_ex(session->cipher, cipher_of(keys->suite), NULL,
						   key, iv, direction) != 1))
		err = -ENOMEM;
	hmac_key(session, auth);
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(auth, sizeof(auth));
	return err;
}

int crypt_new(const struct media_keys *keys, bool is_sending, struct crypt **ret_crypt)
{
	struct crypt *crypt;
	int err;

	if (keys->suite <= MEDIA_SUITE_NONE || keys->suite >= MEDIA_SUITE_COUNT)
		return -EINVAL;
	crypt = calloc(1, sizeof(*crypt));
	if (!crypt)
		return -ENOMEM;
	list_init(&crypt->links.node);
	list_init(&crypt->links.owned);
	crypt->suite = keys->suite;
	crypt->is_sending = is_sending;
	crypt->is_gcm = keys->suite >= MEDIA_SUITE_AEAD_AES_128_GCM;
	crypt->tag_octets = crypt->is_gcm                                        ? GCM_TAG_OCTETS
			    : keys->suite == MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32 ? 4
										 : 10;
	err = session_make(crypt, keys, LABEL_RTP, &crypt->rtp);
	if (err == 0)
		err = session_make(crypt, keys, LABEL_RTCP, &crypt->rtcp);
	if (err) {
		crypt_free(crypt);
		return err;
	}
	*ret_crypt = crypt;
	return 0;
}

struct crypt *crypt_free(struct crypt *crypt)
{
	if (!crypt)
		return NULL;
	list_remove(&crypt->links.owned);
	EVP_CIPHER_CTX_free(crypt->rtp.cipher);
	EVP_CIPHER_CTX_free(crypt->rtcp.cipher);
	OPENSSL_cleanse(crypt, sizeof(*crypt));
	free(crypt);
	return NULL;
}

/* Octets ------------------------------------------------------------------------------------ */

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

static void xor32(uint8_t *p, uint32_t v)
{
	put32(p, get32(p) ^ v);
}

/* Length of the RTP header with contributors and extension; 0: no such packet. */
static size_t header_octets(const uint8_t *packet, size_t len)
{
	size_t octets;

	if (len < HEADER || packet[0] >> 6 != 2)
		return 0;
	octets = HEADER + 4u * (packet[0] & 15u);
	if (packet[0] & 0x10) {
		if (octets + 4 > len)
			return 0;
		octets += 4 + 4u * ((size_t)packet[octets + 2] << 8 | packet[octets + 3]);
	}
	return octets <= len ? octets : 0;
}

/* Ciphers ----------------------------------------------------------------------------------- */

/* RFC 3711 4.1.1; for RTCP the index has 31 bits. */
static bool counter_mode(struct session *session, uint32_t ssrc, uint64_t index, uint8_t *data,
			 size_t len)
{
	uint8_t iv[16] = {0};
	int done;

	memcpy(iv, session->salt, SALT_OCTETS);
	xor32(iv + 4, ssrc);
	xor32(iv + 8, (uint32_t)(index >> 16));
	iv[12] ^= (uint8_t)(index >> 8);
	iv[13] ^= (uint8_t)index;
	return EVP_EncryptInit_ex(session->cipher, NULL, NULL, NULL, iv) == 1 &&
	       EVP_EncryptUpdate(session->cipher, data, &done, data, (int)len) == 1;
}

/* HMAC-SHA1 over the packet and, for RTP, the roll-over counter (4.2). */
static void tag_make(const struct session *session, const uint8_t *packet, size_t len,
		     const uint32_t *roc, uint8_t tag[AUTH_OCTETS])
{
	SHA_CTX sha = session->inner;
	uint8_t word[4];

	SHA1_Update(&sha, packet, len);
	if (roc) {
		put32(word, *roc);
		SHA1_Update(&sha, word, sizeof(word));
	}
	SHA1_Final(tag, &sha);
	sha = session->outer;
	SHA1_Update(&sha, tag, AUTH_OCTETS);
	SHA1_Final(tag, &sha);
}

/* What GCM authenticates beside the data: up to two pieces. */
struct clear {
	const uint8_t *data, *more;
	size_t len, more_len;
};

/* RFC 7714 8.1 and 9.1: `high` is the roll-over counter, `low` the rest of the index. */
static void gcm_iv(const struct session *session, uint32_t ssrc, uint64_t index48,
		   uint8_t iv[GCM_IV_OCTETS])
{
	memcpy(iv, session->salt, GCM_IV_OCTETS);
	xor32(iv + 2, ssrc);
	xor32(iv + 6, (uint32_t)(index48 >> 16));
	iv[10] ^= (uint8_t)(index48 >> 8);
	iv[11] ^= (uint8_t)index48;
}

static bool gcm_run(struct session *session, const uint8_t iv[GCM_IV_OCTETS],
		    const struct clear *clear, uint8_t *data, size_t len)
{
	EVP_CIPHER_CTX *ctx = session->cipher;
	int done;

	return EVP_CipherInit_ex(ctx, NULL, NULL, NULL, iv, -1) == 1 &&
	       EVP_CipherUpdate(ctx, NULL, &done, clear->data, (int)clear->len) == 1 &&
	       (clear->more_len == 0 ||
		EVP_CipherUpdate(ctx, NULL, &done, clear->more, (int)clear->more_len) == 1) &&
	       (len == 0 || EVP_CipherUpdate(ctx, data, &done, data, (int)len) == 1);
}

/* The tag goes to, or is expected at, data + len. */
static bool gcm_seal(struct session *session, const uint8_t iv[GCM_IV_OCTETS],
		     const struct clear *clear, uint8_t *data, size_t len)
{
	uint8_t none[16];
	int done;

	return gcm_run(session, iv, clear, data, len) &&
	       EVP_CipherFinal_ex(session->cipher, none, &done) == 1 &&
	       EVP_CIPHER_CTX_ctrl(session->cipher, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_OCTETS,
				   data + len) == 1;
}

static bool gcm_open(struct session *session, const uint8_t iv[GCM_IV_OCTETS],
		     const struct clear *clear, uint8_t *data, size_t len)
{
	uint8_t none[16];
	int done;

	return gcm_run(session, iv, clear, data, len) &&
	       EVP_CIPHER_CTX_ctrl(session->cipher, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_OCTETS,
				   data + len) == 1 &&
	       EVP_CipherFinal_ex(session->cipher, none, &done) == 1;
}

/* Numbers ----------------------------------------------------------------------------------- */

/* The stream of an SSRC; a new one takes the place that was not used for longest, but only
 * stream_keep makes that last. */
static struct stream *stream_find(struct crypt *crypt, uint32_t ssrc)
{
	for (int i = 0; i < CRYPT_STREAMS_MAX; i++)
		if (crypt->streams[i].is_used && crypt->streams[i].ssrc == ssrc)
			return &crypt->streams[i];
	return NULL;
}

static void stream_keep(struct crypt *crypt, const struct stream *stream)
{
	struct stream *place = stream_find(crypt, stream->ssrc);

	for (int i = 0; i < CRYPT_STREAMS_MAX && !place; i++)
		if (!crypt->streams[i].is_used)
			place = &crypt->streams[i];
	if (!place) {
		place = &crypt->streams[0];
		for (int i = 1; i < CRYPT_STREAMS_MAX; i++)
			if (crypt->streams[i].used < place->used)
				place = &crypt->streams[i];
	}
	*place = *stream;
	place->is_used = true;
	place->used = ++crypt->count;
}

/* A copy to work on: nothing is kept of a packet that turns out to be false. */
static struct stream stream_try(struct crypt *crypt, uint32_t ssrc)
{
	const struct stream *known = stream_find(crypt, ssrc);

	return known ? *known : (struct stream){.ssrc = ssrc};
}

/* RFC 3711 3.3.1 and appendix A: the index nearest to the newest. */
static uint64_t index_of(const struct window *window, uint16_t seq)
{
	uint64_t roc = window->newest >> 16, newest_seq = window->newest & 0xffff;

	if (!window->is_started)
		return seq;
	if (newest_seq < 32768) {
		if (seq > newest_seq + 32768 && roc > 0)
			roc--;
	} else if (newest_seq - 32768 > seq) {
		roc++;
	}
	return roc << 16 | seq;
}

static bool window_is_new(const struct window *window, uint64_t index)
{
	if (!window->is_started || index > window->newest)
		return true;
	return window->newest - index < WINDOW && !(window->seen >> (window->newest - index) & 1);
}

static void window_mark(struct window *window, uint64_t index)
{
	if (!window->is_started) {
		*window = (struct window){.newest = index, .seen = 1, .is_started = true};
	} else if (index > window->newest) {
		uint64_t by = index - window->newest;

		window->seen = by < WINDOW ? window->seen << by | 1 : 1;
		window->newest = index;
	} else {
		window->seen |= (uint64_t)1 << (window->newest - index);
	}
}

/* RTP --------------------------------------------------------------------------------------- */

int crypt_protect_rt(struct crypt *crypt, uint8_t *packet, size_t len)
{
	size_t header = header_octets(packet, len);
	struct stream stream;
	uint64_t index;
	uint32_t roc;
	bool is_done;

	if (header == 0)
		return -EINVAL;
	stream = stream_try(crypt, get32(packet + 8));
	index = index_of(&stream.rtp, (uint16_t)(packet[2] << 8 | packet[3]));
	if (index >= RTP_INDEX_MAX || !window_is_new(&stream.rtp, index))
		return -EKEYEXPIRED;
	window_mark(&stream.rtp, index);
	stream_keep(crypt, &stream);
	roc = (uint32_t)(index >> 16);
	if (crypt->is_gcm) {
		struct clear clear = {.data = packet, .len = header};
		uint8_t iv[GCM_IV_OCTETS];

		gcm_iv(&crypt->rtp, stream.ssrc, index, iv);
		is_done = gcm_seal(&crypt->rtp, iv, &clear, packet + header, len - header);
	} else {
		uint8_t tag[AUTH_OCTETS];

		is_done = counter_mode(&crypt->rtp, stream.ssrc, index, packet + header,
				       len - header);
		tag_make(&crypt->rtp, packet, len, &roc, tag);
		memcpy(packet + len, tag, crypt->tag_octets);
	}
	return is_done ? (int)(len + crypt->tag_octets) : -EINVAL;
}

int crypt_unprotect_rt(struct crypt *crypt, uint8_t *packet, size_t len)
{
	size_t header = header_octets(packet, len), plain;
	struct stream stream;
	uint64_t index;
	uint32_t roc;
	bool is_true;

	if (header == 0 || len < header + crypt->tag_octets)
		return -EBADMSG;
	plain = len - crypt->tag_octets;
	stream = stream_try(crypt, get32(packet + 8));
	index = index_of(&stream.rtp, (uint16_t)(packet[2] << 8 | packet[3]));
	if (!window_is_new(&stream.rtp, index))
		return -EALREADY;
	roc = (uint32_t)(index >> 16);
	if (crypt->is_gcm) {
		struct clear clear = {.data = packet, .len = header};
		uint8_t iv[GCM_IV_OCTETS];

		gcm_iv(&crypt->rtp, stream.ssrc, index, iv);
		is_true = gcm_open(&crypt->rtp, iv, &clear, packet + header, plain - header);
	} else {
		uint8_t tag[AUTH_OCTETS];

		tag_make(&crypt->rtp, packet, plain, &roc, tag);
		is_true = CRYPTO_memcmp(tag, packet + plain, crypt->tag_octets) == 0 &&
			  counter_mode(&crypt->rtp, stream.ssrc, index, packet + header,
				       plain - header);
	}
	if (!is_true)
		return -EBADMSG;
	window_mark(&stream.rtp, index);
	stream_keep(crypt, &stream);
	return (int)plain;
}

/* RTCP: an index of its own, sent along (3.4). ---------------------------------------------- */

int crypt_protect_rtcp_rt(struct crypt *crypt, uint8_t *packet, size_t len)
{
	uint32_t ssrc, word;
	bool is_done;

	if (len < RTCP_HEADER || packet[0] >> 6 != 2)
		return -EINVAL;
	if (crypt->rtcp_index == RTCP_INDEX_MAX)
		return -EKEYEXPIRED;
	ssrc = get32(packet + 4);
	word = ++crypt->rtcp_index | RTCP_IS_ENCRYPTED;
	if (crypt->is_gcm) {
		uint8_t iv[GCM_IV_OCTETS], index[INDEX_OCTETS];
		struct clear clear = {packet, index, RTCP_HEADER, INDEX_OCTETS};

		put32(index, word);
		gcm_iv(&crypt->rtcp, ssrc, crypt->rtcp_index, iv);
		is_done = gcm_seal(&crypt->rtcp, iv, &clear, packet + RTCP_HEADER,
				   len - RTCP_HEADER);
		memcpy(packet + len + GCM_TAG_OCTETS, index, INDEX_OCTETS);
		return is_done ? (int)(len + GCM_TAG_OCTETS + INDEX_OCTETS) : -EINVAL;
	}
	{
		uint8_t tag[AUTH_OCTETS];

		is_done = counter_mode(&crypt->rtcp, ssrc, crypt->rtcp_index, packet + RTCP_HEADER,
				       len - RTCP_HEADER);
		put32(packet + len, word);
		tag_make(&crypt->rtcp, packet, len + INDEX_OCTETS, NULL, tag);
		memcpy(packet + len + INDEX_OCTETS, tag, RTCP_TAG_OCTETS);
	}
	return is_done ? (int)(len + INDEX_OCTETS + RTCP_TAG_OCTETS) : -EINVAL;
}

/* Where the index lies, behind (GCM) or before the tag. */
static size_t rtcp_trailer(const struct crypt *crypt)
{
	return INDEX_OCTETS + (crypt->is_gcm ? (size_t)GCM_TAG_OCTETS : (size_t)RTCP_TAG_OCTETS);
}

static bool rtcp_open(struct crypt *crypt, uint8_t *packet, size_t plain, uint32_t word)
{
	uint32_t index = word & RTCP_INDEX_MAX, ssrc = get32(packet + 4);
	bool is_encrypted = word & RTCP_IS_ENCRYPTED;
	uint8_t tag[AUTH_OCTETS], iv[GCM_IV_OCTETS];
	size_t clear_len = is_encrypted ? (size_t)RTCP_HEADER : plain;

	if (crypt->is_gcm) {
		struct clear clear = {packet, packet + plain + GCM_TAG_OCTETS, clear_len,
				      INDEX_OCTETS};

		gcm_iv(&crypt->rtcp, ssrc, index, iv);
		return gcm_open(&crypt->rtcp, iv, &clear, packet + clear_len, plain - clear_len);
	}
	tag_make(&crypt->rtcp, packet, plain + INDEX_OCTETS, NULL, tag);
	return CRYPTO_memcmp(tag, packet + plain + INDEX_OCTETS, RTCP_TAG_OCTETS) == 0 &&
	       (!is_encrypted ||
		counter_mode(&crypt->rtcp, ssrc, index, packet + RTCP_HEADER, plain - RTCP_HEADER));
}

int crypt_unprotect_rtcp_rt(struct crypt *crypt, uint8_t *packet, size_t len)
{
	struct stream stream;
	uint32_t word;
	size_t plain;

	if (len < RTCP_HEADER + rtcp_trailer(crypt) || packet[0] >> 6 != 2)
		return -EBADMSG;
	plain = len - rtcp_trailer(crypt);
	word = get32(packet + (crypt->is_gcm ? len - INDEX_OCTETS : plain));
	stream = stream_try(crypt, get32(packet + 4));
	if (!window_is_new(&stream.rtcp, word & RTCP_INDEX_MAX))
		return -EALREADY;
	if (!rtcp_open(crypt, packet, plain, word))
		return -EBADMSG;
	window_mark(&stream.rtcp, word & RTCP_INDEX_MAX);
	stream_keep(crypt, &stream);
	return (int)plain;
}
