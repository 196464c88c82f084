#include "focus/codecs.h"
#include "focus/leg.h"

#include <errno.h>

#include "base/attr.h"
#include "base/err.h"
#include "focus/focus_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static struct offer_agreed agreed_plain(void)
{
	struct offer_agreed agreed = {
		.is_active = true,
		.receive = {{MEDIA_CODEC_PCMA, 8}, {MEDIA_CODEC_PCMU, 0}},
		.receive_count = 2,
		.send_id = MEDIA_CODEC_PCMA,
		.send_pt = 8,
		.dtmf_pt_receive = 101,
		.dtmf_pt_send = 96,
		.ptime_ms = 20,
		.is_sending = true,
		.is_receiving = true,
		.has_rtcp_mux = true,
	};

	(void)addr_parse(SLICE("192.0.2.9:4000"), &agreed.remote_rtp);
	(void)addr_parse(SLICE("192.0.2.9:4000"), &agreed.remote_rtcp);
	return agreed;
}

static void params(void)
{
	struct offer_agreed agreed = agreed_plain();
	struct media_leg_params got;

	leg_params_of(&agreed, true, &got);
	CHECK_INT(NULL, addr_eq(&got.remote_rtp, &agreed.remote_rtp), true);
	CHECK_INT(NULL, got.receive_count, 2);
	CHECK_INT(NULL, got.receive[0].codec, MEDIA_CODEC_PCMA);
	CHECK_INT(NULL, got.receive[1].payload_type, 0);
	CHECK_INT(NULL, got.send.codec, MEDIA_CODEC_PCMA);
	CHECK_INT(NULL, got.send.payload_type, 8);
	CHECK_INT(NULL, got.dtmf_pt_receive, 101);
	CHECK_INT(NULL, got.dtmf_pt_send, 96);
	CHECK(NULL, got.has_rtcp_mux && got.is_symmetric && got.is_sending && got.is_receiving);
	CHECK_STR(NULL, codecs_name(got.send.codec), "PCMA");
	CHECK_STR(NULL, codecs_name(MEDIA_CODEC_NONE), "");
	leg_params_of(&agreed, false, &got);
	CHECK(NULL, !got.is_symmetric);
}

static void directions(void)
{
	static const struct {
		const char *name;
		bool is_active, is_sending, is_receiving, is_held;
		int send_id;
		bool want_sending, want_receiving;
	} rows[] = {
		{"both ways", true, true, true, false, MEDIA_CODEC_PCMU, true, true},
		{"they listen only", true, true, false, false, MEDIA_CODEC_PCMU, true, false},
		{"their music on hold", true, false, true, true, MEDIA_CODEC_PCMU, false, false},
		{"held the old way", true, false, true, true, MEDIA_CODEC_PCMU, false, false},
		{"inactive", true, false, false, true, MEDIA_CODEC_PCMU, false, false},
		{"declined", false, true, true, false, MEDIA_CODEC_PCMU, false, false},
		{"nothing to send with", true, true, true, false, -1, false, true},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct offer_agreed agreed = agreed_plain();
		struct media_leg_params got;

		agreed.is_active = rows[i].is_active;
		agreed.is_sending = rows[i].is_sending;
		agreed.is_receiving = rows[i].is_receiving;
		agreed.is_held = rows[i].is_held;
		agreed.send_id = rows[i].send_id;
		leg_params_of(&agreed, true, &got);
		CHECK_INT(rows[i].name, got.is_sending, rows[i].want_sending);
		CHECK_INT(rows[i].name, got.is_receiving, rows[i].want_receiving);
	}
}

static void ptimes(void)
{
	static const struct {
		uint16_t agreed_ms, want_ms;
	} rows[] = {{20, 20}, {0, 10}, {5, 10}, {35, 30}, {60, 60}, {200, 60}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct offer_agreed agreed = agreed_plain();
		struct media_leg_params got;

		agreed.ptime_ms = rows[i].agreed_ms;
		leg_params_of(&agreed, true, &got);
		CHECK_INT(NULL, got.ptime_ms, rows[i].want_ms);
	}
}

static void capabilities(void)
{
	struct world *world = world_new(&(struct world_options){
		.config = "media.codecs=pcma, PCMU, G729\nmedia.ptime_ms=30",
	});
	struct offer_local local;
	struct addr addr;

	(void)addr_parse(SLICE("192.0.2.1:7000"), &addr);
	leg_offer_capability(world->config, NULL, &addr, &local);
	CHECK_INT(NULL, local.codec_count, 2);
	CHECK_STR(NULL, local.codecs[0].name, "PCMA");
	CHECK_STR(NULL, local.codecs[1].name, "PCMU");
	CHECK_INT(NULL, local.ptime_ms, 30);
	CHECK_INT(NULL, local.direction, SDP_SENDRECV);
	CHECK(NULL, addr_eq(&local.rtp, &addr));
	world_free(world);
}

