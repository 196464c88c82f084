/* tests/unit/http/site.c */
#include "tests/unit/http/site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/participant_priv.h"
#include "sip/trace.h"

#define SERVER_SIP "10.0.0.1:5060"
#define PHONES_SIP "10.0.0.2:5060"

enum { TURN_MS = 5, CLOSE_DELAY_MS = 20 };

static void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "site: %s: %s\n", what, err_text(err));
	abort();
}

/* Phones -------------------------------------------------------------------------------------- */

static void on_ended(void *arg, struct sip_call *call, const struct sip_call_end *end)
{
	struct site_phone *phone = arg;

	(void)call;
	(void)end;
	phone->call = NULL;
}

static const struct sip_call_handlers phone_handlers = {.on_ended = on_ended};

static struct site_phone *phone_new(struct site *site)
{
	struct site_phone *phone = &site->phones[site->phone_count++];

	if (site->phone_count > SITE_PHONES_MAX)
		abort();
	phone->site = site;
	return phone;
}

static struct offer_local phone_offer(void)
{
	struct offer_local local = {
		.codecs = {{.id = 1,
			    .name = "PCMU",
			    .clock_hz = 8000,
			    .channels = 1,
			    .static_pt = 0}},
		.codec_count = 1,
		.ptime_ms = 20,
		.direction = SDP_SENDRECV,
	};

	must(addr_parse(SLICE("10.0.0.2:30000"), &local.rtp), "phone's address");
	return local;
}

static void on_invite(void *arg, struct sip_call *call, const struct sip_msg *request)
{
	struct site_phone *phone = phone_new(arg);
	struct offer_local local = phone_offer();
	struct sip_uri uri;

	phone->call = call;
	sip_call_bind(call, &phone_handlers, phone);
	must(sip_uri_parse(request->request_uri, &uri), "Request-URI");
	if (slice_is(uri.user, "busy")) {
		must(sip_call_reject(call, &(struct sip_reply){.status = 486}), "reject");
		return;
	}
	must(sip_call_progress(call, &(struct sip_reply){.status = 180}), "ring");
	if (slice_is(uri.user, "ring"))
		return;
	must(sip_call_set_local(call, &local), "set_local");
	must(sip_call_accept(call, NULL), "accept");
}

static struct room *room_of(struct site *site, const char *id)
{
	return focus_room_find(site->focus, slice_of(id));
}

const char *site_dial(struct site *site, const char *user, const char *room)
{
	static char ids[8][PARTICIPANT_ID_MAX + 1];
	static unsigned turn;
	struct site_phone *phone = phone_new(site);
	struct offer_local local = phone_offer();
	struct participant *participant, *last = NULL;
	struct participant_view view;
	char target[128], from[128];
	struct sip_call_invite invite = {
		.contact_user = slice_of(user),
		.local = &local,
		.handlers = &phone_handlers,
		.arg = phone,
	};
	char *id = ids[turn++ % 8];

	(void)snprintf(target, sizeof(target), "sip:%s@" SERVER_SIP, room);
	(void)snprintf(from, sizeof(from), "\"%c%s\" <sip:%s@%s>", user[0] - 32, user + 1, user,
		       strcmp(user, "anonymous") ? "10.0.0.2" : "anonymous.invalid");
	invite.target = slice_of(target);
	invite.from = slice_of(from);
	must(sip_call_new(site->phones_ua, &invite, &phone->call), "dial");
	site_pass(site, 100);
	if (!room_of(site, room))
		return "";
	for (participant = focus_participant_next(room_of(site, room), NULL); participant;
	     participant = focus_participant_next(room_of(site, room), participant))
		last = participant;
	if (!last)
		return "";
	participant_view(last, &view);
	return slice_cstr(view.id, id, PARTICIPANT_ID_MAX + 1);
}

struct fake_leg *site_leg(struct site *site, const char *room, const char *id)
{
	struct participant *participant = focus_participant_find(site->focus, room_of(site, room),
								 slice_of(id));

	return participant ? fake_media_leg(site->media, participant->leg.media) : NULL;
}

/* The site ------------------------------------------------------------------------------------ */

static void configure(struct site *site, const char *keys)
{
	struct slice rest = slice_of(keys);

	must(config_new(&site->config), "config_new");
	site_set(site, "store.path=:memory:");
	site_set(site, "http.listen=127.0.0.1:0");
	site_set(site, "sip.listen=udp:" SERVER_SIP);
	site_set(site, "prompts.cache=");
	site_set(site, "prompts.farewell_s=0"); /* who is rung off is rung off at once */
	while (rest.len > 0) {
		struct slice one = slice_first(rest, slice_find(rest, '\n'));
		char line[512];

		rest = slice_from(rest, one.len + 1);
		site_set(site, slice_cstr(one, line, sizeof(line)));
	}
}

