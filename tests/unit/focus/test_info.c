/* tests/unit/focus/test_info.c */
#include "focus/info.h"

#include "base/attr.h"
#include "focus/focus_priv.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static void digits_in_bodies(void)
{
	static const struct {
		const char *type, *body;
		char digit;
		uint16_t ms;
	} rows[] = {
		{"application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", '5', 160},
		{"application/dtmf-relay;charset=utf-8", "Duration=90\nsignal = *", '*', 90},
		{"APPLICATION/DTMF-RELAY", "Signal=11", '#', 0},
		{"application/dtmf-relay", "Signal=d", 'D', 0},
		{"application/dtmf", "7", '7', 0},
		{"application/dtmf", " # \r\n", '#', 0},
		{"application/dtmf", "10", '*', 0},
		{"application/dtmf-relay", "Signal=16", '\0', 0},
		{"application/dtmf-relay", "Signal=", '\0', 0},
		{"application/dtmf-relay", "", '\0', 0},
		{"application/dtmf-relay", "Signal=x", '\0', 0},
		{"application/dtmf-relay", "Duration=99999", '\0', 0},
		{"text/plain", "5", '\0', 0},
		{"", "5", '\0', 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint16_t ms = 1;

		CHECK_INT(rows[i].body,
			  info_digit(slice_of(rows[i].type), slice_of(rows[i].body), &ms),
			  rows[i].digit);
		CHECK_INT(rows[i].body, ms, rows[i].ms);
	}
}

static uint16_t answered;

static void on_reply(void *arg, struct sip_call *call, const struct sip_msg *response)
{
	(void)arg;
	(void)call;
	answered = response ? response->status : 0;
}

static uint16_t send_info(struct phone *phone, const char *type, const char *body)
{
	answered = 0;
	CHECK_INT("INFO",
		  sip_call_request(phone->call, &(struct sip_call_request){.method = "INFO",
									   .content_type = type,
									   .body = slice_of(body),
									   .on_reply = on_reply}),
		  0);
	world_run(phone->world, 500);
	return answered;
}

static void what_phones_send(void)
{
	struct world *world = world_new(NULL);
	struct phone *alice = world_join(world, "alice", "lobby");

	(void)world_events(world, NULL);
	CHECK_INT("digit", send_info(alice, "application/dtmf-relay", "Signal=5\r\nDuration=160"),
		  200);
	CHECK_INT("one", focus_stats(world->focus)->dtmf_digits, 1);
	CHECK_INT("picture", send_info(alice, "application/media_control+xml", "<media_control/>"),
		  200);
	CHECK_INT("nothing", send_info(alice, NULL, ""), 200);
	CHECK_INT("no digit", send_info(alice, "application/dtmf", "x"), 415);
	CHECK_INT("another body", send_info(alice, "text/plain", "hello"), 415);
	CHECK_INT("still one", focus_stats(world->focus)->dtmf_digits, 1);
	CHECK_INT("keys of the menu", send_info(alice, "application/dtmf", "*"), 200);
	CHECK_INT("keys of the menu", send_info(alice, "application/dtmf", "6"), 200);
	CHECK("muted", phone_participant(alice, "lobby")->is_self_muted);
	world_end(world, "info");
}

void suite_info(void)
{
	CHECK_SUITE("info");
	CHECK_TEST(digits_in_bodies);
	CHECK_TEST(what_phones_send);
}
