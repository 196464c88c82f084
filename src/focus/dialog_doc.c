/* focus/dialog_doc.c */
#include "focus/dialog_doc.h"

#include "focus/xml.h"

void dialog_head_write(struct buf *out, const struct dialog_head *head)
{
	xml_head(out);
	buf_adds(out, "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"");
	buf_addu(out, head->version, 1);
	buf_addc(out, '"');
	xml_attr(out, "state", head->is_full ? SLICE("full") : SLICE("partial"));
	xml_attr(out, "entity", head->entity);
	buf_adds(out, ">");
}

void dialog_tail_write(struct buf *out)
{
	buf_adds(out, "</dialog-info>\n");
}

static void attr_if(struct buf *out, const char *name, struct slice value)
{
	if (value.len)
		xml_attr(out, name, value);
}

static void write_state(struct buf *out, const struct dialog_entry *entry)
{
	buf_adds(out, "<state");
	if (entry->event)
		xml_attr(out, "event", slice_of(entry->event));
	if (entry->code) {
		buf_adds(out, " code=\"");
		buf_addu(out, entry->code, 1);
		buf_addc(out, '"');
	}
	buf_addc(out, '>');
	xml_text(out, slice_of(entry->state));
	buf_adds(out, "</state>");
}

static void write_target(struct buf *out, const struct dialog_party *party)
{
	buf_adds(out, "<target");
	xml_attr(out, "uri", party->target);
	if (!party->is_focus && !party->is_on_hold) {
		buf_adds(out, "/>");
		return;
	}
	buf_addc(out, '>');
	if (party->is_focus)
		buf_adds(out, "<param pname=\"isfocus\" pval=\"true\"/>");
	if (party->is_on_hold)
		buf_adds(out, "<param pname=\"+sip.rendering\" pval=\"no\"/>");
	buf_adds(out, "</target>");
}

static void write_party(struct buf *out, const char *side, const struct dialog_party *party)
{
	if (!party->identity.len)
		return;
	buf_addf(out, "<%s><identity", side);
	attr_if(out, "display", party->display);
	buf_addc(out, '>');
	xml_text(out, party->identity);
	buf_adds(out, "</identity>");
	if (party->target.len)
		write_target(out, party);
	buf_addf(out, "</%s>", side);
}

/* In the order that the schema asks for (4.4). */
void dialog_entry_write(struct buf *out, const struct dialog_entry *entry)
{
	buf_adds(out, "<dialog");
	xml_attr(out, "id", entry->id);
	attr_if(out, "call-id", entry->call_id);
	attr_if(out, "local-tag", entry->local_tag);
	attr_if(out, "remote-tag", entry->remote_tag);
	xml_attr(out, "direction", entry->is_initiator ? SLICE("initiator") : SLICE("recipient"));
	buf_addc(out, '>');
	write_state(out, entry);
	if (entry->duration_s)
		xml_leaf_uint(out, "duration", entry->duration_s);
	xml_leaf(out, "referred-by", entry->referrer);
	write_party(out, "local", &entry->local);
	write_party(out, "remote", &entry->remote);
	buf_adds(out, "</dialog>");
}