void site_set(struct site *site, const char *assignment)
{
	struct buf errors = BUF_INIT;

	must(config_set(site->config, assignment, &errors), assignment);
	buf_done(&errors);
}

static struct sip_ua *make_ua(struct site *site, struct sip_net net,
			      struct sip_ua_handlers handlers)
{
	struct sip_ua_params params = {
		.wheel = loop_wheel(site->loop),
		.clock = *loop_clock(site->loop),
		.random = &site->random,
		.net = net,
		.handlers = handlers,
		.allow = FOCUS_ALLOW,
		.supported = "",
		.product = "test",
		.calls_max = 1000,
		.transactions_max = 10000,
	};
	struct sip_ua *ua;

	must(sip_ua_new(&params, &ua), "sip_ua_new");
	return ua;
}

static void make_network(struct site *site)
{
	struct simnet_params params = {
		.wheel = loop_wheel(site->loop),
		.random = &site->random,
		.delay_min_ms = 1,
		.delay_max_ms = 1,
	};

	site->net = simnet_new(&params);
	site->server_node = simnode_new(site->net, SERVER_SIP);
	site->phone_node = simnode_new(site->net, PHONES_SIP);
}

static void make_focus(struct site *site)
{
	struct focus_params params = {
		.wheel = loop_wheel(site->loop),
		.clock = *loop_clock(site->loop),
		.random = &site->random,
		.config = site->config,
		.store = site->store,
	};

	must(sip_trace_new(&(struct sip_trace_params){.net = simnode_net(site->server_node),
						      .clock = *loop_clock(site->loop)},
			   &site->trace),
	     "sip_trace_new");
	params.net = sip_trace_net(site->trace);
	params.trace = site->trace;
	must(focus_new(&params, &site->focus), "focus_new");
	site->ua = make_ua(site, params.net, focus_ua_handlers(site->focus));
	site->phones_ua = make_ua(site, simnode_net(site->phone_node),
				  (struct sip_ua_handlers){.on_invite = on_invite, .arg = site});
	must(fake_media_new(loop_wheel(site->loop), CLOSE_DELAY_MS, &site->media),
	     "fake_media_new");
	fake_media_listen(site->media, focus_on_media_event, site->focus);
}

static struct site *make(const char *keys, bool is_store_polled)
{
	static int null_fd = -1;
	struct site *site = calloc(1, sizeof(*site));
	const char *text;

	if (!site)
		abort();
	if (null_fd < 0)
		null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_setup(LOG_DEBUG, LOG_FORMAT_TEXT, null_fd); /* written, so that fields are looked at */
	site->time = (struct clock_virtual){.mono_ns = 1000000000,
					    .wall_ms_at_zero = 1700000000000};
	must(loop_new(clock_virtual(&site->time), &site->loop), "loop_new");
	random_init_seeded(&site->random, 1);
	configure(site, keys);
	must(store_new(site->config->store_path, is_store_polled ? NULL : site->loop, &site->store,
		       &text),
	     "store_new");
	make_network(site);
	make_focus(site);
	must(http_new(site->loop, site->focus, site->config, &site->http, &text), "http_new");
	must(focus_attach(site->focus, site->ua, fake_media_ops(site->media)), "focus_attach");
	return site;
}

struct site *site_new(const char *keys)
{
	return make(keys, false);
}

struct site *site_new_store_polled(void)
{
	return make(NULL, true);
}

void site_free(struct site *site)
{
	http_free(site->http);
	focus_free(site->focus);
	sip_ua_free(site->ua);
	sip_ua_free(site->phones_ua);
	sip_trace_free(site->trace);
	fake_media_free(site->media);
	store_free(site->store);
	simnet_free(site->net);
	config_free(site->config);
	loop_free(site->loop);
	free(site);
}

void site_turn(struct site *site)
{
	(void)loop_turn(site->loop, TURN_MS);
}

