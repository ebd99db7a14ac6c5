// SPDX-License-Identifier: BSD-2-Clause
/*
 * See launch.h. Two pipes: by `go` the child learns that it may execute, or, when that is closed,
 * that it has to end; by `told` we learn what it found, and why it could not execute: success
 * closes it.
 */
#include "capture/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/exitcode.h"
#include "util/env.h"
#include "util/invoker.h"
#include "util/log.h"
#include "util/strbuf.h"
#include "util/xalloc.h"

#define LOG_TAG "launch"

#define SHELL "/bin/sh" /* runs a script that does not say by what */

struct launch {
	pid_t pid; /* of our child, until it was waited for */
	int go_fd, told_fd;
	char **argv;
	char path[PATH_MAX];
	bool left;	 /* it was waited for: the pid may be another's */
	bool terminated; /* it was told a SIGTERM */
	bool held;	 /* a stop of it is ours */
};

/* What the child tells, in one piece. */
struct report {
	enum { REPORT_FOUND = 1, REPORT_USER, REPORT_FIND, REPORT_EXECUTE } what;
	int err; /* errno; of REPORT_FOUND 0 */
	char path[PATH_MAX];
};

/* ---- the child ---- */

static int check_program(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -ENOEXEC;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) ? -errno : 0;
}

/* As execvp(3) does: the first that may be executed; else why the first that is there may not. */
static int find_in_path(const char *name, char *out)
{
	const char *env = getenv(ENV_PATH);
	char *dirs = xstrdup(env ? env : "/bin:/usr/bin"), *at = dirs, *dir;
	int err = -ENOENT, one = -ENOENT;

	while (one && (dir = strsep(&at, ":"))) {
		if (snprintf(out, PATH_MAX, "%s/%s", dir[0] ? dir : ".", name) >= PATH_MAX)
			continue;
		one = check_program(out);
		if (one != -ENOENT && one != -ENOTDIR && one != -EISDIR && err == -ENOENT)
			err = one;
	}
	free(dirs);
	return one ? err : 0;
}

static int find_program(const char *name, char *out)
{
	if (!strchr(name, '/'))
		return name[0] ? find_in_path(name, out) : -ENOENT;
	if (snprintf(out, PATH_MAX, "%s", name) >= PATH_MAX)
		return -ENAMETOOLONG;
	return check_program(out);
}

static int execute(const char *path, char **argv)
{
	size_t n = 0;
	char **script;
	int err;

	execv(path, argv);
	err = -errno;
	if (err != -ENOEXEC)
		return err;
	while (argv[n])
		n++;
	script = xcalloc(n + 2, sizeof(*script)); /* the last one stays NULL */
	script[0] = argv[0];
	script[1] = (char *)path;
	memcpy(script + 2, argv + 1, (n - 1) * sizeof(*script));
	execv(SHELL, script);
	return err;
}

static void tell(int fd, struct report *r, int what, int err)
{
	r->what = what;
	r->err = -err;
	(void)!write(fd, r, sizeof(*r));
}

static void __attribute__((noreturn)) child(char **argv, int go, int told)
{
	struct report *r = xcalloc(1, sizeof(*r));
	int err = invoker_become_at_home();
	const char *base;
	ssize_t n;
	char c;

	if (err) {
		tell(told, r, REPORT_USER, err);
		_exit(EXIT_CANNOT_RUN);
	}
	err = find_program(argv[0], r->path);
	tell(told, r, err ? REPORT_FIND : REPORT_FOUND, err);
	if (err)
		_exit(EXIT_CANNOT_RUN);
	base = strrchr(r->path, '/');
	prctl(PR_SET_NAME, base ? base + 1 : r->path, 0, 0,
	      0); /* so the trace has one name of it */
	do {
		n = read(go, &c, 1);
	} while (n < 0 && errno == EINTR);
	if (n != 1) /* nobody records it */
		_exit(EXIT_CANNOT_RUN);
	err = execute(r->path, argv);
	tell(told, r, REPORT_EXECUTE, err);
	_exit(EXIT_CANNOT_RUN);
}

/* ---- what it told ---- */

static void explain_file(const char *name, int err, struct strbuf *why)
{
	bool by_path = strchr(name, '/');

	if (err == ENOENT && !by_path)
		strbuf_set_f(
			why,
			"cannot run %s: no directory of PATH has such a program; give its path",
			name[0] ? name : "''");
	else if (err == EISDIR)
		strbuf_set_f(why, "cannot run %s: it is a directory", name);
	else if (err == EACCES && by_path && !access(name, F_OK))
		strbuf_set_f(
			why,
			"cannot run %s: it is not executable by its user; chmod +x %s, or give what runs it: -- sh %s",
			name, name, name);
	else
		strbuf_set_f(why, "cannot run %s: %s", name, strerror(err));
}

/* Returns the exit status. */
static int explain(const char *name, const struct report *r, struct strbuf *why)
{
	if (r->what == REPORT_USER) {
		strbuf_set_f(why, "cannot run %s as the user who called sudo: %s", name,
			     strerror(r->err));
		return EXIT_CANNOT_RUN;
	}
	if (r->what == REPORT_EXECUTE && r->err == ENOENT)
		strbuf_set_f(
			why,
			"cannot run %s: the program that its first line, or its ELF header, names as its interpreter is not there",
			name);
	else
		explain_file(name, r->err, why);
	return r->err == ENOENT ? EXIT_NO_COMMAND : EXIT_CANNOT_RUN;
}

