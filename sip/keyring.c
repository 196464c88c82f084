#include "sip/keyring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/build.h"
#include "sip/cursor.h"
#include "sip/digest.h"

enum { CNONCE_CHARS = 26, NC_CHARS = 8 };

/* The count of a nonce that was given for the next request, and that none has had: ffffffff. */
#define NC_UNUSED UINT32_MAX

struct key {
	char realm[SIP_KEY_TEXT_MAX + 1], user[SIP_KEY_TEXT_MAX + 1];
	char password[SIP_KEY_TEXT_MAX + 1];
};

struct sip_keyring {
	struct random *random;
	struct key *keys;
	uint32_t count;
};

/* Keys
 * --------------------------------------------------------------------------------------------------
 */

int sip_keyring_new(struct random *random, struct sip_keyring **ret_keyring)
{
	struct sip_keyring *keyring = calloc(1, sizeof(*keyring));

	if (!keyring)
		return -ENOMEM;
	keyring->random = random;
	*ret_keyring = keyring;
	return 0;
}

static void free_keys(struct key *keys, uint32_t count)
{
	if (keys)
		explicit_bzero(keys, count * sizeof(*keys));
	free(keys);
}

struct sip_keyring *sip_keyring_free(struct sip_keyring *keyring)
{
	if (!keyring)
		return NULL;
	free_keys(keyring->keys, keyring->count);
	free(keyring);
	return NULL;
}

uint32_t sip_keyring_count(const struct sip_keyring *keyring)
{
	return keyring->count;
}

/* What stands between quotes, without its backslashes, or up to the next white space. */
static bool take_word(struct cursor *c, char out[SIP_KEY_TEXT_MAX + 1])
{
	struct slice text;
	size_t len = 0;

	cursor_lws(c);
	if (cursor_skip(c, '"')) {
		if (!cursor_quoted(c, &text) ||
		    (!cursor_done(c) && !char_is(cursor_peek(c), CHAR_WS)))
			return false;
	} else {
		struct cursor mark = *c;

		while (!cursor_done(c) && !char_is(cursor_peek(c), CHAR_WS))
			cursor_take(c);
		text = cursor_since(c, mark);
		if (text.len == 0 || text.len > SIP_KEY_TEXT_MAX)
			return false;
		slice_cstr(text, out, SIP_KEY_TEXT_MAX + 1);
		return true;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == '\\' && i + 1 < text.len)
			i++;
		if (len == SIP_KEY_TEXT_MAX)
			return false;
		out[len++] = text.p[i];
	}
	out[len] = '\0';
	return len > 0;
}

static bool is_plain(const char *text, const char *others)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f || strchr(others, *text))
			return false;
	}
	return true;
}

/* Realm and user are written between quotes, and hashed: nothing in them is to be escaped. */
static bool read_key(struct slice line, struct key *key)
{
	struct cursor c = cursor_of(line);

	if (!take_word(&c, key->realm) || !take_word(&c, key->user) ||
	    !take_word(&c, key->password))
		return false;
	cursor_lws(&c);
	return cursor_done(&c) && is_plain(key->realm, "\"\\") && is_plain(key->user, "\"\\") &&
	       is_plain(key->password, "");
}

