#include "focus/auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/log.h"
#include "focus/admission.h"
#include "focus/text.h"
#include "sip/build.h"

struct auth {
	const struct config *config;
	struct users *users;
	struct sip_net net;
	struct sip_guard *guard;
	struct sip_auth *sip;
};

/* The log -------------------------------------------------------------------------------------- */

/* One line for each refusal, made for fail2ban (docs/operations.md has its expression): address
 * first, what a stranger can choose last. */
static void on_refused(void *arg, const struct sip_guard_event *event)
{
	struct slice agent = sip_msg_value(event->request, SIP_H_USER_AGENT);
	struct sip_addr from;
	char text[ADDR_TEXT_MAX];

	(void)arg;
	if (sip_msg_addr(event->request, SIP_H_FROM, &from))
		from.uri.text = SLICE_NONE;
	LOG(LOG_WARN, "security.refused",
	    LOG_STR("address", addr_ip_text(&event->flow->remote, text)),
	    LOG_STR("cause", sip_guard_cause_name(event->cause)),
	    LOG_INT("suppressed", event->suppressed),
	    LOG_SLICE("method", event->request->method_text), LOG_SLICE("from", from.uri.text),
	    LOG_SLICE("user_agent", agent));
}

/* Wiring --------------------------------------------------------------------------------------- */

static const char *ha1_of(void *arg, struct slice username, enum digest_algorithm algorithm)
{
	struct auth *auth = arg;
	const struct user *user = users_find(auth->users, username);

	return user ? user_ha1(user, slice_of(users_realm(auth->users)), algorithm) : NULL;
}

int auth_new(const struct auth_params *params, struct auth **ret_auth)
{
	struct auth *auth = calloc(1, sizeof(*auth));
	int err;

	if (!auth)
		return -ENOMEM;
	auth->config = params->config;
	auth->users = params->users;
	auth->net = params->net;
	err = sip_guard_new(&(struct sip_guard_params){.clock = params->clock,
						       .net = params->net,
						       .on_refused = on_refused},
			    &auth->guard);
	if (!err)
		err = sip_auth_new(
			&(struct sip_auth_params){
				.nonces = {.clock = params->clock,
					   .random = params->random,
					   .life_ms = (uint32_t)params->config->sip_nonce_life_s *
						      1000},
				.ha1 = ha1_of,
				.arg = auth,
			},
			&auth->sip);
	if (err) {
		auth_free(auth);
		return err;
	}
	*ret_auth = auth;
	return 0;
}

struct auth *auth_free(struct auth *auth)
{
	if (!auth)
		return NULL;
	sip_guard_free(auth->guard);
	sip_auth_free(auth->sip);
	free(auth);
	return NULL;
}

/* sip.realm, else a name of ours that does not change with the address. */
static struct slice realm_of(const struct config *config)
{
	struct slice list = slice_of(config->sip_domains), first = SLICE_NONE;

	if (config->sip_realm[0])
		return slice_of(config->sip_realm);
	if (text_list_next(&list, &first))
		return first;
	if (config->sip_public_host[0])
		return text_host(slice_of(config->sip_public_host));
	return SLICE("hearth");
}

static void reload_guard(struct auth *auth)
{
	const struct config *config = auth->config;
	struct sip_guard_rules rules = {
		.acl = config->sip_acl,
		.trusted = config->sip_trusted,
		.unlimited = config->sip_rate_unlimited,
		.per_second = {[SIP_GUARD_INVITE] = (uint32_t)config->sip_rate_invite,
			       [SIP_GUARD_REGISTER] = (uint32_t)config->sip_rate_register,
			       [SIP_GUARD_OTHER] = (uint32_t)config->sip_rate_other},
		.burst_s = (uint32_t)config->sip_rate_burst_s,
		.per_second_in_all = (uint32_t)config->sip_rate_total,
		.scanners = strcmp(config->sip_scanners, "drop") == 0 ? config->sip_scanner_agents
								      : "",
		.failures_max = (uint32_t)config->sip_auth_failures_max,
		.lock_s = (uint32_t)config->sip_auth_lock_s,
		.lock_s_max = (uint32_t)config->sip_auth_lock_max_s,
	};
	struct slice item = SLICE_NONE;
	int err = sip_guard_set_rules(auth->guard, &rules, &item);

	if (err)
		LOG(LOG_ERROR, "auth.rules_refused", LOG_SLICE("item", item),
		    LOG_STR("error", err_text(err)));
}

