// SPDX-License-Identifier: BSD-2-Clause
/* See session.h. */
#include "capture/session.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "capture/collector.h"
#include "capture/halt.h"
#include "capture/launch.h"
#include "capture/rawlog.h"
#include "capture/scope.h"
#include "output/flight.h"
#include "output/rotation.h"
#include "pipeline.h"
#include "symbol/symbolizer.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/signals.h"
#include "util/strbuf.h"

#define LOG_TAG "session"

/* Rings are polled as seldom as they allow: each time puts somebody else's memory out of the
 * caches. */
#define POLL_MIN_NS 2000000
#define POLL_MAX_NS 50000000
#define RING_SECOND (200ull << 20) /* bytes of records; no CPU makes so many in a second */
#define AIM_PERCENT 10		   /* as full as the fullest ring should be found */
#define SAMPLE_NS 100000000	   /* memory, and syscalls that run for long */
#define PATIENCE_NS 1000000000	   /* for the file, once a second signal has come */
#define LAST_SWITCH_NS 50000000
#define PROGRESS_NS 500000000
#define ALONE_NS 30000000000 /* for all files, when nobody is there to give up */

struct session {
	const struct session_opts *o;
	struct session_result *res;
	struct collector *collector;
	int epoll_fd, timer_fd;
	bool stop;
	bool closing;	  /* the files are being completed */
	unsigned signals; /* that ask for the end */
	unsigned stops;	  /* and words */
	bool alone;	  /* who had this made is gone */
	struct strbuf no; /* what the program that was started does not have; empty: nothing */
	size_t alive;	  /* targets that have not ended */
	uint64_t nleft;	  /* capture__left() at the last look */
	uint64_t begin, until, next_sample, next_progress;
	uint64_t timer_ns, poll_ns, poll_max_ns;
};

/* What an epoll event is about. */
enum source { FROM_TIMER = 1, FROM_SIGNAL, FROM_TARGET, FROM_HALT, FROM_CONTROL };

/* nohup(1) has it ignored, and a recording that a login left behind goes on. */
static bool is_ignored(int sig)
{
	struct sigaction sa;

	return !sigaction(sig, NULL, &sa) && sa.sa_handler == SIG_IGN;
}

int session_signals(bool command)
{
	sigset_t set;
	int fd;

	signals_heard(&set);
	if (is_ignored(SIGHUP))
		sigdelset(&set, SIGHUP);
	if (command) {
		sigaddset(&set, SIGQUIT);
		sigaddset(&set, SIGCHLD);
	}
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

static int watch(struct session *s, int fd, enum source from, uint32_t nr)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = (uint64_t)from << 32 | nr };

	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static void set_timer(struct session *s, uint64_t ns)
{
	struct itimerspec it = { .it_value = { .tv_nsec = (long)ns },
				 .it_interval = { .tv_nsec = (long)ns } };

	if (ns == s->timer_ns)
		return;
	s->timer_ns = ns;
	timerfd_settime(s->timer_fd, 0, &it, NULL);
}

static int set_up(struct session *s)
{
	const struct target_set *set = s->o->targets;
	size_t i;
	int err;

	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->epoll_fd < 0 || s->timer_fd < 0)
		return -errno;
	err = watch(s, s->timer_fd, FROM_TIMER, 0);
	if (!err)
		err = watch(s, s->o->signal_fd, FROM_SIGNAL, 0);
	if (!err && s->o->halt)
		err = watch(s, halt__fd(s->o->halt), FROM_HALT, 0);
	if (!err && s->o->control)
		err = watch(s, s->o->control->fd, FROM_CONTROL, 0);
	for (i = 0; !err && set && i < set->cnt; i++) {
		s->alive++;
		if (set->t[i].pidfd >= 0)
			err = watch(s, set->t[i].pidfd, FROM_TARGET, (uint32_t)i);
	}
	s->poll_max_ns = capture__ring_size(s->o->capture) * 1000000000 / RING_SECOND;
	if (s->poll_max_ns > POLL_MAX_NS)
		s->poll_max_ns = POLL_MAX_NS;
	s->poll_ns = POLL_MIN_NS;
	set_timer(s, s->poll_ns);
	return err;
}

