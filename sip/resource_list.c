#include "sip/resource_list.h"

#include <errno.h>
#include <libxml/xmlreader.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/multipart.h"

#define NS_LIST "urn:ietf:params:xml:ns:resource-lists"
#define NS_COPY "urn:ietf:params:xml:ns:copycontrol"

struct reading {
	xmlTextReaderPtr reader;
	struct sip_resource_list list;
	bool has_root, in_entry, in_name;
};

/* Entries
 * -----------------------------------------------------------------------------------------------
 */

static struct slice slice_of_xml(const xmlChar *text)
{
	return slice_of((const char *)text);
}

static bool is_usable(struct slice text, struct sip_uri *ret_uri)
{
	return sip_uri_parse(text, ret_uri) == 0 && ret_uri->scheme != SIP_SCHEME_OTHER;
}

static bool is_known(const struct sip_resource_list *list, const struct sip_uri *uri)
{
	for (uint32_t i = 0; i < list->count; i++) {
		struct sip_uri other;

		if (is_usable(slice_of(list->entries[i].uri), &other) && sip_uri_eq(&other, uri))
			return true;
	}
	return false;
}

static enum sip_copy copy_of(struct slice word)
{
	if (slice_iis(word, "to"))
		return SIP_COPY_TO;
	if (slice_iis(word, "cc"))
		return SIP_COPY_CC;
	return slice_iis(word, "bcc") ? SIP_COPY_BCC : SIP_COPY_NONE;
}

static void read_control(xmlTextReaderPtr reader, struct sip_resource *entry)
{
	xmlChar *copy = xmlTextReaderGetAttributeNs(reader, BAD_CAST "copyControl",
						    BAD_CAST NS_COPY);
	xmlChar *hidden = xmlTextReaderGetAttributeNs(reader, BAD_CAST "anonymize",
						      BAD_CAST NS_COPY);

	entry->copy = copy_of(slice_of_xml(copy));
	entry->is_anonymous = slice_iis(slice_of_xml(hidden), "true") ||
			      slice_is(slice_of_xml(hidden), "1");
	xmlFree(copy);
	xmlFree(hidden);
}

static int append(struct sip_resource_list *list, struct slice uri, struct sip_resource **ret_entry)
{
	struct sip_resource *entries, *entry;

	if (list->count == SIP_RESOURCES_MAX)
		return ERR_LIMIT;
	entries = realloc(list->entries, (list->count + 1) * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	list->entries = entries;
	entry = &entries[list->count];
	*entry = (struct sip_resource){.uri = slice_dup(uri), .display = slice_dup(SLICE(""))};
	list->count++; /* sip_resource_list_done frees it, also half-built */
	*ret_entry = entry;
	return entry->uri && entry->display ? 0 : -ENOMEM;
}

static int add_entry(struct reading *reading)
{
	xmlChar *text = xmlTextReaderGetAttribute(reading->reader, BAD_CAST "uri");
	struct slice trimmed = slice_trim(slice_of_xml(text));
	struct sip_resource *entry;
	struct sip_uri uri;
	int err = 0;

	reading->in_entry = false;
	if (!is_usable(trimmed, &uri)) {
		err = ERR_SIP_LIST_SYNTAX;
	} else if (!is_known(&reading->list, &uri)) {
		err = append(&reading->list, trimmed, &entry);
		if (!err)
			read_control(reading->reader, entry);
		reading->in_entry = !err && !xmlTextReaderIsEmptyElement(reading->reader);
	}
	xmlFree(text);
	return err;
}

static int set_name(struct reading *reading)
{
	struct sip_resource *entry = &reading->list.entries[reading->list.count - 1];
	struct slice text = slice_trim(slice_of_xml(xmlTextReaderConstValue(reading->reader)));
	char *copy = slice_dup(text);

	if (!copy)
		return -ENOMEM;
	free(entry->display);
	entry->display = copy;
	for (char *p = copy; *p; p++) {
		if ((unsigned char)*p < ' ')
			*p = ' ';
	}
	return 0;
}

/* Elements
 * -----------------------------------------------------------------------------------------------
 */

static int begin_element(struct reading *reading)
{
	struct slice name = slice_of_xml(xmlTextReaderConstLocalName(reading->reader));
	struct slice space = slice_of_xml(xmlTextReaderConstNamespaceUri(reading->reader));

	if (!reading->has_root) {
		reading->has_root = slice_is(name, "resource-lists") && slice_is(space, NS_LIST);
		return reading->has_root ? 0 : ERR_SIP_LIST_SYNTAX;
	}
	if (!slice_is(space, NS_LIST))
		return 0; /* an extension */
	if (slice_is(name, "external") || slice_is(name, "entry-ref"))
		return ERR_SIP_LIST_SYNTAX;
	if (slice_is(name, "entry"))
		return add_entry(reading);
	if (slice_is(name, "display-name"))
		reading->in_name = reading->in_entry &&
				   !xmlTextReaderIsEmptyElement(reading->reader);
	return 0;
}

static void end_element(struct reading *reading)
{
	struct slice name = slice_of_xml(xmlTextReaderConstLocalName(reading->reader));

	if (slice_is(name, "display-name"))
		reading->in_name = false;
	else if (slice_is(name, "entry"))
		reading->in_entry = false;
}

static int take_node(struct reading *reading)
{
	if (xmlTextReaderDepth(reading->reader) > SIP_RESOURCE_LIST_DEPTH_MAX)
		return ERR_LIMIT;
	switch (xmlTextReaderNodeType(reading->reader)) {
	case XML_READER_TYPE_ELEMENT:
		return begin_element(reading);
	case XML_READER_TYPE_END_ELEMENT:
		end_element(reading);
		return 0;
	case XML_READER_TYPE_TEXT:
	case XML_READER_TYPE_CDATA:
		return reading->in_name ? set_name(reading) : 0;
	case XML_READER_TYPE_DOCUMENT_TYPE:
	case XML_READER_TYPE_ENTITY_REFERENCE:
		return ERR_SIP_LIST_SYNTAX;
	default:
		return 0;
	}
}

/* Nothing of this ever comes with a document type, and entities live there: what has one is not
 * even given to the library. Octets of value 0 would be another encoding. */
static bool is_plain(struct slice xml)
{
	static const char *const marks[] = {"<!DOCTYPE", "<!ENTITY"};

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		if (memmem(xml.p, xml.len, marks[i], strlen(marks[i])))
			return false;
	}
	return slice_find(xml, '\0') == xml.len;
}

