/* tests/unit/http/site.h -- a whole server but for the sound and the wire: real HTTP over loopback,
 * real focus, SIP and store, a fake mixer, a simulated SIP network with phones on it, virtual time.
 *
 * Phones are called by user part: "busy" answers 486, "ring" rings and no more, all others answer
 * at once. Thread: the test's; the loop turns only inside these functions.
 */
#ifndef TESTS_UNIT_HTTP_SITE_H
#define TESTS_UNIT_HTTP_SITE_H

#include <jansson.h>

#include "http/http.h"
#include "tests/support/fake_media.h"
#include "tests/support/simnet.h"

enum { SITE_PHONES_MAX = 16, SITE_TURNS_MAX = 2000 };

struct site_phone {
	struct site *site;
	struct sip_call *call; /* NULL: over */
};

struct site {
	struct clock_virtual time;
	struct loop *loop;
	struct random random;
	struct config *config;
	struct fake_media *media;
	struct simnet *net;
	struct simnode *server_node, *phone_node;
	struct sip_trace *trace; /* of the server */
	struct sip_ua *ua, *phones_ua;
	struct store *store;
	struct focus *focus;
	struct http *http;
	struct site_phone phones[SITE_PHONES_MAX];
	uint32_t phone_count;
	bool is_empty_called;
};

/* `keys`: "key=value" lines over the defaults, or NULL; the store is in memory unless they say
 * otherwise. Aborts when it cannot be made. */
struct site *site_new(const char *keys);
/* The same, but the store's answers come only when the test calls store_poll. */
struct site *site_new_store_polled(void);
void site_free(struct site *site);
void site_set(struct site *site, const char *assignment); /* a configuration key, while it runs */

void site_turn(struct site *site);              /* one turn of the loop, at most a few ms */
void site_pass(struct site *site, uint64_t ms); /* virtual time goes on, timers fire */

/* A phone dials a room and is in it when this returns. Returns its participant's id, borrowed. */
const char *site_dial(struct site *site, const char *user, const char *room);
struct fake_leg *site_leg(struct site *site, const char *room, const char *participant);

/* HTTP clients -------------------------------------------------------------------------------- */

struct client {
	struct site *site;
	int fd;
	struct buf in;   /* octets that came and were not used yet */
	struct buf text; /* of an event stream, chunk framing removed */
	bool is_closed;  /* by the server */
};

struct client client_open(struct site *site);
void client_close(struct client *client);
void client_send(struct client *client,
		 struct slice octets); /* turns the loop while the line is full */

struct answer {
	int status;      /* 0: the server closed the line without one */
	struct buf head; /* status line and fields, as they came */
	struct buf body; /* chunks joined */
	json_t *json;    /* the body when it is JSON, else NULL */
};
/* The next response on this line. `is_head`: it has no body whatever its fields say. */
struct answer client_answer(struct client *client, bool is_head);
void answer_done(struct answer *answer);
/* Value of a field of the response, absent when missing. Borrowed. */
struct slice answer_field(const struct answer *answer, const char *name);
/* "room.id", "rooms.0.id": text of a JSON member; "" when it is not there or not text. */
const char *answer_text(const struct answer *answer, const char *path);
const json_t *answer_member(const struct answer *answer, const char *path);

/* One request on a line of its own. `fields`: complete lines "Name: value\r\n", or NULL; `body`
 * NULL: none, else sent with Content-Length and, unless `fields` say otherwise, as
 * application/json. */
struct answer site_ask(struct site *site, const char *method, const char *path, const char *fields,
		       const char *body);
/* The same, and only the status matters. */
int site_status(struct site *site, const char *method, const char *path, const char *fields,
		const char *body);

/* Event streams ------------------------------------------------------------------------------- */

struct stream_event {
	char name[64], id[32];
	json_t *data; /* NULL: none */
};

/* Opens a stream and takes the response's head. Returns the status. */
int stream_open(struct site *site, const char *path, const char *fields, struct client *ret_client);
/* The next event (comments are passed over); false when none comes, or the stream has ended. */
bool stream_next(struct client *client, struct stream_event *ret_event);
void stream_event_done(struct stream_event *event);
/* The next text of the stream whatever it is, up to an empty line; "" when none comes. Borrowed. */
const char *stream_block(struct client *client);

#endif
