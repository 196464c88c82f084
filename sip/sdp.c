/* Two passes: the first counts lines and so bounds everything, the second fills one block of
 * memory: the description, its m-lines, all attributes, and a copy of the text that every slice
 * points into. */
#include "sip/sdp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/attr.h"
#include "base/err.h"
#include "sip/cursor.h"

/* RFC 3551 6: payload types that need no rtpmap. */
static const struct static_format {
	uint8_t payload_type;
	const char *name;
	uint32_t clock_hz;
	uint8_t channels;
} static_formats[] = {
	{0, "PCMU", 8000, 1},   {3, "GSM", 8000, 1},    {4, "G723", 8000, 1},
	{5, "DVI4", 8000, 1},   {6, "DVI4", 16000, 1},  {7, "LPC", 8000, 1},
	{8, "PCMA", 8000, 1},   {9, "G722", 8000, 1},   {10, "L16", 44100, 2},
	{11, "L16", 44100, 1},  {12, "QCELP", 8000, 1}, {13, "CN", 8000, 1},
	{14, "MPA", 90000, 1},  {15, "G728", 8000, 1},  {16, "DVI4", 11025, 1},
	{17, "DVI4", 22050, 1}, {18, "G729", 8000, 1},  {26, "JPEG", 90000, 1},
	{31, "H261", 90000, 1}, {32, "MPV", 90000, 1},  {33, "MP2T", 90000, 1},
	{34, "H263", 90000, 1},
};

struct reader {
	struct sdp *sdp;
	struct sdp_media *media; /* NULL: session level */
	struct sdp_attribute *next_attribute;
	bool has_direction;       /* at this level: the first one counts */
	struct sdp_media session; /* what an m-line has while it says nothing else; no formats */
};

/* What a media description is but for its formats, which are many and mostly not there. */
enum { MEDIA_HEAD = offsetof(struct sdp_media, formats) };

/* The next line, the last one also without its LF. */
static bool next_line(struct cursor *c, struct slice *ret_line)
{
	if (cursor_line(c, ret_line))
		return true;
	if (cursor_done(c))
		return false;
	*ret_line = cursor_rest(c);
	cursor_advance(c, SIZE_MAX);
	return true;
}

static struct slice next_word(struct cursor *c)
{
	struct cursor mark;

	cursor_lws(c);
	mark = *c;
	while (!cursor_done(c) && !char_is(cursor_peek(c), CHAR_WS))
		cursor_take(c);
	return cursor_since(c, mark);
}

static bool is_visible(struct slice text)
{
	struct cursor c = cursor_of(text);

	while (char_is(cursor_peek(&c), CHAR_URI) || cursor_peek(&c) == ' ')
		cursor_take(&c);
	return cursor_done(&c);
}

/* o=: phones get it wrong in many ways, and nothing depends on it but our own pride. */
static void read_origin(struct slice value, struct sdp *sdp)
{
	struct cursor c = cursor_of(value);
	struct slice id, version;

	sdp->origin_user = next_word(&c);
	id = next_word(&c);
	version = next_word(&c);
	(void)slice_u64(id, UINT64_MAX, &sdp->session_id);
	(void)slice_u64(version, UINT64_MAX, &sdp->version);
	next_word(&c);
	next_word(&c);
	sdp->origin_address = next_word(&c);
}

/* "IN IP4 192.0.2.1/127": the address as text, and as an address unless it is a name. */
static int read_address(struct cursor *c, struct slice *ret_host, struct addr *ret_addr)
{
	struct slice net = next_word(c), family = next_word(c);
	struct cursor address = cursor_of(next_word(c));
	struct slice host = cursor_until(&address,
					 '/'); /* RFC 8866 5.7: TTL and count of multicast */

	if (!slice_iis(net, "IN") || (!slice_iis(family, "IP4") && !slice_iis(family, "IP6")) ||
	    host.len == 0 || !is_visible(host))
		return ERR_SDP_SYNTAX;
	*ret_host = host;
	*ret_addr = (struct addr){0};
	(void)addr_parse_ip(host, ret_addr);
	return 0;
}

static int read_connection(struct slice value, struct sdp_media *level)
{
	struct cursor c = cursor_of(value);

	if (read_address(&c, &level->connection_host, &level->connection))
		return ERR_SDP_SYNTAX;
	addr_set_port(&level->connection, 0);
	level->is_held_old_style = addr_is_set(&level->connection) &&
				   addr_is_any(&level->connection);
	return 0;
}

