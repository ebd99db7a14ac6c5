// SPDX-License-Identifier: BSD-2-Clause
/*
 * See recordings.h. Of each that is under way there is a `served`, from its start to its end; the
 * flight recorder stands beside them (standing.h).
 */
#include "control/recordings.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"
#include "control/ledger.h"
#include "control/recordings_parts.h"
#include "control/standing.h"
#include "control/wishes.h"
#include "output/rotation.h"
#include "util/clock.h"
#include "util/loop.h"
#include "util/parse.h"
#include "util/procfs.h"
#include "util/xalloc.h"

#define LOG_TAG "recordings"
#define SECOND 1000000000ull
#define PATIENCE_NS (60 * SECOND) /* with one that should have ended */

void recordings_tame(struct strbuf *text)
{
	json_t *valid = json_string(text->buf);
	unsigned char c;
	size_t i;

	for (i = 0; i < text->len; i++) {
		c = (unsigned char)text->buf[i];
		if (iscntrl(c) || (c > 0x7f && !valid))
			text->buf[i] = '?';
	}
	json_decref(valid);
}

static const char *door_words(enum served_door door)
{
	static const char *const words[] = { "over HTTP", "by JSON-RPC", "from itself",
					     "from its command line", "by gops" };

	return words[door];
}

int recordings_room(const struct recordings *r, uint64_t *room, struct strbuf *why)
{
	uint64_t max = r->opts.o->max_total, is = ledger__bytes(r->ledger);
	char text[16];

	if (is >= max)
		return strbuf_refuse(
			-EBUSY, why,
			"the files of this service have %s, which is all that --max-total allows: remove some of them from %s",
			format_size(text, is), outdir__path(r->opts.outdir));
	if (ledger__count(r->ledger) >= LEDGER_MAX)
		return strbuf_refuse(
			-EBUSY, why,
			"this service has written %d files: remove some of them from %s",
			LEDGER_MAX, outdir__path(r->opts.outdir));
	*room = max - is;
	return 0;
}

int recordings_open(struct recordings *r, const char *name, const struct caller *c,
		    struct outdir_file *f, struct strbuf *why)
{
	const struct served *s;
	int err = outdir__open(r->opts.outdir, name, c, f, why);

	for (s = r->list; !err && s; s = s->next) {
		if (!s->file || s->out.dev != f->dev || s->out.ino != f->ino)
			continue;
		close(f->fd);
		err = strbuf_refuse(
			-EAGAIN, why,
			"open %s: resource temporarily unavailable: another recording writes it",
			name);
	}
	return err;
}

/* ---- life ---- */

static void tell_idle(struct recordings *r)
{
	if (!r->ending || r->told_idle || r->cnt ||
	    (r->standing && !standing__has_ended(r->standing)))
		return;
	r->told_idle = true;
	if (r->opts.idle)
		r->opts.idle(r->opts.ctx);
}

static void unlist(struct served *s)
{
	struct served **at = &s->r->list;

	while (*at && *at != s)
		at = &(*at)->next;
	if (*at) {
		*at = s->next;
		s->r->cnt--;
	}
}

static void served_free(struct served *s)
{
	unlist(s);
	loop_timer__end(s->late);
	job__free(s->job);
	strbuf_free(&s->what);
	strbuf_free(&s->who);
	free(s->pid);
	free(s->file);
	free(s);
}

static void log_end(const struct served *s)
{
	struct job_numbers n = job__numbers(s->job);
	struct strbuf why = STRBUF_INIT;
	char size[16];

	if (served__result(s, &why)) {
		recordings_tame(&why);
		log_notice("recording %u of %s, for %s: %s", s->id, s->what.buf, s->who.buf,
			   why.buf);
	} else {
		log_notice("recording %u has ended: %.1f s, %llu events, %llu lost, %s", s->id,
			   n.seconds, (unsigned long long)n.events, (unsigned long long)n.lost,
			   format_size(size, n.bytes));
	}
	strbuf_free(&why);
}

