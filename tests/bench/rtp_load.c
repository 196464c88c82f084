/* Design: one thread, one epoll. Each millisecond the legs whose phase falls into it send; in
 * between whatever arrives is read. A packet costs one send or one recvmsg, no allocation. */
#include "tests/bench/rtp_load.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	HEADER = 12,
	TAG_MAX = 16,
	MARKER_PACKETS = 5,
	TURN_PACKETS = 15,
	EVENTS = 256,
	GROUP_ALL = 1000000, /* everybody talks */
	HUSH_MS = 800,       /* until only the group whose turn it is can be heard */
	LISTEN_MS = 1100     /* a second of packets and a little more */
};
#define HELD_UP_NS 200000000u
static const double marker_amplitude = 9000.0;

struct histogram {
	uint64_t bucket[LOAD_HISTOGRAM], count;
	double max_ms;
};

struct engine {
	struct load_run *run;
	double tone_amplitude;
	int epoll;
	struct voice_packet *tones, *silence, *marker;
	uint64_t marker_sent_ns; /* last burst's first packet */
	uint64_t marker_number;  /* bursts so far */
	uint32_t marker_turn;    /* whose the last one was */
	bool is_measuring, is_listening;
	uint32_t group; /* whose turn it is to talk, or GROUP_ALL */
	struct histogram gaps, delays;
	uint64_t lost;
};

static uint64_t now_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void histogram_add(struct histogram *h, double ms)
{
	int i = (int)(ms * 2);

	h->bucket[i < 0 ? 0 : i >= LOAD_HISTOGRAM ? LOAD_HISTOGRAM - 1 : i]++;
	h->count++;
	if (ms > h->max_ms)
		h->max_ms = ms;
}

/* Upper edge of the bucket that holds the quantile. */
static double histogram_at(const struct histogram *h, double quantile)
{
	uint64_t seen = 0, want = (uint64_t)ceil(quantile * (double)h->count);

	for (int i = 0; i < LOAD_HISTOGRAM; i++) {
		seen += h->bucket[i];
		if (want > 0 && seen >= want)
			return (i + 1) / 2.0;
	}
	return 0;
}

int load_socket(int *ret_fd, uint16_t *ret_port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&in, len) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&in, &len) < 0) {
		int err = -errno;
		close(fd);
		return err;
	}
	*ret_fd = fd;
	*ret_port = ntohs(in.sin_port);
	return 0;
}

int load_connect(int fd, const struct addr *remote)
{
	return connect(fd, &remote->sa, addr_len(remote)) < 0 ? -errno : 0;
}

void load_leg_init(struct load_leg *leg)
{
	leg->ssrc = (uint32_t)random();
	leg->seq = (uint16_t)(random() & 0x7fff);
}

static void packet_send(struct load_leg *leg, const struct voice_format *format, bool has_marker,
			const struct voice_packet *payload)
{
	uint8_t packet[HEADER + VOICE_OCTETS_MAX + TAG_MAX] = {0x80};
	int len;

	packet[1] = (uint8_t)(format->pt | (has_marker ? 0x80 : 0));
	packet[2] = (uint8_t)(leg->seq >> 8);
	packet[3] = (uint8_t)leg->seq;
	for (int i = 0; i < 4; i++) {
		packet[4 + i] = (uint8_t)(leg->timestamp >> (24 - 8 * i));
		packet[8 + i] = (uint8_t)(leg->ssrc >> (24 - 8 * i));
	}
	memcpy(packet + HEADER, payload->data, payload->len);
	len = secure_protect(leg->secure, packet, HEADER + payload->len);
	if (len > 0)
		(void)!send(leg->fd, packet, (size_t)len, 0);
	leg->seq++;
}

void load_first_word(struct load_leg *leg, const struct voice_format *format)
{
	struct voice_packet *silence = voice_silence(format);

	if (!silence)
		return;
	packet_send(leg, format, true, silence);
	leg->spoke_ns = now_ns(CLOCK_MONOTONIC);
	free(silence);
}

static int voices_make(struct engine *e)
{
	e->tones = voice_tones(e->run->format, e->tone_amplitude);
	e->silence = voice_silence(e->run->format);
	e->marker = voice_marker(e->run->format, LOAD_MARKER_HZ, marker_amplitude);
	return e->tones && e->silence && e->marker ? 0 : -ENOMEM;
}

static bool has_markers(const struct engine *e)
{
	return !e->run->is_echo && e->run->format->codec == MEDIA_CODEC_PCMU;
}

