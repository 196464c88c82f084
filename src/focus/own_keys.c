#include "focus/own_keys.h"

#include <stdio.h>
#include <string.h>

#include "focus/focus_priv.h"
#include "focus/location.h"

#define KEYS_ITEMS "key" /* in the store */
#define KEYS_GRUU "temp_gruu"
#define KEYS_INSTANCE "instance"

/* RFC 4122 4.4: of chance. */
static void draw_instance(struct focus *focus)
{
	uint8_t o[16];

	random_bytes(focus->random, o, sizeof(o));
	o[6] = (uint8_t)((o[6] & 0x0f) | 0x40);
	o[8] = (uint8_t)((o[8] & 0x3f) | 0x80);
	(void)snprintf(focus->keys.instance, sizeof(focus->keys.instance),
		       "urn:uuid:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		       "%02x%02x%02x%02x%02x%02x",
		       o[0], o[1], o[2], o[3], o[4], o[5], o[6], o[7], o[8], o[9], o[10], o[11],
		       o[12], o[13], o[14], o[15]);
}

static void on_stored(void *arg, const char *name, const char *value)
{
	struct focus *focus = arg;
	struct gruu_key key;

	if (!strcmp(name, KEYS_INSTANCE) && strlen(value) == OWN_KEYS_INSTANCE_CHARS) {
		(void)slice_cstr(slice_of(value), focus->keys.instance,
				 sizeof(focus->keys.instance));
		focus->keys.has_instance = true;
	} else if (!strcmp(name, KEYS_GRUU) && gruu_key_read(slice_of(value), &key)) {
		location_set_key(focus->location, &key);
		focus->keys.has_gruu = true;
	}
}

int own_keys_load(struct focus *focus)
{
	draw_instance(focus);
	return focus->store ? store_items_load(focus->store, KEYS_ITEMS, on_stored, focus) : 0;
}

static bool keep(struct focus *focus, const char *name, const char *value)
{
	return store_item_put_post(focus->store, KEYS_ITEMS, name, value) == 0;
}

void own_keys_keep(struct focus *focus)
{
	char text[GRUU_KEY_TEXT + 1];

	if (!focus->store)
		return;
	if (!focus->keys.has_gruu) {
		gruu_key_write(location_key(focus->location), text);
		focus->keys.has_gruu = keep(focus, KEYS_GRUU, text);
	}
	if (!focus->keys.has_instance)
		focus->keys.has_instance = keep(focus, KEYS_INSTANCE, focus->keys.instance);
}