static void changed(void *ctx, struct job *j)
{
	struct served *s = ctx;
	struct recordings *r = s->r;

	switch (job__state(j)) {
	case JOB_STARTING:
		break;
	case JOB_RECORDING:
		if (!s->let_go && s->begun)
			s->begun(s->ctx, s);
		break;
	case JOB_ENDED:
		log_end(s);
		if (!job__begun(j) && s->file)
			outdir__undo(r->opts.outdir, s->file, &s->out);
		unlist(s); /* who is told may begin the next one at once */
		if (!s->let_go && s->ended)
			s->ended(s->ctx, s);
		served_free(s);
		tell_idle(r);
		break;
	}
}

static struct served *served_new(struct recordings *r, const struct served_wish *wish,
				 const struct options *o)
{
	struct served *s = xcalloc(1, sizeof(*s));

	*s = (struct served){ .r = r,
			      .id = r->next_id,
			      .caller = wish->caller,
			      .door = wish->door,
			      .file = wish->file ? xstrdup(wish->file) : NULL,
			      .out = { .fd = -1 },
			      .what = STRBUF_INIT,
			      .who = STRBUF_INIT,
			      .npid = o->npid,
			      .since_ns = clock_ns(CLOCK_MONOTONIC),
			      .begun = wish->begun,
			      .ended = wish->ended,
			      .ctx = wish->ctx };
	s->pid = xcalloc(o->npid + 1, sizeof(*s->pid));
	if (o->npid)
		memcpy(s->pid, o->pid, o->npid * sizeof(*s->pid));
	wish_words(o, &s->what);
	recordings_tame(&s->what);
	caller_words(&wish->caller, &s->who);
	return s;
}

/*
 * The recorder looks at the time itself; but it is its user's, who can have it stand still
 * (SIGSTOP), or write to where nobody reads. That is not to last for ever.
 */
static uint64_t patience_of(const struct served *s)
{
	return s->r->opts.patience_ns ? s->r->opts.patience_ns : PATIENCE_NS;
}

static void is_late(void *ctx)
{
	struct served *s = ctx;

	if (s->urged) {
		s->overdue = true;
		job__kill(s->job);
		return;
	}
	s->urged = true;
	job__stop(s->job); /* twice: what takes long is given up */
	job__stop(s->job);
	loop_timer__set(s->late, patience_of(s) / 6);
}

static void expect_end(struct served *s, uint64_t ns)
{
	loop_timer__set(s->late, ns + patience_of(s));
}

/* The process that records. f: its file, when it is one of ours. */
static int begin(struct served *s, const struct served_wish *wish, const struct options *o)
{
	const struct job_opts opts = {
		.loop = s->r->opts.loop,
		.o = o,
		.caller = wish->caller,
		.out_fd = s->file ? s->out.fd : wish->fd,
		.err_fd = wish->err_fd,
		.loud = wish->loud,
		.json_fd = wish->json_fd,
		.changed = changed,
		.ctx = s,
	};

	s->late = loop__timer(opts.loop, is_late, s);
	s->job = s->late ? job__new(&opts) : NULL;
	if (!s->job)
		return -errno;
	expect_end(s, o->duration_ns);
	return 0;
}

/* With its file. o is changed to what is recorded in the end. */
static int start(struct recordings *r, const struct served_wish *wish, struct options *o,
		 struct served **out, struct strbuf *why)
{
	struct strbuf path = STRBUF_INIT;
	struct served *s;
	uint64_t room = 0;
	int err = wish->file ? recordings_room(r, &room, why) : 0;

	if (err)
		return err;
	s = served_new(r, wish, o);
	if (s->file)
		err = recordings_open(r, s->file, &wish->caller, &s->out, why);
	if (!err && s->file) {
		strbuf_addf(&path, "%s/%s", outdir__path(r->opts.outdir), s->file);
		o->output = s->file[0] == '/' ? s->file : path.buf;
		o->max_size = !o->max_size || o->max_size > room ? room : o->max_size;
		ledger__add(r->ledger, s->file, &s->out);
	} else {
		o->output = wish->name ? wish->name : "the trace";
		o->min_free = 0; /* nobody knows where a descriptor leads to */
	}
	if (!err) {
		err = begin(s, wish, o);
		if (err)
			strbuf_refuse(err, why, "cannot make a process that records: %s",
				      strerror(-err));
		if (err && s->file)
			outdir__undo(r->opts.outdir, s->file, &s->out);
		if (s->file)
			close(s->out.fd);
	}
	strbuf_free(&path);
	if (err)
		served_free(s);
	else
		*out = s;
	return err;
}

