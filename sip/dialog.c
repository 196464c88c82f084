#include "sip/dialog.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "sip/build.h"

static int keep(struct slice s, char **ret_text)
{
	char *text;

	if (s.len > SIP_DIALOG_TEXT_MAX)
		return ERR_LIMIT;
	text = slice_dup(slice_present(s) ? s : SLICE(""));
	if (!text)
		return -ENOMEM;
	free(*ret_text);
	*ret_text = text;
	return 0;
}

/* A header value of several lines (folded) as one. */
static int keep_value(struct slice value, char **ret_text)
{
	int err = keep(value, ret_text);

	for (char *p = err ? NULL : *ret_text; p && *p; p++) {
		if (*p == '\r' || *p == '\n')
			*p = ' ';
	}
	return err;
}

static int add_route(struct sip_dialog *dialog, struct slice route)
{
	if (dialog->route_count == SIP_DIALOG_ROUTES_MAX)
		return ERR_LIMIT;
	return keep_value(route, &dialog->routes[dialog->route_count++]);
}

static void reverse_routes(struct sip_dialog *dialog)
{
	for (uint32_t i = 0, j = dialog->route_count; i + 1 < j; i++) {
		char *route = dialog->routes[i];

		dialog->routes[i] = dialog->routes[--j];
		dialog->routes[j] = route;
	}
}

/* Record-Route in the order of the message; a UAC takes it in reverse (12.1.2). */
static int read_routes(struct sip_dialog *dialog, const struct sip_msg *msg, bool is_reversed)
{
	struct sip_list_walk walk = {0};
	struct slice element;
	struct sip_addr addr;
	int err = 0;

	while (!err && sip_list_next(msg, SIP_H_RECORD_ROUTE, &walk, &element)) {
		err = sip_addr_parse(element, &addr);
		if (!err)
			err = add_route(dialog, element);
	}
	if (!err && is_reversed)
		reverse_routes(dialog);
	return err;
}

int sip_dialog_refresh(struct sip_dialog *dialog, const struct sip_msg *msg)
{
	struct sip_addr contact;
	struct slice ignored;
	int err;

	if (slice_present(sip_msg_value(msg, SIP_H_ALLOW)))
		dialog->allows_update = sip_list_has(msg, SIP_H_ALLOW, "UPDATE");
	if (sip_msg_addr(msg, SIP_H_CONTACT, &contact))
		return 0;
	err = keep_value(contact.uri.text, &dialog->remote_target);
	if (!err)
		dialog->is_remote_focus = sip_param(contact.params, "isfocus", &ignored);
	return err;
}

static int tag_of(const struct sip_msg *msg, enum sip_header_id id, char **ret_tag)
{
	struct sip_addr addr;
	int err = sip_msg_addr(msg, id, &addr);

	return err ? err : keep(sip_addr_tag(&addr), ret_tag);
}

static int keep_local_uas(struct sip_dialog *dialog, const struct sip_msg *request,
			  const char *local_tag)
{
	struct slice to = sip_msg_value(request, SIP_H_TO);
	struct sip_addr addr;
	struct buf text = BUF_INIT;
	int err = sip_msg_addr(request, SIP_H_TO, &addr);

	if (err)
		return err;
	buf_addslice(&text, to);
	if (!slice_present(sip_addr_tag(&addr)))
		buf_addf(&text, ";tag=%s", local_tag);
	err = buf_err(&text);
	if (!err)
		err = keep_value(buf_slice(&text), &dialog->local);
	buf_done(&text);
	return err;
}

/* A caller of RFC 2543 need not name a Contact: requests then go to its From URI (RFC 2543 12.2).
 */
static int target_from_caller(struct sip_dialog *dialog, const struct sip_msg *request)
{
	struct sip_addr from;
	int err;

	if (dialog->remote_target)
		return 0;
	err = sip_msg_addr(request, SIP_H_FROM, &from);
	return err ? err : keep_value(from.uri.text, &dialog->remote_target);
}

int sip_dialog_new_uas(const struct sip_msg *request, const char *local_tag,
		       struct sip_dialog **ret_dialog)
{
	struct sip_dialog *dialog = calloc(1, sizeof(*dialog));
	struct sip_cseq cseq;
	int err = -ENOMEM;

	if (!dialog)
		return err;
	err = sip_msg_cseq(request, &cseq);
	if (!err)
		err = keep_value(sip_msg_value(request, SIP_H_CALL_ID), &dialog->call_id);
	if (!err)
		err = keep(slice_of(local_tag), &dialog->local_tag);
	if (!err)
		err = tag_of(request, SIP_H_FROM, &dialog->remote_tag);
	if (!err)
		err = keep_local_uas(dialog, request, local_tag);
	if (!err)
		err = keep_value(sip_msg_value(request, SIP_H_FROM), &dialog->remote);
	if (!err)
		err = sip_dialog_refresh(dialog, request);
	if (!err)
		err = target_from_caller(dialog, request);
	if (!err)
		err = read_routes(dialog, request, false);
	if (err) {
		sip_dialog_free(dialog);
		return err;
	}
	dialog->remote_cseq = cseq.number;
	dialog->has_remote_cseq = true;
	*ret_dialog = dialog;
	return 0;
}

