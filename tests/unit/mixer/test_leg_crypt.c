/* tests/unit/mixer/test_leg_crypt.c -- encrypted legs: what they believe, what they send, new keys.
 */
#include <string.h>

#include "mixer/leg.h"
#include "mixer/rt_trap.h"
#include "mixer/rtcp.h"
#include "tests/support/check.h"
#include "tests/support/srtp_ref.h"
#include "tests/unit/mixer/rig.h"

static struct rig rig;
static struct phone phone;
static struct rig_leg leg;
static struct crypt *theirs; /* what the phone sends with */

static struct media_keys keys_of(uint8_t seed)
{
	struct media_keys keys = {.suite = MEDIA_SUITE_AEAD_AES_128_GCM};

	memset(keys.key, seed, sizeof(keys.key));
	return keys;
}

static struct crypt *make(uint8_t seed, bool is_sending)
{
	struct media_keys keys = keys_of(seed);
	struct crypt *crypt = NULL;

	CHECK_INT("key", crypt_new(&keys, is_sending, &crypt), 0);
	return crypt;
}

static void keys_set(struct leg_keys keys)
{
	rt_trap_enter();
	leg_crypt_rt(leg.leg, &keys, &rig.env.crypt_returns);
	rt_trap_leave();
}

static void returns_free(void)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &rig.env.crypt_returns) {
		list_remove(it);
		crypt_free(crypt_of_node(it));
	}
}

static void setup(void)
{
	struct media_leg_params params;

	rig_init(&rig);
	phone_open(&phone, 42);
	leg = rig_leg_open(&rig);
	params = rig_params(&phone);
	params.has_rtcp_mux = true;
	params.remote_rtcp = params.remote_rtp;
	leg_set_rt(leg.leg, &params, rig.env.now_ns);
	leg_begin_rt(leg.leg, &rig.env);
	theirs = make(1, true);
	keys_set((struct leg_keys){true, make(2, true), make(1, false)});
}

static void teardown(void)
{
	returns_free();
	crypt_free(theirs);
	rig_leg_close(&rig, &leg);
	phone_close(&phone);
	rig_done(&rig);
}

/* The phone says 20 ms, under `crypt`; returns whether it was believed. */
static bool say(struct crypt *crypt)
{
	uint8_t payload[RIG_FRAME], data[RIG_PACKET_MAX];
	uint64_t before = leg.leg->stats.rx_packets;
	uint32_t len;

	memset(payload, 0x55, sizeof(payload));
	len = phone_packet(&phone, payload, sizeof(payload), data);
	if (crypt)
		len = (uint32_t)crypt_protect_rt(crypt, data, len);
	rt_trap_enter();
	rig_feed_raw(&rig, leg.leg, &phone.addr, data, len);
	rt_trap_leave();
	return leg.leg->stats.rx_packets > before;
}

static void only_the_key_is_believed(void)
{
	struct crypt *wrong;

	setup();
	wrong = make(9, true);
	CHECK("in the clear", !say(NULL));
	CHECK("another key", !say(wrong));
	CHECK_INT("counted", leg.leg->stats.rx_unauthentic, 2);
	CHECK_INT("counted", leg.leg->stats.rx_discarded, 2);
	CHECK("the key", say(theirs));
	CHECK("shown", leg.leg->stats.is_encrypted);
	crypt_free(wrong);
	teardown();
}

static void what_goes_out_is_protected(void)
{
	uint8_t payload[RIG_FRAME], data[RIG_PACKET_MAX];
	struct leg_chunk chunk = {.payload = payload, .len = sizeof(payload)};
	struct crypt *ours;
	struct rtcp_report report;
	struct rtp_packet rtp;
	size_t len;
	int plain;

	setup();
	ours = make(2, false);
	memset(payload, 0x77, sizeof(payload));
	rt_trap_enter();
	leg_send_rt(leg.leg, &rig.env, &chunk);
	leg_rtcp_send_rt(leg.leg, &rig.env, true);
	rt_trap_leave();
	io_flush_rt(rig.env.io);
	len = phone_receive_raw(&phone, RIG_WAIT_MS, data);
	CHECK_INT("length", len, 12 + RIG_FRAME + 16);
	CHECK("hidden", memcmp(data + 12, payload, sizeof(payload)) != 0);
	plain = crypt_unprotect_rt(ours, data, len);
	if (CHECK_INT("authentic", plain, 12 + RIG_FRAME))
		CHECK("the sound", rtp_parse(data, (size_t)plain, &rtp) == 0 &&
					   memcmp(rtp.payload, payload, sizeof(payload)) == 0);
	len = phone_receive_raw(&phone, RIG_WAIT_MS, data);
	plain = crypt_unprotect_rtcp_rt(ours, data, len);
	if (CHECK("report", plain > 0))
		CHECK("goodbye", rtcp_parse_rt(data, (size_t)plain, 0, &report) == 0 &&
					 report.has_bye && report.ssrc == leg.leg->tx_ssrc);
	keys_set((struct leg_keys){.is_on = false});
	leg_send_rt(leg.leg, &rig.env, &chunk);
	io_flush_rt(rig.env.io);
	CHECK_INT("in the clear again", phone_receive_raw(&phone, RIG_WAIT_MS, data),
		  12 + RIG_FRAME);
	crypt_free(ours);
	teardown();
}

