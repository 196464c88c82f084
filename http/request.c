/* http/request.c -- from the daemon's callbacks to a handler, and back as a response.
 *
 * The daemon calls request_on_access when the headers are there, again for each piece of the body,
 * and once more at its end. What can be judged by the headers is judged at the first call; the
 * refusal is sent after the body has been swallowed, so that the connection can go on, but for a
 * body that is said to be too large: that one is refused at once and the connection closed.
 */
#include "http/request.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/focus.h"
#include "http/auth.h"
#include "http/negotiate.h"
#include "http/server.h"

enum { SWALLOW_FACTOR = 16 }; /* times http.body_max of an unannounced body, then the line is cut */

static struct slice header(struct MHD_Connection *connection, const char *name)
{
	return slice_of(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name));
}

struct http *request_http(const struct request *request)
{
	return request->http;
}

struct slice request_path(const struct request *request)
{
	return request->path;
}

struct slice request_arg(const struct request *request, unsigned index)
{
	assert(index < ROUTE_ARGS_MAX);
	return slice_of(request->match.args[index]);
}

struct slice request_header(const struct request *request, const char *name)
{
	return header(request->connection, name);
}

struct buf *request_body(struct request *request)
{
	return &request->reply.body;
}

void request_set_status(struct request *request, uint16_t status)
{
	request->reply.status = status;
}

void request_set_location(struct request *request, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(request->reply.location, sizeof(request->reply.location), fmt, ap);
	va_end(ap);
}

/* Failing ------------------------------------------------------------------------------------ */

static void set_detail(struct request *request, const char *fmt, va_list ap)
{
	request->detail = (struct problem_detail){0};
	(void)vsnprintf(request->detail.text, sizeof(request->detail.text), fmt, ap);
}

int request_fail(struct request *request, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_detail(request, fmt, ap);
	va_end(ap);
	return err;
}

int request_fail_field(struct request *request, const char *field, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_detail(request, fmt, ap);
	va_end(ap);
	(void)slice_cstr(slice_of(field), request->detail.field, sizeof(request->detail.field));
	return ERR_HTTP_FIELD;
}

int request_fail_parameter(struct request *request, const char *parameter, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_detail(request, fmt, ap);
	va_end(ap);
	(void)slice_cstr(slice_of(parameter), request->detail.parameter,
			 sizeof(request->detail.parameter));
	return ERR_HTTP_SYNTAX;
}

/* Reading ------------------------------------------------------------------------------------ */

int request_query(struct request *request, const char *name, char *out, size_t cap, bool *ret_has)
{
	const char *raw = MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND,
						      name);
	int err;

	if (!raw) {
		*ret_has = false;
		return 0;
	}
	err = route_decode(slice_of(raw), out, cap);
	if (err == -ERANGE)
		return request_fail_parameter(request, name, "%s is too long", name);
	if (err)
		return request_fail_parameter(request, name, "%s is not escaped properly", name);
	*ret_has = true;
	return 0;
}

int request_query_u64(struct request *request, const char *name, uint64_t min, uint64_t max,
		      uint64_t *value)
{
	char text[32];
	uint64_t number;
	bool has;
	int err = request_query(request, name, text, sizeof(text), &has);

	if (err || !has)
		return err;
	if (slice_u64(slice_of(text), max, &number) || number < min)
		return request_fail_parameter(request, name,
					      "%s must be a number from %llu to %llu", name,
					      (unsigned long long)min, (unsigned long long)max);
	*value = number;
	return 0;
}

int request_document(struct request *request, const struct schema *schema,
		     struct document **ret_document)
{
	struct document_fault fault = {0};
	struct problem_detail *detail = &request->detail;
	int err = document_parse(schema, buf_slice(&request->body), ret_document, &fault);

	if (!err)
		return 0;
	*detail = (struct problem_detail){.line = fault.line, .column = fault.column};
	(void)slice_cstr(slice_of(fault.field), detail->field, sizeof(detail->field));
	(void)slice_cstr(slice_of(fault.detail), detail->text, sizeof(detail->text));
	return err;
}

static void etag_text(char out[64], uint64_t created_wall_ms, uint64_t version)
{
	(void)snprintf(out, 64, "\"%llx-%llx\"", (unsigned long long)created_wall_ms,
		       (unsigned long long)version);
}

void request_set_etag(struct request *request, uint64_t created_wall_ms, uint64_t version)
{
	etag_text(request->reply.etag, created_wall_ms, version);
}

