// SPDX-License-Identifier: BSD-2-Clause
/*
 * --duty: windows, each a recording of its own by a process of its own, so that between them there
 * is nothing of ours in the kernel or in the recorded programs: no hook, no probe, no buffer.
 *
 * This process waits. It keeps what is needed to begin anew, the rights included, and touches
 * nothing with them but the files of the recording, as the invoker. A window's process gives up its
 * rights as every recorder does, is told of our end by a pipe, and sends what it has to say when it
 * is through.
 */
#include "record/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/windows.h"
#include "output/claim.h"
#include "output/outfile.h"
#include "output/rotation.h"
#include "output/space.h"
#include "output/trail.h"
#include "output/trailname.h"
#include "util/clock.h"
#include "util/invoker.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define LOG_TAG "record"

#define NAMES_TRIED 1000

struct duty {
	const struct options *o;
	struct target_set targets; /* of -p; while one of them lives it goes on */
	pid_t self;
	int signal_fd, claim;
	bool stop;
	enum rotation_end ended;
	struct trail trail;
	uint64_t begin, until; /* CLOCK_MONOTONIC; until 0: no end */
	unsigned windows;
	uint64_t period;   /* of the last one, from 0 */
	uint64_t left_out; /* periods without one: that before took longer */
	struct record_totals sum;
};

/* What a window's process sends; less than a pipe takes in one go. */
struct report {
	enum exit_code code;
	struct record_totals totals;
	char why[1024];
};
_Static_assert(sizeof(struct report) <= PIPE_BUF, "a report is written whole");

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* ---- the process of a window ---- */

/* A pipe whose other end is ours: when that is closed, by whatever death, it is told to stop. */
static void end_with(int life, pid_t parent)
{
	fcntl(life, F_SETOWN, getpid());
	fcntl(life, F_SETSIG, SIGTERM);
	fcntl(life, F_SETFL, fcntl(life, F_GETFL) | O_ASYNC);
	if (getppid() != parent) /* it was closed before */
		raise(SIGTERM);
}

/* The terminal's Ctrl-C is its parent's, who passes it on; and it may speak, of errors. */
static void stand_apart(void)
{
	setpgid(0, 0);
	signal(SIGTTOU, SIG_IGN);
	if (!log_wants(LOG_TAG, LOG_INFO))
		log_set_level(LOG_ERROR);
}

static _Noreturn void record_window(const struct duty *d, const struct options *o, int report_fd,
				    int life)
{
	struct report report = { 0 };
	struct strbuf why = STRBUF_INIT;

	close(d->signal_fd);
	stand_apart();
	end_with(life, d->self);
	report.code = record_once(o, &report.totals, &why);
	snprintf(report.why, sizeof(report.why), "%s", why.buf);
	(void)!write(report_fd, &report, sizeof(report)); /* nobody reads: nobody asks */
	_exit(0);
}

/* ---- targets ---- */

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

static bool has_ended(struct duty *d)
{
	uint32_t *pid;
	size_t n;

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
static void on_signals(struct duty *d, pid_t child)
{
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

static int is_taken(void *ctx, const struct invoker *who)
{
	struct stat st;

	(void)who;
	return !lstat(ctx, &st);
}

static int name_window(const struct duty *d, char *name, size_t sz)
{
	uint64_t wall = clock_ns(CLOCK_REALTIME);
	unsigned nth;
	int err;

	for (nth = 0; nth < NAMES_TRIED; nth++) {
		err = trailname(name, sz, recording_output(d->o), wall, nth);
		if (err || !invoker_do(is_taken, name))
			return err;
	}
	return -EEXIST;
}

/* The options of one recording: for how long, of whom, and how much of the bounds is left. */
static void set_window(const struct duty *d, struct options *o, const char *name, uint32_t *pid)
{
	uint64_t now = clock_mono();

	*o = *d->o;
	o->duty_ns = o->duty_on_ns = 0;
	o->keep = 0;
	o->json = false;
	o->output = name;
	o->duration_ns = d->o->duty_on_ns;
	if (d->until && now + o->duration_ns > d->until)
		o->duration_ns = d->until > now ? d->until - now : 1;
	if (o->max_size)
		o->max_size -= d->trail.bytes;
	o->pid = pid;
	o->npid = alive(d, pid);
}

/* Waits for the report of the process, passing on what we are told meanwhile. False: there is none,
 * and the process has ended. Others may have the pipe open. */
static bool wait_report(struct duty *d, pid_t child, int fd, struct report *report)
{
	int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	struct pollfd p[] = { { .fd = d->signal_fd, .events = POLLIN },
			      { .fd = fd, .events = POLLIN },
			      { .fd = pidfd, .events = POLLIN } };
	bool told = false;

	while (!p[1].revents && !p[2].revents) {
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents)
			on_signals(d, child);
	}
	if (p[1].revents & POLLIN)
		told = read(fd, report, sizeof(*report)) == sizeof(*report);
	close_fd(pidfd);
	return told;
}

static void open_pipes(int report[2], int life[2], int *err)
{
	*err = 0;
	if (pipe2(report, O_CLOEXEC))
		*err = -errno;
	else if (pipe2(life, O_CLOEXEC))
		*err = -errno;
}

/* Runs the process of one window to its end. */
static enum exit_code run_process(struct duty *d, const struct options *o, struct report *report,
				  struct strbuf *why)
{
	int to_us[2] = { -1, -1 }, life[2] = { -1, -1 }, err, status = 0;
	enum exit_code code = EXIT_FAILED;
	pid_t child = -1;

	open_pipes(to_us, life, &err);
	if (!err) {
		child = fork();
		err = child < 0 ? -errno : 0;
	}
	if (!child) {
		close(to_us[0]);
		close(life[1]);
		record_window(d, o, to_us[1], life[0]);
	}
	close_fd(to_us[1]);
	close_fd(life[0]);
	if (err) {
		strbuf_set_f(why, "cannot start a process for a window: %s", strerror(-err));
	} else {
		if (wait_report(d, child, to_us[0], report))
			code = report->code;
		else
			*report = (struct report){ 0 };
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
		if (report->why[0])
			strbuf_set_f(why, "%s", report->why);
		else if (code == EXIT_FAILED)
			strbuf_set_f(why, "the process of a window has come to a bad end (%s)",
				     WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) :
							   "without a word");
	}
	close_fd(to_us[0]);
	close_fd(life[1]);
	return code;
}