static bool hear(int fd, struct report *r)
{
	ssize_t n;

	do {
		n = read(fd, r, sizeof(*r));
	} while (n < 0 && errno == EINTR);
	return n == sizeof(*r);
}

/* ---- life ---- */

static int start(struct launch *l, struct strbuf *why)
{
	int go[2] = { -1, -1 }, told[2] = { -1, -1 }, err = 0;

	if (pipe2(go, O_CLOEXEC) || pipe2(told, O_CLOEXEC))
		err = -errno;
	if (!err) {
		l->pid = fork();
		err = l->pid < 0 ? -errno : 0;
	}
	if (!err && !l->pid) {
		close(go[1]);
		close(told[0]);
		child(l->argv, go[0], told[1]);
	}
	if (go[0] >= 0)
		close(go[0]);
	if (told[1] >= 0)
		close(told[1]);
	l->go_fd = go[1];
	l->told_fd = told[0];
	if (!err)
		return 0;
	l->pid = 0;
	strbuf_set_f(why, "cannot make a process for %s: %s", l->argv[0], strerror(-err));
	return EXIT_FAILED;
}

int launch__new(struct launch **out, char **argv, struct strbuf *why)
{
	struct launch *l = xcalloc(1, sizeof(*l));
	struct report *r = xcalloc(1, sizeof(*r));
	int code;

	l->argv = argv;
	code = start(l, why);
	/* who called us may not want to hear of children; we do, and the child has it as it was */
	signal(SIGCHLD, SIG_DFL);
	if (!code && !hear(l->told_fd, r)) {
		strbuf_set_f(why, "cannot run %s: its process ended before", argv[0]);
		code = EXIT_FAILED;
	} else if (!code && r->what != REPORT_FOUND) {
		code = explain(argv[0], r, why);
	} else if (!code) {
		memcpy(l->path, r->path, sizeof(l->path));
	}
	free(r);
	if (code)
		launch__free(l);
	else
		*out = l;
	return code;
}

void launch__free(struct launch *l)
{
	if (!l)
		return;
	if (l->go_fd >= 0)
		close(l->go_fd);
	if (l->told_fd >= 0)
		close(l->told_fd);
	while (l->pid && !l->left && waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(l);
}

pid_t launch__pid(const struct launch *l)
{
	return l->pid;
}

const char *launch__path(const struct launch *l)
{
	return l->path;
}

const char *launch__name(const struct launch *l)
{
	const char *base = strrchr(l->path, '/');

	return base ? base + 1 : l->path;
}

void launch__go(struct launch *l)
{
	(void)!write(l->go_fd, "g", 1); /* one that has ended is seen by its end */
	close(l->go_fd);
	l->go_fd = -1;
}

/* ---- stops and signals ---- */

bool launch__has_stopped(struct launch *l)
{
	siginfo_t si = { 0 };

	return !waitid(P_PID, (id_t)l->pid, &si, WSTOPPED | WNOHANG) && si.si_pid == l->pid;
}

void launch__continue(struct launch *l)
{
	kill(l->pid, SIGCONT);
}

void launch__kill(struct launch *l)
{
	kill(l->pid, SIGKILL);
	while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
		;
	l->left = true;
}

void launch__expect_stop(struct launch *l, bool expected)
{
	l->held = expected;
}

bool launch__has_ended(const struct launch *l)
{
	siginfo_t si = { 0 };

	return l->left || (!waitid(P_PID, (id_t)l->pid, &si, WEXITED | WNOHANG | WNOWAIT) &&
			   si.si_pid == l->pid);
}

bool launch__signal(struct launch *l, const struct signalfd_siginfo *si)
{
	int sig = (int)si->ssi_signo;

	if (launch__has_ended(l))
		return false;
	switch (sig) {
	case SIGTERM:
		if (l->terminated)
			return true;
		l->terminated = true;
		kill(l->pid, sig);
		return true;
	case SIGINT:
	case SIGQUIT:
	case SIGHUP:
		if (si->ssi_code != SI_KERNEL) /* the terminal's have come to it, too */
			kill(l->pid, sig);
		return true;
	}
	return false;
}

/* ---- the end ---- */

static int status_of(int status)
{
	return WIFSIGNALED(status) ? EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

static void take_signals(struct launch *l, int signal_fd)
{
	struct signalfd_siginfo si;

	while (read(signal_fd, &si, sizeof(si)) == sizeof(si))
		launch__signal(l, &si);
}

int launch__wait(struct launch *l, int signal_fd, struct strbuf *why)
{
	struct pollfd fd = { .fd = signal_fd, .events = POLLIN };
	struct report *r;
	int status = 0;
	pid_t pid;

	if (l->go_fd >= 0) { /* it was never let go */
		close(l->go_fd);
		l->go_fd = -1;
	}
	while ((pid = waitpid(l->pid, &status, WNOHANG)) == 0 || (pid < 0 && errno == EINTR)) {
		if (l->held && launch__has_stopped(l)) {
			l->held = false;
			launch__continue(l);
		}
		poll(&fd, 1, -1);
		take_signals(l, signal_fd);
	}
	l->left = true;
	status = status_of(status);
	r = xcalloc(1, sizeof(*r));
	if (hear(l->told_fd, r))
		status = explain(l->argv[0], r, why);
	free(r);
	return status;
}
