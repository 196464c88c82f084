/* focus/auth.h -- who may: the one place where a SIP request is asked for credentials, and where
 * rights are looked up. docs/operations.md, "Who may", tells the rules to people.
 *
 * A caller is a guest, a user (by digest, or by the name in its TLS certificate), or speaks through
 * a trusted peer (sip.trusted), whose P-Asserted-Identity is believed (RFC 3325). Of anybody else
 * P-Asserted-Identity counts nothing. Privacy (RFC 3323 "header" and "user", RFC 3325 "id") hides
 * the identity from the roster and from those whom we call.
 *
 * Requests inside a dialog are not asked: who knows its tags is in it. Thread: control.
 */
#ifndef FOCUS_AUTH_H
#define FOCUS_AUTH_H

#include "base/buf.h"
#include "config/config.h"
#include "focus/users.h"
#include "sip/auth.h"
#include "sip/guard.h"
#include "sip/msg.h"
#include "sip/net.h"

struct auth;

struct auth_params {
	struct clock clock;
	struct random *random;
	const struct config *config; /* borrowed */
	struct users *users;         /* borrowed */
	struct sip_net net;
};
/* -ENOMEM. auth_reload must follow. */
int auth_new(const struct auth_params *params, struct auth **ret_auth);
struct auth *auth_free(struct auth *auth); /* accepts NULL; returns NULL */
/* The configuration changed. What cannot be read (config_check has refused it before) stays as it
 * was. */
void auth_reload(struct auth *auth);

struct sip_guard *auth_guard(struct auth *auth); /* borrowed; for sip_ua_params */
const struct sip_auth_stats *auth_stats(const struct auth *auth);

/* What a request is about to do. */
enum auth_need {
	AUTH_CALL, /* come into a conference, ask what it is: guests may, unless sip.auth says no */
	AUTH_ALLOCATE,  /* have a number of the pool: only a known user (From) */
	AUTH_REGISTER,  /* only a known user, and only for an address of its own (To) */
	AUTH_DIAL_OUT,  /* be connected to somebody outside: who has the right */
	AUTH_REFER_OUT, /* have us call somebody (REFER): who has the right */
	AUTH_SPEAK      /* SUBSCRIBE, MESSAGE, PUBLISH: as AUTH_CALL */
};

enum { AUTH_URI_MAX = STORE_URI_MAX, AUTH_DISPLAY_MAX = STORE_TEXT_MAX };

/* Who it is. By value; `user` stays valid until it is deleted: do not keep it. */
struct auth_identity {
	const struct user *user; /* who proved to be it; NULL: a guest, or through a trusted peer */
	/* The user of ours that it is: the name of `user`, or of whom a trusted peer asserts at a
	 * domain of ours. Never by From alone, and also of who hides. "": none. */
	char user_name[USER_NAME_MAX + 1];
	bool is_trusted; /* came through a trusted peer */
	bool is_private; /* wants to stay unknown: uri is sip:anonymous@anonymous.invalid */
	char uri[AUTH_URI_MAX + 1]; /* as it may be shown; "": From stands */
	char display_name[AUTH_DISPLAY_MAX + 1];
};

struct auth_question {
	const struct sip_msg *request;
	const struct sip_flow *flow;
	enum auth_need need;
};

/* 0: it may. ERR_AUTH_REQUIRED: `headers` has the challenges of a 401. ERR_AUTH_LOCKED: it has a
 * Retry-After. ERR_AUTH_MALFORMED (400), ERR_NOT_ALLOWED (403). focus/status.h makes answers of
 * them. *ret_identity is filled in every case as far as it is known. */
int auth_decide(struct auth *auth, const struct auth_question *question,
		struct auth_identity *ret_identity, struct buf *headers);

/* A conference of a free name may be made by this caller. */
bool auth_may_create_rooms(const struct auth_identity *identity);

/* Whether Privacy (RFC 3323 4.2) has one of the words of a comma list. */
bool auth_privacy_has(const struct sip_msg *request, const char *words);

#endif