static const struct voice_packet *leg_payload(struct engine *e, const struct load_leg *leg,
					      bool *ret_is_onset)
{
	uint64_t at = leg->packets_sent % VOICE_PACKETS;

	*ret_is_onset = false;
	if (leg->role == LOAD_MARKER && has_markers(e)) {
		uint64_t turn = leg->packets_sent % (LOAD_MARKERS * TURN_PACKETS);

		if (turn / TURN_PACKETS != leg->marker || turn % TURN_PACKETS >= MARKER_PACKETS)
			return &e->silence[at];
		*ret_is_onset = turn % TURN_PACKETS == 0;
		return &e->marker[turn % TURN_PACKETS];
	}
	if (e->group != GROUP_ALL && leg->group != e->group)
		return &e->silence[at];
	return leg->role == LOAD_TONE ? &e->tones[leg->tone * VOICE_PACKETS + at] : &e->silence[at];
}

static void leg_send(struct engine *e, struct load_leg *leg)
{
	const struct codec *codec = codec_find(e->run->format->codec);
	const struct voice_packet *payload;
	bool is_onset;

	payload = leg_payload(e, leg, &is_onset);
	if (is_onset) {
		e->marker_sent_ns = now_ns(CLOCK_REALTIME);
		e->marker_number++;
		e->marker_turn = leg->marker;
	}
	packet_send(leg, e->run->format, leg->packets_sent == 0, payload);
	leg->timestamp += codec->clock_hz / VOICE_PACKETS;
	leg->packets_sent++;
}

static void leg_heard(struct engine *e, struct load_leg *leg, const struct voice_packet *payload,
		      uint64_t at_ns)
{
	bool is_own = leg->role == LOAD_MARKER && leg->marker == e->marker_turn;

	if (has_markers(e) && !is_own && leg->marker_heard != e->marker_number &&
	    voice_tone_in(e->run->format, payload, 1, LOAD_MARKER_HZ) > marker_amplitude * 0.05) {
		leg->marker_heard = e->marker_number;
		if (e->is_measuring)
			histogram_add(&e->delays,
				      ((double)at_ns - (double)e->marker_sent_ns) / 1e6);
	}
	if (e->is_listening && leg->heard_packets < VOICE_PACKETS)
		leg->heard[leg->heard_packets++] = *payload;
}

static void leg_count(struct engine *e, struct load_leg *leg, uint16_t seq, uint64_t at_ns)
{
	int16_t ahead = (int16_t)(seq - leg->seq_max);

	if (leg->received++ == 0) {
		leg->seq_max = seq;
	} else if (ahead > 0) {
		if (e->is_measuring && leg->received_window > 0)
			e->lost += (uint64_t)ahead - 1;
		leg->seq_max = seq;
	} else if (ahead == 0) {
		leg->duplicates++;
	}
	if (e->is_measuring && leg->arrival_ns)
		histogram_add(&e->gaps, ((double)at_ns - (double)leg->arrival_ns) / 1e6);
	leg->arrival_ns = at_ns;
	leg->received_window += e->is_measuring;
}

static uint64_t stamp_ns(struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
			struct timespec ts;
			memcpy(&ts, CMSG_DATA(c), sizeof(ts));
			return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
		}
	}
	return now_ns(CLOCK_REALTIME);
}

static void leg_packet(struct engine *e, struct load_leg *leg, const uint8_t *packet, int len,
		       uint64_t at_ns)
{
	int header = HEADER + 4 * (packet[0] & 15);
	struct voice_packet payload;

	if (len < header || len - header > VOICE_OCTETS_MAX ||
	    (packet[1] & 0x7f) != e->run->format->pt)
		return; /* RTCP never comes here: its port is the next one */
	payload.len = (uint16_t)(len - header);
	memcpy(payload.data, packet + header, payload.len);
	leg_count(e, leg, (uint16_t)(packet[2] << 8 | packet[3]), at_ns);
	leg_heard(e, leg, &payload, at_ns);
}

static void leg_receive(struct engine *e, struct load_leg *leg)
{
	uint8_t packet[1500], control[128];
	struct iovec iov = {packet, sizeof(packet)};

	for (;;) {
		struct msghdr msg = {.msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = control,
				     .msg_controllen = sizeof(control)};
		ssize_t got = recvmsg(leg->fd, &msg, 0);
		if (got < 0)
			return;
		leg_packet(e, leg, packet, secure_unprotect(leg->secure, packet, (int)got),
			   stamp_ns(&msg));
	}
}

/* Receives until `until`, then returns. */
static void engine_receive(struct engine *e, uint64_t until_ns)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		uint64_t now = now_ns(CLOCK_MONOTONIC);
		struct timespec wait = {.tv_nsec = now < until_ns ? (long)(until_ns - now) : 0};
		int n = epoll_pwait2(e->epoll, events, EVENTS, &wait, NULL);
		for (int i = 0; i < n; i++)
			leg_receive(e, events[i].data.ptr);
		if (now_ns(CLOCK_MONOTONIC) >= until_ns)
			return;
	}
}

