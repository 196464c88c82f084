/* tests/unit/mixer/test_mixer_sounds.c -- plays and recordings through src/media.h.
 *
 * Workers are driven by hand on a virtual clock, the files thread is real: where a test needs it,
 * it runs on until the thread has done its part, and says so when it never does.
 */
#include <errno.h>
#include <math.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "mixer/mixer.h"
#include "tests/support/check.h"
#include "tests/unit/mixer/rig.h"

enum { PHONES = 3, PATIENCE = 3000 /* ticks; each with a millisecond for the thread */ };

static struct clock_virtual clock_v;
static struct random rng;
static struct mixer *mixer;
static struct media media;
static struct phone phones[PHONES];
static struct addr locals[PHONES];
static handle legs[PHONES], room;
static uint32_t workers = 1;
static struct media_event ended[8];
static uint32_t ended_count;
static uint64_t talked;      /* samples of the talker */
static double heard[PHONES]; /* share of the tone that was asked for, of the last packet */
static int peak[PHONES];     /* of the last packet */
static int jump[PHONES];     /* farthest from one sample to the next, since turn_ear */
static int16_t edge[PHONES]; /* the last sample */
static double ear_hz;

static void on_event(void *arg, const struct media_event *event)
{
	(void)arg;
	if ((event->kind == MEDIA_PLAY_ENDED || event->kind == MEDIA_RECORD_ENDED) &&
	    ended_count < 8)
		ended[ended_count++] = *event;
}

/* Listens for another tone; what was heard before does not count. */
static void turn_ear(double hz)
{
	ear_hz = hz;
	memset(heard, 0, sizeof(heard));
	memset(jump, 0, sizeof(jump));
}

static void measure(uint32_t i, const int16_t *pcm)
{
	peak[i] = 0;
	for (int k = 0; k < RIG_FRAME; k++) {
		int far = abs(pcm[k] - edge[i]);

		peak[i] = MAX_OF(peak[i], abs(pcm[k]));
		jump[i] = MAX_OF(jump[i], far);
		edge[i] = pcm[k];
	}
}

static void setup(void)
{
	struct mixer_params params = {.clock = clock_virtual(&clock_v),
				      .random = &rng,
				      .workers = workers,
				      .port_low = RIG_PORT_LOW,
				      .port_high = RIG_PORT_HIGH,
				      .legs_max = 16,
				      .rooms_max = 4,
				      .is_manual = true,
				      .on_event = on_event};

	random_init_seeded(&rng, 9);
	clock_v = (struct clock_virtual){RIG_START_NS, 1700000000000};
	ended_count = 0;
	talked = 0;
	turn_ear(0);
	CHECK_INT("mixer", mixer_new(&params, &mixer), 0);
	media = mixer_media(mixer);
	CHECK_INT("room", media.ops->room_open(media.ctx, &room), 0);
	for (uint32_t i = 0; i < PHONES; i++) {
		struct media_leg_open open = {.room = room, .tag = i};
		struct media_leg_params leg;

		phone_open(&phones[i], 10 + i);
		(void)addr_parse(SLICE("127.0.0.1:0"), &open.local);
		CHECK_INT("leg", media.ops->leg_open(media.ctx, &open, &legs[i], &locals[i]), 0);
		leg = rig_params(&phones[i]);
		CHECK_INT("set", media.ops->leg_set(media.ctx, legs[i], &leg), 0);
	}
}

static void teardown(void)
{
	for (uint32_t i = 0; i < PHONES; i++)
		phone_close(&phones[i]);
	mixer = mixer_free(mixer);
}

static void listen_to(uint32_t i)
{
	uint8_t data[RIG_PACKET_MAX];
	struct rtp_packet packet;
	int16_t pcm[RIG_FRAME];

	while (phone_receive(&phones[i], 0, &packet, data)) {
		codec_find(MEDIA_CODEC_PCMU)
			->decode_rt(NULL, packet.payload, packet.payload_len, pcm, RIG_FRAME);
		measure(i, pcm);
		heard[i] = ear_hz ? tone_share(pcm, RIG_FRAME, ear_hz) : 0;
	}
}

