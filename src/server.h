/* server.h -- the whole program, wired: makes every part, runs the loop, takes it down in order.
 *
 * Signals (by signalfd, in the loop): HUP reloads; TERM drains, a second TERM rings everybody off,
 * a third ends at once; INT rings off at once, a second INT ends. Thread: control.
 */
#ifndef SERVER_H
#define SERVER_H

#include "base/buf.h"
#include "config/config.h"
#include "options.h"

struct server;

/* Takes `config` over, also on failure; `options` is borrowed and needed for reloads. What failed
 * is in the log by then. Blocks the signals above for the process. */
int server_new(const struct options *options, struct config *config, struct server **ret_server);
struct server *server_free(struct server *server); /* accepts NULL and half-built; returns NULL */

/* Whether the files that the configuration names can be used. ERR_SIP_TLS_FILE with a line added to
 * `errors`. */
int server_check(const struct config *config, struct buf *errors);

/* Serves until a signal ends it. 0, or negative errno of the loop. */
int server_run(struct server *server);

#endif
