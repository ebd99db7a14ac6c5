// SPDX-License-Identifier: BSD-2-Clause
/* See rotation.h. */
#include "output/rotation.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bpf/event.h"
#include "output/outfile.h"
#include "output/space.h"
#include "output/trail.h"
#include "output/trailname.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strbuf.h"
#include "util/worker.h"
#include "util/xalloc.h"

#define LOG_TAG "output"

#define MS 1000000
#define NAMES_TRIED 1000 /* when others write files of such names */
#define GEN_SHARE 8	 /* of a file, at least */
#define GEN_MIN 4096
#define GEN_MAX (4u << 20) /* what it is without us */
#define AHEAD 2		   /* parts of the greatest size so far that there should be room for */

struct rotation {
	struct rotation_opts opts;
	struct outfile *cur; /* open, one of ours; NULL none */
	struct strbuf opening, both;
	uint64_t last_wall_ms; /* of the last name */
	struct strbuf trouble; /* why there is no file to write, when it could not be opened */

	struct trail trail;
	uint64_t largest; /* that was written in one go */
	uint64_t told_ts; /* up to where the files tell */
	bool left_out;	  /* parts, from one on */
	_Atomic enum rotation_end enough;

	uint64_t next_ns; /* the other thread's */
};

size_t rotation_gen_bytes(uint64_t file_bytes)
{
	uint64_t bytes = file_bytes / GEN_SHARE;

	if (!file_bytes || bytes > GEN_MAX)
		return 0;
	return bytes > GEN_MIN ? bytes : GEN_MIN;
}

struct rotation *rotation__new(const struct rotation_opts *opts)
{
	struct rotation *r = xcalloc(1, sizeof(*r));

	r->opts = *opts;
	r->opening = r->both = r->trouble = STRBUF_INIT;
	return r;
}

void rotation__free(struct rotation *r)
{
	if (!r)
		return;
	if (r->cur)
		outfile__close(r->cur);
	trail_free(&r->trail);
	strbuf_free(&r->opening);
	strbuf_free(&r->both);
	strbuf_free(&r->trouble);
	free(r);
}

/* ---- the files that are there ---- */

/* Files that are complete and may go. */
static size_t old_files(const struct rotation *r)
{
	return r->opts.keep ? r->trail.cnt - (r->cur != NULL) : 0;
}

static void note_file(struct rotation *r, const struct outfile *f)
{
	struct outfile_id id = { 0 };

	outfile__id(f, &id); /* what cannot be told is no file that could be removed */
	trail_add(&r->trail, outfile__path(f), &id, r->opts.keep);
}

static void note_bytes(struct rotation *r, uint64_t len)
{
	trail_grow(&r->trail, len);
	if (len > r->largest)
		r->largest = len;
}

/* ---- opening and closing ---- */

static uint64_t wall_of(const struct rotation *r, uint64_t ts)
{
	/* over days the two clocks drift apart, and while the machine sleeps only one goes on */
	return ts + (uint64_t)(r->opts.replay ? r->opts.wall_offset : clock_wall_offset());
}

/* A name that this recording has not given, and that no other recorder is writing. */
static int open_next(struct rotation *r, uint64_t ts)
{
	uint64_t wall = wall_of(r, ts);
	char name[PATH_MAX];
	struct stat st;
	unsigned nth;
	int err;

	if (wall / MS <= r->last_wall_ms)
		wall = (r->last_wall_ms + 1) * MS;
	for (nth = 0; nth < NAMES_TRIED; nth++) {
		r->last_wall_ms = wall / MS + nth;
		err = trailname(name, sizeof(name), r->opts.path, wall, nth);
		if (err)
			return err;
		if (!r->opts.replay && !lstat(name, &st)) /* another recorder's */
			continue;
		r->cur = outfile__open(name, &r->trouble);
		if (r->cur) {
			strbuf_reset(&r->trouble);
			return 0;
		}
		err = -errno;
		if (err != -EWOULDBLOCK)
			return err;
	}
	return -EEXIST;
}