/* One tick of 20 ms; phone 0 talks a tone of talk_hz when it is not 0. */
static void tick(double talk_hz)
{
	uint8_t frame[RIG_FRAME];

	if (talk_hz) {
		tone_ulaw(talk_hz, 8000, talked, frame);
		phone_send(&phones[0], &locals[0], frame, RIG_FRAME);
	}
	talked += RIG_FRAME;
	for (int i = 0; i < 4; i++) {
		clock_v.mono_ns += 5000000;
		mixer_tick(mixer, clock_v.mono_ns);
	}
	mixer_poll(mixer);
	nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	for (uint32_t i = 0; i < PHONES; i++)
		listen_to(i);
}

static bool run_until_ended(uint32_t count, double talk_hz)
{
	for (int i = 0; i < PATIENCE && ended_count < count; i++)
		tick(talk_hz);
	return CHECK_INT("ended", ended_count, count);
}

static bool run_until_heard(uint32_t phone, double talk_hz)
{
	for (int i = 0; i < PATIENCE && heard[phone] < 0.9; i++)
		tick(talk_hz);
	return CHECK("heard", heard[phone] > 0.9);
}

static struct media_sound tone(uint16_t hz, uint32_t ms)
{
	return (struct media_sound){
		.kind = MEDIA_SOUND_TONE, .hz = {hz, 0}, .level_dbov = 10, .ms = ms};
}

static void one_leg_alone_hears_it(void)
{
	struct media_sound sound = tone(1000, 60000);
	struct media_play play = {.sounds = &sound, .sound_count = 1, .tag = 77};
	handle h;

	setup();
	play.leg = legs[1];
	CHECK_INT("start", media.ops->play_start(media.ctx, &play, &h), 0);
	turn_ear(1000);
	(void)run_until_heard(1, 0);
	CHECK("not the others", heard[0] < 0.1 && heard[2] < 0.1);
	CHECK("position", media.ops->play_position_ms(media.ctx, h) > 0);
	CHECK_INT("stop", media.ops->play_stop(media.ctx, h), 0);
	if (run_until_ended(1, 0)) {
		CHECK_INT("kind", ended[0].kind, MEDIA_PLAY_ENDED);
		CHECK_INT("tag", ended[0].tag, 77);
		CHECK_INT("which", ended[0].object == h, true);
	}
	CHECK_INT("gone", media.ops->play_stop(media.ctx, h), ERR_STALE);
	for (int i = 0; i < 3; i++)
		tick(0);
	CHECK("silent again", heard[1] < 0.1);
	teardown();
}

/* The room is ducked, and comes back when the prompt is over. */
static void a_prompt_ducks_the_room(void)
{
	struct media_sound sound = tone(1000, 400);
	struct media_play play = {.sounds = &sound, .sound_count = 1, .duck_cdb = -6000};
	handle h;

	setup();
	turn_ear(440);
	(void)run_until_heard(1, 440);
	play.leg = legs[1];
	CHECK_INT("start", media.ops->play_start(media.ctx, &play, &h), 0);
	turn_ear(1000);
	(void)run_until_heard(1, 440);
	CHECK("the others hear the talker", heard[2] < 0.1);
	(void)run_until_ended(1, 440);
	turn_ear(440);
	(void)run_until_heard(1, 440);
	teardown();
}

enum {
	TALK_HZ = 100,
	TALK_PEAK = 8000,
	SMOOTH = 8000 * 628 / 8000 +
		 520 /* of that tone from sample to sample, and two steps of G.711 */
};

static void ticks(int count)
{
	for (int i = 0; i < count; i++)
		tick(TALK_HZ);
}

