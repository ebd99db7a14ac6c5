// SPDX-License-Identifier: BSD-2-Clause
/*
 * The workloads that no package has. Prints its own time, so that start and end of the process do
 * not count. Needs no privileges.
 *
 *   work getppid N              N calls in a row
 *   work load EVENTS_PER_S [S]  a moderate load until killed or for S seconds: pairs of threads
 *                               that talk through pipes on a clock, and a short-lived process
 *                               every 50 ms, so that threads and numbers come and go
 *   work names PER_S [S]        so many threads a second, each with a name that never was
 *                               before, every second one renamed on its way; how many there
 *                               were at the end
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAIRS 4
#define EVENTS_PER_TURN 14 /* 2 writes and 2 reads in and out, 2 switches each way, 2 wake-ups */
#define TICK_NS 10000000l

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int getppid_loop(long n)
{
	double begin = now();

	for (long i = 0; i < n; i++)
		syscall(SYS_getppid);
	printf("seconds %.9f\n", now() - begin);
	return 0;
}

struct pair {
	int there[2], back[2];
	long turns; /* per tick */
};

static void *echo(void *arg)
{
	struct pair *pair = arg;
	char byte;

	while (read(pair->there[0], &byte, 1) == 1)
		if (write(pair->back[1], &byte, 1) != 1)
			break;
	return NULL;
}

static void *ask(void *arg)
{
	struct pair *pair = arg;
	struct timespec next;
	char byte = 0;

	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		for (long i = 0; i < pair->turns; i++)
			if (write(pair->there[1], &byte, 1) != 1 ||
			    read(pair->back[0], &byte, 1) != 1)
				return NULL;
		next.tv_nsec += TICK_NS;
		if (next.tv_nsec >= 1000000000l) {
			next.tv_nsec -= 1000000000l;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
}

static int load(long rate, double seconds)
{
	static struct pair pairs[PAIRS];
	struct timespec nap = { .tv_nsec = 50000000l };
	double end = now() + seconds;
	pthread_t thread;

	for (int i = 0; i < PAIRS; i++) {
		pairs[i].turns = rate / (1000000000l / TICK_NS) / PAIRS / EVENTS_PER_TURN + 1;
		if (pipe(pairs[i].there) || pipe(pairs[i].back) ||
		    pthread_create(&thread, NULL, echo, &pairs[i]) ||
		    pthread_create(&thread, NULL, ask, &pairs[i])) {
			perror("work");
			return 1;
		}
	}
	while (seconds <= 0 || now() < end) {
		pid_t pid = fork();

		if (!pid) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(127);
		}
		if (pid > 0)
			waitpid(pid, NULL, 0);
		nanosleep(&nap, NULL);
	}
	return 0;
}

/* ---- names that never end ---- */

static void *renamed(void *arg)
{
	unsigned n = (unsigned)(unsigned long)arg;
	char name[16];

	snprintf(name, sizeof(name), "t%x", n);
	pthread_setname_np(pthread_self(), name);
	if (n % 2) {
		sched_yield(); /* seen under its first name */
		snprintf(name, sizeof(name), "u%x", n);
		pthread_setname_np(pthread_self(), name);
	}
	return NULL;
}

/* Eight at a time on the clock of a tick, so that numbers are used by several living threads. */
static int names(long rate, double seconds)
{
	struct timespec nap = { .tv_nsec = TICK_NS };
	double begin = now(), end = begin + seconds;
	unsigned long n = 0, due;
	pthread_t thread[8];
	int i, have;

	while (seconds <= 0 || now() < end) {
		due = (unsigned long)((now() - begin) * rate);
		while (n < due) {
			for (have = 0; have < 8 && n < due; have++, n++)
				if (pthread_create(&thread[have], NULL, renamed, (void *)n)) {
					perror("work");
					return 1;
				}
			for (i = 0; i < have; i++)
				pthread_join(thread[i], NULL);
		}
		nanosleep(&nap, NULL);
	}
	printf("names %lu\n", n);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "getppid"))
		return getppid_loop(atol(argv[2]));
	if (argc >= 3 && !strcmp(argv[1], "load"))
		return load(atol(argv[2]), argc > 3 ? atof(argv[3]) : 0);
	if (argc >= 3 && !strcmp(argv[1], "names"))
		return names(atol(argv[2]), argc > 3 ? atof(argv[3]) : 0);
	fprintf(stderr,
		"usage: work getppid N | work load EVENTS_PER_S [SECONDS] | work names PER_S [SECONDS]\n");
	return 2;
}
