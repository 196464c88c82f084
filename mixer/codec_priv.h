/* mixer/codec_priv.h -- rows of the codec table that live in files of their own.
 * Only codec*.c include this. */
#ifndef MIXER_CODEC_PRIV_H
#define MIXER_CODEC_PRIV_H

#include "mixer/codec.h"

extern const struct codec codec_g722, codec_gsm, codec_g726_32; /* codec_spandsp.c */
extern const struct codec codec_opus;                           /* codec_opus.c */

#endif
