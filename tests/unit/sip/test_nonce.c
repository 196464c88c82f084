#include "sip/nonce.h"

#include "base/attr.h"
#include "tests/support/check.h"
#include "tests/support/oom.h"

struct fixture {
	struct clock_virtual time;
	struct random random;
	struct nonces *nonces;
	struct addr peer, other;
};

static void begin(struct fixture *fx, uint32_t entries_max)
{
	*fx = (struct fixture){.time.mono_ns = 5000 * UINT64_C(1000000)};
	random_init_seeded(&fx->random, 7);
	CHECK_INT("nonces",
		  nonces_new(&(struct nonces_params){.clock = clock_virtual(&fx->time),
						     .random = &fx->random,
						     .life_ms = 1000,
						     .entries_max = entries_max},
			     &fx->nonces),
		  0);
	(void)addr_parse(SLICE("192.0.2.1:5060"), &fx->peer);
	(void)addr_parse(SLICE("192.0.2.2:5060"), &fx->other);
}

static void pass(struct fixture *fx, uint64_t ms)
{
	fx->time.mono_ns += ms * 1000000;
}

static enum nonce_state state(struct fixture *fx, const char *nonce)
{
	return nonces_check(fx->nonces, &fx->peer, slice_of(nonce));
}

static void life(void)
{
	char nonce[NONCE_TEXT_MAX], second[NONCE_TEXT_MAX];
	struct fixture fx;

	begin(&fx, 4);
	nonces_make(fx.nonces, &fx.peer, nonce);
	nonces_make(fx.nonces, &fx.peer, second);
	CHECK("no two are equal", strcmp(nonce, second) != 0);
	CHECK_INT("fresh", state(&fx, nonce), NONCE_GOOD);
	CHECK_INT("of another peer", nonces_check(fx.nonces, &fx.other, slice_of(nonce)),
		  NONCE_STALE);
	addr_set_port(&fx.peer, 9);
	CHECK_INT("another port of the same peer", state(&fx, nonce), NONCE_GOOD);
	pass(&fx, 999);
	CHECK_INT("still", state(&fx, nonce), NONCE_GOOD);
	pass(&fx, 1);
	CHECK_INT("too old", state(&fx, nonce), NONCE_STALE);
	nonces_free(fx.nonces);
}

static void forged(void)
{
	char nonce[NONCE_TEXT_MAX], changed[NONCE_TEXT_MAX];
	struct fixture fx, later;

	begin(&fx, 4);
	nonces_make(fx.nonces, &fx.peer, nonce);
	for (size_t i = 0; nonce[i]; i++) {
		strcpy(changed, nonce);
		changed[i] = changed[i] == '0' ? '1' : '0';
		CHECK_INT("one octet differs", state(&fx, changed), NONCE_FOREIGN);
	}
	CHECK_INT("empty", state(&fx, ""), NONCE_FOREIGN);
	CHECK_INT("cut", nonces_check(fx.nonces, &fx.peer, slice_make(nonce, 60)), NONCE_FOREIGN);
	nonces_free(fx.nonces);

	begin(&later, 4); /* a new key: here made by drawing once more */
	nonces_free(later.nonces);
	CHECK_INT("nonces",
		  nonces_new(&(struct nonces_params){.clock = clock_virtual(&later.time),
						     .random = &later.random},
			     &later.nonces),
		  0);
	CHECK_INT("of an earlier process", state(&later, nonce), NONCE_FOREIGN);
	nonces_free(later.nonces);
}

static void counts(void)
{
	static const struct {
		const char *name;
		uint32_t nc;
		bool is_new;
	} steps[] = {
		{"first", 1, true},
		{"again", 1, false},
		{"next", 2, true},
		{"a gap", 10, true},
		{"overtaken", 5, true},
		{"overtaken, again", 5, false},
		{"far ahead", 100, true},
		{"the last of the window", 37, true},
		{"behind the window", 36, false},
		{"just ahead by a window", 100 + NONCE_WINDOW, true},
		{"all below is forgotten", 100, false},
		{"but not the window", 101, true},
		{"the end of counting", UINT32_MAX, true},
		{"without a count", 0, false},
	};
	char nonce[NONCE_TEXT_MAX];
	struct fixture fx;

	begin(&fx, 4);
	nonces_make(fx.nonces, &fx.peer, nonce);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		CHECK_INT(steps[i].name, nonces_use(fx.nonces, slice_of(nonce), steps[i].nc),
			  steps[i].is_new);
	nonces_make(fx.nonces, &fx.peer, nonce);
	CHECK("an old peer uses it once", nonces_use(fx.nonces, slice_of(nonce), 0));
	CHECK("and no more", !nonces_use(fx.nonces, slice_of(nonce), 0));
	CHECK("not a nonce", !nonces_use(fx.nonces, SLICE("x"), 1));
	nonces_free(fx.nonces);
}

static void bound(void)
{
	char nonce[6][NONCE_TEXT_MAX];
	struct fixture fx;

	begin(&fx, 4);
	for (int i = 0; i < 6; i++) {
		pass(&fx, 1);
		nonces_make(fx.nonces, &fx.peer, nonce[i]);
	}
	for (int i = 0; i < 5; i++)
		CHECK("used", nonces_use(fx.nonces, slice_of(nonce[i]), 1));
	CHECK_INT("the bound holds", nonces_count(fx.nonces), 4);
	CHECK_INT("the forgotten one is no way in", state(&fx, nonce[0]), NONCE_STALE);
	CHECK("nor by its use", !nonces_use(fx.nonces, slice_of(nonce[0]), 2));
	CHECK_INT("the kept ones go on", state(&fx, nonce[1]), NONCE_GOOD);
	CHECK("with the next count", nonces_use(fx.nonces, slice_of(nonce[1]), 2));
	CHECK("but not with the same", !nonces_use(fx.nonces, slice_of(nonce[1]), 1));
	CHECK_INT("newer ones too", state(&fx, nonce[5]), NONCE_GOOD);
	pass(&fx, 2000);
	nonces_make(fx.nonces, &fx.peer, nonce[0]);
	CHECK("a new one", nonces_use(fx.nonces, slice_of(nonce[0]), 1));
	CHECK_INT("those of old have gone", nonces_count(fx.nonces), 1);
	nonces_free(fx.nonces);
}

/* What cannot be remembered is not accepted: it could be used again. */
static void memory_runs_out(void)
{
	char nonce[NONCE_TEXT_MAX];
	struct fixture fx;
	uint32_t refused = 0;

	begin(&fx, 4);
	for (uint32_t at = 0; oom_sweep(at, true); at++) {
		nonces_make(fx.nonces, &fx.peer, nonce);
		refused += !nonces_use(fx.nonces, slice_of(nonce), 1);
		oom_end();
	}
	CHECK_INT("once", refused, 1);
	CHECK("then as ever", nonces_use(fx.nonces, slice_of(nonce), 2));
	nonces_free(fx.nonces);
}

void suite_nonce(void)
{
	CHECK_SUITE("nonce");
	CHECK_TEST(life);
	CHECK_TEST(forged);
	CHECK_TEST(counts);
	CHECK_TEST(bound);
	CHECK_TEST(memory_runs_out);
}
