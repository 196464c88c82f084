#include "mixer/kit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/err.h"

#define G711 (1u << MEDIA_CODEC_PCMU | 1u << MEDIA_CODEC_PCMA)

static bool is_g711(enum media_codec codec)
{
	return codec == MEDIA_CODEC_PCMU || codec == MEDIA_CODEC_PCMA;
}

struct kit_shape kit_shape_plain(void)
{
	return (struct kit_shape){.receive = G711,
				  .first = MEDIA_CODEC_PCMU,
				  .send = MEDIA_CODEC_PCMU,
				  .frame_ms = CODEC_FRAME_MS};
}

struct kit_shape kit_shape(const struct media_leg_params *params)
{
	struct kit_shape shape = kit_shape_plain();
	const struct codec *send = codec_find(params->send.codec);

	for (uint8_t i = 0; i < params->receive_count; i++)
		shape.receive |= 1u << params->receive[i].codec;
	if (params->receive_count > 0 && !is_g711(params->receive[0].codec))
		shape.first = params->receive[0].codec;
	if (!send || is_g711(send->id))
		return shape;
	shape.send = send->id;
	shape.frame_ms = codec_frame_ms(send, codec_ptime_ms(send, params->ptime_ms));
	if (send->id == MEDIA_CODEC_OPUS)
		shape.opus = params->opus;
	return shape;
}

bool kit_shape_eq(const struct kit_shape *a, const struct kit_shape *b)
{
	return a->receive == b->receive && a->first == b->first && a->send == b->send &&
	       a->frame_ms == b->frame_ms && media_opus_eq(&a->opus, &b->opus);
}

uint8_t kit_rates(const struct kit_shape *shape)
{
	uint8_t rates = 0;

	for (int id = 0; id < MEDIA_CODEC_COUNT; id++) {
		const struct codec *codec = codec_find((enum media_codec)id);

		if (codec && (shape->receive >> id & 1))
			rates |= codec->sample_hz == 8000 ? 1 : codec->sample_hz == 16000 ? 2 : 4;
	}
	return rates;
}

static uint32_t receive_hz_max(const struct kit_shape *shape)
{
	uint32_t hz = 8000; /* of G.711 */

	for (int id = 0; id < MEDIA_CODEC_COUNT; id++) {
		const struct codec *codec = codec_find((enum media_codec)id);

		if (codec && (shape->receive >> id & 1))
			hz = MAX_OF(hz, codec->sample_hz);
	}
	return hz;
}

static int sending_make(struct kit *kit)
{
	const struct codec *send = codec_find(kit->shape.send);
	uint32_t hz_max = receive_hz_max(&kit->shape);

	if (!send)
		return ERR_MEDIA_CODEC;
	/* A packet, and the frame that does not fit into it any more. */
	kit->pack_max = send->send_step_ms
				? send->octets_per_ms * (MEDIA_PTIME_MS_MAX + CODEC_FRAME_MS)
				: CODEC_JOIN_MAX * (CODEC_JOINED_OCTETS_MAX + sizeof(uint16_t));
	kit->pack = malloc(kit->pack_max);
	kit->gained = calloc(hz_max / 1000 * CODEC_FRAME_MS, sizeof(*kit->gained));
	if (!kit->pack || !kit->gained)
		return -ENOMEM;
	if (hz_max != 8000 || send->sample_hz != 8000) {
		kit->own = calloc(codec_samples(send, CODEC_FRAME_MS), sizeof(*kit->own));
		if (!kit->own)
			return -ENOMEM;
	}
	if (send->encoder_size) {
		kit->encoder_octets = send->encoder_size();
		kit->encoder = calloc(1, kit->encoder_octets);
		if (!kit->encoder)
			return -ENOMEM;
		send->encoder_init(kit->encoder, &kit->shape.opus);
	}
	return 0;
}

int kit_new(const struct kit_shape *shape, uint16_t delay_ms_max, struct kit **ret_kit)
{
	struct intake_params intake = {.codec = shape->first,
				       .others = shape->receive,
				       .pull_ms = CODEC_FRAME_MS,
				       .delay_ms_max = delay_ms_max};
	struct kit *kit = calloc(1, sizeof(*kit));
	int err;

	if (!kit)
		return -ENOMEM;
	list_init(&kit->node);
	list_init(&kit->owned);
	kit->shape = *shape;
	err = intake_new(&intake, &kit->intake);
	if (err == 0)
		err = sending_make(kit);
	if (err) {
		kit_free(kit);
		return err;
	}
	*ret_kit = kit;
	return 0;
}

struct kit *kit_free(struct kit *kit)
{
	if (!kit)
		return NULL;
	intake_free(kit->intake);
	free(kit->encoder);
	free(kit->gained);
	free(kit->own);
	list_remove(&kit->owned);
	free(kit->pack);
	free(kit);
	return NULL;
}
