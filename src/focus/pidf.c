/* focus/pidf.c */
#include "focus/pidf.h"

#include "focus/xml.h"

static void write_person(struct buf *out, const struct pidf *pidf)
{
	buf_adds(out, "<dm:person id=\"person\">");
	buf_addf(out, "<rpid:activities><rpid:%s/></rpid:activities>", pidf->activity);
	buf_adds(out, "</dm:person>");
}

/* The note stands in the tuple, where every reader looks, and in no second place. */
void pidf_write(struct buf *out, const struct pidf *pidf)
{
	xml_head(out);
	buf_adds(out, "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\""
		      " xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\""
		      " xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\"");
	xml_attr(out, "entity", pidf->entity);
	buf_adds(out, "><tuple id=\"sip\"><status>");
	xml_leaf(out, "basic", pidf->is_open ? SLICE("open") : SLICE("closed"));
	buf_adds(out, "</status>");
	if (pidf->is_open)
		xml_leaf(out, "contact", pidf->entity);
	xml_leaf(out, "note", pidf->note);
	buf_adds(out, "</tuple>");
	if (pidf->activity)
		write_person(out, pidf);
	buf_adds(out, "</presence>\n");
}
