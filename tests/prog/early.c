// SPDX-License-Identifier: BSD-2-Clause
/*
 * Annotates from the first moment on: early. A constructor logs "constructor" of category "early"
 * in a region of that name, main() does the same with "main", ten calls of work() lie between; then
 * it ends. Nothing is waited for.
 *
 * early fork: after that a line on stdin makes a child, which is told ("child PID"), and the next
 * one lets the child call work() and log "child"; ends with it.
 */
#include <signal.h>
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
	return 0;
}
