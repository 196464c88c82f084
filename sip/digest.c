#include "sip/digest.h"

#define ERR_STATE OPENSSL_ERR_STATE /* a name of base/err.h too */
#include <openssl/evp.h>
#undef ERR_STATE

#include <errno.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/secret.h"
#include "sip/cursor.h"

static const struct {
	const char *name, *session_name;
	const char *evp; /* OpenSSL's name */
} algorithms[DIGEST_ALGORITHMS] = {
	[DIGEST_MD5] = {"MD5", "MD5-sess", "MD5"},
	[DIGEST_SHA256] = {"SHA-256", "SHA-256-sess", "SHA2-256"},
	[DIGEST_SHA512_256] = {"SHA-512-256", "SHA-512-256-sess", "SHA2-512/256"},
};

const char *digest_algorithm_name(enum digest_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

int digest_algorithm_parse(struct slice text, enum digest_algorithm *ret_algorithm)
{
	for (size_t i = 0; i < DIGEST_ALGORITHMS; i++) {
		if (!slice_iis(text, algorithms[i].name))
			continue;
		*ret_algorithm = (enum digest_algorithm)i;
		return 0;
	}
	return -EINVAL;
}

/* Reading
 * -----------------------------------------------------------------------------------------------
 */

enum field {
	F_REALM,
	F_NONCE,
	F_OPAQUE,
	F_DOMAIN,
	F_STALE,
	F_ALGORITHM,
	F_QOP,
	F_USERNAME,
	F_URI,
	F_RESPONSE,
	F_CNONCE,
	F_NC,
	F_USERHASH,
	F_NEXTNONCE,
	F_RSPAUTH,
	F_COUNT
};

static const char *const field_names[F_COUNT] = {
	"realm", "nonce",    "opaque", "domain", "stale",    "algorithm", "qop",     "username",
	"uri",   "response", "cnonce", "nc",     "userhash", "nextnonce", "rspauth",
};

struct fields {
	struct slice value[F_COUNT];
};

static int keep(struct fields *fields, struct slice name, struct slice value)
{
	for (size_t i = 0; i < F_COUNT; i++) {
		if (!slice_iis(name, field_names[i]))
			continue;
		if (slice_present(fields->value[i]) || value.len > DIGEST_VALUE_MAX)
			return ERR_SIP_HEADER_SYNTAX;
		fields->value[i] = value;
	}
	return 0; /* others may come: auth-param is open (RFC 3261 25.1) */
}

/* `name = token` or `name = "quoted"`. */
static int take_param(struct cursor *c, struct slice *ret_name, struct slice *ret_value)
{
	*ret_name = cursor_span(c, CHAR_TOKEN);
	cursor_lws(c);
	if (ret_name->len == 0 || !cursor_skip(c, '='))
		return ERR_SIP_HEADER_SYNTAX;
	cursor_lws(c);
	if (cursor_skip(c, '"')) {
		if (!cursor_quoted(c, ret_value))
			return ERR_SIP_HEADER_SYNTAX;
	} else {
		/* It is written back between quotes: nothing in it may be an escape there. */
		*ret_value = cursor_trim(cursor_until(c, ','));
		if (ret_value->len == 0 || slice_find(*ret_value, '"') < ret_value->len ||
		    slice_find(*ret_value, '\\') < ret_value->len)
			return ERR_SIP_HEADER_SYNTAX;
	}
	cursor_lws(c);
	return cursor_done(c) || cursor_peek(c) == ',' ? 0 : ERR_SIP_HEADER_SYNTAX;
}

static int read_params(struct cursor *c, struct fields *ret_fields)
{
	struct slice name, value;
	int err;

	*ret_fields = (struct fields){0};
	for (unsigned i = 0; i < DIGEST_PARAMS_MAX; i++) {
		cursor_lws(c);
		while (cursor_skip(c, ',')) /* empty elements (RFC 7230 7) */
			cursor_lws(c);
		if (cursor_done(c))
			return i > 0 ? 0 : ERR_SIP_HEADER_SYNTAX;
		err = take_param(c, &name, &value);
		if (!err)
			err = keep(ret_fields, name, value);
		if (err)
			return err;
	}
	return ERR_SIP_HEADER_SYNTAX;
}

static int read_fields(struct slice text, struct fields *ret_fields)
{
	struct cursor c = cursor_of(text);
	struct slice scheme;

	cursor_lws(&c);
	scheme = cursor_span(&c, CHAR_TOKEN);
	if (!slice_iis(scheme, "Digest"))
		return scheme.len > 0 ? ERR_AUTH_SCHEME : ERR_SIP_HEADER_SYNTAX;
	return read_params(&c, ret_fields);
}

/* A missing algorithm is MD5 (RFC 7616 3.3). */
static int read_algorithm(struct slice text, enum digest_algorithm *ret_algorithm,
			  bool *ret_is_session)
{
	*ret_algorithm = DIGEST_MD5;
	*ret_is_session = false;
	if (!slice_present(text))
		return 0;
	for (size_t i = 0; i < DIGEST_ALGORITHMS; i++) {
		bool is_session = slice_iis(text, algorithms[i].session_name);

		if (!is_session && !slice_iis(text, algorithms[i].name))
			continue;
		*ret_algorithm = (enum digest_algorithm)i;
		*ret_is_session = is_session;
		return 0;
	}
	return ERR_AUTH_SCHEME;
}

static void read_offers(struct slice qop, struct digest_challenge *challenge)
{
	while (qop.len > 0) {
		size_t comma = slice_find(qop, ',');
		struct slice one = slice_trim(slice_first(qop, comma));

		challenge->has_auth = challenge->has_auth || slice_iis(one, "auth");
		challenge->has_auth_int = challenge->has_auth_int || slice_iis(one, "auth-int");
		qop = slice_from(qop, comma + 1);
	}
}

int digest_challenge_parse(struct slice value, struct digest_challenge *ret_challenge)
{
	struct digest_challenge challenge = {0};
	struct fields f;
	int err = read_fields(value, &f);

	if (!err)
		err = read_algorithm(f.value[F_ALGORITHM], &challenge.algorithm,
				     &challenge.is_session);
	if (err)
		return err;
	if (!slice_present(f.value[F_REALM]) || !slice_present(f.value[F_NONCE]))
		return ERR_SIP_HEADER_SYNTAX;
	read_offers(f.value[F_QOP], &challenge);
	if (slice_present(f.value[F_QOP]) && !challenge.has_auth && !challenge.has_auth_int)
		return ERR_AUTH_SCHEME;
	challenge.realm = f.value[F_REALM];
	challenge.nonce = f.value[F_NONCE];
	challenge.opaque = f.value[F_OPAQUE];
	challenge.domain = f.value[F_DOMAIN];
	challenge.is_stale = slice_iis(f.value[F_STALE], "true");
	*ret_challenge = challenge;
	return 0;
}

static int read_nc(struct slice text, uint32_t *ret_nc)
{
	uint32_t nc = 0;

	if (text.len != 8)
		return ERR_SIP_HEADER_SYNTAX;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.p[i];
		uint32_t digit = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
				 : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10
				 : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10
							: 16;

		if (digit == 16)
			return ERR_SIP_HEADER_SYNTAX;
		nc = nc << 4 | digit;
	}
	*ret_nc = nc;
	return 0;
}

