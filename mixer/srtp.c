/* mixer/srtp.c */
#include "mixer/srtp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <srtp2/srtp.h>

#include "base/secret.h"
#include "mixer/crypt_cipher.h"
#include "mixer/prefetch.h"

enum {
	RTP_HEADER = 12, /* fixed part */
	RTP_SSRC_AT = 8,
	RTCP_HEADER = 8, /* what stays in the clear */
	RTCP_SSRC_AT = 4,
	ALIAS_SSRC = 0, /* of every stream to libsrtp2: crypt_cipher.h */
	WINDOW = 128
};

struct stream {
	srtp_t session; /* NULL: there is none */
	bool is_bound;
	uint32_t ssrc; /* that it is bound to */
	uint64_t used; /* count of the crypt at its last packet */
};

/* What every packet touches in front: the stream in use is the first, mostly. */
struct crypt {
	_Alignas(PREFETCH_LINE) uint64_t count;
	bool is_sending;
	struct stream streams[CRYPT_STREAMS_MAX];
	struct crypt_links links;
	struct media_keys keys;
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
	       secret_is_same(slice_make((const char *)a->key, media_suite_octets(a->suite)),
			      slice_make((const char *)b->key, media_suite_octets(b->suite)));
}

/* Making ------------------------------------------------------------------------------------ */

static void policy_set(enum media_suite suite, srtp_policy_t *policy)
{
	switch (suite) {
	case MEDIA_SUITE_AEAD_AES_128_GCM:
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtp);
		srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy->rtcp);
		break;
	case MEDIA_SUITE_AEAD_AES_256_GCM:
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtp);
		srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy->rtcp);
		break;
	case MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32: /* RTCP has 80 bits with both (RFC 4568 6.2.2) */
		srtp_crypto_policy_set_aes_cm_128_hmac_sha1_32(&policy->rtp);
		srtp_crypto_policy_set_rtcp_default(&policy->rtcp);
		break;
	default:
		srtp_crypto_policy_set_rtp_default(&policy->rtp);
		srtp_crypto_policy_set_rtcp_default(&policy->rtcp);
	}
}

static int stream_make(struct crypt *crypt, struct stream *stream)
{
	srtp_policy_t policy = {.ssrc = {.type = ssrc_specific, .value = ALIAS_SSRC},
				.key = crypt->keys.key,
				.window_size = WINDOW};

	policy_set(crypt->keys.suite, &policy);
	return srtp_create(&stream->session, &policy) == srtp_err_status_ok ? 0 : -ENOMEM;
}

int crypt_new(const struct media_keys *keys, bool is_sending, struct crypt **ret_crypt)
{
	uint32_t count = is_sending ? 1 : CRYPT_STREAMS_NEW;
	struct crypt *crypt;
	int err;

	if (keys->suite <= MEDIA_SUITE_NONE || keys->suite >= MEDIA_SUITE_COUNT)
		return -EINVAL;
	err = crypt_cipher_init();
	if (err)
		return err;
	crypt = aligned_alloc(PREFETCH_LINE, sizeof(*crypt));
	if (!crypt)
		return -ENOMEM;
	memset(crypt, 0, sizeof(*crypt));
	list_init(&crypt->links.node);
	list_init(&crypt->links.owned);
	crypt->keys = *keys;
	crypt->is_sending = is_sending;
	for (uint32_t i = 0; i < count && err == 0; i++)
		err = stream_make(crypt, &crypt->streams[i]);
	if (err) {
		crypt_free(crypt);
		return err;
	}
	*ret_crypt = crypt;
	return 0;
}

int crypt_new_like(const struct crypt *crypt, struct crypt **ret_crypt)
{
	return crypt_new(&crypt->keys, crypt->is_sending, ret_crypt);
}

struct crypt *crypt_free(struct crypt *crypt)
{
	if (!crypt)
		return NULL;
	list_remove(&crypt->links.owned);
	for (int i = 0; i < CRYPT_STREAMS_MAX; i++)
		if (crypt->streams[i].session)
			(void)srtp_dealloc(crypt->streams[i].session);
	OPENSSL_cleanse(crypt, sizeof(*crypt));
	free(crypt);
	return NULL;
}

/* Streams ----------------------------------------------------------------------------------- */

/* The stream of an SSRC; of a new one the stream that it may have, if its packet is authentic. */
static struct stream *stream_find(struct crypt *crypt, uint32_t ssrc)
{
	struct stream *spare = NULL;

