/* tests/unit/mixer/test_leg.c */
#include "mixer/leg.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/err.h"
#include "mixer/rtcp.h"
#include "tests/support/check.h"
#include "tests/unit/mixer/rig.h"

static struct rig rig;
static struct phone phone;
static struct rig_leg fixture;

static struct leg *setup(bool is_symmetric)
{
	struct media_leg_params params;

	rig_init(&rig);
	phone_open(&phone, 5);
	fixture = rig_leg_open(&rig);
	params = rig_params(&phone);
	params.is_symmetric = is_symmetric;
	leg_set_rt(fixture.leg, &params, rig.env.now_ns);
	leg_begin_rt(fixture.leg, &rig.env);
	return fixture.leg;
}

static void teardown(void)
{
	rig_leg_close(&rig, &fixture);
	phone_close(&phone);
	rig_done(&rig);
}

static void advance(uint32_t ticks)
{
	rig.env.now_ns += ticks * RIG_TICK_NS;
	io_begin_rt(rig.env.io, rig.env.now_ns);
}

/* Receiving --------------------------------------------------------------------------------- */

static void params_are_checked(void)
{
	struct media_leg_params good = {.receive = {{MEDIA_CODEC_PCMU, 0}},
					.receive_count = 1,
					.send = {MEDIA_CODEC_PCMA, 8},
					.dtmf_pt_receive = MEDIA_PT_NONE,
					.dtmf_pt_send = 101,
					.ptime_ms = 20};
	struct media_leg_params bad;

	CHECK_INT("good", leg_params_check(&good), 0);
	bad = good;
	bad.receive_count = MEDIA_FORMATS_MAX + 1;
	CHECK_INT("too many formats", leg_params_check(&bad), -EINVAL);
	bad = good;
	bad.receive[0].payload_type = 128;
	CHECK_INT("payload type", leg_params_check(&bad), -EINVAL);
	bad = good;
	bad.receive[0].codec = MEDIA_CODEC_COUNT;
	CHECK_INT("codec", leg_params_check(&bad), ERR_MEDIA_CODEC);
	bad = good;
	bad.send.codec = (enum media_codec)99;
	CHECK_INT("codec to send", leg_params_check(&bad), ERR_MEDIA_CODEC);
	bad = good;
	bad.dtmf_pt_receive = 200;
	CHECK_INT("dtmf payload type", leg_params_check(&bad), -EINVAL);
	for (uint16_t ptime = 0; ptime < 80; ptime++) {
		bad = good;
		bad.ptime_ms = ptime;
		CHECK_INT("ptime", leg_params_check(&bad),
			  ptime % 10 == 0 && ptime >= 10 && ptime <= 60 ? 0 : -EINVAL);
	}
	bad.send.codec = MEDIA_CODEC_NONE;
	CHECK_INT("ptime of nothing", leg_params_check(&bad), 0);
}

static void what_is_refused_is_counted(void)
{
	static const uint8_t payload[RIG_FRAME];
	struct leg *leg = setup(false);
	uint8_t data[RIG_PACKET_MAX];
	struct phone stranger;
	uint32_t len;

	phone_open(&stranger, 6);
	rig_feed_raw(&rig, leg, &phone.addr, "short", 5);
	CHECK_INT("malformed", leg->stats.rx_discarded, 1);
	phone.pt = 96;
	rig_feed(&rig, leg, &phone, payload, RIG_FRAME);
	CHECK_INT("payload type not agreed on", leg->stats.rx_discarded, 2);
	phone.pt = 0;
	rig_feed(&rig, leg, &stranger, payload, RIG_FRAME);
	CHECK_INT("a stranger is no bad packet", leg->stats.rx_discarded, 2);
	CHECK_INT("a stranger", leg->latch.rejected, 1);
	CHECK_INT("nothing was accepted", leg->stats.rx_packets, 0);
	len = phone_packet(&phone, payload, RIG_FRAME, data);
	rig_feed_raw(&rig, leg, &phone.addr, data, len);
	CHECK_INT("accepted", leg->stats.rx_packets, 1);
	CHECK_INT("accepted", leg->stats.rx_octets, RIG_FRAME);
	rig_feed_raw(&rig, leg, &phone.addr, data, len);
	CHECK_INT("a duplicate", leg->stats.rx_discarded, 3);
	rig_feed_raw(&rig, leg, &phone.addr, (uint8_t[]){0x80, 200, 0, 1, 0, 0, 0, 5}, 8);
	CHECK_INT("RTCP without rtcp-mux", leg->stats.rx_discarded, 4);
	CHECK_INT("the worker counts as well", rig.env.rx_discarded, 4);
	phone_close(&stranger);
	teardown();
}

/* Feeds one loud packet of `from` with the stream number and sequence given. */
static void feed_stream(struct leg *leg, uint32_t ssrc, uint16_t seq)
{
	uint8_t payload[RIG_FRAME];

	tone_ulaw(400, 8000, 0, payload);
	phone.ssrc = ssrc;
	phone.seq = seq;
	rig_feed(&rig, leg, &phone, payload, RIG_FRAME);
}

