// SPDX-License-Identifier: BSD-2-Clause
/* See trail.h. Files are moved up when the oldest goes: that is seldom, and they are few. */
#include "output/trail.h"

#include <stdlib.h>
#include <string.h>

#include "output/room.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#define LOG_TAG "output"

static void forget(struct trail *t, size_t i)
{
	free(t->file[i].path);
	free(t->file[i].reason);
	t->cnt--;
	memmove(t->file + i, t->file + i + 1, (t->cnt - i) * sizeof(*t->file));
}

static void forget_oldest(struct trail *t)
{
	forget(t, 0);
	t->stuck -= t->stuck > 0;
}

void trail_free(struct trail *t)
{
	while (t->cnt)
		forget_oldest(t);
	free(t->file);
	*t = (struct trail){ 0 };
}

struct trail_file *trail_add(struct trail *t, const char *path, const struct outfile_id *id,
			     bool keeps)
{
	struct trail_file *f;

	if (t->cnt >= TRAIL_TOLD && (!keeps || t->stuck))
		forget_oldest(t);
	t->file = xgrow(t->file, t->cnt, &t->cap, sizeof(*t->file));
	f = &t->file[t->cnt++];
	*f = (struct trail_file){ .path = xstrdup(path), .id = *id };
	t->written++;
	return f;
}

void trail_grow(struct trail *t, uint64_t bytes)
{
	t->file[t->cnt - 1].bytes += bytes;
	t->bytes += bytes;
}

size_t trail_removable(const struct trail *t)
{
	return t->cnt - t->stuck;
}

size_t trail_enough(const struct trail *t, size_t spared, uint64_t bytes)
{
	uint64_t sum = 0;
	size_t n;

	for (n = 0; n + spared < trail_removable(t); n++) {
		sum += t->file[t->stuck + n].bytes;
		if (sum >= bytes)
			return n + 1;
	}
	return 0;
}

uint64_t trail_remove_oldest(struct trail *t)
{
	struct trail_file *f = &t->file[t->stuck];
	int err = outfile_remove(f->path, &f->id);
	uint64_t bytes = f->bytes;

	if (err) {
		log_error("cannot remove %s, it stays: %s", f->path, strerror(-err));
		t->stuck++;
		return 0;
	}
	log_info("%s is removed", f->path);
	t->bytes -= bytes;
	forget(t, t->stuck);
	return bytes;
}

uint64_t trail_clear(struct trail *t, size_t spared, uint64_t missing, struct room *room)
{
	uint64_t gone;

	while (missing && trail_enough(t, spared, missing)) {
		gone = trail_remove_oldest(t);
		room_removed(room, clock_mono(), gone);
		missing -= gone < missing ? gone : missing;
	}
	return missing;
}

void trail_keep_newest(struct trail *t, size_t most)
{
	while (trail_removable(t) > most)
		trail_remove_oldest(t);
}