void auth_reload(struct auth *auth)
{
	struct slice realm = realm_of(auth->config);

	reload_guard(auth);
	if (!slice_is(realm, users_realm(auth->users)))
		users_set_realm(auth->users, realm);
	if (sip_auth_set_order(auth->sip, slice_of(auth->config->sip_auth_algorithms)))
		LOG(LOG_ERROR, "auth.algorithms_refused",
		    LOG_STR("list", auth->config->sip_auth_algorithms));
}

struct sip_guard *auth_guard(struct auth *auth)
{
	return auth->guard;
}

const struct sip_auth_stats *auth_stats(const struct auth *auth)
{
	return sip_auth_stats(auth->sip);
}

/* Who is it ------------------------------------------------------------------------------------ */

/* The user part, unescaped; absent when it is too long for a name of ours. */
static struct slice user_part(const struct sip_uri *uri, char text[USER_NAME_MAX + 1])
{
	size_t len;

	if (!uri->user.len || sip_unescape(uri->user, text, USER_NAME_MAX + 1, &len))
		return SLICE_NONE;
	return slice_make(text, len);
}

/* The user of ours that an address of the request names. */
static struct user *user_named(const struct auth *auth, const struct sip_msg *request,
			       enum sip_header_id header)
{
	char text[USER_NAME_MAX + 1];
	struct sip_addr addr;

	if (sip_msg_addr(request, header, &addr) ||
	    !admission_host_is_ours(auth->config, addr.uri.host))
		return NULL;
	return users_find_alias(auth->users, user_part(&addr.uri, text));
}

/* Its certificate, which the transport has verified, names "sip:alice@realm" as a subjectAltName.
 */
static bool has_certificate(const struct auth *auth, const struct sip_flow *flow,
			    const struct user *user)
{
	char uri[USER_NAME_MAX + STORE_TEXT_MAX + 6];
	struct user_view view;

	if (!auth->net.ops || !auth->net.ops->peer_has_name || !flow->connection)
		return false;
	user_view(user, &view);
	if (!view.is_enabled)
		return false;
	(void)snprintf(uri, sizeof(uri), "sip:" SLICE_FMT "@%s", SLICE_ARG(view.name),
		       users_realm(auth->users));
	return auth->net.ops->peer_has_name(auth->net.ctx, flow, slice_of(uri));
}

static void name_user(const struct user *user, struct auth_identity *identity)
{
	struct user_view view;

	user_view(user, &view);
	if (view.is_enabled)
		slice_cstr(view.name, identity->user_name, sizeof(identity->user_name));
}

/* An asserted name is that of a user only at a domain of ours by name: any address is ours, and
 * "anna" of the peer's own address is somebody else. */
static void name_asserted(const struct auth *auth, const struct sip_uri *uri,
			  struct auth_identity *identity)
{
	char text[USER_NAME_MAX + 1];
	const struct user *user;

	if (!slice_ieq(uri->host, slice_of(users_realm(auth->users))) &&
	    !text_list_ihas(auth->config->sip_domains, uri->host))
		return;
	user = users_find_alias(auth->users, user_part(uri, text));
	if (user)
		name_user(user, identity);
}

