// SPDX-License-Identifier: BSD-2-Clause
/*
 * See recordings.h. Of each that is under way there is a `served`, from its start to its end; the
 * flight recorder stands beside them (standing.h).
 */
#include "control/recordings.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/options.h"
#include "control/ledger.h"
#include "control/outdir.h"
#include "control/standing.h"
#include "control/wishes.h"
#include "util/clock.h"
#include "util/loop.h"
#include "util/parse.h"
#include "util/procfs.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define LOG_TAG "recordings"
#define SECOND 1000000000ull
#define PATIENCE_NS (60 * SECOND) /* with one that should have ended */

struct served {
	struct recordings *r;
	struct served *next;
	struct job *job;
	unsigned id;
	struct caller caller;
	enum served_door door;
	char *file; /* NULL: a descriptor */
	struct outdir_file out;
	struct strbuf what, who; /* in words */
	uint32_t *pid;
	size_t npid;
	uint64_t since_ns;
	bool stopped, killed, let_go;
	struct loop_timer *late; /* it should have ended */
	bool urged, overdue;
	void (*begun)(void *ctx, struct served *s);
	void (*ended)(void *ctx, struct served *s);
	void *ctx;
};

struct snapshot {
	struct recordings *r;
	char *file;
	struct outdir_file out;
	struct strbuf who;
	snapshot_fn done;
	void *ctx;
};

struct recordings {
	struct recordings_opts opts;
	struct served *list; /* the latest first */
	size_t cnt;
	unsigned next_id;
	struct ledger *ledger;
	struct standing *standing; /* NULL: no flight recorder */
	struct strbuf words;	   /* what is recorded when nothing is said */
	bool ending, told_idle;
};

static const char *door_words(enum served_door door)
{
	static const char *const words[] = { "over HTTP", "by JSON-RPC", "from itself",
					     "from its command line", "by gops" };

	return words[door];
}

/* What others have written goes into one line of the log, does nothing to a terminal, and is UTF-8.
 */
static void tame(struct strbuf *text)
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

__attribute__((format(printf, 3, 4))) static int refuse(int err, struct strbuf *why,
							const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	strbuf_reset(why);
	strbuf_addv(why, fmt, ap);
	va_end(ap);
	return err;
}

/* ---- may it be? ---- */

static bool has_slot(const struct served *s, const struct served_wish *wish)
{
	if (s->door != wish->door)
		return false;
	if (wish->door == DOOR_RPC)
		return s->caller.uid == wish->caller.uid;
	return wish->door == DOOR_LIBRARY && s->caller.pid == wish->caller.pid;
}

static int check_slot(const struct recordings *r, const struct served_wish *wish,
		      struct strbuf *why)
{
	const struct served *s;

	for (s = r->list; s; s = s->next)
		if (has_slot(s, wish))
			return refuse(-EALREADY, why,
				      wish->door == DOOR_RPC ? "trace already in progress" :
							       "tracing is already enabled");
	return 0;
}

/* A user has half of them at most, and all users together leave some to root and the group. */
static int check_room(const struct recordings *r, const struct caller *c, struct strbuf *why)
{
	unsigned max = r->opts.o->max_recordings, his_max = max > 1 ? max / 2 : 1, his = 0;
	unsigned users_max = max > 1 ? max - (max + 3) / 4 : 1, users = 0;
	const struct served *s;

	if (r->ending)
		return refuse(-EBUSY, why, "the service ends: it begins no recording any more");
	if (r->cnt >= max)
		return refuse(
			-EBUSY, why,
			"%u recordings are under way, and no more are taken at a time; try again when one has ended",
			max);
	for (s = r->list; s; s = s->next) {
		his += s->caller.uid == c->uid;
		users += s->caller.rank == CALLER_USER;
	}
	if (c->rank == CALLER_USER && his >= his_max)
		return refuse(
			-EBUSY, why,
			"you have %u recordings under way, and no more are taken of a user at a time; try again when one has ended",
			his);
	if (c->rank == CALLER_USER && users >= users_max)
		return refuse(
			-EBUSY, why,
			"users have %u recordings under way, and no more are taken but for root and members of the group " CALLER_GROUP
			"; try again when one has ended",
			users);
	return 0;
}