/* ---- events ---- */

/* "3.1 MB"; of a flight recorder "3.1 MB in memory" */
static const char *words_of_size(struct session *s, uint64_t written, char *buf, size_t sz)
{
	char size[16];

	if (s->o->flight)
		snprintf(buf, sz, "%s in memory",
			 format_size(size, flight__stats(s->o->flight).kept_bytes));
	else
		snprintf(buf, sz, "%s",
			 written ? format_size(size, written) : "nothing written yet");
	return buf;
}

static void say_state(struct session *s, bool progress)
{
	struct pipeline_stats st = pipeline__stats(s->o->pipeline);
	double sec = (double)(clock_mono() - s->begin) / 1e9;
	char size[32], line[160];

	snprintf(line, sizeof(line), "%.1f s, %" PRIu64 " events (%.0f/s), %" PRIu64 " lost, %s",
		 sec, st.model->events, sec > 0 ? (double)st.model->events / sec : 0,
		 st.model->lost, words_of_size(s, st.writer.bytes, size, sizeof(size)));
	if (progress) {
		fprintf(stderr, "\r%s\033[K", line);
		log_progress_open(true);
	} else {
		log_line(LOG_TAG, LOG_ERROR, "%s", line); /* it was asked for */
	}
}

static void tell_state(struct session *s, uint64_t now)
{
	struct pipeline_stats st = pipeline__stats(s->o->pipeline);
	const struct session_numbers n = {
		.seconds = (double)(now - s->begin) / 1e9,
		.events = st.model->events,
		.lost = st.model->lost,
		.bytes = st.writer.bytes,
	};

	s->o->control->progress(s->o->control->ctx, &n);
}

static void on_child(struct session *s)
{
	while (s->o->launch && launch__has_stopped(s->o->launch))
		if (s->o->halt)
			halt__stopped(s->o->halt);
}

static void on_end_signal(struct session *s, const struct signalfd_siginfo *si)
{
	/* while the command lives it decides; the next signal after its end is the second one */
	if (s->o->launch && launch__signal(s->o->launch, si) && !s->closing) {
		s->signals = 1;
		return;
	}
	s->stop = true;
	s->signals++;
	s->res->signal = si->ssi_signo;
}

static void ask_snapshot(struct session *s)
{
	if (s->o->flight)
		flight__ask(s->o->flight, FLIGHT_USER, clock_mono(), "SIGUSR2");
	else
		log_notice("SIGUSR2: there is no flight recorder to write a snapshot of");
}

static void on_signals(struct session *s)
{
	struct signalfd_siginfo si;

	while (read(s->o->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		switch (si.ssi_signo) {
		case SIGUSR1:
			say_state(s, false);
			break;
		case SIGUSR2:
			ask_snapshot(s);
			break;
		case SIGCHLD:
			on_child(s);
			break;
		default:
			on_end_signal(s, &si);
		}
	}
}

static void ask_snapshot_to(struct session *s, int fd)
{
	const struct session_control *c = s->o->control;
	const struct flight_to to = { fd, "the snapshot", c->snapshot_done, c->ctx };
	int err = s->o->flight ? flight__ask_to(s->o->flight, &to) : -ENOTSUP;

	if (!err)
		return;
	close(fd);
	c->snapshot_done(c->ctx, err,
			 err == -EALREADY ? "another snapshot is being written" :
					    "there is no flight recorder");
}

static void on_control(struct session *s)
{
	const struct session_control *c = s->o->control;
	enum session_word word;
	int fd;

	while (c && !s->alone && (word = c->take(c->ctx, &fd)) != SESSION_NOTHING) {
		if (word == SESSION_SNAPSHOT) {
			ask_snapshot_to(s, fd);
			continue;
		}
		s->stop = true;
		s->stops++;
		s->alone = word == SESSION_ALONE;
	}
}

static void target_is_gone(struct session *s, struct target *t)
{
	t->ended = true;
	capture__forget(s->o->capture, t);
	epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, t->pidfd, NULL);
	if (--s->alive)
		return;
	if (s->o->launch) { /* what it leaves behind is told, not waited for */
		s->stop = true;
		return;
	}
	s->stop = !capture__living(s->o->capture);
	if (!s->stop)
		log_info("what they have forked goes on");
}

