/* tests/bench/load.c -- calls a server N times and measures what its mixer does.
 *
 *   bench_load --sip 127.0.0.1:5060 --legs 200 --rooms 1 --talkers 3 --seconds 8 --pid PID
 *   bench_load --echo --legs 200 --seconds 8 --pid PID < ports-of-the-reflector
 *
 * Its SIP is written out by hand and knows nothing of the server's stack: INVITE, ACK, BYE over
 * UDP, one call after the other. Prints one JSON object. Exit status 0 when it could measure; the
 * figures are for the caller to judge.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "tests/bench/rtp_load.h"

/* The server shares ports between legs of a host that has proven to send from where it says: the
 * first leg has time to prove it, so that what is measured is a host that was there before. */
enum { SIP_TRIES = 8, MESSAGE_MAX = 8192, PROOF_MS = 100 };

struct call {
	char id[64], to[512], target[256];
};

struct sip {
	int fd;
	uint16_t port;
	struct addr server;
	char server_text[ADDR_TEXT_MAX];
	uint32_t cseq;
};

struct options {
	const char *sip, *name, *suite; /* suite NULL: in the clear */
	const struct voice_format *format;
	uint32_t legs, rooms, talkers, seconds, warmup_s;
	int pid;
	bool is_echo, is_all_talking, is_marked;
};

static int sip_open(struct sip *sip, const char *server)
{
	int err = addr_parse(slice_of(server), &sip->server);

	if (!err)
		err = load_socket(&sip->fd, &sip->port);
	if (!err)
		err = load_connect(sip->fd, &sip->server);
	addr_text(&sip->server, sip->server_text);
	return err;
}

/* Value of a header field in a response, into out; false when missing. */
static bool header_of(const char *message, const char *name, char *out, size_t cap)
{
	const char *at = strstr(message, name), *end;

	if (!at)
		return false;
	at += strlen(name);
	end = strstr(at, "\r\n");
	if (!end)
		return false;
	snprintf(out, cap, "%.*s", (int)(end - at), at);
	return true;
}

/* Sends until a final response to this Call-ID and CSeq comes. Returns its status, 0 on silence. */
static int sip_ask(struct sip *sip, const char *request, const char *call_id, char *response)
{
	for (int try = 0; try < SIP_TRIES; try++) {
		struct pollfd wait = {sip->fd, POLLIN, 0};
		char cseq[32];

		(void)!send(sip->fd, request, strlen(request), 0);
		while (poll(&wait, 1, 500 << MIN_OF(try, 3)) > 0) {
			ssize_t got = recv(sip->fd, response, MESSAGE_MAX - 1, 0);
			if (got <= 0)
				break;
			response[got] = 0;
			if (strncmp(response, "SIP/2.0 ", 8) || !strstr(response, call_id) ||
			    atoi(response + 8) < 200 ||
			    !header_of(response, "CSeq: ", cseq, sizeof(cseq)) ||
			    (uint32_t)atoi(cseq) != sip->cseq)
				continue;
			return atoi(response + 8);
		}
	}
	return 0;
}

static void request_write(struct sip *sip, const struct call *call, const char *method,
			  const char *target, char *out)
{
	sprintf(out,
		"%s %s SIP/2.0\r\nVia: SIP/2.0/UDP "
		"127.0.0.1:%u;rport;branch=z9hG4bK%s%u\r\nMax-Forwards: 70\r\n"
		"From: <sip:bench@127.0.0.1>;tag=%s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
		"Contact: <sip:bench@127.0.0.1:%u>\r\n",
		method, target, sip->port, call->id, sip->cseq, call->id, call->to, call->id,
		sip->cseq, method, sip->port);
}

static int call_answered(struct sip *sip, struct call *call, const char *response,
			 struct addr *ret_rtp)
{
	char text[MESSAGE_MAX], contact[256], *m, *c;
	char ip[64];
	unsigned port;

