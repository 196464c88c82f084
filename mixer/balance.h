/* mixer/balance.h -- who gets what comes next, and what goes from a busy worker to a less busy one.
 *
 * New legs and rooms go to the least loaded worker (load.h). A room without legs has no place: it
 * settles where its first leg is (parts.h). Once a second, while there are legs, the load is
 * measured, and when the busiest worker has more than mixer_params.spread_load_pct of a core to do,
 * and much more than the least busy one, some legs *pass* to the latter:
 *   - of rooms that are spread or large enough to be: a small room stays whole;
 *   - not while somebody talks there, so that no word is cut;
 *   - with sockets of their own. A shared port belongs to its worker; a leg could part from it
 *     (shares.h) but would cost up to twice as much from then on, where there is too much to do
 *     already.
 * The leg is handed over after its worker has delivered a tick and is with the other one before the
 * next begins, so its peer hears no gap (WORKER_LEG_PASS).
 *
 * Thread: control. Only files that include mixer_priv.h include this.
 */
#ifndef MIXER_BALANCE_H
#define MIXER_BALANCE_H

#include "mixer/mixer_priv.h"

enum {
	BALANCE_MS = 1000,
	BALANCE_GAP_US = LOAD_CORE_US * 15 / 100, /* between two workers: less is let be */
	BALANCE_LEGS = 16,      /* that pass at a time; fewer than WORKER_PASSING_MAX */
	BALANCE_LOOK_MAX = 2048 /* legs that are looked at for that */
};

/* What a worker has to do, with all that is on its way to it, in microseconds of a second. */
uint32_t balance_load_us(const struct mixer_worker *at);

/* Who gets the next room, or the next leg without one. */
struct mixer_worker *balance_least(struct mixer *mixer);

/* There are legs: keeps an eye on it. Harmless when it does already. */
void balance_begin(struct mixer *mixer);

/* What comes with every BALANCE_MS; tests call the halves themselves. */
void balance_measure(struct mixer *mixer);
void balance_move(struct mixer *mixer);
void balance_run(void *arg); /* the mixer */

#endif