/* RFC 3325 9.1: of a trusted peer, the first sip, sips or tel URI. */
static void believe_asserted(const struct auth *auth, const struct sip_msg *request,
			     struct auth_identity *identity)
{
	struct sip_list_walk walk = {0};
	struct sip_addr addr;
	struct slice element;

	while (sip_list_next(request, SIP_H_P_ASSERTED_IDENTITY, &walk, &element)) {
		if (sip_addr_parse(element, &addr) || addr.uri.scheme == SIP_SCHEME_OTHER ||
		    addr.uri.text.len > AUTH_URI_MAX)
			continue;
		text_utf8(addr.uri.text, identity->uri, sizeof(identity->uri));
		text_utf8(addr.display, identity->display_name, sizeof(identity->display_name));
		name_asserted(auth, &addr.uri, identity);
		return;
	}
}

/* RFC 3323 4.2: tokens divided by semicolons. "none" asks for nothing to be hidden. */
static bool next_privacy(struct slice *rest, struct slice *ret_word)
{
	while (rest->len > 0) {
		size_t end = slice_find(*rest, ';');

		*ret_word = slice_trim(slice_first(*rest, end));
		*rest = slice_from(*rest, end + 1);
		if (ret_word->len)
			return true;
	}
	return false;
}

bool auth_privacy_has(const struct sip_msg *request, const char *words)
{
	struct slice rest = sip_msg_value(request, SIP_H_PRIVACY), word;

	while (next_privacy(&rest, &word))
		if (text_list_ihas(words, word))
			return true;
	return false;
}

/* RFC 3323 5: what is critical and cannot be given ends the request. All that there is we give
 * anyway: onward goes a message of our own (header), from nobody (user, id), without its history
 * (RFC 7044 10.1), and with media that come from the mixer (session). */
static bool privacy_is_given(const struct sip_msg *request)
{
	struct slice rest = sip_msg_value(request, SIP_H_PRIVACY), word;

	if (!auth_privacy_has(request, "critical"))
		return true;
	while (next_privacy(&rest, &word))
		if (!text_list_ihas("user,header,session,id,history,none,critical", word))
			return false;
	return true;
}

static void show_user(const struct user *user, struct auth_identity *identity)
{
	struct user_view view;

	user_view(user, &view);
	identity->user = user;
	name_user(user, identity);
	if (view.display_name.len)
		text_utf8(view.display_name, identity->display_name,
			  sizeof(identity->display_name));
}

static void hide(struct auth_identity *identity)
{
	identity->is_private = true;
	slice_cstr(SLICE("sip:anonymous@anonymous.invalid"), identity->uri, sizeof(identity->uri));
	slice_cstr(SLICE("Anonymous"), identity->display_name, sizeof(identity->display_name));
}

/* What may it ---------------------------------------------------------------------------------- */

static bool asks_everybody(const struct auth *auth)
{
	return strcmp(auth->config->sip_auth, "all") == 0;
}

/* Credentials are asked of this caller. */
static bool needs_proof(const struct auth *auth, const struct auth_question *question)
{
	if (question->need != AUTH_CALL && question->need != AUTH_SPEAK)
		return true;
	if (asks_everybody(auth))
		return true;
	return strcmp(auth->config->sip_auth, "users") == 0 &&
	       user_named(auth, question->request, SIP_H_FROM) != NULL;
}

static bool has_right(const struct user *user, enum auth_need need)
{
	struct user_view view;

	user_view(user, &view);
	switch (need) {
	case AUTH_DIAL_OUT:
		return view.may_dial_out;
	case AUTH_REFER_OUT:
		return view.may_refer_out;
	default:
		return true;
	}
}

/* Who is known acts in its own name only: From of a call, To of a registration (RFC 3261 10.3). An
 * address elsewhere is no name of ours and may be shown (a phone behind another domain). */
static bool acts_as_itself(const struct auth *auth, const struct auth_question *question,
			   const struct user *user)
{
	bool is_register = question->need == AUTH_REGISTER;
	const struct user *named = user_named(auth, question->request,
					      is_register ? SIP_H_TO : SIP_H_FROM);

	return named == user || (!named && !is_register);
}