/* A play of nothing but a pause, so that what is heard is who talks, lowered. */
static void talkers_are_lowered(struct media_play play, bool is_for_all)
{
	struct media_sound sound = {.kind = MEDIA_SOUND_PAUSE, .ms = 60000};
	handle h;

	play.sounds = &sound;
	play.sound_count = 1;
	play.duck_cdb = -1200;
	setup();
	if (is_for_all)
		play.room = room;
	else
		play.leg = legs[1];
	ticks(20);
	turn_ear(TALK_HZ);
	ticks(5);
	CHECK("as loud as ever", peak[1] > TALK_PEAK * 9 / 10);
	CHECK_INT("start", media.ops->play_start(media.ctx, &play, &h), 0);
	for (int i = 0; i < PATIENCE && peak[1] > TALK_PEAK * 30 / 100; i++)
		ticks(1);
	ticks(5);
	CHECK("12 dB down", peak[1] > TALK_PEAK * 22 / 100 && peak[1] < TALK_PEAK * 28 / 100);
	CHECK("who else", (peak[2] < TALK_PEAK * 28 / 100) == is_for_all);
	CHECK("nobody hears itself", peak[0] <= 8);
	CHECK_INT("stop", media.ops->play_stop(media.ctx, h), 0);
	for (int i = 0; i < PATIENCE && peak[1] < TALK_PEAK * 95 / 100; i++)
		ticks(1);
	ticks(5);
	CHECK("up again", peak[1] > TALK_PEAK * 95 / 100 && peak[2] > TALK_PEAK * 95 / 100);
	CHECK("without a click", jump[1] < SMOOTH && jump[2] < SMOOTH && jump[0] <= 16);
	teardown();
}

static void an_announcement_ducks_who_talks(void)
{
	talkers_are_lowered((struct media_play){.room = 0}, true);
}

static void a_prompt_ducks_smoothly(void)
{
	talkers_are_lowered((struct media_play){.leg = 0}, false);
}

/* Volume, pause and end of a tone: none of them is a click. */
static void a_play_fades(void)
{
	struct media_sound sound = {
		.kind = MEDIA_SOUND_TONE, .hz = {TALK_HZ, 0}, .level_dbov = 12, .ms = 60000};
	struct media_play play = {.sounds = &sound, .sound_count = 1};
	struct media_play_control control = {.gain_cdb = -1200};
	handle h;

	setup();
	play.room = room;
	CHECK_INT("start", media.ops->play_start(media.ctx, &play, &h), 0);
	turn_ear(TALK_HZ);
	for (int i = 0; i < PATIENCE && peak[1] < TALK_PEAK * 95 / 100; i++)
		tick(0);
	CHECK_INT("softer", media.ops->play_control(media.ctx, h, &control), 0);
	for (int i = 0; i < PATIENCE && peak[1] > TALK_PEAK * 30 / 100; i++)
		tick(0);
	CHECK("softer", peak[1] < TALK_PEAK * 30 / 100);
	control = (struct media_play_control){.is_paused = true};
	CHECK_INT("pause", media.ops->play_control(media.ctx, h, &control), 0);
	for (int i = 0; i < PATIENCE && peak[1] > 0; i++)
		tick(0);
	control.is_paused = false;
	CHECK_INT("go on", media.ops->play_control(media.ctx, h, &control), 0);
	for (int i = 0; i < PATIENCE && peak[1] < TALK_PEAK * 95 / 100; i++)
		tick(0);
	CHECK("as loud as at first", peak[1] > TALK_PEAK * 95 / 100);
	CHECK_INT("stop", media.ops->play_stop(media.ctx, h), 0);
	(void)run_until_ended(1, 0);
	for (int i = 0; i < 3; i++)
		tick(0);
	CHECK("over", peak[1] == 0);
	CHECK("without a click", jump[0] < SMOOTH && jump[1] < SMOOTH && jump[2] < SMOOTH);
	teardown();
}

