// SPDX-License-Identifier: BSD-2-Clause
/* See job.h. What the two processes say to each other stands in record/remote.h. */
#include "control/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/session.h"
#include "cli/options.h"
#include "record/remote.h"
#include "util/loop.h"
#include "util/signals.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define LOG_TAG "job"
#define LOG_NAME "ctrace-bpf: "
#define GRACE_NS (60 * 1000000000ull) /* that a recorder has to end after it should have */

struct job {
	struct job_opts opts; /* without o */
	bool flight;
	pid_t pid;
	int pidfd, sock;
	struct loop_watch *on_sock, *on_end;
	struct loop_timer *overdue; /* it acts for somebody, who can stop it as any process of his */
	enum job_state state;
	bool begun, told; /* told: it said how it ended */
	struct job_numbers numbers;
	enum exit_code code;
	struct strbuf why;
	bool stopped; /* was asked to */
	bool freed;   /* nobody asks any more: goes when its process has ended */
	job_snapshot_fn snapshot;
	void *snapshot_ctx;
};

/* ---- the recorder ---- */

/* Where things are in its process. */
enum { SOCK = 3, OUT = 4, FIRST_OTHER = 5 };

/* The last line of a log, without the name of the program: what went wrong where nothing else
 * tells. */
static void last_words(int fd, struct strbuf *why)
{
	char text[1024], *line;
	off_t end = lseek(fd, 0, SEEK_END);
	off_t from = end > (off_t)sizeof(text) ? end - (off_t)sizeof(text) : 0;
	ssize_t n = pread(fd, text, sizeof(text) - 1, from);

	while (n > 0 && text[n - 1] == '\n')
		n--;
	if (n <= 0)
		return;
	text[n] = 0;
	line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	if (!strncmp(line, LOG_NAME, strlen(LOG_NAME)))
		line += strlen(LOG_NAME);
	strbuf_set_f(why, "%s", line);
}

/* To where the next function expects them. -1: nowhere */
static int aside(int fd)
{
	return fd < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) :
			fcntl(fd, F_DUPFD_CLOEXEC, FIRST_OTHER);
}

/* What it has open is what it was given, or it does not begin: where one of these is not, there is
 * one of the service's. */
