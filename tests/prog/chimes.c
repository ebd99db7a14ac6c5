// SPDX-License-Identifier: BSD-2-Clause
/*
 * Threads that one interrupt wakes, all at once: each sleeps up to the same moments, which are
 * STEP_US apart. So the interrupt comes in the middle of whatever the kernel does then: a thread
 * that names itself again and again, one that makes threads.
 *
 * In: chimes [THREADS [ROUNDS [STEP_US]]]: the sleepers [100], and how often the one is named after
 * a line on stdin [20000], a hundred times for each thread that the other makes; [2000]. Out:
 * "ready PID", "done" when both have. Ends with stdin.
 */
#include <pthread.h>
#include <sys/prctl.h>

#include "prog.h"

static int rounds = 20000;
static uint64_t step_ns = 2000000;

static void make(pthread_t *t, void *(*fn)(void *))
{
	errno = pthread_create(t, NULL, fn, NULL);
	OK(errno ? -1 : 0);
}

static void *sleeper(void *arg)
{
	struct timespec ts;
	uint64_t at;

	(void)arg;
	OK(prctl(PR_SET_TIMERSLACK, 1)); /* or the kernel would wake each at a moment of its own */
	for (;;) {
		at = (now_ns(CLOCK_MONOTONIC) / step_ns + 1) * step_ns;
		ts.tv_sec = (time_t)(at / 1000000000u);
		ts.tv_nsec = (long)(at % 1000000000u);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
	}
	return NULL;
}

static void *namer(void *arg)
{
	char name[16];
	int i;

	(void)arg;
	for (i = 0; i < rounds; i++) {
		snprintf(name, sizeof(name), "namer %d", i & 7);
		OK(prctl(PR_SET_NAME, name));
	}
	return NULL;
}

static void *nothing(void *arg)
{
	return arg;
}

static void *maker(void *arg)
{
	pthread_t t;
	int i;

	(void)arg;
	for (i = 0; i < rounds / 100; i++) {
		make(&t, nothing);
		pthread_join(t, NULL);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int i, n = argc > 1 ? atoi(argv[1]) : 100;
	pthread_t t, worker[2];
	char line[8];

	if (argc > 2)
		rounds = atoi(argv[2]);
	if (argc > 3)
		step_ns = strtoull(argv[3], NULL, 10) * 1000;
	for (i = 0; i < n; i++)
		make(&t, sleeper);
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		make(&worker[0], namer);
		make(&worker[1], maker);
		pthread_join(worker[0], NULL);
		pthread_join(worker[1], NULL);
		printf("done\n");
		fflush(stdout);
	}
	return 0;
}
