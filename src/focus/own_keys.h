/* focus/own_keys.h -- what is drawn once and kept in the store: who we are at registrars (RFC
 * 5626 4.1), and what temporary GRUUs are made with (focus/gruu.h). Without a store both are as
 * good as the process lives. Thread: control.
 */
#ifndef FOCUS_OWN_KEYS_H
#define FOCUS_OWN_KEYS_H

#include "base/slice.h"

struct focus;

enum { OWN_KEYS_INSTANCE_CHARS = 45 }; /* "urn:uuid:f81d4fae-7dec-41d0-a765-00a0c91e6bf6" */

/* Draws both, as far as the store has none; before there is a binding. Nothing is written. Errors
 * of store_items_load. */
int own_keys_load(struct focus *focus);
/* With the first use of either: they are to be the same after a restart. */
void own_keys_keep(struct focus *focus);

#endif
