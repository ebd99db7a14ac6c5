// SPDX-License-Identifier: BSD-2-Clause
/*
 * --duty: windows, each a recording of its own by a process of its own (window.h), so that between
 * them there is nothing of ours in the kernel or in the recorded programs: no hook, no probe, no
 * buffer.
 *
 * This process waits. It keeps what is needed to begin anew, the rights included, and touches
 * nothing with them but the files of the recording, as the invoker.
 */
#include "record/recording.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/windows.h"
#include "output/claim.h"
#include "output/outfile.h"
#include "output/room.h"
#include "output/rotation.h"
#include "output/space.h"
#include "output/trail.h"
#include "record/window.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define LOG_TAG "record"

#define LOOK_NS 1000000000 /* how often a control group is looked for */
#define AHEAD 2		   /* windows of the greatest size so far that there should be room for */
#define WINDOW_MIN (64u << 10) /* bytes, when nothing else is known */

struct duty {
	const struct options *o;
	struct target_set targets; /* of -p; while one of them lives it goes on */
	struct scope scope;	   /* of a control group; while it is there it goes on */
	int signal_fd, claim;
	bool stop;
	enum rotation_end ended, bound; /* of all of it, of the last window */
	struct trail trail;
	struct room room;
	uint64_t largest;	  /* bytes that a window should have room for */
	uint64_t begin, until;	  /* CLOCK_MONOTONIC; until 0: no end */
	unsigned windows, failed; /* failed: the last ones, one behind the other */
	uint64_t period;	  /* of the last one, from 0 */
	uint64_t too_long;	  /* periods without one: that before took longer */
	uint64_t left_out;	  /* windows that failed */
	struct record_totals sum;
};

/* ---- who is recorded ---- */

static bool is_group(const struct duty *d)
{
	return d->o->cgroup || d->o->container;
}

/* Who lives, in pid; how many. */
static size_t alive(const struct duty *d, uint32_t *pid)
{
	struct pollfd p = { .events = POLLIN };
	size_t i, n = 0;

	for (i = 0; i < d->targets.cnt; i++) {
		p.fd = d->targets.t[i].pidfd;
		if (p.fd < 0 || poll(&p, 1, 0) <= 0)
			pid[n++] = d->targets.t[i].pid;
	}
	return n;
}

/* Who is meant cannot be recorded any more; that is said. */
static bool has_ended(struct duty *d)
{
	uint32_t *pid;
	size_t n;

	if (is_group(d) && scope_vanished(&d->scope)) {
		log_notice("the control group %s was removed", d->scope.cgroup.dir);
		return true;
	}
	if (!d->targets.cnt)
		return false;
	pid = xcalloc(d->targets.cnt, sizeof(*pid));
	n = alive(d, pid);
	free(pid);
	if (!n)
		log_notice("the %s ended", d->targets.cnt > 1 ? "last process has" : "process has");
	return !n;
}

/* ---- signals ---- */

static void say_state(const struct duty *d)
{
	char size[16];

	log_line(LOG_TAG, LOG_ERROR, "%u windows, %.1f s, %llu events, %llu lost, %s", d->windows,
		 d->sum.seconds, (unsigned long long)d->sum.events, (unsigned long long)d->sum.lost,
		 format_size(size, d->trail.bytes));
}

/* child: of the window that is open, 0 none */
static void on_signals(void *ctx, pid_t child)
{
	struct duty *d = ctx;
	struct signalfd_siginfo si;

	while (read(d->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGUSR2) {
			log_notice("SIGUSR2: there is no flight recorder to write a snapshot of");
			continue;
		}
		if (si.ssi_signo == SIGUSR1)
			say_state(d);
		else
			d->stop = true;
		if (child && si.ssi_signo != SIGUSR1)
			kill(child, (int)si.ssi_signo);
	}
}

/* ---- a window ---- */

/* Who was to be left out and has ended is not there to be found. left: room for all of them. */
static void set_excluded(const struct duty *d, struct options *o, const char **left)
{
	size_t i, n = 0;
	uint64_t pid;

	for (i = 0; i < d->o->exclude.cnt; i++) {
		if (d->windows && !parse_u64(d->o->exclude.v[i], &pid) && kill((pid_t)pid, 0) &&
		    errno == ESRCH)
			continue;
		left[n++] = d->o->exclude.v[i];
	}
	o->exclude.v = left;
	o->exclude.cnt = n;
}

/* The options of one recording: for how long, of whom, and how much of the bounds is left. It names
 * its file as those of --rotate are named, and has no second one. */
static void set_window(const struct duty *d, struct options *o, uint32_t *pid)
{
	uint64_t now = clock_mono();

	*o = *d->o;
	o->duty_ns = o->duty_on_ns = 0;
	o->keep = 0;
	o->json = false;
	o->rotate_ns = d->o->duty_ns;
	o->duration_ns = d->o->duty_on_ns;
	if (d->until && now + o->duration_ns > d->until)
		o->duration_ns = d->until > now ? d->until - now : 1;
	if (o->max_size)
		o->max_size -= d->trail.bytes;
	o->pid = pid;
	o->npid = alive(d, pid);
}