static int check_time(const struct recordings *r, const struct served_wish *wish,
		      struct strbuf *why)
{
	uint64_t max = r->opts.o->max_time_ns;

	if (wish->duration_ns <= max)
		return 0;
	return refuse(-EINVAL, why, "%g s is longer than this service records for anybody, %g s",
		      (double)wish->duration_ns / 1e9, (double)max / 1e9);
}

/* The kernel gives the files of a process that is more than its user (setuid, not dumpable) to
 * root; and those of one whose first thread has ended, of whom the recorder asks others. */
static bool is_his(const struct caller *c, const struct proc_info *info)
{
	struct stat st;
	char path[48];

	if (!caller_sees(c, (pid_t)info->pid) || c->rank == CALLER_ALL || info->state == 'Z')
		return caller_sees(c, (pid_t)info->pid);
	snprintf(path, sizeof(path), "/proc/%u/maps", info->pid);
	return !stat(path, &st) && st.st_uid == c->uid;
}

/* Numbers of processes are those of who says them; those of a container are others here. A program
 * that traces itself says none. */
static int check_numbers(const struct options *o, const struct served_wish *wish,
			 struct strbuf *why)
{
	pid_t pid = wish->caller.pid;

	if (!o->npid || !(wish->object || wish->words) || wish->door == DOOR_LIBRARY || !pid ||
	    procfs_ns_pid((uint32_t)pid) == (uint32_t)pid)
		return 0;
	return refuse(
		-EINVAL, why,
		"process numbers are others where you ask from, in a container: ask from outside of it");
}

/*
 * Is there such a process, and is it his? The recorder asks again, by ptrace's rules
 * (capture/target.h); here it is told at once, with an errno that doors can tell apart.
 */
static int check_processes(const struct options *o, const struct caller *c, struct strbuf *why)
{
	struct proc_info info;
	size_t i;

	for (i = 0; i < o->npid; i++) {
		if (procfs_status(o->pid[i], &info))
			return refuse(-ESRCH, why, "no process with pid %u", o->pid[i]);
		if (!is_his(c, &info))
			return refuse(
				-EPERM, why,
				"process %u (%s) is not yours to look at: ask as its user, as root, or as a member of the group " CALLER_GROUP,
				o->pid[i], info.comm);
	}
	return 0;
}

/* Bytes that may be written yet. */
static int check_total(const struct recordings *r, uint64_t *room, struct strbuf *why)
{
	uint64_t max = r->opts.o->max_total, is = ledger__bytes(r->ledger);
	char text[16];

	if (is >= max)
		return refuse(
			-EBUSY, why,
			"the files of this service have %s, which is all that --max-total allows: remove some of them from %s",
			format_size(text, is), outdir__path(r->opts.outdir));
	if (ledger__count(r->ledger) >= LEDGER_MAX)
		return refuse(-EBUSY, why,
			      "this service has written %d files: remove some of them from %s",
			      LEDGER_MAX, outdir__path(r->opts.outdir));
	*room = max - is;
	return 0;
}

static int open_file(struct recordings *r, const char *name, const struct caller *c,
		     struct outdir_file *f, struct strbuf *why)
{
	const struct served *s;
	int err = outdir__open(r->opts.outdir, name, c, f, why);

