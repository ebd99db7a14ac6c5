// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a trigger waits for, when it is told to: outliers [LOADERS [RATE]]. Out: "ready PID".
 * LOADERS threads make regions "query" of 100 syscalls each, all the time or about RATE events a
 * second together, and a log "tick" with LOADER:NUMBER behind each.
 *
 * In: a line each, answered by "did LINE".
 *
 * region MS, task MS  a region "slow", a task "job" of so long, on the main thread
 * long US             a region "query" in which it sleeps so many microseconds; first a line
 *                     "ticks LOADER:NUMBER …", the last ones before it ended
 * open                a region "hang", on a thread that then sleeps for ever
 * log CATEGORY TEXT   a log
 * sleep MS            the thread "dozer" sleeps once
 * fsync               a syscall
 * exit CODE, segv     the end
 *
 * Ends at the end of stdin.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#include <ctrace/ctrace.h>

#include "prog.h"

static void sleep_us(unsigned us)
{
	struct timespec ts = { us / 1000000, (long)(us % 1000000) * 1000 };

	nanosleep(&ts, NULL);
}

static void sleep_ms(unsigned ms)
{
	sleep_us(ms * 1000);
}

static void start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	OK(-pthread_create(&t, NULL, fn, arg));
	pthread_detach(t);
}

#define QUERY_EVENTS 208 /* of the kernel, with the sleep behind it */

#define LOADERS_MAX 16

static uint64_t pause_ns; /* from the begin of a query to the next */
static int loaders;
static atomic_uint ticks[LOADERS_MAX]; /* the last one that each has logged */

static void *load(void *arg)
{
	uint64_t next = now_ns(CLOCK_MONOTONIC);
	unsigned nr = (unsigned)(uintptr_t)arg, n;
	struct timespec ts;
	int i;

	prctl(PR_SET_NAME, "loader");
	for (n = 0;; n++) {
		CTRACE_REGION(ctrace_background(), "query")
		{
			for (i = 0; i < 100; i++)
				syscall(SYS_getppid);
		}
		ctrace_logf(ctrace_background(), "tick", "%u:%u", nr, n);
		ticks[nr] = n;
		next += pause_ns;
		ts = (struct timespec){ (time_t)(next / 1000000000), (long)(next % 1000000000) };
		if (pause_ns)
			clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
	}
	return NULL;
}

static void *hang(void *arg)
{
	(void)arg;
	prctl(PR_SET_NAME, "hanger");
	CTRACE_REGION(ctrace_background(), "hang")
	{
		for (;;)
			pause();
	}
	return NULL;
}

static void *doze(void *arg)
{
	prctl(PR_SET_NAME, "dozer");
	sleep_ms((unsigned)(uintptr_t)arg);
	return NULL;
}

/* What was logged before its end is in each trace that has its end. */
static void long_query(unsigned us)
{
	unsigned last[LOADERS_MAX];
	int i;

	CTRACE_REGION(ctrace_background(), "query")
	{
		sleep_us(us);
		for (i = 0; i < loaders; i++)
			last[i] = ticks[i];
	}
	printf("ticks");
	for (i = 0; i < loaders; i++)
		printf(" %d:%u", i, last[i]);
	printf("\n");
}

static void do_line(const char *line)
{
	char word[32] = "", category[64] = "", text[128] = "";
	unsigned n = 0;
	ctrace_ctx job;

	sscanf(line, "%31s %u", word, &n);
	if (!strcmp(word, "region")) {
		CTRACE_REGION(ctrace_background(), "slow")
		{
			sleep_ms(n);
		}
	} else if (!strcmp(word, "long")) {
		long_query(n);
	} else if (!strcmp(word, "task")) {
		job = ctrace_task_begin(ctrace_background(), "job");
		sleep_ms(n);
		ctrace_task_end(job);
	} else if (!strcmp(word, "open")) {
		start(hang, NULL);
	} else if (!strcmp(word, "log")) {
		sscanf(line, "%*s %63s %127[^\n]", category, text);
		ctrace_log(ctrace_background(), category, text);
	} else if (!strcmp(word, "sleep")) {
		start(doze, (void *)(uintptr_t)n);
	} else if (!strcmp(word, "fsync")) {
		fsync(STDIN_FILENO);
	} else if (!strcmp(word, "exit")) {
		exit((int)n);
	} else if (!strcmp(word, "segv")) {
		raise(SIGSEGV);
	}
}

int main(int argc, char **argv)
{
	char line[256];
	int i;

	loaders = argc > 1 ? atoi(argv[1]) : 0;
	if (loaders < 0 || loaders > LOADERS_MAX)
		return 2;
	if (argc > 2)
		pause_ns = 1000000000ull * QUERY_EVENTS * (unsigned)loaders /
			   (unsigned)atoi(argv[2]);
	for (i = 0; i < loaders; i++)
		start(load, (void *)(uintptr_t)i);
	printf("ready %d\n", getpid());
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		do_line(line);
		printf("did %s", line);
		fflush(stdout);
	}
	return 0;
}