/* With a qop there is a cnonce and a count, from 1 (RFC 7616 3.4). */
static int read_qop(const struct fields *f, struct digest_credentials *credentials)
{
	struct slice qop = f->value[F_QOP];

	if (!slice_present(qop))
		return credentials->is_session && !slice_present(credentials->cnonce)
			       ? ERR_SIP_HEADER_SYNTAX
			       : 0;
	if (slice_iis(qop, "auth"))
		credentials->qop = DIGEST_QOP_AUTH;
	else if (slice_iis(qop, "auth-int"))
		credentials->qop = DIGEST_QOP_AUTH_INT;
	else
		return ERR_AUTH_SCHEME;
	if (credentials->cnonce.len == 0 || read_nc(credentials->nc_text, &credentials->nc) ||
	    credentials->nc == 0)
		return ERR_SIP_HEADER_SYNTAX;
	return 0;
}

int digest_credentials_parse(struct slice value, struct digest_credentials *ret_credentials)
{
	static const enum field needed[] = {F_USERNAME, F_REALM, F_NONCE, F_URI, F_RESPONSE};
	struct digest_credentials credentials = {0};
	struct fields f;
	int err = read_fields(value, &f);

	if (!err)
		err = read_algorithm(f.value[F_ALGORITHM], &credentials.algorithm,
				     &credentials.is_session);
	for (size_t i = 0; i < ARRAY_LEN(needed) && !err; i++)
		err = slice_present(f.value[needed[i]]) ? 0 : ERR_SIP_HEADER_SYNTAX;
	if (err)
		return err;
	credentials.username = f.value[F_USERNAME];
	credentials.realm = f.value[F_REALM];
	credentials.nonce = f.value[F_NONCE];
	credentials.uri = f.value[F_URI];
	credentials.response = f.value[F_RESPONSE];
	credentials.cnonce = f.value[F_CNONCE];
	credentials.opaque = f.value[F_OPAQUE];
	credentials.nc_text = f.value[F_NC];
	credentials.is_userhash = slice_iis(f.value[F_USERHASH], "true");
	err = read_qop(&f, &credentials);
	if (err)
		return err;
	*ret_credentials = credentials;
	return 0;
}