	for (int i = 0; i < CRYPT_STREAMS_MAX; i++) {
		struct stream *stream = &crypt->streams[i];

		if (stream->is_bound && stream->ssrc == ssrc)
			return stream;
		if (!spare && stream->session && !stream->is_bound)
			spare = stream;
	}
	return spare;
}

bool crypt_is_worn_rt(const struct crypt *crypt)
{
	for (int i = 0; i < CRYPT_STREAMS_MAX; i++)
		if (crypt->streams[i].session && !crypt->streams[i].is_bound)
			return false;
	return true;
}

/* Where a stream more goes: a free place, else that of the one that was silent longest. */
static struct stream *place_find(struct crypt *crypt)
{
	struct stream *place = &crypt->streams[0];

	for (int i = 0; i < CRYPT_STREAMS_MAX; i++) {
		struct stream *stream = &crypt->streams[i];

		if (!stream->session)
			return stream;
		if (!place->is_bound || (stream->is_bound && stream->used < place->used))
			place = stream;
	}
	return place;
}

void crypt_refill_rt(struct crypt *crypt, struct crypt *fresh)
{
	if (!crypt_is_worn_rt(crypt))
		return;
	for (int i = 0; i < CRYPT_STREAMS_NEW; i++) {
		struct stream *place = place_find(crypt), was = *place;

		assert(fresh->streams[i].session && !fresh->streams[i].is_bound);
		*place = fresh->streams[i];
		fresh->streams[i] = was;
	}
}

/* Packets ----------------------------------------------------------------------------------- */

typedef srtp_err_status_t process_fn(srtp_t session, void *packet, int *len);

static int protect_err(srtp_err_status_t status)
{
	switch (status) {
	case srtp_err_status_key_expired:
	case srtp_err_status_replay_fail:
	case srtp_err_status_replay_old:
		return -EKEYEXPIRED;
	default:
		return -EINVAL;
	}
}

static int unprotect_err(srtp_err_status_t status)
{
	switch (status) {
	case srtp_err_status_replay_fail:
	case srtp_err_status_replay_old:
		return -EALREADY;
	default:
		return -EBADMSG;
	}
}

/* Runs a packet through the stream of the SSRC that stands at ssrc_at. */
static int process(struct crypt *crypt, process_fn *fn, uint8_t *packet, size_t len,
		   uint32_t ssrc_at)
{
	struct stream *stream;
	srtp_err_status_t status;
	int processed = (int)len;
	uint32_t ssrc;

	memcpy(&ssrc, packet + ssrc_at, sizeof(ssrc));
	stream = stream_find(crypt, ssrc);
	if (!stream)
		return -ENOBUFS;
	crypt_alias_begin_rt(packet + ssrc_at);
	status = fn(stream->session, packet, &processed);
	crypt_alias_end_rt();
	if (status != srtp_err_status_ok)
		return crypt->is_sending ? protect_err(status) : unprotect_err(status);
	stream->is_bound = true;
	stream->ssrc = ssrc;
	stream->used = ++crypt->count;
	return processed;
}

static bool is_version_2(const uint8_t *packet, size_t len, size_t header)
{
	return len >= header && len <= INT32_MAX && packet[0] >> 6 == 2;
}

int crypt_protect_rt(struct crypt *crypt, uint8_t *packet, size_t len)
{
	if (!is_version_2(packet, len, RTP_HEADER))
		return -EINVAL;
	return process(crypt, srtp_protect, packet, len, RTP_SSRC_AT);
}

int crypt_protect_rtcp_rt(struct crypt *crypt, uint8_t *packet, size_t len)
{
	if (!is_version_2(packet, len, RTCP_HEADER))
		return -EINVAL;
	return process(crypt, srtp_protect_rtcp, packet, len, RTCP_SSRC_AT);
}

int crypt_unprotect_rt(struct crypt *crypt, uint8_t *packet, size_t len)
{
	if (!is_version_2(packet, len, RTP_HEADER))
		return -EBADMSG;
	return process(crypt, srtp_unprotect, packet, len, RTP_SSRC_AT);
}

int crypt_unprotect_rtcp_rt(struct crypt *crypt, uint8_t *packet, size_t len)
{
	if (!is_version_2(packet, len, RTCP_HEADER))
		return -EBADMSG;
	return process(crypt, srtp_unprotect_rtcp, packet, len, RTCP_SSRC_AT);
}