	if (!header_of(response, "\r\nTo: ", call->to, sizeof(call->to)) ||
	    !header_of(response, "\r\nContact: <", contact, sizeof(contact)))
		return -EPROTO;
	snprintf(call->target, sizeof(call->target), "%.*s", (int)strcspn(contact, ">"), contact);
	request_write(sip, call, "ACK", call->target, text);
	strcat(text, "Content-Length: 0\r\n\r\n");
	(void)!send(sip->fd, text, strlen(text), 0);
	m = strstr(response, "\nm=audio ");
	c = strstr(response, "\nc=IN IP4 ");
	if (!m || !c || sscanf(m + 9, "%u", &port) != 1 || sscanf(c + 10, "%63[0-9.]", ip) != 1)
		return -EPROTO;
	if (addr_parse_ip(slice_of(ip), ret_rtp))
		return -EPROTO;
	addr_set_port(ret_rtp, (uint16_t)port);
	return 0;
}

static void offer_write(const struct load_leg *leg, const struct voice_format *format,
			uint16_t rtp_port, char *out, size_t cap)
{
	char rtpmap[64] = "", crypto[32 + 2 * SECURE_TEXT_MAX] = "", key[2 * SECURE_TEXT_MAX];

	if (format->rtpmap)
		snprintf(rtpmap, sizeof(rtpmap), "a=rtpmap:%u %s\r\n", format->pt, format->rtpmap);
	if (leg->secure) {
		secure_offer(leg->secure, key);
		snprintf(crypto, sizeof(crypto), "a=crypto:1 %s\r\n", key);
	}
	snprintf(out, cap,
		 "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		 "m=audio %u RTP/%s %u\r\n%s%sa=ptime:20\r\n",
		 rtp_port, leg->secure ? "SAVP" : "AVP", format->pt, rtpmap, crypto);
}

static int call_make(struct sip *sip, struct call *call, const struct load_leg *leg,
		     const char *sdp, struct addr *ret_rtp)
{
	static uint32_t serial;
	char text[MESSAGE_MAX], response[MESSAGE_MAX];
	uint32_t room = leg->room;
	int err;

	snprintf(call->id, sizeof(call->id), "b%d-%u", getpid(), ++serial);
	snprintf(call->target, sizeof(call->target), "sip:bench-%u@%s", room, sip->server_text);
	snprintf(call->to, sizeof(call->to), "<%s>", call->target);
	sip->cseq++;
	request_write(sip, call, "INVITE", call->target, text);
	sprintf(text + strlen(text),
		"Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", strlen(sdp), sdp);
	int status = sip_ask(sip, text, call->id, response);
	if (status != 200) {
		fprintf(stderr, "bench_load: call %u to room %u: status %d\n", serial, room,
			status);
		return -ECONNREFUSED;
	}
	err = call_answered(sip, call, response, ret_rtp);
	return err || !leg->secure ? err : secure_answer(leg->secure, response);
}

static void call_end(struct sip *sip, struct call *call)
{
	char text[MESSAGE_MAX], response[MESSAGE_MAX];

	sip->cseq++;
	request_write(sip, call, "BYE", call->target, text);
	strcat(text, "Content-Length: 0\r\n\r\n");
	(void)sip_ask(sip, text, call->id, response);
}

/* Leg i has seat i / rooms in room i % rooms. The first legs are markers; the seats after them are
 * talkers, then listeners. A room of few legs keeps somebody to listen. */
static void leg_cast(struct load_leg *leg, uint32_t i, const struct options *o)
{
	uint32_t markers = MIN_OF(LOAD_MARKERS, (o->legs + 3) / 4);
	uint32_t taken = (markers + o->rooms - 1 - i % o->rooms) /
			 o->rooms; /* seats of this room */
	uint32_t seat = i / o->rooms;

	leg->room = i % o->rooms;
	leg->marker = i;
	leg->role = LOAD_SILENT;
	if (i < markers)
		leg->role = LOAD_MARKER;
	else if (o->is_all_talking || seat < taken + o->talkers)
		leg->role = LOAD_TONE;
	leg->tone = seat % VOICE_TONES;
	leg->group = seat / VOICE_TONES;
	load_leg_init(leg);
}

static int echo_ports(struct load_leg *legs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct addr to;
		unsigned port;
		if (scanf("%u", &port) != 1)
			return -EPROTO;
		(void)addr_parse_ip(SLICE("127.0.0.1"), &to);
		addr_set_port(&to, (uint16_t)port);
		int err = load_connect(legs[i].fd, &to);
		if (err)
			return err;
	}
	return 0;
}

