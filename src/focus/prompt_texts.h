/* focus/prompt_texts.h -- what a prompt says, for those that nobody has recorded: read by a voice
 * (focus/speech.h). Thread: any, all constant. */
#ifndef FOCUS_PROMPT_TEXTS_H
#define FOCUS_PROMPT_TEXTS_H

#include "focus/prompts.h"

/* UTF-8; NULL: nothing to be read, or a language that we do not speak. */
const char *prompt_text(const char *language, enum prompt prompt);
bool prompt_has_texts(const char *language);

#endif
