// SPDX-License-Identifier: BSD-2-Clause
/* See snapshot.h. */
#include "output/snapshot.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output/outfile.h"
#include "output/trailname.h"
#include "util/invoker.h"
#include "util/log.h"
#include "util/strbuf.h"
#include "util/worker.h"
#include "util/xalloc.h"

#define LOG_TAG "output"

#define SAME_TIME_MAX 1000 /* names of one millisecond that are tried */

/* A file that was made here. */
struct made {
	char *path;
	dev_t dev;
	ino_t ino;
};

struct snapshots {
	const char *base;
	unsigned keep;
	char last[PATH_MAX];
	struct outfile *now; /* is written */
	struct made *made;   /* with keep: those that stay, the oldest first */
	size_t nmade, cap_made;
};

/* ---- names ---- */

static int is_there(void *ctx, const struct invoker *who)
{
	struct stat st;

	(void)who;
	return !lstat(ctx, &st);
}

/* A name that nobody has. 0 or -errno. */
static int choose_name(char *path, size_t sz, const char *base, uint64_t wall_ns)
{
	unsigned nth;
	int err;

	for (nth = 0; nth < SAME_TIME_MAX; nth++) {
		err = trailname(path, sz, base, wall_ns, nth);
		if (err)
			return err;
		if (invoker_do(is_there, path) != true)
			return 0;
	}
	return -EEXIST;
}

static struct outfile *open_new(char *path, size_t sz, const char *base, uint64_t wall_ns,
				struct strbuf *why)
{
	int err = choose_name(path, sz, base, wall_ns);

	if (err) {
		strbuf_set_f(why, "cannot write a snapshot beside %s: %s", base, strerror(-err));
		return NULL;
	}
	return outfile__open(path, why);
}

/* ---- those that stay ---- */

static int remove_made(void *ctx, const struct invoker *who)
{
	const struct made *m = ctx;
	struct stat st;

	(void)who;
	if (lstat(m->path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (st.st_dev != m->dev || st.st_ino != m->ino)
		return 0; /* somebody has put another one there */
	return unlink(m->path) ? -errno : 0;
}

static void drop_oldest(struct snapshots *s)
{
	int err = invoker_do(remove_made, &s->made[0]);

	if (err)
		log_error("%s stays, it cannot be removed: %s", s->made[0].path, strerror(-err));
	else
		log_info("%s is removed, --keep=%u", s->made[0].path, s->keep);
	free(s->made[0].path);
	memmove(s->made, s->made + 1, --s->nmade * sizeof(*s->made));
}

static void remember(struct snapshots *s, const struct stat *st)
{
	if (!s->keep)
		return;
	s->made = xgrow(s->made, s->nmade, &s->cap_made, sizeof(*s->made));
	s->made[s->nmade++] = (struct made){ xstrdup(s->last), st->st_dev, st->st_ino };
	while (s->nmade > s->keep)
		drop_oldest(s);
}

/* ---- life ---- */

struct snapshots *snapshots__new(const char *base, unsigned keep)
{
	struct snapshots *s = xcalloc(1, sizeof(*s));

	s->base = base;
	s->keep = keep;
	return s;
}

void snapshots__free(struct snapshots *s)
{
	if (!s)
		return;
	if (s->now)
		outfile__close(s->now);
	while (s->nmade)
		free(s->made[--s->nmade].path);
	free(s->made);
	free(s);
}

const char *snapshots__last(const struct snapshots *s)
{
	return *s->last ? s->last : NULL;
}

static int write_pieces(struct outfile *f, const struct snapshot_piece *piece, size_t n)
{
	int err = 0;
	size_t i;

	for (i = 0; !err && i < n; i++) {
		worker_may_end();
		err = outfile__write(f, piece[i].data, piece[i].len);
		worker_must_go_on();
	}
	return err;
}

int snapshots__write(struct snapshots *s, uint64_t wall_ns, const struct snapshot_piece *piece,
		     size_t n, struct strbuf *why)
{
	struct stat st = { 0 };
	int err;

	if (s->now) /* of one that was not written to its end */
		outfile__close(s->now);
	s->now = open_new(s->last, sizeof(s->last), s->base, wall_ns, why);
	if (!s->now)
		return -EIO;
	err = write_pieces(s->now, piece, n);
	if (!fstat(outfile__fd(s->now), &st) && outfile__bytes(s->now))
		remember(s, &st);
	if (!err)
		err = outfile__finish(s->now);
	if (err)
		outfile__explain(s->now, err, why);
	outfile__close(s->now);
	s->now = NULL;
	return err;
}
