/* tests/support/focus_world.h -- a focus in a world of its own: virtual clock, seeded chance, fake
 * mixer and store, simulated network, and a second user agent that plays the phones.
 *
 * Nothing sleeps and nothing is random but by the seed. Thread: the test's.
 */
#ifndef TESTS_SUPPORT_FOCUS_WORLD_H
#define TESTS_SUPPORT_FOCUS_WORLD_H

#include "base/buf.h"
#include "focus/focus.h"
#include "sip/refer.h"
#include "tests/support/fake_media.h"
#include "tests/support/fake_store.h"
#include "tests/support/simnet.h"

enum { WORLD_PHONES_MAX = 64 };

struct phone;

struct world {
	struct clock_virtual time;
	struct clock clock;
	struct wheel *wheel;
	struct random random;
	struct config *config;
	struct store store;
	struct fake_media *media;
	struct simnet *net;
	struct simnode *server_node, *phones_node;
	struct sip_ua *server, *phones_ua;
	struct focus *focus;
	struct phone *phones[WORLD_PHONES_MAX];
	uint32_t phone_count;
	uint64_t seq;        /* of the last event seen */
	uint32_t seq_errors; /* gaps */
	struct buf events;   /* one line each: "participant.left lobby alice kicked 0" */
	bool is_empty_called, has_100rel;
};

struct world_options {
	uint64_t seed;             /* 0: 1 */
	const char *config;        /* "key=value" lines over the defaults, or NULL */
	const char *rooms;         /* "a,b": stored before the start, or NULL */
	const struct store *store; /* what an earlier world left; copied; NULL nothing */
	uint32_t loss_percent, duplicate_percent; /* of datagrams */
	uint32_t delay_max_ms;                    /* one way, from 1; 0: 1 */
	bool has_100rel; /* both sides can do reliable provisional answers (RFC 3262) */
};

/* `options` may be NULL. Fails the test and ends the process when it cannot be made. */
struct world *world_new(const struct world_options *options);
/* Everybody hangs up, time passes, and then nothing may be left: calls, transactions, dialogs,
 * legs, media rooms. Each leak is a failed check under the name `row`. Frees the world. */
void world_end(struct world *world, const char *row);
void world_free(struct world *world);

void world_run(struct world *world, uint64_t ms); /* time passes */
/* The lines since the last call of this function, of `prefix` only when it is not NULL. Borrowed
 * until the next call. */
const char *world_events(struct world *world, const char *prefix);
void world_on_empty(void *world); /* for focus_drain */
struct room *world_room(struct world *world, const char *id);
uint32_t world_roster(struct world *world,
		      const char *id); /* how many; 0 when there is no such room */

/* Phones ------------------------------------------------------------------------------------- */

enum phone_manner {                    /* what it does when it is called */
		    PHONE_ANSWERS,     /* 180, then 200 after answer_ms */
		    PHONE_RINGS,       /* 180 only */
		    PHONE_IS_SILENT,   /* nothing at all */
		    PHONE_REJECTS,     /* `status` with `headers` */
		    PHONE_RINGS_EARLY, /* 180 with a description, if it may, then 200 after
					  answer_ms */
};

struct phone {
	struct world *world;
	char user[32];
	enum phone_manner manner;
	uint32_t answer_ms;
	uint16_t status;
	const char *headers;        /* borrowed */
	const char *contact_params; /* "isfocus" or NULL */
	const char *display_name;   /* of its From; NULL none */
	bool has_only_pcma;
	bool has_no_address;      /* its descriptions say 0.0.0.0 */
	bool offers_nothing;      /* dials without a description */
	const char *dial_headers; /* more lines of its INVITE; borrowed */
	uint8_t dial_hops_used;   /* of its Max-Forwards */
	uint16_t message_status;  /* its answer to MESSAGE; 0: 405 */
	char message[128];        /* body of the last one */
	uint32_t messages;
	uint16_t info_status;     /* its answer to INFO; 0: 405 */
	const char *info_headers; /* more lines of it; borrowed; NULL none */
	struct buf infos;         /* bodies of those that came */
	uint16_t refer_status;    /* how it says that a REFER to it went; 0: it refuses it (405) */
	uint32_t refer_delay_ms;
	char refer_to[256]; /* of the last REFER, its URI */
	struct sip_referral *referral;
	struct phone
		*second; /* its other line, which goes where REFER says; NULL: it only says so */
	struct phone
		*first; /* whose other line this is, while it is on its way for it; else NULL */
	struct timer refer_timer;
	uint16_t replaces_refused; /* its answer to an INVITE with Replaces; 0: it takes it */
	char replaces[256];        /* of the INVITE that it took, or "" */
	char target_dialog[512];   /* the same dialog for Target-Dialog */
	char dialog[512]; /* of its call, as Hearth names it: "call-id;to-tag=...;from-tag=..." */
	struct timer timer;
	struct sip_call *call; /* NULL: none, or over */
	bool is_established, has_ended;
	uint16_t final_status; /* of the INVITE, 0 none yet; 200 when established */
	enum sip_call_end_by end_by;
	char end_text[64];     /* Reason of the BYE, or the reason phrase */
	char end_headers[256]; /* Retry-After, Warning and Contact values, one a line */
	char contact[256];     /* the focus' Contact as it stood in the 2xx or the INVITE */
	uint32_t calls;        /* INVITEs that it got */
	uint32_t finals;       /* how often the INVITE ended, answered or not: 1 in the end */
	struct offer_agreed agreed;
	uint32_t early_exchanges;                       /* before the answer */
	uint32_t exchanges;                             /* on_media so far */
	uint32_t rings;                                 /* provisional answers above 100 */
	enum sdp_direction direction, direction_before; /* before: of a re-INVITE that is refused */
	uint16_t port;                                  /* in its description */
};

/* A phone named `user` at WORLD_PHONES_ADDRESS. */
struct phone *world_phone(struct world *world, const char *user);
void phone_dial(struct phone *phone,
		const char *uri); /* "sip:lobby@server" may be "lobby" for short */
/* Gives it a second line, of the same user. */
void phone_add_line(struct phone *phone);
/* The same with a Join or Replaces that names the dialog of another phone. */
void phone_dial_naming(struct phone *phone, const char *uri, const char *header,
		       const struct phone *other);
void phone_hang_up(struct phone *phone);
/* Hold and resume, by re-INVITE. False while another exchange is under way. */
bool phone_set_direction(struct phone *phone, enum sdp_direction direction);
/* Dials and runs until it is established (fails the test when not). */
struct phone *world_join(struct world *world, const char *user, const char *uri);
/* What the focus thinks of it, NULL when it is in no roster. */
struct participant *phone_participant(struct phone *phone, const char *room);
/* The media leg of a participant; NULL when gone. */
struct fake_leg *world_leg(struct world *world, const struct participant *participant);

#define WORLD_SERVER "10.0.0.1:5060"
#define WORLD_PHONES "10.0.0.2:5060"

#endif