	for (s = r->list; !err && s; s = s->next) {
		if (!s->file || s->out.dev != f->dev || s->out.ino != f->ino)
			continue;
		close(f->fd);
		err = refuse(
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
		tame(&why);
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
	tame(&s->what);
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
	int err = wish->file ? check_total(r, &room, why) : 0;

	if (err)
		return err;
	s = served_new(r, wish, o);
	if (s->file)
		err = open_file(r, s->file, &wish->caller, &s->out, why);
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
			refuse(err, why, "cannot make a process that records: %s", strerror(-err));
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
	tame(&words);
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
	err = check_slot(r, wish, why);
	if (!err)
		err = check_room(r, &wish->caller, why);
	if (!err)
		err = check_time(r, wish, why);
	if (!err)
		err = wish_read(&w, r->opts.o, wish->object, wish->words, &wish->caller, why);
	if (!err)
		err = check_numbers(&w.o, wish, why);
	if (!err)
		err = check_processes(&w.o, &wish->caller, why);
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

int served__result(const struct served *s, struct strbuf *why)
{
	enum exit_code code = job__code(s->job);

	if (s->killed)
		return refuse(-ECANCELED, why, "who asked for it has gone away");
	if (s->overdue)
		return refuse(-EIO, why, "it did not end when it should have, and was killed");
	if (code == EXIT_FINE)
		return 0;
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

/* ---- the flight recorder ---- */

static void standing_ended(void *ctx)
{
	tell_idle(ctx);
}

static void snapshot_free(struct snapshot *s)
{
	strbuf_free(&s->who);
	free(s->file);
	free(s);
}

static void snapshot_done(void *ctx, int err, const char *why)
{
	struct snapshot *s = ctx;
	struct strbuf words = STRBUF_INIT;

	strbuf_addf(&words, "%s, for %s%s%s", s->file, s->who.buf, err ? ": " : "", err ? why : "");
	tame(&words);
	log_notice("snapshot to %s", words.buf);
	strbuf_free(&words);
	if (err)
		outdir__undo(s->r->opts.outdir, s->file, &s->out);
	s->done(s->ctx, err, why);
	snapshot_free(s);
}

static int start_snapshot(struct recordings *r, const struct caller *c, struct snapshot *s,
			  struct strbuf *why)
{
	uint64_t room = 0;
	int err;

	if (!r->standing)
		return refuse(
			-ENOTSUP, why,
			"there is no flight recorder; start the service with --flight-recorder");
	if (c->rank != CALLER_ALL)
		return refuse(-EPERM, why,
			      "only root and members of the group " CALLER_GROUP
			      " may see what the flight recorder has");
	err = check_total(r, &room, why);
	if (!err)
		err = open_file(r, s->file, c, &s->out, why);
	if (err)
		return err;
	ledger__add(r->ledger, s->file, &s->out);
	err = standing__snapshot(r->standing, s->out.fd, snapshot_done, s);
	if (err) {
		refuse(err, why,
		       err == -EALREADY ? "another snapshot is being written" :
					  "the flight recorder %s",
		       standing__words(r->standing));
		outdir__undo(r->opts.outdir, s->file, &s->out);
	}
	close(s->out.fd);
	return err;
}

int recordings__snapshot(struct recordings *r, const struct caller *c, const char *file,
			 snapshot_fn done, void *ctx, struct strbuf *why)
{
	struct snapshot *s = xcalloc(1, sizeof(*s));
	int err;

	*s = (struct snapshot){ .r = r,
				.file = xstrdup(file),
				.out = { .fd = -1 },
				.who = STRBUF_INIT,
				.done = done,
				.ctx = ctx };
	caller_words(c, &s->who);
	strbuf_reset(why);
	err = start_snapshot(r, c, s, why);
	if (!err)
		return 0;
	strbuf_addf(&s->who, ": %s", why->buf);
	tame(&s->who);
	log_notice("refused a snapshot for %s", s->who.buf);
	snapshot_free(s);
	return err;
}

const char *recordings__flight(const struct recordings *r)
{
	return r->standing ? standing__words(r->standing) : NULL;
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
	struct served *s;

	for (s = r->list; s; s = s->next) {
		if (s->id == id && may_know(s, c)) {
			served__stop(s);
			return 0;
		}
	}
	strbuf_set_f(why, "there is no recording %u of yours under way", id);
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
