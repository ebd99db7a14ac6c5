// SPDX-License-Identifier: BSD-2-Clause
/* See rotation.h. */
#include "output/rotation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bpf/event.h"
#include "output/newfile.h"
#include "output/outfile.h"
#include "output/room.h"
#include "output/space.h"
#include "output/trail.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strbuf.h"
#include "util/worker.h"
#include "util/xalloc.h"

#define LOG_TAG "output"

#define MS 1000000
#define GEN_SHARE 8 /* of a file, at least */
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
	struct room room;
	uint64_t cleared; /* files that were removed to have room */
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
	r->room.min_free = opts->min_free;
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

static void note_file(struct rotation *r, const struct outfile *f)
{
	struct outfile_id id = { 0 };

	outfile__id(f, &id); /* what cannot be told is no file that could be removed */
	trail_add(&r->trail, outfile__path(f), &id, r->opts.keep);
}

static void note_bytes(struct rotation *r, uint64_t len)
{
	trail_grow(&r->trail, len);
	room_written(&r->room, len);
	if (len > r->largest)
		r->largest = len;
}

/* ---- opening and closing ---- */

static uint64_t wall_of(const struct rotation *r, uint64_t ts)
{
	/* over days the two clocks drift apart, and while the machine sleeps only one goes on */
	return ts + (uint64_t)(r->opts.replay ? r->opts.wall_offset : clock_wall_offset());
}

/* A file of its own, with its first bytes. Names of one recording are in the order of its files. */
static int open_next(struct rotation *r, uint64_t ts, const struct strbuf *first)
{
	struct newfile n = {
		.base = r->opts.path,
		.wall_ns = wall_of(r, ts),
		.replaces = r->opts.replay,
		.data = first->buf,
		.len = first->len,
	};
	int err;

	if (n.wall_ns / MS <= r->last_wall_ms)
		n.wall_ns = (r->last_wall_ms + 1) * MS;
	err = newfile_make(&n, &r->cur, &r->trouble);
	r->last_wall_ms = n.wall_ns / MS;
	return err;
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

/* For so many bytes more; a file system that cannot tell has room. */
static uint64_t missing_room(struct rotation *r, uint64_t more)
{
	uint64_t is_free;

	if (!r->opts.min_free || free_space(r, &is_free))
		return 0;
	return room_missing(&r->room, clock_mono(), is_free, more);
}

static bool is_too_much(const struct rotation *r, uint64_t more)
{
	return r->opts.max_size && r->trail.bytes + more > r->opts.max_size;
}

/* The newest complete one, and what is being written. */
static size_t spared(const struct rotation *r)
{
	return 1 + (r->cur != NULL);
}

/* How many old files would have to go for so much room; 0: all together have not enough. */
static size_t enough_old(const struct rotation *r, uint64_t missing)
{
	return r->opts.keep ? trail_enough(&r->trail, spared(r), missing) : 0;
}

/* Is there room then? */
static bool clear_room(struct rotation *r, uint64_t missing)
{
	size_t had = r->trail.cnt;

	if (enough_old(r, missing))
		missing = trail_clear(&r->trail, spared(r), missing, &r->room);
	r->cleared += had - r->trail.cnt;
	return !missing;
}

static void have_enough(struct rotation *r, enum rotation_end bound)
{
	r->enough = bound;
	r->left_out = true;
}

/* Before `more` bytes are written. False: a bound does not let them. */
static bool make_room(struct rotation *r, uint64_t more)
{
	if (is_too_much(r, more))
		have_enough(r, ROTATION_MAX_SIZE);
	else if (!clear_room(r, missing_room(r, more)))
		have_enough(r, ROTATION_MIN_FREE);
	return !r->left_out;
}

/* The recording can end in good order while there is room for what it has in hand. */
static void look_ahead(struct rotation *r)
{
	uint64_t more = AHEAD * r->largest, missing = missing_room(r, more);

	if (is_too_much(r, more))
		r->enough = ROTATION_MAX_SIZE;
	else if (missing && !enough_old(r, missing))
		r->enough = ROTATION_MIN_FREE;
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
	if (!make_room(r, len))
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
	if (!make_room(r, r->both.len))
		return 0;
	err = open_next(r, part->begin_ts, &r->both);
	if (err)
		return err;
	note_file(r, r->cur);
	note_bytes(r, r->both.len);
	if (r->opts.keep) /* not before: a file that cannot be begun replaces none */
		trail_keep_newest(&r->trail, r->opts.keep);
	return 0;
}

static int go_on(struct rotation *r, const struct trace_part *part)
{
	const char *body;
	size_t len;
	int err;

	body = part_body(part, &len);
	if (!make_room(r, len))
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

/* Of the first cnt files, those that nobody has taken away. */
static size_t there_are(const struct rotation *r, size_t cnt)
{
	struct stat st;
	size_t n = 0, i;

	for (i = 0; i < cnt; i++)
		n += !lstat(r->trail.file[i].path, &st) && st.st_ino == r->trail.file[i].id.ino;
	return n;
}

void rotation__explain(const struct rotation *r, int err, struct strbuf *why)
{
	const struct outfile *f = r->opts.one ? r->opts.one : r->cur;
	size_t complete = r->trail.cnt - (f && outfile__bytes(f));

	if (err == -ENOENT) /* not else: a disk that hangs would hold us up */
		complete = there_are(r, complete);

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
	if (r->enough && r->left_out && !r->trail.written)
		strbuf_addstr(why, "; not even its begin has room, so nothing is written");
	else if (r->enough && r->left_out)
		strbuf_addf(why, "; what comes behind the first %.1f s is left out",
			    r->told_ts > begin_ts ? (double)(r->told_ts - begin_ts) / 1e9 : 0.0);
	if (r->enough && r->cleared)
		strbuf_addf(why, "; %" PRIu64 " older file%s removed before to have room",
			    r->cleared, r->cleared > 1 ? "s were" : " was");
}

const char *rotation_end_option(enum rotation_end end)
{
	static const char *const options[] = {
		[ROTATION_MAX_SIZE] = "max-size",
		[ROTATION_MIN_FREE] = "min-free",
	};

	return options[end];
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