int digest_info_parse(struct slice value, struct digest_info *ret_info)
{
	struct cursor c = cursor_of(value);
	struct fields f;
	int err = read_params(&c, &f);

	if (err)
		return err;
	*ret_info = (struct digest_info){
		.nextnonce = f.value[F_NEXTNONCE],
		.rspauth = f.value[F_RSPAUTH],
		.cnonce = f.value[F_CNONCE],
		.nc_text = f.value[F_NC],
		.qop = slice_iis(f.value[F_QOP], "auth")       ? DIGEST_QOP_AUTH
		       : slice_iis(f.value[F_QOP], "auth-int") ? DIGEST_QOP_AUTH_INT
							       : DIGEST_QOP_NONE,
	};
	return 0;
}

/* Writing
 * -----------------------------------------------------------------------------------------------
 */

static void add_quoted(struct buf *buf, const char *name, struct slice value)
{
	if (!slice_present(value))
		return;
	buf_addf(buf, ", %s=\"", name);
	buf_addslice(buf, value); /* escaped as it came */
	buf_addc(buf, '"');
}

static const char *name_of(enum digest_algorithm algorithm, bool is_session)
{
	return is_session ? algorithms[algorithm].session_name : algorithms[algorithm].name;
}

void digest_challenge_write(const struct digest_challenge *challenge, struct buf *buf)
{
	static const char *const qops[] = {"", "auth", "auth-int", "auth,auth-int"};
	unsigned offered = (challenge->has_auth ? 1U : 0) | (challenge->has_auth_int ? 2U : 0);

	buf_adds(buf, "Digest realm=\"");
	buf_addslice(buf, challenge->realm);
	buf_addc(buf, '"');
	add_quoted(buf, "domain", challenge->domain);
	if (offered)
		add_quoted(buf, "qop", slice_of(qops[offered]));
	add_quoted(buf, "nonce", challenge->nonce);
	add_quoted(buf, "opaque", challenge->opaque);
	if (challenge->is_stale)
		buf_adds(buf, ", stale=true");
	buf_addf(buf, ", algorithm=%s", name_of(challenge->algorithm, challenge->is_session));
}

void digest_credentials_write(const struct digest_credentials *credentials, struct buf *buf)
{
	buf_adds(buf, "Digest username=\"");
	buf_addslice(buf, credentials->username);
	buf_addc(buf, '"');
	add_quoted(buf, "realm", credentials->realm);
	add_quoted(buf, "nonce", credentials->nonce);
	add_quoted(buf, "uri", credentials->uri);
	add_quoted(buf, "response", credentials->response);
	buf_addf(buf, ", algorithm=%s", name_of(credentials->algorithm, credentials->is_session));
	if (credentials->qop != DIGEST_QOP_NONE) {
		buf_addf(buf, ", qop=%s",
			 credentials->qop == DIGEST_QOP_AUTH ? "auth" : "auth-int");
		buf_adds(buf, ", nc=");
		buf_addslice(buf, credentials->nc_text);
	}
	add_quoted(buf, "cnonce", credentials->cnonce);
	add_quoted(buf, "opaque", credentials->opaque);
	if (credentials->is_userhash)
		buf_adds(buf, ", userhash=true");
}

/* Computing
 * -----------------------------------------------------------------------------------------------
 */

