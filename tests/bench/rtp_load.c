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

enum { HEADER = 12, MARKER_PACKETS = 5, TURN_PACKETS = 15, EVENTS = 256 };
static const double marker_amplitude = 9000.0;

struct histogram {
	uint64_t bucket[LOAD_HISTOGRAM], count;
	double max_ms;
};

struct engine {
	struct load_run *run;
	double tone_amplitude;
	int epoll;
	uint8_t *tones; /* [tone][50][160] */
	uint8_t marker[MARKER_PACKETS][LOAD_SAMPLES];
	uint64_t marker_sent_ns; /* last burst's first packet */
	uint64_t marker_number;  /* bursts so far */
	uint32_t marker_turn;    /* whose the last one was */
	bool is_measuring;
	uint64_t window_end_ns;
	struct histogram gaps, delays;
	uint64_t lost;
};

static uint64_t now_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* G.711 mu-law of the bench's own, so that a fault of the server's tables cannot hide itself. */
static uint8_t ulaw(double value)
{
	int sample = (int)lrint(value), sign = sample < 0 ? 0x80 : 0, exponent = 7;

	sample = (sample < 0 ? -sample : sample) + 132;
	if (sample > 32767)
		sample = 32767;
	for (int mask = 0x4000; exponent > 0 && !(sample & mask); mask >>= 1)
		exponent--;
	return (uint8_t) ~(sign | exponent << 4 | ((sample >> (exponent + 3)) & 15));
}

