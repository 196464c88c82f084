#include "sip/offer_extras.h"

#include "base/attr.h"
#include "base/slice.h"
#include "sip/sdp.h"

#define LEVEL_URN "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
#define MIX_URN "urn:ietf:params:rtp-hdrext:csrc-audio-level"

enum { ID_MAX = 14, NOISE_HZ = 8000, OUR_LEVEL_ID = 1, OUR_MIX_ID = 2 };

/* One value of a=extmap: "1/sendonly urn:... attributes" (RFC 8285 8). */
struct extmap {
	uint8_t id;
	struct slice direction, uri; /* direction absent: both ways */
};

static struct slice word(struct slice *rest)
{
	size_t len;
	struct slice first;

	*rest = slice_trim(*rest);
	len = MIN_OF(slice_find(*rest, ' '), rest->len);
	first = slice_first(*rest, len);
	*rest = slice_from(*rest, len);
	return first;
}

static bool extmap_parse(struct slice value, struct extmap *ret_map)
{
	struct slice head = word(&value);
	size_t slash = MIN_OF(slice_find(head, '/'), head.len);
	uint32_t id;

	if (slice_u32(slice_first(head, slash), ID_MAX, &id) || id == 0)
		return false;
	ret_map->id = (uint8_t)id;
	ret_map->direction = slash < head.len ? slice_from(head, slash + 1) : SLICE_NONE;
	ret_map->uri = word(&value);
	return true;
}

static bool is_direction(const struct extmap *map, const char *wanted)
{
	return !slice_present(map->direction) || slice_iis(map->direction, wanted) ||
	       slice_iis(map->direction, "sendrecv");
}

static void extmap_take(struct slice value, struct offer_extras *extras)
{
	struct extmap map;

	if (!extmap_parse(value, &map))
		return;
	if (!extras->level_id && slice_is(map.uri, LEVEL_URN) && is_direction(&map, "sendonly"))
		extras->level_id = map.id;
	if (!extras->mix_id && slice_is(map.uri, MIX_URN) && is_direction(&map, "recvonly"))
		extras->mix_id = map.id;
}

static bool is_noise(const struct sdp_format *format)
{
	return format->payload_type == OFFER_NOISE_PT &&
	       (format->name[0] == '\0' || slice_iis(slice_of(format->name), "CN")) &&
	       (format->clock_hz == 0 || format->clock_hz == NOISE_HZ);
}

struct offer_extras offer_extras_read(const struct sdp_media *media)
{
	struct offer_extras extras = {0};
	struct slice ignored;

	for (uint16_t i = 0; i < media->attribute_count; i++)
		if (slice_iis(media->attributes[i].name, "extmap"))
			extmap_take(media->attributes[i].value, &extras);
	for (uint8_t i = 0; i < media->format_count; i++)
		extras.has_noise |= is_noise(&media->formats[i]);
	extras.has_reduced = sdp_attribute(media->attributes, media->attribute_count, "rtcp-rsize",
					   &ignored);
	if (extras.level_id == extras.mix_id) /* one number for both says nothing */
		extras.level_id = extras.mix_id = 0;
	return extras;
}

struct offer_extras offer_extras_ours(bool has_noise)
{
	return (struct offer_extras){.level_id = OUR_LEVEL_ID,
				     .mix_id = OUR_MIX_ID,
				     .has_noise = has_noise,
				     .has_reduced = true};
}

struct offer_extras offer_extras_common(const struct offer_extras *a, const struct offer_extras *b)
{
	return (struct offer_extras){
		.level_id = a->level_id == b->level_id ? a->level_id : 0,
		.mix_id = a->mix_id == b->mix_id ? a->mix_id : 0,
		.has_noise = a->has_noise && b->has_noise,
		.has_reduced = a->has_reduced && b->has_reduced,
	};
}

void offer_extras_write(struct buf *buf, const struct offer_extras *extras)
{
	if (extras->has_noise)
		buf_addf(buf, "a=rtpmap:%u CN/%u\r\n", (unsigned)OFFER_NOISE_PT,
			 (unsigned)NOISE_HZ);
	if (extras->level_id)
		buf_addf(buf, "a=extmap:%u/recvonly %s\r\n", extras->level_id, LEVEL_URN);
	if (extras->mix_id)
		buf_addf(buf, "a=extmap:%u/sendonly %s\r\n", extras->mix_id, MIX_URN);
	if (extras->has_reduced)
		buf_adds(buf, "a=rtcp-rsize\r\n");
}
