/* tests/unit/mixer/test_golden.c -- three seconds of a conference, kept as it sounded.
 *
 * Four phones of four codecs: first one speaks, then two, then all, so loud that the limiter works.
 * What two of them got is in tests/unit/mixer/golden, in mu-law; a chain that sounds otherwise
 * fails here, whatever part of it was changed. Who means it so writes the files anew:
 *
 *   HEARTH_GOLDEN=write build/dev/tests/unit/mixer/unit_mixer golden
 *
 * Compared by signal-to-noise ratio, since the last bits of sines differ between libraries.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mixer/codec.h"
#include "tests/support/check.h"
#include "tests/unit/mixer/rig.h"

enum { PHONES = 4, TICKS = 150, PT = 100, RATE_MAX = 16000, OCTETS_MAX = RATE_MAX / 50 * TICKS };

#define SNR_DB_MIN 35

static const struct {
	enum media_codec codec;
	double pitch_hz, amplitude;
	uint32_t from, until; /* ticks in which it speaks */
} cast[PHONES] = {
	{MEDIA_CODEC_PCMU, 118, 9000, 0, 150},
	{MEDIA_CODEC_PCMA, 171, 9000, 50, 150},
	{MEDIA_CODEC_G722, 223, 12000, 100, 150},
	{MEDIA_CODEC_L16_16K, 149, 12000, 100, 140},
};

static struct rig rig;
static struct bus bus;
static struct bus_scratch scratch;
static struct phone phones[PHONES];
static struct rig_leg legs[PHONES];
static void *encoders[PHONES];
static uint8_t heard[PHONES][OCTETS_MAX];
static uint32_t heard_len[PHONES];

static const struct codec *codec_of(int i)
{
	return codec_find(cast[i].codec);
}

static void leg_make(int i)
{
	struct media_leg_params params;
	struct kit_shape shape;
	struct kit *kit;

	phone_open(&phones[i], 100 + (uint32_t)i);
	phones[i].pt = PT;
	legs[i] = rig_leg_open(&rig);
	params = rig_params(&phones[i]);
	params.receive[0] = params.send = (struct media_format){cast[i].codec, PT};
	params.receive_count = 1;
	shape = kit_shape(&params);
	if (kit_new(&shape, 0, &kit))
		CU_FAIL_FATAL("no kit");
	kit_free(bus_fit_rt(legs[i].leg, kit));
	leg_set_rt(legs[i].leg, &params, rig.env.now_ns);
	bus_add_rt(&bus, legs[i].leg);
	leg_begin_rt(legs[i].leg, &rig.env);
	if (!codec_of(i)->encoder_size)
		return;
	encoders[i] = malloc(codec_of(i)->encoder_size());
	codec_of(i)->encoder_init(encoders[i], NULL);
}

/* Something like a voice: a buzz of harmonics whose loudness goes up and down four times a second.
 */
static int16_t voice(int i, uint64_t at, uint32_t hz)
{
	double t = (double)at / hz, sum = 0;

	for (int k = 1; k <= 12; k++)
		sum += sin(2 * M_PI * cast[i].pitch_hz * k * t + k * k) / k;
	return (int16_t)lrint(cast[i].amplitude * 0.5 * sum *
			      (0.6 - 0.4 * cos(2 * M_PI * 4 * t + i)));
}

static void speak(int i, uint32_t tick)
{
	const struct codec *codec = codec_of(i);
	uint32_t samples = codec_samples(codec, LEG_TICK_MS), ts = phones[i].ts;
	bool is_speaking = tick >= cast[i].from && tick < cast[i].until;
	uint8_t payload[CODEC_FRAME_OCTETS_MAX];
	int16_t pcm[LEG_SAMPLES_MAX];
	size_t len;

	for (uint32_t k = 0; k < samples; k++)
		pcm[k] = is_speaking ? voice(i, (uint64_t)tick * samples + k, codec->sample_hz) : 0;
	len = codec->encode_rt(encoders[i], pcm, samples, payload, sizeof(payload));
	rig_feed(&rig, legs[i].leg, &phones[i], payload, (uint16_t)len);
	phones[i].ts = ts + codec->clock_hz / 1000 * LEG_TICK_MS;
}

static void take_down(int i)
{
	uint8_t data[RIG_PACKET_MAX];
	int16_t pcm[LEG_SAMPLES_MAX];
	struct rtp_packet got;

	if (!CHECK("came", phone_receive(&phones[i], RIG_WAIT_MS, &got, data)))
		return;
	for (size_t k = 0, n = codec_of(i)->decode_rt(NULL, got.payload, got.payload_len, pcm,
						      ARRAY_LEN(pcm));
	     k < n && heard_len[i] < OCTETS_MAX; k++)
		heard[i][heard_len[i]++] = codec_ulaw_encode(pcm[k]);
}

static void hold(void)
{
	rig_init(&rig);
	bus_init(&bus, false, NULL);
	bus_scratch_init(&scratch);
	for (int i = 0; i < PHONES; i++)
		leg_make(i);
	for (uint32_t tick = 0; tick < TICKS; tick++) {
		for (int i = 0; i < PHONES; i++)
			speak(i, tick);
		rig_tick(&rig, &bus, &scratch);
		rig.env.now_ns += RIG_TICK_NS;
		io_begin_rt(rig.env.io, rig.env.now_ns);
		take_down(0);
		take_down(3);
	}
	for (int i = 0; i < PHONES; i++) {
		bus_remove_rt(&bus, legs[i].leg);
		rig_leg_close(&rig, &legs[i]);
		phone_close(&phones[i]);
		free(encoders[i]);
		encoders[i] = NULL;
	}
	rig_done(&rig);
}

static double snr_db(const uint8_t *want, const uint8_t *got, uint32_t count)
{
	double signal = 1, noise = 1e-9; /* so that silence is as good as silence */

	for (uint32_t k = 0; k < count; k++) {
		double w = codec_ulaw_decode(want[k]), d = w - codec_ulaw_decode(got[k]);

		signal += w * w;
		noise += d * d;
	}
	return 10 * log10(signal / noise);
}

static void as_it_was(int i, const char *name)
{
	static uint8_t kept[OCTETS_MAX + 1];
	const char *wish = getenv("HEARTH_GOLDEN");
	char path[512];
	size_t len = 0;
	FILE *file;

	snprintf(path, sizeof(path), SOURCE_DIR "/tests/unit/mixer/golden/%s", name);
	file = fopen(path, wish && strcmp(wish, "write") == 0 ? "wb+" : "rb");
	if (!CHECK(name, file != NULL))
		return;
	if (wish && strcmp(wish, "write") == 0)
		(void)fwrite(heard[i], 1, heard_len[i], file);
	rewind(file);
	len = fread(kept, 1, sizeof(kept), file);
	fclose(file);
	if (!CHECK_INT(name, len, heard_len[i]))
		return;
	for (uint32_t at = 0; at < len; at += (uint32_t)len / 6) /* each half second by itself */
		CHECK(name, snr_db(kept + at, heard[i] + at, (uint32_t)len / 6) > SNR_DB_MIN);
}

static void a_conference_sounds_as_it_did(void)
{
	memset(heard_len, 0, sizeof(heard_len));
	hold();
	as_it_was(0, "pcmu.ul");
	as_it_was(3, "l16.ul");
}

void suite_golden(void)
{
	CHECK_SUITE("golden");
	CHECK_TEST(a_conference_sounds_as_it_did);
}
