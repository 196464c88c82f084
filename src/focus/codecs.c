#include "focus/codecs.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/attr.h"
#include "focus/text.h"

/* We can do FEC and plays of any rate; stereo is taken and played in mono, which is the default of
 * the format. */
static const struct {
	const char *key; /* in media.codecs */
	struct offer_codec codec;
} rows[] = {
	{"PCMU", {MEDIA_CODEC_PCMU, "PCMU", 8000, 1, 0, NULL}},
	{"PCMA", {MEDIA_CODEC_PCMA, "PCMA", 8000, 1, 8, NULL}},
	{"G722", {MEDIA_CODEC_G722, "G722", 8000, 1, 9, NULL}},
	{"opus", {MEDIA_CODEC_OPUS, "opus", 48000, 2, -1, "useinbandfec=1"}},
	{"GSM", {MEDIA_CODEC_GSM, "GSM", 8000, 1, 3, NULL}},
	{"G726-32", {MEDIA_CODEC_G726_32, "G726-32", 8000, 1, -1, NULL}},
	{"L16/8000", {MEDIA_CODEC_L16_8K, "L16", 8000, 1, -1, NULL}},
	{"L16/16000", {MEDIA_CODEC_L16_16K, "L16", 16000, 1, -1, NULL}},
	{"L16/48000", {MEDIA_CODEC_L16_48K, "L16", 48000, 1, -1, NULL}},
};
static_assert(ARRAY_LEN(rows) == (size_t)MEDIA_CODEC_COUNT - 1,
	      "a codec of the mixer is not offered");
static_assert((int)OFFER_CODECS_MAX <= (int)MEDIA_FORMATS_MAX, "an agreement must fit into a leg");

const char *codecs_name(enum media_codec codec)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].codec.id == (int)codec)
			return rows[i].key;
	return "";
}

static void add(struct offer_local *local, struct slice key)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (slice_iis(key, rows[i].key) && local->codec_count < OFFER_CODECS_MAX)
			local->codecs[local->codec_count++] = rows[i].codec;
}

static const char *known(struct slice key)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (slice_iis(key, rows[i].key))
			return rows[i].key;
	return NULL;
}

int codecs_list_read(struct slice list, char ret_list[CODECS_LIST_MAX + 1], struct slice *ret_bad)
{
	char text[CODECS_LIST_MAX + 1] = "", *at = text;

	while (list.len > 0) {
		size_t end = MIN_OF(slice_find(list, ','), slice_find(list, '+'));
		struct slice item = slice_trim(slice_first(list, end));
		const char *name = known(item);

		list = end < list.len ? slice_from(list, end + 1) : SLICE_NONE;
		if (item.len == 0)
			continue;
		if (!name || text_list_has(text, slice_of(name))) {
			*ret_bad = item;
			return -EINVAL;
		}
		if (at != text)
			*at++ = ',';
		at = stpcpy(at, name); /* all names once fit: below */
	}
	memcpy(ret_list, text, sizeof(text));
	return 0;
}

void codecs_add_list(struct offer_local *local, struct slice list)
{
	struct slice key;

	while (text_list_next(&list, &key))
		add(local, key);
}

struct media_opus codecs_opus_of(struct slice fmtp)
{
	struct media_opus opus = {0};

	while (fmtp.len > 0) {
		size_t end = slice_find(fmtp, ';'), is;
		struct slice item = slice_trim(slice_first(fmtp, MIN_OF(end, fmtp.len)));
		struct slice name, value;
		uint32_t number;

		fmtp = end < fmtp.len ? slice_from(fmtp, end + 1) : SLICE_NONE;
		is = slice_find(item, '=');
		if (is >= item.len)
			continue;
		name = slice_trim(slice_first(item, is));
		value = slice_trim(slice_from(item, is + 1));
		if (slice_u32(value, 510000, &number))
			continue;
		if (slice_iis(name, "maxaveragebitrate"))
			opus.bitrate = number;
		else if (slice_iis(name, "maxplaybackrate"))
			opus.playback_hz = number;
		else if (slice_iis(name, "useinbandfec"))
			opus.has_fec = number == 1;
		else if (slice_iis(name, "usedtx"))
			opus.has_dtx = number == 1;
		else if (slice_iis(name, "cbr"))
			opus.is_cbr = number == 1;
	}
	return opus;
}
