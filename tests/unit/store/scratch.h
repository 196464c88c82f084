/* tests/unit/store/scratch.h -- a folder for one test's database, gone afterwards. */
#ifndef TESTS_STORE_SCRATCH_H
#define TESTS_STORE_SCRATCH_H

#include "store/store.h"

struct scratch {
	char dir[64];
	char db[96];
};

struct scratch scratch_new(void);
void scratch_done(struct scratch *scratch); /* removes the folder and the files in it */
void scratch_write(const struct scratch *scratch, const void *data,
		   size_t len);                                   /* as the db file */
void scratch_sql(const struct scratch *scratch, const char *sql); /* by another connection */

struct store_room scratch_room(const char *id);
struct store_call_record scratch_record(const char *room, unsigned number);

#endif
