/* Any octets as what a WebSocket client sends, from the upgrade on. The first octet tells how they
 * are cut into pieces, and whether the upgrade has been done before. */
#include <assert.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/buf.h"
#include "sip/msg.h"
#include "sip/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char upgrade[] =
	"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	"Sec-WebSocket-Protocol: sip\r\n\r\n";

struct peer {
	struct sip_ws *ws;
	struct buf in, out;
};

static void on_message(void *arg, struct slice data)
{
	struct peer *peer = arg;

	assert(data.len <= SIP_MSG_OCTETS_MAX);
	(void)sip_ws_send(peer->ws, data, &peer->out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct peer peer = {.ws = NULL};
	struct sip_ws_params params = {SLICE("https://a.example"), on_message, &peer};
	size_t piece = size > 0 ? (data[0] & 0x7fu) + 1u : 1u;
	bool is_over = false;

	if (size == 0 || sip_ws_new(&params, &peer.ws))
		return 0;
	if (data[0] & 0x80)
		buf_adds(&peer.in, upgrade);
	for (size_t at = 1; at < size; at += piece) {
		int err;

		buf_add(&peer.in, data + at, MIN_OF(piece, size - at));
		err = sip_ws_take(peer.ws, &peer.in, &peer.out);
		assert(!is_over || err); /* what is over stays over */
		is_over = err != 0;
		assert(!is_over || !sip_ws_is_open(peer.ws));
		if (!is_over && sip_ws_is_open(peer.ws))
			assert(peer.in.len == 0);
	}
	(void)sip_ws_ping(peer.ws, &peer.out);
	sip_ws_close(peer.ws, 1001, &peer.out);
	sip_ws_free(peer.ws);
	buf_done(&peer.in);
	buf_done(&peer.out);
	return 0;
}
