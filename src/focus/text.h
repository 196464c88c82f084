/* focus/text.h -- small text helpers of the focus. Thread: any. */
#ifndef FOCUS_TEXT_H
#define FOCUS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/* Copies with a terminating NUL what a peer sent and the API will show: octets that are not UTF-8
 * (RFC 3629) and control characters become '?'; cut at a character. cap >= 1. Returns out. */
char *text_utf8(struct slice text, char *out, size_t cap);

/* Takes the next item, trimmed, off a comma list; empty items are skipped. False at the end. */
bool text_list_next(struct slice *list, struct slice *ret_item);

/* Takes the next word, ended by a space, off the text; empty at the end. */
struct slice text_word_next(struct slice *rest);

bool text_list_has(const char *list, struct slice item);  /* octet by octet */
bool text_list_ihas(const char *list, struct slice item); /* ASCII letters in either case */

/* "host" of "host", "host:port", "[v6]" and "[v6]:port"; v6 without its brackets. */
struct slice text_host(struct slice host_port);

#endif