void site_pass(struct site *site, uint64_t ms)
{
	uint64_t end_ns = site->time.mono_ns + ms * 1000000;

	while (site->time.mono_ns < end_ns) {
		uint64_t next_ns = wheel_next_ms(loop_wheel(site->loop)) * 1000000;

		if (next_ns <= site->time.mono_ns)
			next_ns = site->time.mono_ns + 1000000;
		site->time.mono_ns = next_ns < end_ns ? next_ns : end_ns;
		(void)loop_turn(site->loop, 0);
	}
	(void)loop_turn(site->loop, 0);
}

/* HTTP clients -------------------------------------------------------------------------------- */

struct client client_open(struct site *site)
{
	struct addr addr = http_addr(site->http);
	struct client client = {.site = site};

	client.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client.fd < 0 || connect(client.fd, &addr.sa, addr_len(&addr)))
		must(-errno, "connect");
	(void)fcntl(client.fd, F_SETFL, O_NONBLOCK);
	return client;
}

void client_close(struct client *client)
{
	close(client->fd);
	buf_done(&client->in);
	buf_done(&client->text);
}

void client_send(struct client *client, struct slice octets)
{
	for (unsigned turns = 0; octets.len > 0 && turns < SITE_TURNS_MAX; turns++) {
		ssize_t n = send(client->fd, octets.p, octets.len, MSG_NOSIGNAL);

		if (n > 0)
			octets = slice_from(octets, (size_t)n);
		else if (n < 0 && errno != EAGAIN)
			return; /* the server has had enough of it */
		site_turn(client->site);
	}
}

