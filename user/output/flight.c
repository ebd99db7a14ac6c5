// SPDX-License-Identifier: BSD-2-Clause
/*
 * See flight.h. The lock guards the list and the wishes; the bytes of what is kept never change,
 * and are shared by reference count.
 */
#include "output/flight.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/event.h"
#include "output/outfile.h"
#include "output/snapshot.h"
#include "output/trail.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strbuf.h"
#include "util/worker.h"
#include "util/xalloc.h"

#define LOG_TAG "flight"

/* A generation and the opening ahead of it, without the header of a trace. */
struct kept {
	struct kept *next;
	_Atomic unsigned refs;
	uint64_t begin_ts, end_ts;
	uint64_t triggers; /* that were met in it, and are in no snapshot yet */
	char *reason;	   /* of the first of these */
	uint64_t reason_ts;
	size_t opening; /* bytes of it: 0 ahead of the first of all, which needs none */
	size_t len;	/* of both */
	char data[];
};

/* To whom a snapshot goes that somebody has asked for, and not to a file of ours. */
struct addressee {
	int fd; /* -1: has been taken */
	char *name;
	void (*done)(void *ctx, int err, const char *why);
	void *ctx;
	struct outfile *now; /* is written */
};

/* What is to be written. */
struct job {
	struct work work;
	struct addressee *to; /* NULL: a file of ours */
	struct strbuf head;   /* while it is written, and the next */
	struct snapshot_piece *piece;
	char header[TRACE_HEADER_LEN];
	char *reason;
	uint64_t wall_ns, ns;
	uint64_t triggers; /* of all that it has */
	bool written;
	size_t n;
	struct kept *kept[]; /* references */
};
_Static_assert(offsetof(struct job, work) == 0, "a piece of work is a job");

/* Triggers of one millisecond. */
struct moment {
	uint64_t ts; /* of the first */
	char *reason;
	uint64_t cnt;
};
#define MOMENT_NS 1000000

struct flight {
	struct flight_opts opts;
	struct snapshots *files;
	struct worker *worker;
	bool closed;
	struct strbuf opening; /* that waits for its generation; the writer's thread's */

	pthread_mutex_t lock; /* of all below */
	char header[TRACE_HEADER_LEN];
	struct kept *first, **end, *last;
	size_t bytes, peak;
	char *user_reason;    /* of what a user asks for, who need not wait; NULL: nothing */
	uint64_t user_ts;     /* when that was */
	char *cut_reason;     /* of what is to be written when its generation ends */
	struct addressee *to; /* who waits for a snapshot; NULL: nobody */
	bool to_cut;	      /* … and it is to be written when its generation ends */
	bool to_busy;	      /* … or is being written */
	uint64_t trigger_ts;  /* when one was told to end for a trigger, the last time; 0 never */
	struct moment *met;   /* triggers of generations that have not come yet, in order */
	size_t nmet, cap_met;
	uint64_t asked, left_out, unwritten;
	uint64_t bounded, failed; /* snapshots */
	int err;		  /* of the last one that failed */
	char *error;		  /* the sentence of that one, or of a bound where there is none */
	char *said;		  /* the last sentence of all */
};

/* ---- what is kept ---- */

/* Pages of their own: what is not kept any more goes back at once, whatever the heap looks like. */
static struct kept *new_kept(size_t len)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	size_t size = sizeof(struct kept) + len;
	/* cppcheck-suppress invalidFunctionArg ; it knows mmap() of files only */
	struct kept *k = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (k == MAP_FAILED) {
		log_error("out of memory: %zu bytes for the flight recorder", len);
		abort();
	}
	return k;
}

static void put(struct kept *k)
{
	if (--k->refs)
		return;
	free(k->reason);
	munmap(k, sizeof(*k) + k->len);
}

static struct kept *make_kept(struct strbuf *opening, const struct trace_part *part)
{
	size_t len;
	const char *body = part_body(part, &len);
	struct kept *k = new_kept(opening->len + len);

	*k = (struct kept){
		.refs = 1,
		.begin_ts = part->begin_ts,
		.end_ts = part->end_ts,
		.opening = opening->len,
		.len = opening->len + len,
	};
	if (opening->len)
		memcpy(k->data, opening->buf, opening->len);
	memcpy(k->data + opening->len, body, len);
	strbuf_reset(opening);
	return k;
}

static void drop_first(struct flight *f)
{
	struct kept *k = f->first;

	f->first = k->next;
	if (!f->first) {
		f->end = &f->first;
		f->last = NULL;
	}
	f->bytes -= k->len;
	f->left_out += k->triggers;
	put(k);
}

/* Size wins; without the first one there must be as much time as was asked for. */
static bool is_first_needless(const struct flight *f)
{
	return f->first != f->last && (f->bytes > f->opts.max_bytes ||
				       f->first->end_ts + f->opts.min_ns <= f->last->end_ts);
}