static int id_of(void *ctx, const struct invoker *who)
{
	struct trail_file *f = ctx;
	struct stat st;

	(void)who;
	if (lstat(f->path, &st))
		return -errno;
	f->id = (struct outfile_id){ st.st_dev, st.st_ino };
	return 0;
}

static void add_up(struct duty *d, const struct record_totals *t, const char *name)
{
	struct outfile_id none = { 0 };
	struct trail_file *f;

	d->windows++;
	d->sum.events += t->events;
	d->sum.lost += t->lost;
	d->sum.seconds += t->seconds;
	d->sum.cpu_seconds += t->cpu_seconds;
	d->sum.rss_bytes = t->rss_bytes > d->sum.rss_bytes ? t->rss_bytes : d->sum.rss_bytes;
	d->ended = (enum rotation_end)t->ended;
	if (!t->bytes)
		return;
	f = trail_add(&d->trail, name, &none, d->o->keep);
	invoker_do(id_of, f);
	f->share = (struct trail_share){ t->seconds, t->events, t->lost };
	trail_grow(&d->trail, t->bytes);
	log_info("window %u: %s, %.1f s", d->windows, name, t->seconds);
}

static enum exit_code window(struct duty *d, struct strbuf *why)
{
	struct report report = { 0 };
	enum exit_code code;
	char name[PATH_MAX];
	struct options o;
	uint32_t *pid;
	int err;

	err = name_window(d, name, sizeof(name));
	if (err) {
		strbuf_set_f(why, "cannot name a file after %s: %s", recording_output(d->o),
			     strerror(-err));
		return EXIT_FAILED;
	}
	pid = xcalloc(d->targets.cnt + 1, sizeof(*pid));
	set_window(d, &o, name, pid);
	code = run_process(d, &o, &report, why);
	free(pid);
	if (report.totals.begun)
		add_up(d, &report.totals, name);
	return code;
}

/* ---- between windows ---- */

/* Old files go, for the number and for the room on the disk; then is there still enough of it? */
static bool may_go_on(struct duty *d)
{
	const struct options *o = d->o;
	uint64_t room;

	while (o->keep && d->trail.cnt > o->keep)
		trail_remove_oldest(&d->trail);
	while (o->min_free && !space_beside(recording_output(o), &room) && room < o->min_free) {
		if (!o->keep || !d->trail.cnt) {
			d->ended = ROTATION_MIN_FREE;
			return false;
		}
		trail_remove_oldest(&d->trail);
	}
	if (o->max_size && d->trail.bytes >= o->max_size)
		d->ended = ROTATION_MAX_SIZE;
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
	uint64_t now = clock_mono();
	struct timespec left;
	size_t i;

	p[0] = (struct pollfd){ .fd = d->signal_fd, .events = POLLIN };
	for (i = 0; i < d->targets.cnt; i++)
		p[i + 1] = (struct pollfd){ .fd = d->targets.t[i].pidfd, .events = POLLIN };
	while (now < then && !d->stop) {
		left = (struct timespec){ (time_t)((then - now) / 1000000000),
					  (long)((then - now) % 1000000000) };
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

	d->left_out += next - d->period - 1;
	d->period = next;
	return d->begin + next * d->o->duty_ns;
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
		} else if (code == EXIT_FAILED && d->ended && d->trail.cnt) {
			strbuf_reset(why); /* no room for one more */
			break;
		} else if (code != EXIT_FINE) {
			return code;
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
	}
	if (worst == EXIT_LOST)
		strbuf_set_f(why, "records were lost, and --strict was given");
	return worst;
}

/* ---- begin and end ---- */

static void sum_up(const struct duty *d, enum exit_code code, const char *why)
{
	static const char *const bounds[] = {
		[ROTATION_MAX_SIZE] = "max-size",
		[ROTATION_MIN_FREE] = "min-free",
	};

	if (d->left_out)
		log_notice(
			"%llu windows are left out: to record one took longer than its period; a longer one has room for the begin and the end",
			(unsigned long long)d->left_out);
	if (d->ended)
		log_notice("stopped: no more room by --%s", bounds[d->ended]);
	windows_print(
		&(struct windows_summary){
			.files = &d->trail,
			.windows = d->windows,
			.left_out = d->left_out,
			.seconds = d->sum.seconds,
			.wall_seconds = (double)(clock_mono() - d->begin) / 1e9,
			.events = d->sum.events,
			.lost = d->sum.lost,
			.cpu_seconds = d->sum.cpu_seconds,
			.rss_bytes = d->sum.rss_bytes,
			.ended = bounds[d->ended],
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
	if (outfile_check_more(recording_output(d->o), why) ||
	    claim_series(recording_output(d->o), &d->claim, why))
		return EXIT_FAILED;
	return EXIT_FINE;
}

enum exit_code duty_run(const struct options *o, struct strbuf *why)
{
	struct duty d = { .o = o, .signal_fd = -1, .claim = -1, .self = getpid() };
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
	close_fd(d.signal_fd);
	close_fd(d.claim);
	return code;
}
