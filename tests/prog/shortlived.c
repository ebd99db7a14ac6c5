// SPDX-License-Identifier: BSD-2-Clause
/*
 * Threads that come and go: at each line on stdin it makes N [200], one after the other, each of
 * which renames itself to "short" and ends. Out: "ready PID", "made N" for each line. With "fork"
 * as second argument they are processes.
 */
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "prog.h"

static void *run(void *arg)
{
	prctl(PR_SET_NAME, "short");
	return arg;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 200, i;
	char line[64];
	pthread_t th;
	pid_t pid;

	printf("ready %d\n", getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		for (i = 0; i < n; i++) {
			if (argc > 2) {
				pid = fork();
				if (!pid)
					_exit(0);
				waitpid(pid, NULL, 0);
			} else if (!pthread_create(&th, NULL, run, NULL)) {
				pthread_join(th, NULL);
			}
		}
		printf("made %d\n", n);
		fflush(stdout);
	}
	return 0;
}
