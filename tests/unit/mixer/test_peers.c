/* tests/unit/mixer/test_peers.c */
#include "mixer/peers.h"

#include "tests/support/check.h"

static struct addr at(const char *text)
{
	struct addr addr = {0};

	CHECK_INT(text, addr_parse(slice_of(text), &addr), 0);
	return addr;
}

static void learnt_by_what_came(void)
{
	struct peers *peers = NULL;
	struct addr a = at("192.0.2.1:4000"), a2 = at("192.0.2.1:5000"), b = at("192.0.2.2:4000");
	struct addr v6 = at("[2001:db8::1]:4000"), unset = {0}, any = at("0.0.0.0:4000");

	if (!CHECK_INT("new", peers_new(&peers), 0))
		return;
	CHECK("nobody is known", !peers_are_steady(peers, &a));
	peers_learn(peers, &a, true);
	CHECK("steady", peers_are_steady(peers, &a));
	CHECK("whatever the port", peers_are_steady(peers, &a2));
	CHECK("not its neighbour", !peers_are_steady(peers, &b));
	peers_learn(peers, &a2, false);
	CHECK("it has moved", !peers_are_steady(peers, &a));
	peers_learn(peers, &a, true);
	CHECK("and that sticks", !peers_are_steady(peers, &a));
	peers_learn(peers, &b, false);
	peers_learn(peers, &v6, true);
	CHECK("others are others", !peers_are_steady(peers, &b) && peers_are_steady(peers, &v6));
	peers_learn(peers, &unset, true);
	peers_learn(peers, &any, true);
	CHECK("nobody", !peers_are_steady(peers, &unset) && !peers_are_steady(peers, &any));
	peers_free(peers);
	CHECK("free takes NULL", peers_free(NULL) == NULL);
}

/* More peers than slots: some are forgotten, none is taken for another. */
static void more_than_there_is_room_for(void)
{
	struct peers *peers = NULL;
	struct addr ip = at("10.0.0.0:4000");
	uint32_t steady = 0, strangers = 0;

	if (!CHECK_INT("new", peers_new(&peers), 0))
		return;
	for (uint32_t i = 0; i < 2 * PEERS_SLOTS; i++) {
		ip.in.sin_addr.s_addr = htonl(0x0a000000u + i);
		peers_learn(peers, &ip, true);
	}
	for (uint32_t i = 0; i < 4 * PEERS_SLOTS; i++) {
		ip.in.sin_addr.s_addr = htonl(0x0a000000u + i);
		if (peers_are_steady(peers, &ip))
			*(i < 2 * PEERS_SLOTS ? &steady : &strangers) += 1;
	}
	CHECK("at most one in a slot", steady > 0 && steady <= PEERS_SLOTS);
	CHECK_INT("no stranger", strangers, 0);
	peers_free(peers);
}

void suite_peers(void)
{
	CHECK_SUITE("peers");
	CHECK_TEST(learnt_by_what_came);
	CHECK_TEST(more_than_there_is_room_for);
}
