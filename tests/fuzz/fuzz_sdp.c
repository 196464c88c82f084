/* Any octets as a session description; print is a fixed point of parse and print. */
#include <assert.h>

#include "base/buf.h"
#include "sip/sdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf first = BUF_INIT, second = BUF_INIT;
	struct sdp *sdp, *again;
	uint32_t line;

	if (sdp_parse(slice_make((const char *)data, size), &sdp, &line))
		return 0;
	assert(sdp->media_count <= SDP_MEDIA_MAX);
	sdp_print(&first, sdp);
	assert(buf_err(&first) == 0);
	if (first.len <= SDP_OCTETS_MAX) {
		assert(sdp_parse(buf_slice(&first), &again, &line) == 0);
		assert(again->media_count == sdp->media_count);
		sdp_print(&second, again);
		assert(slice_eq(buf_slice(&first), buf_slice(&second)));
		sdp_free(again);
	}
	sdp_free(sdp);
	buf_done(&first);
	buf_done(&second);
	return 0;
}
