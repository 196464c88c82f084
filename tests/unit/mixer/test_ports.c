/* tests/unit/mixer/test_ports.c -- range 15900 to 15999, but for the rows that say otherwise. */
#include "mixer/ports.h"

#include <errno.h>
#include <netinet/ip.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/err.h"
#include "tests/support/check.h"

enum { LOW = 15900, HIGH = 15919, PAIRS = 10, REST_MS = 1000 };

static struct random rng;

static struct addr local_addr(const char *text)
{
	struct addr addr = {0};

	CHECK_INT(text, addr_parse_ip(slice_of(text), &addr), 0);
	return addr;
}

static struct ports *make_warm(uint16_t low, uint16_t high, uint32_t warm_max)
{
	struct ports_params params = {low, high, REST_MS, warm_max, &rng};
	struct ports *ports = NULL;

	random_init_seeded(&rng, 1);
	CHECK_INT("new", ports_new(&params, &ports), 0);
	return ports;
}

static struct ports *make(uint16_t low, uint16_t high)
{
	return make_warm(low, high, 0);
}

static void ranges(void)
{
	static const struct {
		const char *row;
		uint16_t low, high;
		int err;
		uint32_t pairs;
	} cases[] = {
		{"one pair", 15900, 15901, 0, 1},
		{"odd ends", 15901, 15905, 0, 2},
		{"the last ports there are", 65534, 65535, 0, 1},
		{"odd port alone", 15901, 15901, -EINVAL, 0},
		{"odd port and the next", 15901, 15902, -EINVAL, 0},
		{"backwards", 15910, 15900, -EINVAL, 0},
		{"port 0", 0, 100, -EINVAL, 0},
		{"odd at the end of all", 65535, 65535, -EINVAL, 0},
		{"the default range", 16384, 32767, 0, 8192},
	};

	random_init_seeded(&rng, 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ports_params params = {cases[i].low, cases[i].high, REST_MS, 0, &rng};
		struct ports *ports = NULL;

		CHECK_INT(cases[i].row, ports_new(&params, &ports), cases[i].err);
		if (ports)
			CHECK_INT(cases[i].row, ports_free_count(ports), cases[i].pairs);
		ports_free(ports);
	}
}

static int bound_port(int fd)
{
	struct addr addr = {0};
	socklen_t len = sizeof(addr);

	return getsockname(fd, &addr.sa, &len) == 0 ? addr_port(&addr) : -1;
}

static void a_pair_is_even_and_odd(const char *ip)
{
	struct ports *ports = make(LOW, HIGH);
	struct addr local = local_addr(ip);
	struct port_pair pair;
	int tos = 0;
	socklen_t len = sizeof(tos);

	if (CHECK_INT(ip, ports_take(ports, &local, 0, &pair), 0)) {
		uint16_t port = addr_port(&pair.local);

		CHECK(ip, port % 2 == 0 && port >= LOW && port < HIGH);
		CHECK(ip, addr_eq_ip(&pair.local, &local));
		CHECK_INT(ip, bound_port(pair.rtp_fd), port);
		CHECK_INT(ip, bound_port(pair.rtcp_fd), port + 1);
		if (addr_is_v6(&local))
			(void)getsockopt(pair.rtp_fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, &len);
		else
			(void)getsockopt(pair.rtp_fd, IPPROTO_IP, IP_TOS, &tos, &len);
		CHECK_INT("DSCP EF", tos, 46 << 2);
		ports_give(ports, &pair, 0);
		CHECK_INT(ip, pair.rtp_fd, -1);
	}
	ports_free(ports);
}

static void v4(void)
{
	a_pair_is_even_and_odd("127.0.0.1");
	a_pair_is_even_and_odd("0.0.0.0");
}

static void v6(void)
{
	int probe = socket(AF_INET6, SOCK_DGRAM, 0);
	struct addr loopback = local_addr("::1");

	/* A machine without IPv6 has nothing to test here. */
	if (probe >= 0 && bind(probe, &loopback.sa, addr_len(&loopback)) == 0) {
		a_pair_is_even_and_odd("::1");
		a_pair_is_even_and_odd("::");
	}
	if (probe >= 0)
		close(probe);
}

