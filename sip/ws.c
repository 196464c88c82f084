/* Frames by wslay: it reads from the `in` and writes to the `out` of the call that runs. */
#include "sip/ws.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>
#include <wslay/wslay.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/msg.h"

struct sip_ws {
	struct sip_ws_params params;
	wslay_event_context_ptr frames;
	struct buf *in, *out; /* of the call that runs; else NULL */
	bool is_upgraded, is_partial;
	uint32_t fragments; /* of the message that has begun */
	uint64_t keepalives;
	int err; /* why it is over */
};

/* wslay's side
 * ---------------------------------------------------------------------------------------------- */

static ssize_t on_read(wslay_event_context_ptr frames, uint8_t *data, size_t cap, int flags,
		       void *arg)
{
	struct sip_ws *ws = arg;
	size_t len = MIN_OF(cap, ws->in->len);

	(void)flags;
	if (len == 0) {
		wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	memcpy(data, ws->in->p, len);
	buf_drop(ws->in, len);
	return (ssize_t)len;
}

static ssize_t on_write(wslay_event_context_ptr frames, const uint8_t *data, size_t len, int flags,
			void *arg)
{
	struct sip_ws *ws = arg;

	(void)flags;
	buf_add(ws->out, data, len);
	if (buf_err(ws->out)) {
		wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
		return -1;
	}
	return (ssize_t)len;
}

/* wslay keeps a piece of memory for each fragment, so their number is bounded, too. */
static void on_frame(wslay_event_context_ptr frames,
		     const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
	struct sip_ws *ws = arg;

	if (wslay_is_ctrl_frame(frame->opcode))
		return;
	ws->is_partial = true;
	if (++ws->fragments <= SIP_WS_FRAGMENTS_MAX)
		return;
	(void)wslay_event_queue_close(frames, WSLAY_CODE_MESSAGE_TOO_BIG, NULL, 0);
	wslay_event_shutdown_read(frames);
}

static void queue(struct sip_ws *ws, uint8_t opcode, struct slice data)
{
	(void)wslay_event_queue_msg(ws->frames, &(struct wslay_event_msg){
							.opcode = opcode,
							.msg = (const uint8_t *)data.p,
							.msg_length = data.len,
						});
}

static bool is_line_ends(struct slice data)
{
	for (size_t i = 0; i < data.len; i++) {
		if (data.p[i] != '\r' && data.p[i] != '\n')
			return false;
	}
	return true;
}

static void on_message(wslay_event_context_ptr frames,
		       const struct wslay_event_on_msg_recv_arg *message, void *arg)
{
	struct sip_ws *ws = arg;
	struct slice data = slice_make((const char *)message->msg, message->msg_length);

	(void)frames;
	if (message->opcode == WSLAY_PING)
		ws->keepalives++;
	if (wslay_is_ctrl_frame(message->opcode) || ws->fragments > SIP_WS_FRAGMENTS_MAX)
		return;
	ws->is_partial = false;
	ws->fragments = 0;
	if (!is_line_ends(data)) {
		ws->params.on_message(ws->params.arg, data);
	} else if (data.len >= 4) {
		ws->keepalives++;
		queue(ws, message->opcode, SLICE("\r\n"));
	}
}

/* Life
 * ------------------------------------------------------------------------------------------------
 */

int sip_ws_new(const struct sip_ws_params *params, struct sip_ws **ret_ws)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = on_read,
		.send_callback = on_write,
		.on_frame_recv_start_callback = on_frame,
		.on_msg_recv_callback = on_message,
	};
	struct sip_ws *ws = calloc(1, sizeof(*ws));

	assert(params->on_message);
	if (!ws)
		return -ENOMEM;
	ws->params = *params;
	if (wslay_event_context_server_init(&ws->frames, &callbacks, ws)) {
		free(ws);
		return -ENOMEM;
	}
	wslay_event_config_set_max_recv_msg_length(ws->frames, SIP_MSG_OCTETS_MAX);
	*ret_ws = ws;
	return 0;
}

struct sip_ws *sip_ws_free(struct sip_ws *ws)
{
	if (!ws)
		return NULL;
	wslay_event_context_free(ws->frames);
	free(ws);
	return NULL;
}