static void the_whole_room_hears_it(void)
{
	struct media_sound sound = tone(1000, 60000);
	struct media_play play = {.sounds = &sound, .sound_count = 1};
	struct media_play_control control = {.is_paused = true};
	handle h;

	setup();
	play.room = room;
	CHECK_INT("start", media.ops->play_start(media.ctx, &play, &h), 0);
	turn_ear(1000);
	for (uint32_t i = 0; i < PHONES; i++)
		(void)run_until_heard(i, 0);
	CHECK_INT("pause", media.ops->play_control(media.ctx, h, &control), 0);
	for (int i = 0; i < 3; i++)
		tick(0);
	CHECK("paused", heard[0] < 0.1 && heard[1] < 0.1);
	control.is_paused = false;
	CHECK_INT("go on", media.ops->play_control(media.ctx, h, &control), 0);
	(void)run_until_heard(2, 0);
	CHECK_INT("beyond its end", media.ops->play_seek(media.ctx, h, 120000), 0);
	(void)run_until_ended(1, 0);
	teardown();
}

static void ends_with_its_leg_and_room(void)
{
	struct media_sound sound = tone(1000, 60000);
	struct media_play play = {.sounds = &sound, .sound_count = 1};
	handle h, other;

	setup();
	CHECK_INT("other room", media.ops->room_open(media.ctx, &other), 0);
	play.leg = legs[0];
	CHECK_INT("leg", media.ops->play_start(media.ctx, &play, &h), 0);
	play.leg = legs[1];
	CHECK_INT("leg", media.ops->play_start(media.ctx, &play, &h), 0);
	play = (struct media_play){.room = room, .sounds = &sound, .sound_count = 1};
	CHECK_INT("room", media.ops->play_start(media.ctx, &play, &h), 0);
	for (int i = 0; i < 3; i++)
		tick(0);
	CHECK_INT("moved", media.ops->leg_move(media.ctx, legs[0], other), 0);
	(void)run_until_ended(1, 0);
	CHECK_INT("closed", media.ops->leg_close(media.ctx, legs[1]), 0);
	(void)run_until_ended(2, 0);
	CHECK_INT("closed", media.ops->leg_close(media.ctx, legs[2]), 0);
	(void)run_until_ended(3, 0);
	CHECK_INT("in an empty room", media.ops->play_start(media.ctx, &play, &h), 0);
	(void)run_until_ended(4, 0);
	teardown();
}

/* A leg that goes to a room of another worker is said something on its way. */
static void on_the_way_to_another_worker(void)
{
	struct media_sound sound = tone(1000, 60000);
	struct media_play play = {.sounds = &sound, .sound_count = 1};
	struct media_leg_open open = {.tag = PHONES};
	struct addr local;
	handle h, other, there;

	workers = 2;
	setup();
	workers = 1;
	CHECK_INT("other room", media.ops->room_open(media.ctx, &other), 0);
	open.room = other; /* somebody is there already, else the room would come along */
	(void)addr_parse(SLICE("127.0.0.1:0"), &open.local);
	CHECK_INT("leg", media.ops->leg_open(media.ctx, &open, &there, &local), 0);
	tick(0);
	for (uint32_t i = 0; i < 2; i++) {
		CHECK_INT("move", media.ops->leg_move(media.ctx, legs[i], other), 0);
		play.leg = legs[i];
		CHECK_INT("start", media.ops->play_start(media.ctx, &play, &h), 0);
	}
	CHECK_INT("close", media.ops->leg_close(media.ctx, legs[1]), 0);
	turn_ear(1000);
	(void)run_until_heard(0, 0);
	(void)run_until_ended(1, 0);
	teardown();
}