/* Takes everything, is refused, gives all back, rests, takes again. */
static void exhausted_and_rested(void)
{
	struct ports *ports = make(LOW, HIGH);
	struct addr local = local_addr("127.0.0.1");
	struct port_pair pairs[PAIRS], extra = {.rtp_fd = -7};
	bool seen[PAIRS] = {false};

	for (int i = 0; i < PAIRS; i++) {
		if (!CHECK_INT("take", ports_take(ports, &local, 0, &pairs[i]), 0))
			return;
		seen[(addr_port(&pairs[i].local) - LOW) / 2] = true;
	}
	for (int i = 0; i < PAIRS; i++)
		CHECK("each pair once", seen[i]);
	CHECK_INT("none left", ports_free_count(ports), 0);
	CHECK_INT("none left", ports_take(ports, &local, 0, &extra), ERR_MEDIA_NO_PORTS);
	CHECK_INT("output untouched", extra.rtp_fd, -7);
	for (int i = 0; i < PAIRS; i++)
		ports_give(ports, &pairs[i], 500 + (uint64_t)i);
	CHECK_INT("all back", ports_free_count(ports), PAIRS);
	CHECK_INT("they rest", ports_take(ports, &local, 500 + REST_MS - 1, &extra),
		  ERR_MEDIA_NO_PORTS);
	CHECK_INT("first freed, first used", ports_take(ports, &local, 500 + REST_MS, &extra), 0);
	CHECK("first freed, first used", addr_eq(&extra.local, &pairs[0].local));
	ports_give(ports, &extra, 500 + REST_MS);
	ports_free(ports);
}

/* Somebody else has the RTP port of one pair and the RTCP port of another. */
static void refused_ports_are_passed_over(void)
{
	struct ports *ports = make(LOW, LOW + 5);
	struct addr local = local_addr("127.0.0.1"), taken = local;
	struct port_pair pair, second;
	int a = socket(AF_INET, SOCK_DGRAM, 0), b = socket(AF_INET, SOCK_DGRAM, 0);
	int next, spare;

	addr_set_port(&taken, LOW);
	CHECK_INT("foreign", bind(a, &taken.sa, addr_len(&taken)), 0);
	addr_set_port(&taken, LOW + 3);
	CHECK_INT("foreign", bind(b, &taken.sa, addr_len(&taken)), 0);
	next = dup(a); /* the lowest descriptor that is free */
	close(next);
	if (CHECK_INT("the third", ports_take(ports, &local, 0, &pair), 0)) {
		CHECK_INT("nothing stays open", pair.rtp_fd + pair.rtcp_fd, next + next + 1);
		CHECK_INT("the third", addr_port(&pair.local), LOW + 4);
		CHECK_INT("no more", ports_take(ports, &local, 0, &second), ERR_MEDIA_NO_PORTS);
		spare = dup(a);
		CHECK_INT("nothing stays open", spare, next + 2);
		close(spare);
		close(a);
		close(b);
		if (CHECK_INT("later", ports_take(ports, &local, 2 * REST_MS, &second), 0))
			ports_give(ports, &second, 0);
		ports_give(ports, &pair, 0);
	}
	ports_free(ports);
}

/* What is not the port's fault costs no pair. */
static void other_errors(void)
{
	struct ports *ports = make(LOW, HIGH);
	struct addr local = local_addr("192.0.2.77"), unset = {0};
	struct port_pair pair;
	struct rlimit before, none;

	CHECK_INT("not our address", ports_take(ports, &local, 0, &pair), -EADDRNOTAVAIL);
	CHECK_INT("no address", ports_take(ports, &unset, 0, &pair), -EINVAL);
	local = local_addr("127.0.0.1");
	if (getrlimit(RLIMIT_NOFILE, &before) == 0) {
		none = before;
		none.rlim_cur = 3; /* the standard ones only */
		(void)setrlimit(RLIMIT_NOFILE, &none);
		CHECK_INT("no descriptors", ports_take(ports, &local, 0, &pair), -EMFILE);
		(void)setrlimit(RLIMIT_NOFILE, &before);
	}
	CHECK_INT("nothing lost", ports_free_count(ports), PAIRS);
	ports_free(ports);
}

/* Warm pairs -------------------------------------------------------------------------------- */

static void send_to(const struct addr *to, int count)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	for (int i = 0; i < count; i++)
		(void)!sendto(fd, "x", 1, 0, &to->sa, addr_len(to));
	close(fd);
}

static void a_warm_pair_is_used_again(void)
{
	struct ports *ports = make_warm(LOW, HIGH, 2);
	struct addr local = local_addr("127.0.0.1");
	struct port_pair a, b, c, again = {0};
	uint16_t port;
	int fd;

	CHECK_INT("a", ports_take(ports, &local, 0, &a), 0);
	CHECK_INT("b", ports_take(ports, &local, 0, &b), 0);
	CHECK_INT("c", ports_take(ports, &local, 0, &c), 0);
	port = addr_port(&a.local);
	fd = a.rtp_fd;
	ports_give(ports, &a, 0);
	ports_give(ports, &b, 0);
	ports_give(ports, &c, 0);
	CHECK_INT("the caller's is gone", a.rtp_fd, -1);
	CHECK_INT("at most two", ports_warm_count(ports), 2);
	CHECK_INT("all are free", ports_free_count(ports), PAIRS);
	CHECK_INT("while it rests", ports_take(ports, &local, REST_MS - 1, &again), 0);
	CHECK("another one", addr_port(&again.local) != port);
	ports_give(ports, &again, 0); /* no room: closed */
	CHECK_INT("rested", ports_take(ports, &local, REST_MS, &again), 0);
	CHECK_INT("the same port", addr_port(&again.local), port);
	CHECK_INT("the same socket", again.rtp_fd, fd);
	CHECK_INT("one left", ports_warm_count(ports), 1);
	ports_give(ports, &again, REST_MS);
	ports_free(ports);
}