static void a_new_ssrc_is_tried_first(void)
{
	struct leg *leg = setup(false);

	for (uint16_t i = 0; i < 4; i++)
		feed_stream(leg, 1, i);
	feed_stream(leg, 2, 50);
	CHECK_INT("one packet does not switch", leg->source.ssrc, 1);
	feed_stream(leg, 2, 51);
	CHECK_INT("two in a row do", leg->source.ssrc, 2);
	for (uint16_t i = 0; i < 20; i++) {
		feed_stream(leg, 2, (uint16_t)(52 + i));
		feed_stream(leg, 3, i);
		if (!CHECK_INT("interleaved streams do not", leg->source.ssrc, 2))
			break;
	}
	teardown();
}

static void pulled_frame_is_what_was_fed(void)
{
	struct leg *leg = setup(false);
	uint8_t payload[RIG_FRAME];
	int16_t want[RIG_FRAME];
	uint32_t exact = 0;

	for (uint32_t k = 0; k < 50; k++) {
		bool is_same = true;

		tone_ulaw(440, 9000, k * RIG_FRAME, payload);
		rig_feed(&rig, leg, &phone, payload, RIG_FRAME);
		leg_pull_rt(leg, &rig.env, true);
		for (uint32_t i = 0; i < RIG_FRAME; i++) {
			want[i] = codec_ulaw_decode(payload[i]);
			is_same &= leg->is_summed && leg->pcm[i] == want[i];
		}
		exact += is_same;
		leg_finish_rt(leg, &rig.env);
		advance(1);
	}
	CHECK("no delay but the tick's on a steady network", exact >= 45);
	CHECK("talking", leg->is_talking);
	CHECK_NEAR("level of 9000 peak", leg->stats.level_in, 14, 1);
	CHECK("told", rig_event(&rig, MEDIA_LEG_ACTIVE, NULL));
	CHECK("told", rig_event(&rig, MEDIA_LEG_TALKING, NULL));
	teardown();
}

static void mute_gate_and_gain(void)
{
	static const struct {
		const char *row;
		double amplitude;
		struct leg_control control;
		bool is_heard, want_summed, want_exact;
	} cases[] = {
		{"as it comes", 9000, {false, false, 1 << 14, 1 << 14, {0}}, true, true, true},
		{"muted", 9000, {true, false, 1 << 14, 1 << 14, {0}}, true, false, false},
		{"in no room", 9000, {false, false, 1 << 14, 1 << 14, {0}}, false, false, false},
		{"with gain", 4000, {false, false, 2 << 14, 1 << 14, {0}}, true, true, false},
		{"below the gate", 30, {false, false, 1 << 14, 1 << 14, {0}}, true, false, false},
		{"digital silence", 0, {false, false, 1 << 14, 1 << 14, {0}}, true, false, false},
	};

	for (size_t n = 0; n < ARRAY_LEN(cases); n++) {
		struct leg *leg = setup(false);
		uint8_t payload[RIG_FRAME];

		leg_control_rt(leg, &cases[n].control);
		for (uint32_t k = 0; k < 30; k++) {
			tone_ulaw(500, cases[n].amplitude, k * RIG_FRAME, payload);
			rig_feed(&rig, leg, &phone, payload, RIG_FRAME);
			leg_pull_rt(leg, &rig.env, cases[n].is_heard);
			advance(1);
		}
		CHECK_INT(cases[n].row, leg->is_summed, cases[n].want_summed);
		if (leg->is_summed)
			CHECK_INT(cases[n].row, leg->is_exact, cases[n].want_exact);
		if (leg->is_summed && leg->control.gain_in_q14 == 2 << 14)
			for (uint32_t i = 0; i < RIG_FRAME; i++)
				if (!CHECK_INT("doubled", leg->pcm[i], 2 * leg->frame.pcm[i]))
					break;
		teardown();
	}
}

/* Events ------------------------------------------------------------------------------------ */

static void feed_digit(struct leg *leg, uint8_t event, bool is_end, uint16_t duration)
{
	uint8_t payload[4] = {event, is_end ? 0x8a : 0x0a, (uint8_t)(duration >> 8),
			      (uint8_t)duration};
	uint32_t ts = phone.ts;

	phone.pt = 101;
	rig_feed(&rig, leg, &phone, payload, 4);
	phone.ts = ts; /* all packets of an event carry the time of its start */
	phone.pt = 0;
}

static void digits_are_told_once(void)
{
	struct leg *leg = setup(false);
	struct leg_event event;

	phone.has_marker = true;
	for (uint16_t i = 1; i <= 5; i++)
		feed_digit(leg, 7, false, (uint16_t)(i * 160));
	for (int i = 0; i < 3; i++)
		feed_digit(leg, 7, true, 960);
	if (CHECK("told", rig_event(&rig, MEDIA_LEG_DTMF, &event))) {
		CHECK_INT("digit", event.digit, '7');
		CHECK_INT("duration", event.duration_ms, 120);
		CHECK("leg", event.object == leg);
	}
	CHECK("once", !rig_event(&rig, MEDIA_LEG_DTMF, NULL));
	phone.ts += 2000;
	feed_digit(leg, 11, false, 160);
	advance(25);
	leg_pull_rt(leg, &rig.env, true);
	if (CHECK("its end was lost", rig_event(&rig, MEDIA_LEG_DTMF, &event)))
		CHECK_INT("digit", event.digit, '#');
	teardown();
}

