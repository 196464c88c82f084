#include "sip/auth.h"

#include <errno.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/build.h"

struct sip_auth {
	struct nonces *nonces;
	sip_auth_ha1_fn *ha1;
	void *arg;
	char nobody[DIGEST_HEX_MAX]; /* in place of the H(A1) of who is not there */
	/* The topmost that a client knows is the one it takes (RFC 8760 2.3, 2.4). */
	enum digest_algorithm order[DIGEST_ALGORITHMS];
	uint32_t order_count;
	struct sip_auth_stats stats;
};

int sip_auth_set_order(struct sip_auth *auth, struct slice list)
{
	enum digest_algorithm order[DIGEST_ALGORITHMS];
	uint32_t count = 0;
	unsigned seen = 0;

	for (bool has_more = true; has_more;) {
		size_t comma = slice_find(list, ',');
		enum digest_algorithm algorithm;

		has_more = comma < list.len;

		if (digest_algorithm_parse(slice_trim(slice_first(list, comma)), &algorithm) ||
		    seen & 1U << algorithm)
			return -EINVAL;
		seen |= 1U << algorithm;
		order[count++] = algorithm;
		list = slice_from(list, comma + 1);
	}
	memcpy(auth->order, order, sizeof(order));
	auth->order_count = count;
	return 0;
}

static bool is_offered(const struct sip_auth *auth, enum digest_algorithm algorithm)
{
	for (uint32_t i = 0; i < auth->order_count; i++) {
		if (auth->order[i] == algorithm)
			return true;
	}
	return false;
}

int sip_auth_new(const struct sip_auth_params *params, struct sip_auth **ret_auth)
{
	struct sip_auth *auth = calloc(1, sizeof(*auth));

	if (!auth)
		return -ENOMEM;
	auth->ha1 = params->ha1;
	auth->arg = params->arg;
	random_token(params->nonces.random, auth->nobody, DIGEST_HEX_MAX - 1);
	if (sip_auth_set_order(auth, SLICE("SHA-256, SHA-512-256, MD5")) ||
	    nonces_new(&params->nonces, &auth->nonces)) {
		free(auth);
		return -ENOMEM;
	}
	*ret_auth = auth;
	return 0;
}

struct sip_auth *sip_auth_free(struct sip_auth *auth)
{
	if (!auth)
		return NULL;
	nonces_free(auth->nonces);
	free(auth);
	return NULL;
}

const struct sip_auth_stats *sip_auth_stats(const struct sip_auth *auth)
{
	return &auth->stats;
}

static enum sip_header_id header_of(const struct sip_auth_question *question)
{
	return question->is_proxy ? SIP_H_PROXY_AUTHORIZATION : SIP_H_AUTHORIZATION;
}

/* A request may carry credentials for several realms (RFC 3261 22.3); others' are passed over, also
 * when we cannot read them. SIP_AUTH_GOOD: found. */
static enum sip_auth_verdict find(const struct sip_auth_question *question,
				  struct digest_credentials *ret_credentials)
{
	const struct sip_header *header = NULL;
	enum sip_auth_verdict verdict = SIP_AUTH_NONE;

	while ((header = sip_msg_next(question->request, header_of(question), header))) {
		int err = digest_credentials_parse(sip_header_value(question->request, header),
						   ret_credentials);

		if (!err && slice_eq(ret_credentials->realm, question->realm))
			return SIP_AUTH_GOOD;
		if (err == ERR_SIP_HEADER_SYNTAX)
			verdict = SIP_AUTH_MALFORMED;
	}
	return verdict;
}

struct slice sip_auth_claim(const struct sip_auth_question *question)
{
	struct digest_credentials credentials;

	if (find(question, &credentials) != SIP_AUTH_GOOD)
		return SLICE_NONE;
	return credentials.username;
}

static bool response_is_right(struct sip_auth *auth, const struct sip_msg *request,
			      const struct digest_credentials *credentials)
{
	const char *ha1 = auth->ha1(auth->arg, credentials->username, credentials->algorithm);
	char wanted[DIGEST_HEX_MAX];
	int err = digest_response(credentials, ha1 ? ha1 : auth->nobody, request->method_text,
				  request->body, wanted);
	bool is_same = !err && digest_is_same(credentials->response, wanted);

	return ha1 != NULL && is_same;
}