/* The last words of an old peer never reach a new one. */
static void what_waits_in_a_warm_pair_is_thrown_away(void)
{
	struct ports *ports = make_warm(LOW, LOW + 3, 2);
	struct addr local = local_addr("127.0.0.1"), rtcp;
	struct port_pair first, second, got = {0};
	uint16_t port;
	char octet;

	CHECK_INT("first", ports_take(ports, &local, 0, &first), 0);
	send_to(&first.local, 5);
	rtcp = first.local;
	addr_set_port(&rtcp, (uint16_t)(addr_port(&rtcp) + 1));
	send_to(&rtcp, 1);
	port = addr_port(&first.local);
	ports_give(ports, &first, 0);
	CHECK_INT("somebody knows it", ports_take(ports, &local, REST_MS, &second), 0);
	CHECK("so another one", addr_port(&second.local) != port);
	CHECK_INT("it rests once more", ports_take(ports, &local, 2 * REST_MS - 1, &got),
		  ERR_MEDIA_NO_PORTS);
	CHECK_INT("then it is used", ports_take(ports, &local, 2 * REST_MS, &got), 0);
	CHECK_INT("then it is used", addr_port(&got.local), port);
	CHECK_INT("nothing in it", (int)recv(got.rtp_fd, &octet, 1, MSG_DONTWAIT), -1);
	CHECK_INT("nothing in it", (int)recv(got.rtcp_fd, &octet, 1, MSG_DONTWAIT), -1);
	send_to(&got.local, 1);
	ports_give(ports, &got, 0);
	CHECK_INT("no other one is left", ports_take(ports, &local, REST_MS, &got), 0);
	CHECK_INT("nothing in it", (int)recv(got.rtp_fd, &octet, 1, MSG_DONTWAIT), -1);
	send_to(&got.local, PORTS_STALE_MAX);
	ports_give(ports, &got, 0);
	CHECK_INT("a flood", ports_take(ports, &local, REST_MS, &got), ERR_MEDIA_NO_PORTS);
	ports_give(ports, &second, 0);
	ports_free(ports);
}

static void a_warm_pair_of_another_address(void)
{
	struct ports *ports = make_warm(LOW, LOW + 1, 1);
	struct addr local = local_addr("127.0.0.1"), other = local_addr("127.0.0.2");
	struct port_pair pair, got = {0};

	CHECK_INT("first", ports_take(ports, &local, 0, &pair), 0);
	ports_give(ports, &pair, 0);
	CHECK_INT("bound anew", ports_take(ports, &other, REST_MS, &got), 0);
	CHECK("where it was wanted", addr_eq_ip(&got.local, &other));
	CHECK_INT("none", ports_warm_count(ports), 0);
	ports_give(ports, &got, 0);
	ports_free(ports);
}

/* Warm pairs are a wish; a call that needs descriptors comes first. */
static void warm_pairs_give_way(void)
{
	struct ports *ports = make_warm(LOW, HIGH, 2);
	struct addr local = local_addr("127.0.0.1");
	struct port_pair pair, got = {0};
	struct rlimit before, tight;

	CHECK_INT("first", ports_take(ports, &local, 0, &pair), 0);
	if (getrlimit(RLIMIT_NOFILE, &before) != 0)
		return;
	tight = before;
	tight.rlim_cur = (rlim_t)pair.rtcp_fd + 1;
	ports_give(ports, &pair, 0);
	(void)setrlimit(RLIMIT_NOFILE, &tight);
	CHECK_INT("it rests, but has what is needed", ports_take(ports, &local, 1, &got), 0);
	(void)setrlimit(RLIMIT_NOFILE, &before);
	CHECK_INT("none", ports_warm_count(ports), 0);
	ports_give(ports, &got, 0);
	ports_free(ports);
}

void suite_ports(void)
{
	CHECK_SUITE("ports");
	CHECK_TEST(ranges);
	CHECK_TEST(v4);
	CHECK_TEST(v6);
	CHECK_TEST(exhausted_and_rested);
	CHECK_TEST(refused_ports_are_passed_over);
	CHECK_TEST(other_errors);
	CHECK_TEST(a_warm_pair_is_used_again);
	CHECK_TEST(what_waits_in_a_warm_pair_is_thrown_away);
	CHECK_TEST(a_warm_pair_of_another_address);
	CHECK_TEST(warm_pairs_give_way);
}