static int close_file(struct rotation *r)
{
	char size[16];
	int err;

	if (!r->cur)
		return 0;
	err = outfile__finish(r->cur);
	if (err)
		return err; /* and the file is known by its name still */
	log_info("%s is complete: %s", outfile__path(r->cur),
		 format_size(size, outfile__bytes(r->cur)));
	outfile__close(r->cur);
	r->cur = NULL;
	return 0;
}

/* ---- bounds ---- */

static int free_space(const struct rotation *r, uint64_t *bytes)
{
	return r->opts.one ? space_at(outfile__fd(r->opts.one), bytes) :
			     space_beside(r->opts.path, bytes);
}

/* Is there room for so many bytes more, and which bound says no? A file system that cannot tell has
 * it. */
static enum rotation_end bound_of(const struct rotation *r, uint64_t more)
{
	uint64_t room;

	if (r->opts.max_size && r->trail.bytes + more > r->opts.max_size)
		return ROTATION_MAX_SIZE;
	if (r->opts.min_free && !free_space(r, &room) && room < r->opts.min_free + more)
		return ROTATION_MIN_FREE;
	return ROTATION_GOES_ON;
}

/* Before `more` bytes are written, with which perhaps a file begins. False: a bound does not let
 * them. */
static bool make_room(struct rotation *r, bool begins, uint64_t more)
{
	enum rotation_end bound;

	while (begins && r->opts.keep && r->trail.cnt >= r->opts.keep)
		trail_remove_oldest(&r->trail);
	while ((bound = bound_of(r, more)) == ROTATION_MIN_FREE && old_files(r))
		trail_remove_oldest(&r->trail);
	if (bound) {
		r->enough = bound;
		r->left_out = true;
	}
	return !bound;
}

/* The recording can end in good order while there is room for what it has in hand. */
static void look_ahead(struct rotation *r)
{
	enum rotation_end bound = bound_of(r, AHEAD * r->largest);

	if (bound == ROTATION_MIN_FREE && old_files(r))
		return; /* room can be made */
	if (bound)
		r->enough = bound;
}

enum rotation_end rotation__enough(const struct rotation *r)
{
	return r->enough;
}

/* ---- parts ---- */

static int write_part(struct outfile *f, const char *data, size_t len)
{
	int err;

	worker_may_end();
	err = outfile__write(f, data, len);
	worker_must_go_on();
	return err;
}

static int into_one(struct rotation *r, const struct trace_part *part)
{
	const char *data = part->data;
	size_t len = part->len;
	int err;

	if (r->trail.cnt)
		data = part_body(part, &len);
	if (!make_room(r, false, len))
		return 0;
	err = write_part(r->opts.one, data, len);
	if (err)
		return err;
	if (!r->trail.cnt)
		note_file(r, r->opts.one);
	note_bytes(r, len);
	return 0;
}

/* The first of a file: behind its opening, in one write. The very first part needs none. */
static int begin_file(struct rotation *r, const struct trace_part *part)
{
	const char *body;
	size_t len;
	int err = close_file(r);

	if (err)
		return err;
	body = part_body(part, &len);
	strbuf_reset(&r->both);
	if (r->opening.len)
		strbuf_add(&r->both, r->opening.buf, r->opening.len);
	else
		strbuf_add(&r->both, part->data, TRACE_HEADER_LEN);
	strbuf_add(&r->both, body, len);
	if (!make_room(r, true, r->both.len))
		return 0;
	do {
		if (r->cur)
			outfile__close(r->cur);
		r->cur = NULL;
		err = open_next(r, part->begin_ts);
		if (!err)
			err = write_part(r->cur, r->both.buf, r->both.len);
	} while (r->cur && err == -EEXIST); /* somebody has taken the name meanwhile */
	if (err)
		return err;
	note_file(r, r->cur);
	note_bytes(r, r->both.len);
	return 0;
}