static void log_refusal(const struct served_wish *wish, const struct strbuf *why)
{
	struct strbuf words = STRBUF_INIT;

	caller_words(&wish->caller, &words);
	strbuf_addf(&words, ", %s: %s", door_words(wish->door), why->buf);
	recordings_tame(&words);
	log_notice("refused to record for %s", words.buf);
	strbuf_free(&words);
}

struct served *recordings__start(struct recordings *r, const struct served_wish *wish,
				 struct strbuf *why)
{
	struct served *s = NULL;
	struct wish w = { 0 };
	int err;

	strbuf_reset(why);
	err = recordings_admit(r, wish, why);
	if (!err)
		err = wish_read(&w, r->opts.o, wish->object, wish->words, &wish->caller, why);
	if (!err)
		err = recordings_admit_targets(&w.o, wish, why);
	if (!err) {
		w.o.duration_ns = wish->duration_ns ? wish->duration_ns : r->opts.o->max_time_ns;
		w.o.json = wish->json_fd >= 0;
		w.o.strict = wish->strict;
		err = start(r, wish, &w.o, &s, why);
	}
	wish_free(&w);
	if (err) {
		log_refusal(wish, why);
		errno = -err;
		return NULL;
	}
	s->next = r->list;
	r->list = s;
	r->cnt++;
	r->next_id++;
	log_notice("recording %u of %s%s%s, for %s, %s", s->id, s->what.buf, s->file ? " to " : "",
		   s->file ? s->file : "", s->who.buf, door_words(s->door));
	return s;
}

void served__stop(struct served *s)
{
	if (s->stopped && s->door != DOOR_COMMAND)
		return; /* a second one would give up symbols */
	if (!s->stopped)
		expect_end(s, 0);
	s->stopped = true;
	job__stop(s->job);
}

void served__kill(struct served *s)
{
	s->killed = true;
	job__kill(s->job);
}

void served__let_go(struct served *s)
{
	s->let_go = true;
}

/* Before the recorder could look at them, they had ended. */
static bool are_gone(const struct served *s)
{
	struct proc_info info;
	size_t i;

	for (i = 0; i < s->npid; i++)
		if (procfs_status(s->pid[i], &info))
			return true;
	return false;
}

/* A bound is no fault of the recorder's, and its trace is whole; but it is not what was asked for. */
static int cut_short(const struct served *s, struct strbuf *why)
{
	struct job_numbers n = job__numbers(s->job);
	char size[16];

	if (!n.bound)
		return 0;
	return strbuf_refuse(
		-EFBIG, why,
		"the trace is whole, but ends after %.1f s, with %s: %s does not let it have more",
		n.seconds, format_size(size, n.bytes),
		n.bound == ROTATION_MIN_FREE ? "--min-free" :
					       "--max-size, or what --max-total leaves,");
}

int served__result(const struct served *s, struct strbuf *why)
{
	enum exit_code code = job__code(s->job);

	if (s->killed)
		return strbuf_refuse(-ECANCELED, why, "who asked for it has gone away");
	if (s->overdue)
		return strbuf_refuse(-EIO, why,
				     "it did not end when it should have, and was killed");
	if (code == EXIT_FINE)
		return cut_short(s, why);
	strbuf_set_f(why, "%s", job__why(s->job));
	if (!why->len)
		strbuf_set_f(why, "the recording failed");
	if (job__begun(s->job))
		return -EIO;
	return code == EXIT_USAGE   ? -EINVAL :
	       code == EXIT_MACHINE ? -ENOTSUP :
	       are_gone(s)	    ? -ESRCH :
				      -EIO;
}

