/* focus/fork_history.c -- History-Info and Diversion of an attempt.
 *
 * A target that is called straight gets neither: there is nothing to tell. What came with the
 * INVITE that is carried on stands first. */
#include <stdio.h>

#include "focus/auth.h"
#include "focus/fork_priv.h"
#include "sip/build.h"

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

/* What came -------------------------------------------------------------------------------- */

/* Joins the entries that can be read; *ret_last is the index of the last. */
static void keep_entries(struct buf *out, const struct sip_msg *request, struct slice *ret_last)
{
	struct sip_list_walk walk = {0};
	struct slice element, index;
	struct sip_addr entry;

	while (sip_list_next(request, SIP_H_HISTORY_INFO, &walk, &element)) {
		if (sip_addr_parse(element, &entry) || !sip_param(entry.params, "index", &index))
			continue;
		buf_addf(out, "%s" SLICE_FMT, out->len ? ", " : "", SLICE_ARG(element));
		*ret_last = index;
	}
}

static void keep_diversions(struct buf *out, const struct sip_msg *request)
{
	struct sip_list_walk walk = {0};
	struct slice element;
	struct sip_addr by;

	while (sip_list_next(request, SIP_H_DIVERSION, &walk, &element))
		if (!sip_addr_parse(element, &by))
			sip_build_header_slice(out, "Diversion", element);
}

void fork_history_came(struct fork *fork, const struct sip_msg *request)
{
	struct fork_hop *first = &fork->hops[0];
	struct slice last = SLICE_NONE;

	if (auth_privacy_has(request, "history,header"))
		return;
	keep_entries(&fork->came_history, request, &last);
	keep_diversions(&fork->came_diversions, request);
	/* A chain that long is no use to anybody, and room for our own must be left. */
	if (buf_err(&fork->came_history) || fork->came_history.len > FORK_CAME_MAX ||
	    last.len > FORK_INDEX_MAX / 2)
		buf_done(&fork->came_history);
	if (buf_err(&fork->came_diversions) || fork->came_diversions.len > FORK_CAME_MAX)
		buf_done(&fork->came_diversions);
	if (fork->came_history.len)
		(void)snprintf(first->index, sizeof(first->index), SLICE_FMT ".1", SLICE_ARG(last));
}

void fork_history(const struct fork *fork, const struct fork_attempt *attempt, struct buf *out)
{
	struct buf entries = BUF_INIT;

	if (fork->hop_count == 1 && attempt->is_hop && !fork->came_history.len) {
		buf_addslice(out, buf_slice(&fork->came_diversions));
		return;
	}
	buf_addslice(&entries, buf_slice(&fork->came_history));
	add_all(fork, attempt, &entries);
	buf_adds(out, "History-Info: ");
	buf_addslice(out, buf_slice(&entries));
	buf_adds(out, "\r\n");
	if (buf_err(&entries))
		out->err = buf_err(&entries);
	buf_done(&entries);
	add_diversions(fork, attempt, out);
	buf_addslice(out, buf_slice(&fork->came_diversions));
}