bool sip_ws_is_open(const struct sip_ws *ws)
{
	return ws->is_upgraded && !ws->err && !wslay_event_get_close_sent(ws->frames);
}

bool sip_ws_is_partial(const struct sip_ws *ws)
{
	return ws->is_partial;
}

uint64_t sip_ws_keepalives(const struct sip_ws *ws)
{
	return ws->keepalives;
}

/* In
 * --------------------------------------------------------------------------------------------------
 */

static int take_upgrade(struct sip_ws *ws, struct buf *in, struct buf *out)
{
	const char *end = in->len ? memmem(in->p, in->len, "\r\n\r\n", 4) : NULL;
	size_t len = end ? (size_t)(end - in->p) + 4 : in->len;
	int err;

	if (len > SIP_WS_HEAD_MAX) {
		buf_adds(out, "HTTP/1.1 431 Request Header Fields Too Large\r\n"
			      "Connection: close\r\nContent-Length: 0\r\n\r\n");
		return ERR_SIP_TOO_LARGE;
	}
	if (!end)
		return 0;
	err = sip_ws_upgrade(slice_make(in->p, len), ws->params.origins, out);
	buf_drop(in, len);
	ws->is_upgraded = err == 0;
	return err;
}

/* Why reading ended: the code that wslay sent for it. */
static int close_reason(const struct sip_ws *ws)
{
	if (wslay_event_get_close_received(ws->frames))
		return -ECONNRESET;
	return wslay_event_get_status_code_sent(ws->frames) == WSLAY_CODE_MESSAGE_TOO_BIG
		       ? ERR_SIP_TOO_LARGE
		       : ERR_SIP_SYNTAX;
}

static int push(struct sip_ws *ws, struct buf *out)
{
	struct buf *before = ws->out;
	int failed;

	ws->out = out;
	failed = wslay_event_send(ws->frames);
	ws->out = before;
	return failed ? -ENOMEM : 0;
}

static int take_frames(struct sip_ws *ws, struct buf *in, struct buf *out)
{
	int failed, err;

	ws->in = in;
	ws->out = out;
	failed = wslay_event_recv(ws->frames);
	err = push(ws, out);
	ws->in = ws->out = NULL;
	if (failed == WSLAY_ERR_NOMEM || err)
		return -ENOMEM;
	if (!wslay_event_get_read_enabled(ws->frames))
		return close_reason(ws);
	return 0;
}

int sip_ws_take(struct sip_ws *ws, struct buf *in, struct buf *out)
{
	assert(!ws->in); /* not from inside on_message */
	if (!ws->err && !ws->is_upgraded)
		ws->err = take_upgrade(ws, in, out);
	if (!ws->err && ws->is_upgraded)
		ws->err = take_frames(ws, in, out);
	return ws->err;
}

/* Out
 * -------------------------------------------------------------------------------------------------
 */

/* Octets of the UTF-8 character at the front (RFC 3629 4); 0: it is none. */
static size_t utf8_char(struct slice s)
{
	unsigned char first = (unsigned char)s.p[0], second;
	size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

	if (len < 2)
		return len;
	if (first > 0xf4 || s.len < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if (((unsigned char)s.p[i] & 0xc0) != 0x80)
			return 0;
	}
	second = (unsigned char)s.p[1];
	if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
	    (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
		return 0;
	return len;
}

static bool is_utf8(struct slice s)
{
	while (s.len > 0) {
		size_t len = utf8_char(s);

		if (len == 0)
			return false;
		s = slice_from(s, len);
	}
	return true;
}

int sip_ws_send(struct sip_ws *ws, struct slice data, struct buf *out)
{
	if (!sip_ws_is_open(ws))
		return ERR_STATE;
	queue(ws, is_utf8(data) ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, data);
	return push(ws, out);
}

int sip_ws_ping(struct sip_ws *ws, struct buf *out)
{
	if (!sip_ws_is_open(ws))
		return ERR_STATE;
	queue(ws, WSLAY_PING, SLICE(""));
	return push(ws, out);
}

void sip_ws_close(struct sip_ws *ws, uint16_t code, struct buf *out)
{
	if (!sip_ws_is_open(ws))
		return;
	(void)wslay_event_queue_close(ws->frames, code, NULL, 0);
	(void)push(ws, out);
}
