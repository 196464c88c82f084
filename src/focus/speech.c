/* focus/speech.c */
#include "focus/speech.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"

enum {
	PART_MAX = MEDIA_PATH_MAX + 8,
	NOT_FOUND = 127 /* of a shell, and of posix_spawn's child */
};

struct speech {
	struct wheel *wheel;
	const char *program;
	speech_done_fn *on_done;
	void *arg;
	struct timer poll;
	pthread_t thread;
	bool is_busy; /* the thread is to be joined */
	struct speech_text *texts;
	uint32_t count;
	struct speech_done done; /* the thread's until is_over */
	_Atomic bool is_over, must_end;
};

/* The thread --------------------------------------------------------------------------------- */

static void make_directories(const char *path)
{
	char part[MEDIA_PATH_MAX];

	(void)snprintf(part, sizeof(part), "%s", path);
	for (char *at = part + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		(void)mkdir(part, 0755);
		*at = '/';
	}
}

/* Exit status of the program; -1: it could not be run at all. */
static int run(const char *program, char *const arguments[])
{
	extern char **environ;
	posix_spawnattr_t how;
	sigset_t none;
	pid_t child;
	int status, err = posix_spawnattr_init(&how);

	if (err)
		return -1;
	(void)sigemptyset(&none); /* this thread's mask is not for it */
	(void)posix_spawnattr_setsigmask(&how, &none);
	(void)posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
	err = posix_spawnp(&child, program, NULL, &how, arguments, environ);
	(void)posix_spawnattr_destroy(&how);
	if (err)
		return err == ENOENT ? NOT_FOUND : -1;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void read_one(struct speech *speech, const struct speech_text *text)
{
	char part[PART_MAX], voice[SPEECH_VOICE_MAX + 1];
	char words[512], name[64];
	char *arguments[] = {name, (char[]){"-v"}, voice, (char[]){"-w"}, part, words, NULL};
	int status;

	make_directories(text->path);
	(void)snprintf(part, sizeof(part), "%s.part", text->path);
	(void)snprintf(voice, sizeof(voice), "%s", text->voice);
	(void)snprintf(words, sizeof(words), "%s", text->text);
	(void)snprintf(name, sizeof(name), "%s", speech->program);
	status = run(speech->program, arguments);
	speech->done.is_missing = status == NOT_FOUND;
	if (status == 0 && rename(part, text->path) == 0) {
		speech->done.made++;
		return;
	}
	speech->done.failed++;
	(void)unlink(part);
}

static void *read_all(void *arg)
{
	struct speech *speech = arg;
	sigset_t all;

	(void)sigfillset(&all); /* signals are the main thread's */
	(void)pthread_sigmask(SIG_SETMASK, &all, NULL);
	for (uint32_t i = 0; i < speech->count && !speech->done.is_missing; i++) {
		if (atomic_load(&speech->must_end))
			break;
		read_one(speech, &speech->texts[i]);
	}
	atomic_store(&speech->is_over, true);
	return NULL;
}

/* Control ------------------------------------------------------------------------------------ */

static void finish(struct speech *speech)
{
	(void)pthread_join(speech->thread, NULL);
	free(speech->texts);
	speech->texts = NULL;
	speech->is_busy = false;
}

static void on_poll(void *arg)
{
	struct speech *speech = arg;
	struct speech_done done;

	if (!atomic_load(&speech->is_over)) {
		timer_start(speech->wheel, &speech->poll, SPEECH_POLL_MS);
		return;
	}
	finish(speech);
	done = speech->done;
	speech->on_done(speech->arg, &done);
}

int speech_new(struct wheel *wheel, const char *program, speech_done_fn *on_done, void *arg,
	       struct speech **ret_speech)
{
	struct speech *speech = calloc(1, sizeof(*speech));

	if (!speech)
		return -ENOMEM;
	speech->wheel = wheel;
	speech->program = program;
	speech->on_done = on_done;
	speech->arg = arg;
	timer_init(&speech->poll, on_poll, speech);
	*ret_speech = speech;
	return 0;
}

struct speech *speech_free(struct speech *speech)
{
	if (!speech)
		return NULL;
	timer_stop(speech->wheel, &speech->poll);
	if (speech->is_busy) {
		atomic_store(&speech->must_end, true);
		finish(speech);
	}
	free(speech);
	return NULL;
}

bool speech_is_busy(const struct speech *speech)
{
	return speech->is_busy;
}

int speech_read(struct speech *speech, struct speech_text *texts, uint32_t count)
{
	int err;

	if (speech->is_busy)
		return ERR_STATE;
	speech->texts = texts;
	speech->count = count;
	speech->done = (struct speech_done){0};
	atomic_store(&speech->is_over, false);
	err = pthread_create(&speech->thread, NULL, read_all, speech);
	if (err) {
		speech->texts = NULL;
		return -err;
	}
	speech->is_busy = true;
	timer_start(speech->wheel, &speech->poll, SPEECH_POLL_MS);
	return 0;
}
