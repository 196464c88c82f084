/* mixer/shares.h -- control's books of shared ports: who sits in which, and who may.
 *
 * A leg is seated in a shared port of its worker when all of this holds, and gets sockets of its
 * own otherwise:
 *   - signalling and sound of the peer name one host, and that host is known to send from where it
 *     says (peers.h);
 *   - no other leg of that port has the same address for sound: nothing else would tell them apart,
 *     as SSRCs are not signalled (RFC 3264; RFC 5576 is optional and rare).
 * A port takes port_legs_max legs, then the next one is opened. Ports stay open: they come from
 * media.ports and are given back with the mixer.
 *
 * A shared port belongs to one worker. When a leg moves to another worker it *parts*: it gets
 * sockets of its own that are bound to the same number and connected to its peer, which the kernel
 * prefers for packets of that peer. So nothing has to be signalled anew. A parted leg whose peer
 * moves without signalling is not followed.
 *
 * Thread: control.
 */
#ifndef MIXER_SHARES_H
#define MIXER_SHARES_H

#include <stdbool.h>

#include "mixer/mixer_priv.h"

enum { SHARES_WORKER_MAX = 64 }; /* ports per worker; beyond that legs have their own sockets */

/* For mixer->seated. */
hash_match_fn share_match;

/* Seats a leg that is being made; leg->ports and leg->share are filled. False: it needs its own
 * sockets, for whatever reason. */
bool share_join(struct mixer_leg *leg, const struct media_leg_open *open);

/* Harmless for a leg that does not share. No worker has the leg. */
void share_leave(struct mixer_leg *leg);

/* Makes the sockets with which the leg will leave its worker (leg->parted). errno of socket, bind,
 * connect. Harmless when it has them. */
int share_part(struct mixer_leg *leg);
void share_part_undo(struct mixer_leg *leg);

/* Control has the leg: it takes what share_part made, if anything. */
void share_part_finish(struct mixer_leg *leg);

/* Signalling named another address: a parted leg's sockets follow. */
void share_follow(struct mixer_leg *leg, const struct media_leg_params *params);

/* After the worker has stopped and no leg is left. */
void shares_free(struct mixer_worker *at);

#endif