static void public_address(void)
{
	static const struct {
		const char *name, *local, *want;
	} rows[] = {
		{"replaces ours, with our port", "192.0.2.1:7000", "198.51.100.7:7000"},
		{"not for the other family", "[2001:db8::1]:7000", "[2001:db8::1]:7000"},
	};
	struct world *world = world_new(
		&(struct world_options){.config = "media.address=198.51.100.7"});

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct offer_local local;
		struct addr addr;
		char text[ADDR_TEXT_MAX];

		(void)addr_parse(slice_of(rows[i].local), &addr);
		leg_offer_capability(world->config, NULL, &addr, &local);
		CHECK_STR(rows[i].name, addr_text(&local.rtp, text), rows[i].want);
	}
	world_free(world);
}

/* Commands ----------------------------------------------------------------------------------- */

struct leg_fixture {
	struct world *world;
	struct bus *bus;
	struct leg leg;
	int failed;
};

static void on_failed(void *arg, int err)
{
	((struct leg_fixture *)arg)->failed = err;
}

/* The focus does not know this leg's tag: what the mixer tells of it goes nowhere, and
 * leg_on_closed is the test's to call. */
static void fixture_open(struct leg_fixture *f, bool is_outside)
{
	struct leg_place place = {.is_outside = is_outside};

	*f = (struct leg_fixture){.world = world_new(NULL)};
	leg_init(&f->leg, f->world->focus, on_failed, f);
	(void)addr_parse(SLICE("192.0.2.1:0"), &place.local);
	CHECK_INT(NULL, bus_open(f->world->focus, &f->bus), 0);
	place.bus = f->bus;
	CHECK_INT(NULL, leg_open(&f->leg, &place), 0);
	f->bus = bus_unref(f->bus); /* the leg holds it */
	CHECK_INT(NULL, fake_media_rooms(f->world->media), 1);
}

static void fixture_close(struct leg_fixture *f)
{
	leg_close(&f->leg);
	leg_close(&f->leg); /* harmless */
	CHECK("memory must stay", leg_is_open(&f->leg));
	world_run(f->world, 1000);
	leg_on_closed(&f->leg, &(struct media_leg_stats){.rx_packets = 7});
	CHECK("may go", !leg_is_open(&f->leg));
	CHECK_INT("the last leg closes the room", fake_media_rooms(f->world->media), 0);
	world_free(f->world);
}

static void in_and_out(void)
{
	struct leg_fixture f;
	struct offer_agreed agreed = agreed_plain();
	struct fake_leg *fake;
	struct media_leg_stats stats;

	fixture_open(&f, true);
	fake = fake_media_leg(f.world->media, f.leg.media);
	CHECK_INT("outside", fake->room, 0);
	leg_agree(&f.leg, &agreed);
	leg_control(&f.leg, &(struct media_leg_control){.is_muted = true, .gain_in_cdb = -300});
	leg_enter(&f.leg);
	leg_enter(&f.leg);
	CHECK_INT("in the room", fake->room, f.leg.bus->room);
	CHECK_INT("moved once", fake_media_calls(f.world->media, FAKE_LEG_MOVE), 1);
	CHECK("set", fake->has_params && fake->params.is_receiving);
	CHECK("controlled", fake->control.is_muted && fake->control.gain_in_cdb == -300);
	fake->stats.rx_packets = 5;
	leg_stats(&f.leg, &stats);
	CHECK_INT("live", stats.rx_packets, 5);
	fixture_close(&f);
	leg_stats(&f.leg, &stats);
	CHECK_INT("final", stats.rx_packets, 7);
}

static void full_queue_is_retried(void)
{
	static const enum fake_op ops[] = {FAKE_LEG_SET, FAKE_LEG_CONTROL, FAKE_LEG_MOVE};
	struct offer_agreed agreed = agreed_plain();

	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		struct leg_fixture f;
		struct fake_leg *fake;

		fixture_open(&f, true);
		fake = fake_media_leg(f.world->media, f.leg.media);
		fake_media_fail(f.world->media, ops[i], ERR_QUEUE_FULL, 0, LEG_TRIES_MAX - 1);
		leg_agree(&f.leg, &agreed);
		leg_control(&f.leg, &(struct media_leg_control){.is_deaf = true});
		leg_enter(&f.leg);
		CHECK("not all of it at once",
		      !fake->has_params || !fake->control.is_deaf || !fake->room);
		world_run(f.world, LEG_RETRY_MS * LEG_TRIES_MAX);
		CHECK_INT("no failure", f.failed, 0);
		CHECK("all of it in the end",
		      fake->has_params && fake->control.is_deaf && fake->room);
		fixture_close(&f);
	}
}

