/* ctl/client.h -- HTTP to a hearthd: one request at a time over one connection (libcurl).
 *
 * Thread: one owner. Every call blocks.
 */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include "base/buf.h"
#include "ctl/command.h"

struct client;

/* Octets of an answer that does not end, as they come. Whatever but 0 ends the request. */
typedef int client_stream_fn(void *arg, struct slice octets);

struct client_answer {
	long status;     /* of HTTP */
	bool is_json;    /* by its Content-Type; problem documents are */
	struct buf body; /* empty for what was streamed */
};

/* `url`: http://HOST:PORT or https://..., without a path. `token`: shown as a bearer (RFC
 * 6750 2.1), NULL for none. -ENOMEM. */
int client_new(const char *url, const char *token, struct client **ret_client);
struct client *client_free(struct client *client); /* accepts NULL, returns NULL */

/* Sends `command` to `path` (its own, or one that goes on from there). With `on_stream` the body of
 * a 2xx goes there. ERR_CONFIG with one line in `errors` (no such host, refused, not HTTP ...),
 * -ENOMEM. *ret_answer is the caller's; its body is to be ended by buf_done. */
int client_ask(struct client *client, const struct command *command, const char *path,
	       struct client_answer *ret_answer, struct buf *errors);
void client_stream_to(struct client *client, client_stream_fn *on_stream, void *arg);

#endif