int request_check_etag(struct request *request, uint64_t created_wall_ms, uint64_t version)
{
	struct slice list = request_header(request, "If-Match");
	char now[64];

	if (!slice_present(list))
		return 0;
	etag_text(now, created_wall_ms, version);
	while (list.len > 0) {
		size_t len = slice_find(list, ',');
		struct slice tag = slice_trim(slice_first(list, len));

		if (slice_is(tag, "*") || slice_is(tag, now))
			return 0;
		list = slice_from(list, len + 1);
	}
	request_set_etag(request, created_wall_ms, version);
	return request_fail(request, ERR_HTTP_PRECONDITION, "the ETag is now %s", now);
}

int request_room(struct request *request, struct room **ret_room)
{
	struct slice id = request_arg(request, 0);
	struct room *room = focus_room_find(request->http->focus, id);

	if (!room)
		return request_fail(request, ERR_ROOM_UNKNOWN, "there is no room \"" SLICE_FMT "\"",
				    SLICE_ARG(id));
	*ret_room = room;
	return 0;
}

int request_participant(struct request *request, struct room **ret_room,
			struct participant **ret_participant)
{
	struct slice id = request_arg(request, 1);
	struct participant *participant;
	int err = request_room(request, ret_room);

	if (err)
		return err;
	participant = focus_participant_find(request->http->focus, *ret_room, id);
	if (!participant)
		return request_fail(request, ERR_PARTICIPANT_UNKNOWN,
				    "there is no participant \"" SLICE_FMT "\" in the room",
				    SLICE_ARG(id));
	*ret_participant = participant;
	return 0;
}

/* Replying ----------------------------------------------------------------------------------- */

static const struct route *route_of(const struct request *request)
{
	return request->match.route;
}

/* Replaces whatever the handler had written. */
static void reply_problem(struct request *request, int err)
{
	const struct problem *problem = problem_of(err);
	struct reply *reply = &request->reply;

	if (problem->status >= 500)
		LOG(LOG_WARN, "http.failed", LOG_SLICE("path", request->path),
		    LOG_STR("method", request->method), LOG_STR("err", err_name(err)));
	buf_clear(&reply->body);
	reply->asset = SLICE_NONE;
	reply->location[0] = '\0';
	reply->status = problem->status;
	reply->content_type = PROBLEM_CONTENT_TYPE;
	problem_write(problem, &request->detail, request->path, &reply->body);
}

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	(void)MHD_add_response_header(response, name, value);
}

static void add_security_headers(const struct request *request, struct MHD_Response *response)
{
	const struct route *route = route_of(request);
	bool is_page = route && (route->flags & ROUTE_HIDDEN);

	add_header(response, "X-Content-Type-Options", "nosniff");
	add_header(response, "Referrer-Policy", "no-referrer");
	add_header(response, "Cross-Origin-Resource-Policy", "same-origin");
	add_header(response, "Content-Security-Policy",
		   is_page ? "default-src 'none'; script-src 'self'; style-src 'self'; "
			     "img-src 'self'; media-src 'self' blob:; connect-src 'self'; "
			     "base-uri 'none'; "
			     "form-action 'none'; frame-ancestors 'none'"
			   : "default-src 'none'; frame-ancestors 'none'");
}

/* Event numbers begin anew with the server: who has followed an earlier one sees it here. */
static void add_stream_headers(const struct request *request, struct MHD_Response *response)
{
	const struct http *http = request->http;
	char text[CLOCK_TEXT_MAX];

	add_header(response, "Hearth-Started-At", clock_text(http->started_wall_ms, text));
	(void)snprintf(text, sizeof(text), "%llu",
		       (unsigned long long)focus_event_seq(http->focus));
	add_header(response, "Hearth-Event-Seq", text);
}

static void add_failure_headers(struct request *request, struct MHD_Response *response)
{
	const struct problem *problem = problem_of(request->err);
	char text[ROUTE_ALLOW_MAX];

	if (request->reply.status == 401)
		add_header(response, "WWW-Authenticate", "Bearer realm=\"hearth\"");
	if (request->reply.status == 405)
		add_header(response, "Allow", route_allow(request->path, text));
	if (request->err == ERR_HTTP_BODY_TOO_LARGE)
		add_header(response, "Connection", "close");
	if (problem->retry_after_s > 0) {
		(void)snprintf(text, sizeof(text), "%u", problem->retry_after_s);
		add_header(response, "Retry-After", text);
	}
}

