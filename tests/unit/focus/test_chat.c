#include "base/attr.h"
#include "base/err.h"
#include "focus/chat.h"
#include "focus/focus_priv.h"
#include "focus/waiting.h"
#include "sip/request.h"
#include "tests/support/check.h"
#include "tests/support/focus_world.h"

static uint16_t status;

static void on_reply(void *arg, struct sip_call *call, const struct sip_msg *response)
{
	(void)arg;
	(void)call;
	status = response ? response->status : 0;
}

static void say(struct phone *phone, const char *type, const char *text)
{
	status = 0;
	CHECK_INT(text,
		  sip_call_request(phone->call, &(struct sip_call_request){.method = "MESSAGE",
									   .content_type = type,
									   .body = slice_of(text),
									   .on_reply = on_reply}),
		  0);
	world_run(phone->world, 500);
}

static void in_the_dialog(void)
{
	struct world *world = world_new(NULL);
	struct phone *anna = world_phone(world, "anna"), *bert, *carl;

	anna->display_name = "Anna";
	phone_dial(anna, "lobby");
	world_run(world, 500);
	say(anna, "text/plain", "anybody?");
	CHECK_INT("nobody else to send it to", status, 200);
	bert = world_join(world, "bert", "lobby");
	carl = world_join(world, "carl", "lobby");
	carl->message_status = 0;
	(void)world_events(world, NULL);
	say(anna, "text/plain; charset=utf-8", "hello");
	CHECK_INT("relayed", status, 202);
	CHECK_STR("with her name", bert->message, "Anna: hello");
	CHECK_INT("not to herself", anna->messages, 0);
	CHECK_STR("told", world_events(world, "message"), "message lobby anna connected\n");
	carl->message_status = 200;
	say(bert, "message/cpim", "From: <im:bert>\r\n\r\nhi");
	CHECK_STR("as it is", anna->message, "From: <im:bert>\r\n\r\nhi");
	CHECK_INT("who refused one is spared", carl->messages, 0);
	say(bert, "text/html", "<b>");
	CHECK_INT("no other types", status, 415);
	world_end(world, "in_the_dialog");
}

/* Who has not been let in talks to nobody yet. */
static void at_the_door(void)
{
	struct world *world = world_new(NULL);
	const struct room_settings settings = {.is_lobby = true};
	struct phone *anna, *bert = world_phone(world, "bert");

	anna = world_join(world, "anna", "lobby");
	CHECK_INT(NULL, focus_room_set(world->focus, world_room(world, "lobby"), &settings), 0);
	phone_dial(bert, "lobby");
	world_run(world, 500);
	say(bert, "text/plain", "let me in");
	CHECK_INT("403", status, 403);
	CHECK_INT("not relayed", anna->messages, 0);
	say(anna, "text/plain", "who is there?");
	CHECK_INT("nor told", bert->messages, 0);
	CHECK_INT(NULL, waiting_admit(phone_participant(bert, "lobby")), 0);
	world_run(world, 500);
	say(bert, "text/plain", "thanks");
	CHECK_INT("then he may", status, 202);
	CHECK_INT("and is read", anna->messages, 1);
	world_end(world, "at_the_door");
}

static void too_long(void)
{
	static char text[CHAT_TEXT_MAX + 2];
	struct world *world = world_new(NULL);
	struct phone *anna = world_join(world, "anna", "lobby"),
		     *bert = world_join(world, "bert", "lobby");

	memset(text, 'x', CHAT_TEXT_MAX + 1);
	say(anna, "text/plain", text);
	CHECK_INT("413", status, 413);
	text[CHAT_TEXT_MAX] = '\0';
	say(anna, "text/plain", text);
	CHECK_INT("just fits", status, 202);
	CHECK_INT(NULL, bert->messages, 1);
	world_end(world, "too_long");
}

/* What is said goes to all others: nobody says it a thousand times. */
static void too_many(void)
{
	struct world *world = world_new(NULL);
	struct phone *anna = world_join(world, "anna", "lobby"),
		     *bert = world_join(world, "bert", "lobby");

	for (int i = 0; i < CHAT_AT_ONCE + 5; i++) {
		CHECK_INT("sent",
			  sip_call_request(anna->call,
					   &(struct sip_call_request){.method = "MESSAGE",
								      .content_type = "text/plain",
								      .body = SLICE("again"),
								      .on_reply = on_reply}),
			  0);
		world_run(world, 10);
	}
	CHECK_INT("the last one", status, 503);
	CHECK_INT("so many went on", bert->messages, CHAT_AT_ONCE);
	CHECK_INT("counted", focus_stats(world->focus)->messages_refused, 5);
	say(bert, "text/plain", "stop");
	CHECK_INT("others may", status, 202);
	world_run(world, CHAT_EVERY_MS);
	say(anna, "text/plain", "sorry");
	CHECK_INT("later she may", status, 202);
	world_end(world, "too_many");
}

static void on_outside(void *arg, const struct sip_msg *response, int err)
{
	(void)arg;
	(void)err;
	status = response ? response->status : 0;
}

static void outside(void)
{
	static const struct {
		const char *name, *from, *target;
		uint16_t status;
	} rows[] = {
		{"a participant", "<sip:anna@" WORLD_PHONES ">", "sip:lobby@" WORLD_SERVER, 202},
		{"a stranger", "<sip:eve@" WORLD_PHONES ">", "sip:lobby@" WORLD_SERVER, 403},
		{"no room", "<sip:anna@" WORLD_PHONES ">", "sip:nowhere@" WORLD_SERVER, 404},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world *world = world_new(NULL);
		struct phone *bert = world_join(world, "bert", "lobby");

		world_join(world, "anna", "lobby");
		status = 0;
		CHECK_INT(rows[i].name,
			  sip_ua_request(world->phones_ua,
					 &(struct sip_request_params){
						 .method = "MESSAGE",
						 .target = slice_of(rows[i].target),
						 .from = slice_of(rows[i].from),
						 .content_type = "text/plain",
						 .body = SLICE("hello"),
						 .on_reply = on_outside,
					 },
					 NULL),
			  0);
		world_run(world, 500);
		CHECK_INT(rows[i].name, status, rows[i].status);
		CHECK_STR(rows[i].name, bert->message, status == 202 ? "anna: hello" : "");
		world_end(world, rows[i].name);
	}
}

static void from_the_api(void)
{
	struct world *world = world_new(NULL);
	struct phone *anna = world_join(world, "anna", "lobby");
	uint32_t count = 0;

	CHECK_INT(NULL,
		  focus_room_say(world->focus, world_room(world, "lobby"), SLICE("Desk"),
				 SLICE("five minutes"), &count),
		  0);
	world_run(world, 500);
	CHECK_INT("to one", count, 1);
	CHECK_STR(NULL, anna->message, "Desk: five minutes");
	CHECK_STR("told", world_events(world, "message"), "message lobby\n");
	world_end(world, "from_the_api");
}

void suite_chat(void)
{
	CHECK_SUITE("chat");
	CHECK_TEST(in_the_dialog);
	CHECK_TEST(at_the_door);
	CHECK_TEST(too_long);
	CHECK_TEST(too_many);
	CHECK_TEST(outside);
	CHECK_TEST(from_the_api);
}
