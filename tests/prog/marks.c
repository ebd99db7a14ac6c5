// SPDX-License-Identifier: BSD-2-Clause
/*
 * A million markers as fast as eight threads can: marks [THREADS [ROUNDS]]. Out: "ready PID"; after
 * a line on stdin it makes them, five a round, and prints "KIND N" for each kind and "done"; ends
 * at the end of stdin.
 */
#include <pthread.h>

#include <ctrace/ctrace.h>

#include "prog.h"

static int rounds = 25000;
static pthread_barrier_t all;

static void *make(void *arg)
{
	ctrace_ctx task;
	int i;

	(void)arg;
	pthread_barrier_wait(&all);
	for (i = 0; i < rounds; i++) {
		task = ctrace_task_begin(ctrace_background(), "job");
		CTRACE_REGION(task, "part")
		{
			ctrace_log(task, "state", "half way");
		}
		ctrace_task_end(task);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int i, n = argc > 1 ? atoi(argv[1]) : 8;
	pthread_t *threads;
	char line[64];

	if (argc > 2)
		rounds = atoi(argv[2]);
	threads = calloc((size_t)n, sizeof(*threads));
	if (n < 1 || !threads || pthread_barrier_init(&all, NULL, (unsigned)n + 1))
		return 2;
	printf("ready %d\n", getpid());
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	for (i = 0; i < n; i++) {
		if (pthread_create(&threads[i], NULL, make, NULL))
			return 1;
	}
	pthread_barrier_wait(&all);
	for (i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	printf("tasks %d\nregions %d\nlogs %d\nmarkers %d\ndone\n", n * rounds, n * rounds,
	       n * rounds, 5 * n * rounds);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		;
	free(threads);
	return 0;
}
