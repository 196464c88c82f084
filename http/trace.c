/* http/trace.c -- the SIP messages of a call: as a list, and drawn as a ladder. */
#include "focus/trace.h"

#include "base/err.h"
#include "http/handlers.h"
#include "http/server.h"
#include "http/view.h"

enum { TRACE_LIMIT_DEFAULT = 100, TRACE_LIMIT_MAX = 1000 };

static void add_message(void *arg, const struct focus_trace_message *message)
{
	char text[ADDR_TEXT_MAX];
	struct writer *json = arg;

	writer_open(json, NULL, '{');
	writer_time(json, "at", message->at_us / 1000);
	writer_uint(json, "at_us", message->at_us);
	writer_text(json, "direction", message->is_out ? "out" : "in");
	writer_text(json, "transport", message->transport);
	writer_text(json, "local", addr_text(&message->local, text));
	writer_text(json, "remote", addr_text(&message->remote, text));
	writer_text(json, "summary", message->summary);
	writer_str(json, "cseq", message->cseq);
	writer_text(json, "error", message->error);
	writer_str(json, "text", message->text);
	writer_close(json, '}');
}

static int reply_messages(struct request *request, struct slice call_id)
{
	struct writer json = writer_to(request_body(request));
	int err;

	writer_open(&json, NULL, '{');
	writer_str(&json, "call_id", call_id);
	writer_open(&json, "messages", '[');
	err = focus_trace(request_http(request)->focus, call_id, add_message, &json);
	writer_close(&json, ']');
	writer_close(&json, '}');
	return err;
}

static int reply_ladder(struct request *request, struct slice call_id)
{
	return focus_trace_ladder(request_http(request)->focus, call_id, request_body(request));
}

static int of_participant(struct request *request,
			  int (*reply)(struct request *request, struct slice call_id))
{
	struct participant *participant;
	struct participant_view view;
	struct room *room;
	int err = request_participant(request, &room, &participant);

	if (err)
		return err;
	participant_view(participant, &view);
	return reply(request, view.call_id);
}

int trace_get(struct request *request)
{
	return reply_messages(request, request_arg(request, 0));
}

int trace_ladder(struct request *request)
{
	return reply_ladder(request, request_arg(request, 0));
}

int trace_of_participant(struct request *request)
{
	return of_participant(request, reply_messages);
}

int trace_ladder_of_participant(struct request *request)
{
	return of_participant(request, reply_ladder);
}

struct list_walk {
	struct writer json;
	uint64_t left;
};

static void add_call(void *arg, const struct focus_trace_call *call)
{
	struct list_walk *walk = arg;
	struct writer *json = &walk->json;
	char text[ADDR_TEXT_MAX];

	if (walk->left == 0)
		return;
	walk->left--;
	writer_open(json, NULL, '{');
	writer_str(json, "call_id", call->call_id);
	writer_uint(json, "messages", call->messages);
	writer_str(json, "first", call->first.start);
	writer_str(json, "last", call->last.start);
	writer_text(json, "remote", addr_text(&call->first.remote, text));
	writer_time(json, "began_at", call->first.at_us / 1000);
	writer_time(json, "last_at", call->last.at_us / 1000);
	writer_close(json, '}');
}

int trace_list(struct request *request)
{
	struct list_walk walk = {writer_to(request_body(request)), TRACE_LIMIT_DEFAULT};
	int err = request_query_u64(request, "limit", 1, TRACE_LIMIT_MAX, &walk.left);

	if (err)
		return err;
	writer_open(&walk.json, NULL, '{');
	writer_open(&walk.json, "calls", '[');
	focus_trace_calls(request_http(request)->focus, add_call, &walk);
	writer_close(&walk.json, ']');
	writer_close(&walk.json, '}');
	return 0;
}
