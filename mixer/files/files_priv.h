/* mixer/files/files_priv.h -- what files.c, player.c and recorder.c share. */
#ifndef MIXER_FILES_FILES_PRIV_H
#define MIXER_FILES_FILES_PRIV_H

#include <stdatomic.h>

#include "base/list.h"
#include "mixer/files/files.h"

/* A player or recorder, as the thread sees it: the first member of both. */
struct files_job {
	struct list node;      /* the thread's, after files_add */
	atomic_bool is_closed; /* control will not touch it any more */
	/* Does what is due; false: closed and done with, free it. */
	bool (*turn)(struct files_job *job);
	void (*free)(struct files_job *job);
	struct files *files;
};

/* Hands a job to the thread. ERR_LIMIT. */
int files_add(struct files *files, struct files_job *job);
/* The job is to be looked at again soon, not only at the next turn. */
void files_hurry(struct files *files);
/* The thread. False while the ring to control is full. */
bool files_tell(struct files *files, const struct files_event *event);

#endif