/* Digits to the peer take the place of sound; the sound behind them begins a spurt. */
static void digits_are_sent(void)
{
	struct leg *leg = setup(false);
	uint8_t silence[RIG_FRAME], data[RIG_PACKET_MAX];
	struct leg_chunk chunk = {.payload = silence, .len = sizeof(silence)};
	struct rtp_packet packet;
	uint32_t events = 0, sounds = 0, ends = 0, start = 0, ts = leg->tx_ts;
	uint16_t seq = leg->tx_seq;

	memset(silence, 0xff, sizeof(silence));
	leg->digits_pt = 101;
	leg_digits_rt(leg, "5#", 2);
	for (int tick = 0; tick < 30; tick++) {
		leg_send_rt(leg, &rig.env, &chunk);
		io_flush_rt(rig.env.io);
		advance(1);
		if (!CHECK("each tick", phone_receive(&phone, RIG_WAIT_MS, &packet, data)))
			break;
		CHECK_INT("no number is left out", packet.seq, seq++);
		if (packet.payload_type == 101) {
			if (packet.has_marker)
				start = ts + (uint32_t)tick * RIG_FRAME;
			CHECK_INT("time of its start", packet.ts, start);
			ends += packet.payload[1] >> 7;
			events++;
		} else {
			CHECK_INT("sound", packet.ts, ts + (uint32_t)tick * RIG_FRAME);
			CHECK("a spurt behind a digit",
			      packet.has_marker == (events > 0 && sounds == 0) || sounds > 0);
			sounds++;
		}
	}
	CHECK_INT("two digits", events, 2 * (DIGITS_MS / LEG_TICK_MS + DIGITS_ENDS - 1));
	CHECK_INT("three ends each", ends, 2 * DIGITS_ENDS);
	CHECK("then it is over", !leg->has_digits && leg_can_send(leg));
	teardown();
}

/* Packets of a digit use up sequence numbers; nothing is missing because of them. */
static void digits_are_no_loss(void)
{
	struct leg *leg = setup(false);
	uint8_t payload[RIG_FRAME];

	for (uint32_t k = 0; k < 40; k++) {
		tone_ulaw(440, 9000, k * RIG_FRAME, payload);
		if (k < 15 || k >= 25)
			rig_feed(&rig, leg, &phone, payload, RIG_FRAME);
		else
			feed_digit(leg, 3, k > 22, (uint16_t)((k - 14) * RIG_FRAME));
		if (k == 24)
			phone.ts += 10 * RIG_FRAME;
		leg_pull_rt(leg, &rig.env, true);
		if (k == 20)
			CHECK("the room does not hear it", !leg->is_summed && !leg->is_talking);
		advance(1);
	}
	CHECK_INT("nothing lost", intake_stats_rt(leg->intake).jitter.lost, 0);
	CHECK_INT("nothing lost", rtp_source_lost(&leg->source), 0);
	CHECK("heard again", leg->is_summed);
	teardown();
}

/* A phone that falls silent sends comfort noise now and then (RFC 3389): the pause is no loss,
 * nobody hears noise, and the next word is heard at once. */
/* Nothing to hear: comfort noise now and then; sound again: at once, with the marker. */
static void comfort_noise_is_sent(void)
{
	static const uint8_t quiet[RIG_FRAME], loud[RIG_FRAME];
	struct leg *leg = setup(false);
	struct leg_chunk silence = {
		.payload = quiet, .len = sizeof(quiet), .level = MEDIA_LEVEL_SILENT};
	struct leg_chunk sound = {.payload = loud, .len = sizeof(loud), .level = 20};
	struct media_leg_params params = rig_params(&phone);
	uint8_t data[RIG_PACKET_MAX];
	struct rtp_packet packet;
	uint32_t silences = 0, noises = 0, ts = 0;

	params.has_noise = true;
	leg_set_rt(leg, &params, rig.env.now_ns);
	for (int tick = 0; tick < 100; tick++) {
		uint32_t now_ts = leg->tx_ts;

		leg_send_rt(leg, &rig.env, &silence);
		io_flush_rt(rig.env.io);
		while (phone_receive(&phone, 0, &packet, data)) {
			silences += packet.payload_type == 0;
			noises += packet.payload_type == 13;
			CHECK_INT("at its time", packet.ts, now_ts);
			if (packet.payload_type == 13) {
				CHECK("a SID, no spurt",
				      packet.payload_len == 1 && !packet.has_marker);
				CHECK_INT("level", packet.payload[0], LEG_NOISE_DBOV);
			}
		}
		advance(1);
	}
	CHECK_INT("a while of silence", silences, LEG_NOISE_HANG_MS / LEG_TICK_MS);
	CHECK("then noise, now and then", noises >= 4 && noises <= 6);
	ts = leg->tx_ts;
	leg_send_rt(leg, &rig.env, &sound);
	io_flush_rt(rig.env.io);
	if (CHECK("sound", phone_receive(&phone, RIG_WAIT_MS, &packet, data))) {
		CHECK("a spurt", packet.has_marker && packet.payload_type == 0);
		CHECK_INT("time went on", packet.ts, ts);
	}
	params.has_noise = false;
	leg_set_rt(leg, &params, rig.env.now_ns);
	for (int tick = 0; tick < 30; tick++)
		leg_send_rt(leg, &rig.env, &silence);
	io_flush_rt(rig.env.io);
	CHECK_INT("not agreed on", phone_drain(&phone), 30);
	teardown();
}