static void add_format(struct sdp_media *media, uint8_t payload_type)
{
	struct sdp_format *format = &media->formats[media->format_count];

	if (media->format_count == SDP_FORMATS_MAX)
		return;
	*format = (struct sdp_format){.payload_type = payload_type};
	for (size_t i = 0; i < ARRAY_LEN(static_formats); i++) {
		const struct static_format *row = &static_formats[i];

		if (row->payload_type != payload_type)
			continue;
		slice_cstr(slice_of(row->name), format->name, sizeof(format->name));
		format->clock_hz = row->clock_hz;
		format->channels = row->channels;
	}
	media->format_count++;
}

static bool is_rtp(struct slice protocol)
{
	struct cursor c = cursor_of(protocol);

	do {
		if (slice_iis(cursor_until(&c, '/'), "RTP"))
			return true;
	} while (cursor_skip(&c, '/'));
	return false;
}

/* "audio 49170/2 RTP/AVP 0 8 101" */
static int read_media(struct slice value, struct reader *reader)
{
	struct cursor c = cursor_of(value);
	struct sdp_media *media = &reader->sdp->media[reader->sdp->media_count];
	struct cursor port_text;
	uint32_t port, payload_type;

	memcpy(media, &reader->session, MEDIA_HEAD);
	media->kind = next_word(&c);
	port_text = cursor_of(next_word(&c));
	media->protocol = next_word(&c);
	media->formats_text = cursor_trim(cursor_rest(&c));
	if (media->protocol.len == 0 || !is_visible(value) ||
	    slice_u32(cursor_until(&port_text, '/'), UINT16_MAX, &port))
		return ERR_SDP_SYNTAX;
	media->port = (uint16_t)port;
	media->attributes = reader->next_attribute;
	while (is_rtp(media->protocol) && !cursor_done(&c)) {
		if (slice_u32(next_word(&c), 127, &payload_type) == 0)
			add_format(media, (uint8_t)payload_type);
	}
	reader->sdp->media_count++;
	reader->media = media;
	reader->has_direction = false;
	return 0;
}

static struct sdp_format *find_format(struct sdp_media *media, struct slice payload_type)
{
	uint32_t number;

	if (slice_u32(payload_type, 127, &number))
		return NULL;
	for (size_t i = 0; i < media->format_count; i++) {
		if (media->formats[i].payload_type == number)
			return &media->formats[i];
	}
	return NULL;
}

/* "101 telephone-event/8000", "96 opus/48000/2". A malformed one leaves the format without a name:
 * it cannot be chosen then, and the others still can. */
static void read_rtpmap(struct slice value, struct sdp_media *media)
{
	struct cursor c = cursor_of(value);
	struct sdp_format *format = find_format(media, next_word(&c));
	struct cursor encoding = cursor_of(next_word(&c));
	struct slice name = cursor_until(&encoding, '/');
	uint32_t clock_hz, channels = 1;

	cursor_skip(&encoding, '/');
	if (!format || slice_u32(cursor_until(&encoding, '/'), UINT32_MAX, &clock_hz) ||
	    clock_hz == 0 || name.len == 0 || name.len >= sizeof(format->name))
		return;
	if (cursor_skip(&encoding, '/') && slice_u32(cursor_rest(&encoding), UINT8_MAX, &channels))
		return;
	slice_cstr(name, format->name, sizeof(format->name));
	format->clock_hz = clock_hz;
	format->channels = (uint8_t)channels;
}

static void read_fmtp(struct slice value, struct sdp_media *media)
{
	struct cursor c = cursor_of(value);
	struct sdp_format *format = find_format(media, next_word(&c));

	if (format)
		format->fmtp = cursor_trim(cursor_rest(&c));
}

/* RFC 3605: "53020 IN IP4 126.16.64.4", the address being optional. */
static void read_rtcp(struct slice value, struct sdp_media *media)
{
	struct cursor c = cursor_of(value);
	struct slice host;
	struct addr addr = {0};
	uint32_t port;

	if (slice_u32(next_word(&c), UINT16_MAX, &port) || port == 0)
		return;
	if (read_address(&c, &host, &addr) || !addr_is_set(&addr))
		addr.in.sin_family = AF_INET; /* the address of c= follows at the end */
	addr_set_port(&addr, (uint16_t)port);
	media->rtcp = addr;
}

static void read_milliseconds(struct slice value, uint16_t *ms)
{
	struct cursor c = cursor_of(cursor_trim(value));
	uint32_t number;

	if (slice_u32(cursor_span(&c, CHAR_DIGIT), 1000, &number) == 0)
		*ms = (uint16_t)number;
}

static void read_direction(struct slice name, struct reader *reader, struct sdp_media *level)
{
	static const char *const names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};

	for (size_t i = 0; i < ARRAY_LEN(names) && !reader->has_direction; i++) {
		if (slice_iis(name, names[i])) {
			level->direction = (enum sdp_direction)i;
			reader->has_direction = true;
		}
	}
}