static void bad_orders(void)
{
	struct media_sound sound = tone(1000, 100),
			   file = {.kind = MEDIA_SOUND_FILE, .path = "/no"};
	struct media_play play = {.sounds = &sound, .sound_count = 1};
	handle h = 0;

	setup();
	CHECK_INT("nowhere", media.ops->play_start(media.ctx, &play, &h), -EINVAL);
	play.leg = legs[0];
	play.room = room;
	CHECK_INT("both", media.ops->play_start(media.ctx, &play, &h), -EINVAL);
	play.room = 0;
	play.leg = 12345;
	CHECK_INT("gone", media.ops->play_start(media.ctx, &play, &h), ERR_STALE);
	play.leg = legs[0];
	play.sound_count = 0;
	CHECK_INT("nothing", media.ops->play_start(media.ctx, &play, &h), -EINVAL);
	CHECK("untouched", h == 0);
	play = (struct media_play){.leg = legs[0], .sounds = &file, .sound_count = 1};
	CHECK_INT("a file that is not there", media.ops->play_start(media.ctx, &play, &h), 0);
	if (run_until_ended(1, 0))
		CHECK_INT("is told at the end", ended[0].err, -ENOENT);
	teardown();
}

/* What the file holds is what the room heard: the tone of the talker, without a gap. */
static void records_room_and_leg_alike(void)
{
	char dir[] = "/tmp/hearth-sounds-XXXXXX", mix[64], own[64];
	static int16_t pcm[2][16000];
	SF_INFO info = {.format = 0};
	sf_count_t got[2] = {0, 0};
	handle recorded[2], later;

	setup();
	CHECK("dir", mkdtemp(dir) != NULL);
	(void)snprintf(mix, sizeof(mix), "%s/mix.wav", dir);
	(void)snprintf(own, sizeof(own), "%s/own.wav", dir);
	turn_ear(440);
	(void)run_until_heard(1, 440);
	CHECK_INT("room",
		  media.ops->record_start(
			  media.ctx,
			  &(struct media_record){
				  .room = room, .path = mix, .rate_hz = 8000, .tag = 1},
			  &recorded[0]),
		  0);
	CHECK_INT("leg",
		  media.ops->record_start(
			  media.ctx,
			  &(struct media_record){
				  .leg = legs[0], .path = own, .rate_hz = 8000, .tag = 2},
			  &recorded[1]),
		  0);
	CHECK_INT("there already",
		  media.ops->record_start(
			  media.ctx,
			  &(struct media_record){.room = room, .path = mix, .rate_hz = 8000},
			  &later),
		  -EEXIST);
	for (int i = 0; i < 25; i++)
		tick(440);
	CHECK_INT("pause", media.ops->record_pause(media.ctx, room, true), 0);
	for (int i = 0; i < 10; i++)
		tick(440);
	CHECK_INT("half a second", media.ops->record_length_ms(media.ctx, recorded[0]), 500);
	CHECK_INT("both", media.ops->record_length_ms(media.ctx, recorded[1]), 500);
	CHECK_INT("go on", media.ops->record_pause(media.ctx, room, false), 0);
	for (int i = 0; i < 25; i++)
		tick(440);
	for (int i = 0; i < 2; i++)
		CHECK_INT("stop", media.ops->record_stop(media.ctx, recorded[i]), 0);
	if (run_until_ended(2, 440)) {
		CHECK_INT("kind", ended[0].kind, MEDIA_RECORD_ENDED);
		CHECK_INT("length", ended[0].length_ms, ended[1].length_ms);
		CHECK_INT("no error", ended[0].err, 0);
	}
	for (int i = 0; i < 2; i++) {
		SNDFILE *file = sf_open(i ? own : mix, SFM_READ, &info);

		got[i] = file ? sf_readf_short(file, pcm[i], 16000) : 0;
		if (file)
			sf_close(file);
	}
	CHECK("a second", got[0] >= 8000);
	CHECK_INT("aligned", got[0], got[1]);
	CHECK("and the same to the sample", memcmp(pcm[0], pcm[1], (size_t)got[0] * 2) == 0);
	CHECK("the tone", tone_share(pcm[0], 4000, 440) > 0.95);
	unlink(mix);
	unlink(own);
	rmdir(dir);
	teardown();
}