/* H(parts joined by colons). */
static int hash_parts(enum digest_algorithm algorithm, const struct slice *parts, size_t count,
		      char ret_hex[DIGEST_HEX_MAX])
{
	static const char digits[] = "0123456789abcdef";
	EVP_MD *md = EVP_MD_fetch(NULL, algorithms[algorithm].evp, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char out[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	int err = !ctx ? -ENOMEM : !md ? -ENOTSUP : 0;

	if (!err && EVP_DigestInit_ex2(ctx, md, NULL) != 1)
		err = -ENOTSUP;
	for (size_t i = 0; i < count && !err; i++) {
		if ((i > 0 && EVP_DigestUpdate(ctx, ":", 1) != 1) ||
		    (parts[i].len > 0 && EVP_DigestUpdate(ctx, parts[i].p, parts[i].len) != 1))
			err = -ENOMEM;
	}
	if (!err && (EVP_DigestFinal_ex(ctx, out, &len) != 1 || len * 2 >= DIGEST_HEX_MAX))
		err = -ENOMEM;
	for (unsigned i = 0; i < len && !err; i++) {
		ret_hex[2 * i] = digits[out[i] >> 4];
		ret_hex[2 * i + 1] = digits[out[i] & 15];
	}
	if (!err)
		ret_hex[2 * len] = '\0';
	EVP_MD_CTX_free(ctx);
	EVP_MD_free(md);
	return err;
}

int digest_hash(enum digest_algorithm algorithm, struct slice text, char ret_hex[DIGEST_HEX_MAX])
{
	return hash_parts(algorithm, &text, 1, ret_hex);
}

int digest_ha1(enum digest_algorithm algorithm, struct slice user, struct slice realm,
	       struct slice password, char ret_hex[DIGEST_HEX_MAX])
{
	const struct slice parts[] = {user, realm, password};

	return hash_parts(algorithm, parts, ARRAY_LEN(parts), ret_hex);
}

/* A2 (RFC 7616 3.4.3): with auth-int the body is part of it. */
static int hash_a2(const struct digest_credentials *credentials, struct slice method,
		   struct slice body, char ret_hex[DIGEST_HEX_MAX])
{
	struct slice parts[] = {method, credentials->uri, SLICE_NONE};
	char body_hex[DIGEST_HEX_MAX];
	int err;

	if (credentials->qop != DIGEST_QOP_AUTH_INT)
		return hash_parts(credentials->algorithm, parts, 2, ret_hex);
	err = digest_hash(credentials->algorithm, body, body_hex);
	if (err)
		return err;
	parts[2] = slice_of(body_hex);
	return hash_parts(credentials->algorithm, parts, 3, ret_hex);
}

int digest_response(const struct digest_credentials *credentials, const char *ha1,
		    struct slice method, struct slice body, char ret_hex[DIGEST_HEX_MAX])
{
	char a1[DIGEST_HEX_MAX], a2[DIGEST_HEX_MAX];
	struct slice session[] = {slice_of(ha1), credentials->nonce, credentials->cnonce};
	int err;

	if (credentials->is_session)
		err = hash_parts(credentials->algorithm, session, ARRAY_LEN(session), a1);
	else
		err = slice_cstr(slice_of(ha1), a1, sizeof(a1)) ? 0 : -EINVAL;
	if (!err)
		err = hash_a2(credentials, method, body, a2);
	if (err)
		return err;
	if (credentials->qop == DIGEST_QOP_NONE) {
		struct slice parts[] = {slice_of(a1), credentials->nonce, slice_of(a2)};

		return hash_parts(credentials->algorithm, parts, ARRAY_LEN(parts), ret_hex);
	}
	struct slice parts[] = {
		slice_of(a1),
		credentials->nonce,
		credentials->nc_text,
		credentials->cnonce,
		credentials->qop == DIGEST_QOP_AUTH ? SLICE("auth") : SLICE("auth-int"),
		slice_of(a2),
	};

	return hash_parts(credentials->algorithm, parts, ARRAY_LEN(parts), ret_hex);
}

bool digest_is_same(struct slice given, const char *wanted)
{
	char lower[DIGEST_HEX_MAX];

	if (given.len >= sizeof(lower))
		return false;
	for (size_t i = 0; i < given.len; i++) {
		unsigned char c = (unsigned char)given.p[i];

		/* Upper case letters to lower without a branch: digits and others stay. */
		lower[i] = (char)(c | (((unsigned)c - 'A' < 6U) << 5));
	}
	return secret_is_same(slice_make(lower, given.len), slice_of(wanted));
}