static void read_attribute(struct slice line, struct reader *reader)
{
	struct sdp_media *level = reader->media ? reader->media : &reader->session;
	struct cursor c = cursor_of(line);
	struct sdp_attribute attribute = {.name = cursor_until(&c, ':')};

	if (cursor_skip(&c, ':'))
		attribute.value = cursor_rest(&c);
	*reader->next_attribute++ = attribute;
	if (reader->media)
		reader->media->attribute_count++;
	else
		reader->sdp->attribute_count++;

	if (slice_iis(attribute.name, "ptime"))
		read_milliseconds(attribute.value, &level->ptime_ms);
	else if (slice_iis(attribute.name, "maxptime"))
		read_milliseconds(attribute.value, &level->maxptime_ms);
	else if (!slice_present(attribute.value))
		read_direction(attribute.name, reader, level);
	if (!reader->media)
		return;
	if (slice_iis(attribute.name, "rtpmap"))
		read_rtpmap(attribute.value, level);
	else if (slice_iis(attribute.name, "fmtp"))
		read_fmtp(attribute.value, level);
	else if (slice_iis(attribute.name, "rtcp"))
		read_rtcp(attribute.value, level);
	else if (slice_iis(attribute.name, "rtcp-mux"))
		level->has_rtcp_mux = true;
}

/* One line. Types that we have no use for (t= b= k= i= u= e= p= r= z=) and unknown ones are
 * skipped. */
static int read_line(struct slice line, struct reader *reader)
{
	struct cursor c = cursor_of(line);
	int type = cursor_take(&c);
	bool is_assignment = cursor_skip(&c, '=');
	struct slice value = cursor_rest(&c);

	if (!is_assignment || memchr(line.p, '\r', line.len) || memchr(line.p, '\0', line.len))
		return ERR_SDP_SYNTAX;
	switch (type) {
	case 'v':
		return slice_is(cursor_trim(value), "0") ? 0 : ERR_SDP_SYNTAX;
	case 'o':
		read_origin(value, reader->sdp);
		return 0;
	case 's':
		reader->sdp->name = value;
		return 0;
	case 'c':
		return read_connection(value, reader->media ? reader->media : &reader->session);
	case 'm':
		return read_media(value, reader);
	case 'a':
		read_attribute(value, reader);
		return 0;
	default:
		return 0;
	}
}

/* a=rtcp without an address takes that of the media. */
static void finish_rtcp(struct sdp_media *media)
{
	struct addr rtcp = media->connection;

	if (addr_is_set(&media->rtcp) && !addr_is_any(&media->rtcp))
		return;
	addr_set_port(&rtcp, addr_port(&media->rtcp));
	media->rtcp = rtcp;
}

static int read_lines(struct slice text, struct reader *reader, uint32_t *line_number)
{
	struct cursor c = cursor_of(text);
	struct slice line;
	bool is_first = true;

	while (next_line(&c, &line)) {
		int err;

		++*line_number;
		if (line.len == 0)
			continue; /* blank lines, mostly at the end */
		if (is_first && !slice_starts(line, SLICE("v")))
			return ERR_SDP_SYNTAX;
		is_first = false;
		err = read_line(line, reader);
		if (err)
			return err;
	}
	for (size_t i = 0; i < reader->sdp->media_count; i++)
		finish_rtcp(&reader->sdp->media[i]);
	return is_first ? ERR_SDP_SYNTAX : 0;
}

/* Counts m-lines and a-lines; false beyond the limits. */
static bool count_lines(struct slice text, size_t *media, size_t *attributes)
{
	struct cursor c = cursor_of(text);
	struct slice line;

	*media = *attributes = 0;
	while (next_line(&c, &line)) {
		*media += slice_starts(line, SLICE("m"));
		*attributes += slice_starts(line, SLICE("a"));
		if (*media > SDP_MEDIA_MAX || *attributes > SDP_ATTRIBUTES_MAX)
			return false;
	}
	return true;
}

int sdp_parse(struct slice text, struct sdp **ret_sdp, uint32_t *reterr_line)
{
	size_t media, attributes;
	uint32_t line_number = 0;
	struct reader reader;
	struct sdp *sdp;
	char *copy;
	int err;

	assert(ret_sdp != NULL);

	if (text.len > SDP_OCTETS_MAX || !count_lines(text, &media, &attributes))
		return ERR_SDP_TOO_LARGE;
	sdp = malloc(sizeof(*sdp) + media * sizeof(struct sdp_media) +
		     attributes * sizeof(struct sdp_attribute) + text.len + 1);
	if (!sdp)
		return -ENOMEM;
	*sdp = (struct sdp){.media = (struct sdp_media *)(void *)(sdp + 1)};
	sdp->attributes = (struct sdp_attribute *)(void *)(sdp->media + media);
	copy = (char *)(sdp->attributes + attributes);
	if (text.len)
		memcpy(copy, text.p, text.len);
	memset(&reader, 0, offsetof(struct reader, session) + MEDIA_HEAD);
	reader.sdp = sdp;
	reader.next_attribute = sdp->attributes;
	err = read_lines(slice_make(copy, text.len), &reader, &line_number);
	if (err) {
		if (reterr_line)
			*reterr_line = line_number;
		sdp_free(sdp);
		return err;
	}
	*ret_sdp = sdp;
	return 0;
}

