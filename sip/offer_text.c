#include "base/attr.h"
#include "sip/offer_priv.h"

static void add_address(struct buf *buf, const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	if (addr_is_set(addr))
		buf_addf(buf, "IN %s %s\r\n", addr_is_v6(addr) ? "IP6" : "IP4",
			 addr_ip_text(addr, text));
	else
		buf_adds(buf, "IN IP4 0.0.0.0\r\n");
}

/* RFC 3264 6: a declined line has port 0, and its formats are of no consequence; they are echoed.
 */
static void add_declined(struct buf *buf, const struct sdp_media *media)
{
	buf_addf(buf, "m=" SLICE_FMT " 0 " SLICE_FMT " ", SLICE_ARG(media->kind),
		 SLICE_ARG(media->protocol));
	buf_addslice(buf, media->formats_text.len ? media->formats_text : SLICE("0"));
	buf_adds(buf, "\r\n");
}

static void add_codec(struct buf *buf, const struct offer_codec *codec, uint8_t payload_type)
{
	buf_addf(buf, "a=rtpmap:%u %s/%u", payload_type, codec->name, (unsigned)codec->clock_hz);
	if (codec->channels > 1)
		buf_addf(buf, "/%u", codec->channels);
	buf_adds(buf, "\r\n");
	if (codec->fmtp)
		buf_addf(buf, "a=fmtp:%u %s\r\n", payload_type, codec->fmtp);
}

static void add_audio(struct buf *buf, const struct offer *offer, const struct offer_text *text)
{
	static const char *const directions[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
	const struct offer_plan *plan = text->plan;

	buf_addf(buf, "m=audio %u " SLICE_FMT, addr_port(&offer->local.rtp),
		 SLICE_ARG(text->protocol));
	for (size_t i = 0; i < plan->codec_count; i++)
		buf_addf(buf, " %u", plan->codecs[i].receive_pt);
	for (size_t i = 0; i < plan->event_count; i++)
		buf_addf(buf, " %u", plan->events[i].receive_pt);
	if (plan->extras.has_noise)
		buf_addf(buf, " %u", (unsigned)OFFER_NOISE_PT);
	buf_adds(buf, "\r\n");
	for (size_t i = 0; i < plan->codec_count; i++)
		add_codec(buf, &offer->local.codecs[plan->codecs[i].index],
			  plan->codecs[i].receive_pt);
	for (size_t i = 0; i < plan->event_count; i++)
		buf_addf(buf, "a=rtpmap:%u telephone-event/%u\r\na=fmtp:%u 0-16\r\n",
			 plan->events[i].receive_pt, (unsigned)plan->events[i].clock_hz,
			 plan->events[i].receive_pt);
	for (size_t i = 0; i < plan->ours_count; i++) {
		buf_adds(buf, "a=crypto:");
		sdes_print(buf, &plan->ours[i]);
		buf_adds(buf, "\r\n");
	}
	buf_addf(buf, "a=ptime:%u\r\na=%s\r\n", text->ptime_ms, directions[text->direction]);
	if (text->has_rtcp_mux)
		buf_adds(buf, "a=rtcp-mux\r\n");
	if (text->has_voip_metrics)
		buf_adds(buf, "a=rtcp-xr:voip-metrics\r\n");
	offer_extras_write(buf, &plan->extras);
	if (slice_present(text->mid))
		buf_addf(buf, "a=mid:" SLICE_FMT "\r\n", SLICE_ARG(text->mid));
}

/* Everything behind the version of o=: what decides whether a description is new. */
static void add_tail(struct buf *buf, const struct offer *offer, const struct offer_text *text)
{
	buf_addc(buf, ' ');
	add_address(buf, &offer->local.rtp);
	buf_adds(buf, "s=-\r\nc=");
	add_address(buf, &offer->local.rtp);
	buf_adds(buf, "t=0 0\r\n");
	if (slice_present(text->mid)) /* of the lines that we do not decline there is one */
		buf_addf(buf, "a=group:BUNDLE " SLICE_FMT "\r\n", SLICE_ARG(text->mid));
	for (int i = 0; i < text->line_count; i++) {
		if (i == text->plan->line)
			add_audio(buf, offer, text);
		else
			add_declined(buf, &text->lines->media[i]);
	}
}

int offer_text_write(struct offer *offer, const struct offer_text *text, struct buf *ret_text)
{
	struct buf tail = BUF_INIT;
	uint64_t version = offer->version;
	int err;

	add_tail(&tail, offer, text);
	if (offer->last.len &&
	    (offer->is_renewed || !slice_eq(buf_slice(&tail), buf_slice(&offer->last))))
		version++; /* by one, whatever the reasons (RFC 3264 8) */
	buf_addf(ret_text, "v=0\r\no=- %llu %llu", (unsigned long long)offer->session_id,
		 (unsigned long long)version);
	buf_addslice(ret_text, buf_slice(&tail));
	err = buf_err(&tail) ? buf_err(&tail) : buf_err(ret_text);
	if (err) {
		buf_done(&tail);
		return err;
	}
	buf_done(&offer->last);
	offer->last = tail;
	offer->version = version;
	offer->is_renewed = false;
	return 0;
}
