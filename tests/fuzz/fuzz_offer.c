/* A peer that says anything at any time. The input is a list of steps, each one octet, and
 * descriptions between NULs. What must hold: our descriptions parse, keep the number of m-lines,
 * and what was agreed is something that we can do. */
#include <assert.h>

#include "base/buf.h"
#include "sip/offer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct offer_local local_of(uint8_t kind)
{
	struct offer_local local = {
		.codecs = {{1, "opus", 48000, 2, -1, "useinbandfec=1"},
			   {2, "G722", 8000, 1, 9, NULL},
			   {3, "PCMA", 8000, 1, 8, NULL},
			   {4, "PCMU", 8000, 1, 0, NULL}},
		.codec_count = (uint8_t)(1 + kind % 4),
		.has_telephone_event = (kind & 4) != 0,
		.has_rtcp_mux = (kind & 8) != 0,
		.ptime_ms = 20,
		.direction = (enum sdp_direction)(kind >> 4 & 3),
	};

	(void)addr_parse(kind & 64 ? SLICE("[2001:db8::1]:4000") : SLICE("192.0.2.1:4000"),
			 &local.rtp);
	return local;
}

static void check_ours(const struct buf *text, const struct slice *offered)
{
	struct sdp *ours, *theirs;

	if (text->len > SDP_OCTETS_MAX)
		return;
	assert(sdp_parse(buf_slice(text), &ours, NULL) == 0);
	if (offered) {
		assert(sdp_parse(*offered, &theirs, NULL) == 0);
		assert(ours->media_count == theirs->media_count);
		for (int i = 0; i < ours->media_count; i++)
			assert(slice_ieq(ours->media[i].kind, theirs->media[i].kind));
		sdp_free(theirs);
	}
	sdp_free(ours);
}

static void check_agreed(const struct offer *offer)
{
	const struct offer_agreed *agreed = offer_agreed(offer);

	if (!agreed || !agreed->is_active)
		return;
	assert(agreed->receive_count > 0 && agreed->receive_count <= OFFER_CODECS_MAX);
	assert(agreed->send_id >= 1 && agreed->send_id <= 4 && agreed->send_pt < 128);
	assert(agreed->ptime_ms >= 10 && agreed->ptime_ms <= 120 && agreed->ptime_ms % 10 == 0);
	for (int i = 0; i < agreed->receive_count; i++)
		assert(agreed->receive[i].payload_type < 128);
}

/* The text up to the next NUL. */
static struct slice take_text(struct slice *rest)
{
	struct slice text = slice_first(*rest, slice_find(*rest, '\0'));

	*rest = slice_from(*rest, text.len + 1);
	return text;
}

static void step(struct offer *offer, uint8_t what, struct slice *rest)
{
	static struct slice offered;
	struct buf out = BUF_INIT;
	struct offer_local local = local_of(what);

	switch (what % 5) {
	case 0:
		if (offer_write(offer, &out) == 0)
			check_ours(&out, NULL);
		break;
	case 1:
		(void)offer_read_answer(offer, take_text(rest));
		break;
	case 2: {
		struct slice text = take_text(rest);

		if (offer_read(offer, text) == 0)
			offered = text;
		break;
	}
	case 3:
		if (offer_write_answer(offer, &out) == 0)
			check_ours(&out, &offered);
		break;
	default:
		if (what & 128)
			offer_rollback(offer);
		else
			(void)offer_set_local(offer, &local);
	}
	check_agreed(offer);
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make((const char *)data, size);
	struct offer_local local;
	struct offer *offer;

	if (size == 0)
		return 0;
	local = local_of(data[0]);
	if (offer_new(&local, 1, &offer))
		return 0;
	rest = slice_from(rest, 1);
	for (int steps = 0; rest.len && steps < 32; steps++) {
		uint8_t what = (uint8_t)rest.p[0];

		rest = slice_from(rest, 1);
		step(offer, what, &rest);
	}
	offer_free(offer);
	return 0;
}
