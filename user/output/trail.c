// SPDX-License-Identifier: BSD-2-Clause
/* See trail.h. Files are moved up when the oldest goes: that is seldom, and they are few. */
#include "output/trail.h"

#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/xalloc.h"

#define LOG_TAG "output"

static void forget_oldest(struct trail *t)
{
	free(t->file[0].path);
	t->cnt--;
	memmove(t->file, t->file + 1, t->cnt * sizeof(*t->file));
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

	if (t->cnt == TRAIL_TOLD && !keeps)
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

void trail_remove_oldest(struct trail *t)
{
	struct trail_file *f = &t->file[0];
	int err = outfile_remove(f->path, &f->id);

	if (err)
		log_error("cannot remove %s, it stays: %s", f->path, strerror(-err));
	else
		log_info("%s is removed", f->path);
	t->bytes -= f->bytes;
	forget_oldest(t);
}
