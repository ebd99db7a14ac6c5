// SPDX-License-Identifier: BSD-2-Clause
/*
 * Annotations in a loop, for marks.py: marks WHAT N. Out: "ready PID"; after a line on stdin it
 * does WHAT N times and prints "ns X", the CPU time of one.
 *
 * WHAT is log, logf, region or task (begin and end), as ctrace.h has them; compiled with
 * CTRACE_DISABLE the same without. With WITH_LTTNG, lttng is an event with a string of lttng-ust;
 * function is a call, for uftrace.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ctrace/ctrace.h>

#ifdef WITH_LTTNG
#define LTTNG_UST_TRACEPOINT_DEFINE
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#include "marks_lttng.h"
#endif

#define TIMES(n, what)                                       \
	for (i = 0; i < (n); i++) {                          \
		what;                                        \
		__asm__ volatile("" : "+r"(i) : : "memory"); \
	}

static __attribute__((noinline)) void function(uint64_t x)
{
	__asm__ volatile("" : : "r"(x) : "memory");
}

static uint64_t spent_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts); /* others may be at work here */
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int main(int argc, char **argv)
{
	ctrace_ctx ctx = ctrace_task_begin(ctrace_background(), "bench");
	const char *what = argc > 1 ? argv[1] : "log";
	uint64_t i, n = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000, begin;
	cpu_set_t one;
	char line[16];

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one); /* who listens has the others */
	printf("ready %d\n", getpid());
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 0;
	begin = spent_ns();
	if (!strcmp(what, "log")) {
		TIMES(n, ctrace_log(ctx, "category", "a message"))
	} else if (!strcmp(what, "logf")) {
		TIMES(n, ctrace_logf(ctx, "category", "message %u", (unsigned int)i))
	} else if (!strcmp(what, "region")) {
		TIMES(n, CTRACE_REGION(ctx, "a region"){})
	} else if (!strcmp(what, "task")) {
		TIMES(n, ctrace_task_end(ctrace_task_begin(ctx, "a task")))
	} else if (!strcmp(what, "function")) {
		TIMES(n, function(i))
#ifdef WITH_LTTNG
	} else if (!strcmp(what, "lttng")) {
		TIMES(n, lttng_ust_tracepoint(ctrace_bench, log, i, "a message"))
#endif
	} else {
		return 2;
	}
	printf("ns %.4f\n", (double)(spent_ns() - begin) / (double)n);
	fflush(stdout);
	return !fgets(line, sizeof(line), stdin);
}