struct job_numbers served__numbers(const struct served *s)
{
	return job__numbers(s->job);
}

enum exit_code served__code(const struct served *s)
{
	return job__code(s->job);
}

struct served *recordings__of(struct recordings *r, const struct caller *c)
{
	struct served *s;

	for (s = r->list; s; s = s->next)
		if (s->door == DOOR_RPC && s->caller.uid == c->uid)
			return s;
	return NULL;
}

/* ---- all of them ---- */

static json_t *describe(const struct served *s)
{
	static const char *const states[] = { "starting", "recording", "ended" };
	static const char *const doors[] = { "http", "rpc", "library", "command", "gops" };
	struct job_numbers n = job__numbers(s->job);
	double seconds = (double)(clock_ns(CLOCK_MONOTONIC) - s->since_ns) / 1e9;

	return json_pack("{s:i, s:s*, s:s*, s:s*, s:s, s:s, s:f, s:I, s:I, s:I}", "id", (int)s->id,
			 "what", s->what.buf, "who", s->who.buf, "file", s->file, "door",
			 doors[s->door], "state", states[job__state(s->job)], "seconds",
			 n.seconds > 0 ? n.seconds : seconds, "events", (json_int_t)n.events,
			 "lost", (json_int_t)n.lost, "bytes", (json_int_t)n.bytes);
}

static bool may_know(const struct served *s, const struct caller *c)
{
	return c->rank == CALLER_ALL || (c->rank == CALLER_USER && s->caller.uid == c->uid);
}

json_t *recordings__list(const struct recordings *r, const struct caller *c)
{
	json_t *list = json_array();
	const struct served *s;

	for (s = r->list; s; s = s->next)
		if (may_know(s, c))
			json_array_append_new(list, describe(s));
	return list;
}

unsigned served__id(const struct served *s)
{
	return s->id;
}

int recordings__stop(struct recordings *r, const struct caller *c, unsigned id, struct strbuf *why)
{
	struct strbuf who = STRBUF_INIT;
	struct served *s;

	for (s = r->list; s; s = s->next) {
		if (s->id == id && may_know(s, c)) {
			served__stop(s);
			return 0;
		}
	}
	strbuf_set_f(why, "there is no recording %u of yours under way", id);
	caller_words(c, &who);
	log_notice("refused to stop recording %u for %s", id, who.buf);
	strbuf_free(&who);
	return -ESRCH;
}

const char *recordings__default(const struct recordings *r)
{
	return r->words.len ? r->words.buf : NULL;
}

size_t recordings__count(const struct recordings *r)
{
	return r->cnt;
}

static void standing_ended(void *ctx)
{
	tell_idle(ctx);
}

struct recordings *recordings__new(const struct recordings_opts *opts, struct strbuf *why)
{
	struct recordings *r = xcalloc(1, sizeof(*r));
	const struct standing_opts standing = {
		.loop = opts->loop,
		.o = opts->o,
		.dir = outdir__path(opts->outdir),
		.ended = standing_ended,
		.ctx = r,
	};
	int err;

	*r = (struct recordings){ .opts = *opts, .next_id = 1, .words = STRBUF_INIT };
	wish_words(opts->o, &r->words);
	r->ledger = ledger__new(opts->outdir);
	if (!opts->o->flight_ns)
		return r;
	r->standing = standing__new(&standing, why);
	if (r->standing)
		return r;
	err = errno;
	recordings__free(r);
	errno = err;
	return NULL;
}

void recordings__free(struct recordings *r)
{
	if (!r)
		return;
	while (r->list)
		served_free(r->list);
	standing__free(r->standing);
	ledger__free(r->ledger);
	strbuf_free(&r->words);
	free(r);
}

void recordings__end(struct recordings *r)
{
	struct served *s;

	for (s = r->list; s; s = s->next) {
		if (!r->ending)
			expect_end(s, 0);
		job__stop(s->job);
	}
	r->ending = true;
	if (r->standing && !standing__has_ended(r->standing))
		standing__stop(r->standing);
	tell_idle(r);
}