/* What its sender calls silent is not decoded, if that is trusted, and lost sound is not missed. */
static void told_silence_is_passed_over(void)
{
	static const bool trusts[] = {true, false};

	for (size_t n = 0; n < ARRAY_LEN(trusts); n++) {
		struct leg *leg = setup(false);
		struct media_leg_params params = rig_params(&phone);
		uint32_t heard = 0, spoke = 0;

		params.level_ext = 3;
		params.trusts_levels = trusts[n];
		leg_set_rt(leg, &params, rig.env.now_ns);
		for (uint32_t k = 0; k < 150; k++) {
			bool is_voice = k < 50 || k >= 100;
			uint8_t data[RIG_PACKET_MAX], payload[RIG_FRAME];
			uint8_t level[] = {0x30, (uint8_t)(is_voice ? 0x80 | 20 : 90)};
			struct rtp_packet rtp = {.seq = phone.seq++,
						 .ts = phone.ts,
						 .ssrc = phone.ssrc,
						 .ext_profile = RTP_EXT_ONE_BYTE,
						 .ext = level,
						 .ext_len = sizeof(level)};
			int header = rtp_write(&rtp, data, sizeof(data));

			phone.ts += RIG_FRAME;
			/* Soft noise all the time; loud enough to be heard when decoded. */
			tone_ulaw(440, is_voice ? 9000 : 400, k * RIG_FRAME, payload);
			memcpy(data + header, payload, sizeof(payload));
			rig_feed_raw(&rig, leg, &phone.addr, data,
				     (size_t)header + sizeof(payload));
			leg_pull_rt(leg, &rig.env, true);
			heard += k >= 80 && k < 100 && !leg->frame.is_silent;
			spoke += k >= 105 && leg->is_summed;
			advance(1);
		}
		CHECK_INT("in the pause", heard, trusts[n] ? 0 : 20);
		CHECK_INT("afterwards", spoke, 45);
		CHECK_INT("nothing lost", intake_stats_rt(leg->intake).jitter.lost, 0);
		teardown();
	}
}

/* A peer that only listens says nothing for as long as it likes: nobody else gets what it hears, by
 * however good a run; and its own address is believed again as ever. */
static void a_listener_keeps_its_sound(void)
{
	struct leg *leg = setup(true);
	struct media_leg_params params = rig_params(&phone);
	uint8_t payload[RIG_FRAME];
	struct phone thief;

	tone_ulaw(440, 9000, 0, payload);
	phone_open(&thief, 9);
	params.is_symmetric = true;
	for (int i = 0; i < 5; i++)
		rig_feed(&rig, leg, &phone, payload, RIG_FRAME);
	params.is_receiving = false;
	leg_set_rt(leg, &params, rig.env.now_ns);
	advance(500);
	for (int i = 0; i < 50; i++) {
		rig_feed(&rig, leg, &thief, payload, RIG_FRAME);
		advance(1);
	}
	CHECK("it still goes to the peer", addr_eq(latch_remote(&leg->latch), &phone.addr));
	CHECK_INT("all refused", leg->latch.rejected, 50);
	params.is_receiving = true;
	leg_set_rt(leg, &params, rig.env.now_ns);
	rig_feed(&rig, leg, &phone, payload, RIG_FRAME);
	CHECK_INT("the peer speaks again", leg->stats.rx_packets, 6);
	phone_close(&thief);
	teardown();
}

static void comfort_noise_is_a_pause(void)
{
	static const uint8_t noise[] = {60, 0x40, 0x40};
	struct leg *leg = setup(false);
	uint8_t payload[RIG_FRAME];
	uint32_t heard_in_pause = 0;

	for (uint32_t k = 0; k < 200; k++) {
		bool is_pause = k >= 40 && k < 150;

		tone_ulaw(440, 9000, k * RIG_FRAME, payload);
		phone.has_marker = k == 150;
		phone.pt = is_pause ? 13 : 0;
		if (!is_pause)
			rig_feed(&rig, leg, &phone, payload, RIG_FRAME);
		else if (k % 20 == 0)
			rig_feed(&rig, leg, &phone, noise, sizeof(noise));
		if (is_pause) /* phone_packet counts octets as time */
			phone.ts += RIG_FRAME - (k % 20 == 0 ? (uint32_t)sizeof(noise) : 0);
		leg_pull_rt(leg, &rig.env, true);
		heard_in_pause += k > 45 && is_pause && leg->is_summed;
		if (k == 152)
			CHECK("heard again", leg->is_summed);
		advance(1);
	}
	CHECK_INT("silence", heard_in_pause, 0);
	CHECK_INT("nothing lost", intake_stats_rt(leg->intake).jitter.lost, 0);
	CHECK_INT("nothing refused", leg->stats.rx_discarded, 0);
	CHECK("hardly anything invented", intake_stats_rt(leg->intake).concealed_ms <= 20);
	teardown();
}

static void a_full_ring_loses_digits_but_no_states(void)
{
	struct leg *leg = setup(false);
	struct leg_event filler = {.kind = 999};
	uint8_t payload[RIG_FRAME];

	while (ring_post_rt(rig.env.events, &filler))
		;
	for (uint32_t k = 0; k < 10; k++) {
		tone_ulaw(440, 9000, k * RIG_FRAME, payload);
		rig_feed(&rig, leg, &phone, payload, RIG_FRAME);
		leg_pull_rt(leg, &rig.env, true);
		leg_finish_rt(leg, &rig.env);
		advance(1);
	}
	feed_digit(leg, 1, true, 800);
	CHECK_INT("the digit is lost and counted", rig.env.events_dropped, 1);
	CHECK("nothing was told", !rig_event(&rig, MEDIA_LEG_ACTIVE, NULL));
	leg_finish_rt(leg, &rig.env);
	CHECK("told late", rig_event(&rig, MEDIA_LEG_ACTIVE, NULL));
	CHECK("told late", rig_event(&rig, MEDIA_LEG_TALKING, NULL));
	leg_finish_rt(leg, &rig.env);
	CHECK("and once", !rig_event(&rig, MEDIA_LEG_TALKING, NULL));
	teardown();
}

