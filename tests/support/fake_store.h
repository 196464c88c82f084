/* tests/support/fake_store.h -- what the focus writes, kept in memory, and refused on demand.
 *
 * Defines the functions of store/store.h that the focus calls: a test that links this file gets
 * these in place of the real ones. Thread: the test's.
 */
#ifndef TESTS_SUPPORT_FAKE_STORE_H
#define TESTS_SUPPORT_FAKE_STORE_H

#include "store/store.h"

enum { FAKE_STORE_ROWS_MAX = 64 }; /* the oldest are forgotten, but counted */

struct store {
	struct store_room rooms[FAKE_STORE_ROWS_MAX]; /* as they would be after a restart */
	uint32_t room_count;
	struct store_call_record records[FAKE_STORE_ROWS_MAX]; /* the latest ones, a ring */
	uint32_t record_count;
	struct fake_item {
		char kind[STORE_KIND_MAX + 1], name[STORE_URI_MAX + 1], value[1024];
	} items[FAKE_STORE_ROWS_MAX];
	uint32_t item_count;
	struct store_user users[FAKE_STORE_ROWS_MAX];
	uint32_t user_count;
	struct fake_mail {
		struct store_mail row;
		char text[STORE_MAIL_TEXT_MAX + 1];
	} mails[FAKE_STORE_ROWS_MAX];
	uint32_t mail_count;
	uint32_t puts, deletes;
	int fail; /* every job gives this error */
};

const struct store_call_record *fake_store_last(const struct store *store); /* NULL when none */

#endif