/* Its end may not have been told to us yet; with -f the kernel side has forgotten it by itself. Not
 * so a command, which is there until we wait for it. */
static bool is_forgotten(const struct session *s, const struct target *t)
{
	struct pollfd fd = { .fd = t->pidfd, .events = POLLIN };

	return !s->o->launch && t->pidfd >= 0 && poll(&fd, 1, 0) > 0;
}

/* Who has become a program with rights that we do not have is left by the kernel side at once; here
 * it is told. */
static void look_who_left(struct session *s)
{
	const struct target_set *set = s->o->targets;
	uint64_t n = capture__left(s->o->capture), others;
	size_t i;

	if (!set || n == s->nleft)
		return;
	others = n - s->nleft;
	s->nleft = n;
	for (i = 0; i < set->cnt; i++) {
		if (set->t[i].ended || capture__has(s->o->capture, &set->t[i]) ||
		    is_forgotten(s, &set->t[i]))
			continue;
		others -= others > 0;
		log_error(
			"process %u (%.*s) has executed a program with more rights (set-uid), or one that its user may not read: only root records it from there on",
			set->t[i].pid, EV_COMM_LEN, set->t[i].comm);
		target_is_gone(s, &set->t[i]);
	}
	if (others == 1)
		log_error(
			"a process that was forked has executed a program with more rights (set-uid), or one that its user may not read: only root records it from there on");
	else if (others)
		log_error(
			"%" PRIu64
			" processes that were forked have executed programs with more rights (set-uid), or ones that their user may not read: only root records them from there on",
			others);
}

static void on_target_end(struct session *s, struct target *t)
{
	look_who_left(s);
	if (t->ended)
		return;
	log_info("process %u (%.*s) has ended", t->pid, EV_COMM_LEN, t->comm);
	target_is_gone(s, t);
	if (s->stop && !s->o->launch)
		log_notice("the %s ended",
			   s->o->targets->cnt > 1 ? "last process has" : "process has");
}

/* The targets have ended; those that they have forked may go on. */
static void look_who_lives(struct session *s)
{
	if (!s->o->targets || s->alive || capture__living(s->o->capture))
		return;
	if (!s->stop)
		log_notice("the last process has ended");
	s->stop = true;
}

/* The program stands still at its start, and we know what there is to know. */
static void on_halt(struct session *s)
{
	if (!halt__answer(s->o->halt, &s->no))
		return;
	launch__kill(s->o->launch);
	s->stop = true;
}

/* A control group can be empty for a while, and filled again, until it is removed. */
static void look_at_scope(struct session *s)
{
	if (s->stop || !s->o->scope || !scope_vanished(s->o->scope))
		return;
	log_notice("the control group %s was removed", s->o->scope->cgroup.dir);
	s->stop = true;
}

/* Twice as long at most, half as long at least, so that one burst does not decide. */
static uint64_t next_poll(const struct session *s, unsigned fullest)
{
	uint64_t ns = s->poll_ns * 2;

	if (fullest > AIM_PERCENT / 2)
		ns = s->poll_ns * AIM_PERCENT / fullest;
	if (ns < s->poll_ns / 2)
		ns = s->poll_ns / 2;
	if (ns > s->poll_max_ns)
		ns = s->poll_max_ns;
	return ns > POLL_MIN_NS ? ns : POLL_MIN_NS;
}

static int file_error(struct session *s)
{
	int err = pipeline__stats(s->o->pipeline).writer.err;

	return !err && s->o->raw ? rawlog__error(s->o->raw) : err;
}

