/* focus/factory.c */
#include "focus/factory.h"

#include <errno.h>

#include "focus/text.h"

static int number(struct slice word, const char *name, uint32_t max, uint32_t *ret)
{
	size_t len = strlen(name);

	return slice_starts(word, slice_of(name)) ? slice_u32(slice_from(word, len), max, ret)
						  : -EINVAL;
}

static bool read_text(struct slice word, const char *name, struct slice *ret_text)
{
	if (!slice_starts(word, slice_of(name)) || word.len == strlen(name))
		return false;
	*ret_text = slice_from(word, strlen(name));
	return true;
}

static bool read_word(struct slice word, struct factory_profile *profile)
{
	if (!number(word, "max=", FACTORY_PARTICIPANTS_MAX, &profile->participants_max))
		return true;
	if (!number(word, "grace=", FACTORY_GRACE_S_MAX, &profile->grace_s)) {
		profile->has_grace = true;
		return true;
	}
	if (slice_is(word, "end"))
		profile->ends_with_host = true;
	else if (slice_is(word, "tones"))
		profile->has_tones = true;
	else if (slice_is(word, "offer"))
		profile->needs_offer = true;
	else if (slice_is(word, "record"))
		profile->is_recorded = true;
	else
		return read_text(word, "pin=", &profile->pin) ||
		       read_text(word, "codecs=", &profile->codecs);
	return true;
}

int factory_profile(const char *profiles, struct slice user, struct factory_profile *ret_profile,
		    struct slice *ret_bad)
{
	struct factory_profile found = {0};
	struct slice list = slice_of(profiles), entry;

	while (text_list_next(&list, &entry)) {
		struct factory_profile profile = {0};
		struct slice name = text_word_next(&entry), word;

		while ((word = text_word_next(&entry)).len)
			if (!read_word(word, &profile)) {
				*ret_bad = word;
				return -EINVAL;
			}
		if (slice_eq(name, user))
			found = profile;
	}
	*ret_profile = found;
	return 0;
}
