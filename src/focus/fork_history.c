/* focus/fork_history.c -- History-Info and Diversion of an attempt.
 *
 * A target that is called straight gets neither: there is nothing to tell. */
#include "focus/fork_priv.h"

static bool is_sip(const char *text)
{
	struct sip_uri uri;

	return !sip_uri_parse(slice_of(text), &uri) && sip_uri_is_sip(&uri);
}

struct entry {
	const char *uri, *index;
	uint16_t status; /* why it was left; 0 not left */
	const char *map; /* "rc" or "mp"; NULL: the first */
	const char *from_index;
};

/* RFC 7044 5: the Reason is a header of the URI. */
static void add_entry(const struct entry *entry, struct buf *out)
{
	buf_addf(out, "%s<%s", out->len ? ", " : "", entry->uri);
	if (entry->status && is_sip(entry->uri))
		buf_addf(out, "?Reason=SIP%%3Bcause%%3D%u", entry->status);
	buf_addf(out, ">;index=%s", entry->index);
	if (entry->map)
		buf_addf(out, ";%s=%s", entry->map, entry->from_index);
}

static void add_hop(const struct fork *fork, const struct fork_hop *hop, struct buf *out)
{
	bool has_parent = hop->parent != FORK_NONE;

	add_entry(&(struct entry){.uri = hop->uri,
				  .index = hop->index,
				  .status = hop->status,
				  .map = has_parent ? "mp" : NULL,
				  .from_index = has_parent ? fork->hops[hop->parent].index : NULL},
		  out);
}

/* What was tried before, and this one; of others that ring now it knows nothing. */
static void add_all(const struct fork *fork, const struct fork_attempt *own, struct buf *out)
{
	for (uint8_t h = 0; h < fork->hop_count; h++) {
		const struct fork_hop *hop = &fork->hops[h];

		if (!hop->is_called)
			continue;
		add_hop(fork, hop, out);
		for (uint8_t i = 0; i < fork->attempt_count; i++) {
			const struct fork_attempt *a = fork->attempts[i];

			if (a->hop != h || a->is_hop || (a != own && a->state < FORK_ANSWERED))
				continue;
			add_entry(&(struct entry){.uri = a->uri,
						  .index = a->index,
						  .status = a == own ? 0 : a->status,
						  .map = "rc",
						  .from_index = hop->index},
				  out);
		}
	}
}

static const char *diversion_reason(enum fork_why why)
{
	static const char *const reasons[FORK_WHY_COUNT] = {
		[FORK_UNCONDITIONAL] = "unconditional", [FORK_BUSY] = "user-busy",
		[FORK_NO_ANSWER] = "no-answer",         [FORK_UNREACHABLE] = "unavailable",
		[FORK_REDIRECTED] = "deflection",
	};

	return reasons[why];
}

/* The latest first (RFC 5806 5.1). */
static void add_diversions(const struct fork *fork, const struct fork_attempt *own, struct buf *out)
{
	uint8_t at = own->hop;

	while (fork->hops[at].parent != FORK_NONE) {
		const struct fork_hop *hop = &fork->hops[at];

		buf_addf(out, "Diversion: <%s>;reason=%s;counter=1\r\n",
			 fork->hops[hop->parent].uri, diversion_reason(hop->why));
		at = hop->parent;
	}
}

void fork_history(const struct fork *fork, const struct fork_attempt *attempt, struct buf *out)
{
	struct buf entries = BUF_INIT;

	if (fork->hop_count == 1 && attempt->is_hop)
		return;
	add_all(fork, attempt, &entries);
	buf_adds(out, "History-Info: ");
	buf_addslice(out, buf_slice(&entries));
	buf_adds(out, "\r\n");
	if (buf_err(&entries))
		out->err = buf_err(&entries);
	buf_done(&entries);
	add_diversions(fork, attempt, out);
}
