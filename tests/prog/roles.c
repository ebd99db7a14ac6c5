// SPDX-License-Identifier: BSD-2-Clause
/*
 * A process that becomes another one as it is told, with two threads "ticker" that wake up each
 * millisecond. In, a line each: "uid N" (setuid), "name X" (of the first thread), "exec PATH" (of a
 * program that gets our stdin and stdout), "fork" (a child that makes one itself; both end),
 * "orphan" (a child whose parent ends; it lives until it is killed), "tick" (the first thread wakes
 * up five times), "nanny" (a child obeys from here on; we are the parent of its orphans, and wait
 * for nobody). Out: "ready PID", then "did COMMAND" for each, "orphan PID", "child PID". Ends with
 * stdin.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "prog.h"

static void tick(int n)
{
	while (n--)
		usleep(1000);
}

static void *run(void *arg)
{
	prctl(PR_SET_NAME, "ticker");
	for (;;)
		tick(1000);
	return arg;
}

/* A child that makes a child, and so on. */
static void fork_some(int depth)
{
	pid_t pid = depth ? fork() : 0;

	OK(pid);
	if (!depth)
		return;
	if (!pid) {
		tick(2);
		fork_some(depth - 1);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void make_orphan(void)
{
	pid_t pid = fork();

	OK(pid);
	if (!pid) {
		pid = fork();
		if (pid) {
			printf("orphan %d\n", pid);
			fflush(stdout);
			_exit(0);
		}
		for (;;)
			tick(1000);
	}
	waitpid(pid, NULL, 0);
}

static void be_nanny(void)
{
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	if (fork())
		for (;;)
			pause();
	printf("child %d\n", getpid());
	fflush(stdout);
}

static void obey(char *word, char *arg)
{
	if (!strcmp(word, "uid"))
		OK(setuid((uid_t)atoi(arg)));
	else if (!strcmp(word, "name"))
		prctl(PR_SET_NAME, arg);
	else if (!strcmp(word, "exec"))
		OK(execl(arg, arg, NULL));
	else if (!strcmp(word, "fork"))
		fork_some(2);
	else if (!strcmp(word, "orphan"))
		make_orphan();
	else if (!strcmp(word, "nanny"))
		be_nanny();
	else
		tick(5);
}

int main(void)
{
	char line[256], *word, *arg;
	pthread_t th;
	int i;

	for (i = 0; i < 2; i++)
		OK(-pthread_create(&th, NULL, run, NULL));
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		arg = line;
		word = strsep(&arg, " ");
		obey(word, arg);
		printf("did %s\n", word);
		fflush(stdout);
	}
	return 0;
}
