/* focus/roster_doc.c */
#include "focus/roster_doc.h"

#include "focus/xml.h"

static struct slice state_name(enum roster_state state)
{
	static const char *const names[] = {
		[ROSTER_FULL] = "full", [ROSTER_PARTIAL] = "partial", [ROSTER_DELETED] = "deleted"};

	return slice_of(names[state]);
}

/* 5.3: what does not change while people come and go; left out of partial documents. */
static void write_description(struct buf *out, const struct roster_head *head)
{
	buf_adds(out, "<conference-description>");
	xml_leaf(out, "display-text", head->display_text);
	buf_adds(out, "<conf-uris><entry>");
	xml_leaf(out, "uri", head->entity);
	buf_adds(out, "<purpose>participation</purpose></entry></conf-uris>");
	if (head->users_max)
		xml_leaf_uint(out, "maximum-user-count", head->users_max);
	buf_adds(out, "<available-media><entry label=\"1\"><type>audio</type>"
		      "<status>sendrecv</status></entry></available-media>"
		      "</conference-description>");
}

void roster_head_write(struct buf *out, const struct roster_head *head)
{
	xml_head(out);
	buf_adds(out, "<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\"");
	buf_adds(out, " xmlns:h=\"urn:hearth:conference\"");
	xml_attr(out, "entity", head->entity);
	xml_attr(out, "state", state_name(head->state));
	buf_adds(out, " version=\"");
	buf_addu(out, head->version, 1);
	if (head->state == ROSTER_DELETED) {
		buf_adds(out, "\"/>\n");
		return;
	}
	buf_adds(out, "\">");
	if (head->state == ROSTER_FULL)
		write_description(out, head);
	buf_adds(out, "<conference-state>");
	xml_leaf_uint(out, "user-count", head->users);
	xml_leaf_bool(out, "active", head->users > 0);
	xml_leaf_bool(out, "locked", head->is_locked);
	buf_adds(out, "</conference-state><users");
	xml_attr(out, "state", state_name(head->state));
	buf_addc(out, '>');
}

void roster_tail_write(struct buf *out, const struct roster_head *head)
{
	if (head->state != ROSTER_DELETED)
		buf_adds(out, "</users></conference-info>\n");
}

void roster_user_open(struct buf *out, const struct roster_user *user)
{
	buf_adds(out, "<user");
	xml_attr(out, "entity", user->entity);
	xml_attr(out, "state", state_name(user->state));
	buf_addc(out, '>');
	xml_leaf(out, "display-text", user->display_text);
	if (user->state == ROSTER_FULL) {
		buf_adds(out, "<roles>");
		xml_leaf(out, "entry", user->is_host ? SLICE("moderator") : SLICE("participant"));
		buf_adds(out, "</roles>");
		if (user->is_focus)
			xml_leaf(out, "cascaded-focus", user->entity);
		else if (user->behind.len)
			xml_leaf(out, "cascaded-focus", user->behind);
	}
}

void roster_user_close(struct buf *out)
{
	buf_adds(out, "</user>");
}

static const char *media_status(const struct roster_endpoint *endpoint)
{
	if (endpoint->is_sending)
		return endpoint->is_receiving ? "sendrecv" : "sendonly";
	return endpoint->is_receiving ? "recvonly" : "inactive";
}

static void write_media(struct buf *out, const struct roster_endpoint *endpoint)
{
	buf_adds(out, "<media id=\"1\"><type>audio</type><label>1</label>");
	xml_leaf(out, "status", slice_of(media_status(endpoint)));
	buf_adds(out, "</media>");
}

static void write_end(struct buf *out, const struct roster_endpoint *endpoint)
{
	xml_leaf(out, "disconnection-method", slice_of(endpoint->disconnection));
	buf_adds(out, "<disconnection-info>");
	xml_leaf_time(out, "when", endpoint->left_wall_ms);
	xml_leaf(out, "reason", endpoint->reason);
	buf_adds(out, "</disconnection-info>");
}

/* In the order that the schema asks for (5.7). */
void roster_endpoint_write(struct buf *out, const struct roster_endpoint *endpoint)
{
	buf_adds(out, "<endpoint");
	xml_attr(out, "entity", endpoint->entity);
	xml_attr(out, "state", endpoint->is_deleted ? SLICE("deleted") : SLICE("full"));
	buf_addc(out, '>');
	if (endpoint->referred_by.len) {
		buf_adds(out, "<referred>");
		xml_leaf(out, "by", endpoint->referred_by);
		buf_adds(out, "</referred>");
	}
	xml_leaf(out, "status", endpoint->status);
	xml_leaf(out, "joining-method",
		 endpoint->is_dialed_out ? SLICE("dialed-out") : SLICE("dialed-in"));
	if (endpoint->joined_wall_ms) {
		buf_adds(out, "<joining-info>");
		xml_leaf_time(out, "when", endpoint->joined_wall_ms);
		buf_adds(out, "</joining-info>");
	}
	if (endpoint->disconnection)
		write_end(out, endpoint);
	if (endpoint->has_media)
		write_media(out, endpoint);
	if (!endpoint->is_deleted) {
		xml_leaf_bool(out, "h:muted", endpoint->is_muted);
		xml_leaf_bool(out, "h:talking", endpoint->is_talking);
	}
	buf_adds(out, "</endpoint>");
}
