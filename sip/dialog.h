/* sip/dialog.h -- the peer-to-peer relation of two user agents (RFC 3261 12): tags, sequence
 * numbers, route set, remote target.
 *
 * Pure state: it sends nothing. A dialog is made from the request and the response that establish
 * it, early (1xx) or confirmed (2xx) alike. Ownership: a call, then the subscriptions in it.
 * Thread: control.
 */
#ifndef SIP_DIALOG_H
#define SIP_DIALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/list.h"
#include "sip/msg.h"
#include "sip/net.h"

enum {
	SIP_DIALOG_ROUTES_MAX = 32, /* ERR_LIMIT beyond */
	SIP_DIALOG_TEXT_MAX =
		4096 /* octets of a From, To, Call-ID, Contact URI or route: ERR_LIMIT beyond */
};

struct sip_dialog {
	struct hash_node node; /* in a sip_dialog_table */
	void *owner; /* the call; NULL: none, or it is gone and left the dialog to its usages */
	struct list usages; /* subscriptions in it (sip/sub_priv.h); all zero: none ever */
	char *call_id, *local_tag, *remote_tag; /* remote_tag is "" for a peer of RFC 2543 */
	char *local, *remote; /* whole From and To values of our requests, tags included */
	char *remote_target;  /* URI, without brackets */
	char *located;        /* URI that stands for it (sip_dialog_locate); NULL: none */
	char *located_path;   /* name-addrs on the way there; NULL: none */
	char *routes[SIP_DIALOG_ROUTES_MAX]; /* name-addrs, first hop first */
	uint32_t route_count;
	uint32_t local_cseq,
		remote_cseq; /* the last used; remote_cseq counts only with has_remote_cseq */
	bool has_remote_cseq;
	uint32_t rseq_cseq, rseq; /* of the last reliable provisional answer of theirs (RFC 3262) */
	bool allows_update;       /* the peer's last Allow has UPDATE */
	uint8_t hops_used;    /* of 70: Max-Forwards of what carries a call on (RFC 3261 16.6) */
	bool is_remote_focus; /* isfocus in the peer's Contact (RFC 3840, RFC 4579 5.2) */
};

/* UAS (12.1.1): from the request and the tag of our answers. ERR_SIP_HEADER_MISSING,
 * ERR_SIP_HEADER_SYNTAX, ERR_LIMIT, -ENOMEM. */
int sip_dialog_new_uas(const struct sip_msg *request, const char *local_tag,
		       struct sip_dialog **ret_dialog);

/* What a UAC begins with (8.1.1): its INVITE is written from this as from a dialog. */
struct sip_dialog_start {
	struct slice call_id, local_tag;
	struct slice from; /* without a tag */
	struct slice to;
	struct slice target; /* Request-URI */
	struct slice route;  /* name-addrs "<..>, <..>" of the hops in order; absent: none */
	uint32_t cseq;
};
int sip_dialog_new_uac(const struct sip_dialog_start *start, struct sip_dialog **ret_dialog);

/* UAC (12.1.2): the dialog that this response makes. A response without Contact keeps the
 * Request-URI as the target. Errors as above. */
int sip_dialog_fork(const struct sip_dialog *start, const struct sip_msg *response,
		    struct sip_dialog **ret_dialog);

/* Accepts NULL and half-built; returns NULL. Must not be in a table. */
struct sip_dialog *sip_dialog_free(struct sip_dialog *dialog);

/* The remote target from the Contact of a target refresh request or response (12.2.1.2, 12.2.2),
 * and what its Allow says. Without them nothing changes. */
int sip_dialog_refresh(struct sip_dialog *dialog, const struct sip_msg *msg);

/* An early dialog whose 2xx came (13.2.2.4): the route set and target are that response's. */
int sip_dialog_confirm(struct sip_dialog *dialog, const struct sip_msg *response);

/* The next requests go to `uri` in place of the remote target, which stays what it is; where there
 * is no route set, over the name-addrs of `path` (absent: none). `uri` absent: to the target. */
int sip_dialog_locate(struct sip_dialog *dialog, struct slice uri, struct slice path);

/* RSeq of a reliable provisional response (RFC 3262 4): remembered when it is the first to its
 * INVITE or the next. ERR_STATE: a copy, or one before it is missing. ERR_SIP_HEADER_SYNTAX. */
int sip_dialog_check_rseq(struct sip_dialog *dialog, const struct sip_msg *response);

/* CSeq of a request in the dialog (12.2.2). ERR_STATE when it is not above the last one (500). */
int sip_dialog_check_cseq(struct sip_dialog *dialog, uint32_t number);

/* The URI that the next request is sent to (12.2.1.1, 8.1.2): first route, else the target. */
struct slice sip_dialog_hop(const struct sip_dialog *dialog);

/* Request-URI and the Route lines, for loose and strict routers (12.2.1.1). */
struct slice sip_dialog_request_uri(const struct sip_dialog *dialog);
void sip_dialog_add_routes(const struct sip_dialog *dialog, struct buf *buf);
/* Max-Forwards, From, To, Call-ID and CSeq. */
void sip_dialog_add_fields(const struct sip_dialog *dialog, uint32_t cseq, struct slice method,
			   struct buf *buf);

/* By Call-ID and both tags. */
int sip_dialog_table_new(struct hash **ret_table);
void sip_dialog_add(struct hash *table, struct sip_dialog *dialog);
/* The dialog with exactly these; remote_tag "" for a peer of RFC 2543. NULL when there is none. */
struct sip_dialog *sip_dialog_find_tags(struct hash *table, struct slice call_id,
					struct slice local_tag, struct slice remote_tag);
/* The dialog that an incoming request or response belongs to: To tag is ours in a request, From tag
 * in a response. NULL when there is none. */
struct sip_dialog *sip_dialog_find(struct hash *table, const struct sip_msg *msg);

#endif