static int add_line(struct sip_keyring *fresh, struct slice line)
{
	struct key *grown;

	line = slice_trim(line);
	if (line.len == 0 || line.p[0] == '#')
		return 0;
	if (fresh->count == SIP_KEYS_MAX)
		return ERR_LIMIT;
	/* Not realloc: it would leave a copy behind. */
	grown = calloc(fresh->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	if (fresh->count > 0)
		memcpy(grown, fresh->keys, fresh->count * sizeof(*grown));
	free_keys(fresh->keys, fresh->count);
	fresh->keys = grown;
	return read_key(line, &grown[fresh->count++]) ? 0 : -EINVAL;
}

int sip_keyring_read(struct sip_keyring *keyring, struct slice text, uint32_t *ret_line)
{
	struct sip_keyring fresh = {0};
	uint32_t line = 0;
	int err = 0;

	while (text.len > 0 && !err) {
		size_t end = slice_find(text, '\n');

		line++;
		err = add_line(&fresh, slice_first(text, end));
		text = slice_from(text, end + 1);
	}
	if (err) {
		free_keys(fresh.keys, fresh.count);
		*ret_line = line;
		return err;
	}
	free_keys(keyring->keys, keyring->count);
	keyring->keys = fresh.keys;
	keyring->count = fresh.count;
	return 0;
}

static const struct key *find_key(const struct sip_keyring *keyring, struct slice realm)
{
	const struct key *any = NULL;

	for (uint32_t i = 0; i < keyring->count; i++) {
		if (slice_is(realm, keyring->keys[i].realm))
			return &keyring->keys[i];
		if (!any && slice_is(SLICE("*"), keyring->keys[i].realm))
			any = &keyring->keys[i];
	}
	return any;
}

/* Answers
 * -----------------------------------------------------------------------------------------------
 */

/* One that was given, or is to be given. */
struct answer {
	bool is_proxy;
	struct digest_credentials c;
	bool is_fresh; /* to a challenge of this response */
};

struct answers {
	struct answer list[SIP_KEYRING_ANSWERS_MAX];
	uint32_t count;
};

static const char *line_name(bool is_proxy)
{
	return is_proxy ? "Proxy-Authorization" : "Authorization";
}

/* Our own lines again. */
static void read_given(struct slice given, struct answers *answers)
{
	while (given.len > 0 && answers->count < SIP_KEYRING_ANSWERS_MAX) {
		struct answer *answer = &answers->list[answers->count];
		struct slice line = slice_trim(slice_first(given, slice_find(given, '\n')));
		size_t colon = slice_find(line, ':');

		given = slice_from(given, slice_find(given, '\n') + 1);
		*answer = (struct answer){
			.is_proxy = slice_iis(slice_first(line, colon), line_name(true))};
		if (digest_credentials_parse(slice_from(line, colon + 1), &answer->c) == 0)
			answers->count++;
	}
}

static struct answer *find_answer(struct answers *answers, bool is_proxy, struct slice realm)
{
	for (uint32_t i = 0; i < answers->count; i++) {
		if (answers->list[i].is_proxy == is_proxy &&
		    slice_eq(answers->list[i].c.realm, realm))
			return &answers->list[i];
	}
	return NULL;
}

/* What we gave to the same question before was wrong, unless only its nonce was old. A line that
 * went out unasked (the first try) has proven nothing yet. */
static bool was_wrong(const struct answer *before, const struct digest_challenge *challenge,
		      uint32_t tries)
{
	if (!before || challenge->is_stale)
		return false;
	return tries > 0 || slice_eq(before->c.nonce, challenge->nonce);
}

static int take_challenge(const struct sip_keyring *keyring,
			  const struct sip_challenged *challenged, const struct sip_header *header,
			  struct answers *answers)
{
	bool is_proxy = header->id == SIP_H_PROXY_AUTHENTICATE;
	struct digest_challenge challenge;
	struct answer *before;

	if (digest_challenge_parse(sip_header_value(challenged->response, header), &challenge) ||
	    !find_key(keyring, challenge.realm))
		return 0;
	before = find_answer(answers, is_proxy, challenge.realm);
	if (before && before->is_fresh)
		return 0; /* a challenge above it was better */
	if (was_wrong(before, &challenge, challenged->tries))
		return ERR_AUTH_FAILED;
	if (!before && answers->count == SIP_KEYRING_ANSWERS_MAX)
		return 0;
	if (!before)
		before = &answers->list[answers->count++];
	*before = (struct answer){
		.is_proxy = is_proxy,
		.is_fresh = true,
		.c = {.algorithm = challenge.algorithm,
		      .is_session = challenge.is_session,
		      .qop = challenge.has_auth       ? DIGEST_QOP_AUTH
			     : challenge.has_auth_int ? DIGEST_QOP_AUTH_INT
						      : DIGEST_QOP_NONE,
		      .realm = challenge.realm,
		      .nonce = challenge.nonce,
		      .opaque = challenge.opaque},
	};
	return 0;
}

static int take_challenges(const struct sip_keyring *keyring,
			   const struct sip_challenged *challenged, struct answers *answers)
{
	static const enum sip_header_id ids[] = {SIP_H_WWW_AUTHENTICATE, SIP_H_PROXY_AUTHENTICATE};
	uint32_t fresh = 0;

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		const struct sip_header *header = NULL;

		while ((header = sip_msg_next(challenged->response, ids[i], header))) {
			int err = take_challenge(keyring, challenged, header, answers);

			if (err)
				return err;
		}
	}
	for (uint32_t i = 0; i < answers->count; i++)
		fresh += answers->list[i].is_fresh;
	return fresh > 0 ? 0 : ERR_AUTH_REQUIRED;
}

static int write_answer(const struct sip_keyring *keyring, const struct sip_challenged *challenged,
			struct answer *answer, struct buf *headers)
{
	char cnonce[CNONCE_CHARS + 1], nc[NC_CHARS + 1];
	char ha1[DIGEST_HEX_MAX], response[DIGEST_HEX_MAX];
	struct digest_credentials *c = &answer->c;
	const struct key *key = find_key(keyring, c->realm);
	struct buf value = BUF_INIT;
	int err;