static double linear(uint8_t octet)
{
	int u = ~octet & 0xff, value = (((u & 15) << 3) + 132) << ((u >> 4) & 7);

	return (u & 0x80) ? 132 - value : value - 132;
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

void load_first_word(const struct load_leg *leg)
{
	uint8_t packet[HEADER + LOAD_SAMPLES] = {0x80, 0x80};

	memset(packet + HEADER, 0xff, LOAD_SAMPLES);
	(void)!send(leg->fd, packet, sizeof(packet), 0);
}

static int tones_make(struct engine *e)
{
	e->tones = malloc((size_t)LOAD_TALKERS_MAX * LOAD_PACKETS_SECOND * LOAD_SAMPLES);
	if (!e->tones)
		return -ENOMEM;
	for (size_t t = 0; t < LOAD_TALKERS_MAX; t++)
		for (size_t i = 0; i < 8000; i++)
			e->tones[t * 8000 + i] = ulaw(
				e->tone_amplitude *
				sin(2 * M_PI *
				    (double)(LOAD_TONE_HZ_FIRST + t * LOAD_TONE_HZ_STEP) *
				    (double)i / 8000));
	for (size_t i = 0; i < MARKER_PACKETS * LOAD_SAMPLES; i++)
		e->marker[i / LOAD_SAMPLES][i % LOAD_SAMPLES] = ulaw(
			marker_amplitude * sin(2 * M_PI * LOAD_MARKER_HZ * (double)i / 8000));
	return 0;
}

static const uint8_t *leg_payload(struct engine *e, const struct load_leg *leg, bool *ret_is_onset)
{
	static const uint8_t silence[LOAD_SAMPLES] = {[0 ... LOAD_SAMPLES - 1] = 0xff};
	uint64_t at = leg->packets_sent % LOAD_PACKETS_SECOND;

	*ret_is_onset = false;
	if (leg->role == LOAD_MARKER) {
		uint64_t turn = leg->packets_sent % (LOAD_MARKERS * TURN_PACKETS);

		if (turn / TURN_PACKETS != leg->marker || turn % TURN_PACKETS >= MARKER_PACKETS)
			return silence;
		*ret_is_onset = turn % TURN_PACKETS == 0;
		return e->marker[turn % TURN_PACKETS];
	}
	if (leg->role == LOAD_SILENT)
		return silence;
	size_t tone = (leg->tone_hz - LOAD_TONE_HZ_FIRST) / LOAD_TONE_HZ_STEP;
	return e->tones + (tone * LOAD_PACKETS_SECOND + at) * LOAD_SAMPLES;
}

static void leg_send(struct engine *e, struct load_leg *leg)
{
	uint8_t packet[HEADER + LOAD_SAMPLES];
	bool is_onset;

	memcpy(packet + HEADER, leg_payload(e, leg, &is_onset), LOAD_SAMPLES);
	packet[0] = 0x80;
	packet[1] = leg->packets_sent ? 0 : 0x80;
	packet[2] = (uint8_t)(leg->seq >> 8);
	packet[3] = (uint8_t)leg->seq;
	for (int i = 0; i < 4; i++) {
		packet[4 + i] = (uint8_t)(leg->timestamp >> (24 - 8 * i));
		packet[8 + i] = (uint8_t)(leg->ssrc >> (24 - 8 * i));
	}
	if (is_onset) {
		e->marker_sent_ns = now_ns(CLOCK_REALTIME);
		e->marker_number++;
		e->marker_turn = leg->marker;
	}
	(void)!send(leg->fd, packet, sizeof(packet), 0);
	leg->seq++;
	leg->timestamp += LOAD_SAMPLES;
	leg->packets_sent++;
}

/* Power at `hz` as an amplitude, by Goertzel. */
static double tone_in(const uint8_t *octets, size_t count, double hz)
{
	double w = 2 * M_PI * hz / 8000, c = 2 * cos(w), s1 = 0, s2 = 0;

	for (size_t i = 0; i < count; i++) {
		double s = linear(octets[i]) + c * s1 - s2;
		s2 = s1;
		s1 = s;
	}
	return 2 * sqrt(fabs(s1 * s1 + s2 * s2 - c * s1 * s2)) / (double)count;
}

static void leg_heard(struct engine *e, struct load_leg *leg, const uint8_t *payload,
		      uint64_t at_ns)
{
	bool is_own = leg->role == LOAD_MARKER && leg->marker == e->marker_turn;

	if (!is_own && leg->marker_heard != e->marker_number && !e->run->is_echo &&
	    tone_in(payload, LOAD_SAMPLES, LOAD_MARKER_HZ) > marker_amplitude * 0.05) {
		leg->marker_heard = e->marker_number;
		if (e->is_measuring)
			histogram_add(&e->delays,
				      ((double)at_ns - (double)e->marker_sent_ns) / 1e6);
	}
	if (e->is_measuring && at_ns + 1100000000u > e->window_end_ns &&
	    leg->heard_packets < LOAD_PACKETS_SECOND)
		memcpy(leg->heard + LOAD_SAMPLES * leg->heard_packets++, payload, LOAD_SAMPLES);
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
		size_t header = HEADER + 4u * (packet[0] & 15);
		if (got < HEADER || (packet[1] & 0x7f) != 0 || (size_t)got != header + LOAD_SAMPLES)
			continue; /* RTCP never comes here: its port is the next one */
		uint64_t at = stamp_ns(&msg);
		leg_count(e, leg, (uint16_t)(packet[2] << 8 | packet[3]), at);
		leg_heard(e, leg, packet + header, at);
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
			if (talker->role != LOAD_TONE || talker->room != leg->room)
				continue;
			bool is_heard = leg->heard_packets == LOAD_PACKETS_SECOND &&
					tone_in(leg->heard, sizeof(leg->heard), talker->tone_hz) >
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
		run->legs[i].ssrc = (uint32_t)random();
		run->legs[i].seq = (uint16_t)random();
	}
	qsort(run->legs, run->legs_count, sizeof(*run->legs), by_phase);
	for (uint32_t i = 0; i < run->legs_count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &run->legs[i]};
		if (epoll_ctl(e->epoll, EPOLL_CTL_ADD, run->legs[i].fd, &event) < 0)
			return -errno;
	}
	e->tone_amplitude = amplitude_for(run);
	return tones_make(e);
}

int load_run(struct load_run *run, struct load_result *ret_result)
{
	struct engine *e = calloc(1, sizeof(*e));
	int err = e ? engine_init(e, run) : -ENOMEM;

	if (err)
		goto done;
	uint64_t start = now_ns(CLOCK_MONOTONIC) + 1000000;
	engine_drive(e, start, start + run->warmup_s * 1000000000ull);
	e->is_measuring = true;
	e->window_end_ns = now_ns(CLOCK_REALTIME) + run->seconds * 1000000000ull;
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
	r.expected = (uint64_t)(leg_seconds * LOAD_PACKETS_SECOND);
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
		result_check(e, &r);
	*ret_result = r;
done:
	if (e) {
		if (e->epoll > 0)
			close(e->epoll);
		free(e->tones);
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
