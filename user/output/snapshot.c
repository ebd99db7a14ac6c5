// SPDX-License-Identifier: BSD-2-Clause
/* See snapshot.h. */
#include "output/snapshot.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "output/newfile.h"
#include "output/outfile.h"
#include "output/room.h"
#include "output/space.h"
#include "output/trail.h"
#include "util/clock.h"
#include "util/parse.h"
#include "util/strbuf.h"
#include "util/worker.h"
#include "util/xalloc.h"

#define BLOCKS (16u << 10)

struct snapshots {
	struct snapshots_opts opts;
	struct outfile *now; /* is written */
	struct trail trail;
	struct room room;
};

/* ---- life ---- */

struct snapshots *snapshots__new(const struct snapshots_opts *opts)
{
	struct snapshots *s = xcalloc(1, sizeof(*s));

	s->opts = *opts;
	s->room.min_free = opts->min_free;
	return s;
}

void snapshots__free(struct snapshots *s)
{
	if (!s)
		return;
	if (s->now)
		outfile__close(s->now);
	trail_free(&s->trail);
	free(s);
}

const struct trail *snapshots__files(const struct snapshots *s)
{
	return &s->trail;
}

/* ---- room ---- */

static uint64_t over_size(const struct snapshots *s, uint64_t len)
{
	uint64_t all = s->trail.bytes + len;

	return s->opts.max_size && all > s->opts.max_size ? all - s->opts.max_size : 0;
}

/* With what the file system needs to know where the file lies. One that cannot tell has room. */
static uint64_t missing_room(struct snapshots *s, uint64_t len)
{
	uint64_t is_free;

	if (space_beside(s->opts.base, &is_free))
		return 0;
	return room_missing(&s->room, clock_mono(), is_free, len + len / 64 + BLOCKS);
}

/* Can old files make up for it? */
static bool can_go(const struct snapshots *s, uint64_t missing)
{
	return !missing || (s->opts.keep && trail_enough(&s->trail, 0, missing));
}

/* 0 or SNAPSHOT_BOUND. Nothing is removed for what is not written then. Whether the disk takes it
 * where min_free is not told is seen by who tries. */
static int make_room(struct snapshots *s, uint64_t len, struct strbuf *why)
{
	const char *way = s->opts.keep ? "" : "; --keep=N lets the oldest go";
	uint64_t over = over_size(s, len), missing = missing_room(s, len);
	char size[16];

	if (s->opts.max_size && len > s->opts.max_size) {
		strbuf_set_f(why, "a snapshot has more than %s (--max-size)",
			     format_size(size, s->opts.max_size));
		return SNAPSHOT_BOUND;
	}
	if (!can_go(s, over)) {
		strbuf_set_f(why,
			     "with one more snapshot all would have more than %s (--max-size)%s",
			     format_size(size, s->opts.max_size), way);
		return SNAPSHOT_BOUND;
	}
	if (s->opts.min_free && !can_go(s, missing)) {
		strbuf_set_f(
			why,
			"with one more snapshot the disk would have less than %s left (--min-free)%s",
			format_size(size, s->opts.min_free), way);
		return SNAPSHOT_BOUND;
	}
	if (can_go(s, missing) && missing > over)
		over = missing;
	trail_clear(&s->trail, 0, over, &s->room);
	return 0;
}

/* ---- writing ---- */

static uint64_t bytes_of(const struct snapshot *snap)
{
	uint64_t len = 0;
	size_t i;

	for (i = 0; i < snap->npiece; i++)
		len += snap->piece[i].len;
	return len;
}

static int write_from(struct outfile *f, const struct snapshot *snap, size_t first)
{
	int err = 0;
	size_t i;

	for (i = first; !err && i < snap->npiece; i++) {
		worker_may_end();
		err = outfile__write(f, snap->piece[i].data, snap->piece[i].len);
		worker_must_go_on();
	}
	return err;
}

static int write_pieces(struct snapshots *s, const struct snapshot *snap, uint64_t len,
			struct strbuf *why)
{
	struct newfile n = {
		.base = s->opts.base,
		.wall_ns = snap->wall_ns,
		.room = len,
		.data = snap->piece[0].data,
		.len = snap->piece[0].len,
	};
	int err = newfile_make(&n, &s->now, why);

	return err ? err : write_from(s->now, snap, 1);
}

static void remember(struct snapshots *s, const struct outfile_id *id, const struct snapshot *snap)
{
	struct trail_file *f = trail_add(&s->trail, outfile__path(s->now), id, s->opts.keep);

	f->reason = xstrdup(snap->reason);
	f->share.seconds = snap->seconds;
	trail_grow(&s->trail, outfile__bytes(s->now));
	room_written(&s->room, outfile__bytes(s->now));
	if (s->opts.keep)
		trail_keep_newest(&s->trail, s->opts.keep);
}

/* What is there of it would take the room of the next one. */
static void take_back(struct snapshots *s, const struct outfile_id *id, int err, struct strbuf *why)
{
	char size[16];

	if (!outfile__bytes(s->now)) {
		outfile__explain(s->now, err, why);
		return;
	}
	strbuf_set_f(why, "cannot write %s: %s", outfile__path(s->now), strerror(-err));
	if (outfile_remove(outfile__path(s->now), id))
		strbuf_addf(why, "; it is left with what was written before, %s",
			    format_size(size, outfile__bytes(s->now)));
}

int snapshots__write(struct snapshots *s, const struct snapshot *snap, struct strbuf *why)
{
	struct outfile_id id = { 0 };
	uint64_t len = bytes_of(snap);
	int err = make_room(s, len, why);

	if (err)
		return err;
	err = write_pieces(s, snap, len, why);
	if (!s->now)
		return err;
	outfile__id(s->now, &id); /* what cannot be told is no file that could be removed */
	if (!err)
		err = outfile__finish(s->now);
	if (err)
		take_back(s, &id, err, why);
	else
		remember(s, &id, snap);
	outfile__close(s->now);
	s->now = NULL;
	return err;
}

int snapshot_write_to(int fd, const char *name, const struct snapshot *snap, struct outfile **now,
		      struct strbuf *why)
{
	int err, at_last;

	*now = outfile__adopt(fd, name, why);
	if (!*now)
		return -errno;
	err = outfile__reserve(*now, bytes_of(snap));
	if (!err)
		err = write_from(*now, snap, 0);
	if (!err)
		err = outfile__finish(*now);
	if (err)
		outfile__explain(*now, err, why);
	at_last = outfile__close(*now);
	*now = NULL;
	return err ? err : at_last;
}