static sf_count_t read_wav(const char *path, int16_t *pcm, sf_count_t most)
{
	SF_INFO info = {.format = 0};
	SNDFILE *file = sf_open(path, SFM_READ, &info);
	sf_count_t got = file ? sf_readf_short(file, pcm, most) : 0;

	if (file)
		sf_close(file);
	return got;
}

static handle record_at(handle of_leg, const char *path, uint32_t lead_ms)
{
	struct media_record record = {.leg = of_leg,
				      .room = of_leg ? 0 : room,
				      .path = path,
				      .rate_hz = 8000,
				      .is_aligned = of_leg != 0,
				      .lead_ms = lead_ms};
	handle h = 0;

	CHECK_INT(path, media.ops->record_start(media.ctx, &record, &h), 0);
	return h;
}

/* A track that begins later, and during a pause, stands where the room's recording is; one without
 * such a recording where it was told. */
static void a_later_track_begins_with_the_others(void)
{
	char dir[] = "/tmp/hearth-sounds-XXXXXX", path[3][64];
	static int16_t pcm[3][16000];
	sf_count_t got[3];
	handle h[3];

	setup();
	CHECK("dir", mkdtemp(dir) != NULL);
	for (int i = 0; i < 3; i++)
		(void)snprintf(path[i], sizeof(path[i]), "%s/%d.wav", dir, i);
	turn_ear(440);
	(void)run_until_heard(1, 440);
	h[0] = record_at(0, path[0], 0);
	for (int i = 0; i < 10; i++)
		tick(440);
	(void)media.ops->record_pause(media.ctx, room, true);
	tick(440);
	h[1] = record_at(legs[0], path[1], 60000);
	tick(440);
	(void)media.ops->record_pause(media.ctx, room, false);
	for (int i = 0; i < 25; i++)
		tick(440);
	for (int i = 0; i < 2; i++)
		(void)media.ops->record_stop(media.ctx, h[i]);
	(void)run_until_ended(2, 440);
	CHECK_INT("length", ended[0].length_ms, ended[1].length_ms);
	CHECK_INT("nothing was lost", ended[0].lost_ms + ended[1].lost_ms, 0);
	h[2] = record_at(legs[0], path[2], 100);
	for (int i = 0; i < 5; i++)
		tick(440);
	(void)media.ops->record_stop(media.ctx, h[2]);
	(void)run_until_ended(3, 440);
	CHECK("with its lead", ended[2].length_ms >= 200);
	for (int i = 0; i < 3; i++)
		got[i] = read_wav(path[i], pcm[i], 16000);
	CHECK_INT("aligned", got[0], got[1]);
	CHECK("silence for what it missed", tone_share(pcm[1], 800, 440) == 0);
	CHECK("a tone there in the mix", tone_share(pcm[0], 1600, 440) > 0.95);
	CHECK("the same from there on, to the sample",
	      memcmp(pcm[0] + 1600, pcm[1] + 1600, (size_t)(got[0] - 1600) * 2) == 0);
	CHECK("as told", pcm[2][799] == 0 && tone_share(pcm[2] + 800, 800, 440) > 0.95);
	for (int i = 0; i < 3; i++)
		unlink(path[i]);
	rmdir(dir);
	teardown();
}

void suite_mixer_sounds(void)
{
	CHECK_SUITE("mixer_sounds");
	CHECK_TEST(one_leg_alone_hears_it);
	CHECK_TEST(a_prompt_ducks_the_room);
	CHECK_TEST(an_announcement_ducks_who_talks);
	CHECK_TEST(a_prompt_ducks_smoothly);
	CHECK_TEST(a_play_fades);
	CHECK_TEST(the_whole_room_hears_it);
	CHECK_TEST(ends_with_its_leg_and_room);
	CHECK_TEST(on_the_way_to_another_worker);
	CHECK_TEST(bad_orders);
	CHECK_TEST(records_room_and_leg_alike);
	CHECK_TEST(a_later_track_begins_with_the_others);
}
