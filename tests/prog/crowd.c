// SPDX-License-Identifier: BSD-2-Clause
/*
 * Many threads that live at once: N [300], named "member". At each line on stdin every one of them
 * wakes up once. Out: "ready PID" when all are there, "woken N" when all have been. Ends with stdin.
 */
#include <pthread.h>
#include <sys/prctl.h>

#include "prog.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate = PTHREAD_COND_INITIALIZER, all = PTHREAD_COND_INITIALIZER;
static int n, here, turn;

static void *member(void *arg)
{
	int seen = 0;

	prctl(PR_SET_NAME, "member");
	pthread_mutex_lock(&lock);
	for (;;) {
		if (++here == n)
			pthread_cond_signal(&all);
		while (seen == turn)
			pthread_cond_wait(&gate, &lock);
		seen = turn;
	}
	return arg;
}

/* Until every member waits at the gate. The lock is held. */
static void wait_for_all(void)
{
	while (here < n)
		pthread_cond_wait(&all, &lock);
}

int main(int argc, char **argv)
{
	char line[64];
	pthread_t th;

	n = argc > 1 ? atoi(argv[1]) : 300;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < n; i++)
		if (pthread_create(&th, NULL, member, NULL)) {
			perror("crowd");
			return 1;
		}
	wait_for_all();
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		here = 0;
		turn++;
		pthread_cond_broadcast(&gate);
		wait_for_all();
		printf("woken %d\n", n);
		fflush(stdout);
	}
	return 0;
}