static void add_file(struct duty *d, const struct record_totals *t)
{
	const char *base = recording_output(d->o), *slash = strrchr(base, '/');
	char path[PATH_MAX];
	struct trail_file *f;

	snprintf(path, sizeof(path), "%.*s%s", slash ? (int)(slash - base + 1) : 0, base, t->file);
	f = trail_add(&d->trail, path, &t->id, d->o->keep);
	f->share = (struct trail_share){ t->seconds, t->events, t->lost };
	trail_grow(&d->trail, t->bytes);
	room_written(&d->room, t->bytes);
	log_info("window %u: %s, %.1f s", d->windows, path, t->seconds);
}

static void add_up(struct duty *d, const struct record_totals *t)
{
	d->windows++;
	d->sum.events += t->events;
	d->sum.lost += t->lost;
	d->sum.seconds += t->seconds;
	d->sum.cpu_seconds += t->cpu_seconds;
	d->sum.rss_bytes = t->rss_bytes > d->sum.rss_bytes ? t->rss_bytes : d->sum.rss_bytes;
	d->bound = (enum rotation_end)t->ended;
	if (t->bytes > d->largest)
		d->largest = t->bytes;
	else if (!t->bytes && d->bound) /* it had not even room for its begin */
		d->largest = d->largest ? 2 * d->largest : WINDOW_MIN;
	if (t->bytes)
		add_file(d, t);
}

/* For so many bytes more; a file system that cannot tell has room. */
static uint64_t missing_room(struct duty *d, uint64_t more)
{
	uint64_t is_free;

	if (!d->o->min_free || space_beside(recording_output(d->o), &is_free))
		return 0;
	return room_missing(&d->room, clock_mono(), is_free, more);
}

static enum exit_code window(struct duty *d, struct strbuf *why)
{
	uint32_t *pid = xcalloc(d->targets.cnt + 1, sizeof(*pid));
	const char **excluded = xcalloc(d->o->exclude.cnt + 1, sizeof(*excluded));
	struct record_totals totals;
	enum exit_code code;
	struct options o;

	d->bound = ROTATION_GOES_ON;
	set_window(d, &o, pid);
	set_excluded(d, &o, excluded);
	code = window_run(&(struct window){ &o, d->signal_fd, on_signals, d }, &totals, why);
	free(pid);
	free(excluded);
	if (totals.begun)
		add_up(d, &totals);
	else if (code == EXIT_FAILED && d->windows && missing_room(d, 0))
		d->bound = ROTATION_MIN_FREE; /* it has not even begun */
	return code;
}

/* ---- between windows ---- */

/* Old files go where that is enough, but not the newest. Is there room then? */
static bool clear_room(struct duty *d, uint64_t missing)
{
	return !(d->o->keep ? trail_clear(&d->trail, 1, missing, &d->room) : missing);
}

/* Is there for a window? One that may be cut short is better than none. */
static bool has_room(struct duty *d)
{
	return clear_room(d, missing_room(d, AHEAD * d->largest)) ||
	       clear_room(d, missing_room(d, d->largest));
}

/* Behind a window: may there be another one? */
static bool may_go_on(struct duty *d)
{
	const struct options *o = d->o;

	if (o->keep)
		trail_keep_newest(&d->trail, o->keep);
	if (d->bound == ROTATION_MAX_SIZE || (o->max_size && d->trail.bytes >= o->max_size))
		d->ended = ROTATION_MAX_SIZE;
	else if ((d->bound && !o->keep) || !has_room(d))
		d->ended = ROTATION_MIN_FREE;
	return !d->ended;
}

/* That it has begun, when it is known that it can. */
static void say_begin(const struct duty *d)
{
	if (d->windows == 1 && d->trail.cnt)
		log_notice("%s is recorded; %.3g s of each %.3g s follow%s", d->trail.file[0].path,
			   (double)d->o->duty_on_ns / 1e9, (double)d->o->duty_ns / 1e9,
			   d->until ? "" : "; Ctrl-C stops");
}