	if (!key)
		return 0; /* taken away since */
	(void)snprintf(nc, sizeof(nc), "%08x",
		       answer->is_fresh || c->nc == NC_UNUSED ? 1 : c->nc + 1);
	c->nc_text = slice_of(nc);
	if (answer->is_fresh && (c->qop != DIGEST_QOP_NONE || c->is_session))
		c->cnonce = slice_of(random_token(keyring->random, cnonce, CNONCE_CHARS));
	c->username = slice_of(key->user);
	c->uri = challenged->uri;
	err = digest_ha1(c->algorithm, c->username, c->realm, slice_of(key->password), ha1);
	if (!err)
		err = digest_response(c, ha1, challenged->method, challenged->body, response);
	if (!err) {
		c->response = slice_of(response);
		digest_credentials_write(c, &value);
		sip_build_header_slice(headers, line_name(answer->is_proxy), buf_slice(&value));
		err = buf_err(&value) ? buf_err(&value) : buf_err(headers);
	}
	buf_done(&value);
	explicit_bzero(ha1, sizeof(ha1));
	return err;
}

/* What a 2xx says
 * ------------------------------------------------------------------------------------------------
 */

/* True unless it has an rspauth that is wrong: A2 is that of the request without a method. */
static bool knows_secret(const struct sip_keyring *keyring, const struct answer *answer,
			 const struct digest_info *info, struct slice body)
{
	char ha1[DIGEST_HEX_MAX], response[DIGEST_HEX_MAX];
	const struct digest_credentials *c = &answer->c;
	const struct key *key = find_key(keyring, c->realm);
	bool is_same;

	if (!key || !slice_present(info->rspauth) || info->qop != c->qop)
		return true; /* RFC 2069 has another rspauth; nothing to tell */
	if (digest_ha1(c->algorithm, c->username, c->realm, slice_of(key->password), ha1))
		return true;
	is_same = digest_response(c, ha1, SLICE(""), body, response) == 0 &&
		  digest_is_same(info->rspauth, response);
	explicit_bzero(ha1, sizeof(ha1));
	return is_same;
}

/* It names no realm: it is of the only one that was answered on that side. */
static struct answer *only_answer(struct answers *answers, bool is_proxy)
{
	struct answer *only = NULL;

	for (uint32_t i = 0; i < answers->count; i++) {
		if (answers->list[i].is_proxy != is_proxy)
			continue;
		if (only)
			return NULL;
		only = &answers->list[i];
	}
	return only;
}

/* *is_new: there is a nonce for the next request. A session key stays with its first nonce. */
static int take_info(const struct sip_keyring *keyring, const struct sip_msg *response,
		     struct answers *answers, bool is_proxy, bool *is_new)
{
	struct slice value = sip_msg_value_named(response, is_proxy ? "Proxy-Authentication-Info"
								    : "Authentication-Info");
	struct answer *answer = only_answer(answers, is_proxy);
	struct digest_info info;

	if (!slice_present(value) || !answer || digest_info_parse(value, &info))
		return 0;
	if (!knows_secret(keyring, answer, &info, response->body))
		return ERR_AUTH_FAILED;
	if (info.nextnonce.len == 0 || answer->c.is_session || answer->c.qop == DIGEST_QOP_NONE)
		return 0;
	answer->c.nonce = info.nextnonce;
	answer->c.nc_text = SLICE("ffffffff");
	*is_new = true;
	return 0;
}

static int take_infos(const struct sip_keyring *keyring, const struct sip_challenged *challenged,
		      struct answers *answers, struct buf *headers)
{
	bool is_new = false;
	int err = take_info(keyring, challenged->response, answers, false, &is_new);

	if (!err)
		err = take_info(keyring, challenged->response, answers, true, &is_new);
	if (err || !is_new)
		return err ? err : ERR_AUTH_REQUIRED;
	for (uint32_t i = 0; i < answers->count; i++) {
		buf_addf(headers, "%s: ", line_name(answers->list[i].is_proxy));
		digest_credentials_write(&answers->list[i].c, headers);
		buf_adds(headers, "\r\n");
	}
	return buf_err(headers);
}

int sip_keyring_answer(void *arg, const struct sip_challenged *challenged, struct buf *headers)
{
	const struct sip_keyring *keyring = arg;
	struct answers answers = {0};
	int err = 0;

	read_given(challenged->given, &answers);
	if (challenged->response && challenged->response->status < 300)
		return take_infos(keyring, challenged, &answers, headers);
	if (challenged->response)
		err = take_challenges(keyring, challenged, &answers);
	for (uint32_t i = 0; i < answers.count && !err; i++)
		err = write_answer(keyring, challenged, &answers.list[i], headers);
	return err;
}