static void failures_are_told(void)
{
	static const struct {
		const char *name;
		int err;
		uint32_t times;
	} rows[] = {
		{"queue stays full", ERR_QUEUE_FULL, LEG_TRIES_MAX},
		{"an error that stays", ERR_MEDIA_CODEC, 1},
	};
	struct offer_agreed agreed = agreed_plain();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct leg_fixture f;

		fixture_open(&f, false);
		fake_media_fail(f.world->media, FAKE_LEG_SET, rows[i].err, 0, rows[i].times);
		leg_agree(&f.leg, &agreed);
		CHECK_INT("never from inside", f.failed, 0);
		world_run(f.world, LEG_RETRY_MS * (LEG_TRIES_MAX + 1));
		CHECK_INT(rows[i].name, f.failed, rows[i].err);
		fixture_close(&f);
	}
}

static void closing_stops_the_retry(void)
{
	struct offer_agreed agreed = agreed_plain();
	struct leg_fixture f;

	fixture_open(&f, false);
	fake_media_fail(f.world->media, FAKE_LEG_SET, ERR_QUEUE_FULL, 0, 1);
	leg_agree(&f.leg, &agreed);
	leg_close(&f.leg);
	leg_agree(&f.leg, &agreed);
	world_run(f.world, 10 * LEG_RETRY_MS);
	CHECK_INT("tried once", fake_media_calls(f.world->media, FAKE_LEG_SET), 1);
	CHECK_INT("no misuse", fake_media_misuses(f.world->media), 0);
	fixture_close(&f);
}

static void open_fails(void)
{
	struct world *world = world_new(NULL);
	struct leg_place place = {.tag = 1};
	struct bus *bus = NULL;
	struct leg leg;

	(void)addr_parse(SLICE("192.0.2.1:0"), &place.local);
	fake_media_fail(world->media, FAKE_ROOM_OPEN, ERR_MEDIA_NO_ROOMS, 0, 1);
	CHECK_INT(NULL, bus_open(world->focus, &bus), ERR_MEDIA_NO_ROOMS);
	CHECK("untouched", bus == NULL);
	CHECK_INT(NULL, bus_open(world->focus, &bus), 0);
	place.bus = bus;
	leg_init(&leg, world->focus, on_failed, NULL);
	fake_media_fail(world->media, FAKE_LEG_OPEN, ERR_MEDIA_NO_LEGS, 0, 1);
	CHECK_INT(NULL, leg_open(&leg, &place), ERR_MEDIA_NO_LEGS);
	CHECK("not open", !leg_is_open(&leg));
	leg_close(&leg);
	bus_unref(bus);
	CHECK_INT("nothing is held", fake_media_rooms(world->media), 0);
	world_free(world);
}

static void local_of_flow(void)
{
	struct sip_flow flow = {.proto = SIP_UDP};
	struct addr local;
	char text[ADDR_TEXT_MAX];

	(void)addr_parse(SLICE("192.0.2.1:5060"), &flow.local);
	CHECK_INT(NULL, leg_local_of_flow(&flow, &local), 0);
	CHECK_STR("the path's own, no port", addr_text(&local, text), "192.0.2.1:0");
	flow.local = (struct addr){0};
	(void)addr_parse(SLICE("127.0.0.1:5060"), &flow.remote);
	CHECK_INT(NULL, leg_local_of_flow(&flow, &local), 0);
	CHECK_STR("the kernel's choice", addr_text(&local, text), "127.0.0.1:0");
}

void suite_leg(void)
{
	CHECK_SUITE("leg");
	CHECK_TEST(params);
	CHECK_TEST(directions);
	CHECK_TEST(ptimes);
	CHECK_TEST(capabilities);
	CHECK_TEST(public_address);
	CHECK_TEST(in_and_out);
	CHECK_TEST(full_queue_is_retried);
	CHECK_TEST(failures_are_told);
	CHECK_TEST(closing_stops_the_retry);
	CHECK_TEST(open_fails);
	CHECK_TEST(local_of_flow);
}
