#include "focus/codecs.h"

#include <errno.h>

#include "base/attr.h"
#include "tests/support/check.h"

static void lists(void)
{
	static const struct {
		const char *list, *names[4];
		uint8_t count;
	} rows[] = {
		{"PCMU", {"PCMU"}, 1},
		{"opus, g722,PCMA", {"opus", "G722", "PCMA"}, 3},
		{"G729,L16/16000", {"L16"}, 1},
		{"", {0}, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct offer_local local = {.codec_count = 0};

		codecs_add_list(&local, slice_of(rows[i].list));
		CHECK_INT(rows[i].list, local.codec_count, rows[i].count);
		for (uint8_t k = 0; k < local.codec_count; k++)
			CHECK_STR(rows[i].list, local.codecs[k].name, rows[i].names[k]);
	}
}

static void lists_are_read(void)
{
	static const struct {
		const char *list, *want, *bad; /* want NULL: refused */
	} rows[] = {
		{"opus,G722", "opus,G722", ""},
		{" pcmu + L16/16000 ,g726-32", "PCMU,L16/16000,G726-32", ""},
		{"", "", ""},
		{",+", "", ""},
		{"opus,G729,PCMU", NULL, "G729"},
		{"PCMA,opus+pcma", NULL, "pcma"},
		{"PCMU,PCMA,G722,opus,GSM,G726-32,L16/8000,L16/16000,L16/48000",
		 "PCMU,PCMA,G722,opus,GSM,G726-32,L16/8000,L16/16000,L16/48000", ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char list[CODECS_LIST_MAX + 1] = "as before";
		struct slice bad = SLICE("");
		int err = codecs_list_read(slice_of(rows[i].list), list, &bad);

		CHECK_INT(rows[i].list, err, rows[i].want ? 0 : -EINVAL);
		CHECK_STR(rows[i].list, list, rows[i].want ? rows[i].want : "as before");
		CHECK_SLICE(rows[i].list, bad, rows[i].bad);
	}
}

static void every_codec_has_a_name(void)
{
	for (int id = 1; id < MEDIA_CODEC_COUNT; id++) {
		struct offer_local local = {.codec_count = 0};

		codecs_add_list(&local, slice_of(codecs_name((enum media_codec)id)));
		if (CHECK_INT("its name finds it", local.codec_count, 1))
			CHECK_INT("itself", local.codecs[0].id, id);
	}
	CHECK_STR("none", codecs_name(MEDIA_CODEC_NONE), "");
}

static void opus_formats(void)
{
	static const struct {
		const char *fmtp;
		struct media_opus want;
	} rows[] = {
		{"", {0, 0, false, false, false}},
		{"useinbandfec=1", {0, 0, true, false, false}},
		{"maxplaybackrate=16000; sprop-maxcapturerate=16000; maxaveragebitrate=20000; "
		 "stereo=1; useinbandfec=1; usedtx=1; cbr=1",
		 {20000, 16000, true, true, true}},
		{"useinbandfec=0;usedtx=2; ; x;=1;maxaveragebitrate=", {0, 0, false, false, false}},
		{"maxaveragebitrate=99999999999", {0, 0, false, false, false}},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct media_opus got = codecs_opus_of(slice_of(rows[i].fmtp));

		CHECK(rows[i].fmtp, media_opus_eq(&got, &rows[i].want));
	}
}

void suite_codecs(void)
{
	CHECK_SUITE("codecs");
	CHECK_TEST(lists);
	CHECK_TEST(lists_are_read);
	CHECK_TEST(every_codec_has_a_name);
	CHECK_TEST(opus_formats);
}
