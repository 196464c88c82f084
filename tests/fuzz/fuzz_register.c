/* A registrar that is fed whatever comes: no crash, no leak, counts that agree, nothing that stays
 * beyond its time.
 *
 * The input is a list of records, each ended by a line "%%". The first character of a record is its
 * command, the rest the header fields from From's tag on (LF becomes CRLF):
 * - r, t: a REGISTER for bob over UDP, TCP; a: an ALLOCATE; o: an OPTIONS for bob
 * - w: N seconds pass; l: the rest is a stored line, restored */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "focus/focus_priv.h"
#include "tests/support/focus_world.h"
#include "tests/support/simua.h"

enum { RECORDS_MAX = 32, PASS_S_MAX = 10000, SETTLE_MS = 8 * 24 * 3600 * 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
	struct world *world;
	struct simraw phone;
	uint32_t number;
};

static void ask(struct fuzz *fuzz, const char *method, enum sip_proto proto, struct slice fields)
{
	struct buf text = BUF_INIT;
	char *body = slice_dup(fields);

	fuzz->number++;
	buf_addf(&text,
		 "%s sip:%s10.0.0.1 SIP/2.0\nVia: SIP/2.0/%s @SELF@;rport;branch=z9hG4bK%u\n"
		 "Max-Forwards: 70\nTo: <sip:bob@10.0.0.1>\nFrom: <sip:bob@10.0.0.1>;tag=%u\n"
		 "Call-ID: %u\nCSeq: %u %s\nContent-Length: 0\n%s\n\n",
		 method, *method == 'O' ? "bob@" : "", sip_proto_via(proto), fuzz->number,
		 fuzz->number, fuzz->number % 3, fuzz->number, method, body);
	simraw_forget(&fuzz->phone);
	simraw_send(&fuzz->phone, proto, simnode_addr(fuzz->world->server_node), text.p);
	world_run(fuzz->world, 20);
	free(body);
	buf_done(&text);
}

static void check_counts(struct location *location)
{
	uint32_t bindings = 0, aors = 0;
	struct aor *aor;

	for (aor = location_next_aor(location, SLICE_NONE); aor;
	     aor = location_next_aor(location, slice_of(aor->user))) {
		aors++;
		if (!location_next(aor, NULL))
			abort();
		for (struct binding *b = location_next(aor, NULL); b; b = location_next(aor, b))
			bindings++;
	}
	if (bindings != location_count(location) || aors != location_aor_count(location))
		abort();
}

static void run(struct fuzz *fuzz, struct slice record)
{
	struct slice rest = slice_from(record, 1);
	uint32_t seconds = 0;

	switch (record.p[0]) {
	case 'r':
		ask(fuzz, "REGISTER", SIP_UDP, rest);
		break;
	case 't':
		ask(fuzz, "REGISTER", SIP_TCP, rest);
		break;
	case 'a':
		ask(fuzz, "ALLOCATE", SIP_UDP, rest);
		break;
	case 'o':
		ask(fuzz, "OPTIONS", SIP_UDP, rest);
		break;
	case 'w':
		(void)slice_u32(slice_trim(rest), PASS_S_MAX, &seconds);
		world_run(fuzz->world, (uint64_t)seconds * 1000);
		break;
	case 'l':
		(void)location_restore(fuzz->world->focus->location, SLICE("stored"),
				       slice_trim(rest));
		break;
	default:
		break;
	}
	check_counts(fuzz->world->focus->location);
}

/* By now only what was restored with a later end is left. */
static void let_go(struct location *location)
{
	struct aor *aor;

	while ((aor = location_next_aor(location, SLICE_NONE)) != NULL) {
		if (strcmp(location_next(aor, NULL)->id, "stored") != 0)
			abort();
		location_remove(location, location_next(aor, NULL), "deleted");
	}
	check_counts(location);
	if (location_count(location))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make((const char *)data, size);
	struct simworld sim = {0};
	struct fuzz fuzz = {.world = world_new(&(struct world_options){
				    .config = "sip.registrar=open\nregistrar.contacts_max=4\n"
					      "numbers.pool=+4930-+4933"})};

	sim.wheel = fuzz.world->wheel;
	sim.net = fuzz.world->net;
	simraw_init(&fuzz.phone, &sim, "10.0.0.9:5060");
	for (int i = 0; i < RECORDS_MAX && rest.len > 0; i++) {
		const char *end = memmem(rest.p, rest.len, "%%\n", 3);
		size_t len = end ? (size_t)(end - rest.p) : rest.len;

		if (len > 0)
			run(&fuzz, slice_first(rest, len));
		rest = slice_from(rest, len + 3);
	}
	world_run(fuzz.world, SETTLE_MS);
	let_go(fuzz.world->focus->location);
	simraw_done(&fuzz.phone);
	world_free(fuzz.world);
	return 0;
}
