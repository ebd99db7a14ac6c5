// SPDX-License-Identifier: BSD-2-Clause
/*
 * Annotates, executes itself, annotates again: reexec main|thread, which says by which thread. Out:
 * "ready PID"; after a line on stdin 50 logs "before", the exec, and when somebody listens again, or
 * after 3 s, 50 logs "after"; then "listened N", of the second half, and "done"; ends with stdin.
 */
#include <pthread.h>

#include <ctrace/ctrace.h>

#include "prog.h"

static char self[4096];

static void *execute(void *arg)
{
	(void)arg;
	execl(self, self, "again", (char *)NULL);
	return NULL;
}

static void logs(const char *when)
{
	int i;

	for (i = 0; i < 50; i++)
		ctrace_log(ctrace_background(), when, "the exec");
}

int main(int argc, char **argv)
{
	struct timespec moment = { 0, 1000000 };
	char line[64];
	pthread_t th;
	int i;

	if (argc > 1 && !strcmp(argv[1], "again")) {
		for (i = 0; i < 3000 && !ctrace_is_enabled(); i++)
			nanosleep(&moment, NULL);
		printf("listened %d\n", ctrace_is_enabled());
		logs("after");
		printf("done\n");
		fflush(stdout);
		while (read(0, line, sizeof(line)) > 0)
			;
		return 0;
	}
	OK(readlink("/proc/self/exe", self, sizeof(self) - 1));
	printf("ready %d\n", getpid());
	fflush(stdout);
	if (read(0, line, sizeof(line)) <= 0)
		return 0;
	logs("before");
	if (argc > 1 && !strcmp(argv[1], "thread")) {
		OK(-pthread_create(&th, NULL, execute, NULL));
		pthread_join(th, NULL);
	}
	execute(NULL);
	return 1;
}
