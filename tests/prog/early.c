// SPDX-License-Identifier: BSD-2-Clause
/*
 * Annotates from the first moment on: early. A constructor logs "constructor" of category "early"
 * in a region of that name, main() does the same with "main", ten calls of work() lie between; then
 * it ends. Nothing is waited for.
 *
 * early fork: after that a line on stdin makes a child, which is told ("child PID"), and the next
 * one lets the child call work() and log "child"; ends with it.
 *
 * early kids N: says "ready PID"; after that a line on stdin makes N children at once, each of
 * which calls work() and logs "kid" as the first that it does, and ends; then "done" is said, and
 * the end of stdin waited for. early execs N: the same, but each executes true.
 */
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>

#include <ctrace/ctrace.h>

#include "prog.h"

static void __attribute__((constructor)) before_main(void)
{
	CTRACE_REGION(ctrace_background(), "constructor")
	{
		ctrace_log(ctrace_background(), "early", "constructor");
	}
}

volatile int done;

void __attribute__((noinline)) work(void)
{
	done++;
}

static void make_child(void)
{
	int go[2];
	char line[64];
	pid_t pid;

	OK(pipe(go));
	if (!fgets(line, sizeof(line), stdin))
		return;
	OK(pid = fork());
	if (!pid) {
		OK(read(go[0], line, 1));
		work();
		ctrace_log(ctrace_background(), "early", "child");
		_exit(0);
	}
	printf("child %d\n", pid);
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin))
		OK(write(go[1], "g", 1));
	else
		kill(pid, SIGKILL);
	wait(NULL);
}

static void be_kid(bool executes)
{
	if (executes)
		execlp("true", "true", NULL);
	work();
	ctrace_log(ctrace_background(), "early", "kid");
	_exit(0);
}

static void make_kids(int n, bool executing)
{
	char line[64];
	pid_t pid;

	printf("ready %d\n", getpid());
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return;
	while (n-- > 0) {
		OK(pid = fork());
		if (!pid)
			be_kid(executing);
	}
	while (wait(NULL) > 0)
		;
	puts("done");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
}

int main(int argc, char **argv)
{
	int i;

	CTRACE_REGION(ctrace_background(), "main")
	{
		ctrace_log(ctrace_background(), "early", "main");
		for (i = 0; i < 10; i++)
			work();
	}
	if (argc > 1 && !strcmp(argv[1], "fork"))
		make_child();
	if (argc > 2 && !strcmp(argv[1], "kids"))
		make_kids(atoi(argv[2]), false);
	if (argc > 2 && !strcmp(argv[1], "execs"))
		make_kids(atoi(argv[2]), true);
	return 0;
}