static enum sip_auth_verdict judge(struct sip_auth *auth, const struct sip_auth_question *question,
				   const struct digest_credentials *credentials)
{
	/* We offer neither -sess nor userhash: this answers no challenge of ours. */
	if (credentials->is_session || credentials->is_userhash ||
	    !is_offered(auth, credentials->algorithm))
		return SIP_AUTH_NONE;
	if (nonces_check(auth->nonces, &question->flow->remote, credentials->nonce) != NONCE_GOOD)
		return SIP_AUTH_STALE;
	if (!response_is_right(auth, question->request, credentials))
		return SIP_AUTH_WRONG;
	if (!nonces_use(auth->nonces, credentials->nonce, credentials->nc)) {
		auth->stats.replayed++;
		return SIP_AUTH_STALE;
	}
	return SIP_AUTH_GOOD;
}

enum sip_auth_verdict sip_auth_check(struct sip_auth *auth,
				     const struct sip_auth_question *question,
				     struct slice *ret_username)
{
	struct digest_credentials credentials;
	enum sip_auth_verdict verdict = find(question, &credentials);

	*ret_username = SLICE_NONE;
	if (verdict == SIP_AUTH_GOOD)
		verdict = judge(auth, question, &credentials);
	auth->stats.good += verdict == SIP_AUTH_GOOD;
	auth->stats.wrong += verdict == SIP_AUTH_WRONG;
	auth->stats.stale += verdict == SIP_AUTH_STALE;
	auth->stats.malformed += verdict == SIP_AUTH_MALFORMED;
	if (verdict == SIP_AUTH_GOOD || verdict == SIP_AUTH_WRONG)
		*ret_username = credentials.username;
	return verdict;
}

/* As the request's response, with no method in A2 (RFC 7616 3.5). */
void sip_auth_info(struct sip_auth *auth, const struct sip_auth_question *question, struct buf *buf)
{
	struct digest_credentials credentials;
	char rspauth[DIGEST_HEX_MAX], nonce[NONCE_TEXT_MAX];
	struct buf next = BUF_INIT;
	const char *ha1;

	if (find(question, &credentials) != SIP_AUTH_GOOD || credentials.qop != DIGEST_QOP_AUTH)
		return;
	ha1 = auth->ha1(auth->arg, credentials.username, credentials.algorithm);
	if (!ha1 || digest_response(&credentials, ha1, SLICE(""), SLICE_NONE, rspauth))
		return;
	if (nonces_is_old(auth->nonces, credentials.nonce)) {
		buf_adds(&next, ", nextnonce=\"");
		buf_adds(&next, nonces_make(auth->nonces, &question->flow->remote, nonce));
		buf_addc(&next, '"');
	}
	sip_build_header(buf, "Authentication-Info",
			 "qop=auth, rspauth=\"%s\", cnonce=\"" SLICE_FMT
			 "\", nc=" SLICE_FMT SLICE_FMT,
			 rspauth, SLICE_ARG(credentials.cnonce), SLICE_ARG(credentials.nc_text),
			 SLICE_ARG(buf_slice(&next)));
	buf_done(&next);
}

void sip_auth_challenge(struct sip_auth *auth, const struct sip_auth_question *question,
			bool is_stale, struct buf *buf)
{
	char nonce[NONCE_TEXT_MAX];
	struct digest_challenge challenge = {
		.has_auth = true,
		.has_auth_int = true,
		.is_stale = is_stale,
		.realm = question->realm,
	};

	/* One nonce for all: the client answers one of them. */
	challenge.nonce = slice_of(nonces_make(auth->nonces, &question->flow->remote, nonce));
	for (size_t i = 0; i < auth->order_count; i++) {
		struct buf value = BUF_INIT;

		challenge.algorithm = auth->order[i];
		digest_challenge_write(&challenge, &value);
		if (buf_err(&value) == 0)
			sip_build_header_slice(
				buf, question->is_proxy ? "Proxy-Authenticate" : "WWW-Authenticate",
				buf_slice(&value));
		buf_done(&value);
	}
	auth->stats.challenges++;
}
