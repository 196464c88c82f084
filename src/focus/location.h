/* focus/location.h -- where the users of our domain are: the bindings of addresses of record
 * (RFC 3261 10, RFC 3327, RFC 5626, RFC 5627).
 *
 * An address of record is named by its user part alone, as a room is: the host may be any of ours.
 * Its bindings are Contacts with their q, their Path and, for a phone that is met on the very path
 * it came by (a NAT, a connection, a WebSocket), that flow. Bindings expire by themselves; those on
 * a connection go with it. Numbers of the pool (focus/numbers.h) have bindings like users.
 *
 * Who writes decides (focus/registrar.c); this is memory and time. Thread: control.
 */
#ifndef FOCUS_LOCATION_H
#define FOCUS_LOCATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/random.h"
#include "base/wheel.h"
#include "focus/gruu.h"
#include "sip/net.h"
#include "sip/uri.h"

enum {
	LOCATION_USER_MAX = 128,  /* octets of a user part */
	LOCATION_TEXT_MAX = 1024, /* octets of one text of a binding: ERR_LIMIT */
	LOCATION_BINDING_ID_CHARS = 12,
};
#define LOCATION_TEMP_GRUU_PREFIX "tgruu."

struct location;

struct binding {
	struct list node; /* of its address of record, in the order of registration */
	struct aor *aor;
	struct location *location;
	struct timer timer;
	char id[LOCATION_BINDING_ID_CHARS + 1]; /* for the API */
	char *contact;                          /* URI */
	char *params;     /* of the Contact, without q and expires: "+sip.instance=...;..." or "" */
	char *path;       /* name-addrs "<..>, <..>", first hop first, or "" */
	char *instance;   /* "urn:uuid:...", or "" */
	char *call_id;    /* of the REGISTER */
	char *user_agent; /* "" none */
	uint32_t reg_id;  /* 0: none; else this is an outbound flow (RFC 5626) */
	uint32_t cseq;
	uint16_t q_thousandths;
	bool has_flow; /* goes over `flow` when there is no path */
	struct sip_flow flow;
	uint64_t expires_ms;      /* on the wheel */
	uint64_t expires_wall_ms; /* the same, to be kept and shown */
	uint64_t updated_wall_ms;
	struct hash_node by_epoch; /* linked while it has an epoch and is in the location */
	uint64_t epoch;            /* of its temporary GRUUs (focus/gruu.h); 0: none */
};

struct aor {
	struct hash_node node;
	char user[LOCATION_USER_MAX + 1];
	struct list bindings;
	uint32_t binding_count;
	bool is_changing;       /* kept though it is empty */
};

enum location_change { LOCATION_ADDED, LOCATION_REFRESHED, LOCATION_REMOVED };
/* `cause` of a removal: "removed", "replaced", "expired", "flow_failed", "deleted"; else NULL. The
 * listener must not change the location. */
typedef void location_fn(void *arg, enum location_change change, const struct binding *binding,
			 const char *cause);

struct location_params {
	struct wheel *wheel; /* borrowed */
	struct clock clock;
	struct random *random; /* borrowed */
	struct sip_net net;    /* asked whether connections live; ops may be NULL */
	location_fn *on_change;
	void *arg;
};
/* -ENOMEM. */
int location_new(const struct location_params *params, struct location **ret_location);
struct location *location_free(struct location *location); /* tells nobody; accepts NULL */

/* NULL when nobody of that name has a binding. Those whose connection has gone are removed first.
 */
struct aor *location_find(struct location *location, struct slice user);
struct binding *location_next(struct aor *aor, const struct binding *after); /* NULL: the first */
struct binding *location_find_id(struct location *location, struct slice id);
/* In the order of the names: the first address of record behind `after` (absent: the first). */
struct aor *location_next_aor(struct location *location, struct slice after);
uint32_t location_count(const struct location *location);     /* bindings */
uint32_t location_aor_count(const struct location *location); /* with at least one binding */

/* A binding that is in no list yet; texts are copied, tabs and line ends in them become spaces.
 * expires_s from now. ERR_LIMIT, -ENOMEM. */
struct binding_make {
	struct slice contact, params, path, instance, call_id, user_agent;
	uint32_t reg_id, cseq, expires_s;
	uint16_t q_thousandths;
	const struct sip_flow *flow; /* NULL: none */
};
int binding_new(struct location *location, const struct binding_make *make,
		struct binding **ret_binding);
struct binding *binding_free(struct binding *binding); /* of one in no list; accepts NULL */

/* All changes or none. `fresh` is taken when it succeeds; without `old` it is added, without
 * `fresh` the old one goes. -ENOMEM, ERR_LIMIT (the name is too long). */
struct location_step {
	struct binding *old, *fresh;
};
int location_apply(struct location *location, struct slice user, const struct location_step *steps,
		   uint32_t count);

/* One binding, told with `cause`. */
void location_remove(struct location *location, struct binding *binding, const char *cause);

/* GRUUs (RFC 5627) ------------------------------------------------------------------------------
 */

/* Adds "sip:user@host;gr=urn:uuid:...", sips: of a sips: Contact (RFC 5630 5.2.1). */
void location_pub_gruu(const struct binding *binding, const char *host, struct buf *out);
/* Makes a new one and adds "sip:tgruu.xyz@host;gr". It is good for as long as the instance is bound
 * with this Call-ID (RFC 5627 3.2). -ENOMEM, also of a binding without an instance. */
int location_temp_gruu(const struct binding *binding, const char *host, struct buf *out);
/* What they are made with: chance, or as it was kept. To be set before there is a binding. */
void location_set_key(struct location *location, const struct gruu_key *key);
const struct gruu_key *location_key(const struct location *location);

/* Whom a URI of ours means. 0 with *ret_aor NULL: nobody is there (now). `instance`: only bindings
 * of it; absent: all. Slices live as long as the URI's text or `buf`. */
struct location_match {
	struct aor *aor;
	struct slice user;     /* unescaped; of a temporary GRUU: the user behind it */
	struct slice instance; /* absent: any */
	bool is_gruu;
	bool is_sips; /* called by sips: */
	char user_text[LOCATION_USER_MAX + 1];
	char instance_text[LOCATION_TEXT_MAX + 1];
};
/* ERR_ROOM_UNKNOWN: no user part, or one that cannot be a user's. */
int location_match(struct location *location, const struct sip_uri *uri,
		   struct location_match *ret_match);
/* A Contact of another scheme (mailto:) is kept and told, but never called. Who calls by sips:
 * means the sips: Contacts alone; who calls by sip: means them, too (RFC 5630 5.3). */
bool location_is_meant(const struct location_match *match, const struct binding *binding);
/* Called by sips:, and there are sip: Contacts and no other: 480 with Warning 380 (RFC 5630 5.3).
 */
bool location_lacks_sips(const struct location_match *match);

/* Persistence: one binding as a line of text, and back into the location under its old id; nobody
 * is told. One that is over by now expires at the next turn. -EINVAL: not such a line. */
void binding_write(const struct binding *binding, struct buf *out);
int location_restore(struct location *location, struct slice id, struct slice text);

struct location_stats {
	uint64_t added, refreshed, removed, expired, flow_failed;
};
const struct location_stats *location_stats(const struct location *location);

#endif
