/* focus/leg.h -- where signalling and sound meet: offer/answer on one side, a media leg on the
 * other.
 *
 * A leg is a field of its participant. Commands that the mixer cannot take at the moment
 * (ERR_QUEUE_FULL) are kept and given again LEG_RETRY_MS later, in order; only after LEG_TRIES_MAX
 * of these, or another error, on_failed is called, never from inside a function of this header.
 * Thread: control.
 */
#ifndef FOCUS_LEG_H
#define FOCUS_LEG_H

#include "base/wheel.h"
#include "config/config.h"
#include "focus/codecs.h"
#include "media.h"
#include "sip/net.h"
#include "sip/offer.h"

struct focus;

enum { LEG_RETRY_MS = 20, LEG_TRIES_MAX = 100 };

/* A media room with a count of those who need it: it is closed when the last leg in it has
 * really closed (media.h, room_close), which is later than the last participant's leaving. */
struct bus {
	struct focus *focus;
	handle room;
	uint32_t refs;
};
int bus_open(struct focus *focus,
	     struct bus **ret_bus); /* with one hold. As media_ops.room_open. */
struct bus *bus_ref(struct bus *bus);
struct bus *bus_unref(struct bus *bus); /* accepts NULL; returns NULL */

struct leg {
	struct focus *focus;
	struct bus *bus; /* held: the room that it is in or will enter */
	struct bus *left; /* held: the room in which the mixer still has it; NULL */
	handle media;    /* 0: not open, or closed for good */
	bool is_closing; /* told to close; MEDIA_LEG_CLOSED has not come yet */
	bool is_in_room;
	bool is_secure;     /* its signalling: keys may stand in it */
	bool told_in_clear; /* that keys crossed in the clear */
	uint8_t srtp_keys[SDES_SUITE_COUNT][SDES_KEY_MAX]; /* ours, for the call's life */
	char codecs[CODECS_LIST_MAX + 1]; /* of its room when it was opened; "": media.codecs */
	struct addr bound;                /* local RTP address; the port is the reserved one */
	struct media_leg_params params;
	struct media_leg_control control;
	struct media_leg_stats stats; /* final, once closed */
	unsigned pending;             /* enum leg_pending */
	int failed;                   /* the error that on_failed is about */
	uint8_t tries;
	struct timer retry;
	void (*on_failed)(void *arg, int err);
	void *arg;
};

struct leg_place {
	struct bus *bus;   /* may be NULL when is_outside: leg_set_bus before leg_enter */
	bool is_outside;   /* not in the room yet: a ringing call; leg_enter later */
	bool is_secure;    /* signalling goes over TLS */
	struct addr local; /* address to bind */
	struct addr peer_signalling, peer_rtp; /* as in media_leg_open */
	const char *codecs; /* a list in order of preference; NULL or "": media.codecs. Copied */
	uint64_t tag;
};

void leg_init(struct leg *leg, struct focus *focus, void (*on_failed)(void *arg, int err),
	      void *arg);
/* Reserves ports. As media_ops.leg_open. */
int leg_open(struct leg *leg, const struct leg_place *place);
void leg_set_bus(struct leg *leg, struct bus *bus); /* the room that it will enter */
void leg_enter(struct leg *leg);                    /* into its room */
void leg_go(struct leg *leg, struct bus *bus);      /* from its room into another */
void leg_agree(struct leg *leg, const struct offer_agreed *agreed); /* after every exchange */
void leg_control(struct leg *leg, const struct media_leg_control *control);
/* Harmless when it is not open or closes already. */
void leg_close(struct leg *leg);
void leg_on_closed(struct leg *leg,
		   const struct media_leg_stats *stats); /* MEDIA_LEG_CLOSED came */
bool leg_is_open(const struct leg *leg); /* also while it closes: its memory must stay */
/* Now, or as they were at the end. */
void leg_stats(const struct leg *leg, struct media_leg_stats *ret_stats);
/* Lets go of everything without waiting: for focus_free. */
void leg_done(struct leg *leg);

/* What we offer and answer with. */
void leg_offer_local(const struct leg *leg, struct offer_local *ret_local);
/* The same without a leg, port 0: what the mixer can do (RFC 3261 11.2, RFC 3264 9). `codecs` as in
 * leg_place. */
void leg_offer_capability(const struct config *config, const char *codecs, const struct addr *local,
			  struct offer_local *ret_local);

/* What the mixer is told of an agreement. Sound of a peer that put us on hold stays out of the
 * room: it would be their music. */
void leg_params_of(const struct offer_agreed *agreed, bool is_symmetric,
		   struct media_leg_params *ret_params);

/* The address that we bind for a call on this path. The flow's own, or the kernel's choice. */
int leg_local_of_flow(const struct sip_flow *flow, struct addr *ret_local);

#endif
