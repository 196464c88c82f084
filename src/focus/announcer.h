/* focus/announcer.h -- keeps the prompts of a focus: loads them, and has read what nobody recorded.
 *
 * What is missing is read in the background (focus/speech.h) when a language is first spoken, or at
 * once when a dial-in number speaks it. Thread: control.
 */
#ifndef FOCUS_ANNOUNCER_H
#define FOCUS_ANNOUNCER_H

struct focus;

/* At start and on reload; what plays now has its own copies. As prompts_new; what was loaded before
 * stays when it fails. */
int announcer_load(struct focus *focus);
void announcer_free(struct focus *focus); /* harmless when half-built */

#endif
