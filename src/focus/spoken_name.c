/* focus/spoken_name.c */
#include "focus/spoken_name.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "focus/attendant.h"
#include "focus/focus_priv.h"
#include "focus/participant_priv.h"

enum { RATE_HZ = 16000 };
#define FOLDER "names"

struct spoken_name {
	struct list node; /* in focus->names */
	struct focus *focus;
	struct participant *of; /* NULL once that has gone */
	handle media;           /* while it is being recorded; 0 */
	bool is_good;
	struct timer keep;
	char path[MEDIA_PATH_MAX];
};

static void drop(struct spoken_name *name)
{
	timer_stop(name->focus->wheel, &name->keep);
	(void)unlink(name->path);
	list_remove(&name->node);
	free(name);
}

static void on_kept(void *arg)
{
	drop(arg);
}

static int record(struct spoken_name *name, const struct participant *p)
{
	const struct media *media = &name->focus->media;

	return media->ops->record_start(media->ctx,
					&(struct media_record){
						.leg = p->leg.media,
						.path = name->path,
						.format = MEDIA_RECORD_WAV,
						.rate_hz = RATE_HZ,
						.tag = p->tag,
					},
					&name->media);
}

int spoken_name_begin(struct participant *p)
{
	struct focus *focus = p->focus;
	struct spoken_name *name = calloc(1, sizeof(*name));
	char folder[MEDIA_PATH_MAX - 64];
	int err;

	if (!name)
		return -ENOMEM;
	(void)snprintf(folder, sizeof(folder), "%s/" FOLDER, focus->config->recordings_path);
	(void)mkdir(focus->config->recordings_path, 0750);
	(void)mkdir(folder, 0750); /* what is wrong with it, the file will tell */
	(void)snprintf(name->path, sizeof(name->path), "%s/%s.wav", folder, p->id);
	name->focus = focus;
	name->of = p;
	timer_init(&name->keep, on_kept, name);
	err = record(name, p);
	if (err) {
		free(name);
		return err;
	}
	list_append(&focus->names, &name->node);
	p->name = name;
	return 0;
}

void spoken_name_stop(struct participant *p)
{
	const struct media *media = &p->focus->media;

	if (p->name && p->name->media)
		(void)media->ops->record_stop(media->ctx, p->name->media);
}

const char *spoken_name_path(const struct participant *p)
{
	return p->name && p->name->is_good ? p->name->path : NULL;
}

void spoken_name_let_go(struct participant *p)
{
	if (!p->name)
		return;
	spoken_name_stop(p);
	p->name->of = NULL;
	timer_start(p->focus->wheel, &p->name->keep, NAME_KEEP_MS);
	p->name = NULL;
}

bool spoken_names_on_media_event(struct focus *focus, const struct media_event *event)
{
	struct list *it, *tmp;

	LIST_FOREACH (it, tmp, &focus->names) {
		struct spoken_name *name = LIST_ENTRY(it, struct spoken_name, node);

		if (name->media != event->object)
			continue;
		name->media = 0;
		name->is_good = !event->err && event->length_ms >= NAME_MIN_MS;
		if (event->err)
			LOG(LOG_WARN, "dialin.name_not_kept", LOG_STR("path", name->path),
			    LOG_STR("error", err_text(event->err)));
		if (name->of && name->of->attendant)
			attendant_on_named(name->of->attendant);
		return true;
	}
	return false;
}

void spoken_names_sweep(struct focus *focus)
{
	char folder[MEDIA_PATH_MAX - NAME_MAX - 1], path[MEDIA_PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	(void)snprintf(folder, sizeof(folder), "%s/" FOLDER, focus->config->recordings_path);
	dir = opendir(folder);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		(void)unlink(path);
	}
	closedir(dir);
}

void spoken_names_free(struct focus *focus)
{
	while (!list_empty(&focus->names))
		drop(LIST_ENTRY(focus->names.next, struct spoken_name, node));
}
