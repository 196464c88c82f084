/* focus/trunks.h -- where we register ourselves: SIP trunks and PBXs that send us calls (RFC 3261
 * 10.2 as the client).
 *
 * sip.register names our addresses of record there. Each is registered at start, refreshed in time,
 * taken away when we drain or the list changes. A challenge is answered from sip.credentials_file;
 * 423 raises the time (10.2.8); what fails is tried again, later each time, as RFC 5626 4.5 has it,
 * not before Retry-After. Where TCP or TLS leads to the registrar and it can do so, it meets us on
 * the connection that we opened (RFC 5626 4.2: a reg-id of our instance), as behind a NAT it must:
 * that is pinged (4.4.1), and when it breaks we register anew as after any failure. Over UDP it is
 * registered without. GRUUs of theirs are not asked for: our Contact names a conference. The
 * registrar's Service-Route (RFC 3608) is kept: calls of ours to its domain take it, and say that
 * they come from our address there. Calls of theirs come to our Contact, the user part of the
 * address of record, and are calls like any other: a room, a number of dialin.numbers. Thread:
 * control.
 */
#ifndef FOCUS_TRUNKS_H
#define FOCUS_TRUNKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "sip/uri.h"

struct focus;
struct trunks;

enum {
	TRUNKS_MAX = 64, /* more in the list are logged and left out */
	TRUNK_TEXT_MAX = 255,
	TRUNK_RETRY_S = 30,       /* after the first failure; doubled with each ... */
	TRUNK_RETRY_MAX_S = 1800, /* ... up to this */
	TRUNK_EARLY_S = 60        /* a refresh comes so much earlier, or after half of the time */
};

/* "sip:4930555@trunk.example sip:proxy.example;transport=tcp": an address of record and, if given,
 * the proxy on the way. False: not that. -- config_check uses the same. */
struct trunk_item {
	struct sip_uri aor;
	struct slice proxy; /* URI; absent: none */
};
bool trunk_item_parse(struct slice item, struct trunk_item *ret_item);

int trunks_new(struct focus *focus, struct trunks **ret_trunks); /* -ENOMEM */
struct trunks *trunks_free(struct trunks *trunks);               /* no word to anybody */
/* As sip.register says now: what is new is registered, what is gone is taken away. */
void trunks_reload(struct focus *focus);
/* Takes all away; nothing is registered any more. */
void trunks_drain(struct focus *focus);

enum trunk_state { TRUNK_REGISTERING, TRUNK_REGISTERED, TRUNK_FAILED, TRUNK_STATE_COUNT };
const char *trunk_state_name(enum trunk_state state);

struct trunk_view {
	struct slice aor, service_route; /* service_route: name-addrs; may be empty */
	enum trunk_state state;
	bool has_flow;             /* their calls come over the connection that we hold */
	uint16_t status;           /* the last one that came; 0: none, or no answer */
	const char *reason;        /* of a failure, for people; "" none */
	uint64_t expires_wall_ms;  /* 0: not registered */
	uint64_t next_try_wall_ms; /* 0: one is under way */
};
/* In the order of the list. False when there are fewer. */
bool focus_trunk(const struct focus *focus, uint32_t index, struct trunk_view *ret_view);

/* Where the trunks in the list are, registered or not: each address of record, and its proxy, if it
 * has one. `at` from 0; false behind the last. *ret_uri is borrowed until the list changes. */
bool trunks_place(const struct focus *focus, uint32_t at, struct sip_uri *ret_uri);
/* The trunk that a call to this URI goes by: of its domain (host and port), and registered. */
bool trunk_find(const struct focus *focus, const struct sip_uri *target,
		struct trunk_view *ret_view);

struct trunks_stats {
	uint64_t registered, refused, unanswered; /* REGISTERs, by how they ended */
};
const struct trunks_stats *focus_trunks_stats(const struct focus *focus);

#endif
