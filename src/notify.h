/* notify.h -- what systemd is told (sd_notify(3)); does nothing without a NOTIFY_SOCKET.
 * Thread: control. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "base/loop.h"

struct notify {
	struct wheel *wheel;
	struct timer timer;
	uint64_t watchdog_ms; /* half of what systemd grants; 0: it does not watch */
};

/* Begins to feed the watchdog, if there is one. `notify` is borrowed until notify_done. */
void notify_init(struct notify *notify, struct loop *loop);
void notify_done(struct notify *notify);

void notify_ready(const char *status); /* also after a reload */
void notify_reloading(void);
void notify_stopping(const char *status);

#endif