static void reports_are_opened(void)
{
	struct rtcp_block block = {.fraction_q8 = 64};
	struct rtcp_build build = {.ssrc = 42, .cname = "x", .block = &block};
	uint8_t data[RTCP_BUILD_MAX + CRYPT_OVERHEAD_MAX];
	size_t len;

	setup();
	block.ssrc = leg.leg->tx_ssrc;
	CHECK("sound", say(theirs));
	len = rtcp_build_rt(&build, data);
	rig_feed_raw(&rig, leg.leg, &phone.addr, data, len);
	CHECK_INT("in the clear: no", leg.leg->stats.remote_loss_q8, 0);
	len = (size_t)crypt_protect_rtcp_rt(theirs, data, len);
	rig_feed_raw(&rig, leg.leg, &phone.addr, data, len);
	CHECK_INT("read", leg.leg->stats.remote_loss_q8, 64);
	teardown();
}

/* A new key: the old one is good until the new one was heard, then never again. */
static void keys_change_without_a_gap(void)
{
	struct crypt *next;

	setup();
	CHECK("first key", say(theirs));
	next = make(3, true);
	keys_set((struct leg_keys){true, NULL, make(3, false)});
	CHECK("still the old one", say(theirs));
	CHECK("the new one", say(next));
	CHECK("not the old one", !say(theirs));
	CHECK("the new one", say(next));
	crypt_free(next);
	teardown();
}

static void the_number_goes_round(void)
{
	uint32_t believed = 0;

	setup();
	phone.seq = 65000;
	for (int i = 0; i < 2000; i++)
		believed += say(theirs);
	CHECK_INT("all", believed, 2000);
	teardown();
}

/* Two packets of another SSRC, after which a leg believes it; returns whether it does. */
static bool say_as(uint32_t ssrc)
{
	struct media_keys keys = keys_of(1);
	uint8_t payload[RIG_FRAME] = {0x55}, data[RIG_PACKET_MAX];
	uint64_t before = leg.leg->stats.rx_packets;

	phone.ssrc = ssrc;
	for (int i = 0; i < 2; i++) {
		uint16_t seq = phone.seq;
		size_t len = phone_packet(&phone, payload, sizeof(payload), data);

		len = srtp_ref_protect(&keys, seq, data, len);
		rt_trap_enter();
		rig_feed_raw(&rig, leg.leg, &phone.addr, data, len);
		rt_trap_leave();
	}
	return leg.leg->stats.rx_packets > before;
}

static bool asks_for_streams(struct leg_event *ret_event)
{
	rt_trap_enter();
	leg_crypt_watch_rt(leg.leg, &rig.env);
	rt_trap_leave();
	return rig_event(&rig, LEG_EVENT_CRYPT_WORN, ret_event);
}

/* A second SSRC is heard at once; for a third one control is asked for streams, and now and then
 * again until they come. */
static void an_ssrc_more_asks_for_streams(void)
{
	struct leg_event event = {0};
	struct crypt *fresh = NULL;

	setup();
	phone.seq = 100;
	CHECK("first", say_as(42) && !asks_for_streams(&event));
	CHECK("second", say_as(43));
	CHECK("none is left", asks_for_streams(&event));
	CHECK("of whom", event.object == leg.leg && event.crypt == leg.leg->crypt.rx);
	CHECK("patient", !asks_for_streams(&event));
	rig.env.now_ns += (uint64_t)1100 * 1000000;
	CHECK("not for ever", asks_for_streams(&event));
	CHECK("a third is not heard", !say_as(44));
	CHECK_INT("and counted", leg.leg->stats.rx_unauthentic, 2);
	CHECK("the second is", say_as(43));
	CHECK_INT("streams", crypt_new_like(event.crypt, &fresh), 0);
	rt_trap_enter();
	leg_crypt_refill_rt(leg.leg, &rig.env, event.crypt, fresh);
	rt_trap_leave();
	CHECK("a third", say_as(44));
	CHECK("content", !asks_for_streams(&event));
	teardown();
}

/* Streams that come when the key has changed go back as they are. */
static void streams_of_an_old_key_are_not_taken(void)
{
	struct crypt *worn, *fresh = NULL;
	struct leg_event event;

	setup();
	phone.seq = 100;
	CHECK("worn", say_as(42) && say_as(43) && asks_for_streams(&event));
	worn = event.crypt;
	CHECK_INT("streams", crypt_new_like(worn, &fresh), 0);
	keys_set((struct leg_keys){true, NULL, make(3, false)});
	rt_trap_enter();
	leg_crypt_refill_rt(leg.leg, &rig.env, worn, fresh);
	rt_trap_leave();
	CHECK("still worn", crypt_is_worn_rt(worn));
	CHECK("the new one is not", !crypt_is_worn_rt(leg.leg->crypt.rx));
	CHECK("back", !list_empty(&rig.env.crypt_returns));
	teardown();
}

void suite_leg_crypt(void)
{
	CHECK_SUITE("leg_crypt");
	CHECK_TEST(only_the_key_is_believed);
	CHECK_TEST(what_goes_out_is_protected);
	CHECK_TEST(reports_are_opened);
	CHECK_TEST(keys_change_without_a_gap);
	CHECK_TEST(the_number_goes_round);
	CHECK_TEST(an_ssrc_more_asks_for_streams);
	CHECK_TEST(streams_of_an_old_key_are_not_taken);
}
