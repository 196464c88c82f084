/* banner.h -- where to call and where to look, for people. Thread: control. */
#ifndef BANNER_H
#define BANNER_H

#include "base/addr.h"
#include "base/buf.h"
#include "config/config.h"

/* Three lines with the address of a room, of the factory and of the page. Where we listen on any
 * address, `routed` stands for it: the address from which the kernel reaches the world
 * (banner_routed). */
void banner_text(const struct config *config, const struct addr *http, const struct addr *routed,
		 struct buf *out);

/* The address from which others see this machine, as far as the kernel knows; loopback without a
 * route. No packet is sent. */
struct addr banner_routed(void);

#endif
