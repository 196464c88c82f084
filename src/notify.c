#include "notify.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>
#include <time.h>

enum { WATCHDOG_MS_MIN = 100 };

/* Comes from a timer of the loop: a control thread that hangs is found out. */
static void feed(void *arg)
{
	struct notify *notify = arg;

	(void)sd_notify(0, "WATCHDOG=1");
	timer_start(notify->wheel, &notify->timer, notify->watchdog_ms);
}

void notify_init(struct notify *notify, struct loop *loop)
{
	uint64_t usec = 0;

	notify->wheel = loop_wheel(loop);
	notify->watchdog_ms = 0;
	timer_init(&notify->timer, feed, notify);
	if (sd_watchdog_enabled(0, &usec) <= 0)
		return;
	notify->watchdog_ms = usec / 2000;
	if (notify->watchdog_ms < WATCHDOG_MS_MIN)
		notify->watchdog_ms = WATCHDOG_MS_MIN;
	feed(notify);
}

void notify_done(struct notify *notify)
{
	if (notify->wheel)
		timer_stop(notify->wheel, &notify->timer);
}

void notify_ready(const char *status)
{
	(void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

/* Type=notify-reload wants the time at which the reload began, to tell READY=1 apart from earlier
 * ones. */
void notify_reloading(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
			 (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void notify_stopping(const char *status)
{
	(void)sd_notifyf(0, "STOPPING=1\nSTATUS=%s", status);
}
