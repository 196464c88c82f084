/* focus/roster_doc.h -- the conference document of RFC 4575, written from plain values.
 *
 * A document is a head, users, and a tail. Each user is written whole; which users a document holds
 * is what makes it full or partial (4.3). Extension: <talking> and <muted> of the namespace
 * urn:hearth:conference in an endpoint (5.2 lets others add elements). Thread: any; pure.
 */
#ifndef FOCUS_ROSTER_DOC_H
#define FOCUS_ROSTER_DOC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define ROSTER_CONTENT_TYPE "application/conference-info+xml"

enum roster_state { ROSTER_FULL, ROSTER_PARTIAL, ROSTER_DELETED };

struct roster_head {
	struct slice entity; /* the conference URI */
	enum roster_state state;
	uint32_t version;
	struct slice display_text;
	uint32_t users_max; /* 0: not told */
	uint32_t users;
	bool is_locked;
};
/* Up to the opening tag of <users>; of a deleted conference the whole document. */
void roster_head_write(struct buf *out, const struct roster_head *head);
void roster_tail_write(struct buf *out, const struct roster_head *head);

struct roster_endpoint {
	struct slice entity; /* unique in the conference */
	struct slice status; /* 5.7.3: "connected", "on-hold", "muted-via-focus" ...; lower case */
	bool is_deleted;
	bool is_dialed_out;
	bool is_sending, is_receiving; /* the endpoint's own view of its media */
	bool has_media;
	bool is_muted, is_talking;
	uint64_t joined_wall_ms;  /* 0: not yet */
	struct slice referred_by; /* absent: nobody */
	/* Of one that has left: */
	const char *disconnection; /* "departed", "booted", "failed", "busy"; NULL */
	uint64_t left_wall_ms;
	struct slice reason;
};

struct roster_user {
	struct slice entity;
	enum roster_state state;
	struct slice display_text;
	bool is_host;        /* role "moderator": it made the conference */
	bool is_focus;       /* cascaded: the user is a conference itself (5.6.5) */
	struct slice behind; /* the conference over which the user is here (5.6.5); absent: none */
};
void roster_user_open(struct buf *out, const struct roster_user *user);
void roster_endpoint_write(struct buf *out, const struct roster_endpoint *endpoint);
void roster_user_close(struct buf *out);

#endif
