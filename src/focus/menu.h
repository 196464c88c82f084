/* focus/menu.h -- what keys do in a conference: '*' and a digit or more, by the table in
 * dialin.menu, over which moderators have that of dialin.moderator_menu. What the actions are:
 * focus/action.h.
 *
 * Every digit is still told to whoever listens (dtmf events). An entry that is not finished within
 * MENU_WAIT_MS is forgotten. Actions for moderators do nothing for guests but sound wrong. Thread:
 * control.
 */
#ifndef FOCUS_MENU_H
#define FOCUS_MENU_H

#include <stdint.h>

#include "base/slice.h"
#include "focus/participant_priv.h"

enum { MENU_WAIT_MS = 5000 };

/* 0, or -EINVAL with *reterr_item (may be NULL) the item of "keys=action, ..." that is wrong: keys
 * are '*' and 1 to 5 of 0-9 # *; actions are those of docs/dialin.md. */
int menu_check(struct slice table, struct slice *reterr_item);

/* Says to it which keys do what, row by row, as far as its role goes. */
void menu_help(struct participant *participant);

/* A digit of somebody in the mix. */
void menu_on_digit(struct participant *participant, char digit);

#endif