static void run_silent(struct leg *leg, uint32_t ticks)
{
	for (uint32_t i = 0; i < ticks; i++) {
		leg_pull_rt(leg, &rig.env, true);
		leg_send_rt(leg, &rig.env, NULL);
		leg_finish_rt(leg, &rig.env);
		advance(1);
	}
	io_flush_rt(rig.env.io);
}

static void quiet_and_active(void)
{
	static const uint8_t payload[RIG_FRAME] = {0};
	struct leg *leg = setup(false);

	run_silent(leg, 240);
	CHECK("not before five seconds", !rig_event(&rig, MEDIA_LEG_QUIET, NULL));
	run_silent(leg, 20);
	CHECK("then", rig_event(&rig, MEDIA_LEG_QUIET, NULL));
	run_silent(leg, 300);
	CHECK("once", !rig_event(&rig, MEDIA_LEG_QUIET, NULL));
	rig_feed(&rig, leg, &phone, payload, RIG_FRAME);
	run_silent(leg, 1);
	CHECK("it is back", rig_event(&rig, MEDIA_LEG_ACTIVE, NULL));
	run_silent(leg, 260);
	CHECK("quiet again", rig_event(&rig, MEDIA_LEG_QUIET, NULL));
	teardown();
}

static void a_leg_on_hold_is_never_quiet(void)
{
	struct leg *leg = setup(false);
	struct media_leg_params params = rig_params(&phone);

	params.is_receiving = false;
	leg_set_rt(leg, &params, rig.env.now_ns);
	run_silent(leg, 400);
	CHECK("hold", !rig_event(&rig, MEDIA_LEG_QUIET, NULL));
	params.is_receiving = true;
	leg_set_rt(leg, &params, rig.env.now_ns);
	run_silent(leg, 200);
	CHECK("counted from the resume", !rig_event(&rig, MEDIA_LEG_QUIET, NULL));
	run_silent(leg, 60);
	CHECK("quiet", rig_event(&rig, MEDIA_LEG_QUIET, NULL));
	teardown();
}

static void latching_is_told_and_followed(void)
{
	static const uint8_t payload[RIG_FRAME] = {0};
	struct leg *leg = setup(true);
	struct phone nat;
	struct leg_event event;

	phone_open(&nat, 9);
	for (int i = 0; i < 3; i++)
		rig_feed(&rig, leg, &nat, payload, RIG_FRAME);
	leg_finish_rt(leg, &rig.env);
	if (CHECK("told", rig_event(&rig, MEDIA_LEG_LATCHED, &event)))
		CHECK("told", addr_eq(&event.remote, &nat.addr));
	CHECK("followed", addr_eq(latch_remote(&leg->latch), &nat.addr));
	phone_close(&nat);
	teardown();
}

/* Sending ----------------------------------------------------------------------------------- */

/* Octets that count up, so that order and completeness of what arrives can be seen. */
static void send_counting(struct leg *leg, uint32_t ticks, uint8_t *counter)
{
	uint8_t payload[RIG_FRAME];
	struct leg_chunk chunk = {.payload = payload, .len = sizeof(payload), .level = 20};

	for (uint32_t k = 0; k < ticks; k++) {
		for (size_t i = 0; i < sizeof(payload); i++)
			payload[i] = (*counter)++;
		leg_send_rt(leg, &rig.env, &chunk);
		io_flush_rt(rig.env.io);
		advance(1);
	}
}

static void packets_of_every_ptime(void)
{
	enum { TICKS = 60 };

	for (uint16_t ptime = MEDIA_PTIME_MS_MIN; ptime <= MEDIA_PTIME_MS_MAX; ptime += 10) {
		struct leg *leg = setup(false);
		struct media_leg_params params = rig_params(&phone);
		uint32_t want = TICKS * LEG_TICK_MS / ptime, ts = leg->tx_ts;
		uint16_t seq = leg->tx_seq;
		uint8_t data[RIG_PACKET_MAX], counter = 0, next = 0;
		struct rtp_packet got;

		params.ptime_ms = ptime;
		leg_set_rt(leg, &params, rig.env.now_ns);
		send_counting(leg, TICKS, &counter);
		for (uint32_t k = 0; k < want; k++) {
			if (!CHECK("came", phone_receive(&phone, RIG_WAIT_MS, &got, data)))
				break;
			CHECK_INT("seq", got.seq, (uint16_t)(seq + k));
			CHECK_INT("ts", got.ts, ts + k * ptime * 8);
			CHECK_INT("ssrc", got.ssrc, leg->tx_ssrc);
			CHECK_INT("marker on the first only", got.has_marker, k == 0);
			CHECK_INT("length", got.payload_len, ptime * 8);
			for (uint16_t i = 0; i < got.payload_len; i++)
				if (!CHECK_INT("octet", got.payload[i], next++))
					return;
		}
		CHECK_INT("no more", phone_drain(&phone), 0);
		CHECK_INT("counted", leg->stats.tx_packets, want);
		CHECK_INT("counted", leg->stats.tx_octets, want * ptime * 8);
		teardown();
	}
}