/* CPU time of a process in ns: the sum over its threads. */
static uint64_t cpu_ns(int pid)
{
	char path[320];
	uint64_t total = 0, on_cpu;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *dir = opendir(path);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, entry->d_name);
		FILE *f = entry->d_name[0] == '.' ? NULL : fopen(path, "r");
		if (f && fscanf(f, "%lu", &on_cpu) == 1)
			total += on_cpu;
		if (f)
			fclose(f);
	}
	if (dir)
		closedir(dir);
	return total;
}

static void engine_drive(struct engine *e, uint64_t start_ns, uint64_t end_ns)
{
	struct load_run *run = e->run;
	uint32_t next = 0; /* legs are sorted by phase: walk round */
	uint64_t round_ns = start_ns;

	while (round_ns < end_ns) {
		struct load_leg *leg = &run->legs[next];
		uint64_t due = round_ns + leg->phase_ns;
		if (due > now_ns(CLOCK_MONOTONIC))
			engine_receive(e, due);
		leg_send(e, leg);
		if (++next == run->legs_count) {
			next = 0;
			round_ns += 20000000;
			if (now_ns(CLOCK_MONOTONIC) > round_ns + HELD_UP_NS)
				round_ns = now_ns(CLOCK_MONOTONIC); /* it was stopped: no burst */
		}
	}
}

/* Every leg must hear every talker of its room and not itself; the marker talker is proven by the
 * delays. */
static void result_check(const struct engine *e, struct load_result *r)
{
	const struct load_run *run = e->run;

	for (uint32_t i = 0; i < run->legs_count; i++) {
		const struct load_leg *leg = &run->legs[i];
		for (uint32_t j = 0; j < run->legs_count; j++) {
			const struct load_leg *talker = &run->legs[j];
			if (talker->role != LOAD_TONE || talker->room != leg->room ||
			    talker->group != e->group)
				continue;
			bool is_heard = leg->heard_packets == VOICE_PACKETS &&
					voice_tone_in(run->format, leg->heard, VOICE_PACKETS,
						      VOICE_TONE_HZ_FIRST +
							      talker->tone * VOICE_TONE_HZ_STEP) >
						e->tone_amplitude * 0.25;
			if (i == j) {
				r->self_heard += is_heard;
				continue;
			}
			r->checks++;
			r->checks_failed += !is_heard;
		}
	}
}

/* There are fewer tones than talkers in a large room. So behind the measured time those who share
 * no tone, a group, talk alone, one group after the other, and all listen. */
static void groups_check(struct engine *e, struct load_result *r)
{
	struct load_run *run = e->run;
	uint32_t groups = 0;

	for (uint32_t i = 0; i < run->legs_count; i++)
		if (run->legs[i].role == LOAD_TONE && run->legs[i].group >= groups)
			groups = run->legs[i].group + 1;
	for (e->group = 0; e->group < groups; e->group++) {
		uint64_t from = now_ns(CLOCK_MONOTONIC), heard = from + HUSH_MS * 1000000ull;

		engine_drive(e, from, heard);
		for (uint32_t i = 0; i < run->legs_count; i++)
			run->legs[i].heard_packets = 0;
		e->is_listening = true;
		engine_drive(e, heard, heard + LISTEN_MS * 1000000ull);
		e->is_listening = false;
		result_check(e, r);
	}
}

/* So soft that the talkers of one room together stay clear of full scale: what is measured is
 * the mix, not the limiter. */
static double amplitude_for(const struct load_run *run)
{
	uint32_t talkers = 0;

	for (uint32_t i = 0; i < run->legs_count; i++)
		talkers += run->legs[i].room == 0 && run->legs[i].role == LOAD_TONE;
	return fmin(1200.0, 5000.0 / sqrt(talkers ? talkers : 1));
}

static int by_phase(const void *a, const void *b)
{
	const struct load_leg *x = a, *y = b;

	return x->phase_ns < y->phase_ns ? -1 : x->phase_ns > y->phase_ns;
}