static int legs_connect(struct load_leg *legs, struct call *calls, struct sip *sip,
			const struct options *o)
{
	for (uint32_t i = 0; i < o->legs; i++) {
		struct addr remote;
		uint16_t port;
		char sdp[512];
		int err = load_socket(&legs[i].fd, &port);
		leg_cast(&legs[i], i, o);
		if (!err && o->suite)
			err = secure_new(o->suite, &legs[i].secure);
		if (!err && !o->is_echo) {
			offer_write(&legs[i], o->format, port, sdp, sizeof(sdp));
			err = call_make(sip, &calls[i], &legs[i], sdp, &remote);
		}
		if (!err && !o->is_echo)
			err = load_connect(legs[i].fd, &remote);
		if (err)
			return err;
		if (o->is_echo)
			continue;
		load_first_word(&legs[i], o->format);
		if (i == 0)
			usleep(PROOF_MS * 1000);
	}
	return o->is_echo ? echo_ports(legs, o->legs) : 0;
}

static bool options_read(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{"sip", 1, 0, 's'},     {"legs", 1, 0, 'l'},    {"rooms", 1, 0, 'r'},
		{"talkers", 1, 0, 't'}, {"seconds", 1, 0, 'n'}, {"warmup", 1, 0, 'w'},
		{"pid", 1, 0, 'p'},     {"echo", 0, 0, 'e'},    {"name", 1, 0, 'm'},
		{"format", 1, 0, 'f'},  {"suite", 1, 0, 'c'},   {0, 0, 0, 0},
	};
	*o = (struct options){.format = voice_format("PCMU"),
			      .name = "run",
			      .legs = 10,
			      .rooms = 1,
			      .talkers = 3,
			      .seconds = 8,
			      .warmup_s = 3};
	for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
		switch (c) {
		case 's':
			o->sip = optarg;
			break;
		case 'l':
			o->legs = (uint32_t)atoi(optarg);
			break;
		case 'r':
			o->rooms = (uint32_t)atoi(optarg);
			break;
		case 't':
			o->is_all_talking = !strcmp(optarg, "all");
			o->talkers = (uint32_t)atoi(optarg);
			break;
		case 'n':
			o->seconds = (uint32_t)atoi(optarg);
			break;
		case 'w':
			o->warmup_s = (uint32_t)atoi(optarg);
			break;
		case 'p':
			o->pid = atoi(optarg);
			break;
		case 'e':
			o->is_echo = true;
			break;
		case 'm':
			o->name = optarg;
			break;
		case 'f':
			o->format = voice_format(optarg);
			break;
		case 'c':
			o->suite = optarg;
			break;
		default:
			return false;
		}
	}
	return o->format && o->legs > 0 && o->rooms > 0 && o->seconds > 0 && (o->is_echo || o->sip);
}

int main(int argc, char **argv)
{
	struct options o;
	struct sip sip = {.fd = -1};
	struct load_result result;

	if (!options_read(argc, argv, &o)) {
		fprintf(stderr,
			"usage: bench_load --sip ADDRESS:PORT | --echo  --legs N [--rooms "
			"N] [--talkers N|all] "
			"[--seconds N] [--warmup N] [--pid N] [--name TEXT] [--format CODEC] "
			"[--suite SRTP-SUITE]\n");
		return 2;
	}
	struct load_leg *legs = calloc(o.legs, sizeof(*legs));
	struct call *calls = calloc(o.legs, sizeof(*calls));
	int err = legs && calls ? 0 : -ENOMEM;
	if (!err && !o.is_echo)
		err = sip_open(&sip, o.sip);
	if (!err)
		err = legs_connect(legs, calls, &sip, &o);
	struct load_run run = {legs, o.legs, o.format, o.warmup_s, o.seconds, o.pid, o.is_echo};
	if (!err)
		err = load_run(&run, &result);
	if (err)
		fprintf(stderr, "bench_load: %s\n", strerror(-err));
	else
		load_print_json(stdout, o.name, o.legs, &result);
	for (uint32_t i = 0; calls && !o.is_echo && i < o.legs && calls[i].id[0]; i++)
		call_end(&sip, &calls[i]);
	free(legs);
	free(calls);
	return err ? 1 : 0;
}