struct sdp *sdp_free(struct sdp *sdp)
{
	free(sdp);
	return NULL;
}

bool sdp_attribute(const struct sdp_attribute *attributes, uint16_t count, const char *name,
		   struct slice *ret_value)
{
	for (size_t i = 0; i < count; i++) {
		if (slice_iis(attributes[i].name, name)) {
			*ret_value = attributes[i].value;
			return true;
		}
	}
	return false;
}

static const char *family_of(struct slice host)
{
	return slice_find(host, ':') < host.len ? "IP6" : "IP4";
}

static void add_or_dash(struct buf *buf, struct slice text)
{
	buf_addslice(buf, text.len ? text : SLICE("-"));
}

static void print_attributes(struct buf *buf, const struct sdp_attribute *attributes,
			     uint16_t count)
{
	for (size_t i = 0; i < count; i++) {
		buf_adds(buf, "a=");
		buf_addslice(buf, attributes[i].name);
		if (slice_present(attributes[i].value)) {
			buf_addc(buf, ':');
			buf_addslice(buf, attributes[i].value);
		}
		buf_adds(buf, "\r\n");
	}
}

static void print_media(struct buf *buf, const struct sdp_media *media)
{
	buf_addf(buf, "m=" SLICE_FMT " %u " SLICE_FMT, SLICE_ARG(media->kind), media->port,
		 SLICE_ARG(media->protocol));
	if (media->formats_text.len)
		buf_addc(buf, ' ');
	buf_addslice(buf, media->formats_text);
	buf_adds(buf, "\r\n");
	if (media->connection_host.len)
		buf_addf(buf, "c=IN %s " SLICE_FMT "\r\n", family_of(media->connection_host),
			 SLICE_ARG(media->connection_host));
	print_attributes(buf, media->attributes, media->attribute_count);
}

void sdp_print(struct buf *buf, const struct sdp *sdp)
{
	buf_adds(buf, "v=0\r\no=");
	add_or_dash(buf, sdp->origin_user);
	buf_addf(buf, " %llu %llu IN %s ", (unsigned long long)sdp->session_id,
		 (unsigned long long)sdp->version, family_of(sdp->origin_address));
	add_or_dash(buf, sdp->origin_address);
	buf_adds(buf, "\r\ns=");
	add_or_dash(buf, sdp->name);
	buf_adds(buf, "\r\nt=0 0\r\n");
	print_attributes(buf, sdp->attributes, sdp->attribute_count);
	for (size_t i = 0; i < sdp->media_count; i++)
		print_media(buf, &sdp->media[i]);
}

/* A first look ------------------------------------------------------------------------------- */

static bool peek_host(struct slice line, struct addr *ret_ip)
{
	enum { PREFIX = sizeof("c=IN IP4 ") - 1 };

	if (!slice_istarts(line, SLICE("c=IN IP")) || line.len <= PREFIX)
		return false;
	return addr_parse_ip(slice_from(line, PREFIX), ret_ip) == 0;
}

static bool peek_port(struct slice line, uint32_t *ret_port)
{
	struct slice rest = slice_from(line, sizeof("m=audio ") - 1);

	return slice_u32(slice_first(rest, slice_find(rest, ' ')), UINT16_MAX, ret_port) == 0 &&
	       *ret_port > 0;
}

bool sdp_peek_rtp(struct slice text, struct addr *ret_rtp)
{
	struct cursor cursor = cursor_of(text);
	struct addr rtp = {0}, ip;
	bool is_session = true, is_audio = false;
	struct slice line;
	uint32_t port = 0;

	while (cursor_line(&cursor, &line)) {
		if (slice_starts(line, SLICE("m="))) {
			if (is_audio)
				break;
			is_session = false;
			is_audio = slice_istarts(line, SLICE("m=audio "));
			if (is_audio && !peek_port(line, &port))
				return false;
		} else if ((is_session || is_audio) && peek_host(line, &ip)) {
			rtp = ip;
		} else if (slice_istarts(line, SLICE("a=ice-ufrag:"))) {
			return false;
		}
	}
	if (!is_audio || !addr_is_set(&rtp) || addr_is_any(&rtp))
		return false;
	addr_set_port(&rtp, (uint16_t)port);
	*ret_rtp = rtp;
	return true;
}