static int engine_init(struct engine *e, struct load_run *run)
{
	e->run = run;
	e->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (e->epoll < 0)
		return -errno;
	srandom(1);
	for (uint32_t i = 0; i < run->legs_count; i++) {
		run->legs[i].phase_ns = (uint64_t)random() % 20000000u;
		if (run->legs[i].role == LOAD_MARKER)
			run->legs[i].phase_ns = (2 * run->legs[i].marker + 1) * 10000000u /
						LOAD_MARKERS;
		if (run->legs[i].spoke_ns) /* silence meanwhile */
			run->legs[i].timestamp =
				(uint32_t)((now_ns(CLOCK_MONOTONIC) - run->legs[i].spoke_ns) *
					   codec_find(run->format->codec)->clock_hz / 1000000000u);
	}
	qsort(run->legs, run->legs_count, sizeof(*run->legs), by_phase);
	for (uint32_t i = 0; i < run->legs_count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &run->legs[i]};
		if (epoll_ctl(e->epoll, EPOLL_CTL_ADD, run->legs[i].fd, &event) < 0)
			return -errno;
	}
	e->group = GROUP_ALL;
	e->tone_amplitude = amplitude_for(run);
	return voices_make(e);
}

/* While calls are made nobody reads, so every leg's socket fills with seconds of sound. To read
 * that amid the first seconds of sending would make the sending late in bursts, and the server
 * rightly takes that for jitter. Ends when a round over all legs finds hardly more than came
 * meanwhile. */
static void backlog_drop(const struct load_run *run)
{
	uint8_t octet;
	uint32_t dropped;

	do {
		dropped = 0;
		for (uint32_t i = 0; i < run->legs_count; i++)
			while (recv(run->legs[i].fd, &octet, sizeof(octet), 0) >= 0)
				dropped++;
	} while (dropped > run->legs_count * 4);
}

int load_run(struct load_run *run, struct load_result *ret_result)
{
	struct engine *e = calloc(1, sizeof(*e));
	int err = e ? engine_init(e, run) : -ENOMEM;

	if (err)
		goto done;
	backlog_drop(run);
	uint64_t start = now_ns(CLOCK_MONOTONIC) + 1000000;
	engine_drive(e, start, start + run->warmup_s * 1000000000ull);
	e->is_measuring = true;
	uint64_t cpu_before = run->server_pid ? cpu_ns(run->server_pid) : 0,
		 own_before = cpu_ns(getpid());
	uint64_t from = now_ns(CLOCK_MONOTONIC);
	engine_drive(e, from, from + run->seconds * 1000000000ull);
	struct load_result r = {.seconds = (double)(now_ns(CLOCK_MONOTONIC) - from) / 1e9};
	double leg_seconds = r.seconds * run->legs_count;
	r.server_us_per_leg_second = run->server_pid
					     ? (double)(cpu_ns(run->server_pid) - cpu_before) /
						       1e3 / leg_seconds
					     : 0;
	r.load_us_per_leg_second = (double)(cpu_ns(getpid()) - own_before) / 1e3 / leg_seconds;
	e->is_measuring = false;
	r.expected = (uint64_t)(leg_seconds * VOICE_PACKETS);
	for (uint32_t i = 0; i < run->legs_count; i++)
		r.received += run->legs[i].received_window;
	r.lost = e->lost;
	r.gap_p50_ms = histogram_at(&e->gaps, 0.5);
	r.gap_p99_ms = histogram_at(&e->gaps, 0.99);
	r.gap_max_ms = e->gaps.max_ms;
	r.delays = e->delays.count;
	r.delay_p50_ms = histogram_at(&e->delays, 0.5);
	r.delay_p99_ms = histogram_at(&e->delays, 0.99);
	r.delay_max_ms = e->delays.max_ms;
	if (!run->is_echo)
		groups_check(e, &r);
	*ret_result = r;
done:
	if (e) {
		if (e->epoll > 0)
			close(e->epoll);
		free(e->tones);
		free(e->silence);
		free(e->marker);
	}
	free(e);
	return err;
}

void load_print_json(FILE *out, const char *name, uint32_t legs, const struct load_result *r)
{
	fprintf(out,
		"{\"name\": \"%s\", \"legs\": %u, \"seconds\": %.2f, \"expected\": %lu, "
		"\"received\": %lu, \"lost\": %lu, "
		"\"gap_p50_ms\": %.1f, \"gap_p99_ms\": %.1f, \"gap_max_ms\": %.1f, "
		"\"delays\": %lu, \"delay_p50_ms\": %.1f, \"delay_p99_ms\": %.1f, "
		"\"delay_max_ms\": %.1f, "
		"\"checks\": %lu, \"checks_failed\": %lu, \"self_heard\": %lu, "
		"\"server_us_per_leg_second\": %.1f, \"load_us_per_leg_second\": %.1f}\n",
		name, legs, r->seconds, r->expected, r->received, r->lost, r->gap_p50_ms,
		r->gap_p99_ms, r->gap_max_ms, r->delays, r->delay_p50_ms, r->delay_p99_ms,
		r->delay_max_ms, r->checks, r->checks_failed, r->self_heard,
		r->server_us_per_leg_second, r->load_us_per_leg_second);
}