static void on_timer(struct session *s)
{
	uint64_t now, next, expirations;
	unsigned fullest;

	(void)!read(s->timer_fd, &expirations, sizeof(expirations));
	if (s->until && clock_mono() >= s->until) {
		s->stop = true;
		return;
	}
	fullest = collector__poll(s->collector);
	now = clock_mono();
	if (s->o->rotation && rotation__due(s->o->rotation, now))
		collector__cut(s->collector, EV_CUT_FILE);
	if (s->o->flight && flight__due(s->o->flight, now))
		collector__cut(s->collector, EV_CUT_SNAPSHOT);
	next = s->poll_ns = next_poll(s, fullest);
	if (s->until && now + next > s->until)
		next = s->until > now ? s->until - now : 1; /* the end is not late */
	set_timer(s, next);
	if (now >= s->next_sample) {
		s->next_sample = now + SAMPLE_NS;
		if (s->o->halt)
			halt__tick(s->o->halt, now);
		collector__sample(s->collector);
		look_who_left(s);
		look_who_lives(s);
		look_at_scope(s);
		if (file_error(s)) /* no use to go on */
			s->stop = true;
		if (s->o->rotation && rotation__enough(s->o->rotation))
			s->stop = true;
	}
	if (now >= s->next_progress) {
		s->next_progress = now + PROGRESS_NS;
		if (s->o->progress)
			say_state(s, true);
		if (s->o->control)
			tell_state(s, now);
	}
}

/* A process has ended a little before its last thread leaves its CPU: that is the end of the trace.
 */
static void let_them_go(struct session *s)
{
	struct timespec moment = { 0, 1000000 };
	uint64_t give_up = clock_mono() + LAST_SWITCH_NS;

	while (pipeline__has_threads(s->o->pipeline) && clock_mono() < give_up) {
		collector__poll(s->collector);
		nanosleep(&moment, NULL);
	}
}

static void loop(struct session *s)
{
	struct epoll_event ev[8];
	int n, i;

	while (!s->stop) {
		n = epoll_wait(s->epoll_fd, ev, 8, -1);
		for (i = 0; i < n; i++) {
			switch (ev[i].data.u64 >> 32) {
			case FROM_TIMER:
				on_timer(s);
				break;
			case FROM_SIGNAL:
				on_signals(s);
				break;
			case FROM_HALT:
				on_halt(s);
				break;
			case FROM_CONTROL:
				on_control(s);
				break;
			case FROM_TARGET:
				on_target_end(s, &s->o->targets->t[(uint32_t)ev[i].data.u64]);
				break;
			}
		}
	}
}

static void give_up_files(struct session *s)
{
	if (!pipeline__written(s->o->pipeline))
		pipeline__abandon(s->o->pipeline);
	if (s->o->raw && !rawlog__done(s->o->raw))
		rawlog__abandon(s->o->raw);
	if (s->o->flight && !flight__written(s->o->flight))
		flight__abandon(s->o->flight);
}

enum closing { DRAINING, WRITING, KEEPING, CLOSED };

static bool all_written(struct session *s)
{
	return (!s->o->raw || rawlog__done(s->o->raw)) &&
	       (!s->o->flight || flight__written(s->o->flight));
}

/* The trace first: the names of its functions go into the raw copy. */
static enum closing close_more(struct session *s, enum closing stage)
{
	if (stage == DRAINING && collector__drained(s->collector)) {
		pipeline__close(s->o->pipeline);
		stage = WRITING;
	}
	if (stage == WRITING && pipeline__written(s->o->pipeline)) {
		collector__keep_names(s->collector);
		if (s->o->raw)
			rawlog__close(s->o->raw);
		if (s->o->flight)
			flight__close(s->o->flight);
		stage = KEEPING;
	}
	if (stage == KEEPING && all_written(s))
		stage = CLOSED;
	return stage;
}

/* Somebody is impatient. Words that came as signals too, while we were busy, count once. */
static bool is_urged(const struct session *s)
{
	return s->signals > 1 || s->stops > 1;
}

/* A second signal: no more names; and a file that takes for ever, such as a pipe that nobody reads,
 * has PATIENCE_NS left. */
