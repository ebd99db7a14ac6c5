// SPDX-License-Identifier: BSD-2-Clause
/*
 * Logs that are numbered, so that one that is missing or doubled is seen: numbers [THREADS]. Out:
 * "ready PID"; after a line on stdin each thread logs "THREAD NUMBER", from 1 on, twenty in each
 * millisecond at most; after the next line they end, and "last N" is said for each thread, then
 * "done"; ends at the end of stdin.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <ctrace/ctrace.h>

#include "prog.h"

#define BURST 20
#define THREADS_MAX 64

static atomic_int stop;
static int last[THREADS_MAX];

static void *count(void *arg)
{
	struct timespec moment = { 0, 1000000 };
	int nr = (int)(intptr_t)arg, i, n = 0;

	while (!stop) {
		for (i = 0; i < BURST; i++)
			ctrace_logf(ctrace_background(), "number", "%d %d", nr, ++n);
		nanosleep(&moment, NULL);
	}
	last[nr] = n;
	return NULL;
}

int main(int argc, char **argv)
{
	int i, n = argc > 1 ? atoi(argv[1]) : 2;
	pthread_t thread[THREADS_MAX];
	char line[64];

	if (n < 1 || n > THREADS_MAX)
		return 2;
	printf("ready %d\n", getpid());
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	for (i = 0; i < n; i++)
		if (pthread_create(&thread[i], NULL, count, (void *)(intptr_t)i))
			return 1;
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	stop = 1;
	for (i = 0; i < n; i++)
		pthread_join(thread[i], NULL);
	for (i = 0; i < n; i++)
		printf("last %d\n", last[i]);
	printf("done\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
	return 0;
}