static void add_headers(struct request *request, struct MHD_Response *response)
{
	const struct reply *reply = &request->reply;
	const struct route *route = route_of(request);
	const char *type = reply->content_type;

	if (!type && route && reply->status != 204)
		type = route->content_type;
	if (type)
		add_header(response, "Content-Type", type);
	add_header(response, "Cache-Control",
		   reply->cache_control ? reply->cache_control : "no-store");
	add_security_headers(request, response);
	if (reply->location[0])
		add_header(response, "Location", reply->location);
	if (reply->etag[0])
		add_header(response, "ETag", reply->etag);
	if (!route && !request->err) { /* OPTIONS */
		char allow[ROUTE_ALLOW_MAX];

		add_header(response, "Allow", route_allow(request->path, allow));
	}
	if (reply->stream)
		add_stream_headers(request, response);
	if (reply->is_replayed)
		add_header(response, "Idempotency-Replayed", "true");
	if (request->err)
		add_failure_headers(request, response);
}

static struct MHD_Response *make_response(struct reply *reply)
{
	size_t len = reply->body.len;
	char *text;

	if (reply->stream)
		return reply->stream;
	if (slice_present(reply->asset))
		return MHD_create_response_from_buffer(reply->asset.len,
						       (void *)(uintptr_t)reply->asset.p,
						       MHD_RESPMEM_PERSISTENT);
	if (len == 0)
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	text = buf_take(&reply->body);
	return MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
}

static void count(struct request *request)
{
	struct http *http = request->http;
	const struct route *route = route_of(request);
	size_t row = route ? route_index(route) : ROUTES_MAX;
	uint64_t took_ns = clock_mono_ns(loop_clock(http->loop)) - request->begun_ns;

	http->stats.requests[row][http_status_slot(request->reply.status)]++;
	http->stats.duration_ns[row] += took_ns;
	LOG(LOG_DEBUG, "http.request", LOG_STR("method", request->method),
	    LOG_SLICE("path", request->path), LOG_INT("status", request->reply.status),
	    LOG_INT("took_us", took_ns / 1000));
}

static enum MHD_Result send_reply(struct request *request)
{
	struct reply *reply = &request->reply;
	struct MHD_Response *response;
	enum MHD_Result result;

	if (!reply->status)
		reply->status = route_of(request)->status;
	if (buf_err(&reply->body)) { /* out of memory while it was written */
		buf_done(&reply->body);
		request->err = -ENOMEM;
		reply_problem(request, request->err);
	}
	response = make_response(reply);
	if (!response)
		return MHD_NO;
	add_headers(request, response);
	count(request);
	result = MHD_queue_response(request->connection, reply->status, response);
	MHD_destroy_response(response); /* the connection holds its own reference */
	reply->stream = NULL;
	return result;
}

/* Later answers ------------------------------------------------------------------------------ */

void request_on_gone(struct request *request, void (*on_gone)(void *arg), void *arg)
{
	request->on_gone = on_gone;
	request->gone_arg = arg;
}

void request_wait(struct request *request)
{
	request->is_waiting = true;
	list_append(&request->http->waiting, &request->waiting);
	MHD_suspend_connection(request->connection);
}

void request_answer(struct request *request, int err)
{
	assert(request->is_waiting);
	request->is_waiting = false;
	request->is_answered = true;
	list_remove(&request->waiting);
	request->err = err;
	MHD_resume_connection(request->connection);
	http_run_soon(request->http);
}

/* Judging by the headers --------------------------------------------------------------------- */

static struct addr peer_of(const struct request *request)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct addr peer = {0};

	if (info && info->client_addr->sa_family == AF_INET6)
		memcpy(&peer.in6, info->client_addr, sizeof(peer.in6));
	else if (info)
		memcpy(&peer.in, info->client_addr, sizeof(peer.in));
	return addr_unmap(&peer);
}

static bool is_unlimited(const char *list, const struct addr *peer)
{
	struct slice rest = slice_of(list), item;
	struct prefix prefix;

	while (config_list_next(&rest, &item))
		if (!prefix_parse(item, &prefix) && prefix_has(&prefix, peer))
			return true;
	return false;
}

/* Before the token is looked at: guessing one is bound by it, too. */
static int check_rate(struct request *request)
{
	const struct config *config = request->http->config;
	struct addr peer = peer_of(request);

	if (!config->http_rate || !addr_is_set(&peer) ||
	    is_unlimited(config->http_rate_unlimited, &peer))
		return 0;
	if (!rates_take(&request->http->rates, &peer,
			clock_mono_ms(loop_clock(request->http->loop)),
			(uint32_t)config->http_rate))
		return 0;
	return request_fail(request, ERR_HTTP_RATE, "at most %lld a second from one address",
			    (long long)config->http_rate);
}