static int check_user(const struct auth *auth, const struct auth_question *question,
		      const struct user *user)
{
	if (!acts_as_itself(auth, question, user) || !has_right(user, question->need))
		return ERR_NOT_ALLOWED;
	return 0;
}

/* A trusted peer has asked before us. It registers any user of ours, and may send calls out. */
static int check_trusted(const struct auth *auth, const struct auth_question *question,
			 struct auth_identity *identity)
{
	believe_asserted(auth, question->request, identity);
	if (question->need != AUTH_REGISTER)
		return 0;
	identity->user = user_named(auth, question->request, SIP_H_TO);
	return identity->user ? 0 : ERR_NOT_ALLOWED;
}

static int locked(uint32_t seconds, struct buf *headers)
{
	sip_build_header(headers, "Retry-After", "%u", seconds);
	return ERR_AUTH_LOCKED;
}

/* Asks for credentials, or looks at them. */
static int check_digest(struct auth *auth, const struct auth_question *question,
			struct auth_identity *identity, struct buf *headers)
{
	struct sip_auth_question ask = {
		.request = question->request,
		.flow = question->flow,
		.realm = slice_of(users_realm(auth->users)),
	};
	enum sip_auth_verdict verdict;
	uint32_t locked_s = 0;
	struct slice name;

	if (slice_present(sip_auth_claim(&ask)))
		locked_s = sip_guard_locked_s(auth->guard, question->flow);
	if (locked_s > 0)
		return locked(locked_s, headers);
	verdict = sip_auth_check(auth->sip, &ask, &name);
	if (verdict == SIP_AUTH_WRONG)
		sip_guard_failed(auth->guard, question->flow, question->request);
	if (verdict == SIP_AUTH_MALFORMED)
		return ERR_AUTH_MALFORMED;
	if (verdict == SIP_AUTH_GOOD) {
		sip_guard_succeeded(auth->guard, question->flow);
		show_user(users_find(auth->users, name), identity);
		sip_auth_info(auth->sip, &ask, headers);
		return check_user(auth, question, identity->user);
	}
	if (verdict == SIP_AUTH_NONE && !needs_proof(auth, question))
		return 0;
	if (users_count(auth->users) == 0)
		return ERR_NOT_ALLOWED; /* nobody could answer */
	sip_auth_challenge(auth->sip, &ask, verdict == SIP_AUTH_STALE, headers);
	return ERR_AUTH_REQUIRED;
}

static int check(struct auth *auth, const struct auth_question *question,
		 struct auth_identity *identity, struct buf *headers)
{
	bool is_register = question->need == AUTH_REGISTER;
	const struct user *user;

	if (sip_guard_is_trusted(auth->guard, question->flow)) {
		identity->is_trusted = true;
		return check_trusted(auth, question, identity);
	}
	user = user_named(auth, question->request, is_register ? SIP_H_TO : SIP_H_FROM);
	if (user && has_certificate(auth, question->flow, user)) {
		show_user(user, identity);
		return check_user(auth, question, user);
	}
	return check_digest(auth, question, identity, headers);
}

int auth_decide(struct auth *auth, const struct auth_question *question,
		struct auth_identity *ret_identity, struct buf *headers)
{
	int err;

	*ret_identity = (struct auth_identity){0};
	err = check(auth, question, ret_identity, headers);
	if (!err && !privacy_is_given(question->request))
		err = ERR_PRIVACY;
	if (auth_privacy_has(question->request, "id,user,header"))
		hide(ret_identity);
	return err;
}

bool auth_may_create_rooms(const struct auth_identity *identity)
{
	struct user_view view;

	if (!identity->user)
		return true; /* rooms.autocreate decides for guests */
	user_view(identity->user, &view);
	return view.may_create_rooms;
}