static int go_on(struct rotation *r, const struct trace_part *part)
{
	const char *body;
	size_t len;
	int err;

	body = part_body(part, &len);
	if (!make_room(r, false, len))
		return 0;
	err = write_part(r->cur, body, len);
	if (!err)
		note_bytes(r, len);
	return err;
}

static bool is_full(const struct rotation *r, const struct trace_part *part)
{
	uint64_t have = outfile__bytes(r->cur) + part->len - TRACE_HEADER_LEN;

	return r->opts.file_bytes && have > r->opts.file_bytes && r->opening.len;
}

static int write_it(struct rotation *r, const struct trace_part *part)
{
	int err;

	if (r->opts.one)
		return into_one(r, part);
	if (r->cur && !is_full(r, part))
		err = go_on(r, part);
	else
		err = begin_file(r, part);
	if (!err && !r->left_out && part->cut & EV_CUT_FILE)
		err = close_file(r);
	return err;
}

static int take(struct rotation *r, const struct trace_part *part)
{
	int err;

	if (part->opening) {
		strbuf_reset(&r->opening);
		strbuf_add(&r->opening, part->data, part->len);
		return 0;
	}
	if (r->left_out) /* there is no way back over a gap */
		return 0;
	err = write_it(r, part);
	strbuf_reset(&r->opening);
	if (err || r->left_out)
		return err;
	r->told_ts = part->end_ts;
	look_ahead(r);
	return 0;
}

int rotation__take(void *ctx, const struct trace_part *part)
{
	int err;

	worker_must_go_on(); /* but for the write, which may take for ever */
	err = take(ctx, part);
	worker_may_end();
	return err;
}

bool rotation__due(struct rotation *r, uint64_t now)
{
	uint64_t late;

	if (!r->opts.period_ns)
		return false;
	if (!r->next_ns)
		r->next_ns = now + r->opts.period_ns;
	if (now < r->next_ns)
		return false;
	/* who comes late leaves out those that are past, and is in time for the next */
	late = now - r->next_ns;
	r->next_ns += late - late % r->opts.period_ns + r->opts.period_ns;
	if (r->next_ns < now)
		r->next_ns = UINT64_MAX;
	return true;
}

int rotation__finish(struct rotation *r)
{
	return close_file(r);
}

/* ---- words ---- */

void rotation__explain(const struct rotation *r, int err, struct strbuf *why)
{
	const struct outfile *f = r->opts.one ? r->opts.one : r->cur;
	size_t complete = r->trail.cnt - (f && outfile__bytes(f));

	if (f)
		outfile__explain(f, err, why);
	else if (r->trouble.len)
		strbuf_set_f(why, "%s", r->trouble.buf);
	else
		strbuf_set_f(why, "cannot write files named after %s: %s", r->opts.path,
			     strerror(-err));
	if (complete)
		strbuf_addf(why, "; %zu file%s before %s complete", complete,
			    complete > 1 ? "s" : "", complete > 1 ? "are" : "is");
}

void rotation__explain_end(const struct rotation *r, uint64_t begin_ts, struct strbuf *why)
{
	char size[16];

	strbuf_reset(why);
	if (r->enough == ROTATION_MAX_SIZE)
		strbuf_addf(why, "stopped before more than %s were written (--max-size)",
			    format_size(size, r->opts.max_size));
	else if (r->enough == ROTATION_MIN_FREE)
		strbuf_addf(why, "stopped before less than %s were free on the disk (--min-free)",
			    format_size(size, r->opts.min_free));
	if (r->enough && r->left_out && !r->trail.bytes)
		strbuf_addstr(why, "; not even its begin has room, so nothing is written");
	else if (r->enough && r->left_out)
		strbuf_addf(why, "; what comes behind the first %.1f s is left out",
			    r->told_ts > begin_ts ? (double)(r->told_ts - begin_ts) / 1e9 : 0.0);
}

/* ---- questions ---- */

uint64_t rotation__told(const struct rotation *r)
{
	return r->told_ts;
}

const struct trail *rotation__files(const struct rotation *r)
{
	return &r->trail;
}