static void complete_files(struct session *s)
{
	struct timespec moment = { 0, 2000000 };
	enum closing stage = DRAINING;
	uint64_t give_up = 0;
	bool urged = false;

	while ((stage = close_more(s, stage)) != CLOSED) {
		on_signals(s);
		on_control(s);
		if (s->alone && !give_up)
			give_up = clock_mono() + ALONE_NS;
		if (!urged && is_urged(s)) {
			urged = true;
			give_up = clock_mono() + PATIENCE_NS;
			if (s->o->symbolizer)
				symbolizer__give_up(s->o->symbolizer);
		}
		if (give_up && clock_mono() > give_up) {
			give_up_files(s); /* the other one, if it waited for this, has as long */
			give_up = clock_mono() + PATIENCE_NS;
		}
		nanosleep(&moment, NULL);
	}
}

/* Those that the command has left behind. */
static void tell_who_lives_on(const struct session *s)
{
	uint32_t n = capture__living(s->o->capture);

	if (s->o->launch && !s->alive && n)
		log_notice(
			"%u process%s that %s has started live%s on, and %s not recorded any more",
			n, n == 1 ? "" : "es", launch__name(s->o->launch), n == 1 ? "s" : "",
			n == 1 ? "is" : "are");
}

static void say_begin(const struct session *s)
{
	if (s->o->launch)
		log_info("recording %s (%d)", launch__path(s->o->launch),
			 launch__pid(s->o->launch));
	else
		log_notice("recording%s", s->o->duration_ns ? "" : "; Ctrl-C stops");
}

int session_run(const struct session_opts *o, struct session_result *res, struct strbuf *why)
{
	struct session s = {
		.o = o,
		.res = res,
		.epoll_fd = -1,
		.timer_fd = -1,
		.no = STRBUF_INIT,
	};
	int err;

	*res = (struct session_result){ 0 };
	s.collector = collector__new(&(struct collector_opts){
		.capture = o->capture,
		.pipeline = o->pipeline,
		.raw = o->raw,
		.spaces = o->spaces,
		.annot = o->annot,
		.names = o->names,
		.targets = o->targets,
		.procs = o->procs,
		.config = o->config,
		.may_be_refused = o->halt,
	});
	err = set_up(&s);
	if (!err)
		err = collector__begin(s.collector);
	if (err) {
		strbuf_set_f(why, "cannot begin to record: %s", strerror(-err));
		goto out;
	}
	s.begin = res->begin_ns = clock_mono();
	s.until = o->duration_ns ? s.begin + o->duration_ns : 0;
	if (o->rotation)
		rotation__due(o->rotation, s.begin); /* the first file begins */
	say_begin(&s);
	if (o->control)
		o->control->begun(o->control->ctx);
	if (o->launch)
		launch__go(o->launch);
	if (o->scope && o->scope->rule & CT_RULE_ON && !capture__living(o->capture))
		log_notice("no process is meant yet: those that come will be recorded");
	loop(&s);
	res->stop_ns = clock_mono();
	if (s.no.len) {
		strbuf_set_f(why, "%s", s.no.buf);
		res->begin_ns = 0;
		give_up_files(&s);
		err = -ENOENT;
		goto out;
	}
	if (o->halt)
		halt__over(o->halt);
	tell_who_lives_on(&s);
	if (o->targets && !s.alive && !capture__living(o->capture))
		let_them_go(&s);
	s.closing = true;
	collector__end(s.collector, s.until);
	complete_files(&s);
	res->refused = collector__refused(s.collector);
	res->err = pipeline__finish(o->pipeline);
	if (o->raw)
		res->raw_err = rawlog__finish(o->raw);
	if (o->flight)
		res->flight_err = flight__finish(o->flight);
	if (o->progress)
		fprintf(stderr, "\r\033[K");
	log_progress_open(false);
out:
	if (s.timer_fd >= 0)
		close(s.timer_fd);
	if (s.epoll_fd >= 0)
		close(s.epoll_fd);
	strbuf_free(&s.no);
	collector__free(s.collector);
	return err;
}