static void time_runs_on_during_hold(void)
{
	struct leg *leg = setup(false);
	struct media_leg_params params = rig_params(&phone);
	uint8_t data[RIG_PACKET_MAX], counter = 0;
	uint32_t ts = leg->tx_ts;
	uint16_t seq = leg->tx_seq;
	struct rtp_packet got;

	send_counting(leg, 1, &counter);
	CHECK("first", phone_receive(&phone, RIG_WAIT_MS, &got, data));
	params.is_sending = false;
	leg_set_rt(leg, &params, rig.env.now_ns);
	CHECK("nothing to send", !leg_can_send(leg));
	run_silent(leg, 10);
	params.is_sending = true;
	leg_set_rt(leg, &params, rig.env.now_ns);
	leg_skip_rt(leg, &rig.env, 3);
	send_counting(leg, 1, &counter);
	if (CHECK("resumed", phone_receive(&phone, RIG_WAIT_MS, &got, data))) {
		CHECK_INT("sequence has no gap", got.seq, (uint16_t)(seq + 1));
		CHECK_INT("time has", got.ts, ts + 14 * RIG_FRAME);
		CHECK("a talk spurt begins", got.has_marker);
	}
	teardown();
}

static void nothing_is_sent_to_nowhere(void)
{
	static const struct {
		const char *row, *remote;
	} cases[] = {
		{"port 0", "127.0.0.1:0"},
		{"held the old way", "0.0.0.0:4000"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct leg *leg = setup(true);
		struct media_leg_params params = rig_params(&phone);
		uint8_t counter = 0;

		CHECK_INT(cases[i].row, addr_parse(slice_of(cases[i].remote), &params.remote_rtp),
			  0);
		leg_set_rt(leg, &params, rig.env.now_ns);
		send_counting(leg, 3, &counter);
		CHECK_INT(cases[i].row, leg->stats.tx_packets, 0);
		CHECK_INT(cases[i].row, io_tx_failed_rt(rig.env.io), 0);
		teardown();
	}
}

/* RTCP -------------------------------------------------------------------------------------- */

static void feed_report(struct leg *leg, const struct rtcp_build *build, const struct addr *from)
{
	uint8_t data[RTCP_BUILD_MAX];
	struct io_packet packet = {.data = data, .arrival_ns = rig.env.now_ns, .from = *from};

	packet.len = (uint32_t)rtcp_build_rt(build, data);
	leg_rtcp_packet_rt(leg, &rig.env, &packet);
}

static void reports_are_read(void)
{
	struct leg *leg = setup(false);
	uint64_t ntp = rtcp_ntp(rig.env.now_ns + rig.env.wall_minus_mono_ns);
	struct rtcp_block block = {.ssrc = leg->tx_ssrc,
				   .fraction_q8 = 26,
				   .lsr = (uint32_t)(ntp >> 16),
				   .dlsr = 65536 / 10};
	struct rtcp_build build = {.ssrc = 5,
				   .is_sender = true,
				   .ntp = 0x1234567890abcdef,
				   .block = &block,
				   .cname = "x"};
	struct phone stranger;

	phone_open(&stranger, 6);
	advance(10); /* 200 ms on the way, of which the peer held it for 100 */
	feed_report(leg, &build, &phone.addr);
	CHECK_INT("loss at the peer", leg->stats.remote_loss_q8, 26);
	CHECK_NEAR("round trip", leg->stats.round_trip_us, 100000, 100);
	CHECK_INT("the SR's time", leg->rtcp.lsr, 0x567890ab);
	(void)addr_parse(SLICE("127.0.0.9:4000"), &stranger.addr);
	block.fraction_q8 = 255;
	feed_report(leg, &build, &stranger.addr);
	CHECK_INT("a stranger's report", leg->stats.remote_loss_q8, 26);
	CHECK_INT("is counted", leg->latch.rejected, 1);
	feed_stream(leg, 77, 1);
	feed_report(leg, &build, &phone.addr);
	CHECK_INT("of another stream", leg->stats.remote_loss_q8, 26);
	CHECK_INT("is counted", leg->latch.rejected, 2);
	phone_close(&stranger);
	teardown();
}

/* Runs until the leg has sent a compound to the phone's RTCP socket; returns its length. */
static size_t await_report(struct leg *leg, struct phone *rtcp, uint8_t data[RIG_PACKET_MAX])
{
	for (int i = 0; i < 400 && !leg->rtcp.has_sent; i++)
		run_silent(leg, 1);
	return leg->rtcp.has_sent ? phone_receive_raw(rtcp, RIG_WAIT_MS, data) : 0;
}

static void reports_are_sent(void)
{
	struct leg *leg = setup(false);
	struct media_leg_params params = rig_params(&phone);
	struct rtcp_build build = {
		.ssrc = 77, .is_sender = true, .ntp = 0x1234567890abcdef, .cname = "x"};
	uint8_t data[RIG_PACKET_MAX], counter = 0;
	struct rtcp_report got;
	struct phone rtcp;
	uint64_t sr_ns;
	size_t len;

	phone_open(&rtcp, 1);
	params.remote_rtcp = rtcp.addr;
	leg_set_rt(leg, &params, rig.env.now_ns);
	feed_stream(leg, 77, 1);
	feed_stream(leg, 77, 2);
	feed_stream(leg, 77, 4);
	feed_report(leg, &build, &phone.addr);
	sr_ns = rig.env.now_ns;
	send_counting(leg, 2, &counter);
	len = await_report(leg, &rtcp, data);
	if (CHECK("came", len > 0) && CHECK_INT("parses", rtcp_parse_rt(data, len, 77, &got), 0)) {
		uint64_t sent_ns = rig.env.now_ns - RIG_TICK_NS;

		CHECK_INT("ssrc", got.ssrc, leg->tx_ssrc);
		CHECK("sender", got.has_sender);
		CHECK_INT("sender", got.sent_packets, 2);
		CHECK_INT("sender", got.sent_octets, 320);
		CHECK("our time", got.ntp == rtcp_ntp(sent_ns + rig.env.wall_minus_mono_ns));
		CHECK("about the peer", got.has_block);
		CHECK_INT("one lost", got.block.lost, 1);
		CHECK_INT("its SR", got.block.lsr, 0x567890ab);
		CHECK_NEAR("since then", got.block.dlsr, (double)(sent_ns - sr_ns) * 65536 / 1e9,
			   2);
	}
	leg_end_rt(leg, &rig.env);
	io_flush_rt(rig.env.io);
	len = phone_receive_raw(&rtcp, RIG_WAIT_MS, data);
	CHECK_INT("goodbye", rtcp_parse_rt(data, len, 77, &got), 0);
	CHECK("goodbye", got.has_bye && !got.has_sender);
	phone_close(&rtcp);
	teardown();
}

static void reports_on_the_rtp_port(void)
{
	struct leg *leg = setup(false);
	struct media_leg_params params = rig_params(&phone);
	uint8_t data[RIG_PACKET_MAX];
	struct rtcp_report got;
	struct rtcp_block block = {.ssrc = leg->tx_ssrc, .fraction_q8 = 26};
	struct rtcp_build build = {.ssrc = 5, .block = &block, .cname = "x"};
	size_t len;

	params.has_rtcp_mux = true;
	params.remote_rtcp = params.remote_rtp;
	leg_set_rt(leg, &params, rig.env.now_ns);
	len = await_report(leg, &phone, data);
	CHECK_INT("to the RTP address", rtcp_parse_rt(data, len, 0, &got), 0);
	CHECK("receiver report: nothing was sent", len > 0 && !got.has_sender);
	len = rtcp_build_rt(&build, data);
	rig_feed_raw(&rig, leg, &phone.addr, data, len);
	CHECK_INT("and from it", leg->stats.remote_loss_q8, 26);
	teardown();
}

/* Extended reports for a peer that asked for them: every tenth packet is missing. */
static void voip_metrics_are_sent(void)
{
	struct leg *leg = setup(false);
	struct media_leg_params params = rig_params(&phone);
	uint8_t payload[RIG_FRAME], data[RIG_PACKET_MAX];
	const uint8_t *xr;
	struct rtcp_report report;
	size_t len;

	params.has_rtcp_mux = params.has_voip_metrics = true;
	leg_set_rt(leg, &params, rig.env.now_ns);
	for (uint32_t k = 0; k < 400; k++) {
		tone_ulaw(440, 9000, k * RIG_FRAME, payload);
		if (k % 10 == 9)
			(void)phone_packet(&phone, payload, RIG_FRAME, data);
		else
			rig_feed(&rig, leg, &phone, payload, RIG_FRAME);
		leg_pull_rt(leg, &rig.env, true);
		leg_finish_rt(leg, &rig.env);
		advance(1);
	}
	io_flush_rt(rig.env.io);
	(void)phone_drain(&phone);
	leg_rtcp_send_rt(leg, &rig.env, true);
	io_flush_rt(rig.env.io);
	len = phone_receive_raw(&phone, RIG_WAIT_MS, data);
	if (CHECK("a compound", len > 44 + 8 && rtcp_parse_rt(data, len, 0, &report) == 0)) {
		xr = data + len - 8 - 44; /* before BYE */
		CHECK("XR of ours", xr[1] == 207 && xr[3] == 10);
		CHECK("VoIP metrics", xr[8] == 7 && xr[11] == 8);
		CHECK_INT("about the phone", xr[15], 5);
		CHECK_NEAR("a tenth is lost", xr[16], 25, 2);
		CHECK_INT("nothing came late", xr[17], 0);
		CHECK_INT("Gmin", xr[31], 16);
		CHECK("R", xr[32] > 50 && xr[32] < 80);
		CHECK("MOS", xr[34] > 25 && xr[34] < 40 && xr[35] <= xr[34]);
		CHECK_INT("cap of the buffer", xr[42] << 8 | xr[43], 200);
	}
	teardown();
}

static void rtcp_follows_a_latched_peer(void)
{
	static const uint8_t payload[RIG_FRAME] = {0};
	struct leg *leg = setup(true);
	struct media_leg_params params = rig_params(&phone);
	struct rtcp_build build = {.ssrc = 5, .cname = "x"};
	uint8_t data[RIG_PACKET_MAX];
	struct phone rtcp;

	phone_open(&rtcp, 1);
	(void)addr_parse(SLICE("192.0.2.9:4000"), &params.remote_rtp); /* a private address */
	(void)addr_parse(SLICE("192.0.2.9:4001"), &params.remote_rtcp);
	params.is_symmetric = true;
	leg_set_rt(leg, &params, rig.env.now_ns);
	for (int i = 0; i < 4; i++)
		rig_feed(&rig, leg, &phone, payload, RIG_FRAME);
	feed_report(leg, &build, &rtcp.addr);
	CHECK("back to where theirs come from", await_report(leg, &rtcp, data) > 0);
	phone_close(&rtcp);
	teardown();
}

/* The RTCP socket is looked at every so many ticks only. */
static void reports_wait_half_a_second(void)
{
	struct leg *leg = setup(false);
	struct media_leg_params params = rig_params(&phone);
	struct rtcp_block block = {.ssrc = leg->tx_ssrc, .fraction_q8 = 26};
	struct rtcp_build build = {.ssrc = 5, .block = &block, .cname = "x"};
	struct addr to = fixture.ports.local;
	uint8_t data[RTCP_BUILD_MAX];
	struct pollfd arrived = {.fd = leg->rtcp_fd, .events = POLLIN};

	params.remote_rtcp = params.remote_rtp;
	leg_set_rt(leg, &params, rig.env.now_ns);
	addr_set_port(&to, (uint16_t)(addr_port(&to) + 1));
	for (uint8_t i = 1; i <= 3; i++) {
		block.fraction_q8 = i;
		phone_send_raw(&phone, &to, data, rtcp_build_rt(&build, data));
		CHECK_INT("arrived", poll(&arrived, 1, RIG_WAIT_MS), 1);
		run_silent(leg, LEG_HOUSEKEEP_TICKS * LEG_RTCP_ROUNDS);
		CHECK_INT("taken", leg->stats.remote_loss_q8, i);
	}
	teardown();
}

static void malformed_reports_are_counted(void)
{
	struct leg *leg = setup(false);
	struct io_packet packet = {
		.data = (const uint8_t *)"\x80\xc8\0\0", .len = 4, .from = phone.addr};

	leg_rtcp_packet_rt(leg, &rig.env, &packet);
	CHECK_INT("malformed", leg->stats.rx_discarded, 1);
	teardown();
}

/* Statistics -------------------------------------------------------------------------------- */

static void statistics_are_published(void)
{
	struct leg *leg = setup(false);
	struct media_leg_stats stats;
	uint8_t payload[RIG_FRAME];

	for (uint32_t k = 0; k < 200; k++) {
		tone_ulaw(440, 9000, k * RIG_FRAME, payload);
		if (k % 10 == 9)
			phone.seq++, phone.ts += RIG_FRAME; /* one in ten is lost */
		else
			rig_feed(&rig, leg, &phone, payload, RIG_FRAME);
		leg_pull_rt(leg, &rig.env, true);
		leg_send_rt(leg, &rig.env, NULL);
		leg_finish_rt(leg, &rig.env);
		advance(1);
	}
	cell_read(&leg->cell, &stats);
	CHECK_NEAR("received", stats.rx_packets, 180, 5);
	CHECK_NEAR("lost", stats.rx_lost, 20, 2);
	CHECK("concealed", stats.concealed_ms >= 300);
	CHECK("MOS suffers", stats.mos_x100 > 200 && stats.mos_x100 < 430);
	CHECK("talking", stats.is_talking);
	CHECK("remote", addr_eq(&stats.remote_rtp, &phone.addr));
	CHECK("last", stats.rx_last_ms > RIG_START_NS / 1000000 + 3800);
	leg_end_rt(leg, &rig.env);
	cell_read(&leg->cell, &stats);
	CHECK("an ended leg does not talk", !stats.is_talking);
	CHECK_INT("final", stats.rx_packets, 180);
	teardown();
}

void suite_leg(void)
{
	CHECK_SUITE("leg");
	CHECK_TEST(params_are_checked);
	CHECK_TEST(what_is_refused_is_counted);
	CHECK_TEST(a_new_ssrc_is_tried_first);
	CHECK_TEST(pulled_frame_is_what_was_fed);
	CHECK_TEST(mute_gate_and_gain);
	CHECK_TEST(digits_are_told_once);
	CHECK_TEST(digits_are_sent);
	CHECK_TEST(digits_are_no_loss);
	CHECK_TEST(a_listener_keeps_its_sound);
	CHECK_TEST(comfort_noise_is_a_pause);
	CHECK_TEST(comfort_noise_is_sent);
	CHECK_TEST(told_silence_is_passed_over);
	CHECK_TEST(a_full_ring_loses_digits_but_no_states);
	CHECK_TEST(quiet_and_active);
	CHECK_TEST(a_leg_on_hold_is_never_quiet);
	CHECK_TEST(latching_is_told_and_followed);
	CHECK_TEST(packets_of_every_ptime);
	CHECK_TEST(time_runs_on_during_hold);
	CHECK_TEST(nothing_is_sent_to_nowhere);
	CHECK_TEST(reports_are_read);
	CHECK_TEST(reports_are_sent);
	CHECK_TEST(reports_on_the_rtp_port);
	CHECK_TEST(voip_metrics_are_sent);
	CHECK_TEST(rtcp_follows_a_latched_peer);
	CHECK_TEST(reports_wait_half_a_second);
	CHECK_TEST(malformed_reports_are_counted);
	CHECK_TEST(statistics_are_published);
}