static int keep_from(struct sip_dialog *dialog, const struct sip_dialog_start *start)
{
	struct buf from = BUF_INIT;
	int err;

	buf_addf(&from, SLICE_FMT ";tag=" SLICE_FMT, SLICE_ARG(start->from),
		 SLICE_ARG(start->local_tag));
	err = buf_err(&from);
	if (!err)
		err = keep_value(buf_slice(&from), &dialog->local);
	buf_done(&from);
	return err;
}

/* Each element is a name-addr, so that '>' ends it. */
static int add_start_routes(struct sip_dialog *dialog, struct slice routes)
{
	int err = 0;

	while (routes.len > 0 && !err) {
		struct slice route = slice_first(routes, slice_find(routes, '>') + 1);

		routes = slice_from(routes, route.len);
		routes = slice_trim(slice_from(routes, slice_find(routes, ',') + 1));
		err = add_route(dialog, slice_trim(route));
	}
	return err;
}

int sip_dialog_new_uac(const struct sip_dialog_start *start, struct sip_dialog **ret_dialog)
{
	struct sip_dialog *dialog = calloc(1, sizeof(*dialog));
	int err = -ENOMEM;

	if (!dialog)
		return err;
	err = keep_value(start->call_id, &dialog->call_id);
	if (!err)
		err = keep_value(start->local_tag, &dialog->local_tag);
	if (!err)
		err = keep(SLICE(""), &dialog->remote_tag);
	if (!err)
		err = keep_from(dialog, start);
	if (!err)
		err = keep_value(start->to, &dialog->remote);
	if (!err)
		err = keep_value(start->target, &dialog->remote_target);
	if (!err)
		err = add_start_routes(dialog, start->route);
	if (err) {
		sip_dialog_free(dialog);
		return err;
	}
	dialog->local_cseq = start->cseq;
	*ret_dialog = dialog;
	return 0;
}

int sip_dialog_fork(const struct sip_dialog *start, const struct sip_msg *response,
		    struct sip_dialog **ret_dialog)
{
	struct sip_dialog *dialog = calloc(1, sizeof(*dialog));
	int err = -ENOMEM;

	if (!dialog)
		return err;
	err = keep(slice_of(start->call_id), &dialog->call_id);
	if (!err)
		err = keep(slice_of(start->local_tag), &dialog->local_tag);
	if (!err)
		err = tag_of(response, SIP_H_TO, &dialog->remote_tag);
	if (!err)
		err = keep(slice_of(start->local), &dialog->local);
	if (!err)
		err = keep_value(sip_msg_value(response, SIP_H_TO), &dialog->remote);
	if (!err)
		err = keep(slice_of(start->remote_target), &dialog->remote_target);
	if (!err)
		err = sip_dialog_refresh(dialog, response);
	if (!err)
		err = read_routes(dialog, response, true);
	if (err) {
		sip_dialog_free(dialog);
		return err;
	}
	dialog->local_cseq = start->local_cseq;
	*ret_dialog = dialog;
	return 0;
}

int sip_dialog_confirm(struct sip_dialog *dialog, const struct sip_msg *response)
{
	int err = sip_dialog_refresh(dialog, response);

	while (dialog->route_count > 0) {
		dialog->route_count--;
		free(dialog->routes[dialog->route_count]);
		dialog->routes[dialog->route_count] = NULL;
	}
	return err ? err : read_routes(dialog, response, true);
}

int sip_dialog_locate(struct sip_dialog *dialog, struct slice uri, struct slice path)
{
	int err = 0;

	free(dialog->located);
	free(dialog->located_path);
	dialog->located = dialog->located_path = NULL;
	if (slice_present(uri))
		err = keep_value(uri, &dialog->located);
	if (!err && path.len > 0)
		err = keep_value(path, &dialog->located_path);
	return err;
}

int sip_dialog_check_rseq(struct sip_dialog *dialog, const struct sip_msg *response)
{
	struct sip_cseq cseq;
	uint32_t rseq;
	int err = sip_msg_cseq(response, &cseq);

	if (err)
		return err;
	if (slice_u32(sip_msg_value(response, SIP_H_RSEQ), UINT32_MAX, &rseq) || rseq == 0)
		return ERR_SIP_HEADER_SYNTAX;
	if (dialog->rseq != 0 && dialog->rseq_cseq == cseq.number && rseq != dialog->rseq + 1)
		return ERR_STATE;
	dialog->rseq_cseq = cseq.number;
	dialog->rseq = rseq;
	return 0;
}

struct sip_dialog *sip_dialog_free(struct sip_dialog *dialog)
{
	if (!dialog)
		return NULL;
	assert(!hash_linked(&dialog->node));
	free(dialog->call_id);
	free(dialog->local_tag);
	free(dialog->remote_tag);
	free(dialog->local);
	free(dialog->remote);
	free(dialog->remote_target);
	free(dialog->located);
	free(dialog->located_path);
	for (uint32_t i = 0; i < dialog->route_count; i++)
		free(dialog->routes[i]);
	free(dialog);
	return NULL;
}