/* Gives it the triggers of its time, and of what was before it. */
static void take_met(struct flight *f, struct kept *k)
{
	size_t n;

	for (n = 0; n < f->nmet && f->met[n].ts <= k->end_ts; n++) {
		k->triggers += f->met[n].cnt;
		if (n) {
			free(f->met[n].reason);
			continue;
		}
		k->reason = f->met[0].reason;
		k->reason_ts = f->met[0].ts;
	}
	f->nmet -= n;
	if (f->nmet)
		memmove(f->met, f->met + n, f->nmet * sizeof(*f->met));
}

static void keep(struct flight *f, struct kept *k)
{
	take_met(f, k);
	k->next = NULL;
	*f->end = k;
	f->end = &k->next;
	f->last = k;
	f->bytes += k->len;
	while (is_first_needless(f))
		drop_first(f);
	if (f->bytes > f->peak)
		f->peak = f->bytes;
}

/* ---- snapshots ---- */

static struct job *make_job(struct flight *f, char *reason, struct addressee *to)
{
	struct kept *k;
	struct job *j;
	size_t n = 0;

	for (k = f->first; k; k = k->next)
		n++;
	j = xcalloc(1, sizeof(*j) + n * sizeof(*j->kept));
	memcpy(j->header, f->header, TRACE_HEADER_LEN);
	j->reason = reason;
	j->to = to;
	j->head = STRBUF_INIT;
	/* now: over days the two clocks drift apart, and while the machine sleeps only one goes on
	 */
	j->wall_ns = f->last->end_ts + (uint64_t)f->opts.wall_offset();
	j->ns = f->last->end_ts - f->first->begin_ts;
	for (k = f->first; k; k = k->next) {
		if (!to) {
			j->triggers += k->triggers;
			k->triggers = 0;
		}
		k->refs++;
		j->kept[j->n++] = k;
	}
	return j;
}

static struct job *make_job_to(struct flight *f)
{
	struct job *j = make_job(f, xstrdup("asked for"), f->to);

	f->to = NULL;
	f->to_cut = false;
	f->to_busy = true;
	return j;
}

/* It is told, however that went. */
static void answer(struct flight *f, struct addressee *to, int err, const char *why)
{
	if (to->now) /* it was given up in the midst of a write */
		outfile__close(to->now);
	else if (to->fd >= 0)
		close(to->fd);
	pthread_mutex_lock(&f->lock);
	f->to_busy = false;
	pthread_mutex_unlock(&f->lock);
	to->done(to->ctx, err, why);
	free(to->name);
	free(to);
}

static void free_job(struct job *j)
{
	while (j->n)
		put(j->kept[--j->n]);
	strbuf_free(&j->head);
	free(j->piece);
	free(j->reason);
	free(j);
}

/* Also of those that were given up. */
static void reclaim(struct flight *f)
{
	struct work *w;

	while ((w = worker__take_back(f->worker))) {
		struct job *j = (struct job *)w;

		if (j->to) {
			answer(f, j->to, -ECANCELED, "the snapshot was given up");
		} else if (!j->written) {
			pthread_mutex_lock(&f->lock);
			f->left_out += j->triggers;
			f->unwritten += j->triggers;
			pthread_mutex_unlock(&f->lock);
		}
		free_job(j);
	}
}

static int write_to(struct addressee *to, const struct snapshot *snap, struct strbuf *why)
{
	int fd = to->fd;

	to->fd = -1;
	return snapshot_write_to(fd, to->name, snap, &to->now, why);
}

/* Only the first of a file needs its opening, and the header; both go with its generation. */
static int write_job(struct flight *f, struct job *j, struct strbuf *why)
{
	struct snapshot snap = {
		.wall_ns = j->wall_ns,
		.reason = j->reason,
		.seconds = (double)j->ns / 1e9,
		.npiece = j->n,
	};
	size_t i;

	j->piece = xcalloc(j->n, sizeof(*j->piece));
	strbuf_add(&j->head, j->header, TRACE_HEADER_LEN);
	strbuf_add(&j->head, j->kept[0]->data, j->kept[0]->len);
	j->piece[0] = (struct snapshot_piece){ j->head.buf, j->head.len };
	for (i = 1; i < j->n; i++) {
		j->piece[i].data = j->kept[i]->data + j->kept[i]->opening;
		j->piece[i].len = j->kept[i]->len - j->kept[i]->opening;
	}
	snap.piece = j->piece;
	return j->to ? write_to(j->to, &snap, why) : snapshots__write(f->files, &snap, why);
}