/* In the form of focus/auth.c, so that one expression of fail2ban reads both. Who shows no token at
 * all is asked for one, no more. */
static void log_wrong_token(const struct request *request)
{
	struct addr peer = peer_of(request);
	char text[ADDR_TEXT_MAX];

	if (!addr_is_set(&peer) || !slice_present(header(request->connection, "Authorization")))
		return;
	LOG(LOG_WARN, "security.refused", LOG_STR("address", addr_ip_text(&peer, text)),
	    LOG_STR("cause", "wrong_token"), LOG_STR("method", request->method));
}

static int check_sender(struct request *request)
{
	const struct route *route = route_of(request);
	struct MHD_Connection *connection = request->connection;
	const struct config *config = request->http->config;
	struct auth_request from = {
		.authorization = header(connection, "Authorization"),
		.host = header(connection, "Host"),
		.origin = header(connection, "Origin"),
		.fetch_site = header(connection, "Sec-Fetch-Site"),
	};
	int err;

	if (route->flags & ROUTE_OPEN)
		return 0;
	err = check_rate(request);
	if (err)
		return err;
	err = auth_check(config->http_token, config->sip_domains, &from);
	if (err == ERR_HTTP_UNAUTHORIZED)
		log_wrong_token(request);
	return err;
}

static int check_length(struct request *request, bool *ret_has_body)
{
	struct slice text = header(request->connection, "Content-Length");
	uint64_t max = (uint64_t)request->http->config->http_body_max;
	uint64_t len = 0;

	*ret_has_body = slice_present(header(request->connection, "Transfer-Encoding"));
	if (!slice_present(text))
		return 0;
	if (slice_u64(slice_trim(text), UINT64_MAX, &len))
		return request_fail_parameter(request, "Content-Length", "not a number");
	if (len > max)
		return request_fail(request, ERR_HTTP_BODY_TOO_LARGE, "at most %llu octets",
				    (unsigned long long)max);
	*ret_has_body |= len > 0;
	return 0;
}

static int check_key(struct request *request)
{
	struct slice key = slice_trim(header(request->connection, "Idempotency-Key"));

	if (!slice_present(key) || !(route_of(request)->flags & ROUTE_IDEMPOTENT))
		return 0;
	if (key.len == 0 || key.len > IDEMPOTENCY_KEY_MAX)
		return request_fail_parameter(request, "Idempotency-Key",
					      "Idempotency-Key must have 1 to %d characters",
					      IDEMPOTENCY_KEY_MAX);
	(void)slice_cstr(key, request->key, sizeof(request->key));
	return 0;
}

static int check_route(struct request *request)
{
	const struct route_match *match = &request->match;

	if (slice_is(request->path, "*") && strcmp(request->method, "OPTIONS") == 0)
		return 0;
	if (!match->is_path_known)
		return ERR_HTTP_NOT_FOUND;
	if (!match->route && strcmp(request->method, "OPTIONS") != 0)
		return request_fail(request, ERR_HTTP_METHOD, "%s is not possible here",
				    request->method);
	return 0;
}

/* The order is that of what the sender should mend first. */
static int check_headers(struct request *request)
{
	const struct route *route = route_of(request);
	bool has_body = false;
	int err = check_length(request, &has_body);

	if (err)
		return err;
	err = check_route(request);
	if (err || !route)
		return err;
	err = check_sender(request);
	if (err)
		return err;
	err = check_key(request);
	if (err)
		return err;
	if (route->content_type && !negotiate_accepts(header(request->connection, "Accept"),
						      slice_of(route->content_type)))
		return request_fail(request, ERR_HTTP_NOT_ACCEPTABLE, "this gives %s",
				    route->content_type);
	if (route->request && has_body &&
	    !negotiate_is_json(header(request->connection, "Content-Type")))
		return request_fail(request, ERR_HTTP_CONTENT_TYPE, "send application/json");
	return 0;
}

static struct request *request_new(struct http *http, struct MHD_Connection *connection,
				   const char *url, const char *method)
{
	struct request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->http = http;
	request->connection = connection;
	request->path = slice_of(url);
	request->begun_ns = clock_mono_ns(loop_clock(http->loop));
	(void)slice_cstr(slice_of(method), request->method, sizeof(request->method));
	http->stats.requests_open++;
	return request;
}

static enum MHD_Result begin(struct request *request)
{
	request->err = route_match(slice_of(request->method), request->path, &request->match);
	if (!request->err)
		request->err = check_headers(request);
	if (request->err != ERR_HTTP_BODY_TOO_LARGE)
		return MHD_YES;
	reply_problem(request, request->err); /* do not let them send it first */
	return send_reply(request);
}

