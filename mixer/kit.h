/* mixer/kit.h -- the memory that a leg needs for its codecs, made by control.
 *
 * Signalling may change the codecs of a leg at any time, and a worker makes no memory: so control
 * makes a kit that serves the new agreement, the worker swaps it in, and the old one goes back.
 * All agreements of G.711 alone are served by the same kit.
 *
 * Ownership: whoever has the leg has its kit. Threads: kit_new/kit_free on control, the rest any.
 */
#ifndef MIXER_KIT_H
#define MIXER_KIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "media.h"
#include "mixer/codec.h"
#include "mixer/intake.h"

/* Which agreements a kit serves: equal shapes, same kit. */
struct kit_shape {
	uint32_t receive; /* bits 1 << enum media_codec, G.711 always */
	enum media_codec first;
	enum media_codec send; /* PCMU for all of G.711, and for nothing */
	uint16_t frame_ms;     /* of what the encoder writes */
	struct media_opus opus;
};

struct kit {
	struct list node;  /* in the worker's list of returns */
	struct list owned; /* control's list of all kits */
	struct kit_shape shape;
	struct intake *intake;
	void *encoder; /* NULL: stateless */
	size_t encoder_octets;
	int16_t *gained; /* a frame of what it says, after gain */
	int16_t *own;    /* the same at the rate at which it hears, when these may differ */
	uint8_t *pack;   /* what waits for a packet of another length than the tick's */
	uint32_t pack_max;
};

struct kit_shape kit_shape(const struct media_leg_params *params);
bool kit_shape_eq(const struct kit_shape *a, const struct kit_shape *b);

/* The shape of a leg that is not set yet: G.711. */
struct kit_shape kit_shape_plain(void);

/* Rates of the sound that may come: bits 1 << number, 0: 8, 1: 16, 2: 48 kHz. */
uint8_t kit_rates(const struct kit_shape *shape);

/* -ENOMEM, ERR_MEDIA_CODEC. delay_ms_max as in intake.h. */
int kit_new(const struct kit_shape *shape, uint16_t delay_ms_max, struct kit **ret_kit);
struct kit *kit_free(struct kit *kit);

#endif
