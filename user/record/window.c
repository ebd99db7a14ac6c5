// SPDX-License-Identifier: BSD-2-Clause
/* See window.h. */
#include "record/window.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "record/remote.h"
#include "util/log.h"
#include "util/strbuf.h"

#define LOG_TAG "record"

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* ---- the process of the window ---- */

/* The terminal's Ctrl-C is passed on by its parent, of whose death sock tells. */
static _Noreturn void record_window(const struct window *w, pid_t parent, int sock)
{
	struct record_totals totals = { 0 };
	const struct record_part part = { .totals = &totals, .claimed = true, .out_fd = -1 };
	struct strbuf why = STRBUF_INIT;
	enum exit_code code;

	close(w->signal_fd);
	remote_child(sock, parent);
	if (!log_wants(LOG_TAG, LOG_INFO))
		log_set_level(LOG_ERROR);
	code = record_once(w->o, &part, &why);
	remote_end(sock, code, &totals, why.buf);
	_exit(0);
}

/* ---- who waits for it ---- */

/* Waits for the last word of the process, passing on what we are told meanwhile. False: there is
 * none, and the process has ended. Others may have its end of the pair open. */
static bool wait_report(const struct window *w, pid_t child, int sock, struct remote_msg *report)
{
	int pidfd = (int)syscall(SYS_pidfd_open, child, 0), fd;
	struct pollfd p[] = { { .fd = w->signal_fd, .events = POLLIN },
			      { .fd = sock, .events = POLLIN },
			      { .fd = pidfd, .events = POLLIN } };
	bool told = false;

	while (!p[1].revents && !p[2].revents) {
		if (poll(p, 3, -1) < 0 && errno != EINTR)
			break;
		if (p[0].revents)
			w->on_signals(w->ctx, child);
	}
	if (p[1].revents & POLLIN)
		told = !remote_receive(sock, report, &fd) && report->verb == REMOTE_ENDED;
	close_fd(pidfd);
	return told;
}

static enum exit_code hear(const struct window *w, pid_t child, int sock, struct remote_msg *report,
			   struct strbuf *why)
{
	enum exit_code code = EXIT_FAILED;
	int status = 0;

	if (wait_report(w, child, sock, report))
		code = (enum exit_code)report->code;
	else
		*report = (struct remote_msg){ 0 };
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
	int pair[2] = { -1, -1 }, err = remote_pair(pair);
	enum exit_code code = EXIT_FAILED;
	struct remote_msg report = { 0 };
	pid_t child = -1, self = getpid();

	if (!err) {
		child = fork();
		err = child < 0 ? -errno : 0;
	}
	if (!child) {
		close(pair[0]);
		record_window(w, self, pair[1]);
	}
	close_fd(pair[1]);
	if (err)
		strbuf_set_f(why, "cannot start a process for a window: %s", strerror(-err));
	else
		code = hear(w, child, pair[0], &report, why);
	close_fd(pair[0]);
	*totals = report.totals;
	return code;
}