static void say_written(const struct flight *f, const struct job *j)
{
	const struct trail *t = snapshots__files(f->files);
	const struct trail_file *file = &t->file[t->cnt - 1];
	char size[16];

	log_notice("%s: %s, %.1f s, snapshot: %s", file->path, format_size(size, file->bytes),
		   file->share.seconds, j->reason);
}

/* A bound goes on for long: it is said once. */
static void note_trouble(struct flight *f, const struct job *j, int err, const char *why)
{
	bool again;

	pthread_mutex_lock(&f->lock);
	again = f->said && !strcmp(f->said, why);
	if (err == SNAPSHOT_BOUND) {
		f->bounded++;
	} else {
		f->failed++;
		f->err = err;
	}
	if (!f->error || err != SNAPSHOT_BOUND) {
		free(f->error);
		f->error = xstrdup(why);
	}
	free(f->said);
	f->said = xstrdup(why);
	pthread_mutex_unlock(&f->lock);
	if (!again)
		log_error("%s%s; the recording goes on (snapshot: %s)",
			  err == SNAPSHOT_BOUND ? "not written: " : "", why, j->reason);
}

static int run_job(void *ctx, struct work *work)
{
	struct job *j = (struct job *)work;
	struct strbuf why = STRBUF_INIT;
	struct flight *f = ctx;
	int err = write_job(f, j, &why);

	j->written = !err;
	if (j->to) {
		answer(f, j->to, err, why.buf);
		j->to = NULL;
		j->written = true; /* or not, but that is told */
	} else if (err)
		note_trouble(f, j, err, why.buf);
	else
		say_written(f, j);
	strbuf_free(&why);
	return 0; /* the next one may be luckier */
}

/* ---- life ---- */

struct flight *flight__new(const struct flight_opts *opts)
{
	struct flight *f = xcalloc(1, sizeof(*f));

	f->opts = *opts;
	f->end = &f->first;
	f->opening = STRBUF_INIT;
	pthread_mutex_init(&f->lock, NULL);
	if (!f->opts.wall_offset)
		f->opts.wall_offset = clock_wall_offset;
	f->files = snapshots__new(&(struct snapshots_opts){
		.base = opts->base,
		.keep = opts->keep,
		.max_size = opts->max_size,
		.min_free = opts->min_free,
	});
	f->worker = worker__new(&(struct worker_opts){ run_job, f, 1 });
	if (!f->worker) {
		int err = errno;

		flight__free(f);
		errno = err;
		return NULL;
	}
	return f;
}