static enum MHD_Result take_body(struct request *request, const char *piece, size_t len)
{
	size_t max = (size_t)request->http->config->http_body_max;

	request->body_seen += len;
	if (request->body_seen > max * SWALLOW_FACTOR)
		return MHD_NO;
	if (request->body_seen > max && !request->err)
		request->err = request_fail(request, ERR_HTTP_BODY_TOO_LARGE, "at most %zu octets",
					    max);
	if (!request->err && route_of(request) && route_of(request)->request)
		buf_add(&request->body, piece, len);
	if (!request->err)
		request->err = buf_err(&request->body);
	return MHD_YES;
}

/* Acting ------------------------------------------------------------------------------------- */

static void reply_options(struct request *request)
{
	struct reply *reply = &request->reply;

	reply->status = 204;
	reply->content_type = NULL;
}

static struct idempotency_ask ask_of(const struct request *request)
{
	return (struct idempotency_ask){
		.path = request->path,
		.key = slice_of(request->key),
		.body = buf_slice(&request->body),
		.now_ms = wheel_now_ms(loop_wheel(request->http->loop)),
	};
}

/* Answers from the cache; 0 with *ret_done when that was all there is to do. */
static int replay(struct request *request, bool *ret_done)
{
	struct http *http = request->http;
	struct reply *reply = &request->reply;
	const struct idempotency_answer *answer = NULL;
	struct idempotency_ask ask = ask_of(request);
	int err = idempotency_find(http->idempotency, &ask, &answer);

	*ret_done = !err && answer;
	if (!*ret_done)
		return err;
	reply->status = answer->status;
	reply->content_type = answer->content_type;
	memcpy(reply->location, answer->location, sizeof(reply->location));
	memcpy(reply->etag, answer->etag, sizeof(reply->etag));
	buf_addslice(&reply->body, buf_slice(&answer->body));
	reply->is_replayed = true;
	http->stats.replays++;
	return 0;
}

/* Answers that may turn out otherwise next time (5xx) are not kept. */
static void keep_answer(struct request *request)
{
	struct http *http = request->http;
	struct reply *reply = &request->reply;
	struct idempotency_answer answer = {
		.status = reply->status ? reply->status : route_of(request)->status,
		.content_type = reply->content_type,
		.body = reply->body,
	};
	struct idempotency_ask ask = ask_of(request);

	if (answer.status >= 500 || buf_err(&reply->body))
		return;
	memcpy(answer.location, reply->location, sizeof(answer.location));
	memcpy(answer.etag, reply->etag, sizeof(answer.etag));
	if (idempotency_put(http->idempotency, &ask, &answer))
		LOG(LOG_WARN, "http.key_not_kept", LOG_SLICE("path", request->path));
}

static void act(struct request *request)
{
	bool is_done = false;

	if (!request->err && !route_of(request)) {
		reply_options(request);
		return;
	}
	if (!request->err && request->key[0])
		request->err = replay(request, &is_done);
	if (is_done)
		return;
	if (request->err) {
		reply_problem(request, request->err);
		return;
	}
	if (strcmp(request->method, "GET") != 0)
		focus_acting(request->http->focus, "api");
	request->err = route_of(request)->handle(request);
	focus_acting(request->http->focus, "");
	if (request->err)
		reply_problem(request, request->err);
	if (request->key[0])
		keep_answer(request);
}

static enum MHD_Result finish(struct request *request)
{
	if (request->is_answered) {
		if (request->err)
			reply_problem(request, request->err);
		return send_reply(request);
	}
	act(request);
	return request->is_waiting ? MHD_YES : send_reply(request);
}

enum MHD_Result request_on_access(void *http, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_len, void **context)
{
	struct request *request = *context;

	(void)version;
	if (!request) {
		request = request_new(http, connection, url, method);
		if (!request)
			return MHD_NO;
		*context = request;
		return begin(request);
	}
	if (*upload_len > 0) {
		size_t len = *upload_len;

		*upload_len = 0;
		return take_body(request, upload, len);
	}
	return finish(request);
}

void request_on_completed(void *http, struct MHD_Connection *connection, void **context,
			  enum MHD_RequestTerminationCode why)
{
	struct request *request = *context;

	(void)http;
	(void)connection;
	(void)why;
	if (!request)
		return;
	*context = NULL;
	if (request->on_gone)
		request->on_gone(request->gone_arg);
	list_remove(&request->waiting);
	request->http->stats.requests_open--;
	buf_done(&request->body);
	buf_done(&request->reply.body);
	free(request);
}
