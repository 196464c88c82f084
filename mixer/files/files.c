/* mixer/files/files.c */
#include "mixer/files/files.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "base/ring.h"
#include "mixer/files/files_priv.h"

struct files {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;

	/* Under the lock. */
	struct list inbox;
	uint32_t count;
	bool must_hurry, must_stop;

	struct list jobs; /* the thread's own */
	struct ring *events;
};

static void time_add_ms(struct timespec *at, uint32_t ms)
{
	at->tv_nsec += (long)ms * 1000000;
	at->tv_sec += at->tv_nsec / 1000000000;
	at->tv_nsec %= 1000000000;
}

/* Waits for the next turn and takes what has come in. Returns whether to go on. */
static bool next_turn(struct files *files)
{
	struct timespec until;
	bool goes_on;

	clock_gettime(CLOCK_MONOTONIC, &until);
	time_add_ms(&until, FILES_TURN_MS);
	pthread_mutex_lock(&files->lock);
	while (!files->must_hurry && !files->must_stop) {
		if (files->count == 0)
			pthread_cond_wait(&files->wake, &files->lock);
		else if (pthread_cond_timedwait(&files->wake, &files->lock, &until) == ETIMEDOUT)
			break;
	}
	files->must_hurry = false;
	while (!list_empty(&files->inbox)) {
		struct list *node = files->inbox.next;

		list_remove(node);
		list_append(&files->jobs, node);
	}
	goes_on = !files->must_stop;
	pthread_mutex_unlock(&files->lock);
	return goes_on;
}

static void jobs_turn(struct files *files)
{
	struct list *it, *tmp;
	uint32_t gone = 0;

	LIST_FOREACH (it, tmp, &files->jobs) {
		struct files_job *job = LIST_ENTRY(it, struct files_job, node);

		if (job->turn(job))
			continue;
		list_remove(it);
		job->free(job);
		gone++;
	}
	pthread_mutex_lock(&files->lock);
	files->count -= gone;
	pthread_mutex_unlock(&files->lock);
}

static void *files_main(void *arg)
{
	struct files *files = arg;

	while (next_turn(files))
		jobs_turn(files);
	return NULL;
}

static int thread_start(struct files *files)
{
	sigset_t all, before;
	int err;

	sigfillset(&all); /* signals are for control */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&files->thread, NULL, files_main, files);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err == 0)
		(void)pthread_setname_np(files->thread, "hearth-files");
	return -err;
}

int files_new(struct files **ret_files)
{
	struct files *files = calloc(1, sizeof(*files));
	pthread_condattr_t attr;
	int err;

	if (!files)
		return -ENOMEM;
	list_init(&files->inbox);
	list_init(&files->jobs);
	err = ring_new(FILES_EVENTS_MAX, sizeof(struct files_event), RING_WAKE_EVENTFD,
		       &files->events);
	if (err) {
		free(files);
		return err;
	}
	pthread_mutex_init(&files->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&files->wake, &attr);
	pthread_condattr_destroy(&attr);
	err = thread_start(files);
	if (err) {
		pthread_cond_destroy(&files->wake);
		pthread_mutex_destroy(&files->lock);
		ring_free(files->events);
		free(files);
		return err;
	}
	*ret_files = files;
	return 0;
}

/* After the join: everything is ours. What is closed already ends the ordinary way. */
static void jobs_end(struct list *jobs)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, jobs) {
		struct files_job *job = LIST_ENTRY(it, struct files_job, node);

		list_remove(it);
		atomic_store(&job->is_closed, true);
		(void)job->turn(job);
		job->free(job);
	}
}

struct files *files_free(struct files *files)
{
	if (!files)
		return NULL;
	pthread_mutex_lock(&files->lock);
	files->must_stop = true;
	pthread_cond_signal(&files->wake);
	pthread_mutex_unlock(&files->lock);
	pthread_join(files->thread, NULL);
	jobs_end(&files->jobs);
	jobs_end(&files->inbox);
	pthread_cond_destroy(&files->wake);
	pthread_mutex_destroy(&files->lock);
	ring_free(files->events);
	free(files);
	return NULL;
}

int files_add(struct files *files, struct files_job *job)
{
	int err = 0;

	job->files = files;
	pthread_mutex_lock(&files->lock);
	if (files->count >= FILES_JOBS_MAX) {
		err = ERR_LIMIT;
	} else {
		files->count++;
		files->must_hurry = true;
		list_append(&files->inbox, &job->node);
		pthread_cond_signal(&files->wake);
	}
	pthread_mutex_unlock(&files->lock);
	return err;
}

void files_hurry(struct files *files)
{
	pthread_mutex_lock(&files->lock);
	files->must_hurry = true;
	pthread_cond_signal(&files->wake);
	pthread_mutex_unlock(&files->lock);
}

bool files_tell(struct files *files, const struct files_event *event)
{
	return ring_post_rt(files->events, event);
}

int files_fd(const struct files *files)
{
	return ring_fd(files->events);
}

void files_fd_ack(struct files *files)
{
	ring_fd_ack(files->events);
}

bool files_take(struct files *files, struct files_event *ret_event)
{
	return ring_take_rt(files->events, ret_event);
}