static int take_fds(const struct job_opts *o, int sock)
{
	int null = aside(-1), json = aside(o->json_fd), out = aside(o->out_fd), link = aside(sock);
	int err = o->err_fd < 0 ? memfd_create("ctrace-words", MFD_CLOEXEC) : aside(o->err_fd);

	if (null < 0 || json < 0 || out < 0 || link < 0 || err < 0)
		return -EMFILE;
	dup2(null, STDIN_FILENO);
	dup2(json, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	dup3(out, OUT, O_CLOEXEC); /* ahead of the other: it may be there now */
	dup3(link, SOCK, O_CLOEXEC);
	return close_range(FIRST_OTHER, ~0u, 0) ? -errno : 0;
}

static enum exit_code act_and_record(const struct job_opts *o, struct record_totals *totals,
				     struct strbuf *why)
{
	struct session_control control = remote_control(SOCK);
	const struct record_part part = { .totals = totals,
					  .out_fd = o->out_fd < 0 ? -1 : OUT,
					  .control = &control };
	int err = caller_become(&o->caller);

	if (!err)
		return record_once(o->o, &part, why);
	strbuf_set_f(why, "cannot act for user %u: %s", o->caller.uid, strerror(-err));
	return EXIT_MACHINE;
}

static _Noreturn void recorder(const struct job_opts *o, int sock, pid_t parent)
{
	struct record_totals totals = { 0 };
	struct strbuf why = STRBUF_INIT;
	enum exit_code code;

	__fpurge(stdout); /* the service's words are its own */
	signals_reset();
	remote_child(sock, parent);
	if (take_fds(o, sock)) {
		remote_end(sock, EXIT_FAILED, &totals,
			   "there are too few descriptors for a recorder");
		_exit(0);
	}
	prctl(PR_SET_NAME, "ctrace-recorder", 0, 0, 0);
	log_progress_open(false);
	log_set_level(o->err_fd < 0 ? LOG_ERROR : o->loud);
	code = act_and_record(o, &totals, &why);
	if (code != EXIT_FINE && !why.len && o->err_fd < 0)
		last_words(STDERR_FILENO, &why);
	fflush(stdout);
	remote_end(SOCK, code, &totals, why.buf);
	_exit(0);
}

/* ---- who has it made ---- */

static void say(struct job *j, enum remote_verb verb)
{
	if (j->sock >= 0)
		remote_send(j->sock, &(struct remote_msg){ .verb = verb }, -1);
}

static void really_free(struct job *j)
{
	loop_watch__end(j->on_sock);
	loop_watch__end(j->on_end);
	loop_timer__end(j->overdue);
	if (j->sock >= 0)
		close(j->sock);
	if (j->pidfd >= 0)
		close(j->pidfd);
	strbuf_free(&j->why);
	free(j);
}

static void changed(struct job *j)
{
	if (!j->freed)
		j->opts.changed(j->opts.ctx, j);
}

static void answer_snapshot(struct job *j, int err, const char *why)
{
	job_snapshot_fn done = j->snapshot;

	j->snapshot = NULL;
	if (done && !j->freed)
		done(j->snapshot_ctx, err, why);
}

static void take_numbers(struct job *j, const struct record_totals *t)
{
	if (t->begun)
		j->numbers = (struct job_numbers){ t->seconds, t->events, t->lost, t->bytes,
						   t->ended };
}

static void hear(struct job *j, const struct remote_msg *m)
{
	switch (m->verb) {
	case REMOTE_BEGUN:
		j->begun = true;
		j->state = JOB_RECORDING;
		changed(j);
		break;
	case REMOTE_PROGRESS:
		take_numbers(j, &m->totals);
		break;
	case REMOTE_SNAPSHOT_DONE:
		answer_snapshot(j, m->code, m->why);
		break;
	case REMOTE_ENDED:
		j->told = true;
		j->code = (enum exit_code)m->code;
		take_numbers(j, &m->totals);
		strbuf_set_f(&j->why, "%s", j->code == EXIT_FINE ? "" : m->why);
		break;
	}
}

/* All that has come. */
static void listen_to(struct job *j)
{
	struct remote_msg m = { 0 };
	int fd, err = 0;

	while (j->sock >= 0 && !(err = remote_receive(j->sock, &m, &fd))) {
		if (fd >= 0)
			close(fd); /* nothing comes along */
		m.why[sizeof(m.why) - 1] = 0;
		hear(j, &m);
	}
	if (err == -EAGAIN || j->sock < 0)
		return;
	loop_watch__end(j->on_sock);
	j->on_sock = NULL;
	close(j->sock);
	j->sock = -1;
}

static void on_sock(void *ctx, uint32_t events)
{
	(void)events;
	listen_to(ctx);
}

static void explain_end(struct job *j, int status)
{
	j->code = EXIT_FAILED;
	if (WIFSIGNALED(status))
		strbuf_set_f(&j->why, "the recorder was ended by a signal (%s)",
			     strsignal(WTERMSIG(status)));
	else
		strbuf_set_f(&j->why, "the recorder ended without a word");
}

static void on_end(void *ctx, uint32_t events)
{
	struct job *j = ctx;
	int status = 0;
	pid_t pid;

	(void)events;
	listen_to(j);
	do {
		pid = waitpid(j->pid, &status, WNOHANG);
	} while (pid < 0 && errno == EINTR);
	if (!pid)
		return; /* not yet */
	loop_watch__end(j->on_end);
	j->on_end = NULL;
	if (!j->told)
		explain_end(j, status);
	j->state = JOB_ENDED;
	answer_snapshot(j, -ECANCELED, "the recording has ended");
	if (j->freed)
		really_free(j);
	else
		changed(j); /* which may free it */
}

/* ---- life ---- */

static void send_signal(const struct job *j, int sig)
{
	syscall(SYS_pidfd_send_signal, j->pidfd, sig, NULL, 0);
}

static void ask_to_end(struct job *j)
{
	say(j, REMOTE_STOP);
	send_signal(j, SIGCONT);
	loop_timer__set(j->overdue, GRACE_NS);
}

/* Its time is over, and it does not end. */
static void on_overdue(void *ctx)
{
	struct job *j = ctx;
	bool asked = j->stopped;

	j->stopped = true;
	if (asked)
		send_signal(j, SIGKILL);
	else
		ask_to_end(j);
}

static int start(struct job *j, const struct job_opts *opts)
{
	pid_t self = getpid();
	int pair[2], err;

	err = remote_pair(pair);
	if (err)
		return err;
	j->pid = fork();
	if (!j->pid)
		recorder(opts, pair[1], self);
	err = j->pid < 0 ? -errno : 0;
	close(pair[1]);
	j->sock = pair[0];
	if (err)
		return err;
	j->pidfd = (int)syscall(SYS_pidfd_open, j->pid, 0);
	if (j->pidfd >= 0)
		j->on_end = loop__watch(opts->loop, j->pidfd, EPOLLIN, on_end, j);
	if (j->on_end)
		j->on_sock = loop__watch(opts->loop, j->sock, EPOLLIN, on_sock, j);
	if (j->on_sock)
		j->overdue = loop__timer(opts->loop, on_overdue, j);
	if (j->overdue) {
		if (opts->o->duration_ns)
			loop_timer__set(j->overdue, opts->o->duration_ns + 2 * GRACE_NS);
		return 0;
	}
	err = -errno;
	kill(j->pid, SIGKILL);
	while (waitpid(j->pid, NULL, 0) < 0 && errno == EINTR)
		;
	return err;
}

struct job *job__new(const struct job_opts *opts)
{
	struct job *j = xcalloc(1, sizeof(*j));
	int err;

	j->opts = *opts;
	j->opts.o = NULL;
	j->flight = opts->o->flight_ns;
	j->sock = j->pidfd = -1;
	j->why = STRBUF_INIT;
	err = start(j, opts);
	if (!err)
		return j;
	really_free(j);
	errno = -err;
	return NULL;
}

void job__free(struct job *j)
{
	if (!j)
		return;
	if (j->state == JOB_ENDED) {
		really_free(j);
		return;
	}
	j->freed = true; /* it has to be waited for */
	if (!j->stopped) /* twice would be more than that */
		ask_to_end(j);
	j->stopped = true;
}

void job__stop(struct job *j)
{
	j->stopped = true;
	ask_to_end(j);
}

void job__kill(struct job *j)
{
	if (j->state != JOB_ENDED)
		send_signal(j, SIGKILL);
}

enum job_state job__state(const struct job *j)
{
	return j->state;
}

pid_t job__pid(const struct job *j)
{
	return j->pid;
}

struct job_numbers job__numbers(const struct job *j)
{
	return j->numbers;
}

enum exit_code job__code(const struct job *j)
{
	return j->code;
}

const char *job__why(const struct job *j)
{
	return j->why.len ? j->why.buf : "";
}

bool job__begun(const struct job *j)
{
	return j->begun;
}

int job__snapshot(struct job *j, int fd, job_snapshot_fn done, void *ctx)
{
	int err;

	if (!j->flight)
		return -ENOTSUP;
	if (j->state != JOB_RECORDING || j->sock < 0)
		return -EAGAIN;
	if (j->snapshot)
		return -EALREADY;
	err = remote_send(j->sock, &(struct remote_msg){ .verb = REMOTE_SNAPSHOT }, fd);
	if (err)
		return err;
	j->snapshot = done;
	j->snapshot_ctx = ctx;
	return 0;
}