void flight__free(struct flight *f)
{
	if (!f)
		return;
	if (f->worker) {
		worker__finish(f->worker);
		reclaim(f);
		worker__free(f->worker);
	}
	if (f->to)
		answer(f, f->to, -ECANCELED, "the recording has ended");
	snapshots__free(f->files);
	while (f->first)
		drop_first(f);
	while (f->nmet)
		free(f->met[--f->nmet].reason);
	free(f->met);
	free(f->user_reason);
	free(f->cut_reason);
	free(f->error);
	free(f->said);
	strbuf_free(&f->opening);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* ---- parts ---- */

int flight__take(void *ctx, const struct trace_part *part)
{
	struct flight *f = ctx;
	struct job *job = NULL, *to = NULL;
	struct kept *k;
	const char *body;
	size_t len;

	worker_must_go_on();
	if (part->opening) {
		body = part_body(part, &len);
		strbuf_reset(&f->opening);
		strbuf_add(&f->opening, body, len);
		worker_may_end();
		return 0;
	}
	reclaim(f);
	k = make_kept(&f->opening, part);
	pthread_mutex_lock(&f->lock);
	memcpy(f->header, part->data, TRACE_HEADER_LEN);
	keep(f, k);
	if (f->cut_reason && part->cut & EV_CUT_SNAPSHOT) {
		job = make_job(f, f->cut_reason, NULL);
		f->cut_reason = NULL;
	}
	if (f->to_cut && part->cut & EV_CUT_SNAPSHOT)
		to = make_job_to(f);
	pthread_mutex_unlock(&f->lock);
	if (job)
		worker__give(f->worker, &job->work);
	if (to)
		worker__give(f->worker, &to->work);
	worker_may_end();
	return 0;
}

/* ---- asking ---- */

static void note_met(struct flight *f, uint64_t ts, const char *reason)
{
	f->asked++;
	if (f->nmet && ts < f->met[f->nmet - 1].ts + MOMENT_NS) {
		f->met[f->nmet - 1].cnt++;
		return;
	}
	f->met = xgrow(f->met, f->nmet, &f->cap_met, sizeof(*f->met));
	f->met[f->nmet++] = (struct moment){ ts, xstrdup(reason), 1 };
}

static void note_user(struct flight *f, uint64_t ts, const char *reason)
{
	if (f->user_reason)
		return;
	f->user_reason = xstrdup(reason);
	f->user_ts = ts;
}

void flight__ask(struct flight *f, enum flight_asker by, uint64_t ts, const char *reason)
{
	pthread_mutex_lock(&f->lock);
	if (by == FLIGHT_TRIGGER)
		note_met(f, ts, reason);
	else
		note_user(f, ts, reason);
	pthread_mutex_unlock(&f->lock);
}

int flight__ask_to(struct flight *f, const struct flight_to *to)
{
	int err = 0;

	pthread_mutex_lock(&f->lock);
	if (f->to || f->to_busy) {
		err = -EALREADY;
	} else {
		f->to = xcalloc(1, sizeof(*f->to));
		*f->to = (struct addressee){ to->fd, xstrdup(to->name), to->done, to->ctx, NULL };
	}
	pthread_mutex_unlock(&f->lock);
	return err;
}

/* The reason of the first trigger that is in no snapshot, and has not gone from what is kept; NULL:
 * there is none. */
static const char *waiting(const struct flight *f, uint64_t *ts)
{
	const struct kept *k;

	for (k = f->first; k; k = k->next) {
		if (!k->triggers)
			continue;
		*ts = k->reason_ts;
		return k->reason;
	}
	if (!f->nmet)
		return NULL;
	*ts = f->met[0].ts;
	return f->met[0].reason;
}

/* The first of all that is asked for, as a copy; NULL: nothing is. It is the user's no more. */
static char *take_reason(struct flight *f)
{
	uint64_t ts = 0;
	const char *trigger = waiting(f, &ts);
	char *user = f->user_reason;

	f->user_reason = NULL;
	if (user && (!trigger || f->user_ts <= ts))
		return user;
	free(user);
	return trigger ? xstrdup(trigger) : NULL;
}

static bool is_busy(const struct flight *f)
{
	return f->cut_reason || f->to_cut || !worker__idle(f->worker);
}

static bool must_wait(const struct flight *f, uint64_t now)
{
	return !f->user_reason && f->trigger_ts && now < f->trigger_ts + f->opts.gap_ns;
}

bool flight__due(struct flight *f, uint64_t now)
{
	bool due = false, by_user;

	pthread_mutex_lock(&f->lock);
	if (is_busy(f))
		goto out;
	f->to_cut = f->to;
	if (!must_wait(f, now)) {
		by_user = f->user_reason;
		f->cut_reason = take_reason(f);
		if (f->cut_reason && !by_user)
			f->trigger_ts = now;
	}
	due = f->to_cut || f->cut_reason;
out:
	pthread_mutex_unlock(&f->lock);
	return due;
}

/* ---- the end ---- */

/* Nothing that is kept comes to another snapshot. */
static void count_rest(struct flight *f)
{
	struct kept *k;
	size_t i;

	for (k = f->first; k; k = k->next) {
		f->left_out += k->triggers;
		k->triggers = 0;
	}
	for (i = 0; i < f->nmet; i++) {
		f->left_out += f->met[i].cnt;
		free(f->met[i].reason);
	}
	f->nmet = 0;
}

void flight__close(struct flight *f)
{
	struct job *job = NULL, *to = NULL;
	char *reason;

	if (f->closed)
		return;
	f->closed = true;
	pthread_mutex_lock(&f->lock);
	reason = f->cut_reason ? f->cut_reason : take_reason(f);
	f->cut_reason = NULL;
	if (!reason && f->opts.at_end)
		reason = xstrdup("end");
	if (reason && f->first)
		job = make_job(f, reason, NULL);
	else
		free(reason);
	if (f->to && f->first)
		to = make_job_to(f);
	count_rest(f);
	pthread_mutex_unlock(&f->lock);
	if (job)
		worker__give(f->worker, &job->work);
	if (to)
		worker__give(f->worker, &to->work);
}

bool flight__written(struct flight *f)
{
	return worker__idle(f->worker);
}

void flight__abandon(struct flight *f)
{
	worker__abandon(f->worker);
}

int flight__finish(struct flight *f)
{
	int err;

	flight__close(f);
	err = worker__finish(f->worker);
	reclaim(f);
	return err ? err : f->err;
}

struct flight_stats flight__stats(struct flight *f)
{
	struct flight_stats st;

	pthread_mutex_lock(&f->lock);
	st = (struct flight_stats){
		.kept_bytes = f->bytes,
		.kept_ns = f->first ? f->last->end_ts - f->first->begin_ts : 0,
		.peak_bytes = f->peak,
		.asked = f->asked,
		.left_out = f->left_out,
		.unwritten = f->unwritten,
		.bounded = f->bounded,
		.failed = f->failed,
		.error = f->error,
		.files = snapshots__files(f->files),
	};
	pthread_mutex_unlock(&f->lock);
	return st;
}
