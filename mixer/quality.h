/* mixer/quality.h -- an estimate of what a listener would say of a leg: ITU-T G.107, reduced.
 *
 * Of the E-model only delay and loss are left in, all other parameters at their defaults:
 * R = 93.2 - Id(delay) - Ie,eff(codec, loss), then MOS after G.107 annex B. All codecs are told on
 * the scale of narrowband: a wideband one reaches what G.711 reaches. An estimate for the roster
 * and the metrics, no measurement of anybody's ear. Thread: any.
 */
#ifndef MIXER_QUALITY_H
#define MIXER_QUALITY_H

#include <stdint.h>

#include "base/attr.h"
#include "media.h"

enum { QUALITY_MOS_X100_MIN = 100, QUALITY_MOS_X100_MAX = 450 };

/* The R factor, 0 to 93; the arguments are those below. */
uint8_t quality_r_rt(enum media_codec codec, uint32_t delay_ms, uint32_t loss_q16) NONBLOCKING;

/* codec: what arrives. delay_ms: one way, mouth to ear. loss_q16: share of packets the ear misses,
 * 65536 is all. Returns MOS times 100, 100 to 450. */
uint16_t quality_mos_x100_rt(enum media_codec codec, uint32_t delay_ms,
			     uint32_t loss_q16) NONBLOCKING;

#endif
