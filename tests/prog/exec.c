// SPDX-License-Identifier: BSD-2-Clause
/*
 * execve in its variants, at a line on stdin: exec leader|thread|spawn|rename|hide [CAT].
 *
 * leader: the only thread becomes cat, or the one named as second argument; thread: a second thread
 * does, and takes over the leader's tid; spawn: posix_spawn (a vfork) of true, 5 times; rename:
 * takes the names first, second, third; hide: the leader ends and its thread goes on. Out: "ready
 * PID"; "done" where it still can. cat ends with stdin.
 */
#include <pthread.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "prog.h"

extern char **environ;

static const char *cat = "/bin/cat";

static void *become_cat(void *arg)
{
	execl(cat, "cat", (char *)NULL);
	return arg;
}

static void *stay(void *arg)
{
	char line[64];

	prctl(PR_SET_NAME, "stays");
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (read(0, line, sizeof(line)) > 0)
		OK(write(1, "done\n", 5));
	exit(0);
	return arg;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "leader";
	char *args[] = { "true", NULL }, line[64];
	pthread_t th;
	pid_t pid;
	int i;

	if (argc > 2)
		cat = argv[2];
	if (!strcmp(how, "hide")) {
		pthread_create(&th, NULL, stay, NULL);
		pthread_exit(NULL);
	}
	printf("ready %d\n", getpid());
	fflush(stdout);
	if (read(0, line, sizeof(line)) <= 0)
		return 0;
	if (!strcmp(how, "leader"))
		become_cat(NULL);
	if (!strcmp(how, "thread")) {
		pthread_create(&th, NULL, become_cat, NULL);
		pthread_join(th, NULL);
	}
	for (i = 0; i < 5 && !strcmp(how, "spawn"); i++) {
		OK(-posix_spawnp(&pid, "true", NULL, NULL, args, environ));
		waitpid(pid, NULL, 0);
	}
	if (!strcmp(how, "rename")) {
		prctl(PR_SET_NAME, "first");
		prctl(PR_SET_NAME, "second");
		prctl(PR_SET_NAME, "third");
	}
	printf("done\n");
	fflush(stdout);
	while (read(0, line, sizeof(line)) > 0)
		;
	return 0;
}