int sip_resource_list_parse(struct slice xml, struct sip_resource_list *ret_list)
{
	struct reading reading = {0};
	int err = 0, more = 1;

	if (xml.len > SIP_RESOURCE_LIST_OCTETS_MAX)
		return ERR_LIMIT;
	if (xml.len == 0 || !is_plain(xml))
		return ERR_SIP_LIST_SYNTAX;
	reading.reader = xmlReaderForMemory(xml.p, (int)xml.len, NULL, "UTF-8",
					    XML_PARSE_NONET | XML_PARSE_NOERROR |
						    XML_PARSE_NOWARNING | XML_PARSE_NOCDATA);
	if (!reading.reader)
		return -ENOMEM;
	while (!err && (more = xmlTextReaderRead(reading.reader)) == 1)
		err = take_node(&reading);
	if (!err && (more < 0 || !reading.has_root))
		err = ERR_SIP_LIST_SYNTAX;
	xmlFreeTextReader(reading.reader);
	if (err)
		sip_resource_list_done(&reading.list);
	else
		*ret_list = reading.list;
	return err;
}

/* In a message
 * -------------------------------------------------------------------------------------------- */

static bool is_list_part(const struct sip_part *part, struct slice content_id)
{
	return sip_content_is(&part->type, SIP_RESOURCE_LIST_TYPE) && !part->is_encoded &&
	       (!slice_present(content_id) || slice_eq(part->id, content_id));
}

static bool find_part(const struct sip_part *whole, struct slice content_id, uint32_t depth,
		      struct sip_part *ret_part)
{
	struct sip_multipart walk;
	struct sip_part part;

	if (is_list_part(whole, content_id)) {
		*ret_part = *whole;
		return true;
	}
	if (depth == SIP_PARTS_DEPTH_MAX || !sip_part_is_multipart(whole) ||
	    sip_multipart_start(whole, &walk))
		return false;
	for (uint32_t i = 0; i < SIP_PARTS_MAX && sip_multipart_next(&walk, &part); i++) {
		if (find_part(&part, content_id, depth + 1, ret_part))
			return true;
	}
	return false;
}

int sip_resource_list_of(const struct sip_msg *msg, struct slice content_id,
			 struct sip_resource_list *ret_list)
{
	struct sip_part whole, part;
	int err = sip_part_of_msg(msg, &whole);

	if (err)
		return err;
	if (whole.body.len == 0 || !find_part(&whole, content_id, 0, &part))
		return ERR_SIP_HEADER_MISSING;
	return sip_resource_list_parse(part.body, ret_list);
}

void sip_resource_list_done(struct sip_resource_list *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		free(list->entries[i].uri);
		free(list->entries[i].display);
	}
	free(list->entries);
	*list = (struct sip_resource_list){0};
}