/* Whether something came. */
static bool receive(struct client *client)
{
	char octets[16384];
	ssize_t n = recv(client->fd, octets, sizeof(octets), 0);

	if (n > 0)
		buf_add(&client->in, octets, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		client->is_closed = true;
	return n > 0;
}

/* Turns the loop until more has come. */
static bool more(struct client *client)
{
	for (unsigned turns = 0; turns < SITE_TURNS_MAX && !client->is_closed; turns++) {
		if (receive(client))
			return true;
		site_turn(client->site);
	}
	return false;
}

static struct slice take(struct client *client, size_t len, struct buf *to)
{
	buf_add(to, client->in.p, len);
	buf_drop(&client->in, len);
	return buf_slice(to);
}

/* Up to and with `mark`. */
static bool take_until(struct client *client, const char *mark, struct buf *to)
{
	for (;;) {
		char *at = client->in.p ? memmem(client->in.p, client->in.len, mark, strlen(mark))
					: NULL;

		if (at) {
			(void)take(client, (size_t)(at - client->in.p) + strlen(mark), to);
			return true;
		}
		if (!more(client))
			return false;
	}
}

static bool take_len(struct client *client, size_t len, struct buf *to)
{
	while (client->in.len < len) {
		if (!more(client))
			return false;
	}
	(void)take(client, len, to);
	return true;
}

/* One chunk (RFC 9112 7.1); false at the last or when none comes. */
static bool take_chunk(struct client *client, struct buf *to)
{
	struct buf line = BUF_INIT, end = BUF_INIT;
	size_t len = 0;

	if (take_until(client, "\r\n", &line))
		len = strtoul(line.p, NULL, 16);
	if (len > 0 && take_len(client, len, to))
		(void)take_len(client, 2, &end);
	buf_done(&line);
	buf_done(&end);
	return len > 0;
}

struct slice answer_field(const struct answer *answer, const char *name)
{
	struct slice rest = buf_slice(&answer->head);

	while (rest.len > 0) {
		struct slice line = slice_first(rest, slice_find(rest, '\n'));
		size_t colon = slice_find(line, ':');

		rest = slice_from(rest, line.len + 1);
		if (slice_iis(slice_first(line, colon), name))
			return slice_trim(slice_from(line, colon + 1));
	}
	return SLICE_NONE;
}

static void take_body(struct client *client, struct answer *answer)
{
	struct slice len_text = answer_field(answer, "Content-Length");
	uint32_t len = 0;

	if (slice_iis(answer_field(answer, "Transfer-Encoding"), "chunked")) {
		while (take_chunk(client, &answer->body))
			;
		return;
	}
	if (slice_present(len_text) && !slice_u32(len_text, UINT32_MAX, &len))
		(void)take_len(client, len, &answer->body);
}

struct answer client_answer(struct client *client, bool is_head)
{
	struct answer answer = {0};

	if (!take_until(client, "\r\n\r\n", &answer.head))
		return answer;
	answer.status = atoi(answer.head.p + sizeof("HTTP/1.1 ") - 1);
	if (!is_head && answer.status != 204 && answer.status != 304)
		take_body(client, &answer);
	if (slice_starts(answer_field(&answer, "Content-Type"), SLICE("application/")))
		answer.json = json_loadb(answer.body.p ? answer.body.p : "", answer.body.len,
					 JSON_REJECT_DUPLICATES, NULL);
	return answer;
}

void answer_done(struct answer *answer)
{
	buf_done(&answer->head);
	buf_done(&answer->body);
	json_decref(answer->json);
	answer->json = NULL;
}

const json_t *answer_member(const struct answer *answer, const char *path)
{
	struct slice rest = slice_of(path);
	const json_t *at = answer->json;

	while (at && rest.len > 0) {
		struct slice part = slice_first(rest, slice_find(rest, '.'));
		char name[64];

		rest = slice_from(rest, part.len + 1);
		(void)slice_cstr(part, name, sizeof(name));
		at = json_is_array(at) ? json_array_get(at, (size_t)atoi(name))
				       : json_object_get(at, name);
	}
	return at;
}

const char *answer_text(const struct answer *answer, const char *path)
{
	const char *text = json_string_value(answer_member(answer, path));

	return text ? text : "";
}

static void write_request(struct buf *out, const char *method, const char *path, const char *fields,
			  const char *body)
{
	const char *all = fields ? fields : "";

	buf_addf(out, "%s %s HTTP/1.1\r\n%s", method, path, all);
	if (!strstr(all, "Host:"))
		buf_adds(out, "Host: localhost\r\n");
	if (body && !strstr(all, "Content-Type:"))
		buf_adds(out, "Content-Type: application/json\r\n");
	if (body && !strstr(all, "Content-Length:") && !strstr(all, "Transfer-Encoding:"))
		buf_addf(out, "Content-Length: %zu\r\n", strlen(body));
	buf_addf(out, "\r\n%s", body ? body : "");
}

struct answer site_ask(struct site *site, const char *method, const char *path, const char *fields,
		       const char *body)
{
	struct client client = client_open(site);
	struct buf request = BUF_INIT;
	struct answer answer;

	write_request(&request, method, path, fields, body);
	client_send(&client, buf_slice(&request));
	buf_done(&request);
	answer = client_answer(&client, strcmp(method, "HEAD") == 0);
	client_close(&client);
	return answer;
}

int site_status(struct site *site, const char *method, const char *path, const char *fields,
		const char *body)
{
	struct answer answer = site_ask(site, method, path, fields, body);
	int status = answer.status;

	answer_done(&answer);
	return status;
}

/* Event streams ------------------------------------------------------------------------------- */

int stream_open(struct site *site, const char *path, const char *fields, struct client *ret_client)
{
	struct client client = client_open(site);
	struct answer answer = {0};
	struct buf request = BUF_INIT;

	write_request(&request, "GET", path, fields, NULL);
	client_send(&client, buf_slice(&request));
	buf_done(&request);
	if (take_until(&client, "\r\n\r\n", &answer.head))
		answer.status = atoi(answer.head.p + sizeof("HTTP/1.1 ") - 1);
	*ret_client = client;
	answer_done(&answer);
	return answer.status;
}

/* Chunks need not end where events do. */
const char *stream_block(struct client *client)
{
	static struct buf block;
	struct buf *text = &client->text;
	char *end;

	buf_clear(&block);
	while (!(end = text->p ? strstr(text->p, "\n\n") : NULL)) {
		if (!take_chunk(client, text))
			return "";
	}
	buf_add(&block, text->p, (size_t)(end - text->p) + 1);
	buf_drop(text, block.len + 1);
	return block.p;
}

static void copy_line(const char *block, const char *name, char *out, size_t cap)
{
	const char *at = strstr(block, name);

	out[0] = '\0';
	if (at && (at == block || at[-1] == '\n')) {
		at += strlen(name);
		(void)slice_cstr(slice_make(at, strcspn(at, "\n")), out, cap);
	}
}

bool stream_next(struct client *client, struct stream_event *ret_event)
{
	const char *block;
	const char *data;

	do {
		block = stream_block(client);
		if (!block[0])
			return false;
	} while (block[0] == ':');
	copy_line(block, "event: ", ret_event->name, sizeof(ret_event->name));
	copy_line(block, "id: ", ret_event->id, sizeof(ret_event->id));
	data = strstr(block, "data: ");
	ret_event->data = data ? json_loadb(data + 6, strcspn(data + 6, "\n"), 0, NULL) : NULL;
	return true;
}

void stream_event_done(struct stream_event *event)
{
	json_decref(event->data);
	event->data = NULL;
}