/* Until then, or until there is no more use in waiting. */
static void wait_until(struct duty *d, uint64_t then)
{
	struct pollfd *p = xcalloc(d->targets.cnt + 1, sizeof(*p));
	uint64_t now = clock_mono(), ns;
	struct timespec left;
	size_t i;

	p[0] = (struct pollfd){ .fd = d->signal_fd, .events = POLLIN };
	for (i = 0; i < d->targets.cnt; i++)
		p[i + 1] = (struct pollfd){ .fd = d->targets.t[i].pidfd, .events = POLLIN };
	while (now < then && !d->stop) {
		ns = is_group(d) && then - now > LOOK_NS ? LOOK_NS : then - now;
		left = (struct timespec){ (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
		ppoll(p, (nfds_t)d->targets.cnt + 1, &left, NULL);
		if (p[0].revents)
			on_signals(d, 0);
		for (i = 1; i <= d->targets.cnt; i++)
			if (p[i].revents)
				p[i].fd = -1; /* has ended; poll passes it over */
		if (has_ended(d))
			d->stop = true;
		now = clock_mono();
	}
	free(p);
}

/* The begin of the next period that is not past. */
static uint64_t next_begin(struct duty *d)
{
	uint64_t next = (clock_mono() - d->begin) / d->o->duty_ns + 1;

	d->too_long += next - d->period - 1;
	d->period = next;
	return d->begin + next * d->o->duty_ns;
}

/* A process that ends while the window begins, or a disk that is away for a moment, is not the end
 * of what goes on for days. What fails twice is. */
static bool is_passing(struct duty *d, const struct strbuf *why)
{
	if (!d->windows || d->failed++)
		return false;
	d->left_out++;
	log_notice("a window is left out: %s", why->buf);
	return true;
}

static enum exit_code all_windows(struct duty *d, struct strbuf *why)
{
	enum exit_code code, worst = EXIT_FINE;
	uint64_t next;

	for (;;) {
		code = window(d, why);
		if (code == EXIT_LOST) {
			worst = code; /* told at the end, and no reason to stop */
			strbuf_reset(why);
		} else if (code != EXIT_FINE && d->windows && has_ended(d)) {
			strbuf_reset(why); /* it was gone when the window should begin */
			break;
		} else if (code == EXIT_FAILED && d->bound && d->trail.cnt) {
			strbuf_reset(why); /* it had no room */
		} else if (code != EXIT_FINE) {
			if (!is_passing(d, why))
				return code;
			strbuf_reset(why);
		} else {
			d->failed = 0;
		}
		if (d->stop || !may_go_on(d) || has_ended(d))
			break;
		next = next_begin(d);
		if (d->until && next >= d->until) { /* nothing of it would be recorded */
			wait_until(d, d->until);
			break;
		}
		say_begin(d);
		wait_until(d, next);
		if (d->stop)
			break;
		if (!has_room(d)) { /* others write there too */
			d->ended = ROTATION_MIN_FREE;
			break;
		}
	}
	if (worst == EXIT_LOST)
		strbuf_set_f(why, "records were lost, and --strict was given");
	return worst;
}

/* ---- begin and end ---- */

static void sum_up(const struct duty *d, enum exit_code code, const char *why)
{
	const char *bound = rotation_end_option(d->ended);

	if (d->too_long)
		log_notice(
			"%llu windows are left out: to record one took longer than its period; a longer one has room for the begin and the end",
			(unsigned long long)d->too_long);
	if (bound)
		log_notice("stopped: no more room by --%s", bound);
	windows_print(
		&(struct windows_summary){
			.files = &d->trail,
			.windows = d->windows,
			.left_out = d->too_long + d->left_out,
			.seconds = d->sum.seconds,
			.wall_seconds = (double)(clock_mono() - d->begin) / 1e9,
			.events = d->sum.events,
			.lost = d->sum.lost,
			.cpu_seconds = d->sum.cpu_seconds,
			.rss_bytes = d->sum.rss_bytes,
			.ended = bound,
			.error = code == EXIT_FINE ? NULL : why,
		},
		d->o->json);
}

static enum exit_code begin(struct duty *d, struct strbuf *why)
{
	int err;

	d->signal_fd = session_signals(false);
	if (d->signal_fd < 0) {
		strbuf_set_f(why, "cannot wait for signals: %s", strerror(-d->signal_fd));
		return EXIT_FAILED;
	}
	clock_setup();
	if (d->o->npid) {
		err = target_resolve(&d->targets, d->o->pid, d->o->npid, why);
		if (err)
			return recording_target_code(err, why);
	}
	if (is_group(d)) {
		err = recording_scope(d->o, &d->scope, why);
		if (err)
			return err == -EINVAL ? EXIT_USAGE : recording_target_code(err, why);
	}
	if (outfile_check_more(recording_output(d->o), why) ||
	    claim_series(recording_output(d->o), &d->claim, why))
		return EXIT_FAILED;
	return EXIT_FINE;
}

enum exit_code duty_run(const struct options *o, struct strbuf *why)
{
	struct duty d = { .o = o, .signal_fd = -1, .claim = -1, .room.min_free = o->min_free };
	enum exit_code code = begin(&d, why);

	if (code == EXIT_FINE) {
		d.begin = clock_mono();
		d.until = o->duration_ns ? d.begin + o->duration_ns : 0;
		code = all_windows(&d, why);
		if (d.windows)
			sum_up(&d, code, why->buf);
	}
	trail_free(&d.trail);
	target_free(&d.targets);
	scope_free(&d.scope);
	if (d.signal_fd >= 0)
		close(d.signal_fd);
	if (d.claim >= 0)
		close(d.claim);
	return code;
}
