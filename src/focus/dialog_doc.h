/* focus/dialog_doc.h -- the document of the event package `dialog` (RFC 4235 4), written from plain
 * values: a head, dialogs, a tail. Which dialogs it holds makes it full or partial. Thread: any;
 * pure.
 */
#ifndef FOCUS_DIALOG_DOC_H
#define FOCUS_DIALOG_DOC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define DIALOG_CONTENT_TYPE "application/dialog-info+xml"

struct dialog_head {
	struct slice entity; /* whose dialogs: a URI */
	uint32_t version;
	bool is_full;
};
void dialog_head_write(struct buf *out, const struct dialog_head *head);
void dialog_tail_write(struct buf *out);

/* 4.1.6: one end of a dialog. */
struct dialog_party {
	struct slice identity; /* URI; absent: nothing is told of it */
	struct slice display;
	struct slice target; /* URI; absent: none */
	bool is_focus;       /* of the target (RFC 3840, RFC 4579) */
	bool is_on_hold;     /* of the target: +sip.rendering is "no" (4.1.6.2) */
};

struct dialog_entry {
	struct slice id;                             /* unique for the entity, whatever it is */
	struct slice call_id, local_tag, remote_tag; /* absent: not told */
	bool is_initiator;                           /* the entity called; else it was called */
	const char *state;     /* 3.7.1: "trying", "early", "confirmed", "terminated" */
	const char *event;     /* why it ended: "remote-bye" ...; NULL */
	uint16_t code;         /* SIP status of the end; 0 none */
	uint64_t duration_s;   /* of a confirmed one */
	struct slice referrer; /* URI; absent: nobody */
	struct dialog_party local, remote;
};
void dialog_entry_write(struct buf *out, const struct dialog_entry *entry);

#endif