int sip_dialog_check_cseq(struct sip_dialog *dialog, uint32_t number)
{
	if (dialog->has_remote_cseq && number <= dialog->remote_cseq)
		return ERR_STATE;
	dialog->remote_cseq = number;
	dialog->has_remote_cseq = true;
	return 0;
}

/* Requests
 * -------------------------------------------------------------------------------------------------
 */

static bool first_route(const struct sip_dialog *dialog, struct sip_addr *ret_route)
{
	struct slice route = slice_of(dialog->route_count ? dialog->routes[0]
							  : dialog->located_path);

	if (!dialog->route_count) /* of name-addrs: '>' ends the first */
		route = slice_first(route, slice_find(route, '>') + 1);
	return route.len > 0 && sip_addr_parse(route, ret_route) == 0;
}

/* A Path is made of loose routers (RFC 3327 4). */
static bool is_strict(const struct sip_dialog *dialog, struct sip_addr *ret_route)
{
	struct slice ignored;

	return dialog->route_count > 0 && first_route(dialog, ret_route) &&
	       !sip_uri_param(&ret_route->uri, "lr", &ignored);
}

static const char *target_of(const struct sip_dialog *dialog)
{
	return dialog->located ? dialog->located : dialog->remote_target;
}

struct slice sip_dialog_hop(const struct sip_dialog *dialog)
{
	struct sip_addr route;

	return first_route(dialog, &route) ? route.uri.text : slice_of(target_of(dialog));
}

struct slice sip_dialog_request_uri(const struct sip_dialog *dialog)
{
	struct sip_addr route;

	if (is_strict(dialog, &route))
		return sip_uri_without_headers(route.uri.text);
	return sip_uri_without_headers(slice_of(target_of(dialog)));
}

void sip_dialog_add_routes(const struct sip_dialog *dialog, struct buf *buf)
{
	struct sip_addr route;
	bool strict = is_strict(dialog, &route);

	for (uint32_t i = strict ? 1 : 0; i < dialog->route_count; i++)
		sip_build_header(buf, "Route", "%s", dialog->routes[i]);
	if (!dialog->route_count && dialog->located_path)
		sip_build_header(buf, "Route", "%s", dialog->located_path);
	if (strict)
		sip_build_header(buf, "Route", "<%s>", target_of(dialog));
}

void sip_dialog_add_fields(const struct sip_dialog *dialog, uint32_t cseq, struct slice method,
			   struct buf *buf)
{
	sip_build_header(buf, "Max-Forwards", "%u", (unsigned)(SIP_HOPS - dialog->hops_used));
	sip_build_header(buf, "From", "%s", dialog->local);
	sip_build_header(buf, "To", "%s", dialog->remote);
	sip_build_header(buf, "Call-ID", "%s", dialog->call_id);
	sip_build_header(buf, "CSeq", "%u " SLICE_FMT, cseq, SLICE_ARG(method));
}

/* Table
 * ------------------------------------------------------------------------------------------------------
 */

struct dialog_key {
	struct slice call_id, local_tag, remote_tag;
};

static uint64_t key_hash(const struct dialog_key *key)
{
	return hash_mix(hash_mix(hash_slice(key->call_id), hash_slice(key->local_tag)),
			hash_slice(key->remote_tag));
}

static bool matches(const struct hash_node *node, const void *key)
{
	const struct sip_dialog *dialog = CONTAINER_OF(node, struct sip_dialog, node);
	const struct dialog_key *want = key;

	return slice_is(want->call_id, dialog->call_id) &&
	       slice_is(want->local_tag, dialog->local_tag) &&
	       slice_is(want->remote_tag, dialog->remote_tag);
}

int sip_dialog_table_new(struct hash **ret_table)
{
	return hash_new(matches, ret_table);
}

void sip_dialog_add(struct hash *table, struct sip_dialog *dialog)
{
	struct dialog_key key = {slice_of(dialog->call_id), slice_of(dialog->local_tag),
				 slice_of(dialog->remote_tag)};

	hash_add(table, &dialog->node, key_hash(&key));
}

static struct slice present(struct slice s)
{
	return slice_present(s) ? s : SLICE("");
}

struct sip_dialog *sip_dialog_find_tags(struct hash *table, struct slice call_id,
					struct slice local_tag, struct slice remote_tag)
{
	struct dialog_key key = {call_id, local_tag, remote_tag};
	struct hash_node *node = hash_find(table, key_hash(&key), &key);

	return node ? CONTAINER_OF(node, struct sip_dialog, node) : NULL;
}

struct sip_dialog *sip_dialog_find(struct hash *table, const struct sip_msg *msg)
{
	struct slice from = present(sip_msg_tag(msg, SIP_H_FROM));
	struct slice to = present(sip_msg_tag(msg, SIP_H_TO));

	return sip_dialog_find_tags(table, sip_msg_value(msg, SIP_H_CALL_ID),
				    msg->is_request ? to : from, msg->is_request ? from : to);
}
