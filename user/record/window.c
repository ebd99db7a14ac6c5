// SPDX-License-Identifier: BSD-2-Clause
/* See window.h. */
#include "record/window.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/log.h"
#include "util/strbuf.h"

#define LOG_TAG "record"

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

/* ---- the process of the window ---- */

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

static _Noreturn void record_window(const struct window *w, pid_t parent, int report_fd, int life)
{
	struct report report = { 0 };
	struct strbuf why = STRBUF_INIT;

	close(w->signal_fd);
	stand_apart();
	end_with(life, parent);
	report.code = record_once(w->o, &report.totals, &why);
	snprintf(report.why, sizeof(report.why), "%s", why.buf);
	(void)!write(report_fd, &report, sizeof(report)); /* nobody reads: nobody asks */
	_exit(0);
}

/* ---- who waits for it ---- */

/* Waits for the report of the process, passing on what we are told meanwhile. False: there is none,
 * and the process has ended. Others may have the pipe open. */
static bool wait_report(const struct window *w, pid_t child, int fd, struct report *report)
{
	int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	struct pollfd p[] = { { .fd = w->signal_fd, .events = POLLIN },
			      { .fd = fd, .events = POLLIN },
			      { .fd = pidfd, .events = POLLIN } };
	bool told = false;

	while (!p[1].revents && !p[2].revents) {
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents)
			w->on_signals(w->ctx, child);
	}
	if (p[1].revents & POLLIN)
		told = read(fd, report, sizeof(*report)) == sizeof(*report);
	close_fd(pidfd);
	return told;
}

static int open_pipes(int report[2], int life[2])
{
	if (pipe2(report, O_CLOEXEC) || pipe2(life, O_CLOEXEC))
		return -errno;
	return 0;
}

static enum exit_code hear(const struct window *w, pid_t child, int fd, struct report *report,
			   struct strbuf *why)
{
	enum exit_code code = EXIT_FAILED;
	int status = 0;

	if (wait_report(w, child, fd, report))
		code = report->code;
	else
		*report = (struct report){ 0 };
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (report->why[0])
		strbuf_set_f(why, "%s", report->why);
	else if (code == EXIT_FAILED)
		strbuf_set_f(why, "the process of a window has come to a bad end (%s)",
			     WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "without a word");
	return code;
}

enum exit_code window_run(const struct window *w, struct record_totals *totals, struct strbuf *why)
{
	int to_us[2] = { -1, -1 }, life[2] = { -1, -1 }, err = open_pipes(to_us, life);
	enum exit_code code = EXIT_FAILED;
	struct report report = { 0 };
	pid_t child = -1, self = getpid();

	if (!err) {
		child = fork();
		err = child < 0 ? -errno : 0;
	}
	if (!child) {
		close(to_us[0]);
		close(life[1]);
		record_window(w, self, to_us[1], life[0]);
	}
	close_fd(to_us[1]);
	close_fd(life[0]);
	if (err)
		strbuf_set_f(why, "cannot start a process for a window: %s", strerror(-err));
	else
		code = hear(w, child, to_us[0], &report, why);
	close_fd(to_us[0]);
	close_fd(life[1]);
	*totals = report.totals;
	return code;
}
