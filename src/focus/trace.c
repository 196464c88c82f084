/* Messages as values, and the ladder: our column is the first, each peer has one of its own. */
#include "focus/trace.h"

#include <stdio.h>

#include "base/err.h"
#include "focus/focus_priv.h"
#include "focus/text.h"
#include "sip/hep.h"
#include "sip/msg.h"
#include "sip/trace.h"

enum { PEERS_MAX = 6, COLUMN = 40, MARGIN = 28, LINE_MAX = MARGIN + COLUMN * (PEERS_MAX + 1) };

/* What of a message fits on an arrow. */
static void summarize(const struct sip_msg *msg, char out[FOCUS_TRACE_SUMMARY_MAX])
{
	bool has_sdp = msg->body.len > 2 && slice_starts(msg->body, SLICE("v="));
	char head[FOCUS_TRACE_SUMMARY_MAX - 8];

	if (msg->is_request)
		text_utf8(msg->method_text, head, sizeof(head));
	else if (msg->status)
		(void)snprintf(head, sizeof(head), "%u " SLICE_FMT, msg->status,
			       SLICE_ARG(slice_first(msg->reason, 64)));
	else
		(void)snprintf(head, sizeof(head), "(malformed)");
	(void)snprintf(out, FOCUS_TRACE_SUMMARY_MAX, "%s%s", head, has_sdp ? " (sdp)" : "");
}

static void fill(const struct sip_trace_message *message, struct focus_trace_message *out)
{
	static struct sip_msg msg; /* large; the control thread is the only one here */
	struct slice text = message->text;

	(void)sip_msg_parse(text.p, text.len, &msg);
	*out = (struct focus_trace_message){
		.at_us = message->at_us,
		.is_out = message->is_out,
		.transport = sip_proto_via(message->flow.proto),
		.error = message->err ? err_text(message->err) : NULL,
		.local = message->flow.local,
		.remote = message->flow.remote,
		.start = slice_trim(slice_first(text, slice_find(text, '\n'))),
		.cseq = sip_msg_value(&msg, SIP_H_CSEQ),
		.text = text,
	};
	summarize(&msg, out->summary);
}

struct visit {
	focus_trace_fn *message;
	focus_trace_call_fn *call;
	void *arg;
};

static void on_message(void *arg, const struct sip_trace_message *message)
{
	struct visit *visit = arg;
	struct focus_trace_message value;

	fill(message, &value);
	visit->message(visit->arg, &value);
}

int focus_trace(const struct focus *focus, struct slice call_id, focus_trace_fn *visit, void *arg)
{
	struct visit all = {.message = visit, .arg = arg};

	return sip_trace_each(focus->trace, call_id, on_message, &all) ? 0 : ERR_TRACE_UNKNOWN;
}

static void on_call(void *arg, struct slice call_id, uint32_t messages,
		    const struct sip_trace_message *first, const struct sip_trace_message *last)
{
	struct visit *visit = arg;
	struct focus_trace_call call = {.call_id = call_id, .messages = messages};

	fill(first, &call.first);
	fill(last, &call.last);
	visit->call(visit->arg, &call);
}

bool focus_hep_counts(const struct focus *focus, uint64_t *ret_sent, uint64_t *ret_dropped)
{
	if (!focus->hep)
		return false;
	*ret_sent = sip_hep_stats(focus->hep)->sent;
	*ret_dropped = sip_hep_stats(focus->hep)->dropped;
	return true;
}

void focus_trace_calls(const struct focus *focus, focus_trace_call_fn *visit, void *arg)
{
	struct visit all = {.call = visit, .arg = arg};

	sip_trace_calls(focus->trace, on_call, &all);
}

/* The ladder
 * ------------------------------------------------------------------------------------------- */

struct ladder {
	struct buf *out;
	struct addr peers[PEERS_MAX];
	uint32_t count;
};

/* Its column, from 1; those beyond the last share it. */
static uint32_t peer_of(const struct ladder *ladder, const struct addr *remote)
{
	uint32_t i = 0;

	while (i < ladder->count && !addr_eq(&ladder->peers[i], remote))
		i++;
	return i < PEERS_MAX ? i + 1 : PEERS_MAX;
}

static void find_peers(void *arg, const struct focus_trace_message *message)
{
	struct ladder *ladder = arg;

	if (peer_of(ladder, &message->remote) > ladder->count && ladder->count < PEERS_MAX)
		ladder->peers[ladder->count++] = message->remote;
}

/* `text` centred around `middle`, as far as the line goes. */
static void put(char line[LINE_MAX + 1], size_t middle, const char *text, size_t room)
{
	size_t len = strlen(text), at;

	if (len > room)
		len = room;
	at = middle > len / 2 ? middle - len / 2 : 0;
	if (at + len > LINE_MAX)
		at = LINE_MAX - len;
	memcpy(line + at, text, len);
}

static void blank(const struct ladder *ladder, char line[LINE_MAX + 1])
{
	memset(line, ' ', LINE_MAX);
	line[LINE_MAX] = '\0';
	for (uint32_t i = 0; i <= ladder->count; i++)
		line[MARGIN + COLUMN * i] = '|';
}

static void add_line(struct ladder *ladder, char line[LINE_MAX + 1])
{
	size_t len = LINE_MAX;

	while (len > 0 && line[len - 1] == ' ')
		len--;
	buf_add(ladder->out, line, len);
	buf_addc(ladder->out, '\n');
}

static void add_heads(struct ladder *ladder)
{
	char line[LINE_MAX + 1], text[ADDR_TEXT_MAX];

	memset(line, ' ', LINE_MAX);
	put(line, MARGIN, "hearth", COLUMN - 2);
	for (uint32_t i = 0; i < ladder->count; i++)
		put(line, MARGIN + COLUMN * (i + 1), addr_text(&ladder->peers[i], text),
		    COLUMN - 2);
	add_line(ladder, line);
}

static void add_arrow(void *arg, const struct focus_trace_message *message)
{
	struct ladder *ladder = arg;
	size_t from = MARGIN + 1, to = MARGIN + COLUMN * peer_of(ladder, &message->remote) - 1;
	char line[LINE_MAX + 1], time[CLOCK_TEXT_MAX], label[FOCUS_TRACE_SUMMARY_MAX + 8];

	blank(ladder, line);
	/* "2026-11-22T19:46:23.123Z": the time of day, and the microseconds that it lacks. */
	(void)clock_text(message->at_us / 1000, time);
	(void)snprintf(label, sizeof(label), "%.12s%03u %s", time + 11,
		       (unsigned)(message->at_us % 1000), message->transport);
	memcpy(line, label, strlen(label));
	memset(line + from, '-', to - from + 1);
	line[message->is_out ? to : from] = message->error ? 'X' : message->is_out ? '>' : '<';
	(void)snprintf(label, sizeof(label), " %s ", message->summary);
	put(line, (from + to) / 2, label, COLUMN - 6);
	add_line(ladder, line);
}

int focus_trace_ladder(const struct focus *focus, struct slice call_id, struct buf *out)
{
	struct ladder ladder = {.out = out};
	int err = focus_trace(focus, call_id, find_peers, &ladder);

	if (err)
		return err;
	buf_adds(out, "Call-ID: ");
	buf_addslice(out, call_id);
	buf_adds(out, "\n\n");
	add_heads(&ladder);
	return focus_trace(focus, call_id, add_arrow, &ladder);
}
